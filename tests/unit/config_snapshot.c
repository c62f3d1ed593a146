/* config_snapshot.c - counted arrays of parts. */
#include "config_help.h"

static char order[8];
static void note_a(void *part)
{
    strncat(order, part, 1);
}

Test(config_snapshot, frees_its_parts_with_the_last_reference)
{
    struct vgw_snapshot *s = vgw_snapshot_new(3, 7);
    vgw_snapshot_set(s, 0, (char[]){"a"}, note_a);
    vgw_snapshot_set(s, 2, (char[]){"b"}, note_a);
    vgw_snapshot_set(s, 9, (char[]){"c"}, note_a);
    cr_expect_str_eq(order, "c");
    vgw_snapshot_ref(s);
    vgw_snapshot_unref(s);
    cr_expect_str_eq(vgw_snapshot_get(s, 0), "a");
    cr_expect_null(vgw_snapshot_get(s, 1));
    cr_expect_null(vgw_snapshot_get(s, 3));
    cr_expect_eq(vgw_snapshot_generation(s), 7);
    vgw_snapshot_unref(s);
    cr_expect_str_eq(order, "cba");
    vgw_snapshot_unref(NULL);
}
