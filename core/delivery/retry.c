/* retry.c - how often, how long between, which provider next. */
#include "delivery/retry.h"
#include <string.h>
#include "base/time.h"

static const char *const names[VGW_ATTEMPT_OUTCOMES] = {"delivered", "busy",           "no_answer", "voicemail",
                                                        "failed",    "provider_error", "refused"};

const char *vgw_attempt_outcome_name(enum vgw_attempt_outcome outcome)
{
    return (unsigned)outcome < VGW_ATTEMPT_OUTCOMES ? names[outcome] : "failed";
}

int vgw_attempt_outcome_of(const char *name)
{
    for (int i = 0; name && i < VGW_ATTEMPT_OUTCOMES; i++) {
        if (strcmp(names[i], name) == 0)
            return i;
    }
    return -1;
}

struct vgw_retry_policy vgw_retry_defaults(void)
{
    const int64_t minute = 60 * VGW_US_PER_S;
    return (struct vgw_retry_policy){.rules = {[VGW_ATTEMPT_BUSY] = {3, 5 * minute, 1, false},
                                               [VGW_ATTEMPT_NO_ANSWER] = {2, 30 * minute, 1, false},
                                               [VGW_ATTEMPT_VOICEMAIL] = {1, 120 * minute, 1, false},
                                               [VGW_ATTEMPT_FAILED] = {1, 10 * minute, 1, false},
                                               [VGW_ATTEMPT_PROVIDER_ERROR] = {5, 10 * VGW_US_PER_S, 2, true}}};
}

static int64_t wait_of(const struct vgw_retry_rule *rule, uint32_t times, int64_t hint_us, struct vgw_rng *rng)
{
    double wait = (double)rule->after_us;
    for (uint32_t i = 1; i < times && wait < (double)VGW_RETRY_WAIT_MAX_US; i++)
        wait *= rule->factor > 1 ? rule->factor : 1;
    if (wait < (double)hint_us)
        wait = (double)hint_us;
    if (rng)
        wait += wait * 0.1 * vgw_rng_unit(rng);
    return wait < (double)VGW_RETRY_WAIT_MAX_US ? (int64_t)wait : VGW_RETRY_WAIT_MAX_US;
}

struct vgw_retry_answer vgw_retry_decide(const struct vgw_retry_policy *policy, const struct vgw_retry_past *past,
                                         enum vgw_attempt_outcome outcome, bool retryable, int64_t hint_us,
                                         struct vgw_rng *rng)
{
    struct vgw_retry_answer no = {.again = false, .provider = past->provider};
    if ((unsigned)outcome >= VGW_ATTEMPT_OUTCOMES || outcome == VGW_ATTEMPT_DELIVERED || outcome == VGW_ATTEMPT_REFUSED)
        return no;
    const struct vgw_retry_rule *rule = &policy->rules[outcome];
    uint32_t times = past->by_outcome[outcome];
    if (times > rule->max || (policy->max_attempts && past->attempts >= policy->max_attempts))
        return no;
    uint32_t next = past->provider;
    if (past->providers > 1 && (rule->next_provider || !retryable))
        next = (past->provider + 1) % past->providers;
    if (!retryable && next == past->provider && outcome == VGW_ATTEMPT_PROVIDER_ERROR)
        return no;
    return (struct vgw_retry_answer){.again = true, .after_us = wait_of(rule, times, hint_us, rng), .provider = next};
}
