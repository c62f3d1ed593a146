/* instance.h - one configured instance of a plugin ("twilio-main" of twilio), one generation of it. Control thread
 * throughout. */
#ifndef VGW_PLUGIN_INSTANCE_H
#define VGW_PLUGIN_INSTANCE_H
#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"
#include "base/list.h"
#include "plugin/load.h"
#include "voicegw/plugin.h"

struct vgw_instance;

/** Who fills the host table: host/ gives these; this room never looks inside of a table. */
struct vgw_plugin_hostops {
    /** The table for one instance, valid until host_free. NULL: out of memory. */
    const struct voicegw_host *(*host_new)(void *arg, struct vgw_instance *instance);
    /** After the instance was destroyed: from now on no callback of it comes, late posts of it are dropped. */
    void (*host_free)(void *arg, struct vgw_instance *instance, const struct voicegw_host *host);
    void *arg;
};

enum vgw_instance_state {
    VGW_INSTANCE_NEW,      /* nothing of the plugin ran */
    VGW_INSTANCE_CREATED,  /* create() returned 0 */
    VGW_INSTANCE_RUNNING,  /* start() returned 0 */
    VGW_INSTANCE_DRAINING, /* drain() was called, drained() has not come */
    VGW_INSTANCE_DRAINED,
    VGW_INSTANCE_GONE, /* destroy() was called */
};
const char *vgw_instance_state_name(enum vgw_instance_state state);

struct vgw_instance {
    char *section;       /* "providers", "stt", … */
    char *name;          /* "twilio-main" */
    char *kind;          /* "voicegw.provider/1" */
    char *options_hash;  /* of the YAML it runs with, by the caller; may be NULL */
    uint64_t generation; /* grows in the process with each instance made */
    enum vgw_instance_state state;
    unsigned refs; /* calls, streams, runs that use it; kept by the registry */
    struct vgw_plugin_module *module;
    const struct voicegw_factory *factory;
    const struct voicegw_host *host;
    void *plugin_instance; /* the plugin's own */
    struct vgw_plugin_hostops hostops;
    void *owner; /* for host/: what it hangs on the instance */
    int64_t drain_deadline_us;
    struct vgw_list node; /* the registry's */
};

/** Makes an instance of `module`'s factory of `kind` with a host table of its own; takes a reference to the module.
 * Nothing of the plugin runs. 0 and *ret_instance, VGW_EUNSUPPORTED when the plugin has no such kind (the sentence
 * lists those it has), or VGW_ELIMIT. */
int vgw_instance_new(struct vgw_plugin_module *module, const char *section, const char *name, const char *kind,
                     const struct vgw_plugin_hostops *hostops, struct vgw_instance **ret_instance,
                     struct vgw_error *err);
/** Destroys the plugin's part if that is still to be done, the host table, and gives the module back. Takes NULL. Never
 * from inside a callback of this plugin: its code would be unmapped under it. */
void vgw_instance_free(struct vgw_instance *i);

/** NEW to CREATED. `options` is the host's and lives as voicegw/plugin.h says. A refusal is the plugin's
 * sentence as it stands, its place "section.name". */
int vgw_instance_create(struct vgw_instance *i, const struct voicegw_options *options, struct vgw_error *err);
/** CREATED to RUNNING. */
int vgw_instance_start(struct vgw_instance *i, struct vgw_error *err);
/** In RUNNING: new options in place. VGW_EUNSUPPORTED when the plugin has no reconfigure(): make a new instance. */
int vgw_instance_reconfigure(struct vgw_instance *i, const struct voicegw_options *options, struct vgw_error *err);
/** RUNNING to DRAINING, or at once to DRAINED (no drain(), or drained() came from inside). VGW_EBUSY in another state.
 */
int vgw_instance_drain(struct vgw_instance *i);
/** The plugin's drained(), posted to control: DRAINING to DRAINED. True the first time; later ones, and one that nobody
 * asked for, change nothing. */
bool vgw_instance_on_drained(struct vgw_instance *i);
/** Any state to GONE; calls destroy() if create() succeeded. */
void vgw_instance_destroy(struct vgw_instance *i);
/** The plugin's table by id, NULL when it has none or the instance is not created. Any thread while the instance is
 * referenced. */
const void *vgw_instance_extension(const struct vgw_instance *i, const char *id);
#endif
