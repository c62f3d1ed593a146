/* call.c - requests under way: signed anew for each try, told once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sqs.h"

#define ANSWER_MAX (11u << 20) /* ten messages of a mebibyte, escaped */
#define RECEIVE "AmazonSQS.ReceiveMessage"

struct sqs_call {
    struct sqs *q;
    struct sqs_call *next;
    uint64_t op, http, timer;
    const char *target, *then_target;
    char *body, *then;
    uint32_t tries, refreshed, corrected, hurried;
    struct sqs_credentials fresh;
    int found;
};

static int32_t send(struct sqs_call *c);

static void let_go(struct sqs_call *c)
{
    struct sqs *q = c->q;
    struct sqs_call **at = &q->calls;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    q->count--;
    free(c->body);
    free(c->then);
    free(c);
    sqs_tell_drained(q);
}

static void finish(struct sqs_call *c, int32_t status, const char *sentence)
{
    struct sqs *q = c->q;
    if (strcmp(c->target, RECEIVE) == 0)
        (void)q->out->on_messages(q->host, c->op, status, "[]");
    else
        (void)q->out->on_complete(q->host, c->op, status, sentence);
    if (status < 0 && !c->hurried) {
        q->host->count(q->host, "failures", 1);
        q->host->health(q->host, NULL, status == VOICEGW_ENOTFOUND && c->then == NULL, sentence);
    }
    let_go(c);
}

static void bring(struct sqs_call *c, const struct voicegw_http_response *r)
{
    struct sqs *q = c->q;
    uint64_t cap = r->body_bytes + 4096;
    char *out = malloc(cap);
    int64_t n = out ? sqs_messages(r->body, r->body_bytes, out, cap) : VOICEGW_ELIMIT;
    if (n < 0) {
        free(out);
        finish(c, (int32_t)n, "the queue's answer is none that we can read");
        return;
    }
    (void)q->out->on_messages(q->host, c->op, VOICEGW_OK, out);
    free(out);
    let_go(c);
}

static void on_again(void *arg)
{
    struct sqs_call *c = arg;
    c->timer = 0;
    int32_t status = send(c);
    if (status < 0)
        finish(c, status, c->q->host->last_error(c->q->host));
}

static void later(struct sqs_call *c, int64_t us)
{
    c->timer = c->q->host->timer_start(c->q->host, VOICEGW_TARGET_CONTROL, us, on_again, c);
    if (!c->timer)
        finish(c, VOICEGW_ELIMIT, "no timer for another try");
}

static void read_file(void *arg)
{
    struct sqs_call *c = arg;
    c->found = sqs_credentials_read(c->q->file, c->q->profile, &c->fresh);
}

static void on_read(void *arg)
{
    struct sqs_call *c = arg;
    if (!c->found) {
        finish(c, VOICEGW_EAUTH, "the credentials have expired, and the file holds no others");
        return;
    }
    c->q->credentials = c->fresh;
    explicit_bzero(&c->fresh, sizeof c->fresh);
    later(c, 0);
}

/* A signature older or newer than 15 minutes is refused; the service tells its time. */
static int correct_clock(struct sqs_call *c, const struct voicegw_http_response *r)
{
    char date[64];
    struct voicegw_json headers = voicegw_json_of(r->headers_json);
    if (c->corrected || voicegw_json_string(voicegw_json_member(headers, "date"), date, sizeof date) < 0)
        return 0;
    int64_t s = voicegw_rest_date_(date);
    if (s < 0)
        return 0;
    c->corrected = 1;
    c->q->skew_us = s * 1000000 - c->q->host->wall_us(c->q->host);
    c->q->host->log(c->q->host, VOICEGW_LOG_WARNING,
                    "this machine's clock and the queue's differ by more than the service bears: signing by its time",
                    NULL);
    return 1;
}

static void on_refused(struct sqs_call *c, const struct voicegw_http_response *r)
{
    struct sqs *q = c->q;
    struct sqs_trouble t;
    sqs_trouble_of(r->http_status, r->body, r->body_bytes, &t);
    if (t.skewed && correct_clock(c, r)) {
        later(c, 0);
    } else if (t.expired && q->file[0] && !c->refreshed) {
        c->refreshed = 1;
        if (q->host->job(q->host, VOICEGW_LANE_IO, 0, VOICEGW_TARGET_CONTROL, read_file, on_read, c) < 0)
            finish(c, t.status, t.sentence);
    } else if (t.retry && c->tries <= q->retry.max && !c->hurried) {
        int64_t wait_us = (int64_t)q->retry.backoff_ms * 1000;
        for (uint32_t i = 1; i < c->tries && wait_us < 20000000; i++)
            wait_us *= 2;
        later(c, wait_us < 20000000 ? wait_us : 20000000);
    } else {
        finish(c, t.status, t.sentence);
    }
}

static void on_done(void *arg, int32_t status, const char *sentence, const struct voicegw_http_response *r)
{
    struct sqs_call *c = arg;
    c->http = 0;
    if (status < 0 && c->tries <= c->q->retry.max && !c->hurried && status != VOICEGW_EINVALID) {
        later(c, (int64_t)c->q->retry.backoff_ms * 1000 * c->tries);
    } else if (status < 0) {
        finish(c, status, sentence);
    } else if (r->http_status / 100 != 2) {
        on_refused(c, r);
    } else if (strcmp(c->target, RECEIVE) == 0) {
        c->q->host->health(c->q->host, NULL, 1, "");
        bring(c, r);
    } else if (c->then) {
        free(c->body);
        c->body = c->then;
        c->then = NULL;
        c->target = c->then_target;
        c->tries = 0;
        later(c, 0);
    } else {
        finish(c, VOICEGW_OK, "");
    }
}

static int32_t send(struct sqs_call *c)
{
    struct sqs *q = c->q;
    struct sqs_signed s;
    char target[64], url[310];
    struct sqs_request r = {.method = "POST",
                            .host = q->place.host,
                            .path = "/",
                            .query = "",
                            .region = q->place.region,
                            .service = "sqs",
                            .content_type = "application/x-amz-json-1.0",
                            .target = c->target,
                            .body = c->body,
                            .body_bytes = strlen(c->body),
                            .wall_us = q->host->wall_us(q->host) + q->skew_us};
    if (sqs_sign(q->host, q->crypto, &q->credentials, &r, &s) != VOICEGW_OK)
        return q->host->set_error(q->host, VOICEGW_ELIMIT, "the session token is too long to be signed");
    snprintf(target, sizeof target, "X-Amz-Target: %s", c->target);
    snprintf(url, sizeof url, "%s/", q->place.origin);
    const char *headers[] = {
        "Content-Type: application/x-amz-json-1.0", target, s.date, s.authorization, s.token[0] ? s.token : NULL, NULL};
    uint32_t poll_ms = strcmp(c->target, RECEIVE) == 0 ? q->wait_s * 1000u + 5000u : 0;
    struct voicegw_http_request request = {.size = sizeof request,
                                           .flags = VOICEGW_HTTP_TRUSTED_URL,
                                           .method = "POST",
                                           .url = url,
                                           .headers = headers,
                                           .body = c->body,
                                           .body_bytes = strlen(c->body),
                                           .timeout_ms = poll_ms > q->timeout_ms ? poll_ms : q->timeout_ms,
                                           .connect_timeout_ms = q->connect_timeout_ms,
                                           .max_body_bytes = ANSWER_MAX,
                                           .on_done = on_done,
                                           .arg = c};
    c->tries++;
    return q->http->request(q->host, VOICEGW_TARGET_CONTROL, &request, &c->http);
}

int32_t sqs_call_start(struct sqs *q, uint64_t op, const char *target, char *body, const char *then_target, char *then)
{
    struct sqs_call *c = NULL;
    int32_t status = VOICEGW_OK;
    if (q->draining && strcmp(target, RECEIVE) == 0)
        status = q->host->set_error(q->host, VOICEGW_EBUSY, "the instance is draining: no new messages");
    else if (q->count >= SQS_REQUESTS_MAX)
        status = q->host->set_error(q->host, VOICEGW_ELIMIT, "64 requests to the queue are under way");
    else if (!body || (then_target && !then) || !(c = calloc(1, sizeof *c)))
        status = q->host->set_error(q->host, VOICEGW_ELIMIT, "out of memory");
    if (status < 0) {
        free(body);
        free(then);
        return status;
    }
    c->q = q;
    c->op = op;
    c->target = target;
    c->body = body;
    c->then_target = then_target;
    c->then = then;
    c->next = q->calls;
    q->calls = c;
    q->count++;
    status = send(c);
    if (status < 0)
        let_go(c);
    return status;
}

void sqs_calls_hurry(struct sqs *q)
{
    for (struct sqs_call *c = q->calls; c; c = c->next) {
        if (strcmp(c->target, RECEIVE) == 0 && c->http) {
            c->hurried = 1;
            q->http->cancel(q->host, c->http);
        }
    }
}
