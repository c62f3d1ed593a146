/* sql_write.c - one operation of a batch as a statement. All values are parameters; all names come from the tables. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "voicegw/status.h"
#include "sql.h"

#define PAIRS_MAX 64

struct pair {
    const struct column *column;
    struct voicegw_json value;
};
struct pairs {
    struct pair items[PAIRS_MAX];
    size_t count;
};
struct op {
    const struct table *table;
    struct pairs key, values, guard;
};

static int32_t bad(struct sql_statement *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int32_t bad(struct sql_statement *s, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(s->why, sizeof s->why, format, ap);
    va_end(ap);
    return VOICEGW_EINVALID;
}

void sql_done(struct sql_statement *s)
{
    free(s->text.data);
    s->text = (struct text){0};
    s->count = 0;
}

static int32_t add_param(struct sql_statement *s, struct sql_param param)
{
    if (s->count == SQL_PARAMS_MAX)
        return bad(s, "an operation has at most %d values", SQL_PARAMS_MAX);
    s->params[s->count++] = param;
    text_adds(&s->text, "?");
    text_number(&s->text, (int64_t)s->count);
    return VOICEGW_OK;
}

int32_t sql_param(struct sql_statement *s, const struct column *c, struct voicegw_json value)
{
    return add_param(s, (struct sql_param){.table = s->table, .column = c, .value = value});
}

int32_t sql_param_number(struct sql_statement *s, int64_t number)
{
    return add_param(s, (struct sql_param){.number = number});
}

static int32_t text_value(struct sql_statement *s, const struct sql_param *param, struct sql_value *v)
{
    v->owned = malloc(param->value.bytes + 1);
    if (!v->owned) {
        (void)bad(s, "out of memory");
        return VOICEGW_ELIMIT;
    }
    int64_t len = voicegw_json_string(param->value, v->owned, param->value.bytes + 1);
    if (len < 0 || memchr(v->owned, '\0', (size_t)len)) {
        free(v->owned);
        v->owned = NULL;
        return bad(s, "column %s holds a broken string", param->column->name);
    }
    v->kind = SQL_TEXT;
    v->text = v->owned;
    v->bytes = (size_t)len;
    return VOICEGW_OK;
}

int32_t sql_value(struct sql_statement *s, const struct sql_param *param, struct sql_value *ret_value)
{
    struct sql_value v = {.kind = SQL_INT, .number = param->number};
    const struct column *c = param->column;
    uint32_t type = voicegw_json_type(param->value);
    int32_t status = VOICEGW_OK;
    if (c && (type == VOICEGW_JSON_NULL || type == VOICEGW_JSON_ABSENT)) {
        v.kind = strcmp(c->name, param->table->time) == 0 ? SQL_INT : SQL_NULL;
    } else if (c && (c->kind == COLUMN_JSON || (c->kind == COLUMN_TEXT && type != VOICEGW_JSON_STRING))) {
        v.kind = SQL_TEXT;
        v.text = param->value.text;
        v.bytes = (size_t)param->value.bytes;
    } else if (c && c->kind == COLUMN_TEXT) {
        status = text_value(s, param, &v);
    } else if (c && c->kind == COLUMN_BOOL) {
        uint32_t yes = voicegw_json_bool(param->value, 2);
        v.number = yes == 2 ? voicegw_json_int(param->value, 0) != 0 : (int64_t)yes;
    } else if (c && type != VOICEGW_JSON_NUMBER && type != VOICEGW_JSON_STRING) {
        return bad(s, "column %s wants a number", c->name);
    } else if (c && c->kind == COLUMN_INT) {
        v.number = voicegw_json_int(param->value, 0);
    } else if (c) {
        v.kind = SQL_REAL;
        v.real = voicegw_json_double(param->value, 0);
    }
    if (status == VOICEGW_OK)
        *ret_value = v;
    return status;
}

static int32_t read_pairs(struct sql_statement *s, struct voicegw_json object, struct pairs *out)
{
    struct voicegw_json_iter it = voicegw_json_each(object);
    while (voicegw_json_next(&it)) {
        char name[64] = "?";
        int64_t len = voicegw_json_string(it.key, name, sizeof name);
        const struct column *c = len > 0 ? column_findn(s->table, name, (uint64_t)len) : NULL;
        if (!c)
            return bad(s, "table %s has no column \"%s\"", s->table->name, name);
        if (out->count == PAIRS_MAX)
            return bad(s, "too many columns for table %s", s->table->name);
        out->items[out->count++] = (struct pair){c, it.value};
    }
    return VOICEGW_OK;
}

static uint32_t has_column(const struct pairs *p, const struct column *c)
{
    for (size_t i = 0; i < p->count; i++) {
        if (p->items[i].column == c)
            return 1;
    }
    return 0;
}

/* A column that stands in both is the key's. */
static void drop_key_columns(struct op *op)
{
    size_t kept = 0;
    for (size_t i = 0; i < op->values.count; i++) {
        if (!has_column(&op->key, op->values.items[i].column))
            op->values.items[kept++] = op->values.items[i];
    }
    op->values.count = kept;
}

static uint32_t whole_key(const struct op *op)
{
    size_t found = 0, wanted = 0;
    for (; wanted < KEYS_MAX && op->table->keys[wanted]; wanted++) {
        for (size_t i = 0; i < op->key.count; i++)
            found += strcmp(op->key.items[i].column->name, op->table->keys[wanted]) == 0;
    }
    return found == wanted;
}

static void add_names(struct text *sql, const struct pairs *p)
{
    for (size_t i = 0; i < p->count; i++) {
        text_adds(sql, i ? ", " : "");
        text_adds(sql, p->items[i].column->name);
    }
}

/* "a<op>?1<between>b<op>?2"; before: the table's name and a dot where a name alone would be ambiguous. */
static int32_t add_terms(struct sql_statement *s, const struct pairs *p, const char *before, const char *op,
                         const char *between)
{
    int32_t status = VOICEGW_OK;
    for (size_t i = 0; i < p->count && status == VOICEGW_OK; i++) {
        text_adds(&s->text, i ? between : "");
        text_adds(&s->text, before);
        text_adds(&s->text, p->items[i].column->name);
        text_adds(&s->text, op);
        status = sql_param(s, p->items[i].column, p->items[i].value);
    }
    return status;
}

static int32_t add_where(struct sql_statement *s, const struct op *op)
{
    text_adds(&s->text, " WHERE ");
    int32_t status = add_terms(s, &op->key, "", " IS ", " AND ");
    if (status == VOICEGW_OK && op->guard.count) {
        text_adds(&s->text, op->key.count ? " AND " : "");
        status = add_terms(s, &op->guard, "", " IS ", " AND ");
    }
    return status;
}

static int32_t add_conflict(struct sql_statement *s, const struct op *op)
{
    char prefix[32];
    text_adds(&s->text, ") DO UPDATE SET ");
    for (size_t i = 0; i < op->values.count; i++) {
        text_adds(&s->text, i ? ", " : "");
        text_adds(&s->text, op->values.items[i].column->name);
        text_adds(&s->text, " = excluded.");
        text_adds(&s->text, op->values.items[i].column->name);
    }
    if (!op->guard.count)
        return VOICEGW_OK;
    text_adds(&s->text, " WHERE ");
    snprintf(prefix, sizeof prefix, "%s.", op->table->name);
    return add_terms(s, &op->guard, prefix, " IS ", " AND ");
}

static int32_t add_insert(struct sql_statement *s, const struct op *op, uint32_t replaces)
{
    struct text *sql = &s->text;
    text_adds(sql, "INSERT INTO ");
    text_adds(sql, op->table->name);
    text_adds(sql, " (");
    add_names(sql, &op->key);
    text_adds(sql, op->values.count ? ", " : "");
    add_names(sql, &op->values);
    text_adds(sql, ") VALUES (");
    int32_t status = VOICEGW_OK;
    for (size_t i = 0; i < op->key.count + op->values.count && status == VOICEGW_OK; i++) {
        const struct pair *p = i < op->key.count ? &op->key.items[i] : &op->values.items[i - op->key.count];
        text_adds(sql, i ? ", " : "");
        status = sql_param(s, p->column, p->value);
    }
    text_adds(sql, ") ON CONFLICT (");
    for (size_t i = 0; i < KEYS_MAX && op->table->keys[i]; i++) {
        text_adds(sql, i ? ", " : "");
        text_adds(sql, op->table->keys[i]);
    }
    if (status == VOICEGW_OK && replaces && op->values.count)
        return add_conflict(s, op);
    text_adds(sql, ") DO NOTHING");
    return status;
}

static int32_t read_op(struct sql_statement *s, struct voicegw_json item, struct op *op)
{
    s->table = table_find_json(voicegw_json_member(item, "table"));
    *op = (struct op){.table = s->table};
    if (!op->table) {
        char name[64] = "?";
        voicegw_json_get_string(item, "table", name, sizeof name);
        return bad(s, "there is no table \"%s\"", name);
    }
    int32_t status = read_pairs(s, voicegw_json_member(item, "key"), &op->key);
    if (status == VOICEGW_OK)
        status = read_pairs(s, voicegw_json_member(item, "values"), &op->values);
    if (status == VOICEGW_OK)
        status = read_pairs(s, voicegw_json_member(item, "guard"), &op->guard);
    drop_key_columns(op);
    return status;
}

static int32_t add_update(struct sql_statement *s, const struct op *op)
{
    text_adds(&s->text, "UPDATE ");
    text_adds(&s->text, op->table->name);
    text_adds(&s->text, " SET ");
    int32_t status = add_terms(s, &op->values, "", " = ", ", ");
    return status == VOICEGW_OK ? add_where(s, op) : status;
}

int32_t sql_of_operation(struct sql_statement *s, struct voicegw_json operation)
{
    struct op op;
    struct voicegw_json kind = voicegw_json_member(operation, "op");
    uint32_t upsert = voicegw_json_equals(kind, "upsert");
    int32_t status = read_op(s, operation, &op);
    if (status != VOICEGW_OK)
        return status;
    if (upsert || voicegw_json_equals(kind, "insert"))
        return whole_key(&op) ? add_insert(s, &op, upsert) : bad(s, "a row of %s needs its whole key", op.table->name);
    if (!op.key.count)
        return bad(s, "an update or delete of %s needs a key", op.table->name);
    if (voicegw_json_equals(kind, "update") && op.values.count)
        return add_update(s, &op);
    if (!voicegw_json_equals(kind, "delete"))
        return bad(s, "%s wants op insert, upsert, update (with values) or delete", op.table->name);
    text_adds(&s->text, "DELETE FROM ");
    text_adds(&s->text, op.table->name);
    return add_where(s, &op);
}
