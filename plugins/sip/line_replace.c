/* line_replace.c - another dialog takes a call over: a transfer that asked for it, or an INVITE with Replaces (RFC
 * 3891). */
#include <stdio.h>
#include <string.h>
#include "line.h"

void line_replace_session(struct line *line, struct re_session *fresh, const char *peer_ip, int transport)
{
    struct re_session *old = line->session;
    line->session = fresh;
    line->transport = transport;
    (void)snprintf(line->peer_ip, sizeof line->peer_ip, "%s", peer_ip);
    re_session_own(fresh, &line_events, line);
    re_session_end(old, 0, "Reason: SIP;cause=200;text=\"Replaced\"\r\n");
}

int line_replaced(struct sip *sip, const struct re_message *m, const struct re_summary *s)
{
    char header[512], sdp[SDP_TEXT_CAP], why[160], *call_id, *to_tag, *from_tag;
    struct sdp_result result;
    if (re_message_header(m, "Replaces", 0, header, sizeof header) < 0)
        return 0;
    struct line *line = sip_replaces_split(header, &call_id, &to_tag, &from_tag) == 0
                            ? re_session_find(ua_agent(sip), &line_events, call_id, to_tag, from_tag)
                            : NULL;
    if (!line || line->state != LINE_TALKING) {
        re_agent_reply(ua_agent(sip), m, 481, NULL, NULL);
        return 1;
    }
    char before_ip[64];
    int before = line->transport;
    memcpy(before_ip, line->peer_ip, sizeof before_ip);
    line->transport = s->transport;
    (void)snprintf(line->peer_ip, sizeof line->peer_ip, "%s", s->remote_ip);
    struct re_session *fresh = NULL;
    if (s->is_sdp && line_take_offer(line, s->body, s->body_bytes, sdp, sizeof sdp, &result, why, sizeof why) == 0)
        fresh = re_session_accept(ua_agent(sip), m, "voicegw", &line_events, line);
    else
        re_agent_reply(ua_agent(sip), m, 488, NULL, NULL);
    if (!fresh || re_session_answer(fresh, NULL, sdp) < 0) {
        re_session_end(fresh, 500, NULL);
        line->transport = before;
        memcpy(line->peer_ip, before_ip, sizeof before_ip);
        return 1;
    }
    line_replace_session(line, fresh, s->remote_ip, s->transport);
    line_agree(line, &result);
    return 1;
}
