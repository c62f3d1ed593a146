/* batch.h - recognition by requests: an utterance is kept while the caller speaks and sent as a file when the gateway
 * says that it is over, or in pieces before that where the operator asks for it. A vendor brings the request's fields
 * and a reader of its answer.
 *
 * A stream belongs to its worker; all functions but the pure ones run there. */
#ifndef VOICEGW_PLUGIN_BATCH_H
#define VOICEGW_PLUGIN_BATCH_H
#include "vendor.h"
#include "voicegw/draft/stt.h"

#define BATCH_TEXT_MAX 16384 /* bytes of one utterance's text */

/** A multipart/form-data body that is being written. RFC 7578. */
struct batch_form {
    char *data; /* free() */
    size_t bytes, room;
    uint32_t failed; /* out of memory, or a name that cannot stand in a head; sticks */
};
#define BATCH_BOUNDARY "voicegw-5b1f6c02d7e94a3c8f"
/** A field; NULL or "" adds nothing. */
void batch_field(struct batch_form *form, const char *name, const char *value);
/** A WAV file of one channel. */
void batch_file(struct batch_form *form, const char *name, const int16_t *pcm, size_t samples, uint32_t rate);
/** The members of an object as fields. */
void batch_fields_of(struct batch_form *form, const char *object_json);
void batch_form_end(struct batch_form *form);

/** What is asked with one file. */
struct batch_wish {
    const char *language; /* "en-US", or "" */
    const char *hints_json;
    const char *before; /* what was understood of this utterance so far, "" at its start */
};

/** What an answer says. */
struct batch_answer {
    uint32_t whole;    /* 1: `text` is all of it; 0: one more piece of a text that still comes */
    double confidence; /* negative: unknown */
    double used_s;     /* seconds that are charged; 0: not said */
    int32_t status;    /* negative: the vendor complains */
    char sentence[256];
    char language[16];
    char text[BATCH_TEXT_MAX];
};

struct batch_dialect {
    const char *vendor;
    /** Writes path and fields, not the file. Pure. A negative status: `why` says what is wrong. */
    int32_t (*write)(const void *engine, const struct batch_wish *wish, struct voicegw_text *url,
                     struct vendor_headers *headers, struct batch_form *form, char *why, size_t cap);
    /** Reads an answer, or one event of an answer that is streamed. Pure. */
    void (*read)(struct voicegw_json message, struct batch_answer *answer);
};

/** The first member of a plugin's instance. Constant after start but for the counts. */
struct batch_home {
    struct vendor_streams streams;
    const struct voicegw_host_stt *out;
    const struct voicegw_host_http *http;
    const struct batch_dialect *dialect;
    struct voicegw_vendor vendor;
    uint32_t chunk_ms, answer_timeout_ms;
};

#define BATCH_OPTION_COUNT 2u
/** Rows chunk and answer_timeout. */
#define BATCH_OPTIONS                                                                                                  \
    {.size = sizeof(struct voicegw_option),                                                                            \
     .type = VOICEGW_OPTION_DURATION,                                                                                  \
     .name = "chunk",                                                                                                  \
     .dflt = "0s",                                                                                                     \
     .max = 60,                                                                                                        \
     .description = "Speech is sent in pieces of this length while it still goes on, as in 3s; words at a cut may "    \
                    "suffer. 0: an utterance is sent as a whole when it is over."},                                    \
    {                                                                                                                  \
        .size = sizeof(struct voicegw_option), .type = VOICEGW_OPTION_DURATION, .name = "answer_timeout",              \
        .dflt = "4500ms", .min = 0.1, .max = 60,                                                                       \
        .description = "How long an answer may take, tries and pauses included; the gateway passes over an engine "    \
                       "after 5s."                                                                                     \
    }

/** Reads the common options. 0, or a negative status with a sentence. [control] */
int32_t batch_home_init(struct batch_home *home, const struct voicegw_host *host, const struct voicegw_options *options,
                        const struct batch_dialect *dialect);
extern const struct voicegw_stt batch_operations;
/** factory.start, drain and get_extension of instances that begin with struct batch_home. */
int32_t batch_start(void *instance);
void batch_drain(void *instance);
const void *batch_extension(void *instance, const char *id);

/** "en" of "en-US"; `cap` of 9 or more. Pure. */
void batch_language(const char *language, char *out, size_t cap);
/** "a, b, c" of an array of phrases, whole phrases only. Pure. */
void batch_phrases(const char *hints_json, char *out, size_t cap);
/** Text without the spaces around it; what stands in brackets alone, as "[BLANK_AUDIO]", is no speech: "". Pure. */
void batch_tidy(char *text);
#endif
