/* base_id.c - ids, random numbers, times. */
#include "base/id.h"
#include "base/str.h"
#include "base/time.h"
#include <criterion/criterion.h>
#include <string.h>

Test(base_id, ids_have_a_prefix_and_sort_by_age)
{
    struct vgw_rng rng;
    vgw_rng_seed(&rng, 1);
    char a[VGW_ID_MAX], b[VGW_ID_MAX];
    vgw_id_make("call", 1000, NULL, a);
    cr_expect(vgw_starts_with(a, "call-0000000001"));
    cr_expect_eq(strlen(a), 5 + 26);
    cr_expect_eq(strspn(a + 5, "0123456789abcdefghjkmnpqrstvwxyz"), 26);
    vgw_id_make("call", INT64_C(1769949296789012), NULL, a);
    vgw_id_make("call", INT64_C(1769949296790012), NULL, b);
    cr_expect_lt(strcmp(a, b), 0);
    vgw_id_make("call", INT64_C(1769949296790012), NULL, a);
    cr_expect_str_neq(a, b);
    vgw_id_make(NULL, 0, NULL, a);
    cr_expect_eq(strlen(a), 26);
    char prefix[200];
    memset(prefix, 'p', sizeof prefix);
    prefix[199] = '\0';
    vgw_id_make(prefix, 0, &rng, a);
    cr_expect_eq(strlen(a), VGW_ID_MAX - 1);
}

Test(base_id, a_seed_decides_ids_and_numbers)
{
    struct vgw_rng r1, r2;
    char a[VGW_ID_MAX], b[VGW_ID_MAX];
    vgw_rng_seed(&r1, 42);
    vgw_rng_seed(&r2, 42);
    vgw_id_make("x", 5, &r1, a);
    vgw_id_make("x", 5, &r2, b);
    cr_expect_str_eq(a, b);
    vgw_rng_seed(&r2, 43);
    cr_expect_neq(vgw_rng_next(&r1), vgw_rng_next(&r2));
    /* The reference code's first results for the state 1, 2, 3, 4. */
    struct vgw_rng known = {{1, 2, 3, 4}};
    cr_expect_eq(vgw_rng_next(&known), 11520);
    cr_expect_eq(vgw_rng_next(&known), 0);
    cr_expect_eq(vgw_rng_next(&known), 1509978240);
}

Test(base_id, bounds_hold)
{
    struct vgw_rng r;
    vgw_rng_seed(&r, 7);
    bool seen[6] = {false};
    for (int i = 0; i < 1000; i++) {
        uint64_t n = vgw_rng_below(&r, 6);
        cr_assert_lt(n, 6);
        seen[n] = true;
        double u = vgw_rng_unit(&r);
        cr_assert(u >= 0 && u < 1);
    }
    for (int i = 0; i < 6; i++)
        cr_expect(seen[i]);
    cr_expect_eq(vgw_rng_below(&r, 0), 0);
    cr_expect_eq(vgw_rng_below(&r, 1), 0);
    unsigned char x[32] = {0}, y[32] = {0};
    vgw_random_bytes(x, sizeof x);
    vgw_random_bytes(y, sizeof y);
    cr_expect(memcmp(x, y, sizeof x) != 0);
}

Test(base_time, times_are_written_and_read_back)
{
    static const struct {
        int64_t us;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000000Z"},
        {-1, "1969-12-31T23:59:59.999999Z"},
        {INT64_C(1769949296789012), "2026-02-01T12:34:56.789012Z"},
        {INT64_C(951782400000000), "2000-02-29T00:00:00.000000Z"},
        {INT64_C(4107542399000001), "2100-02-28T23:59:59.000001Z"},
        {INT64_C(253402300799999999), "9999-12-31T23:59:59.999999Z"},
        {INT64_C(-62167219200000000), "0000-01-01T00:00:00.000000Z"},
    };
    char out[VGW_TIME_TEXT];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t us;
        cr_expect_str_eq(vgw_time_format(rows[i].us, out), rows[i].text);
        cr_expect(vgw_time_parse(rows[i].text, &us));
        cr_expect_eq(us, rows[i].us, "%s", rows[i].text);
    }
    cr_expect_str_eq(vgw_time_format(INT64_MAX, out), "9999-12-31T23:59:59.999999Z");
    cr_expect_str_eq(vgw_time_format(INT64_MIN, out), "0000-01-01T00:00:00.000000Z");
}

Test(base_time, parsing_takes_offsets_fractions_and_dates)
{
    static const struct {
        const char *text;
        int64_t us;
    } rows[] = {
        {"1970-01-02", INT64_C(86400000000)},     {"1970-01-01T01:00:00+01:00", 0},
        {"1969-12-31T19:00:00-05:00", 0},         {"1970-01-01t00:00:00.5z", 500000},
        {"1970-01-01 00:00:00.1234567Z", 123456}, {"1970-01-01T00:00:60Z", 59999999},
    };
    int64_t us;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect(vgw_time_parse(rows[i].text, &us), "%s", rows[i].text);
        cr_expect_eq(us, rows[i].us, "%s", rows[i].text);
    }
    static const char *const bad[] = {
        "",
        "1970",
        "1970-1-1",
        "1970-13-01",
        "1970-00-01",
        "1970-02-29",
        "1900-02-29",
        "1970-01-32",
        "1970-01-01T",
        "1970-01-01T00:00:00",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z",
        "1970-01-01T00:00:61Z",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00+0100",
        "1970-01-01T00:00:00Zx",
        " 1970-01-01",
        "now",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_not(vgw_time_parse(bad[i], &us), "%s", bad[i]);
    cr_expect_not(vgw_time_parse(NULL, &us));
}

Test(base_time, clocks_run)
{
    int64_t a = vgw_io_now_us();
    cr_expect_geq(vgw_io_now_us(), a);
    cr_expect_gt(vgw_io_wall_us(), INT64_C(1700000000000000));
}
