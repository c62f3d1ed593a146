/* voicegw/plugin.h - what a plugin exports. Part of the voicegw plugin SDK (MIT).
 *
 * A plugin is one shared object that exports one function, voicegw_plugin_entry(). All the rest is found through the
 * constant descriptor that it returns. Only plain data crosses: fixed-width integers, handles, UTF-8 strings and byte
 * ranges that are valid for the call, JSON text for open-ended records. Tables grow at the tail: each starts with its
 * size, and a field is read only if the size covers it.
 *
 * Thread tags in comments: [control] the gateway's control thread; [media] the worker of the stream in question
 * (several workers call one instance at once, so the instance is read-only after start); [pool] a job's thread; [any].
 * A function without a tag in this header is called on [control]. No function may block its thread. */
#ifndef VOICEGW_PLUGIN_H
#define VOICEGW_PLUGIN_H
#include <stdint.h>
#include "voicegw/status.h"
#include "voicegw/option.h"
#include "voicegw/audio.h"
#include "voicegw/host.h"

#define VOICEGW_ABI_MAJOR 1u /* another major is another world */
#define VOICEGW_ABI_MINOR 0u /* the host's minor may be older or newer than the plugin's */

#define VOICEGW_PLUGIN_CLOSABLE                                                                                        \
    1u /* dlclose() is safe once the last instance is destroyed; else the code stays mapped */
#define VOICEGW_PLUGIN_EXCLUSIVE                                                                                       \
    2u /* owns sockets or registrations: one generation runs at a time, YAML by reconfigure() */

/* Capabilities of a provider (factory.caps); --check refuses a route or workflow that wants what is missing. */
#define VOICEGW_CAP_MAKE_CALL (UINT64_C(1) << 0)
#define VOICEGW_CAP_ANSWER (UINT64_C(1) << 1)
#define VOICEGW_CAP_END (UINT64_C(1) << 2)
#define VOICEGW_CAP_HOLD (UINT64_C(1) << 3)
#define VOICEGW_CAP_TRANSFER (UINT64_C(1) << 4)
#define VOICEGW_CAP_TRANSFER_ATTENDED (UINT64_C(1) << 5)
#define VOICEGW_CAP_PLAY (UINT64_C(1) << 6)
#define VOICEGW_CAP_SAY (UINT64_C(1) << 7)
#define VOICEGW_CAP_DTMF (UINT64_C(1) << 8)
#define VOICEGW_CAP_RECORD (UINT64_C(1) << 9)
#define VOICEGW_CAP_MUTE (UINT64_C(1) << 10)
#define VOICEGW_CAP_STATUS (UINT64_C(1) << 11)
#define VOICEGW_CAP_MEDIA                                                                                              \
    (UINT64_C(1) << 12) /* has voicegw.provider.media/1: the core speaks, plays and records itself */
#define VOICEGW_CAP_CONFERENCE (UINT64_C(1) << 13)
#define VOICEGW_CAP_SMS (UINT64_C(1) << 14)
#define VOICEGW_CAP_CONVERSATION (UINT64_C(1) << 15) /* runs the conversation itself: sessions without legs */
#define VOICEGW_CAP_IVR (UINT64_C(1) << 16)          /* has voicegw.provider.ivr/1: takes routes with `media: twiml` */

/** One kind of instance that the plugin can make. Constant. */
struct voicegw_factory {
    uint32_t size; /* sizeof(struct voicegw_factory) */
    uint32_t option_count;
    const char *kind;                     /* "voicegw.provider/1", "voicegw.stt/1", … as the kind's header names it */
    const struct voicegw_option *options; /* option_count of them, or NULL */
    uint64_t caps;                        /* VOICEGW_CAP_* for providers, else 0 */

    /** Makes an instance. `host` is this instance's own and valid until destroy() has returned; `options` until
     * create() returns or, if kept, until the next reconfigure() or destroy(). Nothing of the instance runs before
     * start(). 0 and *ret_instance, or a negative status and host->set_error(). */
    int32_t (*create)(const struct voicegw_host *host, const struct voicegw_options *options, void **ret_instance);
    /** Opens what the instance needs; routes are registered here. Work that takes time goes on asynchronously. */
    int32_t (*start)(void *instance);
    /** New options for a running instance. Publish a new block of settings; streams keep theirs. NULL: not supported,
     * the host makes a new instance instead. */
    int32_t (*reconfigure)(void *instance, const struct voicegw_options *options);
    /** No new work comes; finish what runs and call host->drained() exactly once, also from inside this call. NULL:
     * nothing to do. */
    void (*drain)(void *instance);
    /** Frees the instance. Also called after a create() without start(), and when a drain took too long. No callback
     * afterwards. */
    void (*destroy)(void *instance);
    /** The kind's table and optional ones, by id ("voicegw.provider/1", "voicegw.provider.media/1"); NULL for an
     * unknown id. The table is constant and outlives the instance. [any] */
    const void *(*get_extension)(void *instance, const char *id);
};

/** What a plugin is. Constant. */
struct voicegw_plugin {
    uint32_t size;                 /* sizeof(struct voicegw_plugin) */
    uint32_t abi_major, abi_minor; /* VOICEGW_ABI_*: what it was built against */
    uint32_t flags;                /* VOICEGW_PLUGIN_* */
    const char *name;              /* the name in `plugin: NAME`; the file is NAME.so; [a-z0-9_-], at most 32 */
    const char *version;
    const char *license;     /* SPDX */
    const char *description; /* one line */
    uint32_t factory_count;
    uint32_t reserved; /* 0 */
    const struct voicegw_factory *const *factories;
};

#if defined(__GNUC__)
#define VOICEGW_EXPORT __attribute__((visibility("default")))
#else
#define VOICEGW_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif
/** The one exported symbol. Given the host's ABI version, returns the descriptor, or NULL when it cannot live with that
 * host. May be called in a probing process that never creates an instance: it must have no effects. [any] */
VOICEGW_EXPORT const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor);
#ifdef __cplusplus
}
#endif

#endif
