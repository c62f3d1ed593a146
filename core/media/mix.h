/* mix.h - saturating sums and gain on 16-bit linear mono. All pure, any thread, no allocation. */
#ifndef VGW_MEDIA_MIX_H
#define VGW_MEDIA_MIX_H
#include <stddef.h>
#include <stdint.h>

#define VGW_GAIN_UNITY 4096 /* gains are fixed point with 12 bits after the point; up to +24 dB */

/** acc += in, saturated. */
void vgw_mix_add(int16_t *acc, const int16_t *in, size_t n);
/** Sum of `count` sources of `n` samples each, saturated once at the end. NULL sources are silent. `out` may be one of
 *  them. `count` 0 gives silence. */
void vgw_mix_sum(int16_t *out, const int16_t *const *in, size_t count, size_t n);
/** A conference: out[k] gets everybody but in[k]. `sum` is scratch of `n`. out[k] may be in[k]; NULL entries of `in`
 * are silent members, NULL entries of `out` do not listen. Cost grows with count, not with its square. */
void vgw_mix_minus_one(int16_t *const *out, const int16_t *const *in, size_t count, size_t n, int32_t *sum);
/** Fixed point gain for decibels: 4096 for 0 dB; -100 and less is 0; more than +24 is +24. */
int32_t vgw_gain_from_db(float db);
/** In place, saturated. */
void vgw_mix_gain(int16_t *pcm, size_t n, int32_t gain);
/** In place, the gain going from `from` to `to` in a straight line over the n samples: fades and ducking without
 * clicks. */
void vgw_mix_ramp(int16_t *pcm, size_t n, int32_t from, int32_t to);
#endif
