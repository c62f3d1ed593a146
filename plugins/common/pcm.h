/* pcm.h - G.711 and sample rates for the speech plugins: they see the SDK and their vendor's library only. */
#ifndef VOICEGW_PLUGIN_PCM_H
#define VOICEGW_PLUGIN_PCM_H
#include <stddef.h>
#include <stdint.h>

/** ITU-T G.711. Pure, any thread. */
uint8_t pcm_to_ulaw(int16_t sample);
uint8_t pcm_to_alaw(int16_t sample);
int16_t pcm_of_ulaw(uint8_t octet);
int16_t pcm_of_alaw(uint8_t octet);

/** Turns `n` samples into an encoding of the SDK (VOICEGW_AUDIO_*) at `out`, which has room for 2 * n bytes. Returns
 * the bytes. */
size_t pcm_encode(uint32_t encoding, const int16_t *pcm, size_t n, uint8_t *out);
/** The other way; `bytes` of payload into at most `bytes` samples. Returns the samples; 0 for an unknown encoding. */
size_t pcm_decode(uint32_t encoding, const void *data, size_t bytes, int16_t *out);

struct pcm_resampler;

/** A polyphase low-pass between any two rates from 8000 to 48000 Hz; passes to 0.44 of the lower rate, stops (60 dB)
 * from half of it. State carries over from block to block. One thread at a time. NULL when out of memory. */
struct pcm_resampler *pcm_resampler_new(uint32_t in_hz, uint32_t out_hz);
/** Takes NULL. */
void pcm_resampler_free(struct pcm_resampler *r);
/** Most samples that `n` of input bring. */
size_t pcm_resampler_room(const struct pcm_resampler *r, size_t n);
/** Takes all of `in`, writes what comes out (at most pcm_resampler_room(r, n)) and returns how many samples that is. */
size_t pcm_resampler_run(struct pcm_resampler *r, const int16_t *in, size_t n, int16_t *out);
/** Input samples of silence that bring out what is still inside. */
size_t pcm_resampler_tail(const struct pcm_resampler *r);
#endif
