/* inbound.c - a call that comes to one of Vapi's numbers: the host's route decides, and its variables' platform_config,
 * else the instance's own options, say which assistant talks. */
#include <stdio.h>
#include <stdlib.h>
#include "vapi.h"

#define ANSWER_MAX 131072u

struct vapi_call *vapi_incoming(struct platform *p, struct voicegw_json message, const char *id, uint32_t answered)
{
    char from[64] = "", to[64] = "";
    uint64_t handle = 0;
    static const char *const froms[] = {"customer.number", "call.customer.number", "customer.sipUri",
                                        "call.customer.sipUri"};
    static const char *const tos[] = {"phoneNumber.number", "call.phoneNumber.number", "phoneNumber.sipUri"};
    for (size_t i = 0; i < sizeof froms / sizeof froms[0] && !from[0]; i++)
        (void)voicegw_json_get_string(message, froms[i], from, sizeof from);
    for (size_t i = 0; i < sizeof tos / sizeof tos[0] && !to[0]; i++)
        (void)voicegw_json_get_string(message, tos[i], to, sizeof to);
    struct vapi_call *c = (struct vapi_call *)platform_call_new(p, to);
    if (!c) {
        (void)p->host->set_error(p->host, VOICEGW_ELIMIT, "out of memory");
        return NULL;
    }
    const struct voicegw_incoming incoming = {.size = sizeof incoming,
                                              .answered = answered ? VOICEGW_INCOMING_ANSWERED : VOICEGW_INCOMING_RINGS,
                                              .provider_call_id = id,
                                              .from = from,
                                              .to = to};
    int32_t rc = p->provider->on_incoming(p->host, &incoming, &handle);
    if (rc != VOICEGW_OK || platform_call_of(p, handle)) {
        platform_call_free(&c->base);
        return NULL;
    }
    (void)snprintf(c->base.id, sizeof c->base.id, "%s", id);
    c->inbound = 1;
    c->base.state = answered ? VOICEGW_CALL_CONNECTED : VOICEGW_CALL_RINGING;
    platform_call_enter(&c->base, handle);
    platform_call_heard(&c->base);
    return c;
}

/* Writes the answer; NULL when there is none, with a sentence in `why`. free(). */
static char *answer_of(struct platform *p, struct vapi_call *c, char *why, size_t cap, int *ret_greets)
{
    char url[PLATFORM_URL_CAP], session[160] = "", call_id[64] = "", greeting[2048] = "";
    const char *described = p->provider->call_describe(p->host, c->base.handle);
    struct voicegw_json doc = voicegw_json_of(described);
    char *out = malloc(ANSWER_MAX);
    (void)voicegw_json_get_string(doc, "session_id", session, sizeof session);
    (void)voicegw_json_get_string(doc, "call_id", call_id, sizeof call_id);
    (void)voicegw_json_get_string(doc, "greeting", greeting, sizeof greeting);
    platform_webhook_url(p, c->base.settings, url, sizeof url);
    const struct voicegw_call_params params = {
        .size = sizeof params, .to = c->base.to, .from = "", .session_id = session, .call_id = call_id};
    const struct platform_sources sources = {.params = &params,
                                             .variables = voicegw_json_member(doc, "variables"),
                                             .route = voicegw_json_member(doc, "route"),
                                             .defaults = voicegw_json_of(c->base.settings->texts[VAPI_CALL]),
                                             .webhook_url = url,
                                             .default_from = "",
                                             .record = c->base.settings->record,
                                             .own = {[VAPI_OWN_ASSISTANT] = c->base.settings->texts[VAPI_ASSISTANT_ID],
                                                     [VAPI_OWN_SECRET] = c->base.settings->texts[VAPI_SERVER_SECRET]}};
    *ret_greets = greeting[0] != '\0';
    if (out && vapi_format_inbound(&sources, greeting, out, ANSWER_MAX, why, cap) > 0)
        return out;
    free(out);
    return NULL;
}

static void refuse(struct platform *p, uint64_t request, const char *spoken)
{
    char json[600];
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "error", spoken);
    voicegw_json_put_end(&w);
    if (voicegw_json_finish(&w) > 0)
        platform_reply(p, request, 200, json);
}

/* Gives Vapi its assistant. 1, or 0 after a refusal. */
static int give(struct vapi_call *c, uint64_t request)
{
    char why[PLATFORM_SENTENCE_CAP] = "out of memory";
    struct platform *p = c->base.p;
    int greets = 0;
    char *answer = answer_of(p, c, why, sizeof why, &greets);
    if (!answer) {
        p->host->log(p->host, VOICEGW_LOG_WARNING, why, NULL);
        refuse(p, request, "Sorry, this call cannot be taken now.");
        return 0;
    }
    platform_reply(p, request, 200, answer);
    free(answer);
    c->answered = 1;
    platform_call_state(&c->base, VOICEGW_CALL_CONNECTED, 0, greets ? "{\"greeting_said\":true}" : NULL);
    return 1;
}

static void waited_enough(void *arg)
{
    struct vapi_call *c = arg;
    uint64_t request = c->answer_request;
    c->answer_timer = 0;
    c->answer_request = 0;
    c->base.p->host->count(c->base.p->host, "assistant_requests_late", 1);
    if (request)
        (void)give(c, request);
}

void vapi_on_assistant_request(struct platform *p, struct vapi_call *c, uint64_t request)
{
    if (!c || c->base.over) {
        refuse(p, request, "Sorry, all lines are busy. Please call again later.");
        return;
    }
    if (c->answered) { /* once more the same question */
        (void)give(c, request);
        return;
    }
    if (c->answer_request)
        refuse(p, c->answer_request, "The question was asked again.");
    c->answer_request = request;
    if (!c->answer_timer)
        c->answer_timer = p->host->timer_start(p->host, VOICEGW_TARGET_CONTROL, VAPI_ASSISTANT_US, waited_enough, c);
}

static uint64_t take_request(struct vapi_call *c)
{
    const struct voicegw_host *host = c->base.p->host;
    uint64_t request = c->answer_request;
    if (c->answer_timer)
        (void)host->timer_cancel(host, c->answer_timer);
    c->answer_timer = 0;
    c->answer_request = 0;
    return request;
}

int32_t vapi_answer(void *instance, uint64_t op, uint64_t call)
{
    struct platform *p = instance;
    struct vapi_call *c = (struct vapi_call *)platform_call_of(p, call);
    if (!c)
        return p->host->set_error(p->host, VOICEGW_ENOTFOUND, "no such call");
    uint64_t request = take_request(c);
    if (request && !give(c, request))
        return platform_complete_later(p, op, VOICEGW_ECONFIG, "no assistant takes calls to this number", NULL);
    return platform_complete_later(p, op, VOICEGW_OK, NULL, NULL);
}

int32_t vapi_reject(void *instance, uint64_t op, uint64_t call, const char *reason)
{
    struct platform *p = instance;
    struct vapi_call *c = (struct vapi_call *)platform_call_of(p, call);
    if (!c)
        return p->host->set_error(p->host, VOICEGW_ENOTFOUND, "no such call");
    uint64_t request = take_request(c);
    if (!request)
        return platform_end(instance, op, call);
    refuse(p, request,
           reason && strcmp(reason, "busy") == 0 ? "Sorry, all lines are busy. Please call again later."
                                                 : "Sorry, this call cannot be taken.");
    return platform_complete_later(p, op, VOICEGW_OK, NULL, NULL);
}
