/* base_alloc.c - allocations, failures on request, arenas. */
#include "base/alloc.h"
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

Test(base_alloc, memory_is_zeroed_and_overflow_refused)
{
    unsigned char *p = vgw_calloc(3, 100);
    cr_assert_not_null(p);
    for (size_t i = 0; i < 300; i++)
        cr_assert_eq(p[i], 0);
    vgw_free(p);
    cr_expect_null(vgw_calloc(SIZE_MAX / 2, 3));
    p = vgw_calloc(0, 5);
    cr_expect_not_null(p, "nothing is not a failure");
    vgw_free(p);
    vgw_free(NULL);
}

Test(base_alloc, strings_are_copied)
{
    char *s = vgw_strdup("abc");
    cr_expect_str_eq(s, "abc");
    vgw_free(s);
    s = vgw_strndup("abcdef", 3);
    cr_expect_str_eq(s, "abc");
    vgw_free(s);
    s = vgw_strndup("ab", 100);
    cr_expect_str_eq(s, "ab");
    vgw_free(s);
    cr_expect_null(vgw_strdup(NULL));
    cr_expect_null(vgw_strndup(NULL, 4));
}

Test(base_alloc, the_nth_allocation_fails_once)
{
    vgw_alloc_fail_at(2);
    void *a = vgw_calloc(1, 8);
    void *b = vgw_calloc(1, 8);
    void *c = vgw_calloc(1, 8);
    cr_expect_not_null(a);
    cr_expect_null(b);
    cr_expect_not_null(c);
    cr_expect_eq(vgw_alloc_count(), 3);
    vgw_alloc_fail_at(1);
    cr_expect_null(vgw_realloc(a, 64), "and the old block stays valid");
    memset(a, 1, 8);
    vgw_alloc_fail_at(0);
    cr_expect_eq(vgw_alloc_count(), 0);
    vgw_free(a);
    vgw_free(c);
}

static void *allocate_elsewhere(void *arg)
{
    void *p = vgw_calloc(1, 8);
    *(bool *)arg = p != NULL;
    vgw_free(p);
    return NULL;
}

Test(base_alloc, a_failure_stays_on_its_thread)
{
    bool ok = false;
    pthread_t t;
    vgw_alloc_fail_at(1);
    pthread_create(&t, NULL, allocate_elsewhere, &ok);
    pthread_join(t, NULL);
    cr_expect(ok);
    cr_expect_null(vgw_calloc(1, 8));
}

Test(base_alloc, an_arena_gives_aligned_zeroed_pieces)
{
    struct vgw_arena *a = vgw_arena_new(0);
    for (size_t size = 0; size < 9000; size += 37) {
        unsigned char *p = vgw_arena_alloc(a, size);
        cr_assert_not_null(p);
        cr_assert_eq((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < size; i++)
            cr_assert_eq(p[i], 0);
        memset(p, 0xFF, size);
    }
    cr_expect_str_eq(vgw_arena_strndup(a, "hello", 4), "hell");
    cr_expect_str_eq(vgw_arena_printf(a, "%s-%d", "x", 7), "x-7");
    cr_expect_null(vgw_arena_strndup(a, NULL, 4));
    vgw_arena_free(a);
    vgw_arena_free(NULL);
}

Test(base_alloc, an_arena_stays_within_its_limit)
{
    struct vgw_arena *a = vgw_arena_new(64);
    cr_expect_null(vgw_arena_alloc(a, 65));
    cr_expect_not_null(vgw_arena_alloc(a, 48));
    cr_expect_null(vgw_arena_alloc(a, 17));
    cr_expect_not_null(vgw_arena_alloc(a, 16));
    cr_expect_null(vgw_arena_alloc(a, 1));
    cr_expect_null(vgw_arena_alloc(a, SIZE_MAX));
    vgw_arena_free(a);
    vgw_alloc_fail_at(1);
    cr_expect_null(vgw_arena_new(64));
    a = vgw_arena_new(64);
    vgw_alloc_fail_at(1);
    cr_expect_null(vgw_arena_alloc(a, 8));
    cr_expect_not_null(vgw_arena_alloc(a, 8));
    vgw_arena_free(a);
}
