/* restart.c - calls of an earlier run that may still be up at their vendor: each is asked for, and ended or brought
 * back, with bounded tries. Their records are closed already; their prices come when the vendor knows them. */
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "gateway/gateway_private.h"

#define TRIES_MAX 8
#define BACKOFF_US (1 * VGW_US_PER_S)
#define BACKOFF_MAX_US (60 * VGW_US_PER_S)
#define ANSWER_US (30 * VGW_US_PER_S)
#define AT_ONCE 16 /* requests to vendors that are under way together */

struct vgw_restart { /* one call */
    struct vgw_list link;
    struct vgw_gateway *g;
    struct vgw_timer timer; /* the next try, or the deadline of an answer */
    uint64_t op;            /* under way, or 0 */
    int64_t since_wall_us;
    unsigned tries;
    bool settling; /* it is up: now it is ended or brought back */
    bool pricing;  /* it is over: what did it cost? */
    bool due;      /* to be tried as soon as there is room */
    char provider[64], session[VGW_ID_MAX], call[VGW_ID_MAX];
    char *provider_call_id;
};

static void start_due(struct vgw_gateway *g);

static void restart_free(struct vgw_restart *r)
{
    vgw_timer_stop(&r->timer);
    vgw_list_remove(&r->link);
    vgw_free(r->provider_call_id);
    vgw_free(r);
}

static void over(struct vgw_restart *r, const char *result, enum vgw_log_level level, const char *message,
                 const char *error)
{
    struct vgw_gateway *g = r->g;
    struct vgw_log_scope scope = {.session = r->session, .provider = r->provider};
    vgw_log(level, &scope, message, "provider_call_id", r->provider_call_id, error ? "error" : NULL, error, NULL);
    vgw_metric_add(vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_restart_calls_total",
                                     "Calls of an earlier run that were still known, by what became of them",
                                     "provider result"),
                   1, r->provider, result, NULL);
    bool ended = vgw_streq(result, "gone") || vgw_streq(result, "ended");
    r->op = 0;
    r->tries = 0;
    r->pricing = ended && !error && r->call[0];
    if (!r->pricing || vgw_timer_start(&r->timer, BACKOFF_US) < 0)
        restart_free(r);
    start_due(g);
}

/* True: the vendor told it, and that was the last of the call. */
static bool priced(struct vgw_restart *r, const struct vgw_json *result)
{
    struct vgw_gateway *g = r->g;
    const struct vgw_json *cost = vgw_json_get(result, "cost");
    if (!cost || !r->call[0])
        return false;
    vgw_gateway_store_price(g, r->call, r->session, vgw_json_as_double(cost, 0),
                            vgw_json_get_string(result, "currency", "USD"));
    r->call[0] = '\0';
    return true;
}

/* A vendor may know it minutes later, or never. */
static void price_again(struct vgw_restart *r)
{
    struct vgw_gateway *g = r->g;
    int64_t wait_us = BACKOFF_US << (r->tries < 6 ? r->tries : 6);
    r->op = 0;
    if (r->tries >= TRIES_MAX || vgw_timer_start(&r->timer, wait_us) < 0)
        restart_free(r);
    start_due(g);
}

static void on_price(struct vgw_restart *r, int status, const struct vgw_json *result)
{
    struct vgw_gateway *g = r->g;
    bool pointless = status == VGW_ENOTFOUND || status == VGW_EUNSUPPORTED || status == VGW_EINVALID;
    if (!pointless && !priced(r, result)) {
        price_again(r);
        return;
    }
    restart_free(r);
    start_due(g);
}

static bool recovers(const struct vgw_restart *r, const struct vgw_instance *i)
{
    const struct vgw_recipe *recipe = vgw_gateway_recipe_of(r->g, i);
    return recipe && recipe->options && vgw_streq(vgw_options_string(recipe->options, "on_restart"), "recover");
}

static void failed(struct vgw_restart *r, int status, const char *sentence)
{
    bool again = status != VGW_EUNSUPPORTED && status != VGW_EINVALID && status != VGW_EAUTH && r->tries < TRIES_MAX;
    int64_t wait_us = BACKOFF_US;
    r->op = 0;
    if (status == VGW_EUNSUPPORTED) {
        over(r, "left", VGW_LOG_WARNING,
             "a call of an earlier run is left to its vendor's own limit: the provider cannot settle it", sentence);
        return;
    }
    for (unsigned i = 1; i < r->tries && wait_us < BACKOFF_MAX_US; i++)
        wait_us *= 2;
    if (!again || vgw_timer_start(&r->timer, wait_us < BACKOFF_MAX_US ? wait_us : BACKOFF_MAX_US) < 0)
        over(r, "left", VGW_LOG_WARNING, "a call of an earlier run could not be settled at its vendor", sentence);
    else
        start_due(r->g);
}

static void try_now(struct vgw_restart *r)
{
    static uint64_t last; /* control only */
    struct vgw_gateway *g = r->g;
    struct vgw_instance *i = vgw_registry_current(g->registry, "providers", r->provider);
    struct vgw_error err = {0};
    int rc;
    r->due = false;
    r->tries++;
    r->op = VGW_HOST_OP_RESTART | ++last;
    vgw_timer_start(&r->timer, ANSWER_US);
    if (r->pricing && (!i || !vgw_host_provider_reconciles(i)))
        rc = VGW_EUNSUPPORTED;
    else if (!i)
        rc = vgw_error_set(&err, VGW_EBUSY, "the provider '%s' does not run", r->provider);
    else if (r->settling || !vgw_host_provider_reconciles(i))
        rc = vgw_host_provider_settle(i, r->op, r->provider_call_id, recovers(r, i), r->session, &err);
    else
        rc = vgw_host_provider_reconcile(i, r->op, r->provider_call_id, r->since_wall_us, &err);
    r->settling = r->settling || (i && !vgw_host_provider_reconciles(i));
    if (rc < 0)
        vgw_timer_stop(&r->timer);
    if (rc < 0 && r->pricing)
        on_price(r, rc, NULL);
    else if (rc < 0)
        failed(r, rc, err.text);
}

static void start_due(struct vgw_gateway *g)
{
    struct vgw_restart *next;
    do {
        struct vgw_list *at, *after;
        unsigned running = 0;
        next = NULL;
        VGW_LIST_EACH (at, after, &g->restarts) {
            struct vgw_restart *r = VGW_CONTAINER_OF(at, struct vgw_restart, link);
            running += r->op != 0;
            if (r->due && !next)
                next = r;
        }
        if (!next || running >= AT_ONCE || g->ending)
            return;
        next->due = false;
        if (vgw_timer_start(&next->timer, 0) < 0)
            return;
        next->op = VGW_HOST_OP_RESTART; /* its place is taken */
    } while (next);
}

static void on_timer(void *arg)
{
    struct vgw_restart *r = arg;
    if (r->op > VGW_HOST_OP_RESTART && r->pricing)
        price_again(r);
    else if (r->op > VGW_HOST_OP_RESTART)
        failed(r, VGW_ETIMEOUT, "the provider did not answer");
    else
        try_now(r);
}

/* Is it up there? */
static void reconciled(struct vgw_restart *r, const struct vgw_json *result)
{
    enum vgw_call_state state;
    const char *word = vgw_json_get_string(result, "state", NULL);
    if (vgw_call_state_parse(word, &state) && vgw_call_state_terminal(state)) {
        (void)priced(r, result);
        over(r, "gone", VGW_LOG_INFO, "a call of an earlier run is over at its vendor as well", NULL);
        return;
    }
    r->settling = true;
    r->tries = 0;
    r->op = 0;
    r->due = true;
    start_due(r->g);
}

bool vgw_gateway_restart_complete(void *arg, uint64_t op, int status, const char *sentence,
                                  const struct vgw_json *result)
{
    struct vgw_gateway *g = arg;
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &g->restarts) {
        struct vgw_restart *r = VGW_CONTAINER_OF(at, struct vgw_restart, link);
        if (r->op != op)
            continue;
        vgw_timer_stop(&r->timer);
        if (r->pricing) {
            on_price(r, status, result);
        } else if (status == VGW_ENOTFOUND) {
            r->call[0] = '\0';
            over(r, "gone", VGW_LOG_INFO, "a call of an earlier run is not up at its vendor any more", NULL);
        } else if (status < 0) {
            failed(r, status, sentence);
        } else if (!r->settling) {
            reconciled(r, result);
        } else {
            struct vgw_instance *i = vgw_registry_current(g->registry, "providers", r->provider);
            bool back = i && recovers(r, i);
            over(r, back ? "recovered" : "ended", VGW_LOG_INFO,
                 back ? "a call of an earlier run is brought back" : "a call of an earlier run was hung up", NULL);
        }
        return true;
    }
    vgw_metric_dropped("op_unknown");
    return true;
}

void vgw_gateway_restart_add(struct vgw_gateway *g, const struct vgw_restart_call *call)
{
    struct vgw_restart *r;
    if (!VGW_NEW(r))
        return;
    r->g = g;
    r->due = true;
    r->pricing = call->over;
    r->since_wall_us = call->since_wall_us;
    r->provider_call_id = vgw_strdup(call->provider_call_id);
    vgw_strcopy(r->provider, sizeof r->provider, call->provider);
    vgw_strcopy(r->session, sizeof r->session, call->session_id ? call->session_id : "");
    vgw_strcopy(r->call, sizeof r->call, call->call_id ? call->call_id : "");
    vgw_timer_init(&r->timer, g->loop, on_timer, r);
    vgw_list_append(&g->restarts, &r->link);
    if (!r->provider_call_id)
        restart_free(r);
    start_due(g);
}

void vgw_gateway_restart_close(struct vgw_gateway *g)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &g->restarts)
        restart_free(VGW_CONTAINER_OF(at, struct vgw_restart, link));
}
