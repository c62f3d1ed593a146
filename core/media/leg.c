/* leg.c - a leg's life: attach, format, detach, gone. */
#include "media/leg_private.h"

#include <string.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"

#define DETACH_TIMEOUT_US (2 * VGW_US_PER_S)

static struct vgw_metric *streams_gauge(void)
{
    return vgw_metric_family(VGW_METRIC_GAUGE, "voicegw_streams", "Media legs that are up", NULL);
}

static void on_attach(struct vgw_task *task)
{
    struct vgw_leg *leg = VGW_CONTAINER_OF(task, struct vgw_leg, attach_task);
    struct voicegw_audio_format formats[] = {
        {sizeof formats[0], VOICEGW_AUDIO_PCMU, 8000, 20}, {sizeof formats[0], VOICEGW_AUDIO_PCMA, 8000, 20},
        {sizeof formats[0], VOICEGW_AUDIO_L16, 16000, 20}, {sizeof formats[0], VOICEGW_AUDIO_L16, 8000, 20},
        {sizeof formats[0], VOICEGW_AUDIO_L16, 24000, 20}, {sizeof formats[0], VOICEGW_AUDIO_L16, 48000, 20},
    };
    if (leg->end_asked)
        return;
    int rc = leg->p.ops->attach(leg->p.instance, leg->handle, leg->p.call, formats,
                                (uint32_t)(sizeof formats / sizeof formats[0]), &leg->stream);
    if (rc < 0) {
        if (leg->p.sink->on_lost)
            leg->p.sink->on_lost(leg->p.sink_arg, "the provider could not attach the call's media");
        return;
    }
    leg->attached = true;
}

static void on_watch(void *arg)
{
    struct vgw_leg *leg = arg;
    int64_t now = vgw_now(leg->p.worker);
    int64_t next = VGW_LEG_WATCH_US;
    if (now - leg->alive_us >= VGW_LEG_WATCH_US) {
        if (leg->frames && leg->last_frame_us > leg->alive_us && leg->p.sink->on_alive)
            leg->p.sink->on_alive(leg->p.sink_arg);
        leg->alive_us = now;
    }
    vgw_leg_record_advance(leg);
    if (leg->p.silence_timeout_us) {
        int64_t left = leg->last_frame_us + leg->p.silence_timeout_us - now;
        if (left <= 0) {
            if (leg->p.sink->on_lost)
                leg->p.sink->on_lost(leg->p.sink_arg, "no media came for the silence time-out (media_silence_timeout)");
            return;
        }
        next = left < next ? left : next;
    }
    vgw_timer_start(&leg->watch, next);
}

static void on_detach_late(void *arg)
{
    struct vgw_leg *leg = arg;
    if (!leg->detached)
        vgw_log(VGW_LOG_WARNING, &leg->scope, "the provider did not let go of the media stream in 2 s; going on", NULL);
    if (!leg->sink_closed)
        vgw_log(VGW_LOG_WARNING, &leg->scope, "an engine did not close its stream in 2 s; going on", NULL);
    if (!leg->sink_closed && leg->p.sink->on_abandon)
        leg->p.sink->on_abandon(leg->p.sink_arg);
    leg->detached = leg->sink_closed = true;
    vgw_leg_maybe_gone(leg);
}

static void on_end(struct vgw_task *task)
{
    struct vgw_leg *leg = VGW_CONTAINER_OF(task, struct vgw_leg, end_task);
    leg->ending = leg->in_end = true; /* what answers from inside must not let the leg go under our feet */
    vgw_timer_stop(&leg->watch);
    vgw_leg_clear(leg);
    vgw_timer_stop(&leg->tick);
    if (leg->up)
        vgw_metric_add(streams_gauge(), -1, NULL, NULL, NULL);
    leg->up = false;
    leg->mix = NULL; /* its port is control's to take back */
    vgw_timer_start(&leg->end_timer, DETACH_TIMEOUT_US);
    if (leg->p.sink->on_end)
        leg->p.sink->on_end(leg->p.sink_arg);
    else
        leg->sink_closed = true;
    vgw_leg_record_close(leg); /* after the sink, whose last lines say where in the recording they are */
    if (leg->attached)
        leg->p.ops->detach(leg->stream);
    else
        leg->detached = true;
    leg->in_end = false;
    vgw_leg_maybe_gone(leg);
}

static struct vgw_json *leg_summary(struct vgw_leg *leg)
{
    struct vgw_json *o = vgw_json_object(), *quality = vgw_json_object();
    struct vgw_quality_report q = vgw_quality_report(&leg->quality, 100);
    if (leg->frames) {
        vgw_json_set_int(quality, "frames", (int64_t)leg->frames);
        vgw_json_set_int(quality, "lost", (int64_t)q.lost);
        vgw_json_set_double(quality, "jitter_ms", q.jitter_ms);
        vgw_json_set_double(quality, "mos", q.mos);
    }
    vgw_json_set(o, "quality", quality);
    if (leg->recordings)
        vgw_json_set(o, "recordings", vgw_json_copy(leg->recordings));
    return o;
}

static void on_gone(struct vgw_task *task)
{
    struct vgw_leg *leg = VGW_CONTAINER_OF(task, struct vgw_leg, gone_task);
    leg->p.gone(leg->p.gone_arg, leg_summary(leg));
    vgw_json_free(leg->recordings);
    vgw_free(leg);
}

void vgw_leg_maybe_gone(struct vgw_leg *leg)
{
    if (!leg->ending || leg->in_end || !leg->detached || !leg->sink_closed || leg->records_open || !leg->handle)
        return;
    vgw_timer_stop(&leg->end_timer);
    vgw_leg_rx_done(leg);
    vgw_leg_tx_done(leg);
    vgw_handle_drop(leg->handle);
    leg->handle = 0;
    leg->gone_task.fn = on_gone;
    vgw_loop_post(leg->p.control, &leg->gone_task);
}

int vgw_leg_new(const struct vgw_leg_params *params, struct vgw_leg **ret_leg, uint64_t *ret_handle,
                struct vgw_error *err)
{
    struct vgw_leg *leg;
    if (!VGW_NEW(leg))
        return vgw_error_nomem(err);
    leg->p = *params;
    leg->scope = (struct vgw_log_scope){params->session, params->call_id, params->provider, NULL};
    leg->handle = vgw_handle_new(VGW_HANDLE_LEG, params->worker, leg);
    if (!leg->handle) {
        vgw_free(leg);
        return vgw_error_set(err, VGW_ELIMIT, "the gateway has no room for another media leg");
    }
    leg->rate_hz = 8000;
    leg->encoding = VGW_PCMU;
    vgw_dtmf_dedupe_init(&leg->dedupe, 0);
    vgw_timer_init(&leg->tick, params->worker, vgw_leg_on_tick, leg);
    vgw_timer_init(&leg->watch, params->worker, on_watch, leg);
    vgw_timer_init(&leg->end_timer, params->worker, on_detach_late, leg);
    leg->attach_task.fn = on_attach;
    leg->end_task.fn = on_end;
    *ret_leg = leg;
    *ret_handle = leg->handle;
    vgw_loop_post(params->worker, &leg->attach_task);
    return 0;
}

void vgw_leg_end(struct vgw_leg *leg)
{
    if (leg->end_asked)
        return;
    leg->end_asked = true;
    vgw_loop_post(leg->p.worker, &leg->end_task);
}

uint64_t vgw_leg_handle(const struct vgw_leg *leg)
{
    return leg->handle;
}

struct vgw_loop *vgw_leg_loop(const struct vgw_leg *leg)
{
    return leg->p.worker;
}

void vgw_leg_sink_done(struct vgw_leg *leg)
{
    leg->sink_closed = true;
    vgw_leg_maybe_gone(leg);
}

static struct vgw_leg *leg_of(uint64_t handle)
{
    return vgw_handle_get(handle, VGW_HANDLE_LEG);
}

int vgw_leg_on_detached(uint64_t handle)
{
    struct vgw_leg *leg = leg_of(handle);
    if (!leg)
        return VGW_ENOTFOUND;
    leg->attached = false;
    leg->stream = NULL;
    leg->detached = true;
    if (leg->ending) /* detach() may call this from inside; on_end() looks again afterwards */
        vgw_leg_maybe_gone(leg);
    return 0;
}

int vgw_leg_on_format(uint64_t handle, const struct voicegw_audio_format *format)
{
    struct vgw_leg *leg = leg_of(handle);
    if (!leg || leg->ending)
        return VGW_ENOTFOUND;
    enum vgw_encoding encoding = format->encoding == VOICEGW_AUDIO_PCMU   ? VGW_PCMU
                                 : format->encoding == VOICEGW_AUDIO_PCMA ? VGW_PCMA
                                                                          : VGW_L16;
    if (format->encoding < VOICEGW_AUDIO_PCMU || format->encoding > VOICEGW_AUDIO_L16 ||
        !vgw_rate_supported(format->rate))
        return VGW_EINVALID;
    if (leg->up && leg->encoding == encoding && leg->rate_hz == format->rate)
        return 0;
    vgw_leg_clear(leg); /* while the old format still stands: what was heard is counted in it */
    leg->encoding = encoding;
    leg->rate_hz = format->rate;
    vgw_leg_tx_format(leg);
    if (!leg->up) {
        vgw_metric_add(streams_gauge(), 1, NULL, NULL, NULL);
        int64_t silence = leg->p.silence_timeout_us;
        vgw_quality_init(&leg->quality, leg->rate_hz, false);
        leg->last_frame_us = leg->alive_us = vgw_now(leg->p.worker);
        vgw_timer_start(&leg->watch, silence && silence < VGW_LEG_WATCH_US ? silence : VGW_LEG_WATCH_US);
    }
    leg->up = true;
    vgw_leg_mix_format(leg);
    vgw_leg_tick_arm(leg);
    if (leg->p.sink->on_up)
        leg->p.sink->on_up(leg->p.sink_arg);
    return 0;
}

int vgw_leg_on_lost(uint64_t handle, const char *sentence)
{
    struct vgw_leg *leg = leg_of(handle);
    if (!leg || leg->ending)
        return VGW_ENOTFOUND;
    if (leg->p.sink->on_lost)
        leg->p.sink->on_lost(leg->p.sink_arg, sentence ? sentence : "the media path broke");
    return 0;
}

int vgw_leg_on_quality(uint64_t handle, double loss, double jitter_ms, double rtt_ms)
{
    struct vgw_leg *leg = leg_of(handle);
    if (!leg)
        return VGW_ENOTFOUND;
    if (leg->p.sink->on_quality)
        leg->p.sink->on_quality(leg->p.sink_arg, loss, jitter_ms, rtt_ms);
    return 0;
}

void *vgw_leg_stream(uint64_t handle)
{
    struct vgw_leg *leg = leg_of(handle);
    return leg && leg->attached ? leg->stream : NULL;
}

int vgw_leg_claim(uint64_t handle, uint64_t owner)
{
    struct vgw_leg *leg = leg_of(handle);
    if (!leg || leg->ending)
        return VGW_ENOTFOUND;
    if (leg->claim && leg->claim != owner)
        return VGW_EBUSY;
    leg->claim = owner;
    return 0;
}

void vgw_leg_unclaim(uint64_t handle, uint64_t owner)
{
    struct vgw_leg *leg = leg_of(handle);
    if (leg && leg->claim == owner)
        leg->claim = 0;
}

uint64_t vgw_leg_owner(uint64_t handle)
{
    const struct vgw_leg *leg = leg_of(handle);
    return leg ? leg->claim : 0;
}

bool vgw_leg_up(const struct vgw_leg *leg)
{
    return leg->up;
}

enum vgw_encoding vgw_leg_encoding(const struct vgw_leg *leg)
{
    return leg->encoding;
}

bool vgw_leg_ending(const struct vgw_leg *leg)
{
    return leg->ending;
}

uint32_t vgw_leg_rate_hz(const struct vgw_leg *leg)
{
    return leg->rate_hz;
}
