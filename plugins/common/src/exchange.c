/* exchange.c - a request that a caller waits for. */
#include "exchange.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "voicegw/json.h"

#define HEADERS_MAX 48

struct exchange {
    const struct voicegw_host *host;
    const struct voicegw_host_http *http;
    struct exchange_request r; /* its texts are in `block` */
    const char *headers[HEADERS_MAX + 1];
    char *block;
    uint64_t target, request, retry_timer, limit_timer;
    int64_t begun_us;
    uint32_t tries;
    uint32_t progress;  /* something of the answer came */
    uint32_t cancelled; /* the owner is gone */
    uint32_t late;      /* a limit of time ended it */
};

static void stop_timer(struct exchange *x, uint64_t *timer)
{
    if (*timer)
        (void)x->host->timer_cancel(x->host, *timer);
    *timer = 0;
}

static void gone(struct exchange *x)
{
    void (*on_gone)(void *arg) = x->r.on_gone;
    void *arg = x->r.arg;
    stop_timer(x, &x->retry_timer);
    stop_timer(x, &x->limit_timer);
    free(x->block);
    free(x);
    on_gone(arg);
}

static void end(struct exchange *x, const struct exchange_end *how)
{
    if (!x->cancelled)
        x->r.on_end(x->r.arg, how);
    gone(x);
}

static void end_with(struct exchange *x, int32_t status, uint32_t http_status, const char *what)
{
    char sentence[400];
    struct exchange_end how = {
        .status = status, .http_status = http_status, .sentence = sentence, .body = "", .body_bytes = 0};
    (void)snprintf(sentence, sizeof sentence, "%s %s", x->r.who, what);
    end(x, &how);
}

static void on_limit(void *arg)
{
    struct exchange *x = arg;
    x->limit_timer = 0;
    x->late = 1;
    if (x->retry_timer) {
        stop_timer(x, &x->retry_timer);
        end_with(x, VOICEGW_ETIMEOUT, 0, "could not be asked again within first_byte_timeout");
        return;
    }
    x->http->cancel(x->host, x->request);
}

static void limit(struct exchange *x, int64_t ms)
{
    stop_timer(x, &x->limit_timer);
    x->limit_timer = x->host->timer_start(x->host, x->target, (ms > 0 ? ms : 0) * 1000, on_limit, x);
}

static void on_body(void *arg, const void *data, uint64_t bytes)
{
    struct exchange *x = arg;
    if (x->cancelled || x->late)
        return;
    if (!x->r.on_data(x->r.arg, data, bytes) || x->cancelled)
        return;
    x->progress = 1;
    limit(x, x->r.stall_timeout_ms);
}

/* The vendor's own words, short and on one line; not of a refused key, which some vendors quote. */
static void add_message(char *out, size_t cap, const struct voicegw_http_response *r)
{
    struct voicegw_json error = voicegw_json_member(voicegw_json_ofn(r->body, r->body_bytes), "error");
    char text[200];
    size_t at = strlen(out);
    struct voicegw_json message =
        voicegw_json_type(error) == VOICEGW_JSON_OBJECT ? voicegw_json_member(error, "message") : error;
    if (r->http_status == 401 || r->http_status == 403)
        return;
    if (voicegw_json_string(message, text, sizeof text) == VOICEGW_ENOTFOUND || !text[0])
        return;
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
    (void)snprintf(out + at, cap - at, ": %s", text);
}

static void refused(struct exchange *x, const struct voicegw_http_response *r)
{
    char sentence[400];
    static const struct {
        uint32_t code;
        const char *what;
    } known[] = {{401, "refused the key"},
                 {403, "refused the key or what was asked of it"},
                 {404, "knows neither this address nor this model"},
                 {429, "asks to slow down, or the quota is used up"}};
    const char *what = r->http_status >= 500 ? "failed" : "refused the request";
    struct exchange_end how = {.status = voicegw_http_to_status(r->http_status),
                               .http_status = r->http_status,
                               .sentence = sentence,
                               .body = r->body ? r->body : "",
                               .body_bytes = r->body ? r->body_bytes : 0};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].code == r->http_status)
            what = known[i].what;
    (void)snprintf(sentence, sizeof sentence, "%s %s (HTTP %u)", x->r.who, what, (unsigned)r->http_status);
    add_message(sentence, sizeof sentence, r);
    end(x, &how);
}

static int32_t send(struct exchange *x);

static void on_again(void *arg)
{
    struct exchange *x = arg;
    x->retry_timer = 0;
    int32_t status = send(x);
    if (status < 0)
        end_with(x, status, 0, "could not be asked again");
}

/* 1: another try is under way. */
static uint32_t again(struct exchange *x, int32_t status, const struct voicegw_http_response *r)
{
    char after[64] = "";
    int64_t left_ms = (int64_t)x->r.first_byte_timeout_ms - (x->host->now_us(x->host) - x->begun_us) / 1000;
    struct voicegw_retry_input in = {.attempt = x->tries,
                                     .status = status,
                                     .http_status = r->http_status,
                                     .repeatable = x->r.repeatable,
                                     .retry_after = after,
                                     .wall_us = x->host->wall_us(x->host),
                                     .random = (uint64_t)x->host->now_us(x->host)};
    if (x->cancelled || x->late || x->progress)
        return 0;
    if (r->headers_json)
        (void)voicegw_json_string(voicegw_json_member(voicegw_json_of(r->headers_json), "retry-after"), after,
                                  sizeof after);
    int64_t wait_ms = voicegw_retry_decide(&x->r.retry, &in);
    if (wait_ms < 0 || wait_ms >= left_ms)
        return 0;
    x->retry_timer = x->host->timer_start(x->host, x->target, wait_ms * 1000, on_again, x);
    if (x->retry_timer)
        x->host->count(x->host, "retries", 1);
    return x->retry_timer != 0;
}

static void on_done(void *arg, int32_t status, const char *sentence, const struct voicegw_http_response *r)
{
    struct exchange *x = arg;
    struct exchange_end how = {.status = VOICEGW_OK, .http_status = r->http_status, .sentence = "", .body = ""};
    if (x->cancelled)
        gone(x);
    else if (status == VOICEGW_OK && r->http_status >= 200 && r->http_status < 300)
        end(x, &how);
    else if (again(x, status, r))
        return;
    else if (x->late)
        end_with(x, VOICEGW_ETIMEOUT, r->http_status,
                 x->progress ? "fell silent in the middle of its answer for longer than stall_timeout"
                             : "did not begin to answer within first_byte_timeout");
    else if (status == VOICEGW_OK)
        refused(x, r);
    else if (status == VOICEGW_ELIMIT)
        end_with(x, VOICEGW_ELIMIT, r->http_status, "answered more than is taken in");
    else if (status == VOICEGW_ETIMEOUT)
        end_with(x, VOICEGW_ETIMEOUT, r->http_status, "did not end its answer within timeout");
    else
        end_with(x, VOICEGW_ENETWORK, r->http_status,
                 x->progress ? "cut the connection in the middle of its answer" : "cannot be reached");
}

static int32_t send(struct exchange *x)
{
    struct voicegw_http_request request = {.size = sizeof request,
                                           .flags = VOICEGW_HTTP_TRUSTED_URL | VOICEGW_HTTP_STREAM,
                                           .method = "POST",
                                           .url = x->r.url,
                                           .headers = x->headers,
                                           .body = x->r.body,
                                           .body_bytes = x->r.body_bytes,
                                           .timeout_ms = x->r.timeout_ms,
                                           .connect_timeout_ms = x->r.connect_timeout_ms,
                                           .max_body_bytes = x->r.max_bytes,
                                           .on_done = on_done,
                                           .on_body = on_body,
                                           .arg = x};
    x->tries++;
    return x->http->request(x->host, x->target, &request, &x->request);
}

/* Everything that the request points to, in one block. */
static int32_t keep(struct exchange *x)
{
    size_t bytes = strlen(x->r.url) + strlen(x->r.who) + 2 + x->r.body_bytes, count = 0;
    for (; x->r.headers[count]; count++)
        bytes += strlen(x->r.headers[count]) + 1;
    if (count > HEADERS_MAX || !(x->block = malloc(bytes + 1)))
        return VOICEGW_ELIMIT;
    char *at = x->block;
    for (size_t i = 0; i < count; i++) {
        size_t n = strlen(x->r.headers[i]) + 1;
        x->headers[i] = memcpy(at, x->r.headers[i], n);
        at += n;
    }
    size_t n = strlen(x->r.url) + 1;
    x->r.url = memcpy(at, x->r.url, n);
    at += n;
    n = strlen(x->r.who) + 1;
    x->r.who = memcpy(at, x->r.who, n);
    at += n;
    if (x->r.body_bytes)
        x->r.body = memcpy(at, x->r.body, x->r.body_bytes);
    return VOICEGW_OK;
}

int32_t exchange_start(const struct voicegw_host *host, const struct voicegw_host_http *http, uint64_t target,
                       const struct exchange_request *request, struct exchange **ret_exchange)
{
    struct exchange *x = calloc(1, sizeof *x);
    int32_t status = VOICEGW_ELIMIT;
    if (!x)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    x->host = host;
    x->http = http;
    x->r = *request;
    x->target = target;
    x->begun_us = host->now_us(host);
    if (keep(x) < 0)
        (void)host->set_error(host, VOICEGW_ELIMIT, "too many headers, or out of memory");
    else
        status = send(x);
    if (status < 0) {
        free(x->block);
        free(x);
        return status;
    }
    limit(x, x->r.first_byte_timeout_ms);
    *ret_exchange = x;
    return VOICEGW_OK;
}

void exchange_cancel(struct exchange *x)
{
    x->cancelled = 1;
    stop_timer(x, &x->limit_timer);
    if (x->retry_timer)
        gone(x);
    else
        x->http->cancel(x->host, x->request);
}
