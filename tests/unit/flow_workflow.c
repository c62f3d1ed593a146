/* Compiling workflows, rules and sets: every refusal with its place. */
#include "flow_world.h"

struct seen {
    char text[4096];
    int count;
};

static void on_report(void *arg, const struct vgw_error *err)
{
    struct seen *s = arg;
    size_t n = strlen(s->text);
    (void)snprintf(s->text + n, sizeof s->text - n, "%s: %s\n", err->place, err->text);
    s->count++;
}

static bool place(void *arg, const char *pointer, char *out, size_t cap)
{
    (void)snprintf(out, cap, "f.yaml:%s", pointer);
    return strlen(pointer) < 40;
}

static void compile(const char *text, bool rule, struct seen *s)
{
    struct world w;
    struct vgw_json *doc = world_json(text);
    world_engine(&w, NULL);
    struct vgw_flow_source source = {.doc = doc, .place = place, .report = on_report, .arg = s, .actions = w.reg};
    struct vgw_error err = {0};
    struct vgw_workflow *f = NULL;
    struct vgw_rule *r = NULL;
    memset(s, 0, sizeof *s);
    int rc = rule ? vgw_rule_compile(&source, &r, &err) : vgw_workflow_compile(&source, &f, &err);
    cr_expect_eq(rc<0, s->count> 0, "%s", text);
    vgw_workflow_unref(f);
    vgw_rule_unref(r);
    vgw_json_free(doc);
    world_close(&w);
}

#define W(step) "{\"id\":\"w\",\"steps\":[" step "]}"

Test(flow_workflow, every_mistake_is_told_with_its_place_and_a_remedy)
{
    static const struct {
        const char *text, *expect;
    } rows[] = {
        {"[]", "a workflow is a map"},
        {"{\"steps\":[{\"type\":\"stop\"}]}", "id is missing"},
        {"{\"id\":\"a b\",\"steps\":[{\"type\":\"stop\"}]}", "f.yaml:/id: id cannot be"},
        {"{\"id\":\"w\"}", "steps must be a list"},
        {"{\"id\":\"w\",\"step\":1,\"steps\":[{\"type\":\"stop\"}]}", "/step: unknown key step; did you mean steps?"},
        {"{\"id\":\"w\",\"on_hangup\":\"stop\",\"steps\":[{\"type\":\"stop\"}]}", "choose end or continue"},
        {"{\"id\":\"w\",\"strict\":7,\"steps\":[{\"type\":\"stop\"}]}", "/strict: strict must be true or false"},
        {"{\"id\":\"w\",\"trigger_command\":\"/a b\",\"steps\":[{\"type\":\"stop\"}]}", "/trigger_command: "},
        {W("5"), "/steps/0: a step is a map"},
        {W("{\"type\":\"dealy\"}"), "/steps/0/type: there is no step type \"dealy\"; did you mean delay"},
        {W("{\"type\":\"delay\"}"), "delay needs seconds"},
        {W("{\"type\":\"delay\",\"params\":{\"seconds\":\"soon\"}}"),
         "/steps/0/params/seconds: this must be a duration"},
        {W("{\"type\":\"delay\",\"seconds\":1,\"params\":{\"seconds\":2}}"), "keep one"},
        {W("{\"type\":\"delay\",\"params\":{\"secs\":1}}"), "unknown key secs"},
        {W("{\"type\":\"log\"}"), "log needs message"},
        {W("{\"type\":\"log\",\"message\":\"{{ x | uper }}\"}"), "column 8: there is no filter"},
        {W("{\"type\":\"log\",\"message\":\"x\",\"level\":\"loud\"}"), "choose one of: error warning info debug"},
        {W("{\"type\":\"set\"}"), "set needs params"},
        {W("{\"type\":\"set\",\"params\":{\"trigger\":1}}"), "that name has a meaning of its own"},
        {W("{\"type\":\"if\",\"then\":[]}"), "if needs condition"},
        {W("{\"type\":\"if\",\"condition\":true}"), "then must be a list"},
        {W("{\"type\":\"if\",\"condition\":{\"field\":\"x\"},\"then\":[]}"), "/steps/0/condition: operator is missing"},
        {W("{\"type\":\"if\",\"condition\":true,\"then\":[{\"type\":\"nope\"}]}"), "/steps/0/then/0/type"},
        {W("{\"type\":\"switch\",\"value\":1}"), "switch needs 1 to 100 cases"},
        {W("{\"type\":\"switch\",\"value\":1,\"cases\":{\"1\":5}}"), "/steps/0/cases/1: a case is"},
        {W("{\"type\":\"for_each\",\"steps\":[]}"), "for_each needs items"},
        {W("{\"type\":\"for_each\",\"items\":[],\"as\":\"9\",\"steps\":[]}"), "cannot be a name"},
        {W("{\"type\":\"wait_for\"}"), "event_type must be the name"},
        {W("{\"type\":\"run_workflow\"}"), "run_workflow needs id"},
        {W("{\"type\":\"emit_event\",\"params\":{\"type\":\"call_ended\"}}"), "only the core writes"},
        {W("{\"type\":\"emit_event\",\"params\":{\"type\":\"voice.x\"}}"), "only the core writes"},
        {W("{\"type\":\"stop\",\"status\":\"maybe\"}"), "choose one of: completed failed"},
        {W("{\"type\":\"slow\",\"retry\":{\"backoff\":1}}"), "/steps/0/retry: retry needs max"},
        {W("{\"type\":\"slow\",\"retry\":{\"max\":1,\"backof\":1}}"), "did you mean backoff"},
        {W("{\"type\":\"slow\",\"on_error\":\"ignore\"}"), "on_error is fail, continue"},
        {W("{\"type\":\"slow\",\"timeout\":\"x\"}"), "/steps/0/timeout"},
        {W("{\"type\":\"slow\",\"output_key\":\"1x\"}"), "/steps/0/output_key"},
        {W("{\"type\":\"slow\",\"wen\":true}"), "did you mean when"},
        {W("{\"type\":\"slow\",\"when\":{\"field\":\"x\",\"operator\":\"is\",\"value\":1}}"), "/steps/0/when"},
        {W("{\"type\":\"slow\",\"params\":[]}"), "params must be a map"},
        {W("{\"type\":\"http_request\",\"params\":{\"uri\":\"x\"}}"), "did you mean url"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct seen s;
        compile(rows[i].text, false, &s);
        cr_expect(strstr(s.text, rows[i].expect), "%s: %s", rows[i].text, s.text);
    }
    struct seen s;
    compile(W("{\"type\":\"dealy\"},{\"type\":\"log\"},{\"type\":\"slow\",\"wen\":1}"), false, &s);
    cr_assert_eq(s.count, 3);
    compile(W("{\"type\":\"gather\",\"params\":{\"prompt\":\"x\"},\"timeout\":5},{\"type\":\"dial\",\"params\":{"
              "\"number\":\"+1\"}}"),
            false, &s);
    cr_assert_eq(s.count, 0, "%s", s.text);
}

Test(flow_workflow, rules_are_checked_the_same_way)
{
    static const struct {
        const char *text, *expect;
    } rows[] = {
        {"{\"id\":\"r\",\"actions\":[{\"type\":\"stop\"}]}", "a rule needs a trigger"},
        {"{\"id\":\"r\",\"trigger\":{\"type\":\"timer\",\"event_type\":\"x\"},\"actions\":[{\"type\":\"stop\"}]}",
         "it is voice_event"},
        {"{\"id\":\"r\",\"trigger\":{\"event\":\"x\"},\"actions\":[{\"type\":\"stop\"}]}", "unknown key event"},
        {"{\"id\":\"r\",\"trigger\":{\"event_type\":\"x\"}}", "actions must be a list"},
        {"{\"id\":\"r\",\"trigger\":{\"event_type\":\"x\"},\"actions\":[{\"type\":\"log\"}]}",
         "/actions/0: log needs message"},
        {"{\"id\":\"r\",\"trigger\":{\"event_type\":\"x\"},\"rate_limit\":\"fast\",\"actions\":[{\"type\":\"stop\"}]}",
         "/rate_limit"},
        {"{\"id\":\"r\",\"trigger\":{\"event_type\":\"x\"},\"debounce\":\"x\",\"actions\":[{\"type\":\"stop\"}]}",
         "/debounce"},
        {"{\"id\":\"r\",\"trigger\":{\"event_type\":\"x\"},\"conditions\":[{\"field\":\"a\",\"operator\":\"gtt\","
         "\"value\":1}],"
         "\"actions\":[{\"type\":\"stop\"}]}",
         "/conditions/0/operator: there is no operator \"gtt\"; did you mean gt"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct seen s;
        compile(rows[i].text, true, &s);
        cr_expect(strstr(s.text, rows[i].expect), "%s: %s", rows[i].text, s.text);
    }
}

Test(flow_workflow, a_set_refuses_what_is_given_twice_and_knows_what_is_missing)
{
    static const char *const texts[] = {
        "{\"id\":\"a\",\"trigger_command\":\"/go\",\"steps\":[{\"type\":\"run_workflow\",\"id\":\"bb\"}]}",
        "{\"id\":\"b\",\"steps\":[{\"type\":\"dial\"}]}",
        "{\"id\":\"a\",\"steps\":[{\"type\":\"stop\"}]}",
        "{\"id\":\"c\",\"trigger_command\":\"go\",\"steps\":[{\"type\":\"stop\"}]}",
    };
    struct vgw_flow_set *set = vgw_flow_set_new();
    for (size_t i = 0; i < 4; i++) {
        struct vgw_json *doc = world_json(texts[i]);
        struct vgw_flow_source source = {.doc = doc, .place = place};
        struct vgw_workflow *w = NULL;
        struct vgw_error err = {0};
        cr_assert_eq(vgw_workflow_compile(&source, &w, &err), 0);
        cr_assert_eq(vgw_workflow_needs_twiml(w), i == 1);
        int rc = vgw_flow_set_add_workflow(set, w, &err);
        cr_assert_eq(rc, i < 2 ? 0 : VGW_ECONFIG);
        cr_assert(i < 2 || (strstr(err.text, "f.yaml:") && strstr(err.place, "f.yaml:")));
        vgw_json_free(doc);
    }
    cr_assert_eq(vgw_flow_set_command(set, "/go"), vgw_flow_set_command(set, "go"));
    cr_assert_not_null(vgw_flow_set_command(set, "go"));
    struct seen s = {0};
    cr_assert_eq(vgw_flow_set_check(set, on_report, &s), 1);
    cr_assert(strstr(s.text, "runs workflow bb, which does not exist"), "%s", s.text);
    vgw_flow_set_unref(set);
}

Test(flow_workflow, every_failed_allocation_is_borne)
{
    struct vgw_json *doc = world_json(
        W("{\"type\":\"if\",\"condition\":true,\"then\":[{\"type\":\"log\",\"message\":\"{{ x }}\"}]},{\"type\":"
          "\"switch\",\"value\":1,\"cases\":{\"1\":[{\"type\":\"stop\"}]}},{\"type\":\"wait_for\",\"event_type\":"
          "\"x\"}"));
    struct vgw_flow_source source = {.doc = doc};
    for (long n = 1; n < 120; n++) {
        struct vgw_workflow *w = NULL;
        struct vgw_error err = {0};
        vgw_alloc_fail_at(n);
        int rc = vgw_workflow_compile(&source, &w, &err);
        vgw_alloc_fail_at(0);
        cr_expect(rc == 0 || rc == VGW_ELIMIT, "allocation %ld: %s", n, err.text);
        vgw_workflow_unref(w);
    }
    vgw_json_free(doc);
}
