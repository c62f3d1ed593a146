/* rule.h - rules: when an event of a type meets conditions, actions run. The decision is a pure function of (rule,
 * state, event, now). Control thread. */
#ifndef VGW_FLOW_RULE_H
#define VGW_FLOW_RULE_H
#include <stdbool.h>
#include <stdint.h>
#include "flow/workflow.h"

#define VGW_RULE_EVENTS_MAX 32

/** Immutable, counted. */
struct vgw_rule {
    char *id, *name;
    char place[160];
    bool enabled;
    char *event_types[VGW_RULE_EVENTS_MAX]; /* "*" is any */
    size_t event_type_count;
    struct vgw_condition *conditions;
    struct vgw_workflow *actions;  /* its steps, as a workflow with is_rule */
    int64_t debounce_us;           /* fires once the events have paused this long, with the last of them; 0: at once */
    double rate_per_s, rate_burst; /* 0: no limit */
    long refs;
};

/** What changes: the engine keeps one a rule, and carries it over a reload by id. A zeroed state is fresh. */
struct vgw_rule_state {
    bool bucket_filled;
    double tokens;
    int64_t refilled_us;
    int64_t debounce_at_us; /* 0: nothing pending */
    uint64_t matched, fired, suppressed, failed;
};

enum vgw_rule_decision {
    VGW_RULE_NO_MATCH,
    VGW_RULE_FIRE,
    VGW_RULE_LATER, /* debounced: ask again at state->debounce_at_us, with this event */
    VGW_RULE_RATE,  /* suppressed by its rate_limit */
    VGW_RULE_LOOP,  /* suppressed: the event was caused by rules already too many times over */
};

/** Compiles {id, name, description, enabled, trigger, conditions, actions, debounce, rate_limit, strict}; reports every
 * error. */
int vgw_rule_compile(const struct vgw_flow_source *source, struct vgw_rule **ret_rule, struct vgw_error *err);
struct vgw_rule *vgw_rule_ref(struct vgw_rule *r);
void vgw_rule_unref(struct vgw_rule *r); /* takes NULL */
/** Whether the rule names that type. */
bool vgw_rule_names(const struct vgw_rule *r, const char *event_type);
/** Decides about an event of a type that the rule names, and counts. `caused_by`: the event's depth. */
enum vgw_rule_decision vgw_rule_on_event(const struct vgw_rule *r, struct vgw_rule_state *state,
                                         const struct vgw_json *event, int caused_by, int max_caused_by,
                                         int64_t now_us);
/** The debounce time has come: VGW_RULE_FIRE or VGW_RULE_RATE, or VGW_RULE_LATER when it is not yet time. */
enum vgw_rule_decision vgw_rule_on_timer(const struct vgw_rule *r, struct vgw_rule_state *state, int64_t now_us);
/** {"id","name","enabled","event_types","matched","fired","suppressed","failed"}; NULL: out of memory. */
struct vgw_json *vgw_rule_describe(const struct vgw_rule *r, const struct vgw_rule_state *state);
#endif
