#include "stream_wire.h"

#define IS(literal, p, n) ((n) == sizeof(literal) - 1 && memcmp((p), (literal), sizeof(literal) - 1) == 0)

/* ---- the fast path: one pass over a flat media frame ---- */

struct scan {
    const char *at, *end;
};

static void skip_space(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
        s->at++;
}

/* Takes one punctuation mark and the space around it. */
static int take(struct scan *s, char c)
{
    skip_space(s);
    if (s->at >= s->end || *s->at != c)
        return 0;
    s->at++;
    skip_space(s);
    return 1;
}

/* A string of printable ASCII without escapes. */
static int take_string(struct scan *s, const char **ret, size_t *ret_bytes)
{
    if (s->at >= s->end || *s->at != '"')
        return 0;
    const char *p = ++s->at;
    while (p < s->end && *p != '"' && *p != '\\' && *p >= ' ' && *p <= '~')
        p++;
    if (p >= s->end || *p != '"')
        return 0;
    *ret = s->at;
    *ret_bytes = (size_t)(p - s->at);
    s->at = p + 1;
    return 1;
}

/* "5": digits in quotes, as Twilio sends its numbers. */
static int take_number(struct scan *s, uint64_t *ret)
{
    const char *p;
    size_t n;
    uint64_t v = 0;
    if (!take_string(s, &p, &n) || n == 0 || n > 18)
        return 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return 0;
        v = v * 10 + (uint64_t)(p[i] - '0');
    }
    *ret = v;
    return 1;
}

static int take_payload(struct scan *s, uint8_t *out, size_t cap, uint32_t *ret_bytes)
{
    size_t used;
    if (s->at >= s->end || *s->at != '"')
        return 0;
    s->at++;
    int64_t n = base64_decode(s->at, (size_t)(s->end - s->at), out, cap, &used);
    if (n < 0)
        return 0;
    s->at += used;
    if (s->at >= s->end || *s->at != '"')
        return 0;
    s->at++;
    *ret_bytes = (uint32_t)n;
    return 1;
}

static int take_media(struct scan *s, uint8_t *out, size_t cap, struct stream_media *m)
{
    const char *key, *text;
    size_t key_bytes, bytes;
    int payload = 0;
    if (!take(s, '{'))
        return 0;
    do {
        if (!take_string(s, &key, &key_bytes) || !take(s, ':'))
            return 0;
        if (IS("payload", key, key_bytes)) {
            if (payload++ || !take_payload(s, out, cap, &m->bytes))
                return 0;
        } else if (IS("timestamp", key, key_bytes)) {
            if (!take_number(s, &m->timestamp_ms))
                return 0;
        } else if (IS("chunk", key, key_bytes)) {
            if (!take_number(s, &m->chunk))
                return 0;
        } else if (IS("track", key, key_bytes)) {
            if (!take_string(s, &text, &bytes))
                return 0;
            m->outbound = IS("outbound", text, bytes);
        } else {
            return 0;
        }
    } while (take(s, ','));
    return payload && take(s, '}');
}

int stream_wire_media(const char *text, size_t bytes, uint8_t *out, size_t cap, struct stream_media *ret)
{
    struct scan s = {.at = text, .end = text + bytes};
    struct stream_media m = {0};
    const char *key, *value;
    size_t key_bytes, value_bytes;
    int event = 0, media = 0;
    if (!take(&s, '{'))
        return 0;
    do {
        if (!take_string(&s, &key, &key_bytes) || !take(&s, ':'))
            return 0;
        if (IS("media", key, key_bytes)) {
            if (media++ || !take_media(&s, out, cap, &m))
                return 0;
        } else if (IS("event", key, key_bytes)) {
            if (event++ || !take_string(&s, &value, &value_bytes) || !IS("media", value, value_bytes))
                return 0;
        } else if (IS("sequenceNumber", key, key_bytes)) {
            if (!take_number(&s, &m.sequence))
                return 0;
        } else if (IS("streamSid", key, key_bytes)) {
            if (!take_string(&s, &value, &value_bytes))
                return 0;
        } else {
            return 0;
        }
    } while (take(&s, ','));
    if (!take(&s, '}') || s.at != s.end || !event || !media)
        return 0;
    *ret = m;
    return 1;
}

/* ---- every other frame ---- */

static uint64_t number_of(struct voicegw_json v)
{
    int64_t n = voicegw_json_int(v, 0);
    return n > 0 ? (uint64_t)n : 0;
}

static enum stream_event event_of(struct voicegw_json name)
{
    static const struct {
        const char *name;
        enum stream_event event;
    } known[] = {{"media", STREAM_MEDIA}, {"mark", STREAM_MARK}, {"dtmf", STREAM_DTMF},
                 {"start", STREAM_START}, {"stop", STREAM_STOP}, {"connected", STREAM_CONNECTED}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (voicegw_json_equals(name, known[i].name))
            return known[i].event;
    return STREAM_UNKNOWN;
}

static int32_t parse_start(struct voicegw_json doc, struct stream_wire *w, const char **ret_why)
{
    struct voicegw_json start = voicegw_json_member(doc, "start");
    if (voicegw_json_type(start) != VOICEGW_JSON_OBJECT) {
        *ret_why = "a start frame needs the object start";
        return VOICEGW_EINVALID;
    }
    struct voicegw_json format = voicegw_json_member(start, "mediaFormat");
    if (voicegw_json_type(format) == VOICEGW_JSON_OBJECT &&
        (!voicegw_json_equals(voicegw_json_member(format, "encoding"), "audio/x-mulaw") ||
         voicegw_json_get_int(format, "sampleRate", 0) != 8000 || voicegw_json_get_int(format, "channels", 1) != 1)) {
        *ret_why = "start.mediaFormat must be audio/x-mulaw, 8000 Hz, 1 channel";
        return VOICEGW_EINVALID;
    }
    w->stream_sid = voicegw_json_member(start, "streamSid");
    if (voicegw_json_type(w->stream_sid) != VOICEGW_JSON_STRING)
        w->stream_sid = voicegw_json_member(doc, "streamSid");
    w->call_sid = voicegw_json_member(start, "callSid");
    w->custom = voicegw_json_member(start, "customParameters");
    return VOICEGW_OK;
}

static int32_t parse_media(struct voicegw_json doc, struct stream_wire *w, const char **ret_why)
{
    struct voicegw_json media = voicegw_json_member(doc, "media");
    w->payload = voicegw_json_member(media, "payload");
    if (voicegw_json_type(w->payload) != VOICEGW_JSON_STRING) {
        *ret_why = "a media frame needs the text media.payload";
        return VOICEGW_EINVALID;
    }
    w->media.sequence = number_of(voicegw_json_member(doc, "sequenceNumber"));
    w->media.chunk = number_of(voicegw_json_member(media, "chunk"));
    w->media.timestamp_ms = number_of(voicegw_json_member(media, "timestamp"));
    w->media.outbound = voicegw_json_equals(voicegw_json_member(media, "track"), "outbound");
    return VOICEGW_OK;
}

int32_t stream_wire_parse(const char *text, size_t bytes, struct stream_wire *ret, const char **ret_why)
{
    struct stream_wire w = {0};
    int32_t rc = VOICEGW_OK;
    if (!voicegw_json_valid(text, bytes)) {
        *ret_why = "a frame must be one JSON object in UTF-8";
        return VOICEGW_EINVALID;
    }
    struct voicegw_json doc = voicegw_json_ofn(text, bytes);
    struct voicegw_json name = voicegw_json_member(doc, "event");
    if (voicegw_json_type(name) != VOICEGW_JSON_STRING) {
        *ret_why = "a frame must be an object with the text event";
        return VOICEGW_EINVALID;
    }
    w.event = event_of(name);
    switch (w.event) {
    case STREAM_START:
        rc = parse_start(doc, &w, ret_why);
        break;
    case STREAM_MEDIA:
        rc = parse_media(doc, &w, ret_why);
        break;
    case STREAM_DTMF:
        w.digit = voicegw_json_member(voicegw_json_member(doc, "dtmf"), "digit");
        break;
    case STREAM_MARK:
        w.mark = voicegw_json_member(voicegw_json_member(doc, "mark"), "name");
        break;
    case STREAM_UNKNOWN:
    case STREAM_CONNECTED:
    case STREAM_STOP:
        break;
    }
    if (w.event == STREAM_DTMF &&
        (w.digit.bytes != 3 || !strchr("0123456789*#ABCD", w.digit.text[1]) || w.digit.text[0] != '"')) {
        *ret_why = "dtmf.digit must be one of 0-9 * # A-D";
        rc = VOICEGW_EINVALID;
    }
    if (w.event == STREAM_MARK && voicegw_json_type(w.mark) != VOICEGW_JSON_STRING) {
        *ret_why = "a mark frame needs the text mark.name";
        rc = VOICEGW_EINVALID;
    }
    if (rc == VOICEGW_OK)
        *ret = w;
    return rc;
}

/* ---- to the far side ---- */

int stream_wire_sid_valid(const char *sid)
{
    size_t n = 0;
    for (; sid[n]; n++) {
        char c = sid[n];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
              c == '.'))
            return 0;
    }
    return n > 0 && n < STREAM_SID_CAP;
}

size_t stream_wire_prefix(const char *sid, char *out)
{
    return (size_t)snprintf(out, STREAM_PREFIX_CAP,
                            "{\"event\":\"media\",\"streamSid\":\"%s\",\"media\":{\"payload\":\"", sid);
}

size_t stream_wire_put_media(const char *prefix, size_t prefix_bytes, const uint8_t *data, size_t bytes, char *out)
{
    memcpy(out, prefix, prefix_bytes);
    size_t n = prefix_bytes + base64_encode(data, bytes, out + prefix_bytes);
    for (const char *end = "\"}}"; *end; end++)
        out[n++] = *end;
    return n;
}

static size_t fitting(int n, size_t cap)
{
    return n > 0 && (size_t)n < cap ? (size_t)n : 0;
}

size_t stream_wire_put_mark(const char *sid, uint64_t mark_id, char *out, size_t cap)
{
    return fitting(snprintf(out, cap, "{\"event\":\"mark\",\"streamSid\":\"%s\",\"mark\":{\"name\":\"vgw-%llu\"}}", sid,
                            (unsigned long long)mark_id),
                   cap);
}

size_t stream_wire_put_clear(const char *sid, char *out, size_t cap)
{
    return fitting(snprintf(out, cap, "{\"event\":\"clear\",\"streamSid\":\"%s\"}", sid), cap);
}

uint64_t stream_wire_mark_id(struct voicegw_json name)
{
    char text[32];
    uint64_t id = 0;
    if (voicegw_json_string(name, text, sizeof text) < 5 || memcmp(text, "vgw-", 4) != 0)
        return 0;
    for (const char *p = text + 4; *p; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (*p < '0' || *p > '9' || id > (UINT64_MAX - digit) / 10)
            return 0;
        id = id * 10 + digit;
    }
    return id;
}
