/* cache.c - one JSON file: {"version", "plugins": {HASH: descriptor}}. */
#include "plugin/cache.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/str.h"
#include "voicegw/plugin.h"

/* What a probe finds depends on the probe too: its version makes older answers void. */
#define FORMAT 1
enum { FILE_MAX = 8 << 20 };

struct vgw_plugin_cache {
    pthread_mutex_t mutex; /* held for moments only: never while the disk is written */
    char *file;
    struct vgw_json *plugins; /* object by hash, oldest first */
    bool changed;
};

static struct vgw_json *read_file(const char *file)
{
    struct vgw_json *doc = NULL, *plugins = NULL;
    struct vgw_buf text;
    char chunk[4096];
    int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return NULL;
    vgw_buf_init(&text, FILE_MAX);
    for (ssize_t n; !text.failed && (n = read(fd, chunk, sizeof chunk)) > 0;)
        vgw_buf_add(&text, chunk, (size_t)n);
    close(fd);
    if (!text.failed && vgw_json_parse(vgw_buf_str(&text), text.len, &doc, NULL) == 0 &&
        vgw_json_get_int(doc, "version", 0) == FORMAT && vgw_json_get_int(doc, "abi_major", 0) == VOICEGW_ABI_MAJOR &&
        vgw_json_get_int(doc, "abi_minor", -1) == VOICEGW_ABI_MINOR &&
        vgw_json_type(vgw_json_get(doc, "plugins")) == VGW_JSON_OBJECT)
        plugins = vgw_json_ref(vgw_json_get(doc, "plugins"));
    vgw_json_free(doc);
    vgw_buf_done(&text);
    return plugins;
}

struct vgw_plugin_cache *vgw_plugin_cache_open(const char *file)
{
    struct vgw_plugin_cache *cache;
    if (!VGW_NEW(cache))
        return NULL;
    pthread_mutex_init(&cache->mutex, NULL);
    if (file)
        cache->file = vgw_strdup(file);
    if (cache->file)
        cache->plugins = read_file(file);
    if (!cache->plugins)
        cache->plugins = vgw_json_object();
    if (cache->plugins && (cache->file || !file))
        return cache;
    vgw_plugin_cache_free(cache);
    return NULL;
}

void vgw_plugin_cache_free(struct vgw_plugin_cache *cache)
{
    if (!cache)
        return;
    vgw_json_free(cache->plugins);
    pthread_mutex_destroy(&cache->mutex);
    vgw_free(cache->file);
    vgw_free(cache);
}

struct vgw_json *vgw_plugin_cache_get(struct vgw_plugin_cache *cache, const char *hash)
{
    pthread_mutex_lock(&cache->mutex);
    const struct vgw_json *kept = vgw_json_get(cache->plugins, hash);
    struct vgw_json *copy = kept ? vgw_json_copy(kept) : NULL;
    pthread_mutex_unlock(&cache->mutex);
    return copy;
}

int vgw_plugin_cache_put(struct vgw_plugin_cache *cache, const char *hash, struct vgw_json *desc)
{
    pthread_mutex_lock(&cache->mutex);
    while (vgw_json_object_count(cache->plugins) >= VGW_PLUGIN_CACHE_MAX) {
        size_t cursor = 0;
        const char *oldest;
        struct vgw_json *value;
        if (!vgw_json_object_next(cache->plugins, &cursor, &oldest, &value))
            break;
        vgw_json_del(cache->plugins, oldest);
    }
    cache->changed = true;
    int rc = vgw_json_set(cache->plugins, hash, desc);
    pthread_mutex_unlock(&cache->mutex);
    return rc;
}

static int write_file(const char *temporary, const char *text, size_t len)
{
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -1;
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            close(fd);
            return -1;
        }
        text += n;
        len -= (size_t)n;
    }
    return close(fd);
}

/* False: there is nothing new to write. */
static bool text_of(struct vgw_plugin_cache *cache, struct vgw_buf *text)
{
    pthread_mutex_lock(&cache->mutex);
    bool changed = cache->file && cache->changed;
    if (changed) {
        vgw_buf_printf(text, "{\"version\":%d,\"abi_major\":%u,\"abi_minor\":%u,\"plugins\":", FORMAT,
                       VOICEGW_ABI_MAJOR, VOICEGW_ABI_MINOR);
        vgw_json_write(cache->plugins, text);
        vgw_buf_adds(text, "}\n");
        cache->changed = false;
    }
    pthread_mutex_unlock(&cache->mutex);
    return changed;
}

int vgw_plugin_cache_save(struct vgw_plugin_cache *cache, struct vgw_error *err)
{
    struct vgw_buf text = {0}, temporary = {0};
    if (!text_of(cache, &text))
        return 0;
    vgw_buf_printf(&temporary, "%s.tmp", cache->file);
    int rc = 0;
    if (text.failed || temporary.failed)
        rc = vgw_error_nomem(err);
    else if (write_file(vgw_buf_str(&temporary), vgw_buf_str(&text), text.len) != 0 ||
             rename(vgw_buf_str(&temporary), cache->file) != 0)
        rc = vgw_error_at(err, VGW_ESTORAGE, cache->file,
                          "the cache of plugin probes cannot be written (%s): the next start probes again",
                          strerror(errno));
    if (rc != 0) {
        pthread_mutex_lock(&cache->mutex);
        cache->changed = true;
        pthread_mutex_unlock(&cache->mutex);
    }
    vgw_buf_done(&text);
    vgw_buf_done(&temporary);
    return rc;
}
