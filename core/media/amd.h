/* amd.h - who has answered a call that we placed: a person, a machine, a fax. By the timing of speech, by tones and,
 * where somebody recognises it, by words. Pure: the clock is the count of samples. No allocation. Any thread, one at a
 * time. Figures: those of Twilio, SignalWire, Asterisk and jambonz lie around these; people say one to five words and
 * wait. */
#ifndef VGW_MEDIA_AMD_H
#define VGW_MEDIA_AMD_H
#include <stdbool.h>
#include <stdint.h>
#include "media/vad.h"

struct vgw_amd_params {
    uint32_t initial_silence_ms; /* nobody has said anything for so long: unknown; default 5000 */
    uint32_t machine_speech_ms;  /* nobody who answers speaks for so long: a machine; default 2600 */
    uint32_t human_silence_ms;   /* a person waits for so long after the greeting; default 1000 */
    uint32_t machine_words;      /* nor says so many words; default 9 */
    uint32_t end_silence_ms;     /* a machine whose greeting has ended so long ago has no beep; default 3000 */
    uint32_t timeout_ms;         /* all is settled by then; default 30000 */
};

enum vgw_amd_who {
    VGW_AMD_PENDING,
    VGW_AMD_HUMAN,
    VGW_AMD_MACHINE,         /* its greeting runs */
    VGW_AMD_MACHINE_BEEP,    /* its greeting is over, with a beep: it records now */
    VGW_AMD_MACHINE_SILENCE, /* its greeting is over, without one */
    VGW_AMD_MACHINE_OTHER,   /* it did not come to an end in time */
    VGW_AMD_FAX,
    VGW_AMD_UNKNOWN
};

struct vgw_amd_verdict {
    enum vgw_amd_who who; /* PENDING: nothing new */
    float confidence;     /* 0 to 1 */
    const char *reason;   /* a constant sentence */
    uint32_t after_ms;    /* of audio since the answer */
};

struct vgw_amd { /* private but for reading */
    struct vgw_amd_params params;
    struct vgw_vad vad;
    enum vgw_amd_who who;
    bool over;
    uint32_t frames;                  /* taken */
    uint32_t speech, quiet;           /* frames: of speech so far; since its end */
    uint32_t tone_frames, tone_after; /* of the tone that sounds; quiet ones behind one that ended */
    uint32_t tone_ended;              /* length of that */
    float tone_hz;
    uint32_t words;
    bool phrase;
};

struct vgw_amd_params vgw_amd_defaults(void);
/** Starts afresh; `params` may be NULL. */
void vgw_amd_init(struct vgw_amd *a, const struct vgw_amd_params *params);
/** Twenty milliseconds of what whoever answered says (VGW_VAD_FRAME samples at 8 kHz). A verdict comes at most twice:
 * who it is, and for a machine that its greeting is over. */
struct vgw_amd_verdict vgw_amd_run(struct vgw_amd *a, const int16_t pcm[VGW_VAD_FRAME]);
/** What is understood of it, all of it so far; counts from the next frame on. */
void vgw_amd_words(struct vgw_amd *a, const char *text);
/** Nothing more will be found out. */
static inline bool vgw_amd_over(const struct vgw_amd *a)
{
    return a->over;
}
/** As events name it: human, machine_start, machine_end_beep, machine_end_silence, machine_end_other, fax, unknown. */
const char *vgw_amd_name(enum vgw_amd_who who);
#endif
