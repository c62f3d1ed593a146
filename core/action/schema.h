/* schema.h - JSON Schema, the part that parameters of tools are written in (draft 2020-12): type, enum, const,
 * properties, required, additionalProperties, items, the bounds of texts, numbers, lists and objects, allOf, anyOf,
 * oneOf, not. Pure.
 */
#ifndef VGW_ACTION_SCHEMA_H
#define VGW_ACTION_SCHEMA_H
#include "base/error.h"
#include "base/json.h"

#define VGW_SCHEMA_DEPTH_MAX 32 /* schemas in schemas, and values in values */

/** Can this schema be held? VGW_EINVALID with a sentence, and where in the schema ("properties.nights.type") as place:
 * a keyword that is not known here, or one whose value is not what it must be. */
int vgw_schema_validate(const struct vgw_json *schema, struct vgw_error *err);
/** Does the value follow the schema? VGW_EINVALID: a sentence that says what is wrong and what would be right, and the
 * value's place ("guests.0.name", "" for the whole). Keywords that are not known are passed over. `value` NULL is null.
 */
int vgw_schema_check(const struct vgw_json *schema, const struct vgw_json *value, struct vgw_error *err);
#endif
