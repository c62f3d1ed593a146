/* store.h - the core's side of the store kind: writes in batches, reads with continuations, on the db lane. Thread:
 * control for everything; callbacks come on control, never from inside a call.
 *
 * A write that is journalled is not lost: it is in the journal before vgw_store_write() returns, and the journal is
 * checkpointed only behind what the store has applied. While the store refuses (disk full), writes are kept and tried
 * again with backoff. Batches are atomic and each operation is an upsert by key, so that applying one again is
 * harmless. The store alone checkpoints the journal. */
#ifndef VGW_STORE_STORE_H
#define VGW_STORE_STORE_H
#include "base/json.h"
#include "event/journal.h"
#include "loop/loop.h"
#include "loop/pool.h"

struct voicegw_store;

#define VGW_STORE_QUEUE_MAX 50000u /* writes that are not journalled, waiting; beyond they are dropped and counted */
#define VGW_STORE_BATCH_ROWS 200u
#define VGW_STORE_BATCH_BYTES (1u << 20)
#define VGW_STORE_BATCH_US (INT64_C(50000))
#define VGW_STORE_RETRY_MAX_US (INT64_C(30000000))
#define VGW_STORE_REQUESTS_MAX 1000u /* reads, claims, leases under way */
#define VGW_STORE_ROWS_MAX 1000u     /* rows of one query */
#define VGW_JOURNAL_STORE_OP 1u      /* type of the journal's records: one operation's JSON text */

struct vgw_store_options {
    const struct voicegw_store *table; /* the plugin's; valid until the store is closed */
    void *instance;
    /** The sentence that the plugin left on this thread last (db thread); may be NULL. */
    const char *(*last_error)(void *arg);
    /** The store writes, or does not and why; when that changes. May be NULL. */
    void (*health)(void *arg, bool ok, const char *detail);
    void *arg;
    struct vgw_journal *journal; /* may be NULL: nothing is journalled */
};
struct vgw_store;
/** Opens and migrates on the db lane, then writes what has been queued meanwhile. NULL when out of memory. */
struct vgw_store *vgw_store_new(struct vgw_loop *loop, struct vgw_pool *pool, const struct vgw_store_options *options);
/** Applies what is queued: calls closed(arg) when all is written, or at once when the store refuses (the journal has it
 * then). */
void vgw_store_close(struct vgw_store *store, void (*closed)(void *arg), void *arg);
/** After vgw_store_close() has called back; or at any time, then what is queued and not journalled is lost. Requests
 * under way are called back with VGW_EBUSY. The loop must run on or be freed later. Takes NULL. */
void vgw_store_free(struct vgw_store *store);

enum vgw_store_durability { VGW_STORE_QUEUED, VGW_STORE_JOURNALLED };
/** Queues one operation, {"op","table","key","values","guard"} as in voicegw/draft/store.h; takes `op`, also on
 * failure. An array of operations is journalled as one and applied in one batch: all of it or nothing. *ret_pos (may be
 * NULL): the journal's position, for vgw_journal_when_synced(). VGW_ESTORAGE: the journal
 * refused; the write is queued nevertheless. VGW_ELIMIT: dropped (queue full, or out of memory). `op` NULL is
 * VGW_ELIMIT. */
int vgw_store_write(struct vgw_store *store, struct vgw_json *op, enum vgw_store_durability durability,
                    uint64_t *ret_pos);
/** An operation met in the journal's replay: queued as it stands, its position kept. */
int vgw_store_replay(struct vgw_store *store, const void *text, size_t len, uint64_t pos);
/** Writes waiting. */
size_t vgw_store_backlog(const struct vgw_store *store);
bool vgw_store_is_well(const struct vgw_store *store);

/** The end of a request. `rows`: an array, borrowed (vgw_json_ref() keeps it); empty on failure. `sentence`: why it
 * failed, or "". */
typedef void (*vgw_store_fn)(void *arg, int status, const char *sentence, const struct vgw_json *rows);
/** Rows of a table; `filter` as the kind's query() has it, borrowed, may be NULL; each row carries "_cursor". All
 * writes queued before are seen by it (unless the store refuses to write). VGW_ELIMIT: too many requests; then fn is
 * not called. The same for the functions below. */
int vgw_store_query(struct vgw_store *store, const char *table, const struct vgw_json *filter, uint32_t limit,
                    const char *cursor, vgw_store_fn fn, void *arg);
/** Takes due jobs; the rows are jobs. */
int vgw_store_claim(struct vgw_store *store, const char *queue, const char *owner, uint32_t n, int64_t ttl_us,
                    vgw_store_fn fn, void *arg);
/** rows: [{"fence": n}]. VGW_EBUSY: another holds it. */
int vgw_store_lease_acquire(struct vgw_store *store, const char *name, const char *owner, int64_t ttl_us,
                            vgw_store_fn fn, void *arg);
int vgw_store_lease_renew(struct vgw_store *store, const char *name, const char *owner, uint64_t fence, int64_t ttl_us,
                          vgw_store_fn fn, void *arg);
int vgw_store_lease_release(struct vgw_store *store, const char *name, const char *owner, uint64_t fence,
                            vgw_store_fn fn, void *arg);
/** Counts and sums by groups, as the kind's tally() has it; all writes queued before are seen. VGW_EUNSUPPORTED in fn:
 * the plugin cannot. */
int vgw_store_tally(struct vgw_store *store, const char *table, const struct vgw_json *filter,
                    const struct vgw_json *what, vgw_store_fn fn, void *arg);
/** Applies operations (an array, taken, also on failure) now and tells when they are in the store, which other gateways
 * then see: for what must be known before something is done. All writes queued before come first. rows: [{"changed":
 * rows touched}]. VGW_EINVALID, VGW_ESTORAGE: nothing was changed. */
int vgw_store_apply(struct vgw_store *store, struct vgw_json *ops, vgw_store_fn fn, void *arg);
/** Removes rows older than the wall time given, 500 at a time with other work between; rows: [{"deleted": n}]. */
int vgw_store_purge(struct vgw_store *store, const char *table, int64_t before_us, vgw_store_fn fn, void *arg);
/** Removes the oldest rows beyond `keep`, as vgw_store_purge() does; the same rows. VGW_EUNSUPPORTED: this store cannot
 * count. */
int vgw_store_trim(struct vgw_store *store, const char *table, uint64_t keep, vgw_store_fn fn, void *arg);
#endif
