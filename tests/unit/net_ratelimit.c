/* net_ratelimit.c - token buckets. */
#include "net/ratelimit.h"
#include <criterion/criterion.h>
#include <stdio.h>

#define S INT64_C(1000000)

Test(net_ratelimit, allows_a_burst_then_the_rate)
{
    struct vgw_ratelimit *l = vgw_ratelimit_new(2, 3, 0);
    int64_t wait = 0;
    for (int i = 0; i < 3; i++)
        cr_assert(vgw_ratelimit_take(l, "a", 0, NULL));
    cr_assert_not(vgw_ratelimit_take(l, "a", 0, &wait));
    cr_assert_eq(wait, S / 2 + 1);
    cr_assert_not(vgw_ratelimit_take(l, "a", wait / 2, NULL));
    cr_assert(vgw_ratelimit_take(l, "a", wait, NULL));
    cr_assert_not(vgw_ratelimit_peek(l, "a", wait, NULL));
    cr_assert(vgw_ratelimit_peek(l, "b", wait, NULL));
    cr_assert(vgw_ratelimit_take(l, "b", wait, NULL));
    for (int i = 0; i < 3; i++)
        cr_assert(vgw_ratelimit_take(l, "a", 100 * S, NULL));
    cr_assert_not(vgw_ratelimit_take(l, "a", 100 * S, NULL));
    vgw_ratelimit_free(l);
}

Test(net_ratelimit, a_clock_that_stands_or_steps_back_gives_nothing_away)
{
    struct vgw_ratelimit *l = vgw_ratelimit_new(10, 1, 0);
    cr_assert(vgw_ratelimit_take(l, "a", 10 * S, NULL));
    cr_assert_not(vgw_ratelimit_take(l, "a", 5 * S, NULL));
    cr_assert_not(vgw_ratelimit_take(l, "a", 10 * S, NULL));
    vgw_ratelimit_free(l);
}

Test(net_ratelimit, forgets_the_key_used_longest_ago)
{
    struct vgw_ratelimit *l = vgw_ratelimit_new(1, 1, 100);
    char key[16];
    cr_assert(vgw_ratelimit_take(l, "first", 0, NULL));
    for (int i = 0; i < 99; i++) {
        snprintf(key, sizeof key, "k%d", i);
        vgw_ratelimit_take(l, key, 0, NULL);
        cr_assert_not(vgw_ratelimit_take(l, "first", 0, NULL));
    }
    vgw_ratelimit_take(l, "new", 0, NULL);
    cr_assert_eq(vgw_ratelimit_count(l), 100);
    cr_assert_not(vgw_ratelimit_peek(l, "first", 0, NULL));
    cr_assert(vgw_ratelimit_peek(l, "k0", 0, NULL));
    vgw_ratelimit_free(l);
}
