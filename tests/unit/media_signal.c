#include "media_signal.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "media/g711.h"
#include "media/level.h"

static const char *const voices[] = {"rms", "slt", "kal16", "awb"};
#define SENTENCES 3

uint32_t signal_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static double uniform(uint32_t *seed)
{
    return (double)signal_random(seed) / 4294967296.0;
}

static double gaussian(uint32_t *seed)
{
    double u = uniform(seed), v = uniform(seed);
    return sqrt(-2.0 * log(u + 1e-12)) * cos(2 * M_PI * v);
}

static int16_t saturated(double x)
{
    return (int16_t)lrint(x > 32767 ? 32767 : x < -32768 ? -32768 : x);
}

struct signal signal_new(size_t n)
{
    struct signal s = {calloc(n + 1, sizeof(int16_t)), n};
    return s;
}

void signal_free(struct signal *s)
{
    free(s->pcm);
    *s = (struct signal){NULL, 0};
}

struct signal signal_clip(const char *voice, int sentence)
{
    char path[128];
    snprintf(path, sizeof path, "tests/media/set/%s-%d.ul", voice, sentence);
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        abort();
    }
    fseek(f, 0, SEEK_END);
    struct signal s = signal_new((size_t)ftell(f));
    rewind(f);
    for (size_t i = 0; i < s.n; i++)
        s.pcm[i] = vgw_ulaw_decode((uint8_t)fgetc(f));
    fclose(f);
    return s;
}

static void scale(struct signal *s, double gain)
{
    for (size_t i = 0; i < s->n; i++)
        s->pcm[i] = saturated(s->pcm[i] * gain);
}

struct signal signal_speech(uint32_t lead_ms, uint32_t gap_ms, float dbm0)
{
    struct signal clips[16];
    size_t count = 0, at = (size_t)lead_ms * 8, total = at;
    for (int sentence = 1; sentence <= SENTENCES; sentence++) {
        for (size_t v = 0; v < sizeof voices / sizeof voices[0]; v++) {
            struct signal c = signal_clip(voices[v], sentence);
            bool *speech = calloc(c.n / 160 + 1, sizeof *speech);
            scale(&c, pow(10.0, (dbm0 - signal_label(&c, speech)) / 20.0));
            free(speech);
            total += c.n + (size_t)gap_ms * 8;
            clips[count++] = c;
        }
    }
    struct signal s = signal_new(total - total % 160);
    for (size_t i = 0; i < count; i++) {
        size_t room = s.n - at < clips[i].n ? s.n - at : clips[i].n;
        memcpy(s.pcm + at, clips[i].pcm, room * sizeof *s.pcm);
        at += clips[i].n + (size_t)gap_ms * 8;
        signal_free(&clips[i]);
    }
    return s;
}

static void make_babble(double *noise, size_t n, uint32_t seed)
{
    struct signal speech = signal_speech(0, 0, -20);
    for (int talker = 0; talker < 16; talker++) {
        size_t offset = signal_random(&seed) % speech.n;
        double pace = 0.85 + 0.3 * uniform(&seed), at = (double)offset;
        for (size_t i = 0; i < n; i++, at += pace) {
            size_t whole = (size_t)at;
            double part = at - (double)whole;
            noise[i] += speech.pcm[whole % speech.n] * (1 - part) + speech.pcm[(whole + 1) % speech.n] * part;
        }
    }
    signal_free(&speech);
}

static void make_pink(double *noise, size_t n, uint32_t seed)
{
    double row[7] = {0};
    static const double pole[7] = {0.99886, 0.99332, 0.96900, 0.86650, 0.55000, -0.7616, 0};
    static const double gain[7] = {0.0555179, 0.0750759, 0.1538520, 0.3104856, 0.5329522, -0.0168980, 0.115926};
    for (size_t i = 0; i < n; i++) {
        double white = gaussian(&seed), sum = 0.5362 * white;
        for (int k = 0; k < 7; k++) {
            row[k] = pole[k] * row[k] + gain[k] * white;
            sum += row[k];
        }
        noise[i] = sum;
    }
}

void signal_add_noise(struct signal *s, enum noise_kind kind, float dbm0, uint32_t seed)
{
    double *noise = calloc(s->n, sizeof *noise), power = 0;
    seed = seed * 2654435761u | 1;
    if (kind == NOISE_BABBLE)
        make_babble(noise, s->n, seed);
    else if (kind == NOISE_PINK)
        make_pink(noise, s->n, seed);
    else
        for (size_t i = 0; i < s->n; i++)
            noise[i] = gaussian(&seed);
    for (size_t i = 0; i < s->n; i++)
        power += noise[i] * noise[i];
    double gain = vgw_level_rms(dbm0) / sqrt(power / (double)s->n);
    for (size_t i = 0; i < s->n; i++)
        s->pcm[i] = saturated(s->pcm[i] + gain * noise[i]);
    free(noise);
}

void signal_add_tone(struct signal *s, size_t from, size_t n, double hz, double peak)
{
    for (size_t i = from; i < from + n && i < s->n; i++)
        s->pcm[i] = saturated(s->pcm[i] + peak * sin(2 * M_PI * hz * (double)(i - from) / SIGNAL_RATE));
}

static double frame_power(const int16_t *pcm)
{
    double sum = 0;
    for (int i = 0; i < 160; i++)
        sum += (double)pcm[i] * pcm[i];
    return sum / 160;
}

float signal_label(const struct signal *s, bool *speech)
{
    size_t frames = s->n / 160;
    double level = 0, margin = pow(10, -1.59);
    /* The active level depends on the frames above the threshold, and the threshold on the level: a few rounds settle.
     */
    for (int round = 0; round < 20; round++) {
        double sum = 0;
        size_t count = 0;
        for (size_t f = 0; f < frames; f++) {
            double p = frame_power(s->pcm + f * 160);
            speech[f] = p > 0 && p >= level * margin;
            sum += speech[f] ? p : 0;
            count += speech[f];
        }
        level = count ? sum / (double)count : 0;
    }
    size_t last = frames;
    for (size_t f = 0; f < frames; f++) {
        if (!speech[f])
            continue;
        if (last < f && f - last <= 10)
            memset(speech + last, true, (f - last) * sizeof *speech);
        last = f;
    }
    return level > 0 ? (float)(10 * log10(level)) + VGW_LEVEL_UNIT_DBM0 : VGW_LEVEL_SILENT_DBM0;
}

void signal_companded(struct signal *s)
{
    for (size_t i = 0; i < s->n; i++)
        s->pcm[i] = vgw_ulaw_decode(vgw_ulaw_encode(s->pcm[i]));
}

double signal_amplitude_at(const int16_t *pcm, size_t n, double hz, double rate_hz)
{
    double re = 0, im = 0;
    for (size_t i = 0; i < n; i++) {
        double window = 1 - cos(2 * M_PI * ((double)i + 0.5) / (double)n), phase = 2 * M_PI * hz * (double)i / rate_hz;
        re += window * pcm[i] * cos(phase);
        im += window * pcm[i] * sin(phase);
    }
    return 2 * sqrt(re * re + im * im) / (double)n;
}
