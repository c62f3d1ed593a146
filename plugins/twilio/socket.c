/* socket.c - what Twilio says on a media stream's WebSocket. All on the worker of the leg.
 * Source: twilio.com/docs/voice/media-streams/websocket-messages. */
#include <stdlib.h>
#include <string.h>
#include "stream.h"

#define EARLY_FRAME 160u

static void refuse(struct stream_socket *k, uint32_t code, const char *why)
{
    struct twilio *m = k->m;
    k->closing = 1;
    (void)m->ws->close(m->host, k->ws, code, why);
}

/* A frame that is not as it should be: forgiven a few times. */
static void complain(struct stream_socket *k, uint32_t code, const char *why)
{
    struct twilio *m = k->m;
    m->host->count(m->host, "bad_frames", 1);
    if (++k->errors > STREAM_ERRORS_MAX)
        refuse(k, code, why);
}

/* ---- audio ---- */

/* 0: the frame is late or came before; gaps are counted. */
static int in_order(struct stream_socket *k, const struct stream_media *media)
{
    struct twilio *m = k->m;
    if (media->chunk == 0)
        return 1; /* a sender that does not count */
    if (k->last_chunk && media->chunk <= k->last_chunk) {
        m->host->count(m->host, "late_frames", 1);
        return 0;
    }
    if (k->last_chunk && media->chunk > k->last_chunk + 1)
        m->host->count(m->host, "missing_frames", media->chunk - k->last_chunk - 1);
    k->last_chunk = media->chunk;
    return 1;
}

static void hand_over(struct stream_socket *k, const uint8_t *audio, uint32_t bytes, uint64_t at, uint32_t sequence)
{
    struct twilio *m = k->m;
    const struct voicegw_frame frame = {.size = sizeof frame,
                                        .encoding = VOICEGW_AUDIO_PCMU,
                                        .rate = 8000,
                                        .timestamp = at,
                                        .sequence = sequence,
                                        .data = audio,
                                        .bytes = bytes,
                                        .samples = bytes};
    (void)m->media->on_frame(m->host, k->stream->leg, &frame);
}

/* The first words may come before the gateway has made the call's conversation. */
static void keep_early(struct twilio_stream *s, const uint8_t *audio, uint32_t bytes)
{
    if (!s->early)
        s->early = malloc(STREAM_EARLY_MAX);
    if (!s->early || bytes > STREAM_EARLY_MAX - s->early_bytes) {
        twilio_stream_ready(s->m, s->leg); /* it need not wait for ever */
        return;
    }
    memcpy(s->early + s->early_bytes, audio, bytes);
    s->early_bytes += bytes;
}

void twilio_stream_ready(struct twilio *m, uint64_t leg)
{
    struct twilio_stream *s = twilio_stream_of(m, leg);
    if (!s)
        return;
    s->ready = 1;
    for (uint32_t at = 0; s->live && at < s->early_bytes; at += EARLY_FRAME) {
        uint32_t left = s->early_bytes - at;
        hand_over(s->live, s->early + at, left < EARLY_FRAME ? left : EARLY_FRAME, at, at / EARLY_FRAME + 1);
    }
    free(s->early);
    s->early = NULL;
    s->early_bytes = 0;
}

static void deliver(struct stream_socket *k, const struct stream_media *media, const uint8_t *audio)
{
    if (media->outbound || media->bytes == 0 || !in_order(k, media))
        return;
    if (!k->based) {
        k->based = 1;
        k->base_ms = media->timestamp_ms;
    }
    /* The sender's clock, but never backwards. */
    uint64_t at = media->timestamp_ms >= k->base_ms ? (media->timestamp_ms - k->base_ms) * 8u : 0;
    if (at < k->next_sample)
        at = k->next_sample;
    k->next_sample = at + media->bytes;
    if (k->stream->ready)
        hand_over(k, audio, media->bytes, at, (uint32_t)(media->chunk ? media->chunk : media->sequence));
    else
        keep_early(k->stream, audio, media->bytes);
}

/* A payload that the fast path left: escapes in it, very long, or broken. */
static void on_media(struct stream_socket *k, struct stream_wire *w)
{
    size_t cap = (size_t)w->payload.bytes, used = 0;
    char *text = malloc(cap * 2);
    if (!text) {
        complain(k, 1011, "out of memory");
        return;
    }
    uint8_t *audio = (uint8_t *)text + cap;
    int64_t n = voicegw_json_string(w->payload, text, cap);
    int64_t bytes = n < 0 ? -1 : base64_decode(text, (size_t)n, audio, cap, &used);
    if (bytes < 0 || used != (size_t)n) {
        complain(k, 1007, "media.payload must be base64");
    } else {
        w->media.bytes = (uint32_t)bytes;
        deliver(k, &w->media, audio);
    }
    free(text);
}

/* ---- the start ---- */

/* What the call says of a stream that shows this token. */
struct proof {
    uint32_t known, is_token, said;
    enum twilio_auth auth;
    char sid[TWILIO_SID_CAP], token[TWILIO_REF_CAP];
};

static struct proof look(struct twilio_stream *s)
{
    struct twilio *m = s->m;
    struct proof p = {.known = 0};
    (void)pthread_mutex_lock(&m->lock);
    const struct twilio_call *c = twilio_call_of(m, s->call);
    if (c) {
        p.known = 1;
        p.auth = c->auth;
        p.said = c->said;
        memcpy(p.token, c->token, sizeof p.token);
        memcpy(p.sid, c->sid, sizeof p.sid);
    }
    (void)pthread_mutex_unlock(&m->lock);
    return p;
}

static int same_token(struct twilio *m, const char *expected, const char *shown)
{
    if (strlen(expected) != TWILIO_REF_CAP - 1 || strlen(shown) != TWILIO_REF_CAP - 1)
        return 0;
    return m->crypto ? m->crypto->equal(m->host, expected, shown, TWILIO_REF_CAP - 1) == 1
                     : memcmp(expected, shown, TWILIO_REF_CAP - 1) == 0;
}

static const char *refusal(struct stream_socket *k, const struct stream_wire *w, struct proof *p)
{
    char shown[TWILIO_REF_CAP + 8] = "", sid[TWILIO_SID_CAP + 8] = "";
    if (!p->known)
        return "the call is over";
    (void)voicegw_json_string(voicegw_json_member(w->custom, "token"), shown, sizeof shown);
    if (w->call_sid.text && voicegw_json_string(w->call_sid, sid, sizeof sid) < 0)
        return "callSid must have 1 to 64 letters and digits";
    if (sid[0] && p->sid[0] && strcmp(sid, p->sid) != 0)
        return "this is another call's stream";
    p->is_token = same_token(k->m, p->token, shown) != 0;
    if (p->auth == AUTH_NONE || (p->auth == AUTH_EITHER && (p->is_token || k->is_signed)) ||
        (p->auth == AUTH_BOTH && p->is_token && k->is_signed) || (p->auth == AUTH_TOKEN && p->is_token) ||
        (p->auth == AUTH_SIGNATURE && k->is_signed))
        return NULL;
    return p->auth == AUTH_TOKEN || p->auth == AUTH_BOTH
               ? "the stream must show its call's token as the parameter token"
               : "the stream must show its call's token, or carry Twilio's signature";
}

static void take_slot(struct twilio_stream *s)
{
    struct twilio *m = s->m;
    (void)pthread_mutex_lock(&m->lock);
    struct twilio_call *c = twilio_call_of(m, s->call);
    if (c) {
        c->stream = s;
        c->leg = s->leg;
        c->proven = 1;
        c->detour = 0;
        c->token[0] = '\0'; /* good once */
    }
    (void)pthread_mutex_unlock(&m->lock);
}

static void tell_connected(struct twilio_stream *s, const struct proof *p, const char *sid)
{
    struct twilio *m = s->m;
    char json[512];
    struct voicegw_json_writer out = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&out, NULL);
    voicegw_json_put_string(&out, "stream_sid", sid);
    if (p->sid[0])
        voicegw_json_put_string(&out, "call_sid", p->sid);
    voicegw_json_put_string(&out, "transport", "twilio_stream");
    if (p->said)
        voicegw_json_put_bool(&out, "greeting_said", 1);
    voicegw_json_put_end(&out);
    const struct voicegw_call_state state = {.size = sizeof state,
                                             .state = VOICEGW_CALL_CONNECTED,
                                             .data_json = voicegw_json_finish(&out) > 0 ? json : NULL};
    (void)m->provider->on_state(m->host, s->call, &state);
}

/* Who was told to wait, for want of room or of a stream as while the call was held, may send again. */
static void take_again(struct twilio_stream *s)
{
    if (!s->waiting)
        return;
    s->waiting = 0;
    (void)s->m->media->on_writable(s->m->host, s->leg);
}

/* Twilio is at another document by now: the socket that it left there may not have closed yet. */
static void supersede(struct twilio_stream *s)
{
    struct twilio *m = s->m;
    struct stream_socket *k = s->live;
    (void)pthread_mutex_lock(&m->lock);
    const struct twilio_call *c = twilio_call_of(m, s->call);
    int left = c && c->detour;
    (void)pthread_mutex_unlock(&m->lock);
    if (!k || !left)
        return;
    k->closing = 1;
    s->live = NULL;
    stream_flush_marks(s);
    (void)m->ws->close(m->host, k->ws, 1000, "another stream of the call has come");
}

static void on_start(struct stream_socket *k, const struct stream_wire *w)
{
    struct twilio_stream *s = k->stream;
    struct twilio *m = k->m;
    char sid[STREAM_SID_CAP];
    if (s->live == k) {
        complain(k, 1008, "a stream starts once");
        return;
    }
    if (voicegw_json_string(w->stream_sid, sid, sizeof sid) < 0 || !stream_wire_sid_valid(sid)) {
        refuse(k, 1008, "streamSid must have 1 to 64 of letters, digits, '_', '-', '.'");
        return;
    }
    struct proof p = look(s);
    const char *why = refusal(k, w, &p);
    if (!why)
        supersede(s);
    if (!why && (s->live || m->route->prove(m->host, k->ws, s->leg) != VOICEGW_OK))
        why = "another stream holds this call";
    if (why) {
        m->host->count(m->host, "streams_refused", 1);
        refuse(k, 1008, why);
        return;
    }
    memcpy(k->sid, sid, sizeof sid);
    k->prefix_bytes = stream_wire_prefix(sid, k->prefix);
    s->live = k;
    s->clear_owed = 0;
    take_slot(s);
    twilio_call_notify(m, s->call, 'u', NULL);
    tell_connected(s, &p, sid);
    const struct voicegw_audio_format format = {
        .size = sizeof format, .encoding = VOICEGW_AUDIO_PCMU, .rate = 8000, .frame_ms = 20};
    (void)m->media->on_format(m->host, s->leg, &format);
    take_again(s);
    if (!s->ready)
        twilio_call_notify(m, s->call, 'g', NULL);
}

/* ---- all frames ---- */

static void on_other(struct stream_socket *k, const char *text, size_t bytes)
{
    struct twilio *m = k->m;
    struct stream_wire w;
    const char *why = "";
    char digit[2] = "";
    if (stream_wire_parse(text, bytes, &w, &why) != VOICEGW_OK) {
        complain(k, 1007, why);
        return;
    }
    if (w.event != STREAM_CONNECTED && w.event != STREAM_START && w.event != STREAM_UNKNOWN && k->stream->live != k) {
        complain(k, 1008, "a stream begins with a start frame");
        return;
    }
    switch (w.event) {
    case STREAM_CONNECTED:
        return;
    case STREAM_START:
        on_start(k, &w);
        return;
    case STREAM_MEDIA:
        on_media(k, &w);
        return;
    case STREAM_DTMF:
        digit[0] = w.digit.text[1];
        (void)m->media->on_dtmf(m->host, k->stream->leg, digit, 0, "stream");
        return;
    case STREAM_MARK:
        stream_marked(k->stream, stream_wire_mark_id(w.mark));
        return;
    case STREAM_STOP:
        k->stopped = 1;
        stream_ended(k->stream, 's', "the stream was stopped");
        return;
    case STREAM_UNKNOWN:
        complain(k, 1008, "the event is none of connected, start, media, dtmf, mark, stop");
        return;
    }
}

void stream_found(struct stream_socket *k, struct twilio_stream *s)
{
    char *start = k->start;
    k->stream = s;
    k->next = s->sockets;
    s->sockets = k;
    k->start = NULL;
    on_other(k, start, k->start_bytes);
    free(start);
    if (s->live == k && !s->ready && !s->early) {
        s->early = k->early;
        s->early_bytes = k->early_bytes;
        k->early = NULL;
    }
}

static void socket_message(void *arg, uint64_t ws, uint32_t kind, const void *data, uint64_t bytes)
{
    struct stream_socket *k = arg;
    uint8_t audio[STREAM_FAST_PAYLOAD];
    struct stream_media media;
    (void)ws;
    if (k->place && !k->stream && !k->closing) {
        const char *why = kind == VOICEGW_WS_TEXT ? stream_late_message(k, data, (size_t)bytes) : "frames are text";
        if (why)
            refuse(k, 1008, why);
        return;
    }
    if (!k->stream || k->closing || k->stopped)
        return;
    if (kind != VOICEGW_WS_TEXT)
        complain(k, 1003, "frames are text");
    else if (k->stream->live == k && stream_wire_media(data, (size_t)bytes, audio, sizeof audio, &media))
        deliver(k, &media, audio);
    else
        on_other(k, data, (size_t)bytes);
}

static void socket_writable(void *arg, uint64_t ws)
{
    struct stream_socket *k = arg;
    struct twilio_stream *s = k->stream;
    (void)ws;
    if (s && s->live == k && stream_settle(s) == VOICEGW_OK)
        take_again(s);
}

static void leave_slot(struct twilio_stream *s)
{
    struct twilio *m = s->m;
    (void)pthread_mutex_lock(&m->lock);
    struct twilio_call *c = twilio_call_of(m, s->call);
    if (c)
        c->proven = 0;
    (void)pthread_mutex_unlock(&m->lock);
}

static void socket_close(void *arg, uint64_t ws, uint32_t code, const char *reason)
{
    struct stream_socket *k = arg;
    struct twilio *m = k->m;
    struct twilio_stream *s = k->stream;
    (void)ws;
    (void)code;
    (void)reason;
    if (s) {
        struct stream_socket **at = &s->sockets;
        while (*at != k)
            at = &(*at)->next;
        *at = k->next;
        if (s->live == k) {
            s->live = NULL;
            stream_flush_marks(s);
            leave_slot(s);
            if (!k->stopped)
                stream_ended(s, 'l', "the stream was lost");
        }
    }
    stream_late_remove(k);
    free(k);
    twilio_live(m, -1);
}

static void *socket_open(void *instance, uint64_t ws, uint64_t leg, void *stream)
{
    struct twilio *m = instance;
    struct twilio_stream *s = stream;
    struct stream_socket *k = calloc(1, sizeof *k);
    if (!k)
        return NULL;
    k->m = m;
    k->stream = s;
    k->ws = ws;
    k->is_signed = (m->route->tag_of(m->host, ws) & 1u) != 0;
    if (s) {
        k->next = s->sockets;
        s->sockets = k;
    } else {
        k->place = leg;
        stream_late_add(k);
    }
    twilio_live(m, 1);
    return k;
}

const struct voicegw_ws_route twilio_socket_route = {.size = sizeof twilio_socket_route,
                                                     .flags = VOICEGW_ROUTE_PUBLIC,
                                                     .on_upgrade = twilio_upgrade,
                                                     .on_open = socket_open,
                                                     .events = {.size = sizeof(struct voicegw_ws_events),
                                                                .on_message = socket_message,
                                                                .on_writable = socket_writable,
                                                                .on_close = socket_close}};
