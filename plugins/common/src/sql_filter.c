/* sql_filter.c - rows by filter, a page at a time, as a statement. */
#include <stdio.h>
#include <string.h>
#include "voicegw/status.h"
#include "sql.h"

#define TERMS_MAX 32
#define LIMIT_MAX 10000u

struct term {
    const struct column *column;
    const char *op; /* SQL before the parameter, "~" for a prefix; NULL for a list */
    struct voicegw_json value;
};
struct filter {
    struct term terms[TERMS_MAX];
    size_t count;
    uint32_t ascending;
};

/* The suffix of a filter's name, longest first. */
static const struct {
    const char *suffix, *sql;
} operators[] = {{">=", " >= "}, {"<=", " <= "}, {"!=", " IS NOT "}, {">", " > "},
                 {"<", " < "},   {"~", "~"},     {"", " IS "}};

static int32_t read_term(struct sql_statement *s, struct filter *f, struct voicegw_json_iter *it)
{
    char name[80] = "?";
    int64_t len = voicegw_json_string(it->key, name, sizeof name);
    if (len == 5 && strcmp(name, "order") == 0) {
        f->ascending = voicegw_json_equals(it->value, "asc");
        return VOICEGW_OK;
    }
    for (size_t i = 0; len > 0 && i < sizeof operators / sizeof *operators; i++) {
        size_t suffix = strlen(operators[i].suffix);
        if ((size_t)len <= suffix || strcmp(name + (size_t)len - suffix, operators[i].suffix) != 0)
            continue;
        const struct column *c = column_findn(s->table, name, (uint64_t)len - suffix);
        if (!c || f->count == TERMS_MAX)
            break;
        uint32_t is_list = voicegw_json_type(it->value) == VOICEGW_JSON_ARRAY && !suffix;
        f->terms[f->count++] = (struct term){c, is_list ? NULL : operators[i].sql, it->value};
        return VOICEGW_OK;
    }
    snprintf(s->why, sizeof s->why, "table %s cannot be filtered by \"%s\"", s->table->name, name);
    return VOICEGW_EINVALID;
}

static int32_t read_filter(struct sql_statement *s, const char *table, const char *filter_json, struct filter *f)
{
    *f = (struct filter){.count = 0};
    s->table = table_find(table);
    if (!s->table) {
        snprintf(s->why, sizeof s->why, "there is no table \"%.64s\"", table ? table : "");
        return VOICEGW_EINVALID;
    }
    struct voicegw_json filter = voicegw_json_of(filter_json);
    if (filter_json && filter_json[0] &&
        (voicegw_json_type(filter) != VOICEGW_JSON_OBJECT || !voicegw_json_valid(filter_json, strlen(filter_json)))) {
        snprintf(s->why, sizeof s->why, "a filter is a JSON object");
        return VOICEGW_EINVALID;
    }
    int32_t status = VOICEGW_OK;
    struct voicegw_json_iter it = voicegw_json_each(filter);
    while (status == VOICEGW_OK && voicegw_json_next(&it))
        status = read_term(s, f, &it);
    return status;
}

static int32_t add_list(struct sql_statement *s, const struct term *term)
{
    int32_t status = VOICEGW_OK;
    struct voicegw_json_iter it = voicegw_json_each(term->value);
    text_adds(&s->text, " IN (");
    for (int i = 0; status == VOICEGW_OK && voicegw_json_next(&it); i++) {
        text_adds(&s->text, i ? ", " : "");
        status = sql_param(s, term->column, it.value);
    }
    text_adds(&s->text, voicegw_json_count(term->value) ? ")" : "NULL)");
    return status;
}

static int32_t add_term(struct sql_statement *s, const struct term *term)
{
    text_adds(&s->text, term->column->name);
    if (!term->op)
        return add_list(s, term);
    if (term->op[0] != '~') {
        text_adds(&s->text, term->op);
        return sql_param(s, term->column, term->value);
    }
    /* the first so many characters, compared by code points so that an index serves */
    text_adds(&s->text, " >= ");
    int32_t status = sql_param(s, term->column, term->value);
    text_adds(&s->text, " AND ");
    text_adds(&s->text, term->column->name);
    text_adds(&s->text, " < ");
    if (status == VOICEGW_OK)
        status = sql_param(s, term->column, term->value);
    text_adds(&s->text, " || char(1114111)");
    return status;
}

/* The column that rows are put in order by. */
static const char *order_of(const struct table *t)
{
    return t->order ? t->order : t->time;
}

static int32_t add_cursor(struct sql_statement *s, const struct filter *f, const char *cursor)
{
    long long time, row;
    if (sscanf(cursor, "%lld_%lld", &time, &row) != 2) {
        snprintf(s->why, sizeof s->why, "the cursor is not one that a page of this list has given");
        return VOICEGW_EINVALID;
    }
    text_adds(&s->text, f->count ? " AND (" : " WHERE (");
    text_adds(&s->text, order_of(s->table));
    text_adds(&s->text, f->ascending ? ", rowid) > (" : ", rowid) < (");
    int32_t status = sql_param_number(s, time);
    text_adds(&s->text, ", ");
    if (status == VOICEGW_OK)
        status = sql_param_number(s, row);
    text_adds(&s->text, ")");
    return status;
}

int32_t sql_of_query(struct sql_statement *s, const char *table, const char *filter_json, uint32_t limit,
                     const char *cursor)
{
    struct filter f;
    int32_t status = read_filter(s, table, filter_json, &f);
    if (status != VOICEGW_OK)
        return status;
    const char *by = order_of(s->table), *way = f.ascending ? " ASC" : " DESC";
    text_adds(&s->text, "SELECT ");
    text_columns(&s->text, s->table);
    text_adds(&s->text, ", ");
    text_adds(&s->text, by);
    text_adds(&s->text, ", rowid FROM ");
    text_adds(&s->text, s->table->name);
    for (size_t i = 0; i < f.count && status == VOICEGW_OK; i++) {
        text_adds(&s->text, i ? " AND " : " WHERE ");
        status = add_term(s, &f.terms[i]);
    }
    if (status == VOICEGW_OK && cursor)
        status = add_cursor(s, &f, cursor);
    text_adds(&s->text, " ORDER BY ");
    text_adds(&s->text, by);
    text_adds(&s->text, way);
    text_adds(&s->text, ", rowid");
    text_adds(&s->text, way);
    text_adds(&s->text, " LIMIT ");
    if (status == VOICEGW_OK)
        status = sql_param_number(s, limit < LIMIT_MAX ? limit : LIMIT_MAX);
    return status;
}

/* ---- counts and sums ---- */

static int32_t add_column(struct sql_statement *s, struct voicegw_json name, struct table *row, size_t *at)
{
    char text[64] = "?";
    int64_t len = voicegw_json_string(name, text, sizeof text);
    const struct column *c = len > 0 ? column_findn(s->table, text, (uint64_t)len) : NULL;
    if (!c || *at + 2 >= COLUMNS_MAX) {
        snprintf(s->why, sizeof s->why, "table %s cannot be counted by \"%s\"", s->table->name, text);
        return VOICEGW_EINVALID;
    }
    row->columns[(*at)++] = *c;
    return VOICEGW_OK;
}

static int32_t read_what(struct sql_statement *s, struct voicegw_json what, struct table *row, size_t *ret_groups)
{
    size_t at = 0;
    int32_t status = VOICEGW_OK;
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_member(what, "by"));
    while (status == VOICEGW_OK && voicegw_json_next(&it))
        status = add_column(s, it.value, row, &at);
    *ret_groups = at;
    row->columns[at++] = (struct column){"count", COLUMN_INT};
    it = voicegw_json_each(voicegw_json_member(what, "sum"));
    while (status == VOICEGW_OK && voicegw_json_next(&it)) {
        status = add_column(s, it.value, row, &at);
        if (status == VOICEGW_OK)
            row->columns[at - 1].kind = COLUMN_REAL;
    }
    return status;
}

int32_t sql_of_tally(struct sql_statement *s, const char *table, const char *filter_json, const char *what_json,
                     struct table *ret_row)
{
    struct filter f;
    size_t groups = 0;
    *ret_row = (struct table){.name = "tally"};
    int32_t status = read_filter(s, table, filter_json, &f);
    if (status == VOICEGW_OK)
        status = read_what(s, voicegw_json_of(what_json), ret_row, &groups);
    if (status != VOICEGW_OK)
        return status;
    text_adds(&s->text, "SELECT ");
    for (size_t i = 0; ret_row->columns[i].name; i++) {
        text_adds(&s->text, i ? ", " : "");
        text_adds(&s->text, i < groups ? "" : i == groups ? "count(*" : "sum(");
        text_adds(&s->text, i == groups ? "" : ret_row->columns[i].name);
        text_adds(&s->text, i < groups ? "" : ")");
    }
    text_adds(&s->text, " FROM ");
    text_adds(&s->text, s->table->name);
    for (size_t i = 0; i < f.count && status == VOICEGW_OK; i++) {
        text_adds(&s->text, i ? " AND " : " WHERE ");
        status = add_term(s, &f.terms[i]);
    }
    for (size_t i = 0; i < groups; i++) {
        text_adds(&s->text, i ? ", " : " GROUP BY ");
        text_adds(&s->text, ret_row->columns[i].name);
    }
    return status;
}
