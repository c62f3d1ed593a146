/* loop.h - one small interface over the libraries' loops: timers, descriptors, posts. Control runs on libevent
 * (control.c), workers on libuv (worker.c), tests on a virtual clock (driver.h). One heap of timers a loop; the library
 * is armed for its head only.
 *
 * Everything but vgw_loop_post(), vgw_loop_call() and vgw_loop_is_here() belongs to the loop's own thread. */
#ifndef VGW_LOOP_LOOP_H
#define VGW_LOOP_LOOP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

struct vgw_loop;

/** Now, monotonic microseconds: read once for each turn of the loop, so all that happens in one callback happens at one
 * time. */
int64_t vgw_now(const struct vgw_loop *loop);
/** The same clocks, read from a thread that is not the loop's. [any] */
int64_t vgw_now_outside(const struct vgw_loop *loop);
int64_t vgw_wall_outside(const struct vgw_loop *loop);
/** Wall clock, microseconds since 1970, on the same terms. For records and ids only. */
int64_t vgw_wall(const struct vgw_loop *loop);
const char *vgw_loop_name(const struct vgw_loop *loop);
/** Is the calling thread this loop's? In virtual mode: is this the loop that is being stepped, or none (a test that
 * sets up)? Thread: any. */
bool vgw_loop_is_here(const struct vgw_loop *loop);
/** The loop whose callback is running on this thread, or NULL. Thread: any. */
struct vgw_loop *vgw_loop_here(void);

/* ---- timers: embedded in their owner, no allocation ---- */
typedef void (*vgw_timer_fn)(void *arg);
struct vgw_timer {
    struct vgw_loop *loop;
    vgw_timer_fn fn;
    void *arg;
    int64_t deadline_us;
    uint64_t order;    /* ties fire in order of start */
    size_t heap_index; /* 0: not armed */
};
void vgw_timer_init(struct vgw_timer *t, struct vgw_loop *loop, vgw_timer_fn fn, void *arg);
/** (Re)arms for now + delay; a negative delay is 0. Fires once, never from inside this call. VGW_ELIMIT when the heap
 * cannot grow (then the timer is not armed). */
int vgw_timer_start(struct vgw_timer *t, int64_t delay_us);
int vgw_timer_start_at(struct vgw_timer *t, int64_t deadline_us);
void vgw_timer_stop(struct vgw_timer *t); /* bears one that is not armed, or zeroed */
static inline bool vgw_timer_armed(const struct vgw_timer *t)
{
    return t->heap_index != 0;
}

/* ---- descriptors ---- */
#define VGW_IO_READ 1u
#define VGW_IO_WRITE 2u
typedef void (*vgw_io_fn)(void *arg, unsigned events);
struct vgw_io;
/** Watches `fd` (non-blocking; stays the caller's) level-triggered. NULL when out of memory or virtual. */
struct vgw_io *vgw_io_new(struct vgw_loop *loop, int fd, vgw_io_fn fn, void *arg);
/** Sets what is waited for (0: nothing). */
int vgw_io_want(struct vgw_io *io, unsigned events);
/** Stops watching; `fn` is not called afterwards, also when called from inside it. Takes NULL. */
void vgw_io_free(struct vgw_io *io);

/* ---- posts from other threads ---- */
/** A message node, embedded in its owner (stop and terminal messages cannot fail for want of memory). */
struct vgw_task {
    struct vgw_task *next; /* private */
    void (*fn)(struct vgw_task *task);
    int queued; /* private, atomic */
};
/** Runs task->fn on the loop's thread, in order for a sender. false: the node is still queued from before (posts
 * coalesce). The node must live until it ran. Wakes the loop only when its queue was empty. Thread: any. */
bool vgw_loop_post(struct vgw_loop *loop, struct vgw_task *task);
/** The same with a node of its own: at most `VGW_LOOP_CALLS_MAX` outstanding a loop, else VGW_ELIMIT. Thread: any. */
#define VGW_LOOP_CALLS_MAX 65536
int vgw_loop_call(struct vgw_loop *loop, void (*fn)(void *arg), void *arg);
/** Messages waiting; for metrics. Thread: any. */
size_t vgw_loop_backlog(const struct vgw_loop *loop);

/* ---- life ---- */
/** The control loop, on libevent, for the calling thread. */
int vgw_loop_new_control(struct vgw_loop **ret_loop, struct vgw_error *err);
/** A worker on libuv with a thread of its own (all signals blocked there). It runs at once. `setup(arg)` runs first on
 * its thread (may be NULL). */
int vgw_loop_new_worker(const char *name, void (*setup)(struct vgw_loop *loop, void *arg), void *arg,
                        struct vgw_loop **ret_loop, struct vgw_error *err);
/** Runs a control loop until vgw_loop_stop(). A virtual one: with all the loops of its driver. */
void vgw_loop_run(struct vgw_loop *loop);
/** Ends run() after the current turn; for a worker: ends its thread once posted messages before this were handled.
 * Thread: any. */
void vgw_loop_stop(struct vgw_loop *loop);
/** Joins a stopped worker's thread and frees. Control: frees. Pending posts run first. Takes NULL. */
void vgw_loop_free(struct vgw_loop *loop);
/** The uv_loop_t of a worker, as void*, for libwebsockets' foreign loop; NULL for others. Used by net/ws only. */
void *vgw_loop_uv(struct vgw_loop *loop);
/** True for a loop of the virtual driver. */
bool vgw_loop_is_virtual(const struct vgw_loop *loop);

/* ---- signals: control only ---- */
/** Calls fn(signo) on the loop for SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD as asked. */
int vgw_loop_on_signal(struct vgw_loop *loop, int signo, void (*fn)(void *arg, int signo), void *arg);

#endif
