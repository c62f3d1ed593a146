#include "sound_cache.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "voicegw/json.h"

#define DEFAULT_BYTES (INT64_C(256) << 20)
#define MAGIC "VGWSND1\n"
#define MAGIC_BYTES 8
#define SUFFIX ".sound"
#define MEMBERS_MAX 100000 /* files that are looked at to make room */
#define KEEP_PERCENT 90    /* a full folder is brought down to this */

static pthread_mutex_t room_lock = PTHREAD_MUTEX_INITIALIZER; /* one makes room at a time */
static unsigned long serial;                                  /* guarded by room_lock */

/* ---- configuration ---- */

/* "256MiB", "1G", a number; negative: none of these. */
static int64_t size_of(struct voicegw_json v)
{
    char text[32], *unit;
    if (voicegw_json_type(v) == VOICEGW_JSON_NUMBER)
        return voicegw_json_int(v, -1);
    if (voicegw_json_string(v, text, sizeof text) <= 0)
        return -1;
    double n = strtod(text, &unit);
    double scale = *unit == 'K' || *unit == 'k' ? 1024 : *unit == 'M' ? 1048576 : *unit == 'G' ? 1073741824 : 0;
    if (unit == text || (*unit && strcmp(unit + 1, "iB") != 0 && strcmp(unit + 1, "B") != 0 && unit[1]))
        return -1;
    n *= *unit ? scale : 1;
    return n >= 0 && n < 9e15 ? (int64_t)n : -1;
}

static int32_t make_folder(const struct sound_cache *c)
{
    char text[400];
    if ((mkdir(c->path, 0700) == 0 || errno == EEXIST) && access(c->path, R_OK | W_OK | X_OK) == 0)
        return VOICEGW_OK;
    (void)snprintf(text, sizeof text, "cache.path %.200s cannot be used: %s; name a folder that voicegwd may write",
                   c->path, strerror(errno));
    return c->host->set_error(c->host, VOICEGW_ECONFIG, text);
}

int32_t sound_cache_init(struct sound_cache *c, const struct voicegw_host *host, const struct voicegw_options *options)
{
    struct voicegw_json cache = voicegw_json_of(host->option_json(host, options, "cache"));
    struct voicegw_json_iter it = voicegw_json_each(cache);
    c->host = host;
    c->crypto = host->get_extension(host, VOICEGW_HOST_CRYPTO);
    c->path[0] = '\0';
    c->max_bytes = DEFAULT_BYTES;
    if (voicegw_json_type(cache) == VOICEGW_JSON_ABSENT || voicegw_json_type(cache) == VOICEGW_JSON_NULL)
        return VOICEGW_OK;
    while (voicegw_json_next(&it)) {
        if (voicegw_json_equals(it.key, "path"))
            (void)voicegw_json_string(it.value, c->path, sizeof c->path);
        else if (voicegw_json_equals(it.key, "max_size"))
            c->max_bytes = size_of(it.value);
        else
            return host->set_error(host, VOICEGW_ECONFIG, "cache has the keys path and max_size only");
    }
    if (c->path[0] != '/')
        return host->set_error(host, VOICEGW_ECONFIG,
                               "cache must be {path: FOLDER, max_size: 256MiB}, with a path that "
                               "begins with /");
    if (c->max_bytes < 65536)
        return host->set_error(host, VOICEGW_ECONFIG, "cache.max_size must be a size of at least 64KiB, like 256MiB");
    if (!c->crypto)
        return host->set_error(host, VOICEGW_EUNSUPPORTED, "this host has no digests, which a cache needs");
    return make_folder(c);
}

int32_t sound_cache_name(const struct sound_cache *c, const char *key, char *out)
{
    uint8_t digest[32];
    static const char hex[] = "0123456789abcdef";
    if (c->crypto->digest(c->host, VOICEGW_DIGEST_SHA256, key, strlen(key), digest) != (int32_t)sizeof digest)
        return VOICEGW_EUNSUPPORTED;
    for (size_t i = 0; i < sizeof digest; i++) {
        out[2 * i] = hex[digest[i] >> 4];
        out[2 * i + 1] = hex[digest[i] & 15];
    }
    memcpy(out + 2 * sizeof digest, SUFFIX, sizeof SUFFIX);
    return VOICEGW_OK;
}

/* ---- files ---- */

static int folder_open(const struct sound_cache *c)
{
    return open(c->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static uint8_t *read_all(int fd, size_t *ret_bytes)
{
    struct stat st;
    char magic[MAGIC_BYTES];
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= MAGIC_BYTES ||
        st.st_size > SOUND_BYTES_MAX + MAGIC_BYTES || read(fd, magic, sizeof magic) != MAGIC_BYTES ||
        memcmp(magic, MAGIC, MAGIC_BYTES) != 0)
        return NULL;
    size_t bytes = (size_t)st.st_size - MAGIC_BYTES, at = 0;
    uint8_t *data = malloc(bytes);
    while (data && at < bytes) {
        ssize_t n = read(fd, data + at, bytes - at);
        if (n <= 0) {
            free(data);
            return NULL;
        }
        at += (size_t)n;
    }
    *ret_bytes = bytes;
    return data;
}

uint8_t *sound_cache_find(const struct sound_cache *c, const char *name, size_t *ret_bytes)
{
    int folder = folder_open(c), fd;
    uint8_t *data = NULL;
    if (folder < 0)
        return NULL;
    fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0) {
        data = read_all(fd, ret_bytes);
        if (data)
            (void)futimens(fd, NULL);
        (void)close(fd);
    }
    (void)close(folder);
    return data;
}

struct member {
    char name[SOUND_NAME_MAX];
    int64_t bytes, used_ns;
};

static int by_age(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    return x->used_ns < y->used_ns ? -1 : x->used_ns > y->used_ns;
}

static struct member *list_members(int folder, size_t *ret_count, int64_t *ret_total)
{
    struct member *list = NULL;
    size_t count = 0, room = 0;
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    if (!d && copy >= 0)
        (void)close(copy);
    for (struct dirent *e; d && count < MEMBERS_MAX && (e = readdir(d));) {
        struct stat st;
        size_t n = strlen(e->d_name);
        if (n < sizeof SUFFIX || n >= SOUND_NAME_MAX || !strstr(e->d_name, SUFFIX) ||
            fstatat(folder, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
            continue;
        if (count == room) {
            struct member *grown = realloc(list, (room ? 2 * room : 64) * sizeof *list);
            if (!grown)
                break;
            list = grown;
            room = room ? 2 * room : 64;
        }
        memcpy(list[count].name, e->d_name, n + 1);
        list[count].bytes = st.st_size;
        list[count].used_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
        *ret_total += list[count++].bytes;
    }
    if (d)
        (void)closedir(d);
    *ret_count = count;
    return list;
}

static void make_room(const struct sound_cache *c, int folder, size_t bytes)
{
    size_t count = 0;
    int64_t total = (int64_t)bytes;
    struct member *list = list_members(folder, &count, &total);
    if (list && total > c->max_bytes) {
        qsort(list, count, sizeof *list, by_age);
        for (size_t i = 0; i < count && total > c->max_bytes / 100 * KEEP_PERCENT; i++)
            if (unlinkat(folder, list[i].name, 0) == 0)
                total -= list[i].bytes;
    }
    free(list);
}

static int write_all(int fd, const void *data, size_t bytes)
{
    for (const char *at = data; bytes > 0;) {
        ssize_t n = write(fd, at, bytes);
        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0) {
            at += n;
            bytes -= (size_t)n;
        }
    }
    return 0;
}

int32_t sound_cache_keep(const struct sound_cache *c, const char *name, const uint8_t *data, size_t bytes, char *why,
                         size_t cap)
{
    char part[SOUND_NAME_MAX + 48];
    int rc = -1, folder = folder_open(c), fd = -1;
    if (bytes > SOUND_BYTES_MAX || (int64_t)bytes > c->max_bytes / 2) {
        if (folder >= 0)
            (void)close(folder);
        return VOICEGW_OK;
    }
    (void)pthread_mutex_lock(&room_lock);
    (void)snprintf(part, sizeof part, "part-%ld-%lu" SUFFIX, (long)getpid(), ++serial);
    if (folder >= 0) {
        make_room(c, folder, bytes + MAGIC_BYTES);
        fd = openat(folder, part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    }
    if (fd >= 0) {
        rc = write_all(fd, MAGIC, MAGIC_BYTES) < 0 ? -1 : write_all(fd, data, bytes);
        rc = close(fd) < 0 ? -1 : rc;
        rc = rc < 0 ? -1 : renameat(folder, part, folder, name);
    }
    if (rc < 0)
        (void)snprintf(why, cap, "a sound could not be kept in %.200s: %s", c->path, strerror(errno));
    if (rc < 0 && fd >= 0)
        (void)unlinkat(folder, part, 0);
    if (folder >= 0)
        (void)close(folder);
    (void)pthread_mutex_unlock(&room_lock);
    return rc < 0 ? VOICEGW_ESTORAGE : VOICEGW_OK;
}
