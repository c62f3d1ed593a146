/* remote.h - synthesis by a vendor's HTTP interface: one request a sentence, heard while its answer still comes. A
 * vendor brings the request; the stream, tries, stalls, refusals and the form of the audio are here.
 *
 * The plugin's instance begins with struct remote; a stream is one of speaker.h. */
#ifndef VOICEGW_PLUGIN_REMOTE_H
#define VOICEGW_PLUGIN_REMOTE_H
#include "speaker.h"
#include "vendor.h"
#include "wav.h"

#define REMOTE_BODY_MAX 65536

/** A request for one sentence. */
struct remote_request {
    struct voicegw_text url;
    struct vendor_headers headers; /* the vendor's; the operator's are added behind them */
    struct voicegw_json_writer body;
    uint32_t encoding, rate; /* of the audio that comes: asked for as the stream would have it where that can be had */
    uint32_t wav;            /* 1: a WAV file comes, whose head says the format */
    char url_text[VENDOR_URL_MAX];
    char body_text[REMOTE_BODY_MAX];
};

struct remote_dialect {
    const char *vendor; /* as people know it */
    size_t text_max;    /* bytes of one request; longer sentences are refused */
    uint32_t g711;      /* as in struct speaker_engine */
    /** Writes the request; `encoding` and `rate` hold what the stream would have. Pure. A negative status: `why` says
     * what is wrong. */
    int32_t (*write)(const void *engine, const struct speaker_request *sentence, struct remote_request *request,
                     char *why, size_t cap);
    /** As in struct speaker_engine. */
    int32_t (*key)(const void *engine, const struct speaker_request *sentence, char *out, size_t cap);
};

/** The first member of a plugin's instance. Constant after start but for the counts. */
struct remote {
    struct speaker_home home;
    struct speaker_engine engine;
    const struct remote_dialect *dialect;
    const struct voicegw_host_http *http;
    struct voicegw_vendor vendor;
    uint32_t stall_ms;
};

#define REMOTE_OPTION_COUNT 2u
/** Rows stall_timeout and cache. */
#define REMOTE_OPTIONS                                                                                                 \
    {.size = sizeof(struct voicegw_option),                                                                            \
     .type = VOICEGW_OPTION_DURATION,                                                                                  \
     .name = "stall_timeout",                                                                                          \
     .dflt = "3s",                                                                                                     \
     .min = 0.1,                                                                                                       \
     .max = 60,                                                                                                        \
     .description = "How long no audio may come in the middle of a sentence, or at its start, before the vendor is "   \
                    "given up."},                                                                                      \
        SOUND_CACHE_OPTION

/** Reads the common options. 0, or a negative status with a sentence. [control] */
int32_t remote_init(struct remote *remote, const struct voicegw_host *host, const struct voicegw_options *options,
                    const struct remote_dialect *dialect);
/** The operations, for instances that begin with struct remote. */
extern const struct voicegw_tts remote_operations;
/** factory.start, drain and get_extension of such instances. */
int32_t remote_start(void *instance);
void remote_drain(void *instance);
const void *remote_extension(void *instance, const char *id);

/** The voice and language of a sentence, or the instance's own. Pure. */
const char *remote_or(const char *asked, const char *own);
#endif
