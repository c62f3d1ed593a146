/* answer.c - the assistant's side of a turn: asking, speaking its text as it comes, and its wishes. */
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "talk/talk_private.h"

struct wish { /* an action that waits until what was said before it has been heard */
    struct vgw_list link;
    char *action;
    struct vgw_json *params;
};

static void wish_free(struct wish *w)
{
    vgw_free(w->action);
    vgw_json_free(w->params);
    vgw_free(w);
}

void vgw_talk_wishes_drop(struct vgw_talk *t)
{
    struct vgw_list *at;
    while ((at = vgw_list_pop(&t->after_speech)))
        wish_free(VGW_CONTAINER_OF(at, struct wish, link));
}

/* ---- its text ---- */

/* The utterance of this turn that takes more text. */
static struct vgw_speech *answer_speech(struct vgw_talk *t, uint64_t turn)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &t->speeches) {
        struct vgw_speech *s = VGW_CONTAINER_OF(at, struct vgw_speech, link);
        if (s->kind == VGW_SPEECH_ANSWER && s->turn == turn && !s->text_done)
            return s;
    }
    return NULL;
}

/* Nobody can say it: it is told as text. */
static void answer_unspoken(struct vgw_talk *t, const char *text, const struct vgw_error *err)
{
    vgw_log(VGW_LOG_WARNING, &t->scope, "the assistant's answer cannot be spoken", "error", err->text, NULL);
    vgw_talk_filler_disarm(t);
    vgw_talk_transcript(t, "assistant", text, -1, -1, false, NULL);
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "text", text);
    vgw_json_set_int(o, "turn", (int64_t)t->turn);
    vgw_json_set(o, "latency_ms", NULL);
    vgw_json_set(o, "stages", vgw_json_object());
    vgw_talk_event(t, "voice.assistant.text", o);
}

void vgw_talk_answer_close(struct vgw_talk *t)
{
    struct vgw_speech *s = answer_speech(t, t->turn);
    if (s)
        vgw_speech_text(t, s, "", true);
}

static void on_delta(struct vgw_talk *t, const struct vgw_engine_message *m)
{
    struct vgw_error err = {0};
    /* An assistant may speak up again under the number of its last turn (a menu whose caller stopped dialling). */
    if (m->utterance != t->turn || t->turn_cut || !m->text || !m->text[0])
        return;
    struct vgw_speech *s = answer_speech(t, m->utterance);
    if (!s) {
        if (vgw_speech_new(t, VGW_SPEECH_ANSWER, 0, true, NULL, NULL, &s, &err) < 0) {
            answer_unspoken(t, m->text, &err);
            return;
        }
        s->turn = m->utterance;
        s->times = t->times; /* the times of the caller's turn belong to its first answer alone */
        s->times.first_text_us = vgw_now(t->worker);
        memset(&t->times, 0, sizeof t->times);
    }
    vgw_talk_answer_watch(t);
    vgw_speech_text(t, s, m->text, false);
}

static void count_usage(struct vgw_talk *t, const char *text)
{
    struct vgw_json *usage = NULL;
    if (!text || vgw_json_parse(text, strlen(text), &usage, NULL) < 0)
        return;
    t->usage.tokens += vgw_json_get_int(usage, "input_tokens", 0) + vgw_json_get_int(usage, "output_tokens", 0);
    t->usage.cost += vgw_json_get_double(usage, "cost", 0);
    vgw_json_free(usage);
}

static void on_turn_done(struct vgw_talk *t, const struct vgw_engine_message *m)
{
    count_usage(t, m->text2);
    if (m->utterance != t->turn)
        return;
    struct vgw_speech *s = answer_speech(t, m->utterance);
    bool cut = t->turn_cut, failed = m->status < 0 && m->status != VGW_EBUSY && !cut;
    vgw_talk_answer_unwatch(t);
    if (failed && t->thinking) {
        vgw_talk_error(t, m->status, m->text, "the assistant failed in a turn", t->assistant_engine.name);
        if (vgw_talk_stand_in(t))
            return;
    }
    if (!failed && !cut)
        vgw_engine_health_report(t->assistant_engine.health, false, vgw_now(t->worker));
    t->thinking = t->turn_cut = false;
    if (!vgw_talk_speaking(t)) /* else its voice may still be waited for */
        vgw_talk_filler_disarm(t);
    if (s)
        vgw_speech_text(t, s, "", true);
    else if (!vgw_talk_speaking(t))
        vgw_talk_await_caller(t);
}

/* ---- its wishes ---- */

static void assistant_op_over(struct vgw_talk *t, int status, const char *sentence, struct vgw_json *result)
{
    uint64_t op = t->assistant_op;
    t->assistant_op = 0;
    if (op)
        vgw_talk_step_over(t, op);
    vgw_talk_complete(t, op, status, sentence, result);
}

void vgw_talk_act(struct vgw_talk *t, const char *action, struct vgw_json *params)
{
    if (vgw_talk_wish_here(t, action, params))
        return;
    bool goes_on = vgw_streq(action, "play") || vgw_streq(action, "handoff"); /* whoever takes over ends the step */
    if (t->assistant_op && !goes_on) { /* the step that brought this assistant in is over */
        struct vgw_json *o = vgw_json_object();
        vgw_json_set_string(o, "action", action);
        vgw_json_set(o, "params", vgw_json_copy(params));
        assistant_op_over(t, 0, NULL, o);
        if (vgw_streq(action, "end") || vgw_streq(action, "done")) {
            vgw_json_free(params);
            return;
        }
    }
    vgw_talk_tell(t, "action", action, 0, 0, params);
}

static void on_action(struct vgw_talk *t, const struct vgw_engine_message *m)
{
    struct vgw_json *params = NULL;
    struct wish *w;
    if (t->turn_cut && m->utterance == t->turn) /* it was about to, before the caller cut in */
        return;
    t->answer_acted = t->answer_acted || !(vgw_streq(m->text, "hints") || vgw_streq(m->text, "talk"));
    if (m->text2 && vgw_json_parse(m->text2, strlen(m->text2), &params, NULL) < 0)
        params = NULL;
    if (vgw_talk_wish_now(t, m->text ? m->text : "", params))
        return;
    if (!vgw_talk_speaking(t) || !VGW_NEW(w)) {
        vgw_talk_act(t, m->text ? m->text : "", params);
    } else {
        w->action = vgw_strdup(m->text ? m->text : "");
        w->params = params;
        vgw_list_append(&t->after_speech, &w->link);
    }
}

void vgw_talk_all_heard(struct vgw_talk *t)
{
    struct vgw_list *at;
    while ((at = vgw_list_pop(&t->after_speech))) {
        struct wish *w = VGW_CONTAINER_OF(at, struct wish, link);
        vgw_talk_act(t, w->action ? w->action : "", w->params);
        w->params = NULL;
        wish_free(w);
    }
}

static void on_tool(struct vgw_talk *t, const struct vgw_engine_stream *stream, const struct vgw_engine_message *m)
{
    uint64_t turn = t->audio ? t->turn : m->utterance; /* one with a voice of its own is not told of our turns */
    struct vgw_json *o = vgw_json_object(), *arguments = NULL;
    t->answer_acted = true;
    vgw_talk_answer_unwatch(t); /* it waits for us now */
    if (m->text2)
        vgw_json_parse(m->text2, strlen(m->text2), &arguments, NULL);
    vgw_json_set_int(o, "turn", (int64_t)turn);
    vgw_json_set(o, "arguments", arguments ? arguments : vgw_json_object());
    vgw_json_set_int(o, "tool_call", m->a);
    vgw_talk_tell(t, "tool", m->text ? m->text : "", stream->handle, 0, o);
}

/* ---- from the engine ---- */

static void closed_by_itself(struct vgw_talk *t, struct vgw_engine_stream *stream)
{
    vgw_talk_error(t, VGW_EPROVIDER, NULL, "the assistant closed its session", t->assistant_engine.name);
    *(stream == t->audio ? &t->audio : &t->assistant) = NULL;
    vgw_engine_stream_free(stream);
    if (vgw_talk_stand_in(t))
        return;
    vgw_talk_answer_unwatch(t);
    t->thinking = t->turn_cut = false;
    vgw_talk_filler_disarm(t);
    vgw_talk_listen_update(t);
    vgw_talk_act(t, "end", NULL);
}

static void on_audio_message(struct vgw_talk *t, const struct vgw_engine_message *m)
{
    switch (m->kind) {
    case VGW_MSG_AUDIO:
        vgw_talk_live_audio(t, m);
        break;
    case VGW_MSG_ITEM_DONE:
        vgw_talk_live_done(t, m->text);
        break;
    case VGW_MSG_TRANSCRIPT:
        vgw_talk_live_transcript(t, m);
        break;
    case VGW_MSG_SPEECH:
        if (!m->flag)
            vgw_talk_live_turn(t, m->a);
        break;
    case VGW_MSG_CLEAR:
        if (t->item_telling) /* from inside of what it is being told: once that is over */
            vgw_engine_post(t->audio->handle, m);
        else
            vgw_talk_interrupt(t);
        break;
    default:
        break;
    }
}

static void on_assistant(void *owner, struct vgw_engine_stream *stream, const struct vgw_engine_message *m)
{
    struct vgw_talk *t = owner;
    switch (m->kind) {
    case VGW_MSG_CLOSED:
        closed_by_itself(t, stream);
        break;
    case VGW_MSG_DELTA:
        on_delta(t, m);
        break;
    case VGW_MSG_TURN_DONE:
        on_turn_done(t, m);
        break;
    case VGW_MSG_ACTION:
        on_action(t, m);
        break;
    case VGW_MSG_TOOL:
        on_tool(t, stream, m);
        break;
    case VGW_MSG_ERROR:
        vgw_talk_error(t, m->status, m->text, "the assistant failed", t->assistant_engine.name);
        if (m->flag && !vgw_talk_stand_in(t))
            vgw_talk_act(t, "end", NULL);
        break;
    default:
        if (stream == t->audio)
            on_audio_message(t, m);
        break;
    }
}

/* ---- asking ---- */

/* For whoever may have to answer it instead. */
static void turn_keep(struct vgw_talk *t, const char *text, double confidence, uint32_t flags)
{
    vgw_free(t->asked);
    t->asked = t->cfg->stand_in_count ? vgw_strdup(text) : NULL;
    t->asked_confidence = confidence;
    t->asked_flags = flags;
    t->answer_acted = false;
    t->stand_ins_tried = 0;
}

static bool turn_give(struct vgw_talk *t, const char *text, double confidence, uint32_t flags)
{
    struct voicegw_turn turn = {.size = sizeof turn,
                                .flags = flags,
                                .turn = ++t->turn,
                                .text = text,
                                .confidence = confidence,
                                .language = t->cfg->language};
    t->thinking = true;
    if (!(flags & VOICEGW_TURN_START) || t->times.speech_end_us) { /* the caller waits, or was handed over meanwhile */
        vgw_talk_filler_arm(t);
        vgw_talk_answer_watch(t);
    }
    if (t->assistant_engine.assistant->turn(t->assistant->s, &turn) >= 0)
        return true;
    t->thinking = false;
    vgw_talk_filler_disarm(t);
    vgw_talk_answer_unwatch(t);
    return false;
}

static bool used_up(const struct vgw_talk *t)
{
    const struct vgw_talk_usage *most = &t->cfg->usage_limit;
    return (most->tokens && t->usage.tokens >= most->tokens) || (most->cost > 0 && t->usage.cost >= most->cost);
}

bool vgw_talk_ask(struct vgw_talk *t, const char *text, double confidence, uint32_t flags)
{
    if (!t->assistant || t->on_hold)
        return false;
    if (used_up(t)) {
        vgw_log(VGW_LOG_INFO, &t->scope, "the agent has used what it may (max_tokens, max_cost) and the call ends",
                NULL);
        vgw_talk_act(t, "end", NULL);
        return true;
    }
    if (!(flags & VOICEGW_TURN_START) && ++t->turns_used > t->options->max_turns) {
        vgw_log(VGW_LOG_INFO, &t->scope, "the conversation reached its limit of turns (talk.max_turns) and ends", NULL);
        vgw_talk_act(t, "end", NULL);
        return true;
    }
    if (!(flags & VOICEGW_TURN_START))
        turn_keep(t, text, confidence, flags);
    t->turn_cut = false;
    return turn_give(t, text, confidence, flags) || vgw_talk_stand_in(t);
}

void vgw_talk_ask_again(struct vgw_talk *t)
{
    /* What a tool has done once must not be done again: only the caller can say what is wanted now. */
    bool twice = t->answer_acted || !t->asked;
    turn_give(t, twice ? "" : t->asked, twice ? -1 : t->asked_confidence,
              twice ? VOICEGW_TURN_NO_MATCH : t->asked_flags);
}

bool vgw_talk_assistant_digit(struct vgw_talk *t, char digit)
{
    char text[2] = {digit, '\0'};
    if (t->audio)
        return t->assistant_engine.audio->dtmf && t->assistant_engine.audio->dtmf(t->audio->s, text) >= 0;
    if (!t->assistant)
        return false;
    const struct voicegw_assistant *a = t->assistant_engine.assistant;
    return (a->dtmf && a->dtmf(t->assistant->s, text) == 1) || vgw_talk_ask(t, text, 1, VOICEGW_TURN_DTMF);
}

/* ---- life ---- */

static struct voicegw_assistant_params params_of(const struct vgw_talk *t, bool resumed, const char *history)
{
    return (struct voicegw_assistant_params){.size = sizeof(struct voicegw_assistant_params),
                                             .resumed = resumed,
                                             .session_json = t->cfg->session_json ? t->cfg->session_json : "{}",
                                             .tools_json = t->cfg->tools_json ? t->cfg->tools_json : "[]",
                                             .history_json = history ? history : t->cfg->history_json,
                                             .agent_json = t->cfg->agent_json};
}

static int audio_call_open(struct vgw_talk *t, struct vgw_engine_stream *es,
                           const struct voicegw_assistant_params *params)
{
    static const uint32_t encodings[] = {VOICEGW_AUDIO_PCMU, VOICEGW_AUDIO_PCMA, VOICEGW_AUDIO_L16};
    struct vgw_engine *e = &t->assistant_engine;
    struct voicegw_audio_format format = {sizeof format, encodings[vgw_leg_encoding(t->leg)], vgw_leg_rate_hz(t->leg),
                                          20};
    uint32_t chosen = 0;
    return e->audio->open(e->instance, es->handle, params, &format, 1, &es->s, &chosen);
}

int vgw_talk_assistant_open(struct vgw_talk *t, bool resumed, struct vgw_error *err)
{
    struct vgw_engine *e = &t->assistant_engine;
    if (!e->assistant && !e->audio)
        return vgw_error_set(err, VGW_EUNSUPPORTED, "'%s' is no assistant", e->name);
    struct vgw_engine_stream *es = vgw_engine_stream_new(VGW_HANDLE_ASSISTANT, t->worker, on_assistant, t);
    if (!es)
        return vgw_error_nomem(err);
    es->engine = e;
    char *history = resumed && t->said ? vgw_json_text(t->said, false) : NULL;
    struct voicegw_assistant_params params = params_of(t, resumed, history);
    int rc =
        e->assistant ? e->assistant->open(e->instance, es->handle, &params, &es->s) : audio_call_open(t, es, &params);
    vgw_free(history);
    if (rc < 0) {
        vgw_engine_stream_free(es);
        return vgw_error_set(err, rc, "the assistant '%s' could not be opened", e->name);
    }
    *(e->assistant ? &t->assistant : &t->audio) = es;
    t->first_turn = t->turn + 1;
    return 0;
}

void vgw_talk_assistant_start(struct vgw_talk *t)
{
    struct vgw_error err = {0};
    vgw_talk_filler_init(t);
    vgw_talk_stand_in_init(t);
    if (t->assistant_held && vgw_talk_assistant_open(t, false, &err) < 0 && !vgw_talk_stand_in(t)) {
        vgw_log(VGW_LOG_ERROR, &t->scope, err.text, NULL);
        vgw_talk_tell(t, "lost", err.text, 0, 0, NULL);
    }
}

/* `release`: the reference that goes back once it has closed, or NULL. True when there was one to close. */
static bool assistant_close(struct vgw_talk *t, void *release)
{
    vgw_talk_filler_disarm(t);
    vgw_talk_answer_unwatch(t);
    t->thinking = t->turn_cut = false;
    vgw_talk_wishes_drop(t);
    if (t->assistant)
        vgw_talk_stream_close(t, &t->assistant, t->assistant_engine.assistant->close, release);
    else if (t->audio)
        vgw_talk_stream_close(t, &t->audio, t->assistant_engine.audio->close, release);
    else
        return false;
    return true;
}

static void take(char **kept, char **given)
{
    if (!*given)
        return;
    vgw_free(*kept);
    *kept = *given;
    *given = NULL;
}

/* What the one before was told of itself is not this one's. */
static void role_take(struct vgw_talk *t, struct vgw_talk_role *role)
{
    struct vgw_talk_role none = {0}, *r = role ? role : &none;
    vgw_free(t->cfg->agent_json);
    vgw_free(t->cfg->history_json);
    t->cfg->agent_json = t->cfg->history_json = NULL;
    take(&t->cfg->agent_json, &r->agent_json);
    take(&t->cfg->history_json, &r->history_json);
    take(&t->cfg->tools_json, &r->tools_json);
    take(&t->cfg->voice, &r->voice);
    t->cfg->usage_limit = r->usage_limit;
    t->usage = (struct vgw_talk_usage){0};
    if (!r->max_turns)
        return;
    struct vgw_talk_options next = *t->options;
    next.max_turns = t->turns_used + r->max_turns;
    vgw_talk_options_set(t, &next);
}

int vgw_talk_assistant_switch(struct vgw_talk *t, const struct vgw_engine *engine, struct vgw_talk_role *role,
                              uint64_t op, const struct vgw_json *params, struct vgw_error *err)
{
    bool handed = vgw_json_get_bool(params, "handed", false);
    void *before = t->assistant_held ? t->assistant_engine.ref : NULL;
    bool had = assistant_close(t, before);
    if (!had && before)
        vgw_talk_tell(t, "release", NULL, (uint64_t)(uintptr_t)before, 0, NULL);
    if (!handed) { /* else the caller's turn is still to be answered, by the new one */
        memset(&t->times, 0, sizeof t->times);
        assistant_op_over(t, VGW_EBUSY, "another assistant took its place", NULL);
    }
    t->assistant_engine = *engine;
    t->assistant_held = true;
    role_take(t, role);
    int rc = vgw_talk_assistant_open(t, had, err);
    vgw_talk_listen_update(t);
    if (rc == 0)
        rc = vgw_talk_step_options(t, op, vgw_json_get(params, "talk"), err);
    if (rc < 0) {
        assistant_op_over(t, rc, err->text, NULL);
        return rc;
    }
    if (!handed)
        t->assistant_op = op;
    if (t->assistant)
        vgw_talk_ask(t, "", -1, VOICEGW_TURN_START);
    return handed;
}

void vgw_talk_assistant_end(struct vgw_talk *t)
{
    assistant_close(t, NULL);
    assistant_op_over(t, VGW_ENOTFOUND, "the call has ended", NULL);
}
