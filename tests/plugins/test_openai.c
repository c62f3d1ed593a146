/* test_openai.c - the pure parts of the assistants behind HTTP: events in every split, answers put together, histories
 * cut to what was heard, replies of services. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../plugins/http/reply.h"
#include "../../plugins/openai/chat_wire.h"
#include "sse.h"

static int passed, failed;

static void check(int ok, const char *promise)
{
    passed += ok != 0;
    failed += !ok;
    if (!ok)
        (void)printf("FAILED: %s\n", promise);
}

struct seen {
    char text[2048];
    size_t used;
};

static void note(struct seen *s, const char *text)
{
    size_t n = strlen(text);
    if (s->used + n < sizeof s->text) {
        memcpy(s->text + s->used, text, n + 1);
        s->used += n;
    }
}

static int32_t on_event(void *arg, const char *event, const char *data, uint64_t bytes)
{
    struct seen *s = arg;
    note(s, "<");
    note(s, event);
    note(s, "|");
    note(s, data);
    note(s, ">");
    check(strlen(data) == bytes, "an event's data ends where it says");
    return strcmp(data, "stop") == 0 ? -42 : VOICEGW_OK;
}

/* ---- events ---- */

static const struct {
    const char *name, *in, *out;
    int32_t status;
} streams[] = {
    {"one event", "data: a\n\n", "<|a>", 0},
    {"all line ends", "data: a\r\n\r\ndata: b\r\rdata: c\n\n", "<|a><|b><|c>", 0},
    {"lines of one event are joined", "data: a\ndata:b\ndata\n\n", "<|a\nb\n>", 0},
    {"names, ids, comments, unknown fields",
     ": hi\nevent: x\nid: 7\nretry: 1\nfoo: bar\ndata: {\"a\":1}\n\ndata: b\n\n", "<x|{\"a\":1}><|b>", 0},
    {"only one space is taken off", "data:  a\n\n", "<| a>", 0},
    {"no data, no event", "event: x\n\n\n\n: c\n\n", "", 0},
    {"a mark of the byte order",
     "\xef\xbb\xbf"
     "data: a\n\n",
     "<|a>", 0},
    {"half a line is dropped", "data: a\n\ndata: b", "<|a>", 0},
    {"whole lines without the empty one count", "data: a\n\ndata: b\n", "<|a><|b>", 0},
    {"who listens may stop it", "data: stop\n\ndata: b\n\n", "<|stop>", -42},
};

static int32_t feed_in(const char *in, size_t bytes, size_t first, size_t step, struct seen *s)
{
    struct sse sse = {0};
    int32_t status = sse_feed(&sse, in, first, on_event, s), more;
    for (size_t i = first; i < bytes; i += step) {
        more = sse_feed(&sse, in + i, i + step <= bytes ? step : bytes - i, on_event, s);
        status = status < 0 ? status : more;
    }
    more = sse_finish(&sse, on_event, s);
    sse_done(&sse);
    return status < 0 ? status : more;
}

static void events_in_every_split(void)
{
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        size_t n = strlen(streams[i].in);
        for (size_t first = 0; first <= n; first++)
            for (size_t step = 1; step <= 3; step++) {
                struct seen s = {0};
                int32_t status = feed_in(streams[i].in, n, first, step == 3 ? n + 1 : step, &s);
                check(strcmp(s.text, streams[i].out) == 0 && status == streams[i].status, streams[i].name);
            }
    }
}

static void events_have_a_limit(void)
{
    struct sse sse = {0};
    struct seen s = {0};
    char part[4096];
    int32_t status = VOICEGW_OK;
    size_t fed = 0;
    memset(part, 'x', sizeof part);
    (void)sse_feed(&sse, "data: ", 6, on_event, &s);
    for (; status == VOICEGW_OK && fed < (10u << 20); fed += sizeof part)
        status = sse_feed(&sse, part, sizeof part, on_event, &s);
    check(status == VOICEGW_ELIMIT && fed <= SSE_EVENT_MAX + sizeof part, "a line of ten megabytes is refused early");
    check(sse_feed(&sse, "\n\ndata: a\n\n", 11, on_event, &s) == VOICEGW_OK && s.used == 0, "then all is swallowed");
    sse_done(&sse);
}

/* ---- answers ---- */

static int32_t chunk(struct chat_answer *a, const char *json, const char **ret_why)
{
    const char *delta;
    return chat_completions_wire.take(a, json, strlen(json), &delta, ret_why);
}

static void answers_are_put_together(void)
{
    static const char *const pieces[] = {
        "{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"Caf\\u00e9 \"}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"ol\\u00e9\\ud83d\\ude00\"}}]}",
        "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\","
        "\"arguments\":\"\"}}]}}]}",
        "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"g\","
        "\"arguments\":\"{\\\"y\\\"\"}}]}}]}",
        "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"x\\\":1}\"}},"
        "{\"index\":1,\"function\":{\"arguments\":\":2\"}}]}}]}",
        "{\"object\":\"unknown\",\"choices\":null}",
        "{\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}",
        "{\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":34}}",
        "[DONE]"};
    struct chat_answer a = {0};
    const char *why = "";
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        check(chunk(&a, pieces[i], &why) == VOICEGW_OK, pieces[i]);
    check(strcmp(a.text, "Caf\xc3\xa9 ol\xc3\xa9\xf0\x9f\x98\x80") == 0, "text is decoded and joined");
    check(a.call_count == 2 && strcmp(a.calls[0].name, "f") == 0 && strcmp(a.calls[1].id, "b") == 0, "calls by index");
    check(strcmp(a.calls[0].arguments, "{\"x\":1}") == 0 && chat_call_valid(&a.calls[0]), "arguments are joined");
    check(!chat_call_valid(&a.calls[1]), "arguments that were cut are known as such");
    check(a.input_tokens == 12 && a.output_tokens == 34 && a.done && strcmp(a.finish, "tool_calls") == 0, "the end");
    char *calls = chat_answer_calls(&a);
    check(strstr(calls, "{\\\"x\\\":1}") && !strstr(calls, "\\\"y\\\""), "broken arguments are not sent back");
    free(calls);
    chat_answer_free(&a);
}

static void calls_of_servers_without_an_index(void)
{
    struct chat_answer a = {0};
    const char *why = "";
    check(chunk(&a,
                "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":{"
                "\"x\":1}}},"
                "{\"id\":\"b\",\"function\":{\"name\":\"g\"}}]}}]}",
                &why) == VOICEGW_OK,
          "calls without an index are taken");
    check(a.call_count == 2 && strcmp(a.calls[0].arguments, "{\"x\":1}") == 0 && chat_call_valid(&a.calls[1]), "by id");
    chat_answer_free(&a);
}

static void answers_that_cannot_be_are_refused(void)
{
    static const struct {
        const char *json;
        int32_t status;
    } rows[] = {{"", VOICEGW_EPROVIDER},
                {"{", VOICEGW_EPROVIDER},
                {"[1]", VOICEGW_EPROVIDER},
                {"{\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}", VOICEGW_EPROVIDER},
                {"{\"error\":{\"message\":\"no\"}}", VOICEGW_EPROVIDER},
                {"{\"error\":null}", VOICEGW_OK},
                {"{\"choices\":{}}", VOICEGW_OK},
                {"{\"choices\":[7,{}]}", VOICEGW_OK},
                {"{\"choices\":[{\"delta\":{\"content\":7,\"tool_calls\":\"x\"}}]}", VOICEGW_OK}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct chat_answer a = {0};
        const char *why = NULL;
        int32_t status = chunk(&a, rows[i].json, &why);
        check(status == rows[i].status && (status == VOICEGW_OK || (why && *why)), rows[i].json);
        chat_answer_free(&a);
    }
    struct chat_answer a = {0};
    const char *why = NULL;
    int32_t status = VOICEGW_OK;
    char piece[128];
    for (int i = 0; i < 17 && status == VOICEGW_OK; i++) {
        (void)snprintf(piece, sizeof piece,
                       "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":%d,\"id\":\"x\"}]}}]}", i);
        status = chunk(&a, piece, &why);
    }
    check(status == VOICEGW_ELIMIT && a.call_count == CHAT_CALLS_MAX, "too many calls are refused");
    chat_answer_free(&a);
}

/* ---- history ---- */

static char *written(const struct chat_history *h)
{
    static char out[8192];
    struct voicegw_json_writer w = voicegw_json_writer_of(out, sizeof out);
    voicegw_json_put_array(&w, NULL);
    chat_history_write(h, &w);
    voicegw_json_put_end(&w);
    (void)voicegw_json_finish(&w);
    return out;
}

static void history_holds_what_was_heard(void)
{
    static const struct {
        const char *heard, *want;
    } rows[] = {{"", "[{\"role\":\"user\",\"content\":\"hi\"}]"},
                {"One", "[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\",\"content\":\"One\"}]"},
                {"One two. Thr",
                 "[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\",\"content\":\"One two.\"},"
                 "{\"role\":\"assistant\",\"content\":\"Thr\"}]"},
                {"One two. Three. I am sorry",
                 "[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\",\"content\":\"One two.\"},"
                 "{\"role\":\"assistant\",\"content\":\"Three.\"}]"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct chat_history h = {.max_turns = 10, .max_bytes = 65536};
        (void)chat_history_add(&h, 1, CHAT_USER, "hi", NULL);
        (void)chat_history_add(&h, 1, CHAT_ASSISTANT, "One two.", NULL);
        (void)chat_history_add(&h, 1, CHAT_ASSISTANT, "Three.", NULL);
        chat_history_heard(&h, 1, rows[i].heard);
        check(strcmp(written(&h), rows[i].want) == 0, rows[i].heard);
        chat_history_free(&h);
    }
}

static void history_is_bounded_by_whole_turns(void)
{
    struct chat_history h = {.max_turns = 2, .max_bytes = 65536};
    for (uint64_t turn = 1; turn <= 4; turn++) {
        (void)chat_history_add(&h, turn, CHAT_USER, "u", NULL);
        (void)chat_history_add(
            &h, turn, CHAT_ASSISTANT, "",
            "[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]");
        (void)chat_history_call(&h, turn, "c", turn, "pending");
        (void)chat_history_add(&h, turn, CHAT_ASSISTANT, "a", NULL);
    }
    check(h.users == 2 && h.first->turn == 3 && h.first->role == CHAT_USER, "the oldest turns leave as a whole");
    check(!chat_history_result(&h, 1, "late") && chat_history_result(&h, 4, "{\"n\":1}"), "a result finds its place");
    check(strstr(written(&h), "\"content\":\"{\\\"n\\\":1}\",\"tool_call_id\":\"c\"") != NULL, "and stands there");
    chat_history_free(&h);
    check(h.bytes == 0 && h.users == 0, "nothing is left");
}

/* ---- requests ---- */

static void requests_are_what_the_vendor_takes(void)
{
    struct chat_history h = {.max_turns = 10, .max_bytes = 65536};
    static const char *const system[] = {"Be \"kind\".", "", NULL};
    struct tool_entry tool = {"look_up", "Looks up", voicegw_json_of("{\"type\":\"object\"}"), TOOL_OF_HOST};
    struct chat_body b = {.model = "m",
                          .system = system,
                          .history = &h,
                          .tools = &tool,
                          .tool_count = 1,
                          .tokens_field = "max_tokens",
                          .max_tokens = 50,
                          .temperature = 0.5,
                          .top_p = -1,
                          .extra = voicegw_json_of("{\"seed\":7,\"stream\":false,\"max_tokens\":9}")};
    uint64_t bytes = 0;
    (void)chat_history_add(&h, 1, CHAT_USER, "a\nb", NULL);
    char *text = chat_written(chat_completions_wire.write, &b, &bytes);
    check(
        strcmp(
            text,
            "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"Be \\\"kind\\\".\"},{\"role\":\"user\","
            "\"content\":\"a\\nb\"}],\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"look_up\","
            "\"description\":\"Looks up\",\"parameters\":{\"type\":\"object\"}}}],\"stream\":true,"
            "\"stream_options\":{\"include_usage\":true},\"max_tokens\":50,\"temperature\":0.5,\"seed\":7}") == 0,
        text);
    free(text);
    chat_history_free(&h);
    check(tool_name_valid("a_B-9") && !tool_name_valid("") && !tool_name_valid("a.b") && !tool_name_valid("\xc3\xa4"),
          "names of functions");
}

/* ---- the interface "responses" ---- */

static void a_response_is_asked_for_in_items(void)
{
    struct chat_history h = {.max_turns = 10, .max_bytes = 65536};
    static const char *const system[] = {"Be kind.", "It is noon.", NULL};
    struct tool_entry tool = {"look_up", "Looks up", voicegw_json_of("{\"type\":\"object\"}"), TOOL_OF_HOST};
    struct chat_body b = {.model = "m",
                          .system = system,
                          .history = &h,
                          .tools = &tool,
                          .tool_count = 1,
                          .tokens_field = "max_tokens",
                          .max_tokens = 50,
                          .temperature = -1,
                          .top_p = -1,
                          .extra = voicegw_json_of("{\"store\":true,\"reasoning\":{\"effort\":\"low\"}}")};
    uint64_t bytes = 0;
    (void)chat_history_add(&h, 1, CHAT_USER, "hello", NULL);
    (void)chat_history_add(
        &h, 1, CHAT_ASSISTANT, "",
        "[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"look_up\",\"arguments\":\"{}\"}}]");
    (void)chat_history_call(&h, 1, "c", 1, "null");
    (void)chat_history_add(&h, 1, CHAT_ASSISTANT, "Good day.", NULL);
    char *text = chat_written(chat_responses_wire.write, &b, &bytes);
    check(strcmp(text,
                 "{\"model\":\"m\",\"instructions\":\"Be kind.\",\"input\":[{\"role\":\"system\",\"content\":"
                 "\"It is noon.\"},{\"role\":\"user\",\"content\":\"hello\"},{\"type\":\"function_call\","
                 "\"call_id\":\"c\",\"name\":\"look_up\",\"arguments\":\"{}\"},{\"type\":"
                 "\"function_call_output\",\"call_id\":\"c\",\"output\":\"null\"},{\"role\":\"assistant\","
                 "\"content\":\"Good day.\"}],\"tools\":[{\"type\":\"function\",\"name\":\"look_up\","
                 "\"description\":\"Looks up\",\"parameters\":{\"type\":\"object\"},\"strict\":false}],"
                 "\"stream\":true,\"store\":false,\"max_output_tokens\":50,\"reasoning\":{\"effort\":\"low\"}}") == 0,
          text);
    free(text);
    chat_history_free(&h);
}

static void a_response_is_put_together(void)
{
    static const char *const events[] = {
        "{\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"error\":null}}",
        "{\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":{\"type\":\"message\"}}",
        "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"One \"}",
        "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"moment.\"}",
        "{\"type\":\"response.output_text.done\",\"text\":\"One moment.\"}",
        "{\"type\":\"response.output_item.added\",\"output_index\":1,\"item\":{\"type\":\"function_call\",\"id\":"
        "\"fc\",\"call_id\":\"c1\",\"name\":\"f\",\"arguments\":\"\"}}",
        "{\"type\":\"response.function_call_arguments.delta\",\"output_index\":1,\"delta\":\"{\\\"n\\\":\"}",
        "{\"type\":\"response.function_call_arguments.delta\",\"output_index\":1,\"delta\":\"2}\"}",
        "{\"type\":\"response.function_call_arguments.done\",\"output_index\":1,\"arguments\":\"{\\\"n\\\":2}\"}",
        "{\"type\":\"response.output_item.done\",\"output_index\":2,\"item\":{\"type\":\"function_call\",\"call_id\":"
        "\"c2\",\"name\":\"g\",\"arguments\":\"{}\"}}",
        "{\"type\":\"response.rumour\"}",
        "{\"type\":\"response.completed\",\"response\":{\"usage\":{\"input_tokens\":11,\"output_tokens\":7}}}"};
    struct chat_answer a = {0};
    const char *delta, *why = NULL;
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        check(chat_responses_wire.take(&a, events[i], strlen(events[i]), &delta, &why) == VOICEGW_OK, events[i]);
    check(strcmp(a.text, "One moment.") == 0 && a.call_count == 2 && a.done, "text and calls");
    check(strcmp(a.calls[0].id, "c1") == 0 && strcmp(a.calls[0].arguments, "{\"n\":2}") == 0, "in pieces");
    check(strcmp(a.calls[1].name, "g") == 0 && strcmp(a.calls[1].arguments, "{}") == 0, "in one");
    check(a.input_tokens == 11 && a.output_tokens == 7, "and what they cost");
    chat_answer_free(&a);
    static const char *const failures[] = {"{\"type\":\"response.failed\",\"response\":{}}",
                                           "{\"type\":\"error\",\"code\":\"x\"}", "{\"error\":{\"message\":\"no\"}}",
                                           "[]", "{"};
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        why = NULL;
        check(chat_responses_wire.take(&a, failures[i], strlen(failures[i]), &delta, &why) == VOICEGW_EPROVIDER && why,
              failures[i]);
    }
    static const char cut[] = "{\"type\":\"response.incomplete\",\"response\":{\"incomplete_details\":{\"reason\":"
                              "\"content_filter\"}}}";
    check(chat_responses_wire.take(&a, cut, sizeof cut - 1, &delta, &why) == VOICEGW_OK &&
              strcmp(a.finish, "content_filter") == 0,
          "held back");
    chat_answer_free(&a);
}

/* ---- replies ---- */

static void on_text(void *arg, const char *text)
{
    note(arg, text);
}

static void on_action(void *arg, const char *action, const char *params_json)
{
    note(arg, "(");
    note(arg, action);
    note(arg, params_json ? params_json : "");
    note(arg, ")");
}

static void replies_in_every_split(void)
{
    static const struct {
        const char *in, *out;
        int32_t status;
    } rows[] = {
        {"", "", 0},
        {"Hi", "Hi", 0},
        {"Caf\xc3\xa9 \xf0\x9f\x98\x80.", "Caf\xc3\xa9 \xf0\x9f\x98\x80.", 0},
        {"\n{\"text\":\"a } \\\" "
         "{\",\"actions\":[{\"action\":\"end\"},{\"action\":\"transfer\",\"params\":{\"to\":\"x\"}}]}\n",
         "a } \" {(end)(transfer{\"to\":\"x\"})", 0},
        {"{\"text\":\"a\"}{\"text\":\"b\"}\n{\n \"action\": \"end\"\n}", "ab(end)", 0},
        {"data: a\n\nevent: x\ndata: {\"text\":\" b\"}\n\ndata: [DONE]\n\n", "a b", 0},
        {": nothing yet\n\ndata: a\n\n", "a", 0},
        {"\n\n \r\n\n\n\ndata: a\n\n", "a", 0},
        {"{\"text\":\"a", "", VOICEGW_EPROVIDER},
        {"{\"text\":\"a\"} x", "a", VOICEGW_EPROVIDER},
        {"{\"text\":1,}", "", VOICEGW_EPROVIDER},
        {"{\"actions\":[{\"name\":\"end\"}]}", "", VOICEGW_EPROVIDER},
        {"{\"error\":\"no\"}", "", VOICEGW_EPROVIDER},
        {"<!doctype html><p>", "", VOICEGW_EPROVIDER},
        {"a word that ends in \xc3", "a word that ends in ", VOICEGW_EPROVIDER},
        {"no utf-8: \xff\xfe", NULL, VOICEGW_EPROVIDER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = strlen(rows[i].in);
        for (size_t step = 1; step <= n + 1; step++) {
            struct seen s = {0};
            struct reply r = {.sink = {on_text, on_action, &s}};
            int32_t status = VOICEGW_OK;
            for (size_t at = 0; at < n && status == VOICEGW_OK; at += step)
                status = reply_feed(&r, rows[i].in + at, at + step <= n ? step : n - at);
            if (status == VOICEGW_OK)
                status = reply_finish(&r);
            check(status == rows[i].status && (status == VOICEGW_OK || r.why) &&
                      (!rows[i].out || strcmp(s.text, rows[i].out) == 0),
                  rows[i].in);
            reply_done(&r);
        }
    }
}

int main(void)
{
    events_in_every_split();
    events_have_a_limit();
    answers_are_put_together();
    calls_of_servers_without_an_index();
    answers_that_cannot_be_are_refused();
    history_holds_what_was_heard();
    history_is_bounded_by_whole_turns();
    requests_are_what_the_vendor_takes();
    a_response_is_asked_for_in_items();
    a_response_is_put_together();
    replies_in_every_split();
    (void)printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
