/* inside.h - the API's inside, shared by this room's files and its tests only. */
#ifndef VGW_API_INSIDE_H
#define VGW_API_INSIDE_H
#include "api/api.h"
#include "api/auth.h"
#include "api/idempotency.h"
#include "api/past.h"
#include "api/path.h"
#include "api/route.h"
#include "api/ticket.h"
#include "base/list.h"
#include "net/http.h"
#include "net/ratelimit.h"

#define VGW_API_LIMIT_DEFAULT 50u
#define VGW_API_LIMIT_MAX 500u
#define VGW_API_FEEDS_MAX 1000u       /* event feeds, both kinds */
#define VGW_API_BODY_MAX (256 * 1024) /* bytes of a JSON body */
#define VGW_API_HEARTBEAT_US (15 * INT64_C(1000000))
#define VGW_API_SLOW_US (20 * INT64_C(1000000)) /* a feed whose client took nothing for so long is cut */
#define VGW_API_LAG_US INT64_C(1000000)         /* so is one that took nothing for so long when the ring overtook it */
#define VGW_API_RATE_KEYS 20000u                /* tokens and addresses whose pace is remembered */
#define VGW_API_LOOK_US (VGW_API_SLOW_US / 4)   /* while a client takes nothing it is looked at so often */

struct vgw_api_config {
    char *prefix;      /* "/voice" */
    char *public_url;  /* without a slash at the end, or NULL */
    char *public_host; /* its authority, or NULL */
    char *recordings;  /* folder */
    bool compat_routes;
    double api_rate, failure_rate;
    struct vgw_grants grants;
};

struct vgw_api {
    struct vgw_api_env env;
    struct vgw_front *front;
    struct vgw_list requests; /* of vgw_api_request.link */
    struct vgw_list feeds;    /* of struct vgw_api_feed */
    struct vgw_list downloads, pasts;
    uint32_t feed_count;
    struct vgw_tickets *tickets;
    struct vgw_idempotency *idempotency;
    struct vgw_ratelimit *rates, *failures;
    struct vgw_grant *open_grant; /* what everybody has when there are no tokens, and the control socket always */
    uint8_t sign_key[32];
};

struct vgw_api_request {
    struct vgw_list link;
    struct vgw_api *api;
    uint64_t exchange;
    const struct vgw_api_route *route;
    struct vgw_grant *grant; /* a reference; NULL on public routes */
    char *query;
    char id[VGW_API_IDS][VGW_API_ID_MAX];
    struct vgw_json *body; /* an object, checked against the route's table; NULL when there was none */
    char *idempotency_key; /* this request's answer is to be kept under it */
    char who[64];          /* for the log: the token's name, "control socket", or the address */
    bool older;            /* came by an alias whose clients expect the older shape */
    void *state;           /* of a handler that goes on later */
    void (*state_free)(void *state);
};

/* ---- answers: each ends the request, which is gone afterwards ---- */
/** `body` is taken; NULL: out of memory, answered with 503. */
void vgw_api_reply(struct vgw_api_request *r, int http_status, struct vgw_json *body);
/** With one more header line ("Location: …"), which may be NULL. */
void vgw_api_reply_with(struct vgw_api_request *r, int http_status, struct vgw_json *body, const char *header);
void vgw_api_reply_text(struct vgw_api_request *r, int http_status, const char *content_type, const char *text,
                        size_t len);
/** With one more header line, which may be NULL. */
void vgw_api_reply_text_with(struct vgw_api_request *r, int http_status, const char *content_type, const char *text,
                             size_t len, const char *header);
/** A problem document; `errors` (an array, taken) may be NULL. */
void vgw_api_problem(struct vgw_api_request *r, int http_status, const char *detail, struct vgw_json *errors);
/** The problem that belongs to a vgw_status; `field` (may be NULL or "") and the sentence become its `errors`. */
void vgw_api_fail(struct vgw_api_request *r, int status, const char *field, const char *sentence);
void vgw_api_fail_error(struct vgw_api_request *r, const struct vgw_error *err);
/** 404 with a sentence: "there is no <what> <id>". */
void vgw_api_not_found(struct vgw_api_request *r, const char *what, const char *id);
/** Frees a request whose exchange was answered by other means. */
void vgw_api_request_free(struct vgw_api_request *r);
/** The same answers where there is no request yet. */
void vgw_api_refuse(struct vgw_api *api, uint64_t exchange, int http_status, const char *detail, const char *header);
void vgw_api_refuse_json(struct vgw_api *api, uint64_t exchange, int http_status, const char *detail,
                         struct vgw_json *errors, const char *header);

/* ---- what handlers share ---- */
/** A query parameter, decoded; the caller frees. NULL: absent. */
char *vgw_api_param(const struct vgw_api_request *r, const char *name);
/** limit= (50, at most 500). False: answered with 422 already. */
bool vgw_api_limit(struct vgw_api_request *r, uint32_t *ret_limit);
/** A time of the query in microseconds; 0 when absent. False: answered with 422 already. */
bool vgw_api_time(struct vgw_api_request *r, const char *name, int64_t *ret_wall_us);
bool vgw_api_may_see(const struct vgw_api_request *r, const char *project_id);
/** {"count", "<plural>": items, "next_cursor"}; takes items; cursor may be NULL. */
struct vgw_json *vgw_api_list(const char *plural, struct vgw_json *items, const char *next_cursor);
/** Makes rows of the store look as the API shows them: times as text, "_cursor" gone. Returns v. */
struct vgw_json *vgw_api_row(struct vgw_json *v);
/** The same for a row of "calls": as options.md shapes a call. */
struct vgw_json *vgw_api_call_row(struct vgw_json *row);
/** May the caller see a row? One that names no project is shown to tokens for all projects only. */
bool vgw_api_may_see_row(const struct vgw_api_request *r, const struct vgw_json *row);
/** Looks in the store for the call that the path names, by our id or its provider's: found(r, row) with its row
 * (borrowed), or NULL when there is none that the token may see. A store that fails is answered here. Takes r->state.
 */
void vgw_api_call_stored(struct vgw_api_request *r,
                         void (*found)(struct vgw_api_request *r, const struct vgw_json *row));
/** Starts a store query on behalf of a request; 503 is answered, and false returned, when there is no store. Takes
 * filter. */
bool vgw_api_query(struct vgw_api_request *r, const char *table, struct vgw_json *filter, uint32_t limit,
                   const char *cursor, vgw_api_rows_fn done);
/** Copies the query parameters named in `names` (NULL-ended) into a filter. False: out of memory. */
bool vgw_api_filter(const struct vgw_api_request *r, const char *const *names, struct vgw_json *filter);
/** The live call of the request's id that it may see, or NULL. */
struct vgw_call *vgw_api_call(const struct vgw_api_request *r, const char *id);
struct vgw_session *vgw_api_session(const struct vgw_api_request *r, const char *id);
const struct vgw_api_config *vgw_api_config_now(const struct vgw_api *api);

/* ---- dispatch ---- */
void vgw_api_on_request(void *arg, uint64_t exchange, const struct vgw_http_request *http);
void vgw_api_on_upgrade(void *arg, uint64_t exchange, const struct vgw_http_request *http);
size_t vgw_api_body_limit(void *arg, const struct vgw_http_request *http);
/** Who asks: 0 and a grant (a reference; NULL: nobody, which public routes bear), or an HTTP status, answered already.
 * `ticket`: whether one counts here. */
int vgw_api_identify(struct vgw_api *api, uint64_t exchange, const struct vgw_http_request *http, bool ticket,
                     struct vgw_grant **ret_grant);
/** The pace of somebody without a token, by address: 0, or 429, answered already. */
int vgw_api_pace(struct vgw_api *api, uint64_t exchange, const struct vgw_http_request *http);
/** The same for routes that carry a proof of their own: what comes along is looked at, nothing is refused. NULL: nobody
 * known. */
struct vgw_grant *vgw_api_peek(struct vgw_api *api, const struct vgw_http_request *http, bool ticket);
/** The routes of plugins; false: none has that path. */
bool vgw_api_plugin_route(struct vgw_api *api, uint64_t exchange, const struct vgw_http_request *http, const char *path,
                          bool ws);

/* ---- feeds ---- */
/** Which events a feed shows. All texts owned; NULL: any. */
struct vgw_feed_filter {
    char *types, *call_id, *session_id, *project_id, *provider;
};
void vgw_feed_filter_read(const char *query, struct vgw_feed_filter *filter);
void vgw_feed_filter_done(struct vgw_feed_filter *filter);
bool vgw_feed_filter_takes(const struct vgw_feed_filter *filter, const struct vgw_grant *grant,
                           const struct vgw_event *e);

struct vgw_api_feed {
    struct vgw_list link;
    struct vgw_api *api;     /* NULL: not open */
    struct vgw_grant *grant; /* a reference */
    struct vgw_feed_filter filter;
    uint64_t exchange;
    struct vgw_past *past; /* what the ring has lost is read from the store first; then NULL */
    struct vgw_feed *feed; /* NULL: not yet */
    struct vgw_timer timer;
    int64_t blocked_since_us; /* 0: the client takes what it gets */
    bool lagged;              /* it took nothing for a while and has not caught up since */
    /** Cuts the client off; the feed is freed by it. */
    void (*cut)(struct vgw_api_feed *feed, const char *reason);
    /** There is something to read; of the loop, never from inside another call. */
    void (*wake)(struct vgw_api_feed *feed);
    /** The feed's resume point was found; false: the client was refused, nothing is open. */
    void (*opened)(struct vgw_api_feed *feed, bool ok);
};
/** What both kinds of feeds begin with: resume point from Last-Event-ID or ?since=. The feed's cut, wake and opened are
 * set; opened() is called exactly once, from inside or later; refusals (410, 422, 503) are answered. */
void vgw_api_feed_open(struct vgw_api *api, struct vgw_api_feed *feed, uint64_t exchange,
                       const struct vgw_http_request *http, struct vgw_grant *grant);
/** The next event, borrowed until the next call. VGW_FEED_GAP: it must close, and *ret_reason says why. */
enum vgw_feed_result vgw_api_feed_next(struct vgw_api_feed *feed, struct vgw_event **ret_event,
                                       const char **ret_reason);
/** The client has no room; and: it has again. */
void vgw_api_feed_blocked(struct vgw_api_feed *feed);
void vgw_api_feed_took(struct vgw_api_feed *feed);
/** Is it so slow that it must be cut? Asked every VGW_API_LOOK_US while it is blocked. */
bool vgw_api_feed_is_slow(const struct vgw_api_feed *feed);
/** The id of the last event read. */
uint64_t vgw_api_feed_last(const struct vgw_api_feed *feed);
void vgw_api_feed_done(struct vgw_api_feed *feed);
/** Does the grant hold in the present configuration? */
bool vgw_api_grant_holds(const struct vgw_api *api, const struct vgw_grant *grant);
void vgw_api_feed_ws(struct vgw_api *api, uint64_t exchange, const struct vgw_http_request *http,
                     struct vgw_grant *grant);
void vgw_api_downloads_end(struct vgw_api *api);

/** The signature of a recording's address, in hex. Pure. */
void vgw_recording_sign(const uint8_t key[32], const char *recording_id, int64_t expires_s, char out[65]);
/** Is it right, and has it not expired? Pure. */
bool vgw_recording_verify(const uint8_t key[32], const char *recording_id, int64_t expires_s, const char *signature,
                          int64_t wall_us);

/* ---- handlers, by file ---- */
typedef void vgw_api_handler_fn(struct vgw_api_request *r, const struct vgw_http_request *http);
vgw_api_handler_fn vgw_api_conferences_list, vgw_api_calls_list, vgw_api_calls_place, vgw_api_calls_show,
    vgw_api_call_command, vgw_api_conference;
vgw_api_handler_fn vgw_api_sessions_list, vgw_api_sessions_create, vgw_api_sessions_show, vgw_api_sessions_transcript,
    vgw_api_messages_list, vgw_api_messages_add, vgw_api_sessions_end;
vgw_api_handler_fn vgw_api_history, vgw_api_analytics, vgw_api_recording, vgw_api_events;
vgw_api_handler_fn vgw_api_commands, vgw_api_workflows, vgw_api_workflow_run, vgw_api_rules, vgw_api_runs_list,
    vgw_api_runs_show, vgw_api_runs_cancel;
vgw_api_handler_fn vgw_api_webhooks, vgw_api_webhook_replay;
vgw_api_handler_fn vgw_api_tools_list, vgw_api_tools_call;
vgw_api_handler_fn vgw_api_plugins_list, vgw_api_plugins_show, vgw_api_log_level, vgw_api_reload, vgw_api_drain,
    vgw_api_undrain, vgw_api_tickets, vgw_api_erase;
vgw_api_handler_fn vgw_api_message_send, vgw_api_message_bulk, vgw_api_message_list, vgw_api_message_show,
    vgw_api_thread_show;
vgw_api_handler_fn vgw_api_campaign_list, vgw_api_campaign_create, vgw_api_campaign_show, vgw_api_campaign_change,
    vgw_api_campaign_report;
vgw_api_handler_fn vgw_api_health, vgw_api_live, vgw_api_ready, vgw_api_metrics, vgw_api_openapi_show,
    vgw_api_dashboard;
#endif
