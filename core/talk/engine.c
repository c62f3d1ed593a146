/* engine.c - messages from engines to the worker that holds their stream. */
#include "talk/engine.h"

#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"

#define FRAME_BYTES_MAX 96000 /* a second at 48 kHz linear */

struct vgw_engine_stream *vgw_engine_stream_new(enum vgw_handle_kind kind, struct vgw_loop *worker,
                                                void (*on_message)(void *owner, struct vgw_engine_stream *stream,
                                                                   const struct vgw_engine_message *m),
                                                void *owner)
{
    struct vgw_engine_stream *stream;
    if (!VGW_NEW(stream))
        return NULL;
    stream->on_message = on_message;
    stream->owner = owner;
    stream->handle = vgw_handle_new(kind, worker, stream);
    if (stream->handle)
        return stream;
    vgw_free(stream);
    return NULL;
}

void vgw_engine_stream_free(struct vgw_engine_stream *stream)
{
    if (!stream)
        return;
    vgw_list_remove(&stream->link);
    vgw_handle_drop(stream->handle);
    vgw_free(stream);
}

static void message_free(struct vgw_engine_message *m)
{
    vgw_free(m->text);
    vgw_free(m->text2);
    vgw_free(m->payload);
    vgw_free(m);
}

static void deliver(void *object, void *arg)
{
    struct vgw_engine_stream *stream = object;
    struct vgw_engine_message *m = arg;
    if (stream)
        stream->on_message(stream->owner, stream, m);
    message_free(m);
}

int vgw_engine_post(uint64_t handle, const struct vgw_engine_message *m)
{
    if (!vgw_handle_alive(handle))
        return VGW_ENOTFOUND;
    struct vgw_engine_message *copy;
    if (!VGW_NEW(copy))
        return VGW_ELIMIT;
    *copy = *m;
    copy->text = vgw_strdup(m->text);
    copy->text2 = vgw_strdup(m->text2);
    copy->payload = m->bytes ? vgw_calloc(1, m->bytes) : NULL;
    int rc = VGW_ELIMIT;
    if ((m->text && !copy->text) || (m->text2 && !copy->text2) || (m->bytes && !copy->payload))
        goto out;
    if (m->bytes)
        memcpy(copy->payload, m->payload, m->bytes);
    rc = vgw_handle_post(handle, deliver, copy);
out:
    if (rc < 0) {
        vgw_metric_dropped("engine_message");
        message_free(copy);
    }
    return rc;
}

int vgw_engine_post_now(uint64_t handle, const struct vgw_engine_message *m)
{
    struct vgw_loop *loop = vgw_handle_loop(handle);
    if (!loop)
        return VGW_ENOTFOUND;
    if (!vgw_loop_is_here(loop))
        return vgw_engine_post(handle, m);
    struct vgw_engine_stream *stream = vgw_handle_get(handle, vgw_handle_kind(handle));
    if (!stream)
        return VGW_ENOTFOUND;
    stream->on_message(stream->owner, stream, m);
    return 0;
}

bool vgw_engine_frame(struct vgw_engine_message *m, const struct voicegw_frame *frame)
{
    static const enum vgw_encoding map[] = {VGW_L16, VGW_PCMU, VGW_PCMA, VGW_L16};
    if (frame->encoding < VOICEGW_AUDIO_PCMU || frame->encoding > VOICEGW_AUDIO_L16 || !frame->data ||
        frame->bytes > FRAME_BYTES_MAX || !vgw_rate_supported(frame->rate))
        return false;
    m->encoding = map[frame->encoding];
    m->rate_hz = frame->rate;
    m->samples = frame->bytes / vgw_encoding_bytes(m->encoding);
    m->bytes = m->samples * vgw_encoding_bytes(m->encoding); /* half a sample would shift all that follows */
    m->payload = (uint8_t *)(uintptr_t)frame->data;          /* borrowed; copied when posted */
    return m->samples > 0;
}
