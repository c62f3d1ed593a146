/* plugin_actions.c - actions and subscribers of plugins: those under `actions:` give steps and tools, those under
 * `subscribers:` hear the events. Both follow their instance over reloads by its name. */
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "gateway/gateway_private.h"
#include "voicegw/draft/action.h"
#include "voicegw/draft/subscriber.h"

#define PARAMS_MAX 64
#define BATCH_MAX 256
#define AGAIN_US (1 * VGW_US_PER_S)

/* ---- actions ---- */

struct vgw_plugin_action { /* one that is registered; the registry's `arg` */
    struct vgw_list link;
    struct vgw_gateway *g;
    char instance[64], name[64];
    bool seen; /* by the generation that is published now */
};

struct action_run { /* its generation stays until it has answered */
    struct vgw_list link;
    vgw_action_handle handle;
    struct vgw_instance *instance;
};

static struct action_run *run_of(struct vgw_gateway *g, vgw_action_handle handle)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &g->plugin_runs)
        if (VGW_CONTAINER_OF(at, struct action_run, link)->handle == handle)
            return VGW_CONTAINER_OF(at, struct action_run, link);
    return NULL;
}

static void run_over(struct vgw_gateway *g, struct action_run *r)
{
    vgw_list_remove(&r->link);
    vgw_registry_release(g->registry, r->instance);
    vgw_free(r);
}

static int on_run(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                  const struct vgw_action_context *context, struct vgw_error *err)
{
    struct vgw_plugin_action *a = arg;
    struct vgw_gateway *g = a->g;
    struct action_run *r;
    struct vgw_instance *instance = vgw_registry_acquire(g->registry, "actions", a->instance);
    if (!instance)
        return vgw_error_set(err, VGW_EUNSUPPORTED, "the plugin of the action '%s' does not run", a->name);
    if (!VGW_NEW(r)) {
        vgw_registry_release(g->registry, instance);
        return vgw_error_nomem(err);
    }
    r->handle = handle;
    r->instance = instance;
    vgw_list_append(&g->plugin_runs, &r->link);
    struct vgw_json *about = vgw_json_object();
    vgw_json_set_string(about, "call_id", context->call_id);
    vgw_json_set_string(about, "session_id", context->session_id);
    vgw_json_set_string(about, "run_id", context->run_id);
    vgw_json_set(about, "variables", context->variables ? vgw_json_copy(context->variables) : vgw_json_object());
    struct vgw_json *none = params ? NULL : vgw_json_object();
    int rc = vgw_host_action_run(instance, handle, a->name, params ? params : none, about, err);
    vgw_json_free(none);
    vgw_json_free(about);
    if (rc < 0)
        run_over(g, r);
    return rc;
}

static void on_cancel(void *arg, vgw_action_handle handle)
{
    struct vgw_plugin_action *a = arg;
    struct action_run *r = run_of(a->g, handle);
    const struct voicegw_action *table = r ? vgw_instance_extension(r->instance, VOICEGW_KIND_ACTION) : NULL;
    if (table && table->cancel)
        table->cancel(r->instance->plugin_instance, handle); /* it answers all the same */
}

void vgw_gateway_plugin_action_complete(struct vgw_gateway *g, uint64_t run, int status, const char *sentence,
                                        struct vgw_json *result)
{
    struct action_run *r = run_of(g, run);
    if (!r) {
        vgw_metric_dropped("action_answer");
        vgw_json_free(result);
        return;
    }
    vgw_action_complete(g->actions, run, status, result, sentence);
    run_over(g, r);
}

static enum vgw_param_type type_of(const struct vgw_json *property)
{
    static const struct {
        const char *name;
        enum vgw_param_type type;
    } types[] = {{"string", VGW_PARAM_STRING}, {"integer", VGW_PARAM_INT},   {"number", VGW_PARAM_NUMBER},
                 {"boolean", VGW_PARAM_BOOL},  {"object", VGW_PARAM_OBJECT}, {"array", VGW_PARAM_ARRAY}};
    const char *type = vgw_json_get_string(property, "type", "");
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (vgw_streq(types[i].name, type))
            return types[i].type;
    return VGW_PARAM_ANY;
}

static size_t params_of(const struct vgw_json *schema, struct vgw_action_param *out)
{
    const struct vgw_json *required = vgw_json_get(schema, "required");
    const char *name;
    struct vgw_json *property;
    size_t n = 0;
    for (size_t at = 0;
         n < PARAMS_MAX && vgw_json_object_next(vgw_json_get(schema, "properties"), &at, &name, &property); n++) {
        out[n] = (struct vgw_action_param){.name = name,
                                           .type = type_of(property),
                                           .templated = true,
                                           .description = vgw_json_get_string(property, "description", "")};
        for (size_t i = 0; i < vgw_json_count(required); i++)
            out[n].required |= vgw_streq(vgw_json_str(vgw_json_at(required, i)), name);
    }
    return n;
}

static struct vgw_plugin_action *action_of(struct vgw_gateway *g, const char *instance, const char *name)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &g->plugin_actions) {
        struct vgw_plugin_action *a = VGW_CONTAINER_OF(at, struct vgw_plugin_action, link);
        if (vgw_streq(a->instance, instance) && vgw_streq(a->name, name))
            return a;
    }
    return NULL;
}

static int action_add(struct vgw_gateway *g, const struct vgw_instance *i, const struct voicegw_action_spec *spec,
                      struct vgw_error *err)
{
    struct vgw_action_param params[PARAMS_MAX];
    struct vgw_json *schema = NULL;
    struct vgw_plugin_action *a;
    if (spec->params_schema && vgw_json_parse(spec->params_schema, strlen(spec->params_schema), &schema, NULL) < 0)
        return vgw_error_set(err, VGW_ECONFIG, "the action '%s' has a params_schema that is no JSON", spec->name);
    if (!VGW_NEW(a)) {
        vgw_json_free(schema);
        return vgw_error_nomem(err);
    }
    a->g = g;
    a->seen = true;
    vgw_strcopy(a->instance, sizeof a->instance, i->name);
    vgw_strcopy(a->name, sizeof a->name, spec->name);
    struct vgw_action_desc d = {.name = spec->name,
                                .description = spec->description ? spec->description : "",
                                .result = spec->result_schema ? spec->result_schema : "",
                                .params = params,
                                .param_count = params_of(schema, params),
                                .flags = VGW_ACTION_STEP | (spec->flags & VOICEGW_ACTION_TOOL ? VGW_ACTION_TOOL : 0) |
                                         (spec->flags & VOICEGW_ACTION_IDEMPOTENT ? VGW_ACTION_IDEMPOTENT : 0) |
                                         (schema ? 0 : VGW_ACTION_ANY_PARAM),
                                .default_timeout_us =
                                    (int64_t)(spec->timeout_ms ? spec->timeout_ms : 30000) * VGW_US_PER_MS,
                                .run = on_run,
                                .cancel = on_cancel,
                                .arg = a};
    int rc = vgw_action_register(g->actions, &d, err);
    vgw_json_free(schema);
    if (rc < 0)
        vgw_free(a);
    else
        vgw_list_append(&g->plugin_actions, &a->link);
    return rc;
}

static void actions_sweep(struct vgw_gateway *g, const char *instance)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &g->plugin_actions) {
        struct vgw_plugin_action *a = VGW_CONTAINER_OF(at, struct vgw_plugin_action, link);
        if (!vgw_streq(a->instance, instance) || a->seen)
            continue;
        vgw_action_unregister(g->actions, a->name);
        vgw_list_remove(&a->link);
        vgw_free(a);
    }
}

static void actions_unsee(struct vgw_gateway *g, const char *instance)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &g->plugin_actions)
        if (vgw_streq(VGW_CONTAINER_OF(at, struct vgw_plugin_action, link)->instance, instance))
            VGW_CONTAINER_OF(at, struct vgw_plugin_action, link)->seen = false;
}

static void actions_publish(struct vgw_gateway *g, struct vgw_instance *i)
{
    const struct voicegw_action *table = vgw_instance_extension(i, VOICEGW_KIND_ACTION);
    const struct voicegw_action_spec *spec;
    actions_unsee(g, i->name);
    for (uint32_t n = 0; table && n < 1000 && (spec = table->list(i->plugin_instance, n)); n++) {
        struct vgw_plugin_action *there = action_of(g, i->name, spec->name);
        struct vgw_error err = {0};
        if (there)
            there->seen = true; /* what runs is not disturbed; runs go to the newest generation */
        else if (action_add(g, i, spec, &err) < 0)
            vgw_log(VGW_LOG_ERROR, NULL, "an action of a plugin could not be registered", "instance", i->name, "action",
                    spec->name, "error", err.text, NULL);
    }
    actions_sweep(g, i->name);
}

/* ---- subscribers ---- */

struct listener {
    struct vgw_list link;
    struct vgw_gateway *g;
    struct vgw_instance *instance; /* current; retired together with this */
    const struct voicegw_subscriber *table;
    struct vgw_json *filter; /* array of globs, or NULL: all */
    struct vgw_feed *feed;
    struct vgw_timer again;
    struct vgw_buf batch; /* taken from the feed, not yet accepted */
    uint32_t count;
};

static bool wanted(const struct listener *l, const char *type)
{
    if (!l->filter)
        return true;
    for (size_t i = 0; i < vgw_json_count(l->filter); i++)
        if (vgw_json_str(vgw_json_at(l->filter, i)) && vgw_glob_match(vgw_json_str(vgw_json_at(l->filter, i)), type))
            return true;
    return false;
}

static void on_wake(void *arg);

static void feed_open(struct listener *l, uint64_t from)
{
    if (vgw_feed_open(l->g->bus, from, on_wake, l, &l->feed) < 0) {
        l->feed = NULL;
        vgw_log(VGW_LOG_ERROR, NULL, "a subscriber cannot be fed", "instance", l->instance->name, NULL);
    }
}

/* True when the batch was taken, or thrown away. */
static bool give(struct listener *l)
{
    if (!l->count)
        return true;
    int rc = l->table->on_events(l->instance->plugin_instance, vgw_buf_str(&l->batch), l->count);
    if (rc == VOICEGW_EBUSY) {
        vgw_timer_start(&l->again, AGAIN_US);
        return false;
    }
    if (rc < 0)
        vgw_metric_dropped("subscriber_refused");
    vgw_buf_done(&l->batch);
    l->batch = (struct vgw_buf){0};
    l->count = 0;
    return true;
}

static void on_wake(void *arg)
{
    struct listener *l = arg;
    struct vgw_event *e;
    enum vgw_feed_result r = VGW_FEED_EMPTY;
    while (l->feed && give(l)) {
        vgw_buf_adds(&l->batch, "[");
        while (l->count < BATCH_MAX && (r = vgw_feed_next(l->feed, &e)) == VGW_FEED_EVENT) {
            if (!wanted(l, e->name))
                continue;
            vgw_buf_printf(&l->batch, "%s%s", l->count ? "," : "", vgw_event_text(e, NULL));
            l->count++;
        }
        vgw_buf_adds(&l->batch, "]");
        if (l->count && r != VGW_FEED_GAP && l->count < BATCH_MAX) {
            give(l);
            return;
        }
        if (r == VGW_FEED_GAP) {
            uint64_t last = vgw_feed_last(l->feed);
            vgw_feed_close(l->feed);
            if (l->table->on_gap)
                l->table->on_gap(l->instance->plugin_instance, last);
            feed_open(l, VGW_FEED_NEW);
        }
        if (!l->count) {
            vgw_buf_done(&l->batch);
            l->batch = (struct vgw_buf){0};
            return;
        }
    }
}

static void listener_free(struct listener *l)
{
    vgw_list_remove(&l->link);
    vgw_timer_stop(&l->again);
    vgw_feed_close(l->feed);
    vgw_json_free(l->filter);
    vgw_buf_done(&l->batch);
    vgw_free(l);
}

static struct listener *listener_of(struct vgw_gateway *g, const char *instance)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &g->listeners)
        if (vgw_streq(VGW_CONTAINER_OF(at, struct listener, link)->instance->name, instance))
            return VGW_CONTAINER_OF(at, struct listener, link);
    return NULL;
}

static void listener_publish(struct vgw_gateway *g, struct vgw_instance *i)
{
    const struct voicegw_subscriber *table = vgw_instance_extension(i, VOICEGW_KIND_SUBSCRIBER);
    struct listener *old = listener_of(g, i->name), *l;
    uint64_t from = old && old->feed ? vgw_feed_last(old->feed) : VGW_FEED_NEW;
    if (!table || !table->on_events || !VGW_NEW(l))
        return;
    *l = (struct listener){.g = g, .instance = i, .table = table};
    vgw_timer_init(&l->again, g->loop, on_wake, l);
    const char *filter = table->filter ? table->filter(i->plugin_instance) : NULL;
    if (filter && vgw_json_parse(filter, strlen(filter), &l->filter, NULL) < 0)
        vgw_log(VGW_LOG_WARNING, NULL, "a subscriber's filter is no JSON; it hears all", "instance", i->name, NULL);
    vgw_list_append(&g->listeners, &l->link);
    if (old) { /* the new generation goes on where the old one stood */
        l->batch = old->batch;
        l->count = old->count;
        old->batch = (struct vgw_buf){0};
        listener_free(old);
    }
    feed_open(l, from && from != VGW_FEED_NEW ? from : VGW_FEED_NEW);
}

/* ---- both ---- */

void vgw_gateway_instance_published(struct vgw_gateway *g, struct vgw_instance *i)
{
    if (vgw_streq(i->section, "actions"))
        actions_publish(g, i);
    else if (vgw_streq(i->section, "subscribers"))
        listener_publish(g, i);
}

void vgw_gateway_instance_retired(struct vgw_gateway *g, const char *section, const char *name)
{
    struct listener *l = vgw_streq(section, "subscribers") ? listener_of(g, name) : NULL;
    if (l)
        listener_free(l);
    if (vgw_streq(section, "actions")) {
        actions_unsee(g, name);
        actions_sweep(g, name);
    }
}

void vgw_gateway_plugin_actions_close(struct vgw_gateway *g)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &g->listeners)
        listener_free(VGW_CONTAINER_OF(at, struct listener, link));
    VGW_LIST_EACH (at, next, &g->plugin_runs)
        run_over(g, VGW_CONTAINER_OF(at, struct action_run, link));
    VGW_LIST_EACH (at, next, &g->plugin_actions) {
        struct vgw_plugin_action *a = VGW_CONTAINER_OF(at, struct vgw_plugin_action, link);
        vgw_action_unregister(g->actions, a->name);
        vgw_list_remove(&a->link);
        vgw_free(a);
    }
}
