/* Against a real server, started for each test in a folder of its own. Skipped where PostgreSQL's programs are not
 * installed. */
#include <criterion/criterion.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "fakehost.h"
#include "voicegw/draft/store_watch.h"
#include "../contract/store.c"

#define BIN "/usr/lib/postgresql/15/bin/"

static char folder[64];
static const struct voicegw_factory *factory;

struct gateway {
    struct fakehost *fake;
    const struct voicegw_store *store;
    void *instance;
};

static int as_server(const char *command)
{
    char whole[768];
    snprintf(whole, sizeof whole, "%s'%s' >>%s/log 2>&1", geteuid() == 0 ? "runuser -u postgres -- sh -c " : "sh -c ",
             command, folder);
    return system(whole);
}

static int start_server(void)
{
    char command[512];
    snprintf(command, sizeof command,
             BIN "pg_ctl -w -t 60 -D %s/data -o \"-k %s -F -c listen_addresses= -c max_connections=20\" start", folder,
             folder);
    return as_server(command);
}

static void stop_server(const char *mode)
{
    char command[256];
    snprintf(command, sizeof command, BIN "pg_ctl -w -t 60 -m %s -D %s/data stop", mode, folder);
    (void)as_server(command);
}

static struct gateway begin(const char *more)
{
    char options[256];
    struct gateway g;
    snprintf(options, sizeof options, "{\"url\":\"host=%s user=%s dbname=postgres\"%s}", folder,
             geteuid() == 0 ? "postgres" : "", more);
    if (geteuid() != 0)
        snprintf(options, sizeof options, "{\"url\":\"host=%s dbname=postgres\"%s}", folder, more);
    const struct voicegw_plugin *plugin = fakehost_load(PLUGIN_FOLDER "/postgresql.so");
    cr_assert_not_null(plugin);
    factory = fakehost_factory(plugin, VOICEGW_KIND_STORE);
    g.fake = fakehost_new(factory, options);
    cr_assert_eq(factory->create(fakehost_host(g.fake), fakehost_options(g.fake), &g.instance), VOICEGW_OK, "%s",
                 fakehost_error(g.fake));
    cr_assert_eq(factory->start(g.instance), VOICEGW_OK);
    g.store = factory->get_extension(g.instance, VOICEGW_KIND_STORE);
    return g;
}

static void end(struct gateway *g)
{
    factory->drain(g->instance);
    factory->destroy(g->instance);
    cr_assert_eq(fakehost_free(g->fake), 0);
}

static void setup(void)
{
    char command[256];
    if (access(BIN "initdb", X_OK) != 0 || (geteuid() == 0 && !getpwnam("postgres")))
        cr_skip_test("PostgreSQL 15 is not installed");
    snprintf(folder, sizeof folder, "/tmp/vgw-pg-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    struct passwd *owner = geteuid() == 0 ? getpwnam("postgres") : NULL;
    if (owner)
        cr_assert_eq(chown(folder, owner->pw_uid, owner->pw_gid), 0);
    snprintf(command, sizeof command, BIN "initdb -N -A trust -E UTF8 --locale=C.UTF-8 -D %s/data", folder);
    cr_assert_eq(as_server(command), 0);
    cr_assert_eq(start_server(), 0);
}

static void teardown(void)
{
    char command[96];
    if (!folder[0])
        return;
    stop_server("immediate");
    snprintf(command, sizeof command, "rm -r %s", folder);
    cr_assert_eq(system(command), 0);
}
TestSuite(plugin_postgresql, .init = setup, .fini = teardown, .timeout = 240);

Test(plugin_postgresql, keeps_the_contract_of_a_store)
{
    struct gateway g = begin("");
    cr_assert_eq(g.store->open(g.instance), VOICEGW_OK, "%s", fakehost_error(g.fake));
    cr_assert_eq(g.store->migrate(g.instance), VOICEGW_OK, "%s", fakehost_error(g.fake));
    contract_store(g.store, g.instance);
    end(&g);
}

static int32_t count_row(void *arg, const char *row_json)
{
    ++*(unsigned *)arg;
    return 0;
}

Test(plugin_postgresql, two_gateways_share_jobs_and_none_gets_one_twice)
{
    struct gateway a = begin(",\"schema\":\"voice\""), b = begin(",\"schema\":\"voice\"");
    char batch[8192];
    unsigned first = 0, second = 0;
    uint32_t changed;
    cr_assert_eq(a.store->migrate(a.instance), VOICEGW_OK, "%s", fakehost_error(a.fake));
    cr_assert_eq(b.store->migrate(b.instance), VOICEGW_OK, "%s", fakehost_error(b.fake));
    size_t len = (size_t)snprintf(batch, sizeof batch, "[");
    for (int i = 0; i < 40; i++)
        len += (size_t)snprintf(batch + len, sizeof batch - len,
                                "%s{\"op\":\"insert\",\"table\":\"jobs\",\"key\":{\"job_id\":\"j%d\"},\"values\":{"
                                "\"queue\":\"q\",\"due_at\":%d}}",
                                i ? "," : "", i, i);
    snprintf(batch + len, sizeof batch - len, "]");
    cr_assert_eq(a.store->apply(a.instance, batch, &changed), VOICEGW_OK, "%s", fakehost_error(a.fake));
    cr_assert_eq(changed, 40);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(a.store->claim(a.instance, "q", "a", 7, 1000, 9000, count_row, &first), VOICEGW_OK);
        cr_assert_eq(b.store->claim(b.instance, "q", "b", 7, 1000, 9000, count_row, &second), VOICEGW_OK);
    }
    cr_assert_eq(first + second, 40, "%u and %u", first, second);
    end(&a);
    end(&b);
}

Test(plugin_postgresql, two_gateways_number_their_events_each_for_itself)
{
    struct gateway g = begin("");
    static const char of[] =
        "[{\"op\":\"upsert\",\"table\":\"events\",\"key\":{\"event_id\":7,\"node\":\"%s\"},\"values\":{"
        "\"type\":\"call_ended\",\"time\":5}}]";
    char batch[256];
    uint32_t changed;
    unsigned n = 0;
    cr_assert_eq(g.store->migrate(g.instance), VOICEGW_OK, "%s", fakehost_error(g.fake));
    for (const char *const *node = (const char *const[]){"a", "b", "b", NULL}; *node; node++) {
        snprintf(batch, sizeof batch, of, *node);
        cr_assert_eq(g.store->apply(g.instance, batch, &changed), VOICEGW_OK, "%s", fakehost_error(g.fake));
    }
    cr_assert_eq(g.store->query(g.instance, "events", "{}", 10, NULL, count_row, &n), VOICEGW_OK);
    cr_assert_eq(n, 2, "%u", n);
    end(&g);
}

Test(plugin_postgresql, a_server_that_goes_and_comes_back_loses_nothing_that_was_accepted)
{
    struct gateway g = begin(",\"connect_timeout\":\"2s\"");
    uint32_t changed;
    const char *one =
        "[{\"op\":\"insert\",\"table\":\"calls\",\"key\":{\"call_id\":\"c\"},\"values\":{\"created_at\":5}}]";
    cr_assert_eq(g.store->migrate(g.instance), VOICEGW_OK);
    cr_assert_eq(g.store->apply(g.instance, one, &changed), VOICEGW_OK);
    stop_server("fast");
    cr_assert_eq(g.store->apply(g.instance, "[]", &changed), VOICEGW_ESTORAGE);
    cr_assert_eq(g.store->health(g.instance), VOICEGW_ESTORAGE);
    cr_assert_not_null(strstr(fakehost_error(g.fake), "cannot connect"), "%s", fakehost_error(g.fake));
    cr_assert_eq(start_server(), 0);
    cr_assert_eq(g.store->apply(g.instance, one, &changed), VOICEGW_OK);
    cr_assert_eq(changed, 0, "it is there");
    end(&g);
}

static void on_woken(void *arg)
{
    ++*(int *)arg;
}

static int woken(struct gateway *g, const int *count, int wanted)
{
    for (int i = 0; i < 300 && *count < wanted; i++)
        (void)fakehost_wait(g->fake, "nothing", 0, 100000);
    return *count >= wanted;
}

Test(plugin_postgresql, wakes_who_waits_for_jobs_when_another_gateway_writes_one)
{
    struct gateway a = begin(""), b = begin("");
    const struct voicegw_store_watch *watch = factory->get_extension(a.instance, VOICEGW_KIND_STORE_WATCH);
    int count = 0;
    uint32_t changed;
    cr_assert_eq(b.store->migrate(b.instance), VOICEGW_OK);
    fakehost_threaded(a.fake);
    cr_assert_eq(watch->watch(a.instance, "calls", on_woken, &count), VOICEGW_EINVALID);
    cr_assert_eq(watch->watch(a.instance, "jobs", on_woken, &count), VOICEGW_OK);
    cr_assert(woken(&a, &count, 1), "once when it begins to listen, since something may have been missed");
    cr_assert_eq(b.store->apply(
                     b.instance,
                     "[{\"op\":\"insert\",\"table\":\"jobs\",\"key\":{\"job_id\":\"j\"},\"values\":{\"queue\":\"q\"}}]",
                     &changed),
                 VOICEGW_OK);
    cr_assert(woken(&a, &count, 2));
    stop_server("fast");
    cr_assert_eq(start_server(), 0);
    cr_assert(woken(&a, &count, 3), "and when the server came back");
    end(&a);
    end(&b);
}

Test(plugin_postgresql, refuses_what_is_no_connection_string)
{
    const struct voicegw_plugin *plugin = fakehost_load(PLUGIN_FOLDER "/postgresql.so");
    factory = fakehost_factory(plugin, VOICEGW_KIND_STORE);
    static const char *const bad[] = {"{\"url\":\"nonsense\"}", "{\"url\":\"host=x\",\"schema\":\"a;b\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fakehost *fake = fakehost_new(factory, bad[i]);
        void *instance = NULL;
        cr_assert_eq(factory->create(fakehost_host(fake), fakehost_options(fake), &instance), VOICEGW_ECONFIG);
        cr_assert_eq(fakehost_free(fake), 0);
    }
}
