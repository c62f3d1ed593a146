/* end.c - how a call ends: asked for, forced, or told; once. */
#include <math.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "call/conference.h"
#include "call/inside.h"
#include "call/rate.h"
#include "voicegw/plugin.h"

void vgw_call_begin_end(struct vgw_call *call, enum vgw_outcome outcome, const char *cause, const char *error_class)
{
    if (call->settled || call->ending)
        return;
    call->ending = true;
    call->end_outcome = outcome;
    call->end_cause = vgw_strdup(cause);
    call->end_class = error_class;
    vgw_call_lease(call, call->calls->limits.end_timeout_us);
}

void vgw_call_end(struct vgw_call *call, enum vgw_outcome outcome, const char *cause, const char *error_class)
{
    if (call->settled || call->ending)
        return;
    vgw_log(VGW_LOG_DEBUG, &call->scope, "ending the call", "cause", cause, NULL);
    vgw_call_begin_end(call, outcome, cause, error_class);
    /* What cannot be asked is forced, on the next turn: whoever asked is told later, as promised. */
    if (!call->known || !(call->caps & VOICEGW_CAP_END) || vgw_call_start(call, VGW_CMD_END, NULL, NULL) != VGW_OK) {
        if (!call->settled)
            vgw_call_lease(call, 0);
    }
}

void vgw_call_transfer_over(struct vgw_call *call, const char *outcome)
{
    if (!call->transfer_kind)
        return;
    struct vgw_json *data = vgw_json_object();
    vgw_json_set_string(data, "to", call->transfer_to);
    vgw_json_set_string(data, "kind", call->transfer_kind);
    vgw_json_set_string(data, "outcome", outcome);
    call->transfer_kind = NULL;
    vgw_free(call->transfer_to);
    call->transfer_to = NULL;
    vgw_calls_emit("transfer_completed", call->session, call, data);
}

const char *vgw_call_recording_url(const struct vgw_call *call, char out[VGW_CALLS_URL_MAX])
{
    const struct vgw_calls_env *env = &call->calls->env;
    if ((!call->leg && !call->documents) || !call->recording_id || !env->recording_url)
        return NULL;
    env->recording_url(env->arg, call->recording_id, out, VGW_CALLS_URL_MAX);
    return out;
}

void vgw_call_recording_over(struct vgw_call *call, const char *url, double duration)
{
    if (!call->recording_id)
        return;
    if (isnan(duration)) {
        int64_t until_us = call->settled ? call->ended_us : vgw_now(call->calls->env.loop);
        duration = (double)(until_us - call->recording_since_us) / (double)VGW_US_PER_S;
    }
    char own[VGW_CALLS_URL_MAX];
    struct vgw_json *data = vgw_json_object();
    vgw_json_set_string(data, "recording_id", call->recording_id);
    vgw_json_set_string(data, "url", url ? url : vgw_call_recording_url(call, own));
    vgw_json_set_double(data, "duration", duration);
    vgw_free(call->recording_id);
    call->recording_id = NULL;
    vgw_calls_emit("recording_stopped", call->session, call, data);
}

static double seconds_between(int64_t from_us, int64_t to_us)
{
    return to_us > from_us ? (double)(to_us - from_us) / (double)VGW_US_PER_S : 0;
}

static struct vgw_json *terminal_data(const struct vgw_call *call)
{
    struct vgw_json *data = vgw_json_object();
    vgw_json_set_string(data, "status", vgw_outcome_name(call->outcome));
    if (call->state == VGW_CALL_ENDED) {
        vgw_json_set_double(data, "duration",
                            call->answered_wall_us ? seconds_between(call->answered_us, call->ended_us) : 0);
        vgw_json_set_double(data, "total_duration", seconds_between(call->created_us, call->ended_us));
    }
    vgw_json_set_string(data, "cause", call->cause ? call->cause : vgw_outcome_name(call->outcome));
    if (call->state == VGW_CALL_FAILED)
        vgw_json_set_string(data, "error_class", call->error_class);
    vgw_json_set_string(data, "from", call->from);
    vgw_json_set_string(data, "to", call->to);
    vgw_json_set_string(data, "direction", call->direction);
    return data;
}

static void remember_ended(struct vgw_call *call)
{
    char key[VGW_PROVIDER_KEY_MAX];
    bool keyed = call->provider_call_id && vgw_provider_key(call->provider, call->provider_call_id, key);
    if (keyed)
        vgw_recent_add(&call->calls->recent, key, call->call_id);
    vgw_late_add(&call->calls->late, call, keyed ? key : NULL);
}

/* By the operator's table, unless the provider told a price. */
static void set_price(struct vgw_call *call)
{
    const struct vgw_calls_env *env = &call->calls->env;
    const char *number = vgw_streq(call->direction, "inbound") ? call->from : call->to;
    char currency[VGW_RATE_CURRENCY];
    double cost;
    if (!isnan(call->cost) || !call->answered_wall_us || !env->price || !call->instance ||
        !env->price(env->arg, call->instance, number, seconds_between(call->answered_us, call->ended_us), &cost,
                    currency))
        return;
    call->cost = cost;
    vgw_text_set(&call->currency, currency);
}

/* Everything that could still act for the call lets go of it. */
static void let_go(struct vgw_call *call)
{
    const struct vgw_calls_env *env = &call->calls->env;
    if (call->leg && env->media_release) {
        call->summary_due = true;
        call->session->summaries_due++;
        env->media_release(env->arg, call);
    }
    if (call->known &&
        env->provider_forget) /* memory, not a word to the far side: also when the process is about to end */
        env->provider_forget(env->arg, call->instance, call);
    void *instance = call->instance;
    call->instance = NULL;
    if (instance && env->instance_unref)
        env->instance_unref(env->arg, instance);
}

static void mark_over(struct vgw_call *call, enum vgw_outcome outcome, const char *cause, const char *error_class)
{
    struct vgw_calls *calls = call->calls;
    call->settled = true;
    call->state = vgw_outcome_state(&outcome, call->answered_wall_us != 0);
    call->outcome = outcome;
    call->ended_us = vgw_now(calls->env.loop);
    call->ended_wall_us = vgw_wall(calls->env.loop);
    call->cause = vgw_strdup(call->end_cause ? call->end_cause : cause && *cause ? cause : vgw_outcome_name(outcome));
    call->error_class = call->end_class ? call->end_class : error_class;
    if (!call->error_class && outcome == VGW_OUTCOME_FAILED)
        call->error_class = "provider";
    vgw_timer_stop(&call->lease_timer);
    vgw_timer_stop(&call->media_timer);
    vgw_timer_stop(&call->turn_timer);
    vgw_list_remove(&call->link);
    calls->call_count--;
    call->session->live_calls--;
    set_price(call);
    if (!call->unproven)
        remember_ended(call);
}

static void tell_over(struct vgw_call *call)
{
    vgw_calls_journal(call->calls, "ended", vgw_call_to_json(call));
    vgw_call_transfer_over(call, call->handed_over ? "completed" : "failed");
    vgw_calls_emit(call->state == VGW_CALL_ENDED ? "call_ended" : "call_failed", call->session, call,
                   terminal_data(call));
    vgw_metric_add(
        vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_calls_total", "Calls that are over.", "provider status"), 1,
        call->provider, vgw_outcome_name(call->outcome), NULL);
    vgw_log(VGW_LOG_INFO, &call->scope, "the call is over", "status", vgw_outcome_name(call->outcome), "cause",
            call->cause, NULL);
}

/* Nobody ever heard of it; the same stream may come again at once. */
static void leave_no_trace(struct vgw_call *call)
{
    struct vgw_calls *calls = call->calls;
    char key[VGW_PROVIDER_KEY_MAX];
    call->session->record_done = true;
    vgw_map_take(calls->by_session, call->session->session_id);
    if (call->provider_call_id && vgw_provider_key(call->provider, call->provider_call_id, key))
        vgw_map_take(calls->by_provider, key);
}

void vgw_call_settle(struct vgw_call *call, enum vgw_outcome outcome, const char *cause, const char *error_class)
{
    struct vgw_session *s = call->session;
    if (call->settled)
        return;
    call->handed_over = !call->ending && outcome == VGW_OUTCOME_COMPLETED && vgw_streq(call->transfer_kind, "blind") &&
                        !vgw_consult_pending(call);
    mark_over(call, outcome, cause, error_class);
    if (call->unproven)
        leave_no_trace(call);
    else
        tell_over(call);
    vgw_consult_over(call);
    vgw_ops_end(call);
    vgw_conference_leave(call, false);
    let_go(call);
    if (s->live_calls == 0) {
        const struct vgw_call *first = VGW_CONTAINER_OF(s->call_list.next, struct vgw_call, in_session);
        vgw_session_stop(s, first->outcome, call->cause);
    }
}
