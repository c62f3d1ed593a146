/* speech.h - flite and pocketsphinx on a fake host, joined by 8 kHz mu-law as on a telephone. For tests and
 * measurements. */
#ifndef TESTS_SPEECH_H
#define TESTS_SPEECH_H
#include <stddef.h>
#include <stdint.h>
#include "fakehost.h"

#define UTTERANCES 14
extern const char *const utterances[UTTERANCES];

/** A started plugin on a host of its own; aborts with the sentence when it cannot be. */
struct engine {
    struct fakehost *fake;
    const struct voicegw_factory *factory;
    void *instance;
    const void *operations;
};
struct engine engine_start(const char *folder, const char *plugin, const char *kind, const char *options_json);
/** Drains and destroys; returns the fake host's leaks. */
int engine_stop(struct engine *e);

/** The 14 utterances as a JSON array. */
const char *utterances_json(void);

/** Speaks a text; returns mu-law at 8 kHz (malloc). */
uint8_t *speech_say(struct engine *tts, const char *voice, const char *text, size_t *ret_bytes);
void *speech_open(struct engine *stt, const char *hints_json, uint32_t interim);
/** 300 ms of line noise, then the speech with the detector's marks, 400 ms of noise, and finalize; runs the host.
 * Returns the final. */
const struct fakehost_report *speech_hear(struct engine *stt, void *stream, uint64_t utterance, const uint8_t *ulaw,
                                          size_t bytes);
void speech_close(struct engine *stt, void *stream);
/** CPU seconds of this process. */
double cpu_seconds(void);
/** Resident kilobytes. */
long resident_kb(void);
#endif
