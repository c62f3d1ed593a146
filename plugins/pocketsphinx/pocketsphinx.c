/* pocketsphinx - recognition in the process: English, for phrases that the current step expects. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "stream.h"

#define MODELS "/usr/share/pocketsphinx/model/en-us"
/* Means of telephone speech at 8 kHz brought up to 16 kHz: the stock ones belong to wide-band speech, and take seconds
 * to adapt. */
#define TELEPHONE "45.0,18.0,-33.0,43.0,-23.0,0.0,4.0,-30.0,11.0,-16.0,3.0,5.0,-15.0"

static const struct voicegw_option options[] = {
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_ENUM,
     .name = "model",
     .dflt = "small",
     .choices = "small full",
     .description = "What is expected when a step gives no phrases: common words of a call (small, 9 MB a caller), or "
                    "dictation (full, "
                    "100 MB a caller and slow)."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_LIST,
     .name = "phrases",
     .description = "Phrases that are always expected, besides the step's."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_PATH,
     .name = "acoustic_model",
     .dflt = MODELS "/en-us",
     .description = "Folder of the acoustic model (16 kHz)."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_PATH,
     .name = "dictionary",
     .dflt = MODELS "/cmudict-en-us.dict",
     .description = "Pronunciations; words that it lacks cannot be expected."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_PATH,
     .name = "language_model",
     .dflt = MODELS "/en-us.lm.bin",
     .description = "Language model for model: full."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_PATH,
     .name = "work_dir",
     .description = "Where the plugin makes its private folder; default TMPDIR."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_STRING,
     .name = "cmninit",
     .dflt = TELEPHONE,
     .description = "Cepstral means that a call begins with."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_DOUBLE,
     .name = "beam",
     .dflt = "1e-60",
     .max = 1,
     .description = "Search beam: smaller hears more and costs more."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_DOUBLE,
     .name = "word_beam",
     .dflt = "1e-40",
     .max = 1,
     .description = "Search beam at word ends."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_DOUBLE,
     .name = "phone_beam",
     .dflt = "1e-60",
     .max = 1,
     .description = "Search beam at phone ends."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_DOUBLE,
     .name = "language_weight",
     .dflt = "6.5",
     .min = 1,
     .max = 30,
     .description = "Weight of the phrases against the sound."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_DOUBLE,
     .name = "insertion",
     .dflt = "0.65",
     .min = 0.001,
     .max = 10,
     .description = "Below 1, fewer and longer words are preferred."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_DOUBLE,
     .name = "discount",
     .dflt = "0.1",
     .min = 0.01,
     .max = 0.99,
     .description = "How freely the words of the phrases may be combined: 0.01 only as written, 0.99 in any order."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_DOUBLE,
     .name = "garbage",
     .dflt = "0.9",
     .max = 0.99,
     .description = "Share of other speech that is expected; it is what lowers the confidence. 0: everything is taken "
                    "for a phrase."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_DOUBLE,
     .name = "min_confidence",
     .dflt = "0.35",
     .max = 1,
     .description = "Below it nothing was understood: the final is empty."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_DURATION,
     .name = "max_utterance",
     .dflt = "60s",
     .min = 1,
     .max = 600,
     .description = "Speech beyond this length is not decoded."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_INT,
     .name = "max_streams",
     .dflt = "100",
     .min = 1,
     .max = 10000,
     .description = "Callers recognized at once; one more is refused."},
};

static void text_option(const struct voicegw_host *host, const struct voicegw_options *given, const char *name,
                        char *out, size_t cap)
{
    const char *text = host->option_string(host, given, name);
    (void)snprintf(out, cap, "%s", text ? text : "");
}

static void read_settings(struct recognizer *r, const struct voicegw_options *given)
{
    const struct voicegw_host *host = r->host;
    struct model_settings *s = &r->model.settings;
    const char *model = host->option_string(host, given, "model");
    s->full = model && strcmp(model, "full") == 0;
    text_option(host, given, "acoustic_model", s->acoustic, sizeof s->acoustic);
    text_option(host, given, "dictionary", s->dictionary, sizeof s->dictionary);
    text_option(host, given, "language_model", s->language_model, sizeof s->language_model);
    text_option(host, given, "cmninit", s->cmninit, sizeof s->cmninit);
    text_option(host, given, "work_dir", r->work_dir, sizeof r->work_dir);
    s->beam = host->option_double(host, given, "beam", 1e-60);
    s->word_beam = host->option_double(host, given, "word_beam", 1e-40);
    s->phone_beam = host->option_double(host, given, "phone_beam", 1e-60);
    s->language_weight = host->option_double(host, given, "language_weight", 6.5);
    s->insertion = host->option_double(host, given, "insertion", 0.65);
    s->weights.discount = host->option_double(host, given, "discount", 0.1);
    s->weights.garbage = host->option_double(host, given, "garbage", 0.9);
    r->confidence_floor_percent = (uint32_t)(host->option_double(host, given, "min_confidence", 0.35) * 100);
    r->max_utterance_s = (uint32_t)(host->option_int(host, given, "max_utterance", 60000000) / 1000000);
    r->max_streams = (uint32_t)host->option_int(host, given, "max_streams", 100);
}

static int32_t read_phrases(struct recognizer *r, const struct voicegw_options *given)
{
    const char *json = r->host->option_json(r->host, given, "phrases");
    if (!json)
        return VOICEGW_OK;
    int n = snprintf(r->phrases_json, sizeof r->phrases_json, "%s", json);
    if (n < 0 || (size_t)n >= sizeof r->phrases_json)
        return r->host->set_error(r->host, VOICEGW_ECONFIG, "phrases must be shorter than 16 KiB together");
    return VOICEGW_OK;
}

static int32_t recognizer_create(const struct voicegw_host *host, const struct voicegw_options *given,
                                 void **ret_instance)
{
    char why[900];
    struct recognizer *r = calloc(1, sizeof *r);
    if (!r)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    r->host = host;
    r->out = host->get_extension(host, VOICEGW_HOST_STT);
    atomic_init(&r->streams, 0);
    atomic_init(&r->draining, 0);
    atomic_init(&r->numbers, 0);
    read_settings(r, given);
    int32_t rc = read_phrases(r, given);
    if (rc == VOICEGW_OK && !r->out)
        rc = host->set_error(host, VOICEGW_EUNSUPPORTED, "this host takes no recognized speech (" VOICEGW_HOST_STT ")");
    if (rc == VOICEGW_OK && model_check(&r->model.settings, why, sizeof why) < 0)
        rc = host->set_error(host, VOICEGW_ECONFIG, why);
    if (rc != VOICEGW_OK) {
        free(r);
        return rc;
    }
    *ret_instance = r;
    return VOICEGW_OK;
}

static int32_t recognizer_start(void *instance)
{
    struct recognizer *r = instance;
    char why[900];
    if (model_start(&r->model, r->work_dir, r->host->wall_us(r->host) / 1000000, why, sizeof why) < 0)
        return r->host->set_error(r->host, VOICEGW_ESTORAGE, why);
    return VOICEGW_OK;
}

static void drain(void *instance)
{
    recognizer_drain(instance);
}

static void recognizer_destroy(void *instance)
{
    struct recognizer *r = instance;
    model_stop(&r->model);
    free(r);
}

static const struct voicegw_stt operations = {.size = sizeof operations,
                                              .open = stream_open,
                                              .push = stream_push,
                                              .speech = stream_speech,
                                              .finalize = stream_finalize,
                                              .update = stream_update,
                                              .close = stream_close};

static const void *recognizer_extension(void *instance, const char *id)
{
    return strcmp(id, VOICEGW_KIND_STT) == 0 ? &operations : NULL;
}

static const struct voicegw_factory factory = {.size = sizeof factory,
                                               .option_count = sizeof options / sizeof *options,
                                               .kind = VOICEGW_KIND_STT,
                                               .options = options,
                                               .create = recognizer_create,
                                               .start = recognizer_start,
                                               .drain = drain,
                                               .destroy = recognizer_destroy,
                                               .get_extension = recognizer_extension};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .name = "pocketsphinx",
                                             .version = VOICEGW_PLUGIN_VERSION,
                                             .license = "MIT",
                                             .description = "Speech recognition in the process (CMU PocketSphinx)",
                                             .factory_count = 1,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
