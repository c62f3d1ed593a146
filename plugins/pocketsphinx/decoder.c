#include "decoder.h"
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "voicegw/json.h"
/* The vendor's headers carry prototypes and conversions that this tree's warnings refuse. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wundef"
#include <pocketsphinx.h>
#include <sphinxbase/cmn.h>
#include <sphinxbase/err.h>
#include <sphinxbase/feat.h>
#include <sphinxbase/ngram_model.h>
#pragma GCC diagnostic pop

#define FRAME_MS 10
#define SEARCH "_default" /* the one that ps_init() makes: a new one by this name replaces it */

struct decoder {
    ps_decoder_t *ps;
    bool running;
};

static pthread_mutex_t library = PTHREAD_MUTEX_INITIALIZER;

static ps_decoder_t *init(const struct model *m, const char *lm, const char *dict)
{
    const struct model_settings *s = &m->settings;
    cmd_ln_t *config = cmd_ln_init(NULL, ps_args(), FALSE, "-hmm", m->folder, "-lm", lm, "-dict", dict, NULL);
    if (!config)
        return NULL;
    cmd_ln_set_float_r(config, "-beam", s->beam);
    cmd_ln_set_float_r(config, "-wbeam", s->word_beam);
    cmd_ln_set_float_r(config, "-pbeam", s->phone_beam);
    cmd_ln_set_float_r(config, "-lw", s->language_weight);
    cmd_ln_set_float_r(config, "-wip", s->insertion);
    ps_decoder_t *ps = ps_init(config);
    cmd_ln_free_r(config);
    return ps;
}

struct decoder *decoder_new(const struct model *m, const struct phrases *p, uint64_t number, char *why, size_t cap)
{
    char lm[700], dict[700];
    struct decoder *d = calloc(1, sizeof *d);
    if (!d || (p && model_write(m, p, number, lm, dict, sizeof lm) < 0)) {
        (void)snprintf(why, cap, "the phrases' model cannot be written to %s", m->folder);
        free(d);
        return NULL;
    }
    (void)pthread_mutex_lock(&library);
    (void)err_set_logfp(NULL);
    d->ps = p ? init(m, lm, dict) : init(m, m->settings.language_model, m->settings.dictionary);
    (void)pthread_mutex_unlock(&library);
    if (p) {
        (void)unlink(lm);
        (void)unlink(dict);
    }
    if (!d->ps) {
        (void)snprintf(why, cap, "libpocketsphinx refuses the model in %s", m->settings.acoustic);
        free(d);
        return NULL;
    }
    return d;
}

void decoder_free(struct decoder *d)
{
    if (!d)
        return;
    (void)pthread_mutex_lock(&library);
    (void)ps_free(d->ps);
    (void)pthread_mutex_unlock(&library);
    free(d);
}

/* Adds what the decoder's dictionary lacks. The lines are "word PH PH" and "word(2) PH PH". */
static void add_words(struct decoder *d, const struct phrases *p)
{
    char line[512];
    for (uint32_t i = 0; i < p->word_count; i++) {
        const char *at = p->words[i].pronunciations;
        char *known = at ? ps_lookup_word(d->ps, p->words[i].text) : NULL;
        if (known || !at) {
            ckd_free(known);
            continue;
        }
        while (*at) {
            size_t n = strcspn(at, "\n");
            if (n < sizeof line) {
                memcpy(line, at, n);
                line[n] = '\0';
                char *space = strchr(line, ' ');
                if (space) {
                    *space = '\0';
                    (void)ps_add_word(d->ps, line, space + 1, FALSE);
                }
            }
            at += n + (at[n] == '\n');
        }
    }
}

int decoder_expect(struct decoder *d, const struct model *m, const struct phrases *p, uint64_t number, char *why,
                   size_t cap)
{
    char lm[700], dict[700];
    if (model_write(m, p, number, lm, dict, sizeof lm) < 0) {
        (void)snprintf(why, cap, "the phrases' model cannot be written to %s", m->folder);
        return -1;
    }
    (void)pthread_mutex_lock(&library);
    add_words(d, p);
    int rc = ps_set_lm_file(d->ps, SEARCH, lm);
    if (rc == 0)
        rc = ps_set_search(d->ps, SEARCH);
    (void)pthread_mutex_unlock(&library);
    (void)unlink(lm);
    (void)unlink(dict);
    if (rc != 0)
        (void)snprintf(why, cap, "libpocketsphinx refuses the phrases' model");
    return rc != 0 ? -1 : 0;
}

void decoder_carry(const struct decoder *from, struct decoder *to)
{
    feat_t *a = ps_get_feat(from->ps), *b = ps_get_feat(to->ps);
    mfcc_t means[64];
    if (!a || !b || !a->cmn_struct || !b->cmn_struct || a->cmn_struct->veclen != b->cmn_struct->veclen ||
        a->cmn_struct->veclen > 64)
        return;
    cmn_live_get(a->cmn_struct, means);
    cmn_live_set(b->cmn_struct, means);
}

void decoder_begin(struct decoder *d)
{
    if (!d->running)
        d->running = ps_start_utt(d->ps) == 0;
}

void decoder_hear(struct decoder *d, const int16_t *pcm, size_t n)
{
    if (d->running)
        (void)ps_process_raw(d->ps, pcm, n, FALSE, FALSE);
}

/* A word without "(2)"; NULL for what is no word of ours: silence, noise, single sounds. */
static const char *plain(const char *word, char *out, size_t cap)
{
    if (!word || word[0] == '<' || word[0] == '[' || word[0] == '+' || word[0] == GRAMMAR_GARBAGE)
        return NULL;
    size_t n = strcspn(word, "(");
    if (n == 0 || n >= cap)
        return NULL;
    memcpy(out, word, n);
    out[n] = '\0';
    return out;
}

static void append(char *text, size_t cap, const char *word)
{
    size_t have = strlen(text), n = strlen(word);
    if (have + n + 2 > cap)
        return;
    if (have)
        text[have++] = ' ';
    memcpy(text + have, word, n + 1);
}

/* Worth of a word that follows its neighbours in no phrase: among other speech such words are found by chance. */
#define STRAY 0.4

struct tally {
    double ours, garbage, trusted; /* frames */
    struct voicegw_json_writer words;
};

/* Counts a segment; false when it is no word of ours. */
static bool count_segment(ps_seg_t *seg, struct tally *t, char *word, size_t cap)
{
    int from, to;
    int32 ascr, lscr, lback;
    const char *raw = ps_seg_word(seg);
    ps_seg_frames(seg, &from, &to);
    (void)ps_seg_prob(seg, &ascr, &lscr, &lback);
    if (raw && raw[0] == GRAMMAR_GARBAGE)
        t->garbage += to - from + 1;
    if (!plain(raw, word, cap))
        return false;
    t->ours += to - from + 1;
    t->trusted += (to - from + 1) * (lback >= 2 ? 1.0 : STRAY);
    return true;
}

static double trust(const struct tally *t)
{
    return t->ours > 0 ? t->trusted / (t->ours + t->garbage) : -1.0;
}

double decoder_partial(struct decoder *d, char *text, size_t cap)
{
    char word[64];
    struct tally t = {0};
    int32 score;
    text[0] = '\0';
    const char *hyp = d->running ? ps_get_hyp(d->ps, &score) : NULL;
    while (hyp && *hyp) {
        char part[128];
        size_t n = strcspn(hyp, " ");
        if (n < sizeof part) {
            memcpy(part, hyp, n);
            part[n] = '\0';
            if (plain(part, word, sizeof word))
                append(text, cap, word);
        }
        hyp += n + strspn(hyp + n, " ");
    }
    for (ps_seg_t *seg = text[0] ? ps_seg_iter(d->ps) : NULL; seg; seg = ps_seg_next(seg))
        (void)count_segment(seg, &t, word, sizeof word);
    return trust(&t);
}

static void take_segment(ps_seg_t *seg, struct tally *t, struct decoder_result *r)
{
    char word[64];
    int from, to;
    if (!count_segment(seg, t, word, sizeof word))
        return;
    ps_seg_frames(seg, &from, &to);
    append(r->text, sizeof r->text, word);
    voicegw_json_put_object(&t->words, NULL);
    voicegw_json_put_string(&t->words, "word", word);
    voicegw_json_put_int(&t->words, "start_ms", (int64_t)from * FRAME_MS);
    voicegw_json_put_int(&t->words, "end_ms", (int64_t)(to + 1) * FRAME_MS);
    voicegw_json_put_end(&t->words);
    if (r->start_ms < 0)
        r->start_ms = (int64_t)from * FRAME_MS;
    r->end_ms = (int64_t)(to + 1) * FRAME_MS;
}

void decoder_end(struct decoder *d, struct decoder_result *ret)
{
    struct tally t = {0};
    memset(ret, 0, sizeof *ret);
    ret->start_ms = ret->end_ms = -1;
    if (!d->running)
        return;
    (void)ps_end_utt(d->ps);
    d->running = false;
    t.words = voicegw_json_writer_of(ret->words_json, sizeof ret->words_json);
    voicegw_json_put_array(&t.words, NULL);
    for (ps_seg_t *seg = ps_seg_iter(d->ps); seg; seg = ps_seg_next(seg))
        take_segment(seg, &t, ret);
    voicegw_json_put_end(&t.words);
    (void)voicegw_json_finish(&t.words);
    ret->confidence = t.ours > 0 ? trust(&t) : 0.0;
}
