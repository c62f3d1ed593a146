/* The pool's lanes with real threads: strands keep their order and never overlap; a stop finishes what is queued. */
#include <pthread.h>
#include <semaphore.h>
#include "base/alloc.h"
#include "loop/pool.h"
#include "check.h"

#define STRANDS 8
#define EACH 400

static struct vgw_loop *home;
static struct vgw_pool *pool;
static int busy[STRANDS], next_number[STRANDS], overlaps, disorder, done_count, not_here;

struct piece {
    struct vgw_job job;
    int strand, number;
};

static void work(void *arg)
{
    struct piece *p = arg;
    if (__atomic_exchange_n(&busy[p->strand], 1, __ATOMIC_RELAXED))
        __atomic_add_fetch(&overlaps, 1, __ATOMIC_RELAXED);
    if (next_number[p->strand]++ != p->number) /* not atomic: the strand alone touches it */
        __atomic_add_fetch(&disorder, 1, __ATOMIC_RELAXED);
    if (!vgw_pool_is_here(pool))
        __atomic_add_fetch(&not_here, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&busy[p->strand], 0, __ATOMIC_RELAXED);
}

static void done(void *arg)
{
    done_count++;
    vgw_free(arg);
}

static int loose;

static void count(void *arg)
{
    __atomic_add_fetch(&loose, 1, __ATOMIC_RELAXED);
    vgw_free(arg);
}

int main(void)
{
    CHECK(vgw_loop_new_worker("home", NULL, NULL, &home, NULL) == 0);
    CHECK(vgw_pool_new(4, NULL, &pool, NULL) == 0);
    uint64_t strands[STRANDS];
    int refused = 0;
    for (int i = 0; i < STRANDS; i++)
        strands[i] = vgw_pool_strand(pool);
    for (int n = 0; n < EACH; n++) {
        for (int i = 0; i < STRANDS; i++) {
            struct piece *p = vgw_calloc(1, sizeof *p);
            p->job = (struct vgw_job){.work = work, .done = done, .arg = p, .home = home, .strand = strands[i]};
            p->strand = i;
            p->number = n;
            refused += vgw_pool_submit(pool, &p->job) != 0;
        }
        struct piece *p = vgw_calloc(1, sizeof *p);
        p->job = (struct vgw_job){.work = count, .arg = p, .lane = n & 1 ? VGW_LANE_IO : VGW_LANE_DB};
        refused += vgw_pool_submit(pool, &p->job) != 0;
    }
    vgw_pool_free(pool); /* finishes what is queued */
    vgw_loop_stop(home);
    vgw_loop_free(home);
    CHECK(refused == 0);
    CHECK(done_count == STRANDS * EACH);
    CHECK(loose == EACH);
    CHECK(overlaps == 0);
    CHECK(disorder == 0);
    CHECK(not_here == 0);
    for (int i = 0; i < STRANDS; i++)
        CHECK(next_number[i] == EACH);
    return check_end();
}
