/* voicegw/draft/vendor_options.h - the options that every plugin for a vendor's interface has, so that they mean the
 * same everywhere. Part of the voicegw plugin SDK (MIT). Draft: may change until version 1 is cut. Header only.
 *
 * Put the rows into your option table:
 *
 *     static const struct voicegw_option options[] = {
 *         VOICEGW_VENDOR_OPTIONS("https://api.vendor.example", VOICEGW_OPTION_RELOADABLE),
 *         VOICEGW_VENDOR_ACCOUNT_OPTIONS(VOICEGW_OPTION_RELOADABLE),
 *         …
 *
 * A provider's instance has these without declaring them, and reads them by host->option_*(): default_from,
 * default_timeout_seconds, max_call_duration_seconds, recording_enabled, tts_voice, tts_language, stt_language, extra
 * (JSON), rates, on_restart, status_callback_url. The host itself does what they say about ring time, duration,
 * recording, cost and restart; a plugin reads those that its vendor wants to be told. An engine's or assistant's plugin
 * that passes `extra` on declares it by VOICEGW_VENDOR_EXTRA_OPTION. */
#ifndef VOICEGW_DRAFT_VENDOR_OPTIONS_H
#define VOICEGW_DRAFT_VENDOR_OPTIONS_H
#include <stdint.h>
#include <stdlib.h>
#include "voicegw/host.h"
#include "voicegw/json.h"
#include "voicegw/rest.h"

#define VOICEGW_VENDOR_ROW_(type, name, dflt, flags, min, max, text)                                                   \
    {                                                                                                                  \
        (uint32_t)sizeof(struct voicegw_option), type, name, dflt, flags, 0, NULL, min, max, NULL, text                \
    }

/** Rows base_url, api_key, connect_timeout, timeout, retry and headers. `url`: the vendor's address, without a slash at
 * the end. `flags`: of all rows, 0 or VOICEGW_OPTION_RELOADABLE. */
#define VOICEGW_VENDOR_OPTIONS(url, flags)                                                                             \
    VOICEGW_VENDOR_ROW_(VOICEGW_OPTION_URL, "base_url", url, flags, 0, 0,                                              \
                        "The vendor's interface; another address for a compatible server or a test."),                 \
        VOICEGW_VENDOR_ROW_(VOICEGW_OPTION_SECRET, "api_key", NULL, flags, 0, 0,                                       \
                            "The key for the vendor's interface."),                                                    \
        VOICEGW_VENDOR_ROW_(VOICEGW_OPTION_DURATION, "connect_timeout", "5s", flags, 0.1, 60,                          \
                            "How long a connection to the vendor may take."),                                          \
        VOICEGW_VENDOR_ROW_(VOICEGW_OPTION_DURATION, "timeout", "15s", flags, 0.1, 600,                                \
                            "How long one request to the vendor may take."),                                           \
        VOICEGW_VENDOR_ROW_(VOICEGW_OPTION_JSON, "retry", "{\"max\": 2, \"backoff\": \"500ms\"}", flags, 0, 0,         \
                            "Further tries of requests that may be repeated: {max, backoff}; the wait doubles."),      \
        VOICEGW_VENDOR_ROW_(VOICEGW_OPTION_MAP, "headers", "{}", flags, 0, 0,                                          \
                            "Further headers of each request to the vendor.")
#define VOICEGW_VENDOR_OPTION_COUNT 6u

/** Rows account_id and api_secret, for vendors with accounts. */
#define VOICEGW_VENDOR_ACCOUNT_OPTIONS(flags)                                                                          \
    VOICEGW_VENDOR_ROW_(VOICEGW_OPTION_STRING, "account_id", NULL, flags, 0, 0, "The account at the vendor."),         \
        VOICEGW_VENDOR_ROW_(VOICEGW_OPTION_SECRET, "api_secret", NULL, flags, 0, 0,                                    \
                            "The secret that belongs to the key or the account.")
#define VOICEGW_VENDOR_ACCOUNT_OPTION_COUNT 2u

/** Row extra, for plugins that are no providers. */
#define VOICEGW_VENDOR_EXTRA_OPTION(flags)                                                                             \
    VOICEGW_VENDOR_ROW_(VOICEGW_OPTION_JSON, "extra", "{}", flags, 0, 0, "Passed to the vendor as it is.")

#define VOICEGW_VENDOR_HEADERS_MAX 32u
#define VOICEGW_VENDOR_RETRIES_MAX 10

/** The common options as they are used. Strings are the options block's: valid as long as that is. */
struct voicegw_vendor {
    const char *base_url;                          /* a slash at its end is to be left out: voicegw_vendor_url() does */
    const char *api_key, *api_secret, *account_id; /* "" when not set */
    uint32_t connect_timeout_ms, timeout_ms;
    struct voicegw_retry retry;
    const char *headers_json; /* object of strings */
    const char *extra_json;   /* object */
};

/* A duration as the operator writes it inside of JSON, in ms; -1: none. */
static inline int64_t voicegw_vendor_ms_(struct voicegw_json v)
{
    char text[32], *unit = text;
    double n = 0;
    if (voicegw_json_type(v) == VOICEGW_JSON_NUMBER)
        n = voicegw_json_double(v, -1) * 1000;
    else if (voicegw_json_string(v, text, sizeof text) > 0) {
        n = strtod(text, &unit);
        if (unit == text)
            return -1;
        if (strcmp(unit, "ms") != 0)
            n *= strcmp(unit, "s") == 0 || *unit == '\0' ? 1000 : strcmp(unit, "m") == 0 ? 60000 : -1;
    } else {
        return -1;
    }
    return n >= 0 && n <= VOICEGW_REST_BACKOFF_MAX_MS ? (int64_t)n : -1;
}

/** Reads `retry`: {"max": 0 to 10, "backoff": a duration up to a minute}. 0, or VOICEGW_ECONFIG with a sentence. */
static inline int32_t voicegw_vendor_read_retry(const struct voicegw_host *host, const char *json,
                                                struct voicegw_retry *ret_retry)
{
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_of(json));
    struct voicegw_retry r;
    r.max = 2;
    r.backoff_ms = 500;
    if (json && voicegw_json_type(voicegw_json_of(json)) != VOICEGW_JSON_OBJECT &&
        voicegw_json_type(voicegw_json_of(json)) != VOICEGW_JSON_NULL)
        return host->set_error(host, VOICEGW_ECONFIG, "retry must be a mapping: {max: 2, backoff: 500ms}");
    while (json && voicegw_json_next(&it)) {
        int64_t n;
        if (voicegw_json_equals(it.key, "max")) {
            n = voicegw_json_int(it.value, -1);
            if (n < 0 || n > VOICEGW_VENDOR_RETRIES_MAX)
                return host->set_error(host, VOICEGW_ECONFIG, "retry.max must be a number from 0 to 10");
            r.max = (uint32_t)n;
        } else if (voicegw_json_equals(it.key, "backoff")) {
            n = voicegw_vendor_ms_(it.value);
            if (n < 0)
                return host->set_error(host, VOICEGW_ECONFIG, "retry.backoff must be a duration up to 1m, like 500ms");
            r.backoff_ms = (uint32_t)n;
        } else {
            return host->set_error(host, VOICEGW_ECONFIG, "retry has the keys max and backoff only");
        }
    }
    *ret_retry = r;
    return VOICEGW_OK;
}

/** Reads the common options. 0, or VOICEGW_ECONFIG with a sentence. [control] */
static inline int32_t voicegw_vendor_read(const struct voicegw_host *host, const struct voicegw_options *options,
                                          struct voicegw_vendor *ret_vendor)
{
    struct voicegw_vendor v;
    const char *text;
    int32_t rc = voicegw_vendor_read_retry(host, host->option_json(host, options, "retry"), &v.retry);
    if (rc < 0)
        return rc;
    v.base_url = host->option_string(host, options, "base_url");
    if (!v.base_url || !*v.base_url)
        return host->set_error(host, VOICEGW_ECONFIG, "base_url is missing: the address of the vendor's interface");
    text = host->option_string(host, options, "api_key");
    v.api_key = text ? text : "";
    text = host->option_string(host, options, "api_secret");
    v.api_secret = text ? text : "";
    text = host->option_string(host, options, "account_id");
    v.account_id = text ? text : "";
    v.connect_timeout_ms = (uint32_t)(host->option_int(host, options, "connect_timeout", 5000000) / 1000);
    v.timeout_ms = (uint32_t)(host->option_int(host, options, "timeout", 15000000) / 1000);
    text = host->option_json(host, options, "headers");
    v.headers_json = text ? text : "{}";
    text = host->option_json(host, options, "extra");
    v.extra_json = text ? text : "{}";
    *ret_vendor = v;
    return VOICEGW_OK;
}

/** Begins a URL with base_url, without a slash at its end; go on with voicegw_text_add("/v1/…") and
 * voicegw_text_add_escaped(). */
static inline struct voicegw_text voicegw_vendor_url(const struct voicegw_vendor *vendor, char *out, uint64_t cap)
{
    struct voicegw_text t = voicegw_text_of(out, cap);
    uint64_t n = (uint64_t)strlen(vendor->base_url);
    while (n && vendor->base_url[n - 1] == '/')
        n--;
    voicegw_text_addn(&t, vendor->base_url, n);
    return t;
}

/** Writes the operator's headers as "Name: value" texts behind one another into `buf` and points list[at], list[at +
 * 1], … to them; the last is NULL. `list` holds `slots` pointers. The number of pointers without the NULL, or
 * VOICEGW_ELIMIT when they do not fit, or VOICEGW_ECONFIG when one holds a control character. */
static inline int32_t voicegw_vendor_headers(const struct voicegw_vendor *vendor, const char **list, uint32_t at,
                                             uint32_t slots, char *buf, uint64_t cap)
{
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_of(vendor->headers_json));
    uint64_t used = 0, i;
    if (at >= slots)
        return VOICEGW_ELIMIT;
    while (voicegw_json_next(&it)) {
        struct voicegw_text t = voicegw_text_of(buf + used, cap - used);
        char part[1024];
        if (at + 1 >= slots || voicegw_json_string(it.key, part, sizeof part) < 0)
            return VOICEGW_ELIMIT;
        voicegw_text_add(&t, part);
        voicegw_text_add(&t, ": ");
        if (voicegw_json_string(it.value, part, sizeof part) < 0)
            return VOICEGW_ELIMIT;
        voicegw_text_add(&t, part);
        if (voicegw_text_finish(&t) < 0)
            return VOICEGW_ELIMIT;
        for (i = 0; i < t.bytes; i++)
            if ((unsigned char)t.out[i] < 0x20u || t.out[i] == 0x7f)
                return VOICEGW_ECONFIG;
        list[at++] = t.out;
        used += t.bytes + 1;
    }
    list[at] = NULL;
    return (int32_t)at;
}

#endif
