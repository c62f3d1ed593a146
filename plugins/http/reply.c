/* reply.c - answers of a service, piece by piece. */
#include "reply.h"
#include <stdlib.h>
#include <string.h>

#define KNOWN_BYTES 9 /* of the beginning, to tell the kinds apart */

static int32_t refuse(struct reply *r, int32_t status, const char *why)
{
    r->why = why;
    return status;
}

static int32_t keep(struct reply *r, const char *data, uint64_t bytes)
{
    uint64_t want = r->cap ? r->cap : 1024;
    if (r->bytes + bytes > REPLY_OBJECT_MAX)
        return refuse(r, VOICEGW_ELIMIT, "the service sent an object that is longer than is taken in");
    while (want < r->bytes + bytes + 1)
        want *= 2;
    if (want > r->cap) {
        char *grown = realloc(r->object, want);
        if (!grown)
            return refuse(r, VOICEGW_ELIMIT, "out of memory");
        r->object = grown;
        r->cap = want;
    }
    memcpy(r->object + r->bytes, data, bytes);
    r->bytes += bytes;
    r->object[r->bytes] = '\0';
    return VOICEGW_OK;
}

static int32_t say(struct reply *r, const char *text, uint64_t bytes)
{
    if (!bytes)
        return VOICEGW_OK;
    r->said += bytes;
    if (r->said > REPLY_TEXT_MAX)
        return refuse(r, VOICEGW_ELIMIT, "the service's answer is longer than is taken in");
    r->sink.on_text(r->sink.arg, text);
    return VOICEGW_OK;
}

/* ---- objects ---- */

static int32_t take_action(struct reply *r, struct voicegw_json v)
{
    struct voicegw_json params = voicegw_json_member(v, "params");
    char action[32], *text = NULL;
    if (voicegw_json_get_string(v, "action", action, sizeof action) < 0)
        return refuse(r, VOICEGW_EPROVIDER, "the service sent an action without its name");
    if (voicegw_json_type(params) == VOICEGW_JSON_OBJECT) {
        text = malloc(params.bytes + 1);
        if (!text)
            return refuse(r, VOICEGW_ELIMIT, "out of memory");
        (void)voicegw_json_raw(params, text, params.bytes + 1);
    }
    r->sink.on_action(r->sink.arg, action, text);
    free(text);
    return VOICEGW_OK;
}

static int32_t take_object(struct reply *r, const char *data, uint64_t bytes)
{
    struct voicegw_json doc = voicegw_json_ofn(data, bytes);
    if (!voicegw_json_valid(data, bytes))
        return refuse(r, VOICEGW_EPROVIDER, "the service sent JSON that is broken");
    if (voicegw_json_type(voicegw_json_member(doc, "error")) > VOICEGW_JSON_NULL)
        return refuse(r, VOICEGW_EPROVIDER, "the service says that it has failed");
    struct voicegw_json said = voicegw_json_member(doc, "text");
    int32_t status = VOICEGW_OK;
    if (voicegw_json_type(said) == VOICEGW_JSON_STRING) {
        char *text = malloc(said.bytes + 1);
        int64_t n = text ? voicegw_json_string(said, text, said.bytes + 1) : VOICEGW_ELIMIT;
        status = n < 0 ? refuse(r, (int32_t)n, "the service sent text that is broken") : say(r, text, (uint64_t)n);
        free(text);
    }
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_member(doc, "actions"));
    while (status == VOICEGW_OK && voicegw_json_next(&it))
        status = take_action(r, it.value);
    if (status == VOICEGW_OK && voicegw_json_type(voicegw_json_member(doc, "action")) == VOICEGW_JSON_STRING)
        status = take_action(r, doc);
    return status;
}

/* Objects behind one another, however their lines are broken. */
static int32_t feed_json(struct reply *r, const char *data, uint64_t bytes)
{
    int32_t status = VOICEGW_OK;
    for (uint64_t i = 0, from = 0; data && i < bytes && status == VOICEGW_OK; i++) {
        char c = data[i];
        uint32_t ends = 0;
        if (r->depth == 0) {
            from = i;
            if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
                continue;
            if (c != '{')
                return refuse(r, VOICEGW_EPROVIDER, "the service sent what is no JSON object");
            r->depth = 1;
        } else if (r->in_string) {
            r->in_string = r->escaped || c != '"';
            r->escaped = !r->escaped && c == '\\';
        } else if (c == '"') {
            r->in_string = 1;
        } else if (c == '{' || c == '[') {
            r->depth++;
        } else if (c == '}' || c == ']') {
            ends = --r->depth == 0;
        }
        if (!ends && i + 1 < bytes)
            continue;
        status = keep(r, data + from, i + 1 - from);
        from = i + 1;
        if (status == VOICEGW_OK && ends) {
            status = take_object(r, r->object, r->bytes);
            r->bytes = 0;
        }
    }
    return status;
}

/* ---- plain text ---- */

/* How many of these bytes are whole characters; -1: no UTF-8. */
static int64_t whole_characters(const char *data, uint64_t bytes)
{
    uint64_t at = 0;
    while (at < bytes) {
        uint32_t n = voicegw_json_utf8_len_(data + at, data + bytes);
        if (n == 0 || data[at] == '\0') {
            unsigned char lead = (unsigned char)data[at];
            uint32_t need = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
            return lead >= 0xc2 && lead <= 0xf4 && bytes - at < need ? (int64_t)at : -1;
        }
        at += n;
    }
    return (int64_t)at;
}

static int32_t feed_text(struct reply *r, const char *data, uint64_t bytes)
{
    uint64_t n = r->tail_bytes + bytes;
    char *text = malloc(n + 1);
    if (!text)
        return refuse(r, VOICEGW_ELIMIT, "out of memory");
    memcpy(text, r->tail, r->tail_bytes);
    if (data && bytes)
        memcpy(text + r->tail_bytes, data, bytes);
    int64_t whole = whole_characters(text, n);
    int32_t status = whole < 0 ? refuse(r, VOICEGW_EPROVIDER, "the service sent text that is no UTF-8") : VOICEGW_OK;
    if (status == VOICEGW_OK) {
        r->tail_bytes = (uint32_t)(n - (uint64_t)whole);
        memcpy(r->tail, text + whole, r->tail_bytes);
        text[whole] = '\0';
        status = say(r, text, (uint64_t)whole);
    }
    free(text);
    return status;
}

/* ---- events ---- */

static int32_t on_event(void *arg, const char *event, const char *data, uint64_t bytes)
{
    struct reply *r = arg;
    if (bytes == 6 && memcmp(data, "[DONE]", 6) == 0)
        return VOICEGW_OK;
    if (bytes && data[0] == '{')
        return take_object(r, data, bytes);
    if (whole_characters(data, bytes) != (int64_t)bytes)
        return refuse(r, VOICEGW_EPROVIDER, "the service sent text that is no UTF-8");
    return say(r, data, bytes);
}

/* ---- all kinds ---- */

static enum reply_kind kind_of(const char *text, uint64_t bytes)
{
    static const char *const fields[] = {":", "data:", "event:", "id:", "retry:"};
    if (bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        bytes -= 3;
    }
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (bytes >= strlen(fields[i]) && memcmp(text, fields[i], strlen(fields[i])) == 0)
            return REPLY_EVENTS;
    return bytes && *text == '{' ? REPLY_JSON : REPLY_TEXT;
}

static int32_t feed_known(struct reply *r, const char *data, uint64_t bytes)
{
    if (r->kind == REPLY_JSON)
        return feed_json(r, data, bytes);
    if (r->kind == REPLY_TEXT)
        return feed_text(r, data, bytes);
    int32_t status = sse_feed(&r->sse, data, bytes, on_event, r);
    if (status < 0 && !r->why)
        r->why = "the service sent an event that is longer than is taken in";
    return status;
}

/* The beginning is there: what it is decides how it is read. */
static int32_t begin(struct reply *r)
{
    char *head = r->object;
    uint64_t bytes = r->bytes;
    r->kind = kind_of(head ? head : "", bytes);
    r->object = NULL;
    r->bytes = r->cap = 0;
    int32_t status = VOICEGW_OK;
    if (r->kind == REPLY_TEXT && bytes && head && *head == '<')
        status = refuse(r, VOICEGW_EPROVIDER, "the service sent a page where words to say were expected");
    else if (bytes)
        status = feed_known(r, head, bytes);
    free(head);
    return status;
}

static uint32_t is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int32_t reply_feed(struct reply *r, const void *data, uint64_t bytes)
{
    const char *p = data;
    while (bytes && r->kind == REPLY_AUTO && !r->bytes && is_blank(*p)) { /* an answer begins with what is none */
        p++;
        bytes--;
    }
    if (!bytes)
        return VOICEGW_OK;
    if (r->kind != REPLY_AUTO)
        return feed_known(r, p, bytes);
    int32_t status = keep(r, p, bytes);
    return status < 0 || r->bytes < KNOWN_BYTES ? status : begin(r);
}

int32_t reply_finish(struct reply *r)
{
    int32_t status = r->kind == REPLY_AUTO ? begin(r) : VOICEGW_OK;
    if (status == VOICEGW_OK && r->kind == REPLY_EVENTS)
        status = sse_finish(&r->sse, on_event, r);
    if (status == VOICEGW_OK && (r->depth || r->tail_bytes))
        status = refuse(r, VOICEGW_EPROVIDER, "the service's answer ends in the middle");
    return status;
}

void reply_done(struct reply *r)
{
    sse_done(&r->sse);
    free(r->object);
    memset(r, 0, sizeof *r);
}
