/* chaos-provider.c - a telephone company that keeps no order: states twice, late and out of order, operations that are
 * answered late, wrongly, twice or never, media that stutters, breaks and comes back. All of it drawn from a seed. What
 * the host does in return is held against the SDK's promises. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "chance.h"
#include "voicegw/draft/provider.h"
#include "voicegw/draft/provider_media.h"

enum { CALLS_MAX = 256, FRAME_US = 20000, SECOND_US = 1000000, FRAMES_MAX = 400, MARKS_MAX = 64 };

struct telco;
struct call {
    uint64_t handle; /* 0: none yet */
    uint32_t sequence;
    int over;      /* the host was told of the end */
    int forgotten; /* the host let go of it */
    int came_in;
    char id[32];
};
struct task { /* something that happens on control later */
    struct task *next, **at;
    struct telco *telco;
    enum { TASK_STATE, TASK_COMPLETE, TASK_INCOMING, TASK_DTMF, TASK_LEG, TASK_RECORDING } kind;
    unsigned call;
    uint64_t op;
    uint32_t state, outcome, sequence;
    int32_t status;
    const char *result; /* constant */
};
struct stream { /* kept until the instance goes, so that a late call is seen and harms nothing */
    struct stream *next;
    struct telco *telco;
    uint64_t leg, rng, timestamp;
    uint64_t marks[MARKS_MAX];
    unsigned mark_count, frames, burst, sequence;
    struct voicegw_audio_format formats[2];
    int detached, up, blocked, lost;
};
struct telco {
    const struct voicegw_host *host;
    const struct voicegw_host_provider *provider;
    const struct voicegw_host_media *media;
    uint64_t rng, rude, name;
    unsigned incoming, id_count, call_count;
    struct call calls[CALLS_MAX];
    struct task *tasks;
    struct stream *streams;
    int draining, ever_rude;
};

/* ---- tasks ---- */

static void task_run(void *arg);

static void task_start(struct telco *t, int64_t delay_us, const struct task *like)
{
    struct task *k = malloc(sizeof *k);
    if (!k)
        return;
    *k = *like;
    k->telco = t;
    k->next = t->tasks;
    k->at = &t->tasks;
    if (k->next)
        k->next->at = &k->next;
    t->tasks = k;
    if (!t->host->timer_start(t->host, VOICEGW_TARGET_CONTROL, delay_us, task_run, k)) {
        t->tasks = k->next;
        if (k->next)
            k->next->at = &t->tasks;
        free(k);
    }
}

static int rude(struct telco *t)
{
    return chance_of(&t->rng, t->rude);
}

/* ---- calls ---- */

static struct call *call_of(struct telco *t, uint64_t handle)
{
    for (unsigned i = 0; i < t->call_count; i++)
        if (t->calls[i].handle == handle)
            return &t->calls[i];
    return NULL;
}

static struct call *call_new(struct telco *t, uint64_t handle)
{
    if (t->call_count == CALLS_MAX)
        return NULL;
    struct call *c = &t->calls[t->call_count++];
    *c = (struct call){.handle = handle};
    (void)snprintf(c->id, sizeof c->id, "CH%08x-%u", (unsigned)(t->name & 0xffffffffu), ++t->id_count);
    return c;
}

static void plan_state(struct telco *t, const struct call *c, int64_t delay_us, uint32_t state, uint32_t outcome)
{
    struct task k = {.kind = TASK_STATE, .call = (unsigned)(c - t->calls), .state = state, .outcome = outcome};
    task_start(t, delay_us, &k);
    if (chance_of(&t->rng, 15)) /* told twice */
        task_start(t, delay_us + chance_time(&t->rng, 2 * SECOND_US), &k);
}

/* A life from where it stands to its end, its steps in order or shuffled. */
static void plan_life(struct telco *t, const struct call *c, int ringing)
{
    int64_t at_us = 0;
    if (ringing) {
        plan_state(t, c, chance_time(&t->rng, SECOND_US), VOICEGW_CALL_INITIATING, 0);
        at_us += chance_time(&t->rng, 3 * SECOND_US);
        plan_state(t, c, at_us, VOICEGW_CALL_RINGING, 0);
        at_us += chance_time(&t->rng, 8 * SECOND_US);
        if (chance_of(&t->rng, 15)) {
            plan_state(t, c, at_us, VOICEGW_CALL_FAILED, 2 + (uint32_t)chance_below(&t->rng, 4));
            return;
        }
        if (rude(t))
            return; /* rings for ever */
    }
    if (rude(t))
        at_us = chance_time(&t->rng, 2 * SECOND_US); /* out of order */
    plan_state(t, c, at_us, VOICEGW_CALL_CONNECTED, 0);
    if (chance_of(&t->rng, 70)) {
        struct task leg = {.kind = TASK_LEG, .call = (unsigned)(c - t->calls)};
        task_start(t, chance_of(&t->rng, 50) ? at_us : chance_time(&t->rng, 9 * SECOND_US), &leg);
    }
    while (chance_of(&t->rng, 25)) {
        int64_t hold_us = at_us + chance_time(&t->rng, 20 * SECOND_US);
        plan_state(t, c, hold_us, VOICEGW_CALL_ON_HOLD, 0);
        plan_state(t, c, hold_us + chance_time(&t->rng, 5 * SECOND_US), VOICEGW_CALL_CONNECTED, 0);
    }
    while (chance_of(&t->rng, 30)) {
        struct task dtmf = {.kind = TASK_DTMF, .call = (unsigned)(c - t->calls)};
        task_start(t, at_us + chance_time(&t->rng, 20 * SECOND_US), &dtmf);
    }
    if (rude(t) || chance_of(&t->rng, 25))
        return; /* nobody ever says that it is over */
    at_us += chance_time(&t->rng, 40 * SECOND_US);
    plan_state(t, c, at_us, VOICEGW_CALL_ENDED, VOICEGW_OUTCOME_COMPLETED);
}

static void tell_state(struct telco *t, struct call *c, const struct task *k)
{
    struct voicegw_call_state s = {.size = sizeof s,
                                   .state = k->state,
                                   .outcome = k->outcome,
                                   .sequence = rude(t)                  ? (uint32_t)chance_below(&t->rng, 9)
                                               : chance_of(&t->rng, 50) ? 0u
                                                                        : ++c->sequence,
                                   .cause = chance_of(&t->rng, 50) ? "chaos" : NULL,
                                   .data_json = chance_of(&t->rng, 20) ? "{\"cost\":0.01,\"currency\":\"EUR\"}" : NULL,
                                   .provider_call_id = rude(t)                  ? t->calls[0].id
                                                       : chance_of(&t->rng, 50) ? c->id
                                                                                : NULL};
    (void)t->provider->on_state(t->host, c->handle, &s);
    if (k->state >= VOICEGW_CALL_ENDED)
        c->over = 1;
}

static void come_in(struct telco *t)
{
    static const char *const numbers[] = {"+15550101", "+15550102", "+15550103", "+15550104", "+15550199", "nobody"};
    int again = t->call_count && chance_of(&t->rng, 15);
    struct call *known = again ? &t->calls[chance_below(&t->rng, t->call_count)] : NULL;
    struct call *c = known && known->handle && !known->forgotten ? known : call_new(t, 0);
    struct voicegw_incoming in = {
        .size = sizeof in, .answered = chance_of(&t->rng, 15) ? 1u : 0u, .from = "+15551234", .caller_name = "C"};
    uint64_t handle = 0;
    if (!c)
        return;
    in.provider_call_id = c->id;
    in.to = numbers[chance_below(&t->rng, sizeof numbers / sizeof numbers[0])];
    in.variables_json = chance_of(&t->rng, 30) ? "{\"room\":12}" : NULL;
    int32_t rc = t->provider->on_incoming(t->host, &in, &handle);
    if (rc < 0) {
        if (!t->host->last_error(t->host)[0])
            chance_broken(t->host, "provider: an incoming call was refused without a sentence");
        if (c != known)
            c->forgotten = 1;
        return;
    }
    if (c == known && handle == c->handle)
        return;
    if (c == known) { /* ours was going out, or another has its id: here it is a new call */
        if (known->came_in && !known->forgotten && !t->ever_rude)
            chance_broken(t->host, "provider: the same provider_call_id gave another call");
        if (call_of(t, handle) || !(c = call_new(t, handle)))
            return;
        memcpy(c->id, known->id, sizeof c->id); /* by which it is known from here on */
    }
    c->came_in = 1;
    c->handle = handle;
    if (in.answered || rude(t))
        plan_life(t, c, 0);
    else if (chance_of(&t->rng, 25)) /* the caller gives up */
        plan_state(t, c, chance_time(&t->rng, 10 * SECOND_US), VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_CANCELED);
}

static void task_do(struct telco *t, const struct task *k)
{
    struct call *c = k->kind == TASK_INCOMING ? NULL : &t->calls[k->call];
    static const char *const digits[] = {"0", "1", "2", "5", "#", "*"};
    switch (k->kind) {
    case TASK_STATE:
        tell_state(t, c, k);
        break;
    case TASK_COMPLETE:
        (void)t->provider->on_complete(t->host, k->op, k->status, k->status ? "the company says no" : NULL,
                                       k->result && strcmp(k->result, "id") == 0 ? NULL : k->result);
        break;
    case TASK_INCOMING:
        come_in(t);
        break;
    case TASK_DTMF:
        (void)t->provider->on_dtmf(t->host, c->handle, digits[chance_below(&t->rng, 6)], 100, NULL);
        break;
    case TASK_LEG:
        (void)t->provider->call_leg(t->host, c->handle);
        (void)t->provider->call_describe(t->host, c->handle);
        break;
    case TASK_RECORDING:
        (void)t->provider->on_recording(t->host, c->handle, "rec", "stopped", "https://example.com/r.wav", 3.0);
    }
}

static void task_run(void *arg)
{
    struct task *k = arg;
    *k->at = k->next;
    if (k->next)
        k->next->at = k->at;
    task_do(k->telco, k);
    free(k);
}

/* ---- operations ---- */

static struct call *op_call(struct telco *t, uint64_t handle, const char *broken)
{
    struct call *c = call_of(t, handle);
    if (!c || c->forgotten)
        chance_broken(t->host, broken);
    if (t->host->thread(t->host) != VOICEGW_THREAD_CONTROL)
        chance_broken(t->host, "provider: an operation came on another thread than control");
    return c;
}

static int32_t answer_op(struct telco *t, const struct call *c, uint64_t op, const char *result)
{
    struct task k = {.kind = TASK_COMPLETE, .call = (unsigned)(c - t->calls), .op = op, .result = result};
    if (rude(t)) {
        switch (chance_below(&t->rng, 4)) {
        case 0:
            return t->host->set_error(t->host, VOICEGW_EPROVIDER, "the company is closed");
        case 1:
            return VOICEGW_OK; /* never answered */
        case 2:
            task_start(t, 35 * SECOND_US, &k); /* too late */
            return VOICEGW_OK;
        default:
            k.status = VOICEGW_EPROVIDER;
        }
    }
    task_start(t, chance_time(&t->rng, 2 * SECOND_US), &k);
    if (chance_of(&t->rng, 5))
        task_start(t, chance_time(&t->rng, 4 * SECOND_US), &k); /* twice */
    return VOICEGW_OK;
}

static int32_t on_make_call(void *instance, uint64_t op, uint64_t handle, const struct voicegw_call_params *params)
{
    struct telco *t = instance;
    struct call *c = call_new(t, handle);
    static const char *const ids[] = {"{\"provider_call_id\":\"CHout\"}", "{}", NULL, "{\"provider_call_id\":7}"};
    if (!c || !params->to[0])
        return t->host->set_error(t->host, VOICEGW_ELIMIT, "no more lines");
    int32_t rc = answer_op(t, c, op, ids[chance_below(&t->rng, 4)]);
    if (rc == 0)
        plan_life(t, c, 1);
    return rc;
}

static int32_t on_answer(void *instance, uint64_t op, uint64_t handle)
{
    struct telco *t = instance;
    struct call *c = op_call(t, handle, "provider: answer() of a call that was let go");
    if (!c)
        return VOICEGW_ENOTFOUND;
    int32_t rc = answer_op(t, c, op, NULL);
    if (rc == 0)
        plan_life(t, c, 0);
    return rc;
}

static int32_t on_reject(void *instance, uint64_t op, uint64_t handle, const char *reason)
{
    struct telco *t = instance;
    struct call *c = op_call(t, handle, "provider: reject() of a call that was let go");
    (void)reason;
    if (c && !rude(t))
        plan_state(t, c, chance_time(&t->rng, SECOND_US), VOICEGW_CALL_FAILED, VOICEGW_OUTCOME_BUSY);
    return c ? answer_op(t, c, op, NULL) : VOICEGW_ENOTFOUND;
}

static int32_t on_end(void *instance, uint64_t op, uint64_t handle)
{
    struct telco *t = instance;
    struct call *c = op_call(t, handle, "provider: end() of a call that was let go");
    if (c && !rude(t))
        plan_state(t, c, chance_time(&t->rng, 2 * SECOND_US),
                   chance_of(&t->rng, 80) ? VOICEGW_CALL_ENDED : VOICEGW_CALL_FAILED,
                   1 + (uint32_t)chance_below(&t->rng, 5));
    return c ? answer_op(t, c, op, NULL) : VOICEGW_ENOTFOUND;
}

static int32_t on_hold(void *instance, uint64_t op, uint64_t handle, uint32_t on, const char *music_url)
{
    struct telco *t = instance;
    struct call *c = op_call(t, handle, "provider: hold() of a call that was let go");
    (void)music_url;
    if (c && chance_of(&t->rng, 50))
        plan_state(t, c, chance_time(&t->rng, SECOND_US), on ? VOICEGW_CALL_ON_HOLD : VOICEGW_CALL_CONNECTED, 0);
    return c ? answer_op(t, c, op, NULL) : VOICEGW_ENOTFOUND;
}

static int32_t on_transfer(void *instance, uint64_t op, uint64_t handle, uint32_t kind, const char *to,
                           const char *params_json)
{
    static const char *const outcomes[] = {"{\"outcome\":\"completed\"}", "{\"outcome\":\"busy\"}",
                                           "{\"outcome\":\"failed\"}", NULL};
    struct telco *t = instance;
    struct call *c = op_call(t, handle, "provider: transfer() of a call that was let go");
    (void)kind;
    (void)params_json;
    if (!to || !to[0])
        chance_broken(t->host, "provider: transfer() to nowhere");
    if (c && chance_of(&t->rng, 40))
        plan_state(t, c, chance_time(&t->rng, 5 * SECOND_US), VOICEGW_CALL_ENDED, VOICEGW_OUTCOME_COMPLETED);
    return c ? answer_op(t, c, op, outcomes[chance_below(&t->rng, 4)]) : VOICEGW_ENOTFOUND;
}

static int32_t on_mute(void *instance, uint64_t op, uint64_t handle, uint32_t on)
{
    struct call *c = op_call(instance, handle, "provider: mute() of a call that was let go");
    (void)on;
    return c ? answer_op(instance, c, op, NULL) : VOICEGW_ENOTFOUND;
}

static int32_t on_status(void *instance, uint64_t op, uint64_t handle)
{
    static const char *const states[] = {"{\"state\":\"connected\"}", "{\"state\":\"ended\"}", "{\"state\":5}", NULL};
    struct telco *t = instance;
    struct call *c = op_call(t, handle, "provider: status() of a call that was let go");
    return c ? answer_op(t, c, op, states[chance_below(&t->rng, 4)]) : VOICEGW_ENOTFOUND;
}

static void on_forget(void *instance, uint64_t handle)
{
    struct telco *t = instance;
    struct call *c = call_of(t, handle);
    if (!c)
        return; /* its on_incoming() is still under way */
    if (c->forgotten)
        chance_broken(t->host, "provider: forget() came twice");
    c->forgotten = 1;
}

/* ---- media, on the leg's worker ---- */

static struct telco *stream_alive(struct stream *s)
{
    const struct voicegw_host *host = s->telco->host;
    if (s->detached)
        chance_broken(host, "media: a stream was used after on_detached()");
    if (host->thread(host) != VOICEGW_THREAD_MEDIA)
        chance_broken(host, "media: a stream was used on another thread than its worker");
    return s->telco;
}

static void stream_frame(struct stream *s)
{
    static uint8_t loud[320], quiet[320];
    struct voicegw_frame f = {.size = sizeof f,
                              .encoding = s->formats[0].encoding,
                              .rate = s->formats[0].rate,
                              .timestamp = s->timestamp,
                              .sequence = chance_of(&s->rng, 97) ? ++s->sequence : 0};
    uint32_t bytes = s->formats[0].rate / 50 * (f.encoding == VOICEGW_AUDIO_L16 ? 2 : 1);
    if (!loud[0]) /* voiced enough for any detector: a square wave with a slow beat */
        for (unsigned i = 0; i < sizeof loud; i++) {
            loud[i] = (uint8_t)((i / 20) % 2 ? 0x12 : 0x92);
            quiet[i] = 0xff;
        }
    f.data = s->burst ? loud : quiet;
    f.bytes = bytes < sizeof loud ? bytes : sizeof loud;
    f.samples = f.encoding == VOICEGW_AUDIO_L16 ? f.bytes / 2 : f.bytes;
    s->timestamp += f.samples;
    (void)s->telco->media->on_frame(s->telco->host, s->leg, &f);
}

static void stream_marks(struct stream *s, uint32_t heard)
{
    struct telco *t = s->telco;
    while (s->mark_count) {
        uint64_t mark = s->marks[0];
        memmove(s->marks, s->marks + 1, --s->mark_count * sizeof s->marks[0]);
        (void)t->media->on_mark(t->host, s->leg, mark, heard);
        if (chance_of(&s->rng, 5))
            (void)t->media->on_mark(t->host, s->leg, mark, heard);
    }
}

static void stream_up(struct stream *s)
{
    s->up = 1;
    (void)s->telco->media->on_format(s->telco->host, s->leg, &s->formats[0]);
}

static void on_tick(void *arg)
{
    static const char *const digits[] = {"1", "2", "0", "9", "#", "x"};
    struct stream *s = arg;
    struct telco *t = s->telco;
    int64_t next_us = FRAME_US;
    if (s->detached || s->lost)
        return;
    if (!s->up)
        stream_up(s);
    if (s->frames++ >= FRAMES_MAX)
        next_us = SECOND_US; /* only now and then a sign of life: long calls stay cheap */
    if (s->burst == 0 && chance_of(&s->rng, 3))
        s->burst = 20 + (unsigned)chance_below(&s->rng, 60);
    stream_frame(s);
    s->burst -= s->burst > 0;
    if (s->blocked && chance_of(&s->rng, 60)) {
        s->blocked = 0;
        (void)t->media->on_writable(t->host, s->leg);
    }
    if (chance_of(&s->rng, 40))
        stream_marks(s, 1);
    if (chance_below(&s->rng, 200) == 0)
        (void)t->media->on_dtmf(t->host, s->leg, digits[chance_below(&s->rng, 6)], 80, NULL);
    if (chance_below(&s->rng, 500) == 0)
        (void)t->media->on_quality(t->host, s->leg, 0.2, 40, 300);
    if (chance_below(&s->rng, 1000) < t->rude / 4) {
        s->formats[0] = s->formats[1];
        stream_up(s);
    }
    if (chance_below(&s->rng, 4000) < t->rude / 4) {
        s->lost = 1;
        (void)t->media->on_lost(t->host, s->leg, "the line was cut");
    }
    if (chance_of(&s->rng, 2))
        next_us = chance_time(&s->rng, 3 * SECOND_US); /* it stutters */
    (void)t->host->timer_start(t->host, s->leg, next_us, on_tick, s);
}

static int32_t on_attach(void *instance, uint64_t leg, uint64_t call, const struct voicegw_audio_format *formats,
                         uint32_t count, void **ret_stream)
{
    struct telco *t = instance;
    struct stream *s = count ? calloc(1, sizeof *s) : NULL;
    (void)call;
    if (!s || rude(t)) {
        free(s);
        return t->host->set_error(t->host, VOICEGW_ENETWORK, "no line is free");
    }
    *s = (struct stream){.next = t->streams, .telco = t, .leg = leg, .rng = chance_next(&t->rng)};
    s->formats[0] = formats[0];
    s->formats[1] = formats[chance_below(&t->rng, count < 2 ? count : 2)]; /* both of 8 kHz: long runs stay cheap */
    t->streams = s;
    *ret_stream = s;
    if (chance_of(&s->rng, 50))
        stream_up(s);
    if (!rude(t)) /* else no media ever comes */
        (void)t->host->timer_start(t->host, leg, chance_time(&s->rng, SECOND_US), on_tick, s);
    return VOICEGW_OK;
}

static int32_t on_send(void *stream, const struct voicegw_frame *frame)
{
    struct stream *s = stream;
    (void)stream_alive(s);
    if (frame->encoding != s->formats[0].encoding || frame->rate != s->formats[0].rate)
        chance_broken(s->telco->host, "media: a frame came in another format than was agreed");
    if (!s->blocked && !s->lost && chance_of(&s->rng, 2))
        s->blocked = 1;
    return s->blocked ? VOICEGW_EBUSY : VOICEGW_OK;
}

static int32_t on_clear(void *stream, uint32_t epoch)
{
    struct stream *s = stream;
    (void)stream_alive(s);
    (void)epoch;
    if (chance_of(&s->rng, 80))
        stream_marks(s, 0);
    return VOICEGW_OK;
}

static int32_t on_mark(void *stream, uint64_t mark_id)
{
    struct stream *s = stream;
    (void)stream_alive(s);
    if (s->mark_count < MARKS_MAX)
        s->marks[s->mark_count++] = mark_id;
    return VOICEGW_OK;
}

static void finish_detach(void *arg)
{
    struct stream *s = arg;
    s->detached = 1;
    (void)s->telco->media->on_detached(s->telco->host, s->leg);
}

static void on_detach(void *stream)
{
    struct stream *s = stream;
    struct telco *t = stream_alive(s);
    s->lost = 1;
    if (rude(t)) /* never lets go: the host has a deadline */
        s->detached = 1;
    else if (chance_of(&s->rng, 70))
        finish_detach(s);
    else if (t->host->timer_start(t->host, s->leg, chance_time(&s->rng, 3 * SECOND_US), finish_detach, s) == 0)
        finish_detach(s);
}

/* ---- the instance ---- */

static int32_t on_create(const struct voicegw_host *host, const struct voicegw_options *o, void **ret_instance)
{
    struct telco *t = calloc(1, sizeof *t);
    if (!t)
        return host->set_error(host, VOICEGW_ELIMIT, "out of memory");
    t->host = host;
    t->provider = host->get_extension(host, VOICEGW_HOST_PROVIDER);
    t->media = host->get_extension(host, VOICEGW_HOST_MEDIA);
    t->rng = (uint64_t)host->option_int(host, o, "seed", 1);
    t->rude = (uint64_t)host->option_int(host, o, "rude", 0);
    t->ever_rude = t->rude > 0;
    t->incoming = (unsigned)host->option_int(host, o, "incoming", 0);
    t->name = (uint64_t)host->wall_us(host) * 31 + t->rng; /* no two instances give the same ids */
    *ret_instance = t;
    return VOICEGW_OK;
}

static int32_t on_start(void *instance)
{
    struct telco *t = instance;
    for (unsigned i = 0; i < t->incoming; i++)
        task_start(t, chance_time(&t->rng, 40 * SECOND_US), &(struct task){.kind = TASK_INCOMING});
    return VOICEGW_OK;
}

static int32_t on_reconfigure(void *instance, const struct voicegw_options *o)
{
    struct telco *t = instance;
    t->rude = (uint64_t)t->host->option_int(t->host, o, "rude", 0);
    t->ever_rude |= t->rude > 0;
    return VOICEGW_OK;
}

static void tell_drained(void *arg)
{
    struct telco *t = arg;
    t->host->drained(t->host);
}

static void on_drain(void *instance)
{
    struct telco *t = instance;
    t->draining = 1;
    if (rude(t))
        return; /* never says so: the host has a deadline */
    if (chance_of(&t->rng, 50))
        tell_drained(t);
    else
        (void)t->host->timer_start(t->host, VOICEGW_TARGET_CONTROL, chance_time(&t->rng, 5 * SECOND_US), tell_drained,
                                   t);
}

static void on_destroy(void *instance)
{
    struct telco *t = instance;
    while (t->tasks) {
        struct task *k = t->tasks;
        t->tasks = k->next;
        free(k);
    }
    while (t->streams) {
        struct stream *s = t->streams;
        t->streams = s->next;
        free(s);
    }
    free(t);
}

static const struct voicegw_provider provider = {.size = sizeof provider,
                                                 .make_call = on_make_call,
                                                 .answer = on_answer,
                                                 .reject = on_reject,
                                                 .end = on_end,
                                                 .hold = on_hold,
                                                 .transfer = on_transfer,
                                                 .mute = on_mute,
                                                 .status = on_status,
                                                 .forget = on_forget};
static const struct voicegw_provider_media media = {.size = sizeof media,
                                                    .far_queue = 1,
                                                    .attach = on_attach,
                                                    .send = on_send,
                                                    .clear = on_clear,
                                                    .mark = on_mark,
                                                    .detach = on_detach};
static const struct voicegw_provider_media paced_media = {.size = sizeof paced_media,
                                                          .attach = on_attach,
                                                          .send = on_send,
                                                          .clear = on_clear,
                                                          .mark = on_mark,
                                                          .detach = on_detach};

static const void *on_extension(void *instance, const char *id)
{
    struct telco *t = instance;
    if (strcmp(id, VOICEGW_KIND_PROVIDER) == 0)
        return &provider;
    if (strcmp(id, VOICEGW_KIND_PROVIDER_MEDIA) != 0)
        return NULL;
    return t->incoming % 2 ? &media : &paced_media;
}

#define NUMBER(n, d, f, text)                                                                                          \
    {                                                                                                                  \
        .size = sizeof(struct voicegw_option), .type = VOICEGW_OPTION_INT, .name = n, .dflt = d, .flags = f,           \
        .max = 1e15, .description = text                                                                               \
    }
static const struct voicegw_option options[] = {
    NUMBER("seed", "1", 0, "What is drawn begins here"),
    NUMBER("rude", "0", VOICEGW_OPTION_RELOADABLE, "Percent of what happens that should not"),
    NUMBER("incoming", "0", 0, "Calls that come in"),
};
static const struct voicegw_factory factory = {
    .size = sizeof factory,
    .kind = VOICEGW_KIND_PROVIDER,
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .caps = VOICEGW_CAP_MAKE_CALL | VOICEGW_CAP_ANSWER | VOICEGW_CAP_END | VOICEGW_CAP_HOLD | VOICEGW_CAP_TRANSFER |
            VOICEGW_CAP_TRANSFER_ATTENDED | VOICEGW_CAP_PLAY | VOICEGW_CAP_SAY | VOICEGW_CAP_DTMF | VOICEGW_CAP_RECORD |
            VOICEGW_CAP_MUTE | VOICEGW_CAP_STATUS | VOICEGW_CAP_MEDIA,
    .create = on_create,
    .start = on_start,
    .reconfigure = on_reconfigure,
    .drain = on_drain,
    .destroy = on_destroy,
    .get_extension = on_extension};
static const struct voicegw_factory *const factories[] = {&factory};
static const struct voicegw_plugin plugin = {.size = sizeof plugin,
                                             .abi_major = VOICEGW_ABI_MAJOR,
                                             .abi_minor = VOICEGW_ABI_MINOR,
                                             .flags = VOICEGW_PLUGIN_CLOSABLE,
                                             .name = "chaos-provider",
                                             .version = "1.0",
                                             .license = "MIT",
                                             .description = "A telephone company that keeps no order",
                                             .factory_count = 1,
                                             .factories = factories};

const struct voicegw_plugin *voicegw_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_minor;
    return host_abi_major == VOICEGW_ABI_MAJOR ? &plugin : NULL;
}
