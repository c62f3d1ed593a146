/* test_bland.c - the pure parts of the plugin bland: payloads, refusals, what becomes of calls. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "../../plugins/bland/wire.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static char body[65536], why[400];

static int64_t format(const char *to, const char *variables, const char *route, const char *defaults)
{
    const struct voicegw_call_params params = {.size = sizeof params,
                                               .max_duration_ms = 3600000,
                                               .to = to,
                                               .from = "",
                                               .session_id = "bland-call-1",
                                               .call_id = "call-1",
                                               .variables_json = variables,
                                               .route_json = route};
    const struct platform_sources sources = {.params = &params,
                                             .variables = voicegw_json_of(variables),
                                             .route = voicegw_json_of(route),
                                             .defaults = voicegw_json_of(defaults),
                                             .extra = voicegw_json_of("{\"beta\":1}"),
                                             .webhook_url = "https://gateway.example/voice/bland/webhook?token=t",
                                             .default_from = ""};
    why[0] = '\0';
    return bland_format_payload(&sources, body, sizeof body, why, sizeof why);
}

static const char *text(const char *path)
{
    static char out[400];
    struct voicegw_json v = voicegw_json_get(voicegw_json_of(body), path);
    if (voicegw_json_string(v, out, sizeof out) < 0 && voicegw_json_raw(v, out, sizeof out) < 0)
        out[0] = '\0';
    return out;
}

Test(bland, a_payload_is_what_the_message_its_route_and_the_operator_say_in_that_order)
{
    int64_t n = format(
        "+15550001",
        "{\"content\":\"Hi {{name}}\",\"name\":\"Ann\",\"voice_id\":\"Nat\",\"platform_config\":{\"temperature\":0.1}}",
        "{\"language\":\"de\",\"platform_config\":{\"temperature\":0.2,\"model\":\"turbo\"}}",
        "{\"temperature\":0.3,\"wait_for_greeting\":true,\"metadata\":{\"a\":1,\"voicegw_call_id\":\"x\"}}");
    cr_assert_gt(n, 0, "%s", why);
    cr_assert(voicegw_json_valid(body, (uint64_t)n));
    static const char *const rows[][2] = {
        {"phone_number", "+15550001"},
        {"task", "Hi {{name}}"},
        {"voice", "Nat"},
        {"language", "de"},
        {"temperature", "0.1"},
        {"model", "turbo"},
        {"wait_for_greeting", "true"},
        {"max_duration", "60"},
        {"record", "false"},
        {"request_data.name", "Ann"},
        {"request_data.platform_config", ""},
        {"metadata.a", "1"},
        {"metadata.voicegw_call_id", "call-1"},
        {"metadata.voicegw_session_id", "bland-call-1"},
        {"webhook", "https://gateway.example/voice/bland/webhook?token=t&call=call-1"},
        {"beta", "1"}};
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_assert_str_eq(text(rows[i][0]), rows[i][1], "%s: %s", rows[i][0], body);
}

Test(bland, with_a_pathway_the_content_is_its_data)
{
    cr_assert_gt(format("+15550001", "{\"content\":\"x\",\"platform_config\":{\"pathway_id\":\"p-1\"}}", "{}", "{}"),
                 0);
    cr_assert_str_eq(text("task"), "");
    cr_assert_str_eq(text("request_data.content"), "x");
    cr_assert_str_eq(text("pathway_id"), "p-1");
}

Test(bland, what_a_message_wants_of_machines_becomes_voicemail)
{
    cr_assert_gt(format("+15550001", "{\"content\":\"Call back\",\"machine\":\"leave_message\"}", "{}", "{}"), 0);
    cr_assert_str_eq(text("voicemail.action"), "leave_message");
    cr_assert_str_eq(text("voicemail.message"), "Call back");
    cr_assert_gt(format("+15550001", "{\"content\":\"x\",\"machine\":\"hang_up\"}", "{}", "{}"), 0);
    cr_assert_str_eq(text("voicemail.action"), "hangup");
}

Test(bland, durations_are_whole_minutes)
{
    static const char *const rows[][2] = {{"90", "2"}, {"\"90s\"", "2"}, {"\"10m\"", "10"}, {"60", "1"}, {"1", "1"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        char variables[80];
        (void)snprintf(variables, sizeof variables, "{\"content\":\"x\",\"max_duration\":%s}", rows[i][0]);
        cr_assert_gt(format("+15550001", variables, "{}", "{}"), 0, "%s", why);
        cr_assert_str_eq(text("max_duration"), rows[i][1], "%s", rows[i][0]);
    }
}

Test(bland, refusals_name_the_field_and_the_limit)
{
    static const char *const rows[][3] = {
        {"\"temperature\":1.01", "temperature", "from 0 to 1"},
        {"\"temperature\":\"hot\"", "temperature", "a number"},
        {"\"interruptibility\":5", "interruptibility", "from 0 to 4"},
        {"\"model\":\"best\"", "model", "base turbo"},
        {"\"background_track\":\"rain\"", "background_track", "office"},
        {"\"voicemail\":\"hangup\"", "voicemail", "an object"},
        {"\"voicemail\":{\"sms\":{\"from\":\"1\"}}", "voicemail.sms.from", "E.164"},
        {"\"retry\":{\"wait\":-1}", "retry.wait", "from 0"},
        {"\"keywords\":[\"\"]", "keywords[0]", "1 to 100"},
        {"\"pronunciation_guide\":[{\"word\":1}]", "pronunciation_guide[0].word", "a text"},
        {"\"pronunciation_guide\":[{\"wort\":\"x\"}]", "pronunciation_guide[0].wort", "no field"},
        {"\"webhook_events\":[\"call\",\"x\"]", "webhook_events[1]", "queue"},
        {"\"transfer_list\":{\"desk\":\"+0\"}", "transfer_list.desk", "E.164"},
        {"\"dialing_strategy\":{\"type\":\"far\"}", "dialing_strategy.type", "local"},
        {"\"precall_dtmf_sequence\":\"1#p\"", "precall_dtmf_sequence", "*#w"},
        {"\"start_time\":\"2026-13-01 00:00:00 -05:00\"", "start_time", "2026-11-30"},
        {"\"dynamic_data\":[{\"url\":\"http://\\u0001\"}]", "dynamic_data[0].url", "http"},
        {"\"webhook\":\"http://example.com/hook\"", "webhook", "https"},
        {"\"phone_number\":\"+15550002\"", "phone_number", "no field"},
        {"\"first_sentence\":\"\"", "first_sentence", "1 to 2000"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char variables[300];
        (void)snprintf(variables, sizeof variables, "{\"content\":\"x\",\"platform_config\":{%s}}", rows[i][0]);
        cr_assert_eq(format("+15550001", variables, "{}", "{}"), VOICEGW_EINVALID, "%s", rows[i][0]);
        cr_assert(strncmp(why, rows[i][1], strlen(rows[i][1])) == 0, "%s: %s", rows[i][0], why);
        cr_assert(strstr(why, rows[i][2]), "%s: %s", rows[i][0], why);
    }
    cr_assert_eq(format("sip:x@y", "{\"content\":\"x\"}", "{}", "{}"), VOICEGW_EINVALID);
    cr_assert_eq(format("+15550001", "{}", "{}", "{}"), VOICEGW_EINVALID);
    cr_assert(strstr(why, "task is missing"), "%s", why);
    cr_assert_eq(format("+15550001", "{\"content\":\"x\",\"platform_config\":[]}", "{}", "{}"), VOICEGW_EINVALID);
}

Test(bland, null_is_as_if_it_were_not_there)
{
    cr_assert_gt(format("+15550001", "{\"content\":\"x\",\"platform_config\":{\"background_track\":null,\"odd\":null}}",
                        "{}", "{}"),
                 0);
    cr_assert_str_eq(text("background_track"), "");
}

Test(bland, states_and_outcomes_are_classified_by_the_table)
{
    static const struct {
        const char *call;
        uint32_t state, outcome;
    } rows[] = {
        {"{\"queue_status\":\"new\"}", VOICEGW_CALL_INITIATING, 0},
        {"{\"queue_status\":\"queued\"}", VOICEGW_CALL_INITIATING, 0},
        {"{\"queue_status\":\"allocated\",\"status\":\"unknown\"}", VOICEGW_CALL_INITIATING, 0},
        {"{\"queue_status\":\"started\"}", VOICEGW_CALL_RINGING, 0},
        {"{\"queue_status\":\"started\",\"transcripts\":[{}]}", VOICEGW_CALL_CONNECTED, 0},
        {"{\"queue_status\":\"started\",\"started_at\":\"2026-11-20T10:00:00Z\"}", VOICEGW_CALL_CONNECTED, 0},
        {"{\"queue_status\":\"complete\",\"completed\":true,\"status\":\"completed\"}", VOICEGW_CALL_ENDED,
         VOICEGW_OUTCOME_COMPLETED},
        {"{\"queue_status\":\"completed\",\"answered_by\":\"human\"}", VOICEGW_CALL_ENDED, VOICEGW_OUTCOME_COMPLETED},
        {"{\"completed\":true,\"answered_by\":\"voicemail\"}", VOICEGW_CALL_ENDED, VOICEGW_OUTCOME_COMPLETED},
        {"{\"completed\":true,\"answered_by\":\"no-answer\"}", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_NO_ANSWER},
        {"{\"completed\":true,\"status\":\"busy\"}", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_BUSY},
        {"{\"completed\":true,\"status\":\"no-answer\"}", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_NO_ANSWER},
        {"{\"completed\":true,\"status\":\"failed\",\"error_message\":\"x\"}", VOICEGW_CALL_FAILED,
         VOICEGW_OUTCOME_FAILED},
        {"{\"completed\":true,\"status\":\"canceled\"}", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_CANCELED},
        {"{\"completed\":true,\"error_message\":\"no route\"}", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED},
        {"{\"queue_status\":\"pre_queue_error\"}", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED},
        {"{\"queue_status\":\"complete_error\",\"completed\":true}", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED},
        {"{\"queue_status\":\"call_error\"}", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED},
        {"{\"queue_status\":\"something new\"}", 0, 0},
        {"{}", 0, 0},
        {"[]", 0, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct platform_view v;
        bland_view(voicegw_json_of(rows[i].call), &v);
        cr_assert_eq(v.state, rows[i].state, "%s: state %u", rows[i].call, v.state);
        cr_assert_eq(v.outcome, rows[i].outcome, "%s: outcome %u", rows[i].call, v.outcome);
    }
}

Test(bland, webhooks_are_told_apart)
{
    static const struct {
        const char *body;
        enum bland_news news;
    } rows[] = {
        {"{\"call_id\":\"c\",\"completed\":true}", BLAND_FINAL},
        {"{\"call_id\":\"c\",\"transcripts\":[]}", BLAND_FINAL},
        {"{\"call_id\":\"c\",\"event_type\":\"citations\",\"completed\":true}", BLAND_LATE},
        {"{\"call_id\":\"c\",\"event_type\":\"multiple\"}", BLAND_LATE},
        {"{\"call_id\":\"c\",\"corrected_transcript\":[]}", BLAND_LATE},
        {"{\"call_id\":\"c\",\"completed\":true,\"citations\":[]}", BLAND_FINAL},
        {"{\"category\":\"call\",\"message\":\"x\"}", BLAND_PROGRESS},
        {"{\"message\":\"x\"}", BLAND_UNKNOWN},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_assert_eq(bland_news_of(voicegw_json_of(rows[i].body)), rows[i].news, "%s", rows[i].body);
}

Test(bland, errors_are_seen_in_each_of_their_shapes)
{
    static const struct {
        const char *body;
        int is_error;
        const char *says;
    } rows[] = {
        {"{\"status\":\"error\",\"message\":\"Bad\",\"errors\":[\"phone_number\",\"x\"]}", 1, "Bad: phone_number"},
        {"{\"data\":null,\"errors\":[{\"error\":\"invalid_parameter\",\"message\":\"No such call\"}]}", 1,
         "No such call"},
        {"{\"status\":\"success\",\"errors\":[]}", 0, ""},
        {"{\"data\":{},\"errors\":null}", 0, ""},
    };
    char says[200];
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct voicegw_json doc = voicegw_json_of(rows[i].body);
        cr_assert_eq(bland_is_error(doc), rows[i].is_error, "%s", rows[i].body);
        bland_explain(doc, says, sizeof says);
        cr_assert_str_eq(says, rows[i].says);
    }
}

Test(bland, a_call_whose_answer_was_lost_is_found_by_our_id)
{
    char id[40] = "";
    struct voicegw_json list =
        voicegw_json_of("{\"calls\":[{\"call_id\":\"a\",\"metadata\":{\"voicegw_call_id\":\"call-9\"}},"
                        "{\"call_id\":\"b\",\"metadata\":{\"voicegw_call_id\":\"call-1\"}},{\"call_id\":\"c\"}]}");
    cr_assert(bland_find_id(list, "call-1", id, sizeof id));
    cr_assert_str_eq(id, "b");
    cr_assert_not(bland_find_id(list, "call-2", id, sizeof id));
    cr_assert_not(bland_find_id(list, "", id, sizeof id));
}

Test(bland, times_are_read_with_their_zone)
{
    static const struct {
        const char *text;
        int64_t us;
    } rows[] = {{"\"1970-01-02T00:00:00Z\"", INT64_C(86400000000)},
                {"\"1970-01-02T00:00:00.250Z\"", INT64_C(86400250000)},
                {"\"1970-01-02T02:00:00+02:00\"", INT64_C(86400000000)},
                {"\"1970-01-01 19:00:00-05:00\"", INT64_C(86400000000)},
                {"\"yesterday\"", 0},
                {"\"1970-99-02T00:00:00Z\"", 0},
                {"17", 0}};
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_assert_eq(platform_time_us(voicegw_json_of(rows[i].text)), rows[i].us, "%s", rows[i].text);
}
