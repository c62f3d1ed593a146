/* throttle.h - token buckets by name (a token, an address), bounded in number. Pure; one thread. */
#ifndef VGW_API_THROTTLE_H
#define VGW_API_THROTTLE_H
#include <stdbool.h>
#include <stdint.h>

#define VGW_THROTTLE_MAX 20000u /* names; the one that was quiet longest makes room */
struct vgw_throttle;
struct vgw_throttle *vgw_throttle_new(void);    /* NULL: out of memory */
void vgw_throttle_free(struct vgw_throttle *t); /* takes NULL */
/** Takes one of `name`'s: 0, or the microseconds until there is one again. A rate of a second and more may come in one
 * burst of a second's worth, a slower one in a burst of a minute's (at least one). `take` false only looks. Out of
 * memory: 0. */
int64_t vgw_throttle_take(struct vgw_throttle *t, const char *name, double per_second, int64_t now_us, bool take);
#endif
