/* op.c - operations under way, by id: each ends exactly once, by its answer, its deadline or the end of its call. */
#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "call/inside.h"

/* What the provider still answers is for nobody. */
static void provider_cancel(const struct vgw_op *op)
{
    const struct vgw_call *call = op->call;
    const struct vgw_calls_env *env = &call->calls->env;
    if (op->by_provider && call->instance && env->provider_cancel)
        env->provider_cancel(env->arg, call->instance, op->id);
}

static void on_op_timer(void *arg)
{
    struct vgw_op *op = arg;
    long limit_s = (long)(op->call->calls->limits.op_timeout_us / VGW_US_PER_S);
    char sentence[96];
    struct vgw_error text;
    if (op->deferred) {
        struct vgw_json *result = op->result;
        op->result = NULL;
        vgw_op_tell(op, VGW_OK, NULL, result);
        vgw_json_free(result);
        return;
    }
    vgw_error_set(&text, VGW_ETIMEOUT,
                  op->waiting ? "the call was not connected within %ld s" : "no answer came within %ld s", limit_s);
    vgw_strcopy(sentence, sizeof sentence, text.text);
    if (op->waiting) {
        vgw_op_tell(op, VGW_ETIMEOUT, sentence, NULL);
        return;
    }
    provider_cancel(op);
    vgw_op_finish(op, VGW_ETIMEOUT, sentence, NULL);
}

struct vgw_op *vgw_op_new(struct vgw_call *call, int command, vgw_command_done done, void *arg)
{
    struct vgw_calls *calls = call->calls;
    struct vgw_op *op;
    if (!VGW_NEW(op))
        return NULL;
    op->id = ++calls->last_op;
    op->call = call;
    op->command = command;
    op->done = done;
    op->arg = arg;
    vgw_timer_init(&op->timer, calls->env.loop, on_op_timer, op);
    vgw_list_append(&calls->ops[op->id % VGW_CALLS_OP_BUCKETS], &op->link);
    vgw_list_append(&call->ops, &op->in_call);
    call->op_count++;
    return op;
}

static void unlink_op(struct vgw_op *op)
{
    if (!vgw_list_linked(&op->link))
        return;
    vgw_timer_stop(&op->timer);
    vgw_list_remove(&op->link);
    vgw_list_remove(&op->in_call);
    op->call->op_count--;
}

void vgw_op_free(struct vgw_op *op)
{
    unlink_op(op);
    vgw_json_free(op->params);
    vgw_json_free(op->result);
    vgw_free(op);
}

bool vgw_op_pending(const struct vgw_call *call, int command)
{
    struct vgw_list *p, *n;
    VGW_LIST_EACH (p, n, &call->ops) {
        const struct vgw_op *op = VGW_CONTAINER_OF(p, struct vgw_op, in_call);
        if (op->command == command && !op->waiting)
            return true;
    }
    return false;
}

struct vgw_op *vgw_op_find(struct vgw_calls *calls, uint64_t id)
{
    struct vgw_list *p, *n, *bucket = &calls->ops[id % VGW_CALLS_OP_BUCKETS];
    VGW_LIST_EACH (p, n, bucket) {
        struct vgw_op *op = VGW_CONTAINER_OF(p, struct vgw_op, link);
        if (op->id == id)
            return op;
    }
    return NULL;
}

int vgw_op_defer(struct vgw_op *op, struct vgw_json *result)
{
    op->deferred = true;
    op->result = result;
    return vgw_timer_start(&op->timer, 0);
}

void vgw_op_tell(struct vgw_op *op, int status, const char *sentence, const struct vgw_json *result)
{
    unlink_op(op);
    if (op->done)
        op->done(op->arg, status, sentence, result);
    vgw_op_free(op);
}

void vgw_op_finish(struct vgw_op *op, int status, const char *sentence, const struct vgw_json *result)
{
    struct vgw_call *call = op->call;
    /* Out of the lists first: what follows may end the call, which tells all that are still in them. */
    unlink_op(op);
    if (status < 0 && op->alone && !call->settled) {
        struct vgw_error err = {0};
        vgw_error_set(&err, status, "%s", sentence ? sentence : "");
        vgw_call_emit_error(call, vgw_command_name((enum vgw_command)op->command), &err);
    }
    struct vgw_json *made = call->settled ? NULL : vgw_op_apply(op, call, status, sentence, result);
    vgw_op_tell(op, status, sentence, made ? made : result);
    vgw_json_free(made);
}

static int await_status(enum vgw_outcome outcome)
{
    switch (outcome) {
    case VGW_OUTCOME_BUSY:
        return VGW_EBUSY;
    case VGW_OUTCOME_NO_ANSWER:
        return VGW_ETIMEOUT;
    case VGW_OUTCOME_FAILED:
        return VGW_EPROVIDER;
    default:
        return VGW_ENOTFOUND;
    }
}

static void tell_end(struct vgw_op *op, const struct vgw_call *call)
{
    struct vgw_error err;
    struct vgw_json *result = NULL;
    int status = VGW_ENOTFOUND;
    vgw_error_set(&err, status, "the call has ended");
    if (op->command == VGW_CMD_AWAIT_END) {
        struct vgw_json *shape = vgw_call_to_json(call);
        status = VGW_OK;
        result = vgw_json_object();
        vgw_json_set_string(result, "state", vgw_call_state_name(call->state));
        vgw_json_set_double(result, "duration", vgw_json_get_double(shape, "duration", 0));
        vgw_json_free(shape);
    } else if (op->command == VGW_CMD_AWAIT_CONNECTED) {
        status = await_status(call->outcome);
        vgw_error_set(&err, status, "the call was not answered: %s",
                      call->cause ? call->cause : vgw_outcome_name(call->outcome));
    } else if (op->command == VGW_CMD_TRANSFER && !op->waiting && call->handed_over) {
        status = VGW_OK;
        result = vgw_json_object();
        vgw_json_set_string(result, "outcome", "completed");
    }
    vgw_op_tell(op, status, status == VGW_OK ? NULL : err.text, result);
    vgw_json_free(result);
}

void vgw_ops_end(struct vgw_call *call)
{
    while (!vgw_list_empty(&call->ops))
        tell_end(VGW_CONTAINER_OF(call->ops.next, struct vgw_op, in_call), call);
}

bool vgw_calls_op_abandoned(struct vgw_calls *calls, uint64_t id)
{
    const struct vgw_op *op = vgw_op_find(calls, id);
    return op && op->abandoned;
}

/* What nobody waits for any more ends in the media: the caller's input is for nobody, an endless clip would play on. */
static void stop_media(const struct vgw_op *op)
{
    const struct vgw_calls_env *env = &op->call->calls->env;
    struct vgw_json *params = vgw_json_object();
    struct vgw_error err;
    if (params && vgw_json_set_int(params, "cancel", (int64_t)op->id) == VGW_OK && env->media_command &&
        env->media_command(env->arg, op->call, 0, op->command, params, &err) != VGW_OK)
        vgw_log(VGW_LOG_DEBUG, &op->call->scope, "what was given up could not be stopped", "command",
                vgw_command_name((enum vgw_command)op->command), "error", err.text, NULL);
    vgw_json_free(params);
}

void vgw_calls_abandon(struct vgw_calls *calls, vgw_command_done done, void *arg)
{
    struct vgw_list *p, *n;
    for (size_t i = 0; i < VGW_CALLS_OP_BUCKETS; i++) {
        VGW_LIST_EACH (p, n, &calls->ops[i]) {
            struct vgw_op *op = VGW_CONTAINER_OF(p, struct vgw_op, link);
            if (op->done != done || op->arg != arg)
                continue;
            op->done = NULL;
            op->abandoned = true;
            if (op->waiting || op->deferred || op->command >= VGW_COMMANDS)
                vgw_op_free(op);
            else if (op->by_provider && op->call->documents)
                provider_cancel(op);
            else if (op->command == VGW_CMD_GATHER || op->command == VGW_CMD_PLAY || op->command == VGW_CMD_SAY)
                stop_media(op);
        }
    }
}

void vgw_calls_complete(struct vgw_calls *calls, uint64_t op_id, int status, const char *sentence,
                        const struct vgw_json *result)
{
    struct vgw_op *op = vgw_op_find(calls, op_id);
    if (!op || op->waiting || op->deferred || op->command >= VGW_COMMANDS) {
        vgw_metric_dropped("op_unknown");
        return;
    }
    if (status != VGW_OK && (!sentence || !*sentence))
        sentence = vgw_status_info(status)->name;
    vgw_op_finish(op, status, sentence, result);
}
