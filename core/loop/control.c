/* control.c - the control loop. The only file that knows libevent. */
#include <event2/event.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "loop/impl.h"
#include "base/alloc.h"
#include "base/list.h"
#include "base/time.h"

#define SIGNALS_MAX 8

struct control;
struct watch {
    struct event *event;
    void (*fn)(void *arg, int signo);
    void *arg;
    struct control *control;
};

struct control {
    struct vgw_loop loop;
    struct event_base *base;
    struct event *wake_event, *timer_event;
    int wake_fd;
    bool stopping;
    int64_t armed_us; /* the deadline that the library knows; INT64_MAX: none */
    struct watch watches[SIGNALS_MAX];
    size_t watch_count;
};

struct control_io {
    struct vgw_io io;
    struct event *event;
};

static struct control *of(struct vgw_loop *loop)
{
    return VGW_CONTAINER_OF(loop, struct control, loop);
}

static void wake(struct vgw_loop *loop)
{
    uint64_t one = 1;
    ssize_t n;
    do {
        n = write(of(loop)->wake_fd, &one, sizeof one);
    } while (n < 0 && errno == EINTR);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct control *c = arg;
    uint64_t count;
    ssize_t n;
    do {
        n = read(fd, &count, sizeof count);
    } while (n < 0 && errno == EINTR);
    vgw_loop_new_turn(&c->loop);
    if (vgw_loop_deliver(&c->loop, VGW_LOOP_BATCH))
        wake(&c->loop);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct control *c = arg;
    c->armed_us = INT64_MAX;
    vgw_loop_new_turn(&c->loop);
    vgw_loop_fire(&c->loop);
}

static void on_io(evutil_socket_t fd, short what, void *arg)
{
    struct control_io *cio = arg;
    unsigned events = ((what & EV_READ) ? VGW_IO_READ : 0u) | ((what & EV_WRITE) ? VGW_IO_WRITE : 0u);
    vgw_loop_new_turn(cio->io.loop);
    cio->io.fn(cio->io.arg, events);
}

static struct vgw_io *io_new(struct vgw_loop *loop, int fd, vgw_io_fn fn, void *arg)
{
    struct control_io *cio;
    if (!VGW_NEW(cio))
        return NULL;
    cio->io = (struct vgw_io){.loop = loop, .fd = fd, .fn = fn, .arg = arg};
    cio->event = event_new(of(loop)->base, fd, EV_READ | EV_PERSIST, on_io, cio);
    if (!cio->event) {
        vgw_free(cio);
        return NULL;
    }
    return &cio->io;
}

static int io_want(struct vgw_io *io, unsigned events)
{
    struct control_io *cio = VGW_CONTAINER_OF(io, struct control_io, io);
    short what = EV_PERSIST;
    what |= (events & VGW_IO_READ) ? EV_READ : 0;
    what |= (events & VGW_IO_WRITE) ? EV_WRITE : 0;
    event_del(cio->event);
    if (!events)
        return VGW_OK;
    if (event_assign(cio->event, of(io->loop)->base, io->fd, what, on_io, cio) || event_add(cio->event, NULL)) {
        io->want = 0;
        return VGW_EINTERNAL;
    }
    return VGW_OK;
}

static void io_free(struct vgw_io *io)
{
    struct control_io *cio = VGW_CONTAINER_OF(io, struct control_io, io);
    event_free(cio->event);
    vgw_free(cio);
}

static void stop(struct vgw_loop *loop)
{
    of(loop)->stopping = true;
}

static void destroy(struct vgw_loop *loop)
{
    struct control *c = of(loop);
    struct vgw_loop *before = vgw_loop_enter(loop);
    vgw_loop_deliver(loop, SIZE_MAX);
    vgw_loop_enter(before == loop ? NULL : before);
    for (size_t i = 0; i < c->watch_count; i++)
        event_free(c->watches[i].event);
    if (c->wake_event)
        event_free(c->wake_event);
    if (c->timer_event)
        event_free(c->timer_event);
    if (c->base)
        event_base_free(c->base);
    if (c->wake_fd >= 0)
        close(c->wake_fd);
    vgw_loop_done(loop);
    vgw_free(c);
}

static const struct vgw_loop_ops ops = {
    .wake = wake, .io_new = io_new, .io_want = io_want, .io_free = io_free, .stop = stop, .destroy = destroy};

int vgw_loop_new_control(struct vgw_loop **ret_loop, struct vgw_error *err)
{
    struct control *c;
    if (!VGW_NEW(c))
        return vgw_error_nomem(err);
    vgw_loop_init(&c->loop, &ops, "control");
    c->armed_us = INT64_MAX;
    c->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (c->wake_fd < 0) {
        vgw_error_set(err, VGW_ELIMIT, "cannot make an eventfd (%s); raise LimitNOFILE", strerror(errno));
        goto out;
    }
    c->base = event_base_new();
    if (c->base) {
        c->wake_event = event_new(c->base, c->wake_fd, EV_READ | EV_PERSIST, on_wake, c);
        c->timer_event = event_new(c->base, -1, 0, on_timer, c);
    }
    if (!c->wake_event || !c->timer_event || event_add(c->wake_event, NULL)) {
        vgw_error_set(err, VGW_ELIMIT, "cannot make the control loop: libevent refused (memory or file descriptors)");
        goto out;
    }
    *ret_loop = &c->loop;
    return VGW_OK;
out:
    destroy(&c->loop);
    return VGW_ELIMIT;
}

static void arm(struct control *c)
{
    int64_t deadline_us = vgw_loop_deadline(&c->loop);
    if (deadline_us == c->armed_us)
        return;
    c->armed_us = deadline_us;
    if (deadline_us == INT64_MAX) {
        event_del(c->timer_event);
        return;
    }
    int64_t left_us = deadline_us - vgw_io_now_us();
    int64_t most_us = INT64_C(3600) * VGW_US_PER_S;
    left_us = left_us < 0 ? 0 : left_us > most_us ? most_us : left_us;
    struct timeval tv = {.tv_sec = (time_t)(left_us / VGW_US_PER_S), .tv_usec = (suseconds_t)(left_us % VGW_US_PER_S)};
    event_add(c->timer_event, &tv);
}

void vgw_loop_run(struct vgw_loop *loop)
{
    if (loop->driver) {
        vgw_driver_run_loop(loop);
        return;
    }
    struct control *c = of(loop);
    struct vgw_loop *before = vgw_loop_enter(loop);
    loop->turning = true;
    while (!c->stopping) {
        arm(c);
        vgw_loop_new_turn(loop);
        if (event_base_loop(c->base, EVLOOP_ONCE) < 0)
            break;
    }
    c->stopping = false;
    loop->turning = false;
    vgw_loop_enter(before);
}

static void on_signal(evutil_socket_t signo, short what, void *arg)
{
    struct watch *w = arg;
    vgw_loop_new_turn(&w->control->loop);
    w->fn(w->arg, (int)signo);
}

int vgw_loop_on_signal(struct vgw_loop *loop, int signo, void (*fn)(void *arg, int signo), void *arg)
{
    struct control *c = of(loop);
    if (loop->ops != &ops)
        return VGW_EUNSUPPORTED;
    if (c->watch_count == SIGNALS_MAX)
        return VGW_ELIMIT;
    struct watch *w = &c->watches[c->watch_count];
    *w = (struct watch){.fn = fn, .arg = arg, .control = c};
    w->event = evsignal_new(c->base, signo, on_signal, w);
    if (!w->event || evsignal_add(w->event, NULL)) {
        if (w->event)
            event_free(w->event);
        return VGW_ELIMIT;
    }
    c->watch_count++;
    return VGW_OK;
}
