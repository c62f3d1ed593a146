/* campaign.c - campaigns in memory: those that run or rest, each with its queue; refreshed from the store, which other
 * gateways write too. */
#include "delivery/campaign.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "delivery/inside.h"
#include "store/record.h"

#define REFRESH_US (5 * VGW_US_PER_S)
#define QUIET_US (60 * VGW_US_PER_S) /* the same when nothing happens and nobody else writes to the store */
#define DAY_US (INT64_C(86400) * VGW_US_PER_S)
#define COUNT_SHARE 20 /* counting takes at most this part of the time */

static const char *status_of(const struct vgw_campaign *c)
{
    return vgw_json_get_string(c->row, "status", "");
}

void vgw_campaign_free(void *value)
{
    struct vgw_campaign *c = value;
    vgw_map_free(c->do_not_call);
    vgw_json_free(c->row);
    vgw_free(c);
}

static void emit(struct vgw_campaign *c)
{
    static const char *const same[] = {"campaign_id", "name", "status", "reason"};
    struct vgw_json *data = vgw_json_object();
    struct vgw_event_about about = {.project_id = vgw_json_get_string(c->row, "project_id", NULL)};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        vgw_json_set_string(data, same[i], vgw_json_get_string(c->row, same[i], NULL));
    vgw_bus_publish(c->d->env.bus, vgw_event_new("campaign_changed", &about, data, 0));
}

/* What is read often, out of its specification; which was checked when it was made. */
static void unpack(struct vgw_campaign *c)
{
    const struct vgw_json *spec = vgw_json_get(c->row, "spec"), *hours = vgw_json_get(spec, "hours");
    const struct vgw_json *days = vgw_json_get(hours, "days"), *numbers = vgw_json_get(spec, "do_not_call");
    c->hours = (struct vgw_hours){0};
    c->has_hours = hours &&
                   vgw_hours_parse_time(vgw_json_get_string(hours, "from", "00:00"), &c->hours.from_min, NULL) == 0 &&
                   vgw_hours_parse_time(vgw_json_get_string(hours, "to", "24:00"), &c->hours.to_min, NULL) == 0;
    for (size_t i = 0; i < vgw_json_count(days); i++)
        vgw_hours_parse_day(vgw_json_str(vgw_json_at(days, i)), &c->hours.days, NULL);
    vgw_strcopy(c->timezone, sizeof c->timezone, vgw_json_get_string(hours, "timezone", ""));
    c->limit.rate = vgw_json_get_double(vgw_json_get(spec, "limits"), "rate", 0);
    c->limit.concurrent = (uint32_t)vgw_json_get_int(vgw_json_get(spec, "limits"), "concurrent", 0);
    c->budget = vgw_json_get_double(vgw_json_get(spec, "budget"), "amount", 0);
    for (size_t i = 0; c->do_not_call && i < vgw_json_count(numbers); i++)
        vgw_map_set(c->do_not_call, vgw_json_str(vgw_json_at(numbers, i)), c);
}

static struct vgw_campaign *add(struct vgw_delivery *d, const struct vgw_json *row)
{
    const char *id = vgw_json_get_string(row, "campaign_id", "");
    struct vgw_campaign *c = vgw_map_get(d->campaigns, id);
    if (c) {
        vgw_json_free(c->row);
        c->row = vgw_json_copy(row);
        return c;
    }
    if (vgw_map_count(d->campaigns) >= VGW_CAMPAIGNS_MAX || !VGW_NEW(c))
        return NULL;
    c->d = d;
    c->row = vgw_json_copy(row);
    c->do_not_call = vgw_map_new(NULL);
    vgw_strcopy(c->id, sizeof c->id, id);
    vgw_message_queue(id, c->queue.name);
    c->queue.campaign = c;
    if (c->row && vgw_map_set(d->campaigns, id, c) == 0) {
        unpack(c);
        return c;
    }
    vgw_campaign_free(c);
    return NULL;
}

bool vgw_campaign_runs(const struct vgw_campaign *c)
{
    return vgw_streq(status_of(c), "running");
}

/* What waits here goes back: to the store, or to nobody when there is nothing to be done any more. */
static void let_go(struct vgw_campaign *c, bool canceled)
{
    struct vgw_delivery *d = c->d;
    struct vgw_json *ops = vgw_json_array();
    int64_t wall_us = vgw_wall(d->env.loop);
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &d->waiting) {
        struct vgw_item *item = VGW_CONTAINER_OF(at, struct vgw_item, link);
        if (item->queue != &c->queue)
            continue;
        if (canceled)
            vgw_json_append(ops, vgw_record_op("delete", "jobs", vgw_message_key("job_id", item->message_id), NULL,
                                               vgw_message_key("owner", d->owner)));
        else
            vgw_attempt_postpone(item->row, d->owner, wall_us, wall_us, ops);
        vgw_item_free(item);
    }
    vgw_delivery_write(d, ops);
}

/* ---- counts ---- */

struct count {
    struct vgw_delivery *d;
    char id[VGW_ID_MAX];
    int64_t since_us;
};

static void on_changed(void *arg, int status, const char *sentence)
{
    if (status < 0)
        vgw_log(VGW_LOG_WARNING, NULL, "a campaign's new status could not be written", "error", sentence, NULL);
}

static void check_counts(struct vgw_campaign *c, const struct vgw_json *rows)
{
    struct vgw_delivery *d = c->d;
    int64_t total = 0, open = 0;
    double spent = 0;
    for (size_t i = 0; i < vgw_json_count(rows); i++) {
        const struct vgw_json *r = vgw_json_at(rows, i);
        const char *status = vgw_json_get_string(r, "status", "");
        int64_t n = vgw_json_get_int(r, "count", 0);
        total += n;
        open += vgw_streq(status, "queued") || vgw_streq(status, "calling") || vgw_streq(status, "retrying") ? n : 0;
        spent += vgw_json_get_double(r, "cost", 0);
    }
    c->spent = spent;
    if (total && !open && vgw_campaign_runs(c))
        vgw_campaign_set(d, c->id, "finished", NULL, on_changed, NULL, NULL);
    else
        vgw_campaign_spent(c, 0);
}

static void on_counted(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct count n = *(struct count *)arg;
    vgw_free(arg);
    if (!vgw_delivery_back(n.d))
        return;
    struct vgw_campaign *c = vgw_map_get(n.d->campaigns, n.id);
    if (!c)
        return;
    int64_t now_us = vgw_now(n.d->env.loop);
    c->counting = false;
    c->count_after_us = now_us + (now_us - n.since_us) * COUNT_SHARE;
    if (status == 0)
        check_counts(c, rows);
}

static void count(struct vgw_campaign *c)
{
    struct vgw_delivery *d = c->d;
    struct count *n = NULL;
    int64_t now_us = vgw_now(d->env.loop);
    struct vgw_json *filter = vgw_message_key("campaign_id", c->id), *what = vgw_campaign_tally();
    if (!c->counting && now_us >= c->count_after_us && filter && what && VGW_NEW(n)) {
        *n = (struct count){.d = d, .since_us = now_us};
        vgw_strcopy(n->id, sizeof n->id, c->id);
        c->counting = vgw_store_tally(d->env.store, "messages", filter, what, on_counted, n) == 0;
        d->requests += c->counting;
        if (!c->counting)
            vgw_free(n);
    }
    vgw_json_free(filter);
    vgw_json_free(what);
}

void vgw_campaign_spent(struct vgw_campaign *c, double cost)
{
    const struct vgw_delivery_settings *s = c->d->settings;
    double budget = c->budget > 0 ? c->budget : s->budget_per_day ? 0 : s->budget;
    c->spent += cost > 0 ? cost : 0;
    if (budget > 0 && c->spent >= budget && vgw_campaign_runs(c)) {
        vgw_log(VGW_LOG_WARNING, NULL, "a campaign has spent its budget and is paused", "campaign", c->id, NULL);
        vgw_campaign_set(c->d, c->id, "paused", "budget", on_changed, NULL, NULL);
    }
}

/* ---- the day's budget ---- */

/* Money spent on a day that is over does not count. */
static void check_day(struct vgw_delivery *d)
{
    const struct vgw_delivery_settings *s = d->settings;
    int64_t wall_us = vgw_wall(d->env.loop), left_us = DAY_US - wall_us % DAY_US;
    bool out = s->budget_per_day && s->budget > 0 && d->day == wall_us / DAY_US && d->day_spent >= s->budget;
    if (out && !d->budget_until_us)
        vgw_log(VGW_LOG_WARNING, NULL, "the budget of the day is spent: nobody is called before midnight UTC", NULL);
    d->budget_until_us = out ? vgw_now(d->env.loop) + left_us : 0;
}

void vgw_day_spent(struct vgw_delivery *d, double cost)
{
    int64_t day = vgw_wall(d->env.loop) / DAY_US;
    d->day_spent = (day == d->day ? d->day_spent : 0) + cost;
    d->day = day;
    check_day(d);
}

static void on_day_counted(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct vgw_delivery *d = arg;
    if (!vgw_delivery_back(d) || status < 0)
        return;
    d->day_spent = vgw_json_get_double(vgw_json_at(rows, 0), "cost", 0);
    d->day = vgw_wall(d->env.loop) / DAY_US;
    check_day(d);
    vgw_pump_soon(d, 0);
}

/* What all calls of the day have cost, as far as it is known. */
static void count_day(struct vgw_delivery *d)
{
    struct vgw_json *filter = vgw_message_key("direction", "outbound"), *what = vgw_json_object(),
                    *sum = vgw_json_array();
    int64_t wall_us = vgw_wall(d->env.loop);
    if (!d->settings->budget_per_day || d->settings->budget <= 0) {
        d->budget_until_us = 0;
        vgw_json_free(sum);
    } else {
        vgw_json_set_int(filter, "created_at>=", wall_us - wall_us % DAY_US);
        vgw_json_append_string(sum, "cost");
        vgw_json_set(what, "sum", sum);
        d->requests += vgw_store_tally(d->env.store, "calls", filter, what, on_day_counted, d) == 0;
    }
    vgw_json_free(filter);
    vgw_json_free(what);
}

/* ---- refreshing ---- */

static void drop_gone(struct vgw_delivery *d)
{
    const char *key;
    void *value;
    for (size_t i = 0; vgw_map_next(d->campaigns, &i, &key, &value);) {
        struct vgw_campaign *c = value;
        if (c->round == d->round)
            continue;
        vgw_json_set_string(c->row, "status", "finished");
        let_go(c, true);
        if (!c->queue.held && !c->counting)
            vgw_map_remove(d->campaigns, key);
    }
}

static void on_refreshed(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct vgw_delivery *d = arg;
    const char *key;
    void *value;
    if (!vgw_delivery_back(d))
        return;
    d->refreshing = false;
    vgw_timer_start(&d->campaign_timer, d->env.shared || d->busy ? REFRESH_US : QUIET_US);
    d->busy = false;
    if (status < 0)
        return;
    d->round++;
    for (size_t i = 0; i < vgw_json_count(rows); i++) {
        struct vgw_campaign *c = add(d, vgw_json_at(rows, i));
        if (c)
            c->round = d->round;
    }
    for (size_t i = 0; vgw_map_next(d->campaigns, &i, &key, &value);) {
        struct vgw_campaign *c = value;
        if (c->made_us + REFRESH_US > vgw_now(d->env.loop))
            c->round = d->round; /* it may be younger than the answer */
    }
    drop_gone(d);
    for (size_t i = 0; vgw_map_next(d->campaigns, &i, &key, &value);) {
        struct vgw_campaign *c = value;
        if (!vgw_campaign_runs(c))
            let_go(c, false);
        else if (c->round == d->round)
            count(c);
    }
    vgw_pump_soon(d, 0);
}

void vgw_campaigns_refresh(void *arg)
{
    struct vgw_delivery *d = arg;
    struct vgw_json *filter = vgw_json_object(), *in = vgw_json_array();
    vgw_json_append_string(in, "running");
    vgw_json_append_string(in, "paused");
    vgw_json_set(filter, "status", in);
    if (!d->ended)
        count_day(d);
    if (!d->refreshing && !d->ended &&
        vgw_store_query(d->env.store, "campaigns", filter, VGW_CAMPAIGNS_MAX, NULL, on_refreshed, d) == 0) {
        d->refreshing = true;
        d->requests++;
    } else if (!d->ended) {
        vgw_timer_start(&d->campaign_timer, REFRESH_US);
    }
    vgw_json_free(filter);
}

/* ---- for the API ---- */

bool vgw_campaign_about(struct vgw_delivery *d, const char *campaign_id, struct vgw_message_campaign *ret)
{
    const struct vgw_campaign *c = vgw_map_get(d->campaigns, campaign_id);
    const struct vgw_json *spec = c ? vgw_json_get(c->row, "spec") : NULL;
    if (!c)
        return false;
    *ret = (struct vgw_message_campaign){.campaign_id = c->id,
                                         .project_id = vgw_json_get_string(c->row, "project_id", "default"),
                                         .status = status_of(c),
                                         .voice_config = vgw_json_get_string(spec, "voice_config", NULL),
                                         .content = vgw_json_get_string(spec, "content", NULL),
                                         .message_type = vgw_json_get_string(spec, "message_type", NULL),
                                         .channel = vgw_json_get_string(spec, "channel", NULL),
                                         .from = vgw_json_get_string(spec, "from", NULL)};
    return true;
}

struct asking {
    struct vgw_delivery *d;
    struct vgw_json *row;
    vgw_delivery_accept_fn done;
    void *arg;
};

static struct asking *asking_new(struct vgw_delivery *d, struct vgw_json *row, vgw_delivery_accept_fn done, void *arg)
{
    struct asking *a;
    if (VGW_NEW(a))
        *a = (struct asking){d, row, done, arg};
    return a;
}

static void on_written(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct asking a = *(struct asking *)arg;
    vgw_free(arg);
    bool here = vgw_delivery_back(a.d);
    if (here && status == 0 && a.row) {
        struct vgw_campaign *c = add(a.d, a.row);
        if (c) {
            c->made_us = vgw_now(a.d->env.loop);
            c->round = a.d->round;
            emit(c);
        }
        a.d->busy = true;
        vgw_timer_start(&a.d->campaign_timer, REFRESH_US);
        vgw_delivery_wake(a.d);
    }
    a.done(a.arg, status, sentence);
    vgw_json_free(a.row);
}

/* Takes ops and row. */
static int write(struct vgw_delivery *d, struct vgw_json *ops, struct vgw_json *row, vgw_delivery_accept_fn done,
                 void *arg)
{
    struct asking *a = asking_new(d, row, done, arg);
    if (a && vgw_store_apply(d->env.store, ops, on_written, a) == 0) {
        d->requests++;
        return VGW_OK;
    }
    if (!a)
        vgw_json_free(ops);
    vgw_free(a);
    vgw_json_free(row);
    return VGW_ELIMIT;
}

int vgw_campaign_create(struct vgw_delivery *d, struct vgw_json *row, vgw_delivery_accept_fn done, void *arg)
{
    struct vgw_json *ops = vgw_json_array(), *values = vgw_json_copy(row);
    vgw_json_del(values, "campaign_id");
    vgw_json_append(ops, vgw_record_op("insert", "campaigns",
                                       vgw_message_key("campaign_id", vgw_json_get_string(row, "campaign_id", "")),
                                       values, NULL));
    return write(d, ops, row, done, arg);
}

static void on_loaded(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct asking a = *(struct asking *)arg;
    vgw_free(arg);
    if (vgw_delivery_back(a.d) && status == 0 && vgw_json_count(rows)) {
        struct vgw_campaign *c = add(a.d, vgw_json_at(rows, 0));
        if (c)
            c->made_us = vgw_now(a.d->env.loop); /* kept for as long as whoever asked needs it */
        status = c ? VGW_OK : VGW_ELIMIT;
    } else if (status == 0) {
        status = VGW_ENOTFOUND;
    }
    a.done(a.arg, status, status == VGW_ENOTFOUND ? "there is no such campaign" : sentence);
}

int vgw_campaign_load(struct vgw_delivery *d, const char *campaign_id, vgw_delivery_accept_fn done, void *arg)
{
    struct asking *a = asking_new(d, NULL, done, arg);
    struct vgw_json *filter = vgw_message_key("campaign_id", campaign_id);
    int rc = a && filter ? vgw_store_query(d->env.store, "campaigns", filter, 1, NULL, on_loaded, a) : VGW_ELIMIT;
    vgw_json_free(filter);
    if (rc == 0)
        d->requests++;
    else
        vgw_free(a);
    return rc;
}

/* Its messages that wait are canceled with it, wherever they wait. */
static void cancel_ops(const struct vgw_campaign *c, int64_t wall_us, struct vgw_json *ops)
{
    static const char *const open[] = {"queued", "retrying"};
    char queue[VGW_ID_MAX + 16];
    for (size_t i = 0; i < 2; i++) {
        struct vgw_json *key = vgw_message_key("campaign_id", c->id), *values = vgw_json_object();
        vgw_json_set_string(values, "status", "canceled");
        vgw_json_set_int(values, "finished_at", wall_us);
        vgw_json_set_int(values, "updated_at", wall_us);
        vgw_json_append(ops, vgw_record_op("update", "messages", key, values, vgw_message_key("status", open[i])));
    }
    vgw_message_queue(c->id, queue);
    struct vgw_json *nobody = vgw_json_object();
    vgw_json_set(nobody, "owner", NULL);
    vgw_json_append(ops, vgw_record_op("delete", "jobs", vgw_message_key("queue", queue), NULL, nobody));
}

int vgw_campaign_set(struct vgw_delivery *d, const char *campaign_id, const char *status, const char *reason,
                     vgw_delivery_accept_fn done, void *arg, struct vgw_error *err)
{
    struct vgw_campaign *c = vgw_map_get(d->campaigns, campaign_id);
    struct vgw_json *ops, *values, *row;
    int64_t wall_us = vgw_wall(d->env.loop);
    if (!c)
        return vgw_error_set(err, VGW_ENOTFOUND, "there is no campaign %s", campaign_id);
    if (vgw_streq(status_of(c), "canceled"))
        return vgw_error_set(err, VGW_EBUSY, "the campaign was canceled; make a new one");
    bool over = vgw_streq(status, "canceled") || vgw_streq(status, "finished");
    ops = vgw_json_array();
    values = vgw_json_object();
    row = vgw_json_copy(c->row);
    vgw_json_set_string(values, "status", status);
    vgw_json_set_string(values, "reason", reason);
    vgw_json_set_int(values, "updated_at", wall_us);
    vgw_json_set(values, "finished_at", over ? vgw_json_int(wall_us) : NULL);
    vgw_json_set_string(row, "status", status);
    vgw_json_set_string(row, "reason", reason);
    vgw_json_set_int(row, "updated_at", wall_us);
    vgw_json_set(row, "finished_at", over ? vgw_json_int(wall_us) : NULL);
    vgw_json_append(ops,
                    vgw_record_op("update", "campaigns", vgw_message_key("campaign_id", campaign_id), values, NULL));
    vgw_json_set_string(c->row, "status", status); /* at once here: nobody else of it is called */
    if (vgw_streq(status, "canceled"))
        cancel_ops(c, wall_us, ops);
    if (!vgw_streq(status, "running"))
        let_go(c, over);
    int rc = write(d, ops, row, done, arg);
    return rc < 0 ? vgw_error_set(err, rc, "too much is waiting for the store; try again in a moment") : VGW_OK;
}
