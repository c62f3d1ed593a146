/* health.c - one breaker an engine, under a lock held for a look at it. */
#include "talk/health.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/breaker.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"

struct vgw_engine_health {
    pthread_mutex_t lock;
    struct vgw_breaker breaker;
    bool open;
    char kind[16], name[64];
};

struct vgw_engine_health *vgw_engine_health_new(const char *kind, const char *name)
{
    struct vgw_engine_health *h;
    if (!VGW_NEW(h))
        return NULL;
    if (pthread_mutex_init(&h->lock, NULL)) {
        vgw_free(h);
        return NULL;
    }
    vgw_breaker_init(&h->breaker, VGW_ENGINE_FAILURES, VGW_ENGINE_REST_S * VGW_US_PER_S,
                     VGW_ENGINE_REST_MAX_S * VGW_US_PER_S);
    vgw_strcopy(h->kind, sizeof h->kind, kind);
    vgw_strcopy(h->name, sizeof h->name, name);
    return h;
}

void vgw_engine_health_free(struct vgw_engine_health *h)
{
    if (!h)
        return;
    pthread_mutex_destroy(&h->lock);
    vgw_free(h);
}

bool vgw_engine_health_take(struct vgw_engine_health *h, int64_t now_us)
{
    if (!h)
        return true;
    pthread_mutex_lock(&h->lock);
    bool may = vgw_breaker_take(&h->breaker, now_us, VGW_ENGINE_PROBE_S * VGW_US_PER_S, NULL);
    pthread_mutex_unlock(&h->lock);
    return may;
}

static void tell_state(const struct vgw_engine_health *h, bool open)
{
    vgw_log(open ? VGW_LOG_WARNING : VGW_LOG_INFO, NULL,
            open ? "an engine failed again and again: others are taken first for a while" : "an engine works again",
            "kind", h->kind, "engine", h->name, NULL);
    vgw_metric_set(vgw_metric_family(VGW_METRIC_GAUGE, "voicegw_engine_breaker_open",
                                     "1 while an engine rests after failures in a row", "kind engine"),
                   open, h->kind, h->name, NULL);
}

void vgw_engine_health_report(struct vgw_engine_health *h, bool failed, int64_t now_us)
{
    if (!h)
        return;
    pthread_mutex_lock(&h->lock);
    vgw_breaker_report(&h->breaker, failed, now_us);
    bool open = h->breaker.failures >= h->breaker.threshold, changed = open != h->open;
    h->open = open;
    pthread_mutex_unlock(&h->lock);
    if (changed)
        tell_state(h, open);
    if (failed)
        vgw_metric_add(vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_engine_failures_total",
                                         "Engines' refusals, broken streams and stages that took too long",
                                         "kind engine"),
                       1, h->kind, h->name, NULL);
}
