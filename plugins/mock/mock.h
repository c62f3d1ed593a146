/* mock.h - the parts of the mock provider: telephone calls that nobody places.
 *
 * Calls live on [control], streams and callers on the worker of their leg. They know each other by the call's handle;
 * the few fields of a call that a worker reads stand under the instance's lock. */
#ifndef MOCK_MOCK_H
#define MOCK_MOCK_H
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include "script.h"
#include "voicegw/plugin.h"
#include "voicegw/draft/host_crypto.h"
#include "voicegw/draft/host_event.h"
#include "voicegw/draft/host_route.h"
#include "voicegw/draft/host_use.h"
#include "voicegw/draft/host_ws.h"
#include "voicegw/draft/provider.h"
#include "voicegw/draft/provider_extra.h"
#include "voicegw/draft/provider_media.h"

#define MOCK_NUMBER_CAP 129 /* a telephone number or address, with its NUL */
#define MOCK_ID_CAP 129     /* provider_call_id */
#define MOCK_SESSION_CAP (MOCK_ID_CAP + 8)
#define MOCK_EARLY_MAX 32u /* events kept for a script whose media has not begun */
#define MOCK_TRANSFER_US 200000
#define MOCK_UNANSWERED_US 60000000 /* a caller gives up */
#define MOCK_BUCKETS 512u

enum mock_outcome { MOCK_ANSWERED, MOCK_BUSY, MOCK_NO_ANSWER, MOCK_FAILED, MOCK_CANCELED, MOCK_DROPPED, MOCK_SLOW };

struct mock_rule {
    char to[MOCK_NUMBER_CAP]; /* glob */
    enum mock_outcome outcome;
    int64_t after_us; /* -1: the outcome's own time */
};

/* What the operator set. Constant once made; calls keep the block they began with. */
struct mock_settings {
    uint32_t refs; /* under the lock */
    uint32_t open_streams, duplicates, signalled, streamed, called_back, gateway_mixes;
    int64_t initiating_us, ringing_us, late_us, patience_us;
    char tts[64], voice[64];
    uint32_t rule_count, script_count;
    struct mock_rule *rules;
    struct mock_script **scripts;
};

struct mock;
struct mock_stream;
struct mock_caller;

/* Something to do on [control] later. */
struct mock_task {
    struct mock_task *next, **at;
    struct mock *mock;
    uint64_t timer, op, call;
    void (*run)(struct mock_task *task);
    uint32_t state, outcome, sequence, count; /* for whoever runs it */
    char text[160];
};

/* Something that happened, on its way to a script. */
struct mock_news {
    struct mock_news *next;
    struct mock *mock;
    uint64_t leg;
    char *event, *text;
};

struct mock_call {
    struct mock_call *next;
    struct mock *mock;
    struct mock_settings *settings;
    uint64_t handle, subscription;
    uint32_t state, sequence;
    uint32_t outbound, simulated, over, muted, recording;
    enum mock_outcome outcome;
    int64_t after_us, ring_timeout_us;
    struct mock_task *progress;
    const char *id, *from, *to; /* in `names` */
    char session[MOCK_SESSION_CAP];
    char conference[64];
    char whisper[1024]; /* told whoever is consulted before an attended transfer */
    uint32_t conference_hold, conference_mute;
    /* under the lock: */
    struct mock_script *script;
    struct mock_stream *stream;
    uint64_t leg;
    uint32_t proven; /* a socket holds the stream */
    struct mock_news *early, **early_end;
    uint32_t early_count;
    char names[];
};

struct mock {
    const struct voicegw_host *host;
    const struct voicegw_host_provider *provider;
    const struct voicegw_host_media *media;
    const struct voicegw_host_route *route; /* the rest may be NULL */
    const struct voicegw_host_ws *ws;
    const struct voicegw_host_use *use;
    const struct voicegw_host_event *event;
    const struct voicegw_host_crypto *crypto;
    const struct voicegw_host_conference *conference;
    const struct voicegw_host_sms *sms;
    struct mock_settings *settings; /* of new calls; [control] */
    struct mock_call *coming;       /* inside on_incoming(): its handle is not known yet */
    struct mock_task *tasks;
    uint64_t ids;               /* for ids where the host has no random numbers */
    atomic_uint live, draining; /* calls, streams, sockets and utterances that are not over */
    pthread_mutex_t lock;       /* the table of calls and what calls mark as under it; held for a few instructions */
    struct mock_call *calls[MOCK_BUCKETS];
    struct mock_stream *streams[MOCK_BUCKETS]; /* by leg; they outlive their calls for a moment */
};

/* mock.c */
void mock_live(struct mock *m, int by);
/** prefix and 32 hex digits; `out` holds 40. [any] */
void mock_id(struct mock *m, const char *prefix, char *out);

/* options.c */
#define MOCK_OPTIONS 13u
extern const struct voicegw_option mock_options[MOCK_OPTIONS];
/** A block of settings with one reference, or NULL after set_error(); *ret_status says which error. */
struct mock_settings *mock_settings_new(const struct voicegw_host *host, const struct voicegw_options *options,
                                        int32_t *ret_status);
void mock_settings_keep(struct mock *m, struct mock_settings *s);
void mock_settings_drop(struct mock *m, struct mock_settings *s);
void mock_script_keep(struct mock *m, struct mock_script *s);
/** Takes NULL. */
void mock_script_drop(struct mock *m, struct mock_script *s);
const struct mock_rule *mock_rule_for(const struct mock_settings *s, const char *to);
struct mock_script *mock_script_named(const struct mock_settings *s, const char *id);
/** The script of a callee with this number, or NULL. */
struct mock_script *mock_script_for(const struct mock_settings *s, const char *to);

/* call.c, [control] */
/** Runs later; NULL when the host has no timer left. */
struct mock_task *mock_task_start(struct mock *m, int64_t delay_us, void (*run)(struct mock_task *task));
void mock_task_cancel(struct mock_task *task);
/** Makes a task run at once as something else. */
void mock_task_hurry(struct mock_task *task, void (*run)(struct mock_task *task));
struct mock_call *mock_call_new(struct mock *m, const char *id, const char *from, const char *to);
/** Enters the host's handle; from now on the call is found. */
void mock_call_enter(struct mock_call *c, uint64_t handle);
/** Frees a call; takes NULL. */
void mock_call_free(struct mock_call *c);
struct mock_call *mock_call_of(struct mock *m, uint64_t handle);
struct mock_call *mock_call_by_id(struct mock *m, const char *id);
struct mock_call *mock_call_by_session(struct mock *m, const char *session);
/** Outbound: the first state and all that follow. */
void mock_call_dial(struct mock_call *c);
/** Inbound: the caller waits for an answer. */
int32_t mock_call_wait(struct mock_call *c);
/** Tells the host a state that does not end the call. */
void mock_call_state(struct mock_call *c, uint32_t state, const char *cause);
/** Ends the call once; the call may be gone afterwards. */
void mock_call_finish(struct mock_call *c, uint32_t state, uint32_t outcome, const char *cause);
void mock_call_connect(struct mock_call *c);
const char *mock_state_name(uint32_t state);
/** From a worker: the far side of a call did something. what: 'h' hold, 'r' resume, 'e' end. `cause` is constant.
 * [media] */
void mock_call_notify(struct mock *m, uint64_t call, char what, const char *cause);
void mock_news_free(struct mock_news *news);
/** Digits that the gateway sent by an operation, on their way to a script. */
void mock_call_digits(struct mock_call *c, const char *digits);

/* ops.c */
extern const struct voicegw_provider mock_operations;

/* stream.c, [media] */
extern const struct voicegw_provider_media mock_media_operations;
extern const struct voicegw_ws_route mock_socket_route;
/** The caller of a leg's stream, or NULL. */
struct mock_caller *mock_stream_caller(struct mock *m, uint64_t leg);

/* caller.c, [media] */
/** A person on a leg; takes over the reference to `script` (may be NULL: one who listens). NULL: out of memory or
 * timers. */
struct mock_caller *mock_caller_new(struct mock *m, uint64_t leg, uint64_t call, struct mock_script *script,
                                    const struct mock_settings *settings);
void mock_caller_free(struct mock_caller *c);
int32_t mock_caller_hear(struct mock_caller *c, const struct voicegw_frame *frame);
int32_t mock_caller_clear(struct mock_caller *c);
int32_t mock_caller_mark(struct mock_caller *c, uint64_t mark_id);
void mock_caller_digits(struct mock_caller *c, const char *digits);
void mock_caller_news(struct mock_caller *c, const char *event, const char *text);

/* routes.c, [control] */
int32_t mock_routes_start(struct mock *m);
int32_t mock_upgrade(void *instance, const struct voicegw_request *request, uint64_t *ret_leg);

/* extra.c */
extern const struct voicegw_provider_conference mock_conferences;
extern const struct voicegw_provider_sms mock_messages;
/** The call is over: it leaves its conference. */
void mock_conference_part(struct mock_call *c, uint32_t event);
#endif
