#include "media/frame.h"
#include <string.h>
#include "base/str.h"
#include "media/g711.h"

static const struct {
    const char *name;
    enum vgw_encoding encoding;
} encoding_names[] = {
    {"pcmu", VGW_PCMU},      {"pcma", VGW_PCMA}, {"pcm16", VGW_L16},      {"ulaw", VGW_PCMU}, {"mulaw", VGW_PCMU},
    {"g711_ulaw", VGW_PCMU}, {"alaw", VGW_PCMA}, {"g711_alaw", VGW_PCMA}, {"l16", VGW_L16},   {"linear16", VGW_L16},
};

const char *vgw_encoding_name(enum vgw_encoding e)
{
    return encoding_names[e].name;
}

bool vgw_encoding_parse(const char *name, enum vgw_encoding *ret)
{
    for (size_t i = 0; i < sizeof encoding_names / sizeof encoding_names[0]; i++) {
        if (name && vgw_strieq(name, encoding_names[i].name)) {
            *ret = encoding_names[i].encoding;
            return true;
        }
    }
    return false;
}

bool vgw_rate_supported(uint32_t rate_hz)
{
    return rate_hz == 8000 || rate_hz == 16000 || rate_hz == 24000 || rate_hz == 48000;
}

void vgw_encoding_decode(enum vgw_encoding e, const void *payload, size_t samples, int16_t *out)
{
    switch (e) {
    case VGW_PCMU:
        vgw_ulaw_decode_block(payload, samples, out);
        break;
    case VGW_PCMA:
        vgw_alaw_decode_block(payload, samples, out);
        break;
    case VGW_L16:
        memmove(out, payload, samples * sizeof *out);
        break;
    }
}

void vgw_encoding_encode(enum vgw_encoding e, const int16_t *pcm, size_t samples, void *out)
{
    switch (e) {
    case VGW_PCMU:
        vgw_ulaw_encode_block(pcm, samples, out);
        break;
    case VGW_PCMA:
        vgw_alaw_encode_block(pcm, samples, out);
        break;
    case VGW_L16:
        memmove(out, pcm, samples * sizeof *pcm);
        break;
    }
}

void vgw_encoding_silence(enum vgw_encoding e, size_t samples, void *out)
{
    int octet = e == VGW_PCMU ? VGW_ULAW_SILENCE : e == VGW_PCMA ? VGW_ALAW_SILENCE : 0;
    memset(out, octet, samples * vgw_encoding_bytes(e));
}
