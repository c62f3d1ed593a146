/* record.c - recordings that Twilio makes, for calls whose audio does not pass through us. All on [control].
 * Source: twilio.com/docs/voice/api/recording. */
#include <stdlib.h>
#include <string.h>
#include "twilio.h"

static void on_recorded(struct twilio_rest *r, const struct twilio_answer *a)
{
    char json[TWILIO_SID_CAP + 32], sid[TWILIO_SID_CAP] = "";
    struct twilio_call *c = twilio_call_of(r->m, r->call);
    (void)voicegw_json_get_string(a->json, "sid", sid, sizeof sid);
    if (!form_sid_valid(sid, strlen(sid)))
        sid[0] = '\0';
    if (c && a->status == VOICEGW_OK && r->what == VOICEGW_RECORD_START)
        memcpy(c->recording, sid, sizeof sid);
    if (c && a->status == VOICEGW_OK && r->what == VOICEGW_RECORD_STOP)
        c->recording[0] = '\0';
    (void)snprintf(json, sizeof json, "{\"recording_id\":\"%s\"}", sid);
    twilio_finish_op(r, a, sid[0] ? json : NULL);
}

int32_t twilio_record_op(void *instance, uint64_t op, uint64_t call, uint32_t action)
{
    struct twilio *m = instance;
    int32_t rc = VOICEGW_OK;
    struct twilio_call *c = twilio_talking(m, call, &rc);
    if (!c)
        return rc;
    if (action > VOICEGW_RECORD_RESUME)
        return m->host->set_error(m->host, VOICEGW_EINVALID, "a recording is started, stopped, paused or resumed");
    /* Twilio records calls in progress only, and an incoming one is that once its first document is performed. */
    if (c->media_twiml && !c->outbound && !c->in_progress && c->request)
        return twilio_ivr_record(c, op, action);
    return twilio_record_now(c, op, action);
}

void twilio_record_callback(struct twilio_call *c, struct voicegw_text *form)
{
    static const char *const events[] = {"in-progress", "completed", "absent"};
    char url[TWILIO_URL_CAP];
    twilio_call_url(c, "recording", NULL, url, sizeof url);
    voicegw_form_add(form, "RecordingStatusCallback", url);
    voicegw_form_add(form, "RecordingStatusCallbackMethod", "POST");
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        voicegw_form_add(form, "RecordingStatusCallbackEvent", events[i]);
}

int32_t twilio_record_now(struct twilio_call *c, uint64_t op, uint32_t action)
{
    static const char *const statuses[] = {NULL, "stopped", "paused", "in-progress"};
    struct twilio_rest *r = twilio_rest_call(c, "POST", on_recorded);
    if (!r)
        return VOICEGW_EBUSY;
    voicegw_text_add(&r->url_text, "/Recordings");
    if (action == VOICEGW_RECORD_START) {
        voicegw_form_add(&r->form, "RecordingChannels", "dual");
        twilio_record_callback(c, &r->form);
    } else {
        voicegw_text_add(&r->url_text, "/");
        voicegw_text_add(&r->url_text, c->recording[0] ? c->recording : "Twilio.CURRENT");
        voicegw_form_add(&r->form, "Status", statuses[action]);
        r->repeatable = 1;
    }
    r->op = op;
    r->what = action;
    return twilio_rest_send(r);
}
