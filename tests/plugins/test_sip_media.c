/* test_sip_media.c - the pure parts of a SIP call's media, on a virtual network. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "voicegw/status.h"
#include "../../plugins/common/pcm.h"
#include "../../plugins/sip/media/codec.h"
#include "../../plugins/sip/media/event.h"
#include "../../plugins/sip/media/jitter.h"
#include "../../plugins/sip/media/quality.h"
#include "../../plugins/sip/media/rtcp.h"
#include "../../plugins/sip/media/sdes.h"
#include "../../plugins/sip/media/dtls.h"
#include "../../plugins/sip/media/srtp.h"

#define MS INT64_C(1000)

/* ---- packets ---- */

Test(sip_media, packets_are_read_and_written)
{
    uint8_t out[MEDIA_RTP_HEADER + 4];
    struct media_packet p = {
        .ssrc = 0x11223344, .timestamp = 0xfffffff0, .sequence = 65535, .payload_type = 8, .marker = 1};
    struct media_packet got;
    cr_assert_eq(media_rtp_header(out, &p), MEDIA_RTP_HEADER);
    memcpy(out + MEDIA_RTP_HEADER, "abcd", 4);
    cr_assert_eq(media_rtp_parse(out, sizeof out, &got), VOICEGW_OK);
    cr_assert(got.ssrc == p.ssrc && got.timestamp == p.timestamp && got.sequence == 65535 && got.payload_type == 8 &&
              got.marker);
    cr_assert_eq(got.bytes, 4);
    cr_assert_eq(memcmp(got.payload, "abcd", 4), 0);
}

Test(sip_media, extensions_sources_and_padding_are_stepped_over)
{
    uint8_t in[] = {0xb1, 0, 0, 1, 0,    0,    0, 2, 0, 0, 0, 3, /* one source, extension, padding */
                    1,    2, 3, 4, 0xbe, 0xde, 0, 1, 9, 9, 9, 9, 'x', 'y', 0, 2};
    struct media_packet got;
    cr_assert_eq(media_rtp_parse(in, sizeof in, &got), VOICEGW_OK);
    cr_assert_eq(got.bytes, 2);
    cr_assert_eq(memcmp(got.payload, "xy", 2), 0);
    for (size_t n = 0; n < 24; n++)
        cr_expect_eq(media_rtp_parse(in, n, &got), VOICEGW_EINVALID, "%zu octets", n);
    in[sizeof in - 1] = 0;
    cr_expect_eq(media_rtp_parse(in, sizeof in, &got), VOICEGW_EINVALID, "no length of padding");
    in[sizeof in - 1] = 200;
    cr_expect_eq(media_rtp_parse(in, sizeof in, &got), VOICEGW_EINVALID, "padding longer than the packet");
    in[0] = 0x40;
    cr_expect_eq(media_rtp_parse(in, sizeof in, &got), VOICEGW_EINVALID, "version 1");
    uint8_t report[12] = {0x80, 200};
    cr_expect_eq(media_rtp_parse(report, sizeof report, &got), VOICEGW_EINVALID);
    cr_expect(media_is_rtcp(report, sizeof report));
}

static enum media_verdict feed(struct media_source *s, uint16_t sequence, uint32_t *ret_ext)
{
    struct media_packet p = {.ssrc = 7, .sequence = sequence, .timestamp = sequence * 160u};
    return media_source_packet(s, &p, (int64_t)sequence * 20 * MS, 8000, ret_ext);
}

Test(sip_media, sources_count_loss_order_and_restarts)
{
    struct media_source s = {0};
    uint32_t ext = 0;
    cr_assert_eq(feed(&s, 65534, &ext), MEDIA_TAKEN);
    cr_assert_eq(feed(&s, 65535, &ext), MEDIA_TAKEN);
    cr_assert_eq(feed(&s, 1, &ext), MEDIA_TAKEN);
    cr_assert_eq(ext, 65537, "it went round");
    cr_assert_eq(media_source_lost(&s), 1);
    cr_assert_eq(feed(&s, 0, &ext), MEDIA_TAKEN);
    cr_assert_eq(ext, 65536);
    cr_assert_eq(media_source_lost(&s), 0);
    cr_assert_eq(s.reordered, 1);
    cr_assert_eq(feed(&s, 1, &ext), MEDIA_DUPLICATE);
    cr_assert_eq(feed(&s, 30000, &ext), MEDIA_JUMPED, "one packet may be anybody's");
    cr_assert_eq(feed(&s, 2, &ext), MEDIA_TAKEN, "and does no harm");
    cr_assert_eq(feed(&s, 40000, &ext), MEDIA_JUMPED);
    cr_assert_eq(feed(&s, 40001, &ext), MEDIA_RESTARTED, "two in order are the sender's restart");
    struct media_packet other = {.ssrc = 8, .sequence = 5};
    cr_assert_eq(media_source_packet(&s, &other, 0, 8000, &ext), MEDIA_RESTARTED);
    for (uint16_t n = 6; n < 106; n++) {
        struct media_packet p = {.ssrc = 8, .sequence = n};
        if (n % 4 != 0)
            (void)media_source_packet(&s, &p, 0, 8000, &ext);
    }
    cr_assert_eq(media_source_lost(&s), 25);
    cr_assert_float_eq(media_source_fraction(&s) / 256.0, 0.25, 0.02);
    cr_assert_eq(media_source_fraction(&s), 0, "since the last report");
}

Test(sip_media, jitter_is_that_of_the_standard)
{
    struct media_source s = {0};
    uint32_t ext;
    for (uint32_t n = 0; n < 2000; n++) { /* each second packet 10 ms late: D is 80 units each time */
        struct media_packet p = {.ssrc = 1, .sequence = (uint16_t)n, .timestamp = n * 160u};
        (void)media_source_packet(&s, &p, (int64_t)n * 20 * MS + (n & 1 ? 10 * MS : 0), 8000, &ext);
    }
    cr_assert_float_eq(s.jitter, 80, 1);
}

Test(sip_media, a_stranger_cannot_take_a_stream_over)
{
    struct media_latch l = {.strangers = 0};
    media_latch_signal(&l, "10.0.0.1:4000");
    cr_assert_eq(media_latch_packet(&l, "192.0.2.1:9", 1, 0), 0);
    cr_assert_eq(media_latch_packet(&l, "192.0.2.2:9", 1, 0), 0, "another candidate begins anew");
    cr_assert_eq(media_latch_packet(&l, "192.0.2.1:9", 1, 0), 0);
    cr_assert_eq(media_latch_packet(&l, "192.0.2.1:9", 1, 0), 0);
    cr_assert_eq(media_latch_packet(&l, "192.0.2.1:9", 1, 0), 1, "a NAT: three in a row are followed");
    cr_assert_str_eq(l.current, "192.0.2.1:9");
    for (int i = 0; i < 50; i++)
        cr_assert_eq(media_latch_packet(&l, "203.0.113.5:1", 66, 0), 0, "once");
    cr_assert_str_eq(l.current, "192.0.2.1:9");
    cr_assert_eq(l.strangers, 54);
    cr_assert_eq(media_latch_packet(&l, "203.0.113.9:1", 1, 1), 1, "SRTP vouches for its sender");
    media_latch_signal(&l, "10.0.0.1:4000");
    cr_assert_str_eq(l.current, "203.0.113.9:1", "the same description again changes nothing");
    media_latch_signal(&l, "10.0.0.2:4000");
    cr_assert_str_eq(l.current, "10.0.0.2:4000");
    for (int i = 0; i < 5; i++)
        cr_assert_eq(media_latch_packet(&l, "10.0.0.2:4000", 1, 0), 1);
    for (int i = 0; i < 50; i++)
        cr_assert_eq(media_latch_packet(&l, "203.0.113.5:1", 66, 0), 0, "the signalled address has spoken");
}

/* ---- reports ---- */

Test(sip_media, reports_tell_loss_jitter_and_round_trip)
{
    uint8_t a[MEDIA_RTCP_MAX], b[MEDIA_RTCP_MAX];
    struct media_sender alice = {.ssrc = 1, .timestamp = 800, .packets = 5, .octets = 800, .sent_us = 0};
    struct media_sender bob = {.ssrc = 2};
    struct media_source from_alice = {0};
    struct media_remote at_alice, at_bob;
    uint32_t ext;
    int64_t wall = INT64_C(1780000000000000);
    media_remote_init(&at_alice);
    media_remote_init(&at_bob);
    cr_assert_eq(media_ntp(0) >> 32, 2208988800u);
    for (uint16_t n = 0; n < 10; n++) {
        struct media_packet p = {.ssrc = 1, .sequence = n, .timestamp = n * 160u};
        if (n != 4 && n != 5)
            (void)media_source_packet(&from_alice, &p, n * 20 * MS, 8000, &ext);
    }
    size_t len = media_rtcp_write(a, &alice, NULL, &at_alice, "alice@host", 0, wall, 8000, 0);
    cr_assert_eq(len % 4, 0);
    cr_assert(media_is_rtcp(a, len));
    /* 40 ms to get there, 100 ms until bob answers, 60 ms back */
    cr_assert_eq(media_rtcp_read(&at_bob, a, len, 2, 40 * MS, wall + 40 * MS, 8000), VOICEGW_OK);
    len = media_rtcp_write(b, &bob, &from_alice, &at_bob, "bob", 140 * MS, wall + 140 * MS, 8000, 1);
    cr_assert_eq(media_rtcp_read(&at_alice, b, len, 1, 200 * MS, wall + 200 * MS, 8000), VOICEGW_OK);
    cr_assert_float_eq(at_alice.round_trip_ms, 100, 0.1);
    cr_assert_float_eq(at_alice.loss, 0.2, 0.01);
    cr_assert_eq(at_alice.byes, 1);
    struct media_remote before = at_alice;
    for (size_t n = 0; n < len; n++)
        (void)media_rtcp_read(&at_alice, b, n, 1, 0, wall, 8000);
    at_alice = before;
    b[3] = 0xff;
    cr_assert_eq(media_rtcp_read(&at_alice, b, len, 1, 0, wall, 8000), VOICEGW_EINVALID);
    cr_assert_eq(memcmp(&before, &at_alice, sizeof before), 0, "nothing was changed");
    for (uint32_t r = 0; r < 4; r++) {
        int64_t us = media_rtcp_interval_us(r * 0x55555555u);
        cr_assert(us >= 2500 * MS && us <= 7500 * MS);
    }
}

/* ---- the jitter buffer on a virtual network ---- */

struct line {
    struct media_jitter j;
    int64_t now_us;
    uint32_t sent, played, lost, silent, empty;
    uint32_t last_played; /* number of the packet */
    uint32_t rng;
};

static uint32_t rnd(struct line *l)
{
    l->rng = l->rng * 1664525u + 1013904223u;
    return l->rng >> 8;
}

static void open_line(struct line *l)
{
    memset(l, 0, sizeof *l);
    struct media_jitter_options o = {.clock_hz = 8000};
    media_jitter_init(&l->j, &o);
    l->rng = 1;
}

static void arrive(struct line *l, uint32_t n, int quiet)
{
    (void)media_jitter_put(&l->j, 1000 + n, n * 160, 160, 0, &n, sizeof n, quiet, l->now_us);
}

static void pull(struct line *l)
{
    const struct media_slot *s = NULL;
    switch (media_jitter_get(&l->j, 160, l->now_us, &s)) {
    case MEDIA_PLAY_PACKET:
        l->played++;
        if (s->bytes == sizeof l->last_played)
            memcpy(&l->last_played, s->data, sizeof l->last_played);
        break;
    case MEDIA_PLAY_LOST:
        l->lost++;
        break;
    case MEDIA_PLAY_SILENCE:
        l->silent++;
        break;
    case MEDIA_PLAY_EMPTY:
        l->empty++;
        break;
    }
}

/* Runs `packets` x 20 ms; packet n comes delay_ms(n) late (negative: never). Delays are below 400 ms. */
static void run(struct line *l, uint32_t packets, int (*delay_ms)(struct line *l, uint32_t n))
{
    static int64_t due[20000];
    uint32_t from = l->sent;
    for (uint32_t n = from; n < from + packets; n++) {
        int d = delay_ms(l, n);
        due[n] = d < 0 ? INT64_MAX : (int64_t)n * 20 * MS + d * MS;
    }
    for (uint32_t n = from; n < from + packets; n++) {
        int64_t tick = (int64_t)n * 20 * MS + 7 * MS;
        for (; l->now_us < tick; l->now_us += MS) {
            for (uint32_t k = n > 20 ? n - 20 : 0; k <= n; k++) {
                if (due[k] <= l->now_us) {
                    arrive(l, k, k % 50 == 49);
                    due[k] = INT64_MAX;
                }
            }
        }
        pull(l);
    }
    l->sent += packets;
}

static int steady(struct line *l, uint32_t n)
{
    return 30;
}

static int jittery(struct line *l, uint32_t n)
{
    return 30 + (int)(rnd(l) % 60);
}

static int lossy(struct line *l, uint32_t n)
{
    return n % 10 == 3 ? -1 : 30;
}

static int stalled(struct line *l, uint32_t n)
{
    uint32_t into = n % 1000; /* 300 ms of nothing, then all at once */
    return into >= 500 && into < 515 ? 30 + (int)(515 - into) * 20 : 30;
}

Test(sip_media, a_steady_line_is_played_whole_and_with_little_delay)
{
    struct line l;
    open_line(&l);
    run(&l, 500, steady);
    cr_assert_eq(l.lost, 0);
    cr_assert_leq(l.empty, 5);
    cr_assert_geq(l.last_played, 500 - 1 - 5, "%u", l.last_played);
    cr_assert_eq(l.j.target_ms, 20);
    media_jitter_reset(&l.j);
}

Test(sip_media, jitter_makes_it_deeper_and_a_quiet_line_shallower_again)
{
    struct line l;
    open_line(&l);
    run(&l, 1000, jittery);
    cr_assert_geq(l.j.target_ms, 50);
    cr_assert_leq(l.j.target_ms, 80);
    uint32_t late = l.j.late;
    run(&l, 1000, jittery);
    cr_assert_leq(l.j.late - late, 40, "%u of 1000 came too late", l.j.late - late);
    run(&l, 3000, steady);
    cr_assert_leq(l.j.target_ms, 30);
    cr_assert_leq(media_jitter_depth_ms(&l.j), 60, "%u", media_jitter_depth_ms(&l.j));
    media_jitter_reset(&l.j);
}

Test(sip_media, what_is_lost_is_told_once_and_in_its_place)
{
    struct line l;
    open_line(&l);
    run(&l, 1000, lossy);
    cr_assert(l.lost >= 98 && l.lost <= 100, "%u", l.lost);
    cr_assert_eq(l.played + l.lost + l.empty + l.silent, 1000);
    cr_assert_leq(l.empty, 5);
    media_jitter_reset(&l.j);
}

Test(sip_media, a_stall_leaves_no_lasting_delay)
{
    struct line l;
    open_line(&l);
    run(&l, 600, stalled);
    cr_assert_leq(media_jitter_depth_ms(&l.j), 320);
    run(&l, 300, steady);
    cr_assert_leq(media_jitter_depth_ms(&l.j), l.j.target_ms + 60, "%u of %u", media_jitter_depth_ms(&l.j),
                  l.j.target_ms);
    cr_assert_gt(l.j.dropped, 0);
    media_jitter_reset(&l.j);
}

Test(sip_media, silence_of_the_sender_is_no_loss)
{
    struct line l;
    open_line(&l);
    l.now_us = 1;
    for (uint32_t k = 0; k < 50; k++, l.now_us += 20 * MS) {
        arrive(&l, k, 0);
        pull(&l);
    }
    for (uint32_t k = 0; k < 100; k++, l.now_us += 20 * MS)
        pull(&l);
    uint32_t lost = l.lost;
    for (uint32_t k = 50; k < 100; k++, l.now_us += 20 * MS) { /* timestamps went on, sequence numbers did not */
        (void)media_jitter_put(&l.j, 1000 + k, (k + 100) * 160, 160, 0, &k, sizeof k, 0, l.now_us);
        pull(&l);
    }
    cr_assert_eq(l.lost, lost);
    cr_assert_geq(l.last_played, 94, "%u", l.last_played);
    media_jitter_reset(&l.j);
}

Test(sip_media, doubles_old_ones_floods_and_jumps_do_no_harm)
{
    struct line l;
    open_line(&l);
    run(&l, 100, steady);
    cr_assert_eq(media_jitter_put(&l.j, 1000, 0, 160, 0, "", 0, 0, l.now_us), VOICEGW_ENOTFOUND, "late");
    uint32_t depth = l.j.count;
    for (int i = 0; i < 10; i++)
        arrive(&l, 99, 0);
    cr_assert_leq(l.j.count, depth + 1);
    for (uint32_t n = 100; n < 400; n++)
        arrive(&l, n, 0);
    cr_assert_leq(l.j.count, MEDIA_JITTER_SLOTS);
    cr_assert_gt(l.j.overflowed, 0);
    for (int i = 0; i < 400; i++) {
        l.now_us += 20 * MS;
        pull(&l);
    }
    cr_assert_eq(l.last_played, 399);
    (void)media_jitter_put(&l.j, 5000, 0x90000000u, 160, 0, "", 0, 0, l.now_us);
    for (int i = 0; i < 5; i++) {
        l.now_us += 20 * MS;
        pull(&l);
    }
    cr_assert_eq(l.j.next_ext, 5001, "a far timestamp is a new beginning");
    media_jitter_reset(&l.j);
    cr_assert_eq(l.j.count, 0);
}

/* ---- digits ---- */

Test(sip_media, each_digit_comes_once_whatever_is_lost_or_doubled)
{
    for (uint32_t lose = 0; lose < 12; lose++) { /* one packet in turn is lost, another doubled */
        struct media_event_out out;
        struct media_event_in in = {0};
        char heard[16] = "";
        uint32_t at = 0, ms, timestamp = 5000, seen = 0;
        media_event_init(&out, 0, 0);
        cr_assert_eq(media_event_queue(&out, "1123#a*"), VOICEGW_OK);
        for (int tick = 0; tick < 200; tick++, timestamp += 160) {
            uint8_t payload[4];
            uint32_t ts = timestamp;
            int marker = 0;
            if (!media_event_next(&out, 8000, &ts, payload, &marker))
                continue;
            for (uint32_t twice = 0; twice < (seen % 5 == 0 ? 2u : 1u); twice++) {
                char c = seen % 12 == lose ? 0 : media_event_take(&in, ts, payload, 4, 8000, &ms);
                if (c)
                    heard[at++] = c;
            }
            seen++;
        }
        heard[at] = '\0';
        cr_assert_str_eq(heard, "1123#A*", "%s with packet %u lost", heard, lose);
        cr_assert_not(media_event_busy(&out));
    }
}

Test(sip_media, digits_are_paced_and_bounded)
{
    struct media_event_out out;
    uint8_t payload[4];
    uint32_t timestamp = 0, packets = 0, markers = 0;
    media_event_init(&out, 100, 60);
    cr_assert_eq(media_event_queue(&out, "12x"), VOICEGW_EINVALID);
    cr_assert_eq(out.count, 0);
    cr_assert_eq(media_event_queue(&out, "1w2"), VOICEGW_OK);
    for (int tick = 0; tick < 100; tick++) {
        int marker = 0;
        timestamp = (uint32_t)tick * 160u;
        packets += (uint32_t)media_event_next(&out, 8000, &timestamp, payload, &marker);
        markers += (uint32_t)marker;
        if (tick == 6)
            cr_assert(payload[1] & 0x80, "ends after 100 ms");
    }
    cr_assert_eq(markers, 2);
    cr_assert_eq(packets, 14, "100 ms and two more ends each: %u", packets);
    char many[MEDIA_EVENT_QUEUE + 2];
    memset(many, '5', sizeof many - 1);
    many[sizeof many - 1] = '\0';
    cr_assert_eq(media_event_queue(&out, many), VOICEGW_ELIMIT);
    struct media_event_in in = {0};
    uint32_t ms;
    cr_assert_eq(media_event_take(&in, 1, (const uint8_t *)"\x10\0\0\0", 4, 8000, &ms), 0, "16 is a flash, no digit");
    cr_assert_eq(media_event_take(&in, 1, (const uint8_t *)"\x01\0", 2, 8000, &ms), 0, "too short");
}

/* ---- quality, keys ---- */

Test(sip_media, scores_fall_with_loss_and_delay)
{
    cr_assert_float_eq(media_mos(MEDIA_CODEC_G711, 0, 20), 4.40, 0.05);
    cr_assert_gt(media_mos(MEDIA_CODEC_G711, 0.01, 20), 4.1);
    cr_assert_lt(media_mos(MEDIA_CODEC_G711, 0.1, 50), 3.5);
    cr_assert_lt(media_mos(MEDIA_CODEC_G711, 0, 500), 3.5);
    cr_assert_eq(media_mos(MEDIA_CODEC_OPUS, 1, 5000), 1);
    struct media_watch w;
    media_watch_init(&w, 3.5, 3.8, 5000 * MS);
    cr_assert_eq(media_watch_note(&w, 3.0, 0), 0);
    cr_assert_eq(media_watch_note(&w, 4.0, 4000 * MS), 0);
    cr_assert_eq(media_watch_note(&w, 3.0, 5000 * MS), 0, "five seconds in a row");
    cr_assert_eq(media_watch_note(&w, 3.0, 10000 * MS), 1);
    cr_assert_eq(media_watch_note(&w, 3.0, 11000 * MS), 0, "told once");
    cr_assert_eq(media_watch_note(&w, 3.6, 12000 * MS), 0);
    cr_assert_eq(media_watch_note(&w, 4.0, 13000 * MS), -1);
}

Test(sip_media, crypto_lines_of_rfc_4568)
{
    struct media_crypto c = {0}, again = {0};
    char text[160];
    cr_assert_eq(
        media_crypto_parse("1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20", &c),
        VOICEGW_OK);
    cr_assert(c.tag == 1 && c.suite == MEDIA_AES_CM_128_HMAC_SHA1_80 && c.key_bytes == 30);
    cr_assert_eq(memcmp(c.key, "YS___semctl () {\t220;}\n}\nunles", 30), 0);
    cr_assert_gt(media_crypto_format(&c, text, sizeof text), 0);
    cr_assert_eq(media_crypto_parse(text, &again), VOICEGW_OK);
    cr_assert_eq(memcmp(&c, &again, sizeof c), 0);
    c.suite = MEDIA_AEAD_AES_128_GCM;
    c.key_bytes = 28;
    cr_assert_gt(media_crypto_format(&c, text, sizeof text), 0);
    cr_assert_eq(media_crypto_parse(text, &again), VOICEGW_OK, "%s", text);
    cr_assert_eq(media_crypto_format(&c, text, 20), 0);
    static const struct {
        const char *line;
        int32_t status;
    } bad[] = {
        {"", VOICEGW_EINVALID},
        {"0 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz", VOICEGW_EINVALID},
        {"1 F8_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz", VOICEGW_EUNSUPPORTED},
        {"1 AES_CM_128_HMAC_SHA1_80 inline:short", VOICEGW_EINVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGV*", VOICEGW_EINVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 outline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz", VOICEGW_EINVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4", VOICEGW_EUNSUPPORTED},
        {"1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz UNENCRYPTED_SRTP",
         VOICEGW_EUNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_eq(media_crypto_parse(bad[i].line, &c), bad[i].status, "%s", bad[i].line);
}

/* ---- codecs ---- */

static double energy(const uint8_t *data, uint32_t bytes, uint32_t encoding)
{
    int16_t pcm[MEDIA_DECODED_MAX];
    size_t n = pcm_decode(encoding, data, bytes, pcm);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)pcm[i] * pcm[i];
    return n ? sqrt(sum / (double)n) : 0;
}

static uint32_t tone(uint8_t *out, const struct media_coding_info *info, uint32_t at)
{
    int16_t pcm[320];
    uint32_t n = info->host_rate / 50;
    for (uint32_t i = 0; i < n; i++)
        pcm[i] = (int16_t)(8000 * sin(2 * 3.14159265358979 * 440 * (at * n + i) / info->host_rate));
    return (uint32_t)pcm_encode(info->host_encoding, pcm, n, out);
}

Test(sip_media, each_codec_brings_a_tone_through_and_fills_a_gap)
{
    for (unsigned i = 0; i < MEDIA_CODINGS; i++) {
        const struct media_coding_info *info = media_coding_info((enum media_coding)i);
        struct media_codec *c = media_codec_new((enum media_coding)i);
        uint8_t frame[640], wire[MEDIA_ENCODED_MAX], back[MEDIA_DECODED_MAX];
        uint32_t bytes = 0, got = 0;
        cr_assert_not_null(c);
        cr_assert_eq(media_coding_of(info->name), (int)i);
        for (uint32_t n = 0; n < 50; n++) {
            uint32_t frame_bytes = tone(frame, info, n);
            bytes = media_codec_encode(c, frame, frame_bytes, wire);
            cr_assert_gt(bytes, 0, "%s", info->name);
            cr_assert_eq(media_codec_units(c, wire, bytes), info->clock_hz / 50, "%s", info->name);
            got = media_codec_decode(c, wire, bytes, back);
            cr_assert_eq(got, frame_bytes, "%s", info->name);
        }
        double loud = energy(back, got, info->host_encoding);
        cr_expect(loud > 5000 && loud < 6500, "%s: %.0f", info->name, loud);
        got = media_codec_conceal(c, 20, back);
        cr_expect_gt(energy(back, got, info->host_encoding), 1500, "%s fills a gap", info->name);
        for (int n = 0; n < 4; n++)
            got = media_codec_conceal(c, 20, back);
        cr_expect_lt(energy(back, got, info->host_encoding), 100, "%s: a long gap is silence", info->name);
        cr_expect_not(media_codec_quiet(c, wire, bytes), "%s", info->name);
        cr_assert_eq(media_codec_decode(c, wire, 0, back), 0);
        media_codec_loss(c, 0.1);
        media_codec_free(c);
    }
    cr_assert_eq(media_coding_of("PCMU"), MEDIA_PCMU);
    cr_assert_eq(media_coding_of("gsm"), -1);
}

Test(sip_media, silence_is_quiet_and_long_packets_are_bounded)
{
    struct media_codec *c = media_codec_new(MEDIA_PCMU);
    uint8_t out[MEDIA_DECODED_MAX], in[2000];
    memset(in, 0xff, sizeof in);
    cr_assert(media_codec_quiet(c, in, 160));
    in[80] = 0x00;
    cr_assert_not(media_codec_quiet(c, in, 160));
    cr_assert_eq(media_codec_units(c, in, sizeof in), 0);
    cr_assert_eq(media_codec_decode(c, in, sizeof in, out), 0);
    cr_assert_eq(media_codec_silence(c, 20, out), 160);
    cr_assert_eq(media_codec_conceal(c, 100000, out), 960);
    media_codec_free(c);
}

/* ---- SRTP ---- */

Test(sip_media, srtp_protects_authenticates_and_refuses_what_comes_twice)
{
    cr_assert_eq(media_srtp_begin(), VOICEGW_OK);
    for (int suite = MEDIA_AES_CM_128_HMAC_SHA1_80; suite <= MEDIA_AEAD_AES_128_GCM; suite++) {
        struct media_crypto key = {.tag = 1, .suite = (enum media_suite)suite};
        uint8_t packet[512], copy[512], report[MEDIA_RTCP_MAX + MEDIA_SRTP_TAIL];
        struct media_packet p = {.ssrc = 9, .sequence = 1};
        key.key_bytes = media_suite_key_bytes(key.suite);
        memset(key.key, 5, key.key_bytes);
        struct media_srtp *out = media_srtp_new(&key, 0), *in = media_srtp_new(&key, 1);
        cr_assert(out && in, "%s", media_suite_name(key.suite));
        uint32_t bytes = (uint32_t)media_rtp_header(packet, &p) + 160;
        memset(packet + MEDIA_RTP_HEADER, 0x55, 160);
        cr_assert_eq(media_srtp_protect(out, packet, &bytes, 0), VOICEGW_OK);
        cr_assert_gt(bytes, 172);
        memcpy(copy, packet, bytes);
        uint32_t plain = bytes;
        cr_assert_eq(media_srtp_unprotect(in, packet, &plain, 0), VOICEGW_OK);
        cr_assert_eq(plain, 172);
        cr_assert_eq(packet[MEDIA_RTP_HEADER + 159], 0x55);
        plain = bytes;
        memcpy(packet, copy, bytes);
        cr_assert_eq(media_srtp_unprotect(in, packet, &plain, 0), VOICEGW_EBUSY);
        copy[3] = 2;
        plain = bytes;
        cr_assert_eq(media_srtp_unprotect(in, copy, &plain, 0), VOICEGW_EAUTH);
        plain = 5;
        cr_assert_eq(media_srtp_unprotect(in, copy, &plain, 0), VOICEGW_EINVALID);
        struct media_remote remote;
        struct media_sender sender = {.ssrc = 9};
        media_remote_init(&remote);
        uint32_t len = (uint32_t)media_rtcp_write(report, &sender, NULL, &remote, "x", 0, 0, 8000, 0), was = len;
        cr_assert_eq(media_srtp_protect(out, report, &len, 1), VOICEGW_OK);
        cr_assert_eq(media_srtp_unprotect(in, report, &len, 1), VOICEGW_OK);
        cr_assert_eq(len, was);
        media_srtp_free(out);
        media_srtp_free(in);
    }
    struct media_crypto none = {.suite = MEDIA_SUITE_NONE};
    cr_assert_null(media_srtp_new(&none, 0));
}

/* Hands over what each has to say until neither has anything left. */
static void shake_hands(struct media_dtls *a, struct media_dtls *b)
{
    uint8_t packet[MEDIA_DTLS_MTU];
    uint32_t n;
    (void)media_dtls_take(a, NULL, 0);
    for (int idle = 0; idle < 2; idle++) {
        while ((n = media_dtls_next(a, packet, sizeof packet)) > 0) {
            cr_assert(media_is_dtls(packet, n));
            (void)media_dtls_take(b, packet, n);
            idle = 0;
        }
        while ((n = media_dtls_next(b, packet, sizeof packet)) > 0) {
            (void)media_dtls_take(a, packet, n);
            idle = 0;
        }
    }
}

Test(sip_media, a_handshake_gives_both_sides_the_same_keys)
{
    struct media_identity *ours = media_identity_new(), *theirs = media_identity_new();
    cr_assert(ours && theirs);
    cr_assert_str_neq(media_identity_fingerprint(ours), media_identity_fingerprint(theirs));
    struct media_dtls *a = media_dtls_new(ours, 1, media_identity_fingerprint(theirs)),
                      *b = media_dtls_new(theirs, 0, media_identity_fingerprint(ours));
    struct media_crypto a_in, a_out, b_in, b_out;
    cr_assert_eq(media_dtls_keys(a, &a_in, &a_out), VOICEGW_EINVALID);
    cr_assert_eq(media_dtls_take(b, NULL, 0), MEDIA_DTLS_GOES_ON);
    shake_hands(a, b);
    cr_assert_eq(media_dtls_take(a, NULL, 0), MEDIA_DTLS_DONE);
    cr_assert_eq(media_dtls_take(b, NULL, 0), MEDIA_DTLS_DONE);
    cr_assert_eq(media_dtls_keys(a, &a_in, &a_out), VOICEGW_OK);
    cr_assert_eq(media_dtls_keys(b, &b_in, &b_out), VOICEGW_OK);
    cr_assert_eq(a_in.key_bytes, media_suite_key_bytes(a_in.suite));
    cr_assert_arr_eq(a_in.key, b_out.key, a_in.key_bytes);
    cr_assert_arr_eq(a_out.key, b_in.key, a_out.key_bytes);
    cr_assert_arr_neq(a_in.key, a_out.key, a_out.key_bytes);
    uint8_t garbage[64];
    memset(garbage, 22, sizeof garbage);
    cr_assert_eq(media_dtls_take(a, garbage, sizeof garbage), MEDIA_DTLS_DONE, "what comes afterwards changes nothing");
    media_dtls_free(a);
    media_dtls_free(b);
    media_identity_free(ours);
    media_identity_free(theirs);
}

Test(sip_media, a_handshake_with_somebody_else_fails)
{
    struct media_identity *ours = media_identity_new(), *theirs = media_identity_new();
    struct media_dtls *a = media_dtls_new(ours, 1, media_identity_fingerprint(ours)),
                      *b = media_dtls_new(theirs, 0, media_identity_fingerprint(ours));
    struct media_crypto in, out;
    shake_hands(a, b);
    cr_assert_eq(media_dtls_take(a, NULL, 0), MEDIA_DTLS_FAILED);
    cr_assert_eq(media_dtls_keys(a, &in, &out), VOICEGW_EINVALID);
    media_dtls_free(a);
    media_dtls_free(b);
    /* What is no handshake is dropped: a peer may still come. */
    uint8_t garbage[100];
    a = media_dtls_new(ours, 0, media_identity_fingerprint(theirs));
    b = media_dtls_new(theirs, 1, media_identity_fingerprint(ours));
    for (unsigned i = 0; i < 200; i++) {
        for (unsigned k = 0; k < sizeof garbage; k++)
            garbage[k] = (uint8_t)(k < 13 ? 20 + i % 44 : i * 31 + k * 7);
        (void)media_dtls_take(a, garbage, 13 + i % 80);
    }
    shake_hands(b, a);
    cr_assert_eq(media_dtls_take(a, NULL, 0), MEDIA_DTLS_DONE);
    media_dtls_free(a);
    media_dtls_free(b);
    static const char *const wrong[] = {"", "sha-256", "md5 AA:BB", "sha-25 AA", "sha-2567 AA", " sha-256 AA"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        a = media_dtls_new(ours, 0, wrong[i]);
        if (strcmp(wrong[i], "sha-256") == 0) { /* a known hash of nothing: nobody has it */
            cr_assert(a);
            media_dtls_free(a);
            continue;
        }
        cr_assert_null(a, "%s", wrong[i]);
    }
    media_identity_free(ours);
    media_identity_free(theirs);
}
