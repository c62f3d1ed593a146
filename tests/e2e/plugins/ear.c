/* ear.c - a subscriber that logs the type of each event that it hears, so that a test can read them,
 * and refuses the first batch as busy. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "voicegw/draft/subscriber.h"
#include "voicegw/json.h"
#include "voicegw/plugin.h"

struct ear {
    const struct voicegw_host *host;
    uint32_t refused;
};

static int32_t on_create(const struct voicegw_host *host, const struct voicegw_options *o, void **ret_instance)
{
    struct ear *e = calloc(1, sizeof *e);
    (void)o;
    if (!e)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    e->host = host;
    *ret_instance = e;
    return VOICEGW_OK;
}

static int32_t on_start(void *i)
{
    (void)i;
    return VOICEGW_OK;
}

static void on_destroy(void *i)
{
    free(i);
}

static const char *filter(void *i)
{
    (void)i;
    return "[\"call_*\"]";
}

static int32_t on_events(void *i, const char *events_json, uint32_t count)
{
    struct ear *e = i;
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_of(events_json));
    if (e->refused++ == 0)
        return VOICEGW_EBUSY;
    e->host->count(e->host, "heard", count);
    while (voicegw_json_next(&it)) {
        char type[64], line[96];
        if (voicegw_json_get_string(it.value, "type", type, sizeof type) > 0) {
            (void)snprintf(line, sizeof line, "heard %s", type);
            e->host->log(e->host, VOICEGW_LOG_WARNING, line, NULL);
        }
    }
    return VOICEGW_OK;
}

static const void *on_extension(void *i, const char *id)
{
    static const struct voicegw_subscriber table = {.size = sizeof table, .filter = filter, .on_events = on_events};
    (void)i;
    return strcmp(id, VOICEGW_KIND_SUBSCRIBER) == 0 ? &table : NULL;
}

static const struct voicegw_factory factory = {.size = sizeof factory,
                                               .kind = VOICEGW_KIND_SUBSCRIBER,
                                               .create = on_create,
                                               .start = on_start,
                                               .destroy = on_destroy,
                                               .get_extension = on_extension};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .flags = VOICEGW_PLUGIN_CLOSABLE,
                                             .name = "ear",
                                             .version = "1",
                                             .license = "MIT",
                                             .description = "A subscriber that tells what it hears",
                                             .factory_count = 1,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor);
const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_minor;
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
