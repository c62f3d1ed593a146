/* map.h - a hash map from strings to pointers that keeps insertion order. Not thread safe. */
#ifndef VGW_BASE_MAP_H
#define VGW_BASE_MAP_H
#include <stdbool.h>
#include <stddef.h>

struct vgw_map;
/** `free_value` (may be NULL) is called for a value that is replaced, removed or left at the end. NULL: out of
 *  memory. */
struct vgw_map *vgw_map_new(void (*free_value)(void *value));
void vgw_map_free(struct vgw_map *m); /* takes NULL */
/** Adds or replaces; the key is copied. 0, or VGW_ELIMIT (then the value stays the caller's). */
int vgw_map_set(struct vgw_map *m, const char *key, void *value);
void *vgw_map_get(const struct vgw_map *m, const char *key); /* NULL when absent */
bool vgw_map_has(const struct vgw_map *m, const char *key);
bool vgw_map_remove(struct vgw_map *m, const char *key); /* frees the value */
void *vgw_map_take(struct vgw_map *m, const char *key);  /* removes without freeing */
size_t vgw_map_count(const struct vgw_map *m);
/** In order of insertion: `for (size_t i = 0; vgw_map_next(m, &i, &key, &value);)`. Removing the current entry is
 *  fine, adding is not. */
bool vgw_map_next(const struct vgw_map *m, size_t *cursor, const char **ret_key, void **ret_value);
#endif
