/* engine.h - live runs and rule states. It owns them, hands events, answers and time to them, and carries out what they
 * ask for through its driver. It reads no clock. Control thread. Callbacks may call back in at once: events and answers
 * that arrive while the engine is at work are queued and handled before the outer call returns. */
#ifndef VGW_FLOW_ENGINE_H
#define VGW_FLOW_ENGINE_H
#include "flow/driver.h"
#include "flow/run.h"
#include "flow/set.h"

struct vgw_flow_engine;
/** `limits` NULL: the defaults. `actions` (flags, default time-outs) may be NULL, is borrowed and outlives the engine;
 * so does what driver->arg points to. NULL: out of memory. */
struct vgw_flow_engine *vgw_flow_engine_new(const struct vgw_flow_driver *driver, const struct vgw_flow_limits *limits,
                                            const struct vgw_action_registry *actions);
/** Takes NULL. Ends what runs without telling anybody but cancel_action. Never from inside a callback. */
void vgw_flow_engine_free(struct vgw_flow_engine *e);
/** Wall time minus the loop's time, for listings; set it at start and when the wall clock is put. */
void vgw_flow_engine_set_wall_offset(struct vgw_flow_engine *e, int64_t offset_us);
/** No workflow_* events (benches). */
void vgw_flow_engine_set_quiet(struct vgw_flow_engine *e, bool quiet);
/** From now on these definitions; takes one more reference. Runs keep theirs; rules keep their state by id. VGW_ELIMIT:
 * memory, and the old set stays. */
int vgw_flow_engine_swap(struct vgw_flow_engine *e, struct vgw_flow_set *set, struct vgw_error *err);
const struct vgw_flow_set *vgw_flow_engine_set(const struct vgw_flow_engine *e);

/** An event as published (envelope with data); borrowed, kept by reference while runs need it, so it must not change.
 */
void vgw_flow_engine_on_event(struct vgw_flow_engine *e, const struct vgw_json *event, int64_t now_us);
/** An action's answer. Takes `result`; `error` may be NULL. False: nobody waited for it (it is counted), or it could
 * not be queued. */
bool vgw_flow_engine_action_done(struct vgw_flow_engine *e, uint64_t op, int status, struct vgw_json *result,
                                 const char *error, int64_t now_us);
/** Runs what is due. */
void vgw_flow_engine_tick(struct vgw_flow_engine *e, int64_t now_us);
/** When vgw_flow_engine_tick() is wanted next; INT64_MAX: never. */
int64_t vgw_flow_engine_next_deadline(const struct vgw_flow_engine *e);

/** How a run is asked for; strings and JSON borrowed, each may be NULL. `args` becomes the trigger's data. */
struct vgw_flow_request {
    const struct vgw_json *args;
    const struct vgw_json *event; /* in place of args: the event that brought it */
    const char *call_id, *session_id, *project_id;
    const struct vgw_json *variables;
};
/** Starts a workflow by id. `ret_run_id` holds VGW_ID_MAX. VGW_ENOTFOUND (with the nearest id), VGW_ELIMIT. */
int vgw_flow_engine_run(struct vgw_flow_engine *e, const char *workflow_id, const struct vgw_flow_request *request,
                        int64_t now_us, char *ret_run_id, struct vgw_error *err);
/** The same by trigger_command. */
int vgw_flow_engine_command(struct vgw_flow_engine *e, const char *command, const struct vgw_flow_request *request,
                            int64_t now_us, char *ret_run_id, struct vgw_error *err);
/** Cancels a run. VGW_ENOTFOUND; VGW_EBUSY: it has ended. */
int vgw_flow_engine_cancel(struct vgw_flow_engine *e, const char *run_id, int64_t now_us, struct vgw_error *err);

/** One run with its steps, live or kept; NULL when unknown or out of memory. Caller frees. */
struct vgw_json *vgw_flow_engine_show(const struct vgw_flow_engine *e, const char *run_id);
/** Newest first, without steps: at most `limit` (0: 50) after the run `cursor` (NULL: from the start), of `status` and
 * `workflow` when not NULL: {"count","runs",["next_cursor"]}. NULL: out of memory. Caller frees. */
struct vgw_json *vgw_flow_engine_list(const struct vgw_flow_engine *e, const char *workflow, const char *status,
                                      const char *project_id, const char *cursor, size_t limit);
/** {"count","workflows"} and {"count","rules"} with counters. Caller frees. */
struct vgw_json *vgw_flow_engine_workflows(const struct vgw_flow_engine *e);
struct vgw_json *vgw_flow_engine_rules(const struct vgw_flow_engine *e);
/** A rule's state by id; NULL: no such rule. */
const struct vgw_rule_state *vgw_flow_engine_rule_state(const struct vgw_flow_engine *e, const char *rule_id);
/** True while a live run has that call as its own. */
bool vgw_flow_engine_holds_call(const struct vgw_flow_engine *e, const char *call_id);

struct vgw_flow_counts {
    size_t live, kept;
    uint64_t started, completed, failed, canceled, refused;
    uint64_t stale;   /* answers that nobody waited for */
    uint64_t dropped; /* events and answers beyond max_pending */
};
struct vgw_flow_counts vgw_flow_engine_counts(const struct vgw_flow_engine *e);
#endif
