/* host.h - fills the SDK's tables from the rooms below: the only place that knows both. One host a process; a table of
 * its own for each instance. Control thread, unless a function says otherwise. */
#ifndef VGW_HOST_HOST_H
#define VGW_HOST_HOST_H
#include "call/calls.h"
#include "config/options.h"
#include "loop/loop.h"
#include "loop/pool.h"
#include "plugin/instance.h"
#include "plugin/registry.h"
#include "talk/engine.h"

struct vgw_host;
struct vgw_policy;
struct vgw_ws_hub;
struct vgw_client;
struct vgw_front;

/** A recording at a provider; all is borrowed. */
struct vgw_host_recording {
    const char *id, *url; /* userinfo in the URL: credentials for it, which belong into no log, record or event */
    double duration_s;    /* negative: unknown */
    const struct vgw_json *call; /* its shape; it may be over */
    const char *project_id;
};

/** What the host needs of the rooms around it; filled by gateway/. All callbacks on control unless said otherwise. */
struct vgw_host_env {
    void *arg;
    struct vgw_loop *control;
    struct vgw_pool *pool;
    struct vgw_calls *(*calls)(void *arg);
    struct vgw_registry *(*registry)(void *arg);
    const struct vgw_policy *(*policy)(void *arg); /* [any]; valid while the gateway runs */
    /** The WebSocket hub and HTTP client of a loop, made when first asked for; on that loop's thread. NULL: none could
     * be made. */
    struct vgw_ws_hub *(*hub)(void *arg, struct vgw_loop *loop);
    struct vgw_client *(*client)(void *arg, struct vgw_loop *loop);
    struct vgw_front *(*front)(void *arg);
    /** Makes sure that a call has a leg: its handle, or 0. */
    uint64_t (*call_leg)(void *arg, struct vgw_call *call);
    /** The same; if it is made now, then on that worker. */
    uint64_t (*call_leg_near)(void *arg, struct vgw_call *call, struct vgw_loop *worker);
    /** The worker that has room for another socket. */
    struct vgw_loop *(*worker)(void *arg);
    /** Publishes an event; takes data. `call` may be NULL. */
    void (*emit)(void *arg, const char *type, struct vgw_call *call, struct vgw_json *data);
    /** Small state that outlives restarts: get is borrowed until the next call. */
    const char *(*state_get)(void *arg, const char *instance, const char *key);
    int (*state_set)(void *arg, const char *instance, const char *key, const char *value);
    /** Health of an instance's part. */
    void (*health)(void *arg, const char *section, const char *instance, const char *part, bool up,
                   const char *sentence);
    /** "https://voice.example.com", without a slash at the end. */
    const char *(*public_url)(void *arg);
    const char *(*prefix)(void *arg); /* http.prefix: "/voice" */
    /** An action of a plugin has completed. */
    void (*action_complete)(void *arg, uint64_t run, int status, const char *sentence, struct vgw_json *result);
    /** An operation with VGW_HOST_OP_RESTART has completed; false: it is none of these. */
    bool (*restart_complete)(void *arg, uint64_t op, int status, const char *sentence, const struct vgw_json *result);
    /** A provider made a recording that can be fetched now. */
    void (*recording_available)(void *arg, const struct vgw_host_recording *recording);
    /** What a queue instance brought for a receive(): an array, borrowed, NULL with a negative status; and how another
     * operation on it ended. Both may be NULL. */
    void (*queue_messages)(void *arg, struct vgw_instance *instance, uint64_t op, int status,
                           const struct vgw_json *messages);
    void (*queue_complete)(void *arg, struct vgw_instance *instance, uint64_t op, int status, const char *sentence);
    /** The tts instance of that name (NULL: the first); a new reference on it, with its table. */
    bool (*tts_engine)(void *arg, const char *name, struct vgw_engine *ret_engine);
    void (*engine_release)(void *arg, void *ref); /* [control] */
};

int vgw_host_new(const struct vgw_host_env *env, struct vgw_host **ret_host, struct vgw_error *err);
void vgw_host_free(struct vgw_host *host); /* takes NULL; all instances are gone */
/** What the plugin room makes instances with. */
struct vgw_plugin_hostops vgw_host_ops(struct vgw_host *host);
/** The options block that create() and reconfigure() take. Valid as long as `options`. */
const struct voicegw_options *vgw_host_options(const struct vgw_options *options);

/** Frees timers of this thread's loops whose legs and streams are gone. [media] */
void vgw_host_timers_sweep(void);
/** Does the pool still hold work of this instance? Then it must not be destroyed. */
bool vgw_host_busy(const struct vgw_instance *instance);

/** A provider operation (enum vgw_command) on an instance: 0, then exactly one vgw_calls_complete(op). */
int vgw_host_provider_op(struct vgw_host *host, struct vgw_instance *instance, uint64_t op, struct vgw_call *call,
                         int command, const struct vgw_json *params, struct vgw_error *err);
/** Nobody waits for an operation any more. */
void vgw_host_provider_cancel(struct vgw_instance *instance, uint64_t op);
void vgw_host_provider_forget(struct vgw_host *host, struct vgw_instance *instance, struct vgw_call *call);
/** A text message; strings are borrowed for the call. */
struct vgw_host_message {
    const char *to, *from, *text; /* from: may be NULL */
};
/** Sends a text message through an instance: 0, then exactly one done() on control, never from inside, with
 * {"message_id","provider_message_id","status"} or a sentence. VGW_EUNSUPPORTED: the instance cannot; VGW_EINVALID: the
 * provider says what is wrong; VGW_ELIMIT. What becomes of it is told by the events message_accepted, message_sent,
 * message_delivered and message_failed. */
int vgw_host_message_send(struct vgw_host *host, struct vgw_instance *instance, const struct vgw_host_message *what,
                          void (*done)(void *arg, int status, const char *sentence, const struct vgw_json *result),
                          void *arg, uint64_t *ret_number, struct vgw_error *err);
/** done() will not be called; the message goes out all the same. */
void vgw_host_message_abandon(struct vgw_host *host, uint64_t number);
/** Ends the waiting for all messages, before the instances go. */
void vgw_host_messages_end(struct vgw_host *host);
/** Operations on a queue instance (voicegw/draft/queue.h): 0, then env.queue_messages() or env.queue_complete() with
 * `op`; a negative status: nothing comes. */
int vgw_host_queue_receive(struct vgw_instance *instance, uint64_t op, uint32_t n);
int vgw_host_queue_extend(struct vgw_instance *instance, uint64_t op, const char *receipt, int64_t ttl_us);
int vgw_host_queue_remove(struct vgw_instance *instance, uint64_t op, const char *receipt);
int vgw_host_queue_reject(struct vgw_instance *instance, uint64_t op, const char *receipt, int64_t retry_after_us);
int vgw_host_queue_bury(struct vgw_instance *instance, uint64_t op, const char *receipt, const char *body,
                        const char *reason);
/** Asks a provider whose callbacks can be lost to look after its calls. */
void vgw_host_provider_poll(struct vgw_instance *instance);
/** Operations with this bit are about calls of an earlier run: env.restart_complete() hears of them. */
#define VGW_HOST_OP_RESTART (UINT64_C(1) << 62)
bool vgw_host_provider_reconciles(struct vgw_instance *instance);
/** Ends a call of an earlier run, or brings it back. VGW_EUNSUPPORTED: the provider cannot. */
int vgw_host_provider_settle(struct vgw_instance *instance, uint64_t op, const char *provider_call_id, bool recover,
                             const char *session_id, struct vgw_error *err);
/** Asks a provider what became of a call of an earlier run. VGW_EUNSUPPORTED: it cannot say. */
int vgw_host_provider_reconcile(struct vgw_instance *instance, uint64_t op, const char *provider_call_id,
                                int64_t since_wall_us, struct vgw_error *err);
/** The media table of a provider instance, or NULL. */
const struct voicegw_provider_media *vgw_host_media(struct vgw_instance *instance);
/** Fills an engine from an instance (stt, tts, assistant, assistant.audio); `ref` is left to the caller. */
void vgw_host_engine(struct vgw_instance *instance, struct vgw_engine *ret_engine);
/** Starts a plugin's action; answers by env.action_complete(run). */
int vgw_host_action_run(struct vgw_instance *instance, uint64_t run, const char *name, const struct vgw_json *params,
                        const struct vgw_json *context, struct vgw_error *err);
/** An event was published: hands it to plugins' subscriptions. `text`: the envelope. */
void vgw_host_on_event(struct vgw_host *host, const char *type, uint64_t call, const char *text);
/** The sentence that this thread's plugin left last, "" when none; cleared by the next call into a plugin through this
 * room. [any] */
const char *vgw_host_last_error(void);

#endif
