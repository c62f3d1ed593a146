/* server.c - a small server over the front door and the WebSocket hub, for the tests beside it.
 *
 *   server [--tls CERT KEY] [--head-ms N] [--body-ms N] [--idle-ms N] [--unix PATH]
 *
 * Prints "port N" (and "tls N") when it listens; ends when its standard input ends. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "loop/loop.h"
#include "loop/pool.h"
#include "net/client.h"
#include "net/front.h"
#include "net/tls.h"
#include "net/ws.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POUR (8u << 20)         /* bytes of /pour */
#define POUR_QUEUED (64u << 10) /* that wait before it does */

static struct {
    struct vgw_loop *control, *worker;
    struct vgw_pool *pool;
    struct vgw_front *front;
    struct vgw_ws_hub *hub; /* worker */
    struct vgw_client *client;
    struct vgw_policy *policy;
    struct vgw_tls_server *tls;
    struct vgw_tls_thread *tls_thread;
    struct vgw_timer timer;
    struct vgw_io *input;
    uint64_t later;
    unsigned ticks;
    uint64_t stream;
    int64_t fetch_timeout_us;
    size_t poured;
} app = {.fetch_timeout_us = 60000000};

static void text_reply(uint64_t x, int status, const char *text, size_t len)
{
    struct vgw_http_response r = {.status = status, .content_type = "text/plain", .body = text, .body_len = len};
    (void)vgw_front_reply(app.front, x, &r);
}

static void on_later(void *arg)
{
    (void)arg;
    if (app.stream) {
        char line[64];
        int n = snprintf(line, sizeof line, "data: %u\n\n", app.ticks);
        if (app.ticks++ < 3) {
            (void)vgw_front_stream_write(app.front, app.stream, line, (size_t)n);
            (void)vgw_timer_start(&app.timer, 10000);
        } else {
            (void)vgw_front_stream_end(app.front, app.stream);
            app.stream = 0;
        }
        return;
    }
    text_reply(app.later, 200, "later\n", 6);
}

static void on_stream_closed(void *arg, uint64_t x)
{
    (void)arg;
    if (app.stream == x)
        app.stream = 0;
}

static void flood(uint64_t x)
{
    static char block[64 * 1024];
    static const struct vgw_front_stream none = {0};
    struct vgw_http_response r = {.status = 200, .content_type = "text/plain"};
    size_t total = 0;
    memset(block, 'x', sizeof block);
    if (vgw_front_stream(app.front, x, &r, &none) < 0)
        return;
    while (vgw_front_stream_write(app.front, x, block, sizeof block) == 0)
        total += sizeof block;
    fprintf(stderr, "flood took %zu\n", total);
    (void)vgw_front_stream_end(app.front, x);
}

/* Writes as an event feed does: until so much waits, and on once all is with the kernel. */
static void pour(void *arg, uint64_t x)
{
    static char block[4096];
    (void)arg;
    while (app.poured < POUR && vgw_front_stream_queued(app.front, x) < POUR_QUEUED) {
        memset(block, 'z', sizeof block);
        if (vgw_front_stream_write(app.front, x, block, sizeof block) < 0)
            return;
        app.poured += sizeof block;
    }
    if (app.poured == POUR)
        (void)vgw_front_stream_end(app.front, x);
}

static void begin_to_pour(uint64_t x)
{
    static const struct vgw_front_stream stream = {.on_drained = pour};
    struct vgw_http_response r = {.status = 200, .content_type = "text/plain"};
    app.poured = 0;
    if (vgw_front_stream(app.front, x, &r, &stream) == 0)
        pour(NULL, x);
}

struct proxied {
    uint64_t exchange;
};

static void on_fetched(void *arg, const struct vgw_client_result *result)
{
    struct proxied *p = arg;
    struct vgw_buf out = {0};
    vgw_buf_printf(&out, "%d %d %zu %s\n", result->status, result->http_status, result->body_len, result->sentence);
    text_reply(p->exchange, 200, vgw_buf_str(&out), out.len);
    vgw_buf_done(&out);
    vgw_free(p);
}

static void fetch(uint64_t x, const struct vgw_http_request *request)
{
    struct proxied *p;
    struct vgw_error err = {0};
    char *url = vgw_http_query(request, "url");
    if (!VGW_NEW(p))
        return;
    p->exchange = x;
    bool trusted = strstr(request->query, "trusted=1") != NULL;
    struct vgw_client_request r = {.method = "GET",
                                   .url = url,
                                   .timeout_us = app.fetch_timeout_us,
                                   .max_body_bytes = 100000,
                                   .trusted = trusted,
                                   .follow = true,
                                   .on_done = on_fetched,
                                   .arg = p};
    if (vgw_client_send(app.client, &r, NULL, &err) < 0) {
        text_reply(x, 400, err.text, strlen(err.text));
        vgw_free(p);
    }
    vgw_free(url);
}

/* ---- WebSocket client: connects on the worker, says one word, answers with what came back ---- */

struct dial {
    uint64_t exchange;
    char *url;
    bool trusted;
    char text[300];
};

static void dial_answer(void *arg)
{
    struct dial *d = arg;
    text_reply(d->exchange, 200, d->text, strlen(d->text));
    vgw_free(d->url);
    vgw_free(d);
}

static void on_dial_open(void *arg, uint64_t ws)
{
    (void)arg;
    (void)vgw_ws_send(app.hub, ws, VGW_WS_TEXT, "word", 4);
}

static void on_dial_message(void *arg, uint64_t ws, enum vgw_ws_kind kind, const void *data, size_t len)
{
    struct dial *d = arg;
    (void)kind;
    (void)snprintf(d->text, sizeof d->text, "heard %.*s", (int)(len < 200 ? len : 200), (const char *)data);
    (void)vgw_ws_close(app.hub, ws, 1000, "done");
}

static void on_dial_close(void *arg, uint64_t ws, unsigned code, const char *reason)
{
    struct dial *d = arg;
    size_t used = strlen(d->text);
    (void)ws;
    (void)snprintf(d->text + used, sizeof d->text - used, " closed %u %s", code, reason);
    (void)vgw_loop_call(app.control, dial_answer, d);
}

static const struct vgw_ws_events dial_events = {
    .on_open = on_dial_open, .on_message = on_dial_message, .on_close = on_dial_close};

static void dial_on_worker(void *arg)
{
    static const char *const headers[] = {"X-Test: yes", NULL};
    struct dial *d = arg;
    struct vgw_error err = {0};
    struct vgw_ws_target t = {.url = d->url, .headers = headers, .trusted = d->trusted, .pool = app.pool};
    if (vgw_ws_connect(app.hub, &t, &dial_events, d, NULL, &err) < 0) {
        (void)snprintf(d->text, sizeof d->text, "refused %.200s", err.text);
        (void)vgw_loop_call(app.control, dial_answer, d);
    }
}

static void dial(uint64_t x, const struct vgw_http_request *request)
{
    struct dial *d;
    if (!VGW_NEW(d))
        return;
    d->exchange = x;
    d->url = vgw_http_query(request, "url");
    d->trusted = strstr(request->query, "trusted=1") != NULL;
    if (vgw_loop_call(app.worker, dial_on_worker, d) < 0)
        vgw_free(d);
}

static void describe(uint64_t x, const struct vgw_http_request *r)
{
    struct vgw_buf out = {0};
    vgw_buf_printf(&out, "%s %s ?%s remote=%s flags=%u body=%zu:", r->method, r->path, r->query, r->remote, r->flags,
                   r->body_len);
    vgw_buf_add(&out, r->body, r->body_len);
    text_reply(x, 200, vgw_buf_str(&out), out.len);
    vgw_buf_done(&out);
}

static void on_request(void *arg, uint64_t x, const struct vgw_http_request *r)
{
    static const struct vgw_front_stream stream = {.on_closed = on_stream_closed};
    (void)arg;
    if (vgw_streq(r->path, "/later")) {
        app.later = x;
        (void)vgw_timer_start(&app.timer, 20000);
    } else if (vgw_streq(r->path, "/stream")) {
        struct vgw_http_response head = {.status = 200, .content_type = "text/event-stream"};
        if (vgw_front_stream(app.front, x, &head, &stream) == 0) {
            app.stream = x;
            app.ticks = 0;
            (void)vgw_timer_start(&app.timer, 10000);
        }
    } else if (vgw_streq(r->path, "/never")) {
        return;
    } else if (vgw_streq(r->path, "/flood")) {
        flood(x);
    } else if (vgw_streq(r->path, "/pour")) {
        begin_to_pour(x);
    } else if (vgw_streq(r->path, "/dial")) {
        dial(x, r);
    } else if (vgw_streq(r->path, "/fetch")) {
        fetch(x, r);
    } else if (vgw_streq(r->path, "/problem")) {
        (void)vgw_front_reply_problem(app.front, x, 404, "nothing here", NULL);
    } else if (vgw_streq(r->path, "/drain")) {
        text_reply(x, 200, "draining\n", 9);
        vgw_front_drain(app.front);
    } else {
        describe(x, r);
    }
}

/* ---- WebSocket: on the worker ---- */

static uint64_t last_closed;

static void on_message(void *arg, uint64_t ws, enum vgw_ws_kind kind, const void *data, size_t len)
{
    (void)arg;
    if (kind == VGW_WS_TEXT && len > 6 && !memcmp(data, "close ", 6)) {
        char code[8];
        int64_t number = 1000;
        (void)vgw_strncopy(code, sizeof code, (const char *)data + 6, len - 6);
        (void)vgw_parse_i64(code, &number);
        (void)vgw_ws_close(app.hub, ws, (unsigned)number, "as you wish");
        return;
    }
    if (kind == VGW_WS_TEXT && len == 5 && !memcmp(data, "stale", 5)) {
        bool stale = last_closed && vgw_ws_send(app.hub, last_closed, VGW_WS_TEXT, "x", 1) == VGW_ENOTFOUND;
        (void)vgw_ws_send(app.hub, ws, VGW_WS_TEXT, stale ? "stale" : "alive", 5);
        return;
    }
    if (kind == VGW_WS_TEXT && len == 5 && !memcmp(data, "flood", 5)) {
        char block[1000];
        char answer[64];
        unsigned sent = 0;
        memset(block, 'y', sizeof block);
        while (sent < 100000 && vgw_ws_send(app.hub, ws, VGW_WS_TEXT, block, sizeof block) == 0)
            sent++;
        (void)snprintf(answer, sizeof answer, "queued %zu", vgw_ws_queued(app.hub, ws));
        fprintf(stderr, "ws flood: %u messages, %s\n", sent, answer);
        return;
    }
    (void)vgw_ws_send(app.hub, ws, kind, data, len);
}

static void on_close(void *arg, uint64_t ws, unsigned code, const char *reason)
{
    (void)arg;
    last_closed = ws;
    fprintf(stderr, "ws closed %u %s\n", code, reason);
}

static const struct vgw_ws_events echo = {.on_message = on_message, .on_close = on_close};

static void take_seat(void *arg)
{
    struct vgw_ws_seat *seat = arg;
    (void)vgw_ws_adopt(app.hub, seat, NULL, &echo, NULL, NULL);
    vgw_free(seat);
}

static void on_upgrade(void *arg, uint64_t x, const struct vgw_http_request *r)
{
    struct vgw_ws_seat *seat;
    (void)arg;
    if (!vgw_starts_with(r->path, "/ws")) {
        (void)vgw_front_reply_problem(app.front, x, 404, "no such stream", NULL);
        return;
    }
    if (!VGW_NEW(seat))
        return;
    if (vgw_front_upgrade(app.front, x, seat) < 0 || vgw_loop_call(app.worker, take_seat, seat) < 0)
        vgw_free(seat);
}

/* ---- life ---- */

static void setup(struct vgw_loop *loop, void *arg)
{
    struct vgw_error err = {0};
    struct vgw_ws_limits limits = {.max_message_bytes = 70000};
    (void)arg;
    if (vgw_ws_hub_new(loop, &limits, &app.hub, &err) < 0)
        fprintf(stderr, "%s\n", err.text);
}

static void on_input(void *arg, unsigned events)
{
    char text[64];
    (void)arg;
    (void)events;
    if (read(0, text, sizeof text) <= 0)
        vgw_loop_stop(app.control);
}

struct plain {
    int fd;
    struct vgw_peer peer;
};

static void adopt_plain(void *arg)
{
    struct plain *p = arg;
    (void)vgw_front_adopt(app.front, p->fd, &p->peer);
    vgw_free(p);
}

static void on_plain(void *arg, int fd, const struct vgw_peer *peer)
{
    struct plain *p;
    (void)arg;
    if (!VGW_NEW(p)) {
        close(fd);
        return;
    }
    p->fd = fd;
    p->peer = *peer;
    if (vgw_loop_call(app.control, adopt_plain, p) < 0) {
        close(fd);
        vgw_free(p);
    }
}

static void on_tls_accept(void *arg, int fd, const struct vgw_peer *peer)
{
    (void)arg;
    vgw_tls_thread_take(app.tls_thread, fd, peer);
}

static void on_hub_gone(void *arg)
{
    (void)arg;
    vgw_loop_stop(app.worker);
}

static void close_hub(void *arg)
{
    (void)arg;
    vgw_ws_hub_close(app.hub, on_hub_gone, NULL);
}

static int die(const struct vgw_error *err)
{
    fprintf(stderr, "server: %s\n", err->text);
    return 1;
}

static int64_t option_ms(const char *text)
{
    int64_t ms = 0;
    (void)vgw_parse_i64(text, &ms);
    return ms * 1000;
}

int main(int argc, char **argv)
{
    struct vgw_error err = {0};
    struct vgw_front_limits limits = {.answer_timeout_us = 60000000};
    struct vgw_front_handler handler = {.on_request = on_request, .on_upgrade = on_upgrade};
    const char *cert = NULL, *key = NULL, *unix_path = NULL;
    uint16_t port = 0;
    struct vgw_cidr proxy;
    const char *ca = getenv("TEST_CA");
    if (ca && vgw_tls_store_add_file(ca, &err) < 0)
        return die(&err);
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--tls")) {
            cert = argv[i + 1];
            key = i + 2 < argc ? argv[i + 2] : NULL;
            i++;
        } else if (!strcmp(argv[i], "--head-ms"))
            limits.head_timeout_us = option_ms(argv[i + 1]);
        else if (!strcmp(argv[i], "--body-ms"))
            limits.body_timeout_us = option_ms(argv[i + 1]);
        else if (!strcmp(argv[i], "--idle-ms"))
            limits.idle_timeout_us = option_ms(argv[i + 1]);
        else if (!strcmp(argv[i], "--answer-ms"))
            limits.answer_timeout_us = option_ms(argv[i + 1]);
        else if (!strcmp(argv[i], "--fetch-ms"))
            app.fetch_timeout_us = option_ms(argv[i + 1]);
        else if (!strcmp(argv[i], "--unix"))
            unix_path = argv[i + 1];
    }
    signal(SIGPIPE, SIG_IGN);
    if (vgw_loop_new_control(&app.control, &err) < 0 || vgw_pool_new(1, NULL, &app.pool, &err) < 0 ||
        vgw_loop_new_worker("worker", setup, NULL, &app.worker, &err) < 0 ||
        vgw_front_new(app.control, &handler, &limits, &app.front, &err) < 0)
        return die(&err);
    if (vgw_cidr_parse("127.0.0.1", &proxy, &err) < 0 || vgw_front_trust(app.front, &proxy, 1) < 0)
        return die(&err);
    vgw_timer_init(&app.timer, app.control, on_later, NULL);
    if (vgw_policy_new(NULL, 0, &app.policy, &err) < 0 ||
        vgw_client_new(app.control, app.pool, app.policy, NULL, &app.client, &err) < 0)
        return die(&err);
    if (vgw_front_listen(app.front, &(struct vgw_listen){.address = "127.0.0.1:0"}, &port, &err) < 0)
        return die(&err);
    printf("port %u\n", port);
    if (unix_path) {
        char address[160];
        (void)snprintf(address, sizeof address, "unix:%s", unix_path);
        if (vgw_front_listen(app.front, &(struct vgw_listen){.address = address, .keep_in_drain = true}, NULL, &err) <
            0)
            return die(&err);
    }
    if (cert) {
        if (vgw_tls_server_new(cert, key, &app.tls, &err) < 0 ||
            vgw_tls_thread_new(app.tls, NULL, on_plain, NULL, &app.tls_thread, &err) < 0 ||
            vgw_front_listen(app.front, &(struct vgw_listen){.address = "127.0.0.1:0", .on_accept = on_tls_accept},
                             &port, &err) < 0)
            return die(&err);
        printf("tls %u\n", port);
    }
    printf("ready\n");
    fflush(stdout);
    app.input = vgw_io_new(app.control, 0, on_input, NULL);
    if (app.input)
        (void)vgw_io_want(app.input, VGW_IO_READ);
    vgw_loop_run(app.control);
    vgw_tls_thread_free(app.tls_thread);
    vgw_front_free(app.front);
    vgw_client_free(app.client);
    vgw_io_free(app.input);
    (void)vgw_loop_call(app.worker, close_hub, NULL);
    vgw_loop_free(app.worker);
    vgw_pool_free(app.pool);
    vgw_loop_free(app.control);
    vgw_tls_server_free(app.tls);
    vgw_policy_unref(app.policy);
    return 0;
}
