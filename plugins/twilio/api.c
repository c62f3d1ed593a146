/* api.c - requests to Twilio's REST interface: built, sent, repeated where that is safe, and their answers read.
 * Source: twilio.com/docs/usage/requests-to-twilio, api/errors/20429. */
#include <stdlib.h>
#include <string.h>
#include "twilio.h"

#define ANSWER_MAX 262144u
#define EARLY_MAX 12u        /* tries while Twilio has yet to perform a call's first document, */
#define EARLY_WAIT_US 300000 /* and between them */

static void unlink_rest(struct twilio_rest *r)
{
    *r->at = r->next;
    if (r->next)
        r->next->at = r->at;
}

static void drop(struct twilio_rest *r)
{
    struct twilio *m = r->m;
    unlink_rest(r);
    twilio_settings_drop(r->settings);
    free(r);
    twilio_live(m, -1);
}

struct twilio_rest *twilio_rest_new(struct twilio *m, struct twilio_settings *s, const char *method,
                                    twilio_rest_done done)
{
    s = twilio_settings_now(m, s);
    if (!*s->vendor.account_id || !*s->password) {
        (void)m->host->set_error(m->host, VOICEGW_ECONFIG,
                                 "Twilio's interface needs account_id and auth_token, or api_key and api_secret");
        return NULL;
    }
    struct twilio_rest *r = calloc(1, sizeof *r);
    if (!r) {
        (void)m->host->set_error(m->host, VOICEGW_ELIMIT, "out of memory");
        return NULL;
    }
    r->m = m;
    r->settings = twilio_settings_keep(s);
    r->method = method;
    r->done = done;
    r->timeout_ms = s->vendor.timeout_ms;
    r->repeatable = strcmp(method, "GET") == 0;
    r->url_text = voicegw_vendor_url(&s->vendor, r->url, sizeof r->url);
    voicegw_text_add(&r->url_text, "/2010-04-01/Accounts/");
    voicegw_text_add_escaped(&r->url_text, s->vendor.account_id);
    voicegw_text_add(&r->url_text, "/");
    r->form = voicegw_text_of(r->body, sizeof r->body);
    r->next = m->rests;
    r->at = &m->rests;
    if (r->next)
        r->next->at = &r->next;
    m->rests = r;
    twilio_live(m, 1);
    return r;
}

struct twilio_rest *twilio_rest_call(struct twilio_call *c, const char *method, twilio_rest_done done)
{
    struct twilio *m = c->m;
    if (!c->sid[0]) {
        (void)m->host->set_error(m->host, VOICEGW_EBUSY, "Twilio has not told the call's id yet");
        return NULL;
    }
    struct twilio_rest *r = twilio_rest_new(m, c->settings, method, done);
    if (!r)
        return NULL;
    voicegw_text_add(&r->url_text, "Calls/");
    voicegw_text_add_escaped(&r->url_text, c->sid);
    r->call = c->handle;
    return r;
}

/* ---- the answer ---- */

static int32_t status_of(uint32_t http_status, int64_t code)
{
    if (code == 21220)
        return VOICEGW_EBUSY;
    if (code == 20003)
        return VOICEGW_EAUTH;
    return voicegw_http_to_status(http_status);
}

/* What an error answer says, as one sentence. */
static void explain(const struct voicegw_http_response *h, struct twilio_answer *a, char *out, size_t cap)
{
    char message[300] = "", clean[300];
    int64_t n = voicegw_json_get_string(a->json, "message", message, sizeof message);
    (void)form_clean(message, n > 0 ? (size_t)n : 0, clean, sizeof clean);
    if (clean[0] && a->code)
        (void)snprintf(out, cap, "Twilio refused: %s (code %lld, HTTP %u)", clean, (long long)a->code, h->http_status);
    else if (clean[0])
        (void)snprintf(out, cap, "Twilio refused: %s (HTTP %u)", clean, h->http_status);
    else
        (void)snprintf(out, cap, "Twilio answered HTTP %u without saying why", h->http_status);
}

static void read_answer(const struct voicegw_http_response *h, int32_t status, const char *sentence,
                        struct twilio_answer *a, char *text, size_t cap)
{
    *a = (struct twilio_answer){.status = status, .http_status = h ? h->http_status : 0, .sentence = text};
    text[0] = '\0';
    if (status != VOICEGW_OK || !h) {
        (void)snprintf(text, cap, "Twilio cannot be reached: %s", sentence && *sentence ? sentence : "no answer came");
        a->status = status != VOICEGW_OK ? status : VOICEGW_ENETWORK;
        return;
    }
    int whole = h->body_bytes > 0 && voicegw_json_valid(h->body, h->body_bytes);
    if (whole)
        a->json = voicegw_json_ofn(h->body, h->body_bytes);
    if (voicegw_json_type(a->json) != VOICEGW_JSON_OBJECT)
        a->json = voicegw_json_absent_();
    a->code = voicegw_json_get_int(a->json, "code", 0);
    if (h->http_status < 200 || h->http_status > 299) {
        a->status = status_of(h->http_status, a->code);
        explain(h, a, text, cap);
    } else if (!a->json.text && h->http_status != 204) {
        a->status = VOICEGW_EPROVIDER;
        (void)snprintf(text, cap, "Twilio answered HTTP %u with something that is no JSON object", h->http_status);
    }
}

static void watch_health(struct twilio *m, const struct twilio_answer *a)
{
    if (a->status == VOICEGW_EAUTH && !m->refused) {
        m->refused = 1;
        m->host->health(m->host, NULL, 0, "Twilio refuses the credentials: look at account_id, auth_token, api_key");
    } else if (a->status == VOICEGW_OK && m->refused) {
        m->refused = 0;
        m->host->health(m->host, NULL, 1, NULL);
    }
    if (a->status != VOICEGW_OK)
        m->host->count(m->host, "rest_errors", 1);
}

/* ---- sending ---- */

static int32_t begin(struct twilio_rest *r);

static void on_due(void *arg)
{
    struct twilio_rest *r = arg;
    r->timer = 0;
    if (begin(r) == VOICEGW_OK)
        return;
    struct twilio_answer a = {.status = VOICEGW_ENETWORK, .sentence = r->m->host->last_error(r->m->host)};
    r->done(r, &a);
    drop(r);
}

/* Twilio updates calls in progress only, and an incoming one is that once its first document has arrived there. */
static int too_early(struct twilio_rest *r, const struct twilio_answer *a)
{
    const struct twilio_call *c = a->code == 21220 && r->call ? twilio_call_of(r->m, r->call) : NULL;
    if (!c || c->outbound || c->in_progress || c->over || c->ending || r->early == EARLY_MAX)
        return 0;
    r->early++;
    r->timer = r->m->host->timer_start(r->m->host, VOICEGW_TARGET_CONTROL, EARLY_WAIT_US, on_due, r);
    return r->timer != 0;
}

static void on_done(void *arg, int32_t status, const char *sentence, const struct voicegw_http_response *h)
{
    struct twilio_rest *r = arg;
    struct twilio *m = r->m;
    char text[512], after[64] = "";
    struct twilio_answer a;
    uint64_t random = 0;
    if (!m) {
        free(r);
        return;
    }
    r->request = 0;
    read_answer(h, status, sentence, &a, text, sizeof text);
    if (h && h->headers_json)
        (void)voicegw_json_string(voicegw_json_member(voicegw_json_of(h->headers_json), "retry-after"), after,
                                  sizeof after);
    if (m->crypto)
        m->crypto->random(m->host, &random, sizeof random);
    const struct voicegw_retry_input in = {.attempt = r->attempt,
                                           .status = status,
                                           .http_status = h ? h->http_status : 0,
                                           .repeatable = r->repeatable,
                                           .retry_after = after,
                                           .wall_us = m->host->wall_us(m->host),
                                           .random = random};
    int64_t wait_ms = voicegw_retry_decide(&r->settings->vendor.retry, &in);
    if (wait_ms >= 0 && atomic_load(&m->draining) < 2) {
        m->host->count(m->host, "rest_retries", 1);
        r->timer = m->host->timer_start(m->host, VOICEGW_TARGET_CONTROL, wait_ms * 1000, on_due, r);
        if (r->timer)
            return;
    }
    if (too_early(r, &a))
        return;
    watch_health(m, &a);
    r->done(r, &a);
    drop(r);
}

static int32_t begin(struct twilio_rest *r)
{
    struct twilio *m = r->m;
    const struct voicegw_vendor *v = &r->settings->vendor;
    const char *headers[VOICEGW_VENDOR_HEADERS_MAX + 4] = {"Accept: application/json", NULL};
    char text[4096];
    uint32_t count = 1;
    if (r->form.bytes > 0)
        headers[count++] = "Content-Type: application/x-www-form-urlencoded";
    if (voicegw_vendor_headers(v, headers, count, VOICEGW_VENDOR_HEADERS_MAX + 4, text, sizeof text) < 0)
        return m->host->set_error(m->host, VOICEGW_ECONFIG, "headers must be texts without control characters");
    const struct voicegw_http_request request = {.size = sizeof request,
                                                 .flags = VOICEGW_HTTP_TRUSTED_URL |
                                                          (r->repeatable ? 0u : VOICEGW_HTTP_ONCE),
                                                 .method = r->method,
                                                 .url = r->url,
                                                 .headers = headers,
                                                 .body = r->form.bytes > 0 ? r->body : NULL,
                                                 .body_bytes = r->form.bytes,
                                                 .timeout_ms = r->timeout_ms,
                                                 .connect_timeout_ms = v->connect_timeout_ms,
                                                 .max_body_bytes = ANSWER_MAX,
                                                 .username = r->settings->user,
                                                 .password = r->settings->password,
                                                 .on_done = on_done,
                                                 .arg = r};
    r->attempt++;
    return m->http->request(m->host, VOICEGW_TARGET_CONTROL, &request, &r->request);
}

int32_t twilio_rest_send(struct twilio_rest *r)
{
    struct twilio *m = r->m;
    int32_t rc;
    if (!strchr(r->url, '?'))
        voicegw_text_add(&r->url_text, ".json");
    if (voicegw_text_finish(&r->url_text) < 0 || voicegw_text_finish(&r->form) < 0)
        rc = m->host->set_error(m->host, VOICEGW_EINVALID, "the request is too long for Twilio");
    else
        rc = begin(r);
    if (rc != VOICEGW_OK)
        drop(r);
    return rc;
}

static void on_given(void *arg)
{
    struct twilio_rest *r = arg;
    const struct twilio_answer a = {.status = VOICEGW_OK, .http_status = 200, .json = voicegw_json_absent_()};
    r->timer = 0;
    r->done(r, &a);
    drop(r);
}

int32_t twilio_rest_document(struct twilio_rest *r, struct twilio_call *c, const struct twiml *t)
{
    struct twilio *m = r->m;
    uint64_t request = c->request;
    if (!c->media_twiml || !request || t->failed) {
        voicegw_form_add(&r->form, "Twiml", t->text);
        return twilio_rest_send(r);
    }
    r->timer = m->host->timer_start(m->host, VOICEGW_TARGET_CONTROL, 0, on_given, r);
    if (!r->timer) {
        drop(r);
        return m->host->set_error(m->host, VOICEGW_ELIMIT, "the gateway has no timer left for this operation");
    }
    twilio_task_cancel(c->watch);
    c->watch = NULL;
    c->request = 0;
    twilio_reply_twiml(m, request, t);
    return VOICEGW_OK;
}

void twilio_rest_cancel_op(struct twilio *m, uint64_t op)
{
    for (struct twilio_rest *r = m->rests; r && op; r = r->next) {
        if (r->op != op)
            continue;
        r->repeatable = 0;
        r->attempt = UINT32_MAX;
        r->early = EARLY_MAX;
        if (r->request && m->http->cancel)
            m->http->cancel(m->host, r->request);
        return;
    }
}

void twilio_rests_end(struct twilio *m)
{
    while (m->rests) {
        struct twilio_rest *r = m->rests;
        uint64_t request = r->request;
        unlink_rest(r);
        if (r->timer)
            (void)m->host->timer_cancel(m->host, r->timer);
        twilio_settings_drop(r->settings);
        r->m = NULL; /* whoever answers later finds nobody */
        if (request == 0)
            free(r);
        else if (m->http->cancel)
            m->http->cancel(m->host, request);
    }
}
