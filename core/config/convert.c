/* convert.c - one node into one option value. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"
#include "config/file.h"
#include "config/value.h"

/* What would be right, for sentences. */
static const char *expected(enum vgw_option_type type)
{
    static const char *const names[] = {
        [VGW_OPTION_STRING] = "a text",
        [VGW_OPTION_SECRET] = "a text or '!file PATH'",
        [VGW_OPTION_INT] = "a whole number such as 10",
        [VGW_OPTION_DOUBLE] = "a number such as 0.5",
        [VGW_OPTION_BOOL] = "true or false",
        [VGW_OPTION_DURATION] = "a duration such as 500ms, 30s, 10m, 1h or plain seconds",
        [VGW_OPTION_SIZE] = "a size such as 64KiB, 10MiB or plain bytes",
        [VGW_OPTION_RATE] = "a rate such as 50/s, 10/m or plain events a second",
        [VGW_OPTION_ENUM] = "one of its words",
        [VGW_OPTION_URL] = "a URL such as https://host/path",
        [VGW_OPTION_PATH] = "a path",
        [VGW_OPTION_STRINGS] = "a list of texts such as [a, b]",
        [VGW_OPTION_STRING_MAP] = "a mapping of names to texts such as {a: b}",
        [VGW_OPTION_JSON] = "any value",
        [VGW_OPTION_JSON_LIST] = "a list such as [a, b]",
        [VGW_OPTION_JSON_MAP] = "a mapping such as {a: b}",
        [VGW_OPTION_SECTION] = "a mapping of options",
        [VGW_OPTION_SECTION_LIST] = "a list of mappings such as [{…}]",
        [VGW_OPTION_SECTION_MAP] = "a mapping of names to mappings such as {name: {…}}",
        [VGW_OPTION_INSTANCES] = "a mapping of names to instances such as {name: {plugin: NAME}}",
        [VGW_OPTION_NODE] = "any value",
    };
    return names[type];
}

static int wrong(const struct vgw_option *row, const struct vgw_node *node, struct vgw_config_errors *errors)
{
    const char *text = vgw_node_text(node);
    bool hide = row->type == VGW_OPTION_SECRET || (vgw_node_flags(node) & VGW_NODE_SECRET);
    char shown[64];
    if (!text)
        return vgw_node_error(errors, node, "option '%s' must be %s, found %s", row->name, expected(row->type),
                              vgw_node_kind_name(node));
    vgw_strcopy(shown, sizeof shown, hide ? "***" : text);
    return vgw_node_error(errors, node, "option '%s' must be %s, found '%s'", row->name, expected(row->type), shown);
}

static void list_words(struct vgw_buf *out, const char *words)
{
    for (const char *p = words; *p;) {
        size_t n = strcspn(p, "|");
        bool last = p[n] == '\0';
        vgw_buf_printf(out, "%s%.*s", p == words ? "" : last ? " or " : ", ", (int)n, p);
        p += n + !last;
    }
}

#define WORDS_MAX 64
static int wrong_word(const struct vgw_option *row, const struct vgw_node *node, struct vgw_config_errors *errors)
{
    char *copy = vgw_strdup(row->choices);
    const char *names[WORDS_MAX];
    size_t n = 0;
    struct vgw_buf list = {0};
    for (char *p = copy; p && n < WORDS_MAX;) {
        names[n++] = p;
        p = strchr(p, '|');
        if (p)
            *p++ = '\0';
    }
    list_words(&list, row->choices);
    char shown[64];
    vgw_strcopy(shown, sizeof shown, vgw_node_text(node));
    const char *near = vgw_nearest(shown, names, n);
    int rc = vgw_node_error(errors, node, "option '%s' must be %s, found '%s'%s%s%s", row->name, vgw_buf_str(&list),
                            shown, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    vgw_buf_done(&list);
    vgw_free(copy);
    return rc;
}

/* A bound as its option is written. */
static void bound_text(const struct vgw_option *row, double bound, struct vgw_buf *out)
{
    static const struct {
        double factor;
        const char *unit;
    } sizes[] = {{1073741824.0, "GiB"}, {1048576.0, "MiB"}, {1024.0, "KiB"}},
      times[] = {{3600.0, "h"}, {60.0, "m"}, {1.0, "s"}};
    for (size_t i = 0; i < 3; i++) {
        if (row->type == VGW_OPTION_SIZE && bound > 0 && fmod(bound, sizes[i].factor) == 0) {
            vgw_buf_printf(out, "%.0f%s", bound / sizes[i].factor, sizes[i].unit);
            return;
        }
        if (row->type == VGW_OPTION_DURATION && bound > 0 && fmod(bound, times[i].factor) == 0) {
            vgw_buf_printf(out, "%.0f%s", bound / times[i].factor, times[i].unit);
            return;
        }
    }
    if (row->type == VGW_OPTION_DURATION)
        vgw_buf_printf(out, "%.10gms", bound * 1000.0);
    else
        vgw_buf_printf(out, "%.15g%s", bound, row->type == VGW_OPTION_RATE ? "/s" : "");
}

/* `what`: "" for numbers, " characters" or " items". */
static int check_bounds(const struct vgw_option *row, const struct vgw_node *node, double value, const char *what,
                        struct vgw_config_errors *errors)
{
    bool bounded = row->max > row->min;
    bool floored = bounded || row->min > 0;
    if ((!floored || value >= row->min) && (!bounded || value <= row->max))
        return 0;
    struct vgw_buf min = {0};
    struct vgw_buf max = {0};
    struct vgw_buf found = {0};
    bound_text(row, row->min, &min);
    bound_text(row, row->max, &max);
    if (*what)
        vgw_buf_printf(&found, "has %.15g%s", value, what);
    else
        vgw_buf_printf(&found, "is %s", vgw_node_text(node));
    int rc = bounded ? vgw_node_error(errors, node, "option '%s' %s, but must be between %s and %s", row->name,
                                      vgw_buf_str(&found), vgw_buf_str(&min), vgw_buf_str(&max))
                     : vgw_node_error(errors, node, "option '%s' %s, but must be at least %s", row->name,
                                      vgw_buf_str(&found), vgw_buf_str(&min));
    vgw_buf_done(&min);
    vgw_buf_done(&max);
    vgw_buf_done(&found);
    return rc;
}

static int set_text(struct vgw_option_value *v, const char *text)
{
    v->text = vgw_strdup(text);
    return v->text ? 0 : VGW_ELIMIT;
}

static int convert_number(const struct vgw_option *row, const struct vgw_node *node, struct vgw_config_errors *errors,
                          struct vgw_option_value *v)
{
    const char *text = vgw_node_text(node);
    double measure = 0;
    uint64_t bytes = 0;
    bool ok = false;
    if (vgw_option_has_word(row->choices, text, strlen(text)))
        return set_text(v, text);
    switch (row->type) {
    case VGW_OPTION_INT:
        ok = vgw_parse_i64(text, &v->whole);
        measure = (double)v->whole;
        break;
    case VGW_OPTION_DOUBLE:
        ok = vgw_parse_double(text, &v->number);
        measure = v->number;
        break;
    case VGW_OPTION_DURATION:
        ok = vgw_parse_duration_us(text, &v->whole);
        measure = (double)v->whole / 1e6;
        break;
    case VGW_OPTION_SIZE:
        ok = vgw_parse_size(text, &bytes) && bytes <= INT64_MAX;
        v->whole = ok ? (int64_t)bytes : 0;
        measure = (double)bytes;
        break;
    default:
        ok = vgw_parse_rate(text, &v->number);
        measure = v->number;
        break;
    }
    return ok ? check_bounds(row, node, measure, "", errors) : wrong(row, node, errors);
}

/* RFC 3986: a scheme that is allowed, "://", a host, nothing that must be escaped. */
static int convert_url(const struct vgw_option *row, const struct vgw_node *node, struct vgw_config_errors *errors,
                       struct vgw_option_value *v)
{
    const char *text = vgw_node_text(node);
    const char *schemes = row->choices ? row->choices : "http|https|ws|wss";
    const char *sep = strstr(text, "://");
    if (!sep || !vgw_option_has_word(schemes, text, (size_t)(sep - text))) {
        struct vgw_buf list = {0};
        list_words(&list, schemes);
        char shown[64];
        vgw_strcopy(shown, sizeof shown, text);
        int rc = vgw_node_error(errors, node, "option '%s' must be a URL that begins with %s and '://', found '%s'",
                                row->name, vgw_buf_str(&list), shown);
        vgw_buf_done(&list);
        return rc;
    }
    if (strcspn(sep + 3, "/?#") == 0)
        return vgw_node_error(errors, node, "option '%s' has no host after '://'; write https://host/path", row->name);
    for (const char *p = text; *p; p++) {
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f || strchr("\"<>\\^`{|}", *p))
            return vgw_node_error(errors, node,
                                  "option '%s' holds a character that a URL may not hold; escape it as %%%02X",
                                  row->name, (unsigned char)*p);
    }
    return set_text(v, text);
}

static int convert_path(const struct vgw_option *row, const struct vgw_node *node, struct vgw_config_errors *errors,
                        struct vgw_option_value *v)
{
    const char *text = vgw_node_text(node);
    if (!*text)
        return wrong(row, node, errors);
    v->text = vgw_file_beside(vgw_node_file(node), text);
    return v->text ? 0 : VGW_ELIMIT;
}

static int convert_scalar(const struct vgw_option *row, const struct vgw_node *node, struct vgw_config_errors *errors,
                          struct vgw_option_value *v)
{
    const char *text = vgw_node_text(node);
    if (!text)
        return wrong(row, node, errors);
    size_t len = vgw_node_len(node);
    switch (row->type) {
    case VGW_OPTION_STRING: {
        int rc = check_bounds(row, node, (double)len, " characters", errors);
        return rc ? rc : set_text(v, text);
    }
    case VGW_OPTION_SECRET:
        v->secret = len ? vgw_secret_new(text, len) : NULL;
        return len && !v->secret ? VGW_ELIMIT : 0;
    case VGW_OPTION_BOOL:
        return vgw_parse_bool(text, &v->truth) ? 0 : wrong(row, node, errors);
    case VGW_OPTION_ENUM:
        return vgw_option_has_word(row->choices, text, len) ? set_text(v, text) : wrong_word(row, node, errors);
    case VGW_OPTION_URL:
        return convert_url(row, node, errors, v);
    case VGW_OPTION_PATH:
        return convert_path(row, node, errors, v);
    default:
        return convert_number(row, node, errors, v);
    }
}

static int convert_json(const struct vgw_option *row, const struct vgw_node *node, struct vgw_config_errors *errors,
                        struct vgw_option_value *v)
{
    enum vgw_node_kind kind = vgw_node_kind(node);
    if ((row->type == VGW_OPTION_JSON_LIST && kind != VGW_NODE_SEQUENCE) ||
        (row->type == VGW_OPTION_JSON_MAP && kind != VGW_NODE_MAPPING))
        return wrong(row, node, errors);
    struct vgw_json *json = NULL;
    int rc = vgw_node_json(node, true, &json);
    if (rc)
        return rc;
    v->text = vgw_json_text(json, false);
    vgw_json_free(json);
    return v->text ? 0 : VGW_ELIMIT;
}

/* A name that can stand in URLs, metrics and logs. */
static bool is_instance_name(const char *s)
{
    size_t n = s ? strlen(s) : 0;
    return n > 0 && n <= 64 && s[0] != '.' && s[0] != '-' &&
           strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n;
}

static int convert_instance(const struct vgw_node *map, const char *key, const struct vgw_node *node,
                            struct vgw_config_errors *errors, struct vgw_option_item *item)
{
    if (!is_instance_name(key))
        return vgw_node_key_error(
            errors, map, key, "'%s' cannot name an instance; use at most 64 letters, digits, '.', '_' and '-'", key);
    if (vgw_node_kind(node) != VGW_NODE_MAPPING)
        return vgw_node_error(errors, node, "'%s' must be a mapping such as {plugin: NAME}, found %s", key,
                              vgw_node_kind_name(node));
    const struct vgw_node *plugin = vgw_node_get(node, "plugin");
    const char *text = vgw_node_text(plugin);
    if (vgw_node_is_null(plugin))
        return vgw_node_error(errors, node, "'%s' names no plugin; add 'plugin: NAME'", key);
    if (!text || !is_instance_name(text))
        return vgw_node_error(errors, plugin, "'plugin' must be a plugin's name, found %s%s%s", text ? "'" : "",
                              text ? text : vgw_node_kind_name(plugin), text ? "'" : "");
    item->node = vgw_node_copy(node);
    return item->node ? 0 : VGW_ELIMIT;
}

static int convert_item(const struct vgw_option *row, const struct vgw_node *parent, const char *key,
                        const struct vgw_node *node, struct vgw_config_errors *errors, struct vgw_option_item *item)
{
    const char *text = vgw_node_text(node);
    switch (row->type) {
    case VGW_OPTION_SECTION_LIST:
    case VGW_OPTION_SECTION_MAP:
        if (vgw_node_kind(node) != VGW_NODE_MAPPING && (!key || !vgw_node_is_null(node)))
            return wrong(row, node, errors);
        return vgw_options_check(row->table, node, errors, &item->section);
    case VGW_OPTION_INSTANCES:
        return convert_instance(parent, key, node, errors, item);
    default:
        if (!text)
            return vgw_node_error(errors, node, "option '%s' must be %s, found %s in it", row->name,
                                  expected(row->type), vgw_node_kind_name(node));
        if (row->choices && !vgw_option_has_word(row->choices, text, strlen(text)))
            return wrong_word(row, node, errors);
        item->text = vgw_strdup(text);
        return item->text ? 0 : VGW_ELIMIT;
    }
}

/* Plugins read lists and maps of texts as JSON. */
static int items_text(struct vgw_option_value *v)
{
    bool map = v->row->type == VGW_OPTION_STRING_MAP;
    struct vgw_json *json = map ? vgw_json_object() : vgw_json_array();
    int rc = json ? 0 : VGW_ELIMIT;
    for (size_t i = 0; i < v->count && rc == 0; i++)
        rc = map ? vgw_json_set_string(json, v->items[i].key, v->items[i].text)
                 : vgw_json_append(json, vgw_json_string(v->items[i].text));
    v->text = rc == 0 ? vgw_json_text(json, false) : NULL;
    vgw_json_free(json);
    return v->text ? 0 : VGW_ELIMIT;
}

static int convert_items(const struct vgw_option *row, const struct vgw_node *node, struct vgw_config_errors *errors,
                         struct vgw_option_value *v)
{
    bool map =
        row->type == VGW_OPTION_STRING_MAP || row->type == VGW_OPTION_SECTION_MAP || row->type == VGW_OPTION_INSTANCES;
    bool single = row->type == VGW_OPTION_STRINGS && vgw_node_kind(node) == VGW_NODE_SCALAR;
    if (!single && vgw_node_kind(node) != (map ? VGW_NODE_MAPPING : VGW_NODE_SEQUENCE))
        return wrong(row, node, errors);
    size_t n = single ? 1 : vgw_node_count(node);
    int rc = check_bounds(row, node, (double)n, " items", errors);
    v->items = vgw_calloc(n ? n : 1, sizeof *v->items);
    if (!v->items)
        return VGW_ELIMIT;
    for (size_t i = 0; i < n; i++) {
        const char *key = map ? vgw_node_key_at(node, i, NULL, NULL) : NULL;
        struct vgw_option_item *item = &v->items[v->count++];
        item->key = vgw_strdup(key);
        if (key && !item->key)
            return VGW_ELIMIT;
        int one = convert_item(row, node, key, single ? node : vgw_node_at(node, i), errors, item);
        if (one == VGW_ELIMIT)
            return one;
        rc = one ? one : rc;
    }
    if (rc == 0 && (row->type == VGW_OPTION_STRINGS || row->type == VGW_OPTION_STRING_MAP))
        rc = items_text(v);
    return rc;
}

int vgw_option_convert(const struct vgw_option *row, const struct vgw_node *node, struct vgw_config_errors *errors,
                       struct vgw_option_value *value)
{
    value->row = row;
    value->is_set = true;
    value->source = vgw_source_ref(vgw_node_source(node));
    value->line = vgw_node_line(node);
    value->column = vgw_node_column(node);
    switch (row->type) {
    case VGW_OPTION_STRINGS:
    case VGW_OPTION_STRING_MAP:
    case VGW_OPTION_SECTION_LIST:
    case VGW_OPTION_SECTION_MAP:
    case VGW_OPTION_INSTANCES:
        return convert_items(row, node, errors, value);
    case VGW_OPTION_JSON:
    case VGW_OPTION_JSON_LIST:
    case VGW_OPTION_JSON_MAP:
        return convert_json(row, node, errors, value);
    case VGW_OPTION_SECTION:
        if (vgw_node_kind(node) != VGW_NODE_MAPPING)
            return wrong(row, node, errors);
        return vgw_options_check(row->table, node, errors, &value->section);
    case VGW_OPTION_NODE:
        value->node = vgw_node_copy(node);
        return value->node ? 0 : VGW_ELIMIT;
    default:
        return convert_scalar(row, node, errors, value);
    }
}
