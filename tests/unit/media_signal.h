/* media_signal.h - signals for the tests of media/: the speech set, noises, tones, and how to compare them. */
#ifndef VGW_TESTS_MEDIA_SIGNAL_H
#define VGW_TESTS_MEDIA_SIGNAL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIGNAL_RATE 8000
struct signal {
    int16_t *pcm; /* owned: signal_free() */
    size_t n;
};
enum noise_kind { NOISE_WHITE, NOISE_PINK, NOISE_BABBLE, NOISE_KINDS };

struct signal signal_new(size_t n);
void signal_free(struct signal *s);
/** Clip `sentence` (1 to 3) of rms, slt, kal16 or awb from tests/media/set, at -20 dBm0 over its length. */
struct signal signal_clip(const char *voice, int sentence);
/** All twelve clips with `lead_ms` before the first, `gap_ms` between and after; active level `dbm0`. */
struct signal signal_speech(uint32_t lead_ms, uint32_t gap_ms, float dbm0);
/** Adds noise of this level (RMS) to every sample. Babble is sixteen overlapped, time-shifted talkers of the set. */
void signal_add_noise(struct signal *s, enum noise_kind kind, float dbm0, uint32_t seed);
void signal_add_tone(struct signal *s, size_t from, size_t n, double hz, double peak);
/** Marks 20 ms frames of clean speech as ITU-T P.56 does: within 15.9 dB of the active level, pauses under 200 ms
 *  bridged. `speech` holds s->n / 160. Returns the active speech level in dBm0. */
float signal_label(const struct signal *s, bool *speech);
/** Through mu-law and back, as the telephone would. */
void signal_companded(struct signal *s);
/** Power at one frequency (Goertzel), as the amplitude of a sine. */
double signal_amplitude_at(const int16_t *pcm, size_t n, double hz, double rate_hz);
uint32_t signal_random(uint32_t *seed);
#endif
