#include "queue.h"
#include <stdlib.h>
#include <string.h>
#include "voicegw/status.h"

struct mark {
    struct mark *next;
    size_t bytes;
    char name[];
};

struct queue_item {
    struct queue_item *next;
    uint64_t number;
    uint8_t *audio;
    size_t bytes, given, room;
    struct mark *marks, **marks_end;
    uint32_t begun, ended; /* the host has of it; no more audio comes of it */
};

static struct queue_item *item_new(struct queue *q)
{
    struct queue_item *item = calloc(1, sizeof *item);
    if (!item)
        return NULL;
    item->number = ++q->number;
    item->marks_end = &item->marks;
    if (q->last)
        q->last->next = item;
    else
        q->first = item;
    q->last = item;
    if (!q->next)
        q->next = item;
    return item;
}

int32_t queue_audio(struct queue *q, const uint8_t *audio, size_t bytes)
{
    struct queue_item *item = q->last;
    if (!bytes)
        return VOICEGW_OK;
    if ((!item || item->marks || item->ended) && !(item = item_new(q)))
        return VOICEGW_ELIMIT;
    if (item->given == item->bytes)
        item->given = item->bytes = 0;
    if (item->room - item->bytes < bytes) {
        size_t room = item->bytes + bytes + item->bytes / 2;
        uint8_t *more = realloc(item->audio, room);
        if (!more)
            return VOICEGW_ELIMIT;
        item->audio = more;
        item->room = room;
    }
    memcpy(item->audio + item->bytes, audio, bytes);
    item->bytes += bytes;
    return VOICEGW_OK;
}

int32_t queue_mark(struct queue *q, const char *name, size_t bytes)
{
    struct queue_item *item = q->last;
    if (!item)
        return 1;
    struct mark *m = q->marks < QUEUE_MARKS_MAX ? malloc(sizeof *m + bytes) : NULL;
    if (!m)
        return VOICEGW_ELIMIT;
    m->next = NULL;
    m->bytes = bytes;
    memcpy(m->name, name, bytes);
    *item->marks_end = m;
    item->marks_end = &m->next;
    q->marks++;
    return 0;
}

void queue_rest(struct queue *q)
{
    if (q->last)
        q->last->ended = 1;
}

enum queue_step queue_next(struct queue *q, uint64_t *ret_item, const uint8_t **ret_audio, size_t *ret_bytes)
{
    while (q->next) {
        struct queue_item *item = q->next;
        if (!item->begun && q->open >= QUEUE_OPEN_MAX)
            return QUEUE_NOTHING;
        q->open += !item->begun;
        item->begun = 1;
        *ret_item = item->number;
        if (item->given < item->bytes) {
            size_t left = item->bytes - item->given;
            *ret_audio = item->audio + item->given;
            *ret_bytes = left < QUEUE_PIECE ? left : QUEUE_PIECE;
            item->given += *ret_bytes;
            return QUEUE_AUDIO;
        }
        if (!item->marks && !item->ended)
            return QUEUE_NOTHING; /* more of it may come */
        q->next = item->next;
        free(item->audio);
        item->audio = NULL;
        item->bytes = item->given = item->room = 0;
        return QUEUE_DONE;
    }
    return QUEUE_NOTHING;
}

static void pop(struct queue *q, void (*echo)(void *arg, const char *name, size_t bytes), void *arg)
{
    struct queue_item *item = q->first;
    q->first = item->next;
    if (!q->first)
        q->last = NULL;
    if (q->next == item)
        q->next = item->next;
    q->open -= item->begun;
    for (struct mark *m = item->marks, *next; m; m = next) {
        next = m->next;
        q->marks--;
        echo(arg, m->name, m->bytes);
        free(m);
    }
    free(item->audio);
    free(item);
}

void queue_over(struct queue *q, uint64_t item, void (*echo)(void *arg, const char *name, size_t bytes), void *arg)
{
    while (q->first && q->first->number <= item)
        pop(q, echo, arg);
}

void queue_clear(struct queue *q, void (*echo)(void *arg, const char *name, size_t bytes), void *arg)
{
    while (q->first)
        pop(q, echo, arg);
}
