/* conn.c - one connection of the front door: reading, deadlines, flushing, ending. */
#include "net/front_impl.h"
#include "base/alloc.h"
#include "base/str.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define IN_MAX (32u * 1024)         /* read ahead of what is being served */
#define OUT_PAUSE (256u * 1024)     /* no further pipelined request while this much waits */
#define OUT_MAX (32u * 1024 * 1024) /* one answer */
#define OUT_KEEP 4096               /* memory an idle connection may hold on to */
#define LINGER_US (2 * VGW_US_PER_S)
#define LINGER_MAX (16u << 20) /* what time forbids first: a client in mid-body still reads its answer */

static void process(struct conn *c);

uint64_t vgw_conn_exchange(const struct conn *c)
{
    return (uint64_t)c->slot << 32 | c->generation;
}

static void next_generation(struct conn *c)
{
    uint32_t *g = &c->front->generations[c->slot];
    if (++*g == 0)
        ++*g;
    c->generation = *g;
}

/* ---- ending ---- */

void vgw_conn_enter(struct conn *c)
{
    c->busy++;
}

void vgw_conn_leave(struct conn *c)
{
    if (--c->busy || c->state != CONN_CLOSED)
        return;
    vgw_buf_done(&c->in);
    vgw_buf_done(&c->out);
    vgw_buf_done(&c->body);
    vgw_http_request_free(c->request);
    vgw_free(c);
}

void vgw_conn_close(struct conn *c)
{
    struct vgw_front *f = c->front;
    if (c->state == CONN_CLOSED)
        return;
    uint64_t id = vgw_conn_exchange(c);
    bool streaming = c->state == CONN_STREAM;
    if (c->state == CONN_ANSWER)
        f->exchange_count--;
    if (streaming)
        f->stream_count--;
    vgw_conn_enter(c);
    c->state = CONN_CLOSED;
    next_generation(c);
    f->slots[c->slot] = NULL;
    f->free_slots[f->free_len++] = c->slot;
    vgw_list_remove(&c->link);
    if (c->counted)
        vgw_front_address_leave(f, &c->peer.addr);
    vgw_timer_stop(&c->timer);
    vgw_timer_stop(&c->write_timer);
    vgw_io_free(c->io);
    if (c->fd >= 0)
        close(c->fd);
    c->io = NULL;
    c->fd = -1;
    f->conn_count--;
    vgw_metric_set(f->m_conns, f->conn_count, NULL, NULL, NULL);
    if (streaming && c->stream.on_closed)
        c->stream.on_closed(c->stream.arg, id);
    vgw_conn_leave(c);
}

void vgw_conn_detach(struct conn *c)
{
    vgw_io_free(c->io);
    c->io = NULL;
    c->fd = -1;
    vgw_conn_close(c);
}

void vgw_conn_idle_out(struct conn *c)
{
    if (c->kept_listener)
        return;
    c->keep = false;
    if (c->state == CONN_HEAD && c->in.len == 0 && c->out.len == 0)
        vgw_conn_close(c);
}

/* ---- writing ---- */

static void on_write_timer(void *arg)
{
    struct conn *c = arg;
    vgw_metric_add(c->front->m_refused, 1, "write_timeout", NULL, NULL);
    vgw_conn_close(c);
}

static void start_linger(struct conn *c)
{
    if (c->eof || shutdown(c->fd, SHUT_WR) < 0) {
        vgw_conn_close(c);
        return;
    }
    c->state = CONN_LINGER;
    vgw_buf_done(&c->in);
    (void)vgw_timer_start(&c->timer, LINGER_US);
}

void vgw_conn_flush(struct conn *c)
{
    size_t sent = 0;
    while (c->state != CONN_CLOSED && sent < c->out.len) {
        ssize_t n = send(c->fd, c->out.data + sent, c->out.len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (n <= 0) {
            vgw_conn_close(c);
            return;
        }
        sent += (size_t)n;
    }
    if (c->state == CONN_CLOSED)
        return;
    if (sent == c->out.len) {
        vgw_timer_stop(&c->write_timer);
        if (c->out.cap > OUT_KEEP)
            vgw_buf_done(&c->out);
        vgw_buf_reset(&c->out);
        c->out.limit = OUT_MAX;
        if (c->state == CONN_FLUSH)
            start_linger(c);
        return;
    }
    vgw_buf_consume(&c->out, sent);
    if (sent > 0 || !vgw_timer_armed(&c->write_timer))
        (void)vgw_timer_start(&c->write_timer, c->front->limits.write_timeout_us);
}

/* ---- what is waited for ---- */

static void await_head(struct conn *c)
{
    c->state = CONN_HEAD;
    c->scanned = 0;
    c->head_started = false;
    if (c->in.len == 0)
        vgw_buf_done(&c->in);
    vgw_buf_done(&c->body);
    (void)vgw_timer_start(&c->timer, c->front->limits.idle_timeout_us);
}

void vgw_conn_answered(struct conn *c)
{
    if (c->state == CONN_ANSWER)
        c->front->exchange_count--;
    if (c->state == CONN_STREAM)
        c->front->stream_count--;
    next_generation(c);
    vgw_http_request_free(c->request);
    c->request = NULL;
    c->upgrade = false;
    vgw_timer_stop(&c->timer);
    if (c->keep && !c->eof)
        await_head(c);
    else if (c->keep && c->in.len > 0)
        await_head(c); /* sent before the end of input: still to be served */
    else
        c->state = CONN_FLUSH;
}

static unsigned wanted(const struct conn *c)
{
    /* A stream that was told to wait goes on when the kernel has it all, and that may be so by now. */
    unsigned want = c->out.len || (c->state == CONN_STREAM && c->stream_waits) ? VGW_IO_WRITE : 0;
    if (c->eof)
        return want;
    switch (c->state) {
    case CONN_HEAD:
        return c->out.len < OUT_PAUSE ? want | VGW_IO_READ : want;
    case CONN_BODY:
    case CONN_LINGER:
        return want | VGW_IO_READ;
    case CONN_ANSWER:
    case CONN_STREAM:
        return c->in.len < IN_MAX ? want | VGW_IO_READ : want;
    default:
        return want;
    }
}

void vgw_conn_update(struct conn *c)
{
    vgw_conn_enter(c);
    process(c);
    if (c->state != CONN_CLOSED && c->out.len)
        vgw_conn_flush(c);
    else if (c->state == CONN_FLUSH)
        start_linger(c);
    /* Room again in the way out: what waits on the way in can be served. */
    if (c->state == CONN_HEAD && c->in.len && c->out.len < OUT_PAUSE)
        process(c);
    if (c->state == CONN_HEAD && c->eof) {
        if (c->out.len)
            c->state = CONN_FLUSH;
        else
            vgw_conn_close(c);
    }
    if (c->state != CONN_CLOSED) {
        if (c->out.len && !vgw_timer_armed(&c->write_timer))
            (void)vgw_timer_start(&c->write_timer, c->front->limits.write_timeout_us);
        unsigned want = wanted(c);
        if (want != c->want && vgw_io_want(c->io, want) < 0)
            vgw_conn_close(c);
        else
            c->want = want;
    }
    vgw_conn_leave(c);
}

/* ---- requests ---- */

void vgw_conn_refuse(struct conn *c, const struct vgw_http_refusal *refusal)
{
    struct vgw_buf body = {0};
    static const char *const version[] = {"Sec-WebSocket-Version: 13", "Upgrade: websocket", NULL};
    vgw_metric_add(c->front->m_refused, 1, refusal->reason, NULL, NULL);
    vgw_http_problem_json(&body, refusal->status, refusal->detail, NULL);
    struct vgw_http_response r = {.status = refusal->status,
                                  .content_type = "application/problem+json",
                                  .body = body.data,
                                  .body_len = body.len,
                                  .close = true};
    if (refusal->status == 426)
        r.headers = version;
    if (body.failed || vgw_conn_write_answer(c, &r) < 0)
        vgw_conn_close(c);
    vgw_buf_done(&body);
    if (c->state == CONN_CLOSED)
        return;
    c->keep = false;
    vgw_conn_answered(c);
    c->state = CONN_FLUSH;
}

static void dispatch(struct conn *c)
{
    struct vgw_front *f = c->front;
    next_generation(c);
    c->state = CONN_ANSWER;
    f->exchange_count++;
    (void)vgw_timer_start(&c->timer, f->limits.answer_timeout_us);
    if (c->body.len) {
        c->request->body_len = c->body.len;
        c->request->body = c->request->body_owned = vgw_buf_take(&c->body);
    }
    vgw_buf_done(&c->body);
    if (!c->upgrade)
        f->handler.on_request(f->handler.arg, vgw_conn_exchange(c), c->request);
    else if (f->handler.on_upgrade)
        f->handler.on_upgrade(f->handler.arg, vgw_conn_exchange(c), c->request);
    else
        (void)vgw_front_reply_problem(f, vgw_conn_exchange(c), 404, "No WebSocket is served here.", NULL);
}

static bool has_body(const struct vgw_http_request *r)
{
    return r->chunked || r->content_length > 0;
}

static void on_head(struct conn *c)
{
    struct vgw_front *f = c->front;
    struct vgw_http_refusal refusal;
    struct vgw_http_request *r = c->request;
    vgw_conn_fill_peer(c);
    c->requests++;
    c->keep = r->keep_alive && c->requests < f->limits.max_requests && (!f->draining || c->kept_listener);
    int rc = vgw_http_check_upgrade(r, &refusal);
    if (rc == VGW_EINVALID) {
        vgw_conn_refuse(c, &refusal);
        return;
    }
    c->upgrade = r->upgrade = rc == 0;
    if (!has_body(r)) {
        dispatch(c);
        return;
    }
    size_t limit = f->handler.body_limit ? f->handler.body_limit(f->handler.arg, r) : 0;
    c->body_limit = limit ? limit : f->limits.max_body_bytes;
    if (r->content_length > 0 && (uint64_t)r->content_length > c->body_limit) {
        refusal = (struct vgw_http_refusal){413, "The body is larger than this route takes.", "too_large"};
        vgw_conn_refuse(c, &refusal);
        return;
    }
    c->body = (struct vgw_buf){.limit = c->body_limit + 1};
    c->chunked = (struct vgw_chunked){.limit = c->body_limit};
    c->state = CONN_BODY;
    (void)vgw_timer_start(&c->timer, f->limits.body_timeout_us);
    if (r->expect_continue && c->in.len == 0)
        vgw_buf_adds(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
}

/* True when a step was made and the next may follow. */
static bool read_head(struct conn *c)
{
    struct vgw_http_refusal refusal;
    if (c->in.len == 0)
        return false;
    if (!c->head_started) {
        c->head_started = true;
        if (c->requests > 0)
            (void)vgw_timer_start(&c->timer, c->front->limits.head_timeout_us);
    }
    long n = vgw_head_find(c->in.data, c->in.len, &c->scanned, &refusal);
    if (n == 0)
        return false;
    if (n < 0 || vgw_head_parse(c->in.data, (size_t)n, &c->request, &refusal) < 0) {
        vgw_conn_refuse(c, &refusal);
        return false;
    }
    vgw_buf_consume(&c->in, (size_t)n);
    on_head(c);
    return true;
}

static bool read_body(struct conn *c)
{
    struct vgw_http_refusal refusal;
    bool done = false;
    long n;
    if (c->in.len == 0)
        return false;
    if (c->request->chunked) {
        n = vgw_chunked_feed(&c->chunked, c->in.data, c->in.len, &c->body, &done, &refusal);
    } else {
        size_t left = (size_t)c->request->content_length - c->body.len;
        n = (long)(c->in.len < left ? c->in.len : left);
        vgw_buf_add(&c->body, c->in.data, (size_t)n);
        done = (size_t)n == left;
        if (c->body.failed) {
            refusal = (struct vgw_http_refusal){503, "The gateway is out of memory.", "memory"};
            n = -1;
        }
    }
    if (n < 0) {
        vgw_conn_refuse(c, &refusal);
        return false;
    }
    vgw_buf_consume(&c->in, (size_t)n);
    if (done)
        dispatch(c);
    return done;
}

static void process(struct conn *c)
{
    bool more = true;
    if (c->busy > 1)
        return; /* the loop further up goes on */
    while (more) {
        if (c->state == CONN_HEAD)
            more = c->out.len < OUT_PAUSE && read_head(c);
        else if (c->state == CONN_BODY)
            more = read_body(c);
        else
            more = false;
    }
}

/* ---- events ---- */

static void on_deadline(void *arg)
{
    struct conn *c = arg;
    vgw_conn_enter(c);
    struct vgw_http_refusal late = {408, "The request did not arrive in time.", "timeout"};
    if (c->state == CONN_ANSWER) {
        vgw_metric_add(c->front->m_refused, 1, "answer_timeout", NULL, NULL);
        (void)vgw_front_reply_problem(c->front, vgw_conn_exchange(c), 504, "The gateway did not answer in time.", NULL);
    } else if (c->state == CONN_BODY || (c->state == CONN_HEAD && c->head_started)) {
        vgw_conn_refuse(c, &late);
    } else {
        vgw_conn_close(c);
    }
    c->busy--;
    vgw_conn_update(c);
}

static void on_eof(struct conn *c)
{
    c->eof = true;
    if (c->state == CONN_BODY || c->state == CONN_STREAM || c->state == CONN_LINGER)
        vgw_conn_close(c);
}

static void read_some(struct conn *c)
{
    char piece[16 * 1024];
    ssize_t n = recv(c->fd, piece, sizeof piece, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (n < 0) {
        vgw_conn_close(c);
        return;
    }
    if (n == 0) {
        on_eof(c);
        return;
    }
    if (c->state == CONN_LINGER) {
        c->lingered += (size_t)n;
        if (c->lingered > LINGER_MAX)
            vgw_conn_close(c);
        return;
    }
    vgw_buf_add(&c->in, piece, (size_t)n);
    if (c->in.failed)
        vgw_conn_close(c);
}

static void on_io(void *arg, unsigned events)
{
    struct conn *c = arg;
    vgw_conn_enter(c);
    if (events & VGW_IO_WRITE)
        vgw_conn_flush(c);
    if (c->state == CONN_STREAM && c->stream_waits && c->out.len == 0) {
        c->stream_waits = false;
        if (c->stream.on_drained)
            c->stream.on_drained(c->stream.arg, vgw_conn_exchange(c));
    }
    if ((events & VGW_IO_READ) && c->state != CONN_CLOSED && !c->eof)
        read_some(c);
    c->busy--;
    vgw_conn_update(c);
}

static void tune_socket(int fd, const struct vgw_peer *peer)
{
    int one = 1;
    if (!peer->is_unix && !peer->tls)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

int vgw_conn_new(struct vgw_front *f, int fd, const struct vgw_peer *peer, bool kept_listener)
{
    struct conn *c;
    bool counted = !peer->is_unix && !vgw_addr_is_loopback(&peer->addr) && !vgw_front_trusts(f, &peer->addr);
    if (f->free_len == 0 || !VGW_NEW(c))
        return VGW_ELIMIT;
    c->io = vgw_io_new(f->loop, fd, on_io, c);
    if (!c->io || (counted && !vgw_front_address_enter(f, &peer->addr))) {
        vgw_io_free(c->io);
        vgw_free(c);
        return VGW_ELIMIT;
    }
    tune_socket(fd, peer);
    c->front = f;
    c->fd = fd;
    c->peer = *peer;
    c->counted = counted;
    c->kept_listener = kept_listener;
    c->slot = f->free_slots[--f->free_len];
    f->slots[c->slot] = c;
    next_generation(c);
    vgw_list_append(&f->conns, &c->link);
    vgw_buf_init(&c->in, IN_MAX + 16 * 1024);
    vgw_buf_init(&c->out, OUT_MAX);
    vgw_timer_init(&c->timer, f->loop, on_deadline, c);
    vgw_timer_init(&c->write_timer, f->loop, on_write_timer, c);
    (void)vgw_timer_start(&c->timer, f->limits.head_timeout_us);
    f->conn_count++;
    vgw_metric_set(f->m_conns, f->conn_count, NULL, NULL, NULL);
    vgw_conn_update(c);
    return 0;
}
