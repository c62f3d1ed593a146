/* schema.h - what option tables say to people and editors. */
#ifndef VGW_CONFIG_SCHEMA_H
#define VGW_CONFIG_SCHEMA_H
#include <stddef.h>
#include "base/buf.h"
#include "base/json.h"
#include "config/option.h"

/** A plugin's table, to be offered to editors where instances stand. */
struct vgw_schema_plugin {
    const char *section; /* "providers", "stt": the INSTANCES option it belongs to */
    const char *plugin;  /* the word after `plugin:` */
    const struct vgw_option_table *table;
};

/** A JSON Schema (draft 2020-12) of a mapping that follows the table. Keys flagged LATER are left out, so editors
 * refuse them as the checker does; a text with ${…} is allowed wherever a number or word is. `plugins` (may be NULL):
 * `n` of them. A new object; NULL when out of memory. Thread: any; pure. */
struct vgw_json *vgw_schema_json(const struct vgw_option_table *table, const struct vgw_schema_plugin *plugins,
                                 size_t n);
/** A list of the options in mdoc, sections nested: ".Bl -tag …" to ".El". LATER is left out. */
void vgw_schema_mdoc(const struct vgw_option_table *table, struct vgw_buf *out);
/** The same as plain text, a line each: name, type, default, bounds, description. */
void vgw_schema_text(const struct vgw_option_table *table, struct vgw_buf *out);
/** {"name","options":[{"name","type","default","required","reloadable","min","max","unit","choices":[],"aliases":[],
 *  "metric","description","options":[…]}]}; what a row does not have is left out. NULL when out of memory. */
struct vgw_json *vgw_schema_describe(const struct vgw_option_table *table);
#endif
