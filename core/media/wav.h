/* wav.h - RIFF WAVE files: reading PCM 16 bit, mu-law and A-law; headers for writing; repair after a crash; cutting out
 * a part. Pure: works on octets in memory, others read and write the file. Any thread. */
#ifndef VGW_MEDIA_WAV_H
#define VGW_MEDIA_WAV_H
#include "base/error.h"
#include "media/frame.h"

#define VGW_WAV_HEADER_MAX 58    /* PCM: 44; G.711 carries an 18-octet fmt and a fact chunk */
#define VGW_WAV_HEAD_BYTES 65536 /* vgw_wav_parse() finds the audio of any sane file in so much of its beginning */

struct vgw_wav {
    enum vgw_encoding encoding;
    uint32_t rate_hz;                 /* 1000 to 192000 */
    uint32_t channels;                /* 1 to 8 */
    uint32_t block;                   /* octets of one sample of all channels */
    uint64_t data_offset, data_bytes; /* of the audio, whole blocks, within the file */
    uint64_t samples;                 /* a channel: data_bytes / block */
    bool cut; /* the header promises more than the file holds (a crash, or a file still being written) */
};

/** Reads the header. `head` is the beginning of the file, up to VGW_WAV_HEAD_BYTES of it; `file_bytes` its whole
 * length. Sizes that go beyond the file, or that were never filled in (0 or 0xFFFFFFFF), are taken as "to the end".
 *  Errors, with a sentence: VGW_EINVALID not a WAV file or out of bounds; VGW_EUNSUPPORTED another codec or width. */
int vgw_wav_parse(const void *head, size_t head_bytes, uint64_t file_bytes, struct vgw_wav *ret, struct vgw_error *err);

/** Decodes `n` samples from sample `first` on into linear mono (channels are averaged; `channel` >= 0 picks one).
 *  `data` is the audio of the file from data_offset on, `data_bytes` of it. Returns how many were there. */
size_t vgw_wav_decode(const struct vgw_wav *w, const void *data, size_t data_bytes, uint64_t first, size_t n,
                      int channel, int16_t *out);

/** Writes a header for `data_bytes` of audio and returns its length: 44 (linear) or 58 (G.711). Lengths beyond what the
 *  32 bits of the format hold are written as 0xFFFFFFFF less the header. */
size_t vgw_wav_header(enum vgw_encoding encoding, uint32_t rate_hz, uint32_t channels, uint64_t data_bytes,
                      uint8_t out[VGW_WAV_HEADER_MAX]);

/** Looks whether the header of a file that vgw_wav_header() began tells the truth, and if not puts the sizes right in
 *  `head` (the first `head_bytes` of the file, which the caller then writes back at offset 0). A last sample that is
 * not whole is left out. Returns 1 repaired, 0 was right, or VGW_EINVALID with a sentence: nothing to repair here. */
int vgw_wav_repair(void *head, size_t head_bytes, uint64_t file_bytes, struct vgw_error *err);

/** Where to find the samples [from, to) of the file, brought within it, and the header for a file of them alone: copy
 *  *ret_bytes from *ret_offset behind the header. Errors: VGW_EINVALID when nothing is left. */
int vgw_wav_cut(const struct vgw_wav *w, uint64_t from, uint64_t to, uint64_t *ret_offset, uint64_t *ret_bytes,
                uint8_t header[VGW_WAV_HEADER_MAX], size_t *ret_header_bytes, struct vgw_error *err);
#endif
