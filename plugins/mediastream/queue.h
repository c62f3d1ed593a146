/* queue.h - what an application wants the caller to hear: audio and marks in their order, handed on to the host in
 * items that end where a mark stands, so that a mark goes back when what lies before it was heard. Pure apart from
 * memory. One owner. */
#ifndef MEDIASTREAM_QUEUE_H
#define MEDIASTREAM_QUEUE_H
#include <stddef.h>
#include <stdint.h>

#define QUEUE_OPEN_MAX 24u    /* items that the host has and that are not heard: it takes a bounded number */
#define QUEUE_MARKS_MAX 1000u /* marks that wait */
#define QUEUE_PIECE 8000u     /* bytes handed on at a time: a second */

struct queue_item;
struct queue {
    struct queue_item *first, *last;
    struct queue_item *next; /* the first that is not all with the host */
    uint64_t number;         /* of the newest item */
    uint32_t open, marks;
};

/** mu-law at 8000 Hz behind what is there. 0, or VOICEGW_ELIMIT: out of memory. */
int32_t queue_audio(struct queue *q, const uint8_t *audio, size_t bytes);
/** A mark behind what is there; its name is any text, copied. 0: it waits. 1: nothing lies before it, it is to go back
 * at once. VOICEGW_ELIMIT: QUEUE_MARKS_MAX wait, or out of memory. */
int32_t queue_mark(struct queue *q, const char *name, size_t bytes);
/** Nothing came for so long that all must have been heard: the last item ends, mark or not. */
void queue_rest(struct queue *q);

enum queue_step { QUEUE_NOTHING, QUEUE_AUDIO, QUEUE_DONE };
/** What the host is to be told next: a piece of an item's audio (valid until the next call), or that the item is
 * complete. */
enum queue_step queue_next(struct queue *q, uint64_t *ret_item, const uint8_t **ret_audio, size_t *ret_bytes);

/** The items up to this one are over: `echo` is called with each of their marks, in order. */
void queue_over(struct queue *q, uint64_t item, void (*echo)(void *arg, const char *name, size_t bytes), void *arg);
/** Forgets everything; the marks go back. */
void queue_clear(struct queue *q, void (*echo)(void *arg, const char *name, size_t bytes), void *arg);

#endif
