/* relay - the caller's audio back like loopback's, but the host listens for speech and plays it out by its own clock.
 */
#include <stdlib.h>
#include <string.h>
#include "voicegw/plugin.h"
#include "voicegw/draft/assistant.h"

struct relay {
    const struct voicegw_host *host;
    const struct voicegw_host_assistant *out;
};

struct session {
    struct relay *relay;
    uint64_t handle;
};

static int32_t session_open(void *instance, uint64_t handle, const struct voicegw_assistant_params *params,
                            const struct voicegw_audio_format *formats, uint32_t count, void **ret_session,
                            uint32_t *ret_format)
{
    struct session *s = calloc(1, sizeof *s);
    if (!s)
        return VOICEGW_ELIMIT;
    s->relay = instance;
    s->handle = handle;
    *ret_session = s;
    *ret_format = 0;
    return VOICEGW_OK;
}

static int32_t session_audio(void *session, const struct voicegw_frame *frame)
{
    const struct session *s = session;
    return s->relay->out->on_audio(s->relay->host, s->handle, "", frame);
}

static void on_close(void *arg)
{
    struct session *s = arg;
    (void)s->relay->out->on_closed(s->relay->host, s->handle);
    free(s);
}

static void session_close(void *session)
{
    struct session *s = session;
    if (s->relay->host->post(s->relay->host, s->handle, on_close, s) != VOICEGW_OK)
        on_close(s);
}

static const struct voicegw_assistant_audio operations = {
    .size = sizeof operations, .open = session_open, .audio = session_audio, .close = session_close};

static int32_t relay_create(const struct voicegw_host *host, const struct voicegw_options *given, void **ret_instance)
{
    struct relay *r = calloc(1, sizeof *r);
    if (!r)
        return VOICEGW_ELIMIT;
    r->host = host;
    r->out = host->get_extension(host, VOICEGW_HOST_ASSISTANT);
    *ret_instance = r;
    return VOICEGW_OK;
}

static int32_t relay_start(void *instance)
{
    return VOICEGW_OK;
}

static void relay_drain(void *instance)
{
    struct relay *r = instance;
    r->host->drained(r->host);
}

static void relay_destroy(void *instance)
{
    free(instance);
}

static const void *relay_extension(void *instance, const char *id)
{
    return strcmp(id, VOICEGW_KIND_ASSISTANT_AUDIO) == 0 ? &operations : NULL;
}

static const struct voicegw_factory factory = {.size = sizeof factory,
                                               .kind = VOICEGW_KIND_ASSISTANT_AUDIO,
                                               .create = relay_create,
                                               .start = relay_start,
                                               .drain = relay_drain,
                                               .destroy = relay_destroy,
                                               .get_extension = relay_extension};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .name = "relay",
                                             .version = VOICEGW_PLUGIN_VERSION,
                                             .license = "MIT",
                                             .description = "The caller's audio back by the host's clock",
                                             .factory_count = 1,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
