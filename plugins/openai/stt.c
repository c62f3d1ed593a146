/* stt.c - recognition by /audio/transcriptions, at OpenAI or at a compatible server. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "speech.h"

#define ROW(kind, named, ...)                                                                                          \
    {                                                                                                                  \
        .size = sizeof(struct voicegw_option), .type = kind, .name = named, __VA_ARGS__                                \
    }

struct openai_ear {
    struct batch_home home;
    const char *model, *language, *prompt;
    uint32_t stream;
};

static const struct voicegw_option options[] = {
    VOICEGW_VENDOR_OPTIONS(OPENAI_BASE_URL, 0),
    VOICEGW_VENDOR_EXTRA_OPTION(0),
    BATCH_OPTIONS,
    ROW(VOICEGW_OPTION_STRING, "model", .dflt = "gpt-4o-mini-transcribe", .description = "The transcribing model."),
    ROW(VOICEGW_OPTION_STRING, "language", .description = "Language instead of the call's, in two letters."),
    ROW(VOICEGW_OPTION_STRING, "prompt", .description = "Words about the call that help to understand it."),
    ROW(VOICEGW_OPTION_BOOL, "stream", .dflt = "true",
        .description = "The text comes in pieces; servers and models that cannot do that answer as a whole."),
};

static void fields(const struct openai_ear *ear, const struct batch_wish *wish, struct batch_form *form)
{
    char language[9], phrases[900], prompt[2200];
    batch_language(ear->language[0] ? ear->language : wish->language, language, sizeof language);
    batch_phrases(wish->hints_json, phrases, sizeof phrases);
    (void)snprintf(prompt, sizeof prompt, "%.1200s%s%s", ear->prompt, ear->prompt[0] && phrases[0] ? " " : "", phrases);
    batch_field(form, "model", ear->model);
    batch_field(form, "language", language);
    batch_field(form, "prompt", prompt);
    batch_field(form, "response_format", "json");
    batch_field(form, "stream", ear->stream ? "true" : NULL);
    batch_fields_of(form, ear->home.vendor.extra_json);
}

static int32_t write_request(const void *engine, const struct batch_wish *wish, struct voicegw_text *url,
                             struct vendor_headers *headers, struct batch_form *form, char *why, size_t cap)
{
    const struct openai_ear *ear = engine;
    voicegw_text_add(url, "/audio/transcriptions");
    fields(ear, wish, form);
    if (!ear->home.vendor.api_key[0] ||
        vendor_header_add(headers, "Authorization", "Bearer ", ear->home.vendor.api_key) == VOICEGW_OK)
        return VOICEGW_OK;
    (void)snprintf(why, cap, "api_key must be one line of at most 8,000 bytes");
    return VOICEGW_ECONFIG;
}

/* The mean probability of the words' parts, where they are told. */
static double confidence_of(struct voicegw_json logprobs)
{
    struct voicegw_json_iter it = voicegw_json_each(logprobs);
    double sum = 0;
    unsigned n = 0;
    for (; voicegw_json_next(&it); n++)
        sum += exp(voicegw_json_get_double(it.value, "logprob", 0));
    return n ? sum / n : -1;
}

static void read_failure(struct voicegw_json error, struct batch_answer *a)
{
    static const char *const words[] = {"message", NULL}, *const codes[] = {"code", "type", NULL};
    char text[200], code[64];
    vendor_pick(error, words, text, sizeof text);
    vendor_pick(error, codes, code, sizeof code);
    a->status = vendor_word_status(code);
    (void)snprintf(a->sentence, sizeof a->sentence, "the transcription failed: %s",
                   a->status == VOICEGW_EAUTH ? "the key is refused" : text);
}

void openai_transcript_read(struct voicegw_json m, struct batch_answer *a)
{
    char type[64] = "";
    (void)voicegw_json_get_string(m, "type", type, sizeof type);
    if (voicegw_json_type(voicegw_json_member(m, "error")) == VOICEGW_JSON_OBJECT) {
        read_failure(voicegw_json_member(m, "error"), a);
        return;
    }
    int64_t got = -1;
    if (strcmp(type, "transcript.text.delta") == 0) {
        got = voicegw_json_get_string(m, "delta", a->text, sizeof a->text);
    } else if (!type[0] || strcmp(type, "transcript.text.done") == 0) {
        got = voicegw_json_get_string(m, "text", a->text, sizeof a->text);
        a->whole = 1;
        a->confidence = confidence_of(voicegw_json_member(m, "logprobs"));
        a->used_s = voicegw_json_get_double(m, "usage.seconds", 0);
    }
    if (got >= 0 || got == VOICEGW_ELIMIT)
        a->status = VOICEGW_OK;
}

static const struct batch_dialect dialect = {
    .vendor = "the transcription server", .write = write_request, .read = openai_transcript_read};

static int32_t create(const struct voicegw_host *host, const struct voicegw_options *given, void **ret_instance)
{
    struct openai_ear *ear = calloc(1, sizeof *ear);
    if (!ear)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    ear->model = remote_or(host->option_string(host, given, "model"), "gpt-4o-mini-transcribe");
    ear->language = remote_or(host->option_string(host, given, "language"), "");
    ear->prompt = remote_or(host->option_string(host, given, "prompt"), "");
    ear->stream = host->option_int(host, given, "stream", 1) != 0;
    int32_t rc = batch_home_init(&ear->home, host, given, &dialect);
    if (rc != VOICEGW_OK) {
        free(ear);
        return rc;
    }
    *ret_instance = ear;
    return VOICEGW_OK;
}

const struct voicegw_factory openai_stt_factory = {.size = sizeof openai_stt_factory,
                                                   .option_count = sizeof options / sizeof *options,
                                                   .kind = VOICEGW_KIND_STT,
                                                   .options = options,
                                                   .create = create,
                                                   .start = batch_start,
                                                   .drain = batch_drain,
                                                   .destroy = free,
                                                   .get_extension = batch_extension};
