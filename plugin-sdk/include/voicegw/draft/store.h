/* voicegw/draft/store.h - records on disk or in a database. Part of the voicegw plugin SDK (MIT). Draft: may change
 * until version 1 is cut.
 *
 * All functions run on [pool], the gateway's one db thread, and are synchronous. No transaction stays open across
 * calls. `now_us` is an argument (wall clock, microseconds). Rows are JSON objects; the tables and columns are listed
 * in voicegw_plugin(3): sessions, calls, turns, metrics, events, recordings, jobs, leases, state. Times are integer
 * microseconds since 1970, open-ended columns are JSON values. */
#ifndef VOICEGW_DRAFT_STORE_H
#define VOICEGW_DRAFT_STORE_H
#include <stdint.h>
#include "voicegw/host.h"

#define VOICEGW_KIND_STORE "voicegw.store/1"

/** Receives one row of a query; returning non-zero stops. The text is borrowed. */
typedef int32_t (*voicegw_row)(void *arg, const char *row_json);

struct voicegw_store {
    uint32_t size;
    uint32_t reserved;
    int32_t (*open)(void *instance);
    /** Brings the schema to this plugin's version, step by step; harmless when it is there. */
    int32_t (*migrate)(void *instance);
    /** Applies a batch atomically: all or nothing. `batch_json` is an array of
     *  {"op": "insert" | "upsert" | "update" | "delete", "table": NAME, "key": {column: value}, "values": {column:
     * value}, "guard": {column: value}}. insert does nothing where the key exists; upsert inserts or replaces the given
     * columns; update and delete touch rows that match key and guard. *ret_changed: rows touched. VOICEGW_EINVALID: an
     * unknown table or column (the sentence names it); VOICEGW_ESTORAGE: disk full, not writable: nothing was changed.
     */
    int32_t (*apply)(void *instance, const char *batch_json, uint32_t *ret_changed);
    /** Rows of a table: `filter_json` {"column": value, "column>=": value, "column<": value, "column~": "prefix", …}
     * (all must hold), newest first by the table's time (events: by event_id) unless "order": "asc" stands in it; at
     * most `limit`; `cursor` continues after the last row of the page before (its "_cursor"), or NULL. Each row
     * carries "_cursor". */
    int32_t (*query)(void *instance, const char *table, const char *filter_json, uint32_t limit, const char *cursor,
                     voicegw_row row, void *arg);
    /** Takes at most `n` due jobs of a queue for `ttl_us`: rows of "jobs" whose due_at is past and that nobody holds.
     */
    int32_t (*claim)(void *instance, const char *queue, const char *owner, uint32_t n, int64_t now_us, int64_t ttl_us,
                     voicegw_row row, void *arg);
    /** *ret_fence grows with each change of hands. VOICEGW_EBUSY: another owner holds it. */
    int32_t (*lease_acquire)(void *instance, const char *name, const char *owner, int64_t now_us, int64_t ttl_us,
                             uint64_t *ret_fence);
    int32_t (*lease_renew)(void *instance, const char *name, const char *owner, uint64_t fence, int64_t now_us,
                           int64_t ttl_us);
    int32_t (*lease_release)(void *instance, const char *name, const char *owner, uint64_t fence);
    /** 0 when a write would succeed now. */
    int32_t (*health)(void *instance);
    /** Deletes rows of `table` older than `before_us` (at most `limit`); *ret_deleted. For retention. */
    int32_t (*purge)(void *instance, const char *table, int64_t before_us, uint32_t limit, uint32_t *ret_deleted);
    /** Counts rows that a filter (as query() has it, without an order) takes: `what_json` {"by": [column, …], "sum":
     * [column, …]}; a row {column: value, …, "count": n, column: sum or null} for each group, in any order; one row
     * when `by` is empty. */
    int32_t (*tally)(void *instance, const char *table, const char *filter_json, const char *what_json, voicegw_row row,
                     void *arg);
};

#endif
