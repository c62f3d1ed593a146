/* queue.c - queues outside: operations to their plugins, and what these bring. */
#include "base/alloc.h"
#include "base/str.h"
#include "host/host_private.h"

static const struct voicegw_queue *queue_of(struct vgw_instance *instance)
{
    return vgw_instance_extension(instance, VOICEGW_KIND_QUEUE);
}

int vgw_host_queue_receive(struct vgw_instance *instance, uint64_t op, uint32_t n)
{
    const struct voicegw_queue *q = queue_of(instance);
    return q && q->receive ? q->receive(instance->plugin_instance, op, n) : VGW_EUNSUPPORTED;
}

int vgw_host_queue_extend(struct vgw_instance *instance, uint64_t op, const char *receipt, int64_t ttl_us)
{
    const struct voicegw_queue *q = queue_of(instance);
    return q && q->extend ? q->extend(instance->plugin_instance, op, receipt, ttl_us) : VGW_EUNSUPPORTED;
}

int vgw_host_queue_remove(struct vgw_instance *instance, uint64_t op, const char *receipt)
{
    const struct voicegw_queue *q = queue_of(instance);
    return q && q->remove ? q->remove(instance->plugin_instance, op, receipt) : VGW_EUNSUPPORTED;
}

int vgw_host_queue_reject(struct vgw_instance *instance, uint64_t op, const char *receipt, int64_t retry_after_us)
{
    const struct voicegw_queue *q = queue_of(instance);
    return q && q->reject ? q->reject(instance->plugin_instance, op, receipt, retry_after_us) : VGW_EUNSUPPORTED;
}

int vgw_host_queue_bury(struct vgw_instance *instance, uint64_t op, const char *receipt, const char *body,
                        const char *reason)
{
    const struct voicegw_queue *q = queue_of(instance);
    return q && q->bury ? q->bury(instance->plugin_instance, op, receipt, body, reason) : VGW_EUNSUPPORTED;
}

/* ---- from the plugin ---- */

struct brought {
    struct vgw_host_instance *hi;
    uint64_t op;
    int status;
    bool messages;
    char *text; /* the messages, or a sentence */
};

static void brought_run(void *arg)
{
    struct brought *b = arg;
    const struct vgw_host_env *env = &b->hi->host->env;
    struct vgw_json *list = b->messages ? vgw_host_json(b->text) : NULL;
    if (b->messages && env->queue_messages)
        env->queue_messages(env->arg, b->hi->instance, b->op, b->status, list);
    else if (env->queue_complete)
        env->queue_complete(env->arg, b->hi->instance, b->op, b->status, b->text ? b->text : "");
    vgw_json_free(list);
    atomic_fetch_sub(&b->hi->jobs, 1);
    vgw_free(b->text);
    vgw_free(b);
}

static int32_t bring(const struct voicegw_host *h, uint64_t op, int32_t status, const char *text, bool messages)
{
    struct vgw_host_instance *hi = vgw_host_of(h);
    struct brought *b;
    if (!VGW_NEW(b))
        return VOICEGW_ELIMIT;
    *b = (struct brought){.hi = hi, .op = op, .status = status, .messages = messages, .text = vgw_strdup(text)};
    atomic_fetch_add(&hi->jobs, 1); /* the instance stays until this has run */
    if ((text && !b->text) || vgw_host_to_control(hi, brought_run, b) < 0) {
        atomic_fetch_sub(&hi->jobs, 1);
        vgw_free(b->text);
        vgw_free(b);
        return VOICEGW_ELIMIT;
    }
    return VOICEGW_OK;
}

static int32_t on_messages(const struct voicegw_host *h, uint64_t op, int32_t status, const char *messages_json)
{
    return bring(h, op, status, messages_json, true);
}

static int32_t on_complete(const struct voicegw_host *h, uint64_t op, int32_t status, const char *sentence)
{
    return bring(h, op, status, sentence, false);
}

const struct voicegw_host_queue vgw_host_queue_table = {
    .size = sizeof vgw_host_queue_table, .on_messages = on_messages, .on_complete = on_complete};
