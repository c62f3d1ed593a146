/* voice.c - from text to audio: one synthesis stream for each voice and language that a call uses, and the next engine
 * when one fails. */
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "talk/talk_private.h"
#include "talk/text.h"

static void on_tts(void *owner, struct vgw_engine_stream *stream, const struct vgw_engine_message *m);
static void on_stall(void *arg);

/* ---- streams ---- */

static struct vgw_engine_stream *tts_open(struct vgw_talk *t, struct vgw_voice *v, const struct vgw_engine *engine)
{
    struct voicegw_audio_format formats[] = {
        {sizeof formats[0], VOICEGW_AUDIO_L16, vgw_leg_rate_hz(t->leg), 20},
        {sizeof formats[0], VOICEGW_AUDIO_PCMU, 8000, 20},
        {sizeof formats[0], VOICEGW_AUDIO_PCMA, 8000, 20},
        {sizeof formats[0], VOICEGW_AUDIO_L16, 8000, 20},
        {sizeof formats[0], VOICEGW_AUDIO_L16, 16000, 20},
        {sizeof formats[0], VOICEGW_AUDIO_L16, 24000, 20},
    };
    struct voicegw_tts_params params = {.size = sizeof params,
                                        .formats = formats,
                                        .format_count = (uint32_t)(sizeof formats / sizeof formats[0]),
                                        .voice = v->voice,
                                        .language = v->language};
    uint32_t chosen = 0; /* each frame says its format anyway */
    struct vgw_engine_stream *es = engine->tts ? vgw_engine_stream_new(VGW_HANDLE_TTS, t->worker, on_tts, v) : NULL;
    if (!es)
        return NULL;
    es->engine = engine;
    if (engine->tts->open(engine->instance, es->handle, &params, &es->s, &chosen) == 0)
        return es;
    vgw_engine_stream_free(es);
    return NULL;
}

/* From the one whose turn it is onwards; those that rest after failures only when no other can be had. */
static int voice_open(struct vgw_talk *t, struct vgw_voice *v, struct vgw_error *err)
{
    uint32_t count = t->cfg->tts_count, refused = 0;
    for (uint32_t i = 0; i < 2 * count; i++) {
        uint32_t at = (v->engine_index + i) % count;
        const struct vgw_engine *engine = &t->cfg->tts[at];
        if (refused & 1u << at || (i < count && !vgw_engine_health_take(engine->health, vgw_now(t->worker))))
            continue;
        v->es = tts_open(t, v, engine);
        if (v->es) {
            v->engine_index = at;
            if (engine->tts->credit)
                engine->tts->credit(v->es->s, VGW_TALK_CREDIT_MS);
            return 0;
        }
        refused |= 1u << at;
        vgw_engine_health_report(engine->health, true, vgw_now(t->worker));
        vgw_log(VGW_LOG_ERROR, &t->scope, "the speech synthesis could not be opened", "tts", engine->name, NULL);
    }
    return vgw_error_set(err, VGW_EUNSUPPORTED,
                         "no tts could speak language '%s': name one under `tts:` and in the route", v->language);
}

void vgw_voice_credit(struct vgw_voice *v, size_t samples, uint32_t rate_hz)
{
    uint32_t ms = rate_hz ? (uint32_t)(samples * 1000 / rate_hz) : 0;
    if (v && v->es && ms && v->es->engine->tts->credit)
        v->es->engine->tts->credit(v->es->s, ms);
}

static bool voice_in_use(struct vgw_talk *t, const struct vgw_voice *v)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &t->speeches)
        if (VGW_CONTAINER_OF(at, struct vgw_speech, link)->voice == v)
            return true;
    return false;
}

static void voice_free(struct vgw_talk *t, size_t slot)
{
    struct vgw_voice *v = t->voices[slot];
    t->voices[slot] = NULL;
    if (v)
        vgw_timer_stop(&v->stall_timer);
    if (v && v->es)
        vgw_talk_stream_close(t, &v->es, v->es->engine->tts->close, NULL);
    vgw_free(v);
}

/* An empty place, or that of the voice which was silent longest; VGW_TALK_VOICES when all are speaking. */
static size_t voice_place(struct vgw_talk *t)
{
    size_t best = VGW_TALK_VOICES;
    for (size_t i = 0; i < VGW_TALK_VOICES; i++) {
        if (!t->voices[i])
            return i;
        if (!voice_in_use(t, t->voices[i]) &&
            (best == VGW_TALK_VOICES || t->voices[i]->used_us < t->voices[best]->used_us))
            best = i;
    }
    if (best < VGW_TALK_VOICES)
        voice_free(t, best);
    return best;
}

static struct vgw_voice *voice_find(struct vgw_talk *t, const char *name, const char *language, bool other)
{
    for (size_t i = 0; i < VGW_TALK_VOICES; i++) {
        struct vgw_voice *v = t->voices[i];
        if (v && v->es && v->other == other && vgw_streq(v->voice, name) && vgw_streq(v->language, language)) {
            v->used_us = vgw_now(t->worker);
            return v;
        }
    }
    return NULL;
}

static struct vgw_voice *voice_new(struct vgw_talk *t, const char *name, const char *language, uint32_t engine_index,
                                   bool other, struct vgw_error *err)
{
    struct vgw_voice *v;
    size_t slot = voice_place(t);
    if (slot == VGW_TALK_VOICES) {
        vgw_error_set(err, VGW_EBUSY, "a call speaks with at most %d voices at a time; try again in a moment",
                      VGW_TALK_VOICES);
        return NULL;
    }
    if (!VGW_NEW(v)) {
        vgw_error_nomem(err);
        return NULL;
    }
    v->talk = t;
    v->other = other;
    v->engine_index = engine_index;
    v->used_us = vgw_now(t->worker);
    vgw_timer_init(&v->stall_timer, t->worker, on_stall, v);
    if (!vgw_strcopy(v->voice, sizeof v->voice, name) || !vgw_strcopy(v->language, sizeof v->language, language)) {
        vgw_error_set(err, VGW_EINVALID, "a voice's name has at most %zu bytes, a language %zu", sizeof v->voice - 1,
                      sizeof v->language - 1);
        vgw_free(v);
        return NULL;
    }
    if (voice_open(t, v, err) < 0) {
        vgw_free(v);
        return NULL;
    }
    t->voices[slot] = v;
    return v;
}

struct vgw_voice *vgw_voice_get(struct vgw_talk *t, const char *voice, const char *language, struct vgw_error *err)
{
    const char *name = voice && voice[0] ? voice : t->cfg->voice ? t->cfg->voice : "";
    const char *lang = language && language[0]   ? language
                       : t->cfg->speech_language ? t->cfg->speech_language
                                                 : t->cfg->language;
    struct vgw_voice *v = voice_find(t, name, lang, false);
    return v ? v : voice_new(t, name, lang, t->tts_index, false, err);
}

struct vgw_voice *vgw_voice_other(struct vgw_talk *t, const struct vgw_voice *slow)
{
    if (t->cfg->tts_count < 2)
        return NULL;
    struct vgw_voice *v = voice_find(t, slow->voice, slow->language, true);
    if (!v)
        v = voice_new(t, slow->voice, slow->language, (slow->engine_index + 1) % t->cfg->tts_count, true, NULL);
    return v && v->engine_index != slow->engine_index ? v : NULL;
}

void vgw_talk_voices_cancel(struct vgw_talk *t)
{
    for (size_t i = 0; i < VGW_TALK_VOICES; i++)
        if (t->voices[i] && t->voices[i]->es) {
            vgw_timer_stop(&t->voices[i]->stall_timer);
            t->voices[i]->es->engine->tts->cancel(t->voices[i]->es->s);
        }
}

void vgw_talk_voices_end(struct vgw_talk *t)
{
    for (size_t i = 0; i < VGW_TALK_VOICES; i++)
        voice_free(t, i);
}

void vgw_talk_voices_free(struct vgw_talk *t)
{
    for (size_t i = 0; i < VGW_TALK_VOICES; i++) {
        if (t->voices[i])
            vgw_timer_stop(&t->voices[i]->stall_timer);
        vgw_free(t->voices[i]);
    }
}

/* ---- text ---- */

static void speech_fail(struct vgw_speech *s, int status, const char *sentence)
{
    s->synth_done = true;
    s->status = status;
    vgw_free(s->sentence);
    s->sentence = vgw_strdup(sentence);
}

/* The utterance whose audio this voice owes now: it speaks in order. NULL when it has given all that can be asked of
 * it; how much is still to come of a text that goes on nobody knows. */
static struct vgw_speech *owed(struct vgw_talk *t, const struct vgw_voice *v)
{
    struct vgw_list *at, *next;
    VGW_LIST_EACH (at, next, &t->speeches) {
        struct vgw_speech *s = VGW_CONTAINER_OF(at, struct vgw_speech, link);
        if (s->voice != v || s->synth_done)
            continue;
        return s->spoken && (s->text_done || !s->samples) ? s : NULL;
    }
    return NULL;
}

/* `progress`: something came, so the wait begins anew. */
static void voice_watch(struct vgw_talk *t, struct vgw_voice *v, bool progress)
{
    if (!v->es || t->ending || !owed(t, v)) {
        vgw_timer_stop(&v->stall_timer);
        return;
    }
    int64_t wait = t->cfg->tts_count > 1 ? v->es->engine->failover_after_us : 0;
    if (progress || !vgw_timer_armed(&v->stall_timer))
        vgw_timer_start(&v->stall_timer, wait ? wait : VGW_TALK_STAGE_US);
}

/* Gives the synthesis what ends with a sentence; all of it once no more text follows. */
static void synthesise(struct vgw_speech *s)
{
    const char *text = vgw_buf_str(&s->text) + s->spoken;
    size_t n = s->text_done ? strlen(text) : vgw_text_sentence(text);
    if (s->synth_done || (!n && !s->text_done))
        return;
    if (!s->voice->es) {
        speech_fail(s, VGW_EUNSUPPORTED, "no tts is left that could speak");
        return;
    }
    while (text[n] == ' ') /* by the space an engine knows that the sentence has ended, before the next one comes */
        n++;
    char *part = vgw_strndup(text, n);
    int rc = VGW_ELIMIT;
    if (part)
        rc = s->voice->es->engine->tts->speak(s->voice->es->s, s->utterance, part,
                                              s->text_done ? VOICEGW_SPEAK_LAST : 0);
    s->spoken += n;
    vgw_free(part);
    if (rc < 0)
        speech_fail(s, rc, "the speech synthesis refused the text");
    else
        voice_watch(s->voice->talk, s->voice, false);
}

void vgw_speech_text(struct vgw_talk *t, struct vgw_speech *s, const char *text, bool last)
{
    if (s->text_done)
        return;
    vgw_buf_adds(&s->text, text);
    s->text_done = last;
    synthesise(s);
    if (s->synth_done)
        vgw_talk_speak_pump(t);
}

void vgw_speech_again(struct vgw_talk *t, struct vgw_speech *s)
{
    s->utterance = ++t->next_utterance;
    s->spoken = 0;
    s->samples = 0;
    vgw_voice_credit(s->voice, s->pending.len / vgw_encoding_bytes(s->encoding), s->rate_hz);
    vgw_buf_reset(&s->pending);
    vgw_buf_reset(&s->align);
    synthesise(s);
}

/* ---- audio ---- */

void vgw_speech_audio(struct vgw_talk *t, struct vgw_speech *s, const struct vgw_engine_message *m)
{
    if (!s->times.first_byte_us)
        s->times.first_byte_us = vgw_now(t->worker);
    if (s->kind == VGW_SPEECH_ANSWER || s->kind == VGW_SPEECH_LIVE)
        vgw_timer_stop(&t->filler_timer);
    if (s->pending.len && (s->encoding != m->encoding || s->rate_hz != m->rate_hz)) { /* one form at a time */
        vgw_metric_dropped("speech_format");
        vgw_voice_credit(s->voice, m->samples, m->rate_hz);
        return;
    }
    s->encoding = m->encoding;
    s->rate_hz = m->rate_hz;
    vgw_buf_add(&s->pending, m->payload, m->bytes);
    if (s->pending.failed) {
        vgw_metric_dropped("speech_pending");
        vgw_voice_credit(s->voice, m->samples, m->rate_hz);
        s->pending.failed = false;
        return;
    }
    s->samples += m->samples;
    if (s->voice) {
        vgw_engine_health_report(s->voice->es->engine->health, false, vgw_now(t->worker));
        voice_watch(t, s->voice, true);
    }
    vgw_talk_speak_pump(t);
}

/* What is still to be said of it is an utterance of its own, behind it, by whoever speaks now. */
static bool speech_rest(struct vgw_talk *t, struct vgw_speech *s, struct vgw_voice *v)
{
    struct vgw_speech *rest;
    size_t cut = vgw_speech_made_bytes(t, s);
    char *text = vgw_strdup(vgw_buf_str(&s->text) + cut);
    if (!text || vgw_speech_new(t, s->kind, s->op, s->interruptible, v->voice, v->language, &rest, NULL) < 0) {
        vgw_free(text);
        return false;
    }
    vgw_list_remove(&rest->link);
    vgw_list_prepend(&s->link, &rest->link);
    rest->turn = s->turn;
    rest->sensitive = s->sensitive;
    rest->tried = s->tried;
    bool last = s->text_done;
    s->op = 0;
    s->text.len = cut;
    if (s->text.data)
        s->text.data[cut] = '\0';
    s->text_done = s->synth_done = true;
    vgw_speech_text(t, rest, text + strspn(text, " "), last);
    vgw_free(text);
    return true;
}

/* The stream is gone: what it owes is spoken by the next engine, from where this one fell silent. */
static void voice_lost(struct vgw_talk *t, struct vgw_voice *v, const struct vgw_engine *lost, int status)
{
    struct vgw_list *at, *next;
    vgw_timer_stop(&v->stall_timer);
    vgw_engine_health_report(lost->health, true, vgw_now(t->worker));
    v->engine_index = (v->engine_index + 1) % t->cfg->tts_count;
    if (!v->other)
        t->tts_index = v->engine_index;
    voice_open(t, v, NULL);
    vgw_talk_failover_told(t, "tts", lost->name, v->es ? v->es->engine->name : NULL);
    VGW_LIST_EACH (at, next, &t->speeches) {
        struct vgw_speech *s = VGW_CONTAINER_OF(at, struct vgw_speech, link);
        if (s->voice != v || s->synth_done)
            continue;
        bool again = v->es && ++s->tried < t->cfg->tts_count;
        if (again && !s->samples)
            vgw_speech_again(t, s);
        else if (!again || !speech_rest(t, s, v))
            speech_fail(s, status < 0 ? status : VGW_EPROVIDER, "the speech synthesis failed");
    }
    vgw_talk_speak_pump(t);
}

static void on_stall(void *arg)
{
    struct vgw_voice *v = arg;
    struct vgw_talk *t = v->talk;
    struct vgw_speech *s = v->es && !t->ending ? owed(t, v) : NULL;
    if (!s)
        return;
    if (s->pending.len) { /* it was told to wait, by what it has made already */
        voice_watch(t, v, true);
        return;
    }
    const struct vgw_engine *slow = v->es->engine;
    vgw_talk_error(t, VGW_ETIMEOUT, NULL, "the speech synthesis gave no audio in time", slow->name);
    vgw_talk_stream_close(t, &v->es, slow->tts->close, NULL);
    voice_lost(t, v, slow, VGW_ETIMEOUT);
}

static void on_done(struct vgw_talk *t, struct vgw_speech *s, const struct vgw_engine_stream *stream,
                    const struct vgw_engine_message *m)
{
    s->synth_done = true;
    if (m->status < 0) {
        vgw_log(VGW_LOG_WARNING, &t->scope, "an utterance could not be spoken", "tts", stream->engine->name, "error",
                m->text ? m->text : "", NULL);
        speech_fail(s, m->status, m->text ? m->text : "the speech synthesis failed");
    }
    voice_watch(t, s->voice, true);
    vgw_talk_speak_pump(t);
}

static void on_align(struct vgw_speech *s, const struct vgw_engine_message *m)
{
    struct vgw_align a = {.samples = (uint64_t)m->b, .characters = (uint32_t)m->a};
    if (m->a >= 0 && m->b >= 0)
        vgw_buf_add(&s->align, &a, sizeof a);
}

static void on_tts(void *owner, struct vgw_engine_stream *stream, const struct vgw_engine_message *m)
{
    struct vgw_voice *v = owner;
    struct vgw_talk *t = v->talk;
    struct vgw_speech *s = m->kind == VGW_MSG_AUDIO || m->kind == VGW_MSG_DONE || m->kind == VGW_MSG_ALIGN
                               ? vgw_speech_find(t, m->utterance)
                               : NULL;
    s = s && s->voice == v && !s->synth_done ? s : NULL;
    if (m->kind == VGW_MSG_CLOSED) { /* by itself: as good as broken */
        vgw_talk_error(t, VGW_EPROVIDER, NULL, "the speech synthesis closed its stream", stream->engine->name);
        v->es = NULL;
        voice_lost(t, v, stream->engine, VGW_EPROVIDER);
        vgw_engine_stream_free(stream);
    } else if (m->kind == VGW_MSG_ERROR) {
        vgw_talk_error(t, m->status, m->text, "speech synthesis failed", stream->engine->name);
        if (m->flag) {
            vgw_talk_stream_close(t, &v->es, stream->engine->tts->close, NULL);
            voice_lost(t, v, stream->engine, m->status);
        }
    } else if (m->kind == VGW_MSG_AUDIO && !s) {
        vgw_voice_credit(v, m->samples, m->rate_hz); /* of what was cut */
    } else if (m->kind == VGW_MSG_AUDIO) {
        vgw_speech_audio(t, s, m);
    } else if (m->kind == VGW_MSG_ALIGN && s) {
        on_align(s, m);
    } else if (m->kind == VGW_MSG_DONE && s) {
        on_done(t, s, stream, m);
    }
}
