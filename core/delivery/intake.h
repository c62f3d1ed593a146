/* intake.h - messages from a queue outside: received while there is room, put into the store, held at the queue until
 * the first attempt's record is stored, then removed. What is no message of ours is buried with the reason. A
 * redelivery is the same message, since the queue's own id is its idempotency key. Control thread. */
#ifndef VGW_DELIVERY_INTAKE_H
#define VGW_DELIVERY_INTAKE_H
#include "delivery/delivery.h"

#define VGW_INTAKE_HELD_MAX 200u /* messages of one queue that are held here */
#define VGW_INTAKE_BATCH 10u

/** The queue's operations; each with an id that its completion brings back. 0 or a negative status, then nothing comes.
 */
struct vgw_intake_ops {
    void *arg;
    int (*receive)(void *arg, uint64_t op, uint32_t n);
    int (*extend)(void *arg, uint64_t op, const char *receipt, int64_t ttl_us);
    int (*remove)(void *arg, uint64_t op, const char *receipt);
    int (*reject)(void *arg, uint64_t op, const char *receipt, int64_t retry_after_us);
    int (*bury)(void *arg, uint64_t op, const char *receipt, const char *body, const char *reason);
};
struct vgw_intake;
/** Begins to receive. NULL: out of memory. */
struct vgw_intake *vgw_intake_new(struct vgw_delivery *d, const char *name, const struct vgw_intake_ops *ops);
/** What is held is left to the queue: it comes again, to whoever receives then. Takes NULL. Before the delivery. */
void vgw_intake_free(struct vgw_intake *s);
/** The answer to receive: [{"id","receipt","body","attempt"}], borrowed. */
void vgw_intake_on_messages(struct vgw_intake *s, uint64_t op, int status, const struct vgw_json *messages);
void vgw_intake_on_complete(struct vgw_intake *s, uint64_t op, int status, const char *sentence);
#endif
