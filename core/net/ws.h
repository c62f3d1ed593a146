/* ws.h - WebSockets (RFC 6455), server and client, over libwebsockets on a worker's loop. ws.c alone knows the library.
 *
 * A hub holds the sockets of one worker; it, its sockets and all callbacks belong to that worker's thread. A socket is
 * named by a handle (slot and generation, never 0): after its end the functions that take it answer VGW_ENOTFOUND.
 *
 * What is enforced: messages are whole, bounded (else 1009) and text is UTF-8 (else 1007); reserved bits, opcodes and
 * fragmentation by the library (1002). Of client frames only the first one's masking is checked (1002): the library
 * unmasks by itself and does not tell. */
#ifndef VGW_NET_WS_H
#define VGW_NET_WS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "loop/loop.h"
#include "loop/pool.h"
#include "net/front.h"
#include "net/policy.h"

struct vgw_ws_hub;

enum vgw_ws_kind { VGW_WS_TEXT = 1, VGW_WS_BINARY = 2 };

/** Limits of a hub; a zero takes the default. */
struct vgw_ws_limits {
    unsigned max_sockets;       /* 8,192 */
    size_t max_message_bytes;   /* 64 KiB, where a socket says nothing */
    size_t queue_bytes;         /* 64 KiB waiting for a slow peer, a socket */
    int64_t ping_interval_us;   /* 25 s without a sign of life, then a ping (whole seconds) */
    int64_t pong_timeout_us;    /* 15 s after the ping: dead */
    int64_t close_timeout_us;   /* 5 s for the rest to be written and the close to be answered */
    int64_t connect_timeout_us; /* 10 s for a client to be open */
    int send_buffer_bytes;      /* SO_SNDBUF; 16 KiB. Negative: the kernel's own */
    int unsent_low_bytes;       /* TCP_NOTSENT_LOWAT; 4 KiB. Negative: the kernel's own */
};

/** Callbacks of one socket; `ws` is its handle. on_message's data is borrowed. */
struct vgw_ws_events {
    void (*on_open)(void *arg, uint64_t ws); /* may be NULL */
    void (*on_message)(void *arg, uint64_t ws, enum vgw_ws_kind kind, const void *data, size_t len);
    void (*on_writable)(void *arg, uint64_t ws); /* there is room again after a send answered VGW_EBUSY; may be NULL */
    /** Exactly once for each handle: closed (the peer's or our code; 1005: it named none), lost (1006), or never opened
     * (0 and why). The handle is dead. */
    void (*on_close)(void *arg, uint64_t ws, unsigned code, const char *reason);
};

/** What a socket may differ in from its hub; zeros take the hub's values. */
struct vgw_ws_options {
    size_t max_message_bytes;
    size_t queue_bytes;
    int64_t idle_timeout_us; /* no message for that long: closed with 1001; 0: never */
};

/** Makes a hub on the calling worker (the library's context is made with the first socket). `limits` may be NULL. */
int vgw_ws_hub_new(struct vgw_loop *worker, const struct vgw_ws_limits *limits, struct vgw_ws_hub **ret_hub,
                   struct vgw_error *err);
/** Ends all sockets (on_close with 1001), then frees the hub; calls done(arg), which may be NULL, on the worker when
 * nothing is left on its loop. The worker must run until then. Takes NULL (done is called at once). */
void vgw_ws_hub_close(struct vgw_ws_hub *hub, void (*done)(void *arg), void *arg);
/** Open sockets. */
unsigned vgw_ws_hub_count(const struct vgw_ws_hub *hub);

/** Takes a seat from the front: answers the upgrade and opens the socket. on_open() comes from inside. The seat's fd is
 * the hub's from here, also on failure. `events` is borrowed and must outlive the socket; `options` may be NULL. On
 * failure (VGW_ELIMIT, VGW_ENETWORK) no callback follows. */
int vgw_ws_adopt(struct vgw_ws_hub *hub, const struct vgw_ws_seat *seat, const struct vgw_ws_options *options,
                 const struct vgw_ws_events *events, void *arg, uint64_t *ret_ws);

/** What to connect to. All is copied but `events`. */
struct vgw_ws_target {
    const char *url;            /* ws:// or wss:// */
    const char *const *headers; /* "Name: value", NULL-ended, or NULL */
    const char *protocol;       /* Sec-WebSocket-Protocol, or NULL */
    const struct vgw_policy *policy;
    bool trusted;          /* the URL is the operator's own: loopback and private targets are fine */
    struct vgw_pool *pool; /* its io lane resolves names and loads certificates */
    struct vgw_ws_options options;
};
/** Connects: the name is resolved off the loop once, checked, and the connection made to the checked address. on_open()
 * or on_close() follows, never from inside. VGW_EINVALID (URL or policy refuse), VGW_ELIMIT. */
int vgw_ws_connect(struct vgw_ws_hub *hub, const struct vgw_ws_target *target, const struct vgw_ws_events *events,
                   void *arg, uint64_t *ret_ws, struct vgw_error *err);

/** Sends one message (copied). Written at once when nothing waits, else queued. VGW_EBUSY: the queue is full,
 * on_writable() follows; nothing was taken. VGW_ENOTFOUND: gone or closing. VGW_EINVALID: text that is not UTF-8, or
 * longer than the queue. */
int vgw_ws_send(struct vgw_ws_hub *hub, uint64_t ws, enum vgw_ws_kind kind, const void *data, size_t len);
/** Closes with a code (1000, 1001, 1002, 1003, 1007 to 1014, 3000 to 4999) and a reason (cut at 123 bytes; NULL: none)
 * after what is queued; on_close() follows. */
int vgw_ws_close(struct vgw_ws_hub *hub, uint64_t ws, unsigned code, const char *reason);
/** Bytes waiting to be written. */
size_t vgw_ws_queued(const struct vgw_ws_hub *hub, uint64_t ws);
/** Is it being closed, by whomever? True of one that is gone. */
bool vgw_ws_is_closing(const struct vgw_ws_hub *hub, uint64_t ws);

#endif
