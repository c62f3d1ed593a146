/* plugin_json.c - what the SDK's JSON and XML helpers promise. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "voicegw/json.h"
#include "voicegw/xml.h"

static const char text[] =
    "{\"a\":{\"b\":[1,2,{\"c\":\"h\\u00e9\\ud83d\\ude00\\n\"}]},\"n\":-12.5e1,\"t\":true,\"s\":\"8000\","
    "\"e\":{},\"l\":[] ,\"big\":9223372036854775807,\"min\":-9223372036854775808,\"dup\":1,\"dup\":2}";

Test(sdk_json, values_are_found_by_path_and_decoded)
{
    struct voicegw_json doc = voicegw_json_of(text);
    char out[16];
    cr_assert_eq(voicegw_json_get_string(doc, "a.b.2.c", out, sizeof out), 8);
    cr_assert_str_eq(out, "h\xc3\xa9\xf0\x9f\x98\x80\n");
    cr_assert_eq(voicegw_json_get_string(doc, "a.b.2.c", out, 5), VOICEGW_ELIMIT);
    cr_assert_str_eq(out, "h\xc3\xa9", "cut at a character's end");
    cr_assert_eq(voicegw_json_get_string(doc, "a.b.9.c", out, sizeof out), VOICEGW_ENOTFOUND);
    cr_assert_eq(voicegw_json_get_int(doc, "n", 0), -125);
    cr_assert_eq(voicegw_json_get_int(doc, "s", 0), 8000);
    cr_assert_eq(voicegw_json_get_int(doc, "big", 0), INT64_MAX);
    cr_assert_eq(voicegw_json_get_int(doc, "min", 0), INT64_MIN);
    cr_assert_eq(voicegw_json_get_int(doc, "dup", 0), 2);
    cr_assert_eq(voicegw_json_get_int(doc, "a", 7), 7);
    cr_assert_eq(voicegw_json_get_bool(doc, "t", 0), 1u);
    cr_assert_eq(voicegw_json_count(voicegw_json_get(doc, "e")), 0u);
    cr_assert_eq(voicegw_json_count(voicegw_json_get(doc, "l")), 0u);
    cr_assert_eq(voicegw_json_count(doc), 10u);
}

Test(sdk_json, doubles_read_as_written)
{
    static const struct {
        const char *text;
        double value;
    } rows[] = {{"0.3", 0.3},         {"123456.789", 123456.789}, {"1e400", 7}, {"1e-400", 0},
                {"-0.5e-3", -0.0005}, {"\"2.5\"", 2.5},           {"x", 7}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect_float_eq(voicegw_json_double(voicegw_json_of(rows[i].text), 7), rows[i].value, 0.0, "%s",
                           rows[i].text);
}

Test(sdk_json, only_valid_text_is_valid)
{
    static const char *const bad[] = {"",        "{",        "[1,]",  "{\"a\":}", "{\"a\"}", "[1 2]",      "01", "1.",
                                      "\"\\x\"", "\"\xff\"", "tru",   "{} {}",    "[}",      "{\"a\":1,}", "-",  "[1}",
                                      "\"a",     "1e",       "{1:2}", "\"\n\"",   "+1",      "nul"};
    static const char *const good[] = {text,   "{}",           "[]",          "0",    "-0.5e-3",
                                       "\"\"", "[[],{},[{}]]", " [ 1 , 2 ] ", "null", "{\"a\":[],\"b\":{\"c\":[1]}}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect_not(voicegw_json_valid(bad[i], strlen(bad[i])), "%s", bad[i]);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        cr_expect(voicegw_json_valid(good[i], strlen(good[i])), "%s", good[i]);
    char deep[2 * VOICEGW_JSON_DEPTH + 3];
    for (unsigned n = VOICEGW_JSON_DEPTH; n <= VOICEGW_JSON_DEPTH + 1; n++) {
        memset(deep, '[', n);
        memset(deep + n, ']', n);
        cr_expect_eq(voicegw_json_valid(deep, 2 * n), n == VOICEGW_JSON_DEPTH);
    }
}

Test(sdk_json, any_bytes_are_borne)
{
    static const char alphabet[] = "{}[]\",:\\u0a1-e. tn\xc3\xff";
    char out[8];
    srand(1);
    for (int round = 0; round < 100000; round++) {
        size_t n = (size_t)rand() % 24;
        char *bytes = malloc(n + 1);
        for (size_t k = 0; k < n; k++)
            bytes[k] = alphabet[(size_t)rand() % (sizeof alphabet - 1)];
        struct voicegw_json v = voicegw_json_ofn(bytes, n);
        (void)voicegw_json_valid(bytes, n);
        (void)voicegw_json_count(v);
        (void)voicegw_json_get_string(v, "a.0", out, sizeof out);
        (void)voicegw_json_int(v, 0);
        cr_assert_lt(voicegw_json_string(v, out, sizeof out), (int64_t)sizeof out);
        free(bytes);
    }
}

Test(sdk_json, writer_escapes_nests_and_sticks_on_overflow_and_misuse)
{
    char out[128];
    struct voicegw_json_writer w = voicegw_json_writer_of(out, sizeof out);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "a\"", "x\x01\n\xff");
    voicegw_json_put_array(&w, "l");
    voicegw_json_put_int(&w, NULL, INT64_MIN);
    voicegw_json_put_double(&w, NULL, 0.1);
    voicegw_json_put_bool(&w, NULL, 1);
    voicegw_json_put_end(&w);
    voicegw_json_put_json(&w, "r", voicegw_json_get(voicegw_json_of(text), "a.b.0"));
    voicegw_json_put_end(&w);
    cr_assert_gt(voicegw_json_finish(&w), 0);
    cr_assert_str_eq(out, "{\"a\\\"\":\"x\\u0001\\n\xef\xbf\xbd\",\"l\":[-9223372036854775808,0.1,true],\"r\":1}");
    for (uint64_t cap = 0; cap < 20; cap++) {
        char *small = malloc(cap + 1);
        w = voicegw_json_writer_of(small, cap);
        voicegw_json_put_array(&w, NULL);
        voicegw_json_put_string(&w, NULL, "hello \"x\"");
        voicegw_json_put_end(&w);
        cr_assert_eq(voicegw_json_finish(&w) > 0, cap > 15, "%d", (int)cap);
        free(small);
    }
    w = voicegw_json_writer_of(out, sizeof out);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_int(&w, NULL, 1);
    voicegw_json_put_end(&w);
    cr_assert_eq(voicegw_json_finish(&w), VOICEGW_ELIMIT, "a member without a name");
    w = voicegw_json_writer_of(out, sizeof out);
    voicegw_json_put_array(&w, NULL);
    cr_assert_eq(voicegw_json_finish(&w), VOICEGW_ELIMIT, "an array that is not closed");
}

Test(sdk_xml, markup_and_control_characters_are_escaped)
{
    char out[64];
    cr_assert_gt(voicegw_xml_escape("<a b='c'>&\"\x01", out, sizeof out), 0);
    cr_assert_str_eq(out, "&lt;a b=&apos;c&apos;&gt;&amp;&quot; ");
    cr_assert_eq(voicegw_xml_escape("a&b", out, 7), VOICEGW_ELIMIT);
    cr_assert_eq(voicegw_xml_escape("a&b", out, 8), 7);
}
