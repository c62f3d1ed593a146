/* admin.c - plugins, log level, reload, drain, tickets. */
#include <stdio.h>
#include <string.h>

#include "api/inside.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"

static bool offered(struct vgw_api_request *r, bool there)
{
    if (!there)
        vgw_api_problem(r, 501, "this is not available here", NULL);
    return there;
}

void vgw_api_plugins_list(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    const struct vgw_api_env *env = &r->api->env;
    if (offered(r, env->plugins != NULL))
        vgw_api_reply(r, 200, vgw_api_list("plugins", env->plugins(env->arg), NULL));
}

static void on_plugin(void *arg, int status, const char *sentence, struct vgw_json *plugin)
{
    struct vgw_api_request *r = arg;
    if (status == VGW_OK) {
        vgw_api_reply(r, 200, plugin);
        return;
    }
    vgw_json_free(plugin);
    if (status == VGW_ENOTFOUND)
        vgw_api_not_found(r, "plugin", r->id[0]);
    else
        vgw_api_fail(r, status, NULL, sentence);
}

void vgw_api_plugins_show(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    const struct vgw_api_env *env = &r->api->env;
    if (offered(r, env->plugin != NULL))
        env->plugin(env->arg, r->id[0], on_plugin, r);
}

void vgw_api_log_level(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    enum vgw_log_level level;
    const char *name = vgw_json_get_string(r->body, "level", "");
    if (!vgw_log_level_parse(name, &level)) {
        vgw_api_fail(r, VGW_EINVALID, "level", "must be error, warning, info or debug");
        return;
    }
    vgw_log_set_level(level);
    vgw_log(VGW_LOG_INFO, NULL, "the log level was changed", "level", name, "by", r->who, NULL);
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "level", vgw_log_level_name(level));
    vgw_api_reply(r, 200, o);
}

static void on_reloaded(void *arg, int status, const char *sentence, struct vgw_json *answer, struct vgw_json *errors)
{
    struct vgw_api_request *r = arg;
    if (status == VGW_OK) {
        vgw_json_free(errors);
        vgw_api_reply(r, 200, answer);
        return;
    }
    vgw_json_free(answer);
    vgw_api_problem(r, status == VGW_ECONFIG ? 422 : vgw_status_info(status)->http_status,
                    sentence && *sentence ? sentence : "the configuration was refused; what ran before runs on",
                    errors);
}

void vgw_api_reload(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    const struct vgw_api_env *env = &r->api->env;
    if (offered(r, env->reload != NULL))
        env->reload(env->arg, on_reloaded, r);
}

static struct vgw_json *drain_state(const struct vgw_api *api)
{
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "status", vgw_calls_draining(api->env.calls) ? "draining" : "ok");
    vgw_json_set_int(o, "sessions", vgw_calls_session_count(api->env.calls));
    return o;
}

/* Seconds as a number, or "30m". False: answered. */
static bool read_timeout(struct vgw_api_request *r, int64_t *ret_us)
{
    const struct vgw_json *v = vgw_json_get(r->body, "timeout");
    double seconds = vgw_json_as_double(v, -1);
    bool fits = true;
    *ret_us = -1;
    if (v && vgw_json_str(v))
        fits = vgw_parse_duration_us(vgw_json_str(v), ret_us);
    else if (v && (fits = seconds >= 0 && seconds <= 86400.0 * 365))
        *ret_us = (int64_t)(seconds * (double)VGW_US_PER_S);
    if (!fits)
        vgw_api_fail(r, VGW_EINVALID, "timeout", "must be seconds, or a duration such as 30m");
    return fits;
}

void vgw_api_drain(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    const struct vgw_api_env *env = &r->api->env;
    int64_t timeout_us;
    if (!offered(r, env->drain != NULL) || !read_timeout(r, &timeout_us))
        return;
    bool leave = vgw_json_get_bool(r->body, "exit", false);
    struct vgw_api *api = r->api;
    struct vgw_json *o = drain_state(api);
    vgw_json_set_string(o, "status", "draining");
    vgw_api_reply(r, 202, o);
    api->env.drain(api->env.arg, timeout_us, leave);
}

void vgw_api_undrain(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    const struct vgw_api_env *env = &r->api->env;
    if (!offered(r, env->undrain != NULL))
        return;
    env->undrain(env->arg);
    vgw_api_reply(r, 200, drain_state(r->api));
}

void vgw_api_tickets(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    char ticket[VGW_TICKET_TEXT], time[VGW_TIME_TEXT];
    const struct vgw_loop *loop = r->api->env.loop;
    if (vgw_tickets_issue(r->api->tickets, r->grant, vgw_now(loop), ticket) != VGW_OK) {
        vgw_api_fail(r, VGW_ELIMIT, NULL, "out of memory; try again in a moment");
        return;
    }
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "ticket", ticket);
    vgw_json_set_string(o, "expires_at", vgw_time_format(vgw_wall(loop) + VGW_TICKET_US, time));
    vgw_api_reply(r, 201, o);
}
