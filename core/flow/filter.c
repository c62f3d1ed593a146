/* filter.c - the table of filters. */
#include "flow/filter.h"
#include <math.h>
#include <string.h>
#include "base/str.h"
#include "flow/template.h"

static int to_value(struct vgw_buf *b, struct vgw_json **ret_value, struct vgw_error *err)
{
    struct vgw_json *v = b->failed ? NULL : vgw_json_stringn(vgw_buf_str(b), b->len);
    bool failed = b->failed;
    size_t limit = b->limit;
    vgw_buf_done(b);
    if (failed)
        return vgw_error_set(err, VGW_ELIMIT, "a filter's output is over %zu bytes", limit);
    if (!v)
        return vgw_error_nomem(err);
    *ret_value = v;
    return 0;
}

static void text_of(struct vgw_buf *b, const struct vgw_json *in)
{
    vgw_buf_init(b, VGW_TEMPLATE_OUTPUT_MAX);
    vgw_template_write_value(b, in);
}

/* ASCII, and the letters of Latin-1 in UTF-8 (U+00C0 to U+00DE and U+00E0 to U+00FE but the two signs). */
static void fold(char *s, size_t len, bool upper)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if (upper && c >= 'a' && c <= 'z') {
            s[i] = (char)(c - 32);
        } else if (!upper && c >= 'A' && c <= 'Z') {
            s[i] = (char)(c + 32);
        } else if (c == 0xc3 && i + 1 < len) {
            unsigned char d = (unsigned char)s[++i];
            if (upper && d >= 0xa0 && d <= 0xbe && d != 0xb7)
                s[i] = (char)(d - 0x20);
            else if (!upper && d >= 0x80 && d <= 0x9e && d != 0x97)
                s[i] = (char)(d + 0x20);
        }
    }
}

static int apply_fold(const struct vgw_json *in, bool upper, struct vgw_json **ret_value, struct vgw_error *err)
{
    struct vgw_buf b;
    text_of(&b, in);
    if (b.data)
        fold(b.data, b.len, upper);
    return to_value(&b, ret_value, err);
}

static int apply_upper(const struct vgw_json *in, struct vgw_json *const *args, size_t arg_count,
                       struct vgw_json **ret_value, struct vgw_error *err)
{
    return apply_fold(in, true, ret_value, err);
}

static int apply_lower(const struct vgw_json *in, struct vgw_json *const *args, size_t arg_count,
                       struct vgw_json **ret_value, struct vgw_error *err)
{
    return apply_fold(in, false, ret_value, err);
}

static int apply_trim(const struct vgw_json *in, struct vgw_json *const *args, size_t arg_count,
                      struct vgw_json **ret_value, struct vgw_error *err)
{
    struct vgw_buf b;
    text_of(&b, in);
    while (b.len > 0 && strchr(" \t\r\n", b.data[b.len - 1]))
        b.data[--b.len] = '\0';
    size_t lead = b.len ? strspn(b.data, " \t\r\n") : 0;
    vgw_buf_consume(&b, lead);
    return to_value(&b, ret_value, err);
}

static int apply_json(const struct vgw_json *in, struct vgw_json *const *args, size_t arg_count,
                      struct vgw_json **ret_value, struct vgw_error *err)
{
    struct vgw_buf b;
    vgw_buf_init(&b, VGW_TEMPLATE_OUTPUT_MAX);
    vgw_json_write(in, &b);
    return to_value(&b, ret_value, err);
}

/* A number, or a text that is one; with `durations`, also "90s". */
static bool number_of(const struct vgw_json *in, bool durations, double *ret)
{
    enum vgw_json_type t = vgw_json_type(in);
    const char *s = vgw_json_str(in);
    int64_t us;
    if (t == VGW_JSON_INT || t == VGW_JSON_DOUBLE) {
        *ret = vgw_json_as_double(in, 0);
        return true;
    }
    if (t == VGW_JSON_BOOL && !durations) {
        *ret = vgw_json_as_bool(in, false);
        return true;
    }
    if (s && vgw_parse_double(s, ret))
        return true;
    if (!s || !durations || !vgw_parse_duration_us(s, &us))
        return false;
    *ret = (double)us / 1e6;
    return true;
}

static int not_a_number(const char *filter, const struct vgw_json *in, struct vgw_error *err)
{
    static const char *const kinds[] = {"null", "a truth value", "a number", "a number", "a text", "a list", "a map"};
    return vgw_error_set(err, VGW_EINVALID, "filter %s needs a number, not %s that is none", filter,
                         kinds[vgw_json_type(in)]);
}

static int apply_duration(const struct vgw_json *in, struct vgw_json *const *args, size_t arg_count,
                          struct vgw_json **ret_value, struct vgw_error *err)
{
    struct vgw_buf b;
    double seconds;
    if (!number_of(in, true, &seconds))
        return not_a_number("duration", in, err);
    vgw_buf_init(&b, VGW_TEMPLATE_OUTPUT_MAX);
    vgw_spoken_duration(&b, seconds, 0);
    return to_value(&b, ret_value, err);
}

static int apply_number(const struct vgw_json *in, struct vgw_json *const *args, size_t arg_count,
                        struct vgw_json **ret_value, struct vgw_error *err)
{
    double d;
    if (!number_of(in, false, &d))
        return not_a_number("number", in, err);
    if (arg_count > 0) {
        int64_t decimals = vgw_json_as_int(args[0], -1);
        if (decimals < 0 || decimals > 12)
            return vgw_error_set(err, VGW_EINVALID, "filter number takes 0 to 12 decimals, as in number(2)");
        struct vgw_buf b;
        vgw_buf_init(&b, VGW_TEMPLATE_OUTPUT_MAX);
        vgw_buf_printf(&b, "%.*f", (int)decimals, d);
        return to_value(&b, ret_value, err);
    }
    int64_t i;
    const char *s = vgw_json_str(in);
    bool whole = vgw_json_type(in) == VGW_JSON_INT || (s && vgw_parse_i64(s, &i)) || (d == floor(d) && fabs(d) < 1e15);
    struct vgw_json *v =
        whole ? vgw_json_int(vgw_json_type(in) == VGW_JSON_INT || s ? vgw_json_as_int(in, (int64_t)d) : (int64_t)d)
              : vgw_json_double(d);
    if (!v)
        return vgw_error_nomem(err);
    *ret_value = v;
    return 0;
}

static bool is_digits(const char *s)
{
    return *s && strspn(s, "0123456789") == strlen(s);
}

static void spoken_auto(struct vgw_buf *b, const struct vgw_json *in)
{
    const char *s = vgw_json_str(in);
    double d;
    enum vgw_json_type t = vgw_json_type(in);
    if (t == VGW_JSON_INT || t == VGW_JSON_DOUBLE)
        vgw_spoken_number(b, vgw_json_as_double(in, 0));
    else if (t == VGW_JSON_BOOL)
        vgw_buf_adds(b, vgw_json_as_bool(in, false) ? "yes" : "no");
    else if (s && s[0] == '+' && vgw_is_phone_number(s))
        vgw_spoken_phone(b, s);
    else if (s && is_digits(s) && strlen(s) >= 7)
        vgw_spoken_phone(b, s);
    else if (s && is_digits(s) && (s[0] == '0' || strlen(s) > 3))
        vgw_spoken_digits(b, s);
    else if (s && vgw_parse_double(s, &d))
        vgw_spoken_number(b, d);
    else
        vgw_template_write_value(b, in);
}

static int apply_spoken(const struct vgw_json *in, struct vgw_json *const *args, size_t arg_count,
                        struct vgw_json **ret_value, struct vgw_error *err)
{
    const char *how = arg_count ? vgw_json_str(args[0]) : "auto";
    struct vgw_buf b, text;
    double d = 0;
    bool needs_number = vgw_streq(how, "number") || vgw_streq(how, "duration");
    if (needs_number && !number_of(in, vgw_streq(how, "duration"), &d))
        return not_a_number("spoken", in, err);
    vgw_buf_init(&b, VGW_TEMPLATE_OUTPUT_MAX);
    text_of(&text, in);
    if (vgw_streq(how, "auto"))
        spoken_auto(&b, in);
    else if (vgw_streq(how, "number"))
        vgw_spoken_number(&b, d);
    else if (vgw_streq(how, "duration"))
        vgw_spoken_duration(&b, d, 1);
    else if (vgw_streq(how, "digits"))
        vgw_spoken_digits(&b, vgw_buf_str(&text));
    else if (vgw_streq(how, "phone"))
        vgw_spoken_phone(&b, vgw_buf_str(&text));
    else
        how = NULL;
    b.failed = b.failed || text.failed;
    vgw_buf_done(&text);
    if (!how) {
        vgw_buf_done(&b);
        return vgw_error_set(err, VGW_EINVALID,
                             "filter spoken knows \"number\", \"digits\", \"phone\" and \"duration\"");
    }
    return to_value(&b, ret_value, err);
}

static const struct vgw_filter filters[] = {
    {"default", 1, 1, NULL},        {"upper", 0, 0, apply_upper},   {"lower", 0, 0, apply_lower},
    {"trim", 0, 0, apply_trim},     {"json", 0, 0, apply_json},     {"duration", 0, 0, apply_duration},
    {"number", 0, 1, apply_number}, {"spoken", 0, 1, apply_spoken},
};

const struct vgw_filter *vgw_filter_find(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        if (strlen(filters[i].name) == len && memcmp(filters[i].name, name, len) == 0)
            return &filters[i];
    }
    return NULL;
}

const char *vgw_filter_nearest(const char *name)
{
    const char *names[sizeof filters / sizeof *filters];
    size_t n = sizeof filters / sizeof *filters;
    for (size_t i = 0; i < n; i++)
        names[i] = filters[i].name;
    return vgw_nearest(name, names, n);
}
