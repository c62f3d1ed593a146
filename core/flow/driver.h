/* driver.h - what the flow engine needs done for it: a struct of callbacks. Control thread. */
#ifndef VGW_FLOW_DRIVER_H
#define VGW_FLOW_DRIVER_H
#include <stdint.h>
#include "action/registry.h"
#include "base/log.h"

/** Who acts; borrowed for the call, strings may be NULL. */
struct vgw_flow_ids {
    const char *run_id, *workflow, *rule; /* workflow or rule */
    const char *call_id, *session_id, *project_id;
};

struct vgw_flow_driver {
    void *arg;
    /** Starts an action that answers once by vgw_flow_engine_action_done(engine, *ret_op, …), perhaps before this
     * returns. `op` must be neither 0 nor have its highest bit set, and not be used again soon. Negative: nothing was
     * started. */
    int (*start_action)(void *arg, const char *name, const struct vgw_json *params,
                        const struct vgw_action_context *context, uint64_t *ret_op, struct vgw_error *err);
    /** Nobody waits for it any more. */
    void (*cancel_action)(void *arg, uint64_t op);
    /** Publishes an event; takes `data`. The envelope must carry `caused_by` on when it is not 0, as an integer of that
     * name. It may call vgw_flow_engine_on_event() at once. May be NULL. */
    void (*emit)(void *arg, const char *type, struct vgw_json *data, const struct vgw_flow_ids *ids, int caused_by);
    /** A log step. May be NULL. */
    void (*log)(void *arg, enum vgw_log_level level, const char *message, const struct vgw_flow_ids *ids);
    /** A workflow's run got a call of its own (`on`), or has ended and lets go of it: once each, with the same
     * ids->call_id. May be NULL. */
    void (*hold)(void *arg, const struct vgw_flow_ids *ids, bool on);
    /** The next vgw_flow_engine_tick() is due at this time (INT64_MAX: none is), after everything that may have moved
     * it. May be NULL. */
    void (*arm)(void *arg, int64_t at_us);
    /** A run has ended. May be NULL. */
    void (*finished)(void *arg, const struct vgw_flow_ids *ids, const char *status);
    /** Writes a fresh run id of at most VGW_ID_MAX bytes. NULL: the engine counts ("run-1"). */
    void (*make_id)(void *arg, char *out);
};

struct vgw_flow_engine;
/** Joins an engine to a registry: vgw_flow_registry_start and _cancel fit start_action and cancel_action with a link as
 * `arg`. The link lives as long as the engine. */
struct vgw_flow_registry_link {
    struct vgw_action_registry *registry;
    struct vgw_flow_engine *engine; /* set it once the engine exists */
    int64_t (*now_us)(void *arg);   /* the loop's time, when an answer comes */
    void *arg;
};
int vgw_flow_registry_start(void *link, const char *name, const struct vgw_json *params,
                            const struct vgw_action_context *context, uint64_t *ret_op, struct vgw_error *err);
void vgw_flow_registry_cancel(void *link, uint64_t op);
#endif
