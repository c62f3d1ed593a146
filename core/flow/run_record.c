/* run_record.c - the list of steps that a run keeps, and how it shows itself. */
#include <stdio.h>
#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "flow/run.h"

const char *vgw_run_status_name(enum vgw_run_status status)
{
    static const char *const names[] = {"running", "completed", "failed", "canceled"};
    return names[status];
}

const char *vgw_step_status_name(enum vgw_step_status status)
{
    static const char *const names[] = {"running", "completed", "failed", "skipped", "canceled"};
    return names[status];
}

static void record_done(struct vgw_step_record *r)
{
    vgw_json_free(r->output);
    vgw_free(r->error);
    *r = (struct vgw_step_record){0};
}

struct vgw_step_record *vgw_run_record(struct vgw_run *run, uint64_t number)
{
    if (number >= run->record_next || number + run->record_count < run->record_next)
        return NULL;
    return &run->records[number % run->record_cap];
}

/* While all records so far are kept, record N lies at N; growing keeps that until the ring is at its full size. */
static bool records_grow(struct vgw_run *run)
{
    size_t max = run->env->limits.max_log;
    size_t cap = run->record_cap ? run->record_cap * 2 : 8;
    if (cap > max)
        cap = max;
    if (cap <= run->record_cap)
        return run->record_cap > 0;
    struct vgw_step_record *grown = vgw_realloc(run->records, cap * sizeof *grown);
    if (!grown)
        return false;
    run->records = grown;
    run->record_cap = cap;
    return true;
}

struct vgw_step_record *vgw_run_record_open(struct vgw_run *run, const struct vgw_step *step, int64_t now_us)
{
    if (run->record_count == run->record_cap && !records_grow(run))
        return NULL;
    bool full = run->record_count == run->record_cap;
    struct vgw_step_record *r = &run->records[run->record_next % run->record_cap];
    if (full)
        record_done(r);
    else
        run->record_count++;
    run->record_next++;
    *r = (struct vgw_step_record){.step = step, .tries = 1, .started_us = now_us + run->env->wall_offset_us};
    return r;
}

void vgw_run_emit(struct vgw_run *run, const char *type, struct vgw_json *data, struct vgw_effects *fx)
{
    char *name = data ? vgw_strdup(type) : NULL;
    if (!name) {
        vgw_json_free(data);
        return;
    }
    (void)vgw_effects_add(fx, (struct vgw_effect){.type = VGW_EFFECT_EMIT, .run = run, .name = name, .data = data});
}

static void emit_step(struct vgw_run *run, const struct vgw_step *step, enum vgw_step_status status,
                      struct vgw_json *output, const char *error, struct vgw_effects *fx)
{
    if (run->env->quiet || run->workflow->is_rule)
        return;
    struct vgw_json *data = vgw_json_object();
    if (!data || vgw_json_set_string(data, "run_id", run->id) < 0 ||
        vgw_json_set_string(data, "workflow", run->workflow->id) < 0 ||
        vgw_json_set_int(data, "step", (int64_t)step->index) < 0 || vgw_json_set_string(data, "type", step->name) < 0 ||
        vgw_json_set_string(data, "status", vgw_step_status_name(status)) < 0 ||
        vgw_json_set(data, "output", vgw_json_ref(output)) < 0 ||
        (error && vgw_json_set_string(data, "error", error) < 0)) {
        vgw_json_free(data);
        return;
    }
    vgw_run_emit(run, "workflow_step", data, fx);
}

void vgw_run_record_close(struct vgw_run *run, uint64_t number, enum vgw_step_status status, struct vgw_json *output,
                          const char *error, int64_t now_us, struct vgw_effects *fx)
{
    struct vgw_step_record *r = vgw_run_record(run, number);
    if (!r || r->ended_us || r->status != VGW_STEP_RUNNING)
        return;
    struct vgw_json *hidden = NULL;
    if (r->step->sensitive) {
        if (output)
            output = hidden = vgw_json_string("***");
        if (error)
            error = "the step failed; it is marked sensitive, so no more is told";
    }
    r->status = status;
    r->output = vgw_json_ref(output);
    r->error = vgw_strdup(error);
    r->ended_us = now_us + run->env->wall_offset_us;
    emit_step(run, r->step, status, output, error, fx);
    vgw_json_free(hidden);
}

void vgw_run_compact(struct vgw_run *run)
{
    size_t max = run->env->limits.max_output;
    vgw_json_free(run->vars);
    vgw_json_free(run->trigger);
    run->vars = run->trigger = NULL;
    for (uint64_t n = run->record_next - run->record_count; n < run->record_next; n++) {
        struct vgw_step_record *r = vgw_run_record(run, n);
        struct vgw_buf b;
        if (!r->output)
            continue;
        vgw_buf_init(&b, max);
        vgw_json_write(r->output, &b);
        if (b.failed) {
            vgw_json_free(r->output);
            r->output = vgw_json_string("(too large to keep)");
        }
        vgw_buf_done(&b);
    }
}

static int set_time(struct vgw_json *o, const char *key, int64_t wall_us)
{
    char text[VGW_TIME_TEXT];
    return vgw_json_set_string(o, key, wall_us ? vgw_time_format(wall_us, text) : NULL);
}

static struct vgw_json *show_record(const struct vgw_step_record *r)
{
    struct vgw_json *o = vgw_json_object();
    if (!o || vgw_json_set_int(o, "index", (int64_t)r->step->index) < 0 ||
        vgw_json_set_string(o, "type", r->step->name) < 0 ||
        vgw_json_set_string(o, "status", vgw_step_status_name(r->status)) < 0 ||
        vgw_json_set(o, "output", vgw_json_copy(r->output)) < 0 || vgw_json_set_string(o, "error", r->error) < 0 ||
        vgw_json_set_int(o, "tries", r->tries) < 0 || set_time(o, "started_at", r->started_us) < 0 ||
        set_time(o, "ended_at", r->ended_us) < 0) {
        vgw_json_free(o);
        return NULL;
    }
    return o;
}

static int show_steps(struct vgw_run *run, struct vgw_json *o)
{
    struct vgw_json *list = vgw_json_array();
    if (!list)
        return VGW_ELIMIT;
    for (uint64_t n = run->record_next - run->record_count; n < run->record_next; n++) {
        struct vgw_json *record = show_record(vgw_run_record(run, n));
        if (!record || vgw_json_append(list, record) < 0) {
            vgw_json_free(list);
            return VGW_ELIMIT;
        }
    }
    if (run->record_next > run->record_count &&
        vgw_json_set_int(o, "steps_dropped", (int64_t)(run->record_next - run->record_count)) < 0) {
        vgw_json_free(list);
        return VGW_ELIMIT;
    }
    return vgw_json_set(o, "steps", list);
}

struct vgw_json *vgw_run_show(const struct vgw_run *run, bool with_steps)
{
    struct vgw_json *o = vgw_json_object();
    if (!o || vgw_json_set_string(o, "run_id", run->id) < 0 ||
        vgw_json_set_string(o, "workflow", run->workflow->is_rule ? NULL : run->workflow->id) < 0 ||
        (run->workflow->is_rule && vgw_json_set_string(o, "rule", run->workflow->id) < 0) ||
        vgw_json_set_string(o, "status", vgw_run_status_name(run->status)) < 0 ||
        vgw_json_set_string(o, "error", run->error) < 0 || vgw_json_set_string(o, "call_id", run->call_id) < 0 ||
        vgw_json_set_string(o, "session_id", run->session_id) < 0 ||
        vgw_json_set_string(o, "project_id", run->project_id) < 0 || set_time(o, "started_at", run->started_us) < 0 ||
        set_time(o, "ended_at", run->ended_us) < 0 || vgw_json_set(o, "result", vgw_json_copy(run->result)) < 0 ||
        (with_steps && show_steps((struct vgw_run *)run, o) < 0)) {
        vgw_json_free(o);
        return NULL;
    }
    return o;
}
