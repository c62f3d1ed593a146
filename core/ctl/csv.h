/* csv.h - records of comma-separated values (RFC 4180), one at a time, so that a file of any length passes. */
#ifndef VGW_CTL_CSV_H
#define VGW_CTL_CSV_H
#include <stddef.h>
#include <stdio.h>
#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

#define VGW_CTL_CSV_RECORD_MAX 65536u
#define VGW_CTL_CSV_FIELDS_MAX 200u

/** Reads the next record that is not empty into `record` (without its line's end); quoted fields may hold line breaks.
 * *inout_line: lines read so far; *ret_line: where the record begins. 1: there is one; 0: the end; VGW_EINVALID: it is
 * too long, and was passed over up to the end of a line. */
int vgw_ctl_csv_next(FILE *in, struct vgw_buf *record, size_t *inout_line, size_t *ret_line);
/** The fields of a record as an array of texts. VGW_EINVALID with a sentence: quotes that do not end, text behind a
 * closing quote, bytes that are no UTF-8. Pure. */
int vgw_ctl_csv_fields(const char *record, size_t len, struct vgw_json **ret_fields, struct vgw_error *err);
#endif
