/* heap.c - a binary heap of times. */
#include "heap.h"
#include <stdlib.h>

static int before(const struct sip_heap_entry *a, const struct sip_heap_entry *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void put(struct sip_heap *h, size_t place, struct sip_heap_entry e)
{
    h->entries[place] = e;
    h->moved(e.item, place);
}

static void rise(struct sip_heap *h, size_t place, struct sip_heap_entry e)
{
    while (place > 0 && before(&e, &h->entries[(place - 1) / 2])) {
        put(h, place, h->entries[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(h, place, e);
}

static void sink(struct sip_heap *h, size_t place, struct sip_heap_entry e)
{
    for (;;) {
        size_t child = 2 * place + 1;
        if (child >= h->count)
            break;
        if (child + 1 < h->count && before(&h->entries[child + 1], &h->entries[child]))
            child++;
        if (!before(&h->entries[child], &e))
            break;
        put(h, place, h->entries[child]);
        place = child;
    }
    put(h, place, e);
}

int sip_heap_add(struct sip_heap *h, uint64_t at, void *item)
{
    if (h->count == h->room) {
        size_t room = h->room ? h->room * 2 : 64;
        struct sip_heap_entry *bigger = realloc(h->entries, room * sizeof *bigger);
        if (!bigger)
            return -1;
        h->entries = bigger;
        h->room = room;
    }
    rise(h, h->count++, (struct sip_heap_entry){at, h->order++, item});
    return 0;
}

void sip_heap_remove(struct sip_heap *h, size_t place)
{
    if (place >= h->count)
        return;
    h->moved(h->entries[place].item, SIP_HEAP_NOWHERE);
    struct sip_heap_entry last = h->entries[--h->count];
    if (place == h->count)
        return;
    if (place > 0 && before(&last, &h->entries[(place - 1) / 2]))
        rise(h, place, last);
    else
        sink(h, place, last);
}

const struct sip_heap_entry *sip_heap_first(const struct sip_heap *h)
{
    return h->count ? &h->entries[0] : NULL;
}

void sip_heap_clear(struct sip_heap *h)
{
    while (h->count)
        h->moved(h->entries[--h->count].item, SIP_HEAP_NOWHERE);
    free(h->entries);
    h->entries = NULL;
    h->room = 0;
}
