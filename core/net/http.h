/* http.h - HTTP/1.1 messages, pure: the strict check of a request's head, bodies, and what a response looks like on the
 * wire. No I/O, no clock. head.c alone knows libhttp-parser. Sources: RFC 9110, RFC 9112. */
#ifndef VGW_NET_HTTP_H
#define VGW_NET_HTTP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/error.h"

#define VGW_HTTP_HEAD_MAX (16 * 1024)   /* request line and headers; beyond: 431 */
#define VGW_HTTP_TARGET_MAX (8 * 1024)  /* request target; beyond: 414 */
#define VGW_HTTP_HEADERS_MAX 100        /* header lines; beyond: 431 */
#define VGW_HTTP_BODY_DEFAULT (1 << 20) /* body bytes unless the route says otherwise; beyond: 413 */

struct vgw_http_header {
    const char *name;  /* as sent */
    const char *value; /* without surrounding blanks */
};

#define VGW_HTTP_LOOPBACK 1u /* the client (not a proxy before it) is on this machine, over IP */
#define VGW_HTTP_UNIX 2u     /* came by a UNIX socket; `uid`, `gid`, `pid` are the peer's */
#define VGW_HTTP_TLS 4u      /* came by TLS, here or at a trusted proxy */
#define VGW_HTTP_PROXIED 8u  /* a trusted proxy stands between: `remote` is what it reported */

/** A request. Everything is owned by the request and NUL-terminated; read-only for all but net/. */
struct vgw_http_request {
    const char *method; /* "GET" */
    const char *path; /* decoded, normalised ("//" and "." folded, ".." refused), valid UTF-8, begins with '/'; "*" for
                         OPTIONS * */
    const char *raw_path; /* as sent, without the query */
    const char *query;    /* without '?', still encoded; "" when none */
    const char *host;     /* Host, or the authority of an absolute target; "" when HTTP/1.0 sent none */
    int minor;            /* 0 or 1: HTTP/1.<minor> */
    const struct vgw_http_header *headers;
    size_t header_count;

    bool keep_alive;        /* the client would like the connection to stay */
    bool expect_continue;   /* Expect: 100-continue */
    bool chunked;           /* body comes in chunks */
    bool upgrade;           /* a well-formed WebSocket upgrade is asked for (checked by vgw_http_check_upgrade) */
    int64_t content_length; /* -1: none given */

    const char *body; /* "" when none; NUL behind body_len */
    size_t body_len;

    unsigned flags;  /* VGW_HTTP_LOOPBACK … */
    char remote[48]; /* address of the client, "" for UNIX sockets */
    uint16_t remote_port;
    uint32_t uid, gid; /* UNIX sockets only */
    int32_t pid;

    char *body_owned; /* private */
};

/** The value of the first header of that name (any case), or NULL. Borrowed. */
const char *vgw_http_header(const struct vgw_http_request *r, const char *name);
/** How often a header is there. */
size_t vgw_http_header_count(const struct vgw_http_request *r, const char *name);
/** Does a comma-separated header (all its lines) hold `token` (any case)? */
bool vgw_http_header_has(const struct vgw_http_request *r, const char *name, const char *token);
/** First value of a query parameter, decoded ('+' is a space); the caller frees. NULL: absent, badly encoded, or out of
 * memory. */
char *vgw_http_query(const struct vgw_http_request *r, const char *name);
/** Walks "a=b&c=d" (a query or a form): decoded copies are given to fn; false from fn ends it. VGW_EINVALID for a bad
 * escape or more than 1,000 fields, VGW_ELIMIT when out of memory. */
int vgw_http_form_each(const char *text, size_t len, bool (*fn)(void *arg, const char *name, const char *value),
                       void *arg);

/* ---- head ---- */

/** A refusal on the wire: status and a sentence (static). */
struct vgw_http_refusal {
    int status; /* 400, 413, 414, 417, 426, 431, 501, 505 */
    const char *detail;
    const char *reason; /* one word for metrics: "syntax", "too_large", "unsupported" … */
};

/** Looks for the end of a head in data[0..len): bytes before *scanned were looked at in earlier calls (start with 0; it
 * is advanced, so slow senders cost linear time). Returns the head's length with its blank line, 0 when more is needed,
 * or -1 with *ret_refusal: a control character, a bare CR or LF, an obsolete fold, a request line or head beyond the
 * limits. One empty line before the head is passed over. Pure. */
long vgw_head_find(const char *data, size_t len, size_t *scanned, struct vgw_http_refusal *ret_refusal);
/** Checks and takes apart a whole head (what vgw_head_find() measured; copied). 0 and *ret_request
 * (vgw_http_request_free), VGW_EINVALID with *ret_refusal, or VGW_ELIMIT (out of memory; refusal 503). Remote and body
 * are left empty. Pure. */
int vgw_head_parse(const char *data, size_t len, struct vgw_http_request **ret_request,
                   struct vgw_http_refusal *ret_refusal);
/** Takes NULL. */
void vgw_http_request_free(struct vgw_http_request *r);
/** Does the request ask for a WebSocket (GET, HTTP/1.1, Upgrade and Connection say so)? 0: it does, and version (13)
 * and key (16 bytes in base64) are right; VGW_ENOTFOUND: it does not ask; VGW_EINVALID with *ret_refusal (400, 426): it
 * asks wrongly. RFC 6455 4.2.1. */
int vgw_http_check_upgrade(const struct vgw_http_request *r, struct vgw_http_refusal *ret_refusal);
/** Decodes and normalises a path: percent escapes, "//" and "/./" folded; refuses "..", encoded '/', '\\', NUL, control
 * characters, bad UTF-8. `out` holds len + 1 bytes. Length, or -1. Pure. */
long vgw_http_path_clean(const char *raw, size_t len, char *out);

/* ---- chunked bodies ---- */

/** State of a chunked body being decoded. Start with {0} and the limit set. */
struct vgw_chunked {
    uint64_t limit; /* decoded bytes allowed */
    uint64_t total; /* decoded so far */
    uint64_t left;  /* of this chunk */
    uint32_t line;  /* bytes of the present size line or trailer, bounded */
    uint32_t trailers;
    uint8_t state;
    uint8_t digits;
};
/** Decodes data[0..len) and appends to `out`. Returns how many bytes were eaten (all, unless the body ended) or -1 with
 * *ret_refusal; *ret_done tells that the last chunk and its trailers (which are ignored) are complete. Size lines,
 * extensions included, are at most 256 bytes, trailers 4 KiB together. Pure. */
long vgw_chunked_feed(struct vgw_chunked *c, const char *data, size_t len, struct vgw_buf *out, bool *ret_done,
                      struct vgw_http_refusal *ret_refusal);

/* ---- responses ---- */

/** A response to be sent: all is borrowed for the call that takes it. */
struct vgw_http_response {
    int status;
    const char *content_type; /* NULL: none */
    const char *const
        *headers; /* further "Name: value" lines, NULL-ended, or NULL; a CR, LF or NUL in one makes it be left out */
    const void *body;
    size_t body_len;
    bool close; /* end the connection afterwards */
};
/** "Not Found" for 404, "Unknown" for what has no phrase. */
const char *vgw_http_phrase(int status);
/** Writes status line and headers (Date from wall_us when >= 0; Content-Length from length when >= 0;
 * Transfer-Encoding: chunked when `chunked`), blank line included. Pure. */
void vgw_http_write_head(struct vgw_buf *out, const struct vgw_http_response *r, int64_t length, bool chunked,
                         bool keep_alive, int64_t wall_us);
/** The JSON of a problem document (RFC 9457). `errors_json`: a JSON array of {field, detail}, or NULL. Pure. */
void vgw_http_problem_json(struct vgw_buf *out, int status, const char *detail, const char *errors_json);
/** IMF-fixdate (RFC 9110 5.6.7) into `out` of 32 bytes. Pure. */
char *vgw_http_date(int64_t wall_us, char *out);

#endif
