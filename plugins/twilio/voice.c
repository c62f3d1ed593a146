/* voice.c - the documents that Twilio asks for: an incoming call, an answered one, one that comes back to its stream.
 * All on [control]. */
#include <stdlib.h>
#include <string.h>
#include "signature.h"
#include "twilio.h"

static void hang_up_document(struct twilio *m, uint64_t request)
{
    struct twiml t;
    twiml_begin(&t);
    twiml_open(&t, "Hangup");
    (void)twiml_end(&t);
    twilio_reply_twiml(m, request, &t);
}

/* When anything fails on our side: another number, or an apology. */
static void apologize(struct twilio *m, const struct twilio_settings *s, uint64_t request)
{
    struct twiml t;
    m->host->count(m->host, "apologies", 1);
    if (*s->fallback) {
        twiml_begin(&t);
        twiml_leaf(&t, "Dial", s->fallback);
        (void)twiml_end(&t);
    } else if (twiml_apology(&t, s->error_text) < 0) {
        (void)twiml_apology(&t, "Sorry, we encountered an error. Please try again later.");
    }
    twilio_reply_twiml(m, request, &t);
}

static void reject_document(struct twilio *m, uint64_t request, const char *reason)
{
    struct twiml t;
    twiml_begin(&t);
    twiml_open(&t, "Reject");
    twiml_attr(&t, "reason", reason);
    (void)twiml_end(&t);
    twilio_reply_twiml(m, request, &t);
}

/* ---- the stream's document ---- */

static void stream_url(struct twilio_call *c, char *out, size_t cap)
{
    char url[TWILIO_URL_CAP];
    int n = snprintf(url, sizeof url, "%sstream/%s", c->base, c->session);
    if (n < 0 || (size_t)n >= sizeof url || signature_scheme(url, 1, out, cap) == 0)
        out[0] = '\0';
}

void twilio_put_stream(struct twiml *t, struct twilio_call *c)
{
    char url[TWILIO_URL_CAP], status[TWILIO_URL_CAP];
    stream_url(c, url, sizeof url);
    twilio_call_url(c, "stream-status", NULL, status, sizeof status);
    twiml_open(t, c->one_way ? "Start" : "Connect");
    twiml_open(t, "Stream");
    twiml_attr(t, "url", url);
    if (c->one_way)
        twiml_attr(t, "track", "inbound_track");
    twiml_attr(t, "statusCallback", status);
    twiml_open(t, "Parameter");
    twiml_attr(t, "name", "token");
    twiml_attr(t, "value", c->token);
    twiml_close(t);
    twiml_close(t);
    twiml_close(t);
    if (c->settings->redirect_lost && !c->one_way) {
        /* Reached when the stream ends before the call: a request of ours would come too late. */
        twilio_call_url(c, "answer", NULL, url, sizeof url);
        twiml_open(t, "Redirect");
        twiml_attr(t, "method", "POST");
        twiml_text(t, url);
        twiml_close(t);
    }
}

/* What an incoming caller hears first: the route's greeting, or the instance's. */
static void put_greeting(struct twiml *t, struct twilio_call *c)
{
    char text[1024] = "", language[32] = "";
    struct voicegw_json doc = voicegw_json_of(c->m->provider->call_describe(c->m->host, c->handle));
    struct voicegw_json greeting = voicegw_json_member(doc, "greeting");
    int own = voicegw_json_type(greeting) == VOICEGW_JSON_STRING;
    /* A longer one is left to the gateway's own voice. */
    if (own && voicegw_json_string(greeting, text, sizeof text) < 0)
        return;
    (void)pthread_mutex_lock(&c->m->lock);
    c->said = own != 0;
    (void)pthread_mutex_unlock(&c->m->lock);
    if (own)
        (void)voicegw_json_string(voicegw_json_member(doc, "language"), language, sizeof language);
    else
        (void)snprintf(text, sizeof text, "%s", c->settings->greeting);
    if (text[0])
        twiml_say(t, text, c->settings->voice, strncmp(language, "en", 2) == 0 ? NULL : language);
}

/* One-way streams need a verb that keeps the call up: who is to be dialled, or silence. */
static void put_rest(struct twiml *t, struct twilio_call *c)
{
    char dial[TWILIO_PARTY_CAP] = "";
    struct voicegw_json doc = voicegw_json_of(c->m->provider->call_describe(c->m->host, c->handle));
    (void)voicegw_json_get_string(doc, "route.dial", dial, sizeof dial);
    if (dial[0])
        twiml_leaf(t, "Dial", dial);
    else
        twiml_pause(t, 3600);
}

void twilio_stream_document(struct twilio_call *c, struct twiml *t)
{
    twiml_begin(t);
    if (!c->outbound && !c->streamed)
        put_greeting(t, c);
    twilio_put_stream(t, c);
    if (c->one_way)
        put_rest(t, c);
    (void)twiml_end(t);
}

static void on_no_stream(struct twilio_task *task)
{
    struct twilio_call *c = twilio_call_of(task->m, task->call);
    if (!c || c->over)
        return;
    c->watch = NULL;
    (void)pthread_mutex_lock(&task->m->lock);
    uint32_t streams = c->proven;
    c->detour = 0;
    (void)pthread_mutex_unlock(&task->m->lock);
    if (streams) /* the webhook was another's copy: Twilio never left its stream */
        return;
    task->m->host->count(task->m->host, "streams_missed", 1);
    twilio_hang_up(c);
    twilio_call_over(c, "no media stream came from Twilio");
}

void twilio_watch_stream(struct twilio_call *c, int64_t wait_us)
{
    twilio_task_cancel(c->watch);
    c->watch = twilio_task_start(c->m, wait_us, on_no_stream);
    if (c->watch)
        c->watch->call = c->handle;
}

static void give_stream(struct twilio_call *c, uint64_t request)
{
    struct twiml t;
    twilio_stream_document(c, &t);
    if (t.failed) {
        apologize(c->m, c->settings, request);
        twilio_call_finish(c, VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED, 0, "the TwiML document did not fit", NULL);
        return;
    }
    twilio_reply_twiml(c->m, request, &t);
    twilio_watch_stream(c, TWILIO_STREAM_WAIT_US);
}

/* ---- incoming ---- */

/* The address by which Twilio asked, so that it finds the rest of us there too. */
static void learn_base(struct twilio_call *c, const struct voicegw_request *r)
{
    size_t n = strcspn(r->public_url, "?#");
    if (n > 7 && n - 7 < sizeof c->base && strncmp(r->public_url + n - 8, "/inbound", 8) == 0) {
        memcpy(c->base, r->public_url, n - 7);
        c->base[n - 7] = '\0';
    }
}

static struct twilio_call *call_from(struct twilio *m, const struct voicegw_request *r, const struct form *f,
                                     const char *sid)
{
    char from[TWILIO_PARTY_CAP], to[TWILIO_PARTY_CAP];
    (void)form_text(f, "From", from, sizeof from);
    (void)form_text(f, "To", to, sizeof to);
    struct twilio_call *c = twilio_call_new(m, from, to);
    if (!c)
        return NULL;
    c->state = VOICEGW_CALL_RINGING;
    c->in_progress = form_is(f, "CallStatus", "in-progress") != 0;
    (void)snprintf(c->sid, sizeof c->sid, "%s", sid);
    learn_base(c, r);
    return c;
}

static int32_t offer(struct twilio *m, struct twilio_call *c, const char *caller_name, const char *recovers)
{
    uint64_t handle = 0;
    const struct voicegw_incoming incoming = {.size = sizeof incoming,
                                              .provider_call_id = c->sid,
                                              .from = c->from,
                                              .to = c->to,
                                              .caller_name = caller_name && *caller_name ? caller_name : NULL,
                                              .recovers = recovers && *recovers ? recovers : NULL};
    struct twilio_call *outer = m->coming;
    m->coming = c;
    int32_t rc = m->provider->on_incoming(m->host, &incoming, &handle);
    m->coming = outer;
    if (rc == VOICEGW_OK)
        twilio_call_enter(c, handle);
    return rc;
}

/* The same call again: the same answer, and no second session. */
static void again(struct twilio *m, const struct voicegw_request *r, struct twilio_call *c)
{
    m->host->count(m->host, "repeated_webhooks", 1);
    if (c->over) {
        hang_up_document(m, r->id);
    } else if (c->request || c->answer_op) {
        /* The first request has yet to be answered: its sender gave up on it. */
        hang_up_document(m, c->request);
        c->request = r->id;
    } else if (c->media_twiml) {
        twilio_ivr_next(c, r->id, NULL, c->document);
    } else {
        struct twiml t;
        twilio_stream_document(c, &t);
        twilio_reply_twiml(m, r->id, &t);
    }
}

void twilio_on_inbound(struct twilio *m, const struct voicegw_request *r, const struct form *f)
{
    char sid[TWILIO_SID_CAP], name[128], recovers[TWILIO_SESSION_CAP];
    if (form_sid(f, "CallSid", sid, sizeof sid) != VOICEGW_OK) {
        m->host->count(m->host, "bad_webhooks", 1);
        twilio_reply_problem(m, r->id, 400, "CallSid must be there once: 1 to 64 letters and digits");
        return;
    }
    struct twilio_call *c = twilio_call_by_sid(m, sid);
    if (c) {
        again(m, r, c);
        return;
    }
    (void)form_text(f, "CallerName", name, sizeof name);
    (void)twilio_query(r, "recovers", recovers, sizeof recovers);
    c = call_from(m, r, f, sid);
    if (!c) {
        apologize(m, m->settings, r->id);
        return;
    }
    c->request = r->id;
    c->streamed = recovers[0] != '\0'; /* who was with us before is not greeted again */
    int32_t rc = offer(m, c, name, recovers);
    if (rc == VOICEGW_OK)
        return; /* answer() or reject() follows */
    c->request = 0;
    twilio_call_free(c);
    if (rc == VOICEGW_ELIMIT)
        reject_document(m, r->id, "busy");
    else if (rc == VOICEGW_EBUSY)
        hang_up_document(m, r->id);
    else
        apologize(m, m->settings, r->id);
}

static void on_answered(struct twilio_task *t)
{
    struct twilio *m = t->m;
    struct twilio_call *c = twilio_call_of(m, t->call);
    if (!c || c->over || c->answer_op != t->op)
        return; /* told already */
    uint64_t request = c->request;
    c->answer_op = 0;
    twilio_complete(m, t->op, VOICEGW_OK, NULL, "{\"state\":\"connected\"}");
    c = twilio_call_of(m, t->call);
    if (!c || c->over)
        return;
    if (c->media_twiml) {
        twilio_call_state(c, VOICEGW_CALL_CONNECTED, 0, NULL, "{\"transport\":\"none\"}");
        c->request = 0;
        twilio_ivr_next(c, request, NULL, 0);
        return;
    }
    c->request = 0;
    give_stream(c, request);
}

int32_t twilio_answer_op(void *instance, uint64_t op, uint64_t call)
{
    struct twilio *m = instance;
    struct twilio_call *c = twilio_call_of(m, call);
    if (!c)
        return m->host->set_error(m->host, VOICEGW_ENOTFOUND, "no such call");
    if (c->outbound)
        return m->host->set_error(m->host, VOICEGW_EBUSY, "an outbound call is answered by its callee");
    if (c->over || c->answer_op || c->state >= VOICEGW_CALL_CONNECTED)
        return m->host->set_error(m->host, VOICEGW_EBUSY, "the call does not ring");
    struct twilio_task *t = twilio_task_start(m, 0, on_answered);
    if (!t)
        return m->host->set_error(m->host, VOICEGW_ELIMIT, "the gateway has no timer left for this operation");
    t->op = op;
    t->call = call;
    c->answer_op = op;
    return VOICEGW_OK;
}

static void on_rejected(struct twilio_task *t)
{
    struct twilio *m = t->m;
    struct twilio_call *c = twilio_call_of(m, t->call);
    uint32_t busy = strcmp(t->json, "busy") == 0;
    if (c && !c->over) {
        if (busy || strcmp(t->json, "rejected") == 0)
            reject_document(m, c->request, t->json);
        else
            apologize(m, c->settings, c->request);
        c->request = 0;
    }
    twilio_complete(m, t->op, VOICEGW_OK, NULL, "{\"state\":\"failed\"}");
    c = twilio_call_of(m, t->call);
    if (c)
        twilio_call_finish(c, VOICEGW_CALL_FAILED, busy ? VOICEGW_OUTCOME_BUSY : VOICEGW_OUTCOME_FAILED, 0,
                           busy ? "busy" : "rejected", NULL);
}

int32_t twilio_reject_op(void *instance, uint64_t op, uint64_t call, const char *reason)
{
    struct twilio *m = instance;
    struct twilio_call *c = twilio_call_of(m, call);
    if (!c)
        return m->host->set_error(m->host, VOICEGW_ENOTFOUND, "no such call");
    if (c->outbound || c->state >= VOICEGW_CALL_CONNECTED)
        return m->host->set_error(m->host, VOICEGW_EBUSY, "only an incoming call that rings can be refused");
    struct twilio_task *t = twilio_task_start(m, 0, on_rejected);
    if (!t)
        return m->host->set_error(m->host, VOICEGW_ELIMIT, "the gateway has no timer left for this operation");
    t->op = op;
    t->call = call;
    (void)snprintf(t->json, sizeof t->json, "%s", reason && *reason ? reason : "rejected");
    return VOICEGW_OK;
}

/* ---- answered calls, and those that come back ---- */

void twilio_on_answer(struct twilio *m, const struct voicegw_request *r, const struct form *f, struct twilio_call *c)
{
    if (c->ending) {
        hang_up_document(m, r->id);
        return;
    }
    twilio_resumed(c);
    if (form_find(f, "AnsweredBy"))
        twilio_on_amd(m, f, c);
    if (c->state < VOICEGW_CALL_CONNECTED)
        twilio_call_state(c, VOICEGW_CALL_CONNECTED, 0, NULL, NULL);
    if (c->media_twiml)
        twilio_ivr_next(c, r->id, NULL, 0);
    else {
        twilio_call_detour(c, 1); /* who asks for a document is at no stream */
        if (!c->token[0])
            twilio_call_token(c);
        give_stream(c, r->id);
    }
}
