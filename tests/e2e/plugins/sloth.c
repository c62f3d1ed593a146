/* sloth.c - engines that take what they are given and never answer: a recognizer without a final, a voice without a
 * sound, an assistant without a word. */
#include <stdlib.h>
#include <string.h>

#include "voicegw/draft/assistant.h"
#include "voicegw/draft/stt.h"
#include "voicegw/draft/tts.h"
#include "voicegw/plugin.h"

struct sloth {
    const struct voicegw_host *host;
    const struct voicegw_host_stt *stt;
    const struct voicegw_host_tts *tts;
    const struct voicegw_host_assistant *assistant;
};
struct stream {
    struct sloth *of;
    uint64_t handle;
    int32_t (*on_closed)(const struct voicegw_host *host, uint64_t stream);
};

static int32_t on_create(const struct voicegw_host *host, const struct voicegw_options *o, void **ret_instance)
{
    struct sloth *e = calloc(1, sizeof *e);
    (void)o;
    if (!e)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    e->host = host;
    e->stt = host->get_extension(host, VOICEGW_HOST_STT);
    e->tts = host->get_extension(host, VOICEGW_HOST_TTS);
    e->assistant = host->get_extension(host, VOICEGW_HOST_ASSISTANT);
    *ret_instance = e;
    return VOICEGW_OK;
}

static int32_t on_start(void *i)
{
    (void)i;
    return VOICEGW_OK;
}

static void on_destroy(void *i)
{
    free(i);
}

static int32_t stream_new(void *instance, uint64_t handle,
                          int32_t (*on_closed)(const struct voicegw_host *host, uint64_t stream), void **ret_stream)
{
    struct stream *s = calloc(1, sizeof *s);
    if (!s)
        return VOICEGW_ELIMIT;
    *s = (struct stream){.of = instance, .handle = handle, .on_closed = on_closed};
    *ret_stream = s;
    return VOICEGW_OK;
}

static void stream_gone(void *arg)
{
    struct stream *s = arg;
    s->on_closed(s->of->host, s->handle);
    free(s);
}

static void stream_close(void *stream)
{
    struct stream *s = stream;
    s->of->host->post(s->of->host, s->handle, stream_gone, s);
}

/* ---- recognition ---- */

static int32_t stt_open(void *instance, uint64_t handle, const struct voicegw_stt_params *params, void **ret_stream,
                        uint32_t *ret_format)
{
    (void)params;
    *ret_format = 0;
    return stream_new(instance, handle, ((struct sloth *)instance)->stt->on_closed, ret_stream);
}
static int32_t stt_push(void *s, const struct voicegw_frame *frame)
{
    (void)s, (void)frame;
    return VOICEGW_OK;
}
static int32_t stt_speech(void *s, uint64_t utterance, uint32_t started, uint64_t sample)
{
    (void)s, (void)utterance, (void)started, (void)sample;
    return VOICEGW_OK;
}
static int32_t stt_finalize(void *s, uint64_t utterance)
{
    (void)s, (void)utterance;
    return VOICEGW_OK;
}
static int32_t stt_update(void *s, const char *hints_json, const char *language)
{
    (void)s, (void)hints_json, (void)language;
    return VOICEGW_OK;
}

/* ---- synthesis ---- */

static int32_t tts_open(void *instance, uint64_t handle, const struct voicegw_tts_params *params, void **ret_stream,
                        uint32_t *ret_format)
{
    (void)params;
    *ret_format = 0;
    return stream_new(instance, handle, ((struct sloth *)instance)->tts->on_closed, ret_stream);
}
static int32_t tts_speak(void *s, uint64_t utterance, const char *text, uint32_t flags)
{
    (void)s, (void)utterance, (void)text, (void)flags;
    return VOICEGW_OK;
}
static int32_t tts_nothing(void *s)
{
    (void)s;
    return VOICEGW_OK;
}

/* ---- the assistant ---- */

static int32_t assistant_open(void *instance, uint64_t handle, const struct voicegw_assistant_params *params,
                              void **ret_session)
{
    (void)params;
    return stream_new(instance, handle, ((struct sloth *)instance)->assistant->on_closed, ret_session);
}
static int32_t assistant_turn(void *session, const struct voicegw_turn *turn)
{
    struct stream *s = session;
    if (turn->flags & VOICEGW_TURN_START)
        return s->of->assistant->on_turn_done(s->of->host, s->handle, turn->turn, VOICEGW_OK, NULL, NULL);
    return VOICEGW_OK;
}
static int32_t assistant_interrupt(void *s, uint64_t turn, const char *heard_text, uint32_t heard_ms)
{
    (void)s, (void)turn, (void)heard_text, (void)heard_ms;
    return VOICEGW_OK;
}
static int32_t assistant_tool_result(void *s, uint64_t tool_call, int32_t status, const char *result_json)
{
    (void)s, (void)tool_call, (void)status, (void)result_json;
    return VOICEGW_OK;
}

static const void *on_extension(void *i, const char *id)
{
    static const struct voicegw_stt stt = {.size = sizeof stt,
                                           .open = stt_open,
                                           .push = stt_push,
                                           .speech = stt_speech,
                                           .finalize = stt_finalize,
                                           .update = stt_update,
                                           .close = stream_close};
    static const struct voicegw_tts tts = {.size = sizeof tts,
                                           .open = tts_open,
                                           .speak = tts_speak,
                                           .flush = tts_nothing,
                                           .cancel = tts_nothing,
                                           .close = stream_close};
    static const struct voicegw_assistant assistant = {.size = sizeof assistant,
                                                       .open = assistant_open,
                                                       .turn = assistant_turn,
                                                       .interrupt = assistant_interrupt,
                                                       .tool_result = assistant_tool_result,
                                                       .close = stream_close};
    (void)i;
    if (strcmp(id, VOICEGW_KIND_STT) == 0)
        return &stt;
    if (strcmp(id, VOICEGW_KIND_TTS) == 0)
        return &tts;
    return strcmp(id, VOICEGW_KIND_ASSISTANT) == 0 ? &assistant : NULL;
}

#define FACTORY(of)                                                                                                    \
    {                                                                                                                  \
        .size = sizeof(struct voicegw_factory), .kind = (of), .create = on_create, .start = on_start,                  \
        .destroy = on_destroy, .get_extension = on_extension                                                           \
    }
static const struct voicegw_factory stt_factory = FACTORY(VOICEGW_KIND_STT), tts_factory = FACTORY(VOICEGW_KIND_TTS),
                                    assistant_factory = FACTORY(VOICEGW_KIND_ASSISTANT);
static const struct voicegw_factory *const factories[] = {&stt_factory, &tts_factory, &assistant_factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .flags = VOICEGW_PLUGIN_CLOSABLE,
                                             .name = "sloth",
                                             .version = "1",
                                             .license = "MIT",
                                             .description = "Engines that never answer",
                                             .factory_count = 3,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor);
const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_minor;
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
