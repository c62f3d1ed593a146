/* engine_internal.h - the engine's own state, between engine*.c only. */
#ifndef VGW_FLOW_ENGINE_INTERNAL_H
#define VGW_FLOW_ENGINE_INTERNAL_H
#include "base/map.h"
#include "flow/engine.h"

#define VGW_ENGINE_BUCKETS 1024
#define VGW_ENGINE_OWN_OP (UINT64_C(1) << 63) /* marks waits for a child run */

struct vgw_rule_slot {
    struct vgw_rule_state state;
    struct vgw_json *pending; /* the debounced event */
    int caused_by;
};

/* What came while the engine was at work. */
struct vgw_engine_item {
    struct vgw_engine_item *next;
    struct vgw_json *json; /* the event or the result */
    bool is_event;
    uint64_t op;
    int status;
    char *error;
};

struct vgw_flow_engine {
    struct vgw_flow_driver driver;
    struct vgw_run_env env;
    struct vgw_flow_set *set;
    struct vgw_rule_slot *slots; /* beside the set's rules */
    size_t slot_count;
    size_t debounced; /* slots with a pending event */
    struct vgw_list all, live, kept;
    struct vgw_map *runs;    /* id -> run, borrowed */
    struct vgw_map *waiting; /* event type -> struct vgw_list of waiters */
    struct vgw_list calls[VGW_ENGINE_BUCKETS], ops[VGW_ENGINE_BUCKETS];
    struct vgw_run **heap;
    size_t heap_count, heap_cap;
    struct vgw_effects fx;
    bool busy;
    struct vgw_engine_item *first, *last;
    size_t pending;
    uint64_t next_id, next_op;
    int64_t now_us;
    struct vgw_flow_counts counts;
};

/** The heap of timers. Room for one more run is made at its start, so that setting cannot fail. */
bool vgw_engine_heap_reserve(struct vgw_flow_engine *e);
void vgw_engine_heap_set(struct vgw_flow_engine *e, struct vgw_run *run, int64_t at_us);
void vgw_engine_heap_remove(struct vgw_flow_engine *e, struct vgw_run *run);
#endif
