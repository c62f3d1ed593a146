/* puppet.c - an assistant that does what its script says for what the caller said or dialled, and writes down what it
 * is told.
 *
 *     script: {"1": [{"tool": "lookup", "arguments": {…}}, {"action": "handoff", "params": {…}}, {"say": "…"}]}
 *
 * It believes all it reads: a tool's result {"call_tool": {"name", "arguments"}} makes it call that tool. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "voicegw/draft/assistant.h"
#include "voicegw/json.h"
#include "voicegw/json_writer.h"
#include "voicegw/plugin.h"

enum { TEXT = 65536 };

struct puppet {
    const struct voicegw_host *host;
    const struct voicegw_host_assistant *out;
    const char *script, *told;
    int64_t tokens;
    atomic_uint sessions, draining;
};

struct session {
    struct puppet *p;
    uint64_t handle, turn, tool_call;
    uint32_t waits, open, silent;
    char agent[64];
};

static const struct voicegw_option options[] = {
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_JSON,
     .name = "script",
     .dflt = "{}",
     .description = "What is done for what the caller said"},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_STRING,
     .name = "told",
     .dflt = "",
     .description = "File to which it writes what it is told"},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_INT,
     .name = "tokens",
     .dflt = "0",
     .description = "That each turn is said to have used"},
};

static void tell_drained(struct puppet *p)
{
    unsigned asked = 1;
    if (atomic_load(&p->sessions) == 0 && atomic_compare_exchange_strong(&p->draining, &asked, 2))
        p->host->drained(p->host);
}

/* A line of the file `told`, in one write: {"what", "agent", "value"}. */
static void tell(const struct session *s, const char *what, const char *json)
{
    static _Thread_local char line[TEXT];
    struct voicegw_json_writer w = voicegw_json_writer_of(line, sizeof line - 1);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "what", what);
    voicegw_json_put_string(&w, "agent", s->agent);
    voicegw_json_put_string(&w, "value", json ? json : "null");
    voicegw_json_put_end(&w);
    int64_t n = voicegw_json_finish(&w);
    int fd = n > 0 && s->p->told ? open(s->p->told, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (fd < 0)
        return;
    line[n] = '\n';
    if (write(fd, line, (size_t)n + 1) < 0)
        s->p->host->log(s->p->host, VOICEGW_LOG_ERROR, "what the puppet was told is lost", NULL);
    (void)close(fd);
}

static int32_t on_open(void *instance, uint64_t handle, const struct voicegw_assistant_params *params,
                       void **ret_session)
{
    struct puppet *p = instance;
    struct session *s = calloc(1, sizeof *s);
    if (!s)
        return p->host->set_error(p->host, VOICEGW_ELIMIT, "out of memory");
    s->p = p;
    s->handle = handle;
    voicegw_json_get_string(voicegw_json_of(params->agent_json), "name", s->agent, sizeof s->agent);
    tell(s, "agent", params->agent_json);
    tell(s, "tools", params->tools_json);
    tell(s, "history", params->history_json);
    tell(s, "resumed", params->resumed ? "1" : "0");
    atomic_fetch_add(&p->sessions, 1);
    *ret_session = s;
    return VOICEGW_OK;
}

static void turn_over(struct session *s)
{
    char usage[96];
    if (!s->open || s->waits)
        return;
    s->open = 0;
    (void)snprintf(usage, sizeof usage, "{\"input_tokens\":%lld,\"output_tokens\":0}",
                   s->silent ? 0LL : (long long)s->p->tokens);
    (void)s->p->out->on_turn_done(s->p->host, s->handle, s->turn, VOICEGW_OK, NULL, usage);
}

static char *raw(struct voicegw_json v)
{
    char *text = calloc(1, v.bytes + 1);
    if (text && v.text)
        memcpy(text, v.text, v.bytes);
    return text;
}

static void call_tool(struct session *s, struct voicegw_json name, struct voicegw_json arguments)
{
    char tool[128] = "", *text = raw(arguments);
    (void)voicegw_json_string(name, tool, sizeof tool);
    s->waits++;
    (void)s->p->out->on_tool(s->p->host, s->handle, s->turn, ++s->tool_call, tool, text && text[0] ? text : "{}");
    free(text);
}

static void step(struct session *s, struct voicegw_json what)
{
    char text[1024], *params;
    if (voicegw_json_get_string(what, "say", text, sizeof text) > 0)
        (void)s->p->out->on_delta(s->p->host, s->handle, s->turn, text);
    if (voicegw_json_member(what, "tool").text)
        call_tool(s, voicegw_json_member(what, "tool"), voicegw_json_member(what, "arguments"));
    if (voicegw_json_get_string(what, "action", text, sizeof text) > 0 &&
        (params = raw(voicegw_json_member(what, "params")))) {
        (void)s->p->out->on_action(s->p->host, s->handle, s->turn, text, params[0] ? params : NULL);
        free(params);
    }
}

static int32_t on_turn(void *session, const struct voicegw_turn *turn)
{
    struct session *s = session;
    struct voicegw_json todo = voicegw_json_member(voicegw_json_of(s->p->script), turn->text ? turn->text : "");
    struct voicegw_json_iter it = voicegw_json_each(todo);
    s->turn = turn->turn;
    s->open = 1;
    s->silent = turn->flags & ~VOICEGW_TURN_DTMF;
    s->waits = 1; /* its own, so that a tool that answers at once does not end the turn in the middle */
    while (!(turn->flags & VOICEGW_TURN_START) && todo.text && voicegw_json_next(&it))
        step(s, it.value);
    s->waits--;
    turn_over(s);
    return VOICEGW_OK;
}

static int32_t on_interrupt(void *session, uint64_t turn, const char *heard_text, uint32_t heard_ms)
{
    (void)session;
    (void)turn;
    (void)heard_text;
    (void)heard_ms;
    return VOICEGW_OK;
}

static int32_t on_tool_result(void *session, uint64_t tool_call, int32_t status, const char *result_json)
{
    struct session *s = session;
    struct voicegw_json obey = voicegw_json_member(voicegw_json_of(result_json), "call_tool");
    (void)tool_call;
    tell(s, status < 0 ? "refused" : "result", result_json);
    if (obey.text && voicegw_json_member(obey, "name").text)
        call_tool(s, voicegw_json_member(obey, "name"), voicegw_json_member(obey, "arguments"));
    if (s->waits)
        s->waits--;
    turn_over(s);
    return VOICEGW_OK;
}

static void on_closed(void *arg)
{
    struct session *s = arg;
    struct puppet *p = s->p;
    (void)p->out->on_closed(p->host, s->handle);
    free(s);
    atomic_fetch_sub(&p->sessions, 1);
    tell_drained(p);
}

static void on_close(void *session)
{
    struct session *s = session;
    if (s->p->host->post(s->p->host, s->handle, on_closed, s) != VOICEGW_OK)
        on_closed(s);
}

static const struct voicegw_assistant operations = {.size = sizeof operations,
                                                    .open = on_open,
                                                    .turn = on_turn,
                                                    .interrupt = on_interrupt,
                                                    .tool_result = on_tool_result,
                                                    .close = on_close};

static int32_t on_create(const struct voicegw_host *host, const struct voicegw_options *given, void **ret_instance)
{
    struct puppet *p = calloc(1, sizeof *p);
    if (!p)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    p->host = host;
    p->out = host->get_extension(host, VOICEGW_HOST_ASSISTANT);
    p->script = host->option_json(host, given, "script");
    p->told = host->option_string(host, given, "told");
    p->tokens = host->option_int(host, given, "tokens", 0);
    atomic_init(&p->sessions, 0);
    atomic_init(&p->draining, 0);
    *ret_instance = p;
    return VOICEGW_OK;
}

static int32_t on_start(void *instance)
{
    (void)instance;
    return VOICEGW_OK;
}

static void on_drain(void *instance)
{
    struct puppet *p = instance;
    atomic_store(&p->draining, 1);
    tell_drained(p);
}

static void on_destroy(void *instance)
{
    free(instance);
}

static const void *on_extension(void *instance, const char *id)
{
    (void)instance;
    return strcmp(id, VOICEGW_KIND_ASSISTANT) == 0 ? &operations : NULL;
}

static const struct voicegw_factory factory = {.size = sizeof factory,
                                               .option_count = sizeof options / sizeof *options,
                                               .kind = VOICEGW_KIND_ASSISTANT,
                                               .options = options,
                                               .create = on_create,
                                               .start = on_start,
                                               .drain = on_drain,
                                               .destroy = on_destroy,
                                               .get_extension = on_extension};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .flags = VOICEGW_PLUGIN_CLOSABLE,
                                             .name = "puppet",
                                             .version = "1",
                                             .license = "MIT",
                                             .description = "An assistant that follows a script",
                                             .factory_count = 1,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor);
const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_minor;
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
