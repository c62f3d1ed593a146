/* summary.c - a transfer to a person that waits for what the assistant has to say about the conversation; it goes on
 * without when that takes too long. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "gateway/agent_context.h"
#include "gateway/gateway_private.h"
#include "gateway/tools.h"

#define PATIENCE_US (8 * VGW_US_PER_S) /* the talk tells its own time-out before */

struct transfer {
    struct vgw_list link;
    struct vgw_gateway *g;
    uint64_t number, call;
    vgw_action_handle handle; /* of a tool that waits for it; 0: a wish */
    struct vgw_json *params;
    struct vgw_timer timer;
};

static void transfer_free(struct transfer *t)
{
    vgw_timer_stop(&t->timer);
    vgw_list_remove(&t->link);
    vgw_json_free(t->params);
    vgw_free(t);
}

bool vgw_gateway_summary_wanted(struct vgw_gateway *g, const struct vgw_call *call, const struct vgw_json *params)
{
    const struct vgw_conversation *c = vgw_gateway_conversation(g, call->handle);
    const struct vgw_options *agent = c && c->agent[0] ? vgw_agent_find(g, call->session, c->agent) : NULL;
    return agent && c->talk && !g->ending && vgw_options_bool(agent, "summary") &&
           (call->caps & VOICEGW_CAP_TRANSFER_ATTENDED) && !vgw_json_get_string(params, "summary", "")[0];
}

/* The reason that the assistant gave stands in front of what it has summed up. */
static void tell_what(struct transfer *t, struct vgw_call *call, const char *text)
{
    const char *reason = vgw_json_get_string(t->params, "reason", "");
    struct vgw_buf told;
    vgw_buf_init(&told, 4096);
    vgw_buf_printf(&told, "%s%s%s", reason, reason[0] && text[0] ? ". " : "", text);
    vgw_json_set_string(t->params, "kind", told.len ? "attended" : "blind");
    if (told.len)
        vgw_json_set_string(t->params, "summary", vgw_buf_str(&told));
    vgw_json_del(t->params, "reason");
    if (text[0] && vgw_json_set_string(call->session->variables, "summary", text) < 0)
        vgw_log(VGW_LOG_ERROR, &call->scope, "out of memory: the summary is not in the record", NULL);
    vgw_buf_done(&told);
}

static void go_on(struct transfer *t, const char *text)
{
    struct vgw_gateway *g = t->g;
    struct vgw_call *call = g->calls ? vgw_calls_by_handle(g->calls, t->call) : NULL;
    struct vgw_error err = {0};
    int rc = call ? 0 : vgw_error_set(&err, VGW_ENOTFOUND, "the call has ended");
    if (t->handle && !vgw_action_is_live(g->actions, t->handle)) { /* nobody waits for it any more */
        transfer_free(t);
        return;
    }
    if (call)
        tell_what(t, call, text);
    const struct vgw_action_context context = {.call_id = call ? call->call_id : NULL};
    if (rc == 0 && t->handle)
        rc = vgw_gateway_action_command(g, VGW_CMD_TRANSFER, t->handle, t->params, &context, &err);
    else if (rc == 0)
        rc = vgw_calls_command(g->calls, call, VGW_CMD_TRANSFER, t->params, false, NULL, NULL, &err);
    if (rc < 0 && t->handle)
        vgw_action_complete(g->actions, t->handle, rc, NULL, err.text);
    else if (rc < 0)
        vgw_log(VGW_LOG_WARNING, call ? &call->scope : NULL, "an assistant's transfer could not be made", "error",
                err.text, NULL);
    transfer_free(t);
}

static void on_late(void *arg)
{
    go_on(arg, "");
}

int vgw_gateway_summary_transfer(struct vgw_gateway *g, struct vgw_call *call, vgw_action_handle handle,
                                 const struct vgw_json *params, struct vgw_error *err)
{
    static uint64_t last; /* control only */
    const struct vgw_conversation *c = vgw_gateway_conversation(g, call->handle);
    struct transfer *t;
    if (!VGW_NEW(t))
        return vgw_error_nomem(err);
    t->g = g;
    t->number = ++last;
    t->call = call->handle;
    t->handle = handle;
    t->params = vgw_json_copy(params);
    vgw_timer_init(&t->timer, g->loop, on_late, t);
    vgw_list_append(&g->transfers, &t->link);
    char *history = vgw_gateway_session_history(call->session);
    bool asked = t->params && vgw_talk_summarize(c->talk, t->number, history) == 0;
    vgw_free(history);
    if (!t->params) {
        transfer_free(t);
        return vgw_error_nomem(err);
    }
    vgw_timer_start(&t->timer, asked ? PATIENCE_US : 0); /* not from inside: an action completes once it has begun */
    return 0;
}

void vgw_gateway_summary_came(struct vgw_gateway *g, uint64_t number, const char *text)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &g->transfers) {
        struct transfer *t = VGW_CONTAINER_OF(at, struct transfer, link);
        if (t->number != number)
            continue;
        go_on(t, text);
        return;
    }
}

void vgw_gateway_summaries_close(struct vgw_gateway *g)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &g->transfers)
        transfer_free(VGW_CONTAINER_OF(at, struct transfer, link));
}
