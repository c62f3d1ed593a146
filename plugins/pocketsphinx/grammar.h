/* grammar.h - phrases compiled to a small trigram model in ARPA form, and to the dictionary that goes with it. */
#ifndef VOICEGW_PS_GRAMMAR_H
#define VOICEGW_PS_GRAMMAR_H
#include <stdio.h>
#include "phrases.h"

/** What the phrases do not cover is heard as a run of single sounds, words of this form: "_aa". */
#define GRAMMAR_GARBAGE '_'

struct grammar_weights {
    double discount; /* 0..1: how much of a phrase's weight goes to other orders of its words */
    double garbage;  /* of all words, the share that is none of ours; 0: no garbage words */
};

/** Writes the model. Interpolated absolute discounting (Ney, Essen, Kneser 1994) from unigrams to trigrams; each phrase
 * counts once. 0, or -1 when memory or the file fails. */
int grammar_write(const struct phrases *p, const struct grammar_weights *weights, FILE *arpa);
/** Writes the dictionary. */
int grammar_write_dictionary(const struct phrases *p, const struct grammar_weights *weights, FILE *dict);
#endif
