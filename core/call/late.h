/* late.h - calls that ended not long ago: a vendor's price and its recording come when the record is written. */
#ifndef VGW_CALL_LATE_H
#define VGW_CALL_LATE_H
#include "call/call.h"

#define VGW_CALLS_LATE_MAX 1000

struct vgw_late_call {
    uint64_t handle;
    bool alone; /* the only call of its session */
    char *key;  /* instance and provider_call_id, or NULL */
    char *project_id;
    struct vgw_json *call; /* its shape, as the record shows it */
};

struct vgw_late {                        /* a ring */
    uint64_t hashes[VGW_CALLS_LATE_MAX]; /* of the keys: every call that comes in is looked for here */
    struct vgw_late_call *slots[VGW_CALLS_LATE_MAX];
    size_t next;
};

void vgw_late_add(struct vgw_late *l, const struct vgw_call *call, const char *key);
struct vgw_late_call *vgw_late_find(struct vgw_late *l, uint64_t handle);
struct vgw_late_call *vgw_late_find_key(struct vgw_late *l, const char *key);
void vgw_late_done(struct vgw_late *l);

#endif
