/* promises.c - courses that are known beforehand: what is promised about time, on the virtual clock. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/str.h"
#include "store/store.h"
#include "world.h"

#define SECOND VGW_US_PER_S

/* ---- helpers ---- */

struct watched { /* when each kind of event came first, since the world began */
    struct world *world;
    struct vgw_bus_sub *sub;
    int64_t at_us[VGW_EVENT_TYPES + 1];
    unsigned count[VGW_EVENT_TYPES + 1];
    char status[32];
};

static void on_event(void *arg, struct vgw_event *e)
{
    struct watched *s = arg;
    if (!s->count[e->type]++)
        s->at_us[e->type] = vgw_driver_now(s->world->driver);
    if (e->type == VGW_EVENT_SESSION_STOPPED)
        vgw_strcopy(s->status, sizeof s->status, vgw_json_get_string(vgw_event_data(e), "status", ""));
}

static void watch(struct watched *s, struct world *w)
{
    *s = (struct watched){.world = w};
    s->sub = vgw_bus_subscribe(vgw_gateway_rooms(w->gateway).bus, VGW_EVENT_ALL, on_event, s);
}

static struct vgw_call *place(struct world *w, const char *to, const char *workflow)
{
    struct vgw_call *call = NULL;
    struct vgw_error err = {0};
    struct vgw_outgoing out = {.to = to, .workflow = workflow, .provider = "lab"};
    if (vgw_calls_place(vgw_gateway_rooms(w->gateway).calls, &out, &call, &err) < 0)
        world_fail(w, "the call was refused: %s", err.text);
    return call;
}

static void command(struct world *w, struct vgw_call *call, enum vgw_command c)
{
    struct vgw_error err = {0};
    struct vgw_json *p = vgw_json_object();
    if (vgw_calls_command(vgw_gateway_rooms(w->gateway).calls, call, c, p, true, NULL, NULL, &err) < 0)
        world_fail(w, "%s was refused: %s", vgw_command_name(c), err.text);
    vgw_json_free(p);
}

static void expect_between(struct world *w, const char *what, int64_t us, int64_t from_us, int64_t to_us)
{
    if (us < from_us || us > to_us)
        world_fail(w, "%s after %.6f s, not between %.3f and %.3f", what, (double)us / 1e6, (double)from_us / 1e6,
                   (double)to_us / 1e6);
}

static uint32_t live(struct world *w)
{
    return vgw_calls_count(vgw_gateway_rooms(w->gateway).calls);
}

static const char quiet_lab[] =
    "providers:\n"
    "  lab:\n"
    "    plugin: mock\n"
    "    default: true\n"
    "    initiating_ms: 100\n"
    "    ringing_ms: 100\n"
    "    tts: voice\n"
    "    outcomes: [{to: \"+15559*\", outcome: no_answer, after: 300s}]\n"
    "    script_documents: [{id: stays, to: \"*\", steps: [{pause: 4000s}]}]\n"
    "routes: [{match: {}}]\n"
    "workflows:\n"
    "  - {id: half-hour, steps: [{type: delay, params: {seconds: 1800}}, {type: log, params: {message: over}}]}\n"
    "  - {id: minute, steps: [{type: delay, params: {seconds: 60}}]}\n";

/* ---- promises ---- */

/* The hard cap counts from the answer, and the end comes within its bound whatever the provider does. */
static void a_call_ends_at_its_hard_cap(struct world *w)
{
    struct watched s;
    watch(&s, w);
    struct vgw_call *call = place(w, "+15550100", NULL);
    if (call)
        vgw_session_hold(call->session); /* a run that never lets go */
    for (unsigned i = 0; i < 30; i++) {
        struct vgw_call *c = vgw_calls_next(vgw_gateway_rooms(w->gateway).calls, NULL);
        if (c)
            vgw_session_touch(c->session);
        vgw_driver_run(w->driver, 10 * SECOND);
    }
    expect_between(w, "the hard cap ended the call", s.at_us[VGW_EVENT_CALL_ENDED] - s.at_us[VGW_EVENT_CALL_ANSWERED],
                   180 * SECOND, 191 * SECOND);
    vgw_bus_unsubscribe(s.sub);
}

static void nobody_answers_for_longer_than_the_ring_time(struct world *w)
{
    struct watched s;
    int64_t began_us = vgw_driver_now(w->driver);
    watch(&s, w);
    (void)place(w, "+15559000", NULL);
    vgw_driver_run(w->driver, 200 * SECOND);
    expect_between(w, "the ring time ended the call", s.at_us[VGW_EVENT_CALL_FAILED] - began_us, 10 * SECOND,
                   75 * SECOND);
    if (s.count[VGW_EVENT_CALL_FAILED] != 1 || s.count[VGW_EVENT_CALL_ANSWERED])
        world_fail(w, "a call that rings for ever failed %u times", s.count[VGW_EVENT_CALL_FAILED]);
    vgw_bus_unsubscribe(s.sub);
}

static void a_session_without_activity_is_ended(struct world *w)
{
    struct watched s;
    struct vgw_session *session = NULL;
    struct vgw_error err = {0};
    int64_t began_us = vgw_driver_now(w->driver);
    watch(&s, w);
    if (vgw_calls_session_new(vgw_gateway_rooms(w->gateway).calls, "realtime", "ann", "en-US", NULL, &session, &err) <
        0)
        world_fail(w, "the session was refused: %s", err.text);
    vgw_driver_run(w->driver, 200 * SECOND);
    expect_between(w, "the idle session stopped", s.at_us[VGW_EVENT_SESSION_STOPPED] - began_us, 120 * SECOND,
                   121 * SECOND);
    vgw_bus_unsubscribe(s.sub);
}

static void the_record_follows_the_end_within_half_a_second(struct world *w)
{
    struct watched s;
    watch(&s, w);
    struct vgw_call *call = place(w, "+15550100", "half-hour");
    vgw_driver_run(w->driver, 5 * SECOND);
    if (call)
        command(w, call, VGW_CMD_END);
    vgw_driver_run(w->driver, 20 * SECOND);
    expect_between(w, "the session stopped", s.at_us[VGW_EVENT_SESSION_STOPPED] - s.at_us[VGW_EVENT_CALL_ENDED], 0,
                   SECOND / 2 + 1000);
    vgw_bus_unsubscribe(s.sub);
}

static void drained(void *arg)
{
    *(int64_t *)arg = 1;
}

static void a_drain_ends_at_its_time_limit(struct world *w)
{
    int64_t over = 0;
    struct watched s;
    watch(&s, w);
    (void)place(w, "+15550100", "half-hour");
    vgw_driver_run(w->driver, 5 * SECOND);
    int64_t began_us = vgw_driver_now(w->driver);
    vgw_gateway_drain(w->gateway, 30 * SECOND, drained, &over);
    vgw_driver_run(w->driver, 29 * SECOND);
    if (over || !live(w))
        world_fail(w, "the drain did not wait for its calls");
    vgw_gateway_drain(w->gateway, 30 * SECOND, drained, &over); /* asked for again: it begins anew, once */
    vgw_driver_run(w->driver, 29 * SECOND);
    if (over || !live(w))
        world_fail(w, "a drain that was asked for again kept to the first one's limit");
    vgw_driver_run(w->driver, 15 * SECOND);
    expect_between(w, "the drain ended the call", s.at_us[VGW_EVENT_CALL_ENDED] - began_us, 59 * SECOND, 70 * SECOND);
    if (!over)
        world_fail(w, "the drain was never told to be over");
    vgw_bus_unsubscribe(s.sub);
}

static void what_is_cut_off_is_recorded_once(struct world *w)
{
    struct watched s;
    watch(&s, w);
    (void)place(w, "+15550100", "minute");
    vgw_driver_run(w->driver, 20 * SECOND);
    vgw_bus_unsubscribe(s.sub);
    if (!live(w))
        world_fail(w, "the call did not last");
    if (world_restart(w) && live(w))
        world_fail(w, "a call outlived the gateway");
}

/* Half an hour of a call passes in a moment: the virtual clock jumps over what nobody waits for. */
static void half_an_hour_passes_in_a_moment(struct world *w)
{
    struct timespec a, b;
    struct watched s;
    watch(&s, w);
    clock_gettime(CLOCK_MONOTONIC, &a);
    (void)place(w, "+15550100", "half-hour");
    for (unsigned i = 0; i < 180; i++) {
        struct vgw_call *c = vgw_calls_next(vgw_gateway_rooms(w->gateway).calls, NULL);
        if (c)
            vgw_session_touch(c->session);
        vgw_driver_run(w->driver, 10 * SECOND);
    }
    vgw_driver_run(w->driver, 30 * SECOND);
    clock_gettime(CLOCK_MONOTONIC, &b);
    double took = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
    expect_between(w, "the call ended", s.at_us[VGW_EVENT_CALL_ENDED] - s.at_us[VGW_EVENT_CALL_ANSWERED], 1790 * SECOND,
                   1815 * SECOND);
    printf("30 minutes of a call in %.0f ms: %.0f times faster\n", took * 1000, took > 0 ? 1830 / took : 0);
    vgw_bus_unsubscribe(s.sub);
}

static void a_call_without_media_is_ended(struct world *w)
{
    struct watched s;
    watch(&s, w);
    (void)place(w, "+15550100", "half-hour");
    vgw_driver_run(w->driver, 100 * SECOND);
    expect_between(w, "the silence ended the call", s.at_us[VGW_EVENT_CALL_ENDED] - s.at_us[VGW_EVENT_CALL_ANSWERED],
                   40 * SECOND, 51 * SECOND);
    vgw_bus_unsubscribe(s.sub);
}

static const struct promise {
    const char *name;
    void (*fn)(struct world *w);
    const char *call_limit, *silence;
} promises[] = {
    {"a call ends at its hard cap", a_call_ends_at_its_hard_cap, "3m", "10m"},
    {"nobody answers for longer than the ring time", nobody_answers_for_longer_than_the_ring_time, "3m", "10m"},
    {"a session without activity is ended", a_session_without_activity_is_ended, "3m", "10m"},
    {"the record follows the end within half a second", the_record_follows_the_end_within_half_a_second, "3m", "10m"},
    {"a drain ends at its time limit", a_drain_ends_at_its_time_limit, "3m", "10m"},
    {"what is cut off is recorded once", what_is_cut_off_is_recorded_once, "3m", "10m"},
    {"half an hour passes in a moment", half_an_hour_passes_in_a_moment, "1h", "1h"},
    {"a call without media is ended", a_call_without_media_is_ended, "3m", "40s"},
};

unsigned promises_run(const struct world_options *options, unsigned *ret_passed)
{
    unsigned failed = 0;
    for (size_t i = 0; i < sizeof promises / sizeof promises[0]; i++) {
        struct world w;
        struct vgw_buf yaml = {0};
        config_polite(&yaml, options, quiet_lab, promises[i].call_limit, promises[i].silence);
        if (world_open(&w, options, i, vgw_buf_str(&yaml))) {
            promises[i].fn(&w);
            if (w.gateway)
                world_settle(&w);
        }
        world_close(&w);
        vgw_buf_done(&yaml);
        if (w.failure[0])
            printf("%s: %s\n", promises[i].name, w.failure);
        failed += w.failure[0] != '\0';
        *ret_passed += w.failure[0] == '\0';
    }
    return failed;
}
