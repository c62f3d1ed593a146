/* gather.c - collecting one answer: digits, speech or either, for workflows. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "talk/talk_private.h"

#define GATHER_TIMEOUT_US (5 * VGW_US_PER_S)
#define DIGIT_GAP_US (3 * VGW_US_PER_S)

void vgw_talk_gather_end(struct vgw_talk *t, int status, const char *input, const char *text, double confidence)
{
    struct vgw_gather *g = &t->gather;
    uint64_t op = g->op;
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
    vgw_talk_hints(t, "[]");
    vgw_talk_complete(t, op, status, status < 0 ? text : NULL, o);
}

static void on_gather_timer(void *arg)
{
    struct vgw_talk *t = arg;
    if (t->gather.digit_count)
        vgw_talk_gather_end(t, 0, "dtmf", "", -1);
    else if (t->caller_speaking || t->hearing || t->awaiting_final)
        vgw_timer_start(&t->gather_timer, VGW_US_PER_S);
    else
        vgw_talk_gather_end(t, 0, "none", "", -1);
}

static void gather_input(struct vgw_gather *g, const char *input)
{
    g->speech = !input[0] || strstr(input, "speech");
    g->dtmf = !input[0] || strstr(input, "dtmf");
}

int vgw_talk_gather(struct vgw_talk *t, uint64_t op, const struct vgw_json *params, struct vgw_error *err)
{
    struct vgw_gather *g = &t->gather;
    if (g->op)
        return vgw_error_set(err, VGW_EBUSY, "another gather is waiting on this call");
    memset(g, 0, sizeof *g);
    gather_input(g, vgw_json_get_string(params, "input", ""));
    g->num_digits = (uint32_t)vgw_json_get_int(params, "num_digits", 0);
    g->finish_on = vgw_json_get_string(params, "finish_on", "#")[0];
    g->timeout_us = GATHER_TIMEOUT_US;
    const struct vgw_json *timeout = vgw_json_get(params, "timeout");
    if (vgw_json_str(timeout))
        vgw_parse_duration_us(vgw_json_str(timeout), &g->timeout_us);
    else if (timeout)
        g->timeout_us = (int64_t)(vgw_json_as_double(timeout, 5) * (double)VGW_US_PER_S);
    if (!g->speech && !g->dtmf)
        return vgw_error_at(err, VGW_EINVALID, "input", "input must be speech, dtmf or both");
    g->op = op;
    vgw_timer_init(&t->gather_timer, t->worker, on_gather_timer, t);
    vgw_timer_stop(&t->no_input_timer);
    char *phrases = vgw_json_get(params, "phrases") ? vgw_json_text(vgw_json_get(params, "phrases"), false) : NULL;
    if (phrases)
        vgw_talk_hints(t, phrases);
    vgw_free(phrases);
    const char *prompt = vgw_json_get_string(params, "prompt", "");
    if (prompt[0])
        vgw_talk_prompt(t, prompt, 0, vgw_json_get_bool(params, "interruptible", true), VGW_SPEECH_PROMPT);
    if (!vgw_talk_speaking(t))
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
