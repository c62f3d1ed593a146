/* listen.c - the caller's side: voice activity, the end of a turn, barge-in, digits, silence. */
#include <string.h>

#include "talk/talk_private.h"
#include "talk/text.h"

#define FRAME_US (20 * VGW_US_PER_MS)
#define UNFINISHED_EXTRA_US (800 * VGW_US_PER_MS) /* "… my" most likely goes on */

/* How long ago a place in the caller's stream came. */
static int64_t ago_us(const struct vgw_talk *t, uint64_t sample)
{
    uint64_t position = vgw_leg_position(t->leg);
    return position > sample ? (int64_t)((position - sample) * 1000 / 8) : 0;
}

/* ---- barge-in ---- */

bool vgw_talk_may_barge(const struct vgw_talk *t)
{
    if (!t->options->barge_in || !vgw_talk_speaking(t) || vgw_talk_protected(t))
        return false;
    if (!t->options->min_words && !t->options->backchannel_count)
        return true;
    return t->partial[0] && vgw_text_words(t->partial) >= t->options->min_words &&
           !vgw_talk_is_backchannel(t->options, t->partial);
}

static void on_barge_timer(void *arg)
{
    struct vgw_talk *t = arg;
    int64_t left = t->options->min_duration_us - (int64_t)vgw_leg_speech_ms(t->leg) * VGW_US_PER_MS;
    if (!t->caller_speaking)
        return;
    if (left > 0) /* the detector still holds on, though the sound may be over: a cough ends without having cut us */
        vgw_timer_start(&t->barge_timer, left < FRAME_US ? FRAME_US : left);
    else if (vgw_talk_may_barge(t))
        vgw_talk_interrupt(t);
}

void vgw_talk_barge_watch(struct vgw_talk *t)
{
    if (!t->caller_speaking || !vgw_talk_speaking(t))
        return;
    int64_t left = t->options->min_duration_us - (vgw_now(t->worker) - t->speech_start_us);
    vgw_timer_start(&t->barge_timer, left);
}

/* ---- voice activity ---- */

static void utterance_begins(struct vgw_talk *t, uint64_t sample)
{
    t->hearing = true;
    t->utterance++;
    if (t->final_utterance && t->stt && !t->stt->engine->stt->endpoints)
        memcpy(t->late, t->partial, VGW_TALK_TEXT_MAX);
    t->partial[0] = '\0';
    t->speech_start_us = vgw_now(t->worker) - ago_us(t, sample);
    t->over_speech = vgw_talk_speaking(t);
    t->over_protected = false;
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_int(o, "start_ms", (int64_t)(sample / 8));
    vgw_talk_event(t, "speech_detected", o);
    vgw_talk_activity(t);
    vgw_talk_stt_begin(t, sample);
}

static void audio_speech(struct vgw_talk *t, bool started, uint64_t sample)
{
    if (t->audio && t->assistant_engine.audio->speech)
        t->assistant_engine.audio->speech(t->audio->s, started, sample);
}

static void speech_began(struct vgw_talk *t, uint64_t sample)
{
    t->caller_speaking = true;
    vgw_timer_stop(&t->endpoint_timer);
    vgw_timer_stop(&t->no_input_timer);
    if (t->hearing) {
        t->speech_start_us = vgw_now(t->worker) - ago_us(t, sample);
        vgw_talk_stt_speech(t, true, sample);
    } else {
        utterance_begins(t, sample);
    }
    vgw_talk_barge_watch(t);
    audio_speech(t, true, sample);
}

void vgw_talk_endpoint_arm(struct vgw_talk *t)
{
    int64_t wait = t->speech_end_us + t->options->endpoint_silence_us - vgw_now(t->worker);
    if (t->caller_speaking || !t->hearing)
        return;
    if (vgw_text_unfinished(t->partial))
        wait += UNFINISHED_EXTRA_US;
    vgw_timer_start(&t->endpoint_timer, wait);
}

static void speech_stopped(struct vgw_talk *t, uint64_t sample)
{
    if (!t->caller_speaking) /* it began before a hold, or before we listened */
        return;
    t->caller_speaking = false;
    t->speech_end_us = vgw_now(t->worker) - ago_us(t, sample);
    t->over_protected = t->over_speech && vgw_talk_protected(t);
    vgw_timer_stop(&t->barge_timer);
    vgw_talk_stt_speech(t, false, sample);
    vgw_talk_endpoint_arm(t);
    audio_speech(t, false, sample);
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

static void on_endpoint(void *arg)
{
    struct vgw_talk *t = arg;
    if (!t->hearing)
        return;
    t->hearing = false;
    if (t->stt || (vgw_talk_is_deaf(t) && !t->audio))
        vgw_talk_stt_finalize(t);
    else if (t->audio && t->assistant_engine.audio->commit) {
        vgw_talk_live_turn(t, (int64_t)vgw_leg_position(t->leg) - (vgw_now(t->worker) - t->speech_end_us) * 8 / 1000);
        t->assistant_engine.audio->commit(t->audio->s);
    }
}

void vgw_talk_listen_reset(struct vgw_talk *t)
{
    vgw_timer_stop(&t->endpoint_timer);
    vgw_timer_stop(&t->barge_timer);
    vgw_timer_stop(&t->final_timer);
    vgw_timer_stop(&t->no_input_timer);
    if (t->hearing && t->stt) /* the engine is to close the utterance; nobody waits for what it was */
        t->stt->engine->stt->finalize(t->stt->s, t->utterance);
    t->caller_speaking = t->hearing = false;
    t->final_utterance = 0;
    t->partial[0] = t->carried[0] = t->late[0] = '\0';
    if (!t->thinking)
        return;
    vgw_timer_stop(&t->filler_timer);
    if (t->assistant)
        t->assistant_engine.assistant->interrupt(t->assistant->s, t->turn, "", 0);
    t->turn_cut = true;
    t->thinking = false;
}

/* ---- silence ---- */

void vgw_talk_await_caller(struct vgw_talk *t)
{
    if (t->ending || !t->started || t->on_hold)
        return;
    if (t->options->no_input_timeout_us && !t->caller_speaking && !t->hearing && !t->final_utterance &&
        (t->assistant || t->options->no_input_prompt[0]))
        vgw_timer_start(&t->no_input_timer, t->options->no_input_timeout_us);
}

/* ---- digits ---- */

static bool own_turns(const struct vgw_talk *t)
{
    return t->audio && (t->assistant_engine.audio->flags & VOICEGW_ASSISTANT_AUDIO_TURNS);
}

static void use_digit(struct vgw_talk *t, char digit)
{
    vgw_timer_stop(&t->no_input_timer);
    vgw_talk_deaf_digit(t);
    t->reprompts = t->no_matches = 0;
    if (t->gather.op || (t->options->barge_in_keys && !own_turns(t)))
        vgw_talk_interrupt(t);
    memset(&t->times, 0, sizeof t->times);
    t->times.speech_end_us = t->times.final_us = vgw_now(t->worker);
    if (!vgw_talk_gather_digit(t, digit))
        vgw_talk_assistant_digit(t, digit);
    if (!t->thinking && !vgw_talk_speaking(t))
        vgw_talk_await_caller(t);
}

void vgw_talk_on_digit(void *arg, char digit, uint32_t duration_ms, const char *source)
{
    struct vgw_talk *t = arg;
    char text[2] = {digit, '\0'};
    if (t->ending)
        return;
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "digit", vgw_talk_hides(t) ? VGW_TALK_HIDDEN : text);
    vgw_json_set_int(o, "duration_ms", duration_ms);
    vgw_json_set_string(o, "source", source);
    vgw_talk_event(t, "dtmf_received", o);
    vgw_talk_activity(t);
    size_t kept = strlen(t->early_digits);
    if (!t->started && kept < VGW_TALK_EARLY_DIGITS) {
        t->early_digits[kept] = digit;
        t->early_digits[kept + 1] = '\0';
    }
    if (t->started && !t->on_hold)
        use_digit(t, digit);
}

/* What was pressed before anybody could hear it. */
void vgw_talk_digits_early(struct vgw_talk *t)
{
    char digits[sizeof t->early_digits];
    memcpy(digits, t->early_digits, sizeof digits);
    t->early_digits[0] = '\0';
    for (const char *d = digits; *d && !t->ending && !t->on_hold; d++)
        use_digit(t, *d);
}

/* ---- life ---- */

void vgw_talk_listen_update(struct vgw_talk *t)
{
    bool own = own_turns(t);
    /* An assistant that does its own turn-taking hears everything itself: nothing is decoded for it but digits, where
     * it or a gather takes any. */
    bool digits = !own || t->assistant_engine.audio->dtmf || t->gather.op;
    if (t->aside) {
        vgw_leg_listen(t->leg, false, false, digits);
        return;
    }
    bool words = t->stt || vgw_talk_is_deaf(t);
    vgw_leg_listen(t->leg, words || t->amd, words || (t->audio && !own), digits);
}

void vgw_talk_listen_start(struct vgw_talk *t)
{
    vgw_timer_init(&t->endpoint_timer, t->worker, on_endpoint, t);
    vgw_timer_init(&t->barge_timer, t->worker, on_barge_timer, t);
    vgw_timer_init(&t->no_input_timer, t->worker, vgw_talk_on_no_input, t);
    vgw_talk_answerer_start(t);
    vgw_talk_stt_start(t);
    vgw_talk_listen_update(t);
}

void vgw_talk_listen_end(struct vgw_talk *t)
{
    vgw_timer_stop(&t->endpoint_timer);
    vgw_timer_stop(&t->barge_timer);
    vgw_timer_stop(&t->no_input_timer);
    vgw_talk_stt_end(t);
    vgw_talk_answerer_end(t);
}
