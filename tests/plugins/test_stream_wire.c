/* test_stream_wire.c - frames of a media stream in Twilio's format: what comes in one pass, what is refused, what goes
 * out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../plugins/common/stream_wire.h"

static int passed, failed;

static void check(int ok, const char *promise)
{
    passed += ok != 0;
    failed += !ok;
    if (!ok)
        (void)printf("FAILED: %s\n", promise);
}

static void base64_both_ways(void)
{
    static const char *const rows[][2] = {{"", ""},
                                          {"f", "Zg=="},
                                          {"fo", "Zm8="},
                                          {"foo", "Zm9v"},
                                          {"foob", "Zm9vYg=="},
                                          {"fooba", "Zm9vYmE="},
                                          {"foobar", "Zm9vYmFy"}};
    char text[32];
    uint8_t back[32];
    size_t used;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t n = base64_encode((const uint8_t *)rows[i][0], strlen(rows[i][0]), text);
        check(n == strlen(rows[i][1]) && memcmp(text, rows[i][1], n) == 0, "RFC 4648 vectors are written");
        int64_t bytes = base64_decode(rows[i][1], n, back, sizeof back, &used);
        check(bytes == (int64_t)strlen(rows[i][0]) && memcmp(back, rows[i][0], (size_t)bytes) == 0 && used == n,
              "RFC 4648 vectors are read");
    }
    static const char *const bad[] = {"Z", "Zg", "Zg=", "Zm9", "Z===", "====", "Zg=x", "Zm9v="};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        check(base64_decode(bad[i], strlen(bad[i]), back, sizeof back, &used) < 0, bad[i]);
    check(base64_decode("Zm9vYmFy", 8, back, 5, &used) < 0, "no more than fits is read");
    check(base64_decode("Zm9v\"xx", 7, back, 32, &used) == 3 && used == 4, "reading stops at what is no base64");
}

static void media_in_one_pass(void)
{
    static const char usual[] =
        "{\"event\":\"media\",\"sequenceNumber\":\"4\",\"media\":{\"track\":\"inbound\",\"chunk\":\"2\","
        "\"timestamp\":\"5\",\"payload\":\"Zm9vYg==\"},\"streamSid\":\"MZ1\"}";
    static const char spaced[] =
        " {\"event\": \"media\", \"streamSid\": \"MZ1\", \"media\": {\"payload\": \"Zm9vYg==\", "
        "\"track\": \"outbound\"}} ";
    struct stream_media m;
    uint8_t out[16];
    check(stream_wire_media(usual, strlen(usual), out, sizeof out, &m) == 1, "the usual frame is taken");
    check(m.sequence == 4 && m.chunk == 2 && m.timestamp_ms == 5 && m.bytes == 4 && memcmp(out, "foob", 4) == 0 &&
              !m.outbound,
          "its numbers and its audio are right");
    check(stream_wire_media(spaced, strlen(spaced), out, sizeof out, &m) == 1 && m.outbound,
          "space and order do not matter");
    check(stream_wire_media(usual, strlen(usual), out, 3, &m) == 0, "audio that does not fit is left");
    for (size_t n = 0; n < strlen(usual); n++) {
        char *cut = malloc(n + 1);
        memcpy(cut, usual, n);
        check(stream_wire_media(cut, n, out, sizeof out, &m) == 0, "a cut frame is left");
        free(cut);
    }
    static const char *const left[] = {"{\"event\":\"mark\",\"media\":{\"payload\":\"\"}}",
                                       "{\"event\":\"media\",\"media\":{\"payload\":\"Zg\"}}",
                                       "{\"event\":\"media\",\"media\":{\"payload\":\"Zg==\"},}",
                                       "{\"event\":\"media\",\"media\":{}}",
                                       "{\"event\":\"media\",\"media\":{\"payload\":\"Zg==\"}}x",
                                       "{\"event\":\"media\",\"media\":{\"payload\":\"Zm\\/v\"}}",
                                       "{\"media\":{\"payload\":\"Zg==\"}}",
                                       "{\"event\":\"media\",\"media\":{\"payload\":\"Zg==\",\"more\":1}}",
                                       "{\"event\":\"media\",\"media\":{\"timestamp\":\"-5\",\"payload\":\"Zg==\"}}",
                                       "[]"};
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++)
        check(stream_wire_media(left[i], strlen(left[i]), out, sizeof out, &m) == 0, left[i]);
}

struct row {
    const char *text;
    int32_t status;
    enum stream_event event;
};

static void every_other_frame(void)
{
    static const struct row rows[] = {
        {"{\"event\":\"connected\",\"protocol\":\"Call\",\"version\":\"1.0.0\"}", 0, STREAM_CONNECTED},
        {"{\"event\":\"start\",\"start\":{\"streamSid\":\"MZ1\",\"callSid\":\"CA1\"}}", 0, STREAM_START},
        {"{\"event\":\"start\",\"start\":{\"mediaFormat\":{\"encoding\":\"audio/"
         "x-mulaw\",\"sampleRate\":8000,\"channels\":1}}}",
         0, STREAM_START},
        {"{\"event\":\"start\",\"start\":{\"mediaFormat\":{\"encoding\":\"audio/l16\",\"sampleRate\":16000}}}",
         VOICEGW_EINVALID, 0},
        {"{\"event\":\"start\"}", VOICEGW_EINVALID, 0},
        {"{\"event\":\"media\",\"media\":{\"payload\":\"Zm\\/v\"}}", 0, STREAM_MEDIA},
        {"{\"event\":\"media\",\"media\":{\"payload\":7}}", VOICEGW_EINVALID, 0},
        {"{\"event\":\"dtmf\",\"dtmf\":{\"digit\":\"#\"}}", 0, STREAM_DTMF},
        {"{\"event\":\"dtmf\",\"dtmf\":{\"digit\":\"12\"}}", VOICEGW_EINVALID, 0},
        {"{\"event\":\"dtmf\",\"dtmf\":{\"digit\":\"x\"}}", VOICEGW_EINVALID, 0},
        {"{\"event\":\"dtmf\"}", VOICEGW_EINVALID, 0},
        {"{\"event\":\"mark\",\"mark\":{\"name\":\"vgw-7\"}}", 0, STREAM_MARK},
        {"{\"event\":\"mark\",\"mark\":{}}", VOICEGW_EINVALID, 0},
        {"{\"event\":\"stop\"}", 0, STREAM_STOP},
        {"{\"event\":\"other\"}", 0, STREAM_UNKNOWN},
        {"{\"event\":5}", VOICEGW_EINVALID, 0},
        {"[1]", VOICEGW_EINVALID, 0},
        {"{", VOICEGW_EINVALID, 0},
        {"", VOICEGW_EINVALID, 0},
        {"{\"event\":\"\xff\"}", VOICEGW_EINVALID, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct stream_wire w = {0};
        const char *why = NULL;
        int32_t rc = stream_wire_parse(rows[i].text, strlen(rows[i].text), &w, &why);
        check(rc == rows[i].status && (rc != 0 ? why != NULL : w.event == rows[i].event), rows[i].text);
    }
}

static void to_the_far_side(void)
{
    char prefix[STREAM_PREFIX_CAP], out[256];
    size_t n = stream_wire_prefix("MZ1", prefix);
    n = stream_wire_put_media(prefix, n, (const uint8_t *)"foob", 4, out);
    out[n] = '\0';
    check(strcmp(out, "{\"event\":\"media\",\"streamSid\":\"MZ1\",\"media\":{\"payload\":\"Zm9vYg==\"}}") == 0,
          "media goes out");
    check(stream_wire_put_mark("MZ1", 18446744073709551615u, out, sizeof out) > 0 &&
              strcmp(out,
                     "{\"event\":\"mark\",\"streamSid\":\"MZ1\",\"mark\":{\"name\":\"vgw-18446744073709551615\"}}") ==
                  0,
          "a mark goes out");
    check(stream_wire_put_clear("MZ1", out, sizeof out) > 0 &&
              strcmp(out, "{\"event\":\"clear\",\"streamSid\":\"MZ1\"}") == 0,
          "a clear goes out");
    check(stream_wire_put_clear("MZ1", out, 10) == 0, "what does not fit is not written");
    check(stream_wire_mark_id(voicegw_json_of("\"vgw-18446744073709551615\"")) == UINT64_MAX, "our mark comes back");
    check(stream_wire_mark_id(voicegw_json_of("\"vgw-18446744073709551616\"")) == 0, "a number too large is not ours");
    check(stream_wire_mark_id(voicegw_json_of("\"hello\"")) == 0, "another's mark is not ours");
    char longest[STREAM_SID_CAP];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    check(stream_wire_sid_valid(longest) && stream_wire_prefix(longest, prefix) < STREAM_PREFIX_CAP,
          "the longest id fits");
    check(!stream_wire_sid_valid("") && !stream_wire_sid_valid("a\"b") && !stream_wire_sid_valid("\xc3\xa4"),
          "an id cannot break a frame");
}

int main(void)
{
    base64_both_ways();
    media_in_one_pass();
    every_other_frame();
    to_the_far_side();
    (void)printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
