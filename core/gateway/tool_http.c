/* tool_http.c - tools that are HTTP requests: written in the configuration, filled from arguments, read by templates.
 */
#include <string.h>

#include "action/schema.h"
#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "flow/template.h"
#include "gateway/mcp.h"
#include "gateway/tools.h"

#define URL_BYTES_MAX 4096          /* with its arguments */
#define ANSWER_BYTES_MAX (1u << 20) /* body of an answer */
#define HEADERS_MAX 32
#define EXCERPT_BYTES 300 /* of an answer that is an error, for the assistant */

struct vgw_http_tool {
    unsigned refs;
    char name[65];
    char *url, *method, *description;
    char *headers[HEADERS_MAX + 2]; /* "Name: value" */
    struct vgw_json *parameters;    /* JSON Schema, or NULL: any */
    struct vgw_tree *request, *result, *variables;
    struct vgw_template *confirm;
    int64_t timeout_us;
    bool typed; /* a Content-Type is among the headers */
};

struct http_run {
    struct vgw_list link; /* of running */
    struct vgw_gateway *g;
    struct vgw_http_tool *tool;
    vgw_action_handle handle;
    uint64_t request;
    char session_id[VGW_ID_MAX];
    struct vgw_json *arguments;
};

void vgw_http_tool_unref(struct vgw_http_tool *t)
{
    if (!t || --t->refs)
        return;
    for (size_t i = 0; t->headers[i]; i++)
        vgw_free(t->headers[i]);
    vgw_free(t->url);
    vgw_free(t->method);
    vgw_free(t->description);
    vgw_json_free(t->parameters);
    vgw_tree_free(t->request);
    vgw_tree_free(t->result);
    vgw_tree_free(t->variables);
    vgw_template_free(t->confirm);
    vgw_free(t);
}

/* ---- compiling ---- */

static int compile_tree(const struct vgw_options *o, const char *key, struct vgw_tree **ret, struct vgw_error *err)
{
    struct vgw_json *v = vgw_options_json(o, key);
    struct vgw_error wrong = {0};
    int rc = v ? vgw_tree_compile(v, ret, &wrong) : 0;
    vgw_json_free(v);
    return rc < 0 ? vgw_error_at(err, VGW_ECONFIG, key, "%s: %s", key, wrong.text) : 0;
}

static int compile_url(const char *url, struct vgw_error *err)
{
    const char *host = strstr(url, "://"), *slash = host ? strpbrk(host + 3, "/?#") : NULL;
    size_t fixed = slash ? (size_t)(slash - url) : strlen(url);
    if (!vgw_starts_with(url, "http://") && !vgw_starts_with(url, "https://"))
        return vgw_error_at(err, VGW_ECONFIG, "url", "url must begin with http:// or https://");
    if (memchr(url, '{', fixed))
        return vgw_error_at(err, VGW_ECONFIG, "url", "an argument may stand in the path or query, not in the host");
    for (const char *p = url; (p = strchr(p, '{')); p++)
        if (!strchr(p, '}') || p[1] == '{' || p[1] == '}')
            return vgw_error_at(err, VGW_ECONFIG, "url", "write {name} for an argument; it is encoded by itself");
    return 0;
}

static int compile_headers(struct vgw_http_tool *t, const struct vgw_options *o, struct vgw_error *err)
{
    size_t n = vgw_options_count(o, "headers");
    if (n > HEADERS_MAX)
        return vgw_error_at(err, VGW_ECONFIG, "headers", "at most %d headers", HEADERS_MAX);
    for (size_t i = 0; i < n; i++) {
        struct vgw_buf b = {0};
        const char *name = vgw_options_item_key(o, "headers", i), *value = vgw_options_item(o, "headers", i);
        if (strpbrk(name, "\r\n: ") || strpbrk(value, "\r\n"))
            return vgw_error_at(err, VGW_ECONFIG, "headers",
                                "the header '%s' has a line break, a colon or a space in "
                                "its name",
                                name);
        vgw_buf_printf(&b, "%s: %s", name, value);
        t->typed = t->typed || vgw_strieq(name, "content-type");
        if (!(t->headers[i] = vgw_buf_take(&b)))
            return vgw_error_nomem(err);
    }
    if (!t->typed && !(t->headers[n] = vgw_strdup("Content-Type: application/json")))
        return vgw_error_nomem(err);
    return 0;
}

static int compile(struct vgw_http_tool *t, const struct vgw_options *o, struct vgw_error *err)
{
    const char *confirm = vgw_options_string(o, "confirm");
    struct vgw_error wrong = {0};
    t->url = vgw_strdup(vgw_options_string(o, "url"));
    t->method = vgw_strdup(vgw_options_string(o, "method"));
    t->description = vgw_strdup(vgw_options_string(o, "description") ? vgw_options_string(o, "description") : "");
    t->timeout_us = vgw_options_duration_us(o, "timeout");
    t->parameters = vgw_options_json(o, "parameters");
    if (!t->url || !t->method || !t->description)
        return vgw_error_nomem(err);
    int rc = compile_url(t->url, err);
    if (rc == 0)
        rc = compile_headers(t, o, err);
    if (rc == 0 && t->parameters && vgw_schema_validate(t->parameters, &wrong) < 0)
        return vgw_error_at(err, VGW_ECONFIG, "parameters", "parameters: %s", wrong.text);
    if (rc == 0)
        rc = compile_tree(o, "request", &t->request, err);
    if (rc == 0)
        rc = compile_tree(o, "result", &t->result, err);
    if (rc == 0)
        rc = compile_tree(o, "variables", &t->variables, err);
    if (rc == 0 && confirm && vgw_template_compile(confirm, strlen(confirm), &t->confirm, &wrong) < 0)
        return vgw_error_at(err, VGW_ECONFIG, "confirm", "confirm: %s", wrong.text);
    return rc;
}

static bool name_is_good(const char *name)
{
    return name[0] && strlen(name) < 64 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(name);
}

int vgw_http_tool_new(const char *name, const struct vgw_options *options, struct vgw_http_tool **ret_tool,
                      struct vgw_error *err)
{
    struct vgw_http_tool *t;
    if (!name_is_good(name))
        return vgw_error_at(err, VGW_ECONFIG, "plugin",
                            "'%s' cannot name a tool: use 1 to 63 letters, digits, '_' or '-'", name);
    if (!VGW_NEW(t))
        return vgw_error_nomem(err);
    t->refs = 1;
    vgw_strcopy(t->name, sizeof t->name, name);
    int rc = compile(t, options, err);
    if (rc < 0)
        vgw_http_tool_unref(t);
    else
        *ret_tool = t;
    return rc;
}

/* ---- what templates see ---- */

static struct vgw_json *session_json(struct vgw_gateway *g, const char *session_id)
{
    const struct vgw_session *s = session_id && session_id[0] ? vgw_calls_session_find(g->calls, session_id) : NULL;
    struct vgw_json *o = s ? vgw_session_to_json(s, false) : vgw_json_object();
    return o;
}

static struct vgw_json *scope_new(struct vgw_gateway *g, const struct vgw_json *arguments, const char *session_id)
{
    struct vgw_json *o = vgw_json_object();
    vgw_json_set(o, "arguments", arguments ? vgw_json_copy(arguments) : vgw_json_object());
    vgw_json_set(o, "session", session_json(g, session_id));
    return o;
}

char *vgw_http_tool_question(struct vgw_gateway *g, const char *name, const struct vgw_json *arguments)
{
    const struct vgw_http_tool *t = vgw_map_get(g->tools, name);
    struct vgw_buf out;
    struct vgw_error err = {0};
    if (!t || !t->confirm)
        return NULL;
    vgw_buf_init(&out, 2048);
    struct vgw_json *vars = scope_new(g, arguments, NULL);
    struct vgw_scope scope = {.vars = vars};
    int rc = vgw_template_text(t->confirm, &scope, false, &out, &err);
    vgw_json_free(vars);
    if (rc == 0)
        return vgw_buf_take(&out);
    vgw_buf_done(&out);
    return NULL;
}

/* ---- asking ---- */

static void add_value(struct vgw_buf *out, const struct vgw_json *value)
{
    struct vgw_buf text = {0};
    vgw_template_write_value(&text, value);
    vgw_url_encode(out, vgw_buf_str(&text));
    vgw_buf_done(&text);
}

/* {name} is an argument; "." and ".." would climb. */
static int write_url(const struct vgw_http_tool *t, const struct vgw_json *arguments, bool rest, struct vgw_buf *out,
                     struct vgw_error *err)
{
    const char *key, *p = t->url;
    struct vgw_json *value;
    struct vgw_json *left = arguments ? vgw_json_copy(arguments) : vgw_json_object();
    for (const char *brace; (brace = strchr(p, '{')); p = strchr(brace, '}') + 1) {
        char name[65];
        size_t n = strcspn(brace + 1, "}");
        vgw_buf_add(out, p, (size_t)(brace - p));
        vgw_strcopy(name, sizeof name < n + 1 ? sizeof name : n + 1, brace + 1);
        const struct vgw_json *v = vgw_json_get(arguments, name);
        const char *s = vgw_json_str(v);
        if (s && (vgw_streq(s, ".") || vgw_streq(s, ".."))) {
            vgw_json_free(left);
            return vgw_error_at(err, VGW_EINVALID, name, "%s: %s cannot be '%s'", t->name, name, s);
        }
        add_value(out, v);
        vgw_json_del(left, name);
    }
    vgw_buf_adds(out, p);
    for (size_t i = 0; rest && left && vgw_json_object_next(left, &i, &key, &value);) {
        vgw_buf_addc(out, strchr(vgw_buf_str(out), '?') ? '&' : '?');
        vgw_url_encode(out, key);
        vgw_buf_addc(out, '=');
        add_value(out, value);
    }
    vgw_json_free(left);
    return out->failed ? vgw_error_set(err, VGW_EINVALID, "%s: the URL with these arguments is too long", t->name) : 0;
}

static int write_body(struct vgw_gateway *g, const struct vgw_http_tool *t, const struct vgw_json *arguments,
                      const char *session_id, char **ret_body, struct vgw_error *err)
{
    struct vgw_json *vars = scope_new(g, arguments, session_id), *body = NULL;
    struct vgw_scope scope = {.vars = vars};
    int rc = 0;
    if (t->request)
        rc = vgw_tree_render(t->request, &scope, false, &body, err);
    else
        body = vgw_json_ref(vgw_json_get(vars, "arguments"));
    if (rc == 0) {
        const char *text = t->typed ? vgw_json_str(body) : NULL; /* a form or XML, say */
        *ret_body = text ? vgw_strdup(text) : vgw_json_text(body, false);
        rc = *ret_body ? 0 : vgw_error_nomem(err);
    }
    vgw_json_free(body);
    vgw_json_free(vars);
    return rc;
}

static void run_free(struct http_run *r)
{
    vgw_list_remove(&r->link);
    vgw_http_tool_unref(r->tool);
    vgw_json_free(r->arguments);
    vgw_free(r);
}

static void set_variables(const struct http_run *r, const struct vgw_scope *scope)
{
    struct vgw_session *s = r->session_id[0] && r->g->calls ? vgw_calls_session_find(r->g->calls, r->session_id) : NULL;
    struct vgw_json *set = NULL, *value;
    struct vgw_error err = {0};
    const char *key;
    if (!s || !r->tool->variables || vgw_tree_render(r->tool->variables, scope, false, &set, &err) < 0)
        return;
    for (size_t i = 0; vgw_json_object_next(set, &i, &key, &value);)
        vgw_json_set(s->variables, key, vgw_json_copy(value));
    vgw_json_free(set);
}

static int read_answer(const struct http_run *r, const struct vgw_client_result *answer, struct vgw_json **ret_result,
                       struct vgw_error *err)
{
    struct vgw_json *vars = scope_new(r->g, r->arguments, r->session_id), *body = NULL;
    struct vgw_scope scope = {.vars = vars};
    int rc = 0;
    if (vgw_json_parse(answer->body, answer->body_len, &body, NULL) < 0)
        body = vgw_json_stringn(answer->body, answer->body_len);
    vgw_json_set(vars, "result", body);
    vgw_json_set_int(vars, "status", answer->http_status);
    if (r->tool->result)
        rc = vgw_tree_render(r->tool->result, &scope, false, ret_result, err);
    else
        *ret_result = body ? vgw_json_copy(body) : NULL;
    if (rc == 0)
        set_variables(r, &scope);
    vgw_json_free(vars);
    return rc;
}

static void on_done(void *arg, const struct vgw_client_result *answer)
{
    struct http_run *r = arg;
    struct vgw_json *result = NULL;
    struct vgw_error err = {0};
    int rc = answer->status;
    if (rc < 0)
        vgw_error_set(&err, rc, "%s", answer->sentence);
    else if (answer->http_status < 200 || answer->http_status > 299)
        rc = vgw_error_set(&err, answer->http_status < 500 ? VGW_EINVALID : VGW_EPROVIDER, "%s was answered %d: %.*s",
                           r->tool->name, answer->http_status,
                           (int)(answer->body_len < EXCERPT_BYTES ? answer->body_len : EXCERPT_BYTES), answer->body);
    else
        rc = read_answer(r, answer, &result, &err);
    vgw_action_handle handle = r->handle;
    struct vgw_action_registry *actions = r->g->actions;
    run_free(r);
    if (handle)
        vgw_action_complete(actions, handle, rc, result, rc < 0 ? err.text : NULL);
    else
        vgw_json_free(result);
}

static int run_tool(struct vgw_gateway *g, struct vgw_http_tool *t, vgw_action_handle handle,
                    const struct vgw_json *params, const struct vgw_action_context *context, struct vgw_error *err)
{
    struct http_run *r;
    struct vgw_buf url;
    char *body = NULL;
    bool in_query = !t->request && (vgw_streq(t->method, "GET") || vgw_streq(t->method, "DELETE"));
    struct vgw_client *client = vgw_gateway_client_of(g, g->loop);
    if (!client || !VGW_NEW(r))
        return vgw_error_nomem(err);
    *r = (struct http_run){.g = g, .tool = t, .handle = handle, .arguments = vgw_json_copy(params)};
    t->refs++;
    vgw_list_append(&g->http_runs, &r->link);
    vgw_strcopy(r->session_id, sizeof r->session_id, context && context->session_id ? context->session_id : "");
    vgw_buf_init(&url, URL_BYTES_MAX);
    int rc = write_url(t, params, in_query, &url, err);
    if (rc == 0 && !in_query)
        rc = write_body(g, t, params, r->session_id, &body, err);
    struct vgw_client_request request = {.method = t->method,
                                         .url = vgw_buf_str(&url),
                                         .headers = (const char *const *)t->headers,
                                         .body = body,
                                         .body_len = body ? strlen(body) : 0,
                                         .timeout_us = t->timeout_us,
                                         .max_body_bytes = ANSWER_BYTES_MAX,
                                         .trusted = true,
                                         .once = !vgw_streq(t->method, "GET"),
                                         .on_done = on_done,
                                         .arg = r};
    if (rc == 0)
        rc = vgw_client_send(client, &request, &r->request, err);
    if (rc < 0)
        run_free(r);
    vgw_buf_done(&url);
    vgw_free(body);
    return rc;
}

static const char *tool_name_of(struct vgw_gateway *g, vgw_action_handle handle)
{
    const struct vgw_action_desc *d = vgw_action_of(g->actions, handle);
    return d ? d->name : "";
}

static int on_run(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                  const struct vgw_action_context *context, struct vgw_error *err)
{
    struct vgw_gateway *g = arg;
    struct vgw_http_tool *t = vgw_map_get(g->tools, tool_name_of(g, handle));
    if (!t)
        return vgw_error_set(err, VGW_EUNSUPPORTED, "the tool is not configured any more");
    return run_tool(g, t, handle, params, context, err);
}

static void on_cancel(void *arg, vgw_action_handle handle)
{
    struct vgw_gateway *g = arg;
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &g->http_runs) {
        struct http_run *r = VGW_CONTAINER_OF(at, struct http_run, link);
        if (r->handle != handle)
            continue;
        r->handle = 0; /* its end is told to nobody */
        if (g->control->client)
            vgw_client_cancel(g->control->client, r->request);
        return;
    }
}

/* ---- the plan's tools ---- */

static void free_tool(void *tool)
{
    vgw_http_tool_unref(tool);
}

static void say_refused(const char *name, const struct vgw_error *err)
{
    vgw_log(VGW_LOG_ERROR, NULL, "a tool of the configuration cannot be offered", "tool", name, "error", err->text,
            NULL);
}

static void take(struct vgw_gateway *g, const char *name, const struct vgw_options *o)
{
    struct vgw_http_tool *t = NULL;
    struct vgw_error err = {0};
    struct vgw_json *any = NULL;
    if (vgw_http_tool_new(name, o, &t, &err) < 0 || !t) {
        say_refused(name, &err);
        return;
    }
    if (!t->parameters) {
        any = vgw_json_object();
        vgw_json_set_string(any, "type", "object");
    }
    struct vgw_action_desc desc = {.name = name,
                                   .description = t->description,
                                   .result = "what the tool says",
                                   .flags = VGW_ACTION_TOOL | VGW_ACTION_LISTED | VGW_ACTION_ANY_PARAM |
                                            VGW_ACTION_CONFIGURED,
                                   .default_timeout_us = t->timeout_us + VGW_US_PER_S,
                                   .run = on_run,
                                   .cancel = on_cancel,
                                   .arg = g};
    if (vgw_action_register_schema(g->actions, &desc, t->parameters ? t->parameters : any, &err) < 0 ||
        vgw_map_set(g->tools, name, t) < 0) {
        say_refused(name, &err);
        vgw_http_tool_unref(t);
    }
    vgw_json_free(any);
}

static bool wanted(const struct vgw_gateway *g, const char *name)
{
    const struct vgw_options *main = g->plan->main;
    for (size_t i = 0; i < vgw_options_count(main, "tools"); i++)
        if (vgw_streq(vgw_options_item_key(main, "tools", i), name))
            return vgw_streq(vgw_options_string(vgw_options_section_at(main, "tools", i), "plugin"), "http");
    return false;
}

void vgw_gateway_tools_swap(struct vgw_gateway *g)
{
    const struct vgw_options *main = g->plan->main;
    const char *name;
    void *tool;
    if (!g->tools)
        g->tools = vgw_map_new(free_tool);
    for (size_t i = 0; g->tools && vgw_map_next(g->tools, &i, &name, &tool);)
        if (!wanted(g, name)) {
            vgw_action_unregister(g->actions, name);
            vgw_map_remove(g->tools, name);
        }
    for (size_t i = 0; g->tools && i < vgw_options_count(main, "tools"); i++) {
        const struct vgw_options *o = vgw_options_section_at(main, "tools", i);
        if (vgw_streq(vgw_options_string(o, "plugin"), "http"))
            take(g, vgw_options_item_key(main, "tools", i), o);
    }
    vgw_mcps_swap(g);
}

void vgw_gateway_tools_free(struct vgw_gateway *g)
{
    vgw_mcps_free(g);
    vgw_map_free(g->tools);
    g->tools = NULL;
}
