#include "talk_fake.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "media/g711.h"
#include "media/wav.h"
#include "talk/engine.h"

/* ---- a timer that frees itself ---- */

struct later {
    struct vgw_timer timer;
    uint64_t handle;
    struct vgw_engine_message m;
    char text[512], text2[256];
    int16_t pcm[1600];
    struct fake_engine *e;
    uint64_t mark;
};

static void later_run(void *arg)
{
    struct later *l = arg;
    l->m.text = l->text[0] || l->m.kind == VGW_MSG_RESULT ? l->text : NULL;
    l->m.text2 = l->text2[0] ? l->text2 : NULL;
    l->m.payload = (uint8_t *)l->pcm;
    vgw_engine_post(l->handle, &l->m);
    if (l->m.kind == VGW_MSG_CLOSED)
        l->e->closed++;
    free(l);
}

static struct later *later_new(struct fake_engine *e, uint64_t handle, enum vgw_engine_message_kind kind)
{
    struct later *l = calloc(1, sizeof *l);
    l->e = e;
    l->handle = handle;
    l->m.kind = kind;
    l->m.number = -1;
    vgw_timer_init(&l->timer, e->f->worker, later_run, l);
    return l;
}

static void say_later(struct fake_engine *e, uint64_t handle, enum vgw_engine_message_kind kind, uint64_t utterance,
                      const char *text, int64_t us)
{
    struct later *l = later_new(e, handle, kind);
    l->m.utterance = utterance;
    vgw_strcopy(l->text, sizeof l->text, text ? text : "");
    vgw_timer_start(&l->timer, us);
}

/* ---- streams of engines ---- */

struct stream {
    struct fake_engine *e;
    uint64_t handle, utterance;
    int64_t busy_until_us; /* voices speak in order */
    uint64_t generation;   /* grows with each cancel */
    bool closed;
    uint64_t aligned; /* of a synthesis: the utterance that the next two count */
    uint32_t characters;
    uint64_t samples;
};

static struct stream *stream_new(struct fake_engine *e, uint64_t handle)
{
    struct stream *s = calloc(1, sizeof *s);
    s->e = e;
    s->handle = handle;
    e->opened++;
    e->last_handle = handle;
    return s;
}

static void stream_close(void *stream)
{
    struct stream *s = stream;
    cr_assert_not(s->closed, "a stream is closed once");
    s->closed = true;
    if (s->e->no_close)
        s->e->closed++; /* never says so */
    else
        say_later(s->e, s->handle, VGW_MSG_CLOSED, 0, NULL, 1000);
    free(s);
}

/* ---- recognition ---- */

static int32_t stt_open(void *instance, uint64_t handle, const struct voicegw_stt_params *params, void **ret_stream,
                        uint32_t *ret_format)
{
    struct fake_engine *e = instance;
    if (e->refuse_open)
        return VOICEGW_ENETWORK;
    *ret_stream = stream_new(e, handle);
    *ret_format = 0;
    if (e->breaks_us) {
        struct later *l = later_new(e, handle, VGW_MSG_ERROR);
        l->m.flag = 1;
        l->m.status = VGW_ENETWORK;
        vgw_timer_start(&l->timer, e->breaks_us);
    }
    return 0;
}

static int32_t stt_push(void *stream, const struct voicegw_frame *frame)
{
    ((struct stream *)stream)->e->pushed += frame->samples;
    return 0;
}

static int32_t stt_speech(void *stream, uint64_t utterance, uint32_t started, uint64_t sample)
{
    struct stream *s = stream;
    if (started && s->utterance != utterance && s->e->partial) {
        struct later *l = later_new(s->e, s->handle, VGW_MSG_RESULT);
        l->m.utterance = utterance;
        vgw_strcopy(l->text, sizeof l->text, s->e->partial);
        vgw_timer_start(&l->timer, 200 * MS);
    }
    s->utterance = utterance;
    return 0;
}

static int32_t stt_finalize(void *stream, uint64_t utterance)
{
    struct stream *s = stream;
    struct fake_engine *e = s->e;
    e->finalized++;
    const char *said = e->says[e->say_at] ? e->says[e->say_at++] : e->said ? e->said : "";
    struct later *l;
    if (e->tail) {
        l = later_new(e, s->handle, VGW_MSG_RESULT);
        l->m.utterance = utterance;
        vgw_strcopy(l->text, sizeof l->text, e->tail);
        vgw_timer_start(&l->timer, e->final_us / 2);
    }
    if (e->no_final)
        return 0;
    l = later_new(e, s->handle, e->fail_on_final ? VGW_MSG_ERROR : VGW_MSG_RESULT);
    l->m.flag = 1;
    l->m.utterance = utterance;
    l->m.number = 0.9;
    l->m.status = VGW_ENETWORK;
    vgw_strcopy(l->text, sizeof l->text, said);
    vgw_timer_start(&l->timer, e->final_us);
    return 0;
}

static int32_t stt_update(void *stream, const char *hints_json, const char *language)
{
    struct stream *s = stream;
    s->e->hinted++;
    vgw_strcopy(s->e->hints, sizeof s->e->hints, hints_json ? hints_json : "");
    return 0;
}

const struct voicegw_stt fake_stt = {.size = sizeof fake_stt,
                                     .open = stt_open,
                                     .push = stt_push,
                                     .speech = stt_speech,
                                     .finalize = stt_finalize,
                                     .update = stt_update,
                                     .close = stream_close};
const struct voicegw_stt fake_stt_ends = {.size = sizeof fake_stt_ends,
                                          .endpoints = 1,
                                          .open = stt_open,
                                          .push = stt_push,
                                          .speech = stt_speech,
                                          .finalize = stt_finalize,
                                          .update = stt_update,
                                          .close = stream_close};

/* ---- synthesis ---- */

static int32_t tts_open(void *instance, uint64_t handle, const struct voicegw_tts_params *params, void **ret_stream,
                        uint32_t *ret_format)
{
    struct fake_engine *e = instance;
    if (e->refuse_open)
        return VOICEGW_ENETWORK;
    *ret_stream = stream_new(e, handle);
    *ret_format = 0;
    return 0;
}

static int32_t tts_speak(void *stream, uint64_t utterance, const char *text, uint32_t flags)
{
    struct stream *s = stream;
    struct fake_engine *e = s->e;
    int64_t now = vgw_now(e->f->worker);
    int64_t at = (s->busy_until_us > now ? s->busy_until_us : now + e->byte_us);
    size_t have = strlen(e->spoken);
    vgw_strcopy(e->spoken + have, sizeof e->spoken - have, text);
    if (e->fail_on_speak) {
        struct later *l = later_new(e, s->handle, VGW_MSG_ERROR);
        l->m.flag = 1;
        l->m.status = VGW_EPROVIDER;
        vgw_strcopy(l->text, sizeof l->text, "the voice broke");
        vgw_timer_start(&l->timer, e->byte_us);
        return 0;
    }
    if (e->mute_voice)
        return 0;
    uint32_t ms = (uint32_t)strlen(text) * e->ms_a_char;
    bool falls_silent = e->falls_silent && ms > e->falls_silent;
    ms = falls_silent ? e->falls_silent : ms;
    for (uint32_t done = 0; done < ms; done += 200) {
        uint32_t part = ms - done < 200 ? ms - done : 200;
        struct later *l = later_new(e, s->handle, VGW_MSG_AUDIO);
        l->m.utterance = utterance;
        l->m.encoding = VGW_L16;
        l->m.rate_hz = 8000;
        l->m.samples = part * 8;
        l->m.bytes = l->m.samples * 2;
        for (size_t i = 0; i < l->m.samples; i++)
            l->pcm[i] = (int16_t)(4000 * sin(0.05 * (double)i));
        vgw_timer_start_at(&l->timer, at);
        e->made_ms += part;
        at += 1000;
    }
    if (e->align) { /* by whole texts, as a voice that speaks sentence by sentence */
        struct later *l = later_new(e, s->handle, VGW_MSG_ALIGN);
        bool same = s->aligned == utterance;
        s->aligned = utterance;
        s->characters = (same ? s->characters : 0) + (uint32_t)strlen(text);
        s->samples = (same ? s->samples : 0) + (uint64_t)ms * 8;
        l->m.utterance = utterance;
        l->m.a = s->characters;
        l->m.b = (int64_t)s->samples;
        vgw_timer_start_at(&l->timer, at);
        at += 1000;
    }
    if ((flags & VOICEGW_SPEAK_LAST) && !falls_silent) {
        struct later *l = later_new(e, s->handle, VGW_MSG_DONE);
        l->m.utterance = utterance;
        vgw_timer_start_at(&l->timer, at);
    }
    s->busy_until_us = at;
    return 0;
}

static int32_t tts_flush(void *stream)
{
    return 0;
}

static int32_t tts_cancel(void *stream)
{
    struct stream *s = stream;
    s->e->cancelled++;
    s->busy_until_us = 0;
    return 0;
}

static int32_t tts_credit(void *stream, uint32_t ms)
{
    ((struct stream *)stream)->e->credit_ms += ms;
    return 0;
}

const struct voicegw_tts fake_tts = {.size = sizeof fake_tts,
                                     .open = tts_open,
                                     .speak = tts_speak,
                                     .flush = tts_flush,
                                     .cancel = tts_cancel,
                                     .credit = tts_credit,
                                     .close = stream_close};

/* ---- assistants ---- */

static int32_t assistant_open(void *instance, uint64_t handle, const struct voicegw_assistant_params *params,
                              void **ret_session)
{
    struct fake_engine *e = instance;
    if (e->refuse_open)
        return VOICEGW_ENETWORK;
    vgw_strcopy(e->history, sizeof e->history, params->history_json ? params->history_json : "");
    *ret_session = stream_new(e, handle);
    return 0;
}

static int32_t assistant_turn(void *session, const struct voicegw_turn *turn)
{
    struct stream *s = session;
    struct fake_engine *e = s->e;
    int n = e->turns < 63 ? e->turns : 63;
    e->turns++;
    e->last_turn = turn->turn;
    e->turn_flags[n] = turn->flags;
    vgw_strcopy(e->turn_text[n], sizeof e->turn_text[n], turn->text);
    if (turn->flags & VOICEGW_TURN_START) {
        say_later(e, s->handle, VGW_MSG_TURN_DONE, turn->turn, NULL, 0);
        return 0;
    }
    if (e->turn_fails) {
        struct later *l = later_new(e, s->handle, VGW_MSG_TURN_DONE);
        l->m.utterance = turn->turn;
        l->m.status = e->turn_fails;
        vgw_timer_start(&l->timer, e->answer_us);
        return 0;
    }
    if (e->no_answer)
        return 0;
    if (e->answer)
        say_later(e, s->handle, VGW_MSG_DELTA, turn->turn, e->answer, e->answer_us);
    if (e->action) {
        struct later *l = later_new(e, s->handle, VGW_MSG_ACTION);
        l->m.utterance = turn->turn;
        vgw_strcopy(l->text, sizeof l->text, e->action);
        vgw_strcopy(l->text2, sizeof l->text2, e->action_params ? e->action_params : "");
        vgw_timer_start(&l->timer, e->answer_us + 1000);
    }
    if (!e->no_done)
        say_later(e, s->handle, VGW_MSG_TURN_DONE, turn->turn, NULL, e->answer_us + e->done_us + 2000);
    return 0;
}

static int32_t assistant_dtmf(void *session, const char *digit)
{
    struct stream *s = session;
    size_t n = strlen(s->e->digits);
    if (n + 1 < sizeof s->e->digits)
        s->e->digits[n] = digit[0];
    return s->e->dtmf_takes-- > 0 ? 1 : 0;
}

static int32_t assistant_interrupt(void *session, uint64_t turn, const char *heard_text, uint32_t heard_ms)
{
    struct stream *s = session;
    s->e->interrupts++;
    vgw_strcopy(s->e->interrupted, sizeof s->e->interrupted, heard_text);
    s->e->interrupted_ms = heard_ms;
    return 0;
}

static int32_t assistant_tool_result(void *session, uint64_t tool_call, int32_t status, const char *result_json)
{
    struct fake_engine *e = ((struct stream *)session)->e;
    snprintf(e->tool_result, sizeof e->tool_result, "%d %d %s", (int)tool_call, status, result_json);
    e->tool_results++;
    return 0;
}

const struct voicegw_assistant fake_assistant = {.size = sizeof fake_assistant,
                                                 .open = assistant_open,
                                                 .turn = assistant_turn,
                                                 .dtmf = assistant_dtmf,
                                                 .interrupt = assistant_interrupt,
                                                 .tool_result = assistant_tool_result,
                                                 .close = stream_close};

static int32_t audio_open(void *instance, uint64_t handle, const struct voicegw_assistant_params *params,
                          const struct voicegw_audio_format *formats, uint32_t count, void **ret_session,
                          uint32_t *ret_format)
{
    *ret_format = 0;
    return assistant_open(instance, handle, params, ret_session);
}

static int32_t audio_back(void *session, const struct voicegw_frame *frame)
{
    struct stream *s = session;
    struct vgw_engine_message m = {.kind = VGW_MSG_AUDIO};
    cr_assert(vgw_engine_frame(&m, frame));
    return vgw_engine_post_now(s->handle, &m);
}

static int32_t audio_drop(void *session, const struct voicegw_frame *frame)
{
    return 0;
}

static int32_t audio_truncated(void *session, const char *item, uint32_t heard_ms)
{
    struct stream *s = session;
    vgw_strcopy(s->e->truncated, sizeof s->e->truncated, item);
    s->e->interrupted_ms = heard_ms;
    return 0;
}

const struct voicegw_assistant_audio fake_loopback = {.size = sizeof fake_loopback,
                                                      .flags =
                                                          VOICEGW_ASSISTANT_AUDIO_PACED | VOICEGW_ASSISTANT_AUDIO_TURNS,
                                                      .open = audio_open,
                                                      .audio = audio_back,
                                                      .close = stream_close};
const struct voicegw_assistant_audio fake_live = {.size = sizeof fake_live,
                                                  .open = audio_open,
                                                  .audio = audio_drop,
                                                  .truncated = audio_truncated,
                                                  .close = stream_close};

/* ---- the provider ---- */

static void format_up(void *arg)
{
    struct fake *f = arg;
    struct voicegw_audio_format format = {sizeof format, f->encoding, f->rate, 20};
    vgw_leg_on_format(f->leg, &format);
}

static int32_t media_attach(void *instance, uint64_t leg, uint64_t call, const struct voicegw_audio_format *formats,
                            uint32_t count, void **ret_stream)
{
    struct fake *f = instance;
    if (f->refuse_attach)
        return VOICEGW_EPROVIDER;
    f->leg = leg;
    f->attached++;
    *ret_stream = f;
    if (f->up_on_attach)
        format_up(f);
    return 0;
}

static int32_t media_send(void *stream, const struct voicegw_frame *frame)
{
    struct fake *f = stream;
    if (f->busy_frames > 0) {
        f->busy_frames--;
        return VOICEGW_EBUSY;
    }
    int64_t now = vgw_now(f->worker);
    f->sent++;
    f->sent_bytes += frame->bytes;
    f->low_epoch += frame->epoch < f->epoch;
    f->last_send_us = now;
    memcpy(f->last_frame, frame->data, frame->bytes < sizeof f->last_frame ? frame->bytes : sizeof f->last_frame);
    bool loud = false;
    for (uint32_t i = 0; i < frame->bytes && frame->encoding == VOICEGW_AUDIO_PCMU; i++)
        loud = loud || ((((const uint8_t *)frame->data)[i] & 0x7f) < 0x60);
    if (loud) {
        f->loud++;
        f->last_loud_us = now;
    }
    return 0;
}

static int32_t media_clear(void *stream, uint32_t epoch)
{
    struct fake *f = stream;
    f->clears++;
    cr_assert_gt(epoch, f->epoch, "epochs rise");
    f->epoch = epoch;
    while (f->held_marks > 0) /* they come back at once, from inside */
        vgw_leg_on_mark(f->leg, f->held_mark[--f->held_marks], false);
    return 0;
}

static void mark_heard(void *arg)
{
    struct later *l = arg;
    struct fake *f = l->e->f;
    for (int i = 0; i < f->held_marks; i++)
        if (f->held_mark[i] == l->mark) {
            f->held_mark[i] = f->held_mark[--f->held_marks];
            vgw_leg_on_mark(f->leg, l->mark, true);
            break;
        }
    free(l);
}

static int32_t media_mark(void *stream, uint64_t mark)
{
    struct fake *f = stream;
    f->marks++;
    if (f->no_marks)
        return 0;
    if (f->held_marks == 64)
        return VOICEGW_ELIMIT;
    f->held_mark[f->held_marks++] = mark;
    struct later *l = later_new(&f->stt[0], 0, VGW_MSG_USAGE);
    l->mark = mark;
    vgw_timer_init(&l->timer, f->worker, mark_heard, l);
    vgw_timer_start(&l->timer, f->mark_us);
    return 0;
}

static void media_detach(void *stream)
{
    struct fake *f = stream;
    f->detached++;
    vgw_timer_stop(&f->line_timer);
    f->hung_up = true;
    if (!f->no_detach)
        vgw_leg_on_detached(f->leg);
}

/* ---- the caller: a frame each 20 ms ---- */

static void on_line(void *arg)
{
    struct fake *f = arg;
    static const int16_t quiet[160];
    uint8_t wire[320];
    if (f->hung_up)
        return;
    vgw_timer_start(&f->line_timer, 20 * MS);
    if (f->line_dead)
        return;
    bool loud = f->line && f->line_left >= 160;
    const int16_t *pcm = loud ? f->line : quiet;
    bool linear = f->encoding == VOICEGW_AUDIO_L16;
    if (linear)
        memcpy(wire, pcm, 320);
    else
        vgw_encoding_encode(f->encoding == VOICEGW_AUDIO_PCMU ? VGW_PCMU : VGW_PCMA, pcm, 160, wire);
    struct voicegw_frame frame = {.size = sizeof frame,
                                  .encoding = f->encoding,
                                  .rate = f->rate,
                                  .timestamp = f->line_at,
                                  .data = wire,
                                  .bytes = linear ? 320 : 160,
                                  .samples = 160};
    vgw_leg_on_frame(f->leg, &frame);
    f->line_at += 160;
    if (loud) {
        f->line += 160;
        f->line_left -= 160;
    }
}

static int16_t *voice; /* ten seconds of speech without pauses */
static size_t voice_samples;

static void voice_load(void)
{
    if (voice)
        return;
    static const char *const clips[] = {"rms-1", "slt-2", "awb-1", "kal16-2"};
    voice = calloc(4 * 60000, sizeof *voice);
    for (size_t c = 0; c < 4; c++) {
        char path[64];
        uint8_t wire[60000];
        snprintf(path, sizeof path, "tests/media/set/%s.ul", clips[c]);
        FILE *file = fopen(path, "rb");
        cr_assert_not_null(file, "%s: run from the root of the tree", path);
        size_t n = fread(wire, 1, sizeof wire, file);
        fclose(file);
        int16_t pcm[60000];
        vgw_encoding_decode(VGW_PCMU, wire, n, pcm);
        for (size_t i = 0; i + 160 <= n; i += 160) { /* pauses are left out */
            long long sum = 0;
            for (size_t k = 0; k < 160; k++)
                sum += (long long)pcm[i + k] * pcm[i + k];
            if (sum / 160 > 90000) {
                memcpy(voice + voice_samples, pcm + i, 160 * sizeof *pcm);
                voice_samples += 160;
            }
        }
    }
}

void fake_speak(struct fake *f, uint32_t ms)
{
    voice_load();
    f->line_left = (size_t)ms * 8 < voice_samples ? (size_t)ms * 8 : voice_samples;
    f->line = voice;
}

void fake_silence(struct fake *f)
{
    f->line_left = 0;
}

/* ---- control ---- */

static void note(struct fake *f, const char *what, const char *type, uint64_t op, int status, struct vgw_json *json)
{
    cr_assert_eq(f->gone, 0, "gone is last; then came %s %s", what, type ? type : "");
    if (f->note_count == FAKE_NOTES) {
        vgw_json_free(json);
        return;
    }
    struct fake_note *n = &f->notes[f->note_count++];
    n->at_us = vgw_now(f->control);
    vgw_strcopy(n->what, sizeof n->what, what);
    vgw_strcopy(n->type, sizeof n->type, type ? type : "");
    n->json = json;
    n->op = op;
    n->status = status;
}

static void home_up(void *arg, uint64_t call)
{
    ((struct fake *)arg)->ups++;
    note(arg, "up", NULL, 0, 0, NULL);
}
static void home_activity(void *arg, uint64_t call) {}
static void home_lost(void *arg, uint64_t call, const char *sentence)
{
    ((struct fake *)arg)->losts++;
    note(arg, "lost", sentence, 0, 0, NULL);
}
static void home_event(void *arg, uint64_t call, const char *type, struct vgw_json *data)
{
    note(arg, "event", type, 0, 0, data);
}
static void home_turn(void *arg, uint64_t call, struct vgw_json *turn)
{
    note(arg, "turn", vgw_json_get_string(turn, "role", ""), 0, 0, turn);
}
static void home_complete(void *arg, uint64_t op, int status, const char *sentence, struct vgw_json *result)
{
    struct fake *f = arg;
    cr_assert_lt(op, FAKE_OPS);
    f->ops_done[op]++;
    cr_assert_eq(f->ops_done[op], 1, "op %d completes once", (int)op);
    note(f, "complete", sentence, op, status, result);
}
static void home_action(void *arg, uint64_t call, const char *action, struct vgw_json *params)
{
    note(arg, "action", action, 0, 0, params);
}
static void home_tool(void *arg, uint64_t call, uint64_t turn, uint64_t by, uint64_t tool_call, const char *name,
                      struct vgw_json *arguments)
{
    struct fake *f = arg;
    f->tool_by = by;
    note(arg, "tool", name, tool_call, 0, arguments);
}
static void home_release(void *arg, void *ref)
{
    struct fake *f = arg;
    struct fake_engine *e = ref;
    f->released++;
    size_t n = strlen(f->released_names);
    snprintf(f->released_names + n, sizeof f->released_names - n, "%s ", e->name);
}
static void home_summary(void *arg, uint64_t call, uint64_t number, const char *text)
{
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "text", text);
    note(arg, "summary", NULL, number, 0, o);
}
static void home_gone(void *arg, uint64_t call, struct vgw_json *summary)
{
    struct fake *f = arg;
    f->gone++;
    cr_assert_eq(f->gone, 1);
    f->summary = summary;
}

struct fake *fake_new(uint64_t seed)
{
    static const char *const names[3][3] = {
        {"stt0", "stt1", "stt2"}, {"tts0", "tts1", "tts2"}, {"bot0", "bot1", "bot2"}};
    struct fake *f = calloc(1, sizeof *f);
    f->d = vgw_driver_new(seed, 0);
    f->control = vgw_driver_loop(f->d, "control");
    f->worker = vgw_driver_loop(f->d, "worker");
    vgw_pool_new(0, f->d, &f->pool, NULL);
    vgw_rng_seed(&f->rng, seed);
    f->encoding = VOICEGW_AUDIO_PCMU;
    f->rate = 8000;
    f->mark_us = 60 * MS;
    f->next_op = 1;
    f->media = (struct voicegw_provider_media){.size = sizeof f->media,
                                               .far_queue = 1,
                                               .attach = media_attach,
                                               .send = media_send,
                                               .clear = media_clear,
                                               .mark = media_mark,
                                               .detach = media_detach};
    struct fake_engine *sets[] = {f->stt, f->tts, f->assistant};
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < FAKE_ENGINES; i++)
            sets[k][i] = (struct fake_engine){.f = f,
                                              .name = names[k][i],
                                              .final_us = 100 * MS,
                                              .byte_us = 80 * MS,
                                              .ms_a_char = 50,
                                              .answer_us = 200 * MS};
    f->home =
        (struct vgw_talk_home){f,           home_up,   home_activity, home_lost, home_event,  home_turn, home_complete,
                               home_action, home_tool, home_release,  home_gone, home_summary};
    vgw_timer_init(&f->line_timer, f->worker, on_line, f);
    struct vgw_talk_params p = {.control = f->control,
                                .worker = f->worker,
                                .pool = f->pool,
                                .call = 77,
                                .media = &f->media,
                                .media_instance = f,
                                .session = "s",
                                .call_id = "c",
                                .provider = "p",
                                .home = &f->home,
                                .silence_timeout_us = 60 * S};
    cr_assert_eq(vgw_talk_new(&p, &f->talk, &f->leg, NULL), 0);
    return f;
}

void fake_engine_of(struct fake *f, struct fake_engine *e, struct vgw_engine *out)
{
    *out = (struct vgw_engine){.ref = e, .instance = e, .health = e->health, .failover_after_us = e->failover_us};
    f->given++;
    vgw_strcopy(out->name, sizeof out->name, e->name);
    if (e >= f->stt && e < f->stt + FAKE_ENGINES)
        out->stt = e->own_ends ? &fake_stt_ends : &fake_stt;
    else if (e >= f->tts && e < f->tts + FAKE_ENGINES)
        out->tts = &fake_tts;
    else if (e->audio_flags == 1)
        out->audio = &fake_loopback;
    else if (e->audio_flags)
        out->audio = &fake_live;
    else
        out->assistant = &fake_assistant;
}

void fake_begin(struct fake *f, uint32_t stt, uint32_t tts, bool assistant, const char *greeting, const char *talk)
{
    struct vgw_talk_begin *b = vgw_talk_begin_new();
    struct vgw_json *options = NULL;
    if (talk)
        cr_assert_eq(vgw_json_parse(talk, strlen(talk), &options, NULL), 0);
    struct vgw_error err = {0};
    cr_assert_eq(vgw_talk_options_apply(&b->options, options, &err), 0, "%s", err.text);
    vgw_json_free(options);
    b->greeting = vgw_strdup(greeting);
    b->has_assistant = assistant;
    for (b->stt_count = 0; b->stt_count < stt; b->stt_count++)
        fake_engine_of(f, &f->stt[b->stt_count], &b->stt[b->stt_count]);
    for (b->tts_count = 0; b->tts_count < tts; b->tts_count++)
        fake_engine_of(f, &f->tts[b->tts_count], &b->tts[b->tts_count]);
    if (assistant)
        fake_engine_of(f, &f->assistant[0], &b->assistant);
    if (f->stand_ins)
        b->stand_ins = vgw_calloc(VGW_TALK_ENGINES_MAX, sizeof *b->stand_ins);
    for (; b->stand_in_count < f->stand_ins; b->stand_in_count++)
        fake_engine_of(f, &f->assistant[1 + b->stand_in_count], &b->stand_ins[b->stand_in_count]);
    if (f->shadow && (b->shadow = vgw_calloc(1, sizeof *b->shadow)))
        fake_engine_of(f, &f->stt[2], b->shadow);
    vgw_driver_settle(f->d);
    if (!f->up_on_attach)
        format_up(f);
    vgw_timer_start(&f->line_timer, 0);
    cr_assert_eq(vgw_talk_begin(f->talk, b), 0);
    vgw_driver_settle(f->d);
}

void fake_run(struct fake *f, int64_t us)
{
    vgw_driver_run(f->d, us);
}

uint64_t fake_command(struct fake *f, const char *command, const char *params_json)
{
    struct vgw_json *params = NULL;
    struct vgw_error err = {0};
    if (params_json)
        cr_assert_eq(vgw_json_parse(params_json, strlen(params_json), &params, NULL), 0, "%s", params_json);
    uint64_t op = f->next_op++;
    cr_assert_eq(vgw_talk_command(f->talk, op, command, params, NULL, &err), 0, "%s", err.text);
    vgw_json_free(params);
    vgw_driver_settle(f->d);
    return op;
}

void fake_digit(struct fake *f, char digit)
{
    char text[2] = {digit, 0};
    vgw_leg_on_dtmf(f->leg, text, 100, "signalled");
    vgw_driver_settle(f->d);
}

static bool matches(const struct fake_note *n, const char *what, const char *type)
{
    return strcmp(n->what, what) == 0 && (!type || strcmp(n->type, type) == 0);
}

size_t fake_count(const struct fake *f, const char *what, const char *type)
{
    size_t count = 0;
    for (size_t i = 0; i < f->note_count; i++)
        count += matches(&f->notes[i], what, type);
    return count;
}

const struct fake_note *fake_note(const struct fake *f, const char *what, const char *type, int n)
{
    const struct fake_note *last = NULL;
    int seen = 0;
    for (size_t i = 0; i < f->note_count; i++) {
        if (!matches(&f->notes[i], what, type))
            continue;
        last = &f->notes[i];
        if (seen++ == n)
            return last;
    }
    return n < 0 ? last : NULL;
}

const char *fake_text(const struct fake_note *n, const char *key)
{
    cr_assert_not_null(n);
    return vgw_json_get_string(n->json, key, "");
}

const struct fake_note *fake_done(const struct fake *f, uint64_t op)
{
    for (size_t i = 0; i < f->note_count; i++)
        if (matches(&f->notes[i], "complete", NULL) && f->notes[i].op == op)
            return &f->notes[i];
    return NULL;
}

void fake_end(struct fake *f)
{
    if (!f->gone)
        vgw_talk_end(f->talk);
    fake_run(f, 4 * S);
    cr_assert_eq(f->gone, 1);
    cr_assert_eq(f->attached, f->detached);
    for (uint64_t op = 1; op < f->next_op; op++)
        cr_assert_eq(f->ops_done[op], 1, "op %d", (int)op);
    for (int i = 0; i < FAKE_ENGINES; i++) {
        cr_assert_eq(f->stt[i].opened, f->stt[i].closed, "%s", f->stt[i].name);
        cr_assert_eq(f->tts[i].opened, f->tts[i].closed, "%s", f->tts[i].name);
        cr_assert_eq(f->assistant[i].opened, f->assistant[i].closed, "%s", f->assistant[i].name);
    }
    cr_assert_eq(f->released, f->given, "each reference to an engine goes back once");
    cr_assert_eq(f->low_epoch, 0, "no frame of a cleared epoch left");
    for (int kind = VGW_HANDLE_LEG; kind <= VGW_HANDLE_ASSISTANT; kind++)
        cr_assert_eq(vgw_handle_count((enum vgw_handle_kind)kind), 0, "handles of kind %d are left", kind);
}

void fake_free(struct fake *f)
{
    fake_run(f, 30 * S); /* what engines still had to say */
    for (size_t i = 0; i < f->note_count; i++)
        vgw_json_free(f->notes[i].json);
    vgw_json_free(f->summary);
    vgw_pool_free(f->pool);
    vgw_loop_free(f->worker);
    vgw_loop_free(f->control);
    vgw_driver_free(f->d);
    free(f);
}

void fake_wav(const char *path, uint32_t rate_hz, size_t samples, int16_t value)
{
    uint8_t header[VGW_WAV_HEADER_MAX];
    size_t n = vgw_wav_header(VGW_L16, rate_hz, 1, samples * 2, header);
    FILE *file = fopen(path, "wb");
    fwrite(header, 1, n, file);
    for (size_t i = 0; i < samples; i++)
        fwrite(&value, 2, 1, file);
    fclose(file);
}
