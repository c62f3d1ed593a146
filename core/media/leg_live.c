/* leg_live.c - a live voice in a leg's queue: what late ticks left standing is left out again. */
#include "base/alloc.h"
#include "base/metric.h"
#include "media/leg_private.h"

#define LOST_TICKS_MAX 3000 /* a minute */
#define LATE_US 5000        /* a tick so late may have run before what came meanwhile was seen */

void vgw_leg_live_end(struct vgw_leg *leg)
{
    vgw_free(leg->live);
    leg->live = NULL;
}

int vgw_leg_live(struct vgw_leg *leg, uint64_t utterance)
{
    if (!utterance || utterance != leg->open_utterance)
        return VGW_ENOTFOUND;
    if (!leg->live && !VGW_NEW(leg->live))
        return VGW_ELIMIT;
    vgw_catchup_init(leg->live, leg->rate_hz);
    return 0;
}

struct vgw_leg_live_mark vgw_leg_live_mark(const struct vgw_leg *leg, int64_t now_us)
{
    struct vgw_leg_live_mark m = {.late = leg->pace.due_us && now_us - leg->pace.due_us >= LATE_US};
    if (leg->live)
        m.played = vgw_playout_stats(leg->playout).played_samples;
    return m;
}

void vgw_leg_live_tick(struct vgw_leg *leg, const struct vgw_leg_live_mark *before, uint32_t ticks)
{
    if (!leg->live)
        return;
    uint32_t frame = (uint32_t)VGW_SAMPLES(leg->rate_hz, VGW_FRAME_MS);
    uint32_t level = (uint32_t)VGW_SAMPLES(leg->rate_hz, vgw_playout_queued_ms(leg->playout));
    uint32_t want = (ticks < LOST_TICKS_MAX ? ticks : LOST_TICKS_MAX) * frame;
    uint32_t played = (uint32_t)(vgw_playout_stats(leg->playout).played_samples - before->played);
    /* Nothing there to play in time is the voice's own matter, unless it came while we stood still. */
    uint32_t missed = played < want && (before->late || level) ? want - played : 0;
    size_t skipped = vgw_playout_skip(leg->playout, vgw_catchup_tick(leg->live, level, played, missed));
    size_t frames = (skipped + frame - 1) / frame;
    if (frames)
        vgw_metric_add(vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_dropped_total", "What was dropped", "what"),
                       (double)frames, "late_audio", NULL, NULL);
}
