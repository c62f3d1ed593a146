/* live_socket.c - the connection to the vendor: made, lost, made again, left. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "live_private.h"

static void connect_now(struct live *l);

void live_socket_close(struct live *l)
{
    if (l->socket)
        (void)l->home->ws->close(live_host_of(l), l->ws, 1000, "");
}

/* The stream is of no more use. What waits for a final gets none: the host lets another hear it all, or takes the
 * newest partial. */
void live_give_up(struct live *l, int32_t status, const char *sentence)
{
    if (l->state == BROKEN || l->closing)
        return;
    l->state = BROKEN;
    live_timer_end(l, &l->timer_retry);
    live_timer_end(l, &l->timer_keep);
    live_timer_end(l, &l->timer_final);
    l->waiting_count = 0;
    live_socket_close(l);
    (void)l->home->out->on_error(live_host_of(l), l->handle, 1, status, sentence);
}

/* ---- the socket ---- */

static void on_retry(void *arg)
{
    struct live *l = arg;
    l->timer_retry = 0;
    connect_now(l);
}

/* The connection is gone without our doing: another one, or the end. */
static void lost(struct live *l, int32_t status, const char *sentence)
{
    const struct voicegw_retry *retry = &l->home->vendor.retry;
    struct voicegw_retry_input in = {.attempt = l->tries, .status = status, .repeatable = 1, .wall_us = 0};
    bool again = status == VOICEGW_ENETWORK || status == VOICEGW_ETIMEOUT || status == VOICEGW_EPROVIDER;
    int64_t wait = l->tries == 0 ? 0 : vendor_retry_ms(retry, &in);
    if (!again || retry->max == 0 || wait < 0) {
        live_give_up(l, status, sentence);
        return;
    }
    (void)l->home->out->on_error(live_host_of(l), l->handle, 0, status, sentence);
    live_host_of(l)->count(live_host_of(l), "reconnects", 1);
    l->state = RESTING;
    live_settle_all(l);
    live_timer_begin(l, &l->timer_retry, wait * 1000, on_retry);
}

static void opened(struct live *l)
{
    const struct live_dialect *d = l->home->dialect;
    live_timer_end(l, &l->timer_leave);
    l->state = OPEN;
    l->sent = l->sent_fresh = 0;
    l->sent_us = live_host_of(l)->now_us(live_host_of(l));
    l->mark_sent = 0;
    l->mark_position = l->position - l->held_used / l->width;
    if (d->keep_alive_ms && d->keep_alive)
        live_timer_begin(l, &l->timer_keep, (int64_t)d->keep_alive_ms * 1000, live_on_keep);
    live_send_held(l, l->waiting_count > 0);
    if (l->waiting_count)
        live_commit(l);
}

static void on_open(void *arg, uint64_t ws)
{
    struct live *l = arg;
    if (l->closing || l->state == BROKEN) {
        live_socket_close(l);
        return;
    }
    opened(l);
}

static void complain(struct live *l, const struct live_news *n)
{
    if (n->fatal && (n->status == VOICEGW_EPROVIDER || n->status == VOICEGW_ENETWORK || n->status == VOICEGW_ETIMEOUT))
        return; /* the close that follows says so */
    if (n->fatal)
        live_give_up(l, n->status, n->sentence);
    else
        (void)l->home->out->on_error(live_host_of(l), l->handle, 0, n->status, n->sentence);
}

static void on_message(void *arg, uint64_t ws, uint32_t kind, const void *data, uint64_t bytes)
{
    struct live *l = arg;
    struct live_news *n = &l->news;
    if (l->state == BROKEN)
        return;
    if (kind != VOICEGW_WS_TEXT || !voicegw_json_valid(data, bytes)) {
        live_host_of(l)->count(live_host_of(l), "strange_messages", 1);
        if (++l->strange == STRANGE_MAX)
            live_give_up(l, VOICEGW_EPROVIDER, "the vendor's messages cannot be read: they are no JSON");
        return;
    }
    memset(n, 0, sizeof *n);
    n->confidence = n->start_s = n->end_s = -1;
    l->home->dialect->read(voicegw_json_ofn(data, bytes), n);
    l->news_since = true;
    live_account(l, n);
    if (l->closing)
        return;
    if (n->status < 0)
        complain(l, n);
    else
        live_take(l, n);
}

/* Of a socket that never opened: "answered 429: …" where the vendor spoke HTTP. */
static int32_t refusal_status(const char *reason)
{
    const char *at = strstr(reason, "answered ");
    unsigned long answer = at ? strtoul(at + strlen("answered "), NULL, 10) : 0;
    if (answer == 402)
        return VOICEGW_ERATELIMIT;
    if (answer >= 300 && answer <= 599)
        return voicegw_http_to_status((uint32_t)answer);
    if (strstr(reason, "unauthorized"))
        return VOICEGW_EAUTH;
    return strstr(reason, "not 101") ? VOICEGW_EINVALID : VOICEGW_ENETWORK;
}

/* What an end that nobody asked for means. RFC 6455, 7.4.1; 4000 and up are the vendor's. */
static int32_t end_status(const struct live *l, uint32_t code, const char *reason)
{
    if (l->news.fatal && l->news.status < 0)
        return l->news.status == VOICEGW_EPROVIDER ? VOICEGW_ENETWORK : l->news.status;
    if (code == 0)
        return refusal_status(reason);
    if (code == 1003 || code == 1007 || code == 1009)
        return VOICEGW_EINVALID;
    if (code == 1008 || code == 4001 || code == 4003)
        return VOICEGW_EAUTH;
    if (code == 4029 || code == 3009)
        return VOICEGW_ERATELIMIT;
    return VOICEGW_ENETWORK;
}

static void end_sentence(const struct live *l, uint32_t code, const char *reason, char *out, size_t cap)
{
    char words[124];
    size_t n = 0;
    for (const char *c = reason; *c && n + 1 < sizeof words; c++)
        words[n++] = (unsigned char)*c < 0x20u || *c == 0x7f ? ' ' : *c;
    words[n] = '\0';
    const char *vendor = l->home->dialect->vendor;
    if (l->news.fatal && l->news.status < 0)
        (void)snprintf(out, cap, "%s", l->news.sentence);
    else if (code == 0)
        (void)snprintf(out, cap, "no connection to %s came about: %s", vendor, words);
    else
        (void)snprintf(out, cap, "the connection to %s was lost (%u%s%s)", vendor, code, words[0] ? ": " : "", words);
}

static void on_close(void *arg, uint64_t ws, uint32_t code, const char *reason)
{
    struct live *l = arg;
    char text[400];
    l->socket = false;
    live_timer_end(l, &l->timer_keep);
    live_timer_end(l, &l->timer_leave);
    if (l->closing) {
        live_end_stream(l);
        return;
    }
    if (l->state == BROKEN)
        return;
    if (l->renewing) {
        l->renewing = false;
        l->tries = 0;
        connect_now(l);
        return;
    }
    end_sentence(l, code, reason ? reason : "", text, sizeof text);
    int32_t status = end_status(l, code, reason ? reason : "");
    memset(&l->news, 0, sizeof l->news);
    lost(l, status, text);
}

static void on_connect_late(void *arg)
{
    struct live *l = arg;
    l->timer_leave = 0;
    live_socket_close(l); /* on_close() follows: never opened */
}

static const struct voicegw_ws_events events = {
    .size = sizeof events, .on_open = on_open, .on_message = on_message, .on_close = on_close};

/* Where a connection goes that is made now. */
static int32_t address(const struct live *l, char *url_text, struct vendor_headers *headers, char *why, size_t cap)
{
    const struct live_home *home = l->home;
    struct voicegw_text url = vendor_socket_url(&home->vendor, url_text, VENDOR_URL_MAX);
    struct live_wish wish = {l->language, l->hints, l->encoding, l->rate, l->interim, home->own_turns};
    int32_t rc = home->dialect->address(home, &wish, &url, headers, why, cap);
    if (rc == VOICEGW_OK)
        rc = vendor_headers_finish(headers, &home->vendor);
    if (rc == VOICEGW_OK && voicegw_text_finish(&url) < 0)
        rc = VOICEGW_ELIMIT;
    return rc;
}

int32_t live_connect(struct live *l, char *why, size_t cap)
{
    const struct live_home *home = l->home;
    l->state = CONNECTING;
    l->tries++;
    l->renew = false; /* it has the newest language */
    char url_text[VENDOR_URL_MAX];
    struct vendor_headers headers = {.count = 0};
    int32_t rc = address(l, url_text, &headers, why, cap);
    if (rc == VOICEGW_OK)
        rc = home->ws->connect(live_host_of(l), l->handle, url_text, headers.list, NULL, MESSAGE_MAX, &events, l,
                               &l->ws);
    if (rc != VOICEGW_OK && !why[0])
        (void)snprintf(why, cap, "a connection to %s cannot be made with this base_url, api_key, headers and hints",
                       home->dialect->vendor);
    explicit_bzero(&headers, sizeof headers);
    if (rc != VOICEGW_OK)
        return rc;
    free(l->url);
    l->url = strdup(url_text);
    l->socket = true;
    live_timer_begin(l, &l->timer_leave, (int64_t)home->vendor.connect_timeout_ms * 1000, on_connect_late);
    return VOICEGW_OK;
}

/* A vendor that is told the language with the connection needs another one; the audio meanwhile is held. */
void live_renew_if_due(struct live *l)
{
    char url_text[VENDOR_URL_MAX], why[256] = "";
    struct vendor_headers headers = {.count = 0};
    if (!l->renew || l->state != OPEN || l->waiting_count || l->closing)
        return;
    l->renew = false;
    int32_t rc = address(l, url_text, &headers, why, sizeof why);
    explicit_bzero(&headers, sizeof headers);
    if (rc != VOICEGW_OK || (l->url && strcmp(l->url, url_text) == 0))
        return;
    l->renewing = true;
    l->state = RESTING;
    live_timer_end(l, &l->timer_keep);
    live_socket_close(l);
}

static void connect_now(struct live *l)
{
    char why[256] = "";
    int32_t rc = live_connect(l, why, sizeof why);
    if (rc != VOICEGW_OK)
        live_give_up(l, rc, why);
}

static void on_leave_late(void *arg)
{
    struct live *l = arg;
    l->timer_leave = 0;
    live_socket_close(l);
}

/* Says goodbye and lets the vendor close, so that its account of what was used still comes. */
void live_leave(struct live *l)
{
    const char *goodbye = l->home->dialect->goodbye;
    bool polite = l->state == OPEN && goodbye && live_send_text(l, goodbye, strlen(goodbye)) == VOICEGW_OK;
    l->state = l->state == BROKEN ? BROKEN : LEAVING;
    if (polite)
        live_timer_begin(l, &l->timer_leave, GOODBYE_US, on_leave_late);
    else
        live_socket_close(l);
}
