/* leg_rx.c - a leg's receive path. A frame keeps its wire form; it is decoded only when something listens. */
#include "media/leg_private.h"

#include <string.h>

#include "base/alloc.h"

#define LISTEN_SAMPLES 160 /* 20 ms at 8 kHz: what the detectors take at a time */
#define SOURCE_SIGNALLED 1
#define SOURCE_INBAND 2
#define SOURCE_OUTSIDE VGW_DTMF_OUTSIDE

void vgw_leg_listen(struct vgw_leg *leg, bool pcm, bool vad, bool dtmf)
{
    if (vad && !leg->vad && VGW_NEW(leg->vad))
        vgw_vad_init(leg->vad, NULL);
    if (dtmf && !leg->dtmf_rx)
        vgw_dtmf_rx_new(NULL, &leg->dtmf_rx, NULL);
    leg->want_pcm = pcm;
    leg->want_vad = vad && leg->vad;
    leg->want_dtmf = dtmf && leg->dtmf_rx;
}

static void tell_digit(struct vgw_leg *leg, char digit, uint32_t duration_ms, int source, const char *name)
{
    if (vgw_dtmf_dedupe_accept(&leg->dedupe, digit, source, leg->position) && leg->p.sink->on_dtmf)
        leg->p.sink->on_dtmf(leg->p.sink_arg, digit, duration_ms, name);
}

/* The detector counts what it was given; the leg counts what came. */
static void tell_voice(struct vgw_leg *leg, const struct vgw_vad_event *event, uint64_t end)
{
    uint64_t back = leg->vad->position - event->sample;
    if (leg->p.sink->on_vad)
        leg->p.sink->on_vad(leg->p.sink_arg, event->kind, end > back ? end - back : 0);
}

/* One full 20 ms frame at 8 kHz. The position is past it in all that is told. */
static void run_frame(struct vgw_leg *leg)
{
    const struct vgw_leg_sink *sink = leg->p.sink;
    uint64_t at = leg->position;
    leg->position += 160;
    if (leg->record)
        vgw_leg_record_rx(leg, leg->pcm, 160);
    if (leg->want_dtmf) {
        struct vgw_dtmf_event events[8];
        size_t n = vgw_dtmf_rx_run(leg->dtmf_rx, leg->pcm, 160, events, 8);
        for (size_t i = 0; i < n; i++)
            if (!events[i].end)
                tell_digit(leg, events[i].digit, events[i].duration_ms, SOURCE_INBAND, "inband");
    }
    struct vgw_vad_event event = {.kind = VGW_VAD_NONE};
    if (leg->want_vad) {
        vgw_vad_set_local_speaking(leg->vad, vgw_leg_speaking(leg));
        event = vgw_vad_run(leg->vad, leg->pcm);
        if (event.kind == VGW_VAD_START)
            tell_voice(leg, &event, at + 160);
    }
    if (leg->want_pcm && sink->on_pcm)
        sink->on_pcm(leg->p.sink_arg, leg->pcm, at);
    if (event.kind == VGW_VAD_END)
        tell_voice(leg, &event, at + 160);
}

static void take_pcm(struct vgw_leg *leg, const int16_t *pcm, size_t n)
{
    if (!leg->pcm && !(leg->pcm = vgw_calloc(LISTEN_SAMPLES, sizeof *leg->pcm)))
        return;
    while (n && !leg->ending) {
        size_t take = LISTEN_SAMPLES - leg->pcm_fill < n ? LISTEN_SAMPLES - leg->pcm_fill : n;
        memcpy(leg->pcm + leg->pcm_fill, pcm, take * sizeof *pcm);
        leg->pcm_fill += (uint32_t)take;
        pcm += take;
        n -= take;
        if (leg->pcm_fill == LISTEN_SAMPLES) {
            leg->pcm_fill = 0;
            run_frame(leg);
        }
    }
}

/* Decodes in pieces of at most 20 ms at 48 kHz, whatever length the provider sends. */
static void decode(struct vgw_leg *leg, const struct vgw_frame *f)
{
    int16_t wide[VGW_FRAME_SAMPLES_MAX], narrow[VGW_FRAME_SAMPLES_MAX + 64];
    size_t bytes = vgw_encoding_bytes(f->encoding);
    const uint8_t *at = f->payload;
    if (leg->rate_hz != 8000 && !leg->rx_resampler)
        vgw_resampler_new(leg->rate_hz, 8000, &leg->rx_resampler, NULL);
    for (size_t left = f->samples; left;) {
        size_t n = left < VGW_FRAME_SAMPLES_MAX ? left : VGW_FRAME_SAMPLES_MAX;
        vgw_encoding_decode(f->encoding, at, n, wide);
        at += n * bytes;
        left -= n;
        size_t got = 0;
        if (leg->mix)
            vgw_leg_mix_rx(leg, wide, n);
        if (leg->rate_hz == 8000)
            take_pcm(leg, wide, n);
        else if (leg->rx_resampler &&
                 vgw_resampler_run(leg->rx_resampler, wide, n, narrow, sizeof narrow / sizeof narrow[0], &got) == 0)
            take_pcm(leg, narrow, got);
    }
}

int vgw_leg_on_frame(uint64_t handle, const struct voicegw_frame *in)
{
    struct vgw_leg *leg = vgw_handle_get(handle, VGW_HANDLE_LEG);
    if (!leg || leg->ending || !leg->up)
        return VGW_ENOTFOUND;
    struct vgw_frame f = {.encoding = leg->encoding,
                          .rate_hz = leg->rate_hz,
                          .timestamp = in->timestamp,
                          .flags = in->flags & 7u,
                          .payload = in->data,
                          .samples = in->bytes / (uint32_t)vgw_encoding_bytes(leg->encoding)};
    if (!f.samples)
        return 0;
    int64_t now = vgw_now(leg->p.worker);
    leg->last_frame_us = now;
    vgw_quality_packet(&leg->quality, in->sequence ? in->sequence : leg->frames, in->timestamp, now);
    leg->frames++;
    if (leg->muted) { /* time goes on, so that places in the stream stay true */
        leg->position += (uint64_t)f.samples * 8000 / leg->rate_hz;
        return 0;
    }
    if (leg->p.sink->on_wire)
        leg->p.sink->on_wire(leg->p.sink_arg, &f);
    if (leg->want_pcm || leg->want_vad || leg->want_dtmf || leg->record || leg->mix)
        decode(leg, &f);
    else
        leg->position += (uint64_t)f.samples * 8000 / leg->rate_hz;
    return 0;
}

int vgw_leg_on_dtmf(uint64_t handle, const char *digit, uint32_t duration_ms, const char *source)
{
    struct vgw_leg *leg = vgw_handle_get(handle, VGW_HANDLE_LEG);
    if (!leg || leg->ending)
        return VGW_ENOTFOUND;
    if (!digit || !digit[0] || !strchr(VGW_DTMF_DIGITS, digit[0]) || digit[1])
        return VGW_EINVALID;
    tell_digit(leg, digit[0], duration_ms, SOURCE_SIGNALLED, source ? source : "signalled");
    return 0;
}

int vgw_leg_outside_dtmf(struct vgw_leg *leg, char digit, uint32_t duration_ms, const char *source)
{
    if (leg->ending)
        return VGW_ENOTFOUND;
    if (!digit || !strchr(VGW_DTMF_DIGITS, digit))
        return VGW_EINVALID;
    tell_digit(leg, digit, duration_ms, SOURCE_OUTSIDE, source);
    return 0;
}

void vgw_leg_mute(struct vgw_leg *leg, bool on)
{
    if (on && !leg->muted && leg->want_vad) { /* who is cut off in mid-speech has stopped speaking for us */
        struct vgw_vad_event event = vgw_vad_flush(leg->vad);
        leg->muted = true;
        leg->pcm_fill = 0;
        if (event.kind == VGW_VAD_END)
            tell_voice(leg, &event, leg->position);
    }
    leg->muted = on;
}

uint32_t vgw_leg_speech_ms(const struct vgw_leg *leg)
{
    const struct vgw_vad *v = leg->vad;
    return v && v->active && v->last_speech > v->span_start ? (uint32_t)((v->last_speech - v->span_start) / 8) : 0;
}

uint64_t vgw_leg_position(const struct vgw_leg *leg)
{
    return leg->position;
}

void vgw_leg_rx_done(struct vgw_leg *leg)
{
    vgw_free(leg->vad);
    vgw_dtmf_rx_free(leg->dtmf_rx);
    vgw_resampler_free(leg->rx_resampler);
    vgw_free(leg->pcm);
    leg->pcm = NULL;
    leg->vad = NULL;
    leg->dtmf_rx = NULL;
    leg->rx_resampler = NULL;
}
