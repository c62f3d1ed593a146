/* heard.c - what was heard of us: the events, the transcript's line and the times of a turn's stages. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "talk/talk_private.h"
#include "talk/text.h"

#define BYTE_US 65000 /* of speech, for a text whose audio is not all made yet: about 15 letters a second */

static double ms_between(int64_t from_us, int64_t to_us)
{
    return round((double)(to_us - from_us) / 10) / 100;
}

static void stage(struct vgw_json *stages, const char *name, int64_t from_us, int64_t at_us)
{
    static const char help[] = "Stages of a turn, from the end of the caller's speech";
    if (!at_us || !from_us)
        return;
    double ms = ms_between(from_us, at_us);
    vgw_json_set_double(stages, name, ms);
    vgw_metric_observe(vgw_metric_family(VGW_METRIC_HISTOGRAM, "voicegw_turn_seconds", help, "stage"), ms / 1000, name,
                       NULL, NULL);
}

/* Of what nobody's turn brought: from the moment it was asked for; none of it is a turn's latency. */
static struct vgw_json *said_stages_json(struct vgw_talk *t, const struct vgw_speech *s)
{
    struct vgw_json *o = vgw_json_object();
    if (s->times.first_byte_us)
        vgw_json_set_double(o, "tts_first_byte", ms_between(s->asked_us, s->times.first_byte_us));
    if (s->times.first_frame_us)
        vgw_json_set_double(o, "first_frame", ms_between(s->asked_us, s->times.first_frame_us));
    vgw_json_set_double(o, "heard", ms_between(s->asked_us, vgw_now(t->worker)));
    return o;
}

static struct vgw_json *stages_json(struct vgw_talk *t, const struct vgw_turn_times *x)
{
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

/* The byte at which the n-th character begins. */
static size_t byte_of(const char *text, size_t len, uint32_t characters)
{
    size_t at = 0;
    while (at < len && characters) {
        at++;
        while (at < len && ((unsigned char)text[at] & 0xC0) == 0x80)
            at++;
        characters--;
    }
    return at;
}

/* By what the synthesis said of its own audio; 0 when it said nothing of this place. */
static size_t heard_aligned(const struct vgw_speech *s, const char *text, size_t len, uint64_t heard)
{
    struct vgw_align before = {0}, a;
    uint64_t characters = 0;
    for (size_t at = 0; at + sizeof a <= s->align.len; at += sizeof a) {
        memcpy(&a, s->align.data + at, sizeof a);
        if (a.samples > heard) { /* within what was spoken in one go, such as a sentence: in proportion */
            if (a.characters > before.characters)
                characters +=
                    (a.characters - before.characters) * (heard - before.samples) / (a.samples - before.samples);
            break;
        }
        before = a;
        characters = a.characters;
    }
    return vgw_text_heard(text, byte_of(text, len, (uint32_t)characters), len);
}

/* How many bytes of its text were heard. `heard` is in the leg's samples. */
static size_t heard_bytes(struct vgw_talk *t, const struct vgw_speech *s, uint64_t heard)
{
    uint32_t leg_hz = vgw_leg_rate_hz(t->leg);
    const char *text = vgw_buf_str(&s->text);
    uint64_t made = s->rate_hz ? s->samples * leg_hz / s->rate_hz : 0;
    if (s->align.len)
        return heard_aligned(s, text, strlen(text), heard * s->rate_hz / leg_hz);
    if (!s->synth_done || s->status < 0) { /* more audio would have come: how long it would have been is a guess */
        uint64_t guess = (uint64_t)strlen(text) * BYTE_US * leg_hz / VGW_US_PER_S;
        made = made > guess ? made : guess;
    }
    return vgw_text_heard(text, heard, made);
}

size_t vgw_speech_made_bytes(struct vgw_talk *t, const struct vgw_speech *s)
{
    uint32_t leg_hz = vgw_leg_rate_hz(t->leg);
    return heard_bytes(t, s, s->rate_hz ? s->samples * leg_hz / s->rate_hz : 0);
}

static void tell_interrupted(struct vgw_talk *t, const struct vgw_speech *s, const char *heard, uint32_t heard_ms)
{
    bool own = t->assistant && s->turn >= t->first_turn;
    if (s->status == 0) {
        struct vgw_json *cut = vgw_json_object();
        vgw_json_set_int(cut, "turn", (int64_t)s->turn);
        vgw_json_set_string(cut, "heard_text", heard);
        vgw_json_set_int(cut, "heard_ms", heard_ms);
        vgw_talk_event(t, "voice.assistant.interrupted", cut);
    }
    if (own)
        t->assistant_engine.assistant->interrupt(t->assistant->s, s->turn, heard, heard_ms);
    if (own && t->thinking &&
        s->turn == t->turn) /* what it still has to say of this turn is void until it says that it is done */
        t->turn_cut = true;
    vgw_talk_wishes_drop(t);
}

struct vgw_json *vgw_talk_stages(struct vgw_talk *t, const struct vgw_turn_times *times, double *ret_latency_ms)
{
    *ret_latency_ms =
        times->speech_end_us && times->first_frame_us ? ms_between(times->speech_end_us, times->first_frame_us) : -1;
    return stages_json(t, times);
}

static void answer_heard(struct vgw_talk *t, struct vgw_speech *s, const char *heard, uint32_t heard_ms, bool complete)
{
    double latency;
    struct vgw_json *stages = vgw_talk_stages(t, &s->times, &latency);
    if (!complete)
        tell_interrupted(t, s, heard, heard_ms);
    if (heard[0] && complete) {
        struct vgw_json *o = vgw_json_object();
        vgw_json_set_string(o, "text", heard);
        vgw_json_set_int(o, "turn", (int64_t)s->turn);
        vgw_talk_set_measure(o, "latency_ms", latency);
        vgw_json_set(o, "stages", vgw_json_copy(stages));
        vgw_talk_event(t, "voice.assistant.text", o);
    }
    if (heard[0])
        vgw_talk_transcript(t, "assistant", heard, latency, -1, !complete, vgw_json_ref(stages));
    vgw_json_free(stages);
}

/* What nobody's turn brought: a greeting, a prompt, an announcement. */
static void said_heard(struct vgw_talk *t, const struct vgw_speech *s, const char *heard, uint32_t heard_ms,
                       bool complete)
{
    struct vgw_json *o = vgw_json_object(), *stages = said_stages_json(t, s);
    vgw_json_set_string(o, complete ? "text" : "heard_text", heard);
    vgw_json_set_int(o, "turn", (int64_t)t->turn);
    if (complete) {
        vgw_json_set(o, "latency_ms", NULL);
        vgw_json_set(o, "stages", vgw_json_copy(stages));
    } else {
        vgw_json_set_int(o, "heard_ms", heard_ms);
    }
    vgw_talk_event(t, complete ? "voice.assistant.text" : "voice.assistant.interrupted", o);
    vgw_talk_transcript(t, "assistant", heard, -1, -1, !complete, stages);
}

void vgw_talk_item_over(struct vgw_talk *t, const char *item, uint32_t heard_ms, bool complete)
{
    const struct voicegw_assistant_audio *a = t->audio ? t->assistant_engine.audio : NULL;
    bool grown = a && a->size >= offsetof(struct voicegw_assistant_audio, heard) + sizeof a->heard;
    t->item_telling = true;
    if (a && !complete && a->truncated)
        a->truncated(t->audio->s, item, heard_ms);
    else if (complete && grown && a->heard)
        a->heard(t->audio->s, item, heard_ms);
    t->item_telling = false;
}

void vgw_talk_heard(struct vgw_talk *t, struct vgw_speech *s, uint64_t heard_samples, bool complete)
{
    uint32_t heard_ms = (uint32_t)(heard_samples * 1000 / vgw_leg_rate_hz(t->leg));
    if (s->kind == VGW_SPEECH_LIVE) {
        vgw_talk_live_over(t, s, heard_ms, complete);
        vgw_talk_item_over(t, s->item ? s->item : "", heard_ms, complete);
    }
    if (s->kind == VGW_SPEECH_PLAY || s->kind == VGW_SPEECH_LIVE)
        return;
    struct vgw_buf heard = {0};
    const char *text = vgw_buf_str(&s->text);
    vgw_buf_add(&heard, text, complete && s->status == 0 ? strlen(text) : heard_bytes(t, s, heard_samples));
    if (s->kind == VGW_SPEECH_ANSWER)
        answer_heard(t, s, vgw_buf_str(&heard), heard_ms, complete);
    else if (heard.len)
        said_heard(t, s, s->sensitive ? VGW_TALK_HIDDEN : vgw_buf_str(&heard), heard_ms, complete);
    vgw_buf_done(&heard);
}
