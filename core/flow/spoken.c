/* spoken.c - numbers, telephone numbers and durations as a voice says them (English). */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/str.h"
#include "flow/filter.h"

static const char *const small[] = {"zero",     "one",     "two",     "three",     "four",     "five",    "six",
                                    "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",  "thirteen",
                                    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
static const char *const tens[] = {"",      "",      "twenty",  "thirty", "forty",
                                   "fifty", "sixty", "seventy", "eighty", "ninety"};
static const char *const scales[] = {"", " thousand", " million", " billion", " trillion", " quadrillion"};

static void below_thousand(struct vgw_buf *out, unsigned n)
{
    if (n >= 100) {
        vgw_buf_printf(out, "%s hundred", small[n / 100]);
        n %= 100;
        if (n == 0)
            return;
        vgw_buf_addc(out, ' ');
    }
    if (n < 20) {
        vgw_buf_adds(out, small[n]);
        return;
    }
    vgw_buf_adds(out, tens[n / 10]);
    if (n % 10)
        vgw_buf_printf(out, "-%s", small[n % 10]);
}

static void whole(struct vgw_buf *out, uint64_t n)
{
    if (n == 0) {
        vgw_buf_adds(out, small[0]);
        return;
    }
    bool first = true;
    for (int i = 5; i >= 0; i--) {
        uint64_t unit = 1;
        for (int k = 0; k < i; k++)
            unit *= 1000;
        unsigned part = (unsigned)(n / unit % 1000);
        if (part == 0)
            continue;
        if (!first)
            vgw_buf_addc(out, ' ');
        below_thousand(out, part);
        vgw_buf_adds(out, scales[i]);
        first = false;
    }
}

void vgw_spoken_number(struct vgw_buf *out, double value)
{
    char text[64];
    if (!isfinite(value) || fabs(value) >= 1e15) {
        vgw_buf_printf(out, "%g", value);
        return;
    }
    if (value < 0)
        vgw_buf_adds(out, "minus ");
    value = fabs(value);
    (void)snprintf(text, sizeof text, "%.6f", value);
    char *dot = strchr(text, '.');
    uint64_t n = 0;
    for (char *p = text; *p >= '0' && *p <= '9'; p++)
        n = n * 10 + (uint64_t)(*p - '0');
    whole(out, n);
    if (!dot)
        return;
    size_t len = strlen(dot + 1);
    while (len > 0 && dot[len] == '0')
        len--;
    if (len == 0)
        return;
    vgw_buf_adds(out, " point");
    for (size_t i = 1; i <= len; i++)
        vgw_buf_printf(out, " %s", small[dot[i] - '0']);
}

/* One character as a word; false when it is none that is spoken. */
static bool spoken_char(struct vgw_buf *out, char c)
{
    if (c >= '0' && c <= '9')
        vgw_buf_adds(out, small[c - '0']);
    else if (c == '+')
        vgw_buf_adds(out, "plus");
    else if (c == '#')
        vgw_buf_adds(out, "pound");
    else if (c == '*')
        vgw_buf_adds(out, "star");
    else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80)
        vgw_buf_addc(out, c);
    else
        return false;
    return true;
}

void vgw_spoken_digits(struct vgw_buf *out, const char *text)
{
    const char *gap = "";
    for (const char *p = text; *p; p++) {
        bool inside_utf8 = ((unsigned char)*p & 0xc0) == 0x80;
        struct vgw_buf word;
        vgw_buf_init(&word, 16);
        if (spoken_char(&word, *p)) {
            if (!inside_utf8)
                vgw_buf_adds(out, gap);
            vgw_buf_adds(out, vgw_buf_str(&word));
            gap = " ";
        } else if (*gap) {
            gap = ", ";
        }
        if (word.failed)
            out->failed = true;
        vgw_buf_done(&word);
    }
}

void vgw_spoken_phone(struct vgw_buf *out, const char *text)
{
    char digits[32];
    size_t n = 0;
    for (const char *p = text; *p; p++) {
        if (*p < '0' || *p > '9')
            continue;
        if (n == sizeof digits - 1) {
            vgw_spoken_digits(out, text);
            return;
        }
        digits[n++] = *p;
    }
    if (strchr(text, '+'))
        vgw_buf_adds(out, n ? "plus " : "plus");
    /* The last ten digits go as 3 3 4, seven as 3 4; what stands before is the country. */
    size_t tail = n >= 10 ? 10 : n >= 7 ? 7 : n;
    for (size_t i = 0; i < n; i++) {
        size_t left = n - i;
        bool group = i > 0 && (left == tail || (left < tail && (left == 7 || left == 4)));
        if (i > 0)
            vgw_buf_adds(out, group ? ", " : " ");
        vgw_buf_adds(out, small[digits[i] - '0']);
    }
}

static void unit_add(struct vgw_buf *out, uint64_t n, const char *unit, int words, bool *first)
{
    if (n == 0)
        return;
    if (!*first)
        vgw_buf_addc(out, ' ');
    if (words)
        whole(out, n);
    else
        vgw_buf_printf(out, "%llu", (unsigned long long)n);
    vgw_buf_printf(out, " %s%s", unit, n == 1 ? "" : "s");
    *first = false;
}

void vgw_spoken_duration(struct vgw_buf *out, double seconds, int words)
{
    bool first = true;
    if (!isfinite(seconds) || fabs(seconds) >= 1e12) {
        vgw_buf_printf(out, "%g seconds", seconds);
        return;
    }
    if (seconds < 0)
        vgw_buf_adds(out, "minus ");
    seconds = fabs(seconds);
    if (seconds > 0 && seconds < 1) {
        uint64_t ms = (uint64_t)llround(seconds * 1000);
        if (ms > 0 && ms < 1000) {
            unit_add(out, ms, "millisecond", words, &first);
            return;
        }
    }
    uint64_t s = (uint64_t)llround(seconds);
    unit_add(out, s / 86400, "day", words, &first);
    unit_add(out, s / 3600 % 24, "hour", words, &first);
    unit_add(out, s / 60 % 60, "minute", words, &first);
    unit_add(out, s % 60, "second", words, &first);
    if (first)
        vgw_buf_adds(out, words ? "zero seconds" : "0 seconds");
}
