/* speak.c - our side: utterances in order, from waiting audio into the leg's queue, and what becomes of them. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "talk/talk_private.h"

#define PUSH_MS 100 /* audio goes into the queue in pieces of this length */
#define TEXT_MAX (64 * 1024)

static struct vgw_speech *speech_at(struct vgw_list *link)
{
    return VGW_CONTAINER_OF(link, struct vgw_speech, link);
}

struct vgw_speech *vgw_speech_find(struct vgw_talk *t, uint64_t utterance)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &t->speeches)
        if (speech_at(at)->utterance == utterance)
            return speech_at(at);
    return NULL;
}

static void speech_free(struct vgw_talk *t, struct vgw_speech *s)
{
    vgw_voice_credit(s->voice, s->pending.len / vgw_encoding_bytes(s->encoding), s->rate_hz);
    vgw_list_remove(&s->link);
    t->speech_count--;
    vgw_buf_done(&s->text);
    vgw_buf_done(&s->pending);
    vgw_buf_done(&s->align);
    vgw_free(s->sentence);
    vgw_free(s->item);
    vgw_free(s->clip);
    vgw_free(s);
}

void vgw_speech_drop(struct vgw_talk *t, struct vgw_speech *s)
{
    speech_free(t, s);
}

bool vgw_talk_speaking(const struct vgw_talk *t)
{
    return !vgw_list_empty(&t->speeches);
}

bool vgw_talk_protected(const struct vgw_talk *t)
{
    return vgw_talk_speaking(t) && !speech_at(t->speeches.next)->interruptible;
}

/* ---- queueing ---- */

/* What is played again and again lasts until something else is to be heard. */
static void loops_end(struct vgw_talk *t)
{
    struct vgw_list *at, *next;
    bool first = true, clear = false;
    VGW_LIST_EACH (at, next, &t->speeches) {
        clear = clear || (first && speech_at(at)->looped && speech_at(at)->begun);
        speech_at(at)->looped = first = false;
    }
    if (!clear)
        return;
    t->clearing = true;
    vgw_leg_clear(t->leg);
    t->clearing = false;
}

int vgw_speech_new(struct vgw_talk *t, enum vgw_speech_kind kind, uint64_t op, bool interruptible, const char *voice,
                   const char *language, struct vgw_speech **ret_speech, struct vgw_error *err)
{
    struct vgw_speech *s;
    struct vgw_voice *v = NULL;
    if (t->speech_count >= VGW_TALK_SPEECHES)
        return vgw_error_set(err, VGW_ELIMIT, "at most %d utterances may wait to be spoken on one call",
                             VGW_TALK_SPEECHES);
    if (!vgw_leg_up(t->leg))
        return vgw_error_set(err, VGW_EBUSY, "the call has no media yet");
    if (kind != VGW_SPEECH_PLAY && kind != VGW_SPEECH_LIVE && !(v = vgw_voice_get(t, voice, language, err)))
        return err ? err->status : VGW_EUNSUPPORTED;
    if (!VGW_NEW(s))
        return vgw_error_nomem(err);
    loops_end(t);
    *s = (struct vgw_speech){.utterance = ++t->next_utterance,
                             .kind = kind,
                             .op = op,
                             .asked_us = vgw_now(t->worker),
                             .interruptible = interruptible,
                             .voice = v,
                             .encoding = VGW_L16,
                             .rate_hz = vgw_leg_rate_hz(t->leg)};
    vgw_buf_init(&s->text, TEXT_MAX);
    vgw_buf_init(&s->pending, (size_t)VGW_TALK_PENDING_MS * 48 * 2);
    vgw_list_append(&t->speeches, &s->link);
    t->speech_count++;
    vgw_timer_stop(&t->no_input_timer);
    *ret_speech = s;
    return 0;
}

void vgw_talk_prompt(struct vgw_talk *t, const char *text, uint64_t op, bool interruptible, enum vgw_speech_kind kind)
{
    struct vgw_speech *s = NULL;
    struct vgw_error err = {0};
    if (vgw_speech_new(t, kind, op, interruptible, NULL, NULL, &s, &err) < 0) {
        vgw_log(VGW_LOG_WARNING, &t->scope, "a prompt could not be spoken", "error", err.text, NULL);
        vgw_talk_complete(t, op, err.status, err.text, NULL);
        return;
    }
    vgw_speech_text(t, s, text, true);
}

/* ---- the end of an utterance ---- */

static void fallen_silent(struct vgw_talk *t)
{
    vgw_talk_all_heard(t);
    vgw_talk_gather_quiet(t);
    if (!t->thinking)
        vgw_talk_await_caller(t);
}

static void op_settle(struct vgw_talk *t, struct vgw_speech *s, uint64_t heard_samples, bool complete, bool call_over)
{
    if (!s->op)
        return;
    if (call_over) {
        vgw_talk_complete(t, s->op, VGW_ENOTFOUND, "the call has ended", NULL);
    } else if (s->status < 0 && !heard_samples) {
        vgw_talk_complete(t, s->op, s->status, s->sentence ? s->sentence : "the utterance could not be made", NULL);
    } else {
        struct vgw_json *o = vgw_json_object();
        vgw_json_set_int(o, "heard_ms", (int64_t)(heard_samples * 1000 / vgw_leg_rate_hz(t->leg)));
        vgw_json_set_bool(o, "interrupted", !complete);
        vgw_talk_complete(t, s->op, 0, NULL, o);
    }
    s->op = 0;
}

static void speech_over(struct vgw_talk *t, struct vgw_speech *s, uint64_t heard_samples, bool complete)
{
    bool call_over = t->ending || vgw_leg_ending(t->leg);
    bool hushed = s->sensitive && s->begun;
    vgw_talk_heard(t, s, heard_samples, complete);
    op_settle(t, s, heard_samples, complete, call_over);
    speech_free(t, s);
    if (hushed)
        vgw_talk_hush_leave(t);
    if (!vgw_talk_speaking(t) && !call_over && !t->clearing)
        fallen_silent(t);
}

/* ---- into the queue ---- */

static bool has_audio(const struct vgw_speech *s)
{
    return s->pending.len || s->clip_samples;
}

/* The next piece of at most `most` samples; 0: nothing is left. */
static size_t next_piece(struct vgw_speech *s, size_t done, size_t most, const void **ret_data)
{
    size_t width = vgw_encoding_bytes(s->encoding);
    size_t left = s->clip ? s->clip_samples - s->clip_at : s->pending.len / width - done;
    if (!left && s->looped) {
        s->clip_at = 0;
        left = s->clip_samples;
    }
    *ret_data = s->clip ? (const void *)(s->clip + s->clip_at) : s->pending.data + done * width;
    return left < most ? left : most;
}

/* Moves waiting audio of one utterance into the queue. False: it is full. */
static bool speech_push(struct vgw_talk *t, struct vgw_speech *s)
{
    size_t done = 0, n;
    const void *data;
    int rc = 0;
    while ((n = next_piece(s, done, VGW_SAMPLES(s->rate_hz, PUSH_MS), &data))) {
        rc = vgw_leg_push(t->leg, s->utterance, s->encoding, s->rate_hz, data, n);
        if (rc == VGW_EBUSY)
            break;
        s->looped = s->looped && rc == 0;
        if (s->clip)
            s->clip_at += n;
        else
            done += n;
    }
    vgw_buf_consume(&s->pending, done * vgw_encoding_bytes(s->encoding));
    vgw_voice_credit(s->voice, done, s->rate_hz);
    return rc != VGW_EBUSY;
}

/* True when something changed, so that the list is to be looked at again. */
static bool pump_step(struct vgw_talk *t)
{
    struct vgw_list *at, *next;
    bool cuttable = false;
    VGW_LIST_EACH (at, next, &t->speeches) {
        struct vgw_speech *s = speech_at(at);
        /* What may not be cut waits until nothing before it can be: the queue is only ever cleared as a whole. */
        bool waits = !s->interruptible && cuttable;
        cuttable = cuttable || s->interruptible;
        if (s->finished)
            continue;
        if (s->filler && !s->begun && !has_audio(s) && s->link.next != &t->speeches &&
            has_audio(speech_at(s->link.next))) { /* what it was to bridge has come first */
            speech_over(t, s, 0, false);
            return true;
        }
        if (!s->begun && !has_audio(s) && s->synth_done) { /* nothing to hear of it */
            if (at != t->speeches.next)
                return false;
            speech_over(t, s, 0, s->status == 0);
            return true;
        }
        if (!s->begun && (waits || !has_audio(s) || vgw_leg_begin(t->leg, s->utterance) < 0))
            return false;
        bool whole = t->audio && (t->assistant_engine.audio->flags & VOICEGW_ASSISTANT_AUDIO_WHOLE);
        if (!s->begun && s->kind == VGW_SPEECH_LIVE && !whole && vgw_leg_live(t->leg, s->utterance) < 0)
            vgw_log(VGW_LOG_WARNING, &t->scope, "out of memory: a live voice will not make up for late audio", NULL);
        s->begun = true;
        if (s->sensitive)
            vgw_talk_hush(t);
        if (!speech_push(t, s) || !s->synth_done)
            return false;
        s->finished = true;
        vgw_leg_finish(t->leg, s->utterance);
        return true;
    }
    return false;
}

void vgw_talk_speak_pump(struct vgw_talk *t)
{
    if (t->pumping || t->clearing)
        return;
    t->pumping = true;
    while (!t->ending && !vgw_leg_ending(t->leg) && pump_step(t))
        ;
    t->pumping = false;
}

/* ---- from the leg ---- */

void vgw_talk_on_started(void *arg, uint64_t utterance)
{
    struct vgw_talk *t = arg;
    struct vgw_speech *s = vgw_speech_find(t, utterance);
    if (!s)
        return;
    s->times.first_frame_us = vgw_now(t->worker);
    if (s->kind == VGW_SPEECH_LIVE)
        vgw_talk_live_begun(t, s);
    if (!t->ending && t->started)
        vgw_talk_barge_watch(t);
}

void vgw_talk_on_played(void *arg, uint64_t utterance, uint64_t heard_samples, bool complete)
{
    struct vgw_talk *t = arg;
    struct vgw_speech *s = vgw_speech_find(t, utterance);
    if (!s)
        return;
    speech_over(t, s, heard_samples, complete);
    vgw_talk_speak_pump(t);
}

/* ---- cutting ---- */

bool vgw_talk_interrupt(struct vgw_talk *t)
{
    struct vgw_list *at, *next;
    if (!vgw_talk_speaking(t) || vgw_talk_protected(t) || t->clearing)
        return false;
    t->clearing = true;
    vgw_talk_voices_cancel(t);
    vgw_leg_clear(t->leg); /* reports what was heard of those in the queue, from inside */
    VGW_LIST_EACH (at, next, &t->speeches) {
        struct vgw_speech *s = speech_at(at);
        if (s->interruptible)
            speech_over(t, s, 0, false);
        else if (s->voice && !s->synth_done) /* what its voice was about to say is cancelled with the rest */
            vgw_speech_again(t, s);
    }
    t->clearing = false;
    if (!vgw_talk_speaking(t))
        fallen_silent(t);
    vgw_talk_speak_pump(t);
    return true;
}

static struct vgw_speech *speech_of(struct vgw_talk *t, uint64_t op)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &t->speeches)
        if (speech_at(at)->op == op)
            return speech_at(at);
    return NULL;
}

void vgw_talk_speech_cancel(struct vgw_talk *t, uint64_t op)
{
    struct vgw_speech *s = speech_of(t, op);
    if (!s || t->clearing)
        return;
    bool alone = s->link.next == &t->speeches || !speech_at(s->link.next)->begun;
    if (!s->begun) {
        speech_over(t, s, 0, false);
    } else if (alone && t->speeches.next == &s->link) { /* nothing else is in the queue */
        t->clearing = true;
        vgw_leg_clear(t->leg);
        t->clearing = false;
        if (!vgw_talk_speaking(t))
            fallen_silent(t);
    } else { /* what is queued of it is heard yet, and no more */
        s->looped = false;
        s->text_done = s->synth_done = true;
        vgw_voice_credit(s->voice, s->pending.len / vgw_encoding_bytes(s->encoding), s->rate_hz);
        vgw_buf_reset(&s->pending);
        s->clip_at = s->clip_samples;
    }
    vgw_talk_speak_pump(t);
}

void vgw_talk_speak_end(struct vgw_talk *t)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &t->speeches)
        speech_over(t, speech_at(at), 0, false);
    vgw_talk_voices_end(t);
}
