/* options.c - reading and comparing checked option values. */
#include "config/options.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"
#include "config/value.h"

void vgw_option_value_done(struct vgw_option_value *value)
{
    vgw_source_unref(value->source);
    vgw_free(value->text);
    vgw_secret_free(value->secret);
    vgw_options_unref(value->section);
    vgw_node_free(value->node);
    for (size_t i = 0; i < value->count; i++) {
        vgw_free(value->items[i].key);
        vgw_free(value->items[i].text);
        vgw_options_unref(value->items[i].section);
        vgw_node_free(value->items[i].node);
    }
    vgw_free(value->items);
    *value = (struct vgw_option_value){0};
}

struct vgw_options *vgw_options_ref(struct vgw_options *options)
{
    if (options)
        atomic_fetch_add_explicit(&options->refs, 1, memory_order_relaxed);
    return options;
}

void vgw_options_unref(struct vgw_options *options)
{
    if (!options || atomic_fetch_sub_explicit(&options->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < options->count; i++)
        vgw_option_value_done(&options->values[i]);
    vgw_free(options);
}

static const struct vgw_option_value *find_here(const struct vgw_options *options, const char *name, size_t len)
{
    for (size_t i = 0; options && i < options->count; i++) {
        const char *row = options->values[i].row->name;
        if (strncmp(row, name, len) == 0 && row[len] == '\0')
            return &options->values[i];
    }
    return NULL;
}

static const struct vgw_option_value *find(const struct vgw_options *options, const char *name)
{
    for (;;) {
        const char *dot = strchr(name, '.');
        const struct vgw_option_value *v = find_here(options, name, dot ? (size_t)(dot - name) : strlen(name));
        if (!dot || !v)
            return v;
        options = v->section;
        name = dot + 1;
    }
}

static const struct vgw_option_value *find_typed(const struct vgw_options *options, const char *name,
                                                 enum vgw_option_type type)
{
    const struct vgw_option_value *v = find(options, name);
    return v && v->row->type == type ? v : NULL;
}

static bool is_json(const struct vgw_option_value *v)
{
    return v->row->type == VGW_OPTION_JSON || v->row->type == VGW_OPTION_JSON_LIST ||
           v->row->type == VGW_OPTION_JSON_MAP || v->row->type == VGW_OPTION_STRINGS ||
           v->row->type == VGW_OPTION_STRING_MAP;
}

const char *vgw_options_string(const struct vgw_options *options, const char *name)
{
    const struct vgw_option_value *v = find(options, name);
    return v && !is_json(v) ? v->text : NULL;
}

int64_t vgw_options_int(const struct vgw_options *options, const char *name)
{
    const struct vgw_option_value *v = find_typed(options, name, VGW_OPTION_INT);
    return v ? v->whole : 0;
}

double vgw_options_double(const struct vgw_options *options, const char *name)
{
    const struct vgw_option_value *v = find(options, name);
    if (v && v->row->type == VGW_OPTION_INT)
        return (double)v->whole;
    return v && v->row->type == VGW_OPTION_DOUBLE ? v->number : 0;
}

bool vgw_options_bool(const struct vgw_options *options, const char *name)
{
    const struct vgw_option_value *v = find_typed(options, name, VGW_OPTION_BOOL);
    return v && v->truth;
}

int64_t vgw_options_duration_us(const struct vgw_options *options, const char *name)
{
    const struct vgw_option_value *v = find_typed(options, name, VGW_OPTION_DURATION);
    return v ? v->whole : 0;
}

uint64_t vgw_options_size(const struct vgw_options *options, const char *name)
{
    const struct vgw_option_value *v = find_typed(options, name, VGW_OPTION_SIZE);
    return v ? (uint64_t)v->whole : 0;
}

double vgw_options_rate(const struct vgw_options *options, const char *name)
{
    const struct vgw_option_value *v = find_typed(options, name, VGW_OPTION_RATE);
    return v ? v->number : 0;
}

const struct vgw_secret *vgw_options_secret(const struct vgw_options *options, const char *name)
{
    const struct vgw_option_value *v = find(options, name);
    return v ? v->secret : NULL;
}

const char *vgw_options_json_text(const struct vgw_options *options, const char *name)
{
    const struct vgw_option_value *v = find(options, name);
    return v && is_json(v) ? v->text : NULL;
}

struct vgw_json *vgw_options_json(const struct vgw_options *options, const char *name)
{
    const char *text = vgw_options_json_text(options, name);
    struct vgw_json *json = NULL;
    if (text)
        vgw_json_parse(text, strlen(text), &json, NULL);
    return json;
}

size_t vgw_options_count(const struct vgw_options *options, const char *name)
{
    const struct vgw_option_value *v = find(options, name);
    return v ? v->count : 0;
}

static const struct vgw_option_item *item(const struct vgw_options *options, const char *name, size_t i)
{
    const struct vgw_option_value *v = find(options, name);
    return v && i < v->count ? &v->items[i] : NULL;
}

const char *vgw_options_item(const struct vgw_options *options, const char *name, size_t i)
{
    const struct vgw_option_item *it = item(options, name, i);
    return it ? it->text : NULL;
}

const char *vgw_options_item_key(const struct vgw_options *options, const char *name, size_t i)
{
    const struct vgw_option_item *it = item(options, name, i);
    return it ? it->key : NULL;
}

const char *vgw_options_lookup(const struct vgw_options *options, const char *name, const char *key)
{
    const struct vgw_option_value *v = find(options, name);
    for (size_t i = 0; v && i < v->count; i++) {
        if (vgw_streq(v->items[i].key, key))
            return v->items[i].text;
    }
    return NULL;
}

const struct vgw_options *vgw_options_section(const struct vgw_options *options, const char *name)
{
    const struct vgw_option_value *v = find(options, name);
    return v ? v->section : NULL;
}

const struct vgw_options *vgw_options_section_at(const struct vgw_options *options, const char *name, size_t i)
{
    const struct vgw_option_item *it = item(options, name, i);
    return it ? it->section : NULL;
}

const struct vgw_node *vgw_options_node(const struct vgw_options *options, const char *name, size_t i)
{
    const struct vgw_option_value *v = find(options, name);
    if (v && v->row->type == VGW_OPTION_NODE)
        return i == 0 ? v->node : NULL;
    const struct vgw_option_item *it = item(options, name, i);
    return it ? it->node : NULL;
}

bool vgw_options_explicit(const struct vgw_options *options, const char *name)
{
    const struct vgw_option_value *v = find(options, name);
    return v && v->is_explicit;
}

void vgw_options_place(const struct vgw_options *options, const char *name, struct vgw_buf *out)
{
    const struct vgw_option_value *v = find(options, name);
    if (!v || !v->is_explicit) {
        vgw_buf_adds(out, "default");
        return;
    }
    vgw_buf_adds(out, vgw_source_name(v->source));
    if (v->line > 0)
        vgw_buf_printf(out, ":%d:%d", v->line, v->column);
}

int vgw_options_error(const struct vgw_options *options, const char *name, struct vgw_config_errors *errors,
                      const char *fmt, ...)
{
    const struct vgw_option_value *v = find(options, name);
    bool placed = v && v->is_explicit;
    va_list ap;
    va_start(ap, fmt);
    int rc = vgw_config_errors_vadd(errors, placed ? vgw_source_name(v->source) : "default", placed ? v->line : 0,
                                    placed ? v->column : 0, fmt, ap);
    va_end(ap);
    return rc;
}

const struct vgw_option_table *vgw_options_table(const struct vgw_options *options)
{
    return options ? options->table : NULL;
}

static bool secret_equal(const struct vgw_secret *a, const struct vgw_secret *b)
{
    if (!a || !b)
        return a == b;
    return vgw_secret_equals(a, vgw_secret_reveal(b), vgw_secret_len(b));
}

bool vgw_option_value_equal(const struct vgw_option_value *a, const struct vgw_option_value *b)
{
    bool scalar = a->is_set == b->is_set && a->truth == b->truth && a->whole == b->whole && a->number == b->number &&
                  vgw_streq(a->text, b->text) && secret_equal(a->secret, b->secret);
    if (!scalar || a->count != b->count || !vgw_options_equal(a->section, b->section) ||
        !vgw_node_equal(a->node, b->node))
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct vgw_option_item *x = &a->items[i];
        const struct vgw_option_item *y = &b->items[i];
        if (!vgw_streq(x->key, y->key) || !vgw_streq(x->text, y->text) || !vgw_options_equal(x->section, y->section) ||
            !vgw_node_equal(x->node, y->node))
            return false;
    }
    return true;
}

/* Two probes of one plugin build two tables with the same rows. */
static bool same_rows(const struct vgw_options *a, const struct vgw_options *b)
{
    if (a->table == b->table)
        return true;
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!vgw_streq(a->values[i].row->name, b->values[i].row->name) ||
            a->values[i].row->type != b->values[i].row->type)
            return false;
    return true;
}

bool vgw_options_equal(const struct vgw_options *a, const struct vgw_options *b)
{
    if (a == b)
        return true;
    if (!a || !b || !same_rows(a, b))
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (!vgw_option_value_equal(&a->values[i], &b->values[i]))
            return false;
    }
    return true;
}

static void diff(const struct vgw_options *a, const struct vgw_options *b, const char *prefix,
                 void (*fn)(const char *name, bool reloadable, void *arg), void *arg)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct vgw_option_value *x = &a->values[i];
        const struct vgw_option_value *y = &b->values[i];
        if (vgw_option_value_equal(x, y))
            continue;
        struct vgw_buf name = {0};
        vgw_buf_printf(&name, "%s%s%s", prefix, *prefix ? "." : "", x->row->name);
        if (x->section && y->section)
            diff(x->section, y->section, vgw_buf_str(&name), fn, arg);
        else
            fn(vgw_buf_str(&name), x->row->flags & VGW_OPTION_RELOADABLE, arg);
        vgw_buf_done(&name);
    }
}

void vgw_options_diff(const struct vgw_options *before, const struct vgw_options *after,
                      void (*fn)(const char *name, bool reloadable, void *arg), void *arg)
{
    if (before && after && same_rows(before, after))
        diff(before, after, "", fn, arg);
}
