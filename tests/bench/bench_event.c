/* Publish, two subscribers, ring, four feeds that read each event's text: events a second, as one line of JSON. */
#include <stdio.h>
#include <time.h>
#include "event/bus.h"
#include "event/ring.h"
#include "loop/driver.h"

#define EVENTS 400000
#define BATCH 64
#define FEEDS 4

static uint64_t heard, read_count, text_bytes, gaps;
static struct vgw_feed *feeds[FEEDS];

static void on_event(void *arg, struct vgw_event *e)
{
    heard += vgw_event_data(e) != NULL;
}

static void on_wake(void *arg)
{
    struct vgw_event *e;
    enum vgw_feed_result result;
    struct vgw_feed *feed = *(struct vgw_feed **)arg;
    while ((result = vgw_feed_next(feed, &e)) == VGW_FEED_EVENT) {
        size_t len = 0;
        read_count += vgw_event_text(e, &len) != NULL;
        text_bytes += len;
    }
    gaps += result == VGW_FEED_GAP;
}

static double seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(void)
{
    struct vgw_driver *driver = vgw_driver_new(1, 1700000000000000);
    struct vgw_loop *loop = vgw_driver_loop(driver, "control");
    struct vgw_bus *bus = vgw_bus_new(loop, NULL, vgw_ring_first_id(1700000000000000, 0));
    struct vgw_event_about about = {.session_id = "mock-01hzxyabcdefghjkmnpqrstvwx",
                                    .call_id = "call-01hzxyabcdefghjkmnpqrstvwx",
                                    .provider_call_id = "MC0123456789",
                                    .provider = "lab",
                                    .plugin = "mock",
                                    .project_id = "default"};
    struct vgw_bus_sub *subs[2] = {vgw_bus_subscribe(bus, VGW_EVENT_ALL, on_event, NULL),
                                   vgw_bus_subscribe(bus, VGW_EVENT_BIT(VGW_EVENT_STT_FINAL), on_event, NULL)};
    for (int i = 0; i < FEEDS; i++)
        vgw_feed_open(bus, VGW_FEED_NEW, on_wake, &feeds[i], &feeds[i]);
    vgw_driver_settle(driver);
    double start = seconds();
    for (int i = 0; i < EVENTS; i++) {
        struct vgw_json *data = vgw_json_object();
        vgw_json_set_string(data, "text", "i would like to book a room for three nights");
        vgw_json_set_double(data, "confidence", 0.93);
        vgw_json_set_string(data, "language", "en-US");
        vgw_json_set_int(data, "turn", i);
        vgw_bus_emit(bus, VGW_EVENT_STT_FINAL, &about, data);
        if (i % BATCH == BATCH - 1)
            vgw_driver_settle(driver);
    }
    vgw_driver_settle(driver);
    double took = seconds() - start;
    printf("{\"bench\":\"event\",\"events\":%d,\"events_per_cpu_second\":%.0f,\"us_per_event\":%.2f,\"feeds\":%d,"
           "\"read\":%llu,"
           "\"lost\":%llu,\"gaps\":%llu,\"ring_bytes\":%llu,\"ring_events\":%zu}\n",
           EVENTS, EVENTS / took, took * 1e6 / EVENTS, FEEDS, (unsigned long long)read_count,
           (unsigned long long)((uint64_t)EVENTS * FEEDS - read_count), (unsigned long long)gaps,
           (unsigned long long)vgw_ring_bytes(vgw_bus_ring(bus)), vgw_ring_count(vgw_bus_ring(bus)));
    for (int i = 0; i < FEEDS; i++)
        vgw_feed_close(feeds[i]);
    for (int i = 0; i < 2; i++)
        vgw_bus_unsubscribe(subs[i]);
    vgw_bus_free(bus);
    vgw_loop_free(loop);
    vgw_driver_free(driver);
    return heard != 2 * (uint64_t)EVENTS || read_count != (uint64_t)EVENTS * FEEDS;
}
