/* base_map.c - the ordered hash map, and the list. */
#include "base/map.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/list.h"
#include <criterion/criterion.h>
#include <stdio.h>

static int freed;
static void on_free(void *value)
{
    freed++;
    vgw_free(value);
}

Test(base_map, order_of_insertion_survives_growth_and_removal)
{
    struct vgw_map *m = vgw_map_new(NULL);
    int values[500];
    char key[16];
    for (int i = 0; i < 500; i++) {
        snprintf(key, sizeof key, "k%d", i);
        cr_assert_eq(vgw_map_set(m, key, &values[i]), 0);
    }
    for (int i = 0; i < 500; i += 3) {
        snprintf(key, sizeof key, "k%d", i);
        cr_assert(vgw_map_remove(m, key));
        cr_assert_not(vgw_map_remove(m, key));
    }
    cr_expect_eq(vgw_map_count(m), 333);
    cr_expect_eq(vgw_map_set(m, "k0", &values[0]), 0);
    const char *k;
    void *v;
    int expected = 1, seen = 0;
    for (size_t i = 0; vgw_map_next(m, &i, &k, &v); seen++) {
        if (seen == 333) {
            cr_expect_str_eq(k, "k0", "what comes back comes last");
            continue;
        }
        cr_assert_eq(v, &values[expected]);
        expected += expected % 3 == 2 ? 2 : 1;
    }
    cr_expect_eq(seen, 334);
    vgw_map_free(m);
}

Test(base_map, values_are_freed_when_replaced_removed_or_left)
{
    struct vgw_map *m = vgw_map_new(on_free);
    char *a = vgw_strdup("a"), *b = vgw_strdup("b"), *c = vgw_strdup("c");
    vgw_map_set(m, "x", a);
    vgw_map_set(m, "x", a);
    cr_expect_eq(freed, 0, "the same value again is no replacement");
    vgw_map_set(m, "x", b);
    cr_expect_eq(freed, 1);
    cr_expect_eq(vgw_map_take(m, "x"), b);
    cr_expect_eq(freed, 1);
    cr_expect_null(vgw_map_get(m, "x"));
    vgw_map_set(m, "y", b);
    vgw_map_set(m, "z", c);
    vgw_map_set(m, "null", NULL);
    cr_expect(vgw_map_has(m, "null"));
    cr_expect(vgw_map_remove(m, "y"));
    cr_expect_eq(freed, 2);
    vgw_map_free(m);
    cr_expect_eq(freed, 3);
    vgw_map_free(NULL);
    cr_expect_eq(vgw_map_count(NULL), 0);
    cr_expect_null(vgw_map_get(NULL, "x"));
}

Test(base_map, the_current_entry_may_go_during_a_walk)
{
    struct vgw_map *m = vgw_map_new(NULL);
    static const char *const keys[] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < 4; i++)
        vgw_map_set(m, keys[i], m);
    const char *k;
    size_t seen = 0;
    for (size_t i = 0; vgw_map_next(m, &i, &k, NULL);) {
        cr_expect_str_eq(k, keys[seen++]);
        vgw_map_remove(m, keys[seen - 1]);
    }
    cr_expect_eq(seen, 4);
    cr_expect_eq(vgw_map_count(m), 0);
    /* Adding and removing for ever stays in bounded memory and finds its keys. */
    for (int i = 0; i < 10000; i++) {
        char key[16];
        snprintf(key, sizeof key, "t%d", i);
        cr_assert_eq(vgw_map_set(m, key, m), 0);
        cr_assert(vgw_map_remove(m, key));
    }
    vgw_map_free(m);
}

static int fill(struct vgw_map *m)
{
    for (int i = 0; i < 20; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        char *value = vgw_strdup(key);
        if (!value)
            return VGW_ELIMIT;
        if (vgw_map_set(m, key, value) < 0) {
            vgw_free(value);
            return VGW_ELIMIT;
        }
    }
    return 0;
}

Test(base_map, every_failed_allocation_leaves_a_whole_map)
{
    long n = 1;
    for (;; n++) {
        vgw_alloc_fail_at(n);
        struct vgw_map *m = vgw_map_new(on_free);
        int rc = m ? fill(m) : VGW_ELIMIT;
        bool injected = vgw_alloc_count() >= n;
        vgw_alloc_fail_at(0);
        cr_expect_eq(rc, injected ? VGW_ELIMIT : 0, "allocation %ld", n);
        const char *k;
        void *v;
        for (size_t i = 0; vgw_map_next(m, &i, &k, &v);) {
            cr_expect_str_eq(k, v);
            cr_expect_eq(vgw_map_get(m, k), v);
        }
        vgw_map_free(m);
        if (!injected)
            break;
    }
    cr_expect_gt(n, 40);
}

struct item {
    struct vgw_list node;
    int value;
};

Test(base_list, nodes_join_and_leave)
{
    struct vgw_list head = {0};
    struct item a = {.value = 1}, b = {.value = 2}, c = {.value = 3};
    cr_expect(vgw_list_empty(&head));
    cr_expect_null(vgw_list_pop(&head));
    vgw_list_init(&head);
    vgw_list_append(&head, &b.node);
    vgw_list_append(&head, &c.node);
    vgw_list_prepend(&head, &a.node);
    struct vgw_list *pos, *next;
    int expected = 1;
    VGW_LIST_EACH (pos, next, &head) {
        cr_expect_eq(VGW_CONTAINER_OF(pos, struct item, node)->value, expected++);
        if (pos == &b.node)
            vgw_list_remove(pos);
    }
    cr_expect_eq(expected, 4);
    cr_expect_not(vgw_list_linked(&b.node));
    vgw_list_remove(&b.node);
    cr_expect_eq(vgw_list_pop(&head), &a.node);
    cr_expect_eq(vgw_list_pop(&head), &c.node);
    cr_expect(vgw_list_empty(&head));
}
