/* rtp.c - headers, sources, latching. */
#include "rtp.h"
#include <stdio.h>
#include <string.h>
#include "voicegw/status.h"

#define MAX_DROPOUT 3000u
#define MAX_MISORDER 100u
#define SEQUENCES 65536u

static uint16_t be16(const uint8_t *p)
{
    return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)be16(p) << 16 | be16(p + 2);
}

int media_is_rtcp(const uint8_t *data, size_t bytes)
{
    return bytes >= 2 && data[0] >> 6 == 2 && data[1] >= 192 && data[1] <= 223;
}

int32_t media_rtp_parse(const uint8_t *data, size_t bytes, struct media_packet *ret)
{
    if (bytes < MEDIA_RTP_HEADER || data[0] >> 6 != 2 || media_is_rtcp(data, bytes))
        return VOICEGW_EINVALID;
    size_t at = MEDIA_RTP_HEADER + (data[0] & 15u) * 4u;
    if ((data[0] & 0x10u) != 0) {
        if (at + 4 > bytes)
            return VOICEGW_EINVALID;
        at += 4u + (size_t)be16(data + at + 2) * 4u;
    }
    if (at > bytes)
        return VOICEGW_EINVALID;
    size_t padding = (data[0] & 0x20u) != 0 ? data[bytes - 1] : 0;
    if ((data[0] & 0x20u) != 0 && (padding == 0 || at + padding > bytes))
        return VOICEGW_EINVALID;
    *ret = (struct media_packet){.ssrc = be32(data + 8),
                                 .timestamp = be32(data + 4),
                                 .sequence = be16(data + 2),
                                 .payload_type = data[1] & 0x7fu,
                                 .marker = data[1] >> 7,
                                 .payload = data + at,
                                 .bytes = (uint32_t)(bytes - at - padding)};
    return VOICEGW_OK;
}

size_t media_rtp_header(uint8_t *out, const struct media_packet *p)
{
    out[0] = 0x80;
    out[1] = (uint8_t)((p->marker ? 0x80u : 0u) | (p->payload_type & 0x7fu));
    out[2] = (uint8_t)(p->sequence >> 8);
    out[3] = (uint8_t)p->sequence;
    for (int i = 0; i < 4; i++) {
        out[4 + i] = (uint8_t)(p->timestamp >> (24 - 8 * i));
        out[8 + i] = (uint8_t)(p->ssrc >> (24 - 8 * i));
    }
    return MEDIA_RTP_HEADER;
}

/* ---- sources ---- */

static void restart(struct media_source *s, const struct media_packet *p)
{
    uint32_t duplicates = s->duplicates, reordered = s->reordered;
    *s = (struct media_source){.ssrc = p->ssrc,
                               .base_ext = p->sequence,
                               .max_sequence = p->sequence,
                               .duplicates = duplicates,
                               .reordered = reordered,
                               .started = 1};
}

/* RFC 3550 A.8 */
static void note_transit(struct media_source *s, const struct media_packet *p, int64_t now_us, uint32_t clock_hz)
{
    /* Kept modulo 2^32 as the timestamp is, so that its going round does not show. */
    uint32_t arrival = (uint32_t)((uint64_t)now_us / 1000u * clock_hz / 1000u);
    int64_t transit = (int32_t)(arrival - p->timestamp);
    if (s->has_transit) {
        int32_t d = (int32_t)((uint32_t)transit - (uint32_t)s->transit);
        s->jitter += ((d < 0 ? -(double)d : (double)d) - s->jitter) / 16.0;
    }
    s->transit = transit;
    s->has_transit = 1;
}

enum media_verdict media_source_packet(struct media_source *s, const struct media_packet *p, int64_t now_us,
                                       uint32_t clock_hz, uint32_t *ret_ext)
{
    enum media_verdict verdict = MEDIA_TAKEN;
    if (!s->started || s->ssrc != p->ssrc) {
        verdict = s->started ? MEDIA_RESTARTED : MEDIA_TAKEN;
        restart(s, p);
        s->received = 1;
        note_transit(s, p, now_us, clock_hz);
        *ret_ext = s->base_ext;
        return verdict;
    }
    uint16_t delta = (uint16_t)(p->sequence - s->max_sequence);
    uint32_t ext = s->cycles + p->sequence;
    if (delta == 0) {
        s->duplicates++;
        return MEDIA_DUPLICATE;
    }
    if (delta < MAX_DROPOUT) {
        if (p->sequence < s->max_sequence) {
            s->cycles += SEQUENCES;
            ext += SEQUENCES;
        }
        s->max_sequence = p->sequence;
    } else if (delta <= SEQUENCES - MAX_MISORDER) {
        if (!s->has_bad ||
            s->bad_sequence != p->sequence) { /* one packet may be anybody's; two in order are a restart */
            s->bad_sequence = (uint16_t)(p->sequence + 1);
            s->has_bad = 1;
            return MEDIA_JUMPED;
        }
        restart(s, p);
        verdict = MEDIA_RESTARTED;
        ext = s->base_ext;
    } else {
        s->reordered++;
        if (p->sequence > s->max_sequence && s->cycles)
            ext -= SEQUENCES;
    }
    s->has_bad = 0;
    s->received++;
    note_transit(s, p, now_us, clock_hz);
    *ret_ext = ext;
    return verdict;
}

uint32_t media_source_highest(const struct media_source *s)
{
    return s->cycles + s->max_sequence;
}

static uint32_t expected(const struct media_source *s)
{
    return s->started ? media_source_highest(s) - s->base_ext + 1 : 0;
}

uint32_t media_source_lost(const struct media_source *s)
{
    uint32_t wanted = expected(s);
    return wanted > s->received ? wanted - s->received : 0;
}

uint8_t media_source_fraction(struct media_source *s)
{
    uint32_t wanted = expected(s) - s->expected_prior, got = s->received - s->received_prior;
    s->expected_prior = expected(s);
    s->received_prior = s->received;
    if (wanted == 0 || got >= wanted)
        return 0;
    uint32_t part = (wanted - got) * 256u / wanted;
    return (uint8_t)(part > 255u ? 255u : part);
}

/* ---- latching ---- */

static void set(char *to, size_t cap, const char *from)
{
    (void)snprintf(to, cap, "%s", from);
}

void media_latch_signal(struct media_latch *l, const char *remote)
{
    if (strcmp(l->signalled, remote) == 0)
        return;
    uint32_t strangers = l->strangers;
    *l = (struct media_latch){.strangers = strangers};
    set(l->signalled, sizeof l->signalled, remote);
    set(l->current, sizeof l->current, remote);
}

static void follow(struct media_latch *l, const char *remote, int authentic)
{
    set(l->current, sizeof l->current, remote);
    l->candidate[0] = '\0';
    l->in_a_row = 0;
    l->confirmed = authentic ? 1 : MEDIA_LATCH_PACKETS;
    l->locked = !authentic;
}

int media_latch_packet(struct media_latch *l, const char *remote, uint32_t ssrc, int authentic)
{
    if (strcmp(l->current, remote) == 0) {
        l->in_a_row = 0;
        if (l->confirmed < MEDIA_LATCH_LOCKED && ++l->confirmed == MEDIA_LATCH_LOCKED)
            l->locked = 1;
        return 1;
    }
    if (authentic) {
        follow(l, remote, 1);
        return 1;
    }
    if (l->locked) {
        l->strangers++;
        return 0;
    }
    if (strcmp(l->candidate, remote) != 0 || l->candidate_ssrc != ssrc) {
        set(l->candidate, sizeof l->candidate, remote);
        l->candidate_ssrc = ssrc;
        l->in_a_row = 0;
    }
    if (++l->in_a_row < MEDIA_LATCH_PACKETS) {
        l->strangers++;
        return 0;
    }
    follow(l, remote, 0);
    return 1;
}
