/* voicegw/host.h - what the host gives to every instance. Part of the voicegw plugin SDK (MIT).
 *
 * Each instance has a host table of its own; pass it back as the first argument. Optional services are extensions,
 * found by id: voicegw/draft/host_http.h (HTTP client), host_ws.h (WebSocket client), host_route.h (HTTP and WebSocket
 * routes), host_crypto.h, host_event.h, host_state.h, host_use.h, host_datagram.h.
 *
 * Completions and callbacks: a function that starts work returns 0 or an error at once; if 0, its completion comes
 * exactly once, never from inside the starting call, also after a cancel. */
#ifndef VOICEGW_HOST_H
#define VOICEGW_HOST_H
#include <stdint.h>
#include "voicegw/status.h"
#include "voicegw/option.h"

#define VOICEGW_LOG_ERROR 0u   /* wakes a person */
#define VOICEGW_LOG_WARNING 1u /* will wake one */
#define VOICEGW_LOG_INFO 2u    /* an operator's story */
#define VOICEGW_LOG_DEBUG 3u

#define VOICEGW_LANE_CPU 0u /* recognition, synthesis; fair among strands */
#define VOICEGW_LANE_IO 1u  /* files, DNS, blocking libraries */

#define VOICEGW_THREAD_CONTROL 1u
#define VOICEGW_THREAD_MEDIA 2u
#define VOICEGW_THREAD_POOL 4u

/* Where a callback runs: 0 is the control thread; a leg's or stream's handle is its worker. */
#define VOICEGW_TARGET_CONTROL UINT64_C(0)

typedef void (*voicegw_callback)(void *arg);

struct voicegw_host {
    uint32_t size; /* sizeof(struct voicegw_host) of the host */
    uint32_t abi_major, abi_minor;
    uint32_t reserved;
    const char *name;   /* the instance's name in the YAML ("twilio-main"); valid for the instance's life */
    const char *plugin; /* the plugin's name */

    /** Writes a log line about this instance. `fields_json` is a JSON object or NULL. Secrets of the instance's options
     * are masked. At most 100 lines a second an instance; more are counted. [any] */
    void (*log)(const struct voicegw_host *host, uint32_t level, const char *message, const char *fields_json);
    /** Leaves the sentence that belongs to a negative status; per thread, valid until the running callback returns.
     * Returns `status`, so `return host->set_error(host, VOICEGW_EINVALID, "…")`. [any] */
    int32_t (*set_error)(const struct voicegw_host *host, int32_t status, const char *sentence);
    /** The sentence that this thread left last, or "". [any] */
    const char *(*last_error)(const struct voicegw_host *host);

    /* Options. Strings are valid as long as the options block. A name that the table does not declare reads as absent.
     * [any] */
    /** Text of a string, secret, enum, url or path; NULL when absent. */
    const char *(*option_string)(const struct voicegw_host *host, const struct voicegw_options *options,
                                 const char *name);
    /** int, bool (0 or 1), duration (microseconds), size (bytes); `dflt` when absent. */
    int64_t (*option_int)(const struct voicegw_host *host, const struct voicegw_options *options, const char *name,
                          int64_t dflt);
    /** double and rate (a second). */
    double (*option_double)(const struct voicegw_host *host, const struct voicegw_options *options, const char *name,
                            double dflt);
    /** Any value as JSON text; NULL when absent. */
    const char *(*option_json)(const struct voicegw_host *host, const struct voicegw_options *options,
                               const char *name);

    /** Monotonic microseconds; the only clock for logic. Virtual in tests. [any] */
    int64_t (*now_us)(const struct voicegw_host *host);
    /** Microseconds since 1970; for records only. [any] */
    int64_t (*wall_us)(const struct voicegw_host *host);

    /** Calls `fn(arg)` on the target's thread after `delay_us`, once. Returns a timer handle, 0 when a limit is reached
     * (10,000 an instance). A timer whose target is gone does not fire. [control, media: of that target] */
    uint64_t (*timer_start)(const struct voicegw_host *host, uint64_t target, int64_t delay_us, voicegw_callback fn,
                            void *arg);
    /** After this returns 1 the timer will not fire; 0: it fired or never was. [the target's thread] */
    int32_t (*timer_cancel)(const struct voicegw_host *host, uint64_t timer);
    /** Calls `fn(arg)` on the target's thread soon, in order for a sender. VOICEGW_ENOTFOUND: the target is gone;
     * VOICEGW_ELIMIT: its queue is full. Then fn is not called. [any] */
    int32_t (*post)(const struct voicegw_host *host, uint64_t target, voicegw_callback fn, void *arg);
    /** Runs `work(arg)` on a pool lane, then `done(arg)` (may be NULL) on the target's thread. Jobs of one strand run
     * one after another in order; strand 0 has no order. When 0 is returned both run exactly once: if the target is
     * gone, done runs on [control]. VOICEGW_ELIMIT: the lane's queue is full. [any] */
    int32_t (*job)(const struct voicegw_host *host, uint32_t lane, uint64_t strand, uint64_t target,
                   voicegw_callback work, voicegw_callback done, void *arg);
    /** A fresh strand number. [any] */
    uint64_t (*strand_new)(const struct voicegw_host *host);

    /** The answer to factory.drain(), exactly once. [any] */
    void (*drained)(const struct voicegw_host *host);
    /** Tells a part's health; shown in /health, false degrades it. `part` NULL: the instance itself. [any] */
    void (*health)(const struct voicegw_host *host, const char *part, uint32_t up, const char *sentence);
    /** Adds to voicegw_plugin_<name>_total{instance}. `name` is [a-z0-9_]+. [any] */
    void (*count)(const struct voicegw_host *host, const char *name, uint64_t by);
    /** Which thread this is: VOICEGW_THREAD_*; 0 for a thread that the host does not know. [any] */
    uint32_t (*thread)(const struct voicegw_host *host);
    /** 1 for the first caller with this id in the process, 0 for later ones (library initialisation). [any] */
    int32_t (*once)(const struct voicegw_host *host, const char *id);
    /** A service by id, or NULL when this host lacks it. Constant for the host's life. [any] */
    const void *(*get_extension)(const struct voicegw_host *host, const char *id);
};

#endif
