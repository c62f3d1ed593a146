/* words.c - edit distance over words. */
#include "talk/words.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct word {
    const char *at;
    size_t len;
};

static bool in_word(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 || c == '\'';
}

static uint32_t split(const char *text, struct word words[VGW_WORDS_MAX])
{
    uint32_t n = 0;
    while (n < VGW_WORDS_MAX) {
        while (*text && !in_word(*text))
            text++;
        if (!*text)
            break;
        words[n].at = text;
        while (*text && in_word(*text))
            text++;
        words[n].len = (size_t)(text - words[n].at);
        n++;
    }
    return n;
}

static bool same(const struct word *a, const struct word *b)
{
    if (a->len != b->len)
        return false;
    for (size_t i = 0; i < a->len; i++)
        if (tolower((unsigned char)a->at[i]) != tolower((unsigned char)b->at[i]))
            return false;
    return true;
}

static uint32_t least(uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t m = a < b ? a : b;
    return m < c ? m : c;
}

uint32_t vgw_words_distance(const char *reference, const char *other, uint32_t *ret_words)
{
    struct word a[VGW_WORDS_MAX], b[VGW_WORDS_MAX];
    uint32_t row[VGW_WORDS_MAX + 1], n = split(reference, a), m = split(other, b);
    for (uint32_t k = 0; k <= m; k++)
        row[k] = k;
    for (uint32_t i = 1; i <= n; i++) {
        uint32_t diagonal = row[0];
        row[0] = i;
        for (uint32_t k = 1; k <= m; k++) {
            uint32_t above = row[k];
            row[k] = least(above + 1, row[k - 1] + 1, diagonal + !same(&a[i - 1], &b[k - 1]));
            diagonal = above;
        }
    }
    if (ret_words)
        *ret_words = n;
    return row[m];
}
