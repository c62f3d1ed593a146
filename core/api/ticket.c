/* ticket.c - tickets by text, in the order in which they end. */
#include "api/ticket.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/id.h"
#include "base/list.h"
#include "base/map.h"
#include "base/str.h"

struct ticket {
    struct vgw_list link;
    char text[VGW_TICKET_TEXT];
    struct vgw_grant *grant;
    int64_t end_us;
};
struct vgw_tickets {
    struct vgw_map *by_text;
    struct vgw_list order;
};

static void ticket_free(void *value)
{
    struct ticket *k = value;
    vgw_list_remove(&k->link);
    vgw_grant_unref(k->grant);
    vgw_free(k);
}

struct vgw_tickets *vgw_tickets_new(void)
{
    struct vgw_tickets *t;
    if (!VGW_NEW(t))
        return NULL;
    vgw_list_init(&t->order);
    t->by_text = vgw_map_new(ticket_free);
    if (t->by_text)
        return t;
    vgw_free(t);
    return NULL;
}

void vgw_tickets_free(struct vgw_tickets *t)
{
    if (!t)
        return;
    vgw_map_free(t->by_text);
    vgw_free(t);
}

static void drop_first(struct vgw_tickets *t)
{
    struct ticket *k = VGW_CONTAINER_OF(t->order.next, struct ticket, link);
    vgw_map_remove(t->by_text, k->text);
}

static void expire(struct vgw_tickets *t, int64_t now_us)
{
    while (!vgw_list_empty(&t->order) && VGW_CONTAINER_OF(t->order.next, struct ticket, link)->end_us <= now_us)
        drop_first(t);
}

int vgw_tickets_issue(struct vgw_tickets *t, struct vgw_grant *grant, int64_t now_us, char *out)
{
    struct ticket *k;
    uint8_t random[24];
    struct vgw_buf text;
    expire(t, now_us);
    if (vgw_map_count(t->by_text) >= VGW_TICKETS_MAX)
        drop_first(t);
    if (!VGW_NEW(k))
        return VGW_ELIMIT;
    vgw_random_bytes(random, sizeof random);
    vgw_buf_init(&text, 256);
    vgw_hex_encode(&text, random, sizeof random);
    vgw_strcopy(k->text, sizeof k->text, vgw_buf_str(&text));
    bool failed = text.failed;
    vgw_buf_done(&text);
    k->grant = vgw_grant_ref(grant);
    k->end_us = now_us + VGW_TICKET_US;
    if (failed || vgw_map_set(t->by_text, k->text, k) != VGW_OK) {
        ticket_free(k);
        return VGW_ELIMIT;
    }
    vgw_list_append(&t->order, &k->link);
    vgw_strcopy(out, VGW_TICKET_TEXT, k->text);
    return VGW_OK;
}

struct vgw_grant *vgw_tickets_take(struct vgw_tickets *t, const char *ticket, int64_t now_us)
{
    expire(t, now_us);
    struct ticket *k = ticket ? vgw_map_take(t->by_text, ticket) : NULL;
    if (!k)
        return NULL;
    struct vgw_grant *grant = vgw_grant_ref(k->grant);
    ticket_free(k);
    return grant;
}

void vgw_tickets_sweep(struct vgw_tickets *t, bool (*keep)(void *arg, const struct vgw_grant *grant), void *arg)
{
    struct vgw_list *p, *n;
    VGW_LIST_EACH (p, n, &t->order) {
        struct ticket *k = VGW_CONTAINER_OF(p, struct ticket, link);
        if (!keep(arg, k->grant))
            vgw_map_remove(t->by_text, k->text);
    }
}
