/* pool.h - lanes of threads for what may take time: cpu (recognition, synthesis; fair, one strand a stream), db (one
 * thread), io (files, DNS, recordings). In virtual mode jobs run inline when the driver says so. */
#ifndef VGW_LOOP_POOL_H
#define VGW_LOOP_POOL_H
#include <stdint.h>
#include "loop/loop.h"

enum vgw_lane { VGW_LANE_CPU, VGW_LANE_DB, VGW_LANE_IO, VGW_LANE_COUNT };

struct vgw_pool;
/** A job, embedded in its owner or allocated by it; must live until `done` ran (or `work`, without done). */
struct vgw_job {
    struct vgw_job *next;    /* private */
    struct vgw_task task;    /* private: carries done home */
    void (*work)(void *arg); /* on a pool thread; may block, must end */
    void (*done)(void *arg); /* on `home`, or NULL */
    void *arg;
    struct vgw_loop *home;
    uint64_t strand; /* jobs of one strand run one after another, in order; 0: no order */
    enum vgw_lane lane;
};
struct vgw_driver;
/** Threads for each lane: cpu as given (0: number of cores), db 1, io 2. `driver` not NULL: virtual, no threads. */
int vgw_pool_new(unsigned cpu_threads, struct vgw_driver *driver, struct vgw_pool **ret_pool, struct vgw_error *err);
/** Finishes queued jobs, joins threads. Takes NULL. */
void vgw_pool_free(struct vgw_pool *pool);
/** Queues a job: 0, or VGW_ELIMIT when the lane holds its maximum (10,000). Strands are served round robin. Thread:
 * any. */
int vgw_pool_submit(struct vgw_pool *pool, struct vgw_job *job);
/** Fresh strand number, never 0. Thread: any. */
uint64_t vgw_pool_strand(struct vgw_pool *pool);
/** Jobs waiting or running in a lane. Thread: any. */
unsigned vgw_pool_depth(const struct vgw_pool *pool, enum vgw_lane lane);
/** Is the calling thread one of the pool's (in virtual mode: inside a job)? Thread: any. */
bool vgw_pool_is_here(const struct vgw_pool *pool);

#endif
