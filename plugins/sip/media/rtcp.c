/* rtcp.c - reports, both ways. */
#include "rtcp.h"
#include <string.h>
#include "voicegw/status.h"

#define SR 200u
#define RR 201u
#define SDES 202u
#define BYE 203u
#define NTP_1970 UINT64_C(2208988800)

struct writer {
    uint8_t *out;
    size_t len;
};

static void put8(struct writer *w, uint32_t v)
{
    w->out[w->len++] = (uint8_t)v;
}

static void put16(struct writer *w, uint32_t v)
{
    put8(w, v >> 8);
    put8(w, v);
}

static void put32(struct writer *w, uint32_t v)
{
    put16(w, v >> 16);
    put16(w, v);
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

uint64_t media_ntp(int64_t wall_us)
{
    uint64_t us = (uint64_t)wall_us;
    return (us / 1000000u + NTP_1970) << 32 | ((us % 1000000u) << 32) / 1000000u;
}

int64_t media_rtcp_interval_us(uint32_t random)
{
    return 2500000 + (int64_t)((uint64_t)random * 5000000u >> 32);
}

void media_remote_init(struct media_remote *r)
{
    *r = (struct media_remote){.loss = -1, .jitter_ms = -1, .round_trip_ms = -1};
}

static void put_block(struct writer *w, struct media_source *s, const struct media_remote *r, int64_t now_us)
{
    uint32_t lost = media_source_lost(s), delay = 0;
    if (r->sr_ntp)
        delay = (uint32_t)((uint64_t)(now_us - r->sr_us) * 65536u / 1000000u);
    put32(w, s->ssrc);
    put8(w, media_source_fraction(s));
    put8(w, (lost > 0x7fffffu ? 0x7fffffu : lost) >> 16);
    put16(w, lost > 0x7fffffu ? 0xffffu : lost & 0xffffu);
    put32(w, media_source_highest(s));
    put32(w, (uint32_t)s->jitter);
    put32(w, (uint32_t)(r->sr_ntp >> 16));
    put32(w, delay);
}

static void put_sdes(struct writer *w, uint32_t ssrc, const char *cname)
{
    size_t len = strlen(cname);
    len = len < MEDIA_CNAME_MAX ? len : MEDIA_CNAME_MAX;
    size_t chunk = 4 + 2 + len + 1, words = (chunk + 3) / 4; /* the list ends with at least one zero octet */
    put8(w, 0x81);
    put8(w, SDES);
    put16(w, (uint32_t)words);
    put32(w, ssrc);
    put8(w, 1);
    put8(w, (uint32_t)len);
    memcpy(w->out + w->len, cname, len);
    w->len += len;
    for (size_t i = 6 + len; i < words * 4; i++)
        put8(w, 0);
}

size_t media_rtcp_write(uint8_t *out, const struct media_sender *sender, struct media_source *source,
                        const struct media_remote *remote, const char *cname, int64_t now_us, int64_t wall_us,
                        uint32_t clock_hz, int bye)
{
    struct writer w = {out, 0};
    uint32_t blocks = source && source->started ? 1 : 0;
    uint64_t ntp = media_ntp(wall_us);
    put8(&w, 0x80u | blocks);
    put8(&w, sender->packets ? SR : RR);
    put16(&w, (sender->packets ? 6u : 1u) + blocks * 6u);
    put32(&w, sender->ssrc);
    if (sender->packets) {
        put32(&w, (uint32_t)(ntp >> 32));
        put32(&w, (uint32_t)ntp);
        put32(&w, sender->timestamp + (uint32_t)((now_us - sender->sent_us) * (int64_t)clock_hz / 1000000));
        put32(&w, sender->packets);
        put32(&w, sender->octets);
    }
    if (blocks)
        put_block(&w, source, remote, now_us);
    put_sdes(&w, sender->ssrc, cname);
    if (bye) {
        put8(&w, 0x81);
        put8(&w, BYE);
        put16(&w, 1);
        put32(&w, sender->ssrc);
    }
    return w.len;
}

static void read_block(struct media_remote *r, const uint8_t *p, uint32_t our_ssrc, int64_t wall_us, uint32_t clock_hz)
{
    if (be32(p) != our_ssrc)
        return;
    r->loss = p[4] / 256.0;
    r->jitter_ms = clock_hz ? be32(p + 12) * 1000.0 / clock_hz : -1;
    uint32_t lsr = be32(p + 16), dlsr = be32(p + 20);
    if (lsr == 0)
        return;
    uint32_t now = (uint32_t)(media_ntp(wall_us) >> 16);
    int32_t away = (int32_t)(now - lsr - dlsr);
    if (away >= 0 && away < 65536 * 30) /* a clock that was set, or nonsense, is no measurement */
        r->round_trip_ms = away * 1000.0 / 65536.0;
}

static int32_t read_one(struct media_remote *r, const uint8_t *p, size_t bytes, uint32_t our_ssrc, int64_t now_us,
                        int64_t wall_us, uint32_t clock_hz)
{
    uint32_t count = p[0] & 31u, type = p[1];
    size_t at = type == SR ? 28 : 8;
    if (type == BYE) {
        r->byes++;
        return VOICEGW_OK;
    }
    if (type != SR && type != RR)
        return VOICEGW_OK;
    if (bytes < at + count * 24u)
        return VOICEGW_EINVALID;
    if (type == SR) {
        r->sr_ntp = (uint64_t)be32(p + 8) << 32 | be32(p + 12);
        r->sr_us = now_us;
    }
    r->reports++;
    for (uint32_t i = 0; i < count; i++)
        read_block(r, p + at + i * 24u, our_ssrc, wall_us, clock_hz);
    return VOICEGW_OK;
}

int32_t media_rtcp_read(struct media_remote *remote, const uint8_t *data, size_t bytes, uint32_t our_ssrc,
                        int64_t now_us, int64_t wall_us, uint32_t clock_hz)
{
    struct media_remote r = *remote;
    size_t at = 0;
    if (bytes < 8 || (data[1] != SR && data[1] != RR)) /* RFC 3550 A.2: a compound begins with a report */
        return VOICEGW_EINVALID;
    while (at < bytes) {
        if (bytes - at < 4 || data[at] >> 6 != 2)
            return VOICEGW_EINVALID;
        size_t len = 4u + 4u * ((size_t)data[at + 2] << 8 | data[at + 3]);
        if (len > bytes - at || read_one(&r, data + at, len, our_ssrc, now_us, wall_us, clock_hz) != VOICEGW_OK)
            return VOICEGW_EINVALID;
        at += len;
    }
    *remote = r;
    return VOICEGW_OK;
}
