/* speak.c - our side: utterances in order, from text through synthesis (or from a file) into the leg's queue, and what was heard of them. */
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "media/clip.h"
#include "talk/talk_private.h"
#include "talk/text.h"

#define PUSH_MS 100 /* audio goes into the queue in pieces of this length */

static struct vgw_speech *speech_find(struct vgw_talk *t, uint64_t utterance)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &t->speeches) {
        struct vgw_speech *s = VGW_CONTAINER_OF(at, struct vgw_speech, link);
        if (s->utterance == utterance)
            return s;
    }
    return NULL;
}

static void speech_free(struct vgw_talk *t, struct vgw_speech *s)
{
    vgw_list_remove(&s->link);
    t->speech_count--;
    vgw_buf_done(&s->text);
    vgw_buf_done(&s->pending);
    vgw_free(s);
}

bool vgw_talk_speaking(const struct vgw_talk *t)
{
    return !vgw_list_empty(&t->speeches);
}

/* ---- voices ---- */

static void on_tts(void *owner, struct vgw_engine_stream *stream, const struct vgw_engine_message *m);

static int voice_try(struct vgw_talk *t, struct vgw_tts_stream *v, struct vgw_error *err)
{
    struct voicegw_audio_format formats[] = {
        {sizeof formats[0], VOICEGW_AUDIO_L16, vgw_leg_rate_hz(t->leg), 20}, {sizeof formats[0], VOICEGW_AUDIO_PCMU, 8000, 20},
        {sizeof formats[0], VOICEGW_AUDIO_PCMA, 8000, 20},                   {sizeof formats[0], VOICEGW_AUDIO_L16, 8000, 20},
        {sizeof formats[0], VOICEGW_AUDIO_L16, 16000, 20},                   {sizeof formats[0], VOICEGW_AUDIO_L16, 24000, 20},
    };
    for (; v->engine_index < t->cfg->tts_count; v->engine_index++) {
        const struct vgw_engine *engine = &t->cfg->tts[v->engine_index];
        struct voicegw_tts_params params = {
            .size = sizeof params, .formats = formats, .format_count = 6, .voice = v->voice, .language = v->language};
        uint32_t chosen;
        if (!engine->tts || vgw_engine_stream_init(&v->es, VGW_HANDLE_TTS, t->worker, on_tts, t) < 0)
            continue;
        v->es.engine = engine;
        if (engine->tts->open(engine->instance, v->es.handle, &params, &v->es.s, &chosen) == 0) {
            v->es.open = true;
            return 0;
        }
        vgw_engine_stream_drop(&v->es);
        vgw_log(VGW_LOG_ERROR, &t->scope, "the speech synthesis could not be opened", "tts", engine->name, NULL);
    }
    return vgw_error_set(err, VGW_EUNSUPPORTED, "no tts could speak language '%s': name one under `tts:` and in the route", v->language);
}

static struct vgw_tts_stream *voice_new(struct vgw_talk *t, size_t slot, const char *voice, const char *language, struct vgw_error *err)
{
    struct vgw_tts_stream *v;
    if (!VGW_NEW(v)) {
        vgw_error_nomem(err);
        return NULL;
    }
    v->talk = t;
    vgw_strcopy(v->voice, sizeof v->voice, voice);
    vgw_strcopy(v->language, sizeof v->language, language);
    if (voice_try(t, v, err) < 0) {
        vgw_free(v);
        return NULL;
    }
    t->voices[slot] = v;
    return v;
}

static bool voice_in_use(struct vgw_talk *t, const struct vgw_tts_stream *v)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &t->speeches)
        if (VGW_CONTAINER_OF(at, struct vgw_speech, link)->voice == v)
            return true;
    return false;
}

static struct vgw_tts_stream *voice_get(struct vgw_talk *t, const char *voice, const char *language, struct vgw_error *err)
{
    const char *name = voice && voice[0] ? voice : t->cfg->voice ? t->cfg->voice : "";
    const char *lang = language && language[0] ? language : t->cfg->language;
    size_t free_slot = VGW_TALK_VOICES;
    for (size_t i = 0; i < VGW_TALK_VOICES; i++) {
        struct vgw_tts_stream *v = t->voices[i];
        if (!v) {
            free_slot = i;
        } else if (v->es.open && vgw_streq(v->voice, name) && vgw_streq(v->language, lang)) {
            v->used_us = vgw_now(t->worker);
            return v;
        }
    }
    for (size_t i = 0; i < VGW_TALK_VOICES && free_slot == VGW_TALK_VOICES; i++)
        if (t->voices[i]->es.open && !voice_in_use(t, t->voices[i])) { /* closes in its own time; its slot is free once it says so */
            t->voices[i]->es.open = false;
            t->voices[i]->es.engine->tts->close(t->voices[i]->es.s);
            break;
        }
    if (free_slot == VGW_TALK_VOICES) {
        vgw_error_set(err, VGW_EBUSY, "a call speaks with at most %d voices at a time; try again in a moment", VGW_TALK_VOICES);
        return NULL;
    }
    struct vgw_tts_stream *v = voice_new(t, free_slot, name, lang, err);
    if (v)
        v->used_us = vgw_now(t->worker);
    return v;
}

/* ---- queueing ---- */

int vgw_speech_new(struct vgw_talk *t, enum vgw_speech_kind kind, uint64_t op, bool interruptible, const char *voice, const char *language,
                   struct vgw_speech **ret_speech, struct vgw_error *err)
{
    struct vgw_speech *s;
    struct vgw_tts_stream *v = NULL;
    if (t->speech_count >= VGW_TALK_SPEECHES)
        return vgw_error_set(err, VGW_ELIMIT, "at most %d utterances may wait to be spoken on one call", VGW_TALK_SPEECHES);
    if (!vgw_leg_up(t->leg))
        return vgw_error_set(err, VGW_EBUSY, "the call has no media yet");
    if (kind != VGW_SPEECH_PLAY && !(v = voice_get(t, voice, language, err)))
        return err ? err->status : VGW_EUNSUPPORTED;
    if (!VGW_NEW(s))
        return vgw_error_nomem(err);
    *s = (struct vgw_speech){.utterance = ++t->next_utterance, .kind = kind, .op = op, .interruptible = interruptible, .voice = v,
                             .encoding = VGW_L16, .rate_hz = vgw_leg_rate_hz(t->leg)};
    vgw_buf_init(&s->text, 64 * 1024);
    vgw_buf_init(&s->pending, (size_t)VGW_TALK_PENDING_MS * 48 * 2);
    vgw_list_append(&t->speeches, &s->link);
    t->speech_count++;
    vgw_timer_stop(&t->no_input_timer);
    *ret_speech = s;
    return 0;
}

/* Gives the synthesis what ends with a sentence; all of it once no more text follows. */
static void speech_synthesise(struct vgw_speech *s)
{
    const char *text = vgw_buf_str(&s->text) + s->spoken;
    size_t n = s->text_done ? strlen(text) : vgw_text_sentence(text);
    if (!n && !s->text_done)
        return;
    char *part = vgw_strndup(text, n);
    if (!part)
        return;
    s->spoken += n;
    const struct voicegw_tts *tts = s->voice->es.engine->tts;
    if (tts->speak(s->voice->es.s, s->utterance, part, s->text_done ? VOICEGW_SPEAK_LAST : 0) < 0)
        s->synth_done = true;
    vgw_free(part);
}

void vgw_speech_text(struct vgw_talk *t, struct vgw_speech *s, const char *text, bool last)
{
    if (s->text_done)
        return;
    vgw_buf_adds(&s->text, text);
    s->text_done = last;
    speech_synthesise(s);
    if (s->synth_done)
        vgw_talk_speak_pump(t);
}

void vgw_talk_prompt(struct vgw_talk *t, const char *text, uint64_t op, bool interruptible, enum vgw_speech_kind kind)
{
    struct vgw_speech *s;
    struct vgw_error err = {0};
    if (vgw_speech_new(t, kind, op, interruptible, NULL, NULL, &s, &err) < 0) {
        vgw_log(VGW_LOG_WARNING, &t->scope, "a prompt could not be spoken", "error", err.text, NULL);
        vgw_talk_complete(t, op, err.status, err.text, NULL);
        return;
    }
    vgw_speech_text(t, s, text, true);
}

/* ---- into the queue ---- */

/* An utterance is over: everything of it that was heard is known. */
static void speech_over(struct vgw_talk *t, struct vgw_speech *s, uint64_t heard_samples, bool complete)
{
    uint32_t heard_ms = (uint32_t)(heard_samples * 1000 / vgw_leg_rate_hz(t->leg));
    if (s->kind == VGW_SPEECH_ANSWER)
        vgw_talk_answer_heard(t, s, heard_samples, complete);
    if (s->op) {
        struct vgw_json *o = vgw_json_object();
        vgw_json_set_int(o, "heard_ms", heard_ms);
        vgw_json_set_bool(o, "interrupted", !complete);
        vgw_talk_complete(t, s->op, 0, NULL, o);
    }
    bool prompt = s->kind == VGW_SPEECH_PROMPT;
    speech_free(t, s);
    if (!vgw_list_empty(&t->speeches) || t->ending)
        return;
    vgw_talk_all_heard(t);
    if (prompt || t->gather.op)
        vgw_talk_gather_quiet(t);
    if (!t->thinking)
        vgw_talk_await_caller(t);
}

/* Moves waiting audio of one utterance into the queue. False: it is full. */
static bool speech_push(struct vgw_talk *t, struct vgw_speech *s)
{
    size_t bytes = vgw_encoding_bytes(s->encoding);
    size_t piece = VGW_SAMPLES(s->rate_hz, PUSH_MS), done = 0, total = s->pending.len / bytes;
    while (done < total) {
        size_t n = total - done < piece ? total - done : piece;
        int rc = vgw_leg_push(t->leg, s->utterance, s->encoding, s->rate_hz, s->pending.data + done * bytes, n);
        if (rc == VGW_EBUSY)
            break;
        done += n;
    }
    vgw_buf_consume(&s->pending, done * bytes);
    return done == total;
}

void vgw_talk_speak_pump(struct vgw_talk *t)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &t->speeches) {
        struct vgw_speech *s = VGW_CONTAINER_OF(at, struct vgw_speech, link);
        if (s->finished)
            continue;
        if (!s->begun && !s->pending.len && s->synth_done) { /* nothing to hear of it */
            speech_over(t, s, 0, true);
            vgw_talk_speak_pump(t);
            return;
        }
        if (!s->begun && !s->pending.len)
            return;
        if (!s->begun && vgw_leg_begin(t->leg, s->utterance) < 0)
            return;
        s->begun = true;
        if (!speech_push(t, s) || !s->synth_done)
            return;
        s->finished = true;
        vgw_leg_finish(t->leg, s->utterance);
    }
}

static void on_audio(struct vgw_talk *t, struct vgw_speech *s, const struct vgw_engine_message *m)
{
    if (!s->samples && s->kind == VGW_SPEECH_ANSWER && s->turn == t->turn && !t->times.first_byte_us)
        t->times.first_byte_us = vgw_now(t->worker);
    if (s->kind == VGW_SPEECH_ANSWER)
        vgw_timer_stop(&t->filler_timer);
    s->encoding = m->encoding;
    s->rate_hz = m->rate_hz;
    s->samples += m->samples;
    vgw_buf_add(&s->pending, m->payload, m->bytes);
    if (s->pending.failed) {
        vgw_metric_dropped("speech_pending");
        s->pending.failed = false;
    }
    vgw_talk_speak_pump(t);
}

static void tts_failed(struct vgw_talk *t, struct vgw_engine_stream *stream, const struct vgw_engine_message *m)
{
    vgw_log(VGW_LOG_ERROR, &t->scope, "speech synthesis failed", "tts", stream->engine->name, "error", m->text ? m->text : "", NULL);
    struct vgw_json *o = vgw_json_object();
    vgw_json_set_string(o, "error", m->text ? m->text : "speech synthesis failed");
    vgw_json_set_string(o, "error_class", vgw_status_info(m->status)->error_class);
    vgw_json_set_string(o, "where", stream->engine->name);
    vgw_json_set_bool(o, "retryable", vgw_status_info(m->status)->retryable);
    vgw_talk_event(t, "error", o);
    if (!m->flag)
        return;
    struct vgw_tts_stream *v = VGW_CONTAINER_OF(stream, struct vgw_tts_stream, es);
    stream->engine->tts->close(stream->s);
    vgw_engine_stream_drop(stream);
    v->engine_index++;
    bool again = voice_try(t, v, NULL) == 0;
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &t->speeches) { /* what was not begun is spoken by the next engine */
        struct vgw_speech *s = VGW_CONTAINER_OF(at, struct vgw_speech, link);
        if (s->voice != v || s->synth_done)
            continue;
        if (again && !s->samples) {
            s->spoken = 0;
            speech_synthesise(s);
        } else {
            s->synth_done = true;
        }
    }
    vgw_talk_speak_pump(t);
}

static void voice_closed(struct vgw_talk *t, struct vgw_engine_stream *stream)
{
    struct vgw_tts_stream *v = VGW_CONTAINER_OF(stream, struct vgw_tts_stream, es);
    bool closing = stream->closing;
    vgw_engine_stream_drop(stream);
    for (size_t i = 0; i < VGW_TALK_VOICES; i++)
        if (t->voices[i] == v) {
            t->voices[i] = NULL;
            vgw_free(v);
        }
    if (closing)
        vgw_talk_closed(t);
}

static void on_tts(void *owner, struct vgw_engine_stream *stream, const struct vgw_engine_message *m)
{
    struct vgw_talk *t = owner;
    if (m->kind == VGW_MSG_CLOSED) {
        voice_closed(t, stream);
        return;
    }
    if (t->ending || !stream->open)
        return;
    if (m->kind == VGW_MSG_ERROR) {
        tts_failed(t, stream, m);
        return;
    }
    struct vgw_speech *s = speech_find(t, m->utterance);
    if (!s || s->synth_done)
        return;
    if (m->kind == VGW_MSG_AUDIO) {
        on_audio(t, s, m);
    } else if (m->kind == VGW_MSG_DONE) {
        s->synth_done = true;
        if (m->status < 0 && m->status != VGW_EBUSY)
            vgw_log(VGW_LOG_WARNING, &t->scope, "an utterance could not be spoken", "tts", stream->engine->name, "error",
                    m->text ? m->text : "", NULL);
        vgw_talk_speak_pump(t);
    }
}

/* ---- from the leg ---- */

void vgw_talk_on_started(void *arg, uint64_t utterance)
{
    struct vgw_talk *t = arg;
    struct vgw_speech *s = speech_find(t, utterance);
    if (s && s->kind == VGW_SPEECH_ANSWER)
        vgw_talk_first_frame(t, s);
}

void vgw_talk_on_played(void *arg, uint64_t utterance, uint64_t heard_samples, bool complete)
{
    struct vgw_talk *t = arg;
    struct vgw_speech *s = speech_find(t, utterance);
    if (!s)
        return;
    if (s->looped && complete && !t->ending) {
        s->begun = s->finished = false;
        s->synth_done = true;
        vgw_talk_speak_pump(t);
        return;
    }
    speech_over(t, s, heard_samples, complete);
    if (!t->ending)
        vgw_talk_speak_pump(t);
}

bool vgw_talk_interrupt(struct vgw_talk *t)
{
    if (vgw_list_empty(&t->speeches))
        return false;
    struct vgw_speech *head = VGW_CONTAINER_OF(t->speeches.next, struct vgw_speech, link);
    if (!head->interruptible)
        return false;
    for (size_t i = 0; i < VGW_TALK_VOICES; i++)
        if (t->voices[i] && t->voices[i]->es.open)
            t->voices[i]->es.engine->tts->cancel(t->voices[i]->es.s);
    vgw_leg_clear(t->leg); /* reports what was heard of those in the queue, from inside */
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &t->speeches) { /* those that never got there */
        struct vgw_speech *s = VGW_CONTAINER_OF(at, struct vgw_speech, link);
        speech_over(t, s, 0, false);
    }
    return true;
}

/* ---- files ---- */

struct clip_job {
    struct vgw_job job;
    uint64_t leg;
    struct vgw_talk *talk;
    uint64_t utterance;
    uint32_t rate_hz;
    char *path;
    int16_t *pcm;
    size_t samples;
    int status;
    struct vgw_error err;
};

static void clip_work(void *arg)
{
    struct clip_job *j = arg;
    j->status = vgw_clip_load(j->path, j->rate_hz, &j->pcm, &j->samples, &j->err);
}

static void clip_done(void *arg)
{
    struct clip_job *j = arg;
    struct vgw_talk *t = vgw_handle_get(j->leg, VGW_HANDLE_LEG) ? j->talk : NULL; /* a talk lives as long as its leg's name */
    struct vgw_speech *s = t && !t->ending ? speech_find(t, j->utterance) : NULL;
    if (s) {
        s->synth_done = true;
        s->samples = j->samples;
        if (j->status == 0) {
            vgw_buf_init(&s->pending, VGW_CLIP_BYTES_MAX * 4);
            vgw_buf_add(&s->pending, j->pcm, j->samples * sizeof *j->pcm);
        } else {
            vgw_talk_complete(t, s->op, j->status, j->err.text, NULL);
            s->op = 0;
        }
        vgw_talk_speak_pump(t);
    }
    vgw_free(j->pcm);
    vgw_free(j->path);
    vgw_free(j);
}

int vgw_talk_play(struct vgw_talk *t, uint64_t op, const struct vgw_json *params, struct vgw_error *err)
{
    struct vgw_speech *s;
    struct clip_job *j;
    const char *url = vgw_json_get_string(params, "url", "");
    const char *path = vgw_starts_with(url, "file://") ? url + 7 : url;
    int rc = vgw_speech_new(t, VGW_SPEECH_PLAY, op, vgw_json_get_bool(params, "interruptible", true), NULL, NULL, &s, err);
    if (rc < 0)
        return rc;
    s->text_done = true;
    s->rate_hz = vgw_leg_rate_hz(t->leg);
    if (!VGW_NEW(j) || !(j->path = vgw_strdup(path))) {
        vgw_free(j);
        s->op = 0;
        speech_free(t, s);
        return vgw_error_nomem(err);
    }
    j->leg = t->leg_handle;
    j->talk = t;
    j->utterance = s->utterance;
    j->rate_hz = s->rate_hz;
    j->job = (struct vgw_job){.work = clip_work, .done = clip_done, .arg = j, .home = t->worker, .lane = VGW_LANE_IO};
    rc = vgw_pool_submit(t->p.pool, &j->job);
    if (rc < 0) {
        vgw_free(j->path);
        vgw_free(j);
        s->op = 0;
        speech_free(t, s);
        return vgw_error_set(err, VGW_ELIMIT, "too many files are being read; try again in a moment");
    }
    return 0;
}

void vgw_talk_speak_end(struct vgw_talk *t)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &t->speeches) {
        struct vgw_speech *s = VGW_CONTAINER_OF(at, struct vgw_speech, link);
        if (s->kind == VGW_SPEECH_ANSWER)
            vgw_talk_answer_heard(t, s, 0, false);
        vgw_talk_complete(t, s->op, VGW_ENOTFOUND, "the call has ended", NULL);
        speech_free(t, s);
    }
    for (size_t i = 0; i < VGW_TALK_VOICES; i++) {
        struct vgw_tts_stream *v = t->voices[i];
        if (!v || !v->es.handle)
            continue;
        v->es.closing = true;
        t->closing++;
        if (v->es.open) {
            v->es.open = false;
            v->es.engine->tts->close(v->es.s);
        }
    }
}
