/* voicegw/json_writer.h - writes JSON text into the caller's buffer without allocating; voicegw/json.h brings it and
 * says how it is used. Part of the voicegw plugin SDK (MIT). Header only. All functions: any thread, pure, no locale.
 */
#ifndef VOICEGW_JSON_WRITER_H
#define VOICEGW_JSON_WRITER_H
#include "voicegw/json.h"

/** Begin by voicegw_json_writer_of(); the fields are private. */
struct voicegw_json_writer {
    char *out;
    uint64_t cap, len;
    uint64_t objects; /* bit i: level i+1 is an object */
    uint32_t depth;
    uint32_t comma;  /* a value stands before on this level */
    uint32_t failed; /* overflow or misuse, sticks */
};

/** A writer into `out`, which holds `cap` bytes, the closing NUL included. */
static inline struct voicegw_json_writer voicegw_json_writer_of(char *out, uint64_t cap)
{
    struct voicegw_json_writer w;
    w.out = out;
    w.cap = cap;
    w.len = 0;
    w.objects = 0;
    w.depth = w.comma = 0;
    w.failed = cap == 0;
    if (cap > 0)
        out[0] = '\0';
    return w;
}

static inline void voicegw_json_add_(struct voicegw_json_writer *w, const char *data, uint64_t bytes)
{
    if (w->failed || bytes >= w->cap - w->len) {
        w->failed = 1;
        return;
    }
    memcpy(w->out + w->len, data, (size_t)bytes);
    w->len += bytes;
}

static inline void voicegw_json_quote_(struct voicegw_json_writer *w, const char *text, uint64_t bytes)
{
    static const char hex[] = "0123456789abcdef";
    const char *p = text, *end = text + bytes;
    voicegw_json_add_(w, "\"", 1);
    while (p < end && !w->failed) {
        unsigned char c = (unsigned char)*p;
        uint32_t n = voicegw_json_utf8_len_(p, end);
        if (c == '"' || c == '\\') {
            char pair[2];
            pair[0] = '\\';
            pair[1] = *p;
            voicegw_json_add_(w, pair, 2);
        } else if (c == '\n') {
            voicegw_json_add_(w, "\\n", 2);
        } else if (c == '\r') {
            voicegw_json_add_(w, "\\r", 2);
        } else if (c == '\t') {
            voicegw_json_add_(w, "\\t", 2);
        } else if (c < 0x20u || c == 0x7fu) {
            char escape[6] = {'\\', 'u', '0', '0', '0', '0'};
            escape[4] = hex[c >> 4];
            escape[5] = hex[c & 15u];
            voicegw_json_add_(w, escape, 6);
        } else if (n == 0) {
            voicegw_json_add_(w, "\xef\xbf\xbd", 3);
        } else {
            voicegw_json_add_(w, p, n);
        }
        p += n > 0 ? n : 1;
    }
    voicegw_json_add_(w, "\"", 1);
}

/* Comma and name before a value. */
static inline void voicegw_json_before_(struct voicegw_json_writer *w, const char *name)
{
    uint32_t in_object = w->depth > 0 && ((w->objects >> (w->depth - 1)) & 1u);
    if (in_object != (name ? 1u : 0u) || (w->depth == 0 && w->comma))
        w->failed = 1; /* a member needs a name, an item has none, a text is one value */
    if (w->comma)
        voicegw_json_add_(w, ",", 1);
    w->comma = 1;
    if (name && !w->failed) {
        voicegw_json_quote_(w, name, (uint64_t)strlen(name));
        voicegw_json_add_(w, ":", 1);
    }
}

static inline void voicegw_json_open_(struct voicegw_json_writer *w, const char *name, uint32_t object)
{
    voicegw_json_before_(w, name);
    if (w->depth == VOICEGW_JSON_DEPTH) {
        w->failed = 1;
        return;
    }
    voicegw_json_add_(w, object ? "{" : "[", 1);
    if (object)
        w->objects |= UINT64_C(1) << w->depth;
    else
        w->objects &= ~(UINT64_C(1) << w->depth);
    w->depth++;
    w->comma = 0;
}

/** Opens an object or an array. `name`: the member's name inside an object, NULL inside an array and at the top. */
static inline void voicegw_json_put_object(struct voicegw_json_writer *w, const char *name)
{
    voicegw_json_open_(w, name, 1);
}
static inline void voicegw_json_put_array(struct voicegw_json_writer *w, const char *name)
{
    voicegw_json_open_(w, name, 0);
}
/** Closes what was opened last. */
static inline void voicegw_json_put_end(struct voicegw_json_writer *w)
{
    if (w->depth == 0) {
        w->failed = 1;
        return;
    }
    w->depth--;
    voicegw_json_add_(w, ((w->objects >> w->depth) & 1u) ? "}" : "]", 1);
    w->comma = 1;
}
static inline void voicegw_json_put_null(struct voicegw_json_writer *w, const char *name)
{
    voicegw_json_before_(w, name);
    voicegw_json_add_(w, "null", 4);
}
/** Escapes what needs it; broken UTF-8 becomes U+FFFD. */
static inline void voicegw_json_put_stringn(struct voicegw_json_writer *w, const char *name, const char *text,
                                            uint64_t bytes)
{
    voicegw_json_before_(w, name);
    voicegw_json_quote_(w, text, bytes);
}
/** A C string; NULL is written as null. */
static inline void voicegw_json_put_string(struct voicegw_json_writer *w, const char *name, const char *text)
{
    if (text)
        voicegw_json_put_stringn(w, name, text, (uint64_t)strlen(text));
    else
        voicegw_json_put_null(w, name);
}
static inline void voicegw_json_put_bool(struct voicegw_json_writer *w, const char *name, uint32_t value)
{
    voicegw_json_before_(w, name);
    voicegw_json_add_(w, value ? "true" : "false", value ? 4 : 5);
}
static inline void voicegw_json_put_int(struct voicegw_json_writer *w, const char *name, int64_t value)
{
    char text[24];
    uint32_t at = sizeof text;
    uint64_t rest = value < 0 ? (uint64_t)(-(value + 1)) + 1u : (uint64_t)value;
    do {
        text[--at] = (char)('0' + (char)(rest % 10));
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        text[--at] = '-';
    voicegw_json_before_(w, name);
    voicegw_json_add_(w, text + at, sizeof text - at);
}
/** The shortest of 15 or 17 digits that reads back the same; what is no number is written as null. */
static inline void voicegw_json_put_double(struct voicegw_json_writer *w, const char *name, double value)
{
    char text[40];
    char *comma;
    /* cppcheck-suppress incorrectLogicOperator; infinities and NaN are outside */
    if (!(value >= -1.7976931348623157e308 && value <= 1.7976931348623157e308)) {
        voicegw_json_put_null(w, name);
        return;
    }
    (void)snprintf(text, sizeof text, "%.15g", value);
    if (strtod(text, NULL) < value || strtod(text, NULL) > value)
        (void)snprintf(text, sizeof text, "%.17g", value);
    comma = strchr(text, ','); /* a locale's decimal sign */
    if (comma)
        *comma = '.';
    voicegw_json_before_(w, name);
    voicegw_json_add_(w, text, (uint64_t)strlen(text));
}
/** A value that is JSON text already, as it stands (it is not checked); absent is written as null. */
static inline void voicegw_json_put_json(struct voicegw_json_writer *w, const char *name, struct voicegw_json value)
{
    if (!value.text) {
        voicegw_json_put_null(w, name);
        return;
    }
    voicegw_json_before_(w, name);
    voicegw_json_add_(w, value.text, value.bytes);
}
/** Ends the text with a NUL. Its length, or VOICEGW_ELIMIT when it did not fit or was built wrongly; then `out` is "".
 */
static inline int64_t voicegw_json_finish(struct voicegw_json_writer *w)
{
    if (w->depth != 0 || !w->comma)
        w->failed = 1;
    if (w->failed) {
        if (w->cap > 0)
            w->out[0] = '\0';
        return VOICEGW_ELIMIT;
    }
    w->out[w->len] = '\0';
    return (int64_t)w->len;
}

#endif
