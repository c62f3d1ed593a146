/* line_transfer.c - REFER, both ways (RFC 3515, 3891): the peer is sent elsewhere and tells how that went; or it sends
 * us elsewhere, and the conversation goes on with whom it named. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "brief.h"
#include "line.h"
#include "trunk.h"

#define ACCEPTED_MS 25000u /* after the REFER was accepted: that no NOTIFY comes */

struct refer {
    struct line *line;
    struct re_session *session; /* with the new peer */
    uint32_t told;
    uint32_t telling;    /* whom we consulted hears the summary */
    uint32_t sent;       /* the peer was told to take our place there */
    char consulted[400]; /* attended: whom we call before the peer is sent there; "" when the peer sent us */
    char summary[SIP_BRIEF_CAP];
};

static void notify(struct line *line, uint32_t status, int last)
{
    char headers[160], body[80];
    if (!line->session)
        return;
    if (line->notify_due && status != 100) { /* a quick answer comes before what waits for its turn: that goes first */
        line->notify_due = 0;
        notify(line, 100, 0);
    }
    (void)snprintf(headers, sizeof headers, "Event: refer\r\nSubscription-State: %s\r\n",
                   last ? "terminated;reason=noresource" : "active;expires=60");
    (void)snprintf(body, sizeof body, "SIP/2.0 %u %s\r\n", status, status == 100 ? "Trying" : re_reason(status));
    (void)re_session_request(line->session, "NOTIFY", headers, "message/sipfrag;version=2.0", body);
}

static void refer_free(struct line *line)
{
    struct refer *r = line->refer;
    if (!r)
        return;
    line->refer = NULL;
    if (r->telling)
        brief_stop(line->call);
    re_session_end(r->session, 480, NULL);
    free(r);
}

static void succeeded(struct line *line);
static void hand_over(struct line *line);

/* What must come behind the answer to the request that is being handled. */
static void on_later(void *arg)
{
    struct line *line = arg;
    if (line->notify_due && line->session)
        notify(line, 100, 0);
    line->notify_due = 0;
    if (line->refer_done && line->state == LINE_TALKING)
        succeeded(line);
    line->refer_done = 0;
}

static void do_later(struct line *line, uint8_t *what)
{
    if (!line->later)
        line->later = re_timer_new(on_later, line);
    *what = 1;
    re_timer_start(line->later, 0);
}

/* ---- we send the peer elsewhere ---- */

static void settle(struct line *line, int32_t status, const char *sentence, const char *outcome)
{
    uint64_t op = line->refer_op;
    char json[64];
    line->refer_op = 0;
    re_timer_stop(line->refer_timer);
    if (!op)
        return;
    (void)snprintf(json, sizeof json, "{\"outcome\":\"%s\"}", outcome);
    sip_complete(line->call->sip, op, status, sentence, json);
}

static void succeeded(struct line *line)
{
    settle(line, VOICEGW_OK, NULL, "completed");
    re_session_end(line->session, 0, "Reason: SIP;cause=200;text=\"Transferred\"\r\n");
    line->session = NULL;
    line_over(line, VOICEGW_OUTCOME_COMPLETED, "transferred");
}

static void failed(struct line *line, uint32_t status)
{
    settle(line, VOICEGW_OK, NULL,
           status == 486 || status == 600                    ? "busy"
           : status == 408 || status == 480 || status == 487 ? "no_answer"
                                                             : "failed");
}

static void on_refer_time(void *arg)
{
    struct line *line = arg;
    struct refer *r = line->refer;
    int rings = r && r->session && r->consulted[0] && !r->sent;
    if (r && r->telling) { /* for so long nobody is told */
        hand_over(line);
        return;
    }
    refer_free(line);
    if (rings) {
        settle(line, VOICEGW_OK, NULL, "no_answer");
        return;
    }
    settle(line, VOICEGW_ETIMEOUT, "the peer does not tell what became of the transfer", "failed");
}

/* A number is one of the trunk that the call came by, or of the peer's own host. */
static int target_uri(struct line *line, const char *to, char *out, size_t cap)
{
    const struct trunk *t = *line->call->trunk ? trunks_find(ua_trunks(line->call->sip), line->call->trunk) : NULL;
    char user[400], host[80];
    if (strncmp(to, "sip:", 4) == 0 || strncmp(to, "tel:", 4) == 0) {
        (void)snprintf(out, cap, "%s", to);
    } else if (t) {
        trunk_uri(t->set, to, out, cap);
    } else {
        sip_uri_escape(to, user, sizeof user);
        sip_uri_host(line->peer_ip, host, sizeof host);
        (void)snprintf(out, cap, "sip:%s@%s", user, host);
    }
    return strpbrk(out, "<>\" \r\n") ? -1 : 0;
}

static void wait_for_outcome(struct line *line, uint64_t op)
{
    line->refer_op = op;
    if (!line->refer_timer)
        line->refer_timer = re_timer_new(on_refer_time, line);
    re_timer_start(line->refer_timer, ACCEPTED_MS);
}

static int send_refer(struct line *line, const char *uri)
{
    char headers[1400];
    (void)snprintf(headers, sizeof headers, "Refer-To: <%s>\r\nReferred-By: <sip:voicegw@voicegw.invalid>\r\n", uri);
    return re_session_request(line->session, "REFER", headers, NULL, NULL);
}

static int call_target(struct line *line, const char *target, const char *extra, const char *consulted);

void line_transfer(struct sip_task *t)
{
    struct line *line = t->call->line;
    struct voicegw_json asked = voicegw_json_of(t->text);
    char uri[900], to[SIP_NUMBER_CAP] = "";
    (void)voicegw_json_get_string(asked, "to", to, sizeof to);
    if (!line || line->state != LINE_TALKING || line->refer_op || line->refer) {
        sip_complete(t->sip, t->op, VOICEGW_EBUSY,
                     line && line->state == LINE_TALKING ? "a transfer runs already" : "the call is not connected",
                     NULL);
        return;
    }
    if (target_uri(line, to, uri, sizeof uri) < 0 || strlen(uri) >= sizeof line->refer->consulted) {
        sip_complete(t->sip, t->op, VOICEGW_EINVALID, "to must be a number or a sip: URI", NULL);
        return;
    }
    int rc = t->arg == VOICEGW_TRANSFER_ATTENDED ? call_target(line, uri, "", uri) : send_refer(line, uri);
    if (rc < 0) {
        sip_complete(t->sip, t->op, VOICEGW_ENETWORK, "the transfer could not be sent", NULL);
        return;
    }
    if (line->refer)
        (void)voicegw_json_get_string(asked, "summary", line->refer->summary, sizeof line->refer->summary);
    wait_for_outcome(line, t->op);
}

/* Whom we consulted has answered: the peer takes our place there (RFC 3891, 5589). */
static void hand_over(struct line *line)
{
    struct refer *r = line->refer;
    char call_id[400], uri[1200];
    if (r->telling)
        brief_stop(line->call);
    r->telling = 0;
    r->sent = 1;
    sip_uri_escape(re_session_call_id(r->session), call_id, sizeof call_id);
    (void)snprintf(uri, sizeof uri, "%s?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s", r->consulted, call_id,
                   re_session_remote_tag(r->session), re_session_local_tag(r->session));
    if (!strpbrk(uri, "<>\" \r\n") && send_refer(line, uri) == 0) {
        re_timer_start(line->refer_timer, ACCEPTED_MS);
        return;
    }
    refer_free(line);
    settle(line, VOICEGW_ENETWORK, "the peer could not be sent there", "failed");
}

/* Whom we consulted hears why, from our own port, while the caller still is with us. 0: it does. */
static int tell_consulted(struct line *line, const struct re_summary *s)
{
    struct refer *r = line->refer;
    struct media_crypto key_in = line->key_in, key_out = line->key_out;
    struct sdp_result result;
    struct sip_media media;
    char why[160];
    if (!r->summary[0] || !s->is_sdp || line_take_answer(line, s->body, s->body_bytes, &result, why, sizeof why) < 0)
        return -1;
    line_media(line, &result, &media);
    line->key_in = key_in; /* those of the caller's audio stay */
    line->key_out = key_out;
    if (!media.remote[0] || brief_start(line->call, &media, r->summary) < 0)
        return -1;
    r->telling = 1;
    re_timer_start(line->refer_timer, SIP_BRIEF_MS);
    return 0;
}

void line_briefed(struct sip_task *t)
{
    struct line *line = t->call->line;
    if (line && line->refer && line->refer->telling && t->arg == atomic_load(&t->call->brief_number))
        hand_over(line);
}

void line_referred(struct line *line, uint32_t status)
{
    char sentence[96];
    if (!line->refer_op || (status >= 200 && status < 300))
        return;
    (void)snprintf(sentence, sizeof sentence,
                   status ? "the peer refuses the transfer with %u" : "the peer does not answer", status);
    settle(line, VOICEGW_EPROVIDER, sentence, "failed");
}

/* message/sipfrag: the status line of the call that the peer made. */
void line_notified(struct line *line, const struct re_message *m, const struct re_summary *s, struct re_reply *reply)
{
    char event[64] = "", text[64] = "", state[64] = "";
    size_t n = s->body_bytes < sizeof text - 1 ? s->body_bytes : sizeof text - 1;
    (void)re_message_header(m, "Event", 0, event, sizeof event);
    (void)re_message_header(m, "Subscription-State", 0, state, sizeof state);
    if (strncmp(event, "refer", 5) != 0) {
        reply->status = 489;
        return;
    }
    reply->status = 200;
    memcpy(text, s->body, n);
    text[n] = '\0';
    unsigned long status = strncmp(text, "SIP/2.0 ", 8) == 0 ? strtoul(text + 8, NULL, 10) : 0;
    if (!line->refer_op)
        return;
    if (status >= 200 && status < 300)
        do_later(line, &line->refer_done);
    else if (status >= 300 || strncmp(state, "terminated", 10) == 0)
        failed(line, (uint32_t)status);
}

/* A peer that hangs up once it knows where to go has gone there. */
void line_transfer_over(struct line *line)
{
    const struct refer *r = line->refer;
    settle(line, VOICEGW_OK, NULL, r && r->consulted[0] && !r->sent ? "failed" : "completed");
    refer_free(line);
}

void line_transfer_free(struct line *line)
{
    refer_free(line);
    re_timer_free(line->refer_timer);
    re_timer_free(line->later);
    line->refer_timer = line->later = NULL;
}

/* ---- the peer sends us elsewhere ---- */

static void on_progress(void *arg, const struct re_message *message, const struct re_summary *s)
{
    struct refer *r = arg;
    (void)message;
    if (s->status >= 180 && !r->told && !r->consulted[0]) {
        r->told = 1;
        notify(r->line, 180, 0);
    }
}

static void on_accepted(void *arg, const struct re_message *message, const struct re_summary *s, int initial)
{
    struct refer *r = arg;
    struct line *line = r->line;
    struct sdp_result result;
    char why[160];
    if (!initial)
        return;
    if (r->consulted[0]) {
        if (tell_consulted(line, s) < 0)
            hand_over(line);
        return;
    }
    if (!s->is_sdp || line_take_answer(line, s->body, s->body_bytes, &result, why, sizeof why) < 0) {
        notify(line, 488, 1);
        refer_free(line);
        return;
    }
    notify(line, 200, 1);
    struct re_session *fresh = r->session;
    r->session = NULL;
    refer_free(line);
    line_replace_session(line, fresh, s->remote_ip, s->transport);
    line_timer_answered(line, message, 1);
    line_agree(line, &result);
}

static void on_closed(void *arg, uint32_t status, const char *reason, const struct re_message *message)
{
    struct refer *r = arg;
    struct line *line = r->line;
    (void)reason;
    (void)message;
    int consulted = r->consulted[0] != '\0', answered = consulted && status == 0 && r->sent;
    r->session = NULL;
    if (!consulted)
        notify(line, status >= 300 ? status : 503, 1);
    refer_free(line);
    if (consulted && !answered) /* one who was replaced hangs up; what became of it the peer tells */
        failed(line, status);
}

static void ignore_refused(void *arg, uint32_t status)
{
    (void)arg;
    (void)status;
}

static void ignore_ack(void *arg, const struct re_summary *summary)
{
    (void)arg;
    (void)summary;
}

static void refuse_offer(void *arg, const struct re_message *m, const struct re_summary *s, struct re_reply *reply)
{
    (void)arg;
    (void)m;
    (void)s;
    reply->status = 491;
}

static void ignore_answer(void *arg, const char *method, uint32_t status)
{
    (void)arg;
    (void)method;
    (void)status;
}

static const struct re_session_events refer_events = {.on_progress = on_progress,
                                                      .on_accepted = on_accepted,
                                                      .on_refused = ignore_refused,
                                                      .on_ack = ignore_ack,
                                                      .on_offer = refuse_offer,
                                                      .on_request = refuse_offer,
                                                      .on_answer = ignore_answer,
                                                      .on_closed = on_closed};

static int call_target(struct line *line, const char *target, const char *extra, const char *consulted)
{
    const struct trunk *t = *line->call->trunk ? trunks_find(ua_trunks(line->call->sip), line->call->trunk) : NULL;
    char headers[1800], sdp[SDP_TEXT_CAP], from[800] = "sip:voicegw@voicegw.invalid";
    struct refer *r = calloc(1, sizeof *r);
    if (!r)
        return -1;
    line_headers(line, 0, headers, sizeof headers - 440);
    (void)snprintf(headers + strlen(headers), sizeof headers - strlen(headers), "%s", extra);
    r->line = line;
    (void)snprintf(r->consulted, sizeof r->consulted, "%s", consulted);
    line->refer = r;
    if (t)
        trunk_uri(t->set, *t->set->username ? t->set->username : "voicegw", from, sizeof from);
    const struct re_connect_params p = {.to_uri = target,
                                        .from_uri = from,
                                        .contact = "voicegw",
                                        .route = t ? t->set->outbound_proxy : NULL,
                                        .headers = headers,
                                        .sdp = sdp,
                                        .credentials = {t ? t->set->username : NULL, t ? t->set->password : NULL}};
    if (line_make_offer(line, sdp, sizeof sdp) == 0)
        r->session = re_session_connect(ua_agent(line->call->sip), &p, &refer_events, r);
    if (r->session)
        return 0;
    refer_free(line);
    return -1;
}

void line_refer_asked(struct line *line, const struct re_message *m, struct re_reply *reply)
{
    char header[1024], uri[800], target[600], replaces[400], extra[440] = "";
    reply->status = 400;
    if (re_message_header(m, "Refer-To", 0, header, sizeof header) < 0 || re_address_uri(header, uri, sizeof uri) < 0 ||
        strncmp(uri, "sip:", 4) != 0)
        return;
    reply->status = 603;
    if (line->state != LINE_TALKING || line->refer || line->refer_op)
        return;
    sip_refer_split(uri, target, sizeof target, replaces, sizeof replaces);
    if (*replaces)
        (void)snprintf(extra, sizeof extra, "Replaces: %.380s\r\nRequire: replaces\r\n", replaces);
    if (call_target(line, target, extra, "") < 0)
        return;
    reply->status = 202;
    do_later(line, &line->notify_due);
}
