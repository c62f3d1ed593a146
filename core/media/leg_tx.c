/* leg_tx.c - a leg's send path: one queue, one clock. A late tick is dropped and never becomes delay. */
#include "media/leg_private.h"

#include <string.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "base/str.h"
#include "base/time.h"

#define PACE_BURST 2 /* frames that a late tick may still send */
#define DTMF_NEXT_MAX 128
#define ROOM_MS 1000 /* so much room is worth telling */
#define MARK_GRACE_US                                                                                                  \
    (2 * VGW_US_PER_S) /* how long after its last frame an utterance may stay without the provider's mark */

void vgw_leg_tx_format(struct vgw_leg *leg)
{
    vgw_leg_live_end(leg);
    vgw_free(leg->held);
    leg->held = NULL;
    leg->held_frame = false;
    leg->epoch_base = vgw_leg_epoch(leg);
    vgw_playout_free(leg->playout);
    leg->playout = NULL;
    leg->fading = false;
    vgw_resampler_free(leg->tx_resampler);
    leg->tx_resampler = NULL;
    leg->tx_resampler_in = 0;
    vgw_resampler_free(leg->rx_resampler);
    leg->rx_resampler = NULL;
    vgw_free(leg->music);
    leg->music = NULL;
    vgw_leg_music_update(leg);
    vgw_leg_mix_format(leg);
    vgw_free(leg->dtmf_tx); /* tones of the old rate would be other tones */
    leg->dtmf_tx = NULL;
    vgw_free(leg->dtmf_next);
    leg->dtmf_next = NULL;
    vgw_pace_init(&leg->pace, VGW_LEG_TICK_US, PACE_BURST);
}

/* Most calls of an audio assistant never queue anything: the queue is made for the first utterance. */
static int need_playout(struct vgw_leg *leg)
{
    if (leg->playout)
        return 0;
    if (!leg->pending)
        leg->pending = vgw_calloc(VGW_LEG_MARKS, sizeof *leg->pending);
    if (!leg->pending)
        return VGW_ELIMIT;
    struct vgw_playout_params params = vgw_playout_defaults();
    params.encoding = leg->encoding;
    params.rate_hz = leg->rate_hz;
    params.limit_ms = leg->p.playout_limit_ms ? leg->p.playout_limit_ms : 30000;
    return vgw_playout_new(&params, &leg->playout, NULL);
}

static bool tick_needed(const struct vgw_leg *leg)
{
    return leg->up && !leg->ending &&
           (leg->music || leg->dtmf_tx || leg->held_frame || leg->p.ops->rx_pull || leg->fading || leg->in_queue ||
            leg->pending_count || leg->mix);
}

void vgw_leg_tick_arm(struct vgw_leg *leg)
{
    if (vgw_timer_armed(&leg->tick) || !tick_needed(leg))
        return;
    int64_t at = vgw_now(leg->p.worker);
    if (leg->pace.due_us > at && leg->pace.due_us - at <= VGW_LEG_TICK_US)
        at = leg->pace.due_us;
    else
        vgw_pace_init(&leg->pace, VGW_LEG_TICK_US,
                      PACE_BURST); /* after a pause a new grid begins now: the first frame does not wait */
    vgw_timer_start_at(&leg->tick, at);
}

static int send_payload(struct vgw_leg *leg, const void *payload, uint32_t bytes, uint32_t samples)
{
    struct voicegw_frame f = {.size = sizeof f,
                              .encoding = leg->encoding == VGW_PCMU   ? VOICEGW_AUDIO_PCMU
                                          : leg->encoding == VGW_PCMA ? VOICEGW_AUDIO_PCMA
                                                                      : VOICEGW_AUDIO_L16,
                              .rate = leg->rate_hz,
                              .timestamp = leg->tx_timestamp,
                              .epoch = vgw_leg_epoch(leg),
                              .data = payload,
                              .bytes = bytes,
                              .samples = samples};
    int rc = leg->p.ops->send(leg->stream, &f);
    if (rc == 0)
        leg->tx_timestamp += samples;
    return rc;
}

int vgw_leg_send_now(struct vgw_leg *leg, const void *payload, uint32_t bytes, uint32_t samples)
{
    if (!leg->up || leg->ending || !leg->attached)
        return VGW_ENOTFOUND;
    int rc = send_payload(leg, payload, bytes, samples);
    if (rc == VOICEGW_EBUSY)
        vgw_metric_dropped("live_frame");
    if (rc == 0 && leg->record)
        vgw_leg_record_tx(leg, payload, samples);
    return rc;
}

/* An utterance left our queue: it was heard now, or when the far side's mark says so. */
static void utterance_left(struct vgw_leg *leg, uint64_t utterance, uint64_t heard, bool complete)
{
    bool far = leg->p.ops->far_queue && leg->attached && !leg->ending;
    if (complete && far && leg->pending_count < VGW_LEG_MARKS && leg->p.ops->mark(leg->stream, utterance) == 0) {
        leg->pending[leg->pending_count++] =
            (struct vgw_leg_pending){utterance, heard, vgw_now(leg->p.worker) + MARK_GRACE_US};
        return;
    }
    if (leg->p.sink->on_played)
        leg->p.sink->on_played(leg->p.sink_arg, utterance, heard, complete);
}

void vgw_leg_report_played(struct vgw_leg *leg)
{
    struct vgw_playout_event e;
    while (leg->playout && vgw_playout_event(leg->playout, &e)) {
        if (e.kind == VGW_PLAYOUT_STARTED && leg->p.sink->on_started)
            leg->p.sink->on_started(leg->p.sink_arg, e.id);
        else if (e.kind == VGW_PLAYOUT_FINISHED) {
            leg->in_queue--;
            utterance_left(leg, e.id, e.heard_samples, e.complete);
        }
    }
}

/* A frame that the provider never took was not heard, though it left the queue. */
static void report_cut(struct vgw_leg *leg, size_t not_sent)
{
    struct vgw_playout_event e;
    while (leg->playout && vgw_playout_event(leg->playout, &e)) {
        if (e.kind == VGW_PLAYOUT_STARTED && leg->p.sink->on_started)
            leg->p.sink->on_started(leg->p.sink_arg, e.id);
        if (e.kind != VGW_PLAYOUT_FINISHED)
            continue;
        size_t less = e.heard_samples < not_sent ? (size_t)e.heard_samples : not_sent;
        not_sent = 0;
        leg->in_queue--;
        utterance_left(leg, e.id, e.heard_samples - less, e.complete && !less);
    }
}

static void pending_remove(struct vgw_leg *leg, uint32_t i, bool complete)
{
    struct vgw_leg_pending p = leg->pending[i];
    leg->pending_count--;
    memmove(&leg->pending[i], &leg->pending[i + 1], (leg->pending_count - i) * sizeof p);
    if (leg->p.sink->on_played)
        leg->p.sink->on_played(leg->p.sink_arg, p.utterance, p.heard_samples, complete);
}

int vgw_leg_on_mark(uint64_t handle, uint64_t mark, bool heard)
{
    struct vgw_leg *leg = vgw_handle_get(handle, VGW_HANDLE_LEG);
    if (!leg)
        return VGW_ENOTFOUND;
    for (uint32_t i = 0; i < leg->pending_count; i++)
        if (leg->pending[i].utterance == mark) {
            pending_remove(leg, i, heard);
            return 0;
        }
    return VGW_ENOTFOUND;
}

static void pending_expire(struct vgw_leg *leg, int64_t now)
{
    while (leg->pending_count && leg->pending[0].give_up_us <= now) {
        vgw_metric_dropped("mark_missing");
        pending_remove(leg, 0, true);
    }
}

static void dtmf_over(struct vgw_leg *leg)
{
    struct vgw_dtmf_tx_params params = vgw_dtmf_tx_defaults();
    params.rate_hz = leg->rate_hz;
    if (!leg->dtmf_next || vgw_dtmf_tx_init(leg->dtmf_tx, &params, leg->dtmf_next, NULL) < 0) {
        vgw_free(leg->dtmf_tx);
        leg->dtmf_tx = NULL;
    }
    vgw_free(leg->dtmf_next);
    leg->dtmf_next = NULL;
}

/* Fills one frame of tones or music; false when there is neither. */
static bool generated(struct vgw_leg *leg, uint8_t *out, size_t samples)
{
    int16_t pcm[VGW_FRAME_SAMPLES_MAX];
    if (leg->dtmf_tx) {
        size_t n = vgw_dtmf_tx_run(leg->dtmf_tx, pcm, samples);
        memset(pcm + n, 0, (samples - n) * sizeof *pcm);
        if (n < samples)
            dtmf_over(leg);
    } else if (leg->music) {
        vgw_music_run(leg->music, pcm, samples);
    } else {
        return false;
    }
    vgw_encoding_encode(leg->encoding, pcm, samples, out);
    return true;
}

/* Sends one frame of the clock. False: nothing to send, or the far side takes nothing now. */
static bool send_one(struct vgw_leg *leg)
{
    size_t samples = VGW_SAMPLES(leg->rate_hz, VGW_FRAME_MS);
    if (!leg->held && !(leg->held = vgw_calloc(samples, vgw_encoding_bytes(leg->encoding))))
        return false;
    if (!leg->held_frame) {
        leg->held_heard = 0;
        bool queue_first = !leg->dtmf_tx && (leg->in_queue || leg->fading);
        bool taken =
            queue_first && vgw_playout_take(leg->playout, samples, leg->held, &leg->held_heard) != VGW_PLAYOUT_NOTHING;
        leg->fading = leg->fading && !queue_first;
        leg->held_music = !taken && !leg->dtmf_tx;
        taken = taken || generated(leg, leg->held, samples);
        if (!vgw_leg_mix_tx(leg, leg->held, samples, taken))
            return false;
    }
    int rc = send_payload(leg, leg->held, (uint32_t)(samples * vgw_encoding_bytes(leg->encoding)), (uint32_t)samples);
    leg->held_frame = leg->blocked = rc == VOICEGW_EBUSY;
    if (rc == 0 && leg->record)
        vgw_leg_record_tx(leg, leg->held, samples);
    return rc == 0;
}

static void pull_one(struct vgw_leg *leg)
{
    struct voicegw_frame f = {.size = sizeof f};
    if (leg->p.ops->rx_pull && leg->p.ops->rx_pull(leg->stream, leg->position, &f) == 0)
        vgw_leg_on_frame(leg->handle, &f);
}

static uint32_t room_worth_ms(const struct vgw_leg *leg)
{
    uint32_t half = leg->p.playout_limit_ms / 2;
    return half && half < ROOM_MS ? half : ROOM_MS;
}

void vgw_leg_on_tick(void *arg)
{
    struct vgw_leg *leg = arg;
    int64_t now = vgw_now(leg->p.worker);
    uint32_t dropped = 0;
    struct vgw_leg_live_mark before = vgw_leg_live_mark(leg, now);
    uint32_t due = vgw_pace_due(&leg->pace, now, &dropped);
    if (dropped)
        vgw_metric_add(vgw_metric_family(VGW_METRIC_COUNTER, "voicegw_dropped_total", "What was dropped", "what"),
                       dropped, "late_tick", NULL, NULL);
    bool sending = true;
    for (uint32_t i = 0; i < due && leg->attached; i++) {
        pull_one(leg);
        sending = sending && !leg->blocked && send_one(leg);
        if (leg->blocked)
            vgw_leg_mix_lost(leg, 1);
    }
    vgw_leg_mix_lost(leg, dropped);
    vgw_leg_live_tick(leg, &before, due + dropped);
    if (!leg->held_frame) /* the last frame of an utterance is not out while it is held */
        vgw_leg_report_played(leg);
    pending_expire(leg, now);
    if (leg->room_wanted && vgw_playout_room_ms(leg->playout) >= room_worth_ms(leg)) {
        leg->room_wanted = false;
        if (leg->p.sink->on_room)
            leg->p.sink->on_room(leg->p.sink_arg);
    }
    if (!tick_needed(leg) || vgw_timer_armed(&leg->tick))
        return;
    vgw_timer_start_at(&leg->tick, leg->pace.due_us > now ? leg->pace.due_us : now + VGW_LEG_TICK_US);
}

int vgw_leg_on_writable(uint64_t handle)
{
    struct vgw_leg *leg = vgw_handle_get(handle, VGW_HANDLE_LEG);
    if (!leg)
        return VGW_ENOTFOUND;
    leg->blocked = false;
    vgw_leg_tick_arm(leg);
    return 0;
}

uint32_t vgw_leg_epoch(const struct vgw_leg *leg)
{
    return leg->epoch_base + (leg->playout ? vgw_playout_epoch(leg->playout) : 0);
}

int vgw_leg_begin(struct vgw_leg *leg, uint64_t utterance)
{
    if (!leg->up || leg->ending || leg->clearing)
        return VGW_EBUSY;
    int rc = need_playout(leg);
    if (rc == 0)
        rc = vgw_playout_begin(leg->playout, vgw_playout_epoch(leg->playout), utterance);
    if (rc == 0) {
        vgw_leg_live_end(leg);
        leg->open_utterance = utterance;
        leg->in_queue++;
    }
    vgw_leg_report_played(leg);
    vgw_leg_tick_arm(leg);
    return rc;
}

/* L16 of another rate, or another encoding: through linear to the leg's own. */
static int push_converted(struct vgw_leg *leg, enum vgw_encoding encoding, uint32_t rate_hz, const void *payload,
                          size_t samples)
{
    int16_t in[VGW_FRAME_SAMPLES_MAX], out[VGW_FRAME_SAMPLES_MAX * 6 + 64];
    uint8_t wire[sizeof out];
    size_t bytes = vgw_encoding_bytes(encoding);
    const uint8_t *at = payload;
    if (rate_hz != leg->rate_hz && leg->tx_resampler_in != rate_hz) {
        vgw_resampler_free(leg->tx_resampler);
        leg->tx_resampler = NULL;
        int rc = vgw_resampler_new(rate_hz, leg->rate_hz, &leg->tx_resampler, NULL);
        if (rc < 0)
            return rc;
        leg->tx_resampler_in = rate_hz;
    }
    while (samples) {
        size_t n = samples < VGW_FRAME_SAMPLES_MAX ? samples : VGW_FRAME_SAMPLES_MAX, got = n, taken;
        vgw_encoding_decode(encoding, at, n, in);
        const int16_t *pcm = in;
        if (rate_hz != leg->rate_hz) {
            int rc = vgw_resampler_run(leg->tx_resampler, in, n, out, sizeof out / sizeof out[0], &got);
            if (rc < 0)
                return rc;
            pcm = out;
        }
        vgw_encoding_encode(leg->encoding, pcm, got, wire);
        if (vgw_playout_push(leg->playout, vgw_playout_epoch(leg->playout), wire, got, &taken) < 0 || taken < got)
            vgw_metric_dropped("playout_full");
        at += n * bytes;
        samples -= n;
    }
    return 0;
}

int vgw_leg_push(struct vgw_leg *leg, uint64_t utterance, enum vgw_encoding encoding, uint32_t rate_hz,
                 const void *payload, size_t samples)
{
    if (!leg->up || leg->ending || utterance != leg->open_utterance)
        return VGW_ENOTFOUND;
    if (!vgw_rate_supported(rate_hz))
        return VGW_EINVALID;
    uint32_t ms = (uint32_t)(samples * 1000 / rate_hz) + 1;
    if (vgw_playout_room_ms(leg->playout) < ms) {
        leg->room_wanted = true;
        return VGW_EBUSY;
    }
    int rc;
    if (encoding == leg->encoding && rate_hz == leg->rate_hz)
        rc = vgw_playout_push(leg->playout, vgw_playout_epoch(leg->playout), payload, samples, NULL);
    else
        rc = push_converted(leg, encoding, rate_hz, payload, samples);
    vgw_leg_tick_arm(leg);
    return rc;
}

int vgw_leg_finish(struct vgw_leg *leg, uint64_t utterance)
{
    if (utterance != leg->open_utterance)
        return VGW_ENOTFOUND;
    leg->open_utterance = 0;
    vgw_leg_live_end(leg);
    int rc = vgw_playout_end(leg->playout, vgw_playout_epoch(leg->playout));
    if (!leg->held_frame)
        vgw_leg_report_played(leg);
    vgw_leg_tick_arm(leg);
    return rc;
}

void vgw_leg_clear(struct vgw_leg *leg)
{
    struct vgw_leg_pending far[VGW_LEG_MARKS];
    uint32_t count = leg->pending_count;
    size_t not_sent = leg->held_frame ? leg->held_heard : 0;
    leg->open_utterance = 0;
    vgw_leg_live_end(leg);
    leg->room_wanted = leg->held_frame = false;
    if (!leg->playout && !leg->up)
        return;
    /* What the far side still holds is stamped before it is told to forget: its marks, which may come back from inside,
     * find nothing. */
    if (count)
        memcpy(far, leg->pending, count * sizeof far[0]);
    leg->pending_count = 0;
    leg->fading = leg->in_queue > 0;
    if (leg->playout)
        vgw_playout_clear(leg->playout);
    else
        leg->epoch_base++;
    if (leg->attached && leg->up && leg->p.ops->far_queue)
        leg->p.ops->clear(leg->stream, vgw_leg_epoch(leg));
    leg->clearing = true;
    for (uint32_t i = 0; i < count; i++)
        if (leg->p.sink->on_played)
            leg->p.sink->on_played(leg->p.sink_arg, far[i].utterance, far[i].heard_samples, false);
    report_cut(leg, not_sent);
    leg->clearing = false;
    vgw_leg_tick_arm(leg);
}

bool vgw_leg_speaking(const struct vgw_leg *leg)
{
    return leg->pending_count || leg->in_queue;
}

static int dtmf_append(struct vgw_leg *leg, const char *digits, struct vgw_error *err)
{
    if (!leg->dtmf_next && !(leg->dtmf_next = vgw_calloc(1, DTMF_NEXT_MAX + 1)))
        return vgw_error_nomem(err);
    size_t have = strlen(leg->dtmf_next);
    if (vgw_strcopy(leg->dtmf_next + have, DTMF_NEXT_MAX + 1 - have, digits))
        return 0;
    leg->dtmf_next[have] = '\0';
    return vgw_error_set(err, VGW_ELIMIT, "at most %d digits may wait behind those being sent", DTMF_NEXT_MAX);
}

int vgw_leg_dtmf(struct vgw_leg *leg, const char *digits, struct vgw_error *err)
{
    if (!leg->up || leg->ending)
        return vgw_error_set(err, VGW_EBUSY, "the call has no media yet");
    struct vgw_dtmf_tx_params params = vgw_dtmf_tx_defaults();
    params.rate_hz = leg->rate_hz;
    struct vgw_dtmf_tx *tx;
    if (!VGW_NEW(tx))
        return vgw_error_nomem(err);
    int rc = vgw_dtmf_tx_init(tx, &params, digits, err);
    if (rc < 0 || (leg->p.ops->dtmf && leg->attached && leg->p.ops->dtmf(leg->stream, digits) == 0)) {
        vgw_free(tx);
        return rc;
    }
    if (leg->dtmf_tx) {
        vgw_free(tx);
        return dtmf_append(leg, digits, err);
    }
    leg->dtmf_tx = tx;
    vgw_leg_tick_arm(leg);
    return 0;
}

void vgw_leg_music(struct vgw_leg *leg, bool on)
{
    leg->music_asked = on;
    vgw_leg_music_update(leg);
}

void vgw_leg_tx_done(struct vgw_leg *leg)
{
    vgw_timer_stop(&leg->tick);
    vgw_leg_live_end(leg);
    vgw_playout_free(leg->playout);
    leg->playout = NULL;
    vgw_free(leg->held);
    leg->held = NULL;
    vgw_free(leg->pending);
    leg->pending = NULL;
    leg->pending_count = 0;
    vgw_resampler_free(leg->tx_resampler);
    leg->tx_resampler = NULL;
    vgw_free(leg->dtmf_tx);
    leg->dtmf_tx = NULL;
    vgw_free(leg->dtmf_next);
    leg->dtmf_next = NULL;
    vgw_free(leg->music);
    leg->music = NULL;
}
