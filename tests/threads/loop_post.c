/* Storms of posts from many threads to one worker: each runs, in its sender's order; coalesced posts lose no news. */
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/list.h"
#include "loop/loop.h"
#include "check.h"

#define SENDERS 4
#define EACH 5000

static struct vgw_loop *worker;
static int last[SENDERS], out_of_order, elsewhere, setups;

struct message {
    struct vgw_task task;
    int sender, number;
};

static void on_message(struct vgw_task *task)
{
    struct message *m = VGW_CONTAINER_OF(task, struct message, task);
    out_of_order += m->number != last[m->sender] + 1;
    elsewhere += !vgw_loop_is_here(worker);
    last[m->sender] = m->number;
    vgw_free(m);
}

/* One node for all senders: what a sender adds before its post must be seen by a run after it. */
static int news, taken;
static struct vgw_task shared;

static void on_shared(struct vgw_task *task)
{
    taken += __atomic_exchange_n(&news, 0, __ATOMIC_RELAXED);
}

static void *send_all(void *arg)
{
    int sender = *(int *)arg;
    for (int i = 1; i <= EACH; i++) {
        struct message *m = vgw_calloc(1, sizeof *m);
        m->task.fn = on_message;
        m->sender = sender;
        m->number = i;
        vgw_loop_post(worker, &m->task);
        __atomic_add_fetch(&news, 1, __ATOMIC_RELAXED);
        vgw_loop_post(worker, &shared);
    }
    return NULL;
}

static void on_setup(struct vgw_loop *loop, void *arg)
{
    setups += vgw_loop_here() == loop && vgw_loop_uv(loop) != NULL;
}

static void storm(void)
{
    pthread_t threads[SENDERS];
    int ids[SENDERS];
    CHECK(vgw_loop_new_worker("storm", on_setup, NULL, &worker, NULL) == 0);
    shared.fn = on_shared;
    for (int i = 0; i < SENDERS; i++) {
        ids[i] = i;
        pthread_create(&threads[i], NULL, send_all, &ids[i]);
    }
    for (int i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    vgw_loop_stop(worker);
    vgw_loop_free(worker);
    for (int i = 0; i < SENDERS; i++)
        CHECK(last[i] == EACH);
    CHECK(out_of_order == 0);
    CHECK(elsewhere == 0);
    CHECK(setups == 1);
    CHECK(taken == SENDERS * EACH);
}

/* A ball between control and a worker, through posts, with a timer and a socket on the way. */
static struct vgw_loop *control, *player;
static struct vgw_timer timer;
static struct vgw_io *io;
static int fds[2], rounds, early;
static int64_t deadline_us;

static void on_back(void *arg)
{
    if (++rounds == 200)
        vgw_loop_stop(control);
    else
        (void)!write(fds[0], "b", 1);
}

static void on_timer(void *arg)
{
    early += vgw_now(player) < deadline_us;
    vgw_loop_call(control, on_back, NULL);
}

static void on_ball(void *arg, unsigned events)
{
    char ball;
    while (read(fds[1], &ball, 1) == 1) {
        deadline_us = vgw_now(player) + 300;
        vgw_timer_start(&timer, 300);
    }
}

static void on_player(struct vgw_loop *loop, void *arg)
{
    player = loop;
    vgw_timer_init(&timer, loop, on_timer, NULL);
    io = vgw_io_new(loop, fds[1], on_ball, NULL);
    vgw_io_want(io, VGW_IO_READ);
}

static void on_leave(void *arg)
{
    vgw_io_free(io);
}

static void ball(void)
{
    struct vgw_loop *loop;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    CHECK(vgw_loop_new_control(&control, NULL) == 0);
    CHECK(vgw_loop_new_worker("player", on_player, NULL, &loop, NULL) == 0);
    (void)!write(fds[0], "b", 1);
    vgw_loop_run(control);
    CHECK(rounds == 200);
    CHECK(early == 0);
    CHECK(vgw_loop_call(loop, on_leave, NULL) == 0);
    vgw_loop_stop(loop);
    vgw_loop_free(loop);
    vgw_loop_free(control);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    storm();
    ball();
    return check_end();
}
