/* words.h - how far two transcripts of the same speech are from each other. Pure. */
#ifndef VGW_TALK_WORDS_H
#define VGW_TALK_WORDS_H
#include <stdint.h>

#define VGW_WORDS_MAX 200 /* of each text; what is longer is compared up to there */
/** Words to be changed, put in or left out to make `other` of `reference` (the numerator of the word error rate); case
 * and punctuation do not count. *ret_words (may be NULL): words of the reference. */
uint32_t vgw_words_distance(const char *reference, const char *other, uint32_t *ret_words);
#endif
