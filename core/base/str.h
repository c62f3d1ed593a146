/* str.h - strings: slices, numbers with units, UTF-8, matching, encodings. All functions: any thread, pure. */
#ifndef VGW_BASE_STR_H
#define VGW_BASE_STR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

bool vgw_streq(const char *a, const char *b); /* NULL equals only NULL */
bool vgw_starts_with(const char *s, const char *prefix);
bool vgw_ends_with(const char *s, const char *suffix);
bool vgw_strieq(const char *a, const char *b); /* ASCII case folded */
/** Copies with truncation at a UTF-8 boundary; always terminates. Returns false when cut. `cap` in bytes. */
bool vgw_strcopy(char *dst, size_t cap, const char *src);
bool vgw_strncopy(char *dst, size_t cap, const char *src, size_t n);

/** "500ms" "30s" "10m" "1h" "1d" or plain seconds ("2.5"), into microseconds. Negative or overflowing: false. */
bool vgw_parse_duration_us(const char *s, int64_t *ret_us);
/** "64KiB" "1MiB" "2GiB" "64KB" (1000) or plain bytes. */
bool vgw_parse_size(const char *s, uint64_t *ret_bytes);
/** "50/s" "10/m" "5/h" or a plain number a second; as events a second. */
bool vgw_parse_rate(const char *s, double *ret_per_second);
bool vgw_parse_i64(const char *s, int64_t *ret);   /* whole string, base 10 */
bool vgw_parse_double(const char *s, double *ret); /* whole string, finite, C locale */
bool vgw_parse_bool(const char *s, bool *ret);     /* true false yes no on off 1 0, any case */

#define VGW_DOUBLE_TEXT 32
/** The shortest decimal text that reads back as the same double: "0.5" "65" "1e+21"; "NaN" "+Inf" "-Inf" (Prometheus).
 *  `out` holds VGW_DOUBLE_TEXT bytes. Returns out. C locale. */
char *vgw_double_text(double d, char *out);

/** Bytes of the valid UTF-8 character at `s` (1 to 4), or 0 when there is none within `len`. */
size_t vgw_utf8_char_len(const char *s, size_t len);
/** Valid UTF-8, no overlong forms, no surrogates (RFC 3629). */
bool vgw_utf8_valid(const char *s, size_t len);
/** Edit distance with transpositions, capped at `max`+1. */
int vgw_edit_distance(const char *a, const char *b, int max);
/** The nearest of `count` names within a third of the length (at least 2), or NULL: for "did you mean". */
const char *vgw_nearest(const char *name, const char *const *names, size_t count);
/** `*` and `?` over the whole string. */
bool vgw_glob_match(const char *pattern, const char *s);
/** E.164-like: optional '+', 2 to 15 digits. */
bool vgw_is_phone_number(const char *s);

/* Encodings. The append forms write to a buffer; the decode forms return the length or -1. */
void vgw_hex_encode(struct vgw_buf *out, const void *data, size_t len);
long vgw_hex_decode(const char *s, size_t len, uint8_t *out, size_t cap);
void vgw_base64_encode(struct vgw_buf *out, const void *data, size_t len);
long vgw_base64_decode(const char *s, size_t len, uint8_t *out, size_t cap); /* strict, padded */
void vgw_url_encode(struct vgw_buf *out, const char *s);                     /* all but unreserved (RFC 3986 2.3) */
/** -1: bad escape, a NUL, or no room; `out` is terminated, so `cap` is at least the result and one. */
long vgw_url_decode(const char *s, size_t len, char *out, size_t cap, bool plus_is_space);
void vgw_xml_escape(struct vgw_buf *out, const char *s);
/** A value for a key=value line: as it is, or quoted with \" \\ \n \r \t \xNN, so that no text can forge a field or
 *  line. */
void vgw_kv_escape(struct vgw_buf *out, const char *s);
/** Constant time over `len`. */
bool vgw_equal_ct(const void *a, const void *b, size_t len);
/** Strings of any length compared in time that depends only on the length of `given`. */
bool vgw_streq_ct(const char *given, const char *secret);
/** FNV-1a. */
uint64_t vgw_hash64(const void *data, size_t len);
#endif
