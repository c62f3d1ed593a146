/* command.c - what may be asked of a call. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/inside.h"
#include "base/alloc.h"
#include "base/str.h"

/* What a command's completion finds: it may come at once, or long after the request was answered. */
struct outcome {
    bool answered, done;
    int status;
    char sentence[VGW_ERROR_TEXT_MAX];
};

static void on_done(void *arg, int status, const char *sentence, const struct vgw_json *result)
{
    struct outcome *o = arg;
    if (o->answered) {
        vgw_free(o);
        return;
    }
    o->done = true;
    o->status = status;
    vgw_strcopy(o->sentence, sizeof o->sentence, sentence ? sentence : "");
}

/* A URL that an API caller names: the outbound policy holds, and files are for administrators. False: answered. */
static bool check_source(struct vgw_api_request *r, const char *field)
{
    const char *text = vgw_json_get_string(r->body, field, NULL);
    struct vgw_error err = {0};
    struct vgw_url url;
    const struct vgw_api_env *env = &r->api->env;
    if (!text)
        return true;
    bool file = strncasecmp(text, "file:", 5) == 0 || !strstr(text, "://");
    if (file && !(r->grant && (r->grant->scopes & VGW_SCOPE_ADMIN))) {
        vgw_api_fail(r, VGW_EINVALID, field,
                     "files of this machine need a token with the scope admin; name an http or https URL");
        return false;
    }
    if (file || (vgw_url_parse(text, &url, &err) == VGW_OK &&
                 vgw_policy_check_url(env->policy ? env->policy(env->arg) : NULL, &url, false, &err) == VGW_OK))
        return true;
    vgw_api_fail(r, VGW_EINVALID, field, err.text);
    return false;
}

/* The number of a department stands in for `to`. False: answered. */
static bool resolve_department(struct vgw_api_request *r)
{
    const struct vgw_api_env *env = &r->api->env;
    const char *name = vgw_json_get_string(r->body, "department", NULL);
    char detail[256];
    if (!name)
        return true;
    if (vgw_json_has(r->body, "to")) {
        vgw_api_fail(r, VGW_EINVALID, "department", "give a number in `to` or a department, not both");
        return false;
    }
    const char *number = env->department ? env->department(env->arg, name) : NULL;
    if (number) {
        vgw_json_set_string(r->body, "to", number);
        vgw_json_del(r->body, "department");
        return true;
    }
    const char *nearest = env->department_nearest ? env->department_nearest(env->arg, name) : NULL;
    snprintf(detail, sizeof detail, "there is no department %.80s%s%.80s%s", name, nearest ? "; did you mean " : "",
             nearest ? nearest : "", nearest ? "?" : "");
    vgw_api_fail(r, VGW_EINVALID, "department", detail);
    return false;
}

static void reply_outcome(struct vgw_api_request *r, struct outcome *o, const char *id)
{
    if (o->done && o->status != VGW_OK) {
        vgw_api_fail(r, o->status, NULL, o->sentence);
        vgw_free(o);
        return;
    }
    const struct vgw_call *call = vgw_calls_find(r->api->env.calls, id);
    struct vgw_json *shape = call ? vgw_call_to_json(call) : NULL;
    if (!call && (shape = vgw_json_object()))
        vgw_json_set_string(shape, "call_id", id);
    bool at_once = o->done;
    if (o->done)
        vgw_free(o);
    else
        o->answered = true;
    vgw_api_reply(r, at_once ? 200 : 202, shape);
}

static void carry_out(struct vgw_api_request *r, struct vgw_call *call, enum vgw_command command,
                      const struct vgw_json *params)
{
    struct outcome *o;
    struct vgw_error err = {0};
    char id[VGW_ID_MAX];
    vgw_strcopy(id, sizeof id, call->call_id);
    if (!VGW_NEW(o)) {
        vgw_api_fail(r, VGW_ELIMIT, NULL, "out of memory; try again in a moment");
        return;
    }
    int status = vgw_calls_command(r->api->env.calls, call, command, params, false, on_done, o, &err);
    if (status == VGW_OK) {
        reply_outcome(r, o, id);
        return;
    }
    vgw_free(o);
    vgw_api_fail_error(r, &err);
}

/* An ended call is 409, one that never was 404. */
static void refuse_ended(struct vgw_api_request *r, const struct vgw_json *row)
{
    if (row)
        vgw_api_fail(r, VGW_EBUSY, NULL, "the call has ended");
    else
        vgw_api_not_found(r, "call", r->id[0]);
}

void vgw_api_call_command(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    struct vgw_call *call = vgw_api_call(r, r->id[0]);
    enum vgw_command command = (enum vgw_command)r->route->code;
    if (!call && !vgw_calls_find(r->api->env.calls, r->id[0]) && r->api->env.store_query) {
        vgw_api_call_stored(r, refuse_ended);
        return;
    }
    if (!call) {
        vgw_api_not_found(r, "call", r->id[0]);
        return;
    }
    if (command == VGW_CMD_TRANSFER && !resolve_department(r))
        return;
    if ((command == VGW_CMD_PLAY && !check_source(r, "url")) || (command == VGW_CMD_HOLD && !check_source(r, "music")))
        return;
    if (vgw_call_state_terminal(call->state)) {
        vgw_api_fail(r, VGW_EBUSY, NULL, "the call has ended");
        return;
    }
    carry_out(r, call, command, r->body);
}

void vgw_api_conference(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    struct vgw_call *call = vgw_api_call(r, r->id[1]);
    const char *verb = strrchr(r->route->path, '/') + 1;
    struct vgw_json *params;
    if (!call) {
        vgw_api_not_found(r, "call", r->id[1]);
        return;
    }
    params = vgw_json_object();
    vgw_json_set_string(params, "name", r->id[0]);
    vgw_json_set_string(params, "participant", verb);
    carry_out(r, call, VGW_CMD_CONFERENCE, params);
    vgw_json_free(params);
}

static bool sees(void *arg, const char *project_id)
{
    return vgw_api_may_see(arg, project_id);
}

void vgw_api_conferences_list(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    vgw_api_reply(r, 200, vgw_api_list("conferences", vgw_conferences_json(r->api->env.calls, sees, r), NULL));
}
