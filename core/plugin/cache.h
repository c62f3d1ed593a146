/* cache.h - answers of successful probes by content hash, in one file, so that a warm start spawns no child. */
#ifndef VGW_PLUGIN_CACHE_H
#define VGW_PLUGIN_CACHE_H
#include "base/error.h"
#include "base/json.h"

#define VGW_PLUGIN_CACHE_MAX 256 /* entries; the oldest go first */

struct vgw_plugin_cache;
/** Reads the cache file; one that is absent, broken or of another version is an empty cache. `file` NULL: kept in
 * memory alone. NULL: out of memory. One thread at a time; reads the disk. */
struct vgw_plugin_cache *vgw_plugin_cache_open(const char *file);
void vgw_plugin_cache_free(struct vgw_plugin_cache *cache); /* takes NULL; does not save */
/** The descriptor stored for a hash, borrowed until the next put; NULL when there is none. */
const struct vgw_json *vgw_plugin_cache_get(const struct vgw_plugin_cache *cache, const char *hash);
/** Stores a descriptor (the cache takes it, also on failure). 0 or VGW_ELIMIT. */
int vgw_plugin_cache_put(struct vgw_plugin_cache *cache, const char *hash, struct vgw_json *desc);
/** Writes the file anew (beside, then rename) if something was put since. 0, or VGW_ESTORAGE: the next start probes
 * again. */
int vgw_plugin_cache_save(struct vgw_plugin_cache *cache, struct vgw_error *err);
#endif
