/* parse.c - numbers and numbers with units, read strictly and without the locale. */
#include "base/str.h"
#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;
static locale_t c_locale;

static void c_locale_make(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static double read_double(const char *s, char **ret_end)
{
    pthread_once(&c_locale_once, c_locale_make);
    return c_locale ? strtod_l(s, ret_end, c_locale) : strtod(s, ret_end);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* digits [. digits] without a sign; *ret_unit is what follows. */
static bool read_decimal(const char *s, double *ret, const char **ret_unit)
{
    if (!s || !is_digit(*s))
        return false;
    const char *p = s;
    while (is_digit(*p))
        p++;
    if (*p == '.') {
        if (!is_digit(p[1]))
            return false;
        p++;
        while (is_digit(*p))
            p++;
    }
    /* A unit that begins with e would be read as an exponent: copy the number alone. */
    char number[64];
    if ((size_t)(p - s) >= sizeof number)
        return false;
    memcpy(number, s, (size_t)(p - s));
    number[p - s] = '\0';
    *ret = read_double(number, NULL);
    *ret_unit = p;
    return true;
}

bool vgw_parse_duration_us(const char *s, int64_t *ret_us)
{
    static const struct {
        const char *unit;
        double us;
    } units[] = {{"", 1e6}, {"ms", 1e3}, {"s", 1e6}, {"m", 60e6}, {"h", 3600e6}, {"d", 86400e6}};
    double number;
    const char *unit;
    if (!read_decimal(s, &number, &unit))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(unit, units[i].unit) != 0)
            continue;
        double us = number * units[i].us;
        if (us >= 0x1p63)
            return false;
        *ret_us = (int64_t)llround(us);
        return true;
    }
    return false;
}

bool vgw_parse_size(const char *s, uint64_t *ret_bytes)
{
    static const struct {
        const char *unit;
        uint64_t bytes;
    } units[] = {
        {"", 1},
        {"B", 1},
        {"KiB", UINT64_C(1) << 10},
        {"MiB", UINT64_C(1) << 20},
        {"GiB", UINT64_C(1) << 30},
        {"TiB", UINT64_C(1) << 40},
        {"KB", UINT64_C(1000)},
        {"MB", UINT64_C(1000000)},
        {"GB", UINT64_C(1000000000)},
        {"TB", UINT64_C(1000000000000)},
    };
    if (!s || !is_digit(*s))
        return false;
    uint64_t n = 0;
    for (; is_digit(*s); s++)
        if (__builtin_mul_overflow(n, 10u, &n) || __builtin_add_overflow(n, (unsigned)(*s - '0'), &n))
            return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (!vgw_strieq(s, units[i].unit))
            continue;
        if (__builtin_mul_overflow(n, units[i].bytes, &n))
            return false;
        *ret_bytes = n;
        return true;
    }
    return false;
}

bool vgw_parse_rate(const char *s, double *ret_per_second)
{
    double number;
    const char *unit;
    if (!read_decimal(s, &number, &unit))
        return false;
    double seconds;
    if (!*unit || !strcmp(unit, "/s"))
        seconds = 1;
    else if (!strcmp(unit, "/m"))
        seconds = 60;
    else if (!strcmp(unit, "/h"))
        seconds = 3600;
    else
        return false;
    *ret_per_second = number / seconds;
    return true;
}

bool vgw_parse_i64(const char *s, int64_t *ret)
{
    if (!s || !(is_digit(*s) || ((*s == '-' || *s == '+') && is_digit(s[1]))))
        return false;
    char *end;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (errno || *end)
        return false;
    *ret = v;
    return true;
}

bool vgw_parse_double(const char *s, double *ret)
{
    /* strtod also reads blanks, hexadecimal, "nan" and "inf": only decimal characters may reach it. */
    if (!s || !*s || s[strspn(s, "+-0123456789.eE")])
        return false;
    char *end;
    double v = read_double(s, &end);
    if (*end || !isfinite(v))
        return false;
    *ret = v;
    return true;
}

bool vgw_parse_bool(const char *s, bool *ret)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"true", true},   {"yes", true}, {"on", true},   {"1", true},
                 {"false", false}, {"no", false}, {"off", false}, {"0", false}};
    for (size_t i = 0; s && i < sizeof words / sizeof *words; i++) {
        if (vgw_strieq(s, words[i].word)) {
            *ret = words[i].value;
            return true;
        }
    }
    return false;
}

char *vgw_double_text(double d, char *out)
{
    if (!isfinite(d)) {
        vgw_strcopy(out, VGW_DOUBLE_TEXT, isnan(d) ? "NaN" : d > 0 ? "+Inf" : "-Inf");
        return out;
    }
    pthread_once(&c_locale_once, c_locale_make);
    locale_t before = c_locale ? uselocale(c_locale) : (locale_t)0;
    /* What has a text of at most 15 digits gets it from %.15g; only subnormals have fewer digits than that. */
    int digits = fabs(d) < DBL_MIN ? 1 : 15;
    for (; digits <= 17; digits++) {
        snprintf(out, VGW_DOUBLE_TEXT, "%.*g", digits, d);
        if (strtod(out, NULL) == d)
            break;
    }
    if (before)
        uselocale(before);
    return out;
}
