/* sips.c - SIPS URIs (RFC 3261, 26.2.2) for a library that sends to sip: only. */
#include "sips.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct text {
    char *out;
    size_t cap, n;
};

static void put(struct text *t, const char *bytes, size_t n)
{
    if (t->n + n <= t->cap)
        memcpy(t->out + t->n, bytes, n);
    t->n += n;
}

/* "Contact:", "m :" or "Record-Route:" at the beginning of a line. */
static int names_target(const char *line, size_t n)
{
    static const char *const names[] = {"Contact", "m", "Record-Route"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t len = strlen(names[i]);
        if (n > len && strncasecmp(line, names[i], len) == 0 &&
            (line[len] == ':' || line[len] == ' ' || line[len] == '\t'))
            return 1;
    }
    return 0;
}

static size_t until(const char *s, size_t n, const char *stops)
{
    size_t i = 0;
    while (i < n && !strchr(stops, s[i]))
        i++;
    return i;
}

/* What follows "sips:", up to where its URI ends, as a sip: URI with TLS; returns the bytes that were read. */
static size_t put_target(struct text *t, const char *s, size_t n, int bracketed)
{
    size_t end = until(s, n, bracketed ? ">\r\n" : "; ,\r\n"), at = until(s, end, ";?");
    put(t, "sip:", 4);
    put(t, s, at);
    while (at < end && s[at] == ';') {
        size_t len = 1 + until(s + at + 1, end - at - 1, ";?");
        if (len < 11 || strncasecmp(s + at, ";transport=", 11) != 0)
            put(t, s + at, len);
        at += len;
    }
    put(t, ";transport=tls", 14);
    put(t, s + at, end - at);
    return end;
}

static void put_line(struct text *t, const char *line, size_t n)
{
    for (size_t i = 0; i < n;) {
        int begins = i > 0 && strchr("< :,\t", line[i - 1]) != NULL;
        if (begins && n - i > 5 && strncasecmp(line + i, "sips:", 5) == 0) {
            i += 5;
            i += put_target(t, line + i, n - i, line[i - 6] == '<');
            continue;
        }
        put(t, line + i, 1);
        i++;
    }
}

size_t sip_sips_targets(const char *text, size_t bytes, char *out, size_t cap)
{
    struct text t = {out, cap, 0};
    const char *head_end = memmem(text, bytes, "\r\n\r\n", 4);
    size_t head = head_end ? (size_t)(head_end - text) + 2 : bytes;
    for (size_t at = 0; at < head;) {
        const char *lf = memchr(text + at, '\n', head - at);
        size_t n = lf ? (size_t)(lf - text) - at + 1 : head - at;
        if (names_target(text + at, n))
            put_line(&t, text + at, n);
        else
            put(&t, text + at, n);
        at += n;
    }
    put(&t, text + head, bytes - head);
    return t.n != bytes && t.n <= cap ? t.n : 0;
}

int sip_sips_route(const char *uri, char *out, size_t cap)
{
    if (strncasecmp(uri, "sips:", 5) != 0)
        return -1;
    const char *host = strchr(uri + 5, '@') ? strchr(uri + 5, '@') + 1 : uri + 5;
    size_t n = strcspn(host, ";?");
    return snprintf(out, cap, "sip:%.*s;transport=tls", (int)(n < 300 ? n : 300), host) < (int)cap ? 0 : -1;
}

void sip_sips_contact(char *uri, size_t cap)
{
    size_t n = strlen(uri);
    char *params = strstr(uri, ";transport=tls");
    if (params)
        *params = '\0';
    if (strncmp(uri, "sip:", 4) != 0 || n + 2 > cap)
        return;
    memmove(uri + 4, uri + 3, strlen(uri + 3) + 1);
    uri[3] = 's';
}
