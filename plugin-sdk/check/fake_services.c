/* fake_services.c - the host's services: a network that answers nobody, routes that nobody calls, a small memory. */
#include <stdio.h>
#include <string.h>
#include "base/alloc.h"
#include "base/id.h"
#include "base/str.h"
#include "fake.h"
#include "voicegw/draft/host_crypto.h"
#include "voicegw/draft/host_datagram.h"
#include "voicegw/draft/host_event.h"
#include "voicegw/draft/host_http.h"
#include "voicegw/draft/host_route.h"
#include "voicegw/draft/host_use.h"
#include "voicegw/draft/host_ws.h"

#define HOST const struct voicegw_host *host
void fake_sentence_set(const char *text); /* fake_ledger.c */

static int32_t refuse(int32_t status, const char *sentence)
{
    fake_sentence_set(sentence);
    return status;
}

/* A request, socket or synthesis that fails a moment later. */
struct pending {
    uint64_t id;
    void (*http_done)(void *, int32_t, const char *, const struct voicegw_http_response *);
    void (*ws_close)(void *, uint64_t, uint32_t, const char *);
    void (*use_done)(void *, int32_t, const char *);
    void *arg;
};

static void on_failed(void *arg)
{
    struct pending p = *(struct pending *)arg;
    struct voicegw_http_response nothing = {.size = sizeof nothing, .headers_json = "{}"};
    vgw_free(arg);
    if (p.http_done)
        p.http_done(p.arg, VOICEGW_ENETWORK, "there is no network in voicegw-plugin-check", &nothing);
    if (p.ws_close)
        p.ws_close(p.arg, p.id, 0, "there is no network in voicegw-plugin-check");
    if (p.use_done)
        p.use_done(p.arg, VOICEGW_ENOTFOUND, "there is no speech in voicegw-plugin-check");
}

static int32_t start_pending(uint64_t target, const struct pending *p, uint64_t *ret_id)
{
    struct pending *copy;
    static uint64_t last;
    if (!VGW_NEW(copy))
        return refuse(VOICEGW_ELIMIT, "out of memory");
    *copy = *p;
    copy->id = ++last;
    if (ret_id)
        *ret_id = copy->id;
    fake_timer(target, 50000, on_failed, copy);
    return VOICEGW_OK;
}

static int32_t http_request(HOST, uint64_t target, const struct voicegw_http_request *r, uint64_t *ret_request)
{
    (void)host;
    fake_need(target ? VOICEGW_THREAD_MEDIA : VOICEGW_THREAD_CONTROL, "host_http.request()");
    if (!r || r->size < sizeof *r || !r->method || !r->url || !r->on_done) {
        fake_violation(FAKE_VALUE, "host_http.request() needs a size, a method, a url and on_done");
        return refuse(VOICEGW_EINVALID, "an incomplete request");
    }
    return start_pending(target, &(struct pending){.http_done = r->on_done, .arg = r->arg}, ret_request);
}
static void ignore_id(HOST, uint64_t id)
{
    (void)host;
    (void)id;
}
static const struct voicegw_host_http http = {.size = sizeof http, .request = http_request, .cancel = ignore_id};

static int32_t ws_connect(HOST, uint64_t target, const char *url, const char *const *headers, const char *protocol,
                          uint64_t max, const struct voicegw_ws_events *events, void *arg, uint64_t *ret_ws)
{
    (void)host;
    (void)url;
    (void)headers;
    (void)protocol;
    (void)max;
    fake_need(target ? VOICEGW_THREAD_MEDIA : VOICEGW_THREAD_CONTROL, "host_ws.connect()");
    return start_pending(target, &(struct pending){.ws_close = events->on_close, .arg = arg}, ret_ws);
}
static int32_t ws_send(HOST, uint64_t ws, uint32_t kind, const void *data, uint64_t bytes)
{
    (void)host;
    (void)ws;
    (void)kind;
    (void)data;
    (void)bytes;
    return VOICEGW_ENOTFOUND;
}
static int32_t ws_close(HOST, uint64_t ws, uint32_t code, const char *reason)
{
    (void)host;
    (void)ws;
    (void)code;
    (void)reason;
    return VOICEGW_OK;
}
static uint64_t ws_queued(HOST, uint64_t ws)
{
    (void)host;
    (void)ws;
    return 0;
}
static const struct voicegw_host_ws ws = {
    .size = sizeof ws, .connect = ws_connect, .send = ws_send, .close = ws_close, .queued = ws_queued};

static int32_t add_http(HOST, const char *method, const char *path, uint32_t flags, voicegw_route_handler handler)
{
    (void)host;
    (void)flags;
    fake_need(VOICEGW_THREAD_CONTROL, "host_route.add_http()");
    if (!method || !path || !handler)
        fake_violation(FAKE_VALUE, "host_route.add_http() needs a method, a path and a handler");
    return VOICEGW_OK;
}
static int32_t add_ws(HOST, const char *path, const struct voicegw_ws_route *route)
{
    (void)host;
    fake_need(VOICEGW_THREAD_CONTROL, "host_route.add_ws()");
    if (!path || !route || !route->on_upgrade || !route->on_open)
        fake_violation(FAKE_VALUE, "host_route.add_ws() needs a path, on_upgrade and on_open");
    return VOICEGW_OK;
}
static int32_t reply(HOST, uint64_t request, const struct voicegw_reply *r)
{
    (void)host;
    (void)request;
    (void)r;
    return VOICEGW_ENOTFOUND;
}
static int32_t prove(HOST, uint64_t socket, uint64_t leg)
{
    (void)host;
    (void)socket;
    (void)leg;
    return VOICEGW_OK;
}
static int64_t route_url(HOST, const char *path, char *out, uint64_t cap)
{
    (void)host;
    fake_need(VOICEGW_THREAD_CONTROL, "host_route.url()");
    int n = snprintf(out, cap, "https://gateway.example/voice/check/%s", path);
    return n > 0 && (uint64_t)n < cap ? n : VOICEGW_ELIMIT;
}
static void route_tag(HOST, uint64_t value)
{
    (void)host;
    (void)value;
}
static uint64_t route_tag_of(HOST, uint64_t socket)
{
    (void)host;
    (void)socket;
    return 0;
}
static uint64_t route_leg_near(HOST, uint64_t call, uint64_t place)
{
    (void)host;
    (void)call;
    (void)place;
    fake_need(VOICEGW_THREAD_CONTROL, "host_route.leg_near()");
    return 0;
}
static const struct voicegw_host_route route = {.size = sizeof route,
                                                .add_http = add_http,
                                                .add_ws = add_ws,
                                                .reply = reply,
                                                .prove = prove,
                                                .url = route_url,
                                                .tag = route_tag,
                                                .tag_of = route_tag_of,
                                                .leg_near = route_leg_near};

/* Not the real digests: of the right length, and the same for the same input, which is all a check of promises needs.
 */
static int32_t digest(HOST, uint32_t algorithm, const void *data, uint64_t bytes, uint8_t *out)
{
    static const int32_t lengths[] = {0, 16, 20, 32, 64};
    uint64_t h = vgw_hash64(data, bytes);
    (void)host;
    if (algorithm == 0 || algorithm > VOICEGW_DIGEST_SHA512)
        return VOICEGW_EUNSUPPORTED;
    for (int32_t i = 0; i < lengths[algorithm]; i++, h = h * UINT64_C(6364136223846793005) + 1)
        out[i] = (uint8_t)(h >> 56);
    return lengths[algorithm];
}
static int32_t hmac(HOST, uint32_t algorithm, const void *key, uint64_t key_bytes, const void *data, uint64_t bytes,
                    uint8_t *out)
{
    (void)key;
    (void)key_bytes;
    return digest(host, algorithm, data, bytes, out);
}
static void random_bytes(HOST, void *out, uint64_t bytes)
{
    (void)host;
    vgw_random_bytes(out, bytes);
}
static uint32_t equal(HOST, const void *a, const void *b, uint64_t bytes)
{
    (void)host;
    return vgw_equal_ct(a, b, bytes);
}
static int64_t encode(HOST, const void *data, uint64_t bytes, char *out, uint64_t cap)
{
    struct vgw_buf text = {0};
    (void)host;
    vgw_base64_encode(&text, data, bytes);
    int64_t n = text.failed || text.len >= cap ? VOICEGW_ELIMIT : (int64_t)text.len;
    if (n >= 0)
        memcpy(out, vgw_buf_str(&text), text.len + 1);
    vgw_buf_done(&text);
    return n;
}
static int64_t decode(HOST, const char *text, uint64_t bytes, void *out, uint64_t cap)
{
    (void)host;
    long n = vgw_base64_decode(text, bytes, out, cap);
    return n < 0 ? VOICEGW_EINVALID : n;
}
static const struct voicegw_host_crypto crypto = {
    .size = sizeof crypto,
    .digest = digest,
    .hmac = hmac,
    .random = random_bytes,
    .equal = equal,
    .base64_encode = encode,
    .base64_decode = decode,
};

static int32_t emit(HOST, uint64_t call, const char *type, const char *data)
{
    (void)host;
    (void)call;
    (void)data;
    if (!type || (!strchr(type, '.') && strcmp(type, "amd_result") != 0))
        fake_violation(FAKE_VALUE, "host_event.emit() was given the type \"%.40s\", it must be <plugin>.<word>",
                       type ? type : "");
    return VOICEGW_OK;
}
static uint64_t subscribe(HOST, uint64_t call, const char *glob, void (*fn)(void *, const char *), void *arg)
{
    (void)host;
    (void)call;
    (void)glob;
    (void)fn;
    (void)arg;
    fake_need(VOICEGW_THREAD_CONTROL, "host_event.subscribe()");
    return 1;
}
static const struct voicegw_host_event event = {
    .size = sizeof event, .emit = emit, .subscribe = subscribe, .unsubscribe = ignore_id};

static const char *state_get(HOST, const char *key)
{
    (void)host;
    (void)key;
    fake_need(VOICEGW_THREAD_CONTROL, "host_state.get()");
    return NULL;
}
static int32_t state_set(HOST, const char *key, const char *value)
{
    (void)host;
    (void)key;
    (void)value;
    fake_need(VOICEGW_THREAD_CONTROL, "host_state.set()");
    return VOICEGW_OK;
}
static const struct voicegw_host_state state = {.size = sizeof state, .get = state_get, .set = state_set};

static int32_t synthesize(HOST, uint64_t target, const char *name, const char *text, const char *voice,
                          const char *language, const struct voicegw_audio_format *format,
                          void (*on_audio)(void *, const struct voicegw_frame *),
                          void (*on_done)(void *, int32_t, const char *), void *arg, uint64_t *ret_use)
{
    (void)host;
    (void)name;
    (void)text;
    (void)voice;
    (void)language;
    (void)format;
    (void)on_audio;
    return start_pending(target, &(struct pending){.use_done = on_done, .arg = arg}, ret_use);
}
static int32_t read_audio(HOST, uint64_t target, const char *path, const struct voicegw_audio_format *format,
                          void (*on_audio)(void *, const struct voicegw_frame *),
                          void (*on_done)(void *, int32_t, const char *), void *arg, uint64_t *ret_use)
{
    return synthesize(host, target, NULL, path, NULL, NULL, format, on_audio, on_done, arg, ret_use);
}
static const struct voicegw_host_use use = {
    .size = sizeof use, .synthesize = synthesize, .cancel = ignore_id, .read_audio = read_audio};

static int32_t lease(HOST, const char *address, uint32_t first, uint32_t last, uint32_t pair, uint64_t *ret_lease,
                     uint32_t *ret_port)
{
    (void)host;
    (void)address;
    (void)first;
    (void)last;
    (void)pair;
    (void)ret_lease;
    (void)ret_port;
    return refuse(VOICEGW_ELIMIT, "all ports are taken");
}
static int32_t datagram_open(HOST, uint64_t target, uint64_t id, uint32_t part,
                             void (*fn)(void *, const void *, uint32_t, const char *), void *arg, uint64_t *ret_socket)
{
    (void)host;
    (void)target;
    (void)id;
    (void)part;
    (void)fn;
    (void)arg;
    (void)ret_socket;
    return refuse(VOICEGW_ENOTFOUND, "there is no such lease");
}
static int32_t adopt(HOST, uint64_t target, int32_t descriptor,
                     void (*fn)(void *, const void *, uint32_t, const char *), void *arg, uint64_t *ret_socket)
{
    (void)descriptor;
    return datagram_open(host, target, 0, 0, fn, arg, ret_socket);
}
static int32_t datagram_send(HOST, uint64_t socket, const char *remote, const void *data, uint32_t bytes)
{
    (void)remote;
    return ws_send(host, socket, 0, data, bytes);
}
static const struct voicegw_host_datagram datagram = {
    .size = sizeof datagram,
    .lease = lease,
    .release = ignore_id,
    .open = datagram_open,
    .adopt = adopt,
    .send = datagram_send,
    .close = ignore_id,
};

const void *fake_service_table(const char *id)
{
    static const struct {
        const char *id;
        const void *table;
    } rows[] = {{VOICEGW_HOST_HTTP, &http},   {VOICEGW_HOST_WS, &ws},
                {VOICEGW_HOST_ROUTE, &route}, {VOICEGW_HOST_CRYPTO, &crypto},
                {VOICEGW_HOST_EVENT, &event}, {VOICEGW_HOST_STATE, &state},
                {VOICEGW_HOST_USE, &use},     {VOICEGW_HOST_DATAGRAM, &datagram}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].id, id) == 0)
            return rows[i].table;
    }
    return NULL;
}
