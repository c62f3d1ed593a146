/* g711.h - ITU-T G.711 mu-law and A-law, by constant tables. Pure; every function: any thread. */
#ifndef VGW_MEDIA_G711_H
#define VGW_MEDIA_G711_H
#include <stddef.h>
#include <stdint.h>

#define VGW_ULAW_SILENCE 0xFF /* decodes to 0 */
#define VGW_ALAW_SILENCE 0xD5 /* decodes to +8: A-law has no zero */

/* Octet to linear, 16-bit scale: mu-law within +-32124, A-law within +-32256. */
extern const int16_t vgw_ulaw_table[256];
extern const int16_t vgw_alaw_table[256];
/* Magnitude to octet of a positive sample: index |x| >> 2 (0..8192) for mu-law, x >> 4 (0..2047) for A-law. */
extern const uint8_t vgw_ulaw_encode_table[8193];
extern const uint8_t vgw_alaw_encode_table[2048];
/* Octet to the nearest octet of the other law. */
extern const uint8_t vgw_ulaw_to_alaw_table[256];
extern const uint8_t vgw_alaw_to_ulaw_table[256];

static inline int16_t vgw_ulaw_decode(uint8_t octet)
{
    return vgw_ulaw_table[octet];
}
static inline int16_t vgw_alaw_decode(uint8_t octet)
{
    return vgw_alaw_table[octet];
}

/** Exact to the 16-bit definition for every sample (clip 32635, bias 132). */
static inline uint8_t vgw_ulaw_encode(int16_t sample)
{
    int32_t sign = sample >> 15; /* 0 or -1 */
    int32_t magnitude = (sample ^ sign) - sign;
    return vgw_ulaw_encode_table[magnitude >> 2] ^ (uint8_t)(sign & 0x80);
}
/** Negative samples take the step of -x - 1, as spandsp and sox do, so that -1..-16 is the smallest negative step. */
static inline uint8_t vgw_alaw_encode(int16_t sample)
{
    int32_t sign = sample >> 15;
    return vgw_alaw_encode_table[(sample ^ sign) >> 4] ^ (uint8_t)(sign & 0x80);
}

/** `n` octets to `n` samples; the two may not overlap. */
void vgw_ulaw_decode_block(const uint8_t *in, size_t n, int16_t *out);
void vgw_alaw_decode_block(const uint8_t *in, size_t n, int16_t *out);
/** `n` samples to `n` octets; the two may not overlap. */
void vgw_ulaw_encode_block(const int16_t *in, size_t n, uint8_t *out);
void vgw_alaw_encode_block(const int16_t *in, size_t n, uint8_t *out);
/** Octets of one law to the other without linear in between; `out` may be `in`. */
void vgw_ulaw_to_alaw_block(const uint8_t *in, size_t n, uint8_t *out);
void vgw_alaw_to_ulaw_block(const uint8_t *in, size_t n, uint8_t *out);
#endif
