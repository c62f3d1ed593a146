/* preroll.h - the last few hundred milliseconds of what the caller said, kept in the wire's encoding, so that the first
 * sound is not lost when the VAD opens. Not thread safe; one owner. */
#ifndef VGW_MEDIA_PREROLL_H
#define VGW_MEDIA_PREROLL_H
#include "base/error.h"
#include "media/frame.h"

struct vgw_preroll;

/** `ms` 20 to 5000 (500 is a good value: 4 KB of G.711). Errors: VGW_EINVALID out of bounds, VGW_ELIMIT no memory.
 *  The caller owns it: vgw_preroll_free(). */
int vgw_preroll_new(enum vgw_encoding encoding, uint32_t rate_hz, uint32_t ms, struct vgw_preroll **ret,
                    struct vgw_error *err);
/** Takes NULL. */
void vgw_preroll_free(struct vgw_preroll *p);
/** Adds a payload (copied); the oldest gives way. `timestamp`: of its first sample; a jump, forward or back, forgets
 * what was there, so that what is read is always one piece. No allocation. */
void vgw_preroll_push(struct vgw_preroll *p, const void *payload, size_t samples, uint64_t timestamp);
/** Samples that are there. */
size_t vgw_preroll_samples(const struct vgw_preroll *p);
/** Copies everything from sample `from` on (or from the oldest, if that is later), oldest first, into `out`, which
 * holds `cap` samples; when they do not fit, the newest. Returns how many; *ret_timestamp is the first one's. They
 * stay. */
size_t vgw_preroll_read(const struct vgw_preroll *p, uint64_t from, void *out, size_t cap, uint64_t *ret_timestamp);
/** Forgets everything. */
void vgw_preroll_reset(struct vgw_preroll *p);
#endif
