/* session.c - one call with its application. */
#include "session.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pcm.h"
#include "queue.h"
#include "stream_wire.h"
#include "wire.h"

struct session {
    struct mediastream *m;
    uint64_t handle;
    struct application app;
    uint32_t closed; /* the host has closed it */
    char *json;      /* of the session, as the host gave it */
    char stream_sid[35], call_sid[256];
    uint64_t sequence, chunk;
    /* the caller's voice */
    uint32_t in_rate;
    struct pcm_resampler *resampler;
    uint8_t *wait; /* SESSION_WAIT_BYTES that are not sent yet */
    uint32_t wait_bytes;
    uint64_t position; /* of the first of them, in samples since the start */
    /* the application's */
    struct queue queue;
    int64_t heard_at_us; /* when all that came will have been heard */
    uint64_t timer;
};

static void session_free(struct session *s)
{
    struct mediastream *m = s->m;
    pcm_resampler_free(s->resampler);
    free(s->wait);
    free(s->json);
    free(s);
    atomic_fetch_sub(&m->sessions, 1);
    mediastream_tell_drained(m);
}

/* ---- to the application ---- */

static int32_t tell(struct session *s, const char *text, size_t bytes)
{
    int32_t rc = bytes ? application_send(&s->app, text, bytes) : VOICEGW_OK;
    s->sequence += rc == VOICEGW_OK;
    return rc;
}

static struct wire_start start_of(const struct session *s)
{
    return (struct wire_start){.stream_sid = s->stream_sid,
                               .account_sid = s->m->settings.account_sid,
                               .call_sid = s->call_sid,
                               .parameters = s->m->settings.parameters,
                               .session = voicegw_json_of(s->json)};
}

/* Sends what waits, in frames; the rest of one only at the end. */
static void send_waiting(struct session *s, int all)
{
    char text[WIRE_MEDIA_CAP];
    uint32_t done = 0;
    while (application_is_open(&s->app)) {
        uint32_t n = s->wait_bytes - done < WIRE_FRAME ? s->wait_bytes - done : WIRE_FRAME;
        if (!n || (n < WIRE_FRAME && !all))
            break;
        size_t bytes = wire_media(s->stream_sid, s->sequence + 1, s->chunk + 1, s->position + done, s->wait + done, n,
                                  text, sizeof text);
        if (tell(s, text, bytes) != VOICEGW_OK)
            break;
        s->chunk++;
        done += n;
    }
    s->position += done;
    s->wait_bytes -= done;
    memmove(s->wait, s->wait + done, s->wait_bytes);
}

static void on_open(void *arg)
{
    struct session *s = arg;
    struct wire_start start = start_of(s);
    size_t cap = APPLICATION_PARAMETERS_MAX + 2048;
    char text[WIRE_MEDIA_CAP], *begin = malloc(cap);
    size_t n = begin ? wire_start(&start, 1, begin, cap) : 0;
    if (!n) {
        application_fail(&s->app, 1011, "the custom parameters are too long");
    } else {
        (void)application_send(&s->app, text, wire_connected(text, sizeof text));
        (void)tell(s, begin, n);
        send_waiting(s, 0);
    }
    free(begin);
}

static void on_room(void *arg)
{
    send_waiting(arg, 0);
}

static void echo_mark(void *arg, const char *name, size_t bytes)
{
    struct session *s = arg;
    char text[WIRE_MARK_NAME_MAX + 256];
    if (tell(s, text, wire_mark(s->stream_sid, s->sequence + 1, name, bytes, text, sizeof text)) == VOICEGW_EBUSY)
        s->m->host->count(s->m->host, "application_dropped_marks", 1);
}

/* ---- to the caller ---- */

static void item_name(uint64_t number, char out[24])
{
    (void)snprintf(out, 24, "%llu", (unsigned long long)number);
}

static void feed(struct session *s)
{
    const struct mediastream *m = s->m;
    uint64_t item;
    const uint8_t *audio = NULL;
    size_t bytes = 0;
    enum queue_step step;
    while ((step = queue_next(&s->queue, &item, &audio, &bytes)) != QUEUE_NOTHING) {
        char name[24];
        item_name(item, name);
        if (step == QUEUE_DONE) {
            (void)m->out->on_item_done(m->host, s->handle, name);
            continue;
        }
        const struct voicegw_frame frame = {.size = sizeof frame,
                                            .encoding = VOICEGW_AUDIO_PCMU,
                                            .rate = 8000,
                                            .data = audio,
                                            .bytes = (uint32_t)bytes,
                                            .samples = (uint32_t)bytes};
        if (m->out->on_audio(m->host, s->handle, name, &frame) < 0)
            m->host->count(m->host, "application_dropped_frames", 1);
    }
}

static void timer_stop(struct session *s)
{
    if (s->timer)
        (void)s->m->host->timer_cancel(s->m->host, s->timer);
    s->timer = 0;
}

/* All that came must have been heard by now: what has no mark behind it is complete, and what the host never told of,
 * as on a call that is on hold, is taken as heard. */
static void on_rest(void *arg)
{
    struct session *s = arg;
    const struct voicegw_host *host = s->m->host;
    int64_t late_us = host->now_us(host) - s->heard_at_us;
    s->timer = 0;
    if (late_us >= SESSION_GUARD_US) {
        queue_clear(&s->queue, echo_mark, s);
        return;
    }
    if (late_us >= SESSION_REST_US) {
        queue_rest(&s->queue);
        feed(s);
    }
    if (s->queue.first)
        s->timer = host->timer_start(
            host, s->handle, (late_us >= SESSION_REST_US ? SESSION_GUARD_US : SESSION_REST_US) - late_us, on_rest, s);
}

static void timer_need(struct session *s)
{
    const struct voicegw_host *host = s->m->host;
    if (!s->timer)
        s->timer =
            host->timer_start(host, s->handle, s->heard_at_us - host->now_us(host) + SESSION_REST_US, on_rest, s);
}

static void on_media(struct session *s, struct voicegw_json payload)
{
    const struct voicegw_host *host = s->m->host;
    size_t cap = (size_t)payload.bytes, used = 0;
    char *text = malloc(cap + 1);
    uint8_t *audio = malloc(cap + 1);
    int64_t chars = text ? voicegw_json_string(payload, text, cap + 1) : -1;
    int64_t n = audio && chars >= 0 ? base64_decode(text, (size_t)chars, audio, cap, &used) : -1;
    int64_t now_us = host->now_us(host), length_us = n * 125;
    if (n < 0 || used != (size_t)chars) {
        (void)application_bad(&s->app, "media.payload is not base64");
    } else if ((s->heard_at_us > now_us ? s->heard_at_us - now_us : 0) + length_us > s->m->max_queue_us) {
        host->count(host, "application_refused_audio", 1);
        host->log(host, VOICEGW_LOG_WARNING, "an application sent more audio than max_queue lets wait", NULL);
    } else if (queue_audio(&s->queue, audio, (size_t)n) == VOICEGW_OK) {
        application_good(&s->app);
        s->heard_at_us = (s->heard_at_us > now_us ? s->heard_at_us : now_us) + length_us;
        feed(s);
        timer_need(s);
    }
    free(audio);
    free(text);
}

static void on_mark(struct session *s, struct voicegw_json name)
{
    int32_t rc =
        name.bytes <= WIRE_MARK_NAME_MAX ? queue_mark(&s->queue, name.text, (size_t)name.bytes) : VOICEGW_ELIMIT;
    if (rc < 0) {
        (void)application_bad(&s->app, "a mark's name is too long, or too many marks wait");
        return;
    }
    application_good(&s->app);
    if (rc == 1)
        echo_mark(s, name.text, (size_t)name.bytes);
    else
        feed(s);
}

static void on_clear(struct session *s)
{
    const struct voicegw_host *host = s->m->host;
    application_good(&s->app);
    s->heard_at_us = host->now_us(host);
    if (s->queue.first)
        (void)s->m->out->on_clear(host, s->handle);
    queue_clear(&s->queue, echo_mark, s);
}

static uint32_t for_us(const struct session *s, struct voicegw_json doc)
{
    struct voicegw_json sid = voicegw_json_member(doc, "streamSid");
    return !sid.text || voicegw_json_equals(sid, s->stream_sid);
}

static void on_text(void *arg, const char *text, size_t bytes)
{
    struct session *s = arg;
    struct stream_wire w = {0};
    const char *why = "";
    struct voicegw_json doc = voicegw_json_ofn(text, bytes);
    if (stream_wire_parse(text, bytes, &w, &why) < 0)
        (void)application_bad(&s->app, why);
    else if (!for_us(s, doc))
        (void)application_bad(&s->app, "streamSid is another stream's");
    else if (w.event == STREAM_MEDIA)
        on_media(s, w.payload);
    else if (w.event == STREAM_MARK)
        on_mark(s, w.mark);
    else if (voicegw_json_equals(voicegw_json_member(doc, "event"), "clear"))
        on_clear(s);
    else
        (void)application_bad(&s->app, "an application sends media, mark and clear");
}

/* ---- the end ---- */

/* What it has sent is heard yet. */
static void on_over(void *arg, uint32_t done, const char *sentence)
{
    struct session *s = arg;
    const struct mediastream *m = s->m;
    queue_rest(&s->queue);
    feed(s);
    application_end_call(m->host, m->out, s->handle, &m->settings, done, sentence);
}

static void on_gone(void *arg)
{
    session_free(arg);
}

static const struct application_events events = {
    .on_open = on_open, .on_text = on_text, .on_room = on_room, .on_over = on_over, .on_gone = on_gone};

/* ---- the host's ---- */

static int32_t chosen_format(const struct voicegw_audio_format *formats, uint32_t count, uint32_t *ret_format)
{
    *ret_format = 0;
    for (uint32_t i = 0; i < count; i++)
        if (formats[i].encoding == VOICEGW_AUDIO_PCMU && formats[i].rate == 8000) {
            *ret_format = i;
            break;
        }
    return count ? VOICEGW_OK : VOICEGW_EINVALID;
}

static int32_t session_open(void *instance, uint64_t handle, const struct voicegw_assistant_params *params,
                            const struct voicegw_audio_format *formats, uint32_t count, void **ret_session,
                            uint32_t *ret_format)
{
    struct mediastream *m = instance;
    uint32_t format;
    if (chosen_format(formats, count, &format) < 0)
        return m->host->set_error(m->host, VOICEGW_EINVALID, "no audio format is offered");
    struct session *s = calloc(1, sizeof *s);
    if (!s)
        return m->host->set_error(m->host, VOICEGW_ELIMIT, "out of memory");
    s->m = m;
    s->handle = handle;
    s->in_rate = formats[format].rate;
    s->json = strdup(params->session_json ? params->session_json : "{}");
    s->wait = malloc(SESSION_WAIT_BYTES);
    if (s->in_rate != 8000)
        s->resampler = pcm_resampler_new(s->in_rate, 8000);
    atomic_fetch_add(&m->sessions, 1);
    int32_t rc = s->json && s->wait && (s->resampler || s->in_rate == 8000)
                     ? application_open(&s->app, m->host, m->ws, &m->settings, handle, SESSION_MESSAGE_MAX, &events, s)
                     : m->host->set_error(m->host, VOICEGW_ELIMIT, "out of memory");
    if (rc < 0) {
        session_free(s);
        return rc;
    }
    application_random_sid(m->host, m->crypto, "MZ", s->stream_sid);
    application_call_sid(voicegw_json_of(s->json), s->call_sid, sizeof s->call_sid);
    *ret_session = s;
    *ret_format = format;
    return VOICEGW_OK;
}

/* The newest of it waits: before the application is there, and while it does not read. */
static void wait_add(struct session *s, const uint8_t *audio, uint32_t bytes)
{
    uint32_t room = SESSION_WAIT_BYTES - s->wait_bytes;
    if (bytes > room) {
        uint32_t drop = bytes - room < s->wait_bytes ? bytes - room : s->wait_bytes;
        s->m->host->count(s->m->host, "application_dropped_audio_bytes", drop);
        memmove(s->wait, s->wait + drop, s->wait_bytes - drop);
        s->wait_bytes -= drop;
        s->position += drop;
    }
    memcpy(s->wait + s->wait_bytes, audio, bytes);
    s->wait_bytes += bytes;
    send_waiting(s, 0);
}

/* Another form than the stream's, a piece at a time. */
static void convert(struct session *s, const struct voicegw_frame *frame)
{
    enum { PIECE = 960 };
    int16_t pcm[PIECE], narrow[PIECE + 64];
    uint8_t ulaw[2 * (PIECE + 64)];
    uint32_t width = frame->encoding == VOICEGW_AUDIO_L16 ? 2 : 1;
    const uint8_t *at = frame->data;
    for (uint32_t left = frame->bytes / width * width; left;) {
        uint32_t bytes = left < PIECE ? left : PIECE;
        size_t n = pcm_decode(frame->encoding, at, bytes, pcm);
        const int16_t *samples = pcm;
        if (s->resampler) {
            n = pcm_resampler_run(s->resampler, pcm, n, narrow);
            samples = narrow;
        }
        wait_add(s, ulaw, (uint32_t)pcm_encode(VOICEGW_AUDIO_PCMU, samples, n, ulaw));
        at += bytes;
        left -= bytes;
    }
}

static int32_t session_audio(void *session, const struct voicegw_frame *frame)
{
    struct session *s = session;
    if (frame->rate != s->in_rate) { /* the call changed its format */
        pcm_resampler_free(s->resampler);
        s->in_rate = frame->rate;
        s->resampler = frame->rate == 8000 ? NULL : pcm_resampler_new(frame->rate, 8000);
        if (!s->resampler && frame->rate != 8000)
            return s->m->host->set_error(s->m->host, VOICEGW_ELIMIT, "out of memory");
    }
    if (frame->encoding != VOICEGW_AUDIO_PCMU || s->resampler)
        convert(s, frame);
    else
        for (uint32_t at = 0; at < frame->bytes; at += SESSION_WAIT_BYTES / 2) {
            uint32_t left = frame->bytes - at;
            wait_add(s, (const uint8_t *)frame->data + at,
                     left < SESSION_WAIT_BYTES / 2 ? left : SESSION_WAIT_BYTES / 2);
        }
    return VOICEGW_OK;
}

static int32_t session_over(struct session *s, const char *item)
{
    char *end;
    uint64_t number = strtoull(item, &end, 10);
    if (end != item && !*end) {
        queue_over(&s->queue, number, echo_mark, s);
        feed(s);
    }
    return VOICEGW_OK;
}

static int32_t session_truncated(void *session, const char *item, uint32_t heard_ms)
{
    return session_over(session, item);
}

static int32_t session_heard(void *session, const char *item, uint32_t heard_ms)
{
    return session_over(session, item);
}

static int32_t session_dtmf(void *session, const char *digit)
{
    struct session *s = session;
    char text[256];
    (void)tell(s, text, wire_dtmf(s->stream_sid, s->sequence + 1, digit, text, sizeof text));
    return VOICEGW_OK;
}

static void forget_mark(void *arg, const char *name, size_t bytes) {}

static void on_closed(void *arg)
{
    struct session *s = arg;
    struct wire_start start = start_of(s);
    char text[1024];
    (void)s->m->out->on_closed(s->m->host, s->handle);
    send_waiting(s, 1);
    (void)tell(s, text, wire_stop(&start, s->sequence + 1, text, sizeof text));
    queue_clear(&s->queue, forget_mark, NULL);
    if (application_close(&s->app, "the call is over"))
        session_free(s);
}

static void session_close(void *session)
{
    struct session *s = session;
    const struct voicegw_host *host = s->m->host;
    timer_stop(s);
    if (host->post(host, s->handle, on_closed, s) != VOICEGW_OK &&
        !host->timer_start(host, s->handle, 1000, on_closed, s))
        on_closed(s);
}

const struct voicegw_assistant_audio session_operations = {.size = sizeof session_operations,
                                                           .flags = VOICEGW_ASSISTANT_AUDIO_TURNS |
                                                                    VOICEGW_ASSISTANT_AUDIO_WHOLE,
                                                           .open = session_open,
                                                           .audio = session_audio,
                                                           .truncated = session_truncated,
                                                           .dtmf = session_dtmf,
                                                           .close = session_close,
                                                           .heard = session_heard};
