/* tool.c - functions that the model calls. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "realtime.h"

static void result(struct rt *s, const char *call_id, const char *text)
{
    rt_send(s, rt_wire_result(&s->o->dialect, call_id, text));
}

static void on_tools_late(void *arg)
{
    struct rt *s = arg;
    s->tool_timer = 0;
    s->o->host->log(s->o->host, VOICEGW_LOG_WARNING, "a tool did not answer within tool_timeout", NULL);
    while (s->call_count)
        result(s, s->calls[--s->call_count].id, "{\"error\":\"the function did not answer in time\"}");
    rt_respond(s);
}

static const char *builtin(struct rt *s, enum tool_builtin which, struct voicegw_json arguments)
{
    char params[3200];
    const char *action = tool_builtin_action(which, arguments, s->o->transfer_to, params, sizeof params);
    if (!action)
        return "{\"error\":\"these arguments are too long\"}";
    /* What the model said before is queued already: the host waits until it has been heard. */
    (void)s->o->out->on_action(s->o->host, s->handle, 0, action, params);
    s->ending = 1;
    return "{\"ok\":true}";
}

/* The result, or NULL: it is awaited. */
static const char *run(struct rt *s, const char *name, const char *call_id, const char *arguments)
{
    const struct tool_entry *tool = tool_offer_find(&s->offer, name);
    if (!tool)
        return "{\"error\":\"there is no such function\"}";
    if (!voicegw_json_valid(arguments, strlen(arguments)) ||
        voicegw_json_type(voicegw_json_of(arguments)) != VOICEGW_JSON_OBJECT) {
        s->o->host->count(s->o->host, "broken_arguments", 1);
        return "{\"error\":\"the arguments were no JSON object; call it again with arguments that are\"}";
    }
    if (tool->builtin != TOOL_OF_HOST)
        return builtin(s, tool->builtin, voicegw_json_of(arguments));
    if (s->call_count == RT_CALLS_MAX)
        return "{\"error\":\"too many functions are called at once\"}";
    struct rt_call *c = &s->calls[s->call_count];
    c->number = ++s->call_number;
    (void)snprintf(c->id, sizeof c->id, "%s", call_id);
    if (s->o->out->on_tool(s->o->host, s->handle, s->turns, c->number, name, arguments) < 0)
        return "{\"error\":\"the function cannot be called now\"}";
    s->call_count++;
    return NULL;
}

static uint32_t run_item(struct rt *s, struct voicegw_json item)
{
    char type[32], name[TOOL_NAME_MAX], call_id[RT_ID_MAX], *arguments;
    struct voicegw_json given = voicegw_json_member(item, "arguments");
    if (voicegw_json_get_string(item, "type", type, sizeof type) < 0 || strcmp(type, "function_call") != 0 ||
        voicegw_json_get_string(item, "call_id", call_id, sizeof call_id) < 0)
        return 0;
    if (voicegw_json_get_string(item, "name", name, sizeof name) < 0)
        name[0] = '\0';
    arguments = malloc(given.bytes + 3);
    if (!arguments)
        return 0;
    if (voicegw_json_string(given, arguments, given.bytes + 3) <= 0)
        memcpy(arguments, "{}", 3);
    const char *text = run(s, name, call_id, arguments);
    free(arguments);
    if (text)
        result(s, call_id, text);
    return 1;
}

void rt_tools_run(struct rt *s, struct voicegw_json output)
{
    struct voicegw_json_iter it = voicegw_json_each(output);
    uint32_t called = 0;
    while (voicegw_json_next(&it))
        called += run_item(s, it.value);
    if (!called || s->ending)
        return;
    if (++s->rounds > s->o->max_rounds) {
        s->o->host->count(s->o->host, "endless_tools", 1);
        (void)s->o->out->on_error(s->o->host, s->handle, 0, VOICEGW_ELIMIT,
                                  "the model called tools in max_rounds responses and did not answer");
        rt_apologize(s, s->o->error_text);
        return;
    }
    if (!s->call_count) {
        rt_respond(s);
        return;
    }
    rt_stop_timer(s, &s->tool_timer);
    s->tool_timer = s->o->host->timer_start(s->o->host, s->handle, s->o->tool_timeout_us, on_tools_late, s);
}

int32_t rt_tool_result(struct rt *s, uint64_t tool_call, int32_t status, const char *result_json)
{
    const char *text = result_json && *result_json ? result_json : "null";
    uint32_t i = 0;
    while (i < s->call_count && s->calls[i].number != tool_call)
        i++;
    if (i == s->call_count)
        return s->o->host->set_error(s->o->host, VOICEGW_ENOTFOUND, "no such call of a tool is awaited");
    if (status < 0 && strcmp(text, "null") == 0)
        text = "{\"error\":\"the tool failed; say so, or try another way\"}";
    if (strlen(text) > CHAT_RESULT_MAX)
        text = "{\"error\":\"the result is too long to be told\"}";
    result(s, s->calls[i].id, text);
    s->calls[i] = s->calls[--s->call_count];
    if (s->call_count)
        return VOICEGW_OK;
    rt_stop_timer(s, &s->tool_timer);
    rt_respond(s);
    return VOICEGW_OK;
}
