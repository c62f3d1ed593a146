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
    void *work;        /* of begin(), until speaker_ended() */
    bool stopped;      /* stop() was called for it */

    /* the cache's: the job's while one looks, else the worker's */
    char name[SOUND_NAME_MAX]; /* "": this sentence is not kept */
    uint8_t *found;
    size_t found_bytes;
    uint8_t *kept; /* what is heard of the sentence, to be kept */
    size_t kept_bytes, kept_room;

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
    vendor_streams_init(&home->streams, host);
    home->cache.path[0] = '\0';
    if (!home->out)
        return host->set_error(host, VOICEGW_EUNSUPPORTED,
                               "this host takes no synthesized speech (" VOICEGW_HOST_TTS ")");
    return VOICEGW_OK;
}

void speaker_home_drain(struct speaker_home *home)
{
    vendor_streams_drain(&home->streams);
}

/* ---- jobs: [pool] ---- */

static void kick(struct speaker *s)
{
    (void)pthread_mutex_lock(&s->lock);
    if (!s->kicked && s->home->host->post(s->home->host, s->stream, on_kick, s) == VOICEGW_OK)
        s->kicked = true;
    (void)pthread_mutex_unlock(&s->lock);
}

/* Keeps a copy for the cache; a sound that is too long is not kept. */
static void keep_too(struct speaker *s, const uint8_t *data, size_t bytes)
{
    if (!s->name[0])
        return;
    if (bytes > s->kept_room - s->kept_bytes) {
        size_t room = 2 * s->kept_room + bytes + 16000;
        uint8_t *grown = room <= 2 * SOUND_BYTES_MAX ? realloc(s->kept, room) : NULL;
        if (!grown) {
            s->name[0] = '\0';
            return;
        }
        s->kept = grown;
        s->kept_room = room;
    }
    memcpy(s->kept + s->kept_bytes, data, bytes);
    s->kept_bytes += bytes;
}

static void send_chunk(struct speaker *s, const struct chunk *c);

/* A chunk of the stream's own format: queued by a job, sent at once by the worker. */
static int give_chunk(struct speaker *s, struct chunk *c)
{
    keep_too(s, c->data, c->bytes);
    if (s->home->engine->begin) {
        send_chunk(s, c);
        free(c);
        return 0;
    }
    (void)pthread_mutex_lock(&s->lock);
    *s->chunks_tail = c;
    s->chunks_tail = &c->next;
    (void)pthread_mutex_unlock(&s->lock);
    kick(s);
    return 0;
}

static int queue_chunk(struct speaker *s, const int16_t *pcm, size_t n)
{
    struct chunk *c = malloc(sizeof *c + n * sizeof *pcm);
    if (!c)
        return -1;
    *c = (struct chunk){.utterance = s->current->utterance, .epoch = s->job_epoch, .samples = (uint32_t)n};
    c->bytes = (uint32_t)pcm_encode(s->encoding, pcm, n, c->data);
    return give_chunk(s, c);
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

static struct speaker_request request_of(const struct speaker *s)
{
    return (struct speaker_request){s->current->text, s->voice, s->language, s->current->ssml};
}

static void work(void *arg)
{
    struct speaker *s = arg;
    s->job_status = VOICEGW_OK;
    s->job_why[0] = '\0';
    if (s->current->text[0] == '\0' || atomic_load(&s->epoch) != s->job_epoch)
        return;
    struct speaker_request request = request_of(s);
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
    if (s->work && !s->stopped) {
        s->stopped = true;
        s->home->engine->stop(s->work);
    }
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
    pcm_resampler_free(s->resampler);
    free(s->kept);
    free(s);
    vendor_stream_closed(&home->streams);
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

/* ---- the cache ---- */

struct keeping {
    struct speaker_home *home;
    uint8_t *data;
    size_t bytes;
    char name[SOUND_NAME_MAX];
};

static void keep_work(void *arg)
{
    struct keeping *k = arg;
    char why[400];
    const struct voicegw_host *host = k->home->host;
    if (sound_cache_keep(&k->home->cache, k->name, k->data, k->bytes, why, sizeof why) < 0)
        host->log(host, VOICEGW_LOG_WARNING, why, NULL);
}

static void on_kept(void *arg)
{
    struct keeping *k = arg;
    struct speaker_home *home = k->home;
    free(k->data);
    free(k);
    vendor_stream_closed(&home->streams);
}

/* What was heard of a sentence goes to disk when it is whole; it counts as a stream until it is there. */
static void keep(struct speaker *s)
{
    const struct voicegw_host *host = s->home->host;
    struct keeping *k = s->name[0] && s->kept_bytes ? calloc(1, sizeof *k) : NULL;
    if (!k)
        return;
    k->home = s->home;
    k->data = s->kept;
    k->bytes = s->kept_bytes;
    memcpy(k->name, s->name, sizeof k->name);
    s->kept = NULL;
    s->kept_bytes = s->kept_room = 0;
    vendor_stream_opened(&s->home->streams);
    if (host->job(host, VOICEGW_LANE_IO, 0, s->stream, keep_work, on_kept, k) != VOICEGW_OK)
        on_kept(k);
}

/* The name under which the sentence would be kept, "" for none. */
static void name_sound(struct speaker *s)
{
    const struct speaker_home *home = s->home;
    char key[8192];
    struct speaker_request request = request_of(s);
    s->name[0] = '\0';
    s->kept_bytes = 0;
    if (!home->cache.path[0] || !home->engine->key || !s->current->text[0])
        return;
    int n = snprintf(key, sizeof key, "%u:%u:", s->encoding, s->rate);
    if (n < 0 || home->engine->key(home->data, &request, key + n, sizeof key - (size_t)n) < 0 ||
        sound_cache_name(&home->cache, key, s->name) != VOICEGW_OK)
        s->name[0] = '\0';
}

static void look(void *arg)
{
    struct speaker *s = arg;
    s->found = sound_cache_find(&s->home->cache, s->name, &s->found_bytes);
}

static void send_found(struct speaker *s)
{
    size_t width = s->encoding == VOICEGW_AUDIO_L16 ? 2 : 1, piece = s->rate * CHUNK_MS / 1000 * width;
    uint32_t epoch = s->job_epoch;
    s->name[0] = '\0'; /* it is kept already */
    for (size_t at = 0; at < s->found_bytes && epoch == atomic_load(&s->epoch); at += piece) {
        size_t n = s->found_bytes - at < piece ? s->found_bytes - at : piece;
        struct chunk *c = malloc(sizeof *c + n);
        if (!c)
            break;
        *c = (struct chunk){
            .utterance = s->current->utterance, .epoch = epoch, .bytes = (uint32_t)n, .samples = (uint32_t)(n / width)};
        memcpy(c->data, s->found + at, n);
        send_chunk(s, c);
        free(c);
    }
    free(s->found);
    s->found = NULL;
}

/* ---- sentences ---- */

static void on_spoken(void *arg)
{
    struct speaker *s = arg;
    struct piece *p = s->current;
    send_chunks(s);
    struct utterance *u = find(s, p->utterance);
    if (u && s->job_epoch == atomic_load(&s->epoch)) {
        if (s->job_status == VOICEGW_OK)
            keep(s);
        s->current = NULL;
        u->characters += p->characters;
        if (s->job_status != VOICEGW_OK) {
            /* First that the engine is of no use, so that another one speaks what has not begun. */
            (void)s->home->out->on_error(s->home->host, s->stream, 1, s->job_status, s->job_why);
            finish(s, u->id, s->job_status, s->job_why);
        } else if (p->text[0] != '\0')
            (void)s->home->out->on_align(s->home->host, s->stream, u->id, u->characters, u->samples);
        if (p->last && s->job_status == VOICEGW_OK)
            finish(s, u->id, VOICEGW_OK, NULL);
    }
    s->current = NULL;
    free(p);
    settle(s);
}

void speaker_format(const struct speaker *s, uint32_t *ret_encoding, uint32_t *ret_rate)
{
    *ret_encoding = s->encoding;
    *ret_rate = s->rate;
}

int speaker_take(struct speaker *s, uint32_t encoding, uint32_t rate, const void *data, size_t bytes)
{
    int16_t pcm[4096];
    const uint8_t *at = data;
    size_t width = encoding == VOICEGW_AUDIO_L16 ? 2 : 1, samples = bytes / width;
    bool same = encoding == s->encoding && rate == s->rate;
    size_t most = same ? s->rate * CHUNK_MS / 1000 : sizeof pcm / sizeof *pcm;
    while (samples > 0 && atomic_load(&s->epoch) == s->job_epoch) {
        size_t n = samples < most ? samples : most;
        if (same) {
            struct chunk *c = malloc(sizeof *c + n * width);
            if (!c)
                return 1;
            *c = (struct chunk){.utterance = s->current->utterance, .epoch = s->job_epoch, .samples = (uint32_t)n};
            c->bytes = (uint32_t)(n * width);
            memcpy(c->data, at, n * width);
            (void)give_chunk(s, c);
        } else if (take_audio(s, pcm, pcm_decode(encoding, at, n * width, pcm), rate) != 0) {
            return 1;
        }
        at += n * width;
        samples -= n;
    }
    return samples > 0;
}

void speaker_ended(struct speaker *s, int32_t status, const char *why)
{
    s->work = NULL;
    s->stopped = false;
    s->job_status = status;
    (void)snprintf(s->job_why, sizeof s->job_why, "%s", why ? why : "");
    drop_resampler(s);
    on_spoken(s);
}

/* Sets the engine to work on the sentence. 0, or a negative status: not now. */
static int32_t make(struct speaker *s)
{
    const struct speaker_home *home = s->home;
    struct speaker_request request = request_of(s);
    if (!home->engine->begin)
        return home->host->job(home->host, VOICEGW_LANE_CPU, s->strand, s->stream, work, on_spoken, s);
    s->job_status = VOICEGW_OK;
    s->job_why[0] = '\0';
    if (s->current->text[0] && atomic_load(&s->epoch) == s->job_epoch) {
        s->job_status =
            home->engine->begin(home->data, s->stream, &request, s, &s->work, s->job_why, sizeof s->job_why);
        if (s->job_status == VOICEGW_OK)
            return VOICEGW_OK;
    }
    return home->host->post(home->host, s->stream, on_spoken, s);
}

static void on_make_retry(void *arg)
{
    struct speaker *s = arg;
    s->timer = 0;
    if (make(s) != VOICEGW_OK)
        s->timer = s->home->host->timer_start(s->home->host, s->stream, RETRY_US, on_make_retry, s);
}

static void on_looked(void *arg)
{
    struct speaker *s = arg;
    const struct voicegw_host *host = s->home->host;
    host->count(host, s->found ? "cache_hits" : "cache_misses", 1);
    if (s->found) {
        s->job_status = VOICEGW_OK;
        send_found(s);
        on_spoken(s);
        return;
    }
    if (s->timer)
        (void)host->timer_cancel(host, s->timer);
    s->timer = 0;
    on_make_retry(s);
}

static void start_next(struct speaker *s)
{
    const struct voicegw_host *host = s->home->host;
    if (s->current || !s->pieces || (s->credited && s->credit_ms <= 0))
        return;
    struct piece *p = s->pieces;
    s->current = p;
    s->job_epoch = atomic_load(&s->epoch);
    name_sound(s);
    int32_t rc = s->name[0] ? host->job(host, VOICEGW_LANE_IO, s->strand, s->stream, look, on_looked, s) : make(s);
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

static int format_of(const struct speaker_engine *engine, const struct voicegw_tts_params *params, uint32_t *ret_format)
{
    for (uint32_t i = 0; i < params->format_count; i++) {
        uint32_t encoding = params->formats[i].encoding;
        if (params->formats[i].rate == 8000 && ((encoding == VOICEGW_AUDIO_PCMU && engine->g711 >= 1) ||
                                                (encoding == VOICEGW_AUDIO_PCMA && engine->g711 >= 2))) {
            *ret_format = i;
            return 0;
        }
    }
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
    if (format_of(home->engine, params, &format) < 0)
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
    vendor_stream_opened(&home->streams);
    *ret_stream = s;
    *ret_format = format;
    return VOICEGW_OK;
}

int32_t speaker_cache_key(struct speaker_home *home, const struct voicegw_tts_params *params, const char *text,
                          char *out, uint32_t cap)
{
    struct speaker_request request = {text, params->voice ? params->voice : "",
                                      params->language ? params->language : "", 0};
    return home->engine->key ? home->engine->key(home->data, &request, out, cap) : VOICEGW_EUNSUPPORTED;
}
