/* wire.c - Deepgram's addresses and messages. Pure. */
#include <stdio.h>
#include <string.h>
#include "deepgram.h"

static void keyterms(struct voicegw_text *url, const char *name, const char *list_json)
{
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_of(list_json));
    char term[256];
    for (unsigned n = 0; n < 50 && voicegw_json_next(&it); n++)
        if (voicegw_json_string(it.value, term, sizeof term) > 0)
            voicegw_form_add(url, name, term);
}

static const char *encoding_name(uint32_t encoding)
{
    return encoding == VOICEGW_AUDIO_PCMU ? "mulaw" : encoding == VOICEGW_AUDIO_PCMA ? "alaw" : "linear16";
}

static void live_options(const struct deepgram_ear *ear, const struct live_wish *wish, struct voicegw_text *url)
{
    const char *language = ear->language[0] ? ear->language : wish->language;
    if (language[0])
        voicegw_form_add(url, "language", language);
    voicegw_form_add(url, "channels", "1");
    voicegw_form_add_bool(url, "interim_results", wish->interim || wish->own_turns);
    voicegw_form_add_bool(url, "punctuate", 1);
    voicegw_form_add_bool(url, "smart_format", ear->smart_format);
    if (wish->own_turns)
        voicegw_form_add_bool(url, "vad_events", 1);
    if (ear->endpointing_ms == 0)
        voicegw_form_add(url, "endpointing", "false");
    else if (ear->endpointing_ms > 0)
        voicegw_form_add_int(url, "endpointing", ear->endpointing_ms);
    if (wish->own_turns && ear->utterance_end_ms > 0)
        voicegw_form_add_int(url, "utterance_end_ms", ear->utterance_end_ms);
}

int32_t deepgram_address(const void *engine, const struct live_wish *wish, struct voicegw_text *url,
                         struct vendor_headers *headers, char *why, size_t cap)
{
    const struct deepgram_ear *ear = engine;
    const char *name = ear->flux || strncmp(ear->model, "nova-3", 6) == 0 ? "keyterm" : "keywords";
    voicegw_text_add(url, ear->flux ? "/v2/listen?" : "/v1/listen?");
    voicegw_form_add(url, "model", ear->model);
    voicegw_form_add(url, "encoding", encoding_name(wish->encoding));
    voicegw_form_add_int(url, "sample_rate", wish->rate);
    if (!ear->flux)
        live_options(ear, wish, url);
    keyterms(url, name, ear->keyterms_json);
    keyterms(url, name, wish->hints_json);
    vendor_query_extra(url, ear->extra_json);
    if (ear->home.vendor.api_key[0] &&
        vendor_header_add(headers, "Authorization", "Token ", ear->home.vendor.api_key) != VOICEGW_OK) {
        (void)snprintf(why, cap, "api_key must be one line of at most 8,000 bytes");
        return VOICEGW_ECONFIG;
    }
    return VOICEGW_OK;
}

static void read_results(struct voicegw_json m, struct live_news *n)
{
    struct voicegw_json best = voicegw_json_get(m, "channel.alternatives.0");
    n->heard = 1;
    n->settled = voicegw_json_get_bool(m, "is_final", 0);
    n->flushed = voicegw_json_get_bool(m, "from_finalize", 0);
    n->turn_ended = voicegw_json_get_bool(m, "speech_final", 0);
    (void)voicegw_json_get_string(best, "transcript", n->text, sizeof n->text);
    n->confidence = n->text[0] ? voicegw_json_get_double(best, "confidence", -1) : -1;
    (void)voicegw_json_get_string(best, "languages.0", n->language, sizeof n->language);
    n->words = voicegw_json_member(best, "words");
    double start = voicegw_json_get_double(m, "start", -1), length = voicegw_json_get_double(m, "duration", 0);
    n->start_s = voicegw_json_get_double(n->words, "0.start", start);
    n->end_s = start >= 0 ? start + length : -1;
}

/* Flux tells the whole turn each time. */
static void read_turn(struct voicegw_json m, struct live_news *n)
{
    char event[32] = "";
    (void)voicegw_json_get_string(m, "event", event, sizeof event);
    n->speech = strcmp(event, "StartOfTurn") == 0;
    n->turn_ended = n->settled = strcmp(event, "EndOfTurn") == 0;
    n->heard = 1;
    (void)voicegw_json_get_string(m, "transcript", n->text, sizeof n->text);
    n->words = voicegw_json_member(m, "words");
    n->confidence = n->text[0] ? voicegw_json_get_double(n->words, "0.confidence", -1) : -1;
    n->start_s = voicegw_json_get_double(m, "audio_window_start", -1);
    n->end_s = voicegw_json_get_double(m, "audio_window_end", -1);
}

static void read_error(struct voicegw_json m, struct live_news *n)
{
    static const char *const paths[] = {"description", "message", "reason", "variant", "code", NULL};
    static const char *const codes[] = {"code", "variant", "message", NULL};
    char words[160], code[64];
    vendor_pick(m, paths, words, sizeof words);
    vendor_pick(m, codes, code, sizeof code);
    n->status = vendor_word_status(code);
    n->fatal = 1;
    (void)snprintf(n->sentence, sizeof n->sentence, "Deepgram complains: %s", words[0] ? words : "no reason is given");
}

void deepgram_read(struct voicegw_json m, struct live_news *n)
{
    struct voicegw_json type = voicegw_json_member(m, "type");
    if (voicegw_json_equals(type, "Results")) {
        read_results(m, n);
    } else if (voicegw_json_equals(type, "TurnInfo")) {
        read_turn(m, n);
    } else if (voicegw_json_equals(type, "UtteranceEnd")) {
        n->turn_ended = 1;
    } else if (voicegw_json_equals(type, "SpeechStarted")) {
        n->speech = 1;
        n->start_s = voicegw_json_get_double(m, "timestamp", -1);
    } else if (voicegw_json_equals(type, "Metadata")) {
        n->used_s = voicegw_json_get_double(m, "duration", 0);
    } else if (voicegw_json_equals(type, "Error")) {
        read_error(m, n);
    }
}
