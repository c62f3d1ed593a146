/* wav.h - the heads of WAV files, for engines that take or give such. Pure. */
#ifndef VOICEGW_PLUGIN_WAV_H
#define VOICEGW_PLUGIN_WAV_H
#include <stddef.h>
#include <stdint.h>

#define WAV_HEAD_MAX 4096 /* bytes in which a head has to end */
#define WAV_HEAD_BYTES 44 /* of a head that is written */

struct wav_format {
    uint32_t encoding, rate;
    size_t head_bytes; /* up to the audio */
};
/** Reads a head from the first bytes of a file: 1 and *ret_format; 0: more bytes are needed; negative: no WAV file of
 * one channel in mu-law, A-law or 16-bit PCM. */
int wav_head(const uint8_t *data, size_t bytes, struct wav_format *ret_format);
/** Writes WAV_HEAD_BYTES: so many 16-bit samples of one channel follow. */
void wav_head_write(uint8_t *out, uint32_t rate, uint32_t samples);
#endif
