#include "stream.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "decoder.h"
#include "general.h"
#include "lexicon.h"
#include "pcm.h"
#include "voicegw/json.h"

#define RING_MS 600   /* kept before speech, so that no first sound is lost */
#define BEFORE_MS 300 /* of it used before the detector's onset */
#define RETRY_US 20000
#define BACKLOG_S 20   /* of audio that may wait for the decoder */
#define FRAME_MAX 4800 /* samples of one frame: 100 ms at 48 kHz */
#define ITEM_SAMPLES 3200

enum kind { AUDIO, BEGIN, FINAL, EXPECT };

struct item {
    struct item *next;
    enum kind kind;
    uint64_t utterance;
    char *text; /* EXPECT: JSON, or NULL */
    size_t samples;
    int16_t pcm[]; /* AUDIO: ITEM_SAMPLES of them */
};

/* What a job found; reported by the worker. */
struct finding {
    struct finding *next;
    uint64_t utterance;
    bool final, fatal, warning;
    char *text, *words;
    double confidence;
    int64_t start_sample, end_sample;
};

struct stream {
    struct recognizer *home;
    uint64_t handle, strand, timer;
    uint32_t encoding, rate;
    bool interim;

    /* the worker's */
    bool talking, busy, closing;
    uint64_t utterance, position; /* position: samples heard */
    struct item *items, **items_tail;
    uint64_t queued, fed; /* samples waiting; samples of this utterance */
    int16_t *ring;        /* RING_MS at rate */
    uint32_t ring_size, ring_used, ring_at;
    uint64_t begin_sample;

    /* the job's, between job() and on_decoded() */
    struct item *batch;
    struct finding *findings, **findings_tail;
    struct decoder *decoder;
    bool decoder_full, in_utterance, broken;
    char *expected; /* JSON of the hints in force, NULL: none */
    bool expected_new;
    uint64_t running;
    uint64_t running_begin; /* sample at which the decoder's utterance began */
    struct pcm_resampler *up;
    char partial[2048];
};

static void start_job(struct stream *s);

static void tell_drained(struct recognizer *r)
{
    unsigned asked = 1;
    if (atomic_load(&r->streams) == 0 && atomic_compare_exchange_strong(&r->draining, &asked, 2))
        r->host->drained(r->host);
}

void recognizer_drain(struct recognizer *r)
{
    atomic_store(&r->draining, 1);
    tell_drained(r);
}

/* ---- jobs: [pool] ---- */

static struct finding *find_out(struct stream *s, const char *text)
{
    struct finding *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->utterance = s->running;
    f->text = strdup(text);
    f->confidence = -1;
    f->start_sample = f->end_sample = -1;
    *s->findings_tail = f;
    s->findings_tail = &f->next;
    return f;
}

static void complain(struct stream *s, bool fatal, const char *sentence)
{
    struct finding *f = find_out(s, sentence);
    if (f) {
        f->fatal = fatal;
        f->warning = !fatal;
    }
}

/* Phrases with pronunciations, those with unknown words left out with a warning. */
static struct phrases *expected_phrases(struct stream *s)
{
    struct recognizer *r = s->home;
    char missing[300], text[420];
    struct phrases *p = phrases_new();
    if (!p)
        return NULL;
    int rc = phrases_add_json(p, s->expected ? s->expected : general_phrases);
    if (rc == 0)
        rc = phrases_add_json(p, r->phrases_json);
    int32_t unknown = rc == 0 ? lexicon_look_up(p, r->model.settings.dictionary, missing, sizeof missing) : -1;
    if (unknown < 0) {
        phrases_free(p);
        return NULL;
    }
    if (unknown > 0) {
        (void)snprintf(text, sizeof text,
                       "the dictionary lacks %d of the expected words, their phrases are left out: %s", unknown,
                       missing);
        complain(s, false, text);
    }
    phrases_keep_known(p);
    if (p->phrase_count == 0) {
        phrases_free(p);
        return NULL;
    }
    return p;
}

static void replace_decoder(struct stream *s, const struct phrases *p, uint64_t number)
{
    char why[700];
    struct decoder *d = decoder_new(&s->home->model, p, number, why, sizeof why);
    if (!d) {
        complain(s, s->decoder == NULL, why);
        s->broken = s->decoder == NULL;
        return;
    }
    if (s->decoder)
        decoder_carry(s->decoder, d);
    decoder_free(s->decoder);
    s->decoder = d;
    s->decoder_full = p == NULL;
}

/* Brings the decoder to what is expected now. */
static void prepare(struct stream *s)
{
    struct recognizer *r = s->home;
    char why[700];
    bool full = r->model.settings.full && !s->expected;
    if (s->broken || (s->decoder && !s->expected_new))
        return;
    s->expected_new = false;
    uint64_t number = atomic_fetch_add(&r->numbers, 1);
    struct phrases *p = full ? NULL : expected_phrases(s);
    if (!full && !p) {
        complain(s, false, "none of the expected phrases can be recognized; general phrases are expected instead");
        free(s->expected);
        s->expected = NULL;
        p = expected_phrases(s);
        if (!p) {
            s->broken = true;
            complain(s, true, "no phrase can be recognized with this dictionary");
            return;
        }
    }
    if (!s->decoder || full || s->decoder_full)
        replace_decoder(s, p, number);
    else if (decoder_expect(s->decoder, &r->model, p, number, why, sizeof why) < 0)
        complain(s, false, why);
    phrases_free(p);
}

static void hear(struct stream *s, const struct item *item)
{
    int16_t out[2 * ITEM_SAMPLES + 64];
    if (!s->in_utterance)
        return;
    if (!s->up) {
        decoder_hear(s->decoder, item->pcm, item->samples);
        return;
    }
    size_t n = pcm_resampler_run(s->up, item->pcm, item->samples, out);
    decoder_hear(s->decoder, out, n);
}

static void report_final(struct stream *s, uint64_t utterance)
{
    struct decoder_result *r = calloc(1, sizeof *r);
    s->running = utterance;
    if (r && s->in_utterance)
        decoder_end(s->decoder, r);
    s->in_utterance = false;
    s->partial[0] = '\0';
    struct finding *f = find_out(s, r ? r->text : "");
    if (f)
        f->final = true;
    if (f && r && r->text[0]) {
        f->confidence = r->confidence;
        f->words = r->words_json[0] ? strdup(r->words_json) : NULL;
        f->start_sample = (int64_t)s->running_begin + r->start_ms * s->rate / 1000;
        f->end_sample = (int64_t)s->running_begin + r->end_ms * s->rate / 1000;
        if (r->confidence * 100 < s->home->confidence_floor_percent)
            f->text[0] = '\0';
    } else if (f) {
        f->confidence = 0;
    }
    free(r);
}

static void carry_out(struct stream *s, struct item *item)
{
    switch (item->kind) {
    case EXPECT:
        free(s->expected);
        s->expected = item->text;
        item->text = NULL;
        s->expected_new = true;
        if (!s->in_utterance)
            prepare(s);
        break;
    case BEGIN:
        if (s->in_utterance)
            break;
        prepare(s);
        s->running = item->utterance;
        s->running_begin = item->samples;
        s->in_utterance = s->decoder != NULL;
        if (s->in_utterance)
            decoder_begin(s->decoder);
        break;
    case AUDIO:
        hear(s, item);
        break;
    case FINAL:
        report_final(s, item->utterance);
        prepare(s);
        break;
    }
}

static void look_for_partial(struct stream *s)
{
    char text[sizeof s->partial];
    if (!s->interim || !s->in_utterance)
        return;
    double confidence = decoder_partial(s->decoder, text, sizeof text);
    if (text[0] && strcmp(text, s->partial) != 0) {
        memcpy(s->partial, text, sizeof text);
        struct finding *f = find_out(s, text);
        if (f)
            f->confidence = confidence;
    }
}

static void item_free(struct item *item)
{
    free(item->text);
    free(item);
}

static void decode(void *arg)
{
    struct stream *s = arg;
    while (s->batch) {
        struct item *item = s->batch;
        s->batch = item->next;
        carry_out(s, item);
        item_free(item);
    }
    look_for_partial(s);
}

static void tear_down(void *arg)
{
    struct stream *s = arg;
    decoder_free(s->decoder);
    pcm_resampler_free(s->up);
    s->decoder = NULL;
    s->up = NULL;
}

/* ---- the stream's worker: [media] ---- */

static void report(struct stream *s, const struct finding *f)
{
    struct recognizer *r = s->home;
    if (f->warning) {
        r->host->log(r->host, VOICEGW_LOG_WARNING, f->text, NULL);
        (void)r->out->on_error(r->host, s->handle, 0, VOICEGW_ECONFIG, f->text);
    } else if (f->fatal) {
        (void)r->out->on_error(r->host, s->handle, 1, VOICEGW_ECONFIG, f->text);
    } else {
        struct voicegw_stt_result result = {.size = sizeof result,
                                            .final = f->final,
                                            .utterance = f->utterance,
                                            .text = f->text ? f->text : "",
                                            .confidence = f->confidence,
                                            .start_sample = f->start_sample,
                                            .end_sample = f->end_sample,
                                            .words_json = f->words,
                                            .language = "en-US"};
        (void)r->out->on_result(r->host, s->handle, &result);
    }
}

static void report_all(struct stream *s)
{
    struct finding *f = s->findings;
    s->findings = NULL;
    s->findings_tail = &s->findings;
    while (f) {
        struct finding *next = f->next;
        if (!s->closing)
            report(s, f);
        free(f->text);
        free(f->words);
        free(f);
        f = next;
    }
}

static void drop_items(struct stream *s)
{
    while (s->items) {
        struct item *next = s->items->next;
        item_free(s->items);
        s->items = next;
    }
    s->items_tail = &s->items;
    s->queued = 0;
}

static void on_decoded(void *arg)
{
    struct stream *s = arg;
    s->busy = false;
    report_all(s);
    start_job(s);
}

static void on_torn_down(void *arg)
{
    struct stream *s = arg;
    struct recognizer *r = s->home;
    if (s->timer)
        (void)r->host->timer_cancel(r->host, s->timer);
    report_all(s);
    (void)r->out->on_closed(r->host, s->handle);
    free(s->expected);
    free(s->ring);
    free(s);
    atomic_fetch_sub(&r->streams, 1);
    tell_drained(r);
}

static void on_retry(void *arg)
{
    struct stream *s = arg;
    s->timer = 0;
    start_job(s);
}

static void start_job(struct stream *s)
{
    const struct voicegw_host *host = s->home->host;
    if (s->busy || (!s->closing && !s->items))
        return;
    s->busy = true;
    int32_t rc;
    if (s->closing) {
        drop_items(s);
        rc = host->job(host, VOICEGW_LANE_CPU, s->strand, s->handle, tear_down, on_torn_down, s);
    } else {
        s->batch = s->items;
        rc = host->job(host, VOICEGW_LANE_CPU, s->strand, s->handle, decode, on_decoded, s);
    }
    if (rc != VOICEGW_OK) {
        s->busy = false;
        s->batch = NULL;
        if (!s->timer)
            s->timer = host->timer_start(host, s->handle, RETRY_US, on_retry, s);
        return;
    }
    if (!s->closing) {
        s->items = NULL;
        s->items_tail = &s->items;
        s->queued = 0;
    }
}

static struct item *add(struct stream *s, enum kind kind, uint64_t utterance)
{
    struct item *item = calloc(1, sizeof *item + (kind == AUDIO ? ITEM_SAMPLES * sizeof(int16_t) : 0));
    if (!item)
        return NULL;
    item->kind = kind;
    item->utterance = utterance;
    *s->items_tail = item;
    s->items_tail = &item->next;
    return item;
}

/* Audio joins the last item while that has room. */
static void add_audio(struct stream *s, const int16_t *pcm, size_t n)
{
    const struct recognizer *r = s->home;
    if (s->queued + n > (uint64_t)BACKLOG_S * s->rate || s->fed + n > (uint64_t)r->max_utterance_s * s->rate) {
        r->host->count(r->host, "audio_dropped", 1);
        return;
    }
    s->queued += n;
    s->fed += n;
    while (n > 0) {
        struct item *last = NULL;
        for (struct item *i = s->items; i; i = i->next)
            last = i;
        if (!last || last->kind != AUDIO || last->samples == ITEM_SAMPLES)
            last = add(s, AUDIO, s->utterance);
        if (!last)
            return;
        size_t part = ITEM_SAMPLES - last->samples;
        part = part < n ? part : n;
        memcpy(last->pcm + last->samples, pcm, part * sizeof *pcm);
        last->samples += part;
        pcm += part;
        n -= part;
    }
}

static void remember(struct stream *s, const int16_t *pcm, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        s->ring[s->ring_at] = pcm[i];
        s->ring_at = (s->ring_at + 1) % s->ring_size;
    }
    s->ring_used = s->ring_used + n > s->ring_size ? s->ring_size : s->ring_used + (uint32_t)n;
}

static void replay(struct stream *s, uint32_t samples)
{
    uint32_t at = (s->ring_at + s->ring_size - samples) % s->ring_size;
    uint32_t first = samples < s->ring_size - at ? samples : s->ring_size - at;
    add_audio(s, s->ring + at, first);
    add_audio(s, s->ring, samples - first);
    s->ring_used = 0;
}

int32_t stream_push(void *stream, const struct voicegw_frame *frame)
{
    struct stream *s = stream;
    int16_t pcm[FRAME_MAX];
    uint32_t width = s->encoding == VOICEGW_AUDIO_L16 ? 2 : 1;
    if (frame->encoding != s->encoding || frame->rate != s->rate || frame->bytes / width > FRAME_MAX)
        return s->home->host->set_error(s->home->host, VOICEGW_EINVALID,
                                        "the frame is not of the format that was agreed");
    size_t n = pcm_decode(s->encoding, frame->data, frame->bytes, pcm);
    s->position += n;
    if (s->talking) {
        add_audio(s, pcm, n);
        start_job(s);
    } else {
        remember(s, pcm, n);
    }
    return VOICEGW_OK;
}

int32_t stream_speech(void *stream, uint64_t utterance, uint32_t started, uint64_t sample)
{
    struct stream *s = stream;
    if (!started || s->talking)
        return VOICEGW_OK;
    uint64_t back = (s->position > sample ? s->position - sample : 0) + (uint64_t)BEFORE_MS * s->rate / 1000;
    uint32_t samples = back < s->ring_used ? (uint32_t)back : s->ring_used;
    struct item *item = add(s, BEGIN, utterance);
    if (!item)
        return s->home->host->set_error(s->home->host, VOICEGW_ELIMIT, "out of memory");
    item->samples = s->position - samples;
    s->talking = true;
    s->utterance = utterance;
    s->fed = 0;
    replay(s, samples);
    start_job(s);
    return VOICEGW_OK;
}

int32_t stream_finalize(void *stream, uint64_t utterance)
{
    struct stream *s = stream;
    if (!add(s, FINAL, utterance))
        return s->home->host->set_error(s->home->host, VOICEGW_ELIMIT, "out of memory");
    s->talking = false;
    start_job(s);
    return VOICEGW_OK;
}

static int english(const char *language)
{
    return !language || !language[0] ||
           ((language[0] | 32) == 'e' && (language[1] | 32) == 'n' &&
            (language[2] == '\0' || language[2] == '-' || language[2] == '_'));
}

static int32_t refuse_language(const struct voicegw_host *host, const char *language)
{
    char text[200];
    (void)snprintf(text, sizeof text,
                   "pocketsphinx understands English only (en-US), not \"%s\"; name an stt that understands it",
                   language);
    return host->set_error(host, VOICEGW_EUNSUPPORTED, text);
}

int32_t stream_update(void *stream, const char *hints_json, const char *language)
{
    struct stream *s = stream;
    const struct voicegw_host *host = s->home->host;
    if (!english(language))
        return refuse_language(host, language);
    if (!hints_json)
        return VOICEGW_OK;
    struct item *item = add(s, EXPECT, 0);
    if (!item)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    if (voicegw_json_count(voicegw_json_of(hints_json)) > 0)
        item->text = strdup(hints_json);
    start_job(s);
    return VOICEGW_OK;
}

void stream_close(void *stream)
{
    struct stream *s = stream;
    s->closing = true;
    start_job(s);
}

static int format_of(const struct voicegw_stt_params *params, uint32_t *ret_format)
{
    for (uint32_t i = 0; i < params->format_count; i++) {
        const struct voicegw_audio_format *f = &params->formats[i];
        bool g711 = (f->encoding == VOICEGW_AUDIO_PCMU || f->encoding == VOICEGW_AUDIO_PCMA) && f->rate == 8000;
        if (g711 || (f->encoding == VOICEGW_AUDIO_L16 && (f->rate == 8000 || f->rate == 16000))) {
            *ret_format = i;
            return 0;
        }
    }
    return -1;
}

static struct stream *stream_new(struct recognizer *r, uint64_t handle, const struct voicegw_audio_format *format)
{
    struct stream *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->home = r;
    s->handle = handle;
    s->strand = r->host->strand_new(r->host);
    s->encoding = format->encoding;
    s->rate = format->rate;
    s->ring_size = format->rate * RING_MS / 1000;
    s->ring = calloc(s->ring_size, sizeof *s->ring);
    s->items_tail = &s->items;
    s->findings_tail = &s->findings;
    s->up = format->rate == 8000 ? pcm_resampler_new(8000, 16000) : NULL;
    if (!s->ring || (format->rate == 8000 && !s->up)) {
        pcm_resampler_free(s->up);
        free(s->ring);
        free(s);
        return NULL;
    }
    return s;
}

int32_t stream_open(void *instance, uint64_t handle, const struct voicegw_stt_params *params, void **ret_stream,
                    uint32_t *ret_format)
{
    struct recognizer *r = instance;
    const struct voicegw_host *host = r->host;
    uint32_t format;
    if (!english(params->language))
        return refuse_language(host, params->language);
    if (format_of(params, &format) < 0)
        return host->set_error(host, VOICEGW_EUNSUPPORTED,
                               "pocketsphinx hears PCMU, PCMA and L16 at 8000 Hz and L16 at 16000 Hz");
    if (atomic_fetch_add(&r->streams, 1) >= r->max_streams) {
        atomic_fetch_sub(&r->streams, 1);
        return host->set_error(host, VOICEGW_ELIMIT, "max_streams callers are being recognized already");
    }
    struct stream *s = stream_new(r, handle, &params->formats[format]);
    if (!s) {
        atomic_fetch_sub(&r->streams, 1);
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    }
    s->interim = params->interim != 0;
    *ret_stream = s;
    *ret_format = format;
    /* Also without hints: the decoder is made before the caller speaks. */
    return stream_update(s, params->hints_json ? params->hints_json : "[]", NULL);
}
