/* hello-stt.c - a speech recognizer that understands one thing: that somebody spoke, and for how long. It answers
 * "hello" (or the text of its option) to each utterance. A real engine would decode in a pool job (host->job with a
 * strand for each stream) where this one counts samples; all the rest is the same.
 *
 *     stt: {deaf: {plugin: hello-stt, text: "hello"}} */
#include <stdlib.h>
#include <string.h>
#include "voicegw/plugin.h"
#include "voicegw/json.h"
#include "voicegw/draft/stt.h"

enum { TEXT_MAX_BYTES = 200 };

struct engine {
    const struct voicegw_host *host;
    const struct voicegw_host_stt *stt;
    char text[TEXT_MAX_BYTES]; /* read-only after create: several workers call at once */
};

/* One caller's stream; lives on that stream's worker. */
struct stream {
    struct engine *engine;
    uint64_t handle; /* the host's name for it */
    uint64_t rate, samples;
    uint64_t utterance; /* running, 0: none */
    int64_t began;      /* its first sample */
};

static const struct voicegw_option options[] = {{.size = sizeof(struct voicegw_option),
                                                 .type = VOICEGW_OPTION_STRING,
                                                 .name = "text",
                                                 .dflt = "hello",
                                                 .min = 1,
                                                 .max = TEXT_MAX_BYTES - 1,
                                                 .description = "What every utterance is taken for"}};

static int32_t on_create(const struct voicegw_host *host, const struct voicegw_options *o, void **ret_instance)
{
    const char *text = host->option_string(host, o, "text");
    const struct voicegw_host_stt *stt = host->get_extension(host, VOICEGW_HOST_STT);
    if (!stt)
        return host->set_error(host, VOICEGW_EUNSUPPORTED, "this gateway has no speech recognition: use a newer one");
    if (!text || !*text || strlen(text) >= TEXT_MAX_BYTES)
        return host->set_error(host, VOICEGW_ECONFIG, "text must have 1 to 199 bytes");
    struct engine *e = calloc(1, sizeof *e);
    if (!e)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    e->host = host;
    e->stt = stt;
    memcpy(e->text, text, strlen(text) + 1);
    *ret_instance = e;
    return VOICEGW_OK;
}

static int32_t on_start(void *instance)
{
    (void)instance;
    return VOICEGW_OK;
}

static void on_destroy(void *instance)
{
    free(instance);
}

/* Chooses the first format of linear samples; the host brings them in 20 ms frames. */
static int32_t on_open(void *instance, uint64_t handle, const struct voicegw_stt_params *params, void **ret_stream,
                       uint32_t *ret_format)
{
    struct engine *e = instance;
    for (uint32_t i = 0; i < params->format_count; i++) {
        if (params->formats[i].encoding != VOICEGW_AUDIO_L16)
            continue;
        struct stream *s = calloc(1, sizeof *s);
        if (!s)
            return e->host->set_error(e->host, VOICEGW_ELIMIT, "out of memory");
        s->engine = e;
        s->handle = handle;
        s->rate = params->formats[i].rate;
        *ret_stream = s;
        *ret_format = i;
        return VOICEGW_OK;
    }
    return e->host->set_error(e->host, VOICEGW_EUNSUPPORTED, "hello-stt hears 16-bit linear samples only");
}

static int32_t on_push(void *stream, const struct voicegw_frame *frame)
{
    struct stream *s = stream;
    s->samples = frame->timestamp + frame->samples;
    return VOICEGW_OK;
}

static int32_t on_speech(void *stream, uint64_t utterance, uint32_t started, uint64_t sample)
{
    struct stream *s = stream;
    if (started) {
        s->utterance = utterance;
        s->began = (int64_t)sample;
    }
    return VOICEGW_OK;
}

/* The utterance is over: exactly one final for it. Results may be reported from inside of a call, the host orders them.
 */
static int32_t on_finalize(void *stream, uint64_t utterance)
{
    struct stream *s = stream;
    char usage[64];
    struct voicegw_stt_result result = {
        .size = sizeof result,
        .final = 1,
        .utterance = utterance,
        .text = utterance == s->utterance ? s->engine->text : "", /* nobody spoke: an empty final is valid */
        .confidence = 1.0,
        .start_sample = utterance == s->utterance ? s->began : -1,
        .end_sample = (int64_t)s->samples};
    s->utterance = 0;
    int32_t status = s->engine->stt->on_result(s->engine->host, s->handle, &result);

    struct voicegw_json_writer w = voicegw_json_writer_of(usage, sizeof usage);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_double(&w, "audio_seconds", s->rate ? (double)s->samples / (double)s->rate : 0.0);
    voicegw_json_put_end(&w);
    if (voicegw_json_finish(&w) > 0)
        (void)s->engine->stt->on_usage(s->engine->host, s->handle, usage);
    return status;
}

static int32_t on_update(void *stream, const char *hints_json, const char *language)
{
    (void)stream;
    (void)hints_json;
    (void)language;
    return VOICEGW_OK; /* we say the same whatever is expected */
}

static void finish_close(void *arg)
{
    struct stream *s = arg;
    (void)s->engine->stt->on_closed(s->engine->host, s->handle);
    free(s);
}

/* on_closed() must not come from inside: it goes through our own worker's queue, or control's when that one refuses. */
static void on_close(void *stream)
{
    struct stream *s = stream;
    const struct voicegw_host *host = s->engine->host;
    if (host->post(host, s->handle, finish_close, s) < 0)
        (void)host->post(host, VOICEGW_TARGET_CONTROL, finish_close, s);
}

static const struct voicegw_stt stt = {.size = sizeof stt,
                                       .open = on_open,
                                       .push = on_push,
                                       .speech = on_speech,
                                       .finalize = on_finalize,
                                       .update = on_update,
                                       .close = on_close};

static const void *on_extension(void *instance, const char *id)
{
    (void)instance;
    return strcmp(id, VOICEGW_KIND_STT) == 0 ? &stt : NULL;
}

static const struct voicegw_factory factory = {.size = sizeof factory,
                                               .kind = VOICEGW_KIND_STT,
                                               .options = options,
                                               .option_count = sizeof options / sizeof options[0],
                                               .create = on_create,
                                               .start = on_start,
                                               .destroy = on_destroy,
                                               .get_extension = on_extension};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .flags = VOICEGW_PLUGIN_CLOSABLE,
                                             .name = "hello-stt",
                                             .version = "1.0",
                                             .license = "MIT",
                                             .description = "A recognizer that hears hello, as an example",
                                             .factory_count = 1,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_minor;
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
