/* piper - a neural voice on this machine: by piper's HTTP server, or by running piper for each sentence. Source:
 * piper1-gpl, docs/API_HTTP.md and docs/CLI.md; rhasspy/piper, src/python_run/README_http.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "process.h"
#include "remote.h"

#define ROW(kind, named, ...)                                                                                          \
    {                                                                                                                  \
        .size = sizeof(struct voicegw_option), .type = kind, .name = named, __VA_ARGS__                                \
    }

struct piper {
    struct remote remote;
    const char *path, *voice;
    const char *command_json; /* array, or NULL: the server speaks */
    double length_scale;
    uint32_t rate;
};

static const struct voicegw_option options[] = {
    VOICEGW_VENDOR_OPTIONS("http://127.0.0.1:5000", 0),
    VOICEGW_VENDOR_EXTRA_OPTION(0),
    REMOTE_OPTIONS,
    ROW(VOICEGW_OPTION_STRING, "path", .dflt = "/",
        .description = "The server's endpoint; newer servers have /synthesize."),
    ROW(VOICEGW_OPTION_STRING, "voice", .description = "Voice of whoever names none; absent: the server's."),
    ROW(VOICEGW_OPTION_DOUBLE, "length_scale", .dflt = "1.0", .min = 0.25, .max = 4,
        .description = "Length of the sounds: 2.0 speaks half as fast."),
    ROW(VOICEGW_OPTION_LIST, "command",
        .description = "Instead of a server, a program that reads a text and writes raw 16-bit audio, run for each "
                       "sentence: [/usr/bin/piper, --model, /srv/amy.onnx, --output_raw]."),
    ROW(VOICEGW_OPTION_INT, "rate", .dflt = "22050", .min = 8000, .max = 48000, .unit = "Hz",
        .description = "Samples a second that the command writes."),
};

static int32_t write_request(const void *engine, const struct speaker_request *sentence, struct remote_request *q,
                             char *why, size_t cap)
{
    const struct piper *p = engine;
    voicegw_text_add(&q->url, p->path);
    q->wav = 1;
    voicegw_json_put_object(&q->body, NULL);
    voicegw_json_put_string(&q->body, "text", sentence->text);
    if (remote_or(sentence->voice, p->voice)[0])
        voicegw_json_put_string(&q->body, "voice", remote_or(sentence->voice, p->voice));
    if (p->length_scale != 1.0)
        voicegw_json_put_double(&q->body, "length_scale", p->length_scale);
    vendor_json_extra(&q->body, p->remote.vendor.extra_json);
    voicegw_json_put_end(&q->body);
    if (vendor_header_add(&q->headers, "Content-Type", "", "application/json") == VOICEGW_OK &&
        (!p->remote.vendor.api_key[0] ||
         vendor_header_add(&q->headers, "Authorization", "Bearer ", p->remote.vendor.api_key) == VOICEGW_OK))
        return VOICEGW_OK;
    (void)snprintf(why, cap, "api_key must be one line of at most 8,000 bytes");
    return VOICEGW_ECONFIG;
}

static int32_t key(const void *engine, const struct speaker_request *sentence, char *out, size_t cap)
{
    const struct piper *p = engine;
    int n = snprintf(out, cap, "piper:%s:%s:%s:%.3f:%u:%s:%s", p->command_json ? p->command_json : "",
                     p->command_json ? "" : p->remote.vendor.base_url, remote_or(sentence->voice, p->voice),
                     p->length_scale, p->rate, p->remote.vendor.extra_json, sentence->text);
    return n < 0 || (size_t)n >= cap ? VOICEGW_ELIMIT : n;
}

static int32_t run_command(void *engine, const struct speaker_request *sentence, speaker_sink sink, void *arg,
                           char *why, size_t cap)
{
    const struct piper *p = engine;
    return process_speak(p->command_json, sentence->text, p->rate, p->remote.stall_ms, sink, arg, why, cap);
}

static const struct remote_dialect dialect = {
    .vendor = "piper's server", .text_max = 16384, .write = write_request, .key = key};

static int32_t check(struct piper *p, const struct voicegw_host *host)
{
    char why[300];
    if (p->path[0] != '/')
        return host->set_error(host, VOICEGW_ECONFIG, "path must begin with /, like /synthesize");
    if (!(p->length_scale >= 0.25 && p->length_scale <= 4))
        return host->set_error(host, VOICEGW_ECONFIG, "length_scale must lie between 0.25 and 4");
    if (p->rate < 8000 || p->rate > 48000)
        return host->set_error(host, VOICEGW_ECONFIG, "rate must lie between 8000 and 48000");
    if (p->command_json && process_check(p->command_json, why, sizeof why) < 0)
        return host->set_error(host, VOICEGW_ECONFIG, why);
    return VOICEGW_OK;
}

static int32_t create(const struct voicegw_host *host, const struct voicegw_options *given, void **ret_instance)
{
    struct piper *p = calloc(1, sizeof *p);
    if (!p)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    p->path = remote_or(host->option_string(host, given, "path"), "/");
    p->voice = remote_or(host->option_string(host, given, "voice"), "");
    p->length_scale = host->option_double(host, given, "length_scale", 1.0);
    p->rate = (uint32_t)host->option_int(host, given, "rate", 22050);
    const char *command = host->option_json(host, given, "command");
    p->command_json = command && voicegw_json_count(voicegw_json_of(command)) ? command : NULL;
    int32_t rc = remote_init(&p->remote, host, given, &dialect);
    if (rc == VOICEGW_OK)
        rc = check(p, host);
    if (rc != VOICEGW_OK) {
        free(p);
        return rc;
    }
    if (p->command_json) {
        p->remote.engine.begin = NULL;
        p->remote.engine.synthesize = run_command;
    }
    *ret_instance = p;
    return VOICEGW_OK;
}

static const struct voicegw_factory factory = {.size = sizeof factory,
                                               .option_count = sizeof options / sizeof *options,
                                               .kind = VOICEGW_KIND_TTS,
                                               .options = options,
                                               .create = create,
                                               .start = remote_start,
                                               .drain = remote_drain,
                                               .destroy = free,
                                               .get_extension = remote_extension};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .name = "piper",
                                             .version = VOICEGW_PLUGIN_VERSION,
                                             .license = "MIT",
                                             .description = "Speech synthesis by piper, its server or its program",
                                             .factory_count = 1,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
