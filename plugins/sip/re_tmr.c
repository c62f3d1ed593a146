/* re_tmr.c - libre's timers, in its own names: they take the place of the archive's tmr.o. Its list costs a walk over
 * all timers for each start, and it reads the wall clock; these are a heap for each thread, on a clock that the loop
 * names. */
#include <stdio.h>
#include <string.h>
#include <re.h>
#include "heap.h"
#include "re_layer.h"

int tmr_status(struct re_printf *pf, void *unused);

/* A timer's place in the heap is kept in its list element, which nothing else uses. */
static void on_moved(void *item, size_t place)
{
    struct tmr *tmr = item;
    tmr->le.data = (void *)(place == SIP_HEAP_NOWHERE ? 0 : place + 1);
}

static _Thread_local struct sip_heap heap = {.moved = on_moved};
static _Thread_local int64_t (*clock_us)(void *arg);
static _Thread_local void *clock_arg;

void re_tmr_clock(int64_t (*now_us)(void *arg), void *arg)
{
    clock_us = now_us;
    clock_arg = arg;
}

void re_tmr_clear(void)
{
    sip_heap_clear(&heap);
}

size_t re_tmr_count(void)
{
    return heap.count;
}

uint64_t tmr_jiffies(void)
{
    return clock_us ? (uint64_t)(clock_us(clock_arg) / 1000) : 0;
}

void tmr_poll(struct list *list)
{
    const uint64_t now = tmr_jiffies();
    (void)list;
    for (;;) {
        const struct sip_heap_entry *first = sip_heap_first(&heap);
        if (!first || first->at > now)
            return;
        struct tmr *tmr = first->item;
        tmr_h *handler = tmr->th;
        void *arg = tmr->arg;
        sip_heap_remove(&heap, 0);
        tmr->th = NULL;
        if (handler)
            handler(arg);
    }
}

uint64_t tmr_next_timeout(struct list *list)
{
    const struct sip_heap_entry *first = sip_heap_first(&heap);
    uint64_t now = tmr_jiffies();
    (void)list;
    if (!first)
        return 0;
    return first->at <= now ? 1 : first->at - now;
}

int tmr_status(struct re_printf *pf, void *unused)
{
    (void)unused;
    return re_hprintf(pf, "Timers (%u)\n", (unsigned)heap.count);
}

void tmr_debug(void) {}

void tmr_init(struct tmr *tmr)
{
    if (tmr)
        memset(tmr, 0, sizeof *tmr);
}

void tmr_start(struct tmr *tmr, uint64_t delay, tmr_h *th, void *arg)
{
    if (!tmr)
        return;
    if (tmr->le.data)
        sip_heap_remove(&heap, (size_t)tmr->le.data - 1);
    tmr->th = th;
    tmr->arg = arg;
    if (!th)
        return;
    tmr->jfs = tmr_jiffies() + delay;
    if (sip_heap_add(&heap, tmr->jfs, tmr) < 0)
        tmr->th = NULL;
}

void tmr_cancel(struct tmr *tmr)
{
    tmr_start(tmr, 0, NULL, NULL);
}

uint64_t tmr_get_expire(const struct tmr *tmr)
{
    uint64_t now = tmr && tmr->th ? tmr_jiffies() : 0;
    return tmr && tmr->th && tmr->jfs > now ? tmr->jfs - now : 0;
}
