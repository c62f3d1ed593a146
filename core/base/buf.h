/* buf.h - a growable byte buffer with a limit; failure sticks, so a chain of appends is checked once at the end. */
#ifndef VGW_BASE_BUF_H
#define VGW_BASE_BUF_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vgw_buf {
    char *data; /* always NUL-terminated when not NULL; owned */
    size_t len; /* bytes, without the NUL */
    size_t cap;
    size_t limit; /* appends beyond this fail (0: 16 MiB) */
    bool failed;  /* an append failed: content is incomplete */
};
/** All functions: any thread, one at a time for a buffer. A zeroed struct is a valid empty buffer. */
void vgw_buf_init(struct vgw_buf *b, size_t limit_bytes);
void vgw_buf_done(struct vgw_buf *b);  /* frees the data, bears a zeroed struct */
void vgw_buf_reset(struct vgw_buf *b); /* empty, keeps the memory, clears `failed` */
void vgw_buf_add(struct vgw_buf *b, const void *data, size_t len);
void vgw_buf_adds(struct vgw_buf *b, const char *s);
void vgw_buf_addc(struct vgw_buf *b, char c);
void vgw_buf_printf(struct vgw_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void vgw_buf_vprintf(struct vgw_buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/** Drops the first n bytes. */
void vgw_buf_consume(struct vgw_buf *b, size_t n);
/** Gives the data to the caller (vgw_free) and empties the buffer; NULL if it failed or could not allocate. */
char *vgw_buf_take(struct vgw_buf *b);
/** The content as a C string, "" when empty. Valid until the next change. */
const char *vgw_buf_str(const struct vgw_buf *b);
#endif
