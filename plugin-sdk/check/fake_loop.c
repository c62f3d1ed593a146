/* fake_loop.c - posts, timers and jobs on a virtual clock. */
#include <pthread.h>
#include <string.h>
#include "fake.h"

enum { QUEUE_MAX = 8192, TIMERS_MAX = 10000, STEPS_MAX = 400000 };

struct task {
    uint64_t target;
    voicegw_callback fn, done; /* with `done`: a job */
    void *arg;
    bool job;
};
static struct task queue[QUEUE_MAX];
static unsigned head, length;
static struct {
    uint64_t id, target;
    int64_t at;
    voicegw_callback fn;
    void *arg;
} timers[TIMERS_MAX];
static unsigned timer_count;
static uint64_t last_timer;
static int64_t now_us = 1000000;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local uint32_t tag;

void fake_tag_set(uint32_t value)
{
    tag = value;
}

uint32_t fake_tag(void)
{
    return tag;
}

void fake_need(uint32_t tags, const char *function)
{
    static const char *const names[] = {"a thread of the plugin's own", "[control]", "[media]", "", "[pool]"};
    if (!(tag & tags))
        fake_violation(FAKE_THREAD, "%s was called on %s, it is for %s%s", function, names[tag <= 4 ? tag : 0],
                       (tags & VOICEGW_THREAD_CONTROL) ? "[control]" : "",
                       (tags & VOICEGW_THREAD_MEDIA) ? "[media]" : "");
}

int64_t fake_now(void)
{
    return now_us;
}

static bool push(const struct task *t)
{
    pthread_mutex_lock(&lock);
    bool room = length < QUEUE_MAX;
    if (room)
        queue[(head + length++) % QUEUE_MAX] = *t;
    pthread_mutex_unlock(&lock);
    return room;
}

static bool pop(struct task *ret)
{
    pthread_mutex_lock(&lock);
    bool any = length > 0;
    if (any) {
        *ret = queue[head];
        head = (head + 1) % QUEUE_MAX;
        length--;
    }
    pthread_mutex_unlock(&lock);
    return any;
}

bool fake_post(uint64_t target, voicegw_callback fn, void *arg)
{
    return push(&(struct task){.target = target, .fn = fn, .arg = arg});
}

bool fake_job(uint64_t target, voicegw_callback work, voicegw_callback done, void *arg)
{
    return push(&(struct task){.target = target, .fn = work, .done = done, .arg = arg, .job = true});
}

uint64_t fake_timer(uint64_t target, int64_t delay_us, voicegw_callback fn, void *arg)
{
    if (timer_count == TIMERS_MAX)
        return 0;
    timers[timer_count].id = ++last_timer;
    timers[timer_count].target = target;
    timers[timer_count].at = now_us + (delay_us > 0 ? delay_us : 0);
    timers[timer_count].fn = fn;
    timers[timer_count++].arg = arg;
    return last_timer;
}

bool fake_timer_cancel(uint64_t timer)
{
    for (unsigned i = 0; i < timer_count; i++) {
        if (timers[i].id == timer) {
            memmove(&timers[i], &timers[i + 1], (timer_count - i - 1) * sizeof timers[0]);
            timer_count--;
            return true;
        }
    }
    return false;
}

void fake_loop_clear(void)
{
    head = length = timer_count = 0;
}

struct pool_call {
    void (*fn)(void *arg);
    void *arg;
};

static void *pool_main(void *arg)
{
    const struct pool_call *c = arg;
    tag = VOICEGW_THREAD_POOL;
    c->fn(c->arg);
    return NULL;
}

void fake_on_pool(void (*fn)(void *arg), void *arg)
{
    pthread_t thread;
    struct pool_call call = {fn, arg};
    if (pthread_create(&thread, NULL, pool_main, &call) != 0) {
        fake_violation(FAKE_VALUE, "no pool thread could be made");
        return;
    }
    pthread_join(thread, NULL);
}

static void call_on(uint64_t target, voicegw_callback fn, void *arg)
{
    uint32_t before = tag;
    tag = target == VOICEGW_TARGET_CONTROL ? VOICEGW_THREAD_CONTROL : VOICEGW_THREAD_MEDIA;
    fn(arg);
    tag = before;
}

static void do_task(const struct task *t)
{
    if (!t->job) {
        call_on(t->target, t->fn, t->arg);
        return;
    }
    fake_on_pool(t->fn, t->arg);
    if (t->done)
        fake_post(t->target, t->done, t->arg);
}

/* The index of the earliest timer due by `until`, or timer_count. */
static unsigned earliest(int64_t until)
{
    unsigned best = timer_count;
    for (unsigned i = 0; i < timer_count; i++) {
        if (timers[i].at <= until && (best == timer_count || timers[i].at < timers[best].at))
            best = i;
    }
    return best;
}

void fake_run(int64_t span_us)
{
    int64_t until = now_us + span_us;
    struct task t;
    for (unsigned steps = 0; steps < STEPS_MAX; steps++) {
        if (pop(&t)) {
            do_task(&t);
            continue;
        }
        unsigned i = earliest(until);
        if (i == timer_count) {
            now_us = until;
            return;
        }
        if (timers[i].at > now_us)
            now_us = timers[i].at;
        t = (struct task){.target = timers[i].target, .fn = timers[i].fn, .arg = timers[i].arg};
        fake_timer_cancel(timers[i].id);
        call_on(t.target, t.fn, t.arg);
    }
    fake_violation(FAKE_VALUE, "the plugin never comes to rest: it posts or starts timers without end");
}
