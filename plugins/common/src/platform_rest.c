/* platform_rest.c - requests to a platform's REST interface: built, sent, repeated where that is safe, answers read. */
#include "platform.h"
#include <stdlib.h>
#include <string.h>

static void unlink_rest(struct platform_rest *r)
{
    *r->at = r->next;
    if (r->next)
        r->next->at = r->at;
}

static void drop(struct platform_rest *r)
{
    struct platform *p = r->p;
    unlink_rest(r);
    platform_settings_drop(r->settings);
    free(r->body);
    free(r);
    platform_live(p, -1);
}

struct platform_rest *platform_rest_new(struct platform *p, struct platform_settings *s, const char *method,
                                        platform_done done)
{
    char sentence[128];
    if (!*platform_get_api_key(s)) {
        (void)snprintf(sentence, sizeof sentence, "%s's interface needs api_key, and none is set", p->kind->vendor);
        (void)p->host->set_error(p->host, VOICEGW_ECONFIG, sentence);
        return NULL;
    }
    struct platform_rest *r = calloc(1, sizeof *r);
    if (!r) {
        (void)p->host->set_error(p->host, VOICEGW_ELIMIT, "out of memory");
        return NULL;
    }
    r->p = p;
    r->settings = platform_settings_keep(s);
    r->method = method;
    r->done = done;
    r->repeatable = strcmp(method, "GET") == 0;
    r->url_text = voicegw_vendor_url(&s->vendor, r->url, sizeof r->url);
    r->next = p->rests;
    r->at = &p->rests;
    if (r->next)
        r->next->at = &r->next;
    p->rests = r;
    platform_live(p, 1);
    return r;
}

void platform_rest_body(struct platform_rest *r, const char *json, uint64_t bytes)
{
    free(r->body);
    r->body_bytes = bytes;
    r->body = malloc(bytes + 1);
    if (!r->body) {
        r->failed = 1;
        return;
    }
    memcpy(r->body, json, bytes);
    r->body[bytes] = '\0';
}

/* ---- the answer ---- */

static void read_answer(const struct platform *p, const struct voicegw_http_response *h, int32_t status,
                        const char *sentence, struct platform_answer *a, char *text, size_t cap)
{
    char why[300] = "", clean[300];
    const char *vendor = p->kind->vendor;
    *a = (struct platform_answer){.status = status, .http_status = h ? h->http_status : 0, .sentence = text};
    text[0] = '\0';
    if (status != VOICEGW_OK || !h) {
        (void)snprintf(text, cap, "%s cannot be reached: %s", vendor, sentence && *sentence ? sentence : "no answer");
        a->status = status != VOICEGW_OK ? status : VOICEGW_ENETWORK;
        return;
    }
    if (h->body_bytes && voicegw_json_valid(h->body, h->body_bytes))
        a->json = voicegw_json_ofn(h->body, h->body_bytes);
    int good = h->http_status >= 200 && h->http_status < 300;
    if (good && a->json.text && !p->kind->is_error(a->json))
        return;
    if (a->json.text)
        p->kind->explain(a->json, why, sizeof why);
    fields_clean(why, clean, sizeof clean);
    a->status = good ? VOICEGW_EPROVIDER : voicegw_http_to_status(h->http_status);
    if (clean[0])
        (void)snprintf(text, cap, "%s refused: %s (HTTP %u)", vendor, clean, h->http_status);
    else if (good)
        (void)snprintf(text, cap, "%s answered HTTP %u with something that is no JSON", vendor, h->http_status);
    else
        (void)snprintf(text, cap, "%s answered HTTP %u without saying why", vendor, h->http_status);
}

static void watch_health(struct platform *p, const struct platform_rest *r, const struct platform_answer *a)
{
    char sentence[128];
    if (a->status == VOICEGW_EAUTH && !p->refused && !r->foreign) {
        p->refused = 1;
        (void)snprintf(sentence, sizeof sentence, "%s refuses the key: look at api_key", p->kind->vendor);
        p->host->health(p->host, NULL, 0, sentence);
    } else if (a->status == VOICEGW_OK && p->refused && !r->foreign) {
        p->refused = 0;
        p->host->health(p->host, NULL, 1, NULL);
    }
    if (a->status != VOICEGW_OK)
        p->host->count(p->host, "rest_errors", 1);
}

/* ---- sending ---- */

static int32_t begin(struct platform_rest *r);

static void on_due(void *arg)
{
    struct platform_rest *r = arg;
    r->timer = 0;
    if (begin(r) == VOICEGW_OK)
        return;
    const struct platform_answer a = {.status = VOICEGW_ENETWORK, .sentence = r->p->host->last_error(r->p->host)};
    r->done(r, &a);
    drop(r);
}

/* A control address of the vendor answers with any 2xx, and any body or none. */
static void read_foreign(const struct voicegw_http_response *h, struct platform_answer *a)
{
    if (h && h->http_status >= 200 && h->http_status < 300)
        a->status = VOICEGW_OK;
    else if (h && h->http_status >= 400 && h->http_status < 500 && h->http_status != 429)
        a->status = VOICEGW_ENOTFOUND; /* the address goes with its call */
}

static void on_done(void *arg, int32_t status, const char *sentence, const struct voicegw_http_response *h)
{
    struct platform_rest *r = arg;
    struct platform *p = r->p;
    char text[PLATFORM_SENTENCE_CAP], after[64] = "";
    struct platform_answer a;
    uint64_t random = 0;
    if (!p) {
        free(r->body);
        free(r);
        return;
    }
    r->request = 0;
    read_answer(p, h, status, sentence, &a, text, sizeof text);
    if (r->foreign)
        read_foreign(h, &a);
    if (h && h->headers_json)
        (void)voicegw_json_string(voicegw_json_member(voicegw_json_of(h->headers_json), "retry-after"), after,
                                  sizeof after);
    p->crypto->random(p->host, &random, sizeof random);
    const struct voicegw_retry_input in = {.attempt = r->attempt,
                                           .status = status,
                                           .http_status = h ? h->http_status : 0,
                                           .repeatable = r->repeatable,
                                           .retry_after = after,
                                           .wall_us = p->host->wall_us(p->host),
                                           .random = random};
    int64_t wait_ms = voicegw_retry_decide(&r->settings->vendor.retry, &in);
    if (wait_ms >= 0) {
        p->host->count(p->host, "rest_retries", 1);
        r->timer = p->host->timer_start(p->host, VOICEGW_TARGET_CONTROL, wait_ms * 1000, on_due, r);
        if (r->timer)
            return;
    }
    watch_health(p, r, &a);
    r->done(r, &a);
    drop(r);
}

/* An address that the vendor named is trusted as the operator's own only when it is where base_url is. */
static int same_place(const char *url, const char *base)
{
    const char *end = strstr(base, "://");
    size_t n = end ? (size_t)(end - base) + 3 : 0;
    n += n ? strcspn(base + n, "/?#") : 0;
    return n && strncmp(url, base, n) == 0 && (url[n] == '/' || url[n] == '\0' || url[n] == '?');
}

static int32_t begin(struct platform_rest *r)
{
    struct platform *p = r->p;
    const struct voicegw_vendor *v = &r->settings->vendor;
    const char *headers[VOICEGW_VENDOR_HEADERS_MAX + 5] = {"Accept: application/json", NULL};
    char text[4096], authorization[1100];
    uint32_t count = 1;
    if (r->body)
        headers[count++] = "Content-Type: application/json";
    const char *shown = r->foreign ? r->bearer : platform_get_api_key(r->settings);
    if (shown && *shown) {
        (void)snprintf(authorization, sizeof authorization, "Authorization: Bearer %.1024s", shown);
        headers[count++] = authorization;
    }
    headers[count] = NULL;
    if (!r->foreign && voicegw_vendor_headers(v, headers, count, VOICEGW_VENDOR_HEADERS_MAX + 5, text, sizeof text) < 0)
        return p->host->set_error(p->host, VOICEGW_ECONFIG, "headers must be texts without control characters");
    const struct voicegw_http_request request = {
        .size = sizeof request,
        .flags = !r->foreign || same_place(r->url, v->base_url) ? VOICEGW_HTTP_TRUSTED_URL : 0,
        .method = r->method,
        .url = r->url,
        .headers = headers,
        .body = r->body,
        .body_bytes = r->body ? r->body_bytes : 0,
        .timeout_ms = v->timeout_ms,
        .connect_timeout_ms = v->connect_timeout_ms,
        .max_body_bytes = PLATFORM_ANSWER_MAX,
        .on_done = on_done,
        .arg = r};
    r->attempt++;
    return p->http->request(p->host, VOICEGW_TARGET_CONTROL, &request, &r->request);
}

int32_t platform_rest_send(struct platform_rest *r)
{
    const struct voicegw_host *host = r->p->host;
    int32_t rc;
    if (r->failed)
        rc = host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    else if (voicegw_text_finish(&r->url_text) < 0)
        rc = host->set_error(host, VOICEGW_EINVALID, "the request's address is too long");
    else
        rc = begin(r);
    if (rc != VOICEGW_OK)
        drop(r);
    return rc;
}

void platform_rest_cancel(struct platform *p, uint64_t op)
{
    for (struct platform_rest *r = p->rests; r && op; r = r->next) {
        if (r->op != op)
            continue;
        r->attempt = UINT32_MAX;
        if (r->request && p->http->cancel)
            p->http->cancel(p->host, r->request);
        return;
    }
}

void platform_rests_end(struct platform *p)
{
    for (struct platform_rest *r = p->rests, *next; r; r = next) {
        uint64_t request = r->request;
        next = r->next;
        unlink_rest(r);
        if (r->timer)
            (void)p->host->timer_cancel(p->host, r->timer);
        platform_settings_drop(r->settings);
        r->p = NULL; /* whoever answers later finds nobody */
        if (request == 0) {
            free(r->body);
            free(r);
        } else if (p->http->cancel) {
            p->http->cancel(p->host, request);
        }
    }
}
