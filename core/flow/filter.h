/* filter.h - the filters of templates. Pure. */
#ifndef VGW_FLOW_FILTER_H
#define VGW_FLOW_FILTER_H
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

struct vgw_filter {
    const char *name;
    size_t min_args, max_args;
    /** NULL for `default`, which the template itself applies. `in` is borrowed; 0 and *ret_value owned by the caller.
     */
    int (*apply)(const struct vgw_json *in, struct vgw_json *const *args, size_t arg_count, struct vgw_json **ret_value,
                 struct vgw_error *err);
};
/** The filter of that name (`len` bytes), or NULL. */
const struct vgw_filter *vgw_filter_find(const char *name, size_t len);
/** The nearest known name, or NULL. */
const char *vgw_filter_nearest(const char *name);

/** "one hundred twenty-three", "minus two", "three point one four" (at most 6 decimals). */
void vgw_spoken_number(struct vgw_buf *out, double value);
/** "one two three": digits and '+', '#', '*' as words, letters kept, other characters as pauses (", "). */
void vgw_spoken_digits(struct vgw_buf *out, const char *text);
/** "plus one, five five five, one two three, four five six seven". */
void vgw_spoken_phone(struct vgw_buf *out, const char *text);
/** "1 minute 5 seconds"; with `words`, "one minute five seconds". */
void vgw_spoken_duration(struct vgw_buf *out, double seconds, int words);
#endif
