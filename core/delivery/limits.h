/* limits.h - how fast and how many: token buckets and counts for providers, numbers and campaigns. Pure: time is an
 * argument. Control thread. */
#ifndef VGW_DELIVERY_LIMITS_H
#define VGW_DELIVERY_LIMITS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "delivery/settings.h"

enum vgw_limit_kind { VGW_LIMIT_PROVIDER, VGW_LIMIT_NUMBER, VGW_LIMIT_CAMPAIGN, VGW_LIMIT_KINDS };
/** What an attempt counts against; NULL or "": nothing of that kind. Borrowed. */
struct vgw_limit_keys {
    const char *keys[VGW_LIMIT_KINDS];
    struct vgw_limit own[VGW_LIMIT_KINDS]; /* all 0: the kind's own; a campaign may bring another */
};
struct vgw_limits;
struct vgw_limits *vgw_limits_new(void); /* NULL: out of memory */
void vgw_limits_free(struct vgw_limits *l);
void vgw_limits_set(struct vgw_limits *l, enum vgw_limit_kind kind, struct vgw_limit limit);
/** Gateways that share a store share the limits: this is number `rank` (from 0) of `members`. */
void vgw_limits_share(struct vgw_limits *l, uint32_t rank, uint32_t members);
/** Takes a token and a place of each; or none of them, with why ("rate" or "concurrent") and when it is worth asking
 * again (0: when a place comes back). */
bool vgw_limits_take(struct vgw_limits *l, const struct vgw_limit_keys *keys, int64_t now_us, int64_t *ret_wait_us,
                     const char **ret_why);
/** Gives the places back; tokens are spent. */
void vgw_limits_release(struct vgw_limits *l, const struct vgw_limit_keys *keys);
/** Places that are taken. */
uint32_t vgw_limits_used(const struct vgw_limits *l, enum vgw_limit_kind kind, const char *key);
#endif
