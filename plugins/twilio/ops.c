/* ops.c - the operations on a call. All on [control]. */
#include <stdlib.h>
#include <string.h>
#include "twilio.h"

#define HOLD_MUSIC "http://com.twilio.sounds.music.s3.amazonaws.com/MARKOVICHAMP-Borghestral.mp3"
#define ROOM_WAIT_US 3000000 /* for the callback of a conference that a call was sent to */

struct twilio_call *twilio_talking(struct twilio *m, uint64_t call, int32_t *ret_status)
{
    struct twilio_call *c = twilio_call_of(m, call);
    if (!c)
        *ret_status = m->host->set_error(m->host, VOICEGW_ENOTFOUND, "no such call");
    else if (c->over || c->state < VOICEGW_CALL_CONNECTED)
        *ret_status = m->host->set_error(m->host, VOICEGW_EBUSY, "the call is not connected");
    else
        return c;
    return NULL;
}

void twilio_finish_op(struct twilio_rest *r, const struct twilio_answer *a, const char *json)
{
    struct twilio *m = r->m;
    twilio_complete(m, r->op, a->status, a->sentence, a->status == VOICEGW_OK ? json : NULL);
    struct twilio_call *c = twilio_call_of(m, r->call);
    if (c && (twilio_code_is_over(a->code) || a->status == VOICEGW_ENOTFOUND))
        twilio_call_over(c, "Twilio says that the call is over");
}

/* ---- ending ---- */

static void on_hung_up(struct twilio_rest *r, const struct twilio_answer *a)
{
    struct twilio *m = r->m;
    int gone = a->status == VOICEGW_ENOTFOUND || twilio_code_is_over(a->code);
    struct twilio_call *c = twilio_call_of(m, r->call);
    uint64_t op = r->op;
    if (c && c->end_op) {
        op = c->end_op;
        c->end_op = 0;
    }
    twilio_complete(m, op, gone ? VOICEGW_OK : a->status, a->sentence,
                    gone || a->status == VOICEGW_OK ? "{\"state\":\"ended\"}" : NULL);
    c = twilio_call_of(m, r->call);
    if (!c)
        return;
    /* With the stream's end Twilio has nothing left to do in the call, so it ends even if it could not be told. */
    (void)pthread_mutex_lock(&m->lock);
    int streams = c->proven != 0 && !c->one_way;
    (void)pthread_mutex_unlock(&m->lock);
    if (gone || a->status == VOICEGW_OK || streams)
        twilio_call_over(c, "hung up by the gateway");
}

static int32_t hang_up(struct twilio_call *c, uint64_t op)
{
    struct twilio_rest *r = twilio_rest_call(c, "POST", on_hung_up);
    if (!r)
        return VOICEGW_ECONFIG;
    voicegw_form_add(&r->form, "Status", "completed");
    r->repeatable = 1;
    r->op = op;
    return twilio_rest_send(r);
}

void twilio_hang_up(struct twilio_call *c)
{
    c->ending = 1;
    (void)hang_up(c, 0);
}

static void on_end_now(struct twilio_task *t)
{
    struct twilio_call *c = twilio_call_of(t->m, t->call);
    if (c)
        twilio_call_over(c, "hung up by the gateway");
    else
        twilio_complete(t->m, t->op, VOICEGW_OK, NULL, "{\"state\":\"ended\"}");
}

static int32_t twilio_end(void *instance, uint64_t op, uint64_t call)
{
    struct twilio *m = instance;
    struct twilio_call *c = twilio_call_of(m, call);
    if (!c)
        return m->host->set_error(m->host, VOICEGW_ENOTFOUND, "no such call");
    if (c->over)
        return twilio_complete_later(m, op, call, VOICEGW_OK, NULL, "{\"state\":\"ended\"}");
    if (c->end_op)
        return m->host->set_error(m->host, VOICEGW_EBUSY, "the call is being ended already");
    c->ending = 1;
    if (!c->sid[0]) {
        c->end_op = op; /* once Twilio has told the id */
        return VOICEGW_OK;
    }
    /* Twilio waits for a document: that ends the call without a request. */
    if (!c->request && hang_up(c, op) == VOICEGW_OK)
        return VOICEGW_OK;
    struct twilio_task *t = twilio_task_start(m, 0, on_end_now);
    if (!t)
        return m->host->set_error(m->host, VOICEGW_ELIMIT, "the gateway has no timer left for this operation");
    t->call = call;
    t->op = op;
    c->end_op = op;
    return VOICEGW_OK;
}

/* ---- hold ---- */

int32_t twilio_send_back(struct twilio_call *c, uint64_t op, twilio_rest_done done)
{
    char url[TWILIO_URL_CAP], more[32];
    struct twilio_rest *r = twilio_rest_call(c, "POST", done);
    if (!r)
        return VOICEGW_EBUSY;
    (void)snprintf(more, sizeof more, "&doc=%u", c->document);
    if (c->media_twiml) {
        twilio_call_url(c, "next", more, url, sizeof url);
    } else {
        twilio_call_token(c);
        twilio_call_detour(c, 1);
        twilio_call_url(c, "answer", NULL, url, sizeof url);
    }
    voicegw_form_add(&r->form, "Url", url);
    voicegw_form_add(&r->form, "Method", "POST");
    r->repeatable = 1;
    r->op = op;
    return twilio_rest_send(r);
}

void twilio_resumed(struct twilio_call *c)
{
    uint64_t op = c->resume_op;
    c->resume_op = 0;
    if (!op)
        return;
    c->held = 0;
    twilio_complete(c->m, op, VOICEGW_OK, NULL, "{\"state\":\"connected\"}");
}

static void on_resumed(struct twilio_rest *r, const struct twilio_answer *a)
{
    struct twilio_call *c = twilio_call_of(r->m, r->call);
    if (c && c->resume_op != r->op)
        return; /* Twilio came back before its answer */
    if (c)
        c->resume_op = 0;
    if (c && a->status == VOICEGW_OK)
        c->held = 0;
    twilio_finish_op(r, a, "{\"state\":\"connected\"}");
}

static void on_held(struct twilio_rest *r, const struct twilio_answer *a)
{
    struct twilio_call *c = twilio_call_of(r->m, r->call);
    if (c && a->status == VOICEGW_OK) {
        c->held = 1;
        twilio_ivr_interrupted(c);
    } else if (c) {
        twilio_call_detour(c, 0);
    }
    twilio_finish_op(r, a, "{\"state\":\"on_hold\"}");
}

/* The callback of the conference may be lost. */
static void on_overdue(struct twilio_task *t)
{
    struct twilio_call *c = twilio_call_of(t->m, t->call);
    if (c && c->hold_op == t->op)
        twilio_conference_hold(c, "");
}

static void on_sent_to_room(struct twilio_rest *r, const struct twilio_answer *a)
{
    struct twilio_call *c = twilio_call_of(r->m, r->call);
    if (!c || c->hold_op != r->op)
        return; /* it is held already, or over */
    if (a->status == VOICEGW_OK)
        twilio_ivr_interrupted(c);
    struct twilio_task *t = a->status == VOICEGW_OK ? twilio_task_start(r->m, ROOM_WAIT_US, on_overdue) : NULL;
    if (t) {
        t->op = r->op;
        t->call = r->call;
        return;
    }
    c->hold_op = 0;
    on_held(r, a);
}

static void put_hold(struct twiml *t, struct twilio_call *c)
{
    char room[TWILIO_REF_CAP + 8], url[TWILIO_URL_CAP];
    if (!c->settings->hold_conference) {
        twiml_open(t, "Play");
        twiml_attr(t, "loop", "0");
        twiml_text(t, c->music[0] ? c->music : HOLD_MUSIC);
        return;
    }
    (void)snprintf(room, sizeof room, "hold-%s", c->ref);
    twilio_call_url(c, "conference", NULL, url, sizeof url);
    twiml_open(t, "Dial");
    twiml_open(t, "Conference");
    twiml_attr(t, "beep", "false");
    twiml_attr(t, "statusCallback", url);
    twiml_attr(t, "statusCallbackEvent", "join");
    twiml_text(t, room);
}

static int32_t send_to_hold(struct twilio_call *c, uint64_t op, const char *music)
{
    struct twiml t;
    struct twilio_rest *r = twilio_rest_call(c, "POST", c->settings->hold_conference ? on_sent_to_room : on_held);
    if (!r)
        return VOICEGW_EBUSY;
    (void)snprintf(c->music, sizeof c->music, "%s", music && *music ? music : c->settings->music);
    twiml_begin(&t);
    put_hold(&t, c);
    (void)twiml_end(&t);
    r->repeatable = 1;
    r->op = op;
    c->hold_op = c->settings->hold_conference ? op : 0;
    twilio_call_detour(c, 1);
    int32_t rc = twilio_rest_document(r, c, &t);
    if (rc != VOICEGW_OK) {
        c->hold_op = 0;
        twilio_call_detour(c, 0);
    }
    return rc;
}

static int32_t twilio_hold(void *instance, uint64_t op, uint64_t call, uint32_t on, const char *music_url)
{
    int32_t rc = VOICEGW_OK;
    struct twilio_call *c = twilio_talking(instance, call, &rc);
    if (!c)
        return rc;
    if (c->conference[0])
        return twilio_conferences.hold(instance, op, call, c->conference, on);
    if (on && c->hold_op)
        return c->m->host->set_error(c->m->host, VOICEGW_EBUSY, "the call is being held already");
    if (on)
        return send_to_hold(c, op, music_url);
    if (c->resume_op)
        return c->m->host->set_error(c->m->host, VOICEGW_EBUSY, "the call is being taken back already");
    c->resume_op = op;
    rc = twilio_send_back(c, op, on_resumed);
    if (rc != VOICEGW_OK)
        c->resume_op = 0;
    return rc;
}

/* ---- by document ---- */

static int32_t by_document(struct twilio *m, uint64_t op, uint64_t call, const char *verb, const char *text,
                           const char *voice, const char *language, uint32_t loop)
{
    int32_t rc = VOICEGW_OK;
    struct twilio_call *c = twilio_talking(m, call, &rc);
    if (!c)
        return rc;
    if (!c->media_twiml)
        return m->host->set_error(m->host, VOICEGW_EUNSUPPORTED,
                                  "this call's audio is streamed: the gateway speaks, plays and sends tones itself");
    return twilio_ivr_simple(c, op, verb, text, voice, language, loop);
}

static int32_t twilio_play(void *instance, uint64_t op, uint64_t call, const char *url, uint32_t loop)
{
    return by_document(instance, op, call, "play", url, NULL, NULL, loop);
}

static int32_t twilio_say(void *instance, uint64_t op, uint64_t call, const char *text, const char *voice,
                          const char *language)
{
    return by_document(instance, op, call, "say", text, voice, language, 1);
}

static int32_t twilio_dtmf(void *instance, uint64_t op, uint64_t call, const char *digits)
{
    struct twilio *m = instance;
    if (!digits || !*digits || strlen(digits) > 64 || strspn(digits, "0123456789*#ABCDwW") != strlen(digits))
        return m->host->set_error(m->host, VOICEGW_EINVALID, "digits must be 1 to 64 of 0-9 * # A-D w W");
    return by_document(m, op, call, "dtmf", digits, NULL, NULL, 1);
}

static int32_t twilio_mute(void *instance, uint64_t op, uint64_t call, uint32_t on)
{
    int32_t rc = VOICEGW_OK;
    struct twilio_call *c = twilio_talking(instance, call, &rc);
    if (!c)
        return rc;
    if (c->conference[0])
        return twilio_conferences.mute(instance, op, call, c->conference, on);
    return c->m->host->set_error(c->m->host, VOICEGW_EUNSUPPORTED,
                                 "Twilio mutes participants of conferences; the gateway mutes its streams itself");
}

static void twilio_cancel(void *instance, uint64_t op)
{
    struct twilio *m = instance;
    twilio_rest_cancel_op(m, op);
}

static void twilio_forget(void *instance, uint64_t call)
{
    struct twilio_call *c = twilio_call_of(instance, call);
    if (!c || c->handle != call)
        return;
    c->over = 1;
    twilio_call_free(c);
}

const struct voicegw_provider twilio_operations = {.size = sizeof twilio_operations,
                                                   .make_call = twilio_make_call,
                                                   .answer = twilio_answer_op,
                                                   .reject = twilio_reject_op,
                                                   .end = twilio_end,
                                                   .hold = twilio_hold,
                                                   .transfer = twilio_transfer_op,
                                                   .play = twilio_play,
                                                   .say = twilio_say,
                                                   .record = twilio_record_op,
                                                   .dtmf = twilio_dtmf,
                                                   .mute = twilio_mute,
                                                   .status = twilio_status,
                                                   .validate = twilio_validate,
                                                   .reconcile = twilio_reconcile,
                                                   .cancel = twilio_cancel,
                                                   .identify = twilio_identify,
                                                   .poll = twilio_poll,
                                                   .forget = twilio_forget,
                                                   .settle = twilio_settle};
