/* node.c - the configuration tree. */
#include "config/node.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"
#include "config/look.h"

/* Mappings with more entries than this get a hash index: a file of duplicate candidates must not cost quadratic time.
 */
#define INDEX_FROM 16

struct vgw_source {
    atomic_uint refs;
    char name[];
};

struct entry {
    char *key; /* NULL in a sequence */
    int line;
    int column;
    struct vgw_node *value;
};

struct vgw_node {
    struct vgw_source *source;
    enum vgw_node_kind kind;
    unsigned flags;
    int line;
    int column;
    char *text;
    size_t len;
    char *tag;
    struct entry *items;
    size_t count;
    size_t cap;
    struct vgw_map *index; /* key -> value, once there are many */
};

struct vgw_source *vgw_source_new(const char *name)
{
    size_t len = strlen(name);
    struct vgw_source *s = vgw_calloc(1, sizeof *s + len + 1);
    if (!s)
        return NULL;
    atomic_init(&s->refs, 1);
    memcpy(s->name, name, len + 1);
    return s;
}

struct vgw_source *vgw_source_ref(struct vgw_source *source)
{
    if (source)
        atomic_fetch_add_explicit(&source->refs, 1, memory_order_relaxed);
    return source;
}

void vgw_source_unref(struct vgw_source *source)
{
    if (source && atomic_fetch_sub_explicit(&source->refs, 1, memory_order_acq_rel) == 1)
        vgw_free(source);
}

const char *vgw_source_name(const struct vgw_source *source)
{
    return source ? source->name : "";
}

struct vgw_node *vgw_node_new(enum vgw_node_kind kind, struct vgw_source *source, int line, int column)
{
    struct vgw_node *n;
    if (!VGW_NEW(n))
        return NULL;
    n->kind = kind;
    n->source = vgw_source_ref(source);
    n->line = line;
    n->column = column;
    return n;
}

static void settle_null(struct vgw_node *n)
{
    if ((n->flags & VGW_NODE_PLAIN) && vgw_look_of(n->text, n->len) == VGW_LOOK_NULL)
        n->kind = VGW_NODE_NULL;
}

struct vgw_node *vgw_node_scalar(struct vgw_source *source, int line, int column, const char *text, size_t len,
                                 unsigned flags)
{
    struct vgw_node *n = vgw_node_new(VGW_NODE_SCALAR, source, line, column);
    if (!n)
        return NULL;
    n->flags = flags;
    n->text = vgw_strndup(text, len);
    n->len = len;
    if (!n->text) {
        vgw_node_free(n);
        return NULL;
    }
    settle_null(n);
    return n;
}

void vgw_node_free(struct vgw_node *node)
{
    if (!node)
        return;
    for (size_t i = 0; i < node->count; i++) {
        vgw_free(node->items[i].key);
        vgw_node_free(node->items[i].value);
    }
    vgw_free(node->items);
    vgw_map_free(node->index);
    if (node->text && (node->flags & VGW_NODE_SECRET))
        explicit_bzero(node->text, node->len);
    vgw_free(node->text);
    vgw_free(node->tag);
    vgw_source_unref(node->source);
    vgw_free(node);
}

static bool make_room(struct vgw_node *n)
{
    if (n->count < n->cap)
        return true;
    size_t cap = n->cap ? n->cap * 2 : 4;
    struct entry *items = vgw_realloc(n->items, cap * sizeof *items);
    if (!items)
        return false;
    n->items = items;
    n->cap = cap;
    return true;
}

int vgw_node_append(struct vgw_node *sequence, struct vgw_node *item)
{
    if (!sequence || !item || !make_room(sequence)) {
        vgw_node_free(item);
        return VGW_ELIMIT;
    }
    sequence->items[sequence->count++] = (struct entry){.value = item};
    return 0;
}

static int build_index(struct vgw_node *n)
{
    if (n->index || n->count < INDEX_FROM)
        return 0;
    struct vgw_map *index = vgw_map_new(NULL);
    if (!index)
        return VGW_ELIMIT;
    for (size_t i = 0; i < n->count; i++) {
        if (vgw_map_set(index, n->items[i].key, n->items[i].value)) {
            vgw_map_free(index);
            return VGW_ELIMIT;
        }
    }
    n->index = index;
    return 0;
}

int vgw_node_put(struct vgw_node *mapping, const char *key, int key_line, int key_column, struct vgw_node *value)
{
    int rc = VGW_ELIMIT;
    char *copy = NULL;
    if (!mapping || !value)
        goto out;
    if (vgw_node_get(mapping, key)) {
        rc = VGW_EINVALID;
        goto out;
    }
    copy = vgw_strdup(key);
    if (!copy || !make_room(mapping) || build_index(mapping))
        goto out;
    if (mapping->index && vgw_map_set(mapping->index, key, value))
        goto out;
    mapping->items[mapping->count++] =
        (struct entry){.key = copy, .line = key_line, .column = key_column, .value = value};
    return 0;
out:
    vgw_free(copy);
    vgw_node_free(value);
    return rc;
}

static struct entry *find(const struct vgw_node *mapping, const char *key)
{
    if (!mapping || mapping->kind != VGW_NODE_MAPPING)
        return NULL;
    if (mapping->index && !vgw_map_has(mapping->index, key))
        return NULL;
    for (size_t i = 0; i < mapping->count; i++) {
        if (vgw_streq(mapping->items[i].key, key))
            return &mapping->items[i];
    }
    return NULL;
}

struct vgw_node *vgw_node_take(struct vgw_node *mapping, const char *key)
{
    struct entry *e = find(mapping, key);
    if (!e)
        return NULL;
    struct vgw_node *value = e->value;
    if (mapping->index)
        vgw_map_remove(mapping->index, key);
    vgw_free(e->key);
    size_t at = (size_t)(e - mapping->items);
    memmove(e, e + 1, (mapping->count - at - 1) * sizeof *e);
    mapping->count--;
    return value;
}

int vgw_node_move_items(struct vgw_node *to, struct vgw_node *from)
{
    for (size_t i = 0; i < from->count; i++) {
        struct vgw_node *item = from->items[i].value;
        from->items[i].value = NULL;
        if (vgw_node_append(to, item)) {
            for (size_t k = i + 1; k < from->count; k++)
                vgw_node_free(from->items[k].value);
            from->count = 0;
            return VGW_ELIMIT;
        }
    }
    from->count = 0;
    return 0;
}

int vgw_node_set_text(struct vgw_node *scalar, const char *text, size_t len)
{
    char *copy = vgw_strndup(text, len);
    if (!copy)
        return VGW_ELIMIT;
    vgw_free(scalar->text);
    scalar->text = copy;
    scalar->len = len;
    scalar->kind = VGW_NODE_SCALAR;
    settle_null(scalar);
    return 0;
}

int vgw_node_set_tag(struct vgw_node *node, const char *tag)
{
    char *copy = vgw_strdup(tag);
    if (tag && !copy)
        return VGW_ELIMIT;
    vgw_free(node->tag);
    node->tag = copy;
    return 0;
}

void vgw_node_add_flags(struct vgw_node *node, unsigned flags)
{
    node->flags |= flags;
}

struct vgw_node *vgw_node_copy(const struct vgw_node *node)
{
    if (!node)
        return NULL;
    struct vgw_node *c = vgw_node_new(node->kind, node->source, node->line, node->column);
    if (!c)
        return NULL;
    c->flags = node->flags;
    if (node->tag && !(c->tag = vgw_strdup(node->tag)))
        goto out;
    if (node->text) {
        c->text = vgw_strndup(node->text, node->len);
        c->len = node->len;
        if (!c->text)
            goto out;
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct entry *e = &node->items[i];
        struct vgw_node *v = vgw_node_copy(e->value);
        if (e->key ? vgw_node_put(c, e->key, e->line, e->column, v) : vgw_node_append(c, v))
            goto out;
    }
    return c;
out:
    vgw_node_free(c);
    return NULL;
}

enum vgw_node_kind vgw_node_kind(const struct vgw_node *node)
{
    return node ? node->kind : VGW_NODE_NULL;
}

const char *vgw_node_kind_name(const struct vgw_node *node)
{
    static const char *const names[] = {"nothing", "a text", "a list", "a mapping"};
    return names[vgw_node_kind(node)];
}

bool vgw_node_is_null(const struct vgw_node *node)
{
    return vgw_node_kind(node) == VGW_NODE_NULL;
}

const char *vgw_node_text(const struct vgw_node *node)
{
    return vgw_node_kind(node) == VGW_NODE_SCALAR ? node->text : NULL;
}

size_t vgw_node_len(const struct vgw_node *node)
{
    return vgw_node_kind(node) == VGW_NODE_SCALAR ? node->len : 0;
}

const char *vgw_node_tag(const struct vgw_node *node)
{
    return node ? node->tag : NULL;
}

unsigned vgw_node_flags(const struct vgw_node *node)
{
    return node ? node->flags : 0;
}

struct vgw_source *vgw_node_source(const struct vgw_node *node)
{
    return node ? node->source : NULL;
}

const char *vgw_node_file(const struct vgw_node *node)
{
    return node ? vgw_source_name(node->source) : "";
}

int vgw_node_line(const struct vgw_node *node)
{
    return node ? node->line : 0;
}

int vgw_node_column(const struct vgw_node *node)
{
    return node ? node->column : 0;
}

size_t vgw_node_count(const struct vgw_node *node)
{
    return node ? node->count : 0;
}

struct vgw_node *vgw_node_at(const struct vgw_node *node, size_t i)
{
    return node && i < node->count ? node->items[i].value : NULL;
}

const char *vgw_node_key_at(const struct vgw_node *mapping, size_t i, int *ret_line, int *ret_column)
{
    if (!mapping || i >= mapping->count)
        return NULL;
    if (ret_line)
        *ret_line = mapping->items[i].line;
    if (ret_column)
        *ret_column = mapping->items[i].column;
    return mapping->items[i].key;
}

struct vgw_node *vgw_node_get(const struct vgw_node *mapping, const char *key)
{
    if (mapping && mapping->index)
        return vgw_map_get(mapping->index, key);
    const struct entry *e = find(mapping, key);
    return e ? e->value : NULL;
}

bool vgw_node_key_place(const struct vgw_node *mapping, const char *key, int *ret_line, int *ret_column)
{
    const struct entry *e = find(mapping, key);
    if (!e)
        return false;
    *ret_line = e->line;
    *ret_column = e->column;
    return true;
}

bool vgw_node_next(const struct vgw_node *mapping, size_t *cursor, const char **ret_key, struct vgw_node **ret_value)
{
    if (!mapping || mapping->kind != VGW_NODE_MAPPING || *cursor >= mapping->count)
        return false;
    const struct entry *e = &mapping->items[(*cursor)++];
    if (ret_key)
        *ret_key = e->key;
    if (ret_value)
        *ret_value = e->value;
    return true;
}

struct vgw_node *vgw_node_path(const struct vgw_node *node, const char *path)
{
    char part[128];
    while (node && *path) {
        size_t n = strcspn(path, ".");
        if (!vgw_strncopy(part, sizeof part, path, n))
            return NULL;
        int64_t i;
        if (node->kind == VGW_NODE_MAPPING)
            node = vgw_node_get(node, part);
        else if (node->kind == VGW_NODE_SEQUENCE && vgw_parse_i64(part, &i) && i >= 0)
            node = vgw_node_at(node, (size_t)i);
        else
            return NULL;
        path += n + (path[n] == '.');
    }
    return (struct vgw_node *)node;
}

void vgw_node_place(const struct vgw_node *node, struct vgw_buf *out)
{
    vgw_buf_adds(out, vgw_node_file(node));
    if (vgw_node_line(node) > 0)
        vgw_buf_printf(out, ":%d:%d", node->line, node->column);
}

size_t vgw_node_measure(const struct vgw_node *node, size_t limit, int *ret_height)
{
    size_t total = 1;
    int height = 0;
    for (size_t i = 0; i < vgw_node_count(node) && total <= limit; i++) {
        int h = 0;
        total += vgw_node_measure(node->items[i].value, limit - total, &h);
        height = h > height ? h : height;
    }
    *ret_height = height + 1;
    return total;
}

bool vgw_node_equal(const struct vgw_node *a, const struct vgw_node *b)
{
    if (vgw_node_kind(a) != vgw_node_kind(b))
        return false;
    if (vgw_node_kind(a) == VGW_NODE_NULL)
        return true;
    if (((a->flags ^ b->flags) & VGW_NODE_PLAIN) || a->count != b->count)
        return false;
    if (a->kind == VGW_NODE_SCALAR)
        return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
    for (size_t i = 0; i < a->count; i++) {
        if (!vgw_streq(a->items[i].key, b->items[i].key) || !vgw_node_equal(a->items[i].value, b->items[i].value))
            return false;
    }
    return true;
}

static struct vgw_json *scalar_json(const struct vgw_node *n, bool reveal)
{
    if ((n->flags & VGW_NODE_SECRET) && !reveal)
        return vgw_json_string("***");
    int64_t i = 0;
    double d = 0;
    switch (n->flags & VGW_NODE_PLAIN ? vgw_look_of(n->text, n->len) : VGW_LOOK_TEXT) {
    case VGW_LOOK_TRUE:
        return vgw_json_bool(true);
    case VGW_LOOK_FALSE:
        return vgw_json_bool(false);
    case VGW_LOOK_INT:
        if (vgw_parse_i64(n->text, &i))
            return vgw_json_int(i);
        break;
    case VGW_LOOK_DOUBLE:
        if (vgw_parse_double(n->text, &d))
            return vgw_json_double(d);
        break;
    case VGW_LOOK_NULL:
    case VGW_LOOK_TEXT:
        break;
    }
    return vgw_json_stringn(n->text, n->len);
}

int vgw_node_json(const struct vgw_node *node, bool reveal, struct vgw_json **ret_json)
{
    if (vgw_node_is_null(node)) {
        *ret_json = NULL;
        return 0;
    }
    bool map = node->kind == VGW_NODE_MAPPING;
    struct vgw_json *json = node->kind == VGW_NODE_SCALAR ? scalar_json(node, reveal)
                            : map                         ? vgw_json_object()
                                                          : vgw_json_array();
    if (!json)
        return VGW_ELIMIT;
    for (size_t i = 0; i < node->count; i++) {
        struct vgw_json *v = NULL;
        if (vgw_node_json(node->items[i].value, reveal, &v) ||
            (map ? vgw_json_set(json, node->items[i].key, v) : vgw_json_append(json, v))) {
            vgw_json_free(json);
            return VGW_ELIMIT;
        }
    }
    *ret_json = json;
    return 0;
}

int vgw_node_error(struct vgw_config_errors *errors, const struct vgw_node *node, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int rc = vgw_config_errors_vadd(errors, vgw_node_file(node), vgw_node_line(node), vgw_node_column(node), fmt, ap);
    va_end(ap);
    return rc;
}

int vgw_node_key_error(struct vgw_config_errors *errors, const struct vgw_node *mapping, const char *key,
                       const char *fmt, ...)
{
    int line = vgw_node_line(mapping);
    int column = vgw_node_column(mapping);
    vgw_node_key_place(mapping, key, &line, &column);
    const struct vgw_node *value = vgw_node_get(mapping, key);
    va_list ap;
    va_start(ap, fmt);
    int rc = vgw_config_errors_vadd(errors, vgw_node_file(value ? value : mapping), line, column, fmt, ap);
    va_end(ap);
    return rc;
}
