/* dial.c - making calls, and finding out what became of them. All on [control].
 * Source: twilio.com/docs/voice/api/call-resource. */
#include <stdlib.h>
#include <string.h>
#include "twilio.h"

#define RING_MAX_S 600u
#define POLL_MAX 20u                   /* calls that are asked about at a time */
#define POLL_QUIET_US 60000000         /* a call that was heard of since then is not asked about */
#define MADE_EARLIER_US 10000000       /* clocks differ */
#define LOOKS 4u                       /* how often a call is looked for whose making was not answered */
#define LOOK_AGAIN_US INT64_C(1000000) /* the first wait when Twilio does not answer that either; it doubles */

int32_t twilio_validate(void *instance, const struct voicegw_call_params *p)
{
    struct twilio *m = instance;
    const char *why = twilio_check_party(p->to, 1);
    if (!why)
        why = twilio_check_party(p->from, 0);
    if (!why && p->ring_timeout_ms > RING_MAX_S * 1000u)
        why = "timeout_seconds is at most 600";
    if (!why)
        why = fields_check(p);
    return why ? m->host->set_error(m->host, VOICEGW_EINVALID, why) : VOICEGW_OK;
}

/* ---- making ---- */

static void put_detection(struct twilio_call *c, const struct voicegw_call_params *p, struct voicegw_text *form)
{
    char url[TWILIO_URL_CAP];
    int own = fields_have(p, "MachineDetection");
    if (!own && c->settings->amd != AMD_OFF)
        voicegw_form_add(form, "MachineDetection", "Enable");
    if (own ? !fields_are(p, "AsyncAmd", "true") : c->settings->amd != AMD_ASYNC)
        return;
    twilio_call_url(c, "amd", NULL, url, sizeof url);
    if (!own)
        voicegw_form_add(form, "AsyncAmd", "true");
    voicegw_form_add(form, "AsyncAmdStatusCallback", url);
    voicegw_form_add(form, "AsyncAmdStatusCallbackMethod", "POST");
}

static void put_call(struct twilio_call *c, const struct voicegw_call_params *p, struct voicegw_text *form)
{
    static const char *const events[] = {"initiated", "ringing", "answered", "completed"};
    char url[TWILIO_URL_CAP];
    uint32_t ring_s = (p->ring_timeout_ms + 999u) / 1000u;
    voicegw_form_add(form, "To", c->to);
    voicegw_form_add(form, "From", c->from);
    if (!c->led_away) {
        twilio_call_url(c, "answer", NULL, url, sizeof url);
        voicegw_form_add(form, "Url", url);
        voicegw_form_add(form, "Method", "POST");
    }
    twilio_call_url(c, "status", NULL, url, sizeof url);
    voicegw_form_add(form, "StatusCallback", url);
    voicegw_form_add(form, "StatusCallbackMethod", "POST");
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        voicegw_form_add(form, "StatusCallbackEvent", events[i]);
    if (ring_s && !fields_have(p, "Timeout"))
        voicegw_form_add_int(form, "Timeout", ring_s);
    if (p->max_duration_ms && !fields_have(p, "TimeLimit"))
        voicegw_form_add_int(form, "TimeLimit", (p->max_duration_ms + 999u) / 1000u);
    if (fields_are(p, "Record", "true"))
        twilio_record_callback(c, form);
    put_detection(c, p, form);
    fields_put(p, c->settings->vendor.extra_json, form);
}

static void made(struct twilio_call *c, uint64_t op)
{
    char json[TWILIO_SID_CAP + 32];
    (void)snprintf(json, sizeof json, "{\"provider_call_id\":\"%s\"}", c->sid);
    twilio_complete(c->m, op, VOICEGW_OK, NULL, json);
}

/* The call among those that Twilio lists, made since then and not known to us yet. */
static int find_made(struct twilio *m, struct voicegw_json list, int64_t since_us, char *sid, size_t cap)
{
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_member(list, "calls"));
    char date[64];
    while (voicegw_json_next(&it)) {
        if (voicegw_json_get_string(it.value, "date_created", date, sizeof date) <= 0 ||
            twilio_date_us(date) < since_us - MADE_EARLIER_US)
            continue;
        if (voicegw_json_get_string(it.value, "sid", sid, cap) > 0 && form_sid_valid(sid, strlen(sid)) &&
            !twilio_call_by_sid(m, sid))
            return 1;
    }
    return 0;
}

static void on_look(struct twilio_task *t);

/* Whoever is called must not be called again only because Twilio could not be asked just then. */
static void look_again(struct twilio *m, uint64_t op, uint64_t call, int64_t since_us, uint32_t looks)
{
    struct twilio_task *t = looks + 1 < LOOKS ? twilio_task_start(m, LOOK_AGAIN_US << looks, on_look) : NULL;
    if (!t) {
        twilio_complete(m, op, VOICEGW_ENETWORK, "Twilio did not answer, and cannot be asked", NULL);
        return;
    }
    t->op = op;
    t->call = call;
    t->status = (int32_t)looks + 1;
    (void)snprintf(t->json, sizeof t->json, "%lld", (long long)since_us);
}

static void on_listed(struct twilio_rest *r, const struct twilio_answer *a)
{
    char sid[TWILIO_SID_CAP] = "";
    struct twilio_call *c = twilio_call_of(r->m, r->call);
    if (!c)
        return;
    if (!c->sid[0] && a->status == VOICEGW_OK && find_made(r->m, a->json, r->since_us, sid, sizeof sid)) {
        r->m->host->count(r->m->host, "calls_reconciled", 1);
        twilio_call_known(c, sid);
    }
    if (c->sid[0])
        made(c, r->op);
    else if (a->status == VOICEGW_OK)
        twilio_complete(r->m, r->op, VOICEGW_EPROVIDER, "Twilio did not answer, and did not take the call", NULL);
    else
        look_again(r->m, r->op, r->call, r->since_us, r->what);
}

/* Nobody knows whether the call was placed: it is looked for, and never placed again. */
static void on_look(struct twilio_task *t)
{
    struct twilio_call *c = twilio_call_of(t->m, t->call);
    if (!c)
        return;
    struct twilio_rest *r = twilio_rest_new(t->m, c->settings, "GET", on_listed);
    if (r) {
        voicegw_text_add(&r->url_text, "Calls.json?To=");
        voicegw_text_add_escaped(&r->url_text, c->to);
        voicegw_text_add(&r->url_text, "&From=");
        voicegw_text_add_escaped(&r->url_text, c->from);
        voicegw_text_add(&r->url_text, "&PageSize=20");
        r->op = t->op;
        r->call = t->call;
        r->timeout_ms = r->timeout_ms > 5000 ? 5000 : r->timeout_ms;
        r->since_us = strtoll(t->json, NULL, 10);
        r->what = (uint32_t)t->status;
        if (twilio_rest_send(r) == VOICEGW_OK)
            return;
    }
    if (c->sid[0]) /* a callback told it meanwhile */
        made(c, t->op);
    else
        look_again(t->m, t->op, t->call, strtoll(t->json, NULL, 10), (uint32_t)t->status);
}

static int unsure(const struct twilio_answer *a)
{
    return a->status == VOICEGW_ETIMEOUT || a->status == VOICEGW_ENETWORK || a->http_status >= 500 ||
           (a->status == VOICEGW_EPROVIDER && a->http_status >= 200 && a->http_status < 300);
}

static void on_made(struct twilio_rest *r, const struct twilio_answer *a)
{
    struct twilio *m = r->m;
    struct twilio_call *c = twilio_call_of(m, r->call);
    char sid[TWILIO_SID_CAP] = "";
    if (!c) {
        twilio_complete(m, r->op, VOICEGW_ENOTFOUND, "the call is over", NULL);
        return;
    }
    if (a->status == VOICEGW_OK && voicegw_json_get_string(a->json, "sid", sid, sizeof sid) > 0 &&
        form_sid_valid(sid, strlen(sid))) {
        twilio_call_known(c, sid);
        made(c, r->op);
        if (c->state < VOICEGW_CALL_INITIATING)
            twilio_call_state(c, VOICEGW_CALL_INITIATING, 0, NULL, NULL);
        return;
    }
    if (unsure(a) || a->status == VOICEGW_OK) {
        struct twilio_task *t = twilio_task_start(m, TWILIO_RECONCILE_US, on_look);
        if (t) {
            t->op = r->op;
            t->call = r->call;
            (void)snprintf(t->json, sizeof t->json, "%lld", (long long)r->since_us);
            return;
        }
    }
    twilio_complete(m, r->op, a->status ? a->status : VOICEGW_EPROVIDER, a->sentence, NULL);
}

static int has_documents(struct twilio *m, uint64_t call)
{
    struct voicegw_json doc = voicegw_json_of(m->provider->call_describe(m->host, call));
    return voicegw_json_equals(voicegw_json_member(doc, "media"), "twiml") != 0;
}

int32_t twilio_make_call(void *instance, uint64_t op, uint64_t call, const struct voicegw_call_params *p)
{
    struct twilio *m = instance;
    char from[TWILIO_PARTY_CAP] = "";
    int32_t rc = twilio_validate(m, p);
    if (rc != VOICEGW_OK)
        return rc;
    (void)snprintf(from, sizeof from, "%s", p->from && *p->from ? p->from : m->settings->from);
    if (!from[0])
        return m->host->set_error(m->host, VOICEGW_EINVALID, "from is missing: give a number, or set default_from");
    struct twilio_call *c = twilio_call_new(m, from, p->to);
    if (!c)
        return m->host->set_error(m->host, VOICEGW_ELIMIT, "out of memory");
    c->outbound = 1;
    c->led_away = fields_lead_away(p) != 0;
    if (c->led_away && !has_documents(m, call)) {
        twilio_call_free(c);
        return m->host->set_error(m->host, VOICEGW_EINVALID,
                                  "with a Url or Twiml of its own a call brings no audio here: give media: twiml");
    }
    struct twilio_rest *r = twilio_rest_new(m, c->settings, "POST", on_made);
    if (!r) {
        twilio_call_free(c);
        return VOICEGW_ECONFIG;
    }
    voicegw_text_add(&r->url_text, "Calls");
    put_call(c, p, &r->form);
    r->op = op;
    r->call = call;
    r->since_us = m->host->wall_us(m->host);
    rc = twilio_rest_send(r);
    if (rc != VOICEGW_OK) {
        twilio_call_free(c);
        return rc;
    }
    twilio_call_enter(c, call);
    if (p->session_id && *p->session_id)
        (void)snprintf(c->session, sizeof c->session, "%s", p->session_id);
    return VOICEGW_OK;
}

/* ---- what became of a call ---- */

static void describe(struct voicegw_json resource, char *json, size_t cap)
{
    char status[32] = "", sid[TWILIO_SID_CAP] = "";
    uint32_t outcome = 0;
    (void)voicegw_json_get_string(resource, "status", status, sizeof status);
    (void)voicegw_json_get_string(resource, "sid", sid, sizeof sid);
    static const char *const outcomes[] = {NULL, "completed", "failed", "busy", "no_answer", "canceled"};
    uint32_t state = twilio_state_of(status, &outcome);
    double price = twilio_price(voicegw_json_member(resource, "price"));
    struct voicegw_json_writer w = voicegw_json_writer_of(json, cap);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "state", twilio_state_name(state));
    voicegw_json_put_string(&w, "provider_status", status);
    voicegw_json_put_string(&w, "provider_call_id", sid);
    if (outcome)
        voicegw_json_put_string(&w, "outcome", outcomes[outcome]);
    if (price >= 0)
        voicegw_json_put_double(&w, "cost", price);
    voicegw_json_put_end(&w);
    (void)voicegw_json_finish(&w);
}

static void on_asked(struct twilio_rest *r, const struct twilio_answer *a)
{
    char json[512];
    struct twilio *m = r->m;
    struct twilio_call *c = r->call ? twilio_call_of(m, r->call) : NULL;
    if (a->status == VOICEGW_OK)
        describe(a->json, json, sizeof json);
    twilio_complete(m, r->op, a->status, a->sentence, a->status == VOICEGW_OK ? json : NULL);
    c = r->call ? twilio_call_of(m, r->call) : NULL;
    if (c && a->status == VOICEGW_OK)
        twilio_apply_resource(c, a->json);
    else if (c && a->status == VOICEGW_ENOTFOUND)
        twilio_call_over(c, "Twilio does not know the call any more");
}

int32_t twilio_status(void *instance, uint64_t op, uint64_t call)
{
    struct twilio *m = instance;
    struct twilio_call *c = twilio_call_of(m, call);
    if (!c)
        return m->host->set_error(m->host, VOICEGW_ENOTFOUND, "no such call");
    struct twilio_rest *r = twilio_rest_call(c, "GET", on_asked);
    if (!r)
        return VOICEGW_EBUSY;
    r->op = op;
    return twilio_rest_send(r);
}

static struct twilio_rest *about(struct twilio *m, uint64_t op, const char *sid, const char *method,
                                 twilio_rest_done done)
{
    if (!sid || !form_sid_valid(sid, strlen(sid))) {
        (void)m->host->set_error(m->host, VOICEGW_EINVALID, "a call's id at Twilio is CA and 32 digits");
        return NULL;
    }
    struct twilio_rest *r = twilio_rest_new(m, m->settings, method, done);
    if (!r)
        return NULL;
    voicegw_text_add(&r->url_text, "Calls/");
    voicegw_text_add(&r->url_text, sid);
    r->op = op;
    return r;
}

int32_t twilio_reconcile(void *instance, uint64_t op, const char *provider_call_id, int64_t since_wall_us)
{
    struct twilio *m = instance;
    (void)since_wall_us;
    if (!provider_call_id || !*provider_call_id)
        return twilio_complete_later(m, op, 0, VOICEGW_ENOTFOUND, "Twilio never told the call's id", NULL);
    struct twilio_rest *r = about(m, op, provider_call_id, "GET", on_asked);
    return r ? twilio_rest_send(r) : VOICEGW_EINVALID;
}

static void on_settled(struct twilio_rest *r, const struct twilio_answer *a)
{
    int gone = a->status == VOICEGW_ENOTFOUND || twilio_code_is_over(a->code);
    twilio_complete(r->m, r->op, gone && r->what == VOICEGW_SETTLE_END ? VOICEGW_OK : a->status, a->sentence, NULL);
}

int32_t twilio_settle(void *instance, uint64_t op, const char *provider_call_id, uint32_t how, const char *session_id)
{
    struct twilio *m = instance;
    char url[TWILIO_URL_CAP / 2];
    struct twilio_rest *r = about(m, op, provider_call_id, "POST", on_settled);
    if (!r)
        return VOICEGW_EINVALID;
    r->what = how;
    r->repeatable = 1;
    if (how == VOICEGW_SETTLE_RECOVER) {
        char full[TWILIO_URL_CAP];
        struct voicegw_text t = voicegw_text_of(full, sizeof full);
        if (m->route->url(m->host, "inbound", url, sizeof url) < 0)
            url[0] = '\0';
        voicegw_text_add(&t, url);
        voicegw_text_add(&t, "?recovers=");
        voicegw_text_add_escaped(&t, session_id);
        voicegw_form_add(&r->form, "Url", full);
        voicegw_form_add(&r->form, "Method", "POST");
    } else {
        voicegw_form_add(&r->form, "Status", "completed");
    }
    return twilio_rest_send(r);
}

/* Callbacks can be lost: calls of which nothing was heard are asked about. A live stream is a sign of life. */
void twilio_poll(void *instance)
{
    struct twilio *m = instance;
    int64_t now_us = m->host->now_us(m->host);
    uint32_t asked = 0;
    twilio_prices_take(m);
    for (uint32_t i = 0; i < TWILIO_BUCKETS; i++) {
        for (struct twilio_call *c = m->calls[i]; c && asked < POLL_MAX; c = c->next) {
            (void)pthread_mutex_lock(&m->lock);
            int streams = c->proven != 0;
            (void)pthread_mutex_unlock(&m->lock);
            if (c->over || streams || !c->sid[0] || now_us - c->heard_us < POLL_QUIET_US)
                continue;
            struct twilio_rest *r = twilio_rest_call(c, "GET", on_asked);
            if (!r || twilio_rest_send(r) != VOICEGW_OK)
                return;
            c->heard_us = now_us;
            asked++;
        }
    }
}
