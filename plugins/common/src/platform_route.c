/* platform_route.c - what a platform sends to us: read, refused, answered. */
#include "platform.h"
#include <string.h>

void platform_reply(struct platform *p, uint64_t request, uint32_t status, const char *json)
{
    const struct voicegw_reply out = {.size = sizeof out,
                                      .http_status = status,
                                      .content_type = json ? "application/json" : NULL,
                                      .body = json,
                                      .body_bytes = json ? strlen(json) : 0};
    (void)p->route->reply(p->host, request, &out);
}

void platform_refuse(struct platform *p, uint64_t request, uint32_t status, const char *detail)
{
    char json[768];
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "type", "about:blank");
    voicegw_json_put_string(&w, "title", status == 403 ? "Forbidden" : "Bad Request");
    voicegw_json_put_int(&w, "status", status);
    voicegw_json_put_string(&w, "detail", detail);
    voicegw_json_put_array(&w, "errors");
    voicegw_json_put_end(&w);
    voicegw_json_put_end(&w);
    int64_t n = voicegw_json_finish(&w);
    const struct voicegw_reply out = {.size = sizeof out,
                                      .http_status = status,
                                      .content_type = "application/problem+json",
                                      .body = json,
                                      .body_bytes = n > 0 ? (uint64_t)n : 0};
    p->host->count(p->host, status == 403 ? "bad_signatures" : "bad_webhooks", 1);
    (void)p->route->reply(p->host, request, &out);
}

int platform_header(const struct voicegw_request *r, const char *name, char *out, size_t cap)
{
    struct voicegw_json v = voicegw_json_member(voicegw_json_of(r->headers_json), name);
    int64_t n = voicegw_json_string(v, out, cap);
    if (n >= 0)
        return 1;
    out[0] = '\0';
    return 0;
}

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int platform_query(const struct voicegw_request *r, const char *name, char *out, size_t cap)
{
    size_t len = strlen(name), n = 0;
    const char *p = r->query ? r->query : "";
    while (*p && !(strncmp(p, name, len) == 0 && p[len] == '=')) {
        p += strcspn(p, "&");
        p += *p == '&';
    }
    out[0] = '\0';
    if (!*p)
        return 0;
    for (p += len + 1; *p && *p != '&'; p++) {
        int high = *p == '%' ? hex_of(p[1]) : -1, low = high >= 0 ? hex_of(p[2]) : -1;
        if (n + 1 >= cap)
            return 0;
        out[n++] = low >= 0 ? (char)(high * 16 + low) : *p;
        p += low >= 0 ? 2 : 0;
    }
    out[n] = '\0';
    return strlen(out) == n;
}

struct voicegw_json platform_body(struct platform *p, const struct voicegw_request *r)
{
    struct voicegw_json doc = voicegw_json_ofn(r->body, r->body_bytes);
    if (voicegw_json_valid(r->body, r->body_bytes) && voicegw_json_type(doc) == VOICEGW_JSON_OBJECT)
        return doc;
    platform_refuse(p, r->id, 400, "the body must be a JSON object");
    return voicegw_json_absent_();
}
