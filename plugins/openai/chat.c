/* chat.c - the factory of the chat assistant: options, life. */
#include "chat.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "chat_model.h"

#define R(type, name, dflt, min, max, text) VOICEGW_VENDOR_ROW_(type, name, dflt, 0, min, max, text)

static const struct voicegw_option options[] = {
    R(VOICEGW_OPTION_URL, "base_url", OPENAI_BASE_URL, 0, 0,
      "Where the interface begins, with its version; any server with /chat/completions under it will do, or with "
      "/responses for openai-responses."),
    R(VOICEGW_OPTION_SECRET, "api_key", NULL, 0, 0, "The key; not needed where the server asks for none."),
    R(VOICEGW_OPTION_DURATION, "connect_timeout", "5s", 0.1, 60, "How long a connection may take."),
    R(VOICEGW_OPTION_DURATION, "timeout", "60s", 1, 600, "How long one answer may take as a whole."),
    R(VOICEGW_OPTION_DURATION, "first_byte_timeout", "8s", 0.1, 120,
      "How long the model may think before its first word, further tries included."),
    R(VOICEGW_OPTION_DURATION, "stall_timeout", "5s", 0.1, 120, "How long it may pause in the middle of an answer."),
    R(VOICEGW_OPTION_JSON, "retry", "{\"max\": 2, \"backoff\": \"250ms\"}", 0, 0,
      "Further tries before the first word: {max, backoff}; the wait doubles."),
    R(VOICEGW_OPTION_MAP, "headers", "{}", 0, 0, "Further headers of each request."),
    R(VOICEGW_OPTION_JSON, "extra", "{}", 0, 0, "Further members of each request, as they are."),
    R(VOICEGW_OPTION_STRING, "project_id", NULL, 0, 0, "The project at the vendor, told by a header."),
    R(VOICEGW_OPTION_STRING, "organization", NULL, 0, 0, "The organization at the vendor, told by a header."),
    R(VOICEGW_OPTION_STRING, "model", "gpt-4o-mini", 0, 0, "The model that answers."),
    R(VOICEGW_OPTION_STRING, "prompt",
      "You are on the telephone. Answer in one or two short, friendly sentences of plain words: no lists, no markup, "
      "no "
      "emoji. Ask one question at a time.",
      0, 0, "What the model is told of its part."),
    R(VOICEGW_OPTION_BOOL, "tell_context", "true", 0, 0,
      "Also tell it the date, the caller's number, the language and the session's variables."),
    R(VOICEGW_OPTION_DOUBLE, "temperature", NULL, 0, 2,
      "How freely it chooses its words; the model's own unless given."),
    R(VOICEGW_OPTION_DOUBLE, "top_p", NULL, 0, 1, "The share of likely words that it chooses from."),
    R(VOICEGW_OPTION_INT, "max_answer_tokens", "400", 0, 100000, "The longest answer, in tokens; 0 leaves it open."),
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_ENUM,
     .name = "tokens_field",
     .dflt = "max_completion_tokens",
     .choices = "max_completion_tokens max_tokens",
     .description = "How the server calls that limit; many compatible servers say max_tokens."},
    R(VOICEGW_OPTION_STRING, "greeting", "", 0, 0, "Said when the conversation begins; empty: nothing."),
    R(VOICEGW_OPTION_BOOL, "generate_greeting", "false", 0, 0, "Let the model greet instead."),
    R(VOICEGW_OPTION_STRING, "no_input", "", 0, 0,
      "Said when the caller says nothing; empty: the model is told and speaks."),
    R(VOICEGW_OPTION_STRING, "no_match", "", 0, 0,
      "Said when nothing was understood; empty: the model is told and speaks."),
    R(VOICEGW_OPTION_STRING, "error_text", "I am sorry, something went wrong. Could you say that again, please?", 0, 0,
      "Said when the model fails."),
    R(VOICEGW_OPTION_STRING, "rounds_text", "I am sorry, I cannot find that out just now. Is there anything else?", 0,
      0, "Said when the model calls tools without an end."),
    R(VOICEGW_OPTION_STRING, "limit_text", "I am sorry, I have to end our conversation here. Goodbye.", 0, 0,
      "Said when a limit of the conversation is reached; then the call ends."),
    R(VOICEGW_OPTION_LIST, "tools", NULL, 0, 0, "Names of the host's tools that are offered; all unless given."),
    R(VOICEGW_OPTION_LIST, "builtin_tools", "[end_call, transfer_to_human, hand_off]", 0, 0,
      "Of the plugin's own functions, those that are offered where the host has none of that name."),
    R(VOICEGW_OPTION_STRING, "transfer_to", "front_desk", 0, 0,
      "Department or number for transfer_to_human when the model names no department."),
    R(VOICEGW_OPTION_INT, "max_rounds", "8", 1, CHAT_ROUNDS_MAX, "Requests within one turn when tools are called."),
    R(VOICEGW_OPTION_DURATION, "tool_timeout", "35s", 0.1, 600, "How long a tool's result is awaited."),
    R(VOICEGW_OPTION_INT, "history_turns", "40", 1, 1000, "Turns of the caller that the model is told."),
    R(VOICEGW_OPTION_SIZE, "history_size", "128KiB", 4096, 2097152, "How large these may be altogether."),
    R(VOICEGW_OPTION_INT, "max_turns", "0", 0, 100000, "Turns of one conversation; 0: no limit of its own."),
    R(VOICEGW_OPTION_INT, "max_tokens", "0", 0, 1e9, "Tokens of one conversation, in and out; 0: no limit."),
    R(VOICEGW_OPTION_DOUBLE, "max_cost", "0", 0, 1e6, "What one conversation may cost by the prices; 0: no limit."),
    R(VOICEGW_OPTION_DOUBLE, "price_input", "0", 0, 1e6, "Price of a million tokens that are sent."),
    R(VOICEGW_OPTION_DOUBLE, "price_output", "0", 0, 1e6, "Price of a million tokens that are answered."),
};

static const char *text_of(const struct chat_instance *o, const struct voicegw_options *given, const char *name)
{
    const char *text = o->host->option_string(o->host, given, name);
    return text ? text : "";
}

static void read_texts(struct chat_instance *o, const struct voicegw_options *given)
{
    const struct voicegw_host *h = o->host;
    o->model = text_of(o, given, "model");
    o->prompt = text_of(o, given, "prompt");
    o->greeting = text_of(o, given, "greeting");
    o->no_input = text_of(o, given, "no_input");
    o->no_match = text_of(o, given, "no_match");
    o->error_text = text_of(o, given, "error_text");
    o->rounds_text = text_of(o, given, "rounds_text");
    o->limit_text = text_of(o, given, "limit_text");
    o->transfer_to = text_of(o, given, "transfer_to");
    o->project_id = text_of(o, given, "project_id");
    o->organization = text_of(o, given, "organization");
    o->tokens_field = text_of(o, given, "tokens_field");
    o->tools_json = h->option_json(h, given, "tools");
    o->builtin_json = h->option_json(h, given, "builtin_tools");
}

static void read_numbers(struct chat_instance *o, const struct voicegw_options *given)
{
    const struct voicegw_host *h = o->host;
    o->first_byte_ms = (uint32_t)(h->option_int(h, given, "first_byte_timeout", 8000000) / 1000);
    o->stall_ms = (uint32_t)(h->option_int(h, given, "stall_timeout", 5000000) / 1000);
    o->max_answer_tokens = (uint32_t)h->option_int(h, given, "max_answer_tokens", 400);
    o->max_rounds = (uint32_t)h->option_int(h, given, "max_rounds", 8);
    o->max_turns = (uint32_t)h->option_int(h, given, "max_turns", 0);
    o->max_tokens = h->option_int(h, given, "max_tokens", 0);
    o->history_turns = (uint32_t)h->option_int(h, given, "history_turns", 40);
    o->history_bytes = (uint64_t)h->option_int(h, given, "history_size", 128 << 10);
    o->tool_timeout_us = h->option_int(h, given, "tool_timeout", 35000000);
    o->generate_greeting = h->option_int(h, given, "generate_greeting", 0) != 0;
    o->tell_context = h->option_int(h, given, "tell_context", 1) != 0;
    o->temperature = h->option_double(h, given, "temperature", -1);
    o->top_p = h->option_double(h, given, "top_p", -1);
    o->max_cost = h->option_double(h, given, "max_cost", 0);
    o->price_input = h->option_double(h, given, "price_input", 0);
    o->price_output = h->option_double(h, given, "price_output", 0);
}

/* One header in the instance's block; "" adds none. */
static uint32_t add_header(struct chat_instance *o, uint64_t *used, uint32_t *count, const char *name,
                           const char *value)
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

static int32_t read_headers(struct chat_instance *o)
{
    uint64_t used = 0;
    uint32_t count = 0;
    struct voicegw_text url = voicegw_vendor_url(&o->vendor, o->url, sizeof o->url);
    voicegw_text_add(&url, o->wire->path);
    if (voicegw_text_finish(&url) < 0)
        return o->host->set_error(o->host, VOICEGW_ECONFIG, "base_url is too long");
    if (!add_header(o, &used, &count, "Content-Type: ", "application/json") ||
        !add_header(o, &used, &count, "Accept: ", "text/event-stream") ||
        !add_header(o, &used, &count, "Authorization: Bearer ", o->vendor.api_key) ||
        !add_header(o, &used, &count, "OpenAI-Project: ", o->project_id) ||
        !add_header(o, &used, &count, "OpenAI-Organization: ", o->organization) ||
        voicegw_vendor_headers(&o->vendor, o->headers, count, sizeof o->headers / sizeof *o->headers, o->block + used,
                               sizeof o->block - used) < 0)
        return o->host->set_error(o->host, VOICEGW_ECONFIG,
                                  "api_key, project_id, organization and headers must be texts without control "
                                  "characters, together under 4 KiB, at most 32 headers");
    return VOICEGW_OK;
}

static int32_t read_options(struct chat_instance *o, const struct voicegw_options *given)
{
    int32_t status = voicegw_vendor_read(o->host, given, &o->vendor);
    if (status < 0)
        return status;
    read_texts(o, given);
    read_numbers(o, given);
    if (!o->model[0])
        return o->host->set_error(o->host, VOICEGW_ECONFIG, "model is empty: name the model that answers");
    return read_headers(o);
}

static int32_t create(const struct voicegw_host *host, const struct voicegw_options *given,
                      const struct chat_wire *wire, void **ret_instance)
{
    struct chat_instance *o = calloc(1, sizeof *o);
    int32_t status;
    if (!o)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    o->host = host;
    o->wire = wire;
    o->http = host->get_extension(host, VOICEGW_HOST_HTTP);
    o->out = host->get_extension(host, VOICEGW_HOST_ASSISTANT);
    atomic_init(&o->sessions, 0);
    atomic_init(&o->draining, 0);
    atomic_init(&o->refused, 0);
    status = o->http && o->out ? read_options(o, given)
                               : host->set_error(host, VOICEGW_EUNSUPPORTED,
                                                 "this host lacks an HTTP client or assistants, which openai needs");
    if (status < 0) {
        free(o);
        return status;
    }
    *ret_instance = o;
    return VOICEGW_OK;
}

static int32_t chat_create(const struct voicegw_host *host, const struct voicegw_options *given, void **ret_instance)
{
    return create(host, given, &chat_completions_wire, ret_instance);
}

static int32_t responses_create(const struct voicegw_host *host, const struct voicegw_options *given,
                                void **ret_instance)
{
    return create(host, given, &chat_responses_wire, ret_instance);
}

static int32_t chat_start(void *instance)
{
    return VOICEGW_OK;
}

void chat_tell_drained(struct chat_instance *o)
{
    unsigned asked = 1;
    if (atomic_load(&o->sessions) == 0 && atomic_compare_exchange_strong(&o->draining, &asked, 2))
        o->host->drained(o->host);
}

static void chat_drain(void *instance)
{
    struct chat_instance *o = instance;
    atomic_store(&o->draining, 1);
    chat_tell_drained(o);
}

static void chat_destroy(void *instance)
{
    struct chat_instance *o = instance;
    explicit_bzero(o->block, sizeof o->block);
    free(o);
}

static const void *chat_extension(void *instance, const char *id)
{
    return strcmp(id, VOICEGW_KIND_ASSISTANT) == 0 ? &chat_operations : NULL;
}

#define FACTORY(made)                                                                                                  \
    {                                                                                                                  \
        .size = sizeof(struct voicegw_factory), .option_count = sizeof options / sizeof *options,                      \
        .kind = VOICEGW_KIND_ASSISTANT, .options = options, .create = made, .start = chat_start, .drain = chat_drain,  \
        .destroy = chat_destroy, .get_extension = chat_extension                                                       \
    }
const struct voicegw_factory openai_chat_factory = FACTORY(chat_create);
const struct voicegw_factory openai_responses_factory = FACTORY(responses_create);
