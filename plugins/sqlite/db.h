/* db.h - one database: its connection, its statements, its tables. Thread: the gateway's db thread. */
#ifndef SQLITE_DB_H
#define SQLITE_DB_H
#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>
#include "voicegw/host.h"
#include "voicegw/json.h"
#include "voicegw/draft/store.h"

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
    const char *keys[KEYS_MAX]; /* what makes a row one; NULL-ended unless full */
    struct column columns[COLUMNS_MAX];
};
/** NULL: no such table or column. The names in what is returned are the only ones that go into SQL. */
const struct table *table_find(const char *name);
const struct table *table_find_json(struct voicegw_json name);
const struct column *column_findn(const struct table *t, const char *name, uint64_t bytes);
uint32_t table_is_key(const struct table *t, const char *column);

#define STATEMENTS_MAX 64
struct db {
    const struct voicegw_host *host;
    sqlite3 *handle;
    char path[1024];
    char synchronous[8];
    int64_t busy_timeout_us, cache_bytes;
    struct {
        char *sql;
        sqlite3_stmt *statement;
        uint64_t used;
    } statements[STATEMENTS_MAX];
    uint64_t uses;
};

int32_t db_open(struct db *db);
void db_close(struct db *db);
int32_t db_migrate(struct db *db);
/** A statement for this SQL, from the cache or new, reset and without bindings; it stays the cache's. */
int32_t db_prepare(struct db *db, const char *sql, sqlite3_stmt **ret_statement);
int32_t db_exec(struct db *db, const char *sql);
/** The status for the last failure of the connection, with a sentence. */
int32_t db_failed(struct db *db, const char *doing);

/* ---- text that grows ---- */
struct text {
    char *data; /* NUL-terminated; free() */
    size_t len, cap;
    uint32_t failed;
};
void text_add(struct text *t, const char *data, size_t len);
void text_adds(struct text *t, const char *s);
void text_quote(struct text *t, const char *data, size_t len);
/** The present row of a statement whose columns are those of the table, in order: a JSON object, "_cursor" last unless
 * rowid < 0. */
void text_row(struct text *out, const struct table *t, sqlite3_stmt *s, int64_t time_us, int64_t rowid);
/** "a, b, c" of all columns. */
void text_columns(struct text *out, const struct table *t);

/** Binds a JSON value as the column keeps it. */
int32_t db_bind(struct db *db, sqlite3_stmt *s, int at, const struct table *t, const struct column *c,
                struct voicegw_json value);

int32_t db_apply(struct db *db, const char *batch_json, uint32_t *ret_changed);
int32_t db_query(struct db *db, const char *table, const char *filter_json, uint32_t limit, const char *cursor,
                 voicegw_row row, void *arg);
int32_t db_claim(struct db *db, const char *queue, const char *owner, uint32_t n, int64_t now_us, int64_t ttl_us,
                 voicegw_row row, void *arg);
int32_t db_lease_acquire(struct db *db, const char *name, const char *owner, int64_t now_us, int64_t ttl_us,
                         uint64_t *ret_fence);
int32_t db_lease_renew(struct db *db, const char *name, const char *owner, uint64_t fence, int64_t now_us,
                       int64_t ttl_us);
int32_t db_lease_release(struct db *db, const char *name, const char *owner, uint64_t fence);
int32_t db_health(struct db *db);
int32_t db_purge(struct db *db, const char *table, int64_t before_us, uint32_t limit, uint32_t *ret_deleted);
#endif
