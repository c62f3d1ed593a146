/* fuzz_wav.c - any octets as a WAV file: parse, decode, cut and repair stay within them and agree with each other. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "media/wav.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int promise)
{
    if (!promise)
        abort();
}

static void check_cut(const struct vgw_wav *w, uint64_t file_bytes)
{
    uint64_t offset, bytes;
    size_t header_bytes;
    uint8_t header[VGW_WAV_HEADER_MAX];
    if (vgw_wav_cut(w, w->samples / 3, w->samples, &offset, &bytes, header, &header_bytes, NULL) != 0)
        return;
    struct vgw_wav part;
    expect(offset + bytes <= file_bytes);
    expect(vgw_wav_parse(header, header_bytes, header_bytes + bytes, &part, NULL) == 0);
    expect(part.samples * part.block == bytes && !part.cut);
}

static void check_repair(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size);
    struct vgw_wav w;
    memcpy(copy, data, size);
    if (vgw_wav_repair(copy, size, size, NULL) >= 0) {
        expect(vgw_wav_parse(copy, size, size, &w, NULL) == 0 && !w.cut);
        expect(vgw_wav_repair(copy, size, size, NULL) == 0);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vgw_wav w;
    struct vgw_error err;
    if (vgw_wav_parse(data, size, size, &w, &err) != 0) {
        expect(err.status < 0 && err.text[0] != '\0');
        return 0;
    }
    int16_t out[256];
    expect(w.data_offset + w.data_bytes <= size);
    for (uint64_t at = 0; at < w.samples; at += 256) {
        for (int channel = -1; channel < (int)w.channels; channel++)
            expect(vgw_wav_decode(&w, data + w.data_offset, size - w.data_offset, at, 256, channel, out) > 0);
    }
    expect(vgw_wav_decode(&w, data + w.data_offset, size - w.data_offset, w.samples, 1, -1, out) == 0);
    check_cut(&w, size);
    check_repair(data, size);
    return 0;
}
