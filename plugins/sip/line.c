/* line.c - the signalling of one call: what the host wants goes out as SIP, what the peer says is told to the host. */
#include "line.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "show.h"
#include "voicegw/json_writer.h"

struct line *line_new(struct sip_call *call)
{
    struct line *line = calloc(1, sizeof *line);
    if (!line)
        return NULL;
    line->call = sip_call_keep(call);
    call->line = line;
    atomic_store(&call->sip->used, 1);
    re_random(&line->sdp_session, sizeof line->sdp_session);
    line->sdp_session &= 0x7fffffffu;
    line_srtp(line);
    ua_line_added(line);
    return line;
}

void line_srtp(struct line *line)
{
    const struct sip_call *c = line->call;
    const struct sip_trunk *set = *c->trunk ? sip_settings_trunk(c->settings, c->trunk) : NULL;
    line->srtp = set ? set->srtp : c->settings->srtp;
    line->keys_by = set ? set->srtp_keys : c->settings->srtp_keys;
}

void line_free(struct line *line)
{
    struct sip_call *call = line->call;
    re_session_end(line->session, 480, NULL);
    dial_free(line);
    line_change_over(line);
    line_transfer_over(line);
    line_transfer_free(line);
    re_timer_free(line->session_timer);
    ua_line_removed(line);
    call->line = NULL;
    free(line->offer);
    free(line->headers);
    free(line);
    sip_call_drop(call);
}

void line_state(struct line *line, uint32_t state, uint32_t outcome, const char *cause)
{
    struct sip_call *c = line->call;
    struct sip *sip = c->sip;
    struct voicegw_call_state s = {.size = sizeof s,
                                   .state = state,
                                   .outcome = outcome,
                                   .sequence = ++line->sequence,
                                   .provider_time_us = sip->host->wall_us(sip->host),
                                   .cause = cause && *cause ? cause : NULL,
                                   .data_json =
                                       c->outbound && state == VOICEGW_CALL_CONNECTED
                                           ? "{\"transport\":\"sip_rtp\"}" /* of a call that came in it is known */
                                           : NULL,
                                   .provider_call_id = c->id};
    int32_t rc = line->known ? sip->provider->on_state(sip->host, c->handle, &s) : VOICEGW_OK;
    if (rc == VOICEGW_ELIMIT)
        sip->host->count(sip->host, "states_lost", 1);
}

void line_over(struct line *line, uint32_t outcome, const char *cause)
{
    if (line->state == LINE_OVER)
        return;
    uint32_t state = line->state == LINE_TALKING ? VOICEGW_CALL_ENDED : VOICEGW_CALL_FAILED;
    line->state = LINE_OVER;
    re_timer_stop(line->session_timer);
    line_change_over(line);
    line_transfer_over(line);
    line->outcome = outcome;
    (void)snprintf(line->cause, sizeof line->cause, "%s", cause ? cause : "");
    line_state(line, state, outcome, line->cause);
}

/* ---- the peer's side ---- */

static void on_closed(void *arg, uint32_t status, const char *reason, const struct re_message *message)
{
    struct line *line = arg;
    line->session = NULL; /* an incoming one that the host does not know yet is freed by line_ring() or line_refuse() */
    if (line->state == LINE_TALKING)
        line_over(line, VOICEGW_OUTCOME_COMPLETED,
                  line->refer_op ? "transferred"
                  : *reason      ? reason
                                 : "hung up by the peer");
    else if (!line->call->outbound)
        line_over(line, status == 487 || status == 0 ? VOICEGW_OUTCOME_CANCELED : VOICEGW_OUTCOME_FAILED,
                  "the caller gave up");
    else
        dial_closed(line, status, reason, message);
}

static void on_ack(void *arg, const struct re_summary *summary)
{
    struct line *line = arg;
    struct sdp_result result;
    char why[160];
    if (!line->late)
        return;
    line->late = 0;
    if (summary->body_bytes == 0 ||
        line_take_answer(line, summary->body, summary->body_bytes, &result, why, sizeof why) < 0) {
        struct re_session *session = line->session;
        line->session = NULL;
        re_session_end(session, 0, "Reason: SIP;cause=488;text=\"Not Acceptable Here\"\r\n");
        line_over(line, VOICEGW_OUTCOME_FAILED, summary->body_bytes ? why : "the ACK brought no answer to our offer");
        return;
    }
    line_agree(line, &result);
    if (line->state == LINE_TALKING) /* the late answer to a later offer */
        return;
    line->state = LINE_TALKING;
    line_timer_begin(line);
    line_state(line, VOICEGW_CALL_CONNECTED, VOICEGW_OUTCOME_NONE, NULL);
}

static void on_offer(void *arg, const struct re_message *message, const struct re_summary *summary,
                     struct re_reply *reply)
{
    line_offered(arg, message, summary, reply);
}

static void on_request(void *arg, const struct re_message *message, const struct re_summary *summary,
                       struct re_reply *reply)
{
    if (strcmp(summary->method, "INFO") == 0)
        line_info(arg, message, summary, reply);
    else if (strcmp(summary->method, "REFER") == 0)
        line_refer_asked(arg, message, reply);
    else if (strcmp(summary->method, "NOTIFY") == 0)
        line_notified(arg, message, summary, reply);
    else
        reply->status = 405;
}

static void on_progress(void *arg, const struct re_message *message, const struct re_summary *summary)
{
    (void)message;
    dial_progress(arg, summary);
}

static void on_accepted(void *arg, const struct re_message *message, const struct re_summary *summary, int initial)
{
    if (initial)
        dial_answered(arg, message, summary);
    else
        line_changed(arg, message, summary);
}

static void on_refused(void *arg, uint32_t status)
{
    line_unchanged(arg, status);
}

static void on_answer(void *arg, const char *method, uint32_t status)
{
    if (strcmp(method, "REFER") == 0)
        line_referred(arg, status);
    else if (strcmp(method, "INFO") == 0)
        line_info_answered(arg, status);
}

const struct re_session_events line_events = {.on_progress = on_progress,
                                              .on_accepted = on_accepted,
                                              .on_refused = on_refused,
                                              .on_ack = on_ack,
                                              .on_offer = on_offer,
                                              .on_request = on_request,
                                              .on_answer = on_answer,
                                              .on_closed = on_closed};

/* ---- an incoming call ---- */

/* The Call-ID may hold anything, and be longer than the host takes. */
static void identify(struct sip_call *c, const struct re_summary *s)
{
    size_t n = strlen(s->call_id);
    (void)snprintf(c->id, sizeof c->id, "%.128s", s->call_id);
    if (n < sizeof c->id)
        return;
    uint64_t salt;
    re_random(&salt, sizeof salt);
    (void)snprintf(c->id + 100, sizeof c->id - 100, "~%016llx", (unsigned long long)salt);
}

void line_incoming(struct sip *sip, const struct re_message *message, const struct re_summary *s, const char *trunk,
                   const char *user)
{
    struct sip_call *c = sip_call_new(sip, ua_settings(sip));
    char sdp[SDP_TEXT_CAP], why[160], timer[200];
    struct sdp_result result;
    if (!c) {
        re_agent_reply(ua_agent(sip), message, 500, NULL, NULL);
        return;
    }
    identify(c, s);
    (void)snprintf(c->from, sizeof c->from, "%s", *user ? user : *s->from_user ? s->from_user : "anonymous");
    (void)snprintf(c->to, sizeof c->to, "%s", s->uri_user);
    (void)snprintf(c->name, sizeof c->name, "%s", s->from_name);
    (void)snprintf(c->trunk, sizeof c->trunk, "%s", trunk);
    c->port = 9;
    struct line *line = line_new(c);
    if (!line) {
        re_agent_reply(ua_agent(sip), message, 500, NULL, NULL);
        sip_call_drop(c);
        return;
    }
    line->transport = s->transport;
    (void)snprintf(line->peer_ip, sizeof line->peer_ip, "%s", s->remote_ip);
    uint32_t status = line_timer_asked(line, message, timer, sizeof timer);
    if (status) {
        re_agent_reply(ua_agent(sip), message, status, NULL, timer);
        line_free(line);
        sip_call_drop(c);
        return;
    }
    if (s->body_bytes > 0) {
        line->offer = malloc(s->body_bytes);
        line->offer_bytes = s->body_bytes;
        if (line->offer)
            memcpy(line->offer, s->body, s->body_bytes);
        if (!line->offer ||
            line_take_offer(line, s->body, s->body_bytes, sdp, sizeof sdp, &result, why, sizeof why) < 0) {
            sip->host->count(sip->host, "descriptions_refused", 1);
            re_agent_reply(ua_agent(sip), message, 488, NULL, NULL);
            line_free(line);
            sip_call_drop(c);
            return;
        }
    }
    char *headers = line_read_headers(message);
    line->session = re_session_accept(ua_agent(sip), message, "voicegw", &line_events, line);
    if (!line->session || sip_to_control(sip, c, 0, 0, headers, sip_call_incoming) != VOICEGW_OK) {
        re_session_end(line->session, 503, NULL);
        line->session = NULL;
        line_free(line);
    }
    free(headers);
    sip_call_drop(c);
}

void line_ring(struct sip_task *t)
{
    struct line *line = t->call->line;
    if (!line)
        return;
    line->known = 1;
    trace_name(ua_trace(t->sip), t->call->id, t->call->call_id);
    if (line->state == LINE_OVER) {
        line_state(line, VOICEGW_CALL_FAILED, line->outcome, line->cause);
        return;
    }
    line->state = LINE_RINGING;
    (void)re_session_progress(line->session, 180, NULL, NULL);
}

void line_refuse(struct sip_task *t)
{
    struct line *line = t->call->line;
    if (!line)
        return;
    re_session_end(line->session, t->arg, t->arg == 503 ? "Retry-After: 10\r\n" : NULL);
    line->session = NULL;
    line_free(line);
}

/* ---- the host's side ---- */

static struct line *line_of(struct sip_task *t)
{
    struct line *line = t->call->line;
    if (line && line->state != LINE_OVER)
        return line;
    sip_complete(t->sip, t->op, VOICEGW_EBUSY, "the peer hung up", NULL);
    return NULL;
}

static void fail_answer(struct sip_task *t, struct line *line, const char *why)
{
    re_session_end(line->session, 488, NULL);
    line->session = NULL;
    sip_complete(t->sip, t->op, VOICEGW_EPROVIDER, why, NULL);
    line_over(line, VOICEGW_OUTCOME_FAILED, why);
}

void line_answer(struct sip_task *t)
{
    struct line *line = line_of(t);
    struct sdp_result result;
    char sdp[SDP_TEXT_CAP], why[160] = "no answer could be sent", headers[200];
    if (!line)
        return;
    if (line->state != LINE_RINGING) {
        sip_complete(t->sip, t->op, VOICEGW_EBUSY, "the call does not ring", NULL);
        return;
    }
    line->late = line->offer == NULL;
    int rc = line->late
                 ? line_make_offer(line, sdp, sizeof sdp)
                 : line_take_offer(line, line->offer, line->offer_bytes, sdp, sizeof sdp, &result, why, sizeof why);
    line_timer_header(line, headers, sizeof headers);
    if (rc < 0 || re_session_answer(line->session, headers, sdp) < 0) {
        fail_answer(t, line, why);
        return;
    }
    free(line->offer);
    line->offer = NULL;
    sip_complete(t->sip, t->op, VOICEGW_OK, NULL, "{\"state\":\"connected\"}");
    if (line->late) /* what is spoken is known with the ACK */
        return;
    line_agree(line, &result);
    line->state = LINE_TALKING;
    line_timer_begin(line);
    line_state(line, VOICEGW_CALL_CONNECTED, VOICEGW_OUTCOME_NONE, NULL);
}

void line_reject(struct sip_task *t)
{
    struct line *line = line_of(t);
    const char *reason = t->text ? t->text : "";
    int busy = strcmp(reason, "busy") == 0;
    if (!line)
        return;
    re_session_end(line->session, busy ? 486 : strcmp(reason, "rejected") == 0 ? 603 : 404, NULL);
    line->session = NULL;
    sip_complete(t->sip, t->op, VOICEGW_OK, NULL, "{\"state\":\"failed\"}");
    line_over(line, busy ? VOICEGW_OUTCOME_BUSY : VOICEGW_OUTCOME_FAILED, reason);
}

void line_end(struct sip_task *t)
{
    struct line *line = t->call->line;
    if (!line || line->state == LINE_OVER) {
        sip_complete(t->sip, t->op, VOICEGW_OK, NULL, "{\"state\":\"ended\"}");
        return;
    }
    int talked = line->state == LINE_TALKING;
    dial_free(line);
    re_session_end(line->session, 480, talked ? "Reason: SIP;cause=200;text=\"Call completed\"\r\n" : NULL);
    line->session = NULL;
    sip_complete(t->sip, t->op, VOICEGW_OK, NULL, "{\"state\":\"ended\"}");
    line_over(line, talked ? VOICEGW_OUTCOME_COMPLETED : VOICEGW_OUTCOME_CANCELED, "hung up by the gateway");
}

void line_status(struct sip_task *t)
{
    static const char *const names[] = {"ringing", "ringing", "initiating", "connected", "ended"};
    const struct line *line = t->call->line;
    char json[512];
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "state",
                            !line                                    ? "ended"
                            : line->held_by_us || line->held_by_peer ? "on_hold"
                                                                     : names[line->state]);
    voicegw_json_put_string(&w, "provider_call_id", t->call->id);
    voicegw_json_put_string(&w, "trunk", t->call->trunk);
    voicegw_json_put_string(&w, "codec", line ? sip_codec_name(line->media.codec) : "none");
    voicegw_json_put_end(&w);
    (void)voicegw_json_finish(&w);
    sip_complete(t->sip, t->op, VOICEGW_OK, NULL, json);
}

void line_forget(struct sip_task *t)
{
    if (t->call->line)
        line_free(t->call->line);
}
