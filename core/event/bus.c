#include "event/bus.h"
#include <stdlib.h>
#include "event/journal.h"
#include "event/ring.h"
#include "base/alloc.h"
#include "base/list.h"
#include "base/log.h"
#include "base/metric.h"

/* Debug builds check each event against the catalogue; a release does where VOICEGW_CHECK_EVENTS is set, as in the
 * tests. */
#if defined(VGW_DEBUG) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CHECK_EVENTS 1
#else
#define CHECK_EVENTS 0
#endif

#define PROMISE UINT64_C(1000000)

struct vgw_bus {
    struct vgw_loop *loop;
    struct vgw_ring *ring;
    struct vgw_list subs;
    uint64_t delivered; /* id of the event that subscribers see or have seen last */
    bool delivering, has_dead, checks;
    struct vgw_list waiting, reading; /* feeds */
    size_t feed_count;
    struct vgw_task wake_task;
    uint32_t counts[VGW_EVENT_TYPES + 1]; /* not yet in the metric */
    struct vgw_metric *events_total;
    struct vgw_journal *journal; /* ids are promised there, or NULL */
};

struct vgw_bus_sub {
    struct vgw_list link;
    struct vgw_bus *bus;
    uint64_t types;
    vgw_bus_fn fn; /* NULL: dead */
    void *arg;
    uint64_t from_id; /* published later than the subscription */
};

struct vgw_feed {
    struct vgw_list link;
    struct vgw_bus *bus;
    uint64_t next_id;
    void (*wake)(void *arg);
    void *arg;
};

static int promise_ids(struct vgw_bus *bus)
{
    uint64_t next = vgw_ring_next(bus->ring);
    if (!bus->journal || vgw_journal_mark(bus->journal) > next + PROMISE / 2)
        return VGW_OK;
    return vgw_journal_set_mark(bus->journal, next + PROMISE);
}

int vgw_bus_promise_ids(struct vgw_bus *bus, struct vgw_journal *journal)
{
    bus->journal = journal;
    return promise_ids(bus);
}

static void flush_counts(struct vgw_bus *bus)
{
    for (unsigned type = 0; type <= VGW_EVENT_TYPES; type++) {
        const struct vgw_event_info *info = vgw_event_info(type);
        if (bus->counts[type])
            vgw_metric_add(bus->events_total, bus->counts[type], info ? info->name : "other", NULL, NULL);
        bus->counts[type] = 0;
    }
}

/* Once for all events of a turn: a feed reads them in one go, and publishing stays cheap. */
static void on_wake(struct vgw_task *task)
{
    struct vgw_bus *bus = VGW_CONTAINER_OF(task, struct vgw_bus, wake_task);
    struct vgw_list woken, *node;
    flush_counts(bus);
    promise_ids(bus);
    vgw_list_init(&woken);
    while ((node = vgw_list_pop(&bus->waiting)))
        vgw_list_append(&woken, node);
    while ((node = vgw_list_pop(&woken))) {
        struct vgw_feed *feed = VGW_CONTAINER_OF(node, struct vgw_feed, link);
        vgw_list_append(&bus->reading, node);
        feed->wake(feed->arg);
    }
}

struct vgw_bus *vgw_bus_new(struct vgw_loop *loop, const struct vgw_bus_limits *limits, uint64_t first_id)
{
    struct vgw_bus *bus;
    if (!VGW_NEW(bus))
        return NULL;
    bus->ring = vgw_ring_new(first_id, limits ? limits->keep : 0, limits ? limits->bytes : 0);
    if (!bus->ring) {
        vgw_free(bus);
        return NULL;
    }
    bus->loop = loop;
    bus->checks = CHECK_EVENTS || getenv("VOICEGW_CHECK_EVENTS");
    bus->delivered = vgw_ring_next(bus->ring) - 1;
    bus->wake_task.fn = on_wake;
    vgw_list_init(&bus->subs);
    vgw_list_init(&bus->waiting);
    vgw_list_init(&bus->reading);
    bus->events_total =
        vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_events_total", "Events published, by type.", "type");
    return bus;
}

static void bury(struct vgw_bus *bus)
{
    struct vgw_list *pos, *nxt;
    VGW_LIST_EACH (pos, nxt, &bus->subs) {
        struct vgw_bus_sub *sub = VGW_CONTAINER_OF(pos, struct vgw_bus_sub, link);
        if (!sub->fn) {
            vgw_list_remove(pos);
            vgw_free(sub);
        }
    }
    bus->has_dead = false;
}

static void on_nothing(struct vgw_task *task)
{
    vgw_free(VGW_CONTAINER_OF(task, struct vgw_bus, wake_task));
}

void vgw_bus_free(struct vgw_bus *bus)
{
    if (!bus)
        return;
    flush_counts(bus);
    bury(bus);
    vgw_ring_free(bus->ring);
    bus->ring = NULL;
    /* The wake may still be queued; the node goes when the loop has let it go. */
    bus->wake_task.fn = on_nothing;
    vgw_loop_post(bus->loop, &bus->wake_task);
}

const struct vgw_ring *vgw_bus_ring(const struct vgw_bus *bus)
{
    return bus->ring;
}

static void deliver(struct vgw_bus *bus, struct vgw_event *e)
{
    struct vgw_list *pos, *nxt;
    VGW_LIST_EACH (pos, nxt, &bus->subs) {
        struct vgw_bus_sub *sub = VGW_CONTAINER_OF(pos, struct vgw_bus_sub, link);
        if (sub->fn && (sub->types & VGW_EVENT_BIT(e->type)) && e->id >= sub->from_id)
            sub->fn(sub->arg, e);
    }
}

static void deliver_all(struct vgw_bus *bus)
{
    if (bus->delivering)
        return;
    bus->delivering = true;
    while (bus->delivered + 1 < vgw_ring_next(bus->ring)) {
        /* A flood from inside may have pushed the oldest out already; that is counted, not hidden. */
        struct vgw_event *e = vgw_ring_at(bus->ring, ++bus->delivered);
        if (!e) {
            vgw_metric_dropped("events_undelivered");
            continue;
        }
        vgw_event_ref(e);
        deliver(bus, e);
        vgw_event_unref(e);
    }
    bus->delivering = false;
    if (bus->has_dead)
        bury(bus);
}

static void check(const struct vgw_bus *bus, const struct vgw_event *e)
{
    struct vgw_error err;
    if (bus->checks && vgw_event_check(e->name, e->data, &err) != VGW_OK)
        vgw_log(VGW_LOG_ERROR, NULL, "an event does not fit the catalogue", "type", e->name, "error", err.text, NULL);
}

int vgw_bus_publish(struct vgw_bus *bus, struct vgw_event *e)
{
    if (!e)
        return VGW_ELIMIT;
    int rc = e->depth > VGW_EVENT_DEPTH_MAX ? VGW_ELIMIT : VGW_OK;
    if (rc == VGW_OK) {
        check(bus, e);
        if (!e->wall_us)
            e->wall_us = vgw_wall(bus->loop);
        rc = vgw_ring_append(bus->ring, e);
    }
    if (rc != VGW_OK) {
        vgw_metric_dropped("events");
        vgw_event_unref(e);
        return rc;
    }
    bus->counts[e->type]++;
    vgw_event_unref(e);
    vgw_loop_post(bus->loop, &bus->wake_task);
    deliver_all(bus);
    return VGW_OK;
}

int vgw_bus_emit(struct vgw_bus *bus, enum vgw_event_type type, const struct vgw_event_about *about,
                 struct vgw_json *data)
{
    const struct vgw_event_info *info = vgw_event_info(type);
    if (!info) {
        vgw_json_free(data);
        return VGW_EINVALID;
    }
    return vgw_bus_publish(bus, vgw_event_new(info->name, about, data, 0));
}

struct vgw_bus_sub *vgw_bus_subscribe(struct vgw_bus *bus, uint64_t types, vgw_bus_fn fn, void *arg)
{
    struct vgw_bus_sub *sub;
    if (!VGW_NEW(sub))
        return NULL;
    *sub = (struct vgw_bus_sub){.bus = bus, .types = types, .fn = fn, .arg = arg, .from_id = vgw_ring_next(bus->ring)};
    vgw_list_append(&bus->subs, &sub->link);
    return sub;
}

void vgw_bus_unsubscribe(struct vgw_bus_sub *sub)
{
    if (!sub)
        return;
    if (sub->bus->delivering) {
        sub->fn = NULL;
        sub->bus->has_dead = true;
        return;
    }
    vgw_list_remove(&sub->link);
    vgw_free(sub);
}

int vgw_feed_open(struct vgw_bus *bus, uint64_t last_id, void (*wake)(void *arg), void *arg, struct vgw_feed **ret_feed)
{
    uint64_t next_id = vgw_ring_next(bus->ring);
    if (last_id != VGW_FEED_NEW && vgw_ring_resume(bus->ring, last_id, &next_id) != VGW_OK)
        return VGW_ENOTFOUND;
    struct vgw_feed *feed = NULL;
    if (bus->feed_count >= VGW_FEEDS_MAX || !VGW_NEW(feed))
        return VGW_ELIMIT;
    *feed = (struct vgw_feed){.bus = bus, .next_id = next_id, .wake = wake, .arg = arg};
    bus->feed_count++;
    vgw_list_append(&bus->waiting, &feed->link);
    vgw_loop_post(bus->loop, &bus->wake_task);
    *ret_feed = feed;
    return VGW_OK;
}

void vgw_feed_close(struct vgw_feed *feed)
{
    if (!feed)
        return;
    vgw_list_remove(&feed->link);
    feed->bus->feed_count--;
    vgw_free(feed);
}

enum vgw_feed_result vgw_feed_next(struct vgw_feed *feed, struct vgw_event **ret_event)
{
    const struct vgw_ring *ring = feed->bus->ring;
    if (feed->next_id < vgw_ring_oldest(ring))
        return VGW_FEED_GAP;
    if (feed->next_id == vgw_ring_next(ring)) {
        vgw_list_remove(&feed->link);
        vgw_list_append(&feed->bus->waiting, &feed->link);
        return VGW_FEED_EMPTY;
    }
    *ret_event = vgw_ring_at(ring, feed->next_id++);
    return VGW_FEED_EVENT;
}

uint64_t vgw_feed_last(const struct vgw_feed *feed)
{
    return feed->next_id - 1;
}

uint64_t vgw_feed_lag(const struct vgw_feed *feed)
{
    return vgw_ring_next(feed->bus->ring) - feed->next_id;
}
