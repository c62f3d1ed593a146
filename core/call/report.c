/* report.c - what a provider says of a call: applied in the order that makes sense, dropped where it does not. */
#include <math.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "call/inside.h"

void vgw_call_set_state(struct vgw_call *call, enum vgw_call_state state)
{
    call->state = state;
    vgw_session_touch(call->session);
    vgw_calls_journal(call->calls, "call", vgw_call_to_json(call));
}

void vgw_call_hold_changed(struct vgw_call *call, bool on, const char *by)
{
    const struct vgw_calls_env *env = &call->calls->env;
    struct vgw_json *data = vgw_json_object();
    vgw_json_set_string(data, "by", by);
    vgw_call_set_state(call, on ? VGW_CALL_ON_HOLD : VGW_CALL_CONNECTED);
    if (env->media_held && call->leg_started)
        env->media_held(env->arg, call, on);
    vgw_calls_emit(on ? "hold_started" : "hold_ended", call->session, call, data);
}

/* What only the stream itself tells: its id, its kind, and where a call that began with it comes from. */
static void absorb_transport(struct vgw_call *call, const struct vgw_json *data)
{
    struct vgw_session *s = call->session;
    const char *transport = vgw_json_get_string(data, "transport", NULL),
               *sid = vgw_json_get_string(data, "stream_sid", NULL);
    const char *from = vgw_json_get_string(data, "from", ""), *to = vgw_json_get_string(data, "to", "");
    if (transport)
        vgw_text_set(&s->transport, transport);
    if (sid)
        vgw_json_set_string(s->transport_metadata, "stream_sid", sid);
    if (from[0] && !call->from[0] && vgw_text_set(&call->from, from)) {
        vgw_json_set_string(s->transport_metadata, "from_number", from);
        if (vgw_streq(call->direction, "inbound") && !s->caller_id[0])
            vgw_text_set(&s->caller_id, from);
    }
    if (to[0] && !call->to[0] && vgw_text_set(&call->to, to))
        vgw_json_set_string(s->transport_metadata, "to_number", to);
}

static void absorb_cost(struct vgw_call *call, const struct vgw_json *data)
{
    double cost = vgw_json_get_double(data, "cost", NAN);
    const char *currency = vgw_json_get_string(data, "currency", NULL);
    if (!isnan(cost))
        call->cost = cost;
    if (currency)
        vgw_text_set(&call->currency, currency);
}

void vgw_calls_report_cost(struct vgw_calls *calls, struct vgw_call *call, const struct vgw_json *data)
{
    absorb_cost(call, data);
    if (call->settled)
        vgw_calls_report_late(calls, call->handle, &(struct vgw_state_report){.data = data});
}

bool vgw_calls_report_late(struct vgw_calls *calls, uint64_t handle, const struct vgw_state_report *report)
{
    struct vgw_late_call *late = vgw_late_find(&calls->late, handle);
    double cost = vgw_json_get_double(report->data, "cost", NAN);
    const char *currency = vgw_json_get_string(report->data, "currency", NULL);
    if (!late || isnan(cost) || vgw_json_set_double(late->call, "cost", cost) != VGW_OK)
        return false;
    if (currency)
        vgw_json_set_string(late->call, "currency", currency);
    if (calls->env.late_cost)
        calls->env.late_cost(calls->env.arg, late);
    return true;
}

const struct vgw_late_call *vgw_calls_late(struct vgw_calls *calls, uint64_t handle)
{
    return vgw_late_find(&calls->late, handle);
}

const struct vgw_late_call *vgw_calls_late_provider(struct vgw_calls *calls, const char *instance_name,
                                                    const char *provider_call_id)
{
    char key[VGW_PROVIDER_KEY_MAX];
    return provider_call_id && vgw_provider_key(instance_name, provider_call_id, key)
               ? vgw_late_find_key(&calls->late, key)
               : NULL;
}

static void absorb(struct vgw_call *call, const struct vgw_state_report *r)
{
    vgw_call_set_provider_id(call, r->provider_call_id);
    absorb_transport(call, r->data);
    const char *answered_by = vgw_json_get_string(r->data, "answered_by", NULL);
    if (answered_by && !call->answered_by)
        vgw_text_set(&call->answered_by, answered_by);
    if (vgw_json_get_bool(r->data, "greeting_said", false) && !call->answered_wall_us)
        call->greeting_said = true;
    absorb_cost(call, r->data);
}

void vgw_calls_answerer(struct vgw_call *call, const char *answered_by)
{
    if (!vgw_text_set(&call->answered_by, answered_by))
        vgw_log(VGW_LOG_ERROR, &call->scope, "out of memory: who answered is not in the record", NULL);
}

static enum vgw_outcome told_outcome(const struct vgw_call *call, const struct vgw_state_report *r)
{
    bool answered = call->answered_wall_us != 0;
    enum vgw_outcome outcome = r->outcome;
    if (call->ending && call->end_outcome != VGW_OUTCOME_NONE)
        return call->end_outcome;
    if (outcome == VGW_OUTCOME_NONE && r->state == VGW_CALL_FAILED)
        return VGW_OUTCOME_FAILED;
    if (outcome == VGW_OUTCOME_NONE)
        outcome = answered || vgw_streq(call->direction, "outbound") ? VGW_OUTCOME_COMPLETED : VGW_OUTCOME_CANCELED;
    /* What we hung up before anybody answered was canceled, whatever the provider calls it. */
    if (call->ending && !answered && outcome == VGW_OUTCOME_COMPLETED)
        outcome = VGW_OUTCOME_CANCELED;
    return outcome;
}

static void report_terminal(struct vgw_call *call, const struct vgw_state_report *r)
{
    const char *class_name = vgw_json_get_string(r->data, "error_class", NULL);
    const char *error_class = class_name ? vgw_status_info(vgw_status_from_class(class_name))->error_class : NULL;
    vgw_call_settle(call, told_outcome(call, r), r->cause, error_class);
}

static void report_transfer(struct vgw_call *call, const struct vgw_state_report *r)
{
    /* One that came to nothing, and whose operation has not said so yet, is over now. */
    vgw_call_transfer_over(call, "failed");
    if (call->settled)
        return;
    call->state_before_transfer = call->state;
    call->transfer_kind = vgw_streq(vgw_json_get_string(r->data, "kind", NULL), "attended") ? "attended" : "blind";
    const char *to = vgw_json_get_string(r->data, "to", NULL);
    if (to)
        vgw_text_set(&call->transfer_to, to);
    vgw_call_transfer_begun(call);
}

void vgw_call_transfer_begun(struct vgw_call *call)
{
    struct vgw_json *data = vgw_json_object();
    vgw_json_set_string(data, "to", call->transfer_to);
    vgw_json_set_string(data, "kind", call->transfer_kind);
    vgw_json_set_string(data, "outcome", "pending");
    vgw_call_set_state(call, VGW_CALL_TRANSFERRING);
    vgw_calls_emit("transfer_initiated", call->session, call, data);
}

/* The transfer came to nothing: the caller is back where the provider says. */
static void back_from_transfer(struct vgw_call *call, enum vgw_call_state state)
{
    if (state != call->state_before_transfer)
        vgw_call_hold_changed(call, state == VGW_CALL_ON_HOLD, "provider");
    else
        vgw_call_set_state(call, state);
    if (!call->settled && !vgw_op_pending(call, VGW_CMD_TRANSFER))
        vgw_call_transfer_over(call, "failed");
}

static void apply(struct vgw_call *call, const struct vgw_state_report *r)
{
    bool was_transferring = call->state == VGW_CALL_TRANSFERRING;
    switch (r->state) {
    case VGW_CALL_RINGING:
        vgw_call_set_state(call, VGW_CALL_RINGING);
        vgw_calls_emit("call_ringing", call->session, call, vgw_call_parties(call));
        break;
    case VGW_CALL_CONNECTED:
        if (was_transferring)
            back_from_transfer(call, VGW_CALL_CONNECTED);
        else if (call->state == VGW_CALL_ON_HOLD)
            vgw_call_hold_changed(call, false, vgw_op_pending(call, VGW_CMD_RESUME) ? "gateway" : "provider");
        else
            vgw_call_connected(call);
        break;
    case VGW_CALL_ON_HOLD:
        if (was_transferring)
            back_from_transfer(call, VGW_CALL_ON_HOLD);
        else
            vgw_call_hold_changed(call, true, vgw_op_pending(call, VGW_CMD_HOLD) ? "gateway" : "provider");
        break;
    case VGW_CALL_TRANSFERRING:
        report_transfer(call, r);
        break;
    default:
        break;
    }
}

void vgw_calls_report(struct vgw_calls *calls, struct vgw_call *call, const struct vgw_state_report *report)
{
    if (call->settled && vgw_calls_report_late(calls, call->handle, report)) {
        absorb_cost(call, report->data); /* its session's record is still to be written */
        return;
    }
    if (call->settled || (report->sequence && report->sequence < call->sequence)) {
        vgw_metric_dropped("call_state_late");
        return;
    }
    if (report->sequence && report->sequence == call->sequence) {
        vgw_metric_dropped("call_state_duplicate");
        return;
    }
    absorb(call, report);
    if (call->unproven && report->state == VGW_CALL_CONNECTED) {
        call->sequence = report->sequence;
        vgw_call_proved(call);
        return;
    }
    if (call->unproven && !vgw_call_state_terminal(report->state)) {
        vgw_metric_dropped("call_state_illegal");
        return;
    }
    if (report->state == call->state) {
        call->sequence = report->sequence ? report->sequence : call->sequence;
        vgw_metric_dropped("call_state_duplicate");
        return;
    }
    bool terminal = vgw_call_state_terminal(report->state);
    if (!terminal && !vgw_call_state_allows(call->state, report->state)) {
        vgw_metric_dropped("call_state_illegal");
        vgw_log(VGW_LOG_DEBUG, &call->scope, "the provider reported a state that the call cannot take", "state",
                vgw_call_state_name(call->state), "reported", vgw_call_state_name(report->state), NULL);
        return;
    }
    if (report->sequence)
        call->sequence = report->sequence;
    if (terminal)
        report_terminal(call, report);
    else
        apply(call, report);
}

void vgw_calls_report_dtmf(struct vgw_calls *calls, struct vgw_call *call, const char *digit, uint32_t duration_ms,
                           const char *source)
{
    (void)calls;
    if (call->settled || !digit || !*digit) {
        vgw_metric_dropped("dtmf");
        return;
    }
    const struct vgw_calls_env *env = &call->calls->env;
    const char *way = source ? source : "provider";
    if (env->media_digit && call->leg_started && env->media_digit(env->arg, call, digit[0], duration_ms, way))
        return;
    struct vgw_json *data = vgw_json_object();
    vgw_json_set_string(data, "digit", digit);
    vgw_json_set_int(data, "duration_ms", duration_ms);
    vgw_json_set_string(data, "source", way);
    vgw_calls_activity(calls, call);
    vgw_calls_emit("dtmf_received", call->session, call, data);
}

void vgw_calls_report_recording(struct vgw_call *call, const char *recording_id, bool started, const char *url,
                                double duration_s)
{
    bool known = vgw_streq(call->recording_id, recording_id);
    /* What was asked for is told by the completion of the command that did. */
    if (vgw_op_pending(call, started ? VGW_CMD_RECORD_START : VGW_CMD_RECORD_STOP) || (started && known))
        return;
    if (!started && known) {
        vgw_call_recording_over(call, url, duration_s);
        return;
    }
    struct vgw_json *data = vgw_json_object();
    vgw_json_set_string(data, "recording_id", recording_id);
    if (started && !call->recording_id && vgw_text_set(&call->recording_id, recording_id)) {
        call->recording_since_us = vgw_now(call->calls->env.loop);
    } else if (!started) {
        vgw_json_set_string(data, "url", url);
        vgw_json_set_double(data, "duration", duration_s);
    }
    vgw_calls_emit(started ? "recording_started" : "recording_stopped", call->session, call, data);
}
