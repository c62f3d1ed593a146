/* json_scan.c - json-c's strict mode still takes NaN, saturates big numbers and names no line: this does not. */
#include "base/json_scan.h"
#include "base/str.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scan {
    const char *start, *p, *end;
    struct vgw_error *err;
    int depth;
};

static int refuse(struct scan *s, const char *at, const char *sentence)
{
    size_t line = 1, column = 1;
    for (const char *p = s->start; p < at; p++) {
        if (*p == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)*p & 0xC0) != 0x80) {
            column++;
        }
    }
    char place[64];
    snprintf(place, sizeof place, "%zu:%zu", line, column);
    return vgw_error_at(s->err, VGW_EINVALID, place, "not valid JSON: %s", sentence);
}

static void skip_blanks(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
        s->p++;
}

static bool at_digit(const struct scan *s)
{
    return s->p < s->end && *s->p >= '0' && *s->p <= '9';
}

/* Four hex digits at p, or -1. */
static int hex4(const char *p, const char *end)
{
    uint8_t bytes[2];
    if (end - p < 4 || vgw_hex_decode(p, 4, bytes, sizeof bytes) != 2)
        return -1;
    return bytes[0] * 256 + bytes[1];
}

static int scan_escape(struct scan *s, bool key)
{
    const char *at = s->p++;
    if (s->p == s->end)
        return refuse(s, at, "a string does not end");
    char c = *s->p++;
    if (c != 'u')
        return c && strchr("\"\\/bfnrt", c) ? VGW_OK : refuse(s, at, "no such escape in a string");
    int unit = hex4(s->p, s->end);
    if (unit < 0)
        return refuse(s, at, "\\u wants four hexadecimal digits");
    if (unit == 0 && key)
        return refuse(s, at, "a key cannot hold U+0000");
    s->p += 4;
    return VGW_OK;
}

static int scan_string(struct scan *s, bool key)
{
    const char *at = s->p++;
    while (s->p < s->end && *s->p != '"') {
        if (*s->p == '\\') {
            int rc = scan_escape(s, key);
            if (rc < 0)
                return rc;
            continue;
        }
        if ((unsigned char)*s->p < 0x20)
            return refuse(s, s->p, "a control character in a string must be escaped");
        size_t n = vgw_utf8_char_len(s->p, (size_t)(s->end - s->p));
        if (n == 0)
            return refuse(s, s->p, "the string is not valid UTF-8");
        s->p += n;
    }
    if (s->p == s->end)
        return refuse(s, at, "a string does not end");
    s->p++;
    return VGW_OK;
}

static bool number_fits(const char *text, size_t len, bool whole)
{
    char copy[1100];
    if (!vgw_strncopy(copy, sizeof copy, text, len))
        return false;
    if (!whole) {
        double d;
        return vgw_parse_double(copy, &d);
    }
    errno = 0;
    if (*copy == '-')
        strtoll(copy, NULL, 10);
    else
        strtoull(copy, NULL, 10);
    return errno == 0;
}

static int scan_number(struct scan *s)
{
    const char *at = s->p;
    bool whole = true;
    if (*s->p == '-')
        s->p++;
    if (!at_digit(s))
        return refuse(s, at, "a value was expected here");
    if (*s->p == '0')
        s->p++;
    else
        while (at_digit(s))
            s->p++;
    if (at_digit(s))
        return refuse(s, at, "a number cannot begin with 0");
    if (s->p < s->end && *s->p == '.') {
        whole = false;
        s->p++;
        if (!at_digit(s))
            return refuse(s, at, "digits must follow the decimal point");
        while (at_digit(s))
            s->p++;
    }
    if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
        whole = false;
        s->p++;
        if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
            s->p++;
        if (!at_digit(s))
            return refuse(s, at, "digits must follow the exponent's e");
        while (at_digit(s))
            s->p++;
    }
    if (!number_fits(at, (size_t)(s->p - at), whole))
        return refuse(s, at, whole ? "the number does not fit 64 bits" : "the number does not fit a double");
    return VGW_OK;
}

static int scan_word(struct scan *s)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]);
        if ((size_t)(s->end - s->p) >= n && !memcmp(s->p, words[i], n)) {
            s->p += n;
            return VGW_OK;
        }
    }
    return refuse(s, s->p, "a value was expected here");
}

static int scan_value(struct scan *s);

static int scan_member(struct scan *s)
{
    skip_blanks(s);
    if (s->p == s->end || *s->p != '"')
        return refuse(s, s->p, "a key in double quotes was expected here");
    int rc = scan_string(s, true);
    if (rc < 0)
        return rc;
    skip_blanks(s);
    if (s->p == s->end || *s->p != ':')
        return refuse(s, s->p, "a colon was expected after the key");
    s->p++;
    return scan_value(s);
}

static int scan_container(struct scan *s, char close)
{
    if (s->depth == VGW_JSON_DEPTH_MAX)
        return refuse(s, s->p, "nested deeper than 64 levels");
    s->depth++;
    s->p++;
    skip_blanks(s);
    bool more = s->p == s->end || *s->p != close;
    while (more) {
        int rc = close == '}' ? scan_member(s) : scan_value(s);
        if (rc < 0)
            return rc;
        skip_blanks(s);
        more = s->p < s->end && *s->p == ',';
        if (more)
            s->p++;
    }
    if (s->p == s->end || *s->p != close)
        return refuse(s, s->p, close == '}' ? "a comma or } was expected here" : "a comma or ] was expected here");
    s->p++;
    s->depth--;
    return VGW_OK;
}

static int scan_value(struct scan *s)
{
    skip_blanks(s);
    if (s->p == s->end)
        return refuse(s, s->p, "the text ends where a value was expected");
    switch (*s->p) {
    case '{':
        return scan_container(s, '}');
    case '[':
        return scan_container(s, ']');
    case '"':
        return scan_string(s, false);
    case 't':
    case 'f':
    case 'n':
        return scan_word(s);
    default:
        return scan_number(s);
    }
}

int vgw_json_scan(const char *text, size_t len, struct vgw_error *err)
{
    struct scan s = {.start = text, .p = text, .end = text + len, .err = err};
    int rc = scan_value(&s);
    if (rc < 0)
        return rc;
    skip_blanks(&s);
    if (s.p < s.end)
        return refuse(&s, s.p, "nothing may follow the value");
    return VGW_OK;
}
