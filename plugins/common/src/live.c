/* live.c - a caller's stream at a vendor: the socket, what goes out, what comes back. */
#include "live.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pcm.h"

#define WAITING_MAX 8      /* finals that are owed at a time */
#define HELD_S 8           /* of audio that waits for a connection */
#define MESSAGE_MAX 262144 /* bytes of a vendor's message */
#define GOODBYE_US 1000000 /* for the vendor to close by itself */
#define PIECE_MAX 6400     /* bytes of one message with audio: 200 ms at 16 kHz linear */
#define STRANGE_MAX 50     /* messages that are no JSON until the vendor is given up */
#define FRAME_BYTES_MAX 9600

enum state { CONNECTING, OPEN, RESTING, LEAVING, BROKEN };

struct live {
    struct live_home *home;
    uint64_t handle, ws;
    enum state state;
    bool socket;      /* on_close() is still to come */
    bool closing;     /* close() was called */
    bool ending;      /* its end is posted */
    bool news_since;  /* a message came since the oldest commit */
    uint32_t tries;   /* connections that were made without a result */
    uint32_t strange; /* messages that could not be read */
    uint64_t timer_retry, timer_keep, timer_final, timer_leave;
    uint64_t key; /* counts connections: what a timer was started for */

    char language[32];
    char *hints;
    uint32_t encoding, rate, width;
    bool interim;

    uint8_t *held; /* audio that waits for the connection, or for a whole piece */
    size_t held_used, held_size;
    uint64_t sent, position;           /* samples on this connection; samples of the caller so far */
    uint64_t sent_fresh;               /* samples since the last commit */
    uint64_t mark_sent, mark_position; /* one place in both, to tell where a text stands */
    int64_t sent_us;

    uint64_t utterance; /* that runs */
    uint64_t waiting[WAITING_MAX];
    uint32_t waiting_count;
    uint32_t late; /* answers to commits that nobody waits for any more */
    struct live_said said;
    struct live_news news;
};

static void connect_now(struct live *l);

static const struct voicegw_host *host_of(const struct live *l)
{
    return l->home->streams.host;
}

static void timer_end(struct live *l, uint64_t *timer)
{
    if (*timer)
        (void)host_of(l)->timer_cancel(host_of(l), *timer);
    *timer = 0;
}

static void timer_begin(struct live *l, uint64_t *timer, int64_t us, voicegw_callback fn)
{
    timer_end(l, timer);
    *timer = host_of(l)->timer_start(host_of(l), l->handle, us, fn, l);
}

/* ---- results ---- */

static int64_t sample_of(const struct live *l, double seconds)
{
    if (seconds < 0 || seconds > 1e6)
        return -1;
    double at = seconds * l->rate - (double)l->mark_sent + (double)l->mark_position;
    return at > 0 ? (int64_t)at : 0;
}

static void report(struct live *l, uint64_t utterance, bool final)
{
    char words[LIVE_WORDS_MAX + 8];
    struct voicegw_stt_result r = {.size = sizeof r,
                                   .final = final,
                                   .utterance = utterance,
                                   .text = l->said.text,
                                   .confidence = live_said_confidence(&l->said),
                                   .start_sample = sample_of(l, l->said.start_s),
                                   .end_sample = sample_of(l, l->said.end_s),
                                   .language = l->said.language[0] ? l->said.language : NULL};
    if (final && l->said.words_used) {
        (void)snprintf(words, sizeof words, "[%s]", l->said.words);
        r.words_json = words;
    }
    (void)l->home->out->on_result(host_of(l), l->handle, &r);
}

static void on_final_late(void *arg);

static void expect_final(struct live *l)
{
    if (l->waiting_count)
        timer_begin(l, &l->timer_final, (int64_t)l->home->final_timeout_ms * 1000, on_final_late);
    else
        timer_end(l, &l->timer_final);
}

/* The oldest utterance that waits is over, with what was heard of it. */
static void settle_oldest(struct live *l)
{
    report(l, l->waiting[0], true);
    l->waiting_count--;
    memmove(l->waiting, l->waiting + 1, l->waiting_count * sizeof *l->waiting);
    live_said_clear(&l->said);
    expect_final(l);
}

static void settle_all(struct live *l)
{
    while (l->waiting_count)
        settle_oldest(l);
    l->late = 0;
}

/* ---- the end ---- */

static void end_stream(struct live *l)
{
    struct live_home *home = l->home;
    timer_end(l, &l->timer_retry);
    timer_end(l, &l->timer_keep);
    timer_end(l, &l->timer_final);
    timer_end(l, &l->timer_leave);
    (void)home->out->on_closed(home->streams.host, l->handle);
    free(l->hints);
    free(l->held);
    free(l);
    vendor_stream_closed(&home->streams);
}

static void on_ended(void *arg)
{
    end_stream(arg);
}

static void on_end_retry(void *arg)
{
    struct live *l = arg;
    l->timer_leave = 0;
    end_stream(l);
}

/* Not from inside close(): posted, or by a timer where the queue is full. */
static void end_soon(struct live *l)
{
    if (l->ending)
        return;
    l->ending = true;
    if (host_of(l)->post(host_of(l), l->handle, on_ended, l) != VOICEGW_OK)
        timer_begin(l, &l->timer_leave, 1000, on_end_retry);
}

static void socket_close(struct live *l)
{
    if (l->socket)
        (void)l->home->ws->close(host_of(l), l->ws, 1000, "");
}

/* The stream is of no more use. */
static void give_up(struct live *l, int32_t status, const char *sentence)
{
    if (l->state == BROKEN || l->closing)
        return;
    l->state = BROKEN;
    timer_end(l, &l->timer_retry);
    timer_end(l, &l->timer_keep);
    settle_all(l);
    socket_close(l);
    (void)l->home->out->on_error(host_of(l), l->handle, 1, status, sentence);
}

static void on_final_late(void *arg)
{
    struct live *l = arg;
    char text[200];
    l->timer_final = 0;
    if (!l->waiting_count)
        return;
    host_of(l)->count(host_of(l), "finals_late", 1);
    if (l->news_since) {
        l->late += l->home->dialect->commit ? 1 : 0;
        l->news_since = false;
        settle_oldest(l);
        return;
    }
    (void)snprintf(text, sizeof text, "%s has said nothing for %u ms after the end of an utterance",
                   l->home->dialect->vendor, l->home->final_timeout_ms);
    give_up(l, VOICEGW_ETIMEOUT, text);
}

/* ---- sending ---- */

static int32_t send_text(struct live *l, const char *text, size_t bytes)
{
    return l->home->ws->send(host_of(l), l->ws, VOICEGW_WS_TEXT, text, bytes);
}

static int32_t send_audio(struct live *l, const uint8_t *data, size_t bytes)
{
    const struct live_dialect *d = l->home->dialect;
    char message[PIECE_MAX * 4 / 3 + 512];
    struct live_wish wish = {.encoding = l->encoding, .rate = l->rate};
    if (!d->audio)
        return l->home->ws->send(host_of(l), l->ws, VOICEGW_WS_BINARY, data, bytes);
    int64_t n = d->audio(host_of(l), l->home->crypto, &wish, data, bytes, message, sizeof message);
    return n < 0 ? (int32_t)n : send_text(l, message, (size_t)n);
}

static void on_keep(void *arg)
{
    struct live *l = arg;
    const struct live_dialect *d = l->home->dialect;
    int64_t gap = host_of(l)->now_us(host_of(l)) - l->sent_us, left = (int64_t)d->keep_alive_ms * 1000 - gap;
    l->timer_keep = 0;
    if (l->state != OPEN)
        return;
    if (left <= 0) {
        (void)send_text(l, d->keep_alive, strlen(d->keep_alive));
        l->sent_us = host_of(l)->now_us(host_of(l));
        left = (int64_t)d->keep_alive_ms * 1000;
    }
    timer_begin(l, &l->timer_keep, left, on_keep);
}

/* A last piece is filled up with silence: some vendors refuse short ones. */
static size_t fill_up(struct live *l, size_t piece)
{
    int silence = l->encoding == VOICEGW_AUDIO_PCMU ? 0xff : l->encoding == VOICEGW_AUDIO_PCMA ? 0xd5 : 0;
    if (l->held_used == 0 || l->held_used >= piece || piece > l->held_size)
        return l->held_used;
    memset(l->held + l->held_used, silence, piece - l->held_used);
    return piece;
}

/* Sends what is held in whole pieces; `all`: the rest too. */
static void send_held(struct live *l, bool all)
{
    size_t piece = (size_t)l->home->dialect->piece_ms * l->rate / 1000 * l->width, done = 0;
    piece = piece < PIECE_MAX ? piece : PIECE_MAX;
    if (l->state != OPEN)
        return;
    if (all)
        l->held_used = fill_up(l, piece);
    while (l->held_used - done >= piece || (all && l->held_used > done)) {
        size_t rest = l->held_used - done, n = rest < PIECE_MAX ? rest : PIECE_MAX;
        if (send_audio(l, l->held + done, n) != VOICEGW_OK)
            host_of(l)->count(host_of(l), "audio_dropped", 1);
        done += n;
        l->sent += n / l->width;
        l->sent_fresh += n / l->width;
        l->sent_us = host_of(l)->now_us(host_of(l));
    }
    memmove(l->held, l->held + done, l->held_used - done);
    l->held_used -= done;
}

static void commit(struct live *l)
{
    const char *text = l->home->dialect->commit;
    send_held(l, true);
    if (l->state == OPEN && text && send_text(l, text, strlen(text)) != VOICEGW_OK)
        host_of(l)->count(host_of(l), "messages_dropped", 1);
    l->sent_fresh = 0;
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
        give_up(l, status, sentence);
        return;
    }
    (void)l->home->out->on_error(host_of(l), l->handle, 0, status, sentence);
    host_of(l)->count(host_of(l), "reconnects", 1);
    l->state = RESTING;
    settle_all(l);
    timer_begin(l, &l->timer_retry, wait * 1000, on_retry);
}

static void opened(struct live *l)
{
    const struct live_dialect *d = l->home->dialect;
    timer_end(l, &l->timer_leave);
    l->state = OPEN;
    l->sent = l->sent_fresh = 0;
    l->sent_us = host_of(l)->now_us(host_of(l));
    l->mark_sent = 0;
    l->mark_position = l->position - l->held_used / l->width;
    if (d->keep_alive_ms && d->keep_alive)
        timer_begin(l, &l->timer_keep, (int64_t)d->keep_alive_ms * 1000, on_keep);
    send_held(l, l->waiting_count > 0);
    if (l->waiting_count)
        commit(l);
}

static void leave(struct live *l);

static void on_open(void *arg, uint64_t ws)
{
    struct live *l = arg;
    if (l->closing || l->state == BROKEN) {
        socket_close(l);
        return;
    }
    opened(l);
}

static void complain(struct live *l, const struct live_news *n)
{
    if (n->fatal && (n->status == VOICEGW_EPROVIDER || n->status == VOICEGW_ENETWORK || n->status == VOICEGW_ETIMEOUT))
        return; /* the close that follows says so */
    if (n->fatal)
        give_up(l, n->status, n->sentence);
    else
        (void)l->home->out->on_error(host_of(l), l->handle, 0, n->status, n->sentence);
}

static void account(struct live *l, const struct live_news *n)
{
    char json[64];
    if (n->used_s <= 0)
        return;
    (void)snprintf(json, sizeof json, "{\"audio_seconds\":%.2f}", n->used_s);
    (void)l->home->out->on_usage(host_of(l), l->handle, json);
}

static void take(struct live *l, const struct live_news *n)
{
    bool changed;
    l->tries = n->heard ? 0 : l->tries;
    if (n->speech)
        (void)l->home->out->on_speech(host_of(l), l->handle, 1, sample_of(l, n->start_s));
    if (l->late) { /* of an utterance that is closed already */
        if (n->flushed) {
            l->late--;
            live_said_clear(&l->said);
        }
        return;
    }
    changed = live_said_take(&l->said, l->home->dialect, n) != 0;
    if (l->waiting_count && (n->flushed || (n->turn_ended && l->home->own_turns && l->said.text[0]))) {
        l->late += n->flushed || !l->home->dialect->commit ? 0 : 1;
        settle_oldest(l);
        return;
    }
    if (l->home->own_turns && n->turn_ended) {
        if (l->said.text[0])
            report(l, l->utterance, true);
        live_said_clear(&l->said);
        return;
    }
    if (changed && l->interim && l->said.text[0])
        report(l, l->waiting_count ? l->waiting[0] : l->utterance, false);
}

static void on_message(void *arg, uint64_t ws, uint32_t kind, const void *data, uint64_t bytes)
{
    struct live *l = arg;
    struct live_news *n = &l->news;
    if (l->state == BROKEN)
        return;
    if (kind != VOICEGW_WS_TEXT || !voicegw_json_valid(data, bytes)) {
        host_of(l)->count(host_of(l), "strange_messages", 1);
        if (++l->strange == STRANGE_MAX)
            give_up(l, VOICEGW_EPROVIDER, "the vendor's messages cannot be read: they are no JSON");
        return;
    }
    memset(n, 0, sizeof *n);
    n->confidence = n->start_s = n->end_s = -1;
    l->home->dialect->read(voicegw_json_ofn(data, bytes), n);
    l->news_since = true;
    account(l, n);
    if (l->closing)
        return;
    if (n->status < 0)
        complain(l, n);
    else
        take(l, n);
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
    timer_end(l, &l->timer_keep);
    timer_end(l, &l->timer_leave);
    if (l->closing) {
        end_stream(l);
        return;
    }
    if (l->state == BROKEN)
        return;
    end_sentence(l, code, reason ? reason : "", text, sizeof text);
    int32_t status = end_status(l, code, reason ? reason : "");
    memset(&l->news, 0, sizeof l->news);
    lost(l, status, text);
}

static void on_connect_late(void *arg)
{
    struct live *l = arg;
    l->timer_leave = 0;
    socket_close(l); /* on_close() follows: never opened */
}

static const struct voicegw_ws_events events = {
    .size = sizeof events, .on_open = on_open, .on_message = on_message, .on_close = on_close};

static int32_t connect_socket(struct live *l, char *why, size_t cap)
{
    const struct live_home *home = l->home;
    char url_text[VENDOR_URL_MAX];
    struct vendor_headers headers = {.count = 0};
    struct voicegw_text url = vendor_socket_url(&home->vendor, url_text, sizeof url_text);
    struct live_wish wish = {l->language, l->hints, l->encoding, l->rate, l->interim, home->own_turns};
    int32_t rc = home->dialect->address(home, &wish, &url, &headers, why, cap);
    if (rc == VOICEGW_OK)
        rc = vendor_headers_finish(&headers, &home->vendor);
    if (rc == VOICEGW_OK && voicegw_text_finish(&url) < 0)
        rc = VOICEGW_ELIMIT;
    if (rc == VOICEGW_OK)
        rc = home->ws->connect(host_of(l), l->handle, url_text, headers.list, NULL, MESSAGE_MAX, &events, l, &l->ws);
    if (rc != VOICEGW_OK && !why[0])
        (void)snprintf(why, cap, "a connection to %s cannot be made with this base_url, api_key, headers and hints",
                       home->dialect->vendor);
    explicit_bzero(&headers, sizeof headers);
    return rc;
}

static void connect_now(struct live *l)
{
    char why[256] = "";
    l->state = CONNECTING;
    l->tries++;
    int32_t rc = connect_socket(l, why, sizeof why);
    if (rc != VOICEGW_OK) {
        give_up(l, rc, why);
        return;
    }
    l->socket = true;
    timer_begin(l, &l->timer_leave, (int64_t)l->home->vendor.connect_timeout_ms * 1000, on_connect_late);
}

/* ---- the operations ---- */

static int32_t push(void *stream, const struct voicegw_frame *frame)
{
    struct live *l = stream;
    if (frame->encoding != l->encoding || frame->rate != l->rate || frame->bytes > FRAME_BYTES_MAX)
        return host_of(l)->set_error(host_of(l), VOICEGW_EINVALID, "the frame is not of the format that was agreed");
    size_t bytes = frame->bytes / l->width * l->width;
    if (frame->timestamp > l->position) { /* audio that we were not given */
        l->mark_sent = l->sent + l->held_used / l->width;
        l->mark_position = frame->timestamp;
        l->position = frame->timestamp;
    }
    l->position += bytes / l->width;
    if (l->state == BROKEN || l->closing)
        return VOICEGW_OK;
    if (bytes > l->held_size - l->held_used) {
        host_of(l)->count(host_of(l), "audio_dropped", 1);
        return VOICEGW_OK;
    }
    memcpy(l->held + l->held_used, frame->data, bytes);
    l->held_used += bytes;
    send_held(l, false);
    return VOICEGW_OK;
}

static int32_t speech(void *stream, uint64_t utterance, uint32_t started, uint64_t sample)
{
    struct live *l = stream;
    if (started && utterance > l->utterance && l->late && !l->waiting_count) {
        l->late = 0; /* an answer that has not come by now never will: what comes from here on is new */
        live_said_clear(&l->said);
    }
    if (started)
        l->utterance = utterance;
    return VOICEGW_OK;
}

static int32_t finalize(void *stream, uint64_t utterance)
{
    struct live *l = stream;
    bool nothing = l->sent_fresh == 0 && l->held_used == 0 && !l->waiting_count;
    l->utterance = utterance > l->utterance ? utterance : l->utterance;
    if (l->waiting_count == WAITING_MAX)
        settle_oldest(l);
    l->waiting[l->waiting_count++] = utterance;
    if (l->state == BROKEN || l->state == LEAVING || nothing) {
        settle_oldest(l);
        return VOICEGW_OK;
    }
    if (l->waiting_count == 1) {
        l->news_since = false;
        expect_final(l);
    }
    if (l->state == OPEN)
        commit(l);
    return VOICEGW_OK;
}

static int32_t update(void *stream, const char *hints_json, const char *language)
{
    struct live *l = stream;
    const struct live_dialect *d = l->home->dialect;
    char message[8192];
    if (language)
        (void)snprintf(l->language, sizeof l->language, "%s", language);
    if (!hints_json)
        return VOICEGW_OK;
    char *copy = voicegw_json_count(voicegw_json_of(hints_json)) ? strdup(hints_json) : NULL;
    free(l->hints);
    l->hints = copy;
    int64_t n = d->update && copy ? d->update(copy, message, sizeof message) : -1;
    if (n > 0 && l->state == OPEN)
        (void)send_text(l, message, (size_t)n);
    return VOICEGW_OK;
}

static void on_leave_late(void *arg)
{
    struct live *l = arg;
    l->timer_leave = 0;
    socket_close(l);
}

/* Says goodbye and lets the vendor close, so that its account of what was used still comes. */
static void leave(struct live *l)
{
    const char *goodbye = l->home->dialect->goodbye;
    bool polite = l->state == OPEN && goodbye && send_text(l, goodbye, strlen(goodbye)) == VOICEGW_OK;
    l->state = l->state == BROKEN ? BROKEN : LEAVING;
    if (polite)
        timer_begin(l, &l->timer_leave, GOODBYE_US, on_leave_late);
    else
        socket_close(l);
}

static void close_stream(void *stream)
{
    struct live *l = stream;
    l->closing = true;
    l->waiting_count = 0;
    timer_end(l, &l->timer_final);
    timer_end(l, &l->timer_retry);
    timer_end(l, &l->timer_keep);
    timer_end(l, &l->timer_leave);
    if (l->socket)
        leave(l);
    else
        end_soon(l);
}

static bool format_of(const struct live_dialect *d, const struct voicegw_stt_params *params, uint32_t *ret_format)
{
    for (uint32_t pass = 0; pass < 3; pass++) {
        for (uint32_t i = 0; i < params->format_count; i++) {
            const struct voicegw_audio_format *f = &params->formats[i];
            bool fits = pass == 0   ? f->encoding == VOICEGW_AUDIO_PCMU && d->g711 >= 1
                        : pass == 1 ? f->encoding == VOICEGW_AUDIO_PCMA && d->g711 >= 2
                                    : f->encoding == VOICEGW_AUDIO_L16;
            if (fits && f->rate == (pass < 2 ? 8000 : d->rate)) {
                *ret_format = i;
                return true;
            }
        }
    }
    return false;
}

static struct live *live_new(struct live_home *home, uint64_t handle, const struct voicegw_stt_params *params,
                             const struct voicegw_audio_format *format)
{
    struct live *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->home = home;
    l->handle = handle;
    l->encoding = format->encoding;
    l->rate = format->rate;
    l->width = format->encoding == VOICEGW_AUDIO_L16 ? 2 : 1;
    l->interim = params->interim != 0;
    l->held_size = (size_t)HELD_S * l->rate * l->width;
    l->held = malloc(l->held_size);
    (void)snprintf(l->language, sizeof l->language, "%s", params->language ? params->language : "");
    if (params->hints_json && voicegw_json_count(voicegw_json_of(params->hints_json)))
        l->hints = strdup(params->hints_json);
    live_said_clear(&l->said);
    if (l->held)
        return l;
    free(l->hints);
    free(l);
    return NULL;
}

static int32_t open_stream(void *instance, uint64_t handle, const struct voicegw_stt_params *params, void **ret_stream,
                           uint32_t *ret_format)
{
    struct live_home *home = instance;
    const struct voicegw_host *host = home->streams.host;
    uint32_t format;
    char why[256] = "";
    if (!format_of(home->dialect, params, &format))
        return host->set_error(host, VOICEGW_EUNSUPPORTED, "none of the audio formats is one that this vendor takes");
    struct live *l = live_new(home, handle, params, &params->formats[format]);
    if (!l)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    l->state = CONNECTING;
    l->tries = 1;
    int32_t rc = connect_socket(l, why, sizeof why);
    if (rc != VOICEGW_OK) {
        free(l->hints);
        free(l->held);
        free(l);
        return host->set_error(host, rc, why);
    }
    l->socket = true;
    timer_begin(l, &l->timer_leave, (int64_t)home->vendor.connect_timeout_ms * 1000, on_connect_late);
    vendor_stream_opened(&home->streams);
    *ret_stream = l;
    *ret_format = format;
    return VOICEGW_OK;
}

static const struct voicegw_stt listens = {.size = sizeof listens,
                                           .open = open_stream,
                                           .push = push,
                                           .speech = speech,
                                           .finalize = finalize,
                                           .update = update,
                                           .close = close_stream};
static const struct voicegw_stt takes_turns = {.size = sizeof takes_turns,
                                               .endpoints = 1,
                                               .open = open_stream,
                                               .push = push,
                                               .speech = speech,
                                               .finalize = finalize,
                                               .update = update,
                                               .close = close_stream};

const struct voicegw_stt *live_operations(const struct live_home *home)
{
    return home->own_turns ? &takes_turns : &listens;
}

int32_t live_start(void *instance)
{
    return VOICEGW_OK;
}

void live_drain(void *instance)
{
    vendor_streams_drain(&((struct live_home *)instance)->streams);
}

const void *live_extension(void *instance, const char *id)
{
    return strcmp(id, VOICEGW_KIND_STT) == 0 ? live_operations(instance) : NULL;
}

int32_t live_home_init(struct live_home *home, const struct voicegw_host *host, const struct voicegw_options *options,
                       const struct live_dialect *dialect)
{
    const char *turns = host->option_string(host, options, "turns");
    vendor_streams_init(&home->streams, host);
    home->dialect = dialect;
    home->out = host->get_extension(host, VOICEGW_HOST_STT);
    home->ws = host->get_extension(host, VOICEGW_HOST_WS);
    home->crypto = host->get_extension(host, VOICEGW_HOST_CRYPTO);
    home->own_turns = turns && strcmp(turns, "engine") == 0;
    home->final_timeout_ms = (uint32_t)(host->option_int(host, options, "final_timeout", 2000000) / 1000);
    if (!home->out || !home->ws || !home->crypto)
        return host->set_error(host, VOICEGW_EUNSUPPORTED,
                               "this host lacks recognized speech, WebSockets or base64, which the plugin needs");
    return voicegw_vendor_read(host, options, &home->vendor);
}
