/* talk.c - a talk's life: made by control, driven by its leg, gone when leg and engines are. */
#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "talk/talk_private.h"

/* ---- streams that close in their own time ---- */

static void maybe_done(struct vgw_talk *t)
{
    if (t->ending && !t->closing_all && vgw_list_empty(&t->closing))
        vgw_leg_sink_done(t->leg);
}

static void on_closing(void *owner, struct vgw_engine_stream *stream, const struct vgw_engine_message *m)
{
    struct vgw_talk *t = owner;
    if (m->kind != VGW_MSG_CLOSED)
        return;
    if (stream->release)
        vgw_talk_tell(t, "release", NULL, (uint64_t)(uintptr_t)stream->release, 0, NULL);
    vgw_engine_stream_free(stream);
    maybe_done(t);
}

void vgw_talk_stream_close(struct vgw_talk *t, struct vgw_engine_stream **stream, void (*close)(void *s), void *release)
{
    struct vgw_engine_stream *es = *stream;
    *stream = NULL;
    es->closing = true;
    es->release = release;
    es->on_message = on_closing;
    es->owner = t;
    vgw_list_append(&t->closing, &es->link);
    close(es->s);
}

static void closing_free(struct vgw_talk *t)
{
    struct vgw_list *at;
    while ((at = vgw_list_pop(&t->closing))) {
        struct vgw_engine_stream *es = VGW_CONTAINER_OF(at, struct vgw_engine_stream, link);
        if (es->release)
            vgw_talk_tell(t, "release", NULL, (uint64_t)(uintptr_t)es->release, 0, NULL);
        vgw_engine_stream_free(es);
    }
}

/* ---- from the leg ---- */

static void on_up(void *arg)
{
    struct vgw_talk *t = arg;
    if (!t->up_told)
        vgw_talk_tell(t, "up", NULL, 0, 0, NULL);
    t->up_told = true;
    if (t->started) /* another format: what waited meanwhile goes on in it */
        vgw_talk_speak_pump(t);
    else
        vgw_talk_start(t);
}

/* A frame that came before the talk began: kept for an assistant that takes audio, so that it hears all of the call. */
struct early {
    uint64_t timestamp;
    uint32_t flags, samples, bytes;
};

static void wire_give(struct vgw_talk *t, enum vgw_encoding encoding, uint32_t rate_hz, const struct early *e,
                      const void *payload)
{
    static const uint32_t encodings[] = {VOICEGW_AUDIO_PCMU, VOICEGW_AUDIO_PCMA, VOICEGW_AUDIO_L16};
    struct voicegw_frame f = {.size = sizeof f,
                              .encoding = encodings[encoding],
                              .rate = rate_hz,
                              .flags = e->flags,
                              .timestamp = e->timestamp,
                              .data = payload,
                              .bytes = e->bytes,
                              .samples = e->samples};
    t->assistant_engine.audio->audio(t->audio->s, &f);
}

/* The newest of it: before an answer there may be much that is nobody's voice. */
static void early_keep(struct vgw_talk *t, const struct early *e, const void *payload)
{
    while (t->early.len && t->early.len + sizeof *e + e->bytes > VGW_TALK_EARLY_BYTES) {
        struct early oldest;
        memcpy(&oldest, t->early.data, sizeof oldest);
        vgw_buf_consume(&t->early, sizeof oldest + oldest.bytes);
    }
    vgw_buf_add(&t->early, e, sizeof *e);
    vgw_buf_add(&t->early, payload, e->bytes);
}

static void on_wire(void *arg, const struct vgw_frame *frame)
{
    struct vgw_talk *t = arg;
    if ((!t->audio && t->started) || t->on_hold || t->gather.sensitive) /* what is for whoever asked is not for it */
        return;
    const struct early e = {.timestamp = frame->timestamp,
                            .flags = frame->flags,
                            .samples = frame->samples,
                            .bytes = frame->samples * (uint32_t)vgw_encoding_bytes(frame->encoding)};
    if (t->audio) {
        wire_give(t, frame->encoding, frame->rate_hz, &e, frame->payload);
    } else {
        early_keep(t, &e, frame->payload);
    }
}

void vgw_talk_early_give(struct vgw_talk *t)
{
    const char *at = t->early.data, *end = t->early.failed ? at : at + t->early.len;
    while (t->audio && at < end) {
        struct early e;
        memcpy(&e, at, sizeof e);
        wire_give(t, vgw_leg_encoding(t->leg), vgw_leg_rate_hz(t->leg), &e, at + sizeof e);
        at += sizeof e + e.bytes;
    }
    vgw_buf_done(&t->early);
}

static void on_room(void *arg)
{
    vgw_talk_speak_pump(arg);
}

static void on_lost(void *arg, const char *sentence)
{
    vgw_talk_tell(arg, "lost", sentence, 0, 0, NULL);
}

static void on_alive(void *arg)
{
    struct vgw_talk *t = arg;
    if (t->audio || t->aside) /* nobody listens for speech here: frames are the sign of life */
        vgw_talk_activity(t);
}

static void on_quality(void *arg, double loss, double jitter_ms, double rtt_ms)
{
    struct vgw_talk *t = arg;
    static const char help[] = "Of calls' media, as providers measure it";
    vgw_metric_observe(vgw_metric_family(VGW_METRIC_HISTOGRAM, "voicegw_media_jitter_seconds", help, NULL),
                       jitter_ms / 1000, NULL, NULL, NULL);
    if (rtt_ms >= 0)
        vgw_metric_observe(vgw_metric_family(VGW_METRIC_HISTOGRAM, "voicegw_media_rtt_seconds", help, NULL),
                           rtt_ms / 1000, NULL, NULL, NULL);
    if (loss > 0.05 || jitter_ms > 60)
        vgw_logf(VGW_LOG_INFO, &t->scope, "the call's media is poor: loss %.1f %%, jitter %.0f ms", loss * 100,
                 jitter_ms);
}

static void on_end(void *arg)
{
    struct vgw_talk *t = arg;
    t->ending = t->closing_all = true;
    vgw_timer_stop(&t->gather_timer);
    vgw_talk_gather_end(t, VGW_ENOTFOUND, "none", "the call has ended", -1);
    vgw_talk_commands_drop(t);
    vgw_talk_hush_end(t);
    if (t->started) {
        vgw_talk_speak_end(t); /* first: the assistant hears of what was cut */
        vgw_talk_summary_end(t);
        vgw_talk_assistant_end(t);
        vgw_talk_stand_in_end(t);
        vgw_talk_listen_end(t);
    }
    t->closing_all = false;
    maybe_done(t);
}

static void on_abandon(void *arg)
{
    closing_free(arg);
}

static const struct vgw_leg_sink sink = {
    .on_up = on_up,
    .on_wire = on_wire,
    .on_pcm = vgw_talk_on_pcm,
    .on_vad = vgw_talk_on_vad,
    .on_dtmf = vgw_talk_on_digit,
    .on_started = vgw_talk_on_started,
    .on_played = vgw_talk_on_played,
    .on_room = on_room,
    .on_lost = on_lost,
    .on_alive = on_alive,
    .on_quality = on_quality,
    .on_recorded = vgw_talk_on_recorded,
    .on_mix = vgw_talk_on_mix,
    .on_end = on_end,
    .on_abandon = on_abandon,
};

/* ---- on control ---- */

static void engines_release(struct vgw_talk *t)
{
    struct vgw_talk_begin *b = t->cfg;
    if (b) {
        for (uint32_t i = 0; i < b->stt_count; i++)
            t->home->engine_release(t->home->arg, b->stt[i].ref);
        for (uint32_t i = 0; i < b->tts_count; i++)
            t->home->engine_release(t->home->arg, b->tts[i].ref);
        for (uint32_t i = 0; i < b->stand_in_count; i++)
            t->home->engine_release(t->home->arg, b->stand_ins[i].ref);
        if (b->shadow)
            t->home->engine_release(t->home->arg, b->shadow->ref);
    }
    if (t->assistant_held)
        t->home->engine_release(t->home->arg, t->assistant_engine.ref);
}

static void on_leg_gone(void *arg, struct vgw_json *summary)
{
    struct vgw_talk *t = arg;
    const struct vgw_talk_home *home = t->home;
    uint64_t call = t->p.call;
    engines_release(t);
    vgw_talk_begin_free(t->cfg);
    vgw_talk_voices_free(t);
    vgw_talk_options_unshare(t->outer);
    vgw_buf_done(&t->early);
    vgw_talk_options_unshare(t->options);
    vgw_free(t->audio_root);
    vgw_free(t->hints);
    vgw_free(t->heard_language);
    if (t->partial != t->no_text)
        vgw_free(t->partial);
    vgw_free(t);
    home->gone(home->arg, call, summary);
}

static int leg_make(struct vgw_talk *t, struct vgw_error *err)
{
    const struct vgw_talk_params *p = &t->p;
    struct vgw_leg_params leg = {.worker = p->worker,
                                 .control = p->control,
                                 .pool = p->pool,
                                 .call = p->call,
                                 .ops = p->media,
                                 .instance = p->media_instance,
                                 .silence_timeout_us = p->silence_timeout_us,
                                 .session = t->session,
                                 .call_id = t->call_id,
                                 .provider = t->provider,
                                 .sink = &sink,
                                 .sink_arg = t,
                                 .gone = on_leg_gone,
                                 .gone_arg = t};
    return vgw_leg_new(&leg, &t->leg, &t->leg_handle, err);
}

static size_t text_bytes(const char *text)
{
    return text ? strlen(text) + 1 : 1;
}

static size_t names_bytes(const struct vgw_talk_params *p)
{
    return text_bytes(p->session) + text_bytes(p->call_id) + text_bytes(p->provider);
}

static const char *name_keep(char **at, const char *text)
{
    char *kept = *at;
    size_t n = text_bytes(text);
    memcpy(kept, text ? text : "", n);
    *at += n;
    return kept;
}

static void names_keep(struct vgw_talk *t, const struct vgw_talk_params *p)
{
    char *at = t->names;
    t->session = name_keep(&at, p->session);
    t->call_id = name_keep(&at, p->call_id);
    t->provider = name_keep(&at, p->provider);
    t->scope = (struct vgw_log_scope){t->session, t->call_id, t->provider, NULL};
}

void vgw_talk_options_set(struct vgw_talk *t, const struct vgw_talk_options *options)
{
    const struct vgw_talk_options *shared = vgw_talk_options_share(options);
    if (!shared) {
        vgw_log(VGW_LOG_ERROR, &t->scope, "out of memory: the call's talk options stay as they were", NULL);
        return;
    }
    vgw_talk_options_unshare(t->options);
    t->options = shared;
}

int vgw_talk_new(const struct vgw_talk_params *params, struct vgw_talk **ret_talk, uint64_t *ret_leg,
                 struct vgw_error *err)
{
    struct vgw_talk_options defaults = vgw_talk_defaults();
    struct vgw_talk *t = vgw_calloc(1, sizeof *t + names_bytes(params));
    if (!t || !(t->options = vgw_talk_options_share(&defaults))) {
        vgw_free(t);
        return vgw_error_nomem(err);
    }
    t->p = *params;
    t->home = params->home;
    t->worker = params->worker;
    t->audio_root = vgw_strdup(params->audio_root);
    names_keep(t, params);
    t->partial = t->carried = t->late = t->no_text;
    vgw_list_init(&t->speeches);
    vgw_list_init(&t->after_speech);
    vgw_list_init(&t->waiting);
    vgw_list_init(&t->closing);
    int rc = leg_make(t, err);
    if (rc < 0) {
        vgw_talk_options_unshare(t->options);
        vgw_free(t->audio_root);
        vgw_free(t);
        return rc;
    }
    *ret_talk = t;
    *ret_leg = t->leg_handle;
    return 0;
}

void vgw_talk_end(struct vgw_talk *t)
{
    t->end_asked = true;
    vgw_leg_end(t->leg);
}
