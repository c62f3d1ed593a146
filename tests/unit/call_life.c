/* call_life.c - calls from their first moment to their record. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "call_fake.h"

static void expect_story(const struct fake *f, const char *expected)
{
    char *story = fake_story(f);
    cr_expect_str_eq(story, expected);
    vgw_free(story);
}

static double dropped(const char *what)
{
    return vgw_metric_value(vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_dropped_total", "", "what"), what, NULL,
                            NULL);
}

Test(call_life, an_outgoing_call_tells_its_story_once)
{
    struct fake *f = fake_new(1, FAKE_CAPS_MEDIA);
    struct vgw_call *call = fake_connected(f);
    cr_expect_str_eq(call->from, "+15559999", "the provider's default_from");
    cr_expect_eq(strncmp(call->session->session_id, "mock-call-", 10), 0);
    cr_expect_eq(call->session->state, VGW_SESSION_ACTIVE);
    cr_expect_eq(f->begun, 1);
    fake_run(f, 5 * FAKE_SECOND);
    fake_report(f, call, VGW_CALL_ENDED, VGW_OUTCOME_COMPLETED);
    fake_run(f, 0);
    expect_story(f, "voice.session.created call_initiated call_ringing call_answered call_ended voice.session.stopped");
    const struct vgw_json *data = fake_last(f, "call_ended")->data;
    cr_expect_eq(vgw_json_object_count(data), 7);
    cr_expect_str_eq(vgw_json_get_string(data, "status", ""), "completed");
    cr_expect_float_eq(vgw_json_get_double(data, "duration", 0), 5.0, 0.001);
    cr_expect_str_eq(vgw_json_get_string(data, "direction", ""), "outbound");
    cr_expect_eq(f->forgotten, 1);
    cr_expect_eq(fake_journal(f, "ended"), 1);
    cr_expect_eq(fake_journal(f, "record"), 1);
    cr_expect_eq(f->record_count, 1);
    cr_expect_str_eq(vgw_json_get_string(f->records[0], "status", ""), "completed");
    cr_expect_str_eq(vgw_json_get_string(f->records[0], "recording_url", ""), "file:///rec.wav");
    cr_expect_eq(vgw_json_type(vgw_json_get(f->records[0], "turns")), VGW_JSON_ARRAY);
    fake_free(f);
}

Test(call_life, an_incoming_call_is_routed_and_answered_on_the_next_turn)
{
    struct fake *f = fake_new(1, FAKE_CAPS_MEDIA);
    struct vgw_call *call = fake_incoming(f, "CA.7_x-1");
    cr_expect_str_eq(call->session->session_id, "mock-CA.7_x-1");
    cr_expect_str_eq(call->session->stt_provider, "local");
    cr_expect_eq(call->state, VGW_CALL_RINGING);
    cr_expect_not(fake_has_op(f, VGW_CMD_ANSWER));
    cr_expect_eq(fake_incoming(f, "CA.7_x-1"), call, "a repeated webhook finds the same call");
    fake_run(f, 0);
    cr_expect(fake_complete(f, VGW_CMD_ANSWER, 0, NULL));
    fake_report(f, call, VGW_CALL_CONNECTED, 0);
    cr_expect_eq(call->state, VGW_CALL_CONNECTED);
    fake_report(f, call, VGW_CALL_ENDED, 0);
    fake_run(f, FAKE_SECOND);
    expect_story(f, "voice.session.created call_initiated call_ringing call_answered call_ended voice.session.stopped");
    struct vgw_incoming again = {.instance = &f->instance, .provider_call_id = "CA.7_x-1", .from = "", .to = ""};
    struct vgw_error err = {0};
    cr_expect_eq(vgw_calls_incoming(f->calls, &again, &call, &err), VGW_EBUSY);
    cr_expect(strstr(err.text, "has ended already"));
    fake_free(f);
}

Test(call_life, odd_provider_ids_become_a_hash)
{
    struct fake *f = fake_new(1, FAKE_CAPS_ALL);
    struct vgw_call *call = fake_incoming(f, "a b/c");
    cr_expect_eq(strlen(call->session->session_id), strlen("mock-") + 16);
    cr_expect_str_eq(call->provider_call_id, "a b/c");
    cr_expect_eq(vgw_calls_find(f->calls, "a b/c"), call);
    cr_expect_eq(vgw_calls_find(f->calls, call->call_id), call);
    cr_expect_eq(vgw_calls_find_provider(f->calls, "lab", "a b/c"), call);
    cr_expect_eq(vgw_calls_by_handle(f->calls, call->handle), call);
    cr_expect_null(vgw_calls_find(f->calls, "nobody"));
    fake_report(f, call, VGW_CALL_ENDED, 0);
    fake_run(f, FAKE_SECOND);
    cr_expect_str_eq(vgw_json_get_string(f->records[0], "status", ""), "canceled", "the caller gave up");
    fake_free(f);
}

Test(call_life, a_call_that_no_route_takes_is_rejected_with_a_sentence)
{
    struct fake *f = fake_new(1, FAKE_CAPS_ALL);
    struct vgw_call *call;
    struct vgw_incoming in = {.instance = &f->instance, .provider_call_id = "1", .from = "+1", .to = "+49"};
    cr_assert_eq(vgw_calls_incoming(f->calls, &in, &call, NULL), 0);
    fake_run(f, 0);
    cr_assert(fake_has_op(f, VGW_CMD_REJECT));
    cr_expect(strstr(vgw_json_get_string(f->ops[0].params, "reason", ""), "no route takes calls to +49"));
    fake_complete(f, VGW_CMD_REJECT, 0, NULL);
    const struct vgw_json *data = fake_last(f, "call_failed")->data;
    cr_expect_str_eq(vgw_json_get_string(data, "status", ""), "failed");
    cr_expect_str_eq(vgw_json_get_string(data, "error_class", ""), "not_found");
    cr_expect_eq(vgw_json_object_count(data), 6);
    fake_free(f);
}

Test(call_life, a_call_that_is_answered_before_connects_by_itself)
{
    struct fake *f = fake_new(1, FAKE_CAPS_MEDIA);
    struct vgw_call *call;
    struct vgw_incoming in = {
        .instance = &f->instance, .provider_call_id = "1", .to = "911", .answered = true, .transport = "mock_stream"};
    cr_assert_eq(vgw_calls_incoming(f->calls, &in, &call, NULL), 0);
    fake_run(f, 0);
    cr_expect_eq(call->state, VGW_CALL_CONNECTED);
    cr_expect_eq(f->workflows, 1);
    cr_expect_eq(f->ops_started, 0);
    fake_free(f);
}

static struct vgw_call *unproven(struct fake *f, const char *id)
{
    struct vgw_call *call = NULL;
    struct vgw_incoming in = {
        .instance = &f->instance, .provider_call_id = id, .to = "", .from = "", .answered = true, .unproven = true};
    cr_assert_eq(vgw_calls_incoming(f->calls, &in, &call, NULL), 0);
    fake_run(f, 100000);
    return call;
}

Test(call_life, a_stream_that_proves_itself_is_a_call_from_then_on_with_all_that_it_said)
{
    struct fake *f = fake_new(1, FAKE_CAPS_MEDIA);
    struct vgw_call *call = unproven(f, "s1");
    uint64_t leg = 0;
    cr_assert_eq(vgw_calls_leg(f->calls, call, &leg, NULL), 0, "it has a leg to prove itself by");
    cr_expect_eq(f->event_count, 0);
    cr_expect_eq(f->journal_count, 0);
    cr_expect_null(vgw_calls_next(f->calls, NULL));
    cr_expect_null(vgw_calls_session_next(f->calls, NULL));
    cr_expect_null(vgw_calls_find(f->calls, "s1"));
    cr_expect_null(vgw_calls_session_find(f->calls, call->session->session_id));
    struct vgw_call *again = NULL;
    struct vgw_incoming in = {.instance = &f->instance, .provider_call_id = "s1", .answered = true, .unproven = true};
    cr_expect_eq(vgw_calls_incoming(f->calls, &in, &again, NULL), 0);
    cr_expect_eq(again, call, "a second socket finds the same");
    struct vgw_json *data = fake_json("{\"from\":\"+1444\",\"to\":\"911\",\"transport\":\"mock_stream\"}");
    struct vgw_state_report r = {.state = VGW_CALL_CONNECTED, .data = data};
    vgw_calls_report(f->calls, call, &r);
    vgw_json_free(data);
    fake_run(f, 100000);
    cr_expect_eq(call->state, VGW_CALL_CONNECTED);
    cr_expect_eq(f->workflows, 1, "the route of 911 was found");
    char *story = fake_story(f);
    cr_expect_str_eq(story, "voice.session.created call_initiated call_ringing call_answered");
    free(story);
    cr_expect_str_eq(vgw_json_get_string(fake_last(f, "call_initiated")->data, "from", ""), "+1444");
    cr_expect_str_eq(vgw_json_get_string(fake_last(f, "call_answered")->data, "to", ""), "911");
    cr_expect_str_eq(call->session->caller_id, "+1444");
    cr_expect_str_eq(call->session->transport, "mock_stream");
    cr_expect_eq(vgw_calls_next(f->calls, NULL), call);
    fake_free(f);
}

Test(call_life, a_stream_that_never_proves_itself_was_never_there)
{
    static const bool by_itself[] = {true, false};
    for (size_t i = 0; i < 2; i++) {
        struct fake *f = fake_new(1, FAKE_CAPS_MEDIA);
        struct vgw_call *call = unproven(f, "s1");
        if (by_itself[i])
            fake_report(f, call, VGW_CALL_ENDED, VGW_OUTCOME_COMPLETED);
        else
            vgw_calls_interrupt_all(f->calls);
        fake_run(f, FAKE_SECOND);
        cr_expect_eq(f->event_count, 0);
        cr_expect_eq(f->journal_count, 0);
        cr_expect_eq(f->record_count, 0);
        cr_expect_eq(f->forgotten, 1);
        cr_expect_eq(vgw_calls_session_count(f->calls), 0);
        cr_expect_eq(vgw_calls_orphans(f->calls), 0);
        if (by_itself[i])
            cr_expect_not_null(unproven(f, "s1"), "the same id may come again");
        fake_free(f);
    }
}

Test(call_life, outcomes_of_calls_nobody_answered)
{
    static const struct {
        enum vgw_call_state state;
        enum vgw_outcome outcome;
        const char *event, *status;
    } rows[] = {
        {VGW_CALL_FAILED, VGW_OUTCOME_BUSY, "call_failed", "busy"},
        {VGW_CALL_FAILED, VGW_OUTCOME_NO_ANSWER, "call_failed", "no_answer"},
        {VGW_CALL_FAILED, VGW_OUTCOME_CANCELED, "call_failed", "canceled"},
        {VGW_CALL_FAILED, VGW_OUTCOME_NONE, "call_failed", "failed"},
        {VGW_CALL_ENDED, VGW_OUTCOME_NO_ANSWER, "call_failed", "no_answer"},
        {VGW_CALL_ENDED, VGW_OUTCOME_COMPLETED, "call_ended", "completed"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fake *f = fake_new(1, FAKE_CAPS_ALL);
        struct vgw_call *call = fake_place(f);
        fake_report(f, call, rows[i].state, rows[i].outcome);
        fake_report(f, call, rows[i].state, rows[i].outcome);
        fake_report(f, call, VGW_CALL_CONNECTED, 0);
        cr_expect_eq(fake_events(f, "call_failed", NULL) + fake_events(f, "call_ended", NULL), 1);
        const struct fake_event *e = fake_last(f, rows[i].event);
        cr_assert_not_null(e, "row %zu", i);
        cr_expect_str_eq(vgw_json_get_string(e->data, "status", ""), rows[i].status);
        fake_free(f);
    }
}

Test(call_life, refused_states_are_counted_and_change_nothing)
{
    static const struct {
        enum vgw_call_state at, told;
        bool taken;
    } rows[] = {
        {VGW_CALL_INITIATING, VGW_CALL_ON_HOLD, false},  {VGW_CALL_INITIATING, VGW_CALL_TRANSFERRING, false},
        {VGW_CALL_INITIATING, VGW_CALL_IDLE, false},     {VGW_CALL_RINGING, VGW_CALL_INITIATING, false},
        {VGW_CALL_RINGING, VGW_CALL_ON_HOLD, false},     {VGW_CALL_RINGING, VGW_CALL_TRANSFERRING, false},
        {VGW_CALL_CONNECTED, VGW_CALL_RINGING, false},   {VGW_CALL_CONNECTED, VGW_CALL_INITIATING, false},
        {VGW_CALL_CONNECTED, VGW_CALL_ON_HOLD, true},    {VGW_CALL_CONNECTED, VGW_CALL_TRANSFERRING, true},
        {VGW_CALL_INITIATING, VGW_CALL_CONNECTED, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fake *f = fake_new(1, FAKE_CAPS_ALL);
        struct vgw_call *call = rows[i].at == VGW_CALL_CONNECTED ? fake_connected(f) : fake_place(f);
        if (rows[i].at == VGW_CALL_RINGING)
            fake_report(f, call, VGW_CALL_RINGING, 0);
        double before = dropped("call_state_illegal");
        size_t events = f->event_count;
        fake_report(f, call, rows[i].told, 0);
        cr_expect_eq(call->state, rows[i].taken ? rows[i].told : rows[i].at, "row %zu", i);
        cr_expect_eq(f->event_count - events, rows[i].taken, "row %zu", i);
        cr_expect_eq(dropped("call_state_illegal") - before, !rows[i].taken, "row %zu", i);
        fake_free(f);
    }
}

Test(call_life, a_sequence_orders_reports)
{
    struct fake *f = fake_new(1, FAKE_CAPS_ALL);
    struct vgw_call *call = fake_place(f);
    struct vgw_json *data = fake_json("{\"answered_by\":\"human\",\"cost\":0.5,\"currency\":\"USD\"}");
    struct vgw_state_report connected = {
        .state = VGW_CALL_CONNECTED, .sequence = 3, .data = data, .provider_call_id = "CA9"};
    struct vgw_state_report late = {.state = VGW_CALL_ENDED, .sequence = 2};
    struct vgw_state_report ended = {.state = VGW_CALL_ENDED, .sequence = 4, .cause = "hangup"};
    double before = dropped("call_state_late"), doubles = dropped("call_state_duplicate");
    vgw_calls_report(f->calls, call, &connected);
    vgw_calls_report(f->calls, call, &late);
    vgw_calls_report(f->calls, call, &connected);
    cr_expect_eq(call->state, VGW_CALL_CONNECTED);
    cr_expect_str_eq(vgw_json_get_string(fake_last(f, "call_answered")->data, "answered_by", ""), "human");
    cr_expect_eq(dropped("call_state_late"), before + 1);
    cr_expect_eq(dropped("call_state_duplicate"), doubles + 1);
    vgw_calls_report(f->calls, call, &ended);
    vgw_calls_report(f->calls, call, &ended);
    cr_expect_eq(dropped("call_state_late"), before + 2);
    fake_run(f, FAKE_SECOND);
    cr_expect_float_eq(vgw_json_get_double(f->records[0], "cost", 0), 0.5, 1e-9);
    vgw_json_free(data);
    fake_free(f);
}

Test(call_life, full_draining_and_disabled_gateways_are_busy)
{
    for (int why = 0; why < 3; why++) {
        struct fake *f = fake_new(1, FAKE_CAPS_ALL);
        f->limits.enabled = why != 0;
        f->limits.max_sessions = why == 1 ? 0 : 10;
        vgw_calls_set_limits(f->calls, &f->limits);
        if (why == 2)
            vgw_calls_drain(f->calls, NULL, NULL);
        struct vgw_call *call = NULL;
        struct vgw_incoming in = {.instance = &f->instance, .provider_call_id = "1", .to = "+15551"};
        struct vgw_outgoing out = {.to = "+15551"};
        struct vgw_error err = {0};
        cr_expect_eq(vgw_calls_incoming(f->calls, &in, &call, &err), VGW_ELIMIT);
        cr_expect(*err.text);
        cr_expect_eq(vgw_calls_place(f->calls, &out, &call, &err), VGW_ELIMIT);
        cr_expect_null(call);
        struct vgw_session *s;
        cr_expect_eq(vgw_calls_session_new(f->calls, NULL, NULL, NULL, NULL, &s, &err), VGW_ELIMIT);
        fake_run(f, FAKE_SECOND);
        cr_expect_eq(fake_events(f, "call_failed", NULL), 2);
        cr_expect_eq(f->record_count, 2);
        cr_expect_str_eq(vgw_json_get_string(f->records[0], "status", ""), "busy");
        cr_expect_eq(f->forgotten, 0, "the provider never heard of them");
        fake_free(f);
    }
}

Test(call_life, placing_checks_every_field)
{
    struct fake *f = fake_new(1, FAKE_CAPS_ALL);
    struct vgw_json *list = vgw_json_array();
    const struct {
        struct vgw_outgoing out;
        const char *place;
    } rows[] = {
        {{.to = NULL}, "to"},
        {{.to = ""}, "to"},
        {{.to = "two words"}, "to"},
        {{.to = "+1", .from = "a\nb"}, "from"},
        {{.to = "+1", .provider = "none"}, "provider"},
        {{.to = "+1", .workflow = "a", .assistant = "b"}, "assistant"},
        {{.to = "+1", .variables = list}, "variables"},
        {{.to = "+1", .ring_timeout_us = -1}, "timeout_seconds"},
    };
    struct vgw_call *call = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vgw_error err = {0};
        cr_expect_eq(vgw_calls_place(f->calls, &rows[i].out, &call, &err), VGW_EINVALID, "row %zu", i);
        cr_expect_str_eq(err.place, rows[i].place, "row %zu: %s", i, err.text);
    }
    cr_expect_eq(f->event_count, 0);
    f->caps = 0;
    struct vgw_outgoing out = {.to = "sip:desk@example.com"};
    cr_expect_eq(vgw_calls_place(f->calls, &out, &call, NULL), VGW_EUNSUPPORTED);
    vgw_json_free(list);
    fake_free(f);
}

Test(call_life, a_provider_that_refuses_a_call_fails_it)
{
    struct fake *f = fake_new(1, FAKE_CAPS_ALL);
    struct vgw_call *call = fake_place(f);
    fake_complete(f, VGW_CMD_MAKE_CALL, VGW_EAUTH, NULL);
    cr_expect_eq(call->state, VGW_CALL_FAILED);
    cr_expect_str_eq(vgw_json_get_string(fake_last(f, "call_failed")->data, "error_class", ""), "authentication");
    cr_expect_str_eq(vgw_json_get_string(fake_last(f, "call_failed")->data, "cause", ""), "the vendor said no");
    f->op_status = VGW_ENETWORK;
    struct vgw_outgoing out = {.to = "+1"};
    struct vgw_error err = {0};
    cr_expect_eq(vgw_calls_place(f->calls, &out, &call, &err), VGW_ENETWORK);
    cr_expect_str_eq(err.text, "the line is cut");
    cr_expect_eq(fake_events(f, "call_failed", NULL), 2);
    fake_free(f);
}

/* Runs the leases: how long, and what the call ends as when the provider says nothing. */
Test(call_life, leases_end_what_nobody_ends)
{
    struct fake *f = fake_new(1, FAKE_CAPS_ALL);
    fake_place(f);
    fake_complete(f, VGW_CMD_MAKE_CALL, 0, NULL);
    fake_run(f, 29 * FAKE_SECOND);
    cr_expect_not(fake_has_op(f, VGW_CMD_END));
    fake_run(f, 2 * FAKE_SECOND);
    cr_expect(fake_has_op(f, VGW_CMD_END), "after the ring time the provider is asked to hang up");
    fake_run(f, 11 * FAKE_SECOND);
    cr_expect_str_eq(vgw_json_get_string(fake_last(f, "call_failed")->data, "status", ""), "no_answer");
    cr_expect_str_eq(vgw_json_get_string(fake_last(f, "call_failed")->data, "cause", ""), "ring_timeout");
    f->max_duration = "60";
    struct vgw_call *call = fake_connected(f);
    for (int i = 0; i < 59; i++) {
        fake_run(f, FAKE_SECOND);
        vgw_calls_activity(f->calls, call);
    }
    cr_expect_not(call->ending);
    fake_run(f, 2 * FAKE_SECOND);
    cr_expect(call->ending);
    fake_report(f, call, VGW_CALL_ENDED, VGW_OUTCOME_COMPLETED);
    cr_expect_str_eq(vgw_json_get_string(fake_last(f, "call_ended")->data, "cause", ""), "max_call_duration");
    fake_free(f);
}

Test(call_life, silence_ends_a_call_but_hold_does_not_count)
{
    struct fake *f = fake_new(1, FAKE_CAPS_MEDIA);
    struct vgw_call *call = fake_connected(f);
    fake_run(f, 50 * FAKE_SECOND);
    vgw_calls_activity(f->calls, call);
    fake_run(f, 50 * FAKE_SECOND);
    cr_expect_not(call->ending);
    fake_report(f, call, VGW_CALL_ON_HOLD, 0);
    cr_expect_eq(f->held, 1);
    fake_run(f, 1000 * FAKE_SECOND);
    cr_expect_not(call->ending);
    fake_report(f, call, VGW_CALL_CONNECTED, 0);
    fake_run(f, 125 * FAKE_SECOND);
    cr_assert_eq(fake_events(f, "call_ended", NULL), 1);
    cr_expect_str_eq(vgw_json_get_string(fake_last(f, "call_ended")->data, "cause", ""), "media_silence");
    fake_free(f);
}

Test(call_life, an_idle_session_ends)
{
    struct fake *f = fake_new(1, FAKE_CAPS_ALL);
    struct vgw_session *s;
    cr_assert_eq(vgw_calls_session_new(f->calls, "realtime", "ann", NULL, "p1", &s, NULL), 0);
    cr_expect_eq(strncmp(s->session_id, "api-", 4), 0);
    uint32_t number = 0;
    fake_run(f, 599 * FAKE_SECOND);
    cr_expect_eq(vgw_session_add_turn(s, "user", "hello", -1, 0.9, false, NULL, &number), 0);
    cr_expect_eq(number, 1);
    fake_run(f, 599 * FAKE_SECOND);
    cr_expect_eq(vgw_calls_session_count(f->calls), 1);
    fake_run(f, 2 * FAKE_SECOND);
    cr_expect_eq(vgw_calls_session_count(f->calls), 0);
    const struct vgw_json *data = fake_last(f, "voice.session.stopped")->data;
    cr_expect_str_eq(vgw_json_get_string(data, "reason", ""), "session_timeout");
    cr_expect_eq(vgw_json_get_int(data, "turns", 0), 1);
    cr_expect_str_eq(vgw_json_get_string(f->records[0], "transcription", ""), "user: hello");
    fake_free(f);
}

Test(call_life, the_record_waits_for_the_summary_half_a_second)
{
    struct fake *f = fake_new(1, FAKE_CAPS_MEDIA);
    struct vgw_call *call = fake_connected(f);
    uint64_t handle = call->handle;
    f->keep_summary = true;
    fake_report(f, call, VGW_CALL_ENDED, 0);
    fake_run(f, FAKE_SECOND * 4 / 10);
    cr_expect_eq(f->record_count, 0);
    fake_run(f, FAKE_SECOND * 2 / 10);
    cr_expect_eq(f->record_count, 1);
    vgw_calls_media_summary(f->calls, handle, NULL);
    cr_expect_eq(f->record_count, 1, "a summary for a forgotten call is dropped");
    fake_free(f);
}

static void on_drained(void *arg)
{
    ++*(int *)arg;
}

Test(call_life, draining_tells_when_no_session_is_left)
{
    struct fake *f = fake_new(1, FAKE_CAPS_MEDIA);
    int drained = 0;
    struct vgw_call *call = fake_connected(f);
    vgw_calls_drain(f->calls, on_drained, &drained);
    cr_expect(vgw_calls_draining(f->calls));
    fake_run(f, FAKE_SECOND);
    cr_expect_eq(drained, 0);
    vgw_calls_end_all(f->calls, "shutdown");
    fake_report(f, call, VGW_CALL_ENDED, 0);
    fake_run(f, FAKE_SECOND);
    cr_expect_eq(drained, 1);
    cr_expect_str_eq(vgw_json_get_string(fake_last(f, "voice.session.stopped")->data, "reason", ""), "shutdown");
    vgw_calls_drain(f->calls, on_drained, &drained);
    cr_expect_eq(drained, 1, "not from inside");
    fake_run(f, 0);
    cr_expect_eq(drained, 2);
    vgw_calls_undrain(f->calls);
    fake_connected(f);
    fake_free(f);
}

Test(call_life, interrupted_calls_are_recorded_without_a_word_to_providers)
{
    struct fake *f = fake_new(1, FAKE_CAPS_MEDIA);
    fake_connected(f);
    struct vgw_session *s;
    vgw_calls_session_new(f->calls, NULL, NULL, NULL, NULL, &s, NULL);
    vgw_calls_interrupt_all(f->calls);
    cr_expect_eq(f->record_count, 2);
    cr_expect_eq(f->forgotten, 1, "what the provider holds of it is freed");
    cr_expect_not(fake_has_op(f, VGW_CMD_END));
    cr_expect_str_eq(vgw_json_get_string(fake_last(f, "call_ended")->data, "status", ""), "interrupted");
    fake_free(f);
}

Test(call_life, the_last_run_that_lets_go_hangs_up_unless_an_assistant_stays)
{
    struct fake *f = fake_new(1, FAKE_CAPS_ALL);
    struct vgw_call *call = fake_connected(f);
    vgw_session_hold(call->session);
    vgw_session_hold(call->session);
    vgw_session_release(call->session);
    fake_run(f, 0);
    cr_expect_not(call->ending);
    vgw_session_release(call->session);
    vgw_session_hold(call->session);
    fake_run(f, 0);
    cr_expect_not(call->ending, "held again in the same turn");
    vgw_session_release(call->session);
    cr_expect_not(call->ending);
    fake_run(f, 0);
    cr_expect(call->ending);
    fake_report(f, call, VGW_CALL_ENDED, 0);
    fake_run(f, FAKE_SECOND);
    struct vgw_call *kept;
    struct vgw_outgoing out = {.to = "+1", .assistant = "echo"};
    cr_assert_eq(vgw_calls_place(f->calls, &out, &kept, NULL), 0);
    vgw_session_hold(kept->session);
    vgw_session_release(kept->session);
    fake_run(f, 0);
    cr_expect_not(kept->ending);
    fake_free(f);
}

Test(call_life, turns_are_bounded)
{
    struct fake *f = fake_new(1, FAKE_CAPS_ALL);
    struct vgw_session *s;
    vgw_calls_session_new(f->calls, NULL, NULL, NULL, NULL, &s, NULL);
    for (int i = 0; i < 2000; i++)
        cr_assert_eq(vgw_session_add_turn(s, "user", "x", 1, -1, false, NULL, NULL), 0);
    double before = dropped("turns");
    cr_expect_eq(vgw_session_add_turn(s, "user", "x", 1, -1, false, NULL, NULL), VGW_ELIMIT);
    cr_expect_eq(dropped("turns"), before + 1);
    fake_free(f);
}

Test(call_life, a_workflow_that_cannot_start_apologizes_and_hangs_up)
{
    struct fake *f = fake_new(1, FAKE_CAPS_MEDIA);
    struct vgw_call *call;
    struct vgw_outgoing out = {.to = "+1", .workflow = "gone"};
    f->workflow_ok = false;
    cr_assert_eq(vgw_calls_place(f->calls, &out, &call, NULL), 0);
    fake_report(f, call, VGW_CALL_CONNECTED, 0);
    cr_assert(fake_has_op(f, VGW_CMD_SAY));
    cr_expect_not(call->ending);
    fake_complete(f, VGW_CMD_SAY, 0, NULL);
    cr_expect(call->ending);
    cr_expect_eq(fake_events(f, "error", NULL), 1);
    fake_free(f);
}
