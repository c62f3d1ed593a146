/* ratelimit.h - token buckets by key, in a bounded table that forgets the one used longest ago. Pure: time is an
 * argument. Not thread safe. */
#ifndef VGW_NET_RATELIMIT_H
#define VGW_NET_RATELIMIT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vgw_ratelimit;
/** A limiter of `per_second` events a key with bursts of `burst` (at least 1), remembering at most `max_keys` (0:
 * 10,000). NULL when out of memory. */
struct vgw_ratelimit *vgw_ratelimit_new(double per_second, double burst, size_t max_keys);
void vgw_ratelimit_free(struct vgw_ratelimit *l); /* takes NULL */
/** A reload's new rate; buckets keep their fill, cut at the new burst. */
void vgw_ratelimit_set(struct vgw_ratelimit *l, double per_second, double burst);
/** Takes one token for `key`: true, or false with *ret_wait_us (may be NULL): when one will be there. Out of memory
 * counts as true. */
bool vgw_ratelimit_take(struct vgw_ratelimit *l, const char *key, int64_t now_us, int64_t *ret_wait_us);
/** The same question without taking. */
bool vgw_ratelimit_peek(const struct vgw_ratelimit *l, const char *key, int64_t now_us, int64_t *ret_wait_us);
size_t vgw_ratelimit_count(const struct vgw_ratelimit *l);

#endif
