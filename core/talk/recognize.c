/* recognize.c - the recognizer of a talk: what it is sent, what it answers, and the next one when it fails. */
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "talk/talk_private.h"

#define FRAME 160 /* 20 ms at 8 kHz */
#define PREROLL_MS 500
#define RATE_MAX 24000 /* of what is offered to recognizers */

/* ---- to the engine ---- */

/* A piece of at most 20 ms, in the form that the engine chose. */
static void stt_send(struct vgw_talk *t, const int16_t *pcm, size_t n, uint64_t sample)
{
    int16_t wide[FRAME * RATE_MAX / 8000 + 64];
    uint8_t wire[FRAME];
    const struct voicegw_audio_format *format = &t->stt_format;
    struct voicegw_frame f = {
        .size = sizeof f, .encoding = format->encoding, .rate = format->rate, .timestamp = sample};
    size_t got = n;
    if (format->encoding != VOICEGW_AUDIO_L16) {
        vgw_encoding_encode(format->encoding == VOICEGW_AUDIO_PCMU ? VGW_PCMU : VGW_PCMA, pcm, n, wire);
        f.data = wire;
        f.bytes = (uint32_t)n;
    } else if (t->stt_resampler) {
        if (vgw_resampler_run(t->stt_resampler, pcm, n, wide, sizeof wide / sizeof wide[0], &got) < 0)
            return;
        f.timestamp = sample * format->rate / 8000;
        f.data = wide;
        f.bytes = (uint32_t)(got * sizeof *wide);
    } else {
        f.data = pcm;
        f.bytes = (uint32_t)(n * sizeof *pcm);
    }
    f.samples = (uint32_t)got;
    if (t->stt->engine->stt->push(t->stt->s, &f) < 0)
        vgw_metric_dropped("stt_frame");
}

void vgw_talk_on_pcm(void *arg, const int16_t *pcm, uint64_t sample)
{
    struct vgw_talk *t = arg;
    if (t->ending || !t->started)
        return;
    if (t->preroll)
        vgw_preroll_push(t->preroll, pcm, FRAME, sample);
    if (t->stt && !t->on_hold && (t->hearing || t->stt->engine->stt->endpoints))
        stt_send(t, pcm, FRAME, sample);
}

void vgw_talk_stt_speech(struct vgw_talk *t, bool started, uint64_t sample)
{
    if (t->stt)
        t->stt->engine->stt->speech(t->stt->s, t->utterance, started, sample * t->stt_format.rate / 8000);
}

void vgw_talk_stt_begin(struct vgw_talk *t, uint64_t sample)
{
    int16_t pcm[FRAME * PREROLL_MS / 20];
    uint64_t at;
    if (!t->stt)
        return;
    vgw_talk_stt_speech(t, true, sample);
    if (t->stt->engine->stt->endpoints || !t->preroll) /* it has heard all along */
        return;
    /* The frame that is just running is not in the ring yet: on_pcm() brings it next. */
    size_t n = vgw_preroll_read(t->preroll, sample, pcm, sizeof pcm / sizeof pcm[0], &at);
    for (size_t i = 0; i < n; i += FRAME)
        stt_send(t, pcm + i, n - i < FRAME ? n - i : FRAME, at + i);
}

void vgw_talk_stt_finalize(struct vgw_talk *t)
{
    t->final_utterance = t->utterance;
    vgw_timer_start(&t->final_timer, VGW_TALK_FINAL_TIMEOUT_US);
    t->stt->engine->stt->finalize(t->stt->s, t->utterance);
}

void vgw_talk_hints(struct vgw_talk *t, const char *hints_json)
{
    if (t->stt)
        t->stt->engine->stt->update(t->stt->s, hints_json, NULL);
}

void vgw_talk_stt_language(struct vgw_talk *t, const char *language)
{
    if (t->stt)
        t->stt->engine->stt->update(t->stt->s, NULL, language);
}

/* ---- from the engine ---- */

static void carry(struct vgw_talk *t, const char *text)
{
    size_t have = strlen(t->carried);
    if (!text[0])
        return;
    if (have && have + 1 < VGW_TALK_TEXT_MAX)
        t->carried[have++] = ' ';
    vgw_strcopy(t->carried + have, VGW_TALK_TEXT_MAX - have, text);
}

/* The turn's text is whole: with what was carried over a pause. */
static void understood(struct vgw_talk *t, const char *text, double confidence, const char *language)
{
    char whole[VGW_TALK_TEXT_MAX];
    t->final_utterance = 0;
    vgw_timer_stop(&t->final_timer);
    if (!t->carried[0]) {
        vgw_talk_caller_said(t, text, confidence, language);
        return;
    }
    carry(t, text);
    vgw_strcopy(whole, sizeof whole, t->carried);
    t->carried[0] = '\0';
    vgw_talk_caller_said(t, whole, confidence, language);
}

static void on_final_late(void *arg)
{
    struct vgw_talk *t = arg;
    char text[VGW_TALK_TEXT_MAX];
    vgw_strcopy(text, sizeof text, t->hearing ? "" : t->partial); /* better than nothing */
    t->final_seen = t->final_utterance;
    vgw_talk_error(t, VGW_ETIMEOUT, NULL, "the recognizer gave no final result in time",
                   t->stt ? t->stt->engine->name : "stt");
    understood(t, text, -1, NULL);
}

static void on_partial(struct vgw_talk *t, const struct vgw_engine_message *m)
{
    int64_t now = vgw_now(t->worker);
    bool own = t->stt->engine->stt->endpoints;
    if (!m->text || !m->text[0] || t->on_hold || vgw_streq(m->text, t->partial) ||
        (!own && (!t->hearing || m->utterance != t->utterance)))
        return;
    vgw_strcopy(t->partial, VGW_TALK_TEXT_MAX, m->text);
    vgw_talk_endpoint_arm(t);
    if (t->assistant && t->assistant_engine.assistant->partial && !t->gather.op && !vgw_talk_hides(t))
        t->assistant_engine.assistant->partial(t->assistant->s, m->text);
    if (t->caller_speaking && (int64_t)vgw_leg_speech_ms(t->leg) * VGW_US_PER_MS >= t->options->min_duration_us &&
        vgw_talk_may_barge(t))
        vgw_talk_interrupt(t);
    if (vgw_talk_hides(t))
        return;
    if (t->partial_told_us && now - t->partial_told_us < VGW_TALK_PARTIAL_GAP_US)
        return;
    t->partial_told_us = now;
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "text", m->text);
    vgw_talk_set_measure(o, "confidence", m->number);
    vgw_json_set_string(o, "language", m->text2 ? m->text2 : t->cfg->language);
    vgw_talk_event(t, "voice.stt.partial", o);
}

static void on_final(struct vgw_talk *t, const struct vgw_engine_message *m)
{
    const char *text = m->text ? m->text : "";
    if (t->on_hold)
        return;
    if (t->stt->engine->stt->endpoints) { /* it finds the ends itself */
        if (t->caller_speaking || !t->speech_end_us)
            t->speech_end_us = vgw_now(t->worker);
        t->hearing = false;
        vgw_timer_stop(&t->endpoint_timer);
        understood(t, text, m->number, m->text2);
        return;
    }
    if (!t->final_utterance || m->utterance > t->final_utterance || m->utterance <= t->final_seen)
        return;
    t->final_seen = m->utterance;
    if (m->utterance == t->final_utterance && !t->hearing) {
        understood(t, text, m->number, m->text2);
        return;
    }
    /* The caller has gone on meanwhile: it was a pause, not the end. */
    carry(t, text);
    if (m->utterance == t->final_utterance) {
        t->final_utterance = 0;
        vgw_timer_stop(&t->final_timer);
    }
}

static void stt_open(struct vgw_talk *t);

/* The stream is gone: the next engine takes over, in the middle of an utterance if need be. */
static void stt_lost(struct vgw_talk *t)
{
    char text[VGW_TALK_TEXT_MAX];
    bool awaited = t->final_utterance != 0;
    vgw_strcopy(text, sizeof text, t->hearing ? "" : t->partial);
    t->stt_index++;
    stt_open(t);
    vgw_talk_listen_update(t);
    if (t->hearing && t->stt)
        vgw_talk_stt_begin(t, 0); /* with all that the ring still has */
    if (awaited && t->hearing) {
        t->final_utterance = 0;
        vgw_timer_stop(&t->final_timer);
    } else if (awaited) {
        t->final_seen = t->final_utterance;
        understood(t, text, -1, NULL);
    }
}

static void on_stt(void *owner, struct vgw_engine_stream *stream, const struct vgw_engine_message *m)
{
    struct vgw_talk *t = owner;
    if (stream != t->stt)
        return;
    switch (m->kind) {
    case VGW_MSG_CLOSED: /* by itself: as good as broken */
        vgw_talk_error(t, VGW_EPROVIDER, NULL, "the recognizer closed its stream", stream->engine->name);
        t->stt = NULL;
        vgw_engine_stream_free(stream);
        stt_lost(t);
        break;
    case VGW_MSG_ERROR:
        vgw_talk_error(t, m->status, m->text, "speech recognition failed", stream->engine->name);
        if (!m->flag)
            break;
        vgw_talk_stream_close(t, &t->stt, stream->engine->stt->close, NULL);
        stt_lost(t);
        break;
    case VGW_MSG_RESULT:
        if (m->flag)
            on_final(t, m);
        else
            on_partial(t, m);
        break;
    default:
        break;
    }
}

/* ---- life ---- */

static const struct voicegw_audio_format formats[] = {
    {sizeof formats[0], VOICEGW_AUDIO_L16, 8000, 20},     {sizeof formats[0], VOICEGW_AUDIO_PCMU, 8000, 20},
    {sizeof formats[0], VOICEGW_AUDIO_PCMA, 8000, 20},    {sizeof formats[0], VOICEGW_AUDIO_L16, 16000, 20},
    {sizeof formats[0], VOICEGW_AUDIO_L16, RATE_MAX, 20},
};
#define FORMATS ((uint32_t)(sizeof formats / sizeof formats[0]))

static bool stt_format(struct vgw_talk *t, uint32_t chosen)
{
    if (chosen >= FORMATS)
        return false;
    t->stt_format = formats[chosen];
    vgw_resampler_free(t->stt_resampler);
    t->stt_resampler = NULL;
    return t->stt_format.rate == 8000 || vgw_resampler_new(8000, t->stt_format.rate, &t->stt_resampler, NULL) == 0;
}

/* Room for what is being said, once there is somebody to recognise it. */
static bool need_texts(struct vgw_talk *t)
{
    if (t->partial != t->no_text)
        return true;
    char *both = vgw_calloc(2, VGW_TALK_TEXT_MAX);
    if (!both)
        return false;
    t->partial = both;
    t->carried = both + VGW_TALK_TEXT_MAX;
    return true;
}

static void stt_open(struct vgw_talk *t)
{
    if (t->stt_index < t->cfg->stt_count && !need_texts(t))
        return;
    for (; t->stt_index < t->cfg->stt_count; t->stt_index++) {
        const struct vgw_engine *engine = &t->cfg->stt[t->stt_index];
        struct voicegw_stt_params params = {.size = sizeof params,
                                            .formats = formats,
                                            .format_count = FORMATS,
                                            .interim = 1,
                                            .language = t->cfg->language};
        uint32_t chosen = 0;
        struct vgw_engine_stream *es = engine->stt ? vgw_engine_stream_new(VGW_HANDLE_STT, t->worker, on_stt, t) : NULL;
        if (!es)
            continue;
        es->engine = engine;
        int rc = engine->stt->open(engine->instance, es->handle, &params, &es->s, &chosen);
        if (rc == 0 && stt_format(t, chosen)) {
            t->stt = es;
            return;
        }
        vgw_log(VGW_LOG_ERROR, &t->scope, "the recognizer could not be opened", "stt", engine->name, NULL);
        if (rc == 0)
            vgw_talk_stream_close(t, &es, engine->stt->close, NULL);
        else
            vgw_engine_stream_free(es);
    }
}

void vgw_talk_stt_start(struct vgw_talk *t)
{
    vgw_timer_init(&t->final_timer, t->worker, on_final_late, t);
    stt_open(t);
    if (t->stt && !t->preroll)
        vgw_preroll_new(VGW_L16, 8000, PREROLL_MS, &t->preroll, NULL);
}

void vgw_talk_stt_end(struct vgw_talk *t)
{
    vgw_timer_stop(&t->final_timer);
    if (t->stt)
        vgw_talk_stream_close(t, &t->stt, t->stt->engine->stt->close, NULL);
    vgw_preroll_free(t->preroll);
    t->preroll = NULL;
    vgw_resampler_free(t->stt_resampler);
    t->stt_resampler = NULL;
}
