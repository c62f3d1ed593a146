/* voicegw/draft/tts.h - speech synthesis. Part of the voicegw plugin SDK (MIT). Draft: may change until version 1 is
 * cut.
 *
 * All functions run on [media] and must return within a millisecond: synthesise on a pool lane or at the vendor. */
#ifndef VOICEGW_DRAFT_TTS_H
#define VOICEGW_DRAFT_TTS_H
#include <stdint.h>
#include "voicegw/audio.h"
#include "voicegw/host.h"

#define VOICEGW_KIND_TTS "voicegw.tts/1"
#define VOICEGW_HOST_TTS "voicegw.host.tts/1"

#define VOICEGW_SPEAK_LAST 1u /* no more text of this utterance follows */
#define VOICEGW_SPEAK_SSML 2u /* text is SSML */

struct voicegw_tts_params {
    uint32_t size;
    uint32_t reserved;
    const struct voicegw_audio_format *formats; /* what the host can take, best first */
    uint32_t format_count;
    uint32_t reserved2;
    const char *voice;    /* "" or NULL: the engine's default; unknown: a warning and the default */
    const char *language; /* "en-US" */
};

struct voicegw_tts {
    uint32_t size;
    uint32_t reserved;
    /** `stream` is the host's handle, also a target. 0, *ret_stream and *ret_format (index), or a negative status. */
    int32_t (*open)(void *instance, uint64_t stream, const struct voicegw_tts_params *params, void **ret_stream,
                    uint32_t *ret_format);
    /** Text to speak, whole sentences or parts of them; several calls with one `utterance` are one speech. The audio
     * comes by on_audio() as soon as there is some, then one on_done(utterance) after VOICEGW_SPEAK_LAST. Utterances
     * are spoken in order. */
    int32_t (*speak)(void *s, uint64_t utterance, const char *text, uint32_t flags);
    /** Speak what is held back for a sentence's end. */
    int32_t (*flush)(void *s);
    /** Drop everything: nothing of any utterance begun before comes afterwards but one on_done with VOICEGW_EBUSY for
     * each. */
    int32_t (*cancel)(void *s);
    /** The host has room for so many more milliseconds; an engine that runs ahead waits for it. May be NULL. */
    int32_t (*credit)(void *s, uint32_t ms);
    /** Ends the stream: exactly one on_closed() follows (not from inside). */
    void (*close)(void *s);
    /** Pure: a key of everything that shapes the sound of this text, for caches; NULL: do not cache. Writes at most
     * `cap` bytes with the NUL, returns the length or a negative status. May be NULL. [any] */
    int32_t (*cache_key)(void *instance, const struct voicegw_tts_params *params, const char *text, char *out,
                         uint32_t cap);
};

/** The host's side, by get_extension(VOICEGW_HOST_TTS). [any] Frames may have any length up to 100 ms; flag
 * VOICEGW_FRAME_LAST is not needed, on_done() ends an utterance. VOICEGW_EBUSY from on_audio(): the utterance was
 * cancelled, stop. */
struct voicegw_host_tts {
    uint32_t size;
    uint32_t reserved;
    int32_t (*on_audio)(const struct voicegw_host *host, uint64_t stream, uint64_t utterance,
                        const struct voicegw_frame *frame);
    /** So many characters of the utterance's text are spoken when so many samples of it were played. */
    int32_t (*on_align)(const struct voicegw_host *host, uint64_t stream, uint64_t utterance, uint32_t characters,
                        uint64_t samples);
    int32_t (*on_done)(const struct voicegw_host *host, uint64_t stream, uint64_t utterance, int32_t status,
                       const char *sentence);
    int32_t (*on_usage)(const struct voicegw_host *host, uint64_t stream, const char *usage_json);
    int32_t (*on_error)(const struct voicegw_host *host, uint64_t stream, uint32_t fatal, int32_t status,
                        const char *sentence);
    int32_t (*on_closed)(const struct voicegw_host *host, uint64_t stream);
};

#endif
