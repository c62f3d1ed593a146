/* flow.c - commands, workflows, rules and runs. */
#include <string.h>

#include "api/inside.h"
#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"

/* The engine, or NULL: answered. */
static struct vgw_flow_engine *engine(struct vgw_api_request *r)
{
    if (!r->api->env.flow)
        vgw_api_problem(r, 501, "workflows are not available here", NULL);
    return r->api->env.flow;
}

static void reply_run(struct vgw_api_request *r, int status, const char *run_id, const struct vgw_error *err)
{
    if (status != VGW_OK) {
        vgw_api_fail_error(r, err);
        return;
    }
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "run_id", run_id);
    vgw_api_reply(r, 202, o);
}

/* For whom a run is started: a call or session of the body, which must be one that the caller may see. False: answered.
 */
static bool read_request(struct vgw_api_request *r, struct vgw_flow_request *q)
{
    const char *call_id = vgw_json_get_string(r->body, "call_id", NULL);
    const struct vgw_call *call = call_id ? vgw_api_call(r, call_id) : NULL;
    if (call_id && !call) {
        vgw_api_fail(r, VGW_EINVALID, "call_id", "there is no such call now");
        return false;
    }
    const char *project = vgw_json_get_string(r->body, "project_id", vgw_grant_project(r->grant));
    if (!vgw_api_may_see(r, project)) {
        vgw_api_problem(r, 403, "this token may not use that project_id", NULL);
        return false;
    }
    *q = (struct vgw_flow_request){.args = vgw_json_get(r->body, "args"),
                                   .call_id = call ? call->call_id : NULL,
                                   .session_id = call ? call->session->session_id : NULL,
                                   .project_id = project ? project
                                                 : call  ? call->session->project_id
                                                         : "default",
                                   .variables = call ? call->session->variables : NULL};
    return true;
}

void vgw_api_commands(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    struct vgw_flow_request q;
    struct vgw_error err = {0};
    char run_id[VGW_ID_MAX];
    if (!engine(r) || !read_request(r, &q))
        return;
    int status = vgw_flow_engine_command(r->api->env.flow, vgw_json_get_string(r->body, "command", ""), &q,
                                         vgw_now(r->api->env.loop), run_id, &err);
    reply_run(r, status, run_id, &err);
}

void vgw_api_workflow_run(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    struct vgw_flow_request q;
    struct vgw_error err = {0};
    char run_id[VGW_ID_MAX];
    if (!engine(r) || !read_request(r, &q))
        return;
    int status = vgw_flow_engine_run(r->api->env.flow, r->id[0], &q, vgw_now(r->api->env.loop), run_id, &err);
    reply_run(r, status, run_id, &err);
}

void vgw_api_workflows(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    if (engine(r))
        vgw_api_reply(r, 200, vgw_flow_engine_workflows(r->api->env.flow));
}

void vgw_api_rules(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    if (engine(r))
        vgw_api_reply(r, 200, vgw_flow_engine_rules(r->api->env.flow));
}

void vgw_api_runs_list(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    uint32_t limit;
    if (!engine(r) || !vgw_api_limit(r, &limit))
        return;
    char *workflow = vgw_api_param(r, "workflow"), *status = vgw_api_param(r, "status");
    char *cursor = vgw_api_param(r, "cursor"), *project = vgw_api_param(r, "project_id");
    const char *narrowed = project;
    bool alone = r->grant && r->grant->projects && r->grant->projects[0] && !r->grant->projects[1];
    if (!project && alone)
        narrowed = r->grant->projects[0];
    struct vgw_json *list =
        vgw_flow_engine_list(r->api->env.flow, workflow, status, narrowed, cursor && *cursor ? cursor : NULL, limit);
    struct vgw_json *runs = vgw_json_get(list, "runs"), *seen = vgw_json_array();
    for (size_t i = 0; i < vgw_json_count(runs); i++) {
        struct vgw_json *run = vgw_json_at(runs, i);
        if (vgw_api_may_see(r, vgw_json_get_string(run, "project_id", NULL)))
            vgw_json_append(seen, vgw_json_ref(run));
    }
    struct vgw_json *body = list ? vgw_api_list("runs", seen, vgw_json_get_string(list, "next_cursor", NULL)) : NULL;
    if (!list)
        vgw_json_free(seen);
    vgw_json_free(list);
    vgw_free(workflow);
    vgw_free(status);
    vgw_free(cursor);
    vgw_free(project);
    vgw_api_reply(r, 200, body);
}

/* The run of the path that the caller may see, a new value; NULL: answered. */
static struct vgw_json *run_of(struct vgw_api_request *r)
{
    struct vgw_json *run = engine(r) ? vgw_flow_engine_show(r->api->env.flow, r->id[0]) : NULL;
    if (!r->api->env.flow)
        return NULL;
    if (run && vgw_api_may_see(r, vgw_json_get_string(run, "project_id", NULL)))
        return run;
    vgw_json_free(run);
    vgw_api_not_found(r, "run", r->id[0]);
    return NULL;
}

void vgw_api_runs_show(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    struct vgw_json *run = run_of(r);
    if (run)
        vgw_api_reply(r, 200, run);
}

void vgw_api_runs_cancel(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    struct vgw_error err = {0};
    struct vgw_json *run = run_of(r);
    if (!run)
        return;
    vgw_json_free(run);
    int status = vgw_flow_engine_cancel(r->api->env.flow, r->id[0], vgw_now(r->api->env.loop), &err);
    if (status != VGW_OK)
        vgw_api_fail_error(r, &err);
    else
        vgw_api_reply(r, 200, vgw_flow_engine_show(r->api->env.flow, r->id[0]));
}
