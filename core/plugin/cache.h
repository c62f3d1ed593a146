/* cache.h - answers of successful probes by content hash, in one file, so that a warm start spawns no child. */
#ifndef VGW_PLUGIN_CACHE_H
#define VGW_PLUGIN_CACHE_H
#include "base/error.h"
#include "base/json.h"

#define VGW_PLUGIN_CACHE_MAX 1024 /* entries; the oldest go first */

struct vgw_plugin_cache;
/** Reads the cache file; one that is absent, broken or of another version is an empty cache. `file` NULL: kept in
 * memory alone. NULL: out of memory. Reads the disk. What follows may be called on any thread, also on several at once;
 * only one saves at a time. */
struct vgw_plugin_cache *vgw_plugin_cache_open(const char *file);
void vgw_plugin_cache_free(struct vgw_plugin_cache *cache); /* takes NULL; does not save */
/** A copy of the descriptor stored for a hash (vgw_json_free); NULL when there is none, or no memory. */
struct vgw_json *vgw_plugin_cache_get(struct vgw_plugin_cache *cache, const char *hash);
/** Stores a descriptor (the cache takes it, also on failure). 0 or VGW_ELIMIT. */
int vgw_plugin_cache_put(struct vgw_plugin_cache *cache, const char *hash, struct vgw_json *desc);
/** Writes the file anew (beside, then rename) if something was put since. 0, or VGW_ESTORAGE: the next start probes
 * again. */
int vgw_plugin_cache_save(struct vgw_plugin_cache *cache, struct vgw_error *err);
#endif
