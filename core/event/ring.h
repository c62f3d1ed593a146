/* ring.h - the last events, by id. Bounded by number and by bytes; grows only as events come. Thread: control. */
#ifndef VGW_EVENT_RING_H
#define VGW_EVENT_RING_H
#include "event/event.h"

#define VGW_RING_KEEP 100000u               /* events.keep */
#define VGW_RING_BYTES (UINT64_C(96) << 20) /* the bytes that they may take */

struct vgw_ring;
/** `first_id`: the id that the next event gets, at least 1. `keep` and `bytes` 0: the defaults. NULL when out of
 * memory. */
struct vgw_ring *vgw_ring_new(uint64_t first_id, size_t keep, uint64_t bytes);
void vgw_ring_free(struct vgw_ring *r); /* takes NULL */
/** Gives the event the next id and keeps a reference; the oldest go when a bound is passed. VGW_ELIMIT: out of memory.
 */
int vgw_ring_append(struct vgw_ring *r, struct vgw_event *e);
/** The event of an id, borrowed, or NULL when it is not kept. */
struct vgw_event *vgw_ring_at(const struct vgw_ring *r, uint64_t id);
/** The oldest id kept; the next one when nothing is. */
uint64_t vgw_ring_oldest(const struct vgw_ring *r);
/** The id that the next event gets. */
uint64_t vgw_ring_next(const struct vgw_ring *r);
/** Where a reader that has seen `last_id` goes on; 0 means it wants all that is kept. VGW_ENOTFOUND: the log no longer
 * holds what came after it (or never gave that id). */
int vgw_ring_resume(const struct vgw_ring *r, uint64_t last_id, uint64_t *ret_next_id);
size_t vgw_ring_count(const struct vgw_ring *r);
uint64_t vgw_ring_bytes(const struct vgw_ring *r);
/** The first id of a run: the wall clock's microseconds, or the first id that no earlier run can have used (`mark`, the
 * journal's), whichever is greater. As no gateway publishes a million events a second for long, ids of two runs never
 * meet, and they fit a double. */
uint64_t vgw_ring_first_id(int64_t wall_us, uint64_t mark);
#endif
