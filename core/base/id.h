/* id.h - identifiers and randomness. */
#ifndef VGW_BASE_ID_H
#define VGW_BASE_ID_H
#include <stddef.h>
#include <stdint.h>

#define VGW_ID_MAX 96 /* any id of ours fits, NUL included */
/** "<prefix>-" and 26 characters of Crockford base32: 48 bits of wall time, 80 random bits (a ULID, lower case), so ids
 *  sort by age. `rng` NULL: the kernel's randomness. `out` holds VGW_ID_MAX. Thread: any. */
struct vgw_rng;
void vgw_id_make(const char *prefix, int64_t wall_us, struct vgw_rng *rng, char *out);
/** Kernel randomness; never fails (aborts if the kernel refuses). Thread: any. */
void vgw_random_bytes(void *out, size_t len);

/* A seeded generator (xoshiro256**) for tests, jitter and the virtual driver. Not for secrets. Not thread safe. */
struct vgw_rng {
    uint64_t s[4];
};
void vgw_rng_seed(struct vgw_rng *r, uint64_t seed);
uint64_t vgw_rng_next(struct vgw_rng *r);
uint64_t vgw_rng_below(struct vgw_rng *r, uint64_t bound); /* 0 .. bound-1; bound 0 gives 0 */
double vgw_rng_unit(struct vgw_rng *r);                    /* [0,1) */
#endif
