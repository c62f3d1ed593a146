/* extra.c - conferences (who is in which room; nobody is mixed) and text messages. All on [control]. */
#include <stdio.h>
#include <string.h>
#include "mock.h"

#define SMS_STEP_US 100000 /* from accepted to sent, and from sent to delivered */
#define SMS_TEXT_MAX 1600u

static uint32_t participants(const struct mock *m, const char *name)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < MOCK_BUCKETS; i++)
        for (const struct mock_call *c = m->calls[i]; c; c = c->next)
            n += strcmp(c->conference, name) == 0;
    return n;
}

static void tell(struct mock *m, const char *name, uint64_t call, uint32_t event)
{
    char json[48];
    if (!m->conference)
        return;
    (void)snprintf(json, sizeof json, "{\"participants\":%u}", participants(m, name));
    (void)m->conference->on_conference(m->host, name, call, event, json);
}

void mock_conference_part(struct mock_call *c, uint32_t event)
{
    struct mock *m = c->mock;
    char name[sizeof c->conference];
    memcpy(name, c->conference, sizeof name);
    c->conference[0] = '\0';
    c->conference_hold = c->conference_mute = 0;
    tell(m, name, c->handle, event);
    if (participants(m, name) == 0)
        tell(m, name, 0, VOICEGW_CONFERENCE_ENDED);
}

static void on_conference_op(struct mock_task *t)
{
    char json[256];
    struct mock *m = t->mock;
    struct mock_call *c = mock_call_of(m, t->call);
    uint32_t event = t->state;
    int there = c && strcmp(c->conference, t->text) == 0;
    if (!c || c->over || (!there && event != VOICEGW_CONFERENCE_JOINED)) {
        (void)m->provider->on_complete(m->host, t->op, VOICEGW_ENOTFOUND, "the call is not in this conference", NULL);
        return;
    }
    int first = event == VOICEGW_CONFERENCE_JOINED && participants(m, t->text) == 0;
    if (event == VOICEGW_CONFERENCE_JOINED)
        memcpy(c->conference, t->text, sizeof c->conference);
    if (event == VOICEGW_CONFERENCE_HELD || event == VOICEGW_CONFERENCE_RESUMED)
        c->conference_hold = event == VOICEGW_CONFERENCE_HELD;
    if (event == VOICEGW_CONFERENCE_MUTED || event == VOICEGW_CONFERENCE_UNMUTED)
        c->conference_mute = event == VOICEGW_CONFERENCE_MUTED;
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "conference", t->text);
    voicegw_json_put_int(&w, "participants", participants(m, t->text));
    voicegw_json_put_end(&w);
    (void)voicegw_json_finish(&w);
    (void)m->provider->on_complete(m->host, t->op, VOICEGW_OK, NULL, json);
    c = mock_call_of(m, t->call);
    if (!c)
        return;
    if (event == VOICEGW_CONFERENCE_LEFT || event == VOICEGW_CONFERENCE_KICKED) {
        mock_conference_part(c, event);
        c = mock_call_of(m, t->call);
        if (c && event == VOICEGW_CONFERENCE_KICKED)
            mock_call_finish(c, VOICEGW_CALL_ENDED, VOICEGW_OUTCOME_COMPLETED, "removed from the conference");
        return;
    }
    if (first)
        tell(m, t->text, t->call, VOICEGW_CONFERENCE_STARTED);
    tell(m, t->text, t->call, event);
}

static int32_t start(struct mock *m, uint64_t op, uint64_t call, const char *name, uint32_t event)
{
    const struct mock_call *c = mock_call_of(m, call);
    if (!c || c->over)
        return m->host->set_error(m->host, VOICEGW_ENOTFOUND, "no such call");
    if (!name || !*name || strlen(name) >= sizeof c->conference)
        return m->host->set_error(m->host, VOICEGW_EINVALID, "a conference's name has 1 to 63 bytes");
    if (event != VOICEGW_CONFERENCE_JOINED && strcmp(c->conference, name) != 0)
        return m->host->set_error(m->host, VOICEGW_ENOTFOUND, "the call is not in this conference");
    if (event == VOICEGW_CONFERENCE_JOINED && (c->conference[0] || c->state != VOICEGW_CALL_CONNECTED))
        return m->host->set_error(m->host, VOICEGW_EBUSY, "the call must be connected, and in no conference");
    struct mock_task *t = mock_task_start(m, 0, on_conference_op);
    if (!t)
        return m->host->set_error(m->host, VOICEGW_ELIMIT, "the gateway has no timer left for this operation");
    t->op = op;
    t->call = call;
    t->state = event;
    (void)snprintf(t->text, sizeof t->text, "%s", name);
    return VOICEGW_OK;
}

static int32_t conference_join(void *instance, uint64_t op, uint64_t call, const char *name, const char *params_json)
{
    const struct mock *m = instance;
    (void)params_json;
    if (m->settings->gateway_mixes)
        return m->host->set_error(m->host, VOICEGW_EUNSUPPORTED, "the gateway mixes these calls");
    return start(instance, op, call, name, VOICEGW_CONFERENCE_JOINED);
}

static int32_t conference_leave(void *instance, uint64_t op, uint64_t call, const char *name)
{
    return start(instance, op, call, name, VOICEGW_CONFERENCE_LEFT);
}

static int32_t conference_hold(void *instance, uint64_t op, uint64_t call, const char *name, uint32_t on)
{
    return start(instance, op, call, name, on ? VOICEGW_CONFERENCE_HELD : VOICEGW_CONFERENCE_RESUMED);
}

static int32_t conference_mute(void *instance, uint64_t op, uint64_t call, const char *name, uint32_t on)
{
    return start(instance, op, call, name, on ? VOICEGW_CONFERENCE_MUTED : VOICEGW_CONFERENCE_UNMUTED);
}

static int32_t conference_kick(void *instance, uint64_t op, uint64_t call, const char *name)
{
    return start(instance, op, call, name, VOICEGW_CONFERENCE_KICKED);
}

const struct voicegw_provider_conference mock_conferences = {.size = sizeof mock_conferences,
                                                             .join = conference_join,
                                                             .leave = conference_leave,
                                                             .hold = conference_hold,
                                                             .mute = conference_mute,
                                                             .kick = conference_kick};

/* ---- text messages ---- */

/* A message's next status; the last is `outcome`. */
static void on_message_due(struct mock_task *t)
{
    static const char *const why[] = {[VOICEGW_SMS_FAILED] = "the number cannot be reached"};
    struct mock *m = t->mock;
    if (m->sms)
        (void)m->sms->on_sms(m->host, t->call, t->text, t->state,
                             t->state == VOICEGW_SMS_FAILED ? why[VOICEGW_SMS_FAILED] : NULL);
    if (t->state < VOICEGW_SMS_DELIVERED) {
        struct mock_task *next = mock_task_start(m, SMS_STEP_US, on_message_due);
        if (next) {
            next->call = t->call;
            next->outcome = t->outcome;
            next->state = t->state == VOICEGW_SMS_ACCEPTED ? VOICEGW_SMS_SENT : t->outcome;
            memcpy(next->text, t->text, sizeof next->text);
        }
    }
}

static void on_message_accepted(struct mock_task *t)
{
    char json[96];
    struct mock *m = t->mock;
    (void)snprintf(json, sizeof json, "{\"provider_message_id\":\"%.40s\"}", t->text);
    (void)m->provider->on_complete(m->host, t->op, VOICEGW_OK, NULL, json);
    on_message_due(t);
}

static int32_t sms_validate(void *instance, const struct voicegw_sms *sms)
{
    struct mock *m = instance;
    if (!sms->to || !*sms->to || strlen(sms->to) >= MOCK_NUMBER_CAP)
        return m->host->set_error(m->host, VOICEGW_EINVALID, "to must have 1 to 128 bytes");
    if (!sms->text || strlen(sms->text) > SMS_TEXT_MAX)
        return m->host->set_error(m->host, VOICEGW_EINVALID, "text must be there and have at most 1600 bytes");
    return VOICEGW_OK;
}

static int32_t sms_send(void *instance, uint64_t op, uint64_t message, const struct voicegw_sms *sms)
{
    struct mock *m = instance;
    char id[40];
    int32_t rc = sms_validate(m, sms);
    if (rc != VOICEGW_OK)
        return rc;
    const struct mock_rule *rule = mock_rule_for(m->settings, sms->to);
    struct mock_task *t = mock_task_start(m, 0, on_message_accepted);
    if (!t)
        return m->host->set_error(m->host, VOICEGW_ELIMIT, "the gateway has no timer left for this message");
    mock_id(m, "SK", id);
    t->op = op;
    t->call = message;
    t->state = VOICEGW_SMS_ACCEPTED;
    t->outcome = rule && rule->outcome == MOCK_FAILED ? VOICEGW_SMS_FAILED : VOICEGW_SMS_DELIVERED;
    (void)snprintf(t->text, sizeof t->text, "%s", id);
    return VOICEGW_OK;
}

const struct voicegw_provider_sms mock_messages = {
    .size = sizeof mock_messages, .send = sms_send, .validate = sms_validate};
