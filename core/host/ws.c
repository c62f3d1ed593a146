/* ws.c - the WebSocket client for plugins, and sending on sockets of their routes: both are sockets of the worker's
 * hub. */
#include "net/ws.h"

#include "base/alloc.h"
#include "host/host_private.h"

struct client_socket {
    struct voicegw_ws_events events;
    void *arg;
};

static struct vgw_ws_hub *hub_here(const struct voicegw_host *h)
{
    const struct vgw_host_env *env = &vgw_host_of(h)->host->env;
    struct vgw_loop *here = vgw_loop_here();
    return here ? env->hub(env->arg, here) : NULL;
}

static void on_open(void *arg, uint64_t ws)
{
    struct client_socket *c = arg;
    if (c->events.on_open)
        c->events.on_open(c->arg, ws);
}

static void on_message(void *arg, uint64_t ws, enum vgw_ws_kind kind, const void *data, size_t len)
{
    struct client_socket *c = arg;
    c->events.on_message(c->arg, ws, kind, data, len);
}

static void on_writable(void *arg, uint64_t ws)
{
    struct client_socket *c = arg;
    if (c->events.on_writable)
        c->events.on_writable(c->arg, ws);
}

static void on_close(void *arg, uint64_t ws, unsigned code, const char *reason)
{
    struct client_socket *c = arg;
    c->events.on_close(c->arg, ws, code, reason);
    vgw_free(c);
}

static const struct vgw_ws_events client_events = {
    .on_open = on_open, .on_message = on_message, .on_writable = on_writable, .on_close = on_close};

static int32_t ws_connect(const struct voicegw_host *h, uint64_t target, const char *url, const char *const *headers,
                          const char *protocol, uint64_t max_message_bytes, const struct voicegw_ws_events *events,
                          void *arg, uint64_t *ret_ws)
{
    const struct vgw_host_env *env = &vgw_host_of(h)->host->env;
    struct vgw_ws_hub *hub = hub_here(h);
    struct client_socket *c;
    struct vgw_error err = {0};
    if (!events || !events->on_message || !events->on_close)
        return vgw_host_set_error(h, VOICEGW_EINVALID, "a WebSocket needs on_message and on_close");
    if (!hub)
        return vgw_host_set_error(h, VOICEGW_EUNSUPPORTED,
                                  "WebSockets live on a media worker: name a leg or stream as the target");
    if (!VGW_NEW(c))
        return VOICEGW_ELIMIT;
    c->events = *events;
    c->arg = arg;
    struct vgw_ws_target t = {.url = url,
                              .headers = headers,
                              .protocol = protocol,
                              .policy = env->policy(env->arg),
                              .trusted = true, /* plugins take their URLs from the operator's file */
                              .pool = env->pool,
                              .options = {.max_message_bytes = max_message_bytes}};
    int rc = vgw_ws_connect(hub, &t, &client_events, c, ret_ws, &err);
    if (rc < 0) {
        vgw_free(c);
        return vgw_host_set_error(h, rc, err.text);
    }
    return 0;
}

static int32_t ws_send(const struct voicegw_host *h, uint64_t ws, uint32_t kind, const void *data, uint64_t bytes)
{
    struct vgw_ws_hub *hub = hub_here(h);
    return hub ? vgw_ws_send(hub, ws, kind == VOICEGW_WS_BINARY ? VGW_WS_BINARY : VGW_WS_TEXT, data, bytes)
               : VOICEGW_ENOTFOUND;
}

static int32_t ws_close(const struct voicegw_host *h, uint64_t ws, uint32_t code, const char *reason)
{
    struct vgw_ws_hub *hub = hub_here(h);
    return hub ? vgw_ws_close(hub, ws, code, reason) : VOICEGW_ENOTFOUND;
}

static uint64_t ws_queued(const struct voicegw_host *h, uint64_t ws)
{
    struct vgw_ws_hub *hub = hub_here(h);
    return hub ? vgw_ws_queued(hub, ws) : 0;
}

const struct voicegw_host_ws vgw_host_ws_table = {
    .size = sizeof vgw_host_ws_table, .connect = ws_connect, .send = ws_send, .close = ws_close, .queued = ws_queued};
