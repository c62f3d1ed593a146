/* sqlite - records in one file, for a single node. Lifecycle and the store's table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "voicegw/plugin.h"
#include "db.h"

static const struct voicegw_option options[] = {
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_PATH,
     .name = "path",
     .dflt = "/var/lib/voicegw/voicegw.db",
     .description = "The database file; its folder must exist. Two more files (-wal, -shm) stand beside it."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_DURATION,
     .name = "busy_timeout",
     .dflt = "5s",
     .min = 0,
     .max = 60,
     .description = "How long a write waits while another process holds the file."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_ENUM,
     .name = "synchronous",
     .dflt = "full",
     .choices = "full normal",
     .description = "full: what is written survives loss of power; normal: the last moments may be missing then, never "
                    "after a crash "
                    "of the gateway."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_SIZE,
     .name = "cache_size",
     .dflt = "2MiB",
     .min = 65536,
     .max = 4294967296.0,
     .description = "Memory for pages of the file."},
};

static int32_t create(const struct voicegw_host *host, const struct voicegw_options *opts, void **ret_instance)
{
    struct db *db = calloc(1, sizeof *db);
    if (!db)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    db->host = host;
    const char *path = host->option_string(host, opts, "path");
    const char *synchronous = host->option_string(host, opts, "synchronous");
    if (!path || !path[0] || strlen(path) >= sizeof db->path) {
        free(db);
        return host->set_error(host, VOICEGW_ECONFIG, "path must be the name of a file, shorter than 1024 bytes");
    }
    snprintf(db->path, sizeof db->path, "%s", path);
    snprintf(db->synchronous, sizeof db->synchronous, "%s",
             synchronous && strcmp(synchronous, "normal") == 0 ? "NORMAL" : "FULL");
    db->busy_timeout_us = host->option_int(host, opts, "busy_timeout", 5000000);
    db->cache_bytes = host->option_int(host, opts, "cache_size", 2097152);
    *ret_instance = db;
    return VOICEGW_OK;
}

static int32_t start(void *instance)
{
    return VOICEGW_OK; /* the file is opened on the db thread */
}

static void drain(void *instance)
{
    struct db *db = instance;
    db->host->drained(db->host);
}

static void destroy(void *instance)
{
    db_close(instance);
    free(instance);
}

static int32_t store_open(void *instance)
{
    return db_open(instance);
}

static int32_t need_open(struct db *db)
{
    return db->handle ? VOICEGW_OK : db_open(db);
}

static int32_t store_migrate(void *instance)
{
    int32_t status = need_open(instance);
    return status == VOICEGW_OK ? db_migrate(instance) : status;
}

static int32_t store_apply(void *instance, const char *batch_json, uint32_t *ret_changed)
{
    int32_t status = need_open(instance);
    return status == VOICEGW_OK ? db_apply(instance, batch_json, ret_changed) : status;
}

static int32_t store_query(void *instance, const char *table, const char *filter_json, uint32_t limit,
                           const char *cursor, voicegw_row row, void *arg)
{
    int32_t status = need_open(instance);
    return status == VOICEGW_OK ? db_query(instance, table, filter_json, limit, cursor, row, arg) : status;
}

static int32_t store_tally(void *instance, const char *table, const char *filter_json, const char *what_json,
                           voicegw_row row, void *arg)
{
    int32_t status = need_open(instance);
    return status == VOICEGW_OK ? db_tally(instance, table, filter_json, what_json, row, arg) : status;
}

static int32_t store_claim(void *instance, const char *queue, const char *owner, uint32_t n, int64_t now_us,
                           int64_t ttl_us, voicegw_row row, void *arg)
{
    int32_t status = need_open(instance);
    return status == VOICEGW_OK ? db_claim(instance, queue, owner, n, now_us, ttl_us, row, arg) : status;
}

static int32_t lease_acquire(void *instance, const char *name, const char *owner, int64_t now_us, int64_t ttl_us,
                             uint64_t *ret_fence)
{
    int32_t status = need_open(instance);
    return status == VOICEGW_OK ? db_lease_acquire(instance, name, owner, now_us, ttl_us, ret_fence) : status;
}

static int32_t lease_renew(void *instance, const char *name, const char *owner, uint64_t fence, int64_t now_us,
                           int64_t ttl_us)
{
    int32_t status = need_open(instance);
    return status == VOICEGW_OK ? db_lease_renew(instance, name, owner, fence, now_us, ttl_us) : status;
}

static int32_t lease_release(void *instance, const char *name, const char *owner, uint64_t fence)
{
    int32_t status = need_open(instance);
    return status == VOICEGW_OK ? db_lease_release(instance, name, owner, fence) : status;
}

static int32_t store_health(void *instance)
{
    int32_t status = need_open(instance);
    return status == VOICEGW_OK ? db_health(instance) : status;
}

static int32_t store_purge(void *instance, const char *table, int64_t before_us, uint32_t limit, uint32_t *ret_deleted)
{
    int32_t status = need_open(instance);
    return status == VOICEGW_OK ? db_purge(instance, table, before_us, limit, ret_deleted) : status;
}

static const struct voicegw_store store = {
    .size = sizeof store,
    .open = store_open,
    .migrate = store_migrate,
    .apply = store_apply,
    .query = store_query,
    .claim = store_claim,
    .lease_acquire = lease_acquire,
    .lease_renew = lease_renew,
    .lease_release = lease_release,
    .health = store_health,
    .purge = store_purge,
    .tally = store_tally,
};

static const void *get_extension(void *instance, const char *id)
{
    return strcmp(id, VOICEGW_KIND_STORE) == 0 ? &store : NULL;
}

static const struct voicegw_factory factory = {
    .size = sizeof factory,
    .option_count = sizeof options / sizeof *options,
    .kind = VOICEGW_KIND_STORE,
    .options = options,
    .create = create,
    .start = start,
    .drain = drain,
    .destroy = destroy,
    .get_extension = get_extension,
};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {
    .size = sizeof plugin,
    .abi_major = VOICEGW_ABI_MAJOR,
    .abi_minor = VOICEGW_ABI_MINOR,
    .flags = VOICEGW_PLUGIN_CLOSABLE,
    .name = "sqlite",
    .version = VOICEGW_PLUGIN_VERSION,
    .license = "MIT",
    .description = "Records, jobs and leases in one SQLite file.",
    .factory_count = 1,
    .factories = factories,
};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
