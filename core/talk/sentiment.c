/* sentiment.c - a lexicon and the rules around it. Valences run from -4 to 4. */
#include "talk/sentiment.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define WORDS_MAX 200
#define WORD_MAX 24
#define NEGATED (-0.74)
#define BOOST 0.293
#define NEWEST 0.4 /* weight of the newest turn */
#define TREND 0.1

struct entry {
    const char *word;
    double valence;
};

/* clang-format off */
static const struct entry lexicon[] = {
    {"abysmal", -3}, {"amazing", 2.8}, {"angry", -2.3}, {"annoyed", -1.6}, {"annoying", -1.7}, {"appalling", -3},
    {"appreciate", 1.7}, {"ashamed", -2.1}, {"awesome", 3.1}, {"awful", -2}, {"bad", -2.5}, {"beautiful", 2.9},
    {"best", 3.2}, {"better", 1.9}, {"boring", -1.3}, {"broken", -1.6}, {"brilliant", 2.8}, {"cancel", -1},
    {"cheated", -2.4}, {"clean", 1.7}, {"comfortable", 1.5}, {"complain", -1.5}, {"complaint", -1.5},
    {"confused", -1.3}, {"confusing", -1.3}, {"cool", 1.3}, {"damn", -1.7}, {"delicious", 2.7}, {"delighted", 2.3},
    {"dirty", -1.9}, {"disappointed", -2.1}, {"disappointing", -2.2}, {"disaster", -3.1}, {"disgusting", -2.4},
    {"dreadful", -1.9}, {"easy", 1.9}, {"enjoy", 2.2}, {"enjoyed", 2.3}, {"excellent", 2.7}, {"excited", 1.4},
    {"fail", -2.5}, {"failed", -2.3}, {"fantastic", 2.6}, {"filthy", -2.4}, {"fine", 0.8}, {"fraud", -2.8},
    {"friendly", 2.2}, {"frustrated", -2.4}, {"frustrating", -1.9}, {"furious", -2.7}, {"glad", 2}, {"good", 1.9},
    {"grateful", 2}, {"great", 3.1}, {"happy", 2.7}, {"hate", -2.7}, {"hell", -2}, {"help", 1.2}, {"helpful", 1.8},
    {"horrible", -2.5}, {"idiot", -2.3}, {"impossible", -1.2}, {"incompetent", -2.3}, {"insult", -2.3}, {"joke", -0.8},
    {"kind", 2.4}, {"late", -0.9}, {"liar", -2.3}, {"lie", -1.6}, {"lost", -1.3}, {"love", 3.2}, {"lovely", 2.8},
    {"mad", -2.2}, {"mess", -1.5}, {"miserable", -2.2}, {"mistake", -1.4}, {"nice", 1.8}, {"noisy", -0.7},
    {"nonsense", -1.7}, {"outrageous", -2}, {"overcharged", -1.8}, {"pathetic", -2.3}, {"perfect", 2.7},
    {"pleasant", 2.3}, {"pleased", 1.9}, {"pleasure", 2.7}, {"poor", -2.1}, {"problem", -1.7}, {"problems", -1.7},
    {"ridiculous", -1.5}, {"rude", -2}, {"sad", -2.1}, {"satisfied", 1.8}, {"scam", -2.7}, {"scared", -1.9},
    {"shame", -2.1}, {"shocking", -1.7}, {"sick", -2.3}, {"slow", -0.8}, {"smelly", -1.6}, {"sorry", -0.3},
    {"stupid", -2.4}, {"super", 2.9}, {"terrible", -2.1}, {"terrific", 2.1}, {"thank", 1.5}, {"thanks", 1.9},
    {"tired", -1.9}, {"trouble", -1.7}, {"ugly", -2.3}, {"unacceptable", -2}, {"unhappy", -1.8}, {"upset", -1.6},
    {"useful", 1.9}, {"useless", -1.8}, {"wait", -0.3}, {"waste", -1.8}, {"welcome", 2}, {"wonderful", 2.7},
    {"worried", -1.2}, {"worse", -2.1}, {"worst", -3.1}, {"wrong", -2.1}, {"yay", 2.4},
};
static const struct entry boosters[] = {
    {"absolutely", 1}, {"almost", -1}, {"barely", -1}, {"completely", 1}, {"extremely", 1}, {"fairly", -1},
    {"hardly", -1}, {"incredibly", 1}, {"kinda", -1}, {"more", 1}, {"most", 1}, {"quite", 1}, {"really", 1},
    {"slightly", -1}, {"so", 1}, {"somewhat", -1}, {"totally", 1}, {"truly", 1}, {"utterly", 1}, {"very", 1},
};
static const struct entry negations[] = {
    {"ain't", 1}, {"aren't", 1}, {"can't", 1}, {"cannot", 1}, {"couldn't", 1}, {"didn't", 1}, {"doesn't", 1},
    {"don't", 1}, {"hadn't", 1}, {"hasn't", 1}, {"haven't", 1}, {"isn't", 1}, {"never", 1}, {"no", 1}, {"none", 1},
    {"not", 1}, {"nothing", 1}, {"shouldn't", 1}, {"wasn't", 1}, {"weren't", 1}, {"without", 1}, {"won't", 1},
    {"wouldn't", 1},
};
static const char *const phrases[] = {
    "speak to a manager", "speak to your manager", "talk to a manager", "talk to your manager", "your supervisor",
    "a supervisor", "cancel my", "my lawyer", "sue you", "never again", "want my money back", "file a complaint",
    "this is ridiculous", "speak to a human", "talk to a human", "real person",
};
/* clang-format on */
#define COUNT(a) (sizeof(a) / sizeof *(a))

static double value_of(const struct entry *list, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].word, word) == 0)
            return list[i].valence;
    return 0;
}

/* Lower case, letters and apostrophes; what is longer than any that is known counts as unknown. */
static size_t split(const char *text, char words[WORDS_MAX][WORD_MAX])
{
    size_t n = 0;
    while (n < WORDS_MAX) {
        size_t len = 0;
        while (*text && !isalpha((unsigned char)*text))
            text++;
        if (!*text)
            break;
        for (; isalpha((unsigned char)*text) || *text == '\''; text++)
            if (len < WORD_MAX)
                words[n][len++] = (char)tolower((unsigned char)*text);
        words[n][len < WORD_MAX ? len : 0] = '\0';
        n++;
    }
    return n;
}

static double valence_at(char words[WORDS_MAX][WORD_MAX], size_t at)
{
    static const double fade[] = {1, 0.95, 0.9};
    double v = value_of(lexicon, COUNT(lexicon), words[at]);
    if (v == 0)
        return 0;
    bool negated = false;
    double boost = 0;
    for (size_t back = 1; back <= 3 && back <= at; back++) {
        const char *before = words[at - back];
        negated = negated || value_of(negations, COUNT(negations), before) != 0;
        boost += value_of(boosters, COUNT(boosters), before) * BOOST * fade[back - 1];
    }
    v += v > 0 ? boost : -boost;
    return negated ? v * NEGATED : v;
}

double vgw_sentiment_score(const char *text)
{
    char words[WORDS_MAX][WORD_MAX];
    size_t n = split(text, words), but = n;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        if (strcmp(words[i], "but") == 0)
            but = i;
    for (size_t i = 0; i < n; i++)
        sum += valence_at(words, i) * (but == n ? 1 : i < but ? 0.5 : 1.5);
    return sum == 0 ? 0 : sum / sqrt(sum * sum + 15);
}

const char *vgw_sentiment_phrase(const char *text)
{
    for (size_t i = 0; i < COUNT(phrases); i++)
        if (strcasestr(text, phrases[i]))
            return phrases[i];
    return NULL;
}

void vgw_sentiment_add(struct vgw_sentiment *s, double score)
{
    s->before = s->turns ? s->mean : score;
    s->mean = s->turns++ ? s->mean + NEWEST * (score - s->mean) : score;
}

const char *vgw_sentiment_trend(const struct vgw_sentiment *s)
{
    double change = s->mean - s->before;
    return change > TREND ? "rising" : change < -TREND ? "falling" : "steady";
}
