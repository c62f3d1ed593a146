#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "base/alloc.h"
#include "base/time.h"
#include "delivery/hours.h"
#include "delivery/zone.h"
#include "delivery/zone_rule.h"

static int64_t at(const char *text)
{
    int64_t us = 0;
    cr_assert(vgw_time_parse(text, &us), "%s", text);
    return us;
}

/* A version 2 file without transitions, whose footer says all: the "slim" form of the tz database. */
static struct vgw_zone *zone_of(const char *footer)
{
    uint8_t file[256] = "TZif2";
    struct vgw_error err = {0};
    struct vgw_zone *zone = NULL;
    size_t len = 44;
    file[39] = 1; /* typecnt */
    file[43] = 4; /* charcnt */
    len += 6 + 4;
    memcpy(file + len, file, 44);
    len += 44 + 6 + 4;
    len += (size_t)snprintf((char *)file + len, sizeof file - len, "\n%s\n", footer);
    cr_assert_eq(vgw_zone_parse(file, len, &zone, &err), VGW_OK, "%s", footer);
    return zone;
}

Test(delivery_zone, rules_of_posix_give_the_offset_in_force)
{
    static const struct {
        const char *rule, *when;
        int offset_min;
    } cases[] = {
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T00:59:59Z", 60},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T01:00:00Z", 120},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T00:59:59Z", 120},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T01:00:00Z", 60},
        {"EST5EDT,M3.2.0,M11.1.0", "2026-03-08T06:59:59Z", -300},
        {"EST5EDT,M3.2.0,M11.1.0", "2026-03-08T07:00:00Z", -240},
        {"EST5EDT,M3.2.0,M11.1.0", "2040-11-04T05:59:59Z", -240},
        {"EST5EDT,M3.2.0,M11.1.0", "2040-11-04T06:00:00Z", -300},
        {"<+0545>-5:45", "2026-07-01T00:00:00Z", 345},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-01-15T00:00:00Z", 660},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-07-15T00:00:00Z", 600},
        {"IST-2IDT,M3.4.4/26,M10.5.0", "2026-03-26T23:59:59Z", 120},
        {"IST-2IDT,M3.4.4/26,M10.5.0", "2026-03-27T00:00:00Z", 180},
        {"XXX3YYY,J60/0,300", "2028-03-01T02:59:59Z", -180},
        {"XXX3YYY,J60/0,300", "2028-03-01T03:00:00Z", -120},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vgw_zone *zone = zone_of(cases[i].rule);
        cr_expect_eq(vgw_zone_offset_s(zone, at(cases[i].when)), cases[i].offset_min * 60, "%s %s: %d", cases[i].rule,
                     cases[i].when, vgw_zone_offset_s(zone, at(cases[i].when)));
        vgw_zone_free(zone);
    }
    cr_assert_eq(vgw_zone_offset_s(NULL, at("2026-07-01T00:00:00Z")), 0, "no zone is UTC");
}

Test(delivery_zone, rules_that_are_none_are_refused)
{
    static const char *const bad[] = {"",
                                      "C",
                                      "CET",
                                      "CET-200",
                                      "CET-1CEST",
                                      "CET-1CEST,M13.1.0,M10.5.0",
                                      "CET-1CEST,M3.5.0",
                                      "CET-1CEST,M3.5.0,M10.5.0x",
                                      "<+1>",
                                      "CET-1CEST,J0,J5"};
    struct vgw_zone_rule rule;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_eq(vgw_zone_rule_parse(bad[i], &rule), VGW_EINVALID, "%s", bad[i]);
}

Test(delivery_zone, files_that_are_broken_are_refused)
{
    struct vgw_error err = {0};
    struct vgw_zone *zone = NULL;
    uint8_t file[200] = "TZif2";
    cr_assert_eq(vgw_zone_parse("", 0, &zone, &err), VGW_EINVALID);
    cr_assert_eq(vgw_zone_parse("TZif", 4, &zone, &err), VGW_EINVALID);
    cr_assert_eq(vgw_zone_parse(file, sizeof file, &zone, &err), VGW_EINVALID, "no type of time");
    memset(file + 20, 0xff, 24);
    cr_assert_eq(vgw_zone_parse(file, sizeof file, &zone, &err), VGW_EINVALID, "counts beyond the file");
    cr_assert(strstr(err.text, "time zone"));
    cr_assert_null(zone);
}

Test(delivery_zone, the_file_of_the_tz_database_agrees_with_its_footer)
{
    static uint8_t data[VGW_ZONE_FILE_MAX];
    struct vgw_error err = {0};
    struct vgw_zone *file = NULL, *rule = zone_of("CET-1CEST,M3.5.0,M10.5.0/3");
    FILE *f = fopen("/usr/share/zoneinfo/Europe/Berlin", "rb");
    if (!f)
        cr_skip_test("tzdata is not installed");
    size_t len = fread(data, 1, sizeof data, f);
    fclose(f);
    cr_assert_eq(vgw_zone_parse(data, len, &file, &err), VGW_OK, "%s", err.text);
    int64_t hour = 3600 * VGW_US_PER_S;
    for (int64_t t = at("2020-01-01T00:00:00Z"); t < at("2045-01-01T00:00:00Z"); t += hour)
        cr_assert_eq(vgw_zone_offset_s(file, t), vgw_zone_offset_s(rule, t));
    cr_assert_eq(vgw_zone_offset_s(file, at("1945-07-01T00:00:00Z")), 10800, "double summer time");
    cr_assert_eq(vgw_zone_offset_s(file, at("1850-01-01T00:00:00Z")), 3208, "local mean time");
    vgw_zone_free(file);
    vgw_zone_free(rule);
}

Test(delivery_zone, a_clock_reading_that_comes_twice_or_never_has_a_moment)
{
    struct vgw_zone *zone = zone_of("CET-1CEST,M3.5.0,M10.5.0/3");
    static const struct {
        const char *local, *utc;
    } cases[] = {{"2026-07-01T09:00:00Z", "2026-07-01T07:00:00Z"}, {"2026-10-25T02:30:00Z", "2026-10-25T00:30:00Z"},
                 {"2026-10-25T03:00:00Z", "2026-10-25T02:00:00Z"}, {"2026-03-29T02:30:00Z", "2026-03-29T01:00:00Z"},
                 {"2026-03-29T03:00:00Z", "2026-03-29T01:00:00Z"}, {"2026-03-29T01:59:59Z", "2026-03-29T00:59:59Z"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char got[VGW_TIME_TEXT];
        int64_t us = vgw_zone_wall_us(zone, at(cases[i].local) / VGW_US_PER_S);
        cr_expect_eq(us, at(cases[i].utc), "%s: %s", cases[i].local, vgw_time_format(us, got));
    }
    vgw_zone_free(zone);
}

Test(delivery_zone, numbers_and_names)
{
    cr_assert_str_eq(vgw_zone_of_number("+4930123456"), "Europe/Berlin");
    cr_assert_str_eq(vgw_zone_of_number("+3519999"), "Europe/Lisbon");
    cr_assert_null(vgw_zone_of_number("+12125550100"), "the United States have several");
    cr_assert_null(vgw_zone_of_number("030"));
    cr_assert_null(vgw_zone_of_number(NULL));
    cr_assert(vgw_zone_name_ok("America/Argentina/Buenos_Aires"));
    cr_assert(vgw_zone_name_ok("Etc/GMT+5"));
    static const char *const bad[] = {"", "../etc/passwd", "/etc/passwd", "Europe//Berlin", "Europe/", "a.b", "x\ny"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_not(vgw_zone_name_ok(bad[i]), "%s", bad[i]);
}

Test(delivery_zone, windows_open_and_close_by_the_clock_of_the_callee)
{
    struct vgw_zone *zone = zone_of("CET-1CEST,M3.5.0,M10.5.0/3");
    struct vgw_error err = {0};
    struct vgw_hours work = {0}, night = {22 * 60, 6 * 60, 0}, gap = {150, 240, 0}, all = {0, 0, 0};
    cr_assert_eq(vgw_hours_parse_time("09:00", &work.from_min, &err), VGW_OK);
    cr_assert_eq(vgw_hours_parse_time("17:30", &work.to_min, &err), VGW_OK);
    cr_assert_eq(vgw_hours_parse_day("mon-fri", &work.days, &err), VGW_OK);
    const struct {
        const struct vgw_hours *hours;
        const char *when;
        bool open;
        const char *next;
    } cases[] = {
        {&work, "2026-07-01T06:59:59Z", false, "2026-07-01T07:00:00Z"},
        {&work, "2026-07-01T07:00:00Z", true, NULL},
        {&work, "2026-07-01T15:30:00Z", false, "2026-07-02T07:00:00Z"},
        {&work, "2026-07-03T16:00:00Z", false, "2026-07-06T07:00:00Z"}, /* Friday evening */
        {&work, "2026-10-23T16:00:00Z", false, "2026-10-26T08:00:00Z"}, /* over the change to winter time */
        {&work, "2026-03-27T17:00:00Z", false, "2026-03-30T07:00:00Z"}, /* and to summer time */
        {&night, "2026-07-01T19:59:00Z", false, "2026-07-01T20:00:00Z"},
        {&night, "2026-07-01T23:00:00Z", true, NULL},
        {&night, "2026-07-02T04:00:00Z", false, "2026-07-02T20:00:00Z"},
        {&gap, "2026-03-29T00:59:59Z", false, "2026-03-29T01:00:00Z"}, /* 02:30 is left out that night */
        {&gap, "2026-03-29T01:00:00Z", true, NULL},
        {&gap, "2026-10-25T00:30:00Z", true, NULL}, /* 02:30, the first time */
        {&gap, "2026-10-25T01:10:00Z", false, "2026-10-25T00:30:00Z"},
        {&all, "2026-07-01T03:00:00Z", true, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t next = 0;
        char got[VGW_TIME_TEXT];
        bool open = vgw_hours_open(cases[i].hours, zone, at(cases[i].when), &next);
        cr_expect_eq(open, cases[i].open, "%s", cases[i].when);
        if (open || !cases[i].next)
            continue;
        cr_expect_gt(next, at(cases[i].when), "%s", cases[i].when);
        if (at(cases[i].next) > at(cases[i].when))
            cr_expect_eq(next, at(cases[i].next), "%s: %s", cases[i].when, vgw_time_format(next, got));
        cr_expect(vgw_hours_open(cases[i].hours, zone, next, NULL), "what opens next is open then: %s", cases[i].when);
    }
    vgw_zone_free(zone);
}

Test(delivery_zone, times_and_days_that_are_none_are_refused_with_a_sentence)
{
    static const char *const times[] = {"", "9", "25:00", "09:60", "24:01", "9:5", "-1:00", "aa:bb"};
    static const char *const days[] = {"", "mo", "mond", "mon-", "-fri", "mon-xyz", "noday"};
    struct vgw_error err = {0};
    unsigned set = 0;
    int minutes;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        cr_expect_eq(vgw_hours_parse_time(times[i], &minutes, &err), VGW_EINVALID, "%s", times[i]);
    for (size_t i = 0; i < sizeof days / sizeof *days; i++)
        cr_expect_eq(vgw_hours_parse_day(days[i], &set, &err), VGW_EINVALID, "%s", days[i]);
    cr_assert_eq(set, 0);
    cr_assert_eq(vgw_hours_parse_day("fri-mon", &set, &err), VGW_OK);
    cr_assert_eq(set, 1u << 5 | 1u << 6 | 1u << 0 | 1u << 1);
    cr_assert_eq(vgw_hours_parse_day("Wednesday", &set, &err), VGW_OK);
    cr_assert(set >> 3 & 1u);
}
