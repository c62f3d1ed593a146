/* instant-tts.c - a synthesizer without a voice: sound as long as its text, at once or in pieces, and failures drawn
 * from a seed. */
#include <stdlib.h>
#include <string.h>
#include "chance.h"
#include "voicegw/draft/tts.h"

enum { WAITING_MAX = 64, PIECE_MS = 60, TEXT_MS = 40 };

struct engine {
    const struct voicegw_host *host;
    const struct voicegw_host_tts *tts;
    uint64_t rng;
    uint64_t rude;
    struct stream *streams;
};
struct speech {
    uint64_t utterance;
    uint32_t left_ms;
    int last; /* no more text follows */
};
struct stream { /* kept until the instance goes, so that a late call is seen and harms nothing */
    struct stream *next;
    struct engine *engine;
    uint64_t handle, timer;
    struct voicegw_audio_format format;
    struct speech waiting[WAITING_MAX];
    unsigned count;
    int closed, silent;
};

static int32_t on_create(const struct voicegw_host *host, const struct voicegw_options *o, void **ret_instance)
{
    struct engine *e = calloc(1, sizeof *e);
    if (!e)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    e->host = host;
    e->tts = host->get_extension(host, VOICEGW_HOST_TTS);
    e->rng = (uint64_t)host->option_int(host, o, "seed", 1);
    e->rude = (uint64_t)host->option_int(host, o, "rude", 0);
    *ret_instance = e;
    return VOICEGW_OK;
}

static int32_t on_start(void *instance)
{
    (void)instance;
    return VOICEGW_OK;
}

static void on_destroy(void *instance)
{
    struct engine *e = instance;
    while (e->streams) {
        struct stream *s = e->streams;
        e->streams = s->next;
        free(s);
    }
    free(e);
}

static struct engine *alive(struct stream *s)
{
    if (s->closed)
        chance_broken(s->engine->host, "tts: a stream was used after close()");
    return s->engine;
}

static int32_t on_open(void *instance, uint64_t handle, const struct voicegw_tts_params *params, void **ret_stream,
                       uint32_t *ret_format)
{
    struct engine *e = instance;
    struct stream *s;
    if (params->format_count == 0 || chance_of(&e->rng, e->rude / 2))
        return e->host->set_error(e->host, VOICEGW_ENETWORK, "the synthesizer cannot be reached");
    if (!(s = calloc(1, sizeof *s)))
        return e->host->set_error(e->host, VOICEGW_ELIMIT, "out of memory");
    *s = (struct stream){.next = e->streams, .engine = e, .handle = handle};
    *ret_format = (uint32_t)chance_below(&e->rng, params->format_count);
    s->format = params->formats[*ret_format];
    e->streams = s;
    *ret_stream = s;
    return VOICEGW_OK;
}

static void forget_first(struct stream *s)
{
    memmove(s->waiting, s->waiting + 1, --s->count * sizeof s->waiting[0]);
}

static void wake(struct stream *s, int64_t delay_us);

/* One piece of the first utterance's sound. False: it was cancelled. */
static int send_piece(struct stream *s, struct speech *w)
{
    static const uint8_t sound[PIECE_MS * 48 * 2];
    struct engine *e = s->engine;
    uint32_t ms = w->left_ms < PIECE_MS ? w->left_ms : PIECE_MS;
    uint32_t samples = ms * s->format.rate / 1000;
    struct voicegw_frame f = {.size = sizeof f,
                              .encoding = s->format.encoding,
                              .rate = s->format.rate,
                              .data = sound,
                              .samples = samples,
                              .bytes = samples * (s->format.encoding == VOICEGW_AUDIO_L16 ? 2 : 1)};
    w->left_ms -= ms;
    return samples == 0 || e->tts->on_audio(e->host, s->handle, w->utterance, &f) != VOICEGW_EBUSY;
}

static void on_timer(void *arg)
{
    struct stream *s = arg;
    struct engine *e = s->engine;
    s->timer = 0;
    if (s->closed || s->silent || s->count == 0)
        return;
    struct speech *w = &s->waiting[0];
    int slow = chance_of(&e->rng, 20);
    if (chance_of(&e->rng, e->rude / 4)) {
        switch (chance_below(&e->rng, 3)) {
        case 0:
            s->silent = 1; /* hangs */
            return;
        case 1:
            s->silent = 1;
            (void)e->tts->on_error(e->host, s->handle, 1, VOICEGW_ENETWORK, "the synthesizer went away");
            return;
        default:
            (void)e->tts->on_done(e->host, s->handle, w->utterance, VOICEGW_EPROVIDER, "this cannot be said");
            forget_first(s);
            wake(s, 0);
            return;
        }
    }
    while (w->left_ms > 0 && send_piece(s, w) && !slow)
        continue;
    if (w->left_ms > 0) {
        wake(s, chance_time(&e->rng, 80000));
    } else if (w->last) {
        uint64_t utterance = w->utterance;
        forget_first(s);
        (void)e->tts->on_done(e->host, s->handle, utterance, VOICEGW_OK, NULL);
        wake(s, 0);
    }
}

static void wake(struct stream *s, int64_t delay_us)
{
    if (!s->timer && s->count)
        s->timer = s->engine->host->timer_start(s->engine->host, s->handle, delay_us, on_timer, s);
}

static int32_t on_speak(void *stream, uint64_t utterance, const char *text, uint32_t flags)
{
    struct stream *s = stream;
    struct engine *e = alive(s);
    struct speech *w = s->count ? &s->waiting[s->count - 1] : NULL;
    if (!w || w->utterance != utterance) {
        if (s->count == WAITING_MAX)
            return e->host->set_error(e->host, VOICEGW_ELIMIT, "too much waits to be said");
        w = &s->waiting[s->count++];
        *w = (struct speech){.utterance = utterance};
    }
    if (w->last)
        chance_broken(e->host, "tts: text came after VOICEGW_SPEAK_LAST");
    w->left_ms += (uint32_t)strlen(text) * TEXT_MS;
    w->last = (flags & VOICEGW_SPEAK_LAST) != 0;
    wake(s, chance_time(&e->rng, 400000));
    return VOICEGW_OK;
}

static int32_t on_flush(void *stream)
{
    (void)alive(stream);
    return VOICEGW_OK;
}

static int32_t on_cancel(void *stream)
{
    struct stream *s = stream;
    struct engine *e = alive(s);
    while (s->count && !s->silent) {
        (void)e->tts->on_done(e->host, s->handle, s->waiting[0].utterance, VOICEGW_EBUSY, NULL);
        forget_first(s);
    }
    return VOICEGW_OK;
}

static void finish_close(void *arg)
{
    struct stream *s = arg;
    (void)s->engine->tts->on_closed(s->engine->host, s->handle);
}

static void on_close(void *stream)
{
    struct stream *s = stream;
    struct engine *e = alive(s);
    s->closed = 1;
    if (chance_of(&e->rng, e->rude / 4)) /* never lets go: the host has a deadline */
        return;
    if (chance_of(&e->rng, 70))
        (void)e->host->post(e->host, s->handle, finish_close, s);
    else
        (void)e->host->timer_start(e->host, s->handle, chance_time(&e->rng, 3000000), finish_close, s);
}

static const struct voicegw_tts tts = {
    .size = sizeof tts, .open = on_open, .speak = on_speak, .flush = on_flush, .cancel = on_cancel, .close = on_close};

static const void *on_extension(void *instance, const char *id)
{
    (void)instance;
    return strcmp(id, VOICEGW_KIND_TTS) == 0 ? &tts : NULL;
}

static const struct voicegw_option options[] = {{.size = sizeof(struct voicegw_option),
                                                 .type = VOICEGW_OPTION_INT,
                                                 .name = "seed",
                                                 .dflt = "1",
                                                 .min = 0,
                                                 .max = 1e15,
                                                 .description = "What is drawn begins here"},
                                                {.size = sizeof(struct voicegw_option),
                                                 .type = VOICEGW_OPTION_INT,
                                                 .name = "rude",
                                                 .dflt = "0",
                                                 .min = 0,
                                                 .max = 100,
                                                 .description = "Percent of answers that are wrong in some way"}};
static const struct voicegw_factory factory = {.size = sizeof factory,
                                               .kind = VOICEGW_KIND_TTS,
                                               .options = options,
                                               .option_count = sizeof options / sizeof options[0],
                                               .create = on_create,
                                               .start = on_start,
                                               .destroy = on_destroy,
                                               .get_extension = on_extension};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .flags = VOICEGW_PLUGIN_CLOSABLE,
                                             .name = "instant-tts",
                                             .version = "1.0",
                                             .license = "MIT",
                                             .description = "A synthesizer that draws its sound",
                                             .factory_count = 1,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_minor;
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
