/* snapshot.c - counted arrays of parts. */
#include "config/snapshot.h"

#include <stdatomic.h>

#include "base/alloc.h"

struct part {
    void *data;
    void (*free_part)(void *part);
};

struct vgw_snapshot {
    atomic_uint refs;
    uint64_t generation;
    size_t count;
    struct part parts[];
};

struct vgw_snapshot *vgw_snapshot_new(size_t n_parts, uint64_t generation)
{
    if (n_parts > SIZE_MAX / sizeof(struct part) - 16)
        return NULL;
    struct vgw_snapshot *s = vgw_calloc(1, sizeof *s + n_parts * sizeof s->parts[0]);
    if (!s)
        return NULL;
    atomic_init(&s->refs, 1);
    s->generation = generation;
    s->count = n_parts;
    return s;
}

static void part_free(struct part *p)
{
    if (p->data && p->free_part)
        p->free_part(p->data);
    *p = (struct part){0};
}

void vgw_snapshot_set(struct vgw_snapshot *snapshot, size_t i, void *part, void (*free_part)(void *part))
{
    struct part p = {.data = part, .free_part = free_part};
    if (i >= snapshot->count) {
        part_free(&p);
        return;
    }
    part_free(&snapshot->parts[i]);
    snapshot->parts[i] = p;
}

void *vgw_snapshot_get(const struct vgw_snapshot *snapshot, size_t i)
{
    return snapshot && i < snapshot->count ? snapshot->parts[i].data : NULL;
}

uint64_t vgw_snapshot_generation(const struct vgw_snapshot *snapshot)
{
    return snapshot ? snapshot->generation : 0;
}

struct vgw_snapshot *vgw_snapshot_ref(struct vgw_snapshot *snapshot)
{
    if (snapshot)
        atomic_fetch_add_explicit(&snapshot->refs, 1, memory_order_relaxed);
    return snapshot;
}

void vgw_snapshot_unref(struct vgw_snapshot *snapshot)
{
    if (!snapshot || atomic_fetch_sub_explicit(&snapshot->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = snapshot->count; i > 0; i--)
        part_free(&snapshot->parts[i - 1]);
    vgw_free(snapshot);
}
