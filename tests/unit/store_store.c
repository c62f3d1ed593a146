#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/str.h"
#include <sys/stat.h>
#include "base/alloc.h"
#include "loop/driver.h"
#include "store/record.h"
#include "store/store.h"
#include "voicegw/draft/store.h"

/* A store in memory: keeps the keys' text, fails as told. */
static int fail_open, fail_apply, applied_batches, migrations, purges_left;
static char applied[65536];
static char healths[128];

static void note(char *list, size_t cap, const char *what)
{
    size_t len = strlen(list);
    vgw_strcopy(list + len, cap - len, what);
}

static int32_t fake_open(void *instance)
{
    return fail_open;
}

static int32_t fake_migrate(void *instance)
{
    migrations++;
    return VGW_OK;
}

static int32_t fake_apply(void *instance, const char *batch, uint32_t *ret_changed)
{
    struct vgw_json *ops = NULL;
    if (fail_apply)
        return fail_apply;
    cr_assert_eq(vgw_json_parse(batch, strlen(batch), &ops, NULL), 0, "a batch is valid JSON");
    for (size_t i = 0; i < vgw_json_count(ops); i++) {
        const char *name = vgw_json_get_string(vgw_json_get(vgw_json_at(ops, i), "key"), "name", "?");
        if (strcmp(name, "poison") == 0) {
            vgw_json_free(ops);
            return VGW_EINVALID;
        }
    }
    applied_batches++;
    for (size_t i = 0; i < vgw_json_count(ops); i++) {
        note(applied, sizeof applied, vgw_json_get_string(vgw_json_get(vgw_json_at(ops, i), "key"), "name", "?"));
        note(applied, sizeof applied, " ");
    }
    *ret_changed = (uint32_t)vgw_json_count(ops);
    vgw_json_free(ops);
    return VGW_OK;
}

static int32_t fake_query(void *instance, const char *table, const char *filter, uint32_t limit, const char *cursor,
                          voicegw_row row, void *arg)
{
    char text[256];
    if (strcmp(table, "wrong") == 0)
        return VGW_EINVALID;
    snprintf(text, sizeof text, "{\"table\":\"%s\",\"batches\":%d,\"_cursor\":\"1\"}", table, applied_batches);
    for (uint32_t i = 0; i < limit && i < 3; i++) {
        if (row(arg, text) != 0)
            break;
    }
    return VGW_OK;
}

static int32_t fake_acquire(void *instance, const char *name, const char *owner, int64_t now_us, int64_t ttl_us,
                            uint64_t *ret_fence)
{
    *ret_fence = 7;
    return strcmp(owner, "me") == 0 ? VGW_OK : VGW_EBUSY;
}

static int32_t fake_purge(void *instance, const char *table, int64_t before_us, uint32_t limit, uint32_t *ret_deleted)
{
    *ret_deleted = purges_left > (int)limit ? limit : (uint32_t)purges_left;
    purges_left -= (int)*ret_deleted;
    return VGW_OK;
}

static int32_t fake_tally(void *instance, const char *table, const char *filter_json, const char *what_json,
                          voicegw_row row, void *arg)
{
    char text[64];
    snprintf(text, sizeof text, "{\"count\":%d}", purges_left);
    row(arg, text);
    return VGW_OK;
}

static const struct voicegw_store table = {.size = sizeof table,
                                           .open = fake_open,
                                           .migrate = fake_migrate,
                                           .apply = fake_apply,
                                           .query = fake_query,
                                           .lease_acquire = fake_acquire,
                                           .purge = fake_purge,
                                           .tally = fake_tally};

static const char *last_error(void *arg)
{
    return "the disk is full";
}

static void on_health(void *arg, bool ok, const char *detail)
{
    note(healths, sizeof healths, ok ? "ok " : "bad ");
    if (!ok)
        cr_assert_str_eq(detail, "the disk is full");
}

static struct vgw_driver *driver;
static struct vgw_loop *loop;
static struct vgw_pool *pool;
static struct vgw_journal *journal;
static struct vgw_store *store;
static char path[64], replayed[1024];

static void on_replay(void *arg, uint32_t type, const void *data, size_t len, uint64_t pos)
{
    cr_assert_eq(type, VGW_JOURNAL_STORE_OP);
    note(replayed, sizeof replayed, "r");
}

static void open_journal(void)
{
    struct vgw_journal_options options = {.path = path, .sync_commit = true, .segment_bytes = 65536};
    replayed[0] = '\0';
    cr_assert_eq(vgw_journal_open(loop, pool, &options, on_replay, NULL, NULL, &journal, NULL), 0);
}

static void setup(void)
{
    memcpy(path, "/tmp/vgw-store-XXXXXX", sizeof "/tmp/vgw-store-XXXXXX");
    cr_assert_not_null(mkdtemp(path));
    driver = vgw_driver_new(5, 1700000000000000);
    loop = vgw_driver_loop(driver, "control");
    cr_assert_eq(vgw_pool_new(1, driver, &pool, NULL), 0);
    open_journal();
    struct vgw_store_options options = {
        .table = &table, .last_error = last_error, .health = on_health, .journal = journal};
    store = vgw_store_new(loop, pool, &options);
}

static int remove_one(const char *name, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(name);
}

static void teardown(void)
{
    vgw_store_free(store);
    vgw_journal_free(journal);
    vgw_pool_free(pool);
    vgw_loop_free(loop);
    vgw_driver_free(driver);
    nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
TestSuite(store_store, .init = setup, .fini = teardown);

static int put(const char *name, enum vgw_store_durability durability)
{
    return vgw_store_write(store, vgw_record_state_op("t", name, "v", 1), durability, NULL);
}

Test(store_store, writes_in_batches_in_order)
{
    cr_assert_eq(put("a", VGW_STORE_QUEUED), 0);
    cr_assert_eq(put("b", VGW_STORE_JOURNALLED), 0);
    cr_assert_eq(vgw_store_backlog(store), 2);
    vgw_driver_run(driver, 100000);
    cr_assert_str_eq(applied, "a b ");
    cr_assert_eq(applied_batches, 1);
    cr_assert_eq(migrations, 1);
    cr_assert_eq(vgw_store_backlog(store), 0);
    for (int i = 0; i < 500; i++)
        put("x", VGW_STORE_QUEUED);
    vgw_driver_run(driver, 100000);
    cr_assert_leq(applied_batches, 5);
    cr_assert_eq(strlen(applied), 4 + 1000);
    cr_assert_eq(vgw_store_write(store, NULL, VGW_STORE_QUEUED, NULL), VGW_ELIMIT);
}

static void reopen_journal(void)
{
    vgw_store_free(store);
    store = NULL;
    vgw_journal_free(journal);
    vgw_driver_settle(driver);
    open_journal();
}

Test(store_store, the_journal_keeps_what_is_not_applied)
{
    put("a", VGW_STORE_JOURNALLED);
    vgw_driver_run(driver, 100000);
    fail_apply = VGW_ESTORAGE;
    put("b", VGW_STORE_JOURNALLED);
    put("c", VGW_STORE_JOURNALLED);
    put("loose", VGW_STORE_QUEUED);
    vgw_driver_run(driver, 10000000);
    cr_assert_str_eq(healths, "bad ");
    cr_assert(!vgw_store_is_well(store));
    cr_assert_eq(vgw_store_backlog(store), 3);
    reopen_journal();
    cr_assert_str_eq(replayed, "rr", "b and c; a is in the store");
}

Test(store_store, nothing_is_lost_when_space_returns)
{
    vgw_driver_settle(driver);
    fail_apply = VGW_ESTORAGE;
    for (int i = 0; i < 30; i++)
        put("x", i & 1 ? VGW_STORE_JOURNALLED : VGW_STORE_QUEUED);
    vgw_driver_run(driver, 60000000);
    fail_apply = 0;
    vgw_driver_run(driver, 60000000);
    cr_assert_eq(strlen(applied), 60);
    cr_assert_str_eq(healths, "bad ok ");
    reopen_journal();
    cr_assert_str_eq(replayed, "");
}

Test(store_store, a_store_that_opens_later_gets_everything)
{
    fail_open = VGW_ESTORAGE;
    put("early", VGW_STORE_QUEUED);
    vgw_driver_run(driver, 5000000);
    cr_assert_str_eq(applied, "");
    fail_open = 0;
    vgw_driver_run(driver, 60000000);
    cr_assert_str_eq(applied, "early ");
}

Test(store_store, a_record_that_is_refused_does_not_hold_up_the_others)
{
    put("a", VGW_STORE_QUEUED);
    put("poison", VGW_STORE_JOURNALLED);
    put("b", VGW_STORE_QUEUED);
    vgw_driver_run(driver, 1000000);
    cr_assert_str_eq(applied, "a b ");
    cr_assert_str_eq(healths, "");
    cr_assert_eq(vgw_store_backlog(store), 0);
}

Test(store_store, loose_writes_are_bounded)
{
    fail_apply = VGW_ESTORAGE;
    vgw_driver_settle(driver);
    put("x", VGW_STORE_QUEUED);
    vgw_driver_run(driver, 1000000);
    for (unsigned i = 1; i < VGW_STORE_QUEUE_MAX; i++)
        cr_assert_eq(put("x", VGW_STORE_QUEUED), 0);
    cr_assert_eq(put("x", VGW_STORE_QUEUED), VGW_ELIMIT);
    cr_assert_eq(put("x", VGW_STORE_JOURNALLED), 0);
}

static int answers, answer_status;
static char answer[256];

static void on_answer(void *arg, int status, const char *sentence, const struct vgw_json *rows)
{
    answers++;
    answer_status = status;
    cr_assert_eq(vgw_json_type(rows), VGW_JSON_ARRAY);
    char *text = vgw_json_text(rows, false);
    snprintf(answer, sizeof answer, "%s %s", sentence, text);
    vgw_free(text);
}

Test(store_store, a_query_sees_all_writes_before_it)
{
    for (int i = 0; i < 450; i++)
        put("x", VGW_STORE_QUEUED);
    cr_assert_eq(vgw_store_query(store, "calls", NULL, 1, NULL, on_answer, NULL), 0);
    cr_assert_eq(answers, 0);
    vgw_driver_settle(driver);
    cr_assert_eq(answers, 1);
    cr_assert_eq(answer_status, 0);
    cr_assert_str_eq(answer, " [{\"table\":\"calls\",\"batches\":3,\"_cursor\":\"1\"}]");
    cr_assert_eq(vgw_store_query(store, "wrong", NULL, 1, NULL, on_answer, NULL), 0);
    vgw_driver_settle(driver);
    cr_assert_eq(answer_status, VGW_EINVALID);
    cr_assert_str_eq(answer, "the disk is full []");
}

Test(store_store, queries_go_on_while_the_store_does_not_write)
{
    vgw_driver_settle(driver);
    fail_apply = VGW_ESTORAGE;
    put("x", VGW_STORE_QUEUED);
    cr_assert_eq(vgw_store_query(store, "calls", NULL, 1, NULL, on_answer, NULL), 0);
    vgw_driver_settle(driver);
    cr_assert_eq(answers, 1);
    cr_assert_eq(vgw_store_query(store, "calls", NULL, 1, NULL, on_answer, NULL), 0);
    vgw_driver_settle(driver);
    cr_assert_eq(answers, 2);
}

Test(store_store, leases_and_retention_answer_with_numbers)
{
    cr_assert_eq(vgw_store_lease_acquire(store, "l", "me", 1000, on_answer, NULL), 0);
    vgw_driver_settle(driver);
    cr_assert_str_eq(answer, " [{\"fence\":7}]");
    cr_assert_eq(vgw_store_lease_acquire(store, "l", "you", 1000, on_answer, NULL), 0);
    vgw_driver_settle(driver);
    cr_assert_eq(answer_status, VGW_EBUSY);
    purges_left = 1234;
    cr_assert_eq(vgw_store_purge(store, "events", 1, on_answer, NULL), 0);
    vgw_driver_settle(driver);
    cr_assert_str_eq(answer, " [{\"deleted\":1234}]");
    purges_left = 1234;
    for (int again = 0; again < 2; again++) {
        cr_assert_eq(vgw_store_trim(store, "events", 100, on_answer, NULL), 0);
        vgw_driver_settle(driver);
        cr_assert_str_eq(answer, again ? " [{\"deleted\":0}]" : " [{\"deleted\":1134}]");
        cr_assert_eq(purges_left, 100);
    }
}

static int closed;

static void on_closed(void *arg)
{
    closed++;
}

static int answers_at_close;

static void on_closed_after(void *arg)
{
    closed++;
    answers_at_close = answers;
}

Test(store_store, close_waits_for_a_read_that_runs)
{
    cr_assert_eq(vgw_store_query(store, "calls", NULL, 1, NULL, on_answer, NULL), 0);
    put("a", VGW_STORE_QUEUED);
    vgw_store_close(store, on_closed_after, NULL);
    cr_assert_eq(closed, 0);
    vgw_driver_settle(driver);
    cr_assert_eq(closed, 1);
    cr_assert_eq(answers_at_close, 1, "its plugin is not taken away under it");
    cr_assert_str_eq(applied, "a ");
}

Test(store_store, close_waits_for_what_is_queued_and_free_answers_all)
{
    put("a", VGW_STORE_QUEUED);
    vgw_store_close(store, on_closed, NULL);
    cr_assert_eq(closed, 0);
    vgw_driver_settle(driver);
    cr_assert_eq(closed, 1);
    cr_assert_str_eq(applied, "a ");
    put("b", VGW_STORE_QUEUED);
    cr_assert_eq(vgw_store_query(store, "calls", NULL, 1, NULL, on_answer, NULL), 0);
    vgw_store_free(store);
    store = NULL;
    vgw_driver_settle(driver);
    cr_assert_eq(answers, 1);
    cr_assert_eq(answer_status, VGW_EBUSY);
}
