/* routes.c - POST calls (an incoming call of a script) and the upgrade to a media socket. All on [control]. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "mock.h"

static void reply_json(struct mock *m, uint64_t request, uint32_t status, const char *type, const char *json)
{
    static const char *const retry[] = {"Retry-After: 5", NULL};
    struct voicegw_reply reply = {.size = sizeof reply,
                                  .http_status = status,
                                  .content_type = type,
                                  .headers = status == 503 ? retry : NULL,
                                  .body = json,
                                  .body_bytes = strlen(json)};
    (void)m->route->reply(m->host, request, &reply);
}

static void reply_problem(struct mock *m, uint64_t request, uint32_t status, const char *field, const char *detail)
{
    char json[2048];
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    const char *title = status == 503   ? "Service Unavailable"
                        : status == 404 ? "Not Found"
                        : status == 400 ? "Bad Request"
                        : status == 422 ? "Unprocessable Content"
                                        : "Internal Server Error";
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "type", "about:blank");
    voicegw_json_put_string(&w, "title", title);
    voicegw_json_put_int(&w, "status", status);
    voicegw_json_put_string(&w, "detail", detail);
    voicegw_json_put_array(&w, "errors");
    if (field) {
        voicegw_json_put_object(&w, NULL);
        voicegw_json_put_string(&w, "field", field);
        voicegw_json_put_string(&w, "detail", detail);
        voicegw_json_put_end(&w);
    }
    voicegw_json_put_end(&w);
    voicegw_json_put_end(&w);
    (void)voicegw_json_finish(&w);
    reply_json(m, request, status, "application/problem+json", json);
}

struct order {
    char from[MOCK_NUMBER_CAP], to[MOCK_NUMBER_CAP], script_id[MOCK_ID_CAP];
    struct mock_script *script; /* one reference, or NULL */
    char variables[4096];
};

/* A text field of the body; 0 when it is none or too long. */
static int text_field(struct voicegw_json doc, const char *name, char *out, uint64_t cap)
{
    struct voicegw_json v = voicegw_json_member(doc, name);
    out[0] = '\0';
    return !v.text || voicegw_json_type(v) == VOICEGW_JSON_NULL || voicegw_json_string(v, out, cap) >= 0;
}

/* Fills an order; else answers the request and returns 0. */
static int read_order(struct mock *m, const struct voicegw_request *r, struct order *o)
{
    char why[256];
    struct voicegw_json doc = voicegw_json_ofn(r->body, r->body_bytes);
    if (!voicegw_json_valid(r->body, r->body_bytes) || voicegw_json_type(doc) != VOICEGW_JSON_OBJECT) {
        reply_problem(m, r->id, 400, NULL, "the body must be a JSON object with from, to, and script or steps");
        return 0;
    }
    if (!text_field(doc, "from", o->from, sizeof o->from) || !text_field(doc, "to", o->to, sizeof o->to)) {
        reply_problem(m, r->id, 422, o->from[0] ? "to" : "from", "from and to must be texts of at most 128 bytes");
        return 0;
    }
    if (!text_field(doc, "script", o->script_id, sizeof o->script_id)) {
        reply_problem(m, r->id, 422, "script", "script must be the id of a script");
        return 0;
    }
    if (voicegw_json_member(doc, "variables").text &&
        voicegw_json_raw(voicegw_json_member(doc, "variables"), o->variables, sizeof o->variables) < 0) {
        reply_problem(m, r->id, 422, "variables", "variables must be an object of at most 4 KiB");
        return 0;
    }
    if (voicegw_json_member(doc, "steps").text) {
        if (mock_script_parse(doc, &o->script, why, sizeof why) != VOICEGW_OK) {
            reply_problem(m, r->id, 422, "steps", why);
            return 0;
        }
    } else if (o->script_id[0]) {
        o->script = mock_script_named(m->settings, o->script_id);
        if (!o->script) {
            reply_problem(m, r->id, 422, "script", "no script of this id is configured (scripts, script_documents)");
            return 0;
        }
        mock_script_keep(m, o->script);
    }
    if (o->script && !o->from[0])
        (void)snprintf(o->from, sizeof o->from, "%.128s", o->script->from);
    if (o->script && !o->to[0])
        (void)snprintf(o->to, sizeof o->to, "%.128s", o->script->to);
    return 1;
}

static void reply_accepted(struct mock *m, const struct voicegw_request *r, struct mock_call *c)
{
    char json[2048], call_id[MOCK_ID_CAP] = "";
    const char *known = m->provider->call_describe(m->host, c->handle);
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    if (known)
        (void)voicegw_json_get_string(voicegw_json_of(known), "call_id", call_id, sizeof call_id);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "provider_call_id", c->id);
    voicegw_json_put_string(&w, "session_id", c->session);
    if (call_id[0])
        voicegw_json_put_string(&w, "call_id", call_id);
    voicegw_json_put_string(&w, "from", c->from);
    voicegw_json_put_string(&w, "to", c->to);
    if (c->script && *c->script->id)
        voicegw_json_put_string(&w, "script", c->script->id);
    voicegw_json_put_end(&w);
    (void)voicegw_json_finish(&w);
    reply_json(m, r->id, 202, "application/json", json);
}

/* Offers a new call to the host; 0 and the call is entered, else it is freed. */
static int32_t offer(struct mock *m, struct mock_call *c, const struct voicegw_incoming *incoming)
{
    uint64_t handle = 0;
    struct mock_call *outer = m->coming;
    m->coming = c;
    int32_t rc = m->provider->on_incoming(m->host, incoming, &handle);
    m->coming = outer;
    if (rc == VOICEGW_OK)
        mock_call_enter(c, handle);
    else
        mock_call_free(c);
    return rc;
}

static void on_calls(void *instance, const struct voicegw_request *r)
{
    struct mock *m = instance;
    struct order o = {0};
    char id[40];
    if (!read_order(m, r, &o)) {
        mock_script_drop(m, o.script);
        return;
    }
    mock_id(m, "MK", id);
    struct mock_call *c = mock_call_new(m, id, o.from, o.to);
    if (!c) {
        mock_script_drop(m, o.script);
        reply_problem(m, r->id, 503, NULL, "out of memory");
        return;
    }
    c->simulated = 1;
    c->state = VOICEGW_CALL_RINGING;
    c->script = o.script;
    struct voicegw_incoming incoming = {.size = sizeof incoming,
                                        .provider_call_id = id,
                                        .from = o.from,
                                        .to = o.to,
                                        .variables_json = o.variables[0] ? o.variables : NULL,
                                        .script = o.script && *o.script->id ? o.script->id : NULL};
    int32_t rc = offer(m, c, &incoming);
    if (rc != VOICEGW_OK) {
        const char *why = m->host->last_error(m->host);
        reply_problem(m, r->id,
                      rc == VOICEGW_EINVALID    ? 422
                      : rc == VOICEGW_ENOTFOUND ? 404
                                                : 503,
                      NULL, *why ? why : "the gateway takes no call now");
        return;
    }
    reply_accepted(m, r, c);
    if (!c->over && mock_call_wait(c) != VOICEGW_OK)
        mock_call_finish(c, VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED, "the gateway has no timer left for this call");
}

/* ---- media sockets ---- */

/* Fit for a session's name as it is; any other id is hashed by the host. */
static int id_plain(const char *id)
{
    return id[strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")] == '\0';
}

static int32_t open_stream(struct mock *m, const char *id, struct mock_call **ret)
{
    char session[MOCK_ID_CAP + 8];
    struct mock_call *c = mock_call_new(m, id, "", "");
    if (!c)
        return m->host->set_error(m->host, VOICEGW_ELIMIT, "out of memory");
    (void)snprintf(session, sizeof session, "mock-%s", id);
    c->state = VOICEGW_CALL_CONNECTED;
    struct voicegw_incoming incoming = {.size = sizeof incoming,
                                        .answered = VOICEGW_INCOMING_UNPROVEN,
                                        .provider_call_id = id,
                                        .from = "",
                                        .to = "",
                                        .session_id = id_plain(id) ? session : NULL};
    int32_t rc = offer(m, c, &incoming);
    if (rc == VOICEGW_OK)
        *ret = c;
    return rc;
}

int32_t mock_upgrade(void *instance, const struct voicegw_request *r, uint64_t *ret_leg)
{
    struct mock *m = instance;
    const char *id = strncmp(r->rest, "mock-", 5) == 0 ? r->rest + 5 : r->rest;
    char session[MOCK_ID_CAP + 8];
    int open = m->settings->open_streams && (r->flags & 1u), token = (r->flags & 2u) != 0;
    if (!open && !token)
        return m->host->set_error(m->host, VOICEGW_EAUTH,
                                  m->settings->open_streams
                                      ? "open streams are for loopback; else a token or ticket is needed"
                                      : "a token or ticket is needed (or open_streams)");
    if (!id[0] || strlen(id) >= MOCK_ID_CAP)
        return m->host->set_error(m->host, VOICEGW_ENOTFOUND, "a session id has 1 to 128 bytes");
    (void)snprintf(session, sizeof session, "mock-%s", id);
    struct mock_call *c = mock_call_by_id(m, id);
    if (!c)
        c = mock_call_by_session(m, session);
    if (!c && open) {
        int32_t rc = open_stream(m, id, &c);
        if (rc != VOICEGW_OK)
            return rc;
    }
    if (!c || c->over)
        return m->host->set_error(m->host, VOICEGW_ENOTFOUND, "no such session");
    (void)pthread_mutex_lock(&m->lock);
    int taken = c->proven || c->script != NULL;
    (void)pthread_mutex_unlock(&m->lock);
    if (taken)
        return m->host->set_error(m->host, VOICEGW_EBUSY, "the session has its stream already");
    uint64_t leg = m->provider->call_leg(m->host, c->handle);
    if (leg == 0)
        return m->host->set_error(m->host, VOICEGW_ENOTFOUND, "the call is over");
    *ret_leg = leg;
    return VOICEGW_OK;
}

int32_t mock_routes_start(struct mock *m)
{
    if (!m->route)
        return VOICEGW_OK; /* a host without a front: outbound calls only */
    int32_t rc = m->route->add_http(m->host, "POST", "calls", 0, on_calls);
    if (rc == VOICEGW_OK && m->ws)
        rc = m->route->add_ws(m->host, "stream/*", &mock_socket_route);
    return rc;
}
