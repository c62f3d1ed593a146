/* load.h - brings a plugin's code into the process, each time from a private copy, so that whatever happens to the
 * original file (replaced, truncated by cp, removed) the running code stays what was probed. load.c alone knows
 * libltdl. */
#ifndef VGW_PLUGIN_LOAD_H
#define VGW_PLUGIN_LOAD_H
#include "base/error.h"
#include "plugin/desc.h"
#include "plugin/hash.h"

struct vgw_plugin_loader;
struct vgw_plugin_module; /* one opened copy of a plugin's code, reference counted */

/** A loader whose copies live in `dir`, which must allow execution; it is made (mode 0700) when absent, and what an
 * earlier process left in it is removed. 0 and *ret_loader, VGW_ESTORAGE or VGW_ELIMIT. Functions of
 * this header: one thread at a time; a module's count belongs to control once it has been handed over. */
int vgw_plugin_loader_new(const char *dir, struct vgw_plugin_loader **ret_loader, struct vgw_error *err);
/** Takes NULL. Modules keep what they need: they may outlive the loader. */
void vgw_plugin_loader_free(struct vgw_plugin_loader *loader);

/** Copies `file` under a unique name, checks that the copy is what was probed (`hash`), opens it with its symbols kept
 * local, and calls its entry. Takes `desc` (its own copy of what the probe said) on success. 0 and *ret_module with one
 * reference; VGW_EBUSY when the file changed since the probe (probe again), VGW_ECONFIG, VGW_ESTORAGE, VGW_ELIMIT.
 * Blocks for a file copy: loads happen at start and reload. */
int vgw_plugin_load(struct vgw_plugin_loader *loader, const char *file, const char *hash, struct vgw_plugin_desc *desc,
                    struct vgw_plugin_module **ret_module, struct vgw_error *err);
/** For a helper process: opens the file itself, without a copy, and reads its descriptor. 0 and *ret_module with one
 * reference; VGW_ECONFIG, VGW_ELIMIT, VGW_EINTERNAL. */
int vgw_plugin_open(const char *file, struct vgw_plugin_module **ret_module, struct vgw_error *err);
struct vgw_plugin_module *vgw_plugin_module_ref(struct vgw_plugin_module *module);
/** Gives a reference back; NULL is borne. With the last one the code is unmapped if the plugin says that this is safe
 *  (VOICEGW_PLUGIN_CLOSABLE), else it stays mapped for the process's life. */
void vgw_plugin_module_unref(struct vgw_plugin_module *module);
const struct vgw_plugin_desc *vgw_plugin_module_desc(const struct vgw_plugin_module *module); /* borrowed */
const char *vgw_plugin_module_hash(const struct vgw_plugin_module *module);                   /* borrowed */
/** The live factory of a kind, NULL when the plugin has none. Valid while the module is referenced. */
const struct voicegw_factory *vgw_plugin_module_factory(const struct vgw_plugin_module *module, const char *kind);
#endif
