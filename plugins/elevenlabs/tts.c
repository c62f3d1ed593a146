/* tts.c - ElevenLabs as a voice: mu-law at 8 kHz as the call has it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "elevenlabs.h"

#define ROW(kind, named, ...)                                                                                          \
    {                                                                                                                  \
        .size = sizeof(struct voicegw_option), .type = kind, .name = named, __VA_ARGS__                                \
    }
#define MODEL "eleven_flash_v2_5"
#define VOICE "21m00Tcm4TlvDq8ikWAM"

static const struct voicegw_option options[] = {
    VOICEGW_VENDOR_OPTIONS("https://api.elevenlabs.io", 0),
    VOICEGW_VENDOR_EXTRA_OPTION(0),
    REMOTE_OPTIONS,
    ROW(VOICEGW_OPTION_STRING, "model", .dflt = MODEL, .description = "The speaking model."),
    ROW(VOICEGW_OPTION_STRING, "voice", .dflt = VOICE, .description = "The id of the voice of whoever names none."),
    ROW(VOICEGW_OPTION_JSON, "voice_settings",
        .description = "As the vendor has them: {stability: 0.5, similarity_boost: 0.75, speed: 1.0}."),
    ROW(VOICEGW_OPTION_INT, "seed", .max = 4294967295.0,
        .description = "The same number and text sound the same each time, as far as the vendor can."),
};

static int32_t key(const void *engine, const struct speaker_request *sentence, char *out, size_t cap)
{
    const struct elevenlabs_voice *v = engine;
    int n = snprintf(out, cap, "elevenlabs:%s:%s:%s:%s:%s:%lld:%s:%s", v->remote.vendor.base_url, v->model,
                     remote_or(sentence->voice, v->voice), sentence->language, v->settings_json ? v->settings_json : "",
                     (long long)v->seed, v->remote.vendor.extra_json, sentence->text);
    return n < 0 || (size_t)n >= cap ? VOICEGW_ELIMIT : n;
}

static const struct remote_dialect dialect = {
    .vendor = "ElevenLabs", .text_max = 5000, .g711 = 2, .write = elevenlabs_speech_write, .key = key};

static int32_t create(const struct voicegw_host *host, const struct voicegw_options *given, void **ret_instance)
{
    struct elevenlabs_voice *v = calloc(1, sizeof *v);
    if (!v)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    v->model = remote_or(host->option_string(host, given, "model"), MODEL);
    v->voice = remote_or(host->option_string(host, given, "voice"), VOICE);
    v->settings_json = host->option_json(host, given, "voice_settings");
    v->seed = host->option_int(host, given, "seed", -1);
    int32_t rc = remote_init(&v->remote, host, given, &dialect);
    if (rc == VOICEGW_OK && v->settings_json &&
        voicegw_json_type(voicegw_json_of(v->settings_json)) != VOICEGW_JSON_OBJECT)
        rc = host->set_error(host, VOICEGW_ECONFIG, "voice_settings must be a mapping: {stability: 0.5}");
    if (rc != VOICEGW_OK) {
        free(v);
        return rc;
    }
    *ret_instance = v;
    return VOICEGW_OK;
}

const struct voicegw_factory elevenlabs_tts_factory = {.size = sizeof elevenlabs_tts_factory,
                                                       .option_count = sizeof options / sizeof *options,
                                                       .kind = VOICEGW_KIND_TTS,
                                                       .options = options,
                                                       .create = create,
                                                       .start = remote_start,
                                                       .drain = remote_drain,
                                                       .destroy = free,
                                                       .get_extension = remote_extension};
