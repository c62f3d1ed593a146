/* json_scan.h - the grammar of RFC 8259, checked before the parser builds a tree. For json.c. */
#ifndef VGW_BASE_JSON_SCAN_H
#define VGW_BASE_JSON_SCAN_H
#include <stddef.h>
#include "base/error.h"

#define VGW_JSON_DEPTH_MAX 64
/** 0 when `text` is one JSON text as vgw_json_parse() promises, else VGW_EINVALID with line:column in err->place.
 *  Pure, allocates nothing. Thread: any. Source: RFC 8259, RFC 3629. */
int vgw_json_scan(const char *text, size_t len, struct vgw_error *err);
#endif
