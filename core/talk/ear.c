/* ear.c - the caller's audio on its way to a recognizer: in the form that the engine chose, and kept for as long as
 * another engine may have to hear it all again. */
#include <string.h>

#include "base/metric.h"
#include "talk/talk_private.h"

#define FRAME 160      /* 20 ms at 8 kHz */
#define RATE_MAX 24000 /* of what is offered to recognizers */

static const struct voicegw_audio_format formats[] = {
    {sizeof formats[0], VOICEGW_AUDIO_L16, 8000, 20},     {sizeof formats[0], VOICEGW_AUDIO_PCMU, 8000, 20},
    {sizeof formats[0], VOICEGW_AUDIO_PCMA, 8000, 20},    {sizeof formats[0], VOICEGW_AUDIO_L16, 16000, 20},
    {sizeof formats[0], VOICEGW_AUDIO_L16, RATE_MAX, 20},
};
#define FORMATS ((uint32_t)(sizeof formats / sizeof formats[0]))

static bool format_take(struct vgw_ear *e, uint32_t chosen)
{
    if (chosen >= FORMATS)
        return false;
    e->format = formats[chosen];
    vgw_resampler_free(e->resampler);
    e->resampler = NULL;
    return e->format.rate == 8000 || vgw_resampler_new(8000, e->format.rate, &e->resampler, NULL) == 0;
}

struct vgw_engine_stream *vgw_ear_open(struct vgw_talk *t, struct vgw_ear *e, const struct vgw_engine *engine,
                                       void (*on_message)(void *owner, struct vgw_engine_stream *stream,
                                                          const struct vgw_engine_message *m))
{
    struct voicegw_stt_params params = {
        .size = sizeof params, .formats = formats, .format_count = FORMATS, .interim = 1, .language = t->cfg->language};
    uint32_t chosen = 0;
    struct vgw_engine_stream *es = engine->stt ? vgw_engine_stream_new(VGW_HANDLE_STT, t->worker, on_message, t) : NULL;
    if (!es)
        return NULL;
    es->engine = engine;
    int rc = engine->stt->open(engine->instance, es->handle, &params, &es->s, &chosen);
    if (rc == 0 && format_take(e, chosen))
        return es;
    vgw_log(VGW_LOG_ERROR, &t->scope, "the recognizer could not be opened", "stt", engine->name, NULL);
    if (rc == 0)
        vgw_talk_stream_close(t, &es, engine->stt->close, NULL);
    else
        vgw_engine_stream_free(es);
    return NULL;
}

void vgw_ear_send(struct vgw_ear *e, struct vgw_engine_stream *es, const int16_t *pcm, size_t n, uint64_t sample)
{
    int16_t wide[FRAME * RATE_MAX / 8000 + 64];
    uint8_t wire[FRAME];
    const struct voicegw_audio_format *format = &e->format;
    struct voicegw_frame f = {
        .size = sizeof f, .encoding = format->encoding, .rate = format->rate, .timestamp = sample};
    size_t got = n;
    if (format->encoding != VOICEGW_AUDIO_L16) {
        vgw_encoding_encode(format->encoding == VOICEGW_AUDIO_PCMU ? VGW_PCMU : VGW_PCMA, pcm, n, wire);
        f.data = wire;
        f.bytes = (uint32_t)n;
    } else if (e->resampler) {
        if (vgw_resampler_run(e->resampler, pcm, n, wide, sizeof wide / sizeof wide[0], &got) < 0)
            return;
        f.timestamp = sample * format->rate / 8000;
        f.data = wide;
        f.bytes = (uint32_t)(got * sizeof *wide);
    } else {
        f.data = pcm;
        f.bytes = (uint32_t)(n * sizeof *pcm);
    }
    f.samples = (uint32_t)got;
    if (es->engine->stt->push(es->s, &f) < 0)
        vgw_metric_dropped("stt_frame");
}

void vgw_ear_done(struct vgw_ear *e)
{
    vgw_resampler_free(e->resampler);
    e->resampler = NULL;
}

/* ---- what may have to be heard again ---- */

void vgw_kept_audio_add(struct vgw_kept_audio *k, const int16_t *pcm, size_t n, uint64_t sample)
{
    uint8_t wire[FRAME];
    vgw_encoding_encode(VGW_PCMU, pcm, n, wire);
    if (!k->bytes.len)
        k->first_sample = sample;
    if (k->bytes.len + n > VGW_TALK_KEPT_MS * 8) { /* the newest is what is not understood yet */
        vgw_kept_audio_drop(k, 8000);
        vgw_metric_dropped("kept_audio");
    }
    vgw_buf_add(&k->bytes, wire, n);
    if (k->bytes.failed)
        vgw_buf_done(&k->bytes);
}

void vgw_kept_audio_drop(struct vgw_kept_audio *k, size_t n)
{
    n = n < k->bytes.len ? n : k->bytes.len;
    vgw_buf_consume(&k->bytes, n);
    k->first_sample += n;
    k->mark = k->mark > n ? k->mark - n : 0;
}

void vgw_kept_audio_done(struct vgw_kept_audio *k)
{
    vgw_buf_done(&k->bytes);
    k->mark = 0;
}

void vgw_kept_audio_give(const struct vgw_kept_audio *k, struct vgw_ear *e, struct vgw_engine_stream *es)
{
    int16_t pcm[FRAME];
    for (size_t at = 0; at < k->bytes.len; at += FRAME) {
        size_t n = k->bytes.len - at < FRAME ? k->bytes.len - at : FRAME;
        vgw_encoding_decode(VGW_PCMU, k->bytes.data + at, n, pcm);
        vgw_ear_send(e, es, pcm, n, k->first_sample + at);
    }
}
