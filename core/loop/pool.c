#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "loop/pool.h"
#include "loop/driver.h"
#include "loop/impl.h"
#include "base/alloc.h"
#include "base/list.h"

#define LANE_JOBS_MAX 10000u
#define LANE_THREADS_MAX 64u
#define BUCKETS 256u

/* Jobs that run one after another. A job without a strand has one to itself, so all stand in the same queue for their
 * turn. */
struct strand {
    uint64_t id;          /* 0: of one job */
    struct strand *chain; /* in its bucket */
    struct strand *next;  /* in the queue of those whose turn comes */
    struct vgw_job *first, *last;
};

struct lane {
    struct vgw_pool *pool;
    const char *name;
    pthread_mutex_t mutex;
    pthread_cond_t ready_cond;
    struct strand *ready_first, *ready_last;
    struct strand *buckets[BUCKETS];
    struct strand *spare;
    unsigned depth; /* atomic; written under the mutex */
    bool stopping;
    unsigned thread_count;
    pthread_t threads[LANE_THREADS_MAX];
};

struct vgw_pool {
    struct lane lanes[VGW_LANE_COUNT];
    struct vgw_driver *driver;
    uint64_t last_strand; /* atomic */
};

static _Thread_local const struct vgw_pool *here;

static void on_done(struct vgw_task *task)
{
    struct vgw_job *job = VGW_CONTAINER_OF(task, struct vgw_job, task);
    job->done(job->arg);
}

/* ---- strands; all under the lane's mutex ---- */

static void make_ready(struct lane *lane, struct strand *s)
{
    s->next = NULL;
    if (lane->ready_last)
        lane->ready_last->next = s;
    else
        lane->ready_first = s;
    lane->ready_last = s;
    pthread_cond_signal(&lane->ready_cond);
}

static struct strand **bucket_of(struct lane *lane, uint64_t id)
{
    return &lane->buckets[(id * UINT64_C(0x9E3779B97F4A7C15)) >> 56];
}

static struct strand *find(struct lane *lane, uint64_t id)
{
    struct strand *s = *bucket_of(lane, id);
    while (s && s->id != id)
        s = s->chain;
    return s;
}

static struct strand *strand_make(struct lane *lane, uint64_t id)
{
    struct strand *s = lane->spare;
    if (s) {
        lane->spare = s->next;
        *s = (struct strand){0};
    } else if (!VGW_NEW(s)) {
        return NULL;
    }
    s->id = id;
    if (id) {
        struct strand **bucket = bucket_of(lane, id);
        s->chain = *bucket;
        *bucket = s;
    }
    return s;
}

static void strand_drop(struct lane *lane, struct strand *s)
{
    if (s->id) {
        struct strand **at = bucket_of(lane, s->id);
        while (*at != s)
            at = &(*at)->chain;
        *at = s->chain;
    }
    s->next = lane->spare;
    lane->spare = s;
}

static int enqueue(struct lane *lane, struct vgw_job *job)
{
    if (lane->depth >= LANE_JOBS_MAX || lane->stopping)
        return VGW_ELIMIT;
    struct strand *s = job->strand ? find(lane, job->strand) : NULL;
    if (s) {
        if (s->last)
            s->last->next = job;
        else
            s->first = job; /* its last job is running */
        s->last = job;
    } else {
        s = strand_make(lane, job->strand);
        if (!s)
            return VGW_ELIMIT;
        s->first = s->last = job;
        make_ready(lane, s);
    }
    __atomic_store_n(&lane->depth, lane->depth + 1, __ATOMIC_RELAXED);
    return VGW_OK;
}

/* Runs the next strand's next job; the mutex is held on entry and on return, not while the job works. */
static bool run_one(struct lane *lane)
{
    struct strand *s = lane->ready_first;
    if (!s)
        return false;
    lane->ready_first = s->next;
    if (!lane->ready_first)
        lane->ready_last = NULL;
    struct vgw_job *job = s->first;
    s->first = job->next;
    if (!s->first)
        s->last = NULL;
    pthread_mutex_unlock(&lane->mutex);

    /* Without `done` the job may be gone once it has worked. */
    bool has_done = job->done != NULL;
    job->work(job->arg);

    pthread_mutex_lock(&lane->mutex);
    __atomic_store_n(&lane->depth, lane->depth - 1, __ATOMIC_RELAXED);
    if (s->first)
        make_ready(lane, s);
    else
        strand_drop(lane, s);
    if (has_done) {
        pthread_mutex_unlock(&lane->mutex);
        vgw_loop_post(job->home, &job->task);
        pthread_mutex_lock(&lane->mutex);
    }
    return true;
}

/* ---- threads ---- */

static void *run(void *arg)
{
    struct lane *lane = arg;
    here = lane->pool;
    pthread_mutex_lock(&lane->mutex);
    for (;;) {
        if (run_one(lane))
            continue;
        if (lane->stopping && !lane->depth)
            break;
        pthread_cond_wait(&lane->ready_cond, &lane->mutex);
    }
    /* The last job's end lets the others go too. */
    pthread_cond_broadcast(&lane->ready_cond);
    pthread_mutex_unlock(&lane->mutex);
    return NULL;
}

static int start_threads(struct lane *lane, unsigned count, struct vgw_error *err)
{
    sigset_t all, before;
    int rc = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned i = 0; i < count && i < LANE_THREADS_MAX && !rc; i++) {
        rc = pthread_create(&lane->threads[i], NULL, run, lane);
        if (!rc) {
            char name[16];
            snprintf(name, sizeof name, "%s-%u", lane->name, i);
            pthread_setname_np(lane->threads[i], name);
            lane->thread_count++;
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc)
        return vgw_error_set(err, VGW_ELIMIT, "cannot start a thread of the lane %s (%s); raise TasksMax", lane->name,
                             strerror(rc));
    return VGW_OK;
}

static void stop_lane(struct lane *lane)
{
    pthread_mutex_lock(&lane->mutex);
    lane->stopping = true;
    pthread_cond_broadcast(&lane->ready_cond);
    pthread_mutex_unlock(&lane->mutex);
    for (unsigned i = 0; i < lane->thread_count; i++)
        pthread_join(lane->threads[i], NULL);
    while (lane->pool->driver && vgw_pool_step(lane->pool, (int)(lane - lane->pool->lanes)))
        ;
    while (lane->spare) {
        struct strand *s = lane->spare;
        lane->spare = s->next;
        vgw_free(s);
    }
    pthread_cond_destroy(&lane->ready_cond);
    pthread_mutex_destroy(&lane->mutex);
}

int vgw_pool_new(unsigned cpu_threads, struct vgw_driver *driver, struct vgw_pool **ret_pool, struct vgw_error *err)
{
    static const char *const names[VGW_LANE_COUNT] = {"cpu", "db", "io"};
    struct vgw_pool *pool;
    if (!VGW_NEW(pool))
        return vgw_error_nomem(err);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned counts[VGW_LANE_COUNT] = {cpu_threads ? cpu_threads : cores > 0 ? (unsigned)cores : 1u, 1, 2};
    pool->driver = driver;
    for (int i = 0; i < VGW_LANE_COUNT; i++) {
        struct lane *lane = &pool->lanes[i];
        lane->pool = pool;
        lane->name = names[i];
        pthread_mutex_init(&lane->mutex, NULL);
        pthread_cond_init(&lane->ready_cond, NULL);
    }
    if (driver)
        vgw_driver_add_pool(driver, pool);
    for (int i = 0; i < VGW_LANE_COUNT && !driver; i++) {
        int rc = start_threads(&pool->lanes[i], counts[i], err);
        if (rc) {
            vgw_pool_free(pool);
            return rc;
        }
    }
    *ret_pool = pool;
    return VGW_OK;
}

void vgw_pool_free(struct vgw_pool *pool)
{
    if (!pool)
        return;
    for (int i = 0; i < VGW_LANE_COUNT; i++)
        stop_lane(&pool->lanes[i]);
    if (pool->driver)
        vgw_driver_remove_pool(pool->driver, pool);
    vgw_free(pool);
}

int vgw_pool_submit(struct vgw_pool *pool, struct vgw_job *job)
{
    if ((unsigned)job->lane >= VGW_LANE_COUNT)
        return VGW_EINVALID;
    struct lane *lane = &pool->lanes[job->lane];
    job->next = NULL;
    job->task = (struct vgw_task){.fn = on_done};
    pthread_mutex_lock(&lane->mutex);
    int rc = enqueue(lane, job);
    pthread_mutex_unlock(&lane->mutex);
    if (rc == VGW_OK && pool->driver)
        vgw_driver_wake(pool->driver);
    return rc;
}

uint64_t vgw_pool_strand(struct vgw_pool *pool)
{
    return __atomic_add_fetch(&pool->last_strand, 1, __ATOMIC_RELAXED);
}

unsigned vgw_pool_depth(const struct vgw_pool *pool, enum vgw_lane lane)
{
    return __atomic_load_n(&pool->lanes[lane].depth, __ATOMIC_RELAXED);
}

bool vgw_pool_is_here(const struct vgw_pool *pool)
{
    return here == pool;
}

bool vgw_pool_has(struct vgw_pool *pool, int lane)
{
    pthread_mutex_lock(&pool->lanes[lane].mutex);
    bool has = pool->lanes[lane].ready_first != NULL;
    pthread_mutex_unlock(&pool->lanes[lane].mutex);
    return has;
}

bool vgw_pool_step(struct vgw_pool *pool, int lane)
{
    const struct vgw_pool *before = here;
    struct vgw_loop *loop_before = vgw_loop_enter(NULL);
    bool job_before = vgw_loop_enter_job(true);
    here = pool;
    pthread_mutex_lock(&pool->lanes[lane].mutex);
    bool ran = run_one(&pool->lanes[lane]);
    pthread_mutex_unlock(&pool->lanes[lane].mutex);
    here = before;
    vgw_loop_enter_job(job_before);
    vgw_loop_enter(loop_before);
    return ran;
}
