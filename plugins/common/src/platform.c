/* platform.c - the instance of a call platform: settings, life, what all parts use. */
#include "platform.h"
#include <stdlib.h>
#include <string.h>

#define TOKEN_DIGITS 32u
#define TELL_MAX 60000u

struct platform_later {
    struct platform_later *next;
    struct platform *p;
    uint64_t timer, op;
    int32_t status;
    const char *sentence;
    char json[256];
};

/* ---- settings ---- */

static char *copy(const char *text)
{
    return strdup(text ? text : "");
}

void platform_settings_drop(struct platform_settings *s)
{
    if (!s || --s->refs > 0)
        return;
    for (size_t i = 0; i < sizeof s->common / sizeof s->common[0]; i++)
        free(s->common[i]);
    for (size_t i = 0; i < PLATFORM_TEXTS_MAX; i++)
        free(s->texts[i]);
    free(s);
}

struct platform_settings *platform_settings_keep(struct platform_settings *s)
{
    s->refs++;
    return s;
}

static int keep_texts(struct platform_settings *s, const struct platform_kind *k, const struct voicegw_host *host,
                      const struct voicegw_options *options)
{
    const char **const fields[] = {&s->vendor.base_url, &s->vendor.api_key, &s->vendor.api_secret,
                                   &s->vendor.headers_json, &s->vendor.extra_json};
    s->vendor.account_id = "";
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        s->common[i] = copy(*fields[i]);
        if (!s->common[i])
            return 0;
        *fields[i] = s->common[i];
    }
    for (uint32_t i = 0; i < k->text_count && i < PLATFORM_TEXTS_MAX; i++) {
        const char *name = k->texts[i].name;
        s->texts[i] =
            copy(k->texts[i].json ? host->option_json(host, options, name) : host->option_string(host, options, name));
        if (!s->texts[i])
            return 0;
    }
    return 1;
}

static int is_plain(const char *text)
{
    for (; text && *text; text++)
        if ((unsigned char)*text <= ' ' || *text == 0x7f)
            return 0;
    return 1;
}

/* The operator's defaults for calls are held against the same table as what comes with a call. */
static int32_t check_defaults(const struct platform_kind *k, const struct voicegw_host *host,
                              const struct platform_settings *s)
{
    char why[PLATFORM_SENTENCE_CAP], sentence[PLATFORM_SENTENCE_CAP + 16];
    const struct voicegw_call_params params = {.size = sizeof params,
                                               .to = "+15550100000",
                                               .from = "",
                                               .session_id = "",
                                               .call_id = "",
                                               .variables_json = "{\"content\":\"x\"}",
                                               .route_json = "{}"};
    const struct platform_sources sources = {
        .params = &params,
        .variables = voicegw_json_of(params.variables_json),
        .defaults = voicegw_json_of(s->texts[k->call_text]),
        .webhook_url = "https://localhost/",
        .default_from = "",
        .own = {s->texts[k->own[0]], s->texts[k->own[1]], s->texts[k->own[2]], s->texts[k->own[3]]}};
    char *out = malloc(PLATFORM_BODY_MAX);
    if (!out)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    int64_t n = k->format(&sources, out, PLATFORM_BODY_MAX, why, sizeof why);
    free(out);
    if (n >= 0)
        return VOICEGW_OK;
    (void)snprintf(sentence, sizeof sentence, "call: %s", why);
    return host->set_error(host, VOICEGW_ECONFIG, sentence);
}

static struct platform_settings *settings_new(const struct platform_kind *k, const struct voicegw_host *host,
                                              const struct voicegw_options *options, int32_t *ret_status)
{
    struct platform_settings *s = calloc(1, sizeof *s);
    if (!s) {
        *ret_status = host->set_error(host, VOICEGW_ELIMIT, "out of memory");
        return NULL;
    }
    s->refs = 1;
    s->poll_us = host->option_int(host, options, "poll_interval", 10000000);
    s->record = host->option_int(host, options, "recording_enabled", 0) != 0;
    *ret_status = voicegw_vendor_read(host, options, &s->vendor);
    if (*ret_status == VOICEGW_OK && !keep_texts(s, k, host, options))
        *ret_status = host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    if (*ret_status == VOICEGW_OK && !is_plain(s->vendor.api_key))
        *ret_status = host->set_error(host, VOICEGW_ECONFIG, "api_key must be a key without spaces or line breaks");
    if (*ret_status == VOICEGW_OK)
        *ret_status = check_defaults(k, host, s);
    if (*ret_status == VOICEGW_OK && k->check)
        *ret_status = k->check(host, s);
    if (*ret_status == VOICEGW_OK)
        return s;
    platform_settings_drop(s);
    return NULL;
}

const char *platform_get_api_key(const struct platform_settings *s)
{
    return s->vendor.api_key;
}

/* ---- life ---- */

static void tell_drained(struct platform *p)
{
    if (p->draining == 1 && p->live == 0) {
        p->draining = 2;
        p->host->drained(p->host);
    }
}

void platform_live(struct platform *p, int by)
{
    p->live += (uint32_t)by;
    tell_drained(p);
}

static void warn(struct platform *p)
{
    if (!*platform_get_api_key(p->settings))
        p->host->log(p->host, VOICEGW_LOG_WARNING, "api_key is not set: no call can be placed", NULL);
}

int32_t platform_create(const struct platform_kind *kind, const struct voicegw_host *host,
                        const struct voicegw_options *options, void **ret_instance)
{
    int32_t rc = VOICEGW_OK;
    struct platform *p = calloc(1, sizeof *p);
    if (!p)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    p->kind = kind;
    p->host = host;
    p->provider = host->get_extension(host, VOICEGW_HOST_PROVIDER);
    p->route = host->get_extension(host, VOICEGW_HOST_ROUTE);
    p->http = host->get_extension(host, VOICEGW_HOST_HTTP);
    p->event = host->get_extension(host, VOICEGW_HOST_EVENT);
    p->crypto = host->get_extension(host, VOICEGW_HOST_CRYPTO);
    if (!p->provider || !p->route || !p->http || !p->crypto) {
        free(p);
        return host->set_error(host, VOICEGW_EUNSUPPORTED,
                               "this host lacks calls, routes, HTTP or digests (" VOICEGW_HOST_PROVIDER
                               ", " VOICEGW_HOST_ROUTE ", " VOICEGW_HOST_HTTP ", " VOICEGW_HOST_CRYPTO ")");
    }
    p->settings = settings_new(kind, host, options, &rc);
    if (!p->settings) {
        free(p);
        return rc;
    }
    *ret_instance = p;
    return VOICEGW_OK;
}

int32_t platform_start(void *instance)
{
    struct platform *p = instance;
    warn(p);
    return p->kind->started(p);
}

int32_t platform_reconfigure(void *instance, const struct voicegw_options *options)
{
    struct platform *p = instance;
    int32_t rc = VOICEGW_OK;
    struct platform_settings *s = settings_new(p->kind, p->host, options, &rc);
    if (!s)
        return rc;
    platform_settings_drop(p->settings);
    p->settings = s;
    warn(p);
    return VOICEGW_OK;
}

void platform_drain(void *instance)
{
    struct platform *p = instance;
    if (p->draining == 0)
        p->draining = 1;
    tell_drained(p);
}

void platform_destroy(void *instance)
{
    struct platform *p = instance;
    p->draining = 2;
    platform_rests_end(p);
    if (p->kind->ended)
        p->kind->ended(p);
    for (uint32_t i = 0; i < PLATFORM_BUCKETS; i++)
        while (p->calls[i])
            platform_call_free(p->calls[i]);
    while (p->laters) {
        struct platform_later *l = p->laters;
        p->laters = l->next;
        (void)p->host->timer_cancel(p->host, l->timer);
        free(l);
    }
    platform_settings_drop(p->settings);
    free(p);
}

/* ---- operations that end at once ---- */

void platform_complete(struct platform *p, uint64_t op, int32_t status, const char *sentence, const char *json)
{
    if (op)
        (void)p->provider->on_complete(p->host, op, status, sentence, json);
}

static void on_later(void *arg)
{
    struct platform_later *l = arg, **at = &l->p->laters;
    while (*at && *at != l)
        at = &(*at)->next;
    if (*at)
        *at = l->next;
    platform_complete(l->p, l->op, l->status, l->sentence, l->json[0] ? l->json : NULL);
    free(l);
}

int32_t platform_complete_later(struct platform *p, uint64_t op, int32_t status, const char *sentence, const char *json)
{
    struct platform_later *l = calloc(1, sizeof *l);
    if (!l)
        return p->host->set_error(p->host, VOICEGW_ELIMIT, "out of memory");
    *l = (struct platform_later){.next = p->laters, .p = p, .op = op, .status = status, .sentence = sentence};
    (void)snprintf(l->json, sizeof l->json, "%s", json ? json : "");
    l->timer = p->host->timer_start(p->host, VOICEGW_TARGET_CONTROL, 0, on_later, l);
    if (!l->timer) {
        free(l);
        return p->host->set_error(p->host, VOICEGW_ELIMIT, "the gateway has no timer left for this operation");
    }
    p->laters = l;
    return VOICEGW_OK;
}

int32_t platform_unsupported(struct platform *p, const char *sentence)
{
    return p->host->set_error(p->host, VOICEGW_EUNSUPPORTED, sentence);
}

/* ---- what proves a webhook ---- */

static void token_of(struct platform *p, const struct platform_settings *s, char out[TOKEN_DIGITS + 1])
{
    static const char hex[] = "0123456789abcdef";
    uint8_t digest[32] = {0};
    char about[128];
    const char *key = platform_get_api_key(s);
    int n = snprintf(about, sizeof about, "voicegw webhook %s", p->host->name ? p->host->name : "");
    out[0] = '\0';
    if (!*key || p->crypto->hmac(p->host, VOICEGW_DIGEST_SHA256, key, strlen(key), about,
                                 n > 0 && (size_t)n < sizeof about ? (uint64_t)n : sizeof about - 1, digest) != 32)
        return;
    for (size_t i = 0; i < TOKEN_DIGITS; i++)
        out[i] = hex[i % 2 ? digest[i / 2] & 15u : digest[i / 2] >> 4];
    out[TOKEN_DIGITS] = '\0';
}

void platform_webhook_url(struct platform *p, const struct platform_settings *s, char *out, size_t cap)
{
    char base[PLATFORM_URL_CAP / 2], token[TOKEN_DIGITS + 1];
    const char *own = s->texts[p->kind->webhook_text];
    int64_t n = 0;
    out[0] = '\0';
    if (!*own && p->route->size >= offsetof(struct voicegw_host_route, url) + sizeof p->route->url)
        n = p->route->url(p->host, p->kind->webhook_path, base, sizeof base);
    if (!*own && n <= 0)
        return;
    token_of(p, s, token);
    n = snprintf(out, cap, "%s%stoken=%s", *own ? own : base, strchr(*own ? own : base, '?') ? "&" : "?", token);
    if (n < 0 || (size_t)n >= cap)
        out[0] = '\0';
}

int platform_equal(struct platform *p, const char *given, const char *right)
{
    size_t n = strlen(right);
    return n > 0 && strlen(given) == n && p->crypto->equal(p->host, given, right, n);
}

int platform_token_right(struct platform *p, const char *token)
{
    char right[TOKEN_DIGITS + 1];
    token_of(p, p->settings, right);
    return platform_equal(p, token, right);
}

void platform_tell(struct platform *p, uint64_t call, const char *id, const char *word, struct voicegw_json body)
{
    char type[64];
    char *json = p->event ? malloc(TELL_MAX + 512) : NULL;
    if (!json)
        return;
    struct voicegw_json_writer w = voicegw_json_writer_of(json, TELL_MAX + 512);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "provider_call_id", id);
    if (body.bytes <= TELL_MAX)
        voicegw_json_put_json(&w, "body", body);
    else
        voicegw_json_put_int(&w, "body_bytes", (int64_t)body.bytes);
    voicegw_json_put_end(&w);
    (void)snprintf(type, sizeof type, "%s.%s", p->host->plugin, word);
    if (voicegw_json_finish(&w) > 0)
        (void)p->event->emit(p->host, call, type, json);
    free(json);
}
