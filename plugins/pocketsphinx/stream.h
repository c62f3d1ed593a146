/* stream.h - one caller's recognition: audio is queued by the stream's worker and decoded by jobs of the stream's
 * strand; what they find is reported from the worker again, so that results, finals and the close stand in order. */
#ifndef VOICEGW_PS_STREAM_H
#define VOICEGW_PS_STREAM_H
#include <stdatomic.h>
#include <stdint.h>
#include "model.h"
#include "voicegw/plugin.h"
#include "voicegw/draft/stt.h"

/** What the streams of one instance share. Constant after start but for the counts. */
struct recognizer {
    const struct voicegw_host *host;
    const struct voicegw_host_stt *out;
    struct model model;
    char phrases_json[16384]; /* always expected, a JSON array */
    char work_dir[512];
    uint32_t max_streams, max_utterance_s, confidence_floor_percent;
    atomic_uint streams, draining;
    atomic_ullong numbers;
};

/** factory.drain() on behalf of the streams. [control] */
void recognizer_drain(struct recognizer *r);

/** The operations of struct voicegw_stt. [media] */
int32_t stream_open(void *instance, uint64_t handle, const struct voicegw_stt_params *params, void **ret_stream,
                    uint32_t *ret_format);
int32_t stream_push(void *stream, const struct voicegw_frame *frame);
int32_t stream_speech(void *stream, uint64_t utterance, uint32_t started, uint64_t sample);
int32_t stream_finalize(void *stream, uint64_t utterance);
int32_t stream_update(void *stream, const char *hints_json, const char *language);
void stream_close(void *stream);
#endif
