/* link.c - one socket to the model. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "realtime.h"

#define SETUP_US 10000000 /* from the connection to the answer to session.update */

static void gone(struct rt_link *link)
{
    struct rt *s = link->s;
    rt_stop_timer(s, &link->timer);
    if (s->link == link)
        s->link = NULL;
    if (s->next == link)
        s->next = NULL;
    free(link);
    if (--s->links == 0 && s->closing)
        rt_session_end(s);
}

static void set_up(struct rt_link *link)
{
    struct rt *s = link->s;
    const struct rt_instance *o = s->o;
    struct rt_setup setup = {.model = s->model,
                             .instructions = s->prompt,
                             .more = s->greeted ? "The conversation is under way: do not greet again." : "",
                             .voice = s->voice,
                             .transcription = o->transcription,
                             .language = s->language,
                             .noise_reduction = o->noise_reduction,
                             .detection = o->detection,
                             .eagerness = o->eagerness,
                             .encoding = s->encoding == VOICEGW_AUDIO_PCMU   ? "pcmu"
                                         : s->encoding == VOICEGW_AUDIO_PCMA ? "pcma"
                                                                             : "pcm",
                             .threshold = o->threshold,
                             .speed = o->speed,
                             .prefix_ms = o->prefix_ms,
                             .silence_ms = o->silence_ms,
                             .idle_ms = o->idle_ms,
                             .max_tokens = o->max_answer_tokens,
                             .offer = &s->offer,
                             .extra = voicegw_json_of(o->vendor.extra_json)};
    char *text = rt_wire_setup(&o->dialect, &setup);
    link->state = RT_SETTING_UP;
    if (!text || o->ws->send(o->host, link->ws, VOICEGW_WS_TEXT, text, strlen(text)) < 0)
        (void)o->ws->close(o->host, link->ws, 1000, "");
    free(text);
}

static void on_message(void *arg, uint64_t ws, uint32_t kind, const void *data, uint64_t bytes)
{
    struct rt_link *link = arg;
    const struct rt_instance *o = link->s->o;
    struct voicegw_json doc = voicegw_json_ofn(data, bytes);
    char name[RT_NAME_MAX];
    if (link->dropped)
        return;
    if (kind != VOICEGW_WS_TEXT || !voicegw_json_valid(data, bytes) ||
        voicegw_json_get_string(doc, "type", name, sizeof name) < 0) {
        o->host->count(o->host, "bad_events", 1);
        return;
    }
    enum rt_event event = rt_dialect_event(&o->dialect, name);
    if (event == RT_SESSION_CREATED && link->state == RT_CONNECTING) {
        set_up(link);
    } else if (event == RT_SESSION_UPDATED && link->state == RT_SETTING_UP) {
        rt_stop_timer(link->s, &link->timer);
        link->state = RT_READY;
        rt_link_ready(link);
    } else if (event != RT_EVENTS) {
        rt_on_event(link, event, doc);
    }
}

static void on_close(void *arg, uint64_t ws, uint32_t code, const char *reason)
{
    struct rt_link *link = arg;
    if (!link->dropped)
        rt_link_lost(link, reason && *reason ? reason : "the connection was closed");
    gone(link);
}

static void on_setup_late(void *arg)
{
    struct rt_link *link = arg;
    link->timer = 0;
    (void)link->s->o->ws->close(link->s->o->host, link->ws, 1000, "");
}

struct rt_link *rt_link_open(struct rt *s)
{
    static const struct voicegw_ws_events events = {
        .size = sizeof events, .on_message = on_message, .on_close = on_close};
    const struct rt_instance *o = s->o;
    struct rt_link *link = calloc(1, sizeof *link);
    char url[RT_URL_MAX];
    if (!link) {
        (void)o->host->set_error(o->host, VOICEGW_ELIMIT, "out of memory");
        return NULL;
    }
    link->s = s;
    if (rt_wire_url(o->vendor.base_url, o->path, s->model, url, sizeof url) < 0 ||
        o->ws->connect(o->host, s->handle, url, o->headers, NULL, RT_MESSAGE_MAX, &events, link, &link->ws) < 0) {
        free(link);
        return NULL;
    }
    s->links++;
    link->timer = o->host->timer_start(o->host, s->handle, SETUP_US + (int64_t)o->vendor.connect_timeout_ms * 1000,
                                       on_setup_late, link);
    return link;
}

void rt_link_drop(struct rt_link *link)
{
    if (!link || link->dropped)
        return;
    struct rt *s = link->s;
    link->dropped = 1;
    if (s->link == link)
        s->link = NULL;
    if (s->next == link)
        s->next = NULL;
    rt_stop_timer(s, &link->timer);
    (void)s->o->ws->close(s->o->host, link->ws, 1000, "");
}

void rt_send(struct rt *s, char *text)
{
    const struct rt_instance *o = s->o;
    if (text && s->link && s->link->state == RT_READY &&
        o->ws->send(o->host, s->link->ws, VOICEGW_WS_TEXT, text, strlen(text)) < 0) {
        /* What the model misses it would never know of: better a new session that is told all. */
        o->host->count(o->host, "stuck_sockets", 1);
        (void)o->ws->close(o->host, s->link->ws, 1000, "");
    }
    free(text);
}

void rt_send_audio(struct rt *s, const uint8_t *data, uint32_t bytes)
{
    const struct rt_instance *o = s->o;
    char text[8192];
    if (!s->link || s->link->state != RT_READY)
        return;
    while (bytes) {
        uint32_t part = bytes < 4800 ? bytes : 4800;
        int n = snprintf(text, 256, "{\"type\":\"%s\",\"audio\":\"", o->dialect.names[RT_APPEND]);
        int64_t m = o->crypto->base64_encode(o->host, data, part, text + n, sizeof text - (uint64_t)n - 4);
        if (m < 0)
            return;
        memcpy(text + n + m, "\"}", 3);
        if (o->ws->send(o->host, s->link->ws, VOICEGW_WS_TEXT, text, (uint64_t)(n + m + 2)) < 0)
            o->host->count(o->host, "audio_dropped", 1);
        data += part;
        bytes -= part;
    }
}
