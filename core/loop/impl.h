/* impl.h - what the three kinds of loops share; for the files of loop/ only. */
#ifndef VGW_LOOP_IMPL_H
#define VGW_LOOP_IMPL_H
#include <pthread.h>
#include "loop/heap.h"
#include "loop/loop.h"
#include "loop/mailbox.h"

struct vgw_io {
    struct vgw_loop *loop;
    vgw_io_fn fn;
    void *arg;
    int fd;
    unsigned want;
};

struct vgw_loop_ops {
    void (*wake)(struct vgw_loop *loop); /* any thread */
    struct vgw_io *(*io_new)(struct vgw_loop *loop, int fd, vgw_io_fn fn, void *arg);
    int (*io_want)(struct vgw_io *io, unsigned events);
    void (*io_free)(struct vgw_io *io);
    void (*stop)(struct vgw_loop *loop);    /* on the loop: end after this turn */
    void (*destroy)(struct vgw_loop *loop); /* frees the loop, vgw_loop_done() included */
};

/** The head of each kind's own struct. */
struct vgw_loop {
    const struct vgw_loop_ops *ops;
    char name[32];
    pthread_t owner; /* control, virtual: the thread that made it */
    bool has_thread; /* worker: a thread of its own */
    bool turning;    /* the library's loop runs: clocks are cached */
    bool now_fresh, wall_fresh;
    int64_t now_us, wall_us;
    const struct vgw_driver *driver; /* virtual loops */
    struct vgw_heap timers;
    uint64_t timer_order;
    struct vgw_mailbox box;
    struct vgw_task stop_task;
    int stop_asked; /* atomic */
    unsigned calls; /* atomic: outstanding vgw_loop_call() */
};

void vgw_loop_init(struct vgw_loop *loop, const struct vgw_loop_ops *ops, const char *name);
/** Frees what vgw_loop_init() and use have made; timers that are still armed are disarmed. */
void vgw_loop_done(struct vgw_loop *loop);
/** The clocks are read anew at the next question. */
void vgw_loop_new_turn(struct vgw_loop *loop);
/** Marks the loop whose callback runs on this thread; returns the one before, to be put back. */
struct vgw_loop *vgw_loop_enter(struct vgw_loop *loop);
/** Says that a pool's job runs on this thread, so it speaks for no loop; returns what was said before. */
bool vgw_loop_enter_job(bool now);
/** Fires the timers that are due; those started meanwhile wait for the next sweep. */
void vgw_loop_fire(struct vgw_loop *loop);
/** Fires the head if it is due. */
bool vgw_loop_fire_one(struct vgw_loop *loop);
/** Runs waiting posts, at most `max`; true when some are left. */
bool vgw_loop_deliver(struct vgw_loop *loop, size_t max);
/** The head's deadline, or INT64_MAX. */
int64_t vgw_loop_deadline(const struct vgw_loop *loop);

/** Posts handled in one turn before timers and descriptors have theirs. */
#define VGW_LOOP_BATCH 1024u

/* driver.c and pool.c know each other. */
struct vgw_pool;
int64_t vgw_driver_wall(const struct vgw_driver *d);
void vgw_driver_add_pool(struct vgw_driver *d, struct vgw_pool *pool);
void vgw_driver_remove_pool(struct vgw_driver *d, struct vgw_pool *pool);
void vgw_driver_wake(struct vgw_driver *d);
/** vgw_loop_run() of a virtual loop: the driver steps all of them until this one is stopped. Aborts when nothing is
 * left that could. */
void vgw_driver_run_loop(struct vgw_loop *loop);
/** Runs the next job of a lane; false when there is none. */
bool vgw_pool_step(struct vgw_pool *pool, int lane);
bool vgw_pool_has(struct vgw_pool *pool, int lane);
#endif
