/* api.c - Vapi's requests about a call that is up, to its control address. Source: docs.vapi.ai/calls/call-features. */
#include <stdio.h>
#include "vapi.h"

/* To the control address: any 2xx is a success, a 4xx says that the call is gone. The private key is not shown there.
 */
static int32_t control(struct vapi_call *c, const char *json, uint64_t op, uint32_t what, platform_done done)
{
    struct platform *p = c->base.p;
    struct platform_rest *r = platform_rest_new(p, c->base.settings, "POST", done);
    if (!r)
        return VOICEGW_ECONFIG;
    r->url_text = voicegw_text_of(r->url, sizeof r->url);
    voicegw_text_add(&r->url_text, c->control);
    r->foreign = 1;
    r->bearer = c->base.settings->texts[VAPI_PUBLIC_KEY];
    r->op = op;
    r->call = c->base.handle;
    r->what = what;
    platform_rest_body(r, json, strlen(json));
    return platform_rest_send(r);
}

static void on_control(struct platform_rest *r, const struct platform_answer *a)
{
    platform_complete(r->p, r->op, a->status,
                      a->status == VOICEGW_ENOTFOUND ? "Vapi says that the call is over" : a->sentence, NULL);
}

static struct vapi_call *steered(struct platform *p, uint64_t call, int32_t *ret_status)
{
    struct vapi_call *c = (struct vapi_call *)platform_talking(p, call, ret_status);
    if (c && !c->control[0]) {
        platform_call_ask_in(&c->base, 0);
        *ret_status = p->host->set_error(p->host, VOICEGW_EBUSY,
                                         "Vapi has not told the call's control address yet, or the assistant's "
                                         "monitorPlan has it switched off");
        return NULL;
    }
    return c;
}

/* ---- ending ---- */

static const char end_call[] = "{\"type\":\"end-call\"}";

/* The control address was not known: now it may be. DELETE would erase the call, and not end it. */
static void on_looked_up(struct platform_rest *r, const struct platform_answer *a)
{
    char url[PLATFORM_URL_CAP / 2];
    struct platform *p = r->p;
    struct platform_view v = {.state = 0};
    if (a->status == VOICEGW_OK)
        vapi_view(a->json, &v);
    if (a->status != VOICEGW_OK || v.state >= VOICEGW_CALL_ENDED || !vapi_control_url(a->json, url, sizeof url)) {
        struct platform_answer told = *a;
        if (a->status == VOICEGW_OK && v.state < VOICEGW_CALL_ENDED) {
            told.status = VOICEGW_EUNSUPPORTED;
            told.sentence = "Vapi gives no control address for this call, so it cannot be ended from outside; look at "
                            "the assistant's monitorPlan";
        }
        platform_stopped(r, &told);
        return;
    }
    struct platform_rest *next = platform_rest_new(p, r->settings, "POST", platform_stopped);
    if (!next) {
        platform_complete(p, r->op, VOICEGW_ELIMIT, "out of memory", NULL);
        return;
    }
    next->url_text = voicegw_text_of(next->url, sizeof next->url);
    voicegw_text_add(&next->url_text, url);
    next->foreign = 1;
    next->bearer = r->settings->texts[VAPI_PUBLIC_KEY];
    next->op = r->op;
    next->call = r->call;
    platform_rest_body(next, end_call, sizeof end_call - 1);
    if (platform_rest_send(next) != VOICEGW_OK)
        platform_complete(p, r->op, VOICEGW_ENETWORK, "the control address cannot be asked", NULL);
}

int32_t vapi_stop(struct platform *p, struct platform_settings *s, struct platform_call *call, const char *id,
                  uint64_t op)
{
    struct vapi_call *c = (struct vapi_call *)call;
    if (c && c->control[0])
        return control(c, end_call, op, 0, platform_stopped);
    struct platform_rest *r = platform_rest_new(p, s, "GET", on_looked_up);
    if (!r)
        return VOICEGW_ECONFIG;
    vapi_path(&r->url_text, PLATFORM_CALL, id, 0);
    r->op = op;
    r->call = call ? call->handle : 0;
    return platform_rest_send(r);
}

/* ---- saying, muting, transferring ---- */

int32_t vapi_say(void *instance, uint64_t op, uint64_t call, const char *text, const char *voice, const char *language)
{
    char json[24576];
    struct platform *p = instance;
    int32_t rc = VOICEGW_OK;
    (void)voice, (void)language; /* the assistant's own */
    struct vapi_call *c = steered(p, call, &rc);
    if (!c)
        return rc;
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "type", "say");
    voicegw_json_put_string(&w, "content", text);
    voicegw_json_put_bool(&w, "endCallAfterSpoken", 0);
    voicegw_json_put_end(&w);
    if (!text || !*text || voicegw_json_finish(&w) < 0)
        return p->host->set_error(p->host, VOICEGW_EINVALID, "text must be 1 to 20000 bytes");
    return control(c, json, op, 0, on_control);
}

int32_t vapi_mute(void *instance, uint64_t op, uint64_t call, uint32_t on)
{
    int32_t rc = VOICEGW_OK;
    struct vapi_call *c = steered(instance, call, &rc);
    if (!c)
        return rc;
    return control(c,
                   on ? "{\"type\":\"control\",\"control\":\"mute-customer\"}"
                      : "{\"type\":\"control\",\"control\":\"unmute-customer\"}",
                   op, 0, on_control);
}

static void on_transferred(struct platform_rest *r, const struct platform_answer *a)
{
    struct vapi_call *c = (struct vapi_call *)platform_call_of(r->p, r->call);
    if (a->status == VOICEGW_OK)
        return; /* status-update or transfer-update tells how it went */
    if (c && c->transfer_op == r->op)
        c->transfer_op = 0;
    on_control(r, a);
}

static int32_t transfer(struct vapi_call *c, const char *to, uint64_t op, platform_done done)
{
    char json[1024], destination[600];
    int64_t n = vapi_format_destination(to, destination, sizeof destination);
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "type", "transfer");
    voicegw_json_put_json(&w, "destination",
                          voicegw_json_member(voicegw_json_ofn(destination, n > 0 ? (uint64_t)n : 0), "destination"));
    voicegw_json_put_end(&w);
    if (n < 0 || voicegw_json_finish(&w) < 0)
        return c->base.p->host->set_error(c->base.p->host, VOICEGW_EINVALID, "to is too long");
    return control(c, json, op, 0, done);
}

int32_t vapi_transfer(void *instance, uint64_t op, uint64_t call, uint32_t kind, const char *to,
                      const char *params_json)
{
    struct platform *p = instance;
    int32_t rc = VOICEGW_OK;
    (void)params_json;
    struct vapi_call *c = steered(p, call, &rc);
    if (!c)
        return rc;
    if (kind != VOICEGW_TRANSFER_BLIND)
        return platform_unsupported(p, "Vapi's calls are transferred blindly from here; give the assistant a transfer "
                                       "tool with a transferPlan for warm ones");
    if (!to || (!fields_is_phone(to) && strncmp(to, "sip:", 4) != 0 && strncmp(to, "sips:", 5) != 0))
        return p->host->set_error(p->host, VOICEGW_EINVALID,
                                  "to must be a number in E.164, as +15551234567, or a sip: address");
    if (c->transfer_op)
        return p->host->set_error(p->host, VOICEGW_EBUSY, "the call is being transferred already");
    rc = transfer(c, to, op, on_transferred);
    if (rc == VOICEGW_OK)
        c->transfer_op = op;
    return rc;
}

static void on_forwarded(struct platform_rest *r, const struct platform_answer *a)
{
    if (a->status != VOICEGW_OK)
        r->p->host->count(r->p->host, "forwards_failed", 1);
}

void vapi_forward(struct vapi_call *c, const char *to)
{
    if (c->control[0])
        (void)transfer(c, to, 0, on_forwarded);
}
