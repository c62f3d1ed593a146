/* utterance.h - audio on its way from an engine or a file to a caller. On the worker of the caller's leg. */
#ifndef MOCK_UTTERANCE_H
#define MOCK_UTTERANCE_H
#include "mock.h"

#define UTTERANCE_MAX 2400000u /* bytes: 5 minutes */

struct utterance {
    struct mock *mock;
    uint8_t *data;
    size_t bytes, cap, at;
    uint64_t use;
    uint32_t done, orphan;
    char problem[160]; /* why there is no audio, or "" */
};

/** Text by a tts instance, or a file. Always an utterance, with `problem` set when nothing can come; NULL: out of
 * memory. */
struct utterance *utterance_say(struct mock *m, uint64_t leg, const char *tts, const char *text, const char *voice);
struct utterance *utterance_read(struct mock *m, uint64_t leg, const char *path);
/** Keys as tones. */
struct utterance *utterance_tones(struct mock *m, const char *digits);
/** Nobody wants it any more. Takes NULL. */
void utterance_drop(struct utterance *u);
/** 20 ms into `out` (silence where there is none yet). 0: it is over. */
int utterance_take(struct utterance *u, uint8_t *out);
#endif
