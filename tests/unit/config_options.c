/* config_options.c - option tables: what is accepted, what is refused and where. */
#include "config_help.h"

static const struct vgw_option inner_rows[] = {
    {.name = "id", .type = VGW_OPTION_STRING, .flags = VGW_OPTION_REQUIRED, .text = "the id"},
    {.name = "n", .type = VGW_OPTION_INT, .dflt = "3"},
};
static const struct vgw_option_table inner_table = {.name = "inner", VGW_OPTION_ROWS(inner_rows)};
static const struct vgw_option base_rows[] = {
    {.name = "plugin", .type = VGW_OPTION_STRING},
    {.name = "text", .type = VGW_OPTION_STRING, .dflt = "hidden"},
};
static const struct vgw_option_table base_table = {.name = "base", VGW_OPTION_ROWS(base_rows)};
static const struct vgw_option test_rows[] = {
    {.name = "text", .type = VGW_OPTION_STRING, .dflt = "d", .max = 8, .flags = VGW_OPTION_RELOADABLE},
    {.name = "secret", .type = VGW_OPTION_SECRET},
    {.name = "count", .type = VGW_OPTION_INT, .dflt = "auto", .choices = "auto", .min = 1, .max = 10},
    {.name = "ratio", .type = VGW_OPTION_DOUBLE, .dflt = "0.5"},
    {.name = "flag", .type = VGW_OPTION_BOOL, .dflt = "true"},
    {.name = "ringing_ms",
     .alias = "ring|ringing",
     .type = VGW_OPTION_DURATION,
     .dflt = "500ms",
     .min = 0.1,
     .max = 60},
    {.name = "size", .type = VGW_OPTION_SIZE, .dflt = "64KiB", .min = 1024},
    {.name = "rate", .type = VGW_OPTION_RATE, .dflt = "50/s"},
    {.name = "mode", .type = VGW_OPTION_ENUM, .choices = "fast|slow", .dflt = "fast"},
    {.name = "url", .type = VGW_OPTION_URL},
    {.name = "path", .type = VGW_OPTION_PATH},
    {.name = "list", .type = VGW_OPTION_STRINGS, .dflt = "[a, \"b:c\"]", .max = 3},
    {.name = "map", .type = VGW_OPTION_STRING_MAP},
    {.name = "extra", .type = VGW_OPTION_JSON_MAP},
    {.name = "inner", .type = VGW_OPTION_SECTION, .table = &inner_table, .flags = VGW_OPTION_OPTIONAL},
    {.name = "inners", .type = VGW_OPTION_SECTION_LIST, .table = &inner_table},
    {.name = "named", .type = VGW_OPTION_SECTION_MAP, .table = &inner_table},
    {.name = "plugins", .type = VGW_OPTION_INSTANCES},
    {.name = "later", .type = VGW_OPTION_STRING, .flags = VGW_OPTION_LATER},
};
static const struct vgw_option_table test_table = {.name = "test", VGW_OPTION_ROWS(test_rows), .base = &base_table};

static struct vgw_options *accept(const char *text)
{
    struct vgw_config_errors errors = {0};
    struct vgw_options *o = NULL;
    struct vgw_node *doc = help_document(text);
    vgw_options_check(&test_table, doc, &errors, &o);
    help_expect(&errors, "");
    vgw_node_free(doc);
    vgw_config_errors_done(&errors);
    return o;
}

static const struct {
    const char *text;
    const char *errors;
} refused[] = {
    {"ringin_ms: 1", "t.yaml:1:1: unknown option 'ringin_ms'; did you mean 'ringing_ms'?\n"},
    {"inner: {id: x, zzzzzzz: 1}", "t.yaml:1:16: unknown option 'zzzzzzz'; known here: id, n\n"},
    {"count: many", "t.yaml:1:8: option 'count' must be a whole number such as 10, found 'many'\n"},
    {"count: [1]", "t.yaml:1:8: option 'count' must be a whole number such as 10, found a list\n"},
    {"count: 0", "t.yaml:1:8: option 'count' is 0, but must be between 1 and 10\n"},
    {"ring: 2m", "t.yaml:1:7: option 'ringing_ms' is 2m, but must be between 100ms and 1m\n"},
    {"size: 1", "t.yaml:1:7: option 'size' is 1, but must be at least 1KiB\n"},
    {"text: 123456789", "t.yaml:1:7: option 'text' has 9 characters, but must be between 0 and 8\n"},
    {"list: [a, b, c, d]", "t.yaml:1:7: option 'list' has 4 items, but must be between 0 and 3\n"},
    {"list: [a, [b]]", "t.yaml:1:11: option 'list' must be a list of texts such as [a, b], found a list in it\n"},
    {"mode: fats", "t.yaml:1:7: option 'mode' must be fast or slow, found 'fats'; did you mean 'fast'?\n"},
    {"flag: maybe", "t.yaml:1:7: option 'flag' must be true or false, found 'maybe'\n"},
    {"ringing: soon", "t.yaml:1:10: option 'ringing_ms' must be a duration such as 500ms, 30s, 10m, 1h or plain "
                      "seconds, found 'soon'\n"},
    {"rate: x", "t.yaml:1:7: option 'rate' must be a rate such as 50/s, 10/m or plain events a second, found 'x'\n"},
    {"url: ftp://x",
     "t.yaml:1:6: option 'url' must be a URL that begins with http, https, ws or wss and '://', found 'ftp://x'\n"},
    {"url: 'https:///x'", "t.yaml:1:6: option 'url' has no host after '://'; write https://host/path\n"},
    {"url: 'https://a b'", "t.yaml:1:6: option 'url' holds a character that a URL may not hold; escape it as %20\n"},
    {"secret: [hidden]", "t.yaml:1:9: option 'secret' must be a text or '!file PATH', found a list\n"},
    {"inner: {n: 1}", "t.yaml:1:8: option 'id' is missing; add 'id: …' (the id)\n"},
    {"inners: [{n: 1}, 5]", "t.yaml:1:10: option 'id' is missing; add 'id: …' (the id)\n"
                            "t.yaml:1:18: option 'inners' must be a list of mappings such as [{…}], found '5'\n"},
    {"ring: 1s\nringing: 2s", "t.yaml:2:1: 'ring' and 'ringing' name the same option and differ; keep one\n"},
    {"later: x", "t.yaml:1:1: option 'later' is not available in this version; take it out\n"},
    {"plugins: {a: {x: 1}, b: 2, 'c d': {plugin: x}}",
     "t.yaml:1:14: 'a' names no plugin; add 'plugin: NAME'\n"
     "t.yaml:1:25: 'b' must be a mapping such as {plugin: NAME}, found a text\n"
     "t.yaml:1:28: 'c d' cannot name an instance; use at most 64 letters, digits, '.', '_' and '-'\n"},
    {"[a]", "t.yaml:1:1: 'test' must be a mapping of options, found a list\n"},
    {"count: 99\nmode: x\nnope: 1\nflag: 7\n", "t.yaml:1:8: option 'count' is 99, but must be between 1 and 10\n"
                                               "t.yaml:2:7: option 'mode' must be fast or slow, found 'x'\n"
                                               "t.yaml:3:1: unknown option 'nope'; did you mean 'mode'?\n"
                                               "t.yaml:4:7: option 'flag' must be true or false, found '7'\n"},
};

Test(config_options, refuses_each_class_of_error_with_its_place_and_all_in_one_pass)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct vgw_config_errors errors = {0};
        struct vgw_options *o = NULL;
        struct vgw_node *doc = help_document(refused[i].text);
        cr_expect_eq(vgw_options_check(&test_table, doc, &errors, &o), VGW_ECONFIG);
        cr_expect_null(o);
        help_expect(&errors, refused[i].errors);
        vgw_node_free(doc);
        vgw_config_errors_done(&errors);
    }
}

Test(config_options, fills_defaults)
{
    struct vgw_options *o = accept("text: ~");
    cr_expect_str_eq(vgw_options_string(o, "text"), "d");
    cr_expect_null(vgw_options_secret(o, "secret"));
    cr_expect_eq(vgw_options_int(o, "count"), 0);
    cr_expect_str_eq(vgw_options_string(o, "count"), "auto");
    cr_expect_eq(vgw_options_double(o, "ratio"), 0.5);
    cr_expect(vgw_options_bool(o, "flag"));
    cr_expect_eq(vgw_options_duration_us(o, "ringing_ms"), 500000);
    cr_expect_eq(vgw_options_size(o, "size"), 65536);
    cr_expect_eq(vgw_options_rate(o, "rate"), 50);
    cr_expect_eq(vgw_options_count(o, "list"), 2);
    cr_expect_str_eq(vgw_options_item(o, "list", 1), "b:c");
    cr_expect_str_eq(vgw_options_json_text(o, "list"), "[\"a\",\"b:c\"]", "as plugins read it");
    cr_expect_null(vgw_options_json_text(o, "map"));
    cr_expect_null(vgw_options_section(o, "inner"));
    cr_expect_not(vgw_options_explicit(o, "text"));
    vgw_options_unref(o);
}

Test(config_options, keeps_what_was_written_after_the_tree_is_gone)
{
    struct vgw_options *o =
        accept("text: t\nsecret: hush-hush\ncount: 7\nring: 2\nringing: 2s\nlist: one\nmap: {a: 1}\n"
               "extra: {a: [1, true]}\ninner: {id: i}\ninners: [{id: j, n: 4}]\nnamed: {k: {id: l}}\n"
               "plugins: {p: {plugin: mock, x: 1}}\nplugin: q\n");
    struct vgw_buf place = {0};
    cr_expect_str_eq(vgw_secret_reveal(vgw_options_secret(o, "secret")), "hush-hush");
    cr_expect_eq(vgw_options_int(o, "count"), 7);
    cr_expect_eq(vgw_options_duration_us(o, "ringing_ms"), 2000000);
    cr_expect_str_eq(vgw_options_item(o, "list", 0), "one");
    cr_expect_str_eq(vgw_options_lookup(o, "map", "a"), "1");
    cr_expect_str_eq(vgw_options_json_text(o, "map"), "{\"a\":\"1\"}");
    cr_expect_null(vgw_options_string(o, "map"));
    cr_expect_str_eq(vgw_options_json_text(o, "extra"), "{\"a\":[1,true]}");
    cr_expect_str_eq(vgw_options_string(o, "inner.id"), "i");
    cr_expect_eq(vgw_options_int(o, "inner.n"), 3);
    cr_expect_eq(vgw_options_int(vgw_options_section_at(o, "inners", 0), "n"), 4);
    cr_expect_str_eq(vgw_options_item_key(o, "named", 0), "k");
    cr_expect_str_eq(vgw_node_text(vgw_node_get(vgw_options_node(o, "plugins", 0), "x")), "1");
    cr_expect_str_eq(vgw_options_string(o, "plugin"), "q");
    vgw_options_place(o, "count", &place);
    cr_expect_str_eq(vgw_buf_str(&place), "t.yaml:3:8");
    vgw_buf_done(&place);
    vgw_options_unref(o);
}

static void note(const char *name, bool reloadable, void *arg)
{
    vgw_buf_printf(arg, "%s%s ", name, reloadable ? "+" : "");
}

Test(config_options, compares_by_value_and_names_what_changed)
{
    struct vgw_options *a = accept("ring: 1s\ninner: {id: x}\nlist: [a]\nsecret: aaaaaaa\n");
    struct vgw_options *b = accept("secret: aaaaaaa\nlist: a\n\nringing_ms: 1000ms\ninner: {n: 3, id: x}\n");
    struct vgw_options *c = accept("text: u\nsecret: bbbbbbb\nlist: a\nring: 1\ninner: {id: y}\n");
    struct vgw_buf names = {0};
    cr_expect(vgw_options_equal(a, b));
    cr_expect_not(vgw_options_equal(a, c));
    vgw_options_diff(a, c, note, &names);
    cr_expect_str_eq(vgw_buf_str(&names), "text+ secret inner.id ");
    vgw_buf_done(&names);
    vgw_options_unref(a);
    vgw_options_unref(b);
    vgw_options_unref(c);
}

Test(config_options, bears_every_failed_allocation)
{
    struct vgw_node *doc =
        help_document("list: [a]\ninner: {id: i}\nextra: {a: 1}\nplugins: {p: {plugin: x}}\nnope: 1\n");
    for (long n = 1; n < 300; n++) {
        struct vgw_config_errors errors = {0};
        struct vgw_options *o = NULL;
        vgw_alloc_fail_at(n);
        int rc = vgw_options_check(&test_table, doc, &errors, &o);
        vgw_alloc_fail_at(0);
        cr_expect(rc != 0 && o == NULL);
        vgw_config_errors_done(&errors);
    }
    vgw_node_free(doc);
}
