/* voicegw/json.h - reads and writes JSON text without allocating. Part of the voicegw plugin SDK (MIT). Header only;
 * needs no library.
 *
 * Reading: a struct voicegw_json is a span of somebody's text (never copied, never changed), cheap to pass by value:
 *
 *     struct voicegw_json doc = voicegw_json_of(params_json);
 *     char room[64];
 *     if (voicegw_json_get_string(doc, "guest.room", room, sizeof room) < 0)
 *         return host->set_error(host, VOICEGW_EINVALID, "parameter guest.room must be a text of at most 63 bytes");
 *     int64_t nights = voicegw_json_get_int(doc, "nights", 1);
 *     struct voicegw_json_iter it = voicegw_json_each(voicegw_json_get(doc, "extras"));
 *     while (voicegw_json_next(&it))
 *         use(it.key, it.value);
 *
 * What is absent or of another type reads as the default, so chains need no checks. The readers never look beyond the
 * text's end and take time linear in it, also for broken text; text from outside is checked once by
 * voicegw_json_valid().
 *
 * Writing: into the caller's buffer; overflow and misuse stick, and are asked for once, at the end:
 *
 *     char out[256];
 *     struct voicegw_json_writer w = voicegw_json_writer_of(out, sizeof out);
 *     voicegw_json_put_object(&w, NULL);
 *     voicegw_json_put_string(&w, "state", "connected");
 *     voicegw_json_put_end(&w);
 *     if (voicegw_json_finish(&w) < 0)
 *         ... the text did not fit, out is "" ...
 *
 * All functions: any thread, pure, no locale. */
#ifndef VOICEGW_JSON_H
#define VOICEGW_JSON_H
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "voicegw/status.h"

#define VOICEGW_JSON_ABSENT 0u /* nothing there, or text that is no JSON value */
#define VOICEGW_JSON_NULL 1u
#define VOICEGW_JSON_BOOL 2u
#define VOICEGW_JSON_NUMBER 3u
#define VOICEGW_JSON_STRING 4u
#define VOICEGW_JSON_ARRAY 5u
#define VOICEGW_JSON_OBJECT 6u

#define VOICEGW_JSON_DEPTH 64u /* deepest nesting that is valid, and that the writer writes */

/** One value inside a text: `text` points at its first byte, NULL when absent. Valid as long as the text. */
struct voicegw_json {
    const char *text;
    uint64_t bytes;
};

/** A walk over an object's members or an array's items. `key` is a string value (absent in arrays). */
struct voicegw_json_iter {
    struct voicegw_json key;
    struct voicegw_json value;
    const char *at, *end; /* private */
    uint32_t object;      /* private */
};

/* ---- internals: names with a trailing underscore are no part of the interface ---- */

static inline const char *voicegw_json_space_(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
        p++;
    return p;
}

/* Behind the string that begins at p (a quote), or NULL when it does not end. */
static inline const char *voicegw_json_skip_string_(const char *p, const char *end)
{
    for (p++; p < end; p++) {
        if (*p == '"')
            return p + 1;
        if (*p == '\\' && ++p == end)
            return NULL;
    }
    return NULL;
}

/* Behind the value that begins at p, or NULL. Containers are matched by counting, so nesting costs no stack. */
static inline const char *voicegw_json_skip_(const char *p, const char *end)
{
    uint64_t depth = 0;
    while (p < end) {
        if (*p == '"') {
            p = voicegw_json_skip_string_(p, end);
            if (!p)
                return NULL;
        } else if (*p == '{' || *p == '[') {
            depth++;
            p++;
            continue;
        } else if (*p == '}' || *p == ']') {
            if (depth == 0)
                return NULL;
            depth--;
            p++;
        } else if (depth > 0) {
            p++;
            continue;
        } else {
            const char *start = p;
            while (p < end && *p != ',' && *p != '}' && *p != ']' && *p != ':' && *p != '"' && *p != ' ' &&
                   *p != '\t' && *p != '\n' && *p != '\r')
                p++;
            return p > start ? p : NULL;
        }
        if (depth == 0)
            return p;
    }
    return NULL;
}

static inline int voicegw_json_hex_(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The number of \uXXXX whose digits begin at p, or -1. */
static inline int32_t voicegw_json_hex4_(const char *p, const char *end)
{
    int32_t code = 0;
    int i;
    if (end - p < 4)
        return -1;
    for (i = 0; i < 4; i++) {
        int digit = voicegw_json_hex_(p[i]);
        if (digit < 0)
            return -1;
        code = code * 16 + digit;
    }
    return code;
}

static inline uint32_t voicegw_json_utf8_put_(uint32_t code, char *out)
{
    if (code < 0x80u) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800u) {
        out[0] = (char)(0xc0u | (code >> 6));
        out[1] = (char)(0x80u | (code & 0x3fu));
        return 2;
    }
    if (code < 0x10000u) {
        out[0] = (char)(0xe0u | (code >> 12));
        out[1] = (char)(0x80u | ((code >> 6) & 0x3fu));
        out[2] = (char)(0x80u | (code & 0x3fu));
        return 3;
    }
    out[0] = (char)(0xf0u | (code >> 18));
    out[1] = (char)(0x80u | ((code >> 12) & 0x3fu));
    out[2] = (char)(0x80u | ((code >> 6) & 0x3fu));
    out[3] = (char)(0x80u | (code & 0x3fu));
    return 4;
}

/* Bytes of the valid UTF-8 character at p (RFC 3629), or 0. */
static inline uint32_t voicegw_json_utf8_len_(const char *p, const char *end)
{
    const unsigned char *s = (const unsigned char *)p;
    ptrdiff_t left = end - p;
    if (left < 1)
        return 0;
    if (s[0] < 0x80u)
        return 1;
    if (s[0] >= 0xc2u && s[0] <= 0xdfu)
        return left >= 2 && (s[1] & 0xc0u) == 0x80u ? 2u : 0u;
    if (s[0] >= 0xe0u && s[0] <= 0xefu) {
        if (left < 3 || (s[1] & 0xc0u) != 0x80u || (s[2] & 0xc0u) != 0x80u)
            return 0;
        return (s[0] == 0xe0u && s[1] < 0xa0u) || (s[0] == 0xedu && s[1] > 0x9fu) ? 0u : 3u;
    }
    if (s[0] >= 0xf0u && s[0] <= 0xf4u) {
        if (left < 4 || (s[1] & 0xc0u) != 0x80u || (s[2] & 0xc0u) != 0x80u || (s[3] & 0xc0u) != 0x80u)
            return 0;
        return (s[0] == 0xf0u && s[1] < 0x90u) || (s[0] == 0xf4u && s[1] > 0x8fu) ? 0u : 4u;
    }
    return 0;
}

/* Decodes one character of a string's inside into out (4 bytes); moves *at. Returns its length, 0 for a broken escape.
 */
static inline uint32_t voicegw_json_char_(const char **at, const char *end, char *out)
{
    const char *p = *at;
    int32_t code, low;
    if (*p != '\\') {
        uint32_t n = voicegw_json_utf8_len_(p, end);
        if (n == 0) { /* broken UTF-8 shows as the replacement character */
            *at = p + 1;
            return voicegw_json_utf8_put_(0xfffdu, out);
        }
        memcpy(out, p, n);
        *at = p + n;
        return n;
    }
    if (end - p < 2)
        return 0;
    *at = p + 2;
    switch (p[1]) {
    case 'b':
        return voicegw_json_utf8_put_(8u, out);
    case 'f':
        return voicegw_json_utf8_put_(12u, out);
    case 'n':
        return voicegw_json_utf8_put_(10u, out);
    case 'r':
        return voicegw_json_utf8_put_(13u, out);
    case 't':
        return voicegw_json_utf8_put_(9u, out);
    case '"':
    case '\\':
    case '/':
        out[0] = p[1];
        return 1;
    case 'u':
        break;
    default:
        return 0;
    }
    code = voicegw_json_hex4_(p + 2, end);
    if (code < 0)
        return 0;
    *at = p + 6;
    if (code >= 0xd800 && code <= 0xdbff && end - p >= 12 && p[6] == '\\' && p[7] == 'u') {
        low = voicegw_json_hex4_(p + 8, end);
        if (low >= 0xdc00 && low <= 0xdfff) {
            *at = p + 12;
            return voicegw_json_utf8_put_(0x10000u + ((uint32_t)(code - 0xd800) << 10) + (uint32_t)(low - 0xdc00), out);
        }
    }
    /* A lone surrogate is no character, and a NUL would cut the C string unseen. */
    if ((code >= 0xd800 && code <= 0xdfff) || code == 0)
        code = 0xfffd;
    return voicegw_json_utf8_put_((uint32_t)code, out);
}

static inline struct voicegw_json voicegw_json_absent_(void)
{
    struct voicegw_json v;
    v.text = NULL;
    v.bytes = 0;
    return v;
}

/* ---- reading ---- */

/** The value in `bytes` bytes of text; absent when there is none (NULL, empty, unterminated). */
static inline struct voicegw_json voicegw_json_ofn(const char *text, uint64_t bytes)
{
    struct voicegw_json v = voicegw_json_absent_();
    const char *start, *end, *behind;
    if (!text)
        return v;
    end = text + bytes;
    start = voicegw_json_space_(text, end);
    behind = voicegw_json_skip_(start, end);
    if (!behind)
        return v;
    v.text = start;
    v.bytes = (uint64_t)(behind - start);
    return v;
}

/** The same for a C string; NULL is absent. */
static inline struct voicegw_json voicegw_json_of(const char *text)
{
    return voicegw_json_ofn(text, text ? (uint64_t)strlen(text) : 0);
}

/** VOICEGW_JSON_*. */
static inline uint32_t voicegw_json_type(struct voicegw_json v)
{
    if (!v.text || v.bytes == 0)
        return VOICEGW_JSON_ABSENT;
    switch (v.text[0]) {
    case '{':
        return VOICEGW_JSON_OBJECT;
    case '[':
        return VOICEGW_JSON_ARRAY;
    case '"':
        return VOICEGW_JSON_STRING;
    case 't':
        return v.bytes == 4 && memcmp(v.text, "true", 4) == 0 ? VOICEGW_JSON_BOOL : VOICEGW_JSON_ABSENT;
    case 'f':
        return v.bytes == 5 && memcmp(v.text, "false", 5) == 0 ? VOICEGW_JSON_BOOL : VOICEGW_JSON_ABSENT;
    case 'n':
        return v.bytes == 4 && memcmp(v.text, "null", 4) == 0 ? VOICEGW_JSON_NULL : VOICEGW_JSON_ABSENT;
    default:
        return v.text[0] == '-' || (v.text[0] >= '0' && v.text[0] <= '9') ? VOICEGW_JSON_NUMBER : VOICEGW_JSON_ABSENT;
    }
}

/** Begins a walk over an object or array; anything else has no items. */
static inline struct voicegw_json_iter voicegw_json_each(struct voicegw_json container)
{
    struct voicegw_json_iter it;
    uint32_t type = voicegw_json_type(container);
    it.key = voicegw_json_absent_();
    it.value = voicegw_json_absent_();
    it.at = it.end = NULL;
    it.object = type == VOICEGW_JSON_OBJECT;
    if (type == VOICEGW_JSON_OBJECT || type == VOICEGW_JSON_ARRAY) {
        it.at = container.text + 1;
        it.end = container.text + container.bytes - 1;
    }
    return it;
}

/** The next member or item: 1, and it->key (objects) and it->value are set; 0 at the end, or where the text is broken.
 */
static inline uint32_t voicegw_json_next(struct voicegw_json_iter *it)
{
    const char *p = it->at, *behind;
    if (!p)
        return 0;
    it->at = NULL;
    p = voicegw_json_space_(p, it->end);
    if (it->object) {
        if (p >= it->end || *p != '"')
            return 0;
        behind = voicegw_json_skip_string_(p, it->end);
        if (!behind)
            return 0;
        it->key.text = p;
        it->key.bytes = (uint64_t)(behind - p);
        p = voicegw_json_space_(behind, it->end);
        if (p >= it->end || *p != ':')
            return 0;
        p = voicegw_json_space_(p + 1, it->end);
    }
    behind = voicegw_json_skip_(p, it->end);
    if (!behind)
        return 0;
    it->value.text = p;
    it->value.bytes = (uint64_t)(behind - p);
    p = voicegw_json_space_(behind, it->end);
    if (p < it->end && *p == ',')
        it->at = p + 1;
    return 1;
}

/** 1 when the value is a string that decodes to these `bytes` bytes. */
static inline uint32_t voicegw_json_equalsn(struct voicegw_json v, const char *text, uint64_t bytes)
{
    const char *p, *end;
    char out[4];
    uint64_t n = 0;
    if (voicegw_json_type(v) != VOICEGW_JSON_STRING || v.bytes < 2)
        return 0;
    p = v.text + 1;
    end = v.text + v.bytes - 1;
    while (p < end) {
        uint32_t len = voicegw_json_char_(&p, end, out);
        if (len == 0 || n + len > bytes || memcmp(text + n, out, len) != 0)
            return 0;
        n += len;
    }
    return n == bytes;
}

/** 1 when the value is a string that decodes to this text. */
static inline uint32_t voicegw_json_equals(struct voicegw_json v, const char *text)
{
    return voicegw_json_equalsn(v, text, (uint64_t)strlen(text));
}

/** An object's member by its exact name (dots have no meaning); of members with one name the last, as in the gateway.
 */
static inline struct voicegw_json voicegw_json_member(struct voicegw_json object, const char *name)
{
    struct voicegw_json found = voicegw_json_absent_();
    struct voicegw_json_iter it = voicegw_json_each(object);
    while (it.object && voicegw_json_next(&it)) {
        if (voicegw_json_equals(it.key, name))
            found = it.value;
    }
    return found;
}

/** The index-th item of an array or member of an object, from 0. */
static inline struct voicegw_json voicegw_json_item(struct voicegw_json container, uint64_t index)
{
    struct voicegw_json_iter it = voicegw_json_each(container);
    while (voicegw_json_next(&it)) {
        if (index-- == 0)
            return it.value;
    }
    return voicegw_json_absent_();
}

/** How many items or members. Linear. */
static inline uint64_t voicegw_json_count(struct voicegw_json container)
{
    struct voicegw_json_iter it = voicegw_json_each(container);
    uint64_t n = 0;
    while (voicegw_json_next(&it))
        n++;
    return n;
}

/** "guest.rooms.0.name": members by name, items by number; "" or NULL is the value itself. */
static inline struct voicegw_json voicegw_json_get(struct voicegw_json v, const char *path)
{
    while (path && *path) {
        const char *dot = strchr(path, '.');
        uint64_t len = dot ? (uint64_t)(dot - path) : (uint64_t)strlen(path);
        uint32_t type = voicegw_json_type(v);
        struct voicegw_json found = voicegw_json_absent_();
        if (type == VOICEGW_JSON_OBJECT) {
            struct voicegw_json_iter it = voicegw_json_each(v);
            while (voicegw_json_next(&it)) {
                if (voicegw_json_equalsn(it.key, path, len))
                    found = it.value;
            }
        } else if (type == VOICEGW_JSON_ARRAY && len > 0 && len < 10) {
            uint64_t index = 0, i;
            for (i = 0; i < len && path[i] >= '0' && path[i] <= '9'; i++)
                index = index * 10 + (uint64_t)(path[i] - '0');
            if (i == len)
                found = voicegw_json_item(v, index);
        }
        v = found;
        path = dot ? dot + 1 : NULL;
    }
    return v;
}

/** Decodes a string into `out` (`cap` bytes, its NUL included). Returns the length without the NUL, VOICEGW_ENOTFOUND
 * when the value is no string, VOICEGW_EINVALID for a broken escape, VOICEGW_ELIMIT when it was cut (at a character's
 * end). `out` is always terminated when cap > 0. A NUL in the text becomes U+FFFD. */
static inline int64_t voicegw_json_string(struct voicegw_json v, char *out, uint64_t cap)
{
    const char *p, *end;
    char one[4];
    uint64_t n = 0;
    if (cap == 0)
        return VOICEGW_ELIMIT;
    out[0] = '\0';
    if (voicegw_json_type(v) != VOICEGW_JSON_STRING || v.bytes < 2)
        return VOICEGW_ENOTFOUND;
    p = v.text + 1;
    end = v.text + v.bytes - 1;
    while (p < end) {
        uint32_t len = voicegw_json_char_(&p, end, one);
        if (len == 0 || n + len >= cap) {
            out[n] = '\0';
            return len == 0 ? VOICEGW_EINVALID : VOICEGW_ELIMIT;
        }
        memcpy(out + n, one, len);
        n += len;
    }
    out[n] = '\0';
    return (int64_t)n;
}

/** The value's own text, as it stands, into `out`; returns the length or VOICEGW_ENOTFOUND, VOICEGW_ELIMIT (then out is
 * ""). */
static inline int64_t voicegw_json_raw(struct voicegw_json v, char *out, uint64_t cap)
{
    if (cap == 0)
        return VOICEGW_ELIMIT;
    out[0] = '\0';
    if (!v.text)
        return VOICEGW_ENOTFOUND;
    if (v.bytes >= cap)
        return VOICEGW_ELIMIT;
    memcpy(out, v.text, (size_t)v.bytes);
    out[v.bytes] = '\0';
    return (int64_t)v.bytes;
}

/* Parts of a number: 1 when p..end is a whole JSON number (a leading zero is borne). */
static inline uint32_t voicegw_json_number_(const char *p, const char *end, uint64_t *ret_digits, int32_t *ret_exponent,
                                            uint32_t *ret_negative, uint32_t *ret_whole)
{
    uint64_t digits = 0;
    int32_t exponent = 0, given = 0;
    uint32_t negative = 0, any = 0, whole = 1, minus = 0;
    if (p < end && *p == '-') {
        negative = 1;
        p++;
    }
    for (; p < end && *p >= '0' && *p <= '9'; p++, any = 1) {
        if (digits > (UINT64_MAX - 9) / 10) {
            exponent += exponent < 100000 ? 1 : 0;
            whole = 0;
        } else {
            digits = digits * 10 + (uint64_t)(*p - '0');
        }
    }
    if (any && p < end && *p == '.') {
        whole = 0;
        for (p++, any = 0; p < end && *p >= '0' && *p <= '9'; p++, any = 1) {
            if (digits <= (UINT64_MAX - 9) / 10) {
                digits = digits * 10 + (uint64_t)(*p - '0');
                exponent--;
            }
        }
    }
    if (any && p < end && (*p == 'e' || *p == 'E')) {
        whole = 0;
        p++;
        if (p < end && (*p == '+' || *p == '-')) {
            minus = *p == '-';
            p++;
        }
        for (any = 0; p < end && *p >= '0' && *p <= '9'; p++, any = 1) {
            if (given < 100000)
                given = given * 10 + (int32_t)(*p - '0');
        }
        exponent += minus ? -given : given;
    }
    *ret_digits = digits;
    *ret_exponent = exponent;
    *ret_negative = negative;
    *ret_whole = whole;
    return any && p == end;
}

/* The span of a number, or of a string's inside, so that "8000" reads as 8000. */
static inline uint32_t voicegw_json_numeric_(struct voicegw_json v, const char **ret_start, const char **ret_end)
{
    uint32_t type = voicegw_json_type(v);
    uint64_t quote = type == VOICEGW_JSON_STRING ? 1u : 0u;
    if (type != VOICEGW_JSON_NUMBER && type != VOICEGW_JSON_STRING)
        return 0;
    *ret_start = v.text + quote;
    *ret_end = v.text + v.bytes - quote;
    return *ret_start < *ret_end;
}

/** A number, or a string that holds one; else `dflt`. Exact for up to 15 digits, else within a few units in the last
 * place; beyond a double's range: `dflt`. */
static inline double voicegw_json_double(struct voicegw_json v, double dflt)
{
    const char *start, *end;
    uint64_t digits;
    int32_t exponent;
    uint32_t negative, whole;
    double result, scale = 1.0;
    if (!voicegw_json_numeric_(v, &start, &end) ||
        !voicegw_json_number_(start, end, &digits, &exponent, &negative, &whole))
        return dflt;
    result = (double)digits;
    if (digits != 0 && exponent > 308)
        return dflt;
    while (exponent > 0) {
        scale *= 10.0;
        exponent--;
    }
    result *= scale;
    if (result > 1.7976931348623157e308)
        return dflt;
    for (scale = 1.0; exponent < 0 && result > 0.0; exponent++) {
        scale *= 10.0;
        if (scale >= 1e22) { /* the last power of ten that a double holds exactly */
            result /= scale;
            scale = 1.0;
        }
    }
    result /= scale;
    return negative ? -result : result;
}

/** A whole number, or one cut towards zero, or a string that holds one; else, and outside of 64 bits, `dflt`. */
static inline int64_t voicegw_json_int(struct voicegw_json v, int64_t dflt)
{
    const char *start, *end;
    uint64_t digits;
    int32_t exponent;
    uint32_t negative, whole;
    double wide;
    if (!voicegw_json_numeric_(v, &start, &end) ||
        !voicegw_json_number_(start, end, &digits, &exponent, &negative, &whole))
        return dflt;
    if (whole) {
        if (digits <= (uint64_t)INT64_MAX)
            return negative ? -(int64_t)digits : (int64_t)digits;
        return negative && digits == (uint64_t)INT64_MAX + 1u ? INT64_MIN : dflt;
    }
    wide = voicegw_json_double(v, 1e300);
    return wide > -9.2e18 && wide < 9.2e18 ? (int64_t)wide : dflt;
}

/** 1 for true, 0 for false, `dflt` for anything else. */
static inline uint32_t voicegw_json_bool(struct voicegw_json v, uint32_t dflt)
{
    if (voicegw_json_type(v) != VOICEGW_JSON_BOOL)
        return dflt;
    return v.text && v.text[0] == 't' ? 1u : 0u;
}

/* The same by path. */
static inline int64_t voicegw_json_get_string(struct voicegw_json v, const char *path, char *out, uint64_t cap)
{
    return voicegw_json_string(voicegw_json_get(v, path), out, cap);
}
static inline int64_t voicegw_json_get_int(struct voicegw_json v, const char *path, int64_t dflt)
{
    return voicegw_json_int(voicegw_json_get(v, path), dflt);
}
static inline double voicegw_json_get_double(struct voicegw_json v, const char *path, double dflt)
{
    return voicegw_json_double(voicegw_json_get(v, path), dflt);
}
static inline uint32_t voicegw_json_get_bool(struct voicegw_json v, const char *path, uint32_t dflt)
{
    return voicegw_json_bool(voicegw_json_get(v, path), dflt);
}

/* ---- checking (RFC 8259, UTF-8 per RFC 3629) ---- */

/* Behind a valid string, or NULL. */
static inline const char *voicegw_json_check_string_(const char *p, const char *end)
{
    for (p++; p < end;) {
        if (*p == '"')
            return p + 1;
        if ((unsigned char)*p < 0x20u)
            return NULL;
        if (*p == '\\') {
            if (end - p < 2)
                return NULL;
            if (p[1] == 'u') {
                if (voicegw_json_hex4_(p + 2, end) < 0)
                    return NULL;
                p += 6;
            } else if (p[1] != '\0' && strchr("\"\\/bfnrt", p[1])) {
                p += 2;
            } else {
                return NULL;
            }
        } else {
            uint32_t n = voicegw_json_utf8_len_(p, end);
            if (n == 0)
                return NULL;
            p += n;
        }
    }
    return NULL;
}

/* Behind a valid scalar, or NULL. */
static inline const char *voicegw_json_check_scalar_(const char *p, const char *end)
{
    struct voicegw_json v;
    uint64_t digits;
    int32_t exponent;
    uint32_t negative, whole;
    const char *behind, *first;
    if (p < end && *p == '"')
        return voicegw_json_check_string_(p, end);
    behind = voicegw_json_skip_(p, end);
    if (!behind)
        return NULL;
    v.text = p;
    v.bytes = (uint64_t)(behind - p);
    switch (voicegw_json_type(v)) {
    case VOICEGW_JSON_NULL:
    case VOICEGW_JSON_BOOL:
        return behind;
    case VOICEGW_JSON_NUMBER:
        first = *p == '-' ? p + 1 : p;
        if (behind - first > 1 && first[0] == '0' && first[1] >= '0' && first[1] <= '9')
            return NULL;
        return voicegw_json_number_(p, behind, &digits, &exponent, &negative, &whole) ? behind : NULL;
    default:
        return NULL;
    }
}

/** 1 when the text is one valid JSON value and nothing else, nested at most VOICEGW_JSON_DEPTH deep. */
static inline uint32_t voicegw_json_valid(const char *text, uint64_t bytes)
{
    uint64_t objects = 0; /* bit i: level i+1 is an object */
    uint32_t depth = 0, fresh = 0;
    const char *p, *end;
    if (!text)
        return 0;
    end = text + bytes;
    p = voicegw_json_space_(text, end);
    for (;;) {
        /* A value, a member, or (right behind an opening bracket) the closing one. */
        uint64_t top = depth > 0 ? UINT64_C(1) << (depth - 1) : 0;
        char close = (objects & top) ? '}' : ']';
        if (p >= end)
            return 0;
        if (!(fresh && *p == close)) {
            if (objects & top) {
                p = *p == '"' ? voicegw_json_check_string_(p, end) : NULL;
                p = p ? voicegw_json_space_(p, end) : NULL;
                if (!p || p >= end || *p != ':')
                    return 0;
                p = voicegw_json_space_(p + 1, end);
            }
            if (p < end && (*p == '{' || *p == '[')) {
                if (depth == VOICEGW_JSON_DEPTH)
                    return 0;
                depth++;
                top = UINT64_C(1) << (depth - 1);
                objects = *p == '{' ? objects | top : objects & ~top;
                p = voicegw_json_space_(p + 1, end);
                fresh = 1;
                continue;
            }
            p = voicegw_json_check_scalar_(p, end);
            if (!p)
                return 0;
            p = voicegw_json_space_(p, end);
        }
        fresh = 0;
        /* Close what ends here, until a comma asks for more. */
        while (depth > 0 && p < end && *p == ((objects >> (depth - 1)) & 1u ? '}' : ']')) {
            depth--;
            p = voicegw_json_space_(p + 1, end);
        }
        if (depth == 0)
            return p == end;
        if (p >= end || *p != ',')
            return 0;
        p = voicegw_json_space_(p + 1, end);
    }
}

#include "voicegw/json_writer.h"

#endif
