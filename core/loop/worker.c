/* worker.c - a loop with a thread of its own. The only file that knows libuv. */
#include <uv.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include "loop/impl.h"
#include "base/alloc.h"
#include "base/list.h"
#include "base/log.h"
#include "base/time.h"

struct worker {
    struct vgw_loop loop;
    uv_loop_t uv;
    uv_async_t wake;
    uv_timer_t timer;
    uv_prepare_t prepare;
    pthread_t thread;
    bool started;
    int64_t armed_us;
    void (*setup)(struct vgw_loop *loop, void *arg);
    void *setup_arg;
};

struct worker_io {
    struct vgw_io io;
    uv_poll_t poll;
};

static struct worker *of(struct vgw_loop *loop)
{
    return VGW_CONTAINER_OF(loop, struct worker, loop);
}

static void wake(struct vgw_loop *loop)
{
    uv_async_send(&of(loop)->wake);
}

static void on_wake(uv_async_t *handle)
{
    struct worker *w = handle->data;
    vgw_loop_new_turn(&w->loop);
    if (vgw_loop_deliver(&w->loop, VGW_LOOP_BATCH))
        uv_async_send(&w->wake);
}

static void on_timer(uv_timer_t *handle)
{
    struct worker *w = handle->data;
    w->armed_us = INT64_MAX;
    vgw_loop_new_turn(&w->loop);
    vgw_loop_fire(&w->loop);
}

/* Runs before each wait: tells the library the next deadline, whoever changed it, and ends the turn for the cached
 * clocks (what shares the loop calls us without passing through our own callbacks). */
static void on_prepare(uv_prepare_t *handle)
{
    struct worker *w = handle->data;
    int64_t deadline_us = vgw_loop_deadline(&w->loop);
    vgw_loop_new_turn(&w->loop);
    if (deadline_us == w->armed_us)
        return;
    w->armed_us = deadline_us;
    if (deadline_us == INT64_MAX) {
        uv_timer_stop(&w->timer);
        return;
    }
    /* Rounded up on the library's own millisecond scale, which is the same clock: never early. */
    int64_t at_ms = deadline_us / VGW_US_PER_MS + (deadline_us % VGW_US_PER_MS ? 1 : 0);
    uv_update_time(&w->uv);
    int64_t left_ms = at_ms - (int64_t)uv_now(&w->uv);
    uv_timer_start(&w->timer, on_timer, left_ms > 0 ? (uint64_t)left_ms : 0, 0);
}

static void on_poll(uv_poll_t *handle, int status, int what)
{
    struct worker_io *wio = handle->data;
    unsigned events = ((what & UV_READABLE) ? VGW_IO_READ : 0u) | ((what & UV_WRITABLE) ? VGW_IO_WRITE : 0u);
    if (status < 0)
        events = wio->io.want; /* the caller's read or write meets the error */
    vgw_loop_new_turn(wio->io.loop);
    wio->io.fn(wio->io.arg, events);
}

static struct vgw_io *io_new(struct vgw_loop *loop, int fd, vgw_io_fn fn, void *arg)
{
    struct worker_io *wio;
    if (!VGW_NEW(wio))
        return NULL;
    wio->io = (struct vgw_io){.loop = loop, .fd = fd, .fn = fn, .arg = arg};
    if (uv_poll_init(&of(loop)->uv, &wio->poll, fd)) {
        vgw_free(wio);
        return NULL;
    }
    wio->poll.data = wio;
    return &wio->io;
}

static int io_want(struct vgw_io *io, unsigned events)
{
    struct worker_io *wio = VGW_CONTAINER_OF(io, struct worker_io, io);
    int what = ((events & VGW_IO_READ) ? UV_READABLE : 0) | ((events & VGW_IO_WRITE) ? UV_WRITABLE : 0);
    int rc = what ? uv_poll_start(&wio->poll, what, on_poll) : uv_poll_stop(&wio->poll);
    return rc ? VGW_EINTERNAL : VGW_OK;
}

static void on_poll_closed(uv_handle_t *handle)
{
    vgw_free(handle->data);
}

static void io_free(struct vgw_io *io)
{
    struct worker_io *wio = VGW_CONTAINER_OF(io, struct worker_io, io);
    uv_poll_stop(&wio->poll);
    uv_close((uv_handle_t *)&wio->poll, on_poll_closed);
}

static void stop(struct vgw_loop *loop)
{
    uv_stop(&of(loop)->uv);
}

static void *run(void *arg)
{
    struct worker *w = arg;
    char name[16];
    memcpy(name, w->loop.name, sizeof name - 1);
    name[sizeof name - 1] = '\0';
    pthread_setname_np(pthread_self(), name);
    vgw_loop_enter(&w->loop);
    w->loop.turning = true;
    if (w->setup)
        w->setup(&w->loop, w->setup_arg);
    uv_run(&w->uv, UV_RUN_DEFAULT);
    /* What was closed by the last messages has its close callbacks here, on its own thread. */
    for (int i = 0; i < 8; i++)
        uv_run(&w->uv, UV_RUN_NOWAIT);
    w->loop.turning = false;
    return NULL;
}

static void destroy(struct vgw_loop *loop)
{
    struct worker *w = of(loop);
    if (w->started)
        pthread_join(w->thread, NULL);
    struct vgw_loop *before = vgw_loop_enter(loop);
    vgw_loop_deliver(loop, SIZE_MAX);
    uv_close((uv_handle_t *)&w->wake, NULL);
    uv_close((uv_handle_t *)&w->timer, NULL);
    uv_close((uv_handle_t *)&w->prepare, NULL);
    int rc = UV_EBUSY;
    for (int i = 0; i < 64 && rc == UV_EBUSY; i++) {
        uv_run(&w->uv, UV_RUN_NOWAIT);
        rc = uv_loop_close(&w->uv);
    }
    vgw_loop_enter(before);
    vgw_loop_done(loop);
    if (rc) {
        /* Memory that somebody's open handle still points into is kept. */
        vgw_log(VGW_LOG_WARNING, NULL, "a worker ended with handles still open", "loop", loop->name, NULL);
        return;
    }
    vgw_free(w);
}

static const struct vgw_loop_ops ops = {
    .wake = wake, .io_new = io_new, .io_want = io_want, .io_free = io_free, .stop = stop, .destroy = destroy};

static int start_thread(struct worker *w, struct vgw_error *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&w->thread, NULL, run, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc)
        return vgw_error_set(err, VGW_ELIMIT, "cannot start the thread %s (%s); raise TasksMax", w->loop.name,
                             strerror(rc));
    w->started = true;
    return VGW_OK;
}

int vgw_loop_new_worker(const char *name, void (*setup)(struct vgw_loop *loop, void *arg), void *arg,
                        struct vgw_loop **ret_loop, struct vgw_error *err)
{
    struct worker *w;
    if (!VGW_NEW(w))
        return vgw_error_nomem(err);
    int rc = uv_loop_init(&w->uv);
    if (rc) {
        vgw_free(w);
        return vgw_error_set(err, VGW_ELIMIT, "cannot make the loop %s: %s; raise LimitNOFILE", name, uv_strerror(rc));
    }
    vgw_loop_init(&w->loop, &ops, name);
    w->loop.has_thread = true;
    w->setup = setup;
    w->setup_arg = arg;
    w->armed_us = INT64_MAX;
    rc = uv_async_init(&w->uv, &w->wake, on_wake);
    if (rc) {
        uv_loop_close(&w->uv);
        vgw_free(w);
        return vgw_error_set(err, VGW_ELIMIT, "cannot make the loop %s: %s; raise LimitNOFILE", name, uv_strerror(rc));
    }
    uv_timer_init(&w->uv, &w->timer);
    uv_prepare_init(&w->uv, &w->prepare);
    uv_prepare_start(&w->prepare, on_prepare);
    w->wake.data = w->timer.data = w->prepare.data = w;
    rc = start_thread(w, err);
    if (rc) {
        destroy(&w->loop);
        return rc;
    }
    *ret_loop = &w->loop;
    return VGW_OK;
}

void *vgw_loop_uv(struct vgw_loop *loop)
{
    return loop->ops == &ops ? &of(loop)->uv : NULL;
}
