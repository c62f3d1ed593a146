/* id.c - ULIDs, the kernel's randomness, and a generator that can be seeded. */
#include "base/id.h"
#include "base/str.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void vgw_random_bytes(void *out, size_t len)
{
    unsigned char *p = out;
    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            abort();
        p += n;
        len -= (size_t)n;
    }
}

#define ULID_CHARS 26

void vgw_id_make(const char *prefix, int64_t wall_us, struct vgw_rng *rng, char *out)
{
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    uint64_t random[2];
    if (rng) {
        random[0] = vgw_rng_next(rng);
        random[1] = vgw_rng_next(rng);
    } else {
        vgw_random_bytes(random, sizeof random);
    }
    size_t n = 0;
    if (prefix && *prefix) {
        vgw_strcopy(out, VGW_ID_MAX - 1 - ULID_CHARS, prefix);
        n = strlen(out);
        out[n++] = '-';
    }
    uint64_t ms = wall_us > 0 ? (uint64_t)wall_us / 1000 : 0;
    for (int i = 9; i >= 0; i--, ms >>= 5)
        out[n + (size_t)i] = digits[ms & 31];
    for (int i = 0; i < 16; i++)
        out[n + 10 + (size_t)i] = digits[random[i / 8] >> (i % 8 * 5) & 31];
    out[n + ULID_CHARS] = '\0';
}

/* splitmix64 fills the state, as the authors of xoshiro advise (prng.di.unimi.it). */
void vgw_rng_seed(struct vgw_rng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        r->s[i] = z ^ (z >> 31);
    }
}

static uint64_t rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

uint64_t vgw_rng_next(struct vgw_rng *r)
{
    uint64_t result = rotl(r->s[1] * 5, 7) * 9;
    uint64_t t = r->s[1] << 17;
    r->s[2] ^= r->s[0];
    r->s[3] ^= r->s[1];
    r->s[1] ^= r->s[2];
    r->s[0] ^= r->s[3];
    r->s[2] ^= t;
    r->s[3] = rotl(r->s[3], 45);
    return result;
}

uint64_t vgw_rng_below(struct vgw_rng *r, uint64_t bound)
{
    if (bound == 0)
        return 0;
    /* Draws below 2^64 mod bound would favour the small results. */
    uint64_t floor = (0 - bound) % bound;
    uint64_t x;
    do {
        x = vgw_rng_next(r);
    } while (x < floor);
    return x % bound;
}

double vgw_rng_unit(struct vgw_rng *r)
{
    return (double)(vgw_rng_next(r) >> 11) * 0x1p-53;
}
