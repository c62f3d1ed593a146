/* head.c - the strict check of a request's head. The only file that knows libhttp-parser: it takes the lines apart;
 * what it lets through too freely (see the checks) is refused here. */
#include "net/http.h"
#include "base/alloc.h"
#include "base/list.h"
#include "base/str.h"
#include <http_parser.h>
#include <stdio.h>
#include <string.h>

static int refuse(struct vgw_http_refusal *ret, int status, const char *reason, const char *detail)
{
    *ret = (struct vgw_http_refusal){.status = status, .detail = detail, .reason = reason};
    return VGW_EINVALID;
}

static int syntax(struct vgw_http_refusal *ret, const char *detail)
{
    return refuse(ret, 400, "syntax", detail);
}

/* ---- finding the end ---- */

static const char *bad_byte(const char *data, size_t i, size_t start)
{
    unsigned char c = (unsigned char)data[i];
    unsigned char before = i > start ? (unsigned char)data[i - 1] : 0;
    if (c == '\n' && before != '\r')
        return "A line ends in a bare LF; lines end in CR LF.";
    if (c != '\n' && before == '\r')
        return "A CR stands without its LF; lines end in CR LF.";
    if ((c < 0x20 && c != '\t' && c != '\r' && c != '\n') || c == 0x7f)
        return "The head holds a control character.";
    if ((c == ' ' || c == '\t') && i >= start + 2 && before == '\n')
        return "A header line begins with a blank; folded headers are obsolete and refused.";
    return NULL;
}

long vgw_head_find(const char *data, size_t len, size_t *scanned, struct vgw_http_refusal *ret_refusal)
{
    size_t start = len >= 2 && data[0] == '\r' && data[1] == '\n' ? 2 : 0;
    size_t limit = start + VGW_HTTP_HEAD_MAX;
    size_t i = *scanned > start ? *scanned : start;
    for (; i < len && i < limit; i++) {
        const char *bad = bad_byte(data, i, start);
        if (!bad && i == start && start > 0 && data[i] == '\r')
            bad = "More than one empty line stands before the request.";
        if (bad) {
            syntax(ret_refusal, bad);
            return -1;
        }
        if (data[i] == '\n' && i >= start + 3 && data[i - 2] == '\n') {
            *scanned = i + 1;
            return (long)(i + 1);
        }
    }
    *scanned = i;
    if (i > start + VGW_HTTP_TARGET_MAX + 64 && !memchr(data + start, '\n', i - start)) {
        refuse(ret_refusal, 414, "too_large", "The request target is longer than 8 KiB.");
        return -1;
    }
    if (i >= limit) {
        refuse(ret_refusal, 431, "too_large", "The head is larger than 16 KiB.");
        return -1;
    }
    return 0;
}

/* ---- taking it apart ---- */

struct span {
    const char *at;
    size_t len;
};

struct take {
    struct span url;
    struct span names[VGW_HTTP_HEADERS_MAX];
    struct span values[VGW_HTTP_HEADERS_MAX];
    size_t names_len, values_len;
    bool too_many, complete;
};

static int on_url(http_parser *p, const char *at, size_t len)
{
    struct take *t = p->data;
    t->url = (struct span){at, len};
    return 0;
}

static int on_field(http_parser *p, const char *at, size_t len)
{
    struct take *t = p->data;
    if (t->names_len == VGW_HTTP_HEADERS_MAX) {
        t->too_many = true;
        return -1;
    }
    t->names[t->names_len++] = (struct span){at, len};
    return 0;
}

static int on_value(http_parser *p, const char *at, size_t len)
{
    struct take *t = p->data;
    if (t->values_len >= t->names_len)
        return -1;
    t->values[t->values_len++] = (struct span){at, len};
    return 0;
}

static int on_complete(http_parser *p)
{
    struct take *t = p->data;
    t->complete = true;
    return 2; /* no body here: bodies are read by their own decoder */
}

static bool is_token(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alnum && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return len > 0;
}

/* The request line, before the library sees it: it skips leading junk and knows more versions than we do. */
static int check_request_line(const char *data, size_t len, struct vgw_http_refusal *ret)
{
    const char *end = memmem(data, len, "\r\n", 2);
    const char *first = end ? memchr(data, ' ', (size_t)(end - data)) : NULL;
    const char *last = first ? memchr(first + 1, ' ', (size_t)(end - first - 1)) : NULL;
    if (!last || memchr(last + 1, ' ', (size_t)(end - last - 1)) || !is_token(data, (size_t)(first - data)))
        return syntax(ret, "The request line is not METHOD, one blank, target, one blank, HTTP/1.1.");
    size_t target = (size_t)(last - first - 1), version = (size_t)(end - last - 1);
    if (target == 0)
        return syntax(ret, "The request line has no target.");
    if (target > VGW_HTTP_TARGET_MAX)
        return refuse(ret, 414, "too_large", "The request target is longer than 8 KiB.");
    for (const char *p = first + 1; p < last; p++)
        if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f || strchr("\"<>\\^`{|}#", *p))
            return syntax(ret, "The request target holds a character that has to be percent-encoded.");
    if (version != 8 || memcmp(last + 1, "HTTP/", 5) != 0 || last[7] != '.')
        return syntax(ret, "The request line does not end in HTTP/1.1.");
    if (last[6] != '1' || (last[8] != '0' && last[8] != '1'))
        return refuse(ret, 505, "unsupported", "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
    return 0;
}

static int run_parser(const char *data, size_t len, struct take *t, http_parser *p, struct vgw_http_refusal *ret)
{
    http_parser_settings settings;
    http_parser_settings_init(&settings);
    settings.on_url = on_url;
    settings.on_header_field = on_field;
    settings.on_header_value = on_value;
    settings.on_headers_complete = on_complete;
    http_parser_init(p, HTTP_REQUEST);
    p->data = t;
    http_parser_execute(p, &settings, data, len);
    if (t->too_many)
        return refuse(ret, 431, "too_large", "The request has more than 100 headers.");
    if (t->complete && t->names_len == t->values_len)
        return 0;
    switch (HTTP_PARSER_ERRNO(p)) {
    case HPE_INVALID_METHOD:
        return refuse(ret, 501, "unsupported", "The method is not known here.");
    case HPE_UNEXPECTED_CONTENT_LENGTH:
        return syntax(ret, "Content-Length is repeated or stands beside Transfer-Encoding.");
    case HPE_INVALID_CONTENT_LENGTH:
        return syntax(ret, "Content-Length is not a decimal number.");
    case HPE_INVALID_TRANSFER_ENCODING:
        return syntax(ret, "Transfer-Encoding does not end in chunked.");
    default:
        return syntax(ret, "The head is not well-formed HTTP/1.1.");
    }
}

static struct span trim(struct span s)
{
    while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
        s.len--;
    while (s.len && (s.at[0] == ' ' || s.at[0] == '\t'))
        s.at++, s.len--;
    return s;
}

/* One block: the struct, the headers, a copy of the head in which the pieces are terminated in place, and the clean
 * path. */
struct block {
    struct vgw_http_request r;
    struct vgw_http_header headers[];
};

static char *terminate(char *text, const char *data, struct span s)
{
    char *p = text + (s.at - data);
    p[s.len] = '\0';
    return p;
}

/* "http://host/path?query" (RFC 9112 3.2.2) becomes "/path?query"; the authority stands before it for the caller. */
static bool split_absolute(struct span *url, struct span *authority)
{
    size_t skip = 0;
    if (url->len > 7 && !strncasecmp(url->at, "http://", 7))
        skip = 7;
    else if (url->len > 8 && !strncasecmp(url->at, "https://", 8))
        skip = 8;
    else
        return false;
    struct span rest = {url->at + skip, url->len - skip};
    const char *slash = memchr(rest.at, '/', rest.len);
    if (!slash || slash == rest.at)
        return false;
    *authority = (struct span){rest.at, (size_t)(slash - rest.at)};
    *url = (struct span){slash, rest.len - authority->len};
    return true;
}

static int fill_target(struct vgw_http_request *r, char *text, char *clean, const char *data, struct span url,
                       char *host, struct vgw_http_refusal *ret)
{
    struct span authority = {0};
    if (url.len == 1 && url.at[0] == '*') {
        if (strcmp(r->method, "OPTIONS") != 0)
            return syntax(ret, "The target * belongs to OPTIONS alone.");
        r->path = r->raw_path = terminate(text, data, url);
        r->query = r->path + 1;
        return 0;
    }
    if (url.at[0] != '/' && !split_absolute(&url, &authority))
        return syntax(ret, "The request target is neither a path nor an http URL.");
    if (authority.len) {
        if (authority.len > 255)
            return syntax(ret, "The authority in the target is too long.");
        memcpy(host, authority.at, authority.len);
        host[authority.len] = '\0';
        r->host = host;
    }
    char *path = terminate(text, data, url);
    r->raw_path = path;
    char *mark = strchr(path, '?');
    r->query = mark ? mark + 1 : path + url.len;
    size_t path_len = mark ? (size_t)(mark - path) : url.len;
    path[path_len] = '\0';
    for (const char *q = strchr(r->query, '%'); q; q = strchr(q + 1, '%'))
        if (!q[1] || !q[2] || !strchr("0123456789abcdefABCDEF", q[1]) || !strchr("0123456789abcdefABCDEF", q[2]))
            return syntax(ret, "The query holds a % that is not followed by two hexadecimal digits.");
    if (vgw_http_path_clean(path, path_len, clean) < 0)
        return syntax(ret, "The path holds '..', an encoded slash, a control character or an invalid escape.");
    r->path = clean;
    return 0;
}

static bool host_valid(const char *s)
{
    bool v6 = s[0] == '[';
    size_t host_len = v6 ? strcspn(s, "]") : strcspn(s, ":");
    if (v6 && s[host_len] != ']')
        return false;
    const char *allowed =
        v6 ? "0123456789abcdefABCDEF:." : "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%";
    if (strspn(s + v6, allowed) + (size_t)v6 < host_len || host_len == (size_t)v6)
        return false;
    const char *rest = s + host_len + v6;
    if (*rest == '\0')
        return true;
    return *rest == ':' && strspn(rest + 1, "0123456789") == strlen(rest + 1) && strlen(rest + 1) <= 5;
}

static int check_host(struct vgw_http_request *r, struct vgw_http_refusal *ret)
{
    size_t count = vgw_http_header_count(r, "host");
    if (count > 1)
        return syntax(ret, "Host is given more than once.");
    if (count == 0 && r->minor >= 1)
        return syntax(ret, "Host is missing; HTTP/1.1 asks for exactly one.");
    const char *host = vgw_http_header(r, "host");
    if (host && !host_valid(host))
        return syntax(ret, "Host is not a name or address with an optional port.");
    if (r->host && !host_valid(r->host))
        return syntax(ret, "The authority in the target is not a host with an optional port.");
    if (!r->host)
        r->host = host ? host : "";
    return 0;
}

static int check_length(struct vgw_http_request *r, struct vgw_http_refusal *ret)
{
    const char *length = vgw_http_header(r, "content-length");
    const char *coding = vgw_http_header(r, "transfer-encoding");
    r->content_length = -1;
    if (length && coding)
        return syntax(ret, "Content-Length stands beside Transfer-Encoding.");
    if (vgw_http_header_count(r, "content-length") > 1 || vgw_http_header_count(r, "transfer-encoding") > 1)
        return syntax(ret, "Content-Length or Transfer-Encoding is given more than once.");
    if (length) {
        if (!*length || strspn(length, "0123456789") != strlen(length) || strlen(length) > 18 ||
            !vgw_parse_i64(length, &r->content_length))
            return syntax(ret, "Content-Length is not a decimal number.");
    }
    if (coding) {
        if (r->minor == 0)
            return syntax(ret, "Transfer-Encoding does not exist in HTTP/1.0.");
        if (!vgw_strieq(coding, "chunked"))
            return refuse(ret, 501, "unsupported", "chunked is the only transfer coding known here.");
        r->chunked = true;
    }
    return 0;
}

static int check_rest(struct vgw_http_request *r, struct vgw_http_refusal *ret)
{
    const char *expect = vgw_http_header(r, "expect");
    if (expect && (vgw_http_header_count(r, "expect") > 1 || !vgw_strieq(expect, "100-continue")))
        return refuse(ret, 417, "unsupported", "100-continue is the only expectation known here.");
    r->expect_continue = expect && r->minor >= 1;
    if (vgw_streq(r->method, "CONNECT") || vgw_streq(r->method, "TRACE"))
        return refuse(ret, 501, "unsupported", "The method is not served here.");
    r->keep_alive = r->minor >= 1 ? !vgw_http_header_has(r, "connection", "close")
                                  : vgw_http_header_has(r, "connection", "keep-alive");
    return 0;
}

static int fill_headers(struct block *b, char *text, const char *data, struct take *t, struct vgw_http_refusal *ret)
{
    for (size_t i = 0; i < t->names_len; i++) {
        if (!is_token(t->names[i].at, t->names[i].len))
            return syntax(
                ret, "A header name holds a character that is none of a token's (a blank before the colon, perhaps).");
        if (t->names[i].at[t->names[i].len] != ':')
            return syntax(ret, "A header name is not followed by its colon at once.");
        b->headers[i].name = terminate(text, data, t->names[i]);
        /* The library places an empty value at the start of the next line: nothing may be written there. */
        struct span value = trim(t->values[i]);
        b->headers[i].value = value.len ? terminate(text, data, value) : "";
    }
    b->r.headers = b->headers;
    b->r.header_count = t->names_len;
    return 0;
}

int vgw_head_parse(const char *data, size_t len, struct vgw_http_request **ret_request,
                   struct vgw_http_refusal *ret_refusal)
{
    struct take t = {0};
    http_parser parser;
    if (len >= 2 && data[0] == '\r' && data[1] == '\n')
        data += 2, len -= 2;
    int rc = check_request_line(data, len, ret_refusal);
    if (!rc)
        rc = run_parser(data, len, &t, &parser, ret_refusal);
    if (rc)
        return rc;
    size_t headers = t.names_len * sizeof(struct vgw_http_header);
    struct block *b = vgw_calloc(1, sizeof *b + headers + (len + 1) + (t.url.len + 1) + 256);
    if (!b) {
        refuse(ret_refusal, 503, "memory", "The gateway is out of memory.");
        return VGW_ELIMIT;
    }
    char *text = (char *)b + sizeof *b + headers, *clean = text + len + 1, *host = clean + t.url.len + 1;
    memcpy(text, data, len);
    b->r.body = text + len;
    b->r.minor = parser.http_minor;
    const char *blank = memchr(data, ' ', len);
    b->r.method = terminate(text, data, (struct span){data, (size_t)(blank - data)});
    rc = fill_headers(b, text, data, &t, ret_refusal);
    if (!rc)
        rc = fill_target(&b->r, text, clean, data, t.url, host, ret_refusal);
    if (!rc)
        rc = check_host(&b->r, ret_refusal);
    if (!rc)
        rc = check_length(&b->r, ret_refusal);
    if (!rc)
        rc = check_rest(&b->r, ret_refusal);
    if (rc) {
        vgw_free(b);
        return rc;
    }
    *ret_request = &b->r;
    return 0;
}

void vgw_http_request_free(struct vgw_http_request *r)
{
    if (!r)
        return;
    vgw_free(r->body_owned);
    vgw_free(VGW_CONTAINER_OF(r, struct block, r));
}
