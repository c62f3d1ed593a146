/* validate.c - parameters against an action's table. */
#include <stdio.h>
#include <string.h>
#include "action/registry.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"

#define NAMES_MAX 64

const char *vgw_param_type_name(enum vgw_param_type type)
{
    static const char *const names[] = {"string", "int", "number", "bool", "duration", "object", "array", "any"};
    return (size_t)type < sizeof names / sizeof *names ? names[type] : "any";
}

static bool type_fits(enum vgw_param_type type, const struct vgw_json *v)
{
    enum vgw_json_type t = vgw_json_type(v);
    const char *s = vgw_json_str(v);
    double d;
    int64_t i;
    bool b;
    switch (type) {
    case VGW_PARAM_STRING:
        return t != VGW_JSON_ARRAY && t != VGW_JSON_OBJECT;
    case VGW_PARAM_INT:
        return t == VGW_JSON_INT || (s && vgw_parse_i64(s, &i));
    case VGW_PARAM_NUMBER:
        return t == VGW_JSON_INT || t == VGW_JSON_DOUBLE || (s && vgw_parse_double(s, &d));
    case VGW_PARAM_BOOL:
        return t == VGW_JSON_BOOL || (s && vgw_parse_bool(s, &b));
    case VGW_PARAM_DURATION:
        return ((t == VGW_JSON_INT || t == VGW_JSON_DOUBLE) && vgw_json_as_double(v, -1) >= 0) ||
               (s && vgw_parse_duration_us(s, &i));
    case VGW_PARAM_OBJECT:
        return t == VGW_JSON_OBJECT;
    case VGW_PARAM_ARRAY:
        return t == VGW_JSON_ARRAY;
    case VGW_PARAM_ANY:
        break;
    }
    return true;
}

static const char *type_example(enum vgw_param_type type)
{
    static const char *const texts[] = {"text",
                                        "a whole number",
                                        "a number",
                                        "true or false",
                                        "a duration such as 5s or a number of seconds",
                                        "a map of names and values",
                                        "a list",
                                        "anything"};
    return (size_t)type < sizeof texts / sizeof *texts ? texts[type] : "anything";
}

static bool word_in(const char *words, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = words; *p;) {
        size_t len = strcspn(p, " ");
        if (len == n && n > 0 && memcmp(p, word, n) == 0)
            return true;
        p += len;
        p += strspn(p, " ");
    }
    return false;
}

/* Fills `out` with what is wrong with one value; false when nothing is. */
static bool value_is_wrong(const struct vgw_action_param *p, const struct vgw_json *v, bool rendered, char *out,
                           size_t cap)
{
    const char *s = vgw_json_str(v);
    if (vgw_json_type(v) == VGW_JSON_NULL)
        return false;
    if (!rendered && s && strstr(s, "{{")) {
        if (p->templated)
            return false;
        (void)snprintf(out, cap, "%s must be written out, a template is not evaluated here", p->name);
        return true;
    }
    if (!type_fits(p->type, v)) {
        (void)snprintf(out, cap, "%s must be %s", p->name, type_example(p->type));
        return true;
    }
    if (p->choices && s && !word_in(p->choices, s)) {
        (void)snprintf(out, cap, "%s cannot be \"%.40s\"; choose one of: %s", p->name, s, p->choices);
        return true;
    }
    return false;
}

static const struct vgw_action_param *param_find(const struct vgw_action_param *params, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (vgw_streq(params[i].name, name))
            return &params[i];
    }
    return NULL;
}

struct outcome {
    int count;
    vgw_action_report report;
    void *arg;
};

static void wrong(struct outcome *o, const char *param, const char *sentence)
{
    o->count++;
    if (o->report)
        o->report(o->arg, param, sentence);
}

static void unknown_param(struct outcome *o, const struct vgw_action_param *params, size_t count, const char *key)
{
    const char *names[NAMES_MAX];
    size_t n = 0;
    struct vgw_buf text;
    vgw_buf_init(&text, 2048);
    for (; n < count && n < NAMES_MAX; n++)
        names[n] = params[n].name;
    const char *near = vgw_nearest(key, names, n);
    if (near) {
        vgw_buf_printf(&text, "there is no parameter %.60s here; did you mean %s?", key, near);
    } else if (n == 0) {
        vgw_buf_printf(&text, "there is no parameter %.60s here; this step takes none", key);
    } else {
        vgw_buf_printf(&text, "there is no parameter %.60s here; known are:", key);
        for (size_t i = 0; i < n; i++)
            vgw_buf_printf(&text, "%s %s", i ? "," : "", names[i]);
    }
    wrong(o, key, vgw_buf_str(&text));
    vgw_buf_done(&text);
}

static void check_all(struct outcome *o, const struct vgw_action_param *params, size_t count, bool any_param,
                      const struct vgw_json *given, bool rendered)
{
    char text[512];
    if (given && vgw_json_type(given) != VGW_JSON_OBJECT) {
        wrong(o, "", "params must be a map of names and values");
        return;
    }
    const char *key;
    struct vgw_json *value;
    for (size_t i = 0; given && vgw_json_object_next(given, &i, &key, &value);) {
        const struct vgw_action_param *p = param_find(params, count, key);
        if (!p) {
            if (!any_param)
                unknown_param(o, params, count, key);
        } else if (value_is_wrong(p, value, rendered, text, sizeof text)) {
            wrong(o, key, text);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (params[i].required && vgw_json_type(given ? vgw_json_get(given, params[i].name) : NULL) == VGW_JSON_NULL) {
            (void)snprintf(text, sizeof text, "%s is missing; it must be %s", params[i].name,
                           type_example(params[i].type));
            wrong(o, params[i].name, text);
        }
    }
}

int vgw_action_validate_params(const struct vgw_action_param *params, size_t param_count, bool any_param,
                               const struct vgw_json *given, vgw_action_report report, void *arg)
{
    struct outcome o = {.report = report, .arg = arg};
    check_all(&o, params, param_count, any_param, given, false);
    return o.count;
}

int vgw_action_validate(const struct vgw_action_desc *desc, const struct vgw_json *params, vgw_action_report report,
                        void *arg)
{
    struct outcome o = {.report = report, .arg = arg};
    struct vgw_error err = {0};
    check_all(&o, desc->params, desc->param_count, desc->flags & VGW_ACTION_ANY_PARAM, params, false);
    if (o.count == 0 && desc->validate && desc->validate(desc->arg, params, &err) < 0)
        wrong(&o, err.place, err.text);
    return o.count;
}

static void keep_first(void *arg, const char *param, const char *sentence)
{
    struct vgw_error *err = arg;
    if (!err->text[0])
        vgw_error_at(err, VGW_EINVALID, param, "%s", sentence);
}

int vgw_action_check(const struct vgw_action_desc *desc, const struct vgw_json *params, struct vgw_error *err)
{
    struct vgw_error first = {0};
    struct outcome o = {.report = keep_first, .arg = &first};
    check_all(&o, desc->params, desc->param_count, desc->flags & VGW_ACTION_ANY_PARAM, params, true);
    if (o.count == 0)
        return 0;
    return vgw_error_at(err, VGW_EINVALID, first.place, "%s: %s", desc->name, first.text);
}

static int describe_params(const struct vgw_action_desc *desc, struct vgw_json *list)
{
    for (size_t i = 0; i < desc->param_count; i++) {
        const struct vgw_action_param *p = &desc->params[i];
        struct vgw_json *o = vgw_json_object();
        if (!o || vgw_json_set_string(o, "name", p->name) < 0 ||
            vgw_json_set_string(o, "type", vgw_param_type_name(p->type)) < 0 ||
            vgw_json_set_bool(o, "required", p->required) < 0 || vgw_json_set_bool(o, "templated", p->templated) < 0 ||
            (p->choices && vgw_json_set_string(o, "choices", p->choices) < 0) ||
            (p->description && vgw_json_set_string(o, "description", p->description) < 0)) {
            vgw_json_free(o);
            return VGW_ELIMIT;
        }
        if (vgw_json_append(list, o) < 0)
            return VGW_ELIMIT;
    }
    return 0;
}

struct vgw_json *vgw_action_describe(const struct vgw_action_desc *desc)
{
    struct vgw_json *o = vgw_json_object();
    struct vgw_json *params = vgw_json_array();
    if (!o || !params || describe_params(desc, params) < 0) {
        vgw_json_free(params);
        goto fail;
    }
    if (vgw_json_set(o, "params", params) < 0 || vgw_json_set_string(o, "name", desc->name) < 0 ||
        vgw_json_set_string(o, "description", desc->description) < 0 ||
        vgw_json_set_string(o, "result", desc->result) < 0 ||
        vgw_json_set_bool(o, "step", desc->flags & VGW_ACTION_STEP) < 0 ||
        vgw_json_set_bool(o, "tool", desc->flags & VGW_ACTION_TOOL) < 0 ||
        vgw_json_set_bool(o, "idempotent", desc->flags & VGW_ACTION_IDEMPOTENT) < 0 ||
        vgw_json_set_double(o, "default_timeout", (double)desc->default_timeout_us / 1e6) < 0)
        goto fail;
    return o;
fail:
    vgw_json_free(o);
    return NULL;
}
