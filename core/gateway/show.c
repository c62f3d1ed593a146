/* show.c - what plugins are there, and how each stands. One that nobody has configured is probed for its options, on an
 * io lane. */
#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "gateway/gateway_private.h"

#define SHOWS_MAX 32 /* probes for people that are under way */

struct show { /* a plugin that is probed for whoever asked */
    struct vgw_list link;
    struct vgw_gateway *g;
    struct vgw_job job;
    char *name, *file;
    struct vgw_plugin_prober prober;
    struct vgw_plugin_desc *desc;
    struct vgw_error err;
    vgw_gateway_plugin_fn done; /* NULL: answered already, as the gateway ends */
    void *arg;
};

static const char *plugin_of_recipe(const struct vgw_gateway *g, const char *name, const struct vgw_recipe **ret)
{
    for (size_t i = 0; i < g->plan->recipe_count; i++)
        if (vgw_streq(g->plan->recipes[i]->plugin, name)) {
            *ret = g->plan->recipes[i];
            return g->plan->recipes[i]->plugin;
        }
    *ret = NULL;
    return NULL;
}

static struct vgw_json *plugin_json(struct vgw_gateway *g, const char *name, const char *file)
{
    const struct vgw_recipe *r;
    plugin_of_recipe(g, name, &r);
    struct vgw_json *o = r && r->desc ? vgw_plugin_desc_to_json(r->desc) : vgw_json_object(),
                    *instances = vgw_json_array();
    vgw_json_set_string(o, "name", name);
    vgw_json_set_string(o, "file", file);
    for (size_t i = 0; i < g->plan->recipe_count; i++) {
        const struct vgw_recipe *k = g->plan->recipes[i];
        if (!vgw_streq(k->plugin, name))
            continue;
        const struct vgw_instance *live =
            vgw_streq(k->section, "store") ? g->store_instance : vgw_registry_current(g->registry, k->section, k->name);
        struct vgw_json *x = vgw_json_object();
        vgw_json_set_string(x, "section", k->section);
        vgw_json_set_string(x, "name", k->name);
        vgw_json_set_string(x, "state", live ? vgw_instance_state_name(live->state) : "refused");
        if (live)
            vgw_json_set_int(x, "generation", (int64_t)live->generation);
        if (k->problem[0])
            vgw_json_set_string(x, "problem", k->problem);
        vgw_json_append(instances, x);
    }
    vgw_json_set_string(o, "status", vgw_json_count(instances) ? "configured" : "available");
    vgw_json_set(o, "instances", instances);
    return o;
}

struct vgw_json *vgw_gateway_plugins(struct vgw_gateway *g)
{
    struct vgw_json *list = vgw_json_array();
    for (size_t i = 0; i < vgw_plugin_list_count(g->plan->available); i++) {
        const struct vgw_plugin_found *f = vgw_plugin_list_at(g->plan->available, i);
        vgw_json_append(list, plugin_json(g, f->name, f->file));
    }
    return list;
}

static void show_free(struct show *s)
{
    vgw_list_remove(&s->link);
    s->g->show_count--;
    vgw_plugin_desc_free(s->desc);
    vgw_free(s->name);
    vgw_free(s->file);
    vgw_free(s);
}

static void show_probe(void *arg)
{
    struct show *s = arg;
    char hash[VGW_PLUGIN_HASH_TEXT];
    vgw_plugin_probe(&s->prober, s->file, s->name, &s->desc, hash, &s->err);
}

static void show_done(void *arg)
{
    struct show *s = arg;
    struct vgw_json *o = s->desc ? vgw_plugin_desc_to_json(s->desc) : vgw_json_object();
    vgw_json_set_string(o, "name", s->name);
    vgw_json_set_string(o, "file", s->file);
    vgw_json_set_string(o, "status", "available");
    vgw_json_set(o, "instances", vgw_json_array());
    if (!s->desc)
        vgw_json_set_string(o, "problem", s->err.text);
    if (s->done)
        s->done(s->arg, 0, "", o);
    vgw_json_free(o);
    show_free(s);
}

static int show_begin(struct vgw_gateway *g, const struct vgw_plugin_found *f, vgw_gateway_plugin_fn done, void *arg)
{
    struct show *s;
    if (g->show_count >= SHOWS_MAX || !VGW_NEW(s))
        return VGW_ELIMIT;
    *s = (struct show){.g = g,
                       .name = vgw_strdup(f->name),
                       .file = vgw_strdup(f->file),
                       .prober = {.cache = g->cache, .stop = &g->reload_stop},
                       .done = done,
                       .arg = arg};
    s->job = (struct vgw_job){.work = show_probe, .done = show_done, .arg = s, .home = g->loop, .lane = VGW_LANE_IO};
    vgw_list_append(&g->shows, &s->link);
    g->show_count++;
    if (s->name && s->file && vgw_pool_submit(g->pool, &s->job) == 0)
        return 0;
    show_free(s);
    return VGW_ELIMIT;
}

void vgw_gateway_plugin(struct vgw_gateway *g, const char *name, vgw_gateway_plugin_fn done, void *arg)
{
    for (size_t i = 0; i < vgw_plugin_list_count(g->plan->available); i++) {
        const struct vgw_plugin_found *f = vgw_plugin_list_at(g->plan->available, i);
        if (!vgw_streq(name, f->name))
            continue;
        struct vgw_json *o = plugin_json(g, f->name, f->file);
        bool known = vgw_json_has(o, "factories") || vgw_json_count(vgw_json_get(o, "instances"));
        if (known)
            done(arg, 0, "", o);
        else if (show_begin(g, f, done, arg) < 0) {
            vgw_metric_dropped("plugin_show");
            done(arg, VGW_ELIMIT, "too many plugins are being looked at; try again in a moment", NULL);
        }
        vgw_json_free(o);
        return;
    }
    done(arg, VGW_ENOTFOUND, "", NULL);
}

void vgw_gateway_shows_stop(struct vgw_gateway *g)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &g->shows) {
        struct show *s = VGW_CONTAINER_OF(at, struct show, link);
        vgw_gateway_plugin_fn done = s->done;
        s->done = NULL;
        if (done)
            done(s->arg, VGW_EBUSY, "the gateway ends", NULL);
    }
}
