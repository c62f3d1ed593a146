/* realtime.h - speech to speech: instance, session, socket. Sessions live on their worker; the instance is read only
 * after create(). */
#ifndef REALTIME_REALTIME_H
#define REALTIME_REALTIME_H
#include <stdatomic.h>
#include "chat_history.h"
#include "dialect.h"
#include "pcm.h"
#include "tool_offer.h"
#include "wire.h"
#include "voicegw/plugin.h"
#include "voicegw/draft/assistant.h"
#include "voicegw/draft/host_crypto.h"
#include "voicegw/draft/host_ws.h"
#include "voicegw/draft/vendor_options.h"

#define RT_ID_MAX 96u /* of an item, a response, a call, with its NUL */
#define RT_URL_MAX 1024u
#define RT_ITEMS 8u                /* answers whose end is still to be heard */
#define RT_ITEM_MS 600000u         /* of one answer; more is dropped and counted */
#define RT_CALLS_MAX 16u           /* tools that are awaited at once */
#define RT_MESSAGE_MAX (4u << 20)  /* octets of one event */
#define RT_EARLY_MS 5000u          /* of the caller's newest audio, kept until the model listens */
#define RT_PREROLL_MS 400u         /* of it that is sent when our own detector hears speech */
#define RT_DIGITS_US 1500000       /* after the last digit the model is asked */
#define RT_RENEW_WAIT_US 180000000 /* for a pause to renew in, before it is done anyway */
#define RT_EXPIRING_MS 60000u

struct rt_instance {
    const struct voicegw_host *host;
    const struct voicegw_host_ws *ws;
    const struct voicegw_host_assistant *out;
    const struct voicegw_host_crypto *crypto;
    struct voicegw_vendor vendor;
    struct rt_dialect dialect;
    /* Strings are the options block's. */
    const char *model, *prompt, *greeting, *voice, *transcription, *noise_reduction, *detection, *eagerness;
    const char *error_text, *limit_text, *transfer_to, *tools_json, *builtin_json;
    const char *path;
    char block[4096]; /* the texts behind `headers` */
    const char *headers[VOICEGW_VENDOR_HEADERS_MAX + 8];
    double threshold, speed;
    uint32_t prefix_ms, silence_ms, idle_ms, max_answer_tokens, max_rounds, max_turns, history_turns;
    int64_t session_limit_us, tool_timeout_us, max_tokens;
    uint32_t generate_greeting, own_turns; /* own_turns: our detector leads */
    atomic_uint sessions, draining;
};

enum rt_link_state { RT_CONNECTING, RT_SETTING_UP, RT_READY };

struct rt;
struct rt_link { /* one socket; it lives until the host has told its end */
    struct rt *s;
    uint64_t ws, timer;
    enum rt_link_state state;
    uint32_t dropped; /* nobody listens to it any more */
};

struct rt_item { /* an answer of the model on its way to the caller's ear */
    char id[RT_ID_MAX];
    char *text;
    int64_t end_us; /* when its last sample will have been played, as far as it is known */
    uint32_t ms;    /* of audio so far */
    uint32_t audio_done, text_done;
};

struct rt_call { /* a tool that is awaited */
    uint64_t number;
    char id[RT_ID_MAX];
};

struct rt {
    struct rt_instance *o;
    uint64_t handle;
    uint32_t encoding, rate, bytes_per_ms; /* of what is sent and received; rate 24000 for L16 */
    struct pcm_resampler *resampler;       /* of the caller's audio, or NULL */
    struct chat_history history;
    struct tool_offer offer;
    char language[32];
    char *prompt, *greeting;
    char model[128], voice[64];
    uint32_t resumed, greeted;

    struct rt_link *link, *next; /* in use; its successor, while it is being set up */
    uint32_t links, losses;
    uint64_t retry_timer, limit_timer, digit_timer, heard_timer, tool_timer;
    int64_t renew_after_us; /* 0: not asked for */

    uint8_t *early; /* the caller's newest audio: until the model listens, or before our detector heard speech */
    uint32_t early_bytes, early_cap;
    uint32_t gate; /* with our own turns: the caller's audio goes out */

    char response[RT_ID_MAX]; /* under way, "" for none */
    char cut[RT_ID_MAX];      /* whose audio is not wanted any more */
    uint32_t responding, want_response, owed, caller_speaking, ending;
    struct rt_item items[RT_ITEMS];
    uint32_t item_count;
    int64_t play_end_us, heard_to; /* heard_to: the end of the caller's audio so far, at 8 kHz */
    char digits[64];

    struct rt_call calls[RT_CALLS_MAX];
    uint32_t call_count, rounds;
    uint64_t call_number;

    uint64_t turns;
    int64_t tokens;
    uint32_t closing;
};

/* session.c */
extern const struct voicegw_assistant_audio rt_server_turns, rt_own_turns;
void rt_tell_drained(struct rt_instance *o);
/** Says by the host's voice that something went wrong. */
void rt_apologize(struct rt *s, const char *text);
void rt_stop_timer(struct rt *s, uint64_t *timer);
/** The last socket of a session that closes is gone. */
void rt_session_end(struct rt *s);

/* link.c */
/** Opens a socket; NULL: it cannot be, host->last_error() says why. */
struct rt_link *rt_link_open(struct rt *s);
/** Sends a text that was malloc()ed, and frees it; NULL is passed over. */
void rt_send(struct rt *s, char *text);
/** Nothing of it is told any more; it closes. Takes NULL. */
void rt_link_drop(struct rt_link *link);
/** The caller's audio, to the socket in use. */
void rt_send_audio(struct rt *s, const uint8_t *data, uint32_t bytes);

/* life.c: sockets that come and go under one conversation */
void rt_link_ready(struct rt_link *link);
void rt_link_lost(struct rt_link *link, const char *sentence);
/** Renews the session when it is due and nobody speaks. */
void rt_renew_if_quiet(struct rt *s);
void rt_connect(struct rt *s);

/* event.c */
void rt_on_event(struct rt_link *link, enum rt_event event, struct voicegw_json doc);
/** Asks for an answer, now or as soon as the one under way is over. */
void rt_respond(struct rt *s);

/* item.c */
void rt_item_audio(struct rt *s, const char *id, const char *base64, uint64_t bytes);
void rt_item_audio_done(struct rt *s, const char *id);
/** More of its text, or (done 1) all of it. */
void rt_item_text(struct rt *s, const char *id, const char *text, uint32_t done);
/** So much of it was heard before the caller cut in. 1: it was known. */
uint32_t rt_item_cut(struct rt *s, const char *id, uint32_t heard_ms);
void rt_items_free(struct rt *s);

/* tool.c */
/** Calls what the response asks for. */
void rt_tools_run(struct rt *s, struct voicegw_json output);
int32_t rt_tool_result(struct rt *s, uint64_t tool_call, int32_t status, const char *result_json);
#endif
