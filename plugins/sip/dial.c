/* dial.c - a call that goes out: by a trunk, and by the next one when that fails before it rings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "line.h"
#include "outcome.h"
#include "show.h"
#include "trunk.h"
#include "voicegw/json.h"

#define ATTEMPTS_MAX 16u
#define REDIRECTS_MAX 5u
#define NAME_CAP 64

struct dial {
    uint64_t op; /* completed with the first INVITE */
    struct re_timer *timer;
    char trunks[ATTEMPTS_MAX][NAME_CAP]; /* in the order of the route */
    uint32_t trunk_count, next;
    char uri[300]; /* a target without a trunk; "" */
    uint32_t redirects, min_se_s;
    char current[300]; /* the target without a trunk that is being tried */
    uint8_t rang, early;
    struct sdp_result early_result;
    char last[SIP_CAUSE_CAP];
};

void dial_free(struct line *line)
{
    struct dial *d = line->dial;
    if (!d)
        return;
    line->dial = NULL;
    if (d->op)
        sip_complete(line->call->sip, d->op, VOICEGW_EBUSY, "the call was given up", NULL);
    re_timer_free(d->timer);
    free(d);
}

static void fail(struct line *line, int32_t status, uint32_t outcome, const char *why)
{
    struct dial *d = line->dial;
    char cause[SIP_CAUSE_CAP];
    (void)snprintf(cause, sizeof cause, "%s", why);
    if (d && d->op) {
        sip_complete(line->call->sip, d->op, status, cause, NULL);
        d->op = 0;
    }
    dial_free(line);
    line_over(line, outcome, cause);
}

/* ---- one attempt ---- */

static void on_time(void *arg)
{
    struct line *line = arg;
    re_session_end(line->session, 480, "Reason: SIP;cause=487;text=\"No answer\"\r\n");
    line->session = NULL;
    fail(line, VOICEGW_ETIMEOUT, VOICEGW_OUTCOME_NO_ANSWER, "nobody answered");
}

static void from_uri(const struct sip_call *c, const struct sip_trunk *set, char *out, size_t cap)
{
    char user[400], host[300], local[64];
    uint16_t port;
    const char *name = *c->from                ? c->from
                       : set && *set->from     ? set->from
                       : set && *set->username ? set->username
                                               : "voicegw";
    sip_uri_escape(name, user, sizeof user);
    if (set)
        sip_uri_host(set->host, host, sizeof host);
    else if (re_transport_local(RE_UDP, "127.0.0.1", local, sizeof local, &port) == 0)
        sip_uri_host(local, host, sizeof host);
    else
        (void)snprintf(host, sizeof host, "voicegw.invalid");
    (void)snprintf(out, cap, "sip:%s@%s", user, host);
}

/* Which of our addresses the peer will see decides what the description says; a name that is no trunk's is resolved by
 * libre later, so the listener's own address must do for it. */
static void set_peer(struct line *line, const struct sip_trunk *set, const char *uri)
{
    const struct sip_settings *s = line->call->settings;
    char host[256] = "";
    struct sip_network numeric;
    const struct trunk *t = set ? trunks_find(ua_trunks(line->call->sip), set->name) : NULL;
    if (set && (!t || trunk_ip(t, host, sizeof host) < 0))
        (void)snprintf(host, sizeof host, "%s", set->host);
    else if (!set)
        (void)re_uri_host(uri, host, sizeof host);
    line->transport = set                             ? set->transport
                      : strncmp(uri, "sips:", 5) == 0 ? RE_TLS
                      : strstr(uri, "transport=tcp")  ? RE_TCP
                      : strstr(uri, "transport=tls")  ? RE_TLS
                                                      : RE_UDP;
    if (sip_network_parse(host, &numeric) == 0)
        (void)snprintf(line->peer_ip, sizeof line->peer_ip, "%s", host);
    else if (strcmp(s->listen[0].ip, "0.0.0.0") == 0 || strcmp(s->listen[0].ip, "::") == 0)
        (void)snprintf(line->peer_ip, sizeof line->peer_ip, "%s",
                       strchr(s->listen[0].ip, ':') ? "2001:4860:4860::8888" : "192.0.2.1");
    else
        (void)snprintf(line->peer_ip, sizeof line->peer_ip, "%s", s->listen[0].ip);
}

static int attempt(struct line *line, const struct sip_trunk *set, const char *uri)
{
    struct sip *sip = line->call->sip;
    struct dial *d = line->dial;
    char sdp[SDP_TEXT_CAP], from[800], to[800], headers[1280];
    set_peer(line, set, uri);
    if (set)
        trunk_uri(set, line->call->to, to, sizeof to);
    else
        (void)snprintf(to, sizeof to, "%s", uri);
    from_uri(line->call, set, from, sizeof from);
    line_headers(line, d->min_se_s, headers, sizeof headers);
    d->early = 0;
    if (line_make_offer(line, sdp, sizeof sdp) < 0)
        return -1;
    const struct re_connect_params p = {.to_uri = to,
                                        .from_uri = from,
                                        .contact = set && *set->username ? set->username : "voicegw",
                                        .route = set ? set->outbound_proxy : NULL,
                                        .headers = headers,
                                        .sdp = sdp,
                                        .credentials = {set ? set->username : NULL, set ? set->password : NULL}};
    line->session = re_session_connect(ua_agent(sip), &p, &line_events, line);
    return line->session ? 0 : -1;
}

static void begun(struct line *line)
{
    struct sip_call *c = line->call;
    struct dial *d = line->dial;
    char json[SIP_ID_CAP + 32];
    trace_name(ua_trace(c->sip), re_session_call_id(line->session), c->call_id);
    if (!d->op)
        return;
    (void)snprintf(c->id, sizeof c->id, "%s", re_session_call_id(line->session));
    (void)snprintf(json, sizeof json, "{\"provider_call_id\":\"%s\"}", c->id);
    sip_complete(c->sip, d->op, VOICEGW_OK, NULL, json);
    d->op = 0;
    line_state(line, VOICEGW_CALL_INITIATING, VOICEGW_OUTCOME_NONE, NULL);
}

static void use_trunk(struct line *line, const char *name)
{
    ua_line_removed(line);
    (void)snprintf(line->call->trunk, sizeof line->call->trunk, "%s", name);
    ua_line_added(line);
    line_srtp(line);
}

/* The next trunk that takes the call; the end when there is none. */
static void go_on(struct line *line)
{
    struct dial *d = line->dial;
    struct sip *sip = line->call->sip;
    const char *why = *d->last ? d->last : "no trunk takes the call";
    int32_t status = VOICEGW_EPROVIDER;
    if (*d->uri) {
        char uri[sizeof d->uri];
        (void)snprintf(uri, sizeof uri, "%s", d->uri);
        d->uri[0] = '\0';
        (void)snprintf(d->current, sizeof d->current, "%s", uri);
        if (attempt(line, NULL, uri) == 0)
            begun(line);
        else
            fail(line, VOICEGW_ENETWORK, VOICEGW_OUTCOME_FAILED, "the call could not be sent");
        return;
    }
    while (d->next < d->trunk_count) {
        struct trunk *t = trunks_find(ua_trunks(sip), d->trunks[d->next++]);
        if (!t)
            continue;
        status = trunk_admit(t, &why);
        if (status != VOICEGW_OK)
            continue;
        use_trunk(line, t->set->name);
        if (attempt(line, t->set, NULL) == 0) {
            begun(line);
            return;
        }
        status = VOICEGW_ENETWORK;
        why = "the call could not be sent to the trunk";
    }
    fail(line, status, VOICEGW_OUTCOME_FAILED, why);
}

/* ---- what comes of it ---- */

void dial_progress(struct line *line, const struct re_summary *s)
{
    struct dial *d = line->dial;
    char why[160];
    if (!d)
        return;
    if (s->is_sdp && s->body_bytes > 0 &&
        line_take_answer(line, s->body, s->body_bytes, &d->early_result, why, sizeof why) == 0)
        d->early = 1;
    if (s->status >= 180 && !d->rang) {
        d->rang = 1;
        line_state(line, VOICEGW_CALL_RINGING, VOICEGW_OUTCOME_NONE, NULL);
    }
}

void dial_answered(struct line *line, const struct re_message *m, const struct re_summary *s)
{
    struct dial *d = line->dial;
    struct sdp_result result;
    char why[160] = "the answer brought no description";
    if (!d)
        return;
    int rc =
        s->is_sdp && s->body_bytes > 0 ? line_take_answer(line, s->body, s->body_bytes, &result, why, sizeof why) : -1;
    if (rc < 0 && d->early && s->body_bytes == 0) {
        result = d->early_result;
        rc = 0;
    }
    if (rc < 0) {
        re_session_end(line->session, 0, "Reason: SIP;cause=488;text=\"Not Acceptable Here\"\r\n");
        line->session = NULL;
        fail(line, VOICEGW_EPROVIDER, VOICEGW_OUTCOME_FAILED, why);
        return;
    }
    dial_free(line);
    line_timer_answered(line, m, 1);
    line_agree(line, &result);
    line->state = LINE_TALKING;
    line->held_by_peer = result.peer_holds;
    line_state(line, VOICEGW_CALL_CONNECTED, VOICEGW_OUTCOME_NONE, NULL);
}

static int redirect(struct line *line, const struct re_message *m)
{
    struct dial *d = line->dial;
    char contact[400];
    if (!line->call->settings->redirects || !m || d->redirects++ >= REDIRECTS_MAX ||
        re_message_header(m, "Contact", 0, contact, sizeof contact) < 0)
        return 0;
    return re_address_uri(contact, d->uri, sizeof d->uri) == 0 && strncmp(d->uri, "sip:", 4) == 0;
}

/* A longer session is wanted (RFC 4028, 6): the same target again, once. */
static int lengthen(struct line *line, const struct re_message *m)
{
    struct dial *d = line->dial;
    char header[32];
    if (!m || d->min_se_s || re_message_header(m, "Min-SE", 0, header, sizeof header) < 0)
        return 0;
    unsigned long s = strtoul(header, NULL, 10);
    if (s == 0 || s > 86400)
        return 0;
    d->min_se_s = (uint32_t)s;
    if (*d->current)
        memcpy(d->uri, d->current, sizeof d->uri);
    else
        d->next--;
    return 1;
}

void dial_closed(struct line *line, uint32_t status, const char *reason, const struct re_message *m)
{
    struct dial *d = line->dial;
    char cause[SIP_CAUSE_CAP];
    if (!d)
        return;
    (void)snprintf(cause, sizeof cause, "%u %s", status, reason);
    if ((status == 422 && lengthen(line, m)) || (status >= 300 && status < 400 && redirect(line, m))) {
        go_on(line);
        return;
    }
    if (!d->rang && sip_outcome_try_next(status) && d->next < d->trunk_count) {
        (void)snprintf(d->last, sizeof d->last, "%s", cause);
        sip_log(line->call->sip, VOICEGW_LOG_WARNING, "a trunk does not take a call, the next one is tried", "trunk",
                line->call->trunk);
        go_on(line);
        return;
    }
    fail(line, VOICEGW_EPROVIDER, sip_outcome_of(status), cause);
}

/* ---- the beginning ---- */

static void add_trunk(struct dial *d, const char *name)
{
    if (d->trunk_count < ATTEMPTS_MAX)
        (void)snprintf(d->trunks[d->trunk_count++], NAME_CAP, "%s", name);
}

static void choose_trunks(struct line *line, struct voicegw_json order)
{
    struct dial *d = line->dial;
    char name[NAME_CAP];
    struct voicegw_json_iter it = voicegw_json_each(order);
    if (voicegw_json_type(order) == VOICEGW_JSON_STRING && voicegw_json_string(order, name, sizeof name) > 0)
        add_trunk(d, name);
    while (voicegw_json_type(order) == VOICEGW_JSON_ARRAY && voicegw_json_next(&it))
        if (voicegw_json_string(it.value, name, sizeof name) > 0)
            add_trunk(d, name);
    if (d->trunk_count > 0)
        return;
    for (const struct trunk *t = ua_trunks(line->call->sip); t; t = t->next)
        add_trunk(d, t->set->name);
}

void line_dial(struct sip_task *t)
{
    struct sip_call *c = t->call;
    struct line *line = line_new(c);
    struct dial *d = line ? calloc(1, sizeof *d) : NULL;
    struct voicegw_json params = voicegw_json_of(t->text);
    if (!d) {
        if (line)
            line_free(line);
        sip_complete(t->sip, t->op, VOICEGW_ELIMIT, "out of memory", NULL);
        return;
    }
    line->dial = d;
    line->known = 1;
    line->state = LINE_CALLING;
    d->op = t->op;
    d->timer = re_timer_new(on_time, line);
    int64_t ring_ms = voicegw_json_get_int(params, "ring_ms", 30000);
    re_timer_start(d->timer, ring_ms > 0 ? (uint64_t)ring_ms : 30000);
    const char *contact = ua_contact(c->sip, c->to);
    struct voicegw_json order = voicegw_json_get(params, "variables.trunk");
    if (!order.text)
        order = voicegw_json_get(params, "route.trunk");
    if (strncmp(c->to, "sip:", 4) == 0 || strncmp(c->to, "sips:", 5) == 0)
        (void)snprintf(d->uri, sizeof d->uri, "%s", c->to);
    else if (contact && !order.text)
        (void)snprintf(d->uri, sizeof d->uri, "%s", contact);
    else
        choose_trunks(line, order);
    line_take_variables(line, voicegw_json_get(params, "variables"));
    go_on(line);
}
