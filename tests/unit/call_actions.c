/* call_actions.c - the voice_* actions: parameters, results, and when they complete. */
#include "action/registry.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "call_fake.h"

struct asked {
    struct fake *f;
    struct vgw_action_registry *registry;
    int count, status;
    struct vgw_json *result;
};

static const char *department(void *arg, const char *name)
{
    return vgw_streq(name, "front_desk") ? "+15550100" : NULL;
}

static void on_answer(void *arg, vgw_action_handle handle, int status, struct vgw_json *result, const char *error)
{
    struct asked *a = arg;
    a->count++;
    a->status = status;
    vgw_json_free(a->result);
    a->result = vgw_json_ref(result);
}

static struct asked ask_new(void)
{
    struct asked a = {.f = fake_new(1, FAKE_CAPS_MEDIA | UINT64_C(0x20))};
    a.registry = vgw_action_registry_new(0);
    cr_assert_eq(vgw_call_actions_register(a.f->calls, a.registry, department, NULL, NULL), 0);
    cr_assert_eq(vgw_call_actions_register(a.f->calls, a.registry, department, NULL, NULL), VGW_EBUSY);
    return a;
}

static void ask_free(struct asked *a)
{
    fake_run(a->f, 8000 * FAKE_SECOND);
    cr_expect_eq(vgw_action_counts(a->registry).live, 0);
    vgw_json_free(a->result);
    vgw_action_registry_free(a->registry);
    fake_free(a->f);
}

static int ask(struct asked *a, const char *name, const char *params, const char *call_id,
               vgw_action_handle *ret_handle)
{
    struct vgw_json *v = fake_json(params);
    struct vgw_action_context context = {.call_id = call_id, .project_id = "default"};
    vgw_action_handle handle;
    struct vgw_error err = {0};
    int status =
        vgw_action_start(a->registry, name, v, &context, on_answer, a, ret_handle ? ret_handle : &handle, &err);
    cr_expect(status == VGW_OK || *err.text);
    vgw_json_free(v);
    return status;
}

Test(call_actions, the_outbound_workflow_of_the_contract)
{
    struct asked a = ask_new();
    cr_assert_eq(
        ask(&a, "voice_make_call", "{\"to_number\":\"+1234567890\",\"from_number\":\"+1800555000\"}", NULL, NULL), 0);
    cr_expect_eq(a.count, 1);
    cr_expect_str_eq(vgw_json_get_string(a.result, "state", ""), "initiating");
    char id[VGW_ID_MAX];
    vgw_strcopy(id, sizeof id, vgw_json_get_string(a.result, "call_id", ""));
    struct vgw_call *call = vgw_calls_find(a.f->calls, id);
    cr_assert_not_null(call);
    cr_assert_eq(ask(&a, "voice_play_tts", "{\"text\":\"Hello\"}", id, NULL), 0);
    fake_report(a.f, call, VGW_CALL_CONNECTED, 0);
    cr_expect(fake_complete(a.f, VGW_CMD_SAY, 0, "{\"heard_ms\":800,\"interrupted\":false}"));
    cr_expect_eq(a.count, 2);
    cr_expect_eq(vgw_json_get_int(a.result, "heard_ms", 0), 800);
    cr_assert_eq(ask(&a, "voice_end_call", NULL, id, NULL), 0);
    cr_expect_eq(a.count, 2, "done when it has ended");
    fake_report(a.f, call, VGW_CALL_ENDED, 0);
    cr_expect_eq(a.count, 3);
    cr_expect_str_eq(vgw_json_get_string(a.result, "state", ""), "ended");
    fake_run(a.f, FAKE_SECOND);
    cr_expect_eq(ask(&a, "voice_play_tts", "{\"text\":\"x\"}", id, NULL), VGW_ENOTFOUND);
    ask_free(&a);
}

Test(call_actions, a_made_call_can_be_awaited)
{
    static const struct {
        enum vgw_call_state state;
        enum vgw_outcome outcome;
        int status;
    } rows[] = {{VGW_CALL_CONNECTED, 0, VGW_OK},
                {VGW_CALL_FAILED, VGW_OUTCOME_BUSY, VGW_EBUSY},
                {VGW_CALL_FAILED, VGW_OUTCOME_NO_ANSWER, VGW_ETIMEOUT},
                {VGW_CALL_FAILED, VGW_OUTCOME_FAILED, VGW_EPROVIDER}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct asked a = ask_new();
        cr_assert_eq(
            ask(&a, "voice_make_call", "{\"to_number\":\"+1\",\"wait\":\"connected\",\"timeout\":\"20s\"}", NULL, NULL),
            0);
        cr_expect_eq(a.count, 0);
        fake_report(a.f, vgw_calls_next(a.f->calls, NULL), rows[i].state, rows[i].outcome);
        cr_expect_eq(a.count, 1);
        cr_expect_eq(a.status, rows[i].status, "row %zu", i);
        ask_free(&a);
    }
}

Test(call_actions, each_action_sends_its_command)
{
    static const struct {
        const char *name, *params;
        enum vgw_command command;
        const char *key, *value;
    } rows[] = {
        {"voice_play_audio", "{\"audio_url\":\"http://x/a.wav\"}", VGW_CMD_PLAY, "url", "http://x/a.wav"},
        {"voice_play_tts", "{\"text\":\"hi\",\"voice\":\"rms\"}", VGW_CMD_SAY, "voice", "rms"},
        {"voice_hold", "{\"music\":\"m\"}", VGW_CMD_HOLD, "music", "m"},
        {"voice_transfer", "{\"to_number\":\"+1999\"}", VGW_CMD_TRANSFER, "to", "+1999"},
        {"voice_transfer", "{\"department\":\"front_desk\",\"kind\":\"attended\"}", VGW_CMD_TRANSFER, "to",
         "+15550100"},
        {"voice_send_dtmf", "{\"digits\":\"12#\"}", VGW_CMD_DTMF, "digits", "12#"},
        {"voice_start_recording", NULL, VGW_CMD_RECORD_START, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct asked a = ask_new();
        struct vgw_call *call = fake_connected(a.f);
        cr_assert_eq(ask(&a, rows[i].name, rows[i].params, call->call_id, NULL), 0, "row %zu", i);
        cr_assert_eq(a.f->op_count, 1);
        cr_expect_eq((int)a.f->ops[0].command, (int)rows[i].command);
        if (rows[i].key)
            cr_expect_str_eq(vgw_json_get_string(a.f->ops[0].params, rows[i].key, ""), rows[i].value);
        cr_expect_eq(a.count, 0);
        fake_complete(a.f, (int)rows[i].command, 0, NULL);
        cr_expect_eq(a.count, 1);
        cr_expect_eq(a.status, VGW_OK);
        ask_free(&a);
    }
}

Test(call_actions, mistakes_are_told_and_status_tells_all)
{
    struct asked a = ask_new();
    cr_expect_eq(ask(&a, "voice_hold", NULL, NULL, NULL), VGW_EINVALID, "no call of its own");
    cr_expect_eq(ask(&a, "voice_make_call", "{\"to_number\":\"\"}", NULL, NULL), VGW_EINVALID);
    struct vgw_call *call = fake_connected(a.f);
    cr_expect_eq(ask(&a, "voice_transfer", NULL, call->call_id, NULL), VGW_EINVALID);
    cr_expect_eq(ask(&a, "voice_transfer", "{\"department\":\"moon\"}", call->call_id, NULL), VGW_EINVALID);
    cr_expect_eq(ask(&a, "voice_stop_recording", NULL, call->call_id, NULL), VGW_EBUSY);
    cr_expect_eq(ask(&a, "voice_get_status", NULL, call->call_id, NULL), 0);
    cr_expect_str_eq(vgw_json_get_string(a.result, "state", ""), "connected");
    cr_expect_eq(vgw_json_get_int(a.result, "count", 0), 1);
    cr_expect_eq(ask(&a, "voice_get_status", "{\"call_id\":\"none\"}", call->call_id, NULL), VGW_ENOTFOUND);
    ask_free(&a);
}

Test(call_actions, a_cancelled_action_is_forgotten)
{
    struct asked a = ask_new();
    struct vgw_call *call = fake_connected(a.f);
    vgw_action_handle handle;
    cr_assert_eq(ask(&a, "voice_play_tts", "{\"text\":\"hi\"}", call->call_id, &handle), 0);
    cr_expect(vgw_action_cancel(a.registry, handle));
    fake_complete(a.f, VGW_CMD_SAY, 0, NULL);
    cr_expect_eq(a.count, 0);
    ask_free(&a);
}
