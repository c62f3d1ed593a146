/* stream.c - media of a call: a WebSocket in Twilio's format, or a simulated caller. All on the worker of its leg. */
#include <stdlib.h>
#include <string.h>
#include "mock.h"
#include "stream_wire.h"

#define MARKS_MAX 32u
#define ERRORS_MAX 10u   /* bad frames that a socket is forgiven */
#define FRAME_FAST 2400u /* audio bytes of a frame that is formatted on the stack: 300 ms */
#define FRAME_MAX 16000u /* and at most: 2 s */

struct mark {
    uint64_t id;
    uint32_t sent;
};

struct socket {
    struct socket *next;
    struct mock *mock;
    struct mock_stream *stream; /* NULL once the leg has ended */
    uint64_t ws;
    uint32_t errors, closing, based;
    uint64_t base_ms, next_sample;
    size_t prefix_bytes;
    char sid[STREAM_SID_CAP];
    char prefix[STREAM_PREFIX_CAP];
};

struct mock_stream {
    struct mock_stream *next; /* in its bucket, under the lock */
    struct mock *mock;
    uint64_t leg, call;
    struct mock_caller *caller;
    struct socket *sockets, *live; /* live: the one that proved itself */
    uint64_t flush_timer;
    uint32_t waiting; /* the host was told to wait for on_writable() */
    uint32_t clear_owed, told_end, flushing;
    uint32_t mark_count;
    struct mark *marks; /* MARKS_MAX of them, from the first on */
};

static struct mock_stream **bucket(struct mock *m, uint64_t leg)
{
    return &m->streams[(leg ^ (leg >> 32) * 31u) % MOCK_BUCKETS];
}

struct mock_caller *mock_stream_caller(struct mock *m, uint64_t leg)
{
    (void)pthread_mutex_lock(&m->lock);
    struct mock_stream *s = *bucket(m, leg);
    while (s && s->leg != leg)
        s = s->next;
    (void)pthread_mutex_unlock(&m->lock);
    return s ? s->caller : NULL;
}

/* ---- attach, detach ---- */

static struct mock_call *meet(struct mock_stream *s, struct mock_script **ret_script,
                              struct mock_settings **ret_settings, struct mock_news **ret_early)
{
    struct mock *m = s->mock;
    (void)pthread_mutex_lock(&m->lock);
    struct mock_call *c = mock_call_of(m, s->call);
    s->next = *bucket(m, s->leg);
    *bucket(m, s->leg) = s;
    if (c && c->handle) {
        c->stream = s;
        c->leg = s->leg;
        if (c->simulated) {
            *ret_settings = c->settings;
            c->settings->refs++;
            *ret_script = c->script;
            if (c->script)
                c->script->refs++;
        }
        *ret_early = c->early;
        c->early = NULL;
        c->early_end = &c->early;
        c->early_count = MOCK_EARLY_MAX;
    }
    (void)pthread_mutex_unlock(&m->lock);
    return c;
}

static void part(struct mock_stream *s)
{
    struct mock *m = s->mock;
    (void)pthread_mutex_lock(&m->lock);
    struct mock_stream **at = bucket(m, s->leg);
    while (*at && *at != s)
        at = &(*at)->next;
    if (*at)
        *at = s->next;
    struct mock_call *c = mock_call_of(m, s->call);
    if (c && c->stream == s) {
        c->stream = NULL;
        c->leg = 0;
        c->proven = 0;
    }
    (void)pthread_mutex_unlock(&m->lock);
}

static int offers_pcmu(const struct voicegw_audio_format *formats, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (formats[i].encoding == VOICEGW_AUDIO_PCMU && formats[i].rate == 8000)
            return 1;
    return 0;
}

static int32_t stream_attach(void *instance, uint64_t leg, uint64_t call, const struct voicegw_audio_format *formats,
                             uint32_t count, void **ret_stream)
{
    struct mock *m = instance;
    struct mock_script *script = NULL;
    struct mock_settings *settings = NULL;
    struct mock_news *early = NULL;
    if (!offers_pcmu(formats, count))
        return m->host->set_error(m->host, VOICEGW_EUNSUPPORTED, "the mock speaks PCMU at 8000 Hz");
    struct mock_stream *s = calloc(1, sizeof *s);
    if (!s)
        return m->host->set_error(m->host, VOICEGW_ELIMIT, "out of memory");
    s->mock = m;
    s->leg = leg;
    s->call = call;
    (void)meet(s, &script, &settings, &early);
    if (settings) {
        s->caller = mock_caller_new(m, leg, call, script, settings);
        mock_settings_drop(m, settings);
        if (!s->caller) {
            part(s);
            mock_news_free(early);
            free(s);
            return m->host->set_error(m->host, VOICEGW_ELIMIT, "out of memory or timers for a simulated caller");
        }
        for (const struct mock_news *n = early; n; n = n->next) {
            if (n->event)
                mock_caller_news(s->caller, n->event, n->text);
            else
                mock_caller_digits(s->caller, n->text);
        }
    }
    mock_news_free(early);
    mock_live(m, 1);
    *ret_stream = s;
    return VOICEGW_OK;
}

static void stream_detach(void *stream)
{
    struct mock_stream *s = stream;
    struct mock *m = s->mock;
    uint64_t leg = s->leg;
    part(s);
    mock_caller_free(s->caller);
    if (s->flush_timer)
        (void)m->host->timer_cancel(m->host, s->flush_timer);
    struct socket *k = s->sockets;
    while (k) {
        struct socket *next = k->next;
        k->stream = NULL;
        k->closing = 1;
        (void)m->ws->close(m->host, k->ws, 1000, "the call is over");
        k = next;
    }
    free(s->marks);
    free(s);
    (void)m->media->on_detached(m->host, leg);
    mock_live(m, -1);
}

/* ---- to the far side ---- */

static void drop_mark(struct mock_stream *s, uint32_t i)
{
    s->mark_count--;
    memmove(&s->marks[i], &s->marks[i + 1], (s->mark_count - i) * sizeof s->marks[0]);
}

/* Sends what was owed before any more audio; 0 when nothing is owed. */
static int32_t settle(struct mock_stream *s)
{
    char text[160];
    struct mock *m = s->mock;
    int32_t rc = VOICEGW_OK;
    if (s->clear_owed) {
        size_t n = stream_wire_put_clear(s->live->sid, text, sizeof text);
        rc = m->ws->send(m->host, s->live->ws, VOICEGW_WS_TEXT, text, n);
        if (rc == VOICEGW_OK)
            s->clear_owed = 0;
    }
    for (uint32_t i = 0; rc == VOICEGW_OK && i < s->mark_count; i++) {
        if (s->marks[i].sent)
            continue;
        size_t n = stream_wire_put_mark(s->live->sid, s->marks[i].id, text, sizeof text);
        rc = m->ws->send(m->host, s->live->ws, VOICEGW_WS_TEXT, text, n);
        if (rc == VOICEGW_OK)
            s->marks[i].sent = 1;
    }
    if (rc == VOICEGW_EBUSY)
        s->waiting = 1;
    return rc;
}

static int owes(const struct mock_stream *s)
{
    return s->clear_owed || (s->mark_count > 0 && !s->marks[s->mark_count - 1].sent);
}

static int32_t put(struct mock_stream *s, const struct voicegw_frame *frame, char *out)
{
    struct socket *k = s->live;
    struct mock *m = s->mock;
    size_t n = stream_wire_put_media(k->prefix, k->prefix_bytes, frame->data, frame->bytes, out);
    int32_t rc = m->ws->send(m->host, k->ws, VOICEGW_WS_TEXT, out, n);
    if (rc == VOICEGW_EBUSY)
        s->waiting = 1;
    return rc;
}

static int32_t put_long(struct mock_stream *s, const struct voicegw_frame *frame)
{
    struct mock *m = s->mock;
    if (frame->bytes > FRAME_MAX)
        return m->host->set_error(m->host, VOICEGW_EINVALID, "a frame of audio has at most 2 seconds");
    char *out = malloc(STREAM_PREFIX_CAP + ((size_t)frame->bytes + 2) / 3 * 4 + STREAM_FRAME_SLACK);
    if (!out)
        return m->host->set_error(m->host, VOICEGW_ELIMIT, "out of memory");
    int32_t rc = put(s, frame, out);
    free(out);
    return rc;
}

static int32_t stream_send(void *stream, const struct voicegw_frame *frame)
{
    struct mock_stream *s = stream;
    char out[STREAM_PREFIX_CAP + (FRAME_FAST + 2) / 3 * 4 + STREAM_FRAME_SLACK];
    if (s->caller)
        return mock_caller_hear(s->caller, frame);
    if (!s->live || (owes(s) && settle(s) != VOICEGW_OK)) {
        s->waiting = 1;
        return VOICEGW_EBUSY;
    }
    if (frame->encoding != VOICEGW_AUDIO_PCMU)
        return s->mock->host->set_error(s->mock->host, VOICEGW_EINVALID, "the stream was agreed to be PCMU");
    if (frame->bytes == 0)
        return VOICEGW_OK;
    return frame->bytes <= FRAME_FAST ? put(s, frame, out) : put_long(s, frame);
}

static void on_flush(void *arg)
{
    struct mock_stream *s = arg;
    struct mock *m = s->mock;
    uint64_t ids[MARKS_MAX];
    uint32_t count = s->flushing;
    s->flushing = 0;
    s->flush_timer = 0;
    for (uint32_t i = 0; i < count; i++)
        ids[i] = s->marks[i].id;
    s->mark_count -= count;
    memmove(s->marks, s->marks + count, s->mark_count * sizeof s->marks[0]);
    for (uint32_t i = 0; i < count; i++)
        (void)m->media->on_mark(m->host, s->leg, ids[i], 0);
}

/* The marks that are out come back unheard, not from inside the host's call. */
static void flush_marks(struct mock_stream *s)
{
    uint32_t armed = s->flushing;
    s->flushing = s->mark_count;
    for (uint32_t i = 0; i < s->mark_count; i++)
        s->marks[i].sent = 1;
    if (armed || s->flushing == 0)
        return;
    s->flush_timer = s->mock->host->timer_start(s->mock->host, s->leg, 0, on_flush, s);
    if (s->flush_timer == 0)
        on_flush(s);
}

static int32_t stream_clear(void *stream, uint32_t epoch)
{
    struct mock_stream *s = stream;
    (void)epoch;
    if (s->caller)
        return mock_caller_clear(s->caller);
    flush_marks(s);
    if (!s->live)
        return VOICEGW_OK;
    s->clear_owed = 1;
    int32_t rc = settle(s);
    return rc == VOICEGW_EBUSY ? VOICEGW_OK : rc;
}

static int32_t stream_mark(void *stream, uint64_t mark_id)
{
    struct mock_stream *s = stream;
    if (s->caller)
        return mock_caller_mark(s->caller, mark_id);
    if (!s->live)
        return VOICEGW_EBUSY;
    if (s->mark_count == MARKS_MAX)
        return s->mock->host->set_error(s->mock->host, VOICEGW_ELIMIT, "at most 32 marks may be out at a time");
    if (!s->marks && !(s->marks = calloc(MARKS_MAX, sizeof *s->marks)))
        return s->mock->host->set_error(s->mock->host, VOICEGW_ELIMIT, "out of memory");
    s->marks[s->mark_count++] = (struct mark){.id = mark_id};
    int32_t rc = settle(s);
    return rc == VOICEGW_EBUSY ? VOICEGW_OK : rc;
}

static int32_t stream_dtmf(void *stream, const char *digits)
{
    struct mock_stream *s = stream;
    if (!s->caller)
        return VOICEGW_EUNSUPPORTED;
    mock_caller_digits(s->caller, digits);
    return VOICEGW_OK;
}

/* ---- from the far side ---- */

static void end_call(struct mock_stream *s, const char *cause)
{
    if (s->told_end)
        return;
    s->told_end = 1;
    mock_call_notify(s->mock, s->call, 'e', cause);
}

static void refuse(struct socket *k, uint32_t code, const char *why)
{
    struct mock *m = k->mock;
    k->closing = 1;
    (void)m->ws->close(m->host, k->ws, code, why);
}

/* A frame that is not as it should be: forgiven a few times. */
static void complain(struct socket *k, uint32_t code, const char *why)
{
    struct mock *m = k->mock;
    m->host->count(m->host, "bad_frames", 1);
    if (++k->errors > ERRORS_MAX)
        refuse(k, code, why);
}

static void deliver(struct socket *k, const struct stream_media *media, const uint8_t *audio)
{
    struct mock *m = k->mock;
    if (media->outbound || media->bytes == 0)
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
    const struct voicegw_frame frame = {.size = sizeof frame,
                                        .encoding = VOICEGW_AUDIO_PCMU,
                                        .rate = 8000,
                                        .timestamp = at,
                                        .sequence = (uint32_t)(media->chunk ? media->chunk : media->sequence),
                                        .data = audio,
                                        .bytes = media->bytes,
                                        .samples = media->bytes};
    (void)m->media->on_frame(m->host, k->stream->leg, &frame);
}

static void tell_connected(struct mock_stream *s, const struct stream_wire *w, const char *sid)
{
    struct mock *m = s->mock;
    char json[1024], from[MOCK_NUMBER_CAP] = "", to[MOCK_NUMBER_CAP] = "", call_sid[MOCK_ID_CAP] = "";
    struct voicegw_json_writer out = voicegw_json_writer_of(json, sizeof json);
    (void)voicegw_json_string(voicegw_json_member(w->custom, "from"), from, sizeof from);
    (void)voicegw_json_string(voicegw_json_member(w->custom, "to"), to, sizeof to);
    (void)voicegw_json_string(w->call_sid, call_sid, sizeof call_sid);
    voicegw_json_put_object(&out, NULL);
    voicegw_json_put_string(&out, "from", from);
    voicegw_json_put_string(&out, "to", to);
    voicegw_json_put_string(&out, "stream_sid", sid);
    voicegw_json_put_string(&out, "call_sid", call_sid);
    voicegw_json_put_string(&out, "transport", "mock_stream");
    voicegw_json_put_end(&out);
    struct voicegw_call_state state = {.size = sizeof state,
                                       .state = VOICEGW_CALL_CONNECTED,
                                       .data_json = voicegw_json_finish(&out) > 0 ? json : NULL};
    (void)m->provider->on_state(m->host, s->call, &state);
}

static void hold_slot(struct mock_stream *s)
{
    struct mock *m = s->mock;
    (void)pthread_mutex_lock(&m->lock);
    struct mock_call *c = mock_call_of(m, s->call);
    /* A leg can begin before its call is in the table: an open stream's. */
    if (c && (!c->stream || c->stream == s)) {
        c->stream = s;
        c->leg = s->leg;
        c->proven = 1;
    }
    (void)pthread_mutex_unlock(&m->lock);
}

static void on_start(struct socket *k, const struct stream_wire *w)
{
    struct mock_stream *s = k->stream;
    struct mock *m = k->mock;
    char sid[STREAM_SID_CAP];
    if (s->live == k) {
        complain(k, 1008, "a stream starts once");
        return;
    }
    if (voicegw_json_type(w->stream_sid) != VOICEGW_JSON_STRING)
        mock_id(m, "MZ", sid);
    else if (voicegw_json_string(w->stream_sid, sid, sizeof sid) < 0 || !stream_wire_sid_valid(sid)) {
        complain(k, 1008, "streamSid must have 1 to 64 of letters, digits, '_', '-', '.'");
        return;
    }
    if (s->live || m->route->prove(m->host, k->ws, s->leg) != VOICEGW_OK) {
        refuse(k, 1008, "another stream holds this call");
        return;
    }
    memcpy(k->sid, sid, sizeof sid);
    k->prefix_bytes = stream_wire_prefix(sid, k->prefix);
    mock_caller_free(s->caller);
    s->caller = NULL;
    s->live = k;
    hold_slot(s);
    tell_connected(s, w, sid);
    const struct voicegw_audio_format format = {
        .size = sizeof format, .encoding = VOICEGW_AUDIO_PCMU, .rate = 8000, .frame_ms = 20};
    (void)m->media->on_format(m->host, s->leg, &format);
}

/* A payload that the fast path left: escapes in it, very long, or broken. */
static void on_media(struct socket *k, struct stream_wire *w)
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

static void on_mark(struct mock_stream *s, uint64_t id)
{
    struct mock *m = s->mock;
    for (uint32_t i = s->flushing; i < s->mark_count; i++) {
        if (s->marks[i].id == id) {
            drop_mark(s, i);
            (void)m->media->on_mark(m->host, s->leg, id, 1);
            return;
        }
    }
}

static void on_other(struct socket *k, const char *text, size_t bytes)
{
    struct mock *m = k->mock;
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
        on_mark(k->stream, stream_wire_mark_id(w.mark));
        return;
    case STREAM_STOP:
        end_call(k->stream, "the stream was stopped");
        return;
    case STREAM_UNKNOWN:
        complain(k, 1008, "the event is none of connected, start, media, dtmf, mark, stop");
        return;
    }
}

static void socket_message(void *arg, uint64_t ws, uint32_t kind, const void *data, uint64_t bytes)
{
    struct socket *k = arg;
    uint8_t audio[STREAM_FAST_PAYLOAD];
    struct stream_media media;
    (void)ws;
    if (!k->stream || k->closing)
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
    struct socket *k = arg;
    struct mock_stream *s = k->stream;
    (void)ws;
    if (!s || s->live != k || settle(s) != VOICEGW_OK || !s->waiting)
        return;
    s->waiting = 0;
    (void)k->mock->media->on_writable(k->mock->host, s->leg);
}

static void socket_close(void *arg, uint64_t ws, uint32_t code, const char *reason)
{
    struct socket *k = arg;
    struct mock *m = k->mock;
    struct mock_stream *s = k->stream;
    (void)ws;
    (void)code;
    (void)reason;
    if (s) {
        struct socket **at = &s->sockets;
        while (*at != k)
            at = &(*at)->next;
        *at = k->next;
        if (s->live == k) {
            s->live = NULL;
            flush_marks(s);
            end_call(s, "the stream was closed");
        } else if (!s->sockets && !s->caller) {
            end_call(s, "no stream proved to be this call's");
        }
    }
    free(k);
    mock_live(m, -1);
}

static void *socket_open(void *instance, uint64_t ws, uint64_t leg, void *stream)
{
    struct mock *m = instance;
    struct mock_stream *s = stream;
    (void)leg;
    if (!s)
        return NULL;
    struct socket *k = calloc(1, sizeof *k);
    if (!k)
        return NULL;
    k->mock = m;
    k->stream = s;
    k->ws = ws;
    k->next = s->sockets;
    s->sockets = k;
    mock_live(m, 1);
    return k;
}

const struct voicegw_provider_media mock_media_operations = {.size = sizeof mock_media_operations,
                                                             .far_queue = 1,
                                                             .attach = stream_attach,
                                                             .send = stream_send,
                                                             .clear = stream_clear,
                                                             .mark = stream_mark,
                                                             .dtmf = stream_dtmf,
                                                             .detach = stream_detach};

const struct voicegw_ws_route mock_socket_route = {.size = sizeof mock_socket_route,
                                                   .flags = VOICEGW_ROUTE_PUBLIC,
                                                   .on_upgrade = mock_upgrade,
                                                   .on_open = socket_open,
                                                   .events = {.size = sizeof(struct voicegw_ws_events),
                                                              .on_message = socket_message,
                                                              .on_writable = socket_writable,
                                                              .on_close = socket_close}};
