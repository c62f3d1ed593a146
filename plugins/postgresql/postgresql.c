/* postgresql - records, jobs and leases on a PostgreSQL server that several gateways share. Lifecycle and the store's
 * table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "voicegw/plugin.h"
#include "voicegw/draft/store_watch.h"
#include "db.h"

#define O(kind, named, ...)                                                                                            \
    {                                                                                                                  \
        .size = sizeof(struct voicegw_option), .type = kind, .name = named, __VA_ARGS__                                \
    }
static const struct voicegw_option options[] = {
    O(VOICEGW_OPTION_SECRET, "url", .flags = VOICEGW_OPTION_REQUIRED,
      .description = "The database, as libpq takes it: postgresql://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full or "
                     "\"host=… dbname=…\"."),
    O(VOICEGW_OPTION_STRING, "schema", .dflt = "public",
      .description = "The schema in which the tables stand; made when it is missing."),
    O(VOICEGW_OPTION_DURATION, "connect_timeout", .dflt = "5s", .min = 1, .max = 60,
      .description = "How long one attempt to connect may take."),
    O(VOICEGW_OPTION_DURATION, "statement_timeout", .dflt = "10s", .min = 1, .max = 300,
      .description = "How long the server may work on one statement; what takes longer is tried again."),
};

static uint32_t is_name(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return n > 0 && n < 60 && text[n] == '\0';
}

static int32_t create(const struct voicegw_host *host, const struct voicegw_options *opts, void **ret_instance)
{
    const char *url = host->option_string(host, opts, "url"), *schema = host->option_string(host, opts, "schema");
    char *problem = NULL;
    PQconninfoOption *parsed = url ? PQconninfoParse(url, &problem) : NULL;
    PQfreemem(problem);
    if (!parsed)
        return host->set_error(
            host, VOICEGW_ECONFIG,
            "url must be a connection string of libpq, as in postgresql://voicegw@localhost/voicegw");
    PQconninfoFree(parsed);
    if (!schema || !is_name(schema))
        return host->set_error(host, VOICEGW_ECONFIG, "schema must be lower-case letters, digits and underscores");
    struct db *db = calloc(1, sizeof *db);
    if (!db || !(db->url = strdup(url))) {
        free(db);
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    }
    db->host = host;
    snprintf(db->schema, sizeof db->schema, "%s", schema);
    snprintf(db->connect_timeout_s, sizeof db->connect_timeout_s, "%d",
             (int)(host->option_int(host, opts, "connect_timeout", 5000000) / 1000000));
    snprintf(db->options, sizeof db->options, "-c statement_timeout=%d -c search_path=%s",
             (int)(host->option_int(host, opts, "statement_timeout", 10000000) / 1000), db->schema);
    pthread_mutex_init(&db->watcher.lock, NULL);
    *ret_instance = db;
    return VOICEGW_OK;
}

static int32_t start(void *instance)
{
    return VOICEGW_OK; /* the connection is made on the db thread */
}

static void drain(void *instance)
{
    struct db *db = instance;
    db_watch_stop(db);
    db->host->drained(db->host);
}

static void destroy(void *instance)
{
    struct db *db = instance;
    db_watch_stop(db);
    db_close(db);
    pthread_mutex_destroy(&db->watcher.lock);
    free(db->url);
    free(db);
}

static int32_t store_open(void *instance)
{
    return db_open(instance);
}

static int32_t store_migrate(void *instance)
{
    int32_t status = db_open(instance);
    return status == VOICEGW_OK ? db_migrate(instance) : status;
}

static int32_t store_apply(void *instance, const char *batch_json, uint32_t *ret_changed)
{
    int32_t status = db_open(instance);
    return status == VOICEGW_OK ? db_apply(instance, batch_json, ret_changed) : status;
}

static int32_t store_query(void *instance, const char *table, const char *filter_json, uint32_t limit,
                           const char *cursor, voicegw_row row, void *arg)
{
    int32_t status = db_open(instance);
    return status == VOICEGW_OK ? db_query(instance, table, filter_json, limit, cursor, row, arg) : status;
}

static int32_t store_tally(void *instance, const char *table, const char *filter_json, const char *what_json,
                           voicegw_row row, void *arg)
{
    int32_t status = db_open(instance);
    return status == VOICEGW_OK ? db_tally(instance, table, filter_json, what_json, row, arg) : status;
}

static int32_t store_claim(void *instance, const char *queue, const char *owner, uint32_t n, int64_t now_us,
                           int64_t ttl_us, voicegw_row row, void *arg)
{
    int32_t status = db_open(instance);
    return status == VOICEGW_OK ? db_claim(instance, queue, owner, n, now_us, ttl_us, row, arg) : status;
}

static int32_t lease_acquire(void *instance, const char *name, const char *owner, int64_t now_us, int64_t ttl_us,
                             uint64_t *ret_fence)
{
    int32_t status = db_open(instance);
    return status == VOICEGW_OK ? db_lease_acquire(instance, name, owner, now_us, ttl_us, ret_fence) : status;
}

static int32_t lease_renew(void *instance, const char *name, const char *owner, uint64_t fence, int64_t now_us,
                           int64_t ttl_us)
{
    int32_t status = db_open(instance);
    return status == VOICEGW_OK ? db_lease_touch(instance, name, owner, fence, now_us + ttl_us) : status;
}

static int32_t lease_release(void *instance, const char *name, const char *owner, uint64_t fence)
{
    int32_t status = db_open(instance);
    return status == VOICEGW_OK ? db_lease_touch(instance, name, owner, fence, 0) : status;
}

static int32_t store_health(void *instance)
{
    int32_t status = db_open(instance);
    return status == VOICEGW_OK ? db_health(instance) : status;
}

static int32_t store_purge(void *instance, const char *table, int64_t before_us, uint32_t limit, uint32_t *ret_deleted)
{
    int32_t status = db_open(instance);
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

static int32_t store_watch(void *instance, const char *table, voicegw_callback fn, void *arg)
{
    return db_watch(instance, table, fn, arg);
}

static const struct voicegw_store_watch watch = {.size = sizeof watch, .watch = store_watch};

static const void *get_extension(void *instance, const char *id)
{
    if (strcmp(id, VOICEGW_KIND_STORE_WATCH) == 0)
        return &watch;
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
    .name = "postgresql",
    .version = VOICEGW_PLUGIN_VERSION,
    .license = "MIT",
    .description = "Records, jobs and leases in PostgreSQL, shared by several gateways.",
    .factory_count = 1,
    .factories = factories,
};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
