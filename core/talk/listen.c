/* listen.c - the caller's side: voice activity, recognition, endpointing, barge-in, digits, silence. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "talk/talk_private.h"
#include "talk/text.h"

#define PREROLL_MS 500
#define UNFINISHED_EXTRA_US (800 * VGW_US_PER_MS) /* "… my" most likely goes on */

static int stt_send(struct vgw_talk *t, const int16_t *pcm, size_t n, uint64_t sample)
{
    int16_t wide[160 * 25 * 6 + 64];
    uint8_t wire[160 * 25];
    size_t got = n;
    struct voicegw_frame f = {.size = sizeof f, .encoding = t->stt_format.encoding, .rate = t->stt_format.rate, .timestamp = sample};
    if (t->stt_format.encoding != VOICEGW_AUDIO_L16) {
        vgw_encoding_encode(t->stt_format.encoding == VOICEGW_AUDIO_PCMU ? VGW_PCMU : VGW_PCMA, pcm, n, wire);
        f.data = wire;
        f.bytes = (uint32_t)n;
    } else if (t->stt_format.rate != 8000) {
        if (vgw_resampler_run(t->stt_resampler, pcm, n, wide, sizeof wide / sizeof wide[0], &got) < 0)
            return 0;
        f.timestamp = sample * t->stt_format.rate / 8000;
        f.data = wide;
        f.bytes = (uint32_t)(got * sizeof *wide);
    } else {
        f.data = pcm;
        f.bytes = (uint32_t)(n * sizeof *pcm);
    }
    f.samples = (uint32_t)got;
    return t->stt.engine->stt->push(t->stt.s, &f);
}

void vgw_talk_on_pcm(void *arg, const int16_t *pcm, uint64_t sample)
{
    struct vgw_talk *t = arg;
    if (t->preroll)
        vgw_preroll_push(t->preroll, pcm, 160, sample);
    if (t->stt.open && !t->on_hold && (t->hearing || t->stt.engine->stt->endpoints))
        stt_send(t, pcm, 160, sample);
}

/* What was said just before the detector opened goes first. */
static void send_preroll(struct vgw_talk *t, uint64_t from)
{
    int16_t pcm[160 * PREROLL_MS / 20];
    uint64_t at;
    size_t n = vgw_preroll_read(t->preroll, from, pcm, sizeof pcm / sizeof pcm[0], &at);
    /* the frame that is just running is in neither the ring nor sent yet: on_pcm brings it next */
    for (size_t i = 0; i < n; i += 160) {
        size_t part = n - i < 160 ? n - i : 160;
        stt_send(t, pcm + i, part, at + i);
    }
}

static bool words_suffice(const struct vgw_talk *t)
{
    return vgw_text_words(t->partial) >= t->options.min_words;
}

static bool may_interrupt(const struct vgw_talk *t)
{
    if (!t->options.barge_in || !vgw_talk_speaking(t))
        return false;
    if (!t->options.min_words && !t->options.backchannel_count)
        return true;
    return t->partial[0] && words_suffice(t) && !vgw_talk_is_backchannel(&t->options, t->partial);
}

static void on_barge_timer(void *arg)
{
    struct vgw_talk *t = arg;
    if (t->caller_speaking && may_interrupt(t))
        vgw_talk_interrupt(t);
}

static void speech_began(struct vgw_talk *t, uint64_t sample)
{
    int64_t now = vgw_now(t->worker);
    uint64_t position = vgw_leg_position(t->leg);
    int64_t ago = position > sample ? (int64_t)((position - sample) * 1000 / 8) : 0;
    t->caller_speaking = true;
    vgw_timer_stop(&t->endpoint_timer);
    vgw_timer_stop(&t->no_input_timer);
    if (t->gather.op)
        vgw_timer_stop(&t->gather_timer);
    if (!t->hearing) {
        t->hearing = true;
        t->utterance++;
        t->partial[0] = '\0';
        t->speech_start_us = now - ago;
        t->over_speech = vgw_talk_speaking(t);
        struct vgw_json *o = vgw_json_object();
        vgw_json_set_int(o, "start_ms", (int64_t)(sample / 8));
        vgw_talk_event(t, "speech_detected", o);
        vgw_talk_activity(t);
        if (t->stt.open) {
            t->stt.engine->stt->speech(t->stt.s, t->utterance, 1, sample);
            if (!t->stt.engine->stt->endpoints)
                send_preroll(t, sample);
        }
    }
    if (vgw_talk_speaking(t)) {
        int64_t left = t->options.min_duration_us - (now - t->speech_start_us);
        vgw_timer_start(&t->barge_timer, left);
    }
    if (t->audio.open && t->assistant_engine.audio->speech)
        t->assistant_engine.audio->speech(t->audio.s, 1, sample);
}

static void speech_stopped(struct vgw_talk *t, uint64_t sample)
{
    int64_t now = vgw_now(t->worker);
    uint64_t position = vgw_leg_position(t->leg);
    int64_t ago = position > sample ? (int64_t)((position - sample) * 1000 / 8) : 0;
    t->caller_speaking = false;
    t->speech_end_us = now - ago;
    vgw_timer_stop(&t->barge_timer);
    if (t->stt.open)
        t->stt.engine->stt->speech(t->stt.s, t->utterance, 0, sample);
    int64_t wait = t->options.endpoint_silence_us - ago;
    if (vgw_text_unfinished(t->partial))
        wait += UNFINISHED_EXTRA_US;
    vgw_timer_start(&t->endpoint_timer, wait);
    if (t->audio.open && t->assistant_engine.audio->speech)
        t->assistant_engine.audio->speech(t->audio.s, 0, sample);
}

void vgw_talk_on_vad(void *arg, enum vgw_vad_event_kind kind, uint64_t sample)
{
    struct vgw_talk *t = arg;
    if (t->ending || t->on_hold)
        return;
    if (kind == VGW_VAD_START)
        speech_began(t, sample);
    else if (kind == VGW_VAD_END)
        speech_stopped(t, sample);
}

static void caller_said(struct vgw_talk *t, const char *text, double confidence, const char *language);

static void on_endpoint(void *arg)
{
    struct vgw_talk *t = arg;
    if (!t->hearing)
        return;
    t->hearing = false;
    if (!t->stt.open) {
        if (t->audio.open && t->assistant_engine.audio->commit)
            t->assistant_engine.audio->commit(t->audio.s);
        return;
    }
    t->awaiting_final = true;
    vgw_timer_start(&t->final_timer, VGW_TALK_FINAL_TIMEOUT_US);
    t->stt.engine->stt->finalize(t->stt.s, t->utterance);
}

static void on_final_late(void *arg)
{
    struct vgw_talk *t = arg;
    vgw_log(VGW_LOG_WARNING, &t->scope, "the recognizer gave no final result in time", "stt", t->stt.engine->name, NULL);
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "error", "the recognizer gave no final result in time");
    vgw_json_set_string(o, "error_class", "network");
    vgw_json_set_string(o, "where", t->stt.engine->name);
    vgw_json_set_bool(o, "retryable", true);
    vgw_talk_event(t, "error", o);
    caller_said(t, "", -1, NULL);
}

static void tell_partial(struct vgw_talk *t, const struct vgw_engine_message *m)
{
    int64_t now = vgw_now(t->worker);
    if (!m->text || !m->text[0] || vgw_streq(m->text, t->partial))
        return;
    vgw_strcopy(t->partial, sizeof t->partial, m->text);
    if (t->assistant.open && t->assistant_engine.assistant->partial && !t->gather.op)
        t->assistant_engine.assistant->partial(t->assistant.s, m->text);
    if (t->caller_speaking && now - t->speech_start_us >= t->options.min_duration_us && may_interrupt(t))
        vgw_talk_interrupt(t);
    if (now - t->partial_told_us < VGW_TALK_PARTIAL_GAP_US)
        return;
    t->partial_told_us = now;
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "text", m->text);
    if (m->number >= 0)
        vgw_json_set_double(o, "confidence", m->number);
    vgw_json_set_string(o, "language", m->text2 ? m->text2 : t->cfg->language);
    vgw_talk_event(t, "voice.stt.partial", o);
}

/* The caller's turn is over and this is what was understood. */
static void caller_said(struct vgw_talk *t, const char *text, double confidence, const char *language)
{
    t->awaiting_final = false;
    vgw_timer_stop(&t->final_timer);
    if (t->over_speech && vgw_talk_speaking(t) && vgw_talk_is_backchannel(&t->options, text))
        return;
    if (t->over_speech && vgw_talk_speaking(t) && (!t->options.barge_in || vgw_text_words(text) < t->options.min_words) && !t->gather.op)
        return; /* said over an announcement that may not be cut, or too little of it */
    memset(&t->times, 0, sizeof t->times);
    t->times.speech_end_us = t->speech_end_us;
    t->times.final_us = vgw_now(t->worker);
    if (text[0]) {
        t->reprompts = t->no_matches = 0;
        struct vgw_json *o = vgw_json_object();
        vgw_json_set_string(o, "text", text);
        if (confidence >= 0)
            vgw_json_set_double(o, "confidence", confidence);
        vgw_json_set_string(o, "language", language ? language : t->cfg->language);
        vgw_json_set_int(o, "turn", (int64_t)t->turn + 1);
        vgw_talk_event(t, "voice.stt.final", o);
        vgw_talk_transcript(t, "user", text, -1, confidence, false, NULL);
        if (vgw_talk_speaking(t) && t->options.barge_in)
            vgw_talk_interrupt(t);
        if (!vgw_talk_gather_speech(t, text, confidence) && !vgw_talk_ask(t, text, confidence, 0))
            vgw_talk_await_caller(t);
        return;
    }
    if (t->gather.op || vgw_talk_speaking(t)) { /* noise */
        vgw_talk_gather_quiet(t);
        return;
    }
    if (t->no_matches++ >= t->options.max_reprompts || !vgw_talk_ask(t, "", confidence, VOICEGW_TURN_NO_MATCH)) {
        if (t->options.no_match_prompt[0])
            vgw_talk_prompt(t, t->options.no_match_prompt, 0, true, VGW_SPEECH_PROMPT);
        else
            vgw_talk_await_caller(t);
    }
}

static void stt_open(struct vgw_talk *t);

static void stt_failed(struct vgw_talk *t, const struct vgw_engine_message *m)
{
    vgw_log(m->flag ? VGW_LOG_ERROR : VGW_LOG_WARNING, &t->scope, "speech recognition failed", "stt", t->stt.engine->name, "error",
            m->text ? m->text : "", NULL);
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "error", m->text ? m->text : "speech recognition failed");
    vgw_json_set_string(o, "error_class", vgw_status_info(m->status)->error_class);
    vgw_json_set_string(o, "where", t->stt.engine->name);
    vgw_json_set_bool(o, "retryable", vgw_status_info(m->status)->retryable);
    vgw_talk_event(t, "error", o);
    if (!m->flag)
        return;
    const struct vgw_engine *broken = t->stt.engine;
    broken->stt->close(t->stt.s);
    vgw_engine_stream_drop(&t->stt);
    t->stt_index++;
    if (t->awaiting_final)
        caller_said(t, "", -1, NULL);
    stt_open(t);
}

static void on_stt(void *owner, struct vgw_engine_stream *stream, const struct vgw_engine_message *m)
{
    struct vgw_talk *t = owner;
    if (m->kind == VGW_MSG_CLOSED) {
        vgw_engine_stream_drop(stream);
        if (stream->closing)
            vgw_talk_closed(t);
        return;
    }
    if (t->ending || !stream->open)
        return;
    if (m->kind == VGW_MSG_ERROR) {
        stt_failed(t, m);
    } else if (m->kind == VGW_MSG_RESULT && !m->flag) {
        tell_partial(t, m);
    } else if (m->kind == VGW_MSG_RESULT && stream->engine->stt->endpoints) {
        t->hearing = false;
        t->speech_end_us = t->caller_speaking || !t->speech_end_us ? vgw_now(t->worker) : t->speech_end_us;
        vgw_timer_stop(&t->endpoint_timer);
        caller_said(t, m->text ? m->text : "", m->number, m->text2);
    } else if (m->kind == VGW_MSG_RESULT && t->awaiting_final && m->utterance == t->utterance) {
        caller_said(t, m->text ? m->text : "", m->number, m->text2);
    }
}

static void stt_open(struct vgw_talk *t)
{
    static const struct voicegw_audio_format formats[] = {
        {sizeof formats[0], VOICEGW_AUDIO_L16, 8000, 20},
        {sizeof formats[0], VOICEGW_AUDIO_PCMU, 8000, 20},
        {sizeof formats[0], VOICEGW_AUDIO_PCMA, 8000, 20},
        {sizeof formats[0], VOICEGW_AUDIO_L16, 16000, 20},
        {sizeof formats[0], VOICEGW_AUDIO_L16, 24000, 20},
    };
    for (; t->stt_index < t->cfg->stt_count; t->stt_index++) {
        const struct vgw_engine *engine = &t->cfg->stt[t->stt_index];
        struct voicegw_stt_params params = {
            .size = sizeof params, .formats = formats, .format_count = 5, .interim = 1, .language = t->cfg->language};
        uint32_t chosen = 0;
        if (!engine->stt || vgw_engine_stream_init(&t->stt, VGW_HANDLE_STT, t->worker, on_stt, t) < 0)
            continue;
        t->stt.engine = engine;
        int rc = engine->stt->open(engine->instance, t->stt.handle, &params, &t->stt.s, &chosen);
        if (rc == 0 && chosen < params.format_count) {
            t->stt_format = formats[chosen];
            vgw_resampler_free(t->stt_resampler);
            t->stt_resampler = NULL;
            if (t->stt_format.encoding == VOICEGW_AUDIO_L16 && t->stt_format.rate != 8000)
                vgw_resampler_new(8000, t->stt_format.rate, &t->stt_resampler, NULL);
            t->stt.open = true;
            return;
        }
        vgw_engine_stream_drop(&t->stt);
        vgw_log(VGW_LOG_ERROR, &t->scope, "the recognizer could not be opened", "stt", engine->name, NULL);
    }
}

void vgw_talk_hints(struct vgw_talk *t, const char *hints_json)
{
    if (t->stt.open)
        t->stt.engine->stt->update(t->stt.s, hints_json, NULL);
}

static void on_no_input(void *arg)
{
    struct vgw_talk *t = arg;
    if (t->caller_speaking || t->hearing || t->awaiting_final || vgw_talk_speaking(t) || t->thinking || t->gather.op)
        return;
    if (t->reprompts++ >= t->options.max_reprompts) {
        if (t->options.no_input_prompt[0]) /* the operator asks callers to answer: one who never does is gone */
            vgw_talk_tell(t, "action", "end", 0, 0, NULL);
        return;
    }
    memset(&t->times, 0, sizeof t->times);
    if (vgw_talk_ask(t, "", -1, VOICEGW_TURN_NO_INPUT))
        return;
    if (t->options.no_input_prompt[0])
        vgw_talk_prompt(t, t->options.no_input_prompt, 0, true, VGW_SPEECH_PROMPT);
}

void vgw_talk_await_caller(struct vgw_talk *t)
{
    if (t->ending || !t->started || t->on_hold)
        return;
    if (t->options.no_input_timeout_us && !t->caller_speaking && !t->hearing && (t->assistant.open || t->options.no_input_prompt[0]))
        vgw_timer_start(&t->no_input_timer, t->options.no_input_timeout_us);
}

void vgw_talk_on_digit(void *arg, char digit, uint32_t duration_ms, const char *source)
{
    struct vgw_talk *t = arg;
    char text[2] = {digit, '\0'};
    if (t->ending)
        return;
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "digit", text);
    vgw_json_set_int(o, "duration_ms", duration_ms);
    vgw_json_set_string(o, "source", source);
    vgw_talk_event(t, "dtmf_received", o);
    vgw_talk_activity(t);
    vgw_timer_stop(&t->no_input_timer);
    vgw_talk_interrupt(t);
    memset(&t->times, 0, sizeof t->times);
    t->times.speech_end_us = t->times.final_us = vgw_now(t->worker);
    if (!vgw_talk_gather_digit(t, digit))
        vgw_talk_assistant_digit(t, digit);
    vgw_talk_await_caller(t);
}

void vgw_talk_listen_start(struct vgw_talk *t)
{
    vgw_timer_init(&t->endpoint_timer, t->worker, on_endpoint, t);
    vgw_timer_init(&t->barge_timer, t->worker, on_barge_timer, t);
    vgw_timer_init(&t->final_timer, t->worker, on_final_late, t);
    vgw_timer_init(&t->no_input_timer, t->worker, on_no_input, t);
    stt_open(t);
    if (t->stt.open && !t->preroll)
        vgw_preroll_new(VGW_L16, 8000, PREROLL_MS, &t->preroll, NULL);
    bool own_turns = t->audio.open && (t->assistant_engine.audio->flags & VOICEGW_ASSISTANT_AUDIO_TURNS);
    bool hear = t->stt.open || (t->audio.open && !own_turns);
    vgw_leg_listen(t->leg, t->stt.open, hear, hear);
}

void vgw_talk_listen_end(struct vgw_talk *t)
{
    vgw_timer_stop(&t->endpoint_timer);
    vgw_timer_stop(&t->barge_timer);
    vgw_timer_stop(&t->final_timer);
    vgw_timer_stop(&t->no_input_timer);
    if (t->stt.open) {
        t->stt.closing = true;
        t->stt.open = false;
        t->closing++;
        t->stt.engine->stt->close(t->stt.s);
    }
    vgw_preroll_free(t->preroll);
    t->preroll = NULL;
    vgw_resampler_free(t->stt_resampler);
    t->stt_resampler = NULL;
}
