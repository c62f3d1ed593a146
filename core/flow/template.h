/* template.h - text with {{ expressions }}: compiled once, rendered often. Pure; a compiled template is immutable.
 *
 *   expression := operand { "|" filter [ "(" operand { "," operand } ")" ] }
 *   operand    := path | "text" | 'text' | number | true | false | null
 *   path       := name { "." name | "." index | "[" index "]" | "[" "key" "]" }     a negative index counts from the
 * end filter     := default(x) upper lower trim json duration number[(decimals)] spoken[("number", "digits", "phone",
 * "duration")]
 *
 * A template that is exactly one expression gives the typed value; else everything becomes text: null and missing
 * values as nothing, true and false as words, numbers in their shortest form, lists and maps as JSON. {{ "{{" }} writes
 * two braces. Values are never evaluated again. */
#ifndef VGW_FLOW_TEMPLATE_H
#define VGW_FLOW_TEMPLATE_H
#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "flow/scope.h"

#define VGW_TEMPLATE_SOURCE_MAX 65536 /* bytes of a template */
#define VGW_TEMPLATE_OUTPUT_MAX 65536 /* bytes that one template may render */
#define VGW_TEMPLATE_PARTS_MAX 256    /* texts and expressions in one template */
#define VGW_TEMPLATE_FILTERS_MAX 8    /* filters in one expression */
#define VGW_TREE_DEPTH_MAX 32
#define VGW_TREE_NODES_MAX 4096 /* values in one tree of parameters */

struct vgw_template;
/** VGW_ECONFIG with a sentence and "column N" (from 1, in bytes) as its place when the text cannot be understood. */
int vgw_template_compile(const char *text, size_t len, struct vgw_template **ret_template, struct vgw_error *err);
void vgw_template_free(struct vgw_template *t); /* takes NULL */
/** True when nothing in it is looked up. */
bool vgw_template_is_constant(const struct vgw_template *t);
/** The typed value: 0 and *ret_value (caller frees; read only, it may be shared; NULL is null). `strict`: a missing
 * value is VGW_EINVALID and named. VGW_ELIMIT: over VGW_TEMPLATE_OUTPUT_MAX, or out of memory. */
int vgw_template_render(const struct vgw_template *t, const struct vgw_scope *scope, bool strict,
                        struct vgw_json **ret_value, struct vgw_error *err);
/** Appends the text to `out`; errors as above. */
int vgw_template_text(const struct vgw_template *t, const struct vgw_scope *scope, bool strict, struct vgw_buf *out,
                      struct vgw_error *err);

/* A JSON tree in which every string may be a template. */
struct vgw_tree;
/** Errors carry the JSON pointer below the tree (as in "/text") as place, and the column in the sentence. Constant
 * parts are shared with `value`, which must not change afterwards. */
int vgw_tree_compile(const struct vgw_json *value, struct vgw_tree **ret_tree, struct vgw_error *err);
void vgw_tree_free(struct vgw_tree *t); /* takes NULL */
bool vgw_tree_is_constant(const struct vgw_tree *t);
/** As vgw_template_render. A constant tree gives one more reference to itself. */
int vgw_tree_render(const struct vgw_tree *t, const struct vgw_scope *scope, bool strict, struct vgw_json **ret_value,
                    struct vgw_error *err);

/** Appends a value as templates write it into text. */
void vgw_template_write_value(struct vgw_buf *out, const struct vgw_json *value);
#endif
