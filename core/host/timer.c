/* timer.c - timers, posts and jobs of plugins: each bound to a target, and nothing runs for a target that is gone. */
#include "base/alloc.h"
#include "base/metric.h"
#include "host/host_private.h"

/* A leg's or stream's worker; control for 0. NULL: gone. */
static struct vgw_loop *target_loop(const struct vgw_host_instance *hi, uint64_t target)
{
    return target == VOICEGW_TARGET_CONTROL ? hi->host->env.control : vgw_handle_loop(target);
}

static bool target_alive(uint64_t target)
{
    return target == VOICEGW_TARGET_CONTROL || vgw_handle_alive(target);
}

/* ---- timers ---- */

#define SWEEP 4u /* timers that each start looks at, so that those of dead targets go faster than new ones come */

struct vgw_host_budget { /* outlives its instance until the last timer of a dead target is swept */
    _Atomic uint32_t refs, timers;
};

struct host_timer {
    struct vgw_list link; /* of hi->timers for those of control, else of `elsewhere` */
    struct vgw_timer timer;
    const struct vgw_host_instance *hi; /* to compare with; it may be gone */
    struct vgw_host_budget *budget;
    uint64_t target, handle;
    voicegw_callback fn;
    void *arg;
};

/* Timers of legs and streams live and end on the thread of their loop. */
static _Thread_local struct vgw_list elsewhere;

struct vgw_host_budget *vgw_host_budget_new(void)
{
    struct vgw_host_budget *b;
    if (!VGW_NEW(b))
        return NULL;
    atomic_store(&b->refs, 1);
    return b;
}

void vgw_host_budget_unref(struct vgw_host_budget *b)
{
    if (b && atomic_fetch_sub(&b->refs, 1) == 1)
        vgw_free(b);
}

static void timer_free(struct host_timer *t)
{
    vgw_timer_stop(&t->timer);
    vgw_list_remove(&t->link);
    vgw_handle_drop(t->handle);
    atomic_fetch_sub(&t->budget->timers, 1);
    vgw_host_budget_unref(t->budget);
    vgw_free(t);
}

static void on_timer(void *arg)
{
    struct host_timer *t = arg;
    bool alive = target_alive(t->target);
    voicegw_callback fn = t->fn;
    void *fn_arg = t->arg;
    timer_free(t);
    if (alive)
        fn(fn_arg);
}

/* Looks at the first of the list; what lives goes to its end. */
static void sweep(size_t count)
{
    while (count-- && elsewhere.next && !vgw_list_empty(&elsewhere)) {
        struct vgw_list *first = vgw_list_pop(&elsewhere);
        struct host_timer *t = VGW_CONTAINER_OF(first, struct host_timer, link);
        if (target_alive(t->target))
            vgw_list_append(&elsewhere, first);
        else
            timer_free(t);
    }
}

void vgw_host_timers_sweep(void)
{
    size_t count = 0;
    struct vgw_list *at, *next;
    if (!elsewhere.next)
        return;
    VGW_LIST_EACH (at, next, &elsewhere)
        count++;
    sweep(count);
}

uint64_t vgw_host_timer_start(const struct voicegw_host *host, uint64_t target, int64_t delay_us, voicegw_callback fn,
                              void *arg)
{
    struct vgw_host_instance *hi = vgw_host_of(host);
    struct vgw_loop *loop = target_loop(hi, target);
    struct host_timer *t;
    if (!loop || !vgw_loop_is_here(loop))
        return 0;
    sweep(SWEEP);
    if (atomic_load(&hi->budget->timers) >= VGW_HOST_TIMERS_MAX)
        vgw_host_timers_sweep();
    if (atomic_load(&hi->budget->timers) >= VGW_HOST_TIMERS_MAX || !VGW_NEW(t)) {
        vgw_metric_dropped("plugin_timer");
        return 0;
    }
    *t = (struct host_timer){.hi = hi, .budget = hi->budget, .target = target, .fn = fn, .arg = arg};
    atomic_fetch_add(&t->budget->refs, 1);
    atomic_fetch_add(&t->budget->timers, 1);
    t->handle = vgw_handle_new(VGW_HANDLE_OTHER, loop, t);
    vgw_timer_init(&t->timer, loop, on_timer, t);
    if (!t->handle || vgw_timer_start(&t->timer, delay_us) < 0) {
        timer_free(t);
        return 0;
    }
    if (target != VOICEGW_TARGET_CONTROL && !elsewhere.next)
        vgw_list_init(&elsewhere);
    vgw_list_append(target == VOICEGW_TARGET_CONTROL ? &hi->timers : &elsewhere, &t->link);
    return t->handle;
}

int32_t vgw_host_timer_cancel(const struct voicegw_host *host, uint64_t timer)
{
    struct vgw_loop *loop = vgw_handle_loop(timer);
    struct host_timer *t = loop && vgw_loop_is_here(loop) ? vgw_handle_get(timer, VGW_HANDLE_OTHER) : NULL;
    if (!t || t->hi != vgw_host_of(host))
        return 0;
    timer_free(t);
    return 1;
}

void vgw_host_timers_end(struct vgw_host_instance *hi)
{
    struct vgw_list *at;
    while ((at = vgw_list_pop(&hi->timers)))
        timer_free(VGW_CONTAINER_OF(at, struct host_timer, link));
}

/* ---- posts ---- */

struct host_post {
    struct vgw_host *host;
    struct vgw_host_instance *hi; /* for control: still there? */
    uint64_t generation;
    voicegw_callback fn;
    void *arg;
};

static void post_to_target(void *object, void *arg)
{
    struct host_post *p = arg;
    if (object)
        p->fn(p->arg);
    vgw_free(p);
}

static bool instance_alive(struct vgw_host *host, const struct vgw_host_instance *hi, uint64_t generation)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &host->instances)
        if (VGW_CONTAINER_OF(at, struct vgw_host_instance, link) == hi)
            return hi->instance->generation == generation;
    return false;
}

static void post_to_control(void *arg)
{
    struct host_post *p = arg;
    if (instance_alive(p->host, p->hi, p->generation))
        p->fn(p->arg);
    else
        vgw_metric_dropped("stale_post");
    vgw_free(p);
}

int32_t vgw_host_post(const struct voicegw_host *host, uint64_t target, voicegw_callback fn, void *arg)
{
    struct vgw_host_instance *hi = vgw_host_of(host);
    struct host_post *p;
    if (!VGW_NEW(p))
        return VOICEGW_ELIMIT;
    *p = (struct host_post){.host = hi->host, .hi = hi, .generation = hi->instance->generation, .fn = fn, .arg = arg};
    int rc = target == VOICEGW_TARGET_CONTROL ? vgw_host_to_control(hi, post_to_control, p)
                                              : vgw_handle_post(target, post_to_target, p);
    if (rc < 0)
        vgw_free(p);
    return rc;
}

/* ---- jobs ---- */

struct host_job {
    struct vgw_job job;
    struct vgw_host_instance *hi;
    struct vgw_loop *control;
    uint64_t target;
    voicegw_callback work, done;
    void *arg;
};

static void job_work(void *arg)
{
    struct host_job *j = arg;
    j->work(j->arg);
}

static void job_finish(void *arg)
{
    struct host_job *j = arg;
    if (j->done)
        j->done(j->arg);
    atomic_fetch_sub(&j->hi->jobs, 1);
    vgw_free(j);
}

static void job_done(void *arg)
{
    struct host_job *j = arg;
    if (target_alive(j->target) || !j->done || vgw_loop_call(j->control, job_finish, j) < 0)
        job_finish(j);
}

int32_t vgw_host_job(const struct voicegw_host *host, uint32_t lane, uint64_t strand, uint64_t target,
                     voicegw_callback work, voicegw_callback done, void *arg)
{
    struct vgw_host_instance *hi = vgw_host_of(host);
    struct vgw_loop *home = target_loop(hi, target);
    struct host_job *j;
    if (lane > VOICEGW_LANE_IO)
        return VOICEGW_EINVALID;
    if (!VGW_NEW(j))
        return VOICEGW_ELIMIT;
    *j = (struct host_job){
        .hi = hi, .control = hi->host->env.control, .target = target, .work = work, .done = done, .arg = arg};
    j->job = (struct vgw_job){.work = job_work,
                              .done = job_done,
                              .arg = j,
                              .home = home ? home : hi->host->env.control,
                              .strand = strand,
                              .lane = lane == VOICEGW_LANE_CPU ? VGW_LANE_CPU : VGW_LANE_IO};
    atomic_fetch_add(&hi->jobs, 1);
    int rc = vgw_pool_submit(hi->host->env.pool, &j->job);
    if (rc < 0) {
        atomic_fetch_sub(&hi->jobs, 1);
        vgw_free(j);
    }
    return rc;
}
