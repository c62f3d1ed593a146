/* leg.h - a call's audio on its worker: formats, the receive path (decode, VAD, DTMF, recording only when something
 * listens), the send path (one playout queue on one clock) and what was heard. Made and ended by control, lives on its
 * worker; other rooms know it by its handle (VGW_HANDLE_LEG). The talk of the call is its sink. */
#ifndef VGW_MEDIA_LEG_H
#define VGW_MEDIA_LEG_H
#include <stdbool.h>
#include <stdint.h>
#include "base/error.h"
#include "base/json.h"
#include "loop/handle.h"
#include "loop/loop.h"
#include "loop/pool.h"
#include "media/frame.h"
#include "media/vad.h"
#include "voicegw/draft/provider_media.h"

struct vgw_leg;

/** What a leg tells its talk. All [the leg's worker]; any may be NULL. */
struct vgw_leg_sink {
    /** Media is up in the leg's format (again after a change). */
    void (*on_up)(void *arg);
    /** A frame from the caller as it came; payload borrowed. Called for every frame, before anything is decoded. */
    void (*on_wire)(void *arg, const struct vgw_frame *frame);
    /** 20 ms at 8 kHz, linear, when vgw_leg_listen() asked for it. `sample`: its place since media began. */
    void (*on_pcm)(void *arg, const int16_t *pcm, uint64_t sample);
    /** Speech began or ended (when listening). */
    void (*on_vad)(void *arg, enum vgw_vad_event_kind kind, uint64_t sample);
    /** A digit, once however it came. */
    void (*on_dtmf)(void *arg, char digit, uint32_t duration_ms, const char *source);
    /** First audio of an utterance left. */
    void (*on_started)(void *arg, uint64_t utterance);
    /** An utterance is over: so many samples (of the leg's rate) were heard; complete or cut. Exactly once each. */
    void (*on_played)(void *arg, uint64_t utterance, uint64_t heard_samples, bool complete);
    /** The queue has room again after vgw_leg_push() took less than given. */
    void (*on_room)(void *arg);
    /** The recording that was stopped with this tag (never 0) is whole on disk, or as whole as it will be. Maybe from
     * inside vgw_leg_record_stop(); also after on_end, until the leg goes. */
    void (*on_recorded)(void *arg, uint64_t tag, double duration_s);
    /** Nothing came for the silence time-out, or the path broke. */
    void (*on_lost)(void *arg, const char *sentence);
    /** Frames came since the last report (at most every 5 s). */
    void (*on_alive)(void *arg);
    /** The plugin reports quality below 3.5 MOS or its figures. */
    void (*on_quality)(void *arg, double loss, double jitter_ms, double rtt_ms);
    /** The leg is joined with others (mixer.h) and its own conversation is to be silent, or is its own again. */
    void (*on_mix)(void *arg, bool aside);
    /** The leg ends: close what hangs on it, then call vgw_leg_sink_done() once. */
    void (*on_end)(void *arg);
    /** 2 s after on_end it is still not done: let go of everything that lives here; the leg goes when this returns. */
    void (*on_abandon)(void *arg);
};

struct vgw_leg_params {
    struct vgw_loop *worker, *control;
    struct vgw_pool *pool;
    uint64_t call;                            /* the call's handle, for the plugin's look-ups and our messages */
    const struct voicegw_provider_media *ops; /* of the provider; constant */
    void *instance;                           /* the plugin's instance; outlives the leg (control holds a reference) */
    int64_t silence_timeout_us;               /* no frame for so long: on_lost; 0: never */
    uint32_t playout_limit_ms;                /* default 30,000 */
    const char *session, *call_id, *provider; /* for log lines; borrowed until gone() was called */
    const struct vgw_leg_sink *sink;          /* constant */
    void *sink_arg;
    /** [control] The leg is gone (last message from it): `leg` is freed after this returns. */
    void (*gone)(void *arg, struct vgw_json *summary);
    void *gone_arg;
};
/** Makes a leg and asks its provider to attach, on the worker. The handle is valid at once. [control] */
int vgw_leg_new(const struct vgw_leg_params *params, struct vgw_leg **ret_leg, uint64_t *ret_handle,
                struct vgw_error *err);
/** Ends it: detaches, lets the sink close, closes the recording, then gone() runs on control. Cannot fail; once.
 * [control] */
void vgw_leg_end(struct vgw_leg *leg);
uint64_t vgw_leg_handle(const struct vgw_leg *leg);       /* [any] */
struct vgw_loop *vgw_leg_loop(const struct vgw_leg *leg); /* [any] */

/* ---- for the talk, on the worker ---- */
bool vgw_leg_up(const struct vgw_leg *leg);
/** True from the moment the end has reached the worker: what on_played() reports then was cut by the end of the call.
 */
bool vgw_leg_ending(const struct vgw_leg *leg);
enum vgw_encoding vgw_leg_encoding(const struct vgw_leg *leg);
uint32_t vgw_leg_rate_hz(const struct vgw_leg *leg);
uint32_t vgw_leg_epoch(const struct vgw_leg *leg);
/** What to run on the receive path: decoded frames, VAD, in-band DTMF. Off costs nothing. */
void vgw_leg_listen(struct vgw_leg *leg, bool pcm, bool vad, bool dtmf);
/** Sends a frame at once, past queue and clock: for audio that comes at the pace of speech, in the leg's own format. */
int vgw_leg_send_now(struct vgw_leg *leg, const void *payload, uint32_t bytes, uint32_t samples);
/** Opens an utterance in the queue; audio follows by vgw_leg_push() in L16 or the leg's encoding, at `rate_hz`
 * (converted here). */
int vgw_leg_begin(struct vgw_leg *leg, uint64_t utterance);
/** The open utterance is a live voice: what stands in the queue because a tick was late, or because the far side took
 * nothing, is left out again within 200 ms, unless the voice runs ahead of the clock. Without this nothing is left
 * out. VGW_ENOTFOUND: not the open one. */
int vgw_leg_live(struct vgw_leg *leg, uint64_t utterance);
/** Queues audio of the open utterance. VGW_ENOTFOUND: not the open one or an old epoch; VGW_EBUSY: the queue is full,
 * nothing was taken, on_room() follows. */
int vgw_leg_push(struct vgw_leg *leg, uint64_t utterance, enum vgw_encoding encoding, uint32_t rate_hz,
                 const void *payload, size_t samples);
/** Nothing more of it comes; on_played() follows when it was heard. */
int vgw_leg_finish(struct vgw_leg *leg, uint64_t utterance);
/** Forgets all that is queued, here and at the far side; raises the epoch. on_played(cut) for each utterance, from
 * inside. */
void vgw_leg_clear(struct vgw_leg *leg);
/** Anything queued or not yet reported as heard? */
bool vgw_leg_speaking(const struct vgw_leg *leg);
/** Digits: by signalling if the provider can, else as tones before what is queued; those of a second call follow the
 * first's. VGW_ELIMIT when more than 128 wait. */
int vgw_leg_dtmf(struct vgw_leg *leg, const char *digits, struct vgw_error *err);
/** A digit that the provider signalled outside of the media stream, as by a callback. The same press, heard in the
 * stream too, counts once. VGW_EINVALID: no digit. */
int vgw_leg_outside_dtmf(struct vgw_leg *leg, char digit, uint32_t duration_ms, const char *source);
/** Plays the built-in hold music until stopped (false). */
void vgw_leg_music(struct vgw_leg *leg, bool on);
/** The caller's audio is dropped while muted towards us (false: heard again). */
void vgw_leg_mute(struct vgw_leg *leg, bool on);
/** How long the speech that runs now has lasted, up to its last sound (the detector holds on for a while after it); 0:
 * nobody speaks. */
uint32_t vgw_leg_speech_ms(const struct vgw_leg *leg);
/** Samples received since media began, at 8 kHz. */
uint64_t vgw_leg_position(const struct vgw_leg *leg);
/** After sink.on_end: the sink's things are closed. */
void vgw_leg_sink_done(struct vgw_leg *leg);

/* ---- recording (stereo WAV: caller left, gateway right) ---- */
/** Starts a recording into `path` (a new file, made on the io lane). VGW_EBUSY: one runs. */
int vgw_leg_record_start(struct vgw_leg *leg, const char *path, const char *recording_id, struct vgw_error *err);
/** Stops. Its last blocks are still on their way to the disk: the sink's on_recorded(tag) follows once the file is
 * whole (tag 0: not wanted). VGW_EBUSY: none runs. */
int vgw_leg_record_stop(struct vgw_leg *leg, uint64_t tag);
int vgw_leg_record_pause(struct vgw_leg *leg, bool paused);
/** While hushed, every recording of this leg takes silence for both sides, also one that starts meanwhile, whatever
 * pause and resume say. Cannot fail. */
void vgw_leg_record_hush(struct vgw_leg *leg, bool on);
/** Seconds recorded so far; negative when none runs. For cutting a turn's audio. */
double vgw_leg_record_position_s(const struct vgw_leg *leg);

/* ---- from the provider's plugin, by host/ (on the worker; a stale leg is VGW_ENOTFOUND) ---- */
int vgw_leg_on_format(uint64_t handle, const struct voicegw_audio_format *format);
int vgw_leg_on_frame(uint64_t handle, const struct voicegw_frame *frame);
int vgw_leg_on_writable(uint64_t handle);
int vgw_leg_on_mark(uint64_t handle, uint64_t mark, bool heard);
int vgw_leg_on_dtmf(uint64_t handle, const char *digit, uint32_t duration_ms, const char *source);
int vgw_leg_on_quality(uint64_t handle, double loss, double jitter_ms, double rtt_ms);
int vgw_leg_on_lost(uint64_t handle, const char *sentence);
int vgw_leg_on_detached(uint64_t handle);
/** The plugin's stream of a leg, for WebSocket routes. */
void *vgw_leg_stream(uint64_t handle);
/** Claims the leg's one stream slot for `owner` (a socket's handle): 0, or VGW_EBUSY when another has it. */
int vgw_leg_claim(uint64_t handle, uint64_t owner);
void vgw_leg_unclaim(uint64_t handle, uint64_t owner);
/** Who claims it; 0: nobody. */
uint64_t vgw_leg_owner(uint64_t handle);

#endif
