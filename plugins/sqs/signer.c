/* signer.c - which headers of a request are signed, and how they go out. */
#include "signer.h"
#include <stdio.h>
#include <string.h>
#include "voicegw/aws_signature.h"

struct signing {
    const struct voicegw_host *host;
    const struct voicegw_host_crypto *crypto;
};

static void digest(const void *context, const void *data, uint64_t bytes, uint8_t *out)
{
    const struct signing *s = context;
    (void)s->crypto->digest(s->host, VOICEGW_DIGEST_SHA256, data, bytes, out);
}

static void mac(const void *context, const void *key, uint64_t key_bytes, const void *data, uint64_t bytes,
                uint8_t *out)
{
    const struct signing *s = context;
    (void)s->crypto->hmac(s->host, VOICEGW_DIGEST_SHA256, key, key_bytes, data, bytes, out);
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

int32_t sqs_sign(const struct voicegw_host *host, const struct voicegw_host_crypto *crypto,
                 const struct sqs_credentials *credentials, const struct sqs_request *r, struct sqs_signed *ret)
{
    const struct signing s = {host, crypto};
    const struct voicegw_aws_hash hash = {&s, digest, mac};
    char scope[128], names[160], lines[SQS_HEADER_MAX + 1024], payload[65], signature[65];
    uint8_t body[32];
    struct voicegw_text n = voicegw_text_of(names, sizeof names), l = voicegw_text_of(lines, sizeof lines);
    struct voicegw_text c = voicegw_text_of(scope, sizeof scope);
    voicegw_aws_stamp(r->wall_us, ret->stamp);
    voicegw_aws_scope(&c, ret->stamp, r->region, r->service);
    add_header(&n, &l, "content-type", r->content_type);
    add_header(&n, &l, "host", r->host);
    add_header(&n, &l, "x-amz-date", ret->stamp);
    add_header(&n, &l, "x-amz-security-token", credentials->session_token);
    add_header(&n, &l, "x-amz-target", r->target);
    digest(&s, r->body ? r->body : "", r->body_bytes, body);
    voicegw_aws_hex(body, sizeof body, payload);
    const struct voicegw_aws_request request = {r->method,
                                                r->path,
                                                r->query,
                                                lines,
                                                names,
                                                payload,
                                                scope,
                                                ret->stamp,
                                                r->region,
                                                r->service,
                                                credentials->secret_key};
    if (n.failed || l.failed || c.failed ||
        voicegw_aws_sign(&hash, &request, ret->canonical_hash, signature) != VOICEGW_OK)
        return VOICEGW_ELIMIT;
    snprintf(ret->date, sizeof ret->date, "X-Amz-Date: %s", ret->stamp);
    ret->token[0] = '\0';
    if (credentials->session_token[0])
        snprintf(ret->token, sizeof ret->token, "X-Amz-Security-Token: %s", credentials->session_token);
    int bytes = snprintf(ret->authorization, sizeof ret->authorization,
                         "Authorization: AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
                         credentials->access_key, scope, names, signature);
    return bytes > 0 && (size_t)bytes < sizeof ret->authorization ? VOICEGW_OK : VOICEGW_ELIMIT;
}
