/* line_timer.c - a call's session timer: whoever refreshes, a call whose peer has vanished ends. */
#include <stdio.h>
#include <string.h>
#include "expires.h"
#include "line.h"

static void read_abilities(struct line *line, const struct re_message *m)
{
    char value[512];
    line->peer_timer = 0;
    for (unsigned i = 0; i < 8 && re_message_header(m, "Supported", i, value, sizeof value) >= 0; i++)
        line->peer_timer |= sip_header_has(value, "timer") != 0;
    for (unsigned i = 0; i < 8 && re_message_header(m, "Require", i, value, sizeof value) >= 0; i++)
        line->peer_timer |= sip_header_has(value, "timer") != 0;
    /* An answer to a refresh need not say again what its sender can. */
    for (unsigned i = 0; i < 16 && re_message_header(m, "Allow", i, value, sizeof value) >= 0; i++)
        line->peer_update = (i > 0 && line->peer_update) || sip_header_has(value, "UPDATE");
}

static uint32_t ours_s(const struct line *line)
{
    return (uint32_t)(line->call->settings->session_timer_us / 1000000);
}

static struct sip_expires asked_by(const struct re_message *m)
{
    char value[128];
    return sip_expires_read(re_message_header(m, "Session-Expires", 0, value, sizeof value) >= 0 ? value : NULL);
}

static void on_time(void *arg)
{
    struct line *line = arg;
    char sdp[SDP_TEXT_CAP], headers[320];
    if (line->state != LINE_TALKING)
        return;
    if (!line->we_refresh) {
        re_session_end(line->session, 0, "Reason: SIP;cause=408;text=\"Session timer\"\r\n");
        line->session = NULL;
        line_over(line, VOICEGW_OUTCOME_COMPLETED, "the peer did not refresh the session");
        return;
    }
    line_timer_request(line, headers, sizeof headers);
    int rc = line->peer_update ? re_session_request(line->session, "UPDATE", headers, NULL, NULL)
             : line_make_offer(line, sdp, sizeof sdp) == 0 ? re_session_modify(line->session, headers, sdp)
                                                           : -1;
    re_timer_start(line->session_timer, rc == 0 ? sip_expires_refresh_ms(line->timer_s) : 5000);
}

static void set(struct line *line, uint32_t seconds, int we_refresh)
{
    line->timer_s = seconds;
    line->we_refresh = we_refresh != 0;
    if (seconds == 0) {
        re_timer_stop(line->session_timer);
        return;
    }
    if (!line->session_timer)
        line->session_timer = re_timer_new(on_time, line);
    re_timer_start(line->session_timer, we_refresh ? sip_expires_refresh_ms(seconds) : sip_expires_give_up_ms(seconds));
}

void line_timer_offer(const struct line *line, uint32_t min_se_s, char *out, size_t cap)
{
    uint32_t s = ours_s(line) > min_se_s ? ours_s(line) : min_se_s;
    out[0] = '\0';
    if (ours_s(line) > 0)
        (void)snprintf(out, cap, "Session-Expires: %u\r\nMin-SE: %u\r\n", s,
                       min_se_s > SIP_MIN_SE_S ? min_se_s : SIP_MIN_SE_S);
}

uint32_t line_timer_asked(struct line *line, const struct re_message *m, char *out, size_t cap)
{
    struct sip_expires agreed;
    read_abilities(line, m);
    uint32_t status = sip_expires_answer(asked_by(m), line->peer_timer, ours_s(line), &agreed);
    out[0] = '\0';
    if (status != 0) {
        (void)snprintf(out, cap, "Min-SE: %u\r\n", SIP_MIN_SE_S);
        return status;
    }
    line->timer_s = agreed.seconds;
    line->we_refresh = agreed.refresher == SIP_REFRESHER_UAS;
    line_timer_header(line, out, cap);
    return 0;
}

void line_timer_header(const struct line *line, char *out, size_t cap)
{
    out[0] = '\0';
    if (line->timer_s > 0)
        (void)snprintf(out, cap, "Supported: timer, replaces\r\nSession-Expires: %u;refresher=%s\r\n%s", line->timer_s,
                       line->we_refresh ? "uas" : "uac", line->we_refresh ? "" : "Require: timer\r\n");
    else
        (void)snprintf(out, cap, "Supported: timer, replaces\r\n");
}

void line_timer_begin(struct line *line)
{
    set(line, line->timer_s, line->we_refresh);
}

void line_timer_request(const struct line *line, char *out, size_t cap)
{
    if (line->timer_s > 0)
        (void)snprintf(out, cap, "Supported: timer, replaces\r\nSession-Expires: %u;refresher=%s\r\nMin-SE: %u\r\n",
                       line->timer_s, line->we_refresh ? "uac" : "uas", SIP_MIN_SE_S);
    else
        (void)snprintf(out, cap, "Supported: timer, replaces\r\n");
}

void line_timer_answered(struct line *line, const struct re_message *m, int initial)
{
    struct sip_expires e = asked_by(m);
    read_abilities(line, m);
    if (e.seconds > 0)
        set(line, e.seconds, e.refresher != SIP_REFRESHER_UAS);
    else if (initial)
        set(line, 0, 0);
    else
        line_timer_begin(line);
}
