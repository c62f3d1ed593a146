/* rows.c - batches of writes, and rows by filter. */
#include <stdlib.h>
#include <string.h>
#include "db.h"

static int32_t bind_one(struct db *db, sqlite3_stmt *s, int at, struct sql_value *v)
{
    int rc = SQLITE_OK;
    switch (v->kind) {
    case SQL_NULL:
        rc = sqlite3_bind_null(s, at);
        break;
    case SQL_INT:
        rc = sqlite3_bind_int64(s, at, v->number);
        break;
    case SQL_REAL:
        rc = sqlite3_bind_double(s, at, v->real);
        break;
    case SQL_TEXT:
        rc = sqlite3_bind_text64(s, at, v->text, v->bytes, v->owned ? free : SQLITE_TRANSIENT, SQLITE_UTF8);
        break;
    }
    return rc == SQLITE_OK ? VOICEGW_OK : db_failed(db, "a value cannot be bound");
}

int32_t db_ready(struct db *db, struct sql_statement *statement, int32_t status, sqlite3_stmt **ret_statement)
{
    if (status == VOICEGW_OK && statement->text.failed) {
        status = db->host->set_error(db->host, VOICEGW_ELIMIT, "out of memory");
    } else if (status != VOICEGW_OK) {
        status = db->host->set_error(db->host, status, statement->why);
    } else {
        status = db_prepare(db, statement->text.data, ret_statement);
    }
    for (size_t i = 0; i < statement->count && status == VOICEGW_OK; i++) {
        struct sql_value v;
        status = sql_value(statement, &statement->params[i], &v);
        status = status == VOICEGW_OK ? bind_one(db, *ret_statement, (int)i + 1, &v)
                                      : db->host->set_error(db->host, status, statement->why);
    }
    sql_done(statement);
    return status;
}

static void put_back(sqlite3_stmt *s)
{
    if (s) {
        sqlite3_reset(s);
        sqlite3_clear_bindings(s);
    }
}

static int32_t apply_one(struct db *db, struct voicegw_json item, uint32_t *changed)
{
    struct sql_statement statement = {.count = 0};
    sqlite3_stmt *s = NULL;
    int32_t status = db_ready(db, &statement, sql_of_operation(&statement, item), &s);
    if (status == VOICEGW_OK && sqlite3_step(s) != SQLITE_DONE)
        status = db_failed(db, "a row cannot be written");
    if (status == VOICEGW_OK)
        *changed += (uint32_t)sqlite3_changes(db->handle);
    put_back(s);
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

static void add_value(struct text *out, const struct column *c, sqlite3_stmt *s, int at)
{
    if (sqlite3_column_type(s, at) == SQLITE_NULL) {
        text_adds(out, "null");
        return;
    }
    switch (c->kind) {
    case COLUMN_BOOL:
        text_adds(out, sqlite3_column_int(s, at) ? "true" : "false");
        return;
    case COLUMN_INT:
        text_number(out, sqlite3_column_int64(s, at));
        return;
    case COLUMN_REAL:
        text_real(out, sqlite3_column_double(s, at));
        return;
    case COLUMN_JSON:
        text_add(out, (const char *)sqlite3_column_text(s, at), (size_t)sqlite3_column_bytes(s, at));
        return;
    case COLUMN_TEXT:
        text_quote(out, (const char *)sqlite3_column_text(s, at), (size_t)sqlite3_column_bytes(s, at));
        return;
    }
}

void db_row(struct text *out, const struct table *t, sqlite3_stmt *s, int64_t time_us, int64_t rowid)
{
    text_adds(out, "{");
    for (int i = 0; i < COLUMNS_MAX && t->columns[i].name; i++) {
        text_adds(out, i ? ",\"" : "\"");
        text_adds(out, t->columns[i].name);
        text_adds(out, "\":");
        add_value(out, &t->columns[i], s, i);
    }
    if (rowid >= 0) {
        text_adds(out, ",\"_cursor\":\"");
        text_number(out, time_us);
        text_adds(out, "_");
        text_number(out, rowid);
        text_adds(out, "\"");
    }
    text_adds(out, "}");
}

int32_t db_query(struct db *db, const char *table, const char *filter_json, uint32_t limit, const char *cursor,
                 voicegw_row row, void *arg)
{
    struct sql_statement statement = {.count = 0};
    struct text out = {0};
    sqlite3_stmt *s = NULL;
    int rc = SQLITE_DONE;
    int32_t status = db_ready(db, &statement, sql_of_query(&statement, table, filter_json, limit, cursor), &s);
    while (status == VOICEGW_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        int columns = sqlite3_column_count(s);
        out.len = 0;
        db_row(&out, statement.table, s, sqlite3_column_int64(s, columns - 2), sqlite3_column_int64(s, columns - 1));
        if (out.failed)
            status = db->host->set_error(db->host, VOICEGW_ELIMIT, "out of memory");
        else if (row(arg, out.data) != 0)
            break;
    }
    if (status == VOICEGW_OK && rc != SQLITE_DONE && rc != SQLITE_ROW)
        status = db_failed(db, "rows cannot be read");
    put_back(s);
    free(out.data);
    return status;
}

int32_t db_tally(struct db *db, const char *table, const char *filter_json, const char *what_json, voicegw_row row,
                 void *arg)
{
    struct sql_statement statement = {.count = 0};
    struct table shape;
    struct text out = {0};
    sqlite3_stmt *s = NULL;
    int rc = SQLITE_DONE;
    int32_t status = db_ready(db, &statement, sql_of_tally(&statement, table, filter_json, what_json, &shape), &s);
    while (status == VOICEGW_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        out.len = 0;
        db_row(&out, &shape, s, 0, -1);
        if (out.failed)
            status = db->host->set_error(db->host, VOICEGW_ELIMIT, "out of memory");
        else if (row(arg, out.data) != 0)
            break;
    }
    if (status == VOICEGW_OK && rc != SQLITE_DONE && rc != SQLITE_ROW)
        status = db_failed(db, "rows cannot be counted");
    put_back(s);
    free(out.data);
    return status;
}
