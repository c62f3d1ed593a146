/* plugin_probe.c - what the path, the probe and its cache promise. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "plugin/file.h"
#include "plugin/find.h"
#include "plugin/table.h"
#include "plugin_subject.h"

static int probe_with(struct vgw_plugin_prober *prober, const char *file, struct vgw_error *err)
{
    struct vgw_plugin_desc *desc = NULL;
    char hash[VGW_PLUGIN_HASH_TEXT];
    int rc = vgw_plugin_probe(prober, file, "subject", &desc, hash, err);
    cr_assert_eq(rc == 0, desc != NULL);
    vgw_plugin_desc_free(desc);
    return rc;
}

Test(probe, good_plugin_tells_its_descriptor)
{
    struct vgw_plugin_prober prober = {0};
    struct vgw_plugin_desc *desc = NULL;
    struct vgw_error err = {0};
    char hash[VGW_PLUGIN_HASH_TEXT];
    subject_build("subject.so", "");
    cr_assert_eq(vgw_plugin_probe(&prober, subject_path("subject.so"), "subject", &desc, hash, &err), 0, "%s",
                 err.text);
    cr_assert_str_eq(desc->name, "subject");
    cr_assert(desc->closable && !desc->exclusive);
    cr_assert_eq(desc->factory_count, 1u);
    cr_assert_eq(desc->factories[0].caps, VOICEGW_CAP_END);
    cr_assert(desc->factories[0].reconfigures);
    cr_assert_eq(strlen(hash), 32u);
    struct vgw_plugin_table *table = vgw_plugin_table_new(&desc->factories[0], "subject", NULL);
    const struct vgw_option_table *rows = vgw_plugin_table_get(table);
    cr_assert_eq(rows->count, 2u);
    cr_assert_str_eq(rows->rows[0].choices, "red|green|blue");
    cr_assert_eq(rows->rows[0].type, VGW_OPTION_ENUM);
    cr_assert_eq(rows->rows[1].flags, (unsigned)VGW_OPTION_REQUIRED);
    cr_assert_float_eq(rows->rows[1].max, 9.0, 0.0);
    vgw_plugin_table_free(table);
    vgw_plugin_desc_free(desc);
}

Test(probe, each_broken_plugin_is_refused_with_its_true_reason)
{
    static const struct {
        const char *defines, *expect;
    } rows[] = {
        {"-DMISSING_SYMBOL", "symbol a_symbol_of_nobody"},
        {"-DNO_ENTRY", "exports no voicegw_plugin_entry"},
        {"-DSUBJECT_MAJOR=9", "built for ABI major 9"},
        {"-DCRASH_IN_CONSTRUCTOR", "constructor (code that runs when it is opened) crashed with SIGABRT"},
        {"-DHANG_IN_CONSTRUCTOR", "constructor (code that runs when it is opened) hung"},
        {"-DEXIT_IN_CONSTRUCTOR", "ended the process with exit code 7"},
        {"-DSUBJECT_SIZE=8", "its descriptor is wrong: its size"},
        {"-DSUBJECT_NAME='\"Sub ject\"'", "the name \"Sub ject\""},
        {"-DSUBJECT_NAME='\"other\"'", "rename the file to other.so"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vgw_plugin_prober prober = {.timeout_ms = 700};
        struct vgw_error err = {0};
        subject_build("subject.so", rows[i].defines);
        cr_expect_lt(probe_with(&prober, subject_path("subject.so"), &err), 0, "%s", rows[i].defines);
        cr_expect(strstr(err.text, rows[i].expect), "%s: %s", rows[i].defines, err.text);
        cr_expect_str_eq(err.place, subject_path("subject.so"));
    }
}

Test(probe, bad_files_are_refused_before_any_child_is_spawned)
{
    struct vgw_plugin_prober prober = {0};
    struct vgw_error err = {0};
    unsigned char machine = 183; /* EM_AARCH64 */
    const char *file = subject_path("subject.so");
    cr_assert_eq(probe_with(&prober, file, &err), VGW_ENOTFOUND);
    cr_assert(strstr(err.text, "does not exist"));

    subject_build("subject.so", "");
    FILE *f = fopen(file, "r+b");
    fseek(f, 18, SEEK_SET);
    fputc(machine, f);
    fclose(f);
    cr_assert_lt(probe_with(&prober, file, &err), 0);
    cr_assert(strstr(err.text, "wrong architecture (arm64"), "%s", err.text);

    subject_build("subject.so", "");
    cr_assert_eq(chmod(file, 0666), 0);
    cr_assert_lt(probe_with(&prober, file, &err), 0);
    cr_assert(strstr(err.text, "writable by others (mode 0666)"), "%s", err.text);

    unlink(file);
    f = fopen(file, "w");
    fputs("INPUT(libc.so.6)\n", f);
    fclose(f);
    cr_assert_eq(chmod(file, 0644), 0);
    cr_assert_lt(probe_with(&prober, file, &err), 0);
    cr_assert(strstr(err.text, "not an ELF file"), "%s", err.text);
    if (geteuid() == 0) {
        cr_assert_eq(chown(file, 12345, 12345), 0);
        cr_assert_lt(probe_with(&prober, file, &err), 0);
        cr_assert(strstr(err.text, "belongs to user 12345"), "%s", err.text);
    }
    cr_assert_eq(prober.spawned, 0u);
}

Test(probe, cached_answer_spares_the_child_until_the_content_changes)
{
    const char *cache_file = subject_path("probes.json");
    struct vgw_error err = {0};
    subject_build("subject.so", "");
    for (int round = 0; round < 2; round++) {
        struct vgw_plugin_prober prober = {.cache = vgw_plugin_cache_open(cache_file)};
        cr_assert_not_null(prober.cache);
        cr_assert_eq(probe_with(&prober, subject_path("subject.so"), &err), 0, "%s", err.text);
        cr_assert_eq(prober.spawned, round == 0 ? 1u : 0u);
        cr_assert_eq(vgw_plugin_cache_save(prober.cache, &err), 0, "%s", err.text);
        vgw_plugin_cache_free(prober.cache);
    }
    subject_build("subject.so", "-DSUBJECT_VERSION='\"2\"'");
    struct vgw_plugin_prober prober = {.cache = vgw_plugin_cache_open(cache_file)};
    cr_assert_eq(probe_with(&prober, subject_path("subject.so"), &err), 0, "%s", err.text);
    cr_assert_eq(prober.spawned, 1u);
    vgw_plugin_cache_free(prober.cache);
    subject_overwrite("Makefile", cache_file);
    prober.cache = vgw_plugin_cache_open(cache_file);
    cr_assert_eq(probe_with(&prober, subject_path("subject.so"), &err), 0, "a broken cache is an empty one: %s",
                 err.text);
    vgw_plugin_cache_free(prober.cache);
}

Test(find, path_lists_names_and_tells_duplicates_and_absences)
{
    struct vgw_error err = {0};
    struct vgw_plugin_list *list = NULL;
    const char *a = subject_path("a"), *b = subject_path("b"), *c = subject_path("c"), *file = NULL;
    mkdir(a, 0755);
    mkdir(b, 0755);
    mkdir(c, 0755);
    const char *const files[] = {"a/mock.so", "a/flite.so", "a/README", "a/Bad Name.so", "b/mock.so", "c/flite.so"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        fclose(fopen(subject_path(files[i]), "w"));
    struct vgw_plugin_dir dirs[] = {{a, 1}, {b, 1}, {c, 0}};
    cr_assert_eq(vgw_plugin_find(dirs, 3, &list, &err), 0, "%s", err.text);
    cr_assert_eq(vgw_plugin_list_count(list), 2u);
    cr_assert_str_eq(vgw_plugin_list_at(list, 0)->name, "flite");
    cr_assert_eq(vgw_plugin_locate(list, "flite", &file, &err), 0, "%s", err.text);
    cr_assert_str_eq(file, subject_path("c/flite.so"), "the command line's directory hides the configuration's");
    cr_assert_eq(vgw_plugin_locate(list, "mock", &file, &err), VGW_ECONFIG);
    cr_assert(strstr(err.text, "on the path twice"), "%s", err.text);
    cr_assert_eq(vgw_plugin_locate(list, "flitte", &file, &err), VGW_ENOTFOUND);
    cr_assert(strstr(err.text, "did you mean flite?"), "%s", err.text);
    cr_assert_eq(vgw_plugin_locate(list, "../mock", &file, &err), VGW_ECONFIG);
    vgw_plugin_list_free(list);
    struct vgw_plugin_dir gone[] = {{subject_path("nowhere"), 1}, {a, 1}};
    cr_assert_eq(vgw_plugin_find(gone, 2, &list, &err), VGW_ENOTFOUND);
    cr_assert_eq(vgw_plugin_list_count(list), 2u, "one bad directory does not hide the others");
    vgw_plugin_list_free(list);
}

Test(hash, sum_depends_on_bytes_alone)
{
    char data[200], one[VGW_PLUGIN_HASH_TEXT], two[VGW_PLUGIN_HASH_TEXT];
    struct vgw_plugin_hash h;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 7);
    vgw_plugin_hash_init(&h);
    vgw_plugin_hash_add(&h, data, sizeof data);
    vgw_plugin_hash_text(&h, one);
    for (size_t cut = 0; cut <= sizeof data; cut++) {
        vgw_plugin_hash_init(&h);
        vgw_plugin_hash_add(&h, data, cut);
        vgw_plugin_hash_add(&h, data + cut, sizeof data - cut);
        vgw_plugin_hash_text(&h, two);
        cr_assert_str_eq(one, two);
        if (cut == sizeof data)
            break;
        data[cut] ^= 1;
        vgw_plugin_hash_init(&h);
        vgw_plugin_hash_add(&h, data, sizeof data);
        vgw_plugin_hash_text(&h, two);
        data[cut] ^= 1;
        cr_assert_str_neq(one, two);
    }
}
