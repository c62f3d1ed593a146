/* schema.c - values against a JSON Schema, and schemas against what is known of them. */
#include "action/schema.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"

struct at { /* where in the value, or in the schema */
    const struct at *up;
    const char *key; /* NULL: an index */
    size_t index;
    unsigned depth;
};

static void place_write(const struct at *at, struct vgw_buf *out)
{
    if (!at || !at->up)
        return;
    place_write(at->up, out);
    if (out->len)
        vgw_buf_addc(out, '.');
    if (at->key)
        vgw_buf_adds(out, at->key);
    else
        vgw_buf_printf(out, "%zu", at->index);
}

__attribute__((format(printf, 3, 4))) static int wrong(const struct at *at, struct vgw_error *err, const char *format,
                                                       ...)
{
    struct vgw_buf place, text;
    va_list args;
    vgw_buf_init(&place, 256);
    vgw_buf_init(&text, 1024);
    place_write(at, &place);
    va_start(args, format);
    vgw_buf_vprintf(&text, format, args);
    va_end(args);
    vgw_error_at(err, VGW_EINVALID, vgw_buf_str(&place), "%s %s", place.len ? vgw_buf_str(&place) : "the whole",
                 vgw_buf_str(&text));
    vgw_buf_done(&place);
    vgw_buf_done(&text);
    return VGW_EINVALID;
}

/* ---- types ---- */

static const char *const type_words[] = {"null", "boolean", "integer", "number", "string", "array", "object"};

static const char *type_of(const struct vgw_json *v)
{
    return type_words[vgw_json_type(v)]; /* in the order of enum vgw_json_type */
}

static bool is_number(const struct vgw_json *v)
{
    return vgw_json_type(v) == VGW_JSON_INT || vgw_json_type(v) == VGW_JSON_DOUBLE;
}

static bool type_fits(const char *word, const struct vgw_json *v)
{
    double d = vgw_json_as_double(v, 0.5);
    if (vgw_streq(word, "number"))
        return is_number(v);
    if (vgw_streq(word, "integer")) /* 1.0 is one */
        return is_number(v) && floor(d) == d;
    return vgw_streq(word, type_of(v));
}

static bool type_known(const struct vgw_json *word)
{
    for (size_t i = 0; i < sizeof type_words / sizeof *type_words; i++)
        if (vgw_streq(vgw_json_str(word), type_words[i]))
            return true;
    return false;
}

static int check_type(const struct vgw_json *want, const struct vgw_json *v, const struct at *at, struct vgw_error *err)
{
    struct vgw_buf words;
    bool fits = false;
    if (!want)
        return 0;
    vgw_buf_init(&words, 256);
    if (vgw_json_str(want)) {
        fits = type_fits(vgw_json_str(want), v);
        vgw_buf_adds(&words, vgw_json_str(want));
    }
    for (size_t i = 0; i < vgw_json_count(want); i++) {
        const char *word = vgw_json_str(vgw_json_at(want, i));
        fits = fits || (word && type_fits(word, v));
        vgw_buf_printf(&words, "%s%s", i ? " or " : "", word ? word : "");
    }
    int rc = fits ? 0 : wrong(at, err, "must be of type %s, not %s", vgw_buf_str(&words), type_of(v));
    vgw_buf_done(&words);
    return rc;
}

/* ---- one value of a kind ---- */

static int check_choice(const struct vgw_json *schema, const struct vgw_json *v, const struct at *at,
                        struct vgw_error *err)
{
    const struct vgw_json *list = vgw_json_get(schema, "enum");
    bool found = !list;
    for (size_t i = 0; i < vgw_json_count(list) && !found; i++)
        found = vgw_json_equal(vgw_json_at(list, i), v);
    if (!found) {
        struct vgw_buf words;
        vgw_buf_init(&words, 512);
        for (size_t i = 0; i < vgw_json_count(list) && words.len < 400; i++) {
            vgw_buf_adds(&words, i ? ", " : "");
            vgw_json_write(vgw_json_at(list, i), &words);
        }
        wrong(at, err, "must be one of %s", vgw_buf_str(&words));
        vgw_buf_done(&words);
        return VGW_EINVALID;
    }
    if (vgw_json_has(schema, "const") && !vgw_json_equal(vgw_json_get(schema, "const"), v))
        return wrong(at, err, "is not the one value that it may be");
    return 0;
}

static size_t characters(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xC0) != 0x80;
    return n;
}

static int check_bounds(const struct vgw_json *schema, const char *low, const char *high, size_t n, const char *unit,
                        const struct at *at, struct vgw_error *err)
{
    const struct vgw_json *min = vgw_json_get(schema, low), *max = vgw_json_get(schema, high);
    if (min && (double)n < vgw_json_as_double(min, 0))
        return wrong(at, err, "must have at least %lld %s", (long long)vgw_json_as_int(min, 0), unit);
    if (max && (double)n > vgw_json_as_double(max, 0))
        return wrong(at, err, "may have at most %lld %s", (long long)vgw_json_as_int(max, 0), unit);
    return 0;
}

static bool all_digits(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] < '0' || s[i] > '9')
            return false;
    return true;
}

static bool is_date(const char *s)
{
    int64_t us;
    struct vgw_buf b;
    bool good = strlen(s) == 10 && all_digits(s, 4) && s[4] == '-' && all_digits(s + 5, 2) && s[7] == '-';
    vgw_buf_init(&b, 64);
    vgw_buf_printf(&b, "%sT00:00:00Z", s);
    good = good && vgw_time_parse(vgw_buf_str(&b), &us);
    vgw_buf_done(&b);
    return good;
}

static int check_text(const struct vgw_json *schema, const struct vgw_json *v, const struct at *at,
                      struct vgw_error *err)
{
    const char *s = vgw_json_str(v), *format = vgw_json_get_string(schema, "format", "");
    int64_t us;
    if (vgw_streq(format, "date") && !is_date(s))
        return wrong(at, err, "must be a date such as 2026-01-15");
    if (vgw_streq(format, "date-time") && !vgw_time_parse(s, &us))
        return wrong(at, err, "must be a time such as 2026-01-15T14:30:00Z");
    return check_bounds(schema, "minLength", "maxLength", characters(s), "characters", at, err);
}

static int check_number(const struct vgw_json *schema, const struct vgw_json *v, const struct at *at,
                        struct vgw_error *err)
{
    static const struct {
        const char *key, *sentence;
        bool high, strict;
    } rows[] = {{"minimum", "must be at least", false, false},
                {"maximum", "may be at most", true, false},
                {"exclusiveMinimum", "must be more than", false, true},
                {"exclusiveMaximum", "must be less than", true, true}};
    double d = vgw_json_as_double(v, 0);
    char text[VGW_DOUBLE_TEXT];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct vgw_json *bound = vgw_json_get(schema, rows[i].key);
        double b = vgw_json_as_double(bound, 0);
        bool bad = rows[i].high ? d > b : d < b;
        if (is_number(bound) && (bad || (rows[i].strict && !(d < b) && !(d > b))))
            return wrong(at, err, "%s %s", rows[i].sentence, vgw_double_text(b, text));
    }
    double step = vgw_json_get_double(schema, "multipleOf", 0);
    if (step > 0 && fabs(d / step - round(d / step)) > 1e-9)
        return wrong(at, err, "must be a multiple of %s", vgw_double_text(step, text));
    return 0;
}

static int check(const struct vgw_json *schema, const struct vgw_json *v, const struct at *at, struct vgw_error *err);

static int check_array(const struct vgw_json *schema, const struct vgw_json *v, const struct at *at,
                       struct vgw_error *err)
{
    const struct vgw_json *items = vgw_json_get(schema, "items");
    int rc = check_bounds(schema, "minItems", "maxItems", vgw_json_count(v), "items", at, err);
    for (size_t i = 0; rc == 0 && items && i < vgw_json_count(v); i++) {
        struct at below = {at, NULL, i, at->depth + 1};
        rc = check(items, vgw_json_at(v, i), &below, err);
    }
    for (size_t i = 1; rc == 0 && vgw_json_get_bool(schema, "uniqueItems", false) && i < vgw_json_count(v); i++)
        for (size_t k = 0; rc == 0 && k < i; k++)
            if (vgw_json_equal(vgw_json_at(v, i), vgw_json_at(v, k)))
                rc = wrong(at, err, "may not hold the same item twice");
    return rc;
}

static int unknown_key(const struct vgw_json *properties, const char *key, const struct at *at, struct vgw_error *err)
{
    const char *names[64], *name;
    struct vgw_json *value;
    size_t n = 0;
    for (size_t i = 0; n < 64 && properties && vgw_json_object_next(properties, &i, &name, &value);)
        names[n++] = name;
    const char *near = vgw_nearest(key, names, n);
    return wrong(at, err, "may not have '%.60s'%s%s%s", key, near ? "; did you mean '" : "", near ? near : "",
                 near ? "'?" : "");
}

static int check_object(const struct vgw_json *schema, const struct vgw_json *v, const struct at *at,
                        struct vgw_error *err)
{
    const struct vgw_json *properties = vgw_json_get(schema, "properties"),
                          *required = vgw_json_get(schema, "required"),
                          *more = vgw_json_get(schema, "additionalProperties");
    const char *key;
    struct vgw_json *value;
    int rc = check_bounds(schema, "minProperties", "maxProperties", vgw_json_object_count(v), "members", at, err);
    for (size_t i = 0; rc == 0 && i < vgw_json_count(required); i++) {
        const char *name = vgw_json_str(vgw_json_at(required, i));
        struct at below = {at, name, 0, at->depth + 1};
        if (name && !vgw_json_has(v, name))
            rc = wrong(&below, err, "is missing");
    }
    for (size_t i = 0; rc == 0 && vgw_json_object_next(v, &i, &key, &value);) {
        struct at below = {at, key, 0, at->depth + 1};
        if (properties && vgw_json_has(properties, key))
            rc = check(vgw_json_get(properties, key), value, &below, err);
        else if (vgw_json_type(more) == VGW_JSON_BOOL && !vgw_json_as_bool(more, true))
            rc = unknown_key(properties, key, at, err);
        else if (vgw_json_type(more) == VGW_JSON_OBJECT)
            rc = check(more, value, &below, err);
    }
    return rc;
}

/* ---- schemas of schemas ---- */

static size_t matches(const struct vgw_json *list, const struct vgw_json *v, const struct at *at,
                      struct vgw_error *first)
{
    size_t n = 0;
    for (size_t i = 0; i < vgw_json_count(list); i++) {
        struct vgw_error err = {0};
        if (check(vgw_json_at(list, i), v, at, &err) == 0)
            n++;
        else if (!first->status)
            *first = err;
    }
    return n;
}

static int check_combined(const struct vgw_json *schema, const struct vgw_json *v, const struct at *at,
                          struct vgw_error *err)
{
    const struct vgw_json *all = vgw_json_get(schema, "allOf"), *any = vgw_json_get(schema, "anyOf"),
                          *one = vgw_json_get(schema, "oneOf"), *not = vgw_json_get(schema, "not");
    struct vgw_error first = {0};
    struct at here = {at->up, at->key, at->index, at->depth + 1};
    if ((all && matches(all, v, &here, &first) < vgw_json_count(all)) ||
        (any && vgw_json_count(any) && !matches(any, v, &here, &first)) ||
        (one && vgw_json_count(one) && !matches(one, v, &here, &first))) {
        *err = first;
        return VGW_EINVALID;
    }
    if (one && matches(one, v, &here, &first) > 1)
        return wrong(at, err, "follows more than one of the forms of which it must have one");
    if (not &&check(not, v, &here, &first) == 0)
        return wrong(at, err, "has a form that it may not have");
    return 0;
}

static int check(const struct vgw_json *schema, const struct vgw_json *v, const struct at *at, struct vgw_error *err)
{
    if (vgw_json_type(schema) == VGW_JSON_BOOL)
        return vgw_json_as_bool(schema, true) ? 0 : wrong(at, err, "may not be given");
    if (vgw_json_type(schema) != VGW_JSON_OBJECT)
        return 0;
    if (at->depth > VGW_SCHEMA_DEPTH_MAX)
        return wrong(at, err, "is nested more than %d deep", VGW_SCHEMA_DEPTH_MAX);
    int rc = check_type(vgw_json_get(schema, "type"), v, at, err);
    if (rc == 0)
        rc = check_choice(schema, v, at, err);
    if (rc == 0 && vgw_json_str(v))
        rc = check_text(schema, v, at, err);
    if (rc == 0 && is_number(v))
        rc = check_number(schema, v, at, err);
    if (rc == 0 && vgw_json_type(v) == VGW_JSON_ARRAY)
        rc = check_array(schema, v, at, err);
    if (rc == 0 && vgw_json_type(v) == VGW_JSON_OBJECT)
        rc = check_object(schema, v, at, err);
    return rc == 0 ? check_combined(schema, v, at, err) : rc;
}

int vgw_schema_check(const struct vgw_json *schema, const struct vgw_json *value, struct vgw_error *err)
{
    struct at whole = {NULL, NULL, 0, 0};
    struct vgw_error unused = {0};
    return check(schema, value, &whole, err ? err : &unused);
}

/* ---- what a schema may say ---- */

enum kind { TYPE, LIST, WORDS, SCHEMA, SCHEMAS, SCHEMA_MAP, COUNT_N, NUMBER, TEXT, FLAG, ANY };
static const struct {
    const char *name;
    enum kind kind;
} keywords[] = {
    {"type", TYPE},
    {"enum", LIST},
    {"const", ANY},
    {"properties", SCHEMA_MAP},
    {"required", WORDS},
    {"items", SCHEMA},
    {"minItems", COUNT_N},
    {"additionalProperties", SCHEMA},
    {"maxItems", COUNT_N},
    {"uniqueItems", FLAG},
    {"minLength", COUNT_N},
    {"maxLength", COUNT_N},
    {"minimum", NUMBER},
    {"maximum", NUMBER},
    {"multipleOf", NUMBER},
    {"exclusiveMinimum", NUMBER},
    {"minProperties", COUNT_N},
    {"maxProperties", COUNT_N},
    {"exclusiveMaximum", NUMBER},
    {"allOf", SCHEMAS},
    {"anyOf", SCHEMAS},
    {"oneOf", SCHEMAS},
    {"not", SCHEMA},
    {"format", TEXT},
    {"title", TEXT},
    {"description", TEXT},
    {"default", ANY},
    {"examples", LIST},
    {"$schema", TEXT},
    {"$id", TEXT},
    {"$comment", TEXT},
    {"deprecated", FLAG},
    {"readOnly", FLAG},
    {"writeOnly", FLAG},
};

static int validate(const struct vgw_json *schema, const struct at *at, struct vgw_error *err);

static int validate_words(const struct vgw_json *v, const struct at *at, struct vgw_error *err)
{
    bool good = vgw_json_type(v) == VGW_JSON_ARRAY;
    for (size_t i = 0; good && i < vgw_json_count(v); i++)
        good = vgw_json_str(vgw_json_at(v, i));
    return good ? 0 : wrong(at, err, "must be a list of names");
}

static int validate_type(const struct vgw_json *v, const struct at *at, struct vgw_error *err)
{
    bool good = vgw_json_str(v) ? type_known(v) : vgw_json_count(v) > 0;
    for (size_t i = 0; good && i < vgw_json_count(v); i++)
        good = type_known(vgw_json_at(v, i));
    return good ? 0
                : wrong(at, err, "must be string, number, integer, boolean, array, object or null, or a list of them");
}

static int validate_many(const struct vgw_json *v, bool map, const struct at *at, struct vgw_error *err)
{
    const char *key;
    struct vgw_json *value;
    int rc = 0;
    if (vgw_json_type(v) != (map ? VGW_JSON_OBJECT : VGW_JSON_ARRAY))
        return wrong(at, err, map ? "must be a map of names and schemas" : "must be a list of schemas");
    for (size_t i = 0; rc == 0 && map && vgw_json_object_next(v, &i, &key, &value);) {
        struct at below = {at, key, 0, at->depth + 1};
        rc = validate(value, &below, err);
    }
    for (size_t i = 0; rc == 0 && !map && i < vgw_json_count(v); i++) {
        struct at below = {at, NULL, i, at->depth + 1};
        rc = validate(vgw_json_at(v, i), &below, err);
    }
    return rc;
}

static int validate_keyword(enum kind kind, const struct vgw_json *v, const struct at *at, struct vgw_error *err)
{
    switch (kind) {
    case TYPE:
        return validate_type(v, at, err);
    case WORDS:
        return validate_words(v, at, err);
    case LIST:
        return vgw_json_type(v) == VGW_JSON_ARRAY ? 0 : wrong(at, err, "must be a list");
    case SCHEMA:
        return validate(v, at, err);
    case SCHEMAS:
    case SCHEMA_MAP:
        return validate_many(v, kind == SCHEMA_MAP, at, err);
    case COUNT_N:
        return vgw_json_type(v) == VGW_JSON_INT && vgw_json_as_int(v, -1) >= 0
                   ? 0
                   : wrong(at, err, "must be a whole number from 0 on");
    case NUMBER:
        return is_number(v) ? 0 : wrong(at, err, "must be a number");
    case TEXT:
        return vgw_json_str(v) ? 0 : wrong(at, err, "must be text");
    case FLAG:
        return vgw_json_type(v) == VGW_JSON_BOOL ? 0 : wrong(at, err, "must be true or false");
    case ANY:
        break;
    }
    return 0;
}

static int validate(const struct vgw_json *schema, const struct at *at, struct vgw_error *err)
{
    const char *key;
    struct vgw_json *value;
    int rc = 0;
    if (vgw_json_type(schema) == VGW_JSON_BOOL)
        return 0;
    if (vgw_json_type(schema) != VGW_JSON_OBJECT)
        return wrong(at, err, "must be a schema: a map such as {type: string}");
    if (at->depth > VGW_SCHEMA_DEPTH_MAX)
        return wrong(at, err, "is nested more than %d deep", VGW_SCHEMA_DEPTH_MAX);
    for (size_t i = 0; rc == 0 && vgw_json_object_next(schema, &i, &key, &value);) {
        struct at below = {at, key, 0, at->depth + 1};
        size_t k = 0, n = sizeof keywords / sizeof *keywords;
        while (k < n && !vgw_streq(keywords[k].name, key))
            k++;
        if (k == n)
            rc = wrong(&below, err, "is a keyword of JSON Schema that is not held here; leave it out");
        else
            rc = validate_keyword(keywords[k].kind, value, &below, err);
    }
    return rc;
}

int vgw_schema_validate(const struct vgw_json *schema, struct vgw_error *err)
{
    struct at whole = {NULL, NULL, 0, 0};
    struct vgw_error unused = {0};
    return validate(schema, &whole, err ? err : &unused);
}
