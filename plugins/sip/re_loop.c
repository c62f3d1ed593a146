/* re_loop.c - libre's loop on a thread of its own, and the one way in: a bounded queue behind an eventfd. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>
#include <re.h>
#include "re_layer.h"

#define FDS_MAX 65536

struct task {
    struct task *next;
    re_task fn;
    void *arg;
};

struct re_loop {
    struct re_loop_params p;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t started;
    struct task *first, **last;
    unsigned waiting;
    int event_fd, state; /* state: 0 starting, 1 runs, 2 stops, negative: failed */
};

struct re_timer {
    struct tmr tmr;
    re_task fn;
    void *arg;
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static int library_error;

/* The library puts a handler of its own on SIGPIPE; the process keeps what it had. */
static void library_start(void)
{
    struct sigaction before;
    (void)sigaction(SIGPIPE, NULL, &before);
    library_error = libre_init();
    (void)sigaction(SIGPIPE, &before, NULL);
}

static void run_tasks(struct re_loop *l)
{
    (void)pthread_mutex_lock(&l->lock);
    struct task *t = l->first;
    l->first = NULL;
    l->last = &l->first;
    l->waiting = 0;
    (void)pthread_mutex_unlock(&l->lock);
    while (t) {
        struct task *next = t->next;
        t->fn(t->arg);
        free(t);
        t = next;
    }
}

static void on_event(int flags, void *arg)
{
    struct re_loop *l = arg;
    uint64_t count;
    (void)flags;
    if (read(l->event_fd, &count, sizeof count) < 0 && errno != EAGAIN)
        return;
    run_tasks(l);
    (void)pthread_mutex_lock(&l->lock);
    int stop = l->state == 2;
    (void)pthread_mutex_unlock(&l->lock);
    if (stop)
        re_cancel();
}

static int set_up(struct re_loop *l)
{
    struct rlimit limit;
    int fds = FDS_MAX;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < FDS_MAX)
        fds = (int)limit.rlim_cur;
    if (re_thread_init() != 0)
        return -1;
    re_tmr_clock(l->p.now_us, l->p.arg);
    if (fd_setsize(fds) != 0 || fd_listen(l->event_fd, FD_READ, on_event, l) != 0) {
        re_thread_close();
        return -1;
    }
    return 0;
}

static void *run(void *arg)
{
    struct re_loop *l = arg;
    int rc = set_up(l);
    if (rc == 0)
        l->p.on_start(l->p.arg);
    (void)pthread_mutex_lock(&l->lock);
    l->state = rc == 0 ? 1 : -1;
    (void)pthread_cond_signal(&l->started);
    (void)pthread_mutex_unlock(&l->lock);
    if (rc < 0)
        return NULL;
    (void)re_main(NULL);
    run_tasks(l);
    l->p.on_stop(l->p.arg);
    fd_close(l->event_fd);
    re_tmr_clear();
    re_thread_close();
    return NULL;
}

static void loop_free(struct re_loop *l)
{
    if (l->event_fd >= 0)
        (void)close(l->event_fd);
    (void)pthread_cond_destroy(&l->started);
    (void)pthread_mutex_destroy(&l->lock);
    free(l);
}

int re_loop_start(const struct re_loop_params *params, struct re_loop **ret_loop)
{
    sigset_t all, before;
    struct re_loop *l = calloc(1, sizeof *l);
    if (!l)
        return -1;
    (void)pthread_once(&library_once, library_start);
    l->p = *params;
    l->last = &l->first;
    l->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    (void)pthread_mutex_init(&l->lock, NULL);
    (void)pthread_cond_init(&l->started, NULL);
    /* Signals are the host's affair. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = library_error || l->event_fd < 0 ? -1 : pthread_create(&l->thread, NULL, run, l);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        loop_free(l);
        return -1;
    }
    if (params->name)
        (void)pthread_setname_np(l->thread, params->name);
    (void)pthread_mutex_lock(&l->lock);
    while (l->state == 0)
        (void)pthread_cond_wait(&l->started, &l->lock);
    rc = l->state;
    (void)pthread_mutex_unlock(&l->lock);
    if (rc < 0) {
        (void)pthread_join(l->thread, NULL);
        loop_free(l);
        return -1;
    }
    *ret_loop = l;
    return 0;
}

static void wake(struct re_loop *l)
{
    uint64_t one = 1;
    /* A counter that is full wakes as well. */
    if (write(l->event_fd, &one, sizeof one) < 0)
        return;
}

int re_loop_post(struct re_loop *l, re_task fn, void *arg)
{
    struct task *t = calloc(1, sizeof *t);
    if (!t)
        return -1;
    t->fn = fn;
    t->arg = arg;
    (void)pthread_mutex_lock(&l->lock);
    int first = l->waiting == 0;
    if (l->state == 2 || l->waiting >= RE_QUEUE_MAX) {
        (void)pthread_mutex_unlock(&l->lock);
        free(t);
        return -1;
    }
    *l->last = t;
    l->last = &t->next;
    l->waiting++;
    (void)pthread_mutex_unlock(&l->lock);
    if (first)
        wake(l);
    return 0;
}

void re_loop_stop(struct re_loop *l)
{
    if (!l)
        return;
    (void)pthread_mutex_lock(&l->lock);
    l->state = 2;
    (void)pthread_mutex_unlock(&l->lock);
    wake(l);
    (void)pthread_join(l->thread, NULL);
    loop_free(l);
}

static void on_timer(void *arg)
{
    struct re_timer *t = arg;
    t->fn(t->arg);
}

struct re_timer *re_timer_new(re_task fn, void *arg)
{
    struct re_timer *t = calloc(1, sizeof *t);
    if (t) {
        t->fn = fn;
        t->arg = arg;
    }
    return t;
}

void re_timer_start(struct re_timer *t, uint64_t delay_ms)
{
    if (t)
        tmr_start(&t->tmr, delay_ms, on_timer, t);
}

void re_timer_stop(struct re_timer *t)
{
    if (t)
        tmr_cancel(&t->tmr);
}

int re_timer_runs(const struct re_timer *t)
{
    return t && tmr_isrunning(&t->tmr);
}

void re_timer_free(struct re_timer *t)
{
    re_timer_stop(t);
    free(t);
}

void re_random(void *out, size_t bytes)
{
    rand_bytes(out, bytes);
}
