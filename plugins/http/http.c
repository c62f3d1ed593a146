/* http.c - an assistant that is a service of the operator: each turn is POSTed to its URL. Options, life. */
#include "http.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define R(type, name, dflt, flags, min, max, text) VOICEGW_VENDOR_ROW_(type, name, dflt, flags, min, max, text)

static const struct voicegw_option options[] = {
    R(VOICEGW_OPTION_URL, "url", NULL, VOICEGW_OPTION_REQUIRED, 0, 0, "Where each turn is POSTed."),
    R(VOICEGW_OPTION_SECRET, "secret", NULL, 0, 0, 0,
      "Requests are signed by it (Standard Webhooks): whsec_ and base64, or any text of 24 to 96 octets."),
    R(VOICEGW_OPTION_SECRET, "api_key", NULL, 0, 0, 0, "Sent as a bearer token."),
    R(VOICEGW_OPTION_MAP, "headers", "{}", 0, 0, 0, "Further headers of each request."),
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_ENUM,
     .name = "format",
     .dflt = "auto",
     .choices = "auto json events text",
     .description =
         "How the service answers; auto tells it by how the answer begins. json: one object, or many behind one "
         "another."},
    R(VOICEGW_OPTION_DURATION, "connect_timeout", "5s", 0, 0.1, 60, "How long a connection may take."),
    R(VOICEGW_OPTION_DURATION, "timeout", "60s", 0, 1, 600, "How long one answer may take as a whole."),
    R(VOICEGW_OPTION_DURATION, "first_byte_timeout", "8s", 0, 0.1, 120, "How long it may take until it begins."),
    R(VOICEGW_OPTION_DURATION, "stall_timeout", "5s", 0, 0.1, 120, "How long it may pause in the middle."),
    R(VOICEGW_OPTION_JSON, "retry", "{\"max\": 1, \"backoff\": \"250ms\"}", 0, 0, 0,
      "Further tries of a turn that the service did not take (429, 503 with Retry-After): {max, backoff}."),
    R(VOICEGW_OPTION_STRING, "greeting", "", 0, 0, 0,
      "Said when the conversation begins; empty: the service is asked (event start)."),
    R(VOICEGW_OPTION_STRING, "error_text", "I am sorry, something went wrong. Could you say that again, please?", 0, 0,
      0, "Said when the service fails."),
    R(VOICEGW_OPTION_INT, "history_turns", "20", 0, 0, 1000,
      "Turns of the caller that are told with each; 0: the service remembers by itself."),
};

static const char *text_of(const struct http_instance *h, const struct voicegw_options *given, const char *name)
{
    const char *text = h->host->option_string(h->host, given, name);
    return text ? text : "";
}

static int32_t read_secret(struct http_instance *h, const char *text)
{
    int64_t n = (int64_t)strlen(text);
    if (n == 0)
        return VOICEGW_OK;
    if (strncmp(text, "whsec_", 6) == 0)
        n = h->crypto->base64_decode(h->host, text + 6, (uint64_t)n - 6, h->key, sizeof h->key);
    else if (n <= 96)
        memcpy(h->key, text, (size_t)n);
    if (n < 24 || n > 96)
        return h->host->set_error(
            h->host, VOICEGW_ECONFIG,
            "secret must be whsec_ and the base64 of 24 to 64 octets, or 24 to 96 octets of text");
    h->key_bytes = (uint64_t)n;
    return VOICEGW_OK;
}

static int32_t read_headers(struct http_instance *h, const struct voicegw_options *given)
{
    const char *headers = h->host->option_json(h->host, given, "headers"), *key = text_of(h, given, "api_key");
    struct voicegw_vendor vendor = {.headers_json = headers ? headers : "{}"};
    struct voicegw_text t = voicegw_text_of(h->block, sizeof h->block);
    uint64_t used = 0;
    h->headers[h->header_count++] = "Content-Type: application/json";
    h->headers[h->header_count++] = "Accept: application/json, application/x-ndjson, text/event-stream, text/plain";
    if (key[0]) {
        voicegw_text_add(&t, "Authorization: Bearer ");
        voicegw_text_add(&t, key);
        h->headers[h->header_count++] = h->block;
        used = t.bytes + 1;
    }
    for (uint64_t i = 0; i < t.bytes; i++)
        if ((unsigned char)h->block[i] < 0x20)
            return h->host->set_error(h->host, VOICEGW_ECONFIG, "api_key holds a control character");
    int32_t n = voicegw_text_finish(&t) < 0 ? VOICEGW_ELIMIT
                                            : voicegw_vendor_headers(&vendor, h->headers, h->header_count,
                                                                     sizeof h->headers / sizeof *h->headers,
                                                                     h->block + used, sizeof h->block - used);
    if (n < 0)
        return h->host->set_error(
            h->host, VOICEGW_ECONFIG,
            "headers and api_key must be texts without control characters, together under 4 KiB, at most 32");
    h->header_count = (uint32_t)n;
    return VOICEGW_OK;
}

static int32_t read_options(struct http_instance *h, const struct voicegw_options *given)
{
    static const char *const formats[] = {"auto", "json", "events", "text"};
    const struct voicegw_host *host = h->host;
    int32_t status = voicegw_vendor_read_retry(host, host->option_json(host, given, "retry"), &h->retry);
    if (status < 0)
        return status;
    h->url = text_of(h, given, "url");
    h->greeting = text_of(h, given, "greeting");
    h->error_text = text_of(h, given, "error_text");
    for (uint32_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(formats[i], text_of(h, given, "format")) == 0)
            h->format = (enum reply_kind)i;
    h->connect_ms = (uint32_t)(host->option_int(host, given, "connect_timeout", 5000000) / 1000);
    h->timeout_ms = (uint32_t)(host->option_int(host, given, "timeout", 60000000) / 1000);
    h->first_byte_ms = (uint32_t)(host->option_int(host, given, "first_byte_timeout", 8000000) / 1000);
    h->stall_ms = (uint32_t)(host->option_int(host, given, "stall_timeout", 5000000) / 1000);
    h->history_turns = (uint32_t)host->option_int(host, given, "history_turns", 20);
    status = read_secret(h, text_of(h, given, "secret"));
    return status < 0 ? status : read_headers(h, given);
}

static void http_destroy(void *instance)
{
    struct http_instance *h = instance;
    explicit_bzero(h->key, sizeof h->key);
    explicit_bzero(h->block, sizeof h->block);
    free(h);
}

static int32_t http_create(const struct voicegw_host *host, const struct voicegw_options *given, void **ret_instance)
{
    struct http_instance *h = calloc(1, sizeof *h);
    if (!h)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    h->host = host;
    h->http = host->get_extension(host, VOICEGW_HOST_HTTP);
    h->out = host->get_extension(host, VOICEGW_HOST_ASSISTANT);
    h->crypto = host->get_extension(host, VOICEGW_HOST_CRYPTO);
    atomic_init(&h->sessions, 0);
    atomic_init(&h->draining, 0);
    int32_t status = h->http && h->out && h->crypto
                         ? read_options(h, given)
                         : host->set_error(host, VOICEGW_EUNSUPPORTED,
                                           "this host lacks an HTTP client, digests or assistants, which http needs");
    if (status < 0) {
        http_destroy(h);
        return status;
    }
    *ret_instance = h;
    return VOICEGW_OK;
}

static int32_t http_start(void *instance)
{
    return VOICEGW_OK;
}

void http_tell_drained(struct http_instance *h)
{
    unsigned asked = 1;
    if (atomic_load(&h->sessions) == 0 && atomic_compare_exchange_strong(&h->draining, &asked, 2))
        h->host->drained(h->host);
}

static void http_drain(void *instance)
{
    struct http_instance *h = instance;
    atomic_store(&h->draining, 1);
    http_tell_drained(h);
}

static const void *http_extension(void *instance, const char *id)
{
    return strcmp(id, VOICEGW_KIND_ASSISTANT) == 0 ? &http_operations : NULL;
}

static const struct voicegw_factory factory = {.size = sizeof factory,
                                               .option_count = sizeof options / sizeof *options,
                                               .kind = VOICEGW_KIND_ASSISTANT,
                                               .options = options,
                                               .create = http_create,
                                               .start = http_start,
                                               .drain = http_drain,
                                               .destroy = http_destroy,
                                               .get_extension = http_extension};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .flags = VOICEGW_PLUGIN_CLOSABLE,
                                             .name = "http",
                                             .version = VOICEGW_PLUGIN_VERSION,
                                             .license = "MIT",
                                             .description = "An assistant at a URL of one's own",
                                             .factory_count = 1,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
