/* effect.c - what the completion of a command means for its call. */
#include <math.h>

#include "base/alloc.h"
#include "base/str.h"
#include "call/inside.h"

/* Asks the provider what became of a call whose answer is lost; false: it cannot say. */
static bool reconcile(struct vgw_call *call)
{
    return !call->settled && !call->ending && !vgw_op_pending(call, VGW_CMD_RECONCILE) &&
           vgw_call_start(call, VGW_CMD_RECONCILE, NULL, NULL) == VGW_OK;
}

static void made_call(struct vgw_call *call, int status, const char *sentence, const struct vgw_json *result)
{
    const char *error_class = vgw_status_info(status)->error_class;
    enum vgw_outcome outcome = VGW_OUTCOME_FAILED;
    vgw_call_set_provider_id(call, vgw_json_get_string(result, "provider_call_id", NULL));
    if (status == VGW_OK)
        return;
    if (status == VGW_ETIMEOUT && reconcile(call))
        return;
    /* Nobody knows what became of it, so it is hung up as if it were there. */
    if (status == VGW_ETIMEOUT) {
        vgw_call_end(call, VGW_OUTCOME_FAILED, sentence, error_class);
        return;
    }
    vgw_outcome_parse(vgw_json_get_string(result, "outcome", NULL), &outcome);
    vgw_call_settle(call, call->end_outcome ? call->end_outcome : outcome, sentence, error_class);
}

static void rejected(struct vgw_call *call, const char *sentence)
{
    vgw_call_settle(call, call->end_outcome ? call->end_outcome : VGW_OUTCOME_CANCELED, sentence, NULL);
}

static void end_answered(struct vgw_call *call, int status)
{
    if (status == VGW_ENOTFOUND)
        vgw_call_lease(call, 0);
}

static struct vgw_json *held(struct vgw_call *call, bool on, int status)
{
    enum vgw_call_state from = on ? VGW_CALL_CONNECTED : VGW_CALL_ON_HOLD;
    if (status != VGW_OK)
        return NULL;
    if (call->state == from)
        vgw_call_hold_changed(call, on, "gateway");
    struct vgw_json *result = vgw_json_object();
    vgw_json_set_string(result, "state", vgw_call_state_name(call->state));
    return result;
}

static struct vgw_json *transferred(struct vgw_call *call, int status, const struct vgw_json *result)
{
    const char *outcome = status == VGW_OK ? vgw_json_get_string(result, "outcome", "completed") : "failed";
    struct vgw_json *told = vgw_json_object();
    vgw_json_set_string(told, "outcome", outcome);
    if (!vgw_streq(outcome, "completed") && call->state == VGW_CALL_TRANSFERRING)
        vgw_call_set_state(call, call->state_before_transfer);
    vgw_call_transfer_over(call, outcome);
    /* Those two have spoken and the other one hung up: the vendor would come back to us for more. */
    if (call->documents && vgw_streq(outcome, "completed") && !call->settled)
        vgw_call_end(call, VGW_OUTCOME_NONE, "transferred", NULL);
    return told;
}

static struct vgw_json *record_started(struct vgw_call *call, const struct vgw_op *op, const struct vgw_json *result)
{
    const char *ours = vgw_json_get_string(op->params, "recording_id", "");
    const char *id = vgw_json_get_string(result, "recording_id", ours);
    if (call->recording_id || !vgw_text_set(&call->recording_id, id))
        return NULL;
    call->recording_since_us = vgw_now(call->calls->env.loop);
    struct vgw_json *data = vgw_json_object(), *told = vgw_json_object();
    vgw_json_set_string(data, "recording_id", id);
    vgw_json_set_string(told, "recording_id", id);
    vgw_calls_emit("recording_started", call->session, call, data);
    return told;
}

static struct vgw_json *record_stopped(struct vgw_call *call, const struct vgw_json *result)
{
    char own[VGW_CALLS_URL_MAX];
    const char *url = vgw_json_get_string(result, "url", NULL);
    double duration = vgw_json_get_double(result, "duration", NAN);
    if (!call->recording_id)
        return NULL;
    url = url ? url : vgw_call_recording_url(call, own);
    if (isnan(duration))
        duration = (double)(vgw_now(call->calls->env.loop) - call->recording_since_us) / 1e6;
    if (url)
        vgw_text_set(&call->session->recording_url, url);
    struct vgw_json *told = vgw_json_object();
    vgw_json_set_string(told, "recording_id", call->recording_id);
    vgw_json_set_string(told, "url", url);
    vgw_json_set_double(told, "duration", duration);
    vgw_call_recording_over(call, url, duration);
    return told;
}

/* The provider's view counts where it says that the call is over: its callback may be lost. */
static void status_told(struct vgw_call *call, const struct vgw_json *result)
{
    enum vgw_call_state state;
    struct vgw_state_report report = {.data = result};
    if (!vgw_call_state_parse(vgw_json_get_string(result, "state", NULL), &state) || !vgw_call_state_terminal(state))
        return;
    report.state = state;
    report.cause = vgw_json_get_string(result, "cause", NULL);
    vgw_outcome_parse(vgw_json_get_string(result, "outcome", NULL), &report.outcome);
    vgw_calls_report(call->calls, call, &report);
}

static void reconciled(struct vgw_call *call, int status, const char *sentence, const struct vgw_json *result)
{
    vgw_call_set_provider_id(call, vgw_json_get_string(result, "provider_call_id", NULL));
    if (status == VGW_OK) {
        status_told(call, result);
    } else if (status == VGW_ENOTFOUND && !call->provider_call_id) {
        vgw_call_settle(call, VGW_OUTCOME_FAILED, "the provider did not answer in time, and has no such call",
                        vgw_status_info(VGW_ETIMEOUT)->error_class);
    } else if (!call->provider_call_id) {
        vgw_call_end(call, VGW_OUTCOME_FAILED, sentence, vgw_status_info(status)->error_class);
    } else {
        vgw_log(VGW_LOG_WARNING, &call->scope, "the provider could not say what became of the call", "error", sentence,
                NULL);
    }
}

static struct vgw_json *op_apply(const struct vgw_op *op, struct vgw_call *call, int status, const char *sentence,
                                 const struct vgw_json *result)
{
    switch (op->command) {
    case VGW_CMD_MAKE_CALL:
        made_call(call, status, sentence, result);
        return NULL;
    case VGW_CMD_RECONCILE:
        reconciled(call, status, sentence, result);
        return NULL;
    case VGW_CMD_ANSWER:
        if (status != VGW_OK)
            vgw_call_end(call, VGW_OUTCOME_FAILED, sentence, vgw_status_info(status)->error_class);
        return NULL;
    case VGW_CMD_REJECT:
        rejected(call, sentence);
        return NULL;
    case VGW_CMD_END:
        end_answered(call, status);
        return NULL;
    case VGW_CMD_HOLD:
    case VGW_CMD_RESUME:
        return held(call, op->command == VGW_CMD_HOLD, status);
    case VGW_CMD_TRANSFER:
        return transferred(call, status, result);
    case VGW_CMD_RECORD_START:
        return status == VGW_OK ? record_started(call, op, result) : NULL;
    case VGW_CMD_RECORD_STOP:
        return status == VGW_OK ? record_stopped(call, result) : NULL;
    case VGW_CMD_MUTE:
    case VGW_CMD_UNMUTE:
        if (status == VGW_OK)
            call->muted = op->command == VGW_CMD_MUTE;
        return NULL;
    case VGW_CMD_STATUS:
        if (status == VGW_OK)
            status_told(call, result);
        return NULL;
    default:
        return NULL;
    }
}

struct vgw_json *vgw_op_apply(const struct vgw_op *op, struct vgw_call *call, int status, const char *sentence,
                              const struct vgw_json *result)
{
    struct vgw_json *told = op_apply(op, call, status, sentence, result);
    if (status == VGW_ETIMEOUT && op->by_provider && op->command != VGW_CMD_MAKE_CALL &&
        op->command != VGW_CMD_RECONCILE)
        reconcile(call);
    return told ? told : vgw_call_document_done(op, call, status, result);
}
