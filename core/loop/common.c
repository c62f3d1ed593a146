#include "loop/impl.h"
#include "loop/driver.h"
#include "base/alloc.h"
#include "base/list.h"
#include "base/str.h"
#include "base/time.h"

static _Thread_local struct vgw_loop *here;
static _Thread_local bool in_job;

static void on_stop(struct vgw_task *task)
{
    struct vgw_loop *loop = VGW_CONTAINER_OF(task, struct vgw_loop, stop_task);
    loop->ops->stop(loop);
}

void vgw_loop_init(struct vgw_loop *loop, const struct vgw_loop_ops *ops, const char *name)
{
    loop->ops = ops;
    vgw_strcopy(loop->name, sizeof loop->name, name ? name : "loop");
    loop->owner = pthread_self();
    loop->stop_task.fn = on_stop;
}

void vgw_loop_done(struct vgw_loop *loop)
{
    vgw_heap_done(&loop->timers);
}

void vgw_loop_new_turn(struct vgw_loop *loop)
{
    loop->now_fresh = false;
    loop->wall_fresh = false;
}

int64_t vgw_now_outside(const struct vgw_loop *loop)
{
    return loop->driver ? vgw_driver_now(loop->driver) : vgw_io_now_us();
}

int64_t vgw_wall_outside(const struct vgw_loop *loop)
{
    return loop->driver ? vgw_driver_wall(loop->driver) : vgw_io_wall_us();
}

int64_t vgw_now(const struct vgw_loop *loop)
{
    if (loop->driver)
        return vgw_driver_now(loop->driver);
    if (!loop->turning)
        return vgw_io_now_us();
    if (!loop->now_fresh) {
        struct vgw_loop *own = (struct vgw_loop *)loop;
        own->now_us = vgw_io_now_us();
        own->now_fresh = true;
    }
    return loop->now_us;
}

int64_t vgw_wall(const struct vgw_loop *loop)
{
    if (loop->driver)
        return vgw_driver_wall(loop->driver);
    if (!loop->turning)
        return vgw_io_wall_us();
    if (!loop->wall_fresh) {
        struct vgw_loop *own = (struct vgw_loop *)loop;
        own->wall_us = vgw_io_wall_us();
        own->wall_fresh = true;
    }
    return loop->wall_us;
}

const char *vgw_loop_name(const struct vgw_loop *loop)
{
    return loop->name;
}

struct vgw_loop *vgw_loop_enter(struct vgw_loop *loop)
{
    struct vgw_loop *before = here;
    here = loop;
    return before;
}

struct vgw_loop *vgw_loop_here(void)
{
    return here;
}

bool vgw_loop_enter_job(bool now)
{
    bool before = in_job;
    in_job = now;
    return before;
}

bool vgw_loop_is_here(const struct vgw_loop *loop)
{
    if (here == loop)
        return true;
    if (loop->has_thread)
        return false;
    /* Setting up and tearing down: nothing is being stepped, and the maker's thread speaks for the loop. */
    return !here && !in_job && pthread_equal(loop->owner, pthread_self());
}

bool vgw_loop_is_virtual(const struct vgw_loop *loop)
{
    return loop->driver != NULL;
}

/* ---- timers ---- */

void vgw_timer_init(struct vgw_timer *t, struct vgw_loop *loop, vgw_timer_fn fn, void *arg)
{
    *t = (struct vgw_timer){.loop = loop, .fn = fn, .arg = arg};
}

int vgw_timer_start_at(struct vgw_timer *t, int64_t deadline_us)
{
    t->deadline_us = deadline_us;
    t->order = t->loop->timer_order++;
    return vgw_heap_put(&t->loop->timers, t);
}

int vgw_timer_start(struct vgw_timer *t, int64_t delay_us)
{
    int64_t now_us = vgw_now(t->loop);
    if (delay_us < 0)
        delay_us = 0;
    return vgw_timer_start_at(t, delay_us > INT64_MAX - now_us ? INT64_MAX : now_us + delay_us);
}

void vgw_timer_stop(struct vgw_timer *t)
{
    if (t->heap_index)
        vgw_heap_remove(&t->loop->timers, t);
}

int64_t vgw_loop_deadline(const struct vgw_loop *loop)
{
    const struct vgw_timer *head = vgw_heap_head(&loop->timers);
    return head ? head->deadline_us : INT64_MAX;
}

bool vgw_loop_fire_one(struct vgw_loop *loop)
{
    struct vgw_timer *head = vgw_heap_head(&loop->timers);
    if (!head || head->deadline_us > vgw_now(loop))
        return false;
    vgw_heap_remove(&loop->timers, head);
    head->fn(head->arg);
    return true;
}

void vgw_loop_fire(struct vgw_loop *loop)
{
    uint64_t end = loop->timer_order;
    for (;;) {
        const struct vgw_timer *head = vgw_heap_head(&loop->timers);
        if (!head || head->order >= end || !vgw_loop_fire_one(loop))
            return;
    }
}

/* ---- descriptors ---- */

struct vgw_io *vgw_io_new(struct vgw_loop *loop, int fd, vgw_io_fn fn, void *arg)
{
    return loop->ops->io_new ? loop->ops->io_new(loop, fd, fn, arg) : NULL;
}

int vgw_io_want(struct vgw_io *io, unsigned events)
{
    events &= VGW_IO_READ | VGW_IO_WRITE;
    if (io->want == events)
        return VGW_OK;
    int rc = io->loop->ops->io_want(io, events);
    if (rc == VGW_OK)
        io->want = events;
    return rc;
}

void vgw_io_free(struct vgw_io *io)
{
    if (io)
        io->loop->ops->io_free(io);
}

/* ---- posts ---- */

bool vgw_loop_post(struct vgw_loop *loop, struct vgw_task *task)
{
    enum vgw_mail mail = vgw_mailbox_push(&loop->box, task);
    if (mail == VGW_MAIL_PUSHED_FIRST)
        loop->ops->wake(loop);
    return mail != VGW_MAIL_QUEUED_BEFORE;
}

struct call {
    struct vgw_task task;
    struct vgw_loop *loop;
    void (*fn)(void *arg);
    void *arg;
};

static void on_call(struct vgw_task *task)
{
    struct call call = *VGW_CONTAINER_OF(task, struct call, task);
    vgw_free(VGW_CONTAINER_OF(task, struct call, task));
    __atomic_sub_fetch(&call.loop->calls, 1, __ATOMIC_RELAXED);
    call.fn(call.arg);
}

int vgw_loop_call(struct vgw_loop *loop, void (*fn)(void *arg), void *arg)
{
    struct call *call = NULL;
    if (__atomic_add_fetch(&loop->calls, 1, __ATOMIC_RELAXED) <= VGW_LOOP_CALLS_MAX)
        call = vgw_calloc(1, sizeof *call);
    if (!call) {
        __atomic_sub_fetch(&loop->calls, 1, __ATOMIC_RELAXED);
        return VGW_ELIMIT;
    }
    *call = (struct call){.task.fn = on_call, .loop = loop, .fn = fn, .arg = arg};
    vgw_loop_post(loop, &call->task);
    return VGW_OK;
}

size_t vgw_loop_backlog(const struct vgw_loop *loop)
{
    return vgw_mailbox_count(&loop->box);
}

bool vgw_loop_deliver(struct vgw_loop *loop, size_t max)
{
    struct vgw_task *task;
    while (max > 0 && (task = vgw_mailbox_take(&loop->box))) {
        task->fn(task);
        max--;
    }
    return vgw_mailbox_has(&loop->box);
}

void vgw_loop_stop(struct vgw_loop *loop)
{
    vgw_loop_post(loop, &loop->stop_task);
}

void vgw_loop_free(struct vgw_loop *loop)
{
    if (loop)
        loop->ops->destroy(loop);
}
