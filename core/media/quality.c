#include "media/quality.h"
#include <math.h>
#include <string.h>

/* Room below the first number, for packets that were sent before it and come after. */
#define SEQ_BASE 0x10000u

void vgw_quality_init(struct vgw_quality *q, uint32_t rate_hz, bool seq_wraps)
{
    memset(q, 0, sizeof *q);
    q->rate_hz = rate_hz;
    q->seq_wraps = seq_wraps;
}

/* A 16-bit counter as one that never wraps: the value nearest to the highest so far. */
static uint64_t extended(const struct vgw_quality *q, uint64_t seq)
{
    if (!q->seq_wraps)
        return seq;
    int64_t step = (int16_t)(uint16_t)(seq - q->highest_seq);
    return q->highest_seq + (uint64_t)step;
}

void vgw_quality_packet(struct vgw_quality *q, uint64_t seq, uint64_t timestamp, int64_t arrival_us)
{
    int64_t arrival = (int64_t)((double)arrival_us * q->rate_hz / 1e6);
    int64_t transit = (int64_t)((uint64_t)arrival - timestamp);
    if (!q->started) {
        q->started = true;
        q->first_seq = q->highest_seq = q->seq_wraps ? SEQ_BASE + (seq & UINT16_MAX) : seq;
        q->received = 1;
        q->last_transit = transit;
        return;
    }
    uint64_t full = extended(q, seq);
    if (full == q->highest_seq) {
        q->duplicates++;
        return;
    }
    q->received++;
    if (full < q->highest_seq)
        q->late++;
    else
        q->highest_seq = full;
    double apart = fabs((double)transit - (double)q->last_transit);
    q->last_transit = transit;
    q->jitter += (apart - q->jitter) / 16.0;
    q->max_jitter = fmax(q->max_jitter, q->jitter);
}

struct vgw_quality_report vgw_quality_report(const struct vgw_quality *q, double one_way_delay_ms)
{
    struct vgw_quality_report r = {0};
    if (!q->started || q->rate_hz == 0) {
        r.mos = vgw_quality_mos(vgw_quality_r_factor(one_way_delay_ms, 0, true));
        return r;
    }
    r.expected = q->highest_seq - q->first_seq + 1;
    r.received = q->received;
    r.lost = r.expected > r.received ? r.expected - r.received : 0;
    r.late = q->late;
    r.loss_percent = 100.0 * (double)r.lost / (double)r.expected;
    r.jitter_ms = q->jitter * 1000.0 / q->rate_hz;
    r.max_jitter_ms = q->max_jitter * 1000.0 / q->rate_hz;
    /* A buffer that absorbs the jitter holds about twice its mean. */
    r.mos = vgw_quality_mos(vgw_quality_r_factor(one_way_delay_ms + 2.0 * r.jitter_ms, r.loss_percent, true));
    return r;
}

double vgw_quality_r_factor(double one_way_delay_ms, double loss_percent, bool concealment)
{
    double delay = fmax(one_way_delay_ms, 0), loss = fmin(fmax(loss_percent, 0), 100);
    double delay_impairment = 0.024 * delay + (delay > 177.3 ? 0.11 * (delay - 177.3) : 0);
    double robustness = concealment ? 25.1 : 4.3;
    double r = 93.2 - delay_impairment - 95.0 * loss / (loss + robustness);
    return fmin(fmax(r, 0), 93.2);
}

double vgw_quality_mos(double r_factor)
{
    if (!(r_factor > 0))
        return 1.0;
    if (r_factor >= 100)
        return 4.5;
    double mos = 1 + 0.035 * r_factor + r_factor * (r_factor - 60) * (100 - r_factor) * 7e-6;
    return fmin(fmax(mos, 1.0), 4.5);
}
