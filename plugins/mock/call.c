/* call.c - one simulated call: its states by timers, its outcome by the operator's rules. All on [control] but
 * mock_call_notify(). */
#include <stdlib.h>
#include <string.h>
#include "mock.h"

const char *mock_state_name(uint32_t state)
{
    static const char *const names[] = {"idle",    "initiating",   "ringing", "connected",
                                        "on_hold", "transferring", "ended",   "failed"};
    return state < sizeof names / sizeof names[0] ? names[state] : "idle";
}

static struct mock_call **bucket(struct mock *m, uint64_t handle)
{
    return &m->calls[(handle ^ (handle >> 32) * 31u) % MOCK_BUCKETS];
}

struct mock_call *mock_call_of(struct mock *m, uint64_t handle)
{
    struct mock_call *c = *bucket(m, handle);
    while (c && c->handle != handle)
        c = c->next;
    if (!c && (m->host->thread(m->host) & VOICEGW_THREAD_CONTROL) && m->coming && m->coming->handle == 0)
        return m->coming;
    return c;
}

static struct mock_call *search(struct mock *m, const char *text, int session)
{
    for (uint32_t i = 0; i < MOCK_BUCKETS; i++)
        for (struct mock_call *c = m->calls[i]; c; c = c->next)
            if (!c->over && strcmp(session ? c->session : c->id, text) == 0)
                return c;
    return NULL;
}

struct mock_call *mock_call_by_id(struct mock *m, const char *id)
{
    struct mock_call *c = mock_call_of(m, m->provider->call_find(m->host, id));
    return c && strcmp(c->id, id) == 0 ? c : search(m, id, 0);
}

struct mock_call *mock_call_by_session(struct mock *m, const char *session)
{
    return search(m, session, 1);
}

void mock_news_free(struct mock_news *news)
{
    while (news) {
        struct mock_news *next = news->next;
        free(news->event);
        free(news->text);
        free(news);
        news = next;
    }
}

struct mock_call *mock_call_new(struct mock *m, const char *id, const char *from, const char *to)
{
    size_t id_bytes = strlen(id) + 1, from_bytes = strlen(from) + 1, to_bytes = strlen(to) + 1;
    struct mock_call *c = calloc(1, sizeof *c + id_bytes + from_bytes + to_bytes);
    if (!c)
        return NULL;
    c->id = memcpy(c->names, id, id_bytes);
    c->from = memcpy(c->names + id_bytes, from, from_bytes);
    c->to = memcpy(c->names + id_bytes + from_bytes, to, to_bytes);
    c->mock = m;
    c->settings = m->settings;
    c->early_end = &c->early;
    c->after_us = -1;
    (void)snprintf(c->session, sizeof c->session, "mock-%s", id);
    mock_settings_keep(m, c->settings);
    mock_live(m, 1);
    return c;
}

/* ---- what happens to a call reaches its script ---- */

static void on_news(void *arg)
{
    struct mock_news *n = arg;
    /* This is the stream's own worker, so it stays while this runs; the call may be over already. */
    struct mock_caller *caller = mock_stream_caller(n->mock, n->leg);
    if (caller && n->event)
        mock_caller_news(caller, n->event, n->text);
    else if (caller)
        mock_caller_digits(caller, n->text);
    mock_news_free(n);
}

static void send_news(struct mock_call *c, const char *event, const char *text)
{
    struct mock *m = c->mock;
    struct mock_news *n = calloc(1, sizeof *n);
    if (!n)
        return;
    n->mock = m;
    n->event = event ? strdup(event) : NULL;
    n->text = text ? strdup(text) : NULL;
    (void)pthread_mutex_lock(&m->lock);
    uint64_t leg = n->leg = c->leg;
    if (leg == 0 && c->early_count < MOCK_EARLY_MAX) {
        *c->early_end = n;
        c->early_end = &n->next;
        c->early_count++;
        n = NULL;
    }
    (void)pthread_mutex_unlock(&m->lock);
    if (n && (leg == 0 || m->host->post(m->host, leg, on_news, n) != VOICEGW_OK)) {
        m->host->count(m->host, "events_lost", 1);
        mock_news_free(n);
    }
}

static void on_event(void *arg, const char *event_json)
{
    char type[128], text[4096];
    struct voicegw_json event = voicegw_json_of(event_json);
    int64_t n = 0;
    if (voicegw_json_get_string(event, "type", type, sizeof type) <= 0)
        return;
    if (strcmp(type, "voice.assistant.text") == 0)
        n = voicegw_json_get_string(event, "data.text", text, sizeof text);
    send_news(arg, type, n > 0 || n == VOICEGW_ELIMIT ? text : NULL);
}

void mock_call_digits(struct mock_call *c, const char *digits)
{
    if (c->script)
        send_news(c, NULL, digits);
}

/* ---- life ---- */

void mock_call_enter(struct mock_call *c, uint64_t handle)
{
    struct mock *m = c->mock;
    const char *known = m->provider->call_describe(m->host, handle);
    char session[sizeof c->session];
    if (known && voicegw_json_get_string(voicegw_json_of(known), "session_id", session, sizeof session) > 0)
        memcpy(c->session, session, sizeof session);
    (void)pthread_mutex_lock(&m->lock);
    c->handle = handle;
    c->next = *bucket(m, handle);
    *bucket(m, handle) = c;
    (void)pthread_mutex_unlock(&m->lock);
    if (c->script && m->event)
        c->subscription = m->event->subscribe(m->host, handle, "*", on_event, c);
}

void mock_call_free(struct mock_call *c)
{
    if (!c)
        return;
    struct mock *m = c->mock;
    if (c->handle) {
        (void)pthread_mutex_lock(&m->lock);
        struct mock_call **at = bucket(m, c->handle);
        while (*at && *at != c)
            at = &(*at)->next;
        if (*at)
            *at = c->next;
        (void)pthread_mutex_unlock(&m->lock);
    }
    if (c->subscription)
        m->event->unsubscribe(m->host, c->subscription);
    if (c->progress)
        mock_task_cancel(c->progress);
    mock_script_drop(m, c->script);
    mock_news_free(c->early);
    mock_settings_drop(m, c->settings);
    free(c);
    mock_live(m, -1);
}

/* ---- states, on time, late or twice ---- */

#define MOCK_TRANSPORT                                                                                                 \
    "{\"transport\":\"mock_stream\"}" /* a call that is up has its media here, a socket's or a caller's */

struct telling {
    uint64_t call;
    uint32_t state, outcome, sequence, times;
    const char *cause, *id;
};

static void tell(struct mock *m, const struct telling *t)
{
    struct voicegw_call_state s = {.size = sizeof s,
                                   .state = t->state,
                                   .outcome = t->outcome,
                                   .sequence = t->sequence,
                                   .provider_time_us = m->host->wall_us(m->host),
                                   .cause = t->cause && *t->cause ? t->cause : NULL,
                                   .provider_call_id = t->id,
                                   .data_json = t->state == VOICEGW_CALL_CONNECTED ? MOCK_TRANSPORT : NULL};
    for (uint32_t i = 0; i < t->times; i++)
        (void)m->provider->on_state(m->host, t->call, &s);
}

static void on_late(struct mock_task *task)
{
    tell(task->mock,
         &(struct telling){task->call, task->state, task->outcome, task->sequence, task->count, task->text, NULL});
}

/* The call may be gone when this returns. */
static void report(struct mock_call *c, uint32_t state, uint32_t outcome, const char *cause)
{
    struct mock *m = c->mock;
    char id[MOCK_ID_CAP];
    struct telling t = {c->handle, state, outcome, ++c->sequence, c->settings->duplicates ? 2u : 1u, cause, id};
    (void)snprintf(id, sizeof id, "%s", c->id);
    c->state = state;
    if (c->settings->late_us > 0 && state != VOICEGW_CALL_CONNECTED) {
        struct mock_task *late = mock_task_start(m, c->settings->late_us, on_late);
        if (late) {
            late->call = t.call;
            late->state = state;
            late->outcome = outcome;
            late->sequence = t.sequence;
            late->count = t.times;
            (void)snprintf(late->text, sizeof late->text, "%s", cause ? cause : "");
            return;
        }
    }
    tell(m, &t);
}

void mock_call_state(struct mock_call *c, uint32_t state, const char *cause)
{
    if (!c->over)
        report(c, state, VOICEGW_OUTCOME_NONE, cause);
}

void mock_call_finish(struct mock_call *c, uint32_t state, uint32_t outcome, const char *cause)
{
    if (c->over)
        return;
    c->over = 1;
    if (c->progress) {
        mock_task_cancel(c->progress);
        c->progress = NULL;
    }
    if (c->conference[0])
        mock_conference_part(c, VOICEGW_CONFERENCE_LEFT);
    report(c, state, outcome, cause);
}

/* ---- progress ---- */

static void on_progress(struct mock_task *task);

static void advance_in(struct mock_call *c, int64_t delay_us)
{
    c->progress = mock_task_start(c->mock, delay_us, on_progress);
    if (c->progress)
        c->progress->call = c->handle;
    else
        mock_call_finish(c, VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED, "the gateway has no timer left for this call");
}

void mock_call_connect(struct mock_call *c)
{
    if (c->progress)
        mock_task_cancel(c->progress);
    c->progress = NULL;
    if (c->outcome == MOCK_DROPPED) {
        c->progress = mock_task_start(c->mock, c->after_us >= 0 ? c->after_us : 2000000, on_progress);
        if (c->progress)
            c->progress->call = c->handle;
    }
    mock_call_state(c, VOICEGW_CALL_CONNECTED, NULL);
}

static int64_t or_else(int64_t set_us, int64_t dflt_us)
{
    return set_us >= 0 ? set_us : dflt_us;
}

static void ring(struct mock_call *c)
{
    int64_t ringing_us = c->settings->ringing_us;
    if (c->outcome == MOCK_SLOW)
        ringing_us = or_else(c->after_us, 10000000);
    if (c->outcome == MOCK_CANCELED)
        ringing_us = or_else(c->after_us, ringing_us);
    if (c->outcome == MOCK_NO_ANSWER)
        ringing_us = or_else(c->after_us, c->ring_timeout_us > 0 ? c->ring_timeout_us : 30000000);
    if (c->ring_timeout_us > 0 && ringing_us > c->ring_timeout_us) {
        ringing_us = c->ring_timeout_us;
        c->outcome = MOCK_NO_ANSWER;
    }
    uint64_t handle = c->handle;
    struct mock *m = c->mock;
    mock_call_state(c, VOICEGW_CALL_RINGING, NULL);
    c = mock_call_of(m, handle);
    if (c && !c->over)
        advance_in(c, ringing_us);
}

static void on_initiated(struct mock_call *c)
{
    if (c->outcome == MOCK_BUSY)
        mock_call_finish(c, VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_BUSY, "busy");
    else if (c->outcome == MOCK_FAILED)
        mock_call_finish(c, VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED, "the number cannot be reached");
    else
        ring(c);
}

static void on_rung(struct mock_call *c)
{
    if (!c->outbound || c->outcome == MOCK_CANCELED)
        mock_call_finish(c, VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_CANCELED,
                         c->outbound ? "canceled" : "the caller gave up");
    else if (c->outcome == MOCK_NO_ANSWER)
        mock_call_finish(c, VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_NO_ANSWER, "nobody answered");
    else
        mock_call_connect(c);
}

static void on_progress(struct mock_task *task)
{
    struct mock_call *c = mock_call_of(task->mock, task->call);
    if (!c || c->progress != task)
        return;
    c->progress = NULL;
    if (c->over)
        return;
    if (c->state == VOICEGW_CALL_INITIATING)
        on_initiated(c);
    else if (c->state == VOICEGW_CALL_RINGING)
        on_rung(c);
    else
        mock_call_finish(c, VOICEGW_CALL_ENDED, VOICEGW_OUTCOME_COMPLETED, "dropped by the far end");
}

void mock_call_dial(struct mock_call *c)
{
    int64_t delay_us = c->settings->initiating_us;
    uint64_t handle = c->handle;
    struct mock *m = c->mock;
    if (c->outcome == MOCK_BUSY || c->outcome == MOCK_FAILED)
        delay_us = or_else(c->after_us, delay_us);
    mock_call_state(c, VOICEGW_CALL_INITIATING, NULL);
    c = mock_call_of(m, handle);
    if (c && !c->over)
        advance_in(c, delay_us);
}

int32_t mock_call_wait(struct mock_call *c)
{
    c->progress = mock_task_start(c->mock, MOCK_UNANSWERED_US, on_progress);
    if (!c->progress)
        return VOICEGW_ELIMIT;
    c->progress->call = c->handle;
    return VOICEGW_OK;
}

/* ---- from the workers ---- */

struct notice {
    struct mock *mock;
    uint64_t call;
    const char *cause;
    char what;
};

static void on_notice(void *arg)
{
    struct notice *n = arg;
    struct mock_call *c = mock_call_of(n->mock, n->call);
    if (c && !c->over) {
        if (n->what == 'e')
            mock_call_finish(c, VOICEGW_CALL_ENDED, VOICEGW_OUTCOME_COMPLETED, n->cause);
        else if (n->what == 'h' && c->state == VOICEGW_CALL_CONNECTED)
            mock_call_state(c, VOICEGW_CALL_ON_HOLD, n->cause);
        else if (n->what == 'r' && c->state == VOICEGW_CALL_ON_HOLD)
            mock_call_state(c, VOICEGW_CALL_CONNECTED, n->cause);
    }
    free(n);
}

void mock_call_notify(struct mock *m, uint64_t call, char what, const char *cause)
{
    struct notice *n = calloc(1, sizeof *n);
    if (n) {
        *n = (struct notice){m, call, cause, what};
        if (m->host->post(m->host, VOICEGW_TARGET_CONTROL, on_notice, n) == VOICEGW_OK)
            return;
        free(n);
    }
    /* No message gets through: the host itself is told, so that no call stays up for ever. */
    if (what == 'e')
        tell(m, &(struct telling){call, VOICEGW_CALL_ENDED, VOICEGW_OUTCOME_COMPLETED, 0, 1, cause, NULL});
}
