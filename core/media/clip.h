/* clip.h - an audio file as linear samples in memory. */
#ifndef VGW_MEDIA_CLIP_H
#define VGW_MEDIA_CLIP_H
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

#define VGW_CLIP_BYTES_MAX (64u << 20)

/** Reads a WAV file (PCM16, mu-law, A-law; channels are averaged) and converts it to `rate_hz`. *ret_pcm is the
 * caller's (vgw_free). Blocks: call it on the io lane. Errors: VGW_ENOTFOUND, VGW_ELIMIT (larger than 64 MiB),
 * VGW_EINVALID, VGW_EUNSUPPORTED, with a sentence that names the file. */
int vgw_clip_load(const char *path, uint32_t rate_hz, int16_t **ret_pcm, size_t *ret_samples, struct vgw_error *err);
#endif
