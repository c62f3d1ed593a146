/* rtcp.h - sender and receiver reports (RFC 3550 6.4), and what they tell of the line. Pure. */
#ifndef SIP_MEDIA_RTCP_H
#define SIP_MEDIA_RTCP_H
#include <stddef.h>
#include <stdint.h>
#include "rtp.h"

#define MEDIA_RTCP_MAX 256u
#define MEDIA_CNAME_MAX 64u

/** What we send: filled by the stream as it sends. */
struct media_sender {
    uint32_t ssrc, timestamp; /* of the packet sent last */
    uint32_t packets, octets;
    int64_t sent_us; /* when that packet went */
};
/** What the far side told last. */
struct media_remote {
    uint64_t sr_ntp;        /* of its sender report, 0: none yet */
    int64_t sr_us;          /* when that came */
    double loss;            /* 0..1: of what we send, as it hears it; negative: not told */
    double jitter_ms;       /* the same */
    double round_trip_ms;   /* negative: unknown */
    uint32_t reports, byes; /* counted */
};
void media_remote_init(struct media_remote *r);
/** A compound packet: a report about `source` (NULL: nothing was received), SDES CNAME, and BYE when `bye`. Returns its
 * length, at most MEDIA_RTCP_MAX. `wall_us`: for the NTP time. `clock_hz` of both directions. */
size_t media_rtcp_write(uint8_t *out, const struct media_sender *sender, struct media_source *source,
                        const struct media_remote *remote, const char *cname, int64_t now_us, int64_t wall_us,
                        uint32_t clock_hz, int bye);
/** Takes a compound packet in. 0, or VOICEGW_EINVALID: nothing was changed. `our_ssrc`: whose report blocks count. */
int32_t media_rtcp_read(struct media_remote *remote, const uint8_t *data, size_t bytes, uint32_t our_ssrc,
                        int64_t now_us, int64_t wall_us, uint32_t clock_hz);
/** Microseconds since 1970 as NTP's 64 bits (RFC 5905 6). */
uint64_t media_ntp(int64_t wall_us);
/** When the next report goes: 5 s, spread over half to one and a half of it (RFC 3550 6.3.1). `random`: any 32 bits. */
int64_t media_rtcp_interval_us(uint32_t random);
#endif
