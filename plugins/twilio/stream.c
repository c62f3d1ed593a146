/* stream.c - media of a call towards Twilio: audio, marks and clears on the socket that proved itself. All on the
 * worker of its leg. */
#include <stdlib.h>
#include <string.h>
#include "stream.h"

#define FRAME_FAST 2400u /* audio bytes of a frame that is formatted on the stack: 300 ms */
#define FRAME_MAX 16000u /* and at most: 2 s */

/* ---- attach, detach ---- */

static void meet(struct twilio_stream *s)
{
    struct twilio *m = s->m;
    (void)pthread_mutex_lock(&m->lock);
    struct twilio_call *c = twilio_call_of(m, s->call);
    if (c && c->handle) {
        c->stream = s;
        c->leg = s->leg;
        s->one_way = c->one_way;
    }
    (void)pthread_mutex_unlock(&m->lock);
}

static void part(struct twilio_stream *s)
{
    struct twilio *m = s->m;
    (void)pthread_mutex_lock(&m->lock);
    struct twilio_call *c = twilio_call_of(m, s->call);
    if (c && c->stream == s) {
        c->stream = NULL;
        c->leg = 0;
        c->proven = 0;
    }
    (void)pthread_mutex_unlock(&m->lock);
}

static int32_t stream_attach(void *instance, uint64_t leg, uint64_t call, const struct voicegw_audio_format *formats,
                             uint32_t count, void **ret_stream)
{
    struct twilio *m = instance;
    uint32_t i = 0;
    while (i < count && (formats[i].encoding != VOICEGW_AUDIO_PCMU || formats[i].rate != 8000))
        i++;
    if (i == count)
        return m->host->set_error(m->host, VOICEGW_EUNSUPPORTED, "Twilio's streams are PCMU at 8000 Hz");
    struct twilio_stream *s = calloc(1, sizeof *s);
    if (!s)
        return m->host->set_error(m->host, VOICEGW_ELIMIT, "out of memory");
    s->m = m;
    s->leg = leg;
    s->call = call;
    meet(s);
    twilio_live(m, 1);
    *ret_stream = s;
    return VOICEGW_OK;
}

static void stream_detach(void *stream)
{
    struct twilio_stream *s = stream;
    struct twilio *m = s->m;
    uint64_t leg = s->leg;
    part(s);
    if (s->flush_timer)
        (void)m->host->timer_cancel(m->host, s->flush_timer);
    struct stream_socket *k = s->sockets;
    while (k) {
        struct stream_socket *next = k->next;
        k->stream = NULL;
        k->closing = 1;
        (void)m->ws->close(m->host, k->ws, 1000, "the call is over");
        k = next;
    }
    free(s->marks);
    free(s->early);
    free(s);
    (void)m->media->on_detached(m->host, leg);
    twilio_live(m, -1);
}

/* ---- to Twilio ---- */

int32_t stream_settle(struct twilio_stream *s)
{
    char text[160];
    struct twilio *m = s->m;
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

static int owes(const struct twilio_stream *s)
{
    return s->clear_owed || (s->mark_count > 0 && !s->marks[s->mark_count - 1].sent);
}

static int32_t put(struct twilio_stream *s, const struct voicegw_frame *frame, char *out)
{
    struct stream_socket *k = s->live;
    struct twilio *m = s->m;
    size_t n = stream_wire_put_media(k->prefix, k->prefix_bytes, frame->data, frame->bytes, out);
    int32_t rc = m->ws->send(m->host, k->ws, VOICEGW_WS_TEXT, out, n);
    if (rc == VOICEGW_EBUSY)
        s->waiting = 1;
    return rc;
}

static int32_t put_long(struct twilio_stream *s, const struct voicegw_frame *frame)
{
    struct twilio *m = s->m;
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
    struct twilio_stream *s = stream;
    char out[STREAM_PREFIX_CAP + (FRAME_FAST + 2) / 3 * 4 + STREAM_FRAME_SLACK];
    if (!s->live || (owes(s) && stream_settle(s) != VOICEGW_OK)) {
        s->waiting = 1;
        return VOICEGW_EBUSY;
    }
    if (frame->encoding != VOICEGW_AUDIO_PCMU)
        return s->m->host->set_error(s->m->host, VOICEGW_EINVALID, "the stream was agreed to be PCMU");
    if (frame->bytes == 0 || s->one_way)
        return VOICEGW_OK; /* nobody hears what is said into a one-way stream */
    return frame->bytes <= FRAME_FAST ? put(s, frame, out) : put_long(s, frame);
}

static void on_flush(void *arg)
{
    struct twilio_stream *s = arg;
    struct twilio *m = s->m;
    uint64_t ids[STREAM_MARKS_MAX];
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

/* Stamped before the clear goes out: Twilio returns all pending marks after it, heard or not. */
void stream_flush_marks(struct twilio_stream *s)
{
    uint32_t armed = s->flushing;
    s->flushing = s->mark_count;
    for (uint32_t i = 0; i < s->mark_count; i++)
        s->marks[i].sent = 1;
    if (armed || s->flushing == 0)
        return;
    s->flush_timer = s->m->host->timer_start(s->m->host, s->leg, 0, on_flush, s);
    if (s->flush_timer == 0)
        on_flush(s);
}

static int32_t stream_clear(void *stream, uint32_t epoch)
{
    struct twilio_stream *s = stream;
    (void)epoch;
    stream_flush_marks(s);
    if (!s->live || s->one_way)
        return VOICEGW_OK;
    s->clear_owed = 1;
    int32_t rc = stream_settle(s);
    return rc == VOICEGW_EBUSY ? VOICEGW_OK : rc;
}

static int32_t stream_mark(void *stream, uint64_t mark_id)
{
    struct twilio_stream *s = stream;
    if (!s->live)
        return VOICEGW_EBUSY;
    if (s->mark_count == STREAM_MARKS_MAX)
        return s->m->host->set_error(s->m->host, VOICEGW_ELIMIT, "at most 32 marks may be out at a time");
    if (!s->marks && !(s->marks = calloc(STREAM_MARKS_MAX, sizeof *s->marks)))
        return s->m->host->set_error(s->m->host, VOICEGW_ELIMIT, "out of memory");
    s->marks[s->mark_count++] = (struct stream_mark){.id = mark_id};
    if (s->one_way) {
        stream_flush_marks(s);
        return VOICEGW_OK;
    }
    int32_t rc = stream_settle(s);
    return rc == VOICEGW_EBUSY ? VOICEGW_OK : rc;
}

void stream_marked(struct twilio_stream *s, uint64_t id)
{
    struct twilio *m = s->m;
    for (uint32_t i = s->flushing; i < s->mark_count; i++) {
        if (s->marks[i].id != id)
            continue;
        s->mark_count--;
        memmove(&s->marks[i], &s->marks[i + 1], (s->mark_count - i) * sizeof s->marks[0]);
        (void)m->media->on_mark(m->host, s->leg, id, 1);
        return;
    }
}

void stream_ended(struct twilio_stream *s, char what, const char *cause)
{
    int away = 0;
    if (s->told_end)
        return;
    (void)pthread_mutex_lock(&s->m->lock);
    struct twilio_call *c = twilio_call_of(s->m, s->call);
    away = c && c->detour;
    (void)pthread_mutex_unlock(&s->m->lock);
    if (away)
        return; /* we sent the call elsewhere ourselves */
    s->told_end = what == 's';
    twilio_call_notify(s->m, s->call, what, cause);
}

struct twilio_stream *twilio_stream_of(struct twilio *m, uint64_t leg)
{
    struct twilio_stream *s = NULL;
    (void)pthread_mutex_lock(&m->lock);
    for (uint32_t i = 0; i < TWILIO_BUCKETS && !s; i++)
        for (struct twilio_call *c = m->calls[i]; c && !s; c = c->next)
            s = c->leg == leg ? c->stream : NULL;
    (void)pthread_mutex_unlock(&m->lock);
    return s;
}

void twilio_stream_tell(struct twilio *m, uint64_t leg, const char *text, size_t bytes)
{
    const struct twilio_stream *s = twilio_stream_of(m, leg);
    if (s && s->live && m->ws->send(m->host, s->live->ws, VOICEGW_WS_TEXT, text, bytes) != VOICEGW_OK)
        m->host->count(m->host, "stream_events_lost", 1);
}

const struct voicegw_provider_media twilio_media_operations = {.size = sizeof twilio_media_operations,
                                                               .far_queue = 1,
                                                               .attach = stream_attach,
                                                               .send = stream_send,
                                                               .clear = stream_clear,
                                                               .mark = stream_mark,
                                                               .detach = stream_detach};
