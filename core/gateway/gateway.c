/* gateway.c - makes all rooms in the order of who may know whom, and ends them the other way round. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "config/snapshot.h"
#include "gateway/archive.h"
#include "gateway/tools.h"

/* ---- small answers ---- */

struct vgw_gateway_rooms vgw_gateway_rooms(struct vgw_gateway *g)
{
    return (struct vgw_gateway_rooms){.control = g->loop,
                                      .side = g->side->loop,
                                      .pool = g->pool,
                                      .calls = g->calls,
                                      .flow = g->flow,
                                      .bus = g->bus,
                                      .registry = g->registry,
                                      .host = g->host,
                                      .actions = g->actions,
                                      .delivery = g->delivery};
}

const char *vgw_gateway_node(struct vgw_gateway *g)
{
    const char *name = vgw_options_string(g->plan->main, "gateway.name");
    if (name && *name)
        return name;
    if (!g->host_name[0] && (gethostname(g->host_name, sizeof g->host_name - 1) != 0 || !g->host_name[0]))
        vgw_strcopy(g->host_name, sizeof g->host_name, "voicegw");
    return g->host_name;
}

const struct vgw_plan *vgw_gateway_plan(const struct vgw_gateway *g)
{
    return g->plan;
}

uint64_t vgw_gateway_generation(const struct vgw_gateway *g)
{
    return g->generation;
}

void vgw_gateway_set_front(struct vgw_gateway *g, struct vgw_front *front)
{
    g->front = front;
}

struct vgw_store *vgw_gateway_store(struct vgw_gateway *g)
{
    return g->store;
}

const char *vgw_gateway_department(struct vgw_gateway *g, const char *name)
{
    return vgw_options_lookup(g->plan->main, "departments", name);
}

const char *vgw_gateway_department_nearest(struct vgw_gateway *g, const char *name)
{
    const char *names[128];
    size_t n = vgw_options_count(g->plan->main, "departments");
    n = n < 128 ? n : 128;
    for (size_t i = 0; i < n; i++)
        names[i] = vgw_options_item_key(g->plan->main, "departments", i);
    return vgw_nearest(name, names, n);
}

bool vgw_gateway_enabled(const struct vgw_gateway *g)
{
    return vgw_options_bool(g->plan->main, "gateway.enabled");
}

uint32_t vgw_gateway_max_sessions(const struct vgw_gateway *g)
{
    return (uint32_t)vgw_options_int(g->plan->main, "gateway.max_sessions");
}

bool vgw_gateway_draining(const struct vgw_gateway *g)
{
    return g->draining;
}

size_t vgw_gateway_loops(struct vgw_gateway *g, struct vgw_loop **out)
{
    size_t n = 0;
    for (; n < g->worker_count; n++)
        out[n] = g->workers[n].loop;
    out[n++] = g->side->loop;
    return n;
}

struct vgw_action_registry *vgw_gateway_check_actions(void)
{
    struct vgw_action_registry *actions = vgw_action_registry_new(1);
    struct vgw_gateway none = {.actions = actions};
    struct vgw_error err;
    if (actions && (vgw_gateway_actions_register(&none, &err) < 0 ||
                    vgw_call_actions_register(NULL, actions, NULL, NULL, &err) < 0)) {
        vgw_action_registry_free(actions);
        return NULL;
    }
    return actions;
}

/* ---- life ---- */

static void folders(struct vgw_gateway *g)
{
    mkdir(g->options.state_dir, 0750);
    mkdir(vgw_options_string(g->plan->main, "recordings.path"), 0750);
    /* a folder that could not be made shows when it is written to, with its own sentence */
}

static int snapshot_of(struct vgw_plan *plan, uint64_t generation, struct vgw_snapshot **ret)
{
    struct vgw_snapshot *s = vgw_snapshot_new(1, generation);
    if (!s)
        return VGW_ELIMIT;
    vgw_snapshot_set(s, 0, vgw_plan_ref(plan), (void (*)(void *))(void *)vgw_plan_unref);
    *ret = s;
    return 0;
}

static int rooms_open(struct vgw_gateway *g, struct vgw_error *err)
{
    int rc = vgw_gateway_threads_open(g, err);
    if (rc == 0)
        rc = vgw_gateway_host_open(g, err);
    if (rc == 0)
        rc = vgw_gateway_plugins_open(g, err);
    if (rc == 0)
        rc = vgw_gateway_records_open(g, err);
    if (rc == 0)
        rc = vgw_gateway_calls_open(g, err);
    if (rc == 0)
        rc = vgw_call_actions_register(g->calls, g->actions,
                                       (const char *(*)(void *, const char *))(void *)vgw_gateway_department, g, err);
    if (rc == 0)
        rc = vgw_gateway_flows_open(g, err);
    if (rc == 0)
        rc = vgw_gateway_webhooks_open(g, err);
    if (rc == 0)
        rc = vgw_gateway_callbacks_open(g, err);
    if (rc == 0)
        vgw_gateway_tools_swap(g);
    return rc;
}

static int plan_first(struct vgw_gateway *g, struct vgw_config_reader *reader, struct vgw_error *err)
{
    struct vgw_buf cache = {0};
    vgw_buf_printf(&cache, "%s/plugin-cache.json", g->options.state_dir);
    g->cache = vgw_plugin_cache_open(vgw_buf_str(&cache));
    vgw_buf_done(&cache);
    g->prober = (struct vgw_plugin_prober){.cache = g->cache};
    struct vgw_plan_source source = {.path = g->options.config_path,
                                     .plugin_dirs = g->options.plugin_dirs,
                                     .plugin_dir_count = g->options.plugin_dir_count,
                                     .check = g->options.check,
                                     .check_arg = g->options.check_arg,
                                     .prober = &g->prober,
                                     .try_new = !g->options.driver};
    source.actions =
        vgw_gateway_check_actions(); /* the calls' own are not there yet; plans know actions by name alone */
    int rc = vgw_plan_compile(&source, reader, &g->plan);
    vgw_action_registry_free((struct vgw_action_registry *)(uintptr_t)source.actions);
    if (rc < 0)
        return vgw_error_set(err, rc, "the configuration was refused");
    return snapshot_of(g->plan, ++g->generation, &g->snapshot) < 0 ? vgw_error_nomem(err) : 0;
}

static void health_free(void *value)
{
    vgw_engine_health_free(value);
}

int vgw_gateway_new(const struct vgw_gateway_options *options, struct vgw_config_reader *reader,
                    struct vgw_gateway **ret_gateway, struct vgw_error *err)
{
    struct vgw_gateway *g;
    if (!VGW_NEW(g))
        return vgw_error_nomem(err);
    g->options = *options;
    g->loop = options->loop;
    vgw_list_init(&g->live);
    vgw_list_init(&g->reload_waiters);
    vgw_list_init(&g->shows);
    vgw_list_init(&g->plugin_actions);
    vgw_list_init(&g->plugin_runs);
    vgw_list_init(&g->listeners);
    vgw_list_init(&g->restarts);
    vgw_list_init(&g->recordings);
    vgw_list_init(&g->transfers);
    vgw_list_init(&g->sources);
    g->health = vgw_map_new(vgw_free);
    g->conversations = vgw_map_new(vgw_gateway_conversation_free);
    g->engine_health = vgw_map_new(health_free);
    g->state = vgw_map_new(vgw_free);
    g->actions = vgw_action_registry_new(0);
    vgw_gateway_home_fill(g);
    g->side = &g->workers[VGW_WORKERS_MAX];
    g->control = &g->workers[VGW_WORKERS_MAX + 1];
    int rc = g->health && g->conversations && g->engine_health && g->state && g->actions ? 0 : vgw_error_nomem(err);
    if (rc == 0)
        rc = vgw_gateway_actions_register(g, err);
    if (rc == 0)
        rc = plan_first(g, reader, err);
    if (rc == 0) {
        folders(g);
        rc = rooms_open(g, err);
    }
    if (rc < 0) {
        vgw_gateway_free(g);
        return rc;
    }
    vgw_gateway_plugins_start(g);
    vgw_gateway_health_open(g);
    vgw_gateway_retention_open(g);
    if (!(g->archive = vgw_archive_new(g))) {
        vgw_gateway_free(g);
        return vgw_error_nomem(err);
    }
    if ((rc = vgw_gateway_delivery_open(g, err)) < 0) { /* it dials at once: providers are there */
        vgw_gateway_free(g);
        return rc;
    }
    *ret_gateway = g;
    return 0;
}

/* ---- draining ---- */

static void on_calls_drained(void *arg)
{
    struct vgw_gateway *g = arg;
    vgw_timer_stop(&g->drain_timer);
    if (g->drained)
        g->drained(g->drained_arg);
}

static void on_drain_timeout(void *arg)
{
    struct vgw_gateway *g = arg;
    vgw_log(VGW_LOG_WARNING, NULL, "the drain time-out has passed: the calls that are left are ended", NULL);
    vgw_calls_end_all(g->calls, "drain_timeout");
}

void vgw_gateway_drain(struct vgw_gateway *g, int64_t timeout_us, void (*drained)(void *arg), void *arg)
{
    g->draining = true;
    g->drained = drained;
    g->drained_arg = arg;
    if (timeout_us < 0)
        timeout_us = vgw_options_duration_us(g->plan->main, "gateway.drain_timeout");
    vgw_timer_stop(&g->drain_timer); /* a drain that is asked for again begins anew */
    vgw_timer_init(&g->drain_timer, g->loop, on_drain_timeout, g);
    vgw_timer_start(&g->drain_timer, timeout_us);
    vgw_log(VGW_LOG_INFO, NULL, "draining: no new calls are taken", NULL);
    if (g->delivery)
        vgw_delivery_pause(g->delivery, true);
    vgw_calls_drain(g->calls, on_calls_drained, g);
}

void vgw_gateway_undrain(struct vgw_gateway *g)
{
    g->draining = false;
    g->drained = NULL;
    vgw_timer_stop(&g->drain_timer);
    vgw_calls_undrain(g->calls);
    if (g->delivery)
        vgw_delivery_pause(g->delivery, false);
    vgw_log(VGW_LOG_INFO, NULL, "calls are taken again", NULL);
}
