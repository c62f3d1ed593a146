/* tts.c - Deepgram as a voice: speak v1 over HTTP, mu-law at 8 kHz without a container where the call is that. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "deepgram.h"
#include "remote.h"

struct deepgram_voice {
    struct remote remote;
    const char *model;
};

static const struct voicegw_option options[] = {
    VOICEGW_VENDOR_OPTIONS("https://api.deepgram.com", 0),
    VOICEGW_VENDOR_EXTRA_OPTION(0),
    REMOTE_OPTIONS,
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_STRING,
     .name = "voice",
     .dflt = "aura-2-thalia-en",
     .description = "Voice of whoever names none; Deepgram calls it the model, and it speaks one language."},
};

static const char *encoding_name(uint32_t encoding)
{
    return encoding == VOICEGW_AUDIO_PCMU ? "mulaw" : encoding == VOICEGW_AUDIO_PCMA ? "alaw" : "linear16";
}

static int32_t write_request(const void *engine, const struct speaker_request *sentence, struct remote_request *q,
                             char *why, size_t cap)
{
    const struct deepgram_voice *v = engine;
    voicegw_text_add(&q->url, "/v1/speak?");
    voicegw_form_add(&q->url, "model", remote_or(sentence->voice, v->model));
    voicegw_form_add(&q->url, "encoding", encoding_name(q->encoding));
    voicegw_form_add_int(&q->url, "sample_rate", q->rate);
    voicegw_form_add(&q->url, "container", "none");
    vendor_query_extra(&q->url, v->remote.vendor.extra_json);
    voicegw_json_put_object(&q->body, NULL);
    voicegw_json_put_string(&q->body, "text", sentence->text);
    voicegw_json_put_end(&q->body);
    if (vendor_header_add(&q->headers, "Content-Type", "", "application/json") == VOICEGW_OK &&
        (!v->remote.vendor.api_key[0] ||
         vendor_header_add(&q->headers, "Authorization", "Token ", v->remote.vendor.api_key) == VOICEGW_OK))
        return VOICEGW_OK;
    (void)snprintf(why, cap, "api_key must be one line of at most 8,000 bytes");
    return VOICEGW_ECONFIG;
}

static int32_t key(const void *engine, const struct speaker_request *sentence, char *out, size_t cap)
{
    const struct deepgram_voice *v = engine;
    int n = snprintf(out, cap, "deepgram:%s:%s:%s:%s", v->remote.vendor.base_url, remote_or(sentence->voice, v->model),
                     v->remote.vendor.extra_json, sentence->text);
    return n < 0 || (size_t)n >= cap ? VOICEGW_ELIMIT : n;
}

static const struct remote_dialect dialect = {
    .vendor = "Deepgram", .text_max = 2000, .g711 = 2, .write = write_request, .key = key};

static int32_t create(const struct voicegw_host *host, const struct voicegw_options *given, void **ret_instance)
{
    struct deepgram_voice *v = calloc(1, sizeof *v);
    if (!v)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    const char *voice = host->option_string(host, given, "voice");
    v->model = voice && voice[0] ? voice : "aura-2-thalia-en";
    int32_t rc = remote_init(&v->remote, host, given, &dialect);
    if (rc != VOICEGW_OK) {
        free(v);
        return rc;
    }
    *ret_instance = v;
    return VOICEGW_OK;
}

const struct voicegw_factory deepgram_tts_factory = {.size = sizeof deepgram_tts_factory,
                                                     .option_count = sizeof options / sizeof *options,
                                                     .kind = VOICEGW_KIND_TTS,
                                                     .options = options,
                                                     .create = create,
                                                     .start = remote_start,
                                                     .drain = remote_drain,
                                                     .destroy = free,
                                                     .get_extension = remote_extension};
