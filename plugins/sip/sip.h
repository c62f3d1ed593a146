/* sip.h - the parts of the SIP provider.
 *
 * A call has three sides, each on a thread of its own: what the host knows of it ([control], call.c and ops.c), its
 * signalling (the SIP thread, line.c: marked [sip]), its audio (the worker of its leg, stream.c). They share one
 * counted block; what two of them read stands under the instance's lock. */
#ifndef SIP_SIP_H
#define SIP_SIP_H
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include "media/dtls.h"
#include "media/sdes.h"
#include "re_layer.h"
#include "settings.h"
#include "voicegw/plugin.h"
#include "voicegw/draft/host_crypto.h"
#include "voicegw/draft/host_datagram.h"
#include "voicegw/draft/host_event.h"
#include "voicegw/draft/host_route.h"
#include "voicegw/draft/host_use.h"
#include "voicegw/draft/provider.h"
#include "voicegw/draft/provider_media.h"

#define SIP_NUMBER_CAP 130
#define SIP_ID_CAP 129 /* provider_call_id: the Call-ID */
#define SIP_BUCKETS 1024u
#define SIP_CAUSE_CAP 160

struct sip;
struct line;
struct brief;

enum sip_role { SIP_ROLE_NONE, SIP_ROLE_PASSIVE, SIP_ROLE_ACTIVE };

/* What the worker must know of the signalling. */
struct sip_media {
    char remote[72]; /* "IP:PORT"; "" when nothing is to be sent */
    char rtcp[72];
    uint8_t codec, pt, dtmf_pt, direction, rtcp_mux;
    uint8_t held;                            /* silence is no fault */
    struct media_crypto key_in, key_out;     /* MEDIA_SUITE_NONE: plain, unless … */
    uint8_t dtls;                            /* … keys come by a handshake: enum sip_role */
    char fingerprint[MEDIA_FINGERPRINT_CAP]; /* of the peer, for that */
};

struct sip_call {
    atomic_uint refs;
    struct sip *sip;
    struct sip_settings *settings;
    uint32_t outbound;
    char from[SIP_NUMBER_CAP], to[SIP_NUMBER_CAP], name[SIP_NUMBER_CAP];
    char id[SIP_ID_CAP]; /* outbound: set before the host is told of it */
    char call_id[64];    /* the host's, for a person who asks */
    char trunk[64];      /* "" when it came by none */
    /* [control] */
    struct sip_call *next;
    uint64_t handle, lease;
    uint32_t port, entered;
    /* [sip] */
    struct line *line;
    /* under the lock */
    struct sip_media media;
    atomic_uint media_version; /* 0: nothing is agreed yet; the worker looks at it at each frame */
    /* brief.c: from the SIP thread to the worker */
    _Atomic(struct brief *) brief;
    atomic_uint brief_number;
};

struct ua;
struct capture;
struct sip {
    const struct voicegw_host *host;
    const struct voicegw_host_provider *provider;
    const struct voicegw_host_media *media;
    const struct voicegw_host_datagram *datagram;
    const struct voicegw_host_route *route; /* the rest may be NULL */
    const struct voicegw_host_event *event;
    const struct voicegw_host_crypto *crypto;
    const struct voicegw_host_use *use;
    struct sip_settings *settings; /* of new calls; [control] */
    struct re_loop *loop;
    struct ua *ua; /* [sip] */
    struct capture *capture;
    struct media_identity *identity; /* constant */
    char start_error[300];
    atomic_uint live;                    /* calls that are not freed */
    atomic_uint draining;                /* 1: asked, 2: the agent closes, 3: told */
    atomic_uint used;                    /* a call was made or a registrar asked */
    pthread_mutex_t lock;                /* held for a few instructions */
    struct sip_call *calls[SIP_BUCKETS]; /* by handle; written on [control] */
};

/* Something to do on another thread. */
struct sip_task {
    struct sip *sip;
    struct sip_call *call; /* a reference, or NULL */
    uint64_t op;
    uint32_t arg;
    char *text; /* or NULL */
    void (*run)(struct sip_task *task);
};

/* task.c */
/** Runs `run` on the SIP thread or on control; the task is freed afterwards. 0, or VOICEGW_ELIMIT: it will not run.
 * [any] */
int32_t sip_to_loop(struct sip *sip, struct sip_call *call, uint64_t op, uint32_t arg, const char *text,
                    void (*run)(struct sip_task *));
int32_t sip_to_control(struct sip *sip, struct sip_call *call, uint64_t op, uint32_t arg, const char *text,
                       void (*run)(struct sip_task *));

/* sip.c */
void sip_log(struct sip *sip, uint32_t level, const char *message, const char *key, const char *value);
/** Ends a drain when nothing is left. [any] */
void sip_check_drained(struct sip *sip);

/* call.c */
struct sip_call *sip_call_new(struct sip *sip, struct sip_settings *settings);
struct sip_call *sip_call_keep(struct sip_call *call);
/** [any] */
void sip_call_drop(struct sip_call *call);
/** The call of a handle, with a reference; or NULL. [any] */
struct sip_call *sip_call_of(struct sip *sip, uint64_t handle);
/** Enters the handle; a reference is the table's until sip_call_leave(). [control] */
void sip_call_enter(struct sip_call *call, uint64_t handle);
void sip_call_leave(struct sip *sip, uint64_t handle);
/** Leases ports for audio. [control] */
int32_t sip_call_lease(struct sip_call *call);
/** An incoming call's first look at the host. [control] */
void sip_call_incoming(struct sip_task *task);
/** What the worker must know: it sees it within a frame. [sip] */
void sip_call_publish(struct sip_call *call, const struct sip_media *media);

/* ops.c */
extern const struct voicegw_provider sip_operations;
void sip_complete(struct sip *sip, uint64_t op, int32_t status, const char *sentence, const char *json);

/* stream.c */
extern const struct voicegw_provider_media sip_media_operations;

/* ua.c, [sip] */
void ua_start(void *arg);
void ua_stop(void *arg);
void ua_settle(struct sip_task *task); /* new settings */
void ua_close(struct sip_task *task);  /* the last call is gone: what is registered is withdrawn */
struct re_agent *ua_agent(struct sip *sip);
struct sip_settings *ua_settings(struct sip *sip);
/** A scratch description, for the duration of a callback. */
struct sdp *ua_sdp(struct sip *sip);
/** The trunks at work. */
struct trunk;
struct trunk *ua_trunks(struct sip *sip);
/** Where a user of ours is registered: a URI; NULL when nowhere. */
const char *ua_contact(struct sip *sip, const char *user);
void ua_line_added(struct line *line);
void ua_line_removed(struct line *line);

/* line.c, [sip] */
/** Takes an INVITE that was let in; `trunk` and `user`: by whom, "" when by none. */
void line_incoming(struct sip *sip, const struct re_message *message, const struct re_summary *summary,
                   const char *trunk, const char *user);
void line_ring(struct sip_task *task);
void line_refuse(struct sip_task *task); /* arg: status */
void line_answer(struct sip_task *task);
void line_reject(struct sip_task *task);
void line_end(struct sip_task *task);
void line_status(struct sip_task *task);
void line_forget(struct sip_task *task);
void line_hold(struct sip_task *task);        /* arg: on; line_change.c */
void line_transfer(struct sip_task *task);    /* text: {"to", "summary"}; line_transfer.c */
void line_briefed(struct sip_task *task);     /* arg: the number of the brief; line_transfer.c */
void line_send_digits(struct sip_task *task); /* text; by INFO; line_dtmf.c */
/** An INVITE with Replaces: 1 when it was one, and was answered. line_replace.c */
int line_replaced(struct sip *sip, const struct re_message *message, const struct re_summary *summary);
/* dial.c, [sip] */
void line_dial(struct sip_task *task); /* text: {"ring_ms", "route", "variables"} */
/* line.c */
/** Ends what still runs, and frees the line. */
void line_free(struct line *line);
#endif
