/* explore.c - explore [--plugins DIR] [--chaos DIR] [--dir DIR] [--seeds N] [--first N] [--seed N] [--verbose]: runs
 * the whole gateway in virtual time, once for each seed, in an order of threads drawn from it. A seed whose run crashes
 * counts as failed and the others go on. The last line is "N passed, N failed". */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "loop/impl.h"
#include "plugin/probe.h"
#include "world.h"

#define HANG_S 30 /* a seed that takes so long has gone astray */

struct totals {
    uint64_t seeds, failed, calls, steps;
    double virtual_s;
};

static void on_step(void *arg)
{
    struct world *w = arg;
    if (vgw_driver_steps(w->driver) % 8 == 0)
        world_check(w);
}

static bool acts_over(void *arg)
{
    return ((struct world *)arg)->acts_left == 0 || ((struct world *)arg)->failure[0];
}

static void live(struct world *w)
{
    vgw_driver_invariant(w->driver, on_step, w);
    acts_start(w, 8 + (unsigned)vgw_rng_below(&w->rng, 50));
    vgw_driver_run_until(w->driver, acts_over, w, 600 * VGW_US_PER_S);
    vgw_driver_run(w->driver, (int64_t)vgw_rng_below(&w->rng, 30) * VGW_US_PER_S);
}

static bool run_seed(const struct world_options *o, uint64_t seed, struct totals *t)
{
    struct world w;
    alarm(HANG_S);
    if (world_open(&w, o, seed, NULL)) {
        live(&w);
        if (!w.failure[0] && chance(&w, 15)) /* stopped in the middle of it, and started again */
            world_restart(&w);
        if (w.gateway)
            world_settle(&w);
        t->calls += vgw_map_count(w.calls);
    }
    t->virtual_s += (double)vgw_driver_now(w.driver) / 1e6;
    t->steps += vgw_driver_steps(w.driver);
    world_close(&w);
    if (w.failure[0])
        printf("seed %llu: %s\n", (unsigned long long)seed, w.failure);
    alarm(0);
    t->seeds++;
    t->failed += w.failure[0] != '\0';
    return !w.failure[0];
}

/* A child that tells what it has done through a pipe, so that a crash costs one seed only. */
static uint64_t run_child(const struct world_options *o, uint64_t first, uint64_t end, struct totals *all)
{
    int ends[2];
    struct totals t = {0};
    fflush(NULL);
    if (pipe(ends) < 0)
        abort();
    pid_t pid = fork();
    if (pid == 0) {
        for (uint64_t s = first; s < end; s++) {
            run_seed(o, s, &t);
            fflush(NULL);
            if (write(ends[1], &t, sizeof t) != sizeof t)
                abort();
        }
        exit(0); /* so that leaks are looked for */
    }
    close(ends[1]);
    for (struct totals got; read(ends[0], &got, sizeof got) == sizeof got;)
        t = got;
    close(ends[0]);
    int status = 0;
    waitpid(pid, &status, 0);
    all->seeds += t.seeds;
    all->failed += t.failed;
    all->calls += t.calls;
    all->steps += t.steps;
    all->virtual_s += t.virtual_s;
    if (status == 0)
        return end;
    uint64_t at = first + t.seeds < end ? first + t.seeds : end - 1;
    printf("seed %llu: the run ended with %s %d\n", (unsigned long long)at,
           WIFSIGNALED(status) ? "signal" : "exit code", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    all->failed++;
    all->seeds += first + t.seeds < end;
    return at + 1;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run_all(const struct world_options *o, uint64_t first, uint64_t count)
{
    struct totals t = {0};
    double began = seconds();
    unsigned promised = 0, broken = promises_run(o, &promised) + delivery_run(o, &promised);
    for (uint64_t at = first; at < first + count;) {
        uint64_t end = at + 100 < first + count ? at + 100 : first + count;
        at = run_child(o, at, end, &t);
    }
    double took = seconds() - began;
    printf("%llu seeds, %llu calls, %llu steps, %.0f s of virtual time in %.1f s: %.0f times faster\n",
           (unsigned long long)t.seeds, (unsigned long long)t.calls, (unsigned long long)t.steps, t.virtual_s, took,
           took > 0 ? t.virtual_s / took : 0);
    if (t.failed)
        printf("a seed again: --seed N [--verbose]\n");
    printf("%llu passed, %llu failed\n", (unsigned long long)(t.seeds - t.failed + promised),
           (unsigned long long)(t.failed + broken));
    return t.failed || broken;
}

int main(int argc, char **argv)
{
    char dir[] = "/dev/shm/virtual-XXXXXX", fallback[] = "/tmp/virtual-XXXXXX";
    struct world_options o = {.plugins = "build/plugins", .chaos = "build/tests/virtual-plugins"};
    uint64_t first = 0, count = 1000;
    bool one = false;
    if (argc == 3 && vgw_streq(argv[1], VGW_PLUGIN_PROBE_ARGUMENT))
        _exit(vgw_probe_main(argv[2]));
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (vgw_streq(argv[i], "--verbose")) {
            o.verbose = true;
            continue;
        }
        if (vgw_streq(argv[i], "--plugins"))
            o.plugins = value;
        else if (vgw_streq(argv[i], "--chaos"))
            o.chaos = value;
        else if (vgw_streq(argv[i], "--dir"))
            o.dir = value;
        else if (vgw_streq(argv[i], "--seeds"))
            count = strtoull(value, NULL, 10);
        else if (vgw_streq(argv[i], "--first"))
            first = strtoull(value, NULL, 10);
        else if (vgw_streq(argv[i], "--seed"))
            first = strtoull(value, NULL, 10), one = true;
        else {
            fprintf(
                stderr,
                "usage: %s [--plugins DIR] [--chaos DIR] [--dir DIR] [--seeds N] [--first N] [--seed N] [--verbose]\n",
                argv[0]);
            return 64;
        }
        i++;
    }
    struct rlimit core = {0, 0};
    setrlimit(RLIMIT_CORE, &core);
    bool own = !o.dir;
    if (own)
        o.dir = mkdtemp(dir) ? dir : mkdtemp(fallback);
    if (!o.dir)
        return 73;
    struct totals t = {0};
    int failed = one ? !run_seed(&o, first, &t) : run_all(&o, first, count);
    if (own)
        world_clean(&o);
    if (one)
        printf("%d passed, %d failed\n", !failed, failed);
    return failed;
}
