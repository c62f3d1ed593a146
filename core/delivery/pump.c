/* pump.c - from due jobs in the store to attempts that have begun: a bounded window of messages is held, each until the
 * limits let it go, or it goes back. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "delivery/campaign.h"
#include "delivery/inside.h"
#include "store/record.h"
#include "voicegw/plugin.h"

/* ---- items ---- */

void vgw_item_release(struct vgw_item *item)
{
    if (item->holds)
        vgw_limits_release(item->d->limits, &item->keys);
    item->holds = false;
}

static void move(struct vgw_item *item, struct vgw_list *list)
{
    struct vgw_delivery *d = item->d;
    vgw_list_remove(&item->link);
    d->waiting_count -= item->waits;
    item->queue->waiting -= item->waits;
    item->waits = list == &d->waiting;
    d->waiting_count += item->waits;
    item->queue->waiting += item->waits;
    vgw_list_append(list, &item->link);
}

void vgw_item_free(struct vgw_item *item)
{
    struct vgw_delivery *d = item->d;
    vgw_item_release(item);
    vgw_timer_stop(&item->timer);
    vgw_list_remove(&item->link);
    d->waiting_count -= item->waits;
    item->queue->waiting -= item->waits;
    item->queue->held--;
    if (vgw_map_get(d->held, item->message_id) == item)
        vgw_map_take(d->held, item->message_id);
    if (item->call_id[0] && vgw_map_get(d->calls, item->call_id) == item)
        vgw_map_take(d->calls, item->call_id);
    vgw_delivery_settings_unref(item->settings);
    vgw_json_free(item->row);
    vgw_free(item);
}

void vgw_delivery_write(struct vgw_delivery *d, struct vgw_json *ops)
{
    if (vgw_json_count(ops))
        vgw_store_write(d->env.store, ops, VGW_STORE_JOURNALLED, NULL);
    else
        vgw_json_free(ops);
}

struct vgw_delivery_gauge *vgw_delivery_gauge_of(struct vgw_delivery *d, const char *provider)
{
    struct vgw_delivery_gauge *g = vgw_map_get(d->gauges, provider);
    if (g || !VGW_NEW(g))
        return g;
    vgw_breaker_init(&g->breaker, d->settings->breaker_failures, d->settings->breaker_open_us,
                     d->settings->breaker_max_open_us);
    if (vgw_map_set(d->gauges, provider, g) == 0)
        return g;
    vgw_free(g);
    return NULL;
}

void vgw_queue_due(struct vgw_queue *q, int64_t at_us)
{
    q->idle_until_us = q->idle_until_us > at_us ? at_us : q->idle_until_us;
    q->soon_us = q->soon_us > at_us ? at_us : q->soon_us;
}

static void postpone(struct vgw_item *item, int64_t due_us)
{
    struct vgw_delivery *d = item->d;
    struct vgw_json *ops = vgw_json_array();
    vgw_attempt_postpone(item->row, d->owner, due_us, vgw_wall(d->env.loop), ops);
    vgw_delivery_write(d, ops);
    vgw_item_free(item);
}

/* ---- hours ---- */

/* The lead's own zone, its number's country's, the campaign's, the operator's. */
static const struct vgw_zone *zone_of(struct vgw_delivery *d, const struct vgw_json *row, const struct vgw_campaign *c)
{
    const char *const names[] = {vgw_json_get_string(vgw_json_get(row, "spec"), "timezone", NULL),
                                 vgw_zone_of_number(vgw_json_get_string(row, "to_number", "")),
                                 c && c->timezone[0] ? c->timezone : NULL, d->settings->timezone};
    for (size_t i = 0; d->env.zone && i < sizeof names / sizeof names[0]; i++) {
        const struct vgw_zone *zone = names[i] ? d->env.zone(d->env.arg, names[i]) : NULL;
        if (zone)
            return zone;
    }
    return NULL;
}

int64_t vgw_delivery_open_from(struct vgw_delivery *d, const struct vgw_json *row, int64_t wall_us)
{
    const struct vgw_delivery_settings *s = d->settings;
    const char *id = vgw_json_get_string(row, "campaign_id", NULL);
    const struct vgw_campaign *c = id ? vgw_map_get(d->campaigns, id) : NULL;
    bool campaign_hours = c && c->has_hours;
    if (!s->has_hours && !campaign_hours)
        return wall_us;
    const struct vgw_zone *zone = zone_of(d, row, c);
    /* Both windows must be open; each step goes to the beginning of one of them. */
    for (int i = 0; i < 32; i++) {
        int64_t next_us = wall_us;
        if (s->has_hours && !vgw_hours_open(&s->hours, zone, wall_us, &next_us))
            wall_us = next_us;
        else if (campaign_hours && !vgw_hours_open(&c->hours, zone, wall_us, &next_us))
            wall_us = next_us;
        else
            return wall_us;
    }
    return wall_us;
}

/* ---- may it be dialled now? ---- */

/* The provider for the next attempt: the one that is its turn, or the first behind it whose breaker lets calls through.
 * False: none, *ret_wait_us until one may; 0: there is none of those names. */
static bool choose(struct vgw_item *item, int64_t *ret_wait_us)
{
    struct vgw_delivery *d = item->d;
    const struct vgw_profile *p = item->profile;
    uint32_t n = p->platform_count ? (uint32_t)p->platform_count : 1, first = vgw_attempt_provider(item->row, n);
    int64_t now_us = vgw_now(d->env.loop), least_us = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = (first + i) % n;
        struct vgw_delivery_provider found;
        if (!d->env.provider(d->env.arg, p->platform_count ? p->platforms[at] : NULL, &found))
            continue;
        struct vgw_delivery_gauge *g = vgw_delivery_gauge_of(d, found.name);
        enum vgw_breaker_state state = g ? vgw_breaker_state(&g->breaker, now_us) : VGW_BREAKER_CLOSED;
        bool shut = state == VGW_BREAKER_OPEN ||
                    (state == VGW_BREAKER_HALF_OPEN && g->breaker.probing && now_us < g->breaker.probe_end_us);
        if (shut) {
            int64_t until_us = state == VGW_BREAKER_OPEN ? g->breaker.until_us : g->breaker.probe_end_us;
            least_us = !least_us || until_us - now_us < least_us ? until_us - now_us : least_us;
            continue;
        }
        const char *from = vgw_json_get_string(vgw_json_get(item->row, "spec"), "from", p->from);
        vgw_strcopy(item->provider, sizeof item->provider, found.name);
        vgw_strcopy(item->from, sizeof item->from, from ? from : found.from ? found.from : "");
        item->provider_index = at;
        item->caps = found.caps;
        return true;
    }
    *ret_wait_us = least_us;
    return false;
}

static void count_held(const char *why)
{
    vgw_metric_add(vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_delivery_held_total",
                                     "Times that a due message had to wait: for a rate, a place, a provider, the hours",
                                     "why"),
                   1, why, NULL, NULL);
}

/* It would have to wait for long: others may have it meanwhile. A campaign's keep their order, so that their queue
 * rests as a whole. */
static void give_back(struct vgw_item *item, int64_t wait_us)
{
    struct vgw_delivery *d = item->d;
    struct vgw_queue *q = item->queue;
    int64_t until_us = vgw_now(d->env.loop) + wait_us;
    if (!q->campaign) {
        vgw_queue_due(q, until_us);
        postpone(item, vgw_wall(d->env.loop) + wait_us);
        return;
    }
    q->idle_until_us = q->idle_until_us > until_us ? q->idle_until_us : until_us;
    q->size = VGW_DELIVERY_CLAIM_MIN;
    postpone(item, item->job_due_us);
}

/* True: its places are taken. False: not now, or the item is gone. */
static bool ready(struct vgw_item *item, int64_t *ret_wait_us)
{
    struct vgw_delivery *d = item->d;
    int64_t now_us = vgw_now(d->env.loop), wall_us = vgw_wall(d->env.loop), wait_us = 0, open_us;
    const char *why = "provider";
    *ret_wait_us = VGW_DELIVERY_POLL_US;
    if (item->claimed_until_us < wall_us + VGW_DELIVERY_MARGIN_US) {
        vgw_item_free(item); /* somebody else may have it; if not, it is claimed again */
        return false;
    }
    open_us = vgw_delivery_open_from(d, item->row, wall_us);
    if (open_us > wall_us) {
        count_held("hours");
        postpone(item, open_us);
        return false;
    }
    if (!choose(item, &wait_us)) {
        if (!wait_us) {
            vgw_item_refuse(item, "configuration", "none of the profile's platforms is a provider of this gateway");
            return false;
        }
    } else {
        item->keys.keys[VGW_LIMIT_PROVIDER] = item->provider;
        item->keys.own[VGW_LIMIT_PROVIDER] = vgw_delivery_provider_limit(d->settings, item->provider);
        item->keys.keys[VGW_LIMIT_NUMBER] = item->from;
        if (item->queue->campaign)
            item->keys.own[VGW_LIMIT_CAMPAIGN] = item->queue->campaign->limit;
        if (vgw_limits_take(d->limits, &item->keys, now_us, &wait_us, &why)) {
            struct vgw_delivery_gauge *g = vgw_delivery_gauge_of(d, item->provider);
            if (g)
                vgw_breaker_take(&g->breaker, now_us, d->settings->lease_us, NULL);
            item->holds = true;
            return true;
        }
    }
    count_held(why);
    if (wait_us > VGW_DELIVERY_RELEASE_US) {
        give_back(item, wait_us);
        return false;
    }
    *ret_wait_us = wait_us ? wait_us : VGW_DELIVERY_POLL_US;
    return false;
}

/* ---- beginning ---- */

struct begin { /* a batch of attempts on its way to the store */
    struct vgw_delivery *d;
    size_t rows;
};

static void begin_failed(struct vgw_delivery *d, const char *sentence)
{
    struct vgw_list *at, *next;
    d->backoff_us = d->backoff_us ? d->backoff_us * 2 : 100 * VGW_US_PER_MS;
    if (d->backoff_us > 10 * VGW_US_PER_S)
        d->backoff_us = 10 * VGW_US_PER_S;
    d->store_after_us = vgw_now(d->env.loop) + d->backoff_us;
    vgw_log(VGW_LOG_WARNING, NULL, "attempts cannot be written to the store; nobody is called until they can", "error",
            sentence, NULL);
    VGW_LIST_EACH (at, next, &d->beginning) {
        struct vgw_item *item = VGW_CONTAINER_OF(at, struct vgw_item, link);
        (void)vgw_attempt_undo(item->row);
        vgw_item_release(item);
        move(item, &d->waiting);
    }
}

static bool listed(const struct vgw_json *rows, const char *column, const char *id)
{
    for (size_t i = 0; i < vgw_json_count(rows); i++)
        if (vgw_streq(vgw_json_get_string(vgw_json_at(rows, i), column, NULL), id))
            return true;
    return false;
}

/* Without lists: all of them have begun. */
static void dial_all(struct vgw_delivery *d, const struct vgw_json *jobs, const struct vgw_json *messages)
{
    struct vgw_list *at;
    while ((at = vgw_list_pop(&d->beginning))) {
        struct vgw_item *item = VGW_CONTAINER_OF(at, struct vgw_item, link);
        bool ours = !jobs || listed(jobs, "job_id", item->message_id);
        bool begun = !messages || listed(messages, "message_id", item->message_id);
        if (ours && !begun) { /* it was given up meanwhile: nobody is to dial */
            struct vgw_json *ops = vgw_json_array();
            vgw_json_append(ops, vgw_record_op("delete", "jobs", vgw_message_key("job_id", item->message_id), NULL,
                                               vgw_message_key("owner", d->owner)));
            vgw_delivery_write(d, ops);
            vgw_item_free(item);
            continue;
        }
        if (!ours) { /* another gateway has taken it over: it is the one to dial */
            vgw_metric_dropped("delivery_lost_claim");
            vgw_item_free(item);
            continue;
        }
        move(item, &d->live);
        vgw_item_dial(item);
    }
}

struct owned { /* a batch of which some rows were not touched: whose are they now? */
    struct vgw_delivery *d;
    struct vgw_json *jobs;
};

static void owned_end(struct owned *o, int status, const char *sentence, const struct vgw_json *messages)
{
    struct vgw_delivery *d = o->d;
    d->begins = false;
    if (status < 0)
        begin_failed(d, sentence);
    else
        dial_all(d, o->jobs, messages);
    vgw_json_free(o->jobs);
    vgw_free(o);
    vgw_pump_soon(d, 0);
}

static void on_owned_messages(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct owned *o = arg;
    if (vgw_delivery_back(o->d)) {
        owned_end(o, status, sentence, rows);
    } else {
        vgw_json_free(o->jobs);
        vgw_free(o);
    }
}

static int ask(struct vgw_delivery *d, const char *table, const char *id, const char *column, vgw_store_fn fn,
               struct owned *o)
{
    struct vgw_json *filter = vgw_message_key(column, d->owner), *ids = vgw_json_array();
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &d->beginning)
        vgw_json_append_string(ids, VGW_CONTAINER_OF(at, struct vgw_item, link)->message_id);
    vgw_json_set(filter, id, ids);
    if (vgw_streq(table, "messages"))
        vgw_json_set_string(filter, "status", "calling");
    int rc = vgw_store_query(d->env.store, table, filter, VGW_DELIVERY_CLAIM_MAX, NULL, fn, o);
    d->requests += rc == 0;
    vgw_json_free(filter);
    return rc;
}

static void on_owned_jobs(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct owned *o = arg;
    if (!vgw_delivery_back(o->d)) {
        vgw_free(o);
        return;
    }
    o->jobs = status < 0 ? NULL : vgw_json_copy(rows);
    if (!o->jobs || ask(o->d, "messages", "message_id", "node", on_owned_messages, o) < 0)
        owned_end(o, VGW_ESTORAGE, "the store cannot say which attempts have begun", NULL);
}

static int ask_owned(struct vgw_delivery *d)
{
    struct owned *o;
    if (!VGW_NEW(o))
        return VGW_ELIMIT;
    o->d = d;
    int rc = ask(d, "jobs", "job_id", "owner", on_owned_jobs, o);
    if (rc < 0)
        vgw_free(o);
    return rc;
}

static void on_begun(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct begin *b = arg;
    struct vgw_delivery *d = b->d;
    size_t wanted = b->rows;
    vgw_free(b);
    if (!vgw_delivery_back(d))
        return;
    int64_t changed = vgw_json_get_int(vgw_json_at(rows, 0), "changed", 0);
    if (status == 0 && changed != (int64_t)wanted && ask_owned(d) == 0)
        return;
    d->begins = false;
    if (status < 0 || changed != (int64_t)wanted) {
        begin_failed(d, sentence);
    } else {
        d->backoff_us = 0;
        dial_all(d, NULL, NULL);
    }
    vgw_pump_soon(d, 0);
}

static void begin_all(struct vgw_delivery *d)
{
    struct vgw_json *ops = vgw_json_array();
    struct vgw_list *at, *next;
    struct begin *b = NULL;
    int64_t wall_us = vgw_wall(d->env.loop);
    size_t n = 0;
    int rc = ops && VGW_NEW(b) ? 0 : VGW_ELIMIT;
    VGW_LIST_EACH (at, next, &d->beginning) {
        struct vgw_item *item = VGW_CONTAINER_OF(at, struct vgw_item, link);
        rc |= vgw_attempt_begin(item->row, d->owner, item->provider, item->provider_index, wall_us, ops);
        n++;
    }
    if (rc == 0) {
        *b = (struct begin){d, n * VGW_ATTEMPT_BEGIN_ROWS};
        rc = vgw_store_apply(d->env.store, ops, on_begun, b);
        ops = NULL;
    }
    vgw_json_free(ops);
    if (rc < 0) {
        vgw_free(b);
        begin_failed(d, "too much is waiting for the store");
        return;
    }
    d->begins = true;
    d->requests++;
}

/* ---- claiming ---- */

struct claim {
    struct vgw_delivery *d;
    struct vgw_queue *queue; /* which stays: it is held meanwhile */
    struct vgw_json *jobs;
    uint32_t asked;
};

static void claim_free(struct claim *c)
{
    c->queue->held--;
    vgw_json_free(c->jobs);
    vgw_free(c);
}

/* Its attempt had begun when its gateway was lost. */
static void settle_lost(struct vgw_item *item)
{
    struct vgw_delivery *d = item->d;
    struct vgw_json *ops = vgw_json_array();
    struct vgw_attempt_result r = {.outcome = VGW_ATTEMPT_FAILED,
                                   .retryable = true,
                                   .error =
                                       "the gateway that had begun this attempt was lost; nobody knows how it ended",
                                   .error_class = "internal",
                                   .call_id = vgw_json_get_string(item->row, "call_id", NULL),
                                   .session_id = vgw_json_get_string(item->row, "session_id", NULL),
                                   .cost = -1};
    vgw_item_settle(item, &r, ops);
    vgw_delivery_write(d, ops);
}

static struct vgw_item *item_new(struct vgw_delivery *d, struct vgw_queue *queue, const struct vgw_json *row,
                                 int64_t claimed_until_us, int64_t job_due_us)
{
    struct vgw_item *item;
    if (!VGW_NEW(item))
        return NULL;
    item->d = d;
    item->settings = vgw_delivery_settings_ref(d->settings);
    item->row = vgw_json_copy(row);
    item->message_id = vgw_json_get_string(item->row, "message_id", NULL);
    item->claimed_until_us = claimed_until_us;
    item->job_due_us = job_due_us;
    item->profile = vgw_delivery_profile(d->settings, vgw_json_get_string(item->row, "voice_config", NULL));
    item->sms = vgw_streq(vgw_json_get_string(item->row, "channel", NULL), "sms");
    vgw_timer_init(&item->timer, d->env.loop, NULL, item);
    item->queue = queue;
    item->keys.keys[VGW_LIMIT_CAMPAIGN] = vgw_json_get_string(item->row, "campaign_id", NULL);
    if (item->message_id && vgw_map_set(d->held, item->message_id, item) == 0) {
        queue->held++;
        return item;
    }
    vgw_delivery_settings_unref(item->settings);
    vgw_json_free(item->row);
    vgw_free(item);
    return NULL;
}

static void take_message(struct claim *c, const struct vgw_json *job, const struct vgw_json *row)
{
    struct vgw_delivery *d = c->d;
    const char *status = vgw_json_get_string(row, "status", "");
    int64_t until_us = vgw_json_get_int(job, "claimed_until", 0);
    struct vgw_item *item = vgw_map_get(d->held, vgw_json_get_string(job, "job_id", ""));
    if (item) { /* the clock was set forward: it is ours still */
        item->claimed_until_us = until_us;
        return;
    }
    bool open = vgw_streq(status, "queued") || vgw_streq(status, "retrying") || vgw_streq(status, "calling");
    if (!row || !open) { /* what was settled leaves no job behind; what is asked for twice does */
        struct vgw_json *ops = vgw_json_array();
        vgw_json_append(ops, vgw_record_op("delete", "jobs",
                                           vgw_message_key("job_id", vgw_json_get_string(job, "job_id", "")), NULL,
                                           vgw_message_key("owner", d->owner)));
        vgw_delivery_write(d, ops);
        return;
    }
    if (!(item = item_new(d, c->queue, row, until_us, vgw_json_get_int(job, "due_at", 0))))
        return;
    move(item, &d->waiting);
    if (vgw_streq(status, "calling"))
        settle_lost(item);
    else if (!item->profile)
        vgw_item_refuse(item, "configuration", "the profile that the message names is not configured any more");
    else if (vgw_delivery_do_not_call(d->settings, vgw_json_get_string(row, "to_number", "")) ||
             (c->queue->campaign &&
              vgw_map_has(c->queue->campaign->do_not_call, vgw_json_get_string(row, "to_number", ""))))
        vgw_item_refuse(item, "validation", "the number is on a do-not-call list");
}

/* The messages cannot be read: their jobs are anybody's again as soon as the store takes that, and not only when the
 * lease is over. */
static void unclaim(struct claim *c)
{
    struct vgw_delivery *d = c->d;
    struct vgw_json *ops = vgw_json_array();
    for (size_t i = 0; i < vgw_json_count(c->jobs); i++) {
        const char *id = vgw_json_get_string(vgw_json_at(c->jobs, i), "job_id", "");
        struct vgw_json *values = vgw_map_has(d->held, id) ? NULL : vgw_json_object();
        if (!values)
            continue;
        vgw_json_set_string(values, "status", "queued");
        vgw_json_set(values, "owner", NULL);
        vgw_json_set(values, "claimed_until", NULL);
        vgw_json_append(ops, vgw_record_op("update", "jobs", vgw_message_key("job_id", id), values,
                                           vgw_message_key("owner", d->owner)));
    }
    vgw_delivery_write(d, ops);
    vgw_queue_due(c->queue, vgw_now(d->env.loop) + VGW_DELIVERY_POLL_US);
}

static void on_messages(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct claim *c = arg;
    struct vgw_delivery *d = c->d;
    bool here = !d->ended;
    vgw_delivery_back(d);
    if (!here) {
        vgw_json_free(c->jobs);
        vgw_free(c);
        return;
    }
    d->claiming = false;
    if (status < 0)
        unclaim(c);
    for (size_t i = 0; status == 0 && i < vgw_json_count(c->jobs); i++) {
        const struct vgw_json *job = vgw_json_at(c->jobs, i), *row = NULL;
        const char *id = vgw_json_get_string(job, "job_id", "");
        for (size_t k = 0; !row && k < vgw_json_count(rows); k++)
            if (vgw_streq(vgw_json_get_string(vgw_json_at(rows, k), "message_id", NULL), id))
                row = vgw_json_at(rows, k);
        take_message(c, job, row);
    }
    claim_free(c);
    vgw_pump_soon(d, 0);
}

/* Nothing is due: when will it be? */
static void on_next_due(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct claim *c = arg;
    struct vgw_delivery *d = c->d;
    if (!vgw_delivery_back(d)) {
        vgw_free(c);
        return;
    }
    int64_t most_us = d->env.shared ? VGW_DELIVERY_SHARED_US : VGW_DELIVERY_IDLE_US, wait_us = VGW_DELIVERY_POLL_US;
    if (status == 0)
        wait_us = vgw_json_count(rows)
                      ? vgw_json_get_int(vgw_json_at(rows, 0), "due_at", 0) - vgw_wall(d->env.loop) + VGW_US_PER_MS
                      : most_us;
    wait_us = wait_us > most_us ? most_us : wait_us < 0 ? 0 : wait_us;
    c->queue->idle_until_us = vgw_now(d->env.loop) + wait_us;
    vgw_queue_due(c->queue, c->queue->soon_us);
    d->claiming = false;
    claim_free(c);
    vgw_pump_soon(d, 0);
}

static bool ask_next_due(struct claim *c)
{
    struct vgw_json *filter = vgw_message_key("queue", c->queue->name);
    vgw_json_set_string(filter, "status", "queued");
    vgw_json_set_string(filter, "order", "asc");
    int rc = vgw_store_query(c->d->env.store, "jobs", filter, 1, NULL, on_next_due, c);
    c->d->requests += rc == 0;
    vgw_json_free(filter);
    return rc == 0;
}

static void on_claimed(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct claim *c = arg;
    struct vgw_delivery *d = c->d;
    size_t n = vgw_json_count(rows);
    bool here = !d->ended;
    vgw_delivery_back(d);
    if (!here) {
        vgw_json_free(c->jobs);
        vgw_free(c);
        return;
    }
    if (status == 0 && n == 0) {
        c->queue->filled_us = 0;
        c->queue->idle_until_us = vgw_now(d->env.loop) + VGW_DELIVERY_POLL_US;
        vgw_queue_due(c->queue, c->queue->soon_us);
        if (ask_next_due(c))
            return;
    }
    struct vgw_json *filter = vgw_json_object(), *ids = vgw_json_array();
    int64_t now_us = vgw_now(d->env.loop);
    c->queue->filled_us = n == c->asked ? now_us : 0;
    c->queue->idle_until_us = n ? 0 : now_us + VGW_DELIVERY_POLL_US;
    for (size_t i = 0; i < n; i++)
        vgw_json_append_string(ids, vgw_json_get_string(vgw_json_at(rows, i), "job_id", ""));
    vgw_json_set(filter, "message_id", ids);
    c->jobs = vgw_json_copy(rows);
    if (n && c->jobs &&
        vgw_store_query(d->env.store, "messages", filter, VGW_STORE_ROWS_MAX, NULL, on_messages, c) == 0) {
        d->requests++;
    } else {
        d->claiming = false;
        claim_free(c);
        vgw_pump_soon(d, status < 0 ? VGW_DELIVERY_POLL_US : 0);
    }
    vgw_json_free(filter);
}

static void claim(struct vgw_delivery *d, struct vgw_queue *queue, uint32_t n)
{
    struct claim *c;
    if (!VGW_NEW(c))
        return;
    *c = (struct claim){.d = d, .queue = queue, .asked = n};
    queue->soon_us = INT64_MAX;
    queue->held++;
    if (vgw_store_claim(d->env.store, queue->name, d->owner, n, d->settings->lease_us, on_claimed, c) < 0) {
        claim_free(c);
        return;
    }
    d->requests++;
    d->claiming = true;
}

/* ---- the pump ---- */

static int64_t try_waiting(struct vgw_delivery *d)
{
    struct vgw_list *at, *next;
    int64_t least_us = VGW_DELIVERY_IDLE_US, now_us = vgw_now(d->env.loop);
    size_t n = 0;
    VGW_LIST_EACH (at, next, &d->waiting) {
        struct vgw_item *item = VGW_CONTAINER_OF(at, struct vgw_item, link);
        int64_t wait_us = 0;
        if (n >= VGW_DELIVERY_CLAIM_MAX)
            return 0;
        if (item->not_before_us > now_us) {
            wait_us = item->not_before_us - now_us;
        } else if (ready(item, &wait_us)) {
            move(item, &d->beginning);
            n++;
            continue;
        }
        least_us = wait_us < least_us ? wait_us : least_us;
    }
    return least_us;
}

/* What goes out fast is claimed in larger numbers; what has to wait for a limit is left to other gateways. */
static void adapt(struct vgw_queue *q, size_t part, int64_t now_us)
{
    if (!q->size)
        q->size = VGW_DELIVERY_CLAIM_MIN;
    if (q->filled_us && q->waiting <= q->size / 2) {
        int64_t took_us = now_us - q->filled_us;
        q->filled_us = 0;
        if (took_us < VGW_US_PER_S / 2)
            q->size *= 2;
        else if (took_us > 2 * VGW_US_PER_S)
            q->size /= 2;
    }
    q->size = q->size < VGW_DELIVERY_CLAIM_MIN ? VGW_DELIVERY_CLAIM_MIN : q->size;
    q->size = q->size > part ? part : q->size;
}

/* Each queue has its part of the window, so that a campaign with a low rate holds up no other. */
static bool claim_from(struct vgw_delivery *d, struct vgw_queue *q, size_t part, int64_t *wait_us)
{
    int64_t now_us = vgw_now(d->env.loop), idle_us = q->idle_until_us - now_us;
    adapt(q, part, now_us);
    part = q->size;
    size_t room = part > q->waiting ? part - q->waiting : 0;
    if (idle_us > 0)
        *wait_us = idle_us < *wait_us ? idle_us : *wait_us;
    else if (room && (room >= (part + 1) / 2 || !q->waiting))
        claim(d, q, (uint32_t)(room < VGW_DELIVERY_CLAIM_MAX ? room : VGW_DELIVERY_CLAIM_MAX));
    return d->claiming;
}

static void claim_next(struct vgw_delivery *d, int64_t *wait_us)
{
    struct vgw_queue *queues[VGW_CAMPAIGNS_MAX + 1];
    const char *key;
    void *value;
    size_t n = 0;
    queues[n++] = &d->main;
    for (size_t i = 0; n <= VGW_CAMPAIGNS_MAX && vgw_map_next(d->campaigns, &i, &key, &value);)
        if (vgw_campaign_runs(value))
            queues[n++] = &((struct vgw_campaign *)value)->queue;
    size_t part = d->settings->window / n ? d->settings->window / n : 1;
    for (size_t i = 0; i < n; i++)
        if (claim_from(d, queues[(d->turn + i) % n], part, wait_us)) {
            d->turn = (d->turn + i + 1) % n;
            return;
        }
}

static void pump_once(struct vgw_delivery *d)
{
    int64_t now_us = vgw_now(d->env.loop), wait_us = VGW_DELIVERY_IDLE_US;
    if (d->paused || d->ended || !d->members)
        return;
    int64_t after_us = d->store_after_us > d->budget_until_us ? d->store_after_us : d->budget_until_us;
    if (now_us < after_us) {
        vgw_pump_soon(d, after_us - now_us);
        return;
    }
    if (!d->begins) {
        wait_us = try_waiting(d);
        if (!vgw_list_empty(&d->beginning))
            begin_all(d);
    }
    if (!d->claiming)
        claim_next(d, &wait_us);
    vgw_metric_set(vgw_metric_family(VGW_METRIC_GAUGE, "voicegw_queue_depth", "What waits in a queue", "queue"),
                   (double)d->waiting_count, "delivery", NULL, NULL);
    if (!d->begins && !d->claiming)
        vgw_pump_soon(d, wait_us);
    else if (!d->begins)
        vgw_pump_soon(d, wait_us > VGW_US_PER_MS ? wait_us : VGW_US_PER_MS);
}

void vgw_pump(struct vgw_delivery *d)
{
    d->again = true;
    if (d->pumping)
        return;
    d->pumping = true;
    d->again = false;
    pump_once(d);
    d->pumping = false;
    if (d->again)
        vgw_pump_soon(d, 0);
}

void vgw_pump_soon(struct vgw_delivery *d, int64_t delay_us)
{
    int64_t at_us = vgw_now(d->env.loop) + (delay_us > 0 ? delay_us : 0);
    if (d->ended || (vgw_timer_armed(&d->timer) && d->timer.deadline_us <= at_us))
        return;
    vgw_timer_start_at(&d->timer, at_us);
}
