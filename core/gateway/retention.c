/* retention.c - what is older than the configuration wants is removed: rows of the store and files of recordings, every
 * hour; and the stored events beyond events.keep, as they come. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "event/ring.h"
#include "gateway/archive.h"
#include "gateway/gateway_private.h"
#include "media/sound_file.h"
#include "store/store.h"

#define FIRST_US (1 * VGW_US_PER_S)
#define EVERY_US (3600 * VGW_US_PER_S)
#define LOOK_US (10 * VGW_US_PER_S) /* how often it is seen whether events have come that are to go */
#define OLD_ROWS 500                /* recordings that are looked up at a time */
#define SHARE 10                    /* of events.keep: so many new ones are worth a count */

static const struct {
    const char *option, *table;
} kept[] = {
    {"records", "turns"},         {"records", "metrics"}, {"records", "calls"}, {"records", "sessions"},
    {"recordings", "recordings"}, {"events", "events"},   {"events", "outbox"},
};
#define KEPT (sizeof kept / sizeof kept[0])

struct vgw_purge { /* one round */
    struct vgw_gateway *g;
    size_t next;
    bool elsewhere; /* recordings in a bucket have been asked to go */
    struct vgw_job files;
    char *folder;
    int64_t files_before_us;
    uint64_t removed;
};

/* 0: kept for ever. */
static int64_t age_us(const struct vgw_gateway *g, const char *option)
{
    const struct vgw_options *o = vgw_options_section(g->plan->main, "retention");
    return o && vgw_options_explicit(o, option) ? vgw_options_duration_us(o, option) : 0;
}

static void purge_over(struct vgw_purge *p)
{
    if (p->removed) {
        struct vgw_buf n = {0};
        vgw_buf_printf(&n, "%llu", (unsigned long long)p->removed);
        vgw_log(VGW_LOG_INFO, NULL, "what is older than retention allows was removed", "removed", vgw_buf_str(&n),
                NULL);
        vgw_buf_done(&n);
    }
    p->g->purge = NULL;
    vgw_free(p->folder);
    vgw_free(p);
}

static void purge_next(struct vgw_purge *p);

static void on_purged(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct vgw_purge *p = arg;
    if (status < 0)
        vgw_log(VGW_LOG_WARNING, NULL, "old rows could not be removed; the next round tries again", "table",
                kept[p->next - 1].table, "error", sentence, NULL);
    else
        p->removed += (uint64_t)vgw_json_get_int(vgw_json_at(rows, 0), "deleted", 0);
    purge_next(p);
}

/* Rows go behind what they stand for: one that there is no room to erase now keeps its row until the next round. */
static void old_recordings(struct vgw_purge *p, const char *cursor);

static bool old_erase(struct vgw_gateway *g, const struct vgw_json *row)
{
    char name[VGW_ID_MAX + 8];
    int n = snprintf(name, sizeof name, "%s.%s", vgw_json_get_string(row, "recording_id", ""),
                     vgw_json_get_string(row, "format", "wav"));
    return n < 0 || (size_t)n >= sizeof name || vgw_archive_erase(g->archive, name);
}

static void on_old_recordings(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct vgw_purge *p = arg;
    size_t n = status < 0 ? 0 : vgw_json_count(rows), i = 0;
    while (i < n && old_erase(p->g, vgw_json_at(rows, i)))
        i++;
    if (status < 0 || i < n)
        p->next++;
    if (n == OLD_ROWS && i == n)
        old_recordings(p, vgw_json_get_string(vgw_json_at(rows, n - 1), "_cursor", NULL));
    else
        purge_next(p);
}

static void old_recordings(struct vgw_purge *p, const char *cursor)
{
    struct vgw_gateway *g = p->g;
    struct vgw_json *filter = vgw_json_object();
    vgw_json_set_int(filter, "started_at<", vgw_wall(g->loop) - age_us(g, "recordings"));
    int rc = g->store && !g->ending
                 ? vgw_store_query(g->store, "recordings", filter, OLD_ROWS, cursor, on_old_recordings, p)
                 : VGW_ESTORAGE;
    vgw_json_free(filter);
    if (rc == 0)
        return;
    p->next++;
    purge_next(p);
}

static void purge_next(struct vgw_purge *p)
{
    struct vgw_gateway *g = p->g;
    if (p->next < KEPT && vgw_streq(kept[p->next].table, "recordings") && !p->elsewhere &&
        age_us(g, "recordings") > 0 && vgw_archive_on(g->archive) && g->store && !g->ending) {
        p->elsewhere = true;
        old_recordings(p, NULL);
        return;
    }
    while (p->next < KEPT && g->store && !g->ending) {
        if (vgw_streq(kept[p->next].table, "recordings") && !p->elsewhere && vgw_archive_on(g->archive) &&
            age_us(g, "recordings") > 0) {
            purge_next(p);
            return;
        }
        size_t i = p->next++;
        int64_t age = age_us(g, kept[i].option);
        if (age > 0 && vgw_store_purge(g->store, kept[i].table, vgw_wall(g->loop) - age, on_purged, p) == 0)
            return;
    }
    purge_over(p);
}

/* [pool] */
static void remove_files(void *arg)
{
    struct vgw_purge *p = arg;
    DIR *d = opendir(p->folder);
    struct dirent *e;
    while (d && (e = readdir(d))) {
        struct stat st;
        if ((!vgw_sound_file_named(e->d_name) && !vgw_ends_with(e->d_name, ".s3")) ||
            fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
            continue;
        if ((int64_t)st.st_mtime * VGW_US_PER_S < p->files_before_us && unlinkat(dirfd(d), e->d_name, 0) == 0)
            p->removed++;
    }
    if (d)
        closedir(d);
}

static void on_files_removed(void *arg)
{
    purge_next(arg);
}

static void on_purge_timer(void *arg)
{
    struct vgw_gateway *g = arg;
    struct vgw_purge *p;
    int64_t age = age_us(g, "recordings");
    vgw_timer_start(&g->purge_timer, EVERY_US);
    if (g->purge || !VGW_NEW(p))
        return;
    *p = (struct vgw_purge){.g = g,
                            .folder = vgw_strdup(vgw_options_string(g->plan->main, "recordings.path")),
                            .files_before_us = vgw_wall(g->loop) - age};
    p->files = (struct vgw_job){
        .work = remove_files, .done = on_files_removed, .arg = p, .home = g->loop, .lane = VGW_LANE_IO};
    g->purge = p;
    if (age <= 0 || !p->folder || vgw_pool_submit(g->pool, &p->files) < 0)
        purge_next(p);
}

/* ---- the event log ---- */

static void on_trimmed(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    struct vgw_gateway *g = arg;
    uint64_t removed = (uint64_t)vgw_json_get_int(vgw_json_at(rows, 0), "deleted", 0);
    g->trimming = false;
    if (status < 0)
        vgw_log(VGW_LOG_WARNING, NULL, "events beyond events.keep could not be removed; they are tried again", "error",
                sentence, NULL);
    vgw_metric_add(vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_stored_events_removed_total",
                                     "Stored events beyond events.keep that were removed", NULL),
                   (double)removed, NULL, NULL, NULL);
}

/* An age in retention.events is what the operator wants instead. */
static void on_trim_timer(void *arg)
{
    struct vgw_gateway *g = arg;
    uint64_t keep = (uint64_t)vgw_options_int(g->plan->main, "events.keep");
    uint64_t next = vgw_ring_next(vgw_bus_ring(g->bus));
    vgw_timer_start(&g->trim_timer, LOOK_US);
    if (g->trimming || !g->store || g->ending || age_us(g, "events") ||
        (g->trimmed_at && next - g->trimmed_at < keep / SHARE))
        return;
    g->trimming = vgw_store_trim(g->store, "events", keep, on_trimmed, g) == 0;
    if (g->trimming)
        g->trimmed_at = next;
}

/* ---- life ---- */

void vgw_gateway_retention_changed(struct vgw_gateway *g)
{
    if (age_us(g, "records") || age_us(g, "recordings") || age_us(g, "events"))
        vgw_timer_start(&g->purge_timer, FIRST_US);
    else
        vgw_timer_stop(&g->purge_timer);
}

void vgw_gateway_retention_open(struct vgw_gateway *g)
{
    vgw_timer_init(&g->purge_timer, g->loop, on_purge_timer, g);
    vgw_timer_init(&g->trim_timer, g->loop, on_trim_timer, g);
    vgw_timer_start(&g->trim_timer, FIRST_US);
    vgw_gateway_retention_changed(g);
}
