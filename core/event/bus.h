/* bus.h - where events are published: first the ring, then the parts of the core that listen, in order of ids, then the
 * feeds, which read at their own pace. Thread: control for everything. */
#ifndef VGW_EVENT_BUS_H
#define VGW_EVENT_BUS_H
#include "event/event.h"
#include "loop/loop.h"

/** An event caused by more generations of events than this is refused: a rule cannot feed itself for ever. */
#define VGW_EVENT_DEPTH_MAX 16u
#define VGW_FEEDS_MAX 10000u

struct vgw_bus_limits {
    size_t keep;    /* events.keep; 0: 100,000 */
    uint64_t bytes; /* 0: 96 MiB */
};
struct vgw_bus;
/** `first_id` as vgw_ring_first_id() gives it. NULL when out of memory. */
struct vgw_bus *vgw_bus_new(struct vgw_loop *loop, const struct vgw_bus_limits *limits, uint64_t first_id);
/** Subscriptions and feeds must be closed before. Takes NULL. */
void vgw_bus_free(struct vgw_bus *bus);
struct vgw_ring;
const struct vgw_ring *vgw_bus_ring(const struct vgw_bus *bus);

struct vgw_journal;
/** Ids are promised in the journal a million ahead, so that the next run begins above them even if the wall clock was
 * set back. Call it once, at the start; the journal must be freed after the bus. The status of vgw_journal_set_mark().
 */
int vgw_bus_promise_ids(struct vgw_bus *bus, struct vgw_journal *journal);

/** Publishes an event; takes the reference, also on failure. Gives it its id and, if it has none, its time. Subscribers
 * run before this returns, but not from inside another's callback: what is published there follows when all have seen
 * the event before. VGW_ELIMIT: out of memory, or too deep (counted in voicegw_dropped_total). NULL (a failed
 * vgw_event_new()) is VGW_ELIMIT. */
int vgw_bus_publish(struct vgw_bus *bus, struct vgw_event *e);
/** vgw_event_new() and vgw_bus_publish() in one: about the outside world, depth 0. `data` is taken. */
int vgw_bus_emit(struct vgw_bus *bus, enum vgw_event_type type, const struct vgw_event_about *about,
                 struct vgw_json *data);

/* ---- parts of the core that listen ---- */
struct vgw_bus_sub;
typedef void (*vgw_bus_fn)(void *arg, struct vgw_event *e);
/** Calls fn for each event published from now on whose type's bit is in `types`. `e` is borrowed; vgw_event_ref() keeps
 * it, with its data. NULL when out of memory. */
struct vgw_bus_sub *vgw_bus_subscribe(struct vgw_bus *bus, uint64_t types, vgw_bus_fn fn, void *arg);
/** No call comes afterwards, also when called from inside one. Takes NULL. */
void vgw_bus_unsubscribe(struct vgw_bus_sub *sub);

/* ---- feeds ---- */
#define VGW_FEED_NEW UINT64_MAX /* only what comes from now on */
enum vgw_feed_result {
    VGW_FEED_EMPTY, /* nothing now: `wake` is called when there is something */
    VGW_FEED_EVENT,
    VGW_FEED_GAP, /* the log has overtaken the reader: vgw_feed_last() is the id up to which it has read; it must close
                   */
};
struct vgw_feed;
/** A reader that has seen `last_id` (0: give all that is kept). `wake` is called from the loop, never from inside
 * another call, once after each VGW_FEED_EMPTY when events have come, and once at the beginning. VGW_ENOTFOUND: older
 * than the log (HTTP 410). VGW_ELIMIT: too many feeds, or out of memory. */
int vgw_feed_open(struct vgw_bus *bus, uint64_t last_id, void (*wake)(void *arg), void *arg,
                  struct vgw_feed **ret_feed);
void vgw_feed_close(struct vgw_feed *feed); /* takes NULL */
/** The next event, borrowed. */
enum vgw_feed_result vgw_feed_next(struct vgw_feed *feed, struct vgw_event **ret_event);
/** The id of the last event read: from it the reader can resume. */
uint64_t vgw_feed_last(const struct vgw_feed *feed);
/** Events that wait for it. */
uint64_t vgw_feed_lag(const struct vgw_feed *feed);
#endif
