/* espeak - speech in about a hundred languages from libespeak-ng, in the process. The library is GPL-3.0-or-later, and
 * so is this plugin when it is loaded: it is packaged apart from the gateway. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "speaker.h"
#include "voice.h"

struct espeak {
    struct speaker_home home;
    char voice[64];
    int words_per_minute, pitch;
    atomic_uint warned;
};

static const struct voicegw_option options[] = {
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_STRING,
     .name = "voice",
     .dflt = "",
     .description = "Voice of whoever names none, as espeak-ng names it (en-us, de, en-us+f3); empty: by language."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_INT,
     .name = "speed",
     .dflt = "160",
     .unit = "words a minute",
     .min = 80,
     .max = 450,
     .description = "Pace of speech."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_INT,
     .name = "pitch",
     .dflt = "50",
     .min = 0,
     .max = 100,
     .description = "Height of the voice."},
};

static int32_t espeak_synthesize(void *engine, const struct speaker_request *request, speaker_sink sink, void *arg,
                                 char *why, size_t cap)
{
    struct espeak *self = engine;
    const struct voicegw_host *host = self->home.host;
    int unknown = 0;
    struct espeak_style style = {self->words_per_minute, self->pitch, self->voice, &unknown};
    int32_t rc = espeak_voice_speak(request, &style, sink, arg, why, cap);
    if (unknown && atomic_exchange(&self->warned, 1) == 0) {
        char text[200];
        (void)snprintf(text, sizeof text, "espeak-ng has no voice \"%s\"; its default for the language speaks instead",
                       request->voice);
        host->log(host, VOICEGW_LOG_WARNING, text, NULL);
    }
    return rc;
}

static const struct speaker_engine engine = {.synthesize = espeak_synthesize};

static int32_t espeak_open(void *instance, uint64_t stream, const struct voicegw_tts_params *params, void **ret_stream,
                           uint32_t *ret_format)
{
    struct espeak *self = instance;
    if (!espeak_speaks(params->language)) {
        char text[900];
        (void)snprintf(text, sizeof text, "espeak-ng does not speak \"%s\"; it speaks %s", params->language,
                       espeak_languages());
        return self->home.host->set_error(self->home.host, VOICEGW_EUNSUPPORTED, text);
    }
    return speaker_open(&self->home, stream, params, ret_stream, ret_format);
}

static int32_t espeak_cache_key(void *instance, const struct voicegw_tts_params *params, const char *text, char *out,
                                uint32_t cap)
{
    struct espeak *self = instance;
    const char *voice = params->voice && params->voice[0] ? params->voice : self->voice;
    int n = snprintf(out, cap, "espeak:1.51:%s:%s:%d:%d:%s", voice, params->language ? params->language : "",
                     self->words_per_minute, self->pitch, text);
    return n < 0 || (uint32_t)n >= cap ? VOICEGW_ELIMIT : n;
}

static const struct voicegw_tts operations = {.size = sizeof operations,
                                              .open = espeak_open,
                                              .speak = speaker_speak,
                                              .flush = speaker_flush,
                                              .cancel = speaker_cancel,
                                              .credit = speaker_credit,
                                              .close = speaker_close,
                                              .cache_key = espeak_cache_key};

static int32_t espeak_create(const struct voicegw_host *host, const struct voicegw_options *given, void **ret_instance)
{
    struct espeak *self = calloc(1, sizeof *self);
    if (!self)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    const char *voice = host->option_string(host, given, "voice");
    (void)snprintf(self->voice, sizeof self->voice, "%s", voice ? voice : "");
    self->words_per_minute = (int)host->option_int(host, given, "speed", 160);
    self->pitch = (int)host->option_int(host, given, "pitch", 50);
    atomic_init(&self->warned, 0);
    int32_t rc = speaker_home_init(&self->home, host, &engine, self);
    if (rc != VOICEGW_OK) {
        free(self);
        return rc;
    }
    *ret_instance = self;
    return VOICEGW_OK;
}

static int32_t espeak_start(void *instance)
{
    return VOICEGW_OK;
}

static void espeak_drain(void *instance)
{
    speaker_home_drain(&((struct espeak *)instance)->home);
}

static void espeak_destroy(void *instance)
{
    free(instance);
}

static const void *espeak_extension(void *instance, const char *id)
{
    return strcmp(id, VOICEGW_KIND_TTS) == 0 ? &operations : NULL;
}

static const struct voicegw_factory factory = {.size = sizeof factory,
                                               .option_count = sizeof options / sizeof *options,
                                               .kind = VOICEGW_KIND_TTS,
                                               .options = options,
                                               .create = espeak_create,
                                               .start = espeak_start,
                                               .drain = espeak_drain,
                                               .destroy = espeak_destroy,
                                               .get_extension = espeak_extension};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {
    .size = sizeof plugin,
    .abi_major = VOICEGW_ABI_MAJOR,
    .abi_minor = VOICEGW_ABI_MINOR,
    .name = "espeak",
    .version = VOICEGW_PLUGIN_VERSION,
    .license = "GPL-3.0-or-later",
    .description = "Speech synthesis in about a hundred languages (libespeak-ng, GPL-3.0)",
    .factory_count = 1,
    .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
