/* rows.c - batches of writes, and rows by filter. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "db.h"

/* A value as the text that the server reads, allocated; NULL in *ret for null. */
static int32_t text_of(struct db *db, struct sql_value *v, char **ret)
{
    char *out = v->owned;
    *ret = NULL;
    if (v->kind == SQL_NULL)
        return VOICEGW_OK;
    if (!out)
        out = malloc(v->kind == SQL_TEXT ? v->bytes + 1 : 40);
    if (!out)
        return db->host->set_error(db->host, VOICEGW_ELIMIT, "out of memory");
    if (v->kind == SQL_INT) {
        snprintf(out, 40, "%lld", (long long)v->number);
    } else if (v->kind == SQL_REAL) {
        struct text number = {0};
        text_real(&number, v->real);
        snprintf(out, 40, "%s", number.data && number.data[0] != 'n' ? number.data : "NaN");
        free(number.data);
    } else if (!v->owned) {
        memcpy(out, v->text, v->bytes);
        out[v->bytes] = '\0';
    }
    *ret = out;
    return VOICEGW_OK;
}

static void values_free(char **values, size_t count)
{
    while (count > 0)
        free(values[--count]);
}

/* The statement's parameters as texts, to be freed in any case. `status`: what making the statement answered. */
static int32_t values_of(struct db *db, struct sql_statement *statement, int32_t status, char **values,
                         size_t *ret_count)
{
    size_t count = 0;
    if (status != VOICEGW_OK)
        status = db->host->set_error(db->host, status, statement->why);
    else if (statement->text.failed)
        status = db->host->set_error(db->host, VOICEGW_ELIMIT, "out of memory");
    for (; count < statement->count && status == VOICEGW_OK; count++) {
        struct sql_value v;
        values[count] = NULL;
        status = sql_value(statement, &statement->params[count], &v);
        status = status == VOICEGW_OK ? text_of(db, &v, &values[count])
                                      : db->host->set_error(db->host, status, statement->why);
    }
    *ret_count = count;
    return status;
}

int32_t db_run_statement(struct db *db, struct sql_statement *statement, int32_t status, PGresult **ret_result)
{
    char *values[SQL_PARAMS_MAX];
    size_t count = 0;
    status = values_of(db, statement, status, values, &count);
    if (status == VOICEGW_OK)
        status = db_run(db, statement->text.data, (const char *const *)values, (int)count, ret_result);
    values_free(values, count);
    sql_done(statement);
    return status;
}

/* ---- a batch: its statements go out together, so that the way to the server is gone once and not for each ---- */

#define FLYING_MAX 64u /* their answers fit the buffers of a connection that nobody reads meanwhile */

struct flight {
    const struct table *tables[FLYING_MAX]; /* of the statements that were sent */
    uint32_t count, changed, told;
};

static void count_result(struct flight *f, const struct table *table, PGresult *r)
{
    uint32_t rows = (uint32_t)strtoul(PQcmdTuples(r), NULL, 10);
    f->changed += rows;
    for (uint32_t i = 0; rows && db_channel(table->name) && table_at(i); i++)
        f->told |= table_at(i) == table ? 1u << i : 0;
}

/* What was sent is answered; the first failure is the one that tells why. */
static int32_t land(struct db *db, struct flight *f)
{
    int32_t status = VOICEGW_OK;
    if (PQpipelineStatus(db->handle) == PQ_PIPELINE_OFF)
        return VOICEGW_OK;
    if (!PQpipelineSync(db->handle)) { /* nothing will mark its end: the connection is of no use any more */
        status = db_failed(db, NULL, "a batch cannot be sent");
        db_close(db);
        return status;
    }
    for (uint32_t i = 0; i < f->count && status != VOICEGW_ESTORAGE; i++) {
        PGresult *r = PQgetResult(db->handle);
        ExecStatusType s = PQresultStatus(r);
        if (status == VOICEGW_OK && (s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK))
            count_result(f, f->tables[i], r);
        else if (status == VOICEGW_OK)
            status = db_failed(db, r, "a statement failed");
        PQclear(r);
        if (r)
            PQclear(PQgetResult(db->handle)); /* the end of this statement */
    }
    f->count = 0;
    /* Up to the mark behind the last; a connection that has broken gives nothing any more. */
    for (PGresult *r; PQstatus(db->handle) == CONNECTION_OK;) {
        r = PQgetResult(db->handle);
        int last = PQresultStatus(r) == PGRES_PIPELINE_SYNC;
        PQclear(r);
        if (last)
            break;
    }
    if (!PQexitPipelineMode(db->handle) && status == VOICEGW_OK)
        status = db_failed(db, NULL, "a batch was not answered");
    return status;
}

static int32_t send_one(struct db *db, struct voicegw_json item, struct flight *f)
{
    struct sql_statement statement = {.count = 0};
    char *values[SQL_PARAMS_MAX];
    const char *name = NULL;
    size_t count = 0;
    int32_t status = values_of(db, &statement, sql_of_operation(&statement, item), values, &count);
    if (status == VOICEGW_OK && (f->count == FLYING_MAX || !db_is_prepared(db, statement.text.data)))
        status = land(db, f);
    if (status == VOICEGW_OK)
        status = db_prepare(db, statement.text.data, &name);
    if (status == VOICEGW_OK && PQpipelineStatus(db->handle) == PQ_PIPELINE_OFF && !PQenterPipelineMode(db->handle))
        status = db_failed(db, NULL, "a batch cannot be begun");
    if (status == VOICEGW_OK &&
        !PQsendQueryPrepared(db->handle, name, (int)count, (const char *const *)values, NULL, NULL, 0))
        status = db_failed(db, NULL, "a statement cannot be sent");
    if (status == VOICEGW_OK)
        f->tables[f->count++] = statement.table;
    values_free(values, count);
    sql_done(&statement);
    return status;
}

/* Whoever waits for rows of these tables is woken when the transaction is through. */
static int32_t tell(struct db *db, uint32_t told)
{
    int32_t status = VOICEGW_OK;
    char sql[64];
    for (uint32_t i = 0; told >> i && status == VOICEGW_OK; i++) {
        if (!(told >> i & 1u))
            continue;
        snprintf(sql, sizeof sql, "NOTIFY %s", db_channel(table_at(i)->name));
        status = db_exec(db, sql);
    }
    return status;
}

int32_t db_apply(struct db *db, const char *batch_json, uint32_t *ret_changed)
{
    struct voicegw_json batch = voicegw_json_of(batch_json);
    struct flight f = {.count = 0};
    if (voicegw_json_type(batch) != VOICEGW_JSON_ARRAY || !voicegw_json_valid(batch_json, strlen(batch_json)))
        return db->host->set_error(db->host, VOICEGW_EINVALID, "a batch is a JSON array of operations");
    int32_t status = db_exec(db, "BEGIN");
    if (status != VOICEGW_OK)
        return status;
    struct voicegw_json_iter it = voicegw_json_each(batch);
    while (status == VOICEGW_OK && voicegw_json_next(&it))
        status = send_one(db, it.value, &f);
    int32_t landed = land(db, &f);
    status = status == VOICEGW_OK ? landed : status;
    if (status == VOICEGW_OK)
        status = tell(db, f.told);
    if (status == VOICEGW_OK)
        status = db_exec(db, "COMMIT");
    if (status != VOICEGW_OK) {
        PQclear(PQexec(db->handle, "ROLLBACK"));
        return status;
    }
    *ret_changed = f.changed;
    return VOICEGW_OK;
}

static void add_value(struct text *out, const struct column *c, const PGresult *r, int row, int at)
{
    const char *value = PQgetvalue(r, row, at);
    if (PQgetisnull(r, row, at)) {
        text_adds(out, "null");
        return;
    }
    switch (c->kind) {
    case COLUMN_BOOL:
        text_adds(out, strcmp(value, "0") == 0 ? "false" : "true");
        return;
    case COLUMN_INT:
    case COLUMN_JSON:
        text_add(out, value, (size_t)PQgetlength(r, row, at));
        return;
    case COLUMN_REAL:
        text_real(out, strtod(value, NULL));
        return;
    case COLUMN_TEXT:
        text_quote(out, value, (size_t)PQgetlength(r, row, at));
        return;
    }
}

void db_row(struct text *out, const struct table *t, const PGresult *r, int row, int has_cursor)
{
    int i = 0;
    text_adds(out, "{");
    for (; i < COLUMNS_MAX && t->columns[i].name; i++) {
        text_adds(out, i ? ",\"" : "\"");
        text_adds(out, t->columns[i].name);
        text_adds(out, "\":");
        add_value(out, &t->columns[i], r, row, i);
    }
    if (has_cursor) {
        text_adds(out, ",\"_cursor\":\"");
        text_adds(out, PQgetvalue(r, row, i));
        text_adds(out, "_");
        text_adds(out, PQgetvalue(r, row, i + 1));
        text_adds(out, "\"");
    }
    text_adds(out, "}");
}

int32_t db_query(struct db *db, const char *table, const char *filter_json, uint32_t limit, const char *cursor,
                 voicegw_row row, void *arg)
{
    struct sql_statement statement = {.count = 0};
    struct text out = {0};
    PGresult *r = NULL;
    int32_t status = db_run_statement(db, &statement, sql_of_query(&statement, table, filter_json, limit, cursor), &r);
    for (int i = 0; status == VOICEGW_OK && i < PQntuples(r); i++) {
        out.len = 0;
        db_row(&out, statement.table, r, i, 1);
        if (out.failed)
            status = db->host->set_error(db->host, VOICEGW_ELIMIT, "out of memory");
        else if (row(arg, out.data) != 0)
            break;
    }
    PQclear(r);
    free(out.data);
    return status;
}

int32_t db_tally(struct db *db, const char *table, const char *filter_json, const char *what_json, voicegw_row row,
                 void *arg)
{
    struct sql_statement statement = {.count = 0};
    struct table shape;
    struct text out = {0};
    PGresult *r = NULL;
    int32_t status =
        db_run_statement(db, &statement, sql_of_tally(&statement, table, filter_json, what_json, &shape), &r);
    for (int i = 0; status == VOICEGW_OK && i < PQntuples(r); i++) {
        out.len = 0;
        db_row(&out, &shape, r, i, 0);
        if (out.failed)
            status = db->host->set_error(db->host, VOICEGW_ELIMIT, "out of memory");
        else if (row(arg, out.data) != 0)
            break;
    }
    PQclear(r);
    free(out.data);
    return status;
}
