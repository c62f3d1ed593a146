/* consult.c - a transfer that the gateway carries out itself: it calls the other side, says what that side should know
 * first, and joins both. Either side keeps its own call, session and record. */
#include "base/alloc.h"
#include "base/str.h"
#include "call/conference.h"
#include "call/inside.h"
#include "voicegw/plugin.h"

struct consult {
    struct vgw_list link;
    struct vgw_calls *calls;
    struct vgw_call *caller, *target;
    uint64_t op;
    char *summary;    /* or NULL */
    bool placing;     /* the target is being called: what is heard of it comes from inside */
    bool caller_over; /* meanwhile */
};

static void on_target(void *arg, int status, const char *sentence, const struct vgw_json *result);
static void on_said(void *arg, int status, const char *sentence, const struct vgw_json *result);

static void consult_free(struct consult *c)
{
    vgw_list_remove(&c->link);
    vgw_free(c->summary);
    vgw_free(c);
}

/* The caller is back where it was; the command says why. Frees. */
static void failed(struct consult *c, const char *outcome)
{
    struct vgw_calls *calls = c->calls;
    struct vgw_json *result = vgw_json_object();
    struct vgw_call *target = c->target;
    uint64_t op = c->op;
    vgw_json_set_string(result, "outcome", outcome);
    struct vgw_call *caller = c->caller;
    consult_free(c);
    vgw_conference_leave(caller, true);
    if (target && !target->settled)
        vgw_call_end(target, VGW_OUTCOME_NONE, "transfer_given_up", NULL);
    vgw_calls_complete(calls, op, VGW_OK, NULL, result);
    vgw_json_free(result);
}

static void bridge(struct consult *c)
{
    struct vgw_calls *calls = c->calls;
    struct vgw_call *caller = c->caller;
    struct vgw_error err = {0};
    struct vgw_member *m = caller->member;
    if (!m || c->target->settled || vgw_conference_add(m->conference, c->target, NULL, &err) != VGW_OK) {
        if (err.text[0])
            vgw_call_emit_error(caller, "transfer", &err);
        failed(c, "failed");
        return;
    }
    struct vgw_json *result = vgw_json_object();
    uint64_t op = c->op;
    vgw_json_set_string(result, "outcome", "completed");
    vgw_json_set_string(result, "call_id", c->target->call_id);
    consult_free(c);
    if (caller->state == VGW_CALL_TRANSFERRING)
        vgw_call_set_state(caller, VGW_CALL_CONNECTED);
    vgw_calls_complete(calls, op, VGW_OK, NULL, result);
    vgw_json_free(result);
}

static void on_said(void *arg, int status, const char *sentence, const struct vgw_json *result)
{
    struct consult *c = arg;
    if (status != VGW_OK && !c->target->settled)
        vgw_log(VGW_LOG_WARNING, &c->target->scope, "the summary of a transfer could not be said", "error", sentence,
                NULL);
    if (c->target->settled || c->target->ending)
        failed(c, "failed");
    else
        bridge(c);
}

static bool say_summary(struct consult *c)
{
    struct vgw_json *params = vgw_json_object();
    struct vgw_error err = {0};
    vgw_json_set_string(params, "text", c->summary);
    vgw_json_set_bool(params, "interruptible", false);
    int status = vgw_calls_command(c->calls, c->target, VGW_CMD_SAY, params, true, on_said, c, &err);
    vgw_json_free(params);
    if (status != VGW_OK)
        vgw_log(VGW_LOG_WARNING, &c->target->scope, "the summary of a transfer could not be said", "error", err.text,
                NULL);
    return status == VGW_OK;
}

static void on_target(void *arg, int status, const char *sentence, const struct vgw_json *result)
{
    struct consult *c = arg;
    if (status != VGW_OK || c->target->settled || c->target->ending)
        failed(c, status == VGW_EBUSY ? "busy" : status == VGW_ETIMEOUT ? "no_answer" : "failed");
    else if (!c->summary || !say_summary(c))
        bridge(c);
}

/* The one that the callee sees: ours. */
static const char *shown_number(const struct vgw_call *call)
{
    return vgw_streq(call->direction, "inbound") ? call->to : call->from;
}

static int call_target(struct consult *c, const char *to, struct vgw_error *err)
{
    const struct vgw_calls_env *env = &c->calls->env;
    const struct vgw_call *caller = c->caller;
    const char *own = env->instance_setting ? env->instance_setting(env->arg, caller->instance, "default_from") : NULL;
    struct vgw_json *variables = vgw_json_object();
    vgw_json_set_string(variables, "transfer_of", caller->call_id);
    struct vgw_outgoing out = {.to = to,
                               .from = own ? NULL : shown_number(caller),
                               .provider = caller->provider,
                               .project_id = caller->session->project_id,
                               .language = caller->session->language,
                               .variables = variables};
    if (out.from && !vgw_party_valid(out.from))
        out.from = NULL;
    c->placing = true;
    int status = vgw_calls_place(c->calls, &out, &c->target, err);
    c->placing = false;
    vgw_json_free(variables);
    if (c->caller_over)
        return status == VGW_OK ? VGW_ENOTFOUND : status;
    if (status == VGW_OK && c->target->settled)
        status = vgw_error_set(err, VGW_EPROVIDER, "the other side could not be called: %s",
                               c->target->cause ? c->target->cause : "it ended at once");
    if (status == VGW_OK)
        status = vgw_call_await(c->target, VGW_CMD_AWAIT_CONNECTED, on_target, c, err);
    return status;
}

int vgw_consult_start(struct vgw_op *op, struct vgw_error *err)
{
    struct vgw_call *caller = op->call;
    const char *summary = vgw_json_get_string(op->params, "summary", "");
    bool attended = vgw_streq(vgw_json_get_string(op->params, "kind", "blind"), "attended");
    struct vgw_conference *room = NULL;
    struct consult *c;
    if (caller->member && caller->member->conference->kind != VGW_CONFERENCE_WATCH)
        return vgw_error_set(err, VGW_EBUSY, "the call is joined with others already");
    if (!VGW_NEW(c))
        return vgw_error_nomem(err);
    *c = (struct consult){.calls = caller->calls, .caller = caller, .op = op->id};
    vgw_list_append(&caller->calls->consults, &c->link);
    int status = vgw_conference_new(caller, VGW_CONFERENCE_BRIDGE, NULL, &room, err);
    if (status == VGW_OK && (status = vgw_conference_add(room, caller, NULL, err)) != VGW_OK)
        vgw_conference_drop_empty(room);
    if (status == VGW_OK && attended && summary[0] && !(c->summary = vgw_strdup(summary)))
        status = vgw_error_nomem(err);
    if (status == VGW_OK)
        status = call_target(c, vgw_json_get_string(op->params, "to", ""), err);
    if (status == VGW_OK)
        return VGW_OK;
    struct vgw_call *target = c->target;
    bool over = c->caller_over;
    consult_free(c); /* what is told from here on finds nothing under way */
    if (!over)
        vgw_conference_leave(caller, true);
    if (target && !target->settled)
        vgw_call_end(target, VGW_OUTCOME_NONE, "transfer_given_up", NULL);
    return status;
}

bool vgw_consult_pending(const struct vgw_call *call)
{
    struct vgw_list *p, *n;
    VGW_LIST_EACH (p, n, &call->calls->consults)
        if (VGW_CONTAINER_OF(p, struct consult, link)->caller == call)
            return true;
    return false;
}

void vgw_consult_over(const struct vgw_call *call)
{
    struct vgw_list *p, *n;
    VGW_LIST_EACH (p, n, &call->calls->consults) {
        struct consult *c = VGW_CONTAINER_OF(p, struct consult, link);
        struct vgw_call *target = c->target;
        if (c->caller != call)
            continue;
        c->caller_over = true;
        if (c->placing)
            return;
        if (target) {
            vgw_calls_abandon(c->calls, on_target, c);
            vgw_calls_abandon(c->calls, on_said, c);
        }
        consult_free(c);
        if (target && !target->settled)
            vgw_call_end(target, VGW_OUTCOME_NONE, "transfer_given_up", NULL);
        return;
    }
}
