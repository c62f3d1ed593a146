/* breaker.c - closed, open, half open. */
#include "base/breaker.h"

void vgw_breaker_init(struct vgw_breaker *b, uint32_t threshold, int64_t open_us, int64_t max_open_us)
{
    *b = (struct vgw_breaker){.threshold = threshold, .open_us = open_us, .max_open_us = max_open_us};
}

enum vgw_breaker_state vgw_breaker_state(const struct vgw_breaker *b, int64_t now_us)
{
    if (!b->threshold || b->failures < b->threshold)
        return VGW_BREAKER_CLOSED;
    return now_us < b->until_us ? VGW_BREAKER_OPEN : VGW_BREAKER_HALF_OPEN;
}

const char *vgw_breaker_state_name(enum vgw_breaker_state state)
{
    return state == VGW_BREAKER_CLOSED ? "closed" : state == VGW_BREAKER_OPEN ? "open" : "half_open";
}

static bool refuse(int64_t wait_us, int64_t *ret_wait_us)
{
    if (ret_wait_us)
        *ret_wait_us = wait_us;
    return false;
}

bool vgw_breaker_take(struct vgw_breaker *b, int64_t now_us, int64_t probe_us, int64_t *ret_wait_us)
{
    switch (vgw_breaker_state(b, now_us)) {
    case VGW_BREAKER_CLOSED:
        return true;
    case VGW_BREAKER_OPEN:
        return refuse(b->until_us - now_us, ret_wait_us);
    case VGW_BREAKER_HALF_OPEN:
        break;
    }
    if (b->probing && now_us < b->probe_end_us)
        return refuse(b->probe_end_us - now_us, ret_wait_us);
    b->probing = true;
    b->probe_end_us = now_us + probe_us;
    return true;
}

static void open_it(struct vgw_breaker *b, int64_t now_us)
{
    int64_t open_us = b->open_us;
    for (uint32_t i = 0; i < b->opened && open_us < b->max_open_us; i++)
        open_us *= 2;
    b->until_us = now_us + (open_us < b->max_open_us ? open_us : b->max_open_us);
    b->opened++;
}

void vgw_breaker_report(struct vgw_breaker *b, bool failed, int64_t now_us)
{
    enum vgw_breaker_state before = vgw_breaker_state(b, now_us);
    if (!failed) {
        b->failures = b->opened = 0;
        b->probing = false;
        return;
    }
    if (b->failures < UINT32_MAX)
        b->failures++;
    if (!b->threshold || b->failures < b->threshold || before == VGW_BREAKER_OPEN)
        return; /* calls that were under way when it opened say nothing new */
    b->probing = false;
    open_it(b, now_us);
}
