#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "event/journal_impl.h"
#include "base/alloc.h"

#define NAME_SIZE 32
#define FILES_MAX 65536u
#define FILE_BYTES_MAX (64u << 20)

static void name_of(uint64_t number, char *out)
{
    snprintf(out, NAME_SIZE, "%020" PRIu64 ".vgj", number);
}

int vgw_segment_file_make(int dir_fd, uint64_t number, uint32_t bytes)
{
    char name[NAME_SIZE];
    name_of(number, name);
    int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return -1;
    int rc = posix_fallocate(fd, 0, bytes);
    if (rc) {
        close(fd);
        unlinkat(dir_fd, name, 0);
        errno = rc;
        return -1;
    }
    return fd;
}

static int make_again(struct vgw_upkeep_job *u, uint64_t number)
{
    char from[NAME_SIZE], to[NAME_SIZE];
    struct stat st;
    name_of(u->retire[--u->retire_count], from);
    name_of(number, to);
    int fd = openat(u->dir_fd, from, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size == (off_t)u->segment_bytes &&
        renameat(u->dir_fd, from, u->dir_fd, to) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    unlinkat(u->dir_fd, from, 0);
    return vgw_segment_file_make(u->dir_fd, number, u->segment_bytes);
}

void vgw_journal_upkeep(void *upkeep_job)
{
    struct vgw_upkeep_job *u = upkeep_job;
    u->error = 0;
    for (size_t i = 0; i < u->make_count; i++) {
        uint64_t number = u->make[i].number;
        /* Once one fails the ones behind it are not tried: spares are used in order of their numbers. */
        u->make[i].fd = u->error          ? -1
                        : u->retire_count ? make_again(u, number)
                                          : vgw_segment_file_make(u->dir_fd, number, u->segment_bytes);
        if (u->make[i].fd < 0 && !u->error)
            u->error = errno ? errno : EIO;
    }
    while (u->retire_count) {
        char name[NAME_SIZE];
        name_of(u->retire[--u->retire_count], name);
        unlinkat(u->dir_fd, name, 0);
    }
    fsync(u->dir_fd);
}

/* ---- replay ---- */

struct numbers {
    uint64_t *items;
    size_t count, cap;
};

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static bool parse_name(const char *name, uint64_t *ret_number)
{
    if (strlen(name) != 24 || strcmp(name + 20, ".vgj") != 0 || strspn(name, "0123456789") != 20)
        return false;
    errno = 0;
    *ret_number = strtoull(name, NULL, 10);
    return errno == 0;
}

static int list_files(int dir_fd, struct numbers *n, struct vgw_error *err)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return vgw_error_set(err, VGW_ESTORAGE, "the journal's directory cannot be listed (%s)", strerror(errno));
    }
    int rc = VGW_OK;
    uint64_t number;
    for (struct dirent *entry; rc == VGW_OK && (entry = readdir(dir));) {
        if (!parse_name(entry->d_name, &number) || n->count >= FILES_MAX)
            continue;
        if (n->count == n->cap) {
            size_t cap = n->cap ? n->cap * 2 : 64;
            uint64_t *items = vgw_realloc(n->items, cap * sizeof *items);
            if (!items) {
                rc = vgw_error_nomem(err);
                break;
            }
            n->items = items;
            n->cap = cap;
        }
        n->items[n->count++] = number;
    }
    closedir(dir);
    if (n->count)
        qsort(n->items, n->count, sizeof *n->items, compare_numbers);
    return rc;
}

/* One file in memory at a time. */
struct image {
    uint8_t *data;
    size_t len;
    struct vgw_segment_header header;
};

static bool read_all(int fd, uint8_t *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = pread(fd, data + at, len - at, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

/* VGW_ENOTFOUND: a file that was never begun (a spare). */
static int load(int dir_fd, uint64_t number, struct image *ret_image, struct vgw_error *err)
{
    char name[NAME_SIZE];
    struct stat st;
    int rc = VGW_ENOTFOUND;
    struct image image = {0};
    name_of(number, name);
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        goto out; /* it was one, and the first look removed it */
    if (fd < 0 || fstat(fd, &st) != 0)
        goto failed;
    if (st.st_size < (off_t)VGW_SEGMENT_HEADER || st.st_size > (off_t)FILE_BYTES_MAX)
        goto out;
    image.len = (size_t)st.st_size;
    image.data = vgw_calloc(1, image.len);
    if (!image.data) {
        rc = vgw_error_nomem(err);
        goto out;
    }
    if (!read_all(fd, image.data, image.len))
        goto failed;
    if (!vgw_segment_read_header(image.data, image.len, &image.header) || image.header.number != number ||
        image.header.base > (UINT64_C(1) << 62))
        goto out;
    *ret_image = image;
    image.data = NULL;
    rc = VGW_OK;
    goto out;
failed:
    rc = vgw_error_set(err, VGW_ESTORAGE, "the journal's file %s cannot be read (%s)", name, strerror(errno));
out:
    vgw_free(image.data);
    if (fd >= 0)
        close(fd);
    return rc;
}

struct replay {
    struct vgw_journal *j;
    vgw_journal_fn fn; /* NULL: only looks for marks */
    void *arg;
    uint64_t last_pos;
};

static uint64_t number_in(const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t v = 0;
    for (size_t i = 0; i < 8 && i < len; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static void raise_to(uint64_t *value, uint64_t at_least)
{
    if (*value < at_least)
        *value = at_least;
}

static void on_record(void *arg, uint32_t type, const void *data, size_t len, uint64_t pos)
{
    struct replay *r = arg;
    r->last_pos = pos;
    if (!r->fn) {
        if (type == VGW_RECORD_MARK && len == 8)
            raise_to(&r->j->mark, number_in(data, len));
        else if (type == VGW_RECORD_CHECKPOINT && len == 8)
            raise_to(&r->j->checkpoint, number_in(data, len));
        return;
    }
    if (type < VGW_RECORD_MARK && pos > r->j->checkpoint)
        r->fn(r->arg, type, data, len, pos);
}

static int keep_segment(struct vgw_journal *j, const struct vgw_segment_header *h, uint64_t end)
{
    struct vgw_segment *s;
    if (!VGW_NEW(s))
        return VGW_ELIMIT;
    *s = (struct vgw_segment){.number = h->number, .base = h->base, .end = end, .fd = -1};
    vgw_list_append(&j->segments, &s->link);
    j->segment_count++;
    return VGW_OK;
}

static int replay_file(struct vgw_journal *j, uint64_t number, struct replay *r, struct vgw_journal_stats *stats,
                       uint64_t *base_next, struct vgw_error *err)
{
    struct image image = {0};
    int rc = load(j->dir_fd, number, &image, err);
    if (rc == VGW_ENOTFOUND) {
        char name[NAME_SIZE];
        name_of(number, name);
        unlinkat(j->dir_fd, name, 0);
        return VGW_OK;
    }
    if (rc != VGW_OK)
        return rc;
    r->last_pos = image.header.base + VGW_SEGMENT_HEADER;
    if (!r->fn) {
        raise_to(&j->mark, image.header.mark);
        raise_to(&j->checkpoint, image.header.checkpoint);
    }
    vgw_segment_scan(&image.header, image.data, image.len, on_record, r, stats);
    raise_to(base_next, image.header.base + image.len);
    if (r->fn && keep_segment(j, &image.header, r->last_pos) != VGW_OK)
        rc = vgw_error_nomem(err);
    vgw_free(image.data);
    return rc;
}

static int open_directory(struct vgw_journal *j, struct vgw_error *err)
{
    const char *path = j->options.path;
    if (mkdir(path, 0750) != 0 && errno != EEXIST)
        return vgw_error_at(err, VGW_ESTORAGE, path,
                            "the journal's directory cannot be made (%s); its parent must exist and be writable",
                            strerror(errno));
    j->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (j->dir_fd >= 0)
        j->lock_fd = openat(j->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (j->dir_fd < 0 || j->lock_fd < 0)
        return vgw_error_at(err, VGW_ESTORAGE, path, "the journal's directory cannot be opened for writing (%s)",
                            strerror(errno));
    if (flock(j->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return vgw_error_at(err, VGW_EBUSY, path,
                            "the journal is in use by another gateway; give each its own journal.path");
    return VGW_OK;
}

int vgw_journal_replay(struct vgw_journal *j, vgw_journal_fn fn, void *arg, struct vgw_journal_stats *stats,
                       struct vgw_error *err)
{
    struct numbers files = {0};
    struct vgw_journal_stats ignored;
    uint64_t base_next = 0;
    int rc = open_directory(j, err);
    if (rc == VGW_OK)
        rc = list_files(j->dir_fd, &files, err);
    /* Twice: what was checkpointed last stands behind the records that it concerns. */
    for (int pass = 0; pass < 2; pass++) {
        struct replay r = {.j = j, .fn = pass ? fn : NULL, .arg = arg};
        for (size_t i = 0; i < files.count && rc == VGW_OK; i++)
            rc = replay_file(j, files.items[i], &r, pass ? stats : &ignored, &base_next, err);
        ignored = (struct vgw_journal_stats){0};
    }
    if (files.count)
        j->next_number = files.items[files.count - 1] + 1;
    j->next_base = (base_next + 7) & ~UINT64_C(7);
    vgw_free(files.items);
    return rc;
}
