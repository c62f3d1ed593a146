/* registry.h - actions by name: the steps of workflows and the tools of conversations. Rooms and plugins register
 * theirs when they start; flow/ and talk/ start them. All functions: control thread. */
#ifndef VGW_ACTION_REGISTRY_H
#define VGW_ACTION_REGISTRY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "base/json.h"

enum vgw_param_type {
    VGW_PARAM_STRING,
    VGW_PARAM_INT,
    VGW_PARAM_NUMBER,
    VGW_PARAM_BOOL,
    VGW_PARAM_DURATION, /* "5s" or seconds as a number */
    VGW_PARAM_OBJECT,
    VGW_PARAM_ARRAY,
    VGW_PARAM_ANY,
};

/** One parameter of an action; a row of the table from which checks and documents are made. */
struct vgw_action_param {
    const char *name;
    enum vgw_param_type type;
    bool required;
    bool templated;      /* {{ … }} may stand in it, so its type is checked when it runs */
    const char *choices; /* allowed words separated by spaces, or NULL */
    const char *description;
};

/* Flags of an action. */
#define VGW_ACTION_STEP 1u       /* may stand in a workflow */
#define VGW_ACTION_TOOL 2u       /* an assistant may call it */
#define VGW_ACTION_IDEMPOTENT 4u /* may be repeated when its outcome is not known */
#define VGW_ACTION_MAKES_CALL 8u /* its result's call_id becomes the run's own call when the run has none */
#define VGW_ACTION_ENDS_CALL 16u /* it ends the run's call by intention: no hang-up by the caller */
#define VGW_ACTION_TWIML 32u     /* only for routes with media: twiml */
#define VGW_ACTION_ANY_PARAM 64u /* parameters beyond the table are passed on */
#define VGW_ACTION_LISTED 128u   /* as a tool only for agents that list it by name: it reaches beyond its own call */
#define VGW_ACTION_CONFIGURED                                                                                          \
    256u /* it comes from the configuration, and may be replaced by another of that kind; ANY_PARAM goes with it */

/** Slot and generation; 0 is no handle, the highest bit is never set. A handle whose work is done or cancelled is stale
 * for ever. */
typedef uint64_t vgw_action_handle;

/** On whose behalf an action runs. Borrowed for the call of run(); any string may be NULL. */
struct vgw_action_context {
    const char *call_id; /* the run's own call: the default of every call_id parameter */
    const char *session_id;
    const char *project_id;
    const char *run_id;
    const char *workflow;
    const struct vgw_json *variables; /* the session's variables, or NULL */
    int caused_by;                    /* rule depth; events that the action causes carry it on */
    int64_t timeout_us;               /* after this long the starter cancels; 0: it does not say */
    bool url_is_constant; /* the step's `url` or `audio_url` stands in the configuration: no template chose it */
    bool sensitive;       /* what it handles belongs into no event, transcript or log */
};

struct vgw_action_registry;

/** What somebody registers. Everything is copied; `arg` must live until the action is removed or the registry freed. */
struct vgw_action_desc {
    const char *name;
    const char *description;
    const char *result; /* what the result holds, as in contract.md's table */
    const struct vgw_action_param *params;
    size_t param_count;
    unsigned flags;
    int64_t default_timeout_us; /* 0: none */
    /** Starts the work. `params` are rendered, borrowed and read only. 0: exactly one vgw_action_complete() follows,
     * now or later. Negative: nothing was started, `err` says why, and no completion may follow. */
    int (*run)(void *arg, vgw_action_handle handle, const struct vgw_json *params,
               const struct vgw_action_context *context, struct vgw_error *err);
    /** Nobody waits any more: stop if that is possible. The handle is stale already; completing it is harmless. May be
     * NULL. */
    void (*cancel)(void *arg, vgw_action_handle handle);
    /** Further checks of constant parameters, for --check. May be NULL. Negative and `err` when they are refused. */
    int (*validate)(void *arg, const struct vgw_json *params, struct vgw_error *err);
    void *arg;
};

/** Told exactly once how a started action ended, unless it was cancelled. `result` is borrowed (take a reference to
 * keep it), `error` is a sentence or NULL. */
typedef void (*vgw_action_done)(void *arg, vgw_action_handle handle, int status, struct vgw_json *result,
                                const char *error);

/** `max_live`: how many may be under way at once (0: 10,000). NULL: out of memory. */
struct vgw_action_registry *vgw_action_registry_new(size_t max_live);
/** Takes NULL. Cancels what is under way; nobody is told. */
void vgw_action_registry_free(struct vgw_action_registry *reg);

/** Adds an action. VGW_EINVALID: a bad name or table; VGW_EBUSY: the name is taken. */
int vgw_action_register(struct vgw_action_registry *reg, const struct vgw_action_desc *desc, struct vgw_error *err);
/** The same for one whose parameters follow a JSON Schema instead of a table; `schema` is copied. One of that name that
 * is CONFIGURED too is replaced, and what is under way of it goes on. */
int vgw_action_register_schema(struct vgw_action_registry *reg, const struct vgw_action_desc *desc,
                               const struct vgw_json *schema, struct vgw_error *err);
/** Takes an action out (a plugin left). What is under way ends with VGW_EUNSUPPORTED. False: no such name. */
bool vgw_action_unregister(struct vgw_action_registry *reg, const char *name);
/** The registered copy, or NULL. Valid until it is unregistered. Bears a NULL registry. */
const struct vgw_action_desc *vgw_action_find(const struct vgw_action_registry *reg, const char *name);
/** In order of registration: `for (size_t i = 0; vgw_action_next(reg, &i, &desc);)`. */
bool vgw_action_next(const struct vgw_action_registry *reg, size_t *cursor, const struct vgw_action_desc **ret_desc);
/** The registered name nearest to a mistyped one, or NULL. */
const char *vgw_action_nearest(const struct vgw_action_registry *reg, const char *name);

/** Called for each thing that is wrong: the parameter's name ("" for the whole) and a sentence. */
typedef void (*vgw_action_report)(void *arg, const char *param, const char *sentence);
/** Checks `params` (an object or NULL, as written: templates unrendered) against the table: unknown names with the
 * nearest match, missing ones, types and choices of constants. Returns how many things were wrong. `report` may be
 * NULL. Pure. */
int vgw_action_validate(const struct vgw_action_desc *desc, const struct vgw_json *params, vgw_action_report report,
                        void *arg);
/** The table check alone, for steps that nobody has registered yet. */
int vgw_action_validate_params(const struct vgw_action_param *params, size_t param_count, bool any_param,
                               const struct vgw_json *given, vgw_action_report report, void *arg);
/** Checks rendered parameters before a start: the first wrong one becomes VGW_EINVALID with a sentence. */
int vgw_action_check(const struct vgw_action_desc *desc, const struct vgw_json *params, struct vgw_error *err);

/** Checks arguments as vgw_action_start() does: against the table, or the schema. */
int vgw_action_check_arguments(const struct vgw_action_registry *reg, const char *name, const struct vgw_json *params,
                               struct vgw_error *err);
/** Starts an action. 0 and a handle: `done` is called once (perhaps before this returns, with the same handle), unless
 * the handle is cancelled. Negative: VGW_EUNSUPPORTED (no such action), VGW_EINVALID (parameters), VGW_ELIMIT (too many
 * under way), or what the action said; `done` is not called. `params` are borrowed. */
int vgw_action_start(struct vgw_action_registry *reg, const char *name, const struct vgw_json *params,
                     const struct vgw_action_context *context, vgw_action_done done, void *arg,
                     vgw_action_handle *ret_handle, struct vgw_error *err);
/** The starter stops waiting: `done` will not be called. False: the handle is stale. */
bool vgw_action_cancel(struct vgw_action_registry *reg, vgw_action_handle handle);
/** The action's answer. Takes `result` (may be NULL) in every case; `error` is copied by who wants it. Returns false,
 * and counts it, when the handle is stale. */
bool vgw_action_complete(struct vgw_action_registry *reg, vgw_action_handle handle, int status, struct vgw_json *result,
                         const char *error);
/** What runs under a handle, or NULL. */
const struct vgw_action_desc *vgw_action_of(const struct vgw_action_registry *reg, vgw_action_handle handle);
/** True while an answer is awaited. */
bool vgw_action_is_live(const struct vgw_action_registry *reg, vgw_action_handle handle);

struct vgw_action_counts {
    size_t live;
    uint64_t started, completed, failed, cancelled;
    uint64_t stale; /* completions that nobody waited for */
};
struct vgw_action_counts vgw_action_counts(const struct vgw_action_registry *reg);
/** {"name","description","result","params":[…],…} for the API and documents; NULL when out of memory. Caller frees. */
struct vgw_json *vgw_action_describe(const struct vgw_action_desc *desc);
/** What a model is told of a tool: {"name","description","parameters":{JSON Schema}}; NULL: no such action, or out of
 * memory. `own`: for a conversation, which can use its own call and session alone: the parameters that would name
 * others are left out. Caller frees. */
struct vgw_json *vgw_action_offer(const struct vgw_action_registry *reg, const char *name, bool own);
/** Does the parameter name a call, a session or a caller, which a conversation may not choose? */
bool vgw_action_param_is_own(const char *name);
/** "string", "int", … */
const char *vgw_param_type_name(enum vgw_param_type type);
#endif
