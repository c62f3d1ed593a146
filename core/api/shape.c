/* shape.c - bodies checked against their tables, and the tables as JSON Schema. Pure. */
#include <stdio.h>
#include <string.h>

#include "api/route.h"
#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"

static void wrong(struct vgw_json *errors, size_t *count, const char *field, const char *detail)
{
    struct vgw_json *e = vgw_json_object();
    (*count)++;
    if (!e)
        return;
    vgw_json_set_string(e, "field", field);
    vgw_json_set_string(e, "detail", detail);
    vgw_json_append(errors, e);
}

static const char *type_name(enum vgw_field_type type)
{
    static const char *const names[] = {"string", "integer", "number", "boolean", "object", "array", "string", NULL};
    return names[type];
}

static bool type_fits(enum vgw_field_type type, const struct vgw_json *v)
{
    enum vgw_json_type is = vgw_json_type(v);
    switch (type) {
    case VGW_FIELD_STRING:
        return is == VGW_JSON_STRING;
    case VGW_FIELD_TIME: {
        int64_t us;
        return is == VGW_JSON_STRING && vgw_time_parse(vgw_json_str(v), &us);
    }
    case VGW_FIELD_INT:
        return is == VGW_JSON_INT;
    case VGW_FIELD_NUMBER:
        return is == VGW_JSON_INT || is == VGW_JSON_DOUBLE;
    case VGW_FIELD_BOOL:
        return is == VGW_JSON_BOOL;
    case VGW_FIELD_OBJECT:
        return is == VGW_JSON_OBJECT;
    case VGW_FIELD_ARRAY:
        return is == VGW_JSON_ARRAY;
    default:
        return true;
    }
}

static bool is_choice(const char *choices, const char *word)
{
    size_t len = strlen(word);
    for (const char *p = choices; *p; p += strcspn(p, "|"), p += *p == '|') {
        if (strcspn(p, "|") == len && strncmp(p, word, len) == 0)
            return true;
    }
    return false;
}

static void check_bounds(const struct vgw_field *f, const struct vgw_json *v, struct vgw_json *errors, size_t *count)
{
    char detail[256], low[VGW_DOUBLE_TEXT], high[VGW_DOUBLE_TEXT];
    const char *text = vgw_json_str(v);
    double value = text ? (double)vgw_json_strlen(v) : vgw_json_as_double(v, 0);
    bool bounded = text || f->type == VGW_FIELD_INT || f->type == VGW_FIELD_NUMBER;
    if (text && strlen(text) != vgw_json_strlen(v)) {
        wrong(errors, count, f->name, "holds the character U+0000, which no text here may");
        return;
    }
    if (f->choices && text && !is_choice(f->choices, text)) {
        snprintf(detail, sizeof detail, "must be one of %s", f->choices);
        wrong(errors, count, f->name, detail);
        return;
    }
    if (!bounded || (f->min == 0 && f->max == 0) || (value >= f->min && (f->max < f->min || value <= f->max)))
        return;
    snprintf(detail, sizeof detail, "must be %s to %s%s", vgw_double_text(f->min, low), vgw_double_text(f->max, high),
             text ? " bytes long" : "");
    wrong(errors, count, f->name, detail);
}

static void check_unknown(const struct vgw_shape *shape, const char *key, struct vgw_json *errors, size_t *count)
{
    const char *names[64];
    char detail[256];
    size_t n = 0;
    for (size_t i = 0; i < shape->count; i++) {
        if (strcmp(shape->fields[i].name, key) == 0)
            return;
        if (n < sizeof names / sizeof names[0])
            names[n++] = shape->fields[i].name;
    }
    const char *nearest = vgw_nearest(key, names, n);
    if (nearest)
        snprintf(detail, sizeof detail, "is not known here; did you mean %s?", nearest);
    else if (n == 0)
        snprintf(detail, sizeof detail, "is not known here; nothing is taken");
    else
        snprintf(detail, sizeof detail, "is not known here");
    wrong(errors, count, key, detail);
}

size_t vgw_shape_check(const struct vgw_shape *shape, const struct vgw_json *body, struct vgw_json *errors)
{
    size_t count = 0;
    const char *key;
    struct vgw_json *v;
    char detail[128];
    if (body && vgw_json_type(body) != VGW_JSON_OBJECT) {
        wrong(errors, &count, "", "the body must be a JSON object");
        return count;
    }
    for (size_t i = 0; i < shape->count; i++) {
        const struct vgw_field *f = &shape->fields[i];
        v = vgw_json_get(body, f->name);
        if (!v) {
            if (f->required)
                wrong(errors, &count, f->name, "is missing");
        } else if (!type_fits(f->type, v)) {
            snprintf(detail, sizeof detail, "must be %s %s",
                     f->type == VGW_FIELD_INT || f->type == VGW_FIELD_OBJECT || f->type == VGW_FIELD_ARRAY ? "an" : "a",
                     f->type == VGW_FIELD_TIME ? "time as in 2026-02-01T12:34:56Z" : type_name(f->type));
            wrong(errors, &count, f->name, detail);
        } else {
            check_bounds(f, v, errors, &count);
        }
    }
    for (size_t i = 0; !shape->open && vgw_json_object_next(body, &i, &key, &v);)
        check_unknown(shape, key, errors, &count);
    return count;
}

static void schema_choices(struct vgw_json *o, const char *choices)
{
    struct vgw_json *list = vgw_json_array();
    for (const char *p = choices; *p; p += strcspn(p, "|"), p += *p == '|')
        vgw_json_append(list, vgw_json_stringn(p, strcspn(p, "|")));
    vgw_json_set(o, "enum", list);
}

static struct vgw_json *reference(const char *name)
{
    char text[128];
    struct vgw_json *o = vgw_json_object();
    snprintf(text, sizeof text, "#/components/schemas/%s", name);
    vgw_json_set_string(o, "$ref", text);
    return o;
}

struct vgw_json *vgw_field_schema(const struct vgw_field *f)
{
    struct vgw_json *o = vgw_json_object();
    if (!o)
        return NULL;
    if (f->type == VGW_FIELD_OBJECT && f->of) {
        vgw_json_free(o);
        return reference(f->of);
    }
    if (type_name(f->type))
        vgw_json_set_string(o, "type", type_name(f->type));
    if (f->type == VGW_FIELD_TIME)
        vgw_json_set_string(o, "format", "date-time");
    if (f->type == VGW_FIELD_ARRAY)
        vgw_json_set(o, "items", f->of ? reference(f->of) : vgw_json_object());
    if (f->text)
        vgw_json_set_string(o, "description", f->text);
    if (f->choices)
        schema_choices(o, f->choices);
    bool number = f->type == VGW_FIELD_INT || f->type == VGW_FIELD_NUMBER;
    if (f->min != 0 || f->max != 0) {
        vgw_json_set_double(o, number ? "minimum" : "minLength", f->min);
        if (f->max >= f->min)
            vgw_json_set_double(o, number ? "maximum" : "maxLength", f->max);
    }
    return o;
}

/* Fields of answers may be null when a value is not known: requests alone name what is required. */
struct vgw_json *vgw_shape_schema(const struct vgw_shape *shape)
{
    struct vgw_json *o = vgw_json_object(), *properties = vgw_json_object(), *required = vgw_json_array();
    if (!o || !properties || !required)
        goto out;
    for (size_t i = 0; i < shape->count; i++) {
        vgw_json_set(properties, shape->fields[i].name, vgw_field_schema(&shape->fields[i]));
        if (shape->fields[i].required)
            vgw_json_append_string(required, shape->fields[i].name);
    }
    vgw_json_set_string(o, "type", "object");
    vgw_json_set(o, "properties", properties);
    if (vgw_json_count(required))
        vgw_json_set(o, "required", required);
    else
        vgw_json_free(required);
    if (!shape->open)
        vgw_json_set_bool(o, "additionalProperties", false);
    return o;
out:
    vgw_json_free(o);
    vgw_json_free(properties);
    vgw_json_free(required);
    return NULL;
}
