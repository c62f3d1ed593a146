/* registry.h - instances by section and name: the current generation, older ones whose calls still run, and those that
 * wait.
 *
 * New work takes the current generation by acquire(); what holds a reference keeps its generation, however often the
 * configuration is reloaded. When the last reference of an older generation goes, it drains, is destroyed, and its code
 * is let go.
 *
 * Nothing of a plugin is called from inside acquire, release, publish, retire or on_drained: they only mark, and ask
 * the owner by `wake` to call run() from the top of the loop. So a plugin can let go of its own last call without being
 * freed under its feet. Control thread throughout. */
#ifndef VGW_PLUGIN_REGISTRY_H
#define VGW_PLUGIN_REGISTRY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "plugin/instance.h"

#define VGW_REGISTRY_OLDER_MAX 16                     /* generations of one name that may drain at once */
#define VGW_REGISTRY_DRAIN_US (30 * INT64_C(1000000)) /* default time between drain() and destroy() by force */

struct vgw_registry;
struct vgw_registry_ops {
    /** Call vgw_registry_run() soon, not from inside. */
    void (*wake)(void *arg);
    /** An instance is about to be destroyed (forced: its drain took too long): drop routes, timers, streams of it. May
     * be NULL. */
    void (*on_gone)(void *arg, struct vgw_instance *instance, bool forced);
    /** A waiting instance took over, or could not (err). May be NULL. */
    void (*on_promoted)(void *arg, struct vgw_instance *instance, const struct vgw_error *err);
    /** Does work of the instance still run on other threads? It is not destroyed before that is over. May be NULL. */
    bool (*busy)(void *arg, const struct vgw_instance *instance);
    void *arg;
};

/** `drain_us` 0: VGW_REGISTRY_DRAIN_US. NULL: out of memory. */
struct vgw_registry *vgw_registry_new(const struct vgw_registry_ops *ops, int64_t drain_us);
/** Destroys every instance at once, whatever is referenced. Takes NULL. */
void vgw_registry_free(struct vgw_registry *r);

enum vgw_registry_step {
    VGW_STEP_KEEP,        /* nothing changed */
    VGW_STEP_RECONFIGURE, /* new options in place */
    VGW_STEP_REPLACE,     /* a new instance beside the old */
    VGW_STEP_WAIT, /* exclusive: new options in place where they changed, the new code waits until the old is idle */
};
/** Pure: what a reload does with an instance that runs. `code_changed`: the file's hash differs; `options_changed`: the
 * YAML does; `all_reloadable`: every changed option has VOICEGW_OPTION_RELOADABLE. */
enum vgw_registry_step vgw_registry_decide(const struct vgw_instance *current, bool code_changed, bool options_changed,
                                           bool all_reloadable);

/** Makes a RUNNING instance the current generation of its section and name; the registry owns it from now on. The one
 * before becomes an older generation and goes with its last reference. VGW_ELIMIT: too many older generations still
 * run, or out of memory (then the instance stays the caller's). */
int vgw_registry_publish(struct vgw_registry *r, struct vgw_instance *instance, struct vgw_error *err);
/** For exclusive plugins: a CREATED instance that takes over (start, publish) once the current one is idle and gone;
 * one that waited before is freed. Without a current one it starts at the next run(). */
int vgw_registry_publish_when_idle(struct vgw_registry *r, struct vgw_instance *instance, struct vgw_error *err);
/** No new work for this name: its current generation becomes an older one, a waiting one is freed. VGW_ENOTFOUND. */
int vgw_registry_retire(struct vgw_registry *r, const char *section, const char *name);

/** The current generation, borrowed until the loop turns, or NULL. */
struct vgw_instance *vgw_registry_current(const struct vgw_registry *r, const char *section, const char *name);
struct vgw_instance *vgw_registry_waiting(const struct vgw_registry *r, const char *section, const char *name);
/** Older generations, newest first: index 0, 1, …; NULL behind the last. For identify(), until the loop turns. */
struct vgw_instance *vgw_registry_older(const struct vgw_registry *r, const char *section, const char *name,
                                        size_t index);
/** Walks the names in order of their first publishing: cursor from 0; current may be NULL (retired, still draining). */
bool vgw_registry_next(const struct vgw_registry *r, size_t *cursor, const char **ret_section, const char **ret_name,
                       struct vgw_instance **ret_current);

/** The current generation with one more reference, or NULL: there is none. */
struct vgw_instance *vgw_registry_acquire(struct vgw_registry *r, const char *section, const char *name);
/** One more reference to an instance of which one is held. Returns it. */
struct vgw_instance *vgw_registry_ref(struct vgw_instance *instance);
/** Gives a reference back. NULL is borne; a NULL registry is one that is gone, with all its instances. */
void vgw_registry_release(struct vgw_registry *r, struct vgw_instance *instance);
/** The plugin's drained(), posted to control. */
void vgw_registry_on_drained(struct vgw_registry *r, struct vgw_instance *instance);
/** Does what is due: drains generations that lost their last reference, destroys those that are drained or past their
 * deadline, lets the waiting take over. From the top of the loop only. Returns when to be called again (µs of the same
 * clock), -1: when woken. */
int64_t vgw_registry_run(struct vgw_registry *r, int64_t now_us);
/** Instances that are not yet destroyed, older and waiting ones included. */
size_t vgw_registry_alive(const struct vgw_registry *r);
#endif
