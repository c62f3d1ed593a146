/* rule.c - compiling rules and deciding about events. */
#include "flow/rule.h"
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"

static void add_event_type(struct vgw_compile *c, const struct vgw_json *v, struct vgw_rule *r)
{
    const char *name = vgw_json_str(v);
    if (!name || !*name)
        vgw_compile_error(c, VGW_ECONFIG,
                          "event_type must be the name of an event, such as call_ended, a list of names, or \"*\"");
    else if (r->event_type_count == VGW_RULE_EVENTS_MAX)
        vgw_compile_error(c, VGW_ECONFIG, "a rule may name at most %d event types; use \"*\" and conditions",
                          VGW_RULE_EVENTS_MAX);
    else if ((r->event_types[r->event_type_count] = vgw_compile_text(c, name)))
        r->event_type_count++;
}

static void compile_event_types(struct vgw_compile *c, const struct vgw_json *types, struct vgw_rule *r)
{
    for (size_t i = 0; i < vgw_json_count(types); i++)
        add_event_type(c, vgw_json_at(types, i), r);
    if (vgw_json_count(types) == 0)
        add_event_type(c, types, r);
}

static void compile_trigger(struct vgw_compile *c, const struct vgw_json *doc, struct vgw_rule *r)
{
    const struct vgw_json *trigger = vgw_json_get(doc, "trigger");
    if (vgw_json_str(trigger) || vgw_json_count(trigger) > 0) { /* the event alone, or a list */
        size_t here = vgw_compile_down(c, "trigger");
        compile_event_types(c, trigger, r);
        vgw_compile_up(c, here);
        return;
    }
    if (vgw_json_type(trigger) != VGW_JSON_OBJECT) {
        vgw_compile_error(c, VGW_ECONFIG,
                          "a rule needs a trigger, as in trigger: {type: voice_event, event_type: call_ended}");
        return;
    }
    size_t up = vgw_compile_down(c, "trigger");
    const char *type = vgw_json_get_string(trigger, "type", "voice_event");
    vgw_compile_keys(c, trigger, "type event_type", NULL);
    if (strcmp(type, "voice_event") != 0)
        vgw_compile_error(c, VGW_ECONFIG, "the trigger's type cannot be \"%.40s\"; it is voice_event", type);
    const struct vgw_json *types = vgw_json_get(trigger, "event_type");
    size_t here = types ? vgw_compile_down(c, "event_type") : c->len;
    compile_event_types(c, types, r);
    vgw_compile_up(c, here);
    vgw_compile_up(c, up);
}

/* "10/m": ten may come at once, then one every six seconds. */
static void compile_rate(struct vgw_compile *c, const struct vgw_json *v, struct vgw_rule *r)
{
    const char *s = vgw_json_str(v);
    double number = vgw_json_as_double(v, 0);
    if (!v)
        return;
    size_t up = vgw_compile_down(c, "rate_limit");
    if (s && vgw_parse_rate(s, &r->rate_per_s) && r->rate_per_s > 0) {
        r->rate_burst = strtod(s, NULL);
    } else if (!s && number > 0) {
        r->rate_per_s = r->rate_burst = number;
    } else {
        vgw_compile_error(c, VGW_ECONFIG, "rate_limit must be a rate such as 5/s, 10/m or 100/h");
    }
    if (r->rate_burst < 1)
        r->rate_burst = 1;
    vgw_compile_up(c, up);
}

static void compile_actions(struct vgw_compile *c, const struct vgw_json *doc, struct vgw_rule *r)
{
    const struct vgw_json *actions = vgw_json_get(doc, "actions");
    struct vgw_workflow *w;
    if (!VGW_NEW(w)) {
        vgw_compile_nomem(c);
        return;
    }
    r->actions = w;
    w->refs = 1;
    w->is_rule = true;
    w->hangup_continues = true;
    w->strict = vgw_value_is_true(vgw_json_get(doc, "strict"));
    w->id = vgw_compile_text(c, r->id);
    w->name = vgw_compile_text(c, r->name);
    if (vgw_json_count(actions) == 0) {
        vgw_compile_error(c, VGW_ECONFIG, "actions must be a list of at least one step");
        return;
    }
    size_t up = vgw_compile_down(c, "actions");
    vgw_block_compile(c, actions, 0, &w->root);
    w->step_count = c->steps;
    w->action_flags = c->flags;
    vgw_compile_up(c, up);
}

static void compile_rule(struct vgw_compile *c, const struct vgw_json *doc, struct vgw_rule *r)
{
    const char *id = vgw_json_get_string(doc, "id", NULL);
    const struct vgw_json *conditions = vgw_json_get(doc, "conditions");
    const struct vgw_json *debounce = vgw_json_get(doc, "debounce");
    struct vgw_error err = {0};
    vgw_compile_keys(c, doc, "id name description enabled trigger conditions actions debounce rate_limit strict", NULL);
    size_t up = c->len;
    if (vgw_json_has(doc, "id"))
        (void)vgw_compile_down(c, "id");
    if (vgw_compile_name(c, "id", id))
        r->id = vgw_compile_text(c, id);
    vgw_compile_up(c, up);
    r->name = vgw_compile_text(c, vgw_json_get_string(doc, "name", id));
    r->enabled = !vgw_json_has(doc, "enabled") || vgw_value_is_true(vgw_json_get(doc, "enabled"));
    compile_trigger(c, doc, r);
    if (conditions) {
        up = vgw_compile_down(c, "conditions");
        if (vgw_condition_compile(conditions, &r->conditions, &err) < 0)
            vgw_compile_inner(c, &err);
        vgw_compile_up(c, up);
    }
    if (debounce) {
        up = vgw_compile_down(c, "debounce");
        (void)vgw_compile_duration(c, debounce, &r->debounce_us);
        vgw_compile_up(c, up);
    }
    compile_rate(c, vgw_json_get(doc, "rate_limit"), r);
    compile_actions(c, doc, r);
}

int vgw_rule_compile(const struct vgw_flow_source *source, struct vgw_rule **ret_rule, struct vgw_error *err)
{
    struct vgw_compile c = {.source = source, .first = err};
    struct vgw_rule *r;
    if (!VGW_NEW(r))
        return vgw_error_nomem(err);
    r->refs = 1;
    if (source->place)
        (void)source->place(source->arg, "", r->place, sizeof r->place);
    if (vgw_json_type(source->doc) == VGW_JSON_OBJECT)
        compile_rule(&c, source->doc, r);
    else
        vgw_compile_error(&c, VGW_ECONFIG, "a rule is a map with id, trigger and actions");
    if (c.errors) {
        vgw_rule_unref(r);
        return c.status;
    }
    *ret_rule = r;
    return 0;
}

struct vgw_rule *vgw_rule_ref(struct vgw_rule *r)
{
    r->refs++;
    return r;
}

void vgw_rule_unref(struct vgw_rule *r)
{
    if (!r || --r->refs > 0)
        return;
    for (size_t i = 0; i < r->event_type_count; i++)
        vgw_free(r->event_types[i]);
    vgw_condition_free(r->conditions);
    vgw_workflow_unref(r->actions);
    vgw_free(r->id);
    vgw_free(r->name);
    vgw_free(r);
}

bool vgw_rule_names(const struct vgw_rule *r, const char *event_type)
{
    for (size_t i = 0; i < r->event_type_count; i++) {
        if (strcmp(r->event_types[i], "*") == 0 || strcmp(r->event_types[i], event_type) == 0)
            return true;
    }
    return false;
}

static enum vgw_rule_decision fire(const struct vgw_rule *r, struct vgw_rule_state *state, int64_t now_us)
{
    if (r->rate_per_s > 0) {
        if (!state->bucket_filled)
            state->tokens = r->rate_burst;
        else
            state->tokens += (double)(now_us - state->refilled_us) / 1e6 * r->rate_per_s;
        state->bucket_filled = true;
        state->refilled_us = now_us;
        if (state->tokens > r->rate_burst)
            state->tokens = r->rate_burst;
        if (state->tokens < 1 - 1e-9) {
            state->suppressed++;
            return VGW_RULE_RATE;
        }
        state->tokens -= 1;
    }
    state->fired++;
    return VGW_RULE_FIRE;
}

enum vgw_rule_decision vgw_rule_on_event(const struct vgw_rule *r, struct vgw_rule_state *state,
                                         const struct vgw_json *event, int caused_by, int max_caused_by, int64_t now_us)
{
    struct vgw_scope scope = {.trigger = event};
    struct vgw_error err = {0};
    if (!r->enabled || vgw_condition_test(r->conditions, &scope, r->actions->strict, &err) != 1)
        return VGW_RULE_NO_MATCH;
    state->matched++;
    if (caused_by >= max_caused_by) {
        state->suppressed++;
        return VGW_RULE_LOOP;
    }
    if (r->debounce_us == 0)
        return fire(r, state, now_us);
    if (state->debounce_at_us)
        state->suppressed++;
    state->debounce_at_us = now_us + r->debounce_us;
    return VGW_RULE_LATER;
}

enum vgw_rule_decision vgw_rule_on_timer(const struct vgw_rule *r, struct vgw_rule_state *state, int64_t now_us)
{
    if (!state->debounce_at_us)
        return VGW_RULE_NO_MATCH;
    if (now_us < state->debounce_at_us)
        return VGW_RULE_LATER;
    state->debounce_at_us = 0;
    return fire(r, state, now_us);
}

struct vgw_json *vgw_rule_describe(const struct vgw_rule *r, const struct vgw_rule_state *state)
{
    static const struct vgw_rule_state fresh;
    struct vgw_json *o = vgw_json_object();
    struct vgw_json *types = vgw_json_array();
    bool failed = !o || !types;
    if (!state)
        state = &fresh;
    for (size_t i = 0; !failed && i < r->event_type_count; i++)
        failed = vgw_json_append_string(types, r->event_types[i]) < 0;
    if (failed) {
        vgw_json_free(types);
        vgw_json_free(o);
        return NULL;
    }
    if (vgw_json_set(o, "event_types", types) < 0 || vgw_json_set_string(o, "id", r->id) < 0 ||
        vgw_json_set_string(o, "name", r->name) < 0 || vgw_json_set_bool(o, "enabled", r->enabled) < 0 ||
        vgw_json_set_int(o, "matched", (int64_t)state->matched) < 0 ||
        vgw_json_set_int(o, "fired", (int64_t)state->fired) < 0 ||
        vgw_json_set_int(o, "suppressed", (int64_t)state->suppressed) < 0 ||
        vgw_json_set_int(o, "failed", (int64_t)state->failed) < 0) {
        vgw_json_free(o);
        return NULL;
    }
    return o;
}
