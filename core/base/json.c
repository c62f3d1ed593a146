/* json.c - values, kept as json-c objects. No other file knows that library. */
#include "base/json.h"
#include "base/alloc.h"
#include "base/json_scan.h"
#include "base/str.h"
#include <json-c/json.h>
#include <limits.h>
#include <math.h>
#include <string.h>

/* struct vgw_json is never defined: its pointers are json-c's. */
static struct json_object *in(const struct vgw_json *v)
{
    return (struct json_object *)(uintptr_t)v;
}

static struct vgw_json *wrap(struct json_object *o)
{
    return (struct vgw_json *)o;
}

int vgw_json_parse(const char *text, size_t len, struct vgw_json **ret_value, struct vgw_error *err)
{
    if (!text || len > INT_MAX - 1)
        return vgw_error_at(err, VGW_EINVALID, "1:1", "not valid JSON: %s", text ? "longer than 2 GiB" : "no text");
    int rc = vgw_json_scan(text, len, err);
    if (rc < 0)
        return rc;
    /* The tokener wants a terminator to know that a bare number has ended. */
    char *copy = vgw_calloc(len + 1, 1);
    if (!copy)
        return vgw_error_nomem(err);
    memcpy(copy, text, len);
    struct json_tokener *t = vgw_alloc_fails() ? NULL : json_tokener_new_ex(VGW_JSON_DEPTH_MAX + 2);
    if (!t) {
        vgw_free(copy);
        return vgw_error_nomem(err);
    }
    json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *o = json_tokener_parse_ex(t, copy, (int)len + 1);
    enum json_tokener_error e = json_tokener_get_error(t);
    json_tokener_free(t);
    vgw_free(copy);
    if (e != json_tokener_success) {
        json_object_put(o);
        return vgw_error_at(err, VGW_EINVALID, "1:1", "not valid JSON: %s", json_tokener_error_desc(e));
    }
    if (ret_value)
        *ret_value = wrap(o);
    else
        json_object_put(o);
    return VGW_OK;
}

void vgw_json_free(struct vgw_json *v)
{
    json_object_put(in(v));
}

struct vgw_json *vgw_json_ref(struct vgw_json *v)
{
    return wrap(json_object_get(in(v)));
}

struct vgw_json *vgw_json_copy(const struct vgw_json *v)
{
    struct json_object *copy = NULL;
    if (!v || vgw_alloc_fails())
        return NULL;
    if (json_object_deep_copy(in(v), &copy, NULL) < 0) {
        json_object_put(copy);
        return NULL;
    }
    return wrap(copy);
}

void vgw_json_compact(struct vgw_json *v)
{
    struct lh_table *table = json_object_is_type(in(v), json_type_object) ? json_object_get_object(in(v)) : NULL;
    for (size_t i = 0; i < vgw_json_count(v); i++) /* of an array; 0 of all else */
        vgw_json_compact(vgw_json_at(v, i));
    if (!table)
        return;
    int fit = table->count + table->count / 2 + 1; /* a table grows once it is two thirds full */
    if (fit < table->size && !vgw_alloc_fails())
        (void)lh_table_resize(table, fit);
    for (struct lh_entry *e = table->head; e; e = e->next)
        vgw_json_compact(wrap((struct json_object *)(uintptr_t)e->v));
}

enum vgw_json_type vgw_json_type(const struct vgw_json *v)
{
    switch (json_object_get_type(in(v))) {
    case json_type_boolean:
        return VGW_JSON_BOOL;
    case json_type_int:
        return VGW_JSON_INT;
    case json_type_double:
        return VGW_JSON_DOUBLE;
    case json_type_string:
        return VGW_JSON_STRING;
    case json_type_array:
        return VGW_JSON_ARRAY;
    case json_type_object:
        return VGW_JSON_OBJECT;
    default:
        return VGW_JSON_NULL;
    }
}

struct vgw_json *vgw_json_object(void)
{
    return vgw_alloc_fails() ? NULL : wrap(json_object_new_object());
}

struct vgw_json *vgw_json_array(void)
{
    return vgw_alloc_fails() ? NULL : wrap(json_object_new_array_ext(4));
}

struct vgw_json *vgw_json_stringn(const char *s, size_t n)
{
    if (!s || n > INT_MAX - 1 || vgw_alloc_fails())
        return NULL;
    return wrap(json_object_new_string_len(s, (int)n));
}

struct vgw_json *vgw_json_string(const char *s)
{
    return s ? vgw_json_stringn(s, strlen(s)) : NULL;
}

struct vgw_json *vgw_json_int(int64_t i)
{
    return vgw_alloc_fails() ? NULL : wrap(json_object_new_int64(i));
}

struct vgw_json *vgw_json_double(double d)
{
    return vgw_alloc_fails() ? NULL : wrap(json_object_new_double(d));
}

struct vgw_json *vgw_json_bool(bool b)
{
    return vgw_alloc_fails() ? NULL : wrap(json_object_new_boolean(b));
}

static bool is(const struct vgw_json *v, enum json_type type)
{
    return v && json_object_get_type(in(v)) == type;
}

int vgw_json_set(struct vgw_json *o, const char *key, struct vgw_json *v)
{
    if (is(o, json_type_object) && key && !vgw_alloc_fails() && json_object_object_add(in(o), key, in(v)) == 0)
        return VGW_OK;
    vgw_json_free(v);
    return VGW_ELIMIT;
}

/* A constructor's NULL is an allocation that failed here, never a null to be stored. */
static int set_made(struct vgw_json *o, const char *key, struct vgw_json *v)
{
    return v ? vgw_json_set(o, key, v) : VGW_ELIMIT;
}

int vgw_json_set_string(struct vgw_json *o, const char *key, const char *s)
{
    return s ? set_made(o, key, vgw_json_string(s)) : vgw_json_set(o, key, NULL);
}

int vgw_json_set_int(struct vgw_json *o, const char *key, int64_t i)
{
    return set_made(o, key, vgw_json_int(i));
}

int vgw_json_set_double(struct vgw_json *o, const char *key, double d)
{
    return set_made(o, key, vgw_json_double(d));
}

int vgw_json_set_bool(struct vgw_json *o, const char *key, bool b)
{
    return set_made(o, key, vgw_json_bool(b));
}

void vgw_json_del(struct vgw_json *o, const char *key)
{
    if (is(o, json_type_object) && key)
        json_object_object_del(in(o), key);
}

static bool lookup(const struct vgw_json *o, const char *key, struct json_object **ret)
{
    *ret = NULL;
    return is(o, json_type_object) && key && json_object_object_get_ex(in(o), key, ret);
}

struct vgw_json *vgw_json_get(const struct vgw_json *o, const char *key)
{
    struct json_object *v;
    lookup(o, key, &v);
    return wrap(v);
}

bool vgw_json_has(const struct vgw_json *o, const char *key)
{
    struct json_object *v;
    return lookup(o, key, &v);
}

const char *vgw_json_get_string(const struct vgw_json *o, const char *key, const char *dflt)
{
    const char *s = vgw_json_str(vgw_json_get(o, key));
    return s ? s : dflt;
}

static bool is_number(const struct vgw_json *v)
{
    return is(v, json_type_int) || is(v, json_type_double);
}

int64_t vgw_json_get_int(const struct vgw_json *o, const char *key, int64_t dflt)
{
    const struct vgw_json *v = vgw_json_get(o, key);
    return is_number(v) ? vgw_json_as_int(v, dflt) : dflt;
}

double vgw_json_get_double(const struct vgw_json *o, const char *key, double dflt)
{
    const struct vgw_json *v = vgw_json_get(o, key);
    return is_number(v) ? vgw_json_as_double(v, dflt) : dflt;
}

bool vgw_json_get_bool(const struct vgw_json *o, const char *key, bool dflt)
{
    const struct vgw_json *v = vgw_json_get(o, key);
    return is(v, json_type_boolean) ? json_object_get_boolean(in(v)) : dflt;
}

/* One segment of a path: a key of an object, or digits for an array. */
static struct vgw_json *step_into(const struct vgw_json *v, const char *segment)
{
    if (!is(v, json_type_array))
        return vgw_json_get(v, segment);
    int64_t i;
    if (*segment == '+' || !vgw_parse_i64(segment, &i) || i < 0)
        return NULL;
    return vgw_json_at(v, (size_t)i);
}

struct vgw_json *vgw_json_path(const struct vgw_json *v, const char *path)
{
    const struct vgw_json *at = v;
    while (at && path) {
        char segment[256];
        const char *dot = strchr(path, '.');
        size_t n = dot ? (size_t)(dot - path) : strlen(path);
        if (!vgw_strncopy(segment, sizeof segment, path, n))
            return NULL;
        at = step_into(at, segment);
        path = dot ? dot + 1 : NULL;
    }
    return wrap(in(at));
}

bool vgw_json_object_next(const struct vgw_json *o, size_t *cursor, const char **ret_key, struct vgw_json **ret_value)
{
    /* The cursor is the entry that comes next, so that the current one may go; SIZE_MAX is the end. */
    if (!is(o, json_type_object) || *cursor == SIZE_MAX)
        return false;
    struct lh_entry *e = *cursor ? (struct lh_entry *)*cursor : lh_table_head(json_object_get_object(in(o)));
    if (!e)
        return false;
    struct lh_entry *next = lh_entry_next(e);
    *cursor = next ? (size_t)next : SIZE_MAX;
    if (ret_key)
        *ret_key = lh_entry_k(e);
    if (ret_value)
        *ret_value = lh_entry_v(e);
    return true;
}

size_t vgw_json_object_count(const struct vgw_json *o)
{
    return is(o, json_type_object) ? (size_t)json_object_object_length(in(o)) : 0;
}

int vgw_json_append(struct vgw_json *a, struct vgw_json *v)
{
    if (is(a, json_type_array) && !vgw_alloc_fails() && json_object_array_add(in(a), in(v)) == 0)
        return VGW_OK;
    vgw_json_free(v);
    return VGW_ELIMIT;
}

int vgw_json_append_string(struct vgw_json *a, const char *s)
{
    struct vgw_json *v = vgw_json_string(s);
    if (s && !v)
        return VGW_ELIMIT;
    return vgw_json_append(a, v);
}

size_t vgw_json_count(const struct vgw_json *a)
{
    return is(a, json_type_array) ? json_object_array_length(in(a)) : 0;
}

struct vgw_json *vgw_json_at(const struct vgw_json *a, size_t i)
{
    return i < vgw_json_count(a) ? wrap(json_object_array_get_idx(in(a), i)) : NULL;
}

const char *vgw_json_str(const struct vgw_json *v)
{
    return is(v, json_type_string) ? json_object_get_string(in(v)) : NULL;
}

size_t vgw_json_strlen(const struct vgw_json *v)
{
    return is(v, json_type_string) ? (size_t)json_object_get_string_len(in(v)) : 0;
}

static int64_t double_to_int(double d, int64_t dflt)
{
    if (isnan(d))
        return dflt;
    if (d >= 0x1p63)
        return INT64_MAX;
    return d <= -0x1p63 ? INT64_MIN : (int64_t)d;
}

int64_t vgw_json_as_int(const struct vgw_json *v, int64_t dflt)
{
    int64_t i;
    if (is(v, json_type_int))
        return json_object_get_int64(in(v));
    if (is(v, json_type_double))
        return double_to_int(json_object_get_double(in(v)), dflt);
    return vgw_parse_i64(vgw_json_str(v), &i) ? i : dflt;
}

uint64_t vgw_json_as_uint(const struct vgw_json *v, uint64_t dflt)
{
    return is(v, json_type_int) ? json_object_get_uint64(in(v)) : dflt;
}

double vgw_json_as_double(const struct vgw_json *v, double dflt)
{
    double d;
    if (is_number(v))
        return json_object_get_double(in(v));
    return vgw_parse_double(vgw_json_str(v), &d) ? d : dflt;
}

bool vgw_json_as_bool(const struct vgw_json *v, bool dflt)
{
    bool b;
    if (is(v, json_type_boolean))
        return json_object_get_boolean(in(v));
    if (is_number(v))
        return json_object_get_double(in(v)) != 0;
    return vgw_parse_bool(vgw_json_str(v), &b) ? b : dflt;
}

static bool objects_equal(const struct vgw_json *a, const struct vgw_json *b)
{
    const char *key;
    struct vgw_json *va;
    if (vgw_json_object_count(a) != vgw_json_object_count(b))
        return false;
    for (size_t i = 0; vgw_json_object_next(a, &i, &key, &va);) {
        struct json_object *vb;
        if (!lookup(b, key, &vb) || !vgw_json_equal(va, wrap(vb)))
            return false;
    }
    return true;
}

static bool arrays_equal(const struct vgw_json *a, const struct vgw_json *b)
{
    size_t count = vgw_json_count(a);
    if (count != vgw_json_count(b))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!vgw_json_equal(vgw_json_at(a, i), vgw_json_at(b, i)))
            return false;
    return true;
}

bool vgw_json_equal(const struct vgw_json *a, const struct vgw_json *b)
{
    if (is(a, json_type_int) && is(b, json_type_int))
        return json_object_equal(in(a), in(b));
    /* 65 and 65.0 are written alike, so they are alike. */
    if (is_number(a) && is_number(b))
        return json_object_get_double(in(a)) == json_object_get_double(in(b));
    enum vgw_json_type type = vgw_json_type(a);
    if (type != vgw_json_type(b))
        return false;
    if (type == VGW_JSON_OBJECT)
        return objects_equal(a, b);
    if (type == VGW_JSON_ARRAY)
        return arrays_equal(a, b);
    return json_object_equal(in(a), in(b));
}
