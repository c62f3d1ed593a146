/* plan.h - a configuration, read, checked and compiled: what one generation of the gateway is made of. Compiling
 * touches nothing that runs. Counted; immutable once compiled. One thread at a
 * time: compiled where it may block, then handed to control. */
#ifndef VGW_GATEWAY_PLAN_H
#define VGW_GATEWAY_PLAN_H
#include "action/registry.h"
#include "call/route.h"
#include "config/options.h"
#include "config/reader.h"
#include "delivery/settings.h"
#include "flow/set.h"
#include "plugin/find.h"
#include "plugin/probe.h"
#include "plugin/table.h"

/** How one instance is to be made. Counted: a running instance keeps its recipe, since its options live in it. */
struct vgw_recipe {
    unsigned refs;
    char *section, *name, *plugin, *kind; /* kind "" when the plugin could not be probed */
    char *file;                           /* of the plugin, or NULL */
    char hash[VGW_PLUGIN_HASH_TEXT];
    struct vgw_plugin_desc *desc;
    struct vgw_plugin_table *table;
    struct vgw_options *options; /* NULL: refused, `problem` says why */
    bool is_default;
    uint64_t caps;
    char problem[VGW_ERROR_TEXT_MAX]; /* "" or why it cannot be made */
    char place_file[256];             /* where its name is written */
    int place_line, place_column;
};
void vgw_recipe_unref(struct vgw_recipe *r);

struct vgw_plan {
    unsigned refs;
    struct vgw_options *main;
    struct vgw_recipe **recipes;
    size_t recipe_count;
    struct vgw_route_set *routes;
    struct vgw_flow_set *flows;
    struct vgw_delivery_settings *delivery;
    struct vgw_plugin_list *available;
    char default_provider[64];
    char public_url[512];
    char *path;      /* of the main file, or NULL for the embedded defaults */
    size_t problems; /* instances that cannot be made */
};

struct vgw_plan_source {
    const char *path;               /* NULL: the embedded defaults */
    const char *const *plugin_dirs; /* of the command line, ahead of the configured ones */
    size_t plugin_dir_count;
    struct vgw_plugin_prober *prober;
    const struct vgw_action_registry *actions; /* NULL: step types are not checked against it */
    /** Further checks of the main file by a later room, so that all that is wrong is told at once. May be NULL. */
    void (*check)(void *arg, const struct vgw_options *main, struct vgw_config_errors *errors);
    void *check_arg;
    /** Creates and destroys each instance in a helper process, so that what only create() refuses is an error too
     * (--check, reload); those for which `runs` (may be NULL) says that they run just so are left out. */
    bool try_instances;
    /** The same at a start, where it is known for most of them from the start before; one that fails is left out. */
    bool try_new;
    bool (*runs)(void *arg, const struct vgw_recipe *recipe);
    void *runs_arg;
    bool plugins_must_load; /* a plugin that is missing or refused is an error (--check, reload), else its instance is
                               left out (start) */
};
/** Reads everything; all that is wrong goes to reader->errors. 0 and *ret_plan (one reference), or VGW_ECONFIG,
 * VGW_ELIMIT. Blocks on the disk and on probes. */
int vgw_plan_compile(const struct vgw_plan_source *source, struct vgw_config_reader *reader,
                     struct vgw_plan **ret_plan);
struct vgw_plan *vgw_plan_ref(struct vgw_plan *plan);
void vgw_plan_unref(struct vgw_plan *plan); /* takes NULL */
/** The recipe of an instance, or NULL. */
struct vgw_recipe *vgw_plan_recipe(const struct vgw_plan *plan, const char *section, const char *name);
/** The configuration that applies without a file. */
extern const char vgw_embedded_defaults[];

/** A section of instances by name. */
struct vgw_plan_section {
    const char *name;
    const char *kinds[3]; /* an instance is of the first that its plugin has */
    const struct vgw_option_table *(*table)(void);
};
/** The i-th, NULL behind the last. Static. */
const struct vgw_plan_section *vgw_plan_section_at(size_t i);
/** The options that the core itself honours in an instance of a section. Static. */
const struct vgw_option_table *vgw_plan_section_table(const char *section);

#define VGW_PLAN_PROVIDERS_MAX 256 /* of them are considered where a route or step may mean several */
/** The instances under `providers:` whose name or plugin matches the glob, NULL: all; how many. */
size_t vgw_plan_providers(const struct vgw_plan *plan, const char *glob,
                          const struct vgw_recipe *ret_recipes[VGW_PLAN_PROVIDERS_MAX]);

/* caps.c, for plan.c: what a route or a step wants and its provider cannot do is an error at its place. */
void vgw_caps_check_route(struct vgw_config_reader *reader, const struct vgw_plan *plan, const struct vgw_route *route,
                          const struct vgw_node *node);
/** The steps of a workflow or the actions of a rule. */
void vgw_caps_check_steps(struct vgw_config_reader *reader, const struct vgw_plan *plan, const struct vgw_node *doc,
                          bool workflow);

/* webhooks.c, for plan.c: receivers that are there twice, secrets that are none, each at its place. */
void vgw_gateway_webhooks_check(const struct vgw_plan *plan, struct vgw_config_errors *errors);

/* instances.c, for plan.c */
void vgw_plan_instances(const struct vgw_plan_source *source, struct vgw_config_reader *reader, struct vgw_node *root,
                        struct vgw_plan *plan);
#endif
