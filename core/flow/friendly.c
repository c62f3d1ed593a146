/* friendly.c - availability, prices, dates, times, numbers and lists as a person says them. */
#include "flow/friendly.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "flow/filter.h"

#define TEXT_BYTES 1024 /* of a part that is only handed on */

/* ---- dates and times ---- */

static bool digits(const char *s, size_t n, int *ret)
{
    *ret = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        *ret = *ret * 10 + (s[i] - '0');
    }
    return true;
}

static const char *ordinal(int n)
{
    if (n % 100 >= 11 && n % 100 <= 13)
        return "th";
    return n % 10 == 1 ? "st" : n % 10 == 2 ? "nd" : n % 10 == 3 ? "rd" : "th";
}

/* What is no ISO date is said as it stands. */
static void say_date(struct vgw_buf *out, const char *text, bool with_year)
{
    static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                         "July",    "August",   "September", "October", "November", "December"};
    int year, month, day;
    if (strlen(text) < 10 || !digits(text, 4, &year) || text[4] != '-' || !digits(text + 5, 2, &month) ||
        text[7] != '-' || !digits(text + 8, 2, &day) || month < 1 || month > 12 || day < 1 || day > 31) {
        vgw_buf_printf(out, "%.*s", TEXT_BYTES, text);
        return;
    }
    vgw_buf_printf(out, "%s %d%s", months[month - 1], day, ordinal(day));
    if (with_year)
        vgw_buf_printf(out, ", %d", year);
}

static bool say_time(struct vgw_buf *out, const char *text)
{
    int hour, minute;
    const char *clock = strchr(text, 'T'), *colon;
    clock = clock ? clock + 1 : text;
    colon = strchr(clock, ':');
    if (!colon || colon - clock < 1 || colon - clock > 2 || !digits(clock, (size_t)(colon - clock), &hour) ||
        !digits(colon + 1, 2, &minute) || hour > 23 || minute > 59)
        return false;
    if (minute == 0 && hour % 12 == 0)
        vgw_buf_adds(out, hour ? "noon" : "midnight");
    else if (minute == 0)
        vgw_buf_printf(out, "%d %s", hour % 12, hour < 12 ? "AM" : "PM");
    else
        vgw_buf_printf(out, "%d:%02d %s", hour % 12 ? hour % 12 : 12, minute, hour < 12 ? "AM" : "PM");
    return true;
}

/* ---- money ---- */

static const struct currency {
    const char *code, *one, *many, *cent, *cents;
} currencies[] = {
    {"USD", "dollar", "dollars", "cent", "cents"}, {"EUR", "euro", "euros", "cent", "cents"},
    {"GBP", "pound", "pounds", "penny", "pence"},  {"CHF", "franc", "francs", "centime", "centimes"},
    {"CAD", "dollar", "dollars", "cent", "cents"}, {"AUD", "dollar", "dollars", "cent", "cents"},
    {"INR", "rupee", "rupees", "paisa", "paise"},  {"JPY", "yen", "yen", NULL, NULL},
};

static void say_money(struct vgw_buf *out, double amount, const char *code)
{
    const struct currency *c = NULL;
    for (size_t i = 0; i < sizeof currencies / sizeof *currencies; i++)
        if (strcasecmp(currencies[i].code, code) == 0)
            c = &currencies[i];
    if (amount < 0)
        vgw_buf_adds(out, "minus ");
    double all = round(fabs(amount) * 100), whole = floor(all / 100);
    int rest = (int)(all - whole * 100);
    if (!c || !c->cent) {
        vgw_buf_printf(out, rest ? "%.0f.%02d" : "%.0f", whole, rest);
        vgw_buf_printf(out, " %.16s", c ? c->many : code);
        return;
    }
    if (whole >= 1 || !rest)
        vgw_buf_printf(out, "%.0f %s", whole, whole >= 1 && whole < 2 ? c->one : c->many);
    if (rest)
        vgw_buf_printf(out, "%s%d %s", whole >= 1 ? " and " : "", rest, rest == 1 ? c->cent : c->cents);
}

static bool number_of(const struct vgw_json *v, double *ret)
{
    const char *s = vgw_json_str(v);
    if (s)
        return vgw_parse_double(s + (s[0] == '$'), ret) && isfinite(*ret) && fabs(*ret) < 1e12;
    *ret = vgw_json_as_double(v, NAN);
    return isfinite(*ret) && fabs(*ret) < 1e12;
}

static int say_price(struct vgw_buf *out, const struct vgw_json *data, struct vgw_error *err)
{
    bool map = vgw_json_type(data) == VGW_JSON_OBJECT;
    const struct vgw_json *amount = !map                           ? data
                                    : vgw_json_has(data, "amount") ? vgw_json_get(data, "amount")
                                                                   : vgw_json_get(data, "price");
    const char *per = map ? vgw_json_get_string(data, "per", "") : "";
    double n;
    if (!number_of(amount, &n))
        return vgw_error_at(err, VGW_EINVALID, "data", "a price is a number, or {amount, currency, per}");
    say_money(out, n, map ? vgw_json_get_string(data, "currency", "USD") : "USD");
    if (per[0])
        vgw_buf_printf(out, " per %.*s", TEXT_BYTES, per);
    return 0;
}

/* ---- lists and texts ---- */

static void say_value(struct vgw_buf *out, const struct vgw_json *v)
{
    if (vgw_json_str(v))
        vgw_buf_printf(out, "%.*s", TEXT_BYTES, vgw_json_str(v));
    else
        vgw_json_write(v, out);
}

static int say_list(struct vgw_buf *out, const struct vgw_json *data, struct vgw_error *err)
{
    const struct vgw_json *items = vgw_json_type(data) == VGW_JSON_OBJECT ? vgw_json_get(data, "items") : data;
    size_t n = vgw_json_count(items);
    if (vgw_json_type(items) != VGW_JSON_ARRAY)
        return vgw_error_at(err, VGW_EINVALID, "data", "a list is [\"one\", \"two\"], or {items: […]}");
    if (!n)
        vgw_buf_adds(out, "nothing");
    for (size_t i = 0; i < n; i++) {
        if (i)
            vgw_buf_adds(out, n == 2 ? " and " : i + 1 == n ? ", and " : ", ");
        say_value(out, vgw_json_at(items, i));
    }
    return 0;
}

/* The text itself, or the member of that name. */
static const char *text_of(const struct vgw_json *data, const char *name)
{
    return vgw_json_str(data) ? vgw_json_str(data) : vgw_json_get_string(data, name, NULL);
}

/* ---- availability ---- */

static bool count_of(const struct vgw_json *v, long long *ret)
{
    double n;
    if (vgw_json_type(v) == VGW_JSON_ARRAY) {
        *ret = (long long)vgw_json_count(v);
        return true;
    }
    if (vgw_json_type(v) == VGW_JSON_BOOL || !number_of(v, &n) || n < 0 || floor(n) < n)
        return false;
    *ret = (long long)n;
    return true;
}

static void say_when(struct vgw_buf *out, const struct vgw_json *data)
{
    const char *from = vgw_json_get_string(data, "check_in", NULL), *to = vgw_json_get_string(data, "check_out", NULL),
               *on = vgw_json_get_string(data, "date", from && !to ? from : NULL);
    if (on || !from || !to) {
        if (on)
            vgw_buf_adds(out, " on ");
        say_date(out, on ? on : "", false);
        return;
    }
    vgw_buf_adds(out, " from ");
    say_date(out, from, false);
    vgw_buf_adds(out, " to ");
    say_date(out, to, false);
}

static int say_availability(struct vgw_buf *out, const struct vgw_json *data, struct vgw_error *err)
{
    const char *item = vgw_json_get_string(data, "item", vgw_json_get_string(data, "room_type", "room"));
    long long n;
    if (vgw_json_type(data) != VGW_JSON_OBJECT || !count_of(vgw_json_get(data, "available"), &n))
        return vgw_error_at(err, VGW_EINVALID, "data",
                            "availability is {available: how many, check_in, check_out}, or {available, date}");
    vgw_buf_adds(out, n ? "Excellent! We have " : "I'm sorry, we have no ");
    if (n)
        vgw_buf_printf(out, "%lld ", n);
    size_t len = strlen(item);
    bool plural = len && item[len - 1] == 's';
    vgw_buf_printf(out, "%.*s%s available", 64, item, n == 1 || plural ? "" : "s");
    say_when(out, data);
    if (n && vgw_json_has(data, "price")) {
        vgw_buf_adds(out, ", at ");
        int rc = say_price(out, data, err);
        if (rc < 0)
            return rc;
    }
    vgw_buf_addc(out, '.');
    return 0;
}

int vgw_friendly_format(const struct vgw_json *data, const char *format, struct vgw_buf *out, struct vgw_error *err)
{
    int rc = 0;
    const char *text;
    if (vgw_streq(format, "availability")) {
        rc = say_availability(out, data, err);
    } else if (vgw_streq(format, "price")) {
        rc = say_price(out, data, err);
    } else if (vgw_streq(format, "list")) {
        rc = say_list(out, data, err);
    } else if (vgw_streq(format, "date")) {
        if ((text = text_of(data, "date")))
            say_date(out, text, true);
        else
            rc = vgw_error_at(err, VGW_EINVALID, "data", "a date is text such as 2026-01-15, or {date}");
    } else if (vgw_streq(format, "time")) {
        text = text_of(data, "time");
        if (!text || !say_time(out, text))
            rc = vgw_error_at(err, VGW_EINVALID, "data", "a time is text such as 14:30, or {time}");
    } else if (vgw_streq(format, "phone")) {
        if ((text = text_of(data, "phone")) && text[strspn(text, "+0123456789 ()-./")] == '\0' && text[0])
            vgw_spoken_phone(out, text);
        else
            rc = vgw_error_at(err, VGW_EINVALID, "data", "a phone number is text such as +15551234567, or {phone}");
    } else {
        rc = vgw_error_at(err, VGW_EINVALID, "format", "there is no format '%.40s'; known are: " VGW_FRIENDLY_FORMATS,
                          format ? format : "");
    }
    if (rc == 0 && out->failed)
        rc = vgw_error_at(err, VGW_ELIMIT, "data", "this is too long to be said");
    return rc;
}
