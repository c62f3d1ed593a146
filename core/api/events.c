/* events.c - the event feed as server-sent events. A feed reads the log at its client's pace; one that takes nothing is
 * cut. */
#include <stdio.h>
#include <string.h>

#include "api/inside.h"
#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"

#define QUEUED_MAX (64 * 1024) /* bytes on their way to one client before its feed waits */
#define BATCH 256              /* events in one turn of the loop, so that a long replay holds nobody up */

struct sse {
    struct vgw_api_feed feed;
    uint64_t exchange;
    struct vgw_task more; /* the rest of a replay, at the loop's next turn */
    bool more_queued, dead;
    bool once; /* ?follow=false: what is kept, and no more */
};

static void sse_free(struct sse *s)
{
    vgw_api_feed_done(&s->feed);
    s->dead = true;
    if (!s->more_queued)
        vgw_free(s);
}

static void sse_cut(struct vgw_api_feed *feed, const char *reason)
{
    struct sse *s = VGW_CONTAINER_OF(feed, struct sse, feed);
    char text[256];
    snprintf(text, sizeof text, ": %.100s; the last event was %llu\n\n", reason,
             (unsigned long long)vgw_feed_last(feed->feed));
    struct vgw_front *front = feed->api->front;
    uint64_t exchange = s->exchange;
    bool slow = vgw_front_stream_queued(front, exchange) > 0;
    if (slow) {
        vgw_metric_dropped("slow_feed");
        vgw_front_stream_abort(front, exchange);
    } else {
        vgw_front_stream_write(front, exchange, text, strlen(text));
        vgw_front_stream_end(front, exchange);
    }
    sse_free(s);
}

static bool write_event(struct sse *s, struct vgw_event *e)
{
    struct vgw_buf text;
    size_t len;
    const char *data = vgw_event_text(e, &len);
    vgw_buf_init(&text, 0);
    vgw_buf_printf(&text, "id: %llu\nevent: %s\ndata: ", (unsigned long long)e->id, e->name);
    vgw_buf_add(&text, data ? data : "{}", data ? len : 2);
    vgw_buf_adds(&text, "\n\n");
    int status =
        text.failed ? VGW_ELIMIT : vgw_front_stream_write(s->feed.api->front, s->exchange, text.data, text.len);
    vgw_buf_done(&text);
    return status == VGW_OK;
}

/* Sends what there is, as far as the client takes it. */
static void pump(struct sse *s)
{
    struct vgw_front *front = s->feed.api->front;
    struct vgw_event *e;
    for (unsigned n = 0; n < BATCH; n++) {
        if (vgw_front_stream_queued(front, s->exchange) >= QUEUED_MAX) {
            if (!s->feed.blocked_since_us)
                s->feed.blocked_since_us = vgw_now(s->feed.api->env.loop);
            return;
        }
        enum vgw_feed_result result = vgw_feed_next(s->feed.feed, &e);
        if (result == VGW_FEED_EMPTY && s->once) {
            vgw_front_stream_end(front, s->exchange);
            sse_free(s);
            return;
        }
        if (result == VGW_FEED_EMPTY)
            return;
        if (result == VGW_FEED_GAP) {
            sse_cut(&s->feed, "the client is too slow");
            return;
        }
        if (vgw_feed_filter_takes(&s->feed.filter, s->feed.grant, e) && !write_event(s, e)) {
            sse_cut(&s->feed, "the client is too slow");
            return;
        }
    }
    s->more_queued = vgw_loop_post(s->feed.api->env.loop, &s->more) || s->more_queued;
}

static void on_more(struct vgw_task *task)
{
    struct sse *s = VGW_CONTAINER_OF(task, struct sse, more);
    s->more_queued = false;
    if (s->dead)
        vgw_free(s);
    else
        pump(s);
}

static void on_wake(void *arg)
{
    pump(arg);
}

static void on_drained(void *arg, uint64_t exchange)
{
    struct sse *s = arg;
    s->feed.blocked_since_us = 0;
    pump(s);
}

static void on_closed(void *arg, uint64_t exchange)
{
    sse_free(arg);
}

static void on_timer(void *arg)
{
    struct sse *s = arg;
    int64_t now_us = vgw_now(s->feed.api->env.loop);
    if (s->feed.blocked_since_us && now_us - s->feed.blocked_since_us >= VGW_API_SLOW_US) {
        sse_cut(&s->feed, "the client is too slow");
        return;
    }
    if (!vgw_front_stream_queued(s->feed.api->front, s->exchange))
        vgw_front_stream_write(s->feed.api->front, s->exchange, ": heartbeat\n\n", 13);
    vgw_timer_start(&s->feed.timer, VGW_API_HEARTBEAT_US);
}

void vgw_api_events(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    static const char *const lines[] = {"Cache-Control: no-store", "X-Accel-Buffering: no", NULL};
    static const char hello[] = "retry: 2000\n\n";
    struct vgw_http_response response = {.status = 200,
                                         .content_type = "text/event-stream",
                                         .headers = lines,
                                         .body = hello,
                                         .body_len = sizeof hello - 1};
    struct sse *s;
    if (!VGW_NEW(s)) {
        vgw_api_fail(r, VGW_ELIMIT, NULL, "out of memory; try again in a moment");
        return;
    }
    s->exchange = r->exchange;
    s->more.fn = on_more;
    char *follow = vgw_api_param(r, "follow");
    s->once = vgw_streq(follow, "false");
    vgw_free(follow);
    if (!vgw_api_feed_open(r->api, &s->feed, r->exchange, http, r->grant, on_wake, s)) {
        vgw_free(s);
        vgw_api_request_free(r);
        return;
    }
    s->feed.cut = sse_cut;
    vgw_timer_init(&s->feed.timer, r->api->env.loop, on_timer, s);
    struct vgw_front_stream stream = {.on_drained = on_drained, .on_closed = on_closed, .arg = s};
    int status = vgw_front_stream(r->api->front, r->exchange, &response, &stream);
    if (status != VGW_OK) {
        sse_free(s);
        if (status == VGW_ELIMIT)
            vgw_api_fail(r, VGW_ELIMIT, NULL, "too many feeds are open; try again later");
        else
            vgw_api_request_free(r);
        return;
    }
    vgw_timer_start(&s->feed.timer, VGW_API_HEARTBEAT_US);
    vgw_api_request_free(r);
}
