#include "loop/mailbox.h"

enum vgw_mail vgw_mailbox_push(struct vgw_mailbox *box, struct vgw_task *task)
{
    /* Both sides exchange, so a sender that finds the mark set knows that the run to come sees what it wrote before. */
    if (__atomic_exchange_n(&task->queued, 1, __ATOMIC_ACQ_REL))
        return VGW_MAIL_QUEUED_BEFORE;
    __atomic_add_fetch(&box->waiting, 1, __ATOMIC_RELAXED);
    struct vgw_task *head = __atomic_load_n(&box->pushed, __ATOMIC_RELAXED);
    do {
        task->next = head;
    } while (!__atomic_compare_exchange_n(&box->pushed, &head, task, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    return head ? VGW_MAIL_PUSHED : VGW_MAIL_PUSHED_FIRST;
}

static void fetch(struct vgw_mailbox *box)
{
    struct vgw_task *newest = __atomic_exchange_n(&box->pushed, NULL, __ATOMIC_ACQUIRE);
    if (!newest)
        return;
    struct vgw_task *oldest = NULL;
    for (struct vgw_task *t = newest; t;) {
        struct vgw_task *below = t->next;
        t->next = oldest;
        oldest = t;
        t = below;
    }
    if (box->last)
        box->last->next = oldest;
    else
        box->first = oldest;
    box->last = newest;
}

struct vgw_task *vgw_mailbox_take(struct vgw_mailbox *box)
{
    if (!box->first)
        fetch(box);
    struct vgw_task *t = box->first;
    if (!t)
        return NULL;
    box->first = t->next;
    if (!box->first)
        box->last = NULL;
    t->next = NULL;
    __atomic_sub_fetch(&box->waiting, 1, __ATOMIC_RELAXED);
    __atomic_exchange_n(&t->queued, 0, __ATOMIC_ACQ_REL);
    return t;
}

bool vgw_mailbox_has(struct vgw_mailbox *box)
{
    return box->first || __atomic_load_n(&box->pushed, __ATOMIC_ACQUIRE);
}

size_t vgw_mailbox_count(const struct vgw_mailbox *box)
{
    return __atomic_load_n(&box->waiting, __ATOMIC_RELAXED);
}
