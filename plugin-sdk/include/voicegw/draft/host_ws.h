/* voicegw/draft/host_ws.h - the gateway's WebSocket client for plugins. Part of the voicegw plugin SDK (MIT).
 * Draft: may change until version 1 is cut. */
#ifndef VOICEGW_DRAFT_HOST_WS_H
#define VOICEGW_DRAFT_HOST_WS_H
#include <stdint.h>
#include "voicegw/host.h"

#define VOICEGW_HOST_WS "voicegw.host.ws/1"

#define VOICEGW_WS_TEXT 1u
#define VOICEGW_WS_BINARY 2u

/** Callbacks of one socket, all on the target's thread. */
struct voicegw_ws_events {
    uint32_t size;
    uint32_t reserved;
    void (*on_open)(void *arg, uint64_t ws);
    /** A whole message (bounded by max_message_bytes). */
    void (*on_message)(void *arg, uint64_t ws, uint32_t kind, const void *data, uint64_t bytes);
    /** After send() answered VOICEGW_EBUSY: there is room again. May be NULL. */
    void (*on_writable)(void *arg, uint64_t ws);
    /** Exactly once: closed, lost, or never opened (then code is 0 and the sentence says why). The handle is dead. */
    void (*on_close)(void *arg, uint64_t ws, uint32_t code, const char *reason);
};

struct voicegw_host_ws {
    uint32_t size;
    uint32_t reserved;
    /** Connects to a ws or wss URL on the target's thread. headers: "Name: value", NULL-ended, or NULL. [control,
     * media: of that target] */
    int32_t (*connect)(const struct voicegw_host *host, uint64_t target, const char *url, const char *const *headers,
                       const char *protocol, uint64_t max_message_bytes, const struct voicegw_ws_events *events,
                       void *arg, uint64_t *ret_ws);
    /** Sends one message (copied). VOICEGW_EBUSY: the queue is full (bounded in bytes), on_writable() follows;
     * VOICEGW_ENOTFOUND: gone. Also for sockets of the gateway's own routes. [the socket's thread] */
    int32_t (*send)(const struct voicegw_host *host, uint64_t ws, uint32_t kind, const void *data, uint64_t bytes);
    /** Closes with a code and a reason (at most 123 bytes); on_close() follows. [the socket's thread] */
    int32_t (*close)(const struct voicegw_host *host, uint64_t ws, uint32_t code, const char *reason);
    /** Bytes waiting to be written. [the socket's thread] */
    uint64_t (*queued)(const struct voicegw_host *host, uint64_t ws);
};

#endif
