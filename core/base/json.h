/* json.h - JSON values. json.c alone knows json-c. A value has one owner; children belong to their parent.
 * Not thread safe for one tree; different trees on different threads are fine. */
#ifndef VGW_BASE_JSON_H
#define VGW_BASE_JSON_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/error.h"

struct vgw_json; /* opaque; NULL is JSON null wherever a value is read */
enum vgw_json_type {
    VGW_JSON_NULL,
    VGW_JSON_BOOL,
    VGW_JSON_INT,
    VGW_JSON_DOUBLE,
    VGW_JSON_STRING,
    VGW_JSON_ARRAY,
    VGW_JSON_OBJECT
};

/** Strict RFC 8259: whole text, valid UTF-8, depth <= 64, no duplicate-key tricks (last wins), no NaN,
 *  no number beyond 64 bits or a double, no U+0000 in a key; a lone surrogate escape becomes U+FFFD.
 *  0 and *ret_value (may be NULL for `null`), or VGW_EINVALID with line:column in err->place. */
int vgw_json_parse(const char *text, size_t len, struct vgw_json **ret_value, struct vgw_error *err);
void vgw_json_free(struct vgw_json *v); /* drops one reference; takes NULL */
/** One more reference to the same tree (same thread only). Returns v. */
struct vgw_json *vgw_json_ref(struct vgw_json *v);
struct vgw_json *vgw_json_copy(const struct vgw_json *v); /* deep; NULL for null or out of memory */
/** Gives back the room that objects keep for more members, for a tree that is kept long; it may still grow. Out of
 * memory, it stays as it is. Takes NULL. */
void vgw_json_compact(struct vgw_json *v);

enum vgw_json_type vgw_json_type(const struct vgw_json *v);
/* Constructors: NULL when out of memory. */
struct vgw_json *vgw_json_object(void);
struct vgw_json *vgw_json_array(void);
struct vgw_json *vgw_json_string(const char *s); /* NULL s: null */
struct vgw_json *vgw_json_stringn(const char *s, size_t n);
struct vgw_json *vgw_json_int(int64_t i);
struct vgw_json *vgw_json_double(double d);
struct vgw_json *vgw_json_bool(bool b);

/* Objects. Setters take ownership of `v` even on failure and return 0 or VGW_ELIMIT; keys are copied. */
int vgw_json_set(struct vgw_json *o, const char *key, struct vgw_json *v);
int vgw_json_set_string(struct vgw_json *o, const char *key, const char *s);
int vgw_json_set_int(struct vgw_json *o, const char *key, int64_t i);
int vgw_json_set_double(struct vgw_json *o, const char *key, double d);
int vgw_json_set_bool(struct vgw_json *o, const char *key, bool b);
void vgw_json_del(struct vgw_json *o, const char *key);
/* Getters borrow from the parent; a wrong type or a missing key gives the default. */
struct vgw_json *vgw_json_get(const struct vgw_json *o, const char *key);
bool vgw_json_has(const struct vgw_json *o, const char *key);
const char *vgw_json_get_string(const struct vgw_json *o, const char *key, const char *dflt);
int64_t vgw_json_get_int(const struct vgw_json *o, const char *key, int64_t dflt);
double vgw_json_get_double(const struct vgw_json *o, const char *key, double dflt);
bool vgw_json_get_bool(const struct vgw_json *o, const char *key, bool dflt);
/** "a.b.0.c": objects by key, arrays by index. Borrowed, NULL when absent. */
struct vgw_json *vgw_json_path(const struct vgw_json *v, const char *path);
/** In order (of insertion); the current key may be deleted, none added:
 *  `for (size_t i = 0; vgw_json_object_next(o, &i, &key, &value);)`. */
bool vgw_json_object_next(const struct vgw_json *o, size_t *cursor, const char **ret_key, struct vgw_json **ret_value);
size_t vgw_json_object_count(const struct vgw_json *o);
/* Arrays */
int vgw_json_append(struct vgw_json *a, struct vgw_json *v); /* takes ownership */
int vgw_json_append_string(struct vgw_json *a, const char *s);
size_t vgw_json_count(const struct vgw_json *a);
struct vgw_json *vgw_json_at(const struct vgw_json *a, size_t i);
/* Scalars */
const char *vgw_json_str(const struct vgw_json *v); /* NULL unless a string */
size_t vgw_json_strlen(const struct vgw_json *v);
int64_t vgw_json_as_int(const struct vgw_json *v, int64_t dflt); /* numbers and numeric strings */
/** An integer up to 2^64-1 (negative ones are 0); `dflt` for anything else. */
uint64_t vgw_json_as_uint(const struct vgw_json *v, uint64_t dflt);
double vgw_json_as_double(const struct vgw_json *v, double dflt);
bool vgw_json_as_bool(const struct vgw_json *v, bool dflt);
bool vgw_json_equal(const struct vgw_json *a, const struct vgw_json *b);
/** Compact text appended to `out` (failure sticks in it). */
void vgw_json_write(const struct vgw_json *v, struct vgw_buf *out);
/** Text as a new string (vgw_free), NULL when out of memory. `pretty`: two-space indent. */
char *vgw_json_text(const struct vgw_json *v, bool pretty);
/** A JSON string literal, quotes included, appended to `out`; invalid UTF-8 becomes U+FFFD. */
void vgw_json_quote(struct vgw_buf *out, const char *s, size_t len);
#endif
