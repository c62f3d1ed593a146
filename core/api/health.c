/* health.c - health, readiness, metrics, and the pages that everybody may see. */
#include <stdio.h>
#include <string.h>

#include "api/inside.h"
#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"

static const char *status_of(const struct vgw_api *api, const struct vgw_json *parts)
{
    const struct vgw_api_env *env = &api->env;
    const char *name;
    struct vgw_json *part;
    if (env->enabled && !env->enabled(env->arg))
        return "disabled";
    if (vgw_calls_draining(env->calls))
        return "draining";
    for (size_t i = 0; vgw_json_object_next(parts, &i, &name, &part);) {
        if (!vgw_streq(vgw_json_get_string(part, "status", "ok"), "ok"))
            return "degraded";
    }
    return "ok";
}

static struct vgw_json *health(const struct vgw_api *api)
{
    const struct vgw_api_env *env = &api->env;
    struct vgw_json *o = vgw_json_object();
    struct vgw_json *parts = env->health_parts ? env->health_parts(env->arg) : vgw_json_object();
    vgw_json_set_string(o, "status", status_of(api, parts));
    vgw_json_set_string(o, "version", env->version);
    vgw_json_set_string(o, "node", env->node);
    vgw_json_set(o, "parts", parts);
    return o;
}

void vgw_api_health(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    vgw_api_reply(r, 200, health(r->api));
}

void vgw_api_live(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "status", "ok");
    vgw_api_reply(r, 200, o);
}

void vgw_api_ready(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    const struct vgw_api_env *env = &r->api->env;
    struct vgw_json *h = health(r->api), *o = vgw_json_object();
    const char *status = vgw_json_get_string(h, "status", "ok");
    bool full = env->max_sessions && vgw_calls_session_count(env->calls) >= env->max_sessions(env->arg);
    bool ready = !full && !vgw_streq(status, "disabled") && !vgw_streq(status, "draining");
    vgw_json_set_string(o, "status", full && vgw_streq(status, "ok") ? "full" : status);
    vgw_json_set_bool(o, "ready", ready);
    vgw_json_free(h);
    vgw_api_reply_with(r, ready ? 200 : 503, o, ready ? NULL : "Retry-After: 5");
}

void vgw_api_metrics(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    struct vgw_buf text;
    vgw_metric_set(
        vgw_metric_family(VGW_METRIC_GAUGE, "voicegw_orphans", "Calls and sessions that nothing will end.", NULL),
        vgw_calls_orphans(r->api->env.calls), NULL, NULL, NULL);
    vgw_buf_init(&text, 0);
    vgw_metric_render(&text);
    vgw_api_reply_text(r, 200, "text/plain; version=0.0.4; charset=utf-8", vgw_buf_str(&text), text.len);
    vgw_buf_done(&text);
}

void vgw_api_openapi_show(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    vgw_api_reply(r, 200, vgw_api_openapi(vgw_api_config_now(r->api)->prefix, r->api->env.version));
}

/* The page as it lies in dashboard/, put into the program by the assembler. */
__asm__(".pushsection .rodata\n"
        ".local vgw_dashboard_page\n"
        "vgw_dashboard_page:\n"
        ".incbin \"core/api/dashboard/index.html\"\n"
        ".local vgw_dashboard_end\n"
        "vgw_dashboard_end:\n"
        ".byte 0\n"
        ".popsection\n");
extern const char vgw_dashboard_page[] __attribute__((visibility("hidden")));
extern const char vgw_dashboard_end[] __attribute__((visibility("hidden")));

void vgw_api_dashboard(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    static const char *const lines[] = {"Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; "
                                        "script-src 'unsafe-inline'; connect-src 'self'; "
                                        "frame-ancestors 'none'",
                                        "X-Content-Type-Options: nosniff", "Referrer-Policy: no-referrer", NULL};
    struct vgw_http_response response = {.status = 200,
                                         .content_type = "text/html; charset=utf-8",
                                         .headers = lines,
                                         .body = vgw_dashboard_page,
                                         .body_len = (size_t)(vgw_dashboard_end - vgw_dashboard_page)};
    vgw_front_reply(r->api->front, r->exchange, &response);
    vgw_api_request_free(r);
}
