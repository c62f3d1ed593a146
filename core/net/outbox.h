/* outbox.h - outgoing webhooks, signed as Standard Webhooks 1.0.0 says: a bounded queue for each endpoint, retries with
 * the published schedule, stable ids, at least once. One endpoint that is dead holds no other; messages of one order
 * key (a call) go one after another, others of the same endpoint beside them. Lives on one loop; all functions belong
 * to its thread. The HTTP client is a function, so tests run in virtual time. */
#ifndef VGW_NET_OUTBOX_H
#define VGW_NET_OUTBOX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/error.h"
#include "base/id.h"
#include "loop/loop.h"
#include "net/client.h"

struct vgw_outbox;

/** Starts a request as vgw_client_send() does: 0 and later exactly one on_done(), or negative and none. */
typedef int (*vgw_outbox_send_fn)(void *arg, const struct vgw_client_request *request, struct vgw_error *err);

struct vgw_outbox_limits {
    unsigned max_endpoints; /* 256; zeros take the defaults */
    unsigned max_messages;  /* 1,000 for each endpoint */
    unsigned max_at_once;   /* 4 for each endpoint */
    size_t max_bytes;       /* 4 MiB for each endpoint */
    int64_t timeout_us;     /* 20 s for each attempt */
};

/** What becomes of messages; any may be NULL. None is called from inside vgw_outbox_post(). */
struct vgw_outbox_events {
    void (*on_delivered)(void *arg, const char *id, unsigned attempts);
    /** Given up after the last attempt, or the endpoint was disabled. */
    void (*on_parked)(void *arg, const char *id, const char *url, const char *why);
    /** 410 Gone: the endpoint takes nothing more until vgw_outbox_enable(). */
    void (*on_disabled)(void *arg, const char *url);
    void *arg;
};

/** Makes an outbox. `send` is called on the loop with send_arg; `rng` (borrowed) draws the jitter; `limits`, `events`
 * are copied and may be NULL. */
int vgw_outbox_new(struct vgw_loop *loop, vgw_outbox_send_fn send, void *send_arg, struct vgw_rng *rng,
                   const struct vgw_outbox_limits *limits, const struct vgw_outbox_events *events,
                   struct vgw_outbox **ret_outbox, struct vgw_error *err);
/** Queues a message for an endpoint (named by its URL; made when it is new). `id` has no '.'; `body` is copied. It goes
 * out after those before it that have the same `order` ("" or NULL: in nobody's order).
 * `secret`: "whsec_…", or NULL for an unsigned one. VGW_ELIMIT: the endpoint's queue or the table is full (counted in
 * voicegw_webhook_dropped_total); VGW_EINVALID: id or secret; VGW_EBUSY: the endpoint is disabled. */
int vgw_outbox_post(struct vgw_outbox *o, const char *url, bool trusted, const char *secret, const char *id,
                    const char *order, const char *body, size_t len, struct vgw_error *err);
/** Messages of one endpoint waiting or under way; 0 for one that is not known. */
size_t vgw_outbox_endpoint_count(const struct vgw_outbox *o, const char *url);
/** Takes a disabled endpoint into service again. VGW_ENOTFOUND. */
int vgw_outbox_enable(struct vgw_outbox *o, const char *url);
/** Messages waiting or under way. */
size_t vgw_outbox_count(const struct vgw_outbox *o);
/** Messages that were not delivered are gone with it; answers under way are ignored. Takes NULL. */
void vgw_outbox_free(struct vgw_outbox *o);

/** "v1,<base64>" for the message, appended to `out`. `secret`: "whsec_" and base64 of 24 to 64 bytes. VGW_EINVALID.
 * Pure; any thread. */
int vgw_webhook_sign(const char *secret, const char *id, int64_t unix_s, const void *body, size_t len,
                     struct vgw_buf *out);
/** The delay before attempt `attempt` (0 is the first): 0, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h; -1
 * when there is none. Pure. */
int64_t vgw_webhook_delay_us(unsigned attempt);

#endif
