/* actions.c - the core's own actions beside the calls': gather, assistant, tool, http_request, send_sms, and the tools of a conversation. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "gateway/gateway_private.h"

#define HTTP_TIMEOUT_US (15 * VGW_US_PER_S)

struct waiting { /* an action that waits for a command of a call, for a tool, or for an answer from outside */
    struct vgw_gateway *g;
    vgw_action_handle handle;
};

static struct waiting *waiting_new(struct vgw_gateway *g, vgw_action_handle handle)
{
    struct waiting *w;
    if (VGW_NEW(w))
        *w = (struct waiting){g, handle};
    return w;
}

static struct vgw_call *call_for(struct vgw_gateway *g, const struct vgw_json *params, const struct vgw_action_context *context,
                                 struct vgw_error *err)
{
    const char *id = vgw_json_get_string(params, "call_id", context->call_id);
    struct vgw_call *call = id && id[0] ? vgw_calls_find(g->calls, id) : NULL;
    if (!call)
        vgw_error_at(err, VGW_ENOTFOUND, "call_id", id && id[0] ? "there is no live call '%s'" : "this run has no call of its own; name one by call_id%s",
                     id ? id : "");
    return call;
}

static void command_done(void *arg, int status, const char *sentence, const struct vgw_json *result)
{
    struct waiting *w = arg;
    vgw_action_complete(w->g->actions, w->handle, status, vgw_json_copy(result), sentence);
    vgw_gateway_flow_arm(w->g);
    vgw_free(w);
}

static int run_command(struct vgw_gateway *g, enum vgw_command command, vgw_action_handle handle, const struct vgw_json *params,
                       const struct vgw_action_context *context, struct vgw_error *err)
{
    struct vgw_call *call = call_for(g, params, context, err);
    struct waiting *w;
    if (!call)
        return err->status;
    if (!(w = waiting_new(g, handle)))
        return vgw_error_nomem(err);
    int rc = vgw_calls_command(g->calls, call, command, params, true, command_done, w, err);
    if (rc < 0)
        vgw_free(w);
    return rc;
}

static int run_gather(void *arg, vgw_action_handle handle, const struct vgw_json *params, const struct vgw_action_context *context,
                      struct vgw_error *err)
{
    return run_command(arg, VGW_CMD_GATHER, handle, params, context, err);
}

static int run_assistant(void *arg, vgw_action_handle handle, const struct vgw_json *params, const struct vgw_action_context *context,
                         struct vgw_error *err)
{
    return run_command(arg, VGW_CMD_ASSISTANT, handle, params, context, err);
}

/* ---- tool ---- */

static void tool_done(void *arg, vgw_action_handle handle, int status, struct vgw_json *result, const char *error)
{
    struct waiting *w = arg;
    vgw_action_complete(w->g->actions, w->handle, status, vgw_json_copy(result), error);
    vgw_free(w);
}

static int run_tool(void *arg, vgw_action_handle handle, const struct vgw_json *params, const struct vgw_action_context *context,
                    struct vgw_error *err)
{
    struct vgw_gateway *g = arg;
    const char *name = vgw_json_get_string(params, "name", "");
    const struct vgw_action_desc *desc = vgw_action_find(g->actions, name);
    vgw_action_handle inner;
    struct waiting *w;
    if (!desc || !(desc->flags & VGW_ACTION_TOOL))
        return vgw_error_at(err, VGW_ENOTFOUND, "name", "there is no tool '%s'", name);
    if (!(w = waiting_new(g, handle)))
        return vgw_error_nomem(err);
    struct vgw_session *s = context->session_id ? vgw_calls_session_find(g->calls, context->session_id) : NULL;
    if (s)
        vgw_session_tool_used(s, name);
    int rc = vgw_action_start(g->actions, name, vgw_json_get(params, "arguments"), context, tool_done, w, &inner, err);
    if (rc < 0)
        vgw_free(w);
    return rc;
}

/* ---- http_request ---- */

static struct vgw_json *http_result(const struct vgw_client_result *r)
{
    struct vgw_json *o = vgw_json_object(), *headers = vgw_json_object(), *body = NULL;
    vgw_json_set_int(o, "status", r->http_status);
    for (size_t i = 0; i < r->header_count; i++)
        vgw_json_set_string(headers, r->headers[i].name, r->headers[i].value);
    vgw_json_set(o, "headers", headers);
    const char *type = vgw_client_header(r, "content-type");
    if (!type || !strstr(type, "json") || vgw_json_parse(r->body, r->body_len, &body, NULL) < 0)
        body = vgw_json_stringn(r->body, r->body_len);
    vgw_json_set(o, "body", body);
    return o;
}

static void http_done(void *arg, const struct vgw_client_result *r)
{
    struct waiting *w = arg;
    int status = r->status;
    const char *sentence = r->sentence;
    if (status == 0 && r->http_status >= 400) {
        status = r->http_status == 429 ? VGW_ERATELIMIT : VGW_EPROVIDER;
        sentence = vgw_http_phrase(r->http_status);
    }
    vgw_action_complete(w->g->actions, w->handle, status, r->status == 0 ? http_result(r) : NULL, status ? sentence : NULL);
    vgw_gateway_flow_arm(w->g);
    vgw_free(w);
}

static int run_http(void *arg, vgw_action_handle handle, const struct vgw_json *params, const struct vgw_action_context *context,
                    struct vgw_error *err)
{
    struct vgw_gateway *g = arg;
    const struct vgw_json *body = vgw_json_get(params, "body"), *headers = vgw_json_get(params, "headers");
    char *text = vgw_json_type(body) == VGW_JSON_NULL ? NULL : vgw_json_str(body) ? vgw_strdup(vgw_json_str(body)) : vgw_json_text(body, false);
    char *lines[34] = {NULL};
    size_t n = 0;
    const char *key;
    struct vgw_json *value;
    struct waiting *w = waiting_new(g, handle);
    int64_t timeout_us = HTTP_TIMEOUT_US;
    if (vgw_json_str(vgw_json_get(params, "timeout")))
        vgw_parse_duration_us(vgw_json_str(vgw_json_get(params, "timeout")), &timeout_us);
    else if (vgw_json_has(params, "timeout"))
        timeout_us = (int64_t)(vgw_json_get_double(params, "timeout", 15) * (double)VGW_US_PER_S);
    if (body && !vgw_json_str(body) && !vgw_json_has(headers, "Content-Type"))
        lines[n++] = vgw_strdup("Content-Type: application/json");
    for (size_t at = 0; n < 32 && vgw_json_object_next(headers, &at, &key, &value);) {
        struct vgw_buf b = {0};
        vgw_buf_printf(&b, "%s: %s", key, vgw_json_str(value) ? vgw_json_str(value) : "");
        lines[n++] = vgw_buf_take(&b);
    }
    struct vgw_client_request r = {.method = vgw_json_get_string(params, "method", text ? "POST" : "GET"),
                                   .url = vgw_json_get_string(params, "url", ""),
                                   .headers = (const char *const *)lines,
                                   .body = text,
                                   .body_len = text ? strlen(text) : 0,
                                   .timeout_us = timeout_us,
                                   .follow = true,
                                   .on_done = http_done,
                                   .arg = w};
    struct vgw_client *client = g->control->client;
    int rc = w ? 0 : vgw_error_nomem(err);
    if (rc == 0 && !client && (rc = vgw_client_new(g->loop, g->pool, g->policy, NULL, &g->control->client, err)) == 0)
        client = g->control->client;
    if (rc == 0)
        rc = vgw_client_send(client, &r, NULL, err);
    for (size_t i = 0; i < n; i++)
        vgw_free(lines[i]);
    vgw_free(text);
    if (rc < 0)
        vgw_free(w);
    return rc;
}

/* ---- send_sms ---- */

static int run_sms(void *arg, vgw_action_handle handle, const struct vgw_json *params, const struct vgw_action_context *context,
                   struct vgw_error *err)
{
    return vgw_error_set(err, VGW_EUNSUPPORTED, "no configured provider can send text messages");
}

/* ---- what a conversation may call ---- */

static int run_end(void *arg, vgw_action_handle handle, const struct vgw_json *params, const struct vgw_action_context *context,
                   struct vgw_error *err)
{
    return run_command(arg, VGW_CMD_END, handle, params, context, err);
}

#define P(n, t, r, d) {.name = n, .type = t, .required = r, .templated = true, .description = d}
static const struct vgw_action_param gather_params[] = {
    P("call_id", VGW_PARAM_STRING, false, "the call; the run's own unless given"),
    P("prompt", VGW_PARAM_STRING, false, "what is said first"),
    P("input", VGW_PARAM_STRING, false, "speech, dtmf, or both (\"speech dtmf\")"),
    P("num_digits", VGW_PARAM_INT, false, "enough digits"),
    P("finish_on", VGW_PARAM_STRING, false, "the digit that ends the input; # unless given"),
    P("timeout", VGW_PARAM_DURATION, false, "silence after which nothing was said; 5s unless given"),
    P("phrases", VGW_PARAM_ARRAY, false, "what the recognizer should expect"),
    P("interruptible", VGW_PARAM_BOOL, false, "whether the prompt may be cut"),
};
static const struct vgw_action_param assistant_params[] = {
    P("call_id", VGW_PARAM_STRING, false, "the call; the run's own unless given"),
    P("name", VGW_PARAM_STRING, true, "the assistant"),
    P("agent", VGW_PARAM_STRING, false, "the agent within it"),
    P("until", VGW_PARAM_STRING, false, "what ends it: end (the assistant says so) unless given"),
};
static const struct vgw_action_param tool_params[] = {
    P("name", VGW_PARAM_STRING, true, "the tool"),
    P("arguments", VGW_PARAM_OBJECT, false, "its arguments"),
};
static const struct vgw_action_param http_params[] = {
    P("url", VGW_PARAM_STRING, true, "where to; private addresses only where outbound_urls.allow lists them"),
    P("method", VGW_PARAM_STRING, false, "GET, or POST when there is a body"),
    P("headers", VGW_PARAM_OBJECT, false, "names and values"),
    P("body", VGW_PARAM_ANY, false, "text, or a value that is sent as JSON"),
    P("timeout", VGW_PARAM_DURATION, false, "for the whole request; 15s unless given"),
};
static const struct vgw_action_param sms_params[] = {
    P("to", VGW_PARAM_STRING, true, "the number"),
    P("message", VGW_PARAM_STRING, true, "the text"),
};
static const struct vgw_action_param end_params[] = {
    P("call_id", VGW_PARAM_STRING, false, "the call; the conversation's own unless given"),
};

int vgw_gateway_actions_register(struct vgw_gateway *g, struct vgw_error *err)
{
    const struct vgw_action_desc all[] = {
        {.name = "gather", .description = "Asks the caller for digits or speech", .result = "input digits text confidence",
         .params = gather_params, .param_count = sizeof gather_params / sizeof gather_params[0], .flags = VGW_ACTION_STEP, .run = run_gather, .arg = g},
        {.name = "assistant", .description = "Lets an assistant talk with the caller", .result = "action params", .params = assistant_params,
         .param_count = sizeof assistant_params / sizeof assistant_params[0], .flags = VGW_ACTION_STEP, .run = run_assistant, .arg = g},
        {.name = "tool", .description = "Calls a voice tool", .result = "what the tool says", .params = tool_params,
         .param_count = sizeof tool_params / sizeof tool_params[0], .flags = VGW_ACTION_STEP, .run = run_tool, .arg = g},
        {.name = "http_request", .description = "Sends an HTTP request", .result = "status headers body", .params = http_params,
         .param_count = sizeof http_params / sizeof http_params[0], .flags = VGW_ACTION_STEP, .default_timeout_us = 30 * VGW_US_PER_S,
         .run = run_http, .arg = g},
        {.name = "send_sms", .description = "Sends a text message", .result = "status", .params = sms_params,
         .param_count = sizeof sms_params / sizeof sms_params[0], .flags = VGW_ACTION_STEP | VGW_ACTION_TOOL, .run = run_sms, .arg = g},
        {.name = "end_call", .description = "Ends the call politely", .result = "state", .params = end_params,
         .param_count = sizeof end_params / sizeof end_params[0], .flags = VGW_ACTION_TOOL | VGW_ACTION_ENDS_CALL, .run = run_end, .arg = g},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        int rc = vgw_action_register(g->actions, &all[i], err);
        if (rc < 0)
            return rc;
    }
    return 0;
}
