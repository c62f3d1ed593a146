/* apply.c - batches of writes. All values are bound; all names come from the tables. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "db.h"

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

static int32_t bad(struct db *db, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int32_t bad(struct db *db, const char *format, ...)
{
    char sentence[256];
    va_list ap;
    va_start(ap, format);
    vsnprintf(sentence, sizeof sentence, format, ap);
    va_end(ap);
    return db->host->set_error(db->host, VOICEGW_EINVALID, sentence);
}

int32_t db_bind(struct db *db, sqlite3_stmt *s, int at, const struct table *t, const struct column *c,
                struct voicegw_json value)
{
    int rc;
    uint32_t type = voicegw_json_type(value);
    if (type == VOICEGW_JSON_NULL || type == VOICEGW_JSON_ABSENT) {
        rc = strcmp(c->name, t->time) == 0 ? sqlite3_bind_int64(s, at, 0) : sqlite3_bind_null(s, at);
    } else if (c->kind == COLUMN_JSON || (c->kind == COLUMN_TEXT && type != VOICEGW_JSON_STRING)) {
        rc = sqlite3_bind_text64(s, at, value.text, value.bytes, SQLITE_TRANSIENT, SQLITE_UTF8);
    } else if (c->kind == COLUMN_TEXT) {
        char *text = malloc(value.bytes + 1);
        if (!text)
            return db->host->set_error(db->host, VOICEGW_ELIMIT, "out of memory");
        int64_t len = voicegw_json_string(value, text, value.bytes + 1);
        if (len < 0) {
            free(text);
            return bad(db, "column %s holds a broken string", c->name);
        }
        rc = sqlite3_bind_text64(s, at, text, (sqlite3_uint64)len, free, SQLITE_UTF8);
    } else if (c->kind == COLUMN_BOOL) {
        uint32_t yes = voicegw_json_bool(value, 2);
        rc = sqlite3_bind_int(s, at, yes == 2 ? voicegw_json_int(value, 0) != 0 : (int)yes);
    } else if (type != VOICEGW_JSON_NUMBER && type != VOICEGW_JSON_STRING) {
        return bad(db, "column %s wants a number", c->name);
    } else if (c->kind == COLUMN_INT) {
        rc = sqlite3_bind_int64(s, at, voicegw_json_int(value, 0));
    } else {
        rc = sqlite3_bind_double(s, at, voicegw_json_double(value, 0));
    }
    return rc == SQLITE_OK ? VOICEGW_OK : db_failed(db, "a value cannot be bound");
}

static int32_t read_pairs(struct db *db, const struct table *t, struct voicegw_json object, struct pairs *out)
{
    struct voicegw_json_iter it = voicegw_json_each(object);
    while (voicegw_json_next(&it)) {
        char name[64] = "?";
        int64_t len = voicegw_json_string(it.key, name, sizeof name);
        const struct column *c = len > 0 ? column_findn(t, name, (uint64_t)len) : NULL;
        if (!c)
            return bad(db, "table %s has no column \"%s\"", t->name, name);
        if (out->count == PAIRS_MAX)
            return bad(db, "too many columns for table %s", t->name);
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

static void add_list(struct text *sql, const struct pairs *p, const char *between, const char *after)
{
    for (size_t i = 0; i < p->count; i++) {
        if (i)
            text_adds(sql, between);
        text_adds(sql, p->items[i].column->name);
        text_adds(sql, after);
    }
}

static void add_where(struct text *sql, const struct op *op)
{
    text_adds(sql, " WHERE ");
    add_list(sql, &op->key, " AND ", " IS ?");
    if (op->guard.count) {
        text_adds(sql, op->key.count ? " AND " : "");
        add_list(sql, &op->guard, " AND ", " IS ?");
    }
}

static void add_insert(struct text *sql, const struct op *op, uint32_t replaces)
{
    text_adds(sql, "INSERT INTO ");
    text_adds(sql, op->table->name);
    text_adds(sql, " (");
    add_list(sql, &op->key, ", ", "");
    text_adds(sql, op->values.count ? ", " : "");
    add_list(sql, &op->values, ", ", "");
    text_adds(sql, ") VALUES (");
    for (size_t i = 0; i < op->key.count + op->values.count; i++)
        text_adds(sql, i ? ", ?" : "?");
    text_adds(sql, ") ON CONFLICT (");
    for (size_t i = 0; i < KEYS_MAX && op->table->keys[i]; i++) {
        text_adds(sql, i ? ", " : "");
        text_adds(sql, op->table->keys[i]);
    }
    if (!replaces || !op->values.count) {
        text_adds(sql, ") DO NOTHING");
        return;
    }
    text_adds(sql, ") DO UPDATE SET ");
    for (size_t i = 0; i < op->values.count; i++) {
        text_adds(sql, i ? ", " : "");
        text_adds(sql, op->values.items[i].column->name);
        text_adds(sql, " = excluded.");
        text_adds(sql, op->values.items[i].column->name);
    }
    if (op->guard.count) {
        text_adds(sql, " WHERE ");
        for (size_t i = 0; i < op->guard.count; i++) {
            text_adds(sql, i ? " AND " : "");
            text_adds(sql, op->table->name);
            text_adds(sql, ".");
            text_adds(sql, op->guard.items[i].column->name);
            text_adds(sql, " IS ?");
        }
    }
}

static int32_t bind_pairs(struct db *db, sqlite3_stmt *s, int *at, const struct table *t, const struct pairs *p)
{
    int32_t status = VOICEGW_OK;
    for (size_t i = 0; i < p->count && status == VOICEGW_OK; i++)
        status = db_bind(db, s, (*at)++, t, p->items[i].column, p->items[i].value);
    return status;
}

static int32_t read_op(struct db *db, struct voicegw_json item, struct op *op)
{
    *op = (struct op){.table = table_find_json(voicegw_json_member(item, "table"))};
    if (!op->table) {
        char name[64] = "?";
        voicegw_json_get_string(item, "table", name, sizeof name);
        return bad(db, "there is no table \"%s\"", name);
    }
    int32_t status = read_pairs(db, op->table, voicegw_json_member(item, "key"), &op->key);
    if (status == VOICEGW_OK)
        status = read_pairs(db, op->table, voicegw_json_member(item, "values"), &op->values);
    if (status == VOICEGW_OK)
        status = read_pairs(db, op->table, voicegw_json_member(item, "guard"), &op->guard);
    drop_key_columns(op);
    return status;
}

static int32_t sql_of(struct db *db, struct voicegw_json kind, const struct op *op, struct text *sql)
{
    if (voicegw_json_equals(kind, "insert") || voicegw_json_equals(kind, "upsert")) {
        if (!whole_key(op))
            return bad(db, "a row of %s needs its whole key", op->table->name);
        add_insert(sql, op, voicegw_json_equals(kind, "upsert"));
        return VOICEGW_OK;
    }
    if (!op->key.count)
        return bad(db, "an update or delete of %s needs a key", op->table->name);
    if (voicegw_json_equals(kind, "update") && op->values.count) {
        text_adds(sql, "UPDATE ");
        text_adds(sql, op->table->name);
        text_adds(sql, " SET ");
        add_list(sql, &op->values, ", ", " = ?");
    } else if (voicegw_json_equals(kind, "delete")) {
        text_adds(sql, "DELETE FROM ");
        text_adds(sql, op->table->name);
    } else {
        return bad(db, "%s wants op insert, upsert, update (with values) or delete", op->table->name);
    }
    add_where(sql, op);
    return VOICEGW_OK;
}

static int32_t apply_one(struct db *db, struct voicegw_json item, uint32_t *changed)
{
    struct op op;
    struct text sql = {0};
    sqlite3_stmt *s = NULL;
    struct voicegw_json kind = voicegw_json_member(item, "op");
    int32_t status = read_op(db, item, &op);
    if (status == VOICEGW_OK)
        status = sql_of(db, kind, &op, &sql);
    if (status == VOICEGW_OK && sql.failed)
        status = db->host->set_error(db->host, VOICEGW_ELIMIT, "out of memory");
    if (status == VOICEGW_OK)
        status = db_prepare(db, sql.data, &s);
    free(sql.data);
    int at = 1;
    const struct pairs none = {.count = 0};
    uint32_t inserts = voicegw_json_equals(kind, "insert") || voicegw_json_equals(kind, "upsert");
    uint32_t guarded = !voicegw_json_equals(kind, "insert") && !(inserts && !op.values.count);
    if (status == VOICEGW_OK)
        status = bind_pairs(db, s, &at, op.table,
                            inserts                               ? &op.key
                            : voicegw_json_equals(kind, "update") ? &op.values
                                                                  : &none);
    if (status == VOICEGW_OK)
        status = bind_pairs(db, s, &at, op.table, inserts ? &op.values : &op.key);
    if (status == VOICEGW_OK && guarded)
        status = bind_pairs(db, s, &at, op.table, &op.guard);
    if (status == VOICEGW_OK && sqlite3_step(s) != SQLITE_DONE)
        status = db_failed(db, "a row cannot be written");
    if (status == VOICEGW_OK)
        *changed += (uint32_t)sqlite3_changes(db->handle);
    if (s) {
        sqlite3_reset(s);
        sqlite3_clear_bindings(s);
    }
    return status;
}

int32_t db_apply(struct db *db, const char *batch_json, uint32_t *ret_changed)
{
    struct voicegw_json batch = voicegw_json_of(batch_json);
    uint32_t changed = 0;
    if (voicegw_json_type(batch) != VOICEGW_JSON_ARRAY || !voicegw_json_valid(batch_json, strlen(batch_json)))
        return db->host->set_error(db->host, VOICEGW_EINVALID, "a batch is a JSON array of operations");
    int32_t status = db_exec(db, "BEGIN IMMEDIATE");
    if (status != VOICEGW_OK)
        return status;
    struct voicegw_json_iter it = voicegw_json_each(batch);
    while (status == VOICEGW_OK && voicegw_json_next(&it))
        status = apply_one(db, it.value, &changed);
    if (status == VOICEGW_OK)
        status = db_exec(db, "COMMIT");
    if (status != VOICEGW_OK) {
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
        return status;
    }
    *ret_changed = changed;
    return VOICEGW_OK;
}
