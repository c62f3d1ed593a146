/* time.c - the two clocks, and RFC 3339. */
#include "base/time.h"
#include <stdio.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * VGW_US_PER_S + ts.tv_nsec / 1000;
}

int64_t vgw_io_now_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t vgw_io_wall_us(void)
{
    return read_clock(CLOCK_REALTIME);
}

#define DAY_S INT64_C(86400)
#define YEAR_0_S INT64_C(-62167219200)        /* 0000-01-01T00:00:00Z */
#define YEAR_9999_END_S INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

/* Days since 1970-01-01 in the proleptic Gregorian calendar; years begin in March so that the leap day is the last. */
static int64_t days_from_civil(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void civil_from_days(int64_t days, int *ret_y, int *ret_m, int *ret_d)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *ret_d = (int)(doy - (153 * mp + 2) / 5 + 1);
    *ret_m = (int)(mp < 10 ? mp + 3 : mp - 9);
    *ret_y = (int)(yoe + era * 400 + (*ret_m <= 2));
}

char *vgw_time_format(int64_t wall_us, char *out)
{
    int64_t s = wall_us / VGW_US_PER_S, us = wall_us % VGW_US_PER_S;
    if (us < 0) {
        us += VGW_US_PER_S;
        s--;
    }
    /* RFC 3339 has four digits for the year: what lies beyond becomes the nearest end. */
    if (s < YEAR_0_S || s > YEAR_9999_END_S) {
        us = s < 0 ? 0 : VGW_US_PER_S - 1;
        s = s < 0 ? YEAR_0_S : YEAR_9999_END_S;
    }
    int64_t days = s / DAY_S, rest = s % DAY_S;
    if (rest < 0) {
        rest += DAY_S;
        days--;
    }
    int y, m, d;
    civil_from_days(days, &y, &m, &d);
    snprintf(out, VGW_TIME_TEXT, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ", (unsigned)y % 10000, (unsigned)m % 100,
             (unsigned)d % 100, (unsigned)(rest / 3600) % 100, (unsigned)(rest / 60 % 60), (unsigned)(rest % 60),
             (unsigned)us % 1000000);
    return out;
}

/* Exactly `count` digits at *p, which moves on. */
static bool read_digits(const char **p, int count, int *ret)
{
    int v = 0;
    for (int i = 0; i < count; i++, (*p)++) {
        if (**p < '0' || **p > '9')
            return false;
        v = v * 10 + (**p - '0');
    }
    *ret = v;
    return true;
}

static bool read_char(const char **p, char c)
{
    if (**p != c)
        return false;
    (*p)++;
    return true;
}

static bool read_date(const char **p, int64_t *ret_days)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int y, m, d;
    if (!read_digits(p, 4, &y) || !read_char(p, '-') || !read_digits(p, 2, &m) || !read_char(p, '-') ||
        !read_digits(p, 2, &d) || m < 1 || m > 12 || d < 1)
        return false;
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (d > month_days[m - 1] + (m == 2 && leap))
        return false;
    *ret_days = days_from_civil(y, m, d);
    return true;
}

static bool read_time(const char **p, int64_t *ret_us)
{
    int h, m, s;
    if (!read_digits(p, 2, &h) || !read_char(p, ':') || !read_digits(p, 2, &m) || !read_char(p, ':') ||
        !read_digits(p, 2, &s) || h > 23 || m > 59 || s > 60)
        return false;
    int64_t us = 0;
    if (read_char(p, '.')) {
        if (**p < '0' || **p > '9')
            return false;
        for (int64_t unit = VGW_US_PER_S / 10; **p >= '0' && **p <= '9'; (*p)++, unit /= 10)
            us += (**p - '0') * unit;
    }
    /* A leap second is the last moment of its minute: Unix time has no other place for it. */
    if (s == 60) {
        s = 59;
        us = VGW_US_PER_S - 1;
    }
    *ret_us = ((int64_t)h * 3600 + m * 60 + s) * VGW_US_PER_S + us;
    return true;
}

static bool read_offset(const char **p, int64_t *ret_us)
{
    *ret_us = 0;
    if (read_char(p, 'Z') || read_char(p, 'z'))
        return true;
    int sign = **p == '-' ? -1 : 1;
    int h, m;
    if (!read_char(p, '+') && !read_char(p, '-'))
        return false;
    if (!read_digits(p, 2, &h) || !read_char(p, ':') || !read_digits(p, 2, &m) || h > 23 || m > 59)
        return false;
    *ret_us = sign * ((int64_t)h * 3600 + m * 60) * VGW_US_PER_S;
    return true;
}

bool vgw_time_parse(const char *s, int64_t *ret_wall_us)
{
    int64_t days, time_us = 0, offset_us = 0;
    if (!s || !read_date(&s, &days))
        return false;
    if (*s) {
        if (!read_char(&s, 'T') && !read_char(&s, 't') && !read_char(&s, ' '))
            return false;
        if (!read_time(&s, &time_us) || !read_offset(&s, &offset_us) || *s)
            return false;
    }
    *ret_wall_us = days * DAY_S * VGW_US_PER_S + time_us - offset_us;
    return true;
}
