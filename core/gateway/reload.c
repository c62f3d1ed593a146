/* reload.c - a new configuration is built and checked beside what runs, then swapped in; any error leaves all as it
 * was. What takes time (files, probes, trials, opening new code) is done on an io lane, the swap on control. Requests
 * that come meanwhile share one further reload, which begins when this one is over: what they want read may have been
 * written after its reading began. */
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "config/snapshot.h"
#include "gateway/archive.h"
#include "gateway/tools.h"

/* One instance of the new plan that is to be made or changed. */
struct change {
    struct vgw_recipe *recipe;
    struct vgw_instance *instance; /* made, not started */
    enum vgw_registry_step step;
};
struct waiter { /* somebody who wants an answer */
    struct vgw_list link;
    vgw_gateway_reload_fn done;
    void *arg;
};
struct code { /* opened beside what runs */
    const struct vgw_recipe *recipe;
    struct vgw_plugin_module *module;
};
struct vgw_reload {
    struct vgw_gateway *g;
    struct vgw_job job;
    struct vgw_list waiters; /* of struct waiter */
    struct vgw_config_reader reader;
    struct vgw_recipe **running; /* what runs as it began; references of control's */
    size_t running_count;
    struct vgw_plugin_prober prober;
    int rc;
    struct code *codes;
    size_t code_count;
    struct vgw_plan *plan;
    struct change *changes;
    size_t change_count;
    struct vgw_json *changed, *restart, *waiting;
    bool outbound; /* outbound_urls changed */
};

static void note_difference(const char *name, bool reloadable, void *arg)
{
    struct vgw_reload *r = arg;
    r->outbound |= vgw_starts_with(name, "outbound_urls");
    vgw_json_append_string(reloadable ? r->changed : r->restart, name);
}

static void all_reloadable(const char *name, bool reloadable, void *arg)
{
    if (!reloadable)
        *(bool *)arg = false;
}

/* What becomes of an instance that runs. Pure. */
static void compare(const struct vgw_recipe *old, const struct vgw_recipe *recipe, bool *ret_code, bool *ret_options,
                    bool *ret_reloadable)
{
    /* tables of two probes are two objects with the same rows: compare by what is written */
    struct vgw_json *a = vgw_plugin_desc_to_json(old->desc), *b = vgw_plugin_desc_to_json(recipe->desc);
    bool same_table = vgw_json_equal(a, b);
    *ret_code = !vgw_streq(old->hash, recipe->hash);
    *ret_reloadable = same_table;
    *ret_options = !same_table || !vgw_options_equal(old->options, recipe->options);
    if (same_table && *ret_options)
        vgw_options_diff(old->options, recipe->options, all_reloadable, ret_reloadable);
    vgw_json_free(a);
    vgw_json_free(b);
}

static struct vgw_plugin_module *opened(const struct vgw_reload *r, const struct vgw_recipe *recipe)
{
    for (size_t i = 0; i < r->code_count; i++)
        if (vgw_streq(r->codes[i].recipe->plugin, recipe->plugin) && vgw_streq(r->codes[i].recipe->hash, recipe->hash))
            return r->codes[i].module;
    return NULL;
}

static void say_refused(struct vgw_reload *r, const struct vgw_recipe *recipe, const char *sentence)
{
    vgw_config_errors_add(&r->reader.errors, recipe->place_file, recipe->place_line, recipe->place_column, "%s.%s: %s",
                          recipe->section, recipe->name, sentence);
}

static int plan_change(struct vgw_reload *r, struct vgw_recipe *recipe)
{
    struct vgw_gateway *g = r->g;
    struct vgw_instance *current = vgw_registry_current(g->registry, recipe->section, recipe->name);
    struct vgw_recipe *old = current ? vgw_gateway_recipe_of(g, current) : NULL;
    struct change c = {.recipe = recipe, .step = VGW_STEP_REPLACE};
    struct vgw_error err = {0};
    if (old && vgw_streq(old->plugin, recipe->plugin) && vgw_streq(old->kind, recipe->kind)) {
        bool code, options, reloadable;
        compare(old, recipe, &code, &options, &reloadable);
        c.step = vgw_registry_decide(current, code, options, reloadable);
    }
    if (c.step == VGW_STEP_KEEP)
        return 0;
    if (c.step == VGW_STEP_REPLACE || c.step == VGW_STEP_WAIT) {
        c.instance = vgw_gateway_instance_new(g, recipe, opened(r, recipe), &err);
        if (!c.instance) {
            say_refused(r, recipe, err.text);
            return VGW_ECONFIG;
        }
    }
    r->changes[r->change_count++] = c;
    return 0;
}

static int prepare(struct vgw_reload *r)
{
    r->changes = vgw_calloc(r->plan->recipe_count + 1, sizeof *r->changes);
    if (!r->changes)
        return VGW_ELIMIT;
    int rc = 0;
    for (size_t i = 0; i < r->plan->recipe_count; i++)
        if (!vgw_streq(r->plan->recipes[i]->section, "store") && plan_change(r, r->plan->recipes[i]) < 0)
            rc = VGW_ECONFIG;
    return rc;
}

static void give_up(struct vgw_reload *r)
{
    for (size_t i = 0; i < r->change_count; i++)
        vgw_instance_free(r->changes[i].instance);
}

static void note_changed(struct vgw_reload *r, const struct vgw_recipe *recipe)
{
    struct vgw_buf name = {0};
    vgw_buf_printf(&name, "%s.%s", recipe->section, recipe->name);
    vgw_json_append_string(r->changed, vgw_buf_str(&name));
    vgw_buf_done(&name);
}

static void apply_change(struct vgw_reload *r, struct change *c)
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
static void retire_gone(struct vgw_reload *r)
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

static int swap(struct vgw_reload *r, struct vgw_error *err)
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
    vgw_gateway_records_changed(g);
    vgw_gateway_retention_changed(g);
    vgw_archive_changed(g->archive);
    vgw_gateway_webhooks_reloaded(g);
    vgw_gateway_tools_swap(g);
    vgw_gateway_flow_arm(g);
    if (g->delivery)
        vgw_delivery_set(g->delivery, g->plan->delivery);
    vgw_gateway_sources_follow(g);
    return 0;
}

static struct vgw_json *reload_answer(const struct vgw_reload *r)
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

/* ---- on an io lane ---- */

/* Does an instance run from just this? */
static bool runs(void *arg, const struct vgw_recipe *recipe)
{
    const struct vgw_reload *r = arg;
    for (size_t i = 0; i < r->running_count; i++) {
        const struct vgw_recipe *old = r->running[i];
        bool code, options, reloadable;
        if (!vgw_streq(old->section, recipe->section) || !vgw_streq(old->name, recipe->name) ||
            !vgw_streq(old->plugin, recipe->plugin) || !vgw_streq(old->kind, recipe->kind) || !old->options)
            continue;
        compare(old, recipe, &code, &options, &reloadable);
        if (!code && !options)
            return true;
    }
    return false;
}

static bool code_runs(const struct vgw_reload *r, const struct vgw_recipe *recipe)
{
    for (size_t i = 0; i < r->running_count; i++)
        if (vgw_streq(r->running[i]->plugin, recipe->plugin) && vgw_streq(r->running[i]->hash, recipe->hash))
            return true;
    return opened(r, recipe) != NULL;
}

static int open_code(struct vgw_reload *r, const struct vgw_recipe *recipe)
{
    struct code *grown = vgw_realloc(r->codes, (r->code_count + 1) * sizeof *grown);
    struct vgw_plugin_desc *desc = NULL;
    struct vgw_plugin_module *module = NULL;
    struct vgw_error err = {0};
    if (!grown)
        return vgw_config_errors_nomem(&r->reader.errors, recipe->place_file);
    r->codes = grown;
    struct vgw_json *copy = vgw_plugin_desc_to_json(recipe->desc);
    int rc = vgw_plugin_desc_from_json(copy, &desc, &err);
    vgw_json_free(copy);
    if (rc == 0)
        rc = vgw_plugin_load(r->g->loader, recipe->file, recipe->hash, desc, &module, &err);
    if (rc == 0) {
        r->codes[r->code_count++] = (struct code){recipe, module};
        return 0;
    }
    vgw_plugin_desc_free(desc);
    say_refused(r, recipe, err.text);
    return VGW_ECONFIG;
}

static void read_all(void *arg)
{
    struct vgw_reload *r = arg;
    struct vgw_gateway *g = r->g;
    struct vgw_action_registry *actions = vgw_gateway_check_actions(); /* control's own change meanwhile */
    struct vgw_plan_source source = {.path = g->options.config_path,
                                     .plugin_dirs = g->options.plugin_dirs,
                                     .plugin_dir_count = g->options.plugin_dir_count,
                                     .prober = &r->prober,
                                     .actions = actions,
                                     .check = g->options.check,
                                     .check_arg = g->options.check_arg,
                                     .try_instances = !g->options.driver, /* no process is waited for in virtual time */
                                     .runs = runs,
                                     .runs_arg = r,
                                     .plugins_must_load = true};
    r->rc = vgw_plan_compile(&source, &r->reader, &r->plan);
    for (size_t i = 0; r->rc == 0 && i < r->plan->recipe_count; i++) {
        const struct vgw_recipe *recipe = r->plan->recipes[i];
        if (!vgw_streq(recipe->section, "store") && !code_runs(r, recipe))
            r->rc = open_code(r, recipe);
    }
    if (r->rc == 0 && vgw_plugin_cache_save(g->cache, NULL) < 0)
        vgw_log(VGW_LOG_DEBUG, NULL, "the plugin cache could not be written", NULL);
    vgw_action_registry_free(actions);
}

/* ---- on control ---- */

static void answer_waiters(struct vgw_list *waiters, int status, const char *sentence, const struct vgw_json *answer,
                           const struct vgw_config_errors *errors)
{
    struct vgw_list *at;
    while ((at = vgw_list_pop(waiters))) {
        struct waiter *w = VGW_CONTAINER_OF(at, struct waiter, link);
        w->done(w->arg, status, sentence, answer, errors);
        vgw_free(w);
    }
}

static void reload_free(struct vgw_reload *r)
{
    for (size_t i = 0; i < r->code_count; i++)
        vgw_plugin_module_unref(r->codes[i].module);
    for (size_t i = 0; i < r->running_count; i++)
        vgw_recipe_unref(r->running[i]);
    vgw_free(r->codes);
    vgw_free(r->running);
    vgw_free(r->changes);
    vgw_json_free(r->changed);
    vgw_json_free(r->restart);
    vgw_json_free(r->waiting);
    vgw_config_reader_done(&r->reader);
    vgw_free(r);
}

static void begin(struct vgw_gateway *g);

static void finish(void *arg)
{
    struct vgw_reload *r = arg;
    struct vgw_gateway *g = r->g;
    struct vgw_error err = {0};
    struct vgw_json *answer = NULL;
    int rc = r->rc;
    if (rc == 0 && g->ending)
        rc = vgw_error_set(&err, VGW_EBUSY, "the gateway ends; nothing was loaded anew");
    else if (rc == 0 && ((rc = prepare(r)) < 0 || (rc = swap(r, &err)) < 0))
        give_up(r);
    if (rc == 0) {
        answer = reload_answer(r);
        vgw_log(VGW_LOG_INFO, NULL, "the configuration was loaded anew", NULL);
        if (g->reloaded)
            g->reloaded(g->reloaded_arg);
    } else {
        vgw_plan_unref(r->plan);
        if (!err.status)
            vgw_error_set(&err, rc, "the configuration was refused; the one before stays in force");
    }
    count_result(rc == 0 ? "ok" : "refused");
    g->reload = NULL;
    answer_waiters(&r->waiters, rc, err.text, answer, &r->reader.errors);
    vgw_json_free(answer);
    reload_free(r);
    if (g->reload_waiters.next != &g->reload_waiters && !g->reload)
        begin(g);
}

static bool note_running(struct vgw_reload *r)
{
    size_t n = 0;
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &r->g->live)
        n++;
    r->running = vgw_calloc(n + 2, sizeof(struct vgw_recipe *));
    if (!r->running)
        return false;
    VGW_LIST_EACH (at, next, &r->g->live) {
        struct vgw_live *l = VGW_CONTAINER_OF(at, struct vgw_live, link);
        /* of an older generation the code may be used again, its options count no more */
        r->running[r->running_count++] = l->recipe;
        l->recipe->refs++;
    }
    return true;
}

static void begin(struct vgw_gateway *g)
{
    struct vgw_reload *r;
    if (VGW_NEW(r)) {
        *r = (struct vgw_reload){.g = g,
                                 .reader = {.getenv = g->options.getenv},
                                 .prober = {.cache = g->cache, .stop = &g->reload_stop},
                                 .changed = vgw_json_array(),
                                 .restart = vgw_json_array(),
                                 .waiting = vgw_json_array()};
        r->job = (struct vgw_job){.work = read_all, .done = finish, .arg = r, .home = g->loop, .lane = VGW_LANE_IO};
        vgw_list_init(&r->waiters);
        if (note_running(r) && vgw_pool_submit(g->pool, &r->job) == 0) {
            while (g->reload_waiters.next != &g->reload_waiters)
                vgw_list_append(&r->waiters, vgw_list_pop(&g->reload_waiters));
            g->reload = r;
            g->reload_waiter_count = 0;
            return;
        }
        reload_free(r);
    }
    g->reload_waiter_count = 0;
    count_result("refused");
    answer_waiters(&g->reload_waiters, VGW_ELIMIT, "there is no room for a reload now; try again in a moment", NULL,
                   NULL);
}

void vgw_gateway_reload(struct vgw_gateway *g, vgw_gateway_reload_fn done, void *arg)
{
    struct waiter *w = NULL;
    if (g->ending || atomic_load(&g->reload_stop)) {
        done(arg, VGW_EBUSY, "the gateway ends; nothing is loaded anew", NULL, NULL);
        return;
    }
    if (g->reload_waiter_count >= VGW_RELOAD_WAITERS_MAX || !VGW_NEW(w)) {
        vgw_metric_dropped("reload");
        done(arg, VGW_ELIMIT, "too many reloads have been asked for; wait until one is over", NULL, NULL);
        return;
    }
    w->done = done;
    w->arg = arg;
    vgw_list_append(&g->reload_waiters, &w->link);
    g->reload_waiter_count++;
    if (!g->reload)
        begin(g);
}

void vgw_gateway_reload_stop(struct vgw_gateway *g)
{
    static const char sentence[] = "the gateway ends; nothing was loaded anew";
    atomic_store(&g->reload_stop, true);
    vgw_gateway_shows_stop(g);
    g->reload_waiter_count = 0;
    answer_waiters(&g->reload_waiters, VGW_EBUSY, sentence, NULL, NULL);
    if (g->reload)
        answer_waiters(&g->reload->waiters, VGW_EBUSY, sentence, NULL, NULL);
}

bool vgw_gateway_reloading(const struct vgw_gateway *g)
{
    return g->reload != NULL;
}

void vgw_gateway_on_reload(struct vgw_gateway *g, void (*fn)(void *arg), void *arg)
{
    g->reloaded = fn;
    g->reloaded_arg = arg;
}
