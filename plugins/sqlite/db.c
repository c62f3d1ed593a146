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

/* All tables and their indexes; what is there stays. Columns that later versions add to a table come by steps of their
 * own. */
static int32_t step_tables(struct db *db)
{
    const struct table *t;
    struct text sql = {0};
    for (size_t i = 0; (t = table_at(i)); i++) {
        sql_table_begin(&sql, t, "INTEGER", "REAL", "TEXT");
        sql_table_end(&sql, t);
    }
    for (size_t i = 0; sql_indexes[i]; i++) {
        text_adds(&sql, sql_indexes[i]);
        text_adds(&sql, ";");
    }
    int32_t status =
        sql.failed ? db->host->set_error(db->host, VOICEGW_ELIMIT, "out of memory") : db_exec(db, sql.data);
    free(sql.data);
    return status;
}

/* The events of several gateways: their numbers are each gateway's own. A new database has the table so already. */
static int32_t step_event_node(struct db *db)
{
    if (sqlite3_table_column_metadata(db->handle, NULL, "events", "node", NULL, NULL, NULL, NULL, NULL) == SQLITE_OK)
        return VOICEGW_OK;
    int32_t status = db_exec(db, "DROP INDEX IF EXISTS events_time; DROP INDEX IF EXISTS events_session;"
                                 "ALTER TABLE events RENAME TO events_of_one");
    if (status == VOICEGW_OK)
        status = step_tables(db);
    if (status == VOICEGW_OK)
        status =
            db_exec(db, "INSERT INTO events (event_id, node, type, time, session_id, call_id, provider, project_id, "
                        "provider_call_id, plugin, data) SELECT event_id, '', type, time, session_id, call_id, "
                        "provider, project_id, provider_call_id, plugin, data FROM events_of_one;"
                        "DROP TABLE events_of_one");
    return status;
}

/* Numbered for ever: a step that was released is never changed, only followed. */
static int32_t (*const steps[])(struct db *db) = {step_tables, step_tables /* indexes */, step_tables /* delivery */,
                                                  step_event_node};
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
