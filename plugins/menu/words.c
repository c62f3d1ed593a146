#include <ctype.h>
#include <string.h>
#include "book.h"

#define WORD 48

static int plain_byte(unsigned char c)
{
    return isalnum(c) || c >= 0x80;
}

int book_words(const char *text, int (*take)(void *arg, const char *word), void *arg)
{
    static const char *const digits[] = {"zero", "one", "two",   "three", "four",
                                         "five", "six", "seven", "eight", "nine"};
    char word[WORD];
    for (const char *at = text; *at;) {
        size_t n = 0;
        while (*at && !plain_byte((unsigned char)*at))
            at++;
        while (plain_byte((unsigned char)*at) || (n > 0 && *at == '\'' && plain_byte((unsigned char)at[1]))) {
            if (n < WORD - 1)
                word[n++] = (char)tolower((unsigned char)*at);
            at++;
        }
        word[n] = '\0';
        int rc = 0;
        if (n == 1 && isdigit((unsigned char)word[0]))
            rc = take(arg, digits[word[0] - '0']);
        else if (n > 0)
            rc = take(arg, word);
        if (rc)
            return rc;
    }
    return 0;
}
