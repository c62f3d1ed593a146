/* attempt.h - an attempt to deliver a message, as operations on the store: it is written before anybody is dialled, and
 * settled together with the call's record. Pure: time is an argument. Control thread. */
#ifndef VGW_DELIVERY_ATTEMPT_H
#define VGW_DELIVERY_ATTEMPT_H
#include "base/json.h"
#include "delivery/retry.h"

/** How it came out. Texts are borrowed; NULL: none. */
struct vgw_attempt_result {
    enum vgw_attempt_outcome outcome;
    bool retryable;  /* what the error's class says */
    bool final;      /* not tried again whatever the policy says */
    bool canceled;   /* somebody wanted it to stop */
    int64_t hint_us; /* the provider's Retry-After, or 0 */
    const char *error, *error_class;
    const char *call_id, *session_id, *transcript, *answered_by, *currency;
    double cost; /* negative: unknown */
};

/** The message's row says now that an attempt with this provider has begun; appends the operations, which touch nothing
 * when `owner` does not hold the job any more: each counts as changed otherwise (VGW_ATTEMPT_BEGIN_ROWS).
 * VGW_ELIMIT: out of memory. */
#define VGW_ATTEMPT_BEGIN_ROWS 2u
int vgw_attempt_begin(struct vgw_json *row, const char *owner, const char *provider, uint32_t provider_index,
                      int64_t wall_us, struct vgw_json *ops);
/** The row as it was before an attempt that the store did not take: the next begins from what the store has. */
int vgw_attempt_undo(struct vgw_json *row);
/** Takes an attempt back that did not come to be (the gateway was full). */
int vgw_attempt_take_back(struct vgw_json *row, const char *owner, int64_t due_us, int64_t wall_us,
                          struct vgw_json *ops);
/** Which of the providers the next attempt goes to. */
uint32_t vgw_attempt_provider(const struct vgw_json *row, uint32_t providers);
/** What follows: by the policy and what the row knows of the attempts before, this one included. */
struct vgw_retry_answer vgw_attempt_decide(const struct vgw_json *row, const struct vgw_retry_policy *policy,
                                           const struct vgw_attempt_result *result, uint32_t providers,
                                           struct vgw_rng *rng);
/** The attempt that was begun last is over. again: due at `due_us` with that provider; else the message has its final
 * status ("delivered", "failed", "canceled") and its job is gone. */
int vgw_attempt_settle(struct vgw_json *row, const char *owner, const struct vgw_attempt_result *result,
                       const struct vgw_retry_answer *answer, int64_t due_us, int64_t wall_us, struct vgw_json *ops);
/** The price of an attempt's call is known now; the message's own is the sum of its attempts'. *ret_more (may be NULL):
 * by how much it has grown. VGW_ENOTFOUND: no attempt made that call, nothing was changed. VGW_ELIMIT. */
int vgw_attempt_price(struct vgw_json *row, const char *call_id, double cost, const char *currency, double *ret_more,
                      struct vgw_json *ops);
/** The job waits again, nothing was tried. */
int vgw_attempt_postpone(const struct vgw_json *row, const char *owner, int64_t due_us, int64_t wall_us,
                         struct vgw_json *ops);
#endif
