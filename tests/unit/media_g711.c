#include <criterion/criterion.h>
#include <spandsp.h>
#include <stdlib.h>
#include "media/frame.h"
#include "media/g711.h"

static int ulaw_by_definition(int octet)
{
    int u = ~octet & 0xFF;
    int t = ((u & 0x0F) << 3) + 0x84;
    t <<= (u & 0x70) >> 4;
    return u & 0x80 ? 0x84 - t : t - 0x84;
}

static int alaw_by_definition(int octet)
{
    int a = octet ^ 0x55;
    int t = (a & 15) << 4, segment = (a >> 4) & 7;
    t = segment == 0 ? t + 8 : (t + 0x108) << (segment - 1);
    return a & 0x80 ? t : -t;
}

static int ulaw_octet_by_definition(int sample)
{
    int sign = sample < 0 ? 0x80 : 0, v = abs(sample);
    v = (v > 32635 ? 32635 : v) + 132;
    int segment = 0;
    while (v >> (segment + 8))
        segment++;
    return ~(sign | segment << 4 | ((v >> (segment + 3)) & 15)) & 0xFF;
}

Test(media_g711, all_codes_decode_by_the_definition_and_as_spandsp_does)
{
    for (int b = 0; b < 256; b++) {
        cr_assert_eq(vgw_ulaw_decode((uint8_t)b), ulaw_by_definition(b), "mu-law 0x%02x", b);
        cr_assert_eq(vgw_alaw_decode((uint8_t)b), alaw_by_definition(b), "A-law 0x%02x", b);
        cr_assert_eq(vgw_ulaw_decode((uint8_t)b), ulaw_to_linear((uint8_t)b));
        cr_assert_eq(vgw_alaw_decode((uint8_t)b), alaw_to_linear((uint8_t)b));
    }
}

Test(media_g711, known_values_hold)
{
    cr_assert_eq(vgw_ulaw_decode(0xFF), 0);
    cr_assert_eq(vgw_ulaw_decode(0x7F), 0);
    cr_assert_eq(vgw_ulaw_decode(0x80), 32124);
    cr_assert_eq(vgw_ulaw_decode(0x00), -32124);
    cr_assert_eq(vgw_alaw_decode(0xD5), 8);
    cr_assert_eq(vgw_alaw_decode(0x55), -8);
    cr_assert_eq(vgw_alaw_decode(0xAA), 32256);
    cr_assert_eq(vgw_ulaw_encode(0), VGW_ULAW_SILENCE);
    cr_assert_eq(vgw_alaw_encode(0), VGW_ALAW_SILENCE);
}

Test(media_g711, every_sample_encodes_by_the_definition_and_to_the_nearest_a_law_step)
{
    for (int s = -32768; s <= 32767; s++) {
        cr_assert_eq(vgw_ulaw_encode((int16_t)s), ulaw_octet_by_definition(s), "mu-law of %d", s);
        cr_assert_eq(vgw_alaw_encode((int16_t)s), linear_to_alaw(s), "A-law of %d", s);
        if (abs(s) < 32635)
            cr_assert_eq(vgw_ulaw_encode((int16_t)s), linear_to_ulaw(s), "mu-law of %d", s);
    }
}

Test(media_g711, decode_encode_decode_is_the_identity_on_values)
{
    for (int b = 0; b < 256; b++) {
        int16_t u = vgw_ulaw_decode((uint8_t)b), a = vgw_alaw_decode((uint8_t)b);
        cr_assert_eq(vgw_ulaw_decode(vgw_ulaw_encode(u)), u);
        cr_assert_eq(vgw_alaw_encode(a), b);
        if (b != 0x7F)
            cr_assert_eq(vgw_ulaw_encode(u), b);
    }
}

Test(media_g711, the_other_law_gets_the_nearest_step_of_the_same_sign)
{
    for (int b = 0; b < 256; b++) {
        int u = ulaw_by_definition(b), a = alaw_by_definition(b);
        int to_a = alaw_by_definition(vgw_ulaw_to_alaw_table[b]), to_u = ulaw_by_definition(vgw_alaw_to_ulaw_table[b]);
        for (int c = 0; c < 256; c++) {
            if ((c & 0x80) != (b & 0x80))
                continue;
            cr_assert_leq(abs(to_a - u), abs(alaw_by_definition(c) - u), "mu-law 0x%02x", b);
            cr_assert_leq(abs(to_u - a), abs(ulaw_by_definition(c) - a), "A-law 0x%02x", b);
        }
        cr_assert_eq(vgw_ulaw_to_alaw_table[b] & 0x80, b & 0x80);
        cr_assert_eq(vgw_alaw_to_ulaw_table[b] & 0x80, b & 0x80);
    }
}

Test(media_g711, blocks_equal_single_samples_and_transcoding_works_in_place)
{
    uint8_t octets[256], back[256];
    int16_t pcm[256];
    for (int b = 0; b < 256; b++)
        octets[b] = (uint8_t)b;
    vgw_encoding_decode(VGW_PCMA, octets, 256, pcm);
    for (int b = 0; b < 256; b++)
        cr_assert_eq(pcm[b], vgw_alaw_decode((uint8_t)b));
    vgw_encoding_encode(VGW_PCMA, pcm, 256, back);
    cr_assert_arr_eq(octets, back, 256);
    vgw_encoding_decode(VGW_PCMU, octets, 256, pcm);
    vgw_encoding_encode(VGW_PCMU, pcm, 256, back);
    back[0x7F] = 0x7F; /* minus zero has no code of its own on the way back */
    cr_assert_arr_eq(octets, back, 256);
    vgw_ulaw_to_alaw_block(octets, 256, octets);
    cr_assert_arr_eq(octets, vgw_ulaw_to_alaw_table, 256);
    vgw_alaw_to_ulaw_block(octets, 256, octets);
    for (int b = 0; b < 256; b++)
        cr_assert_eq(octets[b], vgw_alaw_to_ulaw_table[vgw_ulaw_to_alaw_table[b]]);
}

Test(media_frame, names_of_encodings_parse_in_every_spelling)
{
    static const struct {
        const char *name;
        bool known;
        enum vgw_encoding encoding;
    } rows[] = {
        {"pcmu", true, VGW_PCMU}, {"g711_ulaw", true, VGW_PCMU}, {"G711_ALAW", true, VGW_PCMA},
        {"pcm16", true, VGW_L16}, {"opus", false, VGW_L16},      {NULL, false, VGW_L16},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum vgw_encoding e = VGW_L16;
        cr_assert_eq(vgw_encoding_parse(rows[i].name, &e), rows[i].known);
        cr_assert_eq(e, rows[i].encoding);
    }
    for (int e = VGW_PCMU; e <= VGW_L16; e++) {
        enum vgw_encoding back;
        cr_assert(vgw_encoding_parse(vgw_encoding_name((enum vgw_encoding)e), &back));
        cr_assert_eq((int)back, e);
    }
}

Test(media_frame, silence_is_the_encodings_own)
{
    uint8_t out[4];
    vgw_encoding_silence(VGW_PCMU, 2, out);
    cr_assert_eq(out[1], 0xFF);
    vgw_encoding_silence(VGW_PCMA, 2, out);
    cr_assert_eq(out[1], 0xD5);
    vgw_encoding_silence(VGW_L16, 2, out);
    cr_assert(out[0] == 0 && out[3] == 0);
}
