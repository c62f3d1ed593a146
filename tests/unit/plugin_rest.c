/* plugin_rest.c - what the SDK's helpers for REST vendors promise. */
#include <criterion/criterion.h>
#include <string.h>
#include "voicegw/draft/vendor_options.h"
#include "voicegw/rest.h"

static const struct voicegw_option table[] = {
    VOICEGW_VENDOR_OPTIONS("https://api.vendor.example", VOICEGW_OPTION_RELOADABLE),
    VOICEGW_VENDOR_ACCOUNT_OPTIONS(VOICEGW_OPTION_RELOADABLE),
    VOICEGW_VENDOR_EXTRA_OPTION(0),
};

Test(sdk_rest, common_options_are_rows_of_a_table)
{
    cr_assert_eq(sizeof table / sizeof table[0], VOICEGW_VENDOR_OPTION_COUNT + VOICEGW_VENDOR_ACCOUNT_OPTION_COUNT + 1);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        cr_expect_eq(table[i].size, sizeof table[i]);
        cr_expect_not_null(table[i].description);
    }
    cr_assert_str_eq(table[1].name, "api_key");
    cr_assert_eq(table[1].type, VOICEGW_OPTION_SECRET);
}

Test(sdk_rest, forms_and_paths_keep_every_text_in_its_place)
{
    char out[128];
    struct voicegw_text t = voicegw_text_of(out, sizeof out);
    voicegw_form_add(&t, "To", "+1 555&a=b/\r\n");
    voicegw_form_add(&t, "Left", NULL);
    voicegw_form_add_int(&t, "N", INT64_MIN);
    voicegw_form_add_bool(&t, "R", 1);
    cr_assert_eq(voicegw_text_finish(&t), (int64_t)strlen(out));
    cr_assert_str_eq(out, "To=%2B1%20555%26a%3Db%2F%0D%0A&N=-9223372036854775808&R=true");
    t = voicegw_text_of(out, sizeof out);
    voicegw_text_add(&t, "/Calls/");
    voicegw_text_add_escaped(&t, "../x?\xc3\xa9");
    cr_assert_str_eq(out, "/Calls/..%2Fx%3F%C3%A9");
    t = voicegw_text_of(out, 4);
    voicegw_text_add(&t, "abc");
    cr_assert_eq(voicegw_text_finish(&t), 3);
    voicegw_text_add(&t, "d");
    cr_assert_eq(voicegw_text_finish(&t), VOICEGW_ELIMIT);
    cr_assert_str_eq(out, "abc");
}

Test(sdk_rest, retry_after_is_seconds_or_a_date)
{
    int64_t wall_us = INT64_C(784111777) * 1000000; /* Sun, 06 Nov 1994 08:49:37 GMT */
    static const struct {
        const char *value;
        int64_t ms;
    } rows[] = {{"0", 0},
                {"7", 7000},
                {"Sun, 06 Nov 1994 08:49:40 GMT", 3000},
                {"Sun, 06 Nov 1994 08:49:37 GMT", 0},
                {"Sat, 05 Nov 1994 08:49:37 GMT", 0},
                {"Tue, 29 Feb 2000 00:00:00 GMT", (INT64_C(951782400) - 784111777) * 1000},
                {"", -1},
                {NULL, -1},
                {"soon", -1},
                {"7 apples", -1},
                {"Sun, 06 Xxx 1994 08:49:37 GMT", -1},
                {"Sunday, 06-Nov-94 08:49:37 GMT", -1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect_eq(voicegw_retry_after_ms(rows[i].value, wall_us), rows[i].ms, "%s", rows[i].value);
}

Test(sdk_rest, only_what_may_be_repeated_is_tried_again)
{
    const struct voicegw_retry retry = {.max = 2, .backoff_ms = 400};
    static const struct {
        uint32_t attempt;
        int32_t status;
        uint32_t http_status, repeatable;
        const char *retry_after;
        int64_t least, most;
    } rows[] = {
        {1, 0, 429, 0, NULL, 300, 500},
        {2, 0, 429, 0, NULL, 600, 1000},
        {3, 0, 429, 1, NULL, -1, -1},
        {1, 0, 429, 0, "3", 3000, 3000},
        {1, 0, 429, 0, "86400", -1, -1},
        {1, 0, 503, 0, NULL, -1, -1},
        {1, 0, 503, 0, "1", 1000, 1000},
        {1, 0, 500, 0, NULL, -1, -1},
        {1, 0, 500, 1, NULL, 300, 500},
        {1, 0, 501, 1, NULL, -1, -1},
        {1, 0, 404, 1, NULL, -1, -1},
        {1, 0, 200, 1, NULL, -1, -1},
        {1, VOICEGW_ETIMEOUT, 0, 0, NULL, -1, -1},
        {1, VOICEGW_ETIMEOUT, 0, 1, NULL, 300, 500},
        {1, VOICEGW_ENETWORK, 0, 1, NULL, 300, 500},
        {1, VOICEGW_EINVALID, 0, 1, NULL, -1, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (uint64_t random = 0; random < 2048; random += 341) {
            struct voicegw_retry_input in = {.attempt = rows[i].attempt,
                                             .status = rows[i].status,
                                             .http_status = rows[i].http_status,
                                             .repeatable = rows[i].repeatable,
                                             .retry_after = rows[i].retry_after,
                                             .random = random};
            int64_t wait = voicegw_retry_decide(&retry, &in);
            cr_expect(wait >= rows[i].least && wait <= rows[i].most, "row %zu: %lld", i, (long long)wait);
        }
}

Test(sdk_rest, codes_become_statuses)
{
    cr_assert_eq(voicegw_http_to_status(204), VOICEGW_OK);
    cr_assert_eq(voicegw_http_to_status(401), VOICEGW_EAUTH);
    cr_assert_eq(voicegw_http_to_status(429), VOICEGW_ERATELIMIT);
    cr_assert_eq(voicegw_http_to_status(0), VOICEGW_ENETWORK);
    cr_assert_eq(voicegw_http_to_status(502), VOICEGW_EPROVIDER);
}

static const char *sentence;

static int32_t keep_error(const struct voicegw_host *host, int32_t status, const char *text)
{
    (void)host;
    sentence = text;
    return status;
}

Test(sdk_rest, retry_is_read_or_refused_with_a_sentence)
{
    const struct voicegw_host host = {.size = sizeof host, .set_error = keep_error};
    struct voicegw_retry r = {0};
    cr_assert_eq(voicegw_vendor_read_retry(&host, NULL, &r), VOICEGW_OK);
    cr_assert(r.max == 2 && r.backoff_ms == 500);
    cr_assert_eq(voicegw_vendor_read_retry(&host, "{\"max\":0,\"backoff\":\"2s\"}", &r), VOICEGW_OK);
    cr_assert(r.max == 0 && r.backoff_ms == 2000);
    static const char *const bad[] = {"[]",
                                      "{\"max\":11}",
                                      "{\"max\":-1}",
                                      "{\"backoff\":\"soon\"}",
                                      "{\"backoff\":\"5x\"}",
                                      "{\"backoff\":3600}",
                                      "{\"tries\":1}",
                                      "{\"max\":"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        sentence = NULL;
        cr_expect_eq(voicegw_vendor_read_retry(&host, bad[i], &r), VOICEGW_ECONFIG, "%s", bad[i]);
        cr_expect_not_null(sentence);
    }
}

Test(sdk_rest, url_and_headers_come_from_the_options)
{
    struct voicegw_vendor v = {.base_url = "http://127.0.0.1:9/x//",
                               .headers_json = "{\"X-A\":\"one\",\"X-B\":\"two: 2\"}"};
    char url[64], buf[64];
    const char *list[4] = {"Authorization: Bearer k"};
    struct voicegw_text t = voicegw_vendor_url(&v, url, sizeof url);
    voicegw_text_add(&t, "/v1");
    cr_assert_str_eq(url, "http://127.0.0.1:9/x/v1");
    cr_assert_eq(voicegw_vendor_headers(&v, list, 1, 4, buf, sizeof buf), 3);
    cr_assert_str_eq(list[1], "X-A: one");
    cr_assert_str_eq(list[2], "X-B: two: 2");
    cr_assert_null(list[3]);
    cr_assert_eq(voicegw_vendor_headers(&v, list, 2, 4, buf, sizeof buf), VOICEGW_ELIMIT);
    cr_assert_eq(voicegw_vendor_headers(&v, list, 1, 4, buf, 10), VOICEGW_ELIMIT);
    v.headers_json = "{\"X-A\":\"one\\r\\nX-Evil: 1\"}";
    cr_assert_eq(voicegw_vendor_headers(&v, list, 1, 4, buf, sizeof buf), VOICEGW_ECONFIG);
}
