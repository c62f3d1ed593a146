/* decoder.h - one recognizer of libpocketsphinx. One job at a time uses it; making, changing and freeing them is
 * serialized over the process, because the library is not safe there. All functions: [pool]. */
#ifndef VOICEGW_PS_DECODER_H
#define VOICEGW_PS_DECODER_H
#include <stddef.h>
#include <stdint.h>
#include "model.h"

struct decoder;

struct decoder_result {
    char text[2048];
    char words_json[8192];    /* "" when it does not fit */
    double confidence;        /* 0..1: the share of speech that our words explain, weighed by how well they do */
    int64_t start_ms, end_ms; /* of the first and last word, from decoder_begin(); negative: none */
};

/** A decoder for these phrases; NULL phrases: the full language model. NULL with a sentence in `why`. */
struct decoder *decoder_new(const struct model *m, const struct phrases *p, uint64_t number, char *why, size_t cap);
/** Takes NULL. */
void decoder_free(struct decoder *d);
/** Other phrases from the next utterance on; the cepstral means learned so far stay. 0, or -1 with a sentence and the
 * old ones. */
int decoder_expect(struct decoder *d, const struct model *m, const struct phrases *p, uint64_t number, char *why,
                   size_t cap);
/** Cepstral means that one decoder learned, for another one (13 values). */
void decoder_carry(const struct decoder *from, struct decoder *to);
void decoder_begin(struct decoder *d);
/** 16 kHz. */
void decoder_hear(struct decoder *d, const int16_t *pcm, size_t n);
/** What is understood so far; "" for nothing. Writes at most `cap` bytes. Returns how far it may be trusted, 0 to 1, as
 * for a final result; negative when there is no measure yet. */
double decoder_partial(struct decoder *d, char *text, size_t cap);
void decoder_end(struct decoder *d, struct decoder_result *ret);
#endif
