/* front.h - the HTTP front door: listeners, connections under absolute deadlines and limits, requests handed to one
 * handler that answers now or later, WebSocket upgrades handed over as a socket with a canonical head. Runs on one loop
 * (control); every function belongs to that loop's thread unless it says otherwise.
 *
 * An exchange is one request and its one answer. Its handle (slot and generation, never 0) stays safe after the client
 * has gone: the functions that take it then answer VGW_ENOTFOUND. Requests of one connection are served one after
 * another, so pipelined answers keep their order. */
#ifndef VGW_NET_FRONT_H
#define VGW_NET_FRONT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "loop/loop.h"
#include "net/addr.h"
#include "net/http.h"

struct vgw_front;

/** Limits; a zero takes the default. */
struct vgw_front_limits {
    unsigned max_connections;   /* 4096; beyond: accepted, told 503, closed */
    unsigned max_per_address;   /* 256 open connections of one address; loopback, UNIX and trusted proxies are exempt.
                                   Upgraded sockets   count no more */
    unsigned max_requests;      /* 1,000 requests on one connection, then Connection: close */
    unsigned max_streams;       /* 1,024 open streaming answers */
    size_t max_body_bytes;      /* VGW_HTTP_BODY_DEFAULT, where body_limit() says nothing */
    size_t stream_buffer_bytes; /* 256 KiB unsent bytes of a streaming answer */
    int64_t head_timeout_us;    /* 10 s from the first byte (or the accept) to the head's end */
    int64_t body_timeout_us;    /* 30 s for the whole body */
    int64_t idle_timeout_us;    /* 30 s between requests */
    int64_t write_timeout_us;   /* 30 s without progress while something waits to be written */
    int64_t answer_timeout_us;  /* 15 s for the handler to answer; then 504 */
};

/** What the front asks of its user. */
struct vgw_front_handler {
    /** A complete request. Answer by vgw_front_reply() or vgw_front_stream(), here or later. `request` lives until the
     * answer. */
    void (*on_request)(void *arg, uint64_t exchange, const struct vgw_http_request *request);
    /** A well-formed WebSocket upgrade. Answer by vgw_front_upgrade() or refuse by vgw_front_reply(), here or later.
     * NULL: refused with 404. */
    void (*on_upgrade)(void *arg, uint64_t exchange, const struct vgw_http_request *request);
    /** The head is there, the body is not: bytes of body this route takes; 0: the default. May be NULL. */
    size_t (*body_limit)(void *arg, const struct vgw_http_request *request);
    void *arg;
};

/** Makes a front without listeners. `handler` and `limits` are copied; limits may be NULL. */
int vgw_front_new(struct vgw_loop *loop, const struct vgw_front_handler *handler, const struct vgw_front_limits *limits,
                  struct vgw_front **ret_front, struct vgw_error *err);
/** Closes listeners and connections; streams get on_closed. Not from inside a handler. Takes NULL. */
void vgw_front_free(struct vgw_front *f);
/** Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed. Copied; replaces what was set. VGW_ELIMIT when out
 * of memory. */
int vgw_front_trust(struct vgw_front *f, const struct vgw_cidr *cidrs, size_t count);

/* ---- listeners ---- */

/** Where a connection comes from. */
struct vgw_peer {
    struct vgw_addr addr; /* family 0 for UNIX sockets */
    uint16_t port;
    bool is_unix, tls;
    uint32_t uid, gid; /* UNIX sockets: SO_PEERCRED */
    int32_t pid;
};

struct vgw_listen {
    const char *address; /* "127.0.0.1:8080", "[::1]:8080", ":8080" (both families), "unix:/path"; port 0: any */
    unsigned mode;       /* UNIX: permissions of the socket file; 0: 0660 */
    int64_t gid;         /* UNIX: group of the socket file; 0: as it comes */
    bool keep_in_drain;  /* the control socket: stays open while draining */
    /** NULL: connections are served here. Else accepted sockets are given away (TLS threads), and come back by
     * vgw_front_adopt(). */
    void (*on_accept)(void *arg, int fd, const struct vgw_peer *peer);
    void *arg;
};
/** Opens a listener. *ret_port (may be NULL): its TCP port. A UNIX path's stale socket is replaced, a live one is
 * VGW_EBUSY. VGW_EINVALID, VGW_ENETWORK with a sentence. */
int vgw_front_listen(struct vgw_front *f, const struct vgw_listen *listen, uint16_t *ret_port, struct vgw_error *err);
/** Closes the listener of that address; its connections live on. VGW_ENOTFOUND. */
int vgw_front_unlisten(struct vgw_front *f, const char *address);
/** Serves a connected, non-blocking socket as if it had been accepted (TLS threads hand over one end of a pair). Owns
 * `fd` from here, also on failure. */
int vgw_front_adopt(struct vgw_front *f, int fd, const struct vgw_peer *peer);
/** Closes all listeners but those kept, ends idle connections, and lets every further answer end its connection (not on
 * kept listeners). */
void vgw_front_drain(struct vgw_front *f);
/** Open connections, exchanges waiting for an answer, streams. Any of the pointers may be NULL. */
void vgw_front_count(const struct vgw_front *f, unsigned *ret_connections, unsigned *ret_exchanges,
                     unsigned *ret_streams);

/* ---- answers ---- */

/** The request of an unanswered exchange, or NULL when it is gone. */
const struct vgw_http_request *vgw_front_request(struct vgw_front *f, uint64_t exchange);
/** Answers: everything is copied. HEAD gets the headers alone. VGW_ENOTFOUND: client gone, answered before, or too
 * late. VGW_ELIMIT: out of memory (the connection ends). */
int vgw_front_reply(struct vgw_front *f, uint64_t exchange, const struct vgw_http_response *response);
/** Answers with a problem document (RFC 9457). `headers` as in vgw_http_response. */
int vgw_front_reply_problem(struct vgw_front *f, uint64_t exchange, int status, const char *detail,
                            const char *const *headers);

/** Callbacks of a streaming answer. */
struct vgw_front_stream {
    /** Everything written so far is with the kernel. May be NULL. Never from inside vgw_front_stream_write(). */
    void (*on_drained)(void *arg, uint64_t exchange);
    /** Exactly once, unless the owner has ended it (vgw_front_stream_end(), vgw_front_stream_abort()) or was answered
     * VGW_ENOTFOUND: the client is gone or too slow, or the front is being freed. The handle is dead. Never from inside
     * vgw_front_stream() or vgw_front_stream_write(). */
    void (*on_closed)(void *arg, uint64_t exchange);
    void *arg;
};
/** Answers with head now and body later (server-sent events, long files): chunked for HTTP/1.1, until close for 1.0.
 * `response`'s body is sent at once, if there is one. VGW_ELIMIT: too many streams (answer with 503 then). HEAD: the
 * answer is complete, VGW_EBUSY. */
int vgw_front_stream(struct vgw_front *f, uint64_t exchange, const struct vgw_http_response *response,
                     const struct vgw_front_stream *stream);
/** Writes a piece (copied). VGW_ELIMIT: more than stream_buffer_bytes would wait; nothing was taken. VGW_ENOTFOUND:
 * gone. */
int vgw_front_stream_write(struct vgw_front *f, uint64_t exchange, const void *data, size_t len);
/** Bytes that wait to be sent. */
size_t vgw_front_stream_queued(struct vgw_front *f, uint64_t exchange);
/** Ends the body; what waits is still sent. on_closed() is not called. */
int vgw_front_stream_end(struct vgw_front *f, uint64_t exchange);
/** Cuts the connection: the body stays incomplete. on_closed() is not called. */
int vgw_front_stream_abort(struct vgw_front *f, uint64_t exchange);

/* ---- upgrades ---- */

/** A socket that is ready for its WebSocket server: give it to vgw_ws_adopt(), or close the fd. A plain value; may
 * cross threads. */
struct vgw_ws_seat {
    int fd;
    struct vgw_peer peer;
    char remote[48];
    size_t head_len;
    char head[320]; /* canonical: request line, Host, Upgrade, Connection, Sec-WebSocket-Version, Sec-WebSocket-Key */
};
/** Takes the socket out of an exchange that on_upgrade() offered. The exchange is answered by that: the 101 is the
 * WebSocket server's to write. VGW_ENOTFOUND: gone. VGW_EBUSY: not an upgrade. VGW_EINVALID: bytes followed the head
 * (answered with 400). */
int vgw_front_upgrade(struct vgw_front *f, uint64_t exchange, struct vgw_ws_seat *ret_seat);

#endif
