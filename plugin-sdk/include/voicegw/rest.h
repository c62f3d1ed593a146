/* voicegw/rest.h - what a plugin for a vendor's REST interface needs beside the HTTP client: forms and URLs, when to
 * try again, and how long to wait. Part of the voicegw plugin SDK (MIT). Header only; all functions are pure and run on
 * any thread. */
#ifndef VOICEGW_REST_H
#define VOICEGW_REST_H
#include <stdint.h>
#include <string.h>
#include "voicegw/status.h"

#define VOICEGW_REST_RETRY_AFTER_MAX_MS 300000 /* a vendor that asks for more is given up on at once */
#define VOICEGW_REST_BACKOFF_MAX_MS 60000

/** A text that is being written: a URL or a form. Make it by voicegw_text_of(). */
struct voicegw_text {
    char *out;
    uint64_t cap;
    uint64_t bytes;  /* written, without the NUL */
    uint32_t failed; /* 1: it did not fit; `out` is then of no use */
    uint32_t pairs;  /* of voicegw_form_add() */
};

/** Begins a text in `out` (`cap` bytes, the NUL included; at least 1). */
static inline struct voicegw_text voicegw_text_of(char *out, uint64_t cap)
{
    struct voicegw_text t;
    t.out = out;
    t.cap = cap;
    t.bytes = 0;
    t.failed = cap == 0 ? 1u : 0u;
    t.pairs = 0;
    if (cap)
        out[0] = '\0';
    return t;
}

/** Adds bytes as they are. */
static inline void voicegw_text_addn(struct voicegw_text *t, const char *data, uint64_t bytes)
{
    if (t->failed || bytes >= t->cap - t->bytes) {
        t->failed = 1;
        return;
    }
    memcpy(t->out + t->bytes, data, (size_t)bytes);
    t->bytes += bytes;
    t->out[t->bytes] = '\0';
}

/** Adds a C string as it is; NULL reads as "". */
static inline void voicegw_text_add(struct voicegw_text *t, const char *text)
{
    voicegw_text_addn(t, text ? text : "", text ? (uint64_t)strlen(text) : 0);
}

/** Adds a whole number. */
static inline void voicegw_text_add_int(struct voicegw_text *t, int64_t value)
{
    char digits[24];
    uint32_t n = (uint32_t)sizeof digits;
    uint64_t rest = value < 0 ? UINT64_C(0) - (uint64_t)value : (uint64_t)value;
    do {
        digits[--n] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest);
    if (value < 0)
        digits[--n] = '-';
    voicegw_text_addn(t, digits + n, (uint64_t)sizeof digits - n);
}

/** Adds a text percent-encoded for one segment of a path or one value of a query (RFC 3986 section 2: all but
 * unreserved characters), so that no text of a caller can leave its place. NULL reads as "". */
static inline void voicegw_text_add_escaped(struct voicegw_text *t, const char *text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (; text && *text; text++) {
        unsigned char c = (unsigned char)*text;
        char code[3];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
            c == '_' || c == '~') {
            voicegw_text_addn(t, text, 1);
            continue;
        }
        code[0] = '%';
        code[1] = hex[c >> 4];
        code[2] = hex[c & 15];
        voicegw_text_addn(t, code, 3);
    }
}

/** The text's length, or VOICEGW_ELIMIT when it did not fit. */
static inline int64_t voicegw_text_finish(const struct voicegw_text *t)
{
    return t->failed ? (int64_t)VOICEGW_ELIMIT : (int64_t)t->bytes;
}

/** Adds name=value of an application/x-www-form-urlencoded body or a query (WHATWG URL standard, 5.2; a space is %20,
 * which every reader takes as well). A NULL value adds nothing. */
static inline void voicegw_form_add(struct voicegw_text *form, const char *name, const char *value)
{
    if (!value)
        return;
    if (form->pairs++)
        voicegw_text_addn(form, "&", 1);
    voicegw_text_add_escaped(form, name);
    voicegw_text_addn(form, "=", 1);
    voicegw_text_add_escaped(form, value);
}

/** The same for a whole number. */
static inline void voicegw_form_add_int(struct voicegw_text *form, const char *name, int64_t value)
{
    char digits[24];
    struct voicegw_text t = voicegw_text_of(digits, sizeof digits);
    voicegw_text_add_int(&t, value);
    voicegw_form_add(form, name, digits);
}

/** "true" or "false". */
static inline void voicegw_form_add_bool(struct voicegw_text *form, const char *name, uint32_t value)
{
    voicegw_form_add(form, name, value ? "true" : "false");
}

/* Two digits, or -1. */
static inline int32_t voicegw_rest_two_(const char *p)
{
    return p[0] >= '0' && p[0] <= '9' && p[1] >= '0' && p[1] <= '9' ? (p[0] - '0') * 10 + (p[1] - '0') : -1;
}

/* Seconds since 1970 of "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7), or -1. */
static inline int64_t voicegw_rest_date_(const char *text)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int32_t day, month = -1, century, year, hour, minute, second, i;
    int64_t era_year, shifted, days;
    if (strlen(text) != 29 || text[3] != ',' || strcmp(text + 25, " GMT") != 0)
        return -1;
    for (i = 0; i < 12; i++)
        if (memcmp(months + 3 * i, text + 8, 3) == 0)
            month = i + 1;
    day = voicegw_rest_two_(text + 5);
    century = voicegw_rest_two_(text + 12);
    year = voicegw_rest_two_(text + 14);
    hour = voicegw_rest_two_(text + 17);
    minute = voicegw_rest_two_(text + 20);
    second = voicegw_rest_two_(text + 23);
    if (month < 0 || day < 1 || day > 31 || century < 19 || year < 0 || hour < 0 || hour > 23 || minute < 0 ||
        minute > 59 || second < 0 || second > 60)
        return -1;
    /* Days of the proleptic calendar, years that begin in March: the leap day is the last of its year. */
    era_year = (int64_t)century * 100 + year - (month <= 2 ? 1 : 0);
    shifted = month > 2 ? month - 3 : month + 9;
    days = era_year * 365 + era_year / 4 - era_year / 100 + era_year / 400 + (153 * shifted + 2) / 5 + day - 1 - 719468;
    return ((days * 24 + hour) * 60 + minute) * 60 + second;
}

/** What a Retry-After header asks for, in milliseconds from `wall_us` (RFC 9110, 10.2.3: seconds or a date); -1 for
 * none (also NULL) or one that cannot be read. */
static inline int64_t voicegw_retry_after_ms(const char *value, int64_t wall_us)
{
    int64_t n = 0;
    const char *p = value;
    if (!value || !*value)
        return -1;
    for (; *p >= '0' && *p <= '9' && n < 1000000000; p++)
        n = n * 10 + (*p - '0');
    if (*p == '\0')
        return n * 1000;
    n = voicegw_rest_date_(value);
    if (n < 0)
        return -1;
    return n * 1000000 > wall_us ? (n * 1000000 - wall_us) / 1000 : 0;
}

/** The operator's `retry: {max, backoff}`; see voicegw/draft/vendor_options.h. */
struct voicegw_retry {
    uint32_t max;        /* tries after the first */
    uint32_t backoff_ms; /* before the first of them; doubled for each that follows */
};

/** One answer, or the lack of one, as voicegw_retry_decide() judges it. */
struct voicegw_retry_input {
    uint32_t attempt;        /* tries that were made, from 1 */
    int32_t status;          /* of on_done(): 0 when an answer came */
    uint32_t http_status;    /* 0: none */
    uint32_t repeatable;     /* 1: doing it twice is as doing it once (GET, DELETE, an update to a fixed state). 0: only
                              * what the vendor certainly did not do is tried again: 429 and 503 with Retry-After */
    const char *retry_after; /* the header's value, or NULL */
    int64_t wall_us;         /* host->wall_us(), for a Retry-After that names a date */
    uint64_t random;         /* any bits, for the jitter */
};

/** Try again? The milliseconds to wait, or -1: no, what came is the result. Waits double from `backoff_ms` to
 * VOICEGW_REST_BACKOFF_MAX_MS, with a quarter of jitter either way so that many clients do not come back at once; a
 * Retry-After is kept, and one beyond VOICEGW_REST_RETRY_AFTER_MAX_MS ends the tries. */
static inline int64_t voicegw_retry_decide(const struct voicegw_retry *retry, const struct voicegw_retry_input *in)
{
    int64_t asked = voicegw_retry_after_ms(in->retry_after, in->wall_us), wait = retry->backoff_ms;
    uint32_t again, i;
    if (in->attempt == 0 || in->attempt > retry->max)
        return -1;
    if (in->status == 0 && in->http_status == 429)
        again = 1;
    else if (in->status == 0 && in->http_status == 503 && asked >= 0)
        again = 1;
    else if (in->status == 0)
        again = in->repeatable && (in->http_status == 408 || (in->http_status >= 500 && in->http_status != 501));
    else
        again = in->repeatable && (in->status == VOICEGW_ETIMEOUT || in->status == VOICEGW_ENETWORK);
    if (!again || asked > VOICEGW_REST_RETRY_AFTER_MAX_MS)
        return -1;
    for (i = 1; i < in->attempt && wait < VOICEGW_REST_BACKOFF_MAX_MS; i++)
        wait *= 2;
    if (wait > VOICEGW_REST_BACKOFF_MAX_MS)
        wait = VOICEGW_REST_BACKOFF_MAX_MS;
    wait += wait / 2 * (int64_t)(in->random % 1024) / 1024 - wait / 4;
    return asked > wait ? asked : wait;
}

/** The status (voicegw/status.h) of an HTTP answer's code: 0 for 2xx, else what the error table says. */
static inline int32_t voicegw_http_to_status(uint32_t http_status)
{
    if (http_status >= 200 && http_status < 300)
        return VOICEGW_OK;
    switch (http_status) {
    case 0:
        return VOICEGW_ENETWORK;
    case 400:
    case 413:
    case 422:
        return VOICEGW_EINVALID;
    case 401:
    case 403:
        return VOICEGW_EAUTH;
    case 404:
    case 410:
        return VOICEGW_ENOTFOUND;
    case 408:
    case 504:
        return VOICEGW_ETIMEOUT;
    case 409:
        return VOICEGW_EBUSY;
    case 429:
        return VOICEGW_ERATELIMIT;
    case 501:
        return VOICEGW_EUNSUPPORTED;
    default:
        return VOICEGW_EPROVIDER;
    }
}

#endif
