/* documents.c - calls that their provider leads by documents of its own (media: twiml): there is no leg that would tell
 * what was said and heard, so the completed verbs do. */
#include <math.h>

#include "base/str.h"
#include "call/inside.h"

#define HIDDEN "***"

const char *vgw_call_greeting(const struct vgw_call *call)
{
    const char *greeting = vgw_json_get_string(call->plan, "greeting", call->route ? call->route->greeting : NULL);
    return greeting && *greeting ? greeting : NULL;
}

static void said(struct vgw_call *call, const char *text)
{
    struct vgw_json *data = vgw_json_object();
    vgw_session_add_turn(call->session, "assistant", text, -1, -1, false, NULL, NULL);
    vgw_json_set_string(data, "text", text);
    vgw_calls_emit("voice.assistant.text", call->session, call, data);
}

static void heard(struct vgw_call *call, const char *text, double confidence)
{
    struct vgw_json *data = vgw_json_object();
    uint32_t turn = 0;
    vgw_session_add_turn(call->session, "user", text, -1, confidence, false, NULL, &turn);
    vgw_json_set_string(data, "text", text);
    if (confidence >= 0)
        vgw_json_set_double(data, "confidence", confidence);
    vgw_json_set_string(data, "language", call->session->language);
    vgw_json_set_int(data, "turn", turn);
    vgw_calls_emit("voice.stt.final", call->session, call, data);
}

void vgw_call_greet(struct vgw_call *call)
{
    const char *greeting = vgw_call_greeting(call);
    struct vgw_error err = {0};
    if (!greeting)
        return;
    if (call->greeting_said) {
        said(call, greeting);
        return;
    }
    if (!call->documents) /* its leg says it */
        return;
    struct vgw_json *params = vgw_json_object();
    vgw_json_set_string(params, "text", greeting);
    if (vgw_call_start(call, VGW_CMD_SAY, params, &err) != VGW_OK)
        vgw_log(VGW_LOG_WARNING, &call->scope, "the greeting could not be said", "error", err.text, NULL);
    vgw_json_free(params);
}

static struct vgw_json *gathered(const struct vgw_op *op, struct vgw_call *call, const struct vgw_json *result)
{
    const char *prompt = vgw_json_get_string(op->params, "prompt", "");
    const char *text = vgw_json_get_string(result, "text", ""), *digits = vgw_json_get_string(result, "digits", "");
    bool sensitive = vgw_json_get_bool(op->params, "sensitive", false);
    double confidence = vgw_json_get_double(result, "confidence", -1);
    struct vgw_json *told = vgw_json_object();
    if (*prompt)
        said(call, sensitive ? HIDDEN : prompt);
    if (*text)
        heard(call, sensitive ? HIDDEN : text, confidence);
    vgw_json_set_string(told, "input", *text ? "speech" : *digits ? "dtmf" : "none");
    vgw_json_set_string(told, "digits", digits);
    vgw_json_set_string(told, "text", text);
    if (confidence >= 0)
        vgw_json_set_double(told, "confidence", confidence);
    return told;
}

/* With media a prompt tells how long it was heard; here it was heard when the vendor came back from it. */
static struct vgw_json *spoken(const struct vgw_op *op, struct vgw_call *call, const struct vgw_json *result)
{
    const char *text = vgw_json_get_string(op->params, "text", NULL);
    struct vgw_json *told = result ? vgw_json_copy(result) : vgw_json_object();
    if (text)
        said(call, vgw_json_get_bool(op->params, "sensitive", false) ? HIDDEN : text);
    if (!vgw_json_has(told, "interrupted"))
        vgw_json_set_bool(told, "interrupted", false);
    return told;
}

/* A message that the caller left is a recording like any other. */
static void message_recorded(struct vgw_call *call, const struct vgw_json *result)
{
    const char *id = vgw_json_get_string(result, "recording_id", NULL);
    struct vgw_json *began = vgw_json_object(), *over = vgw_json_object();
    double duration = vgw_json_get_double(result, "duration", NAN);
    if (!id || !*id) {
        vgw_json_free(began);
        vgw_json_free(over);
        return;
    }
    vgw_json_set_string(began, "recording_id", id);
    vgw_calls_emit("recording_started", call->session, call, began);
    vgw_json_set_string(over, "recording_id", id);
    vgw_json_set_string(over, "url", vgw_json_get_string(result, "url", NULL));
    if (!isnan(duration))
        vgw_json_set_double(over, "duration", duration);
    vgw_calls_emit("recording_stopped", call->session, call, over);
}

struct vgw_json *vgw_call_document_done(const struct vgw_op *op, struct vgw_call *call, int status,
                                        const struct vgw_json *result)
{
    if (!call->documents || status != VGW_OK)
        return NULL;
    vgw_session_touch(call->session);
    switch (op->command) {
    case VGW_CMD_GATHER:
        return gathered(op, call, result);
    case VGW_CMD_SAY:
    case VGW_CMD_PLAY:
        return spoken(op, call, result);
    case VGW_CMD_REDIRECT:
        call->redirected = true;
        return NULL;
    case VGW_CMD_RECORD_MESSAGE:
        message_recorded(call, result);
        return NULL;
    default:
        return NULL;
    }
}

bool vgw_call_is_elsewhere(const struct vgw_call *call)
{
    return call->redirected ||
           (call->documents && (vgw_op_pending(call, VGW_CMD_DIAL) || vgw_op_pending(call, VGW_CMD_ENQUEUE) ||
                                vgw_op_pending(call, VGW_CMD_CONFERENCE)));
}
