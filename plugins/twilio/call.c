/* call.c - one call: found by handle, id, ref and session; its states told to the host. All on [control] but
 * twilio_call_of() under the lock and twilio_call_notify(). */
#include <stdlib.h>
#include <string.h>
#include "twilio.h"

static struct twilio_call **bucket(struct twilio *m, uint64_t handle)
{
    return &m->calls[(handle ^ (handle >> 32) * 31u) % TWILIO_BUCKETS];
}

struct twilio_call *twilio_call_of(struct twilio *m, uint64_t handle)
{
    struct twilio_call *c = *bucket(m, handle);
    while (c && c->handle != handle)
        c = c->next;
    if (!c && (m->host->thread(m->host) & VOICEGW_THREAD_CONTROL) && m->coming && m->coming->handle == 0)
        return m->coming;
    return c;
}

static struct twilio_call *search(struct twilio *m, size_t field, const char *text)
{
    for (uint32_t i = 0; i < TWILIO_BUCKETS && *text; i++)
        for (struct twilio_call *c = m->calls[i]; c; c = c->next)
            if (strcmp((const char *)c + field, text) == 0)
                return c;
    return NULL;
}

struct twilio_call *twilio_call_by_sid(struct twilio *m, const char *sid)
{
    uint64_t handle = m->provider->call_find(m->host, sid);
    struct twilio_call *c = handle ? twilio_call_of(m, handle) : NULL;
    return c && strcmp(c->sid, sid) == 0 ? c : search(m, offsetof(struct twilio_call, sid), sid);
}

struct twilio_call *twilio_call_by_ref(struct twilio *m, const char *ref)
{
    return search(m, offsetof(struct twilio_call, ref), ref);
}

struct twilio_call *twilio_call_by_session(struct twilio *m, const char *session)
{
    return search(m, offsetof(struct twilio_call, session), session);
}

/* ---- life ---- */

struct twilio_call *twilio_call_new(struct twilio *m, const char *from, const char *to)
{
    struct twilio_call *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->m = m;
    c->settings = twilio_settings_keep(m->settings);
    c->auth = c->settings->auth;
    c->events = c->settings->events;
    c->one_way = c->settings->one_way;
    c->verbs_end = &c->verbs;
    twilio_random(m, c->ref, TWILIO_REF_CAP - 1);
    twilio_random(m, c->token, TWILIO_REF_CAP - 1);
    (void)snprintf(c->from, sizeof c->from, "%s", from);
    (void)snprintf(c->to, sizeof c->to, "%s", to);
    if (m->route->url(m->host, "", c->base, sizeof c->base) < 0)
        c->base[0] = '\0';
    twilio_live(m, 1);
    return c;
}

void twilio_call_enter(struct twilio_call *c, uint64_t handle)
{
    struct twilio *m = c->m;
    const char *known = m->provider->call_describe(m->host, handle);
    struct voicegw_json doc = voicegw_json_of(known);
    (void)pthread_mutex_lock(&m->lock);
    c->handle = handle;
    c->next = *bucket(m, handle);
    *bucket(m, handle) = c;
    (void)pthread_mutex_unlock(&m->lock);
    if (known)
        (void)voicegw_json_get_string(doc, "session_id", c->session, sizeof c->session);
    c->media_twiml = known && voicegw_json_equals(voicegw_json_member(doc, "media"), "twiml");
    if (c->events)
        twilio_feed_start(c);
}

void twilio_call_free(struct twilio_call *c)
{
    if (!c)
        return;
    struct twilio *m = c->m;
    (void)pthread_mutex_lock(&m->lock);
    struct twilio_call **at = bucket(m, c->handle);
    while (*at && *at != c)
        at = &(*at)->next;
    if (*at)
        *at = c->next;
    (void)pthread_mutex_unlock(&m->lock);
    if (c->request) {
        struct twiml t;
        twiml_begin(&t);
        twiml_open(&t, "Hangup");
        (void)twiml_end(&t);
        twilio_reply_twiml(m, c->request, &t);
    }
    twilio_feed_stop(c);
    twilio_ivr_end(c);
    twilio_task_cancel(c->watch);
    twilio_settings_drop(c->settings);
    free(c);
    twilio_live(m, -1);
}

void twilio_call_known(struct twilio_call *c, const char *sid)
{
    if (c->sid[0] || !*sid)
        return;
    (void)pthread_mutex_lock(&c->m->lock);
    (void)snprintf(c->sid, sizeof c->sid, "%s", sid);
    (void)pthread_mutex_unlock(&c->m->lock);
    if (c->ending && c->outbound)
        twilio_hang_up(c);
}

void twilio_call_token(struct twilio_call *c)
{
    char token[TWILIO_REF_CAP];
    twilio_random(c->m, token, sizeof token - 1);
    (void)pthread_mutex_lock(&c->m->lock);
    memcpy(c->token, token, sizeof token);
    (void)pthread_mutex_unlock(&c->m->lock);
}

void twilio_call_detour(struct twilio_call *c, uint32_t on)
{
    (void)pthread_mutex_lock(&c->m->lock);
    c->detour = on;
    (void)pthread_mutex_unlock(&c->m->lock);
}

/* ---- states ---- */

static void tell(struct twilio_call *c, uint32_t state, uint32_t outcome, uint32_t sequence, const char *cause,
                 const char *data_json)
{
    struct twilio *m = c->m;
    const struct voicegw_call_state report = {.size = sizeof report,
                                              .state = state,
                                              .outcome = outcome,
                                              .sequence = sequence,
                                              .cause = cause,
                                              .provider_call_id = c->sid[0] ? c->sid : NULL,
                                              .data_json = data_json};
    (void)m->provider->on_state(m->host, c->handle, &report);
}

void twilio_call_state(struct twilio_call *c, uint32_t state, uint32_t sequence, const char *cause,
                       const char *data_json)
{
    if (c->over)
        return;
    /* How far it came, for what an end means; callbacks may come in any order. */
    if (state > c->state || c->state >= VOICEGW_CALL_CONNECTED)
        c->state = state < VOICEGW_CALL_CONNECTED && c->state >= VOICEGW_CALL_CONNECTED ? c->state : state;
    tell(c, state, VOICEGW_OUTCOME_NONE, sequence, cause, data_json);
}

void twilio_call_finish(struct twilio_call *c, uint32_t state, uint32_t outcome, uint32_t sequence, const char *cause,
                        const char *data_json)
{
    struct twilio *m = c->m;
    if (c->over)
        return;
    c->over = 1;
    twilio_task_cancel(c->watch);
    c->watch = NULL;
    twilio_transfer_failed(c, "failed");
    if (c->request) {
        struct twiml t;
        twiml_begin(&t);
        twiml_open(&t, "Hangup");
        (void)twiml_end(&t);
        twilio_reply_twiml(m, c->request, &t);
        c->request = 0;
    }
    if (c->answer_op) {
        twilio_complete(m, c->answer_op, VOICEGW_EBUSY, "the caller hung up", NULL);
        c->answer_op = 0;
    }
    if (c->resume_op) {
        twilio_complete(m, c->resume_op, VOICEGW_ENOTFOUND, "the call has ended", NULL);
        c->resume_op = 0;
    }
    if (c->end_op) {
        twilio_complete(m, c->end_op, VOICEGW_OK, NULL, "{\"state\":\"ended\"}");
        c->end_op = 0;
    }
    twilio_ivr_end(c);
    if (c->conference[0] && m->conference) {
        (void)m->conference->on_conference(m->host, c->conference, c->handle, VOICEGW_CONFERENCE_LEFT, NULL);
        c->conference[0] = '\0';
    }
    c->state = state;
    if (state == VOICEGW_CALL_ENDED && !voicegw_json_member(voicegw_json_of(data_json), "cost").text)
        twilio_price_watch(c);
    tell(c, state, outcome, sequence, cause, data_json);
}

void twilio_call_over(struct twilio_call *c, const char *cause)
{
    if (c->state >= VOICEGW_CALL_CONNECTED)
        twilio_call_finish(c, VOICEGW_CALL_ENDED, VOICEGW_OUTCOME_COMPLETED, 0, cause, NULL);
    else
        twilio_call_finish(c, VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_CANCELED, 0, cause, NULL);
}

/* ---- from the stream ---- */

struct notice {
    struct twilio *m;
    uint64_t call;
    const char *cause;
    char what;
};

static void on_lost(struct twilio_call *c, const char *cause)
{
    struct twilio *m = c->m;
    m->host->count(m->host, "streams_lost", 1);
    if (!c->ending && c->settings->redirect_lost && !c->one_way) {
        m->host->log(m->host, VOICEGW_LOG_WARNING, "a stream was lost in mid-call; the call goes to a fresh one", NULL);
        twilio_call_token(c);
        twilio_watch_stream(c, TWILIO_RESUME_WAIT_US);
        return;
    }
    twilio_hang_up(c);
    twilio_call_over(c, cause);
}

struct go {
    struct twilio *m;
    uint64_t leg;
};

static void on_go(void *arg)
{
    struct go *g = arg;
    twilio_stream_ready(g->m, g->leg);
    free(g);
}

/* Control has been told of the answer before this, and has told the leg: what we post there comes behind that. */
static void let_go(struct twilio_call *c)
{
    struct twilio *m = c->m;
    (void)pthread_mutex_lock(&m->lock);
    uint64_t leg = c->leg;
    (void)pthread_mutex_unlock(&m->lock);
    struct go *g = leg ? calloc(1, sizeof *g) : NULL;
    if (!g)
        return;
    *g = (struct go){.m = m, .leg = leg};
    if (m->host->post(m->host, leg, on_go, g) != VOICEGW_OK)
        free(g);
}

static void on_notice(void *arg)
{
    struct notice *n = arg;
    struct twilio_call *c = twilio_call_of(n->m, n->call);
    if (c && !c->over) {
        c->heard_us = c->m->host->now_us(c->m->host);
        if (n->what == 'u') {
            twilio_task_cancel(c->watch);
            c->watch = NULL;
            c->streamed = 1;
            if (c->state < VOICEGW_CALL_CONNECTED)
                c->state = VOICEGW_CALL_CONNECTED;
        } else if (n->what == 'g') {
            let_go(c);
        } else if (n->what == 's') {
            twilio_call_over(c, n->cause);
        } else {
            on_lost(c, n->cause);
        }
    }
    free(n);
}

void twilio_call_notify(struct twilio *m, uint64_t call, char what, const char *cause)
{
    struct notice *n = calloc(1, sizeof *n);
    if (!n)
        return;
    *n = (struct notice){.m = m, .call = call, .cause = cause, .what = what};
    if (m->host->post(m->host, VOICEGW_TARGET_CONTROL, on_notice, n) != VOICEGW_OK) {
        m->host->count(m->host, "notices_lost", 1);
        free(n);
    }
}
