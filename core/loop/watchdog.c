#include "loop/watchdog.h"
#include "base/alloc.h"
#include "base/list.h"

struct part {
    struct vgw_watchdog *dog;
    struct vgw_task task;
    struct vgw_job job;
    struct vgw_loop *loop; /* NULL: the db lane */
    const char *name;
    int under_way; /* atomic: asked and not answered */
    bool refused;
};

/* Pings that are still under way when the dog is freed hold it until they have run. */
struct vgw_watchdog {
    int refs; /* atomic */
    struct vgw_pool *pool;
    struct vgw_timer timer;
    int64_t period_us;
    void (*fed)(void *arg);
    void (*late)(void *arg, const char *name);
    void *arg;
    size_t count;
    struct part parts[];
};

static void unref(struct vgw_watchdog *dog)
{
    if (__atomic_sub_fetch(&dog->refs, 1, __ATOMIC_ACQ_REL) == 0)
        vgw_free(dog);
}

static void answer(struct part *p)
{
    __atomic_store_n(&p->under_way, 0, __ATOMIC_RELEASE);
    unref(p->dog);
}

static void on_ping(struct vgw_task *task)
{
    answer(VGW_CONTAINER_OF(task, struct part, task));
}

static void on_job(void *arg)
{
    answer(arg);
}

/* The lane is full: that is late, and asked again next time. */
static void unanswered(struct part *p)
{
    p->refused = true;
    answer(p);
}

static void ping(struct vgw_watchdog *dog)
{
    for (size_t i = 0; i < dog->count; i++) {
        struct part *p = &dog->parts[i];
        if (__atomic_load_n(&p->under_way, __ATOMIC_ACQUIRE))
            continue;
        p->under_way = 1;
        p->refused = false;
        __atomic_add_fetch(&dog->refs, 1, __ATOMIC_RELAXED);
        if (p->loop)
            vgw_loop_post(p->loop, &p->task);
        else if (vgw_pool_submit(dog->pool, &p->job) != VGW_OK)
            unanswered(p);
    }
}

static void on_period(void *arg)
{
    struct vgw_watchdog *dog = arg;
    bool all = true;
    for (size_t i = 0; i < dog->count; i++) {
        if (!__atomic_load_n(&dog->parts[i].under_way, __ATOMIC_ACQUIRE) && !dog->parts[i].refused)
            continue;
        all = false;
        if (dog->late)
            dog->late(dog->arg, dog->parts[i].name);
    }
    if (all)
        dog->fed(dog->arg);
    ping(dog);
    vgw_timer_start(&dog->timer, dog->period_us);
}

int vgw_watchdog_new(struct vgw_loop *control, struct vgw_loop *const *loops, size_t count, struct vgw_pool *pool,
                     int64_t period_us, void (*fed)(void *arg), void (*late)(void *arg, const char *name), void *arg,
                     struct vgw_watchdog **ret_dog)
{
    struct vgw_watchdog *dog = vgw_calloc(1, sizeof *dog + (count + 1) * sizeof dog->parts[0]);
    if (!dog)
        return VGW_ELIMIT;
    *dog = (struct vgw_watchdog){.refs = 1, .pool = pool, .period_us = period_us, .fed = fed, .late = late, .arg = arg};
    dog->count = count + (pool ? 1 : 0);
    for (size_t i = 0; i < dog->count; i++) {
        struct part *p = &dog->parts[i];
        p->dog = dog;
        p->loop = i < count ? loops[i] : NULL;
        p->name = i < count ? vgw_loop_name(loops[i]) : "db";
        p->task.fn = on_ping;
        p->job = (struct vgw_job){.work = on_job, .arg = p, .lane = VGW_LANE_DB};
    }
    vgw_timer_init(&dog->timer, control, on_period, dog);
    if (vgw_timer_start(&dog->timer, period_us) != VGW_OK) {
        unref(dog);
        return VGW_ELIMIT;
    }
    ping(dog);
    *ret_dog = dog;
    return VGW_OK;
}

void vgw_watchdog_free(struct vgw_watchdog *dog)
{
    if (!dog)
        return;
    vgw_timer_stop(&dog->timer);
    unref(dog);
}
