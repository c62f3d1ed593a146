/* zone_rule.h - the rule at the end of a time zone file: the TZ string of POSIX with the extension of RFC 8536 (3.3.1):
 * "CET-1CEST,M3.5.0,M10.5.0/3", "<+0545>-5:45", "EST5EDT,M3.2.0,M11.1.0", "IST-2IDT,M3.4.4/26,M10.5.0". Pure. */
#ifndef VGW_DELIVERY_ZONE_RULE_H
#define VGW_DELIVERY_ZONE_RULE_H
#include <stdbool.h>
#include <stdint.h>

/** A day of the year and the time of the clock on it. */
struct vgw_zone_day {
    enum { VGW_ZONE_MONTH_WEEK, VGW_ZONE_JULIAN, VGW_ZONE_DAY_OF_YEAR } kind;
    int month, week, weekday; /* M3.5.0: the last Sunday of March */
    int day;                  /* J60: never 29 February; 59: from 0, with it */
    int32_t time_s;           /* may be negative or beyond a day */
};
struct vgw_zone_rule {
    int32_t standard_s, summer_s; /* seconds east of UTC */
    bool has_summer;
    struct vgw_zone_day begin, end;
};
/** 0, or VGW_EINVALID. */
int vgw_zone_rule_parse(const char *text, struct vgw_zone_rule *ret_rule);
/** The offset in force at a moment, in seconds since 1970 UTC. */
int32_t vgw_zone_rule_offset_s(const struct vgw_zone_rule *rule, int64_t at_s);

/** Days from 1970-01-01 to a date of the proleptic Gregorian calendar; month 1 to 12. */
int64_t vgw_days_of(int64_t year, int month, int day);
/** The year of a day. */
int64_t vgw_year_of(int64_t days);
/** 0: Sunday. */
int vgw_weekday_of(int64_t days);
#endif
