#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "event/journal_impl.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/time.h"

#define WAITERS_MAX 100000u
#define SEGMENT_MIN (64u << 10)
#define SEGMENT_LARGEST (32u << 20)
#define RETRY_US VGW_US_PER_S

struct waiter {
    struct vgw_list link;
    uint64_t pos;
    void (*fn)(void *arg, int status);
    void *arg;
};

static struct vgw_segment *segment_of(struct vgw_list *link)
{
    return VGW_CONTAINER_OF(link, struct vgw_segment, link);
}

static struct vgw_segment *current(const struct vgw_journal *j)
{
    return vgw_list_empty(&j->segments) ? NULL : segment_of(j->segments.prev);
}

/* ---- health ---- */

static void tell_trouble(struct vgw_journal *j, unsigned bit, bool is_there, const char *what, int error)
{
    unsigned before = j->trouble;
    j->trouble = is_there ? before | bit : before & ~bit;
    if (j->trouble == before || j->closing)
        return;
    char detail[256];
    snprintf(detail, sizeof detail, "%s%s%s", what, error ? ": " : "", error ? strerror(error) : "");
    if (is_there)
        vgw_log(VGW_LOG_ERROR, NULL, "the journal is in trouble", "what", detail, NULL);
    else if (!j->trouble)
        vgw_log(VGW_LOG_INFO, NULL, "the journal is well again", NULL);
    if (j->options.health && (is_there || !j->trouble))
        j->options.health(j->options.health_arg, !j->trouble, j->trouble ? detail : "");
}

static void check_lag(struct vgw_journal *j)
{
    tell_trouble(j, VGW_TROUBLE_LAG, j->segment_count * 4 >= j->segments_max * 3,
                 "the store lags behind: three quarters of journal.max_size are taken", 0);
}

/* ---- continuations ---- */

static void drop_segment(struct vgw_journal *j, struct vgw_segment *s)
{
    vgw_list_remove(&s->link);
    if (s->fd >= 0)
        close(s->fd);
    vgw_free(s);
    j->segment_count--;
}

static void destroy(struct vgw_journal *j)
{
    while (!vgw_list_empty(&j->segments))
        drop_segment(j, segment_of(j->segments.next));
    for (size_t i = 0; i < j->spare_count; i++)
        close(j->spares[i].fd);
    if (j->lock_fd >= 0)
        close(j->lock_fd);
    if (j->dir_fd >= 0)
        close(j->dir_fd);
    vgw_free(j->scratch);
    vgw_free((char *)j->options.path);
    vgw_free(j);
}

/* Waiters stand in the order in which they came; few are ever out of the order of positions. */
static void run_waiters(struct vgw_journal *j)
{
    struct vgw_list ready, *pos, *nxt;
    vgw_list_init(&ready);
    VGW_LIST_EACH (pos, nxt, &j->waiters) {
        struct waiter *w = VGW_CONTAINER_OF(pos, struct waiter, link);
        if (j->closing || !j->options.sync_commit || w->pos <= j->synced || w->pos <= j->failed) {
            vgw_list_remove(pos);
            vgw_list_append(&ready, pos);
        }
    }
    while ((pos = vgw_list_pop(&ready))) {
        struct waiter w = *VGW_CONTAINER_OF(pos, struct waiter, link);
        bool good = w.pos <= j->synced || (!j->options.sync_commit && w.pos > j->failed);
        vgw_free(VGW_CONTAINER_OF(pos, struct waiter, link));
        j->waiter_count--;
        w.fn(w.arg, good ? VGW_OK : VGW_ESTORAGE);
    }
}

/* ---- sync ---- */

static void start_sync(struct vgw_journal *j)
{
    struct vgw_sync_job *s = &j->sync;
    struct vgw_list *pos, *nxt;
    if (s->running || j->closing)
        return;
    s->count = 0;
    s->target = j->synced;
    VGW_LIST_EACH (pos, nxt, &j->segments) {
        struct vgw_segment *segment = segment_of(pos);
        if (!segment->dirty)
            continue;
        if (s->count == VGW_SYNC_MAX)
            break;
        segment->dirty = false;
        segment->syncing = true;
        s->segments[s->count] = segment;
        s->fds[s->count++] = segment->fd;
        s->target = segment->end;
    }
    if (!s->count)
        return;
    s->running = true;
    if (vgw_pool_submit(j->pool, &s->job) == VGW_OK)
        return;
    /* The lane is full: later. */
    s->running = false;
    for (size_t i = 0; i < s->count; i++) {
        s->segments[i]->dirty = true;
        s->segments[i]->syncing = false;
    }
    vgw_timer_start(&j->sync_timer, j->options.interval_us);
}

static void work_sync(void *arg)
{
    struct vgw_journal *j = arg;
    j->sync.error = 0;
    for (size_t i = 0; i < j->sync.count; i++) {
        if (fdatasync(j->sync.fds[i]) != 0)
            j->sync.error = errno;
    }
}

static bool any_dirty(const struct vgw_journal *j)
{
    struct vgw_list *pos, *nxt;
    VGW_LIST_EACH (pos, nxt, &j->segments) {
        if (segment_of(pos)->dirty)
            return true;
    }
    return false;
}

static void upkeep(struct vgw_journal *j);

static void done_sync(void *arg)
{
    struct vgw_journal *j = arg;
    struct vgw_sync_job *s = &j->sync;
    s->running = false;
    for (size_t i = 0; i < s->count; i++) {
        struct vgw_segment *segment = s->segments[i];
        segment->syncing = false;
        segment->dirty = segment->dirty || s->error;
        if (segment != current(j) && !segment->dirty) {
            close(segment->fd);
            segment->fd = -1;
        }
    }
    if (s->error)
        j->failed = s->target > j->failed ? s->target : j->failed;
    else
        j->synced = s->target;
    tell_trouble(j, VGW_TROUBLE_SYNC, s->error != 0, "the journal's disk refuses to sync", s->error);
    if (!j->closing) {
        if (any_dirty(j) && !vgw_timer_armed(&j->sync_timer))
            vgw_timer_start(&j->sync_timer, s->error ? RETRY_US : j->options.interval_us);
        upkeep(j);
    }
    vgw_loop_post(j->loop, &j->turn_task);
}

/* Once for all appends and continuations of a turn; and the end, when nothing of the journal is under way any more. */
static void on_turn(struct vgw_task *task)
{
    struct vgw_journal *j = VGW_CONTAINER_OF(task, struct vgw_journal, turn_task);
    if (j->closing) {
        if (!j->sync.running && !j->upkeep.running)
            destroy(j);
        return;
    }
    run_waiters(j);
    if (!vgw_list_empty(&j->waiters))
        start_sync(j);
}

static void on_sync_timer(void *arg)
{
    start_sync(arg);
}

/* ---- segments ---- */

static void collect_retired(struct vgw_journal *j)
{
    struct vgw_list *pos, *nxt;
    VGW_LIST_EACH (pos, nxt, &j->segments) {
        struct vgw_segment *s = segment_of(pos);
        if (s == current(j) || s->end > j->checkpoint || s->dirty || s->syncing ||
            j->upkeep.retire_count == VGW_RETIRE_MAX)
            break;
        j->upkeep.retire[j->upkeep.retire_count++] = s->number;
        drop_segment(j, s);
    }
}

static void upkeep(struct vgw_journal *j)
{
    struct vgw_upkeep_job *u = &j->upkeep;
    if (u->running || j->closing)
        return;
    u->retire_count = u->make_count = 0;
    collect_retired(j);
    while (j->spare_count + u->make_count < VGW_SPARES &&
           j->segment_count + j->spare_count + u->make_count < j->segments_max && !vgw_timer_armed(&j->retry_timer))
        u->make[u->make_count++] = (struct vgw_spare){.number = j->next_number++, .fd = -1};
    check_lag(j);
    if (!u->make_count && !u->retire_count)
        return;
    u->running = true;
    if (vgw_pool_submit(j->pool, &u->job) == VGW_OK)
        return;
    /* The lane is full. Nothing is lost: files that are left over are found at the next start. */
    u->running = false;
    vgw_timer_start(&j->retry_timer, RETRY_US);
}

static void done_upkeep(void *arg)
{
    struct vgw_upkeep_job *u = arg;
    struct vgw_journal *j = VGW_CONTAINER_OF(u, struct vgw_journal, upkeep);
    u->running = false;
    for (size_t i = 0; i < u->make_count; i++) {
        if (u->make[i].fd >= 0)
            j->spares[j->spare_count++] = u->make[i];
    }
    tell_trouble(j, VGW_TROUBLE_SPACE, u->error != 0, "the journal's disk has no room for another segment", u->error);
    if (j->closing) {
        vgw_loop_post(j->loop, &j->turn_task);
        return;
    }
    if (u->error)
        vgw_timer_start(&j->retry_timer, RETRY_US);
    else
        upkeep(j);
}

static void on_retry_timer(void *arg)
{
    upkeep(arg);
}

static bool write_all(int fd, const uint8_t *data, size_t len, uint64_t at)
{
    while (len > 0) {
        ssize_t n = pwrite(fd, data, len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        len -= (size_t)n;
        at += (uint64_t)n;
    }
    return true;
}

/* Begins the next segment in the first spare. */
static int next_segment(struct vgw_journal *j)
{
    struct vgw_segment *last = current(j), *s;
    if (!j->spare_count || !VGW_NEW(s))
        return VGW_ESTORAGE;
    *s = (struct vgw_segment){.number = j->spares[0].number, .fd = j->spares[0].fd};
    s->base = j->next_base;
    s->end = s->base + VGW_SEGMENT_HEADER;
    uint8_t head[VGW_SEGMENT_HEADER + VGW_RECORD_HEADER] = {0};
    vgw_segment_write_header(
        &(struct vgw_segment_header){
            .number = s->number, .base = s->base, .mark = j->mark, .checkpoint = j->checkpoint},
        head);
    if (!write_all(s->fd, head, sizeof head, 0)) {
        vgw_free(s);
        return VGW_ESTORAGE;
    }
    s->dirty = true;
    j->next_base = s->base + j->options.segment_bytes;
    j->spares[0] = j->spares[1];
    j->spare_count--;
    if (last && last->fd >= 0 && !last->dirty && !last->syncing) {
        close(last->fd);
        last->fd = -1;
    }
    vgw_list_append(&j->segments, &s->link);
    j->segment_count++;
    upkeep(j);
    return VGW_OK;
}

/* ---- the interface ---- */

static int begin(struct vgw_journal *j, struct vgw_error *err)
{
    for (size_t i = 0; i < VGW_SPARES; i++) {
        int fd = vgw_segment_file_make(j->dir_fd, j->next_number, j->options.segment_bytes);
        if (fd < 0)
            break;
        j->spares[j->spare_count++] = (struct vgw_spare){.number = j->next_number++, .fd = fd};
    }
    if (!j->spare_count)
        return vgw_error_at(err, VGW_ESTORAGE, j->options.path,
                            "the journal cannot get %u bytes of disk (%s); make room or set journal.path",
                            j->options.segment_bytes, strerror(errno));
    if (next_segment(j) != VGW_OK)
        return vgw_error_at(err, VGW_ESTORAGE, j->options.path, "the journal's first segment cannot be written");
    j->synced = current(j)->base;
    return VGW_OK;
}

int vgw_journal_open(struct vgw_loop *loop, struct vgw_pool *pool, const struct vgw_journal_options *options,
                     vgw_journal_fn replay, void *arg, struct vgw_journal_stats *ret_stats,
                     struct vgw_journal **ret_journal, struct vgw_error *err)
{
    struct vgw_journal *j;
    struct vgw_journal_stats stats = {0};
    if (!VGW_NEW(j))
        return vgw_error_nomem(err);
    j->loop = loop;
    j->pool = pool;
    j->options = *options;
    j->dir_fd = j->lock_fd = -1;
    j->next_number = 1;
    vgw_list_init(&j->segments);
    vgw_list_init(&j->waiters);
    struct vgw_journal_options *o = &j->options;
    o->path = vgw_strdup(options->path);
    o->segment_bytes = o->segment_bytes ? o->segment_bytes & ~7u : VGW_JOURNAL_SEGMENT;
    o->segment_bytes = o->segment_bytes < SEGMENT_MIN       ? SEGMENT_MIN
                       : o->segment_bytes > SEGMENT_LARGEST ? SEGMENT_LARGEST
                                                            : o->segment_bytes;
    o->interval_us = o->interval_us > 0 ? o->interval_us : VGW_JOURNAL_INTERVAL_US;
    uint64_t segments_max = (o->max_bytes ? o->max_bytes : VGW_JOURNAL_MAX_SIZE) / o->segment_bytes;
    j->segments_max = segments_max < 4 ? 4 : segments_max > 65536 ? 65536 : (size_t)segments_max;
    vgw_timer_init(&j->sync_timer, loop, on_sync_timer, j);
    vgw_timer_init(&j->retry_timer, loop, on_retry_timer, j);
    j->turn_task.fn = on_turn;
    j->sync.job = (struct vgw_job){.work = work_sync, .done = done_sync, .arg = j, .home = loop, .lane = VGW_LANE_DB};
    j->upkeep.job = (struct vgw_job){
        .work = vgw_journal_upkeep, .done = done_upkeep, .arg = &j->upkeep, .home = loop, .lane = VGW_LANE_DB};
    int rc = o->path ? vgw_journal_replay(j, replay, arg, &stats, err) : vgw_error_nomem(err);
    if (rc == VGW_OK) {
        j->upkeep.dir_fd = j->dir_fd;
        j->upkeep.segment_bytes = o->segment_bytes;
        rc = begin(j, err);
    }
    if (rc != VGW_OK) {
        destroy(j);
        return rc;
    }
    if (ret_stats)
        *ret_stats = stats;
    *ret_journal = j;
    return VGW_OK;
}

void vgw_journal_free(struct vgw_journal *j)
{
    if (!j)
        return;
    vgw_timer_stop(&j->sync_timer);
    vgw_timer_stop(&j->retry_timer);
    bool good = true;
    struct vgw_list *pos, *nxt;
    VGW_LIST_EACH (pos, nxt, &j->segments) {
        struct vgw_segment *s = segment_of(pos);
        if (s->fd >= 0 && (s->dirty || s->syncing))
            good = fdatasync(s->fd) == 0 && good;
    }
    if (good)
        j->synced = vgw_journal_pos(j);
    j->closing = true;
    run_waiters(j);
    /* Jobs and the turn's task may be under way: the last of them frees. */
    vgw_loop_post(j->loop, &j->turn_task);
}

static bool grow_scratch(struct vgw_journal *j, size_t size)
{
    if (size <= j->scratch_cap)
        return true;
    size_t cap = (size + 4095) & ~(size_t)4095;
    uint8_t *scratch = vgw_realloc(j->scratch, cap);
    if (!scratch)
        return false;
    j->scratch = scratch;
    j->scratch_cap = cap;
    return true;
}

int vgw_journal_append(struct vgw_journal *j, uint32_t type, const void *data, size_t len, uint64_t *ret_pos)
{
    size_t size = vgw_record_size(len);
    if (len > VGW_JOURNAL_RECORD_MAX || size + VGW_SEGMENT_HEADER > j->options.segment_bytes)
        return VGW_EINVALID;
    if (!grow_scratch(j, size + VGW_RECORD_HEADER))
        return VGW_ELIMIT;
    struct vgw_segment *s = current(j);
    if (s->end - s->base + size > j->options.segment_bytes) {
        if (next_segment(j) != VGW_OK) {
            tell_trouble(j, VGW_TROUBLE_WRITE, true, "the journal is full", 0);
            return VGW_ESTORAGE;
        }
        s = current(j);
    }
    vgw_record_write(s->number, type, data, len, j->scratch);
    /* Zeros behind it say "here it ends", where an earlier life of the file may have left other things. */
    size_t left = j->options.segment_bytes - (size_t)(s->end - s->base) - size;
    size_t tail = left < VGW_RECORD_HEADER ? left : VGW_RECORD_HEADER;
    memset(j->scratch + size, 0, tail);
    if (!write_all(s->fd, j->scratch, size + tail, s->end - s->base)) {
        tell_trouble(j, VGW_TROUBLE_WRITE, true, "the journal cannot be written", errno);
        return VGW_ESTORAGE;
    }
    s->end += size;
    s->dirty = true;
    tell_trouble(j, VGW_TROUBLE_WRITE, false, "", 0);
    if (!vgw_timer_armed(&j->sync_timer))
        vgw_timer_start(&j->sync_timer, j->options.interval_us);
    if (ret_pos)
        *ret_pos = s->end;
    return VGW_OK;
}

void vgw_journal_set_sync(struct vgw_journal *j, bool commit, int64_t interval_us)
{
    j->options.sync_commit = commit;
    j->options.interval_us = interval_us > 0 ? interval_us : VGW_JOURNAL_INTERVAL_US;
}

int vgw_journal_when_synced(struct vgw_journal *j, uint64_t pos, void (*fn)(void *arg, int status), void *arg)
{
    struct waiter *w = NULL;
    if (j->waiter_count >= WAITERS_MAX || !VGW_NEW(w))
        return VGW_ELIMIT;
    *w = (struct waiter){.pos = pos, .fn = fn, .arg = arg};
    vgw_list_append(&j->waiters, &w->link);
    j->waiter_count++;
    vgw_loop_post(j->loop, &j->turn_task);
    return VGW_OK;
}

static void put_number(uint64_t v, uint8_t out[8])
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> (8 * i));
}

void vgw_journal_checkpoint(struct vgw_journal *j, uint64_t pos)
{
    if (pos <= j->checkpoint)
        return;
    j->checkpoint = pos;
    uint8_t bytes[8];
    put_number(pos, bytes);
    /* Failing is harmless: the records are replayed once more. */
    (void)vgw_journal_append(j, VGW_RECORD_CHECKPOINT, bytes, sizeof bytes, NULL);
    upkeep(j);
}

uint64_t vgw_journal_pos(const struct vgw_journal *j)
{
    return current(j)->end;
}

uint64_t vgw_journal_bytes(const struct vgw_journal *j)
{
    return (uint64_t)j->segment_count * j->options.segment_bytes;
}

uint64_t vgw_journal_mark(const struct vgw_journal *j)
{
    return j->mark;
}

int vgw_journal_set_mark(struct vgw_journal *j, uint64_t mark)
{
    uint8_t bytes[8];
    if (mark <= j->mark)
        return VGW_OK;
    put_number(mark, bytes);
    int rc = vgw_journal_append(j, VGW_RECORD_MARK, bytes, sizeof bytes, NULL);
    if (rc == VGW_OK)
        j->mark = mark;
    return rc;
}
