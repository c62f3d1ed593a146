/* paper.c - a provider that leads calls by documents and does what a test tells it by HTTP: its vendor is the test.
 *
 *     POST calls {"id","from","to","recovers","answered"}        an incoming call
 *     POST state {"id","state","outcome","data":{…}}             a call's state
 *     POST complete {"op","status","sentence","result":{…}}      an operation's completion
 *     POST recording {"id","recording_id","state","url","duration"}
 *     POST busy                                                  work of the pool that lasts an hour
 *     GET  log                                                   all that was asked of it, one JSON object a line
 *
 * make_call, answer, reject, end and settle complete by themselves, unless `silent` says otherwise. */
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "voicegw/draft/host_route.h"
#include "voicegw/draft/provider.h"
#include "voicegw/draft/provider_ivr.h"
#include "voicegw/draft/vendor_options.h"
#include "voicegw/json.h"
#include "voicegw/json_writer.h"
#include "voicegw/plugin.h"

enum { LOG_BYTES = 256 * 1024, TASKS = 64, ID = 64 };

struct task { /* something that happens in the next turn */
    struct paper *p;
    uint64_t op, call;
    int32_t status;
    uint32_t state;
    char json[256];
};

struct paper {
    const struct voicegw_host *host;
    const struct voicegw_host_provider *provider;
    const struct voicegw_host_route *route;
    char *log;
    size_t log_bytes;
    uint32_t placed;
    char silent[128], up[128];
    struct task tasks[TASKS];
};

static const struct voicegw_option options[] = {
    VOICEGW_VENDOR_OPTIONS("http://127.0.0.1:9", 0),
    VOICEGW_VENDOR_ROW_(VOICEGW_OPTION_STRING, "silent", "", 0, 0, 0, "Operations that are never answered, by name."),
    VOICEGW_VENDOR_ROW_(VOICEGW_OPTION_STRING, "up", "", 0, 0, 0, "Ids of calls that are up at the vendor."),
};

__attribute__((format(printf, 2, 3))) static void note(struct paper *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(p->log + p->log_bytes, LOG_BYTES - p->log_bytes, format, args);
    va_end(args);
    if (n > 0 && p->log_bytes + (size_t)n + 1 < LOG_BYTES) {
        p->log_bytes += (size_t)n;
        p->log[p->log_bytes++] = '\n';
        p->log[p->log_bytes] = '\0';
    }
}

static void run_task(void *arg)
{
    struct task *t = arg;
    struct paper *p = t->p;
    uint64_t op = t->op, call = t->call;
    uint32_t state = t->state;
    int32_t status = t->status;
    char json[sizeof t->json];
    memcpy(json, t->json, sizeof json);
    t->p = NULL;
    p->provider->on_complete(p->host, op, status, status < 0 ? "the vendor said no" : NULL, json[0] ? json : NULL);
    if (state) {
        struct voicegw_call_state s = {.size = sizeof s, .state = state};
        if (state >= VOICEGW_CALL_ENDED)
            s.outcome = VOICEGW_OUTCOME_COMPLETED;
        p->provider->on_state(p->host, call, &s);
    }
}

static int32_t later(struct paper *p, const char *name, uint64_t op, uint64_t call, int32_t status, uint32_t state,
                     const char *json)
{
    if (strstr(p->silent, name))
        return VOICEGW_OK;
    for (size_t i = 0; i < TASKS; i++) {
        struct task *t = &p->tasks[i];
        if (t->p)
            continue;
        *t = (struct task){.p = p, .op = op, .call = call, .status = status, .state = state};
        snprintf(t->json, sizeof t->json, "%s", json ? json : "");
        return p->host->post(p->host, VOICEGW_TARGET_CONTROL, run_task, t);
    }
    return p->host->set_error(p->host, VOICEGW_ELIMIT, "too much at once");
}

/* ---- operations ---- */

static int32_t make_call(void *i, uint64_t op, uint64_t call, const struct voicegw_call_params *params)
{
    struct paper *p = i;
    char json[64];
    snprintf(json, sizeof json, "{\"provider_call_id\":\"OUT%u\"}", ++p->placed);
    note(p, "{\"what\":\"make_call\",\"op\":%llu,\"to\":\"%s\"}", (unsigned long long)op, params->to);
    return later(p, "make_call", op, call, 0, VOICEGW_CALL_RINGING, json);
}

static int32_t answer(void *i, uint64_t op, uint64_t call)
{
    struct paper *p = i;
    const char *about = p->provider->call_describe(p->host, call);
    note(p, "{\"what\":\"answer\",\"op\":%llu,\"call\":%s}", (unsigned long long)op, about ? about : "null");
    return later(i, "answer", op, call, 0, 0, NULL);
}

static int32_t reject(void *i, uint64_t op, uint64_t call, const char *reason)
{
    note(i, "{\"what\":\"reject\",\"op\":%llu}", (unsigned long long)op);
    (void)reason;
    return later(i, "reject", op, call, 0, VOICEGW_CALL_FAILED, NULL);
}

static int32_t end(void *i, uint64_t op, uint64_t call)
{
    note(i, "{\"what\":\"end\",\"op\":%llu}", (unsigned long long)op);
    return later(i, "end", op, call, 0, VOICEGW_CALL_ENDED, NULL);
}

static int32_t hold(void *i, uint64_t op, uint64_t call, uint32_t on, const char *music)
{
    (void)call;
    (void)music;
    note(i, "{\"what\":\"hold\",\"op\":%llu,\"on\":%u}", (unsigned long long)op, on);
    return VOICEGW_OK;
}

static int32_t say(void *i, uint64_t op, uint64_t call, const char *text, const char *voice, const char *language)
{
    char json[2048];
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    (void)call;
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "what", "say");
    voicegw_json_put_int(&w, "op", (int64_t)op);
    voicegw_json_put_string(&w, "text", text);
    voicegw_json_put_string(&w, "voice", voice);
    voicegw_json_put_string(&w, "language", language);
    voicegw_json_put_end(&w);
    if (voicegw_json_finish(&w) > 0)
        note(i, "%s", json);
    return VOICEGW_OK;
}

static int32_t play(void *i, uint64_t op, uint64_t call, const char *url, uint32_t loop)
{
    (void)call;
    note(i, "{\"what\":\"play\",\"op\":%llu,\"url\":\"%s\",\"loop\":%u}", (unsigned long long)op, url, loop);
    return VOICEGW_OK;
}

static int32_t reconcile(void *i, uint64_t op, const char *id, int64_t since_wall_us)
{
    struct paper *p = i;
    char json[128];
    (void)since_wall_us;
    bool up = id[0] && strstr(p->up, id);
    note(p, "{\"what\":\"reconcile\",\"id\":\"%s\",\"up\":%s}", id, up ? "true" : "false");
    snprintf(json, sizeof json, "{\"state\":\"connected\",\"provider_call_id\":\"%s\"}", id);
    return later(p, "reconcile", op, 0, up ? 0 : VOICEGW_ENOTFOUND, 0, up ? json : NULL);
}

static int32_t settle(void *i, uint64_t op, const char *id, uint32_t how, const char *session)
{
    note(i, "{\"what\":\"settle\",\"id\":\"%s\",\"how\":\"%s\",\"session\":\"%s\"}", id,
         how == VOICEGW_SETTLE_RECOVER ? "recover" : "end", session);
    return later(i, "settle", op, 0, 0, 0, NULL);
}

static void cancel(void *i, uint64_t op)
{
    note(i, "{\"what\":\"cancel\",\"op\":%llu}", (unsigned long long)op);
}

static void ask_all(void *i)
{
    note(i, "{\"what\":\"poll\"}");
}

static int32_t perform(void *i, uint64_t op, uint64_t call, const char *verb, const char *params)
{
    (void)call;
    note(i, "{\"what\":\"%s\",\"op\":%llu,\"params\":%s}", verb, (unsigned long long)op, params);
    return VOICEGW_OK;
}

/* ---- what the test tells ---- */

static void reply(struct paper *p, uint64_t id, uint32_t status, const char *body)
{
    struct voicegw_reply r = {.size = sizeof r, .http_status = status, .content_type = "application/json"};
    r.body = body;
    r.body_bytes = strlen(body);
    p->route->reply(p->host, id, &r);
}

static void text(struct voicegw_json doc, const char *key, char out[512])
{
    if (voicegw_json_get_string(doc, key, out, 512) < 0)
        out[0] = '\0';
}

static void on_calls(void *i, const struct voicegw_request *r)
{
    struct paper *p = i;
    struct voicegw_json doc = voicegw_json_of(r->body);
    char id[512], from[512], to[512], recovers[512], script[64];
    uint64_t call = 0;
    text(doc, "id", id);
    text(doc, "from", from);
    text(doc, "to", to);
    text(doc, "recovers", recovers);
    struct voicegw_incoming in = {.size = sizeof in, .provider_call_id = id, .from = from, .to = to};
    in.answered = voicegw_json_get_bool(doc, "answered", 0);
    in.recovers = recovers[0] ? recovers : NULL;
    int32_t rc = p->provider->on_incoming(p->host, &in, &call);
    snprintf(script, sizeof script, "{\"status\":%d}", rc);
    reply(p, r->id, rc < 0 ? 409 : 201, script);
}

static void on_told_state(void *i, const struct voicegw_request *r)
{
    static const char *const names[] = {"",        "initiating",   "ringing", "connected",
                                        "on_hold", "transferring", "ended",   "failed"};
    struct paper *p = i;
    struct voicegw_json doc = voicegw_json_of(r->body);
    char id[512], state[512], data[2048];
    struct voicegw_call_state s = {.size = sizeof s};
    text(doc, "id", id);
    text(doc, "state", state);
    for (uint32_t k = 1; k < sizeof names / sizeof names[0]; k++)
        if (strcmp(names[k], state) == 0)
            s.state = k;
    if (s.state == VOICEGW_CALL_ENDED)
        s.outcome = VOICEGW_OUTCOME_COMPLETED;
    if (voicegw_json_raw(voicegw_json_get(doc, "data"), data, sizeof data) > 0)
        s.data_json = data;
    int32_t rc = p->provider->on_state(p->host, p->provider->call_find(p->host, id), &s);
    reply(p, r->id, rc < 0 ? 404 : 200, "{}");
}

static void on_told_complete(void *i, const struct voicegw_request *r)
{
    struct paper *p = i;
    struct voicegw_json doc = voicegw_json_of(r->body);
    char result[2048], sentence[512];
    text(doc, "sentence", sentence);
    bool has = voicegw_json_raw(voicegw_json_get(doc, "result"), result, sizeof result) > 0;
    p->provider->on_complete(p->host, (uint64_t)voicegw_json_get_int(doc, "op", 0),
                             (int32_t)voicegw_json_get_int(doc, "status", 0), sentence[0] ? sentence : NULL,
                             has ? result : NULL);
    reply(p, r->id, 200, "{}");
}

static void on_told_recording(void *i, const struct voicegw_request *r)
{
    struct paper *p = i;
    struct voicegw_json doc = voicegw_json_of(r->body);
    char id[512], recording[512], state[512], url[512];
    text(doc, "id", id);
    text(doc, "recording_id", recording);
    text(doc, "state", state);
    text(doc, "url", url);
    p->provider->on_recording(p->host, p->provider->call_find(p->host, id), recording, state, url,
                              voicegw_json_get_double(doc, "duration", -1));
    reply(p, r->id, 200, "{}");
}

static void wait_long(void *arg)
{
    (void)arg;
    (void)poll(NULL, 0, 3600 * 1000);
}

static void on_busy(void *i, const struct voicegw_request *r)
{
    struct paper *p = i;
    int32_t rc = p->host->job(p->host, VOICEGW_LANE_IO, 0, VOICEGW_TARGET_CONTROL, wait_long, NULL, p);
    reply(p, r->id, rc < 0 ? 503 : 200, "{}");
}

static void on_log(void *i, const struct voicegw_request *r)
{
    struct paper *p = i;
    struct voicegw_reply answer_ = {.size = sizeof answer_, .http_status = 200, .content_type = "text/plain"};
    answer_.body = p->log;
    answer_.body_bytes = p->log_bytes;
    p->route->reply(p->host, r->id, &answer_);
}

/* ---- life ---- */

static int32_t on_create(const struct voicegw_host *host, const struct voicegw_options *o, void **ret_instance)
{
    struct paper *p = calloc(1, sizeof *p);
    const char *silent = host->option_string(host, o, "silent"), *up = host->option_string(host, o, "up");
    struct voicegw_vendor vendor;
    int32_t rc = voicegw_vendor_read(host, o, &vendor);
    if (p)
        p->log = calloc(1, LOG_BYTES);
    if (rc < 0 || !p || !p->log) {
        if (p)
            free(p->log);
        free(p);
        return rc < 0 ? rc : host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    }
    p->host = host;
    p->provider = host->get_extension(host, VOICEGW_HOST_PROVIDER);
    p->route = host->get_extension(host, VOICEGW_HOST_ROUTE);
    snprintf(p->silent, sizeof p->silent, "%s", silent ? silent : "");
    snprintf(p->up, sizeof p->up, "%s", up ? up : "");
    *ret_instance = p;
    return VOICEGW_OK;
}

static int32_t on_start(void *i)
{
    struct paper *p = i;
    const struct voicegw_host_route *r = p->route;
    int32_t rc = r->add_http(p->host, "POST", "calls", VOICEGW_ROUTE_PUBLIC, on_calls);
    rc = rc < 0 ? rc : r->add_http(p->host, "POST", "state", VOICEGW_ROUTE_PUBLIC, on_told_state);
    rc = rc < 0 ? rc : r->add_http(p->host, "POST", "complete", VOICEGW_ROUTE_PUBLIC, on_told_complete);
    rc = rc < 0 ? rc : r->add_http(p->host, "POST", "busy", VOICEGW_ROUTE_PUBLIC, on_busy);
    rc = rc < 0 ? rc : r->add_http(p->host, "POST", "recording", VOICEGW_ROUTE_PUBLIC, on_told_recording);
    return rc < 0 ? rc : r->add_http(p->host, "GET", "log", VOICEGW_ROUTE_PUBLIC, on_log);
}

static void on_destroy(void *i)
{
    struct paper *p = i;
    free(p->log);
    free(p);
}

static const void *on_extension(void *i, const char *id)
{
    static const struct voicegw_provider provider = {.size = sizeof provider,
                                                     .make_call = make_call,
                                                     .answer = answer,
                                                     .reject = reject,
                                                     .end = end,
                                                     .hold = hold,
                                                     .play = play,
                                                     .say = say,
                                                     .reconcile = reconcile,
                                                     .cancel = cancel,
                                                     .poll = ask_all,
                                                     .settle = settle};
    static const struct voicegw_provider_ivr ivr = {.size = sizeof ivr, .perform = perform};
    (void)i;
    return strcmp(id, VOICEGW_KIND_PROVIDER) == 0       ? (const void *)&provider
           : strcmp(id, VOICEGW_KIND_PROVIDER_IVR) == 0 ? (const void *)&ivr
                                                        : NULL;
}

static const struct voicegw_factory factory = {.size = sizeof factory,
                                               .kind = VOICEGW_KIND_PROVIDER,
                                               .options = options,
                                               .option_count = sizeof options / sizeof options[0],
                                               .caps = VOICEGW_CAP_MAKE_CALL | VOICEGW_CAP_ANSWER | VOICEGW_CAP_END |
                                                       VOICEGW_CAP_HOLD | VOICEGW_CAP_PLAY | VOICEGW_CAP_SAY |
                                                       VOICEGW_CAP_IVR,
                                               .create = on_create,
                                               .start = on_start,
                                               .destroy = on_destroy,
                                               .get_extension = on_extension};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .flags = VOICEGW_PLUGIN_CLOSABLE,
                                             .name = "paper",
                                             .version = "1",
                                             .license = "MIT",
                                             .description = "A provider whose vendor is the test",
                                             .factory_count = 1,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor);
const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_minor;
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
