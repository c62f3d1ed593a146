/* bench_rules.c - what an event costs from its publication through 20 rules to a feed that reads its text, with nothing
 * lost. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "event/bus.h"
#include "event/ring.h"
#include "flow/engine.h"
#include "loop/driver.h"

#define EVENTS 200000
#define BATCH 64
#define RULES 20

struct bench {
    struct vgw_flow_engine *engine;
    struct vgw_bus *bus;
    struct vgw_feed *feed;
    unsigned long fired, read_events, gaps;
    size_t bytes;
};

static double seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void on_emit(void *arg, const char *type, struct vgw_json *data, const struct vgw_flow_ids *ids, int caused_by)
{
    vgw_json_free(data);
}

static void on_log(void *arg, enum vgw_log_level level, const char *message, const struct vgw_flow_ids *ids)
{
    ((struct bench *)arg)->fired++;
}

static void on_event(void *arg, struct vgw_event *e)
{
    struct bench *b = arg;
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "type", "call_ended");
    vgw_json_set_string(o, "session_id", "mock-1");
    vgw_json_set_string(o, "call_id", "call-1");
    vgw_json_set_string(o, "project_id", "default");
    vgw_json_set(o, "data", vgw_json_copy(vgw_event_data(e)));
    vgw_flow_engine_on_event(b->engine, o, 1);
    vgw_json_free(o);
}

static void on_wake(void *arg)
{
    struct bench *b = arg;
    struct vgw_event *e;
    enum vgw_feed_result result;
    while ((result = vgw_feed_next(b->feed, &e)) == VGW_FEED_EVENT) {
        size_t len = 0;
        b->read_events += vgw_event_text(e, &len) != NULL;
        b->bytes += len;
    }
    b->gaps += result == VGW_FEED_GAP;
}

static int add_rules(struct bench *b)
{
    struct vgw_flow_set *set = vgw_flow_set_new();
    struct vgw_error err = {0};
    int rc = 0;
    for (int i = 0; rc == 0 && i < RULES; i++) {
        char text[600];
        struct vgw_rule *rule = NULL;
        struct vgw_json *doc = NULL;
        (void)snprintf(
            text, sizeof text,
            "{\"id\":\"rule_%d\",\"trigger\":{\"type\":\"voice_event\",\"event_type\":\"%s\"},\"conditions\":[{"
            "\"field\":"
            "\"duration\",\"operator\":\"gt\",\"value\":%d}],\"actions\":[{\"type\":\"log\",\"params\":{\"message\":"
            "\"Long call ended: {{trigger.call_id}}\"}}]}",
            i, i % 2 ? "call_ended" : "call_answered", i % 10 == 1 ? 60 : 100000);
        rc = vgw_json_parse(text, strlen(text), &doc, &err);
        struct vgw_flow_source source = {.doc = doc};
        if (rc == 0)
            rc = vgw_rule_compile(&source, &rule, &err);
        if (rc == 0)
            rc = vgw_flow_set_add_rule(set, rule, &err);
        vgw_json_free(doc);
    }
    if (rc == 0)
        rc = vgw_flow_engine_swap(b->engine, set, &err);
    vgw_flow_set_unref(set);
    if (rc < 0)
        (void)fprintf(stderr, "%s: %s\n", err.place, err.text);
    return rc;
}

static void publish_all(struct bench *b, struct vgw_driver *driver)
{
    const struct vgw_event_about about = {.session_id = "mock-01hzxyabcdefghjkmnpqrstvwx",
                                          .call_id = "call-01hzxyabcdefghjkmnpqrstvwx",
                                          .provider_call_id = "MC0123456789",
                                          .provider = "lab",
                                          .plugin = "mock",
                                          .project_id = "default"};
    for (int i = 0; i < EVENTS; i++) {
        struct vgw_json *data = vgw_json_object();
        vgw_json_set_string(data, "status", "completed");
        vgw_json_set_int(data, "duration", 75);
        vgw_json_set_double(data, "total_duration", 76.5);
        vgw_json_set_string(data, "cause", "caller");
        vgw_json_set_string(data, "from", "+15550001");
        vgw_json_set_string(data, "to", "+15550002");
        vgw_bus_emit(b->bus, VGW_EVENT_CALL_ENDED, &about, data);
        if (i % BATCH == BATCH - 1)
            vgw_driver_settle(driver);
    }
    vgw_driver_settle(driver);
}

int main(void)
{
    struct bench b = {0};
    struct vgw_driver *driver = vgw_driver_new(1, 1700000000000000);
    struct vgw_loop *loop = vgw_driver_loop(driver, "control");
    struct vgw_flow_driver flow = {.arg = &b, .emit = on_emit, .log = on_log};
    b.bus = vgw_bus_new(loop, NULL, vgw_ring_first_id(1700000000000000, 0));
    b.engine = vgw_flow_engine_new(&flow, NULL, NULL);
    if (!b.bus || !b.engine || add_rules(&b) < 0)
        return 1;
    struct vgw_bus_sub *sub = vgw_bus_subscribe(b.bus, VGW_EVENT_ALL, on_event, &b);
    if (vgw_feed_open(b.bus, VGW_FEED_NEW, on_wake, &b, &b.feed) < 0)
        return 1;
    double began = seconds();
    publish_all(&b, driver);
    double took = seconds() - began;
    (void)printf("{\"bench\":\"events_rules_feed\",\"rules\":%d,\"events\":%d,\"fired\":%lu,\"read\":%lu,\"lost\":%ld,"
                 "\"gaps\":%lu,"
                 "\"us_an_event\":%.2f,\"per_cpu_second\":%.0f}\n",
                 RULES, EVENTS, b.fired, b.read_events, (long)EVENTS - (long)b.read_events, b.gaps, took * 1e6 / EVENTS,
                 EVENTS / took);
    vgw_feed_close(b.feed);
    vgw_bus_unsubscribe(sub);
    vgw_flow_engine_free(b.engine);
    vgw_bus_free(b.bus);
    vgw_loop_free(loop);
    vgw_driver_free(driver);
    return b.read_events != EVENTS || b.gaps != 0;
}
