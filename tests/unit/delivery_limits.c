#include <criterion/criterion.h>
#include "base/time.h"
#include "delivery/limits.h"

#define S VGW_US_PER_S
#define MINUTE (60 * S)

static struct vgw_limit_keys keys_of(const char *provider, const char *number, const char *campaign)
{
    return (struct vgw_limit_keys){.keys = {provider, number, campaign}};
}

/* How many go out in a minute, when somebody asks every `step_us`, `lag_us` late at times. */
static unsigned minute_of(struct vgw_limits *l, const struct vgw_limit_keys *keys, int64_t step_us)
{
    unsigned n = 0;
    int64_t wait_us;
    const char *why;
    for (int64_t now_us = 0; now_us < MINUTE; now_us += step_us)
        while (vgw_limits_take(l, keys, now_us, &wait_us, &why)) {
            vgw_limits_release(l, keys);
            n++;
        }
    return n;
}

Test(delivery_limits, a_rate_is_kept_over_a_minute_however_the_loop_turns)
{
    static const struct {
        double rate;
        int64_t step_us;
    } cases[] = {{1, 1000}, {10, 700}, {10, 100000}, {100, 1000}, {100, 150000}, {500, 20000}, {0.5, 1000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vgw_limits *l = vgw_limits_new();
        struct vgw_limit_keys keys = keys_of("a", NULL, NULL);
        vgw_limits_set(l, VGW_LIMIT_PROVIDER, (struct vgw_limit){.rate = cases[i].rate});
        unsigned n = minute_of(l, &keys, cases[i].step_us);
        cr_assert_leq(n, (unsigned)(cases[i].rate * 60) + 1, "%f a second: %u in a minute", cases[i].rate, n);
        cr_assert_geq(n, (unsigned)(cases[i].rate * 60 * 0.99), "%f a second: %u in a minute", cases[i].rate, n);
        vgw_limits_free(l);
    }
}

Test(delivery_limits, gateways_that_share_a_limit_never_exceed_it_together)
{
    for (uint32_t members = 1; members <= 5; members++) {
        unsigned rate = 0, places = 0;
        for (uint32_t rank = 0; rank < members; rank++) {
            struct vgw_limits *l = vgw_limits_new();
            struct vgw_limit_keys keys = keys_of("a", NULL, NULL);
            int64_t wait_us;
            const char *why;
            vgw_limits_set(l, VGW_LIMIT_PROVIDER, (struct vgw_limit){.rate = 20});
            vgw_limits_share(l, rank, members);
            rate += minute_of(l, &keys, 1000);
            vgw_limits_set(l, VGW_LIMIT_PROVIDER, (struct vgw_limit){.concurrent = 7});
            while (vgw_limits_take(l, &keys, 0, &wait_us, &why))
                places++;
            cr_assert_str_eq(why, "concurrent");
            vgw_limits_free(l);
        }
        cr_assert_eq(places, 7, "%u gateways have %u places", members, places);
        cr_assert_leq(rate, 20 * 60 + members);
        cr_assert_geq(rate, 20 * 60 - 12);
    }
}

Test(delivery_limits, what_one_limit_refuses_costs_no_other_anything)
{
    struct vgw_limits *l = vgw_limits_new();
    struct vgw_limit_keys full = keys_of("p", "+1555", "c1"), free_one = keys_of("p", "+1555", "c2");
    int64_t wait_us = -1;
    const char *why;
    vgw_limits_set(l, VGW_LIMIT_PROVIDER, (struct vgw_limit){.concurrent = 2});
    vgw_limits_set(l, VGW_LIMIT_CAMPAIGN, (struct vgw_limit){.concurrent = 1});
    cr_assert(vgw_limits_take(l, &full, 0, &wait_us, &why));
    cr_assert_not(vgw_limits_take(l, &full, 0, &wait_us, &why));
    cr_assert_eq(vgw_limits_used(l, VGW_LIMIT_PROVIDER, "p"), 1);
    cr_assert(vgw_limits_take(l, &free_one, 0, &wait_us, &why));
    vgw_limits_release(l, &full);
    cr_assert(vgw_limits_take(l, &full, 0, &wait_us, &why));
    vgw_limits_free(l);
}

Test(delivery_limits, a_campaigns_own_limit_comes_before_the_general_one)
{
    struct vgw_limits *l = vgw_limits_new();
    struct vgw_limit_keys keys = keys_of(NULL, NULL, "c");
    int64_t wait_us;
    const char *why;
    vgw_limits_set(l, VGW_LIMIT_CAMPAIGN, (struct vgw_limit){.concurrent = 1});
    keys.own[VGW_LIMIT_CAMPAIGN] = (struct vgw_limit){.concurrent = 3};
    for (int i = 0; i < 3; i++)
        cr_assert(vgw_limits_take(l, &keys, 0, &wait_us, &why));
    cr_assert_not(vgw_limits_take(l, &keys, 0, &wait_us, &why));
    vgw_limits_free(l);
}
