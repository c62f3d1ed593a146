/* proof.c - is a message Vapi's? By the shared secret, a bearer token, or a signature, whichever the operator set; else
 * by the token of the address. Source: docs.vapi.ai/server-url/server-authentication. */
#include <stdio.h>
#include <stdlib.h>
#include "vapi.h"

#define TOLERANCE_S 300
#define SIGNED_MAX (2u << 20)

/* An option's own text, in lower case when it names a header. */
static void setting(const char *json, const char *name, const char *dflt, char *out, size_t cap)
{
    if (voicegw_json_get_string(voicegw_json_of(json), name, out, cap) < 0)
        (void)snprintf(out, cap, "%s", dflt);
    size_t n = strlen(name);
    for (char *p = out; n >= 6 && strcmp(name + n - 6, "header") == 0 && *p; p++)
        *p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
}

static uint32_t algorithm_of(const char *json)
{
    char name[16];
    setting(json, "algorithm", "sha256", name, sizeof name);
    if (strcmp(name, "sha512") == 0)
        return VOICEGW_DIGEST_SHA512;
    return strcmp(name, "sha1") == 0 ? VOICEGW_DIGEST_SHA1 : VOICEGW_DIGEST_SHA256;
}

int32_t vapi_check_proof(const struct voicegw_host *host, const struct platform_settings *s)
{
    static const struct field_rule rules[] = {{"algorithm", FIELD_WORD, 0, 0, "sha256 sha512 sha1"},
                                              {"signature_header", FIELD_TEXT, 1, 63, NULL},
                                              {"timestamp_header", FIELD_TEXT, 1, 63, NULL},
                                              {"message_id_header", FIELD_TEXT, 1, 63, NULL},
                                              {"include_timestamp", FIELD_BOOL, 0, 0, NULL},
                                              {"payload_format", FIELD_TEXT, 1, 120, NULL},
                                              {"signature_prefix", FIELD_TEXT, 0, 30, NULL},
                                              {"signature_encoding", FIELD_WORD, 0, 0, "hex base64"},
                                              {"secret_is_base64", FIELD_BOOL, 0, 0, NULL},
                                              {"tolerance", FIELD_INT, 1, 86400, NULL},
                                              {"header", FIELD_TEXT, 1, 63, NULL},
                                              {"prefix", FIELD_TEXT, 0, 30, NULL}};
    char why[300], sentence[320];
    static const enum vapi_text which[] = {VAPI_HMAC, VAPI_BEARER};
    for (size_t i = 0; i < 2; i++) {
        int32_t rc =
            fields_check(rules + (i ? 10 : 0), i ? 2 : 10, voicegw_json_of(s->texts[which[i]]), why, sizeof why);
        (void)snprintf(sentence, sizeof sentence, "%s: %s", i ? "bearer" : "hmac", why);
        if (rc != VOICEGW_OK)
            return host->set_error(host, VOICEGW_ECONFIG, sentence);
    }
    return VOICEGW_OK;
}

static int has_secret(struct platform *p, const struct voicegw_request *r)
{
    char given[512];
    return platform_header(r, "x-vapi-secret", given, sizeof given) &&
           platform_equal(p, given, p->settings->texts[VAPI_SERVER_SECRET]);
}

static int has_bearer(struct platform *p, const struct voicegw_request *r)
{
    char header[64], prefix[32], given[1024];
    const char *json = p->settings->texts[VAPI_BEARER];
    setting(json, "header", "authorization", header, sizeof header);
    setting(json, "prefix", strcmp(header, "authorization") == 0 ? "Bearer " : "", prefix, sizeof prefix);
    size_t n = strlen(prefix);
    return platform_header(r, header, given, sizeof given) && strncmp(given, prefix, n) == 0 &&
           platform_equal(p, given + n, p->settings->texts[VAPI_BEARER_TOKEN]);
}

/* The unit of the timestamp is not documented: seconds or milliseconds. */
static int is_recent(struct platform *p, const char *timestamp, int64_t tolerance_s)
{
    char *end = NULL;
    long long t = strtoll(timestamp, &end, 10);
    if (!*timestamp || *end || t <= 0)
        return 0;
    int64_t s = t > 100000000000 ? t / 1000 : t, off = p->host->wall_us(p->host) / 1000000 - s;
    return off <= tolerance_s && off >= -tolerance_s;
}

static int64_t encode(struct platform *p, const char *json, const uint8_t *digest, int32_t bytes, char *out, size_t cap)
{
    static const char hex[] = "0123456789abcdef";
    char how[16];
    setting(json, "signature_encoding", "hex", how, sizeof how);
    if (strcmp(how, "base64") == 0)
        return p->crypto->base64_encode(p->host, digest, (uint64_t)bytes, out, cap);
    for (int32_t i = 0; i < bytes * 2; i++)
        out[i] = hex[i % 2 ? digest[i / 2] & 15u : digest[i / 2] >> 4];
    out[bytes * 2] = '\0';
    return bytes * 2;
}

static int digests_equal(struct platform *p, const struct vapi_signed *s, const char *given, char *room)
{
    char format[128], prefix[32], right[160], key_room[512];
    uint8_t digest[64];
    const char *json = p->settings->texts[VAPI_HMAC], *secret = p->settings->texts[VAPI_HMAC_SECRET];
    struct voicegw_json doc = voicegw_json_of(json);
    uint64_t key_bytes = strlen(secret);
    if (voicegw_json_get_bool(doc, "secret_is_base64", 0)) {
        int64_t n = p->crypto->base64_decode(p->host, secret, key_bytes, key_room, sizeof key_room);
        if (n <= 0)
            return 0;
        secret = key_room;
        key_bytes = (uint64_t)n;
    }
    setting(json, "payload_format",
            voicegw_json_get_bool(doc, "include_timestamp", 1) ? "{timestamp}.{body}" : "{body}", format,
            sizeof format);
    setting(json, "signature_prefix", "", prefix, sizeof prefix);
    int64_t n = vapi_signed_bytes(format, s, room, SIGNED_MAX);
    int32_t made =
        n < 0 ? -1 : p->crypto->hmac(p->host, algorithm_of(json), secret, key_bytes, room, (uint64_t)n, digest);
    size_t skip = strlen(prefix);
    return made > 0 && made <= 64 && strncmp(given, prefix, skip) == 0 &&
           encode(p, json, digest, made, right, sizeof right) > 0 && platform_equal(p, given + skip, right);
}

static int is_signed(struct platform *p, const struct voicegw_request *r)
{
    char name[64], given[256], timestamp[64] = "", id[128] = "";
    const char *json = p->settings->texts[VAPI_HMAC];
    struct voicegw_json doc = voicegw_json_of(json);
    setting(json, "signature_header", "x-signature", name, sizeof name);
    if (!platform_header(r, name, given, sizeof given))
        return 0;
    setting(json, "timestamp_header", "x-timestamp", name, sizeof name);
    (void)platform_header(r, name, timestamp, sizeof timestamp);
    if (voicegw_json_get_bool(doc, "include_timestamp", 1) &&
        !is_recent(p, timestamp, voicegw_json_get_int(doc, "tolerance", TOLERANCE_S)))
        return 0;
    setting(json, "message_id_header", "svix-id", name, sizeof name);
    (void)platform_header(r, name, id, sizeof id);
    const struct vapi_signed s = {.timestamp = timestamp,
                                  .method = r->method,
                                  .url = r->public_url ? r->public_url : "",
                                  .id = id,
                                  .body = r->body,
                                  .body_bytes = r->body_bytes};
    char *room = malloc(SIGNED_MAX);
    int right = room && digests_equal(p, &s, given, room);
    free(room);
    return right;
}

int vapi_is_proved(struct platform *p, const struct voicegw_request *r)
{
    char token[80];
    char *const *set = p->settings->texts;
    if (!*set[VAPI_SERVER_SECRET] && !*set[VAPI_BEARER_TOKEN] && !*set[VAPI_HMAC_SECRET])
        return platform_query(r, "token", token, sizeof token) && platform_token_right(p, token);
    return (*set[VAPI_SERVER_SECRET] && has_secret(p, r)) || (*set[VAPI_BEARER_TOKEN] && has_bearer(p, r)) ||
           (*set[VAPI_HMAC_SECRET] && is_signed(p, r));
}
