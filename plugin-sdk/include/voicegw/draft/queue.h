/* voicegw/draft/queue.h - a source of jobs outside (SQS and its like). Part of the voicegw plugin SDK (MIT).
 * Draft: may change until version 1 is cut. All functions run on [control]; all deliveries are at least once. */
#ifndef VOICEGW_DRAFT_QUEUE_H
#define VOICEGW_DRAFT_QUEUE_H
#include <stdint.h>
#include "voicegw/host.h"

#define VOICEGW_KIND_QUEUE "voicegw.queue/1"
#define VOICEGW_HOST_QUEUE "voicegw.host.queue/1"

struct voicegw_queue {
    uint32_t size;
    uint32_t reserved;
    /** Ask for at most n messages; they come by on_messages(op), an empty array included, exactly once. Waits at the
     * queue as long as its plugin is set to. */
    int32_t (*receive)(void *instance, uint64_t op, uint32_t n);
    int32_t (*extend)(void *instance, uint64_t op, const char *receipt, int64_t ttl_us);
    int32_t (*remove)(void *instance, uint64_t op, const char *receipt);
    int32_t (*reject)(void *instance, uint64_t op, const char *receipt, int64_t retry_after_us);
    /** A message that nobody can use: to the place for such, with the reason, and away from the queue. Where the
     * operator named no such place the queue's own policy decides: VOICEGW_EUNSUPPORTED, reject() it. `body`: as it
     * came. */
    int32_t (*bury)(void *instance, uint64_t op, const char *receipt, const char *body, const char *reason);
};

struct voicegw_host_queue {
    uint32_t size;
    uint32_t reserved;
    /** [{"id","receipt","body","attempt","attributes"}]; `id` is the same over redeliveries, `body` a string. [any] */
    int32_t (*on_messages)(const struct voicegw_host *host, uint64_t op, int32_t status, const char *messages_json);
    int32_t (*on_complete)(const struct voicegw_host *host, uint64_t op, int32_t status, const char *sentence);
};

#endif
