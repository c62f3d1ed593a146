/* transfer.c - a caller goes to somebody else: at once (blind), or once that one has answered and was told why
 * (attended). All on [control]. */
#include <stdlib.h>
#include <string.h>
#include "twilio.h"

#define RING_S 20 /* unless the parameters say; an operation has 30 s */

static void complete(struct twilio_call *c, const char *outcome)
{
    char json[48];
    uint64_t op = c->transfer.op;
    c->transfer.op = 0;
    (void)snprintf(json, sizeof json, "{\"outcome\":\"%s\"}", outcome);
    twilio_complete(c->m, op, VOICEGW_OK, NULL, json);
}

static void on_dropped(struct twilio_rest *r, const struct twilio_answer *a)
{
    if (a->status != VOICEGW_OK && !twilio_code_is_over(a->code))
        r->m->host->count(r->m->host, "legs_left", 1);
}

/* Who is being called for a caller that has gone need not answer. */
static void drop_agent(struct twilio_call *c)
{
    struct twilio_rest *r =
        c->transfer.agent[0] && !c->transfer.settled ? twilio_rest_new(c->m, c->settings, "POST", on_dropped) : NULL;
    c->transfer.settled = 1;
    if (!r)
        return;
    voicegw_text_add(&r->url_text, "Calls/");
    voicegw_text_add(&r->url_text, c->transfer.agent);
    voicegw_form_add(&r->form, "Status", "completed");
    r->repeatable = 1;
    (void)twilio_rest_send(r);
}

/* It came to nothing: the operation learns why. The caller is brought back by whoever calls this. */
void twilio_transfer_failed(struct twilio_call *c, const char *outcome)
{
    if (c->transfer.op && c->over)
        drop_agent(c);
    if (c->transfer.op)
        complete(c, outcome);
}

static void handed_over(struct twilio_call *c)
{
    uint64_t handle = c->handle;
    struct twilio *m = c->m;
    complete(c, "completed");
    c = twilio_call_of(m, handle);
    if (c)
        twilio_call_finish(c, VOICEGW_CALL_ENDED, VOICEGW_OUTCOME_COMPLETED, 0, "transferred", NULL);
}

/* ---- blind ---- */

static void on_sent(struct twilio_rest *r, const struct twilio_answer *a)
{
    struct twilio_call *c = twilio_call_of(r->m, r->call);
    if (!c || c->over || a->status == VOICEGW_OK)
        return;
    c->transfer.op = 0;
    twilio_call_detour(c, 0);
    twilio_finish_op(r, a, NULL);
    c = twilio_call_of(r->m, r->call);
    if (c && !c->over)
        twilio_call_state(c, VOICEGW_CALL_CONNECTED, 0, "the transfer was refused", NULL);
}

static void put_target(struct twiml *t, struct twilio_call *c, const char *url)
{
    const char *to = c->transfer.to;
    twiml_open(t, strncmp(to, "sip:", 4) == 0 ? "Sip" : strncmp(to, "client:", 7) == 0 ? "Client" : "Number");
    twiml_attr(t, "statusCallback", url);
    twiml_attr(t, "statusCallbackEvent", "answered");
    twiml_text(t, strncmp(to, "client:", 7) == 0 ? to + 7 : to);
    twiml_close(t);
}

static int32_t send_blind(struct twilio_call *c, int64_t ring_s)
{
    char url[TWILIO_URL_CAP];
    struct twiml t;
    struct twilio_rest *r = twilio_rest_call(c, "POST", on_sent);
    if (!r)
        return VOICEGW_EBUSY;
    twiml_begin(&t);
    twiml_open(&t, "Dial");
    twilio_call_url(c, "transfer", NULL, url, sizeof url);
    twiml_attr(&t, "action", url);
    twiml_attr(&t, "answerOnBridge", "true");
    twiml_attr(&t, "callerId", c->transfer.from[0] ? c->transfer.from : NULL);
    twiml_attr_int(&t, "timeout", ring_s);
    twilio_call_url(c, "transfer-leg", NULL, url, sizeof url);
    put_target(&t, c, url);
    (void)twiml_end(&t);
    r->op = c->transfer.op;
    twilio_call_detour(c, 1);
    int32_t rc = twilio_rest_document(r, c, &t);
    if (rc != VOICEGW_OK)
        twilio_call_detour(c, 0);
    return rc;
}

/* ---- attended ---- */

static void on_agent(struct twilio_rest *r, const struct twilio_answer *a)
{
    struct twilio_call *c = twilio_call_of(r->m, r->call);
    char sid[TWILIO_SID_CAP] = "";
    if (!c || c->over)
        return;
    if (a->status == VOICEGW_OK) {
        if (voicegw_json_get_string(a->json, "sid", sid, sizeof sid) > 0 && form_sid_valid(sid, strlen(sid)))
            memcpy(c->transfer.agent, sid, sizeof sid);
        return;
    }
    c->transfer.op = 0;
    twilio_finish_op(r, a, NULL);
    c = twilio_call_of(r->m, r->call);
    if (c && !c->over)
        twilio_call_state(c, VOICEGW_CALL_CONNECTED, 0, "the transfer was refused", NULL);
}

static void put_room(struct twiml *t, struct twilio_call *c, int agent)
{
    char room[TWILIO_REF_CAP + 16];
    (void)snprintf(room, sizeof room, "transfer-%s", c->ref);
    twiml_open(t, "Dial");
    twiml_open(t, "Conference");
    twiml_attr(t, "beep", "false");
    twiml_attr(t, "startConferenceOnEnter", agent ? "true" : "false");
    twiml_attr(t, "endConferenceOnExit", "true");
    twiml_text(t, room);
    twiml_close(t);
    twiml_close(t);
}

/* The other one is called and told why, while the caller stays with us. */
static int32_t call_agent(struct twilio_call *c, int64_t ring_s, const char *summary)
{
    static const char *const events[] = {"answered", "completed"};
    char url[TWILIO_URL_CAP];
    struct twiml t;
    const char *from = c->transfer.from[0]    ? c->transfer.from
                       : c->settings->from[0] ? c->settings->from
                       : c->outbound          ? c->from
                                              : c->to;
    struct twilio_rest *r = twilio_rest_new(c->m, c->settings, "POST", on_agent);
    if (!r)
        return VOICEGW_ECONFIG;
    twiml_begin(&t);
    if (*summary)
        twiml_say(&t, summary, c->settings->voice, NULL);
    put_room(&t, c, 1);
    (void)twiml_end(&t);
    twilio_call_url(c, "transfer-leg", NULL, url, sizeof url);
    voicegw_text_add(&r->url_text, "Calls");
    voicegw_form_add(&r->form, "To", c->transfer.to);
    voicegw_form_add(&r->form, "From", from);
    voicegw_form_add(&r->form, "Twiml", t.text);
    voicegw_form_add(&r->form, "StatusCallback", url);
    voicegw_form_add(&r->form, "StatusCallbackMethod", "POST");
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        voicegw_form_add(&r->form, "StatusCallbackEvent", events[i]);
    voicegw_form_add_int(&r->form, "Timeout", ring_s);
    r->op = c->transfer.op;
    r->call = c->handle;
    return twilio_rest_send(r);
}

static void on_joined(struct twilio_rest *r, const struct twilio_answer *a)
{
    struct twilio_call *c = twilio_call_of(r->m, r->call);
    if (!c || c->over)
        return;
    if (a->status == VOICEGW_OK) {
        handed_over(c);
        return;
    }
    twilio_call_detour(c, 0);
    twilio_transfer_failed(c, "failed");
    c = twilio_call_of(r->m, r->call);
    if (c && !c->over)
        twilio_call_state(c, VOICEGW_CALL_CONNECTED, 0, "the caller could not join the transfer", NULL);
}

/* The other one has answered: the caller joins. */
static void join(struct twilio_call *c)
{
    struct twiml t;
    struct twilio_rest *r = twilio_rest_call(c, "POST", on_joined);
    int32_t rc = VOICEGW_EBUSY;
    if (r) {
        twiml_begin(&t);
        put_room(&t, c, 0);
        (void)twiml_end(&t);
        r->repeatable = 1;
        twilio_call_detour(c, 1);
        rc = twilio_rest_document(r, c, &t);
    }
    if (rc != VOICEGW_OK) {
        twilio_call_detour(c, 0);
        twilio_transfer_failed(c, "failed");
    }
}

/* ---- both ---- */

int32_t twilio_transfer_op(void *instance, uint64_t op, uint64_t call, uint32_t kind, const char *to,
                           const char *params_json)
{
    struct twilio *m = instance;
    int32_t rc = VOICEGW_OK;
    char summary[1024] = "";
    struct voicegw_json params = voicegw_json_of(params_json);
    struct twilio_call *c = twilio_talking(m, call, &rc);
    if (!c)
        return rc;
    char from[TWILIO_PARTY_CAP] = "";
    (void)voicegw_json_get_string(params, "from", from, sizeof from);
    const char *why = twilio_check_party(to, 1);
    if (!why)
        why = twilio_check_party(from, 0);
    if (why)
        return m->host->set_error(m->host, VOICEGW_EINVALID, why);
    if (c->transfer.op)
        return m->host->set_error(m->host, VOICEGW_EBUSY, "the call is being transferred already");
    int64_t ring_s = voicegw_json_get_int(params, "timeout", RING_S);
    (void)voicegw_json_get_string(params, "summary", summary, sizeof summary);
    c->transfer = (struct twilio_transfer){.op = op, .kind = kind};
    (void)snprintf(c->transfer.to, sizeof c->transfer.to, "%s", to);
    memcpy(c->transfer.from, from, sizeof from);
    ring_s = ring_s < 1 ? RING_S : ring_s > 600 ? 600 : ring_s;
    rc = kind == VOICEGW_TRANSFER_ATTENDED ? call_agent(c, ring_s, summary) : send_blind(c, ring_s);
    if (rc != VOICEGW_OK) {
        c->transfer.op = 0;
        return rc;
    }
    twilio_call_state(c, VOICEGW_CALL_TRANSFERRING, 0, NULL, NULL);
    return VOICEGW_OK;
}

void twilio_on_transfer_leg(struct twilio *m, const struct form *f, struct twilio_call *c)
{
    char status[32];
    uint32_t outcome = 0;
    (void)m;
    (void)form_text(f, "CallStatus", status, sizeof status);
    uint32_t state = twilio_state_of(status, &outcome);
    if (!c->transfer.op || c->transfer.settled)
        return;
    if (state == VOICEGW_CALL_CONNECTED) {
        c->transfer.settled = 1;
        if (c->transfer.kind == VOICEGW_TRANSFER_ATTENDED)
            join(c);
        else
            handed_over(c);
    } else if (state >= VOICEGW_CALL_ENDED && c->transfer.kind == VOICEGW_TRANSFER_ATTENDED) {
        uint64_t handle = c->handle;
        twilio_transfer_failed(c, twilio_outcome_of(status));
        c = twilio_call_of(m, handle);
        if (c && !c->over) /* the caller never left */
            twilio_call_state(c, VOICEGW_CALL_CONNECTED, 0, status, NULL);
    }
}

void twilio_on_transfer(struct twilio *m, const struct voicegw_request *r, const struct form *f, struct twilio_call *c)
{
    char status[32];
    struct twiml t;
    uint64_t handle = c->handle;
    (void)form_text(f, "DialCallStatus", status, sizeof status);
    const char *outcome = twilio_outcome_of(status);
    if (strcmp(outcome, "completed") == 0) {
        twiml_begin(&t);
        twiml_open(&t, "Hangup");
        (void)twiml_end(&t);
        twilio_reply_twiml(m, r->id, &t);
        handed_over(c);
        return;
    }
    if (c->media_twiml) {
        twilio_ivr_next(c, r->id, NULL, c->document);
    } else {
        twilio_call_detour(c, 1);
        twilio_call_token(c);
        twilio_stream_document(c, &t);
        twilio_reply_twiml(m, r->id, &t);
        twilio_watch_stream(c, TWILIO_STREAM_WAIT_US);
    }
    twilio_transfer_failed(c, outcome);
    c = twilio_call_of(m, handle);
    if (c && !c->over)
        twilio_call_state(c, VOICEGW_CALL_CONNECTED, 0, outcome, NULL);
}
