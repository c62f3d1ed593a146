/* line_change.c - a call that goes on changes: hold and resume, from either side, and offers that are answered. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "line.h"

static void tell_hold(struct line *line, int before, const char *cause)
{
    int now = line->held_by_us || line->held_by_peer;
    if (line->state == LINE_TALKING && now != before)
        line_state(line, now ? VOICEGW_CALL_ON_HOLD : VOICEGW_CALL_CONNECTED, VOICEGW_OUTCOME_NONE, cause);
}

static void settle(struct line *line, int32_t status, const char *sentence)
{
    uint64_t op = line->change_op;
    line->change_op = 0;
    if (op)
        sip_complete(line->call->sip, op, status, sentence,
                     status == VOICEGW_OK ? (line->held_by_us ? "{\"state\":\"on_hold\"}" : "{\"state\":\"connected\"}")
                                          : NULL);
}

void line_hold(struct sip_task *t)
{
    struct line *line = t->call->line;
    char sdp[SDP_TEXT_CAP], headers[320];
    if (!line || line->state != LINE_TALKING) {
        sip_complete(t->sip, t->op, VOICEGW_EBUSY, "the call is not connected", NULL);
        return;
    }
    if (line->change_op) {
        sip_complete(t->sip, t->op, VOICEGW_EBUSY, "the call is being changed already", NULL);
        return;
    }
    uint8_t before = line->held_by_us;
    line->held_by_us = t->arg != 0;
    line_timer_request(line, headers, sizeof headers);
    if (line_make_offer(line, sdp, sizeof sdp) < 0 || re_session_modify(line->session, headers, sdp) < 0) {
        line->held_by_us = before;
        sip_complete(t->sip, t->op, VOICEGW_EBUSY, "another change of the call runs; try again", NULL);
        return;
    }
    line->change_op = t->op;
    line->change_before = before;
}

void line_changed(struct line *line, const struct re_message *m, const struct re_summary *s)
{
    struct sdp_result result;
    char why[160];
    line_timer_answered(line, m, 0);
    if (s->is_sdp && s->body_bytes > 0 && line_take_answer(line, s->body, s->body_bytes, &result, why, sizeof why) == 0)
        line_agree(line, &result);
    settle(line, VOICEGW_OK, NULL); /* the host knows the state by this */
}

void line_unchanged(struct line *line, uint32_t status)
{
    char sentence[96];
    if (!line->change_op)
        return;
    line->held_by_us = line->change_before;
    (void)snprintf(sentence, sizeof sentence, status ? "the peer refuses with %u" : "the peer does not answer", status);
    settle(line, VOICEGW_EPROVIDER, sentence);
}

void line_change_over(struct line *line)
{
    settle(line, VOICEGW_EBUSY, "the call is over");
}

void line_offered(struct line *line, const struct re_message *m, const struct re_summary *s, struct re_reply *reply)
{
    struct sdp_result result;
    char sdp[SDP_TEXT_CAP], why[160];
    int before = line->held_by_us || line->held_by_peer;
    uint32_t status = line_timer_asked(line, m, reply->headers, sizeof reply->headers);
    reply->status = status ? status : 200;
    if (status)
        return;
    if (s->body_bytes == 0) { /* a refresh, or a question for our offer */
        if (strcmp(s->method, "INVITE") == 0 && line_make_offer(line, sdp, sizeof sdp) == 0) {
            reply->body = strdup(sdp);
            line->late = 1;
        }
        line_timer_begin(line);
        return;
    }
    if (!s->is_sdp || line_take_offer(line, s->body, s->body_bytes, sdp, sizeof sdp, &result, why, sizeof why) < 0) {
        reply->status = 488;
        reply->headers[0] = '\0';
        return;
    }
    reply->body = strdup(sdp);
    line_agree(line, &result);
    line_timer_begin(line);
    line->held_by_peer = result.peer_holds;
    tell_hold(line, before, line->held_by_peer ? "held by the peer" : "resumed by the peer");
}
