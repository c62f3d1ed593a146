/* bridge.c - what the call room and the plugins' host ask of the rooms around them. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "call/rate.h"
#include "config/snapshot.h"
#include "gateway/gateway_private.h"
#include "net/tls.h"

/* ---- events ---- */

void vgw_gateway_emit(struct vgw_gateway *g, const char *type, const struct vgw_session *s, const struct vgw_call *c,
                      struct vgw_json *data)
{
    if (!g->bus) { /* the gateway has ended, a plugin's last word comes late */
        vgw_json_free(data);
        return;
    }
    if (!s && c)
        s = c->session;
    struct vgw_event_about about = {.session_id = s ? s->session_id : NULL,
                                    .call_id = c ? c->call_id : NULL,
                                    .provider_call_id = c ? c->provider_call_id : NULL,
                                    .provider = c   ? c->provider
                                                : s ? s->provider
                                                    : NULL,
                                    .plugin = c   ? c->plugin
                                              : s ? s->plugin
                                                  : NULL,
                                    .project_id = s ? s->project_id : NULL};
    vgw_bus_publish(g->bus, vgw_event_new(type, &about, data, g->depth));
}

static void env_emit(void *arg, const char *type, const struct vgw_session *s, const struct vgw_call *c,
                     struct vgw_json *data)
{
    vgw_gateway_emit(arg, type, s, c, data);
}

/* ---- instances, for calls ---- */

static struct vgw_snapshot *env_snapshot(void *arg)
{
    return vgw_snapshot_ref(((struct vgw_gateway *)arg)->snapshot);
}

static const struct vgw_route_set *env_routes(void *arg, struct vgw_snapshot *snapshot)
{
    const struct vgw_plan *plan = vgw_snapshot_get(snapshot, 0);
    return plan ? plan->routes : NULL;
}

static void *env_instance_find(void *arg, const char *name)
{
    struct vgw_gateway *g = arg;
    return vgw_registry_acquire(g->registry, "providers", name && name[0] ? name : g->plan->default_provider);
}

static void env_instance_ref(void *arg, void *instance)
{
    vgw_registry_ref(instance);
}

static void env_instance_unref(void *arg, void *instance)
{
    vgw_registry_release(((struct vgw_gateway *)arg)->registry, instance);
}

static const char *env_instance_name(void *arg, void *instance)
{
    return ((struct vgw_instance *)instance)->name;
}

static const char *env_instance_plugin(void *arg, void *instance)
{
    return vgw_plugin_module_desc(((struct vgw_instance *)instance)->module)->name;
}

static uint64_t env_instance_caps(void *arg, void *instance)
{
    return ((struct vgw_instance *)instance)->factory->caps;
}

const char *vgw_gateway_instance_setting(void *arg, void *instance, const char *name)
{
    static char text[64]; /* control only, borrowed until the next call */
    const struct vgw_recipe *r = vgw_gateway_recipe_of(arg, instance);
    const struct vgw_option *row = r && r->options ? vgw_option_find(vgw_options_table(r->options), name) : NULL;
    struct vgw_buf b = {0};
    if (!row || !(row->dflt || vgw_options_explicit(r->options, name)))
        return NULL;
    if (row->type == VGW_OPTION_STRING)
        return vgw_options_string(r->options, name);
    if (row->type == VGW_OPTION_BOOL)
        return vgw_options_bool(r->options, name) ? "true" : "false";
    if (row->type == VGW_OPTION_DURATION)
        vgw_buf_printf(&b, "%.6f", (double)vgw_options_duration_us(r->options, name) / (double)VGW_US_PER_S);
    vgw_strcopy(text, sizeof text, vgw_buf_str(&b));
    vgw_buf_done(&b);
    return text[0] ? text : NULL;
}

static int env_provider_op(void *arg, void *instance, uint64_t op, struct vgw_call *call, int command,
                           const struct vgw_json *params, struct vgw_error *err)
{
    struct vgw_gateway *g = arg;
    if (command == VGW_CMD_PLAY && vgw_gateway_play_is_own(g, params))
        return vgw_gateway_play_own(g, call, op, true, params, err);
    return vgw_host_provider_op(g->host, instance, op, call, command, params, err);
}

static void env_provider_cancel(void *arg, void *instance, uint64_t op)
{
    vgw_host_provider_cancel(instance, op);
}

static void env_provider_forget(void *arg, void *instance, struct vgw_call *call)
{
    vgw_host_provider_forget(((struct vgw_gateway *)arg)->host, instance, call);
}

static bool env_price(void *arg, void *instance, const char *number, double seconds, double *ret_cost,
                      char *ret_currency)
{
    const struct vgw_recipe *r = vgw_gateway_recipe_of(arg, instance);
    const char *text = r && r->options ? vgw_options_json_text(r->options, "rates") : NULL;
    struct vgw_json *rates = text && !vgw_streq(text, "[]") ? vgw_options_json(r->options, "rates") : NULL;
    bool priced = vgw_rates_price(rates, number, seconds, ret_cost, ret_currency);
    vgw_json_free(rates);
    return priced;
}

static void env_recording_url(void *arg, const char *recording_id, char *out, size_t cap)
{
    const struct vgw_plan *plan = ((struct vgw_gateway *)arg)->plan;
    struct vgw_buf url = {0};
    vgw_buf_printf(&url, "%s%s/recordings/%s", plan->public_url, vgw_options_string(plan->main, "http.prefix"),
                   recording_id);
    vgw_strcopy(out, cap, vgw_buf_str(&url));
    vgw_buf_done(&url);
}

static void env_sha256(const void *data, size_t len, uint8_t *out)
{
    vgw_digest(VGW_DIGEST_SHA256, data, len, out);
}

struct vgw_calls_limits vgw_gateway_limits(const struct vgw_plan *plan)
{
    const struct vgw_options *o = plan->main;
    return (struct vgw_calls_limits){.max_sessions = (uint32_t)vgw_options_int(o, "gateway.max_sessions"),
                                     .session_timeout_us = vgw_options_duration_us(o, "gateway.session_timeout"),
                                     .max_call_duration_us = vgw_options_duration_us(o, "gateway.max_call_duration"),
                                     .media_silence_timeout_us = vgw_options_duration_us(o, "media_silence_timeout"),
                                     .ring_timeout_us = 60 * VGW_US_PER_S,
                                     .op_timeout_us = 30 * VGW_US_PER_S,
                                     .end_timeout_us = 10 * VGW_US_PER_S,
                                     .summary_timeout_us = 500 * VGW_US_PER_MS,
                                     .enabled = vgw_options_bool(o, "gateway.enabled")};
}

int vgw_gateway_calls_open(struct vgw_gateway *g, struct vgw_error *err)
{
    struct vgw_calls_env env = {.arg = g,
                                .loop = g->loop,
                                .emit = env_emit,
                                .journal = vgw_gateway_journal,
                                .store_record = vgw_gateway_store_record,
                                .snapshot = env_snapshot,
                                .routes = env_routes,
                                .instance_find = env_instance_find,
                                .instance_ref = env_instance_ref,
                                .instance_unref = env_instance_unref,
                                .instance_name = env_instance_name,
                                .instance_plugin = env_instance_plugin,
                                .instance_caps = env_instance_caps,
                                .instance_setting = vgw_gateway_instance_setting,
                                .provider_op = env_provider_op,
                                .provider_cancel = env_provider_cancel,
                                .provider_forget = env_provider_forget,
                                .media_attach = vgw_gateway_media_attach,
                                .media_begin = vgw_gateway_media_begin,
                                .media_command = vgw_gateway_media_command,
                                .media_release = vgw_gateway_media_release,
                                .media_held = vgw_gateway_media_held,
                                .media_digit = vgw_gateway_media_digit,
                                .workflow_start = vgw_gateway_workflow_start,
                                .recording_url = env_recording_url,
                                .price = env_price,
                                .late_cost = vgw_gateway_store_cost,
                                .sha256 = env_sha256};
    struct vgw_calls_limits limits = vgw_gateway_limits(g->plan);
    return vgw_calls_new(&env, &limits, &g->calls) < 0 ? vgw_error_nomem(err) : 0;
}

/* ---- for the plugins' host ---- */

static struct vgw_calls *host_calls(void *arg)
{
    return ((struct vgw_gateway *)arg)->calls;
}

static struct vgw_registry *host_registry(void *arg)
{
    return ((struct vgw_gateway *)arg)->registry;
}

static struct vgw_front *host_front(void *arg)
{
    return ((struct vgw_gateway *)arg)->front;
}

static uint64_t host_call_leg(void *arg, struct vgw_call *call)
{
    struct vgw_gateway *g = arg;
    struct vgw_error err = {0};
    uint64_t leg = 0;
    if (vgw_calls_leg(g->calls, call, &leg, &err) < 0)
        vgw_log(VGW_LOG_WARNING, &call->scope, "a call's media could not be made", "error", err.text, NULL);
    return leg;
}

static uint64_t host_call_leg_near(void *arg, struct vgw_call *call, struct vgw_loop *worker)
{
    struct vgw_gateway *g = arg;
    g->leg_worker = worker;
    uint64_t leg = host_call_leg(g, call);
    g->leg_worker = NULL;
    return leg;
}

static struct vgw_loop *host_worker(void *arg)
{
    return vgw_gateway_least_busy(arg)->loop;
}

static void host_emit(void *arg, const char *type, struct vgw_call *call, struct vgw_json *data)
{
    vgw_gateway_emit(arg, type, NULL, call, data);
}

static void host_health(void *arg, const char *section, const char *instance, const char *part, bool up,
                        const char *sentence)
{
    struct vgw_buf name = {0};
    vgw_buf_printf(&name, "%s.%s%s%s", section, instance, part ? "." : "", part ? part : "");
    vgw_gateway_part(arg, vgw_buf_str(&name), up, sentence);
    vgw_buf_done(&name);
}

static const char *host_public_url(void *arg)
{
    return ((struct vgw_gateway *)arg)->plan->public_url;
}

static const char *host_prefix(void *arg)
{
    return vgw_options_string(((struct vgw_gateway *)arg)->plan->main, "http.prefix");
}

static void host_action_complete(void *arg, uint64_t run, int status, const char *sentence, struct vgw_json *result)
{
    vgw_gateway_plugin_action_complete(arg, run, status, sentence, result);
}

static bool host_tts_engine(void *arg, const char *name, struct vgw_engine *ret_engine)
{
    struct vgw_gateway *g = arg;
    if (name && name[0])
        return vgw_gateway_engine(g, "tts", name, ret_engine);
    for (size_t i = 0; i < g->plan->recipe_count; i++)
        if (vgw_streq(g->plan->recipes[i]->section, "tts") &&
            vgw_gateway_engine(g, "tts", g->plan->recipes[i]->name, ret_engine))
            return true;
    return false;
}

int vgw_gateway_host_open(struct vgw_gateway *g, struct vgw_error *err)
{
    struct vgw_host_env env = {.arg = g,
                               .control = g->loop,
                               .pool = g->pool,
                               .calls = host_calls,
                               .registry = host_registry,
                               .policy = vgw_gateway_policy_here,
                               .hub = vgw_gateway_hub_of,
                               .client = vgw_gateway_client_of,
                               .front = host_front,
                               .call_leg = host_call_leg,
                               .call_leg_near = host_call_leg_near,
                               .worker = host_worker,
                               .emit = host_emit,
                               .state_get = vgw_gateway_state_get,
                               .state_set = vgw_gateway_state_set,
                               .health = host_health,
                               .public_url = host_public_url,
                               .prefix = host_prefix,
                               .action_complete = host_action_complete,
                               .restart_complete = vgw_gateway_restart_complete,
                               .recording_available = vgw_gateway_recording_available,
                               .queue_messages = vgw_gateway_queue_messages,
                               .queue_complete = vgw_gateway_queue_complete,
                               .tts_engine = host_tts_engine,
                               .engine_release = vgw_gateway_engine_release};
    return vgw_host_new(&env, &g->host, err);
}
