/* call_documents.c - calls that their provider leads by documents (media: twiml). */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "call_fake.h"
#include "voicegw/plugin.h"

#define CAPS (FAKE_CAPS_MEDIA | VOICEGW_CAP_IVR)

static void routes(struct fake *f, const char *text)
{
    struct vgw_json *list = fake_json(text);
    vgw_route_set_free(f->routes);
    f->routes = NULL;
    cr_assert_eq(vgw_route_set_compile(list, NULL, NULL, &f->routes, NULL), VGW_OK);
    vgw_json_free(list);
}

/* An incoming call on a route with media: twiml, answered. */
static struct vgw_call *led(struct fake *f, const char *more)
{
    char text[256];
    snprintf(text, sizeof text, "[{\"match\":{},\"media\":\"twiml\"%s}]", more);
    routes(f, text);
    struct vgw_call *call = fake_incoming(f, "CA1");
    fake_run(f, FAKE_SECOND / 10);
    cr_assert(fake_complete(f, VGW_CMD_ANSWER, VGW_OK, NULL));
    return call;
}

static void connected(struct fake *f, struct vgw_call *call, const char *data)
{
    struct vgw_json *v = fake_json(data);
    struct vgw_state_report report = {.state = VGW_CALL_CONNECTED, .data = v};
    vgw_calls_report(f->calls, call, &report);
    vgw_json_free(v);
}

static void over(struct fake *f, struct vgw_call *call)
{
    fake_report(f, call, VGW_CALL_ENDED, VGW_OUTCOME_COMPLETED);
}

static const struct vgw_turn_entry *last_turn(const struct vgw_call *call)
{
    struct vgw_list *at = call->session->turns.prev;
    return at == &call->session->turns ? NULL : VGW_CONTAINER_OF(at, struct vgw_turn_entry, link);
}

Test(call_documents, have_no_leg_and_ask_for_their_greeting_first)
{
    struct fake *f = fake_new(1, CAPS);
    struct vgw_call *call = led(f, ",\"greeting\":\"Good day.\",\"workflow\":\"menu\"");
    connected(f, call, NULL);
    cr_assert(call->documents);
    cr_assert_eq(f->legs, 0);
    cr_assert_eq(f->workflows, 1);
    cr_assert_eq(f->op_count, 1);
    cr_assert_eq(f->ops[0].command, VGW_CMD_SAY);
    cr_assert_not(f->ops[0].media);
    cr_assert_str_eq(vgw_json_get_string(f->ops[0].params, "text", ""), "Good day.");
    cr_assert_null(last_turn(call));
    cr_assert(fake_complete(f, VGW_CMD_SAY, VGW_OK, NULL));
    cr_assert_str_eq(last_turn(call)->content, "Good day.");
    cr_assert_eq(fake_events(f, "voice.assistant.text", call->call_id), 1);
    over(f, call);
    fake_free(f);
}

Test(call_documents, a_greeting_that_was_said_is_a_line_and_nothing_more)
{
    static const uint64_t caps[] = {CAPS, FAKE_CAPS_MEDIA};
    for (size_t i = 0; i < 2; i++) {
        struct fake *f = fake_new(1, caps[i]);
        routes(f, i == 0 ? "[{\"match\":{},\"media\":\"twiml\",\"greeting\":\"Good day.\"}]"
                         : "[{\"match\":{},\"greeting\":\"Good day.\"}]");
        struct vgw_call *call = fake_incoming(f, "CA1");
        fake_run(f, FAKE_SECOND / 10);
        cr_assert(fake_complete(f, VGW_CMD_ANSWER, VGW_OK, NULL));
        connected(f, call, "{\"greeting_said\":true}");
        cr_assert_not(fake_has_op(f, VGW_CMD_SAY));
        cr_assert(call->greeting_said);
        cr_assert_str_eq(last_turn(call)->content, "Good day.");
        cr_assert_eq(last_turn(call)->turn_number, 1);
        over(f, call);
        fake_free(f);
    }
}

Test(call_documents, gather_answers_as_it_does_with_media)
{
    static const struct {
        const char *result, *input, *digits, *text, *line;
    } rows[] = {
        {"{\"input\":\"speech\",\"text\":\"a room\",\"confidence\":0.9}", "speech", "", "a room", "a room"},
        {"{\"input\":\"dtmf\",\"digits\":\"12\"}", "dtmf", "12", "", "Which?"},
        {"{\"input\":\"none\"}", "none", "", "", "Which?"},
        {NULL, "none", "", "", "Which?"},
    };
    struct fake *f = fake_new(1, CAPS);
    struct vgw_call *call = led(f, "");
    connected(f, call, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_assert_eq(fake_command(f, call, VGW_CMD_GATHER, "{\"prompt\":\"Which?\"}", true), VGW_OK);
        cr_assert_not(f->ops[0].media);
        fake_run(f, 120 * FAKE_SECOND); /* people think */
        cr_assert(fake_complete(f, VGW_CMD_GATHER, VGW_OK, rows[i].result));
        cr_assert_eq(f->done_status, VGW_OK);
        cr_expect_str_eq(vgw_json_get_string(f->done_result, "input", "-"), rows[i].input);
        cr_expect_str_eq(vgw_json_get_string(f->done_result, "digits", "-"), rows[i].digits);
        cr_expect_str_eq(vgw_json_get_string(f->done_result, "text", "-"), rows[i].text);
        cr_expect_eq(vgw_json_has(f->done_result, "confidence"), i == 0);
        cr_expect_str_eq(last_turn(call)->content, rows[i].line);
    }
    cr_assert_eq(fake_events(f, "voice.stt.final", NULL), 1);
    cr_assert_eq(fake_command(f, call, VGW_CMD_GATHER, "{\"prompt\":\"Your card?\",\"sensitive\":true}", true), VGW_OK);
    cr_assert(fake_complete(f, VGW_CMD_GATHER, VGW_OK, "{\"text\":\"four two\"}"));
    cr_assert_str_eq(vgw_json_get_string(f->done_result, "text", "-"), "four two");
    cr_assert_str_eq(last_turn(call)->content, "***");
    over(f, call);
    fake_free(f);
}

Test(call_documents, a_blind_transfer_is_a_dial_after_which_the_call_ends)
{
    struct fake *f = fake_new(1, CAPS);
    struct vgw_call *call = led(f, "");
    connected(f, call, NULL);
    cr_assert_eq(fake_command(f, call, VGW_CMD_TRANSFER, "{\"to\":\"+1\"}", true), VGW_OK);
    cr_assert_eq(call->state, VGW_CALL_TRANSFERRING);
    fake_run(f, 1200 * FAKE_SECOND); /* they talk: no deadline, and no idle session */
    cr_assert(fake_complete(f, VGW_CMD_TRANSFER, VGW_OK, "{\"outcome\":\"busy\"}"));
    cr_assert_eq(call->state, VGW_CALL_CONNECTED);
    cr_assert_str_eq(vgw_json_get_string(f->done_result, "outcome", ""), "busy");
    cr_assert_not(fake_has_op(f, VGW_CMD_END));
    cr_assert_eq(fake_command(f, call, VGW_CMD_TRANSFER, "{\"to\":\"+1\"}", true), VGW_OK);
    cr_assert(fake_complete(f, VGW_CMD_TRANSFER, VGW_OK, "{\"outcome\":\"completed\",\"duration\":7}"));
    cr_assert(fake_has_op(f, VGW_CMD_END));
    over(f, call);
    fake_free(f);
}

Test(call_documents, verbs_are_refused_with_a_sentence_where_the_provider_has_none)
{
    static const struct {
        enum vgw_command command;
        const char *params;
    } rows[] = {{VGW_CMD_DIAL, "{\"to\":\"+1\"}"},
                {VGW_CMD_ENQUEUE, "{\"queue\":\"q\"}"},
                {VGW_CMD_REDIRECT, "{\"url\":\"https://x.example/\"}"},
                {VGW_CMD_PAUSE, "{\"duration\":2}"},
                {VGW_CMD_RECORD_MESSAGE, "{}"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fake *f = fake_new(1, CAPS);
        struct vgw_call *call = fake_connected(f);
        struct vgw_json *v = fake_json(rows[i].params);
        struct vgw_error err = {0};
        cr_expect_eq(vgw_calls_command(f->calls, call, rows[i].command, v, true, NULL, NULL, &err), VGW_EUNSUPPORTED);
        cr_expect_not_null(strstr(err.text, "media: twiml"));
        vgw_json_free(v);
        over(f, call);
        fake_free(f);
    }
}

Test(call_documents, verbs_have_checked_parameters)
{
    static const struct {
        enum vgw_command command;
        const char *params, *place;
    } rows[] = {{VGW_CMD_DIAL, "{\"to\":\"\"}", "to"},
                {VGW_CMD_DIAL, "{\"to\":\"+1\",\"timeout\":\"soon\"}", "timeout"},
                {VGW_CMD_DIAL, "{\"to\":\"+1\",\"from\":\"a b\"}", "from"},
                {VGW_CMD_ENQUEUE, "{}", "queue"},
                {VGW_CMD_ENQUEUE, "{\"queue\":\"q\",\"wait_url\":\"a b\"}", "wait_url"},
                {VGW_CMD_REDIRECT, "{}", "url"},
                {VGW_CMD_PAUSE, "{}", "duration"},
                {VGW_CMD_PAUSE, "{\"duration\":-1}", "duration"},
                {VGW_CMD_PAUSE, "{\"duration\":1e300}", "duration"},
                {VGW_CMD_RECORD_MESSAGE, "{\"silence\":\"x\"}", "silence"},
                {VGW_CMD_ASSISTANT, "{\"name\":\"echo\"}", ""}};
    struct fake *f = fake_new(1, CAPS);
    struct vgw_call *call = led(f, "");
    connected(f, call, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vgw_json *v = fake_json(rows[i].params);
        struct vgw_error err = {0};
        cr_expect_lt(vgw_calls_command(f->calls, call, rows[i].command, v, true, NULL, NULL, &err), 0, "row %zu", i);
        cr_expect_str_eq(err.place, rows[i].place, "row %zu", i);
        cr_expect(*err.text);
        vgw_json_free(v);
    }
    over(f, call);
    fake_free(f);
}

Test(call_documents, who_is_elsewhere_is_not_idle_and_who_was_redirected_stays)
{
    struct fake *f = fake_new(1, CAPS);
    struct vgw_call *call = led(f, "");
    connected(f, call, NULL);
    vgw_session_hold(call->session);
    cr_assert_eq(fake_command(f, call, VGW_CMD_ENQUEUE, "{\"queue\":\"q\"}", true), VGW_OK);
    fake_run(f, 1500 * FAKE_SECOND);
    cr_assert_not(call->ending);
    cr_assert(fake_complete(f, VGW_CMD_ENQUEUE, VGW_OK, "{\"outcome\":\"bridged\",\"wait_seconds\":4}"));
    cr_assert_eq(vgw_json_get_int(f->done_result, "wait_seconds", 0), 4);
    cr_assert_eq(fake_command(f, call, VGW_CMD_REDIRECT, "{\"url\":\"https://x.example/\"}", true), VGW_OK);
    cr_assert(fake_complete(f, VGW_CMD_REDIRECT, VGW_OK, NULL));
    vgw_session_release(call->session);
    fake_run(f, 700 * FAKE_SECOND);
    cr_assert_not(call->ending);
    over(f, call);
    fake_free(f);
}

Test(call_documents, a_message_left_is_a_recording)
{
    struct fake *f = fake_new(1, CAPS);
    struct vgw_call *call = led(f, "");
    connected(f, call, NULL);
    cr_assert_eq(fake_command(f, call, VGW_CMD_RECORD_MESSAGE, "{\"max_duration\":\"30s\"}", true), VGW_OK);
    cr_assert(fake_complete(f, VGW_CMD_RECORD_MESSAGE, VGW_OK,
                            "{\"recording_id\":\"RE1\",\"url\":\"https://x.example/1\",\"duration\":4}"));
    const struct fake_event *e = fake_last(f, "recording_stopped");
    cr_assert_not_null(e);
    cr_assert_str_eq(vgw_json_get_string(e->data, "recording_id", ""), "RE1");
    cr_assert_eq(fake_events(f, "recording_started", call->call_id), 1);
    over(f, call);
    fake_free(f);
}

Test(call_documents, a_route_that_wants_what_the_provider_lacks_rejects)
{
    struct fake *f = fake_new(1, FAKE_CAPS_MEDIA);
    routes(f, "[{\"match\":{},\"media\":\"twiml\"}]");
    struct vgw_call *call = fake_incoming(f, "CA1");
    fake_run(f, FAKE_SECOND / 10);
    cr_assert(fake_has_op(f, VGW_CMD_REJECT));
    cr_assert_not_null(strstr(call->end_cause, "media: twiml"));
    cr_assert(fake_complete(f, VGW_CMD_REJECT, VGW_OK, NULL));
    fake_free(f);
}

/* A placed call whose provider did not answer in time, so that it is asked what became of it. */
static struct vgw_call *lost(struct fake *f)
{
    f->limits.ring_timeout_us = 90 * FAKE_SECOND;
    vgw_calls_set_limits(f->calls, &f->limits);
    struct vgw_call *call = fake_place(f);
    fake_run(f, 31 * FAKE_SECOND);
    cr_assert(fake_has_op(f, VGW_CMD_RECONCILE));
    cr_assert_not(fake_has_op(f, VGW_CMD_END));
    return call;
}

Test(call_reconcile, a_call_whose_answer_was_lost_goes_on_when_the_provider_has_it)
{
    struct fake *f = fake_new(1, FAKE_CAPS_ALL);
    struct vgw_call *call = lost(f);
    cr_assert(fake_complete(f, VGW_CMD_RECONCILE, VGW_OK, "{\"state\":\"ringing\",\"provider_call_id\":\"CA9\"}"));
    cr_assert_str_eq(call->provider_call_id, "CA9");
    fake_report(f, call, VGW_CALL_RINGING, VGW_OUTCOME_NONE);
    fake_report(f, call, VGW_CALL_CONNECTED, VGW_OUTCOME_NONE);
    cr_assert_eq(call->state, VGW_CALL_CONNECTED);
    over(f, call);
    fake_free(f);
}

Test(call_reconcile, one_that_the_provider_does_not_know_has_failed)
{
    struct fake *f = fake_new(1, FAKE_CAPS_ALL);
    lost(f);
    cr_assert(fake_complete(f, VGW_CMD_RECONCILE, VGW_ENOTFOUND, NULL));
    cr_assert_eq(fake_events(f, "call_failed", NULL), 1);
    cr_assert_str_eq(vgw_json_get_string(fake_last(f, "call_failed")->data, "error_class", ""), "network");
    fake_free(f);
}

Test(call_reconcile, one_that_is_over_at_the_provider_is_over)
{
    struct fake *f = fake_new(1, FAKE_CAPS_ALL);
    struct vgw_call *call = fake_connected(f);
    cr_assert_eq(fake_command(f, call, VGW_CMD_HOLD, NULL, false), VGW_OK);
    fake_run(f, 31 * FAKE_SECOND);
    cr_assert_eq(f->done_status, VGW_ETIMEOUT);
    cr_assert(fake_complete(f, VGW_CMD_RECONCILE, VGW_OK, "{\"state\":\"ended\"}"));
    cr_assert_eq(fake_events(f, "call_ended", NULL), 1);
    fake_free(f);
}

Test(call_reconcile, without_a_word_the_call_is_hung_up)
{
    struct fake *f = fake_new(1, FAKE_CAPS_ALL);
    lost(f);
    cr_assert(fake_complete(f, VGW_CMD_RECONCILE, VGW_ENETWORK, NULL));
    cr_assert(fake_has_op(f, VGW_CMD_END));
    fake_free(f);
}
