#include "media/preroll.h"
#include <string.h>
#include "base/alloc.h"

struct vgw_preroll {
    size_t width; /* octets a sample */
    size_t cap;   /* samples */
    size_t have;
    uint64_t end; /* timestamp after the newest; sample t lies at t % cap */
    uint8_t data[];
};

int vgw_preroll_new(enum vgw_encoding encoding, uint32_t rate_hz, uint32_t ms, struct vgw_preroll **ret,
                    struct vgw_error *err)
{
    if (ms < 20 || ms > 5000 || !vgw_rate_supported(rate_hz))
        return vgw_error_set(err, VGW_EINVALID, "a pre-roll of %u ms at %u Hz: 20 to 5000 ms at a supported rate", ms,
                             rate_hz);
    size_t width = vgw_encoding_bytes(encoding), cap = VGW_SAMPLES(rate_hz, ms);
    struct vgw_preroll *p = vgw_calloc(1, sizeof *p + cap * width);
    if (!p)
        return vgw_error_nomem(err);
    p->width = width;
    p->cap = cap;
    *ret = p;
    return 0;
}

void vgw_preroll_free(struct vgw_preroll *p)
{
    vgw_free(p);
}

void vgw_preroll_push(struct vgw_preroll *p, const void *payload, size_t samples, uint64_t timestamp)
{
    const uint8_t *from = payload;
    if (timestamp != p->end)
        p->have = 0;
    p->end = timestamp + samples;
    size_t keep = samples > p->cap ? p->cap : samples;
    from += (samples - keep) * p->width;
    size_t at = (size_t)((p->end - keep) % p->cap);
    size_t first = keep < p->cap - at ? keep : p->cap - at;
    memcpy(p->data + at * p->width, from, first * p->width);
    memcpy(p->data, from + first * p->width, (keep - first) * p->width);
    p->have = p->have + keep > p->cap ? p->cap : p->have + keep;
}

size_t vgw_preroll_samples(const struct vgw_preroll *p)
{
    return p->have;
}

size_t vgw_preroll_read(const struct vgw_preroll *p, uint64_t from, void *out, size_t cap, uint64_t *ret_timestamp)
{
    uint64_t oldest = p->end - p->have;
    if (from < oldest)
        from = oldest;
    size_t n = from < p->end ? (size_t)(p->end - from) : 0;
    n = n > cap ? cap : n;
    from = p->end - n;
    size_t at = (size_t)(from % p->cap), first = n < p->cap - at ? n : p->cap - at;
    uint8_t *to = out;
    memcpy(to, p->data + at * p->width, first * p->width);
    memcpy(to + first * p->width, p->data, (n - first) * p->width);
    if (ret_timestamp)
        *ret_timestamp = from;
    return n;
}

void vgw_preroll_reset(struct vgw_preroll *p)
{
    p->have = 0;
}
