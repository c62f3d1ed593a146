/* log_line.h - how a log line looks in each format: pure, for log.c. */
#ifndef VGW_BASE_LOG_LINE_H
#define VGW_BASE_LOG_LINE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/log.h"

#define VGW_LOG_FIELDS_MAX 32
#define VGW_LOG_LINE_MAX_BYTES 65536

struct vgw_log_field {
    const char *key, *value;
};
struct vgw_log_line {
    int64_t wall_us;
    enum vgw_log_level level;
    bool audit; /* then the message is the event's name */
    const char *message;
    size_t count;
    struct vgw_log_field fields[VGW_LOG_FIELDS_MAX];
};
/** Appends the finished line to `out`: with its newline (text, json), or as a datagram of the journal's native protocol
 *  (systemd, JOURNAL_NATIVE_PROTOCOL). Registered secrets are masked. Thread: any; borrows `line` for the call. */
void vgw_log_render(enum vgw_log_format format, const struct vgw_log_line *line, struct vgw_buf *out);
#endif
