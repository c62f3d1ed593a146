/* command.c - all that may be asked of a call, as a table: in which states, of whom, with which parameters. */
#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "call/conference.h"
#include "call/inside.h"
#include "voicegw/plugin.h"

#define CAUSE_BYTES 200 /* of a cause that whoever ends the call gives; a longer one is cut */
#define IN(state) (1u << VGW_CALL_##state)
#define RINGS (IN(IDLE) | IN(INITIATING) | IN(RINGING))
#define TALKS IN(CONNECTED)
#define UP (IN(CONNECTED) | IN(ON_HOLD))
#define ANY (RINGS | UP | IN(TRANSFERRING))

enum media_part { NO_MEDIA, MEDIA_ELSE, MEDIA_FIRST, MEDIA_ONLY };
struct command_row {
    const char *name;
    unsigned states;
    uint64_t cap;          /* what the provider must be able to do */
    enum media_part media; /* may the call's leg do it? */
    bool endless;          /* lasts as long as people speak; only the call's own lease ends it */
    bool verb;             /* the provider's documents do it, on calls that are led by them */
};

static const struct command_row rows[VGW_COMMANDS] = {
    [VGW_CMD_MAKE_CALL] = {"make_call", IN(INITIATING), VOICEGW_CAP_MAKE_CALL, NO_MEDIA, false, false},
    [VGW_CMD_RECONCILE] = {"reconcile", ANY, 0, NO_MEDIA, false, false},
    [VGW_CMD_ANSWER] = {"answer", IN(RINGING), VOICEGW_CAP_ANSWER, NO_MEDIA, false, false},
    [VGW_CMD_REJECT] = {"reject", IN(RINGING), VOICEGW_CAP_ANSWER, NO_MEDIA, false, false},
    [VGW_CMD_END] = {"end", ANY, VOICEGW_CAP_END, NO_MEDIA, false, false},
    [VGW_CMD_HOLD] = {"hold", TALKS, VOICEGW_CAP_HOLD, MEDIA_ELSE, false, false},
    [VGW_CMD_RESUME] = {"resume", IN(ON_HOLD), VOICEGW_CAP_HOLD, MEDIA_ELSE, false, false},
    [VGW_CMD_TRANSFER] = {"transfer", UP, VOICEGW_CAP_TRANSFER, NO_MEDIA, false, true},
    [VGW_CMD_PLAY] = {"play", TALKS, VOICEGW_CAP_PLAY, MEDIA_FIRST, true, false},
    [VGW_CMD_SAY] = {"say", TALKS, VOICEGW_CAP_SAY, MEDIA_FIRST, true, false},
    [VGW_CMD_DTMF] = {"dtmf", TALKS, VOICEGW_CAP_DTMF, MEDIA_ELSE, false, false},
    [VGW_CMD_MUTE] = {"mute", UP, VOICEGW_CAP_MUTE, MEDIA_ELSE, false, false},
    [VGW_CMD_UNMUTE] = {"unmute", UP, VOICEGW_CAP_MUTE, MEDIA_ELSE, false, false},
    [VGW_CMD_RECORD_START] = {"record_start", UP, VOICEGW_CAP_RECORD, MEDIA_FIRST, false, false},
    [VGW_CMD_RECORD_STOP] = {"record_stop", UP, VOICEGW_CAP_RECORD, MEDIA_FIRST, false, false},
    [VGW_CMD_RECORD_PAUSE] = {"record_pause", UP, VOICEGW_CAP_RECORD, MEDIA_FIRST, false, false},
    [VGW_CMD_RECORD_RESUME] = {"record_resume", UP, VOICEGW_CAP_RECORD, MEDIA_FIRST, false, false},
    [VGW_CMD_STATUS] = {"status", ANY, VOICEGW_CAP_STATUS, NO_MEDIA, false, false},
    [VGW_CMD_GATHER] = {"gather", TALKS, 0, MEDIA_ONLY, true, true},
    [VGW_CMD_ASSISTANT] = {"assistant", TALKS, 0, MEDIA_ONLY, true, false},
    [VGW_CMD_MONITOR] = {"monitor", UP, 0, NO_MEDIA, false, false},
    [VGW_CMD_CONFERENCE] = {"conference", UP, VOICEGW_CAP_CONFERENCE, NO_MEDIA, false, true},
    [VGW_CMD_DIAL] = {"dial", TALKS, 0, NO_MEDIA, true, true},
    [VGW_CMD_ENQUEUE] = {"enqueue", TALKS, 0, NO_MEDIA, true, true},
    [VGW_CMD_REDIRECT] = {"redirect", TALKS, 0, NO_MEDIA, false, true},
    [VGW_CMD_PAUSE] = {"pause", TALKS, 0, NO_MEDIA, true, true},
    [VGW_CMD_RECORD_MESSAGE] = {"record", TALKS, 0, NO_MEDIA, true, true},
};

const char *vgw_command_name(enum vgw_command c)
{
    return (unsigned)c < VGW_COMMANDS ? rows[c].name : "unknown";
}

bool vgw_command_is_verb(const struct vgw_call *call, int command, const struct vgw_json *params)
{
    if (!call->documents || (unsigned)command >= VGW_COMMANDS || !rows[command].verb)
        return false;
    /* A consultation needs both ends held, which is the provider's own interface; and who is in a conference is moved
     * in it by that too. */
    if (command == VGW_CMD_TRANSFER)
        return vgw_streq(vgw_json_get_string(params, "kind", "blind"), "blind");
    return command != VGW_CMD_CONFERENCE || vgw_streq(vgw_json_get_string(params, "participant", "join"), "join");
}

/* What joins several calls: their provider's work where it can, else the gateway's, which mixes their audio. */
static bool joins(int command)
{
    return command == VGW_CMD_TRANSFER || command == VGW_CMD_CONFERENCE || command == VGW_CMD_MONITOR;
}

static bool wants_mix(const struct vgw_call *call, int command, const struct vgw_json *params)
{
    if (command == VGW_CMD_TRANSFER)
        return vgw_json_get_bool(params, "bridge", false);
    return command == VGW_CMD_MONITOR ||
           (call->member && !vgw_streq(vgw_json_get_string(params, "participant", "join"), "join"));
}

static bool choose_path(const struct vgw_call *call, int command, const struct vgw_json *params,
                        enum vgw_path *ret_path)
{
    const struct command_row *row = &rows[command];
    if (command == VGW_CMD_RECONCILE || vgw_command_is_verb(call, command, params)) {
        *ret_path = VGW_PATH_PROVIDER;
        return true;
    }
    bool media = row->media != NO_MEDIA && (call->caps & VOICEGW_CAP_MEDIA) && call->calls->env.media_command;
    bool provider = row->cap && (call->caps & row->cap);
    if (command == VGW_CMD_TRANSFER && vgw_streq(vgw_json_get_string(params, "kind", "blind"), "attended"))
        provider = (call->caps & VOICEGW_CAP_TRANSFER_ATTENDED) != 0;
    if (joins(command) && (wants_mix(call, command, params) || !provider)) {
        *ret_path = VGW_PATH_MIX;
        return vgw_conference_can(call);
    }
    if (command == VGW_CMD_STATUS && !provider) {
        *ret_path = VGW_PATH_CORE;
        return true;
    }
    if (media && (row->media != MEDIA_ELSE || !provider))
        *ret_path = VGW_PATH_MEDIA;
    else if (provider)
        *ret_path = VGW_PATH_PROVIDER;
    else
        return false;
    return true;
}

static int cannot(const struct vgw_call *call, int command, struct vgw_error *err)
{
    const struct command_row *row = &rows[command];
    if (row->verb && !row->cap && row->media == NO_MEDIA)
        return vgw_error_set(err, VGW_EUNSUPPORTED,
                             "%s is for calls that their provider leads by documents; this one of %s is not: give its "
                             "route `media: twiml`, where the provider offers that",
                             row->name, call->provider);
    if (call->documents && row->media == MEDIA_ONLY)
        return vgw_error_set(err, VGW_EUNSUPPORTED,
                             "%s needs the call's audio, and a call with `media: twiml` brings none; use media: stream",
                             row->name);
    return vgw_error_set(err, VGW_EUNSUPPORTED, "the provider %s cannot do %s", call->provider, row->name);
}

/* What depends on the moment; a command that waits is checked again when its time has come. */
static int check_now(const struct vgw_call *call, int command, struct vgw_error *err)
{
    const struct command_row *row = &rows[command];
    if (call->ending && command != VGW_CMD_STATUS)
        return vgw_error_set(err, VGW_EBUSY, "the call is being ended, so %s is not possible any more", row->name);
    if (!(row->states & (1u << call->state)))
        return vgw_error_set(err, VGW_EBUSY, "the call is %s; %s is not possible in this state",
                             vgw_call_state_name(call->state), row->name);
    if ((command == VGW_CMD_ANSWER || command == VGW_CMD_REJECT) && !vgw_streq(call->direction, "inbound"))
        return vgw_error_set(err, VGW_EBUSY, "only an incoming call can be answered or rejected");
    if (command == VGW_CMD_ANSWER && vgw_op_pending(call, command))
        return vgw_error_set(err, VGW_EBUSY, "the call is being answered already");
    if (command == VGW_CMD_TRANSFER && (call->transfer_kind || vgw_op_pending(call, command)))
        return vgw_error_set(err, VGW_EBUSY, "a transfer of this call is under way already");
    bool records = call->recording_id != NULL;
    if (command == VGW_CMD_RECORD_START && (records || vgw_op_pending(call, command)))
        return vgw_error_set(err, VGW_EBUSY, "the call is being recorded already");
    bool needs_recording =
        command == VGW_CMD_RECORD_STOP || command == VGW_CMD_RECORD_PAUSE || command == VGW_CMD_RECORD_RESUME;
    if (needs_recording && !records)
        return vgw_error_set(err, VGW_EBUSY, "the call is not being recorded; start a recording first");
    return VGW_OK;
}

/* The copy of the parameters that the operation keeps: a recording's id is ours to give. */
static int keep_params(struct vgw_op *op, const struct vgw_json *params, struct vgw_error *err)
{
    char id[VGW_ID_MAX];
    if (!op->params && params && !(op->params = vgw_json_copy(params)))
        return vgw_error_nomem(err);
    if (op->command != VGW_CMD_RECORD_START)
        return VGW_OK;
    if (!op->params && !(op->params = vgw_json_object()))
        return vgw_error_nomem(err);
    vgw_id_make("rec", vgw_wall(op->call->calls->env.loop), NULL, id);
    return vgw_json_set_string(op->params, "recording_id", id) == VGW_OK ? VGW_OK : vgw_error_nomem(err);
}

static int arm_deadline(struct vgw_op *op, enum vgw_path path, struct vgw_error *err)
{
    int64_t limit_us = op->call->calls->limits.op_timeout_us;
    if (path == VGW_PATH_MIX) /* the other side's own call has its times */
        return VGW_OK;
    bool speaks = path == VGW_PATH_MEDIA || op->call->documents;
    if (speaks && (rows[op->command].endless || vgw_command_is_verb(op->call, op->command, op->params)))
        return VGW_OK;
    if (op->command == VGW_CMD_TRANSFER)
        limit_us += op->call->ring_timeout_us;
    return vgw_timer_start(&op->timer, limit_us) == VGW_OK ? VGW_OK : vgw_error_nomem(err);
}

static int start_mix(struct vgw_op *op, struct vgw_error *err)
{
    struct vgw_calls *calls = op->call->calls;
    uint64_t id = op->id;
    op->by_provider = false;
    vgw_timer_stop(&op->timer);
    int status = op->command == VGW_CMD_TRANSFER     ? vgw_consult_start(op, err)
                 : op->command == VGW_CMD_CONFERENCE ? vgw_conference_command(op, err)
                                                     : vgw_conference_monitor(op, err);
    /* Whoever heard of it may have ended the call meanwhile: then the command was told so. */
    return status != VGW_OK && !vgw_op_find(calls, id) ? VGW_OK : status;
}

static int send_op(struct vgw_op *op, enum vgw_path path, struct vgw_error *err)
{
    struct vgw_call *call = op->call;
    const struct vgw_calls_env *env = &call->calls->env;
    int status = arm_deadline(op, path, err);
    if (status != VGW_OK)
        return status;
    op->by_provider = path == VGW_PATH_PROVIDER;
    if (op->by_provider)
        call->redirected = false;
    if (path == VGW_PATH_MIX)
        return start_mix(op, err);
    if (path == VGW_PATH_MEDIA)
        return env->media_command(env->arg, call, op->id, op->command, op->params, err);
    status = env->provider_op(env->arg, call->instance, op->id, call, op->command, op->params, err);
    /* A provider may do it for some of its calls only; the others' audio is here. */
    if (status == VGW_EUNSUPPORTED && rows[op->command].media == MEDIA_ELSE && op->command != VGW_CMD_HOLD &&
        op->command != VGW_CMD_RESUME && (call->caps & VOICEGW_CAP_MEDIA) && call->leg && env->media_command) {
        op->by_provider = false;
        status = env->media_command(env->arg, call, op->id, op->command, op->params, err);
    }
    if (status == VGW_EUNSUPPORTED && joins(op->command) && vgw_conference_can(call))
        status = start_mix(op, err);
    return status;
}

/* Starts what was checked. After a start that worked the op may be gone: nothing may touch it. On failure it is
 * untouched. */
static int start_op(struct vgw_op *op, struct vgw_error *err)
{
    struct vgw_call *call = op->call;
    uint64_t id = op->id;
    enum vgw_path path;
    if (!choose_path(call, op->command, op->params, &path))
        return cannot(call, op->command, err);
    if (path == VGW_PATH_CORE)
        return vgw_op_defer(op, vgw_call_to_json(call)) == VGW_OK ? VGW_OK : vgw_error_nomem(err);
    if (op->command != VGW_CMD_TRANSFER)
        return send_op(op, path, err);
    bool attended = vgw_streq(vgw_json_get_string(op->params, "kind", "blind"), "attended");
    if (!vgw_text_set(&call->transfer_to, vgw_json_get_string(op->params, "to", "")))
        return vgw_error_nomem(err);
    int status = send_op(op, path, err);
    if (status == VGW_OK && !call->settled && call->state != VGW_CALL_TRANSFERRING && vgw_op_find(call->calls, id)) {
        call->state_before_transfer = call->state;
        call->transfer_kind = attended ? "attended" : "blind";
        vgw_call_transfer_begun(call);
    }
    return status;
}

int vgw_call_start(struct vgw_call *call, int command, const struct vgw_json *params, struct vgw_error *err)
{
    struct vgw_op *op = vgw_op_new(call, command, NULL, NULL);
    if (!op)
        return vgw_error_nomem(err);
    uint64_t id = op->id;
    struct vgw_calls *calls = call->calls;
    int status = keep_params(op, params, err);
    if (status == VGW_OK)
        status = start_op(op, err);
    if (status != VGW_OK && (op = vgw_op_find(calls, id)))
        vgw_op_free(op);
    return status;
}

void vgw_call_start_waiting(struct vgw_call *call)
{
    struct vgw_list *p, *n;
    struct vgw_op *next;
    do {
        next = NULL;
        VGW_LIST_EACH (p, n, &call->ops) {
            struct vgw_op *op = VGW_CONTAINER_OF(p, struct vgw_op, in_call);
            if (op->waiting || op->command == VGW_CMD_AWAIT_CONNECTED) {
                next = op;
                break;
            }
        }
        if (!next)
            return;
        if (next->command == VGW_CMD_AWAIT_CONNECTED) {
            struct vgw_json *shape = vgw_call_to_json(call);
            vgw_op_tell(next, VGW_OK, NULL, shape);
            vgw_json_free(shape);
            continue;
        }
        struct vgw_error err = {0};
        uint64_t id = next->id;
        next->waiting = false;
        vgw_timer_stop(&next->timer);
        int status = check_now(call, next->command, &err);
        if (status == VGW_OK)
            status = start_op(next, &err);
        if (status != VGW_OK && (next = vgw_op_find(call->calls, id)))
            vgw_op_tell(next, status, err.text, NULL);
    } while (!call->settled);
}

static int check_room(const struct vgw_call *call, bool waits, struct vgw_error *err)
{
    struct vgw_list *p, *n;
    unsigned waiting = 0;
    if (call->op_count >= VGW_CALLS_OPS_MAX)
        return vgw_error_set(err, VGW_ELIMIT,
                             "%d commands of this call are under way already; wait for one to complete",
                             VGW_CALLS_OPS_MAX);
    VGW_LIST_EACH (p, n, &call->ops)
        waiting += VGW_CONTAINER_OF(p, struct vgw_op, in_call)->waiting;
    if (waits && waiting >= VGW_CALLS_WAITING_MAX)
        return vgw_error_set(err, VGW_ELIMIT, "%d commands wait for this call to be connected already",
                             VGW_CALLS_WAITING_MAX);
    return VGW_OK;
}

int vgw_call_await(struct vgw_call *call, int command, vgw_command_done done, void *arg, struct vgw_error *err)
{
    if (!vgw_op_new(call, command, done, arg))
        return vgw_error_nomem(err);
    return VGW_OK;
}

static int end_command(struct vgw_call *call, const struct vgw_json *params, vgw_command_done done, void *arg,
                       struct vgw_error *err)
{
    const char *given = vgw_json_get_string(params, "cause", "");
    char cause[CAUSE_BYTES + 1];
    if (call->op_count >= 2 * VGW_CALLS_OPS_MAX)
        return vgw_error_set(err, VGW_ELIMIT, "too many wait for the end of this call already");
    if (done) {
        int status = vgw_call_await(call, VGW_CMD_AWAIT_END, done, arg, err);
        if (status != VGW_OK)
            return status;
    }
    (void)vgw_strcopy(cause, sizeof cause, given);
    vgw_call_end(call, VGW_OUTCOME_NONE, cause[0] ? cause : NULL, NULL);
    return VGW_OK;
}

static void begin_reject(struct vgw_call *call, const struct vgw_json *params)
{
    const char *reason = vgw_json_get_string(params, "reason", "rejected");
    vgw_call_begin_end(call, vgw_streq(reason, "busy") ? VGW_OUTCOME_BUSY : VGW_OUTCOME_CANCELED, reason, NULL);
}

int vgw_calls_command(struct vgw_calls *calls, struct vgw_call *call, enum vgw_command command,
                      const struct vgw_json *params, bool wait, vgw_command_done done, void *arg, struct vgw_error *err)
{
    enum vgw_path path;
    if ((unsigned)command >= VGW_COMMANDS || command == VGW_CMD_MAKE_CALL || command == VGW_CMD_RECONCILE)
        return vgw_error_set(err, VGW_EINVALID, "there is no such command for a call");
    if (call->settled)
        return vgw_error_set(err, VGW_ENOTFOUND, "the call has ended");
    if (command == VGW_CMD_END)
        return end_command(call, params, done, arg, err);
    int status = vgw_command_check_params(command, params, err);
    if (status != VGW_OK)
        return status;
    if (!choose_path(call, command, params, &path))
        return cannot(call, command, err);
    bool early = wait && ((1u << call->state) & RINGS);
    bool waits = (early || call->connecting) && !call->ending && (rows[command].states & TALKS) &&
                 !(rows[command].states & RINGS);
    if (!waits)
        status = check_now(call, command, err);
    if (status == VGW_OK)
        status = check_room(call, waits, err);
    if (status != VGW_OK)
        return status;
    struct vgw_op *op = vgw_op_new(call, command, done, arg);
    if (!op)
        return vgw_error_nomem(err);
    uint64_t id = op->id;
    op->waiting = waits;
    op->alone = !wait;
    status = keep_params(op, params, err);
    if (status == VGW_OK && waits)
        status = vgw_timer_start(&op->timer, calls->limits.op_timeout_us) == VGW_OK ? VGW_OK : vgw_error_nomem(err);
    else if (status == VGW_OK)
        status = start_op(op, err);
    if (status != VGW_OK && (op = vgw_op_find(calls, id)))
        vgw_op_free(op);
    else if (status == VGW_OK && command == VGW_CMD_REJECT)
        begin_reject(call, params);
    return status;
}
