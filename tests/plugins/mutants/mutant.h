/* mutant.h - what the mutants share. Each file is a sound plugin until a -DBREAK_… breaks one rule. */
#ifndef MUTANT_H
#define MUTANT_H
#include <stdlib.h>
#include <string.h>
#include "voicegw/plugin.h"

static const struct voicegw_host *host;

static int32_t simple_create(const struct voicegw_host *h, const struct voicegw_options *options, void **ret_instance)
{
    (void)options;
    host = h;
    *ret_instance = &host;
    return VOICEGW_OK;
}
static int32_t simple_start(void *instance)
{
    (void)instance;
    return VOICEGW_OK;
}
static void simple_destroy(void *instance)
{
    (void)instance;
}

/* A plugin of one kind whose table is `kind_table`. */
#define MUTANT_PLUGIN(plugin_name, kind_id, kind_table, kind_caps, more)                                               \
    static const void *on_extension(void *instance, const char *id)                                                    \
    {                                                                                                                  \
        (void)instance;                                                                                                \
        return strcmp(id, kind_id) == 0 ? (const void *)&(kind_table) : (more);                                        \
    }                                                                                                                  \
    static const struct voicegw_factory factory = {.size = sizeof factory,                                             \
                                                   .kind = kind_id,                                                    \
                                                   .caps = (kind_caps),                                                \
                                                   .create = simple_create,                                            \
                                                   .start = simple_start,                                              \
                                                   .destroy = simple_destroy,                                          \
                                                   .get_extension = on_extension};                                     \
    static const struct voicegw_factory *const factories[] = {&factory};                                               \
    static const struct voicegw_plugin plugin = {.size = sizeof plugin,                                                \
                                                 .abi_major = VOICEGW_ABI_MAJOR,                                       \
                                                 .name = plugin_name,                                                  \
                                                 .version = "1",                                                       \
                                                 .license = "MIT",                                                     \
                                                 .description = "A mutant of the tests",                               \
                                                 .factory_count = 1,                                                   \
                                                 .factories = factories};                                              \
    const struct voicegw_plugin *voicegw_plugin_entry(uint32_t major, uint32_t minor)                                  \
    {                                                                                                                  \
        (void)minor;                                                                                                   \
        return major == VOICEGW_ABI_MAJOR ? &plugin : NULL;                                                            \
    }
#endif
