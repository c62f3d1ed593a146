/* signer.c - canonical request, string to sign, key, signature. */
#include "signer.h"
#include <stdio.h>
#include <string.h>
#include "voicegw/rest.h"

#define CANONICAL_MAX 12288

struct calendar {
    int64_t year;
    int month, day, hour, minute, second;
};

/* The proleptic calendar in years that begin in March, in eras of 400 years. */
static struct calendar calendar_of(int64_t wall_us)
{
    int64_t s = wall_us / 1000000, days = s / 86400, rest = s % 86400;
    int64_t z = days + 719468, era = z / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153, month = mp < 10 ? mp + 3 : mp - 9;
    return (struct calendar){
        yoe + era * 400 + (month <= 2), (int)month,      (int)(doy - (153 * mp + 2) / 5 + 1), (int)(rest / 3600),
        (int)(rest / 60 % 60),          (int)(rest % 60)};
}

static void hex(const uint8_t *data, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[data[i] >> 4];
        out[2 * i + 1] = digits[data[i] & 15u];
    }
    out[2 * n] = '\0';
}

struct signing {
    const struct voicegw_host *host;
    const struct voicegw_host_crypto *crypto;
};

static void digest(const struct signing *s, const void *data, uint64_t bytes, char out[65])
{
    uint8_t d[32];
    (void)s->crypto->digest(s->host, VOICEGW_DIGEST_SHA256, data, bytes, d);
    hex(d, sizeof d, out);
}

static void mac(const struct signing *s, const void *key, uint64_t key_bytes, const char *text, uint8_t out[32])
{
    (void)s->crypto->hmac(s->host, VOICEGW_DIGEST_SHA256, key, key_bytes, text, strlen(text), out);
}

static void add_header(struct voicegw_text *names, struct voicegw_text *lines, const char *name, const char *value)
{
    if (!value || !value[0])
        return;
    if (names->bytes)
        voicegw_text_add(names, ";");
    voicegw_text_add(names, name);
    voicegw_text_add(lines, name);
    voicegw_text_add(lines, ":");
    voicegw_text_add(lines, value);
    voicegw_text_add(lines, "\n");
}

static int32_t canonical(const struct signing *s, const struct sqs_request *r, const struct sqs_credentials *c,
                         const char *stamp, char *names, size_t names_cap, char hash[65])
{
    char lines[SQS_HEADER_MAX + 1024], whole[CANONICAL_MAX], payload[65];
    struct voicegw_text n = voicegw_text_of(names, names_cap), l = voicegw_text_of(lines, sizeof lines);
    struct voicegw_text w = voicegw_text_of(whole, sizeof whole);
    add_header(&n, &l, "content-type", r->content_type);
    add_header(&n, &l, "host", r->host);
    add_header(&n, &l, "x-amz-date", stamp);
    add_header(&n, &l, "x-amz-security-token", c->session_token);
    add_header(&n, &l, "x-amz-target", r->target);
    digest(s, r->body ? r->body : "", r->body_bytes, payload);
    const char *const parts[] = {r->method, "\n", r->path, "\n", r->query, "\n", lines, "\n", names, "\n", payload};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        voicegw_text_add(&w, parts[i]);
    if (n.failed || l.failed || w.failed)
        return VOICEGW_ELIMIT;
    digest(s, whole, w.bytes, hash);
    return VOICEGW_OK;
}

int32_t sqs_sign(const struct voicegw_host *host, const struct voicegw_host_crypto *crypto,
                 const struct sqs_credentials *credentials, const struct sqs_request *r, struct sqs_signed *ret)
{
    const struct signing s = {host, crypto};
    char day[9], scope[128], names[160], text[400], secret[264];
    uint8_t key[32], next[32];
    struct calendar t = calendar_of(r->wall_us);
    snprintf(ret->stamp, sizeof ret->stamp, "%04d%02d%02dT%02d%02d%02dZ", (int)(t.year % 10000), t.month, t.day, t.hour,
             t.minute, t.second);
    snprintf(day, sizeof day, "%.8s", ret->stamp);
    snprintf(scope, sizeof scope, "%s/%.40s/%.20s/aws4_request", day, r->region, r->service);
    int32_t status = canonical(&s, r, credentials, ret->stamp, names, sizeof names, ret->canonical_hash);
    if (status != VOICEGW_OK)
        return status;
    snprintf(text, sizeof text, "AWS4-HMAC-SHA256\n%s\n%s\n%s", ret->stamp, scope, ret->canonical_hash);
    snprintf(secret, sizeof secret, "AWS4%s", credentials->secret_key);
    mac(&s, secret, strlen(secret), day, key);
    const char *const steps[] = {r->region, r->service, "aws4_request", text};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        mac(&s, key, sizeof key, steps[i], next);
        memcpy(key, next, sizeof key);
    }
    hex(key, sizeof key, text);
    explicit_bzero(secret, sizeof secret);
    snprintf(ret->date, sizeof ret->date, "X-Amz-Date: %s", ret->stamp);
    ret->token[0] = '\0';
    if (credentials->session_token[0])
        snprintf(ret->token, sizeof ret->token, "X-Amz-Security-Token: %s", credentials->session_token);
    int n = snprintf(ret->authorization, sizeof ret->authorization,
                     "Authorization: AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
                     credentials->access_key, scope, names, text);
    return n > 0 && (size_t)n < sizeof ret->authorization ? VOICEGW_OK : VOICEGW_ELIMIT;
}
