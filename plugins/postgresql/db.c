/* db.c - the connection: opening, migrations, statements. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "db.h"

/* By SQLSTATE: https://www.postgresql.org/docs/15/errcodes-appendix.html */
static int32_t status_of(const char *sqlstate)
{
    if (!sqlstate)
        return VOICEGW_ESTORAGE; /* the connection itself */
    if (strncmp(sqlstate, "22", 2) == 0 || strncmp(sqlstate, "23", 2) == 0)
        return VOICEGW_EINVALID; /* data, constraint */
    if (strncmp(sqlstate, "42", 2) == 0 && strcmp(sqlstate, "42501") != 0)
        return VOICEGW_EINTERNAL; /* our SQL; 42501 is a right that the operator can grant */
    return VOICEGW_ESTORAGE;
}

int32_t db_failed(struct db *db, const PGresult *result, const char *doing)
{
    char sentence[512];
    const char *said = result ? PQresultErrorMessage(result) : NULL;
    if (!said || !said[0])
        said = db->handle ? PQerrorMessage(db->handle) : "out of memory";
    snprintf(sentence, sizeof sentence, "postgresql: %s: %.300s", doing, said);
    for (char *p = sentence; *p; p++) {
        if (*p == '\n' || *p == '\t')
            *p = p[1] ? ' ' : '\0';
    }
    return db->host->set_error(db->host, status_of(result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL),
                               sentence);
}

/* A notice of the server is no business of the gateway's standard error. */
static void on_notice(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

PGconn *db_connect(const struct db *db)
{
    const char *const names[] = {"dbname",           "connect_timeout", "options",          "client_encoding",
                                 "application_name", "keepalives_idle", "tcp_user_timeout", NULL};
    const char *const values[] = {db->url, db->connect_timeout_s, db->options, "UTF8", "voicegw", "30", "15000", NULL};
    PGconn *c = PQconnectdbParams(names, values, 1);
    if (c) {
        PQsetErrorVerbosity(c, PQERRORS_TERSE);
        PQsetNoticeReceiver(c, on_notice, NULL);
    }
    return c;
}

static void forget_statements(struct db *db)
{
    for (size_t i = 0; i < STATEMENTS_MAX; i++) {
        free(db->statements[i].sql);
        db->statements[i].sql = NULL;
        db->statements[i].used = 0;
    }
}

void db_close(struct db *db)
{
    forget_statements(db);
    PQfinish(db->handle);
    db->handle = NULL;
}

int32_t db_open(struct db *db)
{
    if (db->handle && PQstatus(db->handle) == CONNECTION_OK)
        return VOICEGW_OK;
    db_close(db);
    db->handle = db_connect(db);
    if (!db->handle || PQstatus(db->handle) != CONNECTION_OK) {
        int32_t status = db_failed(db, NULL, "cannot connect");
        db_close(db);
        return status;
    }
    return VOICEGW_OK;
}

int32_t db_exec(struct db *db, const char *sql)
{
    PGresult *r = PQexec(db->handle, sql);
    ExecStatusType s = PQresultStatus(r);
    int32_t status =
        s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK ? VOICEGW_OK : db_failed(db, r, "a statement failed");
    PQclear(r);
    return status;
}

int db_is_prepared(const struct db *db, const char *sql)
{
    for (size_t i = 0; i < STATEMENTS_MAX; i++)
        if (db->statements[i].sql && strcmp(db->statements[i].sql, sql) == 0)
            return 1;
    return 0;
}

int32_t db_prepare(struct db *db, const char *sql, const char **ret_name)
{
    size_t oldest = 0;
    struct text own = {0};
    db->uses++;
    for (size_t i = 0; i < STATEMENTS_MAX; i++) {
        if (db->statements[i].sql && strcmp(db->statements[i].sql, sql) == 0) {
            db->statements[i].used = db->uses;
            *ret_name = db->statements[i].name;
            return VOICEGW_OK;
        }
        if (db->statements[i].used < db->statements[oldest].used)
            oldest = i;
    }
    if (db->statements[oldest].sql) {
        char sql_of_end[40];
        snprintf(sql_of_end, sizeof sql_of_end, "DEALLOCATE %s", db->statements[oldest].name);
        free(db->statements[oldest].sql);
        db->statements[oldest].sql = NULL;
        int32_t status = db_exec(db, sql_of_end);
        if (status != VOICEGW_OK)
            return status;
    }
    char *copy = strdup(sql);
    sql_to_postgresql(&own, sql);
    if (!copy || own.failed) {
        free(copy);
        free(own.data);
        return db->host->set_error(db->host, VOICEGW_ELIMIT, "out of memory");
    }
    snprintf(db->statements[oldest].name, sizeof db->statements[oldest].name, "s%u", (unsigned)++db->names);
    PGresult *r = PQprepare(db->handle, db->statements[oldest].name, own.data, 0, NULL);
    int32_t status = PQresultStatus(r) == PGRES_COMMAND_OK ? VOICEGW_OK : db_failed(db, r, "a statement was refused");
    PQclear(r);
    free(own.data);
    if (status != VOICEGW_OK) {
        free(copy);
        return status;
    }
    db->statements[oldest].sql = copy;
    db->statements[oldest].used = db->uses;
    *ret_name = db->statements[oldest].name;
    return VOICEGW_OK;
}

int32_t db_run(struct db *db, const char *sql, const char *const *values, int count, PGresult **ret_result)
{
    const char *name = NULL;
    int32_t status = db_prepare(db, sql, &name);
    if (status != VOICEGW_OK)
        return status;
    PGresult *r = PQexecPrepared(db->handle, name, count, values, NULL, NULL, 0);
    ExecStatusType s = PQresultStatus(r);
    if (s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK) {
        *ret_result = r;
        return VOICEGW_OK;
    }
    status = db_failed(db, r, "a statement failed");
    PQclear(r);
    return status;
}

/* ---- migrations ---- */

static int32_t step_tables(struct db *db)
{
    const struct table *t;
    struct text sql = {0};
    for (size_t i = 0; (t = table_at(i)); i++) {
        sql_table_begin(&sql, t, "BIGINT", "DOUBLE PRECISION", "TEXT COLLATE \"C\"");
        text_adds(&sql, "rowid BIGSERIAL, ");
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

/* The events of several gateways: their numbers are each gateway's own. */
static int32_t step_event_node(struct db *db)
{
    return db_exec(db, "ALTER TABLE events ADD COLUMN IF NOT EXISTS node TEXT COLLATE \"C\" NOT NULL DEFAULT '';"
                       "ALTER TABLE events DROP CONSTRAINT IF EXISTS events_pkey;"
                       "ALTER TABLE events ADD PRIMARY KEY (event_id, node)");
}

/* Numbered for ever: a step that was released is never changed, only followed. */
static int32_t (*const steps[])(struct db *db) = {step_tables, step_event_node};
#define VERSION ((int)(sizeof steps / sizeof *steps))

static int32_t read_version(struct db *db, int *ret_version)
{
    PGresult *r = PQexec(db->handle, "SELECT max(version) FROM voicegw_schema");
    if (PQresultStatus(r) != PGRES_TUPLES_OK) {
        int32_t status = db_failed(db, r, "its version cannot be read");
        PQclear(r);
        return status;
    }
    *ret_version = PQgetisnull(r, 0, 0) ? 0 : (int)strtol(PQgetvalue(r, 0, 0), NULL, 10);
    PQclear(r);
    return VOICEGW_OK;
}

static int32_t take_steps(struct db *db)
{
    char sql[96];
    int version = 0;
    int32_t status = db_exec(db, "CREATE TABLE IF NOT EXISTS voicegw_schema (version INTEGER PRIMARY KEY)");
    if (status == VOICEGW_OK)
        status = read_version(db, &version);
    if (status == VOICEGW_OK && version > VERSION) {
        snprintf(sql, sizeof sql, "the database is of version %d, made by a newer gateway; this one knows up to %d",
                 version, VERSION);
        return db->host->set_error(db->host, VOICEGW_EUNSUPPORTED, sql);
    }
    for (; version < VERSION && status == VOICEGW_OK; version++) {
        status = steps[version](db);
        snprintf(sql, sizeof sql, "INSERT INTO voicegw_schema VALUES (%d)", version + 1);
        if (status == VOICEGW_OK)
            status = db_exec(db, sql);
    }
    return status;
}

int32_t db_migrate(struct db *db)
{
    char sql[192];
    int32_t status = db_exec(db, "BEGIN");
    if (status != VOICEGW_OK)
        return status;
    /* Of several gateways that start at once one migrates; the number is ours, nobody else's locks have it. */
    status = db_exec(db, "SELECT pg_advisory_xact_lock(8651470012345)");
    if (status == VOICEGW_OK) {
        snprintf(sql, sizeof sql, "CREATE SCHEMA IF NOT EXISTS \"%s\"", db->schema);
        if (strcmp(db->schema, "public") != 0)
            status = db_exec(db, sql);
    }
    if (status == VOICEGW_OK)
        status = take_steps(db);
    if (status == VOICEGW_OK)
        return db_exec(db, "COMMIT");
    PQclear(PQexec(db->handle, "ROLLBACK"));
    return status;
}
