/* tts.c - synthesis by /audio/speech, at OpenAI or at a compatible server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "speech.h"

#define ROW(kind, named, ...)                                                                                          \
    {                                                                                                                  \
        .size = sizeof(struct voicegw_option), .type = kind, .name = named, __VA_ARGS__                                \
    }
#define RATE 24000 /* of response_format pcm */

static const struct voicegw_option options[] = {
    VOICEGW_VENDOR_OPTIONS(OPENAI_BASE_URL, 0),
    VOICEGW_VENDOR_EXTRA_OPTION(0),
    REMOTE_OPTIONS,
    ROW(VOICEGW_OPTION_STRING, "model", .dflt = "gpt-4o-mini-tts", .description = "The speaking model."),
    ROW(VOICEGW_OPTION_STRING, "voice", .dflt = "marin", .description = "Voice of whoever names none."),
    ROW(VOICEGW_OPTION_STRING, "instructions",
        .description = "How to speak, for models that can be told: \"warm and calm\"."),
    ROW(VOICEGW_OPTION_DOUBLE, "speed", .dflt = "1.0", .min = 0.25, .max = 4, .description = "Pace of speech."),
};

int32_t openai_speech_write(const void *engine, const struct speaker_request *sentence, struct remote_request *q,
                            char *why, size_t cap)
{
    const struct openai_voice *v = engine;
    voicegw_text_add(&q->url, "/audio/speech");
    q->encoding = VOICEGW_AUDIO_L16;
    q->rate = RATE;
    voicegw_json_put_object(&q->body, NULL);
    voicegw_json_put_string(&q->body, "model", v->model);
    voicegw_json_put_string(&q->body, "input", sentence->text);
    voicegw_json_put_string(&q->body, "voice", remote_or(sentence->voice, v->voice));
    if (v->instructions[0])
        voicegw_json_put_string(&q->body, "instructions", v->instructions);
    voicegw_json_put_string(&q->body, "response_format", "pcm");
    if (v->speed != 1.0)
        voicegw_json_put_double(&q->body, "speed", v->speed);
    vendor_json_extra(&q->body, v->remote.vendor.extra_json);
    voicegw_json_put_end(&q->body);
    if (vendor_header_add(&q->headers, "Content-Type", "", "application/json") == VOICEGW_OK &&
        (!v->remote.vendor.api_key[0] ||
         vendor_header_add(&q->headers, "Authorization", "Bearer ", v->remote.vendor.api_key) == VOICEGW_OK))
        return VOICEGW_OK;
    (void)snprintf(why, cap, "api_key must be one line of at most 8,000 bytes");
    return VOICEGW_ECONFIG;
}

static int32_t key(const void *engine, const struct speaker_request *sentence, char *out, size_t cap)
{
    const struct openai_voice *v = engine;
    int n = snprintf(out, cap, "openai:%s:%s:%s:%.3f:%s:%s:%s", v->remote.vendor.base_url, v->model,
                     remote_or(sentence->voice, v->voice), v->speed, v->instructions, v->remote.vendor.extra_json,
                     sentence->text);
    return n < 0 || (size_t)n >= cap ? VOICEGW_ELIMIT : n;
}

static const struct remote_dialect dialect = {
    .vendor = "the speech server", .text_max = 4096, .write = openai_speech_write, .key = key};

static int32_t create(const struct voicegw_host *host, const struct voicegw_options *given, void **ret_instance)
{
    struct openai_voice *v = calloc(1, sizeof *v);
    if (!v)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    v->model = remote_or(host->option_string(host, given, "model"), "gpt-4o-mini-tts");
    v->voice = remote_or(host->option_string(host, given, "voice"), "marin");
    v->instructions = remote_or(host->option_string(host, given, "instructions"), "");
    v->speed = host->option_double(host, given, "speed", 1.0);
    int32_t rc = remote_init(&v->remote, host, given, &dialect);
    if (rc == VOICEGW_OK && !(v->speed >= 0.25 && v->speed <= 4))
        rc = host->set_error(host, VOICEGW_ECONFIG, "speed must lie between 0.25 and 4");
    if (rc != VOICEGW_OK) {
        free(v);
        return rc;
    }
    *ret_instance = v;
    return VOICEGW_OK;
}

const struct voicegw_factory openai_tts_factory = {.size = sizeof openai_tts_factory,
                                                   .option_count = sizeof options / sizeof *options,
                                                   .kind = VOICEGW_KIND_TTS,
                                                   .options = options,
                                                   .create = create,
                                                   .start = remote_start,
                                                   .drain = remote_drain,
                                                   .destroy = free,
                                                   .get_extension = remote_extension};
