/* batch.c - a caller's stream: utterances kept, sent one after another, and answered in order. */
#include "batch.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "exchange.h"
#include "pcm.h"
#include "sse.h"

#define RATE 16000         /* what whisper's kin hear */
#define UTTERANCE_S 60     /* speech beyond this length is not sent */
#define FILE_MIN_MS 100    /* less is no speech, and is refused by some */
#define TASKS_MAX 16       /* files that wait */
#define ANSWER_MAX 1048576 /* bytes of an answer */
#define FAILURES_MAX 2     /* in a row, until the stream is given up: one may be the weather */

/* A file, and what it belongs to. */
struct task {
    struct task *next;
    uint64_t utterance;
    bool final; /* the utterance ends with it */
    size_t samples, room;
    int16_t *pcm;
};

struct batch {
    struct batch_home *home;
    uint64_t handle;
    char language[32];
    char *hints;
    bool talking, closing, broken, ending;
    uint64_t utterance;
    uint64_t taken; /* samples of this utterance */
    struct task *filling, *tasks;
    uint32_t task_count, failures;
    struct exchange *exchange; /* of tasks, until it is gone */
    struct sse sse;
    bool events, judged; /* the answer comes as events; that is known */
    char *answer;
    size_t answer_bytes, answer_room;
    struct batch_answer news;
    char text[BATCH_TEXT_MAX]; /* of the utterance so far */
    size_t part;               /* bytes of text before the file that is being answered */
    double confidence;
    bool answered; /* the whole answer was read */
    int32_t status;
    char why[400];
};

static void go_on(struct batch *b);

static const struct voicegw_host *host_of(const struct batch *b)
{
    return b->home->streams.host;
}

static void task_free(struct task *t)
{
    if (t)
        free(t->pcm);
    free(t);
}

/* ---- results ---- */

static void report(struct batch *b, uint64_t utterance, bool final)
{
    struct voicegw_stt_result r = {.size = sizeof r,
                                   .final = final,
                                   .utterance = utterance,
                                   .text = b->text,
                                   .confidence = b->confidence,
                                   .start_sample = -1,
                                   .end_sample = -1,
                                   .language = b->news.language[0] ? b->news.language : NULL};
    (void)b->home->out->on_result(host_of(b), b->handle, &r);
}

/* The text behind what was there before this file. */
static void put(struct batch *b, const char *text)
{
    size_t at = b->part, n = strlen(text);
    if (at && n && at + 1 < sizeof b->text)
        b->text[at++] = ' ';
    if (n > sizeof b->text - 1 - at)
        n = sizeof b->text - 1 - at;
    while (n && text[n] && ((unsigned char)text[n] & 0xc0u) == 0x80u)
        n--;
    memcpy(b->text + at, text, n);
    b->text[at + n] = '\0';
}

/* The file at the front is done with. */
static void task_over(struct batch *b)
{
    struct task *t = b->tasks;
    b->tasks = t->next;
    b->task_count--;
    b->part = strlen(b->text);
    if (t->final && !b->closing) {
        report(b, t->utterance, true);
        b->text[0] = '\0';
        b->part = 0;
        b->confidence = -1;
    }
    task_free(t);
}

static void fail(struct batch *b, int32_t status, const char *sentence)
{
    bool passing = status == VOICEGW_EPROVIDER || status == VOICEGW_ENETWORK || status == VOICEGW_ETIMEOUT;
    b->broken = !passing || ++b->failures >= FAILURES_MAX;
    (void)b->home->out->on_error(host_of(b), b->handle, b->broken, status, sentence);
}

/* ---- answers ---- */

static void account(struct batch *b)
{
    char json[64];
    if (b->news.used_s <= 0)
        return;
    (void)snprintf(json, sizeof json, "{\"audio_seconds\":%.2f}", b->news.used_s);
    (void)b->home->out->on_usage(host_of(b), b->handle, json);
}

static void take(struct batch *b, struct voicegw_json message)
{
    struct batch_answer *n = &b->news;
    memset(n, 0, sizeof *n);
    n->confidence = -1;
    n->status = 1; /* nothing was said by this message */
    b->home->dialect->read(message, n);
    if (n->status < 0) {
        b->status = n->status;
        (void)snprintf(b->why, sizeof b->why, "%s", n->sentence);
        return;
    }
    if (n->status != 0)
        return;
    account(b);
    if (n->whole) {
        batch_tidy(n->text);
        b->answered = true;
        put(b, n->text);
        b->confidence = n->confidence;
        return;
    }
    size_t have = strlen(b->text + b->part);
    if (have + strlen(n->text) + 2 < sizeof n->text) { /* one more piece */
        char both[BATCH_TEXT_MAX];
        const char *old = b->text + b->part + (b->part && have ? 1 : 0);
        (void)snprintf(both, sizeof both, "%s%s", old, n->text);
        put(b, both);
        report(b, b->tasks->utterance, false);
    }
}

static int32_t on_event(void *arg, const char *event, const char *data, uint64_t bytes)
{
    struct batch *b = arg;
    if (voicegw_json_valid(data, bytes))
        take(b, voicegw_json_ofn(data, bytes));
    else if (strcmp(data, "[DONE]") != 0)
        host_of(b)->count(host_of(b), "strange_messages", 1);
    return 0;
}

static uint32_t keep_answer(struct batch *b, const void *data, size_t bytes)
{
    if (bytes > b->answer_room - b->answer_bytes) {
        size_t room = b->answer_bytes + bytes + 4096;
        char *grown = realloc(b->answer, room);
        if (!grown)
            return 0;
        b->answer = grown;
        b->answer_room = room;
    }
    memcpy(b->answer + b->answer_bytes, data, bytes);
    b->answer_bytes += bytes;
    return 1;
}

/* Servers that do not stream answer with one object: its first octet tells. */
static uint32_t on_data(void *arg, const void *data, uint64_t bytes)
{
    struct batch *b = arg;
    const char *c = data, *end = c + bytes;
    if (b->closing)
        return 0;
    if (!b->judged) {
        while (c < end && (*c == ' ' || *c == '\n' || *c == '\r' || *c == '\t'))
            c++;
        if (c == end)
            return 0;
        b->judged = true;
        b->events = *c != '{' && *c != '[' && *c != '"';
    }
    if (!b->events)
        return keep_answer(b, c, (size_t)(end - c));
    uint64_t before = b->sse.events;
    (void)sse_feed(&b->sse, c, (uint64_t)(end - c), on_event, b);
    return b->sse.events != before;
}

static void on_end(void *arg, const struct exchange_end *end)
{
    struct batch *b = arg;
    const char *vendor = b->home->dialect->vendor;
    if (b->events)
        (void)sse_finish(&b->sse, on_event, b);
    if (end->http_status && (end->http_status < 200 || end->http_status > 299)) {
        b->status = vendor_refusal(vendor, end->http_status, end->body, end->body_bytes, b->why, sizeof b->why);
    } else if (end->status != VOICEGW_OK) {
        b->status = end->status;
        (void)snprintf(b->why, sizeof b->why, "%s", end->sentence);
    } else if (!b->events && b->answer_bytes && voicegw_json_valid(b->answer, b->answer_bytes)) {
        take(b, voicegw_json_ofn(b->answer, b->answer_bytes));
    }
    if (b->status == VOICEGW_OK && !b->answered) {
        b->status = VOICEGW_EPROVIDER;
        (void)snprintf(b->why, sizeof b->why, "%s answered with something that holds no text", vendor);
    }
}

/* ---- the end ---- */

static void end_stream(void *arg)
{
    struct batch *b = arg;
    struct batch_home *home = b->home;
    (void)home->out->on_closed(home->streams.host, b->handle);
    while (b->tasks) {
        struct task *next = b->tasks->next;
        task_free(b->tasks);
        b->tasks = next;
    }
    task_free(b->filling);
    sse_done(&b->sse);
    free(b->answer);
    free(b->hints);
    free(b);
    vendor_stream_closed(&home->streams);
}

static void end_soon(struct batch *b)
{
    if (b->ending)
        return;
    b->ending = true;
    if (host_of(b)->post(host_of(b), b->handle, end_stream, b) != VOICEGW_OK)
        (void)host_of(b)->timer_start(host_of(b), b->handle, 1000, end_stream, b);
}

static void on_gone(void *arg)
{
    struct batch *b = arg;
    b->exchange = NULL;
    sse_done(&b->sse);
    if (b->closing) {
        end_soon(b);
        return;
    }
    int32_t status = b->status;
    if (status == VOICEGW_OK)
        b->failures = 0;
    task_over(b);
    if (status != VOICEGW_OK)
        fail(b, status, b->why);
    go_on(b);
}

/* ---- requests ---- */

static int32_t write_request(struct batch *b, const struct task *t, char *url_text, struct vendor_headers *headers,
                             struct batch_form *form)
{
    const struct batch_home *home = b->home;
    struct voicegw_text url = voicegw_vendor_url(&home->vendor, url_text, VENDOR_URL_MAX);
    struct batch_wish wish = {b->language, b->hints, b->text};
    int32_t rc = vendor_header_add(headers, "Content-Type", "", "multipart/form-data; boundary=" BATCH_BOUNDARY);
    if (rc == VOICEGW_OK)
        rc = home->dialect->write(home, &wish, &url, headers, form, b->why, sizeof b->why);
    if (rc == VOICEGW_OK)
        rc = vendor_headers_finish(headers, &home->vendor);
    batch_file(form, "file", t->pcm, t->samples, RATE);
    batch_form_end(form);
    if (rc == VOICEGW_OK && (voicegw_text_finish(&url) < 0 || form->failed))
        rc = VOICEGW_ELIMIT;
    if (rc != VOICEGW_OK && !b->why[0])
        (void)snprintf(b->why, sizeof b->why,
                       "no request can be made to %s with this base_url, api_key, headers and extra",
                       home->dialect->vendor);
    return rc;
}

static int32_t send_task(struct batch *b, const struct task *t)
{
    const struct batch_home *home = b->home;
    char url[VENDOR_URL_MAX];
    struct vendor_headers headers = {.count = 0};
    struct batch_form form = {0};
    int32_t rc = write_request(b, t, url, &headers, &form);
    struct exchange_request request = {.who = home->dialect->vendor,
                                       .url = url,
                                       .headers = headers.list,
                                       .body = form.data,
                                       .body_bytes = form.bytes,
                                       .connect_timeout_ms = home->vendor.connect_timeout_ms,
                                       .timeout_ms = home->vendor.timeout_ms,
                                       .first_byte_timeout_ms = home->answer_timeout_ms,
                                       .stall_timeout_ms = home->answer_timeout_ms,
                                       .max_bytes = ANSWER_MAX,
                                       .retry = home->vendor.retry,
                                       .repeatable = 1,
                                       .on_data = on_data,
                                       .on_end = on_end,
                                       .on_gone = on_gone,
                                       .arg = b};
    if (rc == VOICEGW_OK)
        rc = exchange_start(host_of(b), home->http, b->handle, &request, &b->exchange);
    if (rc != VOICEGW_OK && !b->why[0])
        (void)snprintf(b->why, sizeof b->why, "a request to %s cannot be started", home->dialect->vendor);
    explicit_bzero(&headers, sizeof headers);
    free(form.data);
    return rc;
}

/* The next file that waits; what is too short to be speech is answered without a request. */
static void go_on(struct batch *b)
{
    while (b->tasks && !b->exchange && !b->closing) {
        struct task *t = b->tasks;
        b->status = VOICEGW_OK;
        b->why[0] = '\0';
        b->answered = b->events = b->judged = false;
        b->answer_bytes = 0;
        if (b->broken || t->samples < RATE / 1000 * FILE_MIN_MS) {
            task_over(b);
            continue;
        }
        int32_t rc = send_task(b, t);
        if (rc == VOICEGW_OK)
            return;
        task_over(b);
        fail(b, rc, b->why);
    }
}

static struct task *fill(struct batch *b)
{
    if (!b->filling && (b->filling = calloc(1, sizeof *b->filling)))
        b->filling->utterance = b->utterance;
    return b->filling;
}

static void queue(struct batch *b, bool final)
{
    struct task **end = &b->tasks, *t = b->filling;
    if (b->task_count == TASKS_MAX && !final)
        return; /* it goes on to be filled */
    t->final = final;
    b->filling = NULL;
    while (*end)
        end = &(*end)->next;
    *end = t;
    b->task_count++;
    go_on(b);
}

/* ---- the operations ---- */

static int32_t push(void *stream, const struct voicegw_frame *frame)
{
    struct batch *b = stream;
    size_t n = frame->bytes / 2;
    if (frame->encoding != VOICEGW_AUDIO_L16 || frame->rate != RATE)
        return host_of(b)->set_error(host_of(b), VOICEGW_EINVALID, "the frame is not of the format that was agreed");
    struct task *t = b->talking && !b->closing && !b->broken ? fill(b) : NULL;
    if (!t || b->taken + n > (uint64_t)UTTERANCE_S * RATE) {
        if (b->talking)
            host_of(b)->count(host_of(b), "audio_dropped", 1);
        return VOICEGW_OK;
    }
    if (n > t->room - t->samples) {
        size_t room = t->room ? 2 * t->room : 2 * RATE;
        int16_t *grown = realloc(t->pcm, (room + n) * sizeof *grown);
        if (!grown)
            return host_of(b)->set_error(host_of(b), VOICEGW_ELIMIT, "out of memory");
        t->pcm = grown;
        t->room = room + n;
    }
    if (n)
        memcpy(t->pcm + t->samples, frame->data, n * sizeof *t->pcm);
    t->samples += n;
    b->taken += n;
    if (b->home->chunk_ms && t->samples >= (uint64_t)b->home->chunk_ms * RATE / 1000)
        queue(b, false);
    return VOICEGW_OK;
}

static int32_t speech(void *stream, uint64_t utterance, uint32_t started, uint64_t sample)
{
    struct batch *b = stream;
    if (!started || b->talking)
        return VOICEGW_OK;
    b->talking = true;
    b->utterance = utterance;
    b->taken = 0;
    return VOICEGW_OK;
}

static int32_t finalize(void *stream, uint64_t utterance)
{
    struct batch *b = stream;
    b->talking = false;
    b->utterance = utterance;
    if (!fill(b))
        return host_of(b)->set_error(host_of(b), VOICEGW_ELIMIT, "out of memory");
    b->filling->utterance = utterance;
    queue(b, true);
    return VOICEGW_OK;
}

static int32_t update(void *stream, const char *hints_json, const char *language)
{
    struct batch *b = stream;
    if (language)
        (void)snprintf(b->language, sizeof b->language, "%s", language);
    if (hints_json) {
        free(b->hints);
        b->hints = strdup(hints_json);
    }
    return VOICEGW_OK;
}

static void close_stream(void *stream)
{
    struct batch *b = stream;
    b->closing = true;
    if (b->exchange)
        exchange_cancel(b->exchange);
    else
        end_soon(b);
}

static int32_t open_stream(void *instance, uint64_t handle, const struct voicegw_stt_params *params, void **ret_stream,
                           uint32_t *ret_format)
{
    struct batch_home *home = instance;
    const struct voicegw_host *host = home->streams.host;
    uint32_t format = 0;
    while (format < params->format_count &&
           (params->formats[format].encoding != VOICEGW_AUDIO_L16 || params->formats[format].rate != RATE))
        format++;
    if (format == params->format_count)
        return host->set_error(host, VOICEGW_EUNSUPPORTED, "this engine hears linear audio at 16000 Hz only");
    struct batch *b = calloc(1, sizeof *b);
    if (!b)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    b->home = home;
    b->handle = handle;
    b->confidence = -1;
    (void)update(b, params->hints_json, params->language);
    vendor_stream_opened(&home->streams);
    *ret_stream = b;
    *ret_format = format;
    return VOICEGW_OK;
}

const struct voicegw_stt batch_operations = {.size = sizeof batch_operations,
                                             .open = open_stream,
                                             .push = push,
                                             .speech = speech,
                                             .finalize = finalize,
                                             .update = update,
                                             .close = close_stream};

int32_t batch_start(void *instance)
{
    return VOICEGW_OK;
}

void batch_drain(void *instance)
{
    vendor_streams_drain(&((struct batch_home *)instance)->streams);
}

const void *batch_extension(void *instance, const char *id)
{
    return strcmp(id, VOICEGW_KIND_STT) == 0 ? &batch_operations : NULL;
}

int32_t batch_home_init(struct batch_home *home, const struct voicegw_host *host, const struct voicegw_options *options,
                        const struct batch_dialect *dialect)
{
    vendor_streams_init(&home->streams, host);
    home->dialect = dialect;
    home->out = host->get_extension(host, VOICEGW_HOST_STT);
    home->http = host->get_extension(host, VOICEGW_HOST_HTTP);
    home->chunk_ms = (uint32_t)(host->option_int(host, options, "chunk", 0) / 1000);
    home->answer_timeout_ms = (uint32_t)(host->option_int(host, options, "answer_timeout", 4500000) / 1000);
    if (!home->out || !home->http)
        return host->set_error(host, VOICEGW_EUNSUPPORTED,
                               "this host lacks recognized speech or an HTTP client, which the plugin needs");
    if (home->chunk_ms && home->chunk_ms < 1000)
        return host->set_error(host, VOICEGW_ECONFIG, "chunk must be 0 or at least 1s: shorter pieces hold no words");
    return voicegw_vendor_read(host, options, &home->vendor);
}
