/* front.c - the front door's life, its slots and its count of connections by address. */
#include "net/front_impl.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include <string.h>
#include <unistd.h>

struct address_row {
    struct vgw_addr addr;
    uint32_t count;
};

static void take_defaults(struct vgw_front_limits *l)
{
#define DEFAULT(field, value) (l->field = l->field ? l->field : (value))
    DEFAULT(max_connections, 4096);
    DEFAULT(max_per_address, 256);
    DEFAULT(max_requests, 1000);
    DEFAULT(max_streams, 1024);
    DEFAULT(max_body_bytes, VGW_HTTP_BODY_DEFAULT);
    DEFAULT(stream_buffer_bytes, 256 * 1024);
    DEFAULT(head_timeout_us, 10 * VGW_US_PER_S);
    DEFAULT(body_timeout_us, 30 * VGW_US_PER_S);
    DEFAULT(idle_timeout_us, 30 * VGW_US_PER_S);
    DEFAULT(write_timeout_us, 30 * VGW_US_PER_S);
    DEFAULT(answer_timeout_us, 15 * VGW_US_PER_S);
#undef DEFAULT
}

int vgw_front_new(struct vgw_loop *loop, const struct vgw_front_handler *handler, const struct vgw_front_limits *limits,
                  struct vgw_front **ret_front, struct vgw_error *err)
{
    struct vgw_front *f;
    if (!VGW_NEW(f))
        return vgw_error_nomem(err);
    f->loop = loop;
    f->handler = *handler;
    if (limits)
        f->limits = *limits;
    take_defaults(&f->limits);
    vgw_list_init(&f->listeners);
    vgw_list_init(&f->conns);
    f->slot_cap = f->limits.max_connections;
    f->slots = vgw_calloc(f->slot_cap, sizeof *f->slots);
    f->free_slots = vgw_calloc(f->slot_cap, sizeof *f->free_slots);
    f->generations = vgw_calloc(f->slot_cap, sizeof *f->generations);
    /* A power of two above twice the connections, so that a free row is always near. */
    for (f->rows_cap = 64; f->rows_cap < 2ul * f->slot_cap;)
        f->rows_cap *= 2;
    f->rows = vgw_calloc(f->rows_cap, sizeof *f->rows);
    if (!f->slots || !f->free_slots || !f->generations || !f->rows) {
        vgw_front_free(f);
        return vgw_error_nomem(err);
    }
    for (uint32_t i = 0; i < f->slot_cap; i++)
        f->free_slots[f->free_len++] = f->slot_cap - 1 - i;
    f->m_conns = vgw_metric_family(VGW_METRIC_GAUGE, "voicegw_http_connections", "Open HTTP connections.", NULL);
    f->m_accepted =
        vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_http_accepted_total", "HTTP connections accepted.", NULL);
    f->m_requests = vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_http_requests_total",
                                      "HTTP answers by class of status.", "class");
    f->m_refused = vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_http_refused_total",
                                     "HTTP requests and connections refused by the front door.", "reason");
    *ret_front = f;
    return 0;
}

void vgw_front_free(struct vgw_front *f)
{
    if (!f)
        return;
    vgw_front_listeners_close(f, true);
    vgw_timer_stop(&f->accept_timer);
    struct vgw_list *pos, *next;
    VGW_LIST_EACH (pos, next, &f->conns)
        vgw_conn_close(VGW_CONTAINER_OF(pos, struct conn, link));
    vgw_free(f->slots);
    vgw_free(f->free_slots);
    vgw_free(f->generations);
    vgw_free(f->rows);
    vgw_free(f->trusted);
    vgw_free(f);
}

int vgw_front_trust(struct vgw_front *f, const struct vgw_cidr *cidrs, size_t count)
{
    struct vgw_cidr *copy = NULL;
    if (count) {
        copy = vgw_calloc(count, sizeof *copy);
        if (!copy)
            return VGW_ELIMIT;
        memcpy(copy, cidrs, count * sizeof *copy);
    }
    vgw_free(f->trusted);
    f->trusted = copy;
    f->trusted_len = count;
    return 0;
}

bool vgw_front_trusts(const struct vgw_front *f, const struct vgw_addr *addr)
{
    for (size_t i = 0; i < f->trusted_len; i++)
        if (vgw_cidr_holds(&f->trusted[i], addr))
            return true;
    return false;
}

/* ---- connections by address: linear probing, deletion by shifting back ---- */

static size_t row_home(const struct vgw_front *f, const struct vgw_addr *addr)
{
    /* One IPv6 customer owns a /64: it counts as one address. */
    return (size_t)vgw_hash64(addr->bytes, addr->family == 4 ? 4 : 8) & (f->rows_cap - 1);
}

static bool same_row(const struct vgw_addr *a, const struct vgw_addr *b)
{
    return a->family == b->family && !memcmp(a->bytes, b->bytes, a->family == 4 ? 4 : 8);
}

static struct address_row *row_find(struct vgw_front *f, const struct vgw_addr *addr)
{
    size_t i = row_home(f, addr);
    while (f->rows[i].count && !same_row(&f->rows[i].addr, addr))
        i = (i + 1) & (f->rows_cap - 1);
    return &f->rows[i];
}

bool vgw_front_address_enter(struct vgw_front *f, const struct vgw_addr *addr)
{
    struct address_row *row = row_find(f, addr);
    if (row->count >= f->limits.max_per_address)
        return false;
    row->addr = *addr;
    row->count++;
    return true;
}

void vgw_front_address_leave(struct vgw_front *f, const struct vgw_addr *addr)
{
    struct address_row *row = row_find(f, addr);
    if (!row->count || --row->count)
        return;
    size_t mask = f->rows_cap - 1, hole = (size_t)(row - f->rows);
    for (size_t i = (hole + 1) & mask; f->rows[i].count; i = (i + 1) & mask) {
        size_t home = row_home(f, &f->rows[i].addr);
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            f->rows[hole] = f->rows[i];
            f->rows[i].count = 0;
            hole = i;
        }
    }
}

/* ---- slots ---- */

struct conn *vgw_front_conn(struct vgw_front *f, uint64_t exchange)
{
    uint32_t slot = (uint32_t)(exchange >> 32);
    if (slot >= f->slot_cap || !f->slots[slot])
        return NULL;
    struct conn *c = f->slots[slot];
    return c->generation == (uint32_t)exchange ? c : NULL;
}

void vgw_front_drain(struct vgw_front *f)
{
    f->draining = true;
    vgw_front_listeners_close(f, false);
    struct vgw_list *pos, *next;
    VGW_LIST_EACH (pos, next, &f->conns)
        vgw_conn_idle_out(VGW_CONTAINER_OF(pos, struct conn, link));
}

void vgw_front_count(const struct vgw_front *f, unsigned *ret_connections, unsigned *ret_exchanges,
                     unsigned *ret_streams)
{
    if (ret_connections)
        *ret_connections = f->conn_count;
    if (ret_exchanges)
        *ret_exchanges = f->exchange_count;
    if (ret_streams)
        *ret_streams = f->stream_count;
}
