/* rtp_stream.c - one stream of G.711 over RTP. */
#include "rtp_stream.h"
#include <string.h>

#define FRAME 160u
#define DEPTH 2u       /* packets that wait before the first is played */
#define FAR_AWAY 3000u /* sequence numbers: the sender began anew */

struct packet {
    uint8_t pt, marker;
    uint16_t sequence;
    uint32_t timestamp, ssrc;
    const uint8_t *payload;
    size_t bytes;
};

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* CSRCs, an extension and padding are stepped over; RTCP on the same port (RFC 5761) is none. */
static int decode(const uint8_t *p, size_t bytes, struct packet *r)
{
    if (bytes < RTP_STREAM_HEADER || p[0] >> 6 != 2 || (p[1] >= 192 && p[1] <= 223))
        return -1;
    size_t at = RTP_STREAM_HEADER + 4u * (p[0] & 15u), end = bytes;
    if (p[0] & 0x10) {
        if (at + 4 > bytes)
            return -1;
        at += 4 + 4u * (size_t)(p[at + 2] << 8 | p[at + 3]);
    }
    if (p[0] & 0x20)
        end = p[bytes - 1] && bytes >= p[bytes - 1] ? bytes - p[bytes - 1] : 0;
    if (at > end)
        return -1;
    *r = (struct packet){.marker = p[1] >> 7, .pt = p[1] & 127, .sequence = (uint16_t)(p[2] << 8 | p[3])};
    r->timestamp = be32(p + 4);
    r->ssrc = be32(p + 8);
    r->payload = p + at;
    r->bytes = end - at;
    return 0;
}

void rtp_stream_init(struct rtp_stream *s, uint8_t pt, uint8_t dtmf_pt, const uint8_t *random)
{
    s->ssrc = be32(random);
    s->timestamp = be32(random + 4);
    s->sequence = (uint16_t)(be32(random + 8) & 0x7fff);
    rtp_stream_change(s, pt, dtmf_pt);
}

void rtp_stream_change(struct rtp_stream *s, uint8_t pt, uint8_t dtmf_pt)
{
    s->pt = pt;
    s->dtmf_pt = dtmf_pt;
    s->started = s->waiting = s->pending_bytes = 0;
    for (uint32_t i = 0; i < RTP_STREAM_SLOTS; i++)
        s->slots[i].used = 0;
}

static void begin(struct rtp_stream *s, const struct packet *p)
{
    rtp_stream_change(s, s->pt, s->dtmf_pt);
    s->peer_ssrc = p->ssrc;
    s->next = p->sequence;
    s->started = 1;
}

/* The packets of one event share a timestamp; the first of them counts (RFC 4733, 2.5). */
static void take_event(struct rtp_stream *s, const struct packet *p, struct rtp_stream_digit *ret)
{
    static const char digits[] = "0123456789*#ABCD";
    if (p->bytes < 4 || p->payload[0] >= sizeof digits - 1 || (s->dtmf_seen && s->dtmf_timestamp == p->timestamp))
        return;
    s->dtmf_seen = 1;
    s->dtmf_timestamp = p->timestamp;
    ret->digit = digits[p->payload[0]];
}

int rtp_stream_take(struct rtp_stream *s, const void *data, size_t bytes, struct rtp_stream_digit *ret_digit)
{
    struct packet p;
    ret_digit->digit = 0;
    if (decode(data, bytes, &p) < 0 || (p.pt != s->pt && p.pt != s->dtmf_pt)) {
        s->refused++;
        return -1;
    }
    int16_t ahead = (int16_t)(uint16_t)(p.sequence - s->next);
    if (!s->started || p.ssrc != s->peer_ssrc || ahead > (int)FAR_AWAY || ahead < -(int)FAR_AWAY) {
        begin(s, &p);
        ahead = 0;
    }
    s->received++;
    if (p.pt == s->dtmf_pt) {
        take_event(s, &p, ret_digit);
        p.bytes = 0;
    }
    if (ahead < 0 || p.bytes > RTP_STREAM_PAYLOAD)
        return 0;
    while (ahead >= (int)RTP_STREAM_SLOTS) { /* too much waits: the oldest go */
        struct rtp_stream_slot *old = &s->slots[s->next % RTP_STREAM_SLOTS];
        s->waiting -= old->used;
        old->used = 0;
        s->next++;
        ahead--;
    }
    struct rtp_stream_slot *slot = &s->slots[p.sequence % RTP_STREAM_SLOTS];
    if (slot->used)
        return 0;
    slot->used = 1;
    slot->sequence = p.sequence;
    slot->bytes = (uint32_t)p.bytes;
    if (p.bytes)
        memcpy(slot->payload, p.payload, p.bytes);
    s->waiting++;
    return 0;
}

static int next_payload(struct rtp_stream *s)
{
    struct rtp_stream_slot *slot = &s->slots[s->next % RTP_STREAM_SLOTS];
    if (s->waiting == 0)
        return 0;
    if (!slot->used) {
        s->next++;
        s->lost++;
        return -1;
    }
    size_t room = sizeof s->pending - s->pending_bytes, n = slot->bytes < room ? slot->bytes : room;
    memcpy(s->pending + s->pending_bytes, slot->payload, n);
    s->pending_bytes += (uint32_t)n;
    slot->used = 0;
    s->waiting--;
    s->next++;
    return 1;
}

int rtp_stream_pull(struct rtp_stream *s, uint8_t *out)
{
    if (!s->started || (s->started == 1 && s->waiting < DEPTH))
        return 0;
    s->started = 2;
    while (s->pending_bytes < FRAME) {
        int rc = next_payload(s);
        if (rc == 0 && s->pending_bytes == 0)
            s->started = 1; /* it ran dry: wait for a little again */
        if (rc <= 0)
            return rc;
    }
    memcpy(out, s->pending, FRAME);
    s->pending_bytes -= FRAME;
    memmove(s->pending, s->pending + FRAME, s->pending_bytes);
    return 1;
}

static void put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

size_t rtp_stream_send(struct rtp_stream *s, const void *payload, size_t bytes, uint8_t *out, size_t cap)
{
    if (cap < RTP_STREAM_HEADER + bytes)
        return 0;
    out[0] = 0x80;
    out[1] = (uint8_t)((s->talking ? 0 : 0x80) | s->pt);
    out[2] = (uint8_t)(s->sequence >> 8);
    out[3] = (uint8_t)s->sequence;
    put32(out + 4, s->timestamp);
    put32(out + 8, s->ssrc);
    memcpy(out + RTP_STREAM_HEADER, payload, bytes);
    s->talking = 1;
    s->sequence++;
    s->timestamp += (uint32_t)bytes;
    s->sent++;
    return RTP_STREAM_HEADER + bytes;
}

void rtp_stream_pause(struct rtp_stream *s, uint32_t samples)
{
    s->timestamp += samples;
    s->talking = 0;
}
