/* test_sip_sdp.c - descriptions and the rules of offer and answer: what is taken, what is refused, what is written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../plugins/sip/sdp.h"

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"

static int passed, failed;
static struct sdp sdp;
static const struct sdp_local local = {.address = "198.51.100.1",
                                       .port = 20000,
                                       .codecs = {SIP_CODEC_PCMA, SIP_CODEC_PCMU, SIP_CODEC_OPUS},
                                       .codec_count = 3,
                                       .dtmf = 1,
                                       .direction = SDP_SENDRECV,
                                       .session = 1,
                                       .version = 2};

static void check(int ok, const char *promise)
{
    passed += ok != 0;
    failed += !ok;
    if (!ok)
        (void)printf("FAILED: %s\n", promise);
}

static int answer(const char *offer, struct sdp_result *r, char *out, size_t cap)
{
    char why[200] = "";
    int rc = sdp_parse(offer, strlen(offer), &sdp, why, sizeof why) < 0
                 ? -2
                 : sdp_answer(&sdp, &local, r, out, cap, why, sizeof why);
    check(rc == 0 || *why, "a refusal has its sentence");
    return rc;
}

static void offers_that_are_taken(void)
{
    static const struct {
        const char *offer;
        int codec, pt, dtmf, direction, holds;
        const char *contains;
    } rows[] = {
        {HEAD "m=audio 4000 RTP/AVP 0 8\r\n", SIP_CODEC_PCMA, 8, 255, SDP_SENDRECV, 0, "m=audio 20000 RTP/AVP 8\r\n"},
        {HEAD "m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n", SIP_CODEC_PCMU, 0, 101,
         SDP_SENDRECV, 0, "m=audio 20000 RTP/AVP 0 101\r\n"},
        {HEAD "m=audio 4000 RTP/AVPF 96 97 98\r\na=rtpmap:96 OPUS/48000/2\r\na=rtpmap:97 "
              "telephone-event/8000\r\na=rtpmap:98 "
              "telephone-event/48000\r\n",
         SIP_CODEC_OPUS, 96, 98, SDP_SENDRECV, 0, "m=audio 20000 RTP/AVPF 96 98\r\n"},
        {HEAD "m=audio 4000 RTP/AVP 8\r\na=sendonly\r\n", SIP_CODEC_PCMA, 8, 255, SDP_RECVONLY, 1, "a=recvonly\r\n"},
        {HEAD "a=inactive\r\nm=audio 4000 RTP/AVP 8\r\n", SIP_CODEC_PCMA, 8, 255, SDP_INACTIVE, 1, "a=inactive\r\n"},
        {HEAD "m=audio 4000 RTP/AVP 8\r\na=recvonly\r\n", SIP_CODEC_PCMA, 8, 255, SDP_SENDONLY, 0, "a=sendonly\r\n"},
        {HEAD "m=audio 4000 RTP/AVP 8\r\nc=IN IP4 0.0.0.0\r\n", SIP_CODEC_PCMA, 8, 255, SDP_RECVONLY, 1,
         "m=audio 20000"},
        {HEAD "m=video 5000 RTP/AVP 96\r\nm=audio 4000/2 RTP/AVP 8\r\nm=audio 4002 RTP/AVP 0\r\n", SIP_CODEC_PCMA, 8,
         255, SDP_SENDRECV, 0, "m=video 0 RTP/AVP 96\r\nm=audio 20000 RTP/AVP 8\r\n"},
        {HEAD "m=audio 0 RTP/AVP 8\r\nm=audio 4000 RTP/AVP 100\r\na=rtpmap:100 pcma/8000/1\r\n", SIP_CODEC_PCMA, 100,
         255, SDP_SENDRECV, 0, "m=audio 0 RTP/AVP 8\r\nm=audio 20000 RTP/AVP 100\r\n"},
        {HEAD "m=audio 4000 RTP/AVP 8\na=ptime:30\na=rtcp:5005\na=unknown\n", SIP_CODEC_PCMA, 8, 255, SDP_SENDRECV, 0,
         "a=rtpmap:8 PCMA"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sdp_result r = {.port = 0};
        char out[SDP_TEXT_CAP] = "";
        int rc = answer(rows[i].offer, &r, out, sizeof out);
        check(rc == 0 && r.codec == rows[i].codec && r.pt == rows[i].pt && r.dtmf_pt == rows[i].dtmf &&
                  r.direction == rows[i].direction && r.peer_holds == rows[i].holds && strstr(out, rows[i].contains),
              rows[i].offer);
    }
}

static void offers_that_are_refused(void)
{
    static const char *const rows[] = {"",
                                       "v=1\r\n",
                                       "hello",
                                       HEAD,
                                       HEAD "m=audio 4000 RTP/AVP 18\r\n",
                                       HEAD "m=audio 4000 RTP/AVP\r\n",
                                       HEAD "m=audio 0 RTP/AVP 8\r\n",
                                       HEAD "m=audio 99999 RTP/AVP 8\r\n",
                                       HEAD "m=audio x RTP/AVP 8\r\n",
                                       HEAD "m=audio 4000 RTP/SAVP 8\r\n",
                                       HEAD "m=audio 4000 UDP/TLS/RTP/SAVPF 8\r\n",
                                       HEAD "m=video 4000 RTP/AVP 8\r\n",
                                       HEAD "m=audio 4000 RTP/AVP 8\r\nc=IN IP4 host.example\r\n",
                                       HEAD "m=audio 4000 RTP/AVP 8\r\nc=IN IP6 192.0.2.1\r\n",
                                       HEAD "m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 PCMA/16000\r\n",
                                       HEAD "m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/1\r\n",
                                       HEAD "m=audio 4000 RTP/AVP 300\r\n",
                                       HEAD "no type\r\n"};
    char many[40000];
    size_t n = 0;
    struct sdp_result r;
    char out[SDP_TEXT_CAP];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check(answer(rows[i], &r, out, sizeof out) < 0, rows[i]);
    n += (size_t)snprintf(many, sizeof many, HEAD);
    for (int i = 0; i < 1000; i++)
        n += (size_t)snprintf(many + n, sizeof many - n, "m=audio 4000 RTP/AVP 8\r\n");
    check(answer(many, &r, out, sizeof out) < 0, "a thousand streams");
    n = (size_t)snprintf(many, sizeof many, HEAD "m=audio 4000 RTP/AVP 8\r\na=");
    memset(many + n, 'x', 2000);
    many[n + 2000] = '\0';
    check(answer(many, &r, out, sizeof out) < 0, "a line without an end");
    check(answer(HEAD "m=audio 4000 RTP/AVP 8\r\n", &r, out, 40) < 0, "an answer that does not fit");
    memcpy(many, HEAD "m=audio 4000 RTP/AVP 8\r\n\0x", sizeof HEAD + 26);
    check(sdp_parse(many, sizeof HEAD + 26, &sdp, out, sizeof out) < 0, "a zero byte");
}

static void formats_beyond_the_limit_are_let_go(void)
{
    char text[2000];
    size_t n = (size_t)snprintf(text, sizeof text, HEAD "m=audio 4000 RTP/AVP");
    struct sdp_result r;
    char out[SDP_TEXT_CAP];
    for (int i = 0; i < 100; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, " %d", i == 0 ? 8 : 20 + i);
    (void)snprintf(text + n, sizeof text - n,
                   "\r\na=rtpmap:8\r\na=rtpmap:999 x/1\r\na=rtpmap:8 PCMA/8000/9\r\na=fmtp\r\na=ptime:-3\r\n");
    check(answer(text, &r, out, sizeof out) < 0 || r.pt == 8,
          "what cannot be read of a format counts for that format alone");
}

static void our_offer_is_answered(void)
{
    char offer[SDP_TEXT_CAP], why[200];
    struct sdp_result r;
    check(sdp_offer(&local, offer, sizeof offer) > 0 && strstr(offer, "m=audio 20000 RTP/AVP 8 0 107 101 110\r\n") &&
              strstr(offer, "o=voicegw 1 2 IN IP4 198.51.100.1\r\n"),
          "an offer in our order");
    check(sdp_offer(&local, offer, 100) < 0, "one that does not fit is none");
    static const struct {
        const char *answer;
        int ok, codec, dtmf, holds;
    } rows[] = {{HEAD "m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n", 1, SIP_CODEC_PCMU, 101, 0},
                {HEAD "m=audio 4000 RTP/AVP 0 8\r\n", 1, SIP_CODEC_PCMU, 255, 0},
                {HEAD "m=audio 4000 RTP/AVP 8\r\na=inactive\r\n", 1, SIP_CODEC_PCMA, 255, 1},
                {HEAD "m=audio 0 RTP/AVP 8\r\n", 0, 0, 0, 0},
                {HEAD "m=audio 4000 RTP/AVP 9\r\n", 0, 0, 0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int rc = sdp_parse(rows[i].answer, strlen(rows[i].answer), &sdp, why, sizeof why);
        if (rc == 0)
            rc = sdp_accept(&sdp, &local, &r, why, sizeof why);
        check((rc == 0) == rows[i].ok &&
                  (rc < 0 || (r.codec == rows[i].codec && r.dtmf_pt == rows[i].dtmf && r.peer_holds == rows[i].holds &&
                              strcmp(r.address, "192.0.2.1") == 0 && r.port == 4000)),
              rows[i].answer);
    }
}

static void keys_and_addresses_of_ipv6_are_kept(void)
{
    char why[200];
    const char *text =
        "v=0\r\no=- 1 1 IN IP6 ::1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/SAVP 8\r\nc=IN IP6 2001:db8::1\r\na=rtcp-mux\r\n"
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc|2^31\r\na=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\n";
    struct sdp_local encrypted = local;
    encrypted.profile = SDP_SAVP;
    check(sdp_parse(text, strlen(text), &sdp, why, sizeof why) == 0, "it is read");
    const struct sdp_media *m = sdp_audio(&sdp, &encrypted);
    check(m && !sdp_audio(&sdp, &local), "the profile decides");
    check(m && m->crypto_count == 1 && strncmp(m->crypto[0], "1 AES_CM", 8) == 0 &&
              strcmp(m->address, "2001:db8::1") == 0 && m->rtcp_mux,
          "keys as they stand");
}

int main(void)
{
    offers_that_are_taken();
    offers_that_are_refused();
    formats_beyond_the_limit_are_let_go();
    our_offer_is_answered();
    keys_and_addresses_of_ipv6_are_kept();
    (void)printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
