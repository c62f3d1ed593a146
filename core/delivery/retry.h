/* retry.h - what follows an attempt: pure policy by outcome. Thread: any. */
#ifndef VGW_DELIVERY_RETRY_H
#define VGW_DELIVERY_RETRY_H
#include <stdbool.h>
#include <stdint.h>
#include "base/id.h"

/** How an attempt came out. */
enum vgw_attempt_outcome {
    VGW_ATTEMPT_DELIVERED,
    VGW_ATTEMPT_BUSY,
    VGW_ATTEMPT_NO_ANSWER,
    VGW_ATTEMPT_VOICEMAIL,      /* a machine answered and nothing was left */
    VGW_ATTEMPT_FAILED,         /* the network says that this number cannot be reached so */
    VGW_ATTEMPT_PROVIDER_ERROR, /* the provider did not take the call, or lost it */
    VGW_ATTEMPT_REFUSED,        /* by ourselves: validation, a list, the budget; never tried again */
    VGW_ATTEMPT_OUTCOMES
};
/** "delivered", "busy", "no_answer", "voicemail", "failed", "provider_error", "refused". Static. */
const char *vgw_attempt_outcome_name(enum vgw_attempt_outcome outcome);
/** -1: no such name. */
int vgw_attempt_outcome_of(const char *name);

/** `delivery.retry.<outcome>`. */
struct vgw_retry_rule {
    uint32_t max;       /* further attempts after an attempt of this outcome */
    int64_t after_us;   /* how long to wait before the next */
    double factor;      /* the wait grows by this for each attempt of this outcome; at least 1 */
    bool next_provider; /* the next attempt goes to the next provider of the list */
};
#define VGW_RETRY_WAIT_MAX_US (INT64_C(7) * 86400 * 1000000)
struct vgw_retry_policy {
    struct vgw_retry_rule rules[VGW_ATTEMPT_OUTCOMES];
    uint32_t max_attempts; /* over all outcomes; 0: no bound but the rules' */
};
/** What the policies of an operator who writes none are: busy 3 after 5 min, no answer 2 after 30 min, voicemail 1
 * after 2 h, failed 1 after 10 min, provider errors 5 from 10 s on, each time twice as long, at the next provider. */
struct vgw_retry_policy vgw_retry_defaults(void);

/** What was tried so far. */
struct vgw_retry_past {
    uint32_t by_outcome[VGW_ATTEMPT_OUTCOMES]; /* this one included */
    uint32_t attempts;                         /* this one included */
    uint32_t provider;                         /* index of the provider in the message's list */
    uint32_t providers;                        /* length of that list, at least 1 */
};
struct vgw_retry_answer {
    bool again;
    int64_t after_us;  /* from now, jitter included */
    uint32_t provider; /* index for the next attempt */
};
/** `retryable`: what the error's class says (an authentication error is not tried again at the same provider, but at
 * the next one). `hint_us`: the provider's own Retry-After, 0: none; the wait is never shorter. `rng` gives up to a
 * tenth more, so that a crowd does not come back at once; NULL: none. */
struct vgw_retry_answer vgw_retry_decide(const struct vgw_retry_policy *policy, const struct vgw_retry_past *past,
                                         enum vgw_attempt_outcome outcome, bool retryable, int64_t hint_us,
                                         struct vgw_rng *rng);
#endif
