/* hello-provider.c - a telephone company in one file: its calls ring, are answered by themselves, and the far side
 * echoes all it hears.
 *
 *     providers: {lab: {plugin: hello-provider, ring: 500ms}}
 *
 * A real provider would send requests (voicegw/draft/host_http.h) where this one starts timers. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "voicegw/plugin.h"
#include "voicegw/json.h"
#include "voicegw/draft/provider.h"
#include "voicegw/draft/provider_media.h"

enum { CALLS_MAX = 64, RINGING_SOON_US = 1000 };

struct call {
    struct telco *telco;
    uint64_t handle;          /* the host's name for the call; 0: this slot is free */
    uint64_t timer;           /* the next step of its life; 0: none */
    uint64_t make_op, end_op; /* operations that are owed a completion */
    uint32_t state, sequence;
};
struct telco {
    const struct voicegw_host *host;
    const struct voicegw_host_provider *provider;
    const struct voicegw_host_media *media;
    int64_t ring_us;
    struct call calls[CALLS_MAX];
};
struct stream { /* one call's audio, on its worker */
    struct telco *telco;
    uint64_t leg;
};

/* ---- calls, on the control thread ---- */

static struct call *find_call(struct telco *t, uint64_t handle) /* handle 0 finds a free slot */
{
    for (struct call *c = t->calls; c < t->calls + CALLS_MAX; c++) {
        if (c->handle == handle)
            return c;
    }
    return NULL;
}

static void report(struct call *c, uint32_t state, uint32_t outcome)
{
    struct voicegw_call_state s = {.size = sizeof s, .state = state, .outcome = outcome, .sequence = ++c->sequence};
    c->state = state;
    (void)c->telco->provider->on_state(c->telco->host, c->handle, &s);
}

/* Completes what is owed: once, so the op is forgotten first. */
static void complete(struct call *c, uint64_t *op)
{
    char id[32], result[64];
    uint64_t owed = *op;
    *op = 0;
    (void)snprintf(id, sizeof id, "hello-%llu", (unsigned long long)c->handle);
    struct voicegw_json_writer w = voicegw_json_writer_of(result, sizeof result);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_string(&w, "provider_call_id", id);
    voicegw_json_put_end(&w);
    if (owed != 0 && voicegw_json_finish(&w) > 0)
        (void)c->telco->provider->on_complete(c->telco->host, owed, VOICEGW_OK, NULL, result);
}

/* The life of a call: it rings, then the far side answers; or it was asked to end. */
static void on_timer(void *arg)
{
    struct call *c = arg;
    struct telco *t = c->telco;
    c->timer = 0;
    complete(c, &c->make_op);
    if (c->end_op) {
        bool answered = c->state == VOICEGW_CALL_CONNECTED;
        complete(c, &c->end_op);
        report(c, answered ? VOICEGW_CALL_ENDED : VOICEGW_CALL_FAILED,
               answered ? VOICEGW_OUTCOME_COMPLETED : VOICEGW_OUTCOME_CANCELED);
        memset(c, 0, sizeof *c);
    } else if (c->state == VOICEGW_CALL_INITIATING) {
        report(c, VOICEGW_CALL_RINGING, VOICEGW_OUTCOME_NONE);
        c->timer = t->host->timer_start(t->host, VOICEGW_TARGET_CONTROL, t->ring_us, on_timer, c);
    } else {
        report(c, VOICEGW_CALL_CONNECTED, VOICEGW_OUTCOME_NONE);
        (void)t->provider->call_leg(t->host, c->handle); /* now there is audio: the host calls attach() */
    }
}

static int32_t on_make_call(void *instance, uint64_t op, uint64_t handle, const struct voicegw_call_params *params)
{
    struct telco *t = instance;
    struct call *c = find_call(t, 0);
    if (!params->to || !*params->to || strlen(params->to) > 64)
        return t->host->set_error(t->host, VOICEGW_EINVALID, "to must be a number of 1 to 64 characters");
    if (!c)
        return t->host->set_error(t->host, VOICEGW_ELIMIT, "all 64 lines are busy");
    *c = (struct call){.telco = t, .handle = handle, .make_op = op, .state = VOICEGW_CALL_INITIATING};
    c->timer = t->host->timer_start(t->host, VOICEGW_TARGET_CONTROL, RINGING_SOON_US, on_timer, c);
    return VOICEGW_OK;
}

/* Starts the end and returns: the completion comes from the timer, never from inside this call. */
static int32_t on_end(void *instance, uint64_t op, uint64_t handle)
{
    struct telco *t = instance;
    struct call *c = handle ? find_call(t, handle) : NULL;
    if (!c || c->end_op)
        return t->host->set_error(t->host, VOICEGW_ENOTFOUND, "there is no such call, or it is ending already");
    if (c->timer)
        (void)t->host->timer_cancel(t->host, c->timer);
    c->end_op = op;
    c->timer = t->host->timer_start(t->host, VOICEGW_TARGET_CONTROL, 0, on_timer, c);
    return VOICEGW_OK;
}

static void on_forget(void *instance, uint64_t handle)
{
    struct telco *t = instance;
    struct call *c = handle ? find_call(t, handle) : NULL;
    if (c && c->timer)
        (void)t->host->timer_cancel(t->host, c->timer);
    if (c)
        memset(c, 0, sizeof *c);
}

/* ---- audio, on the leg's worker: what comes goes back; the instance is only read here ---- */

static int32_t on_attach(void *instance, uint64_t leg, uint64_t call, const struct voicegw_audio_format *formats,
                         uint32_t count, void **ret_stream)
{
    struct telco *t = instance;
    struct stream *s = count > 0 ? malloc(sizeof *s) : NULL;
    (void)call;
    if (!s)
        return t->host->set_error(t->host, VOICEGW_ELIMIT, "no format or no memory for a stream");
    *s = (struct stream){.telco = t, .leg = leg};
    *ret_stream = s;
    (void)t->media->on_format(t->host, leg, &formats[0]);
    return VOICEGW_OK;
}

static int32_t on_send(void *stream, const struct voicegw_frame *frame)
{
    struct stream *s = stream;
    return s->telco->media->on_frame(s->telco->host, s->leg, frame);
}

static int32_t on_clear(void *stream, uint32_t epoch)
{
    (void)stream, (void)epoch;
    return VOICEGW_OK; /* nothing is queued: each frame was heard when it was sent */
}

static int32_t on_mark(void *stream, uint64_t mark_id)
{
    struct stream *s = stream;
    return s->telco->media->on_mark(s->telco->host, s->leg, mark_id, 1);
}

static void on_detach(void *stream)
{
    struct stream s = *(struct stream *)stream;
    free(stream);
    (void)s.telco->media->on_detached(s.telco->host, s.leg);
}

/* ---- the instance ---- */

static int32_t on_create(const struct voicegw_host *host, const struct voicegw_options *options, void **ret_instance)
{
    struct telco t = {.host = host, .ring_us = host->option_int(host, options, "ring", 500000)};
    t.provider = host->get_extension(host, VOICEGW_HOST_PROVIDER);
    t.media = host->get_extension(host, VOICEGW_HOST_MEDIA);
    if (!t.provider || !t.media || t.ring_us < 10000)
        return host->set_error(host, VOICEGW_ECONFIG,
                               "ring must be at least 10ms, on a gateway with providers and media");
    struct telco *made = malloc(sizeof *made);
    if (!made)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    *made = t;
    *ret_instance = made;
    return VOICEGW_OK;
}

static int32_t on_start(void *instance)
{
    (void)instance; /* a real provider would register its routes here */
    return VOICEGW_OK;
}

/* clang-format off */
static const struct voicegw_provider provider = {
    .size = sizeof provider, .make_call = on_make_call, .end = on_end, .forget = on_forget,
};
static const struct voicegw_provider_media media = {
    .size = sizeof media, .attach = on_attach, .send = on_send, .clear = on_clear, .mark = on_mark, .detach = on_detach,
};

static const void *on_extension(void *instance, const char *id)
{
    (void)instance;
    if (strcmp(id, VOICEGW_KIND_PROVIDER) == 0)
        return &provider;
    return strcmp(id, VOICEGW_KIND_PROVIDER_MEDIA) == 0 ? &media : NULL;
}

static const struct voicegw_option options[] = {
    {.size = sizeof options[0], .type = VOICEGW_OPTION_DURATION, .name = "ring", .dflt = "500ms", .unit = "s", .min = 0.01,
     .max = 60, .description = "How long a call rings before the far side answers"},
};
static const struct voicegw_factory factory = { /* destroy is free(): the host drops our timers by itself */
    .size = sizeof factory, .kind = VOICEGW_KIND_PROVIDER, .options = options, .option_count = 1,
    .caps = VOICEGW_CAP_MAKE_CALL | VOICEGW_CAP_END | VOICEGW_CAP_MEDIA,
    .create = on_create, .start = on_start, .destroy = free, .get_extension = on_extension,
};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {
    .size = sizeof plugin, .abi_major = VOICEGW_ABI_MAJOR, .abi_minor = VOICEGW_ABI_MINOR, .flags = VOICEGW_PLUGIN_CLOSABLE,
    .name = "hello-provider", .version = "1.0", .license = "MIT",
    .description = "Calls that answer themselves and echo, as an example", .factory_count = 1, .factories = factories,
};
/* clang-format on */

/* The one symbol that leaves this file; also called in a process that only looks, so it has no effects. */
const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_minor;
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
