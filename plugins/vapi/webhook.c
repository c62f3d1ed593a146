/* webhook.c - POST server: what Vapi tells and asks. Source: docs.vapi.ai/server-url/events. */
#include <stdio.h>
#include <stdlib.h>
#include "vapi.h"

#define TELL_MAX 32768u

/* ---- telling ---- */

/* "speech-update" is told as vapi.speech_update. */
static void tell(struct platform *p, uint64_t handle, const char *id, struct voicegw_json message, const char *word)
{
    char name[48] = "", *json = malloc(TELL_MAX);
    if (!word) {
        (void)voicegw_json_get_string(message, "type", name, sizeof name);
        for (char *c = name; *c; c++)
            *c = *c >= 'A' && *c <= 'Z'                                 ? (char)(*c + 32)
                 : (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') ? *c
                                                                        : '_';
    }
    int64_t n = json ? vapi_redact(message, json, TELL_MAX) : -1;
    if (n > 0)
        platform_tell(p, handle, id, word ? word : name, voicegw_json_ofn(json, (uint64_t)n));
    free(json);
}

/* ---- single messages ---- */

static void on_transcript(struct vapi_call *c, struct voicegw_json message)
{
    char text[8192];
    const char *role = vapi_role(message);
    if (!voicegw_json_equals(voicegw_json_member(message, "transcriptType"), "final") || !role[0] ||
        voicegw_json_get_string(message, "transcript", text, sizeof text) <= 0)
        return;
    c->spoken++;
    platform_call_line(&c->base, role, text, voicegw_json_get_int(message, "timestamp", 0) * 1000);
}

/* The department that the assistant named, else transfer_to, else the only one there is; "" when it cannot be told. */
static void find_destination(struct platform *p, struct voicegw_json message, char *out, size_t cap)
{
    struct voicegw_json departments = voicegw_json_of(p->settings->texts[VAPI_DEPARTMENTS]);
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_get(message, "functionCall.parameters"));
    char name[80];
    out[0] = '\0';
    while (voicegw_json_next(&it))
        if (voicegw_json_string(it.value, name, sizeof name) > 0 &&
            voicegw_json_string(voicegw_json_member(departments, name), out, cap) > 0)
            return;
    const char *to = p->settings->texts[VAPI_TRANSFER_TO];
    if (voicegw_json_string(voicegw_json_member(departments, to), out, cap) > 0)
        return;
    if (*to)
        (void)snprintf(out, cap, "%s", to);
    else if (voicegw_json_count(departments) == 1)
        (void)voicegw_json_string(voicegw_json_item(departments, 0), out, cap);
    else
        out[0] = '\0';
}

static void on_transfer_request(struct platform *p, struct voicegw_json message, uint64_t request)
{
    char to[300], json[700];
    find_destination(p, message, to, sizeof to);
    if (to[0] && vapi_format_destination(to, json, sizeof json) > 0)
        platform_reply(p, request, 200, json);
    else
        platform_reply(p, request, 200, "{\"error\":\"There is nobody to transfer this call to.\"}");
}

static void on_phone_control(struct vapi_call *c, struct voicegw_json message)
{
    char to[300] = "";
    struct voicegw_json wanted = voicegw_json_member(message, "request");
    if (voicegw_json_equals(wanted, "hang-up")) {
        (void)vapi_stop(c->base.p, c->base.settings, &c->base, c->base.id, 0);
    } else if (voicegw_json_equals(wanted, "forward")) {
        if (voicegw_json_get_string(message, "destination.number", to, sizeof to) <= 0)
            (void)voicegw_json_get_string(message, "destination.sipUri", to, sizeof to);
        if (to[0])
            vapi_forward(c, to);
    }
}

/* The control address stands in the call that comes with each message. */
static void learn(struct vapi_call *c, struct voicegw_json message)
{
    char url[sizeof c->control];
    if (!c->control[0] && vapi_control_url(voicegw_json_member(message, "call"), url, sizeof url))
        memcpy(c->control, url, sizeof url);
}

/* ---- calls ---- */

static struct vapi_call *call_of(struct platform *p, struct voicegw_json message, const char *id)
{
    char ours[64] = "";
    struct platform_call *c = platform_call_by_id(p, id);
    if (!c &&
        (voicegw_json_get_string(message, "call.assistantOverrides.metadata.voicegw_call_id", ours, sizeof ours) > 0 ||
         voicegw_json_get_string(message, "call.name", ours, sizeof ours) > 0))
        c = platform_call_by_call_id(p, ours);
    if (c && !c->id[0])
        platform_call_known(c, id);
    return (struct vapi_call *)c;
}

static int is_inbound(struct voicegw_json message)
{
    return voicegw_json_equals(voicegw_json_get(message, "call.type"), "inboundPhoneCall") != 0;
}

/* An incoming call whose number has its own assistant is heard of by its first message. */
static struct vapi_call *first_heard(struct platform *p, struct voicegw_json message, const char *id)
{
    struct platform_view v;
    vapi_view(message, &v);
    if (!is_inbound(message) || v.state != VOICEGW_CALL_CONNECTED)
        return NULL;
    return vapi_incoming(p, message, id, 1);
}

/* A call that is over, or none of ours: only its price is new. */
static void late(struct platform *p, struct voicegw_json message, enum vapi_message kind, const char *id)
{
    uint64_t handle = p->provider->call_find(p->host, id);
    double cost = voicegw_json_get_double(message, "cost", -1);
    char json[96];
    p->host->count(p->host, "late_webhooks", 1);
    if (kind != VAPI_REPORT)
        return;
    tell(p, 0, id, message, "late");
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_double(&w, "cost", cost);
    voicegw_json_put_string(&w, "currency", "USD");
    voicegw_json_put_end(&w);
    if (handle && cost >= 0 && voicegw_json_finish(&w) > 0)
        (void)p->provider->on_summary(p->host, handle, json);
}

static void news(struct vapi_call *c, struct voicegw_json message, enum vapi_message kind)
{
    struct platform *p = c->base.p;
    switch (kind) {
    case VAPI_STATUS:
    case VAPI_REPORT:
        vapi_apply(&c->base, message);
        break;
    case VAPI_TRANSCRIPT:
        on_transcript(c, message);
        break;
    case VAPI_TRANSFER_UPDATE:
        vapi_transfer_over(c, "completed");
        tell(p, c->base.handle, c->base.id, message, NULL);
        break;
    case VAPI_CONTROL:
        on_phone_control(c, message);
        break;
    case VAPI_HANG:
        p->host->log(p->host, VOICEGW_LOG_WARNING, "Vapi tells that an assistant does not answer its caller", NULL);
        tell(p, c->base.handle, c->base.id, message, NULL);
        break;
    case VAPI_FREQUENT:
        p->host->count(p->host, "frequent_messages", 1);
        break;
    default:
        tell(p, c->base.handle, c->base.id, message, kind == VAPI_UNKNOWN ? "unknown" : NULL);
    }
}

/* What wants an answer: 1 when it was, or will be, answered. */
static int asked(struct platform *p, struct vapi_call *c, struct voicegw_json message, enum vapi_message kind,
                 const char *id, uint64_t request)
{
    switch (kind) {
    case VAPI_ASSISTANT_REQUEST:
        vapi_on_assistant_request(p, c ? c : vapi_incoming(p, message, id, 0), request);
        return 1;
    case VAPI_TOOL_CALLS:
        tell(p, c ? c->base.handle : 0, id, message, "tool_calls");
        vapi_on_tool_calls(p, c, id, message, request);
        return 1;
    case VAPI_TRANSFER_REQUEST:
        on_transfer_request(p, message, request);
        return 1;
    case VAPI_REQUEST:
        tell(p, c ? c->base.handle : 0, id, message, NULL);
        platform_reply(p, request, 200, "{\"error\":\"This gateway does not answer that.\"}");
        return 1;
    default:
        return 0;
    }
}

static void on_server(void *instance, const struct voicegw_request *r)
{
    struct platform *p = instance;
    char id[PLATFORM_ID_CAP] = "";
    if (!vapi_is_proved(p, r)) {
        platform_refuse(p, r->id, 403,
                        "the request must carry X-Vapi-Secret (server_secret), the bearer token (bearer_token) or a "
                        "signature (hmac_secret, hmac); without these options, the token of the server's address");
        return;
    }
    struct voicegw_json body = platform_body(p, r), message = voicegw_json_member(body, "message");
    if (!body.text)
        return;
    if (voicegw_json_type(message) != VOICEGW_JSON_OBJECT) {
        platform_refuse(p, r->id, 400, "the body must have an object `message`");
        return;
    }
    enum vapi_message kind = vapi_message_of(message);
    (void)voicegw_json_get_string(message, "call.id", id, sizeof id);
    struct vapi_call *c = id[0] ? call_of(p, message, id) : NULL;
    if (!c && id[0] && kind == VAPI_STATUS && !p->provider->call_find(p->host, id))
        c = first_heard(p, message, id);
    if (c && !c->base.over) {
        platform_call_heard(&c->base);
        learn(c, message);
    }
    if (kind == VAPI_ASSISTANT_REQUEST && !id[0]) {
        platform_refuse(p, r->id, 400, "message.call.id is missing");
        return;
    }
    if (asked(p, c, message, kind, id, r->id))
        return;
    if (c && !c->base.over)
        news(c, message, kind);
    else if (id[0] && kind != VAPI_UNKNOWN)
        late(p, message, kind, id);
    else
        tell(p, 0, id, message, "unknown");
    platform_reply(p, r->id, 200, "{}");
}

int32_t vapi_routes(struct platform *p)
{
    return p->route->add_http(p->host, "POST", "server", VOICEGW_ROUTE_PUBLIC, on_server);
}

int32_t vapi_identify(void *instance, const struct voicegw_request *request, char *out, uint32_t cap)
{
    struct voicegw_json body = voicegw_json_ofn(request->body, request->body_bytes);
    (void)instance;
    return voicegw_json_get_string(body, "message.call.id", out, cap) > 0 ? VOICEGW_OK : VOICEGW_ENOTFOUND;
}
