/* flite - English speech from libflite, in the process: small, quick, no network. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "speaker.h"
#include "voice.h"

struct flite {
    struct speaker_home home;
    char voice[64];
    double speed;
    atomic_uint warned; /* of a voice that it does not have: once */
};

static const struct voicegw_option options[] = {
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_ENUM,
     .name = "voice",
     .dflt = FLITE_VOICE,
     .choices = FLITE_VOICES,
     .description = "Voice of whoever names none. All speak American English but awb, who is a Scot."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_DOUBLE,
     .name = "speed",
     .dflt = "1.0",
     .min = 0.5,
     .max = 2.0,
     .description = "Pace of speech; 1.0 is the voice's own."},
};

/* SSML without its tags. */
static void strip_tags(const char *from, char *to)
{
    int inside = 0;
    for (; *from; from++) {
        if (*from == '<')
            inside = 1;
        else if (*from == '>' && inside)
            inside = 0;
        else if (!inside)
            *to++ = *from;
    }
    *to = '\0';
}

static int32_t flite_synthesize(void *engine, const struct speaker_request *request, speaker_sink sink, void *arg,
                                char *why, size_t cap)
{
    struct flite *self = engine;
    const char *voice = request->voice[0] ? flite_voice_name(request->voice) : self->voice;
    if (!request->ssml)
        return flite_voice_speak(voice, self->speed, request->text, sink, arg, why, cap);
    char *plain = malloc(strlen(request->text) + 1);
    if (!plain) {
        (void)snprintf(why, cap, "out of memory");
        return VOICEGW_ELIMIT;
    }
    strip_tags(request->text, plain);
    int32_t rc = flite_voice_speak(voice, self->speed, plain, sink, arg, why, cap);
    free(plain);
    return rc;
}

static const struct speaker_engine engine = {.synthesize = flite_synthesize};

static int english(const char *language)
{
    return !language || !language[0] ||
           (strncasecmp(language, "en", 2) == 0 && (language[2] == '\0' || language[2] == '-' || language[2] == '_'));
}

static int32_t flite_open(void *instance, uint64_t stream, const struct voicegw_tts_params *params, void **ret_stream,
                          uint32_t *ret_format)
{
    struct flite *self = instance;
    const struct voicegw_host *host = self->home.host;
    struct voicegw_tts_params own = *params;
    char text[256];
    if (!english(params->language)) {
        (void)snprintf(text, sizeof text,
                       "flite speaks English only (en-US, en-GB, …), not \"%s\"; name a tts that speaks it, for "
                       "example one with plugin: espeak",
                       params->language);
        return host->set_error(host, VOICEGW_EUNSUPPORTED, text);
    }
    if (own.voice && own.voice[0] && !flite_voice_name(own.voice)) {
        (void)snprintf(text, sizeof text, "flite has no voice \"%.64s\" (it has " FLITE_VOICES "); %s speaks instead",
                       own.voice, self->voice);
        if (atomic_exchange(&self->warned, 1) == 0)
            host->log(host, VOICEGW_LOG_WARNING, text, NULL);
        own.voice = "";
    }
    return speaker_open(&self->home, stream, &own, ret_stream, ret_format);
}

static int32_t flite_cache_key(void *instance, const struct voicegw_tts_params *params, const char *text, char *out,
                               uint32_t cap)
{
    struct flite *self = instance;
    const char *voice = params->voice && params->voice[0] ? flite_voice_name(params->voice) : NULL;
    int n = snprintf(out, cap, "flite:2.2:%s:%.3f:%s", voice ? voice : self->voice, self->speed, text);
    return n < 0 || (uint32_t)n >= cap ? VOICEGW_ELIMIT : n;
}

static const struct voicegw_tts operations = {.size = sizeof operations,
                                              .open = flite_open,
                                              .speak = speaker_speak,
                                              .flush = speaker_flush,
                                              .cancel = speaker_cancel,
                                              .credit = speaker_credit,
                                              .close = speaker_close,
                                              .cache_key = flite_cache_key};

static int32_t flite_create(const struct voicegw_host *host, const struct voicegw_options *given, void **ret_instance)
{
    struct flite *self = calloc(1, sizeof *self);
    if (!self)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    const char *voice = host->option_string(host, given, "voice");
    (void)snprintf(self->voice, sizeof self->voice, "%s", voice ? voice : FLITE_VOICE);
    self->speed = host->option_double(host, given, "speed", 1.0);
    int32_t rc = speaker_home_init(&self->home, host, &engine, self);
    if (rc == VOICEGW_OK && !flite_voice_name(self->voice))
        rc = host->set_error(host, VOICEGW_ECONFIG, "voice must be one of " FLITE_VOICES);
    if (rc == VOICEGW_OK && !(self->speed >= 0.5 && self->speed <= 2.0))
        rc = host->set_error(host, VOICEGW_ECONFIG, "speed must lie between 0.5 and 2.0");
    if (rc != VOICEGW_OK) {
        free(self);
        return rc;
    }
    *ret_instance = self;
    return VOICEGW_OK;
}

static int32_t flite_start(void *instance)
{
    return VOICEGW_OK;
}

static void flite_drain(void *instance)
{
    speaker_home_drain(&((struct flite *)instance)->home);
}

static void flite_destroy(void *instance)
{
    free(instance);
}

static const void *flite_extension(void *instance, const char *id)
{
    return strcmp(id, VOICEGW_KIND_TTS) == 0 ? &operations : NULL;
}

static const struct voicegw_factory factory = {.size = sizeof factory,
                                               .option_count = sizeof options / sizeof *options,
                                               .kind = VOICEGW_KIND_TTS,
                                               .options = options,
                                               .create = flite_create,
                                               .start = flite_start,
                                               .drain = flite_drain,
                                               .destroy = flite_destroy,
                                               .get_extension = flite_extension};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .name = "flite",
                                             .version = VOICEGW_PLUGIN_VERSION,
                                             .license = "MIT",
                                             .description = "English speech synthesis in the process (libflite)",
                                             .factory_count = 1,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
