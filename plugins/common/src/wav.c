/* wav.c - the heads of WAV files. Pure. Source: Multimedia Programming Interface and Data Specifications 1.0, IBM and
 * Microsoft, 1991. */
#include "wav.h"
#include <stdbool.h>
#include <string.h>
#include "voicegw/audio.h"

static uint32_t le16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t le32(const uint8_t *p)
{
    return le16(p) | le16(p + 2) << 16;
}

static int format_chunk(const uint8_t *p, struct wav_format *f)
{
    uint32_t kind = le16(p), bits = le16(p + 14);
    f->rate = le32(p + 4);
    f->encoding = kind == 7 ? VOICEGW_AUDIO_PCMU : kind == 6 ? VOICEGW_AUDIO_PCMA : VOICEGW_AUDIO_L16;
    bool known = (kind == 1 && bits == 16) || ((kind == 6 || kind == 7) && bits == 8) || (kind == 0xfffe && bits == 16);
    return known && le16(p + 2) == 1 && f->rate >= 8000 && f->rate <= 48000 ? 1 : -1;
}

int wav_head(const uint8_t *data, size_t bytes, struct wav_format *ret_format)
{
    struct wav_format f = {0};
    size_t at = 12;
    if (bytes < 12)
        return memcmp(data, "RIFF", bytes < 4 ? bytes : 4) == 0 ? 0 : -1;
    if (memcmp(data, "RIFF", 4) != 0 || memcmp(data + 8, "WAVE", 4) != 0)
        return -1;
    while (at + 8 <= bytes) {
        uint32_t n = le32(data + at + 4);
        if (memcmp(data + at, "data", 4) == 0) {
            f.head_bytes = at + 8;
            *ret_format = f;
            return f.rate ? 1 : -1;
        }
        if (n > WAV_HEAD_MAX)
            return -1;
        if (memcmp(data + at, "fmt ", 4) == 0) {
            if (n < 16)
                return -1;
            if (at + 8 + n > bytes)
                return 0;
            if (format_chunk(data + at + 8, &f) < 0)
                return -1;
        }
        at += 8 + n + (n & 1u);
    }
    return 0;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        *p++ = (uint8_t)(v >> (8 * i));
    return p;
}

static uint8_t *put_tag(uint8_t *p, const char *tag)
{
    while (*tag)
        *p++ = (uint8_t)*tag++;
    return p;
}

void wav_head_write(uint8_t *out, uint32_t rate, uint32_t samples)
{
    uint8_t *p = put_tag(out, "RIFF");
    p = put32(p, WAV_HEAD_BYTES - 8 + 2 * samples);
    p = put_tag(p, "WAVEfmt ");
    p = put32(p, 16);
    p = put32(p, 1 | 1u << 16); /* linear, one channel */
    p = put32(p, rate);
    p = put32(p, 2 * rate);
    p = put32(p, 2 | 16u << 16);
    p = put_tag(p, "data");
    (void)put32(p, 2 * samples);
}
