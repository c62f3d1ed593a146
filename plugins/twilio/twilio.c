/* twilio.c - the instance: descriptor and life. */
#include <stdlib.h>
#include <string.h>
#include "twilio.h"

static void tell_drained(struct twilio *m)
{
    unsigned asked = 1;
    if (atomic_load(&m->live) == 0 && atomic_compare_exchange_strong(&m->draining, &asked, 2))
        m->host->drained(m->host);
}

void twilio_live(struct twilio *m, int by)
{
    if (by > 0) {
        atomic_fetch_add(&m->live, 1);
        return;
    }
    atomic_fetch_sub(&m->live, 1);
    tell_drained(m);
}

void twilio_random(struct twilio *m, char *out, size_t digits)
{
    static const char hex[] = "0123456789abcdef";
    uint8_t bytes[16] = {0};
    if (m->crypto) {
        m->crypto->random(m->host, bytes, sizeof bytes);
    } else {
        uint64_t count = __atomic_add_fetch(&m->ids, 1, __ATOMIC_RELAXED), wall = (uint64_t)m->host->wall_us(m->host);
        memcpy(bytes, &wall, sizeof wall);
        memcpy(bytes + 8, &count, sizeof count);
    }
    for (size_t i = 0; i < digits; i++)
        out[i] = hex[i % 2 ? bytes[i / 2] & 15u : bytes[i / 2] >> 4];
    out[digits] = '\0';
}

static void warn(struct twilio *m)
{
    const struct twilio_settings *s = m->settings;
    if (!s->validate)
        m->host->log(m->host, VOICEGW_LOG_WARNING,
                     "validate_signatures is off: whoever finds this gateway's address can drive its calls; set it to "
                     "true wherever Twilio can reach us",
                     NULL);
    else if (!*s->token)
        m->host->log(m->host, VOICEGW_LOG_WARNING,
                     "auth_token is not set (TWILIO_AUTH_TOKEN): every webhook is refused, since none can be verified",
                     NULL);
    if (s->auth == AUTH_NONE)
        m->host->log(m->host, VOICEGW_LOG_WARNING,
                     "stream_auth is none: whoever knows a session's id can take its media stream", NULL);
    if (s->validate && !m->crypto)
        m->host->log(m->host, VOICEGW_LOG_ERROR, "this host has no digests: signatures cannot be verified", NULL);
}

static void find_services(struct twilio *m)
{
    const struct voicegw_host *host = m->host;
    m->provider = host->get_extension(host, VOICEGW_HOST_PROVIDER);
    m->media = host->get_extension(host, VOICEGW_HOST_MEDIA);
    m->route = host->get_extension(host, VOICEGW_HOST_ROUTE);
    m->ws = host->get_extension(host, VOICEGW_HOST_WS);
    m->http = host->get_extension(host, VOICEGW_HOST_HTTP);
    m->event = host->get_extension(host, VOICEGW_HOST_EVENT);
    m->crypto = host->get_extension(host, VOICEGW_HOST_CRYPTO);
    m->conference = host->get_extension(host, VOICEGW_HOST_CONFERENCE);
    m->sms = host->get_extension(host, VOICEGW_HOST_SMS);
    m->state = host->get_extension(host, VOICEGW_HOST_STATE);
}

static int32_t twilio_create(const struct voicegw_host *host, const struct voicegw_options *options,
                             void **ret_instance)
{
    int32_t rc = VOICEGW_OK;
    struct twilio *m = calloc(1, sizeof *m);
    if (!m)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    m->host = host;
    find_services(m);
    if (!m->provider || !m->media || !m->route || !m->http ||
        m->route->size < offsetof(struct voicegw_host_route, leg_near) + sizeof m->route->leg_near) {
        free(m);
        return host->set_error(host, VOICEGW_EUNSUPPORTED,
                               "this host lacks calls, routes or HTTP (" VOICEGW_HOST_PROVIDER ", " VOICEGW_HOST_MEDIA
                               ", " VOICEGW_HOST_ROUTE ", " VOICEGW_HOST_HTTP ")");
    }
    m->settings = twilio_settings_new(host, options, &rc);
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

static int32_t twilio_start(void *instance)
{
    warn(instance);
    return twilio_routes_start(instance);
}

static int32_t twilio_reconfigure(void *instance, const struct voicegw_options *options)
{
    struct twilio *m = instance;
    int32_t rc = VOICEGW_OK;
    struct twilio_settings *s = twilio_settings_new(m->host, options, &rc);
    if (!s)
        return rc;
    if (strcmp(s->vendor.account_id, m->settings->vendor.account_id) != 0) {
        if (m->former)
            twilio_settings_drop(m->former);
        m->former = twilio_settings_keep(m->settings);
    }
    twilio_settings_drop(m->settings);
    m->settings = s;
    warn(m);
    return VOICEGW_OK;
}

static void twilio_drain(void *instance)
{
    struct twilio *m = instance;
    atomic_store(&m->draining, 1);
    twilio_prices_leave(m);
    tell_drained(m);
}

static void twilio_destroy(void *instance)
{
    struct twilio *m = instance;
    atomic_store(&m->draining, 2);
    twilio_rests_end(m);
    for (uint32_t i = 0; i < TWILIO_BUCKETS; i++)
        while (m->calls[i])
            twilio_call_free(m->calls[i]);
    while (m->tasks)
        twilio_task_cancel(m->tasks);
    twilio_settings_drop(m->settings);
    if (m->former)
        twilio_settings_drop(m->former);
    (void)pthread_mutex_destroy(&m->lock);
    free(m);
}

static const void *twilio_extension(void *instance, const char *id)
{
    (void)instance;
    if (strcmp(id, VOICEGW_KIND_PROVIDER) == 0)
        return &twilio_operations;
    if (strcmp(id, VOICEGW_KIND_PROVIDER_MEDIA) == 0)
        return &twilio_media_operations;
    if (strcmp(id, VOICEGW_KIND_PROVIDER_IVR) == 0)
        return &twilio_ivr;
    if (strcmp(id, VOICEGW_KIND_PROVIDER_CONFERENCE) == 0)
        return &twilio_conferences;
    if (strcmp(id, VOICEGW_KIND_PROVIDER_SMS) == 0)
        return &twilio_messages;
    return NULL;
}

#define CAPS                                                                                                           \
    (VOICEGW_CAP_MAKE_CALL | VOICEGW_CAP_ANSWER | VOICEGW_CAP_END | VOICEGW_CAP_HOLD | VOICEGW_CAP_TRANSFER |          \
     VOICEGW_CAP_TRANSFER_ATTENDED | VOICEGW_CAP_PLAY | VOICEGW_CAP_SAY | VOICEGW_CAP_DTMF | VOICEGW_CAP_RECORD |      \
     VOICEGW_CAP_MUTE | VOICEGW_CAP_STATUS | VOICEGW_CAP_MEDIA | VOICEGW_CAP_CONFERENCE | VOICEGW_CAP_SMS |            \
     VOICEGW_CAP_IVR)

static const struct voicegw_factory factory = {.size = sizeof factory,
                                               .option_count = TWILIO_OPTIONS,
                                               .kind = VOICEGW_KIND_PROVIDER,
                                               .options = twilio_options,
                                               .caps = CAPS,
                                               .create = twilio_create,
                                               .start = twilio_start,
                                               .reconfigure = twilio_reconfigure,
                                               .drain = twilio_drain,
                                               .destroy = twilio_destroy,
                                               .get_extension = twilio_extension};
static const struct voicegw_factory *const factories[] = {&factory};
/* Not closable: an answer of the vendor may come when the instance that asked has been destroyed. */
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .name = "twilio",
                                             .version = VOICEGW_PLUGIN_VERSION,
                                             .license = "MIT",
                                             .description = "Telephone calls by Twilio, with live two-way audio",
                                             .factory_count = 1,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_minor;
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
