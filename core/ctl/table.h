/* table.h - rows of JSON as an aligned table. Pure. */
#ifndef VGW_CTL_TABLE_H
#define VGW_CTL_TABLE_H
#include "base/buf.h"
#include "base/json.h"

enum vgw_ctl_format {
    VGW_CTL_PLAIN,    /* texts and numbers as they are, lists with commas, objects as JSON */
    VGW_CTL_TIME,     /* RFC 3339, shown short in local time */
    VGW_CTL_DURATION, /* seconds, as 1:02 */
    VGW_CTL_MS,       /* milliseconds, without a fraction */
};
struct vgw_ctl_column {
    const char *heading;
    const char *field; /* dotted path: "data.from" */
    enum vgw_ctl_format format;
};

/** Appends a table of an array of objects: headings, then a line a row; columns are as wide as their widest cell, what
 * is missing is
 *  "-". The last column has a NULL heading. */
void vgw_ctl_table_write(struct vgw_buf *out, const struct vgw_json *rows, const struct vgw_ctl_column *columns);
/** One value as a cell, made harmless for a terminal. */
void vgw_ctl_cell_write(struct vgw_buf *out, const struct vgw_json *v, enum vgw_ctl_format format);
/** Text for a terminal: control characters and invalid UTF-8 become '?'. */
void vgw_ctl_text_write(struct vgw_buf *out, const char *text);
/** "2026-02-01T12:34:56.789Z" as "Feb 01 12:34:56" in local time; other texts as they are. */
void vgw_ctl_time_write(struct vgw_buf *out, const char *rfc3339);
/** 62.4 as "1:02", 3700 as "1:01:40". */
void vgw_ctl_duration_write(struct vgw_buf *out, double seconds);
#endif
