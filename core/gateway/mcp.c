/* mcp.c - a server is greeted, asked for its tools, and called. */
#include "gateway/mcp.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "gateway/tools.h"

#define VERSION "2025-06-18"

enum asking { MCP_GREET, MCP_GREETED, MCP_LIST, MCP_CALL };

struct vgw_mcp { /* a server */
    struct vgw_gateway *g;
    char name[65];
    char *url, *key; /* key: all of its options, to tell whether they changed */
    char *headers[40];
    size_t header_count;
    char session[256]; /* Mcp-Session-Id, or "" */
    int64_t timeout_us;
    struct vgw_json *only;  /* names */
    struct vgw_json *names; /* registered name -> the server's */
    struct vgw_timer again;
    int64_t last_id;
    uint64_t generation; /* an answer to an earlier one is thrown away */
    bool left;           /* not configured any more; freed with its last question */
    unsigned asks;
};

struct question {
    struct vgw_list link; /* of g->mcp_questions */
    struct vgw_mcp *m;
    enum asking what;
    int64_t id;
    uint64_t request, generation;
    vgw_action_handle handle; /* of a call; 0: given up */
};

static void mcp_done(struct vgw_mcp *m)
{
    if (!m->left || m->asks)
        return;
    for (size_t i = 0; i < m->header_count; i++)
        vgw_free(m->headers[i]);
    vgw_free(m->url);
    vgw_free(m->key);
    vgw_json_free(m->only);
    vgw_json_free(m->names);
    vgw_free(m);
}

static void unregister_all(struct vgw_mcp *m)
{
    const char *name;
    struct vgw_json *value;
    for (size_t i = 0; vgw_json_object_next(m->names, &i, &name, &value);)
        vgw_action_unregister(m->g->actions, name);
    vgw_json_free(m->names);
    m->names = vgw_json_object();
}

static void mcp_leave(void *p)
{
    struct vgw_mcp *m = p;
    vgw_timer_stop(&m->again);
    if (!m->g->ending)
        unregister_all(m);
    m->left = true;
    mcp_done(m);
}

static void question_free(struct question *q)
{
    struct vgw_mcp *m = q->m;
    vgw_list_remove(&q->link);
    vgw_free(q);
    m->asks--;
    mcp_done(m);
}

/* ---- asking ---- */

static int ask(struct vgw_mcp *m, enum asking what, vgw_action_handle handle, const struct vgw_json *params,
               struct vgw_error *err);

static void trouble(struct vgw_mcp *m, const char *sentence)
{
    struct vgw_buf part = {0};
    vgw_log(VGW_LOG_WARNING, NULL, "an MCP server cannot be asked for its tools; it is asked again", "tool", m->name,
            "error", sentence, NULL);
    vgw_buf_printf(&part, "tools.%s", m->name);
    vgw_gateway_part(m->g, vgw_buf_str(&part), false, sentence);
    vgw_buf_done(&part);
    vgw_timer_start(&m->again, VGW_MCP_AGAIN_US);
}

static int on_run(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                  const struct vgw_action_context *context, struct vgw_error *err)
{
    struct vgw_mcp *m = arg;
    const struct vgw_action_desc *d = vgw_action_of(m->g->actions, handle);
    const char *name = vgw_json_get_string(m->names, d ? d->name : "", "");
    struct vgw_json *sent = vgw_json_object();
    vgw_json_set_string(sent, "name", name);
    vgw_json_set(sent, "arguments", params ? vgw_json_copy(params) : vgw_json_object());
    int rc = ask(m, MCP_CALL, handle, sent, err);
    vgw_json_free(sent);
    return rc;
}

static void on_cancel(void *arg, vgw_action_handle handle)
{
    struct vgw_mcp *m = arg;
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &m->g->mcp_questions) {
        struct question *q = VGW_CONTAINER_OF(at, struct question, link);
        if (q->handle != handle || q->m != m)
            continue;
        q->handle = 0;
        if (m->g->control->client)
            vgw_client_cancel(m->g->control->client, q->request);
        return;
    }
}

static bool wanted(const struct vgw_mcp *m, const char *name)
{
    for (size_t i = 0; i < vgw_json_count(m->only); i++)
        if (vgw_streq(vgw_json_str(vgw_json_at(m->only, i)), name))
            return true;
    return !vgw_json_count(m->only);
}

/* NAME_TOOL, with what a tool's name cannot hold as '_'. */
static bool own_name(const struct vgw_mcp *m, const char *name, char out[65])
{
    struct vgw_buf b = {0};
    vgw_buf_printf(&b, "%s_%s", m->name, name);
    bool fits = b.len < 65 && !b.failed;
    vgw_strcopy(out, 65, vgw_buf_str(&b));
    vgw_buf_done(&b);
    for (char *c = out; *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", *c))
            *c = '_';
    return fits;
}

static void take_tool(struct vgw_mcp *m, const struct vgw_json *tool)
{
    const char *name = vgw_json_get_string(tool, "name", "");
    const struct vgw_json *schema = vgw_json_get(tool, "inputSchema");
    char own[65];
    struct vgw_error err = {0};
    struct vgw_json *any = NULL;
    if (!name[0] || !wanted(m, name) || vgw_json_object_count(m->names) >= VGW_MCP_TOOLS_MAX)
        return;
    if (vgw_json_type(schema) != VGW_JSON_OBJECT) {
        schema = any = vgw_json_object();
        vgw_json_set_string(any, "type", "object");
    }
    struct vgw_action_desc desc = {.name = own,
                                   .description = vgw_json_get_string(tool, "description", ""),
                                   .result = "what the tool says",
                                   .flags = VGW_ACTION_TOOL | VGW_ACTION_LISTED | VGW_ACTION_ANY_PARAM |
                                            VGW_ACTION_CONFIGURED,
                                   .default_timeout_us = m->timeout_us + VGW_US_PER_S,
                                   .run = on_run,
                                   .cancel = on_cancel,
                                   .arg = m};
    if (!own_name(m, name, own))
        vgw_error_set(&err, VGW_EINVALID, "its name is too long");
    else if (vgw_action_register_schema(m->g->actions, &desc, schema, &err) == 0)
        vgw_json_set_string(m->names, own, name);
    if (err.status)
        vgw_log(VGW_LOG_WARNING, NULL, "a tool of an MCP server cannot be offered", "tool", own, "error", err.text,
                NULL);
    vgw_json_free(any);
}

static void take_list(struct vgw_mcp *m, const struct vgw_json *result)
{
    const struct vgw_json *tools = vgw_json_get(result, "tools");
    struct vgw_buf part = {0};
    unregister_all(m);
    for (size_t i = 0; i < vgw_json_count(tools); i++)
        take_tool(m, vgw_json_at(tools, i));
    vgw_buf_printf(&part, "tools.%s", m->name);
    vgw_gateway_part(m->g, vgw_buf_str(&part), true, "");
    vgw_buf_done(&part);
}

/* ---- answers ---- */

static void greet(struct vgw_mcp *m)
{
    struct vgw_error err = {0};
    struct vgw_json *p = vgw_json_object(), *who = vgw_json_object();
    m->session[0] = '\0';
    m->generation++;
    vgw_json_set_string(p, "protocolVersion", VERSION);
    vgw_json_set(p, "capabilities", vgw_json_object());
    vgw_json_set_string(who, "name", "voicegw");
    vgw_json_set_string(who, "version", VGW_VERSION);
    vgw_json_set(p, "clientInfo", who);
    if (ask(m, MCP_GREET, 0, p, &err) < 0)
        trouble(m, err.text);
    vgw_json_free(p);
}

static void on_again(void *arg)
{
    greet(arg);
}

static void greeted(struct vgw_mcp *m, const struct vgw_client_result *r)
{
    const char *session = vgw_client_header(r, "mcp-session-id");
    struct vgw_error err = {0};
    if (session && !strpbrk(session, "\r\n") && strlen(session) < sizeof m->session)
        vgw_strcopy(m->session, sizeof m->session, session);
    if (ask(m, MCP_GREETED, 0, NULL, &err) < 0 || ask(m, MCP_LIST, 0, NULL, &err) < 0)
        trouble(m, err.text);
}

static void call_answered(const struct question *q, const struct vgw_json *answer, const struct vgw_error *failed)
{
    struct vgw_json *value = NULL;
    struct vgw_error err = {0};
    if (failed->status)
        err = *failed;
    else
        (void)vgw_mcp_result(vgw_json_get(answer, "result"), &value, &err);
    if (q->handle)
        vgw_action_complete(q->m->g->actions, q->handle, err.status, value, err.status ? err.text : NULL);
    else
        vgw_json_free(value);
}

static struct vgw_json *read_answer(const struct question *q, const struct vgw_client_result *r, struct vgw_error *err)
{
    const char *type = vgw_client_header(r, "content-type");
    if (r->status < 0) {
        vgw_error_set(err, r->status, "%s", r->sentence);
        return NULL;
    }
    if (r->http_status < 200 || r->http_status > 299) {
        vgw_error_set(err, VGW_EPROVIDER, "the MCP server answered %d", r->http_status);
        return NULL;
    }
    if (q->what == MCP_GREETED)
        return NULL;
    struct vgw_json *answer = vgw_mcp_answer(r->body, r->body_len, type && strstr(type, "event-stream"), q->id);
    const struct vgw_json *error = vgw_json_get(answer, "error");
    if (!answer)
        vgw_error_set(err, VGW_EPROVIDER, "the MCP server's answer holds no result");
    else if (error)
        vgw_error_set(err, VGW_EPROVIDER, "%.300s", vgw_json_get_string(error, "message", "the MCP server refused"));
    return answer;
}

static void on_done(void *arg, const struct vgw_client_result *r)
{
    struct question *q = arg;
    struct vgw_mcp *m = q->m;
    struct vgw_error err = {0};
    struct vgw_json *answer = read_answer(q, r, &err);
    bool stale = m->left || m->g->ending || q->generation != m->generation;
    if (q->what == MCP_CALL) {
        if (r->http_status == 404 && !stale) /* its session is over: another for the next call */
            greet(m);
        call_answered(q, answer, &err);
    } else if (!stale && err.status) {
        trouble(m, err.text);
    } else if (!stale && q->what == MCP_GREET) {
        greeted(m, r);
    } else if (!stale && q->what == MCP_LIST) {
        take_list(m, vgw_json_get(answer, "result"));
    }
    vgw_json_free(answer);
    question_free(q);
}

static char *message(struct question *q, const struct vgw_json *params)
{
    static const char *const methods[] = {"initialize", "notifications/initialized", "tools/list", "tools/call"};
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "jsonrpc", "2.0");
    if (q->what != MCP_GREETED)
        vgw_json_set_int(o, "id", q->id);
    vgw_json_set_string(o, "method", methods[q->what]);
    if (params)
        vgw_json_set(o, "params", vgw_json_copy(params));
    char *text = vgw_json_text(o, false);
    vgw_json_free(o);
    return text;
}

static int ask(struct vgw_mcp *m, enum asking what, vgw_action_handle handle, const struct vgw_json *params,
               struct vgw_error *err)
{
    struct question *q;
    const char *headers[48];
    struct vgw_buf session = {0};
    size_t n = 0;
    struct vgw_client *client = vgw_gateway_client_of(m->g, m->g->loop);
    if (!client || !VGW_NEW(q))
        return vgw_error_nomem(err);
    *q = (struct question){.m = m, .what = what, .handle = handle, .id = ++m->last_id, .generation = m->generation};
    m->asks++;
    vgw_list_append(&m->g->mcp_questions, &q->link);
    for (; n < m->header_count; n++)
        headers[n] = m->headers[n];
    headers[n++] = "Content-Type: application/json";
    headers[n++] = "Accept: application/json, text/event-stream";
    headers[n++] = "MCP-Protocol-Version: " VERSION;
    if (m->session[0]) {
        vgw_buf_printf(&session, "Mcp-Session-Id: %s", m->session);
        headers[n++] = vgw_buf_str(&session);
    }
    headers[n] = NULL;
    char *body = message(q, params);
    struct vgw_client_request r = {.method = "POST",
                                   .url = m->url,
                                   .headers = headers,
                                   .body = body,
                                   .body_len = body ? strlen(body) : 0,
                                   .timeout_us = m->timeout_us,
                                   .max_body_bytes = VGW_MCP_ANSWER_MAX,
                                   .trusted = true,
                                   .once = what == MCP_CALL,
                                   .on_done = on_done,
                                   .arg = q};
    int rc = body ? vgw_client_send(client, &r, &q->request, err) : vgw_error_nomem(err);
    vgw_free(body);
    vgw_buf_done(&session);
    if (rc < 0)
        question_free(q);
    return rc;
}

/* ---- the plan's servers ---- */

static char *key_of(const struct vgw_options *o)
{
    struct vgw_buf b = {0};
    vgw_buf_printf(&b, "%s\n%lld", vgw_options_string(o, "url"), (long long)vgw_options_duration_us(o, "timeout"));
    for (size_t i = 0; i < vgw_options_count(o, "headers"); i++)
        vgw_buf_printf(&b, "\n%s: %s", vgw_options_item_key(o, "headers", i), vgw_options_item(o, "headers", i));
    for (size_t i = 0; i < vgw_options_count(o, "only"); i++)
        vgw_buf_printf(&b, "\n%s", vgw_options_item(o, "only", i));
    return vgw_buf_take(&b);
}

static struct vgw_mcp *mcp_new(struct vgw_gateway *g, const char *name, const struct vgw_options *o, char *key)
{
    struct vgw_mcp *m;
    if (!VGW_NEW(m)) {
        vgw_free(key);
        return NULL;
    }
    *m = (struct vgw_mcp){.g = g,
                          .key = key,
                          .url = vgw_strdup(vgw_options_string(o, "url")),
                          .timeout_us = vgw_options_duration_us(o, "timeout"),
                          .only = vgw_json_array(),
                          .names = vgw_json_object()};
    vgw_strcopy(m->name, sizeof m->name, name);
    vgw_timer_init(&m->again, g->loop, on_again, m);
    for (size_t i = 0; i < vgw_options_count(o, "only"); i++)
        vgw_json_append_string(m->only, vgw_options_item(o, "only", i));
    for (size_t i = 0; i < vgw_options_count(o, "headers") && i < 32; i++) {
        struct vgw_buf b = {0};
        vgw_buf_printf(&b, "%s: %s", vgw_options_item_key(o, "headers", i), vgw_options_item(o, "headers", i));
        if ((m->headers[m->header_count] = vgw_buf_take(&b)))
            m->header_count++;
    }
    return m;
}

static const struct vgw_options *server_of(const struct vgw_gateway *g, const char *name)
{
    const struct vgw_options *main = g->plan->main;
    for (size_t i = 0; i < vgw_options_count(main, "tools"); i++) {
        const struct vgw_options *o = vgw_options_section_at(main, "tools", i);
        if (vgw_streq(vgw_options_item_key(main, "tools", i), name) &&
            vgw_streq(vgw_options_string(o, "plugin"), "mcp"))
            return o;
    }
    return NULL;
}

static bool is_same(const struct vgw_mcp *m, const struct vgw_options *o)
{
    char *key = o ? key_of(o) : NULL;
    bool same = key && vgw_streq(key, m->key);
    vgw_free(key);
    return same;
}

void vgw_mcps_swap(struct vgw_gateway *g)
{
    const struct vgw_options *main = g->plan->main;
    const char *name;
    void *server;
    if (!g->mcps)
        g->mcps = vgw_map_new(mcp_leave);
    for (size_t i = 0; g->mcps && vgw_map_next(g->mcps, &i, &name, &server);)
        if (!is_same(server, server_of(g, name))) {
            struct vgw_buf part = {0};
            vgw_buf_printf(&part, "tools.%s", name);
            vgw_gateway_part_gone(g, vgw_buf_str(&part));
            vgw_buf_done(&part);
            vgw_map_remove(g->mcps, name);
        }
    for (size_t i = 0; g->mcps && i < vgw_options_count(main, "tools"); i++) {
        const struct vgw_options *o = vgw_options_section_at(main, "tools", i);
        name = vgw_options_item_key(main, "tools", i);
        if (!vgw_streq(vgw_options_string(o, "plugin"), "mcp") || vgw_map_has(g->mcps, name))
            continue;
        struct vgw_mcp *m = mcp_new(g, name, o, key_of(o));
        if (m && vgw_map_set(g->mcps, name, m) == 0)
            greet(m);
        else if (m)
            mcp_leave(m);
    }
}

void vgw_mcps_free(struct vgw_gateway *g)
{
    vgw_map_free(g->mcps);
    g->mcps = NULL;
}
