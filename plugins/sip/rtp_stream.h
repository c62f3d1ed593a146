/* rtp_stream.h - one stream of G.711 over RTP (RFC 3550): packets in and out, put in order, at the pace of the host's
 * clock. Pure: bytes and numbers come in as arguments. Belongs to its leg's worker. */
#ifndef SIP_RTP_STREAM_H
#define SIP_RTP_STREAM_H
#include <stddef.h>
#include <stdint.h>

#define RTP_STREAM_HEADER 12u
#define RTP_STREAM_SLOTS 16u
#define RTP_STREAM_PAYLOAD 320u /* 40 ms of G.711 */
#define RTP_STREAM_PACKET 1500u

struct rtp_stream_slot {
    uint32_t bytes, used;
    uint16_t sequence;
    uint8_t payload[RTP_STREAM_PAYLOAD];
};

struct rtp_stream {
    uint8_t pt, dtmf_pt; /* 255: none */
    /* out */
    uint32_t ssrc, timestamp;
    uint16_t sequence;
    uint8_t talking; /* a packet went since the last pause */
    /* in */
    struct rtp_stream_slot slots[RTP_STREAM_SLOTS];
    uint32_t waiting, started, peer_ssrc, dtmf_timestamp, dtmf_seen;
    uint16_t next;
    uint8_t pending[RTP_STREAM_PAYLOAD]; /* what a packet longer than a frame leaves */
    uint32_t pending_bytes;
    uint64_t received, lost, refused, sent;
};

struct rtp_stream_digit {
    char digit; /* 0: none began */
};

/** All zero, then this. `random`: 12 octets for what must not be guessed. */
void rtp_stream_init(struct rtp_stream *s, uint8_t pt, uint8_t dtmf_pt, const uint8_t *random);
/** Another payload type; the peer's numbers begin anew. */
void rtp_stream_change(struct rtp_stream *s, uint8_t pt, uint8_t dtmf_pt);
/** A packet came. 0, or -1: it is none of this stream and changed nothing. */
int rtp_stream_take(struct rtp_stream *s, const void *data, size_t bytes, struct rtp_stream_digit *ret_digit);
/** One 20 ms frame (160 octets) into `out`: 1 audio, 0 nothing came yet, -1 one was lost (nothing is written). */
int rtp_stream_pull(struct rtp_stream *s, uint8_t *out);
/** A frame to send; the packet's length, or 0 when it does not fit. */
size_t rtp_stream_send(struct rtp_stream *s, const void *payload, size_t bytes, uint8_t *out, size_t cap);
/** Silence was kept for so many samples: timestamps go on, the next packet bears the marker. */
void rtp_stream_pause(struct rtp_stream *s, uint32_t samples);
#endif
