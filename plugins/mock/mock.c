/* mock.c - the instance: descriptor and life. */
#include <stdlib.h>
#include <string.h>
#include "mock.h"

static void tell_drained(struct mock *m)
{
    unsigned asked = 1;
    if (atomic_load(&m->live) == 0 && atomic_compare_exchange_strong(&m->draining, &asked, 2))
        m->host->drained(m->host);
}

void mock_live(struct mock *m, int by)
{
    if (by > 0) {
        atomic_fetch_add(&m->live, 1);
        return;
    }
    atomic_fetch_sub(&m->live, 1);
    tell_drained(m);
}

void mock_id(struct mock *m, const char *prefix, char *out)
{
    static const char hex[] = "0123456789abcdef";
    uint8_t bytes[16] = {0};
    size_t n = strlen(prefix);
    if (m->crypto) {
        m->crypto->random(m->host, bytes, sizeof bytes);
    } else {
        uint64_t count = __atomic_add_fetch(&m->ids, 1, __ATOMIC_RELAXED), wall = (uint64_t)m->host->wall_us(m->host);
        memcpy(bytes, &wall, sizeof wall);
        memcpy(bytes + 8, &count, sizeof count);
    }
    memcpy(out, prefix, n);
    for (size_t i = 0; i < sizeof bytes; i++) {
        out[n++] = hex[bytes[i] >> 4];
        out[n++] = hex[bytes[i] & 15u];
    }
    out[n] = '\0';
}

static int32_t mock_create(const struct voicegw_host *host, const struct voicegw_options *options, void **ret_instance)
{
    int32_t rc = VOICEGW_OK;
    struct mock *m = calloc(1, sizeof *m);
    if (!m)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    m->host = host;
    m->provider = host->get_extension(host, VOICEGW_HOST_PROVIDER);
    m->media = host->get_extension(host, VOICEGW_HOST_MEDIA);
    m->route = host->get_extension(host, VOICEGW_HOST_ROUTE);
    m->ws = host->get_extension(host, VOICEGW_HOST_WS);
    m->use = host->get_extension(host, VOICEGW_HOST_USE);
    m->event = host->get_extension(host, VOICEGW_HOST_EVENT);
    m->crypto = host->get_extension(host, VOICEGW_HOST_CRYPTO);
    m->conference = host->get_extension(host, VOICEGW_HOST_CONFERENCE);
    m->sms = host->get_extension(host, VOICEGW_HOST_SMS);
    if (!m->provider || !m->media) {
        free(m);
        return host->set_error(host, VOICEGW_EUNSUPPORTED,
                               "this host has no calls (" VOICEGW_HOST_PROVIDER ", " VOICEGW_HOST_MEDIA ")");
    }
    m->settings = mock_settings_new(host, options, &rc);
    if (!m->settings) {
        free(m);
        return rc;
    }
    (void)pthread_mutex_init(&m->lock, NULL); /* a default mutex cannot fail on Linux */
    atomic_init(&m->live, 0);
    atomic_init(&m->draining, 0);
    *ret_instance = m;
    return VOICEGW_OK;
}

static int32_t mock_start(void *instance)
{
    return mock_routes_start(instance);
}

static int32_t mock_reconfigure(void *instance, const struct voicegw_options *options)
{
    struct mock *m = instance;
    int32_t rc = VOICEGW_OK;
    struct mock_settings *s = mock_settings_new(m->host, options, &rc);
    if (!s)
        return rc;
    mock_settings_drop(m, m->settings);
    m->settings = s;
    return VOICEGW_OK;
}

static void mock_drain(void *instance)
{
    struct mock *m = instance;
    atomic_store(&m->draining, 1);
    tell_drained(m);
}

static void mock_destroy(void *instance)
{
    struct mock *m = instance;
    atomic_store(&m->draining, 2);
    for (uint32_t i = 0; i < MOCK_BUCKETS; i++)
        while (m->calls[i])
            mock_call_free(m->calls[i]);
    while (m->tasks)
        mock_task_cancel(m->tasks);
    mock_settings_drop(m, m->settings);
    (void)pthread_mutex_destroy(&m->lock);
    free(m);
}

static const void *mock_extension(void *instance, const char *id)
{
    (void)instance;
    if (strcmp(id, VOICEGW_KIND_PROVIDER) == 0)
        return &mock_operations;
    if (strcmp(id, VOICEGW_KIND_PROVIDER_MEDIA) == 0)
        return &mock_media_operations;
    if (strcmp(id, VOICEGW_KIND_PROVIDER_CONFERENCE) == 0)
        return &mock_conferences;
    if (strcmp(id, VOICEGW_KIND_PROVIDER_SMS) == 0)
        return &mock_messages;
    return NULL;
}

#define CAPS                                                                                                           \
    (VOICEGW_CAP_MAKE_CALL | VOICEGW_CAP_ANSWER | VOICEGW_CAP_END | VOICEGW_CAP_HOLD | VOICEGW_CAP_TRANSFER |          \
     VOICEGW_CAP_TRANSFER_ATTENDED | VOICEGW_CAP_PLAY | VOICEGW_CAP_SAY | VOICEGW_CAP_DTMF | VOICEGW_CAP_RECORD |      \
     VOICEGW_CAP_MUTE | VOICEGW_CAP_STATUS | VOICEGW_CAP_MEDIA | VOICEGW_CAP_CONFERENCE | VOICEGW_CAP_SMS)

static const struct voicegw_factory factory = {.size = sizeof factory,
                                               .option_count = MOCK_OPTIONS,
                                               .kind = VOICEGW_KIND_PROVIDER,
                                               .options = mock_options,
                                               .caps = CAPS,
                                               .create = mock_create,
                                               .start = mock_start,
                                               .reconfigure = mock_reconfigure,
                                               .drain = mock_drain,
                                               .destroy = mock_destroy,
                                               .get_extension = mock_extension};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {
    .size = sizeof plugin,
    .abi_major = VOICEGW_ABI_MAJOR,
    .abi_minor = VOICEGW_ABI_MINOR,
    .flags = VOICEGW_PLUGIN_CLOSABLE,
    .name = "mock",
    .version = VOICEGW_PLUGIN_VERSION,
    .license = "MIT",
    .description = "Telephone calls that nobody places: simulated callers and media sockets",
    .factory_count = 1,
    .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_minor;
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
