/* workers.c - the threads, and what each has of its own: sockets, HTTP client, outbound policy. */
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "gateway/gateway_private.h"

static unsigned worker_count(const struct vgw_plan *plan)
{
    int64_t n = vgw_options_int(plan->main, "gateway.workers");
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (n <= 0)
        n = cores > 2 ? cores - 1 : 1;
    return n > VGW_WORKERS_MAX ? VGW_WORKERS_MAX : (unsigned)n;
}

static int policy_new(const struct vgw_plan *plan, struct vgw_policy **ret_policy, struct vgw_error *err)
{
    const char *allow[256];
    size_t n = vgw_options_count(plan->main, "outbound_urls.allow");
    n = n < 256 ? n : 256;
    for (size_t i = 0; i < n; i++)
        allow[i] = vgw_options_item(plan->main, "outbound_urls.allow", i);
    return vgw_policy_new(allow, n, ret_policy, err);
}

static int worker_open(struct vgw_gateway *g, const char *name, struct vgw_loop **ret_loop, struct vgw_error *err)
{
    if (!g->options.driver)
        return vgw_loop_new_worker(name, NULL, NULL, ret_loop, err);
    *ret_loop = vgw_driver_loop(g->options.driver, name);
    return *ret_loop ? 0 : vgw_error_nomem(err);
}

int vgw_gateway_threads_open(struct vgw_gateway *g, struct vgw_error *err)
{
    unsigned n = worker_count(g->plan);
    int rc = policy_new(g->plan, &g->policy, err);
    g->control->loop = g->loop;
    for (size_t i = 0; i < VGW_WORKERS_MAX + 2; i++) {
        g->workers[i].gateway = g;
        g->workers[i].policy = vgw_policy_ref(g->policy);
    }
    if (rc == 0)
        rc = vgw_pool_new(0, g->options.driver, &g->pool, err);
    for (unsigned i = 0; rc == 0 && i < n; i++) {
        struct vgw_buf name = {0};
        vgw_buf_printf(&name, "media-%u", i);
        rc = worker_open(g, vgw_buf_str(&name), &g->workers[i].loop, err);
        vgw_buf_done(&name);
        g->worker_count += rc == 0;
    }
    return rc == 0 ? worker_open(g, "side", &g->side->loop, err) : rc;
}

static struct vgw_worker *worker_of(struct vgw_gateway *g, const struct vgw_loop *loop)
{
    for (size_t i = 0; loop && i < sizeof g->workers / sizeof g->workers[0]; i++)
        if (g->workers[i].loop == loop)
            return &g->workers[i];
    return NULL;
}

struct vgw_ws_hub *vgw_gateway_hub_of(void *arg, struct vgw_loop *loop)
{
    struct vgw_gateway *g = arg;
    struct vgw_worker *w = worker_of(g, loop);
    struct vgw_error err = {0};
    if (!w || w == g->control || w->closing)
        return NULL;
    if (!w->hub && vgw_ws_hub_new(loop, NULL, &w->hub, &err) < 0)
        vgw_log(VGW_LOG_ERROR, NULL, "the WebSocket part of a worker could not be made", "error", err.text, NULL);
    return w->hub;
}

struct vgw_ws_hub *vgw_gateway_hub(struct vgw_gateway *g, struct vgw_loop *loop)
{
    return vgw_gateway_hub_of(g, loop);
}

struct vgw_client *vgw_gateway_client_of(void *arg, struct vgw_loop *loop)
{
    struct vgw_gateway *g = arg;
    struct vgw_worker *w = worker_of(g, loop);
    struct vgw_error err = {0};
    if (!w || w->closing)
        return NULL;
    if (!w->client && vgw_client_new(loop, g->pool, w->policy, NULL, &w->client, &err) < 0)
        vgw_log(VGW_LOG_ERROR, NULL, "the HTTP client of a loop could not be made", "error", err.text, NULL);
    return w->client;
}

/* ---- policy ---- */

const struct vgw_policy *vgw_gateway_policy(struct vgw_gateway *g)
{
    return g->policy;
}

const struct vgw_policy *vgw_gateway_policy_here(void *arg)
{
    struct vgw_worker *w = worker_of(arg, vgw_loop_here());
    return w ? w->policy : NULL; /* none allows nothing special */
}

struct policy_news {
    struct vgw_worker *worker;
    struct vgw_policy *policy; /* a reference, on its way */
};

static void policy_take(void *arg)
{
    struct policy_news *n = arg;
    vgw_policy_unref(n->worker->policy);
    n->worker->policy = n->policy;
    if (n->worker->client)
        vgw_client_set_policy(n->worker->client, n->policy);
    vgw_free(n);
}

static void policy_tell(struct vgw_worker *w, const struct vgw_policy *policy)
{
    struct policy_news *n;
    if (!VGW_NEW(n))
        return;
    *n = (struct policy_news){w, vgw_policy_ref(policy)};
    if (vgw_loop_call(w->loop, policy_take, n) < 0) {
        vgw_log(VGW_LOG_ERROR, NULL, "a worker is overloaded and keeps to the earlier outbound_urls", NULL);
        vgw_policy_unref(n->policy);
        vgw_free(n);
    }
}

int vgw_gateway_policy_swap(struct vgw_gateway *g, struct vgw_error *err)
{
    struct vgw_policy *policy = NULL;
    int rc = policy_new(g->plan, &policy, err);
    if (rc < 0)
        return rc;
    vgw_policy_unref(g->policy);
    g->policy = policy;
    for (size_t i = 0; i < VGW_WORKERS_MAX + 2; i++)
        if (g->workers[i].loop)
            policy_tell(&g->workers[i], policy);
    return 0;
}
