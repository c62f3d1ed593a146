/* ws.c - WebSockets over libwebsockets, one context a worker on its libuv loop. The only file that knows the library.
 */
#include "net/ws.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"
#include "net/resolve.h"
#include "net/tls.h"
#include "net/ws_check.h"
#include <fcntl.h>
#include <libwebsockets.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RX_BYTES 512 /* of a socket: a media frame fits; longer messages are put together in memory of their own */
#define SERVICE_BYTES 4096 /* one read, shared by a worker's sockets */
#define SCRATCH_BYTES 4096
#define REASON_MAX 123

struct message {
    struct vgw_list link;
    size_t len;
    enum vgw_ws_kind kind;
    unsigned char bytes[]; /* LWS_PRE of room, then the payload */
};

struct socket {
    struct vgw_ws_hub *hub;
    struct lws *wsi;
    const struct vgw_ws_events *events;
    void *arg;
    struct vgw_list queue; /* of struct message */
    struct vgw_buf rx;     /* a message that comes in pieces */
    size_t queued, queue_max, message_max;
    int64_t heard_us, idle_us;
    uint32_t slot, generation, close_code;
    char *close_reason;
    struct vgw_io *peek; /* until the first frame has shown that it is masked */
    struct client *client;
    int peek_fd;
    enum vgw_ws_kind rx_kind;
    bool open, closing, close_sent, wants_room, peer_closed;
};

/* A connection on its way out. */
struct client {
    struct vgw_url url;
    struct vgw_pool *pool;
    struct vgw_policy *policy; /* a reference */
    struct vgw_timer timer;
    char **headers;
    char *protocol;
    char failure[256], address[VGW_ADDR_TEXT];
    bool trusted, resolving, orphan; /* orphan: the socket ended while the name was being resolved */
};

struct vgw_ws_hub {
    struct vgw_loop *loop;
    struct vgw_ws_limits limits;
    struct lws_context *context;
    struct lws_vhost *server, *client, *client_tls;
    struct socket **slots;
    uint32_t *generations, slot_cap, count, next_slot;
    struct socket *adopting;
    struct vgw_timer sweep, ending;
    void (*done)(void *arg);
    void *done_arg;
    unsigned ending_steps;
    bool closing;
    void *client_ssl_ctx;
    lws_retry_bo_t retry;
    struct vgw_metric *m_open, *m_closed;
    unsigned char scratch[LWS_PRE + SCRATCH_BYTES];
};

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len);

static const struct lws_protocols protocols[] = {
    {"voicegw", on_lws, 0, RX_BYTES, 0, NULL, 0},
    {NULL, NULL, 0, 0, 0, NULL, 0},
};

/* ---- names ---- */

static uint64_t name_of(const struct socket *s)
{
    return (uint64_t)s->slot << 32 | s->generation;
}

static struct socket *find(const struct vgw_ws_hub *hub, uint64_t ws)
{
    uint32_t slot = (uint32_t)(ws >> 32);
    if (slot >= hub->slot_cap || !hub->slots[slot])
        return NULL;
    return hub->slots[slot]->generation == (uint32_t)ws ? hub->slots[slot] : NULL;
}

static bool grow_slots(struct vgw_ws_hub *hub)
{
    uint32_t cap = hub->slot_cap ? hub->slot_cap * 2 : 32;
    struct socket **slots = vgw_realloc(hub->slots, cap * sizeof *slots);
    if (slots)
        hub->slots = slots;
    uint32_t *generations = slots ? vgw_realloc(hub->generations, cap * sizeof *generations) : NULL;
    if (!generations)
        return false;
    hub->generations = generations;
    for (uint32_t i = hub->slot_cap; i < cap; i++) {
        slots[i] = NULL;
        generations[i] = 0;
    }
    hub->slot_cap = cap;
    return true;
}

static struct socket *socket_new(struct vgw_ws_hub *hub, const struct vgw_ws_options *options,
                                 const struct vgw_ws_events *events, void *arg)
{
    struct socket *s;
    if (hub->closing || hub->count >= hub->limits.max_sockets || (hub->count == hub->slot_cap && !grow_slots(hub)) ||
        !VGW_NEW(s))
        return NULL;
    while (hub->slots[hub->next_slot % hub->slot_cap])
        hub->next_slot++;
    s->slot = hub->next_slot++ % hub->slot_cap;
    if (++hub->generations[s->slot] == 0)
        ++hub->generations[s->slot];
    s->generation = hub->generations[s->slot];
    hub->slots[s->slot] = s;
    hub->count++;
    s->hub = hub;
    s->events = events;
    s->arg = arg;
    s->peek_fd = -1;
    s->heard_us = vgw_now(hub->loop);
    s->queue_max = options && options->queue_bytes ? options->queue_bytes : hub->limits.queue_bytes;
    s->message_max = options && options->max_message_bytes ? options->max_message_bytes : hub->limits.max_message_bytes;
    s->idle_us = options ? options->idle_timeout_us : 0;
    vgw_list_init(&s->queue);
    vgw_metric_add(hub->m_open, 1, NULL, NULL, NULL);
    return s;
}

static void client_free(struct client *c)
{
    if (!c)
        return;
    vgw_timer_stop(&c->timer);
    for (char **h = c->headers; h && *h; h++)
        vgw_free(*h);
    vgw_free(c->headers);
    vgw_free(c->protocol);
    vgw_policy_unref(c->policy);
    vgw_free(c);
}

static void peek_end(struct socket *s)
{
    vgw_io_free(s->peek);
    s->peek = NULL;
    if (s->peek_fd >= 0)
        close(s->peek_fd);
    s->peek_fd = -1;
}

/* The end of a socket: its one on_close(), then its memory. The library's side is gone or being closed by the caller.
 */
static void socket_end(struct socket *s, unsigned code, const char *reason, bool tell)
{
    struct vgw_ws_hub *hub = s->hub;
    uint64_t name = name_of(s);
    struct vgw_list *node;
    hub->slots[s->slot] = NULL;
    hub->count--;
    vgw_metric_add(hub->m_open, -1, NULL, NULL, NULL);
    peek_end(s);
    if (s->wsi)
        lws_set_opaque_user_data(s->wsi, NULL);
    while ((node = vgw_list_pop(&s->queue)))
        vgw_free(VGW_CONTAINER_OF(node, struct message, link));
    if (tell) {
        char text[16];
        (void)snprintf(text, sizeof text, "%u", code);
        vgw_metric_add(hub->m_closed, 1, text, NULL, NULL);
        s->events->on_close(s->arg, name, code, reason ? reason : "");
    }
    if (s->client && s->client->resolving)
        s->client->orphan = true;
    else
        client_free(s->client);
    vgw_buf_done(&s->rx);
    vgw_free(s->close_reason);
    vgw_free(s);
}

/* ---- writing ---- */

static int write_now(struct socket *s, enum vgw_ws_kind kind, unsigned char *payload, size_t len)
{
    int n = lws_write(s->wsi, payload, len, kind == VGW_WS_TEXT ? LWS_WRITE_TEXT : LWS_WRITE_BINARY);
    return n < (int)len ? VGW_ENETWORK : 0;
}

static int enqueue(struct socket *s, enum vgw_ws_kind kind, const void *data, size_t len)
{
    struct message *m = vgw_calloc(1, sizeof *m + LWS_PRE + len);
    if (!m)
        return VGW_ELIMIT;
    m->kind = kind;
    m->len = len;
    if (len)
        memcpy(m->bytes + LWS_PRE, data, len);
    vgw_list_append(&s->queue, &m->link);
    s->queued += len;
    lws_callback_on_writable(s->wsi);
    return 0;
}

int vgw_ws_send(struct vgw_ws_hub *hub, uint64_t ws, enum vgw_ws_kind kind, const void *data, size_t len)
{
    struct socket *s = find(hub, ws);
    if (!s || !s->open || s->closing)
        return VGW_ENOTFOUND;
    if (len > s->queue_max || (kind == VGW_WS_TEXT && !vgw_ws_text_valid(data, len)))
        return VGW_EINVALID;
    if (vgw_list_empty(&s->queue) && len <= SCRATCH_BYTES && !lws_partial_buffered(s->wsi)) {
        if (len)
            memcpy(hub->scratch + LWS_PRE, data, len);
        if (!write_now(s, kind, hub->scratch + LWS_PRE, len))
            return 0;
        /* The connection is broken: its end is told from the loop, not from inside this call. */
        lws_set_timeout(s->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
        return VGW_ENOTFOUND;
    }
    if (s->queued + len > s->queue_max) {
        s->wants_room = true;
        return VGW_EBUSY;
    }
    return enqueue(s, kind, data, len);
}

bool vgw_ws_is_closing(const struct vgw_ws_hub *hub, uint64_t ws)
{
    const struct socket *s = find(hub, ws);
    return !s || s->closing;
}

size_t vgw_ws_queued(const struct vgw_ws_hub *hub, uint64_t ws)
{
    struct socket *s = find(hub, ws);
    return s ? s->queued : 0;
}

/* Says goodbye from the loop. The library's own way (a reason, then -1 from the writeable callback) loses the frame:
 * Debian's build closes twice there, and the second close does not wait for the first one's frame. */
static void write_close(struct socket *s)
{
    unsigned char *start = s->hub->scratch + LWS_PRE, *p = start;
    size_t len = s->close_reason ? strlen(s->close_reason) : 0;
    s->close_sent = true;
    *p++ = 0x88;
    *p++ = (unsigned char)((s->client ? 0x80 : 0) | (len + 2));
    if (s->client) { /* a client masks; a mask of zeros leaves the text as it is */
        memset(p, 0, 4);
        p += 4;
    }
    *p++ = (unsigned char)(s->close_code >> 8);
    *p++ = (unsigned char)s->close_code;
    if (len)
        memcpy(p, s->close_reason, len);
    int total = (int)(p - start) + (int)len;
    bool sent = lws_write(s->wsi, start, (size_t)total, LWS_WRITE_RAW) >= total;
    int seconds = (int)(s->hub->limits.close_timeout_us / VGW_US_PER_S) + 1;
    lws_set_timeout(s->wsi, PENDING_TIMEOUT_CLOSE_ACK, sent ? seconds : LWS_TO_KILL_ASYNC);
}

/* Says goodbye from the receive callback, which returns -1 then. */
static int say_close(struct socket *s)
{
    size_t len = s->close_reason ? strlen(s->close_reason) : 0;
    s->close_sent = true;
    lws_close_reason(s->wsi, (enum lws_close_status)s->close_code, (unsigned char *)s->close_reason, len);
    return -1;
}

static void set_closing(struct socket *s, unsigned code, const char *reason)
{
    if (s->closing)
        return;
    s->closing = true;
    s->close_code = code;
    if (reason && *reason) {
        s->close_reason = vgw_calloc(1, REASON_MAX + 1);
        if (s->close_reason)
            (void)vgw_strcopy(s->close_reason, REASON_MAX + 1, reason);
    }
}

static void close_from_loop(struct socket *s)
{
    lws_set_timeout(s->wsi, PENDING_TIMEOUT_USER_OK, (int)(s->hub->limits.close_timeout_us / VGW_US_PER_S) + 1);
    lws_callback_on_writable(s->wsi);
}

int vgw_ws_close(struct vgw_ws_hub *hub, uint64_t ws, unsigned code, const char *reason)
{
    struct socket *s = find(hub, ws);
    if (!s || s->closing)
        return VGW_ENOTFOUND;
    if (!vgw_ws_code_valid(code) || (reason && !vgw_utf8_valid(reason, strlen(reason))))
        return VGW_EINVALID;
    set_closing(s, code, reason);
    if (s->open) {
        close_from_loop(s);
    } else if (s->wsi) {
        lws_set_timeout(s->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
    } else if (s->client) {
        (void)vgw_strcopy(s->client->failure, sizeof s->client->failure, "closed before it was open");
        (void)vgw_timer_start(&s->client->timer, 0);
    }
    return 0;
}

static int on_room(struct socket *s)
{
    while (!vgw_list_empty(&s->queue) && !lws_partial_buffered(s->wsi)) {
        struct message *m = VGW_CONTAINER_OF(vgw_list_pop(&s->queue), struct message, link);
        int rc = write_now(s, m->kind, m->bytes + LWS_PRE, m->len);
        s->queued -= m->len;
        vgw_free(m);
        if (rc)
            return -1;
    }
    if (!vgw_list_empty(&s->queue)) {
        lws_callback_on_writable(s->wsi);
    } else if (s->closing && !s->close_sent) {
        if (lws_partial_buffered(s->wsi))
            lws_callback_on_writable(s->wsi);
        else
            write_close(s);
    }
    if (s->wants_room && !s->closing && s->queued <= s->queue_max / 2) {
        s->wants_room = false;
        if (s->events->on_writable)
            s->events->on_writable(s->arg, name_of(s));
    }
    return 0;
}

/* ---- reading ---- */

/* A client that is refused in the middle of a frame says so from the loop and passes over the rest: Debian's build goes
 * on reading that frame after the callback has asked for the end, with what it has freed. */
static int end_with(struct socket *s, unsigned code, const char *reason)
{
    set_closing(s, code, reason);
    if (!s->client)
        return say_close(s);
    vgw_buf_done(&s->rx);
    close_from_loop(s);
    return 0;
}

static int deliver(struct socket *s, enum vgw_ws_kind kind, const void *data, size_t len)
{
    if (kind == VGW_WS_TEXT && !vgw_ws_text_valid(data, len))
        return end_with(s, 1007, "text is not UTF-8");
    s->heard_us = vgw_now(s->hub->loop);
    s->events->on_message(s->arg, name_of(s), kind, data, len);
    if (s->closing && !s->close_sent && vgw_list_empty(&s->queue) && !lws_partial_buffered(s->wsi))
        return say_close(s);
    return 0;
}

static int on_piece(struct socket *s, const void *in, size_t len)
{
    bool first = lws_is_first_fragment(s->wsi), last = lws_is_final_fragment(s->wsi);
    if (s->closing)
        return 0;
    if (first)
        s->rx_kind = lws_frame_is_binary(s->wsi) ? VGW_WS_BINARY : VGW_WS_TEXT;
    if (s->rx.len + len + lws_remaining_packet_payload(s->wsi) > s->message_max)
        return end_with(s, 1009, "message too big");
    if (first && last)
        return deliver(s, s->rx_kind, in ? in : "", len);
    s->rx.limit = s->message_max;
    vgw_buf_add(&s->rx, in, len);
    if (s->rx.failed)
        return end_with(s, 1011, "out of memory");
    if (!last)
        return 0;
    struct vgw_buf whole = s->rx;
    s->rx = (struct vgw_buf){0};
    int rc = deliver(s, s->rx_kind, vgw_buf_str(&whole), whole.len);
    vgw_buf_done(&whole);
    return rc;
}

/* The first frame's mask bit, read before the library takes the bytes. */
static void on_peek(void *arg, unsigned events)
{
    struct socket *s = arg;
    unsigned char head[2];
    (void)events;
    ssize_t n = recv(s->peek_fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT);
    bool bare = n == 2 && !(head[1] & 0x80);
    peek_end(s);
    if (bare)
        (void)vgw_ws_close(s->hub, name_of(s), 1002, "client frames have to be masked");
    lws_rx_flow_control(s->wsi, 1);
}

static void peek_start(struct socket *s)
{
    s->peek_fd = fcntl(lws_get_socket_fd(s->wsi), F_DUPFD_CLOEXEC, 3);
    s->peek = s->peek_fd >= 0 ? vgw_io_new(s->hub->loop, s->peek_fd, on_peek, s) : NULL;
    if (!s->peek || vgw_io_want(s->peek, VGW_IO_READ) < 0)
        peek_end(s);
    else
        lws_rx_flow_control(s->wsi, 0);
}

static int note_peer_close(struct socket *s, const unsigned char *in, size_t len)
{
    if (s->close_sent)
        return -1; /* both have said it */
    if (s->closing)
        return 0;
    set_closing(s, 1005, NULL);
    s->peer_closed = s->close_sent = true;
    if (len < 2)
        return 0;
    char reason[REASON_MAX + 1];
    s->close_code = (unsigned)in[0] << 8 | in[1];
    (void)vgw_strncopy(reason, sizeof reason, (const char *)in + 2, len - 2);
    if (!vgw_utf8_valid(reason, strlen(reason)))
        reason[0] = '\0';
    s->close_reason = vgw_strdup(reason);
    return 0;
}

static void on_gone(struct socket *s)
{
    bool said = s->closing && s->close_code;
    if (!s->open && s->client)
        socket_end(s, 0, s->client->failure[0] ? s->client->failure : "the connection could not be opened", true);
    else if (said)
        socket_end(s, s->close_code, s->close_reason, true);
    else
        socket_end(s, s->open ? 1006 : 0, "the connection was lost", true);
}

/* ---- the library's callback ---- */

static int append_headers(struct socket *s, unsigned char **p, unsigned char *end)
{
    for (char **h = s->client ? s->client->headers : NULL; h && *h; h++) {
        char name[128];
        const char *colon = strchr(*h, ':');
        size_t len = (size_t)(colon - *h) + 1;
        if (!vgw_strncopy(name, sizeof name, *h, len))
            return -1;
        const char *value = colon + 1 + strspn(colon + 1, " \t");
        if (lws_add_http_header_by_name(s->wsi, (unsigned char *)name, (const unsigned char *)value, (int)strlen(value),
                                        p, end))
            return -1;
    }
    return 0;
}

static void on_open(struct socket *s)
{
    s->open = true;
    if (s->client) {
        vgw_timer_stop(&s->client->timer);
    } else {
        peek_start(s);
    }
    s->heard_us = vgw_now(s->hub->loop);
    if (s->events->on_open)
        s->events->on_open(s->arg, name_of(s));
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct vgw_ws_hub *hub = lws_context_user(lws_get_context(wsi));
    struct socket *s = reason == LWS_CALLBACK_PROTOCOL_INIT || reason == LWS_CALLBACK_EVENT_WAIT_CANCELLED
                           ? NULL
                           : lws_get_opaque_user_data(wsi);
    (void)user;
    switch (reason) {
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        if (!hub->adopting)
            return -1;
        hub->adopting->wsi = wsi;
        lws_set_opaque_user_data(wsi, hub->adopting);
        hub->adopting = NULL;
        return 0;
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        if (!s)
            return -1;
        s->wsi = wsi;
        on_open(s);
        return 0;
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return s ? on_piece(s, in, len) : -1;
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return s && s->open ? on_room(s) : 0;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        return s ? note_peer_close(s, in, len) : 0;
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return s ? append_headers(s, in, *(unsigned char **)in + len) : 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        if (s && s->client && !s->client->failure[0])
            vgw_ws_failure(lws_http_client_http_response(wsi), in, len, s->client->failure, sizeof s->client->failure);
        return 0;
    case LWS_CALLBACK_HTTP:
        return -1;
    case LWS_CALLBACK_WSI_DESTROY:
        if (s)
            on_gone(s);
        return 0;
    default:
        return 0;
    }
}

/* ---- context ---- */

static void on_library_log(int level, const char *line)
{
    /* One line at error level for each adoption of a socket whose bytes were read before: not an error. */
    if (strstr(line, "calling service"))
        return;
    size_t len = strcspn(line, "\n");
    vgw_logf(level & LLL_ERR ? VGW_LOG_WARNING : VGW_LOG_DEBUG, NULL, "libwebsockets: %.*s", (int)len, line);
}

static void set_library_log(void)
{
    lws_set_log_level(LLL_ERR | LLL_WARN, on_library_log);
}

static int make_context(struct vgw_ws_hub *hub)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (hub->context)
        return 0;
    (void)pthread_once(&once, set_library_log);
    void *loops[1] = {vgw_loop_uv(hub->loop)};
    if (!loops[0])
        return VGW_EUNSUPPORTED;
    hub->retry.secs_since_valid_ping = (uint16_t)(hub->limits.ping_interval_us / VGW_US_PER_S);
    hub->retry.secs_since_valid_hangup =
        (uint16_t)((hub->limits.ping_interval_us + hub->limits.pong_timeout_us) / VGW_US_PER_S);
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .options =
            LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_UV_NO_SIGSEGV_SIGFPE_SPIN,
        .foreign_loops = loops,
        .user = hub,
        .pcontext = &hub->context,
        .pt_serv_buf_size = SERVICE_BYTES,
        .max_http_header_data = 4096,
        .max_http_header_pool = 16,
        .gid = (gid_t)-1,
        .uid = (uid_t)-1,
        .retry_and_idle_policy = &hub->retry,
        .timeout_secs = 10,
    };
    hub->context = lws_create_context(&info);
    if (!hub->context)
        return VGW_ELIMIT;
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.protocols = protocols;
    info.vhost_name = "server";
    hub->server = lws_create_vhost(hub->context, &info);
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.vhost_name = "client";
    hub->client = lws_create_vhost(hub->context, &info);
    return hub->server && hub->client ? 0 : VGW_ELIMIT;
}

static int make_tls_vhost(struct vgw_ws_hub *hub)
{
    if (hub->client_tls)
        return 0;
    hub->client_ssl_ctx = vgw_tls_client_ctx();
    if (!hub->client_ssl_ctx)
        return VGW_ELIMIT;
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
        .protocols = protocols,
        .vhost_name = "client-tls",
        .retry_and_idle_policy = &hub->retry,
        .provided_client_ssl_ctx = hub->client_ssl_ctx,
        .timeout_secs = 10,
        .gid = (gid_t)-1,
        .uid = (uid_t)-1,
    };
    hub->client_tls = lws_create_vhost(hub->context, &info);
    return hub->client_tls ? 0 : VGW_ELIMIT;
}

static void on_sweep(void *arg)
{
    struct vgw_ws_hub *hub = arg;
    int64_t now = vgw_now(hub->loop);
    for (uint32_t i = 0; i < hub->slot_cap; i++) {
        struct socket *s = hub->slots[i];
        if (s && s->open && s->idle_us && now - s->heard_us >= s->idle_us)
            (void)vgw_ws_close(hub, name_of(s), 1001, "nothing was heard for too long");
    }
    if (hub->count)
        (void)vgw_timer_start(&hub->sweep, VGW_US_PER_S);
}

int vgw_ws_hub_new(struct vgw_loop *worker, const struct vgw_ws_limits *limits, struct vgw_ws_hub **ret_hub,
                   struct vgw_error *err)
{
    struct vgw_ws_hub *hub;
    if (!VGW_NEW(hub))
        return vgw_error_nomem(err);
    hub->loop = worker;
    if (limits)
        hub->limits = *limits;
    struct vgw_ws_limits *l = &hub->limits;
#define DEFAULT(field, value) (l->field = l->field ? l->field : (value))
    DEFAULT(max_sockets, 8192);
    DEFAULT(max_message_bytes, 64 * 1024);
    DEFAULT(queue_bytes, 64 * 1024);
    DEFAULT(ping_interval_us, 25 * VGW_US_PER_S);
    DEFAULT(pong_timeout_us, 15 * VGW_US_PER_S);
    DEFAULT(close_timeout_us, 5 * VGW_US_PER_S);
    DEFAULT(connect_timeout_us, 10 * VGW_US_PER_S);
    DEFAULT(send_buffer_bytes, 16 * 1024);
    DEFAULT(unsent_low_bytes, 4 * 1024);
#undef DEFAULT
    vgw_timer_init(&hub->sweep, worker, on_sweep, hub);
    hub->m_open = vgw_metric_family(VGW_METRIC_GAUGE, "voicegw_ws_sockets", "Open WebSockets.", NULL);
    hub->m_closed =
        vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_ws_closed_total", "WebSockets ended, by close code.", "code");
    *ret_hub = hub;
    return 0;
}

unsigned vgw_ws_hub_count(const struct vgw_ws_hub *hub)
{
    return hub->count;
}

/* libuv gives its handles back over several turns of the loop, and the library asks to be called again after that. */
#define ENDING_STEP_US (10 * VGW_US_PER_MS)

static void on_ending(void *arg)
{
    struct vgw_ws_hub *hub = arg;
    if (hub->context && hub->ending_steps++ < 10) {
        lws_context_destroy(hub->context);
        (void)vgw_timer_start(&hub->ending, ENDING_STEP_US);
        return;
    }
    void (*done)(void *arg) = hub->done;
    void *done_arg = hub->done_arg;
    vgw_tls_client_ctx_free(hub->client_ssl_ctx);
    vgw_free(hub->slots);
    vgw_free(hub->generations);
    vgw_free(hub);
    if (done)
        done(done_arg);
}

void vgw_ws_hub_close(struct vgw_ws_hub *hub, void (*done)(void *arg), void *arg)
{
    if (!hub) {
        if (done)
            done(arg);
        return;
    }
    hub->closing = true;
    hub->done = done;
    hub->done_arg = arg;
    vgw_timer_stop(&hub->sweep);
    for (uint32_t i = 0; i < hub->slot_cap; i++) {
        struct socket *s = hub->slots[i];
        if (!s)
            continue;
        struct lws *wsi = s->wsi;
        socket_end(s, 1001, "the gateway is stopping", true);
        if (wsi)
            lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
    }
    vgw_timer_init(&hub->ending, hub->loop, on_ending, hub);
    (void)vgw_timer_start(&hub->ending, 0);
}

/* ---- servers ---- */

static void tune(const struct vgw_ws_hub *hub, int fd)
{
    int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (hub->limits.send_buffer_bytes > 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &hub->limits.send_buffer_bytes, sizeof(int));
    if (hub->limits.unsent_low_bytes > 0)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &hub->limits.unsent_low_bytes, sizeof(int));
}

int vgw_ws_adopt(struct vgw_ws_hub *hub, const struct vgw_ws_seat *seat, const struct vgw_ws_options *options,
                 const struct vgw_ws_events *events, void *arg, uint64_t *ret_ws)
{
    int rc = make_context(hub);
    struct socket *s = rc ? NULL : socket_new(hub, options, events, arg);
    if (!s) {
        static const char full[] =
            "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        (void)!send(seat->fd, full, sizeof full - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        close(seat->fd);
        return rc ? rc : VGW_ELIMIT;
    }
    uint64_t name = name_of(s);
    tune(hub, seat->fd);
    hub->adopting = s;
    (void)lws_adopt_socket_vhost_readbuf(hub->server, seat->fd, seat->head, seat->head_len);
    hub->adopting = NULL;
    s = find(hub, name);
    if (s && !s->wsi) {
        /* The library refused before it took the socket; it has closed it. */
        socket_end(s, 0, NULL, false);
        return VGW_ENETWORK;
    }
    if (s && s->idle_us && !vgw_timer_armed(&hub->sweep))
        (void)vgw_timer_start(&hub->sweep, VGW_US_PER_S);
    if (ret_ws)
        *ret_ws = name;
    return 0;
}

/* ---- clients ---- */

static void on_client_deadline(void *arg)
{
    struct socket *s = arg;
    if (!s->client->failure[0])
        (void)vgw_strcopy(s->client->failure, sizeof s->client->failure, "no answer in time");
    if (s->wsi)
        lws_set_timeout(s->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
    else
        socket_end(s, 0, s->client->failure, true);
}

static void client_fail(struct socket *s, const char *sentence)
{
    (void)vgw_strcopy(s->client->failure, sizeof s->client->failure, sentence);
    (void)vgw_timer_start(&s->client->timer, 0);
}

static void client_start(struct socket *s)
{
    struct vgw_ws_hub *hub = s->hub;
    struct client *c = s->client;
    bool tls = vgw_url_is_tls(&c->url);
    char host[280];
    if (make_context(hub) || (tls && make_tls_vhost(hub))) {
        client_fail(s, "out of memory");
        return;
    }
    struct lws_client_connect_info info = {
        .context = hub->context,
        .vhost = tls ? hub->client_tls : hub->client,
        .address = c->address,
        .port = c->url.port,
        .path = c->url.target,
        .host = vgw_url_authority(&c->url, host),
        .protocol = c->protocol,
        .local_protocol_name = "voicegw",
        .ssl_connection = (tls ? LCCSCF_USE_SSL : 0) | LCCSCF_HTTP_NO_FOLLOW_REDIRECT,
        .ietf_version_or_minus_one = -1,
        .alpn = "http/1.1",
        .opaque_user_data = s,
    };
    uint64_t name = name_of(s);
    struct lws *wsi = lws_client_connect_via_info(&info);
    s = find(hub, name);
    if (s && wsi)
        s->wsi = wsi;
    else if (s)
        client_fail(s, s->client->failure[0] ? s->client->failure : "the connection could not be made");
}

struct waiting {
    struct vgw_ws_hub *hub;
    struct client *client;
    uint64_t name;
};

static void on_resolved(void *arg, const struct vgw_resolved *r)
{
    struct waiting *w = arg;
    struct client *c = w->client;
    struct vgw_error err = {0};
    c->resolving = false;
    if (c->orphan) {
        client_free(c);
        vgw_free(w);
        return;
    }
    struct socket *s = find(w->hub, w->name);
    vgw_free(w);
    if (s->closing)
        return;
    if (r->status) {
        client_fail(s, r->sentence);
        return;
    }
    for (size_t i = 0; i < r->count; i++) {
        if (vgw_policy_check_addr(c->policy, &c->url, &r->addrs[i], c->trusted, &err) == 0) {
            vgw_addr_format(&r->addrs[i], c->address);
            client_start(s);
            return;
        }
    }
    client_fail(s, err.text[0] ? err.text : "the name has no address");
}

static int copy_headers(struct client *c, const char *const *headers, struct vgw_error *err)
{
    size_t n = 0;
    for (; headers && headers[n]; n++)
        if (!vgw_ws_header_valid(headers[n]) || n >= 64)
            return vgw_error_set(err, VGW_EINVALID,
                                 "a header is not \"Name: value\" on one line, or there are more than 64");
    c->headers = vgw_calloc(n + 1, sizeof *c->headers);
    if (!c->headers)
        return vgw_error_nomem(err);
    for (size_t i = 0; i < n; i++)
        if (!(c->headers[i] = vgw_strdup(headers[i])))
            return vgw_error_nomem(err);
    return 0;
}

int vgw_ws_connect(struct vgw_ws_hub *hub, const struct vgw_ws_target *target, const struct vgw_ws_events *events,
                   void *arg, uint64_t *ret_ws, struct vgw_error *err)
{
    struct client *c;
    struct waiting *w = NULL;
    struct socket *s = NULL;
    if (!VGW_NEW(c))
        return vgw_error_nomem(err);
    int rc = vgw_url_parse(target->url, &c->url, err);
    if (!rc && c->url.scheme != VGW_URL_WS && c->url.scheme != VGW_URL_WSS)
        rc = vgw_error_set(err, VGW_EINVALID, "a WebSocket URL begins with ws:// or wss://");
    if (!rc)
        rc = vgw_policy_check_url(target->policy, &c->url, target->trusted, err);
    if (!rc)
        rc = copy_headers(c, target->headers, err);
    if (rc)
        goto out;
    c->pool = target->pool;
    c->policy = vgw_policy_ref(target->policy);
    c->trusted = target->trusted;
    c->protocol = vgw_strdup(target->protocol);
    s = socket_new(hub, &target->options, events, arg);
    if (!s || !VGW_NEW(w) || (target->protocol && !c->protocol)) {
        rc = vgw_error_set(err, VGW_ELIMIT, "too many WebSockets are open");
        goto out;
    }
    *w = (struct waiting){hub, c, name_of(s)};
    vgw_timer_init(&c->timer, hub->loop, on_client_deadline, s);
    rc = vgw_resolve(c->pool, hub->loop, c->url.host, vgw_url_is_tls(&c->url), on_resolved, w);
    if (rc) {
        vgw_error_set(err, rc, "too many names wait to be resolved");
        goto out;
    }
    s->client = c;
    c->resolving = true;
    (void)vgw_timer_start(&c->timer, hub->limits.connect_timeout_us);
    if (s->idle_us && !vgw_timer_armed(&hub->sweep))
        (void)vgw_timer_start(&hub->sweep, VGW_US_PER_S);
    if (ret_ws)
        *ret_ws = name_of(s);
    return 0;
out:
    if (s)
        socket_end(s, 0, NULL, false);
    vgw_free(w);
    client_free(c);
    return rc;
}
