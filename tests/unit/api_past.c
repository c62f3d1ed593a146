/* api_past.c - events from the store, joined to the ring: pages, a ring that moves on meanwhile, a store that fails. */
#include <criterion/criterion.h>
#include <string.h>
#include "api/inside.h"
#include "base/alloc.h"
#include "event/ring.h"
#include "loop/driver.h"

#define FIRST 1000u /* id of the first event of this run */

static struct vgw_driver *driver;
static struct vgw_loop *loop;
static struct vgw_api api;
static unsigned woken;
static int opened_with;
/* The store: ids of an earlier run, then all of this one. */
static uint64_t earlier_from, earlier_to;
static bool well;
static int refuses;
/* A query that waits for its answer. */
static vgw_api_rows_fn waiting;
static void *waiting_arg;
static struct vgw_json *waiting_filter;
static uint32_t waiting_limit;

static void add_row(struct vgw_json *rows, uint64_t id)
{
    struct vgw_json *row = vgw_json_object();
    vgw_json_set_int(row, "event_id", (int64_t)id);
    vgw_json_set_string(row, "type", "call_ended");
    vgw_json_set_int(row, "time", 5);
    vgw_json_append(rows, row);
}

static bool fits(uint64_t id)
{
    int64_t above = vgw_json_get_int(waiting_filter, "event_id>", -1);
    int64_t below = vgw_json_get_int(waiting_filter, "event_id<", INT64_MAX);
    int64_t most = vgw_json_get_int(waiting_filter, "event_id<=", INT64_MAX);
    return (int64_t)id > above && (int64_t)id < below && (int64_t)id <= most;
}

static void store_query(void *arg, const char *table, struct vgw_json *filter, uint32_t limit, const char *cursor,
                        vgw_api_rows_fn done, void *done_arg)
{
    cr_assert_str_eq(table, "events");
    cr_assert_null(waiting, "one query at a time");
    waiting = done;
    waiting_arg = done_arg;
    waiting_filter = filter;
    waiting_limit = limit;
}

/* The store's lane answers. */
static void answer(void)
{
    vgw_api_rows_fn done = waiting;
    struct vgw_json *rows = vgw_json_array();
    cr_assert_not_null(done, "nothing was asked");
    for (uint64_t id = earlier_from; id < earlier_to && vgw_json_count(rows) < waiting_limit; id++)
        if (fits(id))
            add_row(rows, id);
    for (uint64_t id = FIRST; id < vgw_ring_next(vgw_bus_ring(api.env.bus)) && vgw_json_count(rows) < waiting_limit;
         id++)
        if (fits(id))
            add_row(rows, id);
    vgw_json_free(waiting_filter);
    waiting = NULL;
    if (refuses) {
        vgw_json_free(rows);
        done(waiting_arg, refuses, "the disk is gone", NULL);
    } else {
        done(waiting_arg, VGW_OK, "", rows);
    }
}

static bool store_well(void *arg)
{
    return well;
}

static void on_wake(void *arg)
{
    woken++;
}

static void on_opened(void *arg, int status)
{
    opened_with = status;
}

static void emit(unsigned n)
{
    while (n--)
        cr_assert_eq(vgw_bus_emit(api.env.bus, VGW_EVENT_CALL_ENDED, NULL, NULL), 0);
}

static void setup(void)
{
    driver = vgw_driver_new(1, 1700000000000000);
    loop = vgw_driver_loop(driver, "control");
    memset(&api, 0, sizeof api);
    api.env.loop = loop;
    api.env.bus = vgw_bus_new(loop, &(struct vgw_bus_limits){.keep = 100}, FIRST);
    api.env.store_query = store_query;
    api.env.store_well = store_well;
    vgw_list_init(&api.pasts);
    waiting = NULL;
    woken = 0;
    opened_with = 1;
    refuses = 0;
    well = true;
    earlier_from = 10;
    earlier_to = 20;
}

static void teardown(void)
{
    vgw_bus_free(api.env.bus);
    vgw_loop_free(loop);
    vgw_driver_free(driver);
}
TestSuite(api_past, .init = setup, .fini = teardown);

static struct vgw_past *open_behind(uint64_t last)
{
    struct vgw_past *p = vgw_past_new(&api, last, on_wake, NULL);
    vgw_past_open(p, on_opened);
    answer();
    return p;
}

/* Reads until the ring takes over; every event must follow the one before in what is stored. */
static uint64_t read_all(struct vgw_past *p, uint64_t *ret_count)
{
    struct vgw_event *e = NULL;
    uint64_t last = 0;
    for (;;) {
        enum vgw_past_result result = vgw_past_next(p, &e);
        if (result == VGW_PAST_WAIT) {
            answer();
        } else if (result == VGW_PAST_EVENT) {
            cr_assert(last == 0 || e->id == last + 1 || (last == earlier_to - 1 && e->id == FIRST), "%llu follows %llu",
                      (unsigned long long)e->id, (unsigned long long)last);
            last = e->id;
            (*ret_count)++;
        } else {
            cr_assert_eq(result, VGW_PAST_JOIN);
            return last;
        }
    }
}

Test(api_past, an_earlier_run_and_this_one_follow_each_other_up_to_the_ring)
{
    uint64_t count = 0;
    emit(700); /* the ring holds the last 100 */
    struct vgw_past *p = open_behind(14);
    cr_assert_eq(opened_with, VGW_OK);
    cr_assert_eq(read_all(p, &count), FIRST + 599);
    cr_assert_eq(count, 5 + 600);
    cr_assert_eq(vgw_past_last(p) + 1, vgw_ring_oldest(vgw_bus_ring(api.env.bus)), "the ring goes on right behind");
    vgw_past_free(p);
}

Test(api_past, a_ring_that_moves_on_while_a_page_is_read_leaves_no_gap)
{
    struct vgw_event *e = NULL;
    uint64_t count = 0;
    emit(150);
    struct vgw_past *p = open_behind(19);
    cr_assert_eq(vgw_past_next(p, &e), VGW_PAST_WAIT);
    emit(500); /* what the page ends with is no longer in the ring */
    answer();
    cr_assert_eq(woken, 1);
    cr_assert_eq(read_all(p, &count), FIRST + 549);
    cr_assert_eq(count, 550);
    vgw_past_free(p);
}

Test(api_past, nothing_as_old_is_kept)
{
    struct vgw_past *p = open_behind(9);
    cr_assert_eq(opened_with, VGW_ENOTFOUND);
    vgw_past_free(p);
    p = open_behind(0);
    cr_assert_eq(opened_with, VGW_OK, "whoever wants all that is kept never comes too late");
    vgw_past_free(p);
}

Test(api_past, a_store_that_fails_or_does_not_write_hides_no_gap)
{
    struct vgw_event *e = NULL;
    struct vgw_past *p = open_behind(14);
    cr_assert_eq(vgw_past_next(p, &e), VGW_PAST_WAIT);
    refuses = VGW_ESTORAGE;
    answer();
    cr_assert_eq(vgw_past_next(p, &e), VGW_PAST_FAILED);
    vgw_past_free(p);
    refuses = 0;
    well = false;
    p = open_behind(14);
    cr_assert_eq(opened_with, VGW_ESTORAGE);
    vgw_past_free(p);
}

Test(api_past, a_feed_that_goes_and_an_api_that_ends_leave_nothing_behind)
{
    struct vgw_event *e = NULL;
    struct vgw_past *p = open_behind(14);
    cr_assert_eq(vgw_past_next(p, &e), VGW_PAST_WAIT);
    vgw_past_free(p);
    answer();
    cr_assert_eq(woken, 0);
    cr_assert(vgw_list_empty(&api.pasts));
    vgw_past_open(vgw_past_new(&api, 14, on_wake, NULL), on_opened);
    vgw_pasts_end(&api);
    cr_assert_eq(opened_with, VGW_EBUSY);
    vgw_json_free(waiting_filter);
}
