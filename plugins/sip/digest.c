/* digest.c - asking callers for a password. */
#include "digest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char hex[] = "0123456789abcdef";

static void to_hex(const uint8_t *bytes, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = hex[bytes[i] >> 4];
        out[2 * i + 1] = hex[bytes[i] & 15];
    }
    out[2 * n] = '\0';
}

/* A quoted string or a token at *at; what does not fit makes the whole claim unreadable. */
static int value(const char **at, char *out, size_t cap)
{
    size_t n = 0;
    const char *s = *at;
    if (*s != '"') {
        while (*s && *s != ',' && *s != ' ' && *s != '\t') {
            if (n + 1 >= cap)
                return -1;
            out[n++] = *s++;
        }
    } else {
        for (s++; *s && *s != '"'; s++) {
            if (*s == '\\' && s[1])
                s++;
            if (n + 1 >= cap)
                return -1;
            out[n++] = *s;
        }
        if (*s++ != '"')
            return -1;
    }
    out[n] = '\0';
    *at = s;
    return 0;
}

int digest_parse(const char *header, struct digest_claim *c)
{
    const struct {
        const char *name;
        char *out;
        size_t cap;
    } fields[] = {{"username", c->username, sizeof c->username},
                  {"realm", c->realm, sizeof c->realm},
                  {"nonce", c->nonce, sizeof c->nonce},
                  {"uri", c->uri, sizeof c->uri},
                  {"response", c->response, sizeof c->response},
                  {"qop", c->qop, sizeof c->qop},
                  {"nc", c->nc, sizeof c->nc},
                  {"cnonce", c->cnonce, sizeof c->cnonce},
                  {"algorithm", c->algorithm, sizeof c->algorithm}};
    char ignored[1024], name[32];
    memset(c, 0, sizeof *c);
    if (strncasecmp(header, "Digest", 6) != 0 || (header[6] != ' ' && header[6] != '\t'))
        return -1;
    for (const char *at = header + 6; *at;) {
        at += strspn(at, " \t,");
        size_t n = strcspn(at, "= \t,");
        if (*at == '\0')
            break;
        if (n == 0 || n >= sizeof name)
            return -1;
        memcpy(name, at, n);
        name[n] = '\0';
        at += n;
        at += strspn(at, " \t");
        if (*at++ != '=')
            return -1;
        at += strspn(at, " \t");
        char *out = ignored;
        size_t cap = sizeof ignored;
        for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
            if (strcasecmp(fields[i].name, name) == 0) {
                out = fields[i].out;
                cap = fields[i].cap;
            }
        if (value(&at, out, cap) < 0)
            return -1;
    }
    return *c->username && *c->nonce && *c->uri && *c->response ? 0 : -1;
}

const char *digest_nonce_new(struct digest *d, const uint8_t *random, int64_t now_us)
{
    struct digest_nonce *n = &d->nonces[d->next++ % DIGEST_NONCES];
    to_hex(random, 16, n->text);
    n->count = 0;
    n->made_us = now_us;
    return n->text;
}

static struct digest_nonce *find(struct digest *d, const char *text, int64_t now_us)
{
    for (uint32_t i = 0; i < DIGEST_NONCES; i++) {
        struct digest_nonce *n = &d->nonces[i];
        if (n->text[0] && strcmp(n->text, text) == 0)
            return now_us - n->made_us <= DIGEST_NONCE_US ? n : NULL;
    }
    return NULL;
}

struct text {
    char at[4 * DIGEST_FIELD_CAP];
    size_t n;
};

static void add(struct text *t, const char *s)
{
    size_t n = strlen(s);
    if (t->n + n >= sizeof t->at)
        n = sizeof t->at - 1 - t->n;
    memcpy(t->at + t->n, s, n);
    t->n += n;
    t->at[t->n] = '\0';
}

static void hash(const struct text *t, digest_md5 md5, void *arg, char *out)
{
    uint8_t sum[16];
    md5(arg, t->at, t->n, sum);
    to_hex(sum, sizeof sum, out);
}

static void respond(const struct digest_claim *c, const char *method, const char *password, digest_md5 md5, void *arg,
                    char *out)
{
    const char *const first[] = {c->username, ":", c->realm, ":", password}, *const second[] = {method, ":", c->uri};
    char ha1[33], ha2[33];
    struct text t = {.n = 0};
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++)
        add(&t, first[i]);
    hash(&t, md5, arg, ha1);
    t.n = 0;
    for (size_t i = 0; i < sizeof second / sizeof second[0]; i++)
        add(&t, second[i]);
    hash(&t, md5, arg, ha2);
    const char *const plain[] = {ha1, ":", c->nonce, ":", ha2}, *const counted[] = {ha1,    ":", c->nonce,  ":",
                                                                                    c->nc,  ":", c->cnonce, ":",
                                                                                    c->qop, ":", ha2};
    t.n = 0;
    for (size_t i = 0; i < (*c->qop ? sizeof counted / sizeof counted[0] : sizeof plain / sizeof plain[0]); i++)
        add(&t, *c->qop ? counted[i] : plain[i]);
    hash(&t, md5, arg, out);
}

/* Takes as long for the first wrong digit as for the last. */
static int equal(const char *a, const char *b)
{
    unsigned char differs = 0;
    if (strlen(a) != 32 || strlen(b) != 32)
        return 0;
    for (int i = 0; i < 32; i++)
        differs |= (unsigned char)((a[i] | 32) ^ (b[i] | 32));
    return differs == 0;
}

enum digest_verdict digest_check(struct digest *d, const struct digest_claim *c, const char *method, const char *realm,
                                 const char *password, digest_md5 md5, void *md5_arg, int64_t now_us)
{
    char wanted[33], *end = NULL;
    if (strcmp(c->realm, realm) != 0 || (*c->algorithm && strcasecmp(c->algorithm, "MD5") != 0) ||
        (*c->qop && strcmp(c->qop, "auth") != 0))
        return DIGEST_UNKNOWN;
    unsigned long count = *c->qop ? strtoul(c->nc, &end, 16) : 1;
    if (*c->qop && (strlen(c->nc) != 8 || *end || !*c->cnonce))
        return DIGEST_UNKNOWN;
    respond(c, method, password, md5, md5_arg, wanted);
    if (!equal(wanted, c->response))
        return DIGEST_WRONG;
    struct digest_nonce *n = find(d, c->nonce, now_us);
    if (!n || count <= n->count)
        return DIGEST_STALE;
    n->count = *c->qop ? (uint32_t)count : UINT32_MAX;
    return DIGEST_GOOD;
}
