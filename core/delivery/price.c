/* price.c - prices that come behind the end of an attempt. */
#include "base/alloc.h"
#include "base/str.h"
#include "delivery/inside.h"

struct priced { /* which message was it? */
    struct vgw_delivery *d;
    char call_id[VGW_ID_MAX], currency[8];
    double cost;
    struct vgw_json *ops; /* to be written with the message's */
};

/* What was to be written with it is written, also when no message bears the price. */
static void priced_free(struct priced *p, bool here)
{
    if (here)
        vgw_delivery_write(p->d, p->ops);
    else
        vgw_json_free(p->ops);
    vgw_free(p);
}

void vgw_price_awaited(struct vgw_delivery *d, const char *call_id, const char *message_id)
{
    const char *oldest;
    void *value;
    size_t at = 0;
    char *id = vgw_strdup(message_id);
    if (vgw_map_count(d->late) >= VGW_DELIVERY_LATE_MAX && vgw_map_next(d->late, &at, &oldest, &value))
        vgw_map_remove(d->late, oldest);
    if (!id || vgw_map_set(d->late, call_id, id) < 0)
        vgw_free(id);
}

/* The record of the call is still on its way: the price is settled with it. */
static bool keep(const struct priced *p, struct vgw_item *item)
{
    if (!item || !vgw_streq(item->call_id, p->call_id))
        return false;
    item->priced = true;
    item->price = p->cost;
    vgw_strcopy(item->currency, sizeof item->currency, p->currency);
    return true;
}

/* Its campaign's budget counts it as well. */
static void put(struct priced *p, struct vgw_json *row)
{
    struct vgw_delivery *d = p->d;
    const char *id = vgw_json_get_string(row, "campaign_id", NULL);
    struct vgw_campaign *c = id ? vgw_map_get(d->campaigns, id) : NULL;
    double more = 0;
    if (vgw_attempt_price(row, p->call_id, p->cost, p->currency, &more, p->ops) < 0 || more <= 0)
        return;
    vgw_day_spent(d, more);
    if (c)
        vgw_campaign_spent(c, more);
}

static void on_message(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct priced *p = arg;
    const struct vgw_json *row = vgw_json_at(rows, 0);
    bool here = vgw_delivery_back(p->d);
    if (here && status == 0 && row) {
        struct vgw_item *item = vgw_map_get(p->d->held, vgw_json_get_string(row, "message_id", ""));
        struct vgw_json *copy = item ? vgw_json_ref(item->row) : vgw_json_copy(row);
        if (copy && !keep(p, item))
            put(p, copy);
        vgw_json_free(copy);
    }
    priced_free(p, here);
}

/* True: on_message() frees it. */
static bool ask(struct priced *p, const char *message_id)
{
    struct vgw_item *item = vgw_map_get(p->d->held, message_id);
    struct vgw_json *filter = item ? NULL : vgw_message_key("message_id", message_id);
    bool asked = false;
    if (item && !keep(p, item))
        put(p, item->row);
    else if (!item)
        asked = vgw_store_query(p->d->env.store, "messages", filter, 1, NULL, on_message, p) == 0;
    p->d->requests += asked;
    vgw_json_free(filter);
    return asked;
}

/* A session that delivers a message bears its id. */
static void on_session(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct priced *p = arg;
    const char *id = vgw_json_get_string(vgw_json_get(vgw_json_at(rows, 0), "variables"), "message_id", NULL);
    bool here = vgw_delivery_back(p->d);
    if (!here || status < 0 || !id || !ask(p, id))
        priced_free(p, here);
}

void vgw_delivery_on_cost(struct vgw_delivery *d, const char *call_id, const char *session_id, double cost,
                          const char *currency, struct vgw_json *ops)
{
    const char *known = vgw_map_get(d->late, call_id);
    struct priced *p;
    bool asked = false;
    if (d->ended || !ops || !VGW_NEW(p)) {
        vgw_json_free(ops);
        return;
    }
    *p = (struct priced){.d = d, .cost = cost, .ops = ops};
    vgw_strcopy(p->call_id, sizeof p->call_id, call_id);
    vgw_strcopy(p->currency, sizeof p->currency, currency ? currency : "USD");
    if (keep(p, vgw_map_get(d->calls, call_id))) {
        asked = false;
    } else if (known) {
        asked = ask(p, known);
    } else if (session_id && *session_id) {
        struct vgw_json *filter = vgw_message_key("session_id", session_id);
        asked = vgw_store_query(d->env.store, "sessions", filter, 1, NULL, on_session, p) == 0;
        d->requests += asked;
        vgw_json_free(filter);
    }
    if (!asked)
        priced_free(p, true);
}
