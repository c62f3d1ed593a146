#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include "loop/driver.h"
#include "loop/impl.h"
#include "base/alloc.h"
#include "base/id.h"
#include "base/list.h"
#include "base/time.h"

#define POOLS_MAX 4
#define HOLD_LIMIT_S 30 /* of real time without a sign of life from what holds */

struct vloop {
    struct vgw_loop loop;
    struct vgw_driver *driver;
    struct vgw_list link;
    bool stopping;
};

struct vgw_driver {
    struct vgw_rng rng;
    int64_t now_us, start_us, wall_us;
    struct vgw_list loops;
    struct vgw_pool *pools[POOLS_MAX];
    uint64_t steps;
    void (*check)(void *arg);
    void *check_arg;
    pthread_mutex_t mutex; /* holds and signs from other threads */
    pthread_cond_t cond;
    unsigned holds;
    uint64_t signs;
};

static struct vloop *of(struct vgw_loop *loop)
{
    return VGW_CONTAINER_OF(loop, struct vloop, loop);
}

void vgw_driver_wake(struct vgw_driver *d)
{
    pthread_mutex_lock(&d->mutex);
    d->signs++;
    pthread_cond_signal(&d->cond);
    pthread_mutex_unlock(&d->mutex);
}

static void wake(struct vgw_loop *loop)
{
    vgw_driver_wake(of(loop)->driver);
}

static void stop(struct vgw_loop *loop)
{
    of(loop)->stopping = true;
}

static void destroy(struct vgw_loop *loop)
{
    struct vloop *v = of(loop);
    struct vgw_loop *before = vgw_loop_enter(loop);
    vgw_loop_deliver(loop, SIZE_MAX);
    vgw_loop_enter(before == loop ? NULL : before);
    vgw_list_remove(&v->link);
    vgw_loop_done(loop);
    vgw_free(v);
}

static const struct vgw_loop_ops ops = {.wake = wake, .stop = stop, .destroy = destroy};

struct vgw_driver *vgw_driver_new(uint64_t seed, int64_t wall_us)
{
    struct vgw_driver *d;
    if (!VGW_NEW(d))
        return NULL;
    vgw_rng_seed(&d->rng, seed);
    /* Not zero, so that nobody's "no time yet" is mistaken for the beginning. */
    d->start_us = d->now_us = VGW_US_PER_S;
    d->wall_us = wall_us;
    vgw_list_init(&d->loops);
    pthread_mutex_init(&d->mutex, NULL);
    pthread_cond_init(&d->cond, NULL);
    return d;
}

void vgw_driver_free(struct vgw_driver *d)
{
    if (!d)
        return;
    pthread_cond_destroy(&d->cond);
    pthread_mutex_destroy(&d->mutex);
    vgw_free(d);
}

struct vgw_loop *vgw_driver_loop(struct vgw_driver *d, const char *name)
{
    struct vloop *v;
    if (!VGW_NEW(v))
        return NULL;
    vgw_loop_init(&v->loop, &ops, name);
    v->loop.driver = d;
    v->driver = d;
    vgw_list_append(&d->loops, &v->link);
    return &v->loop;
}

void vgw_driver_add_pool(struct vgw_driver *d, struct vgw_pool *pool)
{
    for (int i = 0; i < POOLS_MAX; i++) {
        if (!d->pools[i]) {
            d->pools[i] = pool;
            return;
        }
    }
}

void vgw_driver_remove_pool(struct vgw_driver *d, struct vgw_pool *pool)
{
    for (int i = 0; i < POOLS_MAX; i++) {
        if (d->pools[i] == pool)
            d->pools[i] = NULL;
    }
}

/* One thing that could happen now. */
struct choice {
    struct vloop *loop;
    struct vgw_pool *pool;
    int lane;
    bool is_timer;
};

/* Draws one of all that could happen: each new candidate replaces the one kept with probability 1/n. */
static void offer(struct vgw_driver *d, unsigned *n, struct choice *kept, struct choice candidate)
{
    if (vgw_rng_below(&d->rng, ++*n) == 0)
        *kept = candidate;
}

static bool step(struct vgw_driver *d)
{
    struct choice c = {0};
    unsigned n = 0;
    struct vgw_list *pos, *nxt;
    VGW_LIST_EACH (pos, nxt, &d->loops) {
        struct vloop *v = VGW_CONTAINER_OF(pos, struct vloop, link);
        if (vgw_mailbox_has(&v->loop.box))
            offer(d, &n, &c, (struct choice){.loop = v});
        if (vgw_loop_deadline(&v->loop) <= d->now_us)
            offer(d, &n, &c, (struct choice){.loop = v, .is_timer = true});
    }
    for (int i = 0; i < POOLS_MAX; i++) {
        for (int lane = 0; d->pools[i] && lane < VGW_LANE_COUNT; lane++) {
            if (vgw_pool_has(d->pools[i], lane))
                offer(d, &n, &c, (struct choice){.pool = d->pools[i], .lane = lane});
        }
    }
    if (!n)
        return false;
    if (c.pool) {
        vgw_pool_step(c.pool, c.lane);
    } else {
        struct vgw_loop *before = vgw_loop_enter(&c.loop->loop);
        if (c.is_timer)
            vgw_loop_fire_one(&c.loop->loop);
        else
            vgw_loop_deliver(&c.loop->loop, 1);
        vgw_loop_enter(before);
    }
    d->steps++;
    if (d->check)
        d->check(d->check_arg);
    return true;
}

enum held { HELD_NOT, HELD_SIGN, HELD_STUCK };

/* Nothing is left to do at this time: while held, waits for a sign from outside. */
static enum held wait_held(struct vgw_driver *d, uint64_t signs)
{
    struct timespec until;
    int rc = 0;
    pthread_mutex_lock(&d->mutex);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += HOLD_LIMIT_S;
    while (d->holds && d->signs == signs && rc == 0)
        rc = pthread_cond_timedwait(&d->cond, &d->mutex, &until);
    enum held held = d->signs != signs ? HELD_SIGN : d->holds ? HELD_STUCK : HELD_NOT;
    pthread_mutex_unlock(&d->mutex);
    return held;
}

static uint64_t signs_of(struct vgw_driver *d)
{
    pthread_mutex_lock(&d->mutex);
    uint64_t signs = d->signs;
    pthread_mutex_unlock(&d->mutex);
    return signs;
}

bool vgw_driver_run_until(struct vgw_driver *d, bool (*done)(void *arg), void *arg, int64_t limit_us)
{
    int64_t end_us = limit_us > INT64_MAX - d->now_us ? INT64_MAX : d->now_us + limit_us;
    for (;;) {
        uint64_t signs = signs_of(d);
        if (done && done(arg))
            return true;
        if (step(d))
            continue;
        enum held held = wait_held(d, signs);
        if (held == HELD_SIGN)
            continue;
        if (held == HELD_STUCK)
            return false;
        int64_t next_us = INT64_MAX;
        struct vgw_list *pos, *nxt;
        VGW_LIST_EACH (pos, nxt, &d->loops) {
            int64_t deadline_us = vgw_loop_deadline(&VGW_CONTAINER_OF(pos, struct vloop, link)->loop);
            next_us = deadline_us < next_us ? deadline_us : next_us;
        }
        if (next_us > end_us) {
            d->now_us = end_us;
            return false;
        }
        d->now_us = next_us;
    }
}

void vgw_driver_run(struct vgw_driver *d, int64_t us)
{
    vgw_driver_run_until(d, NULL, NULL, us);
}

static bool is_stopping(void *arg)
{
    return ((struct vloop *)arg)->stopping;
}

void vgw_driver_run_loop(struct vgw_loop *loop)
{
    struct vloop *v = of(loop);
    struct vgw_loop *before = vgw_loop_enter(NULL);
    if (!vgw_driver_run_until(v->driver, is_stopping, v, INT64_MAX / 4))
        abort(); /* a real loop would wait for ever */
    v->stopping = false;
    vgw_loop_enter(before);
}

void vgw_driver_settle(struct vgw_driver *d)
{
    while (step(d))
        ;
}

int64_t vgw_driver_now(const struct vgw_driver *d)
{
    return d->now_us;
}

int64_t vgw_driver_wall(const struct vgw_driver *d)
{
    return d->wall_us + (d->now_us - d->start_us);
}

void vgw_driver_set_clock(struct vgw_driver *d, int64_t by_us)
{
    d->wall_us += by_us;
}

void vgw_driver_hold(struct vgw_driver *d)
{
    pthread_mutex_lock(&d->mutex);
    d->holds++;
    pthread_mutex_unlock(&d->mutex);
}

void vgw_driver_release(struct vgw_driver *d)
{
    pthread_mutex_lock(&d->mutex);
    d->holds--;
    d->signs++;
    pthread_cond_signal(&d->cond);
    pthread_mutex_unlock(&d->mutex);
}

void vgw_driver_invariant(struct vgw_driver *d, void (*check)(void *arg), void *arg)
{
    d->check = check;
    d->check_arg = arg;
}

struct vgw_rng *vgw_driver_rng(struct vgw_driver *d)
{
    return &d->rng;
}

uint64_t vgw_driver_steps(const struct vgw_driver *d)
{
    return d->steps;
}
