/* action.c - breaks the rules of the file, the descriptor, the life cycle, and of actions. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "voicegw/plugin.h"
#include "voicegw/draft/action.h"

struct instance {
    const struct voicegw_host *host;
    const struct voicegw_host_action *action;
    char *mode;
};
struct run {
    struct instance *i;
    uint64_t id;
};

static void *idle(void *arg)
{
    for (;;)
        pause();
    return arg;
}
static inline void start_thread(void)
{
    pthread_t t;
    pthread_create(&t, NULL, idle, NULL);
}

#if defined(BREAK_LOADS_CRASH)
__attribute__((constructor)) static void early(void)
{
    abort();
}
#elif defined(BREAK_EFFECT_THREAD)
__attribute__((constructor)) static void early(void)
{
    start_thread();
}
#elif defined(BREAK_EFFECT_FD)
__attribute__((constructor)) static void early(void)
{
    (void)!dup(1);
}
#elif defined(BREAK_EFFECT_SIGNAL)
#include <signal.h>
__attribute__((constructor)) static void early(void)
{
    signal(SIGUSR1, SIG_IGN);
}
#elif defined(BREAK_LOAD_TIME)
__attribute__((constructor)) static void early(void)
{
    while (clock() < CLOCKS_PER_SEC / 2)
        ;
}
#elif defined(BREAK_EXPORTS)
VOICEGW_EXPORT int a_helper(void);
int a_helper(void)
{
    return 1;
}
#endif

static const struct voicegw_option options[] = {
    {
        .size = sizeof options[0],
        .type = VOICEGW_OPTION_ENUM,
        .name = "mode",
#ifdef BREAK_OPTION_DEFAULT
        .dflt = "loud",
#else
        .dflt = "plain",
#endif
        .choices = "plain fancy",
#ifndef BREAK_OPTION_DESCRIPTION
        .description = "How it is done",
#endif
#ifdef BREAK_OPTION_RELOADABLE
        .flags = VOICEGW_OPTION_RELOADABLE,
#endif
    },
#ifdef BREAK_OPTION_DUPLICATE
    {.size = sizeof options[0], .type = VOICEGW_OPTION_INT, .name = "mode", .description = "Again"},
#endif
#ifdef BREAK_OPTION_BOUNDS
    {.size = sizeof options[0],
     .type = VOICEGW_OPTION_DURATION,
     .name = "wait",
     .dflt = "5s",
     .min = 10,
     .max = 20,
     .description = "A wait"},
#endif
#ifdef BREAK_OPTION_TYPE
    {.size = sizeof options[0], .type = 77, .name = "wait", .description = "A wait"},
#endif
};

static int32_t on_create(const struct voicegw_host *host, const struct voicegw_options *o, void **ret_instance)
{
    const char *mode = host->option_string(host, o, "mode");
    const struct voicegw_host_action *action = host->get_extension(host, VOICEGW_HOST_ACTION);
#ifdef BREAK_BAD_CONFIG_CRASH
    if (mode[0] == 'x')
        abort();
#endif
    if (!mode || (strcmp(mode, "plain") != 0 && strcmp(mode, "fancy") != 0)) {
#ifdef BREAK_BAD_CONFIG_SENTENCE
        return VOICEGW_ECONFIG;
#else
        return host->set_error(host, VOICEGW_ECONFIG, "mode must be plain or fancy");
#endif
    }
#ifdef BREAK_NO_SERVICES
    if (action->size == 0)
        return host->set_error(host, VOICEGW_ECONFIG, "never");
#endif
    if (!action)
        return host->set_error(host, VOICEGW_EUNSUPPORTED, "there are no actions here");
    struct instance *i = calloc(1, sizeof *i);
    if (!i)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    i->host = host;
    i->action = action;
    i->mode = strdup(mode);
    *ret_instance = i;
#ifdef BREAK_CREATE_POSITIVE
    return 1;
#endif
    return VOICEGW_OK;
}

static int32_t on_start(void *instance)
{
    struct instance *i = instance;
    (void)i;
#ifdef BREAK_DRAINED_EARLY
    i->host->drained(i->host);
#endif
#ifdef BREAK_LEAK_THREAD
    start_thread();
#endif
    return VOICEGW_OK;
}

#if defined(BREAK_RECONFIGURE)
static int32_t on_reconfigure(void *instance, const struct voicegw_options *o)
{
    (void)instance;
    (void)o;
    return VOICEGW_ECONFIG;
}
#endif

static void on_drain(void *instance)
{
    struct instance *i = instance;
#ifndef BREAK_DRAINED_NEVER
    i->host->drained(i->host);
#endif
#ifdef BREAK_DRAINED_TWICE
    i->host->drained(i->host);
#endif
}

static void on_destroy(void *instance)
{
    struct instance *i = instance;
#ifndef BREAK_LEAK_MEMORY
    free(i->mode);
#endif
#ifdef BREAK_LEAK_FD
    (void)!open("/dev/null", O_RDONLY);
#endif
#ifdef BREAK_DESTROY_CRASH
    free(i);
    free(i);
#endif
    free(i);
}

static const struct voicegw_action_spec *on_list(void *instance, uint32_t index)
{
    static const struct voicegw_action_spec spec = {
        .size = sizeof spec,
#ifdef BREAK_ACTION_NAME
        .name = "Do It",
#else
        .name = "do_it",
#endif
        .description = "Does it",
#ifdef BREAK_ACTION_SCHEMA
        .params_schema = "{\"type\":",
#else
        .params_schema = "{\"type\":\"object\",\"properties\":{\"what\":{\"type\":\"string\"}}}",
#endif
    };
    (void)instance;
    return index == 0 ? &spec : NULL;
}

static void finish(void *arg)
{
    struct run r = *(struct run *)arg;
    free(arg);
#if defined(BREAK_RESULT_JSON)
    r.i->action->complete(r.i->host, r.id, VOICEGW_OK, NULL, "{\"a\":");
#elif defined(BREAK_COMPLETE_STATUS)
    r.i->action->complete(r.i->host, r.id, VOICEGW_EINVALID, NULL, NULL);
#else
    r.i->action->complete(r.i->host, r.id, VOICEGW_OK, NULL, "{}");
#endif
#ifdef BREAK_COMPLETE_TWICE
    r.i->action->complete(r.i->host, r.id, VOICEGW_OK, NULL, "{}");
#endif
}

#ifdef BREAK_THREAD
static void on_pool(void *arg)
{
    struct run *r = arg;
    r->i->host->timer_start(r->i->host, VOICEGW_TARGET_CONTROL, 1000, finish, r);
}
#endif

static int32_t on_run(void *instance, uint64_t id, const char *name, const char *params_json, const char *context_json)
{
    struct instance *i = instance;
    char copy[256];
    (void)context_json;
    if (strcmp(name, "do_it") != 0)
        return i->host->set_error(i->host, VOICEGW_ENOTFOUND, "there is do_it only");
#ifdef BREAK_RUN_SENTENCE
    i->host->set_error(i->host, VOICEGW_EINVALID, "");
    return VOICEGW_EINVALID;
#endif
#ifdef BREAK_RUN_POSITIVE
    return 5;
#endif
#ifndef BREAK_LIMITS
    if (strlen(params_json) >= sizeof copy)
        return i->host->set_error(i->host, VOICEGW_EINVALID, "at most 255 bytes");
#endif
    strcpy(copy, params_json);
#ifdef BREAK_COMPLETE_INSIDE
    i->action->complete(i->host, id, VOICEGW_OK, copy, "{}");
    return VOICEGW_OK;
#endif
#ifdef BREAK_COMPLETE_NEVER
    return VOICEGW_OK;
#endif
    struct run *r = malloc(sizeof *r);
    if (!r)
        return i->host->set_error(i->host, VOICEGW_ELIMIT, "out of memory");
    *r = (struct run){i, id};
#ifdef BREAK_THREAD
    return i->host->job(i->host, VOICEGW_LANE_CPU, 0, VOICEGW_TARGET_CONTROL, on_pool, NULL, r);
#else
    int32_t rc = i->host->post(i->host, VOICEGW_TARGET_CONTROL, finish, r);
    if (rc < 0)
        free(r);
    return rc;
#endif
}

static void on_cancel(void *instance, uint64_t id)
{
    struct instance *i = instance;
    (void)i;
    (void)id;
#ifdef BREAK_CANCEL
    i->action->complete(i->host, id, VOICEGW_ETIMEOUT, "cancelled", NULL);
#endif
}

static const struct voicegw_action action = {
    .size = sizeof action, .list = on_list, .run = on_run, .cancel = on_cancel};

static const void *on_extension(void *instance, const char *id)
{
    (void)instance;
#ifdef BREAK_EXTENSION_UNKNOWN
    return id ? &action : NULL;
#elif defined(BREAK_EXTENSION_OWN)
    return id == NULL ? &action : NULL;
#else
    return strcmp(id, VOICEGW_KIND_ACTION) == 0 ? &action : NULL;
#endif
}

static const struct voicegw_factory factory = {
    .size = sizeof factory,
    .kind = VOICEGW_KIND_ACTION,
    .options = options,
    .option_count = sizeof options / sizeof options[0],
#ifdef BREAK_CAPS
    .caps = VOICEGW_CAP_END,
#endif
#ifdef BREAK_RECONFIGURE
    .reconfigure = on_reconfigure,
#endif
    .create = on_create,
    .start = on_start,
    .drain = on_drain,
    .destroy = on_destroy,
    .get_extension = on_extension,
};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {
#ifdef BREAK_SIZE
    .size = 24,
#else
    .size = sizeof plugin,
#endif
#ifdef BREAK_MAJOR
    .abi_major = VOICEGW_ABI_MAJOR + 1,
#else
    .abi_major = VOICEGW_ABI_MAJOR,
#endif
#ifdef BREAK_NAME
    .name = "other",
#else
    .name = "action",
#endif
#ifdef BREAK_VERSION
    .version = "",
#else
    .version = "1",
#endif
#ifndef BREAK_LICENSE
    .license = "MIT",
#endif
    .description = "A mutant of the tests",
#ifndef BREAK_FACTORIES
    .factory_count = 1,
#endif
    .factories = factories,
};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t major, uint32_t minor)
{
#ifdef BREAK_ENTRY_MAJOR
    return major + minor ? &plugin : &plugin;
#endif
#ifdef BREAK_ENTRY_MINOR
    if (minor > VOICEGW_ABI_MINOR)
        return NULL;
#endif
    (void)minor;
    return major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
