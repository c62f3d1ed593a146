/* hello-action.c - the smallest useful plugin: an action for workflows and a tool for assistants, `hello_greet`.
 *
 *     actions: {greeter: {plugin: hello-action, greeting: "Good day"}}
 *     steps: [{action: hello_greet, params: {name: "{{caller.name}}"}, save: words}]
 */
#include <stdlib.h>
#include <string.h>
#include "voicegw/plugin.h"
#include "voicegw/json.h"
#include "voicegw/draft/action.h"

enum { NAME_MAX_BYTES = 128, GREETING_MAX_BYTES = 256, RUNS_MAX = 64 };

/* One run that is under way: its answer is ready, and is given when the posted callback runs. */
struct run {
    uint64_t id; /* the host's number; 0: this slot is free */
    struct greeter *owner;
    char result[8 * (GREETING_MAX_BYTES + NAME_MAX_BYTES)];
};

struct greeter {
    const struct voicegw_host *host;
    const struct voicegw_host_action *action; /* the host's side of this kind */
    char greeting[GREETING_MAX_BYTES];
    struct run runs[RUNS_MAX];
};

/* What the operator may write. The host checks it, fills the default, and documents it. */
static const struct voicegw_option options[] = {{.size = sizeof(struct voicegw_option),
                                                 .type = VOICEGW_OPTION_STRING,
                                                 .name = "greeting",
                                                 .dflt = "Hello",
                                                 .flags = VOICEGW_OPTION_RELOADABLE,
                                                 .min = 1,
                                                 .max = GREETING_MAX_BYTES - 1,
                                                 .description = "What is said before the name"}};

/* Copies the options out: `o` may be gone later. */
static int32_t read_options(struct greeter *g, const struct voicegw_options *o)
{
    const char *greeting = g->host->option_string(g->host, o, "greeting");
    if (!greeting || !*greeting || strlen(greeting) >= sizeof g->greeting)
        return g->host->set_error(g->host, VOICEGW_ECONFIG, "greeting must be a text of 1 to 255 bytes");
    memcpy(g->greeting, greeting, strlen(greeting) + 1);
    return VOICEGW_OK;
}

static int32_t on_create(const struct voicegw_host *host, const struct voicegw_options *o, void **ret_instance)
{
    struct greeter *g = calloc(1, sizeof *g);
    if (!g)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    g->host = host;
    g->action = host->get_extension(host, VOICEGW_HOST_ACTION);
    int32_t status = VOICEGW_OK;
    if (!g->action)
        status = host->set_error(host, VOICEGW_EUNSUPPORTED, "this gateway has no actions: use a newer one");
    else
        status = read_options(g, o);
    if (status < 0) {
        free(g);
        return status;
    }
    *ret_instance = g;
    return VOICEGW_OK;
}

static int32_t on_start(void *instance)
{
    struct greeter *g = instance;
    g->host->log(g->host, VOICEGW_LOG_INFO, "ready to greet", NULL);
    return VOICEGW_OK;
}

static int32_t on_reconfigure(void *instance, const struct voicegw_options *o)
{
    return read_options(instance, o);
}

static void on_destroy(void *instance)
{
    free(instance);
}

static const struct voicegw_action_spec *on_list(void *instance, uint32_t index)
{
    static const struct voicegw_action_spec greet = {
        .size = sizeof greet,
        .flags = VOICEGW_ACTION_IDEMPOTENT | VOICEGW_ACTION_TOOL,
        .name = "hello_greet",
        .description = "Makes a greeting for a person",
        .params_schema = "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"maxLength\":127}},"
                         "\"required\":[\"name\"]}",
        .result_schema = "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\"}}}"};
    (void)instance;
    return index == 0 ? &greet : NULL;
}

static int32_t on_validate(void *instance, const char *name, const char *params_json)
{
    struct greeter *g = instance;
    char person[NAME_MAX_BYTES];
    if (strcmp(name, "hello_greet") != 0)
        return g->host->set_error(g->host, VOICEGW_ENOTFOUND, "this plugin has one action: hello_greet");
    if (!params_json || !voicegw_json_valid(params_json, strlen(params_json)))
        return g->host->set_error(g->host, VOICEGW_EINVALID, "the parameters must be a JSON object");
    if (voicegw_json_get_string(voicegw_json_of(params_json), "name", person, sizeof person) <= 0)
        return g->host->set_error(g->host, VOICEGW_EINVALID, "parameter name must be a text of 1 to 127 bytes");
    return VOICEGW_OK;
}

static void finish_run(void *arg)
{
    struct run *r = arg;
    struct greeter *g = r->owner;
    uint64_t id = r->id;
    r->id = 0;
    g->action->complete(g->host, id, VOICEGW_OK, NULL, r->result);
}

/* Starts work and returns: the completion comes later, exactly once, never from inside this call. A greeting is ready
 * at once, so a post to our own thread is all the waiting there is. */
static int32_t on_run(void *instance, uint64_t run, const char *name, const char *params_json, const char *context_json)
{
    struct greeter *g = instance;
    struct run *r = NULL;
    char person[NAME_MAX_BYTES], text[GREETING_MAX_BYTES + NAME_MAX_BYTES + 2];
    int32_t status = on_validate(instance, name, params_json);
    (void)context_json;
    if (status < 0)
        return status;
    for (size_t i = 0; i < RUNS_MAX && !r; i++)
        r = g->runs[i].id == 0 ? &g->runs[i] : NULL;
    if (!r)
        return g->host->set_error(g->host, VOICEGW_ELIMIT, "64 greetings are being made already: try again");
    (void)voicegw_json_get_string(voicegw_json_of(params_json), "name", person, sizeof person);
    (void)snprintf(text, sizeof text, "%s, %s", g->greeting, person);

    struct voicegw_json_writer w = voicegw_json_writer_of(r->result, sizeof r->result);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "text", text);
    voicegw_json_put_end(&w);
    if (voicegw_json_finish(&w) < 0)
        return g->host->set_error(g->host, VOICEGW_ELIMIT, "the greeting is too long");
    r->id = run;
    r->owner = g;
    status = g->host->post(g->host, VOICEGW_TARGET_CONTROL, finish_run, r);
    if (status < 0)
        r->id = 0;
    return status;
}

static const struct voicegw_action action = {
    .size = sizeof action, .list = on_list, .validate = on_validate, .run = on_run};

static const void *on_extension(void *instance, const char *id)
{
    (void)instance;
    return strcmp(id, VOICEGW_KIND_ACTION) == 0 ? &action : NULL;
}

static const struct voicegw_factory factory = {.size = sizeof factory,
                                               .kind = VOICEGW_KIND_ACTION,
                                               .options = options,
                                               .option_count = sizeof options / sizeof options[0],
                                               .create = on_create,
                                               .start = on_start,
                                               .reconfigure = on_reconfigure,
                                               .destroy = on_destroy,
                                               .get_extension = on_extension};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .flags = VOICEGW_PLUGIN_CLOSABLE,
                                             .name = "hello-action",
                                             .version = "1.0",
                                             .license = "MIT",
                                             .description = "An action that greets, as an example",
                                             .factory_count = 1,
                                             .factories = factories};

/* The one symbol that leaves this file. It has no effects: it is also called in a process that only looks. */
const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_minor; /* an older or newer minor is fine: tables say their size */
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
