#include <criterion/criterion.h>
#include <string.h>
#include "base/alloc.h"
#include "gateway/mcp.h"

#define ANSWER(n) "{\"jsonrpc\":\"2.0\",\"id\":" #n ",\"result\":{\"n\":" #n "}}"

/* The number in the answer with that id; -1: there is none. */
static int64_t number(const char *body, bool sse, int64_t id)
{
    struct vgw_json *v = vgw_mcp_answer(body, strlen(body), sse, id);
    int64_t n = v ? vgw_json_get_int(vgw_json_get(v, "result"), "n", -2) : -1;
    vgw_json_free(v);
    return n;
}

Test(gateway_mcp, an_answer_is_found_by_its_id)
{
    static const struct {
        const char *body;
        bool sse;
        int64_t want; /* of the id 7 */
    } rows[] = {
        {ANSWER(7), false, 7},
        {ANSWER(8), false, -1},
        {"", false, -1},
        {"{\"jsonrpc\":\"2.0\",\"id\":7}", false, -1},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"7\",\"result\":{\"n\":7}}", false, -1},
        {"[" ANSWER(7) "]", false, -1},
        {ANSWER(7) "x", false, -1},
        {"not json", false, -1},
        {"", true, -1},
        {"data: " ANSWER(7) "\n\n", true, 7},
        {"data:" ANSWER(7) "\n\n", true, 7},
        {"data: " ANSWER(7), true, 7},
        {"data: " ANSWER(7) "\r\n\r\n", true, 7},
        {": hello\n\nevent: message\nid: 3\ndata: " ANSWER(7) "\n\n", true, 7},
        {"data: " ANSWER(8) "\n\ndata: " ANSWER(7) "\n\n", true, 7},
        {"data: {\"jsonrpc\":\"2.0\",\ndata: \"id\":7,\"result\":{\"n\":7}}\n\n", true, 7},
        {"data: {\"method\":\"notifications/progress\"}\n\ndata: " ANSWER(7) "\n\n", true, 7},
        {"data: {half\n\ndata: " ANSWER(7) "\n\n", true, 7},
        {"data\ndata:\n\n\n\ndata: " ANSWER(7) "\n\n", true, 7},
        {"datum: " ANSWER(7) "\n\n", true, -1},
        {"data: " ANSWER(8) "\ndata: " ANSWER(7) "\n\n", true, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect_eq(number(rows[i].body, rows[i].sse, 7), rows[i].want, "%s", rows[i].body);
}

Test(gateway_mcp, a_refusal_is_an_answer)
{
    static const char body[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32602,\"message\":\"no\"}}";
    struct vgw_json *v = vgw_mcp_answer(body, sizeof body - 1, false, 7);
    cr_assert(v);
    cr_expect_str_eq(vgw_json_get_string(vgw_json_get(v, "error"), "message", ""), "no");
    vgw_json_free(v);
}

/* The text of what a tool gave; errors as "!sentence". */
static void expect_result(const char *text, const char *want)
{
    struct vgw_json *result = NULL, *value = NULL;
    struct vgw_error err = {0};
    cr_assert_eq(vgw_json_parse(text, strlen(text), &result, NULL), 0, "%s", text);
    int rc = vgw_mcp_result(result, &value, &err);
    if (want[0] == '!') {
        cr_expect_eq(rc, VGW_EPROVIDER, "%s", text);
        cr_expect_str_eq(err.text, want + 1);
        cr_expect_null(value);
    } else {
        char *got = vgw_json_text(value, false);
        cr_expect_eq(rc, 0, "%s", text);
        cr_expect_str_eq(got, want);
        vgw_free(got);
    }
    vgw_json_free(value);
    vgw_json_free(result);
}

Test(gateway_mcp, what_a_tool_gives)
{
    expect_result("{\"content\":[{\"type\":\"text\",\"text\":\"one\"}]}", "{\"text\":\"one\"}");
    expect_result("{\"content\":[{\"type\":\"text\",\"text\":\"one\"},{\"type\":\"image\",\"data\":\"\"},"
                  "{\"type\":\"text\",\"text\":\"two\"}]}",
                  "{\"text\":\"one\\ntwo\"}");
    expect_result("{\"content\":[],\"structuredContent\":{\"free\":5}}", "{\"free\":5}");
    expect_result("{\"content\":[{\"type\":\"text\",\"text\":\"gone\"}],\"isError\":true}", "!gone");
    expect_result("{\"isError\":true,\"structuredContent\":{}}", "!the tool failed");
    expect_result("{}", "{\"text\":\"\"}");
    expect_result("{\"content\":\"text\"}", "{\"text\":\"\"}");
    expect_result("[]", "{\"text\":\"\"}");
}

Test(gateway_mcp, a_long_refusal_is_cut)
{
    struct vgw_json *result = vgw_json_object(), *list = vgw_json_array(), *part = vgw_json_object(), *value = NULL;
    struct vgw_error err = {0};
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    vgw_json_set_string(part, "text", text);
    vgw_json_append(list, part);
    vgw_json_set(result, "content", list);
    vgw_json_set_bool(result, "isError", true);
    cr_expect_eq(vgw_mcp_result(result, &value, &err), VGW_EPROVIDER);
    cr_expect_eq(strlen(err.text), 300 < sizeof err.text - 1 ? 300 : sizeof err.text - 1);
    vgw_json_free(result);
}
