/* strict.c - the look at a message before libre sees it. */
#include "strict.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEADERS_MAX 256u
#define VIAS_MAX 70u

struct span {
    const char *at;
    size_t bytes;
};

enum { VIA, FROM, TO, CALL_ID, CSEQ, MAX_FORWARDS, CONTENT_LENGTH, CONTENT_TYPE, CONTACT, NAMES };
static const struct {
    const char *name;
    char compact;
    int once, needed;
} names[NAMES] = {[VIA] = {"Via", 'v', 0, 1},
                  [FROM] = {"From", 'f', 1, 1},
                  [TO] = {"To", 't', 1, 1},
                  [CALL_ID] = {"Call-ID", 'i', 1, 1},
                  [CSEQ] = {"CSeq", 0, 1, 1},
                  [MAX_FORWARDS] = {"Max-Forwards", 0, 1, 0},
                  [CONTENT_LENGTH] = {"Content-Length", 'l', 1, 0},
                  [CONTENT_TYPE] = {"Content-Type", 'c', 1, 0},
                  [CONTACT] = {"Contact", 'm', 0, 0}};

struct view {
    struct span line, first[NAMES], vias[VIAS_MAX];
    unsigned count[NAMES], headers;
    size_t body; /* where it begins; 0: no empty line */
};

static struct span trim(struct span s)
{
    while (s.bytes && strchr(" \t\r\n", s.at[0])) {
        s.at++;
        s.bytes--;
    }
    while (s.bytes && strchr(" \t\r\n", s.at[s.bytes - 1]))
        s.bytes--;
    return s;
}

static int same(struct span s, const char *text)
{
    return s.bytes == strlen(text) && strncasecmp(s.at, text, s.bytes) == 0;
}

static int name_of(struct span s)
{
    for (int i = 0; i < NAMES; i++)
        if (same(s, names[i].name) || (s.bytes == 1 && names[i].compact && (s.at[0] | 32) == names[i].compact))
            return i;
    return -1;
}

/* The end of a header with its continuation lines: where the next begins. */
static size_t header_end(const char *text, size_t bytes, size_t at)
{
    for (;;) {
        const char *lf = memchr(text + at, '\n', bytes - at);
        if (!lf)
            return bytes;
        at = (size_t)(lf - text) + 1;
        if (at >= bytes || (text[at] != ' ' && text[at] != '\t'))
            return at;
    }
}

static int take_header(struct view *v, struct span h)
{
    const char *colon = memchr(h.at, ':', h.bytes);
    if (!colon || ++v->headers > HEADERS_MAX)
        return -1;
    struct span name = trim((struct span){h.at, (size_t)(colon - h.at)});
    struct span value = trim((struct span){colon + 1, h.bytes - (size_t)(colon - h.at) - 1});
    int i = name_of(name);
    if (name.bytes == 0)
        return -1;
    if (i < 0)
        return 0;
    if (i == VIA && v->count[VIA] < VIAS_MAX)
        v->vias[v->count[VIA]] = value;
    if (v->count[i]++ == 0)
        v->first[i] = value;
    return 0;
}

static int look(const char *text, size_t bytes, struct view *v)
{
    size_t at = 0;
    memset(v, 0, sizeof *v);
    const char *lf = memchr(text, '\n', bytes);
    if (!lf)
        return -1;
    v->line = trim((struct span){text, (size_t)(lf - text)});
    at = (size_t)(lf - text) + 1;
    while (at < bytes) {
        if (text[at] == '\n' || (text[at] == '\r' && at + 1 < bytes && text[at + 1] == '\n')) {
            v->body = at + (text[at] == '\r' ? 2 : 1);
            return 0;
        }
        size_t end = header_end(text, bytes, at);
        if (take_header(v, (struct span){text + at, end - at}) < 0)
            return -1;
        at = end;
    }
    return 0;
}

/* Digits only, at most `max`; -1 otherwise. */
static int64_t number(struct span s, int64_t max)
{
    int64_t n = 0;
    if (s.bytes == 0 || s.bytes > 12)
        return -1;
    for (size_t i = 0; i < s.bytes; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return -1;
        n = n * 10 + (s.at[i] - '0');
    }
    return n <= max ? n : -1;
}

static int token(struct span s)
{
    static const char more[] = "-.!%*_+`'~";
    for (size_t i = 0; i < s.bytes; i++) {
        char c = s.at[i];
        int word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!word && (c == '\0' || !strchr(more, c)))
            return 0;
    }
    return s.bytes > 0;
}

struct request {
    struct span method, uri, version;
};

/* "METHOD URI VERSION", single spaces. */
static int split_line(struct span line, struct request *r)
{
    const char *a = memchr(line.at, ' ', line.bytes), *b = line.at + line.bytes;
    while (b > line.at && b[-1] != ' ')
        b--;
    if (!a || b <= a + 1)
        return -1;
    r->method = (struct span){line.at, (size_t)(a - line.at)};
    r->uri = (struct span){a + 1, (size_t)(b - a) - 2};
    r->version = (struct span){b, (size_t)(line.at + line.bytes - b)};
    return 0;
}

struct fault {
    int status;
    const char *reason;
};
#define FAULT(code, text) ((struct fault){code, text})

static struct fault check_cseq(const struct view *v, const struct request *r)
{
    struct span s = v->first[CSEQ];
    size_t n = 0;
    while (n < s.bytes && s.at[n] != ' ' && s.at[n] != '\t' && s.at[n] != '\r' && s.at[n] != '\n')
        n++;
    struct span method = trim((struct span){s.at + n, s.bytes - n});
    if (number((struct span){s.at, n}, 2147483647) < 0)
        return FAULT(400, "CSeq has no number below 2**31");
    if (r && (method.bytes != r->method.bytes || memcmp(method.at, r->method.at, method.bytes) != 0))
        return FAULT(400, "CSeq names another method");
    return FAULT(0, "");
}

static struct fault check_uri(struct span uri)
{
    const char *colon = memchr(uri.at, ':', uri.bytes);
    if (uri.bytes == 0 || memchr(uri.at, ' ', uri.bytes) || memchr(uri.at, '\t', uri.bytes))
        return FAULT(400, "The Request-URI holds a space");
    if (uri.at[0] == '<')
        return FAULT(400, "The Request-URI stands in angle brackets");
    if (memchr(uri.at, '?', uri.bytes))
        return FAULT(400, "The Request-URI holds headers");
    struct span scheme = {uri.at, colon ? (size_t)(colon - uri.at) : 0};
    if (!colon || (!same(scheme, "sip") && !same(scheme, "sips") && !same(scheme, "tel")))
        return FAULT(416, "Unsupported URI Scheme");
    return FAULT(0, "");
}

static struct fault check_headers(const struct view *v)
{
    static const char *const missing[NAMES] = {[VIA] = "Via is missing",
                                               [FROM] = "From is missing",
                                               [TO] = "To is missing",
                                               [CALL_ID] = "Call-ID is missing",
                                               [CSEQ] = "CSeq is missing"};
    static const char *const twice[NAMES] = {[FROM] = "From stands twice",
                                             [TO] = "To stands twice",
                                             [CALL_ID] = "Call-ID stands twice",
                                             [CSEQ] = "CSeq stands twice",
                                             [MAX_FORWARDS] = "Max-Forwards stands twice",
                                             [CONTENT_LENGTH] = "Content-Length stands twice",
                                             [CONTENT_TYPE] = "Content-Type stands twice"};
    for (int i = 0; i < NAMES; i++) {
        if (names[i].needed && v->count[i] == 0)
            return FAULT(400, missing[i]);
        if (names[i].once && v->count[i] > 1)
            return FAULT(400, twice[i]);
    }
    if (v->count[MAX_FORWARDS] && number(v->first[MAX_FORWARDS], 255) < 0)
        return FAULT(400, "Max-Forwards is no number to 255");
    return FAULT(0, "");
}

/* Nothing between two separators, or behind the last one; quotes hold what they like, and must end. */
static int separated(struct span s)
{
    int quoted = 0, empty = 0;
    for (size_t i = 0; i < s.bytes; i++) {
        char c = s.at[i];
        if (quoted && c == '\\') {
            i++;
        } else if (c == '"') {
            quoted = !quoted;
            empty = 0;
        } else if (!quoted && (c == ',' || c == ';')) {
            if (empty)
                return 0;
            empty = 1;
        } else if (!strchr(" \t\r\n", c)) {
            empty = 0;
        }
    }
    return !quoted && !empty;
}

static struct fault check_lists(const struct view *v)
{
    static const int lists[] = {VIA, FROM, TO, CONTACT};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (v->count[lists[i]] && !separated(v->first[lists[i]]))
            return FAULT(400, "A list or a quote of the header is broken");
    return FAULT(0, "");
}

static struct fault check_length(const struct view *v, size_t bytes)
{
    size_t left = v->body ? bytes - v->body : 0;
    if (v->count[CONTENT_LENGTH] == 0)
        return FAULT(0, "");
    int64_t n = number(v->first[CONTENT_LENGTH], 1 << 24);
    if (n < 0)
        return FAULT(400, "Content-Length is no number");
    return (size_t)n > left ? FAULT(400, "The body is shorter than Content-Length") : FAULT(0, "");
}

static struct fault check_request(const struct view *v, size_t bytes)
{
    struct request r;
    if (split_line(v->line, &r) < 0 || !token(r.method))
        return FAULT(400, "The request line cannot be read");
    if (!same(r.version, "SIP/2.0"))
        return r.version.bytes > 4 && strncasecmp(r.version.at, "SIP/", 4) == 0
                   ? FAULT(505, "Version Not Supported")
                   : FAULT(400, "The request line cannot be read");
    struct fault f = check_headers(v);
    if (f.status == 0)
        f = check_cseq(v, &r);
    if (f.status == 0)
        f = check_uri(r.uri);
    if (f.status == 0)
        f = check_lists(v);
    return f.status ? f : check_length(v, bytes);
}

/* A header's value on one line: whoever sent it must not write lines of ours. */
static size_t put_value(char *out, size_t cap, size_t n, const char *name, struct span s)
{
    int w = snprintf(out + n, cap - n, "%s: ", name);
    if (w < 0 || n + (size_t)w + s.bytes + 3 > cap)
        return cap;
    n += (size_t)w;
    for (size_t i = 0; i < s.bytes; i++)
        out[n++] = s.at[i] == '\r' || s.at[i] == '\n' || s.at[i] == '\0' ? ' ' : s.at[i];
    out[n++] = '\r';
    out[n++] = '\n';
    out[n] = '\0';
    return n;
}

static void compose(const struct view *v, struct fault f, char *out, size_t cap)
{
    out[0] = '\0';
    if (v->count[VIA] == 0 || v->count[VIA] > VIAS_MAX)
        return;
    int w = snprintf(out, cap, "SIP/2.0 %d %s\r\n", f.status, f.reason);
    size_t n = w > 0 && (size_t)w < cap ? (size_t)w : cap;
    for (unsigned i = 0; i < v->count[VIA] && n < cap; i++)
        n = put_value(out, cap, n, "Via", v->vias[i]);
    for (int i = FROM; i <= CSEQ && n < cap; i++)
        if (v->count[i])
            n = put_value(out, cap, n, names[i].name, v->first[i]);
    if (n < cap) {
        w = snprintf(out + n, cap - n, "Content-Length: 0\r\n\r\n");
        n = w > 0 ? n + (size_t)w : cap;
    }
    if (n >= cap)
        out[0] = '\0';
}

int sip_strict_check(const char *text, size_t bytes, char *answer, size_t cap, const char **ret_what)
{
    struct view v;
    *ret_what = "no SIP message";
    if (bytes == 0 || look(text, bytes, &v) < 0)
        return SIP_STRICT_DROP;
    if (v.line.bytes > 8 && strncasecmp(v.line.at, "SIP/2.0 ", 8) == 0) {
        struct fault f = check_headers(&v);
        if (f.status == 0)
            f = check_cseq(&v, NULL);
        *ret_what = f.reason;
        return f.status ? SIP_STRICT_DROP : SIP_STRICT_OK;
    }
    struct fault f = check_request(&v, bytes);
    if (f.status == 0)
        return SIP_STRICT_OK;
    *ret_what = f.reason;
    if (v.line.bytes > 4 && strncmp(v.line.at, "ACK ", 4) == 0)
        return SIP_STRICT_DROP;
    compose(&v, f, answer, cap);
    return answer[0] ? SIP_STRICT_REFUSE : SIP_STRICT_DROP;
}

int sip_strict_refuse(const char *text, size_t bytes, char *answer, size_t cap)
{
    struct view v;
    answer[0] = '\0';
    if (bytes == 0 || look(text, bytes, &v) < 0 || strncmp(v.line.at, "ACK ", 4) == 0 ||
        (v.line.bytes > 8 && strncasecmp(v.line.at, "SIP/2.0 ", 8) == 0))
        return SIP_STRICT_DROP;
    compose(&v, FAULT(400, "Bad Request"), answer, cap);
    return answer[0] ? SIP_STRICT_REFUSE : SIP_STRICT_DROP;
}

int sip_strict_frame(const char *text, size_t bytes, size_t *ret_bytes)
{
    struct view v;
    const char *end = NULL;
    for (size_t i = 0; i + 1 < bytes && !end; i++)
        if (text[i] == '\n' && (text[i + 1] == '\n' || (text[i + 1] == '\r' && i + 2 < bytes && text[i + 2] == '\n')))
            end = text + i + (text[i + 1] == '\n' ? 2 : 3);
    if (!end)
        return SIP_FRAME_MORE;
    size_t head = (size_t)(end - text);
    if (look(text, head, &v) < 0 || v.body == 0 || v.count[CONTENT_LENGTH] == 0)
        return SIP_FRAME_BAD;
    int64_t n = number(v.first[CONTENT_LENGTH], 1 << 24);
    if (n < 0)
        return SIP_FRAME_BAD;
    if (bytes - v.body < (size_t)n)
        return SIP_FRAME_MORE;
    *ret_bytes = v.body + (size_t)n;
    return SIP_FRAME_WHOLE;
}
