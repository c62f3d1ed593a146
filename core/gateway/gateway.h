/* gateway.h - the whole: compiles configurations, starts, reloads, drains. main.c owns one. Control thread. */
#ifndef VGW_GATEWAY_GATEWAY_H
#define VGW_GATEWAY_GATEWAY_H
#include "action/registry.h"
#include "call/calls.h"
#include "config/errors.h"
#include "event/bus.h"
#include "flow/engine.h"
#include "gateway/plan.h"
#include "host/host.h"
#include "loop/driver.h"
#include "loop/loop.h"
#include "loop/pool.h"
#include "net/policy.h"
#include "net/ws.h"
#include "plugin/registry.h"

struct vgw_gateway;

struct vgw_gateway_options {
    struct vgw_loop *loop;          /* control */
    const char *config_path;        /* NULL: the embedded defaults */
    const char *const *plugin_dirs; /* ahead of the configured ones */
    size_t plugin_dir_count;
    const char *state_dir; /* plugin copies, probe cache */
    /** Further checks of the main file, at start and reload; see plan.h. [any]: a reload calls it on an io lane. May be
     * NULL. */
    void (*check)(void *arg, const struct vgw_options *main, struct vgw_config_errors *errors);
    void *check_arg;
    const char *(*getenv)(const char *name, void *arg); /* what a reload asks for ${NAME}; NULL: nothing is set */
    struct vgw_driver *driver; /* virtual time: `loop` is one of its loops, so are the workers, and the pool has no
                                  threads. NULL: threads */
};
/** Compiles the configuration, makes all rooms, loads plugins and starts their instances. What is wrong with the
 * configuration goes to `reader` (VGW_ECONFIG); other failures to `err`. A plugin that is missing or refused does not
 * stop the start: it is logged and health is degraded. */
int vgw_gateway_new(const struct vgw_gateway_options *options, struct vgw_config_reader *reader,
                    struct vgw_gateway **ret_gateway, struct vgw_error *err);
/** Ends everything that is left. Takes NULL. False: a plugin's work did not end in time and still runs; records are
 * written, but threads and memory stay, and nothing may be freed any more: the process is to end by _exit(). */
bool vgw_gateway_free(struct vgw_gateway *g);

/** The rooms, for the API and main.c. Borrowed. */
struct vgw_gateway_rooms {
    struct vgw_loop *control, *side;
    struct vgw_pool *pool;
    struct vgw_calls *calls;
    struct vgw_flow_engine *flow;
    struct vgw_bus *bus;
    struct vgw_registry *registry;
    struct vgw_host *host;
    struct vgw_action_registry *actions;
    struct vgw_delivery *delivery; /* NULL: there is no store */
};
struct vgw_gateway_rooms vgw_gateway_rooms(struct vgw_gateway *g);
/** gateway.name, or this machine's name: gateways that share a store tell their rows apart by it. Borrowed. */
const char *vgw_gateway_node(struct vgw_gateway *g);
const struct vgw_plan *vgw_gateway_plan(const struct vgw_gateway *g);
uint64_t vgw_gateway_generation(const struct vgw_gateway *g);
const struct vgw_policy *vgw_gateway_policy(struct vgw_gateway *g);
/** The hub of a loop, made when first asked for, on that loop's thread. NULL: none. */
struct vgw_ws_hub *vgw_gateway_hub(struct vgw_gateway *g, struct vgw_loop *loop);
/** The front, once main.c has made it: plugins answer through it. */
struct vgw_front;
void vgw_gateway_set_front(struct vgw_gateway *g, struct vgw_front *front);
/** Makes the address under which a recording can be fetched without a token for so long; the caller frees it. */
typedef char *(*vgw_gateway_sign_fn)(void *arg, const char *recording_id, int64_t ttl_us);
/** Who signs; until then recordings of ours are played by their plain address. [control] */
void vgw_gateway_set_signer(struct vgw_gateway *g, vgw_gateway_sign_fn sign, void *arg);
const char *vgw_gateway_department(struct vgw_gateway *g, const char *name);
const char *vgw_gateway_department_nearest(struct vgw_gateway *g, const char *name);
/** {name: {"status","detail"}}; a new value. */
struct vgw_json *vgw_gateway_health(struct vgw_gateway *g);
bool vgw_gateway_enabled(const struct vgw_gateway *g);
uint32_t vgw_gateway_max_sessions(const struct vgw_gateway *g);
/** All plugins on the path, and how each stands. A new value. */
struct vgw_json *vgw_gateway_plugins(struct vgw_gateway *g);
/** What a plugin says of itself and how it stands: borrowed for the call. VGW_ENOTFOUND, VGW_ELIMIT, VGW_EBUSY (the
 * gateway ends): NULL. [control] */
typedef void (*vgw_gateway_plugin_fn)(void *arg, int status, const char *sentence, const struct vgw_json *plugin);
/** Asks for one. `done` is called exactly once: from inside when it is known, later when the plugin must be probed for
 * it. */
void vgw_gateway_plugin(struct vgw_gateway *g, const char *name, vgw_gateway_plugin_fn done, void *arg);

/** Sends a webhook that was given up once more. `done` once, from inside or later: VGW_ENOTFOUND (delivered, or never
 * was), VGW_EBUSY (on its way), VGW_ECONFIG (its receiver is not configured any more), VGW_ESTORAGE. [control] */
typedef void (*vgw_gateway_replay_fn)(void *arg, int status, const char *sentence);
void vgw_gateway_webhook_replay(struct vgw_gateway *g, const char *id, vgw_gateway_replay_fn done, void *arg);
/** The voice tools: an array of {"name","description","parameters"}, a new value. [control] */
struct vgw_json *vgw_gateway_tools(struct vgw_gateway *g);
/** The end of a tool: all borrowed for the call. [control] */
typedef void (*vgw_gateway_tool_fn)(void *arg, int status, const char *sentence, const struct vgw_json *result);
/** Calls one by name on behalf of a live call or session (ids; either or both may be NULL), or of a project (NULL: the
 * default one). `done` is called exactly once, now, later or at the gateway's end. [control] */
void vgw_gateway_tool_call(struct vgw_gateway *g, const char *name, const struct vgw_json *arguments,
                           const char *call_id, const char *session_id, const char *project_id,
                           vgw_gateway_tool_fn done, void *arg);
/** Is there an agent of that name? [control] */
bool vgw_gateway_agent_known(struct vgw_gateway *g, const char *name);

#define VGW_RELOAD_WAITERS_MAX 64 /* requests that wait for the next reload */
/** How a reload ended. 0 and `answer` {"generation","changed","restart_required","waiting"}; VGW_ECONFIG with all that
 * is wrong in `errors`; VGW_ELIMIT or VGW_EBUSY (the gateway ends), without errors; `sentence` says so. All is borrowed
 * for the call; errors and answer may be NULL. [control] */
typedef void (*vgw_gateway_reload_fn)(void *arg, int status, const char *sentence, const struct vgw_json *answer,
                                      const struct vgw_config_errors *errors);
/** Reads everything anew, on an io lane, and swaps on control, or leaves all as it is. One reload runs at a time; those
 * who ask meanwhile are all answered by one more that begins then. `done` is called exactly once, from inside only when
 * the request cannot be taken. */
void vgw_gateway_reload(struct vgw_gateway *g, vgw_gateway_reload_fn done, void *arg);
/** Before the end: no reload begins any more, one that is under way changes nothing, and all who wait for one, or for a
 * plugin's description, are answered. */
void vgw_gateway_reload_stop(struct vgw_gateway *g);
/** Is one under way? */
bool vgw_gateway_reloading(const struct vgw_gateway *g);
/** Actions as --check knows them: the core's, with nothing behind them. vgw_action_registry_free(). NULL: out of
 * memory. */
struct vgw_action_registry *vgw_gateway_check_actions(void);
/** A JSON Schema of the main file; the plugins in these folders (probed here) bring their options. A new value, NULL
 * when out of memory. Blocks. */
struct vgw_json *vgw_gateway_schema(const char *const *dirs, size_t dir_count);
#define VGW_GATEWAY_LOOPS_MAX 70
/** The loops of workers and side, for the watchdog; how many. `out` holds VGW_GATEWAY_LOOPS_MAX. */
size_t vgw_gateway_loops(struct vgw_gateway *g, struct vgw_loop **out);
/** Called after each successful reload, before those who asked are answered. */
void vgw_gateway_on_reload(struct vgw_gateway *g, void (*fn)(void *arg), void *arg);
/** Refuses new calls; ends what is left after the time-out (negative: as configured); `drained` once nothing is left.
 */
void vgw_gateway_drain(struct vgw_gateway *g, int64_t timeout_us, void (*drained)(void *arg), void *arg);
void vgw_gateway_undrain(struct vgw_gateway *g);
bool vgw_gateway_draining(const struct vgw_gateway *g);
/** Store access for the API. See store/store.h. */
struct vgw_store;
struct vgw_store *vgw_gateway_store(struct vgw_gateway *g);
/** Recordings that are not here (archive.h); NULL before the gateway runs. */
struct vgw_archive *vgw_gateway_archive(struct vgw_gateway *g);
/** Is something degraded that an operator should know of? */
bool vgw_gateway_degraded(const struct vgw_gateway *g);
#endif
