/* flows.c - workflows and rules: events and time go in, actions and events come out. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "gateway/gateway_private.h"

static int start_action(void *arg, const char *name, const struct vgw_json *params,
                        const struct vgw_action_context *context, uint64_t *ret_op, struct vgw_error *err)
{
    struct vgw_gateway *g = arg;
    unsigned before = g->depth; /* what the action brings about belongs to the rule that asked for it */
    g->depth = context && context->caused_by > 0 ? (unsigned)context->caused_by : 0;
    int rc = vgw_flow_registry_start(&g->flow_link, name, params, context, ret_op, err);
    g->depth = before;
    return rc;
}

static void cancel_action(void *arg, uint64_t op)
{
    vgw_flow_registry_cancel(&((struct vgw_gateway *)arg)->flow_link, op);
}

static void flow_emit(void *arg, const char *type, struct vgw_json *data, const struct vgw_flow_ids *ids, int caused_by)
{
    struct vgw_gateway *g = arg;
    struct vgw_call *call = ids->call_id ? vgw_calls_find(g->calls, ids->call_id) : NULL;
    struct vgw_event_about about = {.session_id = ids->session_id,
                                    .call_id = ids->call_id,
                                    .provider_call_id = call ? call->provider_call_id : NULL,
                                    .provider = call ? call->provider : NULL,
                                    .plugin = call ? call->plugin : NULL,
                                    .project_id = ids->project_id};
    vgw_bus_publish(g->bus, vgw_event_new(type, &about, data, caused_by > 0 ? (unsigned)caused_by : 0));
}

static void flow_log(void *arg, enum vgw_log_level level, const char *message, const struct vgw_flow_ids *ids)
{
    struct vgw_log_scope scope = {.session = ids->session_id, .call = ids->call_id};
    vgw_log(level, &scope, message, "run", ids->run_id, "workflow", ids->workflow, "rule", ids->rule, NULL);
}

static void flow_hold(void *arg, const struct vgw_flow_ids *ids, bool on)
{
    struct vgw_gateway *g = arg;
    struct vgw_call *call = vgw_calls_find(g->calls, ids->call_id);
    if (!call)
        return;
    if (on)
        vgw_session_hold(call->session);
    else
        vgw_session_release(call->session);
}

static void flow_arm(void *arg, int64_t at_us)
{
    struct vgw_gateway *g = arg;
    if (at_us == INT64_MAX)
        vgw_timer_stop(&g->flow_timer);
    else
        vgw_timer_start_at(&g->flow_timer, at_us);
}

static int64_t flow_now(void *arg)
{
    return vgw_now(((struct vgw_gateway *)arg)->loop);
}

static void make_id(void *arg, char *out)
{
    vgw_id_make("run", vgw_wall(((struct vgw_gateway *)arg)->loop), NULL, out);
}

void vgw_gateway_flow_arm(struct vgw_gateway *g)
{
    if (!g->flow)
        return;
    flow_arm(g, vgw_flow_engine_next_deadline(g->flow));
}

static void on_flow_timer(void *arg)
{
    struct vgw_gateway *g = arg;
    vgw_flow_engine_tick(g->flow, vgw_now(g->loop));
}

/* An event as workflows and rules see it: its envelope with the data, without rendering it to text. */
static struct vgw_json *envelope(const struct vgw_event *e)
{
    char time[VGW_TIME_TEXT];
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_int(o, "id", (int64_t)e->id);
    vgw_json_set_string(o, "type", e->name);
    vgw_json_set_string(o, "time", vgw_time_format(e->wall_us, time));
    vgw_json_set_string(o, "session_id", e->about.session_id);
    vgw_json_set_string(o, "call_id", e->about.call_id);
    vgw_json_set_string(o, "provider_call_id", e->about.provider_call_id);
    vgw_json_set_string(o, "provider", e->about.provider);
    vgw_json_set_string(o, "project_id", e->about.project_id);
    if (e->depth)
        vgw_json_set_int(o, "caused_by", e->depth);
    vgw_json_set(o, "data", vgw_json_ref((struct vgw_json *)(uintptr_t)vgw_event_data(e)));
    return o;
}

static void on_event(void *arg, struct vgw_event *e)
{
    struct vgw_gateway *g = arg;
    const struct vgw_flow_set *set = vgw_flow_engine_set(g->flow);
    const struct vgw_rule_numbers *rules = set ? vgw_flow_set_rules_for(set, e->name) : NULL;
    if ((!rules || !rules->count) && !vgw_flow_engine_counts(g->flow).live)
        return;
    struct vgw_json *o = envelope(e);
    vgw_flow_engine_on_event(g->flow, o, vgw_now(g->loop));
    vgw_json_free(o);
}

static void to_plugins(void *arg, struct vgw_event *e)
{
    struct vgw_gateway *g = arg;
    struct vgw_call *call = e->about.call_id ? vgw_calls_find(g->calls, e->about.call_id) : NULL;
    vgw_host_on_event(g->host, e->name, call ? call->handle : 0, vgw_event_text(e, NULL));
}

bool vgw_gateway_workflow_start(void *arg, struct vgw_call *call, const char *workflow)
{
    struct vgw_gateway *g = arg;
    char run[VGW_ID_MAX];
    struct vgw_error err = {0};
    struct vgw_json *args = vgw_call_to_json(call);
    struct vgw_flow_request request = {.args = args,
                                       .call_id = call->call_id,
                                       .session_id = call->session->session_id,
                                       .project_id = call->session->project_id,
                                       .variables = call->session->variables};
    int rc = vgw_flow_engine_run(g->flow, workflow, &request, vgw_now(g->loop), run, &err);
    vgw_json_free(args);
    if (rc < 0) {
        vgw_log(VGW_LOG_ERROR, &call->scope, "a call's workflow could not be started", "workflow", workflow, "error",
                err.text, NULL);
        return false;
    }
    return true;
}

int vgw_gateway_flows_open(struct vgw_gateway *g, struct vgw_error *err)
{
    struct vgw_flow_driver driver = {.arg = g,
                                     .start_action = start_action,
                                     .cancel_action = cancel_action,
                                     .emit = flow_emit,
                                     .log = flow_log,
                                     .hold = flow_hold,
                                     .arm = flow_arm,
                                     .make_id = make_id};
    g->flow = vgw_flow_engine_new(&driver, NULL, g->actions);
    if (!g->flow)
        return vgw_error_nomem(err);
    g->flow_link =
        (struct vgw_flow_registry_link){.registry = g->actions, .engine = g->flow, .now_us = flow_now, .arg = g};
    vgw_timer_init(&g->flow_timer, g->loop, on_flow_timer, g);
    vgw_flow_engine_set_wall_offset(g->flow, vgw_wall(g->loop) - vgw_now(g->loop));
    /* Plugins first: what a workflow asks of them because of an event comes after it. */
    g->host_sub = vgw_bus_subscribe(g->bus, VGW_EVENT_ALL, to_plugins, g);
    g->flow_sub = vgw_bus_subscribe(g->bus, VGW_EVENT_ALL, on_event, g);
    if (!g->flow_sub || !g->host_sub)
        return vgw_error_nomem(err);
    return vgw_flow_engine_swap(g->flow, g->plan->flows, err);
}

void vgw_gateway_flows_close(struct vgw_gateway *g)
{
    vgw_bus_unsubscribe(g->flow_sub);
    vgw_bus_unsubscribe(g->host_sub);
    vgw_timer_stop(&g->flow_timer);
    vgw_flow_engine_free(g->flow);
    g->flow = NULL;
}
