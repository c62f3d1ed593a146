/* call_route.c - routes: the first that matches, and errors that name what is wrong. */
#include "call/route.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "call_fake.h"

static struct vgw_route_set *compile(const char *text, struct vgw_error *err)
{
    struct vgw_route_set *set = NULL;
    struct vgw_json *v = fake_json(text);
    int status = vgw_route_set_compile(v, NULL, NULL, &set, err);
    cr_expect_eq(status == VGW_OK, set != NULL);
    vgw_json_free(v);
    return set;
}

Test(call_route, the_first_match_wins)
{
    struct vgw_route_set *set =
        compile("[{\"match\":{\"provider\":\"lab\",\"to\":\"+1555*\"},\"greeting\":\"a\"},"
                "{\"match\":{\"provider\":\"sip\",\"trunk\":\"t?\"},\"greeting\":\"b\"},"
                "{\"match\":{\"from\":\"+44*\",\"script\":\"x\"},\"greeting\":\"c\"},"
                "{\"match\":{\"to\":100},\"greeting\":\"d\"},{\"match\":{\"project\":\"p\"},\"greeting\":\"p\"},"
                "{\"greeting\":\"e\"}]",
                NULL);
    static const struct {
        struct vgw_route_query query;
        const char *greeting;
    } rows[] = {
        {{.provider = "lab", .plugin = "mock", .to = "+15551"}, "a"},
        {{.provider = "lab", .plugin = "mock", .to = "+1444"}, "e"},
        {{.provider = "phones", .plugin = "sip", .trunk = "t1"}, "b"},
        {{.provider = "phones", .plugin = "sip", .trunk = "t12"}, "e"},
        {{.provider = "phones", .plugin = "sip"}, "e"},
        {{.provider = "x", .plugin = "y", .from = "+4420", .script = "x"}, "c"},
        {{.provider = "x", .plugin = "y", .to = "100"}, "d"},
        {{.provider = "x", .plugin = "y", .project = "p"}, "p"},
        {{0}, "e"},
    };
    cr_assert_not_null(set);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct vgw_route *r = vgw_route_find(set, &rows[i].query);
        cr_assert_not_null(r);
        cr_expect_str_eq(r->greeting, rows[i].greeting, "row %zu", i);
    }
    cr_expect_null(vgw_route_find(NULL, &rows[0].query));
    vgw_route_set_free(set);
}

Test(call_route, the_number_that_is_shown_is_of_the_first_that_has_one)
{
    struct vgw_route_set *set = compile("[{\"match\":{\"to\":\"+1555*\"},\"greeting\":\"a\"},"
                                        "{\"match\":{\"provider\":\"lab\",\"to\":\"+1555*\"},\"from\":\"+1\"},"
                                        "{\"match\":{\"to\":\"+49*\"},\"from\":49}]",
                                        NULL);
    static const struct {
        struct vgw_route_query query;
        const char *from;
    } rows[] = {{{.provider = "lab", .to = "+15551"}, "+1"},
                {{.provider = "sip", .to = "+15551"}, NULL},
                {{.provider = "lab", .to = "+4930"}, "49"},
                {{.provider = "lab", .to = "+1444"}, NULL}};
    cr_assert_not_null(set);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *from = vgw_route_caller_id(set, &rows[i].query);
        cr_expect(rows[i].from ? vgw_streq(from, rows[i].from) : !from, "row %zu: %s", i, from);
    }
    cr_expect_null(vgw_route_caller_id(NULL, &rows[0].query));
    vgw_route_set_free(set);
}

Test(call_route, all_keys_are_read)
{
    struct vgw_route_set *set =
        compile("[{\"match\":{},\"language\":\"de-DE\",\"assistant\":\"echo\",\"stt\":\"local\",\"tts\":[\"a\",\"b\"],"
                "\"voice\":\"v\","
                "\"media\":\"twiml\",\"record\":true,\"talk\":{\"barge_in\":false},\"x_own\":1}]",
                NULL);
    cr_assert_not_null(set);
    const struct vgw_route *r = &set->routes[0];
    cr_expect_str_eq(r->project, "default");
    cr_expect_str_eq(r->language, "de-DE");
    cr_expect_eq(r->stt_count, 1);
    cr_expect_eq(r->tts_count, 2);
    cr_expect_str_eq(r->tts[1], "b");
    cr_expect(r->record);
    cr_expect(vgw_json_has(r->talk, "barge_in"));
    cr_expect_eq(vgw_json_get_int(r->source, "x_own", 0), 1, "a provider's own keys are kept");
    cr_expect_str_eq(r->place, "routes[0]");
    vgw_route_set_free(set);
}

Test(call_route, errors_name_the_key_and_what_would_be_right)
{
    static const struct {
        const char *text, *sentence;
    } rows[] = {
        {"[{\"match\":{\"form\":\"x\"}}]", "did you mean from"},
        {"[{\"match\":[]}]", "match must be a mapping"},
        {"[{\"greetng\":\"x\"}]", "did you mean greeting"},
        {"[{\"greeting\":{}}]", "greeting must be a text"},
        {"[{\"media\":\"fax\"}]", "stream or twiml"},
        {"[{\"record\":\"yes\"}]", "true or false"},
        {"[{\"talk\":3}]", "talk must be"},
        {"[{\"stt\":[1]}]", "stt must be"},
        {"[{\"tts\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]}]", "at most 8"},
        {"[{\"assistant\":\"a\",\"workflow\":\"b\"}]", "exclude each other"},
        {"[7]", "must be a mapping"},
        {"{}", "must be a list"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vgw_error err = {0};
        cr_expect_null(compile(rows[i].text, &err));
        cr_expect_eq(err.status, VGW_ECONFIG);
        cr_expect(strstr(err.text, rows[i].sentence), "%s: %s", rows[i].text, err.text);
        cr_expect(*err.place);
    }
}

Test(call_route, compiling_survives_every_failed_allocation)
{
    struct vgw_json *v =
        fake_json("[{\"match\":{\"to\":\"1*\"},\"stt\":[\"a\"],\"talk\":{\"x\":1},\"greeting\":\"g\"},{\"match\":{}}]");
    for (long n = 1; n < 200; n++) {
        struct vgw_route_set *set = NULL;
        vgw_alloc_fail_at(n);
        int status = vgw_route_set_compile(v, NULL, NULL, &set, NULL);
        bool all = vgw_alloc_count() < n;
        vgw_alloc_fail_at(0);
        cr_expect_eq(status == VGW_OK, set != NULL);
        vgw_route_set_free(set);
        if (all)
            break;
        cr_assert_lt(n, 199);
    }
    vgw_json_free(v);
}
