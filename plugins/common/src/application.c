/* application.c - an application's settings and what it is told of a call. */
#include "application.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHA1_BYTES 20u
#define HEADERS_MAX 32u
#define VALUE_CAP 512u /* of a parameter or header, with its NUL: Twilio takes pairs of less than 500 characters */

int32_t application_sign(const struct voicegw_host *host, const struct voicegw_host_crypto *crypto, const char *token,
                         const char *url, char out[APPLICATION_SIGNATURE_CAP])
{
    uint8_t mac[SHA1_BYTES];
    int32_t rc = crypto->hmac(host, VOICEGW_DIGEST_SHA1, token, strlen(token), url, strcspn(url, "#"), mac);
    if (rc < 0)
        return rc;
    return crypto->base64_encode(host, mac, sizeof mac, out, APPLICATION_SIGNATURE_CAP) < 0 ? VOICEGW_ELIMIT
                                                                                            : VOICEGW_OK;
}

/* ---- options ---- */

static char *text_option(const struct voicegw_host *host, const struct voicegw_options *o, const char *name)
{
    const char *text = host->option_string(host, o, name);
    return strdup(text ? text : "");
}

static int is_header(const char *name, const char *value)
{
    for (const char *p = name; *p; p++)
        if ((unsigned char)*p <= 0x20 || *p == ':' || *p == 0x7f)
            return 0;
    for (const char *p = value; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return 0;
    return *name != '\0';
}

static char *header_line(const char *name, const char *value)
{
    size_t n = strlen(name) + strlen(value) + 3;
    char *line = malloc(n);
    if (line)
        (void)snprintf(line, n, "%s: %s", name, value);
    return line;
}

static int32_t add_signature(const struct voicegw_host *host, const struct voicegw_options *o,
                             struct application_settings *s)
{
    const struct voicegw_host_crypto *crypto = host->get_extension(host, VOICEGW_HOST_CRYPTO);
    const char *token = host->option_string(host, o, "auth_token");
    char signature[APPLICATION_SIGNATURE_CAP];
    if (!token || !*token || !s->url || !s->headers) /* the two were refused before */
        return VOICEGW_OK;
    if (!crypto || application_sign(host, crypto, token, s->url, signature) < 0)
        return host->set_error(host, VOICEGW_EUNSUPPORTED, "this host cannot sign for auth_token");
    s->headers[0] = header_line("X-Twilio-Signature", signature);
    return s->headers[0] ? VOICEGW_OK : host->set_error(host, VOICEGW_ELIMIT, "out of memory");
}

static int32_t add_headers(const struct voicegw_host *host, const struct voicegw_options *o,
                           struct application_settings *s)
{
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_of(host->option_json(host, o, "headers")));
    uint32_t count = s->headers && s->headers[0] ? 1 : 0;
    char name[VALUE_CAP], value[4096];
    while (voicegw_json_next(&it)) {
        if (count == HEADERS_MAX)
            return host->set_error(host, VOICEGW_ECONFIG, "headers: at most 31 can be set");
        if (voicegw_json_string(it.key, name, sizeof name) < 0 ||
            voicegw_json_string(it.value, value, sizeof value) < 0 || !is_header(name, value))
            return host->set_error(host, VOICEGW_ECONFIG,
                                   "headers must be a map of names to texts without control characters");
        if (!s->headers || !(s->headers[count++] = header_line(name, value)))
            return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    }
    return VOICEGW_OK;
}

static int32_t read_parameters(const struct voicegw_host *host, const struct voicegw_options *o,
                               struct application_settings *s)
{
    const char *json = host->option_json(host, o, "parameters");
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_of(json));
    char text[VALUE_CAP];
    while (voicegw_json_next(&it))
        if (voicegw_json_string(it.key, text, sizeof text) <= 0 || voicegw_json_string(it.value, text, sizeof text) < 0)
            return host->set_error(host, VOICEGW_ECONFIG,
                                   "parameters must be a map of names to texts of less than 500 characters");
    s->parameters = strdup(json ? json : "{}");
    return s->parameters ? VOICEGW_OK : host->set_error(host, VOICEGW_ELIMIT, "out of memory");
}

/* The WebSocket at this address, whichever way it is written; NULL when there is none, or out of memory. */
static char *websocket_url(const char *text)
{
    static const char *const schemes[][2] = {
        {"wss://", "wss://"}, {"ws://", "ws://"}, {"https://", "wss://"}, {"http://", "ws://"}};
    for (size_t i = 0; text && i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t from = strlen(schemes[i][0]), to = strlen(schemes[i][1]);
        if (strncmp(text, schemes[i][0], from) != 0)
            continue;
        size_t rest = strlen(text + from);
        char *url = rest && text[from] != '/' ? malloc(to + rest + 1) : NULL;
        if (url) {
            memcpy(url, schemes[i][1], to);
            memcpy(url + to, text + from, rest + 1);
        }
        return url;
    }
    return NULL;
}

int32_t application_settings_read(const struct voicegw_host *host, const struct voicegw_options *options,
                                  struct application_settings *ret_settings)
{
    struct application_settings s = {.url = websocket_url(host->option_string(host, options, "url")),
                                     .account_sid = text_option(host, options, "account_sid"),
                                     .error_text = text_option(host, options, "error_text"),
                                     .headers = calloc(HEADERS_MAX + 1, sizeof *s.headers)};
    int32_t rc = VOICEGW_OK;
    s.connect_timeout_us = host->option_int(host, options, "connect_timeout", 5000000);
    if (!s.account_sid || !s.error_text || !s.headers)
        rc = host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    if (rc == VOICEGW_OK && !s.url)
        rc = host->set_error(host, VOICEGW_ECONFIG,
                             "url must be the application's WebSocket, as in wss://app.example.com/media");
    if (rc == VOICEGW_OK)
        rc = add_signature(host, options, &s);
    if (rc == VOICEGW_OK)
        rc = add_headers(host, options, &s);
    if (rc == VOICEGW_OK)
        rc = read_parameters(host, options, &s);
    if (rc == VOICEGW_OK)
        *ret_settings = s;
    else
        application_settings_done(&s);
    return rc;
}

void application_settings_done(struct application_settings *s)
{
    for (char **h = s->headers; h && *h; h++)
        free(*h);
    free(s->headers);
    free(s->url);
    free(s->account_sid);
    free(s->error_text);
    free(s->parameters);
    *s = (struct application_settings){0};
}

/* ---- what it is told ---- */

/* The member's text, or a number or truth value as it stands; "" for what is not there. Returns its length. */
static size_t member_text(struct voicegw_json session, const char *path, char *out, size_t cap)
{
    struct voicegw_json v = voicegw_json_get(session, path);
    uint32_t type = voicegw_json_type(v);
    int64_t n = 0;
    if (type == VOICEGW_JSON_STRING)
        n = voicegw_json_string(v, out, cap);
    else if (type != VOICEGW_JSON_ABSENT && type != VOICEGW_JSON_NULL)
        n = voicegw_json_raw(v, out, cap);
    return n > 0 ? (size_t)n : 0;
}

/* Replaces each {{ path }}. What does not fit is left out. */
static void render(const char *text, struct voicegw_json session, char *out, size_t cap)
{
    size_t n = 0;
    while (*text && n + 1 < cap) {
        const char *end = text[0] == '{' && text[1] == '{' ? strstr(text, "}}") : NULL;
        char path[VALUE_CAP];
        if (!end || (size_t)(end - text) >= sizeof path) {
            out[n++] = *text++;
            continue;
        }
        const char *from = text + 2 + strspn(text + 2, " ");
        size_t len = (size_t)(end - from);
        while (len && from[len - 1] == ' ')
            len--;
        memcpy(path, from, len);
        path[len] = '\0';
        n += member_text(session, path, out + n, cap - n);
        text = end + 2;
    }
    out[n] = '\0';
}

void application_put_parameters(struct voicegw_json_writer *w, const char *name, const char *parameters,
                                struct voicegw_json session)
{
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_of(parameters));
    char key[VALUE_CAP], text[VALUE_CAP], value[2048];
    voicegw_json_put_object(w, name);
    while (voicegw_json_next(&it)) {
        if (voicegw_json_string(it.key, key, sizeof key) < 0 || voicegw_json_string(it.value, text, sizeof text) < 0)
            continue;
        render(text, session, value, sizeof value);
        voicegw_json_put_string(w, key, value);
    }
    voicegw_json_put_end(w);
}

void application_call_sid(struct voicegw_json session, char *out, size_t cap)
{
    if (voicegw_json_get_string(session, "provider_call_id", out, cap) > 0)
        return;
    if (voicegw_json_get_string(session, "call_id", out, cap) < 0)
        out[0] = '\0';
}

void application_random_sid(const struct voicegw_host *host, const struct voicegw_host_crypto *crypto,
                            const char *prefix, char out[35])
{
    static const char hex[] = "0123456789abcdef";
    uint8_t octets[16] = {0};
    crypto->random(host, octets, sizeof octets);
    out[0] = prefix[0];
    out[1] = prefix[1];
    for (size_t i = 0; i < sizeof octets; i++) {
        out[2 + 2 * i] = hex[octets[i] >> 4];
        out[3 + 2 * i] = hex[octets[i] & 15];
    }
    out[34] = '\0';
}

/* ---- its end ---- */

static void say_error(const struct voicegw_host *host, const struct voicegw_host_assistant *out, uint64_t session,
                      const char *text)
{
    char json[2048];
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "text", text);
    voicegw_json_put_bool(&w, "interruptible", 0);
    voicegw_json_put_end(&w);
    if (text[0] && voicegw_json_finish(&w) > 0)
        (void)out->on_action(host, session, 0, "say", json);
}

void application_end_call(const struct voicegw_host *host, const struct voicegw_host_assistant *out, uint64_t session,
                          const struct application_settings *settings, uint32_t done, const char *sentence)
{
    char json[512];
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    if (!done) {
        (void)out->on_error(host, session, 0, VOICEGW_ENETWORK, sentence);
        say_error(host, out, session, settings->error_text);
    }
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "cause", done ? "the application closed its WebSocket" : sentence);
    voicegw_json_put_end(&w);
    (void)out->on_action(host, session, 0, "end", voicegw_json_finish(&w) > 0 ? json : NULL);
}
