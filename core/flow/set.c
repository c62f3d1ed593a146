/* set.c - lookups over workflows and rules. */
#include "flow/set.h"
#include <stdio.h>
#include <string.h>
#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"

struct vgw_flow_set {
    long refs;
    struct vgw_workflow **workflows;
    size_t workflow_count, workflow_cap;
    struct vgw_rule **rules;
    size_t rule_count, rule_cap;
    struct vgw_map *by_id, *by_command, *rule_by_id; /* borrow */
    struct vgw_map *by_event;                        /* own struct vgw_rule_numbers */
    struct vgw_rule_numbers any;
};

static void numbers_free(void *p)
{
    struct vgw_rule_numbers *n = p;
    if (!n)
        return;
    vgw_free(n->items);
    vgw_free(n);
}

struct vgw_flow_set *vgw_flow_set_new(void)
{
    struct vgw_flow_set *set;
    if (!VGW_NEW(set))
        return NULL;
    set->refs = 1;
    set->by_id = vgw_map_new(NULL);
    set->by_command = vgw_map_new(NULL);
    set->rule_by_id = vgw_map_new(NULL);
    set->by_event = vgw_map_new(numbers_free);
    if (!set->by_id || !set->by_command || !set->rule_by_id || !set->by_event) {
        vgw_flow_set_unref(set);
        return NULL;
    }
    return set;
}

struct vgw_flow_set *vgw_flow_set_ref(struct vgw_flow_set *set)
{
    set->refs++;
    return set;
}

void vgw_flow_set_unref(struct vgw_flow_set *set)
{
    if (!set || --set->refs > 0)
        return;
    for (size_t i = 0; i < set->workflow_count; i++)
        vgw_workflow_unref(set->workflows[i]);
    for (size_t i = 0; i < set->rule_count; i++)
        vgw_rule_unref(set->rules[i]);
    vgw_free(set->workflows);
    vgw_free(set->rules);
    vgw_map_free(set->by_id);
    vgw_map_free(set->by_command);
    vgw_map_free(set->rule_by_id);
    vgw_map_free(set->by_event);
    vgw_free(set->any.items);
    vgw_free(set);
}

static bool grow(void **items, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return true;
    size_t more = *cap ? *cap * 2 : 16;
    void *grown = vgw_realloc(*items, more * size);
    if (!grown)
        return false;
    *items = grown;
    *cap = more;
    return true;
}

int vgw_flow_set_add_workflow(struct vgw_flow_set *set, struct vgw_workflow *w, struct vgw_error *err)
{
    const struct vgw_workflow *other = vgw_map_get(set->by_id, w->id);
    int rc = 0;
    if (other)
        rc = vgw_error_at(err, VGW_ECONFIG, w->place,
                          "there is already a workflow %s at %s; give one of them another id", w->id, other->place);
    else if (w->trigger_command && (other = vgw_map_get(set->by_command, w->trigger_command)))
        rc = vgw_error_at(err, VGW_ECONFIG, w->place,
                          "the command /%s starts workflow %s already, at %s; choose another", w->trigger_command,
                          other->id, other->place);
    else if (!grow((void **)&set->workflows, set->workflow_count, &set->workflow_cap, sizeof(struct vgw_workflow *)) ||
             vgw_map_set(set->by_id, w->id, w) < 0)
        rc = vgw_error_nomem(err);
    else if (w->trigger_command && vgw_map_set(set->by_command, w->trigger_command, w) < 0) {
        (void)vgw_map_take(set->by_id, w->id);
        rc = vgw_error_nomem(err);
    }
    if (rc < 0)
        vgw_workflow_unref(w);
    else
        set->workflows[set->workflow_count++] = w;
    return rc;
}

static bool number_add(struct vgw_rule_numbers *n, size_t number)
{
    if (n->count > 0 && n->items[n->count - 1] == number)
        return true;
    if (!grow((void **)&n->items, n->count, &n->cap, sizeof(size_t)))
        return false;
    n->items[n->count++] = number;
    return true;
}

/* A type's list starts with the rules for any type, and gets those that come later. */
static struct vgw_rule_numbers *numbers_for(struct vgw_flow_set *set, const char *type)
{
    struct vgw_rule_numbers *n = vgw_map_get(set->by_event, type);
    if (n || !VGW_NEW(n))
        return n;
    bool ok = true;
    for (size_t i = 0; ok && i < set->any.count; i++)
        ok = number_add(n, set->any.items[i]);
    if (ok && vgw_map_set(set->by_event, type, n) == 0)
        return n;
    numbers_free(n);
    return NULL;
}

static bool index_any(struct vgw_flow_set *set, size_t number)
{
    const char *key;
    void *value;
    bool ok = number_add(&set->any, number);
    for (size_t i = 0; vgw_map_next(set->by_event, &i, &key, &value);)
        ok = number_add(value, number) && ok;
    return ok;
}

int vgw_flow_set_add_rule(struct vgw_flow_set *set, struct vgw_rule *r, struct vgw_error *err)
{
    const struct vgw_rule *other = vgw_map_get(set->rule_by_id, r->id);
    if (other) {
        int rc = vgw_error_at(err, VGW_ECONFIG, r->place,
                              "there is already a rule %s at %s; give one of them another id", r->id, other->place);
        vgw_rule_unref(r);
        return rc;
    }
    if (!grow((void **)&set->rules, set->rule_count, &set->rule_cap, sizeof(struct vgw_rule *)) ||
        vgw_map_set(set->rule_by_id, r->id, r) < 0) {
        vgw_rule_unref(r);
        return vgw_error_nomem(err);
    }
    size_t number = set->rule_count++;
    set->rules[number] = r;
    for (size_t i = 0; i < r->event_type_count; i++) {
        bool ok;
        if (strcmp(r->event_types[i], "*") == 0) {
            ok = index_any(set, number);
        } else {
            struct vgw_rule_numbers *n = numbers_for(set, r->event_types[i]);
            ok = n && number_add(n, number);
        }
        if (!ok)
            return vgw_error_nomem(err);
    }
    return 0;
}

const struct vgw_rule_numbers *vgw_flow_set_rules_for(const struct vgw_flow_set *set, const char *event_type)
{
    static const struct vgw_rule_numbers none;
    if (!set)
        return &none;
    const struct vgw_rule_numbers *n = vgw_map_get(set->by_event, event_type);
    return n ? n : &set->any;
}

struct vgw_workflow *vgw_flow_set_workflow(const struct vgw_flow_set *set, const char *id)
{
    return set && id ? vgw_map_get(set->by_id, id) : NULL;
}

struct vgw_workflow *vgw_flow_set_command(const struct vgw_flow_set *set, const char *command)
{
    if (!set || !command)
        return NULL;
    return vgw_map_get(set->by_command, *command == '/' ? command + 1 : command);
}

static const char *nearest(const struct vgw_map *m, const char *name)
{
    const char *names[256];
    size_t n = 0;
    void *value;
    for (size_t i = 0; n < 256 && vgw_map_next(m, &i, &names[n], &value);)
        n++;
    return vgw_nearest(name, names, n);
}

const char *vgw_flow_set_nearest_workflow(const struct vgw_flow_set *set, const char *id)
{
    return set && id ? nearest(set->by_id, id) : NULL;
}

const char *vgw_flow_set_nearest_command(const struct vgw_flow_set *set, const char *command)
{
    return set && command ? nearest(set->by_command, *command == '/' ? command + 1 : command) : NULL;
}

struct vgw_rule *vgw_flow_set_rule(const struct vgw_flow_set *set, const char *id)
{
    return set && id ? vgw_map_get(set->rule_by_id, id) : NULL;
}

size_t vgw_flow_set_workflow_count(const struct vgw_flow_set *set)
{
    return set ? set->workflow_count : 0;
}

struct vgw_workflow *vgw_flow_set_workflow_at(const struct vgw_flow_set *set, size_t i)
{
    return set->workflows[i];
}

size_t vgw_flow_set_rule_count(const struct vgw_flow_set *set)
{
    return set ? set->rule_count : 0;
}

struct vgw_rule *vgw_flow_set_rule_at(const struct vgw_flow_set *set, size_t i)
{
    return set->rules[i];
}

struct check {
    const struct vgw_flow_set *set;
    void (*report)(void *arg, const struct vgw_error *err);
    void *arg;
    int count;
    const char *place, *owner;
};

static void check_block(struct check *k, const struct vgw_block *b);

static void check_step(struct check *k, const struct vgw_step *s)
{
    struct vgw_error err = {0};
    check_block(k, &s->error_block);
    check_block(k, &s->body);
    check_block(k, &s->other);
    for (size_t i = 0; i < s->case_count; i++)
        check_block(k, &s->cases[i].block);
    if (s->type != VGW_STEP_RUN_WORKFLOW || !s->as || vgw_flow_set_workflow(k->set, s->as))
        return;
    const char *near = vgw_flow_set_nearest_workflow(k->set, s->as);
    (void)vgw_error_at(&err, VGW_ECONFIG, s->place ? s->place : k->place,
                       "step %zu of %s runs workflow %.64s, which does not exist%s%s%s", s->index, k->owner, s->as,
                       near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    k->count++;
    if (k->report)
        k->report(k->arg, &err);
}

static void check_block(struct check *k, const struct vgw_block *b)
{
    for (size_t i = 0; i < b->count; i++)
        check_step(k, &b->steps[i]);
}

int vgw_flow_set_check(const struct vgw_flow_set *set, void (*report)(void *arg, const struct vgw_error *err),
                       void *arg)
{
    struct check k = {.set = set, .report = report, .arg = arg};
    for (size_t i = 0; i < set->workflow_count; i++) {
        k.place = set->workflows[i]->place;
        k.owner = set->workflows[i]->id;
        check_block(&k, &set->workflows[i]->root);
    }
    for (size_t i = 0; i < set->rule_count; i++) {
        k.place = set->rules[i]->place;
        k.owner = set->rules[i]->id;
        check_block(&k, &set->rules[i]->actions->root);
    }
    return k.count;
}
