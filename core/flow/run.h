/* run.h - one run of a workflow (or of a rule's actions): a machine of (state, input, now) to (state, effects). It
 * reads no clock and does nothing itself. Control thread.
 *
 * status: running -> completed | failed | canceled. Every function below may move it on and appends effects; after
 * FINISHED nothing more comes. Times are the loop's microseconds; wall times in listings are now + env->wall_offset_us.
 */
#ifndef VGW_FLOW_RUN_H
#define VGW_FLOW_RUN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "action/registry.h"
#include "base/id.h"
#include "base/list.h"
#include "flow/effect.h"
#include "flow/workflow.h"

/** Bounds, each with its default in vgw_flow_limits_default. */
struct vgw_flow_limits {
    size_t max_runs;     /* at once: 1,000 */
    size_t max_steps;    /* executed in one run: 10,000 */
    size_t max_history;  /* ended runs kept: 1,000 */
    size_t max_log;      /* steps kept in one run's list, the newest: 500 */
    size_t max_items;    /* of one for_each: 1,000 */
    size_t max_vars;     /* names that one run may hold: 256 */
    size_t max_nesting;  /* run_workflow in run_workflow: 8 */
    size_t max_pending;  /* events that wait while one is handled: 10,000 */
    size_t max_output;   /* bytes of one step's output kept after the end: 4,096 */
    size_t steps_a_turn; /* before other work gets its turn: 1,000 */
    int max_caused_by;   /* rule causes rule: 4 */
    int64_t max_run_us;  /* a run may take: 1 h */
};
extern const struct vgw_flow_limits vgw_flow_limits_default;

/** What runs share; outlives them. */
struct vgw_run_env {
    struct vgw_flow_limits limits;
    const struct vgw_action_registry *actions; /* for flags and default time-outs; may be NULL */
    int64_t wall_offset_us;
    bool quiet; /* no workflow_* events */
};

/** How a run starts; all borrowed, strings may be NULL. */
struct vgw_run_start {
    const char *run_id;
    const struct vgw_json *trigger; /* an event, or {"type":"command","data":{…}}; referenced, must not change */
    const char *call_id, *session_id, *project_id;
    const struct vgw_json *variables; /* the session's, as {{ variables.X }}; referenced */
    int caused_by;
    size_t nesting;
};

enum vgw_run_status { VGW_RUN_RUNNING, VGW_RUN_COMPLETED, VGW_RUN_FAILED, VGW_RUN_CANCELED };
enum vgw_run_wait { VGW_WAIT_NONE, VGW_WAIT_DELAY, VGW_WAIT_RETRY, VGW_WAIT_TURN, VGW_WAIT_EVENT, VGW_WAIT_ACTION };
enum vgw_step_status { VGW_STEP_RUNNING, VGW_STEP_COMPLETED, VGW_STEP_FAILED, VGW_STEP_SKIPPED, VGW_STEP_CANCELED };

struct vgw_step_record {
    const struct vgw_step *step;
    enum vgw_step_status status;
    int tries;
    struct vgw_json *output;
    char *error;
    int64_t started_us, ended_us; /* wall; 0: not yet */
};

enum vgw_frame_kind { VGW_FRAME_ROOT, VGW_FRAME_BLOCK, VGW_FRAME_LOOP, VGW_FRAME_HANDLER };
struct vgw_run_frame {
    enum vgw_frame_kind kind;
    const struct vgw_block *block;
    size_t pc;
    uint64_t record; /* the owner's, by number */
    struct vgw_json *items, *saved, *saved_loop;
    bool had_saved;
    size_t index;
};
#define VGW_RUN_FRAMES (VGW_BLOCK_DEPTH_MAX + 4)

struct vgw_run_waiter {
    struct vgw_list node;
    struct vgw_run *run;
};

/** Read only for everyone but run*.c, the last part but the engine. */
struct vgw_run {
    const struct vgw_run_env *env;
    char id[VGW_ID_MAX];
    struct vgw_workflow *workflow; /* a reference: the definition it started with */
    struct vgw_json *trigger, *vars, *result;
    char *call_id, *session_id, *project_id;
    int caused_by;
    size_t nesting;
    bool call_over; /* its call ended by intention, or it does not mind */
    enum vgw_run_status status;
    char *error;
    int error_status;
    int64_t started_us, ended_us; /* wall */
    int64_t limit_us, wake_us, timer_us;
    enum vgw_run_wait wait;
    uint64_t ticket; /* of the action that is awaited */
    char *wait_call; /* of wait_for: only events of this call; NULL: any */
    int tries;
    size_t steps_done;
    struct vgw_run_frame frames[VGW_RUN_FRAMES];
    size_t frame_count;
    struct vgw_step_record *records; /* a ring of record_cap, newest record_count of record_next */
    size_t record_cap, record_count;
    uint64_t record_next;
    /* the engine's */
    struct vgw_list all_node;  /* in the order of their start */
    struct vgw_list live_node; /* live, later kept */
    struct vgw_list call_node, op_node;
    struct vgw_run_waiter waiters[VGW_STEP_EVENTS_MAX];
    size_t heap_index; /* + 1; 0: in no heap */
    int64_t heap_at_us;
    uint64_t op, parent_op;
    bool finish_told; /* its FINISHED effect is in the list */
    bool held;        /* the driver was told that the run keeps its call */
};

/** A run that has not begun. VGW_ELIMIT: memory. */
int vgw_run_new(const struct vgw_run_env *env, struct vgw_workflow *workflow, const struct vgw_run_start *start,
                int64_t now_us, struct vgw_run **ret_run, struct vgw_error *err);
void vgw_run_free(struct vgw_run *run); /* takes NULL */
/** Runs the first steps. */
void vgw_run_begin(struct vgw_run *run, int64_t now_us, struct vgw_effects *fx);
/** The timer of the last TIMER effect. Early calls do nothing. */
void vgw_run_on_timer(struct vgw_run *run, int64_t now_us, struct vgw_effects *fx);
/** An event of a type that the current wait_for names. True when it was what the run waited for. */
bool vgw_run_on_event(struct vgw_run *run, const struct vgw_json *event, int64_t now_us, struct vgw_effects *fx);
/** An action's answer. Takes `result`. False when nobody waited for that ticket. `error` may be NULL. */
bool vgw_run_on_action_done(struct vgw_run *run, uint64_t ticket, int status, struct vgw_json *result,
                            const char *error, int64_t now_us, struct vgw_effects *fx);
/** The run's own call ended, and not by the step that is under way. */
void vgw_run_on_call_ended(struct vgw_run *run, int64_t now_us, struct vgw_effects *fx);
/** Ends it now as canceled; `reason` is a sentence. False when it had ended. */
bool vgw_run_cancel(struct vgw_run *run, const char *reason, int64_t now_us, struct vgw_effects *fx);
/** The step under way; NULL when none is. */
const struct vgw_step *vgw_run_step(const struct vgw_run *run);
/** Drops what an ended run needs no more (variables, large outputs). */
void vgw_run_compact(struct vgw_run *run);
/** The run as options.md shapes it; `with_steps`: its list of steps too. NULL: out of memory. Caller frees. */
struct vgw_json *vgw_run_show(const struct vgw_run *run, bool with_steps);
const char *vgw_run_status_name(enum vgw_run_status status);
const char *vgw_step_status_name(enum vgw_step_status status);

/* Between run.c and its neighbours. */
enum vgw_exec { VGW_EXEC_DONE = 0, VGW_EXEC_WAITS = 1, VGW_EXEC_ENTERED = 2, VGW_EXEC_ENDED = 3 };
/** Carries out one try of a step: an enum vgw_exec, or a negative status and `err`. *ret_output is owned by the caller.
 */
int vgw_run_execute(struct vgw_run *run, const struct vgw_step *step, int64_t now_us, struct vgw_effects *fx,
                    struct vgw_json **ret_output, struct vgw_error *err);
/** Sets a variable; takes `value`. */
int vgw_run_set(struct vgw_run *run, const char *name, struct vgw_json *value, struct vgw_error *err);
/** Enters a list of steps that belongs to the current step. */
int vgw_run_enter(struct vgw_run *run, enum vgw_frame_kind kind, const struct vgw_block *block, struct vgw_error *err);
/** Puts the loop's variables at the current item. */
int vgw_run_loop_vars(struct vgw_run *run, struct vgw_run_frame *f, const struct vgw_step *step, struct vgw_error *err);
void vgw_run_finish(struct vgw_run *run, enum vgw_run_status status, int error_status, const char *error,
                    int64_t now_us, struct vgw_effects *fx);
/** Numbers of records; NULL when it is no longer kept. */
struct vgw_step_record *vgw_run_record(struct vgw_run *run, uint64_t number);
struct vgw_step_record *vgw_run_record_open(struct vgw_run *run, const struct vgw_step *step, int64_t now_us);
/** Closes a record (once) and appends its workflow_step event. `output` is borrowed. */
void vgw_run_record_close(struct vgw_run *run, uint64_t number, enum vgw_step_status status, struct vgw_json *output,
                          const char *error, int64_t now_us, struct vgw_effects *fx);
void vgw_run_emit(struct vgw_run *run, const char *type, struct vgw_json *data, struct vgw_effects *fx);
#endif
