/* live_said.c - the texts of one utterance put together. Pure. */
#include <string.h>
#include "live.h"
#include "voicegw/json_writer.h"

void live_said_clear(struct live_said *said)
{
    said->text[0] = said->words[0] = said->language[0] = '\0';
    said->settled = said->words_used = 0;
    said->confidence_sum = said->weight = 0;
    said->start_s = said->end_s = -1;
}

static void put_behind(struct live_said *said, const char *text)
{
    size_t at = said->settled, room = sizeof said->text - 1;
    while (*text == ' ')
        text++;
    size_t n = strlen(text);
    while (n && text[n - 1] == ' ')
        n--;
    if (at && n && at < room)
        said->text[at++] = ' ';
    if (n > room - at) {
        n = room - at;
        while (n && ((unsigned char)text[n] & 0xc0u) == 0x80u)
            n--;
    }
    memcpy(said->text + at, text, n);
    said->text[at + n] = '\0';
}

static void add_words(struct live_said *said, const struct live_dialect *d, struct voicegw_json words)
{
    struct voicegw_json_iter it = voicegw_json_each(words);
    char one[512], word[256];
    while (voicegw_json_next(&it)) {
        struct voicegw_json_writer w = voicegw_json_writer_of(one, sizeof one);
        if (voicegw_json_get_string(it.value, d->word_names[0], word, sizeof word) <= 0)
            continue;
        double start = voicegw_json_get_double(it.value, d->word_names[1], -1);
        double end = voicegw_json_get_double(it.value, d->word_names[2], -1);
        double confidence = voicegw_json_get_double(it.value, d->word_names[3], -1);
        voicegw_json_put_object(&w, NULL);
        voicegw_json_put_string(&w, "word", word);
        if (start >= 0 && end >= start && end < 1e9) {
            voicegw_json_put_int(&w, "start_ms", (int64_t)(start * d->word_unit_ms));
            voicegw_json_put_int(&w, "end_ms", (int64_t)(end * d->word_unit_ms));
        }
        if (confidence >= 0)
            voicegw_json_put_double(&w, "confidence", confidence);
        voicegw_json_put_end(&w);
        int64_t n = voicegw_json_finish(&w);
        if (n < 0 || said->words_used + (size_t)n + 2 > sizeof said->words)
            return;
        if (said->words_used)
            said->words[said->words_used++] = ',';
        memcpy(said->words + said->words_used, one, (size_t)n + 1);
        said->words_used += (size_t)n;
    }
}

static void settle(struct live_said *said, const struct live_dialect *d, const struct live_news *news)
{
    double weight = (double)(strlen(said->text) - said->settled);
    said->settled = strlen(said->text);
    if (weight > 0 && news->confidence >= 0) {
        said->confidence_sum += news->confidence * weight;
        said->weight += weight;
    }
    if (weight > 0 && news->start_s >= 0) {
        if (said->start_s < 0)
            said->start_s = news->start_s;
        said->end_s = news->end_s;
    }
    add_words(said, d, news->words);
}

uint32_t live_said_take(struct live_said *said, const struct live_dialect *dialect, const struct live_news *news)
{
    char before[sizeof said->text];
    if (!news->heard)
        return 0;
    memcpy(before, said->text, strlen(said->text) + 1);
    said->text[said->settled] = '\0';
    put_behind(said, news->text);
    if (news->language[0])
        memcpy(said->language, news->language, sizeof said->language);
    if (news->settled)
        settle(said, dialect, news);
    return strcmp(before, said->text) != 0;
}

double live_said_confidence(const struct live_said *said)
{
    return said->weight > 0 ? said->confidence_sum / said->weight : -1;
}
