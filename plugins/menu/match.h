/* match.h - which option a caller's words mean. Pure. */
#ifndef VOICEGW_MENU_MATCH_H
#define VOICEGW_MENU_MATCH_H
#include "book.h"

#define MENU_SLOTS_MAX 16

struct match {
    int32_t choice;                     /* -1: none */
    double score;                       /* 0..1 */
    const char *values[MENU_SLOTS_MAX]; /* by slot index; NULL: not spoken */
};

/** The best option at or above `threshold`. Words in order count by weight, fillers ("please", "the") hardly; every
 * slot of the phrase must be filled; what else the caller says lowers the score a little. The first of equals wins. */
struct match menu_match(const struct menu *m, const char *text, double threshold);
/** The option with exactly these digits, or -1; *ret_longer: 1 when others begin with them. */
int32_t menu_digits(const struct menu *m, const char *digits, uint32_t *ret_longer);
#endif
