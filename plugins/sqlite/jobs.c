/* jobs.c - what has to have one owner: jobs and leases; and retention. */
#include <stdlib.h>
#include <string.h>
#include "db.h"

static int32_t finish(struct db *db, sqlite3_stmt *s, int32_t status, int rc, const char *doing)
{
    if (status == VOICEGW_OK && rc != SQLITE_DONE && rc != SQLITE_ROW)
        status = db_failed(db, doing);
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    return status;
}

static void bind_text(sqlite3_stmt *s, int at, const char *text)
{
    sqlite3_bind_text(s, at, text, -1, SQLITE_TRANSIENT);
}

int32_t db_claim(struct db *db, const char *queue, const char *owner, uint32_t n, int64_t now_us, int64_t ttl_us,
                 voicegw_row row, void *arg)
{
    const struct table *jobs = table_find("jobs");
    struct text sql = {0}, rows = {0};
    sqlite3_stmt *s = NULL;
    sql_claim(&sql);
    int32_t status = sql.failed ? VOICEGW_ELIMIT : db_prepare(db, sql.data, &s);
    free(sql.data);
    if (status != VOICEGW_OK)
        return status;
    bind_text(s, 1, owner);
    sqlite3_bind_int64(s, 2, now_us + ttl_us);
    sqlite3_bind_int64(s, 3, now_us);
    bind_text(s, 4, queue);
    sqlite3_bind_int64(s, 5, n);
    int rc;
    size_t count = 0;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
        db_row(&rows, jobs, s, 0, -1);
        text_add(&rows, "", 1); /* one string after another */
        count++;
    }
    status = finish(db, s, rows.failed ? VOICEGW_ELIMIT : VOICEGW_OK, rc, "jobs cannot be claimed");
    /* Told only now: what is told is committed. */
    const char *at = rows.data;
    for (size_t i = 0; i < count && status == VOICEGW_OK; i++, at += strlen(at) + 1) {
        if (row(arg, at) != 0)
            break;
    }
    free(rows.data);
    return status;
}

int32_t db_lease_acquire(struct db *db, const char *name, const char *owner, int64_t now_us, int64_t ttl_us,
                         uint64_t *ret_fence)
{
    sqlite3_stmt *s;
    int32_t status = db_prepare(db, sql_lease_acquire, &s);
    if (status != VOICEGW_OK)
        return status;
    bind_text(s, 1, name);
    bind_text(s, 2, owner);
    sqlite3_bind_int64(s, 3, now_us + ttl_us);
    sqlite3_bind_int64(s, 4, now_us);
    uint64_t fence = 0;
    int rc;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW)
        fence = (uint64_t)sqlite3_column_int64(s, 0);
    status = finish(db, s, VOICEGW_OK, rc, "a lease cannot be written");
    if (status != VOICEGW_OK)
        return status;
    if (!fence)
        return db->host->set_error(db->host, VOICEGW_EBUSY, "another owner holds the lease");
    *ret_fence = fence;
    return VOICEGW_OK;
}

static int32_t touch_lease(struct db *db, const char *name, const char *owner, uint64_t fence, int64_t until_us)
{
    sqlite3_stmt *s;
    int32_t status = db_prepare(db, sql_lease_touch, &s);
    if (status != VOICEGW_OK)
        return status;
    bind_text(s, 1, name);
    bind_text(s, 2, owner);
    sqlite3_bind_int64(s, 3, (sqlite3_int64)fence);
    sqlite3_bind_int64(s, 4, until_us);
    status = finish(db, s, VOICEGW_OK, sqlite3_step(s), "a lease cannot be written");
    if (status == VOICEGW_OK && sqlite3_changes(db->handle) == 0)
        status = db->host->set_error(db->host, VOICEGW_EBUSY, "the lease is not held under this owner and fence");
    return status;
}

int32_t db_lease_renew(struct db *db, const char *name, const char *owner, uint64_t fence, int64_t now_us,
                       int64_t ttl_us)
{
    return touch_lease(db, name, owner, fence, now_us + ttl_us);
}

int32_t db_lease_release(struct db *db, const char *name, const char *owner, uint64_t fence)
{
    return touch_lease(db, name, owner, fence, 0);
}

int32_t db_health(struct db *db)
{
    return db_exec(db, "INSERT INTO state (scope, name, value) VALUES ('store', 'health', 'ok')"
                       " ON CONFLICT (scope, name) DO UPDATE SET value = excluded.value");
}

int32_t db_purge(struct db *db, const char *table, int64_t before_us, uint32_t limit, uint32_t *ret_deleted)
{
    const struct table *t = table_find(table);
    struct text sql = {0};
    sqlite3_stmt *s = NULL;
    if (!t)
        return db->host->set_error(db->host, VOICEGW_EINVALID, "there is no such table to purge");
    sql_purge(&sql, t);
    int32_t status = sql.failed ? VOICEGW_ELIMIT : db_prepare(db, sql.data, &s);
    free(sql.data);
    if (status != VOICEGW_OK)
        return status;
    sqlite3_bind_int64(s, 1, before_us);
    sqlite3_bind_int64(s, 2, limit);
    status = finish(db, s, VOICEGW_OK, sqlite3_step(s), "old rows cannot be removed");
    if (status == VOICEGW_OK)
        *ret_deleted = (uint32_t)sqlite3_changes(db->handle);
    return status;
}
