/* voicegw/draft/host_route.h - HTTP and WebSocket routes of an instance, under /voice/<instance>/ (and /voice/<plugin>/
 * for the default instance of a plugin). Part of the voicegw plugin SDK (MIT). Draft: may change until version 1 is
 * cut. */
#ifndef VOICEGW_DRAFT_HOST_ROUTE_H
#define VOICEGW_DRAFT_HOST_ROUTE_H
#include <stdint.h>
#include "voicegw/host.h"
#include "voicegw/draft/host_ws.h"

#define VOICEGW_HOST_ROUTE "voicegw.host.route/1"

#define VOICEGW_ROUTE_PUBLIC                                                                                           \
    1u /* carries the provider's own proof; without this flag the gateway's tokens are asked for */
#define VOICEGW_ROUTE_ADMIN 2u /* with tokens: scope admin (else read for GET, call for the rest) */

/** A request, borrowed during the handler. */
struct voicegw_request {
    uint32_t size;
    uint32_t flags; /* bit 0: the connection is from loopback; bit 1: a valid gateway token or ticket was presented */
    uint64_t id;    /* for reply(); 0 in an upgrade */
    const char *method;
    const char *path;         /* as sent, without the query */
    const char *query;        /* without '?', still encoded; "" when none */
    const char *rest;         /* what the route's trailing wildcard matched, decoded; "" when none */
    const char *remote;       /* address of the client (a trusted proxy's X-Forwarded-For is honoured) */
    const char *public_url;   /* the full URL as the client saw it, built from http.public_url */
    const char *headers_json; /* {"lower-case-name": "value"}; repeated ones joined by ", " */
    const char *body;         /* NUL-terminated behind body_bytes */
    uint64_t body_bytes;
    const char *form_json; /* {"name": ["value", …]} for application/x-www-form-urlencoded, else NULL */
};

struct voicegw_reply {
    uint32_t size;
    uint32_t http_status;
    const char *content_type;
    const char *const *headers; /* further "Name: value", NULL-ended, or NULL */
    const void *body;           /* copied */
    uint64_t body_bytes;
};

/** [control] Answer by reply() now or later (deadline 15 s: then 504). */
typedef void (*voicegw_route_handler)(void *instance, const struct voicegw_request *request);

/** A WebSocket route. The upgrade is decided on control; the socket then lives on the worker of the leg that
 * on_upgrade() named. */
struct voicegw_ws_route {
    uint32_t size;
    uint32_t flags;             /* VOICEGW_ROUTE_* */
    uint64_t max_message_bytes; /* 0: 64 KiB */
    /** May this request become a socket? 0 and the leg it is for (0: its first messages will tell, see leg_near()), or
     *  VOICEGW_ENOTFOUND (404), VOICEGW_EAUTH (401),
     *  VOICEGW_EBUSY (409: the stream slot is taken), VOICEGW_ELIMIT (503). [control] */
    int32_t (*on_upgrade)(void *instance, const struct voicegw_request *request, uint64_t *ret_leg);
    /** The socket is open; `stream` is what provider_media.attach() returned for the leg. Returns the `arg` of what
     * follows; NULL refuses (closed with 1008). It must prove() itself before it may send or bring audio. Of a socket
     * without a leg, `leg` is the name of its place, good for posts and leg_near() as long as it is open, and `stream`
     * is NULL. [media] */
    void *(*on_open)(void *instance, uint64_t ws, uint64_t leg, void *stream);
    /** on_open is not used here. [media] */
    struct voicegw_ws_events events;
};

struct voicegw_host_route {
    uint32_t size;
    uint32_t reserved;
    /** Registers a route below the instance's path: "calls", "stream/" + "*" for a trailing wildcard. Called from
     * start() or later. The newest generation of the instance's name owns the route. [control] */
    int32_t (*add_http)(const struct voicegw_host *host, const char *method, const char *path, uint32_t flags,
                        voicegw_route_handler handler);
    /** `route` is copied. [control] */
    int32_t (*add_ws)(const struct voicegw_host *host, const char *path, const struct voicegw_ws_route *route);
    /** Once for each request. VOICEGW_ENOTFOUND: the client is gone or the deadline passed. [any] */
    int32_t (*reply)(const struct voicegw_host *host, uint64_t request, const struct voicegw_reply *reply);
    /** The socket has proved to be this leg's stream: 0, or VOICEGW_EBUSY when another socket holds the slot (close
     * this one). A socket that has not proved itself within 10 s is closed. [media] */
    int32_t (*prove)(const struct voicegw_host *host, uint64_t ws, uint64_t leg);
    /** Writes the public URL of a path below the instance ("status"), for callbacks that the vendor is told of, built
     * from http.public_url. Its length, or VOICEGW_ELIMIT when it does not fit. [control] */
    int64_t (*url)(const struct voicegw_host *host, const char *path, char *out, uint64_t cap);
    /** Inside on_upgrade(): a value that goes with the socket, such as what proof the request carried. [control] */
    void (*tag)(const struct voicegw_host *host, uint64_t value);
    /** Inside a callback of a socket, on_open() too: the value that its upgrade was given, 0 when none. [media] */
    uint64_t (*tag_of)(const struct voicegw_host *host, uint64_t ws);
    /** The leg of a call on the thread of a socket that came without one: made there, if the call has none yet. 0: the
     * call is over, the socket has closed, or the leg is on another thread. The socket becomes the leg's by prove(),
     * which may then also come from a post to its thread. [control] */
    uint64_t (*leg_near)(const struct voicegw_host *host, uint64_t call, uint64_t place);
};

#endif
