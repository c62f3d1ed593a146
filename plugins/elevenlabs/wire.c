/* wire.c - ElevenLabs' addresses, bodies and messages. Pure. */
#include <stdio.h>
#include <string.h>
#include "batch.h"
#include "elevenlabs.h"

static int32_t add_key(const struct voicegw_vendor *vendor, struct vendor_headers *headers, char *why, size_t cap)
{
    if (!vendor->api_key[0] || vendor_header_add(headers, "xi-api-key", "", vendor->api_key) == VOICEGW_OK)
        return VOICEGW_OK;
    (void)snprintf(why, cap, "api_key must be one line of at most 8,000 bytes");
    return VOICEGW_ECONFIG;
}

static void add_format(struct voicegw_text *url, const char *name, uint32_t encoding, uint32_t rate)
{
    char format[32];
    const char *kind = encoding == VOICEGW_AUDIO_PCMU ? "ulaw" : encoding == VOICEGW_AUDIO_PCMA ? "alaw" : "pcm";
    (void)snprintf(format, sizeof format, "%s_%u", kind, rate);
    voicegw_form_add(url, name, format);
}

/* ---- recognition ---- */

int32_t elevenlabs_address(const void *engine, const struct live_wish *wish, struct voicegw_text *url,
                           struct vendor_headers *headers, char *why, size_t cap)
{
    const struct elevenlabs_ear *ear = engine;
    char language[9], silence[32];
    batch_language(ear->language[0] ? ear->language : wish->language, language, sizeof language);
    voicegw_text_add(url, "/v1/speech-to-text/realtime?");
    voicegw_form_add(url, "model_id", ear->model);
    add_format(url, "audio_format", wish->encoding, wish->rate);
    if (language[0] && strcmp(language, "auto") != 0)
        voicegw_form_add(url, "language_code", language);
    voicegw_form_add(url, "commit_strategy", wish->own_turns ? "vad" : "manual");
    if (wish->own_turns) {
        (void)snprintf(silence, sizeof silence, "%.2f", ear->vad_silence_s);
        voicegw_form_add(url, "vad_silence_threshold_secs", silence);
    }
    vendor_query_extra(url, ear->home.vendor.extra_json);
    return add_key(&ear->home.vendor, headers, why, cap);
}

static void read_complaint(struct voicegw_json m, const char *type, struct live_news *n)
{
    static const char *const paths[] = {"error", "message", NULL};
    /* Of these the connection does not end, or another one helps. */
    static const char *const passing[] = {"session_time_limit_exceeded", "insufficient_audio_activity",
                                          "transcriber_error", "queue_overflow"};
    char words[160];
    vendor_pick(m, paths, words, sizeof words);
    n->status = vendor_word_status(type);
    n->fatal = strcmp(type, "input_error") != 0 && strcmp(type, "chunk_size_exceeded") != 0;
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
        if (strcmp(type, passing[i]) == 0)
            n->status = VOICEGW_EPROVIDER;
    (void)snprintf(n->sentence, sizeof n->sentence, "ElevenLabs complains (%.60s): %s", type,
                   n->status == VOICEGW_EAUTH ? "the key is refused" : words);
}

void elevenlabs_read(struct voicegw_json m, struct live_news *n)
{
    char type[64] = "";
    (void)voicegw_json_get_string(m, "message_type", type, sizeof type);
    if (strcmp(type, "partial_transcript") == 0 || strcmp(type, "committed_transcript") == 0) {
        n->heard = 1;
        n->settled = n->flushed = n->turn_ended = type[0] == 'c';
        (void)voicegw_json_get_string(m, "text", n->text, sizeof n->text);
        (void)voicegw_json_get_string(m, "language_code", n->language, sizeof n->language);
    } else if (strcmp(type, "commit_throttled") == 0) {
        n->flushed = 1;
    } else if (voicegw_json_type(voicegw_json_member(m, "error")) == VOICEGW_JSON_STRING ||
               strcmp(type, "error") == 0) {
        read_complaint(m, type, n);
    }
}

/* ---- synthesis ---- */

int32_t elevenlabs_speech_write(const void *engine, const struct speaker_request *sentence, struct remote_request *q,
                                char *why, size_t cap)
{
    const struct elevenlabs_voice *v = engine;
    char language[9];
    batch_language(sentence->language, language, sizeof language);
    voicegw_text_add(&q->url, "/v1/text-to-speech/");
    voicegw_text_add_escaped(&q->url, remote_or(sentence->voice, v->voice));
    voicegw_text_add(&q->url, "/stream?");
    add_format(&q->url, "output_format", q->encoding, q->rate);
    voicegw_json_put_object(&q->body, NULL);
    voicegw_json_put_string(&q->body, "text", sentence->text);
    voicegw_json_put_string(&q->body, "model_id", v->model);
    /* Older models refuse to be told. */
    if (language[0] && (strstr(v->model, "_v2_5") || strstr(v->model, "_v3")))
        voicegw_json_put_string(&q->body, "language_code", language);
    if (v->settings_json)
        voicegw_json_put_json(&q->body, "voice_settings", voicegw_json_of(v->settings_json));
    if (v->seed >= 0)
        voicegw_json_put_int(&q->body, "seed", v->seed);
    vendor_json_extra(&q->body, v->remote.vendor.extra_json);
    voicegw_json_put_end(&q->body);
    if (vendor_header_add(&q->headers, "Content-Type", "", "application/json") != VOICEGW_OK)
        return VOICEGW_ELIMIT;
    return add_key(&v->remote.vendor, &q->headers, why, cap);
}
