/* api.c - Bland's requests about a call that is up. Placing and asking are the platform's own (wire.c has their
 * paths). Source: docs.bland.ai/api-v1/post/calls-id-stop, post/calls-active-transfer. */
#include "bland.h"

int32_t bland_stop(struct platform *p, struct platform_settings *s, struct platform_call *c, const char *id,
                   uint64_t op)
{
    struct platform_rest *r = platform_rest_new(p, s, "POST", platform_stopped);
    if (!r)
        return VOICEGW_ECONFIG;
    voicegw_text_add(&r->url_text, "/v1/calls/");
    voicegw_text_add_escaped(&r->url_text, id);
    voicegw_text_add(&r->url_text, "/stop");
    r->repeatable = 1;
    r->op = op;
    r->call = c ? c->handle : 0;
    platform_rest_body(r, "{}", 2);
    return platform_rest_send(r);
}

static void on_transferred(struct platform_rest *r, const struct platform_answer *a)
{
    struct platform_call *c = platform_call_of(r->p, r->call);
    if (a->status == VOICEGW_OK && c)
        platform_call_ask_in(c, c->settings->poll_us / 4);
    platform_complete(r->p, r->op, a->status, a->sentence,
                      a->status == VOICEGW_OK ? "{\"outcome\":\"completed\"}" : NULL);
}

int32_t bland_transfer(void *instance, uint64_t op, uint64_t call, uint32_t kind, const char *to,
                       const char *params_json)
{
    char json[PLATFORM_ID_CAP + 128];
    struct platform *p = instance;
    int32_t rc = VOICEGW_OK;
    (void)params_json;
    struct platform_call *c = platform_talking(p, call, &rc);
    if (!c)
        return rc;
    if (kind != VOICEGW_TRANSFER_BLIND)
        return platform_unsupported(p, "Bland transfers blindly only; kind must be blind");
    if (!to || !fields_is_phone(to))
        return p->host->set_error(p->host, VOICEGW_EINVALID, "to must be a number in E.164, as +15551234567");
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "call_id", c->id);
    voicegw_json_put_string(&w, "transfer_number", to);
    voicegw_json_put_end(&w);
    int64_t n = voicegw_json_finish(&w);
    struct platform_rest *r = n > 0 ? platform_rest_new(p, c->settings, "POST", on_transferred) : NULL;
    if (!r)
        return VOICEGW_ECONFIG;
    voicegw_text_add(&r->url_text, "/v1/calls/active/transfer");
    r->op = op;
    r->call = call;
    platform_rest_body(r, json, (uint64_t)n);
    return platform_rest_send(r);
}
