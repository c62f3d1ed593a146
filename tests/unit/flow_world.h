/* flow_world.h - a world for flow tests: a registry of fake actions, an engine, a virtual clock, and notes of what
 * happened. */
#ifndef TESTS_UNIT_FLOW_WORLD_H
#define TESTS_UNIT_FLOW_WORLD_H
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "base/alloc.h"
#include "flow/engine.h"

#define WORLD_OPS 4096
struct world {
    struct vgw_action_registry *reg;
    struct vgw_flow_engine *engine;
    struct vgw_flow_registry_link link;
    int64_t now;
    char notes[16384];
    vgw_action_handle ops[WORLD_OPS];
    int op_count, fail_next, tries;
    bool feed_back; /* events go to the engine at once */
    int64_t armed_us;
};

static inline void world_note(struct world *w, const char *what)
{
    size_t n = strlen(w->notes);
    (void)snprintf(w->notes + n, sizeof w->notes - n, "%s;", what);
}

static inline struct vgw_json *world_json(const char *text)
{
    struct vgw_json *v = NULL;
    struct vgw_error err = {0};
    cr_assert_eq(vgw_json_parse(text, strlen(text), &v, &err), 0, "%s: %s", text, err.text);
    return v;
}

static inline int64_t world_now(void *arg)
{
    return ((struct world *)arg)->now;
}

/* "slow" answers when told, "instant" at once, "flaky" fails while fail_next > 0, "voice_make_call" makes call c-7. */
static inline int world_run(void *arg, vgw_action_handle h, const struct vgw_json *params,
                            const struct vgw_action_context *c, struct vgw_error *err)
{
    struct world *w = arg;
    w->ops[w->op_count++ % WORLD_OPS] = h;
    w->tries++;
    return 0;
}

static inline int world_instant(void *arg, vgw_action_handle h, const struct vgw_json *params,
                                const struct vgw_action_context *c, struct vgw_error *err)
{
    struct world *w = arg;
    char text[200];
    (void)snprintf(text, sizeof text, "instant(%s,%s)", vgw_json_get_string(params, "text", "-"),
                   c->call_id ? c->call_id : "-");
    world_note(w, text);
    struct vgw_json *r = vgw_json_object();
    vgw_json_set_string(r, "heard", vgw_json_get_string(params, "text", "-"));
    vgw_action_complete(w->reg, h, 0, r, NULL);
    return 0;
}

static inline int world_flaky(void *arg, vgw_action_handle h, const struct vgw_json *params,
                              const struct vgw_action_context *c, struct vgw_error *err)
{
    struct world *w = arg;
    w->tries++;
    if (w->fail_next > 0) {
        w->fail_next--;
        vgw_action_complete(w->reg, h, VGW_ENETWORK, NULL, "the line is cut");
    } else {
        vgw_action_complete(w->reg, h, 0, vgw_json_int(w->tries), NULL);
    }
    return 0;
}

static inline int world_call(void *arg, vgw_action_handle h, const struct vgw_json *params,
                             const struct vgw_action_context *c, struct vgw_error *err)
{
    struct world *w = arg;
    char text[100];
    (void)snprintf(text, sizeof text, "call(%s)", vgw_json_get_string(params, "to_number", "-"));
    world_note(w, text);
    struct vgw_json *r = vgw_json_object();
    (void)vgw_json_set_string(r, "call_id", "c-7");
    (void)vgw_json_set_string(r, "session_id", "s-7");
    vgw_action_complete(w->reg, h, r ? 0 : VGW_ELIMIT, r, NULL);
    return 0;
}

static inline void world_cancel(void *arg, vgw_action_handle h)
{
    world_note(arg, "cancelled");
}

static inline void world_emit(void *arg, const char *type, struct vgw_json *data, const struct vgw_flow_ids *ids,
                              int caused_by)
{
    struct world *w = arg;
    char text[200];
    if (strcmp(type, "workflow_step") != 0) {
        (void)snprintf(text, sizeof text, "event:%s%s", type, caused_by ? "*" : "");
        world_note(w, text);
    }
    struct vgw_json *event = vgw_json_object();
    vgw_json_set_string(event, "type", type);
    vgw_json_set(event, "data", data);
    vgw_json_set_int(event, "caused_by", caused_by);
    if (ids->call_id)
        vgw_json_set_string(event, "call_id", ids->call_id);
    if (w->feed_back)
        vgw_flow_engine_on_event(w->engine, event, w->now);
    vgw_json_free(event);
}

static inline void world_log(void *arg, enum vgw_log_level level, const char *message, const struct vgw_flow_ids *ids)
{
    char text[300];
    (void)snprintf(text, sizeof text, "log:%s", message);
    world_note(arg, text);
}

static inline void world_finished(void *arg, const struct vgw_flow_ids *ids, const char *status)
{
    char text[100];
    (void)snprintf(text, sizeof text, "%s:%s", ids->rule ? "rule" : "finished", status);
    world_note(arg, text);
}

static inline void world_hold(void *arg, const struct vgw_flow_ids *ids, bool on)
{
    char text[100];
    (void)snprintf(text, sizeof text, "%s:%s", on ? "holds" : "lets go", ids->call_id);
    world_note(arg, text);
}

static inline void world_arm(void *arg, int64_t at_us)
{
    ((struct world *)arg)->armed_us = at_us;
}

static inline void world_register(struct world *w, const char *name, unsigned flags, int64_t timeout,
                                  int (*run)(void *, vgw_action_handle, const struct vgw_json *,
                                             const struct vgw_action_context *, struct vgw_error *))
{
    struct vgw_error err = {0};
    struct vgw_action_desc d = {.name = name,
                                .flags = flags | VGW_ACTION_STEP | VGW_ACTION_ANY_PARAM,
                                .default_timeout_us = timeout,
                                .run = run,
                                .cancel = world_cancel,
                                .arg = w};
    cr_assert_eq(vgw_action_register(w->reg, &d, &err), 0, "%s", err.text);
}

static inline void world_open(struct world *w)
{
    memset(w, 0, sizeof *w);
    w->now = 1000000;
    w->feed_back = true;
    w->reg = vgw_action_registry_new(0);
    world_register(w, "slow", 0, 0, world_run);
    world_register(w, "slow_idem", VGW_ACTION_IDEMPOTENT, 10000000, world_run);
    world_register(w, "instant", 0, 0, world_instant);
    world_register(w, "flaky", 0, 0, world_flaky);
    world_register(w, "gather", 0, 0, world_run);
    world_register(w, "voice_make_call", VGW_ACTION_MAKES_CALL, 0, world_call);
    world_register(w, "voice_end_call", VGW_ACTION_ENDS_CALL, 0, world_run);
    w->link = (struct vgw_flow_registry_link){.registry = w->reg, .now_us = world_now, .arg = w};
}

/* The engine's driver has one arg for all callbacks; these pass on to the registry link. */
static inline int world_start_action(void *arg, const char *name, const struct vgw_json *params,
                                     const struct vgw_action_context *c, uint64_t *ret_op, struct vgw_error *err)
{
    return vgw_flow_registry_start(&((struct world *)arg)->link, name, params, c, ret_op, err);
}

static inline void world_cancel_action(void *arg, uint64_t op)
{
    vgw_flow_registry_cancel(&((struct world *)arg)->link, op);
}

static inline void world_engine(struct world *w, const struct vgw_flow_limits *limits)
{
    world_open(w);
    struct vgw_flow_driver driver = {.arg = w,
                                     .start_action = world_start_action,
                                     .cancel_action = world_cancel_action,
                                     .emit = world_emit,
                                     .log = world_log,
                                     .hold = world_hold,
                                     .arm = world_arm,
                                     .finished = world_finished};
    w->engine = vgw_flow_engine_new(&driver, limits, w->reg);
    w->link.engine = w->engine;
}

static inline void world_close(struct world *w)
{
    vgw_flow_engine_free(w->engine);
    vgw_action_registry_free(w->reg);
}

/* Compiles definitions (JSON texts, those with "actions" are rules) and swaps them in. */
static inline void world_load(struct world *w, const char *const *texts, size_t count)
{
    struct vgw_flow_set *set = vgw_flow_set_new();
    struct vgw_error err = {0};
    for (size_t i = 0; i < count; i++) {
        struct vgw_json *doc = world_json(texts[i]);
        struct vgw_flow_source source = {.doc = doc, .actions = w->reg};
        if (vgw_json_has(doc, "actions")) {
            struct vgw_rule *r = NULL;
            cr_assert_eq(vgw_rule_compile(&source, &r, &err), 0, "%s: %s", err.place, err.text);
            cr_assert_eq(vgw_flow_set_add_rule(set, r, &err), 0, "%s", err.text);
        } else {
            struct vgw_workflow *f = NULL;
            cr_assert_eq(vgw_workflow_compile(&source, &f, &err), 0, "%s: %s", err.place, err.text);
            cr_assert_eq(vgw_flow_set_add_workflow(set, f, &err), 0, "%s", err.text);
        }
        vgw_json_free(doc);
    }
    cr_assert_eq(vgw_flow_engine_swap(w->engine, set, &err), 0);
    vgw_flow_set_unref(set);
}

static inline void world_load1(struct world *w, const char *text)
{
    world_load(w, &text, 1);
}

/* Time goes from deadline to deadline until `until`. */
static inline void world_until(struct world *w, int64_t until)
{
    for (;;) {
        int64_t at = vgw_flow_engine_next_deadline(w->engine);
        if (at > until)
            break;
        w->now = at > w->now ? at : w->now;
        vgw_flow_engine_tick(w->engine, w->now);
    }
    w->now = until;
}

static inline void world_after(struct world *w, double seconds)
{
    world_until(w, w->now + (int64_t)(seconds * 1e6));
}

static inline void world_event(struct world *w, const char *text)
{
    struct vgw_json *event = world_json(text);
    vgw_flow_engine_on_event(w->engine, event, w->now);
    vgw_json_free(event);
}

/* Starts workflow `id` with args; the run's id in `out`. */
static inline void world_start(struct world *w, const char *id, const char *args, const char *call_id, char *out)
{
    struct vgw_json *a = world_json(args);
    struct vgw_flow_request q = {.args = a, .call_id = call_id};
    struct vgw_error err = {0};
    cr_assert_eq(vgw_flow_engine_run(w->engine, id, &q, w->now, out, &err), 0, "%s", err.text);
    vgw_json_free(a);
}

/* "status index:type:status index:type:status …" of a run. */
static inline const char *world_show(struct world *w, const char *run_id)
{
    static char out[8192];
    struct vgw_json *run = vgw_flow_engine_show(w->engine, run_id);
    struct vgw_json *steps = vgw_json_get(run, "steps");
    size_t n = (size_t)snprintf(out, sizeof out, "%s", vgw_json_get_string(run, "status", "?"));
    for (size_t i = 0; i < vgw_json_count(steps); i++) {
        struct vgw_json *s = vgw_json_at(steps, i);
        n += (size_t)snprintf(out + n, sizeof out - n, " %lld:%s:%s", (long long)vgw_json_get_int(s, "index", -1),
                              vgw_json_get_string(s, "type", "?"), vgw_json_get_string(s, "status", "?"));
    }
    vgw_json_free(run);
    return out;
}

static inline bool world_run_error(struct world *w, const char *run_id, const char *part)
{
    struct vgw_json *run = vgw_flow_engine_show(w->engine, run_id);
    bool found = strstr(vgw_json_get_string(run, "error", ""), part) != NULL;
    vgw_json_free(run);
    return found;
}
#endif
