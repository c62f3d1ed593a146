/* wire.c - AssemblyAI's address and messages. Pure. */
#include <stdio.h>
#include <string.h>
#include "assemblyai.h"

#define TERMS_MAX 100      /* of keyterms_prompt */
#define TERM_BYTES_MAX 51u /* the vendor takes 50 characters */

static void put_terms(struct voicegw_json_writer *w, const char *list_json, unsigned *count)
{
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_of(list_json));
    char term[TERM_BYTES_MAX];
    while (list_json && *count < TERMS_MAX && voicegw_json_next(&it))
        if (voicegw_json_string(it.value, term, sizeof term) > 0) {
            voicegw_json_put_string(w, NULL, term);
            ++*count;
        }
}

static void add_ms(struct voicegw_text *url, const char *name, int64_t ms)
{
    if (ms >= 0)
        voicegw_form_add_int(url, name, ms);
}

int32_t assemblyai_address(const void *engine, const struct live_wish *wish, struct voicegw_text *url,
                           struct vendor_headers *headers, char *why, size_t cap)
{
    const struct assemblyai *a = engine;
    char terms[3000], number[32];
    unsigned count = 0;
    struct voicegw_json_writer w = voicegw_json_writer_of(terms, sizeof terms);
    voicegw_text_add(url, "/v3/ws?");
    voicegw_form_add_int(url, "sample_rate", wish->rate);
    voicegw_form_add(url, "encoding", wish->encoding == VOICEGW_AUDIO_PCMU ? "pcm_mulaw" : "pcm_s16le");
    voicegw_form_add(url, "speech_model", a->model);
    voicegw_form_add(url, "format_turns", "false"); /* else each turn ends twice */
    if (a->end_confidence >= 0) {
        (void)snprintf(number, sizeof number, "%.3f", a->end_confidence);
        voicegw_form_add(url, "end_of_turn_confidence_threshold", number);
    }
    add_ms(url, "min_turn_silence", a->min_turn_silence_ms);
    add_ms(url, "max_turn_silence", a->max_turn_silence_ms);
    voicegw_json_put_array(&w, NULL);
    put_terms(&w, a->keyterms_json, &count);
    put_terms(&w, wish->hints_json, &count);
    voicegw_json_put_end(&w);
    if (count && voicegw_json_finish(&w) > 0)
        voicegw_form_add(url, "keyterms_prompt", terms);
    vendor_query_extra(url, a->home.vendor.extra_json);
    if (!a->home.vendor.api_key[0] ||
        vendor_header_add(headers, "Authorization", "", a->home.vendor.api_key) == VOICEGW_OK)
        return VOICEGW_OK;
    (void)snprintf(why, cap, "api_key must be one line of at most 8,000 bytes");
    return VOICEGW_ECONFIG;
}

int64_t assemblyai_update(const char *hints_json, char *out, uint64_t cap)
{
    struct voicegw_json_writer w = voicegw_json_writer_of(out, cap);
    unsigned count = 0;
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "type", "UpdateConfiguration");
    voicegw_json_put_array(&w, "keyterms_prompt");
    put_terms(&w, hints_json, &count);
    voicegw_json_put_end(&w);
    voicegw_json_put_end(&w);
    return voicegw_json_finish(&w);
}

/* The transcript holds the words that are settled; those behind them stand in the list of words only. */
static void read_turn(struct voicegw_json m, struct live_news *n)
{
    struct voicegw_json_iter it;
    char word[256];
    size_t used = 0;
    double sum = 0;
    unsigned count = 0;
    n->heard = 1;
    n->settled = n->turn_ended = n->flushed = voicegw_json_get_bool(m, "end_of_turn", 0);
    n->words = voicegw_json_member(m, "words");
    for (it = voicegw_json_each(n->words); voicegw_json_next(&it); count++) {
        int64_t got = voicegw_json_get_string(it.value, "text", word, sizeof word);
        sum += voicegw_json_get_double(it.value, "confidence", 0);
        if (got > 0 && !n->settled && used + (size_t)got + 2 < sizeof n->text)
            used += (size_t)snprintf(n->text + used, sizeof n->text - used, "%s%s", used ? " " : "", word);
    }
    if (n->settled || !count)
        (void)voicegw_json_get_string(m, "transcript", n->text, sizeof n->text);
    n->confidence = count ? sum / count : -1;
    n->start_s = voicegw_json_get_double(n->words, "0.start", -1000) / 1000;
    if (count)
        n->end_s = voicegw_json_get_double(voicegw_json_item(n->words, count - 1), "end", -1000) / 1000;
    (void)voicegw_json_get_string(m, "language_code", n->language, sizeof n->language);
}

void assemblyai_read(struct voicegw_json m, struct live_news *n)
{
    static const char *const paths[] = {"error", "message", NULL};
    struct voicegw_json type = voicegw_json_member(m, "type");
    char words[160];
    if (voicegw_json_equals(type, "Turn")) {
        read_turn(m, n);
    } else if (voicegw_json_equals(type, "SpeechStarted")) {
        n->speech = 1;
        n->start_s = voicegw_json_get_double(m, "timestamp", -1000) / 1000;
    } else if (voicegw_json_equals(type, "Termination")) {
        n->used_s = voicegw_json_get_double(m, "session_duration_seconds", 0);
    } else if (voicegw_json_equals(type, "Error") ||
               voicegw_json_type(voicegw_json_member(m, "error")) == VOICEGW_JSON_STRING) {
        vendor_pick(m, paths, words, sizeof words);
        n->status = vendor_word_status(words);
        n->fatal = 1;
        (void)snprintf(n->sentence, sizeof n->sentence, "AssemblyAI complains: %s",
                       n->status == VOICEGW_EAUTH ? "the key is refused" : words);
    }
}
