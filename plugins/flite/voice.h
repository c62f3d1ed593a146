/* voice.h - flite's voices: each a shared library that is opened when somebody first speaks with it, so that a gateway
 * that says nothing stays small. */
#ifndef VOICEGW_FLITE_VOICE_H
#define VOICEGW_FLITE_VOICE_H
#include <stddef.h>
#include <stdint.h>
#include "speaker.h"

#define FLITE_VOICES "kal kal16 awb rms slt"
#define FLITE_VOICE "rms" /* the one that callers and recognizers understand best */

/** The name of a known voice as a constant ("cmu_us_rms" and "RMS" are rms), or NULL. Pure. */
const char *flite_voice_name(const char *name);

/** Speaks with a voice; `speed` 1.0 is its own pace. 0, or a negative status with a sentence in `why`. [pool] */
int32_t flite_voice_speak(const char *name, double speed, const char *text, speaker_sink sink, void *arg, char *why,
                          size_t cap);
#endif
