/* outgoing.c - placing a call. */
#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "call/inside.h"
#include "config/snapshot.h"
#include "voicegw/plugin.h"

static int check_outgoing(const struct vgw_outgoing *out, struct vgw_error *err)
{
    if (!vgw_party_valid(out->to))
        return vgw_error_at(err, VGW_EINVALID, "to",
                            "to must be a phone number (+15551234567), a sip: address or a provider's name");
    if (out->from && *out->from && !vgw_party_valid(out->from))
        return vgw_error_at(err, VGW_EINVALID, "from",
                            "from must be a phone number (+15551234567), a sip: address or a provider's name");
    if (out->workflow && (out->assistant || out->agent))
        return vgw_error_at(err, VGW_EINVALID, "assistant",
                            "workflow and assistant or agent exclude each other; a workflow can have a step of type "
                            "assistant");
    if (out->variables && vgw_json_type(out->variables) != VGW_JSON_OBJECT)
        return vgw_error_at(err, VGW_EINVALID, "variables", "variables must be an object");
    if (out->ring_timeout_us < 0)
        return vgw_error_at(err, VGW_EINVALID, "timeout_seconds", "timeout_seconds must be more than 0");
    return VGW_OK;
}

static int find_instance(struct vgw_calls *calls, const struct vgw_outgoing *out, void **ret_instance,
                         struct vgw_error *err)
{
    const struct vgw_calls_env *env = &calls->env;
    bool named = out->provider && *out->provider;
    void *instance = env->instance_find(env->arg, named ? out->provider : NULL);
    if (!instance)
        return named ? vgw_error_at(err, VGW_EINVALID, "provider", "there is no provider %s; name one of `providers:`",
                                    out->provider)
                     : vgw_error_at(err, VGW_EINVALID, "provider",
                                    "no provider was named and there is no default_provider");
    if (!(env->instance_caps(env->arg, instance) & VOICEGW_CAP_MAKE_CALL)) {
        vgw_error_at(err, VGW_EUNSUPPORTED, "provider", "the provider %s cannot place calls",
                     env->instance_name(env->arg, instance));
        env->instance_unref(env->arg, instance);
        return VGW_EUNSUPPORTED;
    }
    if (out->documents && !(env->instance_caps(env->arg, instance) & VOICEGW_CAP_IVR)) {
        vgw_error_at(err, VGW_EUNSUPPORTED, "media", "the provider %s has no documents of its own (media: twiml)",
                     env->instance_name(env->arg, instance));
        env->instance_unref(env->arg, instance);
        return VGW_EUNSUPPORTED;
    }
    *ret_instance = instance;
    return VGW_OK;
}

static struct vgw_json *make_plan(const struct vgw_outgoing *out)
{
    struct vgw_json *plan = vgw_json_object();
    const char *const values[] = {out->greeting, out->assistant, out->workflow, out->language, out->agent};
    static const char *const names[] = {"greeting", "assistant", "workflow", "language", "agent"};
    int failed = plan ? 0 : VGW_ELIMIT;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (values[i] && !failed)
            failed = vgw_json_set_string(plan, names[i], values[i]);
    }
    if (out->max_duration_us > 0 && !failed)
        failed = vgw_json_set_int(plan, "max_duration_us", out->max_duration_us);
    if (out->record && !failed)
        failed = vgw_json_set_bool(plan, "record", true);
    if (out->platform && !failed) {
        struct vgw_json *copy = vgw_json_copy(out->platform);
        failed = copy ? vgw_json_set(plan, "platform", copy) : VGW_ELIMIT;
    }
    if (!failed)
        return plan;
    vgw_json_free(plan);
    return NULL;
}

/* The number that whoever is called sees: as asked, else of the route for such calls, else of the provider. */
static const char *shown_number(struct vgw_calls *calls, const struct vgw_outgoing *out, void *instance,
                                struct vgw_snapshot *snapshot)
{
    const struct vgw_calls_env *env = &calls->env;
    const struct vgw_route_query query = {.provider = env->instance_name(env->arg, instance),
                                          .plugin = env->instance_plugin(env->arg, instance),
                                          .to = out->to,
                                          .project = out->project_id && *out->project_id ? out->project_id : "default"};
    const char *from = out->from && *out->from ? out->from : NULL;
    if (!from && env->routes)
        from = vgw_route_caller_id(env->routes(env->arg, snapshot), &query);
    if (!from && env->instance_setting)
        from = env->instance_setting(env->arg, instance, "default_from");
    return from;
}

static int make_call(struct vgw_calls *calls, const struct vgw_outgoing *out, void *instance,
                     struct vgw_call **ret_call, struct vgw_error *err)
{
    const struct vgw_calls_env *env = &calls->env;
    struct vgw_snapshot *snapshot = env->snapshot ? env->snapshot(env->arg) : NULL;
    struct vgw_call_seed seed = {
        .instance = instance,
        .snapshot = snapshot,
        .direction = "outbound",
        .from = shown_number(calls, out, instance, snapshot),
        .to = out->to,
        .project_id = out->project_id && *out->project_id ? out->project_id : NULL,
        .language = out->language,
        .lead_id = out->lead_id,
        .reservation_id = out->reservation_id,
        .variables = out->variables,
        .ring_timeout_us = out->ring_timeout_us,
        .documents = out->documents,
    };
    seed.plan = make_plan(out);
    int status = seed.plan ? vgw_call_make(calls, &seed, ret_call, err) : vgw_error_nomem(err);
    if (status != VGW_OK) {
        vgw_json_free(seed.plan);
        vgw_snapshot_unref(snapshot);
    }
    return status;
}

static int dial(struct vgw_call *call, struct vgw_error *err)
{
    struct vgw_json *params = vgw_json_object();
    int failed = params ? 0 : VGW_ELIMIT;
    failed |= vgw_json_set_string(params, "to", call->to);
    failed |= vgw_json_set_string(params, "from", call->from);
    failed |= vgw_json_set_string(params, "session_id", call->session->session_id);
    failed |= vgw_json_set_string(params, "call_id", call->call_id);
    failed |= vgw_json_set_int(params, "ring_timeout_ms", call->ring_timeout_us / VGW_US_PER_MS);
    failed |= vgw_json_set_int(params, "max_duration_ms", vgw_call_longest_us(call) / VGW_US_PER_MS);
    failed |= vgw_json_set(params, "variables", vgw_json_ref(call->session->variables));
    int status = failed ? vgw_error_nomem(err) : VGW_OK;
    call->known = true;
    if (status == VGW_OK && (status = vgw_call_start(call, VGW_CMD_MAKE_CALL, params, err)) != VGW_OK)
        call->known = false;
    vgw_json_free(params);
    return status;
}

int vgw_calls_place(struct vgw_calls *calls, const struct vgw_outgoing *out, struct vgw_call **ret_call,
                    struct vgw_error *err)
{
    struct vgw_error local = {0};
    struct vgw_call *call = NULL;
    void *instance = NULL;
    int status = check_outgoing(out, err);
    if (status == VGW_OK)
        status = find_instance(calls, out, &instance, err);
    if (status != VGW_OK)
        return status;
    const char *refusal = vgw_calls_refusal(calls);
    status = make_call(calls, out, instance, &call, err);
    if (status != VGW_OK || !call) {
        if (calls->env.instance_unref)
            calls->env.instance_unref(calls->env.arg, instance);
        return status;
    }
    call->state = VGW_CALL_INITIATING;
    vgw_call_announce(call);
    if (!call->settled)
        vgw_calls_emit("call_initiated", call->session, call, vgw_call_parties(call));
    if (refusal) {
        vgw_call_settle(call, VGW_OUTCOME_BUSY, refusal, "limit");
        return vgw_error_set(err, VGW_ELIMIT, "%s", refusal);
    }
    /* Whoever heard of it may have ended it already. */
    if (!call->settled && !call->ending && (status = dial(call, &local)) != VGW_OK) {
        vgw_call_settle(call, VGW_OUTCOME_FAILED, local.text, vgw_status_info(status)->error_class);
        if (err)
            *err = local;
        return status;
    }
    *ret_call = call;
    return VGW_OK;
}
