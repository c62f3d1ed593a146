/* caps.c - what routes and steps want of a provider, held against what its plugin declares. What cannot be told before
 * a call is there (templates, calls named by id) is left to the call. */
#include <string.h>

#include "base/str.h"
#include "gateway/plan.h"
#include "voicegw/plugin.h"

/* A step type, and the capabilities of which one must be there. */
struct want {
    const char *step;
    uint64_t any;
    const char *what; /* behind "cannot" */
};
static const struct want wants[] = {
    {"voice_play_audio", VOICEGW_CAP_PLAY | VOICEGW_CAP_MEDIA, "play audio"},
    {"voice_play_tts", VOICEGW_CAP_SAY | VOICEGW_CAP_MEDIA, "say text"},
    {"voice_hold", VOICEGW_CAP_HOLD | VOICEGW_CAP_MEDIA, "hold a call"},
    {"voice_transfer", VOICEGW_CAP_TRANSFER | VOICEGW_CAP_IVR, "transfer a call"},
    {"voice_send_dtmf", VOICEGW_CAP_DTMF | VOICEGW_CAP_MEDIA, "send digits"},
    {"voice_start_recording", VOICEGW_CAP_RECORD | VOICEGW_CAP_MEDIA, "record"},
    {"voice_stop_recording", VOICEGW_CAP_RECORD | VOICEGW_CAP_MEDIA, "record"},
    {"gather", VOICEGW_CAP_MEDIA | VOICEGW_CAP_IVR, "hear the caller (it has no media)"},
    {"assistant", VOICEGW_CAP_MEDIA, "let an assistant talk (it has no media)"},
};
static const struct want make_call = {"voice_make_call", VOICEGW_CAP_MAKE_CALL, "place calls"},
                         send_sms = {"send_sms", VOICEGW_CAP_SMS, "send text messages"},
                         attended = {"voice_transfer", VOICEGW_CAP_TRANSFER_ATTENDED, "transfer a call attended"};

size_t vgw_plan_providers(const struct vgw_plan *plan, const char *glob,
                          const struct vgw_recipe *ret_recipes[VGW_PLAN_PROVIDERS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < plan->recipe_count && n < VGW_PLAN_PROVIDERS_MAX; i++) {
        const struct vgw_recipe *r = plan->recipes[i];
        if (vgw_streq(r->section, "providers") &&
            (!glob || vgw_glob_match(glob, r->name) || vgw_glob_match(glob, r->plugin)))
            ret_recipes[n++] = r;
    }
    return n;
}

/* Whom a call can come by. One that was refused itself counts as able: its own error is enough. */
struct candidates {
    const struct vgw_recipe *items[VGW_PLAN_PROVIDERS_MAX];
    size_t count;
};

static bool all_lack(const struct candidates *c, uint64_t any)
{
    for (size_t i = 0; i < c->count; i++)
        if (!c->items[i]->desc || (c->items[i]->caps & any))
            return false;
    return c->count > 0;
}

static void refuse(struct vgw_config_reader *reader, const struct candidates *c, const char *what,
                   const struct vgw_node *at, const char *key)
{
    if (c->count == 1)
        vgw_node_key_error(&reader->errors, at, key,
                           "the provider '%s' (%s) cannot %s; leave it out, or take a provider that can",
                           c->items[0]->name, c->items[0]->plugin, what);
    else
        vgw_node_key_error(&reader->errors, at, key,
                           "none of the %zu providers that this can be about can %s; leave it out, or add one that can",
                           c->count, what);
}

void vgw_caps_check_route(struct vgw_config_reader *reader, const struct vgw_plan *plan, const struct vgw_route *route,
                          const struct vgw_node *node)
{
    struct candidates c;
    const struct {
        bool wanted;
        const char *key;
        uint64_t any;
        const char *what;
    } keys[] = {
        {route->assistant != NULL, "assistant", VOICEGW_CAP_MEDIA | VOICEGW_CAP_CONVERSATION,
         "let an assistant talk on its calls: it has no media"},
        {route->greeting != NULL, "greeting", VOICEGW_CAP_SAY | VOICEGW_CAP_MEDIA | VOICEGW_CAP_CONVERSATION,
         "say a greeting"},
        {route->record, "record", VOICEGW_CAP_RECORD | VOICEGW_CAP_MEDIA, "record"},
    };
    c.count = vgw_plan_providers(plan, route->provider, c.items);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (keys[i].wanted && all_lack(&c, keys[i].any))
            refuse(reader, &c, keys[i].what, node, keys[i].key);
}

/* ---- steps ---- */

struct walk {
    struct vgw_config_reader *reader;
    const struct vgw_plan *plan;
    struct candidates now; /* of the run's own call, at this step */
    bool routed;           /* it has a call from the beginning */
};

/* A parameter as written, in `params` or beside the type; NULL: none, or a template. */
static const char *constant(const struct vgw_node *step, const char *key, bool *ret_written)
{
    const struct vgw_node *params = vgw_node_get(step, "params");
    const struct vgw_node *v = vgw_node_get(params, key);
    const char *text = vgw_node_text(v ? v : vgw_node_get(step, key));
    *ret_written = text != NULL;
    return text && !strstr(text, "{{") ? text : NULL;
}

static void check_want(struct walk *w, const struct want *want, const struct vgw_node *step)
{
    if (all_lack(&w->now, want->any))
        refuse(w->reader, &w->now, want->what, step, "type");
}

/* The step's own provider, else the default one for calls. Zero candidates: cannot be told. */
static void named(struct walk *w, const struct vgw_node *step, const char *fallback, struct candidates *c)
{
    bool written;
    const char *name = constant(step, "provider", &written);
    const struct vgw_recipe *r = name       ? vgw_plan_recipe(w->plan, "providers", name)
                                 : !written ? vgw_plan_recipe(w->plan, "providers", fallback)
                                            : NULL;
    if (name && !r)
        vgw_node_error(&w->reader->errors, step, "there is no provider '%s' under `providers:`", name);
    c->count = r != NULL;
    c->items[0] = r;
}

static void check_step(struct walk *w, const struct vgw_node *step, const char *type)
{
    struct candidates c;
    bool written, call_named;
    if (vgw_streq(type, make_call.step)) {
        named(w, step, w->plan->default_provider, &c);
        if (all_lack(&c, make_call.any))
            refuse(w->reader, &c, make_call.what, step, "type");
        if (!w->routed)
            w->now = c; /* from here on the run's own call is this one */
    } else if (vgw_streq(type, send_sms.step)) {
        named(w, step, "", &c);
        if (c.count == 0 && !constant(step, "provider", &written) && !written)
            c.count = vgw_plan_providers(w->plan, NULL, c.items);
        if (all_lack(&c, send_sms.any))
            refuse(w->reader, &c, send_sms.what, step, "type");
    }
    (void)constant(step, "call_id", &call_named);
    for (size_t i = 0; !call_named && i < sizeof wants / sizeof wants[0]; i++)
        if (vgw_streq(type, wants[i].step))
            check_want(w, &wants[i], step);
    const char *kind = constant(step, "kind", &written);
    if (!call_named && vgw_streq(type, attended.step) && vgw_streq(kind, "attended"))
        check_want(w, &attended, step);
}

static void walk_steps(struct walk *w, const struct vgw_node *node)
{
    const char *key;
    struct vgw_node *value;
    const char *type = vgw_node_text(vgw_node_get(node, "type"));
    if (type)
        check_step(w, node, type);
    for (size_t i = 0; vgw_node_kind(node) == VGW_NODE_SEQUENCE && i < vgw_node_count(node); i++)
        walk_steps(w, vgw_node_at(node, i));
    for (size_t at = 0; vgw_node_next(node, &at, &key, &value);)
        if (vgw_node_kind(value) != VGW_NODE_SCALAR && !vgw_streq(key, "trigger") && !vgw_streq(key, "conditions"))
            walk_steps(w, value);
}

/* Has an earlier route brought the same calls to the same workflow? */
static bool seen_before(const struct vgw_route_set *set, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (set->routes[i].workflow && vgw_streq(set->routes[i].workflow, set->routes[at].workflow) &&
            !set->routes[i].provider == !set->routes[at].provider &&
            (!set->routes[i].provider || vgw_streq(set->routes[i].provider, set->routes[at].provider)))
            return true;
    return false;
}

void vgw_caps_check_steps(struct vgw_config_reader *reader, const struct vgw_plan *plan, const struct vgw_node *doc,
                          bool workflow)
{
    struct walk w = {.reader = reader, .plan = plan};
    const char *id = vgw_node_text(vgw_node_get(doc, "id"));
    for (size_t i = 0; workflow && id && plan->routes && i < plan->routes->count; i++) {
        const struct vgw_route *r = &plan->routes->routes[i];
        if (!r->workflow || !vgw_streq(r->workflow, id) || seen_before(plan->routes, i))
            continue;
        w.routed = true;
        w.now.count = vgw_plan_providers(plan, r->provider, w.now.items);
        walk_steps(&w, doc);
    }
    if (w.routed)
        return;
    w.now.count = vgw_plan_providers(plan, NULL, w.now.items);
    walk_steps(&w, doc);
}
