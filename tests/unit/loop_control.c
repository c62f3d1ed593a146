#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "loop/loop.h"
#include "loop/notify.h"

static struct vgw_loop *loop;
static int fds[2];

static void setup(void)
{
    struct vgw_error err;
    cr_assert_eq(vgw_loop_new_control(&loop, &err), 0);
    cr_assert_eq(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
}

static void teardown(void)
{
    vgw_loop_free(loop);
    close(fds[0]);
    close(fds[1]);
}
TestSuite(loop_control, .init = setup, .fini = teardown);

static char heard[64];
static struct vgw_io *reader;
static struct vgw_timer timer;
static int64_t armed_at_us, fired_at_us;

static void on_read(void *arg, unsigned events)
{
    cr_assert_eq(events, VGW_IO_READ);
    ssize_t n = read(fds[0], heard, sizeof heard - 1);
    cr_assert_gt(n, 0);
    heard[n] = '\0';
    vgw_io_free(reader);
    vgw_loop_stop(loop);
}

static void on_write_time(void *arg)
{
    fired_at_us = vgw_now(loop);
    cr_assert_eq(vgw_now(loop), vgw_now(loop));
    cr_assert(vgw_loop_is_here(loop));
    cr_assert_eq(vgw_loop_here(), loop);
    cr_assert_eq(write(fds[1], "hello", 5), 5);
}

Test(loop_control, timers_posts_and_descriptors_work_together)
{
    reader = vgw_io_new(loop, fds[0], on_read, NULL);
    cr_assert_eq(vgw_io_want(reader, VGW_IO_READ), 0);
    vgw_timer_init(&timer, loop, on_write_time, NULL);
    armed_at_us = vgw_now(loop);
    cr_assert_eq(vgw_timer_start(&timer, 3000), 0);
    vgw_loop_run(loop);
    cr_assert_str_eq(heard, "hello");
    cr_assert_geq(fired_at_us, armed_at_us + 3000, "a timer is never early");
    cr_assert_null(vgw_loop_here());
}

static int writes;
static struct vgw_io *writer;

static void on_writable(void *arg, unsigned events)
{
    cr_assert_eq(events, VGW_IO_WRITE);
    if (++writes == 3) {
        cr_assert_eq(vgw_io_want(writer, 0), 0);
        vgw_loop_stop(loop);
    }
}

Test(loop_control, a_writable_descriptor_calls_until_nothing_is_wanted)
{
    writer = vgw_io_new(loop, fds[1], on_writable, NULL);
    cr_assert_eq(vgw_io_want(writer, VGW_IO_WRITE), 0);
    vgw_loop_run(loop);
    cr_assert_eq(writes, 3);
    vgw_io_free(writer);
}

static void on_signo(void *arg, int signo)
{
    *(int *)arg = signo;
    vgw_loop_stop(loop);
}

static void raise_signal(void *arg)
{
    raise(SIGUSR1);
}

Test(loop_control, signals_arrive_on_the_loop)
{
    int seen = 0;
    cr_assert_eq(vgw_loop_on_signal(loop, SIGUSR1, on_signo, &seen), 0);
    cr_assert_eq(vgw_loop_call(loop, raise_signal, NULL), 0);
    vgw_loop_run(loop);
    cr_assert_eq(seen, SIGUSR1);
}

Test(loop_control, a_stop_before_the_run_ends_it_and_it_can_run_again)
{
    vgw_loop_stop(loop);
    vgw_loop_run(loop);
    vgw_loop_stop(loop);
    vgw_loop_run(loop);
}

static void on_freed(void *arg)
{
    *(bool *)arg = true;
}

Test(loop_control, free_runs_what_was_posted)
{
    struct vgw_loop *other;
    bool ran = false;
    cr_assert_eq(vgw_loop_new_control(&other, NULL), 0);
    cr_assert_eq(vgw_loop_call(other, on_freed, &ran), 0);
    vgw_loop_free(other);
    cr_assert(ran);
    vgw_loop_free(NULL);
}

Test(loop_control, notify_sends_one_datagram)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    char text[64] = "";
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    socklen_t len = sizeof(sa_family_t); /* an abstract name of the kernel's choice */
    cr_assert_eq(bind(fd, (struct sockaddr *)&addr, len), 0);
    len = sizeof addr;
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    char name[32] = "@";
    memcpy(name + 1, addr.sun_path + 1, len - sizeof(sa_family_t) - 1);
    unsetenv("NOTIFY_SOCKET");
    vgw_notify("READY=1");
    cr_assert_eq(recv(fd, text, sizeof text - 1, 0), -1);
    setenv("NOTIFY_SOCKET", name, 1);
    vgw_notifyf("STATUS=%d calls", 3);
    cr_assert_eq(recv(fd, text, sizeof text - 1, 0), 14);
    cr_assert_str_eq(text, "STATUS=3 calls");
    close(fd);
}

Test(loop_control, the_watchdogs_time_is_read_only_when_meant_for_us)
{
    unsetenv("WATCHDOG_PID");
    unsetenv("WATCHDOG_USEC");
    cr_assert_eq(vgw_notify_watchdog_us(), 0);
    setenv("WATCHDOG_USEC", "30000000", 1);
    cr_assert_eq(vgw_notify_watchdog_us(), 30000000);
    setenv("WATCHDOG_PID", "1", 1);
    cr_assert_eq(vgw_notify_watchdog_us(), 0);
}
