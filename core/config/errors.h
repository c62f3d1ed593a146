/* errors.h - all that is wrong with a configuration, gathered in one pass, each with its place. */
#ifndef VGW_CONFIG_ERRORS_H
#define VGW_CONFIG_ERRORS_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"

/** How many errors are kept; those beyond are only counted ("and N more"). */
#define VGW_CONFIG_ERRORS_MAX 200

struct vgw_config_error {
    char *file; /* as the file was named, or "environment NAME"; owned by the list */
    int line;   /* 1-based; 0: the place has no line (the file as a whole, the environment) */
    int column; /* 1-based, in characters; 0 as above */
    char *text; /* a sentence without the place: what is wrong and what would be right; owned by the list */
};

/** A zeroed struct is a valid empty list. One thread at a time. */
struct vgw_config_errors {
    struct vgw_config_error *items; /* `count` of them, in the order of discovery; see vgw_config_errors_sort() */
    size_t count;
    size_t cap;
    size_t more; /* errors that were not kept: beyond the limit, or no memory to keep them */
};

/** Frees what the list holds and leaves it empty. Bears a zeroed struct. */
void vgw_config_errors_done(struct vgw_config_errors *errors);
/** How many errors there are in all, kept or not. 0: nothing is wrong. NULL: 0. */
size_t vgw_config_errors_total(const struct vgw_config_errors *errors);
/** Adds one. `errors` NULL: nothing is kept. Line 0: no line. An error that cannot be kept is counted in `more`, so it
 * is never lost. Always returns VGW_ECONFIG, for `return vgw_config_errors_add(…)`. */
int vgw_config_errors_add(struct vgw_config_errors *errors, const char *file, int line, int column, const char *fmt,
                          ...) __attribute__((format(printf, 5, 6)));
/** The same with a va_list. */
int vgw_config_errors_vadd(struct vgw_config_errors *errors, const char *file, int line, int column, const char *fmt,
                           va_list ap) __attribute__((format(printf, 5, 0)));
/** Out of memory while reading: an error without a line that says so. Returns VGW_ELIMIT. */
int vgw_config_errors_nomem(struct vgw_config_errors *errors, const char *file);
/** Orders by place: files in the order in which they first appear, then line, then column. Stable. */
void vgw_config_errors_sort(struct vgw_config_errors *errors);
/** "FILE:LINE:COLUMN: sentence", or "FILE: sentence" without a line; no newline. */
void vgw_config_error_print(const struct vgw_config_error *error, struct vgw_buf *out);
/** All of them, a line each, and "and N more errors" when some were not kept. */
void vgw_config_errors_print(const struct vgw_config_errors *errors, struct vgw_buf *out);
#endif
