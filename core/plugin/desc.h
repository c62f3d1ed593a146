/* desc.h - what a plugin says about itself, copied out of it, so that it outlives the plugin's code and crosses
 * processes as JSON. */
#ifndef VGW_PLUGIN_DESC_H
#define VGW_PLUGIN_DESC_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "base/json.h"
#include "voicegw/plugin.h"

#define VGW_PLUGIN_FACTORIES_MAX 16
#define VGW_PLUGIN_OPTIONS_MAX 256
#define VGW_PLUGIN_TEXT_MAX 4096 /* bytes of any text of a descriptor */

/** Reads "size first": does the table at `p` have `field`? For the tables of the SDK, all of which begin with their
 * size. */
#define VGW_TABLE_HAS(p, field)                                                                                        \
    ((p)->size >= (size_t)((const char *)(&(p)->field) - (const char *)(p)) + sizeof((p)->field))

/** One option; the fields of struct voicegw_option, owned. Absent texts are NULL. */
struct vgw_plugin_option {
    unsigned type, flags; /* VOICEGW_OPTION_* */
    double min, max;
    char *name, *dflt, *unit, *choices, *description;
};
struct vgw_plugin_factory {
    char *kind;
    uint64_t caps;
    bool reconfigures; /* it has reconfigure() */
    struct vgw_plugin_option *options;
    size_t option_count;
};
struct vgw_plugin_desc {
    char *name, *version, *license, *description;
    uint32_t abi_major, abi_minor;
    bool closable, exclusive;
    struct vgw_plugin_factory *factories;
    size_t factory_count;
};

/** Copies a live descriptor, trusting no size and no count in it beyond what they must be to be read. 0 and *ret_desc
 * (free with vgw_plugin_desc_free), or VGW_ECONFIG with what is wrong in it. Thread: any. */
int vgw_plugin_desc_read(const struct voicegw_plugin *plugin, struct vgw_plugin_desc **ret_desc, struct vgw_error *err);
void vgw_plugin_desc_free(struct vgw_plugin_desc *desc); /* takes NULL */
/** As JSON
 * ({"name","version","license","description","abi","closable","exclusive","factories":[{"kind","caps","options":[…]}]});
 * NULL: out of memory. The API's plugin pages show it. Thread: any, pure. */
struct vgw_json *vgw_plugin_desc_to_json(const struct vgw_plugin_desc *desc);
/** Back from JSON. 0, VGW_EINVALID or VGW_ELIMIT. */
int vgw_plugin_desc_from_json(const struct vgw_json *json, struct vgw_plugin_desc **ret_desc, struct vgw_error *err);
/** The index of the factory of a kind ("voicegw.stt/1"), or -1. */
int vgw_plugin_desc_factory(const struct vgw_plugin_desc *desc, const char *kind);
/** A capability's name by bit ("make_call" for 0), NULL beyond the known ones. Static. */
const char *vgw_plugin_cap_name(unsigned bit);
/** An option type's name ("string", "duration"), NULL for an unknown one. Static. */
const char *vgw_plugin_option_type_name(unsigned type);
#endif
