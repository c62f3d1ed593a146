/* quality.h - how good a received stream is: jitter and loss (RFC 3550), and a MOS estimate by the E-model (ITU-T
 * G.107, simplified: delay, codec and loss). Pure: arrival times are arguments. Any thread, one at a time for a struct.
 */
#ifndef VGW_MEDIA_QUALITY_H
#define VGW_MEDIA_QUALITY_H
#include <stdbool.h>
#include <stdint.h>

struct vgw_quality {
    uint32_t rate_hz;
    bool seq_wraps, started;
    uint64_t first_seq, highest_seq;     /* extended by wraps */
    uint64_t received, duplicates, late; /* late: came after a later one */
    double jitter;                       /* in timestamp units */
    double max_jitter;
    int64_t last_transit;
};
struct vgw_quality_report {
    uint64_t expected, received, lost, late;
    double loss_percent, jitter_ms, max_jitter_ms, mos;
};

/** `seq_wraps`: sequence numbers have 16 bits (RTP); otherwise they count on for ever. */
void vgw_quality_init(struct vgw_quality *q, uint32_t rate_hz, bool seq_wraps);
/** One frame that came. `timestamp` in samples at rate_hz, `arrival_us` on any steady clock. RFC 3550 A.1 and A.8. */
void vgw_quality_packet(struct vgw_quality *q, uint64_t seq, uint64_t timestamp, int64_t arrival_us);
/** The figures so far; `one_way_delay_ms` of network and buffers as far as known, for the MOS. */
struct vgw_quality_report vgw_quality_report(const struct vgw_quality *q, double one_way_delay_ms);
/** R factor: 93.2 - Id(delay) - Ie_eff(loss), for G.711 with packet loss concealment (Ie 0, Bpl 25.1) or without (4.3);
 *  0 to 93.2. G.107 7.4, G.113 appendix I. */
double vgw_quality_r_factor(double one_way_delay_ms, double loss_percent, bool concealment);
/** MOS of an R factor, 1 to 4.5. G.107 annex B. */
double vgw_quality_mos(double r_factor);
#endif
