#include "grammar.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Word numbers of the model: 0 </s>, 1 <s>, then the phrases' words, then the sounds. */
#define STOP 0u
#define START 1u
#define FIRST 2u
#define SOUNDS 39u

static const char *const sounds[SOUNDS] = {"AA", "AE", "AH", "AO", "AW", "AY", "B",  "CH", "D", "DH", "EH", "ER", "EY",
                                           "F",  "G",  "HH", "IH", "IY", "JH", "K",  "L",  "M", "N",  "NG", "OW", "OY",
                                           "P",  "R",  "S",  "SH", "T",  "TH", "UH", "UW", "V", "W",  "Y",  "Z",  "ZH"};

struct gram {
    uint32_t w[3]; /* history first; a bigram uses w[0], w[1] */
    uint32_t count;
};

struct grams {
    struct gram *items;
    uint32_t count;
};

struct model {
    const struct phrases *p;
    double discount, garbage;
    uint32_t vocabulary, used_words; /* word numbers; those that occur */
    uint32_t *unigrams;              /* counts */
    uint64_t total;
    struct grams two, three;
};

static int compare(const void *a, const void *b)
{
    const struct gram *x = a, *y = b;
    for (int i = 0; i < 3; i++)
        if (x->w[i] != y->w[i])
            return x->w[i] < y->w[i] ? -1 : 1;
    return 0;
}

/* Sorts and joins equal ones. */
static void join(struct grams *g)
{
    uint32_t kept = 0;
    qsort(g->items, g->count, sizeof *g->items, compare);
    for (uint32_t i = 0; i < g->count; i++) {
        if (kept > 0 && compare(&g->items[kept - 1], &g->items[i]) == 0)
            g->items[kept - 1].count++;
        else
            g->items[kept++] = g->items[i];
    }
    g->count = kept;
}

static uint32_t word_at(const struct phrases *p, uint32_t phrase, int64_t i)
{
    int64_t len = (int64_t)(p->starts[phrase + 1] - p->starts[phrase]);
    if (i < 0)
        return START;
    return i < len ? p->phrase_words[p->starts[phrase] + i] + FIRST : STOP;
}

static int count_grams(struct model *m)
{
    const struct phrases *p = m->p;
    size_t room = (size_t)p->total_words + p->phrase_count + 1;
    m->two.items = calloc(room, sizeof *m->two.items);
    m->three.items = calloc(room, sizeof *m->three.items);
    m->unigrams = calloc(m->vocabulary, sizeof *m->unigrams);
    if (!m->two.items || !m->three.items || !m->unigrams)
        return -1;
    for (uint32_t k = 0; k < p->phrase_count; k++) {
        int64_t len = (int64_t)(p->starts[k + 1] - p->starts[k]);
        for (int64_t i = 0; i <= len; i++) {
            uint32_t w = word_at(p, k, i), before = word_at(p, k, i - 1);
            m->unigrams[w]++;
            m->total++;
            m->two.items[m->two.count++] = (struct gram){{before, w, 0}, 1};
            if (i > 0)
                m->three.items[m->three.count++] = (struct gram){{word_at(p, k, i - 2), before, w}, 1};
        }
    }
    join(&m->two);
    join(&m->three);
    return 0;
}

/* How often a history was seen, and with how many different words behind it. */
static void history(const struct grams *g, uint32_t n, const uint32_t *h, uint32_t *ret_seen, uint32_t *ret_kinds)
{
    uint32_t lo = 0, hi = g->count;
    *ret_seen = *ret_kinds = 0;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2, less = 0, equal = 1;
        for (uint32_t i = 0; i < n && equal; i++) {
            less = g->items[mid].w[i] < h[i];
            equal = g->items[mid].w[i] == h[i];
        }
        if (less)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < g->count && memcmp(g->items[lo].w, h, n * sizeof *h) == 0; lo++) {
        *ret_seen += g->items[lo].count;
        (*ret_kinds)++;
    }
}

static double backoff(const struct model *m, const struct grams *g, uint32_t n, const uint32_t *h)
{
    uint32_t seen, kinds;
    history(g, n, h, &seen, &kinds);
    return seen ? m->discount * kinds / seen : 1.0;
}

static double unigram(const struct model *m, uint32_t w)
{
    return (1.0 - m->garbage) * m->unigrams[w] / (double)m->total;
}

static double bigram(const struct model *m, const struct gram *g)
{
    uint32_t seen, kinds;
    history(&m->two, 1, g->w, &seen, &kinds);
    return (g->count - m->discount) / seen + m->discount * kinds / seen * unigram(m, g->w[1]);
}

static const struct gram *find_two(const struct model *m, uint32_t a, uint32_t b)
{
    struct gram key = {{a, b, 0}, 0};
    return bsearch(&key, m->two.items, m->two.count, sizeof key, compare);
}

static double trigram(const struct model *m, const struct gram *g)
{
    uint32_t seen, kinds;
    history(&m->three, 2, g->w, &seen, &kinds);
    return (g->count - m->discount) / seen + m->discount * kinds / seen * bigram(m, find_two(m, g->w[1], g->w[2]));
}

static const char *name_of(const struct model *m, uint32_t w)
{
    if (w == STOP)
        return "</s>";
    return w == START ? "<s>" : m->p->words[w - FIRST].text;
}

static double logarithm(double v)
{
    return v > 1e-10 ? log10(v) : -10.0;
}

static void write_sound(FILE *out, uint32_t i)
{
    (void)fputc(GRAMMAR_GARBAGE, out);
    for (const char *c = sounds[i]; *c; c++)
        (void)fputc(tolower((unsigned char)*c), out);
}

static void write_unigrams(const struct model *m, FILE *out)
{
    (void)fputs("\\1-grams:\n", out);
    for (uint32_t w = 0; w < m->vocabulary; w++) {
        if (!m->unigrams[w] && w != START)
            continue;
        double p = w == START ? -99.0 : logarithm(unigram(m, w));
        (void)fprintf(out, "%.4f %s %.4f\n", p, name_of(m, w), w == STOP ? 0.0 : logarithm(backoff(m, &m->two, 1, &w)));
    }
    for (uint32_t i = 0; m->garbage > 0 && i < SOUNDS; i++) {
        (void)fprintf(out, "%.4f ", logarithm(m->garbage / SOUNDS));
        write_sound(out, i);
        (void)fputs(" 0.0000\n", out);
    }
}

static void write_model(const struct model *m, FILE *out)
{
    uint32_t ones = m->used_words + (m->garbage > 0 ? SOUNDS : 0);
    (void)fprintf(out, "\\data\\\nngram 1=%u\nngram 2=%u\nngram 3=%u\n\n", ones, m->two.count, m->three.count);
    write_unigrams(m, out);
    (void)fputs("\n\\2-grams:\n", out);
    for (uint32_t i = 0; i < m->two.count; i++) {
        const struct gram *g = &m->two.items[i];
        (void)fprintf(out, "%.4f %s %s %.4f\n", logarithm(bigram(m, g)), name_of(m, g->w[0]), name_of(m, g->w[1]),
                      logarithm(backoff(m, &m->three, 2, g->w)));
    }
    (void)fputs("\n\\3-grams:\n", out);
    for (uint32_t i = 0; i < m->three.count; i++) {
        const struct gram *g = &m->three.items[i];
        (void)fprintf(out, "%.4f %s %s %s\n", logarithm(trigram(m, g)), name_of(m, g->w[0]), name_of(m, g->w[1]),
                      name_of(m, g->w[2]));
    }
    (void)fputs("\n\\end\\\n", out);
}

int grammar_write(const struct phrases *p, const struct grammar_weights *weights, FILE *arpa)
{
    struct model m = {
        .p = p, .discount = weights->discount, .garbage = weights->garbage, .vocabulary = p->word_count + FIRST};
    int rc = count_grams(&m);
    if (rc == 0) {
        m.used_words = 1; /* <s> */
        for (uint32_t w = 0; w < m.vocabulary; w++)
            m.used_words += m.unigrams[w] > 0;
        write_model(&m, arpa);
        rc = fflush(arpa) == 0 && !ferror(arpa) ? 0 : -1;
    }
    free(m.two.items);
    free(m.three.items);
    free(m.unigrams);
    return rc;
}

int grammar_write_dictionary(const struct phrases *p, const struct grammar_weights *weights, FILE *dict)
{
    for (uint32_t i = 0; i < p->word_count; i++)
        if (p->words[i].pronunciations)
            (void)fputs(p->words[i].pronunciations, dict);
    for (uint32_t i = 0; weights->garbage > 0 && i < SOUNDS; i++) {
        write_sound(dict, i);
        (void)fprintf(dict, " %s\n", sounds[i]);
    }
    return fflush(dict) == 0 && !ferror(dict) ? 0 : -1;
}
