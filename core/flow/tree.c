/* tree.c - JSON trees whose strings are templates. */
#include <stdio.h>
#include <string.h>
#include "base/alloc.h"
#include "flow/template.h"

enum node { NODE_CONSTANT, NODE_TEMPLATE, NODE_OBJECT, NODE_ARRAY };

struct vgw_tree {
    enum node node;
    struct vgw_json *value;
    struct vgw_template *text;
    char **keys; /* of an object */
    struct vgw_tree **items;
    size_t count;
};

struct builder {
    size_t nodes;
    char pointer[256];
    struct vgw_error *err;
};

static int build(struct builder *b, const struct vgw_json *value, int depth, size_t at, struct vgw_tree **ret_tree);

static int template_error(struct builder *b, const struct vgw_error *inner)
{
    if (inner->status == VGW_ELIMIT)
        return vgw_error_nomem(b->err);
    return vgw_error_at(b->err, VGW_ECONFIG, b->pointer, "%s: %s", inner->place, inner->text);
}

static size_t pointer_push(struct builder *b, size_t at, const char *key)
{
    b->pointer[at] = '\0';
    if (at < sizeof b->pointer) {
        int n = snprintf(b->pointer + at, sizeof b->pointer - at, "/%s", key);
        if (n > 0)
            at += (size_t)n;
    }
    return at < sizeof b->pointer ? at : sizeof b->pointer - 1;
}

static int build_string(struct builder *b, const struct vgw_json *value, struct vgw_tree *t)
{
    const char *s = vgw_json_str(value);
    size_t len = vgw_json_strlen(value);
    struct vgw_error err = {0};
    if (!memmem(s, len, "{{", 2))
        return 0;
    int rc = vgw_template_compile(s, len, &t->text, &err);
    if (rc < 0)
        return template_error(b, &err);
    t->node = NODE_TEMPLATE;
    return 0;
}

static int add_child(struct builder *b, struct vgw_tree *t, const char *key, const struct vgw_json *value, int depth,
                     size_t at)
{
    if (t->keys) {
        t->keys[t->count] = vgw_strdup(key);
        if (!t->keys[t->count])
            return vgw_error_nomem(b->err);
    }
    int rc = build(b, value, depth + 1, pointer_push(b, at, key), &t->items[t->count]);
    if (rc < 0) {
        if (t->keys) {
            vgw_free(t->keys[t->count]);
            t->keys[t->count] = NULL;
        }
        return rc;
    }
    t->count++;
    return 0;
}

static int build_children(struct builder *b, const struct vgw_json *value, int depth, size_t at, struct vgw_tree *t)
{
    bool object = vgw_json_type(value) == VGW_JSON_OBJECT;
    size_t n = object ? vgw_json_object_count(value) : vgw_json_count(value);
    bool constant = true;
    if (n == 0)
        return 0;
    t->items = vgw_calloc(n, sizeof *t->items);
    if (object)
        t->keys = vgw_calloc(n, sizeof *t->keys);
    if (!t->items || (object && !t->keys))
        return vgw_error_nomem(b->err);
    const char *key = NULL;
    struct vgw_json *child = NULL;
    char index[24];
    for (size_t i = 0, cursor = 0; i < n; i++) {
        if (object) {
            if (!vgw_json_object_next(value, &cursor, &key, &child))
                break;
        } else {
            (void)snprintf(index, sizeof index, "%zu", i);
            key = index;
            child = vgw_json_at(value, i);
        }
        int rc = add_child(b, t, key, child, depth, at);
        if (rc < 0)
            return rc;
        constant = constant && vgw_tree_is_constant(t->items[t->count - 1]);
    }
    if (!constant)
        t->node = object ? NODE_OBJECT : NODE_ARRAY;
    return 0;
}

static void children_free(struct vgw_tree *t)
{
    for (size_t i = 0; i < t->count; i++) {
        vgw_tree_free(t->items[i]);
        if (t->keys)
            vgw_free(t->keys[i]);
    }
    vgw_free(t->items);
    vgw_free(t->keys);
    t->items = NULL;
    t->keys = NULL;
    t->count = 0;
}

static int build(struct builder *b, const struct vgw_json *value, int depth, size_t at, struct vgw_tree **ret_tree)
{
    struct vgw_tree *t;
    if (depth > VGW_TREE_DEPTH_MAX || ++b->nodes > VGW_TREE_NODES_MAX)
        return vgw_error_at(b->err, VGW_ECONFIG, b->pointer, "parameters may nest %d deep and hold %d values",
                            VGW_TREE_DEPTH_MAX, VGW_TREE_NODES_MAX);
    if (!VGW_NEW(t))
        return vgw_error_nomem(b->err);
    int rc = 0;
    enum vgw_json_type type = vgw_json_type(value);
    if (type == VGW_JSON_STRING)
        rc = build_string(b, value, t);
    else if (type == VGW_JSON_OBJECT || type == VGW_JSON_ARRAY)
        rc = build_children(b, value, depth, at, t);
    if (rc < 0) {
        vgw_tree_free(t);
        return rc;
    }
    if (t->node == NODE_CONSTANT) {
        children_free(t);
        t->value = vgw_json_ref((struct vgw_json *)value);
    }
    *ret_tree = t;
    return 0;
}

int vgw_tree_compile(const struct vgw_json *value, struct vgw_tree **ret_tree, struct vgw_error *err)
{
    struct builder b = {.err = err};
    return build(&b, value, 0, 0, ret_tree);
}

void vgw_tree_free(struct vgw_tree *t)
{
    if (!t)
        return;
    children_free(t);
    vgw_template_free(t->text);
    vgw_json_free(t->value);
    vgw_free(t);
}

bool vgw_tree_is_constant(const struct vgw_tree *t)
{
    return t->node == NODE_CONSTANT;
}

static int render_children(const struct vgw_tree *t, const struct vgw_scope *scope, bool strict, struct vgw_json *into,
                           struct vgw_error *err)
{
    for (size_t i = 0; i < t->count; i++) {
        struct vgw_json *v = NULL;
        int rc = vgw_tree_render(t->items[i], scope, strict, &v, err);
        if (rc < 0)
            return rc;
        rc = t->node == NODE_OBJECT ? vgw_json_set(into, t->keys[i], v) : vgw_json_append(into, v);
        if (rc < 0)
            return vgw_error_nomem(err);
    }
    return 0;
}

int vgw_tree_render(const struct vgw_tree *t, const struct vgw_scope *scope, bool strict, struct vgw_json **ret_value,
                    struct vgw_error *err)
{
    if (t->node == NODE_CONSTANT) {
        *ret_value = vgw_json_ref(t->value);
        return 0;
    }
    if (t->node == NODE_TEMPLATE)
        return vgw_template_render(t->text, scope, strict, ret_value, err);
    struct vgw_json *into = t->node == NODE_OBJECT ? vgw_json_object() : vgw_json_array();
    if (!into)
        return vgw_error_nomem(err);
    int rc = render_children(t, scope, strict, into, err);
    if (rc < 0) {
        vgw_json_free(into);
        return rc;
    }
    *ret_value = into;
    return 0;
}
