/* encode.c - hexadecimal, base64, URLs, XML and log values. */
#include "base/str.h"
#include <string.h>

void vgw_hex_encode(struct vgw_buf *out, const void *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i++) {
        char pair[2] = {digits[p[i] >> 4], digits[p[i] & 15]};
        vgw_buf_add(out, pair, 2);
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The byte that two hex digits stand for, or -1. */
static int hex_byte(const char *s)
{
    int high = hex_value(s[0]), low = hex_value(s[1]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

long vgw_hex_decode(const char *s, size_t len, uint8_t *out, size_t cap)
{
    if (len % 2 || len / 2 > cap)
        return -1;
    for (size_t i = 0; i < len; i += 2) {
        int byte = hex_byte(s + i);
        if (byte < 0)
            return -1;
        out[i / 2] = (uint8_t)byte;
    }
    return (long)(len / 2);
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void vgw_base64_encode(struct vgw_buf *out, const void *data, size_t len)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t v = (uint32_t)p[i] << 16;
        if (left > 1)
            v |= (uint32_t)p[i + 1] << 8;
        if (left > 2)
            v |= p[i + 2];
        char quad[4] = {base64_digits[v >> 18], base64_digits[v >> 12 & 63],
                        left > 1 ? base64_digits[v >> 6 & 63] : '=', left > 2 ? base64_digits[v & 63] : '='};
        vgw_buf_add(out, quad, 4);
    }
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

long vgw_base64_decode(const char *s, size_t len, uint8_t *out, size_t cap)
{
    if (len % 4)
        return -1;
    size_t pad = 0;
    while (pad < 2 && pad < len && s[len - 1 - pad] == '=')
        pad++;
    size_t size = len / 4 * 3 - pad;
    if (size > cap)
        return -1;
    size_t n = 0;
    uint32_t v = 0;
    for (size_t i = 0; i < len; i++) {
        int digit = i >= len - pad ? 0 : base64_value(s[i]);
        if (digit < 0)
            return -1;
        v = v << 6 | (uint32_t)digit;
        if (i % 4 != 3)
            continue;
        for (int shift = 16; shift >= 0; shift -= 8) {
            uint8_t byte = (uint8_t)(v >> shift);
            if (n < size)
                out[n++] = byte;
            else if (byte)
                return -1; /* bits beyond the end: a second spelling of the same bytes */
        }
        v = 0;
    }
    return (long)size;
}

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

void vgw_url_encode(struct vgw_buf *out, const char *s)
{
    for (; s && *s; s++) {
        if (is_unreserved(*s))
            vgw_buf_addc(out, *s);
        else
            vgw_buf_printf(out, "%%%02X", (unsigned)(unsigned char)*s);
    }
}

long vgw_url_decode(const char *s, size_t len, char *out, size_t cap, bool plus_is_space)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        if (c == '%') {
            int byte = len - i > 2 ? hex_byte(s + i + 1) : -1;
            if (byte < 0)
                return -1;
            c = (char)byte;
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (c == '\0' || n + 1 >= cap)
            return -1;
        out[n++] = c;
    }
    if (n >= cap)
        return -1;
    out[n] = '\0';
    return (long)n;
}

void vgw_xml_escape(struct vgw_buf *out, const char *s)
{
    size_t left = s ? strlen(s) : 0;
    while (left > 0) {
        size_t n = vgw_utf8_char_len(s, left);
        unsigned char c = (unsigned char)*s;
        if (c == '&')
            vgw_buf_adds(out, "&amp;");
        else if (c == '<')
            vgw_buf_adds(out, "&lt;");
        else if (c == '>')
            vgw_buf_adds(out, "&gt;");
        else if (c == '"')
            vgw_buf_adds(out, "&quot;");
        else if (c == '\'')
            vgw_buf_adds(out, "&apos;");
        else if (n == 0 || (c < 0x20 && c != '\t' && c != '\n' && c != '\r'))
            vgw_buf_adds(out, "\xEF\xBF\xBD"); /* XML 1.0 has no way to spell it */
        else
            vgw_buf_add(out, s, n);
        n = n ? n : 1;
        s += n;
        left -= n;
    }
}

/* Characters that end a line or turn its direction in some viewer: C1 controls, U+2028 to U+202E, U+2066 to U+2069. */
static bool is_unsafe_char(const char *s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s;
    if (n == 1)
        return p[0] < 0x20 || p[0] == 0x7F;
    if (n == 2)
        return p[0] == 0xC2 && p[1] < 0xA0;
    if (n == 3 && p[0] == 0xE2)
        return (p[1] == 0x80 && p[2] >= 0xA8 && p[2] <= 0xAE) || (p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9);
    return false;
}

static bool is_plain(const char *s, size_t left)
{
    if (left == 0)
        return false;
    while (left > 0) {
        size_t n = vgw_utf8_char_len(s, left);
        if (n == 0 || is_unsafe_char(s, n) || *s == ' ' || *s == '"' || *s == '\\' || *s == '=')
            return false;
        s += n;
        left -= n;
    }
    return true;
}

static void escape_char(struct vgw_buf *out, const char *s, size_t n)
{
    switch (*s) {
    case '"':
        vgw_buf_adds(out, "\\\"");
        return;
    case '\\':
        vgw_buf_adds(out, "\\\\");
        return;
    case '\n':
        vgw_buf_adds(out, "\\n");
        return;
    case '\r':
        vgw_buf_adds(out, "\\r");
        return;
    case '\t':
        vgw_buf_adds(out, "\\t");
        return;
    default:
        break;
    }
    if (n > 0 && !is_unsafe_char(s, n)) {
        vgw_buf_add(out, s, n);
        return;
    }
    for (size_t i = 0; i < (n ? n : 1); i++)
        vgw_buf_printf(out, "\\x%02X", (unsigned)(unsigned char)s[i]);
}

void vgw_kv_escape(struct vgw_buf *out, const char *s)
{
    size_t left = s ? strlen(s) : 0;
    if (is_plain(s, left)) {
        vgw_buf_add(out, s, left);
        return;
    }
    vgw_buf_addc(out, '"');
    while (left > 0) {
        size_t n = vgw_utf8_char_len(s, left);
        escape_char(out, s, n);
        n = n ? n : 1;
        s += n;
        left -= n;
    }
    vgw_buf_addc(out, '"');
}
