/* realtime.c - speech to speech with a model of OpenAI's realtime interface: descriptor, options, life. */
#include "realtime.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define R(type, name, dflt, min, max, text) VOICEGW_VENDOR_ROW_(type, name, dflt, 0, min, max, text)
#define E(named, deflt, words, text)                                                                                   \
    {                                                                                                                  \
        .size = sizeof(struct voicegw_option), .type = VOICEGW_OPTION_ENUM, .name = named, .dflt = deflt,              \
        .choices = words, .description = text                                                                          \
    }

static const struct voicegw_option options[] = {
    R(VOICEGW_OPTION_URL, "base_url", "https://api.openai.com/v1", 0, 0,
      "Where the interface begins, with its version; http and ws mean the same."),
    R(VOICEGW_OPTION_STRING, "path", "/realtime", 0, 0, "Path of the socket under it; the model follows as a query."),
    R(VOICEGW_OPTION_SECRET, "api_key", NULL, 0, 0, "The key."),
    R(VOICEGW_OPTION_DURATION, "connect_timeout", "5s", 0.1, 60, "How long a connection may take."),
    R(VOICEGW_OPTION_JSON, "retry", "{\"max\": 3, \"backoff\": \"500ms\"}", 0, 0,
      "Further connections after a loss: {max, backoff}; the wait doubles."),
    R(VOICEGW_OPTION_MAP, "headers", "{}", 0, 0, "Further headers of the connection."),
    R(VOICEGW_OPTION_JSON, "extra", "{}", 0, 0, "Further members of the session's settings, as they are."),
    R(VOICEGW_OPTION_STRING, "project_id", NULL, 0, 0, "The project at the vendor, told by a header."),
    E("dialect", "ga", "ga beta", "Generation of the interface: names of events and shape of the settings."),
    R(VOICEGW_OPTION_MAP, "event_names", "{}", 0, 0,
      "Names of single events over the dialect's, for another generation: session_created session_updated audio_delta "
      "audio_done transcript_delta transcript_done user_transcript user_transcript_failed speech_started "
      "speech_stopped "
      "response_created response_done error, and of ours session_update append commit clear item_create item_delete "
      "item_truncate respond cancel."),
    R(VOICEGW_OPTION_STRING, "model", "gpt-realtime", 0, 0, "The model."),
    R(VOICEGW_OPTION_STRING, "voice", "marin", 0, 0, "Its voice."),
    R(VOICEGW_OPTION_DOUBLE, "speed", NULL, 0.25, 1.5, "How fast it speaks; 1 is its own pace."),
    R(VOICEGW_OPTION_STRING, "prompt",
      "You are on the telephone. Answer in one or two short, friendly sentences. Ask one question at a time.", 0, 0,
      "What the model is told of its part."),
    R(VOICEGW_OPTION_STRING, "greeting", "", 0, 0, "Said by the model when the conversation begins; empty: nothing."),
    R(VOICEGW_OPTION_BOOL, "generate_greeting", "false", 0, 0, "Let the model greet in its own words instead."),
    R(VOICEGW_OPTION_STRING, "transcription", "gpt-4o-mini-transcribe", 0, 0,
      "The model that writes down what the caller says; empty: nothing is written down."),
    E("noise_reduction", "none", "none near_field far_field", "What the server takes out of the caller's audio."),
    E("turns", "server_vad", "server_vad semantic_vad gateway",
      "Who finds the end of the caller's turn: the server by silence or by meaning, or our own detector."),
    E("eagerness", "auto", "low medium high auto", "With semantic_vad: how soon the model takes its turn."),
    R(VOICEGW_OPTION_DOUBLE, "threshold", "0.5", 0, 1, "With server_vad: how loud speech must be."),
    R(VOICEGW_OPTION_DURATION, "prefix_padding", "300ms", 0, 5, "With server_vad: audio before speech that counts."),
    R(VOICEGW_OPTION_DURATION, "silence_duration", "500ms", 0.1, 10, "With server_vad: silence that ends a turn."),
    R(VOICEGW_OPTION_DURATION, "idle_timeout", "0s", 0, 60,
      "With server_vad: silence after which the model asks whether the caller is there; 0: never."),
    R(VOICEGW_OPTION_INT, "max_answer_tokens", "0", 0, 100000, "The longest answer, in tokens; 0 leaves it open."),
    R(VOICEGW_OPTION_DURATION, "session_limit", "55m", 0, 86400,
      "After this a new session takes over with the conversation so far, in a pause; 0: never."),
    R(VOICEGW_OPTION_INT, "history_turns", "40", 1, 1000, "Turns that a new session is told."),
    R(VOICEGW_OPTION_STRING, "error_text", "I am sorry, something went wrong. Could you say that again, please?", 0, 0,
      "Said by the route's own voice when the model fails."),
    R(VOICEGW_OPTION_STRING, "limit_text", "I am sorry, I have to end our conversation here. Goodbye.", 0, 0,
      "Said likewise when a limit of the conversation is reached; then the call ends."),
    R(VOICEGW_OPTION_LIST, "tools", NULL, 0, 0, "Names of the host's tools that are offered; all unless given."),
    R(VOICEGW_OPTION_LIST, "builtin_tools", "[end_call, transfer_to_human, hand_off]", 0, 0,
      "Of the plugin's own functions, those that are offered where the host has none of that name."),
    R(VOICEGW_OPTION_STRING, "transfer_to", "front_desk", 0, 0,
      "Department or number for transfer_to_human when the model names no department."),
    R(VOICEGW_OPTION_INT, "max_rounds", "8", 1, 64, "Answers in a row that only call tools."),
    R(VOICEGW_OPTION_DURATION, "tool_timeout", "35s", 0.1, 600, "How long a tool's result is awaited."),
    R(VOICEGW_OPTION_INT, "max_turns", "0", 0, 100000, "Turns of one conversation; 0: no limit."),
    R(VOICEGW_OPTION_INT, "max_tokens", "0", 0, 1e9, "Tokens of one conversation, in and out; 0: no limit."),
};

static const char *text_of(const struct rt_instance *o, const struct voicegw_options *given, const char *name)
{
    const char *text = o->host->option_string(o->host, given, name);
    return text ? text : "";
}

static uint32_t ms_of(const struct rt_instance *o, const struct voicegw_options *given, const char *name)
{
    return (uint32_t)(o->host->option_int(o->host, given, name, 0) / 1000);
}

static void read_texts(struct rt_instance *o, const struct voicegw_options *given)
{
    const struct voicegw_host *h = o->host;
    o->model = text_of(o, given, "model");
    o->voice = text_of(o, given, "voice");
    o->prompt = text_of(o, given, "prompt");
    o->greeting = text_of(o, given, "greeting");
    o->transcription = text_of(o, given, "transcription");
    o->noise_reduction = text_of(o, given, "noise_reduction");
    if (strcmp(o->noise_reduction, "none") == 0)
        o->noise_reduction = "";
    o->detection = text_of(o, given, "turns");
    o->own_turns = strcmp(o->detection, "gateway") == 0;
    if (o->own_turns)
        o->detection = "";
    o->eagerness = text_of(o, given, "eagerness");
    o->error_text = text_of(o, given, "error_text");
    o->limit_text = text_of(o, given, "limit_text");
    o->transfer_to = text_of(o, given, "transfer_to");
    o->tools_json = h->option_json(h, given, "tools");
    o->builtin_json = h->option_json(h, given, "builtin_tools");
}

static void read_numbers(struct rt_instance *o, const struct voicegw_options *given)
{
    const struct voicegw_host *h = o->host;
    o->threshold = h->option_double(h, given, "threshold", 0.5);
    o->speed = h->option_double(h, given, "speed", 0);
    o->prefix_ms = ms_of(o, given, "prefix_padding");
    o->silence_ms = ms_of(o, given, "silence_duration");
    o->idle_ms = ms_of(o, given, "idle_timeout");
    o->max_answer_tokens = (uint32_t)h->option_int(h, given, "max_answer_tokens", 0);
    o->session_limit_us = h->option_int(h, given, "session_limit", 3300000000);
    o->history_turns = (uint32_t)h->option_int(h, given, "history_turns", 40);
    o->max_rounds = (uint32_t)h->option_int(h, given, "max_rounds", 8);
    o->tool_timeout_us = h->option_int(h, given, "tool_timeout", 35000000);
    o->max_turns = (uint32_t)h->option_int(h, given, "max_turns", 0);
    o->max_tokens = h->option_int(h, given, "max_tokens", 0);
    o->generate_greeting = h->option_int(h, given, "generate_greeting", 0) != 0;
}

/* One header in the instance's block; "" adds none. */
static uint32_t add_header(struct rt_instance *o, uint64_t *used, uint32_t *count, const char *name, const char *value)
{
    struct voicegw_text t = voicegw_text_of(o->block + *used, sizeof o->block - *used);
    if (!*value)
        return 1;
    voicegw_text_add(&t, name);
    voicegw_text_add(&t, value);
    for (uint64_t i = 0; i < t.bytes; i++)
        if ((unsigned char)t.out[i] < 0x20 || t.out[i] == 0x7f)
            return 0;
    o->headers[(*count)++] = t.out;
    *used += t.bytes + 1;
    return voicegw_text_finish(&t) >= 0;
}

static int32_t read_place(struct rt_instance *o, const struct voicegw_options *given)
{
    const struct voicegw_host *h = o->host;
    uint64_t used = 0;
    uint32_t count = 0;
    char url[RT_URL_MAX];
    const char *why = "";
    if (rt_dialect_read(&o->dialect, text_of(o, given, "dialect"), h->option_json(h, given, "event_names"), &why) < 0)
        return h->set_error(h, VOICEGW_ECONFIG, why);
    o->path = text_of(o, given, "path");
    if (rt_wire_url(o->vendor.base_url, o->path, o->model, url, sizeof url) < 0)
        return h->set_error(h, VOICEGW_ECONFIG, "base_url, path and model are too long");
    if (!add_header(o, &used, &count, "Authorization: Bearer ", o->vendor.api_key) ||
        !add_header(o, &used, &count, "OpenAI-Beta: ", o->dialect.beta ? "realtime=v1" : "") ||
        !add_header(o, &used, &count, "OpenAI-Project: ", text_of(o, given, "project_id")) ||
        voicegw_vendor_headers(&o->vendor, o->headers, count, sizeof o->headers / sizeof *o->headers, o->block + used,
                               sizeof o->block - used) < 0)
        return h->set_error(h, VOICEGW_ECONFIG,
                            "api_key, project_id and headers must be texts without control characters, together under "
                            "4 KiB, at most 32 headers");
    return VOICEGW_OK;
}

static int32_t read_options(struct rt_instance *o, const struct voicegw_options *given)
{
    int32_t status = voicegw_vendor_read(o->host, given, &o->vendor);
    if (status < 0)
        return status;
    read_texts(o, given);
    read_numbers(o, given);
    return read_place(o, given);
}

static void rt_destroy(void *instance)
{
    struct rt_instance *o = instance;
    explicit_bzero(o->block, sizeof o->block);
    free(o);
}

static int32_t rt_create(const struct voicegw_host *host, const struct voicegw_options *given, void **ret_instance)
{
    struct rt_instance *o = calloc(1, sizeof *o);
    if (!o)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    o->host = host;
    o->ws = host->get_extension(host, VOICEGW_HOST_WS);
    o->out = host->get_extension(host, VOICEGW_HOST_ASSISTANT);
    o->crypto = host->get_extension(host, VOICEGW_HOST_CRYPTO);
    atomic_init(&o->sessions, 0);
    atomic_init(&o->draining, 0);
    int32_t status =
        o->ws && o->out && o->crypto
            ? read_options(o, given)
            : host->set_error(host, VOICEGW_EUNSUPPORTED,
                              "this host lacks a WebSocket client, base64 or assistants, which openai-realtime needs");
    if (status < 0) {
        rt_destroy(o);
        return status;
    }
    *ret_instance = o;
    return VOICEGW_OK;
}

static int32_t rt_start(void *instance)
{
    return VOICEGW_OK;
}

void rt_tell_drained(struct rt_instance *o)
{
    unsigned asked = 1;
    if (atomic_load(&o->sessions) == 0 && atomic_compare_exchange_strong(&o->draining, &asked, 2))
        o->host->drained(o->host);
}

static void rt_drain(void *instance)
{
    struct rt_instance *o = instance;
    atomic_store(&o->draining, 1);
    rt_tell_drained(o);
}

static const void *rt_extension(void *instance, const char *id)
{
    const struct rt_instance *o = instance;
    if (strcmp(id, VOICEGW_KIND_ASSISTANT_AUDIO) != 0)
        return NULL;
    return o->own_turns ? &rt_own_turns : &rt_server_turns;
}

static const struct voicegw_factory factory = {.size = sizeof factory,
                                               .option_count = sizeof options / sizeof *options,
                                               .kind = VOICEGW_KIND_ASSISTANT_AUDIO,
                                               .options = options,
                                               .create = rt_create,
                                               .start = rt_start,
                                               .drain = rt_drain,
                                               .destroy = rt_destroy,
                                               .get_extension = rt_extension};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .flags = VOICEGW_PLUGIN_CLOSABLE,
                                             .name = "openai-realtime",
                                             .version = VOICEGW_PLUGIN_VERSION,
                                             .license = "MIT",
                                             .description = "Speech to speech with OpenAI's realtime models",
                                             .factory_count = 1,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
