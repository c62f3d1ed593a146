/* reload.c - a new configuration is built and checked beside what runs, then swapped in; any error leaves all as it
 * was. */
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "config/snapshot.h"
#include "gateway/gateway_private.h"

/* One instance of the new plan that is to be made or changed. */
struct change {
    struct vgw_recipe *recipe;
    struct vgw_instance *instance; /* made, not started */
    enum vgw_registry_step step;
};
struct reload {
    struct vgw_gateway *g;
    struct vgw_plan *plan;
    struct change *changes;
    size_t change_count;
    struct vgw_json *changed, *restart, *waiting;
    bool outbound; /* outbound_urls changed */
};

static void note_difference(const char *name, bool reloadable, void *arg)
{
    struct reload *r = arg;
    r->outbound |= vgw_starts_with(name, "outbound_urls");
    vgw_json_append_string(reloadable ? r->changed : r->restart, name);
}

static void all_reloadable(const char *name, bool reloadable, void *arg)
{
    if (!reloadable)
        *(bool *)arg = false;
}

static int plan_change(struct reload *r, struct vgw_recipe *recipe, struct vgw_config_reader *reader)
{
    struct vgw_gateway *g = r->g;
    struct vgw_instance *current = vgw_registry_current(g->registry, recipe->section, recipe->name);
    struct vgw_recipe *old = current ? vgw_gateway_recipe_of(g, current) : NULL;
    struct change c = {.recipe = recipe, .step = VGW_STEP_REPLACE};
    struct vgw_error err = {0};
    if (old && vgw_streq(old->plugin, recipe->plugin) && vgw_streq(old->kind, recipe->kind)) {
        bool code = !vgw_streq(old->hash, recipe->hash);
        /* tables of two probes are two objects with the same rows: compare by what is written */
        struct vgw_json *a = vgw_plugin_desc_to_json(old->desc), *b = vgw_plugin_desc_to_json(recipe->desc);
        bool same_table = vgw_json_equal(a, b), reloadable = same_table;
        bool options = !same_table || !vgw_options_equal(old->options, recipe->options);
        if (same_table && options)
            vgw_options_diff(old->options, recipe->options, all_reloadable, &reloadable);
        vgw_json_free(a);
        vgw_json_free(b);
        c.step = vgw_registry_decide(current, code, options, reloadable);
    }
    if (c.step == VGW_STEP_KEEP)
        return 0;
    if (c.step == VGW_STEP_REPLACE || c.step == VGW_STEP_WAIT) {
        c.instance = vgw_gateway_instance_new(g, recipe, &err);
        if (!c.instance)
            return vgw_config_errors_add(&reader->errors, r->plan->path ? r->plan->path : "embedded defaults", 0, 0,
                                         "%s.%s: %s", recipe->section, recipe->name, err.text);
    }
    r->changes[r->change_count++] = c;
    return 0;
}

static int prepare(struct reload *r, struct vgw_config_reader *reader)
{
    r->changes = vgw_calloc(r->plan->recipe_count + 1, sizeof *r->changes);
    if (!r->changes)
        return VGW_ELIMIT;
    int rc = 0;
    for (size_t i = 0; i < r->plan->recipe_count; i++)
        if (!vgw_streq(r->plan->recipes[i]->section, "store") && plan_change(r, r->plan->recipes[i], reader) < 0)
            rc = VGW_ECONFIG;
    return rc;
}

static void give_up(struct reload *r)
{
    for (size_t i = 0; i < r->change_count; i++)
        vgw_instance_free(r->changes[i].instance);
}

static void note_changed(struct reload *r, const struct vgw_recipe *recipe)
{
    struct vgw_buf name = {0};
    vgw_buf_printf(&name, "%s.%s", recipe->section, recipe->name);
    vgw_json_append_string(r->changed, vgw_buf_str(&name));
    vgw_buf_done(&name);
}

static void apply_change(struct reload *r, struct change *c)
{
    struct vgw_gateway *g = r->g;
    struct vgw_error err = {0};
    struct vgw_instance *current = vgw_registry_current(g->registry, c->recipe->section, c->recipe->name);
    int rc = 0;
    note_changed(r, c->recipe);
    if (c->step == VGW_STEP_RECONFIGURE) {
        rc = vgw_instance_reconfigure(current, vgw_host_options(c->recipe->options), &err);
        if (rc == 0)
            vgw_gateway_live_add(g, current, c->recipe); /* the old recipe stays too: streams keep their settings */
    } else if (c->step == VGW_STEP_WAIT) {
        rc = vgw_registry_publish_when_idle(g->registry, c->instance, &err);
        if (rc == 0) {
            vgw_gateway_live_add(g, c->instance, c->recipe);
            vgw_json_append_string(r->waiting, c->recipe->name);
        }
    } else {
        rc = vgw_instance_start(c->instance, &err);
        if (rc == 0)
            rc = vgw_registry_publish(g->registry, c->instance, &err);
        if (rc == 0) {
            vgw_gateway_live_add(g, c->instance, c->recipe);
            vgw_gateway_instance_published(g, c->instance);
        }
    }
    if (rc < 0) {
        vgw_log(VGW_LOG_ERROR, NULL, "an instance could not take its new configuration; the old one runs on", "section",
                c->recipe->section, "instance", c->recipe->name, "error", err.text, NULL);
        vgw_instance_free(c->instance);
    }
    struct vgw_buf part = {0};
    vgw_buf_printf(&part, "%s.%s", c->recipe->section, c->recipe->name);
    vgw_gateway_part(g, vgw_buf_str(&part), rc == 0, err.text);
    vgw_buf_done(&part);
    c->instance = NULL;
}

/* Instances that the new plan does not name any more take no new calls. */
static void retire_gone(struct reload *r)
{
    struct vgw_gateway *g = r->g;
    const char *section, *name;
    struct vgw_instance *current;
    struct vgw_list gone;
    vgw_list_init(&gone);
    for (size_t at = 0; vgw_registry_next(g->registry, &at, &section, &name, &current);) {
        if (!current || vgw_plan_recipe(r->plan, section, name))
            continue;
        struct vgw_buf part = {0};
        vgw_buf_printf(&part, "%s.%s", section, name);
        vgw_json_append_string(r->changed, vgw_buf_str(&part));
        vgw_gateway_part_gone(g, vgw_buf_str(&part));
        vgw_buf_done(&part);
        vgw_gateway_instance_retired(g, section, name);
        vgw_registry_retire(g->registry, section, name);
    }
}

static int swap(struct reload *r, struct vgw_error *err)
{
    struct vgw_gateway *g = r->g;
    struct vgw_snapshot *snapshot = vgw_snapshot_new(1, g->generation + 1);
    if (!snapshot)
        return vgw_error_nomem(err);
    int rc = vgw_flow_engine_swap(g->flow, r->plan->flows, err);
    if (rc < 0) {
        vgw_snapshot_unref(snapshot);
        return rc;
    }
    vgw_options_diff(g->plan->main, r->plan->main, note_difference, r);
    vgw_snapshot_set(snapshot, 0, vgw_plan_ref(r->plan), (void (*)(void *))(void *)vgw_plan_unref);
    struct vgw_plan *old = g->plan;
    g->generation++;
    g->plan = r->plan;
    vgw_snapshot_unref(g->snapshot);
    g->snapshot = snapshot;
    for (size_t i = 0; i < r->change_count; i++)
        apply_change(r, &r->changes[i]);
    retire_gone(r);
    vgw_plan_unref(old);
    struct vgw_calls_limits limits = vgw_gateway_limits(g->plan);
    vgw_calls_set_limits(g->calls, &limits);
    if (r->outbound && vgw_gateway_policy_swap(g, err) < 0) {
        vgw_log(VGW_LOG_ERROR, NULL, "outbound_urls could not be put in force; the earlier ones stay", "error",
                err->text, NULL);
        *err = (struct vgw_error){0};
    }
    vgw_gateway_route_defaults(g);
    vgw_gateway_retention_changed(g);
    vgw_gateway_flow_arm(g);
    return 0;
}

static struct vgw_json *reload_answer(const struct reload *r)
{
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_int(o, "generation", (int64_t)r->g->generation);
    vgw_json_set(o, "changed", vgw_json_ref(r->changed));
    vgw_json_set(o, "restart_required", vgw_json_ref(r->restart));
    vgw_json_set(o, "waiting", vgw_json_ref(r->waiting));
    return o;
}

static void count_result(const char *result)
{
    vgw_metric_add(vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_reloads_total", "Reloads by result", "result"), 1,
                   result, NULL, NULL);
}

int vgw_gateway_reload(struct vgw_gateway *g, struct vgw_config_reader *reader, struct vgw_json **ret_answer,
                       struct vgw_error *err)
{
    struct reload r = {.g = g, .changed = vgw_json_array(), .restart = vgw_json_array(), .waiting = vgw_json_array()};
    struct vgw_plan_source source = {.path = g->options.config_path,
                                     .plugin_dirs = g->options.plugin_dirs,
                                     .plugin_dir_count = g->options.plugin_dir_count,
                                     .prober = &g->prober,
                                     .actions = g->actions,
                                     .check = g->options.check,
                                     .check_arg = g->options.check_arg,
                                     .plugins_must_load = true};
    int rc = vgw_plan_compile(&source, reader, &r.plan);
    if (rc == 0 && (rc = prepare(&r, reader)) < 0)
        give_up(&r);
    else if (rc == 0 && (rc = swap(&r, err)) < 0)
        give_up(&r);
    if (rc == 0) {
        *ret_answer = reload_answer(&r);
        vgw_log(VGW_LOG_INFO, NULL, "the configuration was loaded anew", NULL);
        if (g->reloaded)
            g->reloaded(g->reloaded_arg);
        if (vgw_plugin_cache_save(g->cache, NULL) < 0)
            vgw_log(VGW_LOG_DEBUG, NULL, "the plugin cache could not be written", NULL);
    } else {
        vgw_plan_unref(r.plan);
        if (!err->status)
            vgw_error_set(err, rc, "the configuration was refused; the one before stays in force");
    }
    count_result(rc == 0 ? "ok" : "refused");
    vgw_json_free(r.changed);
    vgw_json_free(r.restart);
    vgw_json_free(r.waiting);
    vgw_free(r.changes);
    return rc;
}

void vgw_gateway_on_reload(struct vgw_gateway *g, void (*fn)(void *arg), void *arg)
{
    g->reloaded = fn;
    g->reloaded_arg = arg;
}
