/* print.h - answers for people, on stdout. */
#ifndef VGW_CTL_PRINT_H
#define VGW_CTL_PRINT_H
#include "base/json.h"
#include "ctl/table.h"

/** Prints what was written, and empties the buffer. */
void vgw_ctl_print(struct vgw_buf *text);
/** A list answer: a table of `plural`, "no calls" when it is empty, and how to get the next page. */
void vgw_ctl_print_list(const struct vgw_json *answer, const char *plural, const struct vgw_ctl_column *columns);
/** "name: value" lines of an object's fields, aligned; fields that are absent are left out. */
void vgw_ctl_print_fields(const struct vgw_json *o, const struct vgw_ctl_column *fields);
/** Any JSON: lists of objects as tables, objects as lines. */
void vgw_ctl_print_any(const struct vgw_json *v);
/** A transcript as a dialogue with latencies. Pure. */
void vgw_ctl_dialogue_write(struct vgw_buf *out, const struct vgw_json *transcript);
#endif
