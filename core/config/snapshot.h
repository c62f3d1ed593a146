/* snapshot.h - a counted array of opaque parts: what one generation of the configuration was compiled into. Rooms know
 * their own part; gateway/ knows which index is whose. */
#ifndef VGW_CONFIG_SNAPSHOT_H
#define VGW_CONFIG_SNAPSHOT_H
#include <stddef.h>
#include <stdint.h>

struct vgw_snapshot;
/** A snapshot of `n_parts` empty parts with one reference; NULL when out of memory. Thread: any. */
struct vgw_snapshot *vgw_snapshot_new(size_t n_parts, uint64_t generation);
/** Gives part `i` to the snapshot, which calls `free_part` (may be NULL) when its last reference goes, or when the part
 * is set again. Only while one thread alone holds the snapshot, before it is shared. An index out of range frees the
 * part at once. */
void vgw_snapshot_set(struct vgw_snapshot *snapshot, size_t i, void *part, void (*free_part)(void *part));
/** Part `i`, borrowed while a reference is held; NULL when empty or out of range. Thread: any. */
void *vgw_snapshot_get(const struct vgw_snapshot *snapshot, size_t i);
uint64_t vgw_snapshot_generation(const struct vgw_snapshot *snapshot); /* 0 for NULL */
struct vgw_snapshot *vgw_snapshot_ref(struct vgw_snapshot *snapshot);  /* bears NULL; any thread that holds one */
/** Takes NULL. The last one frees all parts, the highest index first, on the calling thread. */
void vgw_snapshot_unref(struct vgw_snapshot *snapshot);
#endif
