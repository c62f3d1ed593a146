/* text.c - words, sentences, heard parts. */
#include "talk/text.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool word_char(char c)
{
    return isalnum((unsigned char)c) || c == '\'' || (unsigned char)c >= 0x80;
}

static const char *next_word(const char *at, size_t *ret_len)
{
    while (*at && !word_char(*at))
        at++;
    size_t n = 0;
    while (at[n] && word_char(at[n]))
        n++;
    *ret_len = n;
    return n ? at : NULL;
}

uint32_t vgw_text_words(const char *text)
{
    uint32_t count = 0;
    size_t n;
    for (const char *w = next_word(text, &n); w; w = next_word(w + n, &n))
        count++;
    return count;
}

bool vgw_text_same_words(const char *a, const char *b)
{
    size_t na, nb;
    const char *wa = next_word(a, &na), *wb = next_word(b, &nb);
    while (wa && wb) {
        if (na != nb || strncasecmp(wa, wb, na) != 0)
            return false;
        wa = next_word(wa + na, &na);
        wb = next_word(wb + nb, &nb);
    }
    return !wa && !wb;
}

static bool abbreviation(const char *text, size_t dot)
{
    static const char *const known[] = {"dr", "mr", "mrs", "ms", "st", "prof", "e.g", "i.e", "vs", "approx"};
    size_t start = dot;
    while (start > 0 && (isalpha((unsigned char)text[start - 1]) || text[start - 1] == '.'))
        start--;
    size_t n = dot - start;
    if (n == 1 && isupper((unsigned char)text[start])) /* an initial */
        return true;
    if (n == 2 && strncasecmp(text + start, "no", 2) == 0) /* "No. 5"; otherwise it is an answer */
        return text[dot + 1] == ' ' && isdigit((unsigned char)text[dot + 2]);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strlen(known[i]) == n && strncasecmp(known[i], text + start, n) == 0)
            return true;
    return false;
}

size_t vgw_text_sentence(const char *text)
{
    size_t end = 0;
    for (size_t i = 0; text[i]; i++) {
        bool stop = text[i] == '!' || text[i] == '?' || text[i] == '\n' || (text[i] == '.' && !abbreviation(text, i));
        if (!stop && strncmp(text + i, "…", 3) == 0) {
            i += 2;
            stop = true;
        }
        if (!stop)
            continue;
        size_t next = i + 1;
        while (text[next] == '"' || text[next] == '\'' || text[next] == ')')
            next++;
        if (text[i] == '\n' || isspace((unsigned char)text[next]))
            end = next;
    }
    return end;
}

size_t vgw_text_heard(const char *text, uint64_t heard, uint64_t total)
{
    size_t len = strlen(text);
    if (total == 0 || heard == 0)
        return 0;
    if (heard >= total)
        return len;
    size_t at = (size_t)((double)len * (double)heard / (double)total);
    while (at > 0 && word_char(text[at]) && word_char(text[at - 1])) /* within a word: it was not heard whole */
        at--;
    while (at > 0 && isspace((unsigned char)text[at - 1]))
        at--;
    return at;
}

bool vgw_text_unfinished(const char *text)
{
    static const char *const joiners[] = {"and", "but",  "so",  "um", "uh", "because", "my", "the", "to",
                                          "a",   "with", "for", "is", "or", "at",      "of", "on"};
    size_t n, last_n = 0;
    const char *last = NULL;
    for (const char *w = next_word(text, &n); w; w = next_word(w + n, &n)) {
        last = w;
        last_n = n;
    }
    if (!last)
        return false;
    const char *tail = last + last_n;
    if (strpbrk(tail, ".?!"))
        return false;
    for (size_t i = 0; i < sizeof joiners / sizeof joiners[0]; i++)
        if (strlen(joiners[i]) == last_n && strncasecmp(joiners[i], last, last_n) == 0)
            return true;
    return false;
}
