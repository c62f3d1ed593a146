#include <criterion/criterion.h>
#include <string.h>
#include "event/event.h"
#include "event/ring.h"

static struct vgw_event *made(const char *name)
{
    struct vgw_json *data = vgw_json_object();
    vgw_json_set_string(data, "digit", "5");
    struct vgw_event_about about = {
        .session_id = "mock-1", .call_id = "call-1", .provider = "lab", .project_id = "default"};
    return vgw_event_new(name, &about, data, 0);
}

Test(event_event, text_is_the_contracts_envelope)
{
    struct vgw_event *e = made("dtmf_received");
    e->id = 42;
    e->wall_us = 1769949296789012;
    size_t len = 0;
    const char *text = vgw_event_text(e, &len);
    cr_assert_str_eq(text,
                     "{\"id\":42,\"type\":\"dtmf_received\",\"time\":\"2026-02-01T12:34:56.789012Z\","
                     "\"session_id\":\"mock-1\",\"call_id\":\"call-1\",\"provider_call_id\":null,\"provider\":\"lab\","
                     "\"plugin\":null,\"project_id\":\"default\",\"data\":{\"digit\":\"5\"}}");
    cr_assert_eq(len, strlen(text));
    cr_assert_eq(vgw_event_text(e, NULL), text, "rendered once");
    vgw_event_unref(e);
    vgw_event_unref(NULL);
}

Test(event_event, a_field_is_looked_for_in_data_then_in_the_envelope)
{
    struct vgw_event *e = made("dtmf_received");
    const char *text = NULL;
    cr_assert_str_eq(vgw_json_str(vgw_event_field(e, "digit", &text)), "5");
    cr_assert_null(vgw_event_field(e, "call_id", &text));
    cr_assert_str_eq(text, "call-1");
    text = NULL;
    cr_assert_null(vgw_event_field(e, "nothing", &text));
    cr_assert_null(text);
    vgw_event_unref(e);
}

Test(event_event, settling_keeps_the_text_and_a_holders_data)
{
    struct vgw_event *e = made("dtmf_received");
    vgw_event_ref(e);
    vgw_event_settle(e);
    cr_assert_not_null(vgw_event_data(e));
    vgw_event_unref(e);
    vgw_event_settle(e);
    cr_assert_null(vgw_event_data(e));
    cr_assert_not_null(strstr(vgw_event_text(e, NULL), "\"digit\":\"5\""));
    vgw_event_unref(e);
}

Test(event_catalogue, every_type_is_found_by_its_name_and_documented)
{
    for (unsigned type = 0; type < VGW_EVENT_TYPES; type++) {
        const struct vgw_event_info *info = vgw_event_info(type);
        cr_assert_not_null(info->name);
        cr_assert_not_null(info->help);
        cr_assert_eq(vgw_event_type_of(info->name), type);
        for (size_t i = 0; i < VGW_EVENT_FIELDS_MAX && info->fields[i].name; i++)
            cr_assert_not_null(info->fields[i].help);
    }
    cr_assert_eq(vgw_event_type_of("hello.world"), VGW_EVENT_OTHER);
    cr_assert_null(vgw_event_info(VGW_EVENT_OTHER));
}

Test(event_catalogue, data_is_checked_against_the_table)
{
    static const struct {
        const char *name, *data;
        int status;
    } rows[] = {
        {"call_ended", "{\"status\":\"completed\",\"duration\":61.5,\"cause\":null}", VGW_OK},
        {"call_ended", "{\"duration\":\"61\"}", VGW_EINVALID},
        {"call_ended", "{\"colour\":\"red\"}", VGW_EINVALID},
        {"voice.assistant.text", "{\"stages\":[]}", VGW_EINVALID},
        {"voice.tool.finished", "{\"result\":[1]}", VGW_OK},
        {"error", "{\"retryable\":true}", VGW_OK},
        {"hello.world", "{\"anything\":1}", VGW_OK},
        {"hello.world", "[]", VGW_EINVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vgw_json *data = NULL;
        struct vgw_error err;
        cr_assert_eq(vgw_json_parse(rows[i].data, strlen(rows[i].data), &data, NULL), 0);
        cr_assert_eq(vgw_event_check(rows[i].name, data, &err), rows[i].status, "%s %s", rows[i].name, rows[i].data);
        vgw_json_free(data);
    }
    cr_assert_eq(vgw_event_check("call_ended", NULL, NULL), VGW_OK);
}

static void append(struct vgw_ring *r)
{
    struct vgw_event *e = made("dtmf_received");
    cr_assert_eq(vgw_ring_append(r, e), 0);
    vgw_event_unref(e);
}

Test(event_ring, keeps_the_last_and_resumes_by_id)
{
    struct vgw_ring *r = vgw_ring_new(1000, 100, 0);
    uint64_t next = 0;
    cr_assert_eq(vgw_ring_resume(r, 0, &next), 0);
    cr_assert_eq(next, 1000);
    cr_assert_eq(vgw_ring_resume(r, 999, &next), 0, "the run's beginning");
    cr_assert_eq(vgw_ring_resume(r, 998, &next), VGW_ENOTFOUND, "an earlier run's");
    for (int i = 0; i < 250; i++)
        append(r);
    cr_assert_eq(vgw_ring_count(r), 100);
    cr_assert_eq(vgw_ring_oldest(r), 1150);
    cr_assert_eq(vgw_ring_next(r), 1250);
    cr_assert_eq(vgw_ring_at(r, 1150)->id, 1150);
    cr_assert_null(vgw_ring_at(r, 1149));
    cr_assert_null(vgw_ring_at(r, 1250));
    static const struct {
        uint64_t last;
        int status;
        uint64_t next;
    } rows[] = {{0, 0, 1150}, {1149, 0, 1150}, {1148, VGW_ENOTFOUND, 0}, {1249, 0, 1250}, {1250, VGW_ENOTFOUND, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        next = 0;
        cr_assert_eq(vgw_ring_resume(r, rows[i].last, &next), rows[i].status);
        cr_assert_eq(next, rows[i].next);
    }
    vgw_ring_free(r);
    vgw_ring_free(NULL);
}

Test(event_ring, is_bounded_in_bytes_and_lets_old_trees_go)
{
    struct vgw_ring *r = vgw_ring_new(1, 0, 400000);
    for (int i = 0; i < 3000; i++)
        append(r);
    cr_assert_leq(vgw_ring_bytes(r), 400000);
    cr_assert_gt(vgw_ring_count(r), 100);
    cr_assert_not_null(vgw_event_data(vgw_ring_at(r, 3000)));
    cr_assert_null(vgw_event_data(vgw_ring_at(r, vgw_ring_oldest(r))));
    vgw_ring_free(r);
}

Test(event_ring, ids_of_two_runs_never_meet)
{
    cr_assert_eq(vgw_ring_first_id(1700000000000000, 0), 1700000000000000);
    cr_assert_eq(vgw_ring_first_id(1700000000000000, 1800000000000000), 1800000000000000, "the clock was set back");
    cr_assert_eq(vgw_ring_first_id(-5, 0), 1);
}
