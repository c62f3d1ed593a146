/* vad.h - voice activity at 8 kHz: six bands, each with its own slowly learnt noise; a frame is speech when enough
 * bands stand out of it. Pure: the clock is the count of samples. About 1 KB of state, no allocation. */
#ifndef VGW_MEDIA_VAD_H
#define VGW_MEDIA_VAD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VGW_VAD_FRAME 160 /* samples: 20 ms at 8 kHz */
#define VGW_VAD_BANDS 6   /* 80-250, 250-500, 500-1000, 1000-2000, 2000-3000, 3000-4000 Hz */

struct vgw_vad_params {
    uint32_t onset_ms;    /* speech must last so long before it is reported; default 60, up to 500 */
    uint32_t hangover_ms; /* pauses up to this belong to the speech around them; default 300, up to 5000 */
    uint32_t pad_ms;      /* a reported span is widened by this at its start, for weak first sounds; default 40 */
    float threshold;      /* how far out of the noise, default 1.0; higher is stricter (0.5 to 3 make sense) */
    float min_dbm0;       /* nothing below is speech, whatever the noise; default -52 */
    float echo_raise_db;  /* what speech must exceed the noise by in addition while we speak; default 7 (6 to 9) */
};

enum vgw_vad_event_kind { VGW_VAD_NONE, VGW_VAD_START, VGW_VAD_END };

struct vgw_vad_event {
    enum vgw_vad_event_kind kind;
    /* START: first sample of the span, which lies onset_ms + pad_ms or so in the past: the pre-roll ring has it.
     * END: the sample after the last frame of speech, hangover_ms in the past. Counted from init or reset. */
    uint64_t sample;
};

struct vgw_vad {
    struct vgw_vad_params params;
    bool local_speaking;
    /* filter bank: state of each split and of the input high-pass */
    float highpass[2];
    float split[5][4];
    /* noise model, in dB, per band */
    float noise[VGW_VAD_BANDS];
    float spread[VGW_VAD_BANDS];
    float low[VGW_VAD_BANDS][8]; /* lowest level in each of the last spans; the noise cannot lie far above them */
    float low_now[VGW_VAD_BANDS];
    float power[VGW_VAD_BANDS][2]; /* of the two frames before, which this frame is averaged with */
    uint32_t low_slot, low_frames, frames;
    /* decision */
    float level_dbm0, score;
    bool frame_speech, active;
    uint32_t run, gap;    /* frames of speech in a row before START; frames without it while active */
    uint64_t position;    /* samples taken */
    uint64_t span_start;  /* of the run that may become speech, or of the speech */
    uint64_t last_speech; /* end of the last frame of speech */
    uint64_t last_end;    /* where the last span ended: a pad never reaches into it */
};

/** The defaults above. Thread: any, as all here. */
struct vgw_vad_params vgw_vad_defaults(void);
/** Starts afresh. `params` may be NULL; values out of bounds are brought to the nearest bound. */
void vgw_vad_init(struct vgw_vad *v, const struct vgw_vad_params *params);
/** As after init, keeping params and the noise that was learnt: for a new utterance, or after a gap in the audio. */
void vgw_vad_reset(struct vgw_vad *v);
/** New parameters from the next frame on (a step of the workflow may change them); state and noise stay. */
void vgw_vad_configure(struct vgw_vad *v, const struct vgw_vad_params *params);
/** True while we send audio ourselves: a caller on a loudspeaker sends it back, so speech must stand out further. */
void vgw_vad_set_local_speaking(struct vgw_vad *v, bool speaking);
/** Takes exactly VGW_VAD_FRAME samples. Returns what happened with this frame; at most one event a frame. */
struct vgw_vad_event vgw_vad_run(struct vgw_vad *v, const int16_t pcm[VGW_VAD_FRAME]);
/** Ends speech that is under way (the stream stops, is muted or lost): an END event, or NONE. */
struct vgw_vad_event vgw_vad_flush(struct vgw_vad *v);
/** Between START and END. */
static inline bool vgw_vad_active(const struct vgw_vad *v)
{
    return v->active;
}
/** Level of the last frame; and of the noise as learnt so far. */
float vgw_vad_level_dbm0(const struct vgw_vad *v);
float vgw_vad_noise_dbm0(const struct vgw_vad *v);
#endif
