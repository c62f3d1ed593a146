/* ops.c - the operations of a provider. Each is checked at once and completed by a task, so never from inside. */
#include <stdio.h>
#include <string.h>
#include "mock.h"
#include "voicegw/json.h"

static void complete(struct mock *m, uint64_t op, int32_t status, const char *sentence, const char *json)
{
    (void)m->provider->on_complete(m->host, op, status, sentence, json);
}

static void complete_state(struct mock_task *t, const struct mock_call *c)
{
    char json[48];
    (void)snprintf(json, sizeof json, "{\"state\":\"%s\"}", mock_state_name(c->state));
    complete(t->mock, t->op, VOICEGW_OK, NULL, json);
}

/* The call of a task; without one the operation is completed. */
static struct mock_call *call_of(struct mock_task *t)
{
    struct mock_call *c = mock_call_of(t->mock, t->call);
    if (!c)
        complete(t->mock, t->op, VOICEGW_ENOTFOUND, "the call is over", NULL);
    return c;
}

static int32_t start(struct mock *m, uint64_t op, uint64_t call, int64_t delay_us, void (*run)(struct mock_task *),
                     uint32_t arg, const char *text)
{
    struct mock_task *t = mock_task_start(m, delay_us, run);
    if (!t)
        return m->host->set_error(m->host, VOICEGW_ELIMIT, "the gateway has no timer left for this operation");
    t->op = op;
    t->call = call;
    t->state = arg;
    (void)snprintf(t->text, sizeof t->text, "%s", text ? text : "");
    return VOICEGW_OK;
}

/* 0 when the call is there and talks. */
static int32_t check_talking(struct mock *m, uint64_t call)
{
    const struct mock_call *c = mock_call_of(m, call);
    if (!c)
        return m->host->set_error(m->host, VOICEGW_ENOTFOUND, "no such call");
    if (c->over || (c->state != VOICEGW_CALL_CONNECTED && c->state != VOICEGW_CALL_ON_HOLD))
        return m->host->set_error(m->host, VOICEGW_EBUSY, "the call is not connected");
    return VOICEGW_OK;
}

/* ---- making and ending ---- */

static int32_t mock_validate(void *instance, const struct voicegw_call_params *p)
{
    struct mock *m = instance;
    if (!p->to || !*p->to || strlen(p->to) >= MOCK_NUMBER_CAP)
        return m->host->set_error(m->host, VOICEGW_EINVALID, "to must have 1 to 128 bytes");
    if (p->from && strlen(p->from) >= MOCK_NUMBER_CAP)
        return m->host->set_error(m->host, VOICEGW_EINVALID, "from must have at most 128 bytes");
    return VOICEGW_OK;
}

static void on_accepted(struct mock_task *t)
{
    char json[MOCK_ID_CAP + 32];
    struct mock_call *c = call_of(t);
    if (!c)
        return;
    (void)snprintf(json, sizeof json, "{\"provider_call_id\":\"%s\"}", c->id);
    complete(t->mock, t->op, VOICEGW_OK, NULL, json);
    c = mock_call_of(t->mock, t->call);
    if (c && !c->over)
        mock_call_dial(c);
}

static int32_t mock_make_call(void *instance, uint64_t op, uint64_t call, const struct voicegw_call_params *p)
{
    struct mock *m = instance;
    char id[40];
    int32_t rc = mock_validate(m, p);
    if (rc != VOICEGW_OK)
        return rc;
    mock_id(m, "MK", id);
    struct mock_call *c = mock_call_new(m, id, p->from ? p->from : "", p->to);
    if (!c)
        return m->host->set_error(m->host, VOICEGW_ELIMIT, "out of memory");
    const struct mock_rule *rule = mock_rule_for(m->settings, p->to);
    c->outbound = c->simulated = 1;
    c->ring_timeout_us = (int64_t)p->ring_timeout_ms * 1000;
    if (rule) {
        c->outcome = rule->outcome;
        c->after_us = rule->after_us;
    }
    c->script = mock_script_for(m->settings, p->to);
    if (c->script)
        mock_script_keep(m, c->script);
    if (p->session_id && *p->session_id)
        (void)snprintf(c->session, sizeof c->session, "%s", p->session_id);
    rc = start(m, op, call, 0, on_accepted, 0, NULL);
    if (rc != VOICEGW_OK) {
        mock_call_free(c);
        return rc;
    }
    mock_call_enter(c, call);
    return VOICEGW_OK;
}

static void on_answer(struct mock_task *t)
{
    struct mock_call *c = call_of(t);
    if (!c)
        return;
    if (c->over) {
        complete(t->mock, t->op, VOICEGW_EBUSY, "the caller hung up", NULL);
        return;
    }
    complete(t->mock, t->op, VOICEGW_OK, NULL, "{\"state\":\"connected\"}");
    c = mock_call_of(t->mock, t->call);
    if (c && !c->over && c->state == VOICEGW_CALL_RINGING)
        mock_call_connect(c);
}

static int32_t mock_answer(void *instance, uint64_t op, uint64_t call)
{
    struct mock *m = instance;
    const struct mock_call *c = mock_call_of(m, call);
    if (!c)
        return m->host->set_error(m->host, VOICEGW_ENOTFOUND, "no such call");
    if (c->outbound)
        return m->host->set_error(m->host, VOICEGW_EBUSY, "an outbound call is answered by its callee");
    return start(m, op, call, 0, on_answer, 0, NULL);
}

static void on_reject(struct mock_task *t)
{
    struct mock_call *c = call_of(t);
    if (!c)
        return;
    complete(t->mock, t->op, VOICEGW_OK, NULL, "{\"state\":\"failed\"}");
    c = mock_call_of(t->mock, t->call);
    if (c)
        mock_call_finish(c, VOICEGW_CALL_FAILED,
                         strcmp(t->text, "busy") == 0 ? VOICEGW_OUTCOME_BUSY : VOICEGW_OUTCOME_FAILED, t->text);
}

static int32_t mock_reject(void *instance, uint64_t op, uint64_t call, const char *reason)
{
    struct mock *m = instance;
    const struct mock_call *c = mock_call_of(m, call);
    if (!c)
        return m->host->set_error(m->host, VOICEGW_ENOTFOUND, "no such call");
    if (c->outbound || (!c->over && c->state != VOICEGW_CALL_RINGING))
        return m->host->set_error(m->host, VOICEGW_EBUSY, "only an incoming call that rings can be refused");
    return start(m, op, call, 0, on_reject, 0, reason && *reason ? reason : "rejected");
}

static void on_end(struct mock_task *t)
{
    struct mock_call *c = call_of(t);
    if (!c)
        return;
    complete(t->mock, t->op, VOICEGW_OK, NULL, "{\"state\":\"ended\"}");
    c = mock_call_of(t->mock, t->call);
    if (!c)
        return;
    if (c->state < VOICEGW_CALL_CONNECTED)
        mock_call_finish(c, VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_CANCELED, "hung up before it was answered");
    else
        mock_call_finish(c, VOICEGW_CALL_ENDED, VOICEGW_OUTCOME_COMPLETED, "hung up by the gateway");
}

static int32_t mock_end(void *instance, uint64_t op, uint64_t call)
{
    struct mock *m = instance;
    if (!mock_call_of(m, call))
        return m->host->set_error(m->host, VOICEGW_ENOTFOUND, "no such call");
    return start(m, op, call, 0, on_end, 0, NULL);
}

/* ---- while it talks ---- */

static void on_hold(struct mock_task *t)
{
    uint32_t state = t->state ? VOICEGW_CALL_ON_HOLD : VOICEGW_CALL_CONNECTED;
    struct mock_call *c = call_of(t);
    if (!c)
        return;
    complete(t->mock, t->op, VOICEGW_OK, NULL, t->state ? "{\"state\":\"on_hold\"}" : "{\"state\":\"connected\"}");
    c = mock_call_of(t->mock, t->call);
    if (c && c->state != state)
        mock_call_state(c, state, NULL);
}

static int32_t mock_hold(void *instance, uint64_t op, uint64_t call, uint32_t on, const char *music_url)
{
    int32_t rc = check_talking(instance, call);
    (void)music_url;
    return rc != VOICEGW_OK ? rc : start(instance, op, call, 0, on_hold, on, NULL);
}

/* Whoever takes over hears why, before the caller is there. */
static void whisper(const struct mock_call *c, const char *to)
{
    char json[1400];
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "to", to);
    voicegw_json_put_string(&w, "text", c->whisper);
    voicegw_json_put_end(&w);
    if (c->whisper[0] && c->mock->event && voicegw_json_finish(&w) > 0)
        (void)c->mock->event->emit(c->mock->host, c->handle, "mock.whispered", json);
}

static void on_transferred(struct mock_task *t)
{
    static const char *const outcomes[] = {
        [MOCK_ANSWERED] = "completed", [MOCK_BUSY] = "busy",       [MOCK_NO_ANSWER] = "no_answer",
        [MOCK_FAILED] = "failed",      [MOCK_CANCELED] = "failed", [MOCK_DROPPED] = "completed",
        [MOCK_SLOW] = "completed"};
    struct mock_call *c = call_of(t);
    if (!c)
        return;
    if (c->over) {
        complete(t->mock, t->op, VOICEGW_EBUSY, "the caller hung up", "{\"outcome\":\"failed\"}");
        return;
    }
    const struct mock_rule *rule = mock_rule_for(c->settings, t->text);
    const char *outcome = outcomes[rule ? rule->outcome : MOCK_ANSWERED];
    char json[48];
    (void)snprintf(json, sizeof json, "{\"outcome\":\"%s\"}", outcome);
    if (strcmp(outcome, "completed") == 0)
        whisper(c, t->text);
    complete(t->mock, t->op, VOICEGW_OK, NULL, json);
    c = mock_call_of(t->mock, t->call);
    if (!c)
        return;
    if (strcmp(outcome, "completed") == 0)
        mock_call_finish(c, VOICEGW_CALL_ENDED, VOICEGW_OUTCOME_COMPLETED, "transferred");
    else
        mock_call_state(c, VOICEGW_CALL_CONNECTED, outcome);
}

static int32_t mock_transfer(void *instance, uint64_t op, uint64_t call, uint32_t kind, const char *to,
                             const char *params_json)
{
    struct mock *m = instance;
    int32_t rc = check_talking(m, call);
    struct mock_call *c = rc == VOICEGW_OK ? mock_call_of(m, call) : NULL;
    if (!c)
        return rc;
    if (!to || !*to || strlen(to) >= MOCK_NUMBER_CAP)
        return m->host->set_error(m->host, VOICEGW_EINVALID, "to must have 1 to 128 bytes");
    if (kind != VOICEGW_TRANSFER_ATTENDED ||
        voicegw_json_get_string(voicegw_json_of(params_json), "summary", c->whisper, sizeof c->whisper) < 0)
        c->whisper[0] = '\0';
    rc = start(m, op, call, MOCK_TRANSFER_US, on_transferred, kind, to);
    if (rc == VOICEGW_OK)
        mock_call_state(c, VOICEGW_CALL_TRANSFERRING, NULL);
    return rc;
}

static void on_done(struct mock_task *t)
{
    const struct mock_call *c = call_of(t);
    if (c)
        complete_state(t, c);
}

static int32_t mock_play(void *instance, uint64_t op, uint64_t call, const char *url, uint32_t loop)
{
    int32_t rc = check_talking(instance, call);
    (void)url;
    (void)loop;
    return rc != VOICEGW_OK ? rc : start(instance, op, call, 0, on_done, 0, NULL);
}

static int32_t mock_say(void *instance, uint64_t op, uint64_t call, const char *text, const char *voice,
                        const char *language)
{
    (void)voice;
    (void)language;
    return mock_play(instance, op, call, text, 0);
}

static int32_t mock_record(void *instance, uint64_t op, uint64_t call, uint32_t action)
{
    struct mock *m = instance;
    int32_t rc = check_talking(m, call);
    if (rc == VOICEGW_OK && action > VOICEGW_RECORD_RESUME)
        rc = m->host->set_error(m->host, VOICEGW_EINVALID, "a recording is started, stopped, paused or resumed");
    if (rc == VOICEGW_OK)
        rc = start(m, op, call, 0, on_done, 0, NULL);
    if (rc == VOICEGW_OK)
        mock_call_of(m, call)->recording = action == VOICEGW_RECORD_START || action == VOICEGW_RECORD_RESUME;
    return rc;
}

static int32_t mock_dtmf(void *instance, uint64_t op, uint64_t call, const char *digits)
{
    struct mock *m = instance;
    int32_t rc = check_talking(m, call);
    if (rc == VOICEGW_OK && (!digits || !*digits || strspn(digits, "0123456789*#ABCDwW") != strlen(digits)))
        rc = m->host->set_error(m->host, VOICEGW_EINVALID, "digits must be of 0-9 * # A-D w W");
    if (rc == VOICEGW_OK && !mock_call_of(m, call)->simulated)
        rc = m->host->set_error(m->host, VOICEGW_EUNSUPPORTED, "a media socket has no signalling: send tones");
    if (rc == VOICEGW_OK)
        rc = start(m, op, call, 0, on_done, 0, NULL);
    if (rc == VOICEGW_OK)
        mock_call_digits(mock_call_of(m, call), digits);
    return rc;
}

static int32_t mock_mute(void *instance, uint64_t op, uint64_t call, uint32_t on)
{
    int32_t rc = check_talking(instance, call);
    if (rc == VOICEGW_OK)
        rc = start(instance, op, call, 0, on_done, 0, NULL);
    if (rc == VOICEGW_OK)
        mock_call_of(instance, call)->muted = on;
    return rc;
}

/* ---- questions ---- */

static void describe(struct mock_task *t, const struct mock_call *c)
{
    char json[2048];
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "state", mock_state_name(c->state));
    voicegw_json_put_string(&w, "provider_call_id", c->id);
    voicegw_json_put_string(&w, "from", c->from);
    voicegw_json_put_string(&w, "to", c->to);
    voicegw_json_put_string(&w, "direction", c->outbound ? "outbound" : "inbound");
    voicegw_json_put_bool(&w, "muted", c->muted);
    voicegw_json_put_bool(&w, "recording", c->recording);
    if (c->conference[0])
        voicegw_json_put_string(&w, "conference", c->conference);
    voicegw_json_put_end(&w);
    if (voicegw_json_finish(&w) < 0)
        complete_state(t, c);
    else
        complete(t->mock, t->op, VOICEGW_OK, NULL, json);
}

static void on_status(struct mock_task *t)
{
    const struct mock_call *c = call_of(t);
    if (c)
        describe(t, c);
}

static int32_t mock_status(void *instance, uint64_t op, uint64_t call)
{
    struct mock *m = instance;
    if (!mock_call_of(m, call))
        return m->host->set_error(m->host, VOICEGW_ENOTFOUND, "no such call");
    return start(m, op, call, 0, on_status, 0, NULL);
}

static void on_reconcile(struct mock_task *t)
{
    const struct mock_call *c = t->text[0] ? mock_call_by_id(t->mock, t->text) : NULL;
    if (c)
        describe(t, c);
    else
        complete(t->mock, t->op, VOICEGW_ENOTFOUND, "no call of this id is up", NULL);
}

static int32_t mock_reconcile(void *instance, uint64_t op, const char *provider_call_id, int64_t since_wall_us)
{
    (void)since_wall_us;
    return start(instance, op, 0, 0, on_reconcile, 0, provider_call_id);
}

static void on_canceled(struct mock_task *t)
{
    complete(t->mock, t->op, VOICEGW_ETIMEOUT, "the operation was given up", NULL);
    struct mock_call *c = mock_call_of(t->mock, t->call);
    if (c && c->state == VOICEGW_CALL_TRANSFERRING)
        mock_call_state(c, VOICEGW_CALL_CONNECTED, "the transfer was given up");
    else if (c && c->outbound && c->sequence == 0)
        mock_call_finish(c, VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED, "the call was given up before it was placed");
}

static void mock_cancel(void *instance, uint64_t op)
{
    struct mock *m = instance;
    for (struct mock_task *t = m->tasks; t; t = t->next) {
        if (t->op == op && op != 0) {
            mock_task_hurry(t, on_canceled);
            return;
        }
    }
}

static int32_t mock_identify(void *instance, const struct voicegw_request *request, char *out, uint32_t cap)
{
    const char *id = request->rest ? request->rest : "";
    (void)instance;
    if (strncmp(id, "mock-", 5) == 0)
        id += 5;
    size_t n = strlen(id);
    if (n == 0 || n >= cap)
        return VOICEGW_ENOTFOUND;
    memcpy(out, id, n + 1);
    return VOICEGW_OK;
}

static void mock_forget(void *instance, uint64_t call)
{
    struct mock_call *c = mock_call_of(instance, call);
    if (c && c->handle == call)
        mock_call_free(c);
}

const struct voicegw_provider mock_operations = {.size = sizeof mock_operations,
                                                 .make_call = mock_make_call,
                                                 .answer = mock_answer,
                                                 .reject = mock_reject,
                                                 .end = mock_end,
                                                 .hold = mock_hold,
                                                 .transfer = mock_transfer,
                                                 .play = mock_play,
                                                 .say = mock_say,
                                                 .record = mock_record,
                                                 .dtmf = mock_dtmf,
                                                 .mute = mock_mute,
                                                 .status = mock_status,
                                                 .validate = mock_validate,
                                                 .reconcile = mock_reconcile,
                                                 .cancel = mock_cancel,
                                                 .identify = mock_identify,
                                                 .forget = mock_forget};
