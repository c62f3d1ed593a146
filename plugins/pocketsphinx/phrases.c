#include "phrases.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "voicegw/json.h"

#define SLOTS 8192 /* a power of two above PHRASES_WORDS_MAX */
#define TOTAL_MAX (PHRASES_MAX * PHRASE_WORDS_MAX)

struct phrases *phrases_new(void)
{
    struct phrases *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->slot_count = SLOTS;
    p->slots = calloc(SLOTS, sizeof *p->slots);
    p->starts = calloc(PHRASES_MAX + 1, sizeof *p->starts);
    p->phrase_words = NULL;
    if (!p->slots || !p->starts) {
        phrases_free(p);
        return NULL;
    }
    return p;
}

void phrases_free(struct phrases *p)
{
    if (!p)
        return;
    for (uint32_t i = 0; i < p->word_count; i++)
        free(p->words[i].pronunciations);
    free(p->words);
    free(p->slots);
    free(p->starts);
    free(p->phrase_words);
    free(p);
}

static uint32_t slot_of(const struct phrases *p, const char *text)
{
    uint32_t hash = 2166136261u;
    for (const char *c = text; *c; c++)
        hash = (hash ^ (uint8_t)*c) * 16777619u;
    uint32_t at = hash & (p->slot_count - 1);
    while (p->slots[at] && strcmp(p->words[p->slots[at] - 1].text, text) != 0)
        at = (at + 1) & (p->slot_count - 1);
    return at;
}

int32_t phrases_word(const struct phrases *p, const char *text)
{
    return (int32_t)p->slots[slot_of(p, text)] - 1;
}

/* The index of a word, made when it is new; -1: no room. */
static int32_t intern(struct phrases *p, const char *text)
{
    uint32_t slot = slot_of(p, text);
    if (p->slots[slot])
        return (int32_t)p->slots[slot] - 1;
    if (p->word_count == PHRASES_WORDS_MAX)
        return -1;
    if (p->word_count == p->word_room) {
        uint32_t room = p->word_room ? p->word_room * 2 : 128;
        struct word *grown = realloc(p->words, room * sizeof *grown);
        if (!grown)
            return -1;
        p->words = grown;
        p->word_room = room;
    }
    struct word *w = &p->words[p->word_count++];
    memset(w, 0, sizeof *w);
    memcpy(w->text, text, strlen(text) + 1);
    p->slots[slot] = p->word_count;
    return (int32_t)p->word_count - 1;
}

/* The next word of a text: letters with inner apostrophes, or one digit as its name. Returns where it goes on, NULL at
 * the end. */
static const char *next_word(const char *at, char *word)
{
    static const char *const digits[] = {"zero", "one", "two",   "three", "four",
                                         "five", "six", "seven", "eight", "nine"};
    size_t n = 0;
    while (*at && !isalnum((unsigned char)*at) && (unsigned char)*at < 0x80)
        at++;
    if (*at >= '0' && *at <= '9') {
        const char *name = digits[*at - '0'];
        memcpy(word, name, strlen(name) + 1);
        return at + 1;
    }
    for (; isalpha((unsigned char)*at) || (unsigned char)*at >= 0x80 || (*at == '\'' && isalpha((unsigned char)at[1]));
         at++)
        if (n < WORD_BYTES - 1)
            word[n++] = (char)tolower((unsigned char)*at);
    word[n] = '\0';
    return n ? at : NULL;
}

int phrases_add(struct phrases *p, const char *text)
{
    uint16_t words[PHRASE_WORDS_MAX];
    uint32_t n = 0;
    char word[WORD_BYTES];
    if (p->phrase_count == PHRASES_MAX)
        return 0;
    for (const char *at = text; n < PHRASE_WORDS_MAX && (at = next_word(at, word)) != NULL;) {
        int32_t index = intern(p, word);
        if (index < 0)
            return p->word_count == PHRASES_WORDS_MAX ? 0 : -1;
        words[n++] = (uint16_t)index;
    }
    if (n == 0)
        return 0;
    uint16_t *grown = realloc(p->phrase_words, (p->total_words + n) * sizeof *grown);
    if (!grown)
        return -1;
    p->phrase_words = grown;
    memcpy(grown + p->total_words, words, n * sizeof *words);
    p->total_words += n;
    p->starts[++p->phrase_count] = p->total_words;
    return 0;
}

int phrases_add_json(struct phrases *p, const char *hints_json)
{
    char text[512] = "";
    struct voicegw_json_iter it = voicegw_json_each(voicegw_json_of(hints_json));
    while (voicegw_json_next(&it)) {
        if (voicegw_json_string(it.value, text, sizeof text) >= 0 && phrases_add(p, text) < 0)
            return -1;
    }
    return 0;
}

void phrases_keep_known(struct phrases *p)
{
    uint32_t kept = 0, total = 0, from = 0;
    for (uint32_t i = 0; i < p->phrase_count; i++) {
        uint32_t to = p->starts[i + 1], known = 1;
        for (uint32_t j = from; j < to; j++)
            known &= p->words[p->phrase_words[j]].pronunciations != NULL;
        if (known) {
            memmove(p->phrase_words + total, p->phrase_words + from, (to - from) * sizeof *p->phrase_words);
            total += to - from;
            p->starts[++kept] = total;
        }
        from = to;
    }
    p->phrase_count = kept;
    p->total_words = total;
}
