/* journal.h - what must not be lost: an append-only log in preallocated segments, so that a full disk still takes the
 * end of the calls that run. Control appends (a copy into the page cache), the db lane syncs in groups, makes segments
 * and removes them. A record survives kill -9 as soon as vgw_journal_append() has returned, and loss of power once it
 * is synced.
 *
 * What is here is needed until the store has it: the owner says so by a checkpoint. After a crash the records since
 * then are replayed, in order; a torn tail is expected, a damaged record is skipped and counted. Replaying twice must
 * be harmless to the owner.
 *
 * Thread: control for everything. */
#ifndef VGW_EVENT_JOURNAL_H
#define VGW_EVENT_JOURNAL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "loop/loop.h"
#include "loop/pool.h"

#define VGW_JOURNAL_SEGMENT (4u << 20)
#define VGW_JOURNAL_MAX_SIZE (UINT64_C(256) << 20) /* journal.max_size */
#define VGW_JOURNAL_RECORD_MAX (256u << 10)        /* bytes of one record */
#define VGW_JOURNAL_INTERVAL_US (INT64_C(50000))   /* journal.interval */

struct vgw_journal_options {
    const char *path;       /* a directory, made if need be */
    bool sync_commit;       /* journal.sync: commit (continuations wait for the disk) or interval (they do not) */
    int64_t interval_us;    /* 0: 50 ms */
    uint64_t max_bytes;     /* 0: 256 MiB; at least four segments */
    uint32_t segment_bytes; /* 0: 4 MiB; at least 64 KiB */
    /** Called when the state changes: false with a sentence when the disk is full or fails, or the store lags so that
     * max_bytes is near; true when all is well again. May be NULL. */
    void (*health)(void *arg, bool ok, const char *detail);
    void *health_arg;
};

/** What a replay has met. */
struct vgw_journal_stats {
    uint64_t records, bytes;
    uint64_t corrupt; /* damaged places that were skipped */
    uint64_t torn;    /* segments that end in the middle of a record */
    uint64_t segments;
};
/** A record of an earlier run; `data` is borrowed. `pos` is the position after it. */
typedef void (*vgw_journal_fn)(void *arg, uint32_t type, const void *data, size_t len, uint64_t pos);

struct vgw_journal;
/** Opens, replays what was not checkpointed, and begins a new segment with two in reserve. Blocks on the disk: for the
 * start only. VGW_EBUSY: another process has it open. VGW_ESTORAGE: the directory cannot be made, read or written. */
int vgw_journal_open(struct vgw_loop *loop, struct vgw_pool *pool, const struct vgw_journal_options *options,
                     vgw_journal_fn replay, void *arg, struct vgw_journal_stats *ret_stats,
                     struct vgw_journal **ret_journal, struct vgw_error *err);
/** Syncs what is written and calls the continuations that still wait; closes when the lane has finished its work on it,
 * so the loop and the pool must run on or be freed later. Takes NULL. */
void vgw_journal_free(struct vgw_journal *j);
/** Appends a record; *ret_pos (may be NULL) is the position after it. `type` below 0xFFFFFF00 is the caller's.
 * VGW_ESTORAGE: no segment is left (disk full, or max_bytes reached); VGW_EINVALID: longer than VGW_JOURNAL_RECORD_MAX.
 */
int vgw_journal_append(struct vgw_journal *j, uint32_t type, const void *data, size_t len, uint64_t *ret_pos);
/** Calls fn(arg, status) once everything up to `pos` is as safe as journal.sync asks, never from inside this call.
 * Status VGW_ESTORAGE: the disk refused. VGW_ELIMIT: more than 100,000 wait, or out of memory; then fn is not called.
 */
int vgw_journal_when_synced(struct vgw_journal *j, uint64_t pos, void (*fn)(void *arg, int status), void *arg);
/** A reload's journal.sync and journal.interval (0: the default); what waits is answered by the new rule at the next
 * sync. */
void vgw_journal_set_sync(struct vgw_journal *j, bool commit, int64_t interval_us);
/** Everything up to `pos` is safely in the store: it will not be replayed; whole segments are used again. Positions
 * only grow. */
void vgw_journal_checkpoint(struct vgw_journal *j, uint64_t pos);
/** The position after the last record. */
uint64_t vgw_journal_pos(const struct vgw_journal *j);
/** Bytes that the journal's live segments take; for metrics. */
uint64_t vgw_journal_bytes(const struct vgw_journal *j);

/** A number that outlives checkpoints (the first event id that is not yet promised); 0 when none was set. */
uint64_t vgw_journal_mark(const struct vgw_journal *j);
/** Raises it. The same failures as an append. */
int vgw_journal_set_mark(struct vgw_journal *j, uint64_t mark);
#endif
