/* mailbox.h - many senders, one receiver, no lock: senders push on a stack, the receiver takes all of it and turns it
 * round, so each sender's order is kept. */
#ifndef VGW_LOOP_MAILBOX_H
#define VGW_LOOP_MAILBOX_H
#include <stdbool.h>
#include <stddef.h>
#include "loop/loop.h"

struct vgw_mailbox {
    struct vgw_task *pushed;       /* atomic: newest first */
    struct vgw_task *first, *last; /* receiver only: oldest first */
    size_t waiting;                /* atomic */
};
enum vgw_mail { VGW_MAIL_QUEUED_BEFORE, VGW_MAIL_PUSHED, VGW_MAIL_PUSHED_FIRST };
/** Pushes a task unless it is in already. PUSHED_FIRST: the stack was empty, so the receiver must be woken. Thread:
 * any. */
enum vgw_mail vgw_mailbox_push(struct vgw_mailbox *box, struct vgw_task *task);
/** The oldest task, taken out and free to be pushed again, or NULL. Thread: the receiver. */
struct vgw_task *vgw_mailbox_take(struct vgw_mailbox *box);
/** True when there is a task to take. Thread: the receiver. */
bool vgw_mailbox_has(struct vgw_mailbox *box);
/** Tasks waiting. Thread: any. */
size_t vgw_mailbox_count(const struct vgw_mailbox *box);
#endif
