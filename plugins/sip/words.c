/* words.c - small texts of requests, read and written. */
#include "words.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void sip_uri_host(const char *host, char *out, size_t cap)
{
    (void)snprintf(out, cap, strchr(host, ':') ? "[%s]" : "%s", host);
}

void sip_uri_escape(const char *user, char *out, size_t cap)
{
    static const char plain[] = "-_.!~*'()&=+$,?/";
    size_t n = 0;
    for (; *user && n + 4 < cap; user++) {
        unsigned char c = (unsigned char)*user;
        int word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (word || strchr(plain, c))
            out[n++] = (char)c;
        else
            n += (size_t)snprintf(out + n, cap - n, "%%%02X", c);
    }
    out[n] = '\0';
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* "sip:…?Replaces=…" in its two parts; what is escaped comes out plain. */
void sip_refer_split(const char *uri, char *target, size_t target_cap, char *replaces, size_t replaces_cap)
{
    size_t n = strcspn(uri, "?"), w = 0;
    const char *at = strcasestr(uri + n, "Replaces=");
    (void)snprintf(target, target_cap, "%.*s", (int)n, uri);
    for (at = at ? at + 9 : ""; *at && *at != '&' && w + 1 < replaces_cap; at++) {
        int high = *at == '%' ? hex(at[1]) : -1, low = high >= 0 ? hex(at[2]) : -1;
        replaces[w++] = low >= 0 ? (char)(high * 16 + low) : *at;
        at += low >= 0 ? 2 : 0;
        if ((unsigned char)replaces[w - 1] < ' ')
            w--;
    }
    replaces[w] = '\0';
}

/* "call-id;to-tag=…;from-tag=…": the three words, 0 or -1. */
int sip_replaces_split(char *header, char **ret_call_id, char **ret_to_tag, char **ret_from_tag)
{
    char *rest = NULL, *word = strtok_r(header, "; ", &rest);
    *ret_call_id = word;
    *ret_to_tag = *ret_from_tag = NULL;
    while ((word = strtok_r(NULL, "; ", &rest))) {
        if (strncmp(word, "to-tag=", 7) == 0)
            *ret_to_tag = word + 7;
        else if (strncmp(word, "from-tag=", 9) == 0)
            *ret_from_tag = word + 9;
    }
    return *ret_call_id && *ret_to_tag && *ret_from_tag ? 0 : -1;
}

/* "Signal=5\r\nDuration=160" (application/dtmf-relay), or "5" (application/dtmf); 0: there is no digit in it. */
char sip_info_digit(const char *type, const char *body, size_t bytes, uint32_t *ret_duration_ms)
{
    char text[128];
    size_t n = bytes < sizeof text - 1 ? bytes : sizeof text - 1;
    memcpy(text, body, n);
    text[n] = '\0';
    const char *digit = text;
    *ret_duration_ms = 160;
    if (strncasecmp(type, "application/dtmf-relay", 22) == 0) {
        const char *signal = strcasestr(text, "Signal"), *duration = strcasestr(text, "Duration");
        digit = signal ? signal + 6 : "";
        if (duration) {
            unsigned long ms = strtoul(duration + 8 + strspn(duration + 8, " =\t"), NULL, 10);
            *ret_duration_ms = ms > 0 && ms <= 10000 ? (uint32_t)ms : 160;
        }
    } else if (strncasecmp(type, "application/dtmf", 16) != 0) {
        return 0;
    }
    digit += strspn(digit, " =\t\r\n");
    char c = *digit >= 'a' && *digit <= 'd' ? (char)(*digit - 32) : *digit;
    return c && strchr("0123456789*#ABCD", c) ? c : 0;
}

static int is_token(const char *name)
{
    size_t n = 0;
    for (; name[n]; n++) {
        char c = name[n];
        int word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!word && !strchr("-.!%*_+`'~", c))
            return 0;
    }
    return n > 0 && n < 64;
}

/* What an operator's variable may write into a message of ours: nothing that routes or frames it. */
int sip_header_allowed(const char *name)
{
    static const char *const more[] = {
        "P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Diversion", "Privacy",        "Subject",
        "User-to-User",        "Alert-Info",           "Call-Info",       "Priority",  "Accept-Language"};
    if (!is_token(name))
        return 0;
    if (strncasecmp(name, "X-", 2) == 0)
        return 1;
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
        if (strcasecmp(name, more[i]) == 0)
            return 1;
    return 0;
}
