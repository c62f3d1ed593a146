/* host_private.h - the host's inside, shared by this room's files only. */
#ifndef VGW_HOST_PRIVATE_H
#define VGW_HOST_PRIVATE_H
#include <stdatomic.h>
#include "base/list.h"
#include "base/map.h"
#include "host/host.h"
#include "voicegw/draft/action.h"
#include "voicegw/draft/assistant.h"
#include "voicegw/draft/host_crypto.h"
#include "voicegw/draft/host_datagram.h"
#include "voicegw/draft/host_event.h"
#include "voicegw/draft/host_http.h"
#include "voicegw/draft/host_route.h"
#include "voicegw/draft/host_use.h"
#include "voicegw/draft/host_ws.h"
#include "voicegw/draft/provider.h"
#include "voicegw/draft/provider_extra.h"
#include "voicegw/draft/provider_ivr.h"
#include "voicegw/draft/provider_media.h"
#include "voicegw/draft/queue.h"
#include "voicegw/draft/store.h"
#include "voicegw/draft/stt.h"
#include "voicegw/draft/tts.h"
#include "voicegw/plugin.h"

#define VGW_HOST_TIMERS_MAX 10000
#define VGW_HOST_LOGS_PER_S 100
#define VGW_HOST_SUBSCRIPTIONS_MAX 1000

struct vgw_host {
    struct vgw_host_env env;
    struct vgw_list instances;     /* of vgw_host_instance.link */
    struct vgw_list routes;        /* of vgw_host_route.link, newest first */
    struct vgw_list subscriptions; /* of struct subscription in event.c */
    uint32_t subscription_count;
    uint64_t next_subscription;
    struct vgw_map *defaults;  /* plugin -> instance name */
    _Atomic uint32_t unproven; /* sockets that have yet to prove themselves */
    struct vgw_list messages;  /* of struct message in extra.c, oldest first */
    uint32_t message_count;
    uint64_t last_message;
};

struct vgw_host_instance {
    struct voicegw_host pub; /* first: the plugin's pointer is ours */
    struct vgw_list link;
    struct vgw_host *host;
    struct vgw_instance *instance;
    struct vgw_list timers;         /* on control only */
    struct vgw_host_budget *budget; /* of its timers */
    _Atomic uint32_t jobs; /* of the pool, until their done() has run: as long as there are any, the code must stay */
    _Atomic bool gone;
    _Atomic int64_t log_second;
    _Atomic uint32_t log_count;
};

static inline struct vgw_host_instance *vgw_host_of(const struct voicegw_host *pub)
{
    return (struct vgw_host_instance *)(uintptr_t)pub;
}

/** Runs fn(arg) on control, from any thread; `drop` frees arg when that is not possible. */
int vgw_host_to_control(struct vgw_host_instance *hi, void (*fn)(void *arg), void *arg);
struct vgw_json *vgw_host_json(const char *text); /* NULL text or bad JSON: NULL */
void vgw_host_clear_error(void);
int32_t vgw_host_set_error(const struct voicegw_host *host, int32_t status, const char *sentence);

extern const struct voicegw_host_provider vgw_host_provider_table;
extern const struct voicegw_host_media vgw_host_media_table;
extern const struct voicegw_host_stt vgw_host_stt_table;
extern const struct voicegw_host_tts vgw_host_tts_table;
extern const struct voicegw_host_assistant vgw_host_assistant_table;
extern const struct voicegw_host_action vgw_host_action_table;
extern const struct voicegw_host_http vgw_host_http_table;
extern const struct voicegw_host_ws vgw_host_ws_table;
extern const struct voicegw_host_route vgw_host_route_table;
extern const struct voicegw_host_crypto vgw_host_crypto_table;
extern const struct voicegw_host_event vgw_host_event_table;
extern const struct voicegw_host_state vgw_host_state_table;
extern const struct voicegw_host_use vgw_host_use_table;
extern const struct voicegw_host_datagram vgw_host_datagram_table;
extern const struct voicegw_host_conference vgw_host_conference_table;
extern const struct voicegw_host_sms vgw_host_sms_table;
extern const struct voicegw_host_queue vgw_host_queue_table;

/* extra.c */
/** VGW_CMD_CONFERENCE: params {"name", "participant": join (default), leave, hold, resume, mute, unmute, kick}. A
 * status of the ABI. */
int vgw_host_conference_op(struct vgw_instance *instance, uint64_t op, uint64_t call, const struct vgw_json *params);
/** An operation's completion that may be a message's; false: it is none. */
bool vgw_host_message_complete(struct vgw_host *host, uint64_t op, int status, const char *sentence,
                               const struct vgw_json *result);

/* ivr.c */
/** A command that is one of the provider's verbs (vgw_command_is_verb()). A status of the ABI. */
int vgw_host_ivr_op(struct vgw_instance *instance, uint64_t op, const struct vgw_call *call, int command,
                    const struct vgw_json *params);

/* timer.c */
struct vgw_host_budget *vgw_host_budget_new(void);          /* NULL: out of memory */
void vgw_host_budget_unref(struct vgw_host_budget *budget); /* takes NULL */
uint64_t vgw_host_timer_start(const struct voicegw_host *host, uint64_t target, int64_t delay_us, voicegw_callback fn,
                              void *arg);
int32_t vgw_host_timer_cancel(const struct voicegw_host *host, uint64_t timer);
int32_t vgw_host_post(const struct voicegw_host *host, uint64_t target, voicegw_callback fn, void *arg);
int32_t vgw_host_job(const struct voicegw_host *host, uint32_t lane, uint64_t strand, uint64_t target,
                     voicegw_callback work, voicegw_callback done, void *arg);
void vgw_host_timers_end(struct vgw_host_instance *hi);
/* route.c, event.c: forget what an instance registered */
void vgw_host_routes_end(struct vgw_host_instance *hi);
void vgw_host_subscriptions_end(struct vgw_host_instance *hi);
#endif
