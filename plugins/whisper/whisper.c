/* whisper - recognition by the server of whisper.cpp, on this machine or another. */
#include "whisper.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROW(kind, named, ...)                                                                                          \
    {                                                                                                                  \
        .size = sizeof(struct voicegw_option), .type = kind, .name = named, __VA_ARGS__                                \
    }

struct whisper {
    struct batch_home home;
    const char *path, *language, *prompt;
};

static const struct voicegw_option options[] = {
    VOICEGW_VENDOR_OPTIONS("http://127.0.0.1:8080", 0),
    VOICEGW_VENDOR_EXTRA_OPTION(0),
    BATCH_OPTIONS,
    ROW(VOICEGW_OPTION_STRING, "path", .dflt = "/inference",
        .description = "The endpoint; another where the server was started with --inference-path."),
    ROW(VOICEGW_OPTION_STRING, "language",
        .description = "Language instead of the call's, in two letters; auto lets the model find it."),
    ROW(VOICEGW_OPTION_STRING, "prompt", .description = "Words about the call that help to understand it."),
};

static int32_t write_request(const void *engine, const struct batch_wish *wish, struct voicegw_text *url,
                             struct vendor_headers *headers, struct batch_form *form, char *why, size_t cap)
{
    const struct whisper *w = engine;
    char language[9], phrases[900], prompt[2200];
    batch_language(w->language[0] ? w->language : wish->language, language, sizeof language);
    batch_phrases(wish->hints_json, phrases, sizeof phrases);
    (void)snprintf(prompt, sizeof prompt, "%.1200s%s%s", w->prompt, w->prompt[0] && phrases[0] ? " " : "", phrases);
    voicegw_text_add(url, w->path);
    batch_field(form, "response_format", "verbose_json");
    batch_field(form, "temperature", "0.0");
    batch_field(form, "suppress_nst", "true");
    batch_field(form, "language", language);
    batch_field(form, "prompt", prompt);
    batch_fields_of(form, w->home.vendor.extra_json);
    if (!w->home.vendor.api_key[0] ||
        vendor_header_add(headers, "Authorization", "Bearer ", w->home.vendor.api_key) == VOICEGW_OK)
        return VOICEGW_OK;
    (void)snprintf(why, cap, "api_key must be one line of at most 8,000 bytes");
    return VOICEGW_ECONFIG;
}

static const struct batch_dialect dialect = {
    .vendor = "whisper's server", .write = write_request, .read = whisper_read};

static const char *text_or(const char *text, const char *otherwise)
{
    return text && text[0] ? text : otherwise;
}

static int32_t create(const struct voicegw_host *host, const struct voicegw_options *given, void **ret_instance)
{
    struct whisper *w = calloc(1, sizeof *w);
    if (!w)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    w->path = text_or(host->option_string(host, given, "path"), "/inference");
    w->language = text_or(host->option_string(host, given, "language"), "");
    w->prompt = text_or(host->option_string(host, given, "prompt"), "");
    int32_t rc = batch_home_init(&w->home, host, given, &dialect);
    if (rc == VOICEGW_OK && w->path[0] != '/')
        rc = host->set_error(host, VOICEGW_ECONFIG, "path must begin with /, like /inference");
    if (rc != VOICEGW_OK) {
        free(w);
        return rc;
    }
    *ret_instance = w;
    return VOICEGW_OK;
}

static const struct voicegw_factory factory = {.size = sizeof factory,
                                               .option_count = sizeof options / sizeof *options,
                                               .kind = VOICEGW_KIND_STT,
                                               .options = options,
                                               .create = create,
                                               .start = batch_start,
                                               .drain = batch_drain,
                                               .destroy = free,
                                               .get_extension = batch_extension};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .name = "whisper",
                                             .version = VOICEGW_PLUGIN_VERSION,
                                             .license = "MIT",
                                             .description = "Speech recognition by the server of whisper.cpp",
                                             .factory_count = 1,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
