/* upgrade.c - proofs that requests carry, and the upgrade to a media stream. All on [control]. */
#include <stdlib.h>
#include <string.h>
#include "signature.h"
#include "twilio.h"

int twilio_signed(struct twilio *m, const struct twilio_settings *older, const struct voicegw_request *r,
                  const struct form *form, int upgrade)
{
    char header[64], url[SIGNATURE_URL_MAX];
    struct voicegw_json headers = voicegw_json_of(r->headers_json);
    if (voicegw_json_string(voicegw_json_member(headers, "x-twilio-signature"), header, sizeof header) <= 0)
        return 0;
    if (signature_scheme(r->public_url, upgrade, url, sizeof url) == 0)
        return 0;
    struct signature s = {.url = url,
                          .form = form,
                          .body = form ? NULL : r->body,
                          .body_bytes = form || upgrade ? 0 : (size_t)r->body_bytes,
                          .header = header,
                          .tokens = {m->settings->token, m->settings->token2},
                          .host = m->host,
                          .crypto = m->crypto};
    if (signature_valid(&s))
        return 1;
    /* What began with another account is signed by that one. Another token of the same account replaced the old. */
    if (!older || strcmp(older->vendor.account_id, m->settings->vendor.account_id) == 0)
        return 0;
    s.tokens[0] = older->token;
    s.tokens[1] = older->token2;
    return signature_valid(&s);
}

int twilio_query(const struct voicegw_request *r, const char *name, char *out, size_t cap)
{
    struct form f;
    const char *why;
    out[0] = '\0';
    if (form_parse(r->query, strlen(r->query), &f, &why) == VOICEGW_OK)
        (void)form_text(&f, name, out, cap);
    form_done(&f);
    return out[0] != '\0';
}

int32_t twilio_upgrade(void *instance, const struct voicegw_request *r, uint64_t *ret_leg)
{
    struct twilio *m = instance;
    if (!r->rest[0]) { /* its start frame names the call */
        m->route->tag(m->host, twilio_signed(m, NULL, r, NULL, 1) ? 1 : 0);
        *ret_leg = 0;
        return VOICEGW_OK;
    }
    struct twilio_call *c = twilio_call_by_session(m, r->rest);
    if (!c && strncmp(r->rest, "twilio-", 7) == 0)
        c = twilio_call_by_sid(m, r->rest + 7);
    if (!c || c->over)
        return m->host->set_error(m->host, VOICEGW_ENOTFOUND, "no such session");
    int is_signed = twilio_signed(m, c->settings, r, NULL, 1);
    if (!is_signed && (c->auth == AUTH_SIGNATURE || c->auth == AUTH_BOTH)) {
        m->host->count(m->host, "streams_refused", 1);
        return m->host->set_error(m->host, VOICEGW_EAUTH, "the upgrade must carry a valid X-Twilio-Signature");
    }
    (void)pthread_mutex_lock(&m->lock);
    int taken = c->proven && !c->detour;
    (void)pthread_mutex_unlock(&m->lock);
    if (taken)
        return m->host->set_error(m->host, VOICEGW_EBUSY, "the session has its stream already");
    uint64_t leg = m->provider->call_leg(m->host, c->handle);
    if (leg == 0)
        return m->host->set_error(m->host, VOICEGW_ENOTFOUND, "the call is over, or has no audio here");
    m->route->tag(m->host, is_signed ? 1 : 0);
    *ret_leg = leg;
    return VOICEGW_OK;
}

int32_t twilio_identify(void *instance, const struct voicegw_request *r, char *out, uint32_t cap)
{
    const char *id = r->rest ? r->rest : "";
    (void)instance;
    if (r->form_json) {
        struct voicegw_json list = voicegw_json_member(voicegw_json_of(r->form_json), "CallSid");
        return voicegw_json_string(voicegw_json_item(list, 0), out, cap) > 0 ? VOICEGW_OK : VOICEGW_ENOTFOUND;
    }
    if (strncmp(id, "twilio-", 7) == 0)
        id += 7;
    size_t n = strlen(id);
    if (n == 0 || n >= cap)
        return VOICEGW_ENOTFOUND;
    memcpy(out, id, n + 1);
    return VOICEGW_OK;
}
