/* options.h - a checked, immutable set of option values. */
#ifndef VGW_CONFIG_OPTIONS_H
#define VGW_CONFIG_OPTIONS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/json.h"
#include "base/secret.h"
#include "config/errors.h"
#include "config/node.h"
#include "config/option.h"

/* Counted atomically and immutable: any thread may read it while it holds a reference. It copies what it needs, so the
 * node tree may go; the table must stay. Names below may go through sections: "http.tls.certificate". */
struct vgw_options;

/** Checks a mapping against a table and fills the values, defaults included.
 *  - Errors, each at its place: unknown keys (with the nearest name), wrong types, values out of bounds (the bounds are
 * named), required keys that are missing, two aliases that differ, keys flagged LATER. An unknown key that the
 * environment supplied is passed over: a variable need not suit every plugin.
 *  - A key whose value is null counts as left out. `mapping` null or NULL: nothing was given.
 *  - *ret_options is only set when there were no errors. Returns 0, VGW_ECONFIG, VGW_ELIMIT. Thread: any. */
int vgw_options_check(const struct vgw_option_table *table, const struct vgw_node *mapping,
                      struct vgw_config_errors *errors, struct vgw_options **ret_options);
struct vgw_options *vgw_options_ref(struct vgw_options *options); /* bears NULL */
void vgw_options_unref(struct vgw_options *options);              /* takes NULL */

/* Getters. Texts are borrowed from the set. An unknown name, another type or an option without value gives NULL, 0,
 * false. */
const char *vgw_options_string(const struct vgw_options *options,
                               const char *name); /* STRING ENUM URL PATH, number words */
int64_t vgw_options_int(const struct vgw_options *options, const char *name);
double vgw_options_double(const struct vgw_options *options, const char *name); /* INT and DOUBLE */
bool vgw_options_bool(const struct vgw_options *options, const char *name);
int64_t vgw_options_duration_us(const struct vgw_options *options, const char *name);
uint64_t vgw_options_size(const struct vgw_options *options, const char *name);
double vgw_options_rate(const struct vgw_options *options, const char *name);                     /* events a second */
const struct vgw_secret *vgw_options_secret(const struct vgw_options *options, const char *name); /* NULL when empty */
/** JSON text of JSON, JSON_LIST, JSON_MAP, STRINGS, STRING_MAP; secrets in it are in clear. NULL when not set. */
const char *vgw_options_json_text(const struct vgw_options *options, const char *name);
/** The same as a new value (vgw_json_free); NULL when not set, null, or out of memory. */
struct vgw_json *vgw_options_json(const struct vgw_options *options, const char *name);
/** Items of STRINGS, STRING_MAP, SECTION_LIST, SECTION_MAP, entries of INSTANCES. */
size_t vgw_options_count(const struct vgw_options *options, const char *name);
const char *vgw_options_item(const struct vgw_options *options, const char *name, size_t i); /* text of the i-th item */
const char *vgw_options_item_key(const struct vgw_options *options, const char *name, size_t i); /* its name, in maps */
/** The text under `key` in a STRING_MAP. */
const char *vgw_options_lookup(const struct vgw_options *options, const char *name, const char *key);
const struct vgw_options *vgw_options_section(const struct vgw_options *options, const char *name);
const struct vgw_options *vgw_options_section_at(const struct vgw_options *options, const char *name, size_t i);
/** The mapping of the i-th of INSTANCES, or the whole NODE (i is 0). Borrowed. */
const struct vgw_node *vgw_options_node(const struct vgw_options *options, const char *name, size_t i);

/** Whether it was written (or supplied by the environment), rather than a default. */
bool vgw_options_explicit(const struct vgw_options *options, const char *name);
/** "FILE:LINE:COLUMN" of the value, or of the i-th item; "default" when not written. Appended to `out`. */
void vgw_options_place(const struct vgw_options *options, const char *name, struct vgw_buf *out);
/** An error at the place of a value, for checks that go beyond a table. Returns VGW_ECONFIG. */
int vgw_options_error(const struct vgw_options *options, const char *name, struct vgw_config_errors *errors,
                      const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/** The table the set was made from. */
const struct vgw_option_table *vgw_options_table(const struct vgw_options *options);

/** Same values; places and explicitness do not count. Both from one table, or from two with the same rows. */
bool vgw_options_equal(const struct vgw_options *a, const struct vgw_options *b);
/** Calls `fn` for each option whose value differs, with its dotted name (valid during the call) and whether a reload
 * applies it. Sections that stand on both sides are entered; lists and maps are named as a whole. */
void vgw_options_diff(const struct vgw_options *before, const struct vgw_options *after,
                      void (*fn)(const char *name, bool reloadable, void *arg), void *arg);
#endif
