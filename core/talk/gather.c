/* gather.c - collecting one answer: digits, speech or either, for workflows. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "talk/talk_private.h"

#define GATHER_TIMEOUT_US (5 * VGW_US_PER_S)
#define NOBODY UINT64_MAX /* waits for this gather: it has no operation */
#define TIMEOUT_MAX_US (3600 * VGW_US_PER_S)
#define DIGIT_GAP_US (3 * VGW_US_PER_S)

/* ---- what is sensitive ---- */

bool vgw_talk_hides(const struct vgw_talk *t)
{
    return t->gather.sensitive || (t->hidden_utterance && t->utterance == t->hidden_utterance);
}

static bool says_sensitive(const struct vgw_talk *t)
{
    const struct vgw_list *at;
    for (at = t->speeches.next; at != &t->speeches; at = at->next) {
        const struct vgw_speech *s = VGW_CONTAINER_OF(at, const struct vgw_speech, link);
        if (s->sensitive && s->begun)
            return true;
    }
    return false;
}

static void on_hush_over(void *arg)
{
    struct vgw_talk *t = arg;
    if (t->gather.sensitive || says_sensitive(t)) /* whichever ends last starts this again */
        return;
    if (t->caller_speaking) /* the end of it may still be said */
        vgw_timer_start(&t->hush_timer, VGW_TALK_HUSH_US);
    else
        vgw_leg_record_hush(t->leg, false);
}

void vgw_talk_hush(struct vgw_talk *t)
{
    vgw_leg_record_hush(t->leg, true);
    vgw_timer_stop(&t->hush_timer);
    vgw_timer_init(&t->hush_timer, t->worker, on_hush_over, t);
}

/* When no timer can be had the recording stays silent to its end. */
void vgw_talk_hush_leave(struct vgw_talk *t)
{
    if (!t->ending)
        vgw_timer_start(&t->hush_timer, VGW_TALK_HUSH_US);
}

void vgw_talk_hush_end(struct vgw_talk *t)
{
    vgw_timer_stop(&t->hush_timer);
}

/* ---- its life ---- */

void vgw_talk_gather_end(struct vgw_talk *t, int status, const char *input, const char *text, double confidence)
{
    struct vgw_gather *g = &t->gather;
    uint64_t op = g->op;
    bool hinted = g->hinted, sensitive = g->sensitive;
    if (!op)
        return;
    vgw_timer_stop(&t->gather_timer);
    struct vgw_json *o = NULL;
    if (status == 0) {
        o = vgw_json_object();
        vgw_json_set_string(o, "input", input);
        vgw_json_set_string(o, "digits", g->digits);
        vgw_json_set_string(o, "text", text ? text : "");
        if (confidence >= 0)
            vgw_json_set_double(o, "confidence", confidence);
    }
    memset(g, 0, sizeof *g);
    vgw_talk_step_over(t, op);
    if (sensitive && (t->hearing || t->caller_speaking || t->final_utterance))
        t->hidden_utterance = t->utterance;
    if (sensitive)
        vgw_talk_hush_leave(t);
    if (hinted)
        vgw_talk_hints(t, "[]");
    if (!t->ending)
        vgw_talk_listen_update(t);
    vgw_talk_complete(t, op == NOBODY ? 0 : op, status, status < 0 ? text : NULL, o);
}

/* Is an answer on its way? */
static bool being_said(const struct vgw_talk *t)
{
    return t->gather.speech && t->stt && (t->caller_speaking || t->hearing || t->final_utterance);
}

bool vgw_talk_gather_again(struct vgw_talk *t, const char *prompt)
{
    struct vgw_gather *g = &t->gather;
    if (!g->asks_again || !prompt[0] || g->reprompts >= t->options->max_reprompts)
        return false;
    g->reprompts++;
    vgw_talk_prompt(t, prompt, 0, true, VGW_SPEECH_PROMPT);
    vgw_talk_gather_quiet(t); /* when nothing could be said */
    return true;
}

static void on_gather_timer(void *arg)
{
    struct vgw_talk *t = arg;
    if (t->gather.digit_count)
        vgw_talk_gather_end(t, 0, "dtmf", "", -1);
    else if (being_said(t) || vgw_talk_speaking(t))
        vgw_timer_start(&t->gather_timer, VGW_US_PER_S);
    else if (!vgw_talk_gather_again(t, t->options->no_input_prompt))
        vgw_talk_gather_end(t, 0, "none", "", -1);
}

static int gather_params(struct vgw_gather *g, const struct vgw_json *params, struct vgw_error *err)
{
    const char *input = vgw_json_get_string(params, "input", "");
    const struct vgw_json *timeout = vgw_json_get(params, "timeout");
    g->speech = !input[0] || strstr(input, "speech");
    g->dtmf = !input[0] || strstr(input, "dtmf");
    if (!g->speech && !g->dtmf)
        return vgw_error_at(err, VGW_EINVALID, "input", "input must be speech, dtmf or both");
    int64_t digits = vgw_json_get_int(params, "num_digits", 0);
    if (digits < 0 || digits >= (int64_t)sizeof g->digits)
        return vgw_error_at(err, VGW_EINVALID, "num_digits", "num_digits must be a number from 0 (any) to %zu",
                            sizeof g->digits - 1);
    g->num_digits = (uint32_t)digits;
    g->sensitive = vgw_json_get_bool(params, "sensitive", false);
    g->finish_on = vgw_json_get_string(params, "finish_on", "#")[0];
    g->timeout_us = GATHER_TIMEOUT_US;
    if (vgw_json_str(timeout) && !vgw_parse_duration_us(vgw_json_str(timeout), &g->timeout_us))
        g->timeout_us = -1;
    else if (timeout && !vgw_json_str(timeout))
        g->timeout_us = (int64_t)(vgw_json_as_double(timeout, -1) * (double)VGW_US_PER_S);
    if (g->timeout_us < 0 || g->timeout_us > TIMEOUT_MAX_US)
        return vgw_error_at(err, VGW_EINVALID, "timeout", "timeout must be a duration such as 5s, up to 1h");
    return 0;
}

static void gather_prompt(struct vgw_talk *t, const struct vgw_json *params)
{
    struct vgw_speech *s;
    struct vgw_error err = {0};
    const char *prompt = vgw_json_get_string(params, "prompt", "");
    if (!prompt[0])
        return;
    if (vgw_speech_new(t, VGW_SPEECH_PROMPT, 0, vgw_json_get_bool(params, "interruptible", true),
                       vgw_json_get_string(params, "voice", NULL), vgw_json_get_string(params, "language", NULL), &s,
                       &err) < 0)
        vgw_log(VGW_LOG_WARNING, &t->scope, "a prompt could not be spoken", "error", err.text, NULL);
    else
        vgw_speech_text(t, s, prompt, true);
}

int vgw_talk_gather(struct vgw_talk *t, uint64_t op, const struct vgw_json *params, struct vgw_error *err)
{
    struct vgw_gather *g = &t->gather, next = {.op = op ? op : NOBODY};
    uint64_t cancel = (uint64_t)vgw_json_get_int(params, "cancel", 0);
    if (cancel) { /* nobody waits for that one any more */
        if (g->op == cancel)
            vgw_talk_gather_end(t, VGW_EBUSY, "", "the gather was given up", -1);
        return 1;
    }
    if (g->op)
        return vgw_error_set(err, VGW_EBUSY, "another gather is waiting on this call");
    int rc = gather_params(&next, params, err);
    if (rc == 0)
        rc = vgw_talk_step_options(t, next.op, vgw_json_get(params, "talk"), err);
    if (rc < 0)
        return rc;
    next.asks_again = vgw_json_get(params, "talk");
    if (next.sensitive)
        vgw_talk_hush(t); /* first of all */
    *g = next;
    vgw_timer_init(&t->gather_timer, t->worker, on_gather_timer, t);
    vgw_timer_stop(&t->no_input_timer);
    vgw_talk_listen_update(t);
    char *phrases = vgw_json_get(params, "phrases") ? vgw_json_text(vgw_json_get(params, "phrases"), false) : NULL;
    if (phrases) {
        g->hinted = true;
        vgw_talk_hints(t, phrases);
    }
    vgw_free(phrases);
    gather_prompt(t, params);
    vgw_talk_gather_quiet(t);
    return 0;
}

bool vgw_talk_gather_digit(struct vgw_talk *t, char digit)
{
    struct vgw_gather *g = &t->gather;
    if (!g->op || !g->dtmf)
        return false;
    if (g->finish_on && digit == g->finish_on) {
        vgw_talk_gather_end(t, 0, g->digit_count ? "dtmf" : "none", "", -1);
        return true;
    }
    if (g->digit_count + 1 < sizeof g->digits)
        g->digits[g->digit_count++] = digit;
    if ((g->num_digits && g->digit_count >= g->num_digits) || g->digit_count + 1 == sizeof g->digits)
        vgw_talk_gather_end(t, 0, "dtmf", "", -1);
    else
        vgw_timer_start(&t->gather_timer, g->timeout_us < DIGIT_GAP_US ? g->timeout_us : DIGIT_GAP_US);
    return true;
}

bool vgw_talk_gather_speech(struct vgw_talk *t, const char *text, double confidence)
{
    if (!t->gather.op)
        return false;
    if (t->gather.speech)
        vgw_talk_gather_end(t, 0, "speech", text, confidence);
    return true;
}

void vgw_talk_gather_quiet(struct vgw_talk *t)
{
    if (t->gather.op && !t->gather.digit_count && !vgw_talk_speaking(t))
        vgw_timer_start(&t->gather_timer, t->gather.timeout_us);
}
