/* call_fake.c - the rooms around calls, played by a test. */
#include "call_fake.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "loop/handle.h"

struct vgw_json *fake_json(const char *text)
{
    struct vgw_json *v = NULL;
    if (text)
        cr_assert_eq(vgw_json_parse(text, strlen(text), &v, NULL), 0, "%s", text);
    return v;
}

static void on_emit(void *arg, const char *type, const struct vgw_session *s, const struct vgw_call *call,
                    struct vgw_json *data)
{
    struct fake *f = arg;
    cr_assert_lt(f->event_count, FAKE_LOG_MAX);
    cr_assert(call || *s->session_id);
    struct fake_event *e = &f->events[f->event_count++];
    vgw_strcopy(e->type, sizeof e->type, type);
    vgw_strcopy(e->session_id, sizeof e->session_id, s->session_id);
    vgw_strcopy(e->call_id, sizeof e->call_id, call ? call->call_id : "");
    e->data = data;
    if (f->on_event && call)
        f->on_event(f, (struct vgw_call *)(uintptr_t)call, type);
}

static void on_journal(void *arg, const char *kind, struct vgw_json *doc, void (*synced)(void *), void *synced_arg)
{
    struct fake *f = arg;
    cr_assert_lt(f->journal_count, FAKE_LOG_MAX);
    vgw_strcopy(f->journal[f->journal_count++], sizeof f->journal[0], kind);
    cr_assert_eq(vgw_json_type(doc), VGW_JSON_OBJECT);
    vgw_json_free(doc);
    if (synced)
        synced(synced_arg);
}

static void on_record(void *arg, struct vgw_json *record)
{
    struct fake *f = arg;
    cr_assert_lt(f->record_count, FAKE_LOG_MAX);
    f->records[f->record_count++] = record;
}

static const struct vgw_route_set *on_routes(void *arg, struct vgw_snapshot *snapshot)
{
    return ((struct fake *)arg)->routes;
}

static void *on_find(void *arg, const char *name)
{
    struct fake *f = arg;
    if (name && *name && !vgw_streq(name, "lab"))
        return NULL;
    f->instance_refs++;
    return &f->instance;
}

static void on_ref(void *arg, void *instance)
{
    ((struct fake *)arg)->instance_refs++;
}

static void on_unref(void *arg, void *instance)
{
    ((struct fake *)arg)->instance_refs--;
}

static const char *on_name(void *arg, void *instance)
{
    return "lab";
}

static const char *on_plugin(void *arg, void *instance)
{
    return "mock";
}

static uint64_t on_caps(void *arg, void *instance)
{
    return ((struct fake *)arg)->caps;
}

static const char *on_setting(void *arg, void *instance, const char *name)
{
    struct fake *f = arg;
    if (vgw_streq(name, "default_from"))
        return "+15559999";
    if (vgw_streq(name, "max_call_duration_seconds"))
        return f->max_duration;
    return vgw_streq(name, "recording_enabled") ? f->record : NULL;
}

static int start(struct fake *f, uint64_t id, struct vgw_call *call, int command, const struct vgw_json *params,
                 bool media)
{
    if (f->op_status != VGW_OK)
        return f->op_status;
    cr_assert_lt(f->op_count, FAKE_OPS_MAX);
    f->ops[f->op_count++] = (struct fake_op){id, call->handle, command, media, vgw_json_copy(params)};
    f->ops_started++;
    return VGW_OK;
}

static int on_op(void *arg, void *instance, uint64_t op, struct vgw_call *call, int command,
                 const struct vgw_json *params, struct vgw_error *err)
{
    int status = ((struct fake *)arg)->provider_status;
    if (status == VGW_OK)
        status = start(arg, op, call, command, params, false);
    cr_assert_not_null(instance);
    return status == VGW_OK ? VGW_OK : vgw_error_set(err, status, "the line is cut");
}

static void on_forget(void *arg, void *instance, struct vgw_call *call)
{
    cr_assert_not_null(instance);
    ((struct fake *)arg)->forgotten++;
}

static int on_attach(void *arg, struct vgw_call *call, uint64_t *ret_leg, struct vgw_error *err)
{
    struct fake *f = arg;
    f->legs++;
    *ret_leg = vgw_handle_new(VGW_HANDLE_LEG, f->loop, NULL); /* named, and nobody behind it */
    cr_assert_neq(*ret_leg, 0);
    return VGW_OK;
}

static void on_begin(void *arg, struct vgw_call *call)
{
    ((struct fake *)arg)->begun++;
}

static int on_media(void *arg, struct vgw_call *call, uint64_t op, int command, const struct vgw_json *params,
                    struct vgw_error *err)
{
    int status = start(arg, op, call, command, params, true);
    return status == VGW_OK ? VGW_OK : vgw_error_set(err, status, "the leg is deaf");
}

static void on_release(void *arg, struct vgw_call *call)
{
    struct fake *f = arg;
    f->legs--;
    vgw_handle_drop(call->leg);
    if (f->keep_summary)
        return;
    struct vgw_json *summary = vgw_json_object();
    vgw_json_set_string(summary, "recording_url", "file:///rec.wav");
    vgw_calls_media_summary(f->calls, call->handle, summary);
    vgw_json_free(summary);
}

static void on_held(void *arg, struct vgw_call *call, bool on)
{
    ((struct fake *)arg)->held += on ? 1 : -1;
}

static bool on_workflow(void *arg, struct vgw_call *call, const char *workflow)
{
    struct fake *f = arg;
    f->workflows++;
    return f->workflow_ok;
}

static void on_line(const char *line, void *arg)
{
    ((struct fake *)arg)->lines++;
}

struct fake *fake_new(uint64_t seed, uint64_t caps)
{
    struct fake *f;
    cr_assert_not_null(VGW_NEW(f));
    f->driver = vgw_driver_new(seed, FAKE_WALL);
    f->loop = vgw_driver_loop(f->driver, "control");
    f->caps = caps;
    f->workflow_ok = true;
    f->limits = (struct vgw_calls_limits){.max_sessions = 10,
                                          .session_timeout_us = 600 * FAKE_SECOND,
                                          .max_call_duration_us = 3600 * FAKE_SECOND,
                                          .media_silence_timeout_us = 60 * FAKE_SECOND,
                                          .ring_timeout_us = 30 * FAKE_SECOND,
                                          .op_timeout_us = 30 * FAKE_SECOND,
                                          .end_timeout_us = 10 * FAKE_SECOND,
                                          .summary_timeout_us = FAKE_SECOND / 2,
                                          .enabled = true};
    struct vgw_calls_env env = {.arg = f,
                                .loop = f->loop,
                                .emit = on_emit,
                                .journal = on_journal,
                                .store_record = on_record,
                                .routes = on_routes,
                                .instance_find = on_find,
                                .instance_ref = on_ref,
                                .instance_unref = on_unref,
                                .instance_name = on_name,
                                .instance_plugin = on_plugin,
                                .instance_caps = on_caps,
                                .instance_setting = on_setting,
                                .provider_op = on_op,
                                .provider_forget = on_forget,
                                .media_attach = on_attach,
                                .media_begin = on_begin,
                                .media_command = on_media,
                                .media_release = on_release,
                                .media_held = on_held,
                                .workflow_start = on_workflow};
    cr_assert_eq(vgw_calls_new(&env, &f->limits, &f->calls), 0);
    struct vgw_json *routes =
        fake_json("[{\"match\":{\"to\":\"9*\"},\"workflow\":\"menu\"},"
                  "{\"match\":{\"to\":\"+1555*\"},\"assistant\":\"echo\",\"stt\":[\"local\",\"far\"]}]");
    cr_assert_eq(vgw_route_set_compile(routes, NULL, NULL, &f->routes, NULL), 0);
    vgw_json_free(routes);
    vgw_log_set_level(VGW_LOG_ERROR);
    vgw_log_capture(on_line, f);
    return f;
}

void fake_run(struct fake *f, int64_t us)
{
    vgw_driver_run(f->driver, us);
}

void fake_free(struct fake *f)
{
    fake_run(f, 8000 * FAKE_SECOND);
    cr_expect_eq(vgw_calls_count(f->calls), 0);
    cr_expect_eq(vgw_calls_session_count(f->calls), 0);
    cr_expect_eq(vgw_calls_orphans(f->calls), 0);
    cr_expect_eq(f->instance_refs, 0, "instances held: %d", f->instance_refs);
    cr_expect_eq(vgw_calls_mixes(f->calls), 0, "mixes left: %u", vgw_calls_mixes(f->calls));
    cr_expect_eq(f->legs, 0, "legs held: %d", f->legs);
    vgw_calls_free(f->calls);
    vgw_log_capture(NULL, NULL);
    vgw_loop_free(f->loop);
    vgw_driver_free(f->driver);
    for (size_t i = 0; i < f->event_count; i++)
        vgw_json_free(f->events[i].data);
    for (size_t i = 0; i < f->record_count; i++)
        vgw_json_free(f->records[i]);
    for (size_t i = 0; i < f->op_count; i++)
        vgw_json_free(f->ops[i].params);
    vgw_json_free(f->done_result);
    vgw_route_set_free(f->routes);
    vgw_free(f);
}

size_t fake_events(const struct fake *f, const char *type, const char *call_id)
{
    size_t n = 0;
    for (size_t i = 0; i < f->event_count; i++)
        n += vgw_streq(f->events[i].type, type) && (!call_id || vgw_streq(f->events[i].call_id, call_id));
    return n;
}

const struct fake_event *fake_last(const struct fake *f, const char *type)
{
    for (size_t i = f->event_count; i-- > 0;) {
        if (vgw_streq(f->events[i].type, type))
            return &f->events[i];
    }
    return NULL;
}

char *fake_story(const struct fake *f)
{
    struct vgw_buf b = {0};
    for (size_t i = 0; i < f->event_count; i++)
        vgw_buf_printf(&b, "%s%s", i ? " " : "", f->events[i].type);
    return vgw_buf_take(&b);
}

size_t fake_journal(const struct fake *f, const char *kind)
{
    size_t n = 0;
    for (size_t i = 0; i < f->journal_count; i++)
        n += vgw_streq(f->journal[i], kind);
    return n;
}

bool fake_has_op(const struct fake *f, int command)
{
    for (size_t i = 0; i < f->op_count; i++) {
        if (f->ops[i].command == command)
            return true;
    }
    return false;
}

bool fake_complete(struct fake *f, int command, int status, const char *result)
{
    for (size_t i = 0; i < f->op_count; i++) {
        if (f->ops[i].command != command)
            continue;
        struct fake_op op = f->ops[i];
        struct vgw_json *v = fake_json(result);
        f->ops[i] = f->ops[--f->op_count];
        vgw_calls_complete(f->calls, op.id, status, status == VGW_OK ? NULL : "the vendor said no", v);
        vgw_json_free(v);
        vgw_json_free(op.params);
        return true;
    }
    return false;
}

struct vgw_call *fake_place(struct fake *f)
{
    struct vgw_call *call = NULL;
    struct vgw_outgoing out = {.to = "+15551234"};
    struct vgw_error err = {0};
    cr_assert_eq(vgw_calls_place(f->calls, &out, &call, &err), 0, "%s", err.text);
    return call;
}

struct vgw_call *fake_incoming(struct fake *f, const char *id)
{
    struct vgw_call *call = NULL;
    struct vgw_incoming in = {.instance = &f->instance, .provider_call_id = id, .from = "+1444", .to = "+15551000"};
    struct vgw_error err = {0};
    cr_assert_eq(vgw_calls_incoming(f->calls, &in, &call, &err), 0, "%s", err.text);
    return call;
}

struct vgw_call *fake_connected(struct fake *f)
{
    struct vgw_call *call = fake_place(f);
    fake_complete(f, VGW_CMD_MAKE_CALL, 0, "{\"provider_call_id\":\"CA1\"}");
    fake_report(f, call, VGW_CALL_RINGING, 0);
    fake_report(f, call, VGW_CALL_CONNECTED, 0);
    cr_assert_eq(call->state, VGW_CALL_CONNECTED);
    return call;
}

void fake_report(struct fake *f, struct vgw_call *call, enum vgw_call_state state, enum vgw_outcome outcome)
{
    struct vgw_state_report r = {.state = state, .outcome = outcome};
    vgw_calls_report(f->calls, call, &r);
}

void fake_done(void *arg, int status, const char *sentence, const struct vgw_json *result)
{
    struct fake *f = arg;
    f->done_count++;
    f->done_status = status;
    vgw_strcopy(f->done_text, sizeof f->done_text, sentence ? sentence : "");
    vgw_json_free(f->done_result);
    f->done_result = result ? vgw_json_copy(result) : NULL;
}

int fake_command(struct fake *f, struct vgw_call *call, enum vgw_command command, const char *params, bool wait)
{
    struct vgw_json *v = fake_json(params);
    struct vgw_error err = {0};
    int status = vgw_calls_command(f->calls, call, command, v, wait, fake_done, f, &err);
    cr_expect(status == VGW_OK || *err.text, "a refusal is a sentence");
    vgw_json_free(v);
    return status;
}
