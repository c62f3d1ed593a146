/* call_rate.c - prices by prefix. */
#include <criterion/criterion.h>
#include <string.h>

#include "call/rate.h"

static struct vgw_json *parse(const char *text)
{
    struct vgw_json *v = NULL;
    cr_assert_eq(vgw_json_parse(text, strlen(text), &v, NULL), 0);
    return v;
}

Test(call_rate, the_longest_prefix_wins_and_each_started_increment_counts)
{
    struct vgw_json *rates = parse("[{\"prefix\":\"+1\",\"per_minute\":0.01,\"currency\":\"USD\"},"
                                   "{\"prefix\":\"+1900\",\"per_minute\":2,\"currency\":\"USD\"},"
                                   "{\"prefix\":\"+49\",\"per_minute\":0.06,\"currency\":\"EUR\",\"increment\":\"1s\"},"
                                   "{\"prefix\":\"+491\",\"per_minute\":0.3,\"currency\":\"EUR\",\"increment\":6}]");
    static const struct {
        const char *number;
        double seconds, cost;
        const char *currency;
    } rows[] = {{"+15551234", 60, 0.01, "USD"}, {"+15551234", 60.001, 0.02, "USD"}, {"+15551234", 0, 0, "USD"},
                {"+19001234", 1, 2, "USD"},     {"+4930", 1.5, 0.002, "EUR"},       {"+49151", 7, 0.06, "EUR"}};
    char currency[VGW_RATE_CURRENCY];
    double cost;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_assert(vgw_rates_price(rates, rows[i].number, rows[i].seconds, &cost, currency), "row %zu", i);
        cr_expect_float_eq(cost, rows[i].cost, 1e-9, "row %zu: %f", i, cost);
        cr_expect_str_eq(currency, rows[i].currency);
    }
    cr_assert_not(vgw_rates_price(rates, "+3312", 60, &cost, currency));
    cr_assert_not(vgw_rates_price(NULL, "+3312", 60, &cost, currency));
    vgw_json_free(rates);
}

Test(call_rate, a_table_is_refused_with_the_row_and_the_key)
{
    static const char *const bad[][2] = {
        {"{}", "list"},
        {"[1]", "rates[0]"},
        {"[{\"prefix\":1,\"per_minute\":1,\"currency\":\"USD\"}]", "prefix"},
        {"[{\"prefix\":\"+1\",\"per_minute\":-1,\"currency\":\"USD\"}]", "per_minute"},
        {"[{\"prefix\":\"+1\",\"per_minute\":1,\"currency\":\"Dollars\"}]", "currency"},
        {"[{\"prefix\":\"+1\",\"per_minute\":1,\"currency\":\"USD\",\"increment\":\"0s\"}]", "increment"},
        {"[{\"prefix\":\"+1\",\"per_minutes\":1,\"currency\":\"USD\"}]", "did you mean per_minute"}};
    struct vgw_json *good = parse("[{\"prefix\":\"\",\"per_minute\":0,\"currency\":\"USD\",\"increment\":30}]");
    cr_assert_eq(vgw_rates_check(good, NULL), 0);
    cr_assert_eq(vgw_rates_check(NULL, NULL), 0);
    vgw_json_free(good);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct vgw_json *v = parse(bad[i][0]);
        struct vgw_error err = {0};
        cr_expect_eq(vgw_rates_check(v, &err), VGW_ECONFIG, "%s", bad[i][0]);
        cr_expect_not_null(strstr(err.text, bad[i][1]), "%s", err.text);
        vgw_json_free(v);
    }
}
