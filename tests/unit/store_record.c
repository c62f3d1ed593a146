#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "base/alloc.h"
#include "base/str.h"
#include "store/record.h"
#include "store/recover.h"

static void same_text(struct vgw_json *op, const char *wanted)
{
    char *text = vgw_json_text(op, false);
    cr_assert_str_eq(text, wanted);
    vgw_free(text);
    vgw_json_free(op);
}

Test(store_record, writes_only_what_is_known)
{
    struct vgw_record_session s;
    vgw_record_session_init(&s, "mock-1");
    s.channel = "phone";
    s.start_us = 5;
    s.status = "active";
    same_text(vgw_record_session_op(&s),
              "{\"op\":\"upsert\",\"table\":\"sessions\",\"key\":{\"session_id\":\"mock-1\"},"
              "\"values\":{\"channel\":\"phone\",\"status\":\"active\",\"start_time\":5}}");
    struct vgw_record_turn t;
    vgw_record_turn_init(&t, "mock-1", 2, "user");
    t.content = "hello";
    t.confidence = 0.5;
    same_text(vgw_record_turn_op(&t),
              "{\"op\":\"upsert\",\"table\":\"turns\",\"key\":{\"session_id\":\"mock-1\",\"turn_number\":2,"
              "\"role\":\"user\"},\"values\":{\"content\":\"hello\",\"confidence\":0.5,\"interrupted\":false}}");
    struct vgw_record_recording r;
    vgw_record_recording_init(&r, "rec-1");
    r.channels = 2;
    same_text(vgw_record_recording_op(&r), "{\"op\":\"upsert\",\"table\":\"recordings\",\"key\":{\"recording_id\":"
                                           "\"rec-1\"},\"values\":{\"channels\":2}}");
    same_text(vgw_record_state_op("lab", "k", NULL, 9),
              "{\"op\":\"delete\",\"table\":\"state\",\"key\":{\"scope\":\"lab\",\"name\":\"k\"}}");
    same_text(vgw_record_metric_op("s", "turn", 1.5, 7, NULL, "lab", NULL, NULL),
              "{\"op\":\"upsert\",\"table\":\"metrics\",\"key\":{\"session_id\":\"s\",\"metric_name\":\"turn\","
              "\"timestamp\":7},"
              "\"values\":{\"metric_value\":1.5,\"provider\":\"lab\"}}");
    vgw_record_session_init(&s, NULL);
    cr_assert_null(vgw_record_session_op(&s), "no key, no record");
}

Test(store_record, every_failed_allocation_gives_nothing)
{
    struct vgw_record_call c;
    vgw_record_call_init(&c, "call-1");
    c.provider = "lab";
    c.duration = 1;
    vgw_alloc_fail_at(100000);
    vgw_json_free(vgw_record_call_op(&c));
    long count = vgw_alloc_count();
    for (long n = 1; n <= count; n++) {
        vgw_alloc_fail_at(n);
        struct vgw_json *op = vgw_record_call_op(&c);
        vgw_alloc_fail_at(0);
        cr_assert_null(op, "allocation %ld", n);
    }
}

static char story[2048];

static void on_settled(void *arg, struct vgw_json *op, struct vgw_event *e)
{
    const struct vgw_json *key = vgw_json_get(op, "key"), *values = vgw_json_get(op, "values");
    char line[256];
    snprintf(line, sizeof line, "%s%s %s %.1f %s %s\n", vgw_json_get_string(key, "call_id", ""),
             vgw_json_get_string(key, "session_id", ""), vgw_json_get_string(values, "status", "?"),
             vgw_json_get_double(values, "duration", vgw_json_get_double(values, "duration_seconds", -1)), e->name,
             e->about.session_id ? e->about.session_id : "-");
    vgw_strcopy(story + strlen(story), sizeof story - strlen(story), line);
    cr_assert_eq(vgw_event_check(e->name, vgw_event_data(e), NULL), 0);
    vgw_json_free(op);
    vgw_event_unref(e);
}

Test(store_recover, closes_what_is_open_once_and_leaves_the_finished)
{
    struct vgw_recover *r = vgw_recover_new();
    struct vgw_json *row = NULL;
    const char *old =
        "{\"session_id\":\"s0\",\"status\":\"active\",\"start_time\":1000000,\"updated_at\":3000000,\"end_time\":null}";
    cr_assert_eq(vgw_json_parse(old, strlen(old), &row, NULL), 0);
    cr_assert_eq(vgw_recover_row(r, "sessions", row), 0);
    vgw_json_free(row);
    static const char *const ops[] = {
        "{\"op\":\"upsert\",\"table\":\"sessions\",\"key\":{\"session_id\":\"s1\"},\"values\":{\"status\":\"active\","
        "\"start_time\":"
        "2000000}}",
        "{\"op\":\"upsert\",\"table\":\"calls\",\"key\":{\"call_id\":\"c1\"},\"values\":{\"session_id\":\"s1\","
        "\"state\":\"initiating\","
        "\"created_at\":2000000}}",
        "{\"op\":\"upsert\",\"table\":\"calls\",\"key\":{\"call_id\":\"c1\"},\"values\":{\"state\":\"connected\","
        "\"answered_at\":"
        "3000000,\"updated_at\":5500000}}",
        "[{\"op\":\"upsert\",\"table\":\"sessions\",\"key\":{\"session_id\":\"s2\"},\"values\":{\"status\":\"active\"}}"
        ","
        "{\"op\":\"upsert\",\"table\":\"calls\",\"key\":{\"call_id\":\"c2\"},\"values\":{\"state\":\"connected\"}}]",
        "{\"op\":\"upsert\",\"table\":\"calls\",\"key\":{\"call_id\":\"c2\"},\"values\":{\"state\":\"ended\","
        "\"status\":\"completed\"}}",
        "{\"op\":\"upsert\",\"table\":\"sessions\",\"key\":{\"session_id\":\"s2\"},\"values\":{\"status\":"
        "\"completed\"}}",
        "{\"op\":\"upsert\",\"table\":\"turns\",\"key\":{\"session_id\":\"s1\",\"turn_number\":1,\"role\":\"user\"},"
        "\"values\":{}}",
        "not json",
        "[7]",
        /* what came late to those that are over and checkpointed: a price */
        "[{\"op\":\"upsert\",\"table\":\"calls\",\"key\":{\"call_id\":\"c3\"},\"values\":{\"cost\":0.5}},"
        "{\"op\":\"upsert\",\"table\":\"sessions\",\"key\":{\"session_id\":\"s3\"},\"values\":{\"cost\":0.5}}]",
    };
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        cr_assert_eq(vgw_recover_op(r, ops[i], strlen(ops[i])), 0);
    cr_assert_eq(vgw_recover_unreadable(r), 2);
    const struct vgw_json *call = NULL;
    size_t cursor = 0;
    cr_assert(vgw_recover_next_call(r, &cursor, &call));
    cr_assert_str_eq(vgw_json_get_string(call, "call_id", ""), "c1");
    cr_assert(!vgw_recover_next_call(r, &cursor, &call));
    cr_assert_eq(vgw_recover_settle(r, 9000000, on_settled, NULL), 3);
    cr_assert_str_eq(story, "c1 interrupted 2.5 call_ended s1\n"
                            "s0 interrupted 2.0 voice.session.stopped s0\n"
                            "s1 interrupted 0.0 voice.session.stopped s1\n");
    vgw_recover_free(r);
    vgw_recover_free(NULL);
}
