/* call_command.c - what may be asked of a call, when, and how it is told. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "call_fake.h"
#include "voicegw/plugin.h"

Test(call_command, parameters_are_checked_with_a_sentence)
{
    static const struct {
        enum vgw_command command;
        const char *params, *place;
    } rows[] = {
        {VGW_CMD_SAY, NULL, "text"},
        {VGW_CMD_SAY, "{\"text\":\"\"}", "text"},
        {VGW_CMD_PLAY, "{}", "url"},
        {VGW_CMD_PLAY, "{\"url\":\"a b\"}", "url"},
        {VGW_CMD_DTMF, "{\"digits\":\"12x\"}", "digits"},
        {VGW_CMD_TRANSFER, "{\"to\":\"\"}", "to"},
        {VGW_CMD_TRANSFER, "{\"to\":\"+1\",\"kind\":\"warm\"}", "kind"},
        {VGW_CMD_GATHER, "{\"num_digits\":0}", "num_digits"},
        {VGW_CMD_GATHER, "{\"input\":\"smoke\"}", "input"},
        {VGW_CMD_ASSISTANT, "{}", "name"},
        {VGW_CMD_CONFERENCE, "{}", "name"},
        {VGW_CMD_HOLD, "[]", ""},
    };
    struct fake *f = fake_new(1, UINT64_MAX);
    struct vgw_call *call = fake_connected(f);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vgw_json *v = fake_json(rows[i].params);
        struct vgw_error err = {0};
        cr_expect_eq(vgw_calls_command(f->calls, call, rows[i].command, v, true, NULL, NULL, &err), VGW_EINVALID,
                     "row %zu", i);
        cr_expect_str_eq(err.place, rows[i].place);
        cr_expect(*err.text);
        vgw_json_free(v);
    }
    cr_expect_eq(vgw_calls_command(f->calls, call, VGW_CMD_MAKE_CALL, NULL, true, NULL, NULL, NULL), VGW_EINVALID);
    cr_expect_eq(vgw_calls_command(f->calls, call, VGW_COMMANDS, NULL, true, NULL, NULL, NULL), VGW_EINVALID);
    fake_free(f);
}

Test(call_command, each_goes_to_who_can_do_it)
{
    static const char *const params =
        "{\"text\":\"x\",\"url\":\"u\",\"digits\":\"1\",\"to\":\"+1\",\"name\":\"n\",\"call\":\"c\"}";
    enum { PROVIDER, MEDIA, NOBODY };
    static const struct {
        enum vgw_command command;
        uint64_t caps;
        int who;
    } rows[] = {
        {VGW_CMD_SAY, VOICEGW_CAP_SAY, PROVIDER},
        {VGW_CMD_SAY, VOICEGW_CAP_SAY | VOICEGW_CAP_MEDIA, MEDIA},
        {VGW_CMD_SAY, 0, NOBODY},
        {VGW_CMD_PLAY, VOICEGW_CAP_MEDIA, MEDIA},
        {VGW_CMD_RECORD_START, VOICEGW_CAP_MEDIA | VOICEGW_CAP_RECORD, MEDIA},
        {VGW_CMD_RECORD_START, VOICEGW_CAP_RECORD, PROVIDER},
        {VGW_CMD_HOLD, VOICEGW_CAP_MEDIA | VOICEGW_CAP_HOLD, PROVIDER},
        {VGW_CMD_HOLD, VOICEGW_CAP_MEDIA, MEDIA},
        {VGW_CMD_DTMF, VOICEGW_CAP_MEDIA | VOICEGW_CAP_DTMF, PROVIDER},
        {VGW_CMD_DTMF, VOICEGW_CAP_MEDIA, MEDIA},
        {VGW_CMD_MUTE, VOICEGW_CAP_MEDIA, MEDIA},
        {VGW_CMD_GATHER, VOICEGW_CAP_MEDIA, MEDIA},
        {VGW_CMD_GATHER, VOICEGW_CAP_SAY, NOBODY},
        {VGW_CMD_TRANSFER, VOICEGW_CAP_TRANSFER, PROVIDER},
        {VGW_CMD_TRANSFER, 0, NOBODY},
        {VGW_CMD_CONFERENCE, 0, NOBODY},
        {VGW_CMD_MONITOR, VOICEGW_CAP_CONFERENCE, NOBODY},
        {VGW_CMD_CONFERENCE, VOICEGW_CAP_CONFERENCE, PROVIDER},
        {VGW_CMD_STATUS, VOICEGW_CAP_STATUS, PROVIDER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fake *f = fake_new(1, rows[i].caps | VOICEGW_CAP_MAKE_CALL);
        struct vgw_call *call = fake_connected(f);
        int status = fake_command(f, call, rows[i].command, params, false);
        if (rows[i].who == NOBODY) {
            cr_expect_eq(status, VGW_EUNSUPPORTED, "row %zu", i);
        } else {
            cr_assert_eq(status, VGW_OK, "row %zu", i);
            cr_assert_eq(f->op_count, 1);
            cr_expect_eq(f->ops[0].media, rows[i].who == MEDIA, "row %zu", i);
        }
        fake_free(f);
    }
}

/* A provider that does it for some of its calls only: what it leaves, the call's leg does. */
Test(call_command, what_the_provider_leaves_the_leg_does)
{
    static const struct {
        enum vgw_command command;
        int refusal, want;
        bool media;
    } rows[] = {{VGW_CMD_DTMF, VGW_EUNSUPPORTED, VGW_OK, true},
                {VGW_CMD_MUTE, VGW_EUNSUPPORTED, VGW_OK, true},
                {VGW_CMD_DTMF, VGW_EPROVIDER, VGW_EPROVIDER, false},
                {VGW_CMD_HOLD, VGW_EUNSUPPORTED, VGW_EUNSUPPORTED, false},
                {VGW_CMD_TRANSFER, VGW_EPROVIDER, VGW_EPROVIDER, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fake *f = fake_new(1, VOICEGW_CAP_MAKE_CALL | VOICEGW_CAP_MEDIA | VOICEGW_CAP_DTMF | VOICEGW_CAP_MUTE |
                                         VOICEGW_CAP_HOLD | VOICEGW_CAP_TRANSFER);
        struct vgw_call *call = fake_connected(f);
        f->provider_status = rows[i].refusal;
        cr_expect_eq(fake_command(f, call, rows[i].command, "{\"digits\":\"1\",\"to\":\"+1555\"}", false), rows[i].want,
                     "row %zu", i);
        cr_expect_eq(f->op_count, rows[i].media ? 1u : 0u, "row %zu", i);
        cr_expect(f->op_count == 0 || f->ops[0].media, "row %zu", i);
        fake_free(f);
    }
}

Test(call_command, states_that_do_not_allow_it_refuse)
{
    struct fake *f = fake_new(1, FAKE_CAPS_MEDIA);
    struct vgw_call *out = fake_place(f), *in = fake_incoming(f, "1");
    cr_expect_eq(fake_command(f, out, VGW_CMD_SAY, "{\"text\":\"x\"}", false), VGW_EBUSY);
    cr_expect_eq(fake_command(f, out, VGW_CMD_ANSWER, NULL, true), VGW_EBUSY);
    fake_report(f, out, VGW_CALL_RINGING, 0);
    cr_expect_eq(fake_command(f, out, VGW_CMD_ANSWER, NULL, true), VGW_EBUSY, "only incoming calls are answered");
    cr_expect_eq(fake_command(f, in, VGW_CMD_RESUME, NULL, false), VGW_EBUSY);
    fake_run(f, 0);
    cr_expect_eq(fake_command(f, in, VGW_CMD_ANSWER, NULL, false), VGW_EBUSY, "it is being answered");
    fake_report(f, in, VGW_CALL_CONNECTED, 0);
    cr_expect_eq(fake_command(f, in, VGW_CMD_REJECT, NULL, true), VGW_EBUSY);
    cr_expect_eq(fake_command(f, in, VGW_CMD_RESUME, NULL, true), VGW_EBUSY);
    cr_expect_eq(fake_command(f, in, VGW_CMD_RECORD_STOP, NULL, true), VGW_EBUSY);
    cr_expect_eq(fake_command(f, in, VGW_CMD_END, NULL, true), VGW_OK);
    cr_expect_eq(fake_command(f, in, VGW_CMD_SAY, "{\"text\":\"x\"}", true), VGW_EBUSY, "it is being ended");
    fake_report(f, in, VGW_CALL_ENDED, 0);
    cr_expect_eq(fake_command(f, in, VGW_CMD_SAY, "{\"text\":\"x\"}", true), VGW_ENOTFOUND);
    fake_free(f);
}

Test(call_command, commands_wait_for_the_connection_in_order)
{
    struct fake *f = fake_new(1, FAKE_CAPS_MEDIA);
    struct vgw_call *call = fake_place(f);
    cr_expect_eq(fake_command(f, call, VGW_CMD_SAY, "{\"text\":\"one\"}", true), VGW_OK);
    cr_expect_eq(fake_command(f, call, VGW_CMD_DTMF, "{\"digits\":\"2\"}", true), VGW_OK);
    fake_report(f, call, VGW_CALL_RINGING, 0);
    cr_expect_eq(f->op_count, 1, "only the call itself is under way");
    fake_report(f, call, VGW_CALL_CONNECTED, 0);
    cr_assert_eq(f->op_count, 3);
    cr_expect_eq(f->ops[1].command, VGW_CMD_SAY);
    cr_expect_str_eq(vgw_json_get_string(f->ops[1].params, "text", ""), "one");
    cr_expect_eq(f->ops[2].command, VGW_CMD_DTMF);
    cr_expect_eq(f->done_count, 0);
    fake_complete(f, VGW_CMD_SAY, 0, "{\"heard_ms\":900}");
    cr_expect_eq(f->done_count, 1);
    cr_expect_eq(vgw_json_get_int(f->done_result, "heard_ms", 0), 900);
    fake_complete(f, VGW_CMD_DTMF, VGW_EPROVIDER, NULL);
    cr_expect_eq(f->done_status, VGW_EPROVIDER);
    cr_expect_str_eq(f->done_text, "the vendor said no");
    fake_free(f);
}

static void on_answered(struct fake *f, struct vgw_call *call, const char *type)
{
    if (strcmp(type, "call_answered") == 0)
        cr_expect_eq(fake_command(f, call, VGW_CMD_SAY, "{\"text\":\"early\"}", true), VGW_OK);
}

Test(call_command, what_is_asked_for_at_the_moment_of_the_answer_waits_for_the_media)
{
    struct fake *f = fake_new(1, FAKE_CAPS_MEDIA);
    struct vgw_call *call = fake_place(f);
    f->on_event = on_answered;
    fake_report(f, call, VGW_CALL_CONNECTED, 0);
    cr_assert(fake_has_op(f, VGW_CMD_SAY));
    cr_expect_eq(f->begun, 1, "the media began before it");
    fake_complete(f, VGW_CMD_SAY, 0, NULL);
    cr_expect_eq(f->done_count, 1);
    fake_free(f);
}

Test(call_command, waiting_ends_by_time_by_the_end_of_the_call_or_at_the_limit)
{
    struct fake *f = fake_new(1, FAKE_CAPS_MEDIA);
    struct vgw_call *call;
    struct vgw_outgoing out = {.to = "+1", .ring_timeout_us = 60 * FAKE_SECOND};
    cr_assert_eq(vgw_calls_place(f->calls, &out, &call, NULL), 0);
    fake_complete(f, VGW_CMD_MAKE_CALL, 0, NULL);
    for (int i = 0; i < 32; i++)
        cr_assert_eq(fake_command(f, call, VGW_CMD_MUTE, NULL, true), VGW_OK);
    cr_expect_eq(fake_command(f, call, VGW_CMD_MUTE, NULL, true), VGW_ELIMIT);
    fake_run(f, 31 * FAKE_SECOND);
    cr_expect_eq(f->done_count, 32);
    cr_expect_eq(f->done_status, VGW_ETIMEOUT);
    cr_expect_str_eq(f->done_text, "the call was not connected within 30 s");
    cr_expect_eq(fake_command(f, call, VGW_CMD_MUTE, NULL, true), VGW_OK);
    fake_report(f, call, VGW_CALL_FAILED, VGW_OUTCOME_BUSY);
    cr_expect_eq(f->done_count, 33);
    cr_expect_eq(f->done_status, VGW_ENOTFOUND);
    cr_expect_str_eq(f->done_text, "the call has ended");
    fake_free(f);
}

Test(call_command, an_operation_without_an_answer_times_out_and_late_answers_are_dropped)
{
    struct fake *f = fake_new(1, FAKE_CAPS_ALL);
    struct vgw_call *call = fake_connected(f);
    fake_command(f, call, VGW_CMD_MUTE, NULL, false);
    fake_run(f, 31 * FAKE_SECOND);
    cr_expect_eq(f->done_count, 1);
    cr_expect_eq(f->done_status, VGW_ETIMEOUT);
    fake_complete(f, VGW_CMD_MUTE, 0, NULL);
    cr_expect_eq(f->done_count, 1);
    cr_expect_not(call->muted);
    fake_free(f);
}

Test(call_command, hold_and_resume_tell_once_who_did_it)
{
    struct fake *f = fake_new(1, FAKE_CAPS_MEDIA);
    struct vgw_call *call = fake_connected(f);
    fake_command(f, call, VGW_CMD_HOLD, "{\"music\":\"m\"}", false);
    fake_report(f, call, VGW_CALL_ON_HOLD, 0);
    fake_complete(f, VGW_CMD_HOLD, 0, NULL);
    cr_expect_eq(fake_events(f, "hold_started", NULL), 1);
    cr_expect_str_eq(vgw_json_get_string(fake_last(f, "hold_started")->data, "by", ""), "gateway");
    cr_expect_str_eq(vgw_json_get_string(f->done_result, "state", ""), "on_hold");
    fake_command(f, call, VGW_CMD_RESUME, NULL, false);
    fake_complete(f, VGW_CMD_RESUME, 0, NULL);
    fake_report(f, call, VGW_CALL_CONNECTED, 0);
    cr_expect_eq(fake_events(f, "hold_ended", NULL), 1);
    cr_expect_eq(f->held, 0);
    fake_report(f, call, VGW_CALL_ON_HOLD, 0);
    cr_expect_str_eq(vgw_json_get_string(fake_last(f, "hold_started")->data, "by", ""), "provider");
    fake_free(f);
}

Test(call_command, a_transfer_settles_one_way)
{
    struct fake *f = fake_new(1, FAKE_CAPS_ALL);
    struct vgw_call *call = fake_connected(f);
    fake_command(f, call, VGW_CMD_TRANSFER, "{\"to\":\"+1999\"}", false);
    cr_expect_eq(call->state, VGW_CALL_TRANSFERRING);
    cr_expect_str_eq(vgw_json_get_string(fake_last(f, "transfer_initiated")->data, "kind", ""), "blind");
    cr_expect_eq(fake_command(f, call, VGW_CMD_TRANSFER, "{\"to\":\"+1999\"}", false), VGW_EBUSY);
    fake_complete(f, VGW_CMD_TRANSFER, 0, "{\"outcome\":\"busy\"}");
    cr_expect_eq(call->state, VGW_CALL_CONNECTED, "back to the earlier state");
    const struct vgw_json *data = fake_last(f, "transfer_completed")->data;
    cr_expect_str_eq(vgw_json_get_string(data, "outcome", ""), "busy");
    cr_expect_str_eq(vgw_json_get_string(data, "to", ""), "+1999");
    cr_expect_str_eq(vgw_json_get_string(f->done_result, "outcome", ""), "busy");
    fake_command(f, call, VGW_CMD_TRANSFER, "{\"to\":\"+1999\",\"kind\":\"attended\"}", false);
    fake_complete(f, VGW_CMD_TRANSFER, 0, NULL);
    cr_expect_eq(call->state, VGW_CALL_TRANSFERRING);
    fake_report(f, call, VGW_CALL_ENDED, 0);
    cr_expect_eq(fake_events(f, "transfer_completed", NULL), 2);
    fake_free(f);
}

Test(call_command, a_recording_has_an_id_an_event_and_a_url)
{
    struct fake *f = fake_new(1, FAKE_CAPS_MEDIA);
    struct vgw_call *call = fake_connected(f);
    fake_command(f, call, VGW_CMD_RECORD_START, NULL, false);
    cr_expect_eq(fake_command(f, call, VGW_CMD_RECORD_START, NULL, false), VGW_EBUSY);
    fake_complete(f, VGW_CMD_RECORD_START, 0, NULL);
    cr_expect(vgw_starts_with(vgw_json_get_string(f->done_result, "recording_id", ""), "rec-"));
    fake_run(f, 3 * FAKE_SECOND);
    fake_command(f, call, VGW_CMD_RECORD_STOP, NULL, false);
    fake_complete(f, VGW_CMD_RECORD_STOP, 0, "{\"url\":\"file:///a.wav\",\"duration\":3.5}");
    const struct vgw_json *data = fake_last(f, "recording_stopped")->data;
    cr_expect_float_eq(vgw_json_get_double(data, "duration", 0), 3.5, 1e-9);
    cr_expect_str_eq(vgw_json_get_string(data, "url", ""), "file:///a.wav");
    cr_expect_str_eq(call->session->recording_url, "file:///a.wav");
    fake_command(f, call, VGW_CMD_RECORD_START, NULL, false);
    fake_complete(f, VGW_CMD_RECORD_START, 0, "{\"recording_id\":\"R2\"}");
    fake_report(f, call, VGW_CALL_ENDED, 0);
    fake_run(f, FAKE_SECOND);
    cr_expect_eq(fake_events(f, "recording_stopped", NULL), 2, "the end of the call ends its recording");
    fake_free(f);
}

Test(call_command, what_a_provider_records_is_told_once)
{
    struct fake *f = fake_new(1, FAKE_CAPS_MEDIA);
    struct vgw_call *call = fake_connected(f);
    /* asked for: the provider's callback may come before the command's end, or after it */
    fake_command(f, call, VGW_CMD_RECORD_START, NULL, false);
    vgw_calls_report_recording(call, "R1", true, NULL, 0);
    cr_expect_eq(fake_events(f, "recording_started", NULL), 0);
    fake_complete(f, VGW_CMD_RECORD_START, 0, "{\"recording_id\":\"R1\"}");
    vgw_calls_report_recording(call, "R1", true, NULL, 0);
    cr_expect_eq(fake_events(f, "recording_started", NULL), 1);
    fake_command(f, call, VGW_CMD_RECORD_STOP, NULL, false);
    vgw_calls_report_recording(call, "R1", false, "file:///r1.wav", 2);
    cr_expect_eq(fake_events(f, "recording_stopped", NULL), 0);
    fake_complete(f, VGW_CMD_RECORD_STOP, 0, NULL);
    cr_expect_eq(fake_events(f, "recording_stopped", NULL), 1);
    /* nobody asked */
    vgw_calls_report_recording(call, "R2", true, NULL, 0);
    vgw_calls_report_recording(call, "R3", true, NULL, 0);
    cr_expect_eq(fake_events(f, "recording_started", NULL), 3);
    vgw_calls_report_recording(call, "R3", false, "file:///r3.wav", 4);
    cr_expect_str_eq(vgw_json_get_string(fake_last(f, "recording_stopped")->data, "recording_id", ""), "R3");
    vgw_calls_report_recording(call, "R2", false, "file:///r2.wav", 5);
    const struct vgw_json *data = fake_last(f, "recording_stopped")->data;
    cr_expect_str_eq(vgw_json_get_string(data, "url", ""), "file:///r2.wav");
    cr_expect_float_eq(vgw_json_get_double(data, "duration", 0), 5, 1e-9);
    cr_expect_eq(fake_events(f, "recording_stopped", NULL), 3);
    cr_expect_null(call->recording_id);
    fake_free(f);
}

Test(call_command, a_setting_records_every_call)
{
    struct fake *f = fake_new(1, FAKE_CAPS_MEDIA);
    f->record = "true";
    fake_connected(f);
    cr_expect(fake_has_op(f, VGW_CMD_RECORD_START));
    fake_free(f);
}

Test(call_command, hanging_up_is_told_when_the_call_is_over)
{
    static const struct {
        uint64_t caps;
        int op_status;  /* of starting it */
        int end_status; /* of its completion; 1: none */
        bool told;      /* the provider says that it ended */
        int64_t within_us;
    } rows[] = {
        {FAKE_CAPS_ALL, VGW_OK, VGW_OK, true, 0},
        {FAKE_CAPS_ALL, VGW_OK, VGW_ENOTFOUND, false, FAKE_SECOND},
        {FAKE_CAPS_ALL, VGW_OK, VGW_OK, false, 11 * FAKE_SECOND},
        {FAKE_CAPS_ALL, VGW_OK, 1, false, 11 * FAKE_SECOND},
        {FAKE_CAPS_ALL, VGW_ENETWORK, 1, false, FAKE_SECOND},
        {FAKE_CAPS_ALL & ~VOICEGW_CAP_END, VGW_OK, 1, false, FAKE_SECOND},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fake *f = fake_new(1, rows[i].caps);
        struct vgw_call *call = fake_connected(f);
        f->op_status = rows[i].op_status;
        cr_expect_eq(fake_command(f, call, VGW_CMD_END, NULL, false), VGW_OK);
        cr_expect_eq(fake_command(f, call, VGW_CMD_END, NULL, false), VGW_OK, "twice is once");
        cr_expect_eq(f->done_count, 0);
        if (rows[i].end_status != 1)
            fake_complete(f, VGW_CMD_END, rows[i].end_status, NULL);
        if (rows[i].told)
            fake_report(f, call, VGW_CALL_ENDED, 0);
        fake_run(f, rows[i].within_us);
        cr_expect_eq(f->done_count, 2, "row %zu", i);
        cr_expect_eq(f->done_status, VGW_OK);
        cr_expect_str_eq(vgw_json_get_string(f->done_result, "state", ""), "ended");
        cr_expect_eq(fake_events(f, "call_ended", NULL), 1);
        fake_free(f);
    }
}

Test(call_command, hanging_up_while_it_rings_cancels)
{
    struct fake *f = fake_new(1, FAKE_CAPS_ALL);
    struct vgw_call *call = fake_place(f);
    fake_report(f, call, VGW_CALL_RINGING, 0);
    fake_command(f, call, VGW_CMD_END, NULL, false);
    fake_report(f, call, VGW_CALL_ENDED, VGW_OUTCOME_COMPLETED);
    cr_expect_str_eq(vgw_json_get_string(fake_last(f, "call_failed")->data, "status", ""), "canceled");
    fake_free(f);
}

Test(call_command, status_answers_by_itself_or_by_the_provider)
{
    struct fake *f = fake_new(1, FAKE_CAPS_ALL & ~VOICEGW_CAP_STATUS);
    struct vgw_call *call = fake_connected(f);
    cr_expect_eq(fake_command(f, call, VGW_CMD_STATUS, NULL, false), VGW_OK);
    cr_expect_eq(f->done_count, 0, "never from inside");
    fake_run(f, 0);
    cr_expect_eq(f->done_count, 1);
    cr_expect_str_eq(vgw_json_get_string(f->done_result, "state", ""), "connected");
    call->caps |= VOICEGW_CAP_STATUS;
    fake_command(f, call, VGW_CMD_STATUS, NULL, false);
    fake_complete(f, VGW_CMD_STATUS, 0, "{\"state\":\"ended\"}");
    cr_expect_eq(call->state, VGW_CALL_ENDED, "a lost callback is made good");
    fake_free(f);
}

Test(call_command, abandoned_commands_are_not_told)
{
    struct fake *f = fake_new(1, FAKE_CAPS_MEDIA);
    struct vgw_call *call = fake_place(f);
    fake_command(f, call, VGW_CMD_SAY, "{\"text\":\"x\"}", true);
    vgw_calls_abandon(f->calls, fake_done, f);
    fake_report(f, call, VGW_CALL_CONNECTED, 0);
    cr_expect_not(fake_has_op(f, VGW_CMD_SAY), "what only waited does not start");
    fake_command(f, call, VGW_CMD_SAY, "{\"text\":\"x\"}", true);
    vgw_calls_abandon(f->calls, fake_done, f);
    fake_complete(f, VGW_CMD_SAY, 0, NULL);
    cr_expect_eq(f->done_count, 0);
    fake_free(f);
}

Test(call_command, what_nobody_waits_for_is_stopped)
{
    static const struct {
        enum vgw_command command;
        const char *params;
    } rows[] = {{VGW_CMD_GATHER, "{\"num_digits\":1}"},
                {VGW_CMD_PLAY, "{\"url\":\"a.wav\",\"loop\":true}"},
                {VGW_CMD_SAY, "{\"text\":\"x\"}"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake *f = fake_new(1, FAKE_CAPS_MEDIA);
        struct vgw_call *call = fake_connected(f);
        fake_command(f, call, rows[i].command, rows[i].params, true);
        size_t before = f->op_count;
        uint64_t id = f->ops[before - 1].id;
        cr_expect_not(vgw_calls_op_abandoned(f->calls, id));
        vgw_calls_abandon(f->calls, fake_done, f);
        cr_expect(vgw_calls_op_abandoned(f->calls, id));
        cr_assert_eq(f->op_count, before + 1);
        cr_expect_eq(f->ops[before].command, (int)rows[i].command);
        cr_expect_eq(vgw_json_get_int(f->ops[before].params, "cancel", 0), (int64_t)id);
        fake_complete(f, rows[i].command, VGW_EBUSY, NULL);
        cr_expect_eq(f->done_count, 0);
        fake_free(f);
    }
}
