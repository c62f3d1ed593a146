/* base64.c - RFC 4648 section 4 by tables, for payloads of a few hundred bytes. */
#include "stream_wire.h"

static const char letters[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Value of a character plus one, so that 0 is "none of base64's". */
static const uint8_t values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64};

size_t base64_encode(const uint8_t *data, size_t bytes, char *out)
{
    char *p = out;
    size_t i = 0;
    for (; i + 3 <= bytes; i += 3, p += 4) {
        uint32_t v = ((uint32_t)data[i] << 16) | ((uint32_t)data[i + 1] << 8) | data[i + 2];
        p[0] = letters[v >> 18];
        p[1] = letters[(v >> 12) & 63u];
        p[2] = letters[(v >> 6) & 63u];
        p[3] = letters[v & 63u];
    }
    if (i < bytes) {
        uint32_t v = (uint32_t)data[i] << 16 | (i + 1 < bytes ? (uint32_t)data[i + 1] << 8 : 0u);
        p[0] = letters[v >> 18];
        p[1] = letters[(v >> 12) & 63u];
        p[2] = i + 1 < bytes ? letters[(v >> 6) & 63u] : '=';
        p[3] = '=';
        p += 4;
    }
    return (size_t)(p - out);
}

int64_t base64_decode(const char *text, size_t chars, uint8_t *out, size_t cap, size_t *ret_used)
{
    const uint8_t *in = (const uint8_t *)text;
    size_t i = 0, n = 0;
    uint32_t a = 0, b = 0, c = 0;
    while (chars - i >= 4) {
        a = values[in[i]];
        b = values[in[i + 1]];
        c = values[in[i + 2]];
        uint32_t d = values[in[i + 3]];
        if (a == 0 || b == 0 || c == 0 || d == 0)
            break;
        if (cap - n < 3)
            return -1;
        uint32_t v = (a - 1) << 18 | (b - 1) << 12 | (c - 1) << 6 | (d - 1);
        out[n] = (uint8_t)(v >> 16);
        out[n + 1] = (uint8_t)(v >> 8);
        out[n + 2] = (uint8_t)v;
        n += 3;
        i += 4;
    }
    *ret_used = i;
    if (i == chars || values[in[i]] == 0)
        return i < chars && in[i] == '=' ? -1 : (int64_t)n;
    /* A last group of two or three characters and its padding. */
    if (chars - i < 4 || in[i + 3] != '=')
        return -1;
    a = values[in[i]];
    b = values[in[i + 1]];
    c = values[in[i + 2]];
    if (b == 0 || (c == 0 && in[i + 2] != '='))
        return -1;
    if (cap - n < (c ? 2u : 1u))
        return -1;
    out[n++] = (uint8_t)((a - 1) << 2 | (b - 1) >> 4);
    if (c)
        out[n++] = (uint8_t)((b - 1) << 4 | (c - 1) >> 2);
    *ret_used = i + 4;
    return (int64_t)n;
}
