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
