/* sse.c - server-sent events, octet by octet. */
#include "sse.h"
#include <stdlib.h>
#include <string.h>

static int32_t add(char **to, uint64_t *len, uint64_t *cap, const char *data, uint64_t bytes)
{
    uint64_t need = *len + bytes + 1, room = *cap ? *cap : 256;
    char *grown;
    if (need > SSE_EVENT_MAX)
        return VOICEGW_ELIMIT;
    while (room < need)
        room *= 2;
    if (room > *cap) {
        grown = realloc(*to, room);
        if (!grown)
            return VOICEGW_ELIMIT;
        *to = grown;
        *cap = room;
    }
    memcpy(*to + *len, data, bytes);
    *len += bytes;
    (*to)[*len] = '\0';
    return VOICEGW_OK;
}

static int32_t dispatch(struct sse *s, sse_on_event on_event, void *arg)
{
    int32_t status = VOICEGW_OK;
    if (s->has_data) {
        s->events++;
        status = on_event(arg, s->event, s->bytes ? s->data : "", s->bytes);
    }
    s->bytes = 0;
    s->has_data = 0;
    s->event[0] = '\0';
    return status;
}

static uint32_t is_field(const char *line, uint64_t name_bytes, const char *name)
{
    return name_bytes == strlen(name) && memcmp(line, name, name_bytes) == 0;
}

/* A whole line, without its end. */
static int32_t take_line(struct sse *s, sse_on_event on_event, void *arg)
{
    const char *line = s->line_bytes ? s->line : "", *colon = memchr(line, ':', s->line_bytes), *value;
    uint64_t n = s->line_bytes, name = colon ? (uint64_t)(colon - line) : n, bytes;
    int32_t status = VOICEGW_OK;
    s->line_bytes = 0;
    if (n == 0)
        return dispatch(s, on_event, arg);
    value = colon ? colon + 1 : line + n;
    bytes = n - (uint64_t)(value - line);
    if (bytes && *value == ' ') {
        value++;
        bytes--;
    }
    if (is_field(line, name, "data")) {
        if (s->has_data)
            status = add(&s->data, &s->bytes, &s->cap, "\n", 1);
        s->has_data = 1;
        if (status == VOICEGW_OK)
            status = add(&s->data, &s->bytes, &s->cap, value, bytes);
    } else if (is_field(line, name, "event")) {
        if (bytes >= sizeof s->event)
            bytes = sizeof s->event - 1;
        memcpy(s->event, value, bytes);
        s->event[bytes] = '\0';
    }
    return status;
}

/* Octets up to the next line end, which is not among them. */
static int32_t take_part(struct sse *s, const char *data, uint64_t bytes)
{
    int32_t status = add(&s->line, &s->line_bytes, &s->line_cap, data, bytes);
    if (status == VOICEGW_OK && !s->begun && s->line_bytes >= 3) {
        s->begun = 1;
        if (memcmp(s->line, "\xef\xbb\xbf", 3) == 0) {
            memmove(s->line, s->line + 3, s->line_bytes - 3);
            s->line_bytes -= 3;
        }
    }
    return status;
}

int32_t sse_feed(struct sse *s, const void *data, uint64_t bytes, sse_on_event on_event, void *arg)
{
    const char *p = data, *end = p + bytes;
    int32_t status = VOICEGW_OK;
    while (p < end && !s->stopped && status == VOICEGW_OK) {
        const char *from = p;
        if (s->was_cr && *p == '\n') {
            s->was_cr = 0;
            p++;
            continue;
        }
        s->was_cr = 0;
        while (p < end && *p != '\r' && *p != '\n')
            p++;
        if (p > from)
            status = take_part(s, from, (uint64_t)(p - from));
        if (p < end && status == VOICEGW_OK) {
            s->was_cr = *p++ == '\r';
            s->begun = 1;
            status = take_line(s, on_event, arg);
        }
    }
    if (status != VOICEGW_OK)
        s->stopped = 1;
    return status;
}

int32_t sse_finish(struct sse *s, sse_on_event on_event, void *arg)
{
    int32_t status = s->stopped ? VOICEGW_OK : dispatch(s, on_event, arg);
    s->line_bytes = 0;
    s->stopped = 1;
    return status;
}

void sse_done(struct sse *s)
{
    free(s->data);
    free(s->line);
    memset(s, 0, sizeof *s);
}
