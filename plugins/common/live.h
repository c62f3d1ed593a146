/* live.h - recognition over a vendor's WebSocket: audio goes out as it comes, texts come back while the caller speaks.
 * A vendor brings its address, its words and a reader of its messages; connecting, keeping alive, putting texts
 * together, finals, connecting again after a cut, and the end are here.
 *
 * A stream belongs to its worker; all functions but the pure ones run there. */
#ifndef VOICEGW_PLUGIN_LIVE_H
#define VOICEGW_PLUGIN_LIVE_H
#include "vendor.h"
#include "voicegw/draft/host_crypto.h"
#include "voicegw/draft/host_ws.h"
#include "voicegw/draft/stt.h"

#define LIVE_TEXT_MAX 8192 /* bytes of one utterance */
#define LIVE_WORDS_MAX 16384

/** What one message of a vendor says. Fields that a message does not speak of stay zero. */
struct live_news {
    uint32_t heard;      /* it brings a text, in `text`; what follows says of what */
    uint32_t settled;    /* 1: this part is final and is appended; 0: it stands for the part that is not settled yet */
    uint32_t flushed;    /* the answer to a commit: all before it is heard */
    uint32_t turn_ended; /* the vendor holds the turn for over */
    uint32_t speech;     /* 1: it heard speech begin */
    double confidence;   /* of the text; negative: unknown */
    double start_s, end_s;     /* the text's place in the audio of this connection; negative: unknown */
    struct voicegw_json words; /* array; in the vendor's message */
    double used_s;             /* seconds that are charged; 0: the message does not say */
    int32_t status;            /* negative: the vendor complains */
    uint32_t fatal;            /* and the connection is of no more use */
    char language[16];
    char sentence[256];
    char text[LIVE_TEXT_MAX];
};

/** What is asked of a vendor when a connection is made. */
struct live_wish {
    const char *language;   /* "" : the vendor's default or its detection */
    const char *hints_json; /* array of phrases, or NULL */
    uint32_t encoding, rate;
    uint32_t interim;
    uint32_t own_turns; /* 1: the vendor is to find the ends of turns */
};

struct live_dialect {
    const char *vendor;        /* as people know it: "Deepgram" */
    const char *word_names[4]; /* of a word's members: text, start, end, confidence */
    double word_unit_ms;       /* milliseconds in one of its time units */
    uint32_t piece_ms;         /* audio goes out in pieces of at least this length */
    uint32_t keep_alive_ms;    /* after so long without audio keep_alive is sent; 0: never */
    const char *keep_alive;
    const char
        *goodbye;  /* before the socket is closed; NULL: nothing. The vendor closes then, or we do after a second */
    uint32_t g711; /* 1: mu-law is taken as it is, 2: A-law too */
    uint32_t rate; /* of linear audio: 8000 or 16000 */
    /** Writes the URL and the headers that are the vendor's. Pure. A negative status: `why` says what is wrong. */
    int32_t (*address)(const void *engine, const struct live_wish *wish, struct voicegw_text *url,
                       struct vendor_headers *headers, char *why, size_t cap);
    /** Writes the message that carries audio into `out`, returns its length or a negative status; NULL: audio goes out
     * as binary messages. */
    int64_t (*audio)(const struct voicegw_host *host, const struct voicegw_host_crypto *crypto,
                     const struct live_wish *wish, const void *data, uint64_t bytes, char *out, uint64_t cap);
    /** The message that asks for the rest of what was heard. */
    const char *commit;
    /** Tells new hints to a vendor that takes them in mid-stream; the length, or negative. May be NULL. */
    int64_t (*update)(const char *hints_json, char *out, uint64_t cap);
    /** Reads one message (valid JSON). Pure. */
    void (*read)(struct voicegw_json message, struct live_news *news);
};

/** An instance; the plugin's own begins with it. Constant after start but for the counts. */
struct live_home {
    struct vendor_streams streams;
    const struct voicegw_host_stt *out;
    const struct voicegw_host_ws *ws;
    const struct voicegw_host_crypto *crypto;
    const struct live_dialect *dialect;
    struct voicegw_vendor vendor;
    uint32_t final_timeout_ms;
    uint32_t own_turns;
};

#define LIVE_OPTION_COUNT 2u
/** Rows turns and final_timeout. */
#define LIVE_OPTIONS                                                                                                   \
    {.size = sizeof(struct voicegw_option),                                                                            \
     .type = VOICEGW_OPTION_ENUM,                                                                                      \
     .name = "turns",                                                                                                  \
     .dflt = "gateway",                                                                                                \
     .choices = "gateway engine",                                                                                      \
     .description = "Who finds the end of what a caller says: the gateway, which then asks for the rest at once and "  \
                    "sends no silence, or the engine, which hears everything."},                                       \
    {                                                                                                                  \
        .size = sizeof(struct voicegw_option), .type = VOICEGW_OPTION_DURATION, .name = "final_timeout", .dflt = "2s", \
        .min = 0.1, .max = 30,                                                                                         \
        .description = "How long the engine may take for the rest of an utterance; then what has come by then is "     \
                       "what was said."                                                                                \
    }

/** Reads the common options. 0, or a negative status with a sentence. [control] */
int32_t live_home_init(struct live_home *home, const struct voicegw_host *host, const struct voicegw_options *options,
                       const struct live_dialect *dialect);
/** The table for this home: one whose engine finds turns, or one whose does not. [any] */
const struct voicegw_stt *live_operations(const struct live_home *home);

/** factory.start, drain and get_extension of instances that begin with struct live_home. */
int32_t live_start(void *instance);
void live_drain(void *instance);
const void *live_extension(void *instance, const char *id);

/* ---- texts of an utterance; pure ---- */

/** What was heard of one utterance: what is settled, and behind it what may still change. */
struct live_said {
    char text[2 * LIVE_TEXT_MAX];
    size_t settled; /* bytes of text that are */
    double confidence_sum, weight;
    double start_s, end_s;
    size_t words_used;
    char words[LIVE_WORDS_MAX]; /* objects with commas between */
    char language[16];
};
void live_said_clear(struct live_said *said);
/** Takes what a message brought; 1 when the text is another than before. */
uint32_t live_said_take(struct live_said *said, const struct live_dialect *dialect, const struct live_news *news);
/** Of what is settled; negative: unknown. */
double live_said_confidence(const struct live_said *said);
#endif
