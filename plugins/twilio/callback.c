/* callback.c - what Twilio tells of a call besides its documents: statuses, who answered, recordings, streams.
 * All on [control]. */
#include <stdlib.h>
#include <string.h>
#include "twilio.h"

/* Twilio counts from 0 and we from 1; what is not counted has no order. */
static uint32_t sequence_of(const struct form *f)
{
    int64_t n = form_int(f, "SequenceNumber", -1);
    return n < 0 || n > 1000000 ? 0 : (uint32_t)n + 1;
}

static void put_cause(const struct form *f, const char *status, char *out, size_t cap)
{
    char sip[16];
    (void)form_text(f, "SipResponseCode", sip, sizeof sip);
    (void)snprintf(out, cap, sip[0] ? "%s (SIP %s)" : "%s", status, sip);
}

void twilio_on_status(struct twilio *m, const struct form *f, struct twilio_call *c)
{
    char status[32], cause[64], json[256], who[32];
    uint32_t outcome = 0;
    (void)form_text(f, "CallStatus", status, sizeof status);
    (void)form_text(f, "AnsweredBy", who, sizeof who);
    uint32_t state = twilio_state_of(status, &outcome);
    if (state == 0) {
        m->host->count(m->host, "unknown_statuses", 1);
        return;
    }
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    if (who[0])
        voicegw_json_put_string(&w, "answered_by", who);
    if (state == VOICEGW_CALL_CONNECTED && c->said)
        voicegw_json_put_bool(&w, "greeting_said", 1);
    voicegw_json_put_end(&w);
    const char *data = voicegw_json_finish(&w) > 2 ? json : NULL;
    put_cause(f, status, cause, sizeof cause);
    if (state >= VOICEGW_CALL_ENDED)
        twilio_call_finish(c, state, outcome, sequence_of(f), cause, data);
    else if (state == VOICEGW_CALL_CONNECTED && !c->outbound && !c->media_twiml && !c->streamed)
        return; /* an incoming call is connected when its stream begins */
    else if (state != VOICEGW_CALL_CONNECTED || (!c->held && !c->transfer.op))
        twilio_call_state(c, state, sequence_of(f), NULL, data);
}

void twilio_on_amd(struct twilio *m, const struct form *f, struct twilio_call *c)
{
    char json[256], who[32];
    if (form_text(f, "AnsweredBy", who, sizeof who) == 0 || c->over)
        return;
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "answered_by", who);
    if (form_find(f, "MachineDetectionDuration"))
        voicegw_json_put_int(&w, "duration_ms", form_int(f, "MachineDetectionDuration", 0));
    voicegw_json_put_end(&w);
    if (voicegw_json_finish(&w) < 0)
        return;
    if (m->event)
        (void)m->event->emit(m->host, c->handle, "amd_result", json);
    twilio_call_state(c, c->state ? c->state : VOICEGW_CALL_INITIATING, 0, NULL, json);
}

/* Where the audio is, with the credentials that it takes: by our own address of the interface, whatever the callback
 * says. 0: it does not fit. */
static int recording_url(const struct twilio_settings *s, const char *sid, char *out, size_t cap)
{
    char base[TWILIO_URL_CAP];
    struct voicegw_text b = voicegw_vendor_url(&s->vendor, base, sizeof base), t = voicegw_text_of(out, cap);
    const char *host = voicegw_text_finish(&b) < 0 ? NULL : strstr(base, "://");
    if (!host)
        return 0;
    host += 3;
    char scheme[16] = "";
    (void)snprintf(scheme, sizeof scheme, "%.*s", (int)(host - base), base);
    voicegw_text_add(&t, scheme);
    voicegw_text_add_escaped(&t, s->user);
    voicegw_text_add(&t, ":");
    voicegw_text_add_escaped(&t, s->password);
    voicegw_text_add(&t, "@");
    voicegw_text_add(&t, host);
    voicegw_text_add(&t, "/2010-04-01/Accounts/");
    voicegw_text_add_escaped(&t, s->vendor.account_id);
    voicegw_text_add(&t, "/Recordings/");
    voicegw_text_add_escaped(&t, sid);
    voicegw_text_add(&t, ".wav");
    return voicegw_text_finish(&t) >= 0;
}

static const struct twilio_settings *account_of(struct twilio *m, const struct form *f, const struct twilio_call *c)
{
    if (c)
        return twilio_settings_now(m, c->settings);
    return m->former && form_is(f, "AccountSid", m->former->vendor.account_id) ? m->former : m->settings;
}

void twilio_on_recording(struct twilio *m, const struct form *f, struct twilio_call *c)
{
    char sid[TWILIO_SID_CAP], status[32], full[TWILIO_URL_CAP];
    char id[TWILIO_SID_CAP];
    uint64_t call = c                                                     ? c->handle
                    : form_sid(f, "CallSid", id, sizeof id) == VOICEGW_OK ? m->provider->call_find(m->host, id)
                                                                          : 0;
    if (!call || form_sid(f, "RecordingSid", sid, sizeof sid) != VOICEGW_OK)
        return;
    (void)form_text(f, "RecordingStatus", status, sizeof status);
    if (strcmp(status, "completed") != 0 || !recording_url(account_of(m, f, c), sid, full, sizeof full))
        full[0] = '\0';
    const char *state = strcmp(status, "in-progress") == 0 ? "started"
                        : strcmp(status, "completed") == 0 ? "available"
                                                           : "stopped";
    if (c && strcmp(state, "started") == 0)
        memcpy(c->recording, sid, sizeof c->recording);
    (void)m->provider->on_recording(m->host, call, sid, state, full[0] ? full : NULL,
                                    (double)form_int(f, "RecordingDuration", 0));
}

void twilio_on_stream_status(struct twilio *m, const struct form *f, struct twilio_call *c)
{
    char text[256], json[512];
    if (!form_is(f, "StreamEvent", "stream-error"))
        return;
    (void)form_text(f, "StreamError", text, sizeof text);
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "call_sid", c->sid);
    voicegw_json_put_string(&w, "error", text);
    voicegw_json_put_end(&w);
    m->host->count(m->host, "stream_errors", 1);
    m->host->log(m->host, VOICEGW_LOG_WARNING, "Twilio could not keep a media stream up",
                 voicegw_json_finish(&w) > 0 ? json : NULL);
}

void twilio_apply_resource(struct twilio_call *c, struct voicegw_json resource)
{
    char status[32], json[128], unit[8] = "";
    uint32_t outcome = 0;
    if (voicegw_json_get_string(resource, "status", status, sizeof status) <= 0)
        return;
    uint32_t state = twilio_state_of(status, &outcome);
    double price = twilio_price(voicegw_json_member(resource, "price"));
    (void)voicegw_json_get_string(resource, "price_unit", unit, sizeof unit);
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    if (price >= 0) {
        voicegw_json_put_double(&w, "cost", price);
        voicegw_json_put_string(&w, "currency", unit[0] ? unit : "USD");
    }
    voicegw_json_put_end(&w);
    const char *data = voicegw_json_finish(&w) > 2 ? json : NULL;
    if (state >= VOICEGW_CALL_ENDED)
        twilio_call_finish(c, state, outcome, 0, status, data);
    else if (state && state > c->state)
        twilio_call_state(c, state, 0, NULL, data);
}
