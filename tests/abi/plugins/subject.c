/* subject.c - a small plugin that the tests of core/plugin build in many ways: good by default, broken by a -D. What
 * happens to it it says by log(). Built by tests/unit/plugin_subject.c. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "voicegw/plugin.h"
#include "voicegw/draft/action.h"

#ifndef SUBJECT_NAME
#define SUBJECT_NAME "subject"
#endif
#ifndef SUBJECT_VERSION
#define SUBJECT_VERSION "1"
#endif
#ifndef SUBJECT_FLAGS
#define SUBJECT_FLAGS VOICEGW_PLUGIN_CLOSABLE
#endif
#ifndef SUBJECT_MAJOR
#define SUBJECT_MAJOR VOICEGW_ABI_MAJOR
#endif
#ifndef SUBJECT_SIZE
#define SUBJECT_SIZE sizeof(struct voicegw_plugin)
#endif

#ifndef SUBJECT_KIND
#define SUBJECT_KIND VOICEGW_KIND_ACTION
#endif
#ifndef SUBJECT_CAPS
#define SUBJECT_CAPS VOICEGW_CAP_END
#endif

struct instance {
    const struct voicegw_host *host;
};

#ifdef CRASH_IN_CONSTRUCTOR
__attribute__((constructor)) static void crash(void)
{
    abort();
}
#endif
#ifdef HANG_IN_CONSTRUCTOR
__attribute__((constructor)) static void hang(void)
{
    for (;;)
        pause();
}
#endif
#ifdef EXIT_IN_CONSTRUCTOR
__attribute__((constructor)) static void leave(void)
{
    _exit(7);
}
#endif
#ifdef MISSING_SYMBOL
void a_symbol_of_nobody(void);
#endif

static int32_t on_create(const struct voicegw_host *host, const struct voicegw_options *options, void **ret_instance)
{
    (void)options;
#ifdef CRASH_IN_CREATE
    abort();
#endif
#ifdef HANG_IN_CREATE
    for (;;)
        pause();
#endif
#ifdef EXIT_IN_CREATE
    _exit(7);
#endif
#ifdef REFUSE_IN_CREATE
    return host->set_error(host, VOICEGW_ECONFIG, "count must be prime");
#endif
    struct instance *i = malloc(sizeof *i);
    if (!i)
        return VOICEGW_ELIMIT;
    i->host = host;
    host->log(host, VOICEGW_LOG_INFO, "create " SUBJECT_VERSION, NULL);
    *ret_instance = i;
    return VOICEGW_OK;
}

static int32_t on_start(void *instance)
{
    struct instance *i = instance;
    i->host->log(i->host, VOICEGW_LOG_INFO, "start " SUBJECT_VERSION, NULL);
    return VOICEGW_OK;
}

static int32_t on_reconfigure(void *instance, const struct voicegw_options *options)
{
    struct instance *i = instance;
    (void)options;
    return i->host->set_error(i->host, VOICEGW_ECONFIG, "the colour must be blue");
}

static void on_drain(void *instance)
{
    struct instance *i = instance;
    i->host->log(i->host, VOICEGW_LOG_INFO, "drain " SUBJECT_VERSION, NULL);
#ifndef NEVER_DRAINED
    i->host->drained(i->host);
#endif
}

static void on_destroy(void *instance)
{
    struct instance *i = instance;
    i->host->log(i->host, VOICEGW_LOG_INFO, "destroy " SUBJECT_VERSION, NULL);
#ifdef CRASH_IN_DESTROY
    abort();
#endif
    free(i);
}

static const void *on_extension(void *instance, const char *id)
{
    (void)instance;
    (void)id;
    return NULL;
}

static const struct voicegw_option options[] = {
    {.size = sizeof options[0],
     .type = VOICEGW_OPTION_ENUM,
     .name = "colour",
     .dflt = "red",
     .choices = "red green  blue",
     .description = "What it looks like",
     .flags = VOICEGW_OPTION_RELOADABLE},
    {.size = sizeof options[0],
     .type = VOICEGW_OPTION_INT,
     .name = "count",
     .min = 1,
     .max = 9,
     .unit = "pieces",
     .description = "How many",
     .flags = VOICEGW_OPTION_REQUIRED},
};
static const struct voicegw_factory factory = {
    .size = sizeof factory,
    .kind = SUBJECT_KIND,
    .options = options,
    .option_count = 2,
    .caps = SUBJECT_CAPS,
    .create = on_create,
    .start = on_start,
    .reconfigure = on_reconfigure,
    .drain = on_drain,
    .destroy = on_destroy,
    .get_extension = on_extension,
};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {
    .size = (uint32_t)SUBJECT_SIZE,
    .abi_major = SUBJECT_MAJOR,
    .abi_minor = VOICEGW_ABI_MINOR,
    .flags = SUBJECT_FLAGS,
    .name = SUBJECT_NAME,
    .version = SUBJECT_VERSION,
    .license = "MIT",
    .description = "A subject of tests",
    .factory_count = 1,
    .factories = factories,
};

#ifndef NO_ENTRY
const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_minor;
#ifdef MISSING_SYMBOL
    a_symbol_of_nobody();
#endif
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
#else
const void *not_an_entry(void)
{
    return &plugin;
}
#endif
