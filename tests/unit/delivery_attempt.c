#include <criterion/criterion.h>
#include <string.h>
#include "delivery/attempt.h"

static struct vgw_json *json(const char *text)
{
    struct vgw_json *v = NULL;
    cr_assert_eq(vgw_json_parse(text, strlen(text), &v, NULL), 0, "%s", text);
    return v;
}

Test(delivery_attempt, a_price_that_comes_late_stands_in_its_attempt_and_in_the_sum)
{
    struct vgw_json *row = json(
                        "{\"message_id\":\"m\",\"status\":\"delivered\",\"attempts\":2,\"cost\":0.25,\"attempt_log\":["
                        "{\"attempt\":1,\"call_id\":\"a\"},{\"attempt\":2,\"call_id\":\"b\",\"cost\":0.25}]}"),
                    *ops = vgw_json_array();
    double more = -1;
    cr_assert_eq(vgw_attempt_price(row, "a", 0.5, "USD", &more, ops), VGW_OK);
    cr_assert_float_eq(more, 0.5, 1e-9);
    cr_assert_float_eq(vgw_json_get_double(row, "cost", 0), 0.75, 1e-9);
    /* told again, and another */
    cr_assert_eq(vgw_attempt_price(row, "a", 0.125, "USD", &more, ops), VGW_OK);
    cr_assert_float_eq(more, -0.375, 1e-9);
    cr_assert_float_eq(vgw_json_get_double(row, "cost", 0), 0.375, 1e-9);
    cr_assert_eq(vgw_json_count(ops), 2);
    const struct vgw_json *op = vgw_json_at(ops, 1), *values = vgw_json_get(op, "values");
    cr_assert_float_eq(vgw_json_get_double(values, "cost", 0), 0.375, 1e-9);
    cr_assert_eq(vgw_json_count(vgw_json_get(values, "attempt_log")), 2);
    cr_assert_eq(vgw_json_get_int(vgw_json_get(op, "guard"), "attempts", 0), 2);
    cr_assert_str_eq(vgw_json_get_string(vgw_json_get(op, "guard"), "status", ""), "delivered");
    cr_assert_eq(vgw_attempt_price(row, "c", 1, "USD", &more, ops), VGW_ENOTFOUND);
    cr_assert_eq(vgw_json_count(ops), 2);
    vgw_json_free(row);
    vgw_json_free(ops);
}

/* A second begin must find the row in the store, which has not changed. */
Test(delivery_attempt, one_that_the_store_did_not_take_begins_again_from_what_the_store_has)
{
    static const struct {
        const char *row, *status;
    } cases[] = {{"{\"message_id\":\"m\",\"status\":\"queued\",\"attempts\":0}", "queued"},
                 {"{\"message_id\":\"m\",\"status\":\"retrying\",\"attempts\":1,\"attempt_log\":[{\"attempt\":1}]}",
                  "retrying"}};
    for (size_t i = 0; i < 2; i++) {
        struct vgw_json *row = json(cases[i].row), *ops = vgw_json_array();
        int64_t attempts = vgw_json_get_int(row, "attempts", -1);
        for (int turn = 0; turn < 2; turn++) {
            cr_assert_eq(vgw_attempt_begin(row, "node-1", "lab", 0, 7, ops), VGW_OK);
            const struct vgw_json *op = vgw_json_at(ops, vgw_json_count(ops) - 1), *guard = vgw_json_get(op, "guard");
            cr_assert_str_eq(vgw_json_get_string(guard, "status", ""), cases[i].status);
            cr_assert_eq(vgw_json_get_int(guard, "attempts", -1), attempts);
            cr_assert_eq(vgw_json_count(vgw_json_get(row, "attempt_log")), (size_t)attempts + 1);
            cr_assert_eq(vgw_attempt_undo(row), VGW_OK);
            cr_assert_str_eq(vgw_json_get_string(row, "status", ""), cases[i].status);
        }
        vgw_json_free(row);
        vgw_json_free(ops);
    }
}
