#include "loop/heap.h"
#include "base/alloc.h"

#define WAYS 4u
#define TIMERS_MAX (4u << 20)

static bool is_before(const struct vgw_timer *a, const struct vgw_timer *b)
{
    if (a->deadline_us != b->deadline_us)
        return a->deadline_us < b->deadline_us;
    return a->order < b->order;
}

static void place(struct vgw_heap *h, size_t at, struct vgw_timer *t)
{
    h->items[at] = t;
    t->heap_index = at + 1;
}

static size_t sift_up(struct vgw_heap *h, size_t at, struct vgw_timer *t)
{
    while (at > 0) {
        size_t parent = (at - 1) / WAYS;
        if (!is_before(t, h->items[parent]))
            break;
        place(h, at, h->items[parent]);
        at = parent;
    }
    place(h, at, t);
    return at;
}

static void sift_down(struct vgw_heap *h, size_t at, struct vgw_timer *t)
{
    for (;;) {
        size_t first = at * WAYS + 1;
        if (first >= h->count)
            break;
        size_t end = first + WAYS < h->count ? first + WAYS : h->count;
        size_t best = first;
        for (size_t i = first + 1; i < end; i++) {
            if (is_before(h->items[i], h->items[best]))
                best = i;
        }
        if (!is_before(h->items[best], t))
            break;
        place(h, at, h->items[best]);
        at = best;
    }
    place(h, at, t);
}

static void settle(struct vgw_heap *h, size_t at, struct vgw_timer *t)
{
    if (sift_up(h, at, t) == at)
        sift_down(h, at, t);
}

int vgw_heap_put(struct vgw_heap *h, struct vgw_timer *t)
{
    if (t->heap_index) {
        settle(h, t->heap_index - 1, t);
        return VGW_OK;
    }
    if (h->count == h->cap) {
        size_t cap = h->cap ? h->cap * 2 : 64;
        if (cap > TIMERS_MAX)
            return VGW_ELIMIT;
        struct vgw_timer **items = vgw_realloc(h->items, cap * sizeof *items);
        if (!items)
            return VGW_ELIMIT;
        h->items = items;
        h->cap = cap;
    }
    h->count++;
    sift_up(h, h->count - 1, t);
    return VGW_OK;
}

void vgw_heap_remove(struct vgw_heap *h, struct vgw_timer *t)
{
    if (!t->heap_index)
        return;
    size_t at = t->heap_index - 1;
    struct vgw_timer *last = h->items[--h->count];
    t->heap_index = 0;
    if (last != t)
        settle(h, at, last);
}

struct vgw_timer *vgw_heap_head(const struct vgw_heap *h)
{
    return h->count ? h->items[0] : NULL;
}

void vgw_heap_done(struct vgw_heap *h)
{
    for (size_t i = 0; i < h->count; i++)
        h->items[i]->heap_index = 0;
    vgw_free(h->items);
    h->items = NULL;
    h->count = h->cap = 0;
}
