/* delivery.c - what is promised about messages over days and months, on the virtual clock: hours at the callee's place,
 * over changes of the clock; rates; attempts and no more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "delivery/campaign.h"
#include "delivery/delivery.h"
#include "delivery/zone.h"
#include "config/file.h"
#include "world.h"

#define SECOND VGW_US_PER_S
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

static const char lab[] = "providers:\n"
                          "  lab:\n"
                          "    plugin: mock\n"
                          "    default: true\n"
                          "    initiating_ms: 100\n"
                          "    ringing_ms: 100\n"
                          "    tts: voice\n"
                          "    outcomes: [{to: \"+4930000*\", outcome: busy, after: 1s}]\n"
                          "    script_documents: [{id: stays, to: \"*\", steps: [{pause: 40s}]}]\n"
                          "routes: [{match: {}}]\n"
                          "voice_configs: {default: {platform: lab}}\n"
                          "delivery:\n"
                          "  retry: {busy: {max: 3, after: 5m}}\n"
                          "  hours: {from: \"08:00\", to: \"21:00\", timezone: UTC}\n";

struct course {
    struct world *world;
    struct vgw_bus_sub *sub;
    struct vgw_zone *zone;
    unsigned sent, over, delivered, outside;
    unsigned by_minute[60 * 24 * 40]; /* calls that began, by minute from the start */
    int from_hour, to_hour;
};

static void on_event(void *arg, struct vgw_event *e)
{
    struct course *c = arg;
    int64_t wall_us = vgw_wall(c->world->control), at_us = vgw_driver_now(c->world->driver);
    int64_t local_s = wall_us / SECOND + vgw_zone_offset_s(c->zone, wall_us);
    int hour = (int)(local_s / 3600 % 24);
    if (e->type == VGW_EVENT_MESSAGE_SENT) {
        c->sent++;
        c->outside += hour < c->from_hour || hour >= c->to_hour;
        size_t minute = (size_t)(at_us / (60 * SECOND));
        if (minute < sizeof c->by_minute / sizeof c->by_minute[0])
            c->by_minute[minute]++;
    }
    c->over += e->type == VGW_EVENT_MESSAGE_DELIVERED || e->type == VGW_EVENT_MESSAGE_FAILED;
    c->delivered += e->type == VGW_EVENT_MESSAGE_DELIVERED;
}

static void on_done(void *arg, int status, const char *sentence)
{
    if (status < 0)
        world_fail(arg, "the store refused: %s", sentence);
}

static struct vgw_json *json(struct world *w, const char *text)
{
    struct vgw_json *v = NULL;
    if (vgw_json_parse(text, strlen(text), &v, NULL) < 0)
        world_fail(w, "no JSON: %s", text);
    return v;
}

static void begin(struct course *c, struct world *w, const char *zone, int from_hour, int to_hour)
{
    struct vgw_buf path = {0};
    struct vgw_error err = {0};
    char *data = NULL;
    size_t len = 0;
    *c = (struct course){.world = w, .from_hour = from_hour, .to_hour = to_hour};
    vgw_buf_printf(&path, "/usr/share/zoneinfo/%s", zone);
    if (vgw_file_read(vgw_buf_str(&path), VGW_ZONE_FILE_MAX, &data, &len, &err) < 0 ||
        vgw_zone_parse(data, len, &c->zone, &err) < 0)
        world_fail(w, "the zone %s cannot be read: %s", zone, err.text);
    vgw_free(data);
    vgw_buf_done(&path);
    c->sub = vgw_bus_subscribe(vgw_gateway_rooms(w->gateway).bus, VGW_EVENT_ALL, on_event, c);
}

static void end(struct course *c)
{
    vgw_bus_unsubscribe(c->sub);
    vgw_zone_free(c->zone);
}

/* A campaign of so many leads; its id. */
static void campaign(struct world *w, const char *text, const char *prefix, unsigned leads)
{
    struct vgw_delivery *d = vgw_gateway_rooms(w->gateway).delivery;
    struct vgw_json *body = json(w, text), *errors = vgw_json_array(), *row = NULL, *rows = vgw_json_array();
    struct vgw_message_campaign about;
    char id[VGW_ID_MAX] = "";
    if (vgw_campaign_read(vgw_delivery_settings_of(d), body, "default", vgw_wall(w->control), errors, &row) < 0)
        world_fail(w, "the campaign was refused");
    vgw_strcopy(id, sizeof id, vgw_json_get_string(row, "campaign_id", ""));
    vgw_campaign_create(d, row, on_done, w);
    vgw_driver_run(w->driver, SECOND);
    if (!vgw_campaign_about(d, id, &about))
        world_fail(w, "the campaign is not there");
    for (unsigned i = 0; i < leads && !w->failure[0]; i++) {
        char message[96];
        struct vgw_json *m = NULL, *one;
        struct vgw_message_origin origin = {
            .source = "http", .project_id = "default", .wall_us = vgw_wall(w->control), .campaign = &about};
        (void)snprintf(message, sizeof message, "{\"to\":\"%s%04u\"}", prefix, i);
        one = json(w, message);
        if (vgw_message_read(vgw_delivery_settings_of(d), one, &origin, errors, &m) == 0)
            vgw_json_append(rows, m);
        vgw_json_free(one);
    }
    vgw_delivery_accept(d, rows, on_done, w);
    vgw_json_free(errors);
    vgw_json_free(body);
}

/* Three calls an hour, on weekdays from nine to five in Berlin, for a month in which clocks are set back. */
static void a_campaign_of_a_month_keeps_its_hours(struct world *w)
{
    static struct course c;
    begin(&c, w, "Europe/Berlin", 9, 17);
    campaign(w,
             "{\"name\":\"month\",\"content\":\"Hello.\",\"limits\":{\"rate\":\"3/h\",\"concurrent\":2},"
             "\"hours\":{\"from\":\"09:00\",\"to\":\"17:00\",\"days\":[\"mon-fri\"]}}",
             "+4930100", 450);
    for (int day = 0; day < 38 && c.over < 450 && !w->failure[0]; day++)
        vgw_driver_run(w->driver, DAY);
    if (c.outside)
        world_fail(w, "%u calls began outside of the hours", c.outside);
    if (c.delivered != 450 || c.sent != 450)
        world_fail(w, "%u messages are delivered by %u attempts, not 450 by 450", c.delivered, c.sent);
    for (size_t hour = 0; hour < 24 * 39; hour++) {
        unsigned n = 0;
        for (size_t m = hour * 60; m < hour * 60 + 60; m++)
            n += c.by_minute[m];
        if (n > 4)
            world_fail(w, "%u calls began in one hour", n);
    }
    end(&c);
}

static void a_rate_is_kept_from_the_store_to_the_call(struct world *w)
{
    static struct course c;
    unsigned n = 0, minutes = 0;
    begin(&c, w, "UTC", 0, 24);
    vgw_driver_run(w->driver, 20 * HOUR); /* WORLD_WALL_US lies at night for them */
    campaign(w, "{\"name\":\"fast\",\"content\":\"Hi.\",\"limits\":{\"rate\":\"2/s\"}}", "+4930200", 600);
    vgw_driver_run(w->driver, 3 * HOUR);
    for (size_t m = 0; m < sizeof c.by_minute / sizeof c.by_minute[0]; m++) {
        n += c.by_minute[m];
        minutes += c.by_minute[m] != 0;
        if (c.by_minute[m] > 121)
            world_fail(w, "%u calls began in one minute at 2/s", c.by_minute[m]);
    }
    if (n != 600 || minutes > 7)
        world_fail(w, "%u calls began in %u minutes, not 600 in 5", n, minutes);
    end(&c);
}

static void who_is_busy_is_tried_as_often_as_the_policy_says(struct world *w)
{
    static struct course c;
    begin(&c, w, "UTC", 0, 24);
    vgw_driver_run(w->driver, 20 * HOUR);
    campaign(w, "{\"name\":\"busy\",\"content\":\"Hi.\"}", "+4930000", 25);
    vgw_driver_run(w->driver, DAY);
    if (c.sent != 25 * 4 || c.over != 25 || c.delivered)
        world_fail(w, "%u attempts, %u over, %u delivered; not 100, 25, 0", c.sent, c.over, c.delivered);
    end(&c);
}

/* Leases seem over when it is set forward, and what is due lies in the future when it is set back. */
static void a_clock_that_is_set_calls_nobody_twice_and_forgets_nobody(struct world *w)
{
    static const int64_t by_us[] = {2 * HOUR, -3 * HOUR, 40 * SECOND, -40 * SECOND, 70 * SECOND};
    static struct course c;
    begin(&c, w, "UTC", 0, 24);
    vgw_driver_run(w->driver, 20 * HOUR);
    campaign(w, "{\"name\":\"fast\",\"content\":\"Hi.\",\"limits\":{\"rate\":\"2/s\"}}", "+4930200", 400);
    campaign(w, "{\"name\":\"busy\",\"content\":\"Hi.\"}", "+4930000", 20);
    for (size_t i = 0; i < sizeof by_us / sizeof by_us[0]; i++) {
        vgw_driver_run(w->driver, 25 * SECOND);
        vgw_driver_set_clock(w->driver, by_us[i]);
    }
    vgw_driver_run(w->driver, 8 * HOUR);
    if (c.delivered != 400 || c.over != 420 || c.sent != 400 + 20 * 4)
        world_fail(w, "%u attempts, %u over, %u delivered; not 480, 420, 400", c.sent, c.over, c.delivered);
    end(&c);
}

static const struct {
    const char *name;
    void (*fn)(struct world *w);
} promises[] = {
    {"a campaign of a month keeps its hours", a_campaign_of_a_month_keeps_its_hours},
    {"a rate is kept from the store to the call", a_rate_is_kept_from_the_store_to_the_call},
    {"a clock that is set calls nobody twice and forgets nobody",
     a_clock_that_is_set_calls_nobody_twice_and_forgets_nobody},
    {"who is busy is tried as often as the policy says", who_is_busy_is_tried_as_often_as_the_policy_says},
};

unsigned delivery_run(const struct world_options *options, unsigned *ret_passed)
{
    unsigned failed = 0;
    for (size_t i = 0; i < sizeof promises / sizeof promises[0]; i++) {
        struct world w;
        struct vgw_buf yaml = {0};
        config_polite(&yaml, options, lab, "3m", "60s");
        if (world_open(&w, options, 100 + i, vgw_buf_str(&yaml))) {
            promises[i].fn(&w);
            if (w.gateway)
                world_settle(&w);
        }
        unsigned long long steps = vgw_driver_steps(w.driver);
        world_close(&w);
        vgw_buf_done(&yaml);
        if (getenv("STEPS"))
            printf("%s: %llu steps\n", promises[i].name, steps);
        if (w.failure[0])
            printf("%s: %s\n", promises[i].name, w.failure);
        failed += w.failure[0] != '\0';
        *ret_passed += w.failure[0] == '\0';
    }
    return failed;
}
