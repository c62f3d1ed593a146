/* base_json.c - JSON values. */
#include "base/json.h"
#include "base/alloc.h"
#include "base/str.h"
#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct vgw_json *parse(const char *text)
{
    struct vgw_json *v = NULL;
    struct vgw_error err = {0};
    cr_assert_eq(vgw_json_parse(text, strlen(text), &v, &err), 0, "%s: %s at %s", text, err.text, err.place);
    return v;
}

Test(base_json, what_is_json_is_accepted_and_written_compactly)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"null", "null"},
        {" true ", "true"},
        {"false\n", "false"},
        {"0", "0"},
        {"-0", "0"},
        {"-17", "-17"},
        {"0.5", "0.5"},
        {"65.0", "65"},
        {"1.25", "1.25"},
        {"1e3", "1000"},
        {"1E-7", "1e-07"},
        {"0.1", "0.1"},
        {"3.141592653589793", "3.141592653589793"},
        {"5e-324", "5e-324"},
        {"1.7976931348623157e308", "1.7976931348623157e+308"},
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"18446744073709551615", "18446744073709551615"},
        {"\"\"", "\"\""},
        {"\"a/b\"", "\"a/b\""},
        {"\"\\/\\b\\f\\n\\r\\t\\\"\\\\\"", "\"/\\b\\f\\n\\r\\t\\\"\\\\\""},
        {"\"\\u00e9\\u20ac\\ud83d\\ude00\"", "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\""},
        {"\"\\ud800\"", "\"\xEF\xBF\xBD\""},
        {"\"\\ude00x\"", "\"\xEF\xBF\xBDx\""},
        {"\"a\\u0000b\"", "\"a\\u0000b\""},
        {"\"\\u001f\x7F\"", "\"\\u001f\x7F\""},
        {"[]", "[]"},
        {"[ 1 , [ ] , { } ]", "[1,[],{}]"},
        {"{\"b\":1,\"a\":{\"x\":[null]}}", "{\"b\":1,\"a\":{\"x\":[null]}}"},
        {"{\"a\":1,\"a\":2}", "{\"a\":2}"},
        {"{\"\":1}", "{\"\":1}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vgw_json *v = parse(rows[i].in);
        char *text = vgw_json_text(v, false);
        cr_expect_str_eq(text, rows[i].out, "%s became %s", rows[i].in, text);
        struct vgw_json *again = parse(text);
        cr_expect(vgw_json_equal(v, again), "%s", text);
        vgw_json_free(again);
        vgw_free(text);
        vgw_json_free(v);
    }
}

Test(base_json, what_is_not_json_is_refused_with_its_place)
{
    static const struct {
        const char *in, *place;
    } rows[] = {
        {"", "1:1"},
        {"  ", "1:3"},
        {"nul", "1:1"},
        {"NaN", "1:1"},
        {"nan", "1:1"},
        {"Infinity", "1:1"},
        {"-Infinity", "1:1"},
        {"TRUE", "1:1"},
        {"+1", "1:1"},
        {"01", "1:1"},
        {"-", "1:1"},
        {"1.", "1:1"},
        {".5", "1:1"},
        {"1e", "1:1"},
        {"1e+", "1:1"},
        {"1e999", "1:1"},
        {"0x10", "1:2"},
        {"18446744073709551616", "1:1"},
        {"-9223372036854775809", "1:1"},
        {"1 2", "1:3"},
        {"{} x", "1:4"},
        {"[1,]", "1:4"},
        {"[1 2]", "1:4"},
        {"[", "1:2"},
        {"[1", "1:3"},
        {"]", "1:1"},
        {"{\"a\" 1}", "1:6"},
        {"{\"a\":}", "1:6"},
        {"{\"a\":1,}", "1:8"},
        {"{a:1}", "1:2"},
        {"{'a':1}", "1:2"},
        {"{\n  \"a\": 1,\n  \"\xC3\xA9\": x\n}", "3:8"},
        {"\"abc", "1:1"},
        {"\"\\", "1:2"},
        {"\"\\x41\"", "1:2"},
        {"\"\\u12\"", "1:2"},
        {"\"\\u12g4\"", "1:2"},
        {"\"a\tb\"", "1:3"},
        {"\"\xC0\xAF\"", "1:2"},
        {"\"\xED\xA0\x80\"", "1:2"},
        {"\"\xFF\"", "1:2"},
        {"{\"a\\u0000\":1}", "1:4"},
        {"\xEF\xBB\xBF{}", "1:1"},
        {"/* c */ 1", "1:1"},
        {"1 // c", "1:3"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vgw_json *v = (struct vgw_json *)&rows;
        struct vgw_error err = {0};
        int rc = vgw_json_parse(rows[i].in, strlen(rows[i].in), &v, &err);
        cr_expect_eq(rc, VGW_EINVALID, "%s was accepted", rows[i].in);
        cr_expect_eq(v, (struct vgw_json *)&rows, "outputs stay untouched");
        cr_expect_str_eq(err.place, rows[i].place, "%s: %s at %s", rows[i].in, err.text, err.place);
        cr_expect(vgw_starts_with(err.text, "not valid JSON: "));
    }
    struct vgw_error err;
    cr_expect_eq(vgw_json_parse("1\0", 2, NULL, &err), VGW_EINVALID, "a NUL is not a blank");
    cr_expect_eq(vgw_json_parse(NULL, 0, NULL, &err), VGW_EINVALID);
    cr_expect_eq(vgw_json_parse("[1]", 3, NULL, NULL), 0);
}

Test(base_json, depth_ends_at_64)
{
    char text[131];
    for (size_t depth = 64; depth <= 65; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        struct vgw_json *v = NULL;
        cr_expect_eq(vgw_json_parse(text, depth * 2, &v, NULL), depth == 64 ? 0 : VGW_EINVALID);
        vgw_json_free(v);
    }
}

Test(base_json, a_string_keeps_its_nul_and_length)
{
    struct vgw_json *v = parse("{\"s\":\"a\\u0000b\"}");
    const struct vgw_json *s = vgw_json_get(v, "s");
    cr_expect_eq(vgw_json_strlen(s), 3);
    cr_expect_arr_eq(vgw_json_str(s), "a\0b", 4);
    vgw_json_free(v);
    v = vgw_json_stringn("x\0y", 3);
    cr_expect_eq(vgw_json_strlen(v), 3);
    vgw_json_free(v);
}

Test(base_json, doubles_take_the_shortest_text_that_reads_back)
{
    static const struct {
        double d;
        const char *text;
    } rows[] = {
        {0.5, "0.5"},
        {65, "65"},
        {1.25, "1.25"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1e21, "1e+21"},
        {-2.5, "-2.5"},
        {1e15, "1e+15"},
        {100, "100"},
        {1.0 / 3, "0.3333333333333333"},
        {5e-324, "5e-324"},
        {1700000000.123456, "1700000000.123456"},
        {NAN, "null"},
        {INFINITY, "null"},
        {-INFINITY, "null"},
        {123456789012345, "123456789012345"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vgw_json *v = vgw_json_double(rows[i].d);
        char *text = vgw_json_text(v, false);
        cr_expect_str_eq(text, rows[i].text, "%s", text);
        if (isfinite(rows[i].d))
            cr_expect_eq(strtod(text, NULL), rows[i].d);
        vgw_free(text);
        vgw_json_free(v);
    }
}

Test(base_json, getters_take_defaults_for_wrong_types)
{
    struct vgw_json *v = parse("{\"s\":\"12\",\"i\":7,\"d\":2.75,\"b\":true,\"n\":null,\"big\":1e300}");
    cr_expect_str_eq(vgw_json_get_string(v, "s", "x"), "12");
    cr_expect_str_eq(vgw_json_get_string(v, "i", "x"), "x");
    cr_expect_null(vgw_json_get_string(v, "none", NULL));
    cr_expect_eq(vgw_json_get_int(v, "i", -1), 7);
    cr_expect_eq(vgw_json_get_int(v, "d", -1), 2);
    cr_expect_eq(vgw_json_get_int(v, "s", -1), -1);
    cr_expect_eq(vgw_json_get_int(v, "big", -1), INT64_MAX);
    cr_expect_eq(vgw_json_get_double(v, "d", -1), 2.75);
    cr_expect_eq(vgw_json_get_double(v, "i", -1), 7);
    cr_expect_eq(vgw_json_get_double(v, "b", -1), -1);
    cr_expect_eq(vgw_json_get_bool(v, "b", false), true);
    cr_expect_eq(vgw_json_get_bool(v, "i", false), false);
    cr_expect_eq(vgw_json_as_int(vgw_json_get(v, "s"), -1), 12);
    cr_expect_eq(vgw_json_as_double(vgw_json_get(v, "s"), -1), 12);
    cr_expect_eq(vgw_json_as_bool(vgw_json_get(v, "i"), false), true);
    cr_expect(vgw_json_has(v, "n"));
    cr_expect_not(vgw_json_has(v, "m"));
    cr_expect_null(vgw_json_get(v, "n"));
    cr_expect_null(vgw_json_get(NULL, "n"));
    cr_expect_eq(vgw_json_type(NULL), VGW_JSON_NULL);
    cr_expect_null(vgw_json_str(NULL));
    cr_expect_eq(vgw_json_as_int(NULL, 5), 5);
    vgw_json_free(v);
}

Test(base_json, paths_reach_into_objects_and_arrays)
{
    struct vgw_json *v = parse("{\"a\":{\"b\":[{\"c\":\"x\"},2]},\"0\":\"key\"}");
    cr_expect_str_eq(vgw_json_str(vgw_json_path(v, "a.b.0.c")), "x");
    cr_expect_eq(vgw_json_as_int(vgw_json_path(v, "a.b.1"), 0), 2);
    cr_expect_str_eq(vgw_json_str(vgw_json_path(v, "0")), "key");
    static const char *const absent[] = {"a.b.2",     "a.b.-1", "a.b.+1", "a.x.y",
                                         "a.b.0.c.d", "",       "a..b",   "a.b.99999999999999999999"};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        cr_expect_null(vgw_json_path(v, absent[i]), "%s", absent[i]);
    vgw_json_free(v);
}

Test(base_json, objects_keep_their_order_and_may_shrink_in_a_walk)
{
    struct vgw_json *v = parse("{\"z\":1,\"a\":2,\"m\":3}");
    static const char *const keys[] = {"z", "a", "m"};
    const char *key;
    size_t seen = 0;
    for (size_t i = 0; vgw_json_object_next(v, &i, &key, NULL);) {
        cr_assert_str_eq(key, keys[seen]);
        vgw_json_del(v, keys[seen++]);
    }
    cr_expect_eq(seen, 3);
    cr_expect_eq(vgw_json_object_count(v), 0);
    vgw_json_free(v);
    size_t i = 0;
    cr_expect_not(vgw_json_object_next(NULL, &i, &key, NULL));
}

Test(base_json, equality_ignores_order_and_number_spelling)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } rows[] = {
        {"{\"a\":1,\"b\":[1,2]}", "{\"b\":[1,2.0],\"a\":1}", true},
        {"1", "1.0", true},
        {"1", "\"1\"", false},
        {"[1,2]", "[2,1]", false},
        {"[1]", "[1,2]", false},
        {"{\"a\":null}", "{\"b\":null}", false},
        {"{\"a\":null}", "{}", false},
        {"null", "null", true},
        {"null", "false", false},
        {"9007199254740993", "9007199254740992", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vgw_json *a = parse(rows[i].a), *b = parse(rows[i].b);
        cr_expect_eq(vgw_json_equal(a, b), rows[i].equal, "%s %s", rows[i].a, rows[i].b);
        struct vgw_json *copy = vgw_json_copy(a);
        cr_expect(vgw_json_equal(a, copy));
        vgw_json_free(copy);
        vgw_json_free(a);
        vgw_json_free(b);
    }
}

Test(base_json, setters_own_what_they_are_given)
{
    struct vgw_json *child = vgw_json_array();
    cr_expect_eq(vgw_json_set(NULL, "k", vgw_json_ref(child)), VGW_ELIMIT);
    cr_expect_eq(vgw_json_append(NULL, vgw_json_ref(child)), VGW_ELIMIT);
    cr_expect_eq(vgw_json_append_string(child, "x"), 0);
    cr_expect_eq(vgw_json_append(child, NULL), 0);
    struct vgw_json *o = vgw_json_object();
    cr_expect_eq(vgw_json_set(o, "list", child), 0);
    cr_expect_eq(vgw_json_set_string(o, "s", NULL), 0);
    cr_expect_eq(vgw_json_set_double(o, "d", 0.25), 0);
    cr_expect_eq(vgw_json_set_bool(o, "b", true), 0);
    cr_expect_eq(vgw_json_set_int(o, "i", -3), 0);
    char *text = vgw_json_text(o, false);
    cr_expect_str_eq(text, "{\"list\":[\"x\",null],\"s\":null,\"d\":0.25,\"b\":true,\"i\":-3}");
    vgw_free(text);
    text = vgw_json_text(vgw_json_get(o, "list"), true);
    cr_expect_str_eq(text, "[\n  \"x\",\n  null\n]");
    vgw_free(text);
    vgw_json_free(o);
}

Test(base_json, quoting_mends_invalid_utf8)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"a", "\"a\""},
        {"\xFF", "\"\xEF\xBF\xBD\""},
        {"a\xC3", "\"a\xEF\xBF\xBD\""},
        {"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\x01\n\"\\/", "\"\\u0001\\n\\\"\\\\/\""},
        {"\xC3\xA9", "\"\xC3\xA9\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vgw_buf b = {0};
        vgw_json_quote(&b, rows[i].in, strlen(rows[i].in));
        cr_expect_str_eq(vgw_buf_str(&b), rows[i].out);
        vgw_buf_done(&b);
    }
}

/* Parses, copies, changes and writes; VGW_ELIMIT when any of it lacked memory. */
static int exercise(char **ret_text)
{
    static const char text[] = "{\"a\":[1,2.5,\"x\"],\"b\":{\"c\":null}}";
    struct vgw_json *v = NULL, *copy = NULL;
    int rc = vgw_json_parse(text, sizeof text - 1, &v, NULL);
    if (rc < 0)
        goto out;
    rc = VGW_ELIMIT;
    copy = vgw_json_copy(v);
    if (!copy || vgw_json_set_string(copy, "s", "value") < 0 || vgw_json_set_int(copy, "i", 1) < 0 ||
        vgw_json_set_double(copy, "d", .5) < 0 || vgw_json_set_bool(copy, "t", true) < 0 ||
        vgw_json_append_string(vgw_json_get(copy, "a"), "y") < 0)
        goto out;
    *ret_text = vgw_json_text(copy, false);
    rc = *ret_text ? 0 : VGW_ELIMIT;
out:
    vgw_json_free(copy);
    vgw_json_free(v);
    return rc;
}

Test(base_json, every_failed_allocation_is_reported)
{
    long n = 1;
    for (;; n++) {
        char *text = NULL;
        vgw_alloc_fail_at(n);
        int rc = exercise(&text);
        bool injected = vgw_alloc_count() >= n;
        vgw_alloc_fail_at(0);
        cr_expect_eq(rc, injected ? VGW_ELIMIT : 0, "allocation %ld", n);
        if (!injected)
            cr_expect_str_eq(
                text, "{\"a\":[1,2.5,\"x\",\"y\"],\"b\":{\"c\":null},\"s\":\"value\",\"i\":1,\"d\":0.5,\"t\":true}");
        vgw_free(text);
        if (!injected)
            break;
    }
    cr_expect_gt(n, 10);
}
