/* test_sip_signalling.c - the pure parts of the SIP plugin's signalling: timers' heap, messages, passwords, throttles,
 * registrations, session timers, headers. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../plugins/sip/bucket.h"
#include "../../plugins/sip/digest.h"
#include "../../plugins/sip/expires.h"
#include "../../plugins/sip/heap.h"
#include "../../plugins/sip/outcome.h"
#include "../../plugins/sip/refresh.h"
#include "../../plugins/sip/registrar.h"
#include "../../plugins/sip/settings.h"
#include "../../plugins/sip/sips.h"
#include "../../plugins/sip/strict.h"
#include "../../plugins/sip/throttle.h"
#include "../../plugins/sip/trace.h"
#include "../../plugins/sip/words.h"
#include "voicegw/draft/provider.h"

static int passed, failed;

static void check(int ok, const char *promise)
{
    passed += ok != 0;
    failed += !ok;
    if (!ok)
        (void)printf("FAILED: %s\n", promise);
}

/* ---- heap ---- */

struct item {
    uint64_t at;
    size_t place;
    int number;
};

static void on_moved(void *item, size_t place)
{
    ((struct item *)item)->place = place;
}

static void heap_gives_in_order_of_time_then_of_coming(void)
{
    enum { N = 2000 };
    static struct item items[N];
    struct sip_heap heap = {.moved = on_moved};
    uint32_t seed = 1;
    int ordered = 1, count = 0, last_number = -1;
    uint64_t last = 0;
    for (int i = 0; i < N; i++) {
        seed = seed * 1664525u + 1013904223u;
        items[i] = (struct item){.at = seed >> 26, .number = i};
        check(sip_heap_add(&heap, items[i].at, &items[i]) == 0, "an item is added");
    }
    for (int i = 0; i < N; i += 3)
        sip_heap_remove(&heap, items[i].place);
    for (const struct sip_heap_entry *e; (e = sip_heap_first(&heap)); count++) {
        const struct item *it = e->item;
        ordered &= e->at > last || (e->at == last && it->number > last_number);
        last = e->at;
        last_number = it->number;
        ordered &= it->number % 3 != 0;
        sip_heap_remove(&heap, 0);
    }
    check(ordered, "times come in order, equal ones as they came, and none that was removed");
    check(count == N - (N + 2) / 3, "every item comes once");
    sip_heap_remove(&heap, 5);
    sip_heap_clear(&heap);
    check(items[0].place == SIP_HEAP_NOWHERE && items[1].place == SIP_HEAP_NOWHERE, "an item knows that it left");
}

/* ---- messages ---- */

static void frames_end_where_content_length_says(void)
{
    static const struct {
        const char *text;
        int want;
        size_t bytes;
    } rows[] = {{"OPTIONS sip:a SIP/2.0\r\nl: 3\r\n\r\nabcNEXT", SIP_FRAME_WHOLE, 34},
                {"OPTIONS sip:a SIP/2.0\r\nContent-Length: 3\r\n\r\nab", SIP_FRAME_MORE, 0},
                {"OPTIONS sip:a SIP/2.0\r\nContent-Le", SIP_FRAME_MORE, 0},
                {"OPTIONS sip:a SIP/2.0\r\nTo: x\r\n\r\n", SIP_FRAME_BAD, 0},
                {"OPTIONS sip:a SIP/2.0\r\nContent-Length: -1\r\n\r\n", SIP_FRAME_BAD, 0},
                {"OPTIONS sip:a SIP/2.0\r\nContent-Length: 99999999999\r\n\r\n", SIP_FRAME_BAD, 0},
                {"OPTIONS sip:a SIP/2.0\nContent-Length: 0\n\nX", SIP_FRAME_WHOLE, 41}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t bytes = 0;
        int rc = sip_strict_frame(rows[i].text, strlen(rows[i].text), &bytes);
        check(rc == rows[i].want && (rc != SIP_FRAME_WHOLE || bytes == rows[i].bytes), rows[i].text);
    }
}

static void an_answer_never_holds_more_lines_than_ours(void)
{
    char answer[2048];
    const char *what,
        text[] =
            "OPTIONS sip:a SIP/7.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a>\r\n ;tag=1\r\nTo: <sip:b>\r\n"
            "Call-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n";
    check(sip_strict_check(text, sizeof text - 1, answer, sizeof answer, &what) == SIP_STRICT_REFUSE,
          "a version is refused");
    check(strncmp(answer, "SIP/2.0 505 ", 12) == 0 && strstr(answer, "From: <sip:a>   ;tag=1\r\n"),
          "a folded header is one line");
    check(sip_strict_check(text, sizeof text - 1, answer, 60, &what) == SIP_STRICT_DROP && !*answer,
          "an answer that does not fit is none");
    for (size_t n = 0; n < sizeof text; n++)
        (void)sip_strict_check(text, n, answer, sizeof answer, &what);
    check(sip_strict_refuse("ACK sip:a SIP/2.0\r\nVia: x\r\n\r\n", 29, answer, sizeof answer) == SIP_STRICT_DROP,
          "an ACK is not answered");
}

/* ---- passwords ---- */

static void md5(void *arg, const char *text, size_t bytes, uint8_t *out)
{
    (void)arg;
    (void)EVP_Digest(text, bytes, out, NULL, EVP_md5(), NULL);
}

static void the_example_of_rfc_2617_is_good(void)
{
    static struct digest d;
    struct digest_claim c;
    const char *header =
        "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
        "uri=\"/dir/index.html\", qop=auth, nc=00000001, cnonce=\"0a4f113b\", "
        "response=\"6629fae49393a05397450978507c4ef1\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
    check(digest_parse(header, &c) == 0, "the header is read");
    check(digest_check(&d, &c, "GET", "testrealm@host.com", "Circle Of Life", md5, NULL, 0) == DIGEST_STALE,
          "right, but the nonce is not ours");
    check(digest_check(&d, &c, "GET", "testrealm@host.com", "Circle of life", md5, NULL, 0) == DIGEST_WRONG,
          "another password");
    check(digest_check(&d, &c, "PUT", "testrealm@host.com", "Circle Of Life", md5, NULL, 0) == DIGEST_WRONG,
          "another method");
    check(digest_check(&d, &c, "GET", "elsewhere", "Circle Of Life", md5, NULL, 0) == DIGEST_UNKNOWN, "another realm");
}

static void claim_of(struct digest_claim *c, const char *nonce, const char *nc)
{
    char text[512], sum[33], ha1[33], ha2[33];
    uint8_t raw[16];
    memset(c, 0, sizeof *c);
    (void)snprintf(c->username, sizeof c->username, "u");
    (void)snprintf(c->realm, sizeof c->realm, "r");
    (void)snprintf(c->nonce, sizeof c->nonce, "%s", nonce);
    (void)snprintf(c->uri, sizeof c->uri, "sip:x");
    (void)snprintf(c->cnonce, sizeof c->cnonce, "k");
    (void)snprintf(c->nc, sizeof c->nc, "%s", nc);
    (void)snprintf(c->qop, sizeof c->qop, "%s", *nc ? "auth" : "");
    const char *const parts[] = {"u:r:p", "INVITE:sip:x"};
    char *const outs[] = {ha1, ha2};
    for (int i = 0; i < 2; i++) {
        md5(NULL, parts[i], strlen(parts[i]), raw);
        for (int b = 0; b < 16; b++)
            (void)snprintf(outs[i] + 2 * b, 3, "%02x", raw[b]);
    }
    if (*nc)
        (void)snprintf(text, sizeof text, "%s:%s:%s:k:auth:%s", ha1, nonce, nc, ha2);
    else
        (void)snprintf(text, sizeof text, "%s:%s:%s", ha1, nonce, ha2);
    md5(NULL, text, strlen(text), raw);
    for (int b = 0; b < 16; b++)
        (void)snprintf(sum + 2 * b, 3, "%02x", raw[b]);
    (void)snprintf(c->response, sizeof c->response, "%s", sum);
}

static enum digest_verdict ask(struct digest *d, const char *nonce, const char *nc, int64_t now_us)
{
    struct digest_claim c;
    claim_of(&c, nonce, nc);
    return digest_check(d, &c, "INVITE", "r", "p", md5, NULL, now_us);
}

static void a_nonce_is_good_once_for_each_count(void)
{
    static struct digest d;
    const uint8_t random[16] = {1, 2, 3};
    char nonce[DIGEST_NONCE_CAP], plain[DIGEST_NONCE_CAP];
    (void)snprintf(nonce, sizeof nonce, "%s", digest_nonce_new(&d, random, 0));
    (void)snprintf(plain, sizeof plain, "%s", digest_nonce_new(&d, (const uint8_t *)"0123456789abcdef", 0));
    check(ask(&d, nonce, "00000001", 1) == DIGEST_GOOD, "the first use is good");
    check(ask(&d, nonce, "00000001", 2) == DIGEST_STALE, "a replay is not");
    check(ask(&d, nonce, "00000005", 3) == DIGEST_GOOD, "a count may jump");
    check(ask(&d, nonce, "00000004", 4) == DIGEST_STALE, "but not go back");
    check(ask(&d, nonce, "6", 5) == DIGEST_UNKNOWN, "a count has eight digits");
    check(ask(&d, nonce, "00000006", DIGEST_NONCE_US + 1) == DIGEST_STALE, "a nonce grows old");
    check(ask(&d, plain, "", 5) == DIGEST_GOOD && ask(&d, plain, "", 6) == DIGEST_STALE,
          "without a count it is good once");
    for (uint32_t i = 0; i < DIGEST_NONCES; i++)
        (void)digest_nonce_new(&d, (const uint8_t *)"fedcba9876543210", 10);
    check(ask(&d, nonce, "00000009", 11) == DIGEST_STALE, "the oldest nonces go first");
}

static void claims_that_are_none(void)
{
    static const char *const rows[] = {"",
                                       "Basic abc",
                                       "Digest",
                                       "Digest username=\"u",
                                       "Digest username=u",
                                       "Digest =x",
                                       "Digestusername=u",
                                       "Digest username=\"u\", nonce=n, uri=, response=r"};
    struct digest_claim c;
    char big[2000];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check(digest_parse(rows[i], &c) < 0, rows[i]);
    (void)snprintf(big, sizeof big, "Digest username=\"%01500d\", nonce=n, uri=u, response=r", 0);
    check(digest_parse(big, &c) < 0, "a name that does not fit");
}

static void guessing_waits_ever_longer(void)
{
    static struct throttle t;
    char ip[32];
    int64_t now = 1000000;
    for (int i = 0; i < 4; i++)
        check(throttle_failure(&t, "192.0.2.1", now) == 0 && throttle_wait_s(&t, "192.0.2.1", now) == 0,
              "four failures are borne");
    check(throttle_failure(&t, "192.0.2.1", now) == 1 && throttle_wait_s(&t, "192.0.2.1", now) == 60,
          "the fifth shuts out for a minute");
    check(throttle_wait_s(&t, "192.0.2.2", now) == 0, "another address may try");
    now += 61000000;
    check(throttle_wait_s(&t, "192.0.2.1", now) == 0, "then it may try again");
    for (int i = 0; i < 5; i++)
        (void)throttle_failure(&t, "192.0.2.1", now);
    check(throttle_wait_s(&t, "192.0.2.1", now) == 120, "the second time it is two");
    for (int i = 0; i < 4; i++)
        (void)throttle_failure(&t, "198.51.100.1", now);
    throttle_success(&t, "198.51.100.1");
    check(throttle_failure(&t, "198.51.100.1", now) == 0, "a right password forgives");
    for (uint32_t i = 0; i < THROTTLE_ADDRESSES + 10; i++) {
        (void)snprintf(ip, sizeof ip, "10.0.%u.%u", i / 256, i % 256);
        (void)throttle_failure(&t, ip, now + i);
    }
    check(throttle_wait_s(&t, "10.0.0.1", now) == 0, "a flood of addresses is borne");
}

static void phones_are_found_until_their_time_runs_out(void)
{
    struct registrar r = {.limit = 3};
    char list[400];
    int64_t s = 1000000;
    check(registrar_put(&r, "a", "sip:a@1", "sip:a@1:1", "x", 30, 0) == REGISTRAR_BRIEF,
          "less than a minute is too brief");
    check(registrar_put(&r, "a", "sip:a@1", "sip:a@1:1", "x", 60, 0) == REGISTRAR_OK, "a minute is not");
    check(registrar_put(&r, "a", "sip:a@2", "sip:a@2:1", "x", 600, s) == REGISTRAR_OK, "a second phone");
    check(strcmp(registrar_find(&r, "a", s)->contact, "sip:a@2") == 0, "the newest is called");
    check(registrar_put(&r, "a", "sip:a@1", "sip:a@1:2", "x", 60, 2 * s) == REGISTRAR_OK && r.count == 2,
          "a refresh is no third");
    check(strcmp(registrar_find(&r, "a", 3 * s)->target, "sip:a@1:2") == 0, "and brings its new address");
    registrar_list(&r, "a", 2 * s, list, sizeof list);
    check(strstr(list, "<sip:a@1>;expires=60\r\n") && strstr(list, "<sip:a@2>;expires=599\r\n"), "both are listed");
    check(registrar_put(&r, "b", "sip:b", "t", "x", 600, s) == REGISTRAR_OK, "a third");
    check(registrar_put(&r, "c", "sip:c", "t", "x", 600, s) == REGISTRAR_FULL, "the limit holds");
    check(registrar_put(&r, "c", "sip:c", "t", "x", 600, 63 * s) == REGISTRAR_OK, "what has run out makes room");
    check(registrar_put(&r, "a", "sip:a@2", "t", "x", 0, 64 * s) == REGISTRAR_OK && !registrar_find(&r, "a", 64 * s),
          "0 seconds remove");
    registrar_remove_all(&r, "b");
    check(!registrar_find(&r, "b", 64 * s), "all of a user can be removed");
    registrar_clear(&r);
}

/* ---- timers ---- */

static void session_timers_are_agreed_on(void)
{
    static const struct {
        const char *asked;
        int supported;
        uint32_t ours, status, seconds;
        enum sip_refresher refresher;
    } rows[] = {{NULL, 1, 600, 0, 600, SIP_REFRESHER_UAS},
                {NULL, 0, 600, 0, 0, SIP_REFRESHER_UAS},
                {"60", 1, 600, 422, 0, SIP_REFRESHER_NONE},
                {"90", 1, 600, 0, 90, SIP_REFRESHER_UAC},
                {"1800;refresher=uas", 1, 600, 0, 600, SIP_REFRESHER_UAS},
                {"1800;refresher=UAC", 1, 0, 0, 1800, SIP_REFRESHER_UAC},
                {"1800", 0, 600, 0, 600, SIP_REFRESHER_UAS},
                {"many", 1, 600, 0, 600, SIP_REFRESHER_UAS},
                {"99999999", 1, 600, 0, 600, SIP_REFRESHER_UAS}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sip_expires agreed = {0, SIP_REFRESHER_NONE};
        uint32_t status = sip_expires_answer(sip_expires_read(rows[i].asked), rows[i].supported, rows[i].ours, &agreed);
        check(status == rows[i].status &&
                  (status || (agreed.seconds == rows[i].seconds && agreed.refresher == rows[i].refresher)),
              rows[i].asked ? rows[i].asked : "nothing asked");
    }
    check(sip_expires_refresh_ms(1800) == 900000 && sip_expires_give_up_ms(1800) == 1768000 &&
              sip_expires_give_up_ms(90) == 60000,
          "a refresh comes at half time, the end 32 s or a third before it");
    check(sip_header_has("100rel, Timer ,x", "timer") && !sip_header_has("timers", "timer"),
          "words of a list are found whole");
}

static void registrations_come_again_with_patience(void)
{
    check(sip_register_refresh_ms(3600) == 3540000 && sip_register_refresh_ms(60) == 30000 &&
              sip_register_refresh_ms(1) == 1000,
          "a refresh comes a minute before the end, or at half time");
    for (uint32_t n = 1; n < 20; n++)
        check(sip_register_backoff_ms(n, 0) <= sip_register_backoff_ms(n, UINT32_MAX) &&
                  sip_register_backoff_ms(n, UINT32_MAX) <= 300000 && sip_register_backoff_ms(n, 0) >= 1000,
              "waits are spread and bounded");
    check(sip_register_backoff_ms(3, 0) == 4000, "and double");
    check(sip_register_granted("<sip:a@b>;expires=120", "60", 3600) == 120 &&
              sip_register_granted("<sip:a@b>", "60", 3600) == 60 && sip_register_granted(NULL, NULL, 3600) == 3600 &&
              sip_register_granted("<sip:a>;expires=x", "y", 3600) == 3600,
          "the registrar's word counts");
}

/* ---- settings and texts ---- */

static void addresses_are_read(void)
{
    static const char *const good[] = {"udp:0.0.0.0:5060", "TLS:[::1]:5061", "tcp:192.0.2.1"}, *const bad[] = {
                                                                                                   "0.0.0.0:5060",
                                                                                                   "udp:host:5060",
                                                                                                   "udp:1.2.3.4:0",
                                                                                                   "udp:[::1",
                                                                                                   "sctp:1.2.3.4"};
    struct sip_listen l;
    struct sip_network n;
    for (size_t i = 0; i < 3; i++)
        check(sip_listen_parse(good[i], &l) == 0 &&
                  l.transport == (i == 0   ? 0
                                  : i == 1 ? 2
                                           : 1) &&
                  l.port == (i == 1 ? 5061 : 5060),
              good[i]);
    for (size_t i = 0; i < 5; i++)
        check(sip_listen_parse(bad[i], &l) < 0, bad[i]);
    check(sip_network_parse("192.0.2.0/25", &n) == 0 && sip_network_has(&n, "192.0.2.127") &&
              !sip_network_has(&n, "192.0.2.128"),
          "a block");
    check(sip_network_parse("2001:db8::/33", &n) == 0 && sip_network_has(&n, "2001:db8:1::1") &&
              !sip_network_has(&n, "2001:db8:8000::1"),
          "a block of IPv6");
    check(sip_network_parse("192.0.2.1/33", &n) < 0 && sip_network_parse("x", &n) < 0 &&
              sip_network_parse("::/129", &n) < 0,
          "what is none");
    check(sip_network_parse("0.0.0.0/0", &n) == 0 && sip_network_has(&n, "8.8.8.8") && !sip_network_has(&n, "::1"),
          "all of IPv4");
}

static void words_of_requests(void)
{
    char target[64], replaces[64], header[] = "c@h;to-tag=t;from-tag=f;early-only", short_one[] = "c@h;to-tag=t", *a,
                                   *b, *c;
    uint32_t ms;
    sip_refer_split("sip:x@h?Replaces=a%40b%3Bto-tag%3D1%0d%0aX&y=z", target, sizeof target, replaces, sizeof replaces);
    check(strcmp(target, "sip:x@h") == 0 && strcmp(replaces, "a@b;to-tag=1X") == 0,
          "a target and whom it replaces, on one line");
    sip_refer_split("sip:x%", target, sizeof target, replaces, sizeof replaces);
    check(strcmp(target, "sip:x%") == 0 && !*replaces, "a target alone");
    check(sip_replaces_split(header, &a, &b, &c) == 0 && strcmp(a, "c@h") == 0 && strcmp(b, "t") == 0 &&
              strcmp(c, "f") == 0,
          "Replaces");
    check(sip_replaces_split(short_one, &a, &b, &c) < 0, "half of it");
    check(sip_info_digit("application/dtmf-relay", "Signal= 5\r\nDuration= 250\r\n", 27, &ms) == '5' && ms == 250,
          "a digit by INFO");
    check(sip_info_digit("application/dtmf", "a", 1, &ms) == 'A' &&
              sip_info_digit("application/dtmf-relay", "x", 1, &ms) == 0 &&
              sip_info_digit("text/plain", "5", 1, &ms) == 0,
          "and what is none");
    check(sip_header_allowed("X-Any") && sip_header_allowed("diversion") && !sip_header_allowed("Via") &&
              !sip_header_allowed("X-a b") && !sip_header_allowed("X-a:") && !sip_header_allowed(""),
          "variables name headers that are theirs");
    check(sip_outcome_of(486) == VOICEGW_OUTCOME_BUSY && sip_outcome_of(480) == VOICEGW_OUTCOME_NO_ANSWER &&
              sip_outcome_of(404) == VOICEGW_OUTCOME_FAILED && sip_outcome_try_next(503) && sip_outcome_try_next(0) &&
              !sip_outcome_try_next(486) && !sip_outcome_try_next(404),
          "what a status means, and whether another trunk may do better");
}

static void buckets_let_a_rate_pass(void)
{
    struct sip_bucket b;
    int taken = 0;
    sip_bucket_init(&b, 5, 0);
    for (int i = 0; i < 20; i++)
        taken += sip_bucket_take(&b, 0);
    check(taken == 5, "a second's worth at once");
    for (int64_t t = 0; t <= 10000000; t += 10000)
        taken += sip_bucket_take(&b, t);
    check(taken >= 54 && taken <= 56, "then as many as the rate says");
    sip_bucket_init(&b, 0, 0);
    check(sip_bucket_take(&b, 0) && sip_bucket_take(&b, 0), "0 is no limit");
}

static void traces_mask_and_forget(void)
{
    struct trace *t = trace_new(2);
    char text[400];
    size_t bytes = 0;
    for (int i = 0; i < 5; i++) {
        int n = snprintf(
            text, sizeof text,
            "INVITE sip:a SIP/2.0\r\ni : c%d\r\nCSeq: 1 INVITE\r\nAuthorization: Digest response=\"secret\"\r\n\r\n"
            "a=crypto:1 S inline:KEYKEY|2^31\r\n",
            i);
        check(trace_add(t, i % 2, 0, "192.0.2.1:5060", "[2001:db8::1]:5060", text, (size_t)n, i) == 1,
              "an INVITE begins a call");
    }
    check(trace_add(t, 0, 0, "l:1", "r:1", "OPTIONS sip:a SIP/2.0\r\nCall-ID: z\r\n\r\n", 38, 0) == 0,
          "a ping does not");
    char *json = trace_json(t, "c4");
    check(json && strstr(json, "INVITE sip:a"), "the newest is kept");
    free(json);
    check(trace_json(t, "c0") == NULL, "the oldest is not");
    trace_name(t, "c3", "call-1");
    json = trace_json(t, "call-1");
    check(json && strstr(json, "\"provider_call_id\":\"c3\""), "a call has two names");
    free(json);
    uint8_t *pcap = trace_pcap(t, 10, &bytes);
    check(pcap && bytes == 24, "packets between two families are left out");
    free(pcap);
    (void)trace_add(t, 1, 0, "192.0.2.1:5060", "192.0.2.2:5060", text, strlen(text), 7000001);
    pcap = trace_pcap(t, 10, &bytes);
    check(pcap && bytes == 24 + 16 + 28 + strlen(text), "a packet has its headers and the message");
    check(pcap && !memmem(pcap, bytes, "secret", 6) && !memmem(pcap, bytes, "KEYKEY", 6) &&
              memmem(pcap, bytes, "inline:******|", 14),
          "secrets are masked");
    free(pcap);
    trace_free(t);
}

static void sips_targets_are_sip_with_tls(void)
{
    static const struct {
        const char *in, *out; /* out NULL: nothing changes */
    } rows[] = {
        {"Contact: <sips:a@h>\r\n", "Contact: <sip:a@h;transport=tls>\r\n"},
        {"m:sips:a@h:5;q=1\r\n", "m:sip:a@h:5;transport=tls;q=1\r\n"},
        {"Contact: \"x\" <SIPS:a@h;transport=tcp;x=y?k=v>;expires=9\r\n",
         "Contact: \"x\" <sip:a@h;x=y;transport=tls?k=v>;expires=9\r\n"},
        {"Record-Route: <sips:p;lr>,<sips:q;lr>\r\n",
         "Record-Route: <sip:p;lr;transport=tls>,<sip:q;lr;transport=tls>\r\n"},
        {"Contact: <sip:a@h>\r\n", NULL},
        {"From: <sips:a@h>\r\nContacts: <sips:a@h>\r\n", NULL},
        {"Contact: <sip:xsips:a@h>\r\n", "Contact: <sip:xsips:a@h>\r\n"},
        {"Contact: <sips:\r\n", "Contact: <sip:;transport=tls\r\n"},
        {"Contact: <sips\r\n", NULL},
    };
    char in[600], out[700], uri[100] = "sip:a@h:5061;transport=tls";
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int n = snprintf(in, sizeof in, "X: 1\r\n%s\r\nContact: <sips:body>\r\n", rows[i].in);
        size_t bytes = sip_sips_targets(in, (size_t)n, out, sizeof out - 1);
        out[bytes] = '\0';
        if (!rows[i].out || strcmp(rows[i].in, rows[i].out) == 0) {
            check(bytes == 0, rows[i].in);
            continue;
        }
        check(strncmp(out, "X: 1\r\n", 6) == 0 && strncmp(out + 6, rows[i].out, strlen(rows[i].out)) == 0 &&
                  strcmp(out + 6 + strlen(rows[i].out), "\r\nContact: <sips:body>\r\n") == 0,
              rows[i].in);
        check(sip_sips_targets(in, (size_t)n, out, 10) == 0, "no room, no change");
    }
    check(sip_sips_route("sips:a@h:5071;x=y", out, sizeof out) == 0 && strcmp(out, "sip:h:5071;transport=tls") == 0,
          "the next hop");
    check(sip_sips_route("sip:a@h", out, sizeof out) < 0 && sip_sips_route("sips:a@hhhhhhhh", out, 20) < 0, "none");
    sip_sips_contact(uri, sizeof uri);
    check(strcmp(uri, "sips:a@h:5061") == 0, "our Contact");
}

int main(void)
{
    heap_gives_in_order_of_time_then_of_coming();
    frames_end_where_content_length_says();
    an_answer_never_holds_more_lines_than_ours();
    the_example_of_rfc_2617_is_good();
    a_nonce_is_good_once_for_each_count();
    claims_that_are_none();
    guessing_waits_ever_longer();
    phones_are_found_until_their_time_runs_out();
    session_timers_are_agreed_on();
    registrations_come_again_with_patience();
    addresses_are_read();
    words_of_requests();
    sips_targets_are_sip_with_tls();
    buckets_let_a_rate_pass();
    traces_mask_and_forget();
    (void)printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
