#include "speaker.h"
#include <ctype.h>
#include <string.h>

#define SENTENCE_MAX 400 /* longer ones are cut at a comma or a space */

/* "Mr." or "J.": the dot ends no sentence. */
static int abbreviation(const char *text, size_t dot)
{
    static const char *const known[] = {"mr", "mrs", "ms", "dr", "st", "prof", "jr", "sr", "vs", "no", "approx"};
    size_t start = dot;
    while (start > 0 && isalpha((unsigned char)text[start - 1]))
        start--;
    size_t len = dot - start;
    if (len == 1)
        return isupper((unsigned char)text[start]) && text[start] != 'I';
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i]) == len && strncasecmp(known[i], text + start, len) == 0)
            return isupper((unsigned char)text[start]) != 0;
    return 0;
}

static int ends_sentence(const char *text, size_t at)
{
    if (text[at] == '\n' || text[at] == '!' || text[at] == '?')
        return 1;
    return text[at] == '.' && !abbreviation(text, at);
}

static size_t with_spaces(const char *text, size_t bytes, size_t at)
{
    while (at < bytes && isspace((unsigned char)text[at]))
        at++;
    return at;
}

static size_t forced_cut(const char *text)
{
    for (size_t i = SENTENCE_MAX; i > SENTENCE_MAX / 2; i--)
        if (text[i - 1] == ',' || text[i - 1] == ';' || text[i - 1] == ':')
            return i;
    for (size_t i = SENTENCE_MAX; i > SENTENCE_MAX / 2; i--)
        if (isspace((unsigned char)text[i - 1]))
            return i;
    size_t i = SENTENCE_MAX;
    while (i > 1 && ((unsigned char)text[i] & 0xc0u) == 0x80u)
        i--;
    return i;
}

size_t speaker_sentence(const char *text, size_t bytes, int final)
{
    for (size_t i = 0; i < bytes; i++) {
        if (i >= SENTENCE_MAX)
            return forced_cut(text);
        if (!ends_sentence(text, i))
            continue;
        size_t behind = i + 1;
        while (behind < bytes && strchr(".!?\"')", text[behind]) && text[behind] != '\0')
            behind++;
        if (text[i] == '\n' || (behind < bytes && isspace((unsigned char)text[behind])))
            return with_spaces(text, bytes, behind);
        i = behind - 1;
    }
    return final ? bytes : 0;
}
