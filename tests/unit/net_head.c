/* net_head.c - the strict head check, bodies in chunks, paths, upgrades, responses: tables. */
#include "base/alloc.h"
#include "base/str.h"
#include "net/http.h"
#include <criterion/criterion.h>
#include <string.h>

struct row {
    const char *text;
    int status; /* 0: accepted */
};

static int check(const char *text, size_t len, struct vgw_http_request **ret)
{
    struct vgw_http_refusal no = {0};
    size_t scanned = 0;
    long n = vgw_head_find(text, len, &scanned, &no);
    if (n < 0)
        return no.status;
    if (n == 0)
        return -1;
    return vgw_head_parse(text, (size_t)n, ret, &no) < 0 ? no.status : 0;
}

#define GET(extra) "GET / HTTP/1.1\r\nHost: x\r\n" extra "\r\n"
#define POST(extra) "POST / HTTP/1.1\r\nHost: x\r\n" extra "\r\n"

static const struct row rows[] = {
    {GET(""), 0},
    {"\r\n" GET(""), 0},
    {"\r\n\r\n" GET(""), 400},
    {"GET / HTTP/1.0\r\n\r\n", 0},
    {"GET / HTTP/1.1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a:8080\r\n\r\n", 0},
    {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 0},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
    {GET("X-A: b\r\n"), 0},
    {GET("X-A:b\r\n"), 0},
    {GET("X-A: \t b \t\r\n"), 0},
    {GET("X-A:\r\n"), 0},
    {GET("X-A : b\r\n"), 400},
    {GET(" X-A: b\r\n"), 400},
    {GET("X-A: b\r\n\tc\r\n"), 400},
    {GET("X-A\r\n"), 400},
    {GET(": b\r\n"), 400},
    {GET("X(A: b\r\n"), 400},
    {GET("X-A: b\x01\r\n"), 400},
    {GET("X-A: b\x7f\r\n"), 400},
    {GET("X-A: b\rc\r\n"), 400},
    {GET("X-A: b\n"), 400},
    {GET("X-A: caf\xc3\xa9\r\n"), 0},
    {"GET / HTTP/1.1\nHost: x\n\n", 400},
    {"GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505},
    {"GET / HTTP/0.9\r\nHost: x\r\n\r\n", 505},
    {"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 505},
    {"GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400},
    {"GET / HTTP/11\r\nHost: x\r\n\r\n", 400},
    {"GET / XTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"GET /\r\n\r\n", 400},
    {"GET\r\n\r\n", 400},
    {"\x16\x03\x01 / HTTP/1.1\r\n\r\n", 400},
    {"G(T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 501},
    {"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", 501},
    {"GET x HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 0},
    {"GET http://y/z HTTP/1.1\r\nHost: x\r\n\r\n", 0},
    {"GET http://u@y/z HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"GET ftp://y/z HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"GET /a?%4 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"GET /../a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {POST("Content-Length: 5\r\n"), 0},
    {POST("Content-Length: 0\r\n"), 0},
    {POST("Content-Length:\r\n"), 400},
    {POST("Content-Length: -5\r\n"), 400},
    {POST("Content-Length: 5 5\r\n"), 400},
    {POST("Content-Length: 5\r\nContent-Length: 6\r\n"), 400},
    {POST("Transfer-Encoding: chunked\r\n"), 0},
    {POST("Transfer-Encoding: Chunked\r\n"), 0},
    {POST("Transfer-Encoding: xchunked\r\n"), 501},
    {POST("Transfer-Encoding: chunked, chunked\r\n"), 501},
    {POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
    {POST("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400},
    {POST("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400},
    {POST("Content-Length: 5\r\nTransfer-Encoding: identity\r\n"), 400},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {GET("Expect: 100-continue\r\n"), 0},
    {GET("Expect: 200-ok\r\n"), 417},
};

Test(net_head, accepts_and_refuses_as_the_table_says)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vgw_http_request *r = NULL;
        int status = check(rows[i].text, strlen(rows[i].text), &r);
        cr_assert_eq(status, rows[i].status, "%s gave %d, not %d", rows[i].text, status, rows[i].status);
        vgw_http_request_free(r);
    }
}

Test(net_head, takes_a_request_apart)
{
    static const char text[] = "POST /a%20b/./c//d?x=1&y=%41+b HTTP/1.1\r\nHost: h:1\r\nX-One:  two \r\nConnection: a, "
                               "Upgrade\r\nContent-Length: 7\r\n\r\n";
    struct vgw_http_request *r = NULL;
    cr_assert_eq(check(text, sizeof text - 1, &r), 0);
    cr_assert_str_eq(r->method, "POST");
    cr_assert_str_eq(r->path, "/a b/c/d");
    cr_assert_str_eq(r->raw_path, "/a%20b/./c//d");
    cr_assert_str_eq(r->query, "x=1&y=%41+b");
    cr_assert_str_eq(r->host, "h:1");
    cr_assert_str_eq(vgw_http_header(r, "x-ONE"), "two");
    cr_assert(vgw_http_header_has(r, "connection", "upgrade"));
    cr_assert_not(vgw_http_header_has(r, "connection", "up"));
    cr_assert_eq(r->content_length, 7);
    cr_assert(r->keep_alive);
    char *y = vgw_http_query(r, "y");
    cr_assert_str_eq(y, "A b");
    cr_assert_null(vgw_http_query(r, "z"));
    vgw_free(y);
    vgw_http_request_free(r);
}

Test(net_head, an_empty_value_leaves_the_next_header_whole)
{
    static const char text[] = "GET / HTTP/1.1\r\nX-A:\r\nHost: x\r\n\r\n";
    static const char twice[] = "GET / HTTP/1.1\r\nHost: x\r\nX-A:\r\nHost: y\r\n\r\n";
    struct vgw_http_request *r = NULL;
    cr_assert_eq(check(text, sizeof text - 1, &r), 0);
    cr_assert_str_eq(r->host, "x");
    cr_assert_str_eq(vgw_http_header(r, "X-A"), "");
    vgw_http_request_free(r);
    cr_assert_eq(check(twice, sizeof twice - 1, &r), 400);
}

Test(net_head, is_found_at_every_split_as_in_one_piece)
{
    static const char text[] = "\r\n" GET("X-A: b\r\nX-B: c\r\n");
    size_t scanned = 0, whole = sizeof text - 1;
    struct vgw_http_refusal no;
    for (size_t len = 0; len < whole; len++)
        cr_assert_eq(vgw_head_find(text, len, &scanned, &no), 0, "at %zu", len);
    cr_assert_eq(vgw_head_find(text, whole, &scanned, &no), (long)whole);
}

Test(net_head, is_bounded)
{
    static char text[40000];
    struct vgw_http_refusal no = {0};
    size_t scanned = 0;
    memset(text, 'a', sizeof text);
    cr_assert_eq(vgw_head_find(text, sizeof text, &scanned, &no), -1);
    cr_assert_eq(no.status, 414);
    memcpy(text, "GET / HTTP/1.1\r\n", 16);
    scanned = 0;
    cr_assert_eq(vgw_head_find(text, sizeof text, &scanned, &no), -1);
    cr_assert_eq(no.status, 431);
    struct vgw_buf many = {0};
    vgw_buf_adds(&many, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < 101; i++)
        vgw_buf_adds(&many, "X: y\r\n");
    vgw_buf_adds(&many, "\r\n");
    struct vgw_http_request *r = NULL;
    cr_assert_eq(check(many.data, many.len, &r), 431);
    vgw_buf_done(&many);
}

Test(net_head, paths_are_cleaned_or_refused)
{
    static const struct {
        const char *raw, *clean; /* NULL: refused */
    } paths[] = {
        {"/", "/"},
        {"/a", "/a"},
        {"/a/", "/a/"},
        {"//a///b", "/a/b"},
        {"/./a/.", "/a/"},
        {"/%61", "/a"},
        {"/a.b/..c/d..", "/a.b/..c/d.."},
        {"/caf%C3%A9", "/caf\xc3\xa9"},
        {"/%2B1555", "/+1555"},
        {"/..", NULL},
        {"/a/../b", NULL},
        {"/%2e%2E/", NULL},
        {"/.%2e", NULL},
        {"/%00", NULL},
        {"/%0a", NULL},
        {"/%7f", NULL},
        {"/%2f", NULL},
        {"/%5c", NULL},
        {"/%", NULL},
        {"/%4", NULL},
        {"/%zz", NULL},
        {"/%ff", NULL},
        {"/%c0%af", NULL},
        {"a", NULL},
        {"", NULL},
    };
    char out[64];
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        long n = vgw_http_path_clean(paths[i].raw, strlen(paths[i].raw), out);
        if (paths[i].clean)
            cr_assert(n >= 0 && !strcmp(out, paths[i].clean), "%s gave %s", paths[i].raw, n < 0 ? "(refused)" : out);
        else
            cr_assert_lt(n, 0, "%s was taken as %s", paths[i].raw, out);
    }
}

Test(net_head, chunked_bodies_are_decoded_at_every_split)
{
    static const char text[] = "5;a=b\r\nhello\r\n1\r\n \r\n0005\r\nworld\r\n0\r\nX: y\r\n\r\nNEXT";
    for (size_t cut = 0; cut < sizeof text - 1; cut++) {
        struct vgw_chunked c = {.limit = 100};
        struct vgw_buf out = {0};
        struct vgw_http_refusal no;
        bool done = false;
        long n = vgw_chunked_feed(&c, text, cut, &out, &done, &no);
        cr_assert_geq(n, 0);
        if (!done) {
            cr_assert_eq((size_t)n, cut);
            long m = vgw_chunked_feed(&c, text + cut, sizeof text - 1 - cut, &out, &done, &no);
            n += m;
        }
        cr_assert(done);
        cr_assert_eq((size_t)n, sizeof text - 1 - 4);
        cr_assert_str_eq(vgw_buf_str(&out), "hello world");
        vgw_buf_done(&out);
    }
}

Test(net_head, bad_chunks_are_refused)
{
    static const struct row bad[] = {
        {"0x5\r\nhello\r\n", 400},
        {"\r\n", 400},
        {"5\nhello", 400},
        {"g\r\n", 400},
        {"-1\r\n", 400},
        {"5\r\nhelloX", 400},
        {"5\r\nhello\n", 400},
        {"fffffffffffffffff\r\n", 400},
        {"ffffffffff\r\n", 413},
        {"65\r\n", 413},
        {"0\r\n x\r\n", 400},
        {"0\r\n\rX", 400},
        {"5 x\r\n", 0},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct vgw_chunked c = {.limit = 100};
        struct vgw_buf out = {0};
        struct vgw_http_refusal no = {0};
        bool done;
        long n = vgw_chunked_feed(&c, bad[i].text, strlen(bad[i].text), &out, &done, &no);
        cr_assert_eq(n < 0 ? no.status : 0, bad[i].status, "%s gave %ld %d", bad[i].text, n, no.status);
        vgw_buf_done(&out);
    }
}

Test(net_head, response_lines_cannot_be_split)
{
    struct vgw_buf out = {0};
    static const char *const headers[] = {"X-A: b", "X-B: c\r\nSet-Cookie: d", NULL};
    struct vgw_http_response r = {.status = 200, .content_type = "text/plain\r\nX-E: f", .headers = headers};
    vgw_http_write_head(&out, &r, 0, false, true, 784111777000000);
    cr_assert_str_eq(vgw_buf_str(&out), "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: "
                                        "0\r\nX-A: b\r\nConnection: keep-alive\r\n\r\n");
    vgw_buf_done(&out);
}
