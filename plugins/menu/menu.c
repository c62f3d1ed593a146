/* menu - spoken and keyed menus out of a YAML file. */
#include <stdlib.h>
#include <string.h>
#include "session.h"

static const struct voicegw_option options[] = {
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_PATH,
     .name = "file",
     .description = "The menu file (YAML); see voicegw.yaml(5)."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_JSON,
     .name = "menu",
     .description = "The menus themselves: the content of file, or written in place."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_DOUBLE,
     .name = "threshold",
     .dflt = "0.6",
     .min = 0.1,
     .max = 1,
     .description = "How much of a phrase must be heard: 1 all of it."},
    {.size = sizeof(struct voicegw_option),
     .type = VOICEGW_OPTION_DURATION,
     .name = "digit_timeout",
     .dflt = "3s",
     .min = 0.2,
     .max = 60,
     .description = "Pause after which digits that could grow longer are taken as they are."},
};

static int32_t menus_create(const struct voicegw_host *host, const struct voicegw_options *given, void **ret_instance)
{
    char why[600];
    const char *json = host->option_json(host, given, "menu");
    if (!json)
        return host->set_error(host, VOICEGW_ECONFIG, "there is no menu; set file to a menu file");
    struct menus *m = calloc(1, sizeof *m);
    if (!m)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    m->host = host;
    m->out = host->get_extension(host, VOICEGW_HOST_ASSISTANT);
    m->threshold = host->option_double(host, given, "threshold", 0.6);
    m->digit_timeout_us = host->option_int(host, given, "digit_timeout", 3000000);
    atomic_init(&m->sessions, 0);
    atomic_init(&m->draining, 0);
    int32_t rc = VOICEGW_OK;
    if (!m->out)
        rc = host->set_error(host, VOICEGW_EUNSUPPORTED, "this host has no assistants (" VOICEGW_HOST_ASSISTANT ")");
    m->book = rc == VOICEGW_OK ? book_read(json, why, sizeof why) : NULL;
    if (rc == VOICEGW_OK && !m->book)
        rc = host->set_error(host, VOICEGW_ECONFIG, why);
    if (rc != VOICEGW_OK) {
        free(m);
        return rc;
    }
    *ret_instance = m;
    return VOICEGW_OK;
}

static int32_t menus_start(void *instance)
{
    return VOICEGW_OK;
}

static void drain(void *instance)
{
    menus_drain(instance);
}

static void menus_destroy(void *instance)
{
    struct menus *m = instance;
    book_free(m->book);
    free(m);
}

static const struct voicegw_assistant operations = {.size = sizeof operations,
                                                    .open = session_open,
                                                    .turn = session_turn,
                                                    .dtmf = session_dtmf,
                                                    .interrupt = session_interrupt,
                                                    .tool_result = session_tool_result,
                                                    .close = session_close};

static const void *menus_extension(void *instance, const char *id)
{
    return strcmp(id, VOICEGW_KIND_ASSISTANT) == 0 ? &operations : NULL;
}

static const struct voicegw_factory factory = {.size = sizeof factory,
                                               .option_count = sizeof options / sizeof *options,
                                               .kind = VOICEGW_KIND_ASSISTANT,
                                               .options = options,
                                               .create = menus_create,
                                               .start = menus_start,
                                               .drain = drain,
                                               .destroy = menus_destroy,
                                               .get_extension = menus_extension};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .flags = VOICEGW_PLUGIN_CLOSABLE,
                                             .name = "menu",
                                             .version = VOICEGW_PLUGIN_VERSION,
                                             .license = "MIT",
                                             .description = "Spoken and keyed menus out of a YAML file",
                                             .factory_count = 1,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
