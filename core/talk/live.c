/* live.c - an assistant that has a voice of its own: its audio on the way to the caller, and what it tells of the
 * conversation. */
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "talk/talk_private.h"

#define PACED_ITEM "paced"
#define QUIET 256 /* a sample below is silence, -42 dB of full scale */

/* ---- its audio ---- */

static struct vgw_speech *live_speech(struct vgw_talk *t, const char *item)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &t->speeches) {
        struct vgw_speech *s = VGW_CONTAINER_OF(at, struct vgw_speech, link);
        if (s->kind == VGW_SPEECH_LIVE && !s->synth_done && vgw_streq(s->item ? s->item : "", item))
            return s;
    }
    return NULL;
}

void vgw_talk_live_done(struct vgw_talk *t, const char *item)
{
    struct vgw_speech *s = live_speech(t, item ? item : "");
    if (!s)
        return;
    s->synth_done = true;
    vgw_talk_speak_pump(t);
}

static void live_queue(struct vgw_talk *t, const struct vgw_engine_message *m, const char *item)
{
    struct vgw_speech *s = live_speech(t, item);
    if (!s && vgw_speech_new(t, VGW_SPEECH_LIVE, 0, true, NULL, NULL, &s, NULL) < 0) {
        vgw_metric_dropped("assistant_audio");
        return;
    }
    if (!s->item) {
        s->item = vgw_strdup(item);
        s->turn = t->turn;
        s->times = t->times; /* the times of the caller's turn belong to its first answer alone */
        memset(&t->times, 0, sizeof t->times);
    }
    vgw_speech_audio(t, s, m);
}

static bool is_quiet(const struct vgw_engine_message *m)
{
    int16_t pcm[VGW_FRAME_SAMPLES_MAX];
    const uint8_t *at = m->payload;
    for (size_t left = m->samples; left;) {
        size_t n = left < VGW_FRAME_SAMPLES_MAX ? left : VGW_FRAME_SAMPLES_MAX;
        vgw_encoding_decode(m->encoding, at, n, pcm);
        for (size_t i = 0; i < n; i++)
            if (pcm[i] > QUIET || pcm[i] < -QUIET)
                return false;
        at += n * vgw_encoding_bytes(m->encoding);
        left -= n;
    }
    return true;
}

static uint64_t live_waiting_ms(struct vgw_talk *t)
{
    uint64_t ms = 0;
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &t->speeches) {
        const struct vgw_speech *s = VGW_CONTAINER_OF(at, struct vgw_speech, link);
        if (s->kind == VGW_SPEECH_LIVE && s->rate_hz)
            ms += s->pending.len / vgw_encoding_bytes(s->encoding) * 1000 / s->rate_hz;
    }
    return ms;
}

/* What comes at the pace of speech while we speak waits behind that, and is as late as that was long. It catches up in
 * its own pauses, of which no more than VGW_TALK_PACED_PAUSE_MS is kept until it is in time again. */
static void live_late(struct vgw_talk *t, const struct vgw_engine_message *m)
{
    t->paced_quiet_ms = is_quiet(m) ? t->paced_quiet_ms + (uint32_t)(m->samples * 1000 / m->rate_hz) : 0;
    if (t->paced_quiet_ms > VGW_TALK_PACED_PAUSE_MS)
        vgw_talk_live_done(t, PACED_ITEM);
    else if (live_waiting_ms(t) >= VGW_TALK_PACED_MS)
        vgw_metric_dropped("assistant_audio");
    else if (!t->paced_quiet_ms || live_speech(t, PACED_ITEM))
        live_queue(t, m, PACED_ITEM);
}

void vgw_talk_live_audio(struct vgw_talk *t, const struct vgw_engine_message *m)
{
    bool paced = t->assistant_engine.audio->flags & VOICEGW_ASSISTANT_AUDIO_PACED;
    if (t->on_hold)
        vgw_metric_dropped("assistant_audio");
    else if (!paced)
        live_queue(t, m, m->text ? m->text : "");
    else if (vgw_talk_speaking(t))
        live_late(t, m);
    else if (m->encoding == vgw_leg_encoding(t->leg) && m->rate_hz == vgw_leg_rate_hz(t->leg))
        vgw_leg_send_now(t->leg, m->payload, (uint32_t)m->bytes, (uint32_t)m->samples);
    else
        vgw_metric_dropped("assistant_audio");
}

/* ---- turns ---- */

void vgw_talk_live_turn(struct vgw_talk *t, int64_t sample)
{
    int64_t position = (int64_t)vgw_leg_position(t->leg),
            ago_us = sample >= 0 && position > sample ? (position - sample) * 1000 / 8 : 0;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < t->live_count; i++) /* whose text has not come by now has none */
        if (!t->live[i].over)
            t->live[kept++] = t->live[i];
    t->live_count = kept;
    t->turn++;
    memset(&t->times, 0, sizeof t->times);
    t->times.speech_end_us = t->speech_end_us = vgw_now(t->worker) - ago_us;
}

static struct vgw_live *live_of(struct vgw_talk *t, uint64_t utterance)
{
    for (uint32_t i = 0; i < t->live_count; i++)
        if (t->live[i].utterance == utterance)
            return &t->live[i];
    return NULL;
}

static void live_leave(struct vgw_talk *t, uint32_t at)
{
    t->live_count--;
    memmove(&t->live[at], &t->live[at + 1], (t->live_count - at) * sizeof t->live[0]);
}

void vgw_talk_live_begun(struct vgw_talk *t, const struct vgw_speech *s)
{
    if (live_of(t, s->utterance))
        return;
    if (t->live_count == VGW_TALK_LIVE)
        live_leave(t, 0);
    t->live[t->live_count++] = (struct vgw_live){.utterance = s->utterance, .turn = s->turn, .times = s->times};
}

void vgw_talk_live_over(struct vgw_talk *t, const struct vgw_speech *s, uint32_t heard_ms, bool complete)
{
    struct vgw_live *l = live_of(t, s->utterance);
    if (!l)
        return;
    l->over = true;
    l->cut = !complete;
    l->heard_ms = heard_ms;
}

/* ---- what was said ---- */

static void tell_caller(struct vgw_talk *t, const char *text)
{
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "text", text);
    vgw_json_set_int(o, "turn", (int64_t)t->turn);
    vgw_json_set(o, "confidence", NULL);
    vgw_json_set_string(o, "language", t->cfg->language);
    vgw_talk_event(t, "voice.stt.final", o);
    vgw_talk_transcript(t, "user", text, -1, -1, false, NULL);
}

/* Its texts come in the order in which they were said; one of which nothing was heard has none. */
static void tell_answer(struct vgw_talk *t, const char *text)
{
    struct vgw_live l = {.turn = t->turn};
    double latency = -1;
    if (t->live_count) {
        l = t->live[0];
        live_leave(t, 0);
    }
    struct vgw_json *stages = vgw_talk_stages(t, &l.times, &latency), *o = vgw_json_object();
    vgw_json_set_int(o, "turn", (int64_t)l.turn);
    if (l.cut) {
        vgw_json_set_string(o, "heard_text", text);
        vgw_json_set_int(o, "heard_ms", l.heard_ms);
    } else {
        vgw_json_set_string(o, "text", text);
        vgw_talk_set_measure(o, "latency_ms", latency);
        vgw_json_set(o, "stages", vgw_json_copy(stages));
    }
    vgw_talk_event(t, l.cut ? "voice.assistant.interrupted" : "voice.assistant.text", o);
    vgw_talk_transcript(t, "assistant", text, latency, -1, l.cut, stages);
}

void vgw_talk_live_transcript(struct vgw_talk *t, const struct vgw_engine_message *m)
{
    if (!m->flag || !m->text)
        return;
    if (vgw_streq(m->text2, "user"))
        tell_caller(t, m->text);
    else
        tell_answer(t, m->text);
}
