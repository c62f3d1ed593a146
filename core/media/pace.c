#include "media/playout.h"

void vgw_pace_init(struct vgw_pace *pace, int64_t period_us, uint32_t burst)
{
    *pace = (struct vgw_pace){.period_us = period_us > 0 ? period_us : 20000, .burst = burst ? burst : 1};
}

uint32_t vgw_pace_due(struct vgw_pace *pace, int64_t now_us, uint32_t *ret_dropped)
{
    uint32_t lost = 0, frames = 0;
    if (pace->due_us == 0 || now_us < pace->due_us - pace->period_us) {
        pace->due_us = now_us + pace->period_us;
        frames = 1;
    } else if (now_us >= pace->due_us) {
        int64_t ticks = (now_us - pace->due_us) / pace->period_us + 1;
        frames = ticks < pace->burst ? (uint32_t)ticks : pace->burst;
        ticks = ticks > UINT32_MAX ? UINT32_MAX : ticks;
        lost = (uint32_t)ticks - frames;
        pace->due_us += ((now_us - pace->due_us) / pace->period_us + 1) * pace->period_us;
    }
    pace->dropped += lost;
    if (ret_dropped)
        *ret_dropped = lost;
    return frames;
}
