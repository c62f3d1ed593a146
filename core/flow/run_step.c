/* run_step.c - what each type of step does. */
#include <stdio.h>
#include <string.h>
#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "flow/run.h"

/* Rendered parameters of the step; *ret_params is owned, NULL when it has none. */
static int render(struct vgw_run *run, const struct vgw_step *step, struct vgw_json **ret_params, struct vgw_error *err)
{
    struct vgw_scope scope = {.trigger = run->trigger, .vars = run->vars};
    if (!step->params)
        return 0;
    return vgw_tree_render(step->params, &scope, run->workflow->strict, ret_params, err);
}

static int duration_of(const struct vgw_json *v, const char *what, int64_t *ret_us, struct vgw_error *err)
{
    const char *s = vgw_json_str(v);
    enum vgw_json_type t = vgw_json_type(v);
    if (s && vgw_parse_duration_us(s, ret_us))
        return 0;
    double seconds = t == VGW_JSON_INT || t == VGW_JSON_DOUBLE ? vgw_json_as_double(v, -1) : -1;
    if (!(seconds >= 0 && seconds < 1e9))
        return vgw_error_set(err, VGW_EINVALID, "%s must be a number of seconds or a duration such as 5s", what);
    *ret_us = (int64_t)(seconds * 1e6);
    return 0;
}

static int do_delay(struct vgw_run *run, const struct vgw_json *params, int64_t now_us, struct vgw_error *err)
{
    int64_t us = 0;
    int rc = duration_of(vgw_json_get(params, "seconds"), "seconds", &us, err);
    if (rc < 0)
        return rc;
    run->wait = VGW_WAIT_DELAY;
    run->wake_us = now_us + us;
    return VGW_EXEC_WAITS;
}

static int do_log(struct vgw_run *run, const struct vgw_step *step, const struct vgw_json *params,
                  struct vgw_effects *fx, struct vgw_error *err)
{
    enum vgw_log_level level = VGW_LOG_INFO;
    const char *name = vgw_json_get_string(params, "level", NULL);
    struct vgw_buf b;
    if (name && !vgw_log_level_parse(name, &level))
        return vgw_error_set(err, VGW_EINVALID, "level cannot be \"%.40s\"; choose error, warning, info or debug",
                             name);
    vgw_buf_init(&b, VGW_TEMPLATE_OUTPUT_MAX);
    if (step->sensitive)
        vgw_buf_adds(&b, "***");
    else
        vgw_template_write_value(&b, vgw_json_get(params, "message"));
    if (b.len == 0)
        vgw_buf_adds(&b, "");
    char *text = b.failed ? NULL : b.data ? vgw_buf_take(&b) : vgw_strdup("");
    vgw_buf_done(&b);
    if (!text)
        return vgw_error_nomem(err);
    struct vgw_effect e = {.type = VGW_EFFECT_LOG, .run = run, .name = text, .level = level};
    return vgw_effects_add(fx, e) < 0 ? vgw_error_nomem(err) : VGW_EXEC_DONE;
}

static int do_set(struct vgw_run *run, const struct vgw_json *params, struct vgw_error *err)
{
    const char *key;
    struct vgw_json *v;
    for (size_t i = 0; vgw_json_object_next(params, &i, &key, &v);) {
        int rc = vgw_run_set(run, key, vgw_json_ref(v), err);
        if (rc < 0)
            return rc;
    }
    return VGW_EXEC_DONE;
}

static int enter_or_pass(struct vgw_run *run, const struct vgw_block *block, struct vgw_error *err)
{
    if (block->count == 0)
        return VGW_EXEC_DONE;
    int rc = vgw_run_enter(run, VGW_FRAME_BLOCK, block, err);
    return rc < 0 ? rc : VGW_EXEC_ENTERED;
}

static int do_if(struct vgw_run *run, const struct vgw_step *step, struct vgw_error *err)
{
    struct vgw_scope scope = {.trigger = run->trigger, .vars = run->vars};
    int rc = vgw_condition_test(step->condition, &scope, run->workflow->strict, err);
    return rc < 0 ? rc : enter_or_pass(run, rc ? &step->body : &step->other, err);
}

static int do_switch(struct vgw_run *run, const struct vgw_step *step, const struct vgw_json *params,
                     struct vgw_error *err)
{
    const struct vgw_json *value = vgw_json_get(params, "value");
    for (size_t i = 0; i < step->case_count; i++) {
        if (vgw_value_equal(value, step->cases[i].value))
            return enter_or_pass(run, &step->cases[i].block, err);
    }
    return enter_or_pass(run, &step->other, err);
}

int vgw_run_loop_vars(struct vgw_run *run, struct vgw_run_frame *f, const struct vgw_step *step, struct vgw_error *err)
{
    size_t count = vgw_json_count(f->items);
    struct vgw_json *loop = vgw_json_object();
    if (!loop || vgw_json_set_int(loop, "index", (int64_t)f->index) < 0 ||
        vgw_json_set_int(loop, "count", (int64_t)count) < 0 || vgw_json_set_bool(loop, "first", f->index == 0) < 0 ||
        vgw_json_set_bool(loop, "last", f->index + 1 == count) < 0) {
        vgw_json_free(loop);
        return vgw_error_nomem(err);
    }
    int rc = vgw_run_set(run, "loop", loop, err);
    return rc < 0 ? rc : vgw_run_set(run, step->as, vgw_json_ref(vgw_json_at(f->items, f->index)), err);
}

/* A map is walked as a list of {key, value}. */
static int items_of(const struct vgw_json *v, struct vgw_json **ret_items, struct vgw_error *err)
{
    enum vgw_json_type t = vgw_json_type(v);
    if (t == VGW_JSON_ARRAY) {
        *ret_items = vgw_json_ref((struct vgw_json *)v);
        return 0;
    }
    if (t != VGW_JSON_OBJECT && t != VGW_JSON_NULL)
        return vgw_error_set(err, VGW_EINVALID, "items must be a list or a map");
    struct vgw_json *list = vgw_json_array();
    const char *key;
    struct vgw_json *value;
    for (size_t i = 0; list && v && vgw_json_object_next(v, &i, &key, &value);) {
        struct vgw_json *pair = vgw_json_object();
        if (!pair || vgw_json_set_string(pair, "key", key) < 0 ||
            vgw_json_set(pair, "value", vgw_json_ref(value)) < 0) {
            vgw_json_free(pair);
            vgw_json_free(list);
            return vgw_error_nomem(err);
        }
        if (vgw_json_append(list, pair) < 0) {
            vgw_json_free(list);
            return vgw_error_nomem(err);
        }
    }
    if (!list)
        return vgw_error_nomem(err);
    *ret_items = list;
    return 0;
}

static int do_for_each(struct vgw_run *run, const struct vgw_step *step, const struct vgw_json *params,
                       struct vgw_error *err)
{
    struct vgw_json *items = NULL;
    int rc = items_of(vgw_json_get(params, "items"), &items, err);
    if (rc < 0)
        return rc;
    size_t n = vgw_json_count(items);
    if (n > run->env->limits.max_items)
        rc = vgw_error_set(err, VGW_ELIMIT, "for_each was given %zu items, %zu are allowed", n,
                           run->env->limits.max_items);
    else if (n > 0 && step->body.count > 0)
        rc = vgw_run_enter(run, VGW_FRAME_LOOP, &step->body, err);
    if (rc < 0 || n == 0 || step->body.count == 0) {
        vgw_json_free(items);
        return rc < 0 ? rc : VGW_EXEC_DONE;
    }
    struct vgw_run_frame *f = &run->frames[run->frame_count - 1];
    f->items = items;
    f->had_saved = vgw_json_has(run->vars, step->as);
    f->saved = vgw_json_ref(vgw_json_get(run->vars, step->as));
    f->saved_loop = vgw_json_ref(vgw_json_get(run->vars, "loop"));
    rc = vgw_run_loop_vars(run, f, step, err);
    if (rc < 0) {
        vgw_json_free(f->items);
        vgw_json_free(f->saved);
        vgw_json_free(f->saved_loop);
        run->frame_count--;
        return rc;
    }
    return VGW_EXEC_ENTERED;
}

static int do_wait_for(struct vgw_run *run, const struct vgw_json *params, int64_t now_us, struct vgw_error *err)
{
    const struct vgw_json *timeout = vgw_json_get(params, "timeout");
    const char *call = vgw_json_get_string(params, "call_id", run->call_id);
    int64_t us = 0;
    if (timeout) {
        int rc = duration_of(timeout, "timeout", &us, err);
        if (rc < 0)
            return rc;
    }
    if (call && *call && strcmp(call, "*") != 0) {
        run->wait_call = vgw_strdup(call);
        if (!run->wait_call)
            return vgw_error_nomem(err);
    }
    run->wait = VGW_WAIT_EVENT;
    run->wake_us = timeout ? now_us + us : INT64_MAX;
    return VGW_EXEC_WAITS;
}

static int do_action(struct vgw_run *run, const struct vgw_step *step, struct vgw_json *params, int64_t now_us,
                     struct vgw_effects *fx, struct vgw_error *err)
{
    const struct vgw_action_desc *d = vgw_action_find(run->env->actions, step->name);
    int64_t timeout = step->timeout_us ? step->timeout_us : d ? d->default_timeout_us : 0;
    char *name = vgw_strdup(step->name);
    if (!name)
        return vgw_error_nomem(err);
    struct vgw_effect e = {.type = VGW_EFFECT_START,
                           .run = run,
                           .ticket = ++run->ticket,
                           .name = name,
                           .data = vgw_json_ref(params),
                           .at_us = timeout};
    if (vgw_effects_add(fx, e) < 0)
        return vgw_error_nomem(err);
    run->wait = VGW_WAIT_ACTION;
    run->wake_us = timeout ? now_us + timeout : INT64_MAX;
    return VGW_EXEC_WAITS;
}

static int do_emit(struct vgw_run *run, const struct vgw_json *params, struct vgw_effects *fx, struct vgw_error *err)
{
    const char *type = vgw_json_get_string(params, "type", NULL);
    struct vgw_json *data = vgw_json_get(params, "data");
    if (!type || !*type || strlen(type) > 64)
        return vgw_error_set(err, VGW_EINVALID, "type must be a name of 1 to 64 bytes");
    if (vgw_event_type_is_reserved(type))
        return vgw_error_set(err, VGW_EINVALID, "only the core writes events of type %s; choose a name of your own",
                             type);
    if (data && vgw_json_type(data) != VGW_JSON_OBJECT)
        return vgw_error_set(err, VGW_EINVALID, "data must be a map of names and values");
    data = data ? vgw_json_ref(data) : vgw_json_object();
    if (!data)
        return vgw_error_nomem(err);
    vgw_run_emit(run, type, data, fx);
    return VGW_EXEC_DONE;
}

static int do_stop(struct vgw_run *run, const struct vgw_json *params, int64_t now_us, struct vgw_effects *fx)
{
    const char *status = vgw_json_get_string(params, "status", "completed");
    const char *reason = vgw_json_get_string(params, "reason", NULL);
    bool failed = strcmp(status, "failed") == 0;
    run->result = vgw_json_ref(vgw_json_get(params, "result"));
    vgw_run_record_close(run, run->record_next - 1, VGW_STEP_COMPLETED, NULL, NULL, now_us, fx);
    vgw_run_finish(run, failed ? VGW_RUN_FAILED : VGW_RUN_COMPLETED, failed ? VGW_EINVALID : 0,
                   reason   ? reason
                   : failed ? "the workflow stopped itself as failed"
                            : NULL,
                   now_us, fx);
    return VGW_EXEC_ENDED;
}

int vgw_run_execute(struct vgw_run *run, const struct vgw_step *step, int64_t now_us, struct vgw_effects *fx,
                    struct vgw_json **ret_output, struct vgw_error *err)
{
    struct vgw_json *params = NULL;
    int rc = render(run, step, &params, err);
    if (rc < 0)
        return rc;
    switch (step->type) {
    case VGW_STEP_DELAY:
        rc = do_delay(run, params, now_us, err);
        break;
    case VGW_STEP_LOG:
        rc = do_log(run, step, params, fx, err);
        break;
    case VGW_STEP_SET:
        rc = do_set(run, params, err);
        break;
    case VGW_STEP_IF:
        rc = do_if(run, step, err);
        break;
    case VGW_STEP_SWITCH:
        rc = do_switch(run, step, params, err);
        break;
    case VGW_STEP_FOR_EACH:
        rc = do_for_each(run, step, params, err);
        break;
    case VGW_STEP_WAIT_FOR:
        rc = do_wait_for(run, params, now_us, err);
        break;
    case VGW_STEP_EMIT_EVENT:
        rc = do_emit(run, params, fx, err);
        break;
    case VGW_STEP_STOP:
        rc = do_stop(run, params, now_us, fx);
        break;
    case VGW_STEP_RUN_WORKFLOW:
    case VGW_STEP_ACTION:
        rc = do_action(run, step, params, now_us, fx, err);
        break;
    }
    vgw_json_free(params);
    return rc;
}
