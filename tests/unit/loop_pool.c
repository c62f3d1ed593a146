#include <criterion/criterion.h>
#include <string.h>
#include "base/alloc.h"
#include "loop/driver.h"
#include "loop/pool.h"

static struct vgw_driver *driver;
static struct vgw_loop *home;
static struct vgw_pool *pool;
static char worked[64];
static size_t worked_len;
static int done_count;

static void setup(void)
{
    driver = vgw_driver_new(3, 0);
    home = vgw_driver_loop(driver, "home");
    cr_assert_eq(vgw_pool_new(2, driver, &pool, NULL), 0);
    memset(worked, 0, sizeof worked);
    worked_len = 0;
    done_count = 0;
}

static void teardown(void)
{
    vgw_pool_free(pool);
    vgw_loop_free(home);
    vgw_driver_free(driver);
}
TestSuite(loop_pool, .init = setup, .fini = teardown);

struct piece {
    struct vgw_job job;
    char letter;
};

static void work(void *arg)
{
    struct piece *p = arg;
    cr_assert(vgw_pool_is_here(pool));
    cr_assert(!vgw_loop_is_here(home));
    worked[worked_len++] = p->letter;
}

static void done(void *arg)
{
    cr_assert(vgw_loop_is_here(home));
    cr_assert(!vgw_pool_is_here(pool));
    done_count++;
}

Test(loop_pool, strands_are_served_in_turn_each_in_its_own_order)
{
    struct piece pieces[9];
    uint64_t strands[3];
    for (int i = 0; i < 3; i++)
        strands[i] = vgw_pool_strand(pool);
    cr_assert(strands[0] && strands[0] != strands[1] && strands[1] != strands[2]);
    const char *letters = "AAAABBCCC"; /* A was first with much: B and C still have their turns */
    for (int i = 0; i < 9; i++) {
        pieces[i] = (struct piece){.letter = letters[i]};
        pieces[i].job = (struct vgw_job){.work = work, .done = done, .arg = &pieces[i], .home = home};
        pieces[i].job.strand = strands[letters[i] - 'A'];
        cr_assert_eq(vgw_pool_submit(pool, &pieces[i].job), 0);
    }
    cr_assert_eq(vgw_pool_depth(pool, VGW_LANE_CPU), 9);
    vgw_driver_settle(driver);
    cr_assert_str_eq(worked, "ABCABCACA");
    cr_assert_eq(done_count, 9);
    cr_assert_eq(vgw_pool_depth(pool, VGW_LANE_CPU), 0);
}

static void free_self(void *arg)
{
    worked[worked_len++] = 'x';
    vgw_free(arg);
}

Test(loop_pool, a_job_without_done_may_free_itself)
{
    uint64_t strand = vgw_pool_strand(pool);
    for (int i = 0; i < 4; i++) {
        struct piece *p = vgw_calloc(1, sizeof *p);
        p->job = (struct vgw_job){.work = free_self, .arg = p, .strand = i & 1 ? strand : 0, .lane = VGW_LANE_IO};
        cr_assert_eq(vgw_pool_submit(pool, &p->job), 0);
    }
    vgw_driver_settle(driver);
    cr_assert_str_eq(worked, "xxxx");
}

static void count(void *arg)
{
    ++*(int *)arg;
}

Test(loop_pool, a_full_lane_refuses_and_others_go_on)
{
    int counted = 0;
    struct vgw_job *jobs = vgw_calloc(10001, sizeof *jobs);
    for (int i = 0; i < 10000; i++) {
        jobs[i] = (struct vgw_job){.work = count, .arg = &counted, .lane = VGW_LANE_DB};
        cr_assert_eq(vgw_pool_submit(pool, &jobs[i]), 0);
    }
    jobs[10000] = (struct vgw_job){.work = count, .arg = &counted, .lane = VGW_LANE_DB};
    cr_assert_eq(vgw_pool_submit(pool, &jobs[10000]), VGW_ELIMIT);
    jobs[10000].lane = VGW_LANE_IO;
    cr_assert_eq(vgw_pool_submit(pool, &jobs[10000]), 0);
    vgw_driver_settle(driver);
    cr_assert_eq(counted, 10001);
    jobs[0].lane = VGW_LANE_COUNT;
    cr_assert_eq(vgw_pool_submit(pool, &jobs[0]), VGW_EINVALID);
    vgw_free(jobs);
}
