/* lexicon.h - pronunciations out of the stock dictionary. */
#ifndef VOICEGW_PS_LEXICON_H
#define VOICEGW_PS_LEXICON_H
#include <stdint.h>
#include "phrases.h"

/** Sets the pronunciations of all words that the dictionary at `path` knows, in one pass over the file. `missing`
 * (`cap` bytes) gets the others' names, separated by ", ". Returns how many are missing, or -1 when the file cannot be
 * read. Reads a file: [pool]. */
int32_t lexicon_look_up(struct phrases *p, const char *path, char *missing, uint32_t cap);
#endif
