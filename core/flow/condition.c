/* condition.c - compiling and testing conditions. */
#include "flow/condition.h"
#include <stdio.h>
#include <string.h>
#include "base/alloc.h"
#include "base/str.h"
#include "flow/template.h"

enum node { NODE_ALL, NODE_ANY, NODE_NOT, NODE_TEMPLATE, NODE_COMPARE, NODE_CONSTANT };
enum operator{
    OP_EQ,
    OP_NE,
    OP_GT,
    OP_GTE,
    OP_LT,
    OP_LTE,
    OP_IN,
    OP_NOT_IN,
    OP_CONTAINS,
    OP_STARTS_WITH,
    OP_ENDS_WITH,
    OP_MATCHES,
    OP_EXISTS
};
static const char *const operators[] = {"eq",     "ne",       "gt",          "gte",       "lt",      "lte",   "in",
                                        "not_in", "contains", "starts_with", "ends_with", "matches", "exists"};
#define OPERATOR_COUNT (sizeof operators / sizeof *operators)
#define OPERATOR_LIST "eq, ne, gt, gte, lt, lte, in, not_in, contains, starts_with, ends_with, matches, exists"

struct vgw_condition {
    enum node node;
    enum operator op;
    bool constant;
    struct vgw_condition **items; /* of a group */
    size_t count;
    struct vgw_path *path;     /* the field, or */
    struct vgw_template *text; /* a template in its place */
    struct vgw_tree *value;
    struct vgw_match *match;
};

struct builder {
    size_t nodes;
    char pointer[256];
    struct vgw_error *err;
};

static int build(struct builder *b, const struct vgw_json *value, int depth, size_t at, struct vgw_condition **ret);

static int wrong(struct builder *b, const char *sentence)
{
    return vgw_error_at(b->err, VGW_ECONFIG, b->pointer, "%s", sentence);
}

static size_t push(struct builder *b, size_t at, const char *key)
{
    int n = snprintf(b->pointer + at, sizeof b->pointer - at, "/%s", key);
    at += n > 0 ? (size_t)n : 0;
    return at < sizeof b->pointer ? at : sizeof b->pointer - 1;
}

static int build_template(struct builder *b, const struct vgw_json *value, struct vgw_condition *c)
{
    struct vgw_error err = {0};
    const char *s = vgw_json_str(value);
    if (!strstr(s, "{{"))
        return wrong(b, "a condition in words must be a template such as \"{{ trigger.vip }}\", or a map with field, "
                        "operator, value");
    int rc = vgw_template_compile(s, vgw_json_strlen(value), &c->text, &err);
    if (rc < 0)
        return vgw_error_at(b->err, rc, b->pointer, "%s: %s", err.place, err.text);
    c->node = NODE_TEMPLATE;
    return 0;
}

static int build_group(struct builder *b, const struct vgw_json *list, int depth, size_t at, struct vgw_condition *c)
{
    size_t n = vgw_json_count(list);
    char index[24];
    if (vgw_json_type(list) != VGW_JSON_ARRAY || n == 0)
        return wrong(b, "a group needs a list of at least one condition");
    c->items = vgw_calloc(n, sizeof *c->items);
    if (!c->items)
        return vgw_error_nomem(b->err);
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(index, sizeof index, "%zu", i);
        int rc = build(b, vgw_json_at(list, i), depth + 1, push(b, at, index), &c->items[i]);
        if (rc < 0)
            return rc;
        c->count++;
        b->pointer[at] = '\0';
    }
    return 0;
}

static int build_field(struct builder *b, const struct vgw_json *o, size_t at, struct vgw_condition *c)
{
    const char *field = vgw_json_get_string(o, "field", NULL);
    struct vgw_error err = {0};
    size_t used = 0;
    int rc;
    if (!field || !*field)
        return wrong(b, "field is missing; name what to look at, as in field: duration");
    (void)push(b, at, "field");
    if (strstr(field, "{{")) {
        rc = vgw_template_compile(field, strlen(field), &c->text, &err);
    } else {
        rc = vgw_path_compile(field, strlen(field), &c->path, &used, &err);
        if (rc == 0 && field[used])
            rc = vgw_error_set(&err, VGW_ECONFIG, "\"%.80s\" is no path such as data.digit or items[0].name", field);
    }
    if (rc < 0)
        return vgw_error_at(b->err, rc, b->pointer, "%s", err.text);
    b->pointer[at] = '\0';
    return 0;
}

static int build_operator(struct builder *b, const struct vgw_json *o, size_t at, struct vgw_condition *c)
{
    const char *name = vgw_json_get_string(o, "operator", NULL);
    if (!name)
        return wrong(b, "operator is missing; use one of " OPERATOR_LIST);
    for (size_t i = 0; i < OPERATOR_COUNT; i++) {
        if (vgw_streq(name, operators[i])) {
            c->op = (enum operator)i;
            return 0;
        }
    }
    (void)push(b, at, "operator");
    const char *near = vgw_nearest(name, operators, OPERATOR_COUNT);
    return vgw_error_at(b->err, VGW_ECONFIG, b->pointer, "there is no operator \"%.40s\"; %s%s", name,
                        near ? "did you mean " : "use one of ", near ? near : OPERATOR_LIST);
}

static int build_value(struct builder *b, const struct vgw_json *o, size_t at, struct vgw_condition *c)
{
    const struct vgw_json *value = vgw_json_get(o, "value");
    const char *s = vgw_json_str(value);
    struct vgw_error err = {0};
    if (!vgw_json_has(o, "value") && c->op != OP_EXISTS)
        return wrong(b, "value is missing; say what the field is compared with");
    (void)push(b, at, "value");
    bool templated = s && strstr(s, "{{");
    if (c->op == OP_MATCHES) {
        if (!s || templated)
            return wrong(b, "matches needs its pattern written out as text, so that it is compiled once");
        int rc = vgw_match_compile(s, &c->match, &err);
        return rc < 0 ? vgw_error_at(b->err, rc, b->pointer, "%s", err.text) : 0;
    }
    if ((c->op == OP_IN || c->op == OP_NOT_IN) && !templated && vgw_json_type(value) != VGW_JSON_ARRAY)
        return wrong(b, "in and not_in need a list of values");
    int rc = vgw_tree_compile(value, &c->value, &err);
    if (rc < 0)
        return vgw_error_at(b->err, rc, b->pointer, "%s", err.text);
    b->pointer[at] = '\0';
    return 0;
}

static int check_keys(struct builder *b, const struct vgw_json *o, size_t at, const char *const *known, size_t count)
{
    const char *key;
    struct vgw_json *v;
    for (size_t i = 0; vgw_json_object_next(o, &i, &key, &v);) {
        bool found = false;
        for (size_t k = 0; k < count; k++)
            found = found || strcmp(key, known[k]) == 0;
        if (found)
            continue;
        (void)push(b, at, key);
        const char *near = vgw_nearest(key, known, count);
        return vgw_error_at(b->err, VGW_ECONFIG, b->pointer, "a condition has no %.60s; %s%s", key,
                            near ? "did you mean " : "it has ",
                            near ? near : "field, operator and value, or all, any or not");
    }
    return 0;
}

static int build_object(struct builder *b, const struct vgw_json *o, int depth, size_t at, struct vgw_condition *c)
{
    static const char *const groups[] = {"all", "any", "not"};
    static const char *const keys[] = {"field", "operator", "value", "all", "any", "not"};
    int rc = check_keys(b, o, at, keys, 6);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < 3; i++) {
        if (!vgw_json_has(o, groups[i]))
            continue;
        if (vgw_json_object_count(o) != 1)
            return wrong(b, "a group (all, any or not) stands alone in its map");
        size_t below = push(b, at, groups[i]);
        const struct vgw_json *inner = vgw_json_get(o, groups[i]);
        c->node = (enum node)i;
        if (i < 2)
            return build_group(b, inner, depth, below, c);
        c->items = vgw_calloc(1, sizeof *c->items);
        if (!c->items)
            return vgw_error_nomem(b->err);
        rc = build(b, inner, depth + 1, below, &c->items[0]);
        c->count = rc == 0;
        return rc;
    }
    c->node = NODE_COMPARE;
    rc = build_field(b, o, at, c);
    if (rc == 0)
        rc = build_operator(b, o, at, c);
    return rc == 0 ? build_value(b, o, at, c) : rc;
}

static int build(struct builder *b, const struct vgw_json *value, int depth, size_t at, struct vgw_condition **ret)
{
    struct vgw_condition *c;
    if (depth > VGW_CONDITION_DEPTH_MAX || ++b->nodes > VGW_CONDITION_NODES_MAX)
        return wrong(b, "conditions may nest 16 deep and number 256");
    if (!VGW_NEW(c))
        return vgw_error_nomem(b->err);
    int rc = 0;
    switch (vgw_json_type(value)) {
    case VGW_JSON_OBJECT:
        rc = build_object(b, value, depth, at, c);
        break;
    case VGW_JSON_ARRAY:
        c->node = NODE_ALL;
        rc = vgw_json_count(value) ? build_group(b, value, depth, at, c) : 0;
        break;
    case VGW_JSON_STRING:
        rc = build_template(b, value, c);
        break;
    case VGW_JSON_BOOL:
        c->node = NODE_CONSTANT;
        c->constant = vgw_json_as_bool(value, false);
        break;
    default:
        rc = wrong(b, "a condition is a map with field, operator and value, a group, a list, or a template");
    }
    if (rc < 0) {
        vgw_condition_free(c);
        return rc;
    }
    *ret = c;
    return 0;
}

int vgw_condition_compile(const struct vgw_json *value, struct vgw_condition **ret_condition, struct vgw_error *err)
{
    struct builder b = {.err = err};
    return build(&b, value, 0, 0, ret_condition);
}

void vgw_condition_free(struct vgw_condition *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->count; i++)
        vgw_condition_free(c->items[i]);
    vgw_free(c->items);
    vgw_path_free(c->path);
    vgw_template_free(c->text);
    vgw_tree_free(c->value);
    vgw_match_free(c->match);
    vgw_free(c);
}

bool vgw_value_is_true(const struct vgw_json *v)
{
    const char *s;
    bool b;
    switch (vgw_json_type(v)) {
    case VGW_JSON_NULL:
        return false;
    case VGW_JSON_BOOL:
        return vgw_json_as_bool(v, false);
    case VGW_JSON_INT:
    case VGW_JSON_DOUBLE:
        return vgw_json_as_double(v, 0) != 0;
    case VGW_JSON_STRING:
        s = vgw_json_str(v);
        return *s && !(vgw_parse_bool(s, &b) && !b);
    case VGW_JSON_ARRAY:
        return vgw_json_count(v) > 0;
    case VGW_JSON_OBJECT:
        return vgw_json_object_count(v) > 0;
    }
    return false;
}

static bool is_number(const struct vgw_json *v)
{
    enum vgw_json_type t = vgw_json_type(v);
    return t == VGW_JSON_INT || t == VGW_JSON_DOUBLE;
}

static bool number_of(const struct vgw_json *v, double *ret)
{
    const char *s = vgw_json_str(v);
    if (is_number(v)) {
        *ret = vgw_json_as_double(v, 0);
        return true;
    }
    return s && vgw_parse_double(s, ret);
}

bool vgw_value_equal(const struct vgw_json *a, const struct vgw_json *b)
{
    double x, y;
    bool t;
    const char *s;
    if ((is_number(a) || is_number(b)) && number_of(a, &x) && number_of(b, &y)) {
        if (vgw_json_type(a) == VGW_JSON_INT && vgw_json_type(b) == VGW_JSON_INT)
            return vgw_json_as_int(a, 0) == vgw_json_as_int(b, 0);
        return x == y;
    }
    if (vgw_json_type(b) == VGW_JSON_BOOL && (s = vgw_json_str(a)))
        return vgw_parse_bool(s, &t) && t == vgw_json_as_bool(b, false);
    if (vgw_json_type(a) == VGW_JSON_BOOL && (s = vgw_json_str(b)))
        return vgw_parse_bool(s, &t) && t == vgw_json_as_bool(a, false);
    return vgw_json_equal(a, b);
}

static bool ordered(enum operator op, const struct vgw_json *a, const struct vgw_json *b)
{
    double x, y;
    int order;
    const char *s = vgw_json_str(a), *t = vgw_json_str(b);
    if (number_of(a, &x) && number_of(b, &y))
        order = x < y ? -1 : x > y;
    else if (s && t)
        order = strcmp(s, t);
    else
        return false;
    switch (op) {
    case OP_GT:
        return order > 0;
    case OP_GTE:
        return order >= 0;
    case OP_LT:
        return order < 0;
    default:
        return order <= 0;
    }
}

static bool in_list(const struct vgw_json *a, const struct vgw_json *list)
{
    size_t n = vgw_json_count(list);
    for (size_t i = 0; i < n; i++) {
        if (vgw_value_equal(a, vgw_json_at(list, i)))
            return true;
    }
    return false;
}

/* Text operators see scalars as templates write them. */
static bool compare_text(const struct vgw_condition *c, const struct vgw_json *a, const struct vgw_json *b)
{
    struct vgw_buf ta, tb;
    vgw_buf_init(&ta, VGW_TEMPLATE_OUTPUT_MAX);
    vgw_buf_init(&tb, VGW_TEMPLATE_OUTPUT_MAX);
    const char *s = vgw_json_str(a), *t = vgw_json_str(b);
    size_t len = vgw_json_strlen(a);
    if (!s) {
        vgw_template_write_value(&ta, a);
        s = vgw_buf_str(&ta);
        len = ta.len;
    }
    if (!t) {
        vgw_template_write_value(&tb, b);
        t = vgw_buf_str(&tb);
    }
    bool holds = false;
    if (c->op == OP_MATCHES)
        holds = vgw_match_test(c->match, s, len);
    else if (c->op == OP_STARTS_WITH)
        holds = vgw_starts_with(s, t);
    else if (c->op == OP_ENDS_WITH)
        holds = vgw_ends_with(s, t);
    else
        holds = strstr(s, t) != NULL;
    holds = holds && !ta.failed && !tb.failed;
    vgw_buf_done(&ta);
    vgw_buf_done(&tb);
    return holds;
}

static bool contains(const struct vgw_condition *c, const struct vgw_json *a, const struct vgw_json *b)
{
    if (vgw_json_type(a) == VGW_JSON_ARRAY)
        return in_list(b, a);
    if (vgw_json_type(a) == VGW_JSON_OBJECT)
        return vgw_json_str(b) && vgw_json_has(a, vgw_json_str(b));
    return compare_text(c, a, b);
}

static bool compare(const struct vgw_condition *c, bool there, const struct vgw_json *a, const struct vgw_json *b)
{
    enum vgw_json_type t = vgw_json_type(a);
    switch (c->op) {
    case OP_EQ:
        return vgw_value_equal(a, b);
    case OP_NE:
        return !vgw_value_equal(a, b);
    case OP_GT:
    case OP_GTE:
    case OP_LT:
    case OP_LTE:
        return ordered(c->op, a, b);
    case OP_IN:
        return there && in_list(a, b);
    case OP_NOT_IN:
        return !there || !in_list(a, b);
    case OP_CONTAINS:
        return t != VGW_JSON_NULL && contains(c, a, b);
    case OP_STARTS_WITH:
    case OP_ENDS_WITH:
    case OP_MATCHES:
        return t != VGW_JSON_NULL && t != VGW_JSON_ARRAY && t != VGW_JSON_OBJECT && compare_text(c, a, b);
    case OP_EXISTS:
        return (there && t != VGW_JSON_NULL) == (b ? vgw_value_is_true(b) : true);
    }
    return false;
}

static int test_compare(const struct vgw_condition *c, const struct vgw_scope *scope, bool strict,
                        struct vgw_error *err)
{
    struct vgw_json *a = NULL, *owned = NULL, *b = NULL;
    bool there;
    if (c->path) {
        there = vgw_path_lookup_field(c->path, scope, &a);
    } else {
        int rc = vgw_template_render(c->text, scope, c->op == OP_EXISTS ? false : strict, &owned, err);
        if (rc < 0)
            return rc;
        a = owned;
        there = a != NULL;
    }
    int rc = c->value ? vgw_tree_render(c->value, scope, strict, &b, err) : 0;
    if (rc == 0)
        rc = compare(c, there, a, b);
    vgw_json_free(owned);
    vgw_json_free(b);
    return rc;
}

int vgw_condition_test(const struct vgw_condition *c, const struct vgw_scope *scope, bool strict, struct vgw_error *err)
{
    if (!c)
        return 1;
    int rc = 0;
    struct vgw_json *v = NULL;
    switch (c->node) {
    case NODE_ALL:
    case NODE_ANY:
        rc = c->node == NODE_ALL;
        for (size_t i = 0; i < c->count; i++) {
            rc = vgw_condition_test(c->items[i], scope, strict, err);
            if (rc < 0 || rc != (c->node == NODE_ALL))
                break;
        }
        return rc;
    case NODE_NOT:
        rc = vgw_condition_test(c->items[0], scope, strict, err);
        return rc < 0 ? rc : !rc;
    case NODE_TEMPLATE:
        rc = vgw_template_render(c->text, scope, strict, &v, err);
        if (rc == 0)
            rc = vgw_value_is_true(v);
        vgw_json_free(v);
        return rc;
    case NODE_CONSTANT:
        return c->constant;
    case NODE_COMPARE:
        break;
    }
    return test_compare(c, scope, strict, err);
}
