/* recognize.c - the recognizer of a talk: what it is sent, what it answers, and the next one when it fails. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "talk/talk_private.h"

#define FRAME 160 /* 20 ms at 8 kHz */
#define PREROLL_MS 500

/* ---- to the engine ---- */

bool vgw_talk_is_deaf(const struct vgw_talk *t)
{
    return t->deaf.on && !t->stt;
}

/* Is there another engine that may have to hear this utterance, or this one once more? */
static bool has_other(const struct vgw_talk *t)
{
    return t->cfg->stt_count > 1 || t->deaf.on;
}

static void hear(struct vgw_talk *t, const int16_t *pcm, size_t n, uint64_t sample)
{
    vgw_ear_send(&t->ear, t->stt, pcm, n, sample);
    if (t->hearing && has_other(t))
        vgw_kept_audio_add(&t->kept, pcm, n, sample);
}

void vgw_talk_on_pcm(void *arg, const int16_t *pcm, uint64_t sample)
{
    struct vgw_talk *t = arg;
    if (t->ending || !t->started)
        return;
    if (t->amd && !t->on_hold)
        vgw_talk_answerer_hear(t, pcm);
    if (t->preroll)
        vgw_preroll_push(t->preroll, pcm, FRAME, sample);
    if (t->stt && !t->on_hold && (t->hearing || t->stt->engine->stt->endpoints))
        hear(t, pcm, FRAME, sample);
    else if (vgw_talk_is_deaf(t) && t->hearing && !t->on_hold)
        vgw_kept_audio_add(&t->kept, pcm, FRAME, sample);
    vgw_shadow_pcm(t, pcm, FRAME, sample);
}

void vgw_talk_stt_speech(struct vgw_talk *t, bool started, uint64_t sample)
{
    if (t->stt)
        t->stt->engine->stt->speech(t->stt->s, t->utterance, started, sample * t->ear.format.rate / 8000);
    vgw_shadow_speech(t, started, sample);
}

void vgw_talk_stt_begin(struct vgw_talk *t, uint64_t sample)
{
    int16_t pcm[FRAME * PREROLL_MS / 20];
    uint64_t at;
    if (!t->stt && !vgw_talk_is_deaf(t))
        return;
    if (!t->final_utterance) /* else what came before the pause is not understood yet */
        vgw_kept_audio_done(&t->kept);
    t->kept.mark = t->kept.bytes.len;
    vgw_talk_stt_speech(t, true, sample);
    vgw_shadow_begin(t, sample);
    bool heard_all = !t->stt || t->stt->engine->stt->endpoints;
    if (!t->preroll)
        return;
    /* The frame that is just running is not in the ring yet: on_pcm() brings it next. */
    size_t n = vgw_preroll_read(t->preroll, sample, pcm, sizeof pcm / sizeof pcm[0], &at);
    for (size_t i = 0; i < n; i += FRAME) {
        size_t piece = n - i < FRAME ? n - i : FRAME;
        if (!heard_all)
            hear(t, pcm + i, piece, at + i);
        else if (has_other(t))
            vgw_kept_audio_add(&t->kept, pcm + i, piece, at + i);
        vgw_shadow_preroll(t, pcm + i, piece, at + i);
    }
}

/* Another engine has its turn after `failover_after`; without one there is nothing to gain by a short wait. */
static int64_t final_wait_us(const struct vgw_talk *t)
{
    int64_t wait = t->stt->engine->failover_after_us;
    return wait && has_other(t) && t->stt_tried + 1 < t->cfg->stt_count ? wait : VGW_TALK_FINAL_TIMEOUT_US;
}

void vgw_talk_stt_finalize(struct vgw_talk *t)
{
    t->final_utterance = t->utterance;
    vgw_talk_filler_arm(t);
    if (!t->stt) /* whoever is opened next hears it */
        return;
    vgw_timer_start(&t->final_timer, final_wait_us(t));
    t->stt->engine->stt->finalize(t->stt->s, t->utterance);
    vgw_shadow_finalize(t);
}

static void keep(char **kept, const char *text)
{
    vgw_free(*kept);
    *kept = vgw_strdup(text);
}

void vgw_talk_hints(struct vgw_talk *t, const char *hints_json)
{
    if (t->cfg->stt_count)
        keep(&t->hints, hints_json);
    if (t->stt)
        t->stt->engine->stt->update(t->stt->s, hints_json, NULL);
}

void vgw_talk_stt_language(struct vgw_talk *t, const char *language)
{
    if (t->cfg->stt_count)
        keep(&t->heard_language, language);
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

/* What was said before a pause and has no final: what came of it is better than nothing. */
static void carry_late(struct vgw_talk *t)
{
    if (!t->late[0])
        return;
    carry(t, t->late);
    t->late[0] = '\0';
}

/* The turn's text is whole: with what was carried over a pause. */
static void understood(struct vgw_talk *t, const char *text, double confidence, const char *language)
{
    char whole[VGW_TALK_TEXT_MAX];
    t->final_utterance = 0;
    vgw_talk_language_heard(t, language, text);
    t->stt_tried = 0;
    vgw_timer_stop(&t->final_timer);
    vgw_talk_filler_disarm(t);
    vgw_kept_audio_done(&t->kept);
    carry_late(t);
    if (!t->carried[0]) {
        vgw_talk_caller_said(t, text, confidence, language);
        return;
    }
    carry(t, text);
    vgw_strcopy(whole, sizeof whole, t->carried);
    t->carried[0] = '\0';
    vgw_talk_caller_said(t, whole, confidence, language);
}

static void on_partial(struct vgw_talk *t, const struct vgw_engine_message *m)
{
    int64_t now = vgw_now(t->worker);
    bool own = t->stt->engine->stt->endpoints;
    bool awaited = !own && t->final_utterance && m->utterance == t->final_utterance;
    if (!m->text || !m->text[0] || t->on_hold)
        return;
    if (awaited && t->hearing) { /* of what came before the pause */
        vgw_strcopy(t->late, VGW_TALK_TEXT_MAX, m->text);
        return;
    }
    if (vgw_streq(m->text, t->partial) || (!own && !awaited && (!t->hearing || m->utterance != t->utterance)))
        return;
    vgw_strcopy(t->partial, VGW_TALK_TEXT_MAX, m->text);
    vgw_talk_answerer_words(t, m->text);
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
    vgw_talk_answerer_words(t, text);
    vgw_engine_health_report(t->stt->engine->health, false, vgw_now(t->worker));
    t->stt_losses = 0;
    vgw_shadow_compare(t, t->stt->engine->stt->endpoints ? t->utterance : m->utterance, text);
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
    if (m->utterance < t->utterance)
        t->late[0] = '\0';
    if (m->utterance == t->final_utterance && !t->hearing) {
        understood(t, text, m->number, m->text2);
        return;
    }
    /* The caller has gone on meanwhile: it was a pause, not the end. */
    carry(t, text);
    vgw_kept_audio_drop(&t->kept, t->kept.mark);
    if (m->utterance == t->final_utterance) {
        t->final_utterance = 0;
        vgw_timer_stop(&t->final_timer);
    }
}

/* Another engine hears the utterance from its beginning. False: there is none, or nothing was kept for it. */
static bool heard_again(struct vgw_talk *t, bool awaited)
{
    if (!t->stt || !t->kept.bytes.len || t->stt_tried >= t->cfg->stt_count)
        return false;
    t->late[0] = '\0';
    vgw_talk_stt_speech(t, true, t->kept.first_sample);
    vgw_kept_audio_give(&t->kept, &t->ear, t->stt);
    if (!awaited || t->hearing)
        return true;
    vgw_talk_stt_speech(t, false, t->kept.first_sample + t->kept.bytes.len);
    t->final_utterance = t->utterance;
    vgw_timer_start(&t->final_timer, final_wait_us(t));
    t->stt->engine->stt->finalize(t->stt->s, t->utterance);
    return true;
}

static void told_failover(struct vgw_talk *t, const char *from)
{
    vgw_talk_failover_told(t, "stt", from, t->stt ? t->stt->engine->name : NULL);
}

/* Another engine is open, or none: what becomes of what is being said, and of what was said and not understood yet. */
static void taken_over(struct vgw_talk *t)
{
    char text[VGW_TALK_TEXT_MAX];
    bool awaited = t->final_utterance != 0, again = heard_again(t, awaited);
    vgw_strcopy(text, sizeof text, t->hearing ? "" : t->partial);
    if (t->hearing && !again && (t->stt || !t->kept.bytes.len))
        vgw_talk_stt_begin(t, 0); /* with all that the ring still has */
    if (awaited && t->hearing) {
        if (t->stt)
            carry_late(t);
        t->final_utterance = 0;
        vgw_timer_stop(&t->final_timer);
    } else if (awaited && !again) {
        vgw_timer_stop(&t->final_timer);
        if (vgw_talk_is_deaf(t) && !text[0] && t->kept.bytes.len)
            return; /* until one can hear it */
        t->final_seen = t->final_utterance;
        understood(t, text, -1, NULL);
    }
}

/* Each has had its chance, and one of them a second. */
static bool all_failed(const struct vgw_talk *t)
{
    return t->deaf.on || t->stt_losses > t->cfg->stt_count;
}

/* The stream is gone: the next engine takes over, in the middle of an utterance if need be. */
static void stt_lost(struct vgw_talk *t, const struct vgw_engine *lost)
{
    int64_t now = vgw_now(t->worker);
    vgw_engine_health_report(lost->health, true, now);
    t->stt_index = (t->stt_index + 1) % t->cfg->stt_count;
    t->stt_tried++;
    t->stt_losses = now - t->stt_open_us < VGW_TALK_STEADY_US ? t->stt_losses + 1 : 1;
    if (!all_failed(t))
        vgw_talk_stt_open(t, true);
    if (!t->deaf.on)
        told_failover(t, lost->name);
    if (!t->stt)
        vgw_talk_deaf_begin(t, lost->name);
    vgw_talk_listen_update(t);
    taken_over(t);
}

void vgw_talk_stt_restored(struct vgw_talk *t)
{
    t->stt_tried = 0;
    if (!t->hearing && !t->final_utterance)
        vgw_kept_audio_done(&t->kept);
    taken_over(t);
}

static void on_final_late(void *arg)
{
    struct vgw_talk *t = arg;
    char text[VGW_TALK_TEXT_MAX];
    const struct vgw_engine *late = t->stt ? t->stt->engine : NULL;
    vgw_talk_error(t, VGW_ETIMEOUT, NULL, "the recognizer gave no final result in time", late ? late->name : "stt");
    if (late && t->kept.bytes.len && t->stt_tried + 1 < t->cfg->stt_count) {
        vgw_talk_stream_close(t, &t->stt, late->stt->close, NULL);
        stt_lost(t, late);
        return;
    }
    if (late)
        vgw_engine_health_report(late->health, true, vgw_now(t->worker));
    t->final_seen = t->final_utterance;
    if (t->hearing) { /* the caller has gone on: it belongs to what is being said */
        carry_late(t);
        t->final_utterance = 0;
        vgw_kept_audio_drop(&t->kept, t->kept.mark);
        return;
    }
    vgw_strcopy(text, sizeof text, t->partial); /* better than nothing */
    understood(t, text, -1, NULL);
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
        stt_lost(t, stream->engine);
        vgw_engine_stream_free(stream);
        break;
    case VGW_MSG_ERROR:
        vgw_talk_error(t, m->status, m->text, "speech recognition failed", stream->engine->name);
        if (!m->flag)
            break;
        vgw_talk_stream_close(t, &t->stt, stream->engine->stt->close, NULL);
        stt_lost(t, stream->engine);
        break;
    case VGW_MSG_RESULT:
        if (m->text && m->text[0])
            vgw_talk_deaf_over(t);
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

/* Room for what is being said, once there is somebody to recognise it. */
static bool need_texts(struct vgw_talk *t)
{
    if (t->partial != t->no_text)
        return true;
    char *all = vgw_calloc(3, VGW_TALK_TEXT_MAX);
    if (!all)
        return false;
    t->partial = all;
    t->carried = all + VGW_TALK_TEXT_MAX;
    t->late = all + (size_t)2 * VGW_TALK_TEXT_MAX;
    return true;
}

static bool open_at(struct vgw_talk *t, uint32_t at)
{
    const struct vgw_engine *engine = &t->cfg->stt[at];
    t->stt = vgw_ear_open(t, &t->ear, engine, on_stt);
    if (!t->stt) {
        vgw_engine_health_report(engine->health, true, vgw_now(t->worker));
        return false;
    }
    t->stt_index = at;
    t->stt_open_us = vgw_now(t->worker);
    if (t->hints || t->heard_language)
        engine->stt->update(t->stt->s, t->hints, t->heard_language);
    return true;
}

bool vgw_talk_stt_open(struct vgw_talk *t, bool resting)
{
    uint32_t count = t->cfg->stt_count, refused = 0;
    if (count && !need_texts(t))
        return false;
    for (uint32_t i = 0; i < (resting ? 2 : 1) * count; i++) {
        uint32_t at = (t->stt_index + i) % count;
        if (refused & 1u << at || (i < count && !vgw_engine_health_take(t->cfg->stt[at].health, vgw_now(t->worker))))
            continue;
        if (open_at(t, at))
            return true;
        refused |= 1u << at;
    }
    return false;
}

void vgw_talk_stt_start(struct vgw_talk *t)
{
    vgw_timer_init(&t->final_timer, t->worker, on_final_late, t);
    vgw_talk_deaf_init(t);
    if (!vgw_talk_stt_open(t, true) && t->cfg->stt_count)
        vgw_talk_deaf_begin(t, t->cfg->stt[0].name);
    if ((t->stt || t->deaf.on) && !t->preroll)
        vgw_preroll_new(VGW_L16, 8000, PREROLL_MS, &t->preroll, NULL);
    vgw_shadow_start(t);
}

void vgw_talk_stt_end(struct vgw_talk *t)
{
    vgw_timer_stop(&t->final_timer);
    vgw_talk_deaf_end(t);
    if (t->stt)
        vgw_talk_stream_close(t, &t->stt, t->stt->engine->stt->close, NULL);
    vgw_preroll_free(t->preroll);
    t->preroll = NULL;
    vgw_ear_done(&t->ear);
    vgw_kept_audio_done(&t->kept);
    vgw_shadow_end(t);
}
