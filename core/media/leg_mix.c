/* leg_mix.c - a leg's end of a mix: what its caller says goes there, what the others say comes from there. */
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "media/leg_private.h"
#include "media/mix.h"
#include "media/mixer_private.h"

#define MUSIC_DBM0 (-24)

/* ---- taking part ---- */

void vgw_leg_music_update(struct vgw_leg *leg)
{
    bool want = leg->music_asked || (leg->mix && vgw_mixer_port_role(leg->mix).music);
    if (!want && leg->music) {
        vgw_free(leg->music);
        leg->music = NULL;
        leg->held_frame = leg->held_frame && !leg->held_music; /* what waits for the far side is out of date */
    } else if (want && !leg->music && VGW_NEW(leg->music)) {
        vgw_music_init(leg->music, leg->rate_hz, MUSIC_DBM0);
    }
    vgw_leg_tick_arm(leg);
}

static void tell_aside(struct vgw_leg *leg, bool aside)
{
    if (leg->aside == aside)
        return;
    leg->aside = aside;
    if (leg->p.sink->on_mix)
        leg->p.sink->on_mix(leg->p.sink_arg, aside);
}

void vgw_leg_mix_set(struct vgw_leg *leg, struct vgw_mixer_port *port)
{
    if (!leg || leg->ending)
        return;
    leg->mix = port;
    vgw_leg_mix_format(leg);
    vgw_leg_music_update(leg);
    tell_aside(leg, vgw_mixer_port_role(port).aside);
}

void vgw_leg_mix_leave(struct vgw_leg *leg, struct vgw_mixer_port *port)
{
    if (!leg || leg->mix != port)
        return;
    leg->mix = NULL;
    vgw_leg_music_update(leg);
    tell_aside(leg, false);
}

void vgw_leg_mix_format(struct vgw_leg *leg)
{
    struct vgw_mixer_port *p = leg->mix;
    if (!p)
        return;
    atomic_store_explicit(&p->wide, leg->up && leg->rate_hz >= VGW_MIXER_WIDE_HZ, memory_order_relaxed);
    p->filled = p->said_filled = 0;
}

/* ---- rates ---- */

/* The resampler between the leg's rate and `other_hz`, in one of both directions; it is made anew when that changes. */
static struct vgw_resampler *between(struct vgw_resampler **r, uint32_t *is_hz, uint32_t from_hz, uint32_t to_hz)
{
    uint32_t both = from_hz / 8000 * 16 + to_hz / 8000; /* supported rates are multiples of 8 kHz, up to six times */
    if (*is_hz != both) {
        vgw_resampler_free(*r);
        *r = NULL;
        *is_hz = both;
        vgw_resampler_new(from_hz, to_hz, r, NULL);
    }
    return *r;
}

struct line { /* samples on their way into a ring */
    struct vgw_frame_ring *ring;
    int16_t *fill;
    uint32_t *filled, *fill_hz;
    struct vgw_resampler **resampler;
    uint32_t *resampler_hz;
};

static void line_append(const struct line *l, uint32_t rate_hz, const int16_t *pcm, size_t n)
{
    size_t whole = VGW_SAMPLES(rate_hz, VGW_FRAME_MS);
    if (*l->fill_hz != rate_hz) {
        *l->fill_hz = rate_hz;
        *l->filled = 0;
    }
    while (n) {
        size_t take = whole - *l->filled < n ? whole - *l->filled : n;
        memcpy(l->fill + *l->filled, pcm, take * sizeof *pcm);
        *l->filled += (uint32_t)take;
        pcm += take;
        n -= take;
        if (*l->filled < whole)
            return;
        *l->filled = 0;
        if (!vgw_frame_ring_put(l->ring, rate_hz, l->fill))
            vgw_metric_dropped("mix_overrun");
    }
}

static void line_feed(const struct line *l, uint32_t rate_hz, uint32_t mix_hz, const int16_t *pcm, size_t n)
{
    int16_t other[VGW_FRAME_SAMPLES_MAX * 6 + 64];
    size_t got = 0;
    if (rate_hz == mix_hz) {
        line_append(l, mix_hz, pcm, n);
        return;
    }
    struct vgw_resampler *r = between(l->resampler, l->resampler_hz, rate_hz, mix_hz);
    if (r && vgw_resampler_run(r, pcm, n, other, sizeof other / sizeof other[0], &got) == 0)
        line_append(l, mix_hz, other, got);
}

/* ---- both directions ---- */

void vgw_leg_mix_rx(struct vgw_leg *leg, const int16_t *pcm, size_t n)
{
    struct vgw_mixer_port *p = leg->mix;
    const struct line l = {&p->from_leg, p->fill, &p->filled, &p->fill_hz, &p->rx, &p->rx_hz};
    line_feed(&l, leg->rate_hz, vgw_mixer_rate_hz(p->mixer), pcm, n);
}

static void share(struct vgw_leg *leg, const int16_t *pcm, size_t n)
{
    struct vgw_mixer_port *p = leg->mix;
    const struct line l = {p->voice, p->said, &p->said_filled, &p->said_hz, &p->share, &p->share_hz};
    line_feed(&l, leg->rate_hz, vgw_mixer_rate_hz(p->mixer), pcm, n);
}

/* The next frame of the mix at the leg's rate; silence when it is late. */
static void others(struct vgw_leg *leg, int16_t *pcm, size_t samples)
{
    struct vgw_mixer_port *p = leg->mix;
    int16_t mixed[VGW_FRAME_RING_SAMPLES];
    uint32_t late, rate_hz = vgw_frame_ring_take(&p->to_leg, mixed, &late);
    size_t got = 0;
    vgw_mixer_dropped("mix_late", late);
    if (rate_hz == leg->rate_hz) {
        memcpy(pcm, mixed, samples * sizeof *pcm);
        return;
    }
    struct vgw_resampler *r = rate_hz ? between(&p->tx, &p->tx_hz, rate_hz, leg->rate_hz) : NULL;
    if (!r || vgw_resampler_run(r, mixed, VGW_SAMPLES(rate_hz, VGW_FRAME_MS), pcm, VGW_FRAME_SAMPLES_MAX + 64, &got))
        got = 0;
    if (got < samples)
        memset(pcm + got, 0, (samples - got) * sizeof *pcm);
}

bool vgw_leg_mix_tx(struct vgw_leg *leg, uint8_t *frame, size_t samples, bool own)
{
    int16_t said[VGW_FRAME_SAMPLES_MAX], pcm[VGW_FRAME_SAMPLES_MAX + 64];
    struct vgw_mixer_port *p = leg->mix;
    if (!p)
        return own;
    struct vgw_mixer_role role = vgw_mixer_port_role(p);
    if (own)
        vgw_encoding_decode(leg->encoding, frame, samples, said);
    if (own && p->voice && !leg->music)
        share(leg, said, samples);
    if (!role.hears || leg->music) { /* what comes meanwhile is not for it */
        vgw_frame_ring_skip(&p->to_leg, VGW_FRAME_RING_SLOTS);
        return own;
    }
    others(leg, pcm, samples);
    if (own)
        vgw_mix_add(pcm, said, samples);
    vgw_encoding_encode(leg->encoding, pcm, samples, frame);
    return true;
}

void vgw_leg_mix_lost(struct vgw_leg *leg, uint32_t ticks)
{
    if (leg->mix)
        vgw_mixer_dropped("mix_late", vgw_frame_ring_skip(&leg->mix->to_leg, ticks));
}
