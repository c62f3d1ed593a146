/* voicegw/aws_signature.h - AWS Signature Version 4, for whoever speaks to AWS or to a compatible server. Part of the
 * voicegw plugin SDK (MIT). Header only; all functions are pure and run on any thread: the digests are the caller's
 * functions, time is an argument. Source: AWS, "Create a signed AWS API request"; vectors of botocore's
 * aws4_testsuite. */
#ifndef VOICEGW_AWS_SIGNATURE_H
#define VOICEGW_AWS_SIGNATURE_H
#include <stdint.h>
#include <string.h>
#include "voicegw/rest.h"

#define VOICEGW_AWS_CANONICAL_MAX 16384         /* bytes of a request in its canonical form, without the body */
#define VOICEGW_AWS_UNSIGNED "UNSIGNED-PAYLOAD" /* instead of the body's hash, where the service takes it */

/** SHA-256 and HMAC-SHA-256 of the caller's library; both write 32 bytes. `context` is handed on. */
struct voicegw_aws_hash {
    const void *context;
    void (*sha256)(const void *context, const void *data, uint64_t bytes, uint8_t *out);
    void (*hmac)(const void *context, const void *key, uint64_t key_bytes, const void *data, uint64_t bytes,
                 uint8_t *out);
};

/** What is signed. All texts are borrowed and as they go out. */
struct voicegw_aws_request {
    const char *method;     /* "GET" */
    const char *path;       /* encoded once, as S3 wants it, or as the service's own rule says */
    const char *query;      /* name=value, encoded and in the order of the names; "" for none */
    const char *headers;    /* "name:value\n" for each, names in lower case and in order */
    const char *names;      /* the same names, with ";" between */
    const char *payload;    /* SHA-256 of the body in hexadecimal, or VOICEGW_AWS_UNSIGNED */
    const char *scope;      /* voicegw_aws_scope() */
    const char *stamp;      /* voicegw_aws_stamp() */
    const char *region;     /* as in the scope */
    const char *service;    /* as in the scope */
    const char *secret_key; /* at most 256 bytes */
};

/** 2 * bytes lower-case hexadecimal digits and the NUL. */
static inline void voicegw_aws_hex(const uint8_t *data, uint64_t bytes, char *out)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t i;
    for (i = 0; i < bytes; i++) {
        out[2 * i] = digits[data[i] >> 4];
        out[2 * i + 1] = digits[data[i] & 15u];
    }
    out[2 * bytes] = '\0';
}

/** "20130524T000000Z" of a wall clock in microseconds: 17 bytes with the NUL. */
static inline void voicegw_aws_stamp(int64_t wall_us, char *out)
{
    /* The proleptic calendar in years that begin in March, in eras of 400 years. */
    int64_t s = wall_us / 1000000, z = s / 86400 + 719468, rest = s % 86400, era = z / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153, month = mp < 10 ? mp + 3 : mp - 9, year = yoe + era * 400 + (month <= 2 ? 1 : 0);
    int64_t parts[6];
    unsigned i;
    char *at = out;
    parts[0] = year % 10000;
    parts[1] = month;
    parts[2] = doy - (153 * mp + 2) / 5 + 1;
    parts[3] = rest / 3600;
    parts[4] = rest / 60 % 60;
    parts[5] = rest % 60;
    for (i = 0; i < 6; i++) {
        if (i == 0) {
            *at++ = (char)('0' + parts[0] / 1000);
            *at++ = (char)('0' + parts[0] / 100 % 10);
        }
        if (i == 3)
            *at++ = 'T';
        *at++ = (char)('0' + parts[i] / 10 % 10);
        *at++ = (char)('0' + parts[i] % 10);
    }
    *at++ = 'Z';
    *at = '\0';
}

/** "20130524/us-east-1/s3/aws4_request": of the day of `stamp`. */
static inline void voicegw_aws_scope(struct voicegw_text *out, const char *stamp, const char *region,
                                     const char *service)
{
    voicegw_text_addn(out, stamp, 8);
    voicegw_text_add(out, "/");
    voicegw_text_add(out, region);
    voicegw_text_add(out, "/");
    voicegw_text_add(out, service);
    voicegw_text_add(out, "/aws4_request");
}

/** Writes the signature, and the hash of the canonical request (for tests, and for what a service complains of), each
 * 65 bytes. VOICEGW_OK, or VOICEGW_ELIMIT when something does not fit. */
static inline int32_t voicegw_aws_sign(const struct voicegw_aws_hash *hash, const struct voicegw_aws_request *r,
                                       char *ret_canonical_hash, char *ret_signature)
{
    char whole[VOICEGW_AWS_CANONICAL_MAX], text[512], secret[264];
    uint8_t key[32], next[32];
    const char *parts[11], *lines[6], *steps[4];
    struct voicegw_text w = voicegw_text_of(whole, sizeof whole), t = voicegw_text_of(text, sizeof text);
    struct voicegw_text k = voicegw_text_of(secret, sizeof secret);
    unsigned i;
    parts[0] = r->method;
    parts[2] = r->path;
    parts[4] = r->query;
    parts[6] = r->headers;
    parts[8] = r->names;
    parts[10] = r->payload;
    parts[1] = parts[3] = parts[5] = parts[7] = parts[9] = "\n";
    for (i = 0; i < 11; i++)
        voicegw_text_add(&w, parts[i]);
    if (w.failed)
        return VOICEGW_ELIMIT;
    hash->sha256(hash->context, whole, w.bytes, key);
    voicegw_aws_hex(key, sizeof key, ret_canonical_hash);
    lines[0] = "AWS4-HMAC-SHA256\n";
    lines[1] = r->stamp;
    lines[2] = lines[4] = "\n";
    lines[3] = r->scope;
    lines[5] = ret_canonical_hash;
    for (i = 0; i < 6; i++)
        voicegw_text_add(&t, lines[i]);
    voicegw_text_add(&k, "AWS4");
    voicegw_text_add(&k, r->secret_key);
    if (t.failed || k.failed)
        return VOICEGW_ELIMIT;
    hash->hmac(hash->context, secret, k.bytes, r->stamp, 8, key);
    steps[0] = r->region;
    steps[1] = r->service;
    steps[2] = "aws4_request";
    steps[3] = text;
    for (i = 0; i < 4; i++) {
        hash->hmac(hash->context, key, sizeof key, steps[i], (uint64_t)strlen(steps[i]), next);
        memcpy(key, next, sizeof key);
    }
    voicegw_aws_hex(key, sizeof key, ret_signature);
    memset(secret, 0, sizeof secret);
    return VOICEGW_OK;
}
#endif
