#include "script.h"

enum phase { ENTER, WAIT, AFTER, ACTIVE, LEAVE, CLOSING };

static void enter(struct mock_run *run, int64_t now_us)
{
    run->phase = ENTER;
    run->since_us = now_us;
    run->onset_us = 0;
    run->text_met = run->event_met = run->digits_met = 0;
}

void mock_run_begin(struct mock_run *run, const struct mock_script *script, int64_t silence_us, int64_t now_us)
{
    if (silence_us <= 0)
        silence_us = MOCK_SILENCE_US;
    *run = (struct mock_run){.script = script, .silence_us = silence_us, .heard_us = now_us - silence_us};
    enter(run, now_us);
}

static void forget(struct mock_run *run, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        free(run->seen[i].event);
        free(run->seen[i].text);
    }
    run->seen_count -= count;
    memmove(run->seen, run->seen + count, run->seen_count * sizeof run->seen[0]);
}

void mock_run_end(struct mock_run *run)
{
    forget(run, run->seen_count);
}

void mock_run_heard(struct mock_run *run, int64_t now_us, int voiced)
{
    if (!voiced)
        return;
    run->heard_us = now_us;
    run->voiced++;
    if (run->onset_us == 0)
        run->onset_us = now_us;
}

static void see(struct mock_run *run, struct mock_seen seen)
{
    if (run->seen_count == MOCK_SEEN_MAX)
        forget(run, 1);
    run->seen[run->seen_count++] = seen;
}

void mock_run_event(struct mock_run *run, const char *event, const char *text)
{
    struct mock_seen seen = {.event = strdup(event), .text = text ? strdup(text) : NULL};
    if (run->over || !seen.event || (text && !seen.text)) {
        free(seen.event);
        free(seen.text);
        return;
    }
    see(run, seen);
}

void mock_run_digit(struct mock_run *run, char digit)
{
    if (!run->over)
        see(run, (struct mock_seen){.digit = digit});
}

static const struct mock_step *current(const struct mock_run *run)
{
    return run->at < run->script->count ? &run->script->steps[run->at] : NULL;
}

static void fail(struct mock_run *run, const char *expected, const char *got)
{
    run->failed = 1;
    run->failed_step = run->at + 1;
    (void)snprintf(run->expected, sizeof run->expected, "%s", expected);
    (void)snprintf(run->got, sizeof run->got, "%s", got);
}

void mock_run_spoken(struct mock_run *run, int64_t now_us, const char *problem)
{
    const struct mock_step *step = current(run);
    if (!step || run->over || run->failed)
        return;
    if (problem)
        fail(run, step->text ? step->text : mock_step_name(step->what), problem);
    else if (run->phase == ACTIVE)
        run->phase = LEAVE;
    (void)now_us;
}

/* ---- expect ---- */

/* Takes note of what happened, in order, up to what this step asks for; the rest stays for the steps that follow. */
static void look(struct mock_run *run, const struct mock_step *step)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < run->seen_count; i++) {
        const struct mock_seen *s = &run->seen[i];
        uint32_t hit = 0;
        if (step->text && !run->text_met && s->text && mock_words_in(s->text, step->text))
            hit = run->text_met = 1;
        if (step->event && !run->event_met && s->event && mock_glob(step->event, s->event))
            hit = run->event_met = 1;
        if (step->dtmf && s->digit && step->dtmf[run->digits_met] == s->digit) {
            run->digits_met++;
            hit = 1;
        } else if (step->dtmf && s->digit && step->dtmf[run->digits_met]) {
            run->digits_met = step->dtmf[0] == s->digit;
        }
        if (hit)
            used = i + 1;
    }
    forget(run, used);
}

static int met(const struct mock_run *run, const struct mock_step *step)
{
    return (!step->text || (run->text_met && run->voiced >= MOCK_HEARD_FRAMES)) && (!step->event || run->event_met) &&
           (!step->dtmf || step->dtmf[run->digits_met] == '\0');
}

static void describe(struct mock_run *run, const struct mock_step *step)
{
    char expected[256], got[256];
    const char *last = NULL;
    (void)snprintf(expected, sizeof expected, "%s%s%s%s%s%s", step->text ? "text " : "", step->text ? step->text : "",
                   step->event ? " event " : "", step->event ? step->event : "", step->dtmf ? " dtmf " : "",
                   step->dtmf ? step->dtmf : "");
    for (uint32_t i = 0; i < run->seen_count; i++)
        last = run->seen[i].text ? run->seen[i].text : step->event && run->seen[i].event ? run->seen[i].event : last;
    if (step->text && run->text_met)
        (void)snprintf(got, sizeof got, "the text, but no sound (%u frames)", run->voiced);
    else
        (void)snprintf(got, sizeof got, "%s", last ? last : "nothing");
    fail(run, expected, got);
}

static enum mock_act run_expect(struct mock_run *run, const struct mock_step *step, int64_t now_us)
{
    look(run, step);
    if (met(run, step)) {
        if (step->text)
            run->voiced = 0;
        run->phase = LEAVE;
    } else if (now_us - run->since_us >= step->time_us) {
        describe(run, step);
    }
    return MOCK_ACT_NONE;
}

/* ---- steps that sound ---- */

static int silent(const struct mock_run *run, int64_t now_us)
{
    return now_us - run->heard_us >= run->silence_us;
}

static enum mock_act run_sound(struct mock_run *run, const struct mock_step *step, int64_t now_us)
{
    if (run->phase == ENTER) {
        run->phase = step->what == MOCK_BARGE_IN ? AFTER : step->what == MOCK_SAY ? WAIT : ACTIVE;
        return MOCK_ACT_PREPARE;
    }
    if (run->phase == WAIT && (silent(run, now_us) || now_us - run->since_us >= MOCK_PATIENCE_US)) {
        run->phase = ACTIVE;
        return MOCK_ACT_PLAY;
    }
    if (run->phase == AFTER) {
        if (run->onset_us != 0 && now_us - run->onset_us >= step->time_us) {
            run->phase = ACTIVE;
            return MOCK_ACT_PLAY;
        }
        if (run->onset_us == 0 && now_us - run->since_us >= MOCK_PATIENCE_US)
            fail(run, "the gateway to speak, to barge in on it", "silence");
    }
    return MOCK_ACT_NONE;
}

/* WAV, tones and noise wait for nobody. */
static enum mock_act run_blunt(struct mock_run *run)
{
    if (run->phase == ENTER) {
        run->phase = WAIT;
        return MOCK_ACT_PREPARE;
    }
    if (run->phase == WAIT) {
        run->phase = ACTIVE;
        return MOCK_ACT_PLAY;
    }
    return MOCK_ACT_NONE;
}

static enum mock_act run_hold(struct mock_run *run, const struct mock_step *step, int64_t now_us)
{
    if (run->phase == ENTER) {
        run->phase = ACTIVE;
        return MOCK_ACT_HOLD;
    }
    if (run->phase == ACTIVE && now_us - run->since_us >= step->time_us) {
        run->phase = LEAVE;
        return MOCK_ACT_RESUME;
    }
    return MOCK_ACT_NONE;
}

static enum mock_act hang_up(struct mock_run *run)
{
    run->over = 1;
    return MOCK_ACT_HANGUP;
}

static enum mock_act run_step(struct mock_run *run, const struct mock_step *step, int64_t now_us)
{
    switch (step->what) {
    case MOCK_SAY:
    case MOCK_BARGE_IN:
        return run_sound(run, step, now_us);
    case MOCK_WAV:
    case MOCK_TONES:
    case MOCK_NOISE:
        return run_blunt(run);
    case MOCK_PAUSE:
        if (now_us - run->since_us >= step->time_us)
            run->phase = LEAVE;
        return MOCK_ACT_NONE;
    case MOCK_HOLD:
        return run_hold(run, step, now_us);
    case MOCK_EXPECT:
        return run_expect(run, step, now_us);
    case MOCK_HANGUP:
        return hang_up(run);
    }
    return MOCK_ACT_NONE;
}

enum mock_act mock_run_next(struct mock_run *run, int64_t now_us, const struct mock_step **ret_step)
{
    for (;;) {
        const struct mock_step *step = current(run);
        if (run->over)
            return MOCK_ACT_NONE;
        if (run->failed) {
            if (run->phase == CLOSING)
                return hang_up(run);
            run->phase = CLOSING;
            return MOCK_ACT_FAILED;
        }
        if (!step) {
            /* At the end of a script the caller lets the gateway finish its sentence. */
            int done = silent(run, now_us) || now_us - run->since_us >= MOCK_PATIENCE_US;
            return done ? hang_up(run) : MOCK_ACT_NONE;
        }
        *ret_step = step;
        enum mock_act act = run_step(run, step, now_us);
        if (run->phase == LEAVE) {
            run->at++;
            enter(run, now_us);
            if (act == MOCK_ACT_NONE)
                continue;
        }
        if (act != MOCK_ACT_NONE || !run->failed)
            return act;
    }
}

int mock_run_cut(struct mock_run *run)
{
    if (run->over)
        return !run->failed;
    for (; current(run) && !run->failed; run->at++) {
        const struct mock_step *step = current(run);
        int end =
            step->event && (mock_glob(step->event, "call_ended") || mock_glob(step->event, "voice.session.stopped"));
        if (step->what == MOCK_EXPECT)
            look(run, step);
        if (step->what == MOCK_HANGUP || step->what == MOCK_PAUSE ||
            (step->what == MOCK_EXPECT && (met(run, step) || (end && !step->text && !step->dtmf))))
            continue;
        fail(run, mock_step_name(step->what), "the gateway ended the call");
    }
    run->over = 1;
    return !run->failed;
}
