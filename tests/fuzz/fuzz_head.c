/* fuzz_head.c - the head check and the chunk decoder against any bytes. First byte: how the input is cut into two
 * pieces. */
#include "net/http.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_body(const char *text, size_t len, size_t cut)
{
    struct vgw_chunked c = {.limit = 4096};
    struct vgw_buf out = {0};
    struct vgw_http_refusal no;
    bool done = false;
    long n = vgw_chunked_feed(&c, text, cut, &out, &done, &no);
    if (n >= 0 && !done)
        n = vgw_chunked_feed(&c, text + cut, len - cut, &out, &done, &no);
    if (n > (long)len || out.len > 4096)
        abort();
    vgw_buf_done(&out);
}

static bool promises_hold(const struct vgw_http_request *r)
{
    if (r->path[0] != '/' && strcmp(r->path, "*") != 0)
        return false;
    if (strstr(r->path, "/../") || strstr(r->path, "//"))
        return false;
    if (r->chunked && r->content_length >= 0)
        return false;
    if (r->minor == 1 && vgw_http_header_count(r, "host") != 1)
        return false;
    for (size_t i = 0; i < r->header_count; i++)
        if (strpbrk(r->headers[i].value, "\r\n") || !r->headers[i].name[0])
            return false;
    return r->header_count <= VGW_HTTP_HEADERS_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vgw_http_request *r = NULL;
    struct vgw_http_refusal no;
    if (size < 1)
        return 0;
    const char *text = (const char *)data + 1;
    size_t len = size - 1, cut = len ? data[0] % len : 0, scanned = 0, again = 0;
    long n = vgw_head_find(text, cut, &scanned, &no);
    if (n == 0)
        n = vgw_head_find(text, len, &scanned, &no);
    if (n != vgw_head_find(text, len, &again, &no) && n != (long)cut && n >= 0)
        abort();
    if (n > 0 && vgw_head_parse(text, (size_t)n, &r, &no) == 0) {
        if (!promises_hold(r))
            abort();
        (void)vgw_http_check_upgrade(r, &no);
        vgw_http_request_free(r);
    }
    check_body(text, len, cut);
    return 0;
}
