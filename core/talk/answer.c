/* answer.c - the assistant's side of a turn: asking, speaking its text as it comes, its wishes, and the times of each stage. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "talk/talk_private.h"
#include "talk/text.h"

struct wish { /* an action that waits until what was said before it has been heard */
    struct vgw_list link;
    char *action;
    struct vgw_json *params;
};

static void wish_free(struct wish *w)
{
    vgw_list_remove(&w->link);
    vgw_free(w->action);
    vgw_json_free(w->params);
    vgw_free(w);
}

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

static void on_delta(struct vgw_talk *t, const struct vgw_engine_message *m)
{
    if (m->utterance != t->turn || !m->text || !m->text[0])
        return;
    struct vgw_speech *s = answer_speech(t, m->utterance);
    struct vgw_error err = {0};
    if (!t->times.first_text_us)
        t->times.first_text_us = vgw_now(t->worker);
    t->answered = true;
    if (!s) {
        if (vgw_speech_new(t, VGW_SPEECH_ANSWER, 0, true, NULL, NULL, &s, &err) < 0) {
            vgw_log(VGW_LOG_WARNING, &t->scope, "the assistant's answer cannot be spoken", "error", err.text, NULL);
            vgw_timer_stop(&t->filler_timer);
            vgw_talk_transcript(t, "assistant", m->text, -1, -1, false, NULL);
            struct vgw_json *o = vgw_json_object();
            vgw_json_set_string(o, "text", m->text);
            vgw_json_set_int(o, "turn", (int64_t)t->turn);
            vgw_talk_event(t, "voice.assistant.text", o);
            return;
        }
        s->turn = m->utterance;
    }
    vgw_speech_text(t, s, m->text, false);
}

static void act(struct vgw_talk *t, const char *action, struct vgw_json *params)
{
    if (t->assistant_op) { /* the step that brought this assistant in is over */
        struct vgw_json *o = vgw_json_object();
        vgw_json_set_string(o, "action", action);
        vgw_json_set(o, "params", vgw_json_copy(params));
        vgw_talk_complete(t, t->assistant_op, 0, NULL, o);
        t->assistant_op = 0;
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
    if (m->text2 && vgw_json_parse(m->text2, strlen(m->text2), &params, NULL) < 0)
        params = NULL;
    if (vgw_streq(m->text, "hints")) {
        char *text = vgw_json_text(vgw_json_get(params, "phrases"), false);
        if (text && !t->gather.op)
            vgw_talk_hints(t, text);
        vgw_free(text);
        vgw_json_free(params);
        return;
    }
    if (vgw_streq(m->text, "talk")) {
        struct vgw_error err = {0};
        if (vgw_talk_options_apply(&t->options, params, &err) < 0)
            vgw_log(VGW_LOG_WARNING, &t->scope, "the assistant's talk options were refused", "error", err.text, NULL);
        vgw_json_free(params);
        return;
    }
    struct wish *w;
    if (!vgw_talk_speaking(t) || !VGW_NEW(w)) {
        act(t, m->text ? m->text : "", params);
        return;
    }
    w->action = vgw_strdup(m->text ? m->text : "");
    w->params = params;
    vgw_list_append(&t->after_speech, &w->link);
}

void vgw_talk_all_heard(struct vgw_talk *t)
{
    struct vgw_list *at;
    while ((at = vgw_list_pop(&t->after_speech))) {
        struct wish *w = VGW_CONTAINER_OF(at, struct wish, link);
        act(t, w->action, w->params);
        w->params = NULL;
        wish_free(w);
    }
}

static void on_turn_done(struct vgw_talk *t, const struct vgw_engine_message *m)
{
    if (m->utterance != t->turn)
        return;
    struct vgw_speech *s = answer_speech(t, m->utterance);
    t->thinking = false;
    vgw_timer_stop(&t->filler_timer);
    if (m->status < 0 && m->status != VGW_EBUSY) {
        vgw_log(VGW_LOG_WARNING, &t->scope, "the assistant failed in a turn", "assistant", t->assistant_engine.name, "error",
                m->text ? m->text : "", NULL);
        struct vgw_json *o = vgw_json_object();
        vgw_json_set_string(o, "error", m->text ? m->text : "the assistant failed");
        vgw_json_set_string(o, "error_class", vgw_status_info(m->status)->error_class);
        vgw_json_set_string(o, "where", t->assistant_engine.name);
        vgw_json_set_bool(o, "retryable", vgw_status_info(m->status)->retryable);
        vgw_talk_event(t, "error", o);
    }
    if (s)
        vgw_speech_text(t, s, "", true);
    else if (!vgw_talk_speaking(t))
        vgw_talk_await_caller(t);
}

static void on_tool(struct vgw_talk *t, const struct vgw_engine_message *m)
{
    struct vgw_json *o = vgw_json_object(), *arguments = NULL;
    if (m->text2)
        vgw_json_parse(m->text2, strlen(m->text2), &arguments, NULL);
    vgw_json_set_int(o, "turn", (int64_t)m->utterance);
    vgw_json_set(o, "arguments", arguments ? arguments : vgw_json_object());
    vgw_talk_tell(t, "tool", m->text ? m->text : "", (uint64_t)m->a, 0, o);
}

static void on_live_audio(struct vgw_talk *t, const struct vgw_engine_message *m)
{
    if (m->encoding == vgw_leg_encoding(t->leg) && m->rate_hz == vgw_leg_rate_hz(t->leg) && !vgw_talk_speaking(t) &&
        (t->assistant_engine.audio->flags & VOICEGW_ASSISTANT_AUDIO_PACED))
        vgw_leg_send_now(t->leg, m->payload, (uint32_t)m->bytes, (uint32_t)m->samples);
    else
        vgw_metric_dropped("assistant_audio");
}

static void on_transcript(struct vgw_talk *t, const struct vgw_engine_message *m)
{
    if (!m->flag || !m->text)
        return;
    bool caller = vgw_streq(m->text2, "user");
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "text", m->text);
    vgw_json_set_int(o, "turn", (int64_t)t->turn);
    vgw_talk_event(t, caller ? "voice.stt.final" : "voice.assistant.text", o);
    vgw_talk_transcript(t, caller ? "user" : "assistant", m->text, -1, -1, false, NULL);
}

static void on_assistant_error(struct vgw_talk *t, const struct vgw_engine_message *m)
{
    vgw_log(VGW_LOG_ERROR, &t->scope, "the assistant failed", "assistant", t->assistant_engine.name, "error", m->text ? m->text : "", NULL);
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "error", m->text ? m->text : "the assistant failed");
    vgw_json_set_string(o, "error_class", vgw_status_info(m->status)->error_class);
    vgw_json_set_string(o, "where", t->assistant_engine.name);
    vgw_json_set_bool(o, "retryable", vgw_status_info(m->status)->retryable);
    vgw_talk_event(t, "error", o);
    if (m->flag)
        act(t, "end", NULL);
}

static void on_assistant(void *owner, struct vgw_engine_stream *stream, const struct vgw_engine_message *m)
{
    struct vgw_talk *t = owner;
    if (m->kind == VGW_MSG_CLOSED) {
        bool closing = stream->closing;
        vgw_engine_stream_drop(stream);
        if (closing)
            vgw_talk_closed(t);
        return;
    }
    if (t->ending || !stream->open)
        return;
    switch (m->kind) {
    case VGW_MSG_AUDIO:
        on_live_audio(t, m);
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
        on_tool(t, m);
        break;
    case VGW_MSG_TRANSCRIPT:
        on_transcript(t, m);
        break;
    case VGW_MSG_CLEAR:
        vgw_talk_interrupt(t);
        break;
    case VGW_MSG_ERROR:
        on_assistant_error(t, m);
        break;
    default:
        break;
    }
}

/* ---- asking ---- */

static void on_filler(void *arg)
{
    struct vgw_talk *t = arg;
    if (t->thinking && !vgw_talk_speaking(t) && t->options.filler[0])
        vgw_talk_prompt(t, t->options.filler, 0, true, VGW_SPEECH_SAY);
}

bool vgw_talk_ask(struct vgw_talk *t, const char *text, double confidence, uint32_t flags)
{
    if (!t->assistant.open || t->on_hold)
        return false;
    if (!(flags & VOICEGW_TURN_START) && ++t->turns_used > t->options.max_turns) {
        vgw_log(VGW_LOG_INFO, &t->scope, "the conversation reached its limit of turns (talk.max_turns) and ends", NULL);
        vgw_talk_tell(t, "action", "end", 0, 0, NULL);
        return true;
    }
    struct voicegw_turn turn = {.size = sizeof turn,
                                .flags = flags,
                                .turn = ++t->turn,
                                .text = text,
                                .confidence = confidence,
                                .language = t->cfg->language};
    t->thinking = true;
    t->answered = false;
    t->times.first_text_us = t->times.first_byte_us = t->times.first_frame_us = 0;
    if (t->options.filler_after_us && t->options.filler[0] && !(flags & VOICEGW_TURN_START))
        vgw_timer_start(&t->filler_timer, t->options.filler_after_us);
    if (t->assistant_engine.assistant->turn(t->assistant.s, &turn) < 0) {
        t->thinking = false;
        vgw_timer_stop(&t->filler_timer);
        return false;
    }
    return true;
}

bool vgw_talk_assistant_digit(struct vgw_talk *t, char digit)
{
    char text[2] = {digit, '\0'};
    if (t->audio.open && t->assistant_engine.audio->dtmf)
        return t->assistant_engine.audio->dtmf(t->audio.s, text) == 1;
    if (t->assistant.open && t->assistant_engine.assistant->dtmf && t->assistant_engine.assistant->dtmf(t->assistant.s, text) == 1)
        return true;
    if (!t->assistant.open)
        return false;
    return vgw_talk_ask(t, text, 1, VOICEGW_TURN_DTMF);
}

/* ---- what was heard ---- */

static double ms_between(int64_t from_us, int64_t to_us)
{
    return (double)(to_us - from_us) / 1000;
}

void vgw_talk_first_frame(struct vgw_talk *t, struct vgw_speech *s)
{
    if (s->turn == t->turn && !t->times.first_frame_us)
        t->times.first_frame_us = vgw_now(t->worker);
}

static void stage(struct vgw_json *stages, const char *name, int64_t from_us, int64_t at_us)
{
    static const char help[] = "Stages of a turn, from the end of the caller's speech";
    if (!at_us || !from_us)
        return;
    double ms = ms_between(from_us, at_us);
    vgw_json_set_double(stages, name, round(ms * 100) / 100);
    vgw_metric_observe(vgw_metric_family(VGW_METRIC_HISTOGRAM, "voicegw_turn_seconds", help, "stage"), ms / 1000, name, NULL, NULL);
}

static struct vgw_json *stages_json(struct vgw_talk *t)
{
    const struct vgw_turn_times *x = &t->times;
    struct vgw_json *o = vgw_json_object();
    int64_t from = x->speech_end_us;
    if (from)
        vgw_json_set_double(o, "speech_end", 0);
    stage(o, "final", from, x->final_us);
    stage(o, "first_text", from, x->first_text_us);
    stage(o, "tts_first_byte", from, x->first_byte_us);
    stage(o, "first_frame", from, x->first_frame_us);
    stage(o, "heard", from, vgw_now(t->worker));
    return o;
}

void vgw_talk_answer_heard(struct vgw_talk *t, struct vgw_speech *s, uint64_t heard_samples, bool complete)
{
    const char *text = vgw_buf_str(&s->text);
    uint64_t total = s->rate_hz ? s->samples * vgw_leg_rate_hz(t->leg) / s->rate_hz : 0;
    uint32_t heard_ms = (uint32_t)(heard_samples * 1000 / vgw_leg_rate_hz(t->leg));
    struct vgw_json *stages = stages_json(t);
    double latency = t->times.speech_end_us && t->times.first_frame_us ? ms_between(t->times.speech_end_us, t->times.first_frame_us) : -1;
    struct vgw_buf heard = {0};
    vgw_buf_adds(&heard, text);
    if (!complete) {
        size_t n = vgw_text_heard(text, heard_samples, total);
        vgw_buf_reset(&heard);
        vgw_buf_add(&heard, text, n);
    }
    if (!complete) {
        struct vgw_json *cut = vgw_json_object();
        vgw_json_set_int(cut, "turn", (int64_t)s->turn);
        vgw_json_set_string(cut, "heard_text", vgw_buf_str(&heard));
        vgw_json_set_int(cut, "heard_ms", heard_ms);
        vgw_talk_event(t, "voice.assistant.interrupted", cut);
        if (t->assistant.open)
            t->assistant_engine.assistant->interrupt(t->assistant.s, s->turn, vgw_buf_str(&heard), heard_ms);
    }
    if (heard.len) {
        struct vgw_json *o = vgw_json_object();
        vgw_json_set_string(o, "text", vgw_buf_str(&heard));
        vgw_json_set_int(o, "turn", (int64_t)s->turn);
        if (latency >= 0)
            vgw_json_set_double(o, "latency_ms", round(latency * 100) / 100);
        vgw_json_set(o, "stages", vgw_json_ref(stages));
        if (complete)
            vgw_talk_event(t, "voice.assistant.text", o);
        else
            vgw_json_free(o);
        vgw_talk_transcript(t, "assistant", vgw_buf_str(&heard), latency >= 0 ? round(latency * 100) / 100 : -1, -1, !complete,
                            vgw_json_copy(stages));
    }
    vgw_json_free(stages);
    vgw_buf_done(&heard);
    if (!complete) { /* what it wished to do after this text is void: the caller has something else to say */
        struct vgw_list *at;
        while ((at = vgw_list_pop(&t->after_speech)))
            wish_free(VGW_CONTAINER_OF(at, struct wish, link));
    }
}

/* ---- life ---- */

static int text_open(struct vgw_talk *t, bool resumed, struct vgw_error *err)
{
    struct vgw_engine *e = &t->assistant_engine;
    struct voicegw_assistant_params params = {.size = sizeof params,
                                              .resumed = resumed,
                                              .session_json = t->cfg->session_json ? t->cfg->session_json : "{}",
                                              .tools_json = t->cfg->tools_json ? t->cfg->tools_json : "[]"};
    if (vgw_engine_stream_init(&t->assistant, VGW_HANDLE_ASSISTANT, t->worker, on_assistant, t) < 0)
        return vgw_error_nomem(err);
    t->assistant.engine = e;
    int rc = e->assistant->open(e->instance, t->assistant.handle, &params, &t->assistant.s);
    if (rc < 0) {
        vgw_engine_stream_drop(&t->assistant);
        return vgw_error_set(err, rc, "the assistant '%s' could not be opened", e->name);
    }
    t->assistant.open = true;
    return 0;
}

static int audio_open(struct vgw_talk *t, bool resumed, struct vgw_error *err)
{
    struct vgw_engine *e = &t->assistant_engine;
    enum vgw_encoding enc = vgw_leg_encoding(t->leg);
    struct voicegw_audio_format formats[] = {
        {sizeof formats[0], enc == VGW_PCMU ? VOICEGW_AUDIO_PCMU : enc == VGW_PCMA ? VOICEGW_AUDIO_PCMA : VOICEGW_AUDIO_L16,
         vgw_leg_rate_hz(t->leg), 20},
    };
    struct voicegw_assistant_params params = {.size = sizeof params,
                                              .resumed = resumed,
                                              .session_json = t->cfg->session_json ? t->cfg->session_json : "{}",
                                              .tools_json = t->cfg->tools_json ? t->cfg->tools_json : "[]"};
    uint32_t chosen = 0;
    if (vgw_engine_stream_init(&t->audio, VGW_HANDLE_ASSISTANT, t->worker, on_assistant, t) < 0)
        return vgw_error_nomem(err);
    t->audio.engine = e;
    int rc = e->audio->open(e->instance, t->audio.handle, &params, formats, 1, &t->audio.s, &chosen);
    if (rc < 0) {
        vgw_engine_stream_drop(&t->audio);
        return vgw_error_set(err, rc, "the assistant '%s' could not be opened", e->name);
    }
    t->audio.open = true;
    return 0;
}

static int open_any(struct vgw_talk *t, bool resumed, struct vgw_error *err)
{
    return t->assistant_engine.assistant ? text_open(t, resumed, err) : audio_open(t, resumed, err);
}

void vgw_talk_assistant_start(struct vgw_talk *t)
{
    struct vgw_error err = {0};
    vgw_timer_init(&t->filler_timer, t->worker, on_filler, t);
    if (!t->cfg->has_assistant)
        return;
    t->assistant_engine = t->cfg->assistant;
    if (open_any(t, false, &err) < 0) {
        vgw_log(VGW_LOG_ERROR, &t->scope, err.text, NULL);
        vgw_talk_tell(t, "lost", err.text, 0, 0, NULL);
    }
}

static void assistant_close(struct vgw_talk *t, bool last)
{
    vgw_timer_stop(&t->filler_timer);
    t->thinking = false;
    if (t->assistant.open) {
        t->assistant.open = false;
        t->assistant.closing = last;
        t->closing += last;
        t->assistant_engine.assistant->close(t->assistant.s);
    }
    if (t->audio.open) {
        t->audio.open = false;
        t->audio.closing = last;
        t->closing += last;
        t->assistant_engine.audio->close(t->audio.s);
    }
}

int vgw_talk_assistant_switch(struct vgw_talk *t, const struct vgw_engine *engine, uint64_t op, struct vgw_error *err)
{
    struct vgw_engine before = t->assistant_engine;
    bool had = t->assistant.open || t->audio.open;
    assistant_close(t, false);
    vgw_engine_stream_drop(&t->assistant); /* its late words are of no interest */
    vgw_engine_stream_drop(&t->audio);
    t->assistant_engine = *engine;
    int rc = open_any(t, had, err);
    if (had)
        vgw_talk_tell(t, "release", NULL, (uint64_t)(uintptr_t)before.ref, 0, NULL);
    t->cfg->has_assistant = true;
    if (rc < 0)
        return rc;
    t->assistant_op = op;
    if (t->assistant.open)
        vgw_talk_ask(t, "", -1, VOICEGW_TURN_START);
    return 0;
}

void vgw_talk_assistant_end(struct vgw_talk *t)
{
    struct vgw_list *at;
    while ((at = vgw_list_pop(&t->after_speech)))
        wish_free(VGW_CONTAINER_OF(at, struct wish, link));
    assistant_close(t, true);
    vgw_talk_complete(t, t->assistant_op, VGW_ENOTFOUND, "the call has ended", NULL);
    t->assistant_op = 0;
}
