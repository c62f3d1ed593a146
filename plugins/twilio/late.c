/* late.c - sockets that came without their call's id: the start frame names the call, control finds its leg on this
 * thread, and the next frame goes on from there. On the socket's thread, but on_search(). */
#include <stdlib.h>
#include <string.h>
#include "stream.h"

struct search {
    struct twilio *m;
    uint64_t ws, place, leg;
    char sid[TWILIO_SID_CAP];
};

void stream_late_add(struct stream_socket *k)
{
    struct twilio *m = k->m;
    (void)pthread_mutex_lock(&m->lock);
    k->next_late = m->late;
    m->late = k;
    (void)pthread_mutex_unlock(&m->lock);
}

void stream_late_remove(struct stream_socket *k)
{
    struct twilio *m = k->m;
    (void)pthread_mutex_lock(&m->lock);
    struct stream_socket **at = &m->late;
    while (*at && *at != k)
        at = &(*at)->next_late;
    if (*at)
        *at = k->next_late;
    (void)pthread_mutex_unlock(&m->lock);
    free(k->start);
    free(k->early);
}

/* Back on the socket's thread: it may have closed meanwhile. */
static void on_found(void *arg)
{
    struct search *q = arg;
    struct twilio *m = q->m;
    (void)pthread_mutex_lock(&m->lock);
    struct stream_socket *k = m->late;
    while (k && k->ws != q->ws)
        k = k->next_late;
    (void)pthread_mutex_unlock(&m->lock);
    struct twilio_stream *s = k && q->leg ? twilio_stream_of(m, q->leg) : NULL;
    if (k && !k->closing && s) {
        stream_found(k, s);
    } else if (k && !k->closing) {
        k->closing = 1;
        m->host->count(m->host, "streams_refused", 1);
        (void)m->ws->close(m->host, k->ws, 1008, "no call of this callSid waits for a stream here");
    }
    free(q);
    twilio_live(m, -1);
}

/* [control] */
static void on_search(void *arg)
{
    struct search *q = arg;
    struct twilio *m = q->m;
    struct twilio_call *c = twilio_call_by_sid(m, q->sid);
    if (c && !c->over)
        q->leg = m->route->leg_near(m->host, c->handle, q->place);
    if (m->host->post(m->host, q->place, on_found, q) == VOICEGW_OK)
        return;
    free(q);
    twilio_live(m, -1);
}

static void keep(struct stream_socket *k, const char *text, size_t bytes)
{
    struct stream_media media;
    if (!k->early && !(k->early = malloc(STREAM_EARLY_MAX)))
        return;
    if (stream_wire_media(text, bytes, k->early + k->early_bytes, STREAM_EARLY_MAX - k->early_bytes, &media) == 1 &&
        !media.outbound)
        k->early_bytes += media.bytes;
}

const char *stream_late_message(struct stream_socket *k, const char *text, size_t bytes)
{
    struct twilio *m = k->m;
    struct stream_wire w;
    const char *why = "";
    if (k->start) { /* audio while its call is looked for */
        keep(k, text, bytes);
        return NULL;
    }
    if (stream_wire_parse(text, bytes, &w, &why) != VOICEGW_OK)
        return why;
    if (w.event == STREAM_CONNECTED)
        return NULL;
    if (w.event != STREAM_START)
        return "a stream begins with a start frame";
    struct search *q = calloc(1, sizeof *q);
    k->start = malloc(bytes);
    if (!q || !k->start || voicegw_json_string(w.call_sid, q->sid, sizeof q->sid) <= 0) {
        free(q);
        return "a stream without a session's id must have callSid in its start frame";
    }
    memcpy(k->start, text, bytes);
    k->start_bytes = bytes;
    q->m = m;
    q->ws = k->ws;
    q->place = k->place;
    twilio_live(m, 1);
    if (m->host->post(m->host, VOICEGW_TARGET_CONTROL, on_search, q) == VOICEGW_OK)
        return NULL;
    free(q);
    twilio_live(m, -1);
    return "the gateway is overloaded";
}
