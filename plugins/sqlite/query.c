/* query.c - rows by filter, a page at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "db.h"

#define TERMS_MAX 32
#define LIMIT_MAX 10000u

struct term {
    const struct column *column;
    const char *op; /* SQL with its marks; for a list NULL */
    struct voicegw_json value;
};
struct filter {
    const struct table *table;
    struct term terms[TERMS_MAX];
    size_t count;
    uint32_t ascending;
};

/* The suffix of a filter's name, longest first. */
static const struct {
    const char *suffix, *sql;
} operators[] = {{">=", " >= ?"}, {"<=", " <= ?"}, {"!=", " IS NOT ?"}, {">", " > ?"},
                 {"<", " < ?"},   {"~", "~"},      {"", " IS ?"}};

static int32_t read_term(struct db *db, struct filter *f, struct voicegw_json_iter *it)
{
    char name[80] = "?", sentence[256];
    int64_t len = voicegw_json_string(it->key, name, sizeof name);
    if (len == 5 && strcmp(name, "order") == 0) {
        f->ascending = voicegw_json_equals(it->value, "asc");
        return VOICEGW_OK;
    }
    for (size_t i = 0; len > 0 && i < sizeof operators / sizeof *operators; i++) {
        size_t suffix = strlen(operators[i].suffix);
        if ((size_t)len <= suffix || strcmp(name + (size_t)len - suffix, operators[i].suffix) != 0)
            continue;
        const struct column *c = column_findn(f->table, name, (uint64_t)len - suffix);
        if (!c || f->count == TERMS_MAX)
            break;
        uint32_t is_list = voicegw_json_type(it->value) == VOICEGW_JSON_ARRAY && !suffix;
        f->terms[f->count++] = (struct term){c, is_list ? NULL : operators[i].sql, it->value};
        return VOICEGW_OK;
    }
    snprintf(sentence, sizeof sentence, "table %s cannot be filtered by \"%s\"", f->table->name, name);
    return db->host->set_error(db->host, VOICEGW_EINVALID, sentence);
}

static int32_t read_filter(struct db *db, const char *table, const char *filter_json, struct filter *f)
{
    char sentence[128];
    *f = (struct filter){.table = table_find(table)};
    if (!f->table) {
        snprintf(sentence, sizeof sentence, "there is no table \"%.64s\"", table ? table : "");
        return db->host->set_error(db->host, VOICEGW_EINVALID, sentence);
    }
    struct voicegw_json filter = voicegw_json_of(filter_json);
    if (filter_json && filter_json[0] &&
        (voicegw_json_type(filter) != VOICEGW_JSON_OBJECT || !voicegw_json_valid(filter_json, strlen(filter_json))))
        return db->host->set_error(db->host, VOICEGW_EINVALID, "a filter is a JSON object");
    int32_t status = VOICEGW_OK;
    struct voicegw_json_iter it = voicegw_json_each(filter);
    while (status == VOICEGW_OK && voicegw_json_next(&it))
        status = read_term(db, f, &it);
    return status;
}

static void add_term(struct text *sql, const struct term *term)
{
    text_adds(sql, term->column->name);
    if (term->op && term->op[0] != '~') {
        text_adds(sql, term->op);
    } else if (term->op) { /* the first so many characters, compared by code points so that an index serves */
        text_adds(sql, " >= ? AND ");
        text_adds(sql, term->column->name);
        text_adds(sql, " < ? || char(1114111)");
    } else {
        struct voicegw_json_iter it = voicegw_json_each(term->value);
        text_adds(sql, " IN (");
        for (int i = 0; voicegw_json_next(&it); i++)
            text_adds(sql, i ? ", ?" : "?");
        text_adds(sql, ")");
    }
}

static void add_select(struct text *sql, const struct filter *f, uint32_t has_cursor)
{
    const char *time = f->table->time, *way = f->ascending ? " ASC" : " DESC";
    text_adds(sql, "SELECT ");
    text_columns(sql, f->table);
    text_adds(sql, ", ");
    text_adds(sql, time);
    text_adds(sql, ", rowid FROM ");
    text_adds(sql, f->table->name);
    for (size_t i = 0; i < f->count; i++) {
        text_adds(sql, i ? " AND " : " WHERE ");
        add_term(sql, &f->terms[i]);
    }
    if (has_cursor) {
        text_adds(sql, f->count ? " AND (" : " WHERE (");
        text_adds(sql, time);
        text_adds(sql, f->ascending ? ", rowid) > (?, ?)" : ", rowid) < (?, ?)");
    }
    text_adds(sql, " ORDER BY ");
    text_adds(sql, time);
    text_adds(sql, way);
    text_adds(sql, ", rowid");
    text_adds(sql, way);
    text_adds(sql, " LIMIT ?");
}

static int32_t bind_terms(struct db *db, sqlite3_stmt *s, const struct filter *f, int *at)
{
    int32_t status = VOICEGW_OK;
    for (size_t i = 0; i < f->count && status == VOICEGW_OK; i++) {
        const struct term *term = &f->terms[i];
        if (!term->op) {
            struct voicegw_json_iter it = voicegw_json_each(term->value);
            while (status == VOICEGW_OK && voicegw_json_next(&it))
                status = db_bind(db, s, (*at)++, f->table, term->column, it.value);
            continue;
        }
        status = db_bind(db, s, (*at)++, f->table, term->column, term->value);
        if (status == VOICEGW_OK && term->op[0] == '~')
            status = db_bind(db, s, (*at)++, f->table, term->column, term->value);
    }
    return status;
}

int32_t db_query(struct db *db, const char *table, const char *filter_json, uint32_t limit, const char *cursor,
                 voicegw_row row, void *arg)
{
    struct filter f;
    struct text sql = {0}, out = {0};
    sqlite3_stmt *s = NULL;
    long long cursor_time = 0, cursor_row = 0;
    int at = 1;
    int32_t status = read_filter(db, table, filter_json, &f);
    if (status == VOICEGW_OK && cursor && sscanf(cursor, "%lld_%lld", &cursor_time, &cursor_row) != 2)
        status =
            db->host->set_error(db->host, VOICEGW_EINVALID, "the cursor is not one that a page of this list has given");
    if (status != VOICEGW_OK)
        return status;
    add_select(&sql, &f, cursor != NULL);
    status = sql.failed ? db->host->set_error(db->host, VOICEGW_ELIMIT, "out of memory") : db_prepare(db, sql.data, &s);
    free(sql.data);
    if (status == VOICEGW_OK)
        status = bind_terms(db, s, &f, &at);
    if (status == VOICEGW_OK && cursor) {
        sqlite3_bind_int64(s, at++, cursor_time);
        sqlite3_bind_int64(s, at++, cursor_row);
    }
    if (status == VOICEGW_OK)
        sqlite3_bind_int64(s, at, limit < LIMIT_MAX ? limit : LIMIT_MAX);
    int rc = SQLITE_DONE;
    while (status == VOICEGW_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        int columns = sqlite3_column_count(s);
        out.len = 0;
        text_row(&out, f.table, s, sqlite3_column_int64(s, columns - 2), sqlite3_column_int64(s, columns - 1));
        if (out.failed)
            status = db->host->set_error(db->host, VOICEGW_ELIMIT, "out of memory");
        else if (row(arg, out.data) != 0)
            break;
    }
    if (status == VOICEGW_OK && rc != SQLITE_DONE && rc != SQLITE_ROW)
        status = db_failed(db, "rows cannot be read");
    if (s) {
        sqlite3_reset(s);
        sqlite3_clear_bindings(s);
    }
    free(out.data);
    return status;
}
