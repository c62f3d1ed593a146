#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "fakehost.h"
#include "../contract/store.c"

static char folder[64], path[96];
static struct fakehost *fake;
static const struct voicegw_factory *factory;
static const struct voicegw_store *store;
static void *instance;

static void begin(const char *more)
{
    char options[256];
    snprintf(options, sizeof options, "{\"path\":\"%s\"%s}", path, more);
    const struct voicegw_plugin *plugin = fakehost_load(PLUGIN_FOLDER "/sqlite.so");
    cr_assert_not_null(plugin);
    cr_assert_null(fakehost_factory(plugin, "voicegw.stt/1"));
    factory = fakehost_factory(plugin, VOICEGW_KIND_STORE);
    fake = fakehost_new(factory, options);
    cr_assert_eq(factory->create(fakehost_host(fake), fakehost_options(fake), &instance), VOICEGW_OK);
    cr_assert_eq(factory->start(instance), VOICEGW_OK);
    store = factory->get_extension(instance, VOICEGW_KIND_STORE);
    cr_assert_null(factory->get_extension(instance, "voicegw.nothing/1"));
}

static void end(void)
{
    factory->drain(instance);
    factory->destroy(instance);
    cr_assert_eq(fakehost_free(fake), 0);
}

static void setup(void)
{
    snprintf(folder, sizeof folder, "/tmp/vgw-sqlite-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/test.db", folder);
    begin("");
}

static void teardown(void)
{
    char command[96];
    end();
    snprintf(command, sizeof command, "rm -r %s", folder);
    cr_assert_eq(system(command), 0);
}
TestSuite(plugin_sqlite, .init = setup, .fini = teardown);

Test(plugin_sqlite, keeps_the_contract_of_a_store)
{
    cr_assert_eq(store->open(instance), VOICEGW_OK);
    cr_assert_eq(store->migrate(instance), VOICEGW_OK);
    contract_store(store, instance);
}

Test(plugin_sqlite, rows_outlive_a_restart_and_others_cannot_read_the_file)
{
    uint32_t changed;
    struct stat st;
    cr_assert_eq(store->migrate(instance), VOICEGW_OK, "opens by itself");
    cr_assert_eq(
        store->apply(instance,
                     "[{\"op\":\"upsert\",\"table\":\"turns\",\"key\":{\"session_id\":\"s\",\"turn_number\":1,\"role\":"
                     "\"user\"},\"values\":{\"content\":\"hello\",\"interrupted\":true,\"latency_ms\":12.25}}]",
                     &changed),
        VOICEGW_OK);
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 07, 0);
    end();
    begin(",\"synchronous\":\"normal\"");
    cr_assert_eq(store->migrate(instance), VOICEGW_OK);
    struct contract_rows rows = contract_query(store, instance, "turns", "{\"session_id\":\"s\"}", 5, NULL);
    cr_assert_eq(rows.count, 1);
    cr_assert_str_eq(contract_field(&rows, 0, "content"), "hello");
    cr_assert_eq(voicegw_json_get_bool(voicegw_json_of(rows.text[0]), "interrupted", 2), 1);
}

Test(plugin_sqlite, says_what_is_wrong_with_the_path)
{
    end();
    snprintf(path, sizeof path, "%s/no/such/folder.db", folder);
    begin("");
    cr_assert_eq(store->open(instance), VOICEGW_ESTORAGE);
    cr_assert_not_null(strstr(fakehost_error(fake), "folder must exist"));
    uint32_t changed;
    cr_assert_eq(store->apply(instance, "[]", &changed), VOICEGW_ESTORAGE);
}

Test(plugin_sqlite, leaves_a_newer_gateways_database_alone)
{
    cr_assert_eq(store->migrate(instance), VOICEGW_OK);
    end();
    FILE *f = fopen(path, "r+"); /* the file format: user_version stands at offset 60, big endian */
    cr_assert_eq(fseek(f, 60, SEEK_SET), 0);
    cr_assert_eq(fwrite("\0\0\0\x63", 1, 4, f), 4);
    fclose(f);
    begin("");
    cr_assert_eq(store->migrate(instance), VOICEGW_EUNSUPPORTED);
    cr_assert_not_null(strstr(fakehost_error(fake), "newer"));
}
