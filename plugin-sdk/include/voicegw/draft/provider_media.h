/* voicegw/draft/provider_media.h - the audio of a provider's calls. Part of the voicegw plugin SDK (MIT).
 * Draft: may change until version 1 is cut.
 *
 * All functions run on [media], the worker of that leg, and get the stream that attach() returned. */
#ifndef VOICEGW_DRAFT_PROVIDER_MEDIA_H
#define VOICEGW_DRAFT_PROVIDER_MEDIA_H
#include <stdint.h>
#include "voicegw/audio.h"
#include "voicegw/host.h"

#define VOICEGW_KIND_PROVIDER_MEDIA "voicegw.provider.media/1"
#define VOICEGW_HOST_MEDIA "voicegw.host.media/1"

struct voicegw_provider_media {
    uint32_t size;
    /** 1: what is sent is queued and played in order by the far side (Twilio), so audio may be sent ahead of time and
     * clear() and mark() are worth calling; 0: audio is heard as it is sent, the host paces it. */
    uint32_t far_queue;
    /** A leg begins. `formats`: what the host can take, best first; the plugin says what it chose by on_format().
     * `call` is the call's handle, for lookups only. 0 and *ret_stream, or a negative status: the call is ended. */
    int32_t (*attach)(void *instance, uint64_t leg, uint64_t call, const struct voicegw_audio_format *formats,
                      uint32_t count, void **ret_stream);
    /** Audio to the caller. VOICEGW_EBUSY: nothing can be taken now, on_writable() follows; the host keeps the frame.
     */
    int32_t (*send)(void *stream, const struct voicegw_frame *frame);
    /** Forget what is queued at the far side. Marks outstanding come back with heard = 0. */
    int32_t (*clear)(void *stream, uint32_t epoch);
    /** Tell me by on_mark() when all audio sent so far was heard. */
    int32_t (*mark)(void *stream, uint64_t mark_id);
    /** Digits to the far side by signalling; VOICEGW_EUNSUPPORTED: the host sends tones in the audio. May be NULL. */
    int32_t (*dtmf)(void *stream, const char *digits);
    /** The host's 20 ms clock asks for one frame, where the plugin owns a jitter buffer. Fills `ret_frame` (borrowed
     * until the next call), 0; or VOICEGW_ENOTFOUND when there is none. NULL: the plugin pushes by on_frame(). */
    int32_t (*rx_pull)(void *stream, uint64_t timestamp, struct voicegw_frame *ret_frame);
    /** The leg ends. Answer with one on_detached() (also from inside); nothing of the stream is called afterwards. */
    void (*detach)(void *stream);
};

/** The host's side, by get_extension(VOICEGW_HOST_MEDIA). A stale leg answers VOICEGW_ENOTFOUND and nothing happens. */
struct voicegw_host_media {
    uint32_t size;
    uint32_t reserved;
    /** The stream is up (or changed) in this format, both ways. Media begins. [media] */
    int32_t (*on_format)(const struct voicegw_host *host, uint64_t leg, const struct voicegw_audio_format *format);
    /** Audio from the caller, wire payload, any length. [media] */
    int32_t (*on_frame)(const struct voicegw_host *host, uint64_t leg, const struct voicegw_frame *frame);
    int32_t (*on_writable)(const struct voicegw_host *host, uint64_t leg);
    int32_t (*on_mark)(const struct voicegw_host *host, uint64_t leg, uint64_t mark_id, uint32_t heard);
    /** A signalled digit: '0'-'9' '*' '#' 'A'-'D'. */
    int32_t (*on_dtmf)(const struct voicegw_host *host, uint64_t leg, const char *digit, uint32_t duration_ms,
                       const char *source);
    /** Loss (0..1), jitter in ms, round trip in ms (negative: unknown). */
    int32_t (*on_quality)(const struct voicegw_host *host, uint64_t leg, double loss, double jitter_ms, double rtt_ms);
    /** The media path broke; the host decides whether the call ends. */
    int32_t (*on_lost)(const struct voicegw_host *host, uint64_t leg, const char *sentence);
    int32_t (*on_detached)(const struct voicegw_host *host, uint64_t leg);
};

#endif
