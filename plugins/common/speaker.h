/* speaker.h - the stream of a local synthesis engine: text in, cut into sentences; one job a sentence on the cpu lane;
 * audio out in chunks of at most 100 ms while the engine still works; cancel between two chunks. An engine brings
 * synthesize() and its voices.
 *
 * A stream belongs to its worker; the engine is called by one job of a stream at a time, of several streams at once. */
#ifndef VOICEGW_PLUGIN_SPEAKER_H
#define VOICEGW_PLUGIN_SPEAKER_H
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include "voicegw/plugin.h"
#include "voicegw/draft/tts.h"

#define SPEAKER_TEXT_MAX 65536 /* bytes of text that a stream holds */

/** Takes what the engine made; not 0: nobody wants more of it. [pool] */
typedef int (*speaker_sink)(void *arg, const int16_t *pcm, size_t n, uint32_t rate);

struct speaker_request {
    const char *text;
    const char *voice;    /* "" : the engine's default */
    const char *language; /* "" : the engine's default */
    int ssml;
};

struct speaker_engine {
    /** Speaks one sentence. 0, or a negative status and a sentence in `why` (`cap` bytes). [pool] */
    int32_t (*synthesize)(void *engine, const struct speaker_request *request, speaker_sink sink, void *arg, char *why,
                          size_t cap);
};

/** What the streams of one instance share; a member of the instance. Constant after start but for the counts. */
struct speaker_home {
    const struct voicegw_host *host;
    const struct voicegw_host_tts *out;
    const struct speaker_engine *engine;
    void *data; /* the engine's first argument */
    atomic_uint streams;
    atomic_uint draining;
};

/** Fills the home. VOICEGW_EUNSUPPORTED: the host takes no speech. [control] */
int32_t speaker_home_init(struct speaker_home *home, const struct voicegw_host *host,
                          const struct speaker_engine *engine, void *data);
/** factory.drain(): tells host->drained() once, when the last stream is closed. [control] */
void speaker_home_drain(struct speaker_home *home);

/** The operations of struct voicegw_tts, on a stream that speaker_open() made. [media] */
int32_t speaker_open(struct speaker_home *home, uint64_t stream, const struct voicegw_tts_params *params,
                     void **ret_stream, uint32_t *ret_format);
int32_t speaker_speak(void *s, uint64_t utterance, const char *text, uint32_t flags);
int32_t speaker_flush(void *s);
int32_t speaker_cancel(void *s);
int32_t speaker_credit(void *s, uint32_t ms);
void speaker_close(void *s);

/** Bytes of the first whole sentence of `text` with the space behind it, 0 when none is complete yet; `final`: no more
 * text follows. Pure. */
size_t speaker_sentence(const char *text, size_t bytes, int final);
#endif
