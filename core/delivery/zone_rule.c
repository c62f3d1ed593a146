/* zone_rule.c - POSIX's rules for summer time. */
#include "delivery/zone_rule.h"
#include <ctype.h>
#include <string.h>
#include "base/error.h"

#define DAY_S INT64_C(86400)

/* ---- the calendar ---- */

int64_t vgw_days_of(int64_t year, int month, int day)
{
    /* Years that begin in March, in eras of 400 years: February's length is the last thing to matter. */
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

int64_t vgw_year_of(int64_t days)
{
    int64_t year = 1970 + days / 366 - (days < 0);
    while (vgw_days_of(year + 1, 1, 1) <= days)
        year++;
    while (vgw_days_of(year, 1, 1) > days)
        year--;
    return year;
}

int vgw_weekday_of(int64_t days)
{
    return (int)(((days + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
}

static bool is_leap(int64_t year)
{
    return vgw_days_of(year, 3, 1) - vgw_days_of(year, 2, 1) == 29;
}

/* ---- reading ---- */

static bool take_name(const char **at)
{
    const char *p = *at;
    if (*p == '<') {
        while (*p && *p != '>')
            p++;
        if (*p != '>' || p - *at < 4)
            return false;
        *at = p + 1;
        return true;
    }
    while (isalpha((unsigned char)*p))
        p++;
    if (p - *at < 3)
        return false;
    *at = p;
    return true;
}

static bool take_number(const char **at, int max, int *ret)
{
    int n = 0;
    const char *p = *at;
    while (isdigit((unsigned char)*p) && n <= max)
        n = n * 10 + (*p++ - '0');
    if (p == *at || n > max)
        return false;
    *at = p;
    *ret = n;
    return true;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(const char **at, int32_t *ret_s)
{
    int sign = 1, hours, minutes = 0, seconds = 0;
    if (**at == '-' || **at == '+')
        sign = *(*at)++ == '-' ? -1 : 1;
    if (!take_number(at, 167, &hours))
        return false;
    if (**at == ':') {
        ++*at;
        if (!take_number(at, 59, &minutes))
            return false;
        if (**at == ':') {
            ++*at;
            if (!take_number(at, 59, &seconds))
                return false;
        }
    }
    *ret_s = sign * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

static bool take_dot(const char **at)
{
    if (**at != '.')
        return false;
    ++*at;
    return true;
}

static bool take_day(const char **at, struct vgw_zone_day *d)
{
    *d = (struct vgw_zone_day){.kind = VGW_ZONE_DAY_OF_YEAR, .time_s = 2 * 3600};
    if (**at != ',')
        return false;
    ++*at;
    if (**at == 'M') {
        d->kind = VGW_ZONE_MONTH_WEEK;
        ++*at;
        if (!take_number(at, 12, &d->month) || !take_dot(at) || !take_number(at, 5, &d->week) || !take_dot(at) ||
            !take_number(at, 6, &d->weekday) || d->month < 1 || d->week < 1)
            return false;
    } else {
        if (**at == 'J') {
            d->kind = VGW_ZONE_JULIAN;
            ++*at;
        }
        if (!take_number(at, 365, &d->day) || (d->kind == VGW_ZONE_JULIAN && d->day < 1))
            return false;
    }
    if (**at != '/')
        return true;
    ++*at;
    return take_time(at, &d->time_s);
}

int vgw_zone_rule_parse(const char *text, struct vgw_zone_rule *ret_rule)
{
    struct vgw_zone_rule r = {0};
    const char *at = text;
    if (!take_name(&at) || !take_time(&at, &r.standard_s))
        return VGW_EINVALID;
    r.standard_s = -r.standard_s; /* POSIX counts to the west */
    if (*at) {
        r.has_summer = true;
        r.summer_s = r.standard_s + 3600;
        if (!take_name(&at))
            return VGW_EINVALID;
        if (*at && *at != ',') {
            if (!take_time(&at, &r.summer_s))
                return VGW_EINVALID;
            r.summer_s = -r.summer_s;
        }
        if (!take_day(&at, &r.begin) || !take_day(&at, &r.end) || *at)
            return VGW_EINVALID;
    }
    *ret_rule = r;
    return VGW_OK;
}

/* ---- use ---- */

/* The moment of a year's change, by the clock's offset before it. */
static int64_t moment_of(const struct vgw_zone_day *d, int64_t year, int32_t offset_s)
{
    int64_t day;
    if (d->kind == VGW_ZONE_MONTH_WEEK) {
        int64_t first = vgw_days_of(year, d->month, 1);
        int64_t next = d->month == 12 ? vgw_days_of(year + 1, 1, 1) : vgw_days_of(year, d->month + 1, 1);
        day = first + (d->weekday - vgw_weekday_of(first) + 7) % 7 + (d->week - 1) * 7;
        while (day >= next)
            day -= 7;
    } else if (d->kind == VGW_ZONE_JULIAN) {
        day = vgw_days_of(year, 1, 1) + d->day - 1 + (is_leap(year) && d->day >= 60);
    } else {
        day = vgw_days_of(year, 1, 1) + d->day;
    }
    return day * DAY_S + d->time_s - offset_s;
}

int32_t vgw_zone_rule_offset_s(const struct vgw_zone_rule *rule, int64_t at_s)
{
    if (!rule->has_summer)
        return rule->standard_s;
    int64_t local = at_s + rule->standard_s;
    int64_t year = vgw_year_of(local / DAY_S - (local % DAY_S < 0));
    int64_t begin = moment_of(&rule->begin, year, rule->standard_s), end = moment_of(&rule->end, year, rule->summer_s);
    bool summer = begin < end ? at_s >= begin && at_s < end : at_s >= begin || at_s < end;
    return summer ? rule->summer_s : rule->standard_s;
}
