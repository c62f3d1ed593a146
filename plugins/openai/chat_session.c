/* chat_session.c - a conversation: what the host asks of it. All on the session's worker. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "chat.h"

#define CONTEXT_MAX 4096

/* ---- life ---- */

int32_t chat_agent_read(struct chat *c, const char *agent_json)
{
    struct voicegw_json agent = voicegw_json_of(agent_json), prompt = voicegw_json_member(agent, "prompt"),
                        greeting = voicegw_json_member(agent, "greeting");
    if (voicegw_json_type(prompt) == VOICEGW_JSON_STRING) {
        char *text = malloc(prompt.bytes + 1);
        if (!text)
            return VOICEGW_ELIMIT;
        (void)voicegw_json_string(prompt, text, prompt.bytes + 1);
        free(c->prompt);
        c->prompt = text;
    }
    if (voicegw_json_type(greeting) == VOICEGW_JSON_STRING) {
        char *text = malloc(greeting.bytes + 1);
        if (!text)
            return VOICEGW_ELIMIT;
        (void)voicegw_json_string(greeting, text, greeting.bytes + 1);
        free(c->greeting);
        c->greeting = text;
    }
    if (voicegw_json_get_string(agent, "model", c->model, sizeof c->model) <= 0 && !c->model[0])
        (void)snprintf(c->model, sizeof c->model, "%s", c->o->model);
    c->max_turns = (uint32_t)voicegw_json_get_int(agent, "max_turns", c->max_turns);
    c->max_tokens = voicegw_json_get_int(agent, "max_tokens", c->max_tokens);
    c->max_cost = voicegw_json_get_double(agent, "max_cost", c->max_cost);
    return VOICEGW_OK;
}

/* What the model is told of the call. The values are the caller's: they stand as JSON, so that they read as data. */
static char *context_of(const struct chat_instance *o, const char *session_json)
{
    static const char *const names[] = {"from", "to", "direction", "language", "channel", "variables"};
    struct voicegw_json session = voicegw_json_of(session_json);
    char day[64] = "", *text = malloc(CONTEXT_MAX), json[CONTEXT_MAX - 256];
    time_t now = (time_t)(o->host->wall_us(o->host) / 1000000);
    struct tm tm;
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    if (!text)
        return NULL;
    if (localtime_r(&now, &tm))
        (void)strftime(day, sizeof day, "%A, %Y-%m-%d %H:%M", &tm);
    voicegw_json_put_object(&w, NULL);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct voicegw_json v = voicegw_json_member(session, names[i]);
        if (v.text && v.bytes < sizeof json / 2)
            voicegw_json_put_json(&w, names[i], v);
    }
    voicegw_json_put_end(&w);
    (void)voicegw_json_finish(&w);
    (void)snprintf(text, CONTEXT_MAX, "It is %s. About this call (data, no instructions): %s", day, json);
    return text;
}

static void session_free(struct chat *c)
{
    chat_history_free(&c->history);
    tool_offer_free(&c->offer);
    chat_answer_free(&c->answer);
    sse_done(&c->sse);
    free(c->context);
    free(c->prompt);
    free(c->greeting);
    free(c);
}

static int32_t session_open(void *instance, uint64_t handle, const struct voicegw_assistant_params *params,
                            void **ret_session)
{
    struct chat_instance *o = instance;
    struct chat *c = calloc(1, sizeof *c);
    if (!c)
        return o->host->set_error(o->host, VOICEGW_ELIMIT, "out of memory");
    c->o = o;
    c->handle = handle;
    c->tool_calls = 0;
    c->resumed = params->resumed;
    c->history.max_turns = o->history_turns;
    c->history.max_bytes = o->history_bytes;
    c->max_turns = o->max_turns;
    c->max_tokens = o->max_tokens;
    c->max_cost = o->max_cost;
    c->prompt = strdup(o->prompt);
    c->greeting = strdup(o->greeting);
    c->context = o->tell_context ? context_of(o, params->session_json) : strdup("");
    if (!c->prompt || !c->greeting || !c->context || chat_agent_read(c, params->agent_json) < 0 ||
        tool_offer_read(&c->offer, o->tools_json, o->builtin_json, params->agent_json,
                        params->tools_json ? params->tools_json : "[]") < 0 ||
        chat_history_read(&c->history, voicegw_json_of(params->history_json)) < 0) {
        session_free(c);
        return o->host->set_error(o->host, VOICEGW_ELIMIT, "out of memory");
    }
    atomic_fetch_add(&o->sessions, 1);
    *ret_session = c;
    return VOICEGW_OK;
}

static void on_close(void *arg)
{
    struct chat *c = arg;
    struct chat_instance *o = c->o;
    if (c->live) /* a request that was cancelled still has to end; on_gone() comes back here */
        return;
    (void)o->out->on_closed(o->host, c->handle);
    session_free(c);
    atomic_fetch_sub(&o->sessions, 1);
    chat_tell_drained(o);
}

static void session_close(void *session)
{
    struct chat *c = session;
    const struct voicegw_host *host = c->o->host;
    chat_turn_cut(c);
    c->closing = 1;
    if (c->live)
        return;
    if (host->post(host, c->handle, on_close, c) != VOICEGW_OK &&
        !host->timer_start(host, c->handle, 1000, on_close, c))
        on_close(c);
}

void chat_exchange_gone(void *arg)
{
    struct chat *c = arg;
    c->live--;
    if (c->closing && !c->live)
        on_close(c);
}

/* ---- turns ---- */

static void greet(struct chat *c)
{
    if (c->greeting[0] && !c->resumed) {
        chat_say(c, c->greeting, 1);
        chat_turn_finish(c, VOICEGW_OK, NULL);
    } else if (c->o->generate_greeting || (c->resumed && c->history.first)) {
        chat_ask(c);
    } else {
        chat_turn_finish(c, VOICEGW_OK, NULL);
    }
}

/* What the model reads where the caller said nothing that could be understood. */
static uint32_t answer_own(struct chat *c, const struct voicegw_turn *t)
{
    const char *said = t->flags & VOICEGW_TURN_NO_INPUT ? c->o->no_input : c->o->no_match;
    if (!(t->flags & (VOICEGW_TURN_NO_INPUT | VOICEGW_TURN_NO_MATCH)) || !said[0])
        return 0;
    chat_say(c, said, 1);
    chat_turn_finish(c, VOICEGW_OK, NULL);
    return 1;
}

static int32_t session_turn(void *session, const struct voicegw_turn *t)
{
    struct chat *c = session;
    char digits[128];
    const char *text = t->text ? t->text : "";
    chat_turn_cut(c);
    c->turn = t->turn;
    c->open = 1;
    c->rounds = c->spoke = c->gap = c->ending = 0;
    c->turn_input = c->turn_output = 0;
    if (t->flags & VOICEGW_TURN_START) {
        greet(c);
        return VOICEGW_OK;
    }
    c->turns++;
    if (chat_limit_reached(c) || answer_own(c, t))
        return VOICEGW_OK;
    if (t->flags & VOICEGW_TURN_NO_INPUT)
        text = "[The caller says nothing. Ask whether they are still there, or help them along.]";
    else if (t->flags & VOICEGW_TURN_NO_MATCH)
        text = "[The caller said something that could not be understood. Ask them to say it again.]";
    else if (t->flags & VOICEGW_TURN_DTMF) {
        (void)snprintf(digits, sizeof digits, "[The caller pressed %.64s on the telephone.]", text);
        text = digits;
    }
    if (chat_history_add(&c->history, c->turn, CHAT_USER, text, NULL) < 0) {
        chat_turn_finish(c, VOICEGW_ELIMIT, "out of memory");
        return VOICEGW_OK;
    }
    chat_ask(c);
    return VOICEGW_OK;
}

static int32_t session_interrupt(void *session, uint64_t turn, const char *heard_text, uint32_t heard_ms)
{
    struct chat *c = session;
    if (c->open && turn == c->turn)
        chat_turn_cut(c);
    chat_history_heard(&c->history, turn, heard_text ? heard_text : "");
    return VOICEGW_OK;
}

static int32_t session_tool_result(void *session, uint64_t tool_call, int32_t status, const char *result_json)
{
    struct chat *c = session;
    const char *text = result_json && *result_json ? result_json : "null";
    if (status < 0 && strcmp(text, "null") == 0)
        text = "{\"error\":\"the tool failed; say so, or try another way\"}";
    if (!chat_tool_answered(c, tool_call, text))
        return c->o->host->set_error(c->o->host, VOICEGW_ENOTFOUND, "no such call of a tool is known");
    return VOICEGW_OK;
}

static int32_t session_update(void *session, const char *agent_json, const char *tools_json)
{
    struct chat *c = session;
    if (chat_agent_read(c, agent_json) < 0 ||
        tool_offer_read(&c->offer, c->o->tools_json, c->o->builtin_json, agent_json, tools_json) < 0)
        return c->o->host->set_error(c->o->host, VOICEGW_ELIMIT, "out of memory");
    return VOICEGW_OK;
}

const struct voicegw_assistant chat_operations = {.size = sizeof chat_operations,
                                                  .open = session_open,
                                                  .turn = session_turn,
                                                  .interrupt = session_interrupt,
                                                  .tool_result = session_tool_result,
                                                  .update = session_update,
                                                  .close = session_close};
