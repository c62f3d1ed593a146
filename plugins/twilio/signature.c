#include "signature.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHA1_BYTES 20u
#define SHA256_BYTES 32u

/* ---- URLs ---- */

struct url_parts {
    size_t host_end; /* behind userinfo and host, before a port */
    size_t port_end; /* behind the port, or host_end */
    size_t end;      /* without the fragment */
    const char *dflt;
};

static int split(const char *url, struct url_parts *p)
{
    const char *slashes = strstr(url, "://");
    if (!slashes)
        return 0;
    size_t scheme = (size_t)(slashes - url), at = scheme + 3;
    p->end = strcspn(url, "#");
    size_t authority = at + strcspn(url + at, "/?#");
    size_t host = at;
    for (size_t i = at; i < authority; i++)
        if (url[i] == '@')
            host = i + 1;
    size_t colon = authority;
    for (size_t i = host; i < authority; i++) {
        if (url[i] == ']')
            colon = authority;
        else if (url[i] == ':' && colon == authority)
            colon = i;
    }
    p->host_end = colon;
    p->port_end = authority;
    p->dflt = scheme == 5 && strncmp(url, "https", 5) == 0 ? ":443"
              : scheme == 3 && strncmp(url, "wss", 3) == 0 ? ":443"
                                                           : ":80";
    return 1;
}

/* The query's apostrophes as %27. */
static size_t quote(char *text, size_t n)
{
    char copy[SIGNATURE_URL_MAX + 8];
    size_t query = strcspn(text, "?"), out = 0;
    for (size_t i = 0; i < n; i++) {
        if (out + 4 >= sizeof copy)
            return 0;
        if (i > query && text[i] == '\'') {
            memcpy(copy + out, "%27", 3);
            out += 3;
        } else {
            copy[out++] = text[i];
        }
    }
    copy[out] = '\0';
    memcpy(text, copy, out + 1);
    return out;
}

size_t signature_url(const char *url, unsigned n, char *out)
{
    struct url_parts p;
    const char *port = "";
    if (n >= SIGNATURE_VARIANTS || strlen(url) >= SIGNATURE_URL_MAX || !split(url, &p))
        return 0;
    const char *query = strchr(url, '?');
    if (n >= 3 && !(query && strchr(query, '\'')))
        return 0;
    size_t own = p.port_end - p.host_end;
    /* As it is, without a port, with the scheme's own port. */
    if (n % 3 == 1 && own == 0)
        return signature_url(url, n + 1, out);
    if (n % 3 == 2 && own != 0 && strncmp(url + p.host_end, p.dflt, own) == 0 && strlen(p.dflt) == own)
        return n == 2 ? signature_url(url, 3, out) : 0;
    if (n % 3 == 0)
        port = url + p.host_end;
    else
        port = n % 3 == 1 ? "" : p.dflt;
    int len = snprintf(out, SIGNATURE_URL_MAX + 8, "%.*s%.*s%.*s", (int)p.host_end, url,
                       n % 3 == 0 ? (int)own : (int)strlen(port), port, (int)(p.end - p.port_end), url + p.port_end);
    if (len <= 0 || (size_t)len >= SIGNATURE_URL_MAX + 8)
        return 0;
    return n >= 3 ? quote(out, (size_t)len) : (size_t)len;
}

size_t signature_scheme(const char *url, int ws, char *out, size_t cap)
{
    static const char *const pairs[2][2] = {{"https://", "wss://"}, {"http://", "ws://"}};
    for (size_t i = 0; i < 2; i++) {
        const char *from = pairs[i][!ws], *to = pairs[i][ws != 0];
        if (strncmp(url, from, strlen(from)) != 0)
            continue;
        int n = snprintf(out, cap, "%s%s", to, url + strlen(from));
        return n > 0 && (size_t)n < cap ? (size_t)n : 0;
    }
    int n = snprintf(out, cap, "%s", url);
    return n > 0 && (size_t)n < cap ? (size_t)n : 0;
}

/* ---- what is signed ---- */

static int by_name(const void *left, const void *right)
{
    const struct form_field *a = *(const struct form_field *const *)left, *b = *(const struct form_field *const *)right;
    size_t n = a->name_bytes < b->name_bytes ? a->name_bytes : b->name_bytes;
    int order = memcmp(a->name, b->name, n);
    if (order == 0 && a->name_bytes != b->name_bytes)
        return a->name_bytes < b->name_bytes ? -1 : 1;
    if (order)
        return order;
    n = a->value_bytes < b->value_bytes ? a->value_bytes : b->value_bytes;
    order = memcmp(a->value, b->value, n);
    if (order == 0 && a->value_bytes != b->value_bytes)
        return a->value_bytes < b->value_bytes ? -1 : 1;
    return order;
}

/* The fields' text as it follows the URL, behind `room` bytes for that; NULL: out of memory. */
static char *joined(const struct form *form, size_t room, size_t *ret_bytes)
{
    const struct form_field *sorted[FORM_FIELDS_MAX];
    size_t count = form ? form->count : 0, bytes = 0;
    for (size_t i = 0; i < count; i++) {
        sorted[i] = &form->fields[i];
        bytes += sorted[i]->name_bytes + sorted[i]->value_bytes;
    }
    if (count)
        qsort(sorted, count, sizeof sorted[0], by_name);
    char *text = malloc(room + bytes + 1), *at = text ? text + room : NULL;
    if (!text)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && by_name(&sorted[i - 1], &sorted[i]) == 0)
            continue;
        memcpy(at, sorted[i]->name, sorted[i]->name_bytes);
        at += sorted[i]->name_bytes;
        memcpy(at, sorted[i]->value, sorted[i]->value_bytes);
        at += sorted[i]->value_bytes;
    }
    *ret_bytes = (size_t)(at - text) - room;
    return text;
}

static int body_matches(const struct signature *s)
{
    uint8_t digest[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1];
    const char *at = strchr(s->url, '?');
    if (s->body_bytes == 0)
        return 1;
    while (at && strncmp(at + 1, "bodySHA256=", 11) != 0)
        at = strchr(at + 1, '&');
    if (!at || strcspn(at + 12, "&#") != 2 * SHA256_BYTES ||
        s->crypto->digest(s->host, VOICEGW_DIGEST_SHA256, s->body, s->body_bytes, digest) != (int32_t)SHA256_BYTES)
        return 0;
    for (size_t i = 0; i < SHA256_BYTES; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return s->crypto->equal(s->host, hex, at + 12, 2 * SHA256_BYTES) == 1;
}

static int matches(const struct signature *s, const char *token, const char *text, size_t bytes, const uint8_t *given)
{
    uint8_t mac[SHA1_BYTES];
    if (s->crypto->hmac(s->host, VOICEGW_DIGEST_SHA1, token, strlen(token), text, bytes, mac) != (int32_t)SHA1_BYTES)
        return 0;
    return s->crypto->equal(s->host, mac, given, SHA1_BYTES) == 1;
}

int signature_valid(const struct signature *s)
{
    char url[SIGNATURE_URL_MAX + 8];
    uint8_t given[SHA1_BYTES + 4];
    size_t bytes = 0;
    int valid = 0;
    if (!s->header || strlen(s->header) != 28 || !s->crypto ||
        s->crypto->base64_decode(s->host, s->header, 28, given, sizeof given) != (int64_t)SHA1_BYTES)
        return 0;
    if (!s->form && !body_matches(s))
        return 0;
    char *text = joined(s->form, sizeof url, &bytes);
    if (!text)
        return 0;
    for (unsigned n = 0; n < SIGNATURE_VARIANTS; n++) {
        size_t len = signature_url(s->url, n, url);
        if (len == 0)
            continue;
        char *start = text + sizeof url - len;
        memcpy(start, url, len);
        for (size_t i = 0; i < 2; i++)
            if (s->tokens[i] && *s->tokens[i])
                valid |= matches(s, s->tokens[i], start, len + bytes, given);
    }
    free(text);
    return valid;
}
