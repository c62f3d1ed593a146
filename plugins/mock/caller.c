/* caller.c - a simulated person on a leg: a mouth that sends 20 ms frames by a timer, an ear with a playout clock of
 * its own, and a script between them. All on the worker of the leg. */
#include <stdlib.h>
#include <string.h>
#include "mock.h"
#include "sound.h"
#include "utterance.h"

#define FRAME_US 20000
#define LATE_MAX_US 200000 /* further behind, frames are skipped */
#define EAR_SPANS 512u
#define EAR_AHEAD_US 60000000 /* audio that may be sent ahead of time */
#define MARKS_MAX 64u
#define DIGIT_TICKS 10u /* a key every 200 ms */
#define NEVER INT64_MIN

struct span {
    int64_t end_us;
    uint32_t voiced;
};

struct mark {
    uint64_t id;
    int64_t due_us; /* NEVER: it was cleared */
};

struct mock_caller {
    struct mock *mock;
    uint64_t leg, call, timer;
    int64_t due_us;
    struct mock_script *script; /* NULL: one who listens */
    struct mock_run run;
    uint32_t up, scripted, signalled, streamed, called_back;
    /* the mouth */
    const struct mock_step *speaking; /* what is played, or NULL */
    struct utterance *voice;          /* what is ready or getting so */
    const char *digits;
    uint32_t digit_ticks, sequence, seed, talked;
    int64_t noise_until_us;
    uint64_t sample;
    char tts[64], voice_name[64];
    /* the ear */
    struct span spans[EAR_SPANS];
    uint32_t span_first, span_count, mark_count, waiting;
    int64_t ear_end_us; /* when all that was sent will have been played */
    struct mark marks[MARKS_MAX];
};

/* ---- what the operator is told ---- */

static void emit_failed(struct mock_caller *c)
{
    char json[1536];
    struct mock *m = c->mock;
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "script", c->script->id);
    voicegw_json_put_int(&w, "step", c->run.failed_step);
    voicegw_json_put_string(&w, "expected", c->run.expected);
    voicegw_json_put_string(&w, "got", c->run.got);
    voicegw_json_put_end(&w);
    if (voicegw_json_finish(&w) < 0)
        return;
    m->host->log(m->host, VOICEGW_LOG_ERROR, "a script's expectation was not met", json);
    if (m->event)
        (void)m->event->emit(m->host, c->call, "mock.expect_failed", json);
}

static void emit_done(struct mock_caller *c, int ok)
{
    char json[512];
    struct mock *m = c->mock;
    struct voicegw_json_writer w = voicegw_json_writer_of(json, sizeof json);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "script", c->script->id);
    voicegw_json_put_bool(&w, "ok", ok != 0);
    voicegw_json_put_array(&w, "failed_steps");
    if (!ok)
        voicegw_json_put_int(&w, NULL, c->run.failed_step);
    voicegw_json_put_end(&w);
    voicegw_json_put_end(&w);
    if (voicegw_json_finish(&w) > 0 && m->event)
        (void)m->event->emit(m->host, c->call, "mock.script_done", json);
    m->host->count(m->host, ok ? "scripts_ok" : "scripts_failed", 1);
}

/* ---- the script's wishes ---- */

static void prepare(struct mock_caller *c, const struct mock_step *step)
{
    utterance_drop(c->voice);
    c->voice = NULL;
    if (step->what == MOCK_NOISE || (step->what == MOCK_TONES && c->signalled))
        return;
    if (step->what == MOCK_WAV)
        c->voice = utterance_read(c->mock, c->leg, step->text);
    else if (step->what == MOCK_TONES)
        c->voice = utterance_tones(c->mock, step->text);
    else
        c->voice = utterance_say(c->mock, c->leg, c->tts, step->text, step->voice ? step->voice : c->voice_name);
}

static void play(struct mock_caller *c, const struct mock_step *step, int64_t now_us)
{
    c->speaking = step;
    if (step->what == MOCK_NOISE) {
        c->noise_until_us = now_us + step->time_us;
    } else if (step->what == MOCK_TONES && c->signalled) {
        c->digits = step->text;
        c->digit_ticks = 0;
    }
}

static void hang_up(struct mock_caller *c)
{
    int ok = !c->run.failed;
    c->scripted = 0;
    emit_done(c, ok);
    mock_call_notify(c->mock, c->call, 'e',
                     ok ? "the caller hung up" : "an expectation of the caller's script was not met");
}

static void follow(struct mock_caller *c, int64_t now_us)
{
    const struct mock_step *step = NULL;
    while (c->scripted) {
        switch (mock_run_next(&c->run, now_us, &step)) {
        case MOCK_ACT_NONE:
            return;
        case MOCK_ACT_PREPARE:
            prepare(c, step);
            break;
        case MOCK_ACT_PLAY:
            play(c, step, now_us);
            break;
        case MOCK_ACT_HOLD:
            mock_call_notify(c->mock, c->call, 'h', "held by the caller");
            break;
        case MOCK_ACT_RESUME:
            mock_call_notify(c->mock, c->call, 'r', "resumed by the caller");
            break;
        case MOCK_ACT_FAILED:
            emit_failed(c);
            break;
        case MOCK_ACT_HANGUP:
            hang_up(c);
            break;
        }
    }
}

/* ---- the mouth ---- */

/* One key when its time has come. 0: all are pressed. */
static int press(struct mock_caller *c)
{
    struct mock *m = c->mock;
    if (c->digit_ticks > 0) {
        c->digit_ticks--;
        return 1;
    }
    if (!*c->digits)
        return 0;
    char digit[2] = {*c->digits++, '\0'};
    c->digit_ticks = digit[0] == 'w' ? DIGIT_TICKS * 5 / 2 : DIGIT_TICKS;
    if (digit[0] != 'w' && c->streamed)
        (void)m->media->on_dtmf(m->host, c->leg, digit, 100, "mock");
    if (digit[0] != 'w' && c->called_back)
        (void)m->provider->on_dtmf(m->host, c->call, digit, 100, "callback");
    return 1;
}

/* Fills 20 ms; 1: there is sound in it. */
static int speak(struct mock_caller *c, int64_t now_us, uint8_t *out)
{
    const char *problem = c->voice && c->voice->problem[0] ? c->voice->problem : NULL;
    int goes_on = 1;
    memset(out, SOUND_SILENCE, SOUND_FRAME);
    if (problem) {
        mock_run_spoken(&c->run, now_us, problem);
        goes_on = 0;
    } else if (!c->speaking) {
        return 0;
    } else if (c->speaking->what == MOCK_NOISE) {
        goes_on = now_us < c->noise_until_us;
        if (goes_on)
            sound_noise(c->speaking->db, &c->seed, out, SOUND_FRAME);
    } else if (c->digits) {
        goes_on = press(c);
    } else {
        goes_on = c->voice && utterance_take(c->voice, out);
    }
    if (goes_on)
        return c->digits == NULL;
    if (!problem)
        mock_run_spoken(&c->run, now_us,
                        c->voice || c->speaking->what == MOCK_NOISE || c->digits ? NULL : "out of memory");
    utterance_drop(c->voice);
    c->voice = NULL;
    c->speaking = NULL;
    c->digits = NULL;
    return 0;
}

static void send_frame(struct mock_caller *c, int64_t now_us)
{
    struct mock *m = c->mock;
    uint8_t audio[SOUND_FRAME];
    int sound = speak(c, now_us, audio);
    const struct voicegw_frame frame = {.size = sizeof frame,
                                        .encoding = VOICEGW_AUDIO_PCMU,
                                        .rate = 8000,
                                        .flags = !sound       ? VOICEGW_FRAME_COMFORT
                                                 : !c->talked ? VOICEGW_FRAME_MARKER
                                                              : 0,
                                        .timestamp = c->sample,
                                        .sequence = ++c->sequence,
                                        .data = audio,
                                        .bytes = SOUND_FRAME,
                                        .samples = SOUND_FRAME};
    c->talked = sound != 0;
    c->sample += SOUND_FRAME;
    (void)m->media->on_frame(m->host, c->leg, &frame);
}

/* ---- the ear ---- */

static void return_marks(struct mock_caller *c, int64_t now_us)
{
    struct mock *m = c->mock;
    /* Those that are added meanwhile wait for the next tick. */
    for (uint32_t n = c->mark_count; n > 0 && c->mark_count > 0 && c->marks[0].due_us <= now_us; n--) {
        struct mark mark = c->marks[0];
        c->mark_count--;
        memmove(c->marks, c->marks + 1, c->mark_count * sizeof mark);
        (void)m->media->on_mark(m->host, c->leg, mark.id, mark.due_us != NEVER);
    }
}

static void listen(struct mock_caller *c, int64_t now_us)
{
    while (c->span_count > 0 && c->spans[c->span_first].end_us <= now_us - FRAME_US) {
        c->span_first = (c->span_first + 1) % EAR_SPANS;
        c->span_count--;
    }
    if (c->span_count > 0)
        mock_run_heard(&c->run, now_us, c->spans[c->span_first].voiced != 0);
    if (c->waiting && c->span_count < EAR_SPANS / 2 && c->ear_end_us - now_us < EAR_AHEAD_US / 2) {
        c->waiting = 0;
        (void)c->mock->media->on_writable(c->mock->host, c->leg);
    }
}

int32_t mock_caller_hear(struct mock_caller *c, const struct voicegw_frame *frame)
{
    struct mock *m = c->mock;
    int64_t now_us = m->host->now_us(m->host);
    if (frame->encoding != VOICEGW_AUDIO_PCMU)
        return m->host->set_error(m->host, VOICEGW_EINVALID, "the stream was agreed to be PCMU");
    if (frame->bytes == 0)
        return VOICEGW_OK;
    if (c->span_count == EAR_SPANS || c->ear_end_us - now_us > EAR_AHEAD_US) {
        c->waiting = 1;
        return VOICEGW_EBUSY;
    }
    uint32_t voiced = sound_voiced(frame->data, frame->bytes) != 0;
    struct span *last = &c->spans[(c->span_first + c->span_count + EAR_SPANS - 1) % EAR_SPANS];
    int joins = c->span_count > 0 && c->ear_end_us >= now_us && last->voiced == voiced;
    if (c->ear_end_us < now_us)
        c->ear_end_us = now_us;
    c->ear_end_us += (int64_t)frame->bytes * 125;
    if (!joins) {
        last = &c->spans[(c->span_first + c->span_count++) % EAR_SPANS];
        last->voiced = voiced;
    }
    last->end_us = c->ear_end_us;
    return VOICEGW_OK;
}

int32_t mock_caller_clear(struct mock_caller *c)
{
    c->ear_end_us = c->mock->host->now_us(c->mock->host);
    c->span_count = 0;
    for (uint32_t i = 0; i < c->mark_count; i++)
        c->marks[i].due_us = NEVER;
    return VOICEGW_OK;
}

int32_t mock_caller_mark(struct mock_caller *c, uint64_t mark_id)
{
    struct mock *m = c->mock;
    if (c->mark_count == MARKS_MAX)
        return m->host->set_error(m->host, VOICEGW_ELIMIT, "at most 64 marks may be out at a time");
    int64_t now_us = m->host->now_us(m->host);
    c->marks[c->mark_count++] = (struct mark){mark_id, c->ear_end_us > now_us ? c->ear_end_us : now_us};
    return VOICEGW_OK;
}

void mock_caller_digits(struct mock_caller *c, const char *digits)
{
    for (; c->scripted && *digits; digits++)
        if (*digits != 'w' && *digits != 'W')
            mock_run_digit(&c->run, *digits);
}

void mock_caller_news(struct mock_caller *c, const char *event, const char *text)
{
    if (c->scripted && strncmp(event, "mock.", 5) != 0)
        mock_run_event(&c->run, event, text);
}

/* ---- the clock ---- */

static void begin(struct mock_caller *c, int64_t now_us)
{
    struct mock *m = c->mock;
    const struct voicegw_audio_format format = {
        .size = sizeof format, .encoding = VOICEGW_AUDIO_PCMU, .rate = 8000, .frame_ms = 20};
    c->up = 1;
    c->due_us = now_us;
    (void)m->media->on_format(m->host, c->leg, &format);
}

static void on_tick(void *arg)
{
    struct mock_caller *c = arg;
    struct mock *m = c->mock;
    int64_t now_us = m->host->now_us(m->host);
    c->timer = 0;
    if (!c->up)
        begin(c, now_us);
    if (now_us - c->due_us > LATE_MAX_US) {
        c->sample += (uint64_t)((now_us - c->due_us) / 125 / SOUND_FRAME * SOUND_FRAME);
        c->due_us = now_us;
    }
    for (; c->due_us <= now_us; c->due_us += FRAME_US) {
        listen(c, c->due_us);
        follow(c, c->due_us);
        send_frame(c, c->due_us);
    }
    return_marks(c, now_us);
    c->timer = m->host->timer_start(m->host, c->leg, c->due_us - now_us, on_tick, c);
    if (c->timer == 0)
        (void)m->media->on_lost(m->host, c->leg, "the gateway has no timer left for the simulated caller");
}

struct mock_caller *mock_caller_new(struct mock *m, uint64_t leg, uint64_t call, struct mock_script *script,
                                    const struct mock_settings *settings)
{
    struct mock_caller *c = calloc(1, sizeof *c);
    if (!c) {
        mock_script_drop(m, script);
        return NULL;
    }
    c->mock = m;
    c->leg = leg;
    c->call = call;
    c->script = script;
    c->signalled = settings->signalled;
    c->streamed = settings->streamed;
    c->called_back = settings->called_back;
    c->seed = (uint32_t)leg | 1u;
    memcpy(c->tts, settings->tts, sizeof c->tts);
    memcpy(c->voice_name, settings->voice, sizeof c->voice_name);
    if (script) {
        c->scripted = 1;
        mock_run_begin(&c->run, script, settings->patience_us, m->host->now_us(m->host));
    }
    c->timer = m->host->timer_start(m->host, leg, 0, on_tick, c);
    if (c->timer == 0) {
        mock_script_drop(m, script);
        free(c);
        return NULL;
    }
    return c;
}

void mock_caller_free(struct mock_caller *c)
{
    if (!c)
        return;
    struct mock *m = c->mock;
    if (c->timer)
        (void)m->host->timer_cancel(m->host, c->timer);
    if (c->scripted) {
        int ok = mock_run_cut(&c->run);
        if (!ok)
            emit_failed(c);
        emit_done(c, ok);
    }
    utterance_drop(c->voice);
    mock_run_end(&c->run);
    mock_script_drop(m, c->script);
    free(c);
}
