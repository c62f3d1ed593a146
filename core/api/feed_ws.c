/* feed_ws.c - the event feed over WebSocket. The feed reads the log on control; its socket lives on the side loop. Both
 * ends share one counted link: control sends batches of events, the side says how much of them the client has taken. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/inside.h"
#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"

#define WINDOW 256               /* events on their way to one client before its feed waits */
#define QUEUE_BYTES (256 * 1024) /* of one socket */
#define TRY_AGAIN 1013
#define GOING_AWAY 1001
#define POLICY 1008

struct link {
    atomic_int refs;
    struct vgw_loop *control, *side;
    void *env_arg;
    struct vgw_ws_hub *(*hub_of)(void *arg, struct vgw_loop *side);
    struct ws_feed *feed; /* control: NULL once the feed is gone */
    /* side */
    struct vgw_ws_seat seat;
    struct vgw_ws_hub *hub;
    uint64_t ws;           /* 0: not open, or gone */
    struct vgw_list queue; /* of struct parcel: the client has no room for them yet */
    uint64_t last_id;
    unsigned close_code;
    char close_reason[64];
};
struct ws_feed {
    struct vgw_api_feed feed;
    struct link *link;
    unsigned under_way;
};
/* An event on its way. */
struct parcel {
    struct vgw_list node;
    struct link *link;
    struct vgw_event *event;
    const char *text;
    size_t len;
    unsigned count; /* on the way back: events that were taken */
};

static struct link *link_ref(struct link *l)
{
    atomic_fetch_add(&l->refs, 1);
    return l;
}

static void link_unref(struct link *l)
{
    if (atomic_fetch_sub(&l->refs, 1) == 1)
        vgw_free(l);
}

static void parcel_free(struct parcel *p)
{
    vgw_event_unref(p->event);
    link_unref(p->link);
    vgw_free(p);
}

static void pump(struct ws_feed *f);

/* ---- side ---- */

/* A parcel goes home: its memory and the room it took. */
static void on_taken(void *arg)
{
    struct parcel *p = arg;
    struct ws_feed *f = p->link->feed;
    if (f) {
        bool waits = f->feed.blocked_since_us != 0;
        f->under_way -= f->under_way ? 1 : 0;
        vgw_api_feed_took(&f->feed);
        if (f->under_way <= WINDOW / 2)
            pump(f);
        else if (waits) /* until half of the window is free: a client that takes no more from here on is slow too */
            vgw_api_feed_blocked(&f->feed);
    }
    parcel_free(p);
}

static void give_back(struct parcel *p)
{
    struct link *l = p->link;
    if (vgw_loop_call(l->control, on_taken, p) != VGW_OK) {
        vgw_metric_dropped("feed_report");
        parcel_free(p);
    }
}

static void close_now(struct link *l)
{
    char reason[124];
    if (!l->ws || !l->close_code)
        return;
    snprintf(reason, sizeof reason, "last id %llu%s%s", (unsigned long long)l->last_id, l->close_reason[0] ? ": " : "",
             l->close_reason);
    vgw_ws_close(l->hub, l->ws, l->close_code, reason);
}

static void send_queue(struct link *l)
{
    while (l->ws && !vgw_list_empty(&l->queue)) {
        struct parcel *p = VGW_CONTAINER_OF(l->queue.next, struct parcel, node);
        int status = vgw_ws_send(l->hub, l->ws, VGW_WS_TEXT, p->text, p->len);
        if (status == VGW_EBUSY)
            return;
        if (status == VGW_OK)
            l->last_id = p->event->id;
        vgw_list_remove(&p->node);
        give_back(p);
    }
}

static void drop_queue(struct link *l)
{
    struct vgw_list *node;
    while ((node = vgw_list_pop(&l->queue)))
        give_back(VGW_CONTAINER_OF(node, struct parcel, node));
}

static void on_gone(void *arg)
{
    struct link *l = arg;
    if (l->feed) {
        struct ws_feed *f = l->feed;
        l->feed = NULL;
        vgw_api_feed_done(&f->feed);
        vgw_free(f);
        link_unref(l);
    }
    link_unref(l);
}

/* The socket is over, or never was: control is told once. The side's reference travels with it. */
static void side_over(struct link *l)
{
    l->ws = 0;
    drop_queue(l);
    if (vgw_loop_call(l->control, on_gone, l) != VGW_OK)
        vgw_metric_dropped("feed_report");
}

static void on_ws_message(void *arg, uint64_t ws, enum vgw_ws_kind kind, const void *data, size_t len)
{
    /* Nothing is expected of a client; what it says is passed over. */
}

static void on_ws_writable(void *arg, uint64_t ws)
{
    send_queue(arg);
}

static void on_ws_close(void *arg, uint64_t ws, unsigned code, const char *reason)
{
    side_over(arg);
}

static const struct vgw_ws_events ws_events = {
    .on_message = on_ws_message, .on_writable = on_ws_writable, .on_close = on_ws_close};

static void side_open(void *arg)
{
    struct link *l = arg;
    struct vgw_ws_options options = {.max_message_bytes = 4096, .queue_bytes = QUEUE_BYTES};
    l->hub = l->hub_of(l->env_arg, l->side);
    if (!l->hub) {
        close(l->seat.fd);
        side_over(l);
        return;
    }
    if (vgw_ws_adopt(l->hub, &l->seat, &options, &ws_events, l, &l->ws) != VGW_OK)
        side_over(l);
}

static void side_send(void *arg)
{
    struct parcel *p = arg;
    struct link *l = p->link;
    if (!l->ws) {
        give_back(p);
        return;
    }
    vgw_list_append(&l->queue, &p->node);
    if (l->queue.next == &p->node)
        send_queue(l);
}

struct closing {
    struct link *link;
    unsigned code;
    char reason[64];
};

static void side_close(void *arg)
{
    struct closing *c = arg;
    struct link *l = c->link;
    l->close_code = c->code;
    vgw_strcopy(l->close_reason, sizeof l->close_reason, c->reason);
    drop_queue(l);
    close_now(l);
    link_unref(l);
    vgw_free(c);
}

/* ---- control ---- */

static void end_feed(struct ws_feed *f, unsigned code, const char *reason)
{
    struct link *l = f->link;
    struct closing *c;
    l->feed = NULL;
    vgw_api_feed_done(&f->feed);
    vgw_free(f);
    if (VGW_NEW(c)) {
        c->link = link_ref(l);
        c->code = code;
        vgw_strcopy(c->reason, sizeof c->reason, reason);
        if (vgw_loop_call(l->side, side_close, c) != VGW_OK) {
            link_unref(l);
            vgw_free(c);
        }
    }
    link_unref(l);
}

static void ws_cut(struct vgw_api_feed *feed, const char *reason)
{
    struct ws_feed *f = VGW_CONTAINER_OF(feed, struct ws_feed, feed);
    end_feed(f, strstr(reason, "token") ? POLICY : GOING_AWAY, reason);
}

static void too_slow(struct ws_feed *f, const char *reason)
{
    vgw_metric_dropped("slow_feed");
    end_feed(f, TRY_AGAIN, reason);
}

static bool send_event(struct ws_feed *f, struct vgw_event *e)
{
    struct parcel *p;
    if (!VGW_NEW(p))
        return false;
    p->link = link_ref(f->link);
    p->event = vgw_event_ref(e);
    p->text = vgw_event_text(e, &p->len);
    if (p->text && vgw_loop_call(f->link->side, side_send, p) == VGW_OK) {
        f->under_way++;
        return true;
    }
    parcel_free(p);
    return false;
}

static void pump(struct ws_feed *f)
{
    struct vgw_event *e;
    const char *reason;
    while (f->under_way < WINDOW) {
        enum vgw_feed_result result = vgw_api_feed_next(&f->feed, &e, &reason);
        if (result == VGW_FEED_EMPTY)
            return;
        if (result == VGW_FEED_GAP || (vgw_feed_filter_takes(&f->feed.filter, f->feed.grant, e) && !send_event(f, e))) {
            too_slow(f, reason);
            return;
        }
    }
    vgw_api_feed_blocked(&f->feed);
    vgw_timer_start(&f->feed.timer, VGW_API_LOOK_US);
}

static void ws_wake(struct vgw_api_feed *feed)
{
    struct ws_feed *f = VGW_CONTAINER_OF(feed, struct ws_feed, feed);
    if (f->under_way < WINDOW)
        pump(f);
}

static void on_timer(void *arg)
{
    struct ws_feed *f = arg;
    if (!f->feed.blocked_since_us)
        return;
    if (vgw_api_feed_is_slow(&f->feed))
        too_slow(f, "the client is too slow");
    else
        vgw_timer_start(&f->feed.timer, VGW_API_LOOK_US);
}

static struct ws_feed *feed_new(struct vgw_api *api)
{
    struct ws_feed *f;
    struct link *l;
    if (!VGW_NEW(f))
        return NULL;
    if (!VGW_NEW(l)) {
        vgw_free(f);
        return NULL;
    }
    atomic_init(&l->refs, 2);
    l->control = api->env.loop;
    l->side = api->env.side;
    l->env_arg = api->env.arg;
    l->hub_of = api->env.hub;
    l->feed = f;
    vgw_list_init(&l->queue);
    f->link = l;
    return f;
}

static void feed_drop(struct ws_feed *f)
{
    vgw_api_feed_done(&f->feed);
    vgw_free(f->link);
    vgw_free(f);
}

static void ws_opened(struct vgw_api_feed *feed, bool ok)
{
    struct ws_feed *f = VGW_CONTAINER_OF(feed, struct ws_feed, feed);
    struct vgw_api *api = feed->api;
    if (!ok) {
        feed_drop(f);
        return;
    }
    vgw_timer_init(&feed->timer, api->env.loop, on_timer, f);
    if (vgw_front_upgrade(api->front, feed->exchange, &f->link->seat) != VGW_OK) {
        feed_drop(f);
        return;
    }
    f->link->last_id = vgw_api_feed_last(feed);
    if (vgw_loop_call(api->env.side, side_open, f->link) == VGW_OK) {
        if (feed->past) /* the ring wakes its feeds by itself */
            pump(f);
        return;
    }
    close(f->link->seat.fd);
    feed_drop(f);
}

void vgw_api_feed_ws(struct vgw_api *api, uint64_t exchange, const struct vgw_http_request *http,
                     struct vgw_grant *grant)
{
    struct ws_feed *f = api->env.side && api->env.hub ? feed_new(api) : NULL;
    if (!f) {
        vgw_api_refuse(api, exchange, 503, "no WebSocket feed can be opened now; server-sent events may do", NULL);
        return;
    }
    f->feed.cut = ws_cut;
    f->feed.wake = ws_wake;
    f->feed.opened = ws_opened;
    vgw_api_feed_open(api, &f->feed, exchange, http, grant);
}
