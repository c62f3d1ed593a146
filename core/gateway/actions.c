/* actions.c - the core's own actions beside the calls': gather, assistant, tool, http_request, send_sms, and the tools
 * of a conversation. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "gateway/tools.h"
#include "voicegw/plugin.h"

#define HTTP_TIMEOUT_US (15 * VGW_US_PER_S)

enum waits_for { WAITS_COMMAND, WAITS_TOOL, WAITS_HTTP, WAITS_MESSAGE };
struct waiting { /* an action that waits for a command of a call, for a tool, or for an answer from outside */
    struct vgw_list link;
    struct vgw_gateway *g;
    vgw_action_handle handle;
    enum waits_for what;
    uint64_t inner; /* the request or the message */
    struct vgw_tool_call *tool;
};

static struct waiting *waiting_new(struct vgw_gateway *g, vgw_action_handle handle, enum waits_for what)
{
    struct waiting *w;
    if (!VGW_NEW(w))
        return NULL;
    w->g = g;
    w->handle = handle;
    w->what = what;
    vgw_list_append(&g->action_waits, &w->link);
    return w;
}

static void waiting_free(struct waiting *w)
{
    vgw_list_remove(&w->link);
    vgw_free(w);
}

static void complete(struct waiting *w, int status, struct vgw_json *result, const char *sentence)
{
    struct vgw_action_registry *actions = w->g->actions;
    vgw_action_handle handle = w->handle;
    waiting_free(w);
    vgw_action_complete(actions, handle, status, result, sentence);
}

static void command_done(void *arg, int status, const char *sentence, const struct vgw_json *result)
{
    complete(arg, status, vgw_json_copy(result), sentence);
}

void vgw_gateway_action_cancel(void *arg, vgw_action_handle handle)
{
    struct vgw_gateway *g = arg;
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &g->action_waits) {
        struct waiting *w = VGW_CONTAINER_OF(at, struct waiting, link);
        if (w->handle != handle)
            continue;
        if (w->what == WAITS_HTTP && g->control->client && vgw_client_cancel(g->control->client, w->inner) == 0)
            return; /* its end is told yet, to nobody */
        if (w->what == WAITS_COMMAND)
            vgw_calls_abandon(g->calls, command_done, w);
        else if (w->what == WAITS_TOOL && w->tool)
            vgw_gateway_tool_cancel(w->tool);
        else if (w->what == WAITS_MESSAGE)
            vgw_host_message_abandon(g->host, w->inner);
        waiting_free(w);
        return;
    }
}

struct vgw_call *vgw_gateway_action_call(struct vgw_gateway *g, const struct vgw_json *params,
                                         const struct vgw_action_context *context, struct vgw_error *err)
{
    const char *own = context ? context->call_id : NULL, *id = vgw_json_get_string(params, "call_id", own);
    struct vgw_call *call = id && id[0] ? vgw_calls_find(g->calls, id) : NULL;
    if (!call)
        vgw_error_at(err, VGW_ENOTFOUND, "call_id",
                     id && id[0] ? "there is no live call %s"
                                 : "this run has no call of its own; name one by call_id%s",
                     id ? id : "");
    return call;
}

int vgw_gateway_action_command(struct vgw_gateway *g, enum vgw_command command, vgw_action_handle handle,
                               const struct vgw_json *params, const struct vgw_action_context *context,
                               struct vgw_error *err)
{
    struct vgw_call *call = vgw_gateway_action_call(g, params, context, err);
    struct waiting *w;
    if (!call)
        return VGW_ENOTFOUND;
    struct vgw_json *sent = params ? vgw_json_copy(params) : vgw_json_object();
    if (sent && context && context->sensitive)
        vgw_json_set_bool(sent, "sensitive", true);
    if (!sent || !(w = waiting_new(g, handle, WAITS_COMMAND))) {
        vgw_json_free(sent);
        return vgw_error_nomem(err);
    }
    int rc = vgw_calls_command(g->calls, call, command, sent, true, command_done, w, err);
    vgw_json_free(sent);
    if (rc < 0)
        waiting_free(w);
    return rc;
}

/* "speech", "speech, dtmf" or a list of the two. */
static int check_input(const struct vgw_json *input, struct vgw_error *err)
{
    bool list = vgw_json_type(input) == VGW_JSON_ARRAY;
    bool known = vgw_json_str(input) || (list && vgw_json_count(input));
    for (size_t i = 0; known && list && i < vgw_json_count(input); i++)
        known = vgw_streq(vgw_json_str(vgw_json_at(input, i)), "speech") ||
                vgw_streq(vgw_json_str(vgw_json_at(input, i)), "dtmf");
    for (const char *c = vgw_json_str(input); known && c && *c; c += strspn(c, " ,")) {
        size_t n = strcspn(c, " ,");
        known = (n == 6 && strncmp(c, "speech", n) == 0) || (n == 4 && strncmp(c, "dtmf", n) == 0);
        c += n;
    }
    return known || vgw_json_type(input) == VGW_JSON_NULL
               ? 0
               : vgw_error_at(err, VGW_EINVALID, "input", "input must be speech, dtmf, or both");
}

/* The talk options of a step that are written out; a template shows at run time what it is. */
static int validate_talk(void *arg, const struct vgw_json *params, struct vgw_error *err)
{
    const struct vgw_json *talk = vgw_json_get(params, "talk");
    struct vgw_talk_options options = vgw_talk_defaults();
    char *text = talk ? vgw_json_text(talk, false) : NULL;
    int rc = text && !strstr(text, "{{") ? vgw_talk_options_apply(&options, talk, err) : 0;
    vgw_free(text);
    return rc;
}

static int validate_gather(void *arg, const struct vgw_json *params, struct vgw_error *err)
{
    const struct vgw_json *input = vgw_json_get(params, "input");
    int rc = validate_talk(arg, params, err);
    if (rc < 0)
        return rc;
    return vgw_json_str(input) && strstr(vgw_json_str(input), "{{") ? 0 : check_input(input, err);
}

static int run_gather(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                      const struct vgw_action_context *context, struct vgw_error *err)
{
    const struct vgw_json *input = vgw_json_get(params, "input");
    int rc = check_input(input, err);
    if (rc < 0 || vgw_json_type(input) != VGW_JSON_ARRAY)
        return rc < 0 ? rc : vgw_gateway_action_command(arg, VGW_CMD_GATHER, handle, params, context, err);
    struct vgw_json *plain = vgw_json_copy(params);
    if (!plain ||
        vgw_json_set_string(plain, "input",
                            vgw_json_count(input) > 1 ? "speech dtmf" : vgw_json_str(vgw_json_at(input, 0))) < 0)
        rc = vgw_error_nomem(err);
    else
        rc = vgw_gateway_action_command(arg, VGW_CMD_GATHER, handle, plain, context, err);
    vgw_json_free(plain);
    return rc;
}

static int run_assistant(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                         const struct vgw_action_context *context, struct vgw_error *err)
{
    return vgw_gateway_action_command(arg, VGW_CMD_ASSISTANT, handle, params, context, err);
}

/* ---- tool ---- */

static void tool_done(void *arg, int status, const struct vgw_json *result, const char *sentence)
{
    complete(arg, status, vgw_json_copy(result), sentence);
}

static int run_tool(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                    const struct vgw_action_context *context, struct vgw_error *err)
{
    struct vgw_gateway *g = arg;
    const char *name = vgw_json_get_string(params, "name", "");
    struct waiting *w;
    if (!vgw_gateway_tool_known(g, name)) {
        const char *near = vgw_action_nearest(g->actions, name);
        return vgw_error_at(err, VGW_ENOTFOUND, "name", "there is no tool '%s'%s%s%s", name,
                            near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    if (!(w = waiting_new(g, handle, WAITS_TOOL)))
        return vgw_error_nomem(err);
    const char *call_id = context ? context->call_id : NULL;
    struct vgw_call *call = call_id ? vgw_calls_find(g->calls, call_id) : NULL;
    struct vgw_tool_request r = {.name = name,
                                 .arguments = vgw_json_get(params, "arguments"),
                                 .call = call,
                                 .session = context && context->session_id && !call
                                                ? vgw_calls_session_find(g->calls, context->session_id)
                                                : NULL,
                                 .context = context,
                                 .done = tool_done,
                                 .arg = w};
    struct vgw_tool_call *t = NULL;
    vgw_gateway_tool_start(g, &r, &t);
    if (t) /* else it is done already, and w is gone */
        w->tool = t;
    return 0;
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
    int status = r->status;
    struct vgw_error err = {0};
    vgw_strcopy(err.text, sizeof err.text, r->sentence ? r->sentence : "");
    if (status == 0 && r->http_status >= 400) {
        status = r->http_status == 429                           ? VGW_ERATELIMIT
                 : r->http_status < 500 && r->http_status != 408 ? VGW_EINVALID
                                                                 : VGW_EPROVIDER;
        vgw_error_set(&err, status, "the answer was %d %s", r->http_status, vgw_http_phrase(r->http_status));
    }
    complete(arg, status, r->status == 0 ? http_result(r) : NULL, status ? err.text : NULL);
}

static void add_line(char **lines, size_t *count, const char *name, const struct vgw_json *value)
{
    struct vgw_buf b = {0};
    char *text = vgw_json_str(value) ? NULL : vgw_json_text(value, false);
    vgw_buf_printf(&b, "%s: %s", name, text ? text : vgw_json_str(value));
    if ((lines[*count] = vgw_buf_take(&b)))
        (*count)++;
    vgw_free(text);
}

static void read_headers(const struct vgw_json *params, char *lines[34], size_t *count)
{
    const struct vgw_json *body = vgw_json_get(params, "body"), *headers = vgw_json_get(params, "headers");
    bool typed = false;
    const char *key;
    struct vgw_json *value;
    for (size_t at = 0; *count < 32 && headers && vgw_json_object_next(headers, &at, &key, &value);) {
        typed = typed || vgw_strieq(key, "content-type");
        add_line(lines, count, key, value);
    }
    if (vgw_json_type(body) == VGW_JSON_NULL || typed)
        return;
    struct vgw_json *type = vgw_json_string(vgw_json_str(body) ? "text/plain; charset=utf-8" : "application/json");
    add_line(lines, count, "Content-Type", type);
    vgw_json_free(type);
}

static int64_t http_timeout_us(const struct vgw_json *params)
{
    const struct vgw_json *v = vgw_json_get(params, "timeout");
    int64_t us = HTTP_TIMEOUT_US;
    if (vgw_json_str(v))
        vgw_parse_duration_us(vgw_json_str(v), &us);
    else if (v)
        us = (int64_t)(vgw_json_as_double(v, 15) * (double)VGW_US_PER_S);
    return us > 0 ? us : HTTP_TIMEOUT_US;
}

static int run_http(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                    const struct vgw_action_context *context, struct vgw_error *err)
{
    struct vgw_gateway *g = arg;
    const struct vgw_json *body = vgw_json_get(params, "body");
    char *text = vgw_json_type(body) == VGW_JSON_NULL ? NULL
                 : vgw_json_str(body)                 ? vgw_strdup(vgw_json_str(body))
                                                      : vgw_json_text(body, false);
    char *lines[34] = {NULL};
    size_t n = 0;
    struct vgw_client *client = vgw_gateway_client_of(g, g->loop);
    struct waiting *w = waiting_new(g, handle, WAITS_HTTP);
    read_headers(params, lines, &n);
    struct vgw_client_request r = {.method = vgw_json_get_string(params, "method", text ? "POST" : "GET"),
                                   .url = vgw_json_get_string(params, "url", ""),
                                   .headers = (const char *const *)lines,
                                   .body = text,
                                   .body_len = text ? strlen(text) : 0,
                                   .timeout_us = http_timeout_us(params),
                                   .trusted = context && context->url_is_constant,
                                   .follow = true,
                                   .on_done = http_done,
                                   .arg = w};
    int rc = w && client ? vgw_client_send(client, &r, &w->inner, err) : vgw_error_nomem(err);
    for (size_t i = 0; i < n; i++)
        vgw_free(lines[i]);
    vgw_free(text);
    if (rc < 0 && w)
        waiting_free(w);
    return rc;
}

/* ---- send_sms ---- */

static void message_done(void *arg, int status, const char *sentence, const struct vgw_json *result)
{
    complete(arg, status, vgw_json_copy(result), sentence);
}

/* The named provider; else the default one if it can send messages, else the first that can. A new reference, or NULL.
 */
static struct vgw_instance *messenger(struct vgw_gateway *g, const char *name)
{
    if (name && name[0])
        return vgw_registry_acquire(g->registry, "providers", name);
    const struct vgw_recipe *r = vgw_plan_recipe(g->plan, "providers", g->plan->default_provider);
    if (r && (r->caps & VOICEGW_CAP_SMS))
        return vgw_registry_acquire(g->registry, "providers", r->name);
    for (size_t i = 0; i < g->plan->recipe_count; i++) {
        r = g->plan->recipes[i];
        if (vgw_streq(r->section, "providers") && (r->caps & VOICEGW_CAP_SMS))
            return vgw_registry_acquire(g->registry, "providers", r->name);
    }
    return NULL;
}

int vgw_gateway_action_sms(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                           const struct vgw_action_context *context, struct vgw_error *err)
{
    struct vgw_gateway *g = arg;
    const char *provider = vgw_json_get_string(params, "provider", NULL);
    struct vgw_instance *instance = messenger(g, provider);
    if (!instance)
        return provider && provider[0]
                   ? vgw_error_at(err, VGW_EINVALID, "provider", "there is no provider '%s'; name one of `providers:`",
                                  provider)
                   : vgw_error_set(err, VGW_EUNSUPPORTED, "no configured provider can send text messages");
    const struct vgw_recipe *r = vgw_gateway_recipe_of(g, instance);
    const char *from = vgw_json_get_string(params, "from", NULL);
    if (!from && r && r->options && vgw_option_find(vgw_options_table(r->options), "default_from"))
        from = vgw_options_string(r->options, "default_from");
    struct vgw_host_message what = {
        .to = vgw_json_get_string(params, "to", ""), .from = from, .text = vgw_json_get_string(params, "message", "")};
    struct waiting *w = waiting_new(g, handle, WAITS_MESSAGE);
    int rc =
        w ? vgw_host_message_send(g->host, instance, &what, message_done, w, &w->inner, err) : vgw_error_nomem(err);
    if (rc < 0 && w)
        waiting_free(w);
    vgw_registry_release(g->registry, instance);
    return rc;
}

/* ---- what a conversation may call ---- */

static int run_end(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                   const struct vgw_action_context *context, struct vgw_error *err)
{
    return vgw_gateway_action_command(arg, VGW_CMD_END, handle, params, context, err);
}

#define P(n, t, r, d)                                                                                                  \
    {                                                                                                                  \
        .name = n, .type = t, .required = r, .templated = true, .description = d                                       \
    }
static const struct vgw_action_param gather_params[] = {
    P("call_id", VGW_PARAM_STRING, false, "the call; the run's own unless given"),
    P("prompt", VGW_PARAM_STRING, false, "what is said first"),
    P("input", VGW_PARAM_ANY, false, "speech, dtmf, or both, as a list or as one text; both unless given"),
    P("num_digits", VGW_PARAM_INT, false, "enough digits"),
    P("finish_on", VGW_PARAM_STRING, false, "the digit that ends the input; # unless given"),
    P("timeout", VGW_PARAM_DURATION, false, "silence after which nothing was said; 5s unless given"),
    P("phrases", VGW_PARAM_ARRAY, false, "what the recognizer should expect"),
    P("voice", VGW_PARAM_STRING, false, "the engine's name of the prompt's voice"),
    P("language", VGW_PARAM_STRING, false, "of the prompt, such as en-US"),
    P("interruptible", VGW_PARAM_BOOL, false, "whether the prompt may be cut"),
    P("talk", VGW_PARAM_OBJECT, false, "talk options of this step; with them it asks again as they say"),
};
static const struct vgw_action_param assistant_params[] = {
    P("call_id", VGW_PARAM_STRING, false, "the call; the run's own unless given"),
    P("name", VGW_PARAM_STRING, false, "the assistant; or give an agent"),
    P("agent", VGW_PARAM_STRING, false, "the agent, of `agents:`"),
    P("until", VGW_PARAM_STRING, false, "what ends it: end (the assistant says so) unless given"),
    P("talk", VGW_PARAM_OBJECT, false, "talk options for as long as the step lasts"),
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
    P("from", VGW_PARAM_STRING, false, "the number that is shown; the provider's default_from unless given"),
    P("provider", VGW_PARAM_STRING, false, "who sends it; the default provider, if it can, unless given"),
};
static const struct vgw_action_param end_params[] = {
    P("call_id", VGW_PARAM_STRING, false, "the call; the conversation's own unless given"),
};

int vgw_gateway_actions_register(struct vgw_gateway *g, struct vgw_error *err)
{
    const struct vgw_action_desc all[] = {
        {.name = "gather",
         .description = "Asks the caller for digits or speech",
         .result = "input digits text confidence",
         .params = gather_params,
         .param_count = sizeof gather_params / sizeof gather_params[0],
         .flags = VGW_ACTION_STEP,
         .run = run_gather,
         .cancel = vgw_gateway_action_cancel,
         .validate = validate_gather,
         .arg = g},
        {.name = "assistant",
         .description = "Lets an assistant talk with the caller",
         .result = "action params",
         .params = assistant_params,
         .param_count = sizeof assistant_params / sizeof assistant_params[0],
         .flags = VGW_ACTION_STEP,
         .run = run_assistant,
         .cancel = vgw_gateway_action_cancel,
         .validate = validate_talk,
         .arg = g},
        {.name = "tool",
         .description = "Calls a voice tool",
         .result = "what the tool says",
         .params = tool_params,
         .param_count = sizeof tool_params / sizeof tool_params[0],
         .flags = VGW_ACTION_STEP,
         .run = run_tool,
         .cancel = vgw_gateway_action_cancel,
         .arg = g},
        {.name = "http_request",
         .description = "Sends an HTTP request",
         .result = "status headers body",
         .params = http_params,
         .param_count = sizeof http_params / sizeof http_params[0],
         .flags = VGW_ACTION_STEP,
         .run = run_http,
         .cancel = vgw_gateway_action_cancel,
         .arg = g},
        {.name = "send_sms",
         .description = "Sends a text message",
         .result = "message_id provider_message_id status",
         .params = sms_params,
         .param_count = sizeof sms_params / sizeof sms_params[0],
         .flags = VGW_ACTION_STEP | VGW_ACTION_TOOL | VGW_ACTION_LISTED,
         .run = vgw_gateway_action_sms,
         .cancel = vgw_gateway_action_cancel,
         .arg = g},
        {.name = "end_call",
         .description = "Ends the call politely",
         .result = "state",
         .params = end_params,
         .param_count = sizeof end_params / sizeof end_params[0],
         .flags = VGW_ACTION_TOOL | VGW_ACTION_ENDS_CALL,
         .run = run_end,
         .cancel = vgw_gateway_action_cancel,
         .arg = g},
    };
    vgw_list_init(&g->action_waits);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        int rc = vgw_action_register(g->actions, &all[i], err);
        if (rc < 0)
            return rc;
    }
    return vgw_gateway_voice_tools_register(g, err);
}

void vgw_gateway_actions_close(struct vgw_gateway *g)
{
    struct vgw_list *at, *next;
    if (g->host)
        vgw_host_messages_end(g->host);
    VGW_LIST_EACH (at, next, &g->action_waits) {
        struct waiting *w = VGW_CONTAINER_OF(at, struct waiting, link);
        if (w->what == WAITS_HTTP)
            continue; /* its client tells its end */
        if (w->what == WAITS_COMMAND && g->calls)
            vgw_calls_abandon(g->calls, command_done, w);
        waiting_free(w);
    }
}
