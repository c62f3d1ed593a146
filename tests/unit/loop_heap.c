#include <criterion/criterion.h>
#include "base/alloc.h"
#include "base/id.h"
#include "loop/driver.h"
#include "loop/heap.h"

#define COUNT 3000

static int64_t last_us;
static uint64_t last_order;

static void take_head(struct vgw_heap *h)
{
    struct vgw_timer *t = vgw_heap_head(h);
    cr_assert(t->deadline_us > last_us || (t->deadline_us == last_us && t->order > last_order));
    last_us = t->deadline_us;
    last_order = t->order;
    vgw_heap_remove(h, t);
    cr_assert(!vgw_timer_armed(t));
}

Test(loop_heap, gives_timers_by_deadline_then_by_start)
{
    static struct vgw_timer timers[COUNT];
    struct vgw_heap h = {0};
    struct vgw_rng rng;
    vgw_rng_seed(&rng, 7);
    for (size_t i = 0; i < COUNT; i++) {
        timers[i].deadline_us = (int64_t)vgw_rng_below(&rng, 500);
        timers[i].order = i + 1;
        cr_assert_eq(vgw_heap_put(&h, &timers[i]), 0);
    }
    for (size_t i = 0; i < COUNT; i += 2) { /* moved while armed */
        timers[i].deadline_us = (int64_t)vgw_rng_below(&rng, 500);
        timers[i].order = COUNT + i + 1;
        cr_assert_eq(vgw_heap_put(&h, &timers[i]), 0);
    }
    for (size_t i = 0; i < COUNT; i += 3)
        vgw_heap_remove(&h, &timers[i]);
    last_us = -1;
    size_t left = h.count;
    cr_assert_eq(left, COUNT - (COUNT + 2) / 3);
    while (h.count)
        take_head(&h);
    vgw_heap_done(&h);
}

Test(loop_heap, refuses_when_it_cannot_grow_and_leaves_the_timer_unarmed)
{
    struct vgw_heap h = {0};
    struct vgw_timer t = {0};
    vgw_alloc_fail_at(1);
    cr_assert_eq(vgw_heap_put(&h, &t), VGW_ELIMIT);
    vgw_alloc_fail_at(0);
    cr_assert(!vgw_timer_armed(&t));
    vgw_heap_remove(&h, &t);
    cr_assert_null(vgw_heap_head(&h));
}
