/* answer.h - an option's answer with its names filled in. Pure. */
#ifndef VOICEGW_MENU_ANSWER_H
#define VOICEGW_MENU_ANSWER_H
#include "match.h"

/** "Booked for {nights} nights, number {result.id}." → text; a name without a value leaves nothing. Always terminated;
 * cut at `cap`. */
void answer_fill(const struct choice *c, const struct match *m, const char *result_json, char *out, size_t cap);
/** The slots that were filled, as a JSON object. */
void answer_slots(const struct choice *c, const struct match *m, char *out, size_t cap);
#endif
