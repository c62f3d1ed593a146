#include "media/g711.h"

void vgw_ulaw_decode_block(const uint8_t *in, size_t n, int16_t *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = vgw_ulaw_table[in[i]];
}

void vgw_alaw_decode_block(const uint8_t *in, size_t n, int16_t *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = vgw_alaw_table[in[i]];
}

void vgw_ulaw_encode_block(const int16_t *in, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = vgw_ulaw_encode(in[i]);
}

void vgw_alaw_encode_block(const int16_t *in, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = vgw_alaw_encode(in[i]);
}

void vgw_ulaw_to_alaw_block(const uint8_t *in, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = vgw_ulaw_to_alaw_table[in[i]];
}

void vgw_alaw_to_ulaw_block(const uint8_t *in, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = vgw_alaw_to_ulaw_table[in[i]];
}
