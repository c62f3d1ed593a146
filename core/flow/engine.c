/* engine.c - runs and rules at work. */
#include "flow/engine.h"
#include <stdio.h>
#include <string.h>
#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "flow/engine_internal.h"

static void flush(struct vgw_flow_engine *e);

struct vgw_flow_engine *vgw_flow_engine_new(const struct vgw_flow_driver *driver, const struct vgw_flow_limits *limits,
                                            const struct vgw_action_registry *actions)
{
    struct vgw_flow_engine *e;
    if (!VGW_NEW(e))
        return NULL;
    e->driver = *driver;
    e->env.limits = limits ? *limits : vgw_flow_limits_default;
    e->env.actions = actions;
    vgw_list_init(&e->all);
    vgw_list_init(&e->live);
    vgw_list_init(&e->kept);
    for (size_t i = 0; i < VGW_ENGINE_BUCKETS; i++) {
        vgw_list_init(&e->calls[i]);
        vgw_list_init(&e->ops[i]);
    }
    e->runs = vgw_map_new(NULL);
    e->waiting = vgw_map_new(vgw_free);
    if (!e->runs || !e->waiting) {
        vgw_flow_engine_free(e);
        return NULL;
    }
    return e;
}

static void item_free(struct vgw_engine_item *item)
{
    vgw_json_free(item->json);
    vgw_free(item->error);
    vgw_free(item);
}

static void slots_free(struct vgw_rule_slot *slots, size_t count)
{
    for (size_t i = 0; i < count; i++)
        vgw_json_free(slots[i].pending);
    vgw_free(slots);
}

void vgw_flow_engine_free(struct vgw_flow_engine *e)
{
    struct vgw_list *pos, *nxt;
    if (!e)
        return;
    e->busy = true;
    VGW_LIST_EACH (pos, nxt, &e->live) {
        struct vgw_run *run = VGW_CONTAINER_OF(pos, struct vgw_run, live_node);
        if (run->op && !(run->op & VGW_ENGINE_OWN_OP) && e->driver.cancel_action)
            e->driver.cancel_action(e->driver.arg, run->op);
    }
    VGW_LIST_EACH (pos, nxt, &e->all)
        vgw_run_free(VGW_CONTAINER_OF(pos, struct vgw_run, all_node));
    while (e->first) {
        struct vgw_engine_item *item = e->first;
        e->first = item->next;
        item_free(item);
    }
    vgw_effects_done(&e->fx);
    slots_free(e->slots, e->slot_count);
    vgw_flow_set_unref(e->set);
    vgw_map_free(e->runs);
    vgw_map_free(e->waiting);
    vgw_free(e->heap);
    vgw_free(e);
}

void vgw_flow_engine_set_wall_offset(struct vgw_flow_engine *e, int64_t offset_us)
{
    e->env.wall_offset_us = offset_us;
}

void vgw_flow_engine_set_quiet(struct vgw_flow_engine *e, bool quiet)
{
    e->env.quiet = quiet;
}

const struct vgw_flow_set *vgw_flow_engine_set(const struct vgw_flow_engine *e)
{
    return e->set;
}

struct vgw_flow_counts vgw_flow_engine_counts(const struct vgw_flow_engine *e)
{
    return e->counts;
}

/* The slot of a rule by id in the present set. */
static struct vgw_rule_slot *slot_of(const struct vgw_flow_engine *e, const char *rule_id)
{
    const struct vgw_rule *r = vgw_flow_set_rule(e->set, rule_id);
    for (size_t i = 0; r && i < e->slot_count; i++) {
        if (vgw_flow_set_rule_at(e->set, i) == r)
            return &e->slots[i];
    }
    return NULL;
}

const struct vgw_rule_state *vgw_flow_engine_rule_state(const struct vgw_flow_engine *e, const char *rule_id)
{
    const struct vgw_rule_slot *slot = slot_of(e, rule_id);
    return slot ? &slot->state : NULL;
}

int vgw_flow_engine_swap(struct vgw_flow_engine *e, struct vgw_flow_set *set, struct vgw_error *err)
{
    size_t count = vgw_flow_set_rule_count(set);
    struct vgw_rule_slot *slots = count ? vgw_calloc(count, sizeof *slots) : NULL;
    if (count && !slots)
        return vgw_error_nomem(err);
    e->debounced = 0;
    for (size_t i = 0; i < count; i++) {
        const struct vgw_rule *r = vgw_flow_set_rule_at(set, i);
        struct vgw_rule_slot *old = slot_of(e, r->id);
        if (!old)
            continue;
        slots[i] = *old;
        old->pending = NULL;
        e->debounced += slots[i].pending != NULL;
    }
    slots_free(e->slots, e->slot_count);
    e->slots = slots;
    e->slot_count = count;
    vgw_flow_set_ref(set);
    vgw_flow_set_unref(e->set);
    e->set = set;
    return 0;
}

static struct vgw_flow_ids ids_of(const struct vgw_run *run)
{
    return (struct vgw_flow_ids){
        .run_id = run->id,
        .workflow = run->workflow->is_rule ? NULL : run->workflow->id,
        .rule = run->workflow->is_rule ? run->workflow->id : NULL,
        .call_id = run->call_id,
        .session_id = run->session_id,
        .project_id = run->project_id,
    };
}

static struct vgw_list *call_bucket(const struct vgw_flow_engine *e, const char *call_id)
{
    return (struct vgw_list *)&e->calls[vgw_hash64(call_id, strlen(call_id)) % VGW_ENGINE_BUCKETS];
}

static struct vgw_list *op_bucket(struct vgw_flow_engine *e, uint64_t op)
{
    return &e->ops[vgw_hash64(&op, sizeof op) % VGW_ENGINE_BUCKETS];
}

static struct vgw_run *run_by_op(struct vgw_flow_engine *e, uint64_t op)
{
    struct vgw_list *pos, *nxt, *head = op_bucket(e, op);
    VGW_LIST_EACH (pos, nxt, head) {
        struct vgw_run *run = VGW_CONTAINER_OF(pos, struct vgw_run, op_node);
        if (run->op == op)
            return run;
    }
    return NULL;
}

static void set_op(struct vgw_flow_engine *e, struct vgw_run *run, uint64_t op)
{
    vgw_list_remove(&run->op_node);
    run->op = op;
    if (op)
        vgw_list_append(op_bucket(e, op), &run->op_node);
}

/* The waiters of an event type; made at the first use. NULL: out of memory. */
static struct vgw_list *waiters_of(struct vgw_flow_engine *e, const char *type, bool make)
{
    struct vgw_list *head = vgw_map_get(e->waiting, type);
    if (head || !make || !VGW_NEW(head))
        return head;
    vgw_list_init(head);
    if (vgw_map_set(e->waiting, type, head) < 0) {
        vgw_free(head);
        return NULL;
    }
    return head;
}

static void unlink_waiters(struct vgw_run *run)
{
    for (size_t i = 0; i < VGW_STEP_EVENTS_MAX; i++)
        vgw_list_remove(&run->waiters[i].node);
}

/* A workflow's run keeps its call, also one that it made itself; what a rule does keeps none. */
static void hold(struct vgw_flow_engine *e, struct vgw_run *run)
{
    struct vgw_flow_ids ids = ids_of(run);
    if (run->held || !run->call_id || run->workflow->is_rule)
        return;
    run->held = true;
    if (e->driver.hold)
        e->driver.hold(e->driver.arg, &ids, true);
}

/* After every move of a run: it must be found by what it waits for now. */
static void settle(struct vgw_flow_engine *e, struct vgw_run *run)
{
    const struct vgw_step *step = vgw_run_step(run);
    unlink_waiters(run);
    if (run->wait == VGW_WAIT_EVENT && step) {
        for (size_t i = 0; i < step->event_type_count; i++) {
            struct vgw_list *head = waiters_of(e, step->event_types[i], true);
            if (head)
                vgw_list_append(head, &run->waiters[i].node);
        }
    }
    if (run->call_id && !vgw_list_linked(&run->call_node) && run->status == VGW_RUN_RUNNING)
        vgw_list_append(call_bucket(e, run->call_id), &run->call_node);
    hold(e, run);
    if (run->status != VGW_RUN_RUNNING && !run->finish_told)
        run->finish_told = vgw_effects_add(&e->fx, (struct vgw_effect){.type = VGW_EFFECT_FINISHED, .run = run}) == 0;
}

static void make_id(struct vgw_flow_engine *e, char *out)
{
    if (e->driver.make_id)
        e->driver.make_id(e->driver.arg, out);
    else
        (void)snprintf(out, VGW_ID_MAX, "run-%llu", (unsigned long long)++e->next_id);
}

/* Makes a run and lets it take its first steps; what it asks for stands in the list afterwards. */
static int start_run(struct vgw_flow_engine *e, struct vgw_workflow *w, struct vgw_run_start *start, uint64_t parent_op,
                     struct vgw_run **ret_run, struct vgw_error *err)
{
    char id[VGW_ID_MAX];
    struct vgw_run *run;
    if (e->counts.live >= e->env.limits.max_runs) {
        e->counts.refused++;
        vgw_metric_dropped("runs");
        return vgw_error_set(err, VGW_ELIMIT, "%zu runs are under way, no more can start now", e->counts.live);
    }
    make_id(e, id);
    start->run_id = id;
    if (!vgw_engine_heap_reserve(e))
        return vgw_error_nomem(err);
    int rc = vgw_run_new(&e->env, w, start, e->now_us, &run, err);
    if (rc < 0)
        return rc;
    if (vgw_map_set(e->runs, run->id, run) < 0) {
        vgw_run_free(run);
        return vgw_error_nomem(err);
    }
    run->parent_op = parent_op;
    vgw_list_append(&e->all, &run->all_node);
    vgw_list_append(&e->live, &run->live_node);
    e->counts.live++;
    e->counts.started++;
    hold(e, run);
    vgw_run_begin(run, e->now_us, &e->fx);
    settle(e, run);
    if (ret_run)
        *ret_run = run;
    return 0;
}

static void answer(struct vgw_flow_engine *e, struct vgw_run *run, uint64_t ticket, int status, struct vgw_json *result,
                   const char *error)
{
    if (!vgw_run_on_action_done(run, ticket, status, result, error, e->now_us, &e->fx))
        e->counts.stale++;
    settle(e, run);
}

static struct vgw_json *child_result(const struct vgw_run *child)
{
    struct vgw_json *o = vgw_json_object();
    if (!o || vgw_json_set_string(o, "run_id", child->id) < 0 ||
        vgw_json_set_string(o, "status", vgw_run_status_name(child->status)) < 0 ||
        vgw_json_set(o, "result", vgw_json_ref(child->result)) < 0) {
        vgw_json_free(o);
        return NULL;
    }
    return o;
}

/* {"type":"command","data":args}: what `trigger` means in a run that no event brought. */
static struct vgw_json *command_event(const struct vgw_json *args)
{
    struct vgw_json *event = vgw_json_object();
    struct vgw_json *data = args ? vgw_json_ref((struct vgw_json *)args) : vgw_json_object();
    if (!event || !data) {
        vgw_json_free(data);
        vgw_json_free(event);
        return NULL;
    }
    if (vgw_json_set(event, "data", data) < 0 || vgw_json_set_string(event, "type", "command") < 0) {
        vgw_json_free(event);
        return NULL;
    }
    return event;
}

static int start_child(struct vgw_flow_engine *e, struct vgw_run *parent, const struct vgw_json *params, uint64_t op,
                       struct vgw_run **ret_child, struct vgw_error *err)
{
    const char *id = vgw_json_get_string(params, "id", "");
    const struct vgw_json *args = vgw_json_get(params, "trigger");
    struct vgw_workflow *w = vgw_flow_set_workflow(e->set, id);
    if (!w)
        return vgw_error_set(err, VGW_ENOTFOUND, "there is no workflow %.64s", id);
    if (parent->nesting + 1 > e->env.limits.max_nesting)
        return vgw_error_set(err, VGW_ELIMIT, "workflows may run each other %zu deep", e->env.limits.max_nesting);
    if (args && vgw_json_type(args) != VGW_JSON_OBJECT)
        return vgw_error_set(err, VGW_EINVALID, "trigger must be a map of names and values");
    struct vgw_json *event = args ? command_event(args) : vgw_json_ref(parent->trigger);
    struct vgw_run_start start = {
        .trigger = event,
        .call_id = parent->call_id,
        .session_id = parent->session_id,
        .project_id = parent->project_id,
        .variables = vgw_json_get(parent->vars, "variables"),
        .caused_by = parent->caused_by,
        .nesting = parent->nesting + 1,
    };
    int rc = start_run(e, w, &start, op, ret_child, err);
    vgw_json_free(event);
    return rc;
}

static void run_workflow(struct vgw_flow_engine *e, struct vgw_run *run, const struct vgw_effect *ef)
{
    struct vgw_error err = {0};
    struct vgw_run *child = NULL;
    bool wait = !vgw_json_has(ef->data, "wait") || vgw_value_is_true(vgw_json_get(ef->data, "wait"));
    uint64_t op = wait ? VGW_ENGINE_OWN_OP | ++e->next_op : 0;
    if (wait)
        set_op(e, run, op);
    int rc = start_child(e, run, ef->data, op, &child, &err);
    if (rc < 0) {
        set_op(e, run, 0);
        answer(e, run, ef->ticket, rc, NULL, err.text);
    } else if (!wait) {
        answer(e, run, ef->ticket, 0, child ? child_result(child) : NULL, NULL);
    }
}

static void start_action(struct vgw_flow_engine *e, const struct vgw_effect *ef)
{
    struct vgw_run *run = ef->run;
    const struct vgw_step *step = vgw_run_step(run);
    struct vgw_error err = {0};
    uint64_t op = 0;
    if (run->status != VGW_RUN_RUNNING || run->ticket != ef->ticket || !step)
        return;
    if (step->type == VGW_STEP_RUN_WORKFLOW) {
        run_workflow(e, run, ef);
        return;
    }
    struct vgw_action_context context = {
        .call_id = run->call_id,
        .session_id = run->session_id,
        .project_id = run->project_id,
        .run_id = run->id,
        .workflow = run->workflow->id,
        .variables = vgw_json_get(run->vars, "variables"),
        .caused_by = run->caused_by,
        .timeout_us = ef->at_us,
        .url_is_constant = step->url_is_constant,
        .sensitive = step->sensitive,
    };
    int rc = e->driver.start_action ? e->driver.start_action(e->driver.arg, ef->name, ef->data, &context, &op, &err)
                                    : vgw_error_set(&err, VGW_EUNSUPPORTED, "nothing carries out %s here", ef->name);
    if (rc < 0)
        answer(e, run, ef->ticket, rc, NULL, err.text);
    else
        set_op(e, run, op);
}

static void cancel_action(struct vgw_flow_engine *e, struct vgw_run *run)
{
    struct vgw_list *pos, *nxt;
    uint64_t op = run->op;
    if (!op)
        return;
    set_op(e, run, 0);
    if (!(op & VGW_ENGINE_OWN_OP)) {
        if (e->driver.cancel_action)
            e->driver.cancel_action(e->driver.arg, op);
        return;
    }
    VGW_LIST_EACH (pos, nxt, &e->live) {
        struct vgw_run *child = VGW_CONTAINER_OF(pos, struct vgw_run, live_node);
        if (child->parent_op == op) {
            (void)vgw_run_cancel(child, "the run that started it no longer waits", e->now_us, &e->fx);
            settle(e, child);
            return;
        }
    }
}

static void forget(struct vgw_flow_engine *e, struct vgw_run *run)
{
    vgw_list_remove(&run->live_node);
    vgw_list_remove(&run->all_node);
    (void)vgw_map_take(e->runs, run->id);
    vgw_run_free(run);
}

static void keep(struct vgw_flow_engine *e, struct vgw_run *run)
{
    vgw_run_compact(run);
    vgw_list_append(&e->kept, &run->live_node);
    e->counts.kept++;
    while (e->counts.kept > e->env.limits.max_history) {
        struct vgw_run *oldest = VGW_CONTAINER_OF(e->kept.next, struct vgw_run, live_node);
        e->counts.kept--;
        forget(e, oldest);
    }
}

static void count_end(struct vgw_flow_engine *e, const struct vgw_run *run, const struct vgw_flow_ids *ids)
{
    if (run->status == VGW_RUN_COMPLETED)
        e->counts.completed++;
    else if (run->status == VGW_RUN_CANCELED)
        e->counts.canceled++;
    else
        e->counts.failed++;
    if (!run->workflow->is_rule || run->status != VGW_RUN_FAILED)
        return;
    struct vgw_rule_slot *slot = slot_of(e, run->workflow->id);
    char text[VGW_ERROR_TEXT_MAX + 100];
    if (slot)
        slot->state.failed++;
    (void)snprintf(text, sizeof text, "rule %s failed: %s", run->workflow->id, run->error ? run->error : "");
    if (e->driver.log)
        e->driver.log(e->driver.arg, VGW_LOG_WARNING, text, ids);
}

static void on_finished(struct vgw_flow_engine *e, struct vgw_run *run)
{
    struct vgw_flow_ids ids = ids_of(run);
    vgw_engine_heap_remove(e, run);
    unlink_waiters(run);
    vgw_list_remove(&run->call_node);
    cancel_action(e, run);
    vgw_list_remove(&run->live_node);
    e->counts.live--;
    count_end(e, run, &ids);
    struct vgw_run *parent = run->parent_op ? run_by_op(e, run->parent_op) : NULL;
    if (parent) {
        int status = run->status == VGW_RUN_COMPLETED ? 0 : run->error_status < 0 ? run->error_status : VGW_EBUSY;
        set_op(e, parent, 0);
        answer(e, parent, parent->ticket, status, child_result(run), run->error);
    }
    if (run->held && e->driver.hold)
        e->driver.hold(e->driver.arg, &ids, false);
    if (e->driver.finished)
        e->driver.finished(e->driver.arg, &ids, vgw_run_status_name(run->status));
    if (run->workflow->is_rule && run->status == VGW_RUN_COMPLETED)
        forget(e, run);
    else
        keep(e, run);
}

static void carry_out(struct vgw_flow_engine *e, struct vgw_effect *ef)
{
    struct vgw_run *run = ef->run;
    struct vgw_flow_ids ids;
    switch (ef->type) {
    case VGW_EFFECT_START:
        start_action(e, ef);
        break;
    case VGW_EFFECT_CANCEL:
        cancel_action(e, run);
        break;
    case VGW_EFFECT_TIMER:
        vgw_engine_heap_set(e, run, run->timer_us);
        break;
    case VGW_EFFECT_EMIT:
        ids = ids_of(run);
        if (e->driver.emit) {
            e->driver.emit(e->driver.arg, ef->name, ef->data, &ids, run->caused_by);
            ef->data = NULL;
        }
        break;
    case VGW_EFFECT_LOG:
        ids = ids_of(run);
        if (e->driver.log)
            e->driver.log(e->driver.arg, ef->level, ef->name, &ids);
        break;
    case VGW_EFFECT_FINISHED:
        on_finished(e, run);
        break;
    }
}

/* The list may grow, and move, while it is worked off. */
static void flush(struct vgw_flow_engine *e)
{
    for (size_t i = 0; i < e->fx.count; i++) {
        struct vgw_effect ef = e->fx.items[i];
        e->fx.items[i] = (struct vgw_effect){0};
        carry_out(e, &ef);
        vgw_effect_done(&ef);
    }
    e->fx.count = 0;
}

static void hand_to_waiters(struct vgw_flow_engine *e, const char *type, const struct vgw_json *event, const char *call)
{
    struct vgw_list *head = waiters_of(e, type, false), mine;
    if (!head || vgw_list_empty(head))
        return;
    /* Those that wait again for the same type get the next event, not this one. */
    mine = *head;
    mine.next->prev = mine.prev->next = &mine;
    vgw_list_init(head);
    for (struct vgw_list *n = vgw_list_pop(&mine); n; n = vgw_list_pop(&mine)) {
        struct vgw_run *run = VGW_CONTAINER_OF(n, struct vgw_run_waiter, node)->run;
        if (vgw_run_on_event(run, event, e->now_us, &e->fx)) {
            bool own = call && run->call_id && strcmp(call, run->call_id) == 0;
            if (own && (strcmp(type, "call_ended") == 0 || strcmp(type, "call_failed") == 0))
                run->call_over = true;
            settle(e, run);
        } else if (run->wait == VGW_WAIT_EVENT && run->status == VGW_RUN_RUNNING) {
            vgw_list_append(head, n);
        }
    }
}

static void end_calls(struct vgw_flow_engine *e, const char *call)
{
    struct vgw_list *pos, *nxt, *head = call_bucket(e, call);
    VGW_LIST_EACH (pos, nxt, head) {
        struct vgw_run *run = VGW_CONTAINER_OF(pos, struct vgw_run, call_node);
        if (strcmp(run->call_id, call) != 0)
            continue;
        vgw_run_on_call_ended(run, e->now_us, &e->fx);
        settle(e, run);
    }
}

static void fire(struct vgw_flow_engine *e, struct vgw_rule *r, const struct vgw_json *event, int caused_by)
{
    struct vgw_error err = {0};
    struct vgw_run_start start = {
        .trigger = event,
        .call_id = vgw_json_get_string(event, "call_id", NULL),
        .session_id = vgw_json_get_string(event, "session_id", NULL),
        .project_id = vgw_json_get_string(event, "project_id", NULL),
        .caused_by = caused_by + 1,
    };
    if (start_run(e, r->actions, &start, 0, NULL, &err) < 0) {
        struct vgw_rule_slot *slot = slot_of(e, r->id);
        if (slot)
            slot->state.failed++;
    }
}

static void hand_to_rules(struct vgw_flow_engine *e, const char *type, const struct vgw_json *event)
{
    const struct vgw_rule_numbers *numbers = vgw_flow_set_rules_for(e->set, type);
    int64_t caused_by = numbers->count ? vgw_json_get_int(event, "caused_by", 0) : 0;
    if (caused_by < 0 || caused_by > e->env.limits.max_caused_by)
        caused_by = e->env.limits.max_caused_by;
    for (size_t i = 0; i < numbers->count; i++) {
        size_t n = numbers->items[i];
        struct vgw_rule *r = vgw_flow_set_rule_at(e->set, n);
        struct vgw_rule_slot *slot = &e->slots[n];
        enum vgw_rule_decision d =
            vgw_rule_on_event(r, &slot->state, event, (int)caused_by, e->env.limits.max_caused_by, e->now_us);
        if (d == VGW_RULE_FIRE) {
            fire(e, r, event, (int)caused_by);
        } else if (d == VGW_RULE_LATER) {
            e->debounced += slot->pending == NULL;
            vgw_json_free(slot->pending);
            slot->pending = vgw_json_ref((struct vgw_json *)event);
            slot->caused_by = (int)caused_by;
        }
    }
}

static void handle_event(struct vgw_flow_engine *e, const struct vgw_json *event)
{
    const char *type = vgw_json_get_string(event, "type", NULL);
    const char *call = vgw_json_get_string(event, "call_id", NULL);
    if (!type)
        return;
    hand_to_waiters(e, type, event, call);
    hand_to_waiters(e, "*", event, call);
    if (call && (strcmp(type, "call_ended") == 0 || strcmp(type, "call_failed") == 0))
        end_calls(e, call);
    hand_to_rules(e, type, event);
}

static bool handle_answer(struct vgw_flow_engine *e, uint64_t op, int status, struct vgw_json *result,
                          const char *error)
{
    struct vgw_run *run = run_by_op(e, op);
    if (!run) {
        vgw_json_free(result);
        e->counts.stale++;
        return false;
    }
    set_op(e, run, 0);
    answer(e, run, run->ticket, status, result, error);
    return true;
}

/* Works off what came meanwhile; the outermost call does it. */
static void work_off(struct vgw_flow_engine *e)
{
    flush(e);
    while (e->first) {
        struct vgw_engine_item *item = e->first;
        e->first = item->next;
        if (!e->first)
            e->last = NULL;
        e->pending--;
        if (item->is_event) {
            handle_event(e, item->json);
        } else {
            (void)handle_answer(e, item->op, item->status, item->json, item->error);
            item->json = NULL;
        }
        item_free(item);
        flush(e);
    }
    e->busy = false;
    if (e->driver.arm)
        e->driver.arm(e->driver.arg, vgw_flow_engine_next_deadline(e));
}

static bool enqueue(struct vgw_flow_engine *e, struct vgw_engine_item what, const char *error)
{
    struct vgw_engine_item *item;
    /* Answers are bounded by the runs, so only events have a limit. */
    if ((what.is_event && e->pending >= e->env.limits.max_pending) || !VGW_NEW(item)) {
        e->counts.dropped++;
        vgw_metric_dropped(what.is_event ? "flow_events" : "flow_answers");
        vgw_json_free(what.json);
        return false;
    }
    *item = what;
    item->error = vgw_strdup(error);
    if (e->last)
        e->last->next = item;
    else
        e->first = item;
    e->last = item;
    e->pending++;
    return true;
}

void vgw_flow_engine_on_event(struct vgw_flow_engine *e, const struct vgw_json *event, int64_t now_us)
{
    e->now_us = now_us;
    if (e->busy) {
        (void)enqueue(e, (struct vgw_engine_item){.is_event = true, .json = vgw_json_ref((struct vgw_json *)event)},
                      NULL);
        return;
    }
    e->busy = true;
    handle_event(e, event);
    work_off(e);
}

bool vgw_flow_engine_action_done(struct vgw_flow_engine *e, uint64_t op, int status, struct vgw_json *result,
                                 const char *error, int64_t now_us)
{
    e->now_us = now_us;
    if (e->busy)
        return enqueue(e, (struct vgw_engine_item){.op = op, .status = status, .json = result}, error);
    e->busy = true;
    bool known = handle_answer(e, op, status, result, error);
    work_off(e);
    return known;
}

static void fire_debounced(struct vgw_flow_engine *e)
{
    for (size_t i = 0; e->debounced > 0 && i < e->slot_count; i++) {
        struct vgw_rule_slot *slot = &e->slots[i];
        if (!slot->pending)
            continue;
        struct vgw_rule *r = vgw_flow_set_rule_at(e->set, i);
        enum vgw_rule_decision d = vgw_rule_on_timer(r, &slot->state, e->now_us);
        if (d == VGW_RULE_LATER)
            continue;
        struct vgw_json *event = slot->pending;
        slot->pending = NULL;
        e->debounced--;
        if (d == VGW_RULE_FIRE)
            fire(e, r, event, slot->caused_by);
        vgw_json_free(event);
    }
}

void vgw_flow_engine_tick(struct vgw_flow_engine *e, int64_t now_us)
{
    e->now_us = now_us;
    if (e->busy)
        return;
    e->busy = true;
    fire_debounced(e);
    flush(e);
    /* At most as many turns as there are runs: one that is due again at once waits for the next call. */
    for (size_t n = e->heap_count; n > 0 && e->heap_count > 0 && e->heap[0]->heap_at_us <= now_us; n--) {
        struct vgw_run *run = e->heap[0];
        vgw_engine_heap_remove(e, run);
        vgw_run_on_timer(run, now_us, &e->fx);
        settle(e, run);
        flush(e);
    }
    work_off(e);
}

int64_t vgw_flow_engine_next_deadline(const struct vgw_flow_engine *e)
{
    int64_t at = e->heap_count ? e->heap[0]->heap_at_us : INT64_MAX;
    for (size_t i = 0; e->debounced > 0 && i < e->slot_count; i++) {
        if (e->slots[i].pending && e->slots[i].state.debounce_at_us < at)
            at = e->slots[i].state.debounce_at_us;
    }
    return at;
}

static int run_definition(struct vgw_flow_engine *e, struct vgw_workflow *w, const struct vgw_flow_request *q,
                          int64_t now_us, char *ret_run_id, struct vgw_error *err)
{
    static const struct vgw_flow_request nothing;
    if (!q)
        q = &nothing;
    if (!q->event && q->args && vgw_json_type(q->args) != VGW_JSON_OBJECT)
        return vgw_error_set(err, VGW_EINVALID, "args must be a map of names and values");
    struct vgw_json *event = q->event ? vgw_json_ref((struct vgw_json *)q->event) : command_event(q->args);
    if (!event)
        return vgw_error_nomem(err);
    struct vgw_run *run = NULL;
    struct vgw_run_start start = {
        .trigger = event,
        .call_id = q->call_id,
        .session_id = q->session_id,
        .project_id = q->project_id,
        .variables = q->variables,
        .caused_by = (int)vgw_json_get_int(event, "caused_by", 0),
    };
    bool outermost = !e->busy;
    e->now_us = now_us;
    e->busy = true;
    int rc = start_run(e, w, &start, 0, &run, err);
    if (rc == 0 && ret_run_id)
        (void)vgw_strcopy(ret_run_id, VGW_ID_MAX, run->id);
    vgw_json_free(event);
    if (outermost)
        work_off(e);
    return rc;
}

int vgw_flow_engine_run(struct vgw_flow_engine *e, const char *workflow_id, const struct vgw_flow_request *request,
                        int64_t now_us, char *ret_run_id, struct vgw_error *err)
{
    struct vgw_workflow *w = vgw_flow_set_workflow(e->set, workflow_id);
    if (w)
        return run_definition(e, w, request, now_us, ret_run_id, err);
    const char *near = vgw_flow_set_nearest_workflow(e->set, workflow_id);
    return vgw_error_set(err, VGW_ENOTFOUND, "there is no workflow %.64s%s%s%s", workflow_id ? workflow_id : "",
                         near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

int vgw_flow_engine_command(struct vgw_flow_engine *e, const char *command, const struct vgw_flow_request *request,
                            int64_t now_us, char *ret_run_id, struct vgw_error *err)
{
    struct vgw_workflow *w = vgw_flow_set_command(e->set, command);
    if (w)
        return run_definition(e, w, request, now_us, ret_run_id, err);
    const char *near = vgw_flow_set_nearest_command(e->set, command);
    return vgw_error_set(err, VGW_ENOTFOUND, "no workflow has the command /%.64s%s%s%s",
                         command ? command + (*command == '/') : "", near ? "; did you mean /" : "", near ? near : "",
                         near ? "?" : "");
}

int vgw_flow_engine_cancel(struct vgw_flow_engine *e, const char *run_id, int64_t now_us, struct vgw_error *err)
{
    struct vgw_run *run = run_id ? vgw_map_get(e->runs, run_id) : NULL;
    if (!run)
        return vgw_error_set(err, VGW_ENOTFOUND, "there is no run %.64s", run_id ? run_id : "");
    if (run->status != VGW_RUN_RUNNING)
        return vgw_error_set(err, VGW_EBUSY, "run %s has ended already, as %s", run->id,
                             vgw_run_status_name(run->status));
    bool outermost = !e->busy;
    e->now_us = now_us;
    e->busy = true;
    (void)vgw_run_cancel(run, "the run was canceled", now_us, &e->fx);
    settle(e, run);
    if (outermost)
        work_off(e);
    return 0;
}

bool vgw_flow_engine_holds_call(const struct vgw_flow_engine *e, const char *call_id)
{
    struct vgw_list *pos, *nxt, *head = call_bucket(e, call_id);
    VGW_LIST_EACH (pos, nxt, head) {
        const struct vgw_run *run = VGW_CONTAINER_OF(pos, struct vgw_run, call_node);
        if (run->status == VGW_RUN_RUNNING && strcmp(run->call_id, call_id) == 0)
            return true;
    }
    return false;
}
