/* watchdog.h - pings every loop and lane; the service manager is fed only when all answered the last ping. */
#ifndef VGW_LOOP_WATCHDOG_H
#define VGW_LOOP_WATCHDOG_H
#include "loop/loop.h"
#include "loop/pool.h"

struct vgw_watchdog;
/** Every `period_us` on `control`: if all `loops` and the db lane answered the last ping, calls fed(arg), else
 * late(arg, name) once for each part that did not; then pings again. */
int vgw_watchdog_new(struct vgw_loop *control, struct vgw_loop *const *loops, size_t count, struct vgw_pool *pool,
                     int64_t period_us, void (*fed)(void *arg), void (*late)(void *arg, const char *name), void *arg,
                     struct vgw_watchdog **ret_dog);
/** Waits for nothing: pings still under way are dropped safely. Takes NULL. */
void vgw_watchdog_free(struct vgw_watchdog *dog);
#endif
