/* step.c - compiling steps: the common keys, then what each type needs. */
#include <stdio.h>
#include <string.h>
#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "flow/workflow.h"

#define COMMON_KEYS "type params when retry timeout on_error output_key sensitive name"
#define RESERVED_NAMES "trigger error loop run_id call_id session_id workflow variables true false null"

struct kind {
    const char *name;
    enum vgw_step_type type;
    const char *keys; /* of params, or of the step itself; NULL: any (set), or the action's own table */
    unsigned flags;
};

/* The built-in types. Those of VGW_STEP_ACTION are registered by other rooms; keys here serve until they are. */
static const struct kind kinds[] = {
    {"delay", VGW_STEP_DELAY, "seconds", 0},
    {"log", VGW_STEP_LOG, "message level", 0},
    {"set", VGW_STEP_SET, NULL, 0},
    {"if", VGW_STEP_IF, "condition then else", 0},
    {"switch", VGW_STEP_SWITCH, "value cases default", 0},
    {"for_each", VGW_STEP_FOR_EACH, "items as steps", 0},
    {"wait_for", VGW_STEP_WAIT_FOR, "event_type conditions timeout call_id", 0},
    {"run_workflow", VGW_STEP_RUN_WORKFLOW, "id trigger wait", 0},
    {"emit_event", VGW_STEP_EMIT_EVENT, "type data", 0},
    {"stop", VGW_STEP_STOP, "status reason result", 0},
    {"gather", VGW_STEP_ACTION,
     "prompt input num_digits finish_on timeout phrases call_id voice language interruptible talk", 0},
    {"assistant", VGW_STEP_ACTION, "name agent until call_id talk", 0},
    {"tool", VGW_STEP_ACTION, "name arguments", 0},
    {"http_request", VGW_STEP_ACTION, "method url headers body timeout", 0},
    {"send_sms", VGW_STEP_ACTION, "to message from provider", 0},
    {"redirect", VGW_STEP_ACTION, NULL, VGW_ACTION_TWIML},
    {"enqueue", VGW_STEP_ACTION, NULL, VGW_ACTION_TWIML},
    {"dial", VGW_STEP_ACTION, NULL, VGW_ACTION_TWIML},
    {"conference", VGW_STEP_ACTION, NULL, 0}, /* by documents, or mixed by the gateway */
};
#define KIND_COUNT (sizeof kinds / sizeof *kinds)

static const struct kind *kind_find(const char *name)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (vgw_streq(kinds[i].name, name))
            return &kinds[i];
    }
    return NULL;
}

static const char *kind_nearest(const struct vgw_compile *c, const char *name)
{
    const char *names[256];
    size_t n = 0;
    for (; n < KIND_COUNT; n++)
        names[n] = kinds[n].name;
    const struct vgw_action_desc *d;
    for (size_t i = 0; n < 256 && vgw_action_next(c->source->actions, &i, &d);)
        names[n++] = d->name;
    return vgw_nearest(name, names, n);
}

static void compile_condition(struct vgw_compile *c, const char *key, const struct vgw_json *value,
                              struct vgw_condition **ret_condition)
{
    struct vgw_error err = {0};
    if (!value)
        return;
    size_t up = vgw_compile_down(c, key);
    if (vgw_condition_compile(value, ret_condition, &err) < 0)
        vgw_compile_inner(c, &err);
    vgw_compile_up(c, up);
}

static void compile_retry(struct vgw_compile *c, const struct vgw_json *v, struct vgw_step *s)
{
    s->retry_backoff_us = VGW_US_PER_S;
    s->retry_after_timeout = -1;
    if (!v)
        return;
    size_t up = vgw_compile_down(c, "retry");
    bool object = vgw_json_type(v) == VGW_JSON_OBJECT;
    int64_t max = vgw_json_as_int(object ? vgw_json_get(v, "max") : v, -1);
    if (max < 0 || max > 100)
        vgw_compile_error(c, VGW_ECONFIG,
                          "retry needs max, the number of further tries (0 to 100), as in {max: 3, backoff: 1s}");
    s->retry_max = (int)max;
    if (object) {
        vgw_compile_keys(c, v, "max backoff after_timeout", NULL);
        if (vgw_json_has(v, "backoff")) {
            size_t here = vgw_compile_down(c, "backoff");
            (void)vgw_compile_duration(c, vgw_json_get(v, "backoff"), &s->retry_backoff_us);
            vgw_compile_up(c, here);
        }
        if (vgw_json_has(v, "after_timeout"))
            s->retry_after_timeout = vgw_value_is_true(vgw_json_get(v, "after_timeout"));
    }
    vgw_compile_up(c, up);
}

static void compile_on_error(struct vgw_compile *c, const struct vgw_json *v, int depth, struct vgw_step *s)
{
    const char *word = vgw_json_str(v);
    if (!v || vgw_streq(word, "fail"))
        return;
    size_t up = vgw_compile_down(c, "on_error");
    if (vgw_streq(word, "continue")) {
        s->on_error = VGW_ON_ERROR_CONTINUE;
    } else if (vgw_json_type(v) == VGW_JSON_ARRAY) {
        s->on_error = VGW_ON_ERROR_STEPS;
        vgw_block_compile(c, v, depth + 1, &s->error_block);
    } else if (vgw_json_type(v) == VGW_JSON_OBJECT && vgw_json_type(vgw_json_get(v, "steps")) == VGW_JSON_ARRAY) {
        vgw_compile_keys(c, v, "steps", NULL);
        s->on_error = VGW_ON_ERROR_STEPS;
        (void)vgw_compile_down(c, "steps");
        vgw_block_compile(c, vgw_json_get(v, "steps"), depth + 1, &s->error_block);
    } else {
        vgw_compile_error(c, VGW_ECONFIG, "on_error is fail, continue, or {steps: […]}");
    }
    vgw_compile_up(c, up);
}

static void compile_variable_name(struct vgw_compile *c, const char *what, const char *name, char **ret_name)
{
    bool good = name && *name && strlen(name) <= 64 && !(*name >= '0' && *name <= '9') && *name != '-' &&
                strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(name);
    if (!good)
        vgw_compile_error(c, VGW_ECONFIG, "%s \"%.64s\" cannot be a name; use letters, digits and '_', a letter first",
                          what, name ? name : "");
    else if (vgw_word_in(RESERVED_NAMES, name))
        vgw_compile_error(c, VGW_ECONFIG, "%s cannot be %s, that name has a meaning of its own; choose another", what,
                          name);
    else if (ret_name)
        *ret_name = vgw_compile_text(c, name);
}

static void compile_common(struct vgw_compile *c, const struct vgw_json *o, int depth, bool timeout_too,
                           struct vgw_step *s)
{
    compile_condition(c, "when", vgw_json_get(o, "when"), &s->when);
    compile_retry(c, vgw_json_get(o, "retry"), s);
    compile_on_error(c, vgw_json_get(o, "on_error"), depth, s);
    if (timeout_too && vgw_json_has(o, "timeout")) {
        size_t up = vgw_compile_down(c, "timeout");
        (void)vgw_compile_duration(c, vgw_json_get(o, "timeout"), &s->timeout_us);
        vgw_compile_up(c, up);
    }
    if (vgw_json_has(o, "output_key")) {
        size_t up = vgw_compile_down(c, "output_key");
        compile_variable_name(c, "output_key", vgw_json_get_string(o, "output_key", NULL), &s->output_key);
        vgw_compile_up(c, up);
    }
    s->sensitive = vgw_value_is_true(vgw_json_get(o, "sensitive"));
}

/* What a step is given: `params`, and for built-in types also the same keys on the step itself. `at` tells which holds
 * a key. */
struct given {
    const struct vgw_json *step, *params;
    bool flat;
};

static const struct vgw_json *given_get(const struct given *g, const char *key, bool *ret_in_params)
{
    *ret_in_params = g->params && vgw_json_has(g->params, key);
    if (*ret_in_params)
        return vgw_json_get(g->params, key);
    return g->flat && !vgw_streq(key, "type") ? vgw_json_get(g->step, key) : NULL;
}

static size_t given_down(struct vgw_compile *c, const struct given *g, const char *key)
{
    bool in_params;
    size_t up = c->len;
    (void)given_get(g, key, &in_params);
    if (in_params)
        (void)vgw_compile_down(c, "params");
    (void)vgw_compile_down(c, key);
    return up;
}

static void compile_given_block(struct vgw_compile *c, const struct given *g, const char *key, bool required, int depth,
                                struct vgw_block *ret_block)
{
    bool in_params;
    const struct vgw_json *list = given_get(g, key, &in_params);
    if (!list && !required)
        return;
    size_t up = list ? given_down(c, g, key) : c->len;
    if (vgw_json_type(list) != VGW_JSON_ARRAY)
        vgw_compile_error(c, VGW_ECONFIG, "%s must be a list of steps", key);
    else
        vgw_block_compile(c, list, depth + 1, ret_block);
    vgw_compile_up(c, up);
}

static void compile_given_condition(struct vgw_compile *c, const struct given *g, const char *key,
                                    struct vgw_condition **ret)
{
    bool in_params;
    struct vgw_error err = {0};
    const struct vgw_json *v = given_get(g, key, &in_params);
    if (!v)
        return;
    size_t up = given_down(c, g, key);
    if (vgw_condition_compile(v, ret, &err) < 0)
        vgw_compile_inner(c, &err);
    vgw_compile_up(c, up);
}

/* Compiles the named keys (or all of params) into one tree. */
static void compile_tree(struct vgw_compile *c, const struct given *g, const char *keys, struct vgw_step *s)
{
    struct vgw_json *all = vgw_json_object();
    struct vgw_error err = {0};
    const struct vgw_json *from[2] = {g->flat ? g->step : NULL, g->params};
    bool failed = !all;
    for (int i = 0; i < 2 && !failed; i++) {
        const char *key;
        struct vgw_json *v;
        for (size_t cursor = 0; from[i] && vgw_json_object_next(from[i], &cursor, &key, &v);) {
            if (keys ? !vgw_word_in(keys, key) : i == 0 && vgw_word_in(COMMON_KEYS, key))
                continue;
            if (i == 0 && vgw_streq(key, "type"))
                continue;
            failed = failed || vgw_json_set(all, key, vgw_json_ref(v)) < 0;
        }
    }
    size_t up = c->len;
    if (g->params)
        (void)vgw_compile_down(c, "params");
    if (failed)
        vgw_compile_nomem(c);
    else if (vgw_json_object_count(all) > 0 && vgw_tree_compile(all, &s->params, &err) < 0)
        vgw_compile_inner(c, &err);
    vgw_compile_up(c, up);
    vgw_json_free(all);
}

static void need(struct vgw_compile *c, const struct given *g, const char *type, const char *key, const char *example)
{
    bool in_params;
    if (vgw_json_type(given_get(g, key, &in_params)) == VGW_JSON_NULL)
        vgw_compile_error(c, VGW_ECONFIG, "%s needs %s, as in %s", type, key, example);
}

static void add_case(struct vgw_compile *c, struct vgw_step *s, struct vgw_json *value, const struct vgw_json *steps,
                     int depth)
{
    struct vgw_case *k = &s->cases[s->case_count++];
    k->value = value;
    if (vgw_json_type(steps) != VGW_JSON_ARRAY)
        vgw_compile_error(c, VGW_ECONFIG, "a case is a value and a list of steps");
    else
        vgw_block_compile(c, steps, depth + 1, &k->block);
}

static void compile_cases(struct vgw_compile *c, const struct given *g, int depth, struct vgw_step *s)
{
    bool in_params;
    const struct vgw_json *cases = given_get(g, "cases", &in_params);
    bool list = vgw_json_type(cases) == VGW_JSON_ARRAY;
    size_t n = list ? vgw_json_count(cases) : vgw_json_object_count(cases);
    size_t up = cases ? given_down(c, g, "cases") : c->len;
    if (n == 0 || n > VGW_STEP_CASES_MAX) {
        vgw_compile_error(c, VGW_ECONFIG,
                          "switch needs 1 to %d cases, as in cases: {\"1\": [steps]} or [{value: 1, steps: […]}]",
                          VGW_STEP_CASES_MAX);
        vgw_compile_up(c, up);
        return;
    }
    s->cases = vgw_calloc(n, sizeof *s->cases);
    if (!s->cases) {
        vgw_compile_nomem(c);
        vgw_compile_up(c, up);
        return;
    }
    const char *key;
    struct vgw_json *v;
    for (size_t i = 0, cursor = 0; i < n; i++) {
        size_t here = c->len;
        if (list) {
            v = vgw_json_at(cases, i);
            (void)vgw_compile_down_index(c, i);
            vgw_compile_keys(c, v, "value steps", NULL);
            add_case(c, s, vgw_json_ref(vgw_json_get(v, "value")), vgw_json_get(v, "steps"), depth);
        } else if (vgw_json_object_next(cases, &cursor, &key, &v)) {
            (void)vgw_compile_down(c, key);
            struct vgw_json *value = vgw_json_string(key);
            if (!value)
                vgw_compile_nomem(c);
            add_case(c, s, value, v, depth);
        }
        vgw_compile_up(c, here);
    }
    vgw_compile_up(c, up);
}

static void add_event_type(struct vgw_compile *c, const struct vgw_json *v, struct vgw_step *s)
{
    const char *name = vgw_json_str(v);
    if (!name || !*name || strstr(name, "{{"))
        vgw_compile_error(c, VGW_ECONFIG,
                          "event_type must be the name of an event, such as dtmf_received, or a list of names");
    else if (s->event_type_count == VGW_STEP_EVENTS_MAX)
        vgw_compile_error(c, VGW_ECONFIG, "wait_for may name at most %d event types", VGW_STEP_EVENTS_MAX);
    else
        s->event_types[s->event_type_count++] = vgw_compile_text(c, name);
}

static void compile_wait_for(struct vgw_compile *c, const struct given *g, struct vgw_step *s)
{
    bool in_params;
    const struct vgw_json *types = given_get(g, "event_type", &in_params);
    size_t up = types ? given_down(c, g, "event_type") : c->len;
    if (vgw_json_type(types) == VGW_JSON_ARRAY && vgw_json_count(types) > 0) {
        for (size_t i = 0; i < vgw_json_count(types); i++)
            add_event_type(c, vgw_json_at(types, i), s);
    } else {
        add_event_type(c, types, s);
    }
    vgw_compile_up(c, up);
    compile_given_condition(c, g, "conditions", &s->condition);
    compile_tree(c, g, "timeout call_id", s);
}

static void compile_set(struct vgw_compile *c, const struct given *g, struct vgw_step *s)
{
    const char *key;
    struct vgw_json *v;
    if (vgw_json_object_count(g->params) == 0)
        vgw_compile_error(c, VGW_ECONFIG, "set needs params with names and values, as in params: {attempts: 0}");
    for (size_t i = 0; g->params && vgw_json_object_next(g->params, &i, &key, &v);) {
        size_t up = vgw_compile_down(c, "params");
        (void)vgw_compile_down(c, key);
        compile_variable_name(c, "a variable", key, NULL);
        vgw_compile_up(c, up);
    }
    compile_tree(c, g, NULL, s);
}

static void compile_for_each(struct vgw_compile *c, const struct given *g, int depth, struct vgw_step *s)
{
    bool in_params;
    const char *as = vgw_json_str(given_get(g, "as", &in_params));
    need(c, g, "for_each", "items", "items: \"{{ trigger.numbers }}\"");
    if (as) {
        size_t up = given_down(c, g, "as");
        compile_variable_name(c, "as", as, &s->as);
        vgw_compile_up(c, up);
    } else {
        s->as = vgw_compile_text(c, "item");
    }
    compile_given_block(c, g, "steps", true, depth, &s->body);
    compile_tree(c, g, "items", s);
}

static void check_choice(struct vgw_compile *c, const struct given *g, const char *key, const char *choices)
{
    bool in_params;
    const char *s = vgw_json_str(given_get(g, key, &in_params));
    if (!s || strstr(s, "{{") || vgw_word_in(choices, s))
        return;
    size_t up = given_down(c, g, key);
    vgw_compile_error(c, VGW_ECONFIG, "%s cannot be \"%.40s\"; choose one of: %s", key, s, choices);
    vgw_compile_up(c, up);
}

static void compile_emit(struct vgw_compile *c, const struct given *g, struct vgw_step *s)
{
    const char *type = g->params ? vgw_json_get_string(g->params, "type", NULL) : NULL;
    if (!type)
        vgw_compile_error(c, VGW_ECONFIG,
                          "emit_event needs params with a type, as in params: {type: order_placed, data: {…}}");
    else if (vgw_event_type_is_reserved(type))
        vgw_compile_error(c, VGW_ECONFIG, "only the core writes events of type %.60s; choose a name of your own", type);
    compile_tree(c, g, "type data", s);
}

static void compile_delay(struct vgw_compile *c, const struct given *g, struct vgw_step *s)
{
    bool in_params;
    const struct vgw_json *v = given_get(g, "seconds", &in_params);
    int64_t us;
    need(c, g, "delay", "seconds", "params: {seconds: 5}");
    if (v && !(vgw_json_str(v) && strstr(vgw_json_str(v), "{{"))) {
        size_t up = given_down(c, g, "seconds");
        (void)vgw_compile_duration(c, v, &us);
        vgw_compile_up(c, up);
    }
    compile_tree(c, g, "seconds", s);
}

static bool constant(const struct given *g, const char *key)
{
    bool in_params;
    const char *s = vgw_json_str(given_get(g, key, &in_params));
    return s && !strstr(s, "{{");
}

/* A copy of a text that holds no template; NULL otherwise. */
static char *constant_text(struct vgw_compile *c, const struct given *g, const char *key)
{
    bool in_params;
    return constant(g, key) ? vgw_compile_text(c, vgw_json_str(given_get(g, key, &in_params))) : NULL;
}

/* The workflow that a constant id names is looked for once all are known. */
static void compile_target(struct vgw_compile *c, const struct given *g, struct vgw_step *s)
{
    char place[sizeof((struct vgw_error *)NULL)->place];
    s->as = constant_text(c, g, "id");
    if (!s->as)
        return;
    size_t up = given_down(c, g, "id");
    vgw_compile_place(c, place, sizeof place);
    s->place = vgw_compile_text(c, place);
    vgw_compile_up(c, up);
}

static void compile_type(struct vgw_compile *c, const struct given *g, int depth, struct vgw_step *s)
{
    switch (s->type) {
    case VGW_STEP_DELAY:
        compile_delay(c, g, s);
        break;
    case VGW_STEP_LOG:
        need(c, g, "log", "message", "params: {message: \"Hello\"}");
        check_choice(c, g, "level", "error warning info debug");
        compile_tree(c, g, "message level", s);
        break;
    case VGW_STEP_SET:
        compile_set(c, g, s);
        break;
    case VGW_STEP_IF:
        need(c, g, "if", "condition", "condition: {field: x, operator: eq, value: 1}");
        compile_given_condition(c, g, "condition", &s->condition);
        compile_given_block(c, g, "then", true, depth, &s->body);
        compile_given_block(c, g, "else", false, depth, &s->other);
        break;
    case VGW_STEP_SWITCH:
        need(c, g, "switch", "value", "value: \"{{ choice.digits }}\"");
        compile_cases(c, g, depth, s);
        compile_given_block(c, g, "default", false, depth, &s->other);
        compile_tree(c, g, "value", s);
        break;
    case VGW_STEP_FOR_EACH:
        compile_for_each(c, g, depth, s);
        break;
    case VGW_STEP_WAIT_FOR:
        compile_wait_for(c, g, s);
        break;
    case VGW_STEP_RUN_WORKFLOW:
        need(c, g, "run_workflow", "id", "params: {id: other_workflow}");
        compile_tree(c, g, "id trigger wait", s);
        compile_target(c, g, s);
        break;
    case VGW_STEP_EMIT_EVENT:
        compile_emit(c, g, s);
        break;
    case VGW_STEP_STOP:
        check_choice(c, g, "status", "completed failed");
        compile_tree(c, g, "status reason result", s);
        break;
    case VGW_STEP_ACTION:
        compile_tree(c, g, NULL, s);
        s->url_is_constant = constant(g, "url") || constant(g, "audio_url");
        break;
    }
}

static void on_param_error(void *arg, const char *param, const char *sentence)
{
    struct vgw_compile *c = arg;
    size_t up = vgw_compile_down(c, "params");
    if (*param)
        (void)vgw_compile_down(c, param);
    vgw_compile_error(c, VGW_ECONFIG, "%s", sentence);
    vgw_compile_up(c, up);
}

static void check_keys(struct vgw_compile *c, const struct given *g, const struct kind *kind,
                       const struct vgw_action_desc *desc)
{
    vgw_compile_keys(c, g->step, COMMON_KEYS, g->flat && kind ? kind->keys : NULL);
    if (desc) {
        (void)vgw_action_validate(desc, g->params, on_param_error, c);
    } else if (kind && kind->keys && g->params) {
        size_t up = vgw_compile_down(c, "params");
        vgw_compile_keys(c, g->params, kind->keys, NULL);
        vgw_compile_up(c, up);
    }
    const char *key;
    struct vgw_json *v;
    for (size_t i = 0; g->flat && kind && kind->keys && vgw_json_object_next(g->step, &i, &key, &v);) {
        if (!vgw_word_in(COMMON_KEYS, key) && g->params && vgw_json_has(g->params, key)) {
            size_t up = vgw_compile_down(c, key);
            vgw_compile_error(c, VGW_ECONFIG, "%s stands on the step and in params; keep one", key);
            vgw_compile_up(c, up);
        }
    }
}

static void compile_step(struct vgw_compile *c, const struct vgw_json *o, int depth, struct vgw_step *s)
{
    const char *type = vgw_json_get_string(o, "type", NULL);
    struct given g = {.step = o, .params = vgw_json_get(o, "params")};
    if (vgw_json_type(o) != VGW_JSON_OBJECT || !type) {
        vgw_compile_error(c, VGW_ECONFIG, "a step is a map with a type, as in {type: delay, params: {seconds: 5}}");
        return;
    }
    const struct kind *kind = kind_find(type);
    const struct vgw_action_desc *desc =
        kind && kind->type != VGW_STEP_ACTION ? NULL : vgw_action_find(c->source->actions, type);
    if (desc && !(desc->flags & VGW_ACTION_STEP))
        desc = NULL;
    if (!kind && !desc && c->source->actions) {
        const char *near = kind_nearest(c, type);
        size_t up = vgw_compile_down(c, "type");
        vgw_compile_error(c, VGW_ECONFIG, "there is no step type \"%.60s\"; %s%s", type,
                          near ? "did you mean " : "voicegw-workflow(5) lists them, plugins may add more",
                          near ? near : "");
        vgw_compile_up(c, up);
        return;
    }
    if (g.params && vgw_json_type(g.params) != VGW_JSON_OBJECT) {
        vgw_compile_error(c, VGW_ECONFIG, "params must be a map of names and values");
        return;
    }
    s->type = kind ? kind->type : VGW_STEP_ACTION;
    s->name = vgw_compile_text(c, type);
    g.flat = kind && s->type != VGW_STEP_ACTION && s->type != VGW_STEP_EMIT_EVENT && s->type != VGW_STEP_SET;
    c->flags |= (kind ? kind->flags : 0) | (desc ? desc->flags : 0);
    check_keys(c, &g, kind, desc);
    compile_common(c, o, depth, s->type != VGW_STEP_WAIT_FOR, s);
    compile_type(c, &g, depth, s);
}

void vgw_block_compile(struct vgw_compile *c, const struct vgw_json *list, int depth, struct vgw_block *ret_block)
{
    size_t n = vgw_json_count(list);
    if (depth > VGW_BLOCK_DEPTH_MAX || n > VGW_BLOCK_STEPS_MAX || c->steps + n > VGW_WORKFLOW_STEPS_MAX) {
        vgw_compile_error(c, VGW_ECONFIG,
                          "steps may nest %d deep, %d in one list, %d in all; move some to a workflow of their own",
                          VGW_BLOCK_DEPTH_MAX, VGW_BLOCK_STEPS_MAX, VGW_WORKFLOW_STEPS_MAX);
        return;
    }
    if (n == 0)
        return;
    ret_block->steps = vgw_calloc(n, sizeof *ret_block->steps);
    if (!ret_block->steps) {
        vgw_compile_nomem(c);
        return;
    }
    ret_block->count = n;
    for (size_t i = 0; i < n; i++) {
        size_t up = vgw_compile_down_index(c, i);
        ret_block->steps[i].index = c->steps++;
        compile_step(c, vgw_json_at(list, i), depth, &ret_block->steps[i]);
        vgw_compile_up(c, up);
    }
}

static void step_done(struct vgw_step *s)
{
    vgw_free(s->name);
    vgw_condition_free(s->when);
    vgw_condition_free(s->condition);
    vgw_block_done(&s->error_block);
    vgw_block_done(&s->body);
    vgw_block_done(&s->other);
    for (size_t i = 0; i < s->case_count; i++) {
        vgw_json_free(s->cases[i].value);
        vgw_block_done(&s->cases[i].block);
    }
    vgw_free(s->cases);
    vgw_free(s->output_key);
    vgw_free(s->as);
    vgw_free(s->place);
    vgw_tree_free(s->params);
    for (size_t i = 0; i < s->event_type_count; i++)
        vgw_free(s->event_types[i]);
}

void vgw_block_done(struct vgw_block *b)
{
    for (size_t i = 0; i < b->count; i++)
        step_done(&b->steps[i]);
    vgw_free(b->steps);
    *b = (struct vgw_block){0};
}
