/* speaker.h - the stream of a synthesis engine: text in, cut into sentences; for a local engine one job a sentence on
 * the cpu lane, for a vendor's one request; audio out in chunks of at most 100 ms while the engine still works; cancel
 * between two chunks; sentences that were spoken before come from a cache. An engine brings synthesize() or begin(),
 * and its voices.
 *
 * A stream belongs to its worker; the engine is called for one sentence of a stream at a time, of several streams at
 * once. */
#ifndef VOICEGW_PLUGIN_SPEAKER_H
#define VOICEGW_PLUGIN_SPEAKER_H
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include "vendor.h"
#include "sound_cache.h"
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

struct speaker;

struct speaker_engine {
    /** Speaks one sentence. 0, or a negative status and a sentence in `why` (`cap` bytes). NULL where there is begin().
     * [pool] */
    int32_t (*synthesize)(void *engine, const struct speaker_request *request, speaker_sink sink, void *arg, char *why,
                          size_t cap);
    /** Starts to speak one sentence: the audio goes to speaker_take(), then speaker_ended() is called exactly once, not
     * from inside. `stream`: the target. 0 and *ret_work, or a negative status and a sentence. [media] */
    int32_t (*begin)(void *engine, uint64_t stream, const struct speaker_request *request, struct speaker *s,
                     void **ret_work, char *why, size_t cap);
    /** Nobody wants more of it; speaker_ended() follows all the same. [media] */
    void (*stop)(void *work);
    /** Writes all that shapes the sound of a sentence but the format that is heard; the length or a negative status:
     * not to be kept. NULL: nothing is. Pure. [any] */
    int32_t (*key)(const void *engine, const struct speaker_request *request, char *out, size_t cap);
    uint32_t g711; /* 1: the engine makes mu-law, which is asked for where the host takes it; 2: A-law too */
};

/** What the streams of one instance share; a member of the instance. Constant after start but for the counts. */
struct speaker_home {
    struct vendor_streams streams;
    const struct voicegw_host *host;
    const struct voicegw_host_tts *out;
    const struct speaker_engine *engine;
    void *data; /* the engine's first argument */
    struct sound_cache cache;
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

/** voicegw_tts.cache_key() of a home whose engine has key(). [any] */
int32_t speaker_cache_key(struct speaker_home *home, const struct voicegw_tts_params *params, const char *text,
                          char *out, uint32_t cap);

/** What the stream sounds like: VOICEGW_AUDIO_* and a rate. [media] */
void speaker_format(const struct speaker *s, uint32_t *ret_encoding, uint32_t *ret_rate);
/** Audio of begin() in whole samples, host byte order; not 0: nobody wants more of it. [media] */
int speaker_take(struct speaker *s, uint32_t encoding, uint32_t rate, const void *data, size_t bytes);
/** The sentence of begin() is over; status 0, or negative with a sentence. [media] */
void speaker_ended(struct speaker *s, int32_t status, const char *why);

/** Bytes of the first whole sentence of `text` with the space behind it, 0 when none is complete yet; `final`: no more
 * text follows. Pure. */
size_t speaker_sentence(const char *text, size_t bytes, int final);
#endif
