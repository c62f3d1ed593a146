/* shadow.c - a recognizer on trial: it hears what the primary hears, and how far it is from it is counted. Nothing
 * that it says reaches the conversation, and nothing that is sensitive reaches it. */
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "talk/talk_private.h"
#include "talk/words.h"

struct vgw_shadow {
    struct vgw_engine_stream *es;
    struct vgw_ear ear;
    uint64_t utterance; /* that it hears; 0: none */
    int64_t finalized_us;
    bool own, theirs; /* has answered; the primary has */
    char text[2][VGW_TALK_TEXT_MAX];
};

static void forget(struct vgw_shadow *s)
{
    s->utterance = 0;
    s->own = s->theirs = false;
    s->text[0][0] = s->text[1][0] = '\0';
}

static void report(const struct vgw_shadow *s)
{
    static const char words_help[] = "Words that the primary understood while a shadow engine listened",
                      errors_help[] = "Words in which the shadow engine differed";
    const char *name = s->es->engine->name;
    uint32_t words = 0, errors = vgw_words_distance(s->text[1], s->text[0], &words);
    vgw_metric_add(vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_shadow_words_total", words_help, "engine"), words,
                   name, NULL, NULL);
    vgw_metric_add(vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_shadow_word_errors_total", errors_help, "engine"),
                   errors, name, NULL, NULL);
}

static void both(struct vgw_shadow *s)
{
    if (!s->own || !s->theirs)
        return;
    report(s);
    forget(s);
}

static void failed(const struct vgw_shadow *s)
{
    static const char help[] = "Streams of shadow engines that broke";
    vgw_metric_add(vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_shadow_failures_total", help, "engine"), 1,
                   s->es->engine->name, NULL, NULL);
}

static void on_shadow(void *owner, struct vgw_engine_stream *stream, const struct vgw_engine_message *m)
{
    static const char help[] = "From the end of the utterance to the shadow engine's final";
    struct vgw_talk *t = owner;
    struct vgw_shadow *s = t->shadow;
    if (!s || stream != s->es)
        return;
    if (m->kind == VGW_MSG_CLOSED || (m->kind == VGW_MSG_ERROR && m->flag)) {
        failed(s);
        if (m->kind == VGW_MSG_CLOSED)
            vgw_engine_stream_free(stream);
        else
            vgw_talk_stream_close(t, &s->es, stream->engine->stt->close, NULL);
        s->es = NULL;
    } else if (m->kind == VGW_MSG_RESULT && m->flag && s->utterance && !s->own) {
        if (s->finalized_us)
            vgw_metric_observe(vgw_metric_family(VGW_METRIC_HISTOGRAM, "voicegw_shadow_final_seconds", help, "engine"),
                               (double)(vgw_now(t->worker) - s->finalized_us) / (double)VGW_US_PER_S,
                               stream->engine->name, NULL, NULL);
        s->own = true;
        vgw_strcopy(s->text[0], sizeof s->text[0], m->text ? m->text : "");
        both(s);
    }
}

void vgw_shadow_start(struct vgw_talk *t)
{
    struct vgw_shadow *s;
    if (!t->cfg->shadow || !t->stt || t->shadow || !VGW_NEW(s))
        return;
    t->shadow = s;
    s->es = vgw_ear_open(t, &s->ear, t->cfg->shadow, on_shadow);
    if (!s->es) {
        vgw_free(s);
        t->shadow = NULL;
    }
}

void vgw_shadow_end(struct vgw_talk *t)
{
    struct vgw_shadow *s = t->shadow;
    if (!s)
        return;
    if (s->es)
        vgw_talk_stream_close(t, &s->es, s->es->engine->stt->close, NULL);
    vgw_ear_done(&s->ear);
    vgw_free(s);
    t->shadow = NULL;
}

/* What it may hear now: an utterance that it was given from its beginning, as long as nothing of it is sensitive. */
static struct vgw_shadow *hearing(struct vgw_talk *t)
{
    struct vgw_shadow *s = t->shadow;
    if (!s || !s->es)
        return NULL;
    if (vgw_talk_hides(t))
        forget(s);
    return s->utterance && s->utterance == t->utterance ? s : NULL;
}

void vgw_shadow_begin(struct vgw_talk *t, uint64_t sample)
{
    struct vgw_shadow *s = t->shadow;
    if (!s || !s->es || vgw_talk_hides(t))
        return;
    forget(s);
    s->utterance = t->utterance;
    s->finalized_us = 0;
    s->es->engine->stt->speech(s->es->s, s->utterance, true, sample * s->ear.format.rate / 8000);
}

void vgw_shadow_speech(struct vgw_talk *t, bool started, uint64_t sample)
{
    struct vgw_shadow *s = hearing(t);
    if (s)
        s->es->engine->stt->speech(s->es->s, s->utterance, started, sample * s->ear.format.rate / 8000);
}

/* An engine that finds ends itself is given what was said before the detector opened, too: between utterances it hears
 * nothing here. */
void vgw_shadow_preroll(struct vgw_talk *t, const int16_t *pcm, size_t n, uint64_t sample)
{
    struct vgw_shadow *s = hearing(t);
    if (s)
        vgw_ear_send(&s->ear, s->es, pcm, n, sample);
}

void vgw_shadow_pcm(struct vgw_talk *t, const int16_t *pcm, size_t n, uint64_t sample)
{
    struct vgw_shadow *s = t->shadow && t->hearing && !t->on_hold ? hearing(t) : NULL;
    if (s)
        vgw_ear_send(&s->ear, s->es, pcm, n, sample);
}

void vgw_shadow_finalize(struct vgw_talk *t)
{
    struct vgw_shadow *s = hearing(t);
    if (!s || s->finalized_us)
        return;
    s->finalized_us = vgw_now(t->worker);
    s->es->engine->stt->finalize(s->es->s, s->utterance);
}

void vgw_shadow_compare(struct vgw_talk *t, uint64_t utterance, const char *text)
{
    struct vgw_shadow *s = hearing(t);
    if (!s || s->utterance != utterance)
        return;
    vgw_shadow_finalize(t); /* the primary may find the end by itself */
    s->theirs = true;
    vgw_strcopy(s->text[1], sizeof s->text[1], text);
    both(s);
}
