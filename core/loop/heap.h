/* heap.h - the timers of one loop in order of their deadline: a 4-ary heap over embedded nodes. Thread: the loop's own.
 */
#ifndef VGW_LOOP_HEAP_H
#define VGW_LOOP_HEAP_H
#include <stddef.h>
#include "loop/loop.h"

struct vgw_heap {
    struct vgw_timer **items; /* owned; the timers are not */
    size_t count, cap;
};
/** Puts a timer at its place by (deadline_us, order), or moves it there when it is in already. VGW_ELIMIT: out of
 * memory (or more than 4 million timers); then it is not in the heap. */
int vgw_heap_put(struct vgw_heap *h, struct vgw_timer *t);
/** Takes a timer out; bears one that is in no heap. */
void vgw_heap_remove(struct vgw_heap *h, struct vgw_timer *t);
/** The next to fire, or NULL. */
struct vgw_timer *vgw_heap_head(const struct vgw_heap *h);
/** Disarms all timers and frees the array. */
void vgw_heap_done(struct vgw_heap *h);
#endif
