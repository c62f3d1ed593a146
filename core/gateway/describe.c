/* describe.c - the JSON Schema of the configuration with the options of every plugin that lies in the given folders. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "config/main_table.h"
#include "config/schema.h"
#include "gateway/gateway.h"

#define PLUGINS_MAX 256

struct description {
    struct vgw_plugin_desc *descs[PLUGINS_MAX];
    struct vgw_plugin_table *tables[PLUGINS_MAX];
    struct vgw_schema_plugin plugins[PLUGINS_MAX];
    size_t desc_count, count;
};

static void add_factory(struct description *d, const struct vgw_plugin_desc *desc, size_t factory,
                        const struct vgw_plan_section *section)
{
    struct vgw_plugin_table *table = vgw_plugin_table_new(&desc->factories[factory], desc->name, section->table());
    if (!table)
        return;
    d->tables[d->count] = table;
    d->plugins[d->count++] = (struct vgw_schema_plugin){
        .section = section->name, .plugin = desc->name, .table = vgw_plugin_table_get(table)};
}

static void add_factories(struct description *d, const struct vgw_plugin_desc *desc)
{
    const struct vgw_plan_section *section;
    for (size_t s = 0; (section = vgw_plan_section_at(s)); s++) {
        int at = -1;
        for (size_t k = 0; at < 0 && k < 3 && section->kinds[k]; k++)
            at = vgw_plugin_desc_factory(desc, section->kinds[k]);
        if (at >= 0 && d->count < PLUGINS_MAX)
            add_factory(d, desc, (size_t)at, section);
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
