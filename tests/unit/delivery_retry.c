#include <criterion/criterion.h>
#include "base/time.h"
#include "delivery/retry.h"

#define S VGW_US_PER_S

static struct vgw_retry_past past(enum vgw_attempt_outcome outcome, uint32_t times, uint32_t providers)
{
    struct vgw_retry_past p = {.attempts = times, .providers = providers};
    p.by_outcome[outcome] = times;
    return p;
}

Test(delivery_retry, each_outcome_has_its_number_its_wait_and_its_provider)
{
    struct vgw_retry_policy policy = vgw_retry_defaults();
    static const struct {
        enum vgw_attempt_outcome outcome;
        uint32_t times, providers;
        bool retryable, again;
        int64_t after_s;
        uint32_t provider;
    } cases[] = {
        {VGW_ATTEMPT_DELIVERED, 1, 1, true, false, 0, 0},
        {VGW_ATTEMPT_REFUSED, 1, 2, true, false, 0, 0},
        {VGW_ATTEMPT_BUSY, 1, 2, true, true, 300, 0},
        {VGW_ATTEMPT_BUSY, 3, 2, true, true, 300, 0},
        {VGW_ATTEMPT_BUSY, 4, 2, true, false, 0, 0},
        {VGW_ATTEMPT_NO_ANSWER, 2, 1, true, true, 1800, 0},
        {VGW_ATTEMPT_NO_ANSWER, 3, 1, true, false, 0, 0},
        {VGW_ATTEMPT_PROVIDER_ERROR, 1, 1, true, true, 10, 0},
        {VGW_ATTEMPT_PROVIDER_ERROR, 3, 2, true, true, 40, 1},
        {VGW_ATTEMPT_PROVIDER_ERROR, 1, 1, false, false, 0, 0}, /* a refused key stays refused */
        {VGW_ATTEMPT_PROVIDER_ERROR, 1, 2, false, true, 10, 1}, /* but another provider may do */
        {VGW_ATTEMPT_FAILED, 1, 2, false, true, 600, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vgw_retry_past p = past(cases[i].outcome, cases[i].times, cases[i].providers);
        struct vgw_retry_answer a = vgw_retry_decide(&policy, &p, cases[i].outcome, cases[i].retryable, 0, NULL);
        cr_expect_eq(a.again, cases[i].again, "case %zu", i);
        cr_expect_eq(a.provider, cases[i].provider, "case %zu", i);
        if (a.again)
            cr_expect_eq(a.after_us, cases[i].after_s * S, "case %zu: %lld", i, (long long)a.after_us);
    }
}

Test(delivery_retry, waits_are_bounded_jittered_and_never_shorter_than_the_provider_asks)
{
    struct vgw_retry_policy policy = vgw_retry_defaults();
    struct vgw_rng rng;
    vgw_rng_seed(&rng, 7);
    policy.rules[VGW_ATTEMPT_BUSY] = (struct vgw_retry_rule){1000, 60 * S, 10, false};
    struct vgw_retry_past p = past(VGW_ATTEMPT_BUSY, 900, 1);
    cr_assert_eq(vgw_retry_decide(&policy, &p, VGW_ATTEMPT_BUSY, true, 0, &rng).after_us, VGW_RETRY_WAIT_MAX_US);
    p = past(VGW_ATTEMPT_BUSY, 1, 1);
    for (int i = 0; i < 100; i++) {
        int64_t wait = vgw_retry_decide(&policy, &p, VGW_ATTEMPT_BUSY, true, 90 * S, &rng).after_us;
        cr_assert(wait >= 90 * S && wait <= 99 * S);
    }
    policy.max_attempts = 5;
    p.attempts = 5;
    cr_assert_not(vgw_retry_decide(&policy, &p, VGW_ATTEMPT_BUSY, true, 0, NULL).again, "over all outcomes");
}

Test(delivery_retry, outcomes_have_names)
{
    for (int i = 0; i < VGW_ATTEMPT_OUTCOMES; i++)
        cr_assert_eq(vgw_attempt_outcome_of(vgw_attempt_outcome_name(i)), i);
    cr_assert_eq(vgw_attempt_outcome_of("lost"), -1);
    cr_assert_eq(vgw_attempt_outcome_of(NULL), -1);
}
