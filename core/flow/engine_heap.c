/* engine_heap.c - runs by their timer, the earliest first. */
#include "base/alloc.h"
#include "flow/engine_internal.h"

bool vgw_engine_heap_reserve(struct vgw_flow_engine *e)
{
    if (e->counts.live < e->heap_cap)
        return true;
    size_t cap = e->heap_cap ? e->heap_cap * 2 : 64;
    struct vgw_run **grown = vgw_realloc(e->heap, cap * sizeof(struct vgw_run *));
    if (!grown)
        return false;
    e->heap = grown;
    e->heap_cap = cap;
    return true;
}

static void put(struct vgw_flow_engine *e, size_t i, struct vgw_run *run)
{
    e->heap[i] = run;
    run->heap_index = i + 1;
}

static void sift(struct vgw_flow_engine *e, size_t i)
{
    struct vgw_run *run = e->heap[i];
    while (i > 0 && e->heap[(i - 1) / 2]->heap_at_us > run->heap_at_us) {
        put(e, i, e->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= e->heap_count)
            break;
        if (child + 1 < e->heap_count && e->heap[child + 1]->heap_at_us < e->heap[child]->heap_at_us)
            child++;
        if (e->heap[child]->heap_at_us >= run->heap_at_us)
            break;
        put(e, i, e->heap[child]);
        i = child;
    }
    put(e, i, run);
}

void vgw_engine_heap_remove(struct vgw_flow_engine *e, struct vgw_run *run)
{
    if (!run->heap_index)
        return;
    size_t i = run->heap_index - 1;
    run->heap_index = 0;
    struct vgw_run *last = e->heap[--e->heap_count];
    if (last == run)
        return;
    put(e, i, last);
    sift(e, i);
}

void vgw_engine_heap_set(struct vgw_flow_engine *e, struct vgw_run *run, int64_t at_us)
{
    if (at_us == INT64_MAX) {
        vgw_engine_heap_remove(e, run);
        return;
    }
    run->heap_at_us = at_us;
    if (!run->heap_index)
        put(e, e->heap_count++, run);
    sift(e, run->heap_index - 1);
}
