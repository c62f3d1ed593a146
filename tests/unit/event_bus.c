#include <criterion/criterion.h>
#include <string.h>
#include "base/str.h"
#include "base/metric.h"
#include "event/bus.h"
#include "event/ring.h"
#include "loop/driver.h"

static struct vgw_driver *driver;
static struct vgw_loop *loop;
static struct vgw_bus *bus;

static void setup(void)
{
    driver = vgw_driver_new(1, 1700000000000000);
    loop = vgw_driver_loop(driver, "control");
    bus = vgw_bus_new(loop, &(struct vgw_bus_limits){.keep = 1000}, 500);
}

static void teardown(void)
{
    vgw_bus_free(bus);
    vgw_loop_free(loop);
    vgw_driver_free(driver);
}
TestSuite(event_bus, .init = setup, .fini = teardown);

static void emit(enum vgw_event_type type)
{
    cr_assert_eq(vgw_bus_emit(bus, type, NULL, vgw_json_object()), 0);
}

static uint64_t seen[16];
static size_t seen_count;

static void on_seen(void *arg, struct vgw_event *e)
{
    seen[seen_count++] = e->id;
    cr_assert_eq(e->wall_us, 1700000000000000);
    cr_assert_not_null(vgw_event_data(e));
}

Test(event_bus, subscribers_get_the_types_that_they_asked_for)
{
    struct vgw_bus_sub *sub =
        vgw_bus_subscribe(bus, VGW_EVENT_BIT(VGW_EVENT_CALL_ENDED) | VGW_EVENT_BIT(VGW_EVENT_OTHER), on_seen, NULL);
    emit(VGW_EVENT_CALL_INITIATED);
    emit(VGW_EVENT_CALL_ENDED);
    cr_assert_eq(vgw_bus_publish(bus, vgw_event_new("hello.world", NULL, vgw_json_object(), 0)), 0);
    cr_assert_eq(seen_count, 2);
    cr_assert_eq(seen[0], 501);
    cr_assert_eq(seen[1], 502);
    vgw_bus_unsubscribe(sub);
    vgw_bus_unsubscribe(NULL);
    emit(VGW_EVENT_CALL_ENDED);
    cr_assert_eq(seen_count, 2);
}

static char order[64];

static void note(const char *what)
{
    size_t len = strlen(order);
    vgw_strcopy(order + len, sizeof order - len, what);
}

static void on_first(void *arg, struct vgw_event *e)
{
    note(e->type == VGW_EVENT_HOLD_STARTED ? "a1 " : "a2 ");
    if (e->type == VGW_EVENT_HOLD_STARTED)
        emit(VGW_EVENT_HOLD_ENDED);
}

static struct vgw_bus_sub *second;

static void on_second(void *arg, struct vgw_event *e)
{
    note(e->type == VGW_EVENT_HOLD_STARTED ? "b1 " : "b2 ");
    if (e->type == VGW_EVENT_HOLD_ENDED)
        vgw_bus_unsubscribe(second);
}

Test(event_bus, all_see_events_in_order_even_when_published_from_inside)
{
    struct vgw_bus_sub *first = vgw_bus_subscribe(bus, VGW_EVENT_ALL, on_first, NULL);
    second = vgw_bus_subscribe(bus, VGW_EVENT_ALL, on_second, NULL);
    emit(VGW_EVENT_HOLD_STARTED);
    cr_assert_str_eq(order, "a1 b1 a2 b2 ");
    emit(VGW_EVENT_HOLD_ENDED);
    cr_assert_str_eq(order, "a1 b1 a2 b2 a2 ");
    vgw_bus_unsubscribe(first);
}

static int chain;

static void on_chain(void *arg, struct vgw_event *e)
{
    chain++;
    vgw_bus_publish(bus, vgw_event_new("hello.again", NULL, NULL, e->depth + 1));
}

Test(event_bus, what_feeds_itself_is_stopped)
{
    struct vgw_bus_sub *sub = vgw_bus_subscribe(bus, VGW_EVENT_ALL, on_chain, NULL);
    emit(VGW_EVENT_ERROR);
    cr_assert_eq(chain, VGW_EVENT_DEPTH_MAX + 1);
    cr_assert_eq(vgw_bus_publish(bus, NULL), VGW_ELIMIT);
    vgw_bus_unsubscribe(sub);
}

static int wakes;
static struct vgw_feed *feed;

static void on_wake(void *arg)
{
    wakes++;
}

static uint64_t drain(void)
{
    struct vgw_event *e;
    uint64_t count = 0;
    enum vgw_feed_result result;
    while ((result = vgw_feed_next(feed, &e)) == VGW_FEED_EVENT)
        count++;
    cr_assert_eq(result, VGW_FEED_EMPTY);
    return count;
}

Test(event_bus, a_feed_is_woken_once_for_a_burst_and_loses_nothing)
{
    wakes = 0;
    emit(VGW_EVENT_ERROR);
    cr_assert_eq(vgw_feed_open(bus, 0, on_wake, NULL, &feed), 0);
    cr_assert_eq(wakes, 0, "never from inside a call");
    vgw_driver_settle(driver);
    cr_assert_eq(wakes, 1);
    cr_assert_eq(drain(), 1);
    for (int i = 0; i < 300; i++)
        emit(VGW_EVENT_ERROR);
    cr_assert_eq(vgw_feed_lag(feed), 300);
    vgw_driver_settle(driver);
    cr_assert_eq(wakes, 2);
    cr_assert_eq(drain(), 300);
    cr_assert_eq(vgw_feed_last(feed), 800);
    vgw_feed_close(feed);
    vgw_feed_close(NULL);
    cr_assert_eq(vgw_feed_open(bus, 700, on_wake, NULL, &feed), 0);
    cr_assert_eq(drain(), 100);
    vgw_feed_close(feed);
    cr_assert_eq(vgw_feed_open(bus, VGW_FEED_NEW, on_wake, NULL, &feed), 0);
    cr_assert_eq(drain(), 0);
    vgw_feed_close(feed);
    cr_assert_eq(vgw_feed_open(bus, 400, on_wake, NULL, &feed), VGW_ENOTFOUND);
}

Test(event_bus, a_slow_feed_is_told_where_to_resume)
{
    struct vgw_event *e;
    emit(VGW_EVENT_ERROR);
    emit(VGW_EVENT_ERROR);
    cr_assert_eq(vgw_feed_open(bus, 0, on_wake, NULL, &feed), 0);
    cr_assert_eq(vgw_feed_next(feed, &e), VGW_FEED_EVENT);
    cr_assert_eq(e->id, 500);
    for (int i = 0; i < 1000; i++)
        emit(VGW_EVENT_ERROR);
    cr_assert_eq(vgw_feed_next(feed, &e), VGW_FEED_GAP);
    cr_assert_eq(vgw_feed_last(feed), 500);
    vgw_feed_close(feed);
    vgw_driver_settle(driver);
    struct vgw_metric *m =
        vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_events_total", "Events published, by type.", "type");
    cr_assert_eq(vgw_metric_value(m, "error", NULL, NULL), 1002);
}
