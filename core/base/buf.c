/* buf.c - the growable byte buffer. */
#include "base/buf.h"
#include "base/alloc.h"
#include <stdio.h>
#include <string.h>

#define BUF_LIMIT_BYTES ((size_t)16 << 20)
#define BUF_FIRST_BYTES 128

void vgw_buf_init(struct vgw_buf *b, size_t limit_bytes)
{
    memset(b, 0, sizeof *b);
    b->limit = limit_bytes;
}

void vgw_buf_done(struct vgw_buf *b)
{
    vgw_free(b->data);
    b->data = NULL;
    b->len = b->cap = 0;
    b->failed = false;
}

void vgw_buf_reset(struct vgw_buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->data)
        b->data[0] = '\0';
}

/* Room for `more` bytes and the NUL. */
static bool reserve(struct vgw_buf *b, size_t more)
{
    if (b->failed)
        return false;
    size_t limit = b->limit ? b->limit : BUF_LIMIT_BYTES;
    if (b->len > limit || more > limit - b->len) {
        b->failed = true;
        return false;
    }
    size_t need = b->len + more + 1;
    if (need <= b->cap)
        return true;
    size_t cap = b->cap ? b->cap : BUF_FIRST_BYTES;
    while (cap < need)
        cap = cap > limit / 2 ? need : cap * 2;
    char *data = vgw_realloc(b->data, cap);
    if (!data) {
        b->failed = true;
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

void vgw_buf_add(struct vgw_buf *b, const void *data, size_t len)
{
    if (!reserve(b, len))
        return;
    if (len)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void vgw_buf_adds(struct vgw_buf *b, const char *s)
{
    if (s)
        vgw_buf_add(b, s, strlen(s));
}

void vgw_buf_addc(struct vgw_buf *b, char c)
{
    vgw_buf_add(b, &c, 1);
}

void vgw_buf_vprintf(struct vgw_buf *b, const char *fmt, va_list ap)
{
    char small[256];
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(small, sizeof small, fmt, ap);
    if (n < 0) {
        b->failed = true;
    } else if ((size_t)n < sizeof small) {
        vgw_buf_add(b, small, (size_t)n);
    } else if (reserve(b, (size_t)n)) {
        vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

void vgw_buf_printf(struct vgw_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vgw_buf_vprintf(b, fmt, ap);
    va_end(ap);
}

void vgw_buf_consume(struct vgw_buf *b, size_t n)
{
    if (n > b->len)
        n = b->len;
    if (n == 0)
        return;
    memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
    b->data[b->len] = '\0';
}

char *vgw_buf_take(struct vgw_buf *b)
{
    char *data = NULL;
    /* An empty buffer has no memory yet, and the caller is owed a string. */
    if (reserve(b, 0)) {
        data = b->data;
        data[b->len] = '\0';
        b->data = NULL;
    }
    vgw_buf_done(b);
    return data;
}

const char *vgw_buf_str(const struct vgw_buf *b)
{
    return b->data ? b->data : "";
}
