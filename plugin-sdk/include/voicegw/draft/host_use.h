/* voicegw/draft/host_use.h - one instance uses another's engine through the host. Part of the voicegw plugin SDK (MIT).
 * Draft: may change until version 1 is cut. */
#ifndef VOICEGW_DRAFT_HOST_USE_H
#define VOICEGW_DRAFT_HOST_USE_H
#include <stdint.h>
#include "voicegw/audio.h"
#include "voicegw/host.h"

#define VOICEGW_HOST_USE "voicegw.host.use/1"

struct voicegw_host_use {
    uint32_t size;
    uint32_t reserved;
    /** Speaks `text` with the tts instance of that name (NULL: the first configured) into the format given. on_audio()
     * brings the samples in order, then on_done() exactly once, also after cancel() (with VOICEGW_EBUSY) and when the
     * target has gone meanwhile. All on the target's thread, never from inside. [control, media: of that target] */
    int32_t (*synthesize)(const struct voicegw_host *host, uint64_t target, const char *tts_name, const char *text,
                          const char *voice, const char *language, const struct voicegw_audio_format *format,
                          void (*on_audio)(void *arg, const struct voicegw_frame *frame),
                          void (*on_done)(void *arg, int32_t status, const char *sentence), void *arg,
                          uint64_t *ret_use);
    void (*cancel)(const struct voicegw_host *host, uint64_t use);
    /** Reads an audio file (WAV: PCM16, mu-law, A-law) into the format given; the same callbacks. */
    int32_t (*read_audio)(const struct voicegw_host *host, uint64_t target, const char *path,
                          const struct voicegw_audio_format *format,
                          void (*on_audio)(void *arg, const struct voicegw_frame *frame),
                          void (*on_done)(void *arg, int32_t status, const char *sentence), void *arg,
                          uint64_t *ret_use);
};

#endif
