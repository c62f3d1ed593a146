/* connect.c - what happens when a call is answered. */
#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "call/inside.h"
#include "voicegw/plugin.h"

int64_t vgw_call_longest_us(const struct vgw_call *call)
{
    int64_t limit_us = call->calls->limits.max_call_duration_us;
    int64_t own_us = vgw_call_setting_us(call, "max_call_duration_seconds", limit_us);
    int64_t asked_us = vgw_json_get_int(call->plan, "max_duration_us", limit_us);
    own_us = own_us < limit_us ? own_us : limit_us;
    return asked_us < own_us ? asked_us : own_us;
}

void vgw_call_emit_error(struct vgw_call *call, const char *where, const struct vgw_error *err)
{
    const struct vgw_status_info *info = vgw_status_info(err->status);
    struct vgw_json *data = vgw_json_object();
    vgw_json_set_string(data, "error", err->text);
    vgw_json_set_string(data, "error_class", info->error_class);
    vgw_json_set_string(data, "where", where);
    vgw_json_set_bool(data, "retryable", info->retryable);
    vgw_calls_emit("error", call->session, call, data);
}

int vgw_calls_leg(struct vgw_calls *calls, struct vgw_call *call, uint64_t *ret_leg, struct vgw_error *err)
{
    if (call->settled)
        return vgw_error_set(err, VGW_ENOTFOUND, "the call has ended");
    if (!(call->caps & VOICEGW_CAP_MEDIA) || !calls->env.media_attach)
        return vgw_error_set(err, VGW_EUNSUPPORTED, "the provider %s does not bring a call's audio to the gateway",
                             call->provider);
    if (!call->leg) {
        uint64_t leg = 0;
        int status = calls->env.media_attach(calls->env.arg, call, &leg, err);
        if (status != VGW_OK)
            return status;
        call->leg = leg;
    }
    *ret_leg = call->leg;
    return VGW_OK;
}

static bool start_media(struct vgw_call *call)
{
    struct vgw_calls *calls = call->calls;
    struct vgw_error err = {0};
    uint64_t leg;
    if (!(call->caps & VOICEGW_CAP_MEDIA) || !calls->env.media_attach)
        return true;
    if (vgw_calls_leg(calls, call, &leg, &err) != VGW_OK) {
        vgw_call_emit_error(call, "media", &err);
        vgw_call_end(call, VGW_OUTCOME_NONE, err.text, vgw_status_info(err.status)->error_class);
        return false;
    }
    call->leg_started = true;
    vgw_call_watch_media(call);
    if (calls->env.media_begin)
        calls->env.media_begin(calls->env.arg, call);
    return !call->settled && !call->ending;
}

static void start_recording(struct vgw_call *call)
{
    const struct vgw_calls_env *env = &call->calls->env;
    const char *set =
        env->instance_setting ? env->instance_setting(env->arg, call->instance, "recording_enabled") : NULL;
    struct vgw_error err = {0};
    bool wanted = false;
    if (set)
        vgw_parse_bool(set, &wanted);
    if (!wanted && !(call->route && call->route->record) && !vgw_json_get_bool(call->plan, "record", false))
        return;
    if (vgw_calls_command(call->calls, call, VGW_CMD_RECORD_START, NULL, false, NULL, NULL, &err) != VGW_OK)
        vgw_call_emit_error(call, "recording", &err);
}

static const char *workflow_of(const struct vgw_call *call)
{
    const char *planned = vgw_json_get_string(call->plan, "workflow", NULL);
    if (planned || vgw_json_get_string(call->plan, "assistant", NULL) || vgw_json_get_string(call->plan, "agent", NULL))
        return planned;
    return call->route ? call->route->workflow : NULL;
}

static void on_apology_said(void *arg, int status, const char *sentence, const struct vgw_json *result)
{
    (void)status;
    (void)sentence;
    (void)result;
    vgw_call_end(arg, VGW_OUTCOME_NONE, "workflow_not_started", "internal");
}

static void apologize(struct vgw_call *call, const char *workflow)
{
    struct vgw_error err;
    vgw_error_set(&err, VGW_EINTERNAL, "the workflow %s could not be started", workflow);
    vgw_call_emit_error(call, "workflow", &err);
    if (call->settled)
        return;
    struct vgw_json *params = vgw_json_object();
    vgw_json_set_string(params, "text",
                        "We are sorry, your call cannot be served now. Please try again later. Goodbye.");
    vgw_json_set_bool(params, "interruptible", false);
    if (vgw_calls_command(call->calls, call, VGW_CMD_SAY, params, false, on_apology_said, call, NULL) != VGW_OK)
        vgw_call_end(call, VGW_OUTCOME_NONE, "workflow_not_started", "internal");
    vgw_json_free(params);
}

static void answered(struct vgw_call *call)
{
    struct vgw_calls *calls = call->calls;
    call->answered_us = vgw_now(calls->env.loop);
    call->answered_wall_us = vgw_wall(calls->env.loop);
    if (!call->ending)
        vgw_call_lease(call, vgw_call_longest_us(call));
    vgw_session_activate(call->session);
    vgw_call_set_state(call, VGW_CALL_CONNECTED);
    struct vgw_json *data = vgw_json_object();
    vgw_json_set_string(data, "from", call->from);
    vgw_json_set_string(data, "to", call->to);
    vgw_json_set_string(data, "answered_by", call->answered_by);
    vgw_json_set_string(data, "direction", call->direction);
    vgw_calls_emit("call_answered", call->session, call, data);
}

void vgw_call_connected(struct vgw_call *call)
{
    struct vgw_calls *calls = call->calls;
    bool was_ending = call->ending;
    call->connecting = true; /* whoever hears of the answer may ask for something at once */
    answered(call);
    if (call->settled)
        return;
    if (call->ending) {
        /* It was answered while our hang-up was on its way, which may have been for a ringing call only. */
        if (was_ending && (call->caps & VOICEGW_CAP_END) && !vgw_op_pending(call, VGW_CMD_END))
            vgw_call_start(call, VGW_CMD_END, NULL, NULL);
        return;
    }
    bool up = start_media(call);
    call->connecting = false;
    if (!up)
        return;
    vgw_call_greet(call);
    start_recording(call);
    const char *workflow = workflow_of(call);
    if (workflow && !call->settled && !call->ending &&
        !(calls->env.workflow_start && calls->env.workflow_start(calls->env.arg, call, workflow)))
        apologize(call, workflow);
    if (!call->settled)
        vgw_call_start_waiting(call);
}
