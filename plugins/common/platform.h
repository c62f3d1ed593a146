/* platform.h - what providers share that run the conversation themselves: settings, REST requests that are repeated
 * where that is safe, the table of calls, placing a call and finding out what became of it. A vendor brings a struct
 * platform_kind. All on [control]. */
#ifndef VOICEGW_PLUGIN_PLATFORM_H
#define VOICEGW_PLUGIN_PLATFORM_H
#include <stddef.h>
#include <stdint.h>
#include "fields.h"
#include "voicegw/json.h"
#include "voicegw/plugin.h"
#include "voicegw/rest.h"
#include "voicegw/draft/host_crypto.h"
#include "voicegw/draft/host_event.h"
#include "voicegw/draft/host_http.h"
#include "voicegw/draft/host_route.h"
#include "voicegw/draft/provider.h"
#include "voicegw/draft/vendor_options.h"

#define PLATFORM_ID_CAP 129u
#define PLATFORM_URL_CAP 2048u
#define PLATFORM_BODY_MAX 262144u    /* of a request to the vendor */
#define PLATFORM_ANSWER_MAX 4194304u /* of an answer: transcripts are long */
#define PLATFORM_TEXTS_MAX 24u
#define PLATFORM_BUCKETS 256u
#define PLATFORM_SENTENCE_CAP 400u
#define PLATFORM_GRACE_TRIES 3u /* how often a call that is over is asked for the transcript that is still written */
#define PLATFORM_LOOKS 4u       /* how often a call is looked for whose placing was not answered */
#define PLATFORM_END_TRIES 8u   /* how often a call that was stopped is asked whether it is over */

struct platform;
struct platform_call;
struct platform_rest;

/** An option that is kept: texts, or JSON text. */
struct platform_text {
    const char *name;
    uint32_t json;
};

/** What the operator set; constant. Calls keep the block they began with. */
struct platform_settings {
    uint32_t refs;
    struct voicegw_vendor vendor;
    int64_t poll_us; /* a call that was not heard of for so long is asked about */
    uint32_t record; /* recording_enabled */
    char *common[5];
    char *texts[PLATFORM_TEXTS_MAX]; /* by the kind's own index; "" when not set */
};

/** The rows that every such provider has beside VOICEGW_VENDOR_OPTIONS. */
#define PLATFORM_OPTIONS(flags)                                                                                        \
    VOICEGW_VENDOR_ROW_(VOICEGW_OPTION_DURATION, "poll_interval", "10s", flags, 0.05, 3600,                            \
                        "A call of which nothing was heard for so long is asked about: callbacks can be lost."),       \
        VOICEGW_VENDOR_ROW_(VOICEGW_OPTION_URL, "webhook_url", NULL, flags, 0, 0,                                      \
                            "Where the platform reaches this instance's webhook; made from http.public_url unless "    \
                            "given.")
#define PLATFORM_OPTION_COUNT 2u

/** A call's parameters as they came, for format_payload: each object may be absent. The first that has a field wins. */
struct platform_sources {
    const struct voicegw_call_params *params;
    struct voicegw_json variables, route, defaults; /* of the call; of its route; the instance's option `call` */
    struct voicegw_json extra;                      /* the instance's, unchecked */
    const char *webhook_url, *default_from;
    uint32_t record;    /* the instance's recording_enabled */
    const char *own[4]; /* further options that the kind's platform_kind.own names */
};

/** The answer to a request. */
struct platform_answer {
    int32_t status; /* 0: 2xx that the kind takes for a success */
    uint32_t http_status;
    const char *sentence;
    struct voicegw_json json; /* absent when there is none */
};

/** What became of a call, as the vendor's object says it. */
struct platform_view {
    uint32_t state, outcome; /* VOICEGW_CALL_* (0: unknown), VOICEGW_OUTCOME_* */
    double cost;             /* negative: not known */
    char status[64];         /* the vendor's own word */
};

enum platform_path { PLATFORM_SEND, PLATFORM_CALL, PLATFORM_FIND };

/** A vendor. Constant. The functions but apply(), freed() and started() are pure. */
struct platform_kind {
    const char *vendor; /* as sentences name it */
    size_t call_bytes;  /* of its struct, which begins with a struct platform_call */
    const struct platform_text *texts;
    uint32_t text_count;
    uint32_t own[4];                  /* indexes into texts that platform_sources.own holds */
    uint32_t call_text, webhook_text; /* indexes of the options `call` and `webhook_url` */
    const char *webhook_path;         /* below the instance: "webhook" */
    /** Writes the request that places the call. Its length, or a negative status with a sentence in `why` that names
     * the field and the limit. */
    int64_t (*format)(const struct platform_sources *sources, char *out, uint64_t cap, char *why, size_t why_cap);
    /** Adds the path of a request below base_url; `id`: the call's, or the number that was called. */
    void (*path)(struct voicegw_text *url, enum platform_path path, const char *id, int64_t since_us);
    /** The id in the answer to PLATFORM_SEND: 1, or 0 when there is none. */
    int (*read_id)(struct voicegw_json answer, char *out, size_t cap);
    /** The id of the call that was made for our `call_id`, in the answer to PLATFORM_FIND. */
    int (*find_id)(struct voicegw_json answer, const char *call_id, char *out, size_t cap);
    /** Does a 2xx say that it failed? */
    int (*is_error)(struct voicegw_json answer);
    void (*explain)(struct voicegw_json answer, char *out, size_t cap);
    void (*view)(struct voicegw_json call, struct platform_view *ret_view);
    /** The vendor's object of this call came: tell the host what is new in it. */
    void (*apply)(struct platform_call *c, struct voicegw_json call);
    /** Ends a call at the vendor; done() follows. 0, or a negative status with a sentence. */
    int32_t (*stop)(struct platform *p, struct platform_settings *s, struct platform_call *c, const char *id,
                    uint64_t op);
    void (*freed)(struct platform_call *c); /* may be NULL */
    void (*ended)(struct platform *p);      /* may be NULL: frees what the kind keeps in `own` */
    /** May be NULL: holds the settings against rules of the kind's own. 0, or VOICEGW_ECONFIG after set_error(). */
    int32_t (*check)(const struct voicegw_host *host, const struct platform_settings *s);
    int32_t (*started)(struct platform *p); /* registers routes */
    const struct voicegw_provider *operations;
};

typedef void (*platform_done)(struct platform_rest *r, const struct platform_answer *a);

/** One request with its repetitions. */
struct platform_rest {
    struct platform_rest *next, **at;
    struct platform *p; /* NULL: the instance has gone */
    struct platform_settings *settings;
    uint64_t request, timer;
    uint32_t attempt, repeatable, failed;
    uint32_t foreign;   /* an address that the vendor named; it is not shown the key */
    const char *bearer; /* of a foreign one: what it is shown in place of the key, "" or NULL nothing */
    platform_done done;
    const char *method;
    char url[PLATFORM_URL_CAP];
    struct voicegw_text url_text;
    char *body; /* free() */
    uint64_t body_bytes;
    /* for whoever asked */
    uint64_t op, call;
    int64_t since_us;
    uint32_t what;
    char text[PLATFORM_ID_CAP];
};

struct platform_call {
    struct platform_call *next;
    struct platform *p;
    struct platform_settings *settings;
    uint64_t handle, end_op, look_op, timer; /* look_op: nobody knows yet whether it was placed */
    uint32_t state, over, ending, turns, grace, asking, end_tries, looks;
    int64_t heard_us, made_us;
    char id[PLATFORM_ID_CAP], call_id[64], session[160], to[64];
    char answered_by[16];
};

struct platform {
    const struct platform_kind *kind;
    const struct voicegw_host *host;
    const struct voicegw_host_provider *provider;
    const struct voicegw_host_route *route;
    const struct voicegw_host_http *http;
    const struct voicegw_host_event *event;
    const struct voicegw_host_crypto *crypto;
    struct platform_settings *settings;
    struct platform_call *calls[PLATFORM_BUCKETS];
    struct platform_rest *rests;
    struct platform_later *laters;
    uint32_t live, draining, refused;
    void *own; /* the kind's */
};

/* ---- platform.c: the instance ---- */

int32_t platform_create(const struct platform_kind *kind, const struct voicegw_host *host,
                        const struct voicegw_options *options, void **ret_instance);
int32_t platform_start(void *instance);
int32_t platform_reconfigure(void *instance, const struct voicegw_options *options);
void platform_drain(void *instance);
void platform_destroy(void *instance);
struct platform_settings *platform_settings_keep(struct platform_settings *s);
void platform_settings_drop(struct platform_settings *s);
void platform_live(struct platform *p, int by);
/** The key of the vendor's interface; "" when the operator set none. */
const char *platform_get_api_key(const struct platform_settings *s);
/** The webhook's public address with the token that proves it, which is derived from the key and so outlives restarts.
 */
void platform_webhook_url(struct platform *p, const struct platform_settings *s, char *out, size_t cap);
/** 1: `token` is the webhook address's. */
int platform_token_right(struct platform *p, const char *token);
/** 1: `given` is `right`, compared in constant time; 0 also when right is "". */
int platform_equal(struct platform *p, const char *given, const char *right);
/** Completes an operation soon, never from inside. `sentence` is constant; `json` may be NULL. */
int32_t platform_complete_later(struct platform *p, uint64_t op, int32_t status, const char *sentence,
                                const char *json);
void platform_complete(struct platform *p, uint64_t op, int32_t status, const char *sentence, const char *json);
/** What the vendor cannot do: VOICEGW_EUNSUPPORTED with the sentence. */
int32_t platform_unsupported(struct platform *p, const char *sentence);
/** Publishes an event of the plugin's own, with what came as `body`. */
void platform_tell(struct platform *p, uint64_t call, const char *id, const char *word, struct voicegw_json body);

/* ---- platform_route.c: webhooks ---- */

void platform_reply(struct platform *p, uint64_t request, uint32_t status, const char *json);
/** Answers with a problem (RFC 9457); counts it. */
void platform_refuse(struct platform *p, uint64_t request, uint32_t status, const char *detail);
/** A header by its lower-case name; 0 when absent or too long. */
int platform_header(const struct voicegw_request *r, const char *name, char *out, size_t cap);
/** A parameter of the query, decoded; 0 when absent or too long. */
int platform_query(const struct voicegw_request *r, const char *name, char *out, size_t cap);
/** The body as an object, or an absent value after the request was refused. */
struct voicegw_json platform_body(struct platform *p, const struct voicegw_request *r);

/* ---- platform_rest.c ---- */

/** A request below base_url; NULL after set_error(). Add the path by voicegw_text_add(&r->url_text). */
struct platform_rest *platform_rest_new(struct platform *p, struct platform_settings *s, const char *method,
                                        platform_done done);
/** Sends it; exactly one done() follows, never from inside. Else a negative status with a sentence, and it is freed. */
int32_t platform_rest_send(struct platform_rest *r);
/** Gives it this body, a copy. When there is no memory for it, platform_rest_send() fails. */
void platform_rest_body(struct platform_rest *r, const char *json, uint64_t bytes);
void platform_rest_cancel(struct platform *p, uint64_t op);
void platform_rests_end(struct platform *p);

/* ---- platform_call.c: the table and the states ---- */

struct platform_call *platform_call_of(struct platform *p, uint64_t handle);
struct platform_call *platform_call_by_id(struct platform *p, const char *id);
/** By our own id of it: a callback may come before the answer that names the vendor's. */
struct platform_call *platform_call_by_call_id(struct platform *p, const char *call_id);
struct platform_call *platform_call_new(struct platform *p, const char *to);
void platform_call_enter(struct platform_call *c, uint64_t handle);
void platform_call_free(struct platform_call *c);
void platform_call_known(struct platform_call *c, const char *id);
/** It was heard of: the next question about it waits for a whole poll_interval. */
void platform_call_heard(struct platform_call *c);
/** Asks about it after `wait_us`, in place of the interval. */
void platform_call_ask_in(struct platform_call *c, int64_t wait_us);
/** Tells a state that does not end it, once, and none behind a later one. */
void platform_call_state(struct platform_call *c, uint32_t state, int64_t time_us, const char *data_json);
/** Tells a line of the conversation. */
void platform_call_line(struct platform_call *c, const char *role, const char *text, int64_t time_us);
/** Tells the end, once. cost negative: not known. */
void platform_call_finish(struct platform_call *c, uint32_t state, uint32_t outcome, int64_t time_us, const char *cause,
                          double cost);
/** The end that belongs to how far it came. */
void platform_call_over(struct platform_call *c, const char *cause);
/** Microseconds since 1970 of "2026-11-21T12:00:00.123Z" (RFC 3339, an offset too), or 0. */
int64_t platform_time_us(struct voicegw_json text);

/* ---- platform_dial.c: the provider's operations that all have ---- */

int32_t platform_validate(void *instance, const struct voicegw_call_params *params);
int32_t platform_make_call(void *instance, uint64_t op, uint64_t call, const struct voicegw_call_params *params);
int32_t platform_end(void *instance, uint64_t op, uint64_t call);
int32_t platform_status(void *instance, uint64_t op, uint64_t call);
int32_t platform_reconcile(void *instance, uint64_t op, const char *provider_call_id, int64_t since_wall_us);
int32_t platform_settle(void *instance, uint64_t op, const char *provider_call_id, uint32_t how,
                        const char *session_id);
void platform_cancel(void *instance, uint64_t op);
void platform_poll(void *instance);
void platform_forget(void *instance, uint64_t call);
/** Asks the vendor about a call; apply() follows. */
void platform_ask(struct platform_call *c);
/** The answer to stop(): completes r->op and tells the end. */
void platform_stopped(struct platform_rest *r, const struct platform_answer *a);
/** The call, when it talks; else NULL and *ret_status after set_error(). */
struct platform_call *platform_talking(struct platform *p, uint64_t call, int32_t *ret_status);
/** The first of the sources that has the field: platform_config of the variables, of the route, the option `call`. */
struct voicegw_json platform_field(const struct platform_sources *s, const char *name);
/** content, voice_id, language, max_duration, record_call and machine: of the variables, else of the route. */
struct voicegw_json platform_given(const struct platform_sources *s, const char *name);
/** Seconds of max_duration (a number of seconds, or a duration as "90s"), 0 when it is not given, -1 when it cannot be
 * read. */
double platform_duration_s(struct voicegw_json v);
/** Is this one of the names that the gateway gives variables of its own meaning? */
int platform_is_given(struct voicegw_json key);
/** Writes the members of `extra` that `w` does not hold yet is the caller's to see to; as they are. */
void platform_put_members(struct voicegw_json_writer *w, struct voicegw_json object);

#endif
