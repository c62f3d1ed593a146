/* stand_in.c - an assistant that fails or falls silent in mid-turn, and the one that goes on in its place. */
#include <string.h>

#include "base/alloc.h"
#include "talk/talk_private.h"

#define SAID_LINES 60 /* of the conversation, that whoever takes over is told */

static bool has_other(const struct vgw_talk *t)
{
    return t->cfg->stand_in_count && t->stand_ins_tried < t->cfg->stand_in_count;
}

void vgw_talk_answer_watch(struct vgw_talk *t)
{
    int64_t wait = has_other(t) ? t->assistant_engine.failover_after_us : 0;
    if (t->assistant && t->thinking)
        vgw_timer_start(&t->answer_timer, wait ? wait : VGW_TALK_STAGE_US);
}

void vgw_talk_answer_unwatch(struct vgw_talk *t)
{
    vgw_timer_stop(&t->answer_timer);
}

/* The older half is forgotten. */
static void halve(struct vgw_talk *t)
{
    struct vgw_json *newer = vgw_json_array();
    for (size_t i = SAID_LINES / 2; i < vgw_json_count(t->said); i++)
        vgw_json_append(newer, vgw_json_copy(vgw_json_at(t->said, i)));
    vgw_json_free(t->said);
    t->said = newer;
}

void vgw_talk_stand_in_note(struct vgw_talk *t, const char *role, const char *content)
{
    if (!t->cfg || !t->cfg->stand_in_count || t->ending)
        return;
    if (!t->said)
        t->said = vgw_json_array();
    if (vgw_json_count(t->said) >= SAID_LINES)
        halve(t);
    struct vgw_json *line = vgw_json_object();
    vgw_json_set_string(line, "role", role);
    vgw_json_set_string(line, "content", content);
    vgw_json_append(t->said, line);
}

/* What was said of the answer stays said; nothing more of it comes. */
static void close_broken(struct vgw_talk *t)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &t->speeches) {
        struct vgw_speech *s = VGW_CONTAINER_OF(at, struct vgw_speech, link);
        if (s->kind == VGW_SPEECH_ANSWER && !s->text_done)
            vgw_speech_text(t, s, "", true);
        else if (s->kind == VGW_SPEECH_LIVE)
            s->synth_done = true;
    }
    if (t->assistant)
        vgw_talk_stream_close(t, &t->assistant, t->assistant->engine->assistant->close, NULL);
    else if (t->audio)
        vgw_talk_stream_close(t, &t->audio, t->audio->engine->audio->close, NULL);
}

/* The two change places, so that each reference goes back once. */
static void engines_swap(struct vgw_talk *t)
{
    struct vgw_engine *next = &t->cfg->stand_ins[t->stand_in_at], broken = t->assistant_engine;
    t->assistant_engine = *next;
    *next = broken;
    t->stand_in_at = (t->stand_in_at + 1) % t->cfg->stand_in_count;
}

bool vgw_talk_stand_in(struct vgw_talk *t)
{
    struct vgw_error err = {0};
    char from[sizeof t->assistant_engine.name];
    memcpy(from, t->assistant_engine.name, sizeof from);
    vgw_engine_health_report(t->assistant_engine.health, true, vgw_now(t->worker));
    if (t->ending || !has_other(t))
        return false;
    bool asked = t->asked && (t->thinking || t->turn_cut);
    close_broken(t);
    while (has_other(t)) {
        t->stand_ins_tried++;
        engines_swap(t);
        if (vgw_talk_assistant_open(t, true, &err) == 0)
            break;
        vgw_engine_health_report(t->assistant_engine.health, true, vgw_now(t->worker));
        vgw_log(VGW_LOG_ERROR, &t->scope, err.text, NULL);
    }
    bool open = t->assistant || t->audio;
    vgw_talk_failover_told(t, "assistants", from, open ? t->assistant_engine.name : NULL);
    vgw_talk_listen_update(t);
    t->turn_cut = false;
    if (open && t->assistant && asked)
        vgw_talk_ask_again(t);
    else
        t->thinking = false;
    return open;
}

static void on_answer_late(void *arg)
{
    struct vgw_talk *t = arg;
    if (!t->thinking || t->ending || t->on_hold)
        return;
    vgw_talk_error(t, VGW_ETIMEOUT, NULL, "the assistant did not answer in time", t->assistant_engine.name);
    if (t->turn_cut) /* nobody waits for what it owes */
        return;
    if (vgw_talk_stand_in(t))
        return;
    t->thinking = false;
    t->turn_cut = true;
    vgw_talk_filler_disarm(t);
    if (!vgw_talk_speaking(t))
        vgw_talk_await_caller(t);
}

void vgw_talk_stand_in_init(struct vgw_talk *t)
{
    vgw_timer_init(&t->answer_timer, t->worker, on_answer_late, t);
}

void vgw_talk_stand_in_end(struct vgw_talk *t)
{
    vgw_timer_stop(&t->answer_timer);
    vgw_json_free(t->said);
    vgw_free(t->asked);
    t->said = NULL;
    t->asked = NULL;
}
