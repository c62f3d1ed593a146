/* conference.c - Twilio's conferences: calls go there by a document, and are held, muted and removed by REST. All on
 * [control]. Source: twilio.com/docs/voice/api/conference-participant-resource. */
#include <stdlib.h>
#include <string.h>
#include "twilio.h"

static uint32_t participants(const struct twilio *m, const char *name)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < TWILIO_BUCKETS; i++)
        for (const struct twilio_call *c = m->calls[i]; c; c = c->next)
            n += strcmp(c->conference, name) == 0;
    return n;
}

static void result(struct twilio *m, const char *name, char *json, size_t cap)
{
    struct voicegw_json_writer w = voicegw_json_writer_of(json, cap);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "conference", name);
    voicegw_json_put_int(&w, "participants", participants(m, name));
    voicegw_json_put_end(&w);
    (void)voicegw_json_finish(&w);
}

static void tell(struct twilio *m, const char *name, uint64_t call, uint32_t event)
{
    char json[256];
    if (!m->conference)
        return;
    result(m, name, json, sizeof json);
    (void)m->conference->on_conference(m->host, name, call, event, json);
}

static struct twilio_call *check(struct twilio *m, uint64_t call, const char *name, int inside, int32_t *ret_status)
{
    struct twilio_call *c = twilio_talking(m, call, ret_status);
    if (!c)
        return NULL;
    if (!name || !*name || strlen(name) >= TWILIO_NAME_CAP)
        *ret_status = m->host->set_error(m->host, VOICEGW_EINVALID, "a conference's name has 1 to 64 bytes");
    else if (inside && strcmp(c->conference, name) != 0)
        *ret_status = m->host->set_error(m->host, VOICEGW_ENOTFOUND, "the call is not in this conference");
    else if (!inside && c->conference[0])
        *ret_status = m->host->set_error(m->host, VOICEGW_EBUSY, "the call is in a conference already");
    else
        return c;
    return NULL;
}

/* ---- joining and leaving ---- */

void twilio_conference_enter(struct twilio_call *c, const char *name)
{
    uint64_t handle = c->handle;
    (void)snprintf(c->conference, sizeof c->conference, "%.64s", name);
    if (participants(c->m, name) == 1)
        tell(c->m, name, handle, VOICEGW_CONFERENCE_STARTED);
    tell(c->m, name, handle, VOICEGW_CONFERENCE_JOINED);
}

static void on_joined(struct twilio_rest *r, const struct twilio_answer *a)
{
    char json[256];
    struct twilio *m = r->m;
    struct twilio_call *c = twilio_call_of(m, r->call);
    if (c && a->status == VOICEGW_OK)
        twilio_conference_enter(c, r->text);
    else if (c)
        twilio_call_detour(c, 0);
    result(m, r->text, json, sizeof json);
    twilio_finish_op(r, a, json);
}

static int32_t conference_join(void *instance, uint64_t op, uint64_t call, const char *name, const char *params_json)
{
    struct twilio *m = instance;
    int32_t rc = VOICEGW_OK;
    char url[TWILIO_URL_CAP], music[512] = "";
    struct twiml t;
    struct twilio_call *c = check(m, call, name, 0, &rc);
    struct twilio_rest *r = c ? twilio_rest_call(c, "POST", on_joined) : NULL;
    if (!r)
        return c ? VOICEGW_EBUSY : rc;
    (void)voicegw_json_get_string(voicegw_json_of(params_json), "music", music, sizeof music);
    twilio_call_url(c, "conference", NULL, url, sizeof url);
    twiml_begin(&t);
    twiml_open(&t, "Dial");
    twiml_open(&t, "Conference");
    twiml_attr(&t, "statusCallback", url);
    twiml_attr(&t, "statusCallbackEvent", "start end join leave mute hold");
    twiml_attr(&t, "participantLabel", c->ref);
    twiml_attr(&t, "waitUrl", music[0] ? music : NULL);
    twiml_text(&t, name);
    (void)twiml_end(&t);
    (void)snprintf(r->text, sizeof r->text, "%s", name);
    r->op = op;
    twilio_call_detour(c, 1);
    rc = twilio_rest_document(r, c, &t);
    if (rc != VOICEGW_OK)
        twilio_call_detour(c, 0);
    return rc;
}

static void part(struct twilio_call *c, uint32_t event)
{
    struct twilio *m = c->m;
    char name[sizeof c->conference];
    memcpy(name, c->conference, sizeof name);
    c->conference[0] = c->conference_sid[0] = '\0';
    tell(m, name, c->handle, event);
    if (participants(m, name) == 0)
        tell(m, name, 0, VOICEGW_CONFERENCE_ENDED);
}

void twilio_conference_left(struct twilio_call *c)
{
    if (c->conference[0])
        part(c, VOICEGW_CONFERENCE_LEFT);
}

static void on_left(struct twilio_rest *r, const struct twilio_answer *a)
{
    char json[256], name[TWILIO_NAME_CAP] = "";
    struct twilio_call *c = twilio_call_of(r->m, r->call);
    if (c)
        memcpy(name, c->conference, sizeof name);
    if (c && a->status == VOICEGW_OK && c->conference[0])
        part(c, VOICEGW_CONFERENCE_LEFT);
    result(r->m, name, json, sizeof json);
    twilio_finish_op(r, a, json);
}

static int32_t conference_leave(void *instance, uint64_t op, uint64_t call, const char *name)
{
    int32_t rc = VOICEGW_OK;
    struct twilio_call *c = check(instance, call, name, 1, &rc);
    return c ? twilio_send_back(c, op, on_left) : rc;
}

/* ---- a participant ---- */

static void on_changed(struct twilio_rest *r, const struct twilio_answer *a)
{
    char json[256], name[TWILIO_NAME_CAP];
    struct twilio *m = r->m;
    struct twilio_call *c = twilio_call_of(m, r->call);
    uint32_t event = r->what;
    (void)snprintf(name, sizeof name, "%.64s", r->text);
    result(m, name, json, sizeof json);
    if (c && a->status == VOICEGW_OK && event != VOICEGW_CONFERENCE_KICKED)
        tell(m, name, r->call, event);
    if (c && a->status == VOICEGW_OK && event == VOICEGW_CONFERENCE_KICKED)
        part(c, event);
    twilio_finish_op(r, a, json);
    c = twilio_call_of(m, r->call);
    if (c && a->status == VOICEGW_OK && event == VOICEGW_CONFERENCE_KICKED) {
        twilio_hang_up(c);
        twilio_call_over(c, "removed from the conference");
    }
}

static int32_t change(struct twilio_call *c, uint64_t op, uint32_t event)
{
    int kick = event == VOICEGW_CONFERENCE_KICKED;
    struct twilio_rest *r = twilio_rest_new(c->m, c->settings, kick ? "DELETE" : "POST", on_changed);
    if (!r)
        return VOICEGW_ECONFIG;
    voicegw_text_add(&r->url_text, "Conferences/");
    voicegw_text_add_escaped(&r->url_text, c->conference_sid);
    voicegw_text_add(&r->url_text, "/Participants/");
    voicegw_text_add_escaped(&r->url_text, c->sid);
    if (event == VOICEGW_CONFERENCE_HELD || event == VOICEGW_CONFERENCE_RESUMED)
        voicegw_form_add_bool(&r->form, "Hold", event == VOICEGW_CONFERENCE_HELD);
    else if (!kick)
        voicegw_form_add_bool(&r->form, "Muted", event == VOICEGW_CONFERENCE_MUTED);
    if (event == VOICEGW_CONFERENCE_HELD && *c->settings->music)
        voicegw_form_add(&r->form, "HoldUrl", c->settings->music);
    (void)snprintf(r->text, sizeof r->text, "%s", c->conference);
    r->repeatable = 1;
    r->what = event;
    r->op = op;
    r->call = c->handle;
    return twilio_rest_send(r);
}

/* The conference's id, asked for by its name. */
static void on_found(struct twilio_rest *r, const struct twilio_answer *a)
{
    struct twilio *m = r->m;
    char sid[TWILIO_SID_CAP] = "";
    struct twilio_call *c = twilio_call_of(m, r->call);
    struct voicegw_json first = voicegw_json_item(voicegw_json_member(a->json, "conferences"), 0);
    if (a->status != VOICEGW_OK || !c || c->over) {
        twilio_complete(m, r->op, a->status ? a->status : VOICEGW_ENOTFOUND,
                        a->status ? a->sentence : "the call is over", NULL);
        return;
    }
    if (voicegw_json_get_string(first, "sid", sid, sizeof sid) <= 0 || !form_sid_valid(sid, strlen(sid))) {
        twilio_complete(m, r->op, VOICEGW_ENOTFOUND, "Twilio knows no such conference", NULL);
        return;
    }
    memcpy(c->conference_sid, sid, sizeof sid);
    int32_t rc = change(c, r->op, r->what);
    if (rc != VOICEGW_OK)
        twilio_complete(m, r->op, rc, m->host->last_error(m->host), NULL);
}

static int32_t on_participant(struct twilio *m, uint64_t op, uint64_t call, const char *name, uint32_t event)
{
    int32_t rc = VOICEGW_OK;
    struct twilio_call *c = check(m, call, name, 1, &rc);
    if (!c)
        return rc;
    if (c->conference_sid[0])
        return change(c, op, event);
    struct twilio_rest *r = twilio_rest_new(m, c->settings, "GET", on_found);
    if (!r)
        return VOICEGW_ECONFIG;
    voicegw_text_add(&r->url_text, "Conferences.json?FriendlyName=");
    voicegw_text_add_escaped(&r->url_text, name);
    voicegw_text_add(&r->url_text, "&Status=in-progress");
    r->what = event;
    r->op = op;
    r->call = call;
    return twilio_rest_send(r);
}

static void on_held(struct twilio_rest *r, const struct twilio_answer *a)
{
    struct twilio_call *c = twilio_call_of(r->m, r->call);
    if (c && a->status == VOICEGW_OK)
        c->held = 1;
    twilio_finish_op(r, a, "{\"state\":\"on_hold\"}");
}

static void on_room(struct twilio_rest *r, const struct twilio_answer *a)
{
    char sid[TWILIO_SID_CAP] = "";
    struct twilio_call *c = twilio_call_of(r->m, r->call);
    struct voicegw_json first = voicegw_json_item(voicegw_json_member(a->json, "conferences"), 0);
    if (!c || c->over || c->hold_op != r->op)
        return;
    if (voicegw_json_get_string(first, "sid", sid, sizeof sid) > 0 && form_sid_valid(sid, strlen(sid))) {
        twilio_conference_hold(c, sid);
        return;
    }
    c->hold_op = 0;
    twilio_complete(r->m, r->op, a->status ? a->status : VOICEGW_EPROVIDER,
                    a->status ? a->sentence : "the call did not come to the conference where it was to be held", NULL);
}

void twilio_conference_hold(struct twilio_call *c, const char *sid)
{
    struct twilio *m = c->m;
    uint64_t op = c->hold_op;
    struct twilio_rest *r = twilio_rest_new(m, c->settings, *sid ? "POST" : "GET", *sid ? on_held : on_room);
    if (r && *sid) {
        voicegw_text_add(&r->url_text, "Conferences/");
        voicegw_text_add_escaped(&r->url_text, sid);
        voicegw_text_add(&r->url_text, "/Participants/");
        voicegw_text_add_escaped(&r->url_text, c->sid);
        voicegw_form_add(&r->form, "Hold", "true");
        if (c->music[0])
            voicegw_form_add(&r->form, "HoldUrl", c->music);
        r->repeatable = 1;
        c->hold_op = 0;
    } else if (r) {
        voicegw_text_add(&r->url_text, "Conferences.json?FriendlyName=hold-");
        voicegw_text_add(&r->url_text, c->ref);
    }
    if (r) {
        r->op = op;
        r->call = c->handle;
    }
    if (!r || twilio_rest_send(r) != VOICEGW_OK) {
        c->hold_op = 0;
        twilio_complete(m, op, VOICEGW_EPROVIDER, m->host->last_error(m->host), NULL);
    }
}

static int32_t conference_hold(void *instance, uint64_t op, uint64_t call, const char *name, uint32_t on)
{
    return on_participant(instance, op, call, name, on ? VOICEGW_CONFERENCE_HELD : VOICEGW_CONFERENCE_RESUMED);
}

static int32_t conference_mute(void *instance, uint64_t op, uint64_t call, const char *name, uint32_t on)
{
    return on_participant(instance, op, call, name, on ? VOICEGW_CONFERENCE_MUTED : VOICEGW_CONFERENCE_UNMUTED);
}

static int32_t conference_kick(void *instance, uint64_t op, uint64_t call, const char *name)
{
    return on_participant(instance, op, call, name, VOICEGW_CONFERENCE_KICKED);
}

const struct voicegw_provider_conference twilio_conferences = {.size = sizeof twilio_conferences,
                                                               .join = conference_join,
                                                               .leave = conference_leave,
                                                               .hold = conference_hold,
                                                               .mute = conference_mute,
                                                               .kick = conference_kick};

/* ---- what Twilio tells ---- */

void twilio_on_conference(struct twilio *m, const struct voicegw_request *r, const struct form *f)
{
    char sid[TWILIO_SID_CAP], call[TWILIO_SID_CAP], ref[TWILIO_REF_CAP + 8];
    if (form_sid(f, "ConferenceSid", sid, sizeof sid) != VOICEGW_OK)
        return;
    struct twilio_call *c =
        form_sid(f, "CallSid", call, sizeof call) == VOICEGW_OK ? twilio_call_by_sid(m, call) : NULL;
    if (!c || c->over)
        return;
    c->in_progress = 1;
    if (c->hold_op && form_is(f, "StatusCallbackEvent", "participant-join") &&
        twilio_query(r, "ref", ref, sizeof ref) && strcmp(ref, c->ref) == 0) {
        twilio_ivr_interrupted(c);
        twilio_conference_hold(c, sid);
    }
    if (!c->conference[0])
        return;
    c->heard_us = m->host->now_us(m->host);
    if (!c->conference_sid[0])
        memcpy(c->conference_sid, sid, sizeof sid);
    /* What we asked for ourselves was told when Twilio took it; leaving is the caller's doing. */
    if (form_is(f, "StatusCallbackEvent", "participant-leave"))
        part(c, VOICEGW_CONFERENCE_LEFT);
}
