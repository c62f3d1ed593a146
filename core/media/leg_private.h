/* leg_private.h - the leg's inside, shared by leg.c (life), leg_rx.c, leg_tx.c,
 * leg_live.c, leg_mix.c and leg_record.c only. */
#ifndef VGW_MEDIA_LEG_PRIVATE_H
#define VGW_MEDIA_LEG_PRIVATE_H
#include "base/log.h"
#include "media/catchup.h"
#include "media/dtmf.h"
#include "media/leg.h"
#include "media/playout.h"
#include "media/quality.h"
#include "media/resample.h"
#include "media/tone.h"

#define VGW_LEG_TICK_US 20000
#define VGW_LEG_GRID_US 5000     /* ticks fall on this grid, so that many legs share one wake-up */
#define VGW_LEG_MARKS 32         /* utterances whose far end is awaited */
#define VGW_LEG_WATCH_US 5000000 /* how often silence is looked for */

struct vgw_leg_record;
struct vgw_mixer_port;

struct vgw_leg_pending { /* sent, not yet reported as heard */
    uint64_t utterance, heard_samples;
    int64_t give_up_us;
};

struct vgw_leg {
    /* what each frame looks at lies together: of a thousand legs none is in the cache when its frame comes */
    struct vgw_leg_params p;
    void *stream; /* the plugin's */
    bool attached, up, ending, in_end, sink_closed, detached;
    bool want_pcm, want_vad, want_dtmf, muted;
    enum vgw_encoding encoding;
    uint32_t rate_hz;
    uint32_t epoch_base;         /* epochs of the queues before this one: a change of format must not lower the epoch */
    struct vgw_playout *playout; /* NULL until something is to be said */
    struct vgw_leg_record *record;
    bool hushed;       /* recordings take silence */
    uint64_t position; /* samples at 8 kHz that have come */
    uint64_t tx_timestamp;
    uint64_t frames;
    int64_t last_frame_us;
    int64_t alive_us; /* when the sink was last told */
    struct vgw_quality quality;

    struct vgw_log_scope scope;
    uint64_t handle;
    struct vgw_task attach_task, end_task, gone_task;
    _Atomic bool end_asked; /* control writes, the worker reads */
    uint64_t claim;

    /* receive */
    int16_t *pcm; /* 160 of them, once something is decoded */
    uint32_t pcm_fill;
    struct vgw_resampler *rx_resampler; /* to 8 kHz, when the leg is wider */
    struct vgw_vad *vad;
    struct vgw_dtmf_rx *dtmf_rx;
    struct vgw_dtmf_dedupe dedupe;
    struct vgw_timer watch;

    /* send */
    uint32_t in_queue; /* utterances that the queue has not reported as finished */
    bool clearing;     /* vgw_leg_clear() is reporting: nothing begins meanwhile */
    bool fading;       /* the end of what was cleared is still to be sent */
    struct vgw_timer tick;
    struct vgw_pace pace;
    uint64_t open_utterance;
    struct vgw_catchup *live; /* while the open utterance is a live voice */
    bool room_wanted, blocked, held_frame;
    bool held_music;                 /* the held frame is music, and ends with it */
    size_t held_heard;               /* samples of the held frame that the queue counts as heard already */
    uint8_t *held;                   /* one frame of the leg's format */
    struct vgw_leg_pending *pending; /* VGW_LEG_MARKS of them, made with the queue */
    uint32_t pending_count;
    struct vgw_resampler *tx_resampler;
    uint32_t tx_resampler_in;
    struct vgw_dtmf_tx *dtmf_tx;
    char *dtmf_next; /* digits asked for while others were sent: at most 128; or NULL */
    struct vgw_music *music;
    bool music_asked;           /* by vgw_leg_music(); a mix may want it too */
    bool aside;                 /* as the sink was told */
    struct vgw_mixer_port *mix; /* joined with others, or NULL */

    uint32_t records_open; /* recordings whose last block is not on disk yet */
    struct vgw_json *recordings;
    struct vgw_timer end_timer;
};

void vgw_leg_rx_done(struct vgw_leg *leg);
void vgw_leg_tx_done(struct vgw_leg *leg);
void vgw_leg_tx_format(struct vgw_leg *leg);
void vgw_leg_on_tick(void *arg);
/** Starts the clock when something wants it: audio to send, or a provider whose frames are pulled. */
void vgw_leg_tick_arm(struct vgw_leg *leg);
/** leg_live.c: before a tick plays anything, and after it played what it may. `ticks`: that are over with it, lost ones
 * with them. */
struct vgw_leg_live_mark {
    uint64_t played;
    bool late;
};
struct vgw_leg_live_mark vgw_leg_live_mark(const struct vgw_leg *leg, int64_t now_us);
void vgw_leg_live_tick(struct vgw_leg *leg, const struct vgw_leg_live_mark *before, uint32_t ticks);
void vgw_leg_live_end(struct vgw_leg *leg);
void vgw_leg_report_played(struct vgw_leg *leg);
/** Feeds the recording, if one runs: caller's or our samples at 8 kHz, at their place on the leg's clock. */
void vgw_leg_record_rx(struct vgw_leg *leg, const int16_t *pcm, size_t n);
void vgw_leg_record_tx(struct vgw_leg *leg, const void *payload, size_t samples);
/** Time goes on without frames. */
void vgw_leg_record_advance(struct vgw_leg *leg);
void vgw_leg_record_close(struct vgw_leg *leg);
/* leg_mix.c */
/** The generator runs while the talk or the mix wants it. */
void vgw_leg_music_update(struct vgw_leg *leg);
/** The leg's rate has changed. */
void vgw_leg_mix_format(struct vgw_leg *leg);
/** The caller's samples at the leg's rate, at most 20 ms at 48 kHz. */
void vgw_leg_mix_rx(struct vgw_leg *leg, const int16_t *pcm, size_t n);
/** The others are added to a frame of ours; `own`: it holds something. True: there is something to send. */
bool vgw_leg_mix_tx(struct vgw_leg *leg, uint8_t *frame, size_t samples, bool own);
/** So many ticks of the leg did not send. */
void vgw_leg_mix_lost(struct vgw_leg *leg, uint32_t ticks);
/** Called by each part when it is closed: lets the leg go once all are. */
void vgw_leg_maybe_gone(struct vgw_leg *leg);
#endif
