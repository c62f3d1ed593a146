/* base_str.c - strings, numbers with units, encodings. */
#include "base/str.h"
#include "base/alloc.h"
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

Test(base_str, comparing)
{
    cr_expect(vgw_streq(NULL, NULL) && vgw_streq("a", "a"));
    cr_expect_not(vgw_streq(NULL, "") || vgw_streq("a", "b") || vgw_streq("", NULL));
    cr_expect(vgw_strieq("AbZ", "aBz") && vgw_strieq(NULL, NULL));
    cr_expect_not(vgw_strieq("a", "ab") || vgw_strieq("[", "{") || vgw_strieq("a", NULL));
    cr_expect(vgw_starts_with("abc", "ab") && vgw_starts_with("abc", ""));
    cr_expect_not(vgw_starts_with("a", "ab") || vgw_starts_with(NULL, "a"));
    cr_expect(vgw_ends_with("abc", "bc") && vgw_ends_with("abc", ""));
    cr_expect_not(vgw_ends_with("c", "bc") || vgw_ends_with("abc", "ab"));
    cr_expect(vgw_equal_ct("abc", "abc", 3) && vgw_equal_ct("a", "b", 0));
    cr_expect_not(vgw_equal_ct("abc", "abd", 3));
    static const char *const words[] = {"", "a", "ab", "abc", "abd", "abcd"};
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < 6; j++)
            cr_expect_eq(vgw_streq_ct(words[i], words[j]), i == j, "%s %s", words[i], words[j]);
    cr_expect_not(vgw_streq_ct(NULL, "") || vgw_streq_ct("", NULL));
    cr_expect_eq(vgw_hash64("", 0), UINT64_C(0xcbf29ce484222325));
    cr_expect_eq(vgw_hash64("foobar", 6), UINT64_C(0x85944171f73967e8));
}

Test(base_str, copies_are_cut_between_characters)
{
    static const struct {
        const char *in;
        size_t cap;
        const char *out;
        bool whole;
    } rows[] = {
        {"abc", 4, "abc", true},
        {"abc", 3, "ab", false},
        {"abc", 1, "", false},
        {"\xC3\xA9x", 3, "\xC3\xA9", false},
        {"\xC3\xA9x", 2, "", false},
        {"a\xF0\x9F\x98\x80", 5, "a", false},
        {"a\xF0\x9F\x98\x80", 6, "a\xF0\x9F\x98\x80", true},
        {NULL, 4, "", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char dst[16] = "????????";
        cr_expect_eq(vgw_strcopy(dst, rows[i].cap, rows[i].in), rows[i].whole, "row %zu", i);
        cr_expect_str_eq(dst, rows[i].out);
    }
    char dst[8];
    cr_expect(vgw_strncopy(dst, sizeof dst, "abcdef", 3));
    cr_expect_str_eq(dst, "abc");
    cr_expect_not(vgw_strcopy(dst, 0, "a"));
}

Test(base_str, durations)
{
    static const struct {
        const char *in;
        int64_t us;
    } rows[] = {
        {"500ms", 500000},
        {"30s", 30000000},
        {"10m", 600000000},
        {"1h", INT64_C(3600000000)},
        {"1d", INT64_C(86400000000)},
        {"2.5", 2500000},
        {"0", 0},
        {"0.1s", 100000},
        {"1.5h", INT64_C(5400000000)},
        {"0.0000004", 0},
    };
    int64_t us = -1;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect(vgw_parse_duration_us(rows[i].in, &us), "%s", rows[i].in);
        cr_expect_eq(us, rows[i].us, "%s", rows[i].in);
    }
    static const char *const bad[] = {
        "", "s", "-1", "+1", " 1", "1 s", "1x", "1e3", ".5", "1.", "1h30m", "99999999999999d", "nan", "0x1", "1S"};
    us = 7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_not(vgw_parse_duration_us(bad[i], &us), "%s", bad[i]);
    cr_expect_not(vgw_parse_duration_us(NULL, &us));
    cr_expect_eq(us, 7);
}

Test(base_str, sizes_and_rates)
{
    static const struct {
        const char *in;
        uint64_t bytes;
    } sizes[] = {{"0", 0},        {"64KiB", 65536}, {"1MiB", 1048576}, {"2GiB", UINT64_C(2147483648)},
                 {"64KB", 64000}, {"3mb", 3000000}, {"10B", 10},       {"18446744073709551615", UINT64_MAX}};
    uint64_t bytes;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        cr_expect(vgw_parse_size(sizes[i].in, &bytes), "%s", sizes[i].in);
        cr_expect_eq(bytes, sizes[i].bytes);
    }
    static const char *const bad_sizes[] = {
        "", "-1", "KiB", "1 KiB", "1.5MiB", "18446744073709551616", "99999999999GiB", "1x"};
    for (size_t i = 0; i < sizeof bad_sizes / sizeof *bad_sizes; i++)
        cr_expect_not(vgw_parse_size(bad_sizes[i], &bytes), "%s", bad_sizes[i]);
    static const struct {
        const char *in;
        double rate;
    } rates[] = {{"50/s", 50}, {"30/m", .5}, {"36/h", .01}, {"2.5", 2.5}, {"0", 0}};
    double rate;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        cr_expect(vgw_parse_rate(rates[i].in, &rate), "%s", rates[i].in);
        cr_expect_float_eq(rate, rates[i].rate, 1e-12);
    }
    static const char *const bad_rates[] = {"", "/s", "5/x", "5/", "-5/s", "5 /s", "5/sec"};
    for (size_t i = 0; i < sizeof bad_rates / sizeof *bad_rates; i++)
        cr_expect_not(vgw_parse_rate(bad_rates[i], &rate), "%s", bad_rates[i]);
}

Test(base_str, plain_numbers_and_booleans)
{
    int64_t i;
    cr_expect(vgw_parse_i64("-9223372036854775808", &i) && i == INT64_MIN);
    cr_expect(vgw_parse_i64("9223372036854775807", &i) && i == INT64_MAX);
    cr_expect(vgw_parse_i64("+007", &i) && i == 7);
    static const char *const bad_ints[] = {"", "-", "1x", " 1", "1 ", "9223372036854775808", "0x1", "1.0", "--1"};
    for (size_t k = 0; k < sizeof bad_ints / sizeof *bad_ints; k++)
        cr_expect_not(vgw_parse_i64(bad_ints[k], &i), "%s", bad_ints[k]);
    double d;
    cr_expect(vgw_parse_double("-1.5e3", &d) && d == -1500);
    cr_expect(vgw_parse_double("0.1", &d) && d == 0.1);
    static const char *const bad_doubles[] = {"", "nan", "inf", "1e999", "0x1p3", " 1", "1,5", "1.5x", "e", "-"};
    for (size_t k = 0; k < sizeof bad_doubles / sizeof *bad_doubles; k++)
        cr_expect_not(vgw_parse_double(bad_doubles[k], &d), "%s", bad_doubles[k]);
    static const struct {
        const char *in;
        int value; /* -1: refused */
    } bools[] = {{"true", 1}, {"YES", 1}, {"On", 1}, {"1", 1},  {"false", 0}, {"no", 0},
                 {"OFF", 0},  {"0", 0},   {"", -1},  {"2", -1}, {"y", -1},    {"tru", -1}};
    for (size_t k = 0; k < sizeof bools / sizeof *bools; k++) {
        bool b = false;
        cr_expect_eq(vgw_parse_bool(bools[k].in, &b), bools[k].value >= 0, "%s", bools[k].in);
        cr_expect_eq(b, bools[k].value == 1);
    }
    char out[VGW_DOUBLE_TEXT];
    cr_expect_str_eq(vgw_double_text(NAN, out), "NaN");
    cr_expect_str_eq(vgw_double_text(INFINITY, out), "+Inf");
    cr_expect_str_eq(vgw_double_text(-INFINITY, out), "-Inf");
    cr_expect_str_eq(vgw_double_text(65, out), "65");
}

Test(base_str, utf8_is_checked_strictly)
{
    static const struct {
        const char *in;
        bool valid;
    } rows[] = {
        {"", true},
        {"plain", true},
        {"\xC2\x80", true},
        {"\xE0\xA0\x80", true},
        {"\xED\x9F\xBF", true},
        {"\xEE\x80\x80", true},
        {"\xF0\x90\x80\x80", true},
        {"\xF4\x8F\xBF\xBF", true},
        {"\x80", false},
        {"\xC0\x80", false},
        {"\xC1\xBF", false},
        {"\xC2", false},
        {"\xE0\x9F\xBF", false},
        {"\xED\xA0\x80", false},
        {"\xE2\x82", false},
        {"\xF0\x8F\xBF\xBF", false},
        {"\xF4\x90\x80\x80", false},
        {"\xF5\x80\x80\x80", false},
        {"\xC3(", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect_eq(vgw_utf8_valid(rows[i].in, strlen(rows[i].in)), rows[i].valid, "row %zu", i);
    cr_expect(vgw_utf8_valid("a\0b", 3), "U+0000 is a character");
    cr_expect_eq(vgw_utf8_char_len("\xE2\x82\xAC!", 4), 3);
    cr_expect_eq(vgw_utf8_char_len("\xE2\x82\xAC!", 2), 0);
}

Test(base_str, the_nearest_name_is_found)
{
    cr_expect_eq(vgw_edit_distance("kitten", "sitting", 5), 3);
    cr_expect_eq(vgw_edit_distance("ab", "ba", 5), 1);
    cr_expect_eq(vgw_edit_distance("", "abc", 5), 3);
    cr_expect_eq(vgw_edit_distance("same", "same", 0), 0);
    cr_expect_eq(vgw_edit_distance("abcdef", "uvwxyz", 2), 3, "capped at max + 1");
    static const char *const names[] = {"provider", "providers", NULL, "timeout", "log"};
    cr_expect_str_eq(vgw_nearest("provders", names, 5), "providers");
    cr_expect_str_eq(vgw_nearest("tiemout", names, 5), "timeout");
    cr_expect_str_eq(vgw_nearest("lgo", names, 5), "log");
    cr_expect_null(vgw_nearest("zzzzzz", names, 5));
    cr_expect_null(vgw_nearest("log", names, 0));
}

Test(base_str, globs_and_phone_numbers)
{
    static const struct {
        const char *pattern, *s;
        bool match;
    } rows[] = {
        {"*", "", true},
        {"*", "x", true},
        {"a*c", "abbc", true},
        {"a*c", "ab", false},
        {"a?c", "abc", true},
        {"a?c", "ac", false},
        {"", "", true},
        {"", "x", false},
        {"*b*", "abc", true},
        {"call_*", "call_ended", true},
        {"*ab", "aab", true},
        {"a**b", "ab", true},
        {"*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect_eq(vgw_glob_match(rows[i].pattern, rows[i].s), rows[i].match, "%s %s", rows[i].pattern, rows[i].s);
    static const char *const good[] = {"+1234567890", "12", "123456789012345", "+12"};
    static const char *const bad[] = {"", "+", "1", "+1", "1234567890123456", "12a", "++12", "1 2", "sip:x"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect(vgw_is_phone_number(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_not(vgw_is_phone_number(bad[i]), "%s", bad[i]);
    cr_expect_not(vgw_is_phone_number(NULL));
}

Test(base_str, base64_follows_rfc4648_and_is_strict)
{
    static const struct {
        const char *plain, *coded;
    } rows[] = {{"", ""},
                {"f", "Zg=="},
                {"fo", "Zm8="},
                {"foo", "Zm9v"},
                {"foob", "Zm9vYg=="},
                {"fooba", "Zm9vYmE="},
                {"foobar", "Zm9vYmFy"},
                {"\xFB\xFF", "+/8="}};
    uint8_t out[16];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vgw_buf b = {0};
        size_t len = strlen(rows[i].plain);
        vgw_base64_encode(&b, rows[i].plain, len);
        cr_expect_str_eq(vgw_buf_str(&b), rows[i].coded);
        vgw_buf_done(&b);
        cr_expect_eq(vgw_base64_decode(rows[i].coded, strlen(rows[i].coded), out, len), (long)len);
        cr_expect(len == 0 || !memcmp(out, rows[i].plain, len));
        if (len)
            cr_expect_eq(vgw_base64_decode(rows[i].coded, strlen(rows[i].coded), out, len - 1), -1);
    }
    static const char *const bad[] = {
        "Z", "Zg", "Zg=", "Zh==", "Zm9=", "====", "Z===", "Zg==Zg==", "Zm 9v", "Zm9-", "=m9v"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_eq(vgw_base64_decode(bad[i], strlen(bad[i]), out, sizeof out), -1, "%s", bad[i]);
}

Test(base_str, hex_and_url_encodings)
{
    struct vgw_buf b = {0};
    uint8_t raw[4];
    char out[16];
    vgw_hex_encode(&b, "\x00\xAB\xFF", 3);
    cr_expect_str_eq(vgw_buf_str(&b), "00abff");
    cr_expect_eq(vgw_hex_decode("00ABff", 6, raw, 4), 3);
    cr_expect_arr_eq(raw, "\x00\xAB\xFF", 3);
    cr_expect_eq(vgw_hex_decode("0", 1, raw, 4), -1);
    cr_expect_eq(vgw_hex_decode("0g", 2, raw, 4), -1);
    cr_expect_eq(vgw_hex_decode("0000000000", 10, raw, 4), -1);
    vgw_buf_reset(&b);
    vgw_url_encode(&b, "aZ9-._~ +/\xC3\xA9");
    cr_expect_str_eq(vgw_buf_str(&b), "aZ9-._~%20%2B%2F%C3%A9");
    vgw_buf_done(&b);
    static const struct {
        const char *in;
        bool plus;
        long len;
        const char *out;
    } rows[] = {
        {"a%20b+c", true, 5, "a b c"},
        {"a+b", false, 3, "a+b"},
        {"%c3%A9", false, 2, "\xC3\xA9"},
        {"", false, 0, ""},
        {"%", false, -1, NULL},
        {"%2", false, -1, NULL},
        {"%zz", false, -1, NULL},
        {"%00", false, -1, NULL},
        {"1234567890123456", false, -1, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_eq(vgw_url_decode(rows[i].in, strlen(rows[i].in), out, sizeof out, rows[i].plus), rows[i].len, "%s",
                     rows[i].in);
        if (rows[i].len >= 0)
            cr_expect_str_eq(out, rows[i].out);
    }
    cr_expect_eq(vgw_url_decode("", 0, out, 0, false), -1);
}

Test(base_str, xml_and_log_values_are_escaped)
{
    static const struct {
        const char *in, *xml, *kv;
    } rows[] = {
        {"plain", "plain", "plain"},
        {"", "", "\"\""},
        {"a&b<c>\"d'", "a&amp;b&lt;c&gt;&quot;d&apos;", "\"a&b<c>\\\"d'\""},
        {"a\x01\xFF"
         "b",
         "a\xEF\xBF\xBD\xEF\xBF\xBD"
         "b",
         "\"a\\x01\\xFFb\""},
        {"a\nb\tc", "a\nb\tc", "\"a\\nb\\tc\""},
        {"\xC3\xA9", "\xC3\xA9", "\xC3\xA9"},
        {"k=v", "k=v", "\"k=v\""},
        {"\x7F", "\x7F", "\"\\x7F\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vgw_buf xml = {0}, kv = {0};
        vgw_xml_escape(&xml, rows[i].in);
        vgw_kv_escape(&kv, rows[i].in);
        cr_expect_str_eq(vgw_buf_str(&xml), rows[i].xml);
        cr_expect_str_eq(vgw_buf_str(&kv), rows[i].kv);
        vgw_buf_done(&xml);
        vgw_buf_done(&kv);
    }
}
