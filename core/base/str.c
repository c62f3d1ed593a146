/* str.c - comparing, copying and matching strings. */
#include "base/str.h"
#include <string.h>

bool vgw_streq(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

bool vgw_starts_with(const char *s, const char *prefix)
{
    return s && prefix && !strncmp(s, prefix, strlen(prefix));
}

bool vgw_ends_with(const char *s, const char *suffix)
{
    if (!s || !suffix)
        return false;
    size_t len = strlen(s), tail = strlen(suffix);
    return tail <= len && !memcmp(s + len - tail, suffix, tail);
}

static unsigned char fold(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool vgw_strieq(const char *a, const char *b)
{
    if (!a || !b)
        return a == b;
    while (*a && fold(*a) == fold(*b)) {
        a++;
        b++;
    }
    return fold(*a) == fold(*b);
}

bool vgw_strncopy(char *dst, size_t cap, const char *src, size_t n)
{
    if (cap == 0)
        return false;
    size_t len = src ? strnlen(src, n) : 0;
    size_t keep = len < cap ? len : cap - 1;
    /* Never cut inside a character: step back over continuation bytes. */
    if (keep < len)
        for (size_t back = 0; back < 3 && keep > 0 && ((unsigned char)src[keep] & 0xC0) == 0x80; back++)
            keep--;
    if (keep)
        memmove(dst, src, keep);
    dst[keep] = '\0';
    return keep == len;
}

bool vgw_strcopy(char *dst, size_t cap, const char *src)
{
    return vgw_strncopy(dst, cap, src, src ? strlen(src) : 0);
}

#define EDIT_LEN_MAX 64

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

int vgw_edit_distance(const char *a, const char *b, int max)
{
    size_t la = strlen(a), lb = strlen(b);
    size_t gap = la > lb ? la - lb : lb - la;
    if (max < 0 || la > EDIT_LEN_MAX || lb > EDIT_LEN_MAX || gap > (size_t)max)
        return max + 1;
    /* Optimal string alignment: three rows of the matrix are alive at a time. */
    int rows[3][EDIT_LEN_MAX + 1] = {{0}};
    int *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= lb; j++)
        last[j] = (int)j;
    for (size_t i = 1; i <= la; i++) {
        row[0] = (int)i;
        for (size_t j = 1; j <= lb; j++) {
            int cost = a[i - 1] != b[j - 1];
            row[j] = min_int(min_int(last[j] + 1, row[j - 1] + 1), last[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = min_int(row[j], before[j - 2] + 1);
        }
        int *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return min_int(last[lb], max + 1);
}

const char *vgw_nearest(const char *name, const char *const *names, size_t count)
{
    const char *best = NULL;
    int max = (int)(strnlen(name, EDIT_LEN_MAX) / 3);
    int best_distance = (max < 2 ? 2 : max) + 1;
    for (size_t i = 0; i < count; i++) {
        if (!names[i])
            continue;
        int d = vgw_edit_distance(name, names[i], best_distance - 1);
        if (d < best_distance) {
            best_distance = d;
            best = names[i];
        }
    }
    return best;
}

bool vgw_glob_match(const char *pattern, const char *s)
{
    const char *star = NULL, *resume = NULL;
    while (*s) {
        if (*pattern == '*') {
            star = ++pattern;
            resume = s;
        } else if (*pattern == '?' || *pattern == *s) {
            pattern++;
            s++;
        } else if (star) {
            pattern = star;
            s = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

bool vgw_is_phone_number(const char *s)
{
    if (!s)
        return false;
    if (*s == '+')
        s++;
    size_t digits = strspn(s, "0123456789");
    return digits >= 2 && digits <= 15 && !s[digits];
}

bool vgw_equal_ct(const void *a, const void *b, size_t len)
{
    const volatile unsigned char *x = a, *y = b;
    unsigned char diff = 0;
    for (size_t i = 0; i < len; i++)
        diff |= (unsigned char)(x[i] ^ y[i]);
    return diff == 0;
}

bool vgw_streq_ct(const char *given, const char *secret)
{
    if (!given || !secret)
        return false;
    const volatile char *s = secret;
    size_t j = 0;
    unsigned char diff = 0;
    /* The secret's index stops at its NUL, so neither its length nor its first difference shows in the time. */
    for (size_t i = 0; given[i]; i++) {
        char c = s[j];
        diff |= (unsigned char)(given[i] ^ c);
        j += c != 0;
    }
    diff |= (unsigned char)s[j];
    return diff == 0;
}

uint64_t vgw_hash64(const void *data, size_t len)
{
    const unsigned char *p = data;
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return h;
}
