#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "event/journal_scan.h"
#include "loop/driver.h"

static char path[64];
static struct vgw_driver *driver;
static struct vgw_loop *loop;
static struct vgw_pool *pool;
static struct vgw_journal *journal;
static struct vgw_journal_stats stats;
static struct vgw_journal_options options;
static char healths[256];

static void on_health(void *arg, bool ok, const char *detail)
{
    strncat(healths, ok ? "ok " : "bad ", sizeof healths - strlen(healths) - 1);
}

static void setup(void)
{
    memcpy(path, "/tmp/vgw-journal-XXXXXX", sizeof "/tmp/vgw-journal-XXXXXX");
    cr_assert_not_null(mkdtemp(path));
    driver = vgw_driver_new(1, 0);
    loop = vgw_driver_loop(driver, "control");
    cr_assert_eq(vgw_pool_new(1, driver, &pool, NULL), 0);
    options =
        (struct vgw_journal_options){.path = path, .sync_commit = true, .segment_bytes = 65536, .health = on_health};
    healths[0] = '\0';
}

static int remove_one(const char *name, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(name);
}

static void teardown(void)
{
    vgw_journal_free(journal);
    vgw_pool_free(pool);
    vgw_loop_free(loop);
    vgw_driver_free(driver);
    nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
TestSuite(event_journal, .init = setup, .fini = teardown);

static char replayed[4096];
static uint64_t replayed_count;

static void on_replay(void *arg, uint32_t type, const void *data, size_t len, uint64_t pos)
{
    replayed_count++;
    size_t at = strlen(replayed);
    if (len < 64)
        snprintf(replayed + at, sizeof replayed - at, "%u:%.*s ", type, (int)len, (const char *)data);
}

static int try_open(void)
{
    struct vgw_error err = {0};
    replayed[0] = '\0';
    replayed_count = 0;
    int rc = vgw_journal_open(loop, pool, &options, on_replay, NULL, &stats, &journal, &err);
    if (rc != VGW_OK)
        cr_log_info("%s", err.text);
    return rc;
}

static void close_it(void)
{
    vgw_journal_free(journal);
    journal = NULL;
    vgw_driver_settle(driver);
}

static uint64_t append(uint32_t type, const char *text)
{
    uint64_t pos = 0;
    cr_assert_eq(vgw_journal_append(journal, type, text, strlen(text), &pos), 0);
    return pos;
}

Test(event_journal, replays_in_order_what_was_not_checkpointed)
{
    cr_assert_eq(try_open(), 0);
    cr_assert_eq(stats.records, 0);
    append(1, "one");
    uint64_t two = append(2, "two");
    append(3, "");
    append(4, "four");
    close_it();
    cr_assert_eq(try_open(), 0);
    cr_assert_str_eq(replayed, "1:one 2:two 3: 4:four ");
    vgw_journal_checkpoint(journal, two);
    append(5, "five");
    close_it();
    cr_assert_eq(try_open(), 0);
    cr_assert_str_eq(replayed, "3: 4:four 5:five ");
    cr_assert_eq(stats.corrupt, 0);
    cr_assert_eq(stats.torn, 0);
    vgw_journal_checkpoint(journal, vgw_journal_pos(journal));
    close_it();
    cr_assert_eq(try_open(), 0);
    cr_assert_str_eq(replayed, "");
}

Test(event_journal, positions_and_the_mark_grow_over_restarts)
{
    cr_assert_eq(try_open(), 0);
    cr_assert_eq(vgw_journal_mark(journal), 0);
    cr_assert_eq(vgw_journal_set_mark(journal, 77), 0);
    uint64_t pos = append(1, "x");
    close_it();
    cr_assert_eq(try_open(), 0);
    cr_assert_eq(vgw_journal_mark(journal), 77);
    cr_assert_gt(append(1, "y"), pos);
    vgw_journal_checkpoint(journal, vgw_journal_pos(journal));
    close_it();
    cr_assert_eq(try_open(), 0);
    close_it();
    cr_assert_eq(try_open(), 0);
    cr_assert_eq(vgw_journal_mark(journal), 77, "recycling keeps it");
}

static int count_files(void)
{
    char command[128], text[16] = "";
    snprintf(command, sizeof command, "ls %s | grep -c vgj", path);
    FILE *f = popen(command, "r");
    cr_assert_not_null(fgets(text, sizeof text, f));
    pclose(f);
    return (int)strtol(text, NULL, 10);
}

Test(event_journal, segments_are_used_again_after_a_checkpoint)
{
    char text[1001];
    memset(text, 'x', 1000);
    text[1000] = '\0';
    cr_assert_eq(try_open(), 0);
    for (int i = 0; i < 2000; i++) { /* 2 MB through segments of 64 KiB */
        append(9, text);
        if (i % 50 == 49) {
            vgw_journal_checkpoint(journal, vgw_journal_pos(journal));
            vgw_driver_run(driver, 100000);
        }
    }
    cr_assert_leq(count_files(), 6);
    cr_assert_str_eq(healths, "");
    uint64_t from = append(1, "last");
    cr_assert_gt(from, 2000000);
    close_it();
    cr_assert_eq(try_open(), 0);
    cr_assert_str_eq(replayed, "1:last ");
    cr_assert_eq(stats.torn, 0);
}

Test(event_journal, is_bounded_and_says_so_before_it_is_full)
{
    char text[1001];
    memset(text, 'x', 1000);
    text[1000] = '\0';
    options.max_bytes = 8 * 65536;
    cr_assert_eq(try_open(), 0);
    int written = 0;
    for (;; written++) {
        if (strlen(healths) == 0)
            cr_assert_lt(written, 8 * 65);
        if (vgw_journal_append(journal, 1, text, 1000, NULL) != VGW_OK)
            break;
        vgw_driver_run(driver, 1000);
    }
    cr_assert_eq(written, 8 * 64);
    cr_assert_str_eq(healths, "bad bad ");
    vgw_journal_checkpoint(journal, vgw_journal_pos(journal));
    vgw_driver_run(driver, 5000000);
    cr_assert_eq(vgw_journal_append(journal, 1, text, 1000, NULL), 0);
    cr_assert_str_eq(healths, "bad bad ok ");
    char *big = calloc(1, VGW_JOURNAL_RECORD_MAX + 1);
    cr_assert_eq(vgw_journal_append(journal, 1, big, VGW_JOURNAL_RECORD_MAX + 1, NULL), VGW_EINVALID);
    free(big);
}

static int synced_count, synced_status;

static void on_synced(void *arg, int status)
{
    synced_count++;
    synced_status = status;
}

Test(event_journal, continuations_wait_for_the_disk_in_groups)
{
    cr_assert_eq(try_open(), 0);
    vgw_driver_settle(driver);
    for (int i = 0; i < 10; i++)
        cr_assert_eq(vgw_journal_when_synced(journal, append(1, "x"), on_synced, NULL), 0);
    cr_assert_eq(synced_count, 0);
    uint64_t before = vgw_driver_steps(driver);
    vgw_driver_settle(driver);
    cr_assert_eq(synced_count, 10);
    cr_assert_eq(synced_status, VGW_OK);
    cr_assert_leq(vgw_driver_steps(driver) - before, 6, "one sync for all");
    cr_assert_eq(vgw_journal_when_synced(journal, 1, on_synced, NULL), 0);
    cr_assert_eq(synced_count, 10, "never from inside the call");
    close_it();
    cr_assert_eq(synced_count, 11, "none is forgotten at the end");
}

Test(event_journal, has_one_owner)
{
    cr_assert_eq(try_open(), 0);
    struct vgw_journal *mine = journal;
    cr_assert_eq(try_open(), VGW_EBUSY);
    journal = mine;
}

static void damage(int which, long offset, const void *bytes, size_t len)
{
    char name[128];
    snprintf(name, sizeof name, "%s/%020d.vgj", path, which);
    int fd = open(name, O_WRONLY);
    cr_assert_geq(fd, 0);
    cr_assert_eq(pwrite(fd, bytes, len, offset), (ssize_t)len);
    close(fd);
}

Test(event_journal, a_damaged_record_is_skipped_and_counted)
{
    cr_assert_eq(try_open(), 0);
    append(1, "aaaaaaaa");
    append(2, "bbbbbbbb");
    append(3, "cccccccc");
    close_it();
    damage(1, VGW_SEGMENT_HEADER + 24 + 18, "?", 1);
    cr_assert_eq(try_open(), 0);
    cr_assert_str_eq(replayed, "1:aaaaaaaa 3:cccccccc ");
    cr_assert_eq(stats.corrupt, 1);
    cr_assert_eq(stats.torn, 0);
}

Test(event_journal, a_torn_tail_is_the_end)
{
    cr_assert_eq(try_open(), 0);
    append(1, "aaaaaaaa");
    append(2, "bbbbbbbb");
    close_it();
    damage(1, VGW_SEGMENT_HEADER + 24 + 16, "\0\0\0\0\0\0\0\0", 8);
    cr_assert_eq(try_open(), 0);
    cr_assert_str_eq(replayed, "1:aaaaaaaa ");
    cr_assert_eq(stats.torn, 1);
    append(3, "after");
    close_it();
    cr_assert_eq(try_open(), 0);
    cr_assert_str_eq(replayed, "1:aaaaaaaa 3:after ");
}

Test(event_journal, crc32c_is_castagnolis)
{
    cr_assert_eq(vgw_crc32c(0, "123456789", 9), 0xE3069283u);
    cr_assert_eq(vgw_crc32c(vgw_crc32c(0, "1234", 4), "56789", 5), 0xE3069283u);
    cr_assert_eq(vgw_crc32c(0, "", 0), 0);
}
