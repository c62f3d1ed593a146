/* test_mediastream.c - the pure parts of the plugin mediastream: frames for an application, the order of its audio and
 * marks. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "digest.h"
#include "fakehost.h"
#include "../../plugins/common/application.h"
#include "../../plugins/common/stream_wire.h"
#include "../../plugins/mediastream/queue.h"
#include "../../plugins/mediastream/wire.h"

static const char session_json[] =
    "{\"from\":\"+1 \\\"x\\\"\",\"variables\":{\"room\":12,\"vip\":true,\"who\":\"J\\u00f6rg\"}}";

static struct wire_start begin(const char *parameters)
{
    return (struct wire_start){.stream_sid = "MZ1",
                               .account_sid = "AC1",
                               .call_sid = "CA\"1",
                               .parameters = parameters,
                               .session = voicegw_json_of(session_json)};
}

Test(mediastream, writes_frames_that_are_json_with_the_members_of_twilios)
{
    char out[2048], text[256];
    uint8_t audio[WIRE_FRAME], back[WIRE_FRAME];
    size_t used;
    struct wire_start s = begin("{\"a\":\"{{ from }}/{{variables.room}}/{{ variables.vip }}/{{ none }}/{{\"}");
    for (size_t i = 0; i < sizeof audio; i++)
        audio[i] = (uint8_t)(i * 3);
    size_t n = wire_start(&s, 1, out, sizeof out);
    cr_assert(voicegw_json_valid(out, n));
    struct voicegw_json doc = voicegw_json_of(out);
    cr_assert(voicegw_json_equals(voicegw_json_get(doc, "start.callSid"), "CA\"1"));
    cr_assert(voicegw_json_equals(voicegw_json_get(doc, "start.customParameters.a"), "+1 \"x\"/12/true//{{"));
    cr_assert(voicegw_json_equals(voicegw_json_get(doc, "streamSid"), "MZ1"));
    n = wire_media("MZ1", 7, 5, 1600, audio, sizeof audio, out, sizeof out);
    cr_assert(voicegw_json_valid(out, n) && n < WIRE_MEDIA_CAP);
    doc = voicegw_json_of(out);
    cr_assert(voicegw_json_equals(voicegw_json_get(doc, "media.timestamp"), "200"));
    cr_assert(voicegw_json_equals(voicegw_json_get(doc, "sequenceNumber"), "7"));
    cr_assert_gt(voicegw_json_get_string(doc, "media.payload", text, sizeof text), 0);
    cr_assert_eq(base64_decode(text, strlen(text), back, sizeof back, &used), sizeof audio);
    cr_assert_eq(memcmp(audio, back, sizeof audio), 0);
    n = wire_mark("MZ1", 8, "\"a\\u0022b\"", 10, out, sizeof out);
    cr_assert(voicegw_json_valid(out, n));
    cr_assert(voicegw_json_equals(voicegw_json_get(voicegw_json_of(out), "mark.name"), "a\"b"));
    cr_assert(voicegw_json_valid(out, wire_dtmf("MZ1", 9, "#", out, sizeof out)));
    cr_assert(voicegw_json_valid(out, wire_stop(&s, 10, out, sizeof out)));
    cr_assert(voicegw_json_valid(out, wire_connected(out, sizeof out)));
}

Test(mediastream, writes_nothing_where_there_is_no_room)
{
    char out[64];
    uint8_t audio[WIRE_FRAME] = {0};
    struct wire_start s = begin("{}");
    cr_expect_eq(wire_start(&s, 1, out, sizeof out), 0);
    cr_expect_eq(wire_media("MZ1", 1, 1, 0, audio, sizeof audio, out, sizeof out), 0);
    cr_expect_eq(wire_mark("MZ1", 1, "\"x\"", 3, out, 20), 0);
    cr_expect_eq(wire_connected(out, 10), 0);
}

/* ---- the queue ---- */

static char echoed[8192];

static void echo(void *arg, const char *name, size_t bytes)
{
    (void)snprintf(echoed + strlen(echoed), sizeof echoed - strlen(echoed), "%.*s ", (int)bytes, name);
}

/* What the host is told, as text: "1+3 1." is three bytes of item 1 and its end. */
static const char *told(struct queue *q)
{
    static char out[4096];
    uint64_t item;
    const uint8_t *audio;
    size_t bytes, n = 0;
    enum queue_step step;
    out[0] = '\0';
    while ((step = queue_next(q, &item, &audio, &bytes)) != QUEUE_NOTHING)
        n += (size_t)(step == QUEUE_AUDIO ? snprintf(out + n, sizeof out - n, "%d+%zu ", (int)item, bytes)
                                          : snprintf(out + n, sizeof out - n, "%d. ", (int)item));
    return out;
}

static void audio(struct queue *q, size_t bytes)
{
    uint8_t *data = calloc(1, bytes);
    cr_assert_eq(queue_audio(q, data, bytes), 0);
    free(data);
}

Test(mediastream, an_item_ends_at_a_mark_which_goes_back_when_it_is_over)
{
    struct queue q = {0};
    echoed[0] = '\0';
    cr_assert_eq(queue_mark(&q, "early", 5), 1, "nothing lies before it");
    audio(&q, 3);
    cr_assert_str_eq(told(&q), "1+3 ");
    audio(&q, 20000);
    cr_assert_eq(queue_mark(&q, "a", 1), 0);
    cr_assert_eq(queue_mark(&q, "b", 1), 0);
    audio(&q, 5);
    cr_assert_str_eq(told(&q), "1+8000 1+8000 1+4000 1. 2+5 ");
    queue_over(&q, 1, echo, NULL);
    cr_assert_str_eq(echoed, "a b ");
    queue_rest(&q);
    cr_assert_str_eq(told(&q), "2. ");
    audio(&q, 1);
    cr_assert_str_eq(told(&q), "3+1 ");
    cr_assert_eq(queue_mark(&q, "c", 1), 0);
    cr_assert_str_eq(told(&q), "3. ");
    queue_over(&q, 9, echo, NULL);
    cr_assert_str_eq(echoed, "a b c ");
    cr_assert_eq(q.open + q.marks, 0);
}

Test(mediastream, the_host_holds_a_bounded_number_of_items_and_a_clear_gives_all_marks_back)
{
    struct queue q = {0};
    char expected[8192] = "";
    echoed[0] = '\0';
    for (int i = 0; i < 40; i++) {
        char name[8];
        int n = snprintf(name, sizeof name, "m%d", i);
        audio(&q, 10);
        cr_assert_eq(queue_mark(&q, name, (size_t)n), 0);
        (void)snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "m%d ", i);
    }
    (void)told(&q);
    cr_assert_eq(q.open, QUEUE_OPEN_MAX);
    queue_over(&q, 2, echo, NULL);
    cr_assert_str_eq(told(&q), "25+10 25. 26+10 26. ");
    queue_clear(&q, echo, NULL);
    cr_assert_str_eq(echoed, expected);
    cr_assert_str_eq(told(&q), "");
    cr_assert_eq(q.open + q.marks, 0);
    audio(&q, 1);
    for (uint32_t i = 0; i < QUEUE_MARKS_MAX; i++)
        cr_assert_eq(queue_mark(&q, "x", 1), 0);
    cr_assert_lt(queue_mark(&q, "x", 1), 0);
    queue_clear(&q, echo, NULL);
}

/* ---- what both assistants share ---- */

Test(application, signs_as_twilio_does)
{
    char out[APPLICATION_SIGNATURE_CAP], again[APPLICATION_SIGNATURE_CAP];
    /* By the vendor's own library: RequestValidator("12345").compute_signature(url, {}). */
    cr_assert_eq(application_sign(NULL, digest_crypto(), "12345", "wss://a.b/c?x=1", out), 0);
    cr_assert_str_eq(out, "7ErUB9HGO6tFrJPEM2cpPdmr9uM=");
    cr_assert_eq(application_sign(NULL, digest_crypto(), "12345", "wss://a.b/c?x=1#part", again), 0);
    cr_assert_str_eq(out, again, "a fragment is never sent");
}

Test(application, names_the_call_as_its_provider_does)
{
    static const char *const rows[][2] = {{"{\"call_id\":\"call-1\",\"provider_call_id\":\"CA1\"}", "CA1"},
                                          {"{\"call_id\":\"call-1\",\"provider_call_id\":null}", "call-1"},
                                          {"{\"call_id\":\"call-1\",\"provider_call_id\":\"\"}", "call-1"},
                                          {"{\"broken", ""}};
    char out[16];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        application_call_sid(voicegw_json_of(rows[i][0]), out, sizeof out);
        cr_expect_str_eq(out, rows[i][1]);
    }
    char sid[35];
    application_random_sid(NULL, digest_crypto(), "MZ", sid);
    cr_expect_eq(strlen(sid), 34);
    cr_expect(stream_wire_sid_valid(sid));
}

/* ---- a session on a fake host with a fake socket ---- */

struct sock {
    struct voicegw_ws_events events;
    void *arg;
    uint32_t connects, closes, code;
    int32_t answer, send_answer;
    size_t octets, media;
    uint8_t heard[64000];
};
static struct sock sock;
static const void *(*own_extension)(const struct voicegw_host *host, const char *id);

static int32_t sock_connect(const struct voicegw_host *host, uint64_t target, const char *url,
                            const char *const *headers, const char *protocol, uint64_t max_message_bytes,
                            const struct voicegw_ws_events *events, void *arg, uint64_t *ret_ws)
{
    sock.connects++;
    sock.events = *events;
    sock.arg = arg;
    *ret_ws = 77;
    return sock.answer < 0 ? host->set_error(host, sock.answer, "nobody is there") : VOICEGW_OK;
}

static int32_t sock_send(const struct voicegw_host *host, uint64_t ws, uint32_t kind, const void *data, uint64_t bytes)
{
    char text[400];
    size_t used;
    cr_expect(voicegw_json_valid(data, bytes));
    if (sock.send_answer < 0)
        return sock.send_answer;
    struct voicegw_json doc = voicegw_json_ofn(data, bytes);
    if (voicegw_json_get_string(doc, "media.payload", text, sizeof text) > 0) {
        int64_t n = base64_decode(text, strlen(text), sock.heard + sock.octets, sizeof sock.heard - sock.octets, &used);
        cr_assert_gt(n, 0);
        sock.octets += (size_t)n;
        sock.media++;
    }
    return VOICEGW_OK;
}

static int32_t sock_close(const struct voicegw_host *host, uint64_t ws, uint32_t code, const char *reason)
{
    sock.closes++;
    sock.code = code;
    return VOICEGW_OK;
}

static uint64_t sock_queued(const struct voicegw_host *host, uint64_t ws)
{
    return 0;
}

static const struct voicegw_host_ws sock_table = {
    .size = sizeof sock_table, .connect = sock_connect, .send = sock_send, .close = sock_close, .queued = sock_queued};

static const void *with_socket(const struct voicegw_host *host, const char *id)
{
    return strcmp(id, VOICEGW_HOST_WS) == 0       ? (const void *)&sock_table
           : strcmp(id, VOICEGW_HOST_CRYPTO) == 0 ? (const void *)digest_crypto()
                                                  : own_extension(host, id);
}

struct call {
    struct fakehost *fake;
    const struct voicegw_factory *factory;
    const struct voicegw_assistant_audio *ops;
    void *instance, *session;
};

static struct call call_begin(uint32_t encoding, uint32_t rate)
{
    struct call c = {0};
    const struct voicegw_audio_format format = {sizeof format, encoding, rate, 20};
    struct voicegw_assistant_params params = {.size = sizeof params, .session_json = session_json};
    uint32_t chosen = 9;
    c.factory = fakehost_factory(fakehost_load(PLUGIN_FOLDER "/mediastream.so"), VOICEGW_KIND_ASSISTANT_AUDIO);
    c.fake = fakehost_new(c.factory, "{\"url\":\"ws://app.example/x\",\"error_text\":\"Sorry.\"}");
    struct voicegw_host *host = (struct voicegw_host *)(uintptr_t)fakehost_host(c.fake);
    own_extension = host->get_extension;
    host->get_extension = with_socket;
    cr_assert_eq(c.factory->create(host, fakehost_options(c.fake), &c.instance), VOICEGW_OK, "%s",
                 fakehost_error(c.fake));
    c.ops = c.factory->get_extension(c.instance, VOICEGW_KIND_ASSISTANT_AUDIO);
    cr_assert_eq(c.ops->open(c.instance, FAKEHOST_STREAM, &params, &format, 1, &c.session, &chosen), VOICEGW_OK);
    cr_assert_eq(chosen, 0);
    fakehost_advance(c.fake, 0);
    return c;
}

static void call_end(struct call *c, uint32_t socket_left)
{
    c->ops->close(c->session);
    fakehost_run(c->fake);
    cr_expect_eq(fakehost_count(c->fake, "closed"), 1);
    if (socket_left)
        sock.events.on_close(sock.arg, 77, 1000, "");
    c->factory->drain(c->instance);
    c->factory->destroy(c->instance);
    cr_expect_eq(fakehost_free(c->fake), 0);
}

static void hear(struct call *c, uint32_t encoding, uint32_t rate, const void *data, uint32_t bytes)
{
    const struct voicegw_frame frame = {.size = sizeof frame,
                                        .encoding = encoding,
                                        .rate = rate,
                                        .data = data,
                                        .bytes = bytes,
                                        .samples = encoding == VOICEGW_AUDIO_L16 ? bytes / 2 : bytes};
    cr_assert_eq(c->ops->audio(c->session, &frame), VOICEGW_OK);
}

Test(mediastream, every_form_of_a_calls_audio_reaches_the_application_as_ulaw_at_8000)
{
    static const struct {
        uint32_t encoding, rate, bytes, least, most;
    } rows[] = {{VOICEGW_AUDIO_PCMU, 8000, 160, 8000, 8000}, {VOICEGW_AUDIO_PCMU, 8000, 37, 1760, 1850},
                {VOICEGW_AUDIO_PCMA, 8000, 160, 8000, 8000}, {VOICEGW_AUDIO_L16, 8000, 320, 8000, 8000},
                {VOICEGW_AUDIO_L16, 16000, 640, 7600, 8000}, {VOICEGW_AUDIO_L16, 48000, 1920, 7600, 8000}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t data[1920];
        sock = (struct sock){0};
        struct call c = call_begin(rows[i].encoding, rows[i].rate);
        for (size_t k = 0; k < sizeof data; k++)
            data[k] = rows[i].encoding == VOICEGW_AUDIO_L16 ? (uint8_t)(k & 1 ? 0x10 : 0) : 0x2a;
        for (int k = 0; k < 5; k++) /* before it is there */
            hear(&c, rows[i].encoding, rows[i].rate, data, rows[i].bytes);
        cr_expect_eq(sock.media, 0);
        sock.events.on_open(sock.arg, 77);
        for (int k = 0; k < 45; k++)
            hear(&c, rows[i].encoding, rows[i].rate, data, rows[i].bytes);
        cr_expect(sock.octets >= rows[i].least && sock.octets <= rows[i].most, "%zu: %zu", i, sock.octets);
        cr_expect_eq(sock.media, sock.octets / WIRE_FRAME);
        if (rows[i].encoding == VOICEGW_AUDIO_L16) /* a constant 4096 */
            cr_expect(abs((int)sock.heard[1600] - 0xaf) <= 1, "%zu: %02x", i, sock.heard[1600]);
        call_end(&c, 1);
        cr_expect_eq(sock.code, 1000);
    }
}

Test(mediastream, an_application_that_is_not_there_is_tried_three_times)
{
    sock = (struct sock){.answer = VOICEGW_ENETWORK};
    struct call c = call_begin(VOICEGW_AUDIO_PCMU, 8000);
    fakehost_advance(c.fake, 4000000);
    cr_expect_eq(sock.connects, APPLICATION_TRIES);
    cr_expect_eq(fakehost_count(c.fake, "error"), 1);
    cr_expect(strstr(fakehost_last(c.fake, "error")->text, "nobody is there"));
    cr_expect_eq(fakehost_count(c.fake, "action"), 2);
    cr_expect_str_eq(fakehost_report(c.fake, "action", 0)->text, "say");
    cr_expect_str_eq(fakehost_report(c.fake, "action", 1)->text, "end");
    call_end(&c, 0);
}

Test(mediastream, an_application_that_does_not_read_is_given_up_after_a_while_and_loses_the_oldest_until_then)
{
    uint8_t frame[160] = {0};
    sock = (struct sock){0};
    struct call c = call_begin(VOICEGW_AUDIO_PCMU, 8000);
    sock.events.on_open(sock.arg, 77);
    sock.send_answer = VOICEGW_EBUSY;
    for (int i = 0; i < 300; i++) {
        hear(&c, VOICEGW_AUDIO_PCMU, 8000, frame, sizeof frame);
        fakehost_advance(c.fake, 20000);
    }
    cr_expect_eq(fakehost_count(c.fake, "error"), 0);
    sock.send_answer = 0;
    sock.events.on_writable(sock.arg, 77);
    cr_expect_eq(sock.octets, 16000, "2 s: %zu", sock.octets);
    sock.send_answer = VOICEGW_EBUSY;
    for (int i = 0; i < 510; i++) {
        hear(&c, VOICEGW_AUDIO_PCMU, 8000, frame, sizeof frame);
        fakehost_advance(c.fake, 20000);
    }
    cr_expect_eq(fakehost_count(c.fake, "error"), 1);
    cr_expect_eq(sock.closes, 1);
    cr_expect_str_eq(fakehost_last(c.fake, "action")->text, "end");
    call_end(&c, 1);
}
