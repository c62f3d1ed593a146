/* config_yaml.c - text to trees, and every way in which text is refused. */
#include "config_help.h"

static const struct {
    const char *text;
    const char *errors;
} refused[] = {
    {"a: 1\nb: 2\na: 3\n",
     "t.yaml:3:1: key 'a' stands here a second time, first at line 1, column 1; keep one of the two\n"},
    {"a: {x: 1, x: 2}\nb: {y: 1, y: 2}\n",
     "t.yaml:1:11: key 'x' stands here a second time, first at line 1, column 5; keep one of the two\n"
     "t.yaml:2:11: key 'y' stands here a second time, first at line 2, column 5; keep one of the two\n"},
    {"a: *x\n", "t.yaml:1:4: alias '*x' names nothing; put '&x' before the value it stands for, above this line\n"},
    {"a: &x [1, *x]\n", "t.yaml:1:11: alias '*x' stands inside the value it names; a value cannot hold itself\n"},
    {"a: &x 1\n*x : 2\n", "t.yaml:2:1: an alias cannot be a key; write the key out\n"},
    {"? [a]\n: 1\nb: 2\n", "t.yaml:1:3: a key must be a text, found a list; quote it when it begins with [ or {\n"},
    {"a: 1\n? {b: 1}\n: 1\n",
     "t.yaml:2:3: a key must be a text, found a mapping; quote it when it begins with [ or {\n"},
    {"'': 1\n", "t.yaml:1:1: a key is missing before ':'; write 'name: value'\n"},
    {"a: &x {b: 1}\nc:\n  <<: *x\n",
     "t.yaml:3:3: merge keys ('<<') are not supported; repeat the keys, or name the whole value by *alias\n"},
    {"a: \"x\\0y\"\n", "t.yaml:1:4: the text holds a NUL character; take it out\n"},
    {"a:\n\tb: 1\n", "t.yaml:2:1: a character stands here that begins nothing: indent by spaces, not tabs, "
                     "and quote texts that begin with @ ` or %\n"},
    {"a: b: c\n",
     "t.yaml:1:5: mapping values are not allowed in this context: quote a text that holds ': ', or put the key on "
     "a line of its own\n"},
    {"a: [1, 2\nb: 3\n",
     "t.yaml:2:2: did not find expected ',' or ']' while parsing a flow sequence that began at line 1: "
     "close the list with ']' and part its items by ','\n"},
    {"a: 1\nb: \xff\n", "t.yaml:2:4: the file is not UTF-8 here (byte 0xff); save it as UTF-8\n"},
    {"\xc3\xa9: \xc0\x80\n", "t.yaml:1:4: the file is not UTF-8 here (byte 0xc0); save it as UTF-8\n"},
    {"a: \x01\n", "t.yaml:1:4: a control character stands here (byte 0x01); take it out, or write it as \"\\x01\"\n"},
};

Test(config_yaml, refuses_each_class_of_bad_text_with_its_place)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct vgw_config_errors errors = {0};
        struct vgw_node *docs = NULL;
        cr_expect_eq(vgw_yaml_parse("t.yaml", refused[i].text, strlen(refused[i].text), &errors, &docs), VGW_ECONFIG);
        help_expect(&errors, refused[i].errors);
        cr_expect_not_null(docs);
        vgw_node_free(docs);
        vgw_config_errors_done(&errors);
    }
}

Test(config_yaml, refuses_a_nul_byte)
{
    struct vgw_config_errors errors = {0};
    struct vgw_node *docs = NULL;
    cr_expect_eq(vgw_yaml_parse("t.yaml", "a: 1\nb\0: 2", 10, &errors, &docs), VGW_ECONFIG);
    help_expect(&errors,
                "t.yaml:2:2: a control character stands here (byte 0x00); take it out, or write it as \"\\x00\"\n");
    vgw_node_free(docs);
    vgw_config_errors_done(&errors);
}

Test(config_yaml, keeps_what_stands_beside_an_error)
{
    const char *text = "a: 1\na: 2\nb: 3\n";
    struct vgw_config_errors errors = {0};
    struct vgw_node *docs = NULL;
    vgw_yaml_parse("t.yaml", text, strlen(text), &errors, &docs);
    cr_expect_str_eq(vgw_node_text(vgw_node_path(docs, "0.a")), "1");
    cr_expect_str_eq(vgw_node_text(vgw_node_path(docs, "0.b")), "3");
    vgw_node_free(docs);
    vgw_config_errors_done(&errors);
}

Test(config_yaml, types_plain_scalars_by_their_look_and_quoted_ones_as_text)
{
    struct vgw_node *doc =
        help_document("a: 1\nb: 1.5\nc: true\nd: ~\ne: '1'\nf: +1555\ng: 0123\nh: -2e3\ni: yes\nj: {k: []}\n"
                      "l: !!str 5\nm:\nn: \"null\"\no: null\n");
    struct vgw_json *json = NULL;
    cr_assert_eq(vgw_node_json(doc, false, &json), 0);
    char *text = vgw_json_text(json, false);
    cr_expect_str_eq(text,
                     "{\"a\":1,\"b\":1.5,\"c\":true,\"d\":null,\"e\":\"1\",\"f\":\"+1555\",\"g\":\"0123\",\"h\":-2000,"
                     "\"i\":\"yes\",\"j\":{\"k\":[]},\"l\":\"5\",\"m\":null,\"n\":\"null\",\"o\":null}");
    vgw_free(text);
    vgw_json_free(json);
    vgw_node_free(doc);
}

Test(config_yaml, gives_every_node_its_place)
{
    struct vgw_node *doc = help_document("a:\n  b:\n    - x\n    - {c: \xc3\xa9, d: e}\n");
    const struct vgw_node *n = vgw_node_path(doc, "a.b.1.d");
    int line = 0;
    int column = 0;
    cr_expect_eq(vgw_node_line(n), 4);
    cr_expect_eq(vgw_node_column(n), 17);
    cr_expect(vgw_node_key_place(vgw_node_path(doc, "a.b.1"), "d", &line, &column));
    cr_expect_eq(line, 4);
    cr_expect_eq(column, 14);
    cr_expect_str_eq(vgw_node_file(n), "t.yaml");
    vgw_node_free(doc);
}

Test(config_yaml, expands_aliases_and_reads_several_documents)
{
    const char *text = "a: &x {b: 1}\nc: *x\n---\n- 2\n---\n";
    struct vgw_config_errors errors = {0};
    struct vgw_node *docs = NULL;
    cr_assert_eq(vgw_yaml_parse("t.yaml", text, strlen(text), &errors, &docs), 0);
    cr_expect_eq(vgw_node_count(docs), 2);
    cr_expect_str_eq(vgw_node_text(vgw_node_path(docs, "0.c.b")), "1");
    cr_expect_str_eq(vgw_node_text(vgw_node_path(docs, "1.0")), "2");
    vgw_node_free(docs);
}

Test(config_yaml, stops_nesting_bombs)
{
    static char text[200000];
    memset(text, '[', sizeof text);
    struct vgw_config_errors errors = {0};
    struct vgw_node *docs = NULL;
    cr_expect_eq(vgw_yaml_parse("t.yaml", text, sizeof text, &errors, &docs), VGW_ECONFIG);
    help_expect(&errors, "t.yaml:1:65: nested deeper than 64 levels; make the structure flatter\n");
    vgw_node_free(docs);
    vgw_config_errors_done(&errors);
}

Test(config_yaml, stops_alias_bombs)
{
    const char *text =
        "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
        "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n";
    struct vgw_config_errors errors = {0};
    struct vgw_node *docs = NULL;
    cr_expect_eq(vgw_yaml_parse("t.yaml", text, strlen(text), &errors, &docs), VGW_ECONFIG);
    help_expect(&errors, "t.yaml:5:8: aliases add more than 10000 values to this file; write fewer of them\n");
    vgw_node_free(docs);
    vgw_config_errors_done(&errors);
}

Test(config_yaml, refuses_files_over_the_limit)
{
    char *text = vgw_calloc(1, VGW_YAML_SIZE_MAX + 2);
    memset(text, ' ', VGW_YAML_SIZE_MAX + 1);
    struct vgw_config_errors errors = {0};
    struct vgw_node *docs = NULL;
    cr_expect_eq(vgw_yaml_parse("t.yaml", text, VGW_YAML_SIZE_MAX + 1, &errors, &docs), VGW_ECONFIG);
    help_expect(&errors, "t.yaml: the file has 1048577 bytes, more than 1048576; part it into several by 'include'\n");
    vgw_node_free(docs);
    vgw_config_errors_done(&errors);
    vgw_free(text);
}

Test(config_yaml, loads_five_thousand_rules)
{
    struct vgw_buf b = {0};
    for (int i = 0; i < 5000; i++)
        vgw_buf_printf(
            &b,
            "---\nid: rule_%d\ntrigger: {type: voice_event, event_type: call_ended}\nconditions:\n"
            "  - {field: duration, operator: gt, value: 60}\nactions:\n  - {type: log, params: {message: \"%d\"}}\n",
            i, i);
    struct vgw_config_errors errors = {0};
    struct vgw_node *docs = NULL;
    cr_assert_eq(vgw_yaml_parse("t.yaml", b.data, b.len, &errors, &docs), 0);
    cr_expect_eq(vgw_node_count(docs), 5000);
    cr_expect_str_eq(vgw_node_text(vgw_node_path(docs, "4999.actions.0.params.message")), "4999");
    vgw_node_free(docs);
    vgw_buf_done(&b);
}

Test(config_yaml, finds_a_duplicate_among_many_keys)
{
    struct vgw_buf b = {0};
    for (int i = 0; i < 50000; i++)
        vgw_buf_printf(&b, "k%d: 1\n", i);
    vgw_buf_adds(&b, "k7: 2\n");
    struct vgw_config_errors errors = {0};
    struct vgw_node *docs = NULL;
    vgw_yaml_parse("t.yaml", b.data, b.len, &errors, &docs);
    help_expect(&errors,
                "t.yaml:50001:1: key 'k7' stands here a second time, first at line 8, column 1; keep one of the two\n");
    vgw_node_free(docs);
    vgw_config_errors_done(&errors);
    vgw_buf_done(&b);
}

Test(config_yaml, keeps_two_hundred_errors_and_counts_the_rest)
{
    struct vgw_config_errors errors = {0};
    for (int i = 0; i < 205; i++)
        vgw_config_errors_add(&errors, "f", i + 1, 1, "x");
    char *text = help_print(&errors);
    cr_expect_eq(vgw_config_errors_total(&errors), 205);
    cr_expect(vgw_ends_with(text, "f:200:1: x\nand 5 more errors\n"));
    vgw_free(text);
    vgw_config_errors_done(&errors);
}

Test(config_yaml, bears_every_failed_allocation)
{
    const char *text = "a: &x {b: [1, 2], c: !t d}\ne: *x\na: 1\n---\n- x\n";
    for (long n = 1; n < 400; n++) {
        struct vgw_config_errors errors = {0};
        struct vgw_node *docs = NULL;
        vgw_alloc_fail_at(n);
        int rc = vgw_yaml_parse("t.yaml", text, strlen(text), &errors, &docs);
        vgw_alloc_fail_at(0);
        cr_expect(vgw_config_errors_total(&errors) > 0);
        cr_expect((rc == VGW_ELIMIT) == (docs == NULL));
        vgw_node_free(docs);
        vgw_config_errors_done(&errors);
    }
}
