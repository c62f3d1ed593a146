#include "event/ring.h"
#include "base/alloc.h"

/* Events as new as this keep their data tree, for those that look a moment later. */
#define FRESH 256u

struct vgw_ring {
    struct vgw_event **slots;
    size_t cap;  /* power of two */
    size_t keep; /* events at most */
    uint64_t bytes_max, bytes;
    uint64_t oldest, next; /* ids; slot = id & (cap - 1) */
    uint64_t settled;      /* ids below are text only */
};

struct vgw_ring *vgw_ring_new(uint64_t first_id, size_t keep, uint64_t bytes)
{
    struct vgw_ring *r;
    if (!VGW_NEW(r))
        return NULL;
    r->keep = keep ? keep : VGW_RING_KEEP;
    r->bytes_max = bytes ? bytes : VGW_RING_BYTES;
    r->oldest = r->next = r->settled = first_id ? first_id : 1;
    return r;
}

static void drop_oldest(struct vgw_ring *r)
{
    struct vgw_event **slot = &r->slots[r->oldest & (r->cap - 1)];
    r->bytes -= (*slot)->charged;
    vgw_event_unref(*slot);
    *slot = NULL;
    r->oldest++;
    if (r->settled < r->oldest)
        r->settled = r->oldest;
}

void vgw_ring_free(struct vgw_ring *r)
{
    if (!r)
        return;
    while (r->oldest < r->next)
        drop_oldest(r);
    vgw_free(r->slots);
    vgw_free(r);
}

static int grow(struct vgw_ring *r)
{
    size_t cap = r->cap ? r->cap * 2 : 64;
    struct vgw_event **slots = vgw_calloc(cap, sizeof *slots);
    if (!slots)
        return VGW_ELIMIT;
    for (uint64_t id = r->oldest; id < r->next; id++)
        slots[id & (cap - 1)] = r->slots[id & (r->cap - 1)];
    vgw_free(r->slots);
    r->slots = slots;
    r->cap = cap;
    return VGW_OK;
}

static void charge(struct vgw_ring *r, struct vgw_event *e)
{
    r->bytes -= e->charged;
    e->charged = vgw_event_size(e);
    r->bytes += e->charged;
}

/* The text is rendered once, here or by a reader before, and the sums follow what an event really holds. */
static void settle_old(struct vgw_ring *r)
{
    while (r->settled + FRESH < r->next) {
        struct vgw_event *e = r->slots[r->settled & (r->cap - 1)];
        vgw_event_settle(e);
        charge(r, e);
        r->settled++;
    }
}

int vgw_ring_append(struct vgw_ring *r, struct vgw_event *e)
{
    if (r->next - r->oldest >= r->keep)
        drop_oldest(r);
    if (r->next - r->oldest == r->cap && grow(r) != VGW_OK)
        return VGW_ELIMIT;
    e->id = r->next++;
    r->slots[e->id & (r->cap - 1)] = vgw_event_ref(e);
    charge(r, e);
    settle_old(r);
    while (r->bytes > r->bytes_max && r->oldest + 1 < r->next)
        drop_oldest(r);
    return VGW_OK;
}

struct vgw_event *vgw_ring_at(const struct vgw_ring *r, uint64_t id)
{
    return id >= r->oldest && id < r->next ? r->slots[id & (r->cap - 1)] : NULL;
}

uint64_t vgw_ring_oldest(const struct vgw_ring *r)
{
    return r->oldest;
}

uint64_t vgw_ring_next(const struct vgw_ring *r)
{
    return r->next;
}

int vgw_ring_resume(const struct vgw_ring *r, uint64_t last_id, uint64_t *ret_next_id)
{
    if (last_id != 0 && (last_id >= r->next || last_id + 1 < r->oldest))
        return VGW_ENOTFOUND;
    *ret_next_id = last_id ? last_id + 1 : r->oldest;
    return VGW_OK;
}

size_t vgw_ring_count(const struct vgw_ring *r)
{
    return (size_t)(r->next - r->oldest);
}

uint64_t vgw_ring_bytes(const struct vgw_ring *r)
{
    return r->bytes;
}

uint64_t vgw_ring_first_id(int64_t wall_us, uint64_t mark)
{
    uint64_t by_clock = wall_us > 0 ? (uint64_t)wall_us : 1;
    return by_clock > mark ? by_clock : mark;
}
