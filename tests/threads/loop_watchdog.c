/* A worker that is stuck keeps the watchdog unfed and is named; when it goes on, feeding goes on. */
#include <semaphore.h>
#include <string.h>
#include "loop/watchdog.h"
#include "check.h"

static struct vgw_loop *control, *workers[2];
static struct vgw_pool *pool;
static sem_t stuck, release;
static int fed_before, fed_after, late_worker, late_other;
static bool released;

static void get_stuck(void *arg)
{
    sem_post(&stuck);
    sem_wait(&release);
}

static void on_fed(void *arg)
{
    if (released) {
        if (++fed_after == 3)
            vgw_loop_stop(control);
        return;
    }
    fed_before++;
    if (fed_before == 3) {
        vgw_loop_call(workers[1], get_stuck, NULL);
        sem_wait(&stuck);
    }
}

static void on_late(void *arg, const char *name)
{
    if (strcmp(name, "second") != 0) {
        late_other++;
        return;
    }
    if (++late_worker == 3 && !released) {
        released = true;
        sem_post(&release);
    }
}

int main(void)
{
    struct vgw_watchdog *dog;
    sem_init(&stuck, 0, 0);
    sem_init(&release, 0, 0);
    CHECK(vgw_loop_new_control(&control, NULL) == 0);
    CHECK(vgw_loop_new_worker("first", NULL, NULL, &workers[0], NULL) == 0);
    CHECK(vgw_loop_new_worker("second", NULL, NULL, &workers[1], NULL) == 0);
    CHECK(vgw_pool_new(1, NULL, &pool, NULL) == 0);
    /* Long enough that a healthy thread answers on a busy machine. */
    CHECK(vgw_watchdog_new(control, workers, 2, pool, 100000, on_fed, on_late, NULL, &dog) == 0);
    vgw_loop_run(control);
    CHECK(fed_before == 3);
    CHECK(late_worker >= 3);
    CHECK(fed_after == 3);
    printf("late: second %d, others %d\n", late_worker, late_other);
    vgw_watchdog_free(dog); /* its pings may be under way */
    for (int i = 0; i < 2; i++) {
        vgw_loop_stop(workers[i]);
        vgw_loop_free(workers[i]);
    }
    vgw_pool_free(pool);
    vgw_loop_free(control);
    return check_end();
}
