/* call_json.c - the shapes, key by key. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "call_fake.h"

static void expect_keys(const struct vgw_json *o, const char *expected)
{
    struct vgw_buf b = {0};
    const char *key;
    struct vgw_json *v;
    for (size_t i = 0; vgw_json_object_next(o, &i, &key, &v);)
        vgw_buf_printf(&b, "%s%s", b.len ? " " : "", key);
    cr_expect_str_eq(vgw_buf_str(&b), expected);
    vgw_buf_done(&b);
}

Test(call_json, a_call_has_these_keys)
{
    struct fake *f = fake_new(1, FAKE_CAPS_ALL);
    struct vgw_call *call = fake_connected(f);
    fake_run(f, 2 * FAKE_SECOND);
    struct vgw_json *o = vgw_call_to_json(call);
    expect_keys(o, "call_id provider_call_id session_id provider plugin direction from to state status created_at "
                   "answered_at ended_at "
                   "duration total_duration cost currency");
    cr_expect_str_eq(vgw_json_get_string(o, "provider", ""), "lab");
    cr_expect_str_eq(vgw_json_get_string(o, "plugin", ""), "mock");
    cr_expect_str_eq(vgw_json_get_string(o, "status", ""), "active");
    cr_expect_str_eq(vgw_json_get_string(o, "created_at", ""), "2026-02-02T02:40:00.000000Z");
    cr_expect_float_eq(vgw_json_get_double(o, "duration", 0), 2, 0.001);
    cr_expect_eq(vgw_json_type(vgw_json_get(o, "cost")), VGW_JSON_NULL);
    cr_expect_eq(vgw_json_type(vgw_json_get(o, "ended_at")), VGW_JSON_NULL);
    vgw_json_free(o);
    fake_free(f);
}

Test(call_json, a_session_has_these_keys_and_an_older_form)
{
    struct fake *f = fake_new(1, FAKE_CAPS_ALL);
    struct vgw_call *call = fake_incoming(f, "CA5");
    struct vgw_json *o = vgw_session_to_json(call->session, false);
    expect_keys(
        o, "session_id call_sid from to state created_at last_activity status project_id channel direction caller_id "
           "provider "
           "plugin transport transport_metadata stt_provider language variables lead_id reservation_id calls turns");
    expect_keys(vgw_json_get(o, "transport_metadata"), "call_sid stream_sid from_number to_number");
    cr_expect_str_eq(vgw_json_get_string(o, "caller_id", ""), "+1444");
    cr_expect_str_eq(vgw_json_get_string(o, "state", ""), "created");
    cr_expect_eq(vgw_json_count(vgw_json_get(o, "calls")), 1);
    vgw_json_free(o);
    o = vgw_session_to_json(call->session, true);
    cr_expect_str_eq(vgw_json_get_string(o, "state", ""), "ringing");
    cr_expect_float_eq(vgw_json_get_double(o, "created_at", 0), 1770000000.0, 0.001);
    vgw_json_free(o);
    fake_free(f);
}

Test(call_json, a_transcript_and_a_record_have_these_keys)
{
    struct fake *f = fake_new(1, FAKE_CAPS_ALL);
    struct vgw_call *call = fake_connected(f);
    struct vgw_json *stages = fake_json("{\"final\":12}");
    vgw_session_add_turn(call->session, "user", "two \"rooms\"", -1, 0.5, false, NULL, NULL);
    vgw_session_add_turn(call->session, "assistant", "Yes.", 120, -1, true, stages, NULL);
    vgw_session_tool_used(call->session, "book_room");
    struct vgw_json *o = vgw_session_transcript_json(call->session);
    expect_keys(o, "session_id turns");
    const struct vgw_json *turn = vgw_json_path(o, "turns.1");
    expect_keys(turn, "turn_number role content audio_url latency_ms timestamp confidence interrupted stages");
    cr_expect_eq(vgw_json_get_int(turn, "turn_number", 0), 2);
    cr_expect_eq(vgw_json_get_int(vgw_json_get(turn, "stages"), "final", 0), 12);
    cr_expect_eq(vgw_json_type(vgw_json_get(turn, "confidence")), VGW_JSON_NULL);
    vgw_json_free(o);
    fake_report(f, call, VGW_CALL_ENDED, 0);
    fake_run(f, FAKE_SECOND);
    o = f->records[0];
    expect_keys(o, "session_id project_id channel caller_id direction provider plugin start_time end_time "
                   "duration_seconds status reason "
                   "recording_url transcription sentiment_score tools_executed lead_id reservation_id cost language "
                   "transport variables "
                   "calls turns");
    cr_expect_str_eq(vgw_json_get_string(o, "transcription", ""), "user: two \"rooms\"\nassistant: Yes.");
    cr_expect_str_eq(vgw_json_str(vgw_json_path(o, "tools_executed.0")), "book_room");
    cr_expect_str_eq(vgw_json_str(vgw_json_path(o, "calls.0.status")), "completed");
    cr_expect_eq(vgw_json_count(vgw_json_get(o, "turns")), 2);
    vgw_json_free(stages);
    fake_free(f);
}
