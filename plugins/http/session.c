/* session.c - a conversation with the operator's service. All on the session's worker. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "http.h"

/* ---- a turn ---- */

static void stop_asking(struct http_session *s)
{
    struct exchange *x = s->exchange;
    s->exchange = NULL;
    if (x)
        exchange_cancel(x);
    reply_done(&s->reply);
    if (s->said_bytes)
        (void)chat_history_add(&s->history, s->turn, CHAT_ASSISTANT, s->said, NULL);
    s->said_bytes = 0;
}

static void finish(struct http_session *s, int32_t status, const char *sentence)
{
    if (!s->open)
        return;
    s->open = 0;
    stop_asking(s);
    (void)s->h->out->on_turn_done(s->h->host, s->handle, s->turn, status, sentence, NULL);
}

static void say(struct http_session *s, const char *text, uint32_t keep)
{
    size_t n = strlen(text);
    if (!n)
        return;
    (void)s->h->out->on_delta(s->h->host, s->handle, s->turn, text);
    if (!keep)
        return;
    if (s->said_bytes + n + 1 > s->said_cap) {
        uint64_t cap = 2 * (s->said_bytes + n + 1);
        char *grown = realloc(s->said, cap);
        if (!grown)
            return;
        s->said = grown;
        s->said_cap = cap;
    }
    memcpy(s->said + s->said_bytes, text, n + 1);
    s->said_bytes += n;
}

static void fail(struct http_session *s, int32_t status, const char *sentence)
{
    s->h->host->count(s->h->host, "failures", 1);
    if (s->said_bytes)
        say(s, ". ", 0);
    say(s, s->h->error_text, 0);
    finish(s, status, sentence);
}

static void on_text(void *arg, const char *text)
{
    say(arg, text, 1);
}

static void on_action(void *arg, const char *action, const char *params_json)
{
    const struct http_session *s = arg;
    (void)s->h->out->on_action(s->h->host, s->handle, s->turn, action, params_json);
}

static uint32_t on_data(void *arg, const void *data, uint64_t bytes)
{
    struct http_session *s = arg;
    int32_t status = reply_feed(&s->reply, data, bytes);
    if (status < 0)
        fail(s, status, s->reply.why);
    return status == VOICEGW_OK;
}

static void on_end(void *arg, const struct exchange_end *end)
{
    struct http_session *s = arg;
    s->exchange = NULL;
    int32_t status = end->status == VOICEGW_OK ? reply_finish(&s->reply) : end->status;
    if (status < 0)
        fail(s, status, end->status == VOICEGW_OK ? s->reply.why : end->sentence);
    else
        finish(s, VOICEGW_OK, NULL);
}

static void on_close(void *arg);

static void on_gone(void *arg)
{
    struct http_session *s = arg;
    s->live--;
    if (s->closing && !s->live)
        on_close(s);
}

static void remember(struct http_session *s, const struct voicegw_turn *t)
{
    char text[96];
    const char *said = t->text ? t->text : "";
    if (t->flags & VOICEGW_TURN_START || !said[0])
        return;
    if (t->flags & VOICEGW_TURN_DTMF) {
        (void)snprintf(text, sizeof text, "[pressed %.64s]", said);
        said = text;
    }
    (void)chat_history_add(&s->history, t->turn, CHAT_USER, said, NULL);
}

static int32_t session_turn(void *session, const struct voicegw_turn *t)
{
    struct http_session *s = session;
    const struct http_instance *h = s->h;
    struct exchange_request r = {.connect_timeout_ms = h->connect_ms,
                                 .timeout_ms = h->timeout_ms,
                                 .first_byte_timeout_ms = h->first_byte_ms,
                                 .stall_timeout_ms = h->stall_ms,
                                 .max_bytes = HTTP_ANSWER_MAX,
                                 .retry = h->retry,
                                 .on_data = on_data,
                                 .on_end = on_end,
                                 .on_gone = on_gone,
                                 .arg = s};
    finish(s, VOICEGW_EBUSY, "the caller has said something else");
    s->turn = t->turn;
    s->open = 1;
    if (t->flags & VOICEGW_TURN_START && h->greeting[0] && !s->resumed) {
        say(s, h->greeting, 1);
        finish(s, VOICEGW_OK, NULL);
        return VOICEGW_OK;
    }
    remember(s, t);
    s->reply.kind = h->format;
    s->reply.sink = (struct reply_sink){on_text, on_action, s};
    int32_t status = http_ask(s, t, &r);
    if (status < 0) {
        fail(s, status, h->host->last_error(h->host));
        return VOICEGW_OK;
    }
    s->live++;
    s->cut_turn = 0;
    return VOICEGW_OK;
}

static int32_t session_interrupt(void *session, uint64_t turn, const char *heard_text, uint32_t heard_ms)
{
    struct http_session *s = session;
    const char *heard = heard_text ? heard_text : "";
    if (s->open && turn == s->turn)
        finish(s, VOICEGW_EBUSY, "the caller cut in");
    chat_history_heard(&s->history, turn, heard);
    free(s->cut_text);
    s->cut_text = strdup(heard);
    s->cut_turn = turn;
    s->cut_ms = heard_ms;
    return VOICEGW_OK;
}

static int32_t session_tool_result(void *session, uint64_t tool_call, int32_t status, const char *result_json)
{
    const struct http_session *s = session;
    return s->h->host->set_error(s->h->host, VOICEGW_ENOTFOUND, "the service calls its tools itself");
}

static int32_t replace(char **text, const char *with)
{
    char *copy = with ? strdup(with) : NULL;
    if (with && !copy)
        return VOICEGW_ELIMIT;
    if (with) {
        free(*text);
        *text = copy;
    }
    return VOICEGW_OK;
}

static int32_t session_update(void *session, const char *agent_json, const char *tools_json)
{
    struct http_session *s = session;
    return replace(&s->agent_json, agent_json) < 0 ? s->h->host->set_error(s->h->host, VOICEGW_ELIMIT, "out of memory")
                                                   : VOICEGW_OK;
}

/* ---- life ---- */

static void session_free(struct http_session *s)
{
    chat_history_free(&s->history);
    reply_done(&s->reply);
    free(s->session_json);
    free(s->agent_json);
    free(s->cut_text);
    free(s->said);
    free(s);
}

static int32_t session_open(void *instance, uint64_t handle, const struct voicegw_assistant_params *params,
                            void **ret_session)
{
    struct http_instance *h = instance;
    struct http_session *s = calloc(1, sizeof *s);
    if (!s)
        return h->host->set_error(h->host, VOICEGW_ELIMIT, "out of memory");
    s->h = h;
    s->handle = handle;
    s->resumed = params->resumed;
    s->history.max_turns = h->history_turns ? h->history_turns : 1;
    s->history.max_bytes = 256u << 10;
    if (replace(&s->session_json, params->session_json ? params->session_json : "{}") < 0 ||
        replace(&s->agent_json, params->agent_json) < 0 ||
        chat_history_read(&s->history, voicegw_json_of(params->history_json)) < 0) {
        session_free(s);
        return h->host->set_error(h->host, VOICEGW_ELIMIT, "out of memory");
    }
    atomic_fetch_add(&h->sessions, 1);
    *ret_session = s;
    return VOICEGW_OK;
}

static void on_close(void *arg)
{
    struct http_session *s = arg;
    struct http_instance *h = s->h;
    (void)h->out->on_closed(h->host, s->handle);
    session_free(s);
    atomic_fetch_sub(&h->sessions, 1);
    http_tell_drained(h);
}

static void session_close(void *session)
{
    struct http_session *s = session;
    const struct voicegw_host *host = s->h->host;
    finish(s, VOICEGW_EBUSY, "the conversation is over");
    s->closing = 1;
    if (s->live) /* on_gone() closes */
        return;
    if (host->post(host, s->handle, on_close, s) != VOICEGW_OK &&
        !host->timer_start(host, s->handle, 1000, on_close, s))
        on_close(s);
}

const struct voicegw_assistant http_operations = {.size = sizeof http_operations,
                                                  .open = session_open,
                                                  .turn = session_turn,
                                                  .interrupt = session_interrupt,
                                                  .tool_result = session_tool_result,
                                                  .update = session_update,
                                                  .close = session_close};
