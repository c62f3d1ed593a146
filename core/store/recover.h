/* recover.h - settles what an earlier run has left open: pure, from the operations in the journal and the rows of the
 * store.
 *
 * The journal holds what the store may not have yet, so it is newer: give the store's open rows first, then the
 * journal's operations in their order. What is still open at the end is closed as interrupted, once; what is finished
 * stays as it is. A session that is open but has an end_time and an outcome (completed, failed, busy, no_answer,
 * canceled) as its reason lacks its record alone: its calls were over, so it ends with that outcome. */
#ifndef VGW_STORE_RECOVER_H
#define VGW_STORE_RECOVER_H
#include "base/json.h"
#include "event/event.h"

struct vgw_recover;
struct vgw_recover *vgw_recover_new(void);    /* NULL: out of memory */
void vgw_recover_free(struct vgw_recover *r); /* takes NULL */
/** An operation of the journal, or several in an array, as text; what concerns neither sessions nor calls is passed
 * over, so is what cannot be read (counted). VGW_ELIMIT: out of memory. */
int vgw_recover_op(struct vgw_recover *r, const void *text, size_t len);
/** A row of the store: "sessions" with {"status": "active"} or "calls" with {"status": null}; borrowed. */
int vgw_recover_row(struct vgw_recover *r, const char *table, const struct vgw_json *row);

/** What is to be done. `op` is for vgw_store_write() and becomes the callee's; `e`, not NULL for calls and sessions
 * that end now, is for vgw_bus_publish() and becomes the callee's. Either may be NULL when out of memory. */
typedef void (*vgw_recover_fn)(void *arg, struct vgw_json *op, struct vgw_event *e);
/** Calls fn for each call, then each session, that was open: calls end as "interrupted" (state ended, event
 * call_ended), sessions too (voice.session.stopped). Returns how many were open. */
size_t vgw_recover_settle(struct vgw_recover *r, int64_t now_us, vgw_recover_fn fn, void *arg);
/** Walks the open calls, before settling: the providers are told that they are over. */
bool vgw_recover_next_call(const struct vgw_recover *r, size_t *cursor, const struct vgw_json **ret_call);
/** Operations that could not be read. */
size_t vgw_recover_unreadable(const struct vgw_recover *r);
#endif
