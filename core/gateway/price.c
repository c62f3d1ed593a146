/* price.c - prices that come when an earlier run has ended: of calls that it had finished, and of those that were cut
 * off. */
#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "gateway/gateway_private.h"
#include "store/record.h"

#define LOOK_BACK_US (15 * 60 * VGW_US_PER_S) /* a vendor that has not told a price by then tells none */
#define UNPRICED_MAX 500u

struct price { /* of a call; is it the only one of its session? */
    struct vgw_gateway *g;
    char session[VGW_ID_MAX], currency[8];
    double cost;
};

static void write(struct vgw_gateway *g, struct vgw_json *op)
{
    vgw_store_write(g->store, op, VGW_STORE_JOURNALLED, NULL);
}

static void on_session_calls(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct price *p = arg;
    struct vgw_record_session session;
    if (status == 0 && vgw_json_count(rows) == 1 && !p->g->ending) {
        vgw_record_session_init(&session, p->session);
        session.cost = p->cost;
        session.currency = p->currency;
        session.updated_us = vgw_wall(p->g->loop);
        write(p->g, vgw_record_session_op(&session));
    }
    vgw_free(p);
}

void vgw_gateway_store_price(struct vgw_gateway *g, const char *call_id, const char *session_id, double cost,
                             const char *currency)
{
    struct vgw_record_call call;
    struct price *p;
    struct vgw_json *filter = vgw_json_object(), *ops = vgw_json_array();
    vgw_record_call_init(&call, call_id);
    call.cost = cost;
    call.currency = currency;
    call.updated_us = vgw_wall(g->loop);
    vgw_json_append(ops, vgw_record_call_op(&call));
    if (g->delivery)
        vgw_delivery_on_cost(g->delivery, call_id, session_id, cost, currency, ops);
    else
        write(g, ops);
    if (VGW_NEW(p)) {
        *p = (struct price){.g = g, .cost = cost};
        vgw_strcopy(p->session, sizeof p->session, session_id);
        vgw_strcopy(p->currency, sizeof p->currency, currency);
        vgw_json_set_string(filter, "session_id", session_id);
        if (vgw_store_query(g->store, "calls", filter, 2, NULL, on_session_calls, p) < 0)
            vgw_free(p);
    }
    vgw_json_free(filter);
}

static void on_unpriced(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct vgw_gateway *g = arg;
    for (size_t i = 0; status == 0 && !g->ending && i < vgw_json_count(rows); i++) {
        const struct vgw_json *row = vgw_json_at(rows, i);
        struct vgw_restart_call call = {.provider = vgw_json_get_string(row, "provider", NULL),
                                        .provider_call_id = vgw_json_get_string(row, "provider_call_id", NULL),
                                        .session_id = vgw_json_get_string(row, "session_id", NULL),
                                        .call_id = vgw_json_get_string(row, "call_id", NULL),
                                        .over = true};
        if (call.provider && call.provider_call_id && vgw_registry_current(g->registry, "providers", call.provider))
            vgw_gateway_restart_add(g, &call);
    }
}

void vgw_gateway_prices_ask(struct vgw_gateway *g)
{
    struct vgw_json *filter = vgw_json_object(), *statuses = vgw_json_array();
    vgw_json_append_string(statuses, "completed");
    vgw_json_append_string(statuses, "interrupted");
    vgw_json_set(filter, "status", statuses);
    vgw_json_set_string(filter, "cost", NULL);
    vgw_json_set_int(filter, "created_at>=", vgw_wall(g->loop) - LOOK_BACK_US);
    vgw_store_query(g->store, "calls", filter, UNPRICED_MAX, NULL, on_unpriced, g);
    vgw_json_free(filter);
}
