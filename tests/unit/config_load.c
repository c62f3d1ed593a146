/* config_load.c - files, fragments, variables and secrets. */
#include "config_help.h"

#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/vgw-config-XXXXXX";

static void write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
}

static void set_up(void)
{
    char path[256];
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/d", folder);
    mkdir(path, 0700);
}

static void tear_down(void)
{
    static const char *const names[] = {"m.yaml", "d/a.yaml", "d/b.yaml", "d/c.yaml", "secret", "d"};
    char path[256];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        remove(path);
    }
    rmdir(folder);
}

/* Loads m.yaml inside the folder, so that places are short. */
static struct vgw_node *load(struct vgw_config_reader *reader)
{
    struct vgw_node *root = NULL;
    cr_assert_eq(chdir(folder), 0);
    vgw_config_load(reader, "./m.yaml", &root);
    return root;
}

TestSuite(config_load, .init = set_up, .fini = tear_down);

Test(config_load, joins_fragments_in_order)
{
    write_file("m.yaml", "providers: {a: {plugin: mock}}\nroutes: [{project: m}]\ninclude: [d/*.yaml]\n");
    write_file("d/b.yaml", "routes: [{project: b}]\n");
    struct vgw_config_reader reader = {0};
    write_file("d/a.yaml", "routes: [{project: a}]\nproviders: {b: {plugin: mock}}\nstt: {x: {plugin: y}}\n");
    struct vgw_node *root = load(&reader);
    help_expect(&reader.errors, "");
    cr_expect_str_eq(vgw_node_text(vgw_node_path(root, "routes.0.project")), "m");
    cr_expect_str_eq(vgw_node_text(vgw_node_path(root, "routes.1.project")), "a");
    cr_expect_str_eq(vgw_node_text(vgw_node_path(root, "routes.2.project")), "b");
    cr_expect_str_eq(vgw_node_text(vgw_node_path(root, "providers.b.plugin")), "mock");
    cr_expect_null(vgw_node_get(root, "include"));
    vgw_node_free(root);
    vgw_config_reader_done(&reader);
}

Test(config_load, refuses_what_stands_twice_and_what_is_missing)
{
    write_file("m.yaml", "http: {prefix: /v}\nproviders: {a: {plugin: mock}}\nroutes: []\n"
                         "include:\n  - d/*.yaml\n  - none.yaml\n  - d/a.yaml\n  - [x]\n");
    write_file("d/a.yaml", "http: {}\nproviders:\n  a: {plugin: sip}\nroutes: {x: 1}\n");
    write_file("d/b.yaml", "- x\n");
    struct vgw_config_reader reader = {0};
    struct vgw_node *root = load(&reader);
    help_expect(&reader.errors, "./d/a.yaml:1:1: key 'http' stands at ./m.yaml:1:7 too; keep it in one place\n"
                                "./d/a.yaml:3:3: 'a' in 'providers' stands at ./m.yaml:2:16 too; keep it in one place\n"
                                "./d/a.yaml:4:9: 'routes' must be a list in every file, so that they can be joined; "
                                "found a list and a mapping\n"
                                "./d/b.yaml:1:1: the file must be a mapping such as 'gateway: {…}', found a list\n"
                                "./m.yaml:6:5: cannot open ./none.yaml: No such file or directory\n"
                                "./m.yaml:7:5: ./d/a.yaml is included a second time; include it once\n"
                                "./m.yaml:8:5: a file name or pattern is wanted here, found a list\n");
    vgw_node_free(root);
    vgw_config_reader_done(&reader);
}

Test(config_load, expands_variables_and_reads_secrets)
{
    const char *const env[] = {"A", "one", "PORT", "80", "E", "", NULL};
    write_file("secret", "s3cret-value\r\n");
    write_file("m.yaml", "a: x${A}y\nb: ${PORT}\nc: '${PORT}'\nd: ${NO:-dflt}\ne: ${E}\nf: ${E:-full}\ng: $$${A} $5\n"
                         "h: !file secret\n");
    struct vgw_config_reader reader = {.getenv = help_getenv, .getenv_arg = (void *)env};
    struct vgw_node *root = load(&reader);
    help_expect(&reader.errors, "");
    struct vgw_json *json = NULL;
    cr_assert_eq(vgw_node_json(root, false, &json), 0);
    char *text = vgw_json_text(json, false);
    cr_expect_str_eq(
        text, "{\"a\":\"xoney\",\"b\":80,\"c\":\"80\",\"d\":\"dflt\",\"e\":null,\"f\":\"full\",\"g\":\"$one $5\","
              "\"h\":\"***\"}");
    cr_expect_str_eq(vgw_node_text(vgw_node_get(root, "h")), "s3cret-value");
    cr_expect_eq(reader.supplied_count, 3);
    cr_expect_str_eq(reader.supplied[0], "A");
    vgw_free(text);
    vgw_json_free(json);
    vgw_node_free(root);
    vgw_config_reader_done(&reader);
}

Test(config_load, names_the_place_of_each_bad_expansion)
{
    write_file("m.yaml",
               "a: ${NO}\nb:\n  - ${1x}\n  - 'x ${A'\nc: !file none\nd: !else x\ne: ${A:-${B}}\nf: !file [x]\n");
    struct vgw_config_reader reader = {0};
    struct vgw_node *root = load(&reader);
    help_expect(
        &reader.errors,
        "./m.yaml:1:4: variable NO is not set; set it, or give a default by ${NO:-default}\n"
        "./m.yaml:3:5: '${1x}' names no variable; write ${NAME}, ${NAME:-default}, or $$ for a dollar sign\n"
        "./m.yaml:4:5: '${' is not closed; write ${NAME}, or $$ for a dollar sign\n"
        "./m.yaml:5:4: cannot open ./none: No such file or directory; !file needs a readable file of at most 65536 "
        "bytes\n"
        "./m.yaml:6:4: unknown tag '!else'; only '!file PATH' is known here\n"
        "./m.yaml:7:4: the default of ${A:-…} holds another variable; write a plain text\n"
        "./m.yaml:8:4: !file needs a path, found a list; write '!file secrets/token'\n");
    vgw_node_free(root);
    vgw_config_reader_done(&reader);
}

Test(config_load, refuses_a_missing_an_empty_and_a_double_main_file)
{
    struct vgw_config_reader reader = {0};
    cr_expect_null(load(&reader));
    help_expect(&reader.errors, "./m.yaml: cannot open ./m.yaml: No such file or directory; name a readable file\n");
    vgw_config_reader_done(&reader);
    write_file("m.yaml", "# nothing\n");
    cr_expect_null(load(&reader));
    help_expect(&reader.errors, "./m.yaml: the file is empty; write at least 'gateway: {}'\n");
    vgw_config_reader_done(&reader);
    write_file("m.yaml", "a: 1\n---\nb: 2\n");
    struct vgw_node *root = load(&reader);
    help_expect(&reader.errors, "./m.yaml:3:1: a second document begins here; this file may hold only one\n");
    vgw_node_free(root);
    vgw_config_reader_done(&reader);
}

Test(config_load, gathers_the_documents_of_patterns)
{
    write_file("m.yaml", "rules: [d/*.yaml, {id: here}]\n");
    write_file("d/b.yaml", "id: b1\n---\nid: b2\n");
    write_file("d/a.yaml", "id: a\n---\n- wrong\n");
    struct vgw_config_reader reader = {0};
    struct vgw_node *root = load(&reader);
    struct vgw_node *docs = NULL;
    vgw_config_load_documents(&reader, vgw_node_get(root, "rules"), "rule", &docs);
    help_expect(&reader.errors, "./d/a.yaml:3:1: a rule must be a mapping with 'id', found a list\n");
    cr_expect_eq(vgw_node_count(docs), 4);
    cr_expect_str_eq(vgw_node_text(vgw_node_path(docs, "2.id")), "b2");
    cr_expect_str_eq(vgw_node_text(vgw_node_path(docs, "3.id")), "here");
    vgw_node_free(docs);
    vgw_node_free(root);
    vgw_config_reader_done(&reader);
}
