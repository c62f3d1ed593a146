/* test_vapi.c - the pure parts of the plugin vapi: payloads, refusals, reasons, tools, what is signed. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "../../plugins/vapi/wire.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static char body[65536], why[400];

static int64_t format_as(const char *to, const char *variables, const char *defaults, const char *assistant,
                         const char *number)
{
    const struct voicegw_call_params params = {.size = sizeof params,
                                               .max_duration_ms = 3600000,
                                               .to = to,
                                               .from = "",
                                               .session_id = "vapi-call-1",
                                               .call_id = "call-1",
                                               .variables_json = variables,
                                               .route_json = "{}"};
    const struct platform_sources sources = {
        .params = &params,
        .variables = voicegw_json_of(variables),
        .defaults = voicegw_json_of(defaults),
        .extra = voicegw_json_of("{\"beta\":1}"),
        .webhook_url = "https://gateway.example/voice/vapi/server?token=t",
        .default_from = "",
        .own = {[VAPI_OWN_PHONE_NUMBER] = number, [VAPI_OWN_ASSISTANT] = assistant, [VAPI_OWN_SECRET] = "s3"}};
    why[0] = '\0';
    return vapi_format_payload(&sources, body, sizeof body, why, sizeof why);
}

static int64_t format(const char *to, const char *variables, const char *defaults)
{
    return format_as(to, variables, defaults, "helper", "number-1");
}

static const char *text(const char *path)
{
    static char out[400];
    struct voicegw_json v = voicegw_json_get(voicegw_json_of(body), path);
    if (voicegw_json_string(v, out, sizeof out) < 0 && voicegw_json_raw(v, out, sizeof out) < 0)
        out[0] = '\0';
    return out;
}

Test(vapi, a_payload_is_what_the_message_and_the_operator_say_in_that_order)
{
    int64_t n = format("+15550001",
                       "{\"content\":\"Hi\",\"name\":\"Ann\",\"voice_id\":\"Elliot\",\"record_call\":true,\"machine\":"
                       "\"leave_message\","
                       "\"max_duration\":\"5m\",\"platform_config\":{\"assistantOverrides\":{\"model\":{\"a\":1},"
                       "\"metadata\":{\"m\":2}}}}",
                       "{\"assistantOverrides\":{\"firstMessage\":\"no\"},\"customer\":{\"extension\":\"12\"}}");
    cr_assert_gt(n, 0, "%s", why);
    cr_assert(voicegw_json_valid(body, (uint64_t)n));
    static const char *const rows[][2] = {
        {"assistantId", "helper"},
        {"phoneNumberId", "number-1"},
        {"customer.number", "+15550001"},
        {"customer.extension", "12"},
        {"name", "call-1"},
        {"assistantOverrides.firstMessage", "Hi"},
        {"assistantOverrides.model.a", "1"},
        {"assistantOverrides.metadata.m", "2"},
        {"assistantOverrides.metadata.voicegw_call_id", "call-1"},
        {"assistantOverrides.voice.provider", "vapi"},
        {"assistantOverrides.voice.voiceId", "Elliot"},
        {"assistantOverrides.maxDurationSeconds", "300"},
        {"assistantOverrides.artifactPlan.recordingEnabled", "true"},
        {"assistantOverrides.voicemailMessage", "Hi"},
        {"assistantOverrides.variableValues.name", "Ann"},
        {"assistantOverrides.variableValues.machine", ""},
        {"assistantOverrides.server.headers.X-Vapi-Secret", "s3"},
        {"assistantOverrides.server.url", "https://gateway.example/voice/vapi/server?token=t"},
        {"beta", "1"}};
    for (size_t i = 0; i < COUNT(rows); i++)
        cr_assert_str_eq(text(rows[i][0]), rows[i][1], "%s: %s", rows[i][0], body);
}

Test(vapi, one_agent_speaks_and_its_overrides_are_its_own)
{
    static const char *const rows[][3] = {
        {"\"assistant\":{\"name\":\"a\"}", "assistant.name", "assistantOverrides.firstMessage"},
        {"\"squadId\":\"s\"", "squadId", "squadOverrides.firstMessage"},
        {"\"workflow\":{\"name\":\"w\"}", "workflow.name", "workflowOverrides.firstMessage"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        char variables[200];
        (void)snprintf(variables, sizeof variables, "{\"content\":\"Hi\",\"platform_config\":{%s}}", rows[i][0]);
        cr_assert_gt(format("+15550001", variables, "{\"assistantId\":\"other\"}"), 0, "%s", why);
        cr_assert_str_neq(text(rows[i][1]), "");
        cr_assert_str_eq(text(rows[i][2]), "Hi");
        cr_assert_str_eq(text("assistantId"), "");
    }
    cr_assert_eq(format_as("+15550001", "{}", "{}", "", "number-1"), VOICEGW_EINVALID);
    cr_assert(strstr(why, "assistantId is missing"), "%s", why);
    cr_assert_eq(format_as("+15550001", "{}", "{}", "helper", ""), VOICEGW_EINVALID);
    cr_assert(strstr(why, "phoneNumberId is missing"), "%s", why);
    cr_assert_gt(format("sip:desk@example.com", "{}", "{}"), 0);
    cr_assert_str_eq(text("customer.sipUri"), "sip:desk@example.com");
}

Test(vapi, refusals_name_the_field_and_the_limit)
{
    static const char *const rows[][3] = {
        {"\"name\":\"12345678901234567890123456789012345678901\"", "name", "1 to 40"},
        {"\"customer\":{\"externalId\":\"\"}", "customer.externalId", "1 to 40"},
        {"\"customer\":{\"number\":\"+15550009\"}", "customer.number", "no field"},
        {"\"assistantOverrides\":{\"maxDurationSeconds\":9}", "assistantOverrides.maxDurationSeconds",
         "from 10 to 43200"},
        {"\"assistantOverrides\":{\"server\":{\"url\":\"ftp://x\"}}", "assistantOverrides.server.url", "http"},
        {"\"assistantOverrides\":{\"server\":{\"timeoutSeconds\":0}}", "assistantOverrides.server.timeoutSeconds",
         "from 1 to 300"},
        {"\"assistantOverrides\":[]", "assistantOverrides", "an object"},
        {"\"assistantId\":\"a\",\"squadId\":\"b\"", "assistantId", "exclude each other"},
        {"\"phoneNumberId\":\"a\",\"phoneNumber\":{}", "phoneNumberId", "exclude each other"},
        {"\"schedulePlan\":{\"earliestAt\":\"2026-11-30 never ever\"}", "schedulePlan.earliestAt", "ISO 8601"},
        {"\"schedulePlan\":{\"earliestAt\":\"2026-11-30T10:00:00Z\",\"latestAt\":\"2026-11-30T09:00:00Z\"}",
         "schedulePlan.latestAt", "behind"},
        {"\"customers\":[{}]", "customers", "no field"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char variables[400];
        (void)snprintf(variables, sizeof variables, "{\"platform_config\":{%s}}", rows[i][0]);
        cr_assert_eq(format("+15550001", variables, "{}"), VOICEGW_EINVALID, "%s", rows[i][0]);
        cr_assert(strncmp(why, rows[i][1], strlen(rows[i][1])) == 0, "%s: %s", rows[i][0], why);
        cr_assert(strstr(why, rows[i][2]), "%s: %s", rows[i][0], why);
    }
}

Test(vapi, ended_reasons_are_classified_by_word_and_by_beginning)
{
    static const struct {
        const char *reason;
        uint32_t state, outcome, machine;
    } rows[] = {
        {"customer-busy", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_BUSY, 0},
        {"customer-did-not-answer", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_NO_ANSWER, 0},
        {"twilio-reported-customer-misdialed", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED, 0},
        {"call.start.error-subscription-concurrency-limit-reached", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED, 0},
        {"call.in-progress.error-vapifault-openai-llm-failed", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED, 0},
        {"pipeline-error-openai-llm-failed", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED, 0},
        {"pipeline-no-available-llm-model", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED, 0},
        {"assistant-request-returned-no-assistant", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED, 0},
        {"assistant-not-found", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED, 0},
        {"call-start-error-neither-assistant-nor-server-set", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED, 0},
        {"worker-shutdown", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED, 0},
        {"call.forwarding.operator-busy", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_BUSY, 0},
        {"manually-canceled", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_CANCELED, 0},
        {"voicemail", VOICEGW_CALL_ENDED, VOICEGW_OUTCOME_COMPLETED, 1},
        {"customer-ended-call", VOICEGW_CALL_ENDED, VOICEGW_OUTCOME_COMPLETED, 0},
        {"assistant-ended-call-with-hangup-task", VOICEGW_CALL_ENDED, VOICEGW_OUTCOME_COMPLETED, 0},
        {"silence-timed-out", VOICEGW_CALL_ENDED, VOICEGW_OUTCOME_COMPLETED, 0},
        {"something-new", VOICEGW_CALL_ENDED, VOICEGW_OUTCOME_COMPLETED, 0},
        {"something-new-failed", VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_FAILED, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct vapi_reason r = vapi_reason_of(rows[i].reason);
        cr_assert(r.state == rows[i].state && r.outcome == rows[i].outcome && r.machine == rows[i].machine,
                  "%s: %u %u %u", rows[i].reason, r.state, r.outcome, r.machine);
    }
}

Test(vapi, statuses_are_states)
{
    static const struct {
        const char *call;
        uint32_t state;
    } rows[] = {{"{\"status\":\"scheduled\"}", VOICEGW_CALL_INITIATING},
                {"{\"status\":\"queued\"}", VOICEGW_CALL_INITIATING},
                {"{\"status\":\"ringing\"}", VOICEGW_CALL_RINGING},
                {"{\"status\":\"in-progress\"}", VOICEGW_CALL_CONNECTED},
                {"{\"status\":\"forwarding\"}", VOICEGW_CALL_TRANSFERRING},
                {"{\"status\":\"ended\",\"endedReason\":\"customer-ended-call\"}", VOICEGW_CALL_ENDED},
                {"{\"status\":\"ended\",\"endedReason\":\"customer-busy\"}", VOICEGW_CALL_FAILED},
                {"{\"type\":\"end-of-call-report\",\"endedReason\":\"customer-busy\"}", VOICEGW_CALL_FAILED},
                {"{\"status\":\"not-found\"}", VOICEGW_CALL_FAILED},
                {"{\"status\":\"something\"}", 0},
                {"{}", 0}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct platform_view v;
        vapi_view(voicegw_json_of(rows[i].call), &v);
        cr_assert_eq(v.state, rows[i].state, "%s: %u", rows[i].call, v.state);
    }
}

Test(vapi, calls_of_tools_are_read_in_each_published_shape)
{
    static const struct {
        const char *item;
        int good;
        const char *arguments;
    } rows[] = {
        {"{\"id\":\"i\",\"name\":\"f\",\"parameters\":{\"a\":1}}", 1, "{\"a\":1}"},
        {"{\"id\":\"i\",\"name\":\"f\",\"arguments\":{\"a\":1}}", 1, "{\"a\":1}"},
        {"{\"id\":\"i\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}", 1, "\"{}\""},
        {"{\"id\":\"i\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":{\"a\":1}}}", 1, "{\"a\":1}"},
        {"{\"name\":\"f\",\"arguments\":{}}", 0, ""},
        {"{\"id\":\"i\"}", 0, ""},
        {"7", 0, ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct vapi_tool_call c = {{0}, {0}, {0}};
        char arguments[80] = "";
        cr_assert_eq(vapi_read_tool_call(voicegw_json_of(rows[i].item), &c), rows[i].good, "%s", rows[i].item);
        if (!rows[i].good)
            continue;
        (void)voicegw_json_raw(c.arguments, arguments, sizeof arguments);
        cr_assert_str_eq(c.id, "i");
        cr_assert_str_eq(c.name, "f");
        cr_assert_str_eq(arguments, rows[i].arguments);
    }
}

Test(vapi, a_control_address_is_read_with_and_without_brackets)
{
    static const char *const rows[][2] = {
        {"{\"monitor\":{\"controlUrl\":\"https://x.example/c/control\"}}", "https://x.example/c/control"},
        {"{\"monitor\":{\"controlUrl\":\"<https://x.example/c/control>\"}}", "https://x.example/c/control"},
        {"{\"monitor\":{\"controlUrl\":\"ftp://x\"}}", ""},
        {"{\"monitor\":{\"controlUrl\":\"https://x.example/a b\"}}", ""},
        {"{\"monitor\":{\"controlUrl\":\"<>\"}}", ""},
        {"{\"monitor\":null}", ""}};
    char url[200];
    for (size_t i = 0; i < COUNT(rows); i++) {
        cr_assert_eq(vapi_control_url(voicegw_json_of(rows[i][0]), url, sizeof url), rows[i][1][0] != '\0', "%s",
                     rows[i][0]);
        cr_assert_str_eq(url, rows[i][1]);
    }
}

Test(vapi, results_are_one_line)
{
    char out[40];
    vapi_one_line("a\nb\r\nc\td", 8, out, sizeof out);
    cr_assert_str_eq(out, "a b  c d");
    vapi_one_line("\xc3\xa4\xc3\xa4", 4, out, 4);
    cr_assert_str_eq(out, "\xc3\xa4");
}

Test(vapi, events_hold_no_secrets_of_carriers)
{
    char out[400];
    struct voicegw_json message =
        voicegw_json_of("{\"type\":\"hang\",\"phoneNumber\":{\"twilioAuthToken\":\"secret\"},\"call\":{\"monitor\":{}},"
                        "\"turn\":3}");
    cr_assert_gt(vapi_redact(message, out, sizeof out), 0);
    cr_assert_str_eq(out, "{\"type\":\"hang\",\"turn\":3}");
}

Test(vapi, what_is_signed_follows_the_format)
{
    static const char *const rows[][2] = {
        {"{timestamp}.{body}", "17.{\"a\":1}"},
        {"{body}", "{\"a\":1}"},
        {"{method} {url} {svix-id}|{body}|{odd}", "POST https://g/x m-1|{\"a\":1}|{odd}"},
        {"", ""}};
    const struct vapi_signed s = {
        .timestamp = "17", .method = "POST", .url = "https://g/x", .id = "m-1", .body = "{\"a\":1}", .body_bytes = 7};
    char out[200];
    for (size_t i = 0; i < COUNT(rows); i++) {
        cr_assert_eq(vapi_signed_bytes(rows[i][0], &s, out, sizeof out), (int64_t)strlen(rows[i][1]));
        cr_assert_str_eq(out, rows[i][1]);
    }
    cr_assert_lt(vapi_signed_bytes("{body}", &s, out, 4), 0);
}

Test(vapi, a_call_whose_answer_was_lost_is_found_by_our_id)
{
    char id[40] = "", url[200];
    struct voicegw_json list = voicegw_json_of(
        "[{\"id\":\"a\",\"name\":\"call-2\"},{\"id\":\"b\",\"assistantOverrides\":{\"metadata\":{\"voicegw_call_id\":"
        "\"call-1\"}}},{\"id\":\"c\"}]");
    cr_assert(vapi_find_id(list, "call-1", id, sizeof id));
    cr_assert_str_eq(id, "b");
    cr_assert(vapi_find_id(list, "call-2", id, sizeof id));
    cr_assert_str_eq(id, "a");
    cr_assert_not(vapi_find_id(list, "call-3", id, sizeof id));
    struct voicegw_text t = voicegw_text_of(url, sizeof url);
    vapi_path(&t, PLATFORM_FIND, "", INT64_C(951782410000000)); /* 2000-02-29 00:00:10 */
    cr_assert_str_eq(url, "/call?limit=100&createdAtGt=2000-02-29T00%3A00%3A00Z");
}
