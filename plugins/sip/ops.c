/* ops.c - the operations of a provider: each is looked at here and done on the SIP thread, which completes it. */
#include <stdio.h>
#include <string.h>
#include "sip.h"

void sip_complete(struct sip *sip, uint64_t op, int32_t status, const char *sentence, const char *json)
{
    if (op && sip->provider->on_complete(sip->host, op, status, sentence, json) == VOICEGW_ELIMIT)
        sip->host->count(sip->host, "completions_lost", 1);
}

static int32_t start(struct sip *sip, uint64_t op, uint64_t call, uint32_t arg, const char *text,
                     void (*run)(struct sip_task *))
{
    struct sip_call *c = sip_call_of(sip, call);
    if (!c)
        return sip->host->set_error(sip->host, VOICEGW_ENOTFOUND, "no such call");
    int32_t rc = sip_to_loop(sip, c, op, arg, text, run);
    sip_call_drop(c);
    return rc == VOICEGW_OK ? rc : sip->host->set_error(sip->host, rc, "the signalling is overloaded");
}

static int32_t sip_answer(void *instance, uint64_t op, uint64_t call)
{
    return start(instance, op, call, 0, NULL, line_answer);
}

static int32_t sip_reject(void *instance, uint64_t op, uint64_t call, const char *reason)
{
    return start(instance, op, call, 0, reason, line_reject);
}

static int32_t sip_end(void *instance, uint64_t op, uint64_t call)
{
    return start(instance, op, call, 0, NULL, line_end);
}

static int32_t sip_status(void *instance, uint64_t op, uint64_t call)
{
    return start(instance, op, call, 0, NULL, line_status);
}

static void sip_forget(void *instance, uint64_t call)
{
    struct sip *sip = instance;
    struct sip_call *c = sip_call_of(sip, call);
    if (!c)
        return;
    sip_call_leave(sip, call);
    (void)sip_to_loop(sip, c, 0, 0, NULL, line_forget);
    sip_call_drop(c);
}

const struct voicegw_provider sip_operations = {.size = sizeof sip_operations,
                                                .answer = sip_answer,
                                                .reject = sip_reject,
                                                .end = sip_end,
                                                .status = sip_status,
                                                .forget = sip_forget};
