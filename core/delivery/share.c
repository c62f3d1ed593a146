/* share.c - gateways that share a store share the limits: each keeps a lease, counts those of the others, and takes its
 * part. One that comes waits until the others have seen it; the part of one that is lost comes back with its lease. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "delivery/inside.h"

#define BEAT_US (2 * VGW_US_PER_S)
#define TTL_US (10 * VGW_US_PER_S)
#define MEMBERS_MAX 1000u
#define PREFIX "gateway/"

static void lease_name(const struct vgw_delivery *d, char out[VGW_ID_MAX + 16])
{
    snprintf(out, VGW_ID_MAX + 16, PREFIX "%s", d->owner);
}

static void on_members(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct vgw_delivery *d = arg;
    char mine[VGW_ID_MAX + 16];
    uint32_t members = 0, rank = 0;
    bool seen = false;
    if (!vgw_delivery_back(d))
        return;
    vgw_timer_start(&d->share_timer, BEAT_US);
    lease_name(d, mine);
    for (size_t i = 0; i < vgw_json_count(rows); i++) {
        int order = strcmp(vgw_json_get_string(vgw_json_at(rows, i), "name", ""), mine);
        members++;
        rank += order < 0;
        seen |= order == 0;
    }
    if (status < 0 || !seen)
        return;
    if (members != d->members) {
        char count[16];
        snprintf(count, sizeof count, "%u", members);
        vgw_log(VGW_LOG_INFO, NULL, "limits are shared with the other gateways of this store", "gateways", count, NULL);
    }
    if (!d->members) /* the others see this one with their next beat */
        d->store_after_us = vgw_now(d->env.loop) + (members > 1 ? BEAT_US + VGW_US_PER_S / 2 : 0);
    d->members = members;
    vgw_limits_share(d->limits, rank, members);
    vgw_pump_soon(d, 0);
}

static void on_beaten(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct vgw_delivery *d = arg;
    if (!vgw_delivery_back(d))
        return;
    struct vgw_json *filter = vgw_message_key("name~", PREFIX);
    vgw_json_set_int(filter, "expires_at>", vgw_wall(d->env.loop));
    if (status == 0 && vgw_store_query(d->env.store, "leases", filter, MEMBERS_MAX, NULL, on_members, d) == 0)
        d->requests++;
    else
        vgw_timer_start(&d->share_timer, BEAT_US);
    vgw_json_free(filter);
}

void vgw_share_beat(void *arg)
{
    struct vgw_delivery *d = arg;
    char name[VGW_ID_MAX + 16];
    lease_name(d, name);
    if (vgw_store_lease_acquire(d->env.store, name, d->owner, TTL_US, on_beaten, d) == 0)
        d->requests++;
    else
        vgw_timer_start(&d->share_timer, BEAT_US);
}

void vgw_share_leave(struct vgw_delivery *d)
{
    struct vgw_json *ops = vgw_json_array(), *values = vgw_json_object(), *op = vgw_json_object();
    char name[VGW_ID_MAX + 16];
    vgw_timer_stop(&d->share_timer);
    lease_name(d, name);
    vgw_json_set_int(values, "expires_at", 0);
    vgw_json_set_string(op, "op", "update");
    vgw_json_set_string(op, "table", "leases");
    vgw_json_set(op, "key", vgw_message_key("name", name));
    vgw_json_set(op, "values", values);
    vgw_json_append(ops, op);
    vgw_delivery_write(d, ops);
}
