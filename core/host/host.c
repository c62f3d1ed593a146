/* host.c - one table for each instance, and the functions of that table. */
#include "host/host_private.h"

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "config/options.h"

static _Thread_local char last_error[VGW_ERROR_TEXT_MAX];

static void host_log(const struct voicegw_host *host, uint32_t level, const char *message, const char *fields_json)
{
    struct vgw_host_instance *hi = vgw_host_of(host);
    enum vgw_log_level l = level > VGW_LOG_DEBUG ? VGW_LOG_DEBUG : (enum vgw_log_level)level;
    if (!vgw_log_enabled(l))
        return;
    int64_t second = host->now_us(host) / VGW_US_PER_S;
    if (atomic_exchange(&hi->log_second, second) != second)
        atomic_store(&hi->log_count, 0);
    if (atomic_fetch_add(&hi->log_count, 1) >= VGW_HOST_LOGS_PER_S) {
        vgw_metric_dropped("plugin_log");
        return;
    }
    struct vgw_json *fields = vgw_host_json(fields_json);
    struct vgw_log_scope scope = {.session = vgw_json_get_string(fields, "session", NULL),
                                  .call = vgw_json_get_string(fields, "call", NULL),
                                  .provider = host->name,
                                  .plugin = host->plugin};
    vgw_json_del(fields, "session");
    vgw_json_del(fields, "call");
    char *rest = vgw_json_object_count(fields) ? vgw_json_text(fields, false) : NULL;
    vgw_log(l, &scope, message ? message : "", "fields", rest, NULL);
    vgw_free(rest);
    vgw_json_free(fields);
}

int32_t vgw_host_set_error(const struct voicegw_host *host, int32_t status, const char *sentence)
{
    vgw_strcopy(last_error, sizeof last_error, sentence ? sentence : "");
    return status;
}

static const char *host_last_error(const struct voicegw_host *host)
{
    return last_error;
}

const char *vgw_host_last_error(void)
{
    return last_error;
}

void vgw_host_clear_error(void)
{
    last_error[0] = '\0';
}

/* ---- options ---- */

static const struct vgw_options *options_of(const struct voicegw_options *o)
{
    return (const struct vgw_options *)(const void *)o;
}

const struct voicegw_options *vgw_host_options(const struct vgw_options *options)
{
    return (const struct voicegw_options *)(const void *)options;
}

static const struct vgw_option *row_of(const struct voicegw_options *o, const char *name)
{
    return o ? vgw_option_find(vgw_options_table(options_of(o)), name) : NULL;
}

static const char *option_string(const struct voicegw_host *host, const struct voicegw_options *o, const char *name)
{
    const struct vgw_option *row = row_of(o, name);
    if (!row)
        return NULL;
    if (row->type == VGW_OPTION_SECRET) {
        const struct vgw_secret *s = vgw_options_secret(options_of(o), name);
        return s ? vgw_secret_reveal(s) : NULL;
    }
    return vgw_options_string(options_of(o), name);
}

static bool option_given(const struct voicegw_options *o, const struct vgw_option *row, const char *name)
{
    return row && (row->dflt || vgw_options_explicit(options_of(o), name));
}

static int64_t option_int(const struct voicegw_host *host, const struct voicegw_options *o, const char *name,
                          int64_t dflt)
{
    const struct vgw_option *row = row_of(o, name);
    if (!option_given(o, row, name))
        return dflt;
    switch (row->type) {
    case VGW_OPTION_INT:
        return vgw_options_int(options_of(o), name);
    case VGW_OPTION_BOOL:
        return vgw_options_bool(options_of(o), name);
    case VGW_OPTION_DURATION:
        return vgw_options_duration_us(options_of(o), name);
    case VGW_OPTION_SIZE:
        return (int64_t)vgw_options_size(options_of(o), name);
    default:
        return dflt;
    }
}

static double option_double(const struct voicegw_host *host, const struct voicegw_options *o, const char *name,
                            double dflt)
{
    const struct vgw_option *row = row_of(o, name);
    if (!option_given(o, row, name))
        return dflt;
    if (row->type == VGW_OPTION_RATE)
        return vgw_options_rate(options_of(o), name);
    return row->type == VGW_OPTION_DOUBLE || row->type == VGW_OPTION_INT ? vgw_options_double(options_of(o), name)
                                                                         : dflt;
}

static const char *option_json(const struct voicegw_host *host, const struct voicegw_options *o, const char *name)
{
    return o ? vgw_options_json_text(options_of(o), name) : NULL;
}

/* ---- clocks, threads ---- */

/* A plugin's own thread must not touch what a loop remembers of the time. */
static int64_t host_now_us(const struct voicegw_host *host)
{
    const struct vgw_loop *here = vgw_loop_here();
    return here ? vgw_now(here) : vgw_now_outside(vgw_host_of(host)->host->env.control);
}

static int64_t host_wall_us(const struct voicegw_host *host)
{
    const struct vgw_loop *here = vgw_loop_here();
    return here ? vgw_wall(here) : vgw_wall_outside(vgw_host_of(host)->host->env.control);
}

static uint32_t host_thread(const struct voicegw_host *host)
{
    const struct vgw_host *h = vgw_host_of(host)->host;
    if (vgw_loop_is_here(h->env.control))
        return VOICEGW_THREAD_CONTROL;
    if (vgw_pool_is_here(h->env.pool))
        return VOICEGW_THREAD_POOL;
    return vgw_loop_here() ? VOICEGW_THREAD_MEDIA : 0;
}

static uint64_t host_strand_new(const struct voicegw_host *host)
{
    return vgw_pool_strand(vgw_host_of(host)->host->env.pool);
}

/* ---- to control ---- */

int vgw_host_to_control(struct vgw_host_instance *hi, void (*fn)(void *arg), void *arg)
{
    return vgw_loop_call(hi->host->env.control, fn, arg);
}

static struct vgw_host_instance *find_alive(struct vgw_host *host, const struct vgw_host_instance *hi,
                                            uint64_t generation)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &host->instances)
        if (VGW_CONTAINER_OF(at, struct vgw_host_instance, link) == hi && hi->instance->generation == generation)
            return VGW_CONTAINER_OF(at, struct vgw_host_instance, link);
    return NULL;
}

struct notice { /* what an instance says about itself, on its way to control */
    struct vgw_host *host;
    struct vgw_host_instance *hi;
    uint64_t generation;
    bool drained, up;
    char *part, *sentence;
};

static void notice_run(void *arg)
{
    struct notice *n = arg;
    struct vgw_host_instance *hi = find_alive(n->host, n->hi, n->generation);
    const struct vgw_host_env *env = &n->host->env;
    if (hi && n->drained)
        vgw_registry_on_drained(env->registry(env->arg), hi->instance);
    else if (hi)
        env->health(env->arg, hi->instance->section, hi->instance->name, n->part, n->up,
                    n->sentence ? n->sentence : "");
    vgw_free(n->part);
    vgw_free(n->sentence);
    vgw_free(n);
}

static void notice_send(const struct voicegw_host *host, bool drained, const char *part, bool up, const char *sentence)
{
    struct vgw_host_instance *hi = vgw_host_of(host);
    struct notice *n;
    if (!VGW_NEW(n))
        return;
    *n = (struct notice){.host = hi->host,
                         .hi = hi,
                         .generation = hi->instance->generation,
                         .drained = drained,
                         .up = up,
                         .part = vgw_strdup(part),
                         .sentence = vgw_strdup(sentence)};
    if (vgw_host_to_control(hi, notice_run, n) < 0) {
        vgw_free(n->part);
        vgw_free(n->sentence);
        vgw_free(n);
    }
}

static void host_drained(const struct voicegw_host *host)
{
    notice_send(host, true, NULL, true, NULL);
}

static void host_health(const struct voicegw_host *host, const char *part, uint32_t up, const char *sentence)
{
    notice_send(host, false, part, up != 0, sentence);
}

static void host_count(const struct voicegw_host *host, const char *name, uint64_t by)
{
    char full[128] = "voicegw_plugin_";
    size_t at = strlen(full);
    for (const char *c = name; *c && at < sizeof full - 8; c++)
        full[at++] = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') ? *c : '_';
    vgw_strcopy(full + at, sizeof full - at, "_total");
    vgw_metric_add(vgw_metric_family(VGW_METRIC_COUNTER, full, "Counted by a plugin", "instance"), (double)by,
                   host->name, NULL, NULL);
}

static int32_t host_once(const struct voicegw_host *host, const char *id)
{
    static _Atomic uint64_t seen[256];
    uint64_t hash = vgw_hash64(id, strlen(id)) | 1;
    for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++) {
        uint64_t empty = 0;
        if (atomic_compare_exchange_strong(&seen[i], &empty, hash))
            return 1;
        if (empty == hash)
            return 0;
    }
    return 0;
}

static const void *host_get_extension(const struct voicegw_host *host, const char *id)
{
    static const struct {
        const char *id;
        const void *table;
    } all[] = {
        {VOICEGW_HOST_PROVIDER, &vgw_host_provider_table},
        {VOICEGW_HOST_MEDIA, &vgw_host_media_table},
        {VOICEGW_HOST_STT, &vgw_host_stt_table},
        {VOICEGW_HOST_TTS, &vgw_host_tts_table},
        {VOICEGW_HOST_ASSISTANT, &vgw_host_assistant_table},
        {VOICEGW_HOST_ACTION, &vgw_host_action_table},
        {VOICEGW_HOST_HTTP, &vgw_host_http_table},
        {VOICEGW_HOST_WS, &vgw_host_ws_table},
        {VOICEGW_HOST_ROUTE, &vgw_host_route_table},
        {VOICEGW_HOST_CRYPTO, &vgw_host_crypto_table},
        {VOICEGW_HOST_EVENT, &vgw_host_event_table},
        {VOICEGW_HOST_STATE, &vgw_host_state_table},
        {VOICEGW_HOST_USE, &vgw_host_use_table},
        {VOICEGW_HOST_DATAGRAM, &vgw_host_datagram_table},
        {VOICEGW_HOST_CONFERENCE, &vgw_host_conference_table},
        {VOICEGW_HOST_SMS, &vgw_host_sms_table},
        {VOICEGW_HOST_QUEUE, &vgw_host_queue_table},
    };
    for (size_t i = 0; id && i < sizeof all / sizeof all[0]; i++)
        if (vgw_streq(all[i].id, id))
            return all[i].table;
    return NULL;
}

struct vgw_json *vgw_host_json(const char *text)
{
    struct vgw_json *v = NULL;
    if (!text || vgw_json_parse(text, strlen(text), &v, NULL) < 0)
        return NULL;
    return v;
}

/* ---- life ---- */

static const struct voicegw_host *host_new_instance(void *arg, struct vgw_instance *instance)
{
    struct vgw_host *host = arg;
    struct vgw_host_instance *hi;
    if (!VGW_NEW(hi))
        return NULL;
    hi->budget = vgw_host_budget_new();
    if (!hi->budget) {
        vgw_free(hi);
        return NULL;
    }
    hi->pub = (struct voicegw_host){
        .size = sizeof hi->pub,
        .abi_major = VOICEGW_ABI_MAJOR,
        .abi_minor = VOICEGW_ABI_MINOR,
        .name = instance->name,
        .plugin = vgw_plugin_module_desc(instance->module)->name,
        .log = host_log,
        .set_error = vgw_host_set_error,
        .last_error = host_last_error,
        .option_string = option_string,
        .option_int = option_int,
        .option_double = option_double,
        .option_json = option_json,
        .now_us = host_now_us,
        .wall_us = host_wall_us,
        .timer_start = vgw_host_timer_start,
        .timer_cancel = vgw_host_timer_cancel,
        .post = vgw_host_post,
        .job = vgw_host_job,
        .strand_new = host_strand_new,
        .drained = host_drained,
        .health = host_health,
        .count = host_count,
        .thread = host_thread,
        .once = host_once,
        .get_extension = host_get_extension,
    };
    hi->host = host;
    hi->instance = instance;
    vgw_list_init(&hi->timers);
    vgw_list_append(&host->instances, &hi->link);
    instance->owner = hi;
    return &hi->pub;
}

static void host_free_instance(void *arg, struct vgw_instance *instance, const struct voicegw_host *pub)
{
    struct vgw_host_instance *hi = vgw_host_of(pub);
    if (!hi)
        return;
    atomic_store(&hi->gone, true);
    vgw_host_timers_end(hi);
    vgw_host_routes_end(hi);
    vgw_host_subscriptions_end(hi);
    vgw_list_remove(&hi->link);
    instance->owner = NULL;
    vgw_host_budget_unref(hi->budget);
    vgw_free(hi);
}

bool vgw_host_busy(const struct vgw_instance *instance)
{
    struct vgw_host_instance *hi = instance->owner;
    return hi && atomic_load(&hi->jobs) > 0;
}

struct vgw_plugin_hostops vgw_host_ops(struct vgw_host *host)
{
    return (struct vgw_plugin_hostops){.host_new = host_new_instance, .host_free = host_free_instance, .arg = host};
}

int vgw_host_new(const struct vgw_host_env *env, struct vgw_host **ret_host, struct vgw_error *err)
{
    struct vgw_host *host;
    if (!VGW_NEW(host))
        return vgw_error_nomem(err);
    host->env = *env;
    host->defaults = vgw_map_new(vgw_free);
    if (!host->defaults) {
        vgw_free(host);
        return vgw_error_nomem(err);
    }
    vgw_list_init(&host->instances);
    vgw_list_init(&host->routes);
    vgw_list_init(&host->subscriptions);
    vgw_list_init(&host->messages);
    *ret_host = host;
    return 0;
}

void vgw_host_free(struct vgw_host *host)
{
    if (!host)
        return;
    vgw_map_free(host->defaults);
    vgw_free(host);
}
