/* look.c - types of plain scalars by their look. */
#include "config/look.h"

#include <stdbool.h>
#include <string.h>

static bool is_word(const char *text, size_t len, const char *lower, const char *title, const char *upper)
{
    size_t n = strlen(lower);
    return len == n && (!memcmp(text, lower, n) || !memcmp(text, title, n) || !memcmp(text, upper, n));
}

static size_t digits(const char *text, size_t len, size_t from)
{
    size_t i = from;
    while (i < len && text[i] >= '0' && text[i] <= '9')
        i++;
    return i - from;
}

/* -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)? */
static enum vgw_look number_look(const char *text, size_t len)
{
    size_t i = len > 0 && text[0] == '-';
    size_t whole = digits(text, len, i);
    if (whole == 0 || whole > 18 || (whole > 1 && text[i] == '0'))
        return VGW_LOOK_TEXT;
    i += whole;
    if (i == len)
        return VGW_LOOK_INT;
    if (text[i] == '.') {
        size_t fraction = digits(text, len, i + 1);
        if (fraction == 0)
            return VGW_LOOK_TEXT;
        i += 1 + fraction;
    }
    if (i < len && (text[i] == 'e' || text[i] == 'E')) {
        i++;
        i += i < len && (text[i] == '+' || text[i] == '-');
        size_t exponent = digits(text, len, i);
        if (exponent == 0)
            return VGW_LOOK_TEXT;
        i += exponent;
    }
    return i == len ? VGW_LOOK_DOUBLE : VGW_LOOK_TEXT;
}

enum vgw_look vgw_look_of(const char *text, size_t len)
{
    if (len == 0 || (len == 1 && text[0] == '~') || is_word(text, len, "null", "Null", "NULL"))
        return VGW_LOOK_NULL;
    if (is_word(text, len, "true", "True", "TRUE"))
        return VGW_LOOK_TRUE;
    if (is_word(text, len, "false", "False", "FALSE"))
        return VGW_LOOK_FALSE;
    return number_look(text, len);
}
