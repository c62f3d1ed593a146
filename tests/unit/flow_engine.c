/* Runs and rules in virtual time: every step type, errors, retries, hang-ups, reloads, bounds. */
#include "flow_world.h"

#define ID VGW_ID_MAX
#define CHILD                                                                                                          \
    "{\"id\":\"c\",\"steps\":[{\"type\":\"delay\",\"seconds\":1},{\"type\":\"stop\",\"result\":\"{{trigger.x}}\"}]}"
#define WF(steps) "{\"id\":\"w\",\"trigger_command\":\"/go\",\"steps\":[" steps "]}"

/* Workflows that need no outside help: what they leave behind. `args` is {"phone":"+1","n":3,"list":["a","b"]}. */
static const struct {
    const char *text, *show, *notes;
} simple[] = {
    {WF("{\"type\":\"log\",\"params\":{\"message\":\"to {{ trigger.phone }}\"}}"), "completed 0:log:completed",
     "event:workflow_started;log:to +1;event:workflow_finished;finished:completed;"},
    {WF("{\"type\":\"set\",\"params\":{\"x\":\"{{ trigger.n }}\",\"y\":[1]}},{\"type\":\"log\",\"message\":\"{{ x }} "
        "{{ y.0 }}\"}"),
     "completed 0:set:completed 1:log:completed", "log:3 1;"},
    {WF("{\"type\":\"if\",\"condition\":{\"field\":\"n\",\"operator\":\"gt\",\"value\":2},"
        "\"then\":[{\"type\":\"log\",\"message\":\"yes\"}],\"else\":[{\"type\":\"log\",\"message\":\"no\"}]},"
        "{\"type\":\"log\",\"message\":\"end\"}"),
     "completed 0:if:completed 1:log:completed 3:log:completed", "log:yes;log:end;"},
    {WF("{\"type\":\"if\",\"params\":{\"condition\":\"{{ trigger.none }}\",\"then\":[{\"type\":\"stop\"}],"
        "\"else\":[{\"type\":\"log\",\"message\":\"no\"}]}}"),
     "completed 0:if:completed 2:log:completed", "log:no;"},
    {WF("{\"type\":\"switch\",\"value\":\"{{ trigger.n "
        "}}\",\"cases\":{\"1\":[{\"type\":\"stop\"}],\"3\":[{\"type\":\"log\","
        "\"message\":\"three\"}]},\"default\":[{\"type\":\"stop\"}]}"),
     "completed 0:switch:completed 2:log:completed", "log:three;"},
    {WF("{\"type\":\"switch\",\"value\":\"zzz\",\"cases\":[{\"value\":1,\"steps\":[]}],\"default\":[{\"type\":\"log\","
        "\"message\":\"d\"}]}"),
     "completed 0:switch:completed 1:log:completed", "log:d;"},
    {WF("{\"type\":\"for_each\",\"items\":\"{{ trigger.list }}\",\"as\":\"n\",\"steps\":[{\"type\":\"log\","
        "\"message\":\"{{ n }}{{ loop.index }}{{ loop.last "
        "}}\"}],\"output_key\":\"r\"},{\"type\":\"log\",\"message\":\"{{ r.count }}{{ n }}\"}"),
     "completed 0:for_each:completed 1:log:completed 1:log:completed 2:log:completed", "log:a0false;log:b1true;log:2;"},
    {WF("{\"type\":\"for_each\",\"items\":{\"k\":1},\"steps\":[{\"type\":\"log\",\"message\":\"{{ item.key }}={{ "
        "item.value }}\"}]}"),
     "completed 0:for_each:completed 1:log:completed", "log:k=1;"},
    {WF("{\"type\":\"for_each\",\"items\":5,\"steps\":[{\"type\":\"log\",\"message\":\"x\"}]}"),
     "failed 0:for_each:failed", "event:workflow_failed;finished:failed;"},
    {WF("{\"type\":\"log\",\"message\":\"x\",\"when\":{\"field\":\"n\",\"operator\":\"eq\",\"value\":4}},{\"type\":"
        "\"log\",\"message\":\"y\"}"),
     "completed 0:log:skipped 1:log:completed", "log:y;"},
    {WF("{\"type\":\"stop\",\"params\":{\"status\":\"failed\",\"reason\":\"no "
        "more\"}},{\"type\":\"log\",\"message\":\"x\"}"),
     "failed 0:stop:completed", "event:workflow_failed;"},
    {WF("{\"type\":\"stop\"},{\"type\":\"log\",\"message\":\"x\"}"), "completed 0:stop:completed",
     "finished:completed;"},
    {WF("{\"type\":\"emit_event\",\"params\":{\"type\":\"order\",\"data\":{\"n\":\"{{ trigger.n }}\"}}}"),
     "completed 0:emit_event:completed", "event:order;"},
    {WF("{\"type\":\"instant\",\"params\":{\"text\":\"hi\"},\"output_key\":\"r\"},{\"type\":\"log\",\"message\":\"{{ "
        "r.heard }}\"}"),
     "completed 0:instant:completed 1:log:completed", "instant(hi,-);log:hi;"},
    {WF("{\"type\":\"send_sms\",\"params\":{\"to\":\"+1\",\"message\":\"x\"}}"), "failed 0:send_sms:failed",
     "finished:failed;"},
    {WF("{\"type\":\"send_sms\",\"params\":{\"to\":\"+1\",\"message\":\"x\"},\"on_error\":\"continue\",\"output_key\":"
        "\"r\"},"
        "{\"type\":\"log\",\"message\":\"{{ r.error_class }} {{ error.type }}\"}"),
     "completed 0:send_sms:failed 1:log:completed", "log:unsupported send_sms;"},
    {WF("{\"type\":\"send_sms\",\"params\":{\"to\":\"+1\",\"message\":\"x\"},\"on_error\":{\"steps\":[{\"type\":"
        "\"log\","
        "\"message\":\"sorry {{ error.error_class }}\"}]}},{\"type\":\"log\",\"message\":\"on\"}"),
     "completed 0:send_sms:failed 1:log:completed 2:log:completed", "log:sorry unsupported;log:on;"},
    {WF("{\"type\":\"send_sms\",\"params\":{\"to\":\"+1\",\"message\":\"x\"},\"on_error\":[{\"type\":\"tool\","
        "\"params\":{\"name\":\"t\"}}]}"),
     "failed 0:send_sms:failed 1:tool:failed", "event:workflow_failed;"},
    {WF("{\"type\":\"if\",\"condition\":true,\"on_error\":\"continue\",\"then\":[{\"type\":\"tool\",\"params\":{"
        "\"name\":\"t\"}},"
        "{\"type\":\"log\",\"message\":\"x\"}]},{\"type\":\"log\",\"message\":\"after\"}"),
     "completed 0:if:failed 1:tool:failed 3:log:completed", "log:after;"},
    {WF("{\"type\":\"instant\",\"sensitive\":true,\"params\":{\"text\":\"s3cret\"}},{\"type\":\"log\",\"sensitive\":"
        "true,\"message\":\"s\"}"),
     "completed 0:instant:completed 1:log:completed", "log:***;"},
    {"{\"id\":\"w\",\"strict\":true,\"steps\":[{\"type\":\"log\",\"message\":\"{{ trigger.nobody }}\"}]}",
     "failed 0:log:failed", "event:workflow_failed;"},
    {WF("{\"type\":\"run_workflow\",\"id\":\"nope\"}"), "failed 0:run_workflow:failed", "event:workflow_failed;"},
    {WF("{\"type\":\"run_workflow\",\"id\":\"w\"}"), "failed 0:run_workflow:failed", "event:workflow_failed;"},
};

Test(flow_engine, every_step_type_does_what_it_says)
{
    for (size_t i = 0; i < sizeof simple / sizeof *simple; i++) {
        struct world w;
        char id[ID];
        world_engine(&w, NULL);
        world_load1(&w, simple[i].text);
        world_start(&w, "w", "{\"phone\":\"+1\",\"n\":3,\"list\":[\"a\",\"b\"]}", NULL, id);
        const char *show = world_show(&w, id);
        cr_expect_str_eq(show, simple[i].show, "row %zu: %s instead of %s", i, show, simple[i].show);
        cr_expect(strstr(w.notes, simple[i].notes), "row %zu: %s", i, w.notes);
        cr_expect_eq(vgw_flow_engine_counts(w.engine).live, 0);
        world_close(&w);
    }
}

Test(flow_engine, the_outbound_example_runs_with_its_delays_and_its_own_call)
{
    struct world w;
    char id[ID];
    struct vgw_error err = {0};
    world_engine(&w, NULL);
    world_load1(&w, "{\"id\":\"outbound\",\"trigger_command\":\"/call\",\"steps\":["
                    "{\"type\":\"voice_make_call\",\"params\":{\"to_number\":\"{{trigger.phone}}\"},\"output_key\":"
                    "\"call_result\"},"
                    "{\"type\":\"delay\",\"params\":{\"seconds\":5}},"
                    "{\"type\":\"instant\",\"params\":{\"call_id\":\"{{call_result.call_id}}\",\"text\":\"Hello\"}},"
                    "{\"type\":\"delay\",\"params\":{\"seconds\":\"10s\"}},"
                    "{\"type\":\"voice_end_call\",\"params\":{\"call_id\":\"{{call_result.call_id}}\"}},"
                    "{\"type\":\"log\",\"message\":\"done\"}]}");
    struct vgw_json *args = world_json("{\"phone\":\"+123\"}");
    struct vgw_flow_request q = {.args = args};
    cr_assert_eq(vgw_flow_engine_command(w.engine, "/cal", &q, w.now, id, &err), VGW_ENOTFOUND);
    cr_assert(strstr(err.text, "did you mean /call"), "%s", err.text);
    cr_assert_eq(vgw_flow_engine_command(w.engine, "call", &q, w.now, id, &err), 0);
    vgw_json_free(args);
    cr_assert(strstr(w.notes, "call(+123);"));
    cr_assert(vgw_flow_engine_holds_call(w.engine, "c-7"));
    cr_assert_eq(vgw_flow_engine_next_deadline(w.engine), w.now + 5000000);
    world_after(&w, 4.9);
    cr_assert_not(strstr(w.notes, "Hello"));
    world_after(&w, 0.2);
    cr_assert(strstr(w.notes, "instant(Hello,c-7);"), "%s", w.notes);
    world_after(&w, 10);
    /* The end that voice_end_call brings about is no hang-up, although the event comes before the answer. */
    world_event(&w, "{\"type\":\"call_ended\",\"call_id\":\"c-7\",\"data\":{}}");
    cr_assert(vgw_action_complete(w.reg, w.ops[0], 0, world_json("{\"state\":\"ended\"}"), NULL));
    cr_assert(strstr(w.notes, "log:done;event:workflow_finished;lets go:c-7;finished:completed;"), "%s", w.notes);
    cr_assert_not(vgw_flow_engine_holds_call(w.engine, "c-7"));
    world_close(&w);
}

Test(flow_engine, retries_back_off_and_give_up)
{
    static const struct {
        const char *step;
        int fail, tries;
        double seconds;
        const char *status;
    } rows[] = {
        {"{\"type\":\"flaky\",\"retry\":{\"max\":3,\"backoff\":\"1s\"}}", 2, 3, 3.0, "completed"},
        {"{\"type\":\"flaky\",\"retry\":{\"max\":3,\"backoff\":\"1s\"}}", 9, 4, 7.0, "failed"},
        {"{\"type\":\"flaky\",\"retry\":2}", 1, 2, 1.0, "completed"},
        {"{\"type\":\"flaky\"}", 1, 1, 0.0, "failed"},
        {"{\"type\":\"flaky\",\"retry\":{\"max\":9,\"backoff\":\"40s\"}}", 3, 4, 160.0, "completed"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        char id[ID], text[300];
        world_engine(&w, NULL);
        (void)snprintf(text, sizeof text, "{\"id\":\"w\",\"steps\":[%s]}", rows[i].step);
        world_load1(&w, text);
        w.fail_next = rows[i].fail;
        int64_t began = w.now;
        world_start(&w, "w", "{}", NULL, id);
        int64_t last = began;
        for (int64_t at; (at = vgw_flow_engine_next_deadline(w.engine)) != INT64_MAX; last = at)
            world_until(&w, at);
        cr_expect_eq(w.tries, rows[i].tries, "row %zu: %d tries", i, w.tries);
        cr_expect_eq(last - began, (int64_t)(rows[i].seconds * 1e6), "row %zu: %lld us", i, (long long)(last - began));
        cr_expect(strncmp(world_show(&w, id), rows[i].status, strlen(rows[i].status)) == 0, "row %zu", i);
        world_close(&w);
    }
}

Test(flow_engine, an_action_out_of_time_is_cancelled_and_repeated_only_when_that_is_safe)
{
    struct world w;
    char id[ID];
    world_engine(&w, NULL);
    world_load1(&w, WF("{\"type\":\"slow\",\"timeout\":\"2s\",\"retry\":2}"));
    world_start(&w, "w", "{}", NULL, id);
    world_after(&w, 2);
    cr_assert_eq(w.tries, 1);
    cr_assert(strstr(w.notes, "cancelled;event:workflow_failed"), "%s", w.notes);
    cr_assert(world_run_error(&w, id, "slow did not end in time"));
    cr_assert_not(vgw_action_complete(w.reg, w.ops[0], 0, NULL, NULL));
    world_load1(&w, WF("{\"type\":\"slow_idem\",\"retry\":2}"));
    w.tries = 0;
    world_start(&w, "w", "{}", NULL, id);
    world_after(&w, 12);
    cr_assert_eq(w.tries, 2);
    cr_assert(vgw_action_complete(w.reg, w.ops[w.op_count - 1], 0, NULL, NULL));
    cr_assert_str_eq(world_show(&w, id), "completed 0:slow_idem:completed");
    world_load1(&w, WF("{\"type\":\"slow\",\"timeout\":1,\"retry\":{\"max\":1,\"after_timeout\":true}}"));
    w.tries = 0;
    world_start(&w, "w", "{}", NULL, id);
    world_after(&w, 10);
    cr_assert_eq(w.tries, 2);
    world_close(&w);
}

Test(flow_engine, wait_for_takes_the_right_event_of_its_own_call)
{
    struct world w;
    char id[ID];
    world_engine(&w, NULL);
    world_load1(
        &w,
        WF("{\"type\":\"wait_for\",\"event_type\":[\"dtmf_received\",\"order\"],\"conditions\":[{\"field\":\"digit\","
           "\"operator\":\"eq\",\"value\":\"{{ trigger.want }}\"}],\"timeout\":\"30s\",\"output_key\":\"ev\"},"
           "{\"type\":\"log\",\"message\":\"{{ ev.digit }} {{ ev.call_id }} {{ ev.type }}\"}"));
    world_start(&w, "w", "{\"want\":\"5\"}", "c-1", id);
    world_event(&w, "{\"type\":\"dtmf_received\",\"call_id\":\"c-2\",\"data\":{\"digit\":\"5\"}}");
    world_event(&w, "{\"type\":\"dtmf_received\",\"call_id\":\"c-1\",\"data\":{\"digit\":\"4\"}}");
    world_event(&w, "{\"type\":\"speech_detected\",\"call_id\":\"c-1\",\"data\":{\"digit\":\"5\"}}");
    cr_assert_str_eq(world_show(&w, id), "running 0:wait_for:running");
    world_event(&w, "{\"type\":\"dtmf_received\",\"call_id\":\"c-1\",\"data\":{\"digit\":\"5\"}}");
    cr_assert(strstr(w.notes, "log:5 c-1 dtmf_received;"), "%s", w.notes);
    world_start(&w, "w", "{\"want\":\"5\"}", "c-1", id);
    world_after(&w, 31);
    cr_assert_str_eq(world_show(&w, id), "failed 0:wait_for:failed");
    cr_assert(world_run_error(&w, id, "no dtmf_received came in time"));
    /* A loop of waits takes one event each. */
    world_load1(&w, WF("{\"type\":\"for_each\",\"items\":[1,2],\"steps\":[{\"type\":\"wait_for\",\"event_type\":"
                       "\"tick\",\"call_id\":\"*\"}]}"));
    world_start(&w, "w", "{}", "c-1", id);
    world_event(&w, "{\"type\":\"tick\",\"call_id\":\"c-9\"}");
    cr_assert_str_eq(world_show(&w, id), "running 0:for_each:running 1:wait_for:completed 1:wait_for:running");
    world_event(&w, "{\"type\":\"tick\"}");
    cr_assert(strncmp(world_show(&w, id), "completed", 9) == 0);
    world_close(&w);
}

Test(flow_engine, a_hang_up_ends_the_run_unless_it_shall_continue)
{
    struct world w;
    char id[ID];
    world_engine(&w, NULL);
    world_load1(&w, WF("{\"type\":\"slow\"},{\"type\":\"log\",\"message\":\"x\"}"));
    world_start(&w, "w", "{}", "c-1", id);
    world_event(&w, "{\"type\":\"call_ended\",\"call_id\":\"c-2\"}");
    cr_assert_str_eq(world_show(&w, id), "running 0:slow:running");
    world_event(&w, "{\"type\":\"call_ended\",\"call_id\":\"c-1\"}");
    cr_assert_str_eq(world_show(&w, id), "canceled 0:slow:failed");
    cr_assert(world_run_error(&w, id, "the call has ended"));
    cr_assert(strstr(w.notes, "cancelled;"));
    world_load1(&w, "{\"id\":\"w\",\"on_hangup\":\"continue\",\"steps\":[{\"type\":\"delay\",\"seconds\":1},{\"type\":"
                    "\"log\",\"message\":\"x\"}]}");
    world_start(&w, "w", "{}", "c-1", id);
    world_event(&w, "{\"type\":\"call_failed\",\"call_id\":\"c-1\"}");
    world_after(&w, 2);
    cr_assert(strstr(w.notes, "log:x;"));
    world_load1(&w, WF("{\"type\":\"wait_for\",\"event_type\":\"call_ended\"},{\"type\":\"log\",\"message\":\"bye\"}"));
    world_start(&w, "w", "{}", "c-1", id);
    world_event(&w, "{\"type\":\"call_ended\",\"call_id\":\"c-1\"}");
    cr_assert(strstr(w.notes, "log:bye;"));
    world_close(&w);
}

Test(flow_engine, a_run_holds_its_call_until_it_ends)
{
    struct world w;
    char id[ID];
    world_engine(&w, NULL);
    world_load1(&w, WF("{\"type\":\"delay\",\"seconds\":2}"));
    world_start(&w, "w", "{}", "c-1", id);
    cr_assert(strstr(w.notes, "holds:c-1;") && !strstr(w.notes, "lets go"), "%s", w.notes);
    cr_assert_eq(w.armed_us, w.now + 2000000, "whoever ticks is told when");
    world_after(&w, 3);
    cr_assert(strstr(w.notes, "lets go:c-1;"), "%s", w.notes);
    cr_assert_eq(w.armed_us, INT64_MAX);
    w.notes[0] = '\0';
    world_load1(&w, WF("{\"type\":\"voice_make_call\",\"params\":{\"to_number\":\"+1\"}},{\"type\":\"stop\"}"));
    world_start(&w, "w", "{}", NULL, id);
    cr_assert(strstr(w.notes, "holds:c-7;") && strstr(w.notes, "lets go:c-7;"), "also one that it made: %s", w.notes);
    w.notes[0] = '\0';
    const char *rule =
        "{\"id\":\"r\",\"trigger\":\"call_answered\",\"actions\":[{\"type\":\"log\",\"message\":\"x\"}]}";
    world_load1(&w, rule);
    world_event(&w, "{\"type\":\"call_answered\",\"call_id\":\"c-1\"}");
    cr_assert(strstr(w.notes, "log:x;") && !strstr(w.notes, "holds"), "a rule holds none: %s", w.notes);
    world_close(&w);
}

Test(flow_engine, a_sensitive_step_tells_nobody_why_it_failed)
{
    struct world w;
    char id[ID];
    world_engine(&w, NULL);
    world_load1(&w, WF("{\"type\":\"if\",\"condition\":{\"field\":\"x\",\"operator\":\"eq\",\"value\":null},\"then\":["
                       "{\"type\":\"flaky\",\"sensitive\":true}]}"));
    w.fail_next = 1;
    world_start(&w, "w", "{}", NULL, id);
    struct vgw_json *run = vgw_flow_engine_show(w.engine, id);
    char *text = vgw_json_text(run, false);
    cr_assert_str_eq(vgw_json_get_string(run, "status", ""), "failed");
    cr_assert_null(strstr(text, "the line is cut"), "%s", text);
    vgw_free(text);
    vgw_json_free(run);
    world_close(&w);
}

Test(flow_engine, a_run_can_be_cancelled_in_every_state)
{
    static const struct {
        const char *steps, *show;
    } rows[] = {
        {"{\"type\":\"delay\",\"seconds\":9}", "canceled 0:delay:canceled"},
        {"{\"type\":\"slow\"}", "canceled 0:slow:canceled"},
        {"{\"type\":\"wait_for\",\"event_type\":\"x\"}", "canceled 0:wait_for:canceled"},
        {"{\"type\":\"flaky\",\"retry\":3}", "canceled 0:flaky:canceled"},
        {"{\"type\":\"for_each\",\"items\":[1],\"steps\":[{\"type\":\"if\",\"condition\":true,\"then\":[{\"type\":"
         "\"slow\"}]}]}",
         "canceled 0:for_each:canceled 1:if:canceled 2:slow:canceled"},
        {"{\"type\":\"tool\",\"params\":{\"name\":\"x\"},\"on_error\":[{\"type\":\"slow\"}]}",
         "canceled 0:tool:failed 1:slow:canceled"},
        {"{\"type\":\"run_workflow\",\"id\":\"child\"}", "canceled 0:run_workflow:canceled"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        char id[ID], text[400];
        struct vgw_error err = {0};
        world_engine(&w, NULL);
        (void)snprintf(text, sizeof text, "{\"id\":\"w\",\"steps\":[%s]}", rows[i].steps);
        const char *texts[] = {text, "{\"id\":\"child\",\"steps\":[{\"type\":\"slow\"}]}"};
        world_load(&w, texts, 2);
        w.fail_next = 1;
        world_start(&w, "w", "{}", NULL, id);
        cr_expect_eq(vgw_flow_engine_cancel(w.engine, id, w.now, &err), 0, "row %zu: %s", i, err.text);
        cr_expect_str_eq(world_show(&w, id), rows[i].show, "row %zu: %s", i, world_show(&w, id));
        cr_expect_eq(vgw_flow_engine_cancel(w.engine, id, w.now, &err), VGW_EBUSY);
        cr_expect_eq(vgw_flow_engine_counts(w.engine).live, 0, "row %zu", i);
        cr_expect_eq(vgw_action_counts(w.reg).live, 0, "row %zu", i);
        cr_expect_eq(vgw_flow_engine_next_deadline(w.engine), INT64_MAX, "row %zu", i);
        world_close(&w);
    }
}

Test(flow_engine, a_run_keeps_the_definition_it_started_with)
{
    struct world w;
    char id[ID], id2[ID];
    world_engine(&w, NULL);
    world_load1(&w, WF("{\"type\":\"delay\",\"seconds\":1},{\"type\":\"log\",\"message\":\"old\"}"));
    world_start(&w, "w", "{}", NULL, id);
    world_load1(&w, WF("{\"type\":\"log\",\"message\":\"new\"}"));
    world_start(&w, "w", "{}", NULL, id2);
    world_after(&w, 2);
    cr_assert(strstr(w.notes, "log:new;"));
    cr_assert(strstr(w.notes, "log:old;"));
    cr_assert_str_eq(world_show(&w, id), "completed 0:delay:completed 1:log:completed");
    world_close(&w);
}

Test(flow_engine, workflows_run_workflows_and_get_their_result)
{
    static const char *const texts[] = {
        WF("{\"type\":\"run_workflow\",\"id\":\"c\",\"trigger\":{\"x\":\"{{ trigger.n }}\"},\"output_key\":\"r\"},"
           "{\"type\":\"log\",\"message\":\"{{ r.status }} {{ r.result }}\"},"
           "{\"type\":\"run_workflow\",\"id\":\"bad\",\"on_error\":\"continue\"},"
           "{\"type\":\"run_workflow\",\"id\":\"c\",\"wait\":false,\"output_key\":\"q\"},{\"type\":\"log\",\"message\":"
           "\"{{ q.status }}\"}"),
        CHILD,
        "{\"id\":\"bad\",\"steps\":[{\"type\":\"stop\",\"status\":\"failed\",\"reason\":\"why not\"}]}",
    };
    struct world w;
    char id[ID];
    world_engine(&w, NULL);
    world_load(&w, texts, 3);
    world_start(&w, "w", "{\"n\":8}", NULL, id);
    world_after(&w, 1);
    cr_assert(strstr(w.notes, "log:completed 8;"), "%s", w.notes);
    cr_assert(strstr(w.notes, "log:running;"), "%s", w.notes);
    cr_assert(strncmp(world_show(&w, id), "completed", 9) == 0);
    world_after(&w, 2);
    cr_assert_eq(vgw_flow_engine_counts(w.engine).live, 0);
    world_close(&w);
}

Test(flow_engine, a_thousand_runs_do_not_disturb_one_another)
{
    struct world w;
    char id[ID], first[ID] = "";
    struct vgw_error err = {0};
    world_engine(&w, NULL);
    w.feed_back = false;
    world_load1(&w,
                WF("{\"type\":\"set\",\"params\":{\"mine\":\"{{ trigger.n }}\"}},{\"type\":\"delay\",\"seconds\":\"{{ "
                   "trigger.d }}\"},"
                   "{\"type\":\"slow\"},{\"type\":\"wait_for\",\"event_type\":\"go\",\"conditions\":{\"field\":\"n\","
                   "\"operator\":\"eq\",\"value\":\"{{ mine }}\"}},{\"type\":\"stop\",\"result\":\"{{ mine }}\"}"));
    for (int i = 0; i < 1000; i++) {
        char args[100];
        (void)snprintf(args, sizeof args, "{\"n\":%d,\"d\":%d}", i, (i * 7919) % 13);
        world_start(&w, "w", args, NULL, id);
        if (i == 0)
            (void)snprintf(first, sizeof first, "%s", id);
    }
    cr_assert_eq(vgw_flow_engine_run(w.engine, "w", NULL, w.now, id, &err), VGW_ELIMIT);
    world_after(&w, 20);
    cr_assert_eq(w.op_count, 1000);
    for (int i = 999; i >= 0; i--)
        cr_assert(vgw_action_complete(w.reg, w.ops[i], 0, NULL, NULL));
    for (int i = 0; i < 1000; i++) {
        char text[100];
        (void)snprintf(text, sizeof text, "{\"type\":\"go\",\"data\":{\"n\":%d}}", (i * 7) % 1000);
        world_event(&w, text);
        cr_assert_eq(vgw_flow_engine_counts(w.engine).completed, (uint64_t)i + 1);
    }
    struct vgw_json *show = vgw_flow_engine_show(w.engine, first);
    cr_assert_eq(vgw_json_get_int(show, "result", -1), 0);
    vgw_json_free(show);
    world_close(&w);
}

Test(flow_engine, runs_are_bounded_in_steps_time_items_and_history)
{
    struct vgw_flow_limits limits = vgw_flow_limits_default;
    struct world w;
    char id[ID], first[ID];
    limits.max_steps = 50;
    limits.max_run_us = 10000000;
    limits.max_items = 100;
    limits.max_history = 3;
    limits.max_log = 16;
    limits.steps_a_turn = 7;
    world_engine(&w, &limits);
    world_load1(
        &w,
        WF("{\"type\":\"for_each\",\"items\":\"{{ trigger.l }}\",\"steps\":[{\"type\":\"log\",\"message\":\"x\"}]}"));
    world_start(&w, "w",
                "{\"l\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,"
                "35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51]}",
                NULL, first);
    cr_assert(strncmp(world_show(&w, first), "running", 7) == 0);
    world_after(&w, 0);
    cr_assert(world_run_error(&w, first, "50 steps"));
    struct vgw_json *show = vgw_flow_engine_show(w.engine, first);
    cr_assert_eq(vgw_json_count(vgw_json_get(show, "steps")), 16);
    cr_assert_eq(vgw_json_get_int(show, "steps_dropped", 0), 34);
    vgw_json_free(show);
    world_load1(&w, WF("{\"type\":\"delay\",\"seconds\":100}"));
    world_start(&w, "w", "{}", NULL, id);
    world_after(&w, 11);
    cr_assert(world_run_error(&w, id, "longer than 10 s"));
    for (int i = 0; i < 3; i++) {
        world_start(&w, "w", "{}", NULL, id);
        world_after(&w, 11);
    }
    cr_assert_eq(vgw_flow_engine_counts(w.engine).kept, 3);
    cr_assert_null(vgw_flow_engine_show(w.engine, first));
    struct vgw_json *list = vgw_flow_engine_list(w.engine, "w", "failed", NULL, NULL, 2);
    cr_assert_eq(vgw_json_get_int(list, "count", 0), 2);
    struct vgw_json *rest =
        vgw_flow_engine_list(w.engine, NULL, NULL, NULL, vgw_json_get_string(list, "next_cursor", ""), 2);
    cr_assert_eq(vgw_json_get_int(rest, "count", 0), 1);
    vgw_json_free(list);
    vgw_json_free(rest);
    world_close(&w);
}

Test(flow_engine, every_failed_allocation_is_borne)
{
    static const char *const texts[] = {
        WF("{\"type\":\"voice_make_call\",\"params\":{\"to_number\":\"{{ trigger.n }}\"},\"output_key\":\"r\"},"
           "{\"type\":\"for_each\",\"items\":[1,2],\"steps\":[{\"type\":\"delay\",\"seconds\":1},{\"type\":\"instant\","
           "\"params\":"
           "{\"text\":\"{{ item "
           "}}\"},\"on_error\":\"continue\"}]},{\"type\":\"wait_for\",\"event_type\":\"go\",\"timeout\":5}"),
        "{\"id\":\"r\",\"trigger\":{\"event_type\":\"*\"},\"actions\":[{\"type\":\"log\",\"message\":\"{{ trigger.type "
        "}}\"}]}",
    };
    for (long n = 1; n < 700; n += 1 + n / 100) {
        struct world w;
        struct vgw_error err = {0};
        world_engine(&w, NULL);
        w.feed_back = false;
        world_load(&w, texts, 2);
        struct vgw_json *event = world_json("{\"type\":\"go\",\"data\":{\"n\":1}}");
        struct vgw_flow_request q = {.event = event};
        vgw_alloc_fail_at(n);
        (void)vgw_flow_engine_run(w.engine, "w", &q, w.now, NULL, &err);
        for (int i = 0; i < 4; i++) {
            w.now += 1000000;
            vgw_flow_engine_tick(w.engine, w.now);
        }
        vgw_flow_engine_on_event(w.engine, event, w.now);
        vgw_json_free(vgw_flow_engine_list(w.engine, NULL, NULL, NULL, NULL, 0));
        vgw_alloc_fail_at(0);
        world_after(&w, 4000);
        cr_expect_eq(vgw_flow_engine_counts(w.engine).live, 0, "allocation %ld", n);
        vgw_json_free(event);
        world_close(&w);
    }
}
