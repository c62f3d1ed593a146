#include "media/catchup.h"

#define WINDOW_TICKS 16
#define OWED_MAX_S 60
#define SPREAD_MS 60 /* frames that come early or late, and the two clocks' places within a tick */

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static void window_clear(struct vgw_catchup *c)
{
    c->low[0] = UINT32_MAX;
    c->high[0] = c->ticks[0] = c->played[0] = 0;
}

void vgw_catchup_init(struct vgw_catchup *c, uint32_t rate_hz)
{
    *c = (struct vgw_catchup){.spread_max = rate_hz / 1000 * SPREAD_MS, .owed_max = rate_hz * OWED_MAX_S};
    window_clear(c);
}

/* True when the window is full and the next begins. */
static bool window_add(struct vgw_catchup *c, uint32_t level, bool played)
{
    c->low[0] = smaller(c->low[0], level);
    c->high[0] = larger(c->high[0], level);
    c->played[0] += played;
    if (++c->ticks[0] < WINDOW_TICKS)
        return false;
    c->low[1] = c->low[0];
    c->high[1] = c->high[0];
    c->ticks[1] = c->ticks[0];
    c->played[1] = c->played[0];
    window_clear(c);
    return true;
}

/* Did audio come as fast as it was played? What runs ahead grows, what was all given before shrinks, and both by more
 * than the spread within two windows. */
static bool at_pace(const struct vgw_catchup *c)
{
    return c->ticks[1] && c->played[1] * 2 > WINDOW_TICKS &&
           larger(c->high[0], c->high[1]) - smaller(c->low[0], c->low[1]) <= c->spread_max;
}

/* Ticks were late before the voice had shown its pace, as when a call begins on a busy machine: what never was below is
 * what they left. */
static uint32_t settle_early(struct vgw_catchup *c)
{
    uint32_t over = smaller(c->low[1], c->owed);
    c->low[1] -= over;
    c->high[1] -= over;
    c->owed = 0;
    return over;
}

uint32_t vgw_catchup_tick(struct vgw_catchup *c, uint32_t level, uint32_t played, uint32_t missed)
{
    if (missed) {
        c->owed = smaller(c->owed + missed, c->owed_max);
        c->active = c->active || at_pace(c);
        c->since = 0;
        c->low_since = UINT32_MAX;
        if (!c->active) { /* what was before says nothing of what stands now, and this tick may not have seen it yet */
            window_clear(c);
            return 0;
        }
    }
    if (!c->active) {
        bool full = window_add(c, level, played > 0);
        return full && c->owed && at_pace(c) ? settle_early(c) : 0;
    }
    /* At once goes what is above all that was seen before; at the end also what never went below. */
    uint32_t high = larger(c->high[0], c->high[1]), low = smaller(c->low[0], c->low[1]);
    uint32_t over = level > high ? level - high : 0;
    c->low_since = smaller(c->low_since, level);
    bool settled = ++c->since >= VGW_CATCHUP_TICKS;
    if (settled && c->low_since > low)
        over = larger(over, c->low_since - low);
    over = smaller(smaller(over, c->owed), level);
    c->low_since = smaller(c->low_since, level - over);
    c->owed = settled ? 0 : c->owed - over;
    c->active = c->owed > 0;
    return over;
}
