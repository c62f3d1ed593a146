/* item.c - the model's answers on their way to the caller's ear. It speaks faster than it is heard: what stands in the
 * transcript is told when it has been heard, or when it was cut. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "realtime.h"

#define PART_MS 200u /* of audio that is handed on at once */

static struct rt_item *find(struct rt *s, const char *id)
{
    for (uint32_t i = 0; i < s->item_count; i++)
        if (strcmp(s->items[i].id, id) == 0)
            return &s->items[i];
    return NULL;
}

static void tell(struct rt *s, const char *text)
{
    if (!text || !*text)
        return;
    (void)s->o->out->on_transcript(s->o->host, s->handle, "assistant", 1, text);
    (void)chat_history_add(&s->history, s->turns, CHAT_ASSISTANT, text, NULL);
}

static void leave(struct rt *s, struct rt_item *item)
{
    uint32_t at = (uint32_t)(item - s->items);
    free(item->text);
    s->item_count--;
    memmove(item, item + 1, (s->item_count - at) * sizeof *item);
}

static void on_heard(void *arg);

/* The next item that will have been heard. */
static void watch(struct rt *s)
{
    int64_t now = s->o->host->now_us(s->o->host), next = INT64_MAX;
    rt_stop_timer(s, &s->heard_timer);
    for (uint32_t i = 0; i < s->item_count; i++)
        if (s->items[i].audio_done && s->items[i].text_done && s->items[i].end_us < next)
            next = s->items[i].end_us;
    if (next != INT64_MAX)
        s->heard_timer = s->o->host->timer_start(s->o->host, s->handle, next > now ? next - now : 0, on_heard, s);
}

static void on_heard(void *arg)
{
    struct rt *s = arg;
    int64_t now = s->o->host->now_us(s->o->host);
    s->heard_timer = 0;
    for (uint32_t i = 0; i < s->item_count;) {
        struct rt_item *item = &s->items[i];
        if (!item->audio_done || !item->text_done || item->end_us > now) {
            i++;
            continue;
        }
        tell(s, item->text);
        leave(s, item);
    }
    watch(s);
    rt_renew_if_quiet(s);
}

static struct rt_item *item_of(struct rt *s, const char *id)
{
    struct rt_item *item = find(s, id);
    if (item)
        return item;
    if (s->item_count == RT_ITEMS) {
        tell(s, s->items[0].text);
        leave(s, &s->items[0]);
    }
    item = &s->items[s->item_count++];
    memset(item, 0, sizeof *item);
    (void)snprintf(item->id, sizeof item->id, "%s", id);
    return item;
}

static void hand_on(struct rt *s, struct rt_item *item, const uint8_t *data, uint32_t bytes)
{
    uint32_t part = PART_MS * s->bytes_per_ms;
    while (bytes) {
        uint32_t n = bytes < part ? bytes : part;
        struct voicegw_frame frame = {.size = sizeof frame,
                                      .encoding = s->encoding,
                                      .rate = s->rate,
                                      .timestamp = (uint64_t)item->ms * s->rate / 1000,
                                      .data = data,
                                      .bytes = n,
                                      .samples = s->encoding == VOICEGW_AUDIO_L16 ? n / 2 : n};
        (void)s->o->out->on_audio(s->o->host, s->handle, item->id, &frame);
        item->ms += n / s->bytes_per_ms;
        data += n;
        bytes -= n;
    }
}

void rt_item_audio(struct rt *s, const char *id, const char *base64, uint64_t bytes)
{
    const struct voicegw_host *h = s->o->host;
    struct rt_item *item = item_of(s, id);
    uint8_t *audio = malloc(bytes / 4 * 3 + 4);
    int64_t now = h->now_us(h);
    int64_t n = audio ? s->o->crypto->base64_decode(h, base64, bytes, audio, bytes / 4 * 3 + 4) : VOICEGW_ELIMIT;
    uint32_t before = item->ms;
    if (n < 0 || item->ms >= RT_ITEM_MS) {
        h->count(h, n < 0 ? "bad_events" : "audio_dropped", 1);
        free(audio);
        return;
    }
    hand_on(s, item, audio, (uint32_t)n);
    free(audio);
    if (s->play_end_us < now)
        s->play_end_us = now;
    s->play_end_us += (int64_t)(item->ms - before) * 1000;
    item->end_us = s->play_end_us;
}

void rt_item_audio_done(struct rt *s, const char *id)
{
    struct rt_item *item = find(s, id);
    if (!item)
        return;
    (void)s->o->out->on_item_done(s->o->host, s->handle, id);
    item->audio_done = 1;
    watch(s);
}

void rt_item_text(struct rt *s, const char *id, const char *text, uint32_t done)
{
    struct rt_item *item = item_of(s, id);
    size_t before = item->text && !done ? strlen(item->text) : 0, n = strlen(text);
    char *grown = before + n <= CHAT_TEXT_MAX ? realloc(item->text, before + n + 1) : NULL;
    if (grown) {
        memcpy(grown + before, text, n + 1);
        item->text = grown;
    }
    if (!done)
        return;
    item->text_done = 1;
    if (!item->ms)
        item->end_us = s->o->host->now_us(s->o->host);
    watch(s);
}

/* What was heard of its text: as much as of its audio, back to the end of a word. */
static void cut_text(struct rt_item *item, uint32_t heard_ms)
{
    size_t n = item->text ? strlen(item->text) : 0;
    if (!n || !item->ms || heard_ms >= item->ms)
        return;
    size_t keep = (size_t)((uint64_t)n * heard_ms / item->ms);
    while (keep && item->text[keep] != ' ' && item->text[keep] != '\0')
        keep--;
    item->text[keep] = '\0';
}

uint32_t rt_item_cut(struct rt *s, const char *id, uint32_t heard_ms)
{
    struct rt_item *item = find(s, id);
    if (!item)
        return 0;
    if (heard_ms > item->ms)
        heard_ms = item->ms;
    rt_send(s, rt_wire_heard(&s->o->dialect, id, heard_ms));
    cut_text(item, heard_ms);
    tell(s, item->text);
    leave(s, item);
    s->play_end_us = s->o->host->now_us(s->o->host);
    watch(s);
    return 1;
}

void rt_items_free(struct rt *s)
{
    rt_stop_timer(s, &s->heard_timer);
    while (s->item_count)
        leave(s, &s->items[s->item_count - 1]);
}
