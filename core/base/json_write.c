/* json_write.c - values as text: shortest numbers, slashes as they are, invalid UTF-8 mended. */
#include "base/json.h"
#include "base/str.h"
#include <math.h>
#include <string.h>

void vgw_json_quote(struct vgw_buf *out, const char *s, size_t len)
{
    static const char escapes[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    vgw_buf_addc(out, '"');
    const char *plain = s, *end = s + len;
    while (s < end) {
        unsigned char c = (unsigned char)*s;
        size_t n = vgw_utf8_char_len(s, (size_t)(end - s));
        if (n > 0 && c >= 0x20 && c != '"' && c != '\\') {
            s += n;
            continue;
        }
        vgw_buf_add(out, plain, (size_t)(s - plain));
        char letter = 0;
        for (const char *e = escapes; *e; e += 2)
            if (*e == (char)c)
                letter = e[1];
        if (n == 0)
            vgw_buf_adds(out, "\xEF\xBF\xBD");
        else if (letter)
            vgw_buf_add(out, (char[]){'\\', letter}, 2);
        else
            vgw_buf_printf(out, "\\u%04x", (unsigned)c);
        plain = ++s;
    }
    vgw_buf_add(out, plain, (size_t)(s - plain));
    vgw_buf_addc(out, '"');
}

struct writer {
    struct vgw_buf *out;
    bool pretty;
    int depth;
};
/* Trees made in memory are not bound by the parser's depth; the stack is. */
#define WRITE_DEPTH_MAX 256

static void new_line(struct writer *w)
{
    if (!w->pretty)
        return;
    vgw_buf_addc(w->out, '\n');
    for (int i = 0; i < w->depth; i++)
        vgw_buf_adds(w->out, "  ");
}

static void write_value(struct writer *w, const struct vgw_json *v);

static void write_object(struct writer *w, const struct vgw_json *v)
{
    const char *key;
    struct vgw_json *value;
    bool first = true;
    vgw_buf_addc(w->out, '{');
    w->depth++;
    for (size_t i = 0; vgw_json_object_next(v, &i, &key, &value); first = false) {
        if (!first)
            vgw_buf_addc(w->out, ',');
        new_line(w);
        vgw_json_quote(w->out, key, strlen(key));
        vgw_buf_adds(w->out, w->pretty ? ": " : ":");
        write_value(w, value);
    }
    w->depth--;
    if (!first)
        new_line(w);
    vgw_buf_addc(w->out, '}');
}

static void write_array(struct writer *w, const struct vgw_json *v)
{
    size_t count = vgw_json_count(v);
    vgw_buf_addc(w->out, '[');
    w->depth++;
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            vgw_buf_addc(w->out, ',');
        new_line(w);
        write_value(w, vgw_json_at(v, i));
    }
    w->depth--;
    if (count)
        new_line(w);
    vgw_buf_addc(w->out, ']');
}

static void write_int(struct vgw_buf *out, const struct vgw_json *v)
{
    int64_t i = vgw_json_as_int(v, 0);
    if (i == INT64_MAX)
        vgw_buf_printf(out, "%llu", (unsigned long long)vgw_json_as_uint(v, 0));
    else
        vgw_buf_printf(out, "%lld", (long long)i);
}

static void write_value(struct writer *w, const struct vgw_json *v)
{
    char number[VGW_DOUBLE_TEXT];
    if (w->depth > WRITE_DEPTH_MAX) {
        w->out->failed = true;
        return;
    }
    switch (vgw_json_type(v)) {
    case VGW_JSON_OBJECT:
        write_object(w, v);
        break;
    case VGW_JSON_ARRAY:
        write_array(w, v);
        break;
    case VGW_JSON_STRING:
        vgw_json_quote(w->out, vgw_json_str(v), vgw_json_strlen(v));
        break;
    case VGW_JSON_INT:
        write_int(w->out, v);
        break;
    case VGW_JSON_DOUBLE: {
        double d = vgw_json_as_double(v, 0);
        /* JSON has no word for NaN and infinity. */
        vgw_buf_adds(w->out, isfinite(d) ? vgw_double_text(d, number) : "null");
        break;
    }
    case VGW_JSON_BOOL:
        vgw_buf_adds(w->out, vgw_json_as_bool(v, false) ? "true" : "false");
        break;
    case VGW_JSON_NULL:
        vgw_buf_adds(w->out, "null");
        break;
    }
}

void vgw_json_write(const struct vgw_json *v, struct vgw_buf *out)
{
    struct writer w = {.out = out};
    write_value(&w, v);
}

char *vgw_json_text(const struct vgw_json *v, bool pretty)
{
    struct vgw_buf out = {0};
    struct writer w = {.out = &out, .pretty = pretty};
    write_value(&w, v);
    return vgw_buf_take(&out);
}
