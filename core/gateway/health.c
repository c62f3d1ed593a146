/* health.c - how the parts are, and the gauges that are looked at rather than counted. */
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "event/ring.h"
#include "gateway/gateway_private.h"
#include "store/store.h"

#define HOUSEKEEPING_US (5 * VGW_US_PER_S)
#define POLL_US (30 * VGW_US_PER_S)

void vgw_gateway_part(struct vgw_gateway *g, const char *part, bool up, const char *detail)
{
    struct vgw_part_health *h = vgw_map_get(g->health, part);
    if (!h) {
        if (!VGW_NEW(h))
            return;
        h->up = true;
        if (vgw_map_set(g->health, part, h) < 0) {
            vgw_free(h);
            return;
        }
    }
    if (h->up != up)
        vgw_log(up ? VGW_LOG_INFO : VGW_LOG_WARNING, NULL, up ? "a part is well again" : "a part is degraded", "part",
                part, "detail", detail, NULL);
    h->up = up;
    vgw_strcopy(h->detail, sizeof h->detail, detail ? detail : "");
}

void vgw_gateway_part_gone(struct vgw_gateway *g, const char *part)
{
    vgw_map_remove(g->health, part);
}

bool vgw_gateway_degraded(const struct vgw_gateway *g)
{
    const char *key;
    void *value;
    for (size_t i = 0; vgw_map_next(g->health, &i, &key, &value);)
        if (!((const struct vgw_part_health *)value)->up)
            return true;
    return false;
}

struct vgw_json *vgw_gateway_health(struct vgw_gateway *g)
{
    struct vgw_json *parts = vgw_json_object();
    const char *key;
    void *value;
    for (size_t i = 0; vgw_map_next(g->health, &i, &key, &value);) {
        const struct vgw_part_health *h = value;
        struct vgw_json *o = vgw_json_object();
        vgw_json_set_string(o, "status", h->up ? "ok" : "degraded");
        if (h->detail[0])
            vgw_json_set_string(o, "detail", h->detail);
        vgw_json_set(parts, key, o);
    }
    return parts;
}

static void housekeeping(void *arg)
{
    struct vgw_gateway *g = arg;
    static const struct {
        enum vgw_lane lane;
        const char *name;
    } lanes[] = {{VGW_LANE_CPU, "cpu"}, {VGW_LANE_DB, "db"}, {VGW_LANE_IO, "io"}};
    struct vgw_metric *depth = vgw_metric_family(VGW_METRIC_GAUGE, "voicegw_queue_depth", "Work that waits", "queue");
    vgw_metric_set(vgw_metric_family(VGW_METRIC_GAUGE, "voicegw_orphans",
                                     "Calls and sessions that nothing will ever end; must be 0", NULL),
                   vgw_calls_orphans(g->calls), NULL, NULL, NULL);
    vgw_metric_set(vgw_metric_family(VGW_METRIC_GAUGE, "voicegw_sessions", "Live sessions", NULL),
                   vgw_calls_session_count(g->calls), NULL, NULL, NULL);
    vgw_metric_add(vgw_metric_family(VGW_METRIC_GAUGE, "voicegw_streams", "Media legs that are up", NULL), 0, NULL,
                   NULL, NULL);
    for (size_t i = 0; i < sizeof lanes / sizeof lanes[0]; i++)
        vgw_metric_set(depth, vgw_pool_depth(g->pool, lanes[i].lane), lanes[i].name, NULL, NULL);
    vgw_metric_set(depth, (double)vgw_loop_backlog(g->loop), "control", NULL, NULL);
    if (g->store)
        vgw_metric_set(depth, (double)vgw_store_backlog(g->store), "journal", NULL, NULL);
    vgw_metric_set(depth, (double)vgw_ring_count(vgw_bus_ring(g->bus)), "events", NULL, NULL);
    for (size_t i = 0; i < g->worker_count; i++)
        vgw_metric_set(depth, (double)vgw_loop_backlog(g->workers[i].loop), vgw_loop_name(g->workers[i].loop), NULL,
                       NULL);
    vgw_metric_set(vgw_metric_family(VGW_METRIC_GAUGE, "voicegw_build_info", "The version that runs", "version"), 1,
                   VGW_VERSION, NULL, NULL);
    vgw_flow_engine_set_wall_offset(g->flow, vgw_wall(g->loop) - vgw_now(g->loop));
    vgw_timer_start(&g->housekeeping, HOUSEKEEPING_US);
}

/* Providers whose callbacks can be lost are asked how their calls are. */
static void on_poll(void *arg)
{
    struct vgw_gateway *g = arg;
    const char *section, *name;
    struct vgw_instance *current, *older;
    vgw_timer_start(&g->poll_timer, POLL_US);
    if (!vgw_calls_count(g->calls))
        return;
    for (size_t at = 0; vgw_registry_next(g->registry, &at, &section, &name, &current);) {
        if (!vgw_streq(section, "providers"))
            continue;
        if (current)
            vgw_host_provider_poll(current);
        for (size_t i = 0; (older = vgw_registry_older(g->registry, section, name, i)); i++)
            if (older->state == VGW_INSTANCE_RUNNING)
                vgw_host_provider_poll(older);
    }
}

void vgw_gateway_health_open(struct vgw_gateway *g)
{
    vgw_timer_init(&g->housekeeping, g->loop, housekeeping, g);
    vgw_timer_init(&g->poll_timer, g->loop, on_poll, g);
    vgw_timer_start(&g->poll_timer, POLL_US);
    housekeeping(g);
}
