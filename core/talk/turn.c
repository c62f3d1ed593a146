/* turn.c - what a caller's turn leads to: an answer to a gather, a question to the assistant, a prompt, or nothing. */
#include <string.h>

#include "talk/talk_private.h"
#include "talk/text.h"

/* Said while we spoke and not enough to cut us: no turn. A gather takes whatever it gets. */
static bool passed_over(struct vgw_talk *t, const char *text)
{
    if (!t->over_speech || !vgw_talk_speaking(t))
        return false;
    if (vgw_talk_is_backchannel(t->options, text))
        return true;
    return !t->gather.op && (!t->options->barge_in || t->over_protected || vgw_talk_protected(t) ||
                             vgw_text_words(text) < t->options->min_words);
}

static void tell_final(struct vgw_talk *t, const char *text, double confidence, const char *language)
{
    struct vgw_json *o = vgw_json_object();
    if (t->gather.sensitive)
        text = VGW_TALK_HIDDEN;
    vgw_json_set_string(o, "text", text);
    vgw_talk_set_measure(o, "confidence", confidence);
    vgw_json_set_string(o, "language", language ? language : t->cfg->language);
    vgw_json_set_int(o, "turn", (int64_t)t->turn + 1);
    vgw_talk_event(t, "voice.stt.final", o);
    vgw_talk_transcript(t, "user", text, -1, confidence, false, NULL);
}

/* What is sensitive is not judged: its score would tell of it. */
static void tell_sentiment(struct vgw_talk *t, const char *text)
{
    const char *phrase = vgw_sentiment_phrase(text);
    double score = vgw_sentiment_score(text);
    if (t->gather.sensitive || strncmp(t->cfg->language, "en", 2) != 0 || (score == 0 && !phrase))
        return;
    vgw_sentiment_add(&t->sentiment, score);
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_double(o, "score", score);
    vgw_json_set_double(o, "mean", t->sentiment.mean);
    vgw_json_set_string(o, "trend", vgw_sentiment_trend(&t->sentiment));
    vgw_json_set_string(o, "phrase", phrase);
    vgw_json_set_int(o, "turn", (int64_t)t->turn + 1);
    vgw_talk_event(t, "voice.sentiment", o);
}

static void prompt_or_wait(struct vgw_talk *t, const char *prompt)
{
    if (prompt[0])
        vgw_talk_prompt(t, prompt, 0, true, VGW_SPEECH_PROMPT);
    else
        vgw_talk_await_caller(t);
}

static void not_understood(struct vgw_talk *t, double confidence)
{
    if (t->gather.op || vgw_talk_speaking(t)) { /* noise */
        if (vgw_talk_speaking(t) || !vgw_talk_gather_again(t, t->options->no_match_prompt))
            vgw_talk_gather_quiet(t);
        return;
    }
    if (t->no_matches >= t->options->max_reprompts) {
        vgw_talk_await_caller(t);
        return;
    }
    t->no_matches++;
    if (!vgw_talk_ask(t, "", confidence, VOICEGW_TURN_NO_MATCH))
        prompt_or_wait(t, t->options->no_match_prompt);
}

void vgw_talk_caller_said(struct vgw_talk *t, const char *text, double confidence, const char *language)
{
    if (!t->gather.sensitive && vgw_talk_hides(t)) { /* it came too late for who asked, and is for nobody else */
        vgw_talk_await_caller(t);
        return;
    }
    if (passed_over(t, text))
        return;
    memset(&t->times, 0, sizeof t->times);
    t->times.speech_end_us = t->speech_end_us;
    t->times.final_us = vgw_now(t->worker);
    if (!text[0]) {
        not_understood(t, confidence);
        return;
    }
    t->reprompts = t->no_matches = 0;
    tell_final(t, text, confidence, language);
    tell_sentiment(t, text);
    if (vgw_talk_speaking(t) && t->options->barge_in)
        vgw_talk_interrupt(t);
    if (!vgw_talk_gather_speech(t, text, confidence) && !vgw_talk_ask(t, text, confidence, 0))
        vgw_talk_await_caller(t);
}

void vgw_talk_on_no_input(void *arg)
{
    struct vgw_talk *t = arg;
    if (t->on_hold || t->caller_speaking || t->hearing || t->final_utterance || vgw_talk_speaking(t) || t->thinking ||
        t->gather.op)
        return;
    if (t->reprompts >= t->options->max_reprompts) {
        if (t->options->no_input_prompt[0]) /* the operator asks callers to answer: one who never does is gone */
            vgw_talk_act(t, "end", NULL);
        return;
    }
    t->reprompts++;
    memset(&t->times, 0, sizeof t->times);
    if (!vgw_talk_ask(t, "", -1, VOICEGW_TURN_NO_INPUT))
        prompt_or_wait(t, t->options->no_input_prompt);
}
