/* close.c - the end of a gateway: what runs is ended in the order in which it may still speak to the rest, each stage
 * within a bound. */
#include "base/alloc.h"
#include "base/time.h"
#include "config/snapshot.h"
#include "gateway/archive.h"
#include "gateway/agent_context.h"
#include "gateway/tools.h"
#include "store/store.h"

#define LOOK_US (2 * VGW_US_PER_MS)
#define LEGS_US (3 * VGW_US_PER_S)
#define SOCKETS_US (3 * VGW_US_PER_S)
#define INSTANCES_US (6 * VGW_US_PER_S) /* longer than an engine is waited for that does not close */
#define RELOAD_US (30 * VGW_US_PER_S)   /* a disk that hangs */
#define WORK_US (30 * VGW_US_PER_S)     /* what the pool was given before the calls ended */
#define STORE_US (5 * VGW_US_PER_S)
#define ARCHIVE_US (5 * VGW_US_PER_S)

struct stage {
    struct vgw_gateway *g;
    bool (*over)(const struct vgw_gateway *g);
    struct vgw_timer look;
    int64_t until_us;
    bool left; /* over, or too late */
};

static void on_look(void *arg)
{
    struct stage *s = arg;
    s->left = s->over(s->g) || vgw_now(s->g->loop) >= s->until_us || vgw_timer_start(&s->look, LOOK_US) < 0;
    if (s->left)
        vgw_loop_stop(s->g->loop);
}

/* The control loop turns on until that is so, or the time is up. */
static void turn_until(struct vgw_gateway *g, bool (*over)(const struct vgw_gateway *g), int64_t limit_us,
                       const char *what)
{
    struct stage s = {.g = g, .over = over, .until_us = vgw_now(g->loop) + limit_us};
    vgw_timer_init(&s.look, g->loop, on_look, &s);
    if (!over(g) && vgw_timer_start(&s.look, 0) == 0)
        while (!s.left) /* a stop that somebody asked for earlier ends a run too */
            vgw_loop_run(g->loop);
    vgw_timer_stop(&s.look);
    if (!over(g))
        vgw_log(VGW_LOG_WARNING, NULL, "something did not end in time and is cut off", "what", what, NULL);
}

static bool turned(const struct vgw_gateway *g)
{
    return g->turned;
}

static void on_turned(void *arg)
{
    ((struct vgw_gateway *)arg)->turned = true;
    vgw_loop_stop(((struct vgw_gateway *)arg)->loop);
}

/* What was posted to control before this has run when it returns. */
static void turn_once(struct vgw_gateway *g)
{
    g->turned = false;
    if (vgw_loop_call(g->loop, on_turned, g) == 0)
        while (!turned(g))
            vgw_loop_run(g->loop);
}

/* ---- legs ---- */

static bool legs_over(const struct vgw_gateway *g)
{
    return vgw_map_count(g->conversations) == 0 && (!g->calls || vgw_calls_mixes(g->calls) == 0);
}

/* ---- sockets and clients of the workers ---- */

static bool sockets_over(const struct vgw_gateway *g)
{
    return g->closing_workers == 0;
}

static void worker_closed(void *arg)
{
    ((struct vgw_gateway *)arg)->closing_workers--;
}

static void hub_closed(void *arg)
{
    struct vgw_gateway *g = arg;
    if (vgw_loop_call(g->loop, worker_closed, g) < 0)
        vgw_log(VGW_LOG_ERROR, NULL, "control is overloaded: the end of a worker's sockets is not told", NULL);
}

static void worker_close(void *arg)
{
    struct vgw_worker *w = arg;
    struct vgw_ws_hub *hub = w->hub;
    vgw_host_timers_sweep(); /* no leg is left */
    vgw_client_free(w->client);
    w->client = NULL;
    w->hub = NULL;
    w->closing = true;
    if (hub)
        vgw_ws_hub_close(hub, hub_closed, w->gateway);
    else
        hub_closed(w->gateway);
}

static void sockets_close(struct vgw_gateway *g)
{
    for (size_t i = 0; i < VGW_WORKERS_MAX + 1; i++)
        if (g->workers[i].loop && vgw_loop_call(g->workers[i].loop, worker_close, &g->workers[i]) == 0)
            g->closing_workers++;
    turn_until(g, sockets_over, SOCKETS_US, "sockets");
}

/* ---- instances ---- */

static bool instances_over(const struct vgw_gateway *g)
{
    return vgw_registry_alive(g->registry) == 0;
}

static bool work_over(const struct vgw_gateway *g)
{
    const struct vgw_list *at;
    for (at = g->live.next; at && at != &g->live; at = at->next)
        if (vgw_host_busy(VGW_CONTAINER_OF(at, const struct vgw_live, link)->instance))
            return false;
    return true;
}

static void instances_close(struct vgw_gateway *g)
{
    const char *section, *name;
    struct vgw_instance *current;
    if (!g->registry)
        return;
    for (size_t at = 0; vgw_registry_next(g->registry, &at, &section, &name, &current);)
        vgw_registry_retire(g->registry, section, name);
    turn_until(g, instances_over, INSTANCES_US, "instances");
    turn_until(g, work_over, WORK_US, "work of the pool");
    g->code_stays = !work_over(g); /* code that still runs must stay: the process ends around it */
}

static bool archive_over(const struct vgw_gateway *g)
{
    return vgw_archive_idle(g->archive);
}

/* ---- store and journal ---- */

static bool store_over(const struct vgw_gateway *g)
{
    return g->store_done;
}

static void on_store_closed(void *arg)
{
    ((struct vgw_gateway *)arg)->store_done = true;
}

static void store_close(struct vgw_gateway *g)
{
    vgw_bus_unsubscribe(g->store_sub);
    g->store_sub = NULL;
    vgw_timer_stop(&g->purge_timer);
    vgw_timer_stop(&g->trim_timer);
    if (g->store) { /* what cannot be written now is in the journal */
        vgw_store_close(g->store, on_store_closed, g);
        turn_until(g, store_over, STORE_US, "the store");
    }
    vgw_store_free(g->store);
    g->store = NULL;
}

/* ---- threads ---- */

/* What it reads and opens may not outlive what it was read for; a helper that hangs is given up by the stop. */
static bool reload_over(const struct vgw_gateway *g)
{
    return !vgw_gateway_reloading(g) && g->show_count == 0;
}

static void threads_close(struct vgw_gateway *g)
{
    vgw_pool_free(g->pool); /* jobs tell their end to loops, so these go later */
    g->pool = NULL;
    for (size_t i = 0; i < VGW_WORKERS_MAX + 1; i++)
        if (g->workers[i].loop)
            vgw_loop_stop(g->workers[i].loop);
    for (size_t i = 0; i < VGW_WORKERS_MAX + 1; i++) {
        vgw_loop_free(g->workers[i].loop);
        g->workers[i].loop = NULL;
    }
}

static void memory_free(struct vgw_gateway *g)
{
    vgw_calls_free(g->calls);
    vgw_host_free(g->host);
    vgw_action_registry_free(g->actions);
    vgw_snapshot_unref(g->snapshot);
    vgw_plan_unref(g->plan);
    vgw_policy_unref(g->policy);
    for (size_t i = 0; i < VGW_WORKERS_MAX + 2; i++)
        vgw_policy_unref(g->workers[i].policy);
    vgw_plugin_cache_free(g->cache);
    vgw_map_free(g->health);
    if (vgw_archive_idle(g->archive)) /* else a job still has it */
        vgw_archive_free(g->archive);
    vgw_map_free(g->conversations);
    vgw_map_free(g->engine_health);
    vgw_map_free(g->state);
    vgw_free(g);
}

bool vgw_gateway_free(struct vgw_gateway *g)
{
    if (!g)
        return true;
    g->ending = true;
    vgw_gateway_reload_stop(g);
    vgw_timer_stop(&g->housekeeping);
    vgw_timer_stop(&g->poll_timer);
    vgw_timer_stop(&g->drain_timer);
    if (g->calls) {
        vgw_calls_drain(g->calls, NULL, NULL); /* what comes in from now on is refused: nobody would end it */
        vgw_calls_interrupt_all(g->calls);
    }
    vgw_gateway_delivery_close(g);
    if (g->flow)
        vgw_gateway_flows_close(g);
    vgw_gateway_callbacks_close(g);
    vgw_gateway_tools_close(g);
    vgw_gateway_asides_close(g);
    vgw_gateway_summaries_close(g);
    vgw_gateway_contexts_close(g);
    vgw_gateway_actions_close(g);
    vgw_gateway_restart_close(g);
    vgw_gateway_recordings_close(g);
    vgw_archive_close(g->archive);
    turn_until(g, legs_over, LEGS_US, "calls' media");
    turn_until(g, reload_over, RELOAD_US, "a reload");
    sockets_close(g);
    g->control->closing = true; /* a vendor's plugin may still want to try again: no client is made for that */
    vgw_client_free(g->control->client);
    g->control->client = NULL;
    turn_until(g, archive_over, ARCHIVE_US, "recordings on their way");
    vgw_gateway_tools_free(g);
    vgw_gateway_plugin_actions_close(g);
    instances_close(g);
    vgw_gateway_webhooks_close(g); /* until here the last events find their way into the outbox */
    store_close(g);
    vgw_gateway_plugins_close(g);
    turn_once(g);
    vgw_bus_free(g->bus);
    g->bus = NULL;
    vgw_journal_free(g->journal);
    g->journal = NULL;
    if (g->code_stays && !work_over(g))
        return false; /* its thread cannot be joined, and tells its end to loops that must be there */
    threads_close(g);
    turn_once(g);
    memory_free(g);
    return true;
}
