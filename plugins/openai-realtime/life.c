/* life.c - a conversation that outlives its sockets: set-up, losses, and the vendor's limit of a session. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "realtime.h"

static void on_limit(void *arg);

static void on_again(void *arg)
{
    struct rt *s = arg;
    s->retry_timer = 0;
    rt_connect(s);
}

static void give_up(struct rt *s, const char *sentence)
{
    (void)s->o->out->on_error(s->o->host, s->handle, 0, VOICEGW_ENETWORK, sentence);
    rt_apologize(s, s->o->error_text);
    (void)s->o->out->on_action(s->o->host, s->handle, 0, "end", NULL);
}

static void again_or_end(struct rt *s, const char *sentence)
{
    struct voicegw_retry_input in = {.attempt = ++s->losses,
                                     .status = VOICEGW_ENETWORK,
                                     .repeatable = 1,
                                     .random = (uint64_t)s->o->host->now_us(s->o->host)};
    int64_t wait_ms = voicegw_retry_decide(&s->o->vendor.retry, &in);
    if (s->closing || s->ending || s->retry_timer || s->next) /* the renewal takes over when it is ready */
        return;
    if (wait_ms < 0) {
        give_up(s, sentence);
        return;
    }
    s->o->host->count(s->o->host, "reconnects", 1);
    s->retry_timer = s->o->host->timer_start(s->o->host, s->handle, wait_ms * 1000, on_again, s);
}

void rt_connect(struct rt *s)
{
    if (s->link)
        return;
    s->link = rt_link_open(s);
    if (!s->link)
        again_or_end(s, s->o->host->last_error(s->o->host));
}

void rt_link_lost(struct rt_link *link, const char *sentence)
{
    struct rt *s = link->s;
    if (link == s->next && s->link) { /* that goes on; the renewal is tried again a little later */
        s->next = NULL;
        rt_stop_timer(s, &s->limit_timer);
        s->limit_timer = s->o->host->timer_start(s->o->host, s->handle, 10000000, on_limit, s);
        return;
    }
    if (link == s->next)
        s->next = NULL;
    else
        s->link = NULL;
    s->owed |= s->responding | s->want_response;
    s->responding = s->want_response = 0;
    s->response[0] = '\0';
    s->call_count = 0;
    rt_stop_timer(s, &s->limit_timer);
    again_or_end(s, sentence);
}

/* ---- a session that is ready ---- */

static void replay(struct rt *s)
{
    static const char *const roles[] = {"system", "user", "assistant"};
    for (const struct chat_message *m = s->history.first; m; m = m->next)
        if (m->role != CHAT_TOOL && m->content[0])
            rt_send(s, rt_wire_message(&s->o->dialect, roles[m->role], m->content));
}

static void greet(struct rt *s)
{
    char text[1200];
    if (s->greeted)
        return;
    s->greeted = 1;
    if (s->resumed || (s->o->generate_greeting && !s->greeting[0])) {
        rt_respond(s);
    } else if (s->greeting[0]) {
        (void)snprintf(text, sizeof text, "Say exactly this, and nothing else: %.1000s", s->greeting);
        s->responding = 1;
        rt_send(s, rt_wire_respond(&s->o->dialect, text));
    }
}

void rt_link_ready(struct rt_link *link)
{
    struct rt *s = link->s;
    struct rt_link *before = s->link == link ? NULL : s->link;
    if (before) {
        rt_link_drop(before);
        s->o->host->count(s->o->host, "renewals", 1);
    }
    s->link = link;
    if (s->next == link)
        s->next = NULL;
    s->renew_after_us = 0;
    s->owed |= s->responding | s->want_response;
    s->responding = s->want_response = 0;
    s->response[0] = '\0';
    replay(s);
    if (!s->o->own_turns && s->early_bytes) {
        rt_send_audio(s, s->early, s->early_bytes);
        s->early_bytes = 0;
    }
    greet(s);
    if (s->owed) /* an answer was cut off with the session before */
        rt_respond(s);
    s->owed = 0;
    if (s->o->session_limit_us) {
        rt_stop_timer(s, &s->limit_timer);
        s->limit_timer = s->o->host->timer_start(s->o->host, s->handle, s->o->session_limit_us, on_limit, s);
    }
}

/* ---- renewal ---- */

void rt_renew_if_quiet(struct rt *s)
{
    int64_t now = s->o->host->now_us(s->o->host);
    uint32_t quiet = !s->responding && !s->want_response && !s->caller_speaking && !s->gate && !s->call_count &&
                     now >= s->play_end_us;
    if (!s->renew_after_us || s->next || !s->link || (!quiet && now < s->renew_after_us))
        return;
    s->next = rt_link_open(s);
    if (!s->next)
        s->o->host->log(s->o->host, VOICEGW_LOG_WARNING, "the session could not be renewed", NULL);
}

static void on_limit(void *arg)
{
    struct rt *s = arg;
    const struct rt_instance *o = s->o;
    if (!s->renew_after_us) {
        s->renew_after_us = o->host->now_us(o->host) + RT_RENEW_WAIT_US;
        (void)o->out->on_expiring(o->host, s->handle, RT_EXPIRING_MS);
    }
    rt_renew_if_quiet(s);
    s->limit_timer = s->next ? 0 : o->host->timer_start(o->host, s->handle, 1000000, on_limit, s);
}
