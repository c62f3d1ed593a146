/* template.c - parsing and rendering of {{ expressions }}. */
#include "flow/template.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/str.h"
#include "flow/filter.h"

struct operand {
    struct vgw_path *path; /* NULL: the constant */
    struct vgw_json *value;
};

struct filter_use {
    const struct vgw_filter *filter;
    struct operand args[1];
    size_t arg_count;
};

struct part {
    char *text; /* NULL: an expression */
    size_t len;
    struct operand head;
    struct filter_use *filters;
    size_t filter_count;
};

struct vgw_template {
    struct part *parts;
    size_t count, cap;
};

struct parser {
    const char *s;
    size_t len, pos;
    struct vgw_error *err;
};

static int fail(struct parser *p, size_t at, const char *sentence)
{
    char place[32];
    (void)snprintf(place, sizeof place, "column %zu", at + 1);
    return vgw_error_at(p->err, VGW_ECONFIG, place, "%s", sentence);
}

static void skip_space(struct parser *p)
{
    while (p->pos < p->len && strchr(" \t\r\n", p->s[p->pos]) && p->s[p->pos])
        p->pos++;
}

static bool looking_at(const struct parser *p, const char *what)
{
    size_t n = strlen(what);
    return p->len - p->pos >= n && memcmp(p->s + p->pos, what, n) == 0;
}

static void operand_done(struct operand *o)
{
    vgw_path_free(o->path);
    vgw_json_free(o->value);
}

static int parse_quoted(struct parser *p, struct operand *o)
{
    char quote = p->s[p->pos];
    size_t start = p->pos++;
    struct vgw_buf b;
    vgw_buf_init(&b, VGW_TEMPLATE_SOURCE_MAX);
    while (p->pos < p->len && p->s[p->pos] != quote) {
        char c = p->s[p->pos++];
        if (c == '\\' && p->pos < p->len) {
            c = p->s[p->pos++];
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
        }
        vgw_buf_addc(&b, c);
    }
    int rc = 0;
    if (p->pos >= p->len) {
        rc = fail(p, start, "this text has no closing quote");
    } else {
        p->pos++;
        o->value = b.failed ? NULL : vgw_json_stringn(vgw_buf_str(&b), b.len);
        if (!o->value)
            rc = vgw_error_nomem(p->err);
    }
    vgw_buf_done(&b);
    return rc;
}

static int parse_number(struct parser *p, struct operand *o)
{
    char text[40];
    size_t start = p->pos, n = 0;
    while (p->pos < p->len && n < sizeof text - 1 && p->s[p->pos] && strchr("+-.0123456789eE", p->s[p->pos]))
        text[n++] = p->s[p->pos++];
    text[n] = '\0';
    int64_t i;
    double d;
    if (vgw_parse_i64(text, &i))
        o->value = vgw_json_int(i);
    else if (vgw_parse_double(text, &d))
        o->value = vgw_json_double(d);
    else
        return fail(p, start, "this is not a number");
    return o->value ? 0 : vgw_error_nomem(p->err);
}

/* true, false and null are words; anything else that starts with a letter is a path. */
static int parse_word(struct parser *p, struct operand *o)
{
    size_t used = 0, start = p->pos;
    struct vgw_error err = {0};
    int rc = vgw_path_compile(p->s + p->pos, p->len - p->pos, &o->path, &used, &err);
    if (rc == VGW_ELIMIT)
        return vgw_error_nomem(p->err);
    if (rc < 0)
        return fail(p, start + used, err.text);
    p->pos += used;
    const char *text = vgw_path_text(o->path);
    bool yes = strcmp(text, "true") == 0, no = strcmp(text, "false") == 0, none = strcmp(text, "null") == 0;
    if (!yes && !no && !none)
        return 0;
    vgw_path_free(o->path);
    o->path = NULL;
    if (none)
        return 0;
    o->value = vgw_json_bool(yes);
    return o->value ? 0 : vgw_error_nomem(p->err);
}

static int parse_operand(struct parser *p, struct operand *o)
{
    skip_space(p);
    if (p->pos >= p->len)
        return fail(p, p->pos, "the expression ends early; }} is missing");
    char c = p->s[p->pos];
    if (c == '"' || c == '\'')
        return parse_quoted(p, o);
    if (c == '-' || (c >= '0' && c <= '9'))
        return parse_number(p, o);
    if (looking_at(p, "}}"))
        return fail(p, p->pos, "the expression is empty; write a name such as {{ trigger.phone }}");
    return parse_word(p, o);
}

static int parse_args(struct parser *p, struct filter_use *f)
{
    skip_space(p);
    if (p->pos >= p->len || p->s[p->pos] != '(')
        return 0;
    p->pos++;
    skip_space(p);
    while (p->pos < p->len && p->s[p->pos] != ')') {
        if (f->arg_count == f->filter->max_args)
            return fail(p, p->pos,
                        f->filter->max_args ? "this filter takes one argument" : "this filter takes no argument");
        int rc = parse_operand(p, &f->args[f->arg_count]);
        f->arg_count++;
        if (rc < 0)
            return rc;
        skip_space(p);
        if (p->pos < p->len && p->s[p->pos] == ',')
            p->pos++;
        else if (p->pos < p->len && p->s[p->pos] != ')')
            return fail(p, p->pos, "a ) is expected here");
        skip_space(p);
    }
    if (p->pos >= p->len)
        return fail(p, p->pos, "a ) is missing");
    p->pos++;
    return 0;
}

static int parse_filter(struct parser *p, struct part *part)
{
    skip_space(p);
    size_t start = p->pos;
    while (p->pos < p->len && ((p->s[p->pos] >= 'a' && p->s[p->pos] <= 'z') || p->s[p->pos] == '_'))
        p->pos++;
    const struct vgw_filter *filter = vgw_filter_find(p->s + start, p->pos - start);
    if (!filter) {
        char name[32], sentence[200];
        (void)vgw_strncopy(name, sizeof name, p->s + start, p->pos - start);
        const char *near = vgw_filter_nearest(name);
        (void)snprintf(sentence, sizeof sentence, "there is no filter \"%s\"; %s%s", name,
                       near ? "did you mean " : "known are default, upper, lower, trim, json, duration, number, spoken",
                       near ? near : "");
        return fail(p, start, sentence);
    }
    if (part->filter_count == VGW_TEMPLATE_FILTERS_MAX)
        return fail(p, start, "an expression may have at most 8 filters");
    struct filter_use *grown = vgw_realloc(part->filters, (part->filter_count + 1) * sizeof *grown);
    if (!grown)
        return vgw_error_nomem(p->err);
    part->filters = grown;
    struct filter_use *f = &grown[part->filter_count++];
    *f = (struct filter_use){.filter = filter};
    int rc = parse_args(p, f);
    if (rc < 0)
        return rc;
    if (f->arg_count < filter->min_args)
        return fail(p, start, "this filter needs a value, as in default(\"none\")");
    return 0;
}

static int parse_expression(struct parser *p, struct part *part)
{
    size_t open = p->pos;
    p->pos += 2;
    int rc = parse_operand(p, &part->head);
    while (rc == 0) {
        skip_space(p);
        if (looking_at(p, "}}")) {
            p->pos += 2;
            return 0;
        }
        if (p->pos >= p->len)
            return fail(p, open, "{{ has no closing }}");
        if (p->s[p->pos] != '|')
            return fail(p, p->pos, "a filter (| name) or }} is expected here");
        p->pos++;
        rc = parse_filter(p, part);
    }
    return rc;
}

static struct part *part_add(struct vgw_template *t)
{
    if (t->count == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 2;
        struct part *grown = vgw_realloc(t->parts, cap * sizeof *grown);
        if (!grown)
            return NULL;
        t->parts = grown;
        t->cap = cap;
    }
    struct part *part = &t->parts[t->count++];
    *part = (struct part){0};
    return part;
}

static int parse_part(struct parser *p, struct vgw_template *t)
{
    if (t->count == VGW_TEMPLATE_PARTS_MAX)
        return fail(p, p->pos, "a template may have at most 256 parts; split it");
    struct part *part = part_add(t);
    if (!part)
        return vgw_error_nomem(p->err);
    if (looking_at(p, "{{"))
        return parse_expression(p, part);
    const char *start = p->s + p->pos;
    const char *next = memmem(start, p->len - p->pos, "{{", 2);
    part->len = next ? (size_t)(next - start) : p->len - p->pos;
    part->text = vgw_strndup(start, part->len);
    if (!part->text)
        return vgw_error_nomem(p->err);
    p->pos += part->len;
    return 0;
}

int vgw_template_compile(const char *text, size_t len, struct vgw_template **ret_template, struct vgw_error *err)
{
    struct parser p = {.s = text, .len = len, .err = err};
    struct vgw_template *t;
    if (len > VGW_TEMPLATE_SOURCE_MAX)
        return fail(&p, VGW_TEMPLATE_SOURCE_MAX, "a template may have at most 65536 bytes");
    if (memchr(text, '\0', len))
        return fail(&p, strlen(text), "a template cannot hold a NUL byte");
    if (!VGW_NEW(t))
        return vgw_error_nomem(err);
    while (p.pos < len) {
        int rc = parse_part(&p, t);
        if (rc < 0) {
            vgw_template_free(t);
            return rc;
        }
    }
    *ret_template = t;
    return 0;
}

void vgw_template_free(struct vgw_template *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->count; i++) {
        struct part *part = &t->parts[i];
        vgw_free(part->text);
        operand_done(&part->head);
        for (size_t k = 0; k < part->filter_count; k++) {
            for (size_t a = 0; a < part->filters[k].arg_count; a++)
                operand_done(&part->filters[k].args[a]);
        }
        vgw_free(part->filters);
    }
    vgw_free(t->parts);
    vgw_free(t);
}

bool vgw_template_is_constant(const struct vgw_template *t)
{
    for (size_t i = 0; i < t->count; i++) {
        if (!t->parts[i].text)
            return false;
    }
    return true;
}

static void write_double(struct vgw_buf *out, double d)
{
    char text[40];
    (void)snprintf(text, sizeof text, "%.15g", d);
    if (strtod(text, NULL) != d)
        (void)snprintf(text, sizeof text, "%.17g", d);
    vgw_buf_adds(out, text);
}

void vgw_template_write_value(struct vgw_buf *out, const struct vgw_json *value)
{
    switch (vgw_json_type(value)) {
    case VGW_JSON_NULL:
        break;
    case VGW_JSON_BOOL:
        vgw_buf_adds(out, vgw_json_as_bool(value, false) ? "true" : "false");
        break;
    case VGW_JSON_INT:
        vgw_buf_printf(out, "%lld", (long long)vgw_json_as_int(value, 0));
        break;
    case VGW_JSON_DOUBLE:
        write_double(out, vgw_json_as_double(value, 0));
        break;
    case VGW_JSON_STRING:
        vgw_buf_add(out, vgw_json_str(value), vgw_json_strlen(value));
        break;
    case VGW_JSON_ARRAY:
    case VGW_JSON_OBJECT:
        vgw_json_write(value, out);
        break;
    }
}

/* What an expression has come to: `shared` is borrowed; `owned` is ours to free. */
struct value {
    struct vgw_json *shared, *owned;
    bool missing;
};

static void value_read(const struct operand *o, const struct vgw_scope *scope, struct value *ret)
{
    *ret = (struct value){.shared = o->value};
    if (o->path && !vgw_path_lookup(o->path, scope, &ret->shared)) {
        ret->shared = NULL;
        ret->missing = true;
    }
}

static int missing_error(const struct operand *o, struct vgw_error *err)
{
    const char *text = vgw_path_text(o->path);
    return vgw_error_at(err, VGW_EINVALID, text, "%s is not there; provide it, or write {{ %s | default(\"…\") }}",
                        text, text);
}

static bool wants_default(const struct value *v)
{
    enum vgw_json_type t = vgw_json_type(v->shared);
    return v->missing || t == VGW_JSON_NULL || (t == VGW_JSON_STRING && vgw_json_strlen(v->shared) == 0);
}

static int apply_filter(const struct filter_use *f, const struct operand *head, const struct vgw_scope *scope,
                        bool strict, struct value *v, struct vgw_error *err)
{
    struct value arg = {0};
    if (f->arg_count)
        value_read(&f->args[0], scope, &arg);
    if (arg.missing && strict && (f->filter->apply || wants_default(v)))
        return missing_error(&f->args[0], err);
    if (!f->filter->apply) {
        if (!wants_default(v))
            return 0;
        vgw_json_free(v->owned);
        *v = (struct value){.shared = arg.shared, .missing = arg.missing};
        return 0;
    }
    if (v->missing)
        return strict ? missing_error(head, err) : 0;
    if (!v->shared && strcmp(f->filter->name, "json") != 0)
        return 0; /* null passes: it renders as nothing */
    struct vgw_json *out = NULL;
    int rc = f->filter->apply(v->shared, &arg.shared, f->arg_count, &out, err);
    if (rc < 0)
        return rc;
    vgw_json_free(v->owned);
    v->owned = v->shared = out;
    return 0;
}

static int evaluate(const struct part *part, const struct vgw_scope *scope, bool strict, struct value *ret,
                    struct vgw_error *err)
{
    struct value v;
    value_read(&part->head, scope, &v);
    for (size_t i = 0; i < part->filter_count; i++) {
        int rc = apply_filter(&part->filters[i], &part->head, scope, strict, &v, err);
        if (rc < 0) {
            vgw_json_free(v.owned);
            return rc;
        }
    }
    if (v.missing && strict)
        return missing_error(&part->head, err);
    *ret = v;
    return 0;
}

int vgw_template_text(const struct vgw_template *t, const struct vgw_scope *scope, bool strict, struct vgw_buf *out,
                      struct vgw_error *err)
{
    size_t before = out->len;
    for (size_t i = 0; i < t->count; i++) {
        const struct part *part = &t->parts[i];
        if (part->text) {
            vgw_buf_add(out, part->text, part->len);
        } else {
            struct value v = {0};
            int rc = evaluate(part, scope, strict, &v, err);
            if (rc < 0)
                return rc;
            vgw_template_write_value(out, v.shared);
            vgw_json_free(v.owned);
        }
        if (out->len - before > VGW_TEMPLATE_OUTPUT_MAX || out->failed)
            return vgw_error_set(err, VGW_ELIMIT, "the template's text is over %d bytes, or memory is short",
                                 VGW_TEMPLATE_OUTPUT_MAX);
    }
    return 0;
}

int vgw_template_render(const struct vgw_template *t, const struct vgw_scope *scope, bool strict,
                        struct vgw_json **ret_value, struct vgw_error *err)
{
    if (t->count == 1 && !t->parts[0].text) {
        struct value v = {0};
        int rc = evaluate(&t->parts[0], scope, strict, &v, err);
        if (rc < 0)
            return rc;
        *ret_value = v.owned ? v.owned : vgw_json_ref(v.shared);
        return 0;
    }
    struct vgw_buf b;
    vgw_buf_init(&b, VGW_TEMPLATE_OUTPUT_MAX);
    int rc = vgw_template_text(t, scope, strict, &b, err);
    if (rc == 0) {
        struct vgw_json *v = vgw_json_stringn(vgw_buf_str(&b), b.len);
        if (v)
            *ret_value = v;
        else
            rc = vgw_error_nomem(err);
    }
    vgw_buf_done(&b);
    return rc;
}
