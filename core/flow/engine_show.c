/* engine_show.c - what the engine tells about itself. */
#include <string.h>
#include "base/str.h"
#include "flow/engine_internal.h"

#define LIST_DEFAULT 50
#define LIST_MAX 500

struct vgw_json *vgw_flow_engine_show(const struct vgw_flow_engine *e, const char *run_id)
{
    const struct vgw_run *run = run_id ? vgw_map_get(e->runs, run_id) : NULL;
    return run ? vgw_run_show(run, true) : NULL;
}

static bool wanted(const struct vgw_run *run, const char *workflow, const char *status, const char *project_id)
{
    if (workflow && strcmp(run->workflow->id, workflow) != 0)
        return false;
    if (status && strcmp(vgw_run_status_name(run->status), status) != 0)
        return false;
    return !project_id || vgw_streq(run->project_id ? run->project_id : "default", project_id);
}

/* {"count", name: list}; takes the list. */
static struct vgw_json *wrap(const char *name, struct vgw_json *list)
{
    struct vgw_json *o = vgw_json_object();
    int64_t count = (int64_t)vgw_json_count(list);
    if (!o || !list) {
        vgw_json_free(list);
        vgw_json_free(o);
        return NULL;
    }
    if (vgw_json_set(o, name, list) < 0 || vgw_json_set_int(o, "count", count) < 0) {
        vgw_json_free(o);
        return NULL;
    }
    return o;
}

static int append(struct vgw_json *list, struct vgw_json *item)
{
    return item ? vgw_json_append(list, item) : VGW_ELIMIT;
}

struct vgw_json *vgw_flow_engine_list(const struct vgw_flow_engine *e, const char *workflow, const char *status,
                                      const char *project_id, const char *cursor, size_t limit)
{
    const struct vgw_run *after = cursor ? vgw_map_get(e->runs, cursor) : NULL;
    const struct vgw_list *pos = after ? after->all_node.prev : e->all.prev;
    struct vgw_json *list = vgw_json_array();
    const struct vgw_run *last = NULL;
    bool more = false;
    limit = limit == 0 ? LIST_DEFAULT : limit > LIST_MAX ? LIST_MAX : limit;
    if (cursor && !after)
        pos = &e->all;
    for (size_t n = 0; list && pos != &e->all; pos = pos->prev) {
        const struct vgw_run *run = VGW_CONTAINER_OF(pos, struct vgw_run, all_node);
        if (!wanted(run, workflow, status, project_id))
            continue;
        if (n++ == limit) {
            more = true;
            break;
        }
        last = run;
        if (append(list, vgw_run_show(run, false)) < 0) {
            vgw_json_free(list);
            return NULL;
        }
    }
    struct vgw_json *o = wrap("runs", list);
    if (o && more && last && vgw_json_set_string(o, "next_cursor", last->id) < 0) {
        vgw_json_free(o);
        return NULL;
    }
    return o;
}

struct vgw_json *vgw_flow_engine_workflows(const struct vgw_flow_engine *e)
{
    struct vgw_json *list = vgw_json_array();
    for (size_t i = 0; list && i < vgw_flow_set_workflow_count(e->set); i++) {
        if (append(list, vgw_workflow_describe(vgw_flow_set_workflow_at(e->set, i))) < 0) {
            vgw_json_free(list);
            return NULL;
        }
    }
    return wrap("workflows", list);
}

struct vgw_json *vgw_flow_engine_rules(const struct vgw_flow_engine *e)
{
    struct vgw_json *list = vgw_json_array();
    for (size_t i = 0; list && i < e->slot_count; i++) {
        if (append(list, vgw_rule_describe(vgw_flow_set_rule_at(e->set, i), &e->slots[i].state)) < 0) {
            vgw_json_free(list);
            return NULL;
        }
    }
    return wrap("rules", list);
}
