#include <criterion/criterion.h>
#include <string.h>
#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"
#include "delivery/attempt.h"
#include "delivery/campaign.h"
#include "delivery/message.h"

static char plain_name[] = "default", spoken_name[] = "spoken", spoken_content[] = "Hello {{ name }}.";
static struct vgw_profile plain = {.name = plain_name}, spoken = {.name = spoken_name, .content = spoken_content};
static struct vgw_delivery_settings settings;

static void setup(void)
{
    settings =
        (struct vgw_delivery_settings){.refs = 1, .profiles = vgw_map_new(NULL), .do_not_call = vgw_map_new(NULL)};
    vgw_map_set(settings.profiles, "default", &plain);
    vgw_map_set(settings.profiles, "spoken", &spoken);
}

static void teardown(void)
{
    vgw_map_free(settings.profiles);
    vgw_map_free(settings.do_not_call);
}
TestSuite(delivery_message, .init = setup, .fini = teardown);

static struct vgw_json *json(const char *text)
{
    struct vgw_json *v = NULL;
    struct vgw_error err;
    cr_assert_eq(vgw_json_parse(text, strlen(text), &v, &err), 0, "%s", text);
    return v;
}

static struct vgw_json *read(const char *text, struct vgw_json **ret_errors)
{
    struct vgw_json *body = json(text), *row = NULL;
    struct vgw_message_origin origin = {.source = "http", .project_id = "p", .wall_us = 1000 * VGW_US_PER_S};
    *ret_errors = vgw_json_array();
    int rc = vgw_message_read(&settings, body, &origin, *ret_errors, &row);
    cr_assert_eq(rc == 0, row != NULL);
    vgw_json_free(body);
    return row;
}

Test(delivery_message, what_is_wrong_is_named_with_its_field)
{
    static const struct {
        const char *body, *field, *word;
    } cases[] = {
        {"{\"content\":\"x\"}", "to", "missing"},
        {"{\"to\":\"555\",\"content\":\"x\"}", "to", "E.164"},
        {"{\"to\":\"+0155512345\",\"content\":\"x\"}", "to", "E.164"},
        {"{\"to\":\"+1234567890123456\",\"content\":\"x\"}", "to", "E.164"},
        {"{\"to\":\"+1555x12345\",\"content\":\"x\"}", "to", "E.164"},
        {"{\"to\":5551234,\"content\":\"x\"}", "to", "text"},
        {"{\"to\":\"+15551234567\"}", "content", "missing"},
        {"{\"to\":\"+15551234567\",\"content\":\"\"}", "content", "empty"},
        {"{\"to\":\"+15551234567\",\"content\":\"{{ who }}\"}", "content", "who"},
        {"{\"to\":\"+15551234567\",\"content\":\"{{ who\"}", "content", "}}"},
        {"{\"to\":\"+15551234567\",\"voice_config\":\"spoken\"}", "content", "name"},
        {"{\"to\":\"+15551234567\",\"content\":\"x\",\"voice_config\":\"spokn\"}", "voice_config", "spoken"},
        {"{\"to\":\"+15551234567\",\"content\":\"x\",\"schedule\":\"soon\"}", "schedule", "2026"},
        {"{\"to\":\"+15551234567\",\"content\":\"x\",\"timezone\":\"../../etc/passwd\"}", "timezone", "tz database"},
        {"{\"to\":\"+15551234567\",\"content\":\"x\",\"channel\":\"fax\"}", "channel", "sms"},
        {"{\"to\":\"+15551234567\",\"content\":\"x\",\"lead\":[]}", "lead", "object"},
        {"{\"to\":\"+15551234567\",\"content\":\"x\",\"contents\":1}", "contents", "content"},
        {"[]", "", "object"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vgw_json *errors, *row = read(cases[i].body, &errors);
        bool found = false;
        cr_assert_null(row, "%s", cases[i].body);
        for (size_t k = 0; k < vgw_json_count(errors); k++)
            found |= vgw_streq(vgw_json_get_string(vgw_json_at(errors, k), "field", NULL), cases[i].field) &&
                     strstr(vgw_json_get_string(vgw_json_at(errors, k), "detail", ""), cases[i].word);
        char *text = vgw_json_text(errors, false);
        cr_assert(found, "%s: %s", cases[i].body, text);
        vgw_free(text);
        vgw_json_free(errors);
    }
}

Test(delivery_message, a_key_makes_one_message_of_two_and_leads_share_a_thread)
{
    struct vgw_json *errors[3];
    struct vgw_json *a = read("{\"to\":\"+1 (555) 123-4567\",\"content\":\"x\",\"idempotency_key\":\"k\"}", &errors[0]);
    struct vgw_json *b = read("{\"to\":\"+15551234567\",\"content\":\"y\",\"idempotency_key\":\"k\"}", &errors[1]);
    struct vgw_json *c = read("{\"to\":\"+15551234567\",\"content\":\"x\"}", &errors[2]);
    cr_assert_str_eq(vgw_json_get_string(a, "to_number", ""), "+15551234567");
    cr_assert_str_eq(vgw_json_get_string(a, "message_id", "a"), vgw_json_get_string(b, "message_id", "b"));
    cr_assert_str_neq(vgw_json_get_string(a, "message_id", "a"), vgw_json_get_string(c, "message_id", "a"));
    cr_assert_str_eq(vgw_json_get_string(a, "thread_id", "a"), vgw_json_get_string(c, "thread_id", "c"));
    for (int i = 0; i < 3; i++)
        vgw_json_free(errors[i]);
    vgw_json_free(a);
    vgw_json_free(b);
    vgw_json_free(c);
}

Test(delivery_message, rows_of_a_message_are_less_than_a_kilobyte)
{
    struct vgw_json *errors, *ops = vgw_json_array();
    struct vgw_json *row =
        read("{\"to\":\"+15551234567\",\"voice_config\":\"spoken\",\"lead\":{\"name\":\"Ada\"}}", &errors);
    cr_assert_eq(vgw_message_store_ops(row, 0, ops), 0);
    cr_assert_eq(vgw_json_count(ops), 4, "thread, its newness, message and job");
    vgw_json_free(ops);
    vgw_json_free(row);
    vgw_json_free(errors);
}

/* ---- attempts ---- */

static const char *guard_of(const struct vgw_json *ops, size_t i, const char *name)
{
    return vgw_json_get_string(vgw_json_get(vgw_json_at(ops, i), "guard"), name, "");
}

Test(delivery_message, an_attempt_is_written_under_guards_and_counts_by_its_outcome)
{
    struct vgw_json *row = json("{\"message_id\":\"m\",\"status\":\"queued\",\"attempts\":0}"), *ops = vgw_json_array();
    struct vgw_retry_policy policy = vgw_retry_defaults();
    struct vgw_attempt_result busy = {.outcome = VGW_ATTEMPT_BUSY, .retryable = true, .cost = 0.5, .currency = "USD"};
    for (int i = 1; i <= 4; i++) {
        cr_assert_eq(vgw_attempt_begin(row, "me", "lab", 0, i * VGW_US_PER_S, ops), 0);
        cr_assert_eq(vgw_json_get_int(row, "attempts", 0), i);
        struct vgw_retry_answer a = vgw_attempt_decide(row, &policy, &busy, 1, NULL);
        cr_assert_eq(a.again, i < 4, "after attempt %d", i);
        cr_assert_eq(vgw_attempt_settle(row, "me", &busy, &a, 9 * VGW_US_PER_S, 2 * VGW_US_PER_S, ops), 0);
        cr_assert_str_eq(vgw_json_get_string(row, "status", ""), i < 4 ? "retrying" : "failed");
    }
    cr_assert_float_eq(vgw_json_get_double(row, "cost", 0), 2.0, 1e-9);
    cr_assert_str_eq(guard_of(ops, 0, "owner"), "me");
    cr_assert_str_eq(guard_of(ops, 1, "status"), "queued");
    cr_assert_str_eq(vgw_json_get_string(vgw_json_at(ops, vgw_json_count(ops) - 1), "op", ""), "delete");
    vgw_json_free(ops);
    vgw_json_free(row);
}

Test(delivery_message, the_next_attempt_goes_where_the_policy_sends_it)
{
    struct vgw_json *row = json("{\"message_id\":\"m\",\"status\":\"queued\",\"attempts\":0}"), *ops = vgw_json_array();
    struct vgw_retry_policy policy = vgw_retry_defaults();
    struct vgw_attempt_result error = {.outcome = VGW_ATTEMPT_PROVIDER_ERROR, .retryable = true, .cost = -1};
    for (uint32_t i = 0; i < 3; i++) {
        cr_assert_eq(vgw_attempt_provider(row, 3), i);
        vgw_attempt_begin(row, "me", "p", i, 1, ops);
        struct vgw_retry_answer a = vgw_attempt_decide(row, &policy, &error, 3, NULL);
        cr_assert(a.again);
        vgw_attempt_settle(row, "me", &error, &a, 2, 1, ops);
    }
    cr_assert_eq(vgw_attempt_provider(row, 3), 0);
    vgw_json_free(ops);
    vgw_json_free(row);
}

/* ---- campaigns ---- */

Test(delivery_message, a_campaigns_errors_are_named_all_at_once)
{
    struct vgw_json *errors = vgw_json_array(), *row = NULL;
    struct vgw_json *body =
        json("{\"content\":\"{{ a\",\"hours\":{\"from\":\"25:00\",\"days\":[\"someday\"]},\"do_not_call\":[\"x\"],"
             "\"limits\":{\"rate\":\"fast\"},\"budget\":{\"amount\":0},\"order\":\"up\"}");
    cr_assert_eq(vgw_campaign_read(&settings, body, "p", 1, errors, &row), VGW_EINVALID);
    static const char *const fields[] = {"name",        "content",     "hours.from",    "hours.days",
                                         "do_not_call", "limits.rate", "budget.amount", "order"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        bool found = false;
        for (size_t k = 0; k < vgw_json_count(errors); k++)
            found |= vgw_streq(vgw_json_get_string(vgw_json_at(errors, k), "field", NULL), fields[i]);
        cr_assert(found, "%s", fields[i]);
    }
    vgw_json_free(errors);
    vgw_json_free(body);
}

Test(delivery_message, a_report_holds_no_formula_and_breaks_no_line)
{
    struct vgw_json *row =
        json("{\"message_id\":\"m\",\"to_number\":\"+15551234567\",\"lead_id\":\"=1+1\",\"status\":\"failed\","
             "\"error\":\"a \\\"b\\\",\\nc\",\"attempts\":2,\"cost\":0.25}");
    struct vgw_buf out;
    vgw_buf_init(&out, 0);
    vgw_campaign_csv(row, &out);
    cr_assert(vgw_starts_with(vgw_buf_str(&out), "m,+15551234567,\"'=1+1\",failed,,2,,,0.25,,\"a \"\"b\"\",\nc\",,"),
              "%s", vgw_buf_str(&out));
    vgw_buf_done(&out);
    vgw_json_free(row);
}
