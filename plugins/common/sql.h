/* sql.h - the tables of a store and the statements over them, for store plugins of any SQL database. Pure: text out of
 * JSON. All names in a statement come from the tables, all values are parameters.
 *
 * Statements are written in SQLite's manner: parameters `?1`, `?2`, comparison with null by `IS ?1` and `IS NOT ?1`,
 * the row's own number `rowid`. sql_to_postgresql() turns that into PostgreSQL's. */
#ifndef PLUGINS_SQL_H
#define PLUGINS_SQL_H
#include <stddef.h>
#include <stdint.h>
#include "voicegw/json.h"

/* Kinds of columns: what a JSON value becomes, and what is made of it again. */
enum column_kind { COLUMN_TEXT, COLUMN_INT, COLUMN_REAL, COLUMN_BOOL, COLUMN_JSON };
struct column {
    const char *name;
    enum column_kind kind;
};
#define COLUMNS_MAX 40
#define KEYS_MAX 3
struct table {
    const char *name;
    const char *time;           /* the column that newest first and retention go by; never null */
    const char *order;          /* the column that newest first goes by instead, or NULL */
    const char *keys[KEYS_MAX]; /* what makes a row one; NULL-ended unless full */
    struct column columns[COLUMNS_MAX];
};
/** The i-th table, NULL after the last; in the order in which they are made. */
const struct table *table_at(size_t i);
/** NULL: no such table or column. The names in what is returned are the only ones that go into SQL. */
const struct table *table_find(const char *name);
const struct table *table_find_json(struct voicegw_json name);
const struct column *column_findn(const struct table *t, const char *name, uint64_t bytes);
uint32_t table_is_key(const struct table *t, const char *column);
/** The indexes, one statement each, NULL-ended. */
extern const char *const sql_indexes[];

/* ---- text that grows ---- */
struct text {
    char *data; /* NUL-terminated; free() */
    size_t len, cap;
    uint32_t failed; /* out of memory, sticks */
};
void text_add(struct text *t, const char *data, size_t len);
void text_adds(struct text *t, const char *s);
void text_number(struct text *t, int64_t n);
void text_quote(struct text *t, const char *data, size_t len);
/** A finite number that reads back as the same; null for others. */
void text_real(struct text *t, double value);
/** "a, b, c" of all columns. */
void text_columns(struct text *out, const struct table *t);
/** "CREATE TABLE IF NOT EXISTS …" without the closing of its list: more columns may follow before sql_table_end(). */
void sql_table_begin(struct text *sql, const struct table *t, const char *int_type, const char *real_type,
                     const char *text_type);
void sql_table_end(struct text *sql, const struct table *t);

/* ---- statements with their parameters ---- */
#define SQL_PARAMS_MAX 200
struct sql_param {
    const struct table *table;
    const struct column *column; /* NULL: number counts */
    struct voicegw_json value;   /* borrowed from the text that the statement was made of */
    int64_t number;
};
struct sql_statement {
    struct text text;
    struct sql_param params[SQL_PARAMS_MAX];
    size_t count;
    const struct table *table;
    char why[256]; /* the sentence for a negative status */
};
/** Frees the statement's text; it may be used again. */
void sql_done(struct sql_statement *s);
/** "?N" of a new parameter; VOICEGW_ELIMIT in why when there are too many. */
int32_t sql_param(struct sql_statement *s, const struct column *c, struct voicegw_json value);
int32_t sql_param_number(struct sql_statement *s, int64_t number);
/** One operation of a batch (voicegw/draft/store.h). VOICEGW_EINVALID and a sentence, or 0. */
int32_t sql_of_operation(struct sql_statement *s, struct voicegw_json operation);
/** Rows by filter, newest first; the columns, then the table's time and rowid. */
int32_t sql_of_query(struct sql_statement *s, const char *table, const char *filter_json, uint32_t limit,
                     const char *cursor);

/** Counts and sums of rows by groups (voicegw_store.tally); *ret_row is what a row of the answer looks like. */
int32_t sql_of_tally(struct sql_statement *s, const char *table, const char *filter_json, const char *what_json,
                     struct table *ret_row);

enum sql_kind { SQL_NULL, SQL_INT, SQL_REAL, SQL_TEXT };
struct sql_value {
    enum sql_kind kind;
    int64_t number;
    double real;
    const char *text; /* `bytes` of it, not NUL-terminated unless owned */
    size_t bytes;
    char *owned; /* free() when done */
};
/** What a parameter is bound as. VOICEGW_EINVALID with a sentence in s->why, or 0. */
int32_t sql_value(struct sql_statement *s, const struct sql_param *param, struct sql_value *ret_value);

/** The same statement for PostgreSQL; to->failed tells of lack of memory. */
void sql_to_postgresql(struct text *to, const char *sql);

/* Jobs and leases: parameters in order. RETURNING brings the jobs' columns. */
#define SQL_CLAIM_SKIP_LOCKED "/* skip locked */" /* stands where PostgreSQL locks rows */
/** Of ?1 owner, ?2 until, ?3 now, ?4 queue, ?5 how many. */
void sql_claim(struct text *sql);
extern const char sql_lease_acquire[]; /* ?1 name, ?2 owner, ?3 until, ?4 now: returns fence */
extern const char sql_lease_touch[];   /* ?1 name, ?2 owner, ?3 fence, ?4 until */
/** Of ?1 before, ?2 how many. */
void sql_purge(struct text *sql, const struct table *t);
#endif
