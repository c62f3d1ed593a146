/* s3.c - addresses, canonical headers and queries of S3. */
#include "net/s3.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "net/tls.h"
#include "voicegw/aws_signature.h"

static void sha256(const void *context, const void *data, uint64_t bytes, uint8_t *out)
{
    vgw_digest(VGW_DIGEST_SHA256, data, (size_t)bytes, out);
}

static void hmac(const void *context, const void *key, uint64_t key_bytes, const void *data, uint64_t bytes,
                 uint8_t *out)
{
    vgw_hmac(VGW_DIGEST_SHA256, key, (size_t)key_bytes, data, (size_t)bytes, out);
}

static const struct voicegw_aws_hash hash = {NULL, sha256, hmac};

static const char *text(const char *given)
{
    return given ? given : "";
}

/* ---- where an object is ---- */

/* Names with dots break the certificate's wildcard. */
static bool in_path(const struct vgw_s3_site *site)
{
    return text(site->base_url)[0] || strchr(text(site->bucket), '.');
}

static void put_host(const struct vgw_s3_site *site, struct vgw_buf *out)
{
    const char *at = text(site->base_url)[0] ? strstr(site->base_url, "://") : NULL;
    if (at)
        vgw_buf_add(out, at + 3, strcspn(at + 3, "/?#"));
    else if (in_path(site))
        vgw_buf_printf(out, "s3.%s.amazonaws.com", text(site->region));
    else
        vgw_buf_printf(out, "%s.s3.%s.amazonaws.com", text(site->bucket), text(site->region));
}

/* Encoded once, but for the slashes between its parts. */
static void put_path(const struct vgw_s3_site *site, const char *key, struct vgw_buf *out)
{
    vgw_buf_addc(out, '/');
    if (in_path(site) && text(site->bucket)[0])
        vgw_buf_printf(out, "%s/", site->bucket);
    for (const char *slash; (slash = strchr(key, '/')); key = slash + 1) {
        char *part = vgw_strndup(key, (size_t)(slash - key));
        vgw_url_encode(out, text(part));
        vgw_buf_addc(out, '/');
        vgw_free(part);
    }
    vgw_url_encode(out, key);
}

void vgw_s3_url(const struct vgw_s3_site *site, const char *key, struct vgw_buf *out)
{
    const char *at = text(site->base_url)[0] ? strstr(site->base_url, "://") : NULL;
    if (at)
        vgw_buf_add(out, site->base_url, (size_t)(at - site->base_url) + 3);
    else
        vgw_buf_adds(out, "https://");
    put_host(site, out);
    put_path(site, key, out);
}

/* ---- signing ---- */

struct parts { /* of a request */
    struct vgw_buf host, path, headers;
    char stamp[17], scope[160], hash[65], signature[65];
};

static void parts_done(struct parts *p)
{
    vgw_buf_done(&p->host);
    vgw_buf_done(&p->path);
    vgw_buf_done(&p->headers);
}

static int begin(struct parts *p, const struct vgw_s3_site *site, const char *key, int64_t wall_us,
                 struct vgw_error *err)
{
    struct voicegw_text scope = voicegw_text_of(p->scope, sizeof p->scope);
    if (text(site->base_url)[0] && !strstr(site->base_url, "://"))
        return vgw_error_set(err, VGW_ECONFIG, "base_url must begin with http:// or https://");
    voicegw_aws_stamp(wall_us, p->stamp);
    voicegw_aws_scope(&scope, p->stamp, text(site->region), "s3");
    put_host(site, &p->host);
    put_path(site, key, &p->path);
    return scope.failed || p->host.failed || p->path.failed ? vgw_error_nomem(err) : 0;
}

static int sign(struct parts *p, const struct vgw_s3_site *site, const char *method, const char *query,
                const char *names, const char *payload, struct vgw_error *err)
{
    const struct voicegw_aws_request request = {.method = method,
                                                .path = vgw_buf_str(&p->path),
                                                .query = query,
                                                .headers = vgw_buf_str(&p->headers),
                                                .names = names,
                                                .payload = payload,
                                                .scope = p->scope,
                                                .stamp = p->stamp,
                                                .region = text(site->region),
                                                .service = "s3",
                                                .secret_key = text(site->secret_key)};
    if (p->headers.failed || voicegw_aws_sign(&hash, &request, p->hash, p->signature) != VOICEGW_OK)
        return vgw_error_set(err, VGW_ELIMIT, "the request is too long to be signed");
    return 0;
}

static char *line(const char *name, const char *value)
{
    struct vgw_buf b = {0};
    vgw_buf_printf(&b, "%s: %s", name, value);
    return vgw_buf_take(&b);
}

int vgw_s3_sign(const struct vgw_s3_site *site, const char *method, const char *key, const char *content_type,
                const char *payload, int64_t wall_us, struct vgw_s3_request *ret_request, struct vgw_error *err)
{
    struct parts p = {0};
    struct vgw_buf url = {0}, authorization = {0};
    const char *token = text(site->session_token);
    const char *names =
        token[0] ? "host;x-amz-content-sha256;x-amz-date;x-amz-security-token" : "host;x-amz-content-sha256;x-amz-date";
    size_t n = 0;
    *ret_request = (struct vgw_s3_request){0};
    int rc = begin(&p, site, key, wall_us, err);
    if (rc < 0)
        goto out;
    vgw_buf_printf(&p.headers, "host:%s\nx-amz-content-sha256:%s\nx-amz-date:%s\n", vgw_buf_str(&p.host), payload,
                   p.stamp);
    if (token[0])
        vgw_buf_printf(&p.headers, "x-amz-security-token:%s\n", token);
    rc = sign(&p, site, method, "", names, payload, err);
    if (rc < 0)
        goto out;
    vgw_s3_url(site, key, &url);
    vgw_buf_printf(&authorization, "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
                   text(site->access_key), p.scope, names, p.signature);
    ret_request->url = vgw_buf_take(&url);
    ret_request->headers[n++] = line("Authorization", vgw_buf_str(&authorization));
    ret_request->headers[n++] = line("X-Amz-Date", p.stamp);
    ret_request->headers[n++] = line("X-Amz-Content-Sha256", payload);
    if (token[0])
        ret_request->headers[n++] = line("X-Amz-Security-Token", token);
    if (content_type)
        ret_request->headers[n++] = line("Content-Type", content_type);
    rc = ret_request->url ? 0 : vgw_error_nomem(err);
    for (size_t i = 0; i < n; i++)
        rc = ret_request->headers[i] ? rc : vgw_error_nomem(err);
out:
    if (rc < 0)
        vgw_s3_request_done(ret_request);
    vgw_buf_done(&authorization);
    vgw_buf_done(&url);
    parts_done(&p);
    return rc;
}

void vgw_s3_request_done(struct vgw_s3_request *request)
{
    vgw_free(request->url);
    for (size_t i = 0; i < sizeof request->headers / sizeof *request->headers; i++)
        vgw_free(request->headers[i]);
    *request = (struct vgw_s3_request){0};
}

int vgw_s3_presign(const struct vgw_s3_site *site, const char *key, int64_t expires_s, int64_t wall_us,
                   struct vgw_buf *out, struct vgw_error *err)
{
    struct parts p = {0};
    struct vgw_buf query = {0};
    int rc = begin(&p, site, key, wall_us, err);
    if (rc < 0)
        goto out;
    vgw_buf_printf(&p.headers, "host:%s\n", vgw_buf_str(&p.host));
    vgw_buf_adds(&query, "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=");
    vgw_url_encode(&query, text(site->access_key));
    vgw_buf_adds(&query, "%2F");
    vgw_url_encode(&query, p.scope);
    vgw_buf_printf(&query, "&X-Amz-Date=%s&X-Amz-Expires=%lld", p.stamp,
                   (long long)(expires_s < VGW_S3_PRESIGN_MAX_S ? expires_s : VGW_S3_PRESIGN_MAX_S));
    if (text(site->session_token)[0]) {
        vgw_buf_adds(&query, "&X-Amz-Security-Token=");
        vgw_url_encode(&query, site->session_token);
    }
    vgw_buf_adds(&query, "&X-Amz-SignedHeaders=host");
    rc = query.failed ? vgw_error_nomem(err)
                      : sign(&p, site, "GET", vgw_buf_str(&query), "host", VOICEGW_AWS_UNSIGNED, err);
    if (rc < 0)
        goto out;
    vgw_s3_url(site, key, out);
    vgw_buf_printf(out, "?%s&X-Amz-Signature=%s", vgw_buf_str(&query), p.signature);
    rc = out->failed ? vgw_error_nomem(err) : 0;
out:
    vgw_buf_done(&query);
    parts_done(&p);
    return rc;
}
