/* probe.h - opens a plugin in a helper process first, so that a broken file is refused with the true reason and harms
 * nothing. */
#ifndef VGW_PLUGIN_PROBE_H
#define VGW_PLUGIN_PROBE_H
#include <stdatomic.h>
#include <stdint.h>
#include "base/error.h"
#include "plugin/cache.h"
#include "plugin/desc.h"
#include "plugin/hash.h"

#define VGW_PLUGIN_PROBE_ARGUMENT "--probe-plugin" /* hidden argument of voicegwd: --probe-plugin FILE */
#define VGW_PLUGIN_PROBE_TIMEOUT_MS 5000

struct vgw_plugin_prober {
    struct vgw_plugin_cache *cache; /* NULL: each probe spawns a child */
    const char *helper;             /* program that calls vgw_probe_main(); NULL: /proc/self/exe */
    uint32_t timeout_ms;            /* for the child as a whole; 0: VGW_PLUGIN_PROBE_TIMEOUT_MS */
    const atomic_bool *stop;        /* once true, helpers are given up (VGW_EBUSY): the gateway ends. May be NULL */
    _Atomic unsigned spawned;       /* children so far */
};

/** Probes `file` as the plugin `name`. 0, *ret_desc (vgw_plugin_desc_free) and the content's hash in `ret_hash`
 * (VGW_PLUGIN_HASH_TEXT bytes); else a negative status and a sentence that tells apart: absent, not readable, writable
 * by others, foreign owner, not ELF, wrong architecture, a library or symbol that is missing (by name), no
 * voicegw_plugin_entry, wrong ABI major, a constructor or the entry that crashed (by signal), exited or hung, a wrong
 * descriptor, a name that is not the file's. Only successes are cached: a missing library may come. Blocks up to the
 * time limit: at start-up, or on an io lane. Thread: any that may block, also several at once. */
int vgw_plugin_probe(struct vgw_plugin_prober *prober, const char *file, const char *name,
                     struct vgw_plugin_desc **ret_desc, char *ret_hash, struct vgw_error *err);

/** The child's side, called by main() for the hidden argument before anything else is set up: opens the file with
 *  RTLD_NOW|RTLD_LOCAL, calls the entry with the gateway's ABI version, and prints lines of JSON: {"stage": …} before
 * each step that can crash, then {"plugin": descriptor} or {"error": sentence}; on the descriptor named by
 * VGW_PROBE_FD, else on standard output. Returns the exit code: 0, or 1 with an error. The caller leaves by _exit(), so
 * that no destructor can hang. */
int vgw_probe_main(const char *file);
#endif
