/* actions.c - the voice_* actions: steps of workflows and tools of assistants, as commands to calls. */
#include "action/registry.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "call/inside.h"

struct vgw_call_actions {
    struct vgw_calls *calls;
    struct vgw_action_registry *registry;
    const char *(*department)(void *arg, const char *name);
    void *department_arg;
    struct vgw_list waits; /* of struct wait */
};

/* An action under way; it stands between the registry and a command. */
struct wait {
    struct vgw_list link;
    struct vgw_call_actions *actions;
    vgw_action_handle handle;
    char call_id[VGW_ID_MAX];
};

#define WAIT_CALL                                                                                                      \
    {                                                                                                                  \
        "call_id", VGW_PARAM_STRING, false, true, NULL, "The call; the run's own when it is left out."                 \
    }
#define INTERRUPTIBLE                                                                                                  \
    {                                                                                                                  \
        "interruptible", VGW_PARAM_BOOL, false, true, NULL, "May the caller speak over it? Default: true."             \
    }

static const struct vgw_action_param make_params[] = {
    {"to_number", VGW_PARAM_STRING, true, true, NULL, "Whom to call: a number or an address."},
    {"from_number", VGW_PARAM_STRING, false, true, NULL,
     "The number that is shown; the provider's default_from when left out."},
    {"provider", VGW_PARAM_STRING, false, true, NULL,
     "A provider of the configuration; default_provider when left out."},
    {"variables", VGW_PARAM_OBJECT, false, true, NULL, "Values for the session's variables."},
    {"timeout", VGW_PARAM_DURATION, false, true, NULL, "How long it may ring."},
    {"wait", VGW_PARAM_STRING, false, true, "initiated connected", "When the step is done. Default: initiated."},
    {"media", VGW_PARAM_STRING, false, true, "stream twiml", "How the provider carries the call. Default: stream."},
};
static const struct vgw_action_param call_params[] = {WAIT_CALL};
static const struct vgw_action_param play_params[] = {
    WAIT_CALL,
    {"audio_url", VGW_PARAM_STRING, true, true, NULL, "What to play."},
    {"loop", VGW_PARAM_BOOL, false, true, NULL, "Again and again? Default: false."},
    INTERRUPTIBLE,
};
static const struct vgw_action_param say_params[] = {
    WAIT_CALL,
    {"text", VGW_PARAM_STRING, true, true, NULL, "What to say."},
    {"voice", VGW_PARAM_STRING, false, true, NULL, "The engine's name of a voice."},
    {"language", VGW_PARAM_STRING, false, true, NULL, "Such as en-US."},
    INTERRUPTIBLE,
};
static const struct vgw_action_param hold_params[] = {
    WAIT_CALL,
    {"hold", VGW_PARAM_BOOL, false, true, NULL, "true: put on hold; false: take back. Default: true."},
    {"music", VGW_PARAM_STRING, false, true, NULL, "What the caller hears meanwhile."},
};
static const struct vgw_action_param transfer_params[] = {
    WAIT_CALL,
    {"to_number", VGW_PARAM_STRING, false, true, NULL, "Where to; or a department."},
    {"department", VGW_PARAM_STRING, false, true, NULL, "A name of `departments:`."},
    {"kind", VGW_PARAM_STRING, false, true, "blind attended", "Default: blind."},
    {"summary", VGW_PARAM_STRING, false, true, NULL, "What the other side is told first."},
    {"bridge", VGW_PARAM_BOOL, false, true, NULL,
     "Shall the gateway call the other side itself and join both? Default: where the provider cannot do it."},
};
static const struct vgw_action_param dtmf_params[] = {
    WAIT_CALL,
    {"digits", VGW_PARAM_STRING, true, true, NULL, "0 to 9, *, #, A to D; w for a pause."},
};

static const struct vgw_action_param dial_params[] = {
    WAIT_CALL,
    {"to", VGW_PARAM_STRING, true, true, NULL, "Whom to connect: a number or an address."},
    {"from", VGW_PARAM_STRING, false, true, NULL, "The number that is shown; the call's own when left out."},
    {"timeout", VGW_PARAM_DURATION, false, true, NULL, "How long it may ring."},
    {"max_duration", VGW_PARAM_DURATION, false, true, NULL, "How long they may talk."},
    {"record", VGW_PARAM_BOOL, false, true, NULL, "Record them? Default: false."},
};
static const struct vgw_action_param enqueue_params[] = {
    WAIT_CALL,
    {"queue", VGW_PARAM_STRING, true, true, NULL, "The queue's name at the vendor."},
    {"wait_url", VGW_PARAM_STRING, false, true, NULL, "What the caller hears meanwhile: a document or sound."},
};
static const struct vgw_action_param redirect_params[] = {
    WAIT_CALL,
    {"url", VGW_PARAM_STRING, true, true, NULL, "The document that leads the call from here on."},
};
static const struct vgw_action_param pause_params[] = {
    WAIT_CALL,
    {"duration", VGW_PARAM_DURATION, true, true, NULL, "How long."},
};
static const struct vgw_action_param conference_params[] = {
    WAIT_CALL,
    {"name", VGW_PARAM_STRING, true, true, NULL, "The conference; it begins with its first participant."},
    {"muted", VGW_PARAM_BOOL, false, true, NULL, "Only listens? Default: false."},
    {"start_on_enter", VGW_PARAM_BOOL, false, true, NULL, "Does it begin with this one? Default: true."},
    {"end_on_exit", VGW_PARAM_BOOL, false, true, NULL, "Does it end when this one leaves? Default: false."},
    {"music", VGW_PARAM_STRING, false, true, NULL, "What is heard until it begins."},
};
static const struct vgw_action_param monitor_params[] = {
    WAIT_CALL,
    {"call", VGW_PARAM_STRING, true, true, NULL, "The call that this one listens in on."},
    {"mode", VGW_PARAM_STRING, false, true, "listen whisper barge",
     "Heard by nobody, by that call's own end alone, or by all. Default: listen."},
};
static const struct vgw_action_param record_params[] = {
    WAIT_CALL,
    {"max_duration", VGW_PARAM_DURATION, false, true, NULL, "How long at most."},
    {"finish_on", VGW_PARAM_STRING, false, true, NULL, "Digits that end it."},
    {"silence", VGW_PARAM_DURATION, false, true, NULL, "Silence that ends it."},
    {"beep", VGW_PARAM_BOOL, false, true, NULL, "A beep ahead? Default: true."},
};

static struct wait *wait_new(struct vgw_call_actions *a, vgw_action_handle handle)
{
    struct wait *w;
    if (!VGW_NEW(w))
        return NULL;
    w->actions = a;
    w->handle = handle;
    vgw_list_append(&a->waits, &w->link);
    return w;
}

static void wait_free(struct wait *w)
{
    vgw_list_remove(&w->link);
    vgw_free(w);
}

static void on_done(void *arg, int status, const char *sentence, const struct vgw_json *result)
{
    struct wait *w = arg;
    struct vgw_action_registry *registry = w->actions->registry;
    vgw_action_handle handle = w->handle;
    struct vgw_json *copy = result ? vgw_json_copy(result) : NULL;
    wait_free(w);
    vgw_action_complete(registry, handle, status, copy, sentence);
}

static struct vgw_json *made_result(const struct vgw_call *call)
{
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "call_id", call->call_id);
    vgw_json_set_string(o, "session_id", call->session->session_id);
    vgw_json_set_string(o, "state", vgw_call_state_name(call->state));
    return o;
}

static void on_connected(void *arg, int status, const char *sentence, const struct vgw_json *result)
{
    struct wait *w = arg;
    const struct vgw_call *call = vgw_calls_find(w->actions->calls, w->call_id);
    struct vgw_json *made = call ? made_result(call) : NULL;
    on_done(w, status, sentence, made ? made : result);
    vgw_json_free(made);
}

static void on_cancel(void *arg, vgw_action_handle handle)
{
    struct vgw_call_actions *a = arg;
    struct vgw_list *p, *n;
    VGW_LIST_EACH (p, n, &a->waits) {
        struct wait *w = VGW_CONTAINER_OF(p, struct wait, link);
        if (w->handle != handle)
            continue;
        vgw_calls_abandon(a->calls, on_done, w);
        vgw_calls_abandon(a->calls, on_connected, w);
        wait_free(w);
        return;
    }
}

static int find_call(const struct vgw_call_actions *a, const struct vgw_json *params,
                     const struct vgw_action_context *context, struct vgw_call **ret_call, struct vgw_error *err)
{
    const char *id = vgw_json_get_string(params, "call_id", NULL);
    if (!id || !*id)
        id = context ? context->call_id : NULL;
    if (!id || !*id)
        return vgw_error_at(err, VGW_EINVALID, "call_id", "this run has no call of its own; name one by call_id");
    struct vgw_call *call = vgw_calls_find(a->calls, id);
    if (!call)
        return vgw_error_set(err, VGW_ENOTFOUND, "there is no live call %s", id);
    *ret_call = call;
    return VGW_OK;
}

/* Every action on a call: find it, start the command, wait for it. */
static int run_command(struct vgw_call_actions *a, vgw_action_handle handle, enum vgw_command command,
                       const struct vgw_json *params, const struct vgw_json *sent,
                       const struct vgw_action_context *context, struct vgw_error *err)
{
    struct vgw_call *call = NULL;
    int status = find_call(a, params, context, &call, err);
    if (status != VGW_OK)
        return status;
    struct wait *w = wait_new(a, handle);
    if (!w)
        return vgw_error_nomem(err);
    status = vgw_calls_command(a->calls, call, command, sent, true, on_done, w, err);
    if (status != VGW_OK)
        wait_free(w);
    return status;
}

/* The parameters of an action under the names that commands use; `pairs`: action's name, command's name, …, NULL. */
static struct vgw_json *rename_params(const struct vgw_json *params, const char *const *pairs, bool sensitive)
{
    struct vgw_json *o = vgw_json_object();
    if (o && sensitive && vgw_json_set_bool(o, "sensitive", true) != VGW_OK) {
        vgw_json_free(o);
        return NULL;
    }
    for (; o && *pairs; pairs += 2) {
        const struct vgw_json *v = vgw_json_get(params, pairs[0]);
        if (v && vgw_json_set(o, pairs[1], vgw_json_copy(v)) != VGW_OK) {
            vgw_json_free(o);
            o = NULL;
        }
    }
    return o;
}

static int run_renamed(struct vgw_call_actions *a, vgw_action_handle handle, enum vgw_command command,
                       const struct vgw_json *params, const char *const *pairs,
                       const struct vgw_action_context *context, struct vgw_error *err)
{
    struct vgw_json *sent = rename_params(params, pairs, context && context->sensitive);
    int status = sent ? run_command(a, handle, command, params, sent, context, err) : vgw_error_nomem(err);
    vgw_json_free(sent);
    return status;
}

static bool duration_of(const struct vgw_json *v, int64_t *ret_us)
{
    double seconds = vgw_json_as_double(v, -1);
    if (vgw_json_str(v))
        return vgw_parse_duration_us(vgw_json_str(v), ret_us);
    if (seconds <= 0 || seconds > 86400)
        return false;
    *ret_us = (int64_t)(seconds * (double)VGW_US_PER_S);
    return true;
}

static int run_make_call(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                         const struct vgw_action_context *context, struct vgw_error *err)
{
    struct vgw_call_actions *a = arg;
    const char *when = vgw_json_get_string(params, "wait", "initiated");
    struct vgw_call *call;
    struct vgw_outgoing out = {
        .to = vgw_json_get_string(params, "to_number", NULL),
        .from = vgw_json_get_string(params, "from_number", NULL),
        .provider = vgw_json_get_string(params, "provider", NULL),
        .project_id = context ? context->project_id : NULL,
        .variables = vgw_json_get(params, "variables"),
        .documents = vgw_streq(vgw_json_get_string(params, "media", NULL), "twiml"),
    };
    if (vgw_json_has(params, "timeout") && !duration_of(vgw_json_get(params, "timeout"), &out.ring_timeout_us))
        return vgw_error_at(err, VGW_EINVALID, "timeout", "timeout must be a duration such as 30s");
    struct wait *w = wait_new(a, handle);
    if (!w)
        return vgw_error_nomem(err);
    int status = vgw_calls_place(a->calls, &out, &call, err);
    if (status != VGW_OK) {
        wait_free(w);
        return status;
    }
    vgw_strcopy(w->call_id, sizeof w->call_id, call->call_id);
    if (vgw_streq(when, "connected") && !call->settled && !call->answered_wall_us) {
        status = vgw_call_await(call, VGW_CMD_AWAIT_CONNECTED, on_connected, w, err);
        if (status == VGW_OK)
            return VGW_OK;
        vgw_call_end(call, VGW_OUTCOME_FAILED, "memory is short", "limit");
        wait_free(w);
        return status;
    }
    wait_free(w);
    vgw_action_complete(a->registry, handle, VGW_OK, made_result(call), NULL);
    return VGW_OK;
}

static int run_end_call(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                        const struct vgw_action_context *context, struct vgw_error *err)
{
    return run_command(arg, handle, VGW_CMD_END, params, NULL, context, err);
}

static int run_play(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                    const struct vgw_action_context *context, struct vgw_error *err)
{
    static const char *const names[] = {"audio_url", "url", "loop", "loop", "interruptible", "interruptible", NULL};
    return run_renamed(arg, handle, VGW_CMD_PLAY, params, names, context, err);
}

static int run_say(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                   const struct vgw_action_context *context, struct vgw_error *err)
{
    static const char *const names[] = {"text",     "text",          "voice",         "voice", "language",
                                        "language", "interruptible", "interruptible", NULL};
    return run_renamed(arg, handle, VGW_CMD_SAY, params, names, context, err);
}

static int run_hold(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                    const struct vgw_action_context *context, struct vgw_error *err)
{
    static const char *const names[] = {"music", "music", NULL};
    bool on = vgw_json_as_bool(vgw_json_get(params, "hold"), true);
    return run_renamed(arg, handle, on ? VGW_CMD_HOLD : VGW_CMD_RESUME, params, names, context, err);
}

static int run_transfer(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                        const struct vgw_action_context *context, struct vgw_error *err)
{
    static const char *const names[] = {"kind", "kind", "summary", "summary", "bridge", "bridge", NULL};
    struct vgw_call_actions *a = arg;
    const char *to = vgw_json_get_string(params, "to_number", NULL);
    const char *department = vgw_json_get_string(params, "department", NULL);
    if (!to && !department)
        return vgw_error_at(err, VGW_EINVALID, "to_number", "name to_number or a department to transfer to");
    if (!to && !(to = a->department ? a->department(a->department_arg, department) : NULL))
        return vgw_error_at(err, VGW_EINVALID, "department", "there is no department %s; name one of `departments:`",
                            department);
    struct vgw_json *sent = rename_params(params, names, false);
    int status = sent && vgw_json_set_string(sent, "to", to) == VGW_OK
                     ? run_command(a, handle, VGW_CMD_TRANSFER, params, sent, context, err)
                     : vgw_error_nomem(err);
    vgw_json_free(sent);
    return status;
}

static int run_dtmf(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                    const struct vgw_action_context *context, struct vgw_error *err)
{
    static const char *const names[] = {"digits", "digits", NULL};
    return run_renamed(arg, handle, VGW_CMD_DTMF, params, names, context, err);
}

/* The verbs of calls that their provider leads by documents: parameters go as they are. */
#define RUN_VERB(function, command)                                                                                    \
    static int function(void *arg, vgw_action_handle handle, const struct vgw_json *params,                            \
                        const struct vgw_action_context *context, struct vgw_error *err)                               \
    {                                                                                                                  \
        return run_command(arg, handle, command, params, params, context, err);                                        \
    }
RUN_VERB(run_dial, VGW_CMD_DIAL)
RUN_VERB(run_enqueue, VGW_CMD_ENQUEUE)
RUN_VERB(run_redirect, VGW_CMD_REDIRECT)
RUN_VERB(run_pause, VGW_CMD_PAUSE)
RUN_VERB(run_conference, VGW_CMD_CONFERENCE)
RUN_VERB(run_monitor, VGW_CMD_MONITOR)
RUN_VERB(run_record, VGW_CMD_RECORD_MESSAGE)

static int run_start_recording(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                               const struct vgw_action_context *context, struct vgw_error *err)
{
    return run_command(arg, handle, VGW_CMD_RECORD_START, params, NULL, context, err);
}

static int run_stop_recording(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                              const struct vgw_action_context *context, struct vgw_error *err)
{
    return run_command(arg, handle, VGW_CMD_RECORD_STOP, params, NULL, context, err);
}

static struct vgw_json *all_calls(struct vgw_calls *calls)
{
    struct vgw_json *a = vgw_json_array();
    struct vgw_call *call = NULL;
    for (int i = 0; a && i < 500 && (call = vgw_calls_next(calls, call)); i++) {
        struct vgw_json *shape = vgw_call_to_json(call);
        if (!shape || vgw_json_append(a, shape) != VGW_OK) {
            vgw_json_free(a);
            return NULL;
        }
    }
    return a;
}

static int run_get_status(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                          const struct vgw_action_context *context, struct vgw_error *err)
{
    struct vgw_call_actions *a = arg;
    struct vgw_call *call = NULL;
    bool all = !vgw_json_get_string(params, "call_id", NULL);
    int status = find_call(a, params, context, &call, all ? NULL : err);
    if (status != VGW_OK && !all)
        return status;
    struct vgw_json *result = call ? vgw_call_to_json(call) : vgw_json_object();
    if (!result)
        return vgw_error_nomem(err);
    if (all) {
        struct vgw_json *list = all_calls(a->calls);
        int failed = list ? vgw_json_set(result, "calls", list) : VGW_ELIMIT;
        failed |= vgw_json_set_int(result, "count", vgw_calls_count(a->calls));
        if (failed) {
            vgw_json_free(result);
            return vgw_error_nomem(err);
        }
    }
    vgw_action_complete(a->registry, handle, VGW_OK, result, NULL);
    return VGW_OK;
}

#define PARAMS(table) table, sizeof(table) / sizeof *(table)
#define BOTH (VGW_ACTION_STEP | VGW_ACTION_TOOL | VGW_ACTION_LISTED)
static const struct vgw_action_desc descs[] = {
    {"voice_make_call", "Places a call.", "call_id session_id state", PARAMS(make_params), BOTH | VGW_ACTION_MAKES_CALL,
     0, run_make_call, on_cancel, NULL, NULL},
    {"voice_end_call", "Hangs up.", "state duration", PARAMS(call_params),
     BOTH | VGW_ACTION_ENDS_CALL | VGW_ACTION_IDEMPOTENT, 0, run_end_call, on_cancel, NULL, NULL},
    {"voice_play_audio", "Plays a recording to the caller.", "heard_ms interrupted", PARAMS(play_params), BOTH, 0,
     run_play, on_cancel, NULL, NULL},
    {"voice_play_tts", "Says something to the caller.", "heard_ms interrupted", PARAMS(say_params), BOTH, 0, run_say,
     on_cancel, NULL, NULL},
    {"voice_hold", "Puts a call on hold, or takes it back.", "state", PARAMS(hold_params), BOTH | VGW_ACTION_IDEMPOTENT,
     0, run_hold, on_cancel, NULL, NULL},
    {"voice_transfer", "Transfers a call.", "outcome", PARAMS(transfer_params), BOTH | VGW_ACTION_ENDS_CALL, 0,
     run_transfer, on_cancel, NULL, NULL},
    {"voice_send_dtmf", "Sends digits.", "", PARAMS(dtmf_params), BOTH, 0, run_dtmf, on_cancel, NULL, NULL},
    {"voice_start_recording", "Starts to record a call.", "recording_id", PARAMS(call_params), BOTH, 0,
     run_start_recording, on_cancel, NULL, NULL},
    {"voice_stop_recording", "Stops the recording of a call.", "url duration", PARAMS(call_params), BOTH, 0,
     run_stop_recording, on_cancel, NULL, NULL},
    {"dial", "Connects the caller with somebody and goes on afterwards (media: twiml).", "outcome duration",
     PARAMS(dial_params), VGW_ACTION_STEP, 0, run_dial, on_cancel, NULL, NULL},
    {"enqueue", "Puts the caller into a queue of the vendor (media: twiml).", "outcome wait_seconds",
     PARAMS(enqueue_params), VGW_ACTION_STEP, 0, run_enqueue, on_cancel, NULL, NULL},
    {"redirect", "Hands the call to another document (media: twiml).", "", PARAMS(redirect_params), VGW_ACTION_STEP, 0,
     run_redirect, on_cancel, NULL, NULL},
    {"pause", "Lets the vendor wait in silence (media: twiml).", "", PARAMS(pause_params), VGW_ACTION_STEP, 0,
     run_pause, on_cancel, NULL, NULL},
    {"conference", "Brings the caller into a conference.", "outcome", PARAMS(conference_params), VGW_ACTION_STEP, 0,
     run_conference, on_cancel, NULL, NULL},
    {"monitor", "Listens in on another call, whispers to it or breaks in.", "outcome", PARAMS(monitor_params),
     VGW_ACTION_STEP, 0, run_monitor, on_cancel, NULL, NULL},
    {"record", "Records a message of the caller (media: twiml).", "recording_id url duration digits",
     PARAMS(record_params), VGW_ACTION_STEP, 0, run_record, on_cancel, NULL, NULL},
    {"voice_get_status", "Tells the state of a call, or of all live calls.", "state calls count", PARAMS(call_params),
     BOTH | VGW_ACTION_IDEMPOTENT, 0, run_get_status, on_cancel, NULL, NULL},
};

int vgw_call_actions_register(struct vgw_calls *calls, struct vgw_action_registry *registry,
                              const char *(*department)(void *arg, const char *name), void *arg, struct vgw_error *err)
{
    static struct vgw_call_actions names_only; /* for --check: nothing of it ever runs, so nobody owns it */
    struct vgw_call_actions *a = &names_only;
    size_t count = sizeof descs / sizeof *descs, i = 0;
    int status = VGW_OK;
    if (calls && calls->actions)
        return vgw_error_set(err, VGW_EBUSY, "the actions of calls are registered already");
    if (calls && !VGW_NEW(a))
        return vgw_error_nomem(err);
    *a = (struct vgw_call_actions){
        .calls = calls, .registry = registry, .department = department, .department_arg = arg};
    vgw_list_init(&a->waits);
    for (; i < count && status == VGW_OK; i++) {
        struct vgw_action_desc desc = descs[i];
        desc.arg = a;
        status = vgw_action_register(registry, &desc, err);
    }
    if (status == VGW_OK) {
        if (calls)
            calls->actions = a;
        return VGW_OK;
    }
    while (i-- > 1)
        vgw_action_unregister(registry, descs[i - 1].name);
    if (calls)
        vgw_free(a);
    return status;
}

void vgw_call_actions_free(struct vgw_call_actions *actions)
{
    if (!actions)
        return;
    while (!vgw_list_empty(&actions->waits))
        wait_free(VGW_CONTAINER_OF(actions->waits.next, struct wait, link));
    vgw_free(actions);
}
