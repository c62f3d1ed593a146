/* mediastream - hands a call's audio to the operator's own application, both ways, in the format of Twilio's Media
 * Streams. */
#include <stdlib.h>
#include <string.h>
#include "session.h"
#include "voicegw/plugin.h"

static const struct voicegw_option options[] = {
    APPLICATION_OPTIONS,
    APPLICATION_OPTION_(VOICEGW_OPTION_DURATION, "max_queue", "2m", 0, 1, 600,
                        "How much of the application's audio may wait to be heard; what is beyond is left out."),
};

void mediastream_tell_drained(struct mediastream *m)
{
    unsigned asked = 1;
    if (atomic_load(&m->sessions) == 0 && atomic_compare_exchange_strong(&m->draining, &asked, 2))
        m->host->drained(m->host);
}

static int32_t create(const struct voicegw_host *host, const struct voicegw_options *given, void **ret_instance)
{
    struct mediastream *m = calloc(1, sizeof *m);
    if (!m)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    m->host = host;
    m->out = host->get_extension(host, VOICEGW_HOST_ASSISTANT);
    m->ws = host->get_extension(host, VOICEGW_HOST_WS);
    m->crypto = host->get_extension(host, VOICEGW_HOST_CRYPTO);
    m->max_queue_us = host->option_int(host, given, "max_queue", 120000000);
    atomic_init(&m->sessions, 0);
    atomic_init(&m->draining, 0);
    int32_t rc = m->out && m->ws && m->crypto
                     ? application_settings_read(host, given, &m->settings)
                     : host->set_error(host, VOICEGW_EUNSUPPORTED,
                                       "this host lacks assistants, WebSockets or digests, which mediastream needs");
    if (rc != VOICEGW_OK) {
        free(m);
        return rc;
    }
    *ret_instance = m;
    return VOICEGW_OK;
}

static int32_t start(void *instance)
{
    return VOICEGW_OK;
}

static void drain(void *instance)
{
    struct mediastream *m = instance;
    atomic_store(&m->draining, 1);
    mediastream_tell_drained(m);
}

static void destroy(void *instance)
{
    struct mediastream *m = instance;
    application_settings_done(&m->settings);
    free(m);
}

static const void *get_extension(void *instance, const char *id)
{
    return strcmp(id, VOICEGW_KIND_ASSISTANT_AUDIO) == 0 ? &session_operations : NULL;
}

static const struct voicegw_factory factory = {.size = sizeof factory,
                                               .option_count = sizeof options / sizeof *options,
                                               .kind = VOICEGW_KIND_ASSISTANT_AUDIO,
                                               .options = options,
                                               .create = create,
                                               .start = start,
                                               .drain = drain,
                                               .destroy = destroy,
                                               .get_extension = get_extension};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .flags = VOICEGW_PLUGIN_CLOSABLE,
                                             .name = "mediastream",
                                             .version = VOICEGW_PLUGIN_VERSION,
                                             .license = "MIT",
                                             .description =
                                                 "The call's audio to an application's WebSocket, as Twilio streams it",
                                             .factory_count = 1,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
