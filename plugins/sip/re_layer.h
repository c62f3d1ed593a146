/* re_layer.h - what the plugin sees of libre: a loop on a thread of its own, transports, sessions, requests. Only the
 * re_*.c files include libre; a newer one is their work alone. All functions run on the loop's thread unless a comment
 * says [any]. */
#ifndef SIP_RE_LAYER_H
#define SIP_RE_LAYER_H
#include <stddef.h>
#include <stdint.h>

/* ---- re_tmr.c: libre's timers, on the clock of the loop that runs on this thread ---- */
void re_tmr_clock(int64_t (*now_us)(void *arg), void *arg);
void re_tmr_clear(void);
/** Timers that run on this thread. */
size_t re_tmr_count(void);

/* ---- re_loop.c ---- */
#define RE_QUEUE_MAX 65536u /* tasks that may wait for the loop */

struct re_loop;
struct re_timer;
typedef void (*re_task)(void *arg);
struct re_loop_params {
    int64_t (*now_us)(void *arg); /* monotonic; [any] */
    void (*on_start)(void *arg);  /* first on the thread */
    void (*on_stop)(void *arg);   /* last on the thread */
    void *arg;
    const char *name; /* of the thread, at most 15 bytes */
};
/** Starts the thread; on_start() has run when this returns 0. Negative: no thread, no descriptors or no memory. [any]
 */
int re_loop_start(const struct re_loop_params *params, struct re_loop **ret_loop);
/** Runs fn(arg) on the loop soon, in order for a sender. -1: RE_QUEUE_MAX wait, or the loop has stopped; fn is not
 * called. [any] */
int re_loop_post(struct re_loop *loop, re_task fn, void *arg);
/** Makes the thread end: what waits is run, then on_stop(). Returns when it has ended; takes NULL. [any but the loop]
 */
void re_loop_stop(struct re_loop *loop);
struct re_timer *re_timer_new(re_task fn, void *arg);
void re_timer_start(struct re_timer *timer, uint64_t delay_ms);
void re_timer_stop(struct re_timer *timer);
int re_timer_runs(const struct re_timer *timer);
/** Stops and frees; takes NULL. */
void re_timer_free(struct re_timer *timer);
/** Random bytes for tags and nonces. [any] */
void re_random(void *out, size_t bytes);

/* ---- re_transport.c ---- */
#define RE_UDP 0
#define RE_TCP 1
#define RE_TLS 2
#define RE_CONNECTIONS_MAX 4096u       /* connections over TCP and TLS at a time */
#define RE_ADDRESS_CONNECTIONS_MAX 64u /* of them from one address */

struct re_tls;
struct re_trace { /* a message as it passed; borrowed */
    int sent;
    int transport;
    const char *local, *remote; /* IP:PORT */
    const char *data;
    size_t bytes;
};
struct re_transport_params {
    /** A message came or left. May be NULL. */
    void (*on_trace)(void *arg, const struct re_trace *trace);
    /** The context for a TLS connection to this address, and the name to ask for (SNI; NULL for none); NULL: none, the
     * connection fails. */
    struct re_tls *(*tls_for)(void *arg, const char *ip, uint16_t port, const char **ret_name);
    /** Something that came was no SIP message; `what` is constant. */
    void (*on_garbage)(void *arg, const char *remote, const char *what);
    /** A line of the layer about a connection. */
    void (*on_log)(void *arg, const char *sentence);
    void *arg;
};
/** What Via, Contact and SDP name towards destinations outside of private networks; "" for none. */
void re_transport_external(const char *address);
/** Opens a listener, or gives one that is open another context. `tls` for RE_TLS. Negative errno, with the port in use
 * as -EADDRINUSE. */
int re_transport_listen(int transport, const char *ip, uint16_t port, struct re_tls *tls);
/** Closes a listener; its connections stay. */
void re_transport_unlisten(int transport, const char *ip, uint16_t port);
/** The address that a peer should use to reach us: "IP" (bare, also for IPv6) and port. Negative: no listener fits. */
int re_transport_local(int transport, const char *peer_ip, char *out, size_t cap, uint16_t *ret_port);
const char *re_transport_name(int transport);
/* ---- re_tls.c ---- */
/** A context: certificate and key (PEM files, may be NULL for a client), CA file (NULL: the system's). `verify`: what
 * the peer shows must be of that CA, and bear `name` (a host or an IP; NULL: any). NULL with a sentence in `why`. */
struct re_tls *re_tls_new(const char *certificate, const char *key, const char *ca, int verify, const char *name,
                          char *why, size_t cap);
void re_tls_free(struct re_tls *tls);

/* ---- re_dns.c ---- */
#define RE_HOST_ADDRESSES_MAX 16u
/** What the host's resolver says of a name: requests to it go there from now on, without a query. With `count` 0 it is
 * asked of name servers again. 0, or -1: out of memory. */
int re_hosts_set(const char *name, const char *const *ips, uint32_t count);
void re_hosts_clear(void);

/* ---- messages (re_message.c) ---- */
struct re_message; /* borrowed during a callback */
struct re_summary {
    char method[16];
    uint32_t status; /* of a response, else 0 */
    char reason[64];
    char uri_user[130], uri_host[130];
    char from_user[130], from_host[130], from_name[130], from_uri[260];
    char to_user[130], to_host[130], to_uri[260];
    char from_tag[130], to_tag[130];
    char call_id[260];
    char remote[64], remote_ip[64]; /* "IP:PORT" ("[IP]:PORT"), bare IP */
    char local_ip[64];              /* of the listener or the connection */
    uint16_t remote_port;
    int transport;
    const char *body; /* not NUL-terminated */
    size_t body_bytes;
    int is_sdp; /* Content-Type is application/sdp */
    uint32_t cseq;
};
void re_message_summary(const struct re_message *message, struct re_summary *ret_summary);
/** The nth header of that name (compact forms too): its bytes, cut at cap - 1; -1 when there is none. */
int re_message_header(const struct re_message *message, const char *name, unsigned nth, char *out, size_t cap);
/** The nth header whose name begins with X-; 0, or -1 when there is none. */
int re_message_extension(const struct re_message *message, unsigned nth, char *name, size_t name_cap, char *value,
                         size_t value_cap);
/** The URI inside "Name" <sip:…>;params, or of a bare one; 0 or -1. */
int re_address_uri(const char *text, char *out, size_t cap);
/** The user part of a URI, unescaped; 0 or -1. */
int re_uri_user(const char *uri, char *out, size_t cap);
/** The host of a URI; 0 or -1. */
int re_uri_host(const char *uri, char *out, size_t cap);
/** 1: the message came by TLS, and its peer showed a certificate that was verified and bears this name or address. */
int re_message_certified(const struct re_message *message, const char *name);

/* ---- the agent (re_agent.c) ---- */
struct re_agent;
struct re_session;
struct re_agent_events {
    /** A request outside of a dialog that is well-formed and needs nothing unknown: INVITE, REGISTER, OPTIONS, REFER, …
     * Answer it by re_agent_reply() or re_session_accept(). */
    void (*on_request)(void *arg, const struct re_message *message, const struct re_summary *summary);
    /** The agent has closed: nothing of it is left. */
    void (*on_closed)(void *arg);
};
struct re_agent *re_agent_new(const char *software, const struct re_transport_params *transport,
                              const struct re_agent_events *events, void *arg);
/** Lets transactions end (2 s at most), then on_closed(). With `force` at once, and no on_closed(). */
void re_agent_close(struct re_agent *agent, int force);
/** The final answer to a request. `headers`: lines that end with CRLF, or NULL. */
void re_agent_reply(struct re_agent *agent, const struct re_message *message, uint32_t status, const char *reason,
                    const char *headers);
/** Sessions that live, the ended ones whose last transaction runs included. */
size_t re_agent_sessions(const struct re_agent *agent);
const char *re_reason(uint32_t status);

struct re_credentials {
    const char *username, *password;
};
struct re_request;
struct re_request_params {
    const char *method, *uri, *to_uri, *from_uri;
    const char *route;   /* a URI to send it to instead, or NULL */
    const char *headers; /* further lines, or NULL */
    const char *contact; /* user part of a Contact, or NULL: none */
    struct re_credentials credentials;
    /** The final response, or status 0 and errno when none came. `message` NULL then. Exactly once, unless canceled. */
    void (*on_done)(void *arg, uint32_t status, int error, const struct re_message *message);
    void *arg;
};
/** A request outside of a dialog (OPTIONS, REGISTER); answers a challenge once. Strings are copied. NULL: it could not
 * be sent. */
struct re_request *re_request_new(struct re_agent *agent, const struct re_request_params *params);
/** Another round with the same Call-ID (a REGISTER's refresh). 0 or -1. Not while one runs. */
int re_request_again(struct re_request *request, const char *headers);
/** Frees it; on_done() will not come. Takes NULL. */
void re_request_free(struct re_request *request);

/* ---- sessions (re_session.c and the files beside it) ---- */
struct re_reply {
    uint32_t status;
    char headers[512]; /* lines that end with CRLF */
    char *body;        /* SDP, malloc()ed by the handler, freed by the layer; or NULL */
};
struct re_session_events {
    /** A provisional response to our INVITE. */
    void (*on_progress)(void *arg, const struct re_message *message, const struct re_summary *summary);
    /** Our INVITE or re-INVITE was accepted; the ACK has left. `initial`: the first. */
    void (*on_accepted)(void *arg, const struct re_message *message, const struct re_summary *summary, int initial);
    /** Our re-INVITE or UPDATE was refused; status 0: no answer came. */
    void (*on_refused)(void *arg, uint32_t status);
    /** The ACK to our 2xx came, with the answer if the offer was ours. */
    void (*on_ack)(void *arg, const struct re_summary *summary);
    /** A re-INVITE or UPDATE. Fill the reply. */
    void (*on_offer)(void *arg, const struct re_message *message, const struct re_summary *summary,
                     struct re_reply *reply);
    /** INFO, REFER, NOTIFY, MESSAGE within the dialog. Fill the reply. */
    void (*on_request)(void *arg, const struct re_message *message, const struct re_summary *summary,
                       struct re_reply *reply);
    /** The answer to re_session_request(); status 0: none came. */
    void (*on_answer)(void *arg, const char *method, uint32_t status);
    /** It is over, by the peer or for want of answers. status: of a final response; 0 for a BYE or a time-out; 487 for
     * a CANCEL. `reason`: text of the response or the Reason header. `message` may be NULL. Exactly once unless the
     * owner ended it; nothing follows. */
    void (*on_closed)(void *arg, uint32_t status, const char *reason, const struct re_message *message);
};
/** Takes an INVITE: 100 Trying leaves. `contact`: user part of our Contact. NULL: it was answered with an error. */
struct re_session *re_session_accept(struct re_agent *agent, const struct re_message *invite, const char *contact,
                                     const struct re_session_events *events, void *arg);
struct re_connect_params {
    const char *to_uri, *from_name, *from_uri, *contact;
    const char *route;   /* a URI, or NULL */
    const char *headers; /* further lines, or NULL */
    const char *sdp;
    struct re_credentials credentials;
};
struct re_session *re_session_connect(struct re_agent *agent, const struct re_connect_params *params,
                                      const struct re_session_events *events, void *arg);
/** The Call-ID of the session's dialog. */
const char *re_session_call_id(const struct re_session *session);
/** The dialog's tags; "" while unknown. */
const char *re_session_local_tag(const struct re_session *session);
const char *re_session_remote_tag(const struct re_session *session);
/** Finds a dialog by what a Replaces header names, from our point of view, among those with these events; returns its
 * owner's `arg` or NULL. */
void *re_session_find(struct re_agent *agent, const struct re_session_events *events, const char *call_id,
                      const char *local_tag, const char *remote_tag);
/** Gives a session to another owner. */
void re_session_own(struct re_session *session, const struct re_session_events *events, void *arg);
int re_session_progress(struct re_session *session, uint32_t status, const char *headers, const char *sdp);
int re_session_answer(struct re_session *session, const char *headers, const char *sdp);
/** A re-INVITE; without `sdp` it asks for an offer. -1: a transaction runs already. */
int re_session_modify(struct re_session *session, const char *headers, const char *sdp);
/** A request within the dialog (UPDATE, INFO, REFER, NOTIFY); UPDATE's outcome comes by on_refused() or on_accepted().
 */
int re_session_request(struct re_session *session, const char *method, const char *headers, const char *type,
                       const char *body);
/** Ends it as its state asks: a final answer (`status`), CANCEL or BYE (with `headers`). No event follows; the session
 * is gone for the caller. Takes NULL. */
void re_session_end(struct re_session *session, uint32_t status, const char *headers);
#endif
