/* routes.c - Twilio's webhooks: proved, read, and handed to who they are for. All on [control]. */
#include <stdlib.h>
#include <string.h>
#include "twilio.h"

/* ---- answers ---- */

static void reply(struct twilio *m, uint64_t request, uint32_t status, const char *type, const char *body, size_t bytes)
{
    const struct voicegw_reply out = {
        .size = sizeof out, .http_status = status, .content_type = type, .body = body, .body_bytes = bytes};
    if (request)
        (void)m->route->reply(m->host, request, &out);
}

void twilio_reply_twiml(struct twilio *m, uint64_t request, const struct twiml *t)
{
    reply(m, request, 200, "text/xml; charset=utf-8", t->text, t->bytes);
}

void twilio_reply_empty(struct twilio *m, uint64_t request)
{
    reply(m, request, 204, NULL, NULL, 0);
}

void twilio_reply_problem(struct twilio *m, uint64_t request, uint32_t status, const char *detail)
{
    char json[1024];
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "type", "about:blank");
    voicegw_json_put_string(&w, "title", status == 403 ? "Forbidden" : status == 404 ? "Not Found" : "Bad Request");
    voicegw_json_put_int(&w, "status", status);
    voicegw_json_put_string(&w, "detail", detail);
    voicegw_json_put_array(&w, "errors");
    voicegw_json_put_end(&w);
    voicegw_json_put_end(&w);
    int64_t n = voicegw_json_finish(&w);
    reply(m, request, status, "application/problem+json", json, n > 0 ? (size_t)n : 0);
}

void twilio_call_url(struct twilio_call *c, const char *path, const char *more, char *out, size_t cap)
{
    int n = snprintf(out, cap, "%s%s?ref=%s%s", c->base, path, c->ref, more ? more : "");
    if (n < 0 || (size_t)n >= cap)
        out[0] = '\0';
}

/* ---- what comes ---- */

static int is_form(const struct voicegw_request *r)
{
    char type[128] = "";
    struct voicegw_json headers = voicegw_json_of(r->headers_json);
    (void)voicegw_json_string(voicegw_json_member(headers, "content-type"), type, sizeof type);
    return strncmp(type, "application/x-www-form-urlencoded", 33) == 0;
}

/* The call of a callback: by the ref that we put into its URL, else by its id. */
static struct twilio_call *find_call(struct twilio *m, const struct voicegw_request *r, const struct form *f)
{
    char ref[TWILIO_REF_CAP + 8], sid[TWILIO_SID_CAP];
    struct twilio_call *c = twilio_query(r, "ref", ref, sizeof ref) ? twilio_call_by_ref(m, ref) : NULL;
    if (!c && form_sid(f, "CallSid", sid, sizeof sid) == VOICEGW_OK)
        c = twilio_call_by_sid(m, sid);
    return c;
}

/* Callbacks come behind the ends of their calls. */
static const struct twilio_settings *settings_of(const struct twilio *m, const struct twilio_call *c, int callback)
{
    return c ? c->settings : callback ? m->former : NULL;
}

/* Reads and proves a webhook; else it is answered and 0. GET has its fields in the query, which the URL signs. */
static int admit(struct twilio *m, const struct voicegw_request *r, struct form *f, int callback)
{
    const char *why = "";
    int get = strcmp(r->method, "GET") == 0, form = !get && is_form(r);
    int32_t rc = get    ? form_parse(r->query, strlen(r->query), f, &why)
                 : form ? form_parse(r->body, (size_t)r->body_bytes, f, &why)
                        : form_parse("", 0, f, &why);
    if (rc != VOICEGW_OK) {
        m->host->count(m->host, "bad_webhooks", 1);
        twilio_reply_problem(m, r->id, 400, why);
        return 0;
    }
    if (m->settings->validate &&
        !twilio_signed(m, settings_of(m, find_call(m, r, f), callback), r, form ? f : NULL, 0)) {
        m->host->count(m->host, "bad_signatures", 1);
        twilio_reply_problem(m, r->id, 403,
                             "the request must carry the X-Twilio-Signature that auth_token makes over the public URL "
                             "(http.public_url) and its fields");
        return 0;
    }
    return 1;
}

static struct twilio_call *call_of(struct twilio *m, const struct voicegw_request *r, const struct form *f)
{
    char sid[TWILIO_SID_CAP];
    struct twilio_call *c = find_call(m, r, f);
    int32_t rc = form_sid(f, "CallSid", sid, sizeof sid);
    if (c) {
        c->heard_us = m->host->now_us(m->host);
        c->in_progress |= form_is(f, "CallStatus", "in-progress") != 0;
    }
    if (c && rc == VOICEGW_OK && c->outbound && !c->sid[0]) {
        twilio_call_known(c, sid);
    }
    return c;
}

static void on_inbound(void *instance, const struct voicegw_request *r)
{
    struct form f;
    if (admit(instance, r, &f, 0))
        twilio_on_inbound(instance, r, &f);
    form_done(&f);
}

/* A document for a call that is known by its ref; 'what' is the handler. */
static void document(struct twilio *m, const struct voicegw_request *r,
                     void (*handle)(struct twilio *m, const struct voicegw_request *r, const struct form *f,
                                    struct twilio_call *c))
{
    struct form f;
    if (admit(m, r, &f, 0)) {
        struct twilio_call *c = call_of(m, r, &f);
        if (c && !c->over) {
            handle(m, r, &f, c);
        } else {
            struct twiml t;
            twiml_begin(&t);
            twiml_open(&t, "Hangup");
            (void)twiml_end(&t);
            m->host->count(m->host, "late_webhooks", 1);
            twilio_reply_twiml(m, r->id, &t);
        }
    }
    form_done(&f);
}

static void on_answer(void *instance, const struct voicegw_request *r)
{
    document(instance, r, twilio_on_answer);
}

static void on_transfer(void *instance, const struct voicegw_request *r)
{
    document(instance, r, twilio_on_transfer);
}

static void next_verb(struct twilio *m, const struct voicegw_request *r, const struct form *f, struct twilio_call *c)
{
    char number[16];
    (void)m;
    (void)twilio_query(r, "doc", number, sizeof number);
    twilio_ivr_next(c, r->id, f, (uint32_t)strtoul(number, NULL, 10));
}

static void on_next(void *instance, const struct voicegw_request *r)
{
    document(instance, r, next_verb);
}

/* A callback: always taken, since what we do not know (a call of an earlier run) needs no second try. */
static void callback(struct twilio *m, const struct voicegw_request *r,
                     void (*handle)(struct twilio *m, const struct form *f, struct twilio_call *c))
{
    struct form f;
    char sid[TWILIO_SID_CAP];
    if (admit(m, r, &f, 1)) {
        struct twilio_call *c = call_of(m, r, &f);
        if (form_sid(&f, "CallSid", sid, sizeof sid) != VOICEGW_OK) {
            m->host->count(m->host, "bad_webhooks", 1);
            twilio_reply_problem(m, r->id, 400, "CallSid must be there once: 1 to 64 letters and digits");
        } else {
            if (c || handle == twilio_on_recording)
                handle(m, &f, c);
            else
                m->host->count(m->host, "late_webhooks", 1);
            twilio_reply_empty(m, r->id);
        }
    }
    form_done(&f);
}

static void on_status(void *instance, const struct voicegw_request *r)
{
    callback(instance, r, twilio_on_status);
}

static void on_transfer_leg(void *instance, const struct voicegw_request *r)
{
    callback(instance, r, twilio_on_transfer_leg);
}

static void on_amd(void *instance, const struct voicegw_request *r)
{
    callback(instance, r, twilio_on_amd);
}

static void on_recording(void *instance, const struct voicegw_request *r)
{
    callback(instance, r, twilio_on_recording);
}

static void on_stream_status(void *instance, const struct voicegw_request *r)
{
    callback(instance, r, twilio_on_stream_status);
}

static void on_conference(void *instance, const struct voicegw_request *r)
{
    struct twilio *m = instance;
    struct form f;
    if (admit(m, r, &f, 0)) {
        twilio_on_conference(m, r, &f);
        twilio_reply_empty(m, r->id);
    }
    form_done(&f);
}

static void on_sms(void *instance, const struct voicegw_request *r)
{
    struct twilio *m = instance;
    struct form f;
    if (admit(m, r, &f, 0)) {
        struct twiml t;
        twilio_on_sms(m, &f);
        twiml_begin(&t);
        (void)twiml_end(&t);
        twilio_reply_twiml(m, r->id, &t);
    }
    form_done(&f);
}

static void on_sms_status(void *instance, const struct voicegw_request *r)
{
    struct twilio *m = instance;
    struct form f;
    if (admit(m, r, &f, 0)) {
        twilio_on_sms_status(m, r, &f);
        twilio_reply_empty(m, r->id);
    }
    form_done(&f);
}

int32_t twilio_routes_start(struct twilio *m)
{
    static const struct {
        const char *path;
        voicegw_route_handler handler;
    } rows[] = {{"inbound", on_inbound},
                {"answer", on_answer},
                {"next", on_next},
                {"transfer", on_transfer},
                {"transfer-leg", on_transfer_leg},
                {"status", on_status},
                {"amd", on_amd},
                {"recording", on_recording},
                {"stream-status", on_stream_status},
                {"conference", on_conference},
                {"sms", on_sms},
                {"sms-status", on_sms_status}};
    int32_t rc = VOICEGW_OK;
    for (size_t i = 0; rc == VOICEGW_OK && i < sizeof rows / sizeof rows[0]; i++) {
        rc = m->route->add_http(m->host, "POST", rows[i].path, VOICEGW_ROUTE_PUBLIC, rows[i].handler);
        if (rc == VOICEGW_OK)
            rc = m->route->add_http(m->host, "GET", rows[i].path, VOICEGW_ROUTE_PUBLIC, rows[i].handler);
    }
    if (rc == VOICEGW_OK && m->ws)
        rc = m->route->add_ws(m->host, "stream/*", &twilio_socket_route);
    if (rc == VOICEGW_OK && m->ws)
        rc = m->route->add_ws(m->host, "stream", &twilio_socket_route);
    return rc;
}
