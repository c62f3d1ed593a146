/* command.c - what control tells a talk: begin, commands, results of tools. Each travels to the worker in order. */
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "talk/talk_private.h"

struct message {
    struct vgw_list link; /* of talk->waiting */
    struct vgw_task task; /* carries a begin that came too late home: this cannot fail */
    struct vgw_loop *control;
    const struct vgw_talk_home *home;
    struct vgw_talk *talk;
    struct vgw_talk_begin *begin;
    uint64_t op, tool_call, by;
    int status;
    char command[24];
    struct vgw_json *params;
    bool has_engine;
    struct vgw_engine engine;
    struct vgw_talk_role *role;
};

static struct message *message_new(struct vgw_talk *t)
{
    struct message *m;
    if (!VGW_NEW(m))
        return NULL;
    m->talk = t;
    m->home = t->home;
    m->control = t->p.control;
    return m;
}

static void message_free(struct message *m)
{
    vgw_json_free(m->params);
    vgw_talk_role_free(m->role);
    vgw_free(m);
}

void vgw_talk_role_free(struct vgw_talk_role *role)
{
    if (!role)
        return;
    vgw_free(role->tools_json);
    vgw_free(role->agent_json);
    vgw_free(role->history_json);
    vgw_free(role->voice);
    vgw_free(role);
}

/* ---- begin ---- */

struct vgw_talk_begin *vgw_talk_begin_new(void)
{
    struct vgw_talk_begin *b;
    if (!VGW_NEW(b))
        return NULL;
    b->options = vgw_talk_defaults();
    b->stt = vgw_calloc(VGW_TALK_ENGINES_MAX, sizeof *b->stt);
    b->tts = vgw_calloc(VGW_TALK_ENGINES_MAX, sizeof *b->tts);
    if (b->stt && b->tts)
        return b;
    vgw_talk_begin_free(b);
    return NULL;
}

static struct vgw_engine *engines_fit(struct vgw_engine *engines, uint32_t count)
{
    struct vgw_engine *fit = count ? vgw_realloc(engines, count * sizeof *engines) : NULL;
    if (!count)
        vgw_free(engines);
    return fit || !count ? fit : engines;
}

/* A talk keeps its beginning to its end: what is not needed any more goes back. */
static struct vgw_talk_begin *begin_fit(struct vgw_talk_begin *b)
{
    b->stt = engines_fit(b->stt, b->stt_count);
    b->tts = engines_fit(b->tts, b->tts_count);
    struct vgw_talk_begin *fit = vgw_realloc(b, offsetof(struct vgw_talk_begin, assistant));
    return fit ? fit : b;
}

void vgw_talk_begin_free(struct vgw_talk_begin *b)
{
    if (!b)
        return;
    vgw_free(b->stt);
    vgw_free(b->tts);
    vgw_free(b->shadow);
    vgw_free(b->stand_ins);
    vgw_free(b->greeting);
    vgw_free(b->language);
    vgw_free(b->voice);
    vgw_free(b->speech_language);
    vgw_free(b->session_json);
    vgw_free(b->tools_json);
    vgw_free(b->agent_json);
    vgw_free(b->history_json);
    vgw_free(b);
}

void vgw_talk_begin_refuse(const struct vgw_talk_home *home, struct vgw_talk_begin *b)
{
    for (uint32_t i = 0; i < b->stt_count; i++)
        home->engine_release(home->arg, b->stt[i].ref);
    for (uint32_t i = 0; i < b->tts_count; i++)
        home->engine_release(home->arg, b->tts[i].ref);
    for (uint32_t i = 0; i < b->stand_in_count; i++)
        home->engine_release(home->arg, b->stand_ins[i].ref);
    if (b->shadow)
        home->engine_release(home->arg, b->shadow->ref);
    if (b->has_assistant)
        home->engine_release(home->arg, b->assistant.ref);
    vgw_talk_begin_free(b);
}

void vgw_talk_start(struct vgw_talk *t)
{
    if (!t->cfg || t->started)
        return;
    t->started = true;
    vgw_talk_assistant_start(t);
    vgw_talk_early_give(t);
    vgw_talk_listen_start(t);
    if (t->cfg->greeting && t->cfg->greeting[0])
        vgw_talk_prompt(t, t->cfg->greeting, 0, true, VGW_SPEECH_SAY);
    if (t->assistant)
        vgw_talk_ask(t, "", -1, VOICEGW_TURN_START);
    else
        vgw_talk_await_caller(t);
    vgw_talk_commands_waited(t);
    vgw_talk_digits_early(t);
}

static void begin_refused(struct vgw_task *task)
{
    struct message *m = VGW_CONTAINER_OF(task, struct message, task);
    vgw_talk_begin_refuse(m->home, m->begin);
    message_free(m);
}

static void begin_run(void *object, void *arg)
{
    struct message *m = arg;
    struct vgw_talk *t = m->talk;
    if (!object || t->ending || t->cfg) { /* a talk that was ended before control knew, or a second begin */
        m->task.fn = begin_refused;
        vgw_loop_post(m->control, &m->task);
        return;
    }
    vgw_talk_options_set(t, &m->begin->options);
    t->assistant_engine = m->begin->assistant;
    t->assistant_held = m->begin->has_assistant;
    m->begin = begin_fit(m->begin);
    t->cfg = m->begin;
    message_free(m);
    if (vgw_leg_up(t->leg))
        vgw_talk_start(t);
}

int vgw_talk_begin(struct vgw_talk *t, struct vgw_talk_begin *begin)
{
    struct message *m = t->end_asked ? NULL : message_new(t);
    int rc = t->end_asked ? VGW_ENOTFOUND : VGW_ELIMIT;
    if (!begin->language)
        begin->language = vgw_strdup("en-US");
    if (m && begin->language) {
        m->begin = begin;
        rc = vgw_handle_post(t->leg_handle, begin_run, m);
    }
    if (rc < 0) {
        vgw_free(m);
        vgw_talk_begin_refuse(t->home, begin);
    }
    return rc;
}

/* ---- commands ---- */

static bool cancels(struct vgw_talk *t, const struct vgw_json *p)
{
    uint64_t op = (uint64_t)vgw_json_get_int(p, "cancel", 0);
    if (op)
        vgw_talk_speech_cancel(t, op);
    return op != 0;
}

static int say(struct vgw_talk *t, uint64_t op, const struct vgw_json *p, struct vgw_error *err)
{
    struct vgw_speech *s;
    const char *text = vgw_json_get_string(p, "text", "");
    if (!text[0])
        return vgw_error_at(err, VGW_EINVALID, "text", "text must say what is to be spoken");
    int rc = vgw_speech_new(t, VGW_SPEECH_SAY, op, vgw_json_get_bool(p, "interruptible", true),
                            vgw_json_get_string(p, "voice", NULL), vgw_json_get_string(p, "language", NULL), &s, err);
    if (rc < 0)
        return rc;
    s->sensitive = vgw_json_get_bool(p, "sensitive", false);
    vgw_speech_text(t, s, text, true);
    return 0;
}

/* On hold, or joined with others: in either case nobody is to hear or ask the caller here. */
static int quiet(struct vgw_talk *t)
{
    bool on = t->held || t->aside;
    if (on == t->on_hold)
        return 0;
    if (on) {
        vgw_talk_interrupt(t);
        vgw_talk_listen_reset(t);
    }
    t->on_hold = on;
    if (!on && !vgw_talk_speaking(t) && !t->thinking)
        vgw_talk_await_caller(t);
    return 0;
}

static int hold(struct vgw_talk *t, bool on)
{
    t->held = on;
    vgw_leg_music(t->leg, on);
    return quiet(t);
}

void vgw_talk_on_mix(void *arg, bool aside)
{
    struct vgw_talk *t = arg;
    t->aside = aside;
    if (t->started)
        vgw_talk_listen_update(t);
    quiet(t);
}

/* Whoever is told that a recording has stopped may fetch it at once: the stop completes when the file is whole. */
void vgw_talk_on_recorded(void *arg, uint64_t op, double duration_s)
{
    struct vgw_json *result = vgw_json_object();
    vgw_json_set_double(result, "duration", duration_s);
    vgw_talk_complete(arg, op, VGW_OK, NULL, result);
}

/* As command_run(). */
static int record(struct vgw_talk *t, const struct message *m, struct vgw_error *err)
{
    const char *what = m->command + strlen("record_");
    int rc = VGW_EUNSUPPORTED, at_once = 1;
    if (vgw_streq(what, "start")) {
        rc = vgw_leg_record_start(t->leg, vgw_json_get_string(m->params, "path", ""),
                                  vgw_json_get_string(m->params, "recording_id", ""), err);
        return rc < 0 ? rc : 1;
    }
    if (vgw_streq(what, "stop")) {
        rc = vgw_leg_record_stop(t->leg, m->op);
        at_once = 0;
    } else if (vgw_streq(what, "pause") || vgw_streq(what, "resume")) {
        rc = vgw_leg_record_pause(t->leg, what[0] == 'p');
    }
    if (rc == VGW_EBUSY)
        vgw_error_set(err, rc, "no recording runs on this call");
    return rc < 0 ? rc : at_once;
}

/* 1: completes at once; 0: later. */
static int command_run(struct vgw_talk *t, struct message *m, struct vgw_error *err)
{
    const char *c = m->command;
    int rc = VGW_EUNSUPPORTED;
    if ((vgw_streq(c, "say") || vgw_streq(c, "play")) && cancels(t, m->params))
        return 1;
    if (vgw_streq(c, "say"))
        return say(t, m->op, m->params, err);
    if (vgw_streq(c, "play"))
        return vgw_talk_play(t, m->op, m->params, err);
    if (vgw_streq(c, "language")) {
        vgw_talk_language(t, m->params);
        return 1;
    }
    if (vgw_streq(c, "gather"))
        return vgw_talk_gather(t, m->op, m->params, err);
    if (vgw_streq(c, "assistant") && m->has_engine) {
        m->has_engine = false; /* the talk holds it from here on */
        return vgw_talk_assistant_switch(t, &m->engine, m->role, m->op, m->params, err);
    }
    if (vgw_streq(c, "dtmf")) {
        rc = vgw_leg_dtmf(t->leg, vgw_json_get_string(m->params, "digits", ""), err);
    } else if (vgw_streq(c, "hold") || vgw_streq(c, "resume")) {
        rc = hold(t, c[0] == 'h');
    } else if (vgw_streq(c, "mute") || vgw_streq(c, "unmute")) {
        vgw_leg_mute(t->leg, c[0] == 'm');
        rc = 0;
    } else if (vgw_starts_with(c, "record_")) {
        rc = record(t, m, err);
        if (rc >= 0)
            return rc;
    }
    if (rc == VGW_EUNSUPPORTED && !err->status)
        vgw_error_set(err, rc, "the media of a call does not know the command '%s'", c);
    return rc == 0 ? 1 : rc;
}

/* What needs the far end's ear waits until media is up: it was asked for on a call that is connected. */
static bool command_waits(const struct vgw_talk *t, const struct message *m)
{
    static const char *const needs_media[] = {"say", "play", "gather", "assistant", "dtmf", "language"};
    for (size_t i = 0; !t->started && i < sizeof needs_media / sizeof needs_media[0]; i++)
        if (vgw_streq(m->command, needs_media[i]))
            return true;
    return false;
}

static void command_on_worker(void *object, void *arg)
{
    struct message *m = arg;
    struct vgw_talk *t = m->talk;
    struct vgw_error err = {0};
    if (object && !t->ending && command_waits(t, m)) {
        vgw_list_append(&t->waiting, &m->link);
        return;
    }
    if (!object ||
        t->ending) { /* cannot be: control sends no command after the end, and the end comes after its commands */
        message_free(m);
        return;
    }
    int rc = command_run(t, m, &err);
    if (rc == 1)
        vgw_talk_complete(t, m->op, 0, NULL, vgw_json_object());
    else if (rc < 0)
        vgw_talk_complete(t, m->op, rc, err.text, NULL);
    if (m->has_engine)
        vgw_talk_tell(t, "release", NULL, (uint64_t)(uintptr_t)m->engine.ref, 0, NULL);
    message_free(m);
}

void vgw_talk_commands_waited(struct vgw_talk *t)
{
    struct vgw_list *at;
    while ((at = vgw_list_pop(&t->waiting)))
        command_on_worker(t, VGW_CONTAINER_OF(at, struct message, link));
}

void vgw_talk_commands_drop(struct vgw_talk *t)
{
    struct vgw_list *at;
    while ((at = vgw_list_pop(&t->waiting))) {
        struct message *m = VGW_CONTAINER_OF(at, struct message, link);
        vgw_talk_complete(t, m->op, VGW_ENOTFOUND, "the call has ended", NULL);
        if (m->has_engine)
            vgw_talk_tell(t, "release", NULL, (uint64_t)(uintptr_t)m->engine.ref, 0, NULL);
        message_free(m);
    }
}

static int command_send(struct vgw_talk *t, uint64_t op, const char *command, const struct vgw_json *params,
                        const struct vgw_engine *engine, struct vgw_talk_role *role, struct vgw_error *err)
{
    if (t->end_asked)
        return vgw_error_set(err, VGW_ENOTFOUND, "the call has ended");
    struct message *m = message_new(t);
    if (!m)
        return vgw_error_nomem(err);
    m->op = op;
    m->params = vgw_json_copy(params);
    vgw_strcopy(m->command, sizeof m->command, command);
    m->has_engine = engine;
    if (engine)
        m->engine = *engine;
    m->role = role;
    int rc = vgw_handle_post(t->leg_handle, command_on_worker, m);
    if (rc < 0) {
        m->role = NULL;
        message_free(m);
        return vgw_error_set(err, rc,
                             rc == VGW_ELIMIT ? "the call's worker is overloaded; try again in a moment"
                                              : "the call's media is gone");
    }
    return 0;
}

int vgw_talk_command(struct vgw_talk *t, uint64_t op, const char *command, const struct vgw_json *params,
                     const struct vgw_engine *engine, struct vgw_error *err)
{
    return command_send(t, op, command, params, engine, NULL, err);
}

int vgw_talk_assistant(struct vgw_talk *t, uint64_t op, const struct vgw_json *params, const struct vgw_engine *engine,
                       struct vgw_talk_role *role, struct vgw_error *err)
{
    return command_send(t, op, "assistant", params, engine, role, err);
}

/* ---- digits from outside of the stream ---- */

static void digit_run(void *object, void *arg)
{
    struct message *m = arg;
    if (object && !m->talk->ending)
        vgw_leg_outside_dtmf(m->talk->leg, m->command[0], (uint32_t)m->op, m->command + 1);
    message_free(m);
}

int vgw_talk_digit(struct vgw_talk *t, char digit, uint32_t duration_ms, const char *source)
{
    struct message *m = t->end_asked ? NULL : message_new(t);
    if (!m)
        return t->end_asked ? VGW_ENOTFOUND : VGW_ELIMIT;
    m->op = duration_ms;
    m->command[0] = digit;
    vgw_strcopy(m->command + 1, sizeof m->command - 1, source);
    int rc = vgw_handle_post(t->leg_handle, digit_run, m);
    if (rc < 0)
        message_free(m);
    return rc;
}

/* ---- a summary ---- */

static void summary_run(void *object, void *arg)
{
    struct message *m = arg;
    if (object)
        vgw_talk_summary_run(m->talk, m->op, vgw_json_get_string(m->params, "history", NULL));
    message_free(m);
}

int vgw_talk_summarize(struct vgw_talk *t, uint64_t number, const char *history_json)
{
    struct message *m = t->end_asked ? NULL : message_new(t);
    if (!m)
        return t->end_asked ? VGW_ENOTFOUND : VGW_ELIMIT;
    m->op = number;
    m->params = vgw_json_object();
    vgw_json_set_string(m->params, "history", history_json);
    int rc = vgw_handle_post(t->leg_handle, summary_run, m);
    if (rc < 0)
        message_free(m);
    return rc;
}

/* ---- tools ---- */

static void tool_result_run(void *object, void *arg)
{
    struct message *m = arg;
    struct vgw_talk *t = m->talk;
    char *text = vgw_json_text(m->params, false);
    const struct vgw_engine_stream *now = !object || t->ending ? NULL : t->assistant ? t->assistant : t->audio;
    if (!now || now->handle != m->by)
        vgw_metric_dropped("tool_result");
    else if (t->assistant)
        t->assistant_engine.assistant->tool_result(t->assistant->s, m->tool_call, m->status, text ? text : "null");
    else if (t->assistant_engine.audio->tool_result)
        t->assistant_engine.audio->tool_result(t->audio->s, m->tool_call, m->status, text ? text : "null");
    if (now && now->handle == m->by && t->assistant && t->thinking)
        vgw_talk_answer_watch(t);
    vgw_free(text);
    message_free(m);
}

int vgw_talk_tool_result(struct vgw_talk *t, uint64_t by, uint64_t tool_call, int status, const struct vgw_json *result)
{
    struct message *m = message_new(t);
    if (!m)
        return VGW_ELIMIT;
    m->by = by;
    m->tool_call = tool_call;
    m->status = status;
    m->params = vgw_json_copy(result);
    int rc = vgw_handle_post(t->leg_handle, tool_result_run, m);
    if (rc < 0)
        message_free(m);
    return rc;
}
