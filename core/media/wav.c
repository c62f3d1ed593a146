#include "media/wav.h"
#include <string.h>

#define TAG_PCM 1
#define TAG_ALAW 6
#define TAG_ULAW 7
#define TAG_EXTENSIBLE 0xFFFE
#define SIZE_UNKNOWN 0xFFFFFFFFu
#define CHANNELS_MAX 8

static uint32_t get16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | get16(p + 2) << 16;
}

static uint8_t *put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    return p + 2;
}

static uint8_t *put32(uint8_t *p, uint64_t v)
{
    uint32_t bits = v > SIZE_UNKNOWN ? SIZE_UNKNOWN : (uint32_t)v;
    put16(p, bits);
    put16(p + 2, bits >> 16);
    return p + 4;
}

static uint8_t *put_id(uint8_t *p, const char *id)
{
    memcpy(p, id, 4);
    return p + 4;
}

static int parse_format(const uint8_t *f, size_t bytes, struct vgw_wav *w, struct vgw_error *err)
{
    if (bytes < 16)
        return vgw_error_set(err, VGW_EINVALID, "a fmt chunk of %zu bytes: it has at least 16", bytes);
    uint32_t tag = get16(f), bits = get16(f + 14);
    if (tag == TAG_EXTENSIBLE && bytes >= 26)
        tag = get16(f + 24);
    w->channels = get16(f + 2);
    w->rate_hz = get32(f + 4);
    if (tag == TAG_PCM && bits == 16)
        w->encoding = VGW_L16;
    else if (tag == TAG_ULAW && bits == 8)
        w->encoding = VGW_PCMU;
    else if (tag == TAG_ALAW && bits == 8)
        w->encoding = VGW_PCMA;
    else
        return vgw_error_set(err, VGW_EUNSUPPORTED,
                             "WAV format %u with %u bits: PCM with 16 bits, mu-law and A-law with 8 can be read", tag,
                             bits);
    if (w->channels < 1 || w->channels > CHANNELS_MAX || w->rate_hz < 1000 || w->rate_hz > 192000)
        return vgw_error_set(err, VGW_EINVALID,
                             "a WAV file with %u channels at %u Hz: 1 to 8 channels at 1000 to 192000 Hz can be read",
                             w->channels, w->rate_hz);
    w->block = w->channels * (uint32_t)vgw_encoding_bytes(w->encoding);
    return 0;
}

int vgw_wav_parse(const void *head, size_t head_bytes, uint64_t file_bytes, struct vgw_wav *ret, struct vgw_error *err)
{
    const uint8_t *h = head;
    struct vgw_wav w = {0};
    bool format_seen = false;
    if (head_bytes > file_bytes)
        head_bytes = (size_t)file_bytes;
    if (head_bytes < 12 || memcmp(h, "RIFF", 4) != 0 || memcmp(h + 8, "WAVE", 4) != 0)
        return vgw_error_set(err, VGW_EINVALID, "not a WAV file: it does not begin with RIFF and WAVE");
    for (uint64_t at = 12; at + 8 <= head_bytes;) {
        const uint8_t *chunk = h + at;
        uint64_t size = get32(chunk + 4), body = at + 8;
        if (memcmp(chunk, "data", 4) == 0) {
            if (!format_seen)
                return vgw_error_set(err, VGW_EINVALID, "a WAV file whose data comes before its fmt chunk");
            uint64_t there = file_bytes - body;
            bool unknown = (size == 0 && there >= w.block) || size == SIZE_UNKNOWN;
            w.cut = unknown || size > there;
            w.data_offset = body;
            w.samples = (w.cut ? there : size) / w.block;
            w.data_bytes = w.samples * w.block;
            *ret = w;
            return 0;
        }
        if (memcmp(chunk, "fmt ", 4) == 0) {
            if (body + size > head_bytes)
                return vgw_error_set(err, VGW_EINVALID, "a WAV file that ends within its fmt chunk");
            int rc = parse_format(chunk + 8, (size_t)size, &w, err);
            if (rc != 0)
                return rc;
            format_seen = true;
        }
        at = body + size + (size & 1);
    }
    return vgw_error_set(err, VGW_EINVALID, "a WAV file without a data chunk in its first %zu bytes", head_bytes);
}

static int32_t sample_at(const struct vgw_wav *w, const uint8_t *block, uint32_t channel)
{
    int16_t x;
    if (w->encoding == VGW_L16)
        x = (int16_t)(uint16_t)get16(block + 2 * (size_t)channel);
    else
        vgw_encoding_decode(w->encoding, block + channel, 1, &x);
    return x;
}

size_t vgw_wav_decode(const struct vgw_wav *w, const void *data, size_t data_bytes, uint64_t first, size_t n,
                      int channel, int16_t *out)
{
    uint64_t there = data_bytes < w->data_bytes ? data_bytes / w->block : w->samples;
    if (first >= there || !w->channels || (channel >= 0 && (uint32_t)channel >= w->channels))
        return 0;
    n = n < there - first ? n : (size_t)(there - first);
    const uint8_t *block = (const uint8_t *)data + first * w->block;
    for (size_t i = 0; i < n; i++, block += w->block) {
        if (channel >= 0) {
            out[i] = (int16_t)sample_at(w, block, (uint32_t)channel);
            continue;
        }
        int32_t sum = 0;
        for (uint32_t c = 0; c < w->channels; c++)
            sum += sample_at(w, block, c);
        out[i] = (int16_t)(sum / (int32_t)w->channels);
    }
    return n;
}

size_t vgw_wav_header(enum vgw_encoding encoding, uint32_t rate_hz, uint32_t channels, uint64_t data_bytes,
                      uint8_t out[VGW_WAV_HEADER_MAX])
{
    bool linear = encoding == VGW_L16;
    uint32_t width = (uint32_t)vgw_encoding_bytes(encoding), block = channels * width;
    uint32_t header = linear ? 44 : 58;
    uint64_t max = (SIZE_UNKNOWN - header) / block * block;
    data_bytes = data_bytes > max ? max : data_bytes;
    uint8_t *p = put_id(out, "RIFF");
    p = put32(p, data_bytes + header - 8);
    p = put_id(p, "WAVE");
    p = put_id(p, "fmt ");
    p = put32(p, linear ? 16 : 18);
    p = put16(p, linear ? TAG_PCM : encoding == VGW_PCMU ? TAG_ULAW : TAG_ALAW);
    p = put16(p, channels);
    p = put32(p, rate_hz);
    p = put32(p, (uint64_t)rate_hz * block);
    p = put16(p, block);
    p = put16(p, width * 8);
    if (!linear) {
        p = put16(p, 0);
        p = put_id(p, "fact");
        p = put32(p, 4);
        p = put32(p, data_bytes / block);
    }
    p = put_id(p, "data");
    put32(p, data_bytes);
    return header;
}

int vgw_wav_repair(void *head, size_t head_bytes, uint64_t file_bytes, struct vgw_error *err)
{
    struct vgw_wav w;
    uint8_t right[VGW_WAV_HEADER_MAX];
    int rc = vgw_wav_parse(head, head_bytes, file_bytes, &w, err);
    if (rc != 0)
        return rc;
    uint64_t data_bytes = (file_bytes - w.data_offset) / w.block * w.block;
    size_t n = vgw_wav_header(w.encoding, w.rate_hz, w.channels, data_bytes, right);
    if (n != w.data_offset)
        return vgw_error_set(err, VGW_EINVALID, "a WAV file with chunks that recordings do not have: it is left alone");
    if (memcmp(head, right, n) == 0)
        return 0;
    memcpy(head, right, n);
    return 1;
}

int vgw_wav_cut(const struct vgw_wav *w, uint64_t from, uint64_t to, uint64_t *ret_offset, uint64_t *ret_bytes,
                uint8_t header[VGW_WAV_HEADER_MAX], size_t *ret_header_bytes, struct vgw_error *err)
{
    to = to < w->samples ? to : w->samples;
    if (from >= to)
        return vgw_error_set(err, VGW_EINVALID, "nothing to cut out: the recording has %llu samples",
                             (unsigned long long)w->samples);
    *ret_offset = w->data_offset + from * w->block;
    *ret_bytes = (to - from) * w->block;
    *ret_header_bytes = vgw_wav_header(w->encoding, w->rate_hz, w->channels, *ret_bytes, header);
    return 0;
}
