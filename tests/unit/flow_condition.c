/* Conditions: every operator, groups, places, bounded patterns. */
#include <criterion/criterion.h>
#include <string.h>
#include "base/alloc.h"
#include "flow/condition.h"

static const char event_text[] =
    "{\"type\":\"call_ended\",\"call_id\":\"c-1\",\"data\":{\"duration\":75,\"text\":\"Hello "
    "World\",\"digits\":\"0042\","
    "\"tags\":[\"a\",\"b\",3],\"map\":{\"k\":1},\"nothing\":null,\"vip\":true,\"at\":\"2026-02-01T10:00:00Z\","
    "\"deep\":{\"list\":[{\"x\":9}]}}}";

static struct vgw_json *parse(const char *text)
{
    struct vgw_json *v = NULL;
    struct vgw_error err = {0};
    cr_assert_eq(vgw_json_parse(text, strlen(text), &v, &err), 0, "%s: %s", text, err.text);
    return v;
}

static int test(const char *text, struct vgw_error *err)
{
    struct vgw_json *doc = parse(text), *event = parse(event_text),
                    *vars = parse("{\"limit\":60,\"names\":[\"a\",\"z\"]}");
    struct vgw_scope scope = {.trigger = event, .vars = vars};
    struct vgw_condition *c = NULL;
    int rc = vgw_condition_compile(doc, &c, err);
    if (rc == 0)
        rc = vgw_condition_test(c, &scope, true, err);
    vgw_condition_free(c);
    vgw_json_free(doc);
    vgw_json_free(event);
    vgw_json_free(vars);
    return rc;
}

#define C(f, o, v) "{\"field\":\"" f "\",\"operator\":\"" o "\",\"value\":" v "}"

Test(flow_condition, every_operator_by_table)
{
    static const struct {
        const char *text;
        int expect;
    } rows[] = {
        {C("duration", "eq", "75"), 1},
        {C("duration", "eq", "\"75\""), 1},
        {C("duration", "eq", "75.0"), 1},
        {C("duration", "eq", "76"), 0},
        {C("text", "eq", "\"Hello World\""), 1},
        {C("digits", "eq", "\"42\""), 0},
        {C("digits", "eq", "42"), 1},
        {C("vip", "eq", "true"), 1},
        {C("vip", "eq", "\"yes\""), 1},
        {C("vip", "eq", "\"Hello\""), 0},
        {C("nothing", "eq", "null"), 1},
        {C("missing", "eq", "null"), 1},
        {C("missing", "eq", "1"), 0},
        {C("map", "eq", "{\"k\":1}"), 1},
        {C("duration", "ne", "75"), 0},
        {C("missing", "ne", "75"), 1},
        {C("duration", "gt", "60"), 1},
        {C("duration", "gt", "75"), 0},
        {C("duration", "gt", "\"60\""), 1},
        {C("duration", "gte", "75"), 1},
        {C("duration", "gte", "76"), 0},
        {C("duration", "lt", "76"), 1},
        {C("duration", "lt", "75"), 0},
        {C("duration", "lte", "75"), 1},
        {C("duration", "lte", "74"), 0},
        {C("text", "gt", "5"), 0},
        {C("missing", "lt", "5"), 0},
        {C("at", "lt", "\"2026-02-01T11:00:00Z\""), 1},
        {C("at", "gt", "\"2026-02-01T11:00:00Z\""), 0},
        {C("duration", "in", "[1,75]"), 1},
        {C("duration", "in", "[1,2]"), 0},
        {C("missing", "in", "[null]"), 0},
        {C("duration", "not_in", "[1,2]"), 1},
        {C("duration", "not_in", "[75]"), 0},
        {C("missing", "not_in", "[1]"), 1},
        {C("text", "contains", "\"lo Wo\""), 1},
        {C("text", "contains", "\"bye\""), 0},
        {C("tags", "contains", "\"b\""), 1},
        {C("tags", "contains", "3"), 1},
        {C("tags", "contains", "\"c\""), 0},
        {C("map", "contains", "\"k\""), 1},
        {C("missing", "contains", "\"\""), 0},
        {C("text", "starts_with", "\"Hello\""), 1},
        {C("text", "starts_with", "\"World\""), 0},
        {C("text", "ends_with", "\"World\""), 1},
        {C("text", "ends_with", "\"Hello\""), 0},
        {C("duration", "starts_with", "7"), 1},
        {C("digits", "matches", "\"^[0-9]{4}$\""), 1},
        {C("digits", "matches", "\"^[1-9]\""), 0},
        {C("digits", "matches", "\"^(00|[[:alpha:]])+[]4]{1,2}(2|x){1,}$\""), 1},
        {C("text", "matches", "\"^(Hello|Bye) +[A-Z][a-z]+$\""), 1},
        {C("missing", "matches", "\".*\""), 0},
        {C("tags", "matches", "\".*\""), 0},
        {C("text", "exists", "true"), 1},
        {C("missing", "exists", "true"), 0},
        {C("missing", "exists", "false"), 1},
        {C("nothing", "exists", "true"), 0},
        {"{\"field\":\"text\",\"operator\":\"exists\"}", 1},
        {C("call_id", "eq", "\"c-1\""), 1},
        {C("type", "eq", "\"call_ended\""), 1},
        {C("trigger.duration", "eq", "75"), 1},
        {C("data.duration", "eq", "75"), 1},
        {C("deep.list[0].x", "eq", "9"), 1},
        {C("deep.list.0.x", "eq", "9"), 1},
        {C("limit", "eq", "60"), 1},
        {C("duration", "gt", "\"{{ limit }}\""), 1},
        {C("tags.0", "in", "\"{{ names }}\""), 1},
        {C("{{ trigger.text | lower }}", "eq", "\"hello world\""), 1},
        {C("{{ missing }}", "exists", "false"), 1},
        {"{\"all\":[" C("duration", "gt", "1") "," C("vip", "eq", "true") "]}", 1},
        {"{\"all\":[" C("duration", "gt", "1") "," C("vip", "eq", "false") "]}", 0},
        {"{\"any\":[" C("duration", "gt", "100") "," C("vip", "eq", "true") "]}", 1},
        {"{\"any\":[" C("duration", "gt", "100") "," C("vip", "eq", "false") "]}", 0},
        {"{\"not\":" C("duration", "gt", "100") "}", 1},
        {"{\"not\":{\"any\":[" C("duration", "gt", "1") "]}}", 0},
        {"[" C("duration", "gt", "1") "," C("vip", "eq", "true") "]", 1},
        {"[]", 1},
        {"true", 1},
        {"false", 0},
        {"\"{{ trigger.vip }}\"", 1},
        {"\"{{ trigger.missing | default('no') }}\"", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vgw_error err = {0};
        int rc = test(rows[i].text, &err);
        cr_expect_eq(rc, rows[i].expect, "%s: %d %s", rows[i].text, rc, err.text);
    }
}

Test(flow_condition, what_is_wrong_is_said_with_its_place)
{
    static const struct {
        const char *text, *place, *sentence;
    } rows[] = {
        {"5", "", "a condition is a map"},
        {"\"x > 3\"", "", "must be a template"},
        {"{\"operator\":\"eq\",\"value\":1}", "", "field is missing"},
        {"{\"field\":\"x\",\"value\":1}", "", "operator is missing"},
        {"{\"field\":\"x\",\"operator\":\"eq\"}", "", "value is missing"},
        {C("x", "gtt", "1"), "/operator", "did you mean gt"},
        {C("x y", "eq", "1"), "/field", "is no path"},
        {C("x", "in", "5"), "/value", "need a list"},
        {C("x", "matches", "5"), "/value", "pattern written out"},
        {C("x", "matches", "\"(\""), "/value", "no extended regular expression"},
        {C("x", "matches", "\"(a)\\\\1\""), "/value", "back-references"},
        {C("x", "matches", "\"((a{40}){40}){40}\""), "/value", "more than 512 parts"},
        {C("x", "matches", "\"(a+++++++++++++)b\""), "/value", "more than 512 parts"},
        {C("x", "matches", "\"(((((((((((a)+)+)+)+)+)+)+)+)+)+)+\""), "/value", "more than 512 parts"},
        {C("x", "matches", "\"a{100}b{100}c{100}d{100}e{100}f{100}\""), "/value", "more than 512 parts"},
        {"{\"field\":\"x\",\"operater\":\"eq\",\"value\":1}", "/operater", "did you mean operator"},
        {"{\"all\":[" C("a", "eq", "1") "," C("b", "nope", "1") "]}", "/all/1/operator", "there is no operator"},
        {"{\"all\":[]}", "/all", "at least one"},
        {"{\"all\":[true],\"field\":\"x\"}", "", "stands alone"},
        {C("x", "matches", "\"a{1\""), "/value", "no extended regular expression"},
        {C("x", "eq", "\"{{ y | nope }}\""), "/value", "there is no filter"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vgw_error err = {0};
        int rc = test(rows[i].text, &err);
        cr_expect(rc == VGW_ECONFIG && strstr(err.text, rows[i].sentence), "%s: %d %s", rows[i].text, rc, err.text);
        cr_expect(strncmp(err.place, rows[i].place, strlen(rows[i].place)) == 0, "%s: %s", rows[i].text, err.place);
    }
    struct vgw_error err = {0};
    cr_assert_eq(test(C("duration", "gt", "\"{{ nobody }}\""), &err), VGW_EINVALID);
    cr_assert(strstr(err.text, "nobody is not there"));
}

Test(flow_condition, every_failed_allocation_is_borne)
{
    struct vgw_json *doc =
        parse("{\"any\":[" C("{{ trigger.text }}", "contains", "\"{{ limit }}\"") "," C("x", "matches", "\"a+\"") "]}");
    struct vgw_json *event = parse(event_text);
    struct vgw_scope scope = {.trigger = event};
    for (long n = 1; n < 60; n++) {
        struct vgw_condition *c = NULL;
        struct vgw_error err = {0};
        vgw_alloc_fail_at(n);
        if (vgw_condition_compile(doc, &c, &err) == 0)
            (void)vgw_condition_test(c, &scope, false, &err);
        vgw_alloc_fail_at(0);
        vgw_condition_free(c);
    }
    vgw_json_free(doc);
    vgw_json_free(event);
}
