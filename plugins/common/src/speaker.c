#include "speaker.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pcm.h"

#define CHUNK_MS 60    /* of audio in one frame; the SDK allows 100 */
#define RETRY_US 20000 /* until a full queue is tried again */

/* A sentence that waits for its job. */
struct piece {
    struct piece *next;
    uint64_t utterance;
    uint32_t characters;
    bool last, ssml;
    char text[];
};

/* Audio on its way from the job to the stream's worker. */
struct chunk {
    struct chunk *next;
    uint64_t utterance;
    uint32_t epoch, bytes, samples;
    uint8_t data[];
};

struct utterance {
    struct utterance *next;
    uint64_t id;
    uint32_t characters; /* spoken */
    uint64_t samples;
    bool last;
    char *text; /* not yet cut into pieces */
    size_t bytes;
};

struct speaker {
    struct speaker_home *home;
    uint64_t stream, strand, timer;
    char voice[64], language[24];
    uint32_t encoding, rate;
    struct utterance *open, *dead; /* in order; dead ones owe an on_done with VOICEGW_EBUSY */
    struct piece *pieces, *current;
    size_t text_bytes;
    uint64_t position; /* samples sent */
    int64_t credit_ms;
    bool credited, closing;
    atomic_uint epoch; /* cancels so far */

    /* the job's */
    uint32_t job_epoch;
    int32_t job_status;
    char job_why[256];
    struct pcm_resampler *resampler;
    uint32_t resampler_hz;

    pthread_mutex_t lock; /* guards what follows */
    struct chunk *chunks, **chunks_tail;
    bool kicked;
};

static void on_kick(void *arg);
static void start_next(struct speaker *s);

int32_t speaker_home_init(struct speaker_home *home, const struct voicegw_host *host,
                          const struct speaker_engine *engine, void *data)
{
    home->host = host;
    home->out = host->get_extension(host, VOICEGW_HOST_TTS);
    home->engine = engine;
    home->data = data;
    atomic_init(&home->streams, 0);
    atomic_init(&home->draining, 0);
    if (!home->out)
        return host->set_error(host, VOICEGW_EUNSUPPORTED,
                               "this host takes no synthesized speech (" VOICEGW_HOST_TTS ")");
    return VOICEGW_OK;
}

/* draining: 0 no, 1 yes, 2 told. The stream count and the flag are read in opposite order by the two sides, so one of
 * them tells. */
static void tell_drained(struct speaker_home *home)
{
    unsigned asked = 1;
    if (atomic_load(&home->streams) == 0 && atomic_compare_exchange_strong(&home->draining, &asked, 2))
        home->host->drained(home->host);
}

void speaker_home_drain(struct speaker_home *home)
{
    atomic_store(&home->draining, 1);
    tell_drained(home);
}

/* ---- jobs: [pool] ---- */

static void kick(struct speaker *s)
{
    (void)pthread_mutex_lock(&s->lock);
    if (!s->kicked && s->home->host->post(s->home->host, s->stream, on_kick, s) == VOICEGW_OK)
        s->kicked = true;
    (void)pthread_mutex_unlock(&s->lock);
}

static int queue_chunk(struct speaker *s, const int16_t *pcm, size_t n)
{
    struct chunk *c = malloc(sizeof *c + n * sizeof *pcm);
    if (!c)
        return -1;
    *c = (struct chunk){.utterance = s->current->utterance, .epoch = s->job_epoch, .samples = (uint32_t)n};
    c->bytes = (uint32_t)pcm_encode(s->encoding, pcm, n, c->data);
    (void)pthread_mutex_lock(&s->lock);
    *s->chunks_tail = c;
    s->chunks_tail = &c->next;
    (void)pthread_mutex_unlock(&s->lock);
    kick(s);
    return 0;
}

static int take_audio(void *arg, const int16_t *pcm, size_t n, uint32_t hz)
{
    struct speaker *s = arg;
    int16_t out[48 * CHUNK_MS + 64];
    if (!s->resampler || s->resampler_hz != hz) {
        pcm_resampler_free(s->resampler);
        s->resampler = pcm_resampler_new(hz, s->rate);
        s->resampler_hz = hz;
    }
    while (s->resampler && n > 0) {
        size_t part = hz * CHUNK_MS / 1000;
        part = part < n ? part : n;
        if (atomic_load(&s->epoch) != s->job_epoch)
            return 1;
        size_t made = pcm_resampler_run(s->resampler, pcm, part, out);
        if (made > 0 && queue_chunk(s, out, made) < 0)
            return 1;
        pcm += part;
        n -= part;
    }
    return s->resampler ? 0 : 1;
}

static void drop_resampler(struct speaker *s)
{
    static const int16_t silence[512];
    if (s->resampler)
        (void)take_audio(s, silence, pcm_resampler_tail(s->resampler), s->resampler_hz);
    pcm_resampler_free(s->resampler);
    s->resampler = NULL;
}

static void work(void *arg)
{
    struct speaker *s = arg;
    s->job_status = VOICEGW_OK;
    s->job_why[0] = '\0';
    if (s->current->text[0] == '\0' || atomic_load(&s->epoch) != s->job_epoch)
        return;
    struct speaker_request request = {s->current->text, s->voice, s->language, s->current->ssml};
    s->job_status = s->home->engine->synthesize(s->home->data, &request, take_audio, s, s->job_why, sizeof s->job_why);
    drop_resampler(s);
}

/* ---- the stream's worker: [media] ---- */

static struct utterance *find(struct speaker *s, uint64_t id)
{
    for (struct utterance *u = s->open; u; u = u->next)
        if (u->id == id)
            return u;
    return NULL;
}

static void utterance_free(struct utterance *u)
{
    free(u->text);
    free(u);
}

static void drop_pieces(struct speaker *s, const struct utterance *of)
{
    for (struct piece **at = &s->pieces; *at;) {
        struct piece *p = *at;
        if (of && p->utterance != of->id) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        s->text_bytes -= strlen(p->text);
        free(p);
    }
}

static void finish(struct speaker *s, uint64_t id, int32_t status, const char *why)
{
    for (struct utterance **at = &s->open; *at; at = &(*at)->next) {
        struct utterance *u = *at;
        if (u->id != id)
            continue;
        *at = u->next;
        drop_pieces(s, u);
        s->text_bytes -= u->bytes;
        utterance_free(u);
        (void)s->home->out->on_done(s->home->host, s->stream, id, status, why);
        return;
    }
}

static void kill_all(struct speaker *s)
{
    atomic_fetch_add(&s->epoch, 1);
    drop_pieces(s, NULL);
    struct utterance **end = &s->dead;
    while (*end)
        end = &(*end)->next;
    *end = s->open;
    s->open = NULL;
    for (struct utterance *u = *end; u; u = u->next)
        s->text_bytes -= u->bytes;
}

static void send_chunk(struct speaker *s, const struct chunk *c)
{
    struct voicegw_frame frame = {.size = sizeof frame,
                                  .encoding = s->encoding,
                                  .rate = s->rate,
                                  .timestamp = s->position,
                                  .data = c->data,
                                  .bytes = c->bytes,
                                  .samples = c->samples};
    struct utterance *u = find(s, c->utterance);
    if (!u || c->epoch != atomic_load(&s->epoch))
        return;
    s->position += c->samples;
    s->credit_ms -= (int64_t)c->samples * 1000 / s->rate;
    u->samples += c->samples;
    if (s->home->out->on_audio(s->home->host, s->stream, c->utterance, &frame) == VOICEGW_EBUSY)
        kill_all(s);
}

static void send_chunks(struct speaker *s)
{
    (void)pthread_mutex_lock(&s->lock);
    struct chunk *c = s->chunks;
    s->chunks = NULL;
    s->chunks_tail = &s->chunks;
    (void)pthread_mutex_unlock(&s->lock);
    while (c) {
        struct chunk *next = c->next;
        send_chunk(s, c);
        free(c);
        c = next;
    }
}

static void bury(struct speaker *s)
{
    while (s->dead) {
        struct utterance *u = s->dead;
        s->dead = u->next;
        (void)s->home->out->on_done(s->home->host, s->stream, u->id, VOICEGW_EBUSY, "the speech was cancelled");
        utterance_free(u);
    }
}

static void end_stream(struct speaker *s)
{
    struct speaker_home *home = s->home;
    if (s->timer)
        (void)home->host->timer_cancel(home->host, s->timer);
    (void)home->out->on_closed(home->host, s->stream);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
    atomic_fetch_sub(&home->streams, 1);
    tell_drained(home);
}

/* Everything that is due, when no job runs. */
static void settle(struct speaker *s)
{
    bury(s);
    (void)pthread_mutex_lock(&s->lock);
    bool kicked = s->kicked;
    (void)pthread_mutex_unlock(&s->lock);
    if (!s->closing)
        start_next(s);
    else if (!kicked)
        end_stream(s);
}

static void on_kick(void *arg)
{
    struct speaker *s = arg;
    (void)pthread_mutex_lock(&s->lock);
    s->kicked = false;
    (void)pthread_mutex_unlock(&s->lock);
    send_chunks(s);
    if (!s->current)
        settle(s);
}

static void on_retry(void *arg)
{
    struct speaker *s = arg;
    s->timer = 0;
    if (!s->current)
        settle(s);
}

static void retry_later(struct speaker *s)
{
    if (!s->timer)
        s->timer = s->home->host->timer_start(s->home->host, s->stream, RETRY_US, on_retry, s);
}

/* Settles soon, but not from inside the operation that asks. */
static void settle_soon(struct speaker *s)
{
    if (s->current)
        return;
    kick(s);
    (void)pthread_mutex_lock(&s->lock);
    bool kicked = s->kicked;
    (void)pthread_mutex_unlock(&s->lock);
    if (!kicked)
        retry_later(s);
}

static void on_spoken(void *arg)
{
    struct speaker *s = arg;
    struct piece *p = s->current;
    send_chunks(s);
    s->current = NULL;
    struct utterance *u = find(s, p->utterance);
    if (u && s->job_epoch == atomic_load(&s->epoch)) {
        u->characters += p->characters;
        if (s->job_status != VOICEGW_OK)
            finish(s, u->id, s->job_status, s->job_why);
        else if (p->text[0] != '\0')
            (void)s->home->out->on_align(s->home->host, s->stream, u->id, u->characters, u->samples);
        if (p->last && s->job_status == VOICEGW_OK)
            finish(s, u->id, VOICEGW_OK, NULL);
    }
    free(p);
    settle(s);
}

static void start_next(struct speaker *s)
{
    const struct voicegw_host *host = s->home->host;
    if (s->current || !s->pieces || (s->credited && s->credit_ms <= 0))
        return;
    struct piece *p = s->pieces;
    s->current = p;
    s->job_epoch = atomic_load(&s->epoch);
    int32_t rc = host->job(host, VOICEGW_LANE_CPU, s->strand, s->stream, work, on_spoken, s);
    if (rc == VOICEGW_OK) {
        s->pieces = p->next;
        s->text_bytes -= strlen(p->text);
        return;
    }
    s->current = NULL;
    retry_later(s);
}

static int32_t add_piece(struct speaker *s, const struct utterance *u, const char *text, size_t bytes, uint32_t flags)
{
    struct piece *p = calloc(1, sizeof *p + bytes + 1);
    if (!p)
        return VOICEGW_ELIMIT;
    memcpy(p->text, text, bytes);
    p->utterance = u->id;
    p->last = (flags & VOICEGW_SPEAK_LAST) != 0;
    p->ssml = (flags & VOICEGW_SPEAK_SSML) != 0;
    for (size_t i = 0; i < bytes; i++)
        p->characters += ((unsigned char)text[i] & 0xc0u) != 0x80u;
    struct piece **end = &s->pieces;
    while (*end)
        end = &(*end)->next;
    *end = p;
    s->text_bytes += bytes;
    return VOICEGW_OK;
}

/* Cuts what is complete off the utterance's text. */
static int32_t cut(struct speaker *s, struct utterance *u, bool final)
{
    size_t done = 0, n;
    int32_t rc = VOICEGW_OK;
    while (rc == VOICEGW_OK && done < u->bytes && (n = speaker_sentence(u->text + done, u->bytes - done, final)) > 0) {
        bool last = u->last && done + n == u->bytes;
        rc = add_piece(s, u, u->text + done, n, last ? VOICEGW_SPEAK_LAST : 0);
        done += n;
    }
    bool ended = done > 0 && done == u->bytes;
    memmove(u->text, u->text + done, u->bytes - done);
    u->bytes -= done;
    s->text_bytes -= done;
    if (rc == VOICEGW_OK && u->last && !ended)
        rc = add_piece(s, u, "", 0, VOICEGW_SPEAK_LAST);
    return rc;
}

static struct utterance *utterance_of(struct speaker *s, uint64_t id)
{
    struct utterance *u = find(s, id);
    if (u)
        return u;
    u = calloc(1, sizeof *u);
    if (!u)
        return NULL;
    u->id = id;
    struct utterance **end = &s->open;
    while (*end)
        end = &(*end)->next;
    *end = u;
    return u;
}

int32_t speaker_speak(void *stream, uint64_t id, const char *text, uint32_t flags)
{
    struct speaker *s = stream;
    const struct voicegw_host *host = s->home->host;
    size_t bytes = text ? strlen(text) : 0;
    if (bytes > SPEAKER_TEXT_MAX - s->text_bytes)
        return host->set_error(host, VOICEGW_ELIMIT, "more than 64 KiB of text wait to be spoken; speak it in parts");
    struct utterance *u = utterance_of(s, id);
    if (!u)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    if (u->last)
        return host->set_error(host, VOICEGW_EBUSY, "the utterance has had its last text");
    int32_t rc;
    if (flags & VOICEGW_SPEAK_SSML) {
        u->last = (flags & VOICEGW_SPEAK_LAST) != 0;
        rc = add_piece(s, u, text, bytes, flags);
    } else {
        char *grown = realloc(u->text, u->bytes + bytes + 1);
        if (!grown)
            return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
        u->text = grown;
        if (bytes > 0)
            memcpy(u->text + u->bytes, text, bytes);
        u->bytes += bytes;
        s->text_bytes += bytes;
        u->last = (flags & VOICEGW_SPEAK_LAST) != 0;
        rc = cut(s, u, u->last);
    }
    if (rc != VOICEGW_OK)
        return host->set_error(host, rc, "out of memory");
    if (!s->timer)
        start_next(s);
    return VOICEGW_OK;
}

int32_t speaker_flush(void *stream)
{
    struct speaker *s = stream;
    for (struct utterance *u = s->open; u; u = u->next)
        if (u->bytes > 0 && cut(s, u, true) != VOICEGW_OK)
            return VOICEGW_ELIMIT;
    start_next(s);
    return VOICEGW_OK;
}

int32_t speaker_cancel(void *stream)
{
    struct speaker *s = stream;
    kill_all(s);
    if (s->dead)
        settle_soon(s);
    return VOICEGW_OK;
}

int32_t speaker_credit(void *stream, uint32_t ms)
{
    struct speaker *s = stream;
    s->credited = true;
    s->credit_ms += ms;
    start_next(s);
    return VOICEGW_OK;
}

void speaker_close(void *stream)
{
    struct speaker *s = stream;
    s->closing = true;
    kill_all(s);
    settle_soon(s);
}

static int format_of(const struct voicegw_tts_params *params, uint32_t *ret_format)
{
    for (uint32_t i = 0; i < params->format_count; i++) {
        const struct voicegw_audio_format *f = &params->formats[i];
        if ((f->encoding == VOICEGW_AUDIO_PCMU || f->encoding == VOICEGW_AUDIO_PCMA) && f->rate == 8000) {
            *ret_format = i;
            return 0;
        }
        if (f->encoding == VOICEGW_AUDIO_L16 && f->rate >= 8000 && f->rate <= 48000) {
            *ret_format = i;
            return 0;
        }
    }
    return -1;
}

int32_t speaker_open(struct speaker_home *home, uint64_t stream, const struct voicegw_tts_params *params,
                     void **ret_stream, uint32_t *ret_format)
{
    const struct voicegw_host *host = home->host;
    uint32_t format;
    if (format_of(params, &format) < 0)
        return host->set_error(
            host, VOICEGW_EUNSUPPORTED,
            "none of the audio formats can be made; PCMU and PCMA at 8000 Hz and L16 from 8000 to 48000 Hz can");
    struct speaker *s = calloc(1, sizeof *s);
    if (!s)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    s->home = home;
    s->stream = stream;
    s->strand = host->strand_new(host);
    s->encoding = params->formats[format].encoding;
    s->rate = params->formats[format].rate;
    (void)snprintf(s->voice, sizeof s->voice, "%s", params->voice ? params->voice : "");
    (void)snprintf(s->language, sizeof s->language, "%s", params->language ? params->language : "");
    atomic_init(&s->epoch, 0);
    s->chunks_tail = &s->chunks;
    if (pthread_mutex_init(&s->lock, NULL) != 0) {
        free(s);
        return host->set_error(host, VOICEGW_ELIMIT, "no lock can be made");
    }
    atomic_fetch_add(&home->streams, 1);
    *ret_stream = s;
    *ret_format = format;
    return VOICEGW_OK;
}
