#include "media/tone.h"
#include <math.h>
#include <string.h>
#include "media/level.h"

static const struct {
    float hz[2];
    uint32_t on_ms, off_ms; /* off 0 with on: once; both 0: for ever */
} tones[VGW_TONE_KINDS] = {
    [VGW_TONE_RINGBACK] = {{440, 480}, 2000, 4000}, [VGW_TONE_BUSY] = {{480, 620}, 500, 500},
    [VGW_TONE_CONGESTION] = {{480, 620}, 250, 250}, [VGW_TONE_DIAL] = {{350, 440}, 0, 0},
    [VGW_TONE_BEEP] = {{1000, 0}, 400, 0},
};

static float next_sample(float o[3])
{
    float y = o[0] * o[1] - o[2];
    o[2] = o[1];
    o[1] = y;
    return y;
}

/* Phases start anew with every burst, and every second where the tone is endless (its frequencies are whole hertz), so
 * that rounding never builds up. */
static void start_oscillators(struct vgw_tone *t)
{
    for (int k = 0; k < 2; k++) {
        float step = 2.0f * (float)M_PI * tones[t->kind].hz[k] / (float)t->rate_hz;
        t->osc[k][0] = 2.0f * cosf(step);
        t->osc[k][1] = 0;
        t->osc[k][2] = -t->peak * sinf(step);
    }
}

void vgw_tone_init(struct vgw_tone *t, enum vgw_tone_kind kind, uint32_t rate_hz, float dbm0)
{
    *t = (struct vgw_tone){.kind = kind, .rate_hz = rate_hz, .peak = vgw_level_sine_peak(dbm0)};
    start_oscillators(t);
}

static float edge(uint64_t phase, uint64_t on, uint64_t ramp)
{
    if (phase < ramp)
        return (float)(phase + 1) / (float)ramp;
    if (on && phase + ramp >= on)
        return (float)(on - phase) / (float)ramp;
    return 1.0f;
}

size_t vgw_tone_run(struct vgw_tone *t, int16_t *pcm, size_t n)
{
    uint64_t per_ms = t->rate_hz / 1000, ramp = 3 * per_ms;
    uint64_t on = tones[t->kind].on_ms * per_ms, off = tones[t->kind].off_ms * per_ms;
    for (size_t i = 0; i < n; i++, t->at++) {
        uint64_t phase = on && off ? t->at % (on + off) : t->at;
        if (on && !off && phase >= on)
            return i;
        if (on ? phase == 0 : t->at % t->rate_hz == 0)
            start_oscillators(t);
        if (on && phase >= on) {
            pcm[i] = 0;
            continue;
        }
        float y = (next_sample(t->osc[0]) + next_sample(t->osc[1])) * edge(phase, on, ramp);
        pcm[i] = (int16_t)(y > 32767 ? 32767 : y < -32768 ? -32768 : y);
    }
    return n;
}

void vgw_noise_init(struct vgw_noise *z, float dbm0, uint32_t seed)
{
    /* A uniform value in +-1 through y += (x - y) / 2 has a mean square of 1/9. */
    *z = (struct vgw_noise){.seed = seed | 1, .scale = 3.0f * vgw_level_rms(dbm0), .last = 0};
}

void vgw_noise_run(struct vgw_noise *z, int16_t *pcm, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        z->seed = z->seed * 1664525u + 1013904223u;
        float x = (float)(int32_t)z->seed / 2147483648.0f;
        z->last += 0.5f * (x - z->last);
        float y = z->last * z->scale;
        pcm[i] = (int16_t)(y > 32767 ? 32767 : y < -32768 ? -32768 : lrintf(y));
    }
}

/* Four bars of eight notes, as half tones above A3 (220 Hz): A minor 7, F major 7, C, G. */
static const int8_t melody[] = {0,  3, 7, 10, 12, 10, 7, 3, -4, 0, 3, 7,  8,  7,  3, 0,
                                -9, 3, 7, 10, 15, 10, 7, 3, -2, 2, 5, 10, 14, 10, 5, 2};
#define NOTE_MS 500
#define RING_MS 900 /* to an eighth or so: notes overlap softly */

void vgw_music_init(struct vgw_music *m, uint32_t rate_hz, float dbm0)
{
    memset(m, 0, sizeof *m);
    m->rate_hz = rate_hz;
    m->gain = vgw_level_sine_peak(dbm0);
}

static void pluck(struct vgw_music *m)
{
    size_t notes = sizeof melody / sizeof melody[0];
    float hz = 220.0f * powf(2.0f, (float)melody[m->step % notes] / 12.0f);
    float step = 2.0f * (float)M_PI * hz / (float)m->rate_hz;
    size_t k = m->step % VGW_MUSIC_VOICES;
    m->voice[k].coeff = 2.0f * cosf(step);
    m->voice[k].y1 = 0;
    m->voice[k].y2 = -sinf(step);
    m->voice[k].level = 1.0f;
    m->voice[k].decay = expf(-2.0f * 1000.0f / (RING_MS * (float)m->rate_hz));
    m->step = (m->step + 1) % (uint32_t)notes;
    m->left = m->rate_hz / 1000 * NOTE_MS;
}

void vgw_music_run(struct vgw_music *m, int16_t *pcm, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (m->left == 0)
            pluck(m);
        m->left--;
        float sum = 0;
        for (size_t k = 0; k < VGW_MUSIC_VOICES; k++) {
            float y = m->voice[k].coeff * m->voice[k].y1 - m->voice[k].y2;
            m->voice[k].y2 = m->voice[k].y1;
            m->voice[k].y1 = y;
            sum += y * m->voice[k].level;
            m->voice[k].level *= m->voice[k].decay;
        }
        float y = sum * m->gain;
        pcm[i] = (int16_t)(y > 32767 ? 32767 : y < -32768 ? -32768 : y);
    }
}
