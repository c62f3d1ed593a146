/* task.c - things to do on [control] later; the instance keeps them in a list, so that none outlives it. */
#include <stdlib.h>
#include "mock.h"

static void unlink_task(struct mock_task *t)
{
    *t->at = t->next;
    if (t->next)
        t->next->at = t->at;
}

static void on_due(void *arg)
{
    struct mock_task *t = arg;
    unlink_task(t);
    t->run(t);
    free(t);
}

struct mock_task *mock_task_start(struct mock *m, int64_t delay_us, void (*run)(struct mock_task *task))
{
    struct mock_task *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->mock = m;
    t->run = run;
    t->timer = m->host->timer_start(m->host, VOICEGW_TARGET_CONTROL, delay_us, on_due, t);
    if (t->timer == 0) {
        free(t);
        return NULL;
    }
    t->next = m->tasks;
    t->at = &m->tasks;
    if (t->next)
        t->next->at = &t->next;
    m->tasks = t;
    return t;
}

void mock_task_cancel(struct mock_task *t)
{
    (void)t->mock->host->timer_cancel(t->mock->host, t->timer);
    unlink_task(t);
    free(t);
}

void mock_task_hurry(struct mock_task *t, void (*run)(struct mock_task *task))
{
    const struct voicegw_host *host = t->mock->host;
    uint64_t timer = host->timer_start(host, VOICEGW_TARGET_CONTROL, 0, on_due, t);
    t->run = run;
    if (timer == 0)
        return; /* it completes at its own time */
    (void)host->timer_cancel(host, t->timer);
    t->timer = timer;
}
