/* answer.c - answers of exchanges: whole, streaming, upgrades. */
#include "net/front_impl.h"
#include "base/alloc.h"
#include "base/str.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const struct vgw_http_request *vgw_front_request(struct vgw_front *f, uint64_t exchange)
{
    struct conn *c = vgw_front_conn(f, exchange);
    return c ? c->request : NULL;
}

static void count_answer(struct vgw_front *f, int status)
{
    static const char *const classes[] = {"1xx", "2xx", "3xx", "4xx", "5xx"};
    if (status >= 100 && status < 600)
        vgw_metric_add(f->m_requests, 1, classes[status / 100 - 1], NULL, NULL);
}

int vgw_conn_write_answer(struct conn *c, const struct vgw_http_response *r)
{
    bool bodiless = r->status == 204 || r->status == 304;
    bool head_only = c->request && !strcmp(c->request->method, "HEAD");
    if (r->close)
        c->keep = false;
    count_answer(c->front, r->status);
    vgw_http_write_head(&c->out, r, bodiless ? -1 : (int64_t)r->body_len, false, c->keep, vgw_wall(c->front->loop));
    if (!bodiless && !head_only)
        vgw_buf_add(&c->out, r->body, r->body_len);
    return c->out.failed ? VGW_ELIMIT : 0;
}

/* The exchange behind a handle, if it waits for an answer. */
static struct conn *waiting(struct vgw_front *f, uint64_t exchange)
{
    struct conn *c = vgw_front_conn(f, exchange);
    return c && c->state == CONN_ANSWER ? c : NULL;
}

static struct conn *streaming(struct vgw_front *f, uint64_t exchange)
{
    struct conn *c = vgw_front_conn(f, exchange);
    return c && c->state == CONN_STREAM ? c : NULL;
}

int vgw_front_reply(struct vgw_front *f, uint64_t exchange, const struct vgw_http_response *response)
{
    struct conn *c = waiting(f, exchange);
    if (!c)
        return VGW_ENOTFOUND;
    if (vgw_conn_write_answer(c, response) < 0) {
        vgw_conn_close(c);
        return VGW_ELIMIT;
    }
    vgw_conn_answered(c);
    if (!c->busy)
        vgw_conn_update(c);
    return 0;
}

int vgw_front_reply_problem(struct vgw_front *f, uint64_t exchange, int status, const char *detail,
                            const char *const *headers)
{
    struct vgw_buf body = {0};
    vgw_http_problem_json(&body, status, detail, NULL);
    struct vgw_http_response r = {.status = status,
                                  .content_type = "application/problem+json",
                                  .headers = headers,
                                  .body = body.data,
                                  .body_len = body.failed ? 0 : body.len};
    int rc = vgw_front_reply(f, exchange, &r);
    vgw_buf_done(&body);
    return rc;
}

static void add_piece(struct conn *c, const void *data, size_t len)
{
    if (len == 0)
        return;
    if (c->stream_chunked)
        vgw_buf_printf(&c->out, "%zx\r\n", len);
    vgw_buf_add(&c->out, data, len);
    if (c->stream_chunked)
        vgw_buf_adds(&c->out, "\r\n");
}

/* Writes what is there. VGW_ENOTFOUND: the client is gone; its owner learns it by that alone, as it is about to free
 * what on_closed() would free. */
static int push(struct conn *c)
{
    struct vgw_front *f = c->front;
    uint64_t exchange = vgw_conn_exchange(c);
    if (c->busy) {
        c->stream_waits = c->stream_waits || c->out.len > 0;
        return VGW_OK;
    }
    void (*on_closed)(void *arg, uint64_t exchange) = c->stream.on_closed;
    c->stream.on_closed = NULL;
    vgw_conn_enter(c);
    vgw_conn_flush(c);
    c->stream_waits = c->state != CONN_CLOSED && c->out.len > 0;
    c->busy--;
    vgw_conn_update(c);
    c = streaming(f, exchange);
    if (!c)
        return VGW_ENOTFOUND;
    c->stream.on_closed = on_closed;
    return VGW_OK;
}

int vgw_front_stream(struct vgw_front *f, uint64_t exchange, const struct vgw_http_response *response,
                     const struct vgw_front_stream *stream)
{
    struct conn *c = waiting(f, exchange);
    if (!c)
        return VGW_ENOTFOUND;
    if (f->stream_count >= f->limits.max_streams)
        return VGW_ELIMIT;
    if (!strcmp(c->request->method, "HEAD")) {
        struct vgw_http_response r = *response;
        r.body_len = 0;
        count_answer(f, r.status);
        vgw_http_write_head(&c->out, &r, -1, c->request->minor >= 1, c->keep, vgw_wall(f->loop));
        vgw_conn_answered(c);
        if (!c->busy)
            vgw_conn_update(c);
        return VGW_EBUSY;
    }
    c->stream_chunked = c->request->minor >= 1;
    if (!c->stream_chunked || response->close)
        c->keep = false;
    count_answer(f, response->status);
    vgw_http_write_head(&c->out, response, -1, c->stream_chunked, c->keep, vgw_wall(f->loop));
    add_piece(c, response->body, response->body_len);
    if (c->out.failed) {
        vgw_conn_close(c);
        return VGW_ELIMIT;
    }
    f->exchange_count--;
    f->stream_count++;
    c->stream = *stream;
    c->stream_waits = false;
    c->state = CONN_STREAM;
    vgw_timer_stop(&c->timer);
    return push(c);
}

int vgw_front_stream_write(struct vgw_front *f, uint64_t exchange, const void *data, size_t len)
{
    struct conn *c = streaming(f, exchange);
    if (!c)
        return VGW_ENOTFOUND;
    if (c->out.len + len > f->limits.stream_buffer_bytes)
        return VGW_ELIMIT;
    add_piece(c, data, len);
    if (c->out.failed) {
        c->stream.on_closed = NULL;
        vgw_conn_close(c);
        return VGW_ENOTFOUND;
    }
    return push(c);
}

size_t vgw_front_stream_queued(struct vgw_front *f, uint64_t exchange)
{
    struct conn *c = streaming(f, exchange);
    return c ? c->out.len : 0;
}

int vgw_front_stream_end(struct vgw_front *f, uint64_t exchange)
{
    struct conn *c = streaming(f, exchange);
    if (!c)
        return VGW_ENOTFOUND;
    if (c->stream_chunked)
        vgw_buf_adds(&c->out, "0\r\n\r\n");
    c->stream = (struct vgw_front_stream){0};
    vgw_conn_answered(c);
    if (!c->busy)
        vgw_conn_update(c);
    return 0;
}

int vgw_front_stream_abort(struct vgw_front *f, uint64_t exchange)
{
    struct conn *c = streaming(f, exchange);
    if (!c)
        return VGW_ENOTFOUND;
    c->stream = (struct vgw_front_stream){0};
    vgw_conn_close(c);
    return 0;
}

static int take_seat(struct conn *c, struct vgw_ws_seat *ret_seat)
{
    if (c->out.len)
        vgw_conn_flush(c);
    if (c->state == CONN_CLOSED)
        return VGW_ENOTFOUND;
    if (c->in.len || c->out.len || c->eof) {
        struct vgw_http_refusal early = {400, "Bytes follow the upgrade request before it was answered.", "upgrade"};
        vgw_conn_refuse(c, &early);
        return VGW_EINVALID;
    }
    struct vgw_ws_seat seat = {.fd = c->fd, .peer = c->peer};
    (void)vgw_strcopy(seat.remote, sizeof seat.remote, c->request->remote);
    int n = snprintf(
        seat.head, sizeof seat.head,
        "GET / HTTP/1.1\r\nHost: voicegw\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: %s\r\n\r\n",
        vgw_http_header(c->request, "sec-websocket-key"));
    if (n < 0 || (size_t)n >= sizeof seat.head)
        return VGW_ELIMIT;
    seat.head_len = (size_t)n;
    count_answer(c->front, 101);
    vgw_conn_detach(c);
    *ret_seat = seat;
    return 0;
}

int vgw_front_upgrade(struct vgw_front *f, uint64_t exchange, struct vgw_ws_seat *ret_seat)
{
    struct conn *c = waiting(f, exchange);
    if (!c)
        return VGW_ENOTFOUND;
    if (!c->upgrade)
        return VGW_EBUSY;
    vgw_conn_enter(c);
    int rc = take_seat(c, ret_seat);
    if (--c->busy == 0)
        vgw_conn_update(c);
    return rc;
}
