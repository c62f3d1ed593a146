/* tools.c - voice tools by HTTP. */
#include "api/inside.h"
#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"

#define PATIENCE_US (10 * VGW_US_PER_S) /* a tool that takes longer goes on by itself; its end is an event */

static bool offered(struct vgw_api_request *r)
{
    if (!r->api->env.tools || !r->api->env.tool)
        vgw_api_problem(r, 501, "tools are not available here", NULL);
    return r->api->env.tools && r->api->env.tool;
}

void vgw_api_tools_list(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    if (offered(r))
        vgw_api_reply(r, 200, vgw_api_list("tools", r->api->env.tools(r->api->env.arg), NULL));
}

struct waiting {               /* of a request and its tool: whoever ends last frees it */
    struct vgw_api_request *r; /* NULL: answered */
    struct vgw_timer timer;
    bool done;
};

static void let_go(void *state)
{
    struct waiting *w = state;
    vgw_timer_stop(&w->timer);
    w->r = NULL;
    if (w->done)
        vgw_free(w);
}

static void on_late(void *arg)
{
    struct waiting *w = arg;
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "tool", w->r->id[0]);
    vgw_json_set_string(o, "status", "running");
    vgw_api_reply(w->r, 202, o);
}

static void on_result(void *arg, int status, const char *sentence, struct vgw_json *result)
{
    struct waiting *w = arg;
    struct vgw_api_request *r = w->r;
    w->done = true;
    if (!r) {
        vgw_json_free(result);
        vgw_free(w);
        return;
    }
    if (status != VGW_OK) {
        vgw_json_free(result);
        vgw_api_fail(r, status, NULL, sentence);
        return;
    }
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "tool", r->id[0]);
    vgw_json_set_string(o, "status", "completed");
    vgw_json_set(o, "result", result);
    vgw_api_reply(r, 200, o);
}

/* The arguments stand under `arguments`, or are the body itself. */
static struct vgw_json *arguments_of(const struct vgw_api_request *r)
{
    const struct vgw_json *given = vgw_json_get(r->body, "arguments");
    struct vgw_json *o = vgw_json_type(given) == VGW_JSON_OBJECT ? vgw_json_copy(given)
                         : r->body                               ? vgw_json_copy(r->body)
                                                                 : vgw_json_object();
    vgw_json_del(o, "session_id");
    vgw_json_del(o, "call_id");
    return o;
}

static const char *text_of(const struct vgw_api_request *r, const char *name)
{
    const struct vgw_json *given = vgw_json_get(r->body, "arguments");
    return vgw_json_get_string(r->body, name, vgw_json_get_string(given, name, NULL));
}

static bool is_there(struct vgw_api_request *r)
{
    struct vgw_json *list = r->api->env.tools(r->api->env.arg);
    bool there = false;
    for (size_t i = 0; i < vgw_json_count(list) && !there; i++)
        there = vgw_streq(vgw_json_get_string(vgw_json_at(list, i), "name", ""), r->id[0]);
    vgw_json_free(list);
    if (!there)
        vgw_api_not_found(r, "tool", r->id[0]);
    return there;
}

void vgw_api_tools_call(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    const char *call_id = text_of(r, "call_id"), *session_id = text_of(r, "session_id");
    struct waiting *w;
    if (!offered(r) || !is_there(r))
        return;
    if (call_id && !vgw_api_call(r, call_id)) {
        vgw_api_fail(r, VGW_EINVALID, "call_id", "there is no such call now");
        return;
    }
    if (session_id && !vgw_api_session(r, session_id)) {
        vgw_api_fail(r, VGW_EINVALID, "session_id", "there is no such session now");
        return;
    }
    if (!VGW_NEW(w)) {
        vgw_api_fail(r, VGW_ELIMIT, NULL, "out of memory; try again in a moment");
        return;
    }
    w->r = r;
    r->state = w;
    r->state_free = let_go;
    vgw_timer_init(&w->timer, r->api->env.loop, on_late, w);
    vgw_timer_start(&w->timer, PATIENCE_US);
    struct vgw_json *arguments = arguments_of(r);
    r->api->env.tool(r->api->env.arg, r->id[0], arguments, call_id, session_id, vgw_grant_project(r->grant), on_result,
                     w);
    vgw_json_free(arguments);
}
