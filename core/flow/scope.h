/* scope.h - what templates and conditions may look at, and the paths by which they do. Pure; any thread, one at a time.
 */
#ifndef VGW_FLOW_SCOPE_H
#define VGW_FLOW_SCOPE_H
#include <stdbool.h>
#include <stddef.h>
#include "base/error.h"
#include "base/json.h"

#define VGW_PATH_SEGMENTS_MAX 16
#define VGW_PATH_BYTES_MAX 256

/** All borrowed; each may be NULL. */
struct vgw_scope {
    const struct vgw_json *trigger; /* an event: `trigger.X` looks in its data, then in the envelope */
    const struct vgw_json *vars;    /* an object: every other name */
    const struct vgw_json *fields;  /* an event that conditions look at instead of vars and trigger (wait_for) */
};

struct vgw_path; /* compiled "a.b[0].c", immutable */
/** Reads a path from the start of `text`; stops at the first character that cannot belong to it. 0, *ret_path (caller
 * frees) and *ret_used; VGW_ECONFIG with a sentence, *ret_used then tells where. */
int vgw_path_compile(const char *text, size_t len, struct vgw_path **ret_path, size_t *ret_used, struct vgw_error *err);
void vgw_path_free(struct vgw_path *path); /* takes NULL */
const char *vgw_path_text(const struct vgw_path *path);
/** First name of the path. */
const char *vgw_path_root(const struct vgw_path *path);
/** For templates: `trigger.…` in the trigger, other names in vars. True and a borrowed value (NULL is null) when it is
 * there. */
bool vgw_path_lookup(const struct vgw_path *path, const struct vgw_scope *scope, struct vgw_json **ret_value);
/** For conditions: in `fields` if given; else vars, then the trigger's data, then its envelope. */
bool vgw_path_lookup_field(const struct vgw_path *path, const struct vgw_scope *scope, struct vgw_json **ret_value);
#endif
