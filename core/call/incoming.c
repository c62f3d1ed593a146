/* incoming.c - a provider's incoming call: found again, refused, or taken and routed. */
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "call/inside.h"
#include "config/snapshot.h"

static int check_incoming(const struct vgw_calls *calls, const struct vgw_incoming *in, struct vgw_error *err)
{
    const char *const parties[] = {in->from, in->to};
    static const char *const names[] = {"from", "to"};
    size_t len = in->provider_call_id ? strlen(in->provider_call_id) : 0;
    (void)calls;
    if (len == 0 || len > VGW_CALLS_PROVIDER_ID_MAX)
        return vgw_error_at(err, VGW_EINVALID, "provider_call_id",
                            "an incoming call needs the provider's id of it, 1 to %d bytes long",
                            VGW_CALLS_PROVIDER_ID_MAX);
    for (size_t i = 0; i < 2; i++) {
        if (parties[i] && strlen(parties[i]) > 2 * VGW_CALLS_PARTY_MAX)
            return vgw_error_at(err, VGW_EINVALID, names[i], "%s is too long; at most %d bytes are allowed", names[i],
                                2 * VGW_CALLS_PARTY_MAX);
    }
    if (in->variables && vgw_json_type(in->variables) != VGW_JSON_OBJECT)
        return vgw_error_at(err, VGW_EINVALID, "variables", "variables must be an object");
    return VGW_OK;
}

/* 1: the same call was found; 0: it is new; negative: it is over. */
static int find_again(struct vgw_calls *calls, const char *name, const struct vgw_incoming *in,
                      struct vgw_call **ret_call, struct vgw_error *err)
{
    char key[VGW_PROVIDER_KEY_MAX];
    struct vgw_call *call = vgw_calls_find_provider(calls, name, in->provider_call_id);
    if (call && !call->settled) {
        *ret_call = call;
        return 1;
    }
    const char *call_id = call ? call->call_id : NULL;
    if (!call_id && vgw_provider_key(name, in->provider_call_id, key))
        call_id = vgw_recent_find(&calls->recent, key);
    return call_id ? vgw_error_set(err, VGW_EBUSY, "the call %s with this provider id has ended already", call_id) : 0;
}

static const struct vgw_route *find_route(struct vgw_calls *calls, void *instance, struct vgw_route_query query,
                                          struct vgw_snapshot *snapshot)
{
    const struct vgw_calls_env *env = &calls->env;
    query.provider = env->instance_name(env->arg, instance);
    query.plugin = env->instance_plugin(env->arg, instance);
    query.project = "default";
    return env->routes ? vgw_route_find(env->routes(env->arg, snapshot), &query) : NULL;
}

static void announce(struct vgw_call *call, bool refused)
{
    vgw_call_announce(call);
    if (!call->settled)
        vgw_calls_emit("call_initiated", call->session, call, vgw_call_parties(call));
    if (!refused && !call->settled)
        vgw_calls_emit("call_ringing", call->session, call, vgw_call_parties(call));
}

/* What the operator wrote for the route, and over it what the provider tells of this call; the caller's to free. */
static struct vgw_json *joined_variables(const struct vgw_json *routes, const struct vgw_json *told)
{
    struct vgw_json *joined = routes && told ? vgw_json_copy(routes) : NULL, *v;
    const char *key;
    for (size_t i = 0; joined && vgw_json_object_next(told, &i, &key, &v);)
        (void)vgw_json_set(joined, key, vgw_json_copy(v));
    return joined;
}

static int take_call(struct vgw_calls *calls, const struct vgw_incoming *in, struct vgw_call **ret_call,
                     struct vgw_error *err)
{
    const struct vgw_calls_env *env = &calls->env;
    struct vgw_call_seed seed = {
        .instance = in->instance,
        .session_id = in->session_id,
        .recovers = in->recovers,
        .provider_call_id = in->provider_call_id,
        .direction = "inbound",
        .from = in->from,
        .to = in->to,
        .transport = in->transport,
        .variables = in->variables,
    };
    seed.snapshot = env->snapshot ? env->snapshot(env->arg) : NULL;
    const struct vgw_route_query query = {.to = in->to, .from = in->from, .trunk = in->trunk, .script = in->script};
    seed.route = in->unproven ? NULL : find_route(calls, in->instance, query, seed.snapshot);
    const struct vgw_json *routes = seed.route ? vgw_json_get(seed.route->source, "variables") : NULL;
    struct vgw_json *joined = joined_variables(routes, in->variables);
    if (joined || !seed.variables)
        seed.variables = joined ? joined : routes;
    if (env->instance_ref)
        env->instance_ref(env->arg, in->instance);
    int status = vgw_call_make(calls, &seed, ret_call, err);
    vgw_json_free(joined);
    if (status == VGW_OK && in->variables) /* who a caller is, no caller says himself */
        vgw_json_del((*ret_call)->session->variables, "verified");
    if (status != VGW_OK) {
        vgw_snapshot_unref(seed.snapshot);
        if (env->instance_unref)
            env->instance_unref(env->arg, in->instance);
    }
    return status;
}

int vgw_calls_incoming(struct vgw_calls *calls, const struct vgw_incoming *in, struct vgw_call **ret_call,
                       struct vgw_error *err)
{
    struct vgw_call *call = NULL;
    int status = check_incoming(calls, in, err);
    if (status != VGW_OK)
        return status;
    int found = find_again(calls, calls->env.instance_name(calls->env.arg, in->instance), in, ret_call, err);
    if (found)
        return found > 0 ? VGW_OK : found;
    const char *refusal = vgw_calls_refusal(calls);
    status = take_call(calls, in, &call, err);
    if (status != VGW_OK)
        return status;
    call->state = VGW_CALL_RINGING;
    call->unproven = in->unproven && !refusal;
    if (refusal) {
        announce(call, true);
        vgw_call_settle(call, VGW_OUTCOME_BUSY, refusal, "limit");
        return vgw_error_set(err, VGW_ELIMIT, "%s", refusal);
    }
    call->known = true;
    call->answered_before = in->answered;
    *ret_call = call;
    if (call->unproven)
        return VGW_OK;
    call->route_due = true;
    announce(call, false);
    vgw_call_next_turn(call);
    return VGW_OK;
}

void vgw_call_proved(struct vgw_call *call)
{
    const struct vgw_route_query query = {.to = call->to, .from = call->from};
    call->unproven = false;
    call->route = find_route(call->calls, call->instance, query, call->session->snapshot);
    if (call->route && !vgw_session_follow(call->session, call->route)) {
        vgw_call_end(call, VGW_OUTCOME_FAILED, "memory is short", "limit");
        return;
    }
    announce(call, false);
    vgw_call_follow_route(call);
}

static void reject(struct vgw_call *call, const struct vgw_error *why)
{
    const char *error_class = vgw_status_info(why->status)->error_class;
    struct vgw_json *params = vgw_json_object();
    if (call->answered_before) {
        vgw_call_end(call, VGW_OUTCOME_FAILED, why->text, error_class);
    } else {
        vgw_json_set_string(params, "reason", why->text);
        vgw_call_begin_end(call, VGW_OUTCOME_FAILED, why->text, error_class);
        if (vgw_call_start(call, VGW_CMD_REJECT, params, NULL) != VGW_OK && !call->settled)
            vgw_call_lease(call, 0);
    }
    vgw_json_free(params);
}

void vgw_call_follow_route(struct vgw_call *call)
{
    struct vgw_error err = {0};
    if (call->settled || call->ending || call->state != VGW_CALL_RINGING)
        return;
    if (!call->route) {
        vgw_error_set(&err, VGW_ENOTFOUND,
                      "no route takes calls to %s from %s; add one to routes, `match: {}` takes all",
                      *call->to ? call->to : "an empty number", *call->from ? call->from : "an unknown caller");
        vgw_log(VGW_LOG_WARNING, &call->scope, "no route matches the incoming call, it is rejected", "from", call->from,
                "to", call->to, NULL);
        reject(call, &err);
    } else if (vgw_streq(call->route->media, "twiml") && !call->documents) {
        vgw_error_set(&err, VGW_EUNSUPPORTED, "the route says media: twiml, which the provider %s does not offer",
                      call->provider);
        vgw_log(VGW_LOG_WARNING, &call->scope, "an incoming call is rejected", "reason", err.text, NULL);
        reject(call, &err);
    } else if (call->answered_before) {
        vgw_call_connected(call);
    } else if (!vgw_op_pending(call, VGW_CMD_ANSWER) && vgw_call_start(call, VGW_CMD_ANSWER, NULL, &err) != VGW_OK) {
        vgw_call_end(call, VGW_OUTCOME_FAILED, err.text, vgw_status_info(err.status)->error_class);
    }
}
