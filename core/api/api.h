/* api.h - the HTTP API, the event feed and the control socket's surface: what the outside may ask, and of whom. One for
 * a process, on the control thread; event feeds over WebSocket have their sockets on the side loop. gateway/ makes it,
 * fills the environment and gives its handler to the front. */
#ifndef VGW_API_API_H
#define VGW_API_API_H
#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"
#include "base/json.h"
#include "call/calls.h"
#include "config/errors.h"
#include "config/options.h"
#include "delivery/delivery.h"
#include "event/bus.h"
#include "flow/engine.h"
#include "host/host.h"
#include "loop/loop.h"
#include "loop/pool.h"
#include "net/front.h"
#include "net/policy.h"
#include "net/ws.h"
#include "plugin/desc.h"
#include "plugin/registry.h"

struct vgw_api;

/* ---- configuration: a part of the snapshot ---- */
struct vgw_api_config;
/** Compiles http, auth and recordings.path of the main options (which may go afterwards). Errors (a prefix that is no
 * path, a token's name given twice, `public_url` that cannot be read) go to `errors` with their places. 0, VGW_ECONFIG,
 * VGW_ELIMIT. Thread: control. */
int vgw_api_compile(const struct vgw_options *main, struct vgw_config_errors *errors,
                    struct vgw_api_config **ret_config);
/** The part's destructor. Takes NULL. Thread: control. */
void vgw_api_config_free(void *config);
/** Whether any token is configured: without one everything is allowed. */
bool vgw_api_config_has_tokens(const struct vgw_api_config *config);

/* ---- environment ---- */
/** What was asked for: rows of a store query as an array, or an object (the receiver's), or NULL with a status below 0
 * and a sentence. */
typedef void (*vgw_api_rows_fn)(void *done_arg, int status, const char *sentence, struct vgw_json *rows);
typedef void (*vgw_api_done_fn)(void *done_arg, int status, const char *sentence);
/** The end of a reload: status 0 and `answer` {"generation","changed","restart_required","waiting"}, or a negative
 * status, a sentence, and `errors` [{"field","detail"}] with the places in `field`. Both JSON values are the
 * receiver's. */
typedef void (*vgw_api_reload_fn)(void *done_arg, int status, const char *sentence, struct vgw_json *answer,
                                  struct vgw_json *errors);

/** What the API needs of the rooms around it. Pointers live longer than the API; those marked so may be NULL, and what
 * they serve is then answered with 501 or left out. All callbacks: control thread, unless said otherwise; `arg` is the
 * first argument. Callbacks with a `done` call it exactly once, on control, now or later, and never after
 * vgw_api_free(). */
struct vgw_api_env {
    void *arg;
    struct vgw_loop *loop; /* control */
    struct vgw_loop *side; /* WebSocket feeds; NULL: none are offered */
    struct vgw_pool *pool; /* io lane: recordings; may be NULL */
    struct vgw_calls *calls;
    struct vgw_flow_engine *flow;  /* may be NULL */
    struct vgw_bus *bus;           /* may be NULL */
    struct vgw_registry *registry; /* may be NULL */
    struct vgw_host *host;         /* plugins' routes; may be NULL */
    struct vgw_delivery *delivery; /* may be NULL */
    const char *node, *version;

    /** The configuration that holds now; borrowed until vgw_api_on_config() is told of another. */
    const struct vgw_api_config *(*config)(void *arg);
    /** The hub of the side loop. [side] */
    struct vgw_ws_hub *(*hub)(void *arg, struct vgw_loop *side);
    /** Where URLs of API callers may point. */
    const struct vgw_policy *(*policy)(void *arg);
    /** The number of a department, or NULL; `nearest` (may be NULL) names the known one that is nearest to a mistyped
     * name. */
    const char *(*department)(void *arg, const char *name);
    const char *(*department_nearest)(void *arg, const char *name);
    /** Is there an agent of that name? NULL: there are none. */
    bool (*agent_known)(void *arg, const char *name);
    /** The tools: an array of {"name","description","parameters"}, a new value. May be NULL, with the next. */
    struct vgw_json *(*tools)(void *arg);
    /** Calls one, on behalf of a call or session (ids, either may be NULL) or of a project (NULL: of none). `done`
     * once, now or later, also after vgw_api_free(): `rows` is the result, or a status and a sentence say why there is
     * none. */
    void (*tool)(void *arg, const char *name, const struct vgw_json *arguments, const char *call_id,
                 const char *session_id, const char *project_id, vgw_api_rows_fn done, void *done_arg);
    /** May this UNIX peer use the control socket? NULL: root and the daemon's own user. */
    bool (*peer_allowed)(void *arg, uint32_t uid, uint32_t gid);

    /** At most `limit` rows of a table, newest first unless "order": "asc" stands in the filter (voicegw/draft/store.h
     * says how filters look). Takes `filter`. NULL: there is no store. */
    void (*store_query)(void *arg, const char *table, struct vgw_json *filter, uint32_t limit, const char *cursor,
                        vgw_api_rows_fn done, void *done_arg);
    /** Does the store take what is written? While it does not, its rows lack the newest. NULL: always. */
    bool (*store_well)(void *arg);
    /** Counts by groups (store.h, vgw_store_tally()); both are borrowed. Below 0: done is not called. NULL: no store.
     */
    int (*store_tally)(void *arg, const char *table, const struct vgw_json *filter, const struct vgw_json *what,
                       vgw_store_fn done, void *done_arg);
    /** A batch of changes, all or nothing. Takes `batch`. */
    void (*store_apply)(void *arg, struct vgw_json *batch, vgw_api_done_fn done, void *done_arg);

    /** Recordings that are kept elsewhere, by the names of their files. An address that is good for a while goes to
     * `ret_url` (a new text); VGW_EBUSY: it is to be fetched instead; VGW_ENOTFOUND: all are here. NULL, with the next
     * two: all are here. */
    int (*recording_address)(void *arg, const char *name, char **ret_url);
    /** Brings one here; done() once, not from inside, with a file that the taker removes. A negative status: not. */
    int (*recording_fetch)(void *arg, const char *name,
                           void (*done)(void *done_arg, int status, const char *sentence, const char *path),
                           void *done_arg);
    void (*recording_erase)(void *arg, const char *name);

    /** Sends a webhook that was given up once more; done() once, also from inside. NULL: there are none. */
    void (*webhook_replay)(void *arg, const char *id, vgw_api_done_fn done, void *done_arg);

    void (*reload)(void *arg, vgw_api_reload_fn done, void *done_arg);
    /** Begins to drain: `timeout_us` below 0: as configured; `exit`: end the process when it is done. */
    void (*drain)(void *arg, int64_t timeout_us, bool exit);
    void (*undrain)(void *arg);
    /** {name: {"status": "ok" | "degraded" | …, "detail"}}, a new value. */
    struct vgw_json *(*health_parts)(void *arg);
    bool (*enabled)(void *arg);
    uint32_t (*max_sessions)(void *arg);
    /** All plugins that are on the path, and how each stands; a new array. */
    struct vgw_json *(*plugins)(void *arg);
    /** The same of one, with what it says about itself; done() once, also from inside, with VGW_ENOTFOUND when there is
     * none of that name. */
    void (*plugin)(void *arg, const char *name, vgw_api_rows_fn done, void *done_arg);
};

/* ---- life ---- */
/** `env` is copied. 0, VGW_ELIMIT. */
int vgw_api_new(const struct vgw_api_env *env, struct vgw_api **ret_api, struct vgw_error *err);
/** Drops what is under way without answering it: the front answers or is gone. Takes NULL. Feeds are cut; the side loop
 * must still run, or be gone with its hub. */
void vgw_api_free(struct vgw_api *api);
/** For vgw_front_new(); then tell the API which front it serves. */
struct vgw_front_handler vgw_api_handler(struct vgw_api *api);
void vgw_api_set_front(struct vgw_api *api, struct vgw_front *front);
/** A new configuration holds (env.config gives it): feeds and tickets of tokens that are no longer there, or that lost
 * the right to read, are cut. */
void vgw_api_on_config(struct vgw_api *api);
/** "https://voice.example.com/voice/recordings/rec-…?expires=…&signature=…": readable without a token until then, for
 * vendors and browsers. Caller frees; NULL when out of memory. `ttl_us` is bounded to seven days. */
char *vgw_api_recording_url(struct vgw_api *api, const char *recording_id, int64_t ttl_us);
/** The API described: OpenAPI 3.1, made from the table of routes. A new value. Pure. */
struct vgw_json *vgw_api_openapi(const char *prefix, const char *version);

#endif
