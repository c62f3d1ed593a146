/* chat_turn.c - one turn: the model is asked, its words go on as they come, its tools are called, until it is done. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "chat.h"

static double cost_of(const struct chat_instance *o, int64_t input, int64_t output)
{
    return ((double)input * o->price_input + (double)output * o->price_output) / 1e6;
}

static void stop_asking(struct chat *c)
{
    struct exchange *x = c->exchange;
    c->exchange = NULL;
    if (x)
        exchange_cancel(x);
    if (c->tool_timer)
        (void)c->o->host->timer_cancel(c->o->host, c->tool_timer);
    c->tool_timer = 0;
    c->pending = 0;
    c->tool_from = c->tool_calls + 1;
    chat_answer_free(&c->answer);
    sse_done(&c->sse);
}

void chat_turn_finish(struct chat *c, int32_t status, const char *sentence)
{
    char usage[256];
    struct voicegw_json_writer w = voicegw_json_writer_of(usage, sizeof usage);
    if (!c->open)
        return;
    c->open = 0;
    stop_asking(c);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "model", c->model);
    voicegw_json_put_int(&w, "requests", c->rounds);
    voicegw_json_put_int(&w, "input_tokens", c->turn_input);
    voicegw_json_put_int(&w, "output_tokens", c->turn_output);
    if (c->o->price_input > 0 || c->o->price_output > 0)
        voicegw_json_put_double(&w, "cost", cost_of(c->o, c->turn_input, c->turn_output));
    voicegw_json_put_end(&w);
    int64_t n = voicegw_json_finish(&w);
    (void)c->o->out->on_turn_done(c->o->host, c->handle, c->turn, status, sentence, n >= 0 && c->rounds ? usage : NULL);
}

void chat_turn_cut(struct chat *c)
{
    if (!c->open)
        return;
    /* What the model had said by now stands in the history until interrupt() tells how much of it was heard. */
    if (c->answer.bytes)
        (void)chat_history_add(&c->history, c->turn, CHAT_ASSISTANT, c->answer.text, NULL);
    chat_turn_finish(c, VOICEGW_EBUSY, "the caller cut in");
}

/* What comes after a tool is a sentence of its own. */
static void hand_on(struct chat *c, const char *text)
{
    if (c->gap && text[0] != ' ')
        (void)c->o->out->on_delta(c->o->host, c->handle, c->turn, " ");
    (void)c->o->out->on_delta(c->o->host, c->handle, c->turn, text);
    c->gap = 0;
    c->spoke = 1;
}

void chat_say(struct chat *c, const char *text, uint32_t keep)
{
    if (!text[0])
        return;
    hand_on(c, text);
    if (keep)
        (void)chat_history_add(&c->history, c->turn, CHAT_ASSISTANT, text, NULL);
}

static void fail(struct chat *c, int32_t status, const char *sentence)
{
    c->o->host->count(c->o->host, "failures", 1);
    if (c->answer.bytes) {
        (void)chat_history_add(&c->history, c->turn, CHAT_ASSISTANT, c->answer.text, NULL);
        hand_on(c, ".");
        c->gap = 1;
    }
    chat_say(c, c->o->error_text, 0);
    chat_turn_finish(c, status, sentence);
}

uint32_t chat_limit_reached(struct chat *c)
{
    const char *what = NULL;
    if (c->max_turns && c->turns > c->max_turns)
        what = "the conversation reached max_turns";
    else if (c->max_tokens && c->input_tokens + c->output_tokens >= c->max_tokens)
        what = "the conversation reached max_tokens";
    else if (c->max_cost > 0 && cost_of(c->o, c->input_tokens, c->output_tokens) >= c->max_cost)
        what = "the conversation reached max_cost";
    if (!what)
        return 0;
    c->o->host->log(c->o->host, VOICEGW_LOG_INFO, what, NULL);
    c->o->host->count(c->o->host, "limits", 1);
    chat_say(c, c->o->limit_text, 1);
    (void)c->o->out->on_action(c->o->host, c->handle, c->turn, "end", NULL);
    chat_turn_finish(c, VOICEGW_OK, NULL);
    return 1;
}

/* ---- tools ---- */

static void next_round(struct chat *c)
{
    if (c->tool_timer)
        (void)c->o->host->timer_cancel(c->o->host, c->tool_timer);
    c->tool_timer = 0;
    if (c->ending)
        chat_turn_finish(c, VOICEGW_OK, NULL);
    else if (c->max_tokens && c->input_tokens + c->output_tokens >= c->max_tokens)
        (void)chat_limit_reached(c);
    else if (c->rounds < c->o->max_rounds)
        chat_ask(c);
    else {
        c->o->host->count(c->o->host, "endless_tools", 1);
        chat_say(c, c->o->rounds_text, 1);
        chat_turn_finish(c, VOICEGW_ELIMIT, "the model called tools in max_rounds requests and did not answer");
    }
}

uint32_t chat_tool_answered(struct chat *c, uint64_t tool_call, const char *text)
{
    if (!chat_history_result(&c->history, tool_call, text))
        return 0;
    if (!c->open || tool_call < c->tool_from || !c->pending) /* late: the next request tells the model */
        return 1;
    if (--c->pending == 0)
        next_round(c);
    return 1;
}

static void on_tools_late(void *arg)
{
    struct chat *c = arg;
    c->tool_timer = 0;
    c->pending = 0;
    c->tool_from = c->tool_calls + 1;
    c->o->host->log(c->o->host, VOICEGW_LOG_WARNING, "a tool did not answer within tool_timeout", NULL);
    next_round(c);
}

static const char *run_builtin(struct chat *c, enum tool_builtin builtin, struct voicegw_json arguments)
{
    char params[3200], said[1024];
    const char *action = tool_builtin_action(builtin, arguments, c->o->transfer_to, params, sizeof params);
    if (!action)
        return "{\"error\":\"these arguments are too long\"}";
    tool_builtin_words(builtin, arguments, said, sizeof said);
    c->gap = said[0] && c->spoke;
    chat_say(c, said, 1);
    (void)c->o->out->on_action(c->o->host, c->handle, c->turn, action, params);
    c->ending = 1;
    return "{\"ok\":true}";
}

/* One call of the model: what stands as its result until there is one. */
static const char *run_call(struct chat *c, const struct chat_call *call, uint64_t number)
{
    const char *arguments = call->arguments ? call->arguments : "{}";
    const struct tool_entry *tool = tool_offer_find(&c->offer, call->name);
    if (!tool)
        return "{\"error\":\"there is no such function\"}";
    if (!chat_call_valid(call)) {
        c->o->host->count(c->o->host, "broken_arguments", 1);
        return "{\"error\":\"the arguments were no JSON object; call it again with arguments that are\"}";
    }
    if (tool->builtin != TOOL_OF_HOST)
        return run_builtin(c, tool->builtin, voicegw_json_of(arguments));
    if (c->o->out->on_tool(c->o->host, c->handle, c->turn, number, call->name, arguments) < 0)
        return "{\"error\":\"the function cannot be called now\"}";
    c->pending++;
    return "{\"error\":\"no result came; the caller may have cut in\"}";
}

static void run_calls(struct chat *c)
{
    struct chat_answer a = c->answer; /* ours from here: a result may begin the next round */
    char *calls = chat_answer_calls(&a);
    memset(&c->answer, 0, sizeof c->answer);
    if (!calls || chat_history_add(&c->history, c->turn, CHAT_ASSISTANT, a.text ? a.text : "", calls) < 0) {
        free(calls);
        chat_answer_free(&a);
        fail(c, VOICEGW_ELIMIT, "out of memory");
        return;
    }
    free(calls);
    c->gap = a.bytes && a.text[a.bytes - 1] != ' ';
    c->tool_from = c->tool_calls + 1;
    for (uint32_t i = 0; i < a.call_count; i++) {
        /* The place in the history is there before the tool runs: its result may come from inside. */
        uint64_t number = ++c->tool_calls;
        (void)chat_history_call(&c->history, c->turn, a.calls[i].id, number, "null");
        const char *until = run_call(c, &a.calls[i], number);
        (void)chat_history_result(&c->history, number, until);
    }
    chat_answer_free(&a);
    if (!c->pending)
        next_round(c);
    else
        c->tool_timer = c->o->host->timer_start(c->o->host, c->handle, c->o->tool_timeout_us, on_tools_late, c);
}

/* ---- the model's answer ---- */

static int32_t on_event(void *arg, const char *event, const char *data, uint64_t bytes)
{
    struct chat *c = arg;
    const char *delta = "";
    int32_t status = c->o->wire->take(&c->answer, data, bytes, &delta, &c->broken);
    if (delta[0])
        hand_on(c, delta);
    return status;
}

static void answered(struct chat *c)
{
    if (c->answer.input_tokens < 0 || c->answer.output_tokens < 0) /* no vendor counts so */
        c->answer.input_tokens = c->answer.output_tokens = 0;
    c->turn_input += c->answer.input_tokens;
    c->turn_output += c->answer.output_tokens;
    c->input_tokens += c->answer.input_tokens;
    c->output_tokens += c->answer.output_tokens;
    c->o->host->count(c->o->host, "input_tokens", (uint64_t)c->answer.input_tokens);
    c->o->host->count(c->o->host, "output_tokens", (uint64_t)c->answer.output_tokens);
    if (c->answer.call_count) {
        run_calls(c);
        return;
    }
    if (!c->answer.bytes) {
        fail(c, VOICEGW_EPROVIDER,
             strcmp(c->answer.finish, "content_filter") == 0
                 ? "the model's server held its answer back (content_filter)"
                 : "the model answered nothing");
        return;
    }
    if (!c->answer.finish[0] && !c->answer.done) {
        fail(c, VOICEGW_ENETWORK, "the model's answer ended in the middle");
        return;
    }
    (void)chat_history_add(&c->history, c->turn, CHAT_ASSISTANT, c->answer.text, NULL);
    chat_turn_finish(c, VOICEGW_OK, NULL);
}

static uint32_t on_data(void *arg, const void *data, uint64_t bytes)
{
    struct chat *c = arg;
    uint64_t before = c->sse.events;
    int32_t status = sse_feed(&c->sse, data, bytes, on_event, c);
    if (status < 0) {
        const char *why = c->broken ? c->broken : "the model's server sent an event that is longer than is taken in";
        c->broken = NULL;
        fail(c, status, why); /* ends the exchange, too */
        return 0;
    }
    return c->sse.events > before;
}

static void on_end(void *arg, const struct exchange_end *end)
{
    struct chat *c = arg;
    c->exchange = NULL;
    if (end->status == VOICEGW_OK) {
        if (atomic_exchange(&c->o->refused, 0))
            c->o->host->health(c->o->host, NULL, 1, "");
        int32_t status = sse_finish(&c->sse, on_event, c);
        const char *why = c->broken;
        c->broken = NULL;
        sse_done(&c->sse);
        if (status < 0)
            fail(c, status, why);
        else
            answered(c);
        return;
    }
    if (end->status == VOICEGW_EAUTH && !atomic_exchange(&c->o->refused, 1))
        c->o->host->health(c->o->host, NULL, 0, end->sentence);
    fail(c, end->status, end->sentence);
}

void chat_ask(struct chat *c)
{
    const char *system[] = {c->prompt, c->context, NULL};
    struct chat_body body = {.model = c->model,
                             .system = system,
                             .history = &c->history,
                             .tools = c->offer.tools,
                             .tool_count = c->offer.count,
                             .tokens_field = c->o->tokens_field,
                             .max_tokens = c->o->max_answer_tokens,
                             .temperature = c->o->temperature,
                             .top_p = c->o->top_p,
                             .extra = voicegw_json_of(c->o->vendor.extra_json)};
    uint64_t bytes = 0;
    char *text = chat_written(c->o->wire->write, &body, &bytes);
    struct exchange_request request = {.who = "the model's server",
                                       .url = c->o->url,
                                       .headers = c->o->headers,
                                       .body = text,
                                       .body_bytes = bytes,
                                       .connect_timeout_ms = c->o->vendor.connect_timeout_ms,
                                       .timeout_ms = c->o->vendor.timeout_ms,
                                       .first_byte_timeout_ms = c->o->first_byte_ms,
                                       .stall_timeout_ms = c->o->stall_ms,
                                       .max_bytes = CHAT_ANSWER_MAX,
                                       .retry = c->o->vendor.retry,
                                       .repeatable = 1, /* a model's answer changes nothing */
                                       .on_data = on_data,
                                       .on_end = on_end,
                                       .on_gone = chat_exchange_gone,
                                       .arg = c};
    int32_t status = VOICEGW_ELIMIT;
    chat_answer_free(&c->answer);
    sse_done(&c->sse);
    c->broken = NULL;
    c->rounds++;
    if (!text) {
        fail(c, status, "the request to the model is too long");
        return;
    }
    status = exchange_start(c->o->host, c->o->http, c->handle, &request, &c->exchange);
    free(text);
    if (status < 0)
        fail(c, status, c->o->host->last_error(c->o->host));
    else
        c->live++;
}
