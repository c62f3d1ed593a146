#include "match.h"
#include <stdio.h>
#include <string.h>

#define HEARD_MAX 64
#define WORD 48
#define FILLER 0.2
#define NEAR 0.8 /* of a word that one letter tells apart */

struct heard {
    char words[HEARD_MAX][WORD];
    uint32_t count;
};

static int take(void *arg, const char *word)
{
    struct heard *h = arg;
    if (h->count < HEARD_MAX)
        (void)snprintf(h->words[h->count++], WORD, "%s", word);
    return 0;
}

static double weight(const char *word)
{
    static const char *const fillers[] = {
        "a",     "an",   "the",  "please", "i",    "i'd", "i'm",   "would", "like",  "want",   "to",  "um",  "uh",
        "hello", "hi",   "me",   "my",     "you",  "can", "could", "for",   "of",    "is",     "it",  "and", "so",
        "well",  "yeah", "just", "need",   "with", "in",  "on",    "at",    "thank", "thanks", "okay"};
    for (size_t i = 0; i < sizeof fillers / sizeof *fillers; i++)
        if (strcmp(fillers[i], word) == 0)
            return FILLER;
    return 1.0;
}

/* 1 when one letter more, less or other makes b of a. */
static int one_apart(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    if (la > lb)
        return one_apart(b, a);
    if (la < 5 || lb - la > 1)
        return 0;
    size_t i = 0;
    while (i < la && a[i] == b[i])
        i++;
    return strcmp(a + i + (la == lb), b + i + 1) == 0;
}

static double likeness(const char *expected, const char *heard)
{
    if (strcmp(expected, heard) == 0)
        return 1.0;
    return one_apart(expected, heard) ? NEAR : 0.0;
}

struct follow {
    const struct heard *heard;
    uint32_t at;
};

static int follows(void *arg, const char *word)
{
    struct follow *f = arg;
    if (f->at >= f->heard->count || strcmp(f->heard->words[f->at], word) != 0)
        return 1;
    f->at++;
    return 0;
}

/* The longest value of the slot that the caller's words from `at` on spell; *ret_words of them. */
static const char *slot_at(const struct slot *s, const struct heard *h, uint32_t at, uint32_t *ret_words)
{
    const char *found = NULL;
    *ret_words = 0;
    for (uint32_t i = 0; i < s->value_count; i++) {
        struct follow f = {h, at};
        if (book_words(s->values[i], follows, &f) == 0 && f.at - at > *ret_words) {
            found = s->values[i];
            *ret_words = f.at - at;
        }
    }
    return found;
}

struct table {
    double best[MENU_TOKENS_MAX + 1]
               [HEARD_MAX + 1]; /* weight matched of the tokens from i, words from j on; negative: a slot is missing */
};

static double token_at(const struct choice *c, const struct token *t, const struct heard *h, uint32_t j,
                       uint32_t *ret_words)
{
    if (!t->word)
        return slot_at(&c->slots[t->slot], h, j, ret_words) ? 1.0 : 0.0;
    *ret_words = 1;
    return weight(t->word) * likeness(t->word, h->words[j]);
}

static void fill(struct table *t, const struct choice *c, const struct phrase *p, const struct heard *h)
{
    const double impossible = -1000;
    for (uint32_t i = p->count + 1; i-- > 0;) {
        for (uint32_t j = h->count + 1; j-- > 0;) {
            double best = i == p->count ? 0 : impossible;
            if (i < p->count && p->tokens[i].word)
                best = t->best[i + 1][j];
            if (j < h->count && t->best[i][j + 1] > best)
                best = t->best[i][j + 1];
            uint32_t words = 0;
            double here = i < p->count && j < h->count ? token_at(c, &p->tokens[i], h, j, &words) : 0;
            if (here > 0 && here + t->best[i + 1][j + words] > best)
                best = here + t->best[i + 1][j + words];
            t->best[i][j] = best;
        }
    }
}

static void capture(const struct table *t, const struct choice *c, const struct phrase *p, const struct heard *h,
                    struct match *m)
{
    uint32_t i = 0, j = 0;
    while (i < p->count && j < h->count) {
        uint32_t words = 0;
        double here = token_at(c, &p->tokens[i], h, j, &words);
        if (here > 0 && here + t->best[i + 1][j + words] >= t->best[i][j] - 1e-9) {
            if (!p->tokens[i].word)
                m->values[p->tokens[i].slot] = slot_at(&c->slots[p->tokens[i].slot], h, j, &words);
            i++;
            j += words;
        } else if (t->best[i][j + 1] >= t->best[i][j] - 1e-9) {
            j++;
        } else {
            i++;
        }
    }
}

static double heard_weight(const struct heard *h)
{
    double sum = 0;
    for (uint32_t i = 0; i < h->count; i++)
        sum += weight(h->words[i]);
    return sum;
}

static double score(const struct table *t, const struct phrase *p, double said)
{
    double whole = 0, matched = t->best[0][0];
    for (uint32_t i = 0; i < p->count; i++)
        whole += p->tokens[i].word ? weight(p->tokens[i].word) : 1.0;
    if (matched <= 0 || whole <= 0)
        return 0;
    double precision = matched < said ? matched / said : 1.0;
    return matched / whole * (0.7 + 0.3 * precision);
}

struct match menu_match(const struct menu *menu, const char *text, double threshold)
{
    struct match best = {.choice = -1, .score = 0};
    struct heard heard = {.count = 0};
    struct table table;
    table.best[0][0] = 0;
    (void)book_words(text, take, &heard);
    double said = heard_weight(&heard);
    for (uint32_t i = 0; i < menu->choice_count; i++) {
        const struct choice *c = &menu->choices[i];
        for (uint32_t k = 0; k < c->phrase_count; k++) {
            fill(&table, c, &c->phrases[k], &heard);
            double s = score(&table, &c->phrases[k], said);
            if (s < threshold || s <= best.score)
                continue;
            best = (struct match){.choice = (int32_t)i, .score = s};
            capture(&table, c, &c->phrases[k], &heard, &best);
        }
    }
    return best;
}

int32_t menu_digits(const struct menu *m, const char *digits, uint32_t *ret_longer)
{
    size_t n = strlen(digits);
    int32_t found = -1;
    *ret_longer = 0;
    for (uint32_t i = 0; i < m->choice_count; i++) {
        const char *own = m->choices[i].digits;
        if (!own || strncmp(own, digits, n) != 0)
            continue;
        if (own[n] == '\0')
            found = (int32_t)i;
        else
            *ret_longer = 1;
    }
    return found;
}
