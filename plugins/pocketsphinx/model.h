/* model.h - an instance's private folder: the stock acoustic model by symbolic links, with telephone cepstral means in
 * a feat.params of its own, and the small models of its streams while they are loaded. */
#ifndef VOICEGW_PS_MODEL_H
#define VOICEGW_PS_MODEL_H
#include <stdint.h>
#include "grammar.h"

struct model_settings {
    char acoustic[512], dictionary[512], language_model[512]; /* the stock files */
    char cmninit[256];
    double beam, word_beam, phone_beam, language_weight, insertion;
    struct grammar_weights weights;
    uint32_t full; /* no hints: the full language model */
};

struct model {
    struct model_settings settings;
    char folder[600]; /* "" until model_start() */
    int lock;         /* the folder, open and locked for as long as it is used */
};

/** 0, or -1 and a sentence: a stock file is missing. */
int model_check(const struct model_settings *settings, char *why, size_t cap);
/** Makes the folder below `parent` (NULL: TMPDIR or /tmp), and removes what processes that were killed left there. 0,
 * or -1 and a sentence. */
int model_start(struct model *m, const char *parent, int64_t now_s, char *why, size_t cap);
/** Removes the folder and all in it. */
void model_stop(struct model *m);
/** Writes language model and dictionary of the phrases into two files whose names it gives (`cap` bytes each); the
 * caller unlinks them. 0 or -1. Any thread. */
int model_write(const struct model *m, const struct phrases *p, uint64_t number, char *ret_lm, char *ret_dict,
                size_t cap);
#endif
