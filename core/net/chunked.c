/* chunked.c - decoding a chunked body (RFC 9112 7.1) with every part of it bounded. */
#include "net/http.h"

enum { SIZE, EXTENSION, SIZE_LF, DATA, DATA_CR, DATA_LF, TRAILER_START, TRAILER, TRAILER_LF, END_LF, DONE };

#define SIZE_LINE_MAX 256
#define TRAILERS_MAX 4096

static long fail(struct vgw_http_refusal *ret, int status, const char *reason, const char *detail)
{
    *ret = (struct vgw_http_refusal){.status = status, .detail = detail, .reason = reason};
    return -1;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* A character of the size line; false when it may not be there. */
static bool on_size_char(struct vgw_chunked *c, char ch)
{
    int digit = hex_value(ch);
    if (++c->line > SIZE_LINE_MAX)
        return false;
    if (c->state == SIZE && digit >= 0) {
        if (++c->digits > 15)
            return false;
        c->left = c->left << 4 | (uint64_t)digit;
        return true;
    }
    if (c->digits == 0)
        return false;
    if (ch == '\r') {
        c->state = SIZE_LF;
        return true;
    }
    if (c->state == SIZE && ch != ';' && ch != ' ' && ch != '\t')
        return false;
    c->state = EXTENSION;
    return ch == '\t' || ((unsigned char)ch >= 0x20 && ch != 0x7f);
}

static bool on_trailer_char(struct vgw_chunked *c, char ch)
{
    if (++c->trailers > TRAILERS_MAX)
        return false;
    if (ch == '\r') {
        c->state = c->state == TRAILER_START ? END_LF : TRAILER_LF;
        return true;
    }
    bool blank = ch == ' ' || ch == '\t';
    if (c->state == TRAILER_START && blank)
        return false;
    c->state = TRAILER;
    return blank || ((unsigned char)ch > 0x20 && ch != 0x7f);
}

static bool on_mark(struct vgw_chunked *c, char ch)
{
    switch (c->state) {
    case SIZE_LF:
        c->state = c->left ? DATA : TRAILER_START;
        return ch == '\n';
    case DATA_CR:
        c->state = DATA_LF;
        return ch == '\r';
    case DATA_LF:
        c->state = SIZE;
        c->line = 0;
        c->digits = 0;
        return ch == '\n';
    case TRAILER_LF:
        c->state = TRAILER_START;
        return ch == '\n';
    default:
        c->state = DONE;
        return ch == '\n';
    }
}

long vgw_chunked_feed(struct vgw_chunked *c, const char *data, size_t len, struct vgw_buf *out, bool *ret_done,
                      struct vgw_http_refusal *ret_refusal)
{
    size_t i = 0;
    while (i < len && c->state != DONE) {
        if (c->state == DATA) {
            size_t n = len - i < c->left ? len - i : (size_t)c->left;
            vgw_buf_add(out, data + i, n);
            if (out->failed)
                return fail(ret_refusal, 503, "memory", "The gateway is out of memory.");
            c->left -= n;
            c->total += n;
            i += n;
            if (c->left == 0)
                c->state = DATA_CR;
            continue;
        }
        bool ok;
        if (c->state == SIZE || c->state == EXTENSION)
            ok = on_size_char(c, data[i]);
        else if (c->state == TRAILER_START || c->state == TRAILER)
            ok = on_trailer_char(c, data[i]);
        else
            ok = on_mark(c, data[i]);
        if (!ok)
            return fail(ret_refusal, 400, "syntax",
                        "The chunked body is malformed, or a size line or the trailers are too long.");
        if (c->state == DATA && c->left > c->limit - c->total)
            return fail(ret_refusal, 413, "too_large", "The body is larger than this route takes.");
        i++;
    }
    *ret_done = c->state == DONE;
    return (long)i;
}
