/* check.c - a mapping against its table. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"
#include "config/value.h"
#include "config/yaml.h"

#define NAMES_MAX 256

static int say_unknown(const struct vgw_option_table *table, const struct vgw_node *mapping, size_t at,
                       struct vgw_config_errors *errors)
{
    const char *names[NAMES_MAX];
    size_t n = 0;
    int line = 0;
    int column = 0;
    const char *key = vgw_node_key_at(mapping, at, &line, &column);
    const char *file = vgw_node_file(vgw_node_at(mapping, at));
    const struct vgw_option *row;
    char shown[80];
    vgw_strcopy(shown, sizeof shown, key);
    /* Not kept any more: counting is enough, and a file full of unknown keys stays cheap. */
    if (errors && errors->count >= VGW_CONFIG_ERRORS_MAX)
        return vgw_config_errors_add(errors, file, line, column, "unknown option '%s'", shown);
    for (size_t i = 0; n < NAMES_MAX && (row = vgw_option_next(table, &i));) {
        if (!(row->flags & VGW_OPTION_LATER))
            names[n++] = row->name;
    }
    const char *near = vgw_nearest(shown, names, n);
    if (near)
        return vgw_config_errors_add(errors, file, line, column, "unknown option '%s'; did you mean '%s'?", shown,
                                     near);
    struct vgw_buf all = {0};
    for (size_t i = 0; i < n; i++)
        vgw_buf_printf(&all, "%s%s", i ? ", " : "", names[i]);
    int rc = vgw_config_errors_add(errors, file, line, column, "unknown option '%s'; known here: %s", shown,
                                   n ? vgw_buf_str(&all) : "none");
    vgw_buf_done(&all);
    return rc;
}

static int check_keys(const struct vgw_option_table *table, const struct vgw_node *mapping,
                      struct vgw_config_errors *errors)
{
    int rc = 0;
    const char *key;
    struct vgw_node *value;
    for (size_t i = 0; vgw_node_next(mapping, &i, &key, &value);) {
        const struct vgw_option *row = vgw_option_find(table, key);
        if (row && (row->flags & VGW_OPTION_LATER) && !vgw_node_is_null(value))
            rc = vgw_node_key_error(errors, mapping, key, "option '%s' is not available in this version; take it out",
                                    key);
        else if (!row && !(vgw_node_flags(value) & VGW_NODE_ENVIRONMENT))
            rc = say_unknown(table, mapping, i - 1, errors);
    }
    return rc;
}

/* The default of a row as a node; NULL when it has none or memory is out (*ret_rc). */
static struct vgw_node *default_node(const struct vgw_option *row, struct vgw_config_errors *errors, int *ret_rc)
{
    struct vgw_source *source = vgw_source_new("default");
    struct vgw_node *docs = NULL;
    struct vgw_node *node = NULL;
    *ret_rc = source ? 0 : VGW_ELIMIT;
    if (source && row->type <= VGW_OPTION_PATH) {
        node = vgw_node_scalar(source, 0, 0, row->dflt, strlen(row->dflt), 0);
        *ret_rc = node ? 0 : VGW_ELIMIT;
    } else if (source) {
        *ret_rc = vgw_yaml_parse("default", row->dflt, strlen(row->dflt), errors, &docs);
        node = vgw_node_copy(vgw_node_at(docs, 0));
        if (vgw_node_count(docs) && !node)
            *ret_rc = VGW_ELIMIT;
    }
    vgw_node_free(docs);
    vgw_source_unref(source);
    return node;
}

static int fill_default(const struct vgw_option *row, const struct vgw_node *mapping, struct vgw_config_errors *errors,
                        struct vgw_option_value *v)
{
    v->row = row;
    if (row->flags & VGW_OPTION_REQUIRED)
        return vgw_node_error(errors, mapping, "option '%s' is missing; add '%s: …' (%s)", row->name, row->name,
                              row->text ? row->text : vgw_option_type_name(row->type));
    if (row->flags & VGW_OPTION_LATER)
        return 0;
    if (row->type == VGW_OPTION_SECTION && !(row->flags & VGW_OPTION_OPTIONAL)) {
        int rc = vgw_options_check(row->table, NULL, errors, &v->section);
        v->is_set = rc == 0;
        return rc;
    }
    if (!row->dflt)
        return 0;
    int rc = 0;
    struct vgw_node *node = default_node(row, errors, &rc);
    if (node && rc == 0)
        rc = vgw_option_convert(row, node, errors, v);
    vgw_node_free(node);
    return rc;
}

/* The next name of a row: the name itself, then its aliases. */
static bool next_name(const struct vgw_option *row, const char **cursor, char *name, size_t cap)
{
    if (!*cursor) {
        *cursor = row->alias ? row->alias : "";
        return vgw_strcopy(name, cap, row->name);
    }
    if (!**cursor)
        return false;
    size_t n = strcspn(*cursor, "|");
    vgw_strncopy(name, cap, *cursor, n);
    *cursor += n + ((*cursor)[n] == '|');
    return true;
}

/* One value from every name it was given under; they must agree. */
static int fill_row(const struct vgw_option *row, const struct vgw_node *mapping, struct vgw_config_errors *errors,
                    struct vgw_option_value *v)
{
    char name[80];
    char first[80] = "";
    const char *cursor = NULL;
    int rc = 0;
    while (rc != VGW_ELIMIT && next_name(row, &cursor, name, sizeof name)) {
        const struct vgw_node *node = vgw_node_get(mapping, name);
        if (vgw_node_is_null(node) || (row->flags & VGW_OPTION_LATER))
            continue;
        struct vgw_option_value other = {0};
        struct vgw_option_value *to = *first ? &other : v;
        int one = vgw_option_convert(row, node, errors, to);
        to->is_explicit = true;
        if (*first && one == 0 && rc == 0 && !vgw_option_value_equal(v, to))
            one = vgw_node_key_error(errors, mapping, name, "'%s' and '%s' name the same option and differ; keep one",
                                     first, name);
        rc = one ? one : rc;
        if (!*first)
            vgw_strcopy(first, sizeof first, name);
        vgw_option_value_done(&other);
    }
    return *first || rc ? rc : fill_default(row, mapping, errors, v);
}

static size_t count_rows(const struct vgw_option_table *table)
{
    size_t n = 0;
    for (size_t i = 0; vgw_option_next(table, &i);)
        n++;
    return n;
}

int vgw_options_check(const struct vgw_option_table *table, const struct vgw_node *mapping,
                      struct vgw_config_errors *errors, struct vgw_options **ret_options)
{
    if (vgw_node_kind(mapping) != VGW_NODE_MAPPING && !vgw_node_is_null(mapping))
        return vgw_node_error(errors, mapping, "'%s' must be a mapping of options, found %s", table->name,
                              vgw_node_kind_name(mapping));
    size_t n = count_rows(table);
    struct vgw_options *o = vgw_calloc(1, sizeof *o + n * sizeof o->values[0]);
    if (!o)
        return VGW_ELIMIT;
    atomic_init(&o->refs, 1);
    o->table = table;
    int rc = check_keys(table, mapping, errors);
    const struct vgw_option *row;
    for (size_t i = 0; rc != VGW_ELIMIT && (row = vgw_option_next(table, &i));) {
        int one = fill_row(row, mapping, errors, &o->values[o->count++]);
        rc = one ? one : rc;
    }
    if (rc) {
        vgw_options_unref(o);
        return rc;
    }
    *ret_options = o;
    return 0;
}
