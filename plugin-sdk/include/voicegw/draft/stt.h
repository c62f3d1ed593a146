/* voicegw/draft/stt.h - speech recognition. Part of the voicegw plugin SDK (MIT). Draft: may change until version 1 is
 * cut.
 *
 * All functions run on [media] and must return within a millisecond: decode on a pool lane (host->job with a strand for
 * each stream) or at the vendor. Results may be reported from any thread; the host hands them on in order for a stream.
 */
#ifndef VOICEGW_DRAFT_STT_H
#define VOICEGW_DRAFT_STT_H
#include <stdint.h>
#include "voicegw/audio.h"
#include "voicegw/host.h"

#define VOICEGW_KIND_STT "voicegw.stt/1"
#define VOICEGW_HOST_STT "voicegw.host.stt/1"

struct voicegw_stt_params {
    uint32_t size;
    uint32_t reserved;
    const struct voicegw_audio_format *formats; /* what the host can send, best first; choose by ret_format of open() */
    uint32_t format_count;
    uint32_t interim;     /* 1: partial results are wanted */
    const char *language; /* "en-US" */
    const char
        *hints_json; /* array of phrases that the current step expects, or NULL; {slot} parts are already expanded */
};

struct voicegw_stt_result {
    uint32_t size;
    uint32_t final;       /* 1: of this utterance no more comes */
    uint64_t utterance;   /* as given to finalize(); for a partial the one that is running */
    const char *text;     /* "" is a valid final: nothing was understood */
    double confidence;    /* 0..1, negative: unknown */
    int64_t start_sample; /* negative: unknown */
    int64_t end_sample;
    const char *words_json; /* [{"word","start_ms","end_ms","confidence"}] or NULL */
    const char *language;   /* or NULL */
};

struct voicegw_stt {
    uint32_t size;
    uint32_t endpoints; /* 1: the engine finds the end of speech itself (on_speech, final without finalize) */
    /** `stream` is the host's handle, also a target for timers, posts and jobs. 0, *ret_stream and *ret_format (an
     * index into params->formats), or a negative status. */
    int32_t (*open)(void *instance, uint64_t stream, const struct voicegw_stt_params *params, void **ret_stream,
                    uint32_t *ret_format);
    /** 20 ms of the caller, always in order; also silence unless the host gates it. */
    int32_t (*push)(void *s, const struct voicegw_frame *frame);
    /** The host's voice activity detector: speech began (1) or stopped (0) at this sample. `utterance` names what
     * begins. */
    int32_t (*speech)(void *s, uint64_t utterance, uint32_t started, uint64_t sample);
    /** The utterance is over: answer with exactly one final for it, soon. */
    int32_t (*finalize)(void *s, uint64_t utterance);
    /** New hints or language from the next utterance on; either may be NULL (unchanged). */
    int32_t (*update)(void *s, const char *hints_json, const char *language);
    /** Ends the stream: exactly one on_closed() follows (not from inside); nothing else of it afterwards. */
    void (*close)(void *s);
};

/** The host's side, by get_extension(VOICEGW_HOST_STT). [any] */
struct voicegw_host_stt {
    uint32_t size;
    uint32_t reserved;
    int32_t (*on_result)(const struct voicegw_host *host, uint64_t stream, const struct voicegw_stt_result *result);
    /** The engine's own start (1) or end (0) of speech. */
    int32_t (*on_speech)(const struct voicegw_host *host, uint64_t stream, uint32_t started, int64_t sample);
    int32_t (*on_usage)(const struct voicegw_host *host, uint64_t stream, const char *usage_json);
    /** `fatal` 1: the stream is of no more use; the host closes it and fails over. */
    int32_t (*on_error)(const struct voicegw_host *host, uint64_t stream, uint32_t fatal, int32_t status,
                        const char *sentence);
    int32_t (*on_closed)(const struct voicegw_host *host, uint64_t stream);
};

#endif
