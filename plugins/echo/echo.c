/* echo - an assistant that says what it heard. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "voicegw/plugin.h"
#include "voicegw/draft/assistant.h"

struct echo {
    const struct voicegw_host *host;
    const struct voicegw_host_assistant *out;
    char greeting[512], answer[512], again[512];
    atomic_uint sessions, draining;
};

struct session {
    struct echo *echo;
    uint64_t handle;
};

static const struct voicegw_option options[] = {
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_STRING,
     .name = "greeting",
     .dflt = "",
     .description = "Said when the conversation begins; empty: nothing."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_STRING,
     .name = "answer",
     .dflt = "You said: ",
     .description = "Said before the caller's words."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_STRING,
     .name = "no_input",
     .dflt = "",
     .description = "Said when nothing was heard or understood; empty: nothing."},
};

static void tell_drained(struct echo *e)
{
    unsigned asked = 1;
    if (atomic_load(&e->sessions) == 0 && atomic_compare_exchange_strong(&e->draining, &asked, 2))
        e->host->drained(e->host);
}

static int32_t session_open(void *instance, uint64_t handle, const struct voicegw_assistant_params *params,
                            void **ret_session)
{
    struct echo *e = instance;
    struct session *s = calloc(1, sizeof *s);
    if (!s)
        return e->host->set_error(e->host, VOICEGW_ELIMIT, "out of memory");
    s->echo = e;
    s->handle = handle;
    atomic_fetch_add(&e->sessions, 1);
    *ret_session = s;
    return VOICEGW_OK;
}

static void say(const struct session *s, uint64_t turn, const char *text)
{
    if (text[0])
        (void)s->echo->out->on_delta(s->echo->host, s->handle, turn, text);
}

static int32_t session_turn(void *session, const struct voicegw_turn *turn)
{
    struct session *s = session;
    struct echo *e = s->echo;
    const char *text = turn->text ? turn->text : "";
    if (turn->flags & VOICEGW_TURN_START) {
        say(s, turn->turn, e->greeting);
    } else if ((turn->flags & (VOICEGW_TURN_NO_INPUT | VOICEGW_TURN_NO_MATCH)) || !text[0]) {
        say(s, turn->turn, e->again);
    } else {
        say(s, turn->turn, e->answer);
        say(s, turn->turn, text);
    }
    (void)e->out->on_turn_done(e->host, s->handle, turn->turn, VOICEGW_OK, NULL, NULL);
    return VOICEGW_OK;
}

static int32_t session_interrupt(void *session, uint64_t turn, const char *heard_text, uint32_t heard_ms)
{
    return VOICEGW_OK;
}

static int32_t session_tool_result(void *session, uint64_t tool_call, int32_t status, const char *result_json)
{
    struct session *s = session;
    return s->echo->host->set_error(s->echo->host, VOICEGW_ENOTFOUND, "echo asks for no tools");
}

static void on_close(void *arg)
{
    struct session *s = arg;
    struct echo *e = s->echo;
    (void)e->out->on_closed(e->host, s->handle);
    free(s);
    atomic_fetch_sub(&e->sessions, 1);
    tell_drained(e);
}

static void session_close(void *session)
{
    struct session *s = session;
    const struct voicegw_host *host = s->echo->host;
    if (host->post(host, s->handle, on_close, s) != VOICEGW_OK &&
        !host->timer_start(host, s->handle, 1000, on_close, s))
        on_close(s);
}

static const struct voicegw_assistant operations = {.size = sizeof operations,
                                                    .open = session_open,
                                                    .turn = session_turn,
                                                    .interrupt = session_interrupt,
                                                    .tool_result = session_tool_result,
                                                    .close = session_close};

static void text_option(const struct voicegw_host *host, const struct voicegw_options *given, const char *name,
                        char *out, size_t cap)
{
    const char *text = host->option_string(host, given, name);
    (void)snprintf(out, cap, "%s", text ? text : "");
}

static int32_t echo_create(const struct voicegw_host *host, const struct voicegw_options *given, void **ret_instance)
{
    struct echo *e = calloc(1, sizeof *e);
    if (!e)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    e->host = host;
    e->out = host->get_extension(host, VOICEGW_HOST_ASSISTANT);
    if (!e->out) {
        free(e);
        return host->set_error(host, VOICEGW_EUNSUPPORTED, "this host has no assistants (" VOICEGW_HOST_ASSISTANT ")");
    }
    atomic_init(&e->sessions, 0);
    atomic_init(&e->draining, 0);
    text_option(host, given, "greeting", e->greeting, sizeof e->greeting);
    text_option(host, given, "answer", e->answer, sizeof e->answer);
    text_option(host, given, "no_input", e->again, sizeof e->again);
    *ret_instance = e;
    return VOICEGW_OK;
}

static int32_t echo_start(void *instance)
{
    return VOICEGW_OK;
}

static void echo_drain(void *instance)
{
    struct echo *e = instance;
    atomic_store(&e->draining, 1);
    tell_drained(e);
}

static void echo_destroy(void *instance)
{
    free(instance);
}

static const void *echo_extension(void *instance, const char *id)
{
    return strcmp(id, VOICEGW_KIND_ASSISTANT) == 0 ? &operations : NULL;
}

static const struct voicegw_factory factory = {.size = sizeof factory,
                                               .option_count = sizeof options / sizeof *options,
                                               .kind = VOICEGW_KIND_ASSISTANT,
                                               .options = options,
                                               .create = echo_create,
                                               .start = echo_start,
                                               .drain = echo_drain,
                                               .destroy = echo_destroy,
                                               .get_extension = echo_extension};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .flags = VOICEGW_PLUGIN_CLOSABLE,
                                             .name = "echo",
                                             .version = VOICEGW_PLUGIN_VERSION,
                                             .license = "MIT",
                                             .description = "An assistant that says what it heard",
                                             .factory_count = 1,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
