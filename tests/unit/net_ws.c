/* net_ws.c - what may go over a WebSocket: text, close codes, headers; upgrades that are asked for rightly. */
#include "net/http.h"
#include "net/ws_check.h"
#include <criterion/criterion.h>
#include <string.h>

Test(net_ws, text_is_utf8_wherever_the_bad_byte_stands)
{
    char text[40];
    for (size_t len = 1; len < sizeof text; len++) {
        memset(text, 'a', sizeof text);
        cr_assert(vgw_ws_text_valid(text, len));
        for (size_t i = 0; i < len; i++) {
            text[i] = (char)0xff;
            cr_assert_not(vgw_ws_text_valid(text, len), "%zu of %zu", i, len);
            text[i] = 'a';
        }
    }
    cr_assert(vgw_ws_text_valid("", 0));
    cr_assert(vgw_ws_text_valid("abcdefg\xc3\xa9hijk", 13));
    cr_assert_not(vgw_ws_text_valid("\xed\xa0\x80", 3));
}

Test(net_ws, close_codes_are_those_that_may_be_sent)
{
    static const unsigned good[] = {1000, 1001, 1002, 1003, 1007, 1009, 1011, 1014, 3000, 4999};
    static const unsigned bad[] = {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_assert(vgw_ws_code_valid(good[i]), "%u", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_not(vgw_ws_code_valid(bad[i]), "%u", bad[i]);
}

Test(net_ws, headers_cannot_bring_lines_of_their_own)
{
    cr_assert(vgw_ws_header_valid("A: b"));
    cr_assert_not(vgw_ws_header_valid("A: b\r\nC: d"));
    cr_assert_not(vgw_ws_header_valid(": b"));
    cr_assert_not(vgw_ws_header_valid("A"));
}

Test(net_ws, a_socket_that_did_not_open_says_what_was_answered)
{
    static const struct {
        unsigned code;
        const char *why, *whole;
    } cases[] = {{0, "connect failed", "connect failed"},
                 {101, "no protocol", "no protocol"},
                 {401, "HS: ws upgrade unauthorized", "answered 401: HS: ws upgrade unauthorized"},
                 {429, NULL, "answered 429: connection failed"}};
    char out[128], small[12];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vgw_ws_failure(cases[i].code, cases[i].why, cases[i].why ? strlen(cases[i].why) : 0, out, sizeof out);
        cr_expect_str_eq(out, cases[i].whole);
    }
    vgw_ws_failure(503, "words", 2, small, sizeof small);
    cr_expect_str_eq(small, "answered 50");
}
