/* describe.c - the JSON Schema of the configuration with the options of every plugin that lies in the given folders. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "config/main_table.h"
#include "config/schema.h"
#include "gateway/gateway.h"
#include "voicegw/draft/assistant.h"
#include "voicegw/draft/provider.h"
#include "voicegw/draft/stt.h"
#include "voicegw/draft/tts.h"

#define PLUGINS_MAX 256

static const struct {
    const char *kind, *section;
    const struct vgw_option_table *(*base)(void);
} sections[] = {
    {VOICEGW_KIND_PROVIDER, "providers", vgw_provider_table},
    {VOICEGW_KIND_STT, "stt", vgw_engine_table},
    {VOICEGW_KIND_TTS, "tts", vgw_engine_table},
    {VOICEGW_KIND_ASSISTANT, "assistants", vgw_engine_table},
    {VOICEGW_KIND_ASSISTANT_AUDIO, "assistants", vgw_engine_table},
};

struct description {
    struct vgw_plugin_desc *descs[PLUGINS_MAX];
    struct vgw_plugin_table *tables[PLUGINS_MAX];
    struct vgw_schema_plugin plugins[PLUGINS_MAX];
    size_t desc_count, count;
};

static void add_factories(struct description *d, const struct vgw_plugin_desc *desc)
{
    for (size_t i = 0; i < desc->factory_count; i++)
        for (size_t k = 0; k < sizeof sections / sizeof sections[0] && d->count < PLUGINS_MAX; k++) {
            if (!vgw_streq(desc->factories[i].kind, sections[k].kind))
                continue;
            struct vgw_plugin_table *table = vgw_plugin_table_new(&desc->factories[i], desc->name, sections[k].base());
            if (!table)
                return;
            d->tables[d->count] = table;
            d->plugins[d->count++] = (struct vgw_schema_plugin){
                .section = sections[k].section, .plugin = desc->name, .table = vgw_plugin_table_get(table)};
        }
}

struct vgw_json *vgw_gateway_schema(const char *const *dirs, size_t dir_count)
{
    struct vgw_plugin_dir list[64];
    struct vgw_plugin_list *found = NULL;
    struct vgw_plugin_prober prober = {0};
    struct description *d;
    struct vgw_json *schema = NULL;
    struct vgw_error err = {0};
    size_t n = dir_count < 64 ? dir_count : 64;
    if (!VGW_NEW(d))
        return NULL;
    for (size_t i = 0; i < n; i++)
        list[i] = (struct vgw_plugin_dir){dirs[i], 0};
    if (vgw_plugin_find(list, n, &found, &err) < 0)
        vgw_log(VGW_LOG_WARNING, NULL, "a folder of plugins cannot be read", "error", err.text, NULL);
    for (size_t i = 0; found && i < vgw_plugin_list_count(found) && d->desc_count < PLUGINS_MAX; i++) {
        const struct vgw_plugin_found *f = vgw_plugin_list_at(found, i);
        char hash[VGW_PLUGIN_HASH_TEXT];
        if (vgw_plugin_probe(&prober, f->file, f->name, &d->descs[d->desc_count], hash, &err) < 0)
            vgw_log(VGW_LOG_WARNING, NULL, "a plugin is left out of the schema", "plugin", f->name, "error", err.text,
                    NULL);
        else
            add_factories(d, d->descs[d->desc_count++]);
    }
    schema = vgw_schema_json(vgw_main_table(), d->plugins, d->count);
    for (size_t i = 0; i < d->count; i++)
        vgw_plugin_table_free(d->tables[i]);
    for (size_t i = 0; i < d->desc_count; i++)
        vgw_plugin_desc_free(d->descs[i]);
    vgw_plugin_list_free(found);
    vgw_free(d);
    return schema;
}
