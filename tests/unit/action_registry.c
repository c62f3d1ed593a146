/* The registry of actions: names, parameters, handles. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>
#include "action/registry.h"
#include "base/alloc.h"

struct fake {
    vgw_action_handle last;
    int runs, cancels, done, status;
    char error[100];
    bool at_once, refuse;
    struct vgw_action_registry *reg;
};

static int fake_run(void *arg, vgw_action_handle handle, const struct vgw_json *params,
                    const struct vgw_action_context *context, struct vgw_error *err)
{
    struct fake *f = arg;
    f->runs++;
    f->last = handle;
    if (f->refuse)
        return vgw_error_set(err, VGW_EBUSY, "not now");
    if (f->at_once)
        vgw_action_complete(f->reg, handle, 0, vgw_json_int(7), NULL);
    return 0;
}

static void fake_cancel(void *arg, vgw_action_handle handle)
{
    ((struct fake *)arg)->cancels++;
}

static void on_done(void *arg, vgw_action_handle handle, int status, struct vgw_json *result, const char *error)
{
    struct fake *f = arg;
    f->done++;
    f->status = status;
    (void)snprintf(f->error, sizeof f->error, "%s", error ? error : "");
}

static const struct vgw_action_param params[] = {
    {"to_number", VGW_PARAM_STRING, true, true, NULL, "whom to call"},
    {"timeout", VGW_PARAM_DURATION, false, true, NULL, "how long"},
    {"wait", VGW_PARAM_STRING, false, false, "initiated connected", "when it is done"},
    {"count", VGW_PARAM_INT, false, true, NULL, NULL},
    {"ratio", VGW_PARAM_NUMBER, false, true, NULL, NULL},
    {"loud", VGW_PARAM_BOOL, false, true, NULL, NULL},
    {"more", VGW_PARAM_OBJECT, false, true, NULL, NULL},
    {"list", VGW_PARAM_ARRAY, false, true, NULL, NULL},
};

static struct vgw_action_desc desc_of(struct fake *f, const char *name)
{
    return (struct vgw_action_desc){.name = name,
                                    .description = "calls",
                                    .result = "call_id",
                                    .params = params,
                                    .param_count = sizeof params / sizeof *params,
                                    .flags = VGW_ACTION_STEP,
                                    .run = fake_run,
                                    .cancel = fake_cancel,
                                    .arg = f};
}

static struct vgw_json *parse(const char *text)
{
    struct vgw_json *v = NULL;
    struct vgw_error err = {0};
    cr_assert_eq(vgw_json_parse(text, strlen(text), &v, &err), 0, "%s: %s", text, err.text);
    return v;
}

static void collect(void *arg, const char *param, const char *sentence)
{
    char *out = arg;
    size_t n = strlen(out);
    (void)snprintf(out + n, 1000 - n, "%s=%s;", param, sentence);
}

Test(action_registry, parameters_are_checked_against_the_table)
{
    static const struct {
        const char *given, *expect;
    } rows[] = {
        {"{\"to_number\":\"+1\"}", ""},
        {"{\"to_number\":\"{{ trigger.x }}\",\"count\":\"{{ n }}\"}", ""},
        {"{}", "to_number is missing"},
        {"{\"to_number\":\"1\",\"timout\":3}", "did you mean timeout"},
        {"{\"to_number\":\"1\",\"zzzzzzzz\":3}", "known are: to_number, timeout"},
        {"{\"to_number\":{}}", "to_number must be text"},
        {"{\"to_number\":\"1\",\"timeout\":\"soon\"}", "must be a duration"},
        {"{\"to_number\":\"1\",\"timeout\":\"5s\"}", ""},
        {"{\"to_number\":\"1\",\"wait\":\"connectd\"}", "choose one of: initiated connected"},
        {"{\"to_number\":\"1\",\"wait\":\"{{ x }}\"}", "must be written out"},
        {"{\"to_number\":\"1\",\"count\":1.5}", "must be a whole number"},
        {"{\"to_number\":\"1\",\"count\":\"12\"}", ""},
        {"{\"to_number\":\"1\",\"ratio\":\"1.5\",\"loud\":\"yes\",\"more\":{},\"list\":[]}", ""},
        {"{\"to_number\":\"1\",\"loud\":\"perhaps\"}", "true or false"},
        {"{\"to_number\":\"1\",\"more\":[]}", "must be a map"},
        {"{\"to_number\":\"1\",\"list\":{}}", "must be a list"},
        {"[]", "params must be a map"},
    };
    struct fake f = {0};
    struct vgw_action_desc d = desc_of(&f, "voice_make_call");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[1000] = "";
        struct vgw_json *given = parse(rows[i].given);
        int n = vgw_action_validate(&d, given, collect, text);
        if (*rows[i].expect)
            cr_expect(n == 1 && strstr(text, rows[i].expect), "%s: %d %s", rows[i].given, n, text);
        else
            cr_expect(n == 0, "%s: %s", rows[i].given, text);
        vgw_json_free(given);
    }
}

Test(action_registry, an_action_answers_exactly_once_and_stale_answers_are_counted)
{
    struct fake f = {0};
    struct vgw_action_registry *reg = vgw_action_registry_new(2);
    struct vgw_action_desc d = desc_of(&f, "voice_make_call");
    struct vgw_error err = {0};
    f.reg = reg;
    cr_assert_eq(vgw_action_register(reg, &d, &err), 0);
    cr_assert_eq(vgw_action_register(reg, &d, &err), VGW_EBUSY);
    struct vgw_json *p = parse("{\"to_number\":\"+1\"}");
    vgw_action_handle a, b, c;
    cr_assert_eq(vgw_action_start(reg, "voice_make_call", p, NULL, on_done, &f, &a, &err), 0);
    cr_assert_eq(vgw_action_start(reg, "voice_make_call", p, NULL, on_done, &f, &b, &err), 0);
    cr_assert_eq(vgw_action_start(reg, "voice_make_call", p, NULL, on_done, &f, &c, &err), VGW_ELIMIT);
    cr_assert(vgw_action_complete(reg, a, VGW_ENETWORK, NULL, "line cut"));
    cr_assert_eq(f.status, VGW_ENETWORK);
    cr_assert_str_eq(f.error, "line cut");
    cr_assert_not(vgw_action_complete(reg, a, 0, vgw_json_int(1), NULL));
    cr_assert(vgw_action_cancel(reg, b));
    cr_assert_not(vgw_action_cancel(reg, b));
    cr_assert_not(vgw_action_complete(reg, b, 0, NULL, NULL));
    cr_assert_eq(vgw_action_counts(reg).stale, 2);
    cr_assert_eq(f.done, 1);
    cr_assert_eq(f.cancels, 1);
    f.at_once = true;
    cr_assert_eq(vgw_action_start(reg, "voice_make_call", p, NULL, on_done, &f, &c, &err), 0);
    cr_assert_eq(f.done, 2);
    cr_assert_not(vgw_action_is_live(reg, c));
    f.at_once = false;
    f.refuse = true;
    cr_assert_eq(vgw_action_start(reg, "voice_make_call", p, NULL, on_done, &f, &c, &err), VGW_EBUSY);
    cr_assert_eq(vgw_action_counts(reg).live, 0);
    cr_assert_eq(vgw_action_start(reg, "nothing", p, NULL, on_done, &f, &c, &err), VGW_EUNSUPPORTED);
    cr_assert_eq(vgw_action_start(reg, "voice_make_call", NULL, NULL, on_done, &f, &c, &err), VGW_EINVALID);
    vgw_json_free(p);
    vgw_action_registry_free(reg);
}

Test(action_registry, unregistering_answers_what_is_under_way)
{
    struct fake f = {0};
    struct vgw_action_registry *reg = vgw_action_registry_new(0);
    struct vgw_action_desc d = desc_of(&f, "x");
    struct vgw_error err = {0};
    vgw_action_handle a;
    f.reg = reg;
    struct vgw_json *p = parse("{\"to_number\":\"+1\"}");
    cr_assert_eq(vgw_action_register(reg, &d, &err), 0);
    cr_assert_eq(vgw_action_start(reg, "x", p, NULL, on_done, &f, &a, &err), 0);
    cr_assert(vgw_action_unregister(reg, "x"));
    cr_assert_not(vgw_action_unregister(reg, "x"));
    cr_assert_eq(f.status, VGW_EUNSUPPORTED);
    cr_assert_null(vgw_action_find(reg, "x"));
    vgw_json_free(p);
    vgw_action_registry_free(reg);
}

Test(action_registry, bad_names_are_refused_and_near_ones_suggested)
{
    static const char *const bad[] = {"", "a b", "a/b", "\xc3\xa4"};
    struct fake f = {0};
    struct vgw_action_registry *reg = vgw_action_registry_new(0);
    struct vgw_error err = {0};
    for (size_t i = 0; i < 4; i++) {
        struct vgw_action_desc d = desc_of(&f, bad[i]);
        cr_expect_eq(vgw_action_register(reg, &d, &err), VGW_EINVALID);
    }
    struct vgw_action_desc d = desc_of(&f, "voice_make_call");
    cr_assert_eq(vgw_action_register(reg, &d, &err), 0);
    cr_assert_str_eq(vgw_action_nearest(reg, "voice_mak_call"), "voice_make_call");
    struct vgw_json *text = vgw_action_describe(vgw_action_find(reg, "voice_make_call"));
    cr_assert_str_eq(vgw_json_str(vgw_json_path(text, "params.2.choices")), "initiated connected");
    vgw_json_free(text);
    vgw_action_registry_free(reg);
}

Test(action_registry, every_failed_allocation_is_borne)
{
    for (long n = 1; n < 60; n++) {
        struct fake f = {0};
        struct vgw_error err = {0};
        struct vgw_action_desc d = desc_of(&f, "x");
        vgw_alloc_fail_at(n);
        struct vgw_action_registry *reg = vgw_action_registry_new(0);
        if (reg && vgw_action_register(reg, &d, &err) == 0)
            vgw_json_free(vgw_action_describe(vgw_action_find(reg, "x")));
        vgw_action_registry_free(reg);
        vgw_alloc_fail_at(0);
    }
}
