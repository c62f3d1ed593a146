/* application_link.c - the WebSocket to an application: tried a few times until it is open, once; never again after
 * that, since an application's state lives with its socket. */
#include <stdio.h>
#include <string.h>
#include "application.h"

enum { TRYING, WAITING, OPEN, OVER, CLOSED };

static void attempt(void *arg);

static void timer_stop(struct application *a)
{
    if (a->timer)
        (void)a->host->timer_cancel(a->host, a->timer);
    a->timer = 0;
}

static void timer_set(struct application *a, int64_t delay_us, voicegw_callback fn)
{
    timer_stop(a);
    a->timer = a->host->timer_start(a->host, a->target, delay_us > 0 ? delay_us : 0, fn, a);
}

static void over(struct application *a, uint32_t done, const char *sentence)
{
    if (a->state >= OVER)
        return;
    a->state = OVER;
    timer_stop(a);
    a->events->on_over(a->arg, done, sentence);
}

static void on_deadline(void *arg)
{
    struct application *a = arg;
    char sentence[320];
    a->timer = 0;
    (void)snprintf(sentence, sizeof sentence, "the application did not open its WebSocket in time%s%s",
                   a->why[0] ? ": " : "", a->why);
    if (a->socket)
        (void)a->ws->close(a->host, a->socket, 1001, "too late");
    over(a, 0, sentence);
}

/* Refused, or not there: once more, unless the time or the tries are used up. */
static void not_reached(struct application *a, const char *why)
{
    char sentence[320];
    int64_t wait_us = (int64_t)APPLICATION_RETRY_US << (a->tries ? a->tries - 1 : 0);
    (void)snprintf(a->why, sizeof a->why, "%s", why && *why ? why : "no reason was given");
    if (a->tries < APPLICATION_TRIES && a->host->now_us(a->host) + wait_us < a->deadline_us) {
        a->state = WAITING;
        timer_set(a, wait_us, attempt);
        if (a->timer)
            return;
    }
    (void)snprintf(sentence, sizeof sentence, "the application could not be reached: %s", a->why);
    over(a, 0, sentence);
}

/* ---- the socket ---- */

static void on_open(void *arg, uint64_t ws)
{
    struct application *a = arg;
    if (a->state != TRYING)
        return;
    timer_stop(a);
    a->state = OPEN;
    a->events->on_open(a->arg);
}

static void on_message(void *arg, uint64_t ws, uint32_t kind, const void *data, uint64_t bytes)
{
    struct application *a = arg;
    if (a->state != OPEN)
        return;
    if (kind == VOICEGW_WS_TEXT)
        a->events->on_text(a->arg, data, (size_t)bytes);
    else
        (void)application_bad(a, "the application sent bytes where texts are expected");
}

static void on_writable(void *arg, uint64_t ws)
{
    struct application *a = arg;
    a->stalled_us = 0;
    if (a->state == OPEN && a->events->on_room)
        a->events->on_room(a->arg);
}

static void closed_by_it(struct application *a, uint32_t code, const char *reason)
{
    char sentence[320];
    uint32_t done = code == 1000 || code == 1001 || code == 1005;
    (void)snprintf(sentence, sizeof sentence, "the application %s (%u%s%s)",
                   code == 1006   ? "was lost"
                   : code == 1009 ? "sent a message that is too long"
                                  : "closed its WebSocket",
                   code, reason && *reason ? ": " : "", reason ? reason : "");
    over(a, done, sentence);
}

static void on_close(void *arg, uint64_t ws, uint32_t code, const char *reason)
{
    struct application *a = arg;
    a->socket = 0;
    if (a->state == TRYING)
        not_reached(a, reason);
    else if (a->state == OPEN)
        closed_by_it(a, code, reason);
    else if (a->state == CLOSED)
        a->events->on_gone(a->arg);
}

static const struct voicegw_ws_events socket_events = {.size = sizeof socket_events,
                                                       .on_open = on_open,
                                                       .on_message = on_message,
                                                       .on_writable = on_writable,
                                                       .on_close = on_close};

static void attempt(void *arg)
{
    struct application *a = arg;
    a->timer = 0;
    a->state = TRYING;
    a->tries++;
    timer_set(a, a->deadline_us - a->host->now_us(a->host), on_deadline);
    int32_t rc = a->ws->connect(a->host, a->target, a->settings->url, (const char *const *)a->settings->headers, NULL,
                                a->max_message_bytes, &socket_events, a, &a->socket);
    if (rc < 0) {
        a->socket = 0;
        not_reached(a, a->host->last_error(a->host));
    }
}

/* ---- its owner's ---- */

int32_t application_open(struct application *a, const struct voicegw_host *host, const struct voicegw_host_ws *ws,
                         const struct application_settings *settings, uint64_t target, uint64_t max_message_bytes,
                         const struct application_events *events, void *arg)
{
    *a = (struct application){.host = host,
                              .ws = ws,
                              .settings = settings,
                              .events = events,
                              .arg = arg,
                              .target = target,
                              .max_message_bytes = max_message_bytes,
                              .state = WAITING,
                              .deadline_us = host->now_us(host) + settings->connect_timeout_us};
    timer_set(a, 0, attempt);
    return a->timer ? VOICEGW_OK : host->set_error(host, VOICEGW_ELIMIT, "no timer is left for another application");
}

uint32_t application_is_open(const struct application *a)
{
    return a->state == OPEN;
}

int32_t application_send(struct application *a, const char *text, size_t bytes)
{
    if (a->state != OPEN)
        return VOICEGW_ENOTFOUND;
    int32_t rc = a->ws->send(a->host, a->socket, VOICEGW_WS_TEXT, text, bytes);
    if (rc != VOICEGW_EBUSY)
        return rc;
    int64_t now_us = a->host->now_us(a->host);
    if (!a->stalled_us)
        a->stalled_us = now_us;
    else if (now_us - a->stalled_us >= APPLICATION_STALL_US)
        application_fail(a, 1008, "the application reads nothing");
    return rc;
}

uint32_t application_bad(struct application *a, const char *why)
{
    char sentence[320];
    a->host->count(a->host, "application_bad_messages", 1);
    if (++a->bad <= APPLICATION_BAD_MAX)
        return 0;
    (void)snprintf(sentence, sizeof sentence, "the application sent %u messages in a row that are wrong: %s",
                   APPLICATION_BAD_MAX + 1, why);
    application_fail(a, 1008, sentence);
    return 1;
}

void application_good(struct application *a)
{
    a->bad = 0;
}

void application_fail(struct application *a, uint32_t code, const char *sentence)
{
    if (a->socket && a->state < OVER)
        (void)a->ws->close(a->host, a->socket, code, sentence);
    over(a, 0, sentence);
}

uint32_t application_close(struct application *a, const char *reason)
{
    uint32_t was_over = a->state >= OVER;
    timer_stop(a);
    a->state = CLOSED;
    if (!a->socket)
        return 1;
    if (!was_over)
        (void)a->ws->close(a->host, a->socket, 1000, reason);
    return 0;
}
