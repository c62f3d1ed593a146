/* db.c - the connection: opening, migrations, statements. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "db.h"

int32_t db_failed(struct db *db, const char *doing)
{
    int code = db->handle ? sqlite3_extended_errcode(db->handle) : SQLITE_CANTOPEN;
    int32_t status = VOICEGW_ESTORAGE;
    char sentence[512];
    switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
    case SQLITE_RANGE:
        status = VOICEGW_EINVALID;
        break;
    case SQLITE_NOMEM:
        status = VOICEGW_ELIMIT;
        break;
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
        status = VOICEGW_EINTERNAL;
        break;
    default:
        break;
    }
    snprintf(sentence, sizeof sentence, "%.200s: %s: %.200s", db->path, doing,
             db->handle ? sqlite3_errmsg(db->handle) : "cannot be opened");
    return db->host->set_error(db->host, status, sentence);
}

int32_t db_exec(struct db *db, const char *sql)
{
    return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK ? VOICEGW_OK
                                                                        : db_failed(db, "a statement failed");
}

static int32_t set_pragmas(struct db *db)
{
    char sql[512];
    sqlite3_busy_timeout(db->handle, (int)(db->busy_timeout_us / 1000));
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    snprintf(sql, sizeof sql,
             "PRAGMA journal_mode=WAL; PRAGMA synchronous=%s; PRAGMA cache_size=-%lld; PRAGMA trusted_schema=OFF;"
             "PRAGMA journal_size_limit=67108864; PRAGMA temp_store=MEMORY;",
             db->synchronous, (long long)(db->cache_bytes / 1024));
    return db_exec(db, sql);
}

int32_t db_open(struct db *db)
{
    char sentence[1400];
    if (db->handle)
        return VOICEGW_OK;
    /* Made by ourselves, so that others cannot read it whatever the umask is. */
    int fd = open(db->path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) {
        snprintf(sentence, sizeof sentence,
                 "the database %s cannot be opened for writing (%s); its folder must exist and be writable", db->path,
                 strerror(errno));
        return db->host->set_error(db->host, VOICEGW_ESTORAGE, sentence);
    }
    close(fd);
    int rc = sqlite3_open_v2(db->path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX, NULL);
    int32_t status = rc == SQLITE_OK ? set_pragmas(db) : db_failed(db, "cannot be opened");
    if (status != VOICEGW_OK)
        db_close(db);
    return status;
}

static void forget_statements(struct db *db)
{
    for (size_t i = 0; i < STATEMENTS_MAX; i++) {
        sqlite3_finalize(db->statements[i].statement);
        free(db->statements[i].sql);
        db->statements[i].statement = NULL;
        db->statements[i].sql = NULL;
    }
}

void db_close(struct db *db)
{
    forget_statements(db);
    sqlite3_close(db->handle);
    db->handle = NULL;
}

int32_t db_prepare(struct db *db, const char *sql, sqlite3_stmt **ret_statement)
{
    size_t oldest = 0;
    db->uses++;
    for (size_t i = 0; i < STATEMENTS_MAX; i++) {
        if (db->statements[i].sql && strcmp(db->statements[i].sql, sql) == 0) {
            db->statements[i].used = db->uses;
            sqlite3_reset(db->statements[i].statement);
            sqlite3_clear_bindings(db->statements[i].statement);
            *ret_statement = db->statements[i].statement;
            return VOICEGW_OK;
        }
        if (db->statements[i].used < db->statements[oldest].used)
            oldest = i;
    }
    sqlite3_stmt *statement = NULL;
    char *copy = strdup(sql);
    if (!copy)
        return db->host->set_error(db->host, VOICEGW_ELIMIT, "out of memory");
    if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK) {
        free(copy);
        return db_failed(db, "a statement was refused");
    }
    sqlite3_finalize(db->statements[oldest].statement);
    free(db->statements[oldest].sql);
    db->statements[oldest].statement = statement;
    db->statements[oldest].sql = copy;
    db->statements[oldest].used = db->uses;
    *ret_statement = statement;
    return VOICEGW_OK;
}

/* ---- migrations ---- */

static const char *type_of(enum column_kind kind)
{
    return kind == COLUMN_INT || kind == COLUMN_BOOL ? "INTEGER" : kind == COLUMN_REAL ? "REAL" : "TEXT";
}

/* Step 1: all tables. Columns that later versions add come by steps of their own; here they do no harm. */
static void sql_of_table(struct text *sql, const struct table *t)
{
    text_adds(sql, "CREATE TABLE IF NOT EXISTS ");
    text_adds(sql, t->name);
    text_adds(sql, " (");
    for (size_t i = 0; i < COLUMNS_MAX && t->columns[i].name; i++) {
        const struct column *c = &t->columns[i];
        text_adds(sql, c->name);
        text_adds(sql, " ");
        text_adds(sql, type_of(c->kind));
        if (strcmp(c->name, t->time) == 0 || strcmp(c->name, "attempts") == 0 || strcmp(c->name, "priority") == 0)
            text_adds(sql, " NOT NULL DEFAULT 0");
        else if (table_is_key(t, c->name))
            text_adds(sql, " NOT NULL");
        else if (strcmp(t->name, "jobs") == 0 && strcmp(c->name, "status") == 0)
            text_adds(sql, " NOT NULL DEFAULT 'queued'");
        text_adds(sql, ", ");
    }
    text_adds(sql, "PRIMARY KEY (");
    for (size_t i = 0; i < KEYS_MAX && t->keys[i]; i++) {
        text_adds(sql, i ? ", " : "");
        text_adds(sql, t->keys[i]);
    }
    text_adds(sql, "));");
}

static int32_t step_tables(struct db *db)
{
    static const char *const names[] = {"sessions",   "calls", "turns",  "metrics", "events",
                                        "recordings", "jobs",  "leases", "state"};
    struct text sql = {0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        sql_of_table(&sql, table_find(names[i]));
    int32_t status =
        sql.failed ? db->host->set_error(db->host, VOICEGW_ELIMIT, "out of memory") : db_exec(db, sql.data);
    free(sql.data);
    return status;
}

static int32_t step_indexes(struct db *db)
{
    return db_exec(db, "CREATE INDEX IF NOT EXISTS sessions_time ON sessions (start_time);"
                       "CREATE INDEX IF NOT EXISTS sessions_caller ON sessions (caller_id, start_time);"
                       "CREATE INDEX IF NOT EXISTS sessions_status ON sessions (status, start_time);"
                       "CREATE INDEX IF NOT EXISTS calls_time ON calls (created_at);"
                       "CREATE INDEX IF NOT EXISTS calls_session ON calls (session_id);"
                       "CREATE INDEX IF NOT EXISTS calls_provider ON calls (provider_call_id);"
                       "CREATE INDEX IF NOT EXISTS turns_time ON turns (timestamp);"
                       "CREATE INDEX IF NOT EXISTS metrics_time ON metrics (timestamp);"
                       "CREATE INDEX IF NOT EXISTS metrics_name ON metrics (metric_name, timestamp);"
                       "CREATE INDEX IF NOT EXISTS events_time ON events (time);"
                       "CREATE INDEX IF NOT EXISTS events_session ON events (session_id);"
                       "CREATE INDEX IF NOT EXISTS recordings_time ON recordings (started_at);"
                       "CREATE INDEX IF NOT EXISTS recordings_session ON recordings (session_id);"
                       "CREATE INDEX IF NOT EXISTS jobs_due ON jobs (queue, status, due_at);");
}

/* Numbered for ever: a step that was released is never changed, only followed. */
static int32_t (*const steps[])(struct db *db) = {step_tables, step_indexes};
#define VERSION ((int)(sizeof steps / sizeof *steps))

static int32_t read_version(struct db *db, int *ret_version)
{
    sqlite3_stmt *s;
    int32_t status = db_prepare(db, "PRAGMA user_version", &s);
    if (status != VOICEGW_OK)
        return status;
    status = sqlite3_step(s) == SQLITE_ROW ? VOICEGW_OK : db_failed(db, "its version cannot be read");
    if (status == VOICEGW_OK)
        *ret_version = sqlite3_column_int(s, 0);
    sqlite3_reset(s);
    return status;
}

static int32_t take_step(struct db *db, int step)
{
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA user_version=%d", step + 1);
    int32_t status = db_exec(db, "BEGIN IMMEDIATE");
    if (status != VOICEGW_OK)
        return status;
    status = steps[step](db);
    if (status == VOICEGW_OK)
        status = db_exec(db, sql);
    if (status == VOICEGW_OK)
        status = db_exec(db, "COMMIT");
    if (status != VOICEGW_OK)
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

int32_t db_migrate(struct db *db)
{
    int version = 0;
    int32_t status = read_version(db, &version);
    if (status != VOICEGW_OK)
        return status;
    if (version > VERSION) {
        char sentence[1400];
        snprintf(sentence, sizeof sentence,
                 "the database %s is of version %d, made by a newer gateway; this one knows up to %d", db->path,
                 version, VERSION);
        return db->host->set_error(db->host, VOICEGW_EUNSUPPORTED, sentence);
    }
    for (; version < VERSION && status == VOICEGW_OK; version++)
        status = take_step(db, version);
    return status;
}
