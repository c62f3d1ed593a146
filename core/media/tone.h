/* tone.h - what the gateway can play without a file: call progress tones, beep, noise, hold music. All pure: a small
 * struct and a run function, no allocation. Any thread, one at a time for a struct. */
#ifndef VGW_MEDIA_TONE_H
#define VGW_MEDIA_TONE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vgw_tone_kind {
    VGW_TONE_RINGBACK,   /* 440 + 480 Hz, 2 s on, 4 s off */
    VGW_TONE_BUSY,       /* 480 + 620 Hz, 0.5 s on, 0.5 s off */
    VGW_TONE_CONGESTION, /* 480 + 620 Hz, 0.25 s on, 0.25 s off */
    VGW_TONE_DIAL,       /* 350 + 440 Hz */
    VGW_TONE_BEEP,       /* 1000 Hz, 400 ms, once */
    VGW_TONE_KINDS
};

struct vgw_tone {
    enum vgw_tone_kind kind;
    uint32_t rate_hz;
    uint64_t at;     /* samples made */
    float osc[2][3]; /* coefficient, y[n-1], y[n-2] */
    float peak;
};
/** `dbm0` is the level of each of the tone's frequencies; -15 is usual. */
void vgw_tone_init(struct vgw_tone *t, enum vgw_tone_kind kind, uint32_t rate_hz, float dbm0);
/** Writes up to `n` samples; less only when a tone that plays once is over. Edges are ramped over 3 ms. */
size_t vgw_tone_run(struct vgw_tone *t, int16_t *pcm, size_t n);

struct vgw_noise {
    uint32_t seed;
    float scale, last;
};
/** Comfort noise, gently low-passed, at this level; the same seed gives the same noise. -60 is hardly heard. */
void vgw_noise_init(struct vgw_noise *z, float dbm0, uint32_t seed);
void vgw_noise_run(struct vgw_noise *z, int16_t *pcm, size_t n);

/* Hold music for where no file is configured: soft plucked chords in a slow loop of 16 s. */
#define VGW_MUSIC_VOICES 4
struct vgw_music {
    uint32_t rate_hz;
    float gain;
    uint32_t step, left; /* note of the loop, samples until the next */
    struct {
        float coeff, y1, y2, decay, level;
    } voice[VGW_MUSIC_VOICES];
};
void vgw_music_init(struct vgw_music *m, uint32_t rate_hz, float dbm0);
/** Always writes n samples; goes on for ever. */
void vgw_music_run(struct vgw_music *m, int16_t *pcm, size_t n);
#endif
