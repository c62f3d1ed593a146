/* plugins.c - from recipes to running instances. */
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "gateway/gateway_private.h"
#include "host/route.h"

/* Whoever tells its end from inside a call-back of the plugin is, for a moment, still in there: its code may go once
 * every worker has turned since. */
struct vgw_passing {
    struct vgw_gateway *g;
    struct vgw_live *live; /* NULL: it went meanwhile */
    size_t count;          /* of workers that have not answered; control only */
    bool all;
};

static void registry_wake(void *arg)
{
    struct vgw_gateway *g = arg;
    vgw_timer_start(&g->registry_timer, 0);
}

static void registry_run(void *arg)
{
    struct vgw_gateway *g = arg;
    if (g->code_stays)
        return;
    int64_t next = vgw_registry_run(g->registry, vgw_now(g->loop));
    if (next >= 0)
        vgw_timer_start_at(&g->registry_timer, next);
}

static void part_name(char *out, size_t cap, const char *section, const char *name)
{
    struct vgw_buf b = {0};
    vgw_buf_printf(&b, "%s.%s", section, name);
    vgw_strcopy(out, cap, vgw_buf_str(&b));
    vgw_buf_done(&b);
}

void vgw_gateway_live_add(struct vgw_gateway *g, struct vgw_instance *i, struct vgw_recipe *r)
{
    struct vgw_live *l;
    if (!VGW_NEW(l))
        return;
    l->instance = i;
    l->recipe = r;
    r->refs++;
    vgw_list_append(&g->live, &l->link);
    vgw_metric_set(vgw_metric_family(VGW_METRIC_GAUGE, "voicegw_plugin_generation",
                                     "Newest generation of an instance's plugin", "plugin"),
                   (double)i->generation, r->plugin, NULL, NULL);
}

static struct vgw_live *live_of(struct vgw_gateway *g, const struct vgw_instance *instance)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &g->live)
        if (VGW_CONTAINER_OF(at, struct vgw_live, link)->instance == instance)
            return VGW_CONTAINER_OF(at, struct vgw_live, link);
    return NULL;
}

struct vgw_recipe *vgw_gateway_recipe_of(struct vgw_gateway *g, const struct vgw_instance *i)
{
    const struct vgw_live *l = live_of(g, i);
    return l ? l->recipe : NULL;
}

/* The instance is about to be destroyed; its options stay until the next turn of the loop, since destroy() may read
 * them. */
static void live_done(void *arg)
{
    vgw_recipe_unref(arg);
}

static void on_gone(void *arg, struct vgw_instance *instance, bool forced)
{
    struct vgw_gateway *g = arg;
    struct vgw_list *at, *next;
    if (forced)
        vgw_log(VGW_LOG_WARNING, NULL, "an instance did not drain in time and was ended", "section", instance->section,
                "instance", instance->name, NULL);
    VGW_LIST_EACH (at, next, &g->live) {
        struct vgw_live *l = VGW_CONTAINER_OF(at, struct vgw_live, link);
        if (l->instance != instance)
            continue;
        vgw_list_remove(&l->link);
        if (l->asking)
            l->asking->live = NULL;
        if (vgw_loop_call(g->loop, live_done, l->recipe) < 0)
            vgw_log(VGW_LOG_ERROR, NULL, "control is overloaded: an instance's options are kept for ever", NULL);
        vgw_free(l);
    }
}

struct turn {
    struct vgw_passing *passing;
    struct vgw_loop *control;
};

static void on_turned(void *arg)
{
    struct vgw_passing *p = arg;
    if (--p->count > 0)
        return;
    if (p->live) {
        p->live->asking = NULL;
        p->live->passed = p->all;
        registry_wake(p->g);
    }
    vgw_free(p);
}

/* [worker] */
static void turn(void *arg)
{
    struct turn *t = arg;
    struct turn copy = *t;
    vgw_free(t);
    if (vgw_loop_call(copy.control, on_turned, copy.passing) < 0)
        vgw_log(VGW_LOG_ERROR, NULL, "control is overloaded: a plugin's code stays loaded", NULL);
}

static void ask_workers(struct vgw_gateway *g, struct vgw_live *l)
{
    struct vgw_passing *p;
    if (!VGW_NEW(p))
        return;
    *p = (struct vgw_passing){.g = g, .live = l, .count = 1, .all = true};
    for (size_t i = 0; i < VGW_WORKERS_MAX + 1; i++) {
        struct turn *t;
        if (!g->workers[i].loop)
            continue;
        if (VGW_NEW(t)) {
            *t = (struct turn){p, g->loop};
            if (vgw_loop_call(g->workers[i].loop, turn, t) == 0) {
                p->count++;
                continue;
            }
            vgw_free(t);
        }
        p->all = false; /* it is asked again at the next look */
    }
    l->asking = p;
    on_turned(p);
}

static bool still_busy(void *arg, const struct vgw_instance *instance)
{
    struct vgw_gateway *g = arg;
    struct vgw_live *l = live_of(g, instance);
    bool busy = vgw_host_busy(instance);
    if (!l || (l->passed && !busy))
        return busy;
    l->passed = false;
    if (!busy && !l->asking)
        ask_workers(g, l);
    return !l->passed;
}

static void on_promoted(void *arg, struct vgw_instance *instance, const struct vgw_error *err)
{
    if (!err)
        vgw_gateway_instance_published(arg, instance);
    if (err)
        vgw_log(VGW_LOG_ERROR, NULL, "a waiting instance could not take over", "instance", instance->name, "error",
                err->text, NULL);
    else
        vgw_log(VGW_LOG_INFO, NULL, "a waiting instance took over", "instance", instance->name, NULL);
}

int vgw_gateway_plugins_open(struct vgw_gateway *g, struct vgw_error *err)
{
    struct vgw_buf dir = {0};
    vgw_buf_printf(&dir, "%s/plugins", g->options.state_dir);
    struct vgw_registry_ops ops = {
        .wake = registry_wake, .on_gone = on_gone, .on_promoted = on_promoted, .busy = still_busy, .arg = g};
    vgw_timer_init(&g->registry_timer, g->loop, registry_run, g);
    vgw_list_init(&g->live);
    int rc = vgw_plugin_loader_new(vgw_buf_str(&dir), &g->loader, err);
    vgw_buf_done(&dir);
    if (rc < 0)
        return rc;
    g->registry = vgw_registry_new(&ops, 0);
    return g->registry ? 0 : vgw_error_nomem(err);
}

/* Instances of one plugin share its code. A reference, or NULL: it is to be loaded. */
static struct vgw_plugin_module *shared_code(struct vgw_gateway *g, const struct vgw_recipe *r)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &g->live) {
        struct vgw_live *l = VGW_CONTAINER_OF(at, struct vgw_live, link);
        if (vgw_streq(l->recipe->plugin, r->plugin) && vgw_streq(l->recipe->hash, r->hash))
            return vgw_plugin_module_ref(l->instance->module);
    }
    return NULL;
}

static int load_code(struct vgw_gateway *g, const struct vgw_recipe *r, struct vgw_plugin_module **ret_module,
                     struct vgw_error *err)
{
    struct vgw_plugin_desc *desc = NULL;
    struct vgw_json *copy = vgw_plugin_desc_to_json(r->desc);
    int rc = vgw_plugin_desc_from_json(copy, &desc, err);
    vgw_json_free(copy);
    if (rc == 0)
        rc = vgw_plugin_load(g->loader, r->file, r->hash, desc, ret_module, err);
    if (rc < 0)
        vgw_plugin_desc_free(desc);
    return rc;
}

struct vgw_instance *vgw_gateway_instance_new(struct vgw_gateway *g, struct vgw_recipe *r,
                                              struct vgw_plugin_module *opened, struct vgw_error *err)
{
    struct vgw_plugin_module *module = shared_code(g, r);
    struct vgw_instance *i = NULL;
    struct vgw_plugin_hostops ops = vgw_host_ops(g->host);
    if (!module && opened)
        module = vgw_plugin_module_ref(opened);
    int rc = module ? 0 : load_code(g, r, &module, err);
    if (rc == 0)
        rc = vgw_instance_new(module, r->section, r->name, r->kind, &ops, &i, err);
    vgw_plugin_module_unref(module);
    if (rc == 0)
        rc = vgw_instance_create(i, vgw_host_options(r->options), err);
    if (rc < 0) {
        vgw_instance_free(i);
        return NULL;
    }
    return i;
}

static bool start_one(struct vgw_gateway *g, struct vgw_recipe *r, struct vgw_error *err)
{
    struct vgw_instance *i = vgw_gateway_instance_new(g, r, NULL, err);
    if (!i)
        return false;
    if (vgw_instance_start(i, err) < 0 || vgw_registry_publish(g->registry, i, err) < 0) {
        vgw_instance_free(i);
        return false;
    }
    vgw_gateway_live_add(g, i, r);
    vgw_gateway_instance_published(g, i);
    return true;
}

void vgw_gateway_plugins_start(struct vgw_gateway *g)
{
    for (size_t n = 0; n < g->plan->recipe_count; n++) {
        struct vgw_recipe *r = g->plan->recipes[n];
        struct vgw_error err = {0};
        char part[128];
        part_name(part, sizeof part, r->section, r->name);
        if (vgw_streq(r->section, "store") || vgw_registry_current(g->registry, r->section, r->name))
            continue;
        bool ok = r->options && !r->problem[0] && start_one(g, r, &err);
        if (ok) {
            vgw_gateway_part(g, part, true, "");
            continue;
        }
        const char *why = r->problem[0] ? r->problem : err.text;
        vgw_log(VGW_LOG_ERROR, NULL, "an instance could not be started; the rest runs", "section", r->section,
                "instance", r->name, "plugin", r->plugin, "error", why, NULL);
        vgw_gateway_part(g, part, false, why);
    }
    vgw_gateway_route_defaults(g);
    if (vgw_plugin_cache_save(g->cache, NULL) < 0)
        vgw_log(VGW_LOG_DEBUG, NULL, "the plugin cache could not be written; the next start probes again", NULL);
}

void vgw_gateway_route_defaults(struct vgw_gateway *g)
{
    for (size_t n = 0; n < g->plan->recipe_count; n++) {
        const struct vgw_recipe *r = g->plan->recipes[n];
        size_t same = 0;
        const char *marked = NULL;
        if (!vgw_streq(r->section, "providers"))
            continue;
        for (size_t k = 0; k < g->plan->recipe_count; k++) {
            const struct vgw_recipe *o = g->plan->recipes[k];
            if (!vgw_streq(o->section, "providers") || !vgw_streq(o->plugin, r->plugin))
                continue;
            same++;
            marked = o->is_default ? o->name : marked;
        }
        vgw_host_route_default(g->host, r->plugin, marked ? marked : same == 1 ? r->name : NULL);
    }
}

/* What is known of an engine outlives its instances: a reload does not mend a vendor. */
static struct vgw_engine_health *health_of(struct vgw_gateway *g, const char *section, const char *name)
{
    struct vgw_buf key = {0};
    vgw_buf_printf(&key, "%s/%s", section, name);
    struct vgw_engine_health *h = vgw_map_get(g->engine_health, vgw_buf_str(&key));
    if (!h && (h = vgw_engine_health_new(section, name)) && vgw_map_set(g->engine_health, vgw_buf_str(&key), h) < 0) {
        vgw_engine_health_free(h);
        h = NULL;
    }
    vgw_buf_done(&key);
    return h;
}

bool vgw_gateway_engine(struct vgw_gateway *g, const char *section, const char *name, struct vgw_engine *ret_engine)
{
    struct vgw_instance *i = vgw_registry_acquire(g->registry, section, name);
    if (!i)
        return false;
    vgw_host_engine(i, ret_engine);
    ret_engine->ref = i;
    ret_engine->health = health_of(g, section, name);
    const struct vgw_recipe *r = vgw_gateway_recipe_of(g, i);
    ret_engine->failover_after_us = r && r->options ? vgw_options_duration_us(r->options, "failover_after") : 0;
    return true;
}

void vgw_gateway_engine_release(void *arg, void *ref)
{
    struct vgw_gateway *g = arg;
    vgw_registry_release(g->registry, ref);
}

void vgw_gateway_plugins_close(struct vgw_gateway *g)
{
    struct vgw_list *at;
    vgw_timer_stop(&g->registry_timer);
    if (g->code_stays) {
        vgw_log(VGW_LOG_ERROR, NULL, "work of a plugin did not end in time; its code is left as it is", NULL);
        return;
    }
    vgw_registry_free(g->registry);
    g->registry = NULL;
    if (g->store_done || !g->store_instance)
        vgw_instance_free(g->store_instance);
    else /* its thread may still be at work in it */
        vgw_log(VGW_LOG_ERROR, NULL, "the store's plugin did not answer in time; it is left as it is", NULL);
    g->store_instance = NULL;
    while (g->live.next && (at = vgw_list_pop(&g->live))) {
        struct vgw_live *l = VGW_CONTAINER_OF(at, struct vgw_live, link);
        vgw_recipe_unref(l->recipe);
        vgw_free(l);
    }
    vgw_plugin_loader_free(g->loader);
    g->loader = NULL;
}
