#include "vendor.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "voicegw/json_writer.h"

#define RETRY_WAIT_MAX_MS 1000 /* somebody is on the line */
#define PHRASE_MAX 200         /* bytes of a vendor's own words */

/* ---- streams ---- */

void vendor_streams_init(struct vendor_streams *streams, const struct voicegw_host *host)
{
    streams->host = host;
    atomic_init(&streams->open, 0);
    atomic_init(&streams->draining, 0);
}

/* draining: 0 no, 1 yes, 2 told. Count and flag are read in opposite order by the two sides, so one of them tells. */
static void tell_drained(struct vendor_streams *streams)
{
    unsigned asked = 1;
    if (atomic_load(&streams->open) == 0 && atomic_compare_exchange_strong(&streams->draining, &asked, 2))
        streams->host->drained(streams->host);
}

void vendor_stream_opened(struct vendor_streams *streams)
{
    atomic_fetch_add(&streams->open, 1);
}

void vendor_stream_closed(struct vendor_streams *streams)
{
    atomic_fetch_sub(&streams->open, 1);
    tell_drained(streams);
}

void vendor_streams_drain(struct vendor_streams *streams)
{
    atomic_store(&streams->draining, 1);
    tell_drained(streams);
}

/* ---- requests ---- */

struct voicegw_text vendor_socket_url(const struct voicegw_vendor *vendor, char *out, uint64_t cap)
{
    struct voicegw_vendor socket = *vendor;
    char scheme[] = "wss";
    if (strncasecmp(vendor->base_url, "https://", 8) == 0) {
        socket.base_url += 5;
    } else if (strncasecmp(vendor->base_url, "http://", 7) == 0) {
        socket.base_url += 4;
        scheme[2] = '\0';
    } else {
        return voicegw_vendor_url(vendor, out, cap);
    }
    char rest[VENDOR_URL_MAX];
    struct voicegw_text whole = voicegw_text_of(out, cap), tail = voicegw_vendor_url(&socket, rest, sizeof rest);
    voicegw_text_add(&whole, scheme);
    if (voicegw_text_finish(&tail) < 0)
        whole.failed = 1;
    else
        voicegw_text_add(&whole, rest);
    return whole;
}

int32_t vendor_header_add(struct vendor_headers *headers, const char *name, const char *before, const char *value)
{
    struct voicegw_text t = voicegw_text_of(headers->texts + headers->used, sizeof headers->texts - headers->used);
    if (headers->count >= VENDOR_HEADERS_MAX)
        return VOICEGW_ELIMIT;
    for (const char *c = value; *c; c++)
        if ((unsigned char)*c < 0x20u || *c == 0x7f)
            return VOICEGW_ECONFIG;
    voicegw_text_add(&t, name);
    voicegw_text_add(&t, ": ");
    voicegw_text_add(&t, before);
    voicegw_text_add(&t, value);
    if (voicegw_text_finish(&t) < 0)
        return VOICEGW_ELIMIT;
    headers->list[headers->count++] = t.out;
    headers->list[headers->count] = NULL;
    headers->used += t.bytes + 1;
    return VOICEGW_OK;
}

int32_t vendor_headers_finish(struct vendor_headers *headers, const struct voicegw_vendor *vendor)
{
    int32_t n = voicegw_vendor_headers(vendor, headers->list, headers->count, VENDOR_HEADERS_MAX + 1,
                                       headers->texts + headers->used, sizeof headers->texts - headers->used);
    if (n < 0)
        return n;
    headers->count = (uint32_t)n;
    return VOICEGW_OK;
}

/* ---- refusals ---- */

void vendor_pick(struct voicegw_json json, const char *const *paths, char *out, size_t cap)
{
    out[0] = '\0';
    for (; *paths && voicegw_json_type(voicegw_json_get(json, *paths)) != VOICEGW_JSON_STRING; paths++)
        ;
    if (*paths)
        (void)voicegw_json_get_string(json, *paths, out, cap < PHRASE_MAX ? cap : PHRASE_MAX);
    for (; *out; out++)
        if ((unsigned char)*out < 0x20u || *out == 0x7f)
            *out = ' ';
}

static const char *meaning(uint32_t http_status, int32_t status)
{
    switch (status) {
    case VOICEGW_EAUTH:
        return "the key is refused; check api_key";
    case VOICEGW_ERATELIMIT:
        return "it asks to slow down, or the quota is used up";
    case VOICEGW_EINVALID:
        return "it does not accept the request";
    case VOICEGW_ENOTFOUND:
        return "there is no such thing; check base_url, model and voice";
    case VOICEGW_ETIMEOUT:
        return "it took too long itself";
    default:
        return http_status == 402 ? "the account lacks credit" : "it failed";
    }
}

int32_t vendor_refusal(const char *vendor, uint32_t http_status, const void *body, uint64_t bytes, char *out,
                       size_t cap)
{
    static const char *const paths[] = {"error.message", "detail.message", "err_msg", "reason",
                                        "message",       "detail",         "error",   NULL};
    char words[PHRASE_MAX + 1] = "";
    int32_t status = http_status == 402 ? VOICEGW_ERATELIMIT : voicegw_http_to_status(http_status);
    if (status == VOICEGW_OK)
        status = VOICEGW_EPROVIDER;
    if (status != VOICEGW_EAUTH && body && voicegw_json_valid(body, bytes))
        vendor_pick(voicegw_json_ofn(body, bytes), paths, words, sizeof words);
    (void)snprintf(out, cap, "%s answered %u: %s%s%s", vendor, http_status, meaning(http_status, status),
                   words[0] ? ": " : "", words);
    return status;
}

int32_t vendor_word_status(const char *word)
{
    static const struct {
        const char *part;
        int32_t status;
    } known[] = {{"auth", VOICEGW_EAUTH},          {"api_key", VOICEGW_EAUTH},         {"forbidden", VOICEGW_EAUTH},
                 {"quota", VOICEGW_ERATELIMIT},    {"rate_limit", VOICEGW_ERATELIMIT}, {"too_many", VOICEGW_ERATELIMIT},
                 {"throttle", VOICEGW_ERATELIMIT}, {"exceeded", VOICEGW_ERATELIMIT},   {"invalid", VOICEGW_EINVALID},
                 {"input", VOICEGW_EINVALID},      {"timeout", VOICEGW_ETIMEOUT}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcasestr(word, known[i].part))
            return known[i].status;
    return VOICEGW_EPROVIDER;
}

int64_t vendor_retry_ms(const struct voicegw_retry *retry, const struct voicegw_retry_input *in)
{
    int64_t wait = voicegw_retry_decide(retry, in);
    return wait > RETRY_WAIT_MAX_MS ? -1 : wait;
}

/* ---- extra ---- */

static void query_value(struct voicegw_text *query, const char *name, struct voicegw_json v)
{
    char value[1024];
    if (voicegw_json_type(v) == VOICEGW_JSON_STRING ? voicegw_json_string(v, value, sizeof value) >= 0
                                                    : voicegw_json_raw(v, value, sizeof value) >= 0)
        voicegw_form_add(query, name, value);
}

void vendor_query_extra(struct voicegw_text *query, const char *extra_json)
{
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_of(extra_json));
    char name[128];
    while (voicegw_json_next(&it)) {
        if (voicegw_json_string(it.key, name, sizeof name) < 0)
            continue;
        if (voicegw_json_type(it.value) != VOICEGW_JSON_ARRAY) {
            query_value(query, name, it.value);
            continue;
        }
        struct voicegw_json_iter items = voicegw_json_each(it.value);
        while (voicegw_json_next(&items))
            query_value(query, name, items.value);
    }
}

void vendor_json_extra(struct voicegw_json_writer *w, const char *extra_json)
{
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_of(extra_json));
    char name[128];
    while (voicegw_json_next(&it))
        if (voicegw_json_string(it.key, name, sizeof name) >= 0)
            voicegw_json_put_json(w, name, it.value);
}
