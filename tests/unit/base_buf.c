/* base_buf.c - the byte buffer. */
#include "base/buf.h"
#include "base/alloc.h"
#include <criterion/criterion.h>
#include <string.h>

Test(base_buf, a_zeroed_buffer_is_empty_and_usable)
{
    struct vgw_buf b = {0};
    cr_expect_str_eq(vgw_buf_str(&b), "");
    vgw_buf_consume(&b, 5);
    vgw_buf_reset(&b);
    vgw_buf_done(&b);
    char *s = vgw_buf_take(&b);
    cr_expect_str_eq(s, "");
    vgw_free(s);
}

Test(base_buf, appends_add_up)
{
    struct vgw_buf b = {0};
    vgw_buf_adds(&b, "ab");
    vgw_buf_adds(&b, NULL);
    vgw_buf_addc(&b, 'c');
    vgw_buf_add(&b, "\0d", 2);
    vgw_buf_printf(&b, "%d", 42);
    cr_expect_eq(b.len, 7);
    cr_expect_arr_eq(b.data, "abc\0d42", 8);
    vgw_buf_consume(&b, 4);
    cr_expect_str_eq(vgw_buf_str(&b), "d42");
    vgw_buf_consume(&b, 100);
    cr_expect_eq(b.len, 0);
    vgw_buf_printf(&b, "%0500d", 1);
    cr_expect_eq(b.len, 500);
    cr_expect_eq(strlen(b.data), 500);
    char *s = vgw_buf_take(&b);
    cr_expect_eq(strlen(s), 500);
    cr_expect_eq(b.len, 0);
    vgw_free(s);
}

Test(base_buf, the_limit_holds_and_the_failure_sticks)
{
    struct vgw_buf b;
    vgw_buf_init(&b, 10);
    vgw_buf_adds(&b, "0123456789");
    cr_expect_not(b.failed);
    vgw_buf_addc(&b, 'x');
    cr_expect(b.failed);
    vgw_buf_consume(&b, 5);
    vgw_buf_addc(&b, 'y');
    cr_expect_str_eq(vgw_buf_str(&b), "56789", "nothing is added after a failure");
    cr_expect_null(vgw_buf_take(&b));
    vgw_buf_init(&b, 10);
    vgw_buf_printf(&b, "%0300d", 1);
    cr_expect(b.failed);
    vgw_buf_reset(&b);
    vgw_buf_adds(&b, "ok");
    cr_expect_not(b.failed);
    vgw_buf_done(&b);
}

Test(base_buf, every_failed_allocation_is_seen_at_the_end)
{
    long n = 1;
    for (;; n++) {
        struct vgw_buf b = {0};
        vgw_alloc_fail_at(n);
        for (int i = 0; i < 100; i++)
            vgw_buf_printf(&b, "%0100d", i);
        char *s = vgw_buf_take(&b);
        bool injected = vgw_alloc_count() >= n;
        vgw_alloc_fail_at(0);
        cr_expect_eq(s == NULL, injected, "allocation %ld", n);
        if (s)
            cr_expect_eq(strlen(s), 10000);
        vgw_free(s);
        if (!injected)
            break;
    }
    cr_expect_gt(n, 3);
}
