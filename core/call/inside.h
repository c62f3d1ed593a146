/* inside.h - what the files of this room share and no other room sees. Control thread. */
#ifndef VGW_CALL_INSIDE_H
#define VGW_CALL_INSIDE_H
#include "base/map.h"
#include "call/calls.h"

#define VGW_CALLS_RECENT_MAX 1000 /* provider ids of ended calls that are remembered */
#define VGW_CALLS_TURNS_MAX 2000  /* lines of a transcript */
#define VGW_CALLS_WAITING_MAX 32  /* commands of a call that wait for the connection */
#define VGW_CALLS_OPS_MAX 64      /* commands of a call at all */
#define VGW_CALLS_OP_BUCKETS 256
#define VGW_CALLS_PROVIDER_ID_MAX 256
#define VGW_CALLS_PARTY_MAX 128 /* bytes of a number or address */
#define VGW_CALLS_URL_MAX 1024
#define VGW_CALLS_RECORD_TRIES 50
#define VGW_CALLS_RECORD_RETRY_US (100 * VGW_US_PER_MS)

struct vgw_recent {         /* a ring: what a repeated webhook may still name */
    struct vgw_map *by_key; /* to the call_id, owned */
    char *keys[VGW_CALLS_RECENT_MAX];
    size_t next;
};

struct vgw_call_actions;

struct vgw_calls {
    struct vgw_calls_env env;
    struct vgw_calls_limits limits;
    struct vgw_list live;     /* calls that are not settled, oldest first */
    struct vgw_list sessions; /* all that are not freed, oldest first */
    uint32_t call_count;
    uint32_t session_count;      /* not stopped */
    struct vgw_map *by_id;       /* call_id to call */
    struct vgw_map *by_provider; /* instance and provider_call_id to call */
    struct vgw_map *by_session;
    struct vgw_recent recent;
    struct vgw_late late;
    struct vgw_list ops[VGW_CALLS_OP_BUCKETS];
    uint64_t last_op;
    bool draining;
    void (*drained)(void *arg);
    void *drained_arg;
    struct vgw_timer drain_timer;
    struct vgw_call_actions *actions;
    struct vgw_list conferences; /* of vgw_conference */
    struct vgw_list consults;    /* of consult.c: transfers whose other side is being asked */
    uint32_t mixes;              /* mixers that have not gone */
    bool sweeping;               /* conference.c is letting go of those who are left */
};

/* What is done by whom: a row of the table of commands. */
enum vgw_path { VGW_PATH_PROVIDER, VGW_PATH_MEDIA, VGW_PATH_MIX, VGW_PATH_CORE };

/* Internal commands beside the public ones. */
#define VGW_CMD_AWAIT_CONNECTED VGW_COMMANDS /* completes when the call is connected */
#define VGW_CMD_AWAIT_END (VGW_COMMANDS + 1) /* completes when the call is over */

struct vgw_op {
    struct vgw_list link; /* in a bucket of calls->ops */
    struct vgw_list in_call;
    uint64_t id;
    struct vgw_call *call;
    int command;
    bool waiting; /* for the connection; params are kept */
    bool by_provider;
    bool alone;     /* no step of a run waits for it: what fails later is told by an event */
    bool deferred;  /* the result is there and is told at the next turn */
    bool abandoned; /* nobody waits for it any more */
    struct vgw_json *params;
    struct vgw_json *result; /* of a deferred one */
    vgw_command_done done;
    void *arg;
    struct vgw_timer timer; /* deadline, or the next turn */
};

/* calls.c */
#define VGW_PROVIDER_KEY_MAX (VGW_CALLS_PROVIDER_ID_MAX + 160)
bool vgw_provider_key(const char *instance_name, const char *provider_call_id, char out[VGW_PROVIDER_KEY_MAX]);
void vgw_call_set_provider_id(struct vgw_call *call, const char *provider_call_id);
/** Why a new call or session is refused now, or NULL. */
const char *vgw_calls_refusal(const struct vgw_calls *calls);
void vgw_calls_emit(const char *type, struct vgw_session *s, struct vgw_call *call, struct vgw_json *data);
/** The event `error`; `where`: the part, or the command. */
void vgw_call_emit_error(struct vgw_call *call, const char *where, const struct vgw_error *err);
void vgw_calls_journal(struct vgw_calls *calls, const char *kind, struct vgw_json *doc);
/** {"from","to","direction"}; `first`, when it is not NULL, is put before them. */
struct vgw_json *vgw_call_parties(const struct vgw_call *call);
/** Sets a text or null; false when out of memory. */
bool vgw_text_set(char **field, const char *text);
/** A duration in seconds that an instance's setting gives, or `otherwise`. */
int64_t vgw_call_setting_us(const struct vgw_call *call, const char *name, int64_t otherwise);
/** How long it may last from its answer: the gateway's limit, its provider's, and what who placed it asked for. */
int64_t vgw_call_longest_us(const struct vgw_call *call);

/* recent.c */
int vgw_recent_init(struct vgw_recent *r);
void vgw_recent_done(struct vgw_recent *r);
void vgw_recent_add(struct vgw_recent *r, const char *key, const char *call_id);
const char *vgw_recent_find(const struct vgw_recent *r, const char *key);

/* make.c */
struct vgw_call_seed {
    void *instance;                            /* its reference is taken over on success */
    const char *session_id, *provider_call_id; /* NULL: made */
    const char *direction, *from, *to, *project_id, *language, *transport, *lead_id, *reservation_id;
    const struct vgw_json *variables;
    struct vgw_json *plan; /* taken over on success */
    const struct vgw_route *route;
    struct vgw_snapshot *snapshot; /* taken over on success */
    int64_t ring_timeout_us;       /* 0: as configured */
    bool documents;                /* media: twiml, whatever the route says */
    const char *recovers;
};
/** A session with one call, timers armed and in all tables, nothing told yet; all or nothing. */
int vgw_call_make(struct vgw_calls *calls, const struct vgw_call_seed *seed, struct vgw_call **ret_call,
                  struct vgw_error *err);
/** Journal, events and audit line of a session's first moment. */
void vgw_call_announce(struct vgw_call *call);
void vgw_call_free(struct vgw_call *call); /* takes NULL */

/* session.c */
struct vgw_session *vgw_session_make(struct vgw_calls *calls, const char *session_id, const char *channel,
                                     const char *direction);
/** What a route found after the session was made says of it; false: out of memory. */
bool vgw_session_follow(struct vgw_session *s, const struct vgw_route *route);
void vgw_session_free(struct vgw_session *s);
void vgw_session_activate(struct vgw_session *s);
/** Once its last call is over: stops it and arms the composition of its record. */
void vgw_session_stop(struct vgw_session *s, enum vgw_outcome outcome, const char *reason);
void vgw_session_announce(struct vgw_session *s, struct vgw_call *call);
void vgw_session_finish_in(struct vgw_session *s, int64_t delay_us);
/** Writes the record and what follows from it, if that is not done yet; false: out of memory, to be tried again. */
bool vgw_session_write_record(struct vgw_session *s);
void vgw_session_on_idle(void *session);
void vgw_session_on_summary(void *session);

/* report.c */
/** Moves the call; the caller checked that it may. */
void vgw_call_set_state(struct vgw_call *call, enum vgw_call_state state);
void vgw_call_transfer_begun(struct vgw_call *call); /* transfer_kind and transfer_to are set */
void vgw_call_hold_changed(struct vgw_call *call, bool on, const char *by);

/* connect.c */
void vgw_call_connected(struct vgw_call *call);

/* end.c */
/** Asks the provider to end the call and sees to it that it ends. `outcome` NONE: as the provider says. */
void vgw_call_end(struct vgw_call *call, enum vgw_outcome outcome, const char *cause, const char *error_class);
/** The call is over: exactly once, whoever says so first. */
void vgw_call_settle(struct vgw_call *call, enum vgw_outcome outcome, const char *cause, const char *error_class);
/** Marks the call as ending and arms the forced end, without asking the provider. */
void vgw_call_begin_end(struct vgw_call *call, enum vgw_outcome outcome, const char *cause, const char *error_class);
void vgw_call_transfer_over(struct vgw_call *call, const char *outcome);
/** Where the gateway's own recording of the call that runs can be fetched: `out`, or NULL when it makes none. */
const char *vgw_call_recording_url(const struct vgw_call *call, char out[VGW_CALLS_URL_MAX]);
void vgw_call_recording_over(struct vgw_call *call, const char *url, double duration);

/* lease.c */
int vgw_call_arm(struct vgw_call *call); /* ring time; makes all timers */
void vgw_call_lease(struct vgw_call *call, int64_t delay_us);
void vgw_call_next_turn(struct vgw_call *call);
void vgw_call_watch_media(struct vgw_call *call);

/* incoming.c */
/** The stream of an unproven call has said whose it is: it is routed, told of, and connected. */
void vgw_call_proved(struct vgw_call *call);
void vgw_call_follow_route(struct vgw_call *call);

/* op.c */
struct vgw_op *vgw_op_new(struct vgw_call *call, int command, vgw_command_done done, void *arg);
void vgw_op_free(struct vgw_op *op);
bool vgw_op_pending(const struct vgw_call *call, int command);
struct vgw_op *vgw_op_find(struct vgw_calls *calls, uint64_t id);
/** The result is told at the next turn of the loop. Takes result. */
int vgw_op_defer(struct vgw_op *op, struct vgw_json *result);
/** Takes the op out, applies what it means for the call and tells who waits. */
void vgw_op_finish(struct vgw_op *op, int status, const char *sentence, const struct vgw_json *result);
/** Calls an op's owner back without applying anything, and frees it. */
void vgw_op_tell(struct vgw_op *op, int status, const char *sentence, const struct vgw_json *result);
/** The call is over: all its ops are told. */
void vgw_ops_end(struct vgw_call *call);

/* effect.c */
/** What a completed command means for its call. Returns the result to tell (owned by the caller) or NULL for `result`
 * itself. */
struct vgw_json *vgw_op_apply(const struct vgw_op *op, struct vgw_call *call, int status, const char *sentence,
                              const struct vgw_json *result);

/* command.c */
/** Starts an operation of our own that nobody waits for. */
int vgw_call_start(struct vgw_call *call, int command, const struct vgw_json *params, struct vgw_error *err);
/** Starts the commands that waited for the connection. */
void vgw_call_start_waiting(struct vgw_call *call);
/** `done` runs once the call is connected or over. */
int vgw_call_await(struct vgw_call *call, int command, vgw_command_done done, void *arg, struct vgw_error *err);

/* documents.c: calls that their provider leads by documents */
/** The greeting is said, or stands in the transcript when the provider said it. */
void vgw_call_greet(struct vgw_call *call);
/** What was said and heard by a completed command goes into the transcript. Returns the result to tell, in the shape it
 * has on calls with media (owned by the caller), or NULL for `result` itself. */
struct vgw_json *vgw_call_document_done(const struct vgw_op *op, struct vgw_call *call, int status,
                                        const struct vgw_json *result);
/** Is the call with somebody else, by a verb, so that its silence says nothing? */
bool vgw_call_is_elsewhere(const struct vgw_call *call);

/* consult.c: transfers that the gateway carries out itself */
/** Calls the other side and joins both. The command completes when that is settled. */
int vgw_consult_start(struct vgw_op *op, struct vgw_error *err);
bool vgw_consult_pending(const struct vgw_call *call);
/** The call is over: whoever was being asked for it is not needed. */
void vgw_consult_over(const struct vgw_call *call);

/* params.c */
int vgw_command_check_params(enum vgw_command command, const struct vgw_json *params, struct vgw_error *err);
/** A number, a sip address or any printable text without spaces. */
bool vgw_party_valid(const char *s);

/* drain.c */
void vgw_calls_check_drained(struct vgw_calls *calls);
void vgw_calls_on_drain(void *calls);

/* actions.c */
void vgw_call_actions_free(struct vgw_call_actions *actions); /* takes NULL */
#endif
