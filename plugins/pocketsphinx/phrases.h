/* phrases.h - what a step expects to hear, as words: hints come as JSON text, words become numbers. */
#ifndef VOICEGW_PS_PHRASES_H
#define VOICEGW_PS_PHRASES_H
#include <stddef.h>
#include <stdint.h>

#define PHRASES_MAX 1000       /* phrases of one grammar */
#define PHRASE_WORDS_MAX 32    /* words of one phrase */
#define PHRASES_WORDS_MAX 4000 /* different words of one grammar */
#define WORD_BYTES 48

struct word {
    char text[WORD_BYTES]; /* lower case letters, digits, apostrophe */
    char *pronunciations;  /* lines for a dictionary, set by lexicon_look_up(); NULL: unknown */
};

struct phrases {
    struct word *words;
    uint32_t word_count, word_room;
    uint32_t *slots; /* hash of words: index + 1 */
    uint32_t slot_count;
    uint16_t *phrase_words; /* phrases one after another */
    uint32_t *starts;       /* phrase i: phrase_words[starts[i]] to [starts[i + 1]] */
    uint32_t phrase_count, total_words;
};

/** NULL when out of memory. */
struct phrases *phrases_new(void);
/** Takes NULL. */
void phrases_free(struct phrases *p);
/** Adds a phrase: lower case, punctuation dropped, digits spelled. What goes beyond a limit is left out. 0 or -1 (out
 * of memory). */
int phrases_add(struct phrases *p, const char *text);
/** Adds each text of a JSON array; NULL or another value adds nothing. */
int phrases_add_json(struct phrases *p, const char *hints_json);
/** The word's index, or -1. */
int32_t phrases_word(const struct phrases *p, const char *text);
/** Takes out all phrases with a word that has no pronunciation. */
void phrases_keep_known(struct phrases *p);
#endif
