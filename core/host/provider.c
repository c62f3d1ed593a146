/* provider.c - between the call room and provider plugins: operations one way, reports the other. */
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "host/host_private.h"

#define HAS(p, member) ((p)->size >= offsetof(struct voicegw_provider, member) + sizeof((p)->member) && (p)->member)

/* ---- operations, to the plugin ---- */

static const struct voicegw_provider *provider_of(struct vgw_instance *instance)
{
    return vgw_instance_extension(instance, VOICEGW_KIND_PROVIDER);
}

static const char *str(const struct vgw_json *params, const char *key)
{
    return vgw_json_get_string(params, key, "");
}

static int op_make_call(const struct voicegw_provider *p, void *i, uint64_t op, struct vgw_call *call,
                        const struct vgw_json *params)
{
    char *variables = vgw_json_text(call->session->variables, false);
    const struct vgw_json *platform = vgw_json_get(call->plan, "platform");
    const struct vgw_json *keys = platform ? platform : call->route ? call->route->source : NULL;
    char *route = keys ? vgw_json_text(keys, false) : NULL;
    struct voicegw_call_params out = {.size = sizeof out,
                                      .ring_timeout_ms = (uint32_t)vgw_json_get_int(params, "ring_timeout_ms", 30000),
                                      .max_duration_ms = (uint32_t)vgw_json_get_int(params, "max_duration_ms", 3600000),
                                      .to = call->to,
                                      .from = call->from,
                                      .session_id = call->session->session_id,
                                      .call_id = call->call_id,
                                      .variables_json = variables ? variables : "{}",
                                      .route_json = route ? route : "{}"};
    int rc = p->validate ? p->validate(i, &out) : 0;
    if (rc == 0)
        rc = p->make_call(i, op, call->handle, &out);
    vgw_free(variables);
    vgw_free(route);
    return rc;
}

static int op_record(const struct voicegw_provider *p, void *i, uint64_t op, uint64_t call, int command)
{
    uint32_t action = command == VGW_CMD_RECORD_START   ? VOICEGW_RECORD_START
                      : command == VGW_CMD_RECORD_STOP  ? VOICEGW_RECORD_STOP
                      : command == VGW_CMD_RECORD_PAUSE ? VOICEGW_RECORD_PAUSE
                                                        : VOICEGW_RECORD_RESUME;
    return p->record ? p->record(i, op, call, action) : VOICEGW_EUNSUPPORTED;
}

static int op_transfer(const struct voicegw_provider *p, void *i, uint64_t op, const struct vgw_call *call,
                       const struct vgw_json *params)
{
    struct vgw_json *told = vgw_json_copy(params);
    if (call->route && call->route->caller_id && !vgw_json_has(told, "from"))
        vgw_json_set_string(told, "from", call->route->caller_id);
    char *text = vgw_json_text(told, false);
    uint32_t kind = vgw_streq(str(params, "kind"), "attended") ? VOICEGW_TRANSFER_ATTENDED : VOICEGW_TRANSFER_BLIND;
    int rc = p->transfer ? p->transfer(i, op, call->handle, kind, str(params, "to"), text ? text : "{}")
                         : VOICEGW_EUNSUPPORTED;
    vgw_free(text);
    vgw_json_free(told);
    return rc;
}

/* Where the step names neither voice nor language, the route's voice and the session's language hold, as with media. */
static int op_say(const struct voicegw_provider *p, void *i, uint64_t op, struct vgw_call *call,
                  const struct vgw_json *params)
{
    const char *voice = call->route && call->route->voice ? call->route->voice : "";
    return p->say(i, op, call->handle, str(params, "text"), vgw_json_get_string(params, "voice", voice),
                  vgw_json_get_string(params, "language", call->session->language));
}

static int op_start(const struct voicegw_provider *p, void *i, uint64_t op, struct vgw_call *c, int command,
                    const struct vgw_json *params)
{
    uint64_t call = c->handle;
    switch (command) {
    case VGW_CMD_MAKE_CALL:
        return p->make_call ? op_make_call(p, i, op, c, params) : VOICEGW_EUNSUPPORTED;
    case VGW_CMD_ANSWER:
        return p->answer ? p->answer(i, op, call) : VOICEGW_EUNSUPPORTED;
    case VGW_CMD_REJECT:
        return p->reject ? p->reject(i, op, call, str(params, "reason")) : VOICEGW_EUNSUPPORTED;
    case VGW_CMD_END:
        return p->end ? p->end(i, op, call) : VOICEGW_EUNSUPPORTED;
    case VGW_CMD_HOLD:
    case VGW_CMD_RESUME:
        return p->hold ? p->hold(i, op, call, command == VGW_CMD_HOLD, str(params, "music")) : VOICEGW_EUNSUPPORTED;
    case VGW_CMD_TRANSFER:
        return op_transfer(p, i, op, c, params);
    case VGW_CMD_PLAY:
        return p->play ? p->play(i, op, call, str(params, "url"), vgw_json_get_bool(params, "loop", false) ? 0 : 1)
                       : VOICEGW_EUNSUPPORTED;
    case VGW_CMD_SAY:
        return p->say ? op_say(p, i, op, c, params) : VOICEGW_EUNSUPPORTED;
    case VGW_CMD_DTMF:
        return p->dtmf ? p->dtmf(i, op, call, str(params, "digits")) : VOICEGW_EUNSUPPORTED;
    case VGW_CMD_MUTE:
    case VGW_CMD_UNMUTE:
        return p->mute ? p->mute(i, op, call, command == VGW_CMD_MUTE) : VOICEGW_EUNSUPPORTED;
    case VGW_CMD_RECORD_START:
    case VGW_CMD_RECORD_STOP:
    case VGW_CMD_RECORD_PAUSE:
    case VGW_CMD_RECORD_RESUME:
        return op_record(p, i, op, call, command);
    case VGW_CMD_RECONCILE:
        return HAS(p, reconcile)
                   ? p->reconcile(i, op, c->provider_call_id ? c->provider_call_id : "", c->created_wall_us)
                   : VOICEGW_EUNSUPPORTED;
    case VGW_CMD_STATUS:
        return p->status ? p->status(i, op, call) : VOICEGW_EUNSUPPORTED;
    default:
        return VOICEGW_EUNSUPPORTED;
    }
}

int vgw_host_provider_op(struct vgw_host *host, struct vgw_instance *instance, uint64_t op, struct vgw_call *call,
                         int command, const struct vgw_json *params, struct vgw_error *err)
{
    const struct voicegw_provider *p = provider_of(instance);
    vgw_host_clear_error();
    int rc = !p                                           ? VOICEGW_EUNSUPPORTED
             : vgw_command_is_verb(call, command, params) ? vgw_host_ivr_op(instance, op, call, command, params)
             : command == VGW_CMD_CONFERENCE              ? vgw_host_conference_op(instance, op, call->handle, params)
                                             : op_start(p, instance->plugin_instance, op, call, command, params);
    if (rc == 0)
        return 0;
    const char *sentence = vgw_host_last_error();
    if (sentence[0])
        return vgw_error_set(err, rc, "%s", sentence);
    return vgw_error_set(err, rc, "the provider '%s' cannot %s", instance->name,
                         vgw_command_name((enum vgw_command)command));
}

void vgw_host_provider_cancel(struct vgw_instance *instance, uint64_t op)
{
    const struct voicegw_provider *p = provider_of(instance);
    if (p && HAS(p, cancel))
        p->cancel(instance->plugin_instance, op);
}

void vgw_host_provider_forget(struct vgw_host *host, struct vgw_instance *instance, struct vgw_call *call)
{
    const struct voicegw_provider *p = provider_of(instance);
    if (p && HAS(p, forget))
        p->forget(instance->plugin_instance, call->handle);
}

void vgw_host_provider_poll(struct vgw_instance *instance)
{
    const struct voicegw_provider *p = provider_of(instance);
    if (p && HAS(p, poll))
        p->poll(instance->plugin_instance);
}

bool vgw_host_provider_reconciles(struct vgw_instance *instance)
{
    const struct voicegw_provider *p = provider_of(instance);
    return p && HAS(p, reconcile);
}

int vgw_host_provider_settle(struct vgw_instance *instance, uint64_t op, const char *provider_call_id, bool recover,
                             const char *session_id, struct vgw_error *err)
{
    const struct voicegw_provider *p = provider_of(instance);
    if (!p || !HAS(p, settle))
        return vgw_error_set(err, VGW_EUNSUPPORTED, "the provider '%s' cannot settle calls of an earlier run",
                             instance->name);
    vgw_host_clear_error();
    int rc = p->settle(instance->plugin_instance, op, provider_call_id,
                       recover ? VOICEGW_SETTLE_RECOVER : VOICEGW_SETTLE_END, session_id ? session_id : "");
    if (rc < 0)
        return vgw_error_set(err, rc, "%s",
                             vgw_host_last_error()[0] ? vgw_host_last_error() : "the provider refused without a word");
    return 0;
}

int vgw_host_provider_reconcile(struct vgw_instance *instance, uint64_t op, const char *provider_call_id,
                                int64_t since_wall_us, struct vgw_error *err)
{
    const struct voicegw_provider *p = provider_of(instance);
    if (!p || !HAS(p, reconcile))
        return vgw_error_set(err, VGW_EUNSUPPORTED, "the provider '%s' cannot say what became of a call",
                             instance->name);
    vgw_host_clear_error();
    int rc = p->reconcile(instance->plugin_instance, op, provider_call_id, since_wall_us);
    if (rc < 0)
        return vgw_error_set(err, rc, "%s",
                             vgw_host_last_error()[0] ? vgw_host_last_error() : "the provider refused without a word");
    return 0;
}

/* ---- reports, from the plugin ---- */

enum report_kind { REPORT_STATE, REPORT_DTMF, REPORT_RECORDING, REPORT_TRANSCRIPT, REPORT_SUMMARY, REPORT_COMPLETE };
struct report {
    struct vgw_host *host;
    enum report_kind kind;
    uint64_t call; /* or the operation */
    uint32_t state, outcome, sequence, duration_ms;
    int64_t time_us;
    int32_t status;
    double seconds;
    char *a, *b, *c;
    struct vgw_json *json;
};

static void report_free(struct report *r)
{
    vgw_free(r->a);
    vgw_free(r->b);
    vgw_free(r->c);
    vgw_json_free(r->json);
    vgw_free(r);
}

static enum vgw_call_state map_state(uint32_t state)
{
    static const enum vgw_call_state map[] = {VGW_CALL_IDLE,      VGW_CALL_INITIATING, VGW_CALL_RINGING,
                                              VGW_CALL_CONNECTED, VGW_CALL_ON_HOLD,    VGW_CALL_TRANSFERRING,
                                              VGW_CALL_ENDED,     VGW_CALL_FAILED};
    return state < sizeof map / sizeof map[0] ? map[state] : VGW_CALL_IDLE;
}

static enum vgw_outcome map_outcome(uint32_t outcome)
{
    static const enum vgw_outcome map[] = {VGW_OUTCOME_NONE, VGW_OUTCOME_COMPLETED, VGW_OUTCOME_FAILED,
                                           VGW_OUTCOME_BUSY, VGW_OUTCOME_NO_ANSWER, VGW_OUTCOME_CANCELED};
    return outcome < sizeof map / sizeof map[0] ? map[outcome] : VGW_OUTCOME_FAILED;
}

static void report_state(struct vgw_calls *calls, struct vgw_call *call, const struct report *r)
{
    struct vgw_state_report s = {.state = map_state(r->state),
                                 .outcome = map_outcome(r->outcome),
                                 .sequence = r->sequence,
                                 .provider_wall_us = r->time_us,
                                 .cause = r->a,
                                 .provider_call_id = r->b,
                                 .data = r->json};
    vgw_calls_report(calls, call, &s);
}

/* "https://user:pass@host/x" to "https://host/x", in place; NULL is taken. */
static void hide_credentials(char *url)
{
    char *host = url ? strstr(url, "://") : NULL, *at = NULL;
    for (char *p = host ? host + 3 : NULL; p && *p && !strchr("/?#", *p); p++)
        at = *p == '@' ? p : at;
    if (at)
        memmove(host + 3, at + 1, strlen(at + 1) + 1);
}

/* After the end: a price, alone or in a summary. */
static bool report_late(struct vgw_calls *calls, const struct report *r)
{
    struct vgw_state_report s = {.data = r->json};
    return vgw_calls_report_late(calls, r->call, &s);
}

/* The provider made a recording that can be fetched now, often after the call. */
static void recording_available(const struct report *r, const struct vgw_call *call, struct vgw_calls *calls)
{
    const struct vgw_host_env *env = &r->host->env;
    const struct vgw_late_call *late = call ? NULL : vgw_calls_late(calls, r->call);
    struct vgw_json *shape = call ? vgw_call_to_json(call) : late ? vgw_json_copy(late->call) : NULL;
    struct vgw_host_recording recording = {.id = r->a,
                                           .url = r->c,
                                           .duration_s = r->seconds,
                                           .call = shape,
                                           .project_id = call   ? call->session->project_id
                                                         : late ? late->project_id
                                                                : NULL};
    if (shape && env->recording_available)
        env->recording_available(env->arg, &recording);
    else
        vgw_metric_dropped("late_report");
    vgw_json_free(shape);
}

static void report_run(void *arg)
{
    struct report *r = arg;
    const struct vgw_host_env *env = &r->host->env;
    struct vgw_calls *calls = env->calls(env->arg);
    if (r->kind == REPORT_COMPLETE) {
        if (!vgw_host_message_complete(r->host, r->call, r->status, r->a, r->json) &&
            !((r->call & VGW_HOST_OP_RESTART) && env->restart_complete &&
              env->restart_complete(env->arg, r->call, r->status, r->a, r->json)))
            vgw_calls_complete(calls, r->call, r->status, r->a, r->json);
        report_free(r);
        return;
    }
    struct vgw_call *call = vgw_calls_by_handle(calls, r->call);
    if (r->kind == REPORT_RECORDING && vgw_streq(r->b, "available")) {
        recording_available(r, call, calls);
    } else if (!call) {
        if ((r->kind != REPORT_STATE && r->kind != REPORT_SUMMARY) || !report_late(calls, r))
            vgw_metric_dropped("late_report");
    } else if (r->kind == REPORT_STATE) {
        report_state(calls, call, r);
    } else if (r->kind == REPORT_DTMF) {
        vgw_calls_report_dtmf(calls, call, r->a, r->duration_ms, r->b);
    } else if (r->kind == REPORT_TRANSCRIPT) {
        vgw_session_add_turn(call->session, r->a, r->b, -1, -1, false, NULL, NULL);
        vgw_session_touch(call->session);
    } else if (r->kind == REPORT_RECORDING) {
        hide_credentials(r->c);
        vgw_calls_report_recording(call, r->a, vgw_streq(r->b, "started"), r->c, r->seconds);
    } else if (r->kind == REPORT_SUMMARY) {
        vgw_calls_report_cost(calls, call, r->json);
        vgw_calls_media_summary(calls, r->call, r->json);
    }
    report_free(r);
}

static int32_t report_send(const struct voicegw_host *host, const struct report *like)
{
    struct vgw_host_instance *hi = vgw_host_of(host);
    struct report *r;
    if (!VGW_NEW(r))
        return VOICEGW_ELIMIT;
    *r = *like;
    r->host = hi->host;
    r->a = vgw_strdup(like->a);
    r->b = vgw_strdup(like->b);
    r->c = vgw_strdup(like->c);
    int rc = vgw_host_to_control(hi, report_run, r);
    if (rc < 0)
        report_free(r);
    return rc;
}

static int32_t on_state(const struct voicegw_host *host, uint64_t call, const struct voicegw_call_state *state)
{
    if (!state || state->state < VOICEGW_CALL_INITIATING || state->state > VOICEGW_CALL_FAILED)
        return vgw_host_set_error(host, VOICEGW_EINVALID, "a call's state is one of VOICEGW_CALL_*");
    /* A price may come when the call is gone. */
    if (!vgw_handle_alive(call) && (state->state < VOICEGW_CALL_ENDED || !state->data_json))
        return VOICEGW_ENOTFOUND;
    struct report r = {.kind = REPORT_STATE,
                       .call = call,
                       .state = state->state,
                       .outcome = state->outcome,
                       .sequence = state->sequence,
                       .time_us = state->provider_time_us,
                       .a = (char *)(uintptr_t)state->cause,
                       .b = (char *)(uintptr_t)state->provider_call_id,
                       .json = vgw_host_json(state->data_json)};
    return report_send(host, &r);
}

static int32_t on_dtmf(const struct voicegw_host *host, uint64_t call, const char *digit, uint32_t duration_ms,
                       const char *source)
{
    struct report r = {.kind = REPORT_DTMF,
                       .call = call,
                       .duration_ms = duration_ms,
                       .a = (char *)(uintptr_t)digit,
                       .b = (char *)(uintptr_t)(source ? source : "signalled")};
    return digit ? report_send(host, &r) : VOICEGW_EINVALID;
}

static int32_t on_recording(const struct voicegw_host *host, uint64_t call, const char *recording_id, const char *state,
                            const char *url, double duration_s)
{
    struct report r = {.kind = REPORT_RECORDING,
                       .call = call,
                       .seconds = duration_s,
                       .a = (char *)(uintptr_t)recording_id,
                       .b = (char *)(uintptr_t)state,
                       .c = (char *)(uintptr_t)url};
    return report_send(host, &r);
}

static int32_t on_transcript(const struct voicegw_host *host, uint64_t call, const char *role, const char *text,
                             int64_t wall_us)
{
    struct report r = {.kind = REPORT_TRANSCRIPT,
                       .call = call,
                       .time_us = wall_us,
                       .a = (char *)(uintptr_t)role,
                       .b = (char *)(uintptr_t)text};
    return role && text ? report_send(host, &r) : VOICEGW_EINVALID;
}

static int32_t on_summary(const struct voicegw_host *host, uint64_t call, const char *summary_json)
{
    struct report r = {.kind = REPORT_SUMMARY, .call = call, .json = vgw_host_json(summary_json)};
    return report_send(host, &r);
}

static int32_t on_complete(const struct voicegw_host *host, uint64_t op, int32_t status, const char *sentence,
                           const char *result_json)
{
    struct report r = {.kind = REPORT_COMPLETE,
                       .call = op,
                       .status = status,
                       .a = (char *)(uintptr_t)sentence,
                       .json = vgw_host_json(result_json)};
    return report_send(host, &r);
}

static int32_t on_incoming(const struct voicegw_host *host, const struct voicegw_incoming *in, uint64_t *ret_call)
{
    struct vgw_host_instance *hi = vgw_host_of(host);
    const struct vgw_host_env *env = &hi->host->env;
    if (!in || !in->provider_call_id || !in->provider_call_id[0])
        return vgw_host_set_error(host, VOICEGW_EINVALID, "an incoming call needs the provider's id for it");
    if (!vgw_loop_is_here(env->control))
        return vgw_host_set_error(host, VOICEGW_EINTERNAL,
                                  "on_incoming() belongs on the control thread; post there first");
    const char *recovers =
        in->size >= offsetof(struct voicegw_incoming, recovers) + sizeof in->recovers ? in->recovers : NULL;
    struct vgw_json *variables = vgw_host_json(in->variables_json);
    struct vgw_incoming incoming = {.instance = hi->instance,
                                    .provider_call_id = in->provider_call_id,
                                    .from = in->from ? in->from : "",
                                    .to = in->to ? in->to : "",
                                    .caller_name = in->caller_name,
                                    .script = in->script,
                                    .session_id = in->session_id,
                                    .recovers = recovers,
                                    .variables = variables,
                                    .answered = in->answered != VOICEGW_INCOMING_RINGS,
                                    .unproven = in->answered == VOICEGW_INCOMING_UNPROVEN};
    if (in->size >= offsetof(struct voicegw_incoming, transport) + sizeof in->transport) {
        incoming.trunk = in->trunk;
        incoming.transport = in->transport;
    }
    struct vgw_call *call = NULL;
    struct vgw_error err = {0};
    int rc = vgw_calls_incoming(env->calls(env->arg), &incoming, &call, &err);
    vgw_json_free(variables);
    if (rc < 0)
        return vgw_host_set_error(host, rc, err.text);
    *ret_call = call->handle;
    return 0;
}

static uint64_t call_find(const struct voicegw_host *host, const char *provider_call_id)
{
    const struct vgw_host_env *env = &vgw_host_of(host)->host->env;
    struct vgw_call *call = vgw_calls_find_provider(env->calls(env->arg), host->name, provider_call_id);
    const struct vgw_late_call *late =
        call ? NULL : vgw_calls_late_provider(env->calls(env->arg), host->name, provider_call_id);
    return call ? call->handle : late ? late->handle : 0;
}

static uint64_t call_leg(const struct voicegw_host *host, uint64_t handle)
{
    const struct vgw_host_env *env = &vgw_host_of(host)->host->env;
    struct vgw_call *call = vgw_calls_by_handle(env->calls(env->arg), handle);
    return call ? env->call_leg(env->arg, call) : 0;
}

static const char *call_describe(const struct voicegw_host *host, uint64_t handle)
{
    static char *text; /* control only: one at a time */
    const struct vgw_host_env *env = &vgw_host_of(host)->host->env;
    struct vgw_call *call = vgw_calls_by_handle(env->calls(env->arg), handle);
    if (!call)
        return NULL;
    struct vgw_json *o = vgw_call_to_json(call);
    vgw_json_set(o, "variables", vgw_json_copy(call->session->variables));
    vgw_json_set_string(o, "language", call->session->language);
    vgw_json_set_string(o, "media", call->documents ? "twiml" : "stream");
    vgw_json_set_string(o, "greeting", vgw_call_greeting(call));
    vgw_json_set(o, "route",
                 call->route && call->route->source ? vgw_json_copy(call->route->source) : vgw_json_object());
    vgw_free(text);
    text = vgw_json_text(o, false);
    vgw_json_free(o);
    return text;
}

const struct voicegw_host_provider vgw_host_provider_table = {
    .size = sizeof vgw_host_provider_table,
    .on_incoming = on_incoming,
    .on_state = on_state,
    .on_dtmf = on_dtmf,
    .on_recording = on_recording,
    .on_transcript = on_transcript,
    .on_summary = on_summary,
    .on_complete = on_complete,
    .call_find = call_find,
    .call_leg = call_leg,
    .call_describe = call_describe,
};
