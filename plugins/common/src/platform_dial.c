/* platform_dial.c - placing a call at a platform, and finding out what became of it. */
#include "platform.h"
#include <stdlib.h>
#include <string.h>

#define LOOK_US 2000000       /* until a call whose placing was not answered is looked for */
#define LOOK_AGAIN_US 1000000 /* the first wait when the platform does not answer that either; it doubles */
#define END_ASK_US 400000     /* between questions whether a stopped call is over */
#define GRACE_US 2000000      /* between questions for a transcript that is still written */

static const char *const given_names[] = {"content",     "voice_id", "language",        "max_duration",
                                          "record_call", "machine",  "platform_config", "webhook_config"};

struct voicegw_json platform_field(const struct platform_sources *s, const char *name)
{
    const struct voicegw_json from[] = {voicegw_json_member(s->variables, "platform_config"),
                                        voicegw_json_member(s->route, "platform_config"), s->defaults};
    for (size_t i = 0; i < sizeof from / sizeof from[0]; i++) {
        struct voicegw_json v = voicegw_json_member(from[i], name);
        if (voicegw_json_type(v) > VOICEGW_JSON_NULL)
            return v;
    }
    return voicegw_json_absent_();
}

struct voicegw_json platform_given(const struct platform_sources *s, const char *name)
{
    struct voicegw_json v = voicegw_json_member(s->variables, name);
    return voicegw_json_type(v) > VOICEGW_JSON_NULL ? v : voicegw_json_member(s->route, name);
}

int platform_is_given(struct voicegw_json key)
{
    for (size_t i = 0; i < sizeof given_names / sizeof given_names[0]; i++)
        if (voicegw_json_equals(key, given_names[i]))
            return 1;
    return 0;
}

double platform_duration_s(struct voicegw_json v)
{
    static const struct {
        const char *unit;
        double s;
    } units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}, {"ms", 0.001}};
    char text[40], *unit = text;
    uint32_t type = voicegw_json_type(v);
    double n = voicegw_json_double(v, -1);
    if (type == VOICEGW_JSON_ABSENT || type == VOICEGW_JSON_NULL)
        return 0;
    if (type == VOICEGW_JSON_NUMBER)
        return n > 0 && n <= 86400 ? n : -1;
    if (voicegw_json_string(v, text, sizeof text) <= 0)
        return -1;
    n = strtod(text, &unit);
    for (size_t i = 0; unit != text && i < sizeof units / sizeof units[0]; i++)
        if (strcmp(unit, units[i].unit) == 0 && n > 0 && n * units[i].s <= 86400)
            return n * units[i].s;
    return -1;
}

void platform_put_members(struct voicegw_json_writer *w, struct voicegw_json object)
{
    char name[128];
    struct voicegw_json_iter it = voicegw_json_each(object);
    while (voicegw_json_next(&it))
        if (voicegw_json_string(it.key, name, sizeof name) > 0)
            voicegw_json_put_json(w, name, it.value);
}

/* ---- the payload ---- */

static int64_t format(struct platform *p, const struct voicegw_call_params *params, char *out, char *why, size_t cap)
{
    char url[PLATFORM_URL_CAP];
    const struct platform_settings *s = p->settings;
    const struct platform_kind *k = p->kind;
    struct platform_sources sources = {.params = params,
                                       .variables = voicegw_json_of(params->variables_json),
                                       .route = voicegw_json_of(params->route_json),
                                       .defaults = voicegw_json_of(s->texts[k->call_text]),
                                       .extra = voicegw_json_of(s->vendor.extra_json),
                                       .webhook_url = url,
                                       .default_from = params->from && *params->from ? params->from : ""};
    platform_webhook_url(p, s, url, sizeof url);
    sources.record = s->record;
    for (size_t i = 0; i < sizeof sources.own / sizeof sources.own[0]; i++)
        sources.own[i] = s->texts[k->own[i]];
    return k->format(&sources, out, PLATFORM_BODY_MAX, why, cap);
}

static int32_t refuse(struct platform *p, int64_t status, const char *why)
{
    return p->host->set_error(p->host, status == VOICEGW_ELIMIT ? VOICEGW_EINVALID : (int32_t)status,
                              status == VOICEGW_ELIMIT ? "the parameters of the call are too long for one request"
                                                       : why);
}

int32_t platform_validate(void *instance, const struct voicegw_call_params *params)
{
    struct platform *p = instance;
    char why[PLATFORM_SENTENCE_CAP] = "";
    char *out = malloc(PLATFORM_BODY_MAX);
    if (!out)
        return p->host->set_error(p->host, VOICEGW_ELIMIT, "out of memory");
    int64_t n = format(p, params, out, why, sizeof why);
    free(out);
    return n < 0 ? refuse(p, n, why) : VOICEGW_OK;
}

/* ---- placing ---- */

static void placed(struct platform_call *c, uint64_t op)
{
    char json[PLATFORM_ID_CAP + 64];
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "provider_call_id", c->id);
    voicegw_json_put_end(&w);
    (void)voicegw_json_finish(&w);
    c->look_op = 0;
    platform_complete(c->p, op, VOICEGW_OK, NULL, json);
    platform_call_state(c, VOICEGW_CALL_INITIATING, 0, NULL);
}

/* It was not placed, or nobody can say; whoever wanted it ended has what was wanted. */
static void not_placed(struct platform_call *c, uint64_t op, int32_t status, const char *sentence)
{
    uint64_t end_op = c->end_op;
    c->look_op = c->end_op = 0;
    c->over = 1;
    platform_complete(c->p, op, status, sentence, NULL);
    platform_complete(c->p, end_op, VOICEGW_OK, NULL, "{\"state\":\"ended\"}");
}

static void on_look(void *arg);

/* Whoever is called must not be called again by another platform only because this one could not be asked just then. */
static void look_again(struct platform_call *c, uint64_t op)
{
    struct platform *p = c->p;
    if (++c->looks < PLATFORM_LOOKS &&
        (c->timer = p->host->timer_start(p->host, VOICEGW_TARGET_CONTROL, LOOK_AGAIN_US << (c->looks - 1), on_look, c)))
        return;
    not_placed(c, op, VOICEGW_ENETWORK, "the platform did not answer, and cannot be asked whether it called");
}

static void on_found(struct platform_rest *r, const struct platform_answer *a)
{
    char id[PLATFORM_ID_CAP] = "";
    struct platform *p = r->p;
    struct platform_call *c = platform_call_of(p, r->call);
    if (!c || !c->look_op)
        return;
    if (!c->id[0] && a->status == VOICEGW_OK && p->kind->find_id(a->json, c->call_id, id, sizeof id)) {
        p->host->count(p->host, "calls_reconciled", 1);
        platform_call_known(c, id);
    }
    if (c->id[0]) {
        placed(c, r->op);
        return;
    }
    if (a->status == VOICEGW_OK)
        not_placed(c, r->op, VOICEGW_EPROVIDER, "the platform did not answer, and has no such call: it was not placed");
    else
        look_again(c, r->op);
}

/* Nobody knows whether the call was placed: it is looked for, and never placed again. */
static void on_look(void *arg)
{
    struct platform_call *c = arg;
    struct platform *p = c->p;
    c->timer = 0;
    uint64_t op = c->look_op;
    if (c->id[0]) { /* a callback told it meanwhile */
        platform_call_heard(c);
        placed(c, op);
        return;
    }
    struct platform_rest *r = platform_rest_new(p, c->settings, "GET", on_found);
    if (r) {
        p->kind->path(&r->url_text, PLATFORM_FIND, c->to, c->made_us);
        r->op = op;
        r->call = c->handle;
        if (platform_rest_send(r) == VOICEGW_OK)
            return;
    }
    look_again(c, op);
}

static int unsure(const struct platform_answer *a)
{
    return a->status == VOICEGW_ETIMEOUT || a->status == VOICEGW_ENETWORK || a->http_status >= 500 ||
           (a->http_status >= 200 && a->http_status < 300 && !a->json.text);
}

static void on_sent(struct platform_rest *r, const struct platform_answer *a)
{
    char id[PLATFORM_ID_CAP] = "";
    struct platform *p = r->p;
    struct platform_call *c = platform_call_of(p, r->call);
    if (!c) {
        /* It was given up while the request was under way: nobody is to be rung then. */
        if (a->status == VOICEGW_OK && p->kind->read_id(a->json, id, sizeof id))
            (void)p->kind->stop(p, r->settings, NULL, id, 0);
        return;
    }
    if (a->status == VOICEGW_OK && p->kind->read_id(a->json, id, sizeof id)) {
        platform_call_known(c, id);
        placed(c, r->op);
        p->kind->apply(c, a->json);
        return;
    }
    if (unsure(a) || a->status == VOICEGW_OK) {
        c->look_op = r->op;
        if (c->timer)
            (void)p->host->timer_cancel(p->host, c->timer);
        c->timer = p->host->timer_start(p->host, VOICEGW_TARGET_CONTROL, LOOK_US, on_look, c);
        if (c->timer)
            return;
        c->look_op = 0;
    }
    not_placed(c, r->op, a->status ? a->status : VOICEGW_EPROVIDER, a->sentence);
}

/* send_call: the payload goes out with the key; the answer brings the platform's id of the call. */
static int32_t send_call(struct platform_call *c, uint64_t op, uint64_t call, const char *payload, uint64_t bytes)
{
    struct platform *p = c->p;
    struct platform_rest *r = platform_rest_new(p, c->settings, "POST", on_sent);
    if (!r)
        return VOICEGW_ECONFIG;
    p->kind->path(&r->url_text, PLATFORM_SEND, "", 0);
    r->op = op;
    r->call = call;
    platform_rest_body(r, payload, bytes);
    return platform_rest_send(r);
}

int32_t platform_make_call(void *instance, uint64_t op, uint64_t call, const struct voicegw_call_params *params)
{
    struct platform *p = instance;
    char why[PLATFORM_SENTENCE_CAP] = "";
    char *payload = malloc(PLATFORM_BODY_MAX);
    struct platform_call *c = payload ? platform_call_new(p, params->to) : NULL;
    int32_t rc = VOICEGW_OK;
    if (!c) {
        free(payload);
        return p->host->set_error(p->host, VOICEGW_ELIMIT, "out of memory");
    }
    int64_t n = format(p, params, payload, why, sizeof why);
    (void)snprintf(c->call_id, sizeof c->call_id, "%s", params->call_id ? params->call_id : "");
    (void)snprintf(c->session, sizeof c->session, "%s", params->session_id ? params->session_id : "");
    rc = n < 0 ? refuse(p, n, why) : send_call(c, op, call, payload, (uint64_t)n);
    free(payload);
    if (rc == VOICEGW_OK)
        platform_call_enter(c, call);
    else
        platform_call_free(c);
    return rc;
}

/* ---- what became of it ---- */

static const char *state_name(uint32_t state)
{
    static const char *const names[] = {"idle",    "initiating",   "ringing", "connected",
                                        "on_hold", "transferring", "ended",   "failed"};
    return state < sizeof names / sizeof names[0] ? names[state] : "idle";
}

static void describe(struct platform *p, struct voicegw_json call, const char *id, char *json, size_t cap)
{
    static const char *const outcomes[] = {NULL, "completed", "failed", "busy", "no_answer", "canceled"};
    struct platform_view v;
    p->kind->view(call, &v);
    struct voicegw_json_writer w = voicegw_json_writer_of(json, cap);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "state", state_name(v.state));
    voicegw_json_put_string(&w, "provider_status", v.status);
    voicegw_json_put_string(&w, "provider_call_id", id);
    if (v.outcome && v.outcome < sizeof outcomes / sizeof outcomes[0])
        voicegw_json_put_string(&w, "outcome", outcomes[v.outcome]);
    if (v.cost >= 0) {
        voicegw_json_put_double(&w, "cost", v.cost);
        voicegw_json_put_string(&w, "currency", "USD");
    }
    voicegw_json_put_end(&w);
    (void)voicegw_json_finish(&w);
}

static void after_question(struct platform_call *c)
{
    if (c->over)
        return;
    c->heard_us = c->p->host->now_us(c->p->host);
    if (c->end_op && ++c->end_tries >= PLATFORM_END_TRIES)
        platform_call_over(c, "hung up by the gateway");
    else if (c->end_op)
        platform_call_ask_in(c, END_ASK_US);
    else if (c->grace)
        platform_call_ask_in(c, GRACE_US);
    else
        platform_call_heard(c);
}

static void on_asked(struct platform_rest *r, const struct platform_answer *a)
{
    char json[512];
    struct platform *p = r->p;
    struct platform_call *c = r->call ? platform_call_of(p, r->call) : NULL;
    if (c)
        c->asking = 0;
    if (a->status == VOICEGW_OK)
        describe(p, a->json, r->text, json, sizeof json);
    platform_complete(p, r->op, a->status, a->sentence, a->status == VOICEGW_OK ? json : NULL);
    if (!c || c->over)
        return;
    if (a->status == VOICEGW_OK) {
        p->kind->apply(c, a->json);
    } else if (a->status == VOICEGW_ENOTFOUND) {
        platform_call_over(c, "the platform does not know the call any more");
        return;
    }
    c = platform_call_of(p, r->call);
    if (c)
        after_question(c);
}

static int32_t question(struct platform *p, struct platform_settings *s, const char *id, uint64_t op, uint64_t call)
{
    struct platform_rest *r = platform_rest_new(p, s, "GET", on_asked);
    if (!r)
        return VOICEGW_ECONFIG;
    p->kind->path(&r->url_text, PLATFORM_CALL, id, 0);
    (void)snprintf(r->text, sizeof r->text, "%s", id);
    r->op = op;
    r->call = call;
    return platform_rest_send(r);
}

void platform_ask(struct platform_call *c)
{
    c->heard_us = c->p->host->now_us(c->p->host);
    if (c->over)
        return;
    if (!c->id[0] || c->asking) {
        platform_call_heard(c);
        return;
    }
    c->asking = question(c->p, c->settings, c->id, 0, c->handle) == VOICEGW_OK;
    if (!c->asking)
        platform_call_heard(c);
}

int32_t platform_status(void *instance, uint64_t op, uint64_t call)
{
    struct platform *p = instance;
    struct platform_call *c = platform_call_of(p, call);
    if (!c)
        return p->host->set_error(p->host, VOICEGW_ENOTFOUND, "no such call");
    if (!c->id[0])
        return p->host->set_error(p->host, VOICEGW_EBUSY, "the platform has not told the call's id yet");
    return question(p, c->settings, c->id, op, call);
}

int32_t platform_reconcile(void *instance, uint64_t op, const char *provider_call_id, int64_t since_wall_us)
{
    struct platform *p = instance;
    (void)since_wall_us;
    if (!provider_call_id || !*provider_call_id)
        return platform_complete_later(p, op, VOICEGW_ENOTFOUND, "the platform never told the call's id", NULL);
    return question(p, p->settings, provider_call_id, op, 0);
}

int32_t platform_settle(void *instance, uint64_t op, const char *provider_call_id, uint32_t how, const char *session_id)
{
    struct platform *p = instance;
    (void)session_id;
    if (how != VOICEGW_SETTLE_END)
        return platform_unsupported(p, "a conversation that the platform runs cannot be taken over by a new session; "
                                       "it goes on there, or is ended (on_restart: end)");
    return p->kind->stop(p, p->settings, NULL, provider_call_id, op);
}

/* Callbacks can be lost: each call is asked about by a timer of its own, so the host's round has nothing to do but to
 * wake those whose timer could not be started. */
void platform_poll(void *instance)
{
    struct platform *p = instance;
    for (uint32_t i = 0; i < PLATFORM_BUCKETS; i++)
        for (struct platform_call *c = p->calls[i]; c; c = c->next)
            if (!c->over && !c->timer && c->id[0] && !c->asking)
                platform_call_heard(c);
}

/* ---- ending ---- */

void platform_stopped(struct platform_rest *r, const struct platform_answer *a)
{
    struct platform *p = r->p;
    int fine = a->status == VOICEGW_OK || a->status == VOICEGW_ENOTFOUND;
    struct platform_call *c = r->call ? platform_call_of(p, r->call) : NULL;
    if (!c) {
        platform_complete(p, r->op, fine ? VOICEGW_OK : a->status, a->sentence, fine ? "{\"state\":\"ended\"}" : NULL);
        return;
    }
    if (!fine && c->end_op) {
        uint64_t op = c->end_op;
        c->end_op = 0;
        c->ending = 0;
        platform_complete(p, op, a->status, a->sentence, NULL);
        return;
    }
    /* Its transcript, cost and summary come with the last word: that is waited for a little. */
    platform_call_ask_in(c, END_ASK_US);
}

int32_t platform_end(void *instance, uint64_t op, uint64_t call)
{
    struct platform *p = instance;
    struct platform_call *c = platform_call_of(p, call);
    if (!c)
        return p->host->set_error(p->host, VOICEGW_ENOTFOUND, "no such call");
    if (c->over)
        return platform_complete_later(p, op, VOICEGW_OK, NULL, "{\"state\":\"ended\"}");
    if (c->end_op)
        return p->host->set_error(p->host, VOICEGW_EBUSY, "the call is being ended already");
    c->ending = 1;
    c->end_op = op;
    if (!c->id[0])
        return VOICEGW_OK; /* once the platform has told the id */
    int32_t rc = p->kind->stop(p, c->settings, c, c->id, op);
    if (rc != VOICEGW_OK) {
        c->end_op = 0;
        c->ending = 0;
    }
    return rc;
}

void platform_cancel(void *instance, uint64_t op)
{
    platform_rest_cancel(instance, op);
}

void platform_forget(void *instance, uint64_t call)
{
    struct platform_call *c = platform_call_of(instance, call);
    if (c)
        platform_call_free(c);
}

struct platform_call *platform_talking(struct platform *p, uint64_t call, int32_t *ret_status)
{
    struct platform_call *c = platform_call_of(p, call);
    if (!c)
        *ret_status = p->host->set_error(p->host, VOICEGW_ENOTFOUND, "no such call");
    else if (c->over || c->state < VOICEGW_CALL_CONNECTED)
        *ret_status = p->host->set_error(p->host, VOICEGW_EBUSY, "the call is not connected");
    else if (!c->id[0])
        *ret_status = p->host->set_error(p->host, VOICEGW_EBUSY, "the platform has not told the call's id yet");
    else
        return c;
    return NULL;
}
