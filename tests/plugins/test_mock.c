/* test_mock.c - the mock provider on a host with a virtual clock: calls, callers, media sockets. Takes the folder of
 * the plugins. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fakehost.h"
#include "voicegw/json.h"
#include "voicegw/draft/host_event.h"
#include "voicegw/draft/host_route.h"
#include "voicegw/draft/host_use.h"
#include "voicegw/draft/provider.h"
#include "voicegw/draft/provider_extra.h"
#include "voicegw/draft/provider_media.h"

#define LEG FAKEHOST_STREAM
#define CALL UINT64_C(77)

static int passed, failed;
static char trace[16384], incoming_id[64], reply_body[2048], sent[65536];
static unsigned frames, sounds, sent_count, reply_status, ws_busy;
static uint64_t last_call;
static void *instance, *stream;
static struct fakehost *fake;
static const struct voicegw_factory *factory;
static const struct voicegw_provider *ops;
static const struct voicegw_provider_media *media;
static voicegw_route_handler on_calls;
static struct voicegw_ws_route ws_route;
static void (*on_event)(void *, const char *);
static void *on_event_arg;
static int echo;
static const void *(*base_extension)(const struct voicegw_host *, const char *);

static void check(int ok, const char *promise)
{
    passed += ok != 0;
    failed += !ok;
    if (!ok)
        (void)printf("FAILED: %s\n  trace: %s\n", promise, trace);
}

static void note(const char *what, const char *detail)
{
    size_t n = strlen(trace);
    (void)snprintf(trace + n, sizeof trace - n, "%s:%s ", what, detail ? detail : "");
}

static void note_number(const char *what, long long a, long long b)
{
    char text[64];
    (void)snprintf(text, sizeof text, "%lld/%lld", a, b);
    note(what, text);
}

static int32_t h_incoming(const struct voicegw_host *host, const struct voicegw_incoming *in, uint64_t *ret)
{
    (void)host;
    (void)snprintf(incoming_id, sizeof incoming_id, "%s", in->provider_call_id);
    note(in->answered ? "open" : "incoming", in->session_id ? in->session_id : in->from);
    *ret = last_call = CALL;
    return VOICEGW_OK;
}

static int32_t h_state(const struct voicegw_host *host, uint64_t call, const struct voicegw_call_state *s)
{
    (void)host;
    (void)call;
    note_number("state", s->state, s->outcome);
    if (s->data_json)
        note("data", s->data_json);
    return VOICEGW_OK;
}

static int32_t h_complete(const struct voicegw_host *host, uint64_t op, int32_t status, const char *sentence,
                          const char *json)
{
    (void)host;
    (void)sentence;
    note_number("done", (long long)op, status);
    if (json && strstr(json, "outcome"))
        note("result", json);
    return VOICEGW_OK;
}

static uint64_t h_find(const struct voicegw_host *host, const char *id)
{
    (void)host;
    return strcmp(id, incoming_id) == 0 ? last_call : 0;
}

static uint64_t h_leg(const struct voicegw_host *host, uint64_t call)
{
    (void)host;
    (void)call;
    return LEG;
}

static const char *h_describe(const struct voicegw_host *host, uint64_t call)
{
    (void)host;
    (void)call;
    return NULL;
}

static const struct voicegw_host_provider h_provider = {.size = sizeof h_provider,
                                                        .on_incoming = h_incoming,
                                                        .on_state = h_state,
                                                        .on_complete = h_complete,
                                                        .call_find = h_find,
                                                        .call_leg = h_leg,
                                                        .call_describe = h_describe};

static int32_t h_format(const struct voicegw_host *host, uint64_t leg, const struct voicegw_audio_format *f)
{
    (void)host;
    (void)leg;
    note_number("format", f->encoding, f->rate);
    return VOICEGW_OK;
}

static int32_t h_frame(const struct voicegw_host *host, uint64_t leg, const struct voicegw_frame *f)
{
    (void)host;
    (void)leg;
    frames++;
    sounds += !(f->flags & VOICEGW_FRAME_COMFORT);
    return echo ? media->send(stream, f) : VOICEGW_OK;
}

static int32_t h_writable(const struct voicegw_host *host, uint64_t leg)
{
    (void)host;
    (void)leg;
    note("writable", NULL);
    return VOICEGW_OK;
}

static int32_t h_mark(const struct voicegw_host *host, uint64_t leg, uint64_t id, uint32_t heard)
{
    (void)host;
    (void)leg;
    note_number("mark", (long long)id, heard);
    return VOICEGW_OK;
}

static int32_t h_dtmf(const struct voicegw_host *host, uint64_t leg, const char *digit, uint32_t ms, const char *source)
{
    (void)host;
    (void)leg;
    (void)ms;
    (void)source;
    note("dtmf", digit);
    return VOICEGW_OK;
}

static int32_t h_detached(const struct voicegw_host *host, uint64_t leg)
{
    (void)host;
    (void)leg;
    note("detached", NULL);
    return VOICEGW_OK;
}

static const struct voicegw_host_media h_media = {.size = sizeof h_media,
                                                  .on_format = h_format,
                                                  .on_frame = h_frame,
                                                  .on_writable = h_writable,
                                                  .on_mark = h_mark,
                                                  .on_dtmf = h_dtmf,
                                                  .on_detached = h_detached};

static int32_t h_add_http(const struct voicegw_host *host, const char *method, const char *path, uint32_t flags,
                          voicegw_route_handler fn)
{
    (void)host;
    (void)method;
    check(strcmp(path, "calls") == 0 && flags == 0, "calls asks for a token");
    on_calls = fn;
    return VOICEGW_OK;
}

static int32_t h_add_ws(const struct voicegw_host *host, const char *path, const struct voicegw_ws_route *route)
{
    (void)host;
    (void)path;
    ws_route = *route;
    return VOICEGW_OK;
}

static int32_t h_reply(const struct voicegw_host *host, uint64_t request, const struct voicegw_reply *r)
{
    (void)host;
    (void)request;
    reply_status = r->http_status;
    (void)snprintf(reply_body, sizeof reply_body, "%.*s", (int)r->body_bytes, (const char *)r->body);
    return VOICEGW_OK;
}

static int32_t h_prove(const struct voicegw_host *host, uint64_t ws, uint64_t leg)
{
    (void)host;
    (void)ws;
    (void)leg;
    return VOICEGW_OK;
}

static const struct voicegw_host_route h_route = {
    .size = sizeof h_route, .add_http = h_add_http, .add_ws = h_add_ws, .reply = h_reply, .prove = h_prove};

static int32_t h_ws_send(const struct voicegw_host *host, uint64_t ws, uint32_t kind, const void *data, uint64_t bytes)
{
    (void)host;
    (void)ws;
    (void)kind;
    if (ws_busy)
        return VOICEGW_EBUSY;
    sent_count++;
    (void)snprintf(sent, sizeof sent, "%.*s", (int)bytes, (const char *)data);
    return VOICEGW_OK;
}

static int32_t h_ws_close(const struct voicegw_host *host, uint64_t ws, uint32_t code, const char *reason)
{
    (void)host;
    (void)ws;
    (void)reason;
    note_number("close", code, 0);
    return VOICEGW_OK;
}

static const struct voicegw_host_ws h_ws = {.size = sizeof h_ws, .send = h_ws_send, .close = h_ws_close};

static int32_t h_emit(const struct voicegw_host *host, uint64_t call, const char *type, const char *json)
{
    (void)host;
    (void)call;
    note(type, json);
    return VOICEGW_OK;
}

static uint64_t h_subscribe(const struct voicegw_host *host, uint64_t call, const char *glob,
                            void (*fn)(void *, const char *), void *arg)
{
    (void)host;
    (void)call;
    (void)glob;
    on_event = fn;
    on_event_arg = arg;
    return 1;
}

static void h_unsubscribe(const struct voicegw_host *host, uint64_t subscription)
{
    (void)host;
    (void)subscription;
    on_event = NULL;
}

static const struct voicegw_host_event h_event = {
    .size = sizeof h_event, .emit = h_emit, .subscribe = h_subscribe, .unsubscribe = h_unsubscribe};

struct speech {
    void (*on_audio)(void *, const struct voicegw_frame *);
    void (*on_done)(void *, int32_t, const char *);
    void *arg;
};

static void speak(void *arg)
{
    struct speech *s = arg;
    uint8_t audio[1600];
    memset(audio, 0x10, sizeof audio);
    struct voicegw_frame f = {
        .size = sizeof f, .encoding = VOICEGW_AUDIO_PCMU, .rate = 8000, .data = audio, .bytes = 1600, .samples = 1600};
    s->on_audio(s->arg, &f);
    s->on_done(s->arg, 0, NULL);
    free(s);
}

static int32_t h_synthesize(const struct voicegw_host *host, uint64_t target, const char *tts, const char *text,
                            const char *voice, const char *language, const struct voicegw_audio_format *format,
                            void (*on_audio)(void *, const struct voicegw_frame *),
                            void (*on_done)(void *, int32_t, const char *), void *arg, uint64_t *ret)
{
    (void)tts;
    (void)language;
    (void)format;
    note(voice ? voice : "-", text);
    struct speech *s = malloc(sizeof *s);
    *s = (struct speech){on_audio, on_done, arg};
    *ret = 1;
    return host->post(host, target, speak, s);
}

static void h_cancel(const struct voicegw_host *host, uint64_t use)
{
    (void)host;
    (void)use;
}

static const struct voicegw_host_use h_use = {.size = sizeof h_use, .synthesize = h_synthesize, .cancel = h_cancel};

static int32_t h_conference(const struct voicegw_host *host, const char *name, uint64_t call, uint32_t event,
                            const char *json)
{
    (void)host;
    (void)call;
    (void)json;
    note_number(name, event, 0);
    return VOICEGW_OK;
}

static const struct voicegw_host_conference h_conferences = {.size = sizeof h_conferences,
                                                             .on_conference = h_conference};

static int32_t h_sms(const struct voicegw_host *host, uint64_t message, const char *id, uint32_t status,
                     const char *cause)
{
    (void)host;
    (void)id;
    (void)cause;
    note_number("sms", (long long)message, status);
    return VOICEGW_OK;
}

static const struct voicegw_host_sms h_messages = {.size = sizeof h_messages, .on_sms = h_sms};

static const void *extension(const struct voicegw_host *host, const char *id)
{
    static const struct {
        const char *id;
        const void *table;
    } known[] = {{VOICEGW_HOST_PROVIDER, &h_provider},
                 {VOICEGW_HOST_MEDIA, &h_media},
                 {VOICEGW_HOST_ROUTE, &h_route},
                 {VOICEGW_HOST_WS, &h_ws},
                 {VOICEGW_HOST_EVENT, &h_event},
                 {VOICEGW_HOST_USE, &h_use},
                 {VOICEGW_HOST_CONFERENCE, &h_conferences},
                 {VOICEGW_HOST_SMS, &h_messages}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(id, known[i].id) == 0)
            return known[i].table;
    return base_extension(host, id);
}

/* ---- the stage ---- */

static void begin(const char *options)
{
    fake = fakehost_new(factory, options);
    struct voicegw_host *host = (struct voicegw_host *)(uintptr_t)fakehost_host(fake);
    base_extension = host->get_extension;
    host->get_extension = extension;
    trace[0] = '\0';
    frames = sounds = sent_count = ws_busy = 0;
    echo = 0;
    incoming_id[0] = '\0';
    fakehost_target(fake, LEG, 1);
    check(factory->create(host, fakehost_options(fake), &instance) == 0 && factory->start(instance) == 0,
          "the mock starts");
    ops = factory->get_extension(instance, VOICEGW_KIND_PROVIDER);
    media = factory->get_extension(instance, VOICEGW_KIND_PROVIDER_MEDIA);
}

static void end(void)
{
    ops->forget(instance, CALL);
    fakehost_run(fake);
    factory->drain(instance);
    check(fakehost_count(fake, "drained") == 1, "a drained instance says so once");
    factory->destroy(instance);
    check(fakehost_free(fake) == 0, "nothing is left behind");
}

static void attach(void)
{
    struct voicegw_audio_format f = {.size = sizeof f, .encoding = VOICEGW_AUDIO_PCMU, .rate = 8000, .frame_ms = 20};
    check(media->attach(instance, LEG, CALL, &f, 1, &stream) == 0, "the leg is attached");
}

static int told(const char *what)
{
    return strstr(trace, what) != NULL;
}

static void dial(const char *to)
{
    struct voicegw_call_params p = {
        .size = sizeof p, .ring_timeout_ms = 30000, .to = to, .from = "+1", .session_id = "mock-x", .call_id = "x"};
    check(ops->make_call(instance, 1, CALL, &p) == 0 && trace[0] == '\0', "nothing completes inside");
    fakehost_run(fake);
}

static void say_to(unsigned count, uint8_t octet)
{
    uint8_t audio[160];
    memset(audio, octet, sizeof audio);
    for (unsigned i = 0; i < count; i++)
        (void)media->send(stream, &(struct voicegw_frame){.size = sizeof(struct voicegw_frame),
                                                          .encoding = VOICEGW_AUDIO_PCMU,
                                                          .rate = 8000,
                                                          .data = audio,
                                                          .bytes = 160,
                                                          .samples = 160});
}

static void post_call(const char *body)
{
    struct voicegw_request r = {.size = sizeof r,
                                .flags = 3,
                                .id = 9,
                                .method = "POST",
                                .path = "",
                                .query = "",
                                .rest = "",
                                .body = body,
                                .body_bytes = strlen(body)};
    on_calls(instance, &r);
}

/* ---- promises ---- */

static void outbound(void)
{
    begin(NULL);
    dial("+1555");
    check(strcmp(trace, "done:1/0 state:1/0 ") == 0, "a call is accepted, then initiating");
    fakehost_advance(fake, 500000);
    check(told("state:2/0 ") && !told("state:3/0 "), "it rings after 500 ms");
    fakehost_advance(fake, 1500000);
    check(told("state:3/0 "), "it is answered 1,500 ms later");
    attach();
    fakehost_advance(fake, 1000000);
    check(told("format:1/8000 ") && frames >= 50 && frames <= 52 && sounds == 0, "a callee listens in comfort silence");
    say_to(10, 0x10);
    check(media->mark(stream, 5) == 0 && !told("mark:5"), "a mark waits");
    fakehost_advance(fake, 100000);
    check(!told("mark:5"), "for its audio to be played");
    fakehost_advance(fake, 140000);
    check(told("mark:5/1 "), "and comes back when it was");
    say_to(100, 0x10);
    (void)media->mark(stream, 6);
    (void)media->clear(stream, 1);
    fakehost_advance(fake, 40000);
    check(told("mark:6/0 "), "a cleared mark comes back unheard");
    check(ops->hold(instance, 2, CALL, 1, NULL) == 0 && ops->mute(instance, 3, CALL, 1) == 0 &&
              ops->status(instance, 4, CALL) == 0 && ops->record(instance, 5, CALL, VOICEGW_RECORD_START) == 0 &&
              ops->dtmf(instance, 6, CALL, "12") == 0,
          "operations are taken");
    fakehost_run(fake);
    check(told("done:2/0 state:4/0 ") && told("done:3/0") && told("done:4/0") && told("done:5/0") && told("done:6/0"),
          "and completed");
    check(ops->transfer(instance, 7, CALL, VOICEGW_TRANSFER_BLIND, "+2", NULL) == 0, "a transfer is taken");
    fakehost_advance(fake, 200000);
    check(told("state:5/0 ") && told("{\"outcome\":\"completed\"}") && told("state:6/1 "), "a transfer ends the call");
    media->detach(stream);
    check(told("detached"), "the leg is let go");
    end();
}

static void outcomes(void)
{
    static const struct {
        const char *outcome, *state;
    } rows[] = {{"busy", "state:7/3 "},
                {"no_answer", "state:7/4 "},
                {"failed", "state:7/2 "},
                {"canceled", "state:7/5 "},
                {"dropped", "state:6/1 "}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char options[256];
        (void)snprintf(
            options, sizeof options,
            "{\"outcomes\":[{\"to\":\"+1555*\",\"outcome\":\"%s\",\"after\":\"1s\"}],\"duplicate_callbacks\":true}",
            rows[i].outcome);
        begin(options);
        dial("+15550");
        fakehost_advance(fake, 10000000);
        char *first = strstr(trace, rows[i].state);
        check(first && strstr(first + 1, rows[i].state), rows[i].outcome);
        end();
    }
    begin("{\"late_callbacks_ms\":5000}");
    dial("+1");
    fakehost_advance(fake, 20000000);
    check(strstr(trace, "state:3/0") < strstr(trace, "state:2/0"), "late callbacks come out of order");
    check(ops->end(instance, 2, CALL) == 0, "an end is taken");
    ops->cancel(instance, 2);
    fakehost_run(fake);
    check(told("done:2/-8 "), "a cancelled operation completes with timeout");
    end();
}

static void inbound(void)
{
    begin("{\"script_documents\":[{\"id\":\"demo\",\"from\":\"+7\",\"to\":\"+8\",\"steps\":[{\"expect\":{\"text\":"
          "\"welcome\"}},{\"say\":\"hello\"},"
          "{\"dtmf\":\"5\"},{\"hold\":0.5}]}]}");
    post_call("{\"script\":\"none\"}");
    check(reply_status == 422 && strstr(reply_body, "script"), "an unknown script is refused with its field");
    post_call("{");
    check(reply_status == 400, "a body that is no JSON is refused");
    post_call("{\"script\":\"demo\"}");
    check(reply_status == 202 && strstr(reply_body, "provider_call_id") && told("incoming:+7"), "a call comes in");
    check(ops->answer(instance, 1, CALL) == 0, "it is answered");
    fakehost_run(fake);
    on_event(on_event_arg, "{\"type\":\"voice.assistant.text\",\"data\":{\"text\":\"Welcome, caller.\"}}");
    attach();
    fakehost_advance(fake, 100000);
    say_to(25, 0x10);
    fakehost_advance(fake, 700000);
    check(told("rms:hello") && sounds == 0, "the words are made ready while the gateway talks");
    fakehost_advance(fake, 1000000);
    check(sounds == 10, "then they are spoken");
    fakehost_advance(fake, 3000000);
    check(told("dtmf:5 state:4/0") && told("state:3/0 data:{\"transport\":\"mock_stream\"} state:6/1"),
          "keys and hold follow");
    check(told("mock.script_done:{\"script\":\"demo\",\"ok\":true,\"failed_steps\":[]}") && told("state:6/1"),
          "the script ends the call");
    media->detach(stream);
    end();
    begin(NULL);
    post_call("{\"from\":\"a\",\"to\":\"b\",\"steps\":[{\"expect\":{\"text\":\"x\",\"within\":1}}]}");
    (void)ops->answer(instance, 1, CALL);
    fakehost_run(fake);
    attach();
    fakehost_advance(fake, 2000000);
    check(told("mock.expect_failed:{\"script\":\"\",\"step\":1,\"expected\":\"text x\",\"got\":\"nothing\"}") &&
              told("\"ok\":false") && told("state:6/1"),
          "what is not heard is told and ends the call");
    media->detach(stream);
    end();
}

static int32_t upgrade(const char *rest, uint32_t flags)
{
    uint64_t leg = 0;
    struct voicegw_request r = {
        .size = sizeof r, .flags = flags, .method = "GET", .path = "", .query = "", .rest = rest};
    return ws_route.on_upgrade(instance, &r, &leg);
}

static void message(void *socket, const char *text)
{
    char *copy = strdup(text);
    ws_route.events.on_message(socket, 3, VOICEGW_WS_TEXT, copy, strlen(copy));
    free(copy);
}

static void sockets(void)
{
    static const char start[] = "{\"event\":\"start\",\"start\":{\"streamSid\":\"MZ9\",\"callSid\":\"CA9\","
                                "\"customParameters\":{\"from\":\"+1\",\"to\":\"+2\"}}}";
    static const char audio[] = "{\"event\":\"media\",\"media\":{\"payload\":\"Zm9vYg==\",\"timestamp\":\"20\"}}";
    begin(NULL);
    check(upgrade("abc", 1) == VOICEGW_EAUTH && upgrade("abc", 2) == VOICEGW_ENOTFOUND,
          "closed streams want a token and a session");
    end();
    begin("{\"open_streams\":true}");
    check(upgrade("abc", 0) == VOICEGW_EAUTH, "open streams are for loopback");
    check(upgrade("mock-abc", 1) == 0 && told("open:mock-abc"), "any id opens its session, the prefix is not doubled");
    attach();
    void *socket = ws_route.on_open(instance, 3, LEG, stream);
    message(socket, audio);
    check(frames == 0, "no audio before start");
    message(socket, "{\"event\":\"connected\"}");
    message(socket, start);
    check(told("\"from\":\"+1\",\"to\":\"+2\",\"stream_sid\":\"MZ9\"") && told("format:1/8000"),
          "start brings numbers and media");
    check(upgrade("abc", 1) == VOICEGW_EBUSY, "a second stream is refused");
    echo = 1;
    message(socket, audio);
    check(frames == 1 &&
              strcmp(sent, "{\"event\":\"media\",\"streamSid\":\"MZ9\",\"media\":{\"payload\":\"Zm9vYg==\"}}") == 0,
          "audio comes back in the same breath, bit for bit");
    message(socket, "{\"event\":\"media\",\"media\":{\"payload\":\"Zm\\/v\"}}");
    check(frames == 2 && strstr(sent, "Zm/v"), "escapes are understood");
    message(socket, "{\"event\":\"dtmf\",\"dtmf\":{\"digit\":\"7\"}}");
    check(told("dtmf:7"), "digits come in");
    (void)media->mark(stream, 8);
    check(strstr(sent, "\"mark\":{\"name\":\"vgw-8\"}") != NULL, "marks go out");
    message(socket, "{\"event\":\"mark\",\"mark\":{\"name\":\"vgw-8\"}}");
    check(told("mark:8/1"), "and come back");
    (void)media->mark(stream, 9);
    ws_busy = 1;
    (void)media->clear(stream, 1);
    check(media->send(
              stream,
              &(struct voicegw_frame){.size = sizeof(struct voicegw_frame), .encoding = 1, .data = "a", .bytes = 1}) ==
              VOICEGW_EBUSY,
          "a full socket says busy");
    ws_busy = 0;
    ws_route.events.on_writable(socket, 3);
    fakehost_run(fake);
    check(strstr(sent, "\"clear\"") && told("writable") && told("mark:9/0"), "a clear that was owed goes first");
    for (int i = 0; i < 12; i++)
        message(socket, i % 2 ? "{" : "{\"event\":\"media\",\"media\":{\"payload\":\"!\"}}");
    check(told("close:1007"), "bad frames are forgiven ten times");
    ws_route.events.on_close(socket, 3, 1007, "");
    fakehost_run(fake);
    check(told("state:6/1"), "a closed stream ends its call");
    media->detach(stream);
    end();
}

static void extras(void)
{
    begin("{\"conferences\":\"own\"}");
    const struct voicegw_provider_conference *conference =
        factory->get_extension(instance, VOICEGW_KIND_PROVIDER_CONFERENCE);
    const struct voicegw_provider_sms *sms = factory->get_extension(instance, VOICEGW_KIND_PROVIDER_SMS);
    dial("+1");
    check(conference->join(instance, 2, CALL, "room", NULL) == VOICEGW_EBUSY, "only a connected call joins");
    fakehost_advance(fake, 3000000);
    check(conference->join(instance, 2, CALL, "room", NULL) == 0, "a call joins");
    fakehost_run(fake);
    check(conference->mute(instance, 3, CALL, "room", 1) == 0 && conference->kick(instance, 4, CALL, "room") == 0,
          "and is kicked");
    fakehost_run(fake);
    check(told("room:1/0 room:3/0") && told("room:7/0") && told("room:9/0 room:2/0 state:6/1"), "with its events");
    struct voicegw_sms text = {.size = sizeof text, .to = "+1", .from = "", .text = "hi"};
    check(sms->send(instance, 5, 55, &text) == 0, "a message is sent");
    fakehost_advance(fake, 1000000);
    check(told("done:5/0 sms:55/1 sms:55/2 sms:55/3"), "and delivered");
    check(factory->get_extension(instance, "org.example/1") == NULL, "what is unknown is NULL");
    end();
}

int main(int argc, char **argv)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/mock.so", argc > 1 ? argv[1] : "build/plugins");
    factory = fakehost_factory(fakehost_load(path), VOICEGW_KIND_PROVIDER);
    if (!factory)
        return 1;
    outbound();
    outcomes();
    inbound();
    sockets();
    extras();
    (void)printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
