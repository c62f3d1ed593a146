/* base_breaker.c - closed, open, half open. */
#include "base/breaker.h"

#include <criterion/criterion.h>

#define S 1000000LL

Test(base_breaker, a_breaker_opens_asks_once_and_closes)
{
    struct vgw_breaker b;
    int64_t wait = 0;
    vgw_breaker_init(&b, 3, 10 * S, 60 * S);
    for (int i = 0; i < 2; i++)
        vgw_breaker_report(&b, true, 0);
    cr_assert(vgw_breaker_take(&b, 0, S, NULL));
    vgw_breaker_report(&b, false, 0);
    for (int i = 0; i < 3; i++)
        vgw_breaker_report(&b, true, S);
    cr_assert_not(vgw_breaker_take(&b, S, S, &wait));
    cr_assert_eq(wait, 10 * S);
    vgw_breaker_report(&b, true, 2 * S);
    cr_assert_eq(vgw_breaker_state(&b, 10 * S), VGW_BREAKER_OPEN, "what was under way does not prolong it");
    cr_assert(vgw_breaker_take(&b, 11 * S, S, NULL), "half open: one may ask");
    cr_assert_not(vgw_breaker_take(&b, 11 * S, S, &wait), "a second may not");
    cr_assert_eq(wait, S);
    vgw_breaker_report(&b, true, 11 * S);
    cr_assert_not(vgw_breaker_take(&b, 30 * S, S, &wait), "twice as long");
    cr_assert_eq(wait, S);
    cr_assert(vgw_breaker_take(&b, 31 * S, S, NULL));
    cr_assert(vgw_breaker_take(&b, 33 * S, S, NULL), "a probe that never came back stops to count");
    vgw_breaker_report(&b, false, 33 * S);
    cr_assert_eq(vgw_breaker_state(&b, 33 * S), VGW_BREAKER_CLOSED);
    for (int i = 0; i < 30; i++)
        for (int k = 0; k < 3; k++)
            vgw_breaker_report(&b, true, (40 + i * 100) * S);
    cr_assert(b.until_us <= (40 + 29 * 100 + 60) * S, "never longer than its most");
    vgw_breaker_init(&b, 0, S, S);
    for (int i = 0; i < 100; i++)
        vgw_breaker_report(&b, true, 0);
    cr_assert(vgw_breaker_take(&b, 0, S, NULL), "no threshold: never");
    cr_assert_str_eq(vgw_breaker_state_name(VGW_BREAKER_HALF_OPEN), "half_open");
}
