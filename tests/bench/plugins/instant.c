/* instant - engines that answer at once: recognition ends with the first quiet frame, synthesis is a tone of 200 ms.
 * What a turn takes with them is the gateway's own share. */
#include <stdlib.h>
#include <string.h>
#include "voicegw/plugin.h"
#include "voicegw/draft/assistant.h"
#include "voicegw/draft/stt.h"
#include "voicegw/draft/tts.h"

#define LOUD 1000 /* of 32768 */
#define TONE_FRAMES 10

struct instant {
    const struct voicegw_host *host;
    const struct voicegw_host_stt *stt;
    const struct voicegw_host_tts *tts;
};

struct stream {
    struct instant *instant;
    uint64_t handle, utterance;
    uint32_t loud_frames;
};

static int32_t stream_new(struct instant *i, uint64_t handle, void **ret)
{
    struct stream *s = calloc(1, sizeof *s);
    if (!s)
        return VOICEGW_ELIMIT;
    s->instant = i;
    s->handle = handle;
    *ret = s;
    return VOICEGW_OK;
}

static int32_t pick(const struct voicegw_audio_format *formats, uint32_t count, uint32_t encoding, uint32_t *ret_format)
{
    for (uint32_t i = 0; i < count; i++)
        if (formats[i].encoding == encoding && formats[i].rate == 8000) {
            *ret_format = i;
            return VOICEGW_OK;
        }
    return VOICEGW_EUNSUPPORTED;
}

/* ---- recognition ---- */

static int32_t stt_open(void *instance, uint64_t handle, const struct voicegw_stt_params *params, void **ret,
                        uint32_t *ret_format)
{
    int32_t rc = pick(params->formats, params->format_count, VOICEGW_AUDIO_L16, ret_format);
    return rc < 0 ? rc : stream_new(instance, handle, ret);
}

static int32_t stt_push(void *stream, const struct voicegw_frame *frame)
{
    struct stream *s = stream;
    const int16_t *pcm = frame->data;
    uint32_t loud = 0;
    for (uint32_t i = 0; i < frame->samples; i++)
        loud += pcm[i] > LOUD || pcm[i] < -LOUD;
    if (loud > frame->samples / 4) {
        s->loud_frames++;
        return VOICEGW_OK;
    }
    if (s->loud_frames < 10)
        return VOICEGW_OK;
    s->loud_frames = 0;
    const struct voicegw_stt_result r = {.size = sizeof r,
                                         .final = 1,
                                         .utterance = s->utterance,
                                         .text = "a room for two nights",
                                         .confidence = 1,
                                         .start_sample = -1,
                                         .end_sample = -1};
    return s->instant->stt->on_result(s->instant->host, s->handle, &r);
}

static int32_t stt_speech(void *stream, uint64_t utterance, uint32_t started, uint64_t sample)
{
    struct stream *s = stream;
    s->utterance = utterance;
    return VOICEGW_OK;
}

static int32_t stt_finalize(void *stream, uint64_t utterance)
{
    return VOICEGW_OK;
}

static int32_t stt_update(void *stream, const char *hints_json, const char *language)
{
    return VOICEGW_OK;
}

static void stt_closed(void *arg)
{
    struct stream *s = arg;
    (void)s->instant->stt->on_closed(s->instant->host, s->handle);
    free(s);
}

static void stt_close(void *stream)
{
    struct stream *s = stream;
    if (s->instant->host->post(s->instant->host, s->handle, stt_closed, s) != VOICEGW_OK)
        stt_closed(s);
}

static const struct voicegw_stt stt_operations = {.size = sizeof stt_operations,
                                                  .endpoints = 1,
                                                  .open = stt_open,
                                                  .push = stt_push,
                                                  .speech = stt_speech,
                                                  .finalize = stt_finalize,
                                                  .update = stt_update,
                                                  .close = stt_close};

/* ---- synthesis ---- */

static int32_t tts_open(void *instance, uint64_t handle, const struct voicegw_tts_params *params, void **ret,
                        uint32_t *ret_format)
{
    int32_t rc = pick(params->formats, params->format_count, VOICEGW_AUDIO_PCMU, ret_format);
    return rc < 0 ? rc : stream_new(instance, handle, ret);
}

static int32_t tts_speak(void *stream, uint64_t utterance, const char *text, uint32_t flags)
{
    struct stream *s = stream;
    struct instant *i = s->instant;
    uint8_t audio[160];
    for (size_t n = 0; n < sizeof audio; n++)
        audio[n] = n & 4 ? 0x20 : 0xa0;
    const struct voicegw_frame frame = {.size = sizeof frame,
                                        .encoding = VOICEGW_AUDIO_PCMU,
                                        .rate = 8000,
                                        .data = audio,
                                        .bytes = 160,
                                        .samples = 160};
    if (text && text[0] && s->utterance != utterance) {
        s->utterance = utterance;
        for (uint32_t n = 0; n < TONE_FRAMES; n++)
            (void)i->tts->on_audio(i->host, s->handle, utterance, &frame);
    }
    if (flags & VOICEGW_SPEAK_LAST)
        (void)i->tts->on_done(i->host, s->handle, utterance, VOICEGW_OK, NULL);
    return VOICEGW_OK;
}

static int32_t tts_nothing(void *stream)
{
    return VOICEGW_OK;
}

static void tts_closed(void *arg)
{
    struct stream *s = arg;
    (void)s->instant->tts->on_closed(s->instant->host, s->handle);
    free(s);
}

static void tts_close(void *stream)
{
    struct stream *s = stream;
    if (s->instant->host->post(s->instant->host, s->handle, tts_closed, s) != VOICEGW_OK)
        tts_closed(s);
}

static const struct voicegw_tts tts_operations = {.size = sizeof tts_operations,
                                                  .open = tts_open,
                                                  .speak = tts_speak,
                                                  .flush = tts_nothing,
                                                  .cancel = tts_nothing,
                                                  .close = tts_close};

/* ---- life ---- */

static int32_t instant_create(const struct voicegw_host *host, const struct voicegw_options *given, void **ret_instance)
{
    struct instant *i = calloc(1, sizeof *i);
    if (!i)
        return VOICEGW_ELIMIT;
    i->host = host;
    i->stt = host->get_extension(host, VOICEGW_HOST_STT);
    i->tts = host->get_extension(host, VOICEGW_HOST_TTS);
    *ret_instance = i;
    return VOICEGW_OK;
}

static int32_t instant_start(void *instance)
{
    return VOICEGW_OK;
}

static void instant_drain(void *instance)
{
    struct instant *i = instance;
    i->host->drained(i->host);
}

static void instant_destroy(void *instance)
{
    free(instance);
}

static const void *instant_extension(void *instance, const char *id)
{
    return strcmp(id, VOICEGW_KIND_STT) == 0   ? (const void *)&stt_operations
           : strcmp(id, VOICEGW_KIND_TTS) == 0 ? &tts_operations
                                               : NULL;
}

#define FACTORY(of)                                                                                                    \
    {                                                                                                                  \
        .size = sizeof(struct voicegw_factory), .kind = of, .create = instant_create, .start = instant_start,          \
        .drain = instant_drain, .destroy = instant_destroy, .get_extension = instant_extension                         \
    }
static const struct voicegw_factory stt_factory = FACTORY(VOICEGW_KIND_STT), tts_factory = FACTORY(VOICEGW_KIND_TTS);
static const struct voicegw_factory *const factories[] = {&stt_factory, &tts_factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .name = "instant",
                                             .version = VOICEGW_PLUGIN_VERSION,
                                             .license = "MIT",
                                             .description = "Engines that answer at once",
                                             .factory_count = 2,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
