/* A process that journals is killed with SIGKILL in the middle: every record whose append had returned is replayed,
 * once, in order, and ids of events never repeat. */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "event/bus.h"
#include "event/journal.h"
#include "event/ring.h"
#include "loop/pool.h"
#include "check.h"

#define ROUNDS 6

struct shared {
    uint64_t appended; /* records whose append returned, over all rounds */
    uint64_t synced;
    uint64_t last_id, first_id;
};
static struct shared *shared;
static char path[64];
static uint64_t expected, disorder, replayed;

static void on_replay(void *arg, uint32_t type, const void *data, size_t len, uint64_t pos)
{
    uint64_t number = 0;
    if (len == sizeof number)
        memcpy(&number, data, len);
    /* A record that was written when the end came, but not counted, has its number given again by the next round. */
    disorder += number != expected + 1 && number != expected;
    expected = number;
    replayed++;
}

static struct vgw_journal *open_journal(struct vgw_loop *loop, struct vgw_pool *pool, struct vgw_journal_stats *stats)
{
    struct vgw_journal *j = NULL;
    struct vgw_error err;
    struct vgw_journal_options options = {
        .path = path, .sync_commit = true, .segment_bytes = 65536, .interval_us = 1000};
    expected = replayed = 0;
    if (vgw_journal_open(loop, pool, &options, on_replay, NULL, stats, &j, &err) != VGW_OK)
        printf("%s\n", err.text);
    return j;
}

static struct vgw_journal *journal;
static struct vgw_bus *bus;
static struct vgw_loop *loop;

static void on_synced(void *arg, int status)
{
    __atomic_store_n(&shared->synced, (uint64_t)(uintptr_t)arg, __ATOMIC_RELEASE);
}

static void append_some(void *arg)
{
    for (int i = 0; i < 50; i++) {
        uint64_t pos, number = __atomic_load_n(&shared->appended, __ATOMIC_RELAXED) + 1;
        if (vgw_journal_append(journal, 1, &number, sizeof number, &pos) != VGW_OK)
            _exit(1);
        __atomic_store_n(&shared->appended, number, __ATOMIC_RELEASE);
        vgw_journal_when_synced(journal, pos, on_synced, (void *)(uintptr_t)number);
        vgw_bus_emit(bus, VGW_EVENT_ERROR, NULL, NULL);
        __atomic_store_n(&shared->last_id, vgw_ring_next(vgw_bus_ring(bus)) - 1, __ATOMIC_RELEASE);
    }
    vgw_loop_call(loop, append_some, NULL);
}

static void child(int64_t wall_us)
{
    struct vgw_pool *pool;
    if (vgw_loop_new_control(&loop, NULL) || vgw_pool_new(1, NULL, &pool, NULL))
        _exit(2);
    journal = open_journal(loop, pool, NULL);
    if (!journal)
        _exit(3);
    uint64_t first = vgw_ring_first_id(wall_us, vgw_journal_mark(journal));
    shared->first_id = first;
    bus = vgw_bus_new(loop, NULL, first);
    vgw_bus_promise_ids(bus, journal);
    append_some(NULL);
    vgw_loop_run(loop);
}

int main(void)
{
    struct vgw_journal_stats stats = {0};
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memcpy(path, "/tmp/vgw-kill-XXXXXX", sizeof "/tmp/vgw-kill-XXXXXX");
    if (shared == MAP_FAILED || !mkdtemp(path))
        return 1;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t before = shared->appended, id_before = shared->last_id;
        pid_t pid = fork();
        if (pid == 0)
            child(1700000000000000 - round); /* a clock that is set back each time */
        while (__atomic_load_n(&shared->synced, __ATOMIC_ACQUIRE) < before + 100 + (uint64_t)round * 700) {
            int status;
            if (waitpid(pid, &status, WNOHANG) == pid)
                break;
            sched_yield();
        }
        kill(pid, SIGKILL);
        int status = 0;
        waitpid(pid, &status, 0);
        CHECK(WIFSIGNALED(status));
        CHECK(round == 0 || shared->first_id > id_before);
    }
    struct vgw_pool *pool;
    CHECK(vgw_loop_new_control(&loop, NULL) == 0);
    CHECK(vgw_pool_new(1, NULL, &pool, NULL) == 0);
    journal = open_journal(loop, pool, &stats);
    CHECK(journal != NULL);
    CHECK(disorder == 0);
    CHECK(replayed >= shared->appended);
    CHECK(replayed <= shared->appended + ROUNDS); /* one a round may have been written and not yet counted */
    CHECK(stats.corrupt == 0);
    printf("replayed %llu of %llu, %llu segments\n", (unsigned long long)replayed, (unsigned long long)shared->appended,
           (unsigned long long)stats.segments);
    vgw_journal_free(journal);
    vgw_pool_free(pool);
    vgw_loop_free(loop);
    char command[96];
    snprintf(command, sizeof command, "rm -r %s", path);
    CHECK(system(command) == 0);
    return check_end();
}
