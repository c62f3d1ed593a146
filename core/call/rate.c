/* rate.c - prices by prefix. */
#include "call/rate.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "base/time.h"

#define INCREMENT_S 60.0
#define INCREMENT_MAX_S 3600.0

/* "60s", or seconds; negative: none. */
static double increment_of(const struct vgw_json *row)
{
    const struct vgw_json *v = vgw_json_get(row, "increment");
    int64_t us;
    if (vgw_json_type(v) == VGW_JSON_NULL)
        return INCREMENT_S;
    if (vgw_json_str(v))
        return vgw_parse_duration_us(vgw_json_str(v), &us) ? (double)us / (double)VGW_US_PER_S : -1;
    return vgw_json_as_double(v, -1);
}

static int check_row(const struct vgw_json *row, size_t at, struct vgw_error *err)
{
    static const char *const keys[] = {"prefix", "per_minute", "currency", "increment"};
    const char *key, *currency = vgw_json_get_string(row, "currency", "");
    const struct vgw_json *prefix = vgw_json_get(row, "prefix");
    struct vgw_json *value;
    if (vgw_json_type(row) != VGW_JSON_OBJECT)
        return vgw_error_set(err, VGW_ECONFIG, "rates[%zu] must be {prefix, per_minute, currency}", at);
    for (size_t i = 0; vgw_json_object_next(row, &i, &key, &value);) {
        size_t k = 0;
        while (k < sizeof keys / sizeof keys[0] && !vgw_streq(key, keys[k]))
            k++;
        if (k == sizeof keys / sizeof keys[0]) {
            const char *near = vgw_nearest(key, keys, k);
            return vgw_error_set(err, VGW_ECONFIG, "rates[%zu] has no key %.40s; %s%s", at, key,
                                 near ? "did you mean " : "known are ",
                                 near ? near : "prefix, per_minute, currency and increment");
        }
    }
    if (!vgw_json_str(prefix))
        return vgw_error_set(err, VGW_ECONFIG,
                             "rates[%zu].prefix must be a text such as \"+1555\", in quotes; \"\" takes all numbers",
                             at);
    if (!(vgw_json_get_double(row, "per_minute", -1) >= 0))
        return vgw_error_set(err, VGW_ECONFIG, "rates[%zu].per_minute must be a number of 0 or more", at);
    if (strlen(currency) != 3)
        return vgw_error_set(err, VGW_ECONFIG, "rates[%zu].currency must be three letters such as USD", at);
    double increment = increment_of(row);
    if (!(increment >= 1 && increment <= INCREMENT_MAX_S))
        return vgw_error_set(err, VGW_ECONFIG, "rates[%zu].increment must be a duration from 1s to 1h", at);
    return 0;
}

int vgw_rates_check(const struct vgw_json *rates, struct vgw_error *err)
{
    if (vgw_json_type(rates) == VGW_JSON_NULL)
        return 0;
    if (vgw_json_type(rates) != VGW_JSON_ARRAY || vgw_json_count(rates) > VGW_RATES_MAX)
        return vgw_error_set(err, VGW_ECONFIG, "rates must be a list of at most %d {prefix, per_minute, currency}",
                             VGW_RATES_MAX);
    for (size_t i = 0; i < vgw_json_count(rates); i++) {
        int rc = check_row(vgw_json_at(rates, i), i, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

bool vgw_rates_price(const struct vgw_json *rates, const char *number, double seconds, double *ret_cost,
                     char ret_currency[VGW_RATE_CURRENCY])
{
    const struct vgw_json *best = NULL;
    size_t best_len = 0;
    for (size_t i = 0; i < vgw_json_count(rates); i++) {
        const struct vgw_json *row = vgw_json_at(rates, i);
        const char *prefix = vgw_json_get_string(row, "prefix", "");
        if (vgw_starts_with(number, prefix) && (!best || strlen(prefix) > best_len)) {
            best = row;
            best_len = strlen(prefix);
        }
    }
    if (!best || !(seconds >= 0))
        return false;
    double increment = increment_of(best);
    double billed = ceil(seconds / increment) * increment;
    /* Six digits behind the point: what is summed up later keeps no dust of binary fractions. */
    *ret_cost = round(billed / 60 * vgw_json_get_double(best, "per_minute", 0) * 1e6) / 1e6;
    vgw_strcopy(ret_currency, VGW_RATE_CURRENCY, vgw_json_get_string(best, "currency", ""));
    return true;
}
