/* Rules: what fires, what is held back, and that none feeds itself for ever. */
#include "flow_world.h"

#define RULE(head, message)                                                                                            \
    "{\"id\":\"r\"," head ",\"actions\":[{\"type\":\"log\",\"params\":{\"message\":\"" message "\"}}]}"
#define ENDED(n) "{\"type\":\"call_ended\",\"call_id\":\"c-1\",\"data\":{\"duration\":" #n "}}"

static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, part)); p += strlen(part))
        n++;
    return n;
}

Test(flow_rule, the_example_fires_for_long_calls_only)
{
    struct world w;
    world_engine(&w, NULL);
    world_load1(&w,
                RULE("\"trigger\":{\"type\":\"voice_event\",\"event_type\":\"call_ended\"},\"conditions\":[{\"field\":"
                     "\"duration\",\"operator\":\"gt\",\"value\":60}]",
                     "Long call ended: {{trigger.call_id}}"));
    world_event(&w, ENDED(10));
    world_event(&w, "{\"type\":\"call_failed\",\"data\":{\"duration\":99}}");
    cr_assert_str_empty(w.notes);
    world_event(&w, ENDED(61));
    cr_assert_str_eq(w.notes, "log:Long call ended: c-1;rule:completed;");
    const struct vgw_rule_state *s = vgw_flow_engine_rule_state(w.engine, "r");
    cr_assert(s->matched == 1 && s->fired == 1 && s->suppressed == 0);
    world_close(&w);
}

Test(flow_rule, lists_and_stars_name_types)
{
    static const struct {
        const char *types;
        size_t fires; /* for a, b, c */
    } rows[] = {{"\"a\"", 1}, {"[\"a\",\"b\"]", 2}, {"\"*\"", 3}, {"[\"a\",\"*\"]", 3}, {"\"z\"", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        char text[300];
        world_engine(&w, NULL);
        (void)snprintf(
            text, sizeof text,
            "{\"id\":\"r\",\"trigger\":{\"event_type\":%s},\"actions\":[{\"type\":\"log\",\"message\":\"x\"}]}",
            rows[i].types);
        world_load1(&w, text);
        world_event(&w, "{\"type\":\"a\"}");
        world_event(&w, "{\"type\":\"b\"}");
        world_event(&w, "{\"type\":\"c\"}");
        cr_expect_eq(count(w.notes, "log:x"), rows[i].fires, "%s: %s", rows[i].types, w.notes);
        world_close(&w);
    }
}

Test(flow_rule, debounce_fires_once_with_the_last_event)
{
    struct world w;
    world_engine(&w, NULL);
    world_load1(&w, RULE("\"debounce\":\"2s\",\"trigger\":{\"event_type\":\"call_ended\"}", "{{ trigger.duration }}"));
    world_event(&w, ENDED(1));
    world_after(&w, 1);
    world_event(&w, ENDED(2));
    world_after(&w, 1.5);
    cr_assert_str_empty(w.notes);
    /* A reload keeps what is pending. */
    world_load1(&w, RULE("\"debounce\":\"2s\",\"trigger\":{\"event_type\":\"call_ended\"}", "n{{ trigger.duration }}"));
    world_after(&w, 1);
    cr_assert_str_eq(w.notes, "log:n2;rule:completed;");
    world_event(&w, ENDED(3));
    world_after(&w, 3);
    cr_assert(strstr(w.notes, "log:n3;"));
    const struct vgw_rule_state *s = vgw_flow_engine_rule_state(w.engine, "r");
    cr_assert(s->matched == 3 && s->fired == 2 && s->suppressed == 1);
    world_close(&w);
}

Test(flow_rule, a_rate_limit_lets_so_many_through)
{
    struct world w;
    world_engine(&w, NULL);
    world_load1(&w, RULE("\"rate_limit\":\"3/m\",\"trigger\":{\"event_type\":\"call_ended\"}", "x"));
    for (int i = 0; i < 10; i++)
        world_event(&w, ENDED(1));
    cr_assert_eq(count(w.notes, "log:x"), 3);
    world_after(&w, 20);
    world_event(&w, ENDED(1));
    world_event(&w, ENDED(1));
    cr_assert_eq(count(w.notes, "log:x"), 4);
    cr_assert_eq(vgw_flow_engine_rule_state(w.engine, "r")->suppressed, 8);
    world_close(&w);
}

Test(flow_rule, a_rule_cannot_feed_itself_for_ever)
{
    static const char *const selves[] = {
        "{\"id\":\"r\",\"trigger\":{\"event_type\":[\"go\",\"ping\"]},\"actions\":[{\"type\":\"log\",\"message\":\"x\"}"
        ","
        "{\"type\":\"emit_event\",\"params\":{\"type\":\"ping\"}}]}",
        "{\"id\":\"r\",\"trigger\":{\"event_type\":\"*\"},\"actions\":[{\"type\":\"log\",\"message\":\"x\"},{\"type\":"
        "\"run_workflow\",\"id\":\"w\"}]}",
    };
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        world_engine(&w, NULL);
        const char *texts[] = {selves[i], "{\"id\":\"w\",\"steps\":[{\"type\":\"delay\",\"seconds\":0}]}"};
        world_load(&w, texts, 2);
        world_event(&w, "{\"type\":\"go\"}");
        world_after(&w, 10);
        cr_expect_eq(vgw_flow_engine_counts(w.engine).live, 0);
        cr_expect_eq(vgw_flow_engine_next_deadline(w.engine), INT64_MAX);
        cr_expect_gt(vgw_flow_engine_rule_state(w.engine, "r")->suppressed, 0);
        if (i == 0)
            cr_expect_eq(count(w.notes, "log:x"), 4, "%s", w.notes);
        world_close(&w);
    }
}

Test(flow_rule, failures_are_counted_logged_and_kept)
{
    struct world w;
    world_engine(&w, NULL);
    world_load1(&w, "{\"id\":\"r\",\"trigger\":{\"event_type\":\"go\"},\"actions\":[{\"type\":\"tool\",\"params\":{"
                    "\"name\":\"x\"}}]}");
    world_event(&w, "{\"type\":\"go\"}");
    cr_assert(strstr(w.notes, "log:rule r failed: no part of this gateway carries out tool"), "%s", w.notes);
    struct vgw_json *rules = vgw_flow_engine_rules(w.engine),
                    *runs = vgw_flow_engine_list(w.engine, NULL, NULL, NULL, NULL, 0);
    cr_assert_eq(vgw_json_as_int(vgw_json_path(rules, "rules.0.failed"), 0), 1);
    cr_assert_str_eq(vgw_json_str(vgw_json_path(runs, "runs.0.rule")), "r");
    vgw_json_free(rules);
    vgw_json_free(runs);
    world_close(&w);
}
