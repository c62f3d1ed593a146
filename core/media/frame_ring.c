#include "media/frame_ring.h"

#include <string.h>

#include "media/frame.h"

bool vgw_frame_ring_put(struct vgw_frame_ring *r, uint32_t rate_hz, const int16_t *pcm)
{
    uint32_t written = atomic_load_explicit(&r->written, memory_order_relaxed);
    if (written - atomic_load_explicit(&r->read, memory_order_acquire) >= VGW_FRAME_RING_SLOTS)
        return false;
    struct vgw_frame_slot *slot = &r->slots[written % VGW_FRAME_RING_SLOTS];
    slot->rate_hz = rate_hz;
    memcpy(slot->pcm, pcm, VGW_SAMPLES(rate_hz, VGW_FRAME_MS) * sizeof *pcm);
    atomic_store_explicit(&r->written, written + 1, memory_order_release);
    return true;
}

uint32_t vgw_frame_ring_level(const struct vgw_frame_ring *r)
{
    uint32_t read = atomic_load_explicit(&r->read, memory_order_acquire);
    return atomic_load_explicit(&r->written, memory_order_acquire) - read;
}

uint32_t vgw_frame_ring_skip(struct vgw_frame_ring *r, uint32_t n)
{
    uint32_t level = vgw_frame_ring_level(r);
    n = n < level ? n : level;
    if (n)
        atomic_store_explicit(&r->read, atomic_load_explicit(&r->read, memory_order_relaxed) + n, memory_order_release);
    return n;
}

/* A source whose frames come unevenly leaves none behind at times: what is left behind at every take is delay. */
static uint32_t too_late(struct vgw_frame_ring *r, uint32_t left)
{
    r->low = r->takes && r->low < left ? r->low : left;
    if (++r->takes < VGW_FRAME_RING_WINDOW)
        return 0;
    r->takes = 0;
    return r->low;
}

uint32_t vgw_frame_ring_take(struct vgw_frame_ring *r, int16_t *pcm, uint32_t *ret_late)
{
    uint32_t level = vgw_frame_ring_level(r), read = atomic_load_explicit(&r->read, memory_order_relaxed);
    *ret_late = 0;
    if (!level) {
        r->takes = 0;
        return 0;
    }
    const struct vgw_frame_slot *slot = &r->slots[read % VGW_FRAME_RING_SLOTS];
    uint32_t rate_hz = slot->rate_hz;
    memcpy(pcm, slot->pcm, VGW_SAMPLES(rate_hz, VGW_FRAME_MS) * sizeof *pcm);
    *ret_late = too_late(r, level - 1);
    atomic_store_explicit(&r->read, read + 1 + *ret_late, memory_order_release);
    return rate_hz;
}
