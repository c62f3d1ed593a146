/* twilio.h - the parts of the Twilio provider.
 *
 * Calls and REST requests live on [control], streams on the worker of their leg. They know each other by the call's
 * handle; the few fields of a call that a worker reads stand under the instance's lock. */
#ifndef TWILIO_TWILIO_H
#define TWILIO_TWILIO_H
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include "form.h"
#include "twiml.h"
#include "voicegw/json.h"
#include "voicegw/plugin.h"
#include "voicegw/rest.h"
#include "voicegw/draft/host_crypto.h"
#include "voicegw/draft/host_event.h"
#include "voicegw/draft/host_http.h"
#include "voicegw/draft/host_route.h"
#include "voicegw/draft/host_ws.h"
#include "voicegw/draft/provider.h"
#include "voicegw/draft/provider_extra.h"
#include "voicegw/draft/provider_ivr.h"
#include "voicegw/draft/provider_media.h"
#include "voicegw/draft/vendor_options.h"

#define TWILIO_HOST "api.twilio.com"
#define TWILIO_SID_CAP 65
#define TWILIO_PARTY_CAP 257 /* a number, SIP address or client, with its NUL */
#define TWILIO_SESSION_CAP 160
#define TWILIO_REF_CAP 33 /* 32 hex digits */
#define TWILIO_NAME_CAP 65
#define TWILIO_URL_CAP 1024
#define TWILIO_BODY_CAP 24576u
#define TWILIO_BUCKETS 512u
#define TWILIO_STREAM_WAIT_US INT64_C(60000000)  /* a document with a stream was given, and no stream came */
#define TWILIO_RESUME_WAIT_US INT64_C(15000000)  /* a stream was lost, and another is to come */
#define TWILIO_DOCUMENT_WAIT_US INT64_C(8000000) /* Twilio waits for a document that the workflow has yet to fill */
#define TWILIO_RECONCILE_US INT64_C(2000000)     /* until a call whose making timed out is looked for */

enum twilio_auth { AUTH_EITHER, AUTH_BOTH, AUTH_TOKEN, AUTH_SIGNATURE, AUTH_NONE };
enum twilio_amd { AMD_OFF, AMD_SYNC, AMD_ASYNC };

/* What the operator set. Constant once made; calls keep the block they began with. [control] */
struct twilio_settings {
    uint32_t refs;
    uint32_t validate, one_way, events, redirect_lost, hold_conference;
    enum twilio_auth auth;
    enum twilio_amd amd;
    struct voicegw_vendor vendor;
    char *strings[24]; /* what the pointers here point to */
    uint32_t string_count;
    const char *token, *token2;  /* sign webhooks */
    const char *user, *password; /* REST */
    const char *from, *messaging_service, *error_text, *fallback, *music, *voice, *language, *greeting;
};

struct twilio;
struct twilio_stream;
struct stream_socket;
struct twilio_call;
struct twilio_verb;

/* Something to do on [control] later. */
struct twilio_task {
    struct twilio_task *next, **at;
    struct twilio *m;
    uint64_t timer, op, call;
    void (*run)(struct twilio_task *task);
    int32_t status;
    const char *sentence; /* constant */
    char json[128];
};

struct twilio_answer {
    int32_t status; /* 0: 2xx, and a JSON object where there is a body */
    uint32_t http_status;
    int64_t code; /* Twilio's error code, 0: none */
    const char *sentence;
    struct voicegw_json json; /* the body */
};

struct twilio_rest;
typedef void (*twilio_rest_done)(struct twilio_rest *r, const struct twilio_answer *a);

/* One REST request with its repetitions. */
struct twilio_rest {
    struct twilio_rest *next, **at;
    struct twilio *m; /* NULL: the instance has gone */
    struct twilio_settings *settings;
    uint64_t request, timer;
    uint32_t attempt, repeatable, timeout_ms, early; /* early: how often the call was not in progress yet */
    twilio_rest_done done;
    const char *method;
    char url[TWILIO_URL_CAP];
    struct voicegw_text form, url_text;
    /* for whoever asked */
    uint64_t op, call;
    int64_t since_us;
    uint32_t what;
    char text[TWILIO_PARTY_CAP];
    char body[TWILIO_BODY_CAP];
};

/* A transfer under way. */
struct twilio_transfer {
    uint64_t op;
    uint32_t kind, settled;
    char to[TWILIO_PARTY_CAP], from[TWILIO_PARTY_CAP], agent[TWILIO_SID_CAP];
};

struct twilio_call {
    struct twilio_call *next;
    struct twilio *m;
    struct twilio_settings *settings;
    uint64_t handle, request; /* request: Twilio waits for a document, 0: it does not */
    uint64_t answer_op, end_op;
    uint64_t hold_op, resume_op; /* the call goes to a conference to be held there, or comes back */
    uint32_t outbound, media_twiml, state, over, ending, said, held;
    uint32_t streamed;         /* a stream was up */
    uint32_t led_away;         /* another's document leads it */
    uint32_t in_progress;      /* Twilio has said so: until then it takes no updates of an incoming call */
    struct twilio_task *watch; /* for the stream, or for the workflow's next verb */
    struct twilio_transfer transfer;
    struct twilio_verb *verbs, **verbs_end;
    uint32_t document; /* number of the document that Twilio performs */
    uint64_t subscriptions[3];
    int64_t heard_us; /* something of the call, at Twilio */
    char sid[TWILIO_SID_CAP], ref[TWILIO_REF_CAP];
    char from[TWILIO_PARTY_CAP], to[TWILIO_PARTY_CAP], session[TWILIO_SESSION_CAP];
    char base[TWILIO_URL_CAP / 2];  /* the instance's public URL, as Twilio asked for it */
    char music[TWILIO_URL_CAP / 2]; /* while it is held */
    char conference[TWILIO_NAME_CAP], conference_sid[TWILIO_SID_CAP], recording[TWILIO_SID_CAP];
    /* under the lock: */
    char token[TWILIO_REF_CAP]; /* what the stream must show, "" once it was shown */
    uint32_t detour;            /* the stream goes because we sent the call elsewhere */
    uint32_t events, one_way;
    enum twilio_auth auth;
    struct twilio_stream *stream;
    uint64_t leg;
    uint32_t proven; /* a socket holds the stream */
};

struct twilio {
    const struct voicegw_host *host;
    const struct voicegw_host_provider *provider;
    const struct voicegw_host_media *media;
    const struct voicegw_host_route *route; /* the rest may be NULL */
    const struct voicegw_host_ws *ws;
    const struct voicegw_host_http *http;
    const struct voicegw_host_event *event;
    const struct voicegw_host_crypto *crypto;
    const struct voicegw_host_conference *conference;
    const struct voicegw_host_sms *sms;
    const struct voicegw_host_state *state;
    struct twilio_settings *settings; /* of new calls; [control] */
    struct twilio_settings *former;   /* before the last change, of another account, or NULL: its calls go on */
    struct twilio_call *coming;       /* inside on_incoming(): its handle is not known yet */
    struct twilio_task *tasks;
    struct twilio_rest *rests;
    uint32_t refused; /* the vendor refused our credentials, and health says so */
    uint32_t prices;  /* that are being waited for */
    uint64_t ids;
    atomic_uint live, draining; /* calls, streams, sockets and requests that are not over */
    pthread_mutex_t lock;       /* the table of calls and what they mark as under it; held for a few instructions */
    struct stream_socket *late; /* sockets that have yet to find their call */
    struct twilio_call *calls[TWILIO_BUCKETS];
};

/* twilio.c */
void twilio_live(struct twilio *m, int by);
/** `digits` random hex digits (at most 32) and a NUL. [any] */
void twilio_random(struct twilio *m, char *out, size_t digits);

/* options.c, [control] */
#define TWILIO_OPTIONS 24u
extern const struct voicegw_option twilio_options[];
struct twilio_settings *twilio_settings_new(const struct voicegw_host *host, const struct voicegw_options *options,
                                            int32_t *ret_status);
struct twilio_settings *twilio_settings_keep(struct twilio_settings *s);
/** What requests for a call of those settings go by: today's when the account is the same, whose credentials may have
 * been changed since. */
struct twilio_settings *twilio_settings_now(struct twilio *m, struct twilio_settings *s);
void twilio_settings_drop(struct twilio_settings *s);

/* task.c, [control] */
struct twilio_task *twilio_task_start(struct twilio *m, int64_t delay_us, void (*run)(struct twilio_task *task));
/** Takes NULL. */
void twilio_task_cancel(struct twilio_task *task);
/** Completes an operation on the next turn, so never from inside. 0, or VOICEGW_ELIMIT with a sentence. `json` may be
 * NULL; `sentence` is constant text. */
int32_t twilio_complete_later(struct twilio *m, uint64_t op, uint64_t call, int32_t status, const char *sentence,
                              const char *json);
void twilio_complete(struct twilio *m, uint64_t op, int32_t status, const char *sentence, const char *json);

/* wire.c, pure */
const char *twilio_state_name(uint32_t state);
/** What a CallStatus means: VOICEGW_CALL_* and VOICEGW_OUTCOME_*; 0: unknown. */
uint32_t twilio_state_of(const char *status, uint32_t *ret_outcome);
/** VOICEGW_SMS_* of a MessageStatus; 0: unknown. */
uint32_t twilio_sms_of(const char *status);
/** "completed", "busy", "no_answer", "failed" or "canceled" of a DialCallStatus. */
const char *twilio_outcome_of(const char *dial_status);
/** The price of a call as Twilio tells it ("-0.0085"): the positive amount, or -1. */
double twilio_price(struct voicegw_json price);
/** Microseconds since 1970 of "Fri, 20 Nov 2026 12:00:00 +0000", or -1. */
int64_t twilio_date_us(const char *text);
/** The interface's address: the operator's own `base_url` (NULL: none), or that of a region and an edge ("" or NULL:
 * none), of which an edge alone means us1. 0: they are no words. */
int twilio_address(const char *base_url, const char *region, const char *edge, char *out, size_t cap);
/** What is wrong with call parameters: a sentence, or NULL. */
const char *twilio_check_party(const char *text, uint32_t needed);
/** Does an error code say that the call is over? */
int twilio_code_is_over(int64_t code);

/* api.c, [control] */
/** A request below Accounts/{account_id}/. NULL after set_error(). Add path
 * segments by voicegw_text_add(&r->url_text), fields by voicegw_form_add(&r->form). */
struct twilio_rest *twilio_rest_new(struct twilio *m, struct twilio_settings *s, const char *method,
                                    twilio_rest_done done);
/** Sends it; exactly one done() follows, never from inside. Else a negative status with a sentence, and it is freed. */
int32_t twilio_rest_send(struct twilio_rest *r);
void twilio_rest_cancel_op(struct twilio *m, uint64_t op);
/** Sends a document as an update of the call that `r` is about; when Twilio waits for one of ours, that is it. As
 * twilio_rest_send(). */
int32_t twilio_rest_document(struct twilio_rest *r, struct twilio_call *c, const struct twiml *t);
/** At the end: nobody is told. */
void twilio_rests_end(struct twilio *m);
/** An update of a call: POST Calls/{sid}.json. */
struct twilio_rest *twilio_rest_call(struct twilio_call *c, const char *method, twilio_rest_done done);

/* call.c, [control] */
struct twilio_call *twilio_call_new(struct twilio *m, const char *from, const char *to);
void twilio_call_enter(struct twilio_call *c, uint64_t handle);
/** Takes NULL. */
void twilio_call_free(struct twilio_call *c);
/** [any] under the lock, or [control]. */
struct twilio_call *twilio_call_of(struct twilio *m, uint64_t handle);
struct twilio_call *twilio_call_by_sid(struct twilio *m, const char *sid);
struct twilio_call *twilio_call_by_ref(struct twilio *m, const char *ref);
struct twilio_call *twilio_call_by_session(struct twilio *m, const char *session);
/** Learns the provider's id. */
void twilio_call_known(struct twilio_call *c, const char *sid);
/** Tells the host a state that does not end the call. data_json may be NULL. */
void twilio_call_state(struct twilio_call *c, uint32_t state, uint32_t sequence, const char *cause,
                       const char *data_json);
/** Tells the end, once; the call stays until the host forgets it. */
void twilio_call_finish(struct twilio_call *c, uint32_t state, uint32_t outcome, uint32_t sequence, const char *cause,
                        const char *data_json);
/** The end that belongs to how far the call came: ended and completed, or failed and canceled. */
void twilio_call_over(struct twilio_call *c, const char *cause);
/** A fresh token for the stream that comes next. */
void twilio_call_token(struct twilio_call *c);
/** The stream goes because the call was sent elsewhere (1), or that came to nothing (0). */
void twilio_call_detour(struct twilio_call *c, uint32_t on);
/** From a worker: what: 's' the stream was stopped, 'l' it was lost, 'u' it is up, 'g' and control knows: audio may
 * come. `cause` is constant. [media]
 */
void twilio_call_notify(struct twilio *m, uint64_t call, char what, const char *cause);

/* routes.c, [control] */
int32_t twilio_routes_start(struct twilio *m);
/** Answers a request with a document, an empty 204 or a problem; `request` 0 does nothing. */
void twilio_reply_twiml(struct twilio *m, uint64_t request, const struct twiml *t);
void twilio_reply_empty(struct twilio *m, uint64_t request);
void twilio_reply_problem(struct twilio *m, uint64_t request, uint32_t status, const char *detail);
/** Public URL of a path of ours for this call, with its ref: "transfer" gives …/transfer?ref=…; more is added as it
 * is. */
void twilio_call_url(struct twilio_call *c, const char *path, const char *more, char *out, size_t cap);

/* voice.c, [control]: documents that Twilio asks for */
void twilio_on_inbound(struct twilio *m, const struct voicegw_request *r, const struct form *f);
/** An outbound call was answered, or a call comes back to its stream. */
void twilio_on_answer(struct twilio *m, const struct voicegw_request *r, const struct form *f, struct twilio_call *c);
/** Puts the call's stream into a document. */
void twilio_put_stream(struct twiml *t, struct twilio_call *c);
/** The document that connects the stream, with the greeting if it is due. */
void twilio_stream_document(struct twilio_call *c, struct twiml *t);
/** Watches that a stream comes. */
void twilio_watch_stream(struct twilio_call *c, int64_t wait_us);
int32_t twilio_answer_op(void *instance, uint64_t op, uint64_t call);
int32_t twilio_reject_op(void *instance, uint64_t op, uint64_t call, const char *reason);

/* callback.c, [control] */
void twilio_on_status(struct twilio *m, const struct form *f, struct twilio_call *c);
void twilio_on_amd(struct twilio *m, const struct form *f, struct twilio_call *c);
/** `c` NULL: of a call that is over. */
void twilio_on_recording(struct twilio *m, const struct form *f, struct twilio_call *c);
void twilio_on_stream_status(struct twilio *m, const struct form *f, struct twilio_call *c);
/** A status as the REST interface tells it. */
void twilio_apply_resource(struct twilio_call *c, struct voicegw_json resource);

/* dial.c, [control]: making calls and finding out what became of them */
int32_t twilio_validate(void *instance, const struct voicegw_call_params *p);
int32_t twilio_make_call(void *instance, uint64_t op, uint64_t call, const struct voicegw_call_params *p);
int32_t twilio_status(void *instance, uint64_t op, uint64_t call);
int32_t twilio_reconcile(void *instance, uint64_t op, const char *provider_call_id, int64_t since_wall_us);
int32_t twilio_settle(void *instance, uint64_t op, const char *provider_call_id, uint32_t how, const char *session_id);
void twilio_poll(void *instance);

/* ops.c */
extern const struct voicegw_provider twilio_operations;
/** The call, when it is there and talks; else NULL and *ret_status after set_error(). */
struct twilio_call *twilio_talking(struct twilio *m, uint64_t call, int32_t *ret_status);
/** Hangs up at Twilio; nobody waits for it. */
void twilio_hang_up(struct twilio_call *c);
/** Sends a call back to its stream or its documents. 0 or a negative status with a sentence. `done` may be NULL. */
int32_t twilio_send_back(struct twilio_call *c, uint64_t op, twilio_rest_done done);
/** Twilio has come back for a document: the call is on hold no more. */
void twilio_resumed(struct twilio_call *c);
/** Completes r->op by the answer with json; also tells the end when Twilio says that the call is over. */
void twilio_finish_op(struct twilio_rest *r, const struct twilio_answer *a, const char *json);

/* transfer.c, [control] */
int32_t twilio_transfer_op(void *instance, uint64_t op, uint64_t call, uint32_t kind, const char *to,
                           const char *params_json);
/** The <Dial> of a transfer is over: answers with a document. */
void twilio_on_transfer(struct twilio *m, const struct voicegw_request *r, const struct form *f, struct twilio_call *c);
/** A status of the leg that is dialled for a transfer. */
void twilio_on_transfer_leg(struct twilio *m, const struct form *f, struct twilio_call *c);
void twilio_transfer_failed(struct twilio_call *c, const char *outcome);

/* record.c, [control] */
int32_t twilio_record_op(void *instance, uint64_t op, uint64_t call, uint32_t action);
/** The same for a call that Twilio is known to perform a document of. Else a negative status with a sentence. */
int32_t twilio_record_now(struct twilio_call *c, uint64_t op, uint32_t action);

/** Where Twilio tells how a recording goes on. */
void twilio_record_callback(struct twilio_call *c, struct voicegw_text *form);

/* fields.c, pure: what whoever places a call sets of Twilio's own fields */
/** What is wrong with them: a constant sentence, or NULL. */
const char *fields_check(const struct voicegw_call_params *p);
/** 1: the call is led by another's document. */
int fields_lead_away(const struct voicegw_call_params *p);
int fields_have(const struct voicegw_call_params *p, const char *name);
int fields_are(const struct voicegw_call_params *p, const char *name, const char *text);
void fields_put(const struct voicegw_call_params *p, const char *extra_json, struct voicegw_text *form);

/* price.c, [control] */
/** An answered call has ended: its price goes to the host once Twilio knows it. */
void twilio_price_watch(struct twilio_call *c);
/** At the end of a generation: what is being waited for goes to the next one of the same name, which takes it. */
void twilio_prices_leave(struct twilio *m);
void twilio_prices_take(struct twilio *m);

/* ivr.c, [control] */
extern const struct voicegw_provider_ivr twilio_ivr;
/** Twilio waits for what comes next; the form holds the last document's result, NULL: there was none. */
void twilio_ivr_next(struct twilio_call *c, uint64_t request, const struct form *f, uint32_t document);
/** Starts, stops, pauses or resumes a recording once the documents before it were performed. */
int32_t twilio_ivr_record(struct twilio_call *c, uint64_t op, uint32_t action);
/** Adds a verb without a result: "say", "play", "dtmf". */
int32_t twilio_ivr_simple(struct twilio_call *c, uint64_t op, const char *verb, const char *text, const char *voice,
                          const char *language, uint32_t loop);
/** Twilio was sent elsewhere: what it was saying or asking is said and asked again when it comes back. */
void twilio_ivr_interrupted(struct twilio_call *c);
/** The call is over: what waits completes. */
void twilio_ivr_end(struct twilio_call *c);

/* conference.c, [control] */
extern const struct voicegw_provider_conference twilio_conferences;
void twilio_on_conference(struct twilio *m, const struct voicegw_request *r, const struct form *f);
/** A document of the call leads into that conference, or is over. */
void twilio_conference_enter(struct twilio_call *c, const char *name);
void twilio_conference_left(struct twilio_call *c);
/** Holds the call in the conference of one that it was sent to: completes hold_op. `sid` "": it is asked for. */
void twilio_conference_hold(struct twilio_call *c, const char *sid);

/* sms.c, [control] */
extern const struct voicegw_provider_sms twilio_messages;
void twilio_on_sms(struct twilio *m, const struct form *f);
void twilio_on_sms_status(struct twilio *m, const struct voicegw_request *r, const struct form *f);

/* stream.c, [media] */
extern const struct voicegw_provider_media twilio_media_operations;

/** The stream of a leg, or NULL. On the leg's own worker it stays while the caller runs. */
struct twilio_stream *twilio_stream_of(struct twilio *m, uint64_t leg);

/* socket.c, [media] */
/** The conversation has begun: what was heard before it comes now, in order. */
void twilio_stream_ready(struct twilio *m, uint64_t leg);
extern const struct voicegw_ws_route twilio_socket_route;

/* feed.c: events as frames on the stream, for clients that want them */
void twilio_feed_start(struct twilio_call *c);
void twilio_feed_stop(struct twilio_call *c);
/** Sends a text frame on a call's stream. [media, of that leg] */
void twilio_stream_tell(struct twilio *m, uint64_t leg, const char *text, size_t bytes);

/* upgrade.c, [control] */
int32_t twilio_upgrade(void *instance, const struct voicegw_request *request, uint64_t *ret_leg);
int32_t twilio_identify(void *instance, const struct voicegw_request *request, char *out, uint32_t cap);
/** 1: the request carries a valid signature. `older`: other settings by which it may be signed, or NULL. `form` NULL:
 * an upgrade or a request without fields. */
int twilio_signed(struct twilio *m, const struct twilio_settings *older, const struct voicegw_request *r,
                  const struct form *form, int upgrade);
/** A parameter of the query, decoded; 0 when it is absent or too long. */
int twilio_query(const struct voicegw_request *r, const char *name, char *out, size_t cap);
#endif
