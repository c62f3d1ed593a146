/* late.c - what ended calls leave behind for those who come late. */
#include "call/late.h"

#include <string.h>
#include "base/alloc.h"
#include "base/str.h"

static void slot_free(struct vgw_late_call *c)
{
    if (!c)
        return;
    vgw_free(c->key);
    vgw_free(c->project_id);
    vgw_json_free(c->call);
    vgw_free(c);
}

static uint64_t hash_of(const char *key)
{
    return key ? vgw_hash64(key, strlen(key)) : 0;
}

void vgw_late_add(struct vgw_late *l, const struct vgw_call *call, const char *key)
{
    struct vgw_late_call *c;
    if (!VGW_NEW(c))
        return;
    const struct vgw_list *first = call->session->call_list.next;
    c->handle = call->handle;
    c->alone = first->next == &call->session->call_list;
    c->key = vgw_strdup(key);
    c->project_id = vgw_strdup(call->session->project_id);
    c->call = vgw_call_to_json(call);
    if (!c->call) {
        slot_free(c);
        return;
    }
    slot_free(l->slots[l->next]);
    l->hashes[l->next] = hash_of(key);
    l->slots[l->next] = c;
    l->next = (l->next + 1) % VGW_CALLS_LATE_MAX;
}

struct vgw_late_call *vgw_late_find(struct vgw_late *l, uint64_t handle)
{
    for (size_t i = 0; i < VGW_CALLS_LATE_MAX && l->slots[i]; i++)
        if (l->slots[i]->handle == handle)
            return l->slots[i];
    return NULL;
}

struct vgw_late_call *vgw_late_find_key(struct vgw_late *l, const char *key)
{
    struct vgw_late_call *found = NULL;
    uint64_t hash = hash_of(key);
    for (size_t i = 0; i < VGW_CALLS_LATE_MAX && l->slots[i]; i++)
        if (l->hashes[i] == hash && vgw_streq(l->slots[i]->key, key))
            found = l->slots[i];
    return found;
}

void vgw_late_done(struct vgw_late *l)
{
    for (size_t i = 0; i < VGW_CALLS_LATE_MAX; i++)
        slot_free(l->slots[i]);
}
