/* instant-stt.c - a recognizer without a model: it draws from a seed what was said, when the answer comes, and now and
 * then that it fails. */
#include <stdlib.h>
#include <string.h>
#include "chance.h"
#include "voicegw/draft/stt.h"

struct engine {
    const struct voicegw_host *host;
    const struct voicegw_host_stt *stt;
    uint64_t rng;
    uint64_t rude; /* percent of answers that are wrong in some way */
    struct stream *streams;
};
struct stream { /* kept until the instance goes, so that a late call is seen and harms nothing */
    struct stream *next;
    struct engine *engine;
    uint64_t handle, finals[16];
    unsigned final_count;
    int closed, broken;
};

static int32_t on_create(const struct voicegw_host *host, const struct voicegw_options *o, void **ret_instance)
{
    struct engine *e = calloc(1, sizeof *e);
    if (!e)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    e->host = host;
    e->stt = host->get_extension(host, VOICEGW_HOST_STT);
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
        chance_broken(s->engine->host, "stt: a stream was used after close()");
    if (s->engine->host->thread(s->engine->host) != VOICEGW_THREAD_MEDIA)
        chance_broken(s->engine->host, "stt: a stream was used on another thread than its worker");
    return s->engine;
}

static int32_t on_open(void *instance, uint64_t handle, const struct voicegw_stt_params *params, void **ret_stream,
                       uint32_t *ret_format)
{
    struct engine *e = instance;
    struct stream *s;
    if (params->format_count == 0 || chance_of(&e->rng, e->rude / 2))
        return e->host->set_error(e->host, VOICEGW_ENETWORK, "the recognizer cannot be reached");
    if (!(s = calloc(1, sizeof *s)))
        return e->host->set_error(e->host, VOICEGW_ELIMIT, "out of memory");
    *s = (struct stream){.next = e->streams, .engine = e, .handle = handle};
    e->streams = s;
    *ret_stream = s;
    *ret_format = (uint32_t)chance_below(&e->rng, params->format_count);
    return VOICEGW_OK;
}

static int32_t on_push(void *stream, const struct voicegw_frame *frame)
{
    (void)frame;
    (void)alive(stream);
    return VOICEGW_OK;
}

static const char *phrase(struct engine *e)
{
    static const char *const all[] = {"hello",   "",          "what time is breakfast",
                                      "goodbye", "reception", "i would like to book a room for two nights",
                                      "uh huh",  "a"};
    return all[chance_below(&e->rng, sizeof all / sizeof all[0])];
}

static void tell(struct stream *s, uint64_t utterance, uint32_t final)
{
    struct engine *e = s->engine;
    struct voicegw_stt_result r = {.size = sizeof r,
                                   .final = final,
                                   .utterance = utterance,
                                   .text = phrase(e),
                                   .confidence = chance_of(&e->rng, 20) ? -1.0 : 0.8,
                                   .start_sample = -1,
                                   .end_sample = -1};
    (void)e->stt->on_result(e->host, s->handle, &r);
}

static int32_t on_speech(void *stream, uint64_t utterance, uint32_t started, uint64_t sample)
{
    struct stream *s = stream;
    struct engine *e = alive(s);
    (void)sample;
    if (started && chance_of(&e->rng, 50))
        tell(s, utterance, 0);
    return VOICEGW_OK;
}

static void on_timer(void *arg)
{
    struct stream *s = arg;
    if (s->closed || s->final_count == 0)
        return;
    tell(s, s->finals[0], 1);
    memmove(s->finals, s->finals + 1, --s->final_count * sizeof s->finals[0]);
}

static int32_t on_finalize(void *stream, uint64_t utterance)
{
    struct stream *s = stream;
    struct engine *e = alive(s);
    if (chance_of(&e->rng, e->rude)) {
        switch (chance_below(&e->rng, 4)) {
        case 0: /* never answers */
            return VOICEGW_OK;
        case 1:
            (void)e->stt->on_error(e->host, s->handle, 1, VOICEGW_ENETWORK, "the recognizer went away");
            return VOICEGW_OK;
        case 2:
            tell(s, utterance, 1); /* and once more below */
            break;
        default:
            (void)e->stt->on_error(e->host, s->handle, 0, VOICEGW_EPROVIDER, "a word was lost");
        }
    }
    if (chance_of(&e->rng, 40) || s->final_count == sizeof s->finals / sizeof s->finals[0]) {
        tell(s, utterance, 1);
        return VOICEGW_OK;
    }
    s->finals[s->final_count++] = utterance;
    (void)e->host->timer_start(e->host, s->handle, chance_time(&e->rng, 900000), on_timer, s);
    return VOICEGW_OK;
}

static int32_t on_update(void *stream, const char *hints_json, const char *language)
{
    (void)hints_json;
    (void)language;
    (void)alive(stream);
    return VOICEGW_OK;
}

static void finish_close(void *arg)
{
    struct stream *s = arg;
    (void)s->engine->stt->on_closed(s->engine->host, s->handle);
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

static const struct voicegw_stt stt = {.size = sizeof stt,
                                       .open = on_open,
                                       .push = on_push,
                                       .speech = on_speech,
                                       .finalize = on_finalize,
                                       .update = on_update,
                                       .close = on_close};

static const void *on_extension(void *instance, const char *id)
{
    (void)instance;
    return strcmp(id, VOICEGW_KIND_STT) == 0 ? &stt : NULL;
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
                                               .kind = VOICEGW_KIND_STT,
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
                                             .name = "instant-stt",
                                             .version = "1.0",
                                             .license = "MIT",
                                             .description = "A recognizer that draws its answers",
                                             .factory_count = 1,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_minor;
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
