/* delivery.c - what the delivery of messages asks of the rooms around it: providers, time zones, text messages, the
 * store that wakes it. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "config/file.h"
#include "delivery/delivery.h"
#include "delivery/intake.h"
#include "gateway/gateway_private.h"
#include "voicegw/draft/store_watch.h"

#define ZONES "/usr/share/zoneinfo"
#define ZONES_MAX 1000

/* ---- providers ---- */

static struct vgw_instance *instance_of(struct vgw_gateway *g, const char *platform)
{
    if (!platform)
        return vgw_registry_current(g->registry, "providers", g->plan->default_provider);
    struct vgw_instance *i = vgw_registry_current(g->registry, "providers", platform);
    for (size_t n = 0; !i && n < g->plan->recipe_count; n++) {
        const struct vgw_recipe *r = g->plan->recipes[n];
        if (vgw_streq(r->section, "providers") && vgw_streq(r->plugin, platform))
            i = vgw_registry_current(g->registry, "providers", r->name);
    }
    return i;
}

static bool env_provider(void *arg, const char *platform, struct vgw_delivery_provider *ret_provider)
{
    struct vgw_gateway *g = arg;
    struct vgw_instance *i = instance_of(g, platform);
    if (!i)
        return false;
    *ret_provider = (struct vgw_delivery_provider){
        .name = i->name, .from = vgw_gateway_instance_setting(g, i, "default_from"), .caps = i->factory->caps};
    return true;
}

static int env_send_sms(void *arg, const char *provider, const char *to, const char *from, const char *text,
                        vgw_delivery_sms_fn done, void *done_arg, struct vgw_error *err)
{
    struct vgw_gateway *g = arg;
    struct vgw_instance *i = instance_of(g, provider);
    struct vgw_host_message message = {.to = to, .from = from && *from ? from : NULL, .text = text};
    uint64_t number;
    if (!i)
        return vgw_error_set(err, VGW_EUNSUPPORTED, "the provider '%s' is not there any more", provider);
    return vgw_host_message_send(g->host, i, &message, done, done_arg, &number, err);
}

/* ---- time zones ---- */

static char none; /* in place of a zone that there is none of */

static void zone_free(void *value)
{
    if (value != &none)
        vgw_zone_free(value);
}

/* A small local file, read once a name; the names are checked, so that no path is made of anything else. */
static const struct vgw_zone *env_zone(void *arg, const char *name)
{
    struct vgw_gateway *g = arg;
    struct vgw_error err = {0};
    struct vgw_zone *zone = NULL;
    struct vgw_buf path = {0};
    char *data = NULL;
    size_t len = 0;
    void *known = vgw_map_get(g->zones, name);
    if (known || !vgw_zone_name_ok(name) || vgw_map_count(g->zones) >= ZONES_MAX)
        return known == &none ? NULL : known;
    vgw_buf_printf(&path, ZONES "/%s", name);
    int rc = vgw_file_read(vgw_buf_str(&path), VGW_ZONE_FILE_MAX, &data, &len, &err);
    if (rc == 0)
        rc = vgw_zone_parse(data, len, &zone, &err);
    if (rc < 0 && !vgw_streq(name, "UTC"))
        vgw_log(VGW_LOG_WARNING, NULL, "a time zone is not known here; delivery.hours.timezone counts in its place",
                "zone", name, "error", err.text, NULL);
    if (vgw_map_set(g->zones, name, zone ? (void *)zone : (void *)&none) < 0) {
        vgw_zone_free(zone);
        zone = NULL;
    }
    vgw_free(data);
    vgw_buf_done(&path);
    return zone;
}

/* ---- queues ---- */

struct queue_source {
    struct vgw_list link;
    struct vgw_instance *instance; /* a reference */
    struct vgw_intake *source;
};

static int source_receive(void *arg, uint64_t op, uint32_t n)
{
    return vgw_host_queue_receive(arg, op, n);
}

static int source_extend(void *arg, uint64_t op, const char *receipt, int64_t ttl_us)
{
    return vgw_host_queue_extend(arg, op, receipt, ttl_us);
}

static int source_remove(void *arg, uint64_t op, const char *receipt)
{
    return vgw_host_queue_remove(arg, op, receipt);
}

static int source_reject(void *arg, uint64_t op, const char *receipt, int64_t retry_after_us)
{
    return vgw_host_queue_reject(arg, op, receipt, retry_after_us);
}

static int source_bury(void *arg, uint64_t op, const char *receipt, const char *body, const char *reason)
{
    return vgw_host_queue_bury(arg, op, receipt, body, reason);
}

static struct queue_source *source_find(struct vgw_gateway *g, const struct vgw_instance *instance)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &g->sources)
        if (VGW_CONTAINER_OF(at, struct queue_source, link)->instance == instance)
            return VGW_CONTAINER_OF(at, struct queue_source, link);
    return NULL;
}

static void source_end(struct vgw_gateway *g, struct queue_source *q)
{
    vgw_list_remove(&q->link);
    vgw_intake_free(q->source);
    vgw_registry_release(g->registry, q->instance);
    vgw_free(q);
}

static void source_begin(struct vgw_gateway *g, const char *name)
{
    struct vgw_instance *i = vgw_registry_acquire(g->registry, "queues", name);
    struct vgw_intake_ops ops = {.arg = i,
                                 .receive = source_receive,
                                 .extend = source_extend,
                                 .remove = source_remove,
                                 .reject = source_reject,
                                 .bury = source_bury};
    struct queue_source *q = NULL;
    if (i && !source_find(g, i) && VGW_NEW(q)) {
        *q = (struct queue_source){.instance = i, .source = vgw_intake_new(g->delivery, name, &ops)};
        if (q->source) {
            vgw_list_append(&g->sources, &q->link);
            return;
        }
    }
    vgw_free(q);
    if (i)
        vgw_registry_release(g->registry, i);
}

void vgw_gateway_sources_follow(struct vgw_gateway *g)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &g->sources) {
        struct queue_source *q = VGW_CONTAINER_OF(at, struct queue_source, link);
        if (vgw_registry_current(g->registry, "queues", q->instance->name) != q->instance)
            source_end(g, q);
    }
    for (size_t n = 0; g->delivery && n < g->plan->recipe_count; n++)
        if (vgw_streq(g->plan->recipes[n]->section, "queues"))
            source_begin(g, g->plan->recipes[n]->name);
}

void vgw_gateway_queue_messages(void *arg, struct vgw_instance *instance, uint64_t op, int status,
                                const struct vgw_json *messages)
{
    struct queue_source *q = source_find(arg, instance);
    if (q)
        vgw_intake_on_messages(q->source, op, status, messages);
}

void vgw_gateway_queue_complete(void *arg, struct vgw_instance *instance, uint64_t op, int status, const char *sentence)
{
    struct queue_source *q = source_find(arg, instance);
    if (q)
        vgw_intake_on_complete(q->source, op, status, sentence);
}

/* ---- opening ---- */

static void on_store_written(void *arg)
{
    struct vgw_gateway *g = arg;
    if (g->delivery && !g->ending)
        vgw_delivery_hint(g->delivery);
}

int vgw_gateway_delivery_open(struct vgw_gateway *g, struct vgw_error *err)
{
    const struct voicegw_store_watch *watch =
        g->store ? vgw_instance_extension(g->store_instance, VOICEGW_KIND_STORE_WATCH) : NULL;
    char owner[VGW_ID_MAX], id[VGW_ID_MAX];
    if (!g->store)
        return 0;
    if (!(g->zones = vgw_map_new(zone_free)))
        return vgw_error_nomem(err);
    vgw_id_make(vgw_gateway_node(g), vgw_wall(g->loop), NULL, id);
    vgw_strcopy(owner, sizeof owner, id);
    struct vgw_delivery_env env = {.arg = g,
                                   .loop = g->loop,
                                   .calls = g->calls,
                                   .bus = g->bus,
                                   .store = g->store,
                                   .owner = owner,
                                   .shared = watch != NULL,
                                   .provider = env_provider,
                                   .zone = env_zone,
                                   .send_sms = env_send_sms};
    int rc = vgw_delivery_new(&env, g->plan->delivery, &g->delivery, err);
    if (rc == 0 && watch && watch->watch(g->store_instance->plugin_instance, "jobs", on_store_written, g) < 0)
        vgw_log(VGW_LOG_WARNING, NULL, "the store does not wake us; due messages are looked for every second", NULL);
    if (rc == 0)
        vgw_gateway_sources_follow(g);
    return rc;
}

void vgw_gateway_delivery_close(struct vgw_gateway *g)
{
    struct vgw_delivery *d = g->delivery;
    while (!vgw_list_empty(&g->sources))
        source_end(g, VGW_CONTAINER_OF(g->sources.next, struct queue_source, link));
    g->delivery = NULL;
    vgw_delivery_free(d);
    vgw_map_free(g->zones);
    g->zones = NULL;
}
