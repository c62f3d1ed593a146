/* feed.c - what was recognized and said, as frames on the stream, for clients that want them (stream_events). */
#include <stdlib.h>
#include <string.h>
#include "twilio.h"

#define FEED_TEXT_MAX 4096u

struct news {
    struct twilio *m;
    uint64_t leg;
    size_t bytes;
    char text[2 * FEED_TEXT_MAX];
};

static void on_news(void *arg)
{
    struct news *n = arg;
    twilio_stream_tell(n->m, n->leg, n->text, n->bytes);
    free(n);
}

/* {"type","text" or "error","session_id","timestamp"} of an event. */
static int64_t format(const char *event_json, char *out, size_t cap)
{
    char type[64], text[FEED_TEXT_MAX];
    struct voicegw_json event = voicegw_json_of(event_json);
    if (voicegw_json_get_string(event, "type", type, sizeof type) <= 0)
        return VOICEGW_EINVALID;
    int error = strcmp(type, "error") == 0;
    if (voicegw_json_get_string(event, error ? "data.error" : "data.text", text, sizeof text) < 0)
        return VOICEGW_EINVALID;
    struct voicegw_json_writer w = voicegw_json_writer_of(out, cap);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "type", type);
    voicegw_json_put_string(&w, error ? "error" : "text", text);
    voicegw_json_put_json(&w, "session_id", voicegw_json_member(event, "session_id"));
    voicegw_json_put_json(&w, "timestamp", voicegw_json_member(event, "time"));
    voicegw_json_put_end(&w);
    return voicegw_json_finish(&w);
}

static void on_event(void *arg, const char *event_json)
{
    struct twilio_call *c = arg;
    struct twilio *m = c->m;
    (void)pthread_mutex_lock(&m->lock);
    uint64_t leg = c->proven ? c->leg : 0;
    (void)pthread_mutex_unlock(&m->lock);
    struct news *n = leg ? malloc(sizeof *n) : NULL;
    if (!n)
        return;
    int64_t bytes = format(event_json, n->text, sizeof n->text);
    n->m = m;
    n->leg = leg;
    n->bytes = bytes > 0 ? (size_t)bytes : 0;
    if (bytes <= 0 || m->host->post(m->host, leg, on_news, n) != VOICEGW_OK) {
        m->host->count(m->host, "stream_events_lost", 1);
        free(n);
    }
}

void twilio_feed_start(struct twilio_call *c)
{
    static const char *const types[] = {"voice.stt.final", "voice.assistant.text", "error"};
    struct twilio *m = c->m;
    for (size_t i = 0; m->event && i < sizeof types / sizeof types[0]; i++)
        c->subscriptions[i] = m->event->subscribe(m->host, c->handle, types[i], on_event, c);
}

void twilio_feed_stop(struct twilio_call *c)
{
    for (size_t i = 0; i < sizeof c->subscriptions / sizeof c->subscriptions[0]; i++) {
        if (c->subscriptions[i])
            c->m->event->unsubscribe(c->m->host, c->subscriptions[i]);
        c->subscriptions[i] = 0;
    }
}
