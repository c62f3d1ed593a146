/* playout.h - the one queue of audio that a leg sends: filled faster than real time by synthesis, emptied one frame a
 * tick. It knows what was heard of each utterance, holds marks at their place, and forgets at once when the caller
 * barges in. Pure apart from memory, which it takes in blocks of 4 KiB while audio is queued. One owner, one thread at
 * a time. */
#ifndef VGW_MEDIA_PLAYOUT_H
#define VGW_MEDIA_PLAYOUT_H
#include "base/error.h"
#include "media/frame.h"

struct vgw_playout;

struct vgw_playout_params {
    enum vgw_encoding encoding; /* of what is pushed and taken: the wire's, so that it passes bit-exact */
    uint32_t rate_hz;           /* default 8000 */
    uint32_t limit_ms;          /* queued audio at most; default 30000, up to 600000 */
    uint32_t start_ms;          /* an utterance starts when so much is queued or it has ended; default 0 */
    uint32_t live_ms;           /* not 0: what is pushed is live; more than this queued is dropped, oldest first */
    uint32_t fade_ms;           /* ramp down when cleared; default 5, up to 20 */
    bool comfort;               /* when there is nothing to play, take() gives comfort noise */
    float comfort_dbm0;         /* its level; default -60 */
};
/** 8 kHz mu-law and the defaults above. Thread: any. */
struct vgw_playout_params vgw_playout_defaults(void);

/** Errors: VGW_EINVALID with a sentence for a value out of bounds, VGW_ELIMIT out of memory.
 *  The caller owns it: vgw_playout_free(). */
int vgw_playout_new(const struct vgw_playout_params *params, struct vgw_playout **ret, struct vgw_error *err);
/** Takes NULL. */
void vgw_playout_free(struct vgw_playout *p);

/* --- filling --- */
/* Each call names the epoch it belongs to, which starts at 0 and rises with every clear. One of another epoch is
 * dropped, counted, and answered VGW_ENOTFOUND. */

/** Opens an utterance; one that is open is ended. Ids are the caller's; not 0. Errors: VGW_ELIMIT when 64 utterances
 *  and marks wait. */
int vgw_playout_begin(struct vgw_playout *p, uint32_t epoch, uint64_t utterance);
/** Appends samples to the open utterance (or to none: audio of no utterance, such as a bridged leg). What does not fit
 *  the limit is not taken: *ret_samples (may be NULL) says how many were, and the rest is to be pushed again later.
 *  Errors: VGW_ELIMIT when nothing was taken. */
int vgw_playout_push(struct vgw_playout *p, uint32_t epoch, const void *payload, size_t samples, size_t *ret_samples);
/** Ends the open utterance: nothing more of it comes. */
int vgw_playout_end(struct vgw_playout *p, uint32_t epoch);
/** A mark after what was pushed so far. Errors: VGW_ELIMIT as for begin. */
int vgw_playout_mark(struct vgw_playout *p, uint32_t epoch, uint64_t mark);
/** Audio time that can be pushed now, and that is queued. */
uint32_t vgw_playout_room_ms(const struct vgw_playout *p);
uint32_t vgw_playout_queued_ms(const struct vgw_playout *p);
uint32_t vgw_playout_epoch(const struct vgw_playout *p);

/* --- emptying --- */
enum vgw_playout_kind { VGW_PLAYOUT_NOTHING, VGW_PLAYOUT_AUDIO, VGW_PLAYOUT_COMFORT };
/** Writes `samples` samples to `out` (in the encoding; one frame, up to VGW_FRAME_SAMPLES_MAX). AUDIO: something
 * queued, filled up with silence where it ran out. COMFORT: noise. NOTHING: `out` is untouched and nothing need be
 * sent. *ret_heard (may be NULL): samples of it that came from the queue. */
enum vgw_playout_kind vgw_playout_take(struct vgw_playout *p, size_t samples, void *out, size_t *ret_heard);
/** Drops up to `samples` from the head without playing them, for live audio after a stall: they do not count as heard.
 *  Returns how many. */
size_t vgw_playout_skip(struct vgw_playout *p, size_t samples);
/** Forgets everything queued and raises the epoch, which is returned. The last milliseconds fade out in the next take.
 *  Utterances and marks that were not through are reported by vgw_playout_event() as cut. */
uint32_t vgw_playout_clear(struct vgw_playout *p);

enum vgw_playout_event_kind { VGW_PLAYOUT_STARTED, VGW_PLAYOUT_FINISHED, VGW_PLAYOUT_MARK };
struct vgw_playout_event {
    enum vgw_playout_event_kind kind;
    uint64_t id;            /* of the utterance or mark */
    uint64_t heard_samples; /* FINISHED: of the utterance, as far as this queue knows: what the provider still holds and
                               forgets at a clear is to be taken off by who knows it */
    bool complete;          /* FINISHED: played to its end; MARK: reached by playing. False: cut by a clear */
};
/** What happened since, in order, one at a time; false when there is nothing. Call after take, push, mark and clear. */
bool vgw_playout_event(struct vgw_playout *p, struct vgw_playout_event *ret);
/** Samples of this utterance played so far: of the one that plays now, or of one of the last 4 that finished; else 0.
 */
uint64_t vgw_playout_heard(const struct vgw_playout *p, uint64_t utterance);

struct vgw_playout_stats {
    uint64_t played_samples, skipped_samples, stale_pushes, underruns; /* underrun: ran dry within an utterance */
};
struct vgw_playout_stats vgw_playout_stats(const struct vgw_playout *p);

/* --- the tick --- */
/* Frames leave on a fixed grid. A tick that comes late is not made up for by a burst, which would sit in the far end's
 * buffer as delay for the rest of the call: it is dropped, and the grid stays. */
struct vgw_pace {
    int64_t period_us; /* 20000 */
    int64_t due_us;    /* next tick; 0 before the first */
    uint32_t burst;    /* frames that one late call may still send, at least 1 */
    uint64_t dropped;  /* ticks, since init */
};
/** `burst` 0 is 1. */
void vgw_pace_init(struct vgw_pace *pace, int64_t period_us, uint32_t burst);
/** How many frames to send now: 0 before the tick, else 1 to burst. *ret_dropped (may be NULL): ticks that were lost
 * with this call; for live audio, skip as many frames. The first call starts the grid and sends one. A clock that runs
 *  backwards starts a new grid. */
uint32_t vgw_pace_due(struct vgw_pace *pace, int64_t now_us, uint32_t *ret_dropped);
#endif
