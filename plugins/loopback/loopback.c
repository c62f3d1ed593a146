/* loopback - the caller's audio back, bit for bit, as fast as it comes. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "voicegw/plugin.h"
#include "voicegw/draft/assistant.h"

struct loopback {
    const struct voicegw_host *host;
    const struct voicegw_host_assistant *out;
    atomic_uint sessions, draining;
};

struct session {
    struct loopback *loopback;
    uint64_t handle;
};

static void tell_drained(struct loopback *l)
{
    unsigned asked = 1;
    if (atomic_load(&l->sessions) == 0 && atomic_compare_exchange_strong(&l->draining, &asked, 2))
        l->host->drained(l->host);
}

/* The host's best format is the one that its line speaks: whatever it is, it goes back unchanged. */
static int32_t session_open(void *instance, uint64_t handle, const struct voicegw_assistant_params *params,
                            const struct voicegw_audio_format *formats, uint32_t count, void **ret_session,
                            uint32_t *ret_format)
{
    struct loopback *l = instance;
    if (count == 0)
        return l->host->set_error(l->host, VOICEGW_EINVALID, "no audio format is offered");
    struct session *s = calloc(1, sizeof *s);
    if (!s)
        return l->host->set_error(l->host, VOICEGW_ELIMIT, "out of memory");
    s->loopback = l;
    s->handle = handle;
    atomic_fetch_add(&l->sessions, 1);
    *ret_session = s;
    *ret_format = 0;
    return VOICEGW_OK;
}

static int32_t session_audio(void *session, const struct voicegw_frame *frame)
{
    const struct session *s = session;
    return s->loopback->out->on_audio(s->loopback->host, s->handle, "", frame);
}

static void on_close(void *arg)
{
    struct session *s = arg;
    struct loopback *l = s->loopback;
    (void)l->out->on_closed(l->host, s->handle);
    free(s);
    atomic_fetch_sub(&l->sessions, 1);
    tell_drained(l);
}

static void session_close(void *session)
{
    struct session *s = session;
    const struct voicegw_host *host = s->loopback->host;
    if (host->post(host, s->handle, on_close, s) != VOICEGW_OK &&
        !host->timer_start(host, s->handle, 1000, on_close, s))
        on_close(s);
}

static const struct voicegw_assistant_audio operations = {.size = sizeof operations,
                                                          .flags = VOICEGW_ASSISTANT_AUDIO_PACED |
                                                                   VOICEGW_ASSISTANT_AUDIO_TURNS,
                                                          .open = session_open,
                                                          .audio = session_audio,
                                                          .close = session_close};

static int32_t loopback_create(const struct voicegw_host *host, const struct voicegw_options *given,
                               void **ret_instance)
{
    struct loopback *l = calloc(1, sizeof *l);
    if (!l)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    l->host = host;
    l->out = host->get_extension(host, VOICEGW_HOST_ASSISTANT);
    if (!l->out) {
        free(l);
        return host->set_error(host, VOICEGW_EUNSUPPORTED, "this host has no assistants (" VOICEGW_HOST_ASSISTANT ")");
    }
    atomic_init(&l->sessions, 0);
    atomic_init(&l->draining, 0);
    *ret_instance = l;
    return VOICEGW_OK;
}

static int32_t loopback_start(void *instance)
{
    return VOICEGW_OK;
}

static void loopback_drain(void *instance)
{
    struct loopback *l = instance;
    atomic_store(&l->draining, 1);
    tell_drained(l);
}

static void loopback_destroy(void *instance)
{
    free(instance);
}

static const void *loopback_extension(void *instance, const char *id)
{
    return strcmp(id, VOICEGW_KIND_ASSISTANT_AUDIO) == 0 ? &operations : NULL;
}

static const struct voicegw_factory factory = {.size = sizeof factory,
                                               .kind = VOICEGW_KIND_ASSISTANT_AUDIO,
                                               .create = loopback_create,
                                               .start = loopback_start,
                                               .drain = loopback_drain,
                                               .destroy = loopback_destroy,
                                               .get_extension = loopback_extension};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .flags = VOICEGW_PLUGIN_CLOSABLE,
                                             .name = "loopback",
                                             .version = VOICEGW_PLUGIN_VERSION,
                                             .license = "MIT",
                                             .description = "The caller's audio back, bit for bit",
                                             .factory_count = 1,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
