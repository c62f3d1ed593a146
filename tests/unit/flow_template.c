/* Templates: expressions, filters, typed values, strictness, limits, memory. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "base/alloc.h"
#include "flow/template.h"

static const char trigger_text[] =
    "{\"id\":7,\"type\":\"call_ended\",\"call_id\":\"c-1\",\"data\":{\"phone\":\"+15551234567\",\"duration\":65,"
    "\"empty\":\"\","
    "\"nothing\":null,\"vip\":true,\"items\":[{\"name\":\"a\"},{\"name\":\"b\"}],\"price\":3.5,\"type\":\"inner\"}}";
static const char vars_text[] =
    "{\"call_result\":{\"call_id\":\"c-9\",\"n\":42},\"name\":\"Zo\xc3\xab Smith\",\"pin\":\"0042\","
    "\"with space\":{\"a b\":1},\"tenth\":0.1,\"spoken_n\":123,\"num\":\"12.50\",\"no\":false}";

static struct vgw_json *parse(const char *text)
{
    struct vgw_json *v = NULL;
    struct vgw_error err = {0};
    cr_assert_eq(vgw_json_parse(text, strlen(text), &v, &err), 0, "%s: %s", text, err.text);
    return v;
}

/* The rendered value as JSON text, or "error: …". */
static void render(const char *text, bool strict, char *out, size_t cap)
{
    struct vgw_json *trigger = parse(trigger_text), *vars = parse(vars_text), *v = NULL;
    struct vgw_scope scope = {.trigger = trigger, .vars = vars};
    struct vgw_template *t = NULL;
    struct vgw_error err = {0};
    int rc = vgw_template_compile(text, strlen(text), &t, &err);
    if (rc == 0)
        rc = vgw_template_render(t, &scope, strict, &v, &err);
    if (rc < 0) {
        (void)snprintf(out, cap, "error: %s: %s", err.place, err.text);
    } else {
        struct vgw_buf b;
        vgw_buf_init(&b, 0);
        vgw_json_write(v, &b);
        (void)snprintf(out, cap, "%s", vgw_buf_str(&b));
        vgw_buf_done(&b);
    }
    vgw_json_free(v);
    vgw_template_free(t);
    vgw_json_free(trigger);
    vgw_json_free(vars);
}

struct row {
    const char *text, *expect;
};

static void check(const struct row *rows, size_t count, bool strict)
{
    char out[1000];
    for (size_t i = 0; i < count; i++) {
        render(rows[i].text, strict, out, sizeof out);
        if (strncmp(rows[i].expect, "error", 5) == 0)
            cr_expect(strncmp(out, "error", 5) == 0 && strstr(out, rows[i].expect + 7), "%s: %s", rows[i].text, out);
        else
            cr_expect_str_eq(out, rows[i].expect, "%s: %s instead of %s", rows[i].text, out, rows[i].expect);
    }
}
#define CHECK(rows, strict) check(rows, sizeof rows / sizeof *rows, strict)

Test(flow_template, paths_look_in_data_then_envelope_and_in_variables)
{
    static const struct row rows[] = {
        {"plain", "\"plain\""},
        {"", "\"\""},
        {"{{trigger.phone}}", "\"+15551234567\""},
        {"{{ trigger.call_id }}", "\"c-1\""},
        {"{{ trigger.type }}", "\"inner\""},
        {"{{ trigger.data.phone }}", "\"+15551234567\""},
        {"{{ trigger.duration }}", "65"},
        {"{{ trigger.vip }}", "true"},
        {"{{ trigger.items[1].name }}", "\"b\""},
        {"{{ trigger.items.0.name }}", "\"a\""},
        {"{{ trigger.items[-1].name }}", "\"b\""},
        {"{{ trigger.items[2].name }}", "null"},
        {"{{ call_result.call_id }}", "\"c-9\""},
        {"{{ call_result['call_id'] }}", "\"c-9\""},
        {"id {{ call_result.n }}!", "\"id 42!\""},
        {"{{ call_result }}", "{\"call_id\":\"c-9\",\"n\":42}"},
        {"x{{ trigger.items }}", "\"x[{\\\"name\\\":\\\"a\\\"},{\\\"name\\\":\\\"b\\\"}]\""},
        {"a{{ missing.x }}b", "\"ab\""},
        {"{{ missing }}", "null"},
        {"{{ trigger.nothing }}", "null"},
        {"n={{ trigger.nothing }}", "\"n=\""},
        {"{{ tenth }} {{ trigger.price }} {{ no }}", "\"0.1 3.5 false\""},
        {"{{ \"{{\" }} {{ 'q' }}", "\"{{ q\""},
        {"{{ 5 }}", "5"},
        {"{{ -1.5 }}", "-1.5"},
        {"{{ true }}", "true"},
        {"{{ null }}", "null"},
        {"} }} {", "\"} }} {\""},
    };
    CHECK(rows, false);
}

Test(flow_template, filters_do_what_their_names_say)
{
    static const struct row rows[] = {
        {"{{ missing | default(\"y\") | upper }}", "\"Y\""},
        {"{{ trigger.empty | default('e') }}", "\"e\""},
        {"{{ trigger.nothing | default(3) }}", "3"},
        {"{{ missing | default(trigger.phone) }}", "\"+15551234567\""},
        {"{{ trigger.vip | default(false) }}", "true"},
        {"{{ no | default(true) }}", "false"},
        {"{{ name | upper }}", "\"ZO\xc3\x8b SMITH\""},
        {"{{ name | lower }}", "\"zo\xc3\xab smith\""},
        {"{{ \"  a b \" | trim }}", "\"a b\""},
        {"{{ call_result | json }}", "\"{\\\"call_id\\\":\\\"c-9\\\",\\\"n\\\":42}\""},
        {"{{ trigger.nothing | json }}", "\"null\""},
        {"{{ name | json }}", "\"\\\"Zo\xc3\xab Smith\\\"\""},
        {"{{ trigger.duration | duration }}", "\"1 minute 5 seconds\""},
        {"{{ 3600 | duration }}", "\"1 hour\""},
        {"{{ \"90s\" | duration }}", "\"1 minute 30 seconds\""},
        {"{{ 0 | duration }}", "\"0 seconds\""},
        {"{{ 1 | duration }}", "\"1 second\""},
        {"{{ 0.25 | duration }}", "\"250 milliseconds\""},
        {"{{ 90061 | duration }}", "\"1 day 1 hour 1 minute 1 second\""},
        {"{{ \"42\" | number }}", "42"},
        {"{{ num | number }}", "12.5"},
        {"{{ num | number(1) }}", "\"12.5\""},
        {"{{ trigger.price | number(2) }}", "\"3.50\""},
        {"{{ name | number }}", "error: needs a number"},
        {"{{ name | duration }}", "error: needs a number"},
        {"{{ spoken_n | spoken }}", "\"one hundred twenty-three\""},
        {"{{ 1000001 | spoken }}", "\"one million one\""},
        {"{{ -3.14 | spoken }}", "\"minus three point one four\""},
        {"{{ 0 | spoken }}", "\"zero\""},
        {"{{ pin | spoken }}", "\"zero zero four two\""},
        {"{{ trigger.phone | spoken }}", "\"plus one, five five five, one two three, four five six seven\""},
        {"{{ \"5551234\" | spoken }}", "\"five five five, one two three four\""},
        {"{{ \"A1-B2\" | spoken(\"digits\") }}", "\"A one, B two\""},
        {"{{ \"42\" | spoken(\"number\") }}", "\"forty-two\""},
        {"{{ 65 | spoken(\"duration\") }}", "\"one minute five seconds\""},
        {"{{ trigger.vip | spoken }}", "\"yes\""},
        {"{{ name | spoken }}", "\"Zo\xc3\xab Smith\""},
        {"{{ 1 | spoken(\"loud\") }}", "error: filter spoken knows"},
        {"{{ missing | upper }}", "null"},
    };
    CHECK(rows, false);
}

Test(flow_template, strict_mode_names_what_is_missing)
{
    static const struct row rows[] = {
        {"{{ missing.x }}", "error: missing.x is not there"},
        {"hello {{ trigger.nobody }}", "error: trigger.nobody is not there"},
        {"{{ missing | upper }}", "error: missing is not there"},
        {"{{ missing | default(\"y\") }}", "\"y\""},
        {"{{ missing | default(other) }}", "error: other is not there"},
        {"{{ trigger.nothing }}", "null"},
        {"{{ trigger.phone | default(other) }}", "\"+15551234567\""},
    };
    CHECK(rows, true);
}

Test(flow_template, errors_tell_the_column)
{
    static const struct row rows[] = {
        {"{{", "error: column 3: the expression ends early"},
        {"ab{{ x", "error: column 3: {{ has no closing }}"},
        {"{{ }}", "error: column 4: the expression is empty"},
        {"{{ x | uper }}", "error: column 8: there is no filter \"uper\"; did you mean upper"},
        {"{{ x | }}", "error: column 8: there is no filter"},
        {"{{ x | default }}", "error: column 8: this filter needs a value"},
        {"{{ x | upper(1) }}", "error: column 14: this filter takes no argument"},
        {"{{ x | default(1 2) }}", "error: column 18: a ) is expected"},
        {"{{ x | default(1", "error: a ) is missing"},
        {"{{ \"abc }}", "error: column 4: this text has no closing quote"},
        {"{{ x. }}", "error: a name is expected after the dot"},
        {"{{ x[ }}", "error: [ needs an index"},
        {"{{ x[1 }}", "error: a ] is missing"},
        {"{{ x['a] }}", "error: has no closing"},
        {"{{ x y }}", "error: column 6: a filter (| name) or }}"},
        {"{{ - }}", "error: column 4: this is not a number"},
        {"{{ $x }}", "error: column 4: a name is expected"},
        {"{{ a|upper|upper|upper|upper|upper|upper|upper|upper|upper }}", "error: at most 8 filters"},
        {"{{ a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r }}", "error: at most 16 parts"},
    };
    CHECK(rows, false);
}

Test(flow_template, output_is_bounded)
{
    char *big = vgw_calloc(1, 40001);
    memset(big, 'x', 40000);
    struct vgw_json *vars = vgw_json_object(), *v = NULL;
    vgw_json_set_string(vars, "big", big);
    struct vgw_scope scope = {.vars = vars};
    struct vgw_template *t = NULL;
    struct vgw_error err = {0};
    const char *text = "{{ big }}{{ big }}";
    cr_assert_eq(vgw_template_compile(text, strlen(text), &t, &err), 0);
    cr_assert_eq(vgw_template_render(t, &scope, false, &v, &err), VGW_ELIMIT);
    vgw_template_free(t);
    vgw_json_free(vars);
    vgw_free(big);
}

static const char tree_text[] =
    "{\"a\":\"{{ x }}\",\"b\":[1,\"n{{ x }}\",{\"c\":\"{{ y | default('d') }}\"}],\"k\":{\"const\":true}}";

Test(flow_template, trees_render_every_string_and_share_constants)
{
    struct vgw_json *doc = parse(tree_text), *vars = parse("{\"x\":5}"), *v = NULL;
    struct vgw_scope scope = {.vars = vars};
    struct vgw_tree *t = NULL;
    struct vgw_error err = {0};
    cr_assert_eq(vgw_tree_compile(doc, &t, &err), 0);
    cr_assert_not(vgw_tree_is_constant(t));
    cr_assert_eq(vgw_tree_render(t, &scope, true, &v, &err), 0, "%s", err.text);
    char *text = vgw_json_text(v, false);
    cr_assert_str_eq(text, "{\"a\":5,\"b\":[1,\"n5\",{\"c\":\"d\"}],\"k\":{\"const\":true}}");
    vgw_free(text);
    cr_assert_eq(vgw_json_get(v, "k"), vgw_json_get(doc, "k"));
    vgw_json_free(v);
    vgw_tree_free(t);
    vgw_json_free(doc);
    doc = parse("{\"a\":{\"b\":[\"ok\",\"{{ x | nope }}\"]}}");
    cr_assert_eq(vgw_tree_compile(doc, &t, &err), VGW_ECONFIG);
    cr_assert_str_eq(err.place, "/a/b/1");
    vgw_json_free(doc);
    vgw_json_free(vars);
}

Test(flow_template, every_failed_allocation_is_borne)
{
    struct vgw_json *doc = parse(tree_text), *vars = parse("{\"x\":5,\"p\":\"+15551234567\"}");
    struct vgw_scope scope = {.vars = vars};
    const char *text = "a {{ p | spoken | upper }} {{ x | number(2) }} {{ x | json | default(\"q\") }}";
    int clean = 0;
    for (long n = 1; n < 400 && clean < 3; n++) {
        struct vgw_template *t = NULL;
        struct vgw_tree *tree = NULL;
        struct vgw_json *v = NULL;
        struct vgw_error err = {0};
        vgw_alloc_fail_at(n);
        int rc = vgw_template_compile(text, strlen(text), &t, &err);
        if (rc == 0)
            rc = vgw_template_render(t, &scope, false, &v, &err);
        vgw_json_free(v);
        v = NULL;
        if (rc == 0)
            rc = vgw_tree_compile(doc, &tree, &err);
        if (rc == 0)
            rc = vgw_tree_render(tree, &scope, false, &v, &err);
        vgw_alloc_fail_at(0);
        cr_expect(rc == 0 || rc == VGW_ELIMIT, "allocation %ld: %d %s", n, rc, err.text);
        clean = rc == 0 ? clean + 1 : 0;
        vgw_json_free(v);
        vgw_tree_free(tree);
        vgw_template_free(t);
    }
    cr_assert_eq(clean, 3);
    vgw_json_free(doc);
    vgw_json_free(vars);
}
