/* driver.h - virtual time: one thread steps control, workers and pool jobs in an order drawn from a seed, drains all
 * mailboxes until quiet, then jumps to the next deadline. The same objects run as in real time, so thousands of thread
 * orders are explored. */
#ifndef VGW_LOOP_DRIVER_H
#define VGW_LOOP_DRIVER_H
#include <stdint.h>
#include "loop/loop.h"
#include "loop/pool.h"

struct vgw_driver;
/** `wall_us`: the wall clock at the start. */
struct vgw_driver *vgw_driver_new(uint64_t seed, int64_t wall_us);
void vgw_driver_free(struct vgw_driver *d);
/** A loop of this driver (control or worker makes no difference). Freed by vgw_loop_free(). */
struct vgw_loop *vgw_driver_loop(struct vgw_driver *d, const char *name);
/** Steps everything until virtual time reaches now + us (or nothing is left to do and time stands at that). */
void vgw_driver_run(struct vgw_driver *d, int64_t us);
/** Steps until `done(arg)` holds or the time limit passed; true when it held. */
bool vgw_driver_run_until(struct vgw_driver *d, bool (*done)(void *arg), void *arg, int64_t limit_us);
/** One quiet-down at the present time: mailboxes and jobs, no jump. */
void vgw_driver_settle(struct vgw_driver *d);
int64_t vgw_driver_now(const struct vgw_driver *d);
/** The wall clock is set by somebody: forward, or back. Virtual time goes on as it was. */
void vgw_driver_set_clock(struct vgw_driver *d, int64_t by_us);
/** While held (counted), time does not jump: outside work is open. A run then waits for posts from other threads, at
 * most 30 s of real time for each. Thread: any, release too. */
void vgw_driver_hold(struct vgw_driver *d);
void vgw_driver_release(struct vgw_driver *d);
/** Sets an invariant that is checked after every step (tests); `check` aborts when it does not hold. */
void vgw_driver_invariant(struct vgw_driver *d, void (*check)(void *arg), void *arg);
struct vgw_rng *vgw_driver_rng(struct vgw_driver *d);
uint64_t vgw_driver_steps(const struct vgw_driver *d);
#endif
