/* workflow.h - workflows as compiled: immutable, counted, shared by the runs that started with them. Control thread. */
#ifndef VGW_FLOW_WORKFLOW_H
#define VGW_FLOW_WORKFLOW_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "flow/condition.h"
#include "flow/source.h"
#include "flow/template.h"

#define VGW_BLOCK_DEPTH_MAX 12      /* steps in steps in steps */
#define VGW_BLOCK_STEPS_MAX 500     /* in one list */
#define VGW_WORKFLOW_STEPS_MAX 2000 /* in one workflow */
#define VGW_STEP_EVENTS_MAX 8       /* event types that one wait_for may name */
#define VGW_STEP_CASES_MAX 100

enum vgw_step_type {
    VGW_STEP_DELAY,
    VGW_STEP_LOG,
    VGW_STEP_SET,
    VGW_STEP_IF,
    VGW_STEP_SWITCH,
    VGW_STEP_FOR_EACH,
    VGW_STEP_WAIT_FOR,
    VGW_STEP_RUN_WORKFLOW,
    VGW_STEP_EMIT_EVENT,
    VGW_STEP_STOP,
    VGW_STEP_ACTION, /* carried out by whoever registered the name: voice_*, gather, http_request, … */
};
enum vgw_on_error { VGW_ON_ERROR_FAIL, VGW_ON_ERROR_CONTINUE, VGW_ON_ERROR_STEPS };

struct vgw_step;
struct vgw_block {
    struct vgw_step *steps;
    size_t count;
};
struct vgw_case {
    struct vgw_json *value; /* NULL is null */
    struct vgw_block block;
};

/** Read only for everyone but the compiler. */
struct vgw_step {
    enum vgw_step_type type;
    char *name;   /* as written: "delay", "voice_make_call" */
    size_t index; /* from 0, in the order of the text, nested steps included */
    struct vgw_condition *when;
    int retry_max;            /* further tries after the first */
    int64_t retry_backoff_us; /* before the first further try; doubles, at most 60 s */
    int retry_after_timeout;  /* 1, 0, or -1: as the action's idempotent flag says */
    int64_t timeout_us;       /* 0: none of its own */
    enum vgw_on_error on_error;
    struct vgw_block error_block;
    char *output_key;
    bool sensitive, url_is_constant;
    struct vgw_tree *params;         /* NULL: none */
    struct vgw_condition *condition; /* of if and wait_for */
    struct vgw_block body;           /* then, the steps of for_each */
    struct vgw_block other;          /* else, default */
    struct vgw_case *cases;
    size_t case_count;
    char *as;    /* of for_each; of run_workflow the id, when it is no template */
    char *place; /* of run_workflow's id */
    char *event_types[VGW_STEP_EVENTS_MAX];
    size_t event_type_count;
};

struct vgw_workflow {
    char *id, *name, *description, *trigger_command; /* the command without its slash */
    char place[160];
    bool strict, hangup_continues, is_rule;
    unsigned action_flags; /* of all actions in it: VGW_ACTION_TWIML asks for a route with media: twiml */
    struct vgw_block root;
    size_t step_count;
    long refs;
};

/** Compiles {id, name, description, trigger_command, on_hangup, strict, steps}. Every error is reported; 0 and a
 * definition with one reference, or the first error's status. */
int vgw_workflow_compile(const struct vgw_flow_source *source, struct vgw_workflow **ret_workflow,
                         struct vgw_error *err);
struct vgw_workflow *vgw_workflow_ref(struct vgw_workflow *w);
void vgw_workflow_unref(struct vgw_workflow *w); /* takes NULL */
/** True when it must run on a route with media: twiml (redirect, enqueue, dial, conference). */
bool vgw_workflow_needs_twiml(const struct vgw_workflow *w);
/** {"id","name","description","trigger_command","steps"} for listings; NULL: out of memory. */
struct vgw_json *vgw_workflow_describe(const struct vgw_workflow *w);
/** True when only the core may write events of this type, so that emit_event is refused. */
bool vgw_event_type_is_reserved(const char *type);

/* For the compilers of this room. */
/** Compiles a list of steps at the current place into `ret_block` (which must be empty); errors are reported to `c`. */
void vgw_block_compile(struct vgw_compile *c, const struct vgw_json *list, int depth, struct vgw_block *ret_block);
void vgw_block_done(struct vgw_block *b);
/** A copied text, or NULL after a report. */
char *vgw_compile_text(struct vgw_compile *c, const char *s);
/** Letters, digits, '_', '-', '.': at most 64. Reports otherwise. */
bool vgw_compile_name(struct vgw_compile *c, const char *what, const char *s);
/** A duration, as text or seconds. Reports otherwise. */
bool vgw_compile_duration(struct vgw_compile *c, const struct vgw_json *v, int64_t *ret_us);
#endif
