/* db.h - one database on a server: its connection and its statements. Thread: the gateway's db thread, but for the
 * watcher, which has a thread and a connection of its own. */
#ifndef POSTGRESQL_DB_H
#define POSTGRESQL_DB_H
#include <libpq-fe.h>
#include <pthread.h>
#include "voicegw/host.h"
#include "voicegw/draft/store.h"
#include "sql.h"

#define STATEMENTS_MAX 64
#define WATCHES_MAX 8u

struct watch {
    struct db *db;
    const char *table;
    voicegw_callback fn;
    void *arg;
    int pending; /* a wake-up is posted and has not run; under the watcher's lock */
};

struct db {
    const struct voicegw_host *host;
    PGconn *handle;
    char *url;
    char schema[64];
    char connect_timeout_s[12], options[128];
    struct {
        char *sql;
        char name[16];
        uint64_t used;
    } statements[STATEMENTS_MAX];
    uint64_t uses, names;

    struct {
        pthread_mutex_t lock;
        pthread_t thread;
        int wake; /* eventfd */
        int running, stop;
        struct watch watches[WATCHES_MAX];
        uint32_t count;
    } watcher;
};

/** A connection with the operator's settings; NULL when out of memory. Its state tells whether it stands. */
PGconn *db_connect(const struct db *db);
/** 0 when the connection stands, else one attempt to make it. */
int32_t db_open(struct db *db);
void db_close(struct db *db);
int32_t db_migrate(struct db *db);
int32_t db_exec(struct db *db, const char *sql);
/** The server's name of a prepared statement for SQL of sql.h's manner; one that is not prepared yet takes a round to
 * the server, and may take the place of another. */
int32_t db_prepare(struct db *db, const char *sql, const char **ret_name);
int db_is_prepared(const struct db *db, const char *sql);
/** Runs SQL of sql.h's manner with text parameters (NULL is null), prepared once. *ret_result: PQclear(); its status is
 * one of success. */
int32_t db_run(struct db *db, const char *sql, const char *const *values, int count, PGresult **ret_result);
/** The same for a statement of sql.h, whose text is freed in any case. `status`: what making it answered. */
int32_t db_run_statement(struct db *db, struct sql_statement *statement, int32_t status, PGresult **ret_result);
/** The status for the last failure, with a sentence. */
int32_t db_failed(struct db *db, const PGresult *result, const char *doing);
void db_row(struct text *out, const struct table *t, const PGresult *r, int row, int has_cursor);

int32_t db_apply(struct db *db, const char *batch_json, uint32_t *ret_changed);
int32_t db_tally(struct db *db, const char *table, const char *filter_json, const char *what_json, voicegw_row row,
                 void *arg);
int32_t db_query(struct db *db, const char *table, const char *filter_json, uint32_t limit, const char *cursor,
                 voicegw_row row, void *arg);
int32_t db_claim(struct db *db, const char *queue, const char *owner, uint32_t n, int64_t now_us, int64_t ttl_us,
                 voicegw_row row, void *arg);
int32_t db_lease_acquire(struct db *db, const char *name, const char *owner, int64_t now_us, int64_t ttl_us,
                         uint64_t *ret_fence);
/** until_us 0 lets go. */
int32_t db_lease_touch(struct db *db, const char *name, const char *owner, uint64_t fence, int64_t until_us);
int32_t db_health(struct db *db);
int32_t db_purge(struct db *db, const char *table, int64_t before_us, uint32_t limit, uint32_t *ret_deleted);

/** The channel on which writes to a table are told, or NULL for a table that nobody waits for. */
const char *db_channel(const char *table);
int32_t db_watch(struct db *db, const char *table, voicegw_callback fn, void *arg);
/** Joins the watcher's thread: no callback is posted afterwards. */
void db_watch_stop(struct db *db);
#endif
