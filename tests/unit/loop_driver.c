#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "base/str.h"
#include "loop/driver.h"
#include "loop/watchdog.h"

static struct vgw_driver *driver;
static struct vgw_loop *a, *b;
static char story[512];

static void tell(const char *word)
{
    size_t len = strlen(story);
    snprintf(story + len, sizeof story - len, "%s ", word);
}

static void setup(void)
{
    driver = vgw_driver_new(1, 1700000000000000);
    a = vgw_driver_loop(driver, "a");
    b = vgw_driver_loop(driver, "b");
    story[0] = '\0';
}

static void teardown(void)
{
    vgw_loop_free(a);
    vgw_loop_free(b);
    vgw_driver_free(driver);
}
TestSuite(loop_driver, .init = setup, .fini = teardown);

static void on_timer(void *arg)
{
    tell(arg);
}

Test(loop_driver, timers_fire_in_order_at_their_very_deadline)
{
    struct vgw_timer t1, t2, t3;
    int64_t start = vgw_driver_now(driver);
    vgw_timer_init(&t1, a, on_timer, (void *)"one");
    vgw_timer_init(&t2, b, on_timer, (void *)"two");
    vgw_timer_init(&t3, a, on_timer, (void *)"three");
    cr_assert_eq(vgw_timer_start(&t3, 3000), 0);
    cr_assert_eq(vgw_timer_start(&t1, 1000), 0);
    cr_assert_eq(vgw_timer_start(&t2, 2000), 0);
    cr_assert_eq(vgw_now(a), start);
    vgw_driver_run(driver, 2500);
    cr_assert_str_eq(story, "one two ");
    cr_assert_eq(vgw_now(a), start + 2500);
    cr_assert_eq(vgw_wall(b), 1700000000000000 + 2500);
    cr_assert(vgw_timer_armed(&t3));
    vgw_timer_stop(&t3);
    vgw_timer_stop(&t3);
    vgw_driver_run(driver, 10000);
    cr_assert_str_eq(story, "one two ");
}

static struct vgw_timer again;
static int again_count;

static void on_again(void *arg)
{
    if (++again_count < 5)
        vgw_timer_start(&again, -20);
}

Test(loop_driver, a_timer_rearmed_for_now_fires_once_for_each_start)
{
    again_count = 0;
    vgw_timer_init(&again, a, on_again, NULL);
    vgw_timer_start(&again, 0);
    cr_assert_eq(again_count, 0);
    vgw_driver_settle(driver);
    cr_assert_eq(again_count, 5);
}

struct note {
    struct vgw_task task;
    int sender, number;
    struct vgw_loop *at;
};
static int last_number[2];
static int note_count;

static void on_note(struct vgw_task *task)
{
    struct note *n = (struct note *)task;
    cr_assert_eq(n->number, last_number[n->sender] + 1, "a sender's order is kept");
    cr_assert(vgw_loop_is_here(n->at));
    cr_assert_eq(vgw_loop_here(), n->at);
    last_number[n->sender] = n->number;
    note_count++;
}

Test(loop_driver, posts_keep_each_senders_order_for_every_seed)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct vgw_driver *d = vgw_driver_new(seed, 0);
        struct vgw_loop *loops[2] = {vgw_driver_loop(d, "x"), vgw_driver_loop(d, "y")};
        struct note notes[20];
        memset(notes, 0, sizeof notes);
        last_number[0] = last_number[1] = note_count = 0;
        for (int i = 0; i < 20; i++) {
            notes[i] = (struct note){.task.fn = on_note, .sender = i & 1, .number = i / 2 + 1, .at = loops[i & 1]};
            cr_assert(vgw_loop_post(loops[i & 1], &notes[i].task));
            cr_assert(!vgw_loop_post(loops[i & 1], &notes[i].task), "posts coalesce");
        }
        cr_assert_eq(vgw_loop_backlog(loops[0]), 10);
        vgw_driver_settle(d);
        cr_assert_eq(note_count, 20);
        cr_assert_eq(vgw_loop_backlog(loops[0]), 0);
        cr_assert_eq(vgw_driver_steps(d), 20);
        vgw_loop_free(loops[0]);
        vgw_loop_free(loops[1]);
        vgw_driver_free(d);
    }
}

static void on_word(void *arg)
{
    tell(arg);
}

static void order_of(uint64_t seed, char *out, size_t cap)
{
    struct vgw_driver *d = vgw_driver_new(seed, 0);
    struct vgw_loop *x = vgw_driver_loop(d, "x"), *y = vgw_driver_loop(d, "y");
    story[0] = '\0';
    for (int i = 0; i < 4; i++) {
        vgw_loop_call(x, on_word, (void *)"x");
        vgw_loop_call(y, on_word, (void *)"y");
    }
    vgw_driver_settle(d);
    vgw_strcopy(out, cap, story);
    vgw_loop_free(x);
    vgw_loop_free(y);
    vgw_driver_free(d);
}

Test(loop_driver, a_seed_repeats_its_order_and_seeds_differ)
{
    char first[64], second[64];
    int different = 0;
    for (uint64_t seed = 1; seed < 20; seed++) {
        order_of(seed, first, sizeof first);
        order_of(seed, second, sizeof second);
        cr_assert_str_eq(first, second);
        order_of(seed + 1, second, sizeof second);
        different += strcmp(first, second) != 0;
    }
    cr_assert_gt(different, 10);
}

static bool is_true(void *arg)
{
    return *(bool *)arg;
}

static void set_true(void *arg)
{
    *(bool *)arg = true;
}

Test(loop_driver, runs_until_a_condition_or_its_limit)
{
    bool flag = false;
    struct vgw_timer t;
    vgw_timer_init(&t, a, set_true, &flag);
    vgw_timer_start(&t, 5000);
    int64_t start = vgw_driver_now(driver);
    cr_assert(!vgw_driver_run_until(driver, is_true, &flag, 4000));
    cr_assert_eq(vgw_driver_now(driver), start + 4000);
    cr_assert(vgw_driver_run_until(driver, is_true, &flag, 4000));
    cr_assert_eq(vgw_driver_now(driver), start + 5000);
}

static int checks;

static void on_check(void *arg)
{
    checks++;
}

Test(loop_driver, checks_the_invariant_after_each_step)
{
    checks = 0;
    vgw_driver_invariant(driver, on_check, NULL);
    vgw_loop_call(a, on_word, (void *)"w");
    vgw_loop_call(b, on_word, (void *)"w");
    vgw_driver_settle(driver);
    cr_assert_eq(checks, 2);
}

Test(loop_driver, calls_are_bounded)
{
    for (int i = 0; i < VGW_LOOP_CALLS_MAX; i++)
        cr_assert_eq(vgw_loop_call(a, on_check, NULL), 0);
    cr_assert_eq(vgw_loop_call(a, on_check, NULL), VGW_ELIMIT);
    vgw_driver_settle(driver);
    cr_assert_eq(vgw_loop_call(a, on_check, NULL), 0);
}

Test(loop_driver, a_virtual_loop_watches_no_descriptor)
{
    cr_assert(vgw_loop_is_virtual(a));
    cr_assert_null(vgw_io_new(a, 0, NULL, NULL));
    cr_assert_null(vgw_loop_uv(a));
    vgw_io_free(NULL);
}

static int fed_count, late_count;

static void on_fed(void *arg)
{
    fed_count++;
}

static void on_late(void *arg, const char *name)
{
    late_count++;
    tell(name);
}

Test(loop_driver, the_watchdog_is_fed_while_all_answer)
{
    struct vgw_pool *pool;
    struct vgw_watchdog *dog;
    fed_count = late_count = 0;
    cr_assert_eq(vgw_pool_new(1, driver, &pool, NULL), 0);
    cr_assert_eq(vgw_watchdog_new(a, &b, 1, pool, 1000, on_fed, on_late, NULL, &dog), 0);
    vgw_driver_run(driver, 5000);
    cr_assert_eq(fed_count, 5);
    cr_assert_eq(late_count, 0);
    vgw_watchdog_free(dog);
    vgw_watchdog_free(NULL);
    vgw_driver_run(driver, 5000);
    cr_assert_eq(fed_count, 5);
    vgw_pool_free(pool);
}
