/* table.h - a plugin's declared options as one of core/config's tables, so that one check, one schema and one manual
 * serve both. */
#ifndef VGW_PLUGIN_TABLE_H
#define VGW_PLUGIN_TABLE_H
#include "config/option.h"
#include "plugin/desc.h"

struct vgw_plugin_table;
/** Builds the table of a factory; `name` titles it. Texts are borrowed from `factory`, which must live as long. `base`
 * (may be NULL): rows that every instance of its section takes ("plugin", "default"). NULL: out of memory. Thread: any,
 * pure. */
struct vgw_plugin_table *vgw_plugin_table_new(const struct vgw_plugin_factory *factory, const char *name,
                                              const struct vgw_option_table *base);
void vgw_plugin_table_free(struct vgw_plugin_table *table); /* takes NULL */
/** The table, valid as long as `table`. */
const struct vgw_option_table *vgw_plugin_table_get(const struct vgw_plugin_table *table);
#endif
