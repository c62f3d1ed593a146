/* sdes.c - a=crypto lines. */
#include "sdes.h"
#include <stdio.h>
#include <string.h>
#include "voicegw/status.h"

static const struct {
    const char *name;
    uint32_t key_bytes;
} suites[] = {{"", 0}, {"AES_CM_128_HMAC_SHA1_80", 30}, {"AES_CM_128_HMAC_SHA1_32", 30}, {"AEAD_AES_128_GCM", 28}};

uint32_t media_suite_key_bytes(enum media_suite suite)
{
    return suites[suite].key_bytes;
}

const char *media_suite_name(enum media_suite suite)
{
    return suites[suite].name;
}

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Strict but for padding, which some senders leave out. Octets, or -1. */
static int decode(const char *text, size_t len, uint8_t *out, size_t cap)
{
    uint32_t bits = 0, have = 0;
    size_t n = 0;
    while (len > 0 && text[len - 1] == '=')
        len--;
    for (size_t i = 0; i < len; i++) {
        const char *p = text[i] ? strchr(base64, text[i]) : NULL;
        if (!p)
            return -1;
        bits = bits << 6 | (uint32_t)(p - base64);
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        if (n == cap)
            return -1;
        out[n++] = (uint8_t)(bits >> have);
        bits &= (1u << have) - 1u;
    }
    return bits ? -1 : (int)n;
}

static const char *word_end(const char *p)
{
    while (*p && *p != ' ' && *p != '\t')
        p++;
    return p;
}

static const char *skip(const char *p)
{
    while (*p == ' ' || *p == '\t')
        p++;
    return p;
}

/* "|2^31" and "|1:4": a lifetime is borne (ours is shorter than any call), a key identifier in packets is not ours. */
static int32_t check_rest(const char *p, const char *end)
{
    while (p < end) {
        if (*p != '|')
            return VOICEGW_EINVALID;
        p++;
        const char *next = p;
        while (next < end && *next != '|' && *next != ';')
            next++;
        if (next < end && *next == ';')
            return VOICEGW_EUNSUPPORTED; /* several keys */
        if (memchr(p, ':', (size_t)(next - p)))
            return VOICEGW_EUNSUPPORTED; /* MKI */
        p = next;
    }
    return VOICEGW_OK;
}

int32_t media_crypto_parse(const char *value, struct media_crypto *ret)
{
    struct media_crypto c = {0};
    const char *p = skip(value), *end;
    while (*p >= '0' && *p <= '9' && c.tag < 100000000u)
        c.tag = c.tag * 10u + (uint32_t)(*p++ - '0');
    if (c.tag == 0 || (*p != ' ' && *p != '\t'))
        return VOICEGW_EINVALID;
    p = skip(p);
    end = word_end(p);
    for (unsigned i = 1; i < sizeof suites / sizeof *suites; i++) {
        if (strlen(suites[i].name) == (size_t)(end - p) && memcmp(suites[i].name, p, (size_t)(end - p)) == 0)
            c.suite = (enum media_suite)i;
    }
    p = skip(end);
    end = word_end(p);
    if (strncmp(p, "inline:", 7) != 0)
        return VOICEGW_EINVALID;
    if (c.suite == MEDIA_SUITE_NONE)
        return VOICEGW_EUNSUPPORTED;
    p += 7;
    const char *bar = memchr(p, '|', (size_t)(end - p)), *key_end = bar ? bar : end;
    int n = decode(p, (size_t)(key_end - p), c.key, sizeof c.key);
    if (n < 0 || (uint32_t)n != suites[c.suite].key_bytes)
        return VOICEGW_EINVALID;
    c.key_bytes = (uint32_t)n;
    int32_t status = check_rest(key_end, end);
    if (status == VOICEGW_OK && *skip(end)) /* session parameters: UNENCRYPTED_SRTP, KDR, … change what we would do */
        status = strncmp(skip(end), "WSH=", 4) == 0 ? VOICEGW_OK : VOICEGW_EUNSUPPORTED;
    if (status == VOICEGW_OK)
        *ret = c;
    return status;
}

size_t media_crypto_format(const struct media_crypto *c, char *out, size_t cap)
{
    char text[48] = "";
    size_t n = 0;
    for (uint32_t i = 0; i < c->key_bytes; i += 3) {
        uint32_t left = c->key_bytes - i;
        uint32_t v = (uint32_t)c->key[i] << 16 | (left > 1 ? (uint32_t)c->key[i + 1] << 8 : 0) |
                     (left > 2 ? (uint32_t)c->key[i + 2] : 0);
        for (uint32_t k = 0; k < 4; k++)
            text[n++] = k <= left ? base64[v >> (18 - 6 * k) & 63u] : '=';
    }
    int len = snprintf(out, cap, "%u %s inline:%.*s", c->tag, suites[c->suite].name, (int)n, text);
    return len < 0 || (size_t)len >= cap ? 0 : (size_t)len;
}
