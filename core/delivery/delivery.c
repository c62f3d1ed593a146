/* delivery.c - delivery as a whole: its life, what is taken in, claims that are renewed. */
#include "delivery/delivery.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "delivery/inside.h"

static void destroy(struct vgw_delivery *d)
{
    vgw_limits_free(d->limits);
    vgw_map_free(d->gauges);
    vgw_map_free(d->held);
    vgw_map_free(d->calls);
    vgw_map_free(d->late);
    vgw_map_free(d->campaigns);
    vgw_delivery_settings_unref(d->settings);
    vgw_free(d);
}

bool vgw_delivery_back(struct vgw_delivery *d)
{
    d->requests--;
    if (!d->ended)
        return true;
    if (!d->requests)
        destroy(d);
    return false;
}

static void on_timer(void *arg)
{
    vgw_pump(arg);
}

/* ---- claims are renewed ---- */

struct renewal {
    struct vgw_delivery *d;
    int64_t until_us;
};

static void on_renewed(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct renewal r = *(struct renewal *)arg;
    const char *key;
    void *value;
    vgw_free(arg);
    if (!vgw_delivery_back(r.d) || status < 0)
        return;
    for (size_t i = 0; vgw_map_next(r.d->held, &i, &key, &value);) {
        struct vgw_item *item = value;
        if (item->claimed_until_us < r.until_us)
            item->claimed_until_us = r.until_us;
    }
}

static int renew_ops(struct vgw_delivery *d, int64_t until_us, struct vgw_json *ops)
{
    const char *key;
    void *value;
    int failed = 0;
    for (size_t i = 0; vgw_map_next(d->held, &i, &key, &value);) {
        struct vgw_json *op = vgw_json_object(), *values = vgw_json_object();
        failed |= vgw_json_set_int(values, "claimed_until", until_us);
        failed |= vgw_json_set_string(op, "op", "update");
        failed |= vgw_json_set_string(op, "table", "jobs");
        failed |= vgw_json_set(op, "key", vgw_message_key("job_id", key));
        failed |= vgw_json_set(op, "guard", vgw_message_key("owner", d->owner));
        failed |= vgw_json_set(op, "values", values);
        failed |= vgw_json_append(ops, op);
    }
    return failed;
}

static void on_renew(void *arg)
{
    struct vgw_delivery *d = arg;
    struct vgw_json *ops = vgw_map_count(d->held) ? vgw_json_array() : NULL;
    struct renewal *r = NULL;
    vgw_timer_start(&d->renew_timer, d->settings->lease_us / 3);
    if (!ops)
        return;
    int64_t until_us = vgw_wall(d->env.loop) + d->settings->lease_us;
    if (!VGW_NEW(r) || renew_ops(d, until_us, ops) != 0) {
        vgw_json_free(ops);
        vgw_free(r);
        return;
    }
    *r = (struct renewal){d, until_us};
    if (vgw_store_apply(d->env.store, ops, on_renewed, r) == 0)
        d->requests++;
    else
        vgw_free(r);
}

/* ---- life ---- */

static void apply_settings(struct vgw_delivery *d)
{
    const struct vgw_delivery_settings *s = d->settings;
    const char *key;
    void *value;
    vgw_limits_set(d->limits, VGW_LIMIT_PROVIDER, s->provider);
    vgw_limits_set(d->limits, VGW_LIMIT_NUMBER, s->number);
    vgw_limits_set(d->limits, VGW_LIMIT_CAMPAIGN, s->campaign);
    for (size_t i = 0; vgw_map_next(d->gauges, &i, &key, &value);) {
        struct vgw_breaker *b = &((struct vgw_delivery_gauge *)value)->breaker;
        b->threshold = s->breaker_failures;
        b->open_us = s->breaker_open_us;
        b->max_open_us = s->breaker_max_open_us;
    }
}

/* What this store's only gateway left claimed is nobody's any more. */
static void take_back(struct vgw_delivery *d)
{
    struct vgw_json *op = vgw_json_object(), *values = vgw_json_object();
    vgw_json_set_int(values, "claimed_until", 0);
    vgw_json_set_string(op, "op", "update");
    vgw_json_set_string(op, "table", "jobs");
    vgw_json_set(op, "key", vgw_message_key("status", "running"));
    vgw_json_set(op, "values", values);
    vgw_store_write(d->env.store, op, VGW_STORE_QUEUED, NULL);
}

int vgw_delivery_new(const struct vgw_delivery_env *env, struct vgw_delivery_settings *settings,
                     struct vgw_delivery **ret_delivery, struct vgw_error *err)
{
    struct vgw_delivery *d;
    uint64_t seed;
    if (!VGW_NEW(d))
        return vgw_error_nomem(err);
    d->env = *env;
    d->settings = vgw_delivery_settings_ref(settings);
    vgw_strcopy(d->owner, sizeof d->owner, env->owner);
    vgw_message_queue(NULL, d->main.name);
    vgw_list_init(&d->waiting);
    vgw_list_init(&d->beginning);
    vgw_list_init(&d->live);
    vgw_timer_init(&d->timer, env->loop, on_timer, d);
    vgw_timer_init(&d->renew_timer, env->loop, on_renew, d);
    d->limits = vgw_limits_new();
    d->gauges = vgw_map_new(vgw_free);
    d->held = vgw_map_new(NULL);
    d->calls = vgw_map_new(NULL);
    d->late = vgw_map_new(vgw_free);
    d->campaigns = vgw_map_new(vgw_campaign_free);
    vgw_timer_init(&d->campaign_timer, env->loop, vgw_campaigns_refresh, d);
    bool made = d->limits && d->gauges && d->held && d->calls && d->late && d->campaigns;
    if (made)
        d->sub = vgw_bus_subscribe(env->bus,
                                   VGW_EVENT_BIT(VGW_EVENT_CALL_ANSWERED) | VGW_EVENT_BIT(VGW_EVENT_CALL_ENDED) |
                                       VGW_EVENT_BIT(VGW_EVENT_CALL_FAILED) | VGW_EVENT_BIT(VGW_EVENT_AMD_RESULT),
                                   vgw_delivery_on_event, d);
    if (!d->sub) {
        vgw_delivery_free(d);
        return vgw_error_nomem(err);
    }
    vgw_random_bytes(&seed, sizeof seed);
    vgw_rng_seed(&d->rng, vgw_loop_is_virtual(env->loop) ? 1 : seed);
    apply_settings(d);
    if (!env->shared)
        take_back(d);
    vgw_timer_start(&d->renew_timer, settings->lease_us / 3);
    vgw_campaigns_refresh(d);
    d->members = env->shared ? 0 : 1;
    vgw_timer_init(&d->share_timer, env->loop, vgw_share_beat, d);
    if (env->shared)
        vgw_share_beat(d);
    vgw_pump_soon(d, 0);
    *ret_delivery = d;
    return VGW_OK;
}

/* What waits here can be somebody else's at once. */
static void give_back(struct vgw_delivery *d)
{
    struct vgw_json *ops = vgw_json_array();
    int64_t wall_us = vgw_wall(d->env.loop);
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &d->waiting)
        vgw_attempt_postpone(VGW_CONTAINER_OF(at, struct vgw_item, link)->row, d->owner, wall_us, wall_us, ops);
    vgw_delivery_write(d, ops);
}

void vgw_delivery_free(struct vgw_delivery *d)
{
    const char *key;
    void *value;
    if (!d)
        return;
    d->ended = true;
    vgw_bus_unsubscribe(d->sub);
    vgw_timer_stop(&d->timer);
    vgw_timer_stop(&d->renew_timer);
    vgw_timer_stop(&d->campaign_timer);
    if (d->env.shared && d->members)
        vgw_share_leave(d);
    vgw_timer_stop(&d->share_timer);
    if (!vgw_list_empty(&d->waiting))
        give_back(d);
    for (size_t i = 0; d->held && vgw_map_next(d->held, &i, &key, &value); i = 0)
        vgw_item_free(value);
    if (!d->requests)
        destroy(d);
}

void vgw_delivery_set(struct vgw_delivery *d, struct vgw_delivery_settings *settings)
{
    vgw_delivery_settings_ref(settings);
    vgw_delivery_settings_unref(d->settings);
    d->settings = settings;
    apply_settings(d);
    d->budget_until_us = 0; /* counted anew, by what it is now */
    vgw_campaigns_refresh(d);
    vgw_delivery_wake(d);
}

const struct vgw_delivery_settings *vgw_delivery_settings_of(const struct vgw_delivery *d)
{
    return d->settings;
}

void vgw_delivery_pause(struct vgw_delivery *d, bool paused)
{
    d->paused = paused;
    if (!paused)
        vgw_delivery_wake(d);
}

static void look_by(struct vgw_delivery *d, int64_t at_us)
{
    const char *key;
    void *value;
    vgw_queue_due(&d->main, at_us);
    for (size_t i = 0; vgw_map_next(d->campaigns, &i, &key, &value);)
        vgw_queue_due(&((struct vgw_campaign *)value)->queue, at_us);
}

void vgw_delivery_wake(struct vgw_delivery *d)
{
    look_by(d, vgw_now(d->env.loop));
    vgw_pump_soon(d, 0);
}

void vgw_delivery_hint(struct vgw_delivery *d)
{
    look_by(d, vgw_now(d->env.loop) + VGW_DELIVERY_HINT_US);
    vgw_pump_soon(d, VGW_DELIVERY_HINT_US);
}

/* ---- taking in ---- */

struct accept {
    struct vgw_delivery *d;
    struct vgw_json *rows;
    vgw_delivery_accept_fn done;
    void *arg;
};

static void tell_accepted(struct vgw_delivery *d, const struct vgw_json *row)
{
    static const char *const same[] = {"message_id", "thread_id",    "campaign_id", "lead_id",
                                       "channel",    "voice_config", "status"};
    struct vgw_json *data = vgw_json_object();
    struct vgw_event_about about = {.project_id = vgw_json_get_string(row, "project_id", NULL)};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        if (vgw_json_get(row, same[i]))
            vgw_json_set_string(data, same[i], vgw_json_get_string(row, same[i], NULL));
    vgw_json_set_string(data, "to", vgw_json_get_string(row, "to_number", NULL));
    vgw_bus_publish(d->env.bus, vgw_event_new("message_accepted", &about, data, 0));
}

static void on_accepted(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct accept a = *(struct accept *)arg;
    vgw_free(arg);
    bool here = vgw_delivery_back(a.d);
    /* A batch of many is told of by what becomes of each: a million events at once help nobody. */
    if (here && status == 0 && vgw_json_count(a.rows) == 1)
        tell_accepted(a.d, vgw_json_at(a.rows, 0));
    if (here && status == 0)
        vgw_delivery_wake(a.d);
    a.done(a.arg, status, sentence);
    vgw_json_free(a.rows);
}

/* By the campaign's order: as given, by the lead's own number, or in a random one. */
static int64_t priority_of(struct vgw_delivery *d, const struct vgw_json *row)
{
    const char *id = vgw_json_get_string(row, "campaign_id", NULL);
    const struct vgw_campaign *c = id ? vgw_map_get(d->campaigns, id) : NULL;
    const char *order = c ? vgw_json_get_string(vgw_json_get(c->row, "spec"), "order", NULL) : NULL;
    if (vgw_streq(order, "random"))
        return (int64_t)vgw_rng_below(&d->rng, 1000000);
    return vgw_streq(order, "priority") ? vgw_json_get_int(vgw_json_get(row, "lead"), "priority", 0) : 0;
}

int vgw_delivery_accept(struct vgw_delivery *d, struct vgw_json *rows, vgw_delivery_accept_fn done, void *arg)
{
    struct vgw_json *ops = vgw_json_array();
    struct accept *a = NULL;
    int64_t wall_us = vgw_wall(d->env.loop);
    int rc = ops && VGW_NEW(a) ? 0 : VGW_ELIMIT;
    for (size_t i = 0; rc == 0 && i < vgw_json_count(rows); i++) {
        struct vgw_json *row = vgw_json_at(rows, i);
        int64_t at_us = vgw_json_get_int(row, "scheduled_at", 0);
        at_us = vgw_delivery_open_from(d, row, at_us > wall_us ? at_us : wall_us);
        rc = vgw_json_set_int(row, "due_at", at_us) == 0 ? vgw_message_store_ops(row, priority_of(d, row), ops)
                                                         : VGW_ELIMIT;
    }
    if (rc == 0) {
        *a = (struct accept){d, rows, done, arg};
        rc = vgw_store_apply(d->env.store, ops, on_accepted, a);
        ops = NULL;
    }
    if (rc == 0) {
        d->requests++;
        return 0;
    }
    vgw_json_free(ops);
    vgw_json_free(rows);
    vgw_free(a);
    return VGW_ELIMIT;
}

/* ---- looking ---- */

struct vgw_json *vgw_delivery_status(const struct vgw_delivery *d)
{
    struct vgw_json *o = vgw_json_object(), *providers = vgw_json_object();
    const char *key;
    void *value;
    vgw_json_set_int(o, "waiting", (int64_t)d->waiting_count);
    vgw_json_set_int(o, "calling", (int64_t)vgw_map_count(d->calls));
    for (size_t i = 0; vgw_map_next(d->gauges, &i, &key, &value);) {
        const struct vgw_delivery_gauge *g = value;
        struct vgw_json *p = vgw_json_object();
        vgw_json_set_string(p, "breaker", vgw_breaker_state_name(vgw_breaker_state(&g->breaker, vgw_now(d->env.loop))));
        vgw_json_set_int(p, "calls", vgw_limits_used(d->limits, VGW_LIMIT_PROVIDER, key));
        vgw_json_set(providers, key, p);
    }
    vgw_json_set(o, "providers", providers);
    return o;
}
