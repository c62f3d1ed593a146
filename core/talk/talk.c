/* talk.c - a talk's life and the messages between control and its worker. */
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "talk/talk_private.h"

static void commands_waited(struct vgw_talk *t);

/* ---- on the worker ---- */

static void on_up(void *arg)
{
    struct vgw_talk *t = arg;
    vgw_talk_tell(t, "up", NULL, 0, 0, NULL);
    if (!t->cfg || t->started)
        return;
    t->started = true;
    vgw_talk_assistant_start(t);
    vgw_talk_listen_start(t);
    if (t->cfg->greeting && t->cfg->greeting[0]) {
        vgw_talk_prompt(t, t->cfg->greeting, 0, true, VGW_SPEECH_SAY);
        vgw_talk_transcript(t, "assistant", t->cfg->greeting, -1, -1, false, NULL);
    }
    if (t->assistant.open)
        vgw_talk_ask(t, "", -1, VOICEGW_TURN_START);
    else
        vgw_talk_await_caller(t);
    commands_waited(t);
}

static void on_wire(void *arg, const struct vgw_frame *frame)
{
    struct vgw_talk *t = arg;
    if (!t->audio.open || t->on_hold)
        return;
    static const uint32_t encodings[] = {VOICEGW_AUDIO_PCMU, VOICEGW_AUDIO_PCMA, VOICEGW_AUDIO_L16};
    struct voicegw_frame f = {.size = sizeof f,
                              .encoding = encodings[frame->encoding],
                              .rate = frame->rate_hz,
                              .flags = frame->flags,
                              .timestamp = frame->timestamp,
                              .data = frame->payload,
                              .bytes = frame->samples * (uint32_t)vgw_encoding_bytes(frame->encoding),
                              .samples = frame->samples};
    t->assistant_engine.audio->audio(t->audio.s, &f);
}

static void on_room(void *arg)
{
    vgw_talk_speak_pump(arg);
}

static void on_lost(void *arg, const char *sentence)
{
    vgw_talk_tell(arg, "lost", sentence, 0, 0, NULL);
}

static void on_alive(void *arg)
{
    struct vgw_talk *t = arg;
    if (t->audio.open) /* nobody listens for speech here: frames are the sign of life */
        vgw_talk_activity(t);
}

static void on_end(void *arg)
{
    struct vgw_talk *t = arg;
    t->ending = true;
    t->closing++; /* held until all was asked to close */
    commands_waited(t);
    vgw_talk_gather_end(t, VGW_ENOTFOUND, "none", "the call has ended", -1);
    if (t->started) {
        vgw_talk_assistant_end(t);
        vgw_talk_speak_end(t);
        vgw_talk_listen_end(t);
    }
    vgw_talk_closed(t);
}

void vgw_talk_closed(struct vgw_talk *t)
{
    if (--t->closing == 0)
        vgw_leg_sink_done(t->leg);
}

static const struct vgw_leg_sink sink = {
    .on_up = on_up,
    .on_wire = on_wire,
    .on_pcm = vgw_talk_on_pcm,
    .on_vad = vgw_talk_on_vad,
    .on_dtmf = vgw_talk_on_digit,
    .on_started = vgw_talk_on_started,
    .on_played = vgw_talk_on_played,
    .on_room = on_room,
    .on_lost = on_lost,
    .on_alive = on_alive,
    .on_end = on_end,
};

/* ---- begin ---- */

struct vgw_talk_begin *vgw_talk_begin_new(void)
{
    struct vgw_talk_begin *b;
    if (VGW_NEW(b))
        b->options = vgw_talk_defaults();
    return b;
}

static void begin_free(struct vgw_talk_begin *b)
{
    if (!b)
        return;
    vgw_free(b->greeting);
    vgw_free(b->language);
    vgw_free(b->voice);
    vgw_free(b->session_json);
    vgw_free(b->tools_json);
    vgw_free(b);
}

struct message {
    struct vgw_list link; /* of talk->waiting */
    struct vgw_talk *talk;
    struct vgw_talk_begin *begin;
    uint64_t op, tool_call;
    int status;
    char command[24];
    struct vgw_json *params;
    bool has_engine;
    struct vgw_engine engine;
};

static void begin_run(void *object, void *arg)
{
    struct message *m = arg;
    struct vgw_talk *t = m->talk;
    if (object && !t->ending) {
        t->cfg = m->begin;
        t->options = m->begin->options;
        m->begin = NULL;
        if (vgw_leg_up(t->leg))
            on_up(t);
    }
    begin_free(m->begin);
    vgw_free(m);
}

int vgw_talk_begin(struct vgw_talk *t, struct vgw_talk_begin *begin)
{
    struct message *m;
    if (!VGW_NEW(m)) {
        begin_free(begin);
        return VGW_ELIMIT;
    }
    if (!begin->language)
        begin->language = vgw_strdup("en-US");
    m->talk = t;
    m->begin = begin;
    int rc = vgw_handle_post(t->leg_handle, begin_run, m);
    if (rc < 0) {
        begin_free(begin);
        vgw_free(m);
    }
    return rc;
}

/* ---- commands ---- */

static int say(struct vgw_talk *t, uint64_t op, const struct vgw_json *p, struct vgw_error *err)
{
    struct vgw_speech *s;
    const char *text = vgw_json_get_string(p, "text", "");
    int rc = vgw_speech_new(t, VGW_SPEECH_SAY, op, vgw_json_get_bool(p, "interruptible", true), vgw_json_get_string(p, "voice", NULL),
                            vgw_json_get_string(p, "language", NULL), &s, err);
    if (rc < 0)
        return rc;
    vgw_talk_transcript(t, "assistant", text, -1, -1, false, NULL);
    vgw_speech_text(t, s, text, true);
    return 0;
}

static int hold(struct vgw_talk *t, bool on)
{
    t->on_hold = on;
    if (on) {
        vgw_timer_stop(&t->no_input_timer);
        vgw_talk_interrupt(t);
    }
    vgw_leg_music(t->leg, on);
    if (!on)
        vgw_talk_await_caller(t);
    return 0;
}

/* 1: completes at once; 0: later. */
static int command_run(struct vgw_talk *t, struct message *m, struct vgw_json *result, struct vgw_error *err)
{
    const char *c = m->command;
    int rc = VGW_EUNSUPPORTED;
    if (vgw_streq(c, "say"))
        return say(t, m->op, m->params, err);
    if (vgw_streq(c, "play"))
        return vgw_talk_play(t, m->op, m->params, err);
    if (vgw_streq(c, "gather"))
        return vgw_talk_gather(t, m->op, m->params, err);
    if (vgw_streq(c, "assistant"))
        return vgw_talk_assistant_switch(t, &m->engine, m->op, err);
    if (vgw_streq(c, "dtmf")) {
        rc = vgw_leg_dtmf(t->leg, vgw_json_get_string(m->params, "digits", ""), err);
    } else if (vgw_streq(c, "hold") || vgw_streq(c, "resume")) {
        rc = hold(t, c[0] == 'h');
    } else if (vgw_streq(c, "mute") || vgw_streq(c, "unmute")) {
        vgw_leg_mute(t->leg, c[0] == 'm');
        rc = 0;
    } else if (vgw_streq(c, "record_start")) {
        rc = vgw_leg_record_start(t->leg, vgw_json_get_string(m->params, "path", ""),
                                  vgw_json_get_string(m->params, "recording_id", ""), err);
    } else if (vgw_streq(c, "record_stop")) {
        double duration = 0;
        rc = vgw_leg_record_stop(t->leg, &duration);
        vgw_json_set_double(result, "duration", duration);
    } else if (vgw_streq(c, "record_pause") || vgw_streq(c, "record_resume")) {
        rc = vgw_leg_record_pause(t->leg, vgw_streq(c, "record_pause"));
    }
    if (rc == VGW_EBUSY && !err->status)
        vgw_error_set(err, rc, "no recording runs on this call");
    if (rc == VGW_EUNSUPPORTED && !err->status)
        vgw_error_set(err, rc, "the media of a call does not know the command '%s'", c);
    return rc == 0 ? 1 : rc;
}

/* Until media is up a command waits: it was asked for on a call that is connected. */
static bool command_waits(const struct vgw_talk *t, const struct message *m)
{
    return !t->started && !vgw_starts_with(m->command, "record_") && !vgw_streq(m->command, "mute") && !vgw_streq(m->command, "unmute");
}

static void command_on_worker(void *object, void *arg)
{
    struct message *m = arg;
    struct vgw_talk *t = m->talk;
    if (object && !t->ending && command_waits(t, m)) {
        vgw_list_append(&t->waiting, &m->link);
        return;
    }
    struct vgw_error err = {0};
    struct vgw_json *result = vgw_json_object();
    int rc = VGW_ENOTFOUND;
    bool alive = object && !t->ending;
    if (alive)
        rc = command_run(t, m, result, &err);
    else
        vgw_error_set(&err, rc, "the call has ended");
    if (rc == 1 && alive) {
        vgw_talk_complete(t, m->op, 0, NULL, result);
        result = NULL;
    } else if (rc < 0 && alive) {
        vgw_talk_complete(t, m->op, rc, err.text, NULL);
    } /* otherwise the call room has settled its operations with the call */
    vgw_json_free(result);
    vgw_json_free(m->params);
    vgw_free(m);
}

/* Runs what waited for media; at the call's end it is dropped, the call room has settled it. */
static void commands_waited(struct vgw_talk *t)
{
    struct vgw_list *at;
    while ((at = vgw_list_pop(&t->waiting)))
        command_on_worker(t, VGW_CONTAINER_OF(at, struct message, link));
}

int vgw_talk_command(struct vgw_talk *t, uint64_t op, const char *command, const struct vgw_json *params, const struct vgw_engine *engine,
                     struct vgw_error *err)
{
    struct message *m;
    if (!VGW_NEW(m))
        return vgw_error_nomem(err);
    m->talk = t;
    m->op = op;
    m->params = vgw_json_copy(params);
    vgw_strcopy(m->command, sizeof m->command, command);
    if (engine)
        m->engine = *engine;
    int rc = vgw_handle_post(t->leg_handle, command_on_worker, m);
    if (rc < 0) {
        vgw_json_free(m->params);
        vgw_free(m);
        return vgw_error_set(err, rc, rc == VGW_ELIMIT ? "the call's worker is overloaded; try again in a moment" : "the call's media is gone");
    }
    return 0;
}

static void tool_result_run(void *object, void *arg)
{
    struct message *m = arg;
    struct vgw_talk *t = m->talk;
    char *text = vgw_json_text(m->params, false);
    if (object && !t->ending && t->assistant.open)
        t->assistant_engine.assistant->tool_result(t->assistant.s, m->tool_call, m->status, text ? text : "null");
    else if (object && !t->ending && t->audio.open && t->assistant_engine.audio->tool_result)
        t->assistant_engine.audio->tool_result(t->audio.s, m->tool_call, m->status, text ? text : "null");
    vgw_free(text);
    vgw_json_free(m->params);
    vgw_free(m);
}

int vgw_talk_tool_result(struct vgw_talk *t, uint64_t tool_call, int status, const struct vgw_json *result)
{
    struct message *m;
    if (!VGW_NEW(m))
        return VGW_ELIMIT;
    m->talk = t;
    m->tool_call = tool_call;
    m->status = status;
    m->params = vgw_json_copy(result);
    int rc = vgw_handle_post(t->leg_handle, tool_result_run, m);
    if (rc < 0) {
        vgw_json_free(m->params);
        vgw_free(m);
    }
    return rc;
}

/* ---- life, on control ---- */

static void engines_release(struct vgw_talk *t)
{
    struct vgw_talk_begin *b = t->cfg;
    if (!b)
        return;
    for (uint32_t i = 0; i < b->stt_count; i++)
        t->home->engine_release(t->home->arg, b->stt[i].ref);
    for (uint32_t i = 0; i < b->tts_count; i++)
        t->home->engine_release(t->home->arg, b->tts[i].ref);
    if (b->has_assistant)
        t->home->engine_release(t->home->arg, t->assistant_engine.ref ? t->assistant_engine.ref : b->assistant.ref);
}

static void on_leg_gone(void *arg, struct vgw_json *summary)
{
    struct vgw_talk *t = arg;
    const struct vgw_talk_home *home = t->home;
    uint64_t call = t->p.call;
    engines_release(t);
    begin_free(t->cfg);
    for (size_t i = 0; i < VGW_TALK_VOICES; i++)
        vgw_free(t->voices[i]);
    vgw_free(t);
    home->gone(home->arg, call, summary);
}

int vgw_talk_new(const struct vgw_talk_params *params, struct vgw_talk **ret_talk, uint64_t *ret_leg, struct vgw_error *err)
{
    struct vgw_talk *t;
    if (!VGW_NEW(t))
        return vgw_error_nomem(err);
    t->p = *params;
    t->home = params->home;
    t->worker = params->worker;
    vgw_strcopy(t->session, sizeof t->session, params->session);
    vgw_strcopy(t->call_id, sizeof t->call_id, params->call_id);
    vgw_strcopy(t->provider, sizeof t->provider, params->provider);
    t->scope = (struct vgw_log_scope){t->session, t->call_id, t->provider, NULL};
    t->options = vgw_talk_defaults();
    vgw_list_init(&t->speeches);
    vgw_list_init(&t->after_speech);
    vgw_list_init(&t->waiting);
    struct vgw_leg_params leg = {.worker = params->worker,
                                 .control = params->control,
                                 .pool = params->pool,
                                 .call = params->call,
                                 .ops = params->media,
                                 .instance = params->media_instance,
                                 .silence_timeout_us = params->silence_timeout_us,
                                 .session = t->session,
                                 .call_id = t->call_id,
                                 .provider = t->provider,
                                 .sink = &sink,
                                 .sink_arg = t,
                                 .gone = on_leg_gone,
                                 .gone_arg = t};
    int rc = vgw_leg_new(&leg, &t->leg, &t->leg_handle, err);
    if (rc < 0) {
        vgw_free(t);
        return rc;
    }
    *ret_talk = t;
    *ret_leg = t->leg_handle;
    return 0;
}

void vgw_talk_end(struct vgw_talk *t)
{
    vgw_leg_end(t->leg);
}
