/* journal_impl.h - shared by the journal's files: journal.c (control), journal_file.c (files, replay, the db lane's
 * work). */
#ifndef VGW_EVENT_JOURNAL_IMPL_H
#define VGW_EVENT_JOURNAL_IMPL_H
#include "base/list.h"
#include "event/journal_scan.h"

#define VGW_SPARES 2u
#define VGW_SYNC_MAX 8u
#define VGW_RETIRE_MAX 16u

struct vgw_segment {
    struct vgw_list link;
    uint64_t number, base, end; /* positions; end: after the last record */
    int fd;                     /* -1: clean and closed */
    bool dirty, syncing;
};

struct vgw_spare {
    uint64_t number;
    int fd;
};

/* A job and what it works on; nobody touches it between submit and done but the job. */
struct vgw_sync_job {
    struct vgw_job job;
    bool running;
    struct vgw_segment *segments[VGW_SYNC_MAX];
    int fds[VGW_SYNC_MAX];
    size_t count;
    uint64_t target; /* position that is safe when it succeeds */
    int error;       /* errno */
};
struct vgw_upkeep_job {
    struct vgw_job job;
    bool running;
    int dir_fd;
    uint32_t segment_bytes;
    uint64_t retire[VGW_RETIRE_MAX]; /* numbers of files to be used again or removed */
    size_t retire_count;
    struct vgw_spare make[VGW_SPARES]; /* numbers in, descriptors out (-1: failed) */
    size_t make_count;
    int error;
};

enum { VGW_TROUBLE_SPACE = 1, VGW_TROUBLE_SYNC = 2, VGW_TROUBLE_WRITE = 4, VGW_TROUBLE_LAG = 8 };

struct vgw_journal {
    struct vgw_loop *loop;
    struct vgw_pool *pool;
    struct vgw_journal_options options;
    int dir_fd, lock_fd;
    struct vgw_list segments; /* oldest first; the last is written to */
    size_t segment_count, segments_max;
    struct vgw_spare spares[VGW_SPARES];
    size_t spare_count;
    uint64_t next_number;
    uint64_t synced, failed, checkpoint, mark;
    uint64_t next_base; /* position of the next segment's first byte */
    uint8_t *scratch;
    size_t scratch_cap;
    struct vgw_list waiters;
    size_t waiter_count;
    struct vgw_timer sync_timer, retry_timer;
    struct vgw_task turn_task;
    struct vgw_sync_job sync;
    struct vgw_upkeep_job upkeep;
    unsigned trouble;
    bool closing;
};

/** Opens and locks the directory, replays, fills segments with what must still be kept. */
int vgw_journal_replay(struct vgw_journal *j, vgw_journal_fn fn, void *arg, struct vgw_journal_stats *stats,
                       struct vgw_error *err);
/** Makes (or makes from a retired one) a preallocated file; descriptor or -1 with errno. Any thread. */
int vgw_segment_file_make(int dir_fd, uint64_t number, uint32_t bytes);
/** The job's work: spares first from what is retired, then new; the rest of the retired is removed. */
void vgw_journal_upkeep(void *upkeep_job);
#endif
