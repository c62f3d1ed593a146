/* heap.h - what is due next: a binary heap of times. Equal times come out in the order they went in. Pure. */
#ifndef SIP_HEAP_H
#define SIP_HEAP_H
#include <stddef.h>
#include <stdint.h>

#define SIP_HEAP_NOWHERE SIZE_MAX

struct sip_heap_entry {
    uint64_t at, order;
    void *item;
};

struct sip_heap {
    struct sip_heap_entry *entries;
    size_t count, room;
    uint64_t order;
    /** Tells an item where it stands now, SIP_HEAP_NOWHERE when it left; the place is what sip_heap_remove() takes. */
    void (*moved)(void *item, size_t place);
};

/** 0, or -1 when there is no memory: then nothing changed. */
int sip_heap_add(struct sip_heap *heap, uint64_t at, void *item);
/** Takes out what stands at `place`; a place that is none changes nothing. */
void sip_heap_remove(struct sip_heap *heap, size_t place);
/** The entry that is due first, or NULL. Valid until the heap changes. */
const struct sip_heap_entry *sip_heap_first(const struct sip_heap *heap);
/** Frees the heap's memory; the items are told that they left. */
void sip_heap_clear(struct sip_heap *heap);
#endif
