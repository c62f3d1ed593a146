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
    struct vgw_api_request *request; /* until it is open */
    struct vgw_task more;            /* the rest of a replay, at the loop's next turn */
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
             (unsigned long long)vgw_api_feed_last(feed));
    struct vgw_front *front = feed->api->front;
    uint64_t exchange = feed->exchange;
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
        text.failed ? VGW_ELIMIT : vgw_front_stream_write(s->feed.api->front, s->feed.exchange, text.data, text.len);
    vgw_buf_done(&text);
    return status == VGW_OK;
}

/* Sends what there is, as far as the client takes it. */
static void pump(struct sse *s)
{
    struct vgw_front *front = s->feed.api->front;
    struct vgw_event *e;
    const char *reason;
    for (unsigned n = 0; n < BATCH; n++) {
        if (vgw_front_stream_queued(front, s->feed.exchange) >= QUEUED_MAX) {
            vgw_api_feed_blocked(&s->feed);
            vgw_timer_start(&s->feed.timer, VGW_API_LOOK_US);
            return;
        }
        enum vgw_feed_result result = vgw_api_feed_next(&s->feed, &e, &reason);
        if (result == VGW_FEED_EMPTY && s->once && !s->feed.past) {
            vgw_front_stream_end(front, s->feed.exchange);
            sse_free(s);
            return;
        }
        if (result == VGW_FEED_EMPTY)
            return;
        if (result == VGW_FEED_GAP ||
            (vgw_feed_filter_takes(&s->feed.filter, s->feed.grant, e) && !write_event(s, e))) {
            sse_cut(&s->feed, reason);
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

static void sse_wake(struct vgw_api_feed *feed)
{
    pump(VGW_CONTAINER_OF(feed, struct sse, feed));
}

static void on_drained(void *arg, uint64_t exchange)
{
    struct sse *s = arg;
    vgw_api_feed_took(&s->feed);
    pump(s);
}

static void on_closed(void *arg, uint64_t exchange)
{
    sse_free(arg);
}

static void on_timer(void *arg)
{
    struct sse *s = arg;
    if (vgw_api_feed_is_slow(&s->feed)) {
        sse_cut(&s->feed, "the client is too slow");
        return;
    }
    struct vgw_front *front = s->feed.api->front;
    if (!vgw_front_stream_queued(front, s->feed.exchange) &&
        vgw_front_stream_write(front, s->feed.exchange, ": heartbeat\n\n", 13) != VGW_OK) {
        sse_free(s);
        return;
    }
    vgw_timer_start(&s->feed.timer, s->feed.blocked_since_us ? VGW_API_LOOK_US : VGW_API_HEARTBEAT_US);
}

static void sse_opened(struct vgw_api_feed *feed, bool ok)
{
    static const char *const lines[] = {"Cache-Control: no-store", "X-Accel-Buffering: no", NULL};
    static const char hello[] = "retry: 2000\n\n";
    struct vgw_http_response response = {.status = 200,
                                         .content_type = "text/event-stream",
                                         .headers = lines,
                                         .body = hello,
                                         .body_len = sizeof hello - 1};
    struct sse *s = VGW_CONTAINER_OF(feed, struct sse, feed);
    struct vgw_api_request *r = s->request;
    s->request = NULL;
    if (!ok) {
        vgw_api_request_free(r);
        vgw_free(s);
        return;
    }
    vgw_timer_init(&feed->timer, r->api->env.loop, on_timer, s);
    struct vgw_front_stream stream = {.on_drained = on_drained, .on_closed = on_closed, .arg = s};
    int status = vgw_front_stream(r->api->front, r->exchange, &response, &stream);
    if (status == VGW_OK) {
        vgw_timer_start(&feed->timer, VGW_API_HEARTBEAT_US);
        if (feed->past) /* the ring wakes its feeds by itself */
            s->more_queued = vgw_loop_post(r->api->env.loop, &s->more);
        vgw_api_request_free(r);
        return;
    }
    sse_free(s);
    if (status == VGW_ELIMIT)
        vgw_api_fail(r, VGW_ELIMIT, NULL, "too many feeds are open; try again later");
    else
        vgw_api_request_free(r);
}

void vgw_api_events(struct vgw_api_request *r, const struct vgw_http_request *http)
{
    struct sse *s;
    if (!VGW_NEW(s)) {
        vgw_api_fail(r, VGW_ELIMIT, NULL, "out of memory; try again in a moment");
        return;
    }
    s->request = r;
    s->more.fn = on_more;
    char *follow = vgw_api_param(r, "follow");
    s->once = vgw_streq(follow, "false");
    vgw_free(follow);
    s->feed.cut = sse_cut;
    s->feed.wake = sse_wake;
    s->feed.opened = sse_opened;
    vgw_api_feed_open(r->api, &s->feed, r->exchange, http, r->grant);
}
