#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "book.h"
#include "voicegw/json.h"

#define EACH_MAX 64   /* expansions of one phrase with all combinations; beyond, each value is used once */
#define TOTAL_MAX 600 /* of one menu */
#define HINTS_BYTES 65536

static uint64_t combinations(const struct choice *c, const struct phrase *p, uint32_t *ret_longest)
{
    uint64_t product = 1;
    *ret_longest = 1;
    for (uint32_t i = 0; i < p->count; i++) {
        if (p->tokens[i].word)
            continue;
        uint32_t n = c->slots[p->tokens[i].slot].value_count;
        product = product > 1000000 ? product : product * n;
        *ret_longest = n > *ret_longest ? n : *ret_longest;
    }
    return product;
}

/* The phrase with the n-th choice of values: the n-th combination, or for each slot its n-th value. */
static void fill(const struct choice *c, const struct phrase *p, uint64_t n, int all, char *out, size_t cap)
{
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < p->count; i++) {
        const char *text = p->tokens[i].word;
        if (!text) {
            const struct slot *s = &c->slots[p->tokens[i].slot];
            text = s->values[n % s->value_count];
            n = all ? n / s->value_count : n;
        }
        int len = snprintf(out + used, cap - used, "%s%s", used ? " " : "", text);
        if (len < 0 || (size_t)len >= cap - used)
            return;
        used += (size_t)len;
    }
}

int book_hints(struct book *b, struct menu *m)
{
    char text[1024];
    uint32_t total = 0;
    char *out = malloc(HINTS_BYTES);
    if (!out)
        return -1;
    struct voicegw_json_writer w = voicegw_json_writer_of(out, HINTS_BYTES - 8);
    voicegw_json_put_object(&w, NULL);
    voicegw_json_put_array(&w, "phrases");
    for (uint32_t i = 0; i < m->choice_count; i++) {
        const struct choice *c = &m->choices[i];
        for (uint32_t k = 0; k < c->phrase_count; k++) {
            uint32_t longest;
            uint64_t product = combinations(c, &c->phrases[k], &longest);
            int all = product <= EACH_MAX;
            uint64_t count = all ? product : longest;
            for (uint64_t n = 0; n < count && total < TOTAL_MAX && w.len < HINTS_BYTES - 2048; n++, total++) {
                fill(c, &c->phrases[k], n, all, text, sizeof text);
                voicegw_json_put_string(&w, NULL, text);
            }
        }
    }
    voicegw_json_put_end(&w);
    voicegw_json_put_end(&w);
    int64_t bytes = voicegw_json_finish(&w);
    char *own = bytes < 0 ? NULL : book_alloc(b, (size_t)bytes + 1);
    if (own)
        memcpy(own, out, (size_t)bytes + 1);
    m->hints = own;
    free(out);
    return own ? 0 : -1;
}
