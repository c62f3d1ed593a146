/* archive.c - finished recordings on their way to S3-compatible storage, and back: one after another, again when it
 * fails, from the folder of recordings itself, so that what a restart or an outage leaves behind is found there. */
#include "gateway/archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "gateway/gateway_private.h"
#include "media/sound_file.h"
#include "net/s3.h"
#include "net/tls.h"

#define TASKS_MAX 10000u
#define TRIES_MAX 10u
#define BACKOFF_US VGW_US_PER_S
#define BACKOFF_MAX_US (300 * VGW_US_PER_S)
#define BACK_MAX 16u                     /* recordings that are fetched back at a time */
#define CALM_US (2 * VGW_US_PER_S)       /* a file that was written to since is not finished */
#define SCAN_FIRST_US (2 * VGW_US_PER_S) /* after the start or a reload */
#define SCAN_EVERY_US (3600 * VGW_US_PER_S)
#define ADDRESS_S 300 /* that an address is good for */
#define MARK ".s3"    /* behind the name of a file that is stored and kept here, too */
#define NAME_BYTES (VGW_ID_MAX + 8)
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

enum kind { STORE, ERASE };
struct task {
    struct vgw_list link;
    struct vgw_archive *a;
    struct vgw_timer timer;
    struct vgw_job job;
    enum kind kind;
    unsigned tries;
    bool running; /* a request or a job is under way */
    bool stored;  /* the job is what follows that */
    bool keep;
    uint64_t max_bytes;
    int64_t wall_us;
    char name[NAME_BYTES]; /* of the file: the id and the ending of its format */
    char *path;
    struct vgw_buf body;
    char payload[65];
    int status;
};
struct back { /* a recording that is fetched for somebody who wants a part of it */
    struct vgw_list link;
    struct vgw_archive *a;
    struct vgw_job job;
    char *path;
    char *data;
    size_t bytes;
    int status;
    vgw_archive_fn done;
    void *arg;
};
struct vgw_archive {
    struct vgw_gateway *g;
    struct vgw_list tasks, backs;
    size_t task_count;
    struct vgw_timer scan_timer;
    struct vgw_job scan_job;
    bool scanning, failing;
    char *folder;
    char (*found)[NAME_BYTES];
    size_t found_count;
    uint64_t number;
};

static const struct vgw_options *options(const struct vgw_archive *a)
{
    return vgw_options_section(a->g->plan->main, "recordings");
}

bool vgw_archive_on(const struct vgw_archive *a)
{
    return a && vgw_streq(vgw_options_string(options(a), "storage"), "s3");
}

static const char *revealed(const struct vgw_options *o, const char *name)
{
    const struct vgw_secret *s = vgw_options_secret(o, name);
    return s ? vgw_secret_reveal(s) : "";
}

static struct vgw_s3_site site_of(const struct vgw_archive *a)
{
    const struct vgw_options *o = options(a);
    return (struct vgw_s3_site){.base_url = vgw_options_string(o, "base_url"),
                                .bucket = vgw_options_string(o, "bucket"),
                                .region = vgw_options_string(o, "region"),
                                .access_key = vgw_options_string(o, "access_key_id"),
                                .secret_key = revealed(o, "secret_access_key"),
                                .session_token = revealed(o, "session_token")};
}

static char *key_of(const struct vgw_archive *a, const char *name)
{
    const char *prefix = vgw_options_string(options(a), "prefix");
    struct vgw_buf b = {0};
    vgw_buf_printf(&b, "%s%s", prefix ? prefix : "", name);
    return vgw_buf_take(&b);
}

void vgw_archive_check(const struct vgw_plan *plan, struct vgw_config_errors *errors)
{
    static const char *const needed[] = {"bucket", "access_key_id"};
    const struct vgw_options *o = vgw_options_section(plan->main, "recordings");
    const char *url = o ? vgw_options_string(o, "base_url") : NULL;
    if (!o || !vgw_streq(vgw_options_string(o, "storage"), "s3"))
        return;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!vgw_options_string(o, needed[i]) || !vgw_options_string(o, needed[i])[0])
            vgw_options_error(o, "storage", errors, "storage: s3 needs %s", needed[i]);
    if (!revealed(o, "secret_access_key")[0])
        vgw_options_error(o, "storage", errors, "storage: s3 needs secret_access_key");
    if (url && url[0] && !vgw_starts_with(url, "http://") && !vgw_starts_with(url, "https://"))
        vgw_options_error(o, "base_url", errors, "base_url must begin with http:// or https://");
}

/* ---- requests ---- */

/* What a name ends with says what it is. */
static const char *type_of(const char *name)
{
    for (size_t i = 0; i < VGW_SOUND_FORMATS; i++)
        if (vgw_ends_with(name, vgw_sound_formats[i].name))
            return vgw_sound_formats[i].content_type;
    return "application/octet-stream";
}

static int send(struct vgw_archive *a, const char *method, const char *name, const char *payload,
                const struct vgw_buf *body, void (*on_done)(void *arg, const struct vgw_client_result *result),
                void *arg, struct vgw_error *err)
{
    struct vgw_client *client = vgw_gateway_client_of(a->g, a->g->loop);
    struct vgw_s3_site site = site_of(a);
    struct vgw_s3_request signed_request;
    char *key = key_of(a, name);
    int rc = client && key ? vgw_s3_sign(&site, method, key, body ? type_of(name) : NULL, payload, vgw_wall(a->g->loop),
                                         &signed_request, err)
                           : vgw_error_nomem(err);
    vgw_free(key);
    if (rc < 0)
        return rc;
    const char *headers[7];
    size_t n = 0;
    for (; n < 6 && signed_request.headers[n]; n++)
        headers[n] = signed_request.headers[n];
    headers[n] = NULL;
    struct vgw_client_request request = {.method = method,
                                         .url = signed_request.url,
                                         .headers = headers,
                                         .body = body ? body->data : NULL,
                                         .body_len = body ? body->len : 0,
                                         .timeout_us = vgw_options_duration_us(options(a), "timeout"),
                                         .max_body_bytes = vgw_options_size(options(a), "fetch_max_size"),
                                         .trusted = true,
                                         .on_done = on_done,
                                         .arg = arg};
    rc = vgw_client_send(client, &request, NULL, err);
    vgw_s3_request_done(&signed_request);
    return rc;
}

/* ---- one task after another ---- */

static void next_start(struct vgw_archive *a);

static void depth(const struct vgw_archive *a)
{
    vgw_metric_set(vgw_metric_family(VGW_METRIC_GAUGE, "voicegw_queue_depth", "Waiting in a queue", "queue"),
                   (double)a->task_count, "uploads", NULL, NULL);
}

static void count(const char *result)
{
    vgw_metric_add(vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_recordings_archived_total",
                                     "Recordings that were to be stored in S3, or erased there", "result"),
                   1, result, NULL, NULL);
}

static void task_free(struct task *t)
{
    vgw_timer_stop(&t->timer);
    vgw_list_remove(&t->link);
    t->a->task_count--;
    depth(t->a);
    vgw_buf_done(&t->body);
    vgw_free(t->path);
    vgw_free(t);
}

static void over(struct task *t, const char *result)
{
    struct vgw_archive *a = t->a;
    if (result)
        count(result);
    task_free(t);
    next_start(a);
}

static void well(struct vgw_archive *a, bool ok, const char *sentence)
{
    if (a->failing == !ok)
        return;
    a->failing = !ok;
    vgw_gateway_part(a->g, "recordings", ok, ok ? "" : sentence);
    if (!ok)
        vgw_log(VGW_LOG_WARNING, NULL, "recordings cannot be stored in S3; they stay here until they can", "error",
                sentence, NULL);
}

/* What is given up is found again by the next look into the folder. */
static void again(struct task *t, const char *sentence)
{
    struct vgw_archive *a = t->a;
    int64_t wait = BACKOFF_US << (t->tries < 10 ? (t->tries ? t->tries - 1 : 0) : 10);
    t->running = false;
    vgw_buf_done(&t->body);
    t->body = (struct vgw_buf){0};
    well(a, false, sentence);
    if (t->tries >= TRIES_MAX || a->g->ending) {
        over(t, "failed");
        return;
    }
    vgw_timer_start(&t->timer, wait < BACKOFF_MAX_US ? wait : BACKOFF_MAX_US);
    next_start(a);
}

/* [pool] */
static void put_away(struct task *t)
{
    struct vgw_buf mark = {0};
    vgw_buf_printf(&mark, "%s" MARK, t->path);
    if (!t->keep) {
        unlink(t->path);
    } else {
        int fd = open(vgw_buf_str(&mark), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
        if (fd >= 0)
            close(fd);
    }
    vgw_buf_done(&mark);
}

/* [pool] */
static int read_whole(struct task *t, int fd, uint64_t bytes)
{
    uint8_t digest[32];
    struct vgw_buf hex = {0};
    char *chunk = vgw_calloc(1, 65536);
    ssize_t n = chunk ? 1 : -1;
    vgw_buf_init(&t->body, bytes + 1);
    while (n > 0 && (n = read(fd, chunk, 65536)) > 0)
        vgw_buf_add(&t->body, chunk, (size_t)n);
    vgw_free(chunk);
    if (n < 0 || t->body.failed || t->body.len != bytes)
        return VGW_ESTORAGE;
    vgw_digest(VGW_DIGEST_SHA256, t->body.data, t->body.len, digest);
    vgw_hex_encode(&hex, digest, sizeof digest);
    vgw_strcopy(t->payload, sizeof t->payload, vgw_buf_str(&hex));
    vgw_buf_done(&hex);
    return 0;
}

/* [pool] */
static void work(void *arg)
{
    struct task *t = arg;
    struct stat st;
    if (t->stored) {
        put_away(t);
        return;
    }
    int fd = open(t->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        t->status = VGW_ENOTFOUND;
    else if ((uint64_t)st.st_size > t->max_bytes)
        t->status = VGW_ELIMIT;
    else if ((int64_t)st.st_mtime * VGW_US_PER_S > t->wall_us - CALM_US)
        t->status = VGW_EBUSY;
    else
        t->status = read_whole(t, fd, (uint64_t)st.st_size);
    if (fd >= 0)
        close(fd);
}

static void submit(struct task *t)
{
    t->running = true;
    t->wall_us = vgw_wall(t->a->g->loop);
    t->keep = vgw_options_bool(options(t->a), "keep_local");
    t->max_bytes = vgw_options_size(options(t->a), "upload_max_size");
    if (vgw_pool_submit(t->a->g->pool, &t->job) < 0)
        again(t, "too many files are being read");
}

static void on_answer(void *arg, const struct vgw_client_result *r)
{
    struct task *t = arg;
    struct vgw_archive *a = t->a;
    bool gone = t->kind == ERASE && r->http_status == 404;
    if (a->g->ending) {
        task_free(t);
        return;
    }
    if (r->status < 0 || (!gone && (r->http_status < 200 || r->http_status > 299))) {
        char sentence[200];
        snprintf(sentence, sizeof sentence, "S3 was answered %d: %.120s", r->http_status, r->body ? r->body : "");
        again(t, r->status < 0 ? r->sentence : sentence);
        return;
    }
    well(a, true, "");
    if (t->kind == ERASE) {
        over(t, "erased");
        return;
    }
    count("stored");
    t->stored = true;
    submit(t);
}

static void on_read(void *arg)
{
    struct task *t = arg;
    struct vgw_archive *a = t->a;
    struct vgw_error err = {0};
    t->running = false;
    if (a->g->ending || t->stored || t->status == VGW_ENOTFOUND || !vgw_archive_on(a)) {
        bool ending = a->g->ending;
        task_free(t);
        if (!ending)
            next_start(a);
        return;
    }
    if (t->status == VGW_EBUSY) {
        vgw_timer_start(&t->timer, CALM_US);
        next_start(a);
        return;
    }
    if (t->status == VGW_ELIMIT) {
        vgw_log(VGW_LOG_WARNING, NULL, "a recording is larger than recordings.upload_max_size and stays here", "file",
                t->name, NULL);
        over(t, "too_large");
        return;
    }
    t->tries++;
    t->running = t->status == 0;
    int rc = t->status == 0 ? send(a, "PUT", t->name, t->payload, &t->body, on_answer, t, &err)
                            : vgw_error_set(&err, t->status, "the recording's file cannot be read");
    vgw_buf_done(&t->body);
    t->body = (struct vgw_buf){0};
    if (rc < 0)
        again(t, err.text);
}

static void start(struct task *t)
{
    struct vgw_error err = {0};
    if (t->kind == STORE) {
        submit(t);
        return;
    }
    t->tries++;
    t->running = true;
    if (send(t->a, "DELETE", t->name, EMPTY_SHA256, NULL, on_answer, t, &err) < 0)
        again(t, err.text);
}

static void next_start(struct vgw_archive *a)
{
    struct vgw_list *at, *after;
    struct task *next = NULL;
    VGW_LIST_EACH (at, after, &a->tasks) {
        struct task *t = VGW_CONTAINER_OF(at, struct task, link);
        if (t->running)
            return;
        if (!next && !vgw_timer_armed(&t->timer))
            next = t;
    }
    if (next && !a->g->ending)
        start(next);
}

static void on_timer(void *arg)
{
    next_start(((struct task *)arg)->a);
}

static bool waits(const struct vgw_archive *a, const char *name, enum kind kind)
{
    for (const struct vgw_list *at = a->tasks.next; at != &a->tasks; at = at->next) {
        const struct task *t = VGW_CONTAINER_OF(at, const struct task, link);
        if (t->kind == kind && !t->stored && vgw_streq(t->name, name))
            return true;
    }
    return false;
}

/* False: there is no room for it. */
static bool add(struct vgw_archive *a, const char *name, enum kind kind)
{
    struct task *t = NULL;
    struct vgw_buf path = {0};
    if (!vgw_archive_on(a) || a->g->ending || !name[0] || strlen(name) >= NAME_BYTES || strchr(name, '/') ||
        waits(a, name, kind))
        return true;
    if (a->task_count >= TASKS_MAX || !VGW_NEW(t)) {
        vgw_metric_dropped("upload");
        return false;
    }
    vgw_buf_printf(&path, "%s/%s", vgw_options_string(options(a), "path"), name);
    t->a = a;
    t->kind = kind;
    vgw_strcopy(t->name, sizeof t->name, name);
    t->path = vgw_buf_take(&path);
    t->job = (struct vgw_job){.work = work, .done = on_read, .arg = t, .home = a->g->loop, .lane = VGW_LANE_IO};
    vgw_timer_init(&t->timer, a->g->loop, on_timer, t);
    vgw_list_append(&a->tasks, &t->link);
    a->task_count++;
    depth(a);
    if (t->path)
        next_start(a);
    else
        over(t, "failed");
    return true;
}

void vgw_archive_store(struct vgw_archive *a, const char *name)
{
    if (a)
        add(a, name, STORE);
}

bool vgw_archive_erase(struct vgw_archive *a, const char *name)
{
    return !a || add(a, name, ERASE);
}

/* ---- what the folder holds ---- */

/* [pool] */
static void scan(void *arg)
{
    struct vgw_archive *a = arg;
    DIR *d = opendir(a->folder);
    struct dirent *e;
    while (d && a->found_count < TASKS_MAX && (e = readdir(d))) {
        struct stat st;
        char mark[sizeof e->d_name + sizeof MARK];
        size_t n = strlen(e->d_name);
        snprintf(mark, sizeof mark, "%s" MARK, e->d_name);
        if (e->d_name[0] == '.' || n >= NAME_BYTES || !vgw_sound_file_named(e->d_name) ||
            fstatat(dirfd(d), mark, &st, AT_SYMLINK_NOFOLLOW) == 0)
            continue;
        if (a->found_count % 64 == 0) {
            char(*grown)[NAME_BYTES] = vgw_realloc(a->found, (a->found_count + 64) * sizeof *grown);
            if (!grown)
                break;
            a->found = grown;
        }
        memcpy(a->found[a->found_count++], e->d_name, n + 1);
    }
    if (d)
        closedir(d);
}

static void on_scanned(void *arg)
{
    struct vgw_archive *a = arg;
    a->scanning = false;
    for (size_t i = 0; i < a->found_count; i++)
        add(a, a->found[i], STORE);
    vgw_free(a->found);
    a->found = NULL;
    a->found_count = 0;
}

static void on_scan_timer(void *arg)
{
    struct vgw_archive *a = arg;
    vgw_timer_start(&a->scan_timer, SCAN_EVERY_US);
    if (a->scanning || !vgw_archive_on(a) || a->g->ending)
        return;
    vgw_free(a->folder);
    a->folder = vgw_strdup(vgw_options_string(options(a), "path"));
    a->scanning = a->folder && vgw_pool_submit(a->g->pool, &a->scan_job) == 0;
}

/* ---- back ---- */

int vgw_archive_address(struct vgw_archive *a, const char *name, struct vgw_buf *out, struct vgw_error *err)
{
    struct vgw_s3_site site = site_of(a);
    char *key = key_of(a, name);
    int rc = key ? vgw_s3_presign(&site, key, ADDRESS_S, vgw_wall(a->g->loop), out, err) : vgw_error_nomem(err);
    vgw_free(key);
    return rc;
}

bool vgw_archive_redirects(const struct vgw_archive *a)
{
    return vgw_streq(vgw_options_string(options(a), "serve"), "redirect");
}

static void back_free(struct back *b)
{
    vgw_list_remove(&b->link);
    vgw_free(b->path);
    vgw_free(b->data);
    vgw_free(b);
}

/* [pool] */
static void back_write(void *arg)
{
    struct back *b = arg;
    int fd = open(b->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
    b->status = fd < 0 ? VGW_ESTORAGE : 0;
    for (size_t at = 0; b->status == 0 && at < b->bytes;) {
        ssize_t n = write(fd, b->data + at, b->bytes - at);
        if (n > 0)
            at += (size_t)n;
        else if (n == 0 || errno != EINTR)
            b->status = VGW_ESTORAGE;
    }
    if (fd >= 0)
        close(fd);
    if (b->status < 0 && fd >= 0)
        unlink(b->path);
}

static void back_over(struct back *b, int status, const char *sentence)
{
    b->done(b->arg, status, sentence, status < 0 ? NULL : b->path);
    back_free(b);
}

static void back_written(void *arg)
{
    struct back *b = arg;
    back_over(b, b->status, b->status < 0 ? "there is no room for the recording here" : "");
}

static void on_back(void *arg, const struct vgw_client_result *r)
{
    struct back *b = arg;
    if (r->status < 0 || r->http_status != 200) {
        bool none = r->status == 0 && r->http_status == 404;
        back_over(b,
                  none            ? VGW_ENOTFOUND
                  : r->status < 0 ? r->status
                                  : VGW_EPROVIDER,
                  none ? "there is no such recording" : "the recording cannot be fetched from its storage now");
        return;
    }
    b->data = vgw_calloc(1, r->body_len + 1);
    b->bytes = r->body_len;
    if (b->data)
        memcpy(b->data, r->body, r->body_len);
    b->job = (struct vgw_job){
        .work = back_write, .done = back_written, .arg = b, .home = b->a->g->loop, .lane = VGW_LANE_IO};
    if (!b->data || vgw_pool_submit(b->a->g->pool, &b->job) < 0)
        back_over(b, VGW_ELIMIT, "out of memory; try again in a moment");
}

int vgw_archive_fetch(struct vgw_archive *a, const char *name, vgw_archive_fn done, void *arg, struct vgw_error *err)
{
    struct back *b;
    struct vgw_buf path = {0};
    size_t n = 0;
    for (const struct vgw_list *at = a->backs.next; at != &a->backs; at = at->next)
        n++;
    if (n >= BACK_MAX)
        return vgw_error_set(err, VGW_ELIMIT, "too many recordings are being fetched; try again in a moment");
    if (!VGW_NEW(b))
        return vgw_error_nomem(err);
    vgw_buf_printf(&path, "%s/.back-%llu-%llu", vgw_options_string(options(a), "path"),
                   (unsigned long long)vgw_wall(a->g->loop), (unsigned long long)++a->number);
    *b = (struct back){.a = a, .done = done, .arg = arg, .path = vgw_buf_take(&path)};
    vgw_list_append(&a->backs, &b->link);
    int rc = b->path ? send(a, "GET", name, EMPTY_SHA256, NULL, on_back, b, err) : vgw_error_nomem(err);
    if (rc < 0)
        back_free(b);
    return rc;
}

/* ---- life ---- */

struct vgw_archive *vgw_gateway_archive(struct vgw_gateway *g)
{
    return g->archive;
}

void vgw_archive_changed(struct vgw_archive *a)
{
    if (!a)
        return;
    if (vgw_archive_on(a))
        vgw_timer_start(&a->scan_timer, SCAN_FIRST_US);
    else
        well(a, true, "");
}

struct vgw_archive *vgw_archive_new(struct vgw_gateway *g)
{
    struct vgw_archive *a;
    if (!VGW_NEW(a))
        return NULL;
    a->g = g;
    vgw_list_init(&a->tasks);
    vgw_list_init(&a->backs);
    vgw_timer_init(&a->scan_timer, g->loop, on_scan_timer, a);
    a->scan_job = (struct vgw_job){.work = scan, .done = on_scanned, .arg = a, .home = g->loop, .lane = VGW_LANE_IO};
    vgw_archive_changed(a);
    return a;
}

void vgw_archive_close(struct vgw_archive *a)
{
    struct vgw_list *at, *next;
    if (!a)
        return;
    vgw_timer_stop(&a->scan_timer);
    VGW_LIST_EACH (at, next, &a->tasks) {
        struct task *t = VGW_CONTAINER_OF(at, struct task, link);
        if (!t->running) /* else its request or job tells its end */
            task_free(t);
    }
}

bool vgw_archive_idle(const struct vgw_archive *a)
{
    return !a || (vgw_list_empty(&a->tasks) && vgw_list_empty(&a->backs) && !a->scanning);
}

void vgw_archive_free(struct vgw_archive *a)
{
    if (!a)
        return;
    vgw_free(a->found);
    vgw_free(a->folder);
    vgw_free(a);
}
