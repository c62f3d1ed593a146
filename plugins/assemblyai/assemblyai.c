/* assemblyai - speech recognition by AssemblyAI. */
#include "assemblyai.h"
#include <stdlib.h>
#include <string.h>

#define ROW(kind, named, ...)                                                                                          \
    {                                                                                                                  \
        .size = sizeof(struct voicegw_option), .type = kind, .name = named, __VA_ARGS__                                \
    }
#define MODEL "universal-streaming-english"

static const struct voicegw_option options[] = {
    VOICEGW_VENDOR_OPTIONS("https://streaming.assemblyai.com", 0),
    VOICEGW_VENDOR_EXTRA_OPTION(0),
    LIVE_OPTIONS,
    ROW(VOICEGW_OPTION_STRING, "model", .dflt = MODEL,
        .description = "The streaming model; universal-streaming-multilingual for other languages."),
    ROW(VOICEGW_OPTION_LIST, "keyterms", .description = "Names and words to listen for, besides the step's."),
    ROW(VOICEGW_OPTION_DOUBLE, "end_of_turn_confidence", .max = 1,
        .description = "How sure the vendor is to be that a turn is over; absent: its own default."),
    ROW(VOICEGW_OPTION_DURATION, "min_turn_silence", .max = 10,
        .description = "Silence that ends a turn when the vendor is sure; absent: its own default."),
    ROW(VOICEGW_OPTION_DURATION, "max_turn_silence", .max = 30,
        .description = "Silence that ends a turn in any case; absent: its own default."),
};

static const struct live_dialect dialect = {.vendor = "AssemblyAI",
                                            .word_names = {"text", "start", "end", "confidence"},
                                            .word_unit_ms = 1,
                                            .piece_ms = 60, /* 50 at least */
                                            .keep_alive_ms = 10000,
                                            .keep_alive = "{\"type\":\"KeepAlive\"}",
                                            .goodbye = "{\"type\":\"Terminate\"}",
                                            .g711 = 1,
                                            .rate = 16000,
                                            .address = assemblyai_address,
                                            .commit = "{\"type\":\"ForceEndpoint\"}",
                                            .update = assemblyai_update,
                                            .read = assemblyai_read};

static int64_t ms_of(const struct voicegw_host *host, const struct voicegw_options *given, const char *name)
{
    int64_t us = host->option_int(host, given, name, -1);
    return us < 0 ? -1 : us / 1000;
}

static int32_t create(const struct voicegw_host *host, const struct voicegw_options *given, void **ret_instance)
{
    struct assemblyai *a = calloc(1, sizeof *a);
    if (!a)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    const char *model = host->option_string(host, given, "model");
    a->model = model && model[0] ? model : MODEL;
    a->keyterms_json = host->option_json(host, given, "keyterms");
    a->end_confidence = host->option_double(host, given, "end_of_turn_confidence", -1);
    a->min_turn_silence_ms = ms_of(host, given, "min_turn_silence");
    a->max_turn_silence_ms = ms_of(host, given, "max_turn_silence");
    int32_t rc = live_home_init(&a->home, host, given, &dialect);
    if (rc != VOICEGW_OK) {
        free(a);
        return rc;
    }
    *ret_instance = a;
    return VOICEGW_OK;
}

static const struct voicegw_factory factory = {.size = sizeof factory,
                                               .option_count = sizeof options / sizeof *options,
                                               .kind = VOICEGW_KIND_STT,
                                               .options = options,
                                               .create = create,
                                               .start = live_start,
                                               .drain = live_drain,
                                               .destroy = free,
                                               .get_extension = live_extension};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .name = "assemblyai",
                                             .version = VOICEGW_PLUGIN_VERSION,
                                             .license = "MIT",
                                             .description = "Speech recognition by AssemblyAI",
                                             .factory_count = 1,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
