/* set.h - the workflows and rules of one configuration: built, then only read. A part of a snapshot. Control thread. */
#ifndef VGW_FLOW_SET_H
#define VGW_FLOW_SET_H
#include "flow/rule.h"
#include "flow/workflow.h"

struct vgw_flow_set;
/** Empty, with one reference. NULL: out of memory. */
struct vgw_flow_set *vgw_flow_set_new(void);
struct vgw_flow_set *vgw_flow_set_ref(struct vgw_flow_set *set);
void vgw_flow_set_unref(struct vgw_flow_set *set); /* takes NULL */
/** Adds a definition, taking the caller's reference in every case. VGW_ECONFIG: its id or command is taken; the
 * sentence names the other's place, err->place is its own. */
int vgw_flow_set_add_workflow(struct vgw_flow_set *set, struct vgw_workflow *w, struct vgw_error *err);
int vgw_flow_set_add_rule(struct vgw_flow_set *set, struct vgw_rule *r, struct vgw_error *err);
/** Reports run_workflow steps that name workflows which are not here; returns how many. `report` may be NULL. */
int vgw_flow_set_check(const struct vgw_flow_set *set, void (*report)(void *arg, const struct vgw_error *err),
                       void *arg);
/** NULL when there is none. All bear a NULL set. */
struct vgw_workflow *vgw_flow_set_workflow(const struct vgw_flow_set *set, const char *id);
/** By trigger_command, with or without the slash. */
struct vgw_workflow *vgw_flow_set_command(const struct vgw_flow_set *set, const char *command);
/** The nearest known id or command, for sentences; NULL when none is near. */
const char *vgw_flow_set_nearest_workflow(const struct vgw_flow_set *set, const char *id);
const char *vgw_flow_set_nearest_command(const struct vgw_flow_set *set, const char *command);
struct vgw_rule *vgw_flow_set_rule(const struct vgw_flow_set *set, const char *id);
size_t vgw_flow_set_workflow_count(const struct vgw_flow_set *set);
struct vgw_workflow *vgw_flow_set_workflow_at(const struct vgw_flow_set *set, size_t i);
size_t vgw_flow_set_rule_count(const struct vgw_flow_set *set);
struct vgw_rule *vgw_flow_set_rule_at(const struct vgw_flow_set *set, size_t i);
/** Numbers of the rules that an event of that type concerns, in the order of the set; borrowed. */
struct vgw_rule_numbers {
    size_t *items;
    size_t count, cap;
};
const struct vgw_rule_numbers *vgw_flow_set_rules_for(const struct vgw_flow_set *set, const char *event_type);
#endif
