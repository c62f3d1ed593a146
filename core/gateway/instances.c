/* instances.c - instances as they are written: their plugin is found, probed in a helper, and its own table checks the
 * options. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "call/rate.h"
#include "config/file.h"
#include "config/load.h"
#include "config/locate.h"
#include "config/main_table.h"
#include "gateway/plan.h"
#include "gateway/trial.h"
#include "voicegw/draft/action.h"
#include "voicegw/draft/assistant.h"
#include "voicegw/draft/provider.h"
#include "voicegw/draft/queue.h"
#include "voicegw/draft/store.h"
#include "voicegw/draft/stt.h"
#include "voicegw/draft/subscriber.h"
#include "voicegw/draft/tts.h"

/* Where instances stand: a section comes to life by its row here and by RELOAD instead of LATER in main_table.c. */
static const struct vgw_plan_section sections[] = {
    {"providers", {VOICEGW_KIND_PROVIDER}, vgw_provider_table},
    {"stt", {VOICEGW_KIND_STT}, vgw_engine_table},
    {"tts", {VOICEGW_KIND_TTS}, vgw_engine_table},
    {"assistants", {VOICEGW_KIND_ASSISTANT, VOICEGW_KIND_ASSISTANT_AUDIO}, vgw_engine_table},
    {"actions", {VOICEGW_KIND_ACTION}, vgw_plugin_table},
    {"subscribers", {VOICEGW_KIND_SUBSCRIBER}, vgw_plugin_table},
    {"queues", {VOICEGW_KIND_QUEUE}, vgw_plugin_table},
};
static const struct vgw_plan_section store_section = {"store", {VOICEGW_KIND_STORE}, vgw_plugin_table};

const struct vgw_plan_section *vgw_plan_section_at(size_t i)
{
    return i < sizeof sections / sizeof sections[0] ? &sections[i] : NULL;
}

/* Path segments of the API that no provider may be named after. */
static const char fixed_words[] =
    " calls sessions health events history analytics recordings commands workflows rules runs tools messages threads "
    "campaigns plugins log-level reload drain undrain tickets records conferences openapi.json dashboard webrtc whip ";

void vgw_recipe_unref(struct vgw_recipe *r)
{
    if (!r || --r->refs)
        return;
    vgw_options_unref(r->options);
    vgw_plugin_table_free(r->table);
    vgw_plugin_desc_free(r->desc);
    vgw_free(r->section);
    vgw_free(r->name);
    vgw_free(r->plugin);
    vgw_free(r->kind);
    vgw_free(r->file);
    vgw_free(r);
}

struct vgw_recipe *vgw_plan_recipe(const struct vgw_plan *plan, const char *section, const char *name)
{
    for (size_t i = 0; i < plan->recipe_count; i++)
        if (vgw_streq(plan->recipes[i]->section, section) && vgw_streq(plan->recipes[i]->name, name))
            return plan->recipes[i];
    return NULL;
}

static struct vgw_recipe *recipe_add(struct vgw_plan *plan, const char *section, const char *name, const char *plugin)
{
    struct vgw_recipe *r, **grown = vgw_realloc(plan->recipes, (plan->recipe_count + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    plan->recipes = grown;
    if (!VGW_NEW(r))
        return NULL;
    r->refs = 1;
    r->section = vgw_strdup(section);
    r->name = vgw_strdup(name);
    r->plugin = vgw_strdup(plugin);
    r->kind = vgw_strdup("");
    if (!r->section || !r->name || !r->plugin || !r->kind) {
        vgw_recipe_unref(r);
        return NULL;
    }
    plan->recipes[plan->recipe_count++] = r;
    return r;
}

/* A step `wav: a.wav` or `wav: {file: a.wav}` means a file beside the script's own. */
static void anchor_wav(struct vgw_config_reader *reader, struct vgw_node *script)
{
    struct vgw_node *steps = vgw_node_get(script, "steps");
    for (size_t i = 0; i < vgw_node_count(steps); i++) {
        struct vgw_node *wav = vgw_node_get(vgw_node_at(steps, i), "wav");
        if (vgw_node_kind(wav) == VGW_NODE_MAPPING)
            wav = vgw_node_get(wav, "file");
        const char *path = vgw_node_text(wav);
        if (!path || !path[0] || path[0] == '/' || strstr(path, "://"))
            continue;
        char *full = vgw_file_beside(vgw_node_file(script), path);
        if (!full || vgw_node_set_text(wav, full, strlen(full)) < 0)
            vgw_config_errors_nomem(&reader->errors, vgw_node_file(script));
        vgw_free(full);
    }
}

/* An option that names files whose YAML documents the plugin wants as JSON: `file: menus/x.yaml` fills `menu`. */
static void fill_documents(struct vgw_config_reader *reader, struct vgw_node *node,
                           const struct vgw_plugin_factory *factory, const char *files_key, const char *into, bool one)
{
    bool declared = false;
    struct vgw_node *files = vgw_node_get(node, files_key), *docs = NULL;
    for (size_t i = 0; i < factory->option_count; i++)
        declared |= vgw_streq(factory->options[i].name, into);
    if (!declared || !files || vgw_node_get(node, into))
        return;
    if (vgw_config_load_documents(reader, files, one ? "menu" : "script", &docs) < 0 || !docs)
        return;
    for (size_t i = 0; !one && i < vgw_node_count(docs); i++)
        anchor_wav(reader, vgw_node_at(docs, i));
    struct vgw_node *value = docs;
    if (one && vgw_node_count(docs) == 1)
        value = vgw_node_copy(vgw_node_at(docs, 0));
    if (value && vgw_node_put(node, into, vgw_node_line(files), vgw_node_column(files), value) < 0)
        vgw_config_errors_nomem(&reader->errors, vgw_node_file(node));
    if (value != docs)
        vgw_node_free(docs);
}

const struct vgw_option_table *vgw_plan_section_table(const char *section)
{
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
        if (vgw_streq(sections[i].name, section))
            return sections[i].table();
    return store_section.table();
}

static bool plugin_probe(const struct vgw_plan_source *source, struct vgw_plan *plan, struct vgw_recipe *r,
                         struct vgw_error *err)
{
    const char *file;
    if (vgw_plugin_locate(plan->available, r->plugin, &file, err) < 0)
        return false;
    r->file = vgw_strdup(file);
    return vgw_plugin_probe(source->prober, file, r->plugin, &r->desc, r->hash, err) == 0;
}

static int factory_of(const struct vgw_recipe *r, const struct vgw_plan_section *s)
{
    for (size_t k = 0; k < 3 && s->kinds[k]; k++) {
        int i = vgw_plugin_desc_factory(r->desc, s->kinds[k]);
        if (i >= 0)
            return i;
    }
    return -1;
}

static void refuse(const struct vgw_plan_source *source, struct vgw_config_reader *reader, struct vgw_plan *plan,
                   struct vgw_recipe *r, const struct vgw_node *node, const char *sentence)
{
    vgw_strcopy(r->problem, sizeof r->problem, sentence);
    plan->problems++;
    if (source->plugins_must_load)
        vgw_node_key_error(&reader->errors, node, "plugin", "%s", sentence);
}

static void check_rates(struct vgw_config_reader *reader, const struct vgw_recipe *r, const struct vgw_node *node)
{
    struct vgw_json *rates = vgw_options_json(r->options, "rates");
    struct vgw_error err = {0};
    if (vgw_rates_check(rates, &err) < 0)
        vgw_node_key_error(&reader->errors, node, "rates", "%s", err.text);
    vgw_json_free(rates);
}

/* What the sentence names of the instance, else of a document that was filled in from a file, else the instance. */
static void place_of(const struct vgw_node *node, const struct vgw_recipe *r, const char *sentence,
                     const char **ret_file, int *ret_line, int *ret_column)
{
    static const char *const filled[] = {"menu", "script_documents"};
    bool found = vgw_node_locate(node, sentence, ret_file, ret_line, ret_column);
    for (size_t i = 0; !found && i < sizeof filled / sizeof filled[0]; i++)
        found = vgw_node_locate(vgw_node_get(node, filled[i]), sentence, ret_file, ret_line, ret_column);
    if (found)
        return;
    *ret_file = r->place_file;
    *ret_line = r->place_line;
    *ret_column = r->place_column;
}

/* What only its create() would refuse is told here, with its place. */
static void try_out(const struct vgw_plan_source *source, struct vgw_config_reader *reader, const struct vgw_recipe *r,
                    const struct vgw_node *node)
{
    struct vgw_error err = {0};
    const char *file;
    int line, column;
    if (!source->try_instances || (source->runs && source->runs(source->runs_arg, r)) ||
        vgw_trial_run(source->prober, r, node, &err) == 0)
        return;
    place_of(node, r, err.text, &file, &line, &column);
    vgw_config_errors_add(&reader->errors, file, line, column, "%s.%s: %s", r->section, r->name, err.text);
}

static void recipe_fill(const struct vgw_plan_source *source, struct vgw_config_reader *reader, struct vgw_plan *plan,
                        const struct vgw_plan_section *s, struct vgw_recipe *r, struct vgw_node *node)
{
    struct vgw_error err = {0};
    if (!plugin_probe(source, plan, r, &err)) {
        if (r->file) /* else the sentence names what was looked for */
            vgw_error_prefix(&err, "plugin '%s' (%s): ", r->plugin, r->file);
        refuse(source, reader, plan, r, node, err.text);
        return;
    }
    int i = factory_of(r, s);
    if (i < 0) {
        vgw_node_key_error(&reader->errors, node, "plugin", "the plugin '%s' cannot stand under '%s:': it has no %s",
                           r->plugin, s->name, s->kinds[0]);
        return;
    }
    const struct vgw_plugin_factory *factory = &r->desc->factories[i];
    vgw_free(r->kind);
    r->kind = vgw_strdup(factory->kind);
    r->caps = factory->caps;
    size_t before = vgw_config_errors_total(&reader->errors);
    fill_documents(reader, node, factory, "file", "menu", true);
    fill_documents(reader, node, factory, "scripts", "script_documents", false);
    r->table = vgw_plugin_table_new(factory, r->plugin, s->table());
    if (!r->table || !r->kind) {
        vgw_config_errors_nomem(&reader->errors, vgw_node_file(node));
        return;
    }
    if (vgw_options_check(vgw_plugin_table_get(r->table), node, &reader->errors, &r->options) < 0)
        return;
    r->is_default = vgw_options_bool(r->options, "default");
    if (vgw_streq(s->name, "providers"))
        check_rates(reader, r, node);
    if (vgw_config_errors_total(&reader->errors) == before) /* else it would miss what could not be read */
        try_out(source, reader, r, node);
}

static void instance_compile(const struct vgw_plan_source *source, struct vgw_config_reader *reader,
                             struct vgw_plan *plan, const struct vgw_plan_section *s, const char *name,
                             const struct vgw_node *parent, struct vgw_node *node)
{
    const char *plugin = vgw_node_text(vgw_node_get(node, "plugin"));
    if (vgw_node_kind(node) != VGW_NODE_MAPPING || !plugin || !plugin[0]) {
        vgw_node_error(&reader->errors, node, "'%s' needs `plugin: NAME` that says what it is made of", name);
        return;
    }
    if (vgw_streq(plugin, "bland_ai"))
        plugin = "bland";
    struct vgw_buf b = {0};
    vgw_buf_printf(&b, " %s ", name);
    if (vgw_streq(s->name, "providers") && strstr(fixed_words, vgw_buf_str(&b)))
        vgw_node_error(&reader->errors, node,
                       "a provider cannot be called '%s': that is a fixed path of the API; choose another name", name);
    vgw_buf_done(&b);
    struct vgw_recipe *r = recipe_add(plan, s->name, name, plugin);
    if (!r) {
        vgw_config_errors_nomem(&reader->errors, vgw_node_file(node));
        return;
    }
    vgw_strcopy(r->place_file, sizeof r->place_file, vgw_node_file(node));
    vgw_node_key_place(parent, name, &r->place_line, &r->place_column);
    recipe_fill(source, reader, plan, s, r, node);
}

/* The default of several instances of one plugin must be marked once. */
static void check_defaults(struct vgw_config_reader *reader, const struct vgw_node *providers, struct vgw_plan *plan)
{
    for (size_t i = 0; i < plan->recipe_count; i++) {
        struct vgw_recipe *a = plan->recipes[i];
        size_t marked = 0;
        for (size_t k = 0; k < plan->recipe_count; k++)
            marked += vgw_streq(plan->recipes[k]->section, "providers") &&
                      vgw_streq(plan->recipes[k]->plugin, a->plugin) && plan->recipes[k]->is_default;
        if (vgw_streq(a->section, "providers") && a->is_default && marked > 1) {
            vgw_node_error(&reader->errors, vgw_node_get(providers, a->name),
                           "only one instance of '%s' may be `default: true`; %zu are", a->plugin, marked);
            return;
        }
    }
}

static const struct vgw_node *node_of(const struct vgw_node *root, const struct vgw_recipe *r)
{
    const struct vgw_node *section = vgw_node_get(root, r->section);
    return vgw_streq(r->section, "store") ? section : vgw_node_get(section, r->name);
}

/* A create() that crashes or hangs takes its instance away, not the gateway. */
static void try_new(const struct vgw_plan_source *source, const struct vgw_node *root, struct vgw_plan *plan)
{
    struct vgw_trial *trials = vgw_calloc(plan->recipe_count + 1, sizeof *trials);
    size_t count = 0;
    if (!trials)
        return;
    for (size_t i = 0; i < plan->recipe_count; i++) {
        const struct vgw_recipe *r = plan->recipes[i];
        if (r->options && !r->problem[0])
            trials[count++] = (struct vgw_trial){.recipe = r, .node = node_of(root, r)};
    }
    count = vgw_trial_first(source->prober, trials, count);
    for (size_t i = 0; i < count; i++) {
        const struct vgw_trial *t = &trials[i];
        struct vgw_recipe *r = vgw_plan_recipe(plan, t->recipe->section, t->recipe->name);
        const char *file;
        int line, column;
        if (t->status == 0 || t->status == VGW_ELIMIT) /* no helper could be had: its create() may go well */
            continue;
        place_of(t->node, r, t->err.text, &file, &line, &column);
        snprintf(r->problem, sizeof r->problem, "%s:%d:%d: %s.%s: %s", file, line, column, r->section, r->name,
                 t->err.text);
        plan->problems++;
    }
    vgw_free(trials);
}

void vgw_plan_instances(const struct vgw_plan_source *source, struct vgw_config_reader *reader, struct vgw_node *root,
                        struct vgw_plan *plan)
{
    const char *name;
    struct vgw_node *node;
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
        for (size_t at = 0; vgw_node_next(vgw_node_get(root, sections[i].name), &at, &name, &node);)
            instance_compile(source, reader, plan, &sections[i], name, vgw_node_get(root, sections[i].name), node);
    struct vgw_node *store = vgw_node_get(root, "store");
    if (store)
        instance_compile(source, reader, plan, &store_section, "store", root, store);
    check_defaults(reader, vgw_node_get(root, "providers"), plan);
    if (source->try_new && !vgw_config_errors_total(&reader->errors))
        try_new(source, root, plan);
}
