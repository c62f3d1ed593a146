/* jobs.c - what has to have one owner: jobs and leases; and retention. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "db.h"

/* Numbers as the text that the server reads. */
struct number {
    char text[24];
};

static const char *number_of(struct number *n, int64_t value)
{
    snprintf(n->text, sizeof n->text, "%lld", (long long)value);
    return n->text;
}

int32_t db_claim(struct db *db, const char *queue, const char *owner, uint32_t n, int64_t now_us, int64_t ttl_us,
                 voicegw_row row, void *arg)
{
    struct text sql = {0}, out = {0};
    struct number until, now, limit;
    PGresult *r = NULL;
    const char *const values[] = {owner, number_of(&until, now_us + ttl_us), number_of(&now, now_us), queue,
                                  number_of(&limit, n)};
    sql_claim(&sql);
    int32_t status = sql.failed ? db->host->set_error(db->host, VOICEGW_ELIMIT, "out of memory")
                                : db_run(db, sql.data, values, 5, &r);
    free(sql.data);
    for (int i = 0; status == VOICEGW_OK && i < PQntuples(r); i++) {
        out.len = 0;
        db_row(&out, table_find("jobs"), r, i, 0);
        if (out.failed)
            status = db->host->set_error(db->host, VOICEGW_ELIMIT, "out of memory");
        else if (row(arg, out.data) != 0)
            break;
    }
    PQclear(r);
    free(out.data);
    return status;
}

int32_t db_lease_acquire(struct db *db, const char *name, const char *owner, int64_t now_us, int64_t ttl_us,
                         uint64_t *ret_fence)
{
    struct number until, now;
    PGresult *r = NULL;
    const char *const values[] = {name, owner, number_of(&until, now_us + ttl_us), number_of(&now, now_us)};
    int32_t status = db_run(db, sql_lease_acquire, values, 4, &r);
    if (status != VOICEGW_OK)
        return status;
    if (PQntuples(r) > 0)
        *ret_fence = strtoull(PQgetvalue(r, 0, 0), NULL, 10);
    else
        status = db->host->set_error(db->host, VOICEGW_EBUSY, "another owner holds the lease");
    PQclear(r);
    return status;
}

int32_t db_lease_touch(struct db *db, const char *name, const char *owner, uint64_t fence, int64_t until_us)
{
    struct number held, until;
    PGresult *r = NULL;
    const char *const values[] = {name, owner, number_of(&held, (int64_t)fence), number_of(&until, until_us)};
    int32_t status = db_run(db, sql_lease_touch, values, 4, &r);
    if (status != VOICEGW_OK)
        return status;
    if (strcmp(PQcmdTuples(r), "1") != 0)
        status = db->host->set_error(db->host, VOICEGW_EBUSY, "the lease is not held under this owner and fence");
    PQclear(r);
    return status;
}

int32_t db_health(struct db *db)
{
    return db_exec(db, "INSERT INTO state (scope, name, value) VALUES ('store', 'health', 'ok')"
                       " ON CONFLICT (scope, name) DO UPDATE SET value = excluded.value");
}

int32_t db_purge(struct db *db, const char *table, int64_t before_us, uint32_t limit, uint32_t *ret_deleted)
{
    const struct table *t = table_find(table);
    struct number before, most;
    struct text sql = {0};
    PGresult *r = NULL;
    if (!t)
        return db->host->set_error(db->host, VOICEGW_EINVALID, "there is no such table to purge");
    const char *const values[] = {number_of(&before, before_us), number_of(&most, limit)};
    sql_purge(&sql, t);
    int32_t status = sql.failed ? db->host->set_error(db->host, VOICEGW_ELIMIT, "out of memory")
                                : db_run(db, sql.data, values, 2, &r);
    free(sql.data);
    if (status != VOICEGW_OK)
        return status;
    *ret_deleted = (uint32_t)strtoul(PQcmdTuples(r), NULL, 10);
    PQclear(r);
    return VOICEGW_OK;
}
