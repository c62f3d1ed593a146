/* plan.c - the main file, its instances, routes, workflows and rules, compiled beside what runs. */
#include "gateway/archive.h"
#include "gateway/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "config/environment.h"
#include "config/load.h"
#include "config/main_table.h"
#include "gateway/tools.h"
#include "net/addr.h"
#include "net/policy.h"
#include "talk/options.h"
#include "voicegw/plugin.h"

struct vgw_plan *vgw_plan_ref(struct vgw_plan *plan)
{
    plan->refs++;
    return plan;
}

void vgw_plan_unref(struct vgw_plan *plan)
{
    if (!plan || --plan->refs)
        return;
    for (size_t i = 0; i < plan->recipe_count; i++)
        vgw_recipe_unref(plan->recipes[i]);
    vgw_free(plan->recipes);
    vgw_route_set_free(plan->routes);
    vgw_flow_set_unref(plan->flows);
    vgw_delivery_settings_unref(plan->delivery);
    vgw_plugin_list_free(plan->available);
    vgw_options_unref(plan->main);
    vgw_free(plan->path);
    vgw_free(plan);
}

/* ---- plugins on the path ---- */

static void find_plugins(const struct vgw_plan_source *source, struct vgw_config_reader *reader,
                         const struct vgw_node *root, struct vgw_plan *plan)
{
    struct vgw_plugin_dir dirs[64];
    size_t n = 0;
    const struct vgw_node *path = vgw_node_path(root, "plugins.path");
    for (size_t i = 0; i < source->plugin_dir_count && n < 32; i++)
        dirs[n++] = (struct vgw_plugin_dir){source->plugin_dirs[i], 0};
    for (size_t i = 0; i < vgw_node_count(path) && n < 64; i++)
        if (vgw_node_text(vgw_node_at(path, i)))
            dirs[n++] = (struct vgw_plugin_dir){vgw_node_text(vgw_node_at(path, i)), 1};
    if (!path && n < 64)
        dirs[n++] = (struct vgw_plugin_dir){VGW_PLUGINDIR, 1};
    struct vgw_error err = {0};
    if (vgw_plugin_find(dirs, n, &plan->available, &err) < 0 && path && source->plugin_dir_count == 0)
        vgw_node_error(&reader->errors, path, "%s", err.text);
}

/* ---- routes ---- */

static const char *route_place(void *arg, size_t index)
{
    static _Thread_local char text[160];
    struct vgw_buf b = {0};
    vgw_node_place(vgw_node_at(arg, index), &b);
    vgw_strcopy(text, sizeof text, vgw_buf_str(&b));
    vgw_buf_done(&b);
    return text;
}

/* The instance's name or its plugin's, as a glob: what a route's match.provider may be. */
static void check_match(struct vgw_config_reader *reader, const struct vgw_plan *plan, const struct vgw_node *match,
                        const char *provider)
{
    const struct vgw_recipe *found[VGW_PLAN_PROVIDERS_MAX];
    const char *names[2 * VGW_PLAN_PROVIDERS_MAX];
    if (!provider || vgw_plan_providers(plan, provider, found))
        return;
    size_t n = 0, all = vgw_plan_providers(plan, NULL, found);
    for (size_t i = 0; i < all; i++) {
        names[n++] = found[i]->name;
        names[n++] = found[i]->plugin;
    }
    const char *near = vgw_nearest(provider, names, n);
    vgw_node_key_error(&reader->errors, match, "provider",
                       "'%s' is neither the name nor the plugin of an instance under `providers:`%s%s%s", provider,
                       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static void check_name(struct vgw_config_reader *reader, const struct vgw_plan *plan, const struct vgw_node *route,
                       const char *key, const char *section, const char *name)
{
    if (!name || !name[0] || vgw_plan_recipe(plan, section, name))
        return;
    const char *names[256];
    size_t n = 0;
    for (size_t i = 0; i < plan->recipe_count && n < 256; i++)
        if (vgw_streq(plan->recipes[i]->section, section))
            names[n++] = plan->recipes[i]->name;
    const char *near = vgw_nearest(name, names, n);
    vgw_node_key_error(&reader->errors, route, key, "there is no '%s' under `%s:`%s%s%s", name, section,
                       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* Engines that name others: who stands in for an assistant, who shadows a recognizer. */
static void check_engines(struct vgw_config_reader *reader, const struct vgw_plan *plan, const struct vgw_node *root)
{
    for (size_t i = 0; i < plan->recipe_count; i++) {
        const struct vgw_recipe *r = plan->recipes[i];
        bool hears = vgw_streq(r->section, "stt"), answers = vgw_streq(r->section, "assistants");
        const struct vgw_node *node = vgw_node_get(vgw_node_get(root, r->section), r->name);
        if (!r->options || !(hears || answers || vgw_streq(r->section, "tts")))
            continue;
        const char *shadow = vgw_options_string(r->options, "shadow");
        size_t names = vgw_options_count(r->options, "failover");
        if (hears)
            check_name(reader, plan, node, "shadow", "stt", shadow);
        else if (shadow)
            vgw_node_key_error(&reader->errors, node, "shadow", "only a recognizer, under `stt:`, can have a shadow");
        if (names && !answers)
            vgw_node_key_error(&reader->errors, node, "failover",
                               "only an assistant names who stands in for it; of stt and tts a route takes a list");
        for (size_t k = 0; answers && k < names; k++)
            check_name(reader, plan, node, "failover", "assistants", vgw_options_item(r->options, "failover", k));
    }
}

/* `media: twiml` needs a provider with documents of its own among those that the route may match. */
static void check_media(struct vgw_config_reader *reader, const struct vgw_plan *plan, const struct vgw_route *r,
                        const struct vgw_node *node)
{
    bool offered = false;
    if (!vgw_streq(r->media, "twiml"))
        return;
    for (size_t i = 0; i < plan->recipe_count && !offered; i++) {
        const struct vgw_recipe *p = plan->recipes[i];
        bool matches = !r->provider || vgw_glob_match(r->provider, p->name) || vgw_glob_match(r->provider, p->plugin);
        /* What was not probed cannot be judged. */
        offered = vgw_streq(p->section, "providers") && matches && (!p->options || (p->caps & VOICEGW_CAP_IVR));
    }
    if (!offered)
        vgw_node_key_error(
            &reader->errors, node, "media",
            "%s%s%s leads calls by documents of its own, so the route cannot have media: twiml; leave it "
            "out",
            r->provider ? "no provider '" : "no provider", r->provider ? r->provider : "", r->provider ? "'" : "");
    if (r->assistant)
        vgw_node_key_error(
            &reader->errors, node, "assistant",
            "an assistant needs the call's audio, which media: twiml does not bring; take media: stream, "
            "or a workflow");
}

/* A workflow that is written but refused has told its own errors. */
static bool is_written(const struct vgw_node *docs, const char *id)
{
    for (size_t i = 0; i < vgw_node_count(docs); i++) {
        const char *other = vgw_node_text(vgw_node_get(vgw_node_at(docs, i), "id"));
        if (other && vgw_streq(other, id))
            return true;
    }
    return false;
}

static void check_route(struct vgw_config_reader *reader, const struct vgw_plan *plan, const struct vgw_route *r,
                        const struct vgw_node *node, const struct vgw_node *workflows)
{
    struct vgw_talk_options talk = vgw_talk_defaults();
    struct vgw_error err = {0};
    check_name(reader, plan, node, "assistant", "assistants", r->assistant);
    check_match(reader, plan, vgw_node_get(node, "match"), r->provider);
    for (size_t i = 0; i < r->stt_count; i++)
        check_name(reader, plan, node, "stt", "stt", r->stt[i]);
    for (size_t i = 0; i < r->tts_count; i++)
        check_name(reader, plan, node, "tts", "tts", r->tts[i]);
    if (r->workflow && !vgw_flow_set_workflow(plan->flows, r->workflow) && !is_written(workflows, r->workflow))
        vgw_node_key_error(&reader->errors, node, "workflow", "there is no workflow '%s'", r->workflow);
    if (vgw_talk_options_apply(&talk, r->talk, &err) < 0)
        vgw_node_key_error(&reader->errors, node, "talk", "%s", err.text);
    check_media(reader, plan, r, node);
    vgw_caps_check_route(reader, plan, r, node);
}

static void compile_routes(struct vgw_config_reader *reader, const struct vgw_node *root, struct vgw_plan *plan,
                           const struct vgw_node *workflows)
{
    const struct vgw_node *list = vgw_node_get(root, "routes");
    struct vgw_json *json = NULL;
    struct vgw_error err = {0};
    if (list && vgw_node_json(list, true, &json) < 0) {
        vgw_config_errors_nomem(&reader->errors, "routes");
        return;
    }
    if (vgw_route_set_compile(json, route_place, (void *)(uintptr_t)list, &plan->routes, &err) < 0) {
        vgw_node_error(&reader->errors, list, "%s", err.text);
    } else {
        for (size_t i = 0; i < plan->routes->count && i < vgw_node_count(list); i++)
            check_route(reader, plan, &plan->routes->routes[i], vgw_node_at(list, i), workflows);
    }
    vgw_json_free(json);
}

/* ---- workflows and rules ---- */

struct flow_place {
    const struct vgw_node *doc;
    struct vgw_config_reader *reader;
};

static const struct vgw_node *node_of_pointer(const struct vgw_node *doc, const char *pointer)
{
    char dotted[512];
    vgw_strcopy(dotted, sizeof dotted, pointer[0] == '/' ? pointer + 1 : pointer);
    for (char *c = dotted; *c; c++)
        if (*c == '/')
            *c = '.';
    return dotted[0] ? vgw_node_path(doc, dotted) : doc;
}

static bool flow_where(void *arg, const char *pointer, char *out, size_t cap)
{
    struct flow_place *p = arg;
    const struct vgw_node *n = node_of_pointer(p->doc, pointer);
    if (!n)
        return false;
    struct vgw_buf b = {0};
    vgw_node_place(n, &b);
    vgw_strcopy(out, cap, vgw_buf_str(&b));
    vgw_buf_done(&b);
    return true;
}

/* "file:line:column" taken apart again: errors of flow come with a place of that form. */
static void report_flow(void *arg, const struct vgw_error *err)
{
    struct flow_place *p = arg;
    char file[160];
    int line = 0, column = 0;
    vgw_strcopy(file, sizeof file, err->place);
    char *second = strrchr(file, ':');
    if (second) {
        *second = '\0';
        char *first = strrchr(file, ':');
        int64_t l = 0, c = 0;
        if (first && vgw_parse_i64(first + 1, &l) && vgw_parse_i64(second + 1, &c)) {
            *first = '\0';
            line = (int)l;
            column = (int)c;
        } else {
            *second = ':';
        }
    }
    vgw_config_errors_add(&p->reader->errors, file[0] ? file : vgw_node_file(p->doc), line, column, "%s", err->text);
}

/* Plugins say what their actions are once they run: with one of them, step types cannot be checked before. */
static bool has_actions(const struct vgw_plan *plan)
{
    for (size_t i = 0; i < plan->recipe_count; i++)
        if (vgw_streq(plan->recipes[i]->section, "actions"))
            return true;
    return false;
}

static void compile_flow(const struct vgw_plan_source *source, struct vgw_config_reader *reader,
                         const struct vgw_node *doc, bool rule, struct vgw_plan *plan)
{
    struct flow_place place = {doc, reader};
    struct vgw_json *json = NULL;
    struct vgw_error err = {0};
    if (vgw_node_json(doc, true, &json) < 0) {
        vgw_config_errors_nomem(&reader->errors, vgw_node_file(doc));
        return;
    }
    struct vgw_flow_source s = {.doc = json,
                                .place = flow_where,
                                .report = report_flow,
                                .arg = &place,
                                .actions = has_actions(plan) ? NULL : source->actions};
    struct vgw_workflow *w = NULL;
    struct vgw_rule *r = NULL;
    if (rule) {
        if (vgw_rule_compile(&s, &r, &err) == 0 && vgw_flow_set_add_rule(plan->flows, r, &err) < 0)
            report_flow(&place, &err);
    } else if (vgw_workflow_compile(&s, &w, &err) == 0 && vgw_flow_set_add_workflow(plan->flows, w, &err) < 0) {
        report_flow(&place, &err);
    }
    vgw_json_free(json);
}

static void compile_flows(const struct vgw_plan_source *source, struct vgw_config_reader *reader,
                          const struct vgw_node *root, struct vgw_plan *plan, struct vgw_node *ret_docs[2])
{
    static const struct {
        const char *key, *what;
    } kinds[] = {{"workflows", "workflow"}, {"rules", "rule"}};
    plan->flows = vgw_flow_set_new();
    for (size_t k = 0; k < 2 && plan->flows; k++) {
        const struct vgw_node *patterns = vgw_node_get(root, kinds[k].key);
        if (patterns)
            vgw_config_load_documents(reader, patterns, kinds[k].what, &ret_docs[k]);
        for (size_t i = 0; i < vgw_node_count(ret_docs[k]); i++)
            compile_flow(source, reader, vgw_node_at(ret_docs[k], i), k == 1, plan);
    }
    struct flow_place place = {root, reader};
    if (plan->flows)
        vgw_flow_set_check(plan->flows, report_flow, &place);
}

/* ---- profiles of messages ---- */

static void check_profiles(struct vgw_config_reader *reader, const struct vgw_plan *plan)
{
    for (size_t i = 0; i < vgw_options_count(plan->main, "voice_configs"); i++) {
        const struct vgw_options *o = vgw_options_section_at(plan->main, "voice_configs", i);
        const char *workflow = vgw_options_string(o, "workflow"), *assistant = vgw_options_string(o, "assistant");
        for (size_t k = 0; k < vgw_options_count(o, "platform"); k++) {
            const char *name = vgw_options_item(o, "platform", k);
            bool known = false;
            for (size_t r = 0; r < plan->recipe_count && !known; r++)
                known = vgw_streq(plan->recipes[r]->section, "providers") &&
                        (vgw_streq(plan->recipes[r]->name, name) || vgw_streq(plan->recipes[r]->plugin, name));
            if (!known)
                vgw_options_error(o, "platform", &reader->errors,
                                  "'%s' is neither a provider nor the plugin of one; see `providers:`", name);
        }
        if (workflow && plan->flows && !vgw_flow_set_workflow(plan->flows, workflow))
            vgw_options_error(o, "workflow", &reader->errors, "there is no workflow '%s'", workflow);
        if (assistant && !vgw_plan_recipe(plan, "assistants", assistant))
            vgw_options_error(o, "assistant", &reader->errors, "there is no '%s' under `assistants:`", assistant);
    }
}

/* ---- the whole ---- */

static bool loopback_url(const char *url)
{
    return vgw_starts_with(url, "http://127.") || vgw_starts_with(url, "http://localhost") ||
           vgw_starts_with(url, "http://[::1]") || vgw_starts_with(url, "https://127.") ||
           vgw_starts_with(url, "https://localhost") || vgw_starts_with(url, "https://[::1]");
}

static bool loopback_listen(const char *address)
{
    return vgw_starts_with(address, "127.") || vgw_starts_with(address, "localhost:") ||
           vgw_starts_with(address, "[::1]:") || vgw_starts_with(address, "unix:");
}

static void check_exposure(struct vgw_config_reader *reader, struct vgw_plan *plan)
{
    const struct vgw_options *o = plan->main;
    const char *url = vgw_options_string(o, "http.public_url");
    for (size_t i = 0; i < vgw_options_count(o, "http.listen"); i++) {
        const char *item = vgw_options_item(o, "http.listen", i), *colon = strrchr(item, ':');
        int64_t port;
        if (!vgw_starts_with(item, "unix:") && (!colon || !vgw_parse_i64(colon + 1, &port) || port < 0 || port > 65535))
            vgw_options_error(o, "http.listen", &reader->errors,
                              "'%s' has no valid port; write 127.0.0.1:8080 or [::1]:8080", item);
    }
    if (vgw_options_count(o, "auth.tokens"))
        return;
    for (size_t i = 0; i < vgw_options_count(o, "http.listen"); i++)
        if (!loopback_listen(vgw_options_item(o, "http.listen", i)))
            vgw_options_error(o, "http.listen", &reader->errors,
                              "without tokens (auth.tokens, or VOICEGW_TOKEN) the gateway listens on loopback only; "
                              "'%s' is open to others",
                              vgw_options_item(o, "http.listen", i));
    if (url && !loopback_url(url))
        vgw_options_error(o, "http.public_url", &reader->errors,
                          "without tokens (auth.tokens, or VOICEGW_TOKEN) public_url must be loopback too");
}

static void check_outbound(struct vgw_config_reader *reader, struct vgw_plan *plan)
{
    for (size_t i = 0; i < vgw_options_count(plan->main, "outbound_urls.allow"); i++) {
        const char *item = vgw_options_item(plan->main, "outbound_urls.allow", i);
        struct vgw_policy *policy = NULL;
        struct vgw_error err = {0};
        if (vgw_policy_new(&item, 1, &policy, &err) < 0)
            vgw_options_error(plan->main, "outbound_urls.allow", &reader->errors, "%s", err.text);
        vgw_policy_unref(policy);
    }
}

static void public_url(struct vgw_plan *plan)
{
    const char *url = vgw_options_string(plan->main, "http.public_url");
    struct vgw_buf b = {0};
    if (url)
        vgw_buf_adds(&b, url);
    else
        vgw_buf_printf(&b, "%s://%s", vgw_options_section(plan->main, "http.tls") ? "https" : "http",
                       vgw_options_item(plan->main, "http.listen", 0));
    while (b.len && b.data[b.len - 1] == '/')
        b.data[--b.len] = '\0';
    vgw_strcopy(plan->public_url, sizeof plan->public_url, vgw_buf_str(&b));
    vgw_buf_done(&b);
}

/* /voice/<plugin> means one instance: the only one, the one that bears the plugin's name, or the one that is marked. */
static void check_marks(struct vgw_config_reader *reader, const struct vgw_node *root, const struct vgw_plan *plan)
{
    for (size_t i = 0; i < plan->recipe_count; i++) {
        const struct vgw_recipe *r = plan->recipes[i];
        size_t before = 0, same = 0, marks = 0;
        for (size_t k = 0; k < plan->recipe_count; k++) {
            const struct vgw_recipe *other = plan->recipes[k];
            bool is = vgw_streq(other->section, "providers") && vgw_streq(other->plugin, r->plugin);
            before += is && k < i;
            same += is;
            marks += is && other->is_default;
        }
        if (vgw_streq(r->section, "providers") && same > 1 && before == 1 && marks != 1 &&
            !vgw_plan_recipe(plan, "providers", r->plugin))
            vgw_node_error(
                &reader->errors, vgw_node_get(vgw_node_get(root, "providers"), r->name),
                "there are %zu instances of %s; mark the one that /voice/%s means, and only that, with 'default: true'",
                same, r->plugin, r->plugin);
    }
}

static void default_provider(struct vgw_config_reader *reader, const struct vgw_node *root, struct vgw_plan *plan)
{
    const char *name =
        vgw_node_text(vgw_node_get(root, "default_provider")); /* also when the rest of the file has errors */
    const char *first = NULL, *marked = NULL;
    for (size_t i = 0; i < plan->recipe_count; i++) {
        const struct vgw_recipe *r = plan->recipes[i];
        if (!vgw_streq(r->section, "providers"))
            continue;
        first = first ? first : r->name;
        marked = !marked && r->is_default ? r->name : marked;
    }
    if (name && !vgw_plan_recipe(plan, "providers", name))
        vgw_node_error(&reader->errors, vgw_node_get(root, "default_provider"),
                       "there is no provider '%s' under `providers:`", name);
    vgw_strcopy(plan->default_provider, sizeof plan->default_provider,
                name     ? name
                : marked ? marked
                : first  ? first
                         : "");
}

int vgw_plan_compile(const struct vgw_plan_source *source, struct vgw_config_reader *reader, struct vgw_plan **ret_plan)
{
    struct vgw_node *root = NULL, *docs[2] = {NULL, NULL}; /* of workflows and rules */
    struct vgw_plan *plan;
    if (!VGW_NEW(plan))
        return VGW_ELIMIT;
    plan->refs = 1;
    plan->path = vgw_strdup(source->path);
    if (source->path)
        vgw_config_load(reader, source->path, &root);
    else
        vgw_config_load_text(reader, "embedded defaults", vgw_embedded_defaults, strlen(vgw_embedded_defaults), &root);
    if (root) {
        vgw_environment_apply(reader, root);
        vgw_options_check(vgw_main_table(), root, &reader->errors, &plan->main);
        find_plugins(source, reader, root, plan);
        vgw_plan_instances(source, reader, root, plan);
        check_engines(reader, plan, root);
        compile_flows(source, reader, root, plan, docs);
        if (plan->flows)
            compile_routes(reader, root, plan, docs[0]);
        check_marks(reader, root, plan);
        default_provider(reader, root, plan);
        for (size_t k = 0; k < 2; k++) {
            for (size_t i = 0; i < vgw_node_count(docs[k]); i++)
                vgw_caps_check_steps(reader, plan, vgw_node_at(docs[k], i), k == 0);
            vgw_node_free(docs[k]);
        }
        if (plan->main) {
            vgw_plan_agents(source->actions, reader, plan);
            check_exposure(reader, plan);
            check_outbound(reader, plan);
            vgw_gateway_webhooks_check(plan, &reader->errors);
            vgw_archive_check(plan, &reader->errors);
            if (source->check)
                source->check(source->check_arg, plan->main, &reader->errors);
            public_url(plan);
            vgw_delivery_settings_compile(plan->main, plan->path, &reader->errors, &plan->delivery);
            check_profiles(reader, plan);
        }
    }
    vgw_node_free(root);
    if (!plan->main || !plan->routes || !plan->flows || !plan->delivery || vgw_config_errors_total(&reader->errors)) {
        vgw_plan_unref(plan);
        if (!vgw_config_errors_total(&reader->errors))
            return vgw_config_errors_nomem(&reader->errors, source->path ? source->path : "embedded defaults");
        vgw_config_errors_sort(&reader->errors);
        return VGW_ECONFIG;
    }
    *ret_plan = plan;
    return 0;
}
