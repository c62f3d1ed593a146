/* text.h - text as it is spoken: words, sentence ends, how much of it was heard. Pure. */
#ifndef VGW_TALK_TEXT_H
#define VGW_TALK_TEXT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Words of letters and digits. */
uint32_t vgw_text_words(const char *text);
/** The same words in the same order; case and punctuation do not count. */
bool vgw_text_same_words(const char *a, const char *b);
/** Length of the part of `text` that ends with a whole sentence and may be spoken now, 0 when there is none yet. A
 * sentence ends with . ! ? … or a line end, followed by white space; not within a number ("3.14") and not behind common
 * abbreviations ("Dr."). */
size_t vgw_text_sentence(const char *text);
/** How many bytes of `text` were heard when `heard` of `total` samples were played: cut back to a word's end. */
size_t vgw_text_heard(const char *text, uint64_t heard, uint64_t total);
/** Does the caller seem to go on? The text ends with a word such as "and", "my", "um". */
bool vgw_text_unfinished(const char *text);
#endif
