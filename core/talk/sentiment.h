/* sentiment.h - how a caller's words sound, by a lexicon of our own and the rules of the VADER method (Hutto and
 * Gilbert, 2014): negation, boosters, "but". English; a text in another language scores 0. Pure. */
#ifndef VGW_TALK_SENTIMENT_H
#define VGW_TALK_SENTIMENT_H
#include <stdint.h>

/** From -1 to 1; 0 when no word of it is known. From 0.05 it is positive, to -0.05 negative. */
double vgw_sentiment_score(const char *text);
/** Words that call for attention whatever the score, such as "speak to a manager"; static, or NULL. */
const char *vgw_sentiment_phrase(const char *text);

struct vgw_sentiment {
    uint32_t turns;
    double mean;   /* exponential: the newest of about four turns count */
    double before; /* the mean before the last turn */
};
void vgw_sentiment_add(struct vgw_sentiment *s, double score);
/** "rising", "falling" or "steady". Static. */
const char *vgw_sentiment_trend(const struct vgw_sentiment *s);
#endif
