/* line_dtmf.c - digits by INFO, both ways. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "line.h"

void line_info(struct line *line, const struct re_message *m, const struct re_summary *s, struct re_reply *reply)
{
    struct sip *sip = line->call->sip;
    char type[64] = "", digit[2] = "";
    uint32_t duration_ms;
    (void)re_message_header(m, "Content-Type", 0, type, sizeof type);
    reply->status = 200;
    if (s->body_bytes == 0) /* a keepalive */
        return;
    digit[0] = sip_info_digit(type, s->body, s->body_bytes, &duration_ms);
    if (!digit[0]) {
        reply->status = 415;
        return;
    }
    if (line->known)
        (void)sip->provider->on_dtmf(sip->host, line->call->handle, digit, duration_ms, "info");
}

static void send_next(struct line *line)
{
    char body[64];
    while (line->digits[0] == 'w' || line->digits[0] == 'W')
        memmove(line->digits, line->digits + 1, strlen(line->digits));
    if (!line->digits[0] || line->state != LINE_TALKING)
        return;
    (void)snprintf(body, sizeof body, "Signal=%c\r\nDuration=160\r\n", line->digits[0]);
    memmove(line->digits, line->digits + 1, strlen(line->digits));
    line->info_runs = re_session_request(line->session, "INFO", NULL, "application/dtmf-relay", body) == 0;
}

void line_info_answered(struct line *line, uint32_t status)
{
    line->info_runs = 0;
    if (status < 200 || status >= 300) {
        line->call->sip->host->count(line->call->sip->host, "digits_refused", 1);
        line->digits[0] = '\0';
        return;
    }
    send_next(line);
}

void line_send_digits(struct sip_task *t)
{
    struct line *line = t->call->line;
    if (!line || line->state != LINE_TALKING || !t->text)
        return;
    size_t have = strlen(line->digits);
    if (have + strlen(t->text) >= sizeof line->digits) {
        t->sip->host->count(t->sip->host, "digits_refused", strlen(t->text));
        return;
    }
    (void)snprintf(line->digits + have, sizeof line->digits - have, "%s", t->text);
    if (!line->info_runs)
        send_next(line);
}
