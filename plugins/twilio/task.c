/* task.c - what is to be done on [control] later, by timers that the instance owns: none outlives it. */
#include <stdlib.h>
#include <string.h>
#include "twilio.h"

static void unlink_task(struct twilio_task *t)
{
    *t->at = t->next;
    if (t->next)
        t->next->at = t->at;
}

static void on_due(void *arg)
{
    struct twilio_task *t = arg;
    unlink_task(t);
    t->run(t);
    free(t);
}

struct twilio_task *twilio_task_start(struct twilio *m, int64_t delay_us, void (*run)(struct twilio_task *task))
{
    struct twilio_task *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->m = m;
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

void twilio_task_cancel(struct twilio_task *t)
{
    if (!t)
        return;
    (void)t->m->host->timer_cancel(t->m->host, t->timer);
    unlink_task(t);
    free(t);
}

void twilio_complete(struct twilio *m, uint64_t op, int32_t status, const char *sentence, const char *json)
{
    if (op)
        (void)m->provider->on_complete(m->host, op, status, sentence, json);
}

static void on_complete(struct twilio_task *t)
{
    twilio_complete(t->m, t->op, t->status, t->sentence, t->json[0] ? t->json : NULL);
}

int32_t twilio_complete_later(struct twilio *m, uint64_t op, uint64_t call, int32_t status, const char *sentence,
                              const char *json)
{
    struct twilio_task *t = twilio_task_start(m, 0, on_complete);
    if (!t)
        return m->host->set_error(m->host, VOICEGW_ELIMIT, "the gateway has no timer left for this operation");
    t->op = op;
    t->call = call;
    t->status = status;
    t->sentence = sentence;
    (void)snprintf(t->json, sizeof t->json, "%s", json ? json : "");
    return VOICEGW_OK;
}
