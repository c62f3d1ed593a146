/* condition.h - conditions over events and variables: {field, operator, value}, groups all, any and not, a list (all of
 * it), or a template that must come out true. Compiled once, immutable. Pure. */
#ifndef VGW_FLOW_CONDITION_H
#define VGW_FLOW_CONDITION_H
#include <stdbool.h>
#include "base/error.h"
#include "base/json.h"
#include "flow/scope.h"

#define VGW_CONDITION_DEPTH_MAX 16
#define VGW_CONDITION_NODES_MAX 256
#define VGW_MATCH_PATTERN_MAX 512 /* bytes of a `matches` pattern */
#define VGW_MATCH_INPUT_MAX 4096  /* bytes of text that it looks at; longer text does not match */

struct vgw_condition;
/** VGW_ECONFIG with a sentence and the JSON pointer below `value` as place. */
int vgw_condition_compile(const struct vgw_json *value, struct vgw_condition **ret_condition, struct vgw_error *err);
void vgw_condition_free(struct vgw_condition *c); /* takes NULL */
/** 1: holds, 0: does not; VGW_EINVALID: strict, and a template names what is missing; VGW_ELIMIT: memory. NULL holds.
 *  A missing field: eq null, ne, not_in and `exists: false` hold, all else does not. Numbers and numeric texts compare
 * as numbers, other texts by bytes (so RFC 3339 times compare as times); what cannot be compared does not hold. */
int vgw_condition_test(const struct vgw_condition *c, const struct vgw_scope *scope, bool strict,
                       struct vgw_error *err);
/** What templates and conditions take for true: not null, false, 0, "", "0", "false", "no", "off", [] or {}. */
bool vgw_value_is_true(const struct vgw_json *v);
/** Equality as `eq` has it. */
bool vgw_value_equal(const struct vgw_json *a, const struct vgw_json *b);

/** A POSIX extended regular expression whose cost is bounded: no back-references, and repetition counts that multiply
 * to at most 1,000. VGW_ECONFIG with a sentence. */
struct vgw_match;
int vgw_match_compile(const char *pattern, struct vgw_match **ret_match, struct vgw_error *err);
void vgw_match_free(struct vgw_match *m); /* takes NULL */
bool vgw_match_test(const struct vgw_match *m, const char *text, size_t len);
#endif
