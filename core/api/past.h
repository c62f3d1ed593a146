/* past.h - what a feed missed and the ring has lost: read from the store, page by page in the order of ids, then joined
 * to the ring without gap or double. Thread: control; the store works on its own lane. */
#ifndef VGW_API_PAST_H
#define VGW_API_PAST_H
#include <stdbool.h>
#include <stdint.h>
#include "api/api.h"

#define VGW_PAST_PAGE 256u /* events of one query */

struct vgw_past;
/** One that begins behind `last_id` (0: with the oldest that is stored). `wake` is called when a page has come, never
 * from inside vgw_past_next(). NULL: out of memory. */
struct vgw_past *vgw_past_new(struct vgw_api *api, uint64_t last_id, void (*wake)(void *arg), void *arg);
/** Asks how far the store reaches. `opened` is called exactly once, from inside this call or later, unless the past is
 * freed before: 0, VGW_ENOTFOUND (nothing as old is kept: something may be lost), VGW_EBUSY (the API ends), or why the
 * store cannot be read. It may free the past. */
void vgw_past_open(struct vgw_past *p, void (*opened)(void *arg, int status));
/** Takes NULL. A query under way is let go. */
void vgw_past_free(struct vgw_past *p);
/** Frees all that are left, telling those that are not open yet. */
void vgw_pasts_end(struct vgw_api *api);

enum vgw_past_result {
    VGW_PAST_WAIT, /* a page is on its way */
    VGW_PAST_EVENT,
    VGW_PAST_JOIN,  /* the ring holds all that follows: go on there behind vgw_past_last() */
    VGW_PAST_FAILED /* the store cannot be read, or memory is short */
};
/** The next event, borrowed until the next call. */
enum vgw_past_result vgw_past_next(struct vgw_past *p, struct vgw_event **ret_event);
/** The id up to which everything was given. */
uint64_t vgw_past_last(const struct vgw_past *p);
#endif
