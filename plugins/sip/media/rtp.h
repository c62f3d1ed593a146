/* rtp.h - RTP packets (RFC 3550) and who may send them. Pure: bytes and time come in as arguments. One stream's state
 * belongs to its leg's worker. Names begin with media_ because libre has the others. */
#ifndef SIP_MEDIA_RTP_H
#define SIP_MEDIA_RTP_H
#include <stddef.h>
#include <stdint.h>

#define MEDIA_RTP_HEADER 12u
#define MEDIA_PACKET_MAX 1500u

struct media_packet {
    uint32_t ssrc, timestamp;
    uint16_t sequence;
    uint8_t payload_type, marker;
    const uint8_t *payload; /* borrowed */
    uint32_t bytes;
};
/** RFC 3550 5.1: version 2, contributing sources, header extension and padding stepped over. 0, or VOICEGW_EINVALID for
 * what is no RTP (RTCP among it: payload types 72 to 76 with the marker, RFC 5761 4). */
int32_t media_rtp_parse(const uint8_t *data, size_t bytes, struct media_packet *ret);
/** 1 when a packet on a shared port is RTCP: second octet 192 to 223 (RFC 5761 4). */
int media_is_rtcp(const uint8_t *data, size_t bytes);
/** Writes the header; returns MEDIA_RTP_HEADER. `out` holds that many octets. */
size_t media_rtp_header(uint8_t *out, const struct media_packet *p);

/* ---- the sender of a stream: sequence, loss and jitter as RFC 3550 A.1, A.3, A.8 ---- */
struct media_source {
    uint32_t ssrc;
    uint32_t cycles;       /* sequence numbers that went round, shifted by 16 */
    uint32_t base_ext;     /* extended sequence number of the first packet */
    uint16_t max_sequence; /* highest seen */
    uint16_t bad_sequence; /* the last that jumped; one that follows it is a restart of the sender */
    uint32_t received, duplicates, reordered;
    uint32_t expected_prior, received_prior;
    double jitter; /* in timestamp units */
    int64_t transit;
    uint32_t started, has_transit, has_bad;
};
enum media_verdict { MEDIA_TAKEN, MEDIA_DUPLICATE, MEDIA_JUMPED /* dropped: far from what was */, MEDIA_RESTARTED };
/** A packet came at `now_us`; `clock_hz`: units of its timestamp a second. The extended sequence number goes to
 * *ret_ext for what was taken. */
enum media_verdict media_source_packet(struct media_source *s, const struct media_packet *p, int64_t now_us,
                                       uint32_t clock_hz, uint32_t *ret_ext);
/** Packets lost since the beginning, never below 0. */
uint32_t media_source_lost(const struct media_source *s);
/** The part lost since the last call, in 256ths (for a receiver report). */
uint8_t media_source_fraction(struct media_source *s);
uint32_t media_source_highest(const struct media_source *s);

/* ---- symmetric RTP: whose packets count ---- */

/** The far side's address: the signalled one at first; after `LATCH_PACKETS` in a row from one other address it is
 * that, once, and then no other until a re-INVITE. A stranger cannot take a stream over. */
struct media_latch {
    char signalled[64], current[64], candidate[64];
    uint32_t candidate_ssrc, in_a_row;
    uint32_t locked;    /* current has sent enough to be believed */
    uint32_t confirmed; /* packets taken from current */
    uint32_t strangers; /* packets dropped */
};
#define MEDIA_LATCH_PACKETS 3u /* in a row, with one ssrc, to be followed */
#define MEDIA_LATCH_LOCKED 5u  /* from the current address: no other is followed any more */
/** A new negotiation: `remote` "IP:PORT" from the SDP. The lock falls if it names another address. */
void media_latch_signal(struct media_latch *l, const char *remote);
/** 1: the packet counts (and packets go to l->current from now on); 0: a stranger's. `authentic`: SRTP vouches for it,
 * one is enough and the lock does not hold it back. */
int media_latch_packet(struct media_latch *l, const char *remote, uint32_t ssrc, int authentic);
#endif
