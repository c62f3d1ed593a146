#include "pcm.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "voicegw/audio.h"

#define PI 3.14159265358979323846
#define BLOCK 512 /* input samples in one go */

uint8_t pcm_to_ulaw(int16_t sample)
{
    int v = sample;
    unsigned sign = 0;
    if (v < 0) {
        v = -v;
        sign = 0x80;
    }
    v = (v > 32635 ? 32635 : v) + 132;
    unsigned segment = 0;
    while (segment < 7 && (v >> (segment + 8)) != 0)
        segment++;
    return (uint8_t) ~(sign | (segment << 4) | (((unsigned)v >> (segment + 3)) & 15u));
}

int16_t pcm_of_ulaw(uint8_t octet)
{
    unsigned u = (uint8_t)~octet;
    int t = (int)(((u & 15u) << 3) + 0x84u) << ((u & 0x70u) >> 4);
    return (int16_t)(u & 0x80u ? 0x84 - t : t - 0x84);
}

uint8_t pcm_to_alaw(int16_t sample)
{
    int v = sample >> 3;
    unsigned mask = 0xd5;
    if (v < 0) {
        v = -v - 1;
        mask = 0x55;
    }
    unsigned segment = 0;
    while (segment < 7 && (v >> (segment + 5)) != 0)
        segment++;
    unsigned step = ((unsigned)v >> (segment < 2 ? 1 : segment)) & 15u;
    return (uint8_t)(((segment << 4) | step) ^ mask);
}

int16_t pcm_of_alaw(uint8_t octet)
{
    unsigned a = octet ^ 0x55u;
    int t = (int)(a & 15u) << 4;
    unsigned segment = (a >> 4) & 7u;
    t = segment == 0 ? t + 8 : (t + 0x108) << (segment - 1);
    return (int16_t)(a & 0x80u ? t : -t);
}

size_t pcm_encode(uint32_t encoding, const int16_t *pcm, size_t n, uint8_t *out)
{
    if (encoding == VOICEGW_AUDIO_L16) {
        memcpy(out, pcm, n * sizeof *pcm);
        return n * sizeof *pcm;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = encoding == VOICEGW_AUDIO_PCMA ? pcm_to_alaw(pcm[i]) : pcm_to_ulaw(pcm[i]);
    return n;
}

size_t pcm_decode(uint32_t encoding, const void *data, size_t bytes, int16_t *out)
{
    const uint8_t *octets = data;
    if (encoding == VOICEGW_AUDIO_L16) {
        memcpy(out, data, bytes / 2 * 2);
        return bytes / 2;
    }
    if (encoding != VOICEGW_AUDIO_PCMU && encoding != VOICEGW_AUDIO_PCMA)
        return 0;
    for (size_t i = 0; i < bytes; i++)
        out[i] = encoding == VOICEGW_AUDIO_PCMA ? pcm_of_alaw(octets[i]) : pcm_of_ulaw(octets[i]);
    return bytes;
}

struct pcm_resampler {
    uint32_t up, down, taps;
    uint32_t phase; /* of the next output, in 1/up of an input sample */
    float *filter;  /* up rows of taps, newest input first */
    float *window;  /* taps - 1 past samples, then a block */
};

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
    while (b) {
        uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static double bessel_i0(double x)
{
    double sum = 1, term = 1;
    for (int k = 1; k < 32; k++) {
        term *= (x / (2 * k)) * (x / (2 * k));
        sum += term;
    }
    return sum;
}

/* Kaiser-windowed sinc: 60 dB needs beta 5.65; the transition of 0.06 of the lower rate sets the length. */
static void design(struct pcm_resampler *r, uint32_t in_hz, uint32_t out_hz)
{
    const double beta = 5.65, norm = bessel_i0(beta);
    double lower = in_hz < out_hz ? in_hz : out_hz;
    double cutoff = 2 * 0.47 * lower / ((double)in_hz * r->up);
    uint32_t length = r->up * r->taps;
    double middle = (length - 1) / 2.0;
    for (uint32_t i = 0; i < length; i++) {
        double t = (double)i - middle, x = 2 * t / length;
        double sinc = fabs(t) < 1e-9 ? cutoff : sin(PI * cutoff * t) / (PI * t);
        double value = sinc * bessel_i0(beta * sqrt(1 - x * x)) / norm * r->up;
        r->filter[(size_t)(i % r->up) * r->taps + i / r->up] = (float)value;
    }
}

struct pcm_resampler *pcm_resampler_new(uint32_t in_hz, uint32_t out_hz)
{
    struct pcm_resampler *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    uint32_t divisor = common_divisor(in_hz, out_hz);
    uint32_t lower = in_hz < out_hz ? in_hz : out_hz;
    r->up = out_hz / divisor;
    r->down = in_hz / divisor;
    r->taps = 60 * in_hz / lower;
    r->filter = calloc((size_t)r->up * r->taps, sizeof *r->filter);
    r->window = calloc((size_t)r->taps + BLOCK, sizeof *r->window);
    if (!r->filter || !r->window) {
        pcm_resampler_free(r);
        return NULL;
    }
    if (r->up != r->down)
        design(r, in_hz, out_hz);
    return r;
}

void pcm_resampler_free(struct pcm_resampler *r)
{
    if (!r)
        return;
    free(r->filter);
    free(r->window);
    free(r);
}

size_t pcm_resampler_room(const struct pcm_resampler *r, size_t n)
{
    return n * r->up / r->down + 2;
}

size_t pcm_resampler_tail(const struct pcm_resampler *r)
{
    return r->up == r->down ? 0 : r->taps / 2;
}

static int16_t saturated(float v)
{
    if (v > 32767.0f)
        return 32767;
    if (v < -32768.0f)
        return -32768;
    return (int16_t)lrintf(v);
}

/* One block: the window's tail holds `n` new samples behind taps - 1 old ones. */
static size_t run_block(struct pcm_resampler *r, size_t n, int16_t *out)
{
    size_t made = 0, at = r->taps - 1;
    const size_t end = at + n;
    for (;;) {
        at += r->phase / r->up;
        r->phase %= r->up;
        if (at >= end)
            break;
        const float *row = r->filter + (size_t)r->phase * r->taps;
        float sum = 0;
        for (uint32_t j = 0; j < r->taps; j++)
            sum += row[j] * r->window[at - j];
        out[made++] = saturated(sum);
        r->phase += r->down;
    }
    r->phase += (uint32_t)(at - end) * r->up;
    memmove(r->window, r->window + n, (r->taps - 1) * sizeof *r->window);
    return made;
}

size_t pcm_resampler_run(struct pcm_resampler *r, const int16_t *in, size_t n, int16_t *out)
{
    size_t made = 0;
    if (r->up == r->down) {
        memcpy(out, in, n * sizeof *in);
        return n;
    }
    while (n > 0) {
        size_t part = n < BLOCK ? n : BLOCK;
        for (size_t i = 0; i < part; i++)
            r->window[r->taps - 1 + i] = in[i];
        made += run_block(r, part, out + made);
        in += part;
        n -= part;
    }
    return made;
}
