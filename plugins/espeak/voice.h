/* voice.h - libespeak-ng, opened when somebody first speaks with it. The library has one state for the process: one
 * sentence at a time. */
#ifndef VOICEGW_ESPEAK_VOICE_H
#define VOICEGW_ESPEAK_VOICE_H
#include <stddef.h>
#include <stdint.h>
#include "speaker.h"

struct espeak_style {
    int words_per_minute;
    int pitch;               /* 0 to 100, 50 is usual */
    const char *alternative; /* voice for when the request's is unknown; "" : by language */
    int *ret_unknown;        /* set to 1 when the request's voice is unknown */
};

/** 1 when espeak-ng speaks this language ("de", "pt-BR"); NULL and "" too. Pure. */
int espeak_speaks(const char *language);
/** All languages, primary tags separated by spaces. */
const char *espeak_languages(void);
/** Speaks one sentence. 0, or a negative status with a sentence in `why`. [pool] */
int32_t espeak_voice_speak(const struct speaker_request *request, const struct espeak_style *style, speaker_sink sink,
                           void *arg, char *why, size_t cap);
#endif
