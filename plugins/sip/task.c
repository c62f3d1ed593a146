/* task.c - from one thread of the plugin to another. */
#include <stdlib.h>
#include <string.h>
#include "sip.h"

static void task_free(struct sip_task *t)
{
    if (t->call)
        sip_call_drop(t->call);
    free(t->text);
    free(t);
}

static void run(void *arg)
{
    struct sip_task *t = arg;
    t->run(t);
    task_free(t);
}

static struct sip_task *task_new(struct sip *sip, struct sip_call *call, uint64_t op, uint32_t arg, const char *text,
                                 void (*fn)(struct sip_task *))
{
    struct sip_task *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->sip = sip;
    t->op = op;
    t->arg = arg;
    t->run = fn;
    t->text = text ? strdup(text) : NULL;
    if (text && !t->text) {
        free(t);
        return NULL;
    }
    t->call = call ? sip_call_keep(call) : NULL;
    return t;
}

int32_t sip_to_loop(struct sip *sip, struct sip_call *call, uint64_t op, uint32_t arg, const char *text,
                    void (*fn)(struct sip_task *))
{
    struct sip_task *t = task_new(sip, call, op, arg, text, fn);
    if (t && re_loop_post(sip->loop, run, t) == 0)
        return VOICEGW_OK;
    if (t)
        task_free(t);
    sip->host->count(sip->host, "queue_full", 1);
    return VOICEGW_ELIMIT;
}

int32_t sip_to_control(struct sip *sip, struct sip_call *call, uint64_t op, uint32_t arg, const char *text,
                       void (*fn)(struct sip_task *))
{
    struct sip_task *t = task_new(sip, call, op, arg, text, fn);
    if (t && sip->host->post(sip->host, VOICEGW_TARGET_CONTROL, run, t) == VOICEGW_OK)
        return VOICEGW_OK;
    if (t)
        task_free(t);
    return VOICEGW_ELIMIT;
}
