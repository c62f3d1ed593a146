/* resample.h - 8, 16, 24 and 48 kHz, any to any, mono. Polyphase FIR whose state carries over from frame to frame, so
 * that joins do not click. Built on speexdsp, which this header hides. */
#ifndef VGW_MEDIA_RESAMPLE_H
#define VGW_MEDIA_RESAMPLE_H
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

struct vgw_resampler;

/** A resampler for one stream in one direction. Equal rates are allowed and copy.
 *  Errors: VGW_EUNSUPPORTED for a rate that vgw_rate_supported() denies, VGW_ELIMIT when out of memory.
 *  Thread: any; the object belongs to one thread at a time. The caller owns it: vgw_resampler_free(). */
int vgw_resampler_new(uint32_t in_hz, uint32_t out_hz, struct vgw_resampler **ret, struct vgw_error *err);
/** Takes NULL. */
void vgw_resampler_free(struct vgw_resampler *r);

/** Room, in samples, that vgw_resampler_run() asks of `out` for `n` samples of input. */
size_t vgw_resampler_out_max(const struct vgw_resampler *r, size_t n);
/** Consumes all `n` samples and writes what comes out; `in` and `out` may not overlap. Over a stream the output is
 *  exactly n * out_hz / in_hz; a 20 ms frame gives a 20 ms frame. No allocation.
 *  Errors: VGW_ELIMIT when cap < vgw_resampler_out_max(r, n), with nothing consumed. */
int vgw_resampler_run(struct vgw_resampler *r, const int16_t *in, size_t n, int16_t *out, size_t cap, size_t *ret_n);
/** Forgets the past: for a new stream, or after a gap. */
void vgw_resampler_reset(struct vgw_resampler *r);
/** Delay of the filter, in samples at the output rate. */
size_t vgw_resampler_delay(const struct vgw_resampler *r);
#endif
