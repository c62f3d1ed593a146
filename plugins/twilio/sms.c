/* sms.c - text messages by Twilio. All on [control]. Source: twilio.com/docs/messaging/api/message-resource. */
#include <stdlib.h>
#include <string.h>
#include "twilio.h"

#define TEXT_MAX 1600u /* characters */

static size_t characters(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0u) != 0x80u;
    return n;
}

static int32_t sms_validate(void *instance, const struct voicegw_sms *sms)
{
    struct twilio *m = instance;
    const char *why = twilio_check_party(sms->to, 1);
    if (!why)
        why = twilio_check_party(sms->from, 0);
    if (!why && (!sms->text || (!*sms->text && !sms->media_json)))
        why = "text must be there";
    if (!why && characters(sms->text) > TEXT_MAX)
        why = "text has at most 1600 characters";
    return why ? m->host->set_error(m->host, VOICEGW_EINVALID, why) : VOICEGW_OK;
}

static void on_sent(struct twilio_rest *r, const struct twilio_answer *a)
{
    struct twilio *m = r->m;
    char json[TWILIO_SID_CAP + 40], sid[TWILIO_SID_CAP] = "", status[32] = "";
    (void)voicegw_json_get_string(a->json, "sid", sid, sizeof sid);
    if (!form_sid_valid(sid, strlen(sid)))
        sid[0] = '\0';
    (void)snprintf(json, sizeof json, "{\"provider_message_id\":\"%s\"}", sid);
    twilio_complete(m, r->op, a->status, a->sentence, a->status == VOICEGW_OK ? json : NULL);
    if (a->status != VOICEGW_OK || !m->sms)
        return;
    (void)voicegw_json_get_string(a->json, "status", status, sizeof status);
    uint32_t state = twilio_sms_of(status);
    (void)m->sms->on_sms(m->host, r->call, sid, state ? state : VOICEGW_SMS_ACCEPTED, NULL);
}

static void put_media(struct voicegw_text *form, const char *media_json)
{
    char url[TWILIO_URL_CAP];
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_of(media_json));
    while (media_json && voicegw_json_next(&it))
        if (voicegw_json_string(it.value, url, sizeof url) > 0)
            voicegw_form_add(form, "MediaUrl", url);
}

static int32_t sms_send(void *instance, uint64_t op, uint64_t message, const struct voicegw_sms *sms)
{
    struct twilio *m = instance;
    char url[TWILIO_URL_CAP / 2], callback[TWILIO_URL_CAP];
    const struct twilio_settings *s = m->settings;
    int32_t rc = sms_validate(m, sms);
    if (rc != VOICEGW_OK)
        return rc;
    const char *from = sms->from && *sms->from ? sms->from : s->from;
    if (!*from && !*s->messaging_service)
        return m->host->set_error(m->host, VOICEGW_EINVALID,
                                  "from is missing: give a number, or set default_from or messaging_service");
    struct twilio_rest *r = twilio_rest_new(m, m->settings, "POST", on_sent);
    if (!r)
        return VOICEGW_ECONFIG;
    voicegw_text_add(&r->url_text, "Messages");
    voicegw_form_add(&r->form, "To", sms->to);
    if (*s->messaging_service && !(sms->from && *sms->from))
        voicegw_form_add(&r->form, "MessagingServiceSid", s->messaging_service);
    else
        voicegw_form_add(&r->form, "From", from);
    if (*sms->text)
        voicegw_form_add(&r->form, "Body", sms->text);
    put_media(&r->form, sms->media_json);
    if (m->route->url(m->host, "sms-status", url, sizeof url) > 0) {
        (void)snprintf(callback, sizeof callback, "%s?message=%llu", url, (unsigned long long)message);
        voicegw_form_add(&r->form, "StatusCallback", callback);
    }
    r->op = op;
    r->call = message;
    return twilio_rest_send(r);
}

const struct voicegw_provider_sms twilio_messages = {
    .size = sizeof twilio_messages, .send = sms_send, .validate = sms_validate};

void twilio_on_sms_status(struct twilio *m, const struct voicegw_request *r, const struct form *f)
{
    char number[24], sid[TWILIO_SID_CAP], status[32], cause[64], code[16];
    if (!m->sms || !twilio_query(r, "message", number, sizeof number) ||
        form_sid(f, "MessageSid", sid, sizeof sid) != VOICEGW_OK)
        return;
    (void)form_text(f, "MessageStatus", status, sizeof status);
    (void)form_text(f, "ErrorCode", code, sizeof code);
    uint32_t state = twilio_sms_of(status);
    (void)snprintf(cause, sizeof cause, code[0] ? "%s (Twilio error %s)" : "%s", status, code);
    if (state)
        (void)m->sms->on_sms(m->host, strtoull(number, NULL, 10), sid, state,
                             state == VOICEGW_SMS_FAILED ? cause : NULL);
}

void twilio_on_sms(struct twilio *m, const struct form *f)
{
    char sid[TWILIO_SID_CAP], from[TWILIO_PARTY_CAP], to[TWILIO_PARTY_CAP], text[4 * TEXT_MAX + 1];
    if (!m->sms || form_sid(f, "MessageSid", sid, sizeof sid) != VOICEGW_OK)
        return;
    (void)form_text(f, "From", from, sizeof from);
    (void)form_text(f, "To", to, sizeof to);
    (void)form_text(f, "Body", text, sizeof text);
    const struct voicegw_sms sms = {.size = sizeof sms, .to = to, .from = from, .text = text};
    (void)m->sms->on_sms_received(m->host, sid, &sms);
}
