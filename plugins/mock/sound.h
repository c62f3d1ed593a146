/* sound.h - audio that is made from nothing: tones, noise, and how loud something is. Pure; mu-law at 8 kHz. */
#ifndef MOCK_SOUND_H
#define MOCK_SOUND_H
#include <stddef.h>
#include <stdint.h>

#define SOUND_FRAME 160u   /* samples of 20 ms */
#define SOUND_SILENCE 0xFF /* mu-law zero */

/** Bytes that `digits` take: 100 ms of tone and 100 ms of silence each, 'w' half a second of silence. */
size_t sound_digits_bytes(const char *digits);
/** The tones themselves (ITU-T Q.23, each frequency at -9 dBFS); `out` holds sound_digits_bytes(). */
void sound_digits(const char *digits, uint8_t *out);
/** White noise of that level against full scale; `seed` goes on from frame to frame. */
void sound_noise(double db, uint32_t *seed, uint8_t *out, size_t samples);
/** 1: louder than -46 dBFS on average: speech or a tone, not comfort noise. */
int sound_voiced(const uint8_t *ulaw, size_t samples);
#endif
