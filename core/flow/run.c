/* run.c - the machine: frames, tries, errors, ends. */
#include "flow/run.h"
#include <stdio.h>
#include <string.h>
#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"

#define BACKOFF_MAX_US (60 * VGW_US_PER_S)

const struct vgw_flow_limits vgw_flow_limits_default = {
    .max_runs = 1000,
    .max_steps = 10000,
    .max_history = 1000,
    .max_log = 500,
    .max_items = 1000,
    .max_vars = 256,
    .max_nesting = 8,
    .max_pending = 10000,
    .max_output = 4096,
    .steps_a_turn = 1000,
    .max_caused_by = 4,
    .max_run_us = 3600 * VGW_US_PER_S,
};

static bool copy_or_null(char **ret, const char *s)
{
    *ret = vgw_strdup(s);
    return *ret || !s;
}

static int first_vars(struct vgw_run *run, const struct vgw_run_start *start)
{
    run->vars = vgw_json_object();
    if (!run->vars)
        return VGW_ELIMIT;
    int rc = vgw_json_set_string(run->vars, "run_id", run->id);
    if (rc == 0)
        rc = vgw_json_set_string(run->vars, "workflow", run->workflow->id);
    if (rc == 0 && run->call_id)
        rc = vgw_json_set_string(run->vars, "call_id", run->call_id);
    if (rc == 0 && run->session_id)
        rc = vgw_json_set_string(run->vars, "session_id", run->session_id);
    if (rc == 0 && start->variables)
        rc = vgw_json_set(run->vars, "variables", vgw_json_ref((struct vgw_json *)start->variables));
    return rc;
}

int vgw_run_new(const struct vgw_run_env *env, struct vgw_workflow *workflow, const struct vgw_run_start *start,
                int64_t now_us, struct vgw_run **ret_run, struct vgw_error *err)
{
    struct vgw_run *run;
    if (!VGW_NEW(run))
        return vgw_error_nomem(err);
    run->env = env;
    run->workflow = vgw_workflow_ref(workflow);
    (void)vgw_strcopy(run->id, sizeof run->id, start->run_id ? start->run_id : "");
    run->trigger = vgw_json_ref((struct vgw_json *)start->trigger);
    run->caused_by = start->caused_by;
    run->nesting = start->nesting;
    run->call_over = workflow->hangup_continues || workflow->is_rule;
    run->started_us = now_us + env->wall_offset_us;
    run->limit_us = now_us + env->limits.max_run_us;
    run->wake_us = INT64_MAX;
    run->timer_us = INT64_MAX;
    for (size_t i = 0; i < VGW_STEP_EVENTS_MAX; i++)
        run->waiters[i].run = run;
    if (!copy_or_null(&run->call_id, start->call_id) || !copy_or_null(&run->session_id, start->session_id) ||
        !copy_or_null(&run->project_id, start->project_id) || first_vars(run, start) < 0) {
        vgw_run_free(run);
        return vgw_error_nomem(err);
    }
    run->frames[0] =
        (struct vgw_run_frame){.kind = VGW_FRAME_ROOT, .block = &run->workflow->root, .record = UINT64_MAX};
    run->frame_count = 1;
    *ret_run = run;
    return 0;
}

static void frame_done(struct vgw_run_frame *f)
{
    vgw_json_free(f->items);
    vgw_json_free(f->saved);
    vgw_json_free(f->saved_loop);
    *f = (struct vgw_run_frame){0};
}

void vgw_run_free(struct vgw_run *run)
{
    if (!run)
        return;
    while (run->frame_count > 0)
        frame_done(&run->frames[--run->frame_count]);
    for (size_t i = 0; i < run->record_count; i++) {
        vgw_json_free(run->records[i].output);
        vgw_free(run->records[i].error);
    }
    vgw_free(run->records);
    vgw_json_free(run->trigger);
    vgw_json_free(run->vars);
    vgw_json_free(run->result);
    vgw_free(run->call_id);
    vgw_free(run->session_id);
    vgw_free(run->project_id);
    vgw_free(run->error);
    vgw_free(run->wait_call);
    vgw_workflow_unref(run->workflow);
    vgw_free(run);
}

static struct vgw_run_frame *top(struct vgw_run *run)
{
    return &run->frames[run->frame_count - 1];
}

const struct vgw_step *vgw_run_step(const struct vgw_run *run)
{
    if (run->status != VGW_RUN_RUNNING || run->frame_count == 0)
        return NULL;
    const struct vgw_run_frame *f = &run->frames[run->frame_count - 1];
    return f->pc < f->block->count ? &f->block->steps[f->pc] : NULL;
}

int vgw_run_set(struct vgw_run *run, const char *name, struct vgw_json *value, struct vgw_error *err)
{
    if (!vgw_json_has(run->vars, name) && vgw_json_object_count(run->vars) >= run->env->limits.max_vars) {
        vgw_json_free(value);
        return vgw_error_set(err, VGW_ELIMIT, "a run may hold at most %zu variables", run->env->limits.max_vars);
    }
    return vgw_json_set(run->vars, name, value) < 0 ? vgw_error_nomem(err) : 0;
}

int vgw_run_enter(struct vgw_run *run, enum vgw_frame_kind kind, const struct vgw_block *block, struct vgw_error *err)
{
    if (run->frame_count == VGW_RUN_FRAMES)
        return vgw_error_set(err, VGW_ELIMIT, "steps are nested too deep");
    run->frames[run->frame_count++] =
        (struct vgw_run_frame){.kind = kind, .block = block, .record = run->record_next - 1};
    return 0;
}

/* The loop's names get back what they held before. */
static void loop_restore(struct vgw_run *run, struct vgw_run_frame *f, const struct vgw_step *owner)
{
    if (f->had_saved)
        (void)vgw_json_set(run->vars, owner->as, vgw_json_ref(f->saved));
    else
        vgw_json_del(run->vars, owner->as);
    if (f->saved_loop)
        (void)vgw_json_set(run->vars, "loop", vgw_json_ref(f->saved_loop));
    else
        vgw_json_del(run->vars, "loop");
}

static void frame_pop(struct vgw_run *run)
{
    struct vgw_run_frame *f = top(run);
    run->frame_count--;
    if (f->kind == VGW_FRAME_LOOP && run->vars)
        loop_restore(run, f, vgw_run_step(run));
    frame_done(f);
}

static void leave_wait(struct vgw_run *run)
{
    run->wait = VGW_WAIT_NONE;
    run->wake_us = INT64_MAX;
    vgw_free(run->wait_call);
    run->wait_call = NULL;
}

static void emit_end(struct vgw_run *run, struct vgw_effects *fx)
{
    if (run->env->quiet || run->workflow->is_rule)
        return;
    struct vgw_json *data = vgw_json_object();
    if (!data || vgw_json_set_string(data, "run_id", run->id) < 0 ||
        vgw_json_set_string(data, "workflow", run->workflow->id) < 0 ||
        vgw_json_set_string(data, "status", vgw_run_status_name(run->status)) < 0 ||
        (run->error && vgw_json_set_string(data, "error", run->error) < 0) ||
        (run->error && vgw_json_set_string(data, "error_class", vgw_status_info(run->error_status)->error_class) < 0)) {
        vgw_json_free(data);
        return;
    }
    vgw_run_emit(run, run->status == VGW_RUN_FAILED ? "workflow_failed" : "workflow_finished", data, fx);
}

void vgw_run_finish(struct vgw_run *run, enum vgw_run_status status, int error_status, const char *error,
                    int64_t now_us, struct vgw_effects *fx)
{
    if (run->status != VGW_RUN_RUNNING)
        return;
    enum vgw_step_status rest = status == VGW_RUN_COMPLETED  ? VGW_STEP_COMPLETED
                                : status == VGW_RUN_CANCELED ? VGW_STEP_CANCELED
                                                             : VGW_STEP_FAILED;
    if (run->wait == VGW_WAIT_ACTION)
        (void)vgw_effects_add(fx, (struct vgw_effect){.type = VGW_EFFECT_CANCEL, .run = run, .ticket = run->ticket});
    run->ticket++;
    leave_wait(run);
    if (run->record_next > 0)
        vgw_run_record_close(run, run->record_next - 1, rest, NULL, error, now_us, fx);
    while (run->frame_count > 0) {
        vgw_run_record_close(run, top(run)->record, rest, NULL, error, now_us, fx);
        run->frame_count--;
        frame_done(&run->frames[run->frame_count]);
    }
    run->status = status;
    run->error_status = error_status;
    run->error = vgw_strdup(error);
    run->ended_us = now_us + run->env->wall_offset_us;
    emit_end(run, fx);
    run->finish_told = vgw_effects_add(fx, (struct vgw_effect){.type = VGW_EFFECT_FINISHED, .run = run}) == 0;
}

static void step_done(struct vgw_run *run, const struct vgw_step *step, struct vgw_json *output, int64_t now_us,
                      struct vgw_effects *fx)
{
    struct vgw_error err = {0};
    leave_wait(run);
    if (step->output_key && vgw_run_set(run, step->output_key, vgw_json_ref(output), &err) < 0) {
        vgw_json_free(output);
        vgw_run_finish(run, VGW_RUN_FAILED, err.status, err.text, now_us, fx);
        return;
    }
    vgw_run_record_close(run, run->record_next - 1, VGW_STEP_COMPLETED, output, NULL, now_us, fx);
    vgw_json_free(output);
    top(run)->pc++;
}

static bool may_retry(const struct vgw_run *run, const struct vgw_step *step, int status)
{
    if (run->tries > step->retry_max || status == VGW_EINVALID || status == VGW_ECONFIG || status == VGW_EUNSUPPORTED)
        return false;
    if (status != VGW_ETIMEOUT || step->type != VGW_STEP_ACTION)
        return true;
    if (step->retry_after_timeout >= 0)
        return step->retry_after_timeout;
    const struct vgw_action_desc *d = vgw_action_find(run->env->actions, step->name);
    return d && (d->flags & VGW_ACTION_IDEMPOTENT);
}

/* {"error","error_class","step"}: what on_error steps see as `error`, and what a failed step leaves under its
 * output_key. */
static struct vgw_json *error_value(const struct vgw_step *step, const struct vgw_error *err)
{
    struct vgw_json *o = vgw_json_object();
    const char *text = step->sensitive ? "the step failed" : err->text;
    if (!o || vgw_json_set_string(o, "error", text) < 0 || vgw_json_set_string(o, "message", text) < 0 ||
        vgw_json_set_string(o, "error_class", vgw_status_info(err->status)->error_class) < 0 ||
        vgw_json_set_int(o, "step", (int64_t)step->index) < 0 || vgw_json_set_string(o, "type", step->name) < 0) {
        vgw_json_free(o);
        return NULL;
    }
    return o;
}

/* Goes up from the failed step to the first that bears it. */
static void unwind(struct vgw_run *run, const struct vgw_error *err, int64_t now_us, struct vgw_effects *fx)
{
    const struct vgw_step *failed = vgw_run_step(run);
    const char *told = failed->sensitive ? "a sensitive step failed" : err->text;
    bool handler_failed = false;
    struct vgw_error ignored = {0};
    while (run->frame_count > 0) {
        const struct vgw_step *step = vgw_run_step(run);
        enum vgw_on_error how = handler_failed ? VGW_ON_ERROR_FAIL : step->on_error;
        if (how != VGW_ON_ERROR_FAIL) {
            struct vgw_json *value = error_value(failed, err);
            if (step->output_key)
                (void)vgw_run_set(run, step->output_key, vgw_json_ref(value), &ignored);
            (void)vgw_run_set(run, "error", value, &ignored);
        }
        if (how == VGW_ON_ERROR_CONTINUE) {
            top(run)->pc++;
            return;
        }
        if (how == VGW_ON_ERROR_STEPS && vgw_run_enter(run, VGW_FRAME_HANDLER, &step->error_block, &ignored) == 0) {
            top(run)->record = UINT64_MAX;
            return;
        }
        handler_failed = top(run)->kind == VGW_FRAME_HANDLER;
        if (run->frame_count == 1)
            break;
        vgw_run_record_close(run, top(run)->record, VGW_STEP_FAILED, NULL, told, now_us, fx);
        frame_pop(run);
    }
    vgw_run_finish(run, VGW_RUN_FAILED, err->status, told, now_us, fx);
}

static void step_failed(struct vgw_run *run, const struct vgw_step *step, const struct vgw_error *err, int64_t now_us,
                        struct vgw_effects *fx)
{
    leave_wait(run);
    run->ticket++;
    if (may_retry(run, step, err->status)) {
        int64_t backoff = step->retry_backoff_us;
        for (int i = 1; i < run->tries && backoff < BACKOFF_MAX_US; i++)
            backoff *= 2;
        run->wait = VGW_WAIT_RETRY;
        run->wake_us = now_us + (backoff < BACKOFF_MAX_US ? backoff : BACKOFF_MAX_US);
        return;
    }
    vgw_run_record_close(run, run->record_next - 1, VGW_STEP_FAILED, NULL, err->text, now_us, fx);
    unwind(run, err, now_us, fx);
}

static void try_step(struct vgw_run *run, const struct vgw_step *step, int64_t now_us, struct vgw_effects *fx)
{
    struct vgw_json *output = NULL;
    struct vgw_error err = {0};
    run->tries++;
    struct vgw_step_record *r = vgw_run_record(run, run->record_next - 1);
    if (r)
        r->tries = run->tries;
    int rc = vgw_run_execute(run, step, now_us, fx, &output, &err);
    if (rc == VGW_EXEC_DONE)
        step_done(run, step, output, now_us, fx);
    else if (rc < 0)
        step_failed(run, step, &err, now_us, fx);
}

static void begin_step(struct vgw_run *run, const struct vgw_step *step, int64_t now_us, struct vgw_effects *fx)
{
    struct vgw_scope scope = {.trigger = run->trigger, .vars = run->vars};
    struct vgw_error err = {0};
    char text[128];
    if (run->steps_done >= run->env->limits.max_steps) {
        (void)snprintf(text, sizeof text, "the run has taken %zu steps, no more are allowed", run->steps_done);
        vgw_run_finish(run, VGW_RUN_FAILED, VGW_ELIMIT, text, now_us, fx);
        return;
    }
    run->steps_done++;
    run->tries = 0;
    if (!vgw_run_record_open(run, step, now_us)) {
        vgw_run_finish(run, VGW_RUN_FAILED, VGW_ELIMIT, "memory is short", now_us, fx);
        return;
    }
    int rc = vgw_condition_test(step->when, &scope, run->workflow->strict, &err);
    if (rc < 0) {
        run->tries = step->retry_max + 1;
        step_failed(run, step, &err, now_us, fx);
    } else if (rc == 0) {
        vgw_run_record_close(run, run->record_next - 1, VGW_STEP_SKIPPED, NULL, NULL, now_us, fx);
        top(run)->pc++;
    } else {
        try_step(run, step, now_us, fx);
    }
}

static void frame_end(struct vgw_run *run, int64_t now_us, struct vgw_effects *fx)
{
    struct vgw_run_frame *f = top(run);
    struct vgw_error err = {0};
    struct vgw_json *output = NULL;
    if (f->kind == VGW_FRAME_ROOT) {
        vgw_run_finish(run, VGW_RUN_COMPLETED, 0, NULL, now_us, fx);
        return;
    }
    const struct vgw_run_frame *parent = &run->frames[run->frame_count - 2];
    const struct vgw_step *owner = &parent->block->steps[parent->pc];
    if (f->kind == VGW_FRAME_LOOP) {
        if (++f->index < vgw_json_count(f->items)) {
            f->pc = 0;
            if (vgw_run_loop_vars(run, f, owner, &err) < 0)
                vgw_run_finish(run, VGW_RUN_FAILED, err.status, err.text, now_us, fx);
            return;
        }
        output = vgw_json_object();
        if (output)
            (void)vgw_json_set_int(output, "count", (int64_t)f->index);
    }
    uint64_t record = f->record;
    frame_pop(run);
    vgw_run_record_close(run, record, VGW_STEP_COMPLETED, output, NULL, now_us, fx);
    if (output && owner->output_key)
        (void)vgw_run_set(run, owner->output_key, vgw_json_ref(output), &err);
    vgw_json_free(output);
    top(run)->pc++;
}

/* Steps until something must be waited for, then sets the timer. */
static void advance(struct vgw_run *run, int64_t now_us, struct vgw_effects *fx)
{
    size_t budget = run->env->limits.steps_a_turn;
    while (run->status == VGW_RUN_RUNNING && run->wait == VGW_WAIT_NONE) {
        struct vgw_run_frame *f = top(run);
        if (budget-- == 0) {
            run->wait = VGW_WAIT_TURN;
            run->wake_us = now_us;
        } else if (f->pc >= f->block->count) {
            frame_end(run, now_us, fx);
        } else {
            begin_step(run, &f->block->steps[f->pc], now_us, fx);
        }
    }
    if (run->status != VGW_RUN_RUNNING)
        return;
    int64_t at = run->wake_us < run->limit_us ? run->wake_us : run->limit_us;
    if (at != run->timer_us &&
        vgw_effects_add(fx, (struct vgw_effect){.type = VGW_EFFECT_TIMER, .run = run, .at_us = at}) == 0)
        run->timer_us = at;
}

void vgw_run_begin(struct vgw_run *run, int64_t now_us, struct vgw_effects *fx)
{
    if (!run->env->quiet && !run->workflow->is_rule) {
        struct vgw_json *data = vgw_json_object();
        if (data && vgw_json_set_string(data, "run_id", run->id) == 0 &&
            vgw_json_set_string(data, "workflow", run->workflow->id) == 0)
            vgw_run_emit(run, "workflow_started", data, fx);
        else
            vgw_json_free(data);
    }
    advance(run, now_us, fx);
}

static void on_wake(struct vgw_run *run, int64_t now_us, struct vgw_effects *fx)
{
    const struct vgw_step *step = vgw_run_step(run);
    enum vgw_run_wait wait = run->wait;
    struct vgw_error err = {0};
    if (wait == VGW_WAIT_DELAY) {
        step_done(run, step, NULL, now_us, fx);
    } else if (wait == VGW_WAIT_RETRY) {
        leave_wait(run);
        try_step(run, step, now_us, fx);
    } else if (wait == VGW_WAIT_EVENT) {
        vgw_error_set(&err, VGW_ETIMEOUT, "no %s came in time", step->event_types[0]);
        step_failed(run, step, &err, now_us, fx);
    } else if (wait == VGW_WAIT_ACTION) {
        (void)vgw_effects_add(fx, (struct vgw_effect){.type = VGW_EFFECT_CANCEL, .run = run, .ticket = run->ticket});
        vgw_error_set(&err, VGW_ETIMEOUT, "%s did not end in time", step->name);
        step_failed(run, step, &err, now_us, fx);
    } else {
        leave_wait(run);
    }
}

void vgw_run_on_timer(struct vgw_run *run, int64_t now_us, struct vgw_effects *fx)
{
    char text[128];
    if (run->status != VGW_RUN_RUNNING || now_us < run->timer_us)
        return;
    run->timer_us = INT64_MAX;
    if (now_us >= run->limit_us) {
        (void)snprintf(text, sizeof text, "the run took longer than %lld s",
                       (long long)(run->env->limits.max_run_us / VGW_US_PER_S));
        vgw_run_finish(run, VGW_RUN_FAILED, VGW_ETIMEOUT, text, now_us, fx);
    } else if (now_us >= run->wake_us) {
        on_wake(run, now_us, fx);
    }
    advance(run, now_us, fx);
}

/* The envelope's ids with the data's names beside them, so that both {{ key.digit }} and {{ key.call_id }} work. */
static struct vgw_json *event_output(const struct vgw_json *event)
{
    struct vgw_json *o = vgw_json_object();
    const char *key;
    struct vgw_json *v;
    const struct vgw_json *from[2] = {event, vgw_json_get(event, "data")};
    for (int k = 0; o && k < 2; k++) {
        for (size_t i = 0; from[k] && vgw_json_object_next(from[k], &i, &key, &v);) {
            if (k == 0 && strcmp(key, "data") == 0)
                continue;
            if (vgw_json_set(o, key, vgw_json_ref(v)) < 0) {
                vgw_json_free(o);
                return NULL;
            }
        }
    }
    return o;
}

bool vgw_run_on_event(struct vgw_run *run, const struct vgw_json *event, int64_t now_us, struct vgw_effects *fx)
{
    const struct vgw_step *step = vgw_run_step(run);
    if (run->wait != VGW_WAIT_EVENT || !step)
        return false;
    const char *call = vgw_json_get_string(event, "call_id", NULL);
    if (run->wait_call && call && strcmp(run->wait_call, call) != 0)
        return false;
    struct vgw_scope scope = {.trigger = run->trigger, .vars = run->vars, .fields = event};
    struct vgw_error err = {0};
    int rc = vgw_condition_test(step->condition, &scope, run->workflow->strict, &err);
    if (rc == 0)
        return false;
    struct vgw_json *output = rc > 0 ? event_output(event) : NULL;
    if (rc > 0 && !output)
        vgw_error_nomem(&err);
    if (output)
        step_done(run, step, output, now_us, fx);
    else
        step_failed(run, step, &err, now_us, fx);
    advance(run, now_us, fx);
    return true;
}

static void adopt_call(struct vgw_run *run, const struct vgw_json *result)
{
    const char *call = vgw_json_get_string(result, "call_id", NULL);
    const char *session = vgw_json_get_string(result, "session_id", NULL);
    if (run->call_id || !call)
        return;
    run->call_id = vgw_strdup(call);
    if (!run->session_id)
        run->session_id = vgw_strdup(session);
    (void)vgw_json_set_string(run->vars, "call_id", call);
    if (session)
        (void)vgw_json_set_string(run->vars, "session_id", session);
}

bool vgw_run_on_action_done(struct vgw_run *run, uint64_t ticket, int status, struct vgw_json *result,
                            const char *error, int64_t now_us, struct vgw_effects *fx)
{
    const struct vgw_step *step = vgw_run_step(run);
    if (run->wait != VGW_WAIT_ACTION || ticket != run->ticket || !step) {
        vgw_json_free(result);
        return false;
    }
    run->ticket++;
    if (status < 0) {
        struct vgw_error err = {.status = status};
        (void)vgw_strcopy(err.text, sizeof err.text, error ? error : vgw_status_info(status)->name);
        vgw_json_free(result);
        step_failed(run, step, &err, now_us, fx);
    } else {
        const struct vgw_action_desc *d = vgw_action_find(run->env->actions, step->name);
        if (d && (d->flags & VGW_ACTION_MAKES_CALL))
            adopt_call(run, result);
        bool came_off =
            strcmp(vgw_json_get_string(result, "outcome", "completed"), "completed") == 0; /* of a transfer */
        if (d && (d->flags & VGW_ACTION_ENDS_CALL) && came_off)
            run->call_over = true;
        step_done(run, step, result, now_us, fx);
    }
    advance(run, now_us, fx);
    return true;
}

void vgw_run_on_call_ended(struct vgw_run *run, int64_t now_us, struct vgw_effects *fx)
{
    const struct vgw_step *step = vgw_run_step(run);
    if (run->status != VGW_RUN_RUNNING || run->call_over)
        return;
    const struct vgw_action_desc *d =
        run->wait == VGW_WAIT_ACTION && step ? vgw_action_find(run->env->actions, step->name) : NULL;
    if (d && (d->flags & VGW_ACTION_ENDS_CALL)) {
        run->call_over = true;
        return;
    }
    if (run->record_next > 0) {
        if (run->wait == VGW_WAIT_ACTION)
            (void)vgw_effects_add(fx,
                                  (struct vgw_effect){.type = VGW_EFFECT_CANCEL, .run = run, .ticket = run->ticket});
        leave_wait(run);
        vgw_run_record_close(run, run->record_next - 1, VGW_STEP_FAILED, NULL, "the call has ended", now_us, fx);
    }
    vgw_run_finish(run, VGW_RUN_CANCELED, VGW_ENOTFOUND, "the call has ended", now_us, fx);
    advance(run, now_us, fx);
}

bool vgw_run_cancel(struct vgw_run *run, const char *reason, int64_t now_us, struct vgw_effects *fx)
{
    if (run->status != VGW_RUN_RUNNING)
        return false;
    vgw_run_finish(run, VGW_RUN_CANCELED, VGW_EBUSY, reason, now_us, fx);
    advance(run, now_us, fx);
    return true;
}
