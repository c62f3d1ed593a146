/* tls_thread.c - threads that end TLS: bytes go between a TLS socket and the plain end of a socket pair. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/time.h"
#include "net/tls_impl.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE 16384
#define ROUNDS 4 /* pieces each way in one turn, so that one stream does not keep the others waiting */

struct pipe {
    struct vgw_list link;
    struct vgw_tls_thread *thread;
    int net_fd, plain_fd;
    void *session;
    struct vgw_io *net_io, *plain_io;
    struct vgw_timer timer;
    struct vgw_buf to_net, to_plain; /* what the other side did not take yet */
    struct vgw_peer peer;
    unsigned read_needs, write_needs; /* what the session waits for on the socket */
    bool plain_dry;                   /* the plain end gave all it had: it tells of more */
    bool shaken, net_ended, plain_ended, net_shut, plain_shut;
};

struct vgw_tls_thread {
    struct vgw_loop *loop;
    struct vgw_tls_server *server;
    struct vgw_tls_limits limits;
    void (*on_plain)(void *arg, int fd, const struct vgw_peer *peer);
    void *arg;
    struct vgw_list pipes;
    atomic_uint count;
    struct vgw_metric *m_open, *m_failed;
};

static void pipe_close(struct pipe *p)
{
    struct vgw_tls_thread *t = p->thread;
    vgw_timer_stop(&p->timer);
    vgw_io_free(p->net_io);
    vgw_io_free(p->plain_io);
    if (p->session)
        vgw_tls_session_free(p->session);
    close(p->net_fd);
    if (p->plain_fd >= 0)
        close(p->plain_fd);
    vgw_buf_done(&p->to_net);
    vgw_buf_done(&p->to_plain);
    vgw_list_remove(&p->link);
    vgw_free(p);
    atomic_fetch_sub(&t->count, 1);
    vgw_metric_add(t->m_open, -1, NULL, NULL, NULL);
}

static void on_deadline(void *arg)
{
    struct pipe *p = arg;
    if (!p->shaken)
        vgw_metric_add(p->thread->m_failed, 1, "timeout", NULL, NULL);
    pipe_close(p);
}

/* ---- one step each way: 1 progress, 0 nothing to do now, -1 broken ---- */

static int send_plain(struct pipe *p)
{
    size_t sent = 0;
    while (sent < p->to_plain.len) {
        ssize_t n = send(p->plain_fd, p->to_plain.data + sent, p->to_plain.len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
            return -1;
        if (n < 0)
            break;
        sent += (size_t)n;
    }
    vgw_buf_consume(&p->to_plain, sent);
    if (p->to_plain.len == 0)
        vgw_buf_done(&p->to_plain);
    return sent > 0;
}

static int step_in(struct pipe *p)
{
    char piece[PIECE];
    if (p->to_plain.len)
        return send_plain(p);
    if (p->net_ended) {
        if (!p->plain_shut)
            (void)shutdown(p->plain_fd, SHUT_WR);
        p->plain_shut = true;
        return 0;
    }
    p->read_needs = 0;
    long n = vgw_tls_session_read(p->session, piece, sizeof piece, &p->read_needs);
    if (n == VGW_TLS_AGAIN)
        return 0;
    if (n == VGW_TLS_BROKEN)
        return -1;
    if (n == VGW_TLS_END) {
        p->net_ended = true;
        return 1;
    }
    if (!vgw_tls_session_pending(p->session)) /* asking again would only tell that there is no more */
        p->read_needs = VGW_IO_READ;
    vgw_buf_add(&p->to_plain, piece, (size_t)n);
    return p->to_plain.failed ? -1 : (send_plain(p) < 0 ? -1 : 1);
}

static int send_net(struct pipe *p)
{
    p->write_needs = 0;
    long n = vgw_tls_session_write(p->session, p->to_net.data, p->to_net.len, &p->write_needs);
    if (n == VGW_TLS_AGAIN)
        return 0;
    if (n <= 0)
        return -1;
    vgw_buf_consume(&p->to_net, (size_t)n);
    if (p->to_net.len == 0)
        vgw_buf_done(&p->to_net);
    return 1;
}

static int step_out(struct pipe *p)
{
    char piece[PIECE];
    if (p->to_net.len)
        return send_net(p);
    if (p->plain_ended) {
        if (!p->net_shut) {
            vgw_tls_session_end(p->session);
            (void)shutdown(p->net_fd, SHUT_WR);
        }
        p->net_shut = true;
        return 0;
    }
    ssize_t n = recv(p->plain_fd, piece, sizeof piece, MSG_DONTWAIT);
    p->plain_dry = n != 0 && n < (ssize_t)sizeof piece;
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
    if (n == 0) {
        p->plain_ended = true;
        return 1;
    }
    vgw_buf_add(&p->to_net, piece, (size_t)n);
    return p->to_net.failed ? -1 : (send_net(p) < 0 ? -1 : 1);
}

static bool set_wants(struct pipe *p)
{
    unsigned net = p->read_needs | p->write_needs;
    unsigned plain = 0;
    if (!p->shaken)
        return vgw_io_want(p->net_io, net ? net : VGW_IO_READ) == 0;
    if (p->to_plain.len)
        net &= ~VGW_IO_READ;
    else if (!p->net_ended && !p->read_needs)
        net |= VGW_IO_READ | VGW_IO_WRITE; /* more rounds are due: come back at once */
    if (p->to_net.len && !p->write_needs)
        net |= VGW_IO_WRITE;
    if (p->to_plain.len)
        plain |= VGW_IO_WRITE;
    if (!p->to_net.len && !p->plain_ended)
        plain |= VGW_IO_READ;
    return vgw_io_want(p->net_io, net) == 0 && vgw_io_want(p->plain_io, plain) == 0;
}

/* One way, as far as a turn goes; false: broken. */
static bool pump_in(struct pipe *p)
{
    for (int i = 0, rc; i < ROUNDS && (rc = step_in(p)); i++) {
        if (rc < 0)
            return false;
        if (p->read_needs && !p->to_plain.len)
            break;
    }
    if (p->net_ended && !p->to_plain.len)
        (void)step_in(p); /* pass the end on */
    return true;
}

static bool pump_out(struct pipe *p)
{
    p->plain_dry = false;
    for (int i = 0, rc; i < ROUNDS && (rc = step_out(p)); i++) {
        if (rc < 0)
            return false;
        if (p->plain_dry && !p->to_net.len)
            break;
    }
    if (p->plain_ended && !p->to_net.len)
        (void)step_out(p);
    return true;
}

static void pump(struct pipe *p, bool in, bool out)
{
    if ((in && !pump_in(p)) || (out && !pump_out(p))) {
        pipe_close(p);
        return;
    }
    bool over = p->net_ended && p->plain_ended && !p->to_net.len && !p->to_plain.len;
    if (over || !set_wants(p)) {
        pipe_close(p);
        return;
    }
    if ((p->net_ended || p->plain_ended) && !vgw_timer_armed(&p->timer))
        (void)vgw_timer_start(&p->timer, p->thread->limits.linger_timeout_us);
}

/* A side that can be read or written concerns the way from it, and the way to it while something waits there. */
static void on_net(struct pipe *p)
{
    pump(p, true, p->to_net.len > 0);
}

static void on_far(void *arg, unsigned events)
{
    struct pipe *p = arg;
    (void)events;
    pump(p, p->to_plain.len > 0, true);
}

/* ---- beginning ---- */

static bool make_pair(struct pipe *p, int *ret_far)
{
    int ends[2], size = p->thread->limits.buffer_bytes;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0)
        return false;
    for (int i = 0; i < 2; i++)
        (void)setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    p->plain_fd = ends[0];
    *ret_far = ends[1];
    p->plain_io = vgw_io_new(p->thread->loop, p->plain_fd, on_far, p);
    if (!p->plain_io)
        close(ends[1]);
    return p->plain_io != NULL;
}

static void on_handshake(void *arg, unsigned events)
{
    struct pipe *p = arg;
    struct vgw_tls_thread *t = p->thread;
    int far = -1;
    (void)events;
    if (p->shaken) {
        on_net(p);
        return;
    }
    p->read_needs = 0;
    long n = vgw_tls_session_handshake(p->session, &p->read_needs);
    if (n == VGW_TLS_AGAIN) {
        if (!set_wants(p))
            pipe_close(p);
        return;
    }
    if (n <= 0 || !make_pair(p, &far)) {
        vgw_metric_add(t->m_failed, 1, n <= 0 ? "handshake" : "resources", NULL, NULL);
        pipe_close(p);
        return;
    }
    p->shaken = true;
    vgw_timer_stop(&p->timer);
    t->on_plain(t->arg, far, &p->peer);
    pump(p, true, true);
}

static bool pipe_start(struct vgw_tls_thread *t, int fd, const struct vgw_peer *peer)
{
    struct pipe *p;
    int one = 1;
    if (!VGW_NEW(p))
        return false;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    p->thread = t;
    p->net_fd = fd;
    p->plain_fd = -1;
    p->peer = *peer;
    p->peer.tls = true;
    p->session = vgw_tls_session_new(t->server, fd);
    p->net_io = vgw_io_new(t->loop, fd, on_handshake, p);
    vgw_timer_init(&p->timer, t->loop, on_deadline, p);
    if (!p->session || !p->net_io || vgw_io_want(p->net_io, VGW_IO_READ) < 0) {
        vgw_io_free(p->net_io);
        if (p->session)
            vgw_tls_session_free(p->session);
        vgw_free(p);
        return false;
    }
    vgw_list_append(&t->pipes, &p->link);
    vgw_metric_add(t->m_open, 1, NULL, NULL, NULL);
    (void)vgw_timer_start(&p->timer, t->limits.handshake_timeout_us);
    return true;
}

struct handover {
    struct vgw_tls_thread *thread;
    struct vgw_peer peer;
    int fd;
};

static void on_handover(void *arg)
{
    struct handover *h = arg;
    if (!pipe_start(h->thread, h->fd, &h->peer)) {
        close(h->fd);
        atomic_fetch_sub(&h->thread->count, 1);
    }
    vgw_free(h);
}

void vgw_tls_thread_take(struct vgw_tls_thread *t, int fd, const struct vgw_peer *peer)
{
    struct handover *h = NULL;
    if (atomic_fetch_add(&t->count, 1) >= t->limits.max_connections || !VGW_NEW(h))
        goto refuse;
    *h = (struct handover){t, *peer, fd};
    if (vgw_loop_call(t->loop, on_handover, h) == 0)
        return;
refuse:
    vgw_free(h);
    atomic_fetch_sub(&t->count, 1);
    vgw_metric_add(t->m_failed, 1, "full", NULL, NULL);
    close(fd);
}

unsigned vgw_tls_thread_count(const struct vgw_tls_thread *t)
{
    return atomic_load(&t->count);
}

struct vgw_loop *vgw_tls_thread_loop(struct vgw_tls_thread *t)
{
    return t->loop;
}

int vgw_tls_thread_new(struct vgw_tls_server *server, const struct vgw_tls_limits *limits,
                       void (*on_plain)(void *arg, int fd, const struct vgw_peer *peer), void *arg,
                       struct vgw_tls_thread **ret_thread, struct vgw_error *err)
{
    struct vgw_tls_thread *t;
    if (!VGW_NEW(t))
        return vgw_error_nomem(err);
    if (limits)
        t->limits = *limits;
    struct vgw_tls_limits *l = &t->limits;
    l->max_connections = l->max_connections ? l->max_connections : 4096;
    l->handshake_timeout_us = l->handshake_timeout_us ? l->handshake_timeout_us : 10 * VGW_US_PER_S;
    l->linger_timeout_us = l->linger_timeout_us ? l->linger_timeout_us : 5 * VGW_US_PER_S;
    l->buffer_bytes = l->buffer_bytes ? l->buffer_bytes : 16 * 1024;
    t->server = server;
    t->on_plain = on_plain;
    t->arg = arg;
    vgw_list_init(&t->pipes);
    t->m_open =
        vgw_metric_family(VGW_METRIC_GAUGE, "voicegw_tls_connections", "Connections held by the TLS threads.", NULL);
    t->m_failed = vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_tls_failed_total",
                                    "TLS connections that came to nothing, by reason.", "reason");
    int rc = vgw_loop_new_worker("tls", NULL, NULL, &t->loop, err);
    if (rc) {
        vgw_free(t);
        return rc;
    }
    *ret_thread = t;
    return 0;
}

static void on_end(void *arg)
{
    struct vgw_tls_thread *t = arg;
    while (!vgw_list_empty(&t->pipes))
        pipe_close(VGW_CONTAINER_OF(t->pipes.next, struct pipe, link));
    vgw_loop_stop(t->loop);
}

void vgw_tls_thread_free(struct vgw_tls_thread *t)
{
    if (!t)
        return;
    if (vgw_loop_call(t->loop, on_end, t) < 0)
        vgw_loop_stop(t->loop);
    vgw_loop_free(t->loop);
    vgw_free(t);
}
