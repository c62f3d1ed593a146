/* schema.c - option tables as JSON. */
#include "config/schema.h"

#include <string.h>

#include "base/str.h"
#include "config/yaml.h"

/* Nested objects are built with a sticky failure, checked once at the end. */
struct build {
    const struct vgw_schema_plugin *plugins;
    size_t n;
    bool failed;
};

static void set(struct build *b, struct vgw_json *o, const char *key, struct vgw_json *v)
{
    if (!v || vgw_json_set(o, key, v))
        b->failed = true;
}

static void add(struct build *b, struct vgw_json *a, struct vgw_json *v)
{
    if (!v || vgw_json_append(a, v))
        b->failed = true;
}

static struct vgw_json *typed(struct build *b, const char *type)
{
    struct vgw_json *o = vgw_json_object();
    set(b, o, "type", vgw_json_string(type));
    return o;
}

static struct vgw_json *words(struct build *b, const char *list)
{
    struct vgw_json *a = vgw_json_array();
    for (const char *p = list; p && *p;) {
        size_t n = strcspn(p, "|");
        add(b, a, vgw_json_stringn(p, n));
        p += n + (p[n] == '|');
    }
    return a;
}

static void set_bounds(struct build *b, struct vgw_json *o, const struct vgw_option *row, const char *min,
                       const char *max)
{
    bool bounded = row->max > row->min;
    if (bounded || row->min > 0)
        set(b, o, min, vgw_json_double(row->min));
    if (bounded)
        set(b, o, max, vgw_json_double(row->max));
}

/* A number, one of its words, or a text that stands for it: "30s", "${NAME}". */
static struct vgw_json *number_schema(struct build *b, const struct vgw_option *row, const char *type,
                                      const char *pattern)
{
    struct vgw_json *o = vgw_json_object();
    struct vgw_json *any = vgw_json_array();
    struct vgw_json *number = typed(b, type);
    struct vgw_json *text = typed(b, "string");
    set_bounds(b, number, row, "minimum", "maximum");
    set(b, text, "pattern", vgw_json_string(pattern));
    add(b, any, number);
    add(b, any, text);
    if (row->choices) {
        struct vgw_json *word = vgw_json_object();
        set(b, word, "enum", words(b, row->choices));
        add(b, any, word);
    }
    set(b, o, "anyOf", any);
    return o;
}

static struct vgw_json *enum_schema(struct build *b, const char *choices)
{
    struct vgw_json *o = vgw_json_object();
    struct vgw_json *any = vgw_json_array();
    struct vgw_json *word = vgw_json_object();
    struct vgw_json *text = typed(b, "string");
    set(b, word, "enum", words(b, choices));
    set(b, text, "pattern", vgw_json_string("\\$\\{"));
    add(b, any, word);
    add(b, any, text);
    set(b, o, "anyOf", any);
    return o;
}

static struct vgw_json *scalar_text(struct build *b)
{
    struct vgw_json *o = vgw_json_object();
    set(b, o, "type", words(b, "string|number|boolean"));
    return o;
}

static struct vgw_json *table_schema(struct build *b, const struct vgw_option_table *table);

static struct vgw_json *strings_schema(struct build *b, const struct vgw_option *row)
{
    struct vgw_json *o = vgw_json_object();
    struct vgw_json *any = vgw_json_array();
    struct vgw_json *list = typed(b, "array");
    set(b, list, "items", row->choices ? enum_schema(b, row->choices) : scalar_text(b));
    set_bounds(b, list, row, "minItems", "maxItems");
    add(b, any, list);
    add(b, any, row->choices ? enum_schema(b, row->choices) : scalar_text(b));
    set(b, o, "anyOf", any);
    return o;
}

/* {"if": plugin is NAME, "then": its table} */
static struct vgw_json *plugin_schema(struct build *b, const struct vgw_schema_plugin *plugin)
{
    struct vgw_json *o = vgw_json_object();
    struct vgw_json *cond = vgw_json_object();
    struct vgw_json *props = vgw_json_object();
    struct vgw_json *name = vgw_json_object();
    set(b, name, "const", vgw_json_string(plugin->plugin));
    set(b, props, "plugin", name);
    set(b, cond, "properties", props);
    set(b, o, "if", cond);
    set(b, o, "then", table_schema(b, plugin->table));
    return o;
}

static struct vgw_json *instances_schema(struct build *b, const struct vgw_option *row)
{
    struct vgw_json *o = typed(b, "object");
    struct vgw_json *instance = typed(b, "object");
    struct vgw_json *props = vgw_json_object();
    struct vgw_json *all = vgw_json_array();
    set(b, props, "plugin", typed(b, "string"));
    set(b, instance, "properties", props);
    set(b, instance, "required", words(b, "plugin"));
    for (size_t i = 0; i < b->n; i++) {
        if (vgw_streq(b->plugins[i].section, row->name))
            add(b, all, plugin_schema(b, &b->plugins[i]));
    }
    if (vgw_json_count(all) > 0)
        set(b, instance, "allOf", all);
    else
        vgw_json_free(all);
    set(b, o, "additionalProperties", instance);
    return o;
}

static struct vgw_json *container(struct build *b, const char *type, const char *key, struct vgw_json *inner)
{
    struct vgw_json *o = typed(b, type);
    set(b, o, key, inner);
    return o;
}

static struct vgw_json *row_type_schema(struct build *b, const struct vgw_option *row)
{
    switch (row->type) {
    case VGW_OPTION_INT:
        return number_schema(b, row, "integer", "\\$\\{|^-?[0-9]+$");
    case VGW_OPTION_DOUBLE:
        return number_schema(b, row, "number", "\\$\\{|^-?[0-9.]+([eE][-+]?[0-9]+)?$");
    case VGW_OPTION_DURATION:
        return number_schema(b, row, "number", "\\$\\{|^[0-9.]+(us|ms|s|m|h|d)?$");
    case VGW_OPTION_SIZE:
        return number_schema(b, row, "integer", "\\$\\{|^[0-9.]+([kKMGT]i?)?B?$");
    case VGW_OPTION_RATE:
        return number_schema(b, row, "number", "\\$\\{|^[0-9.]+(/(s|m|h|d))?$");
    case VGW_OPTION_BOOL:
        return number_schema(b, &(struct vgw_option){0}, "boolean",
                             "\\$\\{|^([Tt]rue|[Ff]alse|[Yy]es|[Nn]o|[Oo]n|[Oo]ff|[01])$");
    case VGW_OPTION_ENUM:
        return enum_schema(b, row->choices);
    case VGW_OPTION_STRINGS:
        return strings_schema(b, row);
    case VGW_OPTION_STRING_MAP:
        return container(b, "object", "additionalProperties", scalar_text(b));
    case VGW_OPTION_JSON:
    case VGW_OPTION_NODE:
        return vgw_json_object();
    case VGW_OPTION_JSON_LIST:
        return typed(b, "array");
    case VGW_OPTION_JSON_MAP:
        return typed(b, "object");
    case VGW_OPTION_SECTION:
        return table_schema(b, row->table);
    case VGW_OPTION_SECTION_LIST:
        return container(b, "array", "items", table_schema(b, row->table));
    case VGW_OPTION_SECTION_MAP:
        return container(b, "object", "additionalProperties", table_schema(b, row->table));
    case VGW_OPTION_INSTANCES:
        return instances_schema(b, row);
    default:
        return scalar_text(b);
    }
}

/* Null is "left out", wherever it stands. */
static struct vgw_json *row_schema(struct build *b, const struct vgw_option *row)
{
    struct vgw_json *o = vgw_json_object();
    struct vgw_json *any = vgw_json_array();
    add(b, any, row_type_schema(b, row));
    add(b, any, typed(b, "null"));
    set(b, o, "anyOf", any);
    if (row->text)
        set(b, o, "description", vgw_json_string(row->text));
    if (row->dflt && row->type <= VGW_OPTION_PATH)
        set(b, o, "default", vgw_json_string(row->dflt));
    return o;
}

static struct vgw_json *table_schema(struct build *b, const struct vgw_option_table *table)
{
    struct vgw_json *o = typed(b, "object");
    struct vgw_json *props = vgw_json_object();
    struct vgw_json *required = vgw_json_array();
    const struct vgw_option *row;
    for (size_t i = 0; (row = vgw_option_next(table, &i));) {
        if (row->flags & VGW_OPTION_LATER)
            continue;
        set(b, props, row->name, row_schema(b, row));
        for (const char *p = row->alias; p && *p;) {
            size_t n = strcspn(p, "|");
            char name[80];
            vgw_strncopy(name, sizeof name, p, n);
            set(b, props, name, row_schema(b, row));
            p += n + (p[n] == '|');
        }
        if ((row->flags & VGW_OPTION_REQUIRED) && !row->alias)
            add(b, required, vgw_json_string(row->name));
    }
    if (table->text)
        set(b, o, "description", vgw_json_string(table->text));
    set(b, o, "properties", props);
    set(b, o, "required", required);
    set(b, o, "additionalProperties", vgw_json_bool(false));
    return o;
}

struct vgw_json *vgw_schema_json(const struct vgw_option_table *table, const struct vgw_schema_plugin *plugins,
                                 size_t n)
{
    struct build b = {.plugins = plugins, .n = plugins ? n : 0};
    struct vgw_json *o = table_schema(&b, table);
    set(&b, o, "$schema", vgw_json_string("https://json-schema.org/draft/2020-12/schema"));
    set(&b, o, "title", vgw_json_string(table->name));
    if (!b.failed)
        return o;
    vgw_json_free(o);
    return NULL;
}

static struct vgw_json *describe_rows(struct build *b, const struct vgw_option_table *table);

static struct vgw_json *describe_row(struct build *b, const struct vgw_option *row)
{
    struct vgw_json *o = vgw_json_object();
    set(b, o, "name", vgw_json_string(row->name));
    set(b, o, "type", vgw_json_string(vgw_option_type_name(row->type)));
    if (row->dflt)
        set(b, o, "default", vgw_json_string(row->dflt));
    set(b, o, "required", vgw_json_bool(row->flags & VGW_OPTION_REQUIRED));
    set(b, o, "reloadable", vgw_json_bool(row->flags & VGW_OPTION_RELOADABLE));
    set_bounds(b, o, row, "min", "max");
    if (row->unit)
        set(b, o, "unit", vgw_json_string(row->unit));
    if (row->choices)
        set(b, o, "choices", words(b, row->choices));
    if (row->alias)
        set(b, o, "aliases", words(b, row->alias));
    if (row->metric)
        set(b, o, "metric", vgw_json_string(row->metric));
    if (row->text)
        set(b, o, "description", vgw_json_string(row->text));
    if (row->table)
        set(b, o, "options", describe_rows(b, row->table));
    return o;
}

static struct vgw_json *describe_rows(struct build *b, const struct vgw_option_table *table)
{
    struct vgw_json *a = vgw_json_array();
    const struct vgw_option *row;
    for (size_t i = 0; (row = vgw_option_next(table, &i));) {
        if (!(row->flags & VGW_OPTION_LATER))
            add(b, a, describe_row(b, row));
    }
    return a;
}

struct vgw_json *vgw_schema_describe(const struct vgw_option_table *table)
{
    struct build b = {0};
    struct vgw_json *o = vgw_json_object();
    set(&b, o, "name", vgw_json_string(table->name));
    set(&b, o, "options", describe_rows(&b, table));
    if (!b.failed)
        return o;
    vgw_json_free(o);
    return NULL;
}
