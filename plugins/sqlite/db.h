/* db.h - one database: its connection and its statements. Thread: the gateway's db thread. */
#ifndef SQLITE_DB_H
#define SQLITE_DB_H
#include <sqlite3.h>
#include "voicegw/host.h"
#include "voicegw/draft/store.h"
#include "sql.h"

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
/** The statement ready to be stepped, its parameters bound. Frees the text of `statement` in any case. */
int32_t db_ready(struct db *db, struct sql_statement *statement, int32_t status, sqlite3_stmt **ret_statement);
/** The present row of a statement whose columns are those of the table, in order: a JSON object, "_cursor" last unless
 * rowid < 0. */
void db_row(struct text *out, const struct table *t, sqlite3_stmt *s, int64_t time_us, int64_t rowid);

int32_t db_apply(struct db *db, const char *batch_json, uint32_t *ret_changed);
int32_t db_tally(struct db *db, const char *table, const char *filter_json, const char *what_json, voicegw_row row,
                 void *arg);
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
