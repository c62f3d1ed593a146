/* gateway_private.h - the gateway's inside, shared by this room's files only. */
#ifndef VGW_GATEWAY_PRIVATE_H
#define VGW_GATEWAY_PRIVATE_H
#include <stdatomic.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "delivery/delivery.h"
#include "event/journal.h"
#include "gateway/gateway.h"
#include "net/client.h"
#include "plugin/load.h"
#include "talk/talk.h"

#define VGW_WORKERS_MAX 64
#define VGW_STATE_PLUGIN_MAX 64u /* small values that an instance may keep */
#define VGW_STATE_OWN_MAX 500u   /* and each part of the gateway, as calls that were promised */

struct vgw_worker {
    struct vgw_loop *loop;
    struct vgw_ws_hub *hub; /* made on its thread */
    struct vgw_client *client;
    struct vgw_gateway *gateway;
    struct vgw_policy *policy; /* what its thread goes by: a reference, set there */
    bool closing;
    uint32_t legs;
};

struct vgw_live { /* a running instance and what it was made from */
    struct vgw_list link;
    struct vgw_instance *instance;
    struct vgw_recipe *recipe;
    bool passed;                /* no thread stands in its code: all have turned since its last work ended */
    struct vgw_passing *asking; /* they are being asked */
};

struct vgw_conversation { /* a call's talk */
    uint64_t call;
    struct vgw_talk *talk;
    struct vgw_worker *worker;
    struct vgw_instance *instance; /* the provider's, held until the leg is gone */
    char recording[VGW_ID_MAX];    /* that the turns so far were cut from, up to cut_s */
    double cut_s;
    const char *session, *provider_call_id, *plugin; /* in `names` */
    bool up, told;                                   /* media runs; the audit line of its stream is written */
    char agent[64];                                  /* that talks now, or "" */
    uint64_t tool_turn;                              /* of the assistant: tool_count of its tools were asked for */
    unsigned tool_count;
    struct vgw_json *context; /* what is known of the call beside its session, or NULL */
    char names[];
};

struct vgw_part_health {
    bool up;
    char detail[256];
};

struct vgw_gateway {
    struct vgw_gateway_options options;
    char host_name[64];
    struct vgw_loop *loop;
    struct vgw_pool *pool;
    struct vgw_worker workers[VGW_WORKERS_MAX + 2]; /* media workers, then side, then control (hubless) */
    size_t worker_count;
    struct vgw_worker *side, *control;
    struct vgw_loop *leg_worker; /* where the leg that is being made must live, or NULL */
    struct vgw_front *front;
    vgw_gateway_sign_fn sign;
    void *sign_arg;

    struct vgw_plan *plan;
    struct vgw_snapshot *snapshot; /* part 0: the plan */
    uint64_t generation;
    struct vgw_policy *policy; /* the plan's */

    struct vgw_plugin_cache *cache;
    struct vgw_plugin_prober prober;
    struct vgw_plugin_loader *loader;
    struct vgw_registry *registry;
    struct vgw_timer registry_timer;
    struct vgw_list live; /* of vgw_live */
    struct vgw_host *host;

    struct vgw_bus *bus;
    struct vgw_journal *journal;
    struct vgw_store *store;
    struct vgw_instance *store_instance;
    struct vgw_map *state; /* "instance\nkey" -> value: plugins' small state */

    struct vgw_action_registry *actions;
    struct vgw_list plugin_actions, plugin_runs, listeners;       /* of plugin_actions.c */
    struct vgw_list action_waits;                                 /* of struct waiting in actions.c */
    struct vgw_list tool_calls, http_runs, mcp_questions, asides; /* of tools.c, tool_http.c, voice_tools.c */
    struct vgw_list contexts, callbacks;                          /* of agent_context.c, callbacks.c */
    struct vgw_map *tools;                                        /* name -> struct vgw_http_tool */
    struct vgw_map *mcps;                                         /* name -> struct vgw_mcp */
    struct vgw_bus_sub *callbacks_sub;
    struct vgw_flow_engine *flow;
    struct vgw_flow_registry_link flow_link;
    struct vgw_timer flow_timer;
    struct vgw_delivery *delivery; /* NULL: there is no store */
    struct vgw_list sources;       /* of struct queue_source in delivery.c */
    struct vgw_map *zones;         /* name -> struct vgw_zone, or a mark for what is none */
    struct vgw_bus_sub *flow_sub, *host_sub, *store_sub;
    bool store_done;
    unsigned depth; /* of the rule whose action runs now */

    struct vgw_webhooks *webhooks;
    struct vgw_list restarts;   /* of struct vgw_restart: calls of an earlier run at their vendors */
    struct vgw_list recordings; /* of struct vgw_recording: to be fetched from providers */
    struct vgw_calls *calls;
    struct vgw_map *engine_health; /* "section/name" -> vgw_engine_health */
    struct vgw_map *conversations; /* call handle in hex -> vgw_conversation */
    struct vgw_map *health;        /* part -> vgw_part_health */

    struct vgw_timer drain_timer, housekeeping, poll_timer, purge_timer, trim_timer;
    uint64_t trimmed_at; /* the id of the event after which the stored ones were counted last; 0: never */
    bool trimming;
    struct vgw_archive *archive;
    struct vgw_list transfers; /* of summary.c */
    struct vgw_purge *purge;   /* what is being removed now, or NULL */
    struct vgw_talk_home home;
    void (*drained)(void *arg);
    void *drained_arg;
    void (*reloaded)(void *arg);
    void *reloaded_arg;
    struct vgw_reload *reload;      /* under way, or NULL */
    struct vgw_list reload_waiters; /* who asked meanwhile: one more reload answers all of them */
    size_t reload_waiter_count;
    struct vgw_list shows; /* of show.c */
    size_t show_count;
    atomic_bool reload_stop; /* the end has come: what a reload waits for is given up */
    bool code_stays;         /* at the end, work of the pool did not end: no instance is destroyed any more */
    bool draining;
    bool ending, turned; /* in vgw_gateway_free() */
    unsigned closing_workers;
};

/* conversation.c */
/** A call's talk, or NULL. */
struct vgw_conversation *vgw_gateway_conversation(struct vgw_gateway *g, uint64_t call);
void vgw_gateway_conversation_free(void *conversation);
/** {"session_id","call_id",…} as assistants are told of it, JSON text. Caller frees. */
char *vgw_gateway_session_text(const struct vgw_call *call);
/** The media worker for the next leg. */
struct vgw_worker *vgw_gateway_least_busy(struct vgw_gateway *g);
/* workers.c */
int vgw_gateway_threads_open(struct vgw_gateway *g, struct vgw_error *err);
/** Puts the outbound policy of the plan in force, on every thread, if it is another. */
int vgw_gateway_policy_swap(struct vgw_gateway *g, struct vgw_error *err);
/** The policy of the calling thread's loop. [any] */
const struct vgw_policy *vgw_gateway_policy_here(void *arg);
struct vgw_ws_hub *vgw_gateway_hub_of(void *arg, struct vgw_loop *loop);
/** The HTTP client of a loop, made when first asked for, on that loop's thread; NULL: it could not be made. */
struct vgw_client *vgw_gateway_client_of(void *arg, struct vgw_loop *loop);

/* plugins.c */
int vgw_gateway_plugins_open(struct vgw_gateway *g, struct vgw_error *err);
/** Makes and starts all instances of the plan that are not running yet. */
void vgw_gateway_plugins_start(struct vgw_gateway *g);
/** `opened`: the code of this recipe, if it has been opened already (borrowed); NULL: it is shared with an instance
 * that runs, or loaded now. */
struct vgw_instance *vgw_gateway_instance_new(struct vgw_gateway *g, struct vgw_recipe *r,
                                              struct vgw_plugin_module *opened, struct vgw_error *err);
void vgw_gateway_live_add(struct vgw_gateway *g, struct vgw_instance *i, struct vgw_recipe *r);
struct vgw_recipe *vgw_gateway_recipe_of(struct vgw_gateway *g, const struct vgw_instance *i);
void vgw_gateway_route_defaults(struct vgw_gateway *g);
void vgw_gateway_plugins_close(struct vgw_gateway *g);
bool vgw_gateway_engine(struct vgw_gateway *g, const char *section, const char *name, struct vgw_engine *ret_engine);
void vgw_gateway_engine_release(void *arg, void *ref);

/* webhooks.c */
int vgw_gateway_webhooks_open(struct vgw_gateway *g, struct vgw_error *err);
/** The plan is another. */
void vgw_gateway_webhooks_reloaded(struct vgw_gateway *g);
void vgw_gateway_webhooks_close(struct vgw_gateway *g);

/* show.c */
/** Before the end: whoever waits for a plugin's description is answered. */
void vgw_gateway_shows_stop(struct vgw_gateway *g);

/* plugin_actions.c */
/** An instance is current now, or is not any more: its actions and its feed follow. */
void vgw_gateway_instance_published(struct vgw_gateway *g, struct vgw_instance *i);
void vgw_gateway_instance_retired(struct vgw_gateway *g, const char *section, const char *name);
/** Takes result. */
void vgw_gateway_plugin_action_complete(struct vgw_gateway *g, uint64_t run, int status, const char *sentence,
                                        struct vgw_json *result);
void vgw_gateway_plugin_actions_close(struct vgw_gateway *g);

/* bridge.c */
int vgw_gateway_calls_open(struct vgw_gateway *g, struct vgw_error *err);
struct vgw_calls_limits vgw_gateway_limits(const struct vgw_plan *plan);
void vgw_gateway_emit(struct vgw_gateway *g, const char *type, const struct vgw_session *s, const struct vgw_call *c,
                      struct vgw_json *data);
int vgw_gateway_host_open(struct vgw_gateway *g, struct vgw_error *err);

/* conversation.c */
/** What the talks call, once. */
void vgw_gateway_home_fill(struct vgw_gateway *g);
int vgw_gateway_media_attach(void *arg, struct vgw_call *call, uint64_t *ret_leg, struct vgw_error *err);
void vgw_gateway_media_begin(void *arg, struct vgw_call *call);
int vgw_gateway_media_command(void *arg, struct vgw_call *call, uint64_t op, int command, const struct vgw_json *params,
                              struct vgw_error *err);
void vgw_gateway_media_release(void *arg, struct vgw_call *call);
void vgw_gateway_media_held(void *arg, struct vgw_call *call, bool on);
bool vgw_gateway_media_digit(void *arg, struct vgw_call *call, char digit, uint32_t duration_ms, const char *source);
const char *vgw_gateway_instance_setting(void *arg, void *instance, const char *name);

/* own_audio.c: `play` of a recording of ours */
bool vgw_gateway_play_is_own(const struct vgw_gateway *g, const struct vgw_json *params);
int vgw_gateway_play_own(struct vgw_gateway *g, struct vgw_call *call, uint64_t op, bool by_provider,
                         const struct vgw_json *params, struct vgw_error *err);

/* fetch.c: `play` of an http or https URL */
bool vgw_gateway_play_is_remote(const struct vgw_json *params);
int vgw_gateway_play_remote(struct vgw_gateway *g, struct vgw_call *call, uint64_t op, const struct vgw_json *params,
                            struct vgw_error *err);

/* file.c */
/** [pool] Writes beside and renames; errno, or 0. `number` tells writers at the same time apart. */
int vgw_gateway_file_write(const char *path, uint64_t number, const struct vgw_buf *body);

/* recording.c: recordings that a provider made */
void vgw_gateway_recording_available(void *arg, const struct vgw_host_recording *what);
void vgw_gateway_recordings_close(struct vgw_gateway *g);

/* restart.c: calls of an earlier run */
struct vgw_restart_call { /* borrowed */
    const char *provider, *provider_call_id, *session_id, *call_id;
    int64_t since_wall_us;
    bool over; /* nothing but its price is missing */
};
/** It may still be up: its provider is asked, and it is ended or brought back (on_restart); then for its price. */
void vgw_gateway_restart_add(struct vgw_gateway *g, const struct vgw_restart_call *call);
/* price.c */
/** The vendor told the price of a call that an earlier run had. */
void vgw_gateway_store_price(struct vgw_gateway *g, const char *call_id, const char *session_id, double cost,
                             const char *currency);
/** Calls that ended shortly before this run began and have no price are asked for it. */
void vgw_gateway_prices_ask(struct vgw_gateway *g);

bool vgw_gateway_restart_complete(void *arg, uint64_t op, int status, const char *sentence,
                                  const struct vgw_json *result);
void vgw_gateway_restart_close(struct vgw_gateway *g);

/* flows.c */
int vgw_gateway_flows_open(struct vgw_gateway *g, struct vgw_error *err);
void vgw_gateway_flows_close(struct vgw_gateway *g);
bool vgw_gateway_workflow_start(void *arg, struct vgw_call *call, const char *workflow);
void vgw_gateway_flow_arm(struct vgw_gateway *g);

/* delivery.c: messages, their providers and time zones */
int vgw_gateway_delivery_open(struct vgw_gateway *g, struct vgw_error *err);
void vgw_gateway_delivery_close(struct vgw_gateway *g);
/** The queues that the plan names bring messages, others do not any more. */
void vgw_gateway_sources_follow(struct vgw_gateway *g);
void vgw_gateway_queue_messages(void *arg, struct vgw_instance *instance, uint64_t op, int status,
                                const struct vgw_json *messages);
void vgw_gateway_queue_complete(void *arg, struct vgw_instance *instance, uint64_t op, int status,
                                const char *sentence);

/* actions.c: the core's own actions */
int vgw_gateway_actions_register(struct vgw_gateway *g, struct vgw_error *err);
/** Before the instances go: nobody waits any more. */
void vgw_gateway_actions_close(struct vgw_gateway *g);

/* records.c */
/** Do other gateways write to the store as well? */
bool vgw_gateway_store_shared(const struct vgw_gateway *g);
/** A reload has brought another plan. */
void vgw_gateway_records_changed(struct vgw_gateway *g);
int vgw_gateway_records_open(struct vgw_gateway *g, struct vgw_error *err);
void vgw_gateway_journal(void *arg, const char *kind, struct vgw_json *doc, void (*synced)(void *synced_arg),
                         void *synced_arg);
void vgw_gateway_store_record(void *arg, struct vgw_json *record);
/** A call that is over has its price now. */
void vgw_gateway_store_cost(void *arg, const struct vgw_late_call *late);
/** A line of the transcript as it comes: {"turn_number","role","content",…}. */
void vgw_gateway_store_turn(struct vgw_gateway *g, const char *session_id, const struct vgw_json *turn);
const char *vgw_gateway_state_get(void *arg, const char *instance, const char *key);
int vgw_gateway_state_set(void *arg, const char *instance, const char *key, const char *value);

/* health.c */
void vgw_gateway_part(struct vgw_gateway *g, const char *part, bool up, const char *detail);
void vgw_gateway_part_gone(struct vgw_gateway *g, const char *part);
void vgw_gateway_health_open(struct vgw_gateway *g);

/* retention.c: what is older than the configuration wants is removed */
void vgw_gateway_retention_open(struct vgw_gateway *g);
void vgw_gateway_retention_changed(struct vgw_gateway *g);
#endif
