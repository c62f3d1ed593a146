/* stt.c - Deepgram as a recognizer. */
#include <stdlib.h>
#include <string.h>
#include "deepgram.h"

#define ROW(kind, named, ...)                                                                                          \
    {                                                                                                                  \
        .size = sizeof(struct voicegw_option), .type = kind, .name = named, __VA_ARGS__                                \
    }

static const struct voicegw_option options[] = {
    VOICEGW_VENDOR_OPTIONS("https://api.deepgram.com", 0),
    VOICEGW_VENDOR_EXTRA_OPTION(0),
    LIVE_OPTIONS,
    ROW(VOICEGW_OPTION_STRING, "model", .dflt = "nova-3",
        .description = "The model; one that begins with flux finds the ends of turns itself (turns: engine)."),
    ROW(VOICEGW_OPTION_STRING, "language",
        .description = "Language instead of the call's, as in \"multi\" for several at once."),
    ROW(VOICEGW_OPTION_LIST, "keyterms", .description = "Names and words to listen for, besides the step's."),
    ROW(VOICEGW_OPTION_DURATION, "endpointing", .dflt = "300ms", .max = 10,
        .description = "Silence after which Deepgram settles what was said; 0 switches that off."),
    ROW(VOICEGW_OPTION_DURATION, "utterance_end", .dflt = "1s", .max = 10,
        .description = "With turns: engine, the gap between words that ends a turn where noise hides the silence; at "
                       "least 1s, 0 switches it off."),
    ROW(VOICEGW_OPTION_BOOL, "smart_format", .dflt = "false",
        .description = "Numbers, dates and the like are written as figures."),
};

static const struct live_dialect nova = {.vendor = "Deepgram",
                                         .word_names = {"word", "start", "end", "confidence"},
                                         .word_unit_ms = 1000,
                                         .piece_ms = 20,
                                         .keep_alive_ms = 4000,
                                         .keep_alive = "{\"type\":\"KeepAlive\"}",
                                         .goodbye = "{\"type\":\"CloseStream\"}",
                                         .g711 = 2,
                                         .rate = 8000,
                                         .address = deepgram_address,
                                         .commit = "{\"type\":\"Finalize\"}",
                                         .read = deepgram_read};
static const struct live_dialect flux = {.vendor = "Deepgram",
                                         .word_names = {"word", "start", "end", "confidence"},
                                         .word_unit_ms = 1000,
                                         .piece_ms = 80,
                                         .goodbye = "{\"type\":\"CloseStream\"}",
                                         .g711 = 2,
                                         .rate = 16000,
                                         .address = deepgram_address,
                                         .read = deepgram_read};

static int64_t ms_of(const struct voicegw_host *host, const struct voicegw_options *given, const char *name)
{
    int64_t us = host->option_int(host, given, name, -1);
    return us < 0 ? -1 : us / 1000;
}

static int32_t create(const struct voicegw_host *host, const struct voicegw_options *given, void **ret_instance)
{
    struct deepgram_ear *ear = calloc(1, sizeof *ear);
    if (!ear)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    const char *model = host->option_string(host, given, "model"),
               *language = host->option_string(host, given, "language");
    ear->model = model && model[0] ? model : "nova-3";
    ear->language = language ? language : "";
    ear->flux = strncmp(ear->model, "flux", 4) == 0;
    ear->keyterms_json = host->option_json(host, given, "keyterms");
    ear->endpointing_ms = ms_of(host, given, "endpointing");
    ear->utterance_end_ms = ms_of(host, given, "utterance_end");
    ear->smart_format = host->option_int(host, given, "smart_format", 0) != 0;
    int32_t rc = live_home_init(&ear->home, host, given, ear->flux ? &flux : &nova);
    ear->extra_json = ear->home.vendor.extra_json;
    ear->home.own_turns |= ear->flux;
    if (rc == VOICEGW_OK && ear->utterance_end_ms > 0 && ear->utterance_end_ms < 1000)
        rc = host->set_error(host, VOICEGW_ECONFIG, "utterance_end must be 0 or at least 1s: Deepgram takes no less");
    if (rc != VOICEGW_OK) {
        free(ear);
        return rc;
    }
    *ret_instance = ear;
    return VOICEGW_OK;
}

const struct voicegw_factory deepgram_stt_factory = {.size = sizeof deepgram_stt_factory,
                                                     .option_count = sizeof options / sizeof *options,
                                                     .kind = VOICEGW_KIND_STT,
                                                     .options = options,
                                                     .create = create,
                                                     .start = live_start,
                                                     .drain = live_drain,
                                                     .destroy = free,
                                                     .get_extension = live_extension};
