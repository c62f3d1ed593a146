/* recent.c - the provider ids of calls that ended not long ago, so that a repeated webhook makes no second session. */
#include "base/alloc.h"
#include "base/str.h"
#include "call/inside.h"

int vgw_recent_init(struct vgw_recent *r)
{
    r->by_key = vgw_map_new(vgw_free);
    return r->by_key ? VGW_OK : VGW_ELIMIT;
}

void vgw_recent_done(struct vgw_recent *r)
{
    for (size_t i = 0; i < VGW_CALLS_RECENT_MAX; i++)
        vgw_free(r->keys[i]);
    vgw_map_free(r->by_key);
}

void vgw_recent_add(struct vgw_recent *r, const char *key, const char *call_id)
{
    if (vgw_map_has(r->by_key, key))
        return;
    char *kept = vgw_strdup(key), *value = vgw_strdup(call_id);
    char **slot = &r->keys[r->next];
    if (!kept || !value || vgw_map_set(r->by_key, key, value) != VGW_OK) {
        vgw_free(kept);
        vgw_free(value);
        return;
    }
    if (*slot)
        vgw_map_remove(r->by_key, *slot);
    vgw_free(*slot);
    *slot = kept;
    r->next = (r->next + 1) % VGW_CALLS_RECENT_MAX;
}

const char *vgw_recent_find(const struct vgw_recent *r, const char *key)
{
    return vgw_map_get(r->by_key, key);
}
